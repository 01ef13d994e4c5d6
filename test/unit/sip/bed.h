/*
 * bed.h - two stacks and scripted peers in one process, at virtual time: a
 * wire that can lose, hold and show every message. For the stack's own tests;
 * whole servers run on test/sim.
 *
 * Side A listens on 10.0.0.1, side B on 10.0.0.2; each has UDP, TCP and TLS
 * (a plain stream that calls itself TLS). Listener index = enum sip_transport.
 * Each side's events are kept; `on` is called for each in the turn.
 */
#ifndef BED_H
#define BED_H
#include "sip/stack.h"

enum { BED_EVENTS = 400, BED_WIRE = 2000, BED_SOCKS = 64, BED_STREAMS = 256 };

struct bed;

struct bed_event {		/* what outlives the turn */
	enum sip_ev_kind kind;
	uint64_t session, owner, tsx, sub;
	struct sip_sub_info sub_info;
	uint32_t expires_s;
	int early;
	unsigned status;
	enum sip_fail fail;
	enum sip_end why;
	enum sip_auth auth;
	uint32_t retry_after_s;
	char body[200];
	enum net_event flow_event;
	net_id flow;
	ms_t at;
};

struct bed_side {
	struct bed *b;
	struct sip *sip;
	struct addr addr[SIP_NTRANSPORT];
	struct bed_event ev[BED_EVENTS];
	int n, seen;
	void (*on)(struct bed_side *, const struct sip_event *);
	void *arg;
	unsigned status;	/* for `on` handlers */
};

struct bed_msg {		/* one datagram or stream chunk on the wire */
	struct addr from, to;
	char *text;
	size_t n;
	ms_t at;
	bool stream, lost;
};

struct bed {
	struct sip_opts kept[8];	/* of sessions, which they outlive */
	int nkept;
	struct loop loop;
	struct dns *dns;
	struct bed_side a, b;
	struct bed_msg wire[BED_WIRE];
	int nwire;
	bool (*lose)(struct bed *, const struct bed_msg *);	/* true: this one is lost */
	void *lose_arg;
	struct bed_net *net;
	struct bed_dns *names;
	ms_t delay;			/* of the wire; 1 */
};

struct bed *bed_new(void);
struct bed *bed_new_with(const struct sip_config *a, uint32_t methods, enum sip_zone_kind zone);
/* Both sides take subscriptions to these packages; side A is a zone of phones. */
struct bed *bed_new_events(const struct sip_config *a, const char *events);
void bed_free(struct bed *b);
void bed_forget_wire(struct bed *b);	/* what was sent so far */
void bed_run(struct bed *b, ms_t ms);
/* The next event of this kind not looked at yet; fails the test when there is none. */
const struct bed_event *bed_want(struct bed_side *s, enum sip_ev_kind k);
/* How many of this kind came at all. */
int bed_count(const struct bed_side *s, enum sip_ev_kind k);
/* Messages on the wire whose text begins so, lost ones included. */
int bed_sent(const struct bed *b, const char *prefix);
/* The i-th such message (0 first); NULL: none. */
const struct bed_msg *bed_msg(const struct bed *b, const char *prefix, int i);
/* Value of the first header with that name, in a static-free buffer. */
bool bed_hdr(const struct bed_msg *m, const char *name, char *out, size_t cap);

/* A scripted peer at 10.0.0.9: what it gets is on the wire; it sends what it is told. */
struct addr bed_addr(const char *text);
void bed_peer_udp(struct bed *b, const struct addr *at);
void bed_peer_send(struct bed *b, const struct addr *from, const struct addr *to, const char *text);
void bed_peer_bytes(struct bed *b, const struct addr *from, const struct addr *to, struct str bytes);
/* A scripted stream to a listener; chunks arrive after the wire's delay. */
int bed_peer_connect(struct bed *b, const struct addr *from, const struct addr *to);
void bed_peer_write(struct bed *b, int peer, const char *bytes, size_t n);
void bed_peer_close(struct bed *b, int peer);
bool bed_peer_closed(struct bed *b, int peer);
/* Bytes that came to the scripted stream so far. */
const char *bed_peer_got(struct bed *b, int peer);
void bed_peer_listen(struct bed *b, const struct addr *at);
int bed_peer_accepted(struct bed *b);		/* the last one; -1: none */
void bed_unlisten(struct bed *b, const struct addr *at);	/* connects are refused */
/* Every stream of the address is closed by the far side. */
void bed_cut(struct bed *b, const struct addr *at);

/* Scripted names. `addrs`: "10.0.0.2, 10.0.0.3" for A; "10 20 5060 b.example, ..." (priority,
 * weight, port, target) for SRV. Names not scripted do not exist. */
void bed_dns(struct bed *b, const char *name, enum dns_type t, const char *rr);
void bed_dns_init(struct bed *b);
int bed_dns_asked(const struct bed *b, const char *name);

struct sip_dest bed_dest(struct bed_side *from, struct bed_side *to, enum sip_transport t);
uint64_t bed_invite(struct bed_side *from, struct bed_side *to, enum sip_transport t,
		    const char *body);
void bed_answering(struct bed_side *s, const struct sip_event *ev);	/* an `on`: 180, 200 */
extern const struct sip_opts bed_opts;
/* A copy that lives as long as the bed. */
const struct sip_opts *bed_keep(struct bed *b, const struct sip_opts *o);

#endif
