#include "t_io.h"

int main(void)
{
	return run_tls() != 0;
}
