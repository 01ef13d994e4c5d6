#include "t_conf.h"

int main(void)
{
	return run_credentials() != 0;
}
