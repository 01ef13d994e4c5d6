/*
 * One Via (RFC 3261 20.42, 25.1; RFC 3581). Blanks may stand wherever the
 * grammar has them, which is nearly everywhere (RFC 4475 3.1.1.1).
 */
#include <string.h>

#include "sip/chars.h"
#include "sip/limits.h"
#include "sip/msg.h"

struct cur {
	const char *p, *end;
};

static void blanks(struct cur *c)
{
	while (c->p < c->end && ch_blank(*c->p))
		c->p++;
}

static struct str run(struct cur *c, unsigned class)
{
	const char *from = c->p;

	while (c->p < c->end && ch_is(*c->p, class))
		c->p++;
	return (struct str){ from, (size_t)(c->p - from) };
}

static bool take(struct cur *c, char ch)
{
	blanks(c);
	if (c->p == c->end || *c->p != ch)
		return false;
	c->p++;
	blanks(c);
	return true;
}

/* "SIP/2.0/UDP " */
static bool protocol(struct cur *c, struct sip_via *v)
{
	if (c->end - c->p > 8 && memcmp(c->p, "SIP/2.0/", 8) == 0) {
		c->p += 8;
	} else {
		if (!str_iis(run(c, CH_TOKEN), "SIP") || !take(c, '/'))
			return false;
		/* Another version is for the start line to refuse: 505 needs a way back. */
		if (run(c, CH_TOKEN).n == 0 || !take(c, '/'))
			return false;
	}
	v->transport = run(c, CH_TOKEN);
	if (v->transport.n == 0 || c->p == c->end || !ch_blank(*c->p))
		return false;
	blanks(c);
	return true;
}

static bool sent_by(struct cur *c, struct sip_via *v)
{
	uint32_t port;

	if (c->p < c->end && *c->p == '[') {
		c->p++;
		v->host = run(c, CH_IP6);
		if (c->p == c->end || *c->p++ != ']')
			return false;
	} else {
		v->host = run(c, CH_HOST);
	}
	if (v->host.n == 0)
		return false;
	if (take(c, ':')) {
		struct str digits = run(c, CH_HEX);

		if (ch_u32(digits, 65535, &port) != OK || port == 0)
			return false;
		v->port = (uint16_t)port;
	}
	return true;
}

/* A token, a host (received=2001:db8::1 with or without brackets), or "quoted". */
static bool value(struct cur *c, struct str *out)
{
	const char *from = c->p;

	if (c->p < c->end && *c->p == '"') {
		for (c->p++; c->p < c->end && *c->p != '"'; c->p++)
			if (*c->p == '\\' && c->p + 1 < c->end)
				c->p++;
		if (c->p == c->end)
			return false;
		c->p++;
		*out = (struct str){ from + 1, (size_t)(c->p - from) - 2 };
		return true;
	}
	while (c->p < c->end && (ch_is(*c->p, CH_TOKEN | CH_HOST | CH_IP6) || *c->p == '[' || *c->p == ']'))
		c->p++;
	*out = (struct str){ from, (size_t)(c->p - from) };
	return out->n > 0;
}

static void keep(struct sip_via *v, struct str name, struct str val)
{
	switch (name.n) {
	case 5:
		if (str_iis(name, "rport"))
			v->rport = true;
		break;
	case 6:
		if (!v->branch.p && str_iis(name, "branch"))
			v->branch = val;
		break;
	case 8:
		if (!v->received.p && str_iis(name, "received"))
			v->received = val;
		break;
	default:
		break;
	}
}

static enum err params(struct cur *c, struct sip_via *v)
{
	unsigned n = 0;
	const char *from = NULL, *last = c->p;

	while (take(c, ';')) {
		struct str name, val = STR_NONE;

		if (!from)
			from = c->p;
		name = run(c, CH_TOKEN);
		if (name.n == 0)
			return ERR_PARSE;
		last = c->p;
		if (take(c, '=')) {
			if (!value(c, &val))
				return ERR_PARSE;
			last = c->p;
		}
		/* What answers a request adds one more; it must be able to read that. */
		if ((v->received.p || !str_iis(name, "received")) && ++n > SIP_PARAM_MAX)
			return ERR_LIMIT;
		keep(v, name, val);
	}
	if (from)
		v->params = (struct str){ from, (size_t)(last - from) };
	return OK;
}

static bool unbracket(struct str *s)
{
	if (s->n >= 2 && s->p[0] == '[' && s->p[s->n - 1] == ']')
		*s = str_sub(*s, 1, s->n - 2);
	return s->n == 0 || ch_all(*s, CH_IP6);
}

enum err sip_via_parse(struct str s, struct sip_via *out, struct str *rest)
{
	struct cur c = { s.p, s.p + s.n };
	struct sip_via v = { 0 };
	enum err e;

	blanks(&c);
	v.raw.p = c.p;
	if (!protocol(&c, &v) || !sent_by(&c, &v))
		return ERR_PARSE;
	e = params(&c, &v);
	if (e)
		return e;
	v.raw = ch_trim((struct str){ v.raw.p, (size_t)(c.p - v.raw.p) });
	blanks(&c);
	if (c.p < c.end && *c.p != ',')
		return ERR_PARSE;
	if (v.branch.n > SIP_TOKEN_MAX)
		return ERR_LIMIT;
	if (!unbracket(&v.received))
		return ERR_PARSE;
	*rest = c.p < c.end ? (struct str){ c.p + 1, (size_t)(c.end - c.p) - 1 } : STR_NONE;
	*out = v;
	return OK;
}
