/*
 * crypto.h - the few primitives the islands need, on OpenSSL EVP.
 * Units: lengths in bytes. Cannot fail: a broken libcrypto aborts.
 */
#ifndef IO_CRYPTO_H
#define IO_CRYPTO_H
#include "base/str.h"

struct buf;
void crypto_md5(const struct str *part, int nparts, uint8_t out[16]);
void crypto_sha1(const struct str *part, int nparts, uint8_t out[20]);
void crypto_sha256(const struct str *part, int nparts, uint8_t out[32]);
void crypto_hmac_sha256(struct str key, const struct str *part, int nparts, uint8_t out[32]);
void crypto_hmac_sha1(struct str key, const struct str *part, int nparts, uint8_t out[20]);
bool crypto_same(const void *a, const void *b, size_t n);	/* constant time */
void crypto_base64(struct buf *b, const void *p, size_t n);
/* Strict RFC 4648 with padding optional; ERR_PARSE, ERR_LIMIT when over cap. */
enum err crypto_unbase64(struct str s, uint8_t *out, size_t cap, size_t *n);

#endif
