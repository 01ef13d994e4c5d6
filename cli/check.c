#include <stdio.h>
#include <string.h>

#include "app/check.h"
#include "cli/cli.h"

int cmd_check(int argc, char **argv)
{
	const char *config = NULL, *site = NULL;

	for (int i = 1; i + 1 < argc; i += 2)
		if (!strcmp(argv[i], "-c"))
			config = argv[i + 1];
		else if (!strcmp(argv[i], "-f"))
			site = argv[i + 1];
	if (config && argc % 2 == 1)
		return check_main(config, site);
	fprintf(stderr, "usage: tandem check -c tandem.yaml [-f site.yaml]\n");
	return 1;
}
