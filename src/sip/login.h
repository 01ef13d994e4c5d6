/*
 * login.h - digest as a client (RFC 3261 22, 7616, 8760): one set of credentials,
 * the peers it may be shown to, and the nonces they gave. Pure but for memory.
 *
 * Does: judge a 401 or 407, keep its nonce, count its uses, write the header
 *   fields of the next request. SHA-256 and MD5, qop=auth or, towards old
 *   servers, no qop. The topmost challenge we can do is taken (RFC 8760 2.4).
 * Does not: send, choose hosts, -sess, auth-int.
 * Bound to: one realm (given, or the first one asked for), the addresses that
 *   requests to its host names went to, and on TLS to those names; where the hosts
 *   are asked over TLS, to TLS. A challenge from anywhere else is never answered.
 * Owner: login_new() to login_free(), which wipes the password.
 * Test: test/unit/sip/t_login.c, test/fuzz/fz_login.c
 */
#ifndef SIP_LOGIN_H
#define SIP_LOGIN_H
#include "base/rng.h"
#include "sip/msg.h"
#include "sip/stack.h"

enum { LOGIN_PEERS = 32, LOGIN_NONCES = 16, LOGIN_TRIES = 2 };

struct login;

struct login_peer {		/* who asked, or who will be asked */
	struct addr addr;
	bool tls;
	struct str tls_name;	/* the name its certificate was checked for */
};

struct login_try {		/* of one request, carried from try to try */
	uint8_t count : 6;	/* requests that answered a challenge      */
	bool www : 1, proxy : 1;	/* which kinds were answered       */
};

struct login *login_new(const struct sip_login *setup);
void login_free(struct login *l);
bool login_has_host(const struct login *l, struct str host);
/* A request to this host leaves for this address. Other hosts are ignored. */
void login_met(struct login *l, struct str host, const struct addr *at);
/* May this peer see the credentials at all? */
bool login_knows(const struct login *l, const struct login_peer *p);
/* A 401 or 407 came. SIP_AUTH_NONE: send the request again, *t says with what; otherwise
 * why not. */
enum sip_auth login_challenged(struct login *l, const struct login_peer *p,
			       const struct sip_msg *m, ms_t now, struct login_try *t);
/* Authorization and Proxy-Authorization for a request to this peer, from the nonces it
 * gave; nothing when it gave none. Each use counts. */
void login_write(struct login *l, const struct login_peer *p, struct str method, struct str uri,
		 struct rng *rng, struct buf *b);

#endif
