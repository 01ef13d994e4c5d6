/* Any order of events and time: no cell is undecided, at most one timer, none after the end. */
#include <stdlib.h>

#include "sip/tsx.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

struct bed {
	struct timers w;
	struct tsx t;
	bool ended;
};

static void check(struct bed *b, unsigned acts)
{
	if (b->ended && acts)
		abort();	/* the dead ask for nothing */
	b->ended = b->ended || (acts & TSX_DO_END);
	if (!tsx_has((enum tsx_kind)b->t.kind, (enum tsx_state)b->t.state))
		abort();
	if (b->w.armed > 1 || (b->ended && b->w.armed))
		abort();
	if (b->ended != (b->t.state == TSX_DEAD))
		abort();
}

static void fired(void *arg)
{
	struct bed *b = arg;

	check(b, tsx_fired(&b->t, &b->w));
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct tsx_times times = { 500, 4000, 5000 };
	static struct bed b;	/* large, and set up anew each time */
	ms_t now = 1;

	if (n < 1)
		return 0;
	timers_init(&b.w, now);
	b.ended = false;
	tsx_init(&b.t, (enum tsx_kind)(p[0] & 3), p[0] & 4, &times, fired, &b);
	check(&b, tsx_step(&b.t, &b.w, TSX_START));
	for (size_t i = 1; i < n; i++) {
		if (p[i] < 128) {
			check(&b, tsx_step(&b.t, &b.w,
					   (enum tsx_event)(1 + p[i] % (TSX_NEVENT - 1))));
			continue;
		}
		now += (ms_t)(p[i] - 127) * (p[i] & 1 ? 10 : 600);
		while (timers_step(&b.w, now))
			;
	}
	tsx_stop(&b.t, &b.w);
	return 0;
}
