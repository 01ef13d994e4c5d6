/*
 * Listeners, streams and the bytes that leave. RFC 3261 18, RFC 3581,
 * RFC 5626 3.5.1 (CRLF). Streams of ours are found again by peer, TLS name and
 * listener (identity); inbound ones carry the responses to what came on them.
 */
#include <errno.h>
#include <string.h>

#include "sip/stack_int.h"

enum { PONGS_MAX = 32,		/* in answer to one chunk */
       PING_BYTES = 4 };

static uint64_t stream_key(const struct sip *s, net_id stream)
{
	return hash_bytes(&s->seed, &stream, sizeof stream);
}

static uint64_t peer_key(const struct sip *s, uint32_t listener, enum sip_transport t,
			 const struct addr *peer)
{
	uint8_t k[24];
	uint32_t port = peer->port;

	memcpy(k, peer->ip, 16);
	memcpy(k + 16, &port, 4);
	k[20] = (uint8_t)listener;
	k[21] = (uint8_t)t;
	k[22] = (uint8_t)peer->family;
	k[23] = 0;
	return hash_bytes(&s->seed, k, sizeof k);
}

struct conn *conn_find(struct sip *s, net_id stream)
{
	uint64_t h = stream_key(s, stream);

	if (!stream)
		return NULL;
	for (struct hash_node *n = hash_first(&s->conn_stream, h); n; n = hash_next(n)) {
		struct conn *c = HASH_ENTRY(n, struct conn, by_stream);

		if (c->stream == stream)
			return c;
	}
	return NULL;
}

/* The turn's copy of what the net told; the facts are lent for the handler only. */
static const struct net_stream_info *keep_info(struct sip *s, const struct net_stream_info *i)
{
	struct net_stream_info *k = arena_get(&s->turn, sizeof *k);
	struct tls_facts *f;

	if (!k)
		return NULL;
	*k = *i;
	if (!i->facts)
		return k;
	f = arena_get(&s->turn, sizeof *f);
	if (f)
		*f = *i->facts;
	k->facts = f;
	return k;
}

static void tell(struct sip *s, const struct conn *c, enum net_event ev,
		 const struct net_stream_info *info)
{
	struct sip_event *e = sip_queue(s, SIP_EV_FLOW);

	e->flow = c->stream;
	e->peer = c->peer;
	e->flow_event = ev;
	e->stream = info;
}

/* --- deadlines --- */

static void conn_due(void *arg);

static void conn_arm(struct conn *c)
{
	ms_t at = c->heard, now = c->s->loop->now;

	if (c->wait == SIP_FRAME_HEAD)
		at = c->wait_since + SIP_HEAD_MS;
	else if (c->wait == SIP_FRAME_BODY)
		at = c->wait_since + SIP_BODY_MS;
	else if (!c->inbound)
		at += SIP_PING_MS;
	else
		at += c->proven ? SIP_IDLE_PROVEN_MS : SIP_IDLE_MS;
	timer_start(&c->s->loop->timers, &c->timer, at > now ? at - now : 0, conn_due, c);
}

static void conn_due(void *arg)
{
	struct conn *c = arg;
	struct sip *s = c->s;

	if (c->wait == SIP_FRAME_IDLE && !c->inbound && s->loop->now - c->used < SIP_IDLE_PROVEN_MS) {
		c->heard = s->loop->now;
		net_write(s->loop, c->stream, STR("\r\n\r\n"));
		conn_arm(c);
		return;
	}
	if (c->inbound && !c->trusted && !c->said && s->sources)
		gate_strike(s, SOURCE_STRANGE, &c->peer);
	conn_drop(s, c);
}

void transport_prove(struct sip *s, net_id stream)
{
	struct conn *c = conn_find(s, stream);

	if (!c || c->proven)
		return;
	c->proven = true;
	list_remove(&c->age);
	conn_arm(c);
}

/* --- life of a stream --- */

static void pending_free(struct conn *c)
{
	mem_free(c->pending.p);
	c->pending = (struct buf){ 0 };
}

static void conn_free(struct sip *s, struct conn *c)
{
	timer_stop(&s->loop->timers, &c->timer);
	hash_remove(&s->conn_stream, &c->by_stream);
	if (c->inbound)
		gate_give(s, &c->peer);
	else if (!c->alone)
		hash_remove(&s->conn_peer, &c->by_peer);
	list_remove(&c->age);
	sip_framer_close(&c->frame);
	pending_free(c);
	mem_free(c->tls_name);
	slot_free(&s->conns, c->id);
}

/* Out of the tables first: whoever fails now must not find it again. */
static void conn_end(struct sip *s, struct conn *c, enum sip_fail why)
{
	char *name = c->tls_name;
	bool ours = !c->inbound && c->open && !c->alone;
	struct list users;

	list_init(&users);
	while (!list_empty(&c->users)) {
		struct list *l = c->users.next;

		list_remove(l);
		list_append(&users, l);
	}
	c->tls_name = NULL;
	conn_free(s, c);
	while (!list_empty(&users)) {
		struct tx *t = LIST_ENTRY(users.next, struct tx, u.on_conn);

		list_remove(&t->u.on_conn);
		if (!ours || !client_moves(s, t, str_of(name)))
			client_broken(s, t, why);
	}
	mem_free(name);
}

void conn_drop(struct sip *s, struct conn *c)
{
	net_close(s->loop, c->stream);
	if (c->open)
		tell(s, c, NET_CLOSED, NULL);
	conn_end(s, c, SIP_FAIL_CLOSED);
}

static enum sip_fail fail_of(const struct net_stream_info *i)
{
	switch (i->fail) {
	case NET_FAIL_REFUSED:
		return SIP_FAIL_REFUSED;
	case NET_FAIL_TIMEOUT:
	case NET_FAIL_UNREACHABLE:
		return SIP_FAIL_UNREACHABLE;
	case NET_FAIL_TLS:
		return SIP_FAIL_TLS;
	case NET_FAIL_LOCAL:
		return SIP_FAIL_LOCAL;
	case NET_FAIL_NONE:
	case NET_FAIL_RESET:
	case NET_FAIL_UNSENT:
		break;
	}
	return SIP_FAIL_CLOSED;
}

static struct conn *conn_new(struct sip *s, uint32_t listener, enum sip_transport t,
			     const struct addr *peer, bool inbound)
{
	uint64_t id;
	struct conn *c = slot_new(&s->conns, &id);

	if (!c)
		return NULL;
	c->s = s;
	c->id = id;
	c->listener = listener;
	c->transport = (uint8_t)t;
	c->peer = *peer;
	c->inbound = inbound;
	c->opened = c->heard = c->used = s->loop->now;
	list_init(&c->users);
	sip_framer_init(&c->frame);
	return c;
}

/* The oldest stream that proved nothing makes room. */
static bool make_room(struct sip *s)
{
	if (s->conns.live < SIP_CONN_MAX)
		return true;
	if (list_empty(&s->conn_age))
		return false;
	s->n.dropped++;
	conn_drop(s, LIST_ENTRY(s->conn_age.next, struct conn, age));
	return true;
}

/* --- handlers --- */

static bool admitted(const struct lsn *l, const struct addr *src)
{
	return !l->cfg.admit || l->cfg.admit(l->cfg.admit_ctx, src);
}

static bool on_knock(void *ctx, const struct addr *peer)
{
	struct lsn *l = ctx;

	if (admitted(l, peer) && gate_knock(l->s, l->index, peer))
		return true;
	l->s->n.dropped++;
	return false;
}

/* A certificate that its listener asks for was checked before we hear of the stream. */
static bool certified(const struct net_stream_info *i)
{
	return i->facts && i->facts->peer_cert;
}

static void *on_accepted(void *ctx, net_id stream, const struct net_stream_info *info)
{
	struct lsn *l = ctx;
	struct sip *s = l->s;
	uint32_t most = certified(info) ? SIP_CONN_PER_IP : gate_streams(s, l->index, &info->peer);
	struct conn *c;

	if (!make_room(s) || !gate_take(s, &info->peer, most)) {
		s->n.dropped++;
		gate_strike(s, s->sources && most != SIP_CONN_PER_IP ? SOURCE_STRANGE : SOURCE_TRUSTED, &info->peer);
		return NULL;
	}
	c = conn_new(s, l->index, l->cfg.transport == SIP_UDP ? SIP_TCP : l->cfg.transport, &info->peer, true);
	if (!c) {
		gate_give(s, &info->peer);
		return NULL;
	}
	c->stream = stream;
	c->local = info->local;
	c->trusted = certified(info);
	c->open = true;
	hash_add(&s->conn_stream, &c->by_stream, stream_key(s, stream));
	list_append(&s->conn_age, &c->age);
	conn_arm(c);
	tell(s, c, NET_OPEN, keep_info(s, info));
	return c;
}

static void on_open(struct sip *s, struct conn *c, const struct net_stream_info *info)
{
	struct list *l, *next;

	c->open = true;
	c->local = info->local;
	c->heard = s->loop->now;
	conn_arm(c);
	tell(s, c, NET_OPEN, keep_info(s, info));
	if (c->pending.n)
		net_write(s->loop, c->stream, buf_str(&c->pending));
	pending_free(c);
	for (l = c->users.next; l != &c->users; l = next) {
		next = l->next;
		client_open(s, LIST_ENTRY(l, struct tx, u.on_conn));
	}
}

/* What the framer waits for, and since when: a message that ended begins a new wait. */
static void conn_wait(struct conn *c, bool ended)
{
	enum sip_frame_state st = sip_framer_state(&c->frame);

	if (st != c->wait || ended)
		c->wait_since = c->s->loop->now;
	c->wait = (uint8_t)st;
}

/* A bad frame: told to its sender where that is possible, then the stream is closed. */
static void conn_bad(struct sip *s, uint64_t id, const struct sip_frame *f, const struct path *from)
{
	struct conn *c;

	if (f->bytes.n && f->refuse.status)
		receive_bad(s, f->bytes, from, &f->refuse);
	else
		s->n.dropped++;
	c = slot_get(&s->conns, id);
	if (!c)
		return;
	if (s->ndoomed == SIP_DOOMED_MAX) {
		conn_drop(s, c);
		return;
	}
	c->doomed = true;
	s->doomed[s->ndoomed++] = id;
}

void transport_close_doomed(struct sip *s)
{
	for (uint32_t i = 0; i < s->ndoomed; i++) {
		struct conn *c = slot_get(&s->conns, s->doomed[i]);

		if (c)
			conn_drop(s, c);
	}
	s->ndoomed = 0;
}

/* The pings of one chunk are heard as messages are, and answered in one write: each costs its
 * sender four bytes, and a write of its own would cost us a thousand times as much. */
static void conn_pings(struct sip *s, struct conn *c, uint32_t n)
{
	enum source_verdict heard = SOURCE_TRUSTED;
	char text[2 * PONGS_MAX];
	struct buf b;

	buf_init(&b, text, sizeof text);
	for (uint32_t i = 0; i < n && i < PONGS_MAX; i++) {
		if (!c->trusted)
			heard = gate_hear(s, c->listener, &c->peer, PING_BYTES);
		if (heard == SOURCE_DROP || heard == SOURCE_HELD) {
			s->n.dropped++;
			break;
		}
		buf_lit(&b, "\r\n");
	}
	if (n && heard <= SOURCE_KNOWN)
		c->heard = s->loop->now;
	if (b.n)
		net_write(s->loop, c->stream, buf_str(&b));
}

static void conn_data(struct sip *s, struct conn *c, struct str bytes)
{
	struct path from = { .flow = c->stream, .peer = c->peer, .local = c->local,
			     .listener = (uint16_t)c->listener, .transport = c->transport };
	uint64_t id = c->id;
	struct str rest = bytes;
	bool ended = false;
	uint32_t pings = 0;
	struct sip_frame f;
	enum sip_frame_kind k;

	if (c->doomed)		/* never resynchronised */
		return;
	relief_note(s);
	if (!c->inbound || c->proven)	/* what keeps the others open is heard first */
		c->heard = s->loop->now;
	while ((k = sip_framer_feed(&c->frame, &rest, &f)) != SIP_FRAME_MORE) {
		if (k == SIP_FRAME_BAD) {
			conn_bad(s, id, &f, &from);
			return;
		}
		if (k == SIP_FRAME_PING) {
			pings++;
			continue;
		}
		ended = c->said = true;
		c->heard = c->used = s->loop->now;
		from.heard = c->trusted ? SOURCE_TRUSTED : (uint8_t)gate_hear(s, c->listener, &c->peer, f.bytes.n);
		if (from.heard == SOURCE_DROP)
			s->n.dropped++;
		else
			receive(s, f.bytes, &from);
		c = slot_get(&s->conns, id);
		if (!c)
			return;
	}
	conn_pings(s, c, pings);
	conn_wait(c, ended);
	conn_arm(c);
}

/* An inbound handshake that came to nothing: there was no stream yet, only news. */
static void handshake_failed(const struct lsn *l, const struct net_stream_info *info)
{
	struct sip_event *e = sip_queue(l->s, SIP_EV_FLOW);

	e->peer = info->peer;
	e->listener = l->index;
	e->flow_event = NET_CLOSED;
	e->stream = keep_info(l->s, info);
}

static void on_event(void *ctx, net_id stream, enum net_event ev, struct str bytes,
		     const struct net_stream_info *info)
{
	struct conn *c = ctx;
	struct sip *s;

	if (!stream) {
		handshake_failed(ctx, info);
		return;
	}
	s = c->s;
	switch (ev) {
	case NET_OPEN:
		on_open(s, c, info);
		break;
	case NET_DATA:
		conn_data(s, c, bytes);
		break;
	case NET_CLOSED:
		s->closing = keep_info(s, info);
		tell(s, c, NET_CLOSED, s->closing);
		conn_end(s, c, fail_of(info));
		s->closing = NULL;
		break;
	}
}

static const struct net_stream_handler stream_handler = { on_knock, on_accepted, on_event };

/* A keep-alive of CRLFs: RFC 5626 says STUN for UDP, phones send this. */
static bool only_crlf(struct str b)
{
	for (size_t i = 0; i < b.n; i++)
		if (b.p[i] != '\r' && b.p[i] != '\n' && b.p[i] != 0)
			return false;
	return true;
}

static void on_dgram(void *ctx, net_id sock, const struct addr *from, const struct addr *to,
		     struct str bytes)
{
	struct lsn *l = ctx;
	struct path p = { .peer = *from, .local = *to, .listener = (uint16_t)l->index,
			  .transport = SIP_UDP };

	(void)sock;	/* the context is the socket's */
	if (!admitted(l, from)) {
		l->s->n.dropped++;
		return;
	}
	relief_note(l->s);
	if (only_crlf(bytes))
		return;
	p.heard = (uint8_t)gate_hear(l->s, l->index, from, bytes.n);
	if (p.heard == SOURCE_DROP)
		l->s->n.dropped++;
	else
		receive(l->s, bytes, &p);
}

static const struct net_dgram_handler dgram_handler = { on_dgram };

/* --- opening --- */

static bool same_peer(const struct conn *c, const struct conn_ask *a)
{
	return c->listener == a->listener && c->transport == (uint8_t)a->transport &&
	       addr_eq(&c->peer, a->peer) &&
	       str_ieq(str_of(c->tls_name), a->tls_name.p ? a->tls_name : STR(""));
}

static struct conn *conn_open(struct sip *s, const struct conn_ask *a, uint64_t key)
{
	const struct lsn *l = s->lsn[a->listener];
	struct net_connect nc = { .to = *a->peer, .timeout = a->timeout, .h = &stream_handler,
				  .server_name = a->tls_name };
	struct conn *c = conn_new(s, a->listener, a->transport, a->peer, false);

	if (!c)
		return NULL;
	c->trusted = !a->answer;
	if (l->bound.family == a->peer->family && !addr_is_any(&l->bound)) {
		nc.from = l->bound;
		nc.from.port = 0;
	}
	if (a->transport == SIP_TLS)
		nc.tls = l->cfg.tls_client ? l->cfg.tls_client : l->cfg.tls;
	nc.ctx = c;
	c->tls_name = mem_dup(a->tls_name.p ? a->tls_name.p : "", a->tls_name.n);
	c->stream = net_connect(s->loop, &nc);
	hash_add(&s->conn_stream, &c->by_stream, stream_key(s, c->stream));
	c->alone = a->alone;
	if (!c->alone)
		hash_add(&s->conn_peer, &c->by_peer, key);
	return c;
}

struct conn *conn_to(struct sip *s, const struct conn_ask *a, bool *fresh)
{
	uint64_t h = peer_key(s, a->listener, a->transport, a->peer);

	*fresh = false;
	for (struct hash_node *n = a->alone ? NULL : hash_first(&s->conn_peer, h); n; n = hash_next(n)) {
		struct conn *c = HASH_ENTRY(n, struct conn, by_peer);

		if (same_peer(c, a))
			return c;
	}
	*fresh = true;
	return make_room(s) ? conn_open(s, a, h) : NULL;
}

/* --- where TCP is not spoken --- */

struct no_tcp {
	struct hash_node node;
	struct addr peer;
	ms_t until;
};

static struct no_tcp *no_tcp_find(struct sip *s, const struct addr *peer, uint64_t *h)
{
	*h = peer_key(s, 0, SIP_TCP, peer);
	for (struct hash_node *n = hash_first(&s->no_tcp, *h); n; n = hash_next(n)) {
		struct no_tcp *e = HASH_ENTRY(n, struct no_tcp, node);

		if (addr_eq(&e->peer, peer))
			return e;
	}
	return NULL;
}

static void no_tcp_clear(struct sip *s)
{
	for (size_t i = 0; i < s->no_tcp.nbucket; i++)
		while (s->no_tcp.bucket[i]) {
			struct hash_node *n = s->no_tcp.bucket[i];

			hash_remove(&s->no_tcp, n);
			mem_free(HASH_ENTRY(n, struct no_tcp, node));
		}
}

bool transport_no_tcp(struct sip *s, const struct addr *peer)
{
	uint64_t h;
	const struct no_tcp *e = no_tcp_find(s, peer, &h);

	return e && s->loop->now < e->until;
}

void transport_note_no_tcp(struct sip *s, const struct addr *peer)
{
	uint64_t h;
	struct no_tcp *e = no_tcp_find(s, peer, &h);

	if (!e && s->no_tcp.count >= SIP_NO_TCP_MAX)
		no_tcp_clear(s);	/* it is a cache: learned again */
	if (!e) {
		e = mem_new(sizeof *e);
		e->peer = *peer;
		hash_add(&s->no_tcp, &e->node, h);
	}
	e->until = s->loop->now + SIP_NO_TCP_MS;
}

enum err sip_listen(struct sip *s, const struct sip_listener *cfg, uint32_t *index, int *err_no)
{
	struct lsn *l;

	if (s->nlsn >= SIP_LISTENER_MAX)
		return ERR_LIMIT;
	l = mem_new(sizeof *l);
	*l = (struct lsn){ .s = s, .cfg = *cfg, .index = s->nlsn };
	if (cfg->transport == SIP_UDP)
		l->sock = net_udp_bind(s->loop, &cfg->bind, &dgram_handler, l, err_no);
	else
		l->sock = net_listen(s->loop, &cfg->bind, cfg->transport == SIP_TLS ? cfg->tls : NULL,
				     &stream_handler, l, err_no);
	if (!l->sock) {
		mem_free(l);
		return ERR_IO;
	}
	if (!net_local(s->loop, l->sock, &l->bound))
		l->bound = cfg->bind;
	if (cfg->transport == SIP_UDP && cfg->tcp_too) {
		l->tcp = net_listen(s->loop, &l->bound, NULL, &stream_handler, l, err_no);
		if (!l->tcp) {
			net_close(s->loop, l->sock);
			mem_free(l);
			return ERR_IO;
		}
	}
	s->lsn[s->nlsn] = l;
	*index = s->nlsn++;
	return OK;
}

bool sip_listen_addr(struct sip *s, uint32_t index, struct addr *bound)
{
	if (index >= s->nlsn)
		return false;
	*bound = s->lsn[index]->bound;
	return true;
}

/* --- sending --- */

/* A response waits for its new stream; what does not fit is the peer's to ask again. */
static void pend(struct conn *c, struct str bytes)
{
	if (!c->pending.p)
		buf_init(&c->pending, mem_new(SIP_MSG_MAX), SIP_MSG_MAX);
	if (bytes.n <= c->pending.cap - c->pending.n)
		buf_put(&c->pending, bytes);
}

/* Header names in capitals, as Microsoft's side writes them (facts: traces of 2019, 2020). */
static struct str capitals(struct sip *s, struct str bytes)
{
	bool name = false, head = true;

	if (bytes.n > s->upper.cap)
		return bytes;
	buf_reset(&s->upper);
	for (size_t i = 0; i < bytes.n; i++) {
		char c = bytes.p[i];

		if (c == ':' || c == '\r')
			name = false;
		s->upper.p[i] = name && c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
		if (c != '\n')
			continue;
		head = head && i + 1 < bytes.n && bytes.p[i + 1] != '\r';
		name = head;
	}
	s->upper.n = bytes.n;
	return buf_str(&s->upper);
}

bool transport_send(struct sip *s, const struct path *p, struct str bytes)
{
	const struct lsn *l = s->lsn[p->listener];
	struct conn *c;

	if (s->upper.p)
		bytes = capitals(s, bytes);
	if (p->transport == SIP_UDP && !gate_may_send(s, p, bytes.n)) {
		s->n.dropped++;
		return true;
	}
	if (p->transport == SIP_UDP) {
		s->n.sent++;
		net_udp_send(s->loop, l->sock, p->local.family ? &p->local : NULL, &p->peer, bytes);
		return true;
	}
	c = conn_find(s, p->flow);
	if (!c)
		return false;
	s->n.sent++;
	c->used = s->loop->now;
	if (c->open)
		net_write(s->loop, c->stream, bytes);
	else
		pend(c, bytes);
	return true;
}

void transport_sentby(struct sip *s, struct buf *b, uint32_t listener, const struct addr *local)
{
	const struct lsn *l = s->lsn[listener];
	struct addr a = l->bound;
	struct str host = str_of(l->cfg.adv_host);

	if (host.n == 0 && addr_is_any(&a) && local && local->family) {
		a = *local;
		a.port = l->bound.port;
	}
	if (l->cfg.adv_port)
		a.port = l->cfg.adv_port;
	if (host.n == 0) {
		addr_hostport(b, &a);
		return;
	}
	sip_write_host(b, host);
	buf_ch(b, ':');
	buf_u64(b, a.port);
}

void transport_via(struct sip *s, struct buf *b, const struct path *p, struct str branch)
{
	static const char *const name[SIP_NTRANSPORT] = {
		[SIP_UDP] = "UDP ", [SIP_TCP] = "TCP ", [SIP_TLS] = "TLS ",
	};

	buf_lit(b, "Via: SIP/2.0/");
	buf_lit(b, name[p->transport]);
	transport_sentby(s, b, p->listener, &p->local);
	buf_lit(b, ";branch=");
	buf_put(b, branch);
	buf_lit(b, p->transport == SIP_UDP ? ";rport\r\n" : "\r\n");
}

void sip_close_flows(struct sip *s, const struct addr *peer)
{
	uint32_t i = 0;
	uint64_t id;
	struct conn *c;

	while ((c = slot_next(&s->conns, &i, &id)) != NULL)
		if (!c->inbound && addr_eq(&c->peer, peer))
			conn_drop(s, c);
}

void sip_close_flow(struct sip *s, net_id flow)
{
	struct conn *c = conn_find(s, flow);

	if (c && !c->inbound)
		conn_drop(s, c);
}

void transport_init(struct sip *s)
{
	slots_init(&s->conns, sizeof(struct conn), SIP_CONN_MAX);
	hash_init(&s->conn_stream);
	hash_init(&s->conn_peer);
	hash_init(&s->conn_ip);
	hash_init(&s->no_tcp);
	list_init(&s->conn_age);
}

void transport_close(struct sip *s)
{
	uint32_t i = 0;
	uint64_t id;
	struct conn *c;

	while ((c = slot_next(&s->conns, &i, &id)) != NULL) {
		net_close(s->loop, c->stream);
		conn_free(s, c);
	}
	for (i = 0; i < s->nlsn; i++) {
		net_close(s->loop, s->lsn[i]->sock);
		if (s->lsn[i]->tcp)
			net_close(s->loop, s->lsn[i]->tcp);
		mem_free(s->lsn[i]);
	}
	no_tcp_clear(s);
	hash_close(&s->no_tcp);
	slots_close(&s->conns);
	hash_close(&s->conn_stream);
	hash_close(&s->conn_peer);
	hash_close(&s->conn_ip);
}
