/*
 * auth.h - the digest server: challenges and their check. Pure but for its
 * table of used nonces.
 *
 * Nonces are not stored: a nonce is its time, some random bytes and an HMAC over
 * these, the realm and the source address; it lives AUTH_NONCE_MS. It is short, because
 *   a stranger is answered with no more bytes than it sent. Only a nonce
 * that passed is remembered, for its count (nc), so a flood costs no memory.
 * An unknown user is checked against a made-up HA1: same steps, same answer,
 * same time as with a wrong password.
 * Does not: look users up (the caller gives what it found), count tries, know
 *   the transport.
 * Owner: auth_new() to auth_free(); one per server, 850 KB of which what was used is real.
 * RFC: 3261 22, 7616, 8760 (SHA-256 is offered first). Units: ms.
 * Test: test/unit/sip/t_auth.c
 */
#ifndef SIP_AUTH_H
#define SIP_AUTH_H
#include "base/rng.h"
#include "io/timer.h"
#include "sip/digest.h"
#include "sip/msg.h"

enum {
	AUTH_NONCE_MS = 60000,
	AUTH_WINDOW = 32,	/* counts that may arrive out of order */
	AUTH_NONCES = 32768,	/* nonces in use at one time: 10,000 phones start in one second */
};

struct auth;
struct auth *auth_new(struct rng *r);
void auth_free(struct auth *a);

enum auth_verdict {
	AUTH_OK,
	AUTH_NONE,	/* no credentials of ours, or of another scheme: challenge */
	AUTH_STALE,	/* right, but the nonce is used up: challenge with stale=true */
	AUTH_REFUSED,	/* wrong password or unknown user, not told apart: challenge  */
	AUTH_BAD,	/* credentials that cannot be read: 400                        */
};

struct auth_secret {		/* what the caller found; HA1 in lower-case hex */
	bool known;
	struct str ha1[DIGEST_NALG];	/* absent: that algorithm is not possible */
};

struct auth_try {
	struct str realm;
	struct addr src;
	ms_t now;
};

/* The Digest credentials for this realm in Authorization (Proxy-Authorization with
 * `proxy`). AUTH_OK: found; the user to look up is c->username. */
enum auth_verdict auth_creds(const struct sip_msg *m, bool proxy, struct str realm,
			     struct digest_creds *c);
/* Did we give this nonce to this source, for this realm? Never mind when; nothing is said of the password. */
bool auth_gave(const struct auth *a, const struct auth_try *t, const struct digest_creds *c);
/* Are they right? Call it also when the user is not known (secret->known false). */
enum auth_verdict auth_check(struct auth *a, const struct auth_try *t, const struct sip_msg *m,
			     const struct digest_creds *c, const struct auth_secret *secret);
/* The values of two WWW-Authenticate (Proxy-Authenticate) headers, SHA-256 and then MD5, one
 * nonce. ERR_LIMIT: a buffer is too small. 600 bytes and the realm are enough. */
enum err auth_challenge(struct auth *a, const struct auth_try *t, bool stale,
			struct buf *sha256, struct buf *md5);

#endif
