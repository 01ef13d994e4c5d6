/*
 * verdict.h - will Microsoft (and others) take this certificate? One sentence for each thing
 * that is wrong, with its mend.
 *
 * Pure: what cert_read() saw in, findings out.
 * Source: Microsoft Learn, "Plan Direct Routing" and "What's new Direct Routing" (2026-06):
 *   name in CN or SAN, one-label wild card, no *.onmicrosoft.com, full chain, never
 *   self-signed, serverAuth; clientAuth was demanded from 2024-03-19 and public CAs stopped
 *   issuing it in 2026, so its lack is only reported.
 * Test:   test/unit/pki/t_verdict.c (one certificate for each finding)
 */
#ifndef PKI_VERDICT_H
#define PKI_VERDICT_H
#include "pki/cert.h"

enum verdict_level { VERDICT_INFO, VERDICT_WARN, VERDICT_ERROR };

/* X(NAME, "short-word") */
#define VERDICTS(X) \
	X(KEY_MISMATCH, "key-mismatch") \
	X(NOT_YET_VALID, "not-yet-valid") \
	X(EXPIRED, "expired") \
	X(EXPIRES_SOON, "expires-soon") \
	X(SELF_SIGNED, "self-signed") \
	X(NAME_MISSING, "name-missing") \
	X(NAME_ONLY_CN, "name-only-cn") \
	X(NAME_NUL, "name-with-nul") \
	X(ONMICROSOFT, "onmicrosoft") \
	X(NO_SERVER_AUTH, "no-server-auth") \
	X(NO_CLIENT_AUTH, "no-client-auth") \
	X(NO_INTERMEDIATE, "no-intermediate") \
	X(CHAIN_ORDER, "chain-order") \
	X(CHAIN_EXPIRED, "chain-expired") \
	X(UNTRUSTED, "untrusted") \
	X(ROOT_SENT, "root-sent") \
	X(IS_CA, "is-ca") \
	X(WEAK_KEY, "weak-key") \
	X(WEAK_SIGNATURE, "weak-signature")

enum verdict_code {
#define X(name, word) VERDICT_##name,
	VERDICTS(X)
#undef X
	VERDICT_N
};

struct verdict {
	enum verdict_level level;
	enum verdict_code code;
	char text[768];			/* what is wrong. The mend. */
};

struct verdict_query {
	const struct cert_view *cert;
	struct str fqdn;		/* the name it must carry; absent: any */
	bool teams;			/* Microsoft's rules too             */
	int64_t wall;			/* now                               */
};

enum { VERDICT_SOON_DAYS = 21 };

/* The worst first; returns how many (at most VERDICT_N, one of each code). */
int verdict_make(const struct verdict_query *q, struct verdict out[VERDICT_N]);
const char *verdict_word(enum verdict_code c);

#endif
