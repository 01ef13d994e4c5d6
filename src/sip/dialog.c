#include "sip/dialog.h"

#include <string.h>

#include "sip/build.h"

enum { SAVED_VERSION = 1, SAVED_FIELD_MAX = 60000 };

void sip_write_value(struct buf *b, struct str v)
{
	if (sip_value_ok(v))
		buf_put(b, v);
	else
		b->full = true;
}

/* quoted-string: what is escaped already stays so. */
void sip_write_name(struct buf *b, struct str name)
{
	if (!name.n)
		return;
	buf_ch(b, '"');
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (c == '\\' && i + 1 < name.n && (unsigned char)name.p[i + 1] >= ' ') {
			buf_ch(b, c);
			buf_ch(b, name.p[++i]);
		} else if (c == '"' || c == '\\') {
			buf_ch(b, '\\');
			buf_ch(b, c);
		} else {
			buf_ch(b, (unsigned char)c < ' ' || c == 127 ? ' ' : c);
		}
	}
	buf_lit(b, "\" ");
}

void sip_write_addr(struct buf *b, struct str name, struct str uri)
{
	sip_write_name(b, name);
	buf_ch(b, '<');
	sip_write_value(b, uri);
	buf_ch(b, '>');
}

static size_t addr_size(const struct sip_nameaddr *na)
{
	return 2 * na->display.n + na->uri.raw.n + 8;
}

/* Lays the fixed fields into one block. */
static void fix(struct dialog *d, struct str call_id, struct str tag, struct str local,
		struct str remote)
{
	struct str *dst[4] = { &d->call_id, &d->local_tag, &d->local, &d->remote };
	struct str src[4] = { call_id, tag, local, remote };
	size_t n = 0;

	for (int i = 0; i < 4; i++)
		n += src[i].n;
	d->text = mem_new(n + 1);
	n = 0;
	for (int i = 0; i < 4; i++) {
		if (src[i].n)
			memcpy(d->text + n, src[i].p, src[i].n);
		*dst[i] = (struct str){ d->text + n, src[i].n };
		n += src[i].n;
	}
}

static void set(char **field, struct str v)
{
	mem_free(*field);
	*field = mem_dup(v.p ? v.p : "", v.n);
}

void dialog_init_uac(struct dialog *d, struct str call_id, struct str local_tag, struct str local,
		     struct str remote, struct str target)
{
	*d = (struct dialog){ .local_cseq = 1 };
	fix(d, call_id, local_tag, local, remote);
	set(&d->remote_tag, STR_NONE);
	set(&d->target, target);
	set(&d->routes, STR_NONE);
}

/* Record-Route in the order of the message, or reversed for the uac (12.1.1, 12.1.2). */
static void set_routes(struct dialog *d, const struct sip_msg *m, bool reverse)
{
	struct str part[SIP_ROUTE_MAX];
	const struct sip_hdr *h = NULL;
	size_t len = 0;
	int n = 0;
	struct buf b;

	while ((h = sip_hdr_each(m, SIP_H_RECORD_ROUTE, h)) != NULL) {
		struct str rest = h->value;

		while (rest.n && n < SIP_ROUTE_MAX) {
			struct sip_nameaddr na;

			if (sip_nameaddr_parse(rest, &na, &rest) != OK)
				break;
			part[n++] = na.raw;
			len += na.raw.n + 2;
		}
	}
	mem_free(d->routes);
	d->routes = mem_new(len + 1);
	buf_init(&b, d->routes, len + 1);
	for (int i = 0; i < n; i++) {
		if (i)
			buf_lit(&b, ", ");
		sip_write_value(&b, str_trim(part[reverse ? n - 1 - i : i]));
	}
	(void)buf_z(&b);
	if (!buf_ok(&b))
		d->routes[0] = 0;
}

void dialog_set_tag(struct dialog *d, struct str local_tag)
{
	char *old = d->text;

	fix(d, d->call_id, local_tag, d->local, d->remote);
	mem_free(old);
}

void dialog_retarget(struct dialog *d, const struct sip_msg *m)
{
	struct sip_nameaddr na;
	struct str rest, v = sip_hdr(m, SIP_H_CONTACT);

	if (v.n == 0 || sip_nameaddr_parse(v, &na, &rest) != OK || na.uri.host.n == 0)
		return;
	if (memchr(na.uri.raw.p, '\r', na.uri.raw.n) || memchr(na.uri.raw.p, '\n', na.uri.raw.n))
		return;
	/* URI headers have no place in a Request-URI, 19.1.1. */
	if (na.uri.headers.p)
		na.uri.raw.n = (size_t)(na.uri.headers.p - 1 - na.uri.raw.p);
	set(&d->target, na.uri.raw);
}

void dialog_init_uas(struct dialog *d, const struct sip_msg *m, struct str local_tag)
{
	size_t nl = addr_size(&m->to), nr = addr_size(&m->from);
	char *mem = mem_new(nl + nr);
	struct buf l, r;

	buf_init(&l, mem, nl);
	buf_init(&r, mem + nl, nr);
	sip_write_addr(&l, m->to.display, m->to.uri.raw);
	sip_write_addr(&r, m->from.display, m->from.uri.raw);
	*d = (struct dialog){ .local_cseq = 1, .remote_cseq = m->cseq, .remote_seen = true };
	fix(d, m->call_id, local_tag, buf_str(&l), buf_str(&r));
	set(&d->remote_tag, m->from_tag);
	set(&d->target, m->from.uri.raw);
	set_routes(d, m, false);
	dialog_retarget(d, m);
	mem_free(mem);
}

void dialog_confirm(struct dialog *d, const struct sip_msg *m)
{
	set(&d->remote_tag, m->to_tag);
	set_routes(d, m, true);
	dialog_retarget(d, m);
}

void dialog_confirm_notify(struct dialog *d, const struct sip_msg *m)
{
	set(&d->remote_tag, m->from_tag);
	set_routes(d, m, false);
	dialog_retarget(d, m);
}

void dialog_copy(struct dialog *d, const struct dialog *from)
{
	*d = *from;
	fix(d, from->call_id, from->local_tag, from->local, from->remote);
	d->remote_tag = d->target = d->routes = NULL;
	set(&d->remote_tag, str_of(from->remote_tag));
	set(&d->target, str_of(from->target));
	set(&d->routes, str_of(from->routes));
}

void dialog_forget_routes(struct dialog *d)
{
	set(&d->routes, STR_NONE);
}

void dialog_set_routes(struct dialog *d, struct str routes)
{
	set(&d->routes, sip_value_ok(routes) ? routes : STR_NONE);
}

void dialog_init_2xx(struct dialog *d, const struct sip_msg *m)
{
	size_t nl = addr_size(&m->from), nr = addr_size(&m->to);
	char *mem = mem_new(nl + nr);
	struct buf l, r;

	buf_init(&l, mem, nl);
	buf_init(&r, mem + nl, nr);
	sip_write_addr(&l, m->from.display, m->from.uri.raw);
	sip_write_addr(&r, m->to.display, m->to.uri.raw);
	dialog_init_uac(d, m->call_id, m->from_tag, buf_str(&l), buf_str(&r), m->to.uri.raw);
	dialog_confirm(d, m);
	d->local_cseq = m->cseq;
	mem_free(mem);
}

enum err dialog_next_hop(const struct dialog *d, struct sip_uri *u, bool *is_route)
{
	struct sip_nameaddr na;
	struct str rest;

	if (d->routes[0]) {
		enum err e = sip_nameaddr_parse(str_of(d->routes), &na, &rest);

		if (e != OK)
			return e;
		*u = na.uri;
		*is_route = true;
		return u->host.n ? OK : ERR_PARSE;
	}
	*is_route = false;
	if (sip_uri_parse(str_of(d->target), u) != OK || u->host.n == 0)
		return ERR_PARSE;
	return OK;
}

static bool strict(const struct dialog *d, struct sip_nameaddr *top, struct str *rest)
{
	if (!d->routes[0] || sip_nameaddr_parse(str_of(d->routes), top, rest) != OK)
		return false;
	return sip_param(top->uri.params, "lr").p == NULL;
}

void dialog_write(const struct dialog *d, struct buf *b, enum sip_method m, uint32_t cseq,
		  uint32_t max_forwards)
{
	struct sip_nameaddr top;
	struct str rest = STR_NONE;
	bool st = strict(d, &top, &rest);

	buf_put(b, sip_method_str(m));
	buf_ch(b, ' ');
	buf_put(b, st ? top.uri.raw : str_of(d->target));
	buf_lit(b, " SIP/2.0\r\n");
	if (st) {			/* 12.2.1.1: the target goes to the end */
		buf_lit(b, "Route: ");
		if (rest.n) {
			buf_put(b, str_trim(rest));
			buf_lit(b, ", ");
		}
		buf_ch(b, '<');
		buf_lit(b, d->target);
		buf_lit(b, ">\r\n");
	} else if (d->routes[0]) {
		buf_lit(b, "Route: ");
		buf_lit(b, d->routes);
		buf_lit(b, "\r\n");
	}
	buf_lit(b, "Max-Forwards: ");
	buf_u64(b, max_forwards);
	buf_lit(b, "\r\nFrom: ");
	buf_put(b, d->local);
	buf_lit(b, ";tag=");
	buf_put(b, d->local_tag);
	buf_lit(b, "\r\nTo: ");
	buf_put(b, d->remote);
	if (d->remote_tag[0]) {
		buf_lit(b, ";tag=");
		buf_lit(b, d->remote_tag);
	}
	buf_lit(b, "\r\nCall-ID: ");
	buf_put(b, d->call_id);
	buf_lit(b, "\r\nCSeq: ");
	buf_u64(b, cseq);
	buf_ch(b, ' ');
	buf_put(b, sip_method_str(m));
	buf_lit(b, "\r\n");
}

bool dialog_is(const struct dialog *d, const struct sip_msg *m)
{
	return str_eq(m->call_id, d->call_id) && str_eq(m->to_tag, d->local_tag) &&
	       str_is(m->from_tag.p ? m->from_tag : STR(""), d->remote_tag);
}

enum err dialog_sequence(struct dialog *d, const struct sip_msg *m)
{
	if (d->remote_seen && m->cseq <= d->remote_cseq)
		return ERR_STATE;
	d->remote_cseq = m->cseq;
	d->remote_seen = true;
	return OK;
}

static void put_field(struct buf *b, struct str v)
{
	if (v.n > SAVED_FIELD_MAX) {
		b->full = true;
		return;
	}
	buf_ch(b, (char)(v.n >> 8));
	buf_ch(b, (char)(v.n & 255));
	buf_put(b, v);
}

static bool get_field(struct str *s, struct str *v)
{
	size_t n;

	if (s->n < 2)
		return false;
	n = (size_t)(unsigned char)s->p[0] << 8 | (unsigned char)s->p[1];
	if (n > s->n - 2 || memchr(s->p + 2, 0, n))
		return false;
	*v = str_sub(*s, 2, n);
	*s = (struct str){ s->p + 2 + n, s->n - 2 - n };
	return true;
}

void dialog_save(const struct dialog *d, struct buf *b)
{
	buf_ch(b, SAVED_VERSION);
	for (int i = 24; i >= 0; i -= 8)
		buf_ch(b, (char)(d->local_cseq >> i & 255));
	put_field(b, d->call_id);
	put_field(b, d->local_tag);
	put_field(b, d->local);
	put_field(b, d->remote);
	put_field(b, str_of(d->remote_tag));
	put_field(b, str_of(d->target));
	put_field(b, str_of(d->routes));
}

enum err dialog_load(struct dialog *d, struct str s, struct str *rest)
{
	struct str f[7];
	uint32_t cseq = 0;

	if (s.n < 5 || s.p[0] != SAVED_VERSION)
		return ERR_PARSE;
	for (int i = 1; i <= 4; i++)
		cseq = cseq << 8 | (unsigned char)s.p[i];
	s = str_sub(s, 5, s.n - 5);
	for (int i = 0; i < 7; i++)
		if (!get_field(&s, &f[i]))
			return ERR_PARSE;
	if (cseq > SIP_CSEQ_MAX)
		return ERR_RANGE;
	*d = (struct dialog){ .local_cseq = cseq };
	fix(d, f[0], f[1], f[2], f[3]);
	set(&d->remote_tag, f[4]);
	set(&d->target, f[5]);
	set(&d->routes, f[6]);
	*rest = s;
	return OK;
}

void dialog_close(struct dialog *d)
{
	mem_free(d->text);
	mem_free(d->remote_tag);
	mem_free(d->target);
	mem_free(d->routes);
	*d = (struct dialog){ 0 };
}
