#include <string.h>

#include "io/tls_int.h"

/* Our verification. OpenSSL builds and checks the chain with purpose "any": Microsoft
 * presents serverAuth-only certificates as a client too, which the default check of a client
 * chain refuses (error 26). What the leaf must carry, and its names, are checked here. */

static void add_name(struct tls_facts *f, struct str name)
{
	struct buf b;

	if (f->npeer_name == TLS_NAMES_MAX)
		return;
	buf_init(&b, f->peer_name[f->npeer_name], sizeof f->peer_name[0]);
	buf_safe(&b, name);
	if (buf_z(&b)[0])
		f->npeer_name++;
	else
		f->peer_name[f->npeer_name][0] = 0;
}

/* The host of a sip: URI without user (RFC 5922 7.1), which names a domain as a dNSName does but is
 * never a pattern; none: it names nobody we ask for. */
static struct str uri_host(struct str uri)
{
	struct str scheme, host;

	if (!str_cut(uri, ':', &scheme, &host) || !str_iis(scheme, "sip"))
		return STR_NONE;
	if (str_find(host, '@') < host.n || str_find(host, '*') < host.n || str_find(host, 0) < host.n)
		return STR_NONE;
	host = str_sub(host, 0, str_find(host, '?'));
	host = str_sub(host, 0, str_find(host, ';'));
	return str_sub(host, 0, str_find(host, ':'));
}

/* The DNS name that a SAN entry stands for; raw bytes, so that an embedded NUL is seen. */
static struct str san_name(const GENERAL_NAME *g)
{
	struct str s;

	if (g->type != GEN_DNS && g->type != GEN_URI)
		return STR_NONE;
	s = (struct str){ (const char *)ASN1_STRING_get0_data(g->d.ia5),
			  (size_t)ASN1_STRING_length(g->d.ia5) };
	return g->type == GEN_DNS ? s : uri_host(s);
}

static void learn_names(struct tls_facts *f, X509 *x)
{
	GENERAL_NAMES *list = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);

	f->npeer_name = 0;
	for (int i = 0; list && i < sk_GENERAL_NAME_num(list); i++) {
		add_name(f, san_name(sk_GENERAL_NAME_value(list, i)));
	}
	GENERAL_NAMES_free(list);
}

static wall_t wall_of(const ASN1_TIME *t)
{
	int days = 0, secs = 0;
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	wall_t w = 0;

	if (epoch && ASN1_TIME_diff(&days, &secs, epoch, t))
		w = ((wall_t)days * 86400 + secs) * 1000;
	ASN1_TIME_free(epoch);
	return w;
}

static void oneline(char *dst, size_t cap, X509_NAME *n)
{
	char text[512];
	struct buf b;

	text[0] = 0;
	X509_NAME_oneline(n, text, sizeof text);
	buf_init(&b, dst, cap);
	buf_safe(&b, str_sub(str_of(text), 0, cap / 4));
	(void)buf_z(&b);
}

void tls_learn_cert(struct tls_facts *f, X509 *x)
{
	unsigned char md[32];
	unsigned n = 0;
	struct buf b;

	f->peer_cert = true;
	oneline(f->peer_subject, sizeof f->peer_subject, X509_get_subject_name(x));
	oneline(f->peer_issuer, sizeof f->peer_issuer, X509_get_issuer_name(x));
	learn_names(f, x);
	f->not_before = wall_of(X509_get0_notBefore(x));
	f->not_after = wall_of(X509_get0_notAfter(x));
	buf_init(&b, f->peer_sha256, sizeof f->peer_sha256);
	if (X509_digest(x, EVP_sha256(), md, &n) == 1)
		buf_hex(&b, md, n);
	(void)buf_z(&b);
}

static bool has_server_auth(X509 *x)
{
	EXTENDED_KEY_USAGE *eku = X509_get_ext_d2i(x, NID_ext_key_usage, NULL, NULL);
	bool yes = false;

	for (int i = 0; eku && i < sk_ASN1_OBJECT_num(eku); i++) {
		int nid = OBJ_obj2nid(sk_ASN1_OBJECT_value(eku, i));

		yes |= nid == NID_server_auth || nid == NID_anyExtendedKeyUsage;
	}
	EXTENDED_KEY_USAGE_free(eku);
	return yes;
}

/* Does one of the names match one of the wanted? */
static bool san_matches(X509 *x, char *const *wanted, bool wanted_is_pattern)
{
	GENERAL_NAMES *list = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	bool yes = false;

	for (int i = 0; list && i < sk_GENERAL_NAME_num(list); i++) {
		struct str san = san_name(sk_GENERAL_NAME_value(list, i));

		for (char *const *w = wanted; *w; w++) {
			yes |= tls_name_match(san, str_of(*w));
			/* a configured "*.pstnhub.microsoft.com" covers a peer's plain name */
			if (wanted_is_pattern)
				yes |= tls_name_match(str_of(*w), san);
		}
	}
	GENERAL_NAMES_free(list);
	return yes;
}

static bool ip_matches(X509 *x, const char *name)
{
	return X509_check_ip_asc(x, name, 0) == 1;
}

static bool names_good(struct tls *t, X509 *x)
{
	char *const one[2] = { t->name, NULL };

	if (t->rules->verify != TLS_VERIFY_PEER)
		return true;
	if (t->server)
		return !t->rules->names[0] || san_matches(x, t->rules->names, true);
	return (t->name[0] && (san_matches(x, one, false) || ip_matches(x, t->name))) ||
	       (t->rules->extra[0] && san_matches(x, t->rules->extra, true));
}

static int refuse(struct tls *t, X509_STORE_CTX *s, int error, enum tls_refusal kind,
		  const char *text)
{
	struct tls_facts *f = tls_facts_open(t);

	X509_STORE_CTX_set_error(s, error);
	f->verify_error = error;
	f->refusal = kind;
	(void)str_copy(f->verify_text, sizeof f->verify_text, str_of(text));
	return 0;
}

static const char *sentence(int error)
{
	switch (error) {
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: return "it is self-signed";
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		return "its root is not among the trusted ones";
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		return "its issuer is unknown: an intermediate is missing or the root is not trusted";
	case X509_V_ERR_CERT_HAS_EXPIRED: return "it has expired";
	case X509_V_ERR_CERT_NOT_YET_VALID: return "it is not valid yet";
	case X509_V_ERR_CERT_REVOKED: return "it was revoked";
	case X509_V_ERR_CERT_CHAIN_TOO_LONG: return "its chain is too long";
	default: return X509_verify_cert_error_string(error);
	}
}

int tls_verify_peer(X509_STORE_CTX *s, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(s, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls *t = SSL_get_ex_data(ssl, tls_ex_index());
	X509 *leaf = X509_STORE_CTX_get0_cert(s);

	(void)arg;
	if (leaf)
		tls_learn_cert(tls_facts_open(t), leaf);
	if (t->rules->verify == TLS_VERIFY_NONE)
		return 1;
	X509_VERIFY_PARAM_set_purpose(X509_STORE_CTX_get0_param(s), X509_PURPOSE_ANY);
	if (X509_verify_cert(s) != 1)
		return refuse(t, s, X509_STORE_CTX_get_error(s), TLS_REFUSED_CHAIN,
			      sentence(X509_STORE_CTX_get_error(s)));
	if (t->rules->eku == TLS_EKU_SERVER && !has_server_auth(leaf))
		return refuse(t, s, X509_V_ERR_INVALID_PURPOSE, TLS_REFUSED_PURPOSE,
			      "it lacks the Server Authentication key usage");
	if (!names_good(t, leaf))
		return refuse(t, s, X509_V_ERR_HOSTNAME_MISMATCH, TLS_REFUSED_NAME,
			      "it does not carry the expected name");
	return 1;
}
