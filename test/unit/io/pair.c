#include <string.h>

#include "base/mem.h"
#include "io/tls_int.h"
#include "t_pair.h"

#define HUB { STR("sip.pstnhub.microsoft.com") }

static const struct cert_spec bad[BED_BAD] = {
	{ .file = "othername", .cn = "sip.pstnhub.microsoft.com", .nsan = 1, .eku = "serverAuth",
	  .san = { STR("sip.pstnhub.microsoft.example") } },
	{ .file = "nulname", .cn = "x", .nsan = 1, .eku = "serverAuth",
	  .san = { STR("sip.pstnhub.microsoft.com\0.evil.example") } },
	{ .file = "expired", .cn = "x", .nsan = 1, .eku = "serverAuth", .san = HUB,
	  .from_s = -7200, .to_s = -3600 },
	{ .file = "future", .cn = "x", .nsan = 1, .eku = "serverAuth", .san = HUB,
	  .from_s = 3600, .to_s = 7200 },
	{ .file = "clientonly", .cn = "x", .nsan = 1, .eku = "clientAuth", .san = HUB },
	{ .file = "noeku", .cn = "x", .nsan = 1, .san = HUB },
	{ .file = "otherroot", .cn = "x", .nsan = 1, .eku = "serverAuth", .san = HUB },
	{ .file = "undermiddle", .cn = "x", .nsan = 1, .eku = "serverAuth", .san = HUB },
	{ .file = "selfmade", .cn = "Selfmade", .ca = true },
};

int bed_open(void **state)
{
	const struct cert_spec sbc = { .file = "sbc", .cn = "sbc", .nsan = 1, .eku = "serverAuth",
				       .san = { STR("sbc.example.com") } };
	const struct cert_spec hub = { .file = "hub", .cn = "sip.pstnhub.microsoft.com", .nsan = 1,
				       .eku = "serverAuth", .san = HUB };
	const struct cert_spec middle = { .file = "middle", .cn = "Middle", .ca = true };
	struct bed *b = mem_new(sizeof *b);
	struct cert unused;

	b->certs = certs_open();
	b->hub_names[0] = "sip.pstnhub.microsoft.com";
	certs_make(b->certs, &b->sbc, &sbc, NULL);
	certs_make(b->certs, &b->hub, &hub, NULL);
	certs_make(b->certs, &unused, &middle, NULL);
	certs_make(b->certs, &b->bad[8], &bad[8], "none");	/* its own root */
	for (int i = 0; i < 8; i++)
		certs_make(b->certs, &b->bad[i], &bad[i],
			   !strcmp(bad[i].file, "otherroot") ? "selfmade" :
			   !strcmp(bad[i].file, "undermiddle") ? "middle" : NULL);
	*state = b;
	return 0;
}

int bed_close(void **state)
{
	struct bed *b = *state;

	certs_close(b->certs);
	mem_free(b);
	return 0;
}

const struct cert *bed_cert(const struct bed *b, const char *who)
{
	for (int i = 0; i < BED_BAD; i++)
		if (!strcmp(bad[i].file, who))
			return &b->bad[i];
	return NULL;
}

static struct tls_ctx *ctx_of(const struct tls_config *cfg)
{
	struct tls_ctx *c = NULL;
	char text[600];
	struct buf why;

	buf_init(&why, text, sizeof text);
	if (tls_ctx_new(&c, cfg, &why))
		fail_msg("%s", buf_z(&why));
	return c;
}

void pair_join(struct pair *p, struct tls_ctx *server, struct tls_ctx *client, const char *name)
{
	memset(p, 0, sizeof *p);
	p->sctx = tls_ctx_hold(server);
	p->cctx = tls_ctx_hold(client);
	p->server = tls_new(server, true, STR_NONE, 0);
	p->client = tls_new(client, false, str_of(name), 0);
}

void pair_open(struct pair *p, const struct tls_config *server, const struct tls_config *client,
	       const char *name)
{
	struct tls_ctx *s = ctx_of(server), *c = ctx_of(client);

	pair_join(p, s, c, name);
	tls_ctx_drop(s);
	tls_ctx_drop(c);
}

/* All that `from` has for the wire goes into `to`. */
static enum err carry(struct pair *p, struct tls *from, struct tls *to, size_t *plain, bool *moved)
{
	enum err e = OK;
	struct tls_out o;
	struct str left;
	char *copy;

	tls_take(from, &o);
	*moved = o.wire.n > 0;
	copy = mem_dup(o.wire.p, o.wire.n);
	left = (struct str){ copy, o.wire.n };
	while (left.n && !e) {
		struct str part = str_sub(left, 0, p->portion ? p->portion : left.n);
		struct tls_out got;

		e = tls_feed(to, part, 5);
		left = str_sub(left, part.n, left.n);
		/* what it answers stays in its BIO: only the plain part is looked at */
		*plain += to->plain_n;
		got.closed = (SSL_get_shutdown(to->ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
		p->server_saw_end |= to == p->server && got.closed;
	}
	mem_free(copy);
	return e;
}

enum err pair_shake(struct pair *p)
{
	enum err first = tls_feed(p->client, STR_NONE, 0), e;
	bool moved = true, back = true;

	while (moved || back) {
		e = carry(p, p->client, p->server, &p->at_server, &moved);
		first = first ? first : e;
		e = carry(p, p->server, p->client, &p->at_client, &back);
		first = first ? first : e;
	}
	return first;
}

static enum err flood(struct pair *p, struct str wire, ms_t now, size_t *answered)
{
	enum err e = tls_feed(p->server, wire, now);
	struct tls_out o;

	tls_take(p->server, &o);
	*answered += o.wire.n;
	return e;
}

enum err pair_rekey(struct pair *p, int times, ms_t now, size_t *answered)
{
	struct tls_out o;

	for (int i = 0; i < times; i++) {
		assert_int_equal(SSL_key_update(p->client->ssl, SSL_KEY_UPDATE_REQUESTED), 1);
		assert_int_equal(SSL_do_handshake(p->client->ssl), 1);
	}
	tls_take(p->client, &o);
	return flood(p, o.wire, now, answered);
}

/* RFC 5246 6.3: what the client encrypts with after its handshake, which OpenSSL does not tell. */
static void client_keys(SSL *ssl, unsigned char block[72])
{
	unsigned char master[48], seed[64];
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
	EVP_KDF_CTX *k = EVP_KDF_CTX_new(kdf);
	char digest[] = "SHA384";
	OSSL_PARAM with[5];

	assert_int_equal(SSL_SESSION_get_master_key(SSL_get_session(ssl), master, sizeof master), 48);
	SSL_get_server_random(ssl, seed, 32);
	SSL_get_client_random(ssl, seed + 32, 32);
	with[0] = OSSL_PARAM_construct_utf8_string("digest", digest, 0);
	with[1] = OSSL_PARAM_construct_octet_string("secret", master, sizeof master);
	with[2] = OSSL_PARAM_construct_octet_string("seed", "key expansion", 13);
	with[3] = OSSL_PARAM_construct_octet_string("seed", seed, sizeof seed);
	with[4] = OSSL_PARAM_construct_end();
	assert_int_equal(EVP_KDF_derive(k, block, 72, with), 1);
	EVP_KDF_CTX_free(k);
	EVP_KDF_free(kdf);
}

/* RFC 5288 3: one record of AES-256-GCM with the head of a ClientHello. */
static size_t hello(const unsigned char block[72], uint64_t seq, unsigned char *out)
{
	static const unsigned char text[4] = { 1, 0, 0, 0 };
	unsigned char nonce[12], aad[13] = { 0 };
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n = 0;

	for (int i = 0; i < 8; i++)
		aad[i] = (unsigned char)(seq >> (56 - 8 * i));
	memcpy(aad + 8, "\x16\x03\x03\x00\x04", 5);
	memcpy(nonce, block + 64, 4);
	memcpy(nonce + 4, aad, 8);
	memcpy(out, "\x16\x03\x03\x00\x1c", 5);
	memcpy(out + 5, aad, 8);
	assert_int_equal(EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, block, nonce), 1);
	assert_int_equal(EVP_EncryptUpdate(c, NULL, &n, aad, sizeof aad), 1);
	assert_int_equal(EVP_EncryptUpdate(c, out + 13, &n, text, sizeof text), 1);
	assert_int_equal(EVP_EncryptFinal_ex(c, out + 17, &n), 1);
	assert_int_equal(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, 16, out + 17), 1);
	EVP_CIPHER_CTX_free(c);
	return 33;
}

enum err pair_rehello(struct pair *p, int times, ms_t now, size_t *answered)
{
	char *wire = mem_new((size_t)times * 33);
	unsigned char block[72];
	size_t n = 0;
	enum err e;

	client_keys(p->client->ssl, block);
	for (int i = 0; i < times; i++)		/* number 0 was its Finished */
		n += hello(block, 1 + (uint64_t)i, (unsigned char *)wire + n);
	e = flood(p, (struct str){ wire, n }, now, answered);
	mem_free(wire);
	return e;
}

bool pair_client_has_ticket(const struct pair *p)
{
	SSL_SESSION *s = SSL_get0_session(p->client->ssl);

	return s && SSL_SESSION_has_ticket(s);
}

void pair_close(struct pair *p)
{
	tls_free(p->server);
	tls_free(p->client);
	tls_ctx_drop(p->sctx);
	tls_ctx_drop(p->cctx);
}
