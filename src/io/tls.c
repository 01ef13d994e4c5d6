#include "io/tls.h"

#include <string.h>

#include "base/addr.h"
#include "base/mem.h"
#include "io/tls_int.h"

enum { RECORD = 16384,		/* RFC 8446 5.1: the most a record carries */
       NAME_MOST = 255 };	/* RFC 1035 2.3.4, of a host name */

int tls_ex_index(void)
{
	/* CRYPTO_EX_INDEX 0 is SSL's application data: one slot is all we need. */
	return 0;
}

static void on_info(const SSL *ssl, int where, int ret)
{
	struct tls *t = SSL_get_ex_data(ssl, tls_ex_index());

	if (!(where & SSL_CB_ALERT))
		return;
	if (where & SSL_CB_READ)
		tls_facts_open(t)->alert_received = ret & 0xff;
	else
		tls_facts_open(t)->alert_sent = ret & 0xff;
}

/* KeyUpdates, ClientHellos and the like: each costs its sender a few bytes and us new keys or an
 * answer, and OpenSSL takes thousands in one read. Past what anybody needs it gets no more to
 * read, and read_plain() ends the stream. Plain text between them excuses none: a byte would do. */
/* NOLINTNEXTLINE(readability-function-size): the shape OpenSSL calls */
void tls_on_message(int sent, int version, int type, const void *p, size_t n, SSL *ssl, void *arg)
{
	struct tls *t = SSL_get_ex_data(ssl, tls_ex_index());

	(void)version;
	(void)p;
	(void)n;
	(void)arg;
	if (t->phase != TLS_PHASE_OPEN || sent || type != SSL3_RT_HANDSHAKE)
		return;
	if (++t->late > TLS_LATE_MAX)
		t->in = STR_NONE;
}

struct tls *tls_new(struct tls_ctx *ctx, bool server, struct str server_name, ms_t now)
{
	struct tls *t = mem_new(sizeof *t);
	struct tls_facts *f = t->facts = mem_new(sizeof *f);
	struct addr literal;
	BIO *bio = BIO_new(ctx->bio);

	t->ctx = t->rules = tls_ctx_hold(ctx);
	t->server = server;
	t->phase = TLS_PHASE_HANDSHAKE;
	f->alert_received = f->alert_sent = -1;
	f->started = now;
	/* Too long matches nothing. */
	t->name = mem_dup(server_name.p, server_name.n <= NAME_MOST ? server_name.n : 0);
	t->ssl = SSL_new(ctx->ssl);
	if (!t->ssl || !bio) {
		BIO_free(bio);
		t->broken = true;
		return t;
	}
	BIO_set_data(bio, t);
	BIO_set_init(bio, 1);
	SSL_set_bio(t->ssl, bio, bio);
	SSL_set_ex_data(t->ssl, tls_ex_index(), t);
	SSL_set_info_callback(t->ssl, on_info);
	if (server) {
		SSL_set_accept_state(t->ssl);
		return t;
	}
	SSL_set_connect_state(t->ssl);
	if (ctx->session && !strcmp(ctx->session_name, t->name))
		SSL_set_session(t->ssl, ctx->session);
	SSL_set_verify(t->ssl, SSL_VERIFY_PEER, NULL);
	/* RFC 6066 3: no IP literal in SNI. */
	f->sni_absent = !t->name[0] || addr_parse_ip(str_of(t->name), &literal) == OK;
	if (!f->sni_absent) {
		(void)str_copy(f->sni, sizeof f->sni, str_of(t->name));
		SSL_set_tlsext_host_name(t->ssl, t->name);
	}
	return t;
}

void tls_free(struct tls *t)
{
	if (!t)
		return;
	SSL_free(t->ssl);
	mem_free(t->wire);
	mem_free(t->name);
	mem_free(t->facts);
	mem_free(t->packed);
	tls_ctx_drop(t->ctx);
	mem_free(t);
}

static void grow(char **p, size_t *cap, size_t need)
{
	if (need <= *cap)
		return;
	*cap = need + 4096;
	*p = mem_grow(*p, *cap, 1);
}

/* A BIO that keeps nothing: it reads from the bytes being fed and writes for tls_take(). */
static int bio_read(BIO *b, char *p, int n)
{
	struct tls *t = BIO_get_data(b);
	size_t k = (size_t)n < t->in.n ? (size_t)n : t->in.n;

	BIO_clear_retry_flags(b);
	if (!k) {
		BIO_set_retry_read(b);
		return -1;
	}
	memcpy(p, t->in.p, k);
	t->in = str_sub(t->in, k, t->in.n);
	return (int)k;
}

static int bio_write(BIO *b, const char *p, int n)
{
	struct tls *t = BIO_get_data(b);

	BIO_clear_retry_flags(b);
	grow(&t->wire, &t->wire_cap, t->wire_n + (size_t)n);
	memcpy(t->wire + t->wire_n, p, (size_t)n);
	t->wire_n += (size_t)n;
	return n;
}

static long bio_ctrl(BIO *b, int cmd, long num, void *ptr)
{
	(void)b;
	(void)num;
	(void)ptr;
	return cmd == BIO_CTRL_FLUSH;
}

BIO_METHOD *tls_bio(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "tandem");

	if (m) {
		BIO_meth_set_read(m, bio_read);
		BIO_meth_set_write(m, bio_write);
		BIO_meth_set_ctrl(m, bio_ctrl);
	}
	return m;
}

static void forget_certs(STACK_OF(X509) *chain)
{
	X509 *x;

	while (chain && (x = sk_X509_pop(chain)))
		X509_free(x);
}

/* OpenSSL keeps the peer's chain, as sent and as verified, as long as the connection: 4 KB a
 * certificate. Nobody looks at it again: what we want of it has been learnt, and a session
 * that is resumed needs the leaf alone, which stays. */
static void forget_chain(SSL *ssl)
{
	forget_certs(SSL_get_peer_cert_chain(ssl));
	forget_certs(SSL_get0_verified_chain(ssl));
}

static void opened(struct tls *t, ms_t now)
{
	X509 *x = SSL_get0_peer_certificate(t->ssl);
	struct tls_facts *f = tls_facts_open(t);

	t->phase = TLS_PHASE_OPEN;
	f->finished = now;
	f->version = SSL_version(t->ssl);
	f->resumed = SSL_session_reused(t->ssl) == 1;
	(void)str_copy(f->suite, sizeof f->suite, str_of(SSL_get_cipher_name(t->ssl)));
	if (x)
		tls_learn_cert(f, x);
	tls_facts_pack(t);
	forget_chain(t->ssl);
}

/* All that has been decrypted so far. */
static enum err read_plain(struct tls *t, ms_t now)
{
	if (now - t->late_since >= TLS_LATE_MS) {
		t->late_since = now;
		t->late = 0;
	}
	for (;;) {
		int n;

		grow(&t->ctx->plain, &t->ctx->plain_cap, t->plain_n + RECORD);
		n = SSL_read(t->ssl, t->ctx->plain + t->plain_n, RECORD);
		if (t->late > TLS_LATE_MAX)
			return ERR_LIMIT;
		if (n <= 0)
			return SSL_get_error(t->ssl, n) == SSL_ERROR_WANT_READ ||
			       SSL_get_error(t->ssl, n) == SSL_ERROR_ZERO_RETURN ? OK : ERR_AUTH;
		t->plain_n += (size_t)n;
	}
}

static enum err handshake(struct tls *t, ms_t now)
{
	int n = SSL_do_handshake(t->ssl);

	if (n == 1) {
		opened(t, now);
		return OK;
	}
	if (SSL_get_error(t->ssl, n) == SSL_ERROR_WANT_READ)
		return OK;
	return ERR_AUTH;
}

/* What OpenSSL stumbled over, as far as an operator can do something about it. */
static enum tls_refusal refusal_of(const struct tls_facts *f)
{
	if (f->alert_received > 0)
		return TLS_REFUSED_BY_PEER;
	switch (ERR_GET_REASON(ERR_peek_last_error())) {
	case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return TLS_REFUSED_NO_CERT;
	case SSL_R_UNSUPPORTED_PROTOCOL: case SSL_R_VERSION_TOO_LOW: case SSL_R_VERSION_TOO_HIGH:
		return TLS_REFUSED_VERSION;
	case SSL_R_NO_SHARED_CIPHER: case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
	case SSL_R_NO_SUITABLE_KEY_SHARE: case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
		return TLS_REFUSED_SUITE;
	default: return TLS_REFUSED_NOISE;
	}
}

static void explain(struct tls *t)
{
	struct tls_facts *f = tls_facts_open(t);
	char text[24];
	struct buf b;

	if (f->refusal == TLS_REFUSED_NOT)
		f->refusal = refusal_of(f);
	if (f->verify_text[0])
		return;
	buf_init(&b, f->verify_text, sizeof f->verify_text);
	if (f->alert_received > 0)
		buf_fmt(&b, "the peer refused the handshake: %s",
			tls_alert_str(f->alert_received, text));
	else if (f->alert_sent > 0)
		buf_fmt(&b, "the handshake was refused by us: %s",
			tls_alert_str(f->alert_sent, text));
	else
		buf_lit(&b, "the bytes are not TLS");
	(void)buf_z(&b);
}

enum err tls_feed(struct tls *t, struct str wire, ms_t now)
{
	enum err e = OK;

	if (t->broken)
		return ERR_IO;
	t->plain_n = 0;
	ERR_clear_error();
	t->in = wire;
	if (t->phase == TLS_PHASE_HANDSHAKE)
		e = handshake(t, now);
	if (!e && t->phase == TLS_PHASE_OPEN)
		e = read_plain(t, now);
	if (e == ERR_LIMIT)
		(void)str_copy(tls_facts_open(t)->verify_text, sizeof t->facts->verify_text,
			       STR("the peer asked for new keys again and again"));
	if (e) {
		explain(t);
		t->phase = TLS_PHASE_CLOSED;
	}
	t->in = STR_NONE;		/* OpenSSL took it all, or refused the rest */
	ERR_clear_error();
	return e;
}

enum err tls_send(struct tls *t, struct str plain)
{
	if (t->broken || t->phase != TLS_PHASE_OPEN)
		return ERR_STATE;
	ERR_clear_error();
	while (plain.n) {	/* memory takes it all: no want-write here */
		int n = SSL_write(t->ssl, plain.p, plain.n > RECORD ? RECORD : (int)plain.n);

		if (n <= 0)
			return ERR_IO;
		plain = str_sub(plain, (size_t)n, plain.n);
	}
	return OK;
}

void tls_shutdown(struct tls *t)
{
	if (t->broken || t->phase != TLS_PHASE_OPEN)
		return;
	(void)SSL_shutdown(t->ssl);	/* queues close notify; the answer is not awaited */
	ERR_clear_error();
	t->phase = TLS_PHASE_CLOSED;
}

void tls_cut(struct tls *t)
{
	struct tls_facts *f;

	if (t->phase != TLS_PHASE_HANDSHAKE)
		return;
	t->phase = TLS_PHASE_CLOSED;
	f = tls_facts_open(t);
	if (f->refusal == TLS_REFUSED_NOT)
		f->refusal = TLS_REFUSED_CUT;
	if (!f->verify_text[0])
		(void)str_copy(f->verify_text, sizeof f->verify_text,
			       STR("the peer closed the connection during the handshake"));
}

void tls_take(struct tls *t, struct tls_out *out)
{
	mem_free(t->ctx->lent);
	t->ctx->lent = t->wire;
	*out = (struct tls_out){ .wire = { t->wire, t->wire_n },
				 .plain = { t->ctx->plain, t->plain_n } };
	t->wire = NULL;
	t->wire_n = t->wire_cap = 0;
	t->plain_n = 0;
	if (t->phase == TLS_PHASE_OPEN && !t->told_open) {
		t->told_open = true;
		out->opened = true;
	}
	out->closed = !t->broken && (SSL_get_shutdown(t->ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
}
