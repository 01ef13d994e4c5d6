/* Messages between signalling and media: whatever passes the check is obeyed without harm. */
#include <stdlib.h>
#include <string.h>

#include "media/relay.h"

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n);

enum { SLOTS = 4 };

static void nowhere(void *ctx, uint32_t slot, bool rtcp, const struct addr *to, const uint8_t *p, size_t n)
{
	(void)ctx;
	(void)rtcp;
	(void)p;
	if (slot >= SLOTS || !n || to->family == ADDR_NONE)
		abort();
}

static void heard(void *ctx, const struct media_msg *m)
{
	(void)ctx;
	if (!media_msg_good(m, SLOTS))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n)
{
	struct relay_io io = { nowhere, heard, NULL };
	struct rng rng;
	struct relay *r;
	ms_t now = 1000;

	rng_seed(&rng, 1);
	r = relay_new(SLOTS, &io, &rng);
	for (size_t i = 0; i < n; now += 100) {
		struct media_msg m = { 0 };
		size_t len = n - i < sizeof m ? n - i : sizeof m;

		memcpy(&m, d + i, len);
		i += len;
		if (m.op != MEDIA_POOL && media_msg_good(&m, SLOTS))
			relay_msg(r, &m, now);
		relay_tick(r, now);
	}
	relay_free(r);
	return 0;
}
