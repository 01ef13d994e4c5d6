/*
 * parse.c - S3, ours: CPU nanoseconds to parse one INVITE as a turn does, the
 * arena's reset included. Prints {"ns":...,"bytes":...}.
 */
#include <stdio.h>
#include <time.h>

#include "parse_msg.h"
#include "sip/msg.h"

static int parse(struct arena *a, int rounds)
{
	struct str bytes = { parse_msg, sizeof parse_msg - 1 };
	struct sip_refuse refuse;
	struct sip_msg *m;
	int good = 0;

	for (int i = 0; i < rounds; i++) {
		arena_reset(a);
		if (!sip_msg_parse(bytes, a, &m, &refuse) && m->method == SIP_INVITE)
			good++;
	}
	return good;
}

int main(void)
{
	struct arena a;
	clock_t start;
	int good;

	arena_init(&a, 1 << 20);
	(void)parse(&a, PARSE_ROUNDS / 10);		/* warm caches, whatever they say */
	start = clock();
	good = parse(&a, PARSE_ROUNDS);
	printf("{\"ns\":%.1f,\"bytes\":%zu}\n",
	       (double)(clock() - start) * 1e9 / CLOCKS_PER_SEC / PARSE_ROUNDS,
	       sizeof parse_msg - 1);
	arena_close(&a);
	return good == PARSE_ROUNDS ? 0 : 1;
}
