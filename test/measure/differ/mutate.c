#include "mutate.h"

#include <string.h>

#include "base/buf.h"

/* What is put between two bytes. X-Evil is what must never be a header on the other side. */
static const char *const pieces[] = {
	"\r\nX-Evil: 1", "\nX-Evil: 1", "\rX-Evil: 1", "\r\n\r\nX-Evil: 1", "%0d%0aX-Evil: 1", "\r\n X-Evil: 1", "\r\n\tX-Evil: 1",
	"\\\r\nX-Evil: 1", "\"\r\nX-Evil: 1\"", ";x=\"\r\nX-Evil: 1\"", "\x0bX-Evil: 1", "\xc2\x85X-Evil: 1",
	"\xe2\x80\xa8X-Evil: 1", "\n\rX-Evil: 1", "\r\r\nX-Evil: 1", "<", ">", "\"", "\\", ";", ",", "?", "@", ":", "%", "%00", "%0a",
	"%", "&", "=", " ", "\t", "  ", "\x1b[2J", "\x7f", "\x01", "\xff", "\xc0\xaf", "\xf0\x9f\x98\x80", "[", "]", "(", ")",
	"(X-Evil: 1)", ";lr", ";tag=x", ";tag=", ";maddr=10.9.9.9", "?X-Evil=1", "?Replaces=a", ";method=BYE", "-", "'", "`", "{", "/../",
};
static const char *const lines[] = {
	"X-Evil: 1", "X-Evil : 1", "X-Evil\t: 1", " X-Evil: 1", "\tX-Evil: 1", ": X-Evil", "X-Evil", "X Evil: 1", "Content-Length: 0",
	"Content-Length: 5", "l: 5", "Content-Length: 00000000000000000000", "Content-Length: -1", "Content-Length: 1e3",
	"Content-Length : 5", "Content-Length: 5, 6", "Content-Length:", "CSeq: 7 BYE", "CSeq: 4294967296 INVITE", "Call-ID: other",
	"i: other", "From: <sip:evil@x>;tag=e", "f: <sip:evil@x>;tag=e", "To: <sip:evil@x>", "t: <sip:evil@x>;tag=e",
	"Via: SIP/2.0/UDP 10.9.9.9;branch=z9hG4bKe", "v: SIP / 2.0 / UDP 10.9.9.9", "Max-Forwards: 0", "Max-Forwards: 300",
	"Max-Forwards: 70", "Contact: *", "m: <sip:evil@10.9.9.9>", "Contact: <sip:a@b>, <sip:c@d>", "Route: <sip:10.9.9.9;lr>",
	"Record-Route: <sip:10.9.9.9;lr>", "Record-Route: <sip:10.9.9.9>", "Authorization: Digest username=\"a\"",
	"Proxy-Authorization: Basic x", "P-Asserted-Identity: \"a\r\n b\" <sip:5@x>", "P-Asserted-Identity: <tel:+1;x=\"y\">",
	"P-Asserted-Identity: \"\\\"\" <sip:5@x>", "Remote-Party-ID: \"x\\\" <sip:5@x>", "Remote-Party-ID: <sip:5@x>;party=calling",
	"Diversion: <sip:5@x>;reason=\"a;b,c\"", "Diversion: \"a,b\" <sip:5@x>, <sip:6@x>", "Privacy: id;header", "Privacy: id\r\n ;none",
	"Session-ID: 0", "Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=x\r\n y", "Session-Expires: 90;refresher=x",
	"Reason: SIP;cause=200;text=\"a\\\"b\"", "Reason: Q.850;cause=16;text=\"\r\n \"", "User-Agent: \x1b[31m", "Supported: a,,b",
	"Require: timer", "Content-Type: text/plain", "c: application/sdp;x=\"\r\n y\"", "Content-Encoding: gzip", "e: x",
	"Subject: \xff\xfe", "Cisco-Guid: 1-2-3-4", "Content-Type: multipart/mixed;boundary=x", "Unsupported: x\r\n\ty", "Timestamp: x",
	"Alert-Info: <http://x>", "Refer-To: <sip:x>", "Replaces: x", "Max-Breadth: 1", "Max-Breadth: x", "\0X",
};
#define N(a) (sizeof(a) / sizeof *(a))

static void splice(struct mutant *m, size_t at, size_t gone, struct str in)
{
	if (at > m->n)
		at = m->n;
	if (gone > m->n - at)
		gone = m->n - at;
	if (m->n - gone + in.n > MUTANT_MAX)
		return;
	memmove(m->p + at + in.n, m->p + at + gone, m->n - at - gone);
	if (in.n)
		memcpy(m->p + at, in.p, in.n);
	m->n = m->n - gone + in.n;
}

/* The i-th line: where it begins, and its length with its end. */
static size_t line_at(const struct mutant *m, unsigned i, size_t *n)
{
	size_t at = 0;

	for (;;) {
		const char *nl = at < m->n ? memchr(m->p + at, '\n', m->n - at) : NULL;
		size_t end = nl ? (size_t)(nl - m->p) + 1 : m->n;

		*n = end - at;
		if (i-- == 0 || end >= m->n)
			return at;
		at = end;
	}
}

static unsigned line_count(const struct mutant *m)
{
	unsigned c = 1;

	for (size_t i = 0; i < m->n; i++)
		c += m->p[i] == '\n';
	return c;
}

struct str lenders_line(const struct lenders *l, struct rng *r)
{
	struct str m = l->n ? l->msg[rng_below(r, (uint32_t)l->n)] : STR_NONE;

	for (int tries = 0; m.n && tries < 20; tries++) {
		size_t at = rng_below(r, (uint32_t)m.n), end = at;

		while (at > 0 && m.p[at - 1] != '\n')
			at--;
		while (end < m.n && m.p[end] != '\n' && m.p[end] != '\r')
			end++;
		if (end > at + 2)
			return (struct str){ m.p + at, end - at };
	}
	return STR_NONE;
}

static void add_line(struct mutant *m, struct str line, struct rng *r)
{
	size_t n, at = line_at(m, 1 + rng_below(r, line_count(m)), &n);

	splice(m, at, 0, STR("\r\n"));
	splice(m, at, 0, line);
}

static void change_line(struct mutant *m, struct rng *r)
{
	char copy[2048];
	size_t n, at = line_at(m, rng_below(r, line_count(m)), &n);
	size_t colon = n ? (size_t)((const char *)memchr(m->p + at, ':', n) - (m->p + at)) : n;

	if (n >= sizeof copy)
		return;
	memcpy(copy, m->p + at, n);
	switch (rng_below(r, 5)) {
	case 0:
		splice(m, at, 0, (struct str){ copy, n });	/* twice */
		break;
	case 1:
		splice(m, at, n, STR_NONE);			/* not at all */
		break;
	case 2:
		if (n > 2 && m->p[at + n - 2] == '\r')
			splice(m, at + n - 2, 1, STR_NONE);	/* LF alone */
		break;
	case 3:
		if (colon < n)
			splice(m, at + colon, 0, rng_below(r, 2) ? STR(" ") : STR("\r\n "));
		break;
	default:						/* elsewhere */
		splice(m, at, n, STR_NONE);
		splice(m, line_at(m, 1 + rng_below(r, line_count(m)), &(size_t){ 0 }), 0, (struct str){ copy, n });
		break;
	}
}

static void change_number(struct mutant *m, struct rng *r)
{
	static const char *const number[] = { "0", "-1", "65536", "4294967295", "4294967296", "99999999999999999999", "00", "1.5", "0x10", "" };
	size_t at = rng_below(r, (uint32_t)m->n), end;

	while (at < m->n && (m->p[at] < '0' || m->p[at] > '9'))
		at++;
	for (end = at; end < m->n && m->p[end] >= '0' && m->p[end] <= '9';)
		end++;
	splice(m, at, end - at, str_of(number[rng_below(r, N(number))]));
}

static void change(struct mutant *m, const struct lenders *l, struct rng *r)
{
	size_t at = rng_below(r, (uint32_t)m->n + 1);
	char byte = (char)rng_below(r, 256);

	switch (rng_below(r, 10)) {
	case 0:
		splice(m, at, 1, (struct str){ &byte, 1 });
		break;
	case 1:
		splice(m, at, 0, (struct str){ &byte, 1 });
		break;
	case 2:
		splice(m, at, 1 + rng_below(r, 4), STR_NONE);
		break;
	case 3:
	case 4:
		splice(m, at, 0, str_of(pieces[rng_below(r, N(pieces))]));
		break;
	case 5:
		add_line(m, str_of(lines[rng_below(r, N(lines))]), r);
		break;
	case 6:
		add_line(m, lenders_line(l, r), r);
		break;
	case 7:
		change_number(m, r);
		break;
	default:
		change_line(m, r);
		break;
	}
}

/* What the body is, says the first Content-Length. */
static void mend_length(struct mutant *m)
{
	const char *end = memmem(m->p, m->n, "\r\n\r\n", 4), *at = memmem(m->p, m->n, "\r\nContent-Length: ", 18);
	char text[24];
	size_t from, to;
	struct buf b;

	if (!end || !at || at > end)
		return;
	from = to = (size_t)(at - m->p) + 18;
	while (to < m->n && m->p[to] >= '0' && m->p[to] <= '9')
		to++;
	buf_init(&b, text, sizeof text);
	buf_fmt(&b, "%zu", m->n - (size_t)(end + 4 - m->p));
	splice(m, from, to - from, buf_str(&b));
}

void mutate(struct mutant *m, const struct lenders *l, struct rng *r)
{
	for (unsigned n = rng_below(r, 4); n > 0 && m->n; n--)
		change(m, l, r);
	if (rng_below(r, 10) < 8)
		mend_length(m);
}
