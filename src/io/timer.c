#include "io/timer.h"

#include <stddef.h>

enum { MASK = WHEEL_SLOTS - 1 };

/* Level k covers deadlines whose distance is below 256^(k+1) ms; the last one also takes
 * what is further away (it cascades again when its slot comes up). */
static void place(struct timers *w, struct timer *t)
{
	ms_t at = t->at, d;
	int level = 0;
	unsigned i;

	if (at < w->now)
		at = w->now;
	d = at - w->now;
	while (level < WHEEL_LEVELS - 1 && d >> (WHEEL_BITS * (level + 1)))
		level++;
	if (d >> (WHEEL_BITS * WHEEL_LEVELS))
		at = w->now + ((1ull << (WHEEL_BITS * WHEEL_LEVELS)) - 1);
	i = (unsigned)(at >> (WHEEL_BITS * level)) & MASK;
	list_append(&w->slot[level][i], &t->link);
	w->used[level][i / 64] |= 1ull << (i % 64);
}

void timers_init(struct timers *w, ms_t now)
{
	*w = (struct timers){ .now = now };
	for (int k = 0; k < WHEEL_LEVELS; k++)
		for (int i = 0; i < WHEEL_SLOTS; i++)
			list_init(&w->slot[k][i]);
}

bool timer_armed(const struct timer *t)
{
	return t->link.next != NULL;
}

void timer_stop(struct timers *w, struct timer *t)
{
	if (!timer_armed(t))
		return;
	list_remove(&t->link);
	w->armed--;
}

void timer_start(struct timers *w, struct timer *t, ms_t delay, void (*fn)(void *), void *arg)
{
	timer_stop(w, t);
	t->at = w->now + delay < w->now ? MS_NEVER : w->now + delay;
	t->fn = fn;
	t->arg = arg;
	w->armed++;
	place(w, t);
}

/* Index of the first possibly used slot of a level at or after `from`, going round;
 * WHEEL_SLOTS: none. Clears bits of slots that turned out empty. */
static unsigned first_used(struct timers *w, int level, unsigned from)
{
	for (unsigned k = 0; k < WHEEL_SLOTS;) {
		unsigned i = (from + k) & MASK;
		uint64_t bits = w->used[level][i / 64] >> (i % 64);

		if (!bits) {
			k += 64 - i % 64;
			continue;
		}
		k += (unsigned)__builtin_ctzll(bits);
		if (k >= WHEEL_SLOTS)
			break;
		i = (from + k) & MASK;
		if (!list_empty(&w->slot[level][i]))
			return k;
		w->used[level][i / 64] &= ~(1ull << (i % 64));
		k++;
	}
	return WHEEL_SLOTS;
}

/* The time at which level `k` has next something to do. */
static ms_t level_next(struct timers *w, int k)
{
	unsigned shift = WHEEL_BITS * (unsigned)k, off;
	ms_t base = w->now >> shift;

	/* The present slot of a higher level was cascaded when it came up. */
	off = first_used(w, k, (unsigned)((base + (k > 0)) & MASK));
	if (off == WHEEL_SLOTS)
		return MS_NEVER;
	return (base + (k > 0) + off) << shift;
}

ms_t timers_next(const struct timers *cw)
{
	struct timers *w = (struct timers *)(uintptr_t)cw;	/* only the bit cache changes */
	ms_t at = MS_NEVER;

	if (!w->armed)
		return MS_NEVER;
	for (int k = 0; k < WHEEL_LEVELS; k++) {
		ms_t t = level_next(w, k);

		at = t < at ? t : at;
	}
	return at < w->now ? w->now : at;
}

/* Moves what is in the slots that begin at w->now one level or more down. */
static void cascade(struct timers *w)
{
	for (int k = WHEEL_LEVELS - 1; k > 0; k--) {
		unsigned shift = WHEEL_BITS * (unsigned)k;
		struct list *s = &w->slot[k][(w->now >> shift) & MASK], todo;

		if (w->now & ((1ull << shift) - 1) || list_empty(s))
			continue;
		list_init(&todo);
		while (!list_empty(s)) {
			struct list *e = s->next;

			list_remove(e);
			list_append(&todo, e);
		}
		while (!list_empty(&todo)) {
			struct timer *t = LIST_ENTRY(todo.next, struct timer, link);

			list_remove(&t->link);
			place(w, t);
		}
	}
}

bool timers_move(struct timers *w, ms_t now)
{
	if (timers_next(w) <= now)
		return false;
	if (now > w->now) {
		w->now = now;
		cascade(w);
	}
	return true;
}

bool timers_step(struct timers *w, ms_t now)
{
	for (;;) {
		struct list *s = &w->slot[0][w->now & MASK];
		ms_t next;

		if (!list_empty(s)) {
			struct timer *t = LIST_ENTRY(s->next, struct timer, link);

			list_remove(&t->link);
			w->armed--;
			t->fn(t->arg);
			return true;
		}
		if (w->now >= now)
			return false;
		next = timers_next(w);
		w->now = next < now ? next : now;
		cascade(w);
	}
}
