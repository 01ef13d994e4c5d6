#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "bed.h"

enum { NAMES = 32, QUESTIONS = 64 };

struct question {
	struct timer timer;
	struct bed_dns *d;
	char name[DNS_NAME_MAX + 1];
	enum dns_type type;
	bool open;
};

struct bed_dns {
	struct bed *b;
	struct { char name[128]; enum dns_type type; char rr[256]; int asked; } row[NAMES];
	int n;
	struct question q[QUESTIONS];
	void (*answer)(void *ctx, const char *name, enum dns_type, const struct dns_result *);
	void *ctx;
};

static void read_rr(struct dns_result *r, enum dns_type t, struct str one)
{
	struct dns_rr *rr = &r->rr[r->n++];
	struct str f[5], rest = str_trim(one);
	uint32_t v[3];

	if (t == DNS_NAPTR) {		/* order preference flag service target */
		for (int i = 0; i < 5; i++)
			(void)str_cut(rest, ' ', &f[i], &rest);
		assert_int_equal(str_u32(f[0], 65535, &v[0]), OK);
		assert_int_equal(str_u32(f[1], 65535, &v[1]), OK);
		rr->priority = (uint16_t)v[0];
		rr->weight = (uint16_t)v[1];
		rr->flag = f[2].p[0];
		assert_true(str_copy(rr->service, sizeof rr->service, f[3]));
		assert_true(str_copy(rr->target, sizeof rr->target, f[4]));
		return;
	}
	if (t != DNS_SRV) {
		assert_int_equal(addr_parse_ip(rest, &rr->addr), OK);
		return;
	}
	for (int i = 0; i < 4; i++)
		(void)str_cut(rest, ' ', &f[i], &rest);
	for (int i = 0; i < 3; i++)
		assert_int_equal(str_u32(f[i], 65535, &v[i]), OK);
	rr->priority = (uint16_t)v[0];
	rr->weight = (uint16_t)v[1];
	rr->port = (uint16_t)v[2];
	assert_true(str_copy(rr->target, sizeof rr->target, f[3]));
}

static void fire(void *arg)
{
	struct question *q = arg;
	struct bed_dns *d = q->d;
	struct dns_result r = { .err = ERR_GONE };

	q->open = false;
	for (int i = 0; i < d->n; i++) {
		struct str one, rest = str_of(d->row[i].rr);

		if (strcmp(d->row[i].name, q->name) != 0 || d->row[i].type != q->type)
			continue;
		d->row[i].asked++;
		if (strcmp(d->row[i].rr, "timeout") == 0) {
			r.err = ERR_TIMEOUT;
			break;
		}
		r.err = OK;
		r.ttl = 60000;
		while (rest.n) {
			(void)str_cut(rest, ',', &one, &rest);
			read_rr(&r, q->type, one);
		}
	}
	d->answer(d->ctx, q->name, q->type, &r);
}

static void *d_open(struct loop *l, const struct dns_config *c,
		    void (*answer)(void *, const char *, enum dns_type, const struct dns_result *),
		    void *ctx)
{
	struct bed *b = l->impl;

	(void)c;
	b->names->answer = answer;
	b->names->ctx = ctx;
	return b->names;
}

static void d_ask(void *impl, const char *name, enum dns_type t)
{
	struct bed_dns *d = impl;

	for (int i = 0; i < QUESTIONS; i++) {
		struct question *q = &d->q[i];

		if (q->open)
			continue;
		q->open = true;
		q->d = d;
		q->type = t;
		assert_true(str_copy(q->name, sizeof q->name, str_of(name)));
		timer_start(&d->b->loop.timers, &q->timer, 5, fire, q);
		return;
	}
	fail_msg("questions");
}

static void d_close(void *impl)
{
	struct bed_dns *d = impl;

	for (int i = 0; i < QUESTIONS; i++)
		timer_stop(&d->b->loop.timers, &d->q[i].timer);
	mem_free(d);
}

static const struct dns_ops ops = { d_open, d_ask, d_close };

void bed_dns_init(struct bed *b)
{
	b->names = mem_new(sizeof *b->names);
	b->names->b = b;
	b->loop.dns = &ops;
	b->dns = dns_new(&b->loop, &(struct dns_config){ 0 });
}

void bed_dns(struct bed *b, const char *name, enum dns_type t, const char *rr)
{
	struct bed_dns *d = b->names;

	assert_true(d->n < NAMES);
	assert_true(str_copy(d->row[d->n].name, sizeof d->row[0].name, str_of(name)));
	assert_true(str_copy(d->row[d->n].rr, sizeof d->row[0].rr, str_of(rr)));
	d->row[d->n++].type = t;
}

int bed_dns_asked(const struct bed *b, const char *name)
{
	int n = 0;

	for (int i = 0; i < b->names->n; i++)
		if (strcmp(b->names->row[i].name, name) == 0)
			n += b->names->row[i].asked;
	return n;
}
