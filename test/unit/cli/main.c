#include <stdio.h>

#include "t_cli.h"

int main(void)
{
	/* What commands tell people is not the test's output. */
	if (!freopen("/dev/null", "w", stderr))
		return 1;
	return (run_args() + run_client() + run_commands() + run_reference() + run_table()) != 0;
}
