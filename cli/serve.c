#include <stdio.h>
#include <string.h>

#include "app/server.h"
#include "cli/cli.h"

int cmd_serve(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "-c"))
		return server_main(argv[2]);
	fprintf(stderr, "usage: tandem serve -c tandem.yaml\n");
	return 1;
}
