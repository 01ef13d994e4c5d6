#include "call/fork.h"

#include <assert.h>
#include <stddef.h>

struct cell {
	enum fork_state next;
	enum fork_act_kind act;
};

#define STAY(s) { FORK_##s, FORK_DO_NOTHING }

/* Every pair is written down; t_fork walks them all. */
static const struct cell table[FORK_NSTATE][FORK_NEVENT] = {
	[FORK_IDLE] = {
		[FORK_START] = { FORK_WAITING, FORK_DO_NOTHING }, [FORK_DUE] = STAY(IDLE),
		[FORK_RING] = STAY(IDLE), [FORK_ANSWER] = STAY(IDLE),
		[FORK_EARLY_ANSWER] = STAY(IDLE), [FORK_FAIL] = STAY(IDLE),
		[FORK_EXPIRE] = STAY(IDLE), [FORK_LOSE] = { FORK_ENDED, FORK_DO_NEVER_RANG },
		[FORK_STOP] = { FORK_ENDED, FORK_DO_NEVER_RANG },
	},
	[FORK_WAITING] = {
		[FORK_START] = STAY(WAITING), [FORK_DUE] = { FORK_TRYING, FORK_DO_DIAL },
		[FORK_RING] = STAY(WAITING), [FORK_ANSWER] = STAY(WAITING),
		[FORK_EARLY_ANSWER] = STAY(WAITING),
		[FORK_FAIL] = { FORK_ENDED, FORK_DO_NOTHING },
		[FORK_EXPIRE] = { FORK_ENDED, FORK_DO_NEVER_RANG },
		[FORK_LOSE] = { FORK_ENDED, FORK_DO_NEVER_RANG },
		[FORK_STOP] = { FORK_ENDED, FORK_DO_NEVER_RANG },
	},
	[FORK_TRYING] = {
		[FORK_START] = STAY(TRYING), [FORK_DUE] = STAY(TRYING),
		[FORK_RING] = { FORK_RINGING, FORK_DO_TELL_RINGING },
		[FORK_ANSWER] = { FORK_WON, FORK_DO_JOIN },
		[FORK_EARLY_ANSWER] = { FORK_ENDED, FORK_DO_DROP_TOO_SOON },
		[FORK_FAIL] = { FORK_ENDED, FORK_DO_NOTHING },
		[FORK_EXPIRE] = { FORK_ENDED, FORK_DO_CANCEL_TOO_LATE },
		[FORK_LOSE] = { FORK_ENDED, FORK_DO_CANCEL_LOST },
		[FORK_STOP] = { FORK_ENDED, FORK_DO_CANCEL_STOP },
	},
	[FORK_RINGING] = {
		[FORK_START] = STAY(RINGING), [FORK_DUE] = STAY(RINGING),
		[FORK_RING] = STAY(RINGING),
		[FORK_ANSWER] = { FORK_WON, FORK_DO_JOIN },
		[FORK_EARLY_ANSWER] = { FORK_ENDED, FORK_DO_DROP_TOO_SOON },
		[FORK_FAIL] = { FORK_ENDED, FORK_DO_NOTHING },
		[FORK_EXPIRE] = { FORK_ENDED, FORK_DO_CANCEL_TOO_LATE },
		[FORK_LOSE] = { FORK_ENDED, FORK_DO_CANCEL_LOST },
		[FORK_STOP] = { FORK_ENDED, FORK_DO_CANCEL_STOP },
	},
	[FORK_WON] = {
		[FORK_START] = STAY(WON), [FORK_DUE] = STAY(WON), [FORK_RING] = STAY(WON),
		[FORK_ANSWER] = STAY(WON), [FORK_EARLY_ANSWER] = STAY(WON),
		[FORK_FAIL] = STAY(WON), [FORK_EXPIRE] = STAY(WON), [FORK_LOSE] = STAY(WON),
		[FORK_STOP] = STAY(WON),
	},
	[FORK_ENDED] = {
		[FORK_START] = STAY(ENDED), [FORK_DUE] = STAY(ENDED), [FORK_RING] = STAY(ENDED),
		/* RFC 3261 9.1: our CANCEL crossed a 200 on the wire. */
		[FORK_ANSWER] = { FORK_ENDED, FORK_DO_BYE_LATE },
		[FORK_EARLY_ANSWER] = { FORK_ENDED, FORK_DO_BYE_LATE },
		[FORK_FAIL] = STAY(ENDED), [FORK_EXPIRE] = STAY(ENDED),
		[FORK_LOSE] = STAY(ENDED), [FORK_STOP] = STAY(ENDED),
	},
};

bool fork_decided(enum fork_state s, enum fork_event e)
{
	return table[s][e].next != FORK_IDLE || s == FORK_IDLE;
}

static void push(struct fork *f, enum fork_act_kind kind, int i, unsigned status)
{
	assert(f->nact < FORK_ACT_MAX);
	f->act[f->nact++] = (struct fork_act){ (uint8_t)kind, (uint8_t)i, (uint16_t)status };
}

static void step(struct fork *f, int i, enum fork_event e)
{
	struct fork_branch *b = &f->b[i];
	const struct cell *c = &table[b->state][e];

	b->state = c->next;
	if (c->act == FORK_DO_NOTHING)
		return;
	if (c->act == FORK_DO_TELL_RINGING) {
		if (f->told_ringing)
			return;
		f->told_ringing = true;
	}
	push(f, c->act, i, 0);
}

void fork_init(struct fork *f)
{
	*f = (struct fork){ 0 };
}

int fork_add(struct fork *f, const struct fork_timing *t)
{
	if (f->n == FORK_MAX)
		return -1;
	f->b[f->n] = (struct fork_branch){ .t = *t };
	return f->n++;
}

int fork_open(const struct fork *f)
{
	int n = 0;

	for (int i = 0; i < f->n; i++)
		n += f->b[i].state == FORK_WAITING || f->b[i].state == FORK_TRYING ||
		     f->b[i].state == FORK_RINGING;
	return n;
}

static unsigned best(const struct fork *f)
{
	unsigned s = 0;

	for (int i = 0; i < f->n; i++)
		s = fork_better(s, f->b[i].status);
	return s ? s : 480;
}

static void empty_check(struct fork *f)
{
	for (int i = 0; i < f->n; i++)
		if (f->b[i].state != FORK_ENDED)
			return;
	if (!f->stopped)
		push(f, FORK_DO_EMPTY, -1, best(f));
}

void fork_start(struct fork *f, ms_t now)
{
	for (int i = 0; i < f->n; i++) {
		struct fork_branch *b = &f->b[i];

		if (b->state != FORK_IDLE)
			continue;
		step(f, i, FORK_START);
		b->dial_at = now + b->t.delay;
		b->late_at = b->t.too_late ? b->dial_at + b->t.too_late : MS_NEVER;
	}
	fork_tick(f, now);
}

void fork_ringing(struct fork *f, int i)
{
	step(f, i, FORK_RING);
}

void fork_answered(struct fork *f, int i, ms_t invited, ms_t now)
{
	bool soon = now < invited + f->b[i].t.too_soon;
	bool open = f->b[i].state != FORK_ENDED;

	step(f, i, soon ? FORK_EARLY_ANSWER : FORK_ANSWER);
	if (f->b[i].state != FORK_WON) {
		if (open)		/* dropped just now, not long ago */
			empty_check(f);
		return;
	}
	for (int k = 0; k < f->n; k++)
		if (k != i)
			step(f, k, FORK_LOSE);
}

void fork_failed(struct fork *f, int i, unsigned status)
{
	bool open = f->b[i].state != FORK_ENDED && f->b[i].state != FORK_WON;

	f->b[i].status = (uint16_t)fork_better(f->b[i].status, status);
	step(f, i, FORK_FAIL);
	if (open)
		empty_check(f);
}

void fork_tick(struct fork *f, ms_t now)
{
	for (int i = 0; i < f->n; i++) {
		struct fork_branch *b = &f->b[i];
		enum fork_state was = b->state;

		if (was == FORK_WAITING && b->dial_at <= now)
			step(f, i, FORK_DUE);
		else if ((was == FORK_TRYING || was == FORK_RINGING) && b->late_at <= now)
			step(f, i, FORK_EXPIRE);
		if (was != FORK_ENDED && b->state == FORK_ENDED)
			empty_check(f);
	}
}

void fork_stop(struct fork *f)
{
	f->stopped = true;
	for (int i = 0; i < f->n; i++)
		step(f, i, FORK_STOP);
}

ms_t fork_next(const struct fork *f)
{
	ms_t at = MS_NEVER;

	for (int i = 0; i < f->n; i++) {
		const struct fork_branch *b = &f->b[i];
		ms_t t = MS_NEVER;

		if (b->state == FORK_WAITING)
			t = b->dial_at;
		else if (b->state == FORK_TRYING || b->state == FORK_RINGING)
			t = b->late_at;
		at = t < at ? t : at;
	}
	return at;
}

bool fork_take(struct fork *f, struct fork_act *a)
{
	if (!f->nact)
		return false;
	*a = f->act[0];
	f->nact--;
	for (int i = 0; i < f->nact; i++)
		f->act[i] = f->act[i + 1];
	return true;
}

/* What the caller cannot act upon. A 3xx is not followed, and 420 to 423 speak of our own request. */
static bool is_hidden(unsigned s)
{
	return s == 401 || s == 407 || s == 408 || s == 503 || s / 100 == 3 || (s >= 420 && s <= 423);
}

/* Lower is better for the caller. */
static unsigned rank(unsigned s)
{
	switch (s) {
	case 0:   return 100;
	case 486: case 600: return 1;	/* busy says most                       */
	case 603: case 607: return 2;
	case 484: return 3;
	case 404: case 410: case 604: return 4;
	case 488: case 415: case 606: return 5;
	case 480: return 7;
	default:
		if (is_hidden(s))
			return 8;
		return s < 500 ? 6 : 9;
	}
}

static unsigned shown(unsigned s)
{
	return is_hidden(s) ? 480 : s;
}

unsigned fork_better(unsigned a, unsigned b)
{
	return shown(rank(b) < rank(a) ? b : a);
}
