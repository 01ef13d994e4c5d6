#include "pki/testca.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/addr.h"
#include "io/ossl.h"

struct testca_cert {
	X509 *x;
	EVP_PKEY *key;
};

enum { DATE_2024 = 1704067200 };
static const int64_t date_2049 = 2524607999;

static void must(bool ok)
{
	if (ok)
		return;
	fputs("tandem: OpenSSL refused to make a test certificate\n", stderr);
	abort();
}

static EVP_PKEY *make_key(enum testca_key kind)
{
	EVP_PKEY *k = kind == TESTCA_RSA2048 ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");

	must(k);
	return k;
}

static void set_dates(X509 *x, const struct testca_spec *s)
{
	time_t from = s->not_before ? s->not_before : DATE_2024;
	time_t to = s->not_after ? s->not_after : date_2049;

	must(ASN1_TIME_set(X509_getm_notBefore(x), from));
	must(ASN1_TIME_set(X509_getm_notAfter(x), to));
}

static void set_subject(X509 *x, const struct testca_spec *s)
{
	X509_NAME *n = X509_get_subject_name(x);

	must(X509_NAME_add_entry_by_txt(n, "O", MBSTRING_UTF8, (const unsigned char *)"Tandem test",
					-1, -1, 0));
	if (s->cn)
		must(X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_UTF8, (const unsigned char *)s->cn,
						-1, -1, 0));
}

static GENERAL_NAME *make_name(struct str s)
{
	GENERAL_NAME *g = GENERAL_NAME_new();
	ASN1_STRING *v;
	struct addr a;

	must(g);
	if (addr_parse_ip(s, &a) == OK) {
		v = ASN1_OCTET_STRING_new();
		must(v && ASN1_STRING_set(v, a.ip, a.family == ADDR_V4 ? 4 : 16));
		GENERAL_NAME_set0_value(g, GEN_IPADD, v);
		return g;
	}
	v = ASN1_IA5STRING_new();
	must(v && ASN1_STRING_set(v, s.p, (int)s.n));
	GENERAL_NAME_set0_value(g, GEN_DNS, v);
	return g;
}

static void add_names(X509 *x, const struct testca_spec *s)
{
	GENERAL_NAMES *all = GENERAL_NAMES_new();

	must(all);
	for (int i = 0; i < s->nnames; i++)
		must(sk_GENERAL_NAME_push(all, make_name(s->name[i])));
	if (s->nnames)
		must(X509_add1_ext_i2d(x, NID_subject_alt_name, all, 0, 0));
	GENERAL_NAMES_free(all);
}

static void add_ext(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	must(e && X509_add_ext(x, e, -1));
	X509_EXTENSION_free(e);
}

static void add_use(X509 *x, X509 *issuer, enum testca_use use)
{
	static const char *const eku[] = {
		[TESTCA_BOTH] = "serverAuth,clientAuth",
		[TESTCA_SERVER] = "serverAuth",
		[TESTCA_CLIENT] = "clientAuth",
		[TESTCA_NO_EKU] = NULL,
		[TESTCA_CA] = NULL,
	};
	bool ca = use == TESTCA_CA;

	add_ext(x, issuer, NID_basic_constraints, ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	add_ext(x, issuer, NID_key_usage,
		ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature,keyEncipherment");
	add_ext(x, issuer, NID_subject_key_identifier, "hash");
	add_ext(x, issuer, NID_authority_key_identifier, "keyid");
	if (eku[use])
		add_ext(x, issuer, NID_ext_key_usage, eku[use]);
}

static void set_serial(X509 *x)
{
	unsigned char raw[16];
	BIGNUM *n;

	must(RAND_bytes(raw, sizeof raw) == 1);
	raw[0] &= 0x7f;		/* positive, RFC 5280 4.1.2.2 */
	n = BN_bin2bn(raw, sizeof raw, NULL);
	must(n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)));
	BN_free(n);
}

struct testca_cert *testca_make(const struct testca_spec *s, const struct testca_cert *issuer)
{
	struct testca_cert *c = mem_new(sizeof *c);

	assert(s->nnames <= TESTCA_NAMES_MAX);
	c->key = make_key(s->key);
	c->x = X509_new();
	must(c->x && X509_set_version(c->x, X509_VERSION_3));
	if (!issuer)
		issuer = c;
	set_serial(c->x);
	set_dates(c->x, s);
	set_subject(c->x, s);
	must(X509_set_issuer_name(c->x, X509_get_subject_name(issuer->x)));
	must(X509_set_pubkey(c->x, c->key));
	add_use(c->x, issuer->x, s->use);
	add_names(c->x, s);
	must(X509_sign(c->x, issuer->key, EVP_sha256()));
	return c;
}

void testca_free(struct testca_cert *c)
{
	if (!c)
		return;
	X509_free(c->x);
	EVP_PKEY_free(c->key);
	mem_free(c);
}

static void bio_out(BIO *b, struct buf *out)
{
	char *p;
	long n = BIO_get_mem_data(b, &p);

	buf_bytes(out, p, (size_t)n);
	BIO_free(b);
}

void testca_chain_pem(const struct testca_cert *c, const struct testca_cert *const *chain, int n,
		      struct buf *out)
{
	BIO *b = BIO_new(BIO_s_mem());

	must(b && PEM_write_bio_X509(b, c->x));
	for (int i = 0; i < n; i++)
		must(PEM_write_bio_X509(b, chain[i]->x));
	bio_out(b, out);
}

void testca_key_pem(const struct testca_cert *c, struct buf *out)
{
	BIO *b = BIO_new(BIO_s_mem());

	must(b && PEM_write_bio_PrivateKey(b, c->key, NULL, NULL, 0, NULL, NULL));
	bio_out(b, out);
}

static enum err write_file(const char *file, struct str text, mode_t mode)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	bool good;

	if (fd < 0)
		return ERR_IO;
	good = write(fd, text.p, text.n) == (ssize_t)text.n;
	if (close(fd) < 0)
		good = false;
	return good ? OK : ERR_IO;
}

enum err testca_write(const struct testca_cert *c, const struct testca_cert *const *chain, int n,
		      const char *cert_file, const char *key_file)
{
	size_t cap = (size_t)(TESTCA_CHAIN_MAX + 1) * TESTCA_PEM_MAX;
	char *mem = mem_new(cap);
	struct buf b;
	enum err e;

	assert(n <= TESTCA_CHAIN_MAX);
	buf_init(&b, mem, cap);
	testca_chain_pem(c, chain, n, &b);
	e = buf_ok(&b) ? write_file(cert_file, buf_str(&b), 0644) : ERR_LIMIT;
	if (e)
		goto out;
	buf_reset(&b);
	testca_key_pem(c, &b);
	e = buf_ok(&b) ? write_file(key_file, buf_str(&b), 0600) : ERR_LIMIT;
out:
	mem_wipe(mem, cap);
	mem_free(mem);
	return e;
}

enum err testca_write_root(const struct testca_cert *root, const char *file)
{
	char mem[TESTCA_PEM_MAX];
	struct buf b;

	buf_init(&b, mem, sizeof mem);
	testca_chain_pem(root, NULL, 0, &b);
	return buf_ok(&b) ? write_file(file, buf_str(&b), 0644) : ERR_LIMIT;
}
