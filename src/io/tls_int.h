/* tls_int.h - shared by the files tls*.c only. */
#ifndef IO_TLS_INT_H
#define IO_TLS_INT_H
#include "io/ossl.h"
#include "io/tls.h"

enum { TLS_LATE_MAX = 32, TLS_LATE_MS = 60000,	/* handshake messages of an open stream */
       TLS_LIST_MAX = 16, TLS_SNI_MAX = 32, TLS_CHAIN_DEPTH = 5 };

struct tls_ctx {
	uint32_t refs;
	SSL_CTX *ssl;
	enum tls_verify verify;
	enum tls_eku eku;
	bool want_client_cert;
	char *names[TLS_LIST_MAX + 1], *extra[TLS_LIST_MAX + 1];
	struct { char *name; struct tls_ctx *ctx; } sni[TLS_SNI_MAX];
	int nsni;
	uint64_t without_sni;
	SSL_SESSION *session;		/* as client: the last one given, of session_name */
	char session_name[256];
	/* Of all streams of this context, so that an idle one holds none: what was decrypted
	 * by the last tls_feed(), what the last tls_take() lent for the wire. */
	char *plain, *lent;
	size_t plain_cap;
	struct tls_facts *shown;	/* lent by the last tls_facts_of() of packed ones */
	BIO_METHOD *bio;
};

struct tls {
	struct tls_ctx *ctx;
	struct tls_ctx *rules;		/* the identity chosen by SNI, held by ctx; else ctx */
	SSL *ssl;
	bool server, told_open, broken;
	enum tls_phase phase;
	char *name;			/* whom we expect; "": nobody */
	/* One of the two: what is being learnt, and what a stream that is open keeps of it. */
	struct tls_facts *facts;
	char *packed;
	struct str in;			/* of the running tls_feed(), not yet read by OpenSSL */
	char *wire;			/* for tls_take(); NULL: nothing */
	size_t wire_n, wire_cap;
	size_t plain_n;
	ms_t late_since;
	uint32_t late;			/* handshake messages since then, of a stream that is open */
};

/* tls_verify.c: what the handshake asks of the peer's chain; X509_STORE_CTX app data. */
int tls_verify_peer(X509_STORE_CTX *store, void *arg);
/* Fills the peer's part of the facts from a certificate. */
void tls_learn_cert(struct tls_facts *f, X509 *x);
/* tls_facts.c: to be written to, until they are packed again. */
struct tls_facts *tls_facts_open(struct tls *t);
void tls_facts_pack(struct tls *t);
/* SSL_CTX_set_msg_callback(). */
void tls_on_message(int sent, int version, int type, const void *p, size_t n, SSL *ssl, void *arg);
BIO_METHOD *tls_bio(void);
int tls_ex_index(void);			/* of struct tls in an SSL */

#endif
