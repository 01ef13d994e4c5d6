/*
 * stack_int.h - what the files of the stack share: its objects and the calls
 * between them. Private to sip/.
 *
 * Flow in:  transport -> receive -> (guard) -> server | client -> session
 * Flow out: session | plain -> client | server -> locate -> transport
 * Objects live in slot tables; across an input only ids are kept. Transactions
 * are freed where their machine reaches TSX_DEAD, never under their caller:
 * functions that may free say so.
 */
#ifndef SIP_STACK_INT_H
#define SIP_STACK_INT_H
#include "base/hash.h"
#include "base/list.h"
#include "base/slot.h"
#include "sip/dialog.h"
#include "sip/frame.h"
#include "sip/locate.h"
#include "sip/login.h"
#include "sip/stack.h"
#include "sip/subscription.h"
#include "sip/tsx.h"

/* --- what is sent again --- */
struct wire {			/* one message as bytes */
	uint32_t n;
	char p[];
};

struct path {			/* how a message leaves */
	net_id flow;		/* stream; 0 with SIP_UDP */
	struct addr peer;
	struct addr local;	/* UDP source; NONE: the socket's */
	uint16_t listener;
	uint8_t transport;
	uint8_t heard;		/* inbound: enum source_verdict */
};

/* --- transport --- */
struct lsn {			/* one listener */
	struct sip *s;
	struct sip_listener cfg;
	struct addr bound;
	net_id sock, tcp;		/* tcp: of a UDP listener, 0: none */
	uint32_t index;
};

struct conn_ask {		/* a stream of ours */
	uint32_t listener;
	enum sip_transport transport;
	const struct addr *peer;
	struct str tls_name;
	ms_t timeout;
	bool alone;
	bool answer;		/* for a response: what it says is heard as anybody's */
};

struct conn {			/* one stream */
	struct sip *s;
	uint64_t id;
	net_id stream;
	struct hash_node by_stream, by_peer;	/* by_peer: ours only */
	struct list age;			/* in sip.conn_age     */
	struct list users;			/* client transactions waiting on it */
	struct addr peer, local;
	struct timer timer;
	struct sip_framer frame;
	struct buf pending;			/* responses, until it is open */
	char *tls_name;
	ms_t opened, heard, used, wait_since;	/* used: for SIP, not CRLF */
	uint32_t listener;
	uint8_t transport, wait;		/* wait: enum sip_frame_state */
	bool inbound, open, proven;
	bool trusted;				/* ours, or its certificate was checked */
	bool said;				/* it sent a whole message */
	bool alone;				/* one request's own, never in conn_peer */
	bool doomed;				/* closed when what came before is answered */
};

/* --- transactions --- */
enum tx_user {
	TX_USER_NONE,		/* BYE, CANCEL: nobody waits for the answer */
	TX_USER_INVITE, TX_USER_REINVITE, TX_USER_UPDATE,
	TX_USER_PLAIN,		/* sip_request(); server side: sip_respond() */
	TX_USER_INDIALOG,	/* server side: in a dialog, sip_respond()   */
	TX_USER_SUBSCRIBE, TX_USER_NOTIFY,	/* user: a subscription      */
};

struct client {			/* where a request may still go; while that may matter */
	struct locate loc;
	ms_t give_up;		/* of a plain request; MS_NEVER: Timer F     */
	uint32_t timeout;	/* ... at each target; 0: Timer F            */
	uint16_t port;		/* as given, for a second look by UDP        */
	uint8_t why;		/* enum sip_fail: the target before was left */
	uint8_t silent : 4;	/* targets                                   */
	bool heard : 1;		/* only 503 leads on to the next target      */
	bool alone : 1;		/* sip_dest.alone                            */
	bool udp_next : 1;	/* on TCP for its size only, RFC 3261 18.1.1 */
	char host[256], tls_name[256];
};

struct skel {			/* what every response to a request repeats  */
	uint32_t n, rr_at;	/* bytes; Record-Routes are from rr_at on    */
	uint16_t tag_at;	/* where our To tag goes, but not in 100     */
	char tag[18];		/* "": the request had one                   */
	char p[];
};

struct tx {
	struct tsx m;
	struct hash_node by_key;
	union {
		struct hash_node by_merge;	/* IST, NIST: RFC 3261 8.2.2.2 */
		struct list on_conn;		/* clients on a stream         */
	} u;
	struct sip *s;
	uint64_t id, user;
	struct wire *last;
	union {
		struct client *client;
		struct skel *skel;
	} more;
	struct path path;
	uint8_t method, user_kind;
	bool server : 1, ack_only : 1, waiting : 1;	/* waiting: for DNS */
	bool acked : 1;				/* ICT: `last` is the ACK of its 200 */
	bool fresh : 1;				/* its connection was opened for it */
	bool via : 1;				/* `last` has its Via               */
	bool linked : 1, merge_linked : 1;
	bool stays : 1;				/* its session is gone, and had never_dial_contact */
	uint8_t moves : 7;			/* ICT: to new streams, after the old one broke */
	uint8_t login;				/* client: credentials it may show; 0: none */
	struct login_try tries;
	uint16_t status;			/* server: last one sent */
};

/* --- sessions --- */
enum ses_state {
	SES_NEW,
	SES_CALLING,		/* uac: nothing heard of the last INVITE       */
	SES_PROCEEDING,		/* uac: 1xx heard of it                        */
	SES_CANCEL_DUE,		/* uac: to be cancelled at the first 1xx, 9.1  */
	SES_CANCELLED,		/* uac: CANCEL sent                            */
	SES_ACK_DUE,		/* uac: 200 to a delayed offer, owner owes ACK */
	SES_OFFERED,		/* uas: 100 sent                               */
	SES_ANSWER_DUE,		/* uas: the 200 waits for a PRACK, RFC 3262 3  */
	SES_ANSWERED,		/* uas: 200 sent, peer owes the ACK            */
	SES_BYE_DUE,		/* uas: BYE waits for that ACK, RFC 3261 15    */
	SES_UP,
	SES_OVER,
	SES_NSTATE
};

enum ses_in {
	SES_GOT_1XX, SES_GOT_2XX,
	SES_GOT_2XX_OFFER,			/* 200 to our INVITE without a body */
	SES_GOT_FINAL, SES_LOST,
	SES_GOT_CANCEL, SES_GOT_ACK, SES_GOT_BYE,
	SES_DO_RING, SES_DO_ANSWER, SES_DO_REJECT,
	SES_DO_CANCEL, SES_DO_ACK, SES_DO_BYE,
	SES_DO_ANSWER_LATER, SES_GOT_PRACK, SES_NO_PRACK,
	SES_AGAIN,				/* our INVITE was said anew, after 401, 407 or 422 */
	SES_LATE,				/* the state's own deadline         */
	SES_EXPIRED,				/* RFC 4028, or the dialog is broken */
	SES_NEXT,				/* our INVITE goes to the next target, RFC 3263 4.3 */
	SES_NIN
};

enum re_state {			/* re-INVITE, RFC 3261 14 */
	RE_NONE,
	RE_OUT,			/* ours is open                             */
	RE_OUT_CANCEL,		/* ... and was cancelled, for want of an answer */
	RE_OUT_ACK,		/* its 200 came, owner owes the ACK         */
	RE_OUT_WAIT,		/* after 491: tried again by a timer        */
	RE_IN,			/* the peer's is open, owner owes an answer */
	RE_IN_ACK,		/* our 200 is out, peer owes the ACK        */
	RE_UPDATE_OUT,		/* our UPDATE is open                       */
	RE_UPDATE_IN,		/* the peer's UPDATE has an offer, owner owes an answer */
	RE_NSTATE
};

enum re_in {
	RE_DO_INVITE, RE_DO_UPDATE, RE_DO_ACK, RE_DO_ANSWER, RE_DO_REFUSE,
	RE_GOT_2XX, RE_GOT_2XX_OFFER, RE_GOT_491, RE_GOT_FINAL, RE_LOST,
	RE_GOT_INVITE, RE_GOT_UPDATE, RE_GOT_ACK, RE_GOT_CANCEL,
	RE_AGAIN,		/* 491 was waited out */
	RE_LATE,		/* the state's own deadline */
	RE_NIN
};

enum rel_state {		/* our reliable provisional responses, RFC 3262 */
	REL_IDLE,		/* none is unacknowledged                   */
	REL_SENT,
	REL_FULL,		/* ... and another one waits behind it      */
	REL_OVER,		/* the final answer is out                  */
	REL_NSTATE
};

enum rel_in { REL_RING, REL_PRACK, REL_STRAY, REL_TICK, REL_LATE, REL_FINAL, REL_NIN };
enum rel_asked { REL_UNKNOWN, REL_SUPPORTED, REL_REQUIRED };
enum rel_got { REL_PLAIN, REL_AGAIN, REL_OFFER, REL_ACKED };

struct rel {			/* made when the first one is sent or comes */
	uint8_t state;
	bool sdp, sent_sdp, next_sdp, settled;	/* settled: offer and answer are said */
	uint16_t next_status;
	uint32_t rseq, unacked;	/* the last one written; the one that PRACK must name */
	uint32_t interval;
	ms_t late_at;
	struct timer timer;
	struct wire *next, *answer;	/* what waits: a provisional, the 200 */
	struct {
		uint32_t rseq;
		bool settled, due;
		struct dialog *d;	/* where its PRACK goes */
	} early[SIP_EARLY_MAX];	/* the peer's, by fork */
};

enum se_role { SE_NONE, SE_WE_REFRESH, SE_PEER_REFRESHES };

struct sid { char local[33], remote[33]; };	/* RFC 7989, "": not known yet */

struct early {
	char *tag;
	struct wire *ack;	/* how our ACK with an answer ends, until one left; NULL: none */
	bool extra;		/* its 200 came after another's: ACKed and BYEd */
};

struct se {			/* session interval, RFC 4028 */
	uint32_t s;		/* agreed; 0: none                       */
	uint32_t want;		/* of the request in hand; 0: none       */
	uint32_t min;		/* Min-SE: of the request, or of a 422   */
	uint16_t tried;		/* refreshes since the last that worked  */
	uint8_t role : 4, asked : 4;	/* enum se_role                  */
	bool peer_timer;	/* Supported: timer                      */
};

struct ses {
	struct sip *s;
	uint64_t id, owner;
	struct dialog d;
	struct hash_node by_dialog;
	uint64_t invite;	/* transaction of the INVITE                */
	uint64_t re_tx;		/* ... of the open re-INVITE, either way    */
	char *dest;		/* uac: as given, by dest_keep(); uas: NULL */
	const struct sip_opts *opts;	/* the owner's, lent; uas: NULL until owned */
	char *contact_user;
	struct rel *rel;	/* NULL: all provisionals are plain ones    */
	struct sid *sid;	/* NULL: no Session-ID                      */
	char *extra;		/* header lines of CANCEL, and of a BYE that had to wait */
	struct wire *again;	/* re-INVITE to repeat after 491            */
	struct timer resend;	/* 200 repeated; 491 waited out             */
	struct timer late;	/* the state's deadline, or the re-INVITE's */
	struct timer expire;	/* RFC 4028                                 */
	struct early *early;		/* nearly of them, at most SIP_EARLY_MAX */
	struct se se;
	uint32_t interval;	/* of resend                                */
	uint32_t cseq;		/* of the INVITE, for its ACK               */
	uint32_t loop;		/* uac: sip_loop() of the call it was made of; 0: of none */
	uint32_t re_cseq;
	struct addr peer, local;	/* of the last message              */
	net_id flow;
	uint8_t state, re, re_tries, nearly, transport;
	uint16_t listener;
	uint16_t first_response;	/* uac: at each target, ms; 0: Timer B */
	uint8_t rel_asked;	/* enum rel_asked: the INVITE's 100rel      */
	bool uac, muted, linked, delayed, heard, re_delayed;	/* delayed: the INVITE had no offer */
	bool peer_update;	/* its Allow lists UPDATE                   */
	bool re_silent;		/* our UPDATE is a refresh of the stack's own */
};

/* --- subscriptions --- */
enum sub_state {
	SUB_NEW,
	/* notifier */
	SUB_ASKED,		/* SUBSCRIBE came, the owner owes the answer   */
	SUB_GIVEN,		/* accepted                                    */
	SUB_LAST,		/* the NOTIFY that ends it is due or out       */
	/* subscriber */
	SUB_TRYING,		/* the first SUBSCRIBE is out, nothing heard   */
	SUB_EARLY,		/* ... its NOTIFY came, its answer did not     */
	SUB_WAITING,		/* a SUBSCRIBE was answered, its NOTIFY is due */
	SUB_HELD,		/* answered and notified                       */
	SUB_REFRESHING,		/* another SUBSCRIBE is out                    */
	SUB_NOTIFIED,		/* ... its NOTIFY came, its answer did not     */
	SUB_LEAVE_DUE,		/* the owner left; there is no dialog yet, or a SUBSCRIBE is out */
	SUB_LEAVING,		/* Expires: 0 is out                           */
	SUB_LEFT,		/* ... and answered, the last NOTIFY is due    */
	SUB_OVER,
	SUB_NSTATE
};

enum sub_in {
	SUB_DO_ACCEPT, SUB_DO_FETCH,		/* FETCH: accepted, with Expires: 0 */
	SUB_DO_REFUSE, SUB_DO_STATE, SUB_DO_END,
	SUB_GOT_SUBSCRIBE, SUB_GOT_LEAVE,	/* in the dialog; LEAVE: Expires: 0 */
	SUB_SAID,				/* no NOTIFY is out or due          */
	SUB_UNSAID,				/* a NOTIFY failed for good         */
	SUB_DO_LEAVE,
	SUB_GOT_2XX, SUB_GOT_BRIEF,		/* BRIEF: 423                       */
	SUB_GOT_GONE,				/* refused, and what was granted is void */
	SUB_GOT_OTHER,				/* refused, what was granted holds  */
	SUB_GOT_NOTIFY, SUB_GOT_TERMINATED,
	SUB_LATE,				/* the state's own deadline         */
	SUB_EXPIRED,
	SUB_NIN
};

enum ntf_state {		/* our NOTIFY */
	NTF_IDLE,
	NTF_OUT,		/* one is unanswered                        */
	NTF_DUE,		/* ... and the state has changed meanwhile  */
	NTF_REST,		/* Retry-After, or no room: the state waits */
	NTF_NSTATE
};

enum ntf_in { NTF_SAY, NTF_TAKEN, NTF_LATER, NTF_FAILED, NTF_TICK, NTF_NIN };

struct sub {
	struct sip *s;
	uint64_t id, owner;
	uint64_t session;	/* whose dialog it shares; 0: one of its own */
	uint64_t asked;		/* ASKED: the transaction of the SUBSCRIBE */
	struct dialog d;
	struct hash_node by_dialog, by_ip;
	struct sip_dest *dest;	/* subscriber: as given                    */
	struct sip_opts *opts;	/* NULL: none                              */
	char *contact_user, *accept, *event;	/* event: value of Event     */
	struct sip_package package;	/* in `event` */
	char *type;		/* of the body of our NOTIFY               */
	struct wire *body;	/* the state; NULL: not known              */
	struct timer timer, rest;	/* the state's deadline; NTF_REST  */
	ms_t end_at;		/* of what is granted                      */
	uint32_t expires_s;	/* asked for; granted                      */
	uint32_t min_s, max_s;	/* notifier                                */
	struct sip_sub_info info;	/* notifier: what the next NOTIFY says */
	struct addr peer, local;
	net_id flow;
	uint16_t listener;
	uint8_t state, ntf, transport;
	bool linked, ip_linked, muted;
	bool out;		/* a SUBSCRIBE of ours is unanswered       */
	bool brief;		/* a 423 was obeyed                        */
};

struct sip {
	struct loop *loop;
	struct dns *dns;
	struct sip_config cfg;
	char server[128];
	struct tsx_times times;
	struct hash_seed seed;
	char cookie[9];		/* our mark in every branch: loops are seen by it */
	struct arena turn;
	struct buf text;	/* where messages are written, once each          */
	struct buf wired;	/* ... and completed with their Via               */
	struct buf upper;	/* ... and with names in capitals, where asked    */
	struct sip_event *ev;	/* queue of the turn */
	uint32_t nev, ev_head, ev_cap;
	struct lsn *lsn[SIP_LISTENER_MAX];
	uint32_t nlsn;
	struct slots conns, txs, sessions, subs;
	struct hash no_tcp, conn_stream, conn_peer, conn_ip, tx_key, tx_merge, dialogs,
		    sub_dialogs, sub_ip;
	struct list conn_age;			/* inbound and unproven, oldest first */
	uint64_t doomed[SIP_DOOMED_MAX];	/* connections, by id */
	uint32_t ndoomed;
	const struct net_stream_info *closing;	/* while a stream's users are told    */
	struct str failed;			/* the INVITE that a 401, 407, 422 or 491 answers */
	enum sip_auth unanswered;		/* why its challenge was not answered */
	struct login *login[SIP_LOGIN_MAX];	/* sip_opts.login - 1                 */
	uint32_t nlogin;
	struct sip_event mute;			/* where the news of the muted goes   */
	struct sip_guard guard;
	struct sources *sources;		/* NULL: everybody is trusted         */
	struct tap_share { ms_t at; uint32_t n; } taped, relieved;	/* of strangers, of refused calls */
	struct overload overload;
	ms_t told_full;				/* of the transactions; 0: never      */
	struct sip_counts n;
};

/* stack.c */
struct sip_event *sip_queue(struct sip *s, enum sip_ev_kind k);	/* zeroed but for kind, early */
struct buf *sip_text(struct sip *s);				/* the writer, emptied        */
struct wire *wire_new(struct str bytes);
/* What marks calls made of an INVITE for this user part; never 0. */
uint32_t sip_loop(const struct sip *s, struct str user);
uint64_t sip_key(const struct sip *s, struct str a, struct str b, unsigned n);
void sip_tap(struct sip *s, uint64_t owner, bool out, const struct path *p, struct str bytes);
void sip_tap_in(struct sip *s, uint64_t owner, const struct sip_msg *m);
uint64_t sip_owner(struct sip *s, const struct tx *t);
void sip_write_xhdr(struct buf *b, const struct sip_xhdr *x, int nx);
void sip_write_body(struct buf *b, const struct sip_body *body);	/* the end of a message */
bool sip_has_xhdr(const struct sip_xhdr *x, int nx, const char *name);
uint32_t sip_retry_after(const struct sip_msg *m);		/* seconds; 0: none */

/* transport.c */
void transport_init(struct sip *s);
void transport_close(struct sip *s);
struct conn *conn_find(struct sip *s, net_id stream);
/* An open or opening stream of ours to the peer, made when there is none. *fresh: was made. */
struct conn *conn_to(struct sip *s, const struct conn_ask *a, bool *fresh);
/* RFC 3261 18.1.1: an address where TCP was tried for a message's size, in vain. */
bool transport_no_tcp(struct sip *s, const struct addr *peer);
void transport_note_no_tcp(struct sip *s, const struct addr *peer);
/* false: the stream of the path is gone. */
/* Closes what sent garbage, now that all before it was heard and answered. */
void transport_close_doomed(struct sip *s);
bool transport_send(struct sip *s, const struct path *p, struct str bytes);
void conn_drop(struct sip *s, struct conn *c);			/* close and free; users fail */
void transport_prove(struct sip *s, net_id stream);		/* a peer we take seriously  */
void transport_via(struct sip *s, struct buf *b, const struct path *p, struct str branch);
void transport_sentby(struct sip *s, struct buf *b, uint32_t listener, const struct addr *local);

/* gate.c: strangers */
void gate_init(struct sip *s);
enum source_verdict gate_hear(struct sip *s, uint32_t listener, const struct addr *from, size_t n);
bool gate_knock(struct sip *s, uint32_t listener, const struct addr *from);
uint32_t gate_streams(const struct sip *s, uint32_t listener, const struct addr *from);	/* at most */
/* One more inbound stream of this source. false: it has `most` already. */
bool gate_take(struct sip *s, const struct addr *peer, uint32_t most);
void gate_give(struct sip *s, const struct addr *peer);		/* one less */
void gate_strike(struct sip *s, enum source_verdict heard, const struct addr *from);
bool gate_request(struct sip *s, const struct sip_msg *m);	/* false: not answered */
bool gate_stranger(struct sip *s, const struct sip_msg *m);	/* true: answered      */
bool gate_may_send(struct sip *s, const struct path *p, size_t n);
void gate_prove(struct sip *s, const struct addr *a);
bool gate_tap(struct sip *s, const struct sip_msg *m);
/* Is there room for one more of these in this second? */
bool tap_share(struct tap_share *t, ms_t now);	/* may the tap have it?     */

/* receive.c: one message came. The bytes are lent. */
void receive(struct sip *s, struct str bytes, const struct path *from);
/* The header of a message whose framing is broken: answered, when it can be. */
void receive_bad(struct sip *s, struct str head, const struct path *from,
		 const struct sip_refuse *why);

/* client.c */
struct request_out {
	enum sip_method method;
	enum tx_user user_kind;
	uint64_t user;		/* session; PLAIN: struct sip_request.owner; ack: the INVITE */
	const struct sip_dest *dest;
	ms_t timeout;
	bool ack;		/* an ACK to a 200: sent once, no machine */
	uint32_t login;		/* sip_opts.login */
	struct login_try tries;
};
/* Sends s->text (a request without Via). 0: table full. */
uint64_t client_send(struct sip *s, const struct request_out *o);
/* CANCEL of an INVITE of ours, on its path and branch. May not free `t`. */
void client_cancel(struct sip *s, struct tx *invite, struct str extra);
void client_response(struct sip *s, const struct sip_msg *m);
void client_acts(struct sip *s, struct tx *t, unsigned acts);		/* may free */
void client_broken(struct sip *s, struct tx *t, enum sip_fail why);	/* may free */
/* Its stream, opened by us under this TLS name ("": TCP), broke: says what may be lost again, over
 * a new one. false: it has nothing to say. */
bool client_moves(struct sip *s, struct tx *t, struct str tls_name);
void client_open(struct sip *s, struct tx *t);				/* may free */
/* Nothing was heard in time: true: the request is on its way to the next target, and `t` is left or freed. */
bool client_silent(struct sip *s, struct tx *t);
/* What `t` has left of its targets is n's. */
void client_take(struct tx *n, struct tx *t);
bool client_unsent(struct sip *s, const struct tx *t);			/* not a byte left yet */
void client_dns(void *ctx, uint64_t token, const struct dns_result *r);
void client_drop(struct sip *s, uint64_t tx);	/* forget the user, keep the machine */

/* challenge.c: a 401 or 407, and the request again */
/* May the request of `t`, which got this answer, be sent again? If not, s->unanswered says why. */
bool client_challenged(struct sip *s, struct tx *t, const struct sip_msg *m);
/* Where the request of `t` went. */
void client_went(struct sip *s, const struct tx *t, struct sip_dest *d);
/* Sends s->text, the request again, where `t` went. 0: it could not be sent. */
uint64_t client_again(struct sip *s, struct tx *t);
/* The same for requests that belong to no session. false: it was not that. */
bool client_answer_challenge(struct sip *s, struct tx *t, const struct sip_msg *m);
/* The credentials for the request that leaves by t's path, as header lines. */
void client_credentials(struct sip *s, const struct tx *t, struct str request, struct buf *b);
uint32_t client_login_of(const struct sip *s, struct str host);	/* 0: none */

static inline bool tx_of_sub(const struct tx *t)
{
	return t->user_kind == TX_USER_SUBSCRIBE || t->user_kind == TX_USER_NOTIFY;
}

/* tx.c */
struct tx *tx_new(struct sip *s, enum tsx_kind k, const struct path *p);
struct tx *tx_get(struct sip *s, uint64_t id);
struct tx *tx_find(struct sip *s, uint64_t key, bool server);
void tx_free(struct sip *s, struct tx *t);
void tx_link(struct sip *s, struct tx *t, uint64_t key);
void tx_machine(struct tx *t, enum tsx_kind k, bool reliable);	/* a new one, not started */
bool tx_resend(struct sip *s, struct tx *t);	/* false: its stream is gone */
void tx_keep(struct tx *t, struct str bytes);	/* as the last message */

/* relief.c: an input was read. */
void relief_note(struct sip *s);
/* A datagram, before it is parsed: true: it was such a call or ACK and is done with. */
bool relief_glances(struct sip *s, struct str bytes, const struct path *from);
/* Is there no place for this request's transaction? The last eighth is kept for calls that are up, which could not be
 * ended otherwise, and for emergency calls. Said in the log. */
bool relief_full(struct sip *s, const struct sip_msg *m);
/* 503 with a time that is spread over OVERLOAD_RETRY_MIN_S to OVERLOAD_RETRY_MAX_S by the request's key. */
void relief_later(struct sip *s, const struct sip_msg *m, uint64_t key);
/* Is this the ACK to the refusal of such a call? It means nothing more. */
bool relief_acks(struct sip *s, const struct sip_msg *m, uint64_t key);
/* Is this what would be a new call, while too much comes? It was answered. */
bool relief_refuses(struct sip *s, const struct sip_msg *m, uint64_t key);

/* uas.c */
void uas_request(struct sip *s, const struct sip_msg *m);
void uas_acts(struct sip *s, struct tx *t, unsigned acts);		/* may free */
/* NULL: table full, and the request was answered 503. `tag`: of To, absent: made. */
struct tx *uas_new(struct sip *s, const struct sip_msg *m, uint64_t key, struct str tag);
/* Begins a response in s->text: status line, the request's headers, To tag, Server. */
struct buf *uas_begin(struct sip *s, const struct tx *t, unsigned status, const char *phrase);
/* The To tag of this fork of us is used from now on; returned too. */
struct str uas_fork(struct tx *t, int fork);
/* Ends it with the body and sends it. ERR_LIMIT: does not fit, nothing was sent. May free t. */
enum err uas_send(struct sip *s, struct tx *t, unsigned status, const struct sip_body *b);
/* The same for a response that is in s->text, body included. */
enum err uas_commit(struct sip *s, struct tx *t, unsigned status);
void uas_simple(struct sip *s, struct tx *t, unsigned status, struct str extra); /* may free */
struct server_answer {
	unsigned status;
	const char *phrase;
	struct str extra, tag;
	bool bare;		/* does not say what we are */
};
void uas_refuse(struct sip *s, const struct sip_msg *m, const struct server_answer *a); /* stateless */
void uas_plain(struct sip *s, const struct sip_msg *m, uint64_t key);
uint64_t uas_key(const struct sip *s, const struct sip_msg *m, enum sip_method method);
uint64_t uas_key_of(const struct sip *s, const struct sip_via *top, struct str call_id, uint32_t cseq,
		    enum sip_method method);
/* The To tag of the responses to the request with this key. Not stored: the same request gets the same one again. */
void uas_write_tag(const struct sip *s, struct buf *b, uint64_t key);
/* From the path that a request came on to the one of its responses (RFC 3261 18.2.2, RFC 3581 4). */
void uas_way_back(const struct sip_via *top, struct path *p);

/* stack.c: how we write ourselves */
struct contact {
	uint32_t listener;
	struct str user;
	const struct sip_opts *opts;	/* may be NULL */
	const struct addr *local;	/* for wild-card listeners; may be NULL */
};
void sip_write_contact(struct sip *s, struct buf *b, const struct contact *c);
void sip_write_uri(struct buf *b, struct str uri, const struct sip_opts *o, bool from, bool phone);
void sip_write_agent(struct sip *s, struct buf *b, const struct sip_opts *o);
void sip_write_allow(struct buf *b, const struct sip_opts *o);

/* session.c: the machine */
struct ses_arg {
	const struct sip_msg *m;
	const struct sip_body *body;
	const struct sip_xhdr *x;
	int nx;
	unsigned status;
	const char *phrase;
	int fork;		/* RING, ANSWER: which To tag */
	enum sip_fail fail;
	struct tx *t;		/* of m */
	enum err err;		/* of a command */
};
enum err ses_step(struct sip *s, struct ses *x, enum ses_in in, struct ses_arg *a); /* may free x */
bool ses_decided(enum ses_state st, enum ses_in in);
bool ses_can(const struct ses *x, enum ses_in in);
struct ses *ses_get(struct sip *s, uint64_t id);
struct ses *ses_new(struct sip *s, bool uac);
void ses_free(struct sip *s, struct ses *x);
bool ses_may_repeat(const struct ses *x);	/* our INVITE, as far as the session goes */
/* A session for an INVITE that was left for the next target: if it is heard of after all, it is cancelled, or its
 * 200 gets ACK and BYE. false: there is no place. */
bool ses_left(struct sip *s, struct tx *t);
void ses_link(struct sip *s, struct ses *x);
struct sip_event *ses_news(struct sip *s, struct ses *x, enum sip_ev_kind k,
			   const struct sip_msg *m);
int ses_early(struct ses *x, struct str tag);	/* index of the fork; -1: none free */
int ses_early_known(const struct ses *x, struct str tag);	/* -1: no such fork */
void ses_deadline(struct ses *x, ms_t ms);	/* SES_LATE; 0 stops it */
void ses_repeat(struct ses *x);			/* our 200, from now until its ACK */

/* ses_in.c: what comes to sessions */
bool ses_indialog(struct sip *s, const struct sip_msg *m, uint64_t key);	/* false: no such dialog */
void ses_invite(struct sip *s, const struct sip_msg *m, uint64_t key);
void ses_cancel(struct sip *s, const struct tx *invite, const struct sip_msg *m);
void ses_answer_of(struct sip *s, struct tx *t, const struct sip_msg *m);	/* to our requests */
void ses_lost(struct sip *s, struct tx *t, enum sip_fail why);

/* ses_out.c: the requests and responses of sessions */
void ses_dest(struct sip *s, const struct ses *x, struct sip_dest *d);
void ses_dest_of(struct sip *s, const struct ses *x, const struct dialog *dlg, struct sip_dest *d);
void ses_begin(struct sip *s, struct ses *x, enum sip_method m, uint32_t cseq);	/* in s->text */
uint64_t ses_send(struct sip *s, struct ses *x, enum sip_method m, enum tx_user kind);
void ses_send_ack(struct sip *s, struct ses *x, uint64_t invite, uint32_t cseq,
		  const struct sip_body *b);
void ses_ack_left(struct sip *s, const struct tx *invite);	/* the transaction repeats it */
void ses_send_bye(struct sip *s, struct ses *x, const struct ses_arg *a);
void ses_write_invite(struct sip *s, struct ses *x, const struct ses_arg *a);
/* Status line and headers of an 18x or 200 in s->text. */
void ses_begin_answer(struct sip *s, struct ses *x, struct tx *t, const struct ses_arg *a);
char *ses_render(struct sip *s, const struct sip_xhdr *h, int n);	/* NULL: bad or none */
/* ACK, and BYE where asked, of a 200 nobody waits for. */
void ses_stray(struct sip *s, const struct tx *t, const struct sip_msg *m, struct str extra,
	       bool bye);

/* Where a request of a dialog goes. */
struct way {
	const struct dialog *d;
	const struct sip_dest *dest;	/* as the owner gave it; NULL: the peer began */
	struct sip_dest kept;		/* for `dest`, where it was packed */
	bool never_dial_contact;
	struct addr peer;		/* last heard at */
	net_id flow;
	uint16_t listener;
	uint8_t transport;
};
/* As dest_keep() packed it, ours; dest_kept() is the way back. */
char *dest_keep(const struct sip_dest *d);
void dest_kept(const char *kept, struct sip_dest *d);
/* Sets w->dest; NULL: none. */
void way_first(struct way *w, const char *kept);
void way_dest(struct sip *s, const struct way *w, struct sip_dest *d);

/* subscription.c: the machine */
struct sub_arg {
	const struct sip_msg *m;
	struct tx *t;			/* of m */
	const struct sip_accept *accept;
	const struct sip_body *body;
	const struct sip_xhdr *x;
	int nx;
	unsigned status;
	uint32_t expires_s;		/* GOT_SUBSCRIBE: wanted */
	enum sip_fail fail;
	struct sip_sub_info info;	/* of NOTIFY; of END     */
	enum err err;			/* of a command          */
};
enum err sub_step(struct sip *s, struct sub *x, enum sub_in in, struct sub_arg *a); /* may free x */
bool sub_decided(enum sub_state st, enum sub_in in);
struct sub *sub_get(struct sip *s, uint64_t id);
struct sub *sub_new(struct sip *s, bool notifier);
void sub_free(struct sip *s, struct sub *x);
void sub_link(struct sip *s, struct sub *x);
void sub_deadline(struct sub *x, ms_t ms);
void sub_enter(struct sub *x, enum sub_state st);
bool sub_set_package(struct sub *x, struct str name, struct str id);
uint32_t sub_cseq(struct sip *s, struct sub *x);	/* of the next request in the dialog */
/* Our next SUBSCRIBE: the interval in it. May free x. */
void sub_send(struct sip *s, struct sub *x, uint32_t expires_s);

/* sub_ntf.c: our NOTIFYs */
/* `a`: of the answer to the NOTIFY; NULL: none. May free x. */
void ntf_step(struct sip *s, struct sub *x, enum ntf_in in, struct sub_arg *a);
bool ntf_decided(enum ntf_state st, enum ntf_in in);
void ntf_keep(struct sub *x, const struct sip_body *b);		/* as the state */

/* sub_in.c: what comes to subscriptions */
void sub_subscribe(struct sip *s, const struct sip_msg *m, uint64_t key);
bool sub_indialog(struct sip *s, const struct sip_msg *m, uint64_t key);	/* false: none of them */
void sub_answer_of(struct sip *s, struct tx *t, const struct sip_msg *m);
void sub_lost(struct sip *s, struct tx *t, enum sip_fail why);
/* A call ends; subscriptions in its dialog keep that. */
void sub_session_over(struct sip *s, struct ses *x);

/* ses_sid.c: RFC 7989 */
void sid_begin(struct ses *x, struct str local, const struct sip_msg *m);
void sid_learn(struct ses *x, const struct sip_msg *m);
void sid_write(struct buf *b, const struct ses *x);

/* ses_rel.c: reliable provisional responses */
enum err rel_step(struct sip *s, struct ses *x, enum rel_in in, struct ses_arg *a); /* may free x */
bool rel_decided(enum rel_state st, enum rel_in in);
void rel_close(struct ses *x);
void rel_read_request(struct ses *x, const struct sip_msg *m);
bool rel_wanted(const struct ses *x, const struct ses_arg *a);
bool rel_waits(const struct ses *x);
bool rel_holds_answer(const struct ses *x);
void rel_got_prack(struct sip *s, struct ses *x, struct tx *t, const struct sip_msg *m);
enum rel_got rel_provisional(struct sip *s, struct ses *x, int early, const struct sip_msg *m);
bool rel_settled(const struct ses *x, int early);	/* early: of the uac's side */

/* ses_re.c: re-INVITE and UPDATE */
enum err re_step(struct sip *s, struct ses *x, enum re_in in, struct ses_arg *a); /* may free x */
bool re_decided(enum re_state st, enum re_in in);
bool re_can(const struct ses *x, enum re_in in);
void re_close(struct sip *s, struct ses *x);
void re_got_update(struct sip *s, struct ses *x, struct tx *t, const struct sip_msg *m); /* may free x */
/* A refresh of the session by UPDATE. false: not possible now, or the peer takes none. */
bool re_refresh(struct sip *s, struct ses *x);
/* Retry-After of a random length (RFC 3261 14.2) with a 500. */
void re_later(struct sip *s, struct tx *t);
void re_read_allow(struct ses *x, const struct sip_msg *m);

/* ses_timer.c: RFC 4028 */
void se_write_request(struct buf *b, const struct ses *x, bool first);
void se_read_request(struct ses *x, const struct sip_msg *m);
void se_write_answer(struct buf *b, struct ses *x);
void se_read_answer(struct ses *x, const struct sip_msg *m);
void se_too_short(struct ses *x, const struct sip_msg *m);	/* 422: the next refresh asks for as much as it wants */
void se_start(struct ses *x);		/* from now; also after each refresh */
void se_stop(struct ses *x);

#endif
