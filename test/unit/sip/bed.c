#include "bed.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

enum pkt_kind { PKT_DGRAM, PKT_CONNECT, PKT_OPENED, PKT_REFUSED, PKT_DATA, PKT_CLOSE };

struct pkt {
	struct pkt *next;
	ms_t at;
	enum pkt_kind kind;
	struct addr from, to;
	int stream;
	size_t n;
	char p[];
};

struct bsock {
	struct addr at;
	bool used, listener;
	const struct net_dgram_handler *dh;
	const struct net_stream_handler *sh;
	void *ctx;
};

struct bstream {		/* one end */
	bool used, open, closed, scripted, inbound;
	int other;
	struct addr local, peer;
	const struct net_stream_handler *h;
	void *ctx;
	char *got;
	size_t ngot;
};

struct bed_net {
	struct pkt *head, **tail;
	struct bsock sock[BED_SOCKS];
	struct bstream stream[BED_STREAMS];
	uint16_t port;
	int accepted;
};

const struct sip_opts bed_opts = { .session_timer = false };

static struct bed *bed_of(struct loop *l)
{
	return l->impl;
}

static struct pkt *push(struct bed *b, enum pkt_kind k, struct str bytes)
{
	struct pkt *p = mem_new(sizeof *p + bytes.n + 1);

	p->at = b->loop.now + b->delay;
	p->kind = k;
	p->n = bytes.n;
	if (bytes.n)
		memcpy(p->p, bytes.p, bytes.n);
	*b->net->tail = p;
	b->net->tail = &p->next;
	return p;
}

static bool show(struct bed *b, const struct addr *from, const struct addr *to, struct str bytes,
		 bool stream)
{
	struct bed_msg *m = &b->wire[b->nwire];

	if (b->nwire == BED_WIRE)
		return true;
	*m = (struct bed_msg){ *from, *to, mem_dup(bytes.p, bytes.n), bytes.n, b->loop.now, stream,
			       false };
	b->nwire++;
	m->lost = b->lose && b->lose(b, m);
	return !m->lost;
}

static struct bsock *sock_at(struct bed *b, const struct addr *at, bool listener)
{
	for (int i = 0; i < BED_SOCKS; i++)
		if (b->net->sock[i].used && b->net->sock[i].listener == listener &&
		    addr_eq(&b->net->sock[i].at, at))
			return &b->net->sock[i];
	return NULL;
}

static struct bsock *sock_new(struct bed *b, const struct addr *at)
{
	for (int i = 0; i < BED_SOCKS; i++)
		if (!b->net->sock[i].used) {
			b->net->sock[i] = (struct bsock){ .used = true, .at = *at };
			return &b->net->sock[i];
		}
	fail_msg("sockets");
	return NULL;
}

static net_id n_udp_bind(struct loop *l, const struct addr *at, const struct net_dgram_handler *h,
			 void *ctx, int *err_no)
{
	struct bsock *s = sock_new(bed_of(l), at);

	(void)err_no;
	s->dh = h;
	s->ctx = ctx;
	return (net_id)(s - bed_of(l)->net->sock) + 1;
}

static void n_udp_send(struct loop *l, net_id sock, const struct addr *from, const struct addr *to,
		       struct str bytes)
{
	struct bed *b = bed_of(l);
	const struct addr *src = &b->net->sock[sock - 1].at;
	struct pkt *p;

	(void)from;
	if (!show(b, src, to, bytes, false))
		return;
	p = push(b, PKT_DGRAM, bytes);
	p->from = *src;
	p->to = *to;
}

static net_id n_listen(struct loop *l, const struct addr *at, struct tls_ctx *tls,
		       const struct net_stream_handler *h, void *ctx, int *err_no)
{
	struct bsock *s = sock_new(bed_of(l), at);

	(void)tls;
	(void)err_no;
	s->listener = true;
	s->sh = h;
	s->ctx = ctx;
	return (net_id)(s - bed_of(l)->net->sock) + 1;
}

static int stream_new(struct bed *b)
{
	for (int i = 0; i < BED_STREAMS; i++)
		if (!b->net->stream[i].used) {
			b->net->stream[i] = (struct bstream){ .used = true, .other = -1 };
			return i;
		}
	fail_msg("streams");
	return -1;
}

static net_id n_connect(struct loop *l, const struct net_connect *c)
{
	struct bed *b = bed_of(l);
	int i = stream_new(b);
	struct bstream *s = &b->net->stream[i];
	struct pkt *p = push(b, PKT_CONNECT, STR_NONE);

	s->h = c->h;
	s->ctx = c->ctx;
	s->peer = c->to;
	s->local = c->from.family ? c->from : bed_addr("10.0.0.77:0");
	s->local.port = ++b->net->port;
	p->stream = i;
	return 1000 + (net_id)i;
}

static void data(struct bed *b, int i, struct str bytes)
{
	struct bstream *s = &b->net->stream[i];
	struct pkt *p;

	if (s->closed || !s->open || s->other < 0)
		return;
	(void)show(b, &s->local, &s->peer, bytes, true);	/* streams lose nothing */
	p = push(b, PKT_DATA, bytes);
	p->stream = s->other;
}

static void n_write(struct loop *l, net_id id, struct str bytes)
{
	data(bed_of(l), (int)(id - 1000), bytes);
}

static void hang_up(struct bed *b, int i)
{
	struct bstream *s = &b->net->stream[i];

	if (s->closed)
		return;
	s->closed = true;
	if (s->other >= 0)
		push(b, PKT_CLOSE, STR_NONE)->stream = s->other;
}

static void n_close(struct loop *l, net_id id)
{
	if (id < 1000)
		bed_of(l)->net->sock[id - 1].used = false;
	else
		hang_up(bed_of(l), (int)(id - 1000));
}

static bool n_local(struct loop *l, net_id id, struct addr *a)
{
	struct bed *b = bed_of(l);

	*a = id < 1000 ? b->net->sock[id - 1].at : b->net->stream[id - 1000].local;
	return true;
}

static const struct net_ops ops = { n_udp_bind, n_udp_send, n_listen, n_connect, n_write, n_close,
				    n_local };

static void tell(struct bed *b, int i, enum net_event ev, struct str bytes, enum net_fail why)
{
	struct bstream *s = &b->net->stream[i];
	struct net_stream_info info = { .local = s->local, .peer = s->peer, .inbound = s->inbound,
					.fail = why };

	if (s->scripted) {
		if (ev == NET_DATA) {
			s->got = mem_grow(s->got, s->ngot + bytes.n + 1, 1);
			memcpy(s->got + s->ngot, bytes.p, bytes.n);
			s->ngot += bytes.n;
			s->got[s->ngot] = 0;
		}
		return;
	}
	if (s->h)
		s->h->event(s->ctx, 1000 + (net_id)i, ev, bytes, &info);
}

static void connect_in(struct bed *b, int i)
{
	struct bstream *s = &b->net->stream[i], *o;
	struct bsock *l = sock_at(b, &s->peer, true);
	struct net_stream_info info = { 0 };
	int j;

	if (s->closed)
		return;
	if (!l) {
		push(b, PKT_REFUSED, STR_NONE)->stream = i;
		return;
	}
	j = stream_new(b);
	o = &b->net->stream[j];
	o->other = i;
	o->local = s->peer;
	o->peer = s->local;
	o->open = o->inbound = true;
	s->other = j;
	o->h = l->sh;
	if (!l->sh) {
		o->scripted = true;
		b->net->accepted = j;
	} else {
		info.local = o->local;
		info.peer = o->peer;
		info.inbound = true;
		o->ctx = l->sh->accepted(l->ctx, 1000 + (net_id)j, &info);
		if (!o->ctx)
			hang_up(b, j);
	}
	push(b, PKT_OPENED, STR_NONE)->stream = i;
}

static void deliver(struct bed *b, struct pkt *p)
{
	struct str bytes = { p->p, p->n };
	struct bstream *s = &b->net->stream[p->stream];
	struct bsock *k;

	switch (p->kind) {
	case PKT_DGRAM:
		k = sock_at(b, &p->to, false);
		if (k && k->dh)
			k->dh->recv(k->ctx, (net_id)(k - b->net->sock) + 1, &p->from, &p->to, bytes);
		break;
	case PKT_CONNECT:
		connect_in(b, p->stream);
		break;
	case PKT_OPENED:
		if (s->closed)
			break;
		s->open = true;
		tell(b, p->stream, NET_OPEN, STR_NONE, NET_FAIL_NONE);
		break;
	case PKT_REFUSED:
		if (s->closed)
			break;
		s->closed = true;
		tell(b, p->stream, NET_CLOSED, STR_NONE, NET_FAIL_REFUSED);
		break;
	case PKT_DATA:
		if (!s->closed)
			tell(b, p->stream, NET_DATA, bytes, NET_FAIL_NONE);
		break;
	case PKT_CLOSE:
		if (s->closed)
			break;
		s->closed = true;
		tell(b, p->stream, NET_CLOSED, STR_NONE, NET_FAIL_NONE);
		break;
	}
}

/* --- sides --- */

static void keep(struct bed_side *s, const struct sip_event *ev)
{
	struct bed_event *e = &s->ev[s->n];

	if (s->n == BED_EVENTS)
		return;
	s->n++;
	*e = (struct bed_event){ .kind = ev->kind, .session = ev->session, .owner = ev->owner,
		.tsx = ev->tsx, .sub = ev->sub, .sub_info = ev->sub_info, .expires_s = ev->expires_s,
		.early = ev->early, .status = ev->status, .fail = ev->fail,
		.why = ev->why, .auth = ev->auth, .retry_after_s = ev->retry_after_s, .flow_event = ev->flow_event,
		.flow = ev->flow, .at = s->b->loop.now };
	(void)str_copy(e->body, sizeof e->body, ev->body.bytes);
}

static bool drain(struct bed_side *s)
{
	struct sip_event ev;
	bool any = false;

	while (sip_next(s->sip, &ev)) {
		any = true;
		keep(s, &ev);
		if (s->on)
			s->on(s, &ev);
	}
	return any;
}

static void turn(void *ctx)
{
	struct bed *b = ctx;
	bool any;

	do {
		any = drain(&b->a);
		any = drain(&b->b) || any;
	} while (any);
	sip_turn_end(b->a.sip);
	sip_turn_end(b->b.sip);
}

void bed_run(struct bed *b, ms_t ms)
{
	ms_t end = b->loop.now + ms;

	turn(b);	/* what the test itself caused */
	for (;;) {
		ms_t t = timers_next(&b->loop.timers), next = end;
		struct pkt *p = b->net->head;

		if (t < next)
			next = t;
		if (p && p->at <= next) {
			b->loop.now = p->at > b->loop.now ? p->at : b->loop.now;
			while (timers_step(&b->loop.timers, b->loop.now))
				turn(b);
			b->net->head = p->next;
			if (!p->next)
				b->net->tail = &b->net->head;
			deliver(b, p);
			mem_free(p);
			turn(b);
			continue;
		}
		if (t > end || t == MS_NEVER)
			break;
		b->loop.now = t > b->loop.now ? t : b->loop.now;
		while (timers_step(&b->loop.timers, b->loop.now))
			turn(b);
	}
	b->loop.now = end;
	while (timers_step(&b->loop.timers, end))
		turn(b);
}

static void listen_all(struct bed_side *s, const char *ip, uint32_t methods,
		       enum sip_zone_kind zone, const char *events)
{
	static const uint16_t port[SIP_NTRANSPORT] = { 5060, 5060, 5061 };
	char text[64];
	uint32_t index;
	int err_no;

	for (int t = 0; t < SIP_NTRANSPORT; t++) {
		struct sip_listener l = { .transport = (enum sip_transport)t, .methods = methods,
					  .zone = zone, .events = events };

		(void)snprintf(text, sizeof text, "%s:%u", ip, port[t]);
		l.bind = s->addr[t] = bed_addr(text);
		assert_int_equal(sip_listen(s->sip, &l, &index, &err_no), OK);
		assert_int_equal(index, t);
	}
}

static struct bed *bed_make(const struct sip_config *a, uint32_t methods, enum sip_zone_kind zone,
			    const char *events)
{
	struct bed *b = mem_new(sizeof *b);

	b->net = mem_new(sizeof *b->net);
	b->net->tail = &b->net->head;
	b->net->port = 40000;
	b->net->accepted = -1;
	b->delay = 1;
	b->loop.now = 1000000;
	b->loop.wall = 1700000000000;
	timers_init(&b->loop.timers, b->loop.now);
	rng_seed(&b->loop.rng, 42);
	b->loop.net = &ops;
	b->loop.impl = b;
	bed_dns_init(b);
	b->a.b = b->b.b = b;
	b->a.sip = sip_new(&b->loop, b->dns, a);
	b->b.sip = sip_new(&b->loop, b->dns, NULL);
	listen_all(&b->a, "10.0.0.1", methods, zone, events);
	listen_all(&b->b, "10.0.0.2", 0, SIP_ZONE_PBX, events);
	return b;
}

struct bed *bed_new_with(const struct sip_config *a, uint32_t methods, enum sip_zone_kind zone)
{
	return bed_make(a, methods, zone, NULL);
}

struct bed *bed_new_events(const struct sip_config *a, const char *events)
{
	return bed_make(a, 0, SIP_ZONE_PHONES, events);
}

struct bed *bed_new(void)
{
	return bed_new_with(NULL, 0, SIP_ZONE_PBX);
}

void bed_forget_wire(struct bed *b)
{
	for (int i = 0; i < b->nwire; i++)
		mem_free(b->wire[i].text);
	b->nwire = 0;
}

void bed_free(struct bed *b)
{
	struct pkt *p;

	sip_free(b->a.sip);
	sip_free(b->b.sip);
	dns_free(b->dns);
	assert_int_equal(b->loop.timers.armed, 0);
	while ((p = b->net->head) != NULL) {
		b->net->head = p->next;
		mem_free(p);
	}
	bed_forget_wire(b);
	for (int i = 0; i < BED_STREAMS; i++)
		mem_free(b->net->stream[i].got);
	mem_free(b->net);
	mem_free(b);
}

/* --- looking --- */

const struct bed_event *bed_want(struct bed_side *s, enum sip_ev_kind k)
{
	while (s->seen < s->n) {
		const struct bed_event *e = &s->ev[s->seen++];

		if (e->kind == k)
			return e;
		if (e->kind != SIP_EV_FLOW && e->kind != SIP_EV_TRYING)
			fail_msg("event %d where %d was expected", e->kind, k);
	}
	fail_msg("no event %d", k);
	return NULL;
}

int bed_count(const struct bed_side *s, enum sip_ev_kind k)
{
	int n = 0;

	for (int i = 0; i < s->n; i++)
		n += s->ev[i].kind == k;
	return n;
}

const struct bed_msg *bed_msg(const struct bed *b, const char *prefix, int nth)
{
	for (int i = 0; i < b->nwire; i++)
		if (strncmp(b->wire[i].text, prefix, strlen(prefix)) == 0 && nth-- == 0)
			return &b->wire[i];
	return NULL;
}

int bed_sent(const struct bed *b, const char *prefix)
{
	int n = 0;

	while (bed_msg(b, prefix, n))
		n++;
	return n;
}

bool bed_hdr(const struct bed_msg *m, const char *name, char *out, size_t cap)
{
	char key[64];
	const char *p, *e;

	out[0] = 0;
	if (!m)
		return false;
	(void)snprintf(key, sizeof key, "\r\n%s: ", name);
	p = strstr(m->text, key);
	if (!p)
		return false;
	p += strlen(key);
	e = strstr(p, "\r\n");
	return str_copy(out, cap, (struct str){ p, (size_t)(e - p) });
}

/* --- scripted peers --- */

struct addr bed_addr(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(str_of(text), 0, &a), OK);
	return a;
}

void bed_peer_udp(struct bed *b, const struct addr *at)
{
	(void)sock_new(b, at);
}

void bed_peer_bytes(struct bed *b, const struct addr *from, const struct addr *to, struct str bytes)
{
	struct pkt *p = push(b, PKT_DGRAM, bytes);

	p->from = *from;
	p->to = *to;
}

void bed_peer_send(struct bed *b, const struct addr *from, const struct addr *to, const char *text)
{
	bed_peer_bytes(b, from, to, str_of(text));
}

int bed_peer_connect(struct bed *b, const struct addr *from, const struct addr *to)
{
	int i = stream_new(b);
	struct bstream *s = &b->net->stream[i];

	s->scripted = true;
	s->local = *from;
	s->peer = *to;
	push(b, PKT_CONNECT, STR_NONE)->stream = i;
	return i;
}

void bed_peer_write(struct bed *b, int peer, const char *bytes, size_t n)
{
	data(b, peer, (struct str){ bytes, n });
}

void bed_peer_close(struct bed *b, int peer)
{
	hang_up(b, peer);
}

bool bed_peer_closed(struct bed *b, int peer)
{
	return b->net->stream[peer].closed;
}

const char *bed_peer_got(struct bed *b, int peer)
{
	return b->net->stream[peer].got ? b->net->stream[peer].got : "";
}

void bed_peer_listen(struct bed *b, const struct addr *at)
{
	sock_new(b, at)->listener = true;
}

int bed_peer_accepted(struct bed *b)
{
	return b->net->accepted;
}

void bed_unlisten(struct bed *b, const struct addr *at)
{
	struct bsock *s = sock_at(b, at, true);

	if (s)
		s->at.port = 1;
}

void bed_cut(struct bed *b, const struct addr *at)
{
	for (int i = 0; i < BED_STREAMS; i++) {
		struct bstream *s = &b->net->stream[i];

		if (s->used && !s->closed && s->open && addr_eq(&s->local, at)) {
			push(b, PKT_CLOSE, STR_NONE)->stream = i;
			push(b, PKT_CLOSE, STR_NONE)->stream = s->other;
		}
	}
}

/* --- calls --- */

struct sip_dest bed_dest(struct bed_side *from, struct bed_side *to, enum sip_transport t)
{
	(void)from;
	return (struct sip_dest){ .listener = (uint32_t)t, .transport = t, .addr = to->addr[t],
				  .host = "b.example" };
}

uint64_t bed_invite(struct bed_side *from, struct bed_side *to, enum sip_transport t,
		    const char *body)
{
	struct sip_invite i = { .owner = 7, .dest = bed_dest(from, to, t), .opts = &bed_opts,
				.ruri = STR("sip:200@b.example"),
				.from_uri = STR("sip:100@a.example"), .from_name = STR("Alice"),
				.to_uri = STR("sip:200@b.example"), .contact_user = STR("100") };

	if (body) {
		i.body.type = STR("application/sdp");
		i.body.bytes = str_of(body);
	}
	return sip_invite(from->sip, &i);
}

void bed_answering(struct bed_side *s, const struct sip_event *ev)
{
	struct sip_body sdp = { STR("application/sdp"), STR("v=0 answer\r\n") };

	if (ev->kind == SIP_EV_INVITE) {
		assert_int_equal(sip_own(s->sip, ev->session, 9, &bed_opts), OK);
		assert_int_equal(sip_ring(s->sip, ev->session, 180, NULL, NULL, 0), OK);
		assert_int_equal(sip_answer(s->sip, ev->session, &sdp, NULL, 0), OK);
	} else if (ev->kind == SIP_EV_REINVITE) {
		assert_int_equal(sip_reinvite_answer(s->sip, ev->session, 200, &sdp, NULL, 0), OK);
	} else if (ev->kind == SIP_EV_REQUEST || ev->kind == SIP_EV_INDIALOG) {
		assert_int_equal(sip_respond(s->sip, ev->tsx, s->status ? s->status : 200, NULL,
					     NULL, NULL, 0), OK);
	}
}

const struct sip_opts *bed_keep(struct bed *b, const struct sip_opts *o)
{
	struct sip_opts *k = &b->kept[b->nkept++];

	assert_true(b->nkept <= (int)(sizeof b->kept / sizeof *b->kept));
	*k = *o;
	return k;
}
