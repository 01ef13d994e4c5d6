/* flow_run FILE...: each .flow file is one test; the output is TAP. -v shows ladders. */
#include <stdio.h>
#include <string.h>

#include "sim/flow.h"

int main(int argc, char **argv)
{
	enum { WHY_MAX = 65536 };
	bool verbose = argc > 1 && !strcmp(argv[1], "-v");
	int first = verbose ? 2 : 1, bad = 0;
	char *why = mem_new(WHY_MAX);

	if (first >= argc) {
		fprintf(stderr, "usage: flow_run [-v] FILE.flow ...\n");
		mem_free(why);
		return 2;
	}
	printf("1..%d\n", argc - first);
	for (int i = first; i < argc; i++) {
		bool ok = flow_run_file(argv[i], verbose, why, WHY_MAX);

		bad += !ok;
		if (ok)
			printf("ok %d - %s\n", i - first + 1, argv[i]);
		else
			printf("not ok %d - %s: %s", i - first + 1, argv[i], why);
		(void)fflush(stdout);
	}
	mem_free(why);
	return bad ? 1 : 0;
}
