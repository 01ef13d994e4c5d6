#include "io/dns.h"

#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

/* The cache and who waits. The maker's ops ask the question over the wire. */

enum { DNS_CACHE_MAX = 4096, DNS_WAIT_MAX = 4096,
       DNS_FLOOR_MS = 5000, DNS_CAP_MS = 86400000, DNS_NEGATIVE_MS = 5000,
       DNS_STALE_MS = 86400000, DNS_RETRY_MS = 5000, DNS_PATIENCE_MS = 100,
       DNS_OLD_MS = 60000, DNS_OLD_PATIENCE_MS = 500 };

struct entry {
	struct hash_node node;
	struct list lru;
	char name[DNS_NAME_MAX + 1];
	enum dns_type type;
	struct dns_result r;
	ms_t expires, asked;
	ms_t retry_at;			/* 0: its last question was answered */
	bool have, fixed, asking;
};

struct waiter {
	struct list link;
	dns_fn *fn;
	void *ctx;
	uint64_t token;
	struct entry *e;
	ms_t until;			/* then what was known before will do */
	bool ready;			/* delivered by the next timer run */
	struct dns_result r;
};

struct dns {
	struct loop *loop;
	struct hash tab;
	struct hash_seed seed;
	struct list lru, waiting;
	uint32_t nwait;
	struct timer deliver, patience;
	ms_t heard;			/* when a server said something last */
	bool silent;			/* they said nothing since something was asked */
	void *impl;
	struct dns_config cfg;
};

static uint64_t key(const struct dns *d, struct str name, enum dns_type t)
{
	return hash_icase(&d->seed, name.p, name.n) + (uint64_t)t;
}

static struct entry *find(const struct dns *d, struct str name, enum dns_type t)
{
	struct hash_node *n = hash_first(&d->tab, key(d, name, t));

	for (; n; n = hash_next(n)) {
		struct entry *e = HASH_ENTRY(n, struct entry, node);

		if (e->type == t && str_ieq(str_of(e->name), name))
			return e;
	}
	return NULL;
}

static void forget(struct dns *d, struct entry *e)
{
	hash_remove(&d->tab, &e->node);
	list_remove(&e->lru);
	mem_free(e);
}

/* Room for one more: the oldest that nobody waits for goes. */
static void make_room(struct dns *d)
{
	struct list *l = d->lru.next;

	while (d->tab.count >= DNS_CACHE_MAX && l != &d->lru) {
		struct entry *e = LIST_ENTRY(l, struct entry, lru);

		l = l->next;
		if (!e->asking && !e->fixed)
			forget(d, e);
	}
}

static struct entry *add(struct dns *d, struct str name, enum dns_type t)
{
	struct entry *e;

	make_room(d);
	e = mem_new(sizeof *e);
	e->type = t;
	(void)str_copy(e->name, sizeof e->name, name);	/* checked by the caller */
	hash_add(&d->tab, &e->node, key(d, name, t));
	list_append(&d->lru, &e->lru);
	return e;
}

static void on_deliver(void *arg)
{
	struct dns *d = arg;

	for (struct list *l = d->waiting.next; l != &d->waiting; l = l->next) {
		struct waiter *w = LIST_ENTRY(l, struct waiter, link);

		if (!w->ready)
			continue;
		list_remove(&w->link);
		d->nwait--;
		/* One a timer run: the callback may query or cancel others. */
		timer_start(&d->loop->timers, &d->deliver, 0, on_deliver, d);
		w->fn(w->ctx, w->token, &w->r);
		mem_free(w);
		return;
	}
}

static void ready(struct dns *d, struct waiter *w, const struct dns_result *r)
{
	w->ready = true;
	w->e = NULL;
	w->r = *r;
	if (!timer_armed(&d->deliver))
		timer_start(&d->loop->timers, &d->deliver, 0, on_deliver, d);
}

static struct dns_result cached(const struct dns *d, const struct entry *e)
{
	struct dns_result r = e->r;

	r.ttl = e->fixed ? DNS_CAP_MS : e->expires > d->loop->now ? e->expires - d->loop->now : 0;
	r.stale = !e->fixed && e->expires <= d->loop->now;
	return r;
}

static void keep(struct dns *d, struct entry *e, const struct dns_result *r)
{
	ms_t ttl = r->err == OK ? r->ttl : DNS_NEGATIVE_MS;

	ttl = ttl < DNS_FLOOR_MS ? DNS_FLOOR_MS : ttl > DNS_CAP_MS ? DNS_CAP_MS : ttl;
	e->r = *r;
	e->have = true;
	e->retry_at = 0;
	e->expires = d->loop->now + ttl;
}

/* Something a server said, not too long ago, will do while none says anything. */
static bool has_stale(const struct dns *d, const struct entry *e)
{
	return e->have && (e->r.err == OK || e->r.err == ERR_GONE) &&
	       d->loop->now <= e->expires + DNS_STALE_MS;
}

/* One name with dead servers must not make all others old: while any is answered they are not silent. */
static void note_silence(struct dns *d, const struct entry *e)
{
	if (d->heard <= e->asked)
		d->silent = true;
}

/* The servers are silent, or fail for this name (RFC 8767): what we had goes on for a day. */
static bool serve_stale(struct dns *d, struct entry *e, const struct dns_result *r)
{
	if (r->err == ERR_TIMEOUT)
		note_silence(d, e);
	if ((r->err != ERR_TIMEOUT && r->err != ERR_IO) || !has_stale(d, e))
		return false;
	e->retry_at = d->loop->now + DNS_RETRY_MS;
	return true;
}

/* Nobody who could be helped waits longer; the question itself goes on. */
static void on_patience(void *arg)
{
	struct dns *d = arg;
	ms_t next = MS_NEVER;

	for (struct list *l = d->waiting.next; l != &d->waiting; l = l->next) {
		struct waiter *w = LIST_ENTRY(l, struct waiter, link);
		struct dns_result r;

		if (w->ready || !w->until)
			continue;
		if (w->until > d->loop->now) {
			next = w->until < next ? w->until : next;
			continue;
		}
		r = cached(d, w->e);
		note_silence(d, w->e);
		ready(d, w, &r);
	}
	if (next != MS_NEVER)
		timer_start(&d->loop->timers, &d->patience, next - d->loop->now, on_patience, d);
}

static void on_answer(void *ctx, const char *name, enum dns_type t, const struct dns_result *r)
{
	struct dns *d = ctx;
	struct entry *e = find(d, str_of(name), t);
	struct dns_result out;

	if (!e)
		return;
	e->asking = false;
	if (r->err == OK || r->err == ERR_GONE) {
		d->heard = d->loop->now;
		d->silent = false;
	}
	if (!e->fixed && !serve_stale(d, e, r))
		keep(d, e, r);
	out = cached(d, e);
	for (struct list *l = d->waiting.next; l != &d->waiting; l = l->next) {
		struct waiter *w = LIST_ENTRY(l, struct waiter, link);

		if (w->e == e && !w->ready)
			ready(d, w, &out);
	}
}

struct dns *dns_new(struct loop *l, const struct dns_config *c)
{
	struct dns *d = mem_new(sizeof *d);

	d->loop = l;
	if (c)
		d->cfg = *c;
	d->cfg.timeout = d->cfg.timeout ? d->cfg.timeout : 500;
	d->cfg.tries = d->cfg.tries ? d->cfg.tries : 2;
	hash_init(&d->tab);
	d->seed = rng_hash_seed(&l->rng);
	list_init(&d->lru);
	list_init(&d->waiting);
	if (l->dns)
		d->impl = l->dns->open(l, &d->cfg, on_answer, d);
	return d;
}

void dns_free(struct dns *d)
{
	if (!d)
		return;
	if (d->impl)
		d->loop->dns->close(d->impl);
	timer_stop(&d->loop->timers, &d->deliver);
	timer_stop(&d->loop->timers, &d->patience);
	while (!list_empty(&d->waiting)) {
		struct waiter *w = LIST_ENTRY(d->waiting.next, struct waiter, link);

		list_remove(&w->link);
		mem_free(w);
	}
	while (!list_empty(&d->lru))
		forget(d, LIST_ENTRY(d->lru.next, struct entry, lru));
	hash_close(&d->tab);
	mem_free(d);
}

void dns_add_host(struct dns *d, const char *name, const struct addr *a)
{
	enum dns_type t = a->family == ADDR_V6 ? DNS_ADDR6 : DNS_ADDR4;
	struct str n = str_of(name);
	struct entry *e = find(d, n, t);

	if (n.n > DNS_NAME_MAX)
		return;
	if (!e)
		e = add(d, n, t);
	if (!e->fixed)
		e->r = (struct dns_result){ 0 };
	e->have = e->fixed = true;
	if (e->r.n < DNS_MAX_RESULTS) {
		e->r.rr[e->r.n].addr = *a;
		e->r.rr[e->r.n++].addr.port = 0;
	}
}

static bool literal(struct str name, enum dns_type t, struct dns_result *r)
{
	struct addr a;

	if (t == DNS_SRV || t == DNS_NAPTR || addr_parse_ip(name, &a))
		return false;
	*r = (struct dns_result){ .ttl = DNS_CAP_MS };
	if ((t == DNS_ADDR4) == (a.family == ADDR_V4)) {
		r->n = 1;
		r->rr[0].addr = a;
	} else {
		r->err = ERR_GONE;
	}
	return true;
}

static bool fresh(const struct dns *d, const struct entry *e)
{
	return e->have && (e->fixed || e->expires > d->loop->now || e->retry_at > d->loop->now);
}

/* A host of the configuration has the addresses written there, and no others. */
static bool fixed(const struct dns *d, struct str name)
{
	const struct entry *a = find(d, name, DNS_ADDR4), *b = find(d, name, DNS_ADDR6);

	return (a && a->fixed) || (b && b->fixed);
}

static void used(struct dns *d, struct entry *e)
{
	list_remove(&e->lru);
	list_append(&d->lru, &e->lru);
}

static void ask(struct dns *d, struct entry *e)
{
	if (e->asking)
		return;
	e->asking = true;
	e->asked = d->loop->now;
	d->loop->dns->ask(d->impl, e->name, e->type);
}

/* What is long out of date is likely to be wrong: worth a second try of the question, but not where
 * the last one came to nothing. */
static ms_t patience(const struct dns *d, const struct entry *e)
{
	return !e->retry_at && d->loop->now > e->expires + DNS_OLD_MS ? DNS_OLD_PATIENCE_MS : DNS_PATIENCE_MS;
}

/* The servers are asked; who has something to fall back on does not wait long. */
static void wait_for(struct dns *d, struct waiter *w, struct entry *e)
{
	struct dns_result r;

	if (has_stale(d, e) && d->silent) {
		r = cached(d, e);
		ready(d, w, &r);
		ask(d, e);
		return;
	}
	w->e = e;
	if (has_stale(d, e)) {
		w->until = d->loop->now + patience(d, e);
		if (!timer_armed(&d->patience) || d->patience.at > w->until)
			timer_start(&d->loop->timers, &d->patience, w->until - d->loop->now, on_patience, d);
	}
	ask(d, e);
}

void dns_query(struct dns *d, struct str name, enum dns_type t, dns_fn *fn, void *ctx, uint64_t token)
{
	struct dns_result r = { .err = ERR_LIMIT };
	struct waiter *w = mem_new(sizeof *w);
	struct entry *e;

	*w = (struct waiter){ .fn = fn, .ctx = ctx, .token = token };
	list_append(&d->waiting, &w->link);
	if (++d->nwait > DNS_WAIT_MAX || name.n > DNS_NAME_MAX || !name.n || !d->impl) {
		ready(d, w, &r);
		return;
	}
	if (literal(name, t, &r)) {
		ready(d, w, &r);
		return;
	}
	e = find(d, name, t);
	if (!e && (t == DNS_ADDR4 || t == DNS_ADDR6) && fixed(d, name)) {
		r = (struct dns_result){ .err = ERR_GONE, .ttl = DNS_CAP_MS };
		ready(d, w, &r);
		return;
	}
	if (e && fresh(d, e)) {
		used(d, e);
		r = cached(d, e);
		ready(d, w, &r);
		return;
	}
	wait_for(d, w, e ? e : add(d, name, t));
}

void dns_cancel(struct dns *d, void *ctx)
{
	struct list *l = d->waiting.next;

	while (l != &d->waiting) {
		struct waiter *w = LIST_ENTRY(l, struct waiter, link);

		l = l->next;
		if (w->ctx != ctx)
			continue;
		list_remove(&w->link);
		d->nwait--;
		mem_free(w);
	}
}

void dns_forget(struct dns *d, struct str name)
{
	for (int t = 0; t < DNS_NTYPE; t++) {
		struct entry *e = find(d, name, (enum dns_type)t);

		if (e && !e->fixed && !e->asking)
			forget(d, e);
	}
}
