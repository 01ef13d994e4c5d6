/*
 * overload.h - how much of what is new is turned away, by how long input waits before it is
 * read. Pure. A queue that stays long is a queue that only delays: above OVERLOAD_DELAY_MS on
 * average the share that is refused grows, below half of it it shrinks, every OVERLOAD_EVERY_MS
 * (RFC 6357 is the view behind it; RFC 7339's feedback to the peer is a 503 with Retry-After).
 * Does not: touch what belongs to calls that are up. Test: test/unit/sip/t_source.c
 */
#ifndef SIP_OVERLOAD_H
#define SIP_OVERLOAD_H
#include <stdbool.h>

#include "base/rng.h"
#include "io/timer.h"

enum {
	OVERLOAD_DELAY_MS = 50, OVERLOAD_EVERY_MS = 100,
	OVERLOAD_STEP = 100, OVERLOAD_MOST = 950,	/* thousandths that are refused */
	OVERLOAD_RETRY_MIN_S = 5, OVERLOAD_RETRY_MAX_S = 60,
};

struct overload {
	ms_t born, window;	/* the first input was read; this window began */
	uint64_t sum;		/* of delays, ms */
	uint32_t n, shed;	/* shed: thousandths of new calls */
	uint64_t refused;
};

/* An input was read `delay` ms after it came. What came before the first one was read waited for our
 * start, which is no load. */
void overload_note(struct overload *o, ms_t now, ms_t delay);
/* Is this new call turned away? *retry_s: what to tell it, different each time. */
bool overload_refuses(struct overload *o, struct rng *r, unsigned *retry_s);

#endif
