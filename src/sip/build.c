#include "sip/build.h"

#include <string.h>

#include "sip/chars.h"

enum { LENGTH_DIGITS = 5 };	/* SIP_BODY_MAX has five */

struct str sip_transport_str(enum sip_transport t)
{
	static const struct str text[SIP_NTRANSPORT] = {
		[SIP_UDP] = STR_INIT("UDP"), [SIP_TCP] = STR_INIT("TCP"), [SIP_TLS] = STR_INIT("TLS"),
	};

	return (unsigned)t < SIP_NTRANSPORT ? text[t] : text[SIP_UDP];
}

bool sip_value_ok(struct str v)
{
	return v.n == 0 || (!memchr(v.p, '\r', v.n) && !memchr(v.p, '\n', v.n) &&
			    !memchr(v.p, 0, v.n));
}

static void raw(struct build *b, struct str s)
{
	if (!b->err)
		buf_put(b->out, s);
}

static void lit(struct build *b, const char *z)
{
	raw(b, str_of(z));
}

static void value(struct build *b, struct str v)
{
	if (!b->err && !sip_value_ok(v))
		b->err = ERR_PARSE;
	raw(b, v);
}

static void num(struct build *b, uint64_t v)
{
	if (!b->err)
		buf_u64(b->out, v);
}

static void begin(struct build *b, struct buf *out)
{
	*b = (struct build){ .out = out };
}

void build_request(struct build *b, struct buf *out, struct str method, struct str uri)
{
	begin(b, out);
	if (!ch_all(method, CH_TOKEN) || !ch_all(uri, CH_URI))
		b->err = ERR_PARSE;
	raw(b, method);
	lit(b, " ");
	raw(b, uri);
	lit(b, " SIP/2.0\r\n");
}

void build_status(struct build *b, struct buf *out, unsigned status, struct str phrase)
{
	begin(b, out);
	if (status < 100 || status > 699)
		b->err = ERR_RANGE;
	lit(b, "SIP/2.0 ");
	num(b, status);
	lit(b, " ");
	value(b, phrase);
	lit(b, "\r\n");
}

static void name(struct build *b, enum sip_hdr_id id)
{
	const char *z = sip_hdr_name(id);

	if (!*z)
		b->err = b->err ? b->err : ERR_RANGE;
	lit(b, z);
	lit(b, ": ");
}

void build_hdr(struct build *b, enum sip_hdr_id id, struct str v)
{
	name(b, id);
	value(b, v);
	lit(b, "\r\n");
}

void build_num(struct build *b, enum sip_hdr_id id, uint64_t v)
{
	name(b, id);
	num(b, v);
	lit(b, "\r\n");
}

void build_named(struct build *b, struct str n, struct str v)
{
	if (!b->err && !ch_all(n, CH_TOKEN))
		b->err = ERR_PARSE;
	raw(b, n);
	lit(b, ": ");
	value(b, v);
	lit(b, "\r\n");
}

/* RFC 3261 25.1 quoted-string. */
static void quoted(struct build *b, struct str s)
{
	lit(b, "\"");
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			lit(b, "\\");
		value(b, str_sub(s, i, 1));
	}
	lit(b, "\"");
}

void build_addr(struct build *b, enum sip_hdr_id id, struct str display, struct str uri,
		struct str tag)
{
	name(b, id);
	if (display.n) {
		quoted(b, display);
		lit(b, " ");
	}
	if (!b->err && !ch_all(uri, CH_URI))
		b->err = ERR_PARSE;
	lit(b, "<");
	raw(b, uri);
	lit(b, ">");
	if (tag.p) {
		lit(b, ";tag=");
		value(b, tag);
	}
	lit(b, "\r\n");
}

void build_cseq(struct build *b, uint32_t n, struct str method)
{
	name(b, SIP_H_CSEQ);
	num(b, n);
	lit(b, " ");
	value(b, method);
	lit(b, "\r\n");
}

void build_via(struct build *b, enum sip_transport t, struct str sent_by, struct str branch)
{
	lit(b, "Via: SIP/2.0/");
	raw(b, sip_transport_str(t));
	lit(b, " ");
	value(b, sent_by);
	lit(b, ";branch=");
	value(b, branch);
	lit(b, ";rport\r\n");
}

/* Values we received are clean (msg.h) but for a NUL that may stand within quotes. */
void build_copy(struct build *b, const struct sip_msg *from, enum sip_hdr_id id)
{
	const struct sip_hdr *h = NULL;

	while ((h = sip_hdr_each(from, id, h)) != NULL) {
		name(b, id);
		raw(b, h->value);
		lit(b, "\r\n");
	}
}

/* Where the value of a bare rport belongs: NULL when there is none, or it has one. */
static const char *rport_end(const struct sip_via *v)
{
	struct str rest = v->params, n, val;

	while (v->rport && sip_param_next(&rest, &n, &val))
		if (str_iis(n, "rport"))
			return val.n == 0 ? n.p + n.n : NULL;
	return NULL;
}

void build_top_via(struct build *b, const struct sip_via *v, const struct addr *src)
{
	const char *at = src ? rport_end(v) : NULL;
	size_t n = at ? (size_t)(at - v->raw.p) : v->raw.n;
	struct addr said;

	raw(b, str_sub(v->raw, 0, n));
	if (at) {
		lit(b, "=");
		num(b, src->port);
		raw(b, str_sub(v->raw, n, v->raw.n));
	}
	if (!src || v->received.p || b->err)
		return;
	if (v->rport || addr_parse_ip(v->host, &said) != OK || !addr_same_ip(&said, src)) {
		lit(b, ";received=");
		addr_ip(b->out, src);
	}
}

static void vias(struct build *b, const struct sip_msg *m)
{
	const struct sip_hdr *h = sip_hdr_each(m, SIP_H_VIA, NULL);
	const char *end = m->via.raw.p + m->via.raw.n;

	if (!h) {
		b->err = b->err ? b->err : ERR_PARSE;
		return;
	}
	name(b, SIP_H_VIA);
	build_top_via(b, &m->via, m->src.family == ADDR_NONE ? NULL : &m->src);
	raw(b, (struct str){ end, (size_t)(h->value.p + h->value.n - end) });
	lit(b, "\r\n");
	while ((h = sip_hdr_each(m, SIP_H_VIA, h)) != NULL) {
		name(b, SIP_H_VIA);
		raw(b, h->value);
		lit(b, "\r\n");
	}
}

void build_response(struct build *b, struct buf *out, const struct sip_msg *m, unsigned status,
		    struct str phrase, struct str tag)
{
	build_status(b, out, status, phrase);
	vias(b, m);
	build_copy(b, m, SIP_H_FROM);
	name(b, SIP_H_TO);
	raw(b, sip_hdr(m, SIP_H_TO));
	if (!m->to_tag.p && tag.p) {
		lit(b, ";tag=");
		value(b, tag);
	}
	lit(b, "\r\n");
	build_copy(b, m, SIP_H_CALL_ID);
	build_copy(b, m, SIP_H_CSEQ);
	if (status > 100 && status < 300)
		build_copy(b, m, SIP_H_RECORD_ROUTE);
}

void build_body_begin(struct build *b, struct str type)
{
	static const char blank[LENGTH_DIGITS] = { ' ', ' ', ' ', ' ', ' ' };

	build_hdr(b, SIP_H_CONTENT_TYPE, type);
	name(b, SIP_H_CONTENT_LENGTH);
	b->length_at = b->out->n;
	raw(b, (struct str){ blank, sizeof blank });
	lit(b, "\r\n\r\n");
	b->body_at = b->out->n;
}

void build_body(struct build *b, const struct sip_body *body)
{
	if (!body || body->bytes.n == 0)
		return;
	build_hdr(b, SIP_H_CONTENT_TYPE, body->type);
	build_num(b, SIP_H_CONTENT_LENGTH, body->bytes.n);
	lit(b, "\r\n");
	b->body_at = b->out->n;
	raw(b, body->bytes);
}

/* Right-aligned in its room: blanks in front of a value are nothing (7.3.1). */
static void fill_length(struct build *b)
{
	size_t n = b->out->n - b->body_at, i = LENGTH_DIGITS;

	do {
		b->out->p[b->length_at + --i] = (char)('0' + n % 10);
		n /= 10;
	} while (n && i);
	if (n)
		b->err = ERR_LIMIT;
}

enum err build_end(struct build *b)
{
	if (!b->body_at)
		lit(b, "Content-Length: 0\r\n\r\n");
	if (!b->err && !buf_ok(b->out))
		b->err = ERR_LIMIT;
	if (!b->err && b->length_at)
		fill_length(b);
	return b->err;
}
