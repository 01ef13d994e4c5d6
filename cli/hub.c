#include "hub/program.h"

#include "cli/cli.h"

int cmd_hub(int argc, char **argv)
{
	return hub_main(argc, argv);
}
