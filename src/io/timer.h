/*
 * timer.h - deadlines on one hierarchical wheel. Time comes in as an argument;
 * nothing here reads a clock.
 *
 * Units:  ms_t is milliseconds since an arbitrary start, never wall time.
 *         wall_t is milliseconds since 1970 UTC, for records only.
 * Owner:  the timer is embedded in the object it serves; stop it before
 *         freeing that object. A zeroed struct timer is a stopped one.
 * Order:  timers due in the same millisecond fire in an order that depends only on what was
 *         armed when, so a run repeats exactly.
 * Cost:   start and stop O(1).
 */
#ifndef IO_TIMER_H
#define IO_TIMER_H
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

typedef uint64_t ms_t;		/* the two typedefs of the house: units */
typedef int64_t wall_t;
#define MS_NEVER UINT64_MAX

struct timer {
	struct list link;
	ms_t at;
	void (*fn)(void *arg);
	void *arg;
};

enum { WHEEL_BITS = 8, WHEEL_LEVELS = 5, WHEEL_SLOTS = 1 << WHEEL_BITS };

struct timers {
	struct list slot[WHEEL_LEVELS][WHEEL_SLOTS];
	uint64_t used[WHEEL_LEVELS][WHEEL_SLOTS / 64];	/* bit: slot may be non-empty */
	ms_t now;
	uint32_t armed;
};

void timers_init(struct timers *w, ms_t now);
/* fn(arg) once, `delay` ms after w->now. An armed timer is moved. */
void timer_start(struct timers *w, struct timer *t, ms_t delay, void (*fn)(void *), void *arg);
void timer_stop(struct timers *w, struct timer *t);	/* not armed: no-op */
bool timer_armed(const struct timer *t);
/* A lower bound of the next deadline, after `now` unless a timer is due; MS_NEVER: none. */
ms_t timers_next(const struct timers *w);
/* Moves w->now on; false, and nothing moves: timers_next() is not after `now`. */
bool timers_move(struct timers *w, ms_t now);
/* Fires the oldest due timer and returns true; false: none is due at `now`. The
 * caller runs its turn between two timers. Sets w->now. */
bool timers_step(struct timers *w, ms_t now);

#endif
