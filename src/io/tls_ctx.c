#include <string.h>

#include "base/mem.h"
#include "io/tls_int.h"

/* The four suites Microsoft documents, and their ECDSA twins for other peers. */
#define SUITES "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:" \
	"ECDHE-RSA-AES256-SHA384:ECDHE-RSA-AES128-SHA256:" \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256"

static void ossl_text(struct buf *why)
{
	char text[160] = "unknown";
	unsigned long e = ERR_peek_last_error();

	if (e)
		ERR_error_string_n(e, text, sizeof text);
	buf_safe(why, str_of(text));
	ERR_clear_error();
}

/* A key with a password is refused; OpenSSL would ask the terminal. */
static int no_password(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static enum err load_identity(struct tls_ctx *c, const struct tls_config *cfg, struct buf *why)
{
	if (!cfg->cert_file)
		return OK;
	if (SSL_CTX_use_certificate_chain_file(c->ssl, cfg->cert_file) != 1) {
		buf_fmt(why, "The certificate %s cannot be read (", cfg->cert_file);
		ossl_text(why);
		buf_lit(why, "); give a PEM file with the certificate and its chain.");
		return ERR_IO;
	}
	if (SSL_CTX_use_PrivateKey_file(c->ssl, cfg->key_file ? cfg->key_file : cfg->cert_file,
					SSL_FILETYPE_PEM) != 1) {
		buf_fmt(why, "The private key %s cannot be used (",
			cfg->key_file ? cfg->key_file : cfg->cert_file);
		ossl_text(why);
		buf_lit(why, "); it must be the PEM key of the certificate, without a password.");
		return ERR_IO;
	}
	return OK;
}

static enum err load_roots(struct tls_ctx *c, const struct tls_config *cfg, struct buf *why)
{
	int ok = cfg->roots_file ? SSL_CTX_load_verify_file(c->ssl, cfg->roots_file)
				 : SSL_CTX_set_default_verify_paths(c->ssl);

	if (ok == 1)
		return OK;
	buf_fmt(why, "The trusted roots %s cannot be read (",
		cfg->roots_file ? cfg->roots_file : "of this machine");
	ossl_text(why);
	buf_lit(why, "); give a PEM file with the root certificates.");
	return ERR_IO;
}

static void copy_list(char *dst[TLS_LIST_MAX + 1], const char *const *src)
{
	int n = 0;

	for (; src && *src && n < TLS_LIST_MAX; src++)
		dst[n++] = mem_dup(*src, strlen(*src));
	dst[n] = NULL;
}

static int verify_mode(const struct tls_ctx *c)
{
	return c->want_client_cert ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
				   : SSL_VERIFY_NONE;
}

static int choose_identity(SSL *ssl, int *alert, void *arg)
{
	struct tls_ctx *dflt = arg;
	struct tls *t = SSL_get_ex_data(ssl, tls_ex_index());
	struct tls_facts *f = tls_facts_open(t);
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	(void)alert;
	f->sni_absent = name == NULL;
	if (!name) {
		dflt->without_sni++;
		return SSL_TLSEXT_ERR_OK;
	}
	(void)str_copy(f->sni, sizeof f->sni, str_of(name));
	for (int i = 0; i < dflt->nsni; i++)
		if (tls_name_match(str_of(dflt->sni[i].name), str_of(name))) {
			t->rules = dflt->sni[i].ctx;
			SSL_set_SSL_CTX(ssl, t->rules->ssl);
			/* not carried over by SSL_set_SSL_CTX() */
			SSL_set_verify(ssl, verify_mode(t->rules), NULL);
			break;
		}
	return SSL_TLSEXT_ERR_OK;
}

/* As a client we keep the last session for the next connection to the same name. */
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls *t = SSL_get_ex_data(ssl, tls_ex_index());

	SSL_SESSION_free(t->ctx->session);
	t->ctx->session = session;
	(void)str_copy(t->ctx->session_name, sizeof t->ctx->session_name, str_of(t->name));
	return 1;		/* ours now */
}

static void set_sessions(SSL_CTX *s, const struct tls_config *cfg)
{
	SSL_CTX_set_session_id_context(s, cfg->session_id_ctx, sizeof cfg->session_id_ctx);
	if (cfg->resumption) {
		SSL_CTX_set_session_cache_mode(s, SSL_SESS_CACHE_BOTH | SSL_SESS_CACHE_NO_INTERNAL_STORE);
		SSL_CTX_sess_set_new_cb(s, keep_session);
		return;
	}
	SSL_CTX_set_session_cache_mode(s, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(s, SSL_OP_NO_TICKET);
	SSL_CTX_set_num_tickets(s, 0);
}

static enum err set_up(struct tls_ctx *c, const struct tls_config *cfg, struct buf *why)
{
	SSL_CTX_set_min_proto_version(c->ssl, cfg->min_version ? cfg->min_version : TLS1_2_VERSION);
	SSL_CTX_set_max_proto_version(c->ssl, cfg->max_version ? cfg->max_version : TLS1_3_VERSION);
	if (SSL_CTX_set_cipher_list(c->ssl, cfg->ciphers12 ? cfg->ciphers12 : SUITES) != 1) {
		buf_fmt(why, "The list of TLS 1.2 suites \"%s\" names none that OpenSSL knows.",
			cfg->ciphers12);
		return ERR_RANGE;
	}
	SSL_CTX_set_options(c->ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
			    SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(c->ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
			 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_max_cert_list(c->ssl, 16384);
	SSL_CTX_set_verify_depth(c->ssl, TLS_CHAIN_DEPTH);
	SSL_CTX_set_cert_verify_callback(c->ssl, tls_verify_peer, NULL);
	SSL_CTX_set_msg_callback(c->ssl, tls_on_message);
	SSL_CTX_set_tlsext_servername_callback(c->ssl, choose_identity);
	SSL_CTX_set_tlsext_servername_arg(c->ssl, c);
	c->want_client_cert = cfg->want_client_cert;
	SSL_CTX_set_verify(c->ssl, verify_mode(c), NULL);
	SSL_CTX_set_default_passwd_cb(c->ssl, no_password);
	set_sessions(c->ssl, cfg);
	return OK;
}

enum err tls_ctx_new(struct tls_ctx **out, const struct tls_config *cfg, struct buf *why)
{
	struct tls_ctx *c = mem_new(sizeof *c);
	enum err e = ERR_IO;

	c->refs = 1;
	c->verify = cfg->verify;
	c->eku = cfg->eku;
	copy_list(c->names, cfg->names);
	copy_list(c->extra, cfg->extra_names);
	c->ssl = SSL_CTX_new(TLS_method());
	c->bio = tls_bio();
	if (!c->ssl || !c->bio) {
		buf_lit(why, "OpenSSL gives no TLS context; check its installation.");
		goto out;
	}
	e = set_up(c, cfg, why);
	if (!e)
		e = load_identity(c, cfg, why);
	if (!e && cfg->verify != TLS_VERIFY_NONE)
		e = load_roots(c, cfg, why);
	if (e)
		goto out;
	*out = c;
	return OK;
out:
	tls_ctx_drop(c);
	return e;
}

struct tls_ctx *tls_ctx_hold(struct tls_ctx *c)
{
	c->refs++;
	return c;
}

void tls_ctx_drop(struct tls_ctx *c)
{
	if (!c || --c->refs)
		return;
	for (int i = 0; i < TLS_LIST_MAX; i++) {
		mem_free(c->names[i]);
		mem_free(c->extra[i]);
	}
	for (int i = 0; i < c->nsni; i++) {
		mem_free(c->sni[i].name);
		tls_ctx_drop(c->sni[i].ctx);
	}
	SSL_SESSION_free(c->session);
	SSL_CTX_free(c->ssl);
	if (c->plain)
		mem_wipe(c->plain, c->plain_cap);
	mem_free(c->plain);
	mem_free(c->lent);
	mem_free(c->shown);
	BIO_meth_free(c->bio);
	mem_free(c);
}

uint64_t tls_ctx_without_sni(const struct tls_ctx *c)
{
	return c->without_sni;
}

void tls_ctx_add_sni(struct tls_ctx *dflt, const char *name, struct tls_ctx *c)
{
	if (dflt->nsni == TLS_SNI_MAX)
		return;
	dflt->sni[dflt->nsni].name = mem_dup(name, strlen(name));
	dflt->sni[dflt->nsni++].ctx = tls_ctx_hold(c);
}
