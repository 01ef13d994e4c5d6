#include "io/dns_wire.h"

enum { HEADER = 12, LABELS_MAX = 128, ANSWERS_MAX = 256 };

struct reader {
	const unsigned char *p;
	size_t n, at;
	bool bad;
};

static uint32_t number(struct reader *r, size_t bytes)
{
	uint32_t v = 0;

	if (r->bad || r->n - r->at < bytes) {
		r->bad = true;
		return 0;
	}
	while (bytes--)
		v = v << 8 | r->p[r->at++];
	return v;
}

static void skip(struct reader *r, size_t n)
{
	if (r->bad || r->n - r->at < n)
		r->bad = true;
	else
		r->at += n;
}

/* A name ends with an empty label or with one pointer, which is not followed. */
static void skip_name(struct reader *r)
{
	for (int i = 0; i < LABELS_MAX && !r->bad; i++) {
		uint32_t len = number(r, 1);

		if (len >= 0xc0) {
			skip(r, 1);
			return;
		}
		if (len == 0)
			return;
		if (len > 63)
			break;
		skip(r, len);
	}
	r->bad = true;
}

enum err dns_wire_ttl(struct str reply, uint32_t want, ms_t *ttl)
{
	struct reader r = { (const unsigned char *)reply.p, reply.n, 0, reply.n < HEADER };
	uint32_t questions, answers, least = UINT32_MAX;
	bool any = false;

	skip(&r, 4);
	questions = number(&r, 2);
	answers = number(&r, 2);
	skip(&r, 4);
	if (questions > 1 || answers > ANSWERS_MAX)
		return ERR_PARSE;
	for (uint32_t i = 0; i < questions; i++) {
		skip_name(&r);
		skip(&r, 4);
	}
	for (uint32_t i = 0; i < answers && !r.bad; i++) {
		uint32_t type, t;

		skip_name(&r);
		type = number(&r, 2);
		skip(&r, 2);
		t = number(&r, 4);
		skip(&r, number(&r, 2));
		if (type != want || r.bad)
			continue;
		any = true;
		t = t > INT32_MAX ? 0 : t;	/* RFC 2181 8 */
		least = t < least ? t : least;
	}
	if (r.bad)
		return ERR_PARSE;
	if (!any)
		return ERR_GONE;
	*ttl = (ms_t)least * 1000;
	return OK;
}
