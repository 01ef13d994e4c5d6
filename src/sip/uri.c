#include "sip/uri.h"

#include <string.h>

#include "sip/chars.h"
#include "sip/limits.h"

static bool lit(struct str s, size_t at, const char *low, size_t n)
{
	if (s.n < at + n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (ch_lower(s.p[at + i]) != low[i])
			return false;
	return true;
}

/* Sets the scheme; the number of bytes of "scheme:", 0: there is none. */
static size_t scheme(struct str s, enum sip_scheme *out)
{
	size_t colon;

	if (lit(s, 0, "sip:", 4)) {
		*out = SIP_SCHEME_SIP;
		return 4;
	}
	if (lit(s, 0, "sips:", 5)) {
		*out = SIP_SCHEME_SIPS;
		return 5;
	}
	if (lit(s, 0, "tel:", 4)) {
		*out = SIP_SCHEME_TEL;
		return 4;
	}
	colon = str_find(s, ':');
	if (colon == s.n || colon == 0 || (unsigned)(ch_lower(s.p[0]) - 'a') > 25)
		return 0;
	/* alnum + - . : what a token may hold, less the exotic ones */
	if (!ch_all(str_sub(s, 0, colon), CH_TOKEN))
		return 0;
	*out = SIP_SCHEME_OTHER;
	return colon + 1;
}

static unsigned count(struct str s, char c)
{
	unsigned n = 0;
	size_t i;

	while ((i = str_find(s, c)) < s.n) {
		n++;
		s = str_sub(s, i + 1, s.n);
	}
	return n;
}

/* ";params?headers" or nothing. */
static enum err tail(struct str s, struct sip_uri *u)
{
	size_t q;

	if (s.n == 0)
		return OK;
	q = str_find(s, '?');
	if (q < s.n)
		u->headers = str_sub(s, q + 1, s.n);
	if (s.p[0] == ';')
		u->params = str_sub(s, 1, q - 1);
	if (count(u->params, ';') >= SIP_PARAM_MAX || count(u->headers, '&') >= SIP_PARAM_MAX)
		return ERR_LIMIT;
	return OK;
}

/* Host name, IPv4 or [IPv6]; the number of its bytes, 0: it is none. */
static size_t host(struct str s, struct str *out)
{
	size_t i = 0;

	if (s.n == 0 || s.p[0] != '[') {
		while (i < s.n && ch_is(s.p[i], CH_HOST))
			i++;
		*out = str_sub(s, 0, i);
		return i;
	}
	i = str_find(s, ']');
	*out = str_sub(s, 1, i - 1);
	if (i == s.n || !ch_all(*out, CH_IP6) || str_find(*out, ':') == out->n)
		return 0;
	return i + 1;
}

/* "host[:port]"; *n: how many bytes of s it was. */
static enum err hostport(struct str s, struct sip_uri *u, size_t *n)
{
	size_t i = host(s, &u->host), from;
	uint32_t port;

	if (i == 0)
		return ERR_PARSE;
	if (i < s.n && s.p[i] == ':') {
		from = ++i;
		while (i < s.n && (unsigned)(s.p[i] - '0') < 10)
			i++;
		if (ch_u32(str_sub(s, from, i - from), 65535, &port) != OK || port == 0)
			return ERR_PARSE;
		u->port = (uint16_t)port;
	}
	*n = i;
	return i == s.n || s.p[i] == ';' || s.p[i] == '?' ? OK : ERR_PARSE;
}

static enum err parse_sip(struct str s, struct sip_uri *u)
{
	size_t n, at = str_find(s, '@');
	enum err e;

	if (at < s.n) {
		struct str info = str_sub(s, 0, at);

		if (!str_cut(info, ':', &u->user, &u->password))
			u->password = STR_NONE;
		if (u->user.n == 0)
			return ERR_PARSE;
		s = str_sub(s, at + 1, s.n);
	}
	e = hostport(s, u, &n);
	return e ? e : tail(str_sub(s, n, s.n), u);
}

static enum err parse_tel(struct str s, struct sip_uri *u)
{
	size_t semi = str_find(s, ';');

	u->user = str_sub(s, 0, semi);
	if (u->user.n == 0)
		return ERR_PARSE;
	return tail(str_sub(s, semi, s.n), u);
}

enum err sip_uri_parse(struct str s, struct sip_uri *out)
{
	struct sip_uri u = { .raw = s };
	enum err e = OK;
	struct str rest;
	size_t n;

	if (s.n > SIP_URI_MAX)
		return ERR_LIMIT;
	if (!ch_uri(s))
		return ERR_PARSE;
	n = scheme(s, &u.scheme);
	if (n == 0)
		return ERR_PARSE;
	rest = str_sub(s, n, s.n);
	switch (u.scheme) {
	case SIP_SCHEME_SIP:
	case SIP_SCHEME_SIPS:
		e = parse_sip(rest, &u);
		break;
	case SIP_SCHEME_TEL:
		e = parse_tel(rest, &u);
		break;
	case SIP_SCHEME_NONE:
	case SIP_SCHEME_OTHER:
		break;
	}
	if (!e)
		*out = u;
	return e;
}

/* --- parameters --- */

/* Index behind a quoted string that begins at i; 0: it never ends. */
static size_t quoted(struct str s, size_t i)
{
	for (i++; i < s.n; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			return i + 1;
	}
	return 0;
}

/* Index of the first byte c that is not within quotes, or s.n. An open quote hides all. */
static size_t find_bare(struct str s, char c)
{
	size_t i = 0;

	while (i < s.n && s.p[i] != c) {
		if (s.p[i] != '"') {
			i++;
			continue;
		}
		i = quoted(s, i);
		if (i == 0)
			return s.n;
	}
	return i;
}

bool sip_param_next(struct str *rest, struct str *name, struct str *value)
{
	struct str one, v;
	size_t end, eq;

	if (!rest->p)
		return false;
	end = find_bare(*rest, ';');
	one = str_sub(*rest, 0, end);
	*rest = end < rest->n ? str_sub(*rest, end + 1, rest->n) : STR_NONE;
	eq = str_find(one, '=');
	v = ch_trim(str_sub(one, eq + 1, one.n));	/* empty without '=' */
	if (v.n >= 2 && v.p[0] == '"' && v.p[v.n - 1] == '"')
		v = str_sub(v, 1, v.n - 2);
	*name = ch_trim(str_sub(one, 0, eq));
	*value = v;
	return true;
}

struct str sip_param(struct str params, const char *name)
{
	struct str n, v, want = str_of(name);

	while (sip_param_next(&params, &n, &v))
		if (n.n == want.n && str_ieq(n, want))
			return v;
	return STR_NONE;
}

/* --- escapes --- */

/* One byte of an escaped text; *esc: it was written as %HH. */
static unsigned char next_byte(struct str s, size_t *i, bool *esc)
{
	size_t k = *i;

	if (s.p[k] == '%' && s.n - k >= 3 && ch_is(s.p[k + 1], CH_HEX) &&
	    ch_is(s.p[k + 2], CH_HEX)) {
		*i = k + 3;
		*esc = true;
		return (unsigned char)(ch_hex(s.p[k + 1]) << 4 | ch_hex(s.p[k + 2]));
	}
	*i = k + 1;
	*esc = false;
	return (unsigned char)s.p[k];
}

void sip_user_plain(struct buf *b, struct str user)
{
	size_t i = 0;
	bool esc;

	while (user.p && i < user.n)
		buf_ch(b, (char)next_byte(user, &i, &esc));
}

void sip_write_host(struct buf *b, struct str host)
{
	bool v6 = host.n && host.p[0] != '[' && memchr(host.p, ':', host.n);

	if (v6)
		buf_ch(b, '[');
	buf_put(b, host);
	if (v6)
		buf_ch(b, ']');
}

static void escaped(struct buf *b, struct str plain, char but)
{
	for (size_t i = 0; i < plain.n; i++) {
		if (ch_is(plain.p[i], CH_USER) && plain.p[i] != but) {
			buf_ch(b, plain.p[i]);
		} else {
			buf_ch(b, '%');
			buf_hex(b, plain.p + i, 1);
		}
	}
}

void sip_user_escaped(struct buf *b, struct str plain)
{
	escaped(b, plain, '\0');
}

void sip_number_escaped(struct buf *b, struct str plain)
{
	escaped(b, plain, ';');
}

/* --- equality, RFC 3261 19.1.4 --- */

/* The same text, escapes resolved; an escaped reserved byte is not the bare one. */
static bool same(struct str a, struct str b, bool icase)
{
	static const char reserved[] = ";/?:@&=+$,";
	size_t i = 0, k = 0;

	while (i < a.n && k < b.n) {
		bool ea, eb;
		char x = (char)next_byte(a, &i, &ea), y = (char)next_byte(b, &k, &eb);

		if (icase) {
			x = ch_lower(x);
			y = ch_lower(y);
		}
		if (x != y)
			return false;
		if (ea != eb && x && strchr(reserved, x))
			return false;
	}
	return i == a.n && k == b.n;
}

/* Both there and the same, or both absent. */
static bool same_part(struct str a, struct str b)
{
	if (!a.p || !b.p)
		return a.p == b.p;
	return same(a, b, false);
}

static bool must_match(struct str name)
{
	static const char *const list[] = { "user", "ttl", "method", "maddr", "transport" };

	for (size_t i = 0; i < sizeof list / sizeof *list; i++)
		if (str_iis(name, list[i]))
			return true;
	return false;
}

static struct str find_param(struct str params, struct str name)
{
	struct str n, v;

	while (sip_param_next(&params, &n, &v))
		if (str_ieq(n, name))
			return v;
	return STR_NONE;
}

/* Every parameter of a that b has too is equal; the ones that count are in both. */
static bool params_in(struct str a, struct str b)
{
	struct str n, v;

	while (sip_param_next(&a, &n, &v)) {
		struct str other = find_param(b, n);

		if (n.n == 0)
			continue;
		if (other.p ? !same(v, other, true) : must_match(n))
			return false;
	}
	return true;
}

static bool has_header(struct str headers, struct str one)
{
	struct str h;

	while (headers.p) {
		(void)str_cut(headers, '&', &h, &headers);	/* the last has none */
		if (same(h, one, true))
			return true;
	}
	return false;
}

static bool headers_in(struct str a, struct str b)
{
	struct str h;

	while (a.p) {
		(void)str_cut(a, '&', &h, &a);	/* the last has none */
		if (!has_header(b, h))
			return false;
	}
	return true;
}

/* RFC 3966 5: without visual separators. */
static bool same_number(struct str a, struct str b)
{
	static const char visual[] = "-.()";
	size_t i = 0, k = 0;

	for (;;) {
		while (i < a.n && a.p[i] && strchr(visual, a.p[i]))
			i++;
		while (k < b.n && b.p[k] && strchr(visual, b.p[k]))
			k++;
		if (i == a.n || k == b.n)
			return i == a.n && k == b.n;
		if (ch_lower(a.p[i++]) != ch_lower(b.p[k++]))
			return false;
	}
}

bool sip_uri_eq(const struct sip_uri *a, const struct sip_uri *b)
{
	if (a->scheme != b->scheme || a->scheme == SIP_SCHEME_NONE)
		return false;
	if (str_eq(a->raw, b->raw))
		return true;
	if (a->scheme == SIP_SCHEME_OTHER)
		return false;
	if (a->scheme == SIP_SCHEME_TEL) {
		if (!same_number(a->user, b->user))
			return false;
	} else if (!same_part(a->user, b->user) || !same_part(a->password, b->password) ||
		   !str_ieq(a->host, b->host) || a->port != b->port) {
		return false;
	}
	return params_in(a->params, b->params) && params_in(b->params, a->params) &&
	       headers_in(a->headers, b->headers) && headers_in(b->headers, a->headers);
}

/* --- name-addr --- */

/* End of a list element: the first comma outside of quotes. SIZE_MAX: a quote is open. */
static size_t element_end(struct str s, unsigned *nparam)
{
	size_t i = 0;

	while (i < s.n && s.p[i] != ',') {
		if (s.p[i] == ';')
			++*nparam;
		if (s.p[i] == '"') {
			i = quoted(s, i);
			if (i == 0)
				return SIZE_MAX;
		} else {
			i++;
		}
	}
	return i;
}

static struct str blanks(struct str s)
{
	while (s.n && ch_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	return s;
}

/* `"Display" <`; *at: index of the '<'. */
static enum err quoted_display(struct str s, struct str *out, size_t *at)
{
	size_t end = quoted(s, 0), i;

	if (end == 0)
		return ERR_PARSE;
	for (i = end; i < s.n && ch_blank(s.p[i]); i++)
		;
	if (i == s.n || s.p[i] != '<')
		return ERR_PARSE;
	*out = str_sub(s, 1, end - 2);
	*at = i;
	return OK;
}

/* Display name in front of '<'; *at: index of that, s.n: an addr-spec follows. */
static enum err display(struct str s, struct str *out, size_t *at)
{
	size_t i;

	if (s.n && s.p[0] == '"')
		return quoted_display(s, out, at);
	for (i = 0; i < s.n && s.p[i] != '<' && s.p[i] != ';' && s.p[i] != ','; i++)
		if (s.p[i] == '"')
			return ERR_PARSE;
	if (i == s.n || s.p[i] != '<') {
		*at = s.n;
		return OK;
	}
	*at = i;
	*out = ch_trim(str_sub(s, 0, i));
	if (out->n == 0)
		*out = STR_NONE;
	return OK;
}

/* The URI; *n: bytes of s up to the header parameters. */
static enum err address(struct str s, size_t at, struct sip_nameaddr *na, size_t *n)
{
	size_t i;

	if (at < s.n) {
		struct str in = str_sub(s, at + 1, s.n);

		i = str_find(in, '>');
		if (i == in.n)
			return ERR_PARSE;
		*n = at + i + 2;
		return sip_uri_parse(str_sub(in, 0, i), &na->uri);
	}
	/* 20.10: without brackets, what follows a ';' belongs to the header, '?' may not be. */
	for (i = 0; i < s.n && s.p[i] != ';' && s.p[i] != ','; i++)
		if (s.p[i] == '?')
			return ERR_PARSE;
	*n = i;
	return sip_uri_parse(ch_trim(str_sub(s, 0, i)), &na->uri);
}

enum err sip_nameaddr_parse(struct str s, struct sip_nameaddr *out, struct str *rest)
{
	struct sip_nameaddr na = { 0 };
	struct str t;
	size_t at, n, end;
	unsigned np = 0;
	enum err e;

	s = blanks(s);
	e = display(s, &na.display, &at);
	if (!e)
		e = address(s, at, &na, &n);
	if (e)
		return e;
	t = blanks(str_sub(s, n, s.n));
	if (t.n && t.p[0] != ';' && t.p[0] != ',')
		return ERR_PARSE;
	end = element_end(t, &np);
	if (end == SIZE_MAX)
		return ERR_PARSE;
	if (np > SIP_PARAM_MAX)
		return ERR_LIMIT;
	if (end && t.n)
		na.params = ch_trim(str_sub(t, 1, end - 1));
	na.raw = ch_trim(str_sub(s, 0, (size_t)(t.p - s.p) + end));
	*rest = end < t.n ? ch_trim(str_sub(t, end + 1, t.n)) : STR_NONE;
	*out = na;
	return OK;
}
