#include "service/registrar.h"

#include <string.h>

#include "io/crypto.h"
#include "service/registrar_int.h"
#include "service/spread.h"
#include "sip/lockout.h"

struct registrar {
	struct registrar_config cfg;
	struct auth *auth;
	struct hash tab, flows, sources;
	struct hash_seed seed;
	struct lockout lockout;
	uint32_t granted;		/* so far: the turn of the next */
};

static uint64_t key(const struct registrar *r, struct str phone)
{
	return hash_bytes(&r->seed, phone.p, phone.n);
}

struct registrar *registrar_new(const struct registrar_config *c)
{
	struct registrar *r = mem_new(sizeof *r);

	r->cfg = *c;
	r->auth = auth_new(&c->loop->rng);
	r->seed = rng_hash_seed(&c->loop->rng);
	hash_init(&r->tab);
	hash_init(&r->flows);
	hash_init(&r->sources);
	lockout_init(&r->lockout, &r->seed);
	return r;
}

static const char *text_of(const struct binding *b, enum binding_text which)
{
	const char *p = b->text;

	for (int i = 0; i < (int)which; i++)
		p += strlen(p) + 1;
	return p;
}

/* A registration lives for an hour and there are many: the texts are kept as long as they are.
 * A refresh changes none of them as a rule. */
static void keep_texts(struct binding *b, const struct reg_row *row)
{
	const char *const t[BINDING_NTEXT] = {
		[BINDING_PHONE] = row->phone, [BINDING_CONTACT] = row->contact, [BINDING_CALL_ID] = row->call_id,
		[BINDING_AGENT] = row->user_agent, [BINDING_INSTANCE] = row->instance, [BINDING_PATH] = row->path,
	};
	char all[sizeof *row];
	size_t n = 0;

	for (int i = 0; i < BINDING_NTEXT; i++) {
		size_t k = strlen(t[i]) + 1;

		memcpy(all + n, t[i], k);
		n += k;
	}
	if (b->text && n == b->text_n && memcmp(all, b->text, n) == 0)
		return;
	mem_free(b->text);
	b->text = mem_dup(all, n);
	b->text_n = (uint32_t)n;
}

static const char *transport_str(enum sip_transport t)
{
	return t == SIP_TLS ? "tls" : t == SIP_TCP ? "tcp" : "udp";
}

#define SET(field, which) (void)str_copy((field), sizeof(field), str_of(which))

/* The binding as it is stored. */
static void row_of(const struct binding *b, struct reg_row *row)
{
	char text[ADDR_TEXT];

	*row = (struct reg_row){ .cseq = b->cseq, .since_wall = b->since, .expires_wall = b->expires };
	SET(row->phone, text_of(b, BINDING_PHONE));
	SET(row->contact, text_of(b, BINDING_CONTACT));
	SET(row->call_id, text_of(b, BINDING_CALL_ID));
	SET(row->user_agent, text_of(b, BINDING_AGENT));
	SET(row->instance, text_of(b, BINDING_INSTANCE));
	SET(row->path, text_of(b, BINDING_PATH));
	SET(row->source, addr_text(&b->source, text));
	SET(row->transport, transport_str(b->transport));
	SET(row->listener, b->reg->cfg.listener_name(b->reg->cfg.ctx, b->listener));
}

static uint64_t flow_key(const struct registrar *r, net_id flow)
{
	return hash_bytes(&r->seed, &flow, sizeof flow);
}

/* Where a phone was heard, and as whom: many may share an address. */
static uint64_t source_key(const struct registrar *r, const struct addr *source, struct str user)
{
	return hash_bytes(&r->seed, source->ip, sizeof source->ip) + hash_bytes(&r->seed, user.p, user.n);
}

/* Of the source that is set. */
static void set_flow(struct binding *b, net_id flow)
{
	struct registrar *r = b->reg;
	struct sip_uri own = { 0 };

	if (b->flow) {
		hash_remove(&r->flows, &b->by_flow);
		hash_remove(&r->sources, &b->by_source);
	}
	b->flow = flow;
	if (!flow)
		return;
	hash_add(&r->flows, &b->by_flow, flow_key(r, flow));
	(void)sip_uri_parse(str_of(text_of(b, BINDING_CONTACT)), &own);	/* else nobody asks for it */
	hash_add(&r->sources, &b->by_source, source_key(r, &b->source, own.user));
}

static void drop(struct binding *b, bool forget)
{
	struct registrar *r = b->reg;
	struct reg_row row;

	if (forget && r->cfg.store) {
		row_of(b, &row);
		store_reg_delete(r->cfg.store, &row);
	}
	timer_stop(&r->cfg.loop->timers, &b->expiry);
	set_flow(b, 0);
	hash_remove(&r->tab, &b->node);
	mem_free(b->text);
	mem_free(b);
}

void registrar_free(struct registrar *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->tab.nbucket; i++)
		while (r->tab.bucket[i])
			drop(HASH_ENTRY(r->tab.bucket[i], struct binding, node), false);
	hash_close(&r->tab);
	hash_close(&r->flows);
	hash_close(&r->sources);
	lockout_close(&r->lockout);
	auth_free(r->auth);
	mem_free(r);
}

/* --- bindings ------------------------------------------------------------------- */

static struct binding *next_of(struct registrar *r, struct str phone, struct binding *prev)
{
	struct hash_node *n = prev ? hash_next(&prev->node) : hash_first(&r->tab, key(r, phone));

	for (; n; n = hash_next(n)) {
		struct binding *b = HASH_ENTRY(n, struct binding, node);

		if (str_eq(str_of(text_of(b, BINDING_PHONE)), phone))
			return b;
	}
	return NULL;
}

static struct binding *find(struct registrar *r, struct str phone, struct str contact)
{
	for (struct binding *b = next_of(r, phone, NULL); b; b = next_of(r, phone, b))
		if (str_eq(str_of(text_of(b, BINDING_CONTACT)), contact))
			return b;
	return NULL;
}

int registrar_count(struct registrar *r, struct str phone)
{
	int n = 0;

	for (struct binding *b = next_of(r, phone, NULL); b; b = next_of(r, phone, b))
		n++;
	return n;
}

uint32_t registrar_total(const struct registrar *r)
{
	return (uint32_t)r->tab.count;
}

static void on_expiry(void *arg)
{
	drop(arg, true);
}

static void arm(struct binding *b)
{
	struct loop *l = b->reg->cfg.loop;
	wall_t left = b->expires - l->wall, most = (wall_t)b->reg->cfg.max_s * 1000;

	if (left > most)	/* the clock was right then, and is not yet now */
		left = most;
	timer_start(&l->timers, &b->expiry, left > 0 ? (ms_t)left : 0, on_expiry, b);
}

/* Of row's phone and contact. */
static struct binding *add(struct registrar *r, const struct reg_row *row)
{
	struct binding *b = mem_new(sizeof *b);

	b->reg = r;
	keep_texts(b, row);
	b->since = r->cfg.loop->wall;
	hash_add(&r->tab, &b->node, key(r, str_of(row->phone)));
	return b;
}

static enum sip_transport transport_of(const char *name)
{
	return !strcmp(name, "tls") ? SIP_TLS : !strcmp(name, "tcp") ? SIP_TCP : SIP_UDP;
}

/* What lets a phone in, as short as tells one from the next: it must not help to guess a password. */
static void secret_of(const struct dir_phone *p, char out[sizeof((struct reg_row *)0)->secret])
{
	const struct str part[] = { p->auth_user, STR(":"), p->ha1_md5, STR(":"), p->ha1_sha256 };
	uint8_t sum[32];
	struct buf b;

	crypto_sha256(part, sizeof part / sizeof *part, sum);
	buf_init(&b, out, sizeof((struct reg_row *)0)->secret);
	buf_fmt(&b, "%02x%02x%02x%02x", sum[0], sum[1], sum[2], sum[3]);
	(void)buf_z(&b);	/* into out */
}

/* Would the phone be let in as it was then? A row of an older program does not tell. */
static bool still_known(const struct registrar *r, const struct reg_row *row)
{
	const struct dir_phone *p = directory_phone(*r->cfg.directory, str_of(row->phone));
	char secret[sizeof row->secret];

	if (!p)
		return false;
	secret_of(p, secret);
	return !row->secret[0] || strcmp(secret, row->secret) == 0;
}

/* Drops all that is not to be kept, and tells how many. */
static uint32_t drop_unless(struct registrar *r, bool (*keep)(const struct binding *b, const void *ctx),
			    const void *ctx)
{
	size_t before = r->tab.count;

	for (size_t i = 0; i < r->tab.nbucket; i++)
		for (struct hash_node *n = r->tab.bucket[i], *next; n; n = next) {
			struct binding *b = HASH_ENTRY(n, struct binding, node);

			next = n->next;
			if (!keep(b, ctx))
				drop(b, true);
		}
	return (uint32_t)(before - r->tab.count);
}

static void tell_dropped(struct registrar *r, uint32_t n)
{
	if (n)
		log_line(&r->cfg.loop->log, LOG_INFO,
			 "%u registrations are dropped: their phones are gone from the site, or have another user or password.", n);
}

static void load_one(void *ctx, const struct reg_row *row, bool gone)
{
	struct registrar *r = ctx;
	int listener = r->cfg.listener_index(r->cfg.ctx, row->listener);
	struct binding *b = find(r, str_of(row->phone), str_of(row->contact));
	bool ended = row->expires_wall <= r->cfg.loop->wall, over = ended || !still_known(r, row);

	if (gone || (listener < 0 && !over)) {
		if (b)
			drop(b, false);
		return;
	}
	if (b)
		keep_texts(b, row);
	else
		b = add(r, row);
	b->listener = listener < 0 ? 0 : (uint32_t)listener;
	b->expires = ended || !over ? row->expires_wall : 0;
	if (over)
		return;		/* registrar_load() drops it and its row: a newer one may wait behind */
	b->cseq = row->cseq;
	b->since = row->since_wall;
	b->transport = transport_of(row->transport);
	if (addr_parse(str_of(row->source), 5060, &b->source) == OK && r->cfg.sip)
		sip_prove(r->cfg.sip, &b->source);	/* it is to answer our calls */
	arm(b);
}

static bool is_known(const struct binding *b, const void *ctx)
{
	(void)ctx;
	return b->expires != 0;
}

static bool goes_on(const struct binding *b, const void *ctx)
{
	(void)ctx;
	return b->expires > b->reg->cfg.loop->wall;
}

void registrar_load(struct registrar *r)
{
	if (store_regs(r->cfg.store, load_one, r))
		log_line(&r->cfg.loop->log, LOG_ERROR,
			 "The registrations could not be read (%s); phones are reachable after their next REGISTER.",
			 db_why(store_db(r->cfg.store)));
	tell_dropped(r, drop_unless(r, is_known, NULL));
	(void)drop_unless(r, goes_on, NULL);	/* what ended while nobody was there is not told */
}

bool registrar_lets_in(const struct registrar *r, struct str name, const struct directory *old)
{
	const struct dir_phone *p = directory_phone(*r->cfg.directory, name), *was = directory_phone(old, name);

	return p && was && str_eq(p->auth_user, was->auth_user) && str_eq(p->ha1_md5, was->ha1_md5) &&
	       str_eq(p->ha1_sha256, was->ha1_sha256);
}

static bool let_in_as_before(const struct binding *b, const void *old)
{
	return registrar_lets_in(b->reg, str_of(text_of(b, BINDING_PHONE)), old);
}

void registrar_on_directory(struct registrar *r, const struct directory *old)
{
	tell_dropped(r, drop_unless(r, let_in_as_before, old));
}

void registrar_on_flow(struct registrar *r, net_id flow)
{
	struct hash_node *n = flow ? hash_first(&r->flows, flow_key(r, flow)) : NULL, *next;

	for (; n; n = next) {
		struct binding *b = HASH_ENTRY(n, struct binding, by_flow);

		next = hash_next(n);
		if (b->flow == flow)
			set_flow(b, 0);
	}
}

/* In a dialog a Contact may have parameters that it was not registered with, and the other way round. */
static bool is_contact(const struct binding *b, const struct sip_uri *u)
{
	struct sip_uri own;

	return sip_uri_parse(str_of(text_of(b, BINDING_CONTACT)), &own) == OK && own.port == u->port &&
	       str_eq(own.user, u->user) && str_ieq(own.host, u->host);
}

net_id registrar_flow(const struct registrar *r, const struct sip_seek *k)
{
	struct hash_node *n = hash_first(&r->sources, source_key(r, k->source, k->contact->user));
	const struct binding *newest = NULL;

	for (; n; n = hash_next(n)) {
		const struct binding *b = HASH_ENTRY(n, struct binding, by_source);

		if (b->listener == k->listener && b->transport == k->transport && addr_same_ip(&b->source, k->source) &&
		    is_contact(b, k->contact) && (!newest || b->since > newest->since))
			newest = b;
	}
	return newest ? newest->flow : 0;
}

/* Of the timer: the wall clock may jump, `expires` is for the next start. */
static ms_t left_of(const struct binding *b)
{
	ms_t now = b->reg->cfg.loop->now;

	return b->expiry.at > now ? b->expiry.at - now : 0;
}

/* The phone is reached where it came from: that works behind address translation too. */
static void contact_of(const struct binding *b, struct registrar_contact *c)
{
	char text[ADDR_TEXT];

	*c = (struct registrar_contact){ .source = b->source, .since = b->since,
					 .expires = b->reg->cfg.loop->wall + (wall_t)left_of(b) };
	c->dest = (struct sip_dest){ .listener = b->listener, .transport = b->transport,
				     .addr = b->source, .port = b->source.port, .flow = b->flow };
	(void)str_copy(c->dest.host, sizeof c->dest.host, str_of(addr_text(&b->source, text)));
	(void)str_copy(c->uri, sizeof c->uri, str_of(text_of(b, BINDING_CONTACT)));
	(void)str_copy(c->path, sizeof c->path, str_of(text_of(b, BINDING_PATH)));
	(void)str_copy(c->user_agent, sizeof c->user_agent, str_of(text_of(b, BINDING_AGENT)));
}

int registrar_contacts(struct registrar *r, struct str phone, struct registrar_contact *out, int max)
{
	int n = 0;

	for (struct binding *b = next_of(r, phone, NULL); b && n < max; b = next_of(r, phone, b))
		contact_of(b, &out[n++]);
	return n;
}

/* --- who is it? -------------------------------------------------------------------- */

static void challenge(struct registrar *r, const struct auth_try *t, bool stale, struct arena *a,
		      struct sip_xhdr x[2])
{
	char sha[800], md5[800];
	struct buf s, m;

	buf_init(&s, sha, sizeof sha);
	buf_init(&m, md5, sizeof md5);
	x[0] = x[1] = (struct sip_xhdr){ STR("WWW-Authenticate"), STR_NONE };
	if (auth_challenge(r->auth, t, stale, &s, &m))
		return;
	x[0].value = str_dup(a, r->cfg.md5_only ? buf_str(&m) : buf_str(&s));
	x[1].value = str_dup(a, buf_str(&m));
	if (r->cfg.md5_only)
		x[1].name = STR_NONE;
}

enum registrar_verdict registrar_glance(struct registrar *r, const struct sip_msg *m, struct arena *a,
					struct sip_xhdr x[2])
{
	struct auth_try t = { str_of(r->cfg.realm), m->src, r->cfg.loop->now };
	struct digest_creds c;
	enum auth_verdict v = auth_creds(m, false, t.realm, &c);

	if (v == AUTH_BAD)
		return REGISTRAR_REFUSE;
	if (v == AUTH_OK && auth_gave(r->auth, &t, &c))
		return REGISTRAR_OK;
	/* One of before a restart, or of another network it was in: the phone need not ask its user. */
	challenge(r, &t, v == AUTH_OK, a, x);
	return REGISTRAR_CHALLENGE;
}

static void wrong_password(struct registrar *r, const struct sip_msg *m, struct str user)
{
	char text[160], from[ADDR_TEXT];
	struct buf b;

	if (!lockout_wrong(&r->lockout, user, &m->src, r->cfg.loop->now))
		return;
	buf_init(&b, text, sizeof text);
	buf_safe(&b, str_sub(user, 0, 32));
	log_line(&r->cfg.loop->log, LOG_WARN,
		 "\"%s\" from %s had %d wrong passwords: for %d minutes it is refused from there. Correct the password in the phone or in the site file.",
		 buf_z(&b), addr_text(&m->src, from), LOCKOUT_TRIES, LOCKOUT_MS / 60000);
}

enum registrar_verdict registrar_who(struct registrar *r, const struct sip_msg *m, struct arena *a,
				     const struct dir_phone **phone, struct sip_xhdr x[2])
{
	struct auth_try t = { str_of(r->cfg.realm), m->src, r->cfg.loop->now };
	struct digest_creds c;
	struct auth_secret secret = { 0 };
	const struct dir_phone *p = NULL;
	enum auth_verdict v = auth_creds(m, false, t.realm, &c);

	if (v == AUTH_OK) {
		p = directory_phone_by_auth(*r->cfg.directory, c.username);
		if (lockout_is(&r->lockout, c.username, &m->src, t.now))
			p = NULL;	/* the same steps and answer as for nobody */
		secret.known = p != NULL;
		if (p) {
			secret.ha1[DIGEST_MD5] = p->ha1_md5;
			secret.ha1[DIGEST_SHA256] = p->ha1_sha256;
		}
		v = auth_check(r->auth, &t, m, &c, &secret);
	}
	if (v == AUTH_REFUSED)
		wrong_password(r, m, c.username);
	if (v == AUTH_OK && p) {
		lockout_right(&r->lockout, c.username, &m->src);
		if (r->cfg.sip)
			sip_prove(r->cfg.sip, &m->src);
		*phone = p;
		return REGISTRAR_OK;
	}
	if (v == AUTH_BAD)
		return REGISTRAR_REFUSE;
	challenge(r, &t, v == AUTH_STALE, a, x);
	return REGISTRAR_CHALLENGE;
}

/* --- REGISTER ------------------------------------------------------------------------ */

static void answer(struct registrar *r, const struct sip_event *ev, unsigned status,
		   const struct sip_xhdr *x, int nx)
{
	(void)sip_respond(r->cfg.sip, ev->tsx, status, NULL, NULL, x, nx);
}

/* RFC 3327 5.3: every Path value, in order, as one list. false: longer than we keep. */
static bool read_path(const struct sip_msg *m, char path[sizeof((struct reg_row *)0)->path])
{
	const struct sip_hdr *h = NULL;
	struct sip_nameaddr na;
	struct buf b;

	buf_init(&b, path, sizeof((struct reg_row *)0)->path);
	while ((h = sip_hdr_each(m, SIP_H_PATH, h)))
		for (struct str rest = h->value; rest.p;) {
			if (sip_nameaddr_parse(rest, &na, &rest) || !na.uri.host.n)
				return false;
			buf_lit(&b, b.n ? ", <" : "<");
			buf_put(&b, na.uri.raw);
			buf_ch(&b, '>');
		}
	(void)buf_z(&b);
	return buf_ok(&b);
}

/* 200 with all contacts that are bound now, and the Path as it was kept. */
static void answer_contacts(struct registrar *r, const struct sip_event *ev, struct str phone)
{
	char text[REG_CONTACTS_MAX][320], path[sizeof((struct reg_row *)0)->path];
	struct sip_xhdr x[REG_CONTACTS_MAX + 1];
	int n = 0;

	for (struct binding *b = next_of(r, phone, NULL); b && n < REG_CONTACTS_MAX;
	     b = next_of(r, phone, b)) {
		ms_t left = (left_of(b) + 999) / 1000;
		struct buf w;

		buf_init(&w, text[n], sizeof text[n]);
		buf_fmt(&w, "<%s>;expires=%llu", text_of(b, BINDING_CONTACT), (unsigned long long)left);
		x[n] = (struct sip_xhdr){ STR("Contact"), buf_str(&w) };
		n++;
	}
	if (read_path(ev->msg, path) && path[0])
		x[n++] = (struct sip_xhdr){ STR("Path"), str_of(path) };
	answer(r, ev, 200, x, n);
}

/* `row` has the phone and the contact; the rest is what this request says. */
static void store_binding(struct registrar *r, struct binding *b, const struct sip_event *ev,
			  struct reg_row *row, uint32_t expires)
{
	const struct sip_msg *m = ev->msg;
	const struct dir_phone *phone = directory_phone(*r->cfg.directory, str_of(row->phone));

	b->source = m->src;
	b->transport = m->transport;
	b->listener = m->listener;
	set_flow(b, m->transport == SIP_UDP ? 0 : m->flow);
	b->cseq = m->cseq;
	b->expires = r->cfg.loop->wall + (wall_t)expires * 1000;
	(void)str_copy(row->call_id, sizeof row->call_id, str_sub(m->call_id, 0, 127));
	(void)str_copy(row->user_agent, sizeof row->user_agent, str_sub(sip_hdr(m, SIP_H_USER_AGENT), 0, 95));
	(void)str_copy(row->instance, sizeof row->instance, str_of(text_of(b, BINDING_INSTANCE)));
	if (!read_path(m, row->path))		/* asked before */
		row->path[0] = 0;
	keep_texts(b, row);
	arm(b);
	if (r->cfg.store) {
		row_of(b, row);
		if (phone)
			secret_of(phone, row->secret);
		store_reg_put(r->cfg.store, row);
	}
}

/* RFC 3261 10.3 step 7: an older request of the same Call-ID changes nothing. */
static bool out_of_order(const struct binding *b, const struct sip_msg *m)
{
	struct str kept = str_sub(m->call_id, 0, sizeof((struct reg_row *)0)->call_id - 1);

	return str_eq(str_of(text_of(b, BINDING_CALL_ID)), kept) && m->cseq <= b->cseq;
}

struct wish { struct str uri; uint32_t expires; };

static uint32_t expires_of(const struct registrar *r, const struct sip_msg *m, struct str params)
{
	struct str own = sip_param(params, "expires"), hdr = sip_hdr(m, SIP_H_EXPIRES);
	uint32_t s = r->cfg.max_s;

	if (own.p ? str_u32(own, UINT32_MAX, &s) : hdr.p && str_u32(hdr, UINT32_MAX, &s))
		s = r->cfg.max_s;	/* malformed: as if it were not there (20.19) */
	return s > r->cfg.max_s ? r->cfg.max_s : s;
}

/* All contacts, or a status that refuses the whole request (10.3: all or nothing). */
static unsigned read_wishes(struct registrar *r, const struct sip_msg *m, struct wish *w, int *n)
{
	const struct sip_hdr *h = NULL;
	char path[sizeof((struct reg_row *)0)->path];

	*n = 0;
	if (!read_path(m, path))
		return 400;
	while ((h = sip_hdr_each(m, SIP_H_CONTACT, h))) {
		struct str rest = h->value;

		while (rest.p) {
			struct sip_nameaddr na;

			if (sip_nameaddr_parse(rest, &na, &rest))
				return 400;
			if (*n == REG_CONTACTS_MAX || na.uri.raw.n >= sizeof ((struct reg_row *)0)->contact)
				return 403;
			w[*n].uri = na.uri.raw;
			w[*n].expires = expires_of(r, m, na.params);
			if (w[*n].expires && w[*n].expires < r->cfg.min_s)
				return 423;
			(*n)++;
		}
	}
	return 0;
}

static void remove_all(struct registrar *r, struct str phone)
{
	struct binding *b;

	while ((b = next_of(r, phone, NULL)))
		drop(b, true);
}

static bool comes_again(const struct wish *w, int i, int n)
{
	for (int k = i + 1; k < n; k++)
		if (str_eq(w[k].uri, w[i].uri))
			return true;
	return false;
}

/* What refuses the whole request, asked before anything is changed (10.3 step 7). The limit is for what
 * the phone has when all is done: one contact may take the place of another. */
static unsigned refusal(struct registrar *r, const struct sip_msg *m, struct str phone, const struct wish *w, int n)
{
	int after = registrar_count(r, phone);
	bool more = false;

	for (int i = 0; i < n; i++) {
		const struct binding *b = find(r, phone, w[i].uri);

		if (b && out_of_order(b, m))
			return 500;
		if (comes_again(w, i, n))	/* the last word counts */
			continue;
		after += (w[i].expires != 0) - (b != NULL);
		more |= w[i].expires && !b;
	}
	return more && after > (int)r->cfg.contacts ? 403 : 0;
}

static void apply(struct registrar *r, const struct sip_event *ev, struct str phone, const struct wish *w, int n)
{
	for (int i = 0; i < n; i++) {
		struct binding *b = find(r, phone, w[i].uri);
		struct reg_row row = { 0 };

		if (comes_again(w, i, n))
			continue;
		if (!w[i].expires) {
			if (b)
				drop(b, true);
			continue;
		}
		(void)str_copy(row.phone, sizeof row.phone, phone);
		(void)str_copy(row.contact, sizeof row.contact, w[i].uri);
		if (!b)
			b = add(r, &row);
		store_binding(r, b, ev, &row, spread_expires(r->granted++, w[i].expires, r->cfg.min_s));
	}
}

/* "Contact: *", RFC 3261 10.3 6: alone, with Expires 0, and in its order. */
static unsigned all_refused(struct registrar *r, const struct sip_msg *m, struct str phone)
{
	const struct sip_hdr *first = sip_hdr_each(m, SIP_H_CONTACT, NULL);

	if (!str_is(sip_hdr(m, SIP_H_EXPIRES), "0") || sip_hdr_each(m, SIP_H_CONTACT, first))
		return 400;
	for (struct binding *b = next_of(r, phone, NULL); b; b = next_of(r, phone, b))
		if (out_of_order(b, m))
			return 500;
	return 0;
}

static void bind_contacts(struct registrar *r, const struct sip_event *ev, struct str phone)
{
	struct sip_xhdr min = { STR("Min-Expires"), STR_NONE };
	struct wish w[REG_CONTACTS_MAX];
	unsigned status;
	char text[16];
	struct buf b;
	int n;

	buf_init(&b, text, sizeof text);
	buf_u64(&b, r->cfg.min_s);
	min.value = buf_str(&b);
	if (str_is(str_trim(sip_hdr(ev->msg, SIP_H_CONTACT)), "*")) {
		status = all_refused(r, ev->msg, phone);
		if (!status)
			remove_all(r, phone);
		answer(r, ev, status ? status : 200, NULL, 0);
		return;
	}
	status = read_wishes(r, ev->msg, w, &n);
	if (!status)
		status = refusal(r, ev->msg, phone, w, n);
	if (status) {
		answer(r, ev, status, &min, status == 423);
		return;
	}
	apply(r, ev, phone, w, n);
	answer_contacts(r, ev, phone);
}

void registrar_on_register(struct registrar *r, const struct sip_event *ev)
{
	const struct dir_phone *phone;
	struct sip_xhdr x[2];
	struct arena a;

	arena_init(&a, 8192);
	switch (registrar_who(r, ev->msg, &a, &phone, x)) {
	case REGISTRAR_OK:
		bind_contacts(r, ev, phone->name);
		break;
	case REGISTRAR_CHALLENGE:
		answer(r, ev, 401, x, x[1].name.n ? 2 : 1);
		break;
	case REGISTRAR_REFUSE:
		answer(r, ev, 400, NULL, 0);
		break;
	}
	arena_close(&a);
}
