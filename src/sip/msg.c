#include "sip/msg.h"

#include <endian.h>
#include <string.h>

#include "sip/chars.h"
#include "sip/limits.h"
#include "sip/msg_int.h"

struct scan {
	const char *p, *end;		/* what is left; end of the bytes */
	struct arena *arena;
	struct sip_msg *m;
	enum err err;			/* the first fault */
	struct sip_refuse why;
	unsigned nlisted;		/* elements of the lists we count */
	uint16_t n, last[SIP_NHDR];
	struct sip_hdr hdr[SIP_HDR_MAX];
};

/* The first fault is the one that is told; parsing goes on, to be able to answer. */
static void fault(struct scan *s, enum err e, unsigned status, const char *phrase)
{
	if (s->err)
		return;
	s->err = e;
	s->why = (struct sip_refuse){ status, phrase };
}

static void bad(struct scan *s, const char *phrase)
{
	fault(s, ERR_PARSE, 400, phrase);
}

/* --- lines --- */

static bool clean_byte(const char *p, const char *from)
{
	unsigned char c = (unsigned char)*p;

	if ((c >= 0x20 && c != 0x7f) || c == '\t')
		return true;
	/* RFC 3261 25.1 quoted-pair; CR and LF may not be escaped. */
	return c != '\r' && p > from && p[-1] == '\\';
}

/* Of eight bytes the top bits: set for the first that is below 0x20, or 0x7f or above, and for
 * none before it. Plain text has none; what has one is looked at byte by byte. */
static uint64_t suspects(const char *p)
{
	const uint64_t each = 0x0101010101010101u;
	uint64_t v;

	memcpy(&v, p, 8);
	v = le64toh(v);		/* the first byte lowest: what it borrows or carries goes up */
	return ((v - each * 0x20) | (v + each)) & each * 0x80;
}

/* As suspects(), for ':'. */
static uint64_t colons(const char *p)
{
	const uint64_t each = 0x0101010101010101u;
	uint64_t v;

	memcpy(&v, p, 8);
	v = le64toh(v) ^ each * ':';
	return (v - each) & ~v & each * 0x80;
}

static size_t first(uint64_t tops)
{
	return (size_t)__builtin_ctzll(tops) / 8;
}

/* Where printable ASCII ends: at the first other byte, or at end. */
static const char *plain(const char *p, const char *end)
{
	while (end - p >= 16) {
		uint64_t one = suspects(p), two = suspects(p + 8);

		if (one | two)
			return one ? p + first(one) : p + 8 + first(two);
		p += 16;
	}
	while (p < end && *p >= ' ' && *p <= '~')	/* char is signed or not: both end there */
		p++;
	return p;
}

/* No control bytes between. */
static bool clean(const char *from, const char *end)
{
	const char *p = from;
	uint64_t any = 0;

	if (end - from >= 8) {
		for (; end - p > 8; p += 8)
			any |= suspects(p);
		any |= suspects(end - 8);
		if (!any)
			return true;
	}
	for (p = from; p < end; p++)
		if (!clean_byte(p, from))
			return false;
	return true;
}

struct line {
	struct str text;	/* without its CRLF, with its folds still inside */
	bool folded;
	bool broken;		/* not to be looked at, nor ever sent back */
};

static void spoil(struct scan *s, struct line *l, const char *phrase)
{
	bad(s, phrase);
	l->broken = true;
}

/* Any line, with what is wrong in it; false: there is no more. */
static __attribute__((noinline, cold)) bool odd_line(struct scan *s, struct line *l)
{
	const char *from = s->p, *q = from, *nl;

	l->folded = l->broken = false;
	for (;;) {
		nl = q < s->end ? memchr(q, '\n', (size_t)(s->end - q)) : NULL;
		if (!nl) {
			bad(s, "No empty line after the header");
			s->p = s->end;
			return false;
		}
		s->p = nl + 1;
		if (nl == q || nl[-1] != '\r') {
			spoil(s, l, "Line without CRLF");
			break;
		}
		if (!clean(q, nl - 1))
			spoil(s, l, "Control character");
		if (nl - 1 == from || s->p == s->end || !ch_blank(*s->p))
			break;
		l->folded = true;
		q = s->p;
	}
	l->text = (struct str){ from, (size_t)(nl - from) - !l->broken };
	return true;
}

/* false: there is no more. Nearly all lines are printable ASCII up to their CRLF. */
static inline bool next_line(struct scan *s, struct line *l)
{
	const char *from = s->p, *cr = plain(from, s->end);

	if (s->end - cr < 3 || memcmp(cr, "\r\n", 2) != 0 || (ch_blank(cr[2]) && cr > from))
		return odd_line(s, l);
	s->p = cr + 2;
	*l = (struct line){ { from, (size_t)(cr - from) }, false, false };
	return true;
}

/* A folded value on one line, RFC 3261 7.3.1. */
static struct str unfold(struct scan *s, struct str v)
{
	char *d = arena_get(s->arena, v.n + 1);

	if (!d) {
		fault(s, ERR_LIMIT, 513, NULL);
		return STR("");
	}
	for (size_t i = 0; i < v.n; i++)
		d[i] = v.p[i] == '\r' || v.p[i] == '\n' ? ' ' : v.p[i];
	return (struct str){ d, v.n };
}

/* Where the name ends: at its colon; n: there is none. */
static size_t colon(struct str line)
{
	size_t i = 0;

	for (; i + 8 <= line.n; i += 8) {
		uint64_t tops = colons(line.p + i);

		if (tops)
			return i + first(tops);
	}
	while (i < line.n && line.p[i] != ':')
		i++;
	return i;
}

static void add_header(struct scan *s, const struct line *l)
{
	struct sip_hdr *h = &s->hdr[s->n];
	struct str line = l->text, name = { line.p, colon(line) };
	size_t k = name.n;
	enum sip_hdr_id id = sip_hdr_of(name);

	if (id == SIP_H_OTHER) {	/* 7.3.1: blanks may stand before the colon */
		while (name.n && ch_blank(name.p[name.n - 1]))
			name.n--;
		id = sip_hdr_of(name);
	}
	if (k == line.n || (id == SIP_H_OTHER && !ch_all(name, CH_TOKEN))) {
		bad(s, "Bad header line");
		return;
	}
	if (line.n > SIP_HDR_LINE_MAX) {
		fault(s, ERR_LIMIT, 513, "Header Too Long");
		return;
	}
	if (s->n == SIP_HDR_MAX) {
		fault(s, ERR_LIMIT, 400, "Too Many Headers");
		return;
	}
	h->name = name;
	h->value = (struct str){ line.p + k + 1, line.n - k - 1 };
	if (l->folded)
		h->value = unfold(s, h->value);
	h->value = ch_trim(h->value);
	h->next = 0;
	h->id = id;
	s->n++;
	if (s->last[h->id])
		s->hdr[s->last[h->id] - 1].next = s->n;
	else
		s->m->first[h->id] = s->n;
	s->last[h->id] = s->n;
}

static void headers(struct scan *s)
{
	struct line l;

	while (next_line(s, &l)) {
		if (l.text.n == 0)
			return;
		if (!l.broken)
			add_header(s, &l);
		if (s->p - s->m->raw.p > SIP_HEAD_MAX) {
			fault(s, ERR_LIMIT, 513, NULL);
			return;
		}
	}
}

/* --- start line --- */

static bool is_version(struct str s)
{
	return s.n == 7 && (memcmp(s.p, "SIP/2.0", 7) == 0 || str_iis(s, "SIP/2.0"));
}

static void request_line(struct scan *s, struct str line)
{
	struct sip_msg *m = s->m;
	struct str uri, version;
	enum err e;

	m->request = true;
	(void)str_cut(line, ' ', &m->method_name, &uri);	/* checked just below */
	m->method = m->method_name.n ? sip_method_of(m->method_name) : SIP_METHOD_OTHER;
	if (!ch_all(m->method_name, CH_TOKEN) || !str_cut(uri, ' ', &uri, &version)) {
		bad(s, "Bad request line");
		return;
	}
	version = str_trim(version);	/* RFC 4475 3.1.2.10: blanks at the end are let pass */
	if (!is_version(version)) {
		if (version.n > 4 && str_iis(str_sub(version, 0, 4), "SIP/") &&
		    str_find(version, ' ') == version.n)
			fault(s, ERR_PARSE, 505, NULL);
		else
			bad(s, "Bad request line");
	}
	e = sip_uri_parse(uri, &m->uri);
	if (e == ERR_LIMIT)
		fault(s, e, 414, NULL);
	else if (e || m->uri.headers.p)		/* 19.1.1: no headers in a Request-URI */
		bad(s, "Bad Request-URI");
}

static void status_line(struct scan *s, struct str line)
{
	struct sip_msg *m = s->m;
	struct str version, code;
	uint32_t v;

	(void)str_cut(line, ' ', &version, &code);	/* checked by what follows */
	(void)str_cut(code, ' ', &code, &m->phrase);	/* the phrase may be missing */
	if (!is_version(version) || code.n != 3 || ch_u32(code, 699, &v) != OK || v < 100) {
		bad(s, "Bad status line");
		return;
	}
	m->status = v;
	if (!m->phrase.p)
		m->phrase = STR("");
}

static void start_line(struct scan *s)
{
	struct line l;

	if (!next_line(s, &l))
		return;
	if (l.folded)
		bad(s, "Folded start line");
	if (l.text.n >= 4 && str_iis(str_sub(l.text, 0, 4), "SIP/"))
		status_line(s, l.text);
	else
		request_line(s, l.text);
}

/* --- the structured ones --- */

static unsigned elements(struct str v)
{
	bool quote = false, angle = false;
	unsigned n = 1;

	if (v.n == 0 || !memchr(v.p, ',', v.n))
		return 1;
	for (size_t i = 0; i < v.n; i++) {
		if (quote && v.p[i] == '\\')
			i++;
		else if (v.p[i] == '"')
			quote = !quote;
		else if (!quote && v.p[i] == '<')
			angle = true;
		else if (v.p[i] == '>')
			angle = false;
		else if (v.p[i] == ',' && !quote && !angle)
			n++;
	}
	return n;
}

static unsigned count(struct scan *s, enum sip_hdr_id id, unsigned max, const char *phrase)
{
	unsigned n = 0;

	for (uint16_t i = s->m->first[id]; i; i = s->hdr[i - 1].next)
		n += elements(s->hdr[i - 1].value);
	s->nlisted += n;
	if (n > max || s->nlisted > SIP_HDR_MAX)
		fault(s, ERR_LIMIT, 400, phrase);
	return n;
}

/* The only value of a header; absent when there is none, or more than one. */
static struct str only(struct scan *s, enum sip_hdr_id id, const char *twice)
{
	uint16_t i = s->m->first[id];

	if (!i)
		return STR_NONE;
	if (s->hdr[i - 1].next) {
		bad(s, twice);
		return STR_NONE;
	}
	return s->hdr[i - 1].value;
}

static void via(struct scan *s)
{
	struct sip_msg *m = s->m;
	struct str rest, v;

	if (!m->first[SIP_H_VIA]) {
		bad(s, "Missing Via");
		return;
	}
	m->nvia = count(s, SIP_H_VIA, SIP_VIA_MAX, "Too Many Hops");
	v = s->hdr[m->first[SIP_H_VIA] - 1].value;
	if (sip_via_parse(v, &m->via, &rest) == OK)
		return;
	bad(s, "Bad Via");
	(void)str_cut(v, ';', &v, &rest);
	(void)sip_via_parse(v, &m->via, &rest);	/* its sent-by is enough to answer */
}

/* A token (RFC 3261 25.1); phones that put '=' or '@' there are let pass, bytes that no text has
 * are not: we would have to write them back. */
static bool is_tag(struct str t)
{
	for (size_t i = 0; i < t.n; i++)
		if (t.p[i] < '!' || t.p[i] > '~')	/* char is signed or not: both refuse */
			return false;
	return t.n > 0 && t.n <= SIP_TOKEN_MAX;
}

static void address(struct scan *s, enum sip_hdr_id id, struct sip_nameaddr *na, struct str *tag)
{
	static const char *const text[2][3] = {
		{ "More than one From", "Missing From", "Bad From" },
		{ "More than one To", "Missing To", "Bad To" },
	};
	const char *const *say = text[id == SIP_H_TO];
	struct str rest, v = only(s, id, say[0]);

	if (!v.p) {
		bad(s, say[1]);
		return;
	}
	if (sip_nameaddr_parse(v, na, &rest) != OK || rest.p) {
		bad(s, say[2]);
		return;
	}
	*tag = na->params.n ? sip_param(na->params, "tag") : STR_NONE;
	if (tag->p && !is_tag(*tag))
		bad(s, say[2]);
}

static void call_id(struct scan *s)
{
	struct str v = only(s, SIP_H_CALL_ID, "More than one Call-ID");

	if (v.n == 0)
		bad(s, "Missing Call-ID");
	else if (v.n > SIP_CALLID_MAX || memchr(v.p, ' ', v.n) || memchr(v.p, '\t', v.n))
		bad(s, "Bad Call-ID");
	s->m->call_id = v;
}

static void cseq(struct scan *s)
{
	struct sip_msg *m = s->m;
	struct str v = only(s, SIP_H_CSEQ, "More than one CSeq"), name;
	size_t i = 0;

	if (v.n == 0) {
		bad(s, "Missing CSeq");
		return;
	}
	while (i < v.n && !ch_blank(v.p[i]))
		i++;
	name = str_trim(str_sub(v, i, v.n));
	if (ch_u32(str_sub(v, 0, i), SIP_CSEQ_MAX, &m->cseq) != OK || !ch_all(name, CH_TOKEN)) {
		bad(s, "Bad CSeq");
		return;
	}
	m->cseq_method = sip_method_of(name);
	if (!m->request) {
		m->method = m->cseq_method;
		m->method_name = name;
	} else if (!str_eq(name, m->method_name)) {
		bad(s, "CSeq method is not the request's");
	}
}

static void max_forwards(struct scan *s)
{
	struct str v = only(s, SIP_H_MAX_FORWARDS, "More than one Max-Forwards");

	s->m->max_forwards = UINT32_MAX;
	if (v.p && ch_u32(v, SIP_MAXFWD_MAX, &s->m->max_forwards) != OK)
		bad(s, "Bad Max-Forwards");
}

static void body(struct scan *s)
{
	struct sip_msg *m = s->m;
	struct str v = only(s, SIP_H_CONTENT_LENGTH, "More than one Content-Length");
	size_t left = (size_t)(s->end - s->p);
	uint32_t n = 0;

	if (v.p) {
		if (ch_u32(v, UINT32_MAX, &n) != OK)
			bad(s, "Bad Content-Length");
		else if (n > left)
			bad(s, "Content-Length is larger than the message");
		else
			left = n;	/* RFC 3261 18.3: the rest is not ours */
	}
	if (left > SIP_BODY_MAX) {
		fault(s, ERR_LIMIT, 513, NULL);
		left = 0;
	}
	m->raw.n = (size_t)(s->p - m->raw.p) + left;
	m->body.type = only(s, SIP_H_CONTENT_TYPE, "More than one Content-Type");
	if (left)
		m->body.bytes = (struct str){ s->p, left };
}

static void structured(struct scan *s)
{
	struct sip_msg *m = s->m;

	via(s);
	address(s, SIP_H_FROM, &m->from, &m->from_tag);
	address(s, SIP_H_TO, &m->to, &m->to_tag);
	call_id(s);
	cseq(s);
	max_forwards(s);
	if (m->first[SIP_H_CONTACT])
		(void)count(s, SIP_H_CONTACT, SIP_CONTACT_MAX, "Too Many Contacts");
	if (m->first[SIP_H_ROUTE])
		(void)count(s, SIP_H_ROUTE, SIP_ROUTE_MAX, "Too Many Routes");
	if (m->first[SIP_H_RECORD_ROUTE])
		(void)count(s, SIP_H_RECORD_ROUTE, SIP_ROUTE_MAX, "Too Many Routes");
	body(s);
}

/* --- all of it --- */

static struct str without_crlf(struct str s)
{
	while (s.n >= 2 && s.p[0] == '\r' && s.p[1] == '\n')
		s = str_sub(s, 2, s.n);		/* RFC 3261 7.5 */
	return s;
}

static bool keep_headers(struct scan *s)
{
	size_t n = s->n * sizeof *s->hdr;
	struct sip_hdr *h = arena_get(s->arena, n + 1);

	if (!h)
		return false;
	if (n)
		memcpy(h, s->hdr, n);
	s->m->hdr = h;
	s->m->nhdr = s->n;
	return true;
}

enum err sip_msg_parse(struct str bytes, struct arena *a, struct sip_msg **out,
		       struct sip_refuse *refuse)
{
	struct scan s;		/* not zeroed: its 8 KB hdr[] is written before it is read */
	bool answer;

	*refuse = (struct sip_refuse){ 0, NULL };
	bytes = without_crlf(bytes);
	s.p = bytes.p;
	s.end = bytes.p + bytes.n;
	s.arena = a;
	s.err = OK;
	s.why = *refuse;
	s.n = 0;
	s.nlisted = 0;
	memset(s.last, 0, sizeof s.last);
	s.m = arena_get(a, sizeof *s.m);
	if (bytes.n == 0)
		return ERR_PARSE;
	if (!s.m)
		return ERR_LIMIT;
	s.m->raw = bytes;
	if (bytes.n > SIP_MSG_MAX)
		fault(&s, ERR_LIMIT, 513, NULL);
	start_line(&s);
	headers(&s);
	structured(&s);
	if (!keep_headers(&s))
		return ERR_LIMIT;
	/* Nobody answers a response or an ACK, nor where there is no way back. */
	answer = s.m->request && s.m->method != SIP_ACK && s.m->via.host.n;
	if (s.err && answer)
		*refuse = s.why;
	if (!s.err || answer)
		*out = s.m;
	return s.err;
}
