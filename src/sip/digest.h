/*
 * digest.h - HTTP digest in SIP (RFC 3261 22.4, RFC 7616, RFC 8760): MD5 and
 * SHA-256 with qop=auth or, from old phones, without qop. Both sides. Pure.
 *
 * Does: parse and write challenges and credentials, compute responses.
 * Does not: keep nonces or passwords (auth.h), -sess, auth-int.
 * Errors: ERR_PARSE: not digest, or a parameter that must be there is missing or
 *   double; ERR_RANGE: nc; ERR_LIMIT: a value is too long.
 * Slices point into the header value; quotes are left out, backslashes kept.
 * Test: test/unit/sip/t_digest.c (RFC 7616 3.9.1, RFC 2617 3.5), test/fuzz/fz_digest.c
 */
#ifndef SIP_DIGEST_H
#define SIP_DIGEST_H
#include "base/buf.h"
#include "base/str.h"

enum digest_alg { DIGEST_MD5, DIGEST_SHA256, DIGEST_NALG, DIGEST_OTHER = DIGEST_NALG };
enum { DIGEST_HEX = 65 };	/* hex digits of the longest one and a NUL */

struct digest_challenge {
	enum digest_alg alg;		/* OTHER: one we do not know, or -sess */
	struct str realm, nonce, opaque;
	bool stale;
	bool qop;			/* offers qop=auth */
	bool other_qop;			/* offers qop, but none that we do */
};

struct digest_creds {
	enum digest_alg alg;
	struct str username, realm, nonce, uri, response, cnonce, opaque;
	uint32_t nc;			/* with qop */
	bool qop;			/* qop=auth; other qop: ERR_PARSE */
};

enum err digest_parse_challenge(struct str value, struct digest_challenge *c);
enum err digest_parse_creds(struct str value, struct digest_creds *c);
/* The value of WWW-Authenticate; opaque absent: left out. */
void digest_write_challenge(struct buf *b, const struct digest_challenge *c);
/* The value of Authorization. */
void digest_write_creds(struct buf *b, const struct digest_creds *c);

/* H(user:realm:password) in lower-case hex with a NUL. alg is not OTHER. */
void digest_ha1(enum digest_alg alg, struct str user, struct str realm, struct str password,
		char out[DIGEST_HEX]);
/* The response of these credentials (nonce, uri, nc, cnonce, qop) to be; ha1 in hex. */
void digest_response(const struct digest_creds *c, struct str ha1, struct str method,
		     char out[DIGEST_HEX]);
/* Hex digits of the algorithm: 32 or 64. */
size_t digest_len(enum digest_alg alg);

#endif
