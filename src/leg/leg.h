/*
 * leg.h - one side of a call: a SIP session joined to one media end. The only
 * place where SIP meets media.
 *
 * The call decides, the leg obeys. A leg keeps its own offer/answer state, its
 * own media end (one port pair, one key per suite, first offer to end) and its
 * own hold facts; it never looks at the other leg. What it must know of the
 * other side (codecs, hold) the call hands to it.
 *
 * Down is a call, up is a queued event (leg_next()). Nothing here calls back.
 * Owner: struct legs owns every leg. The call holds ids. A leg lives from
 *   leg_take()/leg_dial() until its LEG_EV_GONE was read, which comes once,
 *   after leg_end() or after the peer ended it, when media has given its last
 *   counters.
 * Threads: the loop's.
 * RFC: 3261, 3264, 3960, 4028, 7989.
 */
#ifndef LEG_LEG_H
#define LEG_LEG_H
#include "base/reason.h"
#include "io/loop.h"
#include "leg/hold.h"
#include "media/media.h"
#include "sdp/negotiate.h"
#include "sip/stack.h"

struct legs;

enum leg_role { LEG_PARTY, LEG_BRANCH, LEG_CONSULT, LEG_ANNOUNCE };

/* How the other side is to be treated: copied from a trunk profile or phone row. */
struct leg_peer {
	struct sip_opts sip;
	struct sdp_opts sdp;
	struct {
		uint32_t pool;		/* media address and port range (listener) */
		bool latch;		/* media: latch (NAT), else sdp            */
		bool fill;		/* silence when the other side sends none  */
		ms_t no_media;		/* 0: never                                */
	} media;
	bool hold_inactive;		/* hold is shown as a=inactive             */
	bool music;			/* while held it hears the music           */
	bool delayed_offer;		/* our INVITE carries no SDP               */
};

struct legs_config {
	struct loop *loop;
	struct sip *sip;
	struct media *media;
	uint32_t max;			/* legs */
};

struct legs *legs_new(const struct legs_config *c);
void legs_free(struct legs *ls);

/* --- incoming --- */
/* Take an SIP_EV_INVITE as a leg. On OK the leg owns the session and its offer was
 * understood (or there was none). Otherwise *why says what to tell, *status what to
 * answer (488, 500, 503), and the session is still the caller's to reject. `peer` outlives the
 * leg and its session.
 * `call` is the owner given with every event. */
extern const struct sip_xhdr leg_accept;	/* what a 415 says */
enum err leg_take(struct legs *ls, uint64_t call, const struct sip_event *invite,
		  const struct leg_peer *peer, uint64_t *leg, unsigned *status,
		  struct reason *why);

/* --- outgoing --- */
enum { LEG_XHDR_MAX = 8 };
struct leg_dial {
	uint64_t call;
	enum leg_role role;
	const struct leg_peer *peer;	/* outlives the leg and its session       */
	struct sip_dest dest;		/* the first host                         */
	struct str ruri, from_uri, from_name, to_uri, to_name, contact_user;
	struct str route, session_id, received;	/* as struct sip_invite has them  */
	uint64_t caller;		/* leg whose codecs are offered; 0: ours  */
	ms_t first_response;		/* failover time; 0: Timer B              */
	uint32_t max_forwards;
	const struct sip_xhdr *xhdr;
	int nxhdr;
};
/* OK: *leg rings from now on; news comes as events. ERR_LIMIT: no leg, session or
 * media port left (*why). */
enum err leg_dial(struct legs *ls, const struct leg_dial *d, uint64_t *leg, struct reason *why);
/* After LEG_EV_ATTEMPT_FAILED: try the same INVITE at another host. The old attempt
 * stays with the leg: whatever still comes of it is CANCELed or ACKed and BYEd. */
enum err leg_retry(struct legs *ls, uint64_t leg, const struct sip_dest *dest, struct str ruri,
		   struct str to_uri);

/* --- the caller's leg before its answer --- */
/* Without SDP; but who did not offer and requires reliable ringing gets our offer with it. */
enum err leg_ring(struct legs *ls, uint64_t leg, unsigned status, const struct sip_xhdr *x, int nx);
/* 183 with SDP for the codec set both share, and the media path opened one way:
 * source = leg whose early media it hears, or 0 with a tone (media_play). When leg_ring() had
 * the offer, the path to the source alone is opened. Later ones are heard without another 183,
 * when their codec is the one it said; ERR_DENIED: it is not. */
enum err leg_early(struct legs *ls, uint64_t leg, uint64_t source, const struct sip_xhdr *x, int nx);
/* 200 to the caller with the winner's codec, and both media ends joined. The record
 * must be in the map before. */
enum err leg_join(struct legs *ls, uint64_t caller, uint64_t winner, const struct sip_xhdr *x,
		  int nx, struct reason *why);
/* --- talking --- */
/* The other side of the call holds or resumes: show it what hold.h says by a re-INVITE,
 * when the direction shown changes. ERR_AGAIN: an offer is open on this leg, try again
 * after LEG_EV_OFFER_DONE; ERR_EXISTS: nothing to change, no event will follow. */
enum err leg_other_holds(struct legs *ls, uint64_t leg, bool holds);
/* After the ACK: the winner's codec by a re-INVITE, when the answer given before it had
 * another one. Results as above; a peer that refuses it is lost (NO_COMMON_CODEC). */
enum err leg_recodec(struct legs *ls, uint64_t leg);
/* After LEG_EV_OFFERED: answer the peer's re-INVITE from this leg's own state. `other`
 * is the leg it talks to, whose codec must stay in use. Answers 488 by itself when that
 * is not possible. To one without SDP our offer goes: leg_look() shows it as open. */
enum err leg_offer_answer(struct legs *ls, uint64_t leg, uint64_t other);
/* Or refuse it: 491 because the call's other side has an offer open. */
enum err leg_offer_refuse(struct legs *ls, uint64_t leg, unsigned status);

/* --- the end --- */
/* Ends the leg in whatever way its state asks: CANCEL, BYE, or `status` to an
 * unanswered caller. Idempotent. x: e.g. Reason. */
enum err leg_end(struct legs *ls, uint64_t leg, unsigned status, const struct sip_xhdr *x, int nx);

/* --- events --- */
enum leg_ev_kind {
	LEG_EV_TRYING,		/* peer gave its first sign of life               */
	LEG_EV_RINGING,		/* 18x: status                                     */
	LEG_EV_EARLY_MEDIA,	/* first valid RTP of an unanswered branch         */
	LEG_EV_ANSWERED,	/* 200 received and ACKed                          */
	LEG_EV_ATTEMPT_FAILED,	/* fail, status 503, retry_after: leg_retry() or leg_end() */
	LEG_EV_FAILED,		/* final answer: status, reason; LEG_EV_GONE follows */
	LEG_EV_CANCELLED,	/* caller gave up; text = its Reason header or absent */
	LEG_EV_CONFIRMED,	/* ACK to our 200                                  */
	LEG_EV_OFFERED,		/* re-INVITE, no mere refresh: leg_offer_answer() or _refuse() */
	LEG_EV_HELD,		/* peer holds us                                   */
	LEG_EV_RESUMED,
	LEG_EV_OFFER_DONE,	/* a re-INVITE is over, ours (status: it failed) or the peer's */
	LEG_EV_HUNG_UP,		/* BYE; text = its Reason header or absent         */
	LEG_EV_LOST,		/* ended by us for it: reason (NO_ACK, NO_MEDIA, SESSION_EXPIRED, NO_COMMON_CODEC) */
	LEG_EV_REFUSED_REQUEST,	/* REFER, a re-INVITE: answered; reason for the record */
	LEG_EV_GONE,		/* the leg is freed after this event; stats are final */
};

struct leg_event {
	enum leg_ev_kind kind;
	uint64_t leg, call;
	unsigned status;
	enum sip_fail fail;
	uint32_t retry_after_s;
	struct reason reason;		/* arguments live until the end of the turn */
	struct str text;		/* lent for the turn                        */
	struct addr peer;
	const struct sip_msg *msg;	/* lent for the turn; may be NULL           */
	struct media_stats stats;	/* GONE                                     */
};
bool leg_next(struct legs *ls, struct leg_event *ev);
void legs_turn_end(struct legs *ls);	/* frees the texts of the turn's events */
void legs_trim(struct legs *ls);	/* frees the table's unused places */
/* Inputs, given by the server's turn. Events whose owner is no leg are ignored. */
void legs_on_sip(struct legs *ls, const struct sip_event *ev);
void legs_on_media(struct legs *ls, const struct media_event *ev);

/* --- looking --- */
struct leg_view {
	enum leg_role role;
	struct sip_info sip;
	struct addr local_media, remote_media;
	const char *codec;		/* "PCMU"; "" before an answer */
	bool srtp, answered, it_holds, we_hold;
	bool offer_open;		/* ours in the dialog          */
	ms_t invited;			/* of the attempt that counts  */
	uint64_t session, media_end;
};
enum err leg_look(struct legs *ls, uint64_t leg, struct leg_view *v);
uint32_t legs_count(const struct legs *ls);

#endif
