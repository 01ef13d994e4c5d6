#include <stdio.h>
#include <string.h>

#include "app/server.h"
#include "base/str.h"
#include "cli/cli.h"

int cmd_media(int argc, char **argv)
{
	uint32_t fd;

	if (argc == 3 && !strcmp(argv[1], "--fd") && str_u32(str_of(argv[2]), 1024, &fd) == OK)
		return server_media((int)fd);
	fprintf(stderr, "tandem media is started by `tandem serve`; it is not run by hand.\n");
	return 1;
}
