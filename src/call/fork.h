/*
 * fork.h - who rings when, and who wins: Single Number Reach as a pure machine.
 *
 * A fork is a set of branches. Each rings after its delay; an answer earlier than
 * `too_soon` (counted from the INVITE that was answered) drops that branch and the
 * rest rings on; `too_late` cancels it; the first valid answer wins and all others
 * are to be cancelled. Time is an argument; nothing here sends, dials or reads a
 * clock: what has to be done is appended to a list of actions.
 *
 * Owner:  embedded in the call.
 * Errors: none; an event that a state does not expect changes nothing.
 * Limits: FORK_MAX branches; action lists never exceed FORK_ACT_MAX.
 * From:   CUCM Single Number Reach timers (delay before ringing, answer too soon,
 *         answer too late); RFC 3261 16.7 for the best response.
 * Test:   test/unit/call/t_fork.c walks every cell.
 */
#ifndef CALL_FORK_H
#define CALL_FORK_H
#include <stdbool.h>

#include "io/timer.h"

enum { FORK_MAX = 12, FORK_ACT_MAX = 3 * FORK_MAX };

enum fork_state {		/* of one branch */
	FORK_IDLE,		/* not part of the fork                    */
	FORK_WAITING,		/* its delay runs                          */
	FORK_TRYING,		/* INVITE sent, no 18x yet                 */
	FORK_RINGING,
	FORK_WON,
	FORK_ENDED,
	FORK_NSTATE
};

enum fork_event {
	FORK_START,		/* time 0 of the branch                    */
	FORK_DUE,		/* its delay is over                       */
	FORK_RING,		/* 18x                                     */
	FORK_ANSWER,		/* 200, late enough                        */
	FORK_EARLY_ANSWER,	/* 200, too soon                           */
	FORK_FAIL,		/* final answer or local failure           */
	FORK_EXPIRE,		/* too late                                */
	FORK_LOSE,		/* another branch won                      */
	FORK_STOP,		/* caller gave up, or the call is forwarded */
	FORK_NEVENT
};

enum fork_act_kind {
	FORK_DO_NOTHING,
	FORK_DO_DIAL,		/* send the INVITE of branch i             */
	FORK_DO_TELL_RINGING,	/* the caller may hear ringing now         */
	FORK_DO_JOIN,		/* branch i won                            */
	FORK_DO_DROP_TOO_SOON,	/* BYE branch i, nobody else is disturbed  */
	FORK_DO_CANCEL_TOO_LATE,
	FORK_DO_CANCEL_LOST,	/* with Reason: completed elsewhere        */
	FORK_DO_CANCEL_STOP,	/* gave up or forwarded                    */
	FORK_DO_NEVER_RANG,	/* branch i ended before its INVITE        */
	FORK_DO_BYE_LATE,	/* a 200 that came after the end           */
	FORK_DO_EMPTY,		/* no branch is left: answer with `status` */
};

struct fork_act {
	uint8_t kind;			/* enum fork_act_kind; a call has room for FORK_ACT_MAX */
	uint8_t branch;
	uint16_t status;
};

struct fork_timing {
	ms_t delay, too_soon, too_late;		/* too_late 0: never */
};

struct fork_branch {
	struct fork_timing t;
	ms_t dial_at, late_at;
	enum fork_state state;
	uint16_t status;			/* best final answer seen; 0: none */
};

struct fork {
	struct fork_branch b[FORK_MAX];
	int n;
	bool told_ringing, stopped;
	struct fork_act act[FORK_ACT_MAX];
	int nact;
};

void fork_init(struct fork *f);
/* The new branch's index, or -1 when the fork is full. It starts with fork_start(). */
int fork_add(struct fork *f, const struct fork_timing *t);
/* Starts branches that are not started; those without delay dial at once. */
void fork_start(struct fork *f, ms_t now);
void fork_ringing(struct fork *f, int i);
/* 200 from branch i, whose answered INVITE was sent at `invited`. */
void fork_answered(struct fork *f, int i, ms_t invited, ms_t now);
void fork_failed(struct fork *f, int i, unsigned status);
void fork_tick(struct fork *f, ms_t now);
void fork_stop(struct fork *f);
/* Next deadline; MS_NEVER: none. */
ms_t fork_next(const struct fork *f);
/* Take the oldest pending action; false: none. */
bool fork_take(struct fork *f, struct fork_act *a);
/* Branches that ring, try or wait. */
int fork_open(const struct fork *f);
/* Better of two final answers for the caller (RFC 3261 16.7 step 6): 6xx is only that
 * branch's own word here (a remote destination never ends the call), 3xx, 401, 407, 408,
 * 420 to 423 and 503 are never shown and count as 480. 0 is worse than all. */
unsigned fork_better(unsigned a, unsigned b);
/* For the test: has the pair been decided? */
bool fork_decided(enum fork_state s, enum fork_event e);

#endif
