#include "pki/cert.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/addr.h"
#include "io/ossl.h"
#include "io/tls.h"

/* ---- one certificate ---- */

static void keep(char *dst, size_t cap, const void *p, size_t n)
{
	struct buf b;

	buf_init(&b, dst, cap - 1);
	buf_safe(&b, (struct str){ p, n });
	/* too long: as much as fits; an escape may be cut, which is fine for people */
	dst[b.n] = 0;
}

static void take_name(char *dst, size_t cap, const X509_NAME *n)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *p;
	long len;

	dst[0] = 0;
	if (b && X509_NAME_print_ex(b, n, 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB) >= 0) {
		len = BIO_get_mem_data(b, &p);
		keep(dst, cap, p, (size_t)len);
	}
	BIO_free(b);
}

static void take_cn(struct cert *c, const X509_NAME *n)
{
	int at = X509_NAME_get_index_by_NID(n, NID_commonName, -1);
	const ASN1_STRING *s;

	if (at < 0)
		return;
	s = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(n, at));
	keep(c->cn, sizeof c->cn, ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

static void add_name(struct cert *c, const GENERAL_NAME *g)
{
	const ASN1_STRING *s;
	struct addr a = { .family = ADDR_NONE };
	struct buf b;
	char *dst;
	size_t n;

	if (g->type != GEN_DNS && g->type != GEN_IPADD)
		return;
	if (c->nnames == CERT_NAMES_MAX) {
		c->names_lost++;
		return;
	}
	s = g->type == GEN_DNS ? g->d.dNSName : g->d.iPAddress;
	n = (size_t)ASN1_STRING_length(s);
	dst = c->name[c->nnames++];
	if (g->type == GEN_DNS) {
		keep(dst, sizeof c->name[0], ASN1_STRING_get0_data(s), n);
		return;
	}
	a.family = n == 4 ? ADDR_V4 : ADDR_V6;
	memcpy(a.ip, ASN1_STRING_get0_data(s), n < sizeof a.ip ? n : sizeof a.ip);
	buf_init(&b, dst, sizeof c->name[0] - 1);
	addr_ip(&b, &a);
	dst[b.n] = 0;
}

static void take_names(struct cert *c, X509 *x)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(all); i++)
		add_name(c, sk_GENERAL_NAME_value(all, i));
	GENERAL_NAMES_free(all);
}

static int64_t wall_of(const ASN1_TIME *t)
{
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int days = 0, secs = 0;

	if (!epoch || !ASN1_TIME_diff(&days, &secs, epoch, t))
		days = secs = 0;	/* unreadable: long expired */
	ASN1_TIME_free(epoch);
	return ((int64_t)days * 86400 + secs) * 1000;
}

static void take_purpose(struct cert *c, X509 *x)
{
	EXTENDED_KEY_USAGE *eku = X509_get_ext_d2i(x, NID_ext_key_usage, NULL, NULL);

	c->has_eku = eku != NULL;
	for (int i = 0; i < sk_ASN1_OBJECT_num(eku); i++) {
		int nid = OBJ_obj2nid(sk_ASN1_OBJECT_value(eku, i));

		c->eku_server |= nid == NID_server_auth;
		c->eku_client |= nid == NID_client_auth;
		c->eku_any |= nid == NID_anyExtendedKeyUsage;
	}
	EXTENDED_KEY_USAGE_free(eku);
	c->ca = X509_check_ca(x) == 1;
}

static void take_key(struct cert *c, X509 *x)
{
	EVP_PKEY *k = X509_get0_pubkey(x);
	int hash = NID_undef;
	struct buf b;

	buf_init(&b, c->key, sizeof c->key - 1);
	if (k) {
		c->key_ec = EVP_PKEY_get_base_id(k) == EVP_PKEY_EC;
		c->key_bits = EVP_PKEY_get_bits(k);
		buf_fmt(&b, "%s %d", c->key_ec ? "EC" :
			EVP_PKEY_get_base_id(k) == EVP_PKEY_RSA ? "RSA" : "other", c->key_bits);
	} else {
		buf_lit(&b, "unknown");
	}
	c->key[b.n] = 0;
	(void)X509_get_signature_info(x, &hash, NULL, NULL, NULL);	/* unknown: not weak */
	c->weak_signature = hash == NID_md5 || hash == NID_sha1;
}

static void take_print(X509 *x, const EVP_MD *md, char *dst, size_t cap)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	struct buf b;

	dst[0] = 0;
	if (!X509_digest(x, md, sum, &n))
		return;
	buf_init(&b, dst, cap);
	buf_hex(&b, sum, n);
	(void)buf_z(&b);		/* adds the NUL */
}

static void read_cert(struct cert *c, X509 *x)
{
	memset(c, 0, sizeof *c);
	take_name(c->subject, sizeof c->subject, X509_get_subject_name(x));
	take_name(c->issuer, sizeof c->issuer, X509_get_issuer_name(x));
	take_cn(c, X509_get_subject_name(x));
	take_names(c, x);
	take_purpose(c, x);
	take_key(c, x);
	take_print(x, EVP_sha256(), c->sha256, sizeof c->sha256);
	take_print(x, EVP_sha1(), c->sha1, sizeof c->sha1);
	c->not_before_wall = wall_of(X509_get0_notBefore(x));
	c->not_after_wall = wall_of(X509_get0_notAfter(x));
	c->self_signed = X509_self_signed(x, 1) == 1;
}

/* ---- PEM ---- */

static STACK_OF(X509) *read_pem(struct str pem, int max)
{
	STACK_OF(X509) *all = sk_X509_new_null();
	BIO *b = BIO_new_mem_buf(pem.p ? pem.p : "", (int)pem.n);
	X509 *x;

	while (all && b && (max == 0 || sk_X509_num(all) < max) &&
	       (x = PEM_read_bio_X509(b, NULL, NULL, NULL))) {
		if (!sk_X509_push(all, x))
			X509_free(x);
	}
	BIO_free(b);
	ERR_clear_error();		/* the end of the file is one to PEM */
	return all;
}

static int no_password(char *buf, int size, int rw, void *ctx)
{
	(void)buf;
	(void)size;
	(void)rw;
	(void)ctx;
	return -1;			/* never ask on the terminal */
}

static enum err check_key(struct cert_view *v, struct str pem, X509 *leaf, struct buf *why)
{
	BIO *b = BIO_new_mem_buf(pem.p, (int)pem.n);
	EVP_PKEY *k = b ? PEM_read_bio_PrivateKey(b, NULL, no_password, NULL) : NULL;

	BIO_free(b);
	if (!k) {
		ERR_clear_error();
		buf_lit(why, "There is no private key without a password in it. Write the key as "
			"PEM without a password, readable only for Tandem's user.");
		return ERR_PARSE;
	}
	v->has_key = true;
	v->key_fits = X509_check_private_key(leaf, k) == 1;
	ERR_clear_error();
	EVP_PKEY_free(k);
	return OK;
}

/* ---- the chain ---- */

static void check_order(struct cert_view *v, STACK_OF(X509) *chain)
{
	v->in_order = true;
	for (int i = 0; i + 1 < sk_X509_num(chain); i++) {
		X509 *x = sk_X509_value(chain, i), *up = sk_X509_value(chain, i + 1);

		if (X509_check_issued(up, x) != X509_V_OK)
			v->in_order = false;
	}
	for (int i = 1; i < v->n; i++)
		v->root_in_chain |= v->chain[i].self_signed;
}

static void verify(struct cert_view *v, STACK_OF(X509) *chain, X509_STORE *roots)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();

	v->has_roots = true;
	v->verify_error = X509_V_ERR_UNSPECIFIED;
	if (ctx && X509_STORE_CTX_init(ctx, roots, sk_X509_value(chain, 0), chain)) {
		/* dates are judged apart: an expired one must not hide a missing link */
		X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_NO_CHECK_TIME);
		v->trusted = X509_verify_cert(ctx) == 1;
		v->verify_error = X509_STORE_CTX_get_error(ctx);
	}
	if (!v->trusted)
		(void)str_copy(v->verify_text, sizeof v->verify_text,
			       str_of(X509_verify_cert_error_string(v->verify_error)));
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
}

static enum err check_roots(struct cert_view *v, const struct cert_input *in,
			    STACK_OF(X509) *chain, struct buf *why)
{
	X509_STORE *store = X509_STORE_new();
	STACK_OF(X509) *roots = NULL;
	enum err e = OK;

	if (str_is(in->roots, "system")) {
		(void)X509_STORE_set_default_paths(store);	/* empty: nothing is trusted */
	} else {
		roots = read_pem(in->roots, 0);
		if (!sk_X509_num(roots)) {
			buf_lit(why, "There is no root certificate in it. Write the trusted roots "
				"as PEM, one after the other.");
			e = ERR_PARSE;
		}
		for (int i = 0; i < sk_X509_num(roots); i++)
			(void)X509_STORE_add_cert(store, sk_X509_value(roots, i));	/* double: fine */
	}
	if (!e)
		verify(v, chain, store);
	sk_X509_pop_free(roots, X509_free);
	X509_STORE_free(store);
	return e;
}

enum err cert_read(const struct cert_input *in, struct cert_view *out, struct buf *why)
{
	struct cert_view *v = mem_new(sizeof *v);
	STACK_OF(X509) *chain = NULL;
	enum err e = ERR_LIMIT;

	if (in->cert.n > CERT_FILE_MAX || in->key.n > CERT_FILE_MAX) {
		buf_lit(why, "It is too big for a certificate. Give the right file.");
		goto out;
	}
	chain = read_pem(in->cert, CERT_CHAIN_MAX);
	v->n = sk_X509_num(chain);
	if (v->n < 1) {
		buf_lit(why, "There is no certificate in it. Write the certificate as PEM, followed "
			"by its intermediates.");
		e = ERR_PARSE;
		goto out;
	}
	for (int i = 0; i < v->n; i++)
		read_cert(&v->chain[i], sk_X509_value(chain, i));
	check_order(v, chain);
	e = in->key.p ? check_key(v, in->key, sk_X509_value(chain, 0), why) : OK;
	if (!e && in->roots.p)
		e = check_roots(v, in, chain, why);
	if (!e)
		*out = *v;
out:
	sk_X509_pop_free(chain, X509_free);
	mem_free(v);
	return e;
}

/* ---- files ---- */

struct file {
	char *p;
	size_t n;
};

static void file_free(struct file *f)
{
	if (f->p)
		mem_wipe(f->p, f->n);
	mem_free(f->p);
}

static enum err cannot(const char *path, struct buf *why)
{
	buf_fmt(why, "%s: cannot be read: %s. Correct the path, or give Tandem's user the right "
		"to read it.", path, strerror(errno));
	return ERR_IO;
}

static enum err file_read(struct file *f, const char *path, size_t max, struct buf *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	enum err e = OK;
	ssize_t n;

	if (fd < 0)
		return cannot(path, why);
	if (fstat(fd, &st) || st.st_size < 0 || (size_t)st.st_size > max) {
		buf_fmt(why, "%s: too big. Give the right file.", path);
		e = ERR_LIMIT;
		goto out;
	}
	f->p = mem_new((size_t)st.st_size + 1);
	while (f->n < (size_t)st.st_size) {
		n = read(fd, f->p + f->n, (size_t)st.st_size - f->n);
		if (n <= 0)
			break;
		f->n += (size_t)n;
	}
	if (f->n < (size_t)st.st_size)
		e = cannot(path, why);
out:
	(void)close(fd);		/* it was only read */
	return e;
}

/* Which file a complaint of cert_read() is about. */
static void blame(const struct cert_input *in, const char *const path[3], struct str text,
		  struct buf *why)
{
	struct cert_view *probe = mem_new(sizeof *probe);
	struct cert_input part = *in;
	const char *p = path[0];
	struct buf sink;
	char mem[8];

	buf_init(&sink, mem, sizeof mem);
	part.roots = STR_NONE;
	if (cert_read(&part, probe, &sink) == OK) {
		p = path[2];
	} else {
		part.key = STR_NONE;
		if (cert_read(&part, probe, &sink) == OK)
			p = path[1];
	}
	buf_fmt(why, "%s: %.*s", p, STRF(text));
	mem_free(probe);
}

enum err cert_read_files(const char *cert, const char *key, const char *roots, int64_t wall,
			 struct cert_view *out, struct buf *why)
{
	const char *const path[3] = { cert, key, roots };
	struct file f[3] = { { NULL, 0 } };
	struct cert_input in = { .wall = wall };
	bool system = roots && !strcmp(roots, "system");
	char mem[400];
	struct buf text;
	enum err e = OK;

	for (int i = 0; i < 3 && !e; i++) {
		if (path[i] && !(i == 2 && system))
			e = file_read(&f[i], path[i], i == 2 ? 16 * CERT_FILE_MAX : CERT_FILE_MAX, why);
	}
	if (e)
		goto out;
	in.cert = (struct str){ f[0].p, f[0].n };
	in.key = (struct str){ f[1].p, f[1].n };
	in.roots = system ? STR("system") : (struct str){ f[2].p, f[2].n };
	buf_init(&text, mem, sizeof mem);
	e = cert_read(&in, out, &text);
	if (e)
		blame(&in, path, buf_str(&text), why);
out:
	for (int i = 0; i < 3; i++)
		file_free(&f[i]);
	return e;
}

bool cert_covers(const struct cert *c, struct str host, bool cn)
{
	for (int i = 0; i < c->nnames; i++) {
		if (tls_name_match(str_of(c->name[i]), host))
			return true;
	}
	return cn && tls_name_match(str_of(c->cn), host);
}
