#include "sdp/sdp.h"

#include <string.h>

static const struct { const char *name; uint8_t key; } suites[SDP_NSUITE] = {
	[SDP_SUITE_NONE] = { "none", 0 },
	[SDP_AES_CM_80] = { "AES_CM_128_HMAC_SHA1_80", 30 },
	[SDP_AES_CM_32] = { "AES_CM_128_HMAC_SHA1_32", 30 },
	[SDP_AES_GCM] = { "AEAD_AES_128_GCM", 28 },
};

const char *sdp_suite_str(enum sdp_suite s)
{
	return suites[s].name;
}

uint8_t sdp_suite_key(enum sdp_suite s)
{
	return suites[s].key;
}

const char *sdp_dir_str(enum sdp_dir d)
{
	static const char *const name[] = { "sendrecv", "sendonly", "recvonly", "inactive" };

	return name[d];
}

/* The next word; several spaces count as one. Absent at the end. */
static struct str word(struct str *s)
{
	struct str w, rest;

	(void)str_cut(str_trim(*s), ' ', &w, &rest);
	*s = rest;
	return w;
}

/* RFC 8866 9: token; '/' too, for "RTP/SAVP". What is echoed in an answer is one of these. */
static bool is_token(struct str s)
{
	static const char other[] = "!#$%&'*+-.^_`{|}~/";

	if (!s.n || s.n > SDP_TOKEN_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
			     (c >= 'a' && c <= 'z');

		if (!alnum && !memchr(other, c, sizeof other - 1))
			return false;
	}
	return true;
}

static bool printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 32 || s.p[i] == 127)
			return false;
	return true;
}

/* --- a=crypto (RFC 4568 9.1) -------------------------------------------- */

static int b64(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static enum err unbase64(struct str s, struct sdp_crypto *c)
{
	uint32_t acc = 0;
	unsigned bits = 0;

	for (int pad = 0; pad < 2 && s.n && s.p[s.n - 1] == '='; pad++)
		s.n--;
	for (size_t i = 0; i < s.n; i++) {
		int v = b64(s.p[i]);

		if (v < 0)
			return ERR_PARSE;
		acc = acc << 6 | (uint32_t)v;
		bits += 6;
		if (bits < 8)
			continue;
		if (c->key_n == suites[c->suite].key)
			return ERR_PARSE;
		bits -= 8;
		c->key[c->key_n++] = (uint8_t)(acc >> bits);
	}
	return c->key_n == suites[c->suite].key ? OK : ERR_PARSE;
}

/* "2^31" or a plain number. Ours ends earlier than any that is allowed. */
static enum err life_time(struct str s)
{
	uint64_t n;

	if (str_starts(s, STR("2^")))
		return str_u64(str_sub(s, 2, s.n), 48, &n);
	return str_u64(s, 1ull << 48, &n);
}

static enum err mki(struct str id, struct str len, struct sdp_crypto *c)
{
	uint32_t n;
	uint64_t value;

	if (str_u32(len, 128, &n) || !n || str_u64(id, UINT64_MAX, &value))
		return ERR_PARSE;
	if (n > 4)
		return ERR_GONE;	/* legal; nobody sends one */
	if (value >> (8 * n))
		return ERR_PARSE;
	c->mki = (uint32_t)value;
	c->mki_n = (uint8_t)n;
	return OK;
}

/* "2^31|1:1": a life time and an MKI with its length, both optional, in this order. */
static enum err key_params(struct str rest, struct sdp_crypto *c)
{
	struct str part, id, len;

	if (!rest.p)
		return OK;
	(void)str_cut(rest, '|', &part, &rest);
	if (!str_cut(part, ':', &id, &len)) {
		if (life_time(part))
			return ERR_PARSE;
		if (!rest.p)
			return OK;
		part = rest;
		rest = STR_NONE;
		if (!str_cut(part, ':', &id, &len))
			return ERR_PARSE;
	}
	return rest.p ? ERR_PARSE : mki(id, len, c);
}

/* RFC 4568 6.3.7: a parameter we do not know makes the line unusable, unless it begins with
 * "-". WSH is a hint about a window we size ourselves. */
static enum err session_params(struct str v)
{
	while (v.p) {
		struct str p = word(&v);

		if (p.n && p.p[0] != '-' && !str_starts(p, STR("WSH=")))
			return ERR_GONE;
	}
	return OK;
}

enum err sdp_crypto_parse(struct str v, struct sdp_crypto *c)
{
	struct sdp_crypto r = { 0 };
	struct str tag = word(&v), suite = word(&v), params = word(&v), key, rest;
	enum err e = str_u32(tag, 999999999, &r.tag);

	if (e || !suite.n || !str_starts(params, STR("inline:")))
		return ERR_PARSE;
	for (int i = SDP_AES_CM_80; i < SDP_NSUITE; i++)
		if (str_is(suite, suites[i].name))
			r.suite = (enum sdp_suite)i;
	if (r.suite == SDP_SUITE_NONE || str_find(params, ';') < params.n)
		return ERR_GONE;	/* ';' is a second key: one is all we keep */
	(void)str_cut(str_sub(params, 7, params.n), '|', &key, &rest);
	e = unbase64(key, &r);
	if (!e)
		e = key_params(rest, &r);
	if (!e)
		e = session_params(v);
	if (!e)
		*c = r;
	mem_wipe(&r, sizeof r);
	return e;
}

/* --- lines --------------------------------------------------------------- */

/* A host name where an address should be (legal, never seen) leaves the family NONE: only
 * the line that needs it is refused. */
static enum err connection(struct str v, struct addr *a)
{
	struct str net = word(&v), type = word(&v), ip, ttl;

	v = str_trim(v);
	if (!str_is(net, "IN") || !(str_is(type, "IP4") || str_is(type, "IP6")) || !v.n)
		return ERR_PARSE;
	(void)str_cut(v, '/', &ip, &ttl);
	*a = (struct addr){ .family = ADDR_NONE };
	(void)addr_parse_ip(ip, a);	/* no address: see above */
	return OK;
}

static enum err origin(struct str v, struct sdp *s)
{
	struct str ver;

	s->origin_user = word(&v);
	s->origin_id = word(&v);
	ver = word(&v);
	s->origin_addr = v;
	return s->origin_id.n ? str_u64(ver, UINT64_MAX, &s->version) : ERR_PARSE;
}

static const struct { uint8_t pt; const char *name; uint32_t clock; } fixed[] = {
	{ 0, "PCMU", 8000 }, { 3, "GSM", 8000 }, { 4, "G723", 8000 }, { 8, "PCMA", 8000 },
	{ 9, "G722", 8000 }, { 13, "CN", 8000 }, { 15, "G728", 8000 }, { 18, "G729", 8000 },
};

static enum err add_format(struct sdp_media *m, struct str f)
{
	struct sdp_fmt *x;
	uint32_t pt;
	enum err e = str_u32(f, 127, &pt);

	if (e)
		return ERR_PARSE;
	for (int i = 0; i < m->nfmt; i++)
		if (m->fmt[i].pt == pt)
			return OK;	/* named twice: once is enough */
	if (m->nfmt == SDP_FMT_MAX)
		return OK;		/* the first ones are the preferred ones */
	x = &m->fmt[m->nfmt++];
	*x = (struct sdp_fmt){ .pt = (uint8_t)pt, .channels = 1 };
	for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
		if (fixed[i].pt == pt) {
			x->name = str_of(fixed[i].name);
			x->clock = fixed[i].clock;
		}
	return OK;
}

static enum err media_port(struct str v, uint16_t *out)
{
	struct str port, count;
	uint32_t p, n;

	(void)str_cut(v, '/', &port, &count);
	if (str_u32(port, 65535, &p) || (count.p && str_u32(count, 65535, &n)))
		return ERR_PARSE;
	*out = (uint16_t)p;
	return OK;
}

static enum err media_line(struct str v, struct sdp *s)
{
	struct sdp_media *m = &s->media[s->nmedia];
	struct str rest;

	if (s->nmedia == SDP_MEDIA_MAX)
		return ERR_LIMIT;
	*m = (struct sdp_media){ .dir = s->dir, .conn = s->conn };
	m->kind = word(&v);
	if (media_port(word(&v), &m->port))
		return ERR_PARSE;
	m->proto_text = word(&v);
	if (!is_token(m->kind) || !is_token(m->proto_text))
		return ERR_PARSE;
	m->proto = str_is(m->proto_text, "RTP/AVP") ? SDP_RTP_AVP
		 : str_is(m->proto_text, "RTP/SAVP") ? SDP_RTP_SAVP : SDP_PROTO_OTHER;
	m->audio = str_is(m->kind, "audio") && m->proto != SDP_PROTO_OTHER;
	m->formats = rest = v;
	while (m->audio && rest.p) {
		struct str f = word(&rest);

		if (f.n && add_format(m, f))
			return ERR_PARSE;
	}
	s->nmedia++;
	return OK;
}

static struct sdp_fmt *format_of(struct sdp_media *m, uint32_t pt)
{
	for (int i = 0; i < m->nfmt; i++)
		if (m->fmt[i].pt == pt)
			return &m->fmt[i];
	return NULL;
}

static enum err rtpmap(struct sdp_media *m, struct str v)
{
	struct str pt = word(&v), name, rest, clock, ch;
	struct sdp_fmt *f;
	uint32_t n, hz, channels = 1;

	if (str_u32(pt, 127, &n))
		return ERR_PARSE;
	(void)str_cut(str_trim(v), '/', &name, &rest);
	(void)str_cut(rest, '/', &clock, &ch);
	if (!name.n || str_u32(clock, 1000000, &hz) || !hz)
		return ERR_PARSE;
	if (ch.p && (str_u32(ch, 255, &channels) || !channels))
		return ERR_PARSE;
	f = format_of(m, n);
	if (!f)
		return OK;		/* mapped but not offered */
	m->duplicate_pt |= f->mapped && !(str_ieq(f->name, name) && f->clock == hz &&
					  f->channels == channels);
	f->mapped = true;
	f->name = is_token(name) ? name : STR_NONE;	/* none of ours */
	f->clock = hz;
	f->channels = (uint8_t)channels;
	return OK;
}

static bool direction(struct str v, enum sdp_dir *d)
{
	for (int i = SDP_SENDRECV; i <= SDP_INACTIVE; i++)
		if (str_is(v, sdp_dir_str((enum sdp_dir)i))) {
			*d = (enum sdp_dir)i;
			return true;
		}
	return false;
}

static enum err fmtp(struct sdp_media *m, struct str v)
{
	struct str pt = word(&v);
	struct sdp_fmt *f;
	uint32_t n;

	if (str_u32(pt, 127, &n))
		return ERR_PARSE;
	f = format_of(m, n);
	if (f && printable(v))
		f->fmtp = str_trim(v);
	return OK;
}

static enum err crypto(struct sdp_media *m, struct str v)
{
	enum err e;

	if (m->ncrypto == SDP_CRYPTO_MAX)
		return OK;
	e = sdp_crypto_parse(v, &m->crypto[m->ncrypto]);
	m->ncrypto += e == OK;
	m->crypto_unusable |= e == ERR_GONE;
	return e == ERR_GONE ? OK : e;
}

/* RFC 3605: "port" or "port IN IP4 address". */
static enum err rtcp(struct sdp_media *m, struct str v)
{
	struct str port = word(&v);
	uint32_t n;
	enum err e;

	if (str_u32(port, 65535, &n))
		return ERR_PARSE;
	e = str_trim(v).n ? connection(v, &m->rtcp) : OK;
	m->rtcp.port = (uint16_t)n;
	return e;
}

static enum err attribute(struct sdp *s, struct str v)
{
	struct sdp_media *m = s->nmedia ? &s->media[s->nmedia - 1] : NULL;
	struct str name, val;
	uint32_t n;

	(void)str_cut(v, ':', &name, &val);
	if (direction(str_trim(name), m ? &m->dir : &s->dir) || !m || !m->audio)
		return OK;
	if (str_is(name, "rtpmap"))
		return rtpmap(m, val);
	if (str_is(name, "fmtp"))
		return fmtp(m, val);
	if (str_is(name, "crypto"))
		return crypto(m, val);
	if (str_is(str_trim(name), "rtcp-mux"))
		m->rtcp_mux = true;
	else if (str_is(name, "rtcp"))
		return rtcp(m, val);
	else if (str_is(name, "ptime") && str_u32(str_trim(val), 1000, &n) == OK)
		m->ptime = n;
	return OK;
}

struct state { int attrs; bool v, o; };

/* A video line may have as many attributes as it likes: none of them is looked at. */
static enum err counted(struct sdp *s, struct str v, struct state *st)
{
	bool read = !s->nmedia || s->media[s->nmedia - 1].audio;

	if (read && ++st->attrs > SDP_ATTR_MAX)
		return ERR_LIMIT;
	return attribute(s, v);
}

static enum err line(struct sdp *s, char type, struct str v, struct state *st)
{
	struct sdp_media *m = s->nmedia ? &s->media[s->nmedia - 1] : NULL;

	switch (type) {
	case 'v': st->v = str_is(str_trim(v), "0"); return st->v ? OK : ERR_PARSE;
	case 'o': st->o = true; return origin(v, s);
	case 'c': return connection(v, m ? &m->conn : &s->conn);
	case 'm': st->attrs = 0; return media_line(v, s);
	case 'a': return counted(s, v, st);
	default: return OK;
	}
}

static struct str cut_line(struct str *bytes)
{
	struct str l, rest;

	(void)str_cut(*bytes, '\n', &l, &rest);
	*bytes = rest.p ? rest : (struct str){ bytes->p, 0 };
	if (l.n && l.p[l.n - 1] == '\r')
		l.n--;
	return l;
}

static const char *text_of(char type, struct str v, enum err e)
{
	if (e == ERR_LIMIT)
		return type == 'm' ? "it has too many media lines" : "it has too many attributes";
	switch (type) {
	case 'v': return "the version (v= line) is not 0";
	case 'o': return "the o= line is malformed";
	case 'c': return "the c= line is malformed";
	case 'm': return "an m= line is malformed";
	default: break;
	}
	return str_starts(v, STR("crypto:")) ? "an a=crypto line is malformed"
	     : str_starts(v, STR("rtpmap:")) ? "an a=rtpmap line is malformed"
	     : str_starts(v, STR("fmtp:")) ? "an a=fmtp line is malformed"
	     : str_starts(v, STR("rtcp:")) ? "an a=rtcp line is malformed"
	     : "an attribute is malformed";
}

static enum err fault(struct sdp_fault *why, const char *text, int at, enum err e)
{
	*why = (struct sdp_fault){ text, at };
	return e;
}

/* The struct is large and mostly empty: only what is used is written and copied. */
static void give(struct sdp *out, const struct sdp *s)
{
	memcpy(out, s, offsetof(struct sdp, media) + (size_t)s->nmedia * sizeof s->media[0]);
}

enum err sdp_parse(struct str bytes, struct sdp *out, struct sdp_fault *why)
{
	struct state st = { .v = false };
	struct sdp s;
	int at = 0;

	memset(&s, 0, offsetof(struct sdp, media));
	if (bytes.n > SDP_BYTES_MAX)
		return fault(why, "it is too long", 0, ERR_LIMIT);
	while (bytes.n) {
		struct str l = cut_line(&bytes), v = str_sub(l, 2, l.n);
		enum err e;

		at++;
		if (!l.n)
			continue;
		if (l.n < 2 || l.p[1] != '=' || memchr(l.p, 0, l.n) || memchr(l.p, '\r', l.n))
			return fault(why, "a line is not of the form x=value", at, ERR_PARSE);
		if (l.n > SDP_LINE_MAX)
			return fault(why, "a line is too long", at, ERR_LIMIT);
		e = line(&s, l.p[0], v, &st);
		if (e)
			return fault(why, text_of(l.p[0], v, e), at,
				     e == ERR_LIMIT ? ERR_LIMIT : ERR_PARSE);
	}
	if (!st.v || !st.o)
		return fault(why, "the v= or o= line is missing", 0, ERR_PARSE);
	give(out, &s);
	return OK;
}

/* --- writing --------------------------------------------------------------- */

static void ip(struct buf *b, const struct addr *a)
{
	buf_lit(b, a->family == ADDR_V6 ? "IN IP6 " : "IN IP4 ");
	addr_ip(b, a);
}

static void base64(struct buf *b, const uint8_t *p, size_t n)
{
	static const char abc[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		uint32_t v = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
			     (left > 2 ? p[i + 2] : 0);

		buf_ch(b, abc[v >> 18]);
		buf_ch(b, abc[v >> 12 & 63]);
		buf_ch(b, left > 1 ? abc[v >> 6 & 63] : '=');
		buf_ch(b, left > 2 ? abc[v & 63] : '=');
	}
}

/* Without buf_fmt(): every call writes two SDPs of some twenty numbers. */
static void number(struct buf *b, const char *before, uint64_t v)
{
	buf_bytes(b, before, strlen(before));
	buf_u64(b, v);
}

static void write_formats(struct buf *b, const struct sdp_out *o)
{
	for (int i = 0; i < o->nfmt; i++) {
		const struct sdp_fmt *f = &o->fmt[i];

		if (!f->name.n)
			continue;
		number(b, "a=rtpmap:", f->pt);
		buf_ch(b, ' ');
		buf_put(b, f->name);
		number(b, "/", f->clock);
		if (f->channels > 1)
			number(b, "/", f->channels);
		buf_lit(b, "\r\n");
		if (!f->fmtp.n)
			continue;
		number(b, "a=fmtp:", f->pt);
		buf_ch(b, ' ');
		buf_put(b, f->fmtp);
		buf_lit(b, "\r\n");
	}
}

static void write_audio(struct buf *b, const struct sdp_out *o)
{
	number(b, "m=audio ", o->rtp.port);
	buf_lit(b, o->proto == SDP_RTP_SAVP ? " RTP/SAVP" : " RTP/AVP");
	for (int i = 0; i < o->nfmt; i++)
		number(b, " ", o->fmt[i].pt);
	buf_lit(b, "\r\n");
	for (int i = 0; i < o->ncrypto; i++) {
		const struct sdp_crypto *c = &o->crypto[i];

		buf_fmt(b, "a=crypto:%u %s inline:", c->tag, sdp_suite_str(c->suite));
		base64(b, c->key, c->key_n);
		buf_lit(b, "\r\n");
	}
	write_formats(b, o);
	if (o->ptime) {
		number(b, "a=ptime:", o->ptime);
		buf_lit(b, "\r\n");
	}
	if (o->rtcp_port) {
		number(b, "a=rtcp:", o->rtcp_port);
		buf_lit(b, "\r\n");
	}
	if (o->rtcp_mux)
		buf_lit(b, "a=rtcp-mux\r\n");
	buf_lit(b, "a=");
	buf_lit(b, sdp_dir_str(o->dir));
	buf_lit(b, "\r\n");
}

void sdp_lines_of(const struct sdp *s, struct sdp_lines *out)
{
	out->n = s->nmedia;
	for (int i = 0; i < s->nmedia; i++) {
		const struct sdp_media *m = &s->media[i];
		struct sdp_line *l = &out->line[i];
		struct str rest = m->formats, f = word(&rest);

		/* Both are tokens that fit: media_line() saw to it. */
		(void)str_copy(l->kind, sizeof l->kind, m->kind);
		(void)str_copy(l->proto, sizeof l->proto, m->proto_text);
		(void)str_copy(l->fmt, sizeof l->fmt, is_token(f) ? f : STR("0"));
	}
}

/* A line we do not take: port 0 in its place, and one format, which nobody reads but the
 * grammar asks for (RFC 3264 6). */
static void write_refused(struct buf *b, const struct sdp_line *l)
{
	buf_fmt(b, "m=%s 0 %s %s\r\n", l->kind, l->proto, l->fmt);
}

void sdp_write(struct buf *b, const struct sdp_out *o)
{
	number(b, "v=0\r\no=tandem ", o->id);
	number(b, " ", o->version);
	buf_ch(b, ' ');
	ip(b, &o->rtp);
	buf_lit(b, "\r\ns=-\r\nc=");
	ip(b, &o->rtp);
	buf_lit(b, "\r\nt=0 0\r\n");
	if (!o->lines || !o->lines->n) {
		write_audio(b, o);
		return;
	}
	for (int i = 0; i < o->lines->n; i++)
		if (i == o->line)
			write_audio(b, o);
		else
			write_refused(b, &o->lines->line[i]);
}
