#include "t_conf.h"

int main(void)
{
	return (run_credentials() + run_mistakes()) != 0;
}
