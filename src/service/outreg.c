#include "service/outreg.h"

#include <string.h>

enum {
	TIMEOUT_MS = 8000,
	BACKOFF_MS = 30000, BACKOFF_MAX_MS = 300000, CUT_MS = 1000,
	REST_MAX_MS = 3600000,		/* the longest Retry-After that is believed */
	EXPIRES_MIN_S = 10, EXPIRES_MAX_S = 86400,
	CSEQ_STEP = 4,			/* a request may be repeated twice, each under the next CSeq */
};

/* Owners of our requests; far from those of the monitor. */
static const uint64_t OWNER = 1ull << 62;

struct reg {
	struct outreg *o;
	struct outreg_trunk t;
	int index;
	enum outreg_state state;
	int host;			/* asked, or registered with        */
	uint32_t tried;			/* bits of hosts in this round      */
	unsigned rounds;		/* that failed, in a row            */
	uint32_t expires_s;		/* asked for; 423 raises it         */
	uint32_t cseq, out;		/* its last REGISTER; how many have no final answer */
	bool brief;			/* a 423 was obeyed in this round   */
	char call_id[40];
	char route[OUTREG_ROUTE_MAX];
	struct addr peer;		/* that took it; family NONE: none  */
	net_id flow;
	ms_t bound_at, refresh_at, end_at;	/* of the registration      */
	struct timer timer;
};

struct outreg {
	struct loop *loop;
	struct sip *sip;
	struct reg *reg[OUTREG_TRUNKS];
	int n;
};

typedef void act(struct reg *r, const struct sip_event *ev);

struct outreg *outreg_new(struct loop *l, struct sip *s)
{
	struct outreg *o = mem_new(sizeof *o);

	o->loop = l;
	o->sip = s;
	return o;
}

void outreg_free(struct outreg *o)
{
	if (!o)
		return;
	for (int i = 0; i < o->n; i++) {
		timer_stop(&o->loop->timers, &o->reg[i]->timer);
		mem_free(o->reg[i]);
	}
	mem_free(o);
}

static struct str host_of(const struct reg *r)
{
	return str_of(r->t.dest[r->host].host);
}

/* --- facts --- */

static void log_change(struct reg *r, bool up, const struct reason *why)
{
	char text[500];
	struct buf b;

	buf_init(&b, text, sizeof text);
	reason_write(&b, why);
	log_line(&r->o->loop->log, up ? LOG_INFO : LOG_WARN, "Trunk %.*s is %s: %s",
		 STRF(trunk_name(r->t.trunk)), up ? "registered" : "not registered", buf_z(&b));
}

static void note(struct reg *r, enum trunk_fact_kind kind, int host, const struct reason *why)
{
	struct trunk_fact f = { .kind = kind, .host = host, .why = *why };
	const struct trunk_host *reg = trunk_registration(r->t.trunk);
	enum trunk_state was = reg ? reg->state : TRUNK_UNKNOWN;

	trunk_note(r->t.trunk, r->o->loop->now, r->o->loop->wall, &f);
	if (host < 0 && reg && reg->state != was)
		log_change(r, reg->state == TRUNK_UP, why);
}

static struct reason failure(const struct reg *r, const struct sip_event *ev,
			     struct sip_fail_text *t)
{
	struct reason why = ev->auth ? sip_auth_reason(ev, host_of(r))
				     : sip_fail_reason(ev, host_of(r), t);
	struct buf a;

	if (why.code != REASON_NONE)
		return why;
	buf_init(&a, t->arg[0], sizeof t->arg[0]);
	if (ev->fail != SIP_FAIL_NONE) {
		buf_u64(&a, TIMEOUT_MS);
		return REASON(TRUNK_REG_TIMEOUT, host_of(r), buf_str(&a));
	}
	buf_u64(&a, ev->status);
	return REASON(TRUNK_REG_STATUS, host_of(r), str_of(r->t.aor), buf_str(&a),
		      ev->msg ? ev->msg->phrase : str_of(sip_phrase(ev->status)));
}

/* --- REGISTER --- */

static uint64_t owner_of(const struct reg *r)
{
	return OWNER | (uint64_t)r->index << 8 | (uint64_t)(r->host + 1);
}

static void send_register(struct reg *r, uint32_t expires)
{
	char cseq[32], secs[16], ruri[256];
	struct str user, host;
	struct sip_xhdr x[] = { { STR("Call-ID"), str_of(r->call_id) }, { STR("CSeq"), STR_NONE },
				{ STR("Expires"), STR_NONE }, { STR("Supported"), STR("path") } };
	struct sip_request q = { .owner = owner_of(r), .method = SIP_REGISTER,
				 .dest = r->t.dest[r->host], .opts = r->t.opts,
				 .from_uri = str_of(r->t.aor), .to_uri = str_of(r->t.aor),
				 .contact_user = str_of(r->t.contact_user), .xhdr = x, .nxhdr = 4,
				 .timeout = TIMEOUT_MS };
	struct buf b;

	r->cseq += CSEQ_STEP;
	buf_init(&b, cseq, sizeof cseq);
	buf_fmt(&b, "%u REGISTER", r->cseq);
	x[1].value = buf_str(&b);
	buf_init(&b, secs, sizeof secs);
	buf_u64(&b, expires);
	x[2].value = buf_str(&b);
	buf_init(&b, ruri, sizeof ruri);
	(void)str_cut(str_of(r->t.aor), '@', &user, &host);	/* checked with the configuration */
	buf_fmt(&b, "sip:%.*s", STRF(host));
	q.ruri = buf_str(&b);
	r->out += sip_request(r->o->sip, &q) != 0;	/* full: as if there were no answer, see arm() */
}

static void step(struct reg *r, enum outreg_event e, const struct sip_event *ev);

static void on_timer(void *arg)
{
	step(arg, OUTREG_DUE, NULL);
}

static void arm(struct reg *r, ms_t ms)
{
	timer_start(&r->o->loop->timers, &r->timer, ms, on_timer, r);
}

/* The guard runs while a REGISTER is out: one that could not even be sent is tried again. */
static void ask(struct reg *r)
{
	r->tried |= 1u << r->host;
	arm(r, 5 * (ms_t)TIMEOUT_MS);
	send_register(r, r->expires_s);
}

static int next_host(const struct reg *r)
{
	for (int i = 0; i < r->t.nhosts; i++)
		if (!(r->tried >> i & 1))
			return i;
	return -1;
}

/* --- acts --- */

static void start(struct reg *r, const struct sip_event *ev)
{
	(void)ev;
	r->tried = 0;
	r->brief = false;
	if (r->state == OUTREG_TRYING)		/* a new round begins with the first host */
		r->host = 0;
	ask(r);
}

/* RFC 3261 10.2.4: what was granted stands at our Contact, else in Expires. A registrar behind
 * address translation shows another host than we wrote. */
static uint32_t granted(const struct reg *r, const struct sip_msg *m)
{
	const struct sip_hdr *h = NULL;
	struct sip_nameaddr na;
	uint32_t s = r->expires_s;
	bool exact = false;
	struct str v;

	if (str_u32(str_trim(sip_hdr(m, SIP_H_EXPIRES)), UINT32_MAX, &s) != OK)
		s = r->expires_s;
	while ((h = sip_hdr_each(m, SIP_H_CONTACT, h)) != NULL)
		for (struct str rest = h->value; rest.p;) {
			if (sip_nameaddr_parse(rest, &na, &rest) != OK)
				break;
			v = sip_param(na.params, "expires");
			if (exact || !v.p || !str_is(na.uri.user, r->t.contact_user))
				continue;
			(void)str_u32(v, UINT32_MAX, &s);	/* malformed: as it was */
			exact = str_iis(na.uri.host, r->t.opts.contact_host);
		}
	return s < EXPIRES_MIN_S ? EXPIRES_MIN_S : s > EXPIRES_MAX_S ? EXPIRES_MAX_S : s;
}

/* RFC 3608 5: kept as it is, replaced by each answer. */
static void keep_route(struct reg *r, const struct sip_msg *m)
{
	const struct sip_hdr *h = NULL;
	struct sip_nameaddr na;
	struct buf b;

	buf_init(&b, r->route, sizeof r->route);
	while ((h = sip_hdr_each(m, SIP_H_SERVICE_ROUTE, h)) != NULL)
		for (struct str rest = h->value; rest.p;) {
			if (sip_nameaddr_parse(rest, &na, &rest) != OK || !na.uri.host.n)
				break;
			buf_lit(&b, b.n ? ", <" : "<");
			buf_put(&b, na.uri.raw);
			buf_ch(&b, '>');
		}
	if (!buf_z(&b)[0])
		r->route[0] = 0;	/* none, or more than one would send */
}

static void bound(struct reg *r, const struct sip_event *ev)
{
	uint32_t s = granted(r, ev->msg);
	ms_t full = 1000 * (ms_t)s;
	struct reason why;
	char text[16];
	struct buf b;

	r->rounds = 0;
	r->tried = 0;
	r->brief = false;
	r->peer = ev->peer;
	r->flow = ev->msg->transport == SIP_UDP ? 0 : ev->flow;
	r->bound_at = r->o->loop->now;
	r->end_at = r->bound_at + full;
	keep_route(r, ev->msg);
	buf_init(&b, text, sizeof text);
	buf_u64(&b, s);
	why = REASON(TRUNK_REGISTERED, host_of(r), str_of(r->t.aor), buf_str(&b));
	note(r, TRUNK_FACT_ANSWERED, r->host, &why);
	note(r, TRUNK_FACT_REGISTERED, -1, &why);
	/* At 80 to 85 %: what is left is for hosts that do not answer. */
	full = full * 4 / 5 + rng_below(&r->o->loop->rng, (uint32_t)(full / 20) + 1);
	r->refresh_at = r->bound_at + full;
	arm(r, full);
}

/* Calls may come over that connection alone: another one is made, but a peer that closes each
 * one at once is not asked more often than one that fails. */
static void cut(struct reg *r, const struct sip_event *ev)
{
	ms_t now = r->o->loop->now, at = r->bound_at + BACKOFF_MS;

	(void)ev;
	r->flow = 0;
	if (at < now)
		at = now + rng_below(&r->o->loop->rng, CUT_MS);
	if (at < r->refresh_at)
		arm(r, at - now);
}

static ms_t backoff(struct reg *r)
{
	ms_t most = BACKOFF_MS;

	for (unsigned i = 1; i < r->rounds && most < BACKOFF_MAX_MS; i++)
		most *= 2;
	if (most > BACKOFF_MAX_MS)
		most = BACKOFF_MAX_MS;
	return most / 2 + rng_below(&r->o->loop->rng, (uint32_t)(most / 2));
}

/* No host is left to ask now. */
static void rest(struct reg *r, const struct sip_event *ev, const struct reason *why)
{
	ms_t asked = ev ? 1000 * (ms_t)ev->retry_after_s : 0, own;

	r->rounds++;
	r->state = OUTREG_WAITING;
	own = backoff(r);
	note(r, TRUNK_FACT_REG_FAILED, -1, why);
	arm(r, asked > own && asked <= REST_MAX_MS ? asked : own);
}

static void refused(struct reg *r, const struct sip_event *ev)
{
	struct sip_fail_text text;
	struct reason why = failure(r, ev, &text), alive = REASON(TRUNK_UP, host_of(r));

	if (!ev->auth && ev->fail == SIP_FAIL_NONE)
		note(r, TRUNK_FACT_ANSWERED, r->host, &alive);
	rest(r, ev, &why);
}

static void lost(struct reg *r, const struct sip_event *ev)
{
	struct sip_fail_text text;
	struct reason why = failure(r, ev, &text);
	int next = next_host(r);

	note(r, TRUNK_FACT_FAILED, r->host, &why);
	if (next < 0) {
		rest(r, ev, &why);
		return;
	}
	r->host = next;
	ask(r);
}

/* The guard of ask(): nothing was sent. */
static void unsent(struct reg *r, const struct sip_event *ev)
{
	struct reason why = REASON(INTERNAL, STR("a REGISTER could not be sent"));

	(void)ev;
	rest(r, NULL, &why);
}

/* 423: once more with what it asks for. */
static void longer(struct reg *r, const struct sip_event *ev)
{
	uint32_t min;

	if (r->brief || str_u32(str_trim(sip_hdr(ev->msg, SIP_H_MIN_EXPIRES)), EXPIRES_MAX_S, &min) ||
	    min <= r->expires_s) {
		refused(r, ev);
		return;
	}
	r->brief = true;
	r->expires_s = min;
	ask(r);
}

static void stop(struct reg *r, const struct sip_event *ev)
{
	(void)ev;
	timer_stop(&r->o->loop->timers, &r->timer);
	if (r->peer.family != ADDR_NONE)
		send_register(r, 0);
	r->peer.family = ADDR_NONE;
	r->route[0] = 0;
}

#define X(state, fn) { OUTREG_##state, fn, true }
#define S(state) { OUTREG_##state, NULL, true }

/* Columns: OK, 423, refused, lost | due, cut, stop */
#define ROW(a1, a2, a3, a4, t1, t2, t3) { \
	[OUTREG_GOT_OK] = a1, [OUTREG_GOT_BRIEF] = a2, [OUTREG_REFUSED] = a3, [OUTREG_LOST] = a4, \
	[OUTREG_DUE] = t1, [OUTREG_CUT] = t2, [OUTREG_STOP] = t3 }

struct cell {
	uint8_t next;
	act *fn;
	bool decided;
};

/* While REFRESHING the registration still holds: the other hosts are asked meanwhile. */
static const struct cell table[OUTREG_NSTATE][OUTREG_NEVENT] = {
 [OUTREG_OFF] = ROW(S(OFF), S(OFF), S(OFF), S(OFF), S(OFF), S(OFF), S(OFF)),
 [OUTREG_TRYING] = ROW(X(BOUND, bound), X(TRYING, longer), X(TRYING, refused), X(TRYING, lost),
	X(TRYING, unsent), S(TRYING), X(OFF, stop)),
 [OUTREG_BOUND] = ROW(S(BOUND), S(BOUND), S(BOUND), S(BOUND),
	X(REFRESHING, start), X(BOUND, cut), X(OFF, stop)),
 [OUTREG_REFRESHING] = ROW(X(BOUND, bound), X(REFRESHING, longer), X(REFRESHING, refused),
	X(REFRESHING, lost), X(REFRESHING, unsent), S(REFRESHING), X(OFF, stop)),
 [OUTREG_WAITING] = ROW(S(WAITING), S(WAITING), S(WAITING), S(WAITING),
	X(TRYING, start), S(WAITING), X(OFF, stop)),
};

bool outreg_decided(enum outreg_state s, enum outreg_event e)
{
	return table[s][e].decided;
}

static void step(struct reg *r, enum outreg_event e, const struct sip_event *ev)
{
	enum outreg_state was = r->state;

	/* An act that finds no host goes on to WAITING by itself. */
	r->state = (enum outreg_state)table[was][e].next;
	if (table[was][e].fn)
		table[was][e].fn(r, ev);
}

/* --- inputs --- */

void outreg_add(struct outreg *o, int index, const struct outreg_trunk *t)
{
	struct reg *r;

	if (o->n == OUTREG_TRUNKS || !t->nhosts)
		return;
	r = mem_new(sizeof *r);
	o->reg[o->n++] = r;
	r->o = o;
	r->t = *t;
	r->index = index;
	r->expires_s = t->expires_s;
	r->cseq = 1 + rng_below(&o->loop->rng, 1000);
	rng_hex(&o->loop->rng, r->call_id, 16);
	r->state = OUTREG_TRYING;
	start(r, NULL);
}

static struct reg *of(const struct outreg *o, int index)
{
	for (int i = 0; o && i < o->n; i++)
		if (o->reg[i]->index == index)
			return o->reg[i];
	return NULL;
}

static enum outreg_event event_of(const struct sip_event *ev)
{
	if (ev->fail != SIP_FAIL_NONE || ev->status == 408 || ev->status / 100 == 5)
		return OUTREG_LOST;
	if (ev->status / 100 == 2)
		return OUTREG_GOT_OK;
	return ev->status == 423 && ev->msg ? OUTREG_GOT_BRIEF : OUTREG_REFUSED;
}

bool outreg_on_response(struct outreg *o, const struct sip_event *ev)
{
	struct reg *r;

	if (!(ev->owner & OWNER))
		return false;
	r = of(o, (int)((ev->owner & ~OWNER) >> 8));
	if (r && r->out)
		r->out--;
	/* An answer of a host given up meanwhile changes nothing. */
	if (r && ev->owner == owner_of(r))
		step(r, event_of(ev), ev);
	return true;
}

void outreg_on_flow(struct outreg *o, net_id closed)
{
	for (int i = 0; i < o->n; i++)
		if (closed && o->reg[i]->flow == closed)
			step(o->reg[i], OUTREG_CUT, NULL);
}

void outreg_stop(struct outreg *o)
{
	for (int i = 0; i < o->n; i++)
		step(o->reg[i], OUTREG_STOP, NULL);
}

bool outreg_waits(const struct outreg *o)
{
	for (int i = 0; i < o->n; i++)
		if (o->reg[i]->out)
			return true;
	return false;
}

/* --- looking --- */

/* A refresh that failed does not end what was granted before. */
static bool holds(const struct reg *r)
{
	return r->peer.family != ADDR_NONE && r->o->loop->now < r->end_at;
}

struct str outreg_route(const struct outreg *o, int index)
{
	const struct reg *r = of(o, index);

	return r && r->route[0] && holds(r) ? str_of(r->route) : STR_NONE;
}

bool outreg_is_peer(const struct outreg *o, int index, const struct addr *a)
{
	const struct reg *r = of(o, index);

	return r && holds(r) && addr_same_ip(&r->peer, a);
}

struct str outreg_contact_user(const struct outreg *o, int index)
{
	const struct reg *r = of(o, index);

	return r ? str_of(r->t.contact_user) : STR_NONE;
}

enum outreg_state outreg_state(const struct outreg *o, int index)
{
	const struct reg *r = of(o, index);

	return r ? r->state : OUTREG_OFF;
}
