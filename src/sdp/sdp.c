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

static struct str word(struct str *s)
{
	struct str w, rest;

	(void)str_cut(*s, ' ', &w, &rest);
	*s = rest;
	return w;
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

	while (s.n && s.p[s.n - 1] == '=')
		s.n--;
	for (size_t i = 0; i < s.n; i++) {
		int v = b64(s.p[i]);

		if (v < 0 || c->key_n == SDP_KEY_MAX)
			return ERR_PARSE;
		acc = acc << 6 | (uint32_t)v;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			c->key[c->key_n++] = (uint8_t)(acc >> bits);
		}
	}
	return c->key_n == suites[c->suite].key ? OK : ERR_PARSE;
}

/* "|2^31|1:1": a life time and an MKI with its length, both optional. */
static enum err key_params(struct str rest, struct sdp_crypto *c)
{
	struct str part, id, len;
	uint32_t n;

	while (rest.p) {
		(void)str_cut(rest, '|', &part, &rest);
		if (!str_cut(part, ':', &id, &len))
			continue;		/* the life time; ours is shorter anyway */
		if (str_u32(id, UINT32_MAX, &c->mki) || str_u32(len, 4, &n) || !n)
			return ERR_PARSE;
		c->mki_n = (uint8_t)n;
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
	if (r.suite == SDP_SUITE_NONE)
		return ERR_GONE;
	(void)str_cut(str_sub(params, 7, params.n), '|', &key, &rest);
	e = unbase64(key, &r);
	if (!e)
		e = key_params(rest, &r);
	if (!e)
		*c = r;
	return e;
}

/* --- lines --------------------------------------------------------------- */

static enum err connection(struct str v, struct addr *a)
{
	struct str net = word(&v), type = word(&v), ip, ttl;

	if (!str_is(net, "IN") || !(str_is(type, "IP4") || str_is(type, "IP6")))
		return ERR_PARSE;
	(void)str_cut(str_trim(v), '/', &ip, &ttl);
	return addr_parse_ip(ip, a);
}

static enum err origin(struct str v, struct sdp *s)
{
	struct str ver;

	s->origin_user = word(&v);
	s->origin_id = word(&v);
	ver = word(&v);
	s->origin_addr = v;
	/* Cisco and others write versions beyond 64 bits never; a non-number is refused. */
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

static enum err media_line(struct str v, struct sdp *s)
{
	struct sdp_media *m;
	struct str port, count, rest;
	uint32_t p;

	if (s->nmedia == SDP_MEDIA_MAX)
		return ERR_LIMIT;
	m = &s->media[s->nmedia];
	*m = (struct sdp_media){ .dir = s->dir };
	m->kind = word(&v);
	port = word(&v);
	(void)str_cut(port, '/', &port, &count);
	if (!m->kind.n || str_u32(port, 65535, &p))
		return ERR_PARSE;
	m->port = (uint16_t)p;
	m->proto_text = word(&v);
	if (!m->proto_text.n)
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

static enum err rtpmap(struct sdp_media *m, struct str v, uint8_t seen[16])
{
	struct str pt = word(&v), name, rest, clock, ch;
	struct sdp_fmt *f;
	uint32_t n, hz, channels = 1;

	if (str_u32(pt, 127, &n))
		return ERR_PARSE;
	(void)str_cut(str_trim(v), '/', &name, &rest);
	(void)str_cut(rest, '/', &clock, &ch);
	if (!name.n || str_u32(clock, 1000000, &hz))
		return ERR_PARSE;
	if (ch.p && str_u32(ch, 255, &channels))
		return ERR_PARSE;
	m->duplicate_pt |= (seen[n / 8] >> (n % 8)) & 1;
	seen[n / 8] |= (uint8_t)(1u << (n % 8));
	f = format_of(m, n);
	if (!f)
		return OK;		/* mapped but not offered */
	f->name = name;
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
	if (f)
		f->fmtp = v;
	return OK;
}

static enum err crypto(struct sdp_media *m, struct str v)
{
	enum err e;

	if (m->ncrypto == SDP_CRYPTO_MAX)
		return OK;
	e = sdp_crypto_parse(v, &m->crypto[m->ncrypto]);
	m->ncrypto += e == OK;
	return e == ERR_GONE ? OK : e;
}

static enum err attribute(struct sdp *s, struct str v, uint8_t seen[16])
{
	struct sdp_media *m = s->nmedia ? &s->media[s->nmedia - 1] : NULL;
	struct str name, val;
	uint32_t n;

	(void)str_cut(v, ':', &name, &val);
	if (direction(name, m ? &m->dir : &s->dir)) {
		if (m)
			m->has_dir = true;
		return OK;
	}
	if (!m || !m->audio)
		return OK;
	if (str_is(name, "rtpmap"))
		return rtpmap(m, val, seen);
	if (str_is(name, "fmtp"))
		return fmtp(m, val);
	if (str_is(name, "crypto"))
		return crypto(m, val);
	if (str_is(name, "rtcp-mux"))
		m->rtcp_mux = true;
	else if (str_is(name, "rtcp") && str_u32(word(&val), 65535, &n) == OK)
		m->rtcp_port = (uint16_t)n;
	else if (str_is(name, "ptime") && str_u32(str_trim(val), 1000, &n) == OK)
		m->ptime = n;
	return OK;
}

static const char *const texts[] = {
	['o'] = "the o= line is malformed", ['c'] = "the c= line is malformed",
	['m'] = "an m= line is malformed", ['a'] = "an attribute is malformed",
};

struct state { uint8_t seen[16]; int attrs; bool v, o; };

static enum err line(struct sdp *s, char type, struct str v, struct state *st)
{
	struct sdp_media *m = s->nmedia ? &s->media[s->nmedia - 1] : NULL;

	switch (type) {
	case 'v': st->v = str_is(v, "0"); return st->v ? OK : ERR_PARSE;
	case 'o': st->o = true; return origin(v, s);
	case 'c': return connection(v, m ? &m->conn : &s->conn);
	case 'm':
		memset(st->seen, 0, sizeof st->seen);
		st->attrs = 0;
		return media_line(v, s);
	case 'a':
		if (++st->attrs > SDP_ATTR_MAX)
			return OK;
		return attribute(s, v, st->seen);
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

static const char *text_of(char type)
{
	unsigned t = (unsigned char)type;

	return t < sizeof texts / sizeof *texts && texts[t] ? texts[t] : "a line is malformed";
}

enum err sdp_parse(struct str bytes, struct sdp *out, const char **why)
{
	struct state st = { .v = false };
	struct sdp s = { 0 };

	*why = "it is too long";
	if (bytes.n > SDP_BYTES_MAX)
		return ERR_LIMIT;
	while (bytes.n) {
		struct str l = cut_line(&bytes);
		enum err e;

		if (!l.n)
			continue;
		*why = "a line is not of the form x=value";
		if (l.n < 2 || l.p[1] != '=' || l.n > SDP_LINE_MAX || memchr(l.p, 0, l.n))
			return ERR_PARSE;
		e = line(&s, l.p[0], str_sub(l, 2, l.n), &st);
		if (e) {
			*why = e == ERR_LIMIT ? "it has too many media lines" : text_of(l.p[0]);
			return e;
		}
	}
	*why = "the v= or o= line is missing";
	if (!st.v || !st.o)
		return ERR_PARSE;
	*out = s;
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

static void write_formats(struct buf *b, const struct sdp_out *o)
{
	for (int i = 0; i < o->nfmt; i++) {
		const struct sdp_fmt *f = &o->fmt[i];

		if (!f->name.n)
			continue;
		buf_fmt(b, "a=rtpmap:%u %.*s/%u", f->pt, STRF(f->name), f->clock);
		if (f->channels > 1)
			buf_fmt(b, "/%u", f->channels);
		buf_lit(b, "\r\n");
		if (f->fmtp.n)
			buf_fmt(b, "a=fmtp:%u %.*s\r\n", f->pt, STRF(f->fmtp));
	}
}

static void write_audio(struct buf *b, const struct sdp_out *o)
{
	buf_fmt(b, "m=audio %u %s", o->rtp.port, o->proto == SDP_RTP_SAVP ? "RTP/SAVP" : "RTP/AVP");
	for (int i = 0; i < o->nfmt; i++)
		buf_fmt(b, " %u", o->fmt[i].pt);
	buf_lit(b, "\r\n");
	for (int i = 0; i < o->ncrypto; i++) {
		const struct sdp_crypto *c = &o->crypto[i];

		buf_fmt(b, "a=crypto:%u %s inline:", c->tag, sdp_suite_str(c->suite));
		base64(b, c->key, c->key_n);
		buf_lit(b, "\r\n");
	}
	write_formats(b, o);
	if (o->ptime)
		buf_fmt(b, "a=ptime:%u\r\n", o->ptime);
	if (o->rtcp_port)
		buf_fmt(b, "a=rtcp:%u\r\n", o->rtcp_port);
	if (o->rtcp_mux)
		buf_lit(b, "a=rtcp-mux\r\n");
	buf_fmt(b, "a=%s\r\n", sdp_dir_str(o->dir));
}

/* A line we do not take is answered with port 0 in its place (RFC 3264 6). */
static void write_refused(struct buf *b, const struct sdp_media *m)
{
	buf_fmt(b, "m=%.*s 0 %.*s %.*s\r\n", STRF(m->kind), STRF(m->proto_text), STRF(m->formats));
}

void sdp_write(struct buf *b, const struct sdp_out *o)
{
	buf_fmt(b, "v=0\r\no=tandem %llu %llu ", (unsigned long long)o->id,
		(unsigned long long)o->version);
	ip(b, &o->rtp);
	buf_lit(b, "\r\ns=-\r\nc=");
	ip(b, &o->rtp);
	buf_lit(b, "\r\nt=0 0\r\n");
	if (!o->answer_to) {
		write_audio(b, o);
		return;
	}
	for (int i = 0; i < o->answer_to->nmedia; i++)
		if (i == o->line)
			write_audio(b, o);
		else
			write_refused(b, &o->answer_to->media[i]);
}
