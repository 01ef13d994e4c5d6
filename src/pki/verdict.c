#include "pki/verdict.h"

#include <string.h>

#include "base/when.h"

enum { RSA_LEAST = 2048, EC_LEAST = 224,
       NO_ISSUER = 20,		/* X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY */
       HOST_SHOWN = 253 };
#define DAY_MS INT64_C(86400000)

static const char *const words[VERDICT_N] = {
#define X(name, word) [VERDICT_##name] = word,
	VERDICTS(X)
#undef X
};

const char *verdict_word(enum verdict_code c)
{
	return (unsigned)c < VERDICT_N ? words[c] : "unknown";
}

struct court {
	const struct verdict_query *q;
	const struct cert *leaf;
	struct verdict *out;
	int n;
};

__attribute__((format(printf, 4, 5)))
static void add(struct court *c, enum verdict_level level, enum verdict_code code,
		const char *fmt, ...)
{
	struct verdict *v = &c->out[c->n++];
	struct buf b;
	va_list ap;

	v->level = level;
	v->code = code;
	buf_init(&b, v->text, sizeof v->text - 1);
	va_start(ap, fmt);
	buf_vfmt(&b, fmt, ap);
	va_end(ap);
	v->text[b.n] = 0;
}

static const char *day(int64_t wall, char text[24])
{
	struct buf b;

	buf_init(&b, text, 24);
	when_day(&b, wall);
	return buf_z(&b);
}

static const char *names_of(const struct cert *c, char text[200])
{
	struct buf b;

	buf_init(&b, text, 199);
	for (int i = 0; i < c->nnames && b.n < 120; i++)
		buf_fmt(&b, "%s%.60s", i ? ", " : "", c->name[i]);
	if (!c->nnames)
		buf_fmt(&b, "%.100s", c->cn[0] ? c->cn : "no name at all");
	text[b.n] = 0;
	return text;
}

static void key(struct court *c)
{
	const struct cert_view *v = c->q->cert;

	if (v->has_key && !v->key_fits)
		add(c, VERDICT_ERROR, VERDICT_KEY_MISMATCH, "The private key does not belong to "
		    "the certificate. Give the key of the request this certificate was made from; "
		    "if the file starts with an intermediate, put the own certificate first.");
	if (c->leaf->key_bits && c->leaf->key_bits < (c->leaf->key_ec ? EC_LEAST : RSA_LEAST))
		add(c, VERDICT_ERROR, VERDICT_WEAK_KEY, "The key is %s, which peers refuse. Request "
		    "a certificate for an RSA key of 2048 bits.", c->leaf->key);
	if (c->leaf->weak_signature)
		add(c, VERDICT_ERROR, VERDICT_WEAK_SIGNATURE, "The certificate is signed with SHA-1 or "
		    "MD5, which peers refuse. Have it issued again.");
}

static void dates(struct court *c)
{
	int64_t now = c->q->wall;
	int64_t left = c->leaf->not_after_wall - now;
	char t[24];

	if (now < c->leaf->not_before_wall)
		add(c, VERDICT_ERROR, VERDICT_NOT_YET_VALID, "The certificate is valid only from %s "
		    "on. Check the clock of this machine, or wait.", day(c->leaf->not_before_wall, t));
	if (left < 0)
		add(c, VERDICT_ERROR, VERDICT_EXPIRED, "The certificate expired on %s. Renew it and "
		    "restart Tandem, which ends the calls that are up.", day(c->leaf->not_after_wall, t));
	else if (left < VERDICT_SOON_DAYS * DAY_MS)
		add(c, VERDICT_WARN, VERDICT_EXPIRES_SOON, "The certificate expires on %s, in %lld "
		    "days. Renew it now.", day(c->leaf->not_after_wall, t),
		    (long long)(left / DAY_MS));
	for (int i = 1; i < c->q->cert->n; i++) {
		const struct cert *up = &c->q->cert->chain[i];

		if (now <= up->not_after_wall)
			continue;
		add(c, VERDICT_ERROR, VERDICT_CHAIN_EXPIRED, "The intermediate %.100s expired on %s. "
		    "Replace it with the current one of your certificate authority.", up->subject,
		    day(up->not_after_wall, t));
		return;
	}
}

static bool tail_is(struct str host, const char *tail)
{
	struct str t = str_of(tail);

	return host.n > t.n && str_ieq(str_sub(host, host.n - t.n, t.n), t);
}

static void names(struct court *c)
{
	struct str host = c->q->fqdn;
	char t[200];

	for (int i = 0; i < c->leaf->nnames; i++) {
		if (!strstr(c->leaf->name[i], "\\x00"))
			continue;
		add(c, VERDICT_ERROR, VERDICT_NAME_NUL, "The name %.100s has a NUL inside, which is "
		    "a known attack. Do not use this certificate.", c->leaf->name[i]);
		break;
	}
	if (!host.n)
		return;
	if (c->q->teams && tail_is(host, ".onmicrosoft.com"))
		add(c, VERDICT_ERROR, VERDICT_ONMICROSOFT, "%.*s: Microsoft takes no name under "
		    "onmicrosoft.com. Use a name in a domain of your own that is verified in the "
		    "tenant.", STRF(host));
	if (cert_covers(c->leaf, host, false))
		return;
	if (cert_covers(c->leaf, host, true))
		add(c, VERDICT_WARN, VERDICT_NAME_ONLY_CN, "The name %.*s is only in the common name. "
		    "Microsoft takes it, others do not: have it issued with a subject alternative "
		    "name.", STRF(host));
	else
		add(c, VERDICT_ERROR, VERDICT_NAME_MISSING, "The certificate does not carry the name "
		    "%.*s; it carries %s. Have it issued for that name (a wild card covers one "
		    "label only), or correct the trunk's fqdn.", STRF(host), names_of(c->leaf, t));
}

static void purpose(struct court *c)
{
	const struct cert *l = c->leaf;

	if (l->ca && !l->self_signed)
		add(c, VERDICT_ERROR, VERDICT_IS_CA, "The first certificate of the file is that of a "
		    "certificate authority (%.100s). Put the own certificate first.", l->subject);
	if (l->has_eku && !l->eku_server && !l->eku_any)
		add(c, VERDICT_ERROR, VERDICT_NO_SERVER_AUTH, "The certificate is not made for servers "
		    "(its extended key usage lacks serverAuth). Have it issued as a TLS server "
		    "certificate.");
	else if (!l->has_eku && c->q->teams)
		add(c, VERDICT_ERROR, VERDICT_NO_SERVER_AUTH, "The certificate says no extended key "
		    "usage; Microsoft asks for serverAuth. Have it issued as a TLS server "
		    "certificate.");
	if (c->q->teams && l->has_eku && !l->eku_client && !l->eku_any)
		add(c, VERDICT_INFO, VERDICT_NO_CLIENT_AUTH, "The certificate lacks clientAuth. "
		    "Microsoft asked for it from March 2024; public authorities stopped issuing it "
		    "in 2026. Nothing is to be done unless the trunk stays down with a TLS alert.");
}

/* Not known to lead to a root: which link is missing? */
static void missing_link(struct court *c)
{
	const struct cert_view *v = c->q->cert;
	const struct cert *last = &v->chain[v->n - 1];
	bool alone = v->n == 1 && (v->has_roots ? v->verify_error == NO_ISSUER : c->q->teams);

	if (alone)
		add(c, v->has_roots ? VERDICT_ERROR : VERDICT_WARN, VERDICT_NO_INTERMEDIATE,
		    "The file holds the certificate alone; it was issued by %.120s. Append the "
		    "intermediates of your certificate authority: without them Microsoft resets "
		    "the connection without a word.", c->leaf->issuer);
	else if (v->has_roots && v->in_order)
		add(c, VERDICT_ERROR, VERDICT_UNTRUSTED, "The chain ends at %.120s, which none of the "
		    "trusted roots issued (%.100s). Append the missing intermediate, or use an "
		    "authority of the Microsoft Trusted Root Program.", last->issuer,
		    v->verify_text);
}

static void chain(struct court *c)
{
	const struct cert_view *v = c->q->cert;

	if (c->leaf->self_signed) {
		add(c, c->q->teams ? VERDICT_ERROR : VERDICT_WARN, VERDICT_SELF_SIGNED,
		    "The certificate is signed by itself%s. Have one issued by a public certificate "
		    "authority.", c->q->teams ? ", which Microsoft never takes" : "");
		return;
	}
	if (!v->in_order)
		add(c, VERDICT_ERROR, VERDICT_CHAIN_ORDER, "The certificates in the file are not in "
		    "order: each one must be followed by the one that issued it. Put the own "
		    "certificate first, then its intermediates.");
	if (v->root_in_chain)
		add(c, VERDICT_INFO, VERDICT_ROOT_SENT, "The file also holds the root, which peers "
		    "have already. It may be left out.");
	if (!v->has_roots || !v->trusted)
		missing_link(c);
}

int verdict_make(const struct verdict_query *q, struct verdict out[VERDICT_N])
{
	struct verdict all[VERDICT_N];
	struct court c = { .q = q, .leaf = &q->cert->chain[0], .out = all };
	int n = 0;

	key(&c);
	dates(&c);
	names(&c);
	purpose(&c);
	chain(&c);
	for (int level = VERDICT_ERROR; level >= VERDICT_INFO; level--) {
		for (int i = 0; i < c.n; i++) {
			if ((int)all[i].level == level)
				out[n++] = all[i];
		}
	}
	return n;
}
