/* call_int.h - a call's inside, for the files of call/ only. */
#ifndef CALL_CALL_INT_H
#define CALL_CALL_INT_H
#include "base/slot.h"
#include "call/call.h"
#include "call/cdr.h"

enum { CALL_LEG_MAX = 2 * FORK_MAX, CALL_ARENA_MAX = 96 * 1024, CALL_LIMIT_MAX = 32,
       CALL_TOLD_MS = 1000 };

struct call_leg {
	uint64_t leg;		/* 0: gone                                      */
	int branch;		/* in the present fork; -1: an earlier fork's   */
	int rec;		/* index in the record; -1: not recorded        */
	struct reason why;	/* why it ended, when we ended it               */
	bool counts;		/* as a call of its trunk                       */
	const struct route_branch *route;
};

struct call_taken {		/* it counts in this limit */
	enum limit_kind kind;
	struct str name;
};

struct call {
	struct calls *cs;
	uint64_t id;
	enum call_state state;
	struct arena arena;
	uint64_t caller;
	bool caller_gone;
	int winner;			/* index in legs; -1: none           */
	struct call_leg *legs;		/* in the arena                      */
	int nlegs, legs_cap;
	struct fork fork;
	struct route_caller who;
	struct route_plan *plan;	/* in the arena                      */
	struct cdr rec;
	int hops;
	bool early;			/* the caller hears a branch already */
	bool urgent;			/* an emergency number was dialled: no limit stops it */
	struct timer tick, no_answer, ring_max, ring_by, offer_wait;
	uint64_t offer_open;		/* leg our re-INVITE is open on      */
	uint64_t offer_waits;		/* leg whose re-INVITE waits         */
	bool hold_due[2];		/* [0] caller, [1] winner: to be shown the other's hold */
	struct str cancel_reason;	/* the caller's own Reason header    */
	unsigned status;		/* final answer to the caller        */
	struct reason end;
	struct call_taken *taken;	/* in the arena                      */
	int ntaken, taken_cap;
	struct str session_id;
};

struct calls {
	struct calls_config cfg;
	struct slots tab;
	struct limit_table *limit;
	struct call_record *shown;	/* lent by call_look() */
	ms_t told;		/* when a limit was last told in the log; 0: never */
};

/* call.c */
void call_step(struct call *c, enum call_event ev, const struct leg_event *le);
struct call_leg *call_leg_of(struct call *c, uint64_t leg);
/* A place for one more; NULL: CALL_LEG_MAX are there. Those before it may move. */
struct call_leg *call_leg_add(struct call *c);
uint64_t call_other(const struct call *c, uint64_t leg);	/* 0: none */
void call_end(struct call *c, unsigned status, const struct reason *why);

/* Is there room for one more limit it counts in? */
bool call_may_take(struct call *c);
/* Counts the call for `name`; ERR_LIMIT: *why. `most` 0: the configured maximum. An emergency call is counted in any
 * case. */
enum err call_take_limit(struct call *c, enum limit_kind k, struct str name, uint32_t most,
			 struct reason *why);

/* It counts there no longer. */
void call_give_limit(struct call *c, enum limit_kind k, struct str name);

/* ring.c: the time before the answer */
void call_on_ring(struct call *c, const struct leg_event *e);
void call_on_early(struct call *c, const struct leg_event *e);
void call_on_answer(struct call *c, const struct leg_event *e);
void call_on_retry(struct call *c, const struct leg_event *e);
void call_on_fail(struct call *c, const struct leg_event *e);
void call_on_tick(struct call *c, const struct leg_event *e);
void call_on_no_answer(struct call *c, const struct leg_event *e);
void call_on_ring_max(struct call *c, const struct leg_event *e);
void call_on_ring_by(struct call *c, const struct leg_event *e);
void call_on_caller_ends_ringing(struct call *c, const struct leg_event *e);
/* Asks the route for `number` and starts its fork. An empty plan ends the call. */
void call_ring(struct call *c, struct str number);

/* talk.c: after the answer */
void call_on_offered(struct call *c, const struct leg_event *e);
void call_on_hold(struct call *c, const struct leg_event *e);
void call_on_offer_done(struct call *c, const struct leg_event *e);

#endif
