/* Replies from the wire, and the cache: whoever asks hears exactly one answer, later. */
#include <stdlib.h>

#include "base/mem.h"
#include "io/dns.h"
#include "io/dns_wire.h"
#include "sim/sim_loop.h"

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n);

enum { WHO = 4 };

struct world {
	struct loop *l;
	struct dns *d;
	void (*answer)(void *, const char *, enum dns_type, const struct dns_result *);
	void *ctx;
	int owed[WHO];
	bool inside;
};

struct who { struct world *w; int i; };

static void *far_open(struct loop *l, const struct dns_config *c,
		      void (*answer)(void *, const char *, enum dns_type, const struct dns_result *),
		      void *ctx)
{
	struct world *w = l->turn_ctx;

	(void)c;
	w->answer = answer;
	w->ctx = ctx;
	return w;
}

static void far_ask(void *impl, const char *name, enum dns_type t)
{
	(void)impl;
	if (!name[0] || t >= DNS_NTYPE)
		abort();
}

static void far_close(void *impl)
{
	(void)impl;
}

static const struct dns_ops ops = { far_open, far_ask, far_close };

static void heard(void *ctx, uint64_t token, const struct dns_result *r)
{
	struct who *x = ctx;

	if (x->w->inside || token != 77 || r->n < 0 || r->n > DNS_MAX_RESULTS)
		abort();
	if (--x->w->owed[x->i] < 0)
		abort();
}

static struct str name_of(uint8_t b)
{
	static const char *const name[] = {
		"a.example", "A.EXAMPLE", "b.example", "fixed.example", "192.0.2.1", "::1", "",
		"_sip._tcp.a.example",
	};

	return str_of(name[b % 8]);
}

static void answer(struct world *w, uint8_t which, uint8_t how)
{
	static const enum err e[] = { OK, ERR_GONE, ERR_TIMEOUT, ERR_IO };
	struct dns_result r = { .err = e[how & 3], .ttl = (ms_t)how * 1000, .n = how & 3 ? 0 : 1 };

	w->answer(w->ctx, name_of(which).p, (enum dns_type)(which >> 3) % DNS_NTYPE, &r);
}

static void step(struct world *w, struct who *who, uint8_t op, uint8_t a, uint8_t b)
{
	struct who *x = &who[b % WHO];

	switch (op % 6) {
	case 0:
	case 1:
		w->owed[x->i]++;
		w->inside = true;
		dns_query(w->d, name_of(a), (enum dns_type)(a >> 3) % DNS_NTYPE, heard, x, 77);
		w->inside = false;
		break;
	case 2:
		answer(w, a, b);
		break;
	case 3:
		dns_cancel(w->d, x);
		w->owed[x->i] = 0;
		break;
	case 4:
		sim_for(w->l, (ms_t)a << (b % 20));
		break;
	default:
		dns_forget(w->d, name_of(a));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n)
{
	struct world w = { 0 };
	struct who who[WHO];
	struct addr host = { .family = ADDR_V4, .ip = { 10, 0, 0, 1 } };
	ms_t ttl;

	(void)dns_wire_ttl((struct str){ (const char *)d, n }, n & 1 ? DNS_WIRE_SRV : DNS_WIRE_NAPTR, &ttl);
	w.l = sim_new(1);
	w.l->dns = &ops;
	w.l->turn_ctx = &w;
	w.d = dns_new(w.l, NULL);
	dns_add_host(w.d, "fixed.example", &host);
	for (int i = 0; i < WHO; i++)
		who[i] = (struct who){ &w, i };
	for (size_t i = 0; i + 2 < n && i < 600; i += 3)
		step(&w, who, d[i], d[i + 1], d[i + 2]);
	for (int name = 0; name < 8 * DNS_NTYPE; name++)		/* the servers answer all that is open */
		answer(&w, (uint8_t)name, 2);
	sim_for(w.l, 1);
	for (int i = 0; i < WHO; i++)
		if (w.owed[i])
			abort();
	dns_free(w.d);
	sim_free(w.l);
	return 0;
}
