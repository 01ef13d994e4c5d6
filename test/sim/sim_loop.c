#include "sim/sim_loop.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/slot.h"
#include "sim/sim_int.h"

static void tick(struct loop *l, ms_t now)
{
	struct sim *s = sim_of(l);

	l->now = l->spent = now;
	l->wall = s->wall0 + (wall_t)(now - s->now0);
}

bool sim_step(struct loop *l)
{
	ms_t at = timers_next(&l->timers);

	if (at == MS_NEVER)
		return false;
	/* timers_next() may be early for far deadlines: time moves, nothing fires yet. */
	tick(l, at > l->now ? at : l->now);
	if (timers_step(&l->timers, l->now))
		loop_turn(l);
	return true;
}

void sim_until(struct loop *l, ms_t at)
{
	while (timers_next(&l->timers) <= at)
		(void)sim_step(l);
	tick(l, at);
	(void)timers_step(&l->timers, at);	/* none is due: moves the wheel's time */
}

void sim_for(struct loop *l, ms_t ms)
{
	sim_until(l, l->now + ms);
}

bool sim_busy(struct loop *l)
{
	return sim_of(l)->in_flight > 0;
}

void sim_set(struct loop *l, const struct sim_options *o)
{
	sim_of(l)->opt = *o;
}

void sim_wall(struct loop *l, wall_t at)
{
	struct sim *s = sim_of(l);

	s->wall0 = at - (wall_t)(l->now - s->now0);
	l->wall = at;
}

void sim_watch(struct loop *l, void (*fn)(void *, const struct sim_seen *), void *ctx)
{
	sim_of(l)->watch = fn;
	sim_of(l)->watch_ctx = ctx;
}

uint64_t sim_lost(const struct loop *l)
{
	return ((const struct sim *)l->impl)->lost;
}

/* --- names ------------------------------------------------------------- */

struct sim_name {
	char name[DNS_NAME_MAX + 1];
	enum dns_type type;
	struct dns_result r;
};

struct sim_ask {
	struct timer t;
	struct loop *l;
	struct sim_resolver *res;
	char name[DNS_NAME_MAX + 1];
	enum dns_type type;
};

struct sim_resolver {
	struct loop *l;
	void (*answer)(void *, const char *, enum dns_type, const struct dns_result *);
	void *ctx;
	bool closed;
};

static struct sim_name *name_of(struct sim *s, const char *name, enum dns_type t)
{
	for (int i = 0; i < s->nnames; i++)
		if (s->names[i].type == t && str_ieq(str_of(s->names[i].name), str_of(name)))
			return &s->names[i];
	return NULL;
}

void sim_dns(struct loop *l, const char *name, enum dns_type t, const struct dns_result *r)
{
	struct sim *s = sim_of(l);
	struct sim_name *n = name_of(s, name, t);

	if (!n) {
		s->names = mem_grow(s->names, (size_t)s->nnames + 1, sizeof *s->names);
		n = &s->names[s->nnames++];
		*n = (struct sim_name){ .type = t };
		(void)str_copy(n->name, sizeof n->name, str_of(name));
	}
	n->r = *r;
}

static void on_ask(void *arg)
{
	struct sim_ask *q = arg;
	struct sim *s = sim_of(q->l);
	struct sim_name *n = name_of(s, q->name, q->type);
	struct dns_result none = { .err = ERR_GONE };

	s->in_flight--;
	if (!q->res->closed)
		q->res->answer(q->res->ctx, q->name, q->type, n ? &n->r : &none);
	mem_free(q);
}

static void *dns_open(struct loop *l, const struct dns_config *c,
		      void (*answer)(void *, const char *, enum dns_type, const struct dns_result *),
		      void *ctx)
{
	struct sim *s = sim_of(l);
	struct sim_resolver *r = mem_new(sizeof *r);

	(void)c;
	*r = (struct sim_resolver){ .l = l, .answer = answer, .ctx = ctx };
	s->resolvers = mem_grow(s->resolvers, (size_t)s->nresolvers + 1, sizeof *s->resolvers);
	s->resolvers[s->nresolvers++] = r;
	return r;
}

static void dns_ask(void *impl, const char *name, enum dns_type t)
{
	struct sim_resolver *r = impl;
	struct sim *s = sim_of(r->l);
	struct sim_name *n = name_of(s, name, t);
	struct sim_ask *q = mem_new(sizeof *q);

	*q = (struct sim_ask){ .l = r->l, .res = r, .type = t };
	(void)str_copy(q->name, sizeof q->name, str_of(name));
	s->in_flight++;
	timer_start(&r->l->timers, &q->t, n && n->r.err == ERR_TIMEOUT ? 1000 : 1, on_ask, q);
}

static void dns_close(void *impl)
{
	((struct sim_resolver *)impl)->closed = true;	/* freed with the sim: asks may fly */
}

static const struct dns_ops dns = { .open = dns_open, .ask = dns_ask, .close = dns_close };

/* --- life --------------------------------------------------------------- */

struct loop *sim_new(uint64_t seed)
{
	struct sim *s = mem_new(sizeof *s);

	s->opt.delay = 1;
	s->now0 = 1000000;
	s->wall0 = 1767225600000;	/* 2026-01-01 */
	s->loop.impl = s;
	s->loop.net = &sim_net_ops;
	s->loop.dns = &dns;
	rng_seed(&s->loop.rng, seed);
	rng_seed(&s->rng, seed ^ 0x5eed);
	timers_init(&s->loop.timers, s->now0);
	slots_init(&s->ids, sizeof(struct sim_handle), 65536);
	s->next_port = 40000;
	tick(&s->loop, s->now0);
	return &s->loop;
}

void sim_free(struct loop *l)
{
	struct sim *s = sim_of(l);

	sim_net_free(s);
	/* What still flies is only memory: run it out with nobody listening. */
	loop_on_turn(l, NULL, NULL);
	while (s->in_flight && sim_step(l))
		;
	for (int i = 0; i < s->nresolvers; i++)
		mem_free(s->resolvers[i]);
	mem_free(s->resolvers);
	mem_free(s->names);
	mem_free(s->reach);
	mem_free(s->declared);
	slots_close(&s->ids);
	mem_free(s);
}
