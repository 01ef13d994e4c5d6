/*
 * The stack as a whole: life, the queue of events, the writer, plain requests.
 */
#include "sip/stack_int.h"

#include <string.h>

#include "sip/guard.h"

enum { DEFAULT_SESSIONS = 20000, DEFAULT_TXS = 400000, FIRST_ARENA = 64 * 1024 };

struct sip *sip_new(struct loop *l, struct dns *dns, const struct sip_config *c)
{
	static const struct sip_config none;
	struct sip *s = mem_new(sizeof *s);

	s->loop = l;
	s->dns = dns;
	s->cfg = c ? *c : none;
	s->times = (struct tsx_times){ s->cfg.t1 ? (uint32_t)s->cfg.t1 : 500,
				       s->cfg.t2 ? (uint32_t)s->cfg.t2 : 4000,
				       s->cfg.t4 ? (uint32_t)s->cfg.t4 : 5000 };
	if (!s->cfg.server || !str_copy(s->server, sizeof s->server, str_of(s->cfg.server)))
		(void)str_copy(s->server, sizeof s->server, STR("Tandem"));	/* fits */
	s->seed = rng_hash_seed(&l->rng);
	rng_hex(&l->rng, s->cookie, 4);
	arena_init(&s->turn, SIP_TURN_MAX);
	(void)arena_get(&s->turn, FIRST_ARENA);	/* a first chunk that is kept */
	arena_reset(&s->turn);
	buf_init(&s->text, mem_new(SIP_MSG_MAX), SIP_MSG_MAX);
	buf_init(&s->wired, mem_new(SIP_MSG_MAX), SIP_MSG_MAX);
	if (s->cfg.upper_case)
		buf_init(&s->upper, mem_new(SIP_MSG_MAX), SIP_MSG_MAX);
	slots_init(&s->txs, sizeof(struct tx),
		   s->cfg.max_transactions ? s->cfg.max_transactions : DEFAULT_TXS);
	slots_init(&s->sessions, sizeof(struct ses),
		   s->cfg.max_sessions ? s->cfg.max_sessions : DEFAULT_SESSIONS);
	slots_init(&s->subs, sizeof(struct sub), s->cfg.max_subs ? s->cfg.max_subs : SIP_SUB_MAX);
	hash_init(&s->sub_dialogs);
	hash_init(&s->sub_ip);
	hash_init(&s->tx_key);
	hash_init(&s->tx_merge);
	hash_init(&s->dialogs);
	transport_init(s);
	gate_init(s);
	return s;
}

void sip_free(struct sip *s)
{
	uint32_t i = 0;
	uint64_t id;
	struct tx *t;
	struct ses *x;
	struct sub *u;

	if (!s)
		return;
	dns_cancel(s->dns, s);
	while ((u = slot_next(&s->subs, &i, &id)) != NULL)
		sub_free(s, u);
	for (i = 0; (x = slot_next(&s->sessions, &i, &id)) != NULL;)
		ses_free(s, x);
	for (i = 0; (t = slot_next(&s->txs, &i, &id)) != NULL;)
		tx_free(s, t);
	transport_close(s);
	sources_free(s->sources);
	overload_close(&s->overload);
	slots_close(&s->txs);
	slots_close(&s->sessions);
	slots_close(&s->subs);
	hash_close(&s->sub_dialogs);
	hash_close(&s->sub_ip);
	hash_close(&s->tx_key);
	hash_close(&s->tx_merge);
	hash_close(&s->dialogs);
	for (i = 0; i < s->nlogin; i++)
		login_free(s->login[i]);
	arena_close(&s->turn);
	mem_free(s->text.p);
	mem_free(s->wired.p);
	mem_free(s->upper.p);
	mem_free(s->ev);
	mem_free(s);
}

/* --- events --- */

struct sip_event *sip_queue(struct sip *s, enum sip_ev_kind k)
{
	struct sip_event *e;

	if (s->nev == s->ev_cap) {
		s->ev_cap = s->ev_cap ? 2 * s->ev_cap : 16;
		s->ev = mem_grow(s->ev, s->ev_cap, sizeof *s->ev);
	}
	e = &s->ev[s->nev++];
	*e = (struct sip_event){ .kind = k, .early = -1 };
	return e;
}

bool sip_next(struct sip *s, struct sip_event *ev)
{
	if (s->ev_head == s->nev && s->ndoomed)
		transport_close_doomed(s);	/* may have news of its own */
	if (s->ev_head == s->nev) {
		s->ev_head = s->nev = 0;
		return false;
	}
	*ev = s->ev[s->ev_head++];
	return true;
}

void sip_turn_end(struct sip *s)
{
	if (s->ev_head == s->nev)
		s->ev_head = s->nev = 0;
	if (s->nev == 0)	/* events left over still point into it */
		arena_reset(&s->turn);
}

void sip_trim(struct sip *s)
{
	slots_trim(&s->txs);
	slots_trim(&s->sessions);
	slots_trim(&s->subs);
	slots_trim(&s->conns);
}

/* --- helpers of the other files --- */

struct buf *sip_text(struct sip *s)
{
	buf_reset(&s->text);
	return &s->text;
}

struct wire *wire_new(struct str bytes)
{
	struct wire *w = mem_new(sizeof *w + bytes.n);

	w->n = (uint32_t)bytes.n;
	memcpy(w->p, bytes.p, bytes.n);
	return w;
}

uint64_t sip_key(const struct sip *s, struct str a, struct str b, unsigned n)
{
	uint64_t k[3] = { hash_bytes(&s->seed, a.p, a.n), 0, n };

	if (b.n)
		k[1] = hash_bytes(&s->seed, b.p, b.n);
	return hash_bytes(&s->seed, k, sizeof k);
}

uint32_t sip_loop(const struct sip *s, struct str user)
{
	return (uint32_t)hash_icase(&s->seed, user.p, user.n) | 1;
}

void sip_tap(struct sip *s, uint64_t owner, bool out, const struct path *p, struct str bytes)
{
	struct addr local = p->local;

	if (!s->cfg.tap)
		return;
	if (local.family == ADDR_NONE)
		local = s->lsn[p->listener]->bound;
	s->cfg.tap(s->cfg.tap_ctx, owner, out, (enum sip_transport)p->transport, &local, &p->peer,
		   bytes);
}

void sip_tap_in(struct sip *s, uint64_t owner, const struct sip_msg *m)
{
	if (s->cfg.tap && (owner || gate_tap(s, m)))
		s->cfg.tap(s->cfg.tap_ctx, owner, false, m->transport, &m->dst, &m->src, m->raw);
}

uint64_t sip_owner(struct sip *s, const struct tx *t)
{
	const struct ses *x;
	const struct sub *u;

	if (t->user_kind == TX_USER_PLAIN)
		return t->server ? 0 : t->user;
	if (tx_of_sub(t)) {
		u = sub_get(s, t->user);
		return u ? u->owner : 0;
	}
	x = slot_get(&s->sessions, t->user);
	return x ? x->owner : 0;
}

void sip_write_xhdr(struct buf *b, const struct sip_xhdr *x, int nx)
{
	for (int i = 0; i < nx; i++) {
		sip_write_value(b, x[i].name);
		buf_lit(b, ": ");
		sip_write_value(b, x[i].value);
		buf_lit(b, "\r\n");
	}
}

bool sip_has_xhdr(const struct sip_xhdr *x, int nx, const char *name)
{
	for (int i = 0; i < nx; i++)
		if (str_iis(x[i].name, name))
			return true;
	return false;
}

void sip_write_body(struct buf *b, const struct sip_body *body)
{
	if (!body || !body->bytes.p || body->bytes.n == 0) {
		buf_lit(b, "Content-Length: 0\r\n\r\n");
		return;
	}
	buf_lit(b, "Content-Type: ");
	sip_write_value(b, body->type);
	buf_lit(b, "\r\nContent-Length: ");
	buf_u64(b, body->bytes.n);
	buf_lit(b, "\r\n\r\n");
	buf_put(b, body->bytes);
}

/* RFC 3261 20.33: seconds, then a comment or parameters. */
uint32_t sip_retry_after(const struct sip_msg *m)
{
	struct str v = sip_hdr(m, SIP_H_RETRY_AFTER);
	size_t n = 0;
	uint32_t secs;

	while (n < v.n && v.p[n] >= '0' && v.p[n] <= '9')
		n++;
	return str_u32(str_sub(v, 0, n), 86400, &secs) == OK ? secs : 0;
}

uint32_t sip_login_add(struct sip *s, const struct sip_login *l)
{
	if (s->nlogin == SIP_LOGIN_MAX)
		return 0;
	s->login[s->nlogin] = login_new(l);
	return ++s->nlogin;
}

/* --- plain requests --- */

void sip_write_contact(struct sip *s, struct buf *b, const struct contact *c)
{
	static const char *const transport[SIP_NTRANSPORT] = {
		[SIP_UDP] = ">\r\n", [SIP_TCP] = ";transport=tcp>\r\n",
		[SIP_TLS] = ";transport=tls>\r\n",
	};
	const struct lsn *l = s->lsn[c->listener];

	if (c->opts && c->opts->contact_uri.n) {
		buf_lit(b, "Contact: <");
		sip_write_value(b, c->opts->contact_uri);
		buf_lit(b, ">\r\n");
		return;
	}
	buf_lit(b, "Contact: <sip:");
	if (c->user.n) {
		sip_write_value(b, c->user);
		buf_ch(b, '@');
	}
	if (c->opts && c->opts->contact_host[0]) {
		buf_lit(b, c->opts->contact_host);
		buf_ch(b, ':');
		buf_u64(b, l->cfg.adv_port ? l->cfg.adv_port : l->bound.port);
	} else {
		transport_sentby(s, b, c->listener, c->local);
	}
	buf_lit(b, transport[l->cfg.transport]);
}

/* A From, To or Request-URI as the peer's options want it. */
void sip_write_uri(struct buf *b, struct str uri, const struct sip_opts *o, bool from, bool phone)
{
	struct sip_uri u;
	bool digits;

	if (sip_uri_parse(uri, &u) != OK || u.scheme != SIP_SCHEME_SIP) {
		sip_write_value(b, uri);
		return;
	}
	digits = u.user.n && (u.user.p[0] == '+' || (u.user.p[0] >= '0' && u.user.p[0] <= '9'));
	if (from && o->from_host_is_contact && o->contact_host[0]) {
		buf_lit(b, "sip:");
		if (u.user.n) {
			sip_write_value(b, u.user);
			buf_ch(b, '@');
		}
		buf_lit(b, o->contact_host);
	} else {
		sip_write_value(b, uri);
	}
	if (phone && o->user_phone && digits && !sip_param(u.params, "user").p && !u.headers.p)
		buf_lit(b, ";user=phone");
}

static void addr_line(struct buf *b, const char *name, struct str display, struct str uri,
		      const struct sip_opts *o, bool from)
{
	buf_lit(b, name);
	sip_write_name(b, display);
	buf_ch(b, '<');
	sip_write_uri(b, uri, o, from, !from);
	buf_ch(b, '>');
}

void sip_write_agent(struct sip *s, struct buf *b, const struct sip_opts *o)
{
	buf_lit(b, "User-Agent: ");
	sip_write_value(b, str_of(o && o->user_agent[0] ? o->user_agent : s->server));
	buf_lit(b, "\r\n");
	if (o && o->x_ms_sbc[0]) {
		buf_lit(b, "X-MS-SBC: ");
		sip_write_value(b, str_of(o->x_ms_sbc));
		buf_lit(b, "\r\n");
	}
}

void sip_write_allow(struct buf *b, const struct sip_opts *o)
{
	buf_lit(b, "Allow: ");
	sip_write_methods(b, o);
	buf_lit(b, "\r\n");
	if (!o || o->session_timer || o->prack) {
		buf_lit(b, "Supported: ");
		sip_write_supported(b, o);
		buf_lit(b, "\r\n");
	}
}

void sip_write_methods(struct buf *b, const struct sip_opts *o)
{
	uint32_t m = o && o->allow ? o->allow : GUARD_ALLOW;

	if (o && o->allow_text.n) {
		sip_write_value(b, o->allow_text);
		return;
	}

	if (o && o->prack)
		m |= 1u << SIP_PRACK;
	if (o && o->update)
		m |= 1u << SIP_UPDATE;
	if (o && o->info)
		m |= 1u << SIP_INFO;
	guard_allow(b, m);
}

void sip_write_supported(struct buf *b, const struct sip_opts *o)
{
	bool timer = !o || o->session_timer, rel = o && o->prack;

	buf_lit(b, timer ? "timer" : "");
	buf_lit(b, timer && rel ? ", " : "");
	buf_lit(b, rel ? "100rel" : "");
}

uint64_t sip_request(struct sip *s, const struct sip_request *r)
{
	struct buf *b = sip_text(s);
	struct contact c = { .listener = r->dest.listener, .user = r->contact_user,
			     .opts = &r->opts };
	struct request_out o = { .method = r->method, .user_kind = TX_USER_PLAIN,
				 .user = r->owner, .dest = &r->dest, .timeout = r->timeout,
				 .login = r->opts.login };
	char id[33], tag[17];

	if (r->dest.listener >= s->nlsn)
		return 0;
	rng_hex(&s->loop->rng, id, 16);
	rng_hex(&s->loop->rng, tag, 8);
	buf_put(b, sip_method_str(r->method));
	buf_ch(b, ' ');
	sip_write_value(b, r->ruri);
	buf_lit(b, " SIP/2.0\r\nMax-Forwards: 70\r\n");
	addr_line(b, "From: ", STR_NONE, r->from_uri, &r->opts, true);
	buf_fmt(b, ";tag=%s\r\n", tag);
	addr_line(b, "To: ", STR_NONE, r->to_uri, &r->opts, false);
	if (!sip_has_xhdr(r->xhdr, r->nxhdr, "Call-ID"))
		buf_fmt(b, "\r\nCall-ID: %s", id);
	if (!sip_has_xhdr(r->xhdr, r->nxhdr, "CSeq")) {
		buf_lit(b, "\r\nCSeq: 1 ");
		buf_put(b, sip_method_str(r->method));
	}
	buf_lit(b, "\r\n");
	if (!sip_has_xhdr(r->xhdr, r->nxhdr, "Contact"))
		sip_write_contact(s, b, &c);
	if (!sip_has_xhdr(r->xhdr, r->nxhdr, "Allow"))
		sip_write_allow(b, &r->opts);
	sip_write_agent(s, b, &r->opts);
	sip_write_xhdr(b, r->xhdr, r->nxhdr);
	sip_write_body(b, &r->body);
	return client_send(s, &o);
}

/* What a 200 to OPTIONS says of us, unless the owner says it (RFC 3261 11.2). */
static void options_headers(struct sip *s, const struct tx *t, const struct sip_xhdr *x, int nx)
{
	struct contact c = { .listener = t->path.listener, .local = &t->path.local };

	if (!sip_has_xhdr(x, nx, "Contact"))
		sip_write_contact(s, &s->text, &c);
	if (!sip_has_xhdr(x, nx, "Allow"))
		sip_write_allow(&s->text, NULL);
	if (!sip_has_xhdr(x, nx, "Accept"))
		buf_lit(&s->text, "Accept: application/sdp\r\n");
}

/* NOLINTNEXTLINE(readability-function-size): seven as the contract has it */
enum err sip_respond(struct sip *s, uint64_t tsx, unsigned status, const char *phrase,
		     const struct sip_body *b, const struct sip_xhdr *x, int nx)
{
	struct tx *t = tx_get(s, tsx);

	if (!t)
		return ERR_GONE;
	if (!t->server || !t->more.skel || status < 100 || status > 699 ||
	    (t->user_kind != TX_USER_PLAIN && t->user_kind != TX_USER_INDIALOG))
		return ERR_STATE;
	(void)uas_begin(s, t, status, phrase);	/* into s->text */
	if (t->method == SIP_OPTIONS && status / 100 == 2 && !s->cfg.options_answer_bare)
		options_headers(s, t, x, nx);
	sip_write_xhdr(&s->text, x, nx);
	return uas_send(s, t, status, b);
}

void sip_counts(const struct sip *s, struct sip_counts *c)
{
	*c = s->n;
	c->sessions = s->sessions.live;
	c->transactions = s->txs.live;
	c->subs = s->subs.live;
	c->dialogs = (uint32_t)s->dialogs.count;
	c->flows = s->conns.live;
	c->overload = s->overload.v;
}
