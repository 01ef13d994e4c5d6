#include <string.h>

#include "call/route_int.h"

const char *route_kind_str(enum route_kind k)
{
	static const char *const name[ROUTE_NKIND] = {
		[ROUTE_PHONE] = "phone", [ROUTE_ENDPOINT] = "trunk endpoint",
		[ROUTE_REMOTE] = "remote destination", [ROUTE_TRUNK] = "trunk",
	};

	return name[k];
}

struct route *route_new(const struct route_config *c)
{
	struct route *r = mem_new(sizeof *r);

	r->cfg = *c;
	route_fill_peers(r);
	return r;
}

void route_free(struct route *r)
{
	mem_free(r);
}

/* --- who calls? --------------------------------------------------------------------- */

static bool from_host(const struct config_trunk *t, const struct addr *src)
{
	struct addr a;

	for (int i = 0; i < t->nfrom; i++)
		if (addr_in(src, &t->from[i].net, t->from[i].bits))
			return true;
	for (int i = 0; i < t->nhosts && !t->nfrom; i++)
		if (addr_parse_ip(t->host[i].host, &a) == OK && addr_same_ip(&a, src))
			return true;
	return false;
}

/* Direct Routing: whoever passed the listener's TLS rules is Microsoft; the trunk is the one
 * whose FQDN the Request-URI names, or the only one. */
static bool teams_asks_for(const struct config_trunk *t, const struct sip_msg *m, int alone)
{
	return alone || !t->fqdn.n || str_ieq(t->fqdn, m->uri.host);
}

int route_trunk_of(const struct route *r, const struct sip_msg *m)
{
	const struct config *c = r->cfg.config;
	int teams = 0;

	for (int i = 0; i < c->ntrunks; i++)
		teams += (uint32_t)c->trunk[i].listener == m->listener;
	for (int i = 0; i < c->ntrunks; i++) {
		const struct config_trunk *t = &c->trunk[i];
		const struct trunk_profile *p = trunk_profile(t->profile);

		if ((uint32_t)t->listener != m->listener || !p)
			continue;
		if (p->teams ? teams_asks_for(t, m, teams == 1)
			     : from_host(t, &m->src) || outreg_is_peer(r->cfg.outreg, i, &m->src))
			return i;
	}
	return -1;
}

bool route_trusts(const struct route *r, uint32_t listener, const struct addr *src)
{
	const struct config *c = r->cfg.config;

	for (int i = 0; i < c->ntrunks; i++)
		if ((uint32_t)c->trunk[i].listener == listener &&
		    (from_host(&c->trunk[i], src) || outreg_is_peer(r->cfg.outreg, i, src)))
			return true;
	return false;
}

static void from_trunk(struct route *r, int i, const struct sip_event *ev, struct arena *a,
		       struct route_caller *who)
{
	const struct config_trunk *t = &r->cfg.config->trunk[i];
	const struct trunk_profile *p = trunk_profile(t->profile);
	struct dir_identity id = { 0 };
	struct reason why;

	*who = (struct route_caller){ .trunk = (uint32_t)i, .name = t->name, .css = t->css,
				      .is_teams = p->teams, .ring_by = p->ring_by_ms,
				      .inband = t->inband, .max_calls = t->max_calls,
				      .registered_as = outreg_contact_user(r->cfg.outreg, i),
				      .peer = &r->trunk_peer[i] };
	identity_read(ev->msg, &r->trunk_identity[i], a, &who->id);
	who->number = who->id.number;
	who->display = who->id.display;
	directory_identify_number(*r->cfg.directory, who->number, t->trusted_identity, &id, &why);
	if (!id.user.n)
		return;
	who->user = str_dup(a, id.user);
	who->number = str_dup(a, id.number);
	who->display = str_dup(a, id.display);
	who->remote = str_dup(a, id.remote);
}

static void from_phone(struct route *r, const struct dir_phone *p, const struct sip_event *ev,
		       struct arena *a, struct route_caller *who)
{
	const struct dir_line *line = directory_line_of_phone(*r->cfg.directory, p->name);
	struct dir_identity id = { 0 };

	*who = (struct route_caller){ .phone = true, .trunk = ROUTE_NO_TRUNK,
				      .name = str_dup(a, p->name),
				      .peer = &r->phone_peer[ev->msg->listener] };
	directory_identify_phone(*r->cfg.directory, p->name, &id);
	who->user = str_dup(a, id.user.n ? id.user : p->user);
	who->number = str_dup(a, id.number.n ? id.number : p->auth_user);
	who->display = str_dup(a, id.display);
	who->css = str_dup(a, p->css.n ? p->css : line ? line->css : STR_NONE);
}

/* RFC 7989: the caller's own, or one made here. */
static void session_id(struct route *r, const struct sip_msg *m, struct arena *a,
		       struct route_caller *who)
{
	struct str id, rest, v = sip_hdr(m, SIP_H_SESSION_ID);
	char hex[33];

	(void)str_cut(v, ';', &id, &rest);
	id = str_trim(id);
	if (id.n != 32) {
		rng_hex(&r->cfg.loop->rng, hex, 16);
		id = (struct str){ hex, 32 };
	}
	who->session_id = str_dup(a, id);
}

enum { FORWARDS = 70, BREADTH = 60 };	/* RFC 3261 8.1.1.6, RFC 5393 5.3.3 */

/* What bounds loops across systems that are no proxies either (RFC 7332). false: used up. */
static bool bounds(const struct sip_msg *m, struct arena *a, struct route_caller *who,
		   unsigned *status, struct reason *why)
{
	struct str b = str_trim(sip_hdr(m, SIP_H_MAX_BREADTH));
	uint32_t left = m->max_forwards == UINT32_MAX ? FORWARDS : m->max_forwards;

	who->received = str_dup(a, m->uri.user);
	who->breadth = BREADTH;
	if (b.p && str_u32(b, BREADTH, &who->breadth) == ERR_RANGE)
		who->breadth = BREADTH;
	who->max_forwards = left ? left - 1 : 0;
	if (!who->max_forwards) {
		*status = 483;
		*why = REASON(MAX_FORWARDS);
	} else if (!who->breadth) {
		*status = 440;
		*why = REASON(LIMIT_BREADTH, STR("1"), STR("0"));
	}
	return who->max_forwards && who->breadth;
}

/* NOLINTNEXTLINE(readability-function-size): see route.h */
enum route_who route_identify(struct route *r, const struct sip_event *ev, struct arena *a,
			      struct route_caller *who, unsigned *status, struct sip_xhdr x[2],
			      struct reason *why)
{
	const struct sip_msg *m = ev->msg;
	const struct config *c = r->cfg.config;
	const struct dir_phone *phone;
	int i = route_trunk_of(r, m);
	char text[ADDR_TEXT];

	if (i >= 0 && c->trunk[i].enabled) {
		from_trunk(r, i, ev, a, who);
		session_id(r, m, a, who);
		return bounds(m, a, who, status, why) ? ROUTE_WHO_TRUNK : ROUTE_WHO_REFUSE;
	}
	*status = 403;
	*why = i >= 0 ? REASON(TRUNK_DISABLED, c->trunk[i].name)
		      : REASON(PEER_UNKNOWN, str_dup(a, str_of(addr_text(&m->src, text))));
	if (m->listener >= (uint32_t)c->nlisteners ||
	    c->zone[c->listener[m->listener].zone].kind != ZONE_PHONES)
		return ROUTE_WHO_REFUSE;
	switch (registrar_who(r->cfg.registrar, m, a, &phone, x)) {
	case REGISTRAR_OK:
		from_phone(r, phone, ev, a, who);
		session_id(r, m, a, who);
		return bounds(m, a, who, status, why) ? ROUTE_WHO_PHONE : ROUTE_WHO_REFUSE;
	case REGISTRAR_CHALLENGE:
		*status = 401;
		return ROUTE_WHO_CHALLENGE;
	case REGISTRAR_REFUSE:
		*status = 400;
		break;
	}
	return ROUTE_WHO_REFUSE;
}

/* --- who rings? ------------------------------------------------------------------------ */

static struct str fmt(struct arena *a, const char *f, ...) __attribute__((format(printf, 2, 3)));

static struct str fmt(struct arena *a, const char *f, ...)
{
	char text[512];
	struct buf b;
	va_list ap;

	buf_init(&b, text, sizeof text);
	va_start(ap, f);
	buf_vfmt(&b, f, ap);
	va_end(ap);
	return str_dup(a, buf_str(&b));
}

static void note(struct route_plan *p, struct arena *a, const struct reason *why)
{
	if (p->nnote < ROUTE_REASONS_MAX)
		p->note[p->nnote++] = reason_keep(a, why);
}

static bool all_digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > 0;
}

/* The number as this trunk wants it: +E.164 where the profile says so. A line's own E.164 number stands for its
 * extension. `own`: the line that it is of, where that is known: the number may stand in two partitions. */
static struct str number_for(const struct route *r, const struct trunk_profile *p, struct str number,
			     const struct dir_line *own, struct arena *a)
{
	const struct dir_line *l = own && str_eq(own->number, number) ? own : NULL;

	if (!p->plus_e164 || (number.n && number.p[0] == '+'))
		return number;
	if (!l)
		l = directory_line_by_number(*r->cfg.directory, number);
	if (l && l->e164.n)
		return l->e164;
	return all_digits(number) && number.n >= 7 ? fmt(a, "+%.*s", STRF(number)) : number;
}

/* As a URI's user part may have it (RFC 3261 19.1.2). */
static struct str escaped(struct str plain, void (*how)(struct buf *, struct str), struct arena *a)
{
	char text[160];
	struct buf b;

	buf_init(&b, text, sizeof text);
	how(&b, plain);
	return str_dup(a, buf_str(&b));
}

static const struct dir_line *line_of(const struct route *r, const struct route_caller *who)
{
	return who->phone ? directory_line_of_phone(*r->cfg.directory, who->name) : NULL;
}

static void set_uris(const struct route *r, struct route_branch *b, const struct route_caller *who,
		     struct arena *a)
{
	const struct config_trunk *t = &r->cfg.config->trunk[b->trunk];
	const struct trunk_profile *p = trunk_profile(t->profile);
	const char *tp = b->dest.transport == SIP_TLS ? ";transport=tls"
		       : b->dest.transport == SIP_TCP ? ";transport=tcp" : "";
	char text[ADDR_TEXT], at[sizeof b->dest.host + 2], port[8] = "";
	struct str host = t->fqdn.n ? t->fqdn : route_adv_host(r, t->listener, text);
	struct str to = number_for(r, p, b->number, NULL, a), from = number_for(r, p, who->number, line_of(r, who), a);
	const char *phone = p->plus_e164 ? ";user=phone" : "";
	struct buf n;

	buf_init(&n, port, sizeof port);
	if (b->dest.port)
		buf_fmt(&n, ":%u", b->dest.port);
	(void)buf_z(&n);
	to = escaped(to, sip_user_escaped, a);
	from = escaped(from, sip_number_escaped, a);
	buf_init(&n, at, sizeof at);
	sip_write_host(&n, str_of(b->dest.host));
	b->ruri = fmt(a, "sip:%.*s@%.*s%s%s%s", STRF(to), STRF(buf_str(&n)), port, phone, tp);
	b->to_uri = fmt(a, "sip:%.*s@%.*s%s", STRF(to), STRF(buf_str(&n)), phone);
	if (who->id.hidden || !from.n) {	/* RFC 3323 4.1.1.3 */
		b->from_uri = STR("sip:anonymous@anonymous.invalid");
		b->from_name = STR("Anonymous");
		b->contact_user = STR_NONE;
		return;
	}
	b->from_uri = fmt(a, "sip:%.*s@%.*s%s", STRF(from), STRF(host), phone);
	b->from_name = who->display;
	b->contact_user = from;
}

struct wants { const struct route *r; const struct trunk_profile *p; const struct dir_line *own; };

static struct str wanted_number(void *ctx, struct str number, struct arena *a)
{
	const struct wants *w = ctx;

	return number_for(w->r, w->p, number, w->own, a);
}

/* The caller, and who forwarded, as this trunk's profile has it. */
static void add_identity(const struct route *r, struct route_branch *b,
			 const struct route_caller *who, struct arena *a)
{
	const struct config_trunk *t = &r->cfg.config->trunk[b->trunk];
	const struct trunk_profile *p = trunk_profile(t->profile);
	struct wants w = { r, p, line_of(r, who) };
	char text[ADDR_TEXT];
	struct identity_peer peer = {
		.host = t->fqdn.n ? t->fqdn : route_adv_host(r, t->listener, text),
		.user_phone = p->plus_e164, .number = wanted_number, .ctx = &w };
	struct identity id = who->id;
	struct sip_xhdr *x = arena_array(a, IDENTITY_HEADERS + 1, sizeof *x);	/* 1: Max-Breadth */

	id.number = who->number;
	id.display = who->display;
	if (!x)
		return;
	b->xhdr = x;
	b->nxhdr = identity_write(&id, &r->trunk_identity[b->trunk], &peer, a, x);
}

static bool use_host(const struct route *r, struct route_branch *b, uint32_t skip,
		     const struct route_caller *who, struct arena *a, struct reason *why)
{
	int h = trunk_pick(r->cfg.trunk[b->trunk], r->cfg.loop->now, skip, why);

	if (h < 0)
		return false;
	b->host = (uint32_t)h;
	b->tried = skip | 1u << h;
	route_trunk_dest(r, (int)b->trunk, h, &b->dest);
	set_uris(r, b, who, a);
	return true;
}

static struct route_branch *add_branch(struct route_plan *p, const struct dir_target *t,
				       const struct route_caller *who, struct arena *a)
{
	static const enum route_kind kind[] = { [DIR_PHONE] = ROUTE_PHONE,
		[DIR_ENDPOINT] = ROUTE_ENDPOINT, [DIR_REMOTE] = ROUTE_REMOTE,
		[DIR_TRUNK] = ROUTE_TRUNK };
	struct route_branch *b;

	if (p->n == FORK_MAX)
		return NULL;
	b = &p->b[p->n];
	*b = (struct route_branch){ .kind = kind[t->kind], .name = str_dup(a, t->name),
				    .number = str_dup(a, t->number),
				    .timing = { t->delay_ms, t->too_soon_ms, t->too_late_ms },
				    .trunk = ROUTE_NO_TRUNK, .session_id = who->session_id };
	return b;
}

static void add_phone(struct route *r, const struct dir_target *t, const struct route_caller *who,
		      struct arena *a, struct route_plan *p)
{
	struct registrar_contact c[REG_CONTACTS_MAX];
	int n = registrar_contacts(r->cfg.registrar, t->name, c, REG_CONTACTS_MAX);
	char text[ADDR_TEXT];

	for (int i = 0; i < n; i++) {
		struct route_branch *b = add_branch(p, t, who, a);
		int l = (int)c[i].dest.listener;
		struct str host = route_adv_host(r, l, text);
		bool hidden = who->id.hidden || !who->number.n;

		if (!b)
			return;
		b->dest = c[i].dest;
		b->peer = &r->phone_peer[l];
		b->number = p->dialled;
		b->ruri = str_dup(a, str_of(c[i].uri));
		b->route = c[i].path[0] ? str_dup(a, str_of(c[i].path)) : STR_NONE;
		b->to_uri = fmt(a, "sip:%.*s@%.*s", STRF(escaped(p->dialled, sip_user_escaped, a)), STRF(host));
		b->contact_user = hidden ? STR_NONE : escaped(who->number, sip_number_escaped, a);
		b->from_uri = fmt(a, "sip:%.*s@%.*s", STRF(hidden ? STR("anonymous") : b->contact_user), STRF(host));
		b->from_name = hidden ? STR("Anonymous") : who->display;
		p->n++;
	}
}

static bool over_trunk(struct route *r, const struct dir_target *t, int trunk,
		       const struct route_caller *who, struct arena *a, struct route_plan *p)
{
	static const enum route_elsewhere say[] = {
		[CONFIG_ELSEWHERE_ALWAYS] = ROUTE_ELSEWHERE_ALWAYS,
		[CONFIG_ELSEWHERE_PASS] = ROUTE_ELSEWHERE_PASS,
		[CONFIG_ELSEWHERE_NEVER] = ROUTE_ELSEWHERE_NEVER };
	const struct config_trunk *ct = &r->cfg.config->trunk[trunk];
	const struct trunk_profile *prof = trunk_profile(ct->profile);
	struct route_branch *b = add_branch(p, t, who, a);
	struct reason why = REASON(TRUNK_DISABLED, ct->name);

	if (!b)
		return true;
	b->trunk = (uint32_t)trunk;
	b->trunk_name = ct->name;
	b->max_calls = ct->max_calls;
	b->elsewhere = say[ct->elsewhere];
	b->peer = &r->trunk_peer[trunk];
	b->route = str_dup(a, outreg_route(r->cfg.outreg, trunk));
	b->first_response = ct->first_response_ms ? ct->first_response_ms : prof->first_response_ms;
	if (ct->enabled && use_host(r, b, 0, who, a, &why)) {
		add_identity(r, b, who, a);
		p->n++;
		return true;
	}
	note(p, a, &why);
	return false;
}

static bool is_down(struct route *r, const struct dir_target *t, int trunk, struct arena *a, struct route_plan *p)
{
	struct reason why;

	if (t->ntrunks < 2 || trunk_verdict(r->cfg.trunk[trunk]) != TRUNK_DOWN)
		return false;
	why = trunk_why(r->cfg.trunk[trunk]);
	note(p, a, &why);
	return true;
}

/* The first of its trunks that can be used; one that is down only for want of a better one. */
static void add_trunk(struct route *r, const struct dir_target *t, const struct route_caller *who,
		      struct arena *a, struct route_plan *p)
{
	uint32_t down = 0;

	for (int i = 0; i < t->ntrunks; i++) {
		int k = config_trunk_find(r->cfg.config, t->trunk[i]);

		if (k >= 0 && is_down(r, t, k, a, p))
			down |= 1u << i;
		else if (k >= 0 && over_trunk(r, t, k, who, a, p))
			return;
	}
	for (int i = 0; i < t->ntrunks; i++)
		if (down >> i & 1 && over_trunk(r, t, config_trunk_find(r->cfg.config, t->trunk[i]), who, a, p))
			return;
}

static int registered(void *ctx, struct str phone)
{
	struct route *r = ctx;

	return registrar_count(r->cfg.registrar, phone);
}

static void take_plan(const struct dir_plan *d, struct arena *a, struct route_plan *p)
{
	p->no_answer = d->no_answer_ms;
	p->forward_to = str_dup(a, d->forward_to);
	p->forward_busy = str_dup(a, d->forward_busy);
	p->forward_css = str_dup(a, d->forward_css);
	p->emergency = d->emergency;
	p->status = d->status;
	p->why = reason_keep(a, &d->why);
	for (int i = 0; i < d->nnotes; i++)
		note(p, a, &d->note[i]);
	if (!d->line)
		return;
	p->line = str_dup(a, d->line->number);
	p->line_name = str_dup(a, d->line->display);
	p->line_user = str_dup(a, d->line->user);
}

/* RFC 5876 4.5: who is being reached, as the caller knows the line. */
static void set_identity(const struct route *r, const struct route_caller *who, const struct dir_line *called,
			 struct arena *a, struct route_plan *p)
{
	const struct config_trunk *t = who->trunk == ROUTE_NO_TRUNK ? NULL
				     : &r->cfg.config->trunk[who->trunk];
	struct identity_opts o = { .shown = IDENTITY_PAI };
	struct wants w = { r, t ? trunk_profile(t->profile) : NULL, called };
	struct identity_peer peer = { .ctx = &w };
	char text[ADDR_TEXT];
	int listener;

	if (!p->line.n || !who->peer)	/* a question of `dial` has no peer */
		return;
	listener = t ? t->listener : (int)(who->peer - r->phone_peer);
	peer.host = t && t->fqdn.n ? t->fqdn : route_adv_host(r, listener, text);
	if (w.p) {
		peer.number = wanted_number;
		peer.user_phone = w.p->plus_e164;
		if (r->trunk_identity[who->trunk].shown)
			o = r->trunk_identity[who->trunk];
	}
	p->nidentity = identity_write_called(p->line, p->line_name, &o, &peer, a, p->identity);
}

/* RFC 5393 5.3: what rings at a time shares the breadth; a trunk may fork again. */
static void share_breadth(const struct route_caller *who, struct arena *a, struct route_plan *p)
{
	uint32_t n = (uint32_t)p->n;

	if (!who->breadth || !n)
		return;
	if (n > who->breadth) {
		p->n = 0;
		p->status = 440;
		p->forward_to = STR_NONE;
		p->why = REASON(LIMIT_BREADTH, fmt(a, "%u", n), fmt(a, "%u", who->breadth));
		note(p, a, &p->why);
		return;
	}
	for (uint32_t i = 0; i < n; i++) {
		struct route_branch *b = &p->b[i];
		uint32_t share = who->breadth / n + (i < who->breadth % n);

		if (b->trunk != ROUTE_NO_TRUNK && b->xhdr)
			b->xhdr[b->nxhdr++] = (struct sip_xhdr){ STR("Max-Breadth"), fmt(a, "%u", share) };
	}
}

/* From the workplace into the arena of the call. A full arena: nobody rings. */
static void keep(struct arena *a, struct route_plan *p)
{
	struct route_branch *b = arena_array(a, (size_t)p->n, sizeof *b);
	struct reason *n = arena_array(a, (size_t)p->nnote, sizeof *n);

	if (!b || !n) {
		p->n = p->nnote = 0;
		p->forward_to = STR_NONE;
		p->status = 482;
		p->why = REASON(LIMIT_HOPS, STR("too often"));
		return;
	}
	memcpy(b, p->b, sizeof *b * (size_t)p->n);
	memcpy(n, p->note, sizeof *n * (size_t)p->nnote);
	p->b = b;
	p->note = n;
}

void route_plan(struct route *r, const struct route_caller *who, struct str number, int hops,
		struct arena *a, struct route_plan *p)
{
	struct dir_query q = { .number = number, .css = who->css, .caller_remote = who->remote,
			       .caller_user = who->user, .hops = hops, .registered = registered,
			       .ctx = r };
	struct dir_plan *d = mem_new(sizeof *d);

	*p = (struct route_plan){ .dialled = number, .b = r->branch, .note = r->note };
	directory_plan(*r->cfg.directory, &q, a, d);
	take_plan(d, a, p);
	set_identity(r, who, d->line, a, p);
	for (int i = 0; i < d->n; i++)
		if (d->t[i].kind == DIR_PHONE)
			add_phone(r, &d->t[i], who, a, p);
		else
			add_trunk(r, &d->t[i], who, a, p);
	if (d->n && !p->n) {		/* destinations, but none can be reached now */
		p->status = 480;
		p->why = p->nnote ? p->note[p->nnote - 1] : REASON(NO_ANSWER, STR("0"));
	}
	share_breadth(who, a, p);
	keep(a, p);
	mem_free(d);
}

bool route_is_emergency(const struct route *r, struct str number)
{
	return number.n && directory_is_emergency(*r->cfg.directory, number);
}

/* --- hosts ------------------------------------------------------------------------------ */

bool route_next_host(struct route *r, struct route_branch *b, const struct route_caller *who,
		     const struct leg_event *failed, struct arena *a)
{
	struct trunk_fact f = { .kind = failed->fail == SIP_FAIL_TIMEOUT ? TRUNK_FACT_INVITE_FAILED
					: failed->fail != SIP_FAIL_NONE ? TRUNK_FACT_FAILED
					: TRUNK_FACT_503,
				.host = (int)b->host, .why = failed->reason,
				.retry_after_ms = failed->retry_after_s * 1000ull };
	struct reason why;

	if (b->trunk == ROUTE_NO_TRUNK)
		return false;
	trunk_report(r->cfg.trunk[b->trunk], &r->cfg.loop->log, r->cfg.loop->now, r->cfg.loop->wall, &f);
	return use_host(r, b, b->tried, who, a, &why);
}

bool route_closes_on_503(const struct route *r, const struct route_branch *b)
{
	return b->trunk != ROUTE_NO_TRUNK && trunk_profile_of(r->cfg.trunk[b->trunk])->close_on_503;
}

void route_host_alive(struct route *r, const struct route_branch *b)
{
	struct trunk *t = b->trunk == ROUTE_NO_TRUNK ? NULL : r->cfg.trunk[b->trunk];
	const struct trunk_host *h = t ? trunk_host_at(t, (int)b->host) : NULL;
	struct trunk_fact f = { .kind = TRUNK_FACT_ANSWERED, .host = (int)b->host,
				.why = REASON(TRUNK_ALIVE, str_of(b->dest.host)) };

	/* No news of one that is up: what OPTIONS said of it says more. One that rests asked for it. */
	if (h && h->rest_until <= r->cfg.loop->now && (h->state != TRUNK_UP || h->failures))
		trunk_report(t, &r->cfg.loop->log, r->cfg.loop->now, r->cfg.loop->wall, &f);
}
