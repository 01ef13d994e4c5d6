/* The wheel against a bare array of deadlines: each fires once, in its own millisecond. */
#include <stdlib.h>

#include "io/timer.h"

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n);

enum { N = 16 };

struct shot { struct timers *w; struct timer t; ms_t due; };

static void fire(void *arg)
{
	struct shot *s = arg;

	if (s->due != s->w->now)
		abort();
	s->due = MS_NEVER;
}

static void check(struct timers *w, struct shot *s)
{
	ms_t next = timers_next(w), least = MS_NEVER;
	uint32_t armed = 0;

	for (int i = 0; i < N; i++) {
		armed += timer_armed(&s[i].t);
		if (timer_armed(&s[i].t) != (s[i].due != MS_NEVER) || s[i].due < w->now)
			abort();
		least = s[i].due < least ? s[i].due : least;
	}
	if (armed != w->armed || next > least)
		abort();
	if (next == w->now && least != w->now)
		abort();		/* a loop that waits for it would spin */
}

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n)
{
	static struct timers w;
	struct shot s[N];

	timers_init(&w, n ? (ms_t)d[0] << (d[0] & 31) : 0);
	for (int i = 0; i < N; i++)
		s[i] = (struct shot){ .w = &w, .due = MS_NEVER };
	for (size_t i = 1; i + 2 < n; i += 3) {
		struct shot *x = &s[d[i] % N];
		ms_t delay = ((ms_t)d[i + 1] << 4 | 15) << (d[i + 2] % 36) >> 4;

		if (d[i] & 0x80) {
			while (timers_step(&w, w.now + (d[i] & 0x40 ? delay : d[i + 1])))
				;
		} else if (d[i] & 0x40) {
			timer_stop(&w, &x->t);
			x->due = MS_NEVER;
		} else {
			timer_start(&w, &x->t, delay, fire, x);
			x->due = w.now + delay;
		}
		check(&w, s);
	}
	return 0;
}
