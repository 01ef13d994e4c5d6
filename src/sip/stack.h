/*
 * stack.h - the SIP stack as leg/, service/ and hub/ see it: listeners, INVITE
 * sessions, plain requests, and one queue of events.
 *
 * Rules: down is a call, up is a queued event. No function here calls its
 *   caller back. Events are read by sip_next() in the turn; message pointers
 *   and slices in them live until the end of the turn (sip_turn_end()).
 * Owner: struct sip owns transports, transactions, dialogs and sessions.
 *   Others hold ids; stale ids are harmless (functions return ERR_GONE).
 * Threads: the loop's.
 * RFC: 3261, 3263, 3581, 4028, 5626 (CRLF), 6026, 6665 (subscription.h), 7989.
 */
#ifndef SIP_STACK_H
#define SIP_STACK_H
#include "base/reason.h"
#include "io/dns.h"
#include "io/loop.h"
#include "io/net.h"
#include "sip/events.h"
#include "sip/msg.h"
#include "sip/opts.h"
#include "sip/overload.h"
#include "sip/source.h"

struct sip;

struct sip_xhdr { struct str name, value; };	/* a header we generate; value without CR LF */

/* --- strangers: sip/source.h --- */
struct sip_guard {
	struct source_rules rules;
	uint32_t streams;			/* of one stranger at a time */
	const struct str *scanner;		/* words of a User-Agent that are not answered */
	int nscanner;
	/* Sources that are never counted (trunks) on this listener; NULL: this machine only. */
	bool (*trusted)(void *ctx, uint32_t listener, const struct addr *src);
	/* A request outside of dialogs, before anything is stored for it: a status to answer at once
	 * with the headers x (values in the arena), or 0 to let it pass. NULL: all pass. */
	unsigned (*stranger)(void *ctx, const struct sip_msg *m, struct arena *a, struct sip_xhdr x[2]);
	/* A source is held or banned from now on; may be NULL. */
	void (*told)(void *ctx, const struct source_view *v);
	void *ctx;
};

/* --- life --- */
struct sip_seek {
	const struct sip_uri *contact;
	const struct addr *source;	/* its port says nothing */
	uint32_t listener;
	enum sip_transport transport;
};

struct sip_config {
	uint32_t max_sessions, max_transactions;	/* 0: 20,000 and 400,000 */
	uint32_t max_subs;			/* 0: SIP_SUB_MAX */
	ms_t t1, t2, t4;			/* 0: 500, 4,000, 5,000 */
	const char *server;			/* User-Agent/Server text; NULL: "Tandem" */
	void (*tap)(void *ctx, uint64_t owner, bool out, enum sip_transport,
		    const struct addr *local, const struct addr *peer, struct str bytes);
	void *tap_ctx;				/* every message, for the tap; may be NULL */
	/* What the Direct Routing simulator needs to be like Microsoft's side. */
	bool upper_case;			/* header names are sent in capitals       */
	bool no_auto_trying;			/* INVITE gets no 100 from the stack (simulators) */
	bool options_answer_bare;		/* 200 to OPTIONS: no To tag, Contact, Allow */
	const struct sip_guard *guard;		/* copied; NULL: everybody is trusted */
	/* Is this dialled number let in whatever the load (emergency calls)? Asked of every call while
	 * too much comes; NULL: none. */
	bool (*urgent)(void *ctx, struct str number);
	void *urgent_ctx;
	/* The stream of the registration that has this Contact and fits the rest, for a phone in a dialog
	 * whose own stream is gone; 0: there is none. NULL: nobody registers. */
	net_id (*registered)(void *ctx, const struct sip_seek *k);
	void *registered_ctx;
};
struct sip *sip_new(struct loop *l, struct dns *dns, const struct sip_config *c);
void sip_free(struct sip *s);

/* --- credentials for peers that ask (RFC 3261 22) --- */
enum { SIP_LOGIN_MAX = 64, SIP_LOGIN_HOSTS = 8 };
struct sip_login {
	struct str user, password;
	struct str realm;		/* absent: the first one that a host asks for */
	struct str host[SIP_LOGIN_HOSTS];	/* the only names they are used for   */
	int nhosts;
	bool tls;			/* its hosts are asked over TLS: never over anything else */
};
/* For sip_opts.login; copied. 0: the table is full. A challenge is answered only for this
 * realm, to addresses that requests to these hosts went to, and on TLS under their names. */
uint32_t sip_login_add(struct sip *s, const struct sip_login *l);

enum sip_zone_kind { SIP_ZONE_PHONES, SIP_ZONE_PBX, SIP_ZONE_CARRIER, SIP_ZONE_TEAMS };

struct sip_listener {
	enum sip_transport transport;
	bool tcp_too;			/* of SIP_UDP: TCP on the same port, where peers bring what is
					 * too large for a datagram (RFC 3261 18.1.1, 18.2.1) */
	struct addr bind;
	char adv_host[256];		/* advertised name or address; "" = bind ip */
	uint16_t adv_port;		/* 0 = the bound port                       */
	enum sip_zone_kind zone;	/* teams: no REGISTER, no phone             */
	uint32_t methods;		/* bits of the methods allowed; 0: all      */
	const char *events;		/* packages that may be subscribed to here, "a, b"; NULL: none;
					 * outlives the stack */
	bool unsolicited;		/* a NOTIFY of no subscription is news (SIP_EV_REQUEST), not 481 */
	struct tls_ctx *tls;		/* server identity; for SIP_TLS             */
	struct tls_ctx *tls_client;	/* identity of connections we open from here */
	bool (*admit)(void *ctx, const struct addr *src); /* source check before parsing; NULL: all */
	void *admit_ctx;
};
/* OK: *index is what sip_msg.listener and sip_dest.listener mean. ERR_IO: *err_no
 * (EADDRINUSE, ...) is set. Copies the struct. */
enum err sip_listen(struct sip *s, const struct sip_listener *l, uint32_t *index, int *err_no);
bool sip_listen_addr(struct sip *s, uint32_t index, struct addr *bound);

/* --- where a request goes (RFC 3263) --- */
struct sip_dest {
	uint32_t listener;		/* our side: addresses, identity            */
	enum sip_transport transport;
	uint16_t port;			/* 0: SRV then default port                 */
	bool alone;			/* a new stream that nothing else uses; the owner closes it: sip_close_flow() */
	bool choose;			/* port 0: NAPTR may choose UDP or TCP; TLS stays TLS */
	struct addr addr;		/* known address: no DNS                    */
	net_id flow;			/* 0, or a stream that is still open: used first (registered contact) */
	/* Texts last: a session keeps them packed, and nothing of their room. */
	char host[256];			/* name or literal; resolved when addr is NONE */
	char tls_name[256];		/* SNI and name to verify; "" = host        */
};

/* --- events --- */
enum sip_fail {			/* why a request got no usable answer */
	SIP_FAIL_NONE,		/* `status` was received              */
	SIP_FAIL_TIMEOUT,	/* Timer B/F, or no response within first_response */
	SIP_FAIL_DNS, SIP_FAIL_REFUSED, SIP_FAIL_UNREACHABLE, SIP_FAIL_CLOSED,
	SIP_FAIL_TLS, SIP_FAIL_LOCAL,
};

enum sip_auth {			/* why a 401 or 407 was not answered  */
	SIP_AUTH_NONE,		/* nobody asked                       */
	SIP_AUTH_MISSING,	/* we have no credentials for it      */
	SIP_AUTH_WRONG,		/* it refused them                    */
	SIP_AUTH_REALM,		/* it asks for another realm          */
	SIP_AUTH_ELSEWHERE,	/* asked from an address or TLS name they are not for */
	SIP_AUTH_UNKNOWN,	/* no algorithm that we know          */
};

enum sip_ev_kind {
	/* INVITE sessions, uas side */
	SIP_EV_INVITE,		/* new call; 100 was sent; own it with sip_own() or sip_reject() it */
	SIP_EV_CANCELLED,	/* the caller's CANCEL; 200 and 487 were sent; session ended */
	SIP_EV_ACK,		/* ACK to our 200; body may hold the answer                  */
	SIP_EV_PRACK,		/* a PRACK with a body: tsx 0: the answer to the offer in our 18x;
				 * else a new offer, to be answered with sip_respond()        */
	/* uac side */
	SIP_EV_PROVISIONAL,	/* 101..199; early = index of its early dialog, -1 without tag.
				 * prack_due: it holds an offer, answer with sip_prack()       */
	SIP_EV_TRYING,		/* the first 100: the peer is alive                          */
	SIP_EV_ANSWER,		/* first 200; ACK already sent, except after a delayed offer
				 * (our INVITE had no body): then answer with sip_ack().
				 * Further 200s of other tags are ACKed and BYEd by the stack
				 * and reported as SIP_EV_EXTRA_ANSWER.                        */
	SIP_EV_EXTRA_ANSWER,
	SIP_EV_FAILED,		/* final 300..699 or fail; session ended. After sip_cancel():
				 * its 487 (or what came) arrives here too                     */
	/* both, in the dialog */
	SIP_EV_REINVITE,	/* a re-INVITE, or an UPDATE with a body (msg->method), also before
				 * the answer: sip_reinvite_answer(); a re-INVITE may have no body */
	SIP_EV_REINVITE_ACK,	/* its ACK (body: answer to our offer in the 200)            */
	SIP_EV_REWITHDRAWN,	/* its CANCEL came before our answer; 487 was sent           */
	SIP_EV_REANSWER,	/* 200 to our sip_reinvite(); ACK sent (or sip_ack() if it had no body) */
	SIP_EV_REFAILED,	/* final non-2xx to it; 491 and 408/481 as RFC 3261 14.1, 12.2.1.2 say */
	SIP_EV_INDIALOG,	/* REFER, INFO, NOTIFY, ... within the dialog: sip_respond()  */
	SIP_EV_BYE,		/* peer's BYE; 200 was sent; session ended                   */
	SIP_EV_ENDED,		/* ended by the stack: why = NO_ACK, NO_PRACK, SESSION_EXPIRED, TRANSPORT
				 * (a re-INVITE got 408, 481 or nothing: `status`, `fail`)    */
	SIP_EV_REFRESH_DUE,	/* RFC 4028: it is ours to refresh: sip_reinvite() with the same body.
				 * With refresh_update the stack does it by itself            */
	SIP_EV_REFRESHED,	/* that UPDATE is over: sip_reinvite() can be called again   */
	/* subscriptions: `sub`; subscription.h */
	SIP_EV_SUBSCRIBE,	/* a new one: sip_sub_accept() or sip_sub_refuse(); package, id */
	SIP_EV_SUB_REFRESHED,	/* the peer goes on; 200 and NOTIFY were sent. May it still? */
	SIP_EV_NOTIFY,		/* the state (body) of one of ours; 200 was sent; sub_info */
	SIP_EV_SUB_ENDED,	/* either role: sub_info says why; status or fail when a request failed */
	/* outside of dialogs */
	SIP_EV_REQUEST,		/* OPTIONS, REGISTER, ...: answer with sip_respond()         */
	SIP_EV_RESPONSE,	/* final answer to sip_request(), or fail                    */
	SIP_EV_FLOW,		/* a stream opened or closed: `flow`, `stream`               */
};

enum sip_end { SIP_END_NONE, SIP_END_NO_ACK, SIP_END_SESSION_EXPIRED, SIP_END_TRANSPORT,
	       SIP_END_NO_PRACK };

struct sip_event {
	enum sip_ev_kind kind;
	uint64_t session;		/* 0 for REQUEST, RESPONSE, FLOW             */
	uint64_t owner;			/* as given by the caller; 0: not yet owned  */
	uint64_t tsx;			/* REQUEST, INDIALOG: for sip_respond()      */
	uint64_t sub;			/* SUBSCRIBE, SUB_*, NOTIFY                  */
	struct sip_sub_info sub_info;
	struct sip_package package;	/* SUBSCRIBE: lent for the turn              */
	uint32_t expires_s;		/* SUBSCRIBE: asked for; 0: a fetch          */
	int early;			/* early dialog index, 0..SIP_EARLY_MAX-1; -1 */
	bool prack_due, reliable;	/* PROVISIONAL: RFC 3262 */
	unsigned status;		/* responses                                 */
	enum sip_fail fail;
	enum sip_end why;
	enum sip_auth auth;		/* of a final 401 or 407                     */
	uint32_t retry_after_s;		/* received Retry-After; 0: none             */
	const struct sip_msg *msg;	/* lent for the turn; NULL for local failures */
	struct sip_body body;		/* the SDP part also out of a multipart body */
	net_id flow;			/* FLOW: 0 for a handshake that failed         */
	uint32_t listener;		/* FLOW without a stream: where it knocked   */
	struct addr peer;		/* whom it came from or failed at            */
	const struct net_stream_info *stream;	/* FLOW and TLS failures; lent       */
	enum net_event flow_event;
};
bool sip_next(struct sip *s, struct sip_event *ev);	/* false: queue empty */
void sip_turn_end(struct sip *s);			/* frees the turn's messages, flushes */
void sip_trim(struct sip *s);				/* frees the tables' unused places */
/* The sentence for ev->auth; code NONE when nobody asked. Arguments live for the turn. */
struct reason sip_auth_reason(const struct sip_event *ev, struct str who);

/* --- INVITE sessions, uac --- */
struct sip_invite {
	uint64_t owner;
	struct sip_dest dest;
	const struct sip_opts *opts;	/* outlives the session; NULL: nothing special */
	struct str ruri;		/* "sip:+1425...@host" */
	struct str route;		/* "<a>, <b>": the route set from the start (Service-Route, Path); dest
					 * stays where it goes */
	struct str from_uri, from_name;	/* name absent: none; the stack adds the tag */
	struct str to_uri, to_name;
	struct str contact_user;	/* may be absent */
	struct sip_body body;		/* absent: delayed offer */
	const struct sip_xhdr *xhdr;
	int nxhdr;
	ms_t first_response;		/* no 1xx at all within, at each target: FAILED/TIMEOUT; 0: Timer B */
	uint32_t max_forwards;		/* 0: 70 */
	struct str call_id;		/* absent: made */
	struct str received;		/* user part that the call itself was addressed to: an INVITE for it
					 * that comes back is a loop (RFC 5393); absent: none */
	struct str session_id;		/* RFC 7989: 32 hex digits, on every message; absent: none */
};
/* Session id; 0: table full. All later news arrives as events. */
uint64_t sip_invite(struct sip *s, const struct sip_invite *i);
/* CANCEL, now or at the first provisional (9.1); a 200 that crosses is ACKed and BYEd with the
 * same Reason, and reported as EXTRA_ANSWER, then FAILED status 487. Idempotent. */
enum err sip_cancel(struct sip *s, uint64_t session, const struct sip_xhdr *x, int nx);
/* Owner lost interest (failover): as sip_cancel(), and no event of it will ever be queued. */
void sip_abandon(struct sip *s, uint64_t session);

/* The answer to the offer of a reliable provisional response (prack_due). */
enum err sip_prack(struct sip *s, uint64_t session, int early, const struct sip_body *b);

/* --- uas --- */
/* From now on the owner's; `o` outlives the session, NULL: as before. */
enum err sip_own(struct sip *s, uint64_t session, uint64_t owner, const struct sip_opts *o);
enum err sip_ring(struct sip *s, uint64_t session, unsigned status, const struct sip_body *b,
		  const struct sip_xhdr *x, int nx);			/* 101..199 */
/* Would a 183 with a body be sent reliably? Then it may carry an offer. */
bool sip_may_ring_reliably(struct sip *s, uint64_t session);
/* Must the first ringing carry our offer? The INVITE had none and requires 100rel (RFC 3262 5). */
bool sip_ring_owes_offer(struct sip *s, uint64_t session);
enum err sip_answer(struct sip *s, uint64_t session, const struct sip_body *b,
		    const struct sip_xhdr *x, int nx);			/* 200 */
/* The same as one of several forks of this INVITE, each with a To tag of its own: tag 0 to 25.
 * The answered one is the dialog. */
enum err sip_ring_tag(struct sip *s, uint64_t session, int tag, unsigned status,
		      const struct sip_body *b, const struct sip_xhdr *x, int nx);
enum err sip_answer_tag(struct sip *s, uint64_t session, int tag, const struct sip_body *b,
			const struct sip_xhdr *x, int nx);
enum err sip_reject(struct sip *s, uint64_t session, unsigned status, const char *phrase,
		    const struct sip_xhdr *x, int nx);			/* 300..699 */

/* --- in the dialog --- */
enum err sip_ack(struct sip *s, uint64_t session, const struct sip_body *b);
enum err sip_reinvite(struct sip *s, uint64_t session, const struct sip_body *b,
		      const struct sip_xhdr *x, int nx);	/* ERR_STATE: one is open (either way) */
enum err sip_reinvite_answer(struct sip *s, uint64_t session, unsigned status,
			     const struct sip_body *b, const struct sip_xhdr *x, int nx);
/* After this the session is gone for its owner; before the ACK of our 200 the BYE waits
 * for it (RFC 3261 15). */
enum err sip_bye(struct sip *s, uint64_t session, const struct sip_xhdr *x, int nx);
/* RFC 7989: what we say for the other side from now on; needs sip_opts.session_id. */
void sip_say_session_id(struct sip *s, uint64_t session, struct str local);
struct sip_info {
	char call_id[128], local_tag[64], remote_tag[128];	/* cut when longer */
	char session_local[33], session_remote[33];	/* RFC 7989; "": none or not yet known */
	struct addr peer;
	enum sip_transport transport;
	uint32_t listener;
};

enum err sip_session_info(struct sip *s, uint64_t session, struct sip_info *out);

/* A dialog as bytes, for the record map; and the BYE after a restart. */
enum { SIP_SAVED_MAX = 1536 };
size_t sip_dialog_save(struct sip *s, uint64_t session, uint8_t *dst, size_t cap);	/* 0: does not fit */
enum err sip_dialog_bye_saved(struct sip *s, struct str saved, const struct sip_xhdr *x, int nx);

/* --- plain requests --- */
struct sip_request {
	uint64_t owner;
	enum sip_method method;
	struct sip_dest dest;
	struct sip_opts opts;
	struct str ruri, from_uri, to_uri, contact_user;
	struct sip_body body;
	const struct sip_xhdr *xhdr;
	int nxhdr;
	ms_t timeout;			/* at each of at most four targets; 0: Timer F */
};
uint64_t sip_request(struct sip *s, const struct sip_request *r);	/* 0: full */
enum err sip_respond(struct sip *s, uint64_t tsx, unsigned status, const char *phrase,
		     const struct sip_body *b, const struct sip_xhdr *x, int nx);
/* The values of Allow and Supported towards such a peer: exactly what works. */
void sip_write_methods(struct buf *b, const struct sip_opts *o);
void sip_write_supported(struct buf *b, const struct sip_opts *o);
const char *sip_phrase(unsigned status);		/* "Busy Here"; never NULL */

/* A failure in words. `host`: whom the request was for; the other arguments live in `t`. NONE
 * for SIP_FAIL_TIMEOUT and SIP_FAIL_LOCAL: what was awaited is the caller's to say. */
struct sip_fail_text { char arg[2][512]; };
struct reason sip_fail_reason(const struct sip_event *ev, struct str host,
			      struct sip_fail_text *t);

/* Close every stream of ours to that address (503 with Retry-After: Direct Routing). */
void sip_close_flows(struct sip *s, const struct addr *peer);

/* Close one stream of ours, by an event's `flow`. One that is gone or not ours: nothing. */
void sip_close_flow(struct sip *s, net_id flow);

struct sip_counts {			/* for show and for leak checks */
	uint32_t sessions, transactions, dialogs, flows, subs;
	uint64_t received, sent, refused, dropped, retransmitted;
	struct overload_view overload;
};
void sip_counts(const struct sip *s, struct sip_counts *c);

/* The credentials of this source were right: it is no stranger for an hour. */
void sip_prove(struct sip *s, const struct addr *a);
/* Lifts the hold or ban of the source that a is in. false: there was none. */
bool sip_forgive(struct sip *s, const struct addr *a);
/* What the guard holds; fn is given the held and the banned until it says false. */
void sip_sources(struct sip *s, struct source_counts *c,
		 bool (*fn)(void *, const struct source_view *), void *ctx);

#endif
