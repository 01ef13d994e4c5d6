/*
 * parse_ir.c - parses each file named, many times; callgrind counts what that takes (gate.py).
 * A message that is refused counts as well: refusing costs, too.
 */
#include <stdio.h>
#include <string.h>

#include "sip/limits.h"
#include "sip/msg.h"

enum { TIMES = 200, BYTES = 8192 };

int main(int argc, char **argv)
{
	static char text[BYTES];
	struct arena a;

	if (argc == 2 && !strcmp(argv[1], "--compiler")) {
#ifdef __clang__
		puts("clang " __clang_version__);
#else
		puts("gcc " __VERSION__);
#endif
		return 0;
	}
	arena_init(&a, SIP_ARENA_MAX);
	for (int i = 1; i < argc; i++) {
		FILE *f = fopen(argv[i], "rb");
		size_t n = f ? fread(text, 1, sizeof text, f) : 0;

		if (f)
			fclose(f);
		if (!n) {
			fprintf(stderr, "parse_ir: cannot read %s\n", argv[i]);
			return 1;
		}
		for (int k = 0; k < TIMES; k++) {
			struct sip_msg *m;
			struct sip_refuse r;

			arena_reset(&a);
			(void)sip_msg_parse((struct str){ text, n }, &a, &m, &r);	/* see above */
		}
	}
	arena_close(&a);
	return 0;
}
