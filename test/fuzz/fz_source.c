/*
 * The source table under any order of news and time: a proven source is never shut out, no
 * class outgrows its places, nothing is sent to a stranger beyond what it sent, and what is
 * forgiven is heard again.
 */
#include <stdlib.h>

#include "sip/lockout.h"
#include "sip/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n);

enum { WHO = 8 };

struct bench {
	struct sources *t;
	struct lockout l;
	uint64_t in[WHO], out[WHO];
	ms_t now;
};

static struct addr who(unsigned i)
{
	struct addr a = { .family = i & 4 ? ADDR_V6 : ADDR_V4, .ip = { 10, 0, 0, (uint8_t)i } };

	if (i & 4)
		a.ip[i & 1 ? 7 : 6] = (uint8_t)i;
	return a;
}

static bool look(void *ctx, const struct source_view *v)
{
	if (v->state != SOURCE_IS_BANNED && v->state != SOURCE_IS_HELD)
		abort();
	return ++*(unsigned *)ctx < 4;
}

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void send(struct bench *b, unsigned i, const struct addr *a, size_t n)
{
	bool known = source_proven(b->t, a, b->now), may = source_may_send(b->t, a, b->now, n);

	must(may || !known);
	if (may && !known) {
		b->out[i] += n;
		must(b->out[i] <= b->in[i]);
	}
}

static void step(struct bench *b, unsigned op, unsigned i, unsigned arg)
{
	struct addr a = who(i);
	struct str user = { (const char *)&arg, 1 };
	bool proven = source_proven(b->t, &a, b->now);
	struct source_view v;
	unsigned seen = 0;

	switch (op) {
	case 0:
		b->in[i] += arg * 8;
		must(source_hear(b->t, &a, b->now, arg * 8) != SOURCE_HELD || !proven);
		break;
	case 1: must(!source_strike(b->t, &a, b->now, &v) || !proven); break;
	case 2: must(!source_ban(b->t, &a, b->now, &v) || !proven); break;
	case 3: source_prove(b->t, &a, b->now); must(source_proven(b->t, &a, b->now)); break;
	case 4: send(b, i, &a, arg * 8); break;
	case 5: (void)source_forgive(b->t, &a); break;
	case 6: b->now += (ms_t)arg * arg * arg; break;
	default:
		(void)source_knock(b->t, &a, b->now);
		sources_each(b->t, b->now, look, &seen);
		if (lockout_wrong(&b->l, user, &a, b->now))
			must(lockout_is(&b->l, user, &a, b->now));
		if (arg & 1)
			lockout_right(&b->l, user, &a);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n)
{
	static const struct source_rules rules = { 20, 60, 8, 1000, 60000 };
	static const struct hash_seed seed = { { 3, 4 } };
	struct bench b = { .t = sources_new(&rules, &seed), .now = 1000 };
	struct source_counts c;

	lockout_init(&b.l, &seed);
	for (size_t k = 0; k + 1 < n; k += 2)
		step(&b, d[k] & 7, d[k] >> 3 & 7, d[k + 1]);
	sources_count(b.t, &c);
	must(c.strangers <= SOURCE_STRANGERS && c.banned <= SOURCE_BANNED && c.proven <= SOURCE_PROVEN);
	sources_free(b.t);
	lockout_close(&b.l);
	return 0;
}
