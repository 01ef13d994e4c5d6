/* leg_int.h - a leg's inside, for the files of leg/ only. */
#ifndef LEG_LEG_INT_H
#define LEG_LEG_INT_H
#include "base/slot.h"
#include "leg/leg.h"

enum { LEG_SDP_MAX = 4096, LEG_ARENA_MAX = 16384, LEG_QUEUE_MIN = 64 };

enum leg_state {
	LEG_IN,			/* incoming, not answered                */
	LEG_IN_ANSWERED,	/* 200 sent, ACK not yet here            */
	LEG_OUT,		/* outgoing, not answered                */
	LEG_UP,
	LEG_ENDING,		/* session over, media counters awaited  */
	LEG_NSTATE
};

/* Our side of offer and answer: what we said last, and under which version. */
struct leg_said {
	struct sdp_side side;		/* in our last SDP                     */
	enum sdp_dir dir;
	int line;			/* of our audio in it                  */
	uint64_t version;
	bool any;
	bool held;			/* it shows that we hold the peer      */
	char *text;			/* the last SDP, for refreshes: same version, same text; ours */
	size_t text_n;
};

/* An offer of the peer, until it is answered. */
struct leg_offer {
	struct sdp_remote r;
	struct sdp_lines lines;
};

/* What an INVITE needs again at another host, until it is answered. */
struct leg_invite {
	struct sip_invite inv;
	struct sip_xhdr xhdr[LEG_XHDR_MAX];
};

struct leg {
	struct legs *ls;
	uint64_t id, call;
	enum leg_role role;
	enum leg_state state;
	const struct leg_peer *peer;	/* lent: outlives the leg         */
	struct arena arena;
	uint64_t session;
	struct leg_invite *out;		/* in the arena; NULL: incoming, or answered */
	ms_t invited;
	/* media */
	uint64_t end;
	struct media_local local;
	bool media_closed, gone_told;
	/* offer and answer, per leg */
	uint64_t sdp_id, sdp_version;	/* of o=; the highest said so far */
	struct leg_said said;
	struct leg_said *before;	/* ours; what goes on if our open offer fails; else NULL */
	struct leg_offer *offer;	/* by the peer, to be answered; ours; NULL: none */
	bool have_offer;		/* of the peer, not yet answered; or it asks for ours: */
	bool asked;			/* its INVITE has no SDP           */
	struct sdp_remote *remote[MEDIA_EARLY_MAX];	/* ours; by early dialog, NULL: none */
	uint32_t settled;		/* bits: said reliably before the answer */
	struct sdp_codec *recodec;	/* ours; to be offered after the ACK; NULL: none */
	bool recoding;			/* that offer is open              */
	int serve;
	struct sdp_codec codec;		/* agreed; name "" before */
	bool offer_open;		/* ours in the dialog waits for its answer */
	bool delayed;			/* its INVITE had no offer; ours goes in the 200 */
	bool it_holds, we_hold, early_sent;
	bool early_reliable;		/* RFC 3262: the 200 repeats nothing of it */
	bool offer_rung;		/* our offer went in a 180; nothing is heard yet */
	bool updating;			/* the peer's offer came in an UPDATE: it has no ACK */
	char name[64];			/* for reasons */
};

struct legs {
	struct legs_config cfg;
	struct slots tab;
	struct leg_event *queue;
	uint32_t head, tail, cap;
	struct arena turn;		/* texts of events */
};

/* leg.c */
void leg_push(struct leg *g, struct leg_event *ev);
void leg_finish(struct leg *g);			/* session is over: close media, then GONE */
struct leg *leg_of(struct legs *ls, uint64_t id);
void leg_lost(struct leg *g, const struct reason *why);

/* legsdp.c */
struct sip_body leg_body(const struct leg *g);	/* of said.text */
enum hold_style leg_style(const struct leg *g);
enum err leg_write_offer(struct leg *g, const struct sdp_codecs *codecs, enum sdp_dir dir);
/* Our answer to g->offer, with `codecs` first-choice first. */
enum err leg_write_answer(struct leg *g, const struct sdp_codecs *codecs, enum sdp_dir dir);
/* An offer that may fail: what was said before it is kept, and comes back unless `good`. */
void leg_keep_said(struct leg *g);
void leg_settle_said(struct leg *g, bool good);
/* What early dialog `i` said last; copied. */
void leg_set_remote(struct leg *g, int i, const struct sdp_remote *r);
void leg_forget_remotes(struct leg *g, int but);	/* -1: all */
void leg_tidy(struct leg *g);		/* an offer that was answered is forgotten */
/* What is of no use any more, keys above all, is wiped and given back. */
void leg_forget_sdp(struct leg *g);
/* Parses and judges a peer's SDP. An offer becomes g->offer. */
enum err leg_read_offer(struct leg *g, const struct sip_body *body, struct reason *why);
enum err leg_read_answer(struct leg *g, struct str sdp, struct sdp_remote *r, struct reason *why);
/* Can our media end reach its address? */
enum err leg_reachable(struct leg *g, const struct sdp_remote *r, struct reason *why);
/* Tells media about remote `early` as read, payload map included. */
void leg_tell_media(struct leg *g, int early);
/* Listens and sends to remote `early` from now on; wipe: the others are forgotten. */
void leg_serve(struct leg *g, int early, bool wipe);
void leg_apply_direction(struct leg *g);
/* The codec agreed on with an answer; ERR_DENIED: none. */
enum err leg_agree(struct leg *g, const struct sdp_remote *answer, struct sdp_codec *c,
		   struct reason *why);
/* `codec` alone, and of events and noise what both this peer and `other` know (NULL: what
 * was said to it last). */
struct sdp_codecs leg_one_codec(const struct leg *g, const struct sdp_codec *codec,
				const struct sdp_side *theirs, const struct leg *other);
enum media_codec leg_codec_id(const struct sdp_codec *c);	/* MEDIA_NCODEC: not passed */

/* reoffer.c */
void leg_learn_hold(struct leg *g, bool holds);
void leg_on_reinvite(struct leg *g, const struct sip_event *ev);
void leg_on_reanswer(struct leg *g, const struct sip_event *ev);
void leg_on_refailed(struct leg *g, const struct sip_event *ev);
void leg_on_withdrawn(struct leg *g);
void leg_on_reack(struct leg *g, const struct sip_event *ev);
void leg_on_refresh(struct leg *g);
void leg_on_refreshed(struct leg *g);
/* An offer before the answer, in PRACK or UPDATE: answered by the leg itself, with the codec in
 * use. Otherwise it cannot be (488). leg_body() is the answer. */
enum err leg_answer_early(struct leg *g, const struct sip_event *ev);

#endif
