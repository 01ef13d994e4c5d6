#include "t_sdp.h"

int main(void)
{
	return (run_sdp() | run_crypto() | run_negotiate()) != 0;
}
