/*
 * identity.h - who calls, who is reached and who forwarded, as header fields: read from a
 * trunk's INVITE and written for a trunk as its profile has it.
 *
 * Does: P-Asserted-Identity and Privacy (RFC 3325, 3323), Remote-Party-ID (the draft that
 *   CUCM and CUBE speak), Diversion (RFC 5806; two at most, as CUCM: the last one first, the
 *   original called second), Cisco-Guid.
 * Does not: choose numbers, know the directory.
 * Errors: a header that cannot be read is as if it were not there.
 * Owner: what is read lives in the call's arena. Pure.
 * Test: test/unit/call/t_identity.c, test/fuzz/fz_identity.c
 */
#ifndef CALL_IDENTITY_H
#define CALL_IDENTITY_H
#include "base/mem.h"
#include "sip/stack.h"

enum { IDENTITY_PAI = 1, IDENTITY_RPID = 2, IDENTITY_DIVERTS = 2, IDENTITY_HEADERS = 6 };

struct identity_opts {		/* of one trunk: its profile and configuration */
	unsigned shown;		/* IDENTITY_ bits: what we send                */
	bool trust;		/* what it asserts is believed, else From is   */
	bool divert_in, divert_out;
	bool guid;		/* Cisco-Guid is passed on                     */
};

struct identity_divert {
	struct str number, reason;	/* "no-answer", "user-busy", ... */
};

struct identity {
	struct str number, display;
	bool hidden;			/* the caller does not want to be shown */
	struct identity_divert divert[IDENTITY_DIVERTS];
	int ndivert;
	struct str guid;		/* absent: none                         */
};

void identity_read(const struct sip_msg *m, const struct identity_opts *o, struct arena *a,
		   struct identity *id);
/* We forward for `number`: first from now on; the original stays second. */
void identity_divert(struct identity *id, struct str number, struct str reason);

struct identity_peer {		/* how URIs look there */
	struct str host;
	bool user_phone;
	/* The number as the peer wants it. */
	struct str (*number)(void *ctx, struct str number, struct arena *a);
	void *ctx;
};
/* The header fields of an INVITE to this peer; how many. x has IDENTITY_HEADERS places. */
int identity_write(const struct identity *id, const struct identity_opts *o,
		   const struct identity_peer *p, struct arena *a, struct sip_xhdr *x);
/* The same for who is reached, in 18x and 200. */
int identity_write_called(struct str number, struct str display, const struct identity_opts *o,
			  const struct identity_peer *p, struct arena *a, struct sip_xhdr *x);

#endif
