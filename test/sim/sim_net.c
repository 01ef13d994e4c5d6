#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "sim/sim_int.h"

/* Datagrams and streams between addresses of one process. */

struct packet {
	struct timer t;
	struct loop *l;
	enum { FLY_DATAGRAM, FLY_BYTES, FLY_CONNECT, FLY_CLOSED, FLY_TIMEOUT } kind;
	net_id id;			/* stream it is for */
	struct addr from, to;
	enum net_fail fail;
	size_t n;
	char bytes[];
};

static void land(void *arg);

static void fly(struct loop *l, struct packet *p, ms_t delay)
{
	sim_of(l)->in_flight++;
	timer_start(&l->timers, &p->t, delay, land, p);
}

static struct packet *packet(struct loop *l, int kind, net_id id, struct str bytes)
{
	struct packet *p = mem_new(sizeof *p + bytes.n);

	p->l = l;
	p->kind = kind;
	p->id = id;
	p->n = bytes.n;
	if (bytes.n)
		memcpy(p->bytes, bytes.p, bytes.n);
	return p;
}

static struct sim_handle *live(const struct sim *s, net_id id)
{
	struct sim_handle *h = slot_get(&s->ids, id);

	return h && !h->dead ? h : NULL;
}

static struct sim_handle *bound(struct sim *s, enum sim_kind kind, const struct addr *to)
{
	struct sim_handle *h, *any = NULL;
	uint32_t i = 0;
	uint64_t id;

	while ((h = slot_next(&s->ids, &i, &id))) {
		if (h->dead || h->kind != kind || h->local.port != to->port ||
		    h->local.family != to->family)
			continue;
		if (addr_same_ip(&h->local, to))
			return h;
		if (addr_is_any(&h->local))
			any = h;
	}
	return any;
}

static struct sim_handle *handle_new(struct sim *s, enum sim_kind kind)
{
	uint64_t id;
	struct sim_handle *h = slot_new(&s->ids, &id);

	if (!h)
		return NULL;
	h->kind = kind;
	h->id = id;
	return h;
}

static void pick_port(struct sim *s, struct addr *a)
{
	if (!a->port)
		a->port = s->next_port++;
}

static void see(struct sim *s, bool stream, const struct addr *from, const struct addr *to,
		struct str bytes)
{
	if (s->watch)
		s->watch(s->watch_ctx, &(struct sim_seen){ stream, *from, *to, bytes });
}

/* --- datagrams ----------------------------------------------------------- */

static net_id udp_bind(struct loop *l, const struct addr *at, const struct net_dgram_handler *dh,
		       void *ctx, int *err_no)
{
	struct sim *s = sim_of(l);
	struct sim_handle *h;

	if (at->port && bound(s, SIM_UDP, at)) {
		*err_no = EADDRINUSE;
		return 0;
	}
	h = handle_new(s, SIM_UDP);
	*err_no = EMFILE;
	if (!h)
		return 0;
	h->local = *at;
	pick_port(s, &h->local);
	h->dh = dh;
	h->ctx = ctx;
	return h->id;
}

static void udp_send(struct loop *l, net_id id, const struct addr *from, const struct addr *to,
		     struct str bytes)
{
	struct sim *s = sim_of(l);
	struct sim_handle *h = live(s, id);
	ms_t delay = s->opt.delay ? s->opt.delay : 1;
	int copies = 1;

	if (!h || rng_below(&s->rng, 1000) < s->opt.loss)
		return;
	if (rng_below(&s->rng, 1000) < s->opt.duplicate)
		copies = 2;
	while (copies-- > 0) {
		struct packet *p = packet(l, FLY_DATAGRAM, 0, bytes);

		p->from = h->local;
		if (from && addr_is_any(&h->local) && from->family == h->local.family)
			memcpy(p->from.ip, from->ip, sizeof from->ip);
		p->to = *to;
		if (rng_below(&s->rng, 1000) < s->opt.reorder)
			delay += 1 + rng_below(&s->rng, 30);
		fly(l, p, delay);
	}
}

static void land_datagram(struct sim *s, struct packet *p)
{
	struct sim_handle *h = bound(s, SIM_UDP, &p->to);
	struct str bytes = { p->bytes, p->n };

	see(s, false, &p->from, &p->to, bytes);
	if (h)
		h->dh->recv(h->ctx, h->id, &p->from, &p->to, bytes);
	else
		s->lost++;
}

/* --- streams -------------------------------------------------------------- */

static void info_of(const struct sim_handle *h, struct net_stream_info *i)
{
	*i = (struct net_stream_info){ .local = h->local, .peer = h->peer, .tls = h->secure,
				       .inbound = h->inbound, .fail = h->fail };
	if (h->secure)
		i->facts = h->tls ? tls_facts_of(h->tls) : &h->facts;
}

static void tell(struct sim *s, net_id id, enum net_event ev, struct str bytes)
{
	struct sim_handle *h = live(s, id);
	struct net_stream_info i;

	if (!h || !h->sh)
		return;
	info_of(h, &i);
	h->sh->event(h->ctx, id, ev, bytes, &i);
}

/* Dead at once, gone after the input: a handler may close the stream whose bytes it reads. */
static void drop(struct sim *s, net_id id)
{
	struct sim_handle *h = live(s, id);

	if (!h)
		return;
	h->dead = true;
	s->grave = mem_grow(s->grave, s->ngrave + 1, sizeof *s->grave);
	s->grave[s->ngrave++] = id;
}

static void bury(struct sim *s)
{
	while (s->ngrave) {
		net_id id = s->grave[--s->ngrave];
		struct sim_handle *h = slot_get(&s->ids, id);

		tls_free(h->tls);
		tls_ctx_drop(h->tls_ctx);
		slot_free(&s->ids, id);
	}
}

static void to_other(struct loop *l, struct sim_handle *h, struct str bytes)
{
	if (bytes.n && h->other)
		fly(l, packet(l, FLY_BYTES, h->other, bytes),
		    sim_of(l)->opt.delay ? sim_of(l)->opt.delay : 1);
}

static void opened(struct sim *s, struct sim_handle *h)
{
	struct sim_handle *ln = live(s, h->listener);
	struct net_stream_info i;
	net_id id = h->id;
	void *ctx;

	h->open = true;
	if (!h->inbound) {
		tell(s, id, NET_OPEN, STR_NONE);
		return;
	}
	if (!ln)
		return;
	if (ln->sh->knock && !ln->sh->knock(ln->ctx, &h->peer)) {
		s->loop.net->close(&s->loop, id);
		return;
	}
	info_of(h, &i);
	h->sh = ln->sh;
	ctx = ln->sh->accepted(ln->ctx, id, &i);
	h = live(s, id);
	if (h && ctx)
		h->ctx = ctx;
	else if (h)
		s->loop.net->close(&s->loop, id);
}

static void tell_listener(struct sim *s, struct sim_handle *h)
{
	struct sim_handle *ln = live(s, h->listener);
	struct net_stream_info i;

	info_of(h, &i);
	if (ln)
		ln->sh->event(ln->ctx, 0, NET_CLOSED, STR_NONE, &i);
}

static void lost(struct sim *s, net_id id, enum net_fail why)
{
	struct sim_handle *h = live(s, id);

	if (!h)
		return;
	if (h->tls && !h->open && why == NET_FAIL_NONE) {
		tls_cut(h->tls);
		why = NET_FAIL_TLS;
	}
	h->fail = why;
	if (h->inbound && !h->open)	/* a failed handshake: its listener's owner hears of it */
		tell_listener(s, h);
	tell(s, id, NET_CLOSED, STR_NONE);
	drop(s, id);
}

static void pump(struct sim *s, net_id id, enum err fed)
{
	struct sim_handle *h = live(s, id);
	struct tls_out o;

	tls_take(h->tls, &o);
	to_other(&s->loop, h, o.wire);
	if (o.opened)
		opened(s, h);
	if (o.plain.n)
		tell(s, id, NET_DATA, o.plain);
	if (!live(s, id))
		return;
	if (fed) {
		net_id far = h->other;

		lost(s, id, NET_FAIL_TLS);
		fly(&s->loop, packet(&s->loop, FLY_CLOSED, far, STR_NONE), s->opt.delay + 1);
	}
}

static void land_bytes(struct sim *s, struct packet *p)
{
	struct sim_handle *h = live(s, p->id);
	struct str bytes = { p->bytes, p->n };

	if (!h)
		return;
	see(s, true, &h->peer, &h->local, bytes);
	if (h->tls)
		pump(s, p->id, tls_feed(h->tls, bytes, s->loop.now));
	else
		tell(s, p->id, NET_DATA, bytes);
}

static void declare(struct sim *s, struct sim_handle *h)
{
	h->facts = (struct tls_facts){ .phase = TLS_PHASE_OPEN, .version = 0x0303,
				       .alert_sent = -1, .alert_received = -1 };
	for (int i = 0; i < s->ndeclared; i++)
		if (addr_same_ip(&s->declared[i].a, &h->peer))
			h->facts = s->declared[i].f;
}

static enum sim_reach reach_of(const struct sim *s, const struct addr *a)
{
	for (int i = s->nreach - 1; i >= 0; i--)
		if (addr_same_ip(&s->reach[i].a, a) &&
		    (!s->reach[i].a.port || s->reach[i].a.port == a->port))
			return s->reach[i].r;
	return SIM_OPEN;
}

static struct sim_handle *accept_side(struct sim *s, struct sim_handle *c, struct sim_handle *ln)
{
	struct sim_handle *h = handle_new(s, SIM_STREAM);

	if (!h)
		return NULL;
	h->inbound = true;
	h->local = c->peer;
	h->peer = c->local;
	h->listener = ln->id;
	h->other = c->id;
	h->secure = c->secure;
	c->other = h->id;
	if (ln->tls_ctx && c->tls)
		h->tls = tls_new(ln->tls_ctx, true, STR_NONE, s->loop.now);
	declare(s, h);
	return h;
}

static void land_connect(struct sim *s, struct packet *p)
{
	struct sim_handle *c = live(s, p->id), *ln, *h;

	if (!c)
		return;
	ln = bound(s, SIM_LISTENER, &c->peer);
	if (!ln || reach_of(s, &c->peer) == SIM_REFUSED) {
		lost(s, p->id, NET_FAIL_REFUSED);
		return;
	}
	h = accept_side(s, c, ln);
	if (!h) {
		lost(s, p->id, NET_FAIL_LOCAL);
		return;
	}
	if (c->tls) {
		pump(s, p->id, tls_feed(c->tls, STR_NONE, s->loop.now));
		return;
	}
	opened(s, h);
	c = live(s, p->id);
	if (c)		/* TCP stands, even when the far user refused it */
		opened(s, c);
}

static void land(void *arg)
{
	struct packet *p = arg;
	struct sim *s = sim_of(p->l);

	s->in_flight--;
	switch (p->kind) {
	case FLY_DATAGRAM: land_datagram(s, p); break;
	case FLY_BYTES: land_bytes(s, p); break;
	case FLY_CONNECT: land_connect(s, p); break;
	case FLY_CLOSED: lost(s, p->id, p->fail); break;
	case FLY_TIMEOUT: {
		struct sim_handle *h = live(s, p->id);

		if (h && !h->open)
			lost(s, p->id, NET_FAIL_TIMEOUT);
		break;
	}
	}
	mem_free(p);
	bury(s);
}

static net_id do_listen(struct loop *l, const struct addr *at, struct tls_ctx *tls,
			const struct net_stream_handler *sh, void *ctx, int *err_no)
{
	struct sim *s = sim_of(l);
	struct sim_handle *h;

	if (at->port && bound(s, SIM_LISTENER, at)) {
		*err_no = EADDRINUSE;
		return 0;
	}
	h = handle_new(s, SIM_LISTENER);
	*err_no = EMFILE;
	if (!h)
		return 0;
	h->local = *at;
	pick_port(s, &h->local);
	h->sh = sh;
	h->ctx = ctx;
	h->tls_ctx = tls ? tls_ctx_hold(tls) : NULL;
	return h->id;
}

static net_id do_connect(struct loop *l, const struct net_connect *c)
{
	struct sim *s = sim_of(l);
	struct sim_handle *h = handle_new(s, SIM_STREAM);
	struct packet *p;
	enum sim_reach r = reach_of(s, &c->to);

	if (!h)
		return 0;
	h->sh = c->h;
	h->ctx = c->ctx;
	h->peer = c->to;
	h->local = c->from.family == ADDR_NONE ? c->to : c->from;
	h->local.port = 0;
	pick_port(s, &h->local);
	h->secure = c->secure || c->tls;
	if (c->tls) {
		h->tls_ctx = tls_ctx_hold(c->tls);
		h->tls = tls_new(c->tls, false, c->server_name, l->now);
	}
	declare(s, h);
	if (r == SIM_SILENT) {
		p = packet(l, FLY_TIMEOUT, h->id, STR_NONE);
		fly(l, p, c->timeout ? c->timeout : 5000);
	} else if (r == SIM_UNREACHABLE) {
		p = packet(l, FLY_CLOSED, h->id, STR_NONE);
		p->fail = NET_FAIL_UNREACHABLE;
		fly(l, p, 1);
	} else {
		fly(l, packet(l, FLY_CONNECT, h->id, STR_NONE), 1);
	}
	return h->id;
}

static void do_write(struct loop *l, net_id id, struct str bytes)
{
	struct sim_handle *h = live(sim_of(l), id);
	struct tls_out o;

	if (!h || h->kind != SIM_STREAM || !h->open)
		return;
	if (!h->tls) {
		to_other(l, h, bytes);
		return;
	}
	if (tls_send(h->tls, bytes))
		return;
	tls_take(h->tls, &o);
	to_other(l, h, o.wire);
}

static void do_close(struct loop *l, net_id id)
{
	struct sim *s = sim_of(l);
	struct sim_handle *h = live(s, id);

	if (!h)
		return;
	if (h->kind == SIM_STREAM && h->other)	/* behind the bytes that are on their way */
		fly(l, packet(l, FLY_CLOSED, h->other, STR_NONE), s->opt.delay + 1);
	drop(s, id);
}

static bool do_local(struct loop *l, net_id id, struct addr *a)
{
	struct sim_handle *h = live(sim_of(l), id);

	if (h)
		*a = h->local;
	return h != NULL;
}

const struct net_ops sim_net_ops = {
	.udp_bind = udp_bind, .udp_send = udp_send, .listen = do_listen, .connect = do_connect,
	.write = do_write, .close = do_close, .local = do_local,
};

void sim_net_free(struct sim *s)
{
	uint32_t i = 0;
	uint64_t id;

	while (slot_next(&s->ids, &i, &id))
		drop(s, id);
	bury(s);
	mem_free(s->grave);
	s->grave = NULL;
}

/* --- scripts ------------------------------------------------------------- */

void sim_reach(struct loop *l, const struct addr *a, enum sim_reach r)
{
	struct sim *s = sim_of(l);

	s->reach = mem_grow(s->reach, (size_t)s->nreach + 1, sizeof *s->reach);
	s->reach[s->nreach++] = (struct sim_far){ *a, r };
}

void sim_cut(struct loop *l, const struct addr *a, enum net_fail how)
{
	struct sim *s = sim_of(l);
	struct sim_handle *h;
	uint32_t i = 0;
	uint64_t id;

	while ((h = slot_next(&s->ids, &i, &id)))
		if (h->kind == SIM_STREAM && !h->dead &&
		    (addr_same_ip(&h->peer, a) || addr_same_ip(&h->local, a))) {
			struct packet *p = packet(l, FLY_CLOSED, id, STR_NONE);

			p->fail = how;
			fly(l, p, 1);
		}
}

void sim_declare(struct loop *l, const struct addr *a, const struct tls_facts *f)
{
	struct sim *s = sim_of(l);

	s->declared = mem_grow(s->declared, (size_t)s->ndeclared + 1, sizeof *s->declared);
	s->declared[s->ndeclared++] = (struct sim_shown){ *a, *f };
}
