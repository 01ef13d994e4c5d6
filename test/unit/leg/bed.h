/*
 * bed.h - legs on the simulated loop, and a far stack with a session against each of them.
 *
 * We are 10.0.0.1, the far side is 10.0.0.2. The caller's leg comes from far's INVITE, the
 * winner's leg is dialled to far. What legs report and what far gets is kept in order.
 */
#ifndef BED_H
#define BED_H
#include "leg/leg.h"
#include "sim/sim_loop.h"

enum { BED_EVENTS = 200, BED_BODY = 3000 };

struct bed_far {		/* one event of the far stack */
	enum sip_ev_kind kind;
	uint64_t session;
	unsigned status;
	char body[BED_BODY];
	bool seen;
};

struct bed_leg {		/* one event of our legs */
	enum leg_ev_kind kind;
	uint64_t leg;
	unsigned status;
	enum reason_code why;
	bool seen;
};

struct bed {
	struct loop *loop;
	struct dns *dns;
	struct sip *sip, *far;
	struct media *media;
	struct legs *legs;
	struct leg_peer caller_is, winner_is;	/* options of the next leg */
	uint64_t caller, winner;		/* legs */
	uint64_t far_caller, far_winner;	/* sessions */
	unsigned took_status;			/* of a leg_take() that failed; 0 */
	struct reason took_why;
	struct bed_far got[BED_EVENTS];
	int ngot;
	struct bed_leg ev[BED_EVENTS];
	int nev;
};

struct bed *bed_new(void);
/* How many legs, and port pairs for them. */
struct bed *bed_sized(uint32_t legs, int pairs);
void bed_free(struct bed *b);
void bed_run(struct bed *b, ms_t ms);

/* "dir=sendonly version=2 line2": an SDP of far. Words: dir=D, version=N, codecs=pcmu,pcma@97,
 * ip=A, port=N, srtp=80|32|gcm, key=N, events, cn, zero, video (a line before), refused. "": none
 * at all. Several texts may be in use at once. */
const char *bed_sdp(const char *words);
struct sip_body bed_body(const char *sdp);

/* The next unseen event of the kind; fails the test when there is none. */
struct bed_leg *bed_want(struct bed *b, enum leg_ev_kind k);
bool bed_has(const struct bed *b, enum leg_ev_kind k);
struct bed_far *bed_got(struct bed *b, enum sip_ev_kind k);
bool bed_far_has(const struct bed *b, enum sip_ev_kind k);
void bed_forget(struct bed *b);			/* all events are seen */

void bed_invite(struct bed *b, const char *sdp);	/* far calls: b->caller */
enum err bed_dial(struct bed *b);			/* the winner's leg: b->far_winner */
void bed_answer(struct bed *b, const char *sdp);	/* far answers it */
void bed_join(struct bed *b);
/* All of it, with PCMU on both sides unless the words say otherwise; events are forgotten. */
void bed_talk(struct bed *b, const char *caller, const char *winner);
struct leg_view bed_look(struct bed *b, uint64_t leg);
/* Of an SDP that we sent. */
uint64_t bed_version(const char *sdp);
const char *bed_dir(const char *sdp);
#endif
