#include "pki/csr.h"

#include "io/ossl.h"

enum { NAME_MAX_BYTES = 253, LABEL_MAX = 63, CN_MAX = 64 };

static bool label_ok(struct str l)
{
	if (!l.n || l.n > LABEL_MAX || l.p[0] == '-' || l.p[l.n - 1] == '-')
		return false;
	for (size_t i = 0; i < l.n; i++) {
		char c = l.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '-'))
			return false;
	}
	return true;
}

bool csr_name_ok(struct str name)
{
	struct str label, rest = name;
	int labels = 0;

	if (!name.n || name.n > NAME_MAX_BYTES)
		return false;
	if (name.n > 2 && name.p[0] == '*' && name.p[1] == '.')
		rest = str_sub(name, 2, name.n);
	while (rest.p) {
		(void)str_cut(rest, '.', &label, &rest);	/* no dot: the last label */
		if (!label_ok(label))
			return false;
		labels++;
	}
	return labels >= 2;
}

static EVP_PKEY *make_key(enum csr_key kind)
{
	switch (kind) {
	case CSR_RSA2048:
		return EVP_RSA_gen(2048);
	case CSR_RSA4096:
		return EVP_RSA_gen(4096);
	case CSR_EC256:
		return EVP_EC_gen("P-256");
	}
	return NULL;
}

static bool set_subject(X509_REQ *r, const struct csr_spec *s)
{
	X509_NAME *n = X509_REQ_get_subject_name(r);
	struct str o = s->organisation;

	if (o.n && !X509_NAME_add_entry_by_NID(n, NID_organizationName, MBSTRING_UTF8,
					       (const unsigned char *)o.p, (int)o.n, -1, 0))
		return false;
	/* X.520: at most 64 bytes. A longer name is in the SAN, which is what counts */
	return s->name[0].n > CN_MAX ||
	       X509_NAME_add_entry_by_NID(n, NID_commonName, MBSTRING_UTF8,
					  (const unsigned char *)s->name[0].p, (int)s->name[0].n,
					  -1, 0);
}

static bool add_name(GENERAL_NAMES *all, struct str s)
{
	GENERAL_NAME *g = GENERAL_NAME_new();
	ASN1_IA5STRING *v = ASN1_IA5STRING_new();

	if (!g || !v || !ASN1_STRING_set(v, s.p, (int)s.n)) {
		ASN1_IA5STRING_free(v);
		GENERAL_NAME_free(g);
		return false;
	}
	GENERAL_NAME_set0_value(g, GEN_DNS, v);
	if (sk_GENERAL_NAME_push(all, g))
		return true;
	GENERAL_NAME_free(g);
	return false;
}

static bool set_extensions(X509_REQ *r, const struct csr_spec *s)
{
	STACK_OF(X509_EXTENSION) *ext = NULL;
	GENERAL_NAMES *all = GENERAL_NAMES_new();
	X509_EXTENSION *eku = X509V3_EXT_conf_nid(NULL, NULL, NID_ext_key_usage,
						  "serverAuth,clientAuth");
	bool good = all && eku;

	for (int i = 0; good && i < s->nnames; i++)
		good = add_name(all, s->name[i]);
	good = good && X509V3_add1_i2d(&ext, NID_subject_alt_name, all, 0, 0) == 1 &&
	       X509v3_add_ext(&ext, eku, -1) && X509_REQ_add_extensions(r, ext);
	X509_EXTENSION_free(eku);
	sk_X509_EXTENSION_pop_free(ext, X509_EXTENSION_free);
	GENERAL_NAMES_free(all);
	return good;
}

static bool bio_out(BIO *b, bool good, struct buf *out)
{
	char *p;
	long n = b ? BIO_get_mem_data(b, &p) : 0;

	if (good && n > 0)
		buf_bytes(out, p, (size_t)n);
	BIO_free(b);
	return good;
}

static bool write_pem(X509_REQ *r, EVP_PKEY *k, struct buf *request, struct buf *key)
{
	BIO *b = BIO_new(BIO_s_mem()), *s = BIO_new(BIO_s_secmem());
	bool a = bio_out(b, b && PEM_write_bio_X509_REQ(b, r), request);

	return bio_out(s, s && PEM_write_bio_PrivateKey(s, k, NULL, NULL, 0, NULL, NULL), key) && a;
}

enum err csr_make(const struct csr_spec *s, struct buf *request, struct buf *key)
{
	X509_REQ *r = NULL;
	EVP_PKEY *k = NULL;
	enum err e = ERR_IO;

	if (s->nnames < 1 || s->nnames > CSR_NAMES_MAX)
		return ERR_LIMIT;
	for (int i = 0; i < s->nnames; i++) {
		if (!csr_name_ok(s->name[i]))
			return ERR_PARSE;
	}
	k = make_key(s->key);
	r = X509_REQ_new();
	if (!k || !r || !X509_REQ_set_version(r, 0) || !set_subject(r, s) ||
	    !set_extensions(r, s) || !X509_REQ_set_pubkey(r, k) || !X509_REQ_sign(r, k, EVP_sha256()))
		goto out;
	if (write_pem(r, k, request, key))
		e = buf_ok(request) && buf_ok(key) ? OK : ERR_LIMIT;
out:
	X509_REQ_free(r);
	EVP_PKEY_free(k);
	ERR_clear_error();
	return e;
}
