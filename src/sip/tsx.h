/*
 * tsx.h - the four SIP transaction machines (RFC 3261 17) with the Accepted
 * state of RFC 6026, as one struct and one dense table.
 *
 * Does: states, retransmission and life timers A, B, D to K, L and M.
 * Does not: build, send, parse or match a message. Every step returns what its
 *   owner has to do as TSX_DO_* bits; nothing is called back.
 * Owner: embedded in the stack's own transaction; stop it before freeing that.
 * Units: milliseconds.
 * Test: test/unit/sip/t_tsx.c walks every cell; test/fuzz/fz_tsx.c.
 */
#ifndef SIP_TSX_H
#define SIP_TSX_H
#include "io/timer.h"

enum tsx_kind { TSX_ICT, TSX_NICT, TSX_IST, TSX_NIST, TSX_NKIND };

enum tsx_state {
	TSX_NEW,
	TSX_TRYING,		/* ICT: Calling */
	TSX_PROCEEDING,
	TSX_COMPLETED,
	TSX_ACCEPTED,		/* RFC 6026 7.1, 7.2 */
	TSX_CONFIRMED,
	TSX_DEAD,
	TSX_NSTATE
};

enum tsx_event {
	TSX_START,
	TSX_GOT_1XX, TSX_GOT_2XX, TSX_GOT_FINAL,	/* FINAL: 300 to 699 */
	TSX_GOT_REQUEST, TSX_GOT_ACK,			/* REQUEST: a retransmission */
	TSX_SEND_1XX, TSX_SEND_2XX, TSX_SEND_FINAL,
	TSX_TICK, TSX_EXPIRE,				/* the machine's own timers */
	TSX_BROKEN,					/* transport error */
	TSX_NEVENT
};

enum tsx_do {
	TSX_DO_SEND = 1,	/* send the last message (again)                 */
	TSX_DO_ACK = 2,		/* build the ACK of a 3xx-6xx: it is the last message from now on; send it */
	TSX_DO_UP = 4,		/* the message is news for the user              */
	TSX_DO_TIMEOUT = 8,	/* client: nothing came. NIST: the user never answered; send 500 */
	TSX_DO_BROKEN = 16,
	TSX_DO_END = 32,	/* reached TSX_DEAD in this step: free it        */
};

struct tsx_times { uint32_t t1, t2, t4; };

struct tsx {
	struct timer timer;
	ms_t life_at;			/* when EXPIRE is due; MS_NEVER   */
	const struct tsx_times *times;
	uint32_t interval;		/* current retransmission, 0: none */
	uint8_t kind, state;
	bool reliable;
};

/* In TSX_NEW, no timer armed. `fired` is called with `arg` when a timer is due and is
 * expected to call tsx_fired(). */
void tsx_init(struct tsx *t, enum tsx_kind kind, bool reliable, const struct tsx_times *times,
	      void (*fired)(void *), void *arg);
/* TSX_DO_* bits. Events a state does not know change nothing and return 0. */
unsigned tsx_step(struct tsx *t, struct timers *w, enum tsx_event ev);
/* The timer was due: TICK or EXPIRE. */
unsigned tsx_fired(struct tsx *t, struct timers *w);
/* The machine expires at `at` if that is before its own time. */
void tsx_limit(struct tsx *t, struct timers *w, ms_t at);
/* A client's that nobody asks after any more: sends nothing, and waits once more for Timer B or F. */
void tsx_listen(struct tsx *t, struct timers *w);
void tsx_stop(struct tsx *t, struct timers *w);
/* For the test: is the cell written down, does the kind have the state? */
bool tsx_decided(enum tsx_kind k, enum tsx_state s, enum tsx_event e);
bool tsx_has(enum tsx_kind k, enum tsx_state s);
enum tsx_event tsx_got(unsigned status);
enum tsx_event tsx_send(unsigned status);
const char *tsx_state_str(enum tsx_state s);

#endif
