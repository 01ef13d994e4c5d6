/* certs.c - certificates for io's own tests, made on the spot (EC, so it takes no time). */
#include "t_io.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/ossl.h"

enum { MADE_MAX = 24 };

struct certs {
	char dir[64], root_file[CERT_PATH];
	struct { char stem[32]; X509 *x; EVP_PKEY *key; } made[MADE_MAX];
	int n;
};

static void add_ext(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(e);
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

static void add_names(X509 *x, const struct cert_spec *s)
{
	GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();

	for (int i = 0; i < s->nsan; i++) {
		GENERAL_NAME *g = GENERAL_NAME_new();
		ASN1_IA5STRING *z = ASN1_IA5STRING_new();

		assert_int_equal(ASN1_STRING_set(z, s->san[i].p, (int)s->san[i].n), 1);
		GENERAL_NAME_set0_value(g, s->uri ? GEN_URI : GEN_DNS, z);
		sk_GENERAL_NAME_push(all, g);
	}
	assert_int_equal(X509_add1_ext_i2d(x, NID_subject_alt_name, all, 0, X509V3_ADD_DEFAULT), 1);
	sk_GENERAL_NAME_pop_free(all, GENERAL_NAME_free);
}

static int find(const struct certs *c, const char *stem)
{
	for (int i = 0; i < c->n; i++)
		if (!strcmp(c->made[i].stem, stem))
			return i;
	return -1;
}

static X509 *issue(struct certs *c, const struct cert_spec *s, EVP_PKEY *key, int issuer)
{
	X509 *x = X509_new(), *by = issuer < 0 ? x : c->made[issuer].x;
	X509_NAME *name = X509_get_subject_name(x);
	const long year = 365L * 86400;

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), c->n + 1);
	X509_gmtime_adj(X509_getm_notBefore(x), s->to_s ? s->from_s : -year);
	X509_gmtime_adj(X509_getm_notAfter(x), s->to_s ? s->to_s : year);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)s->cn, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(by));
	X509_set_pubkey(x, key);
	add_ext(x, by, NID_basic_constraints, s->ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	if (s->nsan)
		add_names(x, s);
	if (s->eku)
		add_ext(x, by, NID_ext_key_usage, s->eku);
	assert_true(X509_sign(x, issuer < 0 ? key : c->made[issuer].key, EVP_sha256()) > 0);
	return x;
}

static FILE *create(char *path, const struct certs *c, const char *stem, const char *tail)
{
	FILE *f;

	snprintf(path, CERT_PATH, "%s/%s%s", c->dir, stem, tail);
	f = fopen(path, "w");
	assert_non_null(f);
	return f;
}

void certs_make(struct certs *c, struct cert *out, const struct cert_spec *s, const char *issuer)
{
	int by = find(c, issuer ? issuer : "root"), i = c->n;
	FILE *f;

	assert_true(i < MADE_MAX);
	c->made[i].key = EVP_EC_gen("P-256");
	c->made[i].x = issue(c, s, c->made[i].key, by);
	snprintf(c->made[i].stem, sizeof c->made[i].stem, "%s", s->file);
	c->n++;
	f = create(out->cert, c, s->file, ".pem");
	PEM_write_X509(f, c->made[i].x);
	if (by > 0)		/* the chain, without the root */
		PEM_write_X509(f, c->made[by].x);
	fclose(f);
	f = create(out->key, c, s->file, ".key");
	PEM_write_PrivateKey(f, c->made[i].key, NULL, NULL, 0, NULL, NULL);
	fclose(f);
}

struct certs *certs_open(void)
{
	const struct cert_spec root = { .file = "root", .cn = "Test Root", .ca = true };
	struct certs *c = mem_new(sizeof *c);
	struct cert made;

	snprintf(c->dir, sizeof c->dir, "/tmp/ut_io.XXXXXX");
	assert_non_null(mkdtemp(c->dir));
	certs_make(c, &made, &root, NULL);
	snprintf(c->root_file, sizeof c->root_file, "%s", made.cert);
	return c;
}

const char *certs_root(const struct certs *c)
{
	return c->root_file;
}

void certs_close(struct certs *c)
{
	DIR *d = opendir(c->dir);
	struct dirent *e;
	char path[400];

	while (d && (e = readdir(d))) {
		snprintf(path, sizeof path, "%s/%s", c->dir, e->d_name);
		if (e->d_name[0] != '.')
			unlink(path);
	}
	closedir(d);
	rmdir(c->dir);
	for (int i = 0; i < c->n; i++) {
		X509_free(c->made[i].x);
		EVP_PKEY_free(c->made[i].key);
	}
	mem_free(c);
}
