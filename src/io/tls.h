/*
 * tls.h - TLS identities and what a handshake taught us.
 *
 * A tls_ctx is one configured end: certificate and key, trusted roots, and the
 * rule by which peers are verified. It is reference counted (immutable after
 * tls_ctx_new()), so a reload builds a new one and old connections keep theirs.
 *
 * Verification is on unless `verify` says otherwise, and is ours: the chain is
 * built and checked by OpenSSL against `roots` with purpose "any" plus an own
 * check that the leaf carries serverAuth (facts: Microsoft presents
 * serverAuth-only certificates as client too), then the names in SAN are
 * compared by us (RFC 6125; one left-most wild card label; an embedded NUL
 * never matches; the CN is not looked at). A SAN that is a sip: URI without
 * user counts by its host, which is no pattern (RFC 5922 7.1).
 */
#ifndef IO_TLS_H
#define IO_TLS_H
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "io/timer.h"

struct tls_ctx;

enum tls_verify {
	TLS_VERIFY_PEER,	/* default: chain, dates, names             */
	TLS_VERIFY_CHAIN,	/* chain and dates, any name (PBX by IP)    */
	TLS_VERIFY_NONE,	/* only where the operator wrote it down    */
};

enum tls_eku { TLS_EKU_ANY, TLS_EKU_SERVER };	/* what the peer's leaf must carry */

struct tls_config {
	const char *cert_file, *key_file;	/* PEM, cert with its chain; NULL for a client without */
	const char *roots_file;			/* PEM bundle; NULL: the system's store */
	enum tls_verify verify;
	enum tls_eku eku;
	bool want_client_cert;		/* as server: ask and require           */
	const char *const *names;	/* as server: a client's SAN must match one of these; NULL-ended list, "*.x" allowed */
	const char *const *extra_names;	/* as client: also accepted instead of the server name */
	const char *ciphers12;		/* NULL: the four documented suites plus ECDSA twins */
	int min_version, max_version;	/* 0x0303, 0x0304; 0: 1.2 and 1.3       */
	bool resumption;		/* as server: given and taken; as client: tried. Off in the teams zone */
	uint8_t session_id_ctx[16];	/* per identity                         */
};

/* On failure *why has one sentence with the mend (file, what is wrong). */
enum err tls_ctx_new(struct tls_ctx **out, const struct tls_config *cfg, struct buf *why);
struct tls_ctx *tls_ctx_hold(struct tls_ctx *c);
void tls_ctx_drop(struct tls_ctx *c);		/* NULL is fine */
/* Server side choice by SNI (own identities of one listener): add `c` for `name`.
 * Before use only. No SNI from the peer: the default identity, counted. */
void tls_ctx_add_sni(struct tls_ctx *dflt, const char *name, struct tls_ctx *c);

/* Handshakes in which the peer named nobody and got the default identity. */
uint64_t tls_ctx_without_sni(const struct tls_ctx *c);

enum tls_phase { TLS_PHASE_NONE, TLS_PHASE_HANDSHAKE, TLS_PHASE_OPEN, TLS_PHASE_CLOSED };

enum { TLS_NAMES_MAX = 16 };

enum tls_refusal {		/* why a handshake came to nothing */
	TLS_REFUSED_NOT,
	TLS_REFUSED_NO_CERT,	/* by us: the peer has no certificate        */
	TLS_REFUSED_CHAIN,	/* by us: dates, issuer, signature           */
	TLS_REFUSED_PURPOSE,	/* by us: no Server Authentication           */
	TLS_REFUSED_NAME,	/* by us: the chain is good, the name is not */
	TLS_REFUSED_VERSION,
	TLS_REFUSED_SUITE,
	TLS_REFUSED_BY_PEER,	/* its alert: `alert_received`               */
	TLS_REFUSED_CUT,	/* closed without a word                     */
	TLS_REFUSED_NOISE,	/* not TLS at all                            */
};

struct tls_facts {
	enum tls_phase phase;
	int version;			/* 0x0303, 0x0304                 */
	int alert_sent, alert_received;	/* -1: none; TLS AlertDescription */
	enum tls_refusal refusal;
	int npeer_name;
	long verify_error;		/* X509_V_*; 0: good              */
	wall_t not_before, not_after;	/* of the peer's leaf             */
	ms_t started, finished;
	bool sni_absent, peer_cert, resumed;
	/* Texts from here on, each with its NUL: a stream that is open keeps them packed. */
	char suite[64];
	char sni[256];
	char verify_text[160];		/* sentence; "" when good         */
	char peer_subject[256], peer_issuer[256], peer_sha256[65];
	char peer_name[TLS_NAMES_MAX][128];	/* names of the SAN, escaped */
};

/* "unknown CA" for 48 and so on; "alert 200" for what we do not know. */
const char *tls_alert_str(int alert, char text[24]);
/* Does `pattern` (a SAN entry) cover host `name`? RFC 6125 6.4.3; pure. */
bool tls_name_match(struct str pattern, struct str name);

/* The pure filter between a byte stream and its user; used by io/net makers. */
struct tls;
struct tls_out { struct str wire, plain; bool opened, closed; };
struct tls *tls_new(struct tls_ctx *ctx, bool server, struct str server_name, ms_t now);
void tls_free(struct tls *t);
/* Bytes from the wire in. What came of it is read with tls_take(). ERR_LIMIT: an open stream
 * shakes hands without end (TLS_LATE_MAX a minute). */
enum err tls_feed(struct tls *t, struct str wire, ms_t now);
enum err tls_send(struct tls *t, struct str plain);
void tls_shutdown(struct tls *t);
/* The stream ended: in the middle of a handshake that is a fact of its own. */
void tls_cut(struct tls *t);
/* Lends what is to be written to the wire (until the next tls_take()) and what was decrypted
 * (until the next tls_feed()) of any struct tls of the same tls_ctx. */
void tls_take(struct tls *t, struct tls_out *out);
/* Lent until the next tls_facts_of() of any struct tls of the same tls_ctx. */
const struct tls_facts *tls_facts_of(const struct tls *t);

#endif
