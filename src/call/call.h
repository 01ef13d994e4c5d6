/*
 * call.h - one call from cradle to grave: a bounded set of legs with roles and at most
 * one bridge. Only this file changes the set or the bridge, and the record follows.
 *
 * A call is made by an incoming INVITE, asks call/route who rings, lets call/fork decide
 * when, obeys it with leg/, and ends as exactly one record (store/record.h).
 *
 * Events from legs are queued and handled by calls_run() in the server's turn, never
 * inside the caller's stack.
 * Owner:  struct calls owns all calls; a call owns its legs (by id) and one capped arena.
 * Errors: unknown ids are no-ops.
 * Threads: the loop's.
 * RFC:    3261 16.7 (best response), 9.1 (CANCEL crossing 200), 3326 (Reason),
 *         3264, 3960 (ringing), 7989 (Session-ID).
 */
#ifndef CALL_CALL_H
#define CALL_CALL_H
#include "base/tap.h"
#include "call/cdr.h"
#include "call/limit.h"
#include "call/route.h"
#include "leg/leg.h"

struct calls;

enum call_state { CALL_NEW, CALL_RINGING, CALL_TALKING, CALL_CLOSING, CALL_GONE, CALL_NSTATE };

enum call_event {
	CALL_EV_RING,		/* a branch rings                                  */
	CALL_EV_EARLY,		/* early media of a branch                         */
	CALL_EV_ANSWER,		/* a branch answered                               */
	CALL_EV_RETRY,		/* an attempt failed in a way that allows another host */
	CALL_EV_FAIL,		/* a branch ended                                  */
	CALL_EV_CALLER_ENDS,	/* CANCEL, BYE, or lost                            */
	CALL_EV_WINNER_ENDS,
	CALL_EV_LOSER_ENDS,	/* some other leg is over                          */
	CALL_EV_CONFIRMED,
	CALL_EV_OFFERED,	/* a talking leg sent a re-INVITE                  */
	CALL_EV_HOLD,		/* a talking leg's hold changed                    */
	CALL_EV_OFFER_DONE,
	CALL_EV_LEG_GONE,
	CALL_EV_TICK,		/* a timer of the fork                             */
	CALL_EV_NO_ANSWER,	/* the line's no-answer time                       */
	CALL_EV_RING_MAX,
	CALL_EV_RING_BY,	/* the caller must hear something now              */
	CALL_EV_DROP,		/* operator or shutdown                            */
	CALL_NEVENT
};

struct calls_config {
	struct loop *loop;
	struct sip *sip;
	struct legs *legs;
	struct media *media;
	struct route *route;
	struct map *map;		/* store/ring.h: live slots and finished records */
	struct tap *tap;		/* base/tap.h: what is joined to a call; NULL: none */
	struct limits limits;
	uint32_t max;			/* calls */
	ms_t ring_max;			/* 180 s */
	ms_t offer_wait;		/* 4 s   */
};

struct calls *calls_new(const struct calls_config *c);
void calls_free(struct calls *cs);	/* ends what is left without waiting */
/* An INVITE nobody owns (SIP_EV_INVITE). Always answers it in the end. */
void calls_on_invite(struct calls *cs, const struct sip_event *ev);
/* Drains the legs' events. */
void calls_run(struct calls *cs);
/* Hang up both sides, with this reason in the record. */
enum err call_drop(struct calls *cs, uint64_t call, const struct reason *why);
void calls_drop_all(struct calls *cs, const struct reason *why);
uint32_t calls_count(const struct calls *cs);
void calls_trim(struct calls *cs);	/* frees the table's unused places */
uint64_t calls_arena_bytes(struct calls *cs);	/* what the live calls' arenas hold */
/* For the test: has the pair been decided? */
bool call_decided(enum call_state s, enum call_event e);

/* --- looking, for api/view --- */
struct call_view {
	uint64_t id, record;
	enum call_state state;
	const struct call_record *rec;	/* so far; lent until the next call_look() */
	uint64_t caller, winner;	/* legs */
	uint64_t branch[FORK_MAX];
	enum fork_state branch_state[FORK_MAX];
	int nbranch;
	const struct reason *note;
	int nnote;
};
enum err call_look(struct calls *cs, uint64_t call, struct call_view *v);
/* The next live call after *cursor (0 at first); 0: end. */
uint64_t calls_each(struct calls *cs, uint32_t *cursor);
const char *call_state_str(enum call_state s);

#endif
