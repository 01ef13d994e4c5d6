/*
 * The gate: what the source table (source.h) says, applied to messages, connections and
 * answers. Trunks, verified TLS peers, this machine and streams of ours pass uncounted.
 */
#include "sip/stack_int.h"

void gate_init(struct sip *s)
{
	const struct sip_guard *g = s->cfg.guard;

	if (!g || !g->rules.rate)
		return;
	s->guard = *g;
	s->cfg.guard = &s->guard;
	s->sources = sources_new(&g->rules, &s->seed);
}

static bool trusted(const struct sip *s, uint32_t listener, const struct addr *a)
{
	return addr_is_loopback(a) ||
	       (s->guard.trusted && s->guard.trusted(s->guard.ctx, listener, a));
}

static void told(struct sip *s, const struct source_view *v)
{
	if (s->guard.told)
		s->guard.told(s->guard.ctx, v);
}

enum source_verdict gate_hear(struct sip *s, uint32_t listener, const struct addr *from, size_t n)
{
	if (!s->sources || trusted(s, listener, from))
		return SOURCE_TRUSTED;
	return source_hear(s->sources, from, s->loop->now, n);
}

bool gate_knock(struct sip *s, uint32_t listener, const struct addr *from)
{
	return !s->sources || trusted(s, listener, from) ||
	       source_knock(s->sources, from, s->loop->now);
}

uint32_t gate_streams(const struct sip *s, uint32_t listener, const struct addr *from)
{
	bool known = !s->sources || trusted(s, listener, from) ||
		     source_proven(s->sources, from, s->loop->now);

	return known || s->guard.streams > SIP_CONN_PER_IP ? SIP_CONN_PER_IP : s->guard.streams;
}

void gate_strike(struct sip *s, enum source_verdict heard, const struct addr *from)
{
	struct source_view v;

	if ((heard == SOURCE_STRANGE || heard == SOURCE_HELD) &&
	    source_strike(s->sources, from, s->loop->now, &v))
		told(s, &v);
}

/* --- inbound streams of one source --- */

struct ip_count {
	struct hash_node node;
	struct addr ip;
	uint32_t n;
};

static struct ip_count *ip_find(struct sip *s, const struct addr *a, uint64_t *h)
{
	*h = hash_bytes(&s->seed, a->ip, sizeof a->ip);
	for (struct hash_node *n = hash_first(&s->conn_ip, *h); n; n = hash_next(n)) {
		struct ip_count *c = HASH_ENTRY(n, struct ip_count, node);

		if (addr_same_ip(&c->ip, a))
			return c;
	}
	return NULL;
}

bool gate_take(struct sip *s, const struct addr *peer, uint32_t most)
{
	uint64_t h;
	struct addr net, *a = &net;
	struct ip_count *c;

	source_net(peer, a);
	c = ip_find(s, a, &h);

	if (!c) {
		c = mem_new(sizeof *c);
		c->ip = *a;
		hash_add(&s->conn_ip, &c->node, h);
	}
	if (c->n >= most)
		return false;
	c->n++;
	return true;
}

void gate_give(struct sip *s, const struct addr *peer)
{
	uint64_t h;
	struct addr net;
	struct ip_count *c;

	source_net(peer, &net);
	c = ip_find(s, &net, &h);

	if (c && --c->n == 0) {
		hash_remove(&s->conn_ip, &c->node);
		mem_free(c);
	}
}

/* --- requests --- */

/* Names of tools that look for ways in, as part of what calls itself User-Agent. */
static bool scanner(const struct sip *s, const struct sip_msg *m)
{
	enum { LOOKED_AT = 160 };	/* tools say their name in front, and a flood must not make us search */
	struct str ua = str_sub(sip_hdr(m, SIP_H_USER_AGENT), 0, LOOKED_AT);

	for (int i = 0; ua.n && i < s->guard.nscanner; i++) {
		struct str w = s->guard.scanner[i];

		for (size_t at = 0; w.n && at + w.n <= ua.n; at++)
			if (str_ieq(str_sub(ua, at, w.n), w))
				return true;
	}
	return false;
}

bool gate_request(struct sip *s, const struct sip_msg *m)
{
	struct source_view v;
	bool shows = sip_hdr(m, SIP_H_AUTHORIZATION).p || sip_hdr(m, SIP_H_PROXY_AUTHORIZATION).p;

	if (m->heard == SOURCE_TRUSTED || m->heard == SOURCE_KNOWN)
		return true;
	if (scanner(s, m)) {
		if (source_ban(s->sources, &m->src, s->loop->now, &v))
			told(s, &v);
		return false;
	}
	if (m->heard == SOURCE_HELD && !shows)
		return false;
	if (m->method != SIP_ACK && m->method != SIP_CANCEL)
		gate_strike(s, (enum source_verdict)m->heard, &m->src);
	return true;
}

/* A stranger's answer must be no longer than its request, or it waits for the repetition: so it
 * does not say what we are either.
 *
 * Are we there? A stranger is told so and no more, and no transaction remembers it. */
static bool greet(struct sip *s, const struct sip_msg *m)
{
	struct server_answer a = { .status = 200, .bare = true };
	char text[400];
	struct buf b;

	if (m->method != SIP_OPTIONS || (m->heard != SOURCE_STRANGE && m->heard != SOURCE_HELD))
		return false;
	buf_init(&b, text, sizeof text);
	sip_write_allow(&b, NULL);
	buf_lit(&b, "Accept: application/sdp\r\n");
	a.extra = buf_str(&b);
	sip_tap_in(s, 0, m);
	uas_refuse(s, m, &a);
	return true;
}

bool gate_stranger(struct sip *s, const struct sip_msg *m)
{
	struct server_answer a = { .bare = true };
	struct sip_xhdr x[2] = { { STR_NONE, STR_NONE }, { STR_NONE, STR_NONE } };
	char text[1600];
	struct buf b;

	if (!s->guard.stranger || m->to_tag.p)
		return false;
	if (greet(s, m))
		return true;
	a.status = s->guard.stranger(s->guard.ctx, m, &s->turn, x);
	if (!a.status)
		return false;
	buf_init(&b, text, sizeof text);
	sip_write_xhdr(&b, x, x[1].name.p ? 2 : x[0].name.p ? 1 : 0);
	a.extra = buf_str(&b);
	if (!buf_ok(&b))
		return false;
	sip_tap_in(s, 0, m);
	uas_refuse(s, m, &a);
	return true;
}

/* Nobody is answered with more than it sent, unless it is known: forged sources would make us
 * the amplifier. What does not leave now leaves when the request is repeated. */
bool gate_may_send(struct sip *s, const struct path *p, size_t n)
{
	return !s->sources || trusted(s, p->listener, &p->peer) ||
	       source_may_send(s->sources, &p->peer, s->loop->now, n);
}

bool tap_share(struct tap_share *t, ms_t now)
{
	if (now - t->at >= 1000) {
		t->at = now;
		t->n = 0;
	}
	return t->n++ < SIP_STRANGE_TAP_MAX;
}

/* A flood must not push the calls out of the tap. */
bool gate_tap(struct sip *s, const struct sip_msg *m)
{
	if (m->heard != SOURCE_STRANGE && m->heard != SOURCE_HELD)
		return true;
	return tap_share(&s->taped, s->loop->now);
}

void gate_prove(struct sip *s, const struct addr *a)
{
	if (s->sources && a->family != ADDR_NONE && !addr_is_loopback(a))
		source_prove(s->sources, a, s->loop->now);
}

/* --- for the owner --- */

void sip_prove(struct sip *s, const struct addr *a)
{
	gate_prove(s, a);
}

bool sip_forgive(struct sip *s, const struct addr *a)
{
	return s->sources && source_forgive(s->sources, a);
}

void sip_sources(struct sip *s, struct source_counts *c,
		 bool (*fn)(void *, const struct source_view *), void *ctx)
{
	*c = (struct source_counts){ 0 };
	if (!s->sources)
		return;
	sources_count(s->sources, c);
	sources_each(s->sources, s->loop->now, fn, ctx);
}
