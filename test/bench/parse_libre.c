/*
 * parse_libre.c - S3, the baseline: the same INVITE through libre's
 * sip_msg_decode() and its release. Prints {"ns":...,"bytes":...}.
 */
#include <stdio.h>
#include <time.h>

#include <re/re.h>

#include "parse_msg.h"

static int parse(struct mbuf *mb, int rounds)
{
	struct sip_msg *m = NULL;
	int good = 0;

	for (int i = 0; i < rounds; i++) {
		mb->pos = 0;
		if (sip_msg_decode(&m, mb) == 0)
			good++;
		m = mem_deref(m);
	}
	return good;
}

int main(void)
{
	struct mbuf *mb = mbuf_alloc(sizeof parse_msg);
	clock_t start;
	int good;

	(void)mbuf_write_mem(mb, (const uint8_t *)parse_msg, sizeof parse_msg - 1);
	(void)parse(mb, PARSE_ROUNDS / 10);
	start = clock();
	good = parse(mb, PARSE_ROUNDS);
	printf("{\"ns\":%.1f,\"bytes\":%zu}\n",
	       (double)(clock() - start) * 1e9 / CLOCKS_PER_SEC / PARSE_ROUNDS,
	       sizeof parse_msg - 1);
	mem_deref(mb);
	return good == PARSE_ROUNDS ? 0 : 1;
}
