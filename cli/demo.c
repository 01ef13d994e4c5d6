#include <stdio.h>
#include <string.h>

#include "app/demo.h"
#include "cli/cli.h"

int cmd_demo(int argc, char **argv)
{
	if (argc == 1)
		return demo_main("build/demo");
	if (argc > 2 && !strcmp(argv[1], "--behind-nat"))	/* started by the demo itself */
		return demo_nat_inside(argc - 2, argv + 2);
	if (argc == 3 && !strcmp(argv[1], "--nat"))
		return demo_nat_main(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "--out"))
		return demo_main(argv[2]);
	fprintf(stderr, "usage: tandem demo [--out DIR]\n");
	return 1;
}
