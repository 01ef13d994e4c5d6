#include "sip/digest.h"

#include <string.h>

#include "io/crypto.h"
#include "sip/chars.h"
#include "sip/limits.h"

enum field {
	F_USERNAME, F_REALM, F_NONCE, F_URI, F_RESPONSE, F_CNONCE, F_OPAQUE, F_ALGORITHM, F_QOP,
	F_NC, F_STALE, F_NFIELD
};

static const char *const field_name[F_NFIELD] = {
	[F_USERNAME] = "username", [F_REALM] = "realm", [F_NONCE] = "nonce", [F_URI] = "uri",
	[F_RESPONSE] = "response", [F_CNONCE] = "cnonce", [F_OPAQUE] = "opaque",
	[F_ALGORITHM] = "algorithm", [F_QOP] = "qop", [F_NC] = "nc", [F_STALE] = "stale",
};

static const char *const alg_name[DIGEST_NALG] = {
	[DIGEST_MD5] = "MD5", [DIGEST_SHA256] = "SHA-256",
};

size_t digest_len(enum digest_alg alg)
{
	return alg == DIGEST_SHA256 ? 64 : 32;
}

/* --- reading --- */

static void blanks(struct str *s)
{
	while (s->n && ch_blank(s->p[0]))
		*s = str_sub(*s, 1, s->n);
}

static struct str token(struct str *s)
{
	size_t n = 0;
	struct str t;

	while (n < s->n && ch_is(s->p[n], CH_TOKEN))
		n++;
	t = str_sub(*s, 0, n);
	*s = str_sub(*s, n, s->n);
	return t;
}

static enum err quoted(struct str *s, struct str *value)
{
	size_t i = 1;

	while (i < s->n && s->p[i] != '"')
		i += s->p[i] == '\\' ? 2 : 1;
	if (i >= s->n)
		return ERR_PARSE;
	*value = str_sub(*s, 1, i - 1);
	*s = str_sub(*s, i + 1, s->n);
	return OK;
}

/* name=value; *s moves behind it. */
static enum err pair(struct str *s, struct str *name, struct str *value)
{
	*name = token(s);
	blanks(s);
	if (name->n == 0 || s->n == 0 || s->p[0] != '=')
		return ERR_PARSE;
	*s = str_sub(*s, 1, s->n);
	blanks(s);
	if (s->n && s->p[0] == '"')
		return quoted(s, value);
	*value = token(s);
	return value->n ? OK : ERR_PARSE;
}

static enum err keep(struct str f[F_NFIELD], struct str name, struct str value)
{
	for (int i = 0; i < F_NFIELD; i++) {
		if (!str_iis(name, field_name[i]))
			continue;
		if (f[i].p)
			return ERR_PARSE;	/* which one would the other side mean? */
		if (value.n > SIP_URI_MAX)
			return ERR_LIMIT;
		f[i] = value;
	}
	return OK;
}

static enum err fields(struct str s, struct str f[F_NFIELD])
{
	struct str name, value;
	unsigned n = 0;
	enum err e;

	memset(f, 0, F_NFIELD * sizeof *f);
	blanks(&s);
	if (!str_iis(token(&s), "Digest") || s.n == 0 || !ch_blank(s.p[0]))
		return ERR_PARSE;
	for (;;) {
		blanks(&s);
		e = pair(&s, &name, &value);
		if (!e)
			e = keep(f, name, value);
		if (!e && ++n > SIP_PARAM_MAX)
			e = ERR_LIMIT;
		if (e)
			return e;
		blanks(&s);
		if (s.n == 0)
			return OK;
		if (s.p[0] != ',')
			return ERR_PARSE;
		s = str_sub(s, 1, s.n);
	}
}

static enum digest_alg algorithm(struct str v)
{
	if (!v.p)
		return DIGEST_MD5;
	for (unsigned i = 0; i < DIGEST_NALG; i++)
		if (str_iis(v, alg_name[i]))
			return (enum digest_alg)i;
	return DIGEST_OTHER;
}

static bool offers_auth(struct str list)
{
	struct str one;

	while (list.p) {
		(void)str_cut(list, ',', &one, &list);	/* the last has none */
		if (str_iis(str_trim(one), "auth"))
			return true;
	}
	return false;
}

enum err digest_parse_challenge(struct str value, struct digest_challenge *c)
{
	struct str f[F_NFIELD];
	enum err e = fields(value, f);

	if (e)
		return e;
	if (!f[F_REALM].p || f[F_NONCE].n == 0)
		return ERR_PARSE;
	*c = (struct digest_challenge){
		.alg = algorithm(f[F_ALGORITHM]),
		.realm = f[F_REALM], .nonce = f[F_NONCE], .opaque = f[F_OPAQUE],
		.stale = str_iis(f[F_STALE], "true"),
		.qop = offers_auth(f[F_QOP]),
	};
	c->other_qop = f[F_QOP].p && !c->qop;
	return OK;
}

/* Eight hex digits. */
static enum err count(struct str s, uint32_t *out)
{
	uint32_t v = 0;

	if (s.n != 8 || !ch_all(s, CH_HEX))
		return ERR_RANGE;
	for (size_t i = 0; i < s.n; i++)
		v = v << 4 | ch_hex(s.p[i]);
	if (v == 0)
		return ERR_RANGE;
	*out = v;
	return OK;
}

enum err digest_parse_creds(struct str value, struct digest_creds *out)
{
	struct str f[F_NFIELD];
	struct digest_creds c;
	enum err e = fields(value, f);

	if (e)
		return e;
	if (!f[F_USERNAME].p || !f[F_REALM].p || f[F_NONCE].n == 0 || f[F_URI].n == 0 ||
	    f[F_RESPONSE].n == 0)
		return ERR_PARSE;
	c = (struct digest_creds){
		.alg = algorithm(f[F_ALGORITHM]),
		.username = f[F_USERNAME], .realm = f[F_REALM], .nonce = f[F_NONCE],
		.uri = f[F_URI], .response = f[F_RESPONSE], .cnonce = f[F_CNONCE],
		.opaque = f[F_OPAQUE], .qop = f[F_QOP].p != NULL,
	};
	if (c.qop) {
		if (!str_iis(f[F_QOP], "auth") || c.cnonce.n == 0)
			return ERR_PARSE;
		e = count(f[F_NC], &c.nc);
	}
	if (!e)
		*out = c;
	return e;
}

/* --- writing --- */

static void put_quoted(struct buf *b, const char *name, struct str v)
{
	buf_lit(b, name);
	buf_lit(b, "=\"");
	buf_put(b, v);
	buf_ch(b, '"');
}

static void put_alg(struct buf *b, enum digest_alg alg)
{
	buf_lit(b, ", algorithm=");
	buf_lit(b, alg_name[alg == DIGEST_SHA256 ? DIGEST_SHA256 : DIGEST_MD5]);
}

void digest_write_challenge(struct buf *b, const struct digest_challenge *c)
{
	put_quoted(b, "Digest realm", c->realm);
	put_quoted(b, ", nonce", c->nonce);
	if (c->opaque.p)
		put_quoted(b, ", opaque", c->opaque);
	put_alg(b, c->alg);
	if (c->qop)
		buf_lit(b, ", qop=\"auth\"");
	if (c->stale)
		buf_lit(b, ", stale=true");
}

static void put_nc(struct buf *b, uint32_t nc)
{
	uint8_t v[4] = { (uint8_t)(nc >> 24), (uint8_t)(nc >> 16), (uint8_t)(nc >> 8),
			 (uint8_t)nc };

	buf_hex(b, v, sizeof v);
}

void digest_write_creds(struct buf *b, const struct digest_creds *c)
{
	put_quoted(b, "Digest username", c->username);
	put_quoted(b, ", realm", c->realm);
	put_quoted(b, ", nonce", c->nonce);
	put_quoted(b, ", uri", c->uri);
	put_quoted(b, ", response", c->response);
	put_alg(b, c->alg);
	if (c->opaque.p)
		put_quoted(b, ", opaque", c->opaque);
	if (c->qop) {
		buf_lit(b, ", qop=auth, nc=");
		put_nc(b, c->nc);
		put_quoted(b, ", cnonce", c->cnonce);
	}
}

/* --- computing --- */

static void hash(enum digest_alg alg, const struct str *part, int n, char out[DIGEST_HEX])
{
	uint8_t h[32];
	struct buf b;

	if (alg == DIGEST_SHA256)
		crypto_sha256(part, n, h);
	else
		crypto_md5(part, n, h);
	buf_init(&b, out, DIGEST_HEX);
	buf_hex(&b, h, digest_len(alg) / 2);
	(void)buf_z(&b);	/* fits */
}

void digest_ha1(enum digest_alg alg, struct str user, struct str realm, struct str password,
		char out[DIGEST_HEX])
{
	struct str part[] = { user, STR(":"), realm, STR(":"), password };

	hash(alg, part, 5, out);
}

void digest_response(const struct digest_creds *c, struct str ha1, struct str method,
		     char out[DIGEST_HEX])
{
	char ha2[DIGEST_HEX], nc[9];
	struct str a2[] = { method, STR(":"), c->uri };
	struct str colon = STR(":");
	struct buf b;

	hash(c->alg, a2, 3, ha2);
	buf_init(&b, nc, sizeof nc);
	put_nc(&b, c->nc);
	if (c->qop) {
		struct str part[] = { ha1, colon, c->nonce, colon, buf_str(&b), colon, c->cnonce,
				      colon, STR("auth"), colon, str_of(ha2) };

		hash(c->alg, part, 11, out);
	} else {
		struct str part[] = { ha1, colon, c->nonce, colon, str_of(ha2) };

		hash(c->alg, part, 5, out);
	}
}
