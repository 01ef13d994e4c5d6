#include "io/crypto.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "io/ossl.h"

/* A libcrypto that cannot hash is broken: nothing sensible can follow. */
static void must(int ok)
{
	if (ok == 1)
		return;
	fputs("tandem: libcrypto does not work (a hash failed); check the OpenSSL installation\n",
	      stderr);
	abort();
}

static void digest(const EVP_MD *md, const struct str *part, int nparts, uint8_t *out)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();

	must(c != NULL);
	must(EVP_DigestInit_ex(c, md, NULL));
	for (int i = 0; i < nparts; i++)
		must(EVP_DigestUpdate(c, part[i].p, part[i].n));
	must(EVP_DigestFinal_ex(c, out, NULL));
	EVP_MD_CTX_free(c);
}

void crypto_md5(const struct str *part, int nparts, uint8_t out[16])
{
	digest(EVP_md5(), part, nparts, out);
}

void crypto_sha1(const struct str *part, int nparts, uint8_t out[20])
{
	digest(EVP_sha1(), part, nparts, out);
}

void crypto_sha256(const struct str *part, int nparts, uint8_t out[32])
{
	digest(EVP_sha256(), part, nparts, out);
}

static void hmac(const EVP_MD *md, struct str key, const struct str *part, int nparts, uint8_t *out)
{
	uint8_t block[64] = { 0 }, inner[64], pad[64];
	size_t len = (size_t)EVP_MD_get_size(md);
	struct str in[17], outer[2];

	/* RFC 2104 over our own digest(): parts need not be copied together. */
	if (key.n > sizeof block)
		digest(md, &key, 1, block);
	else
		for (size_t i = 0; i < key.n; i++)
			block[i] = (uint8_t)key.p[i];
	for (size_t i = 0; i < sizeof block; i++)
		pad[i] = block[i] ^ 0x36;
	in[0] = (struct str){ (char *)pad, sizeof pad };
	for (int i = 0; i < nparts && i < 16; i++)
		in[i + 1] = part[i];
	digest(md, in, (nparts < 16 ? nparts : 16) + 1, inner);
	for (size_t i = 0; i < sizeof block; i++)
		pad[i] = block[i] ^ 0x5c;
	outer[0] = (struct str){ (char *)pad, sizeof pad };
	outer[1] = (struct str){ (char *)inner, len };
	digest(md, outer, 2, out);
	mem_wipe(block, sizeof block);
	mem_wipe(pad, sizeof pad);
}

void crypto_hmac_sha256(struct str key, const struct str *part, int nparts, uint8_t out[32])
{
	hmac(EVP_sha256(), key, part, nparts, out);
}

void crypto_hmac_sha1(struct str key, const struct str *part, int nparts, uint8_t out[20])
{
	hmac(EVP_sha1(), key, part, nparts, out);
}

bool crypto_same(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void crypto_base64(struct buf *b, const void *p, size_t n)
{
	const uint8_t *u = p;

	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		uint32_t v = (uint32_t)u[i] << 16 | (left > 1 ? (uint32_t)u[i + 1] << 8 : 0) |
			     (left > 2 ? u[i + 2] : 0);

		buf_ch(b, alphabet[v >> 18]);
		buf_ch(b, alphabet[v >> 12 & 63]);
		buf_ch(b, left > 1 ? alphabet[v >> 6 & 63] : '=');
		buf_ch(b, left > 2 ? alphabet[v & 63] : '=');
	}
}

static int value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

enum err crypto_unbase64(struct str s, uint8_t *out, size_t cap, size_t *n)
{
	uint32_t acc = 0;
	unsigned bits = 0;
	size_t o = 0, pad = 0;

	while (s.n && s.p[s.n - 1] == '=' && pad < 2) {
		s.n--;
		pad++;
	}
	if (s.n % 4 == 1 || (pad && (s.n + pad) % 4))
		return ERR_PARSE;
	for (size_t i = 0; i < s.n; i++) {
		int v = value(s.p[i]);

		if (v < 0)
			return ERR_PARSE;
		acc = acc << 6 | (uint32_t)v;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			if (o == cap)
				return ERR_LIMIT;
			out[o++] = (uint8_t)(acc >> bits);
		}
	}
	*n = o;
	return OK;
}
