#include <stdio.h>

#include "cli/cli.h"

int cmd_version(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	printf("tandem %s\n", TANDEM_VERSION);
	return 0;
}
