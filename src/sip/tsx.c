#include "sip/tsx.h"

#include <stddef.h>

struct cell {
	uint8_t next;		/* TSX_NEW: not decided, which no reachable cell is */
	uint8_t acts;
};

#define SEND TSX_DO_SEND
#define UP TSX_DO_UP
#define T(s) { TSX_##s, 0 }
#define TA(s, a) { TSX_##s, (a) }

/* A row names every event of its state: 1xx, 2xx, final; request, ACK; sends of 1xx, 2xx, final;
 * tick, expire, broken. */
#define ROW(r1, r2, r3, rq, ak, s1, s2, s3, tk, ex, br) { \
	[TSX_START] = { 0, 0 }, \
	[TSX_GOT_1XX] = r1, [TSX_GOT_2XX] = r2, [TSX_GOT_FINAL] = r3, \
	[TSX_GOT_REQUEST] = rq, [TSX_GOT_ACK] = ak, \
	[TSX_SEND_1XX] = s1, [TSX_SEND_2XX] = s2, [TSX_SEND_FINAL] = s3, \
	[TSX_TICK] = tk, [TSX_EXPIRE] = ex, [TSX_BROKEN] = br }

static const struct cell table[TSX_NKIND][TSX_NSTATE][TSX_NEVENT] = {
/* RFC 3261 17.1.1, RFC 6026 7.2. Departure: a closed connection in Proceeding is no
 * error, the peer may answer on a new one (18.2.2), and the caller has its own limits. */
[TSX_ICT] = {
 [TSX_NEW] = { [TSX_START] = { TSX_TRYING, SEND } },
 [TSX_TRYING] = ROW(TA(PROCEEDING, UP), TA(ACCEPTED, UP),
	TA(COMPLETED, TSX_DO_ACK | UP), T(TRYING), T(TRYING), T(TRYING), T(TRYING), T(TRYING),
	TA(TRYING, SEND), TA(DEAD, TSX_DO_TIMEOUT), TA(DEAD, TSX_DO_BROKEN)),
 [TSX_PROCEEDING] = ROW(TA(PROCEEDING, UP), TA(ACCEPTED, UP),
	TA(COMPLETED, TSX_DO_ACK | UP), T(PROCEEDING), T(PROCEEDING), T(PROCEEDING),
	T(PROCEEDING), T(PROCEEDING), T(PROCEEDING), T(PROCEEDING), T(PROCEEDING)),
 [TSX_COMPLETED] = ROW(T(COMPLETED), T(COMPLETED), TA(COMPLETED, SEND), T(COMPLETED), T(COMPLETED),
	T(COMPLETED), T(COMPLETED), T(COMPLETED), T(COMPLETED), T(DEAD), T(DEAD)),
 [TSX_ACCEPTED] = ROW(T(ACCEPTED), TA(ACCEPTED, UP), T(ACCEPTED), T(ACCEPTED), T(ACCEPTED),
	T(ACCEPTED), T(ACCEPTED), T(ACCEPTED), T(ACCEPTED), T(DEAD), T(ACCEPTED)),
 [TSX_DEAD] = ROW(T(DEAD), T(DEAD), T(DEAD), T(DEAD), T(DEAD), T(DEAD), T(DEAD), T(DEAD), T(DEAD),
	T(DEAD), T(DEAD)),
},
/* RFC 3261 17.1.2. */
[TSX_NICT] = {
 [TSX_NEW] = { [TSX_START] = { TSX_TRYING, SEND } },
 [TSX_TRYING] = ROW(TA(PROCEEDING, UP), TA(COMPLETED, UP), TA(COMPLETED, UP), T(TRYING), T(TRYING),
	T(TRYING), T(TRYING), T(TRYING), TA(TRYING, SEND), TA(DEAD, TSX_DO_TIMEOUT),
	TA(DEAD, TSX_DO_BROKEN)),
 [TSX_PROCEEDING] = ROW(TA(PROCEEDING, UP), TA(COMPLETED, UP), TA(COMPLETED, UP), T(PROCEEDING),
	T(PROCEEDING), T(PROCEEDING), T(PROCEEDING), T(PROCEEDING), TA(PROCEEDING, SEND),
	TA(DEAD, TSX_DO_TIMEOUT), TA(DEAD, TSX_DO_BROKEN)),
 [TSX_COMPLETED] = ROW(T(COMPLETED), T(COMPLETED), T(COMPLETED), T(COMPLETED), T(COMPLETED),
	T(COMPLETED), T(COMPLETED), T(COMPLETED), T(COMPLETED), T(DEAD), T(COMPLETED)),
 [TSX_DEAD] = ROW(T(DEAD), T(DEAD), T(DEAD), T(DEAD), T(DEAD), T(DEAD), T(DEAD), T(DEAD), T(DEAD),
	T(DEAD), T(DEAD)),
},
/* RFC 3261 17.2.1, RFC 6026 7.1. The 2xx is repeated by the session, through SEND_2XX. */
[TSX_IST] = {
 [TSX_NEW] = { [TSX_START] = { TSX_PROCEEDING, UP } },
 [TSX_PROCEEDING] = ROW(T(PROCEEDING), T(PROCEEDING), T(PROCEEDING), TA(PROCEEDING, SEND),
	T(PROCEEDING), TA(PROCEEDING, SEND), TA(ACCEPTED, SEND), TA(COMPLETED, SEND), T(PROCEEDING),
	T(PROCEEDING), T(PROCEEDING)),
 [TSX_COMPLETED] = ROW(T(COMPLETED), T(COMPLETED), T(COMPLETED), TA(COMPLETED, SEND), T(CONFIRMED),
	T(COMPLETED), T(COMPLETED), T(COMPLETED), TA(COMPLETED, SEND), T(DEAD), T(COMPLETED)),
 [TSX_ACCEPTED] = ROW(T(ACCEPTED), T(ACCEPTED), T(ACCEPTED), T(ACCEPTED), TA(ACCEPTED, UP),
	T(ACCEPTED), TA(ACCEPTED, SEND), T(ACCEPTED), T(ACCEPTED), T(DEAD), T(ACCEPTED)),
 [TSX_CONFIRMED] = ROW(T(CONFIRMED), T(CONFIRMED), T(CONFIRMED), T(CONFIRMED), T(CONFIRMED),
	T(CONFIRMED), T(CONFIRMED), T(CONFIRMED), T(CONFIRMED), T(DEAD), T(CONFIRMED)),
 [TSX_DEAD] = ROW(T(DEAD), T(DEAD), T(DEAD), T(DEAD), T(DEAD), T(DEAD), T(DEAD), T(DEAD), T(DEAD),
	T(DEAD), T(DEAD)),
},
/* RFC 3261 17.2.2. Departure: Trying and Proceeding end after 64*T1, so a user who never
 * answers cannot pile up transactions. */
[TSX_NIST] = {
 [TSX_NEW] = { [TSX_START] = { TSX_TRYING, UP } },
 [TSX_TRYING] = ROW(T(TRYING), T(TRYING), T(TRYING), T(TRYING), T(TRYING), TA(PROCEEDING, SEND),
	TA(COMPLETED, SEND), TA(COMPLETED, SEND), T(TRYING), TA(TRYING, TSX_DO_TIMEOUT), T(TRYING)),
 [TSX_PROCEEDING] = ROW(T(PROCEEDING), T(PROCEEDING), T(PROCEEDING), TA(PROCEEDING, SEND),
	T(PROCEEDING), TA(PROCEEDING, SEND), TA(COMPLETED, SEND), TA(COMPLETED, SEND),
	T(PROCEEDING), TA(PROCEEDING, TSX_DO_TIMEOUT), T(PROCEEDING)),
 [TSX_COMPLETED] = ROW(T(COMPLETED), T(COMPLETED), T(COMPLETED), TA(COMPLETED, SEND), T(COMPLETED),
	T(COMPLETED), T(COMPLETED), T(COMPLETED), T(COMPLETED), T(DEAD), T(COMPLETED)),
 [TSX_DEAD] = ROW(T(DEAD), T(DEAD), T(DEAD), T(DEAD), T(DEAD), T(DEAD), T(DEAD), T(DEAD), T(DEAD),
	T(DEAD), T(DEAD)),
},
};

static bool ticks(const struct tsx *t)
{
	if (t->reliable)
		return false;
	return (t->kind == TSX_ICT && t->state == TSX_TRYING) ||
	       (t->kind == TSX_NICT && (t->state == TSX_TRYING || t->state == TSX_PROCEEDING)) ||
	       (t->kind == TSX_IST && t->state == TSX_COMPLETED);
}

/* How long a state lives: MS_NEVER no end, 0 not at all. */
static ms_t life(const struct tsx *t)
{
	const struct tsx_times *x = t->times;
	ms_t long_ms = 64 * (ms_t)x->t1;

	switch ((enum tsx_state)t->state) {
	case TSX_TRYING:		/* B, F */
		return long_ms;
	case TSX_PROCEEDING:
		return t->kind == TSX_NIST ? long_ms : MS_NEVER;
	case TSX_COMPLETED:		/* D, H, J, K */
		if (t->kind == TSX_IST)
			return long_ms;
		if (t->reliable)
			return 0;
		return t->kind == TSX_NICT ? x->t4 : long_ms;
	case TSX_ACCEPTED:		/* L, M */
		return long_ms;
	case TSX_CONFIRMED:		/* I */
		return t->reliable ? 0 : x->t4;
	case TSX_NEW:
	case TSX_DEAD:
	case TSX_NSTATE:
		break;
	}
	return MS_NEVER;
}

static void arm(struct tsx *t, struct timers *w)
{
	ms_t d = t->life_at == MS_NEVER ? MS_NEVER
		 : t->life_at > w->now	? t->life_at - w->now
					: 0;

	if (t->interval && t->interval < d)
		d = t->interval;
	if (d == MS_NEVER)
		timer_stop(w, &t->timer);
	else
		timer_start(w, &t->timer, d, t->timer.fn, t->timer.arg);
}

/* The one place where the state changes and timers follow it. */
static unsigned enter(struct tsx *t, struct timers *w, enum tsx_state s)
{
	bool keep = t->kind == TSX_NICT && s == TSX_PROCEEDING;	/* F runs on */
	ms_t d;

	t->state = (uint8_t)s;
	d = life(t);
	if (d == 0)
		t->state = TSX_DEAD;
	if (t->state == TSX_DEAD) {
		tsx_stop(t, w);
		return TSX_DO_END;
	}
	if (!keep)
		t->life_at = d == MS_NEVER ? MS_NEVER : w->now + d;
	t->interval = !ticks(t) ? 0 : keep ? t->times->t2 : t->times->t1;
	arm(t, w);
	return 0;
}

void tsx_init(struct tsx *t, enum tsx_kind kind, bool reliable, const struct tsx_times *times,
	      void (*fired)(void *), void *arg)
{
	*t = (struct tsx){ .kind = (uint8_t)kind, .reliable = reliable, .times = times,
			   .life_at = MS_NEVER };
	t->timer.fn = fired;
	t->timer.arg = arg;
}

unsigned tsx_step(struct tsx *t, struct timers *w, enum tsx_event ev)
{
	const struct cell *c = &table[t->kind][t->state][ev];
	unsigned acts = c->acts;

	if (c->next == TSX_NEW)
		return 0;
	if (c->next != t->state)
		acts |= enter(t, w, (enum tsx_state)c->next);
	return acts;
}

unsigned tsx_fired(struct tsx *t, struct timers *w)
{
	uint64_t next = 2 * (uint64_t)t->interval;

	if (w->now >= t->life_at) {
		t->life_at = MS_NEVER;
		return tsx_step(t, w, TSX_EXPIRE);
	}
	if (t->kind == TSX_ICT || next < t->times->t2)
		t->interval = (uint32_t)next;
	else
		t->interval = t->times->t2;
	arm(t, w);
	return tsx_step(t, w, TSX_TICK);
}

void tsx_stop(struct tsx *t, struct timers *w)
{
	timer_stop(w, &t->timer);
	t->interval = 0;
	t->life_at = MS_NEVER;
}

void tsx_limit(struct tsx *t, struct timers *w, ms_t at)
{
	if (at >= t->life_at)
		return;
	t->life_at = at;
	arm(t, w);
}

void tsx_listen(struct tsx *t, struct timers *w)
{
	(void)enter(t, w, TSX_TRYING);	/* it has a life */
	t->interval = 0;
	arm(t, w);
}

bool tsx_has(enum tsx_kind k, enum tsx_state s)
{
	switch (s) {
	case TSX_TRYING:
		return k != TSX_IST;
	case TSX_ACCEPTED:
		return k == TSX_ICT || k == TSX_IST;
	case TSX_CONFIRMED:
		return k == TSX_IST;
	case TSX_NEW:
	case TSX_PROCEEDING:
	case TSX_COMPLETED:
	case TSX_DEAD:
		return true;
	case TSX_NSTATE:
		break;
	}
	return false;
}

bool tsx_decided(enum tsx_kind k, enum tsx_state s, enum tsx_event e)
{
	return table[k][s][e].next != TSX_NEW;
}

enum tsx_event tsx_got(unsigned status)
{
	return status < 200 ? TSX_GOT_1XX : status < 300 ? TSX_GOT_2XX : TSX_GOT_FINAL;
}

enum tsx_event tsx_send(unsigned status)
{
	return status < 200 ? TSX_SEND_1XX : status < 300 ? TSX_SEND_2XX : TSX_SEND_FINAL;
}

const char *tsx_state_str(enum tsx_state s)
{
	static const char *const name[TSX_NSTATE] = {
		[TSX_NEW] = "new", [TSX_TRYING] = "trying", [TSX_PROCEEDING] = "proceeding",
		[TSX_COMPLETED] = "completed", [TSX_ACCEPTED] = "accepted",
		[TSX_CONFIRMED] = "confirmed", [TSX_DEAD] = "dead",
	};

	return s < TSX_NSTATE ? name[s] : "?";
}
