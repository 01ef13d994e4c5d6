/*
 * guard.h - what is refused before anything is stored for it. Pure.
 *
 * Does: methods of the zone, scheme, Max-Forwards, loops by our own mark,
 *   extensions we do not know, content encodings, session intervals too small.
 * Does not: know peers or credentials (service/), match dialogs (session.c).
 * Test: test/unit/sip/t_guard.c
 */
#ifndef SIP_GUARD_H
#define SIP_GUARD_H
#include "sip/stack.h"

struct guard_verdict {
	unsigned status;	/* 0: let it pass               */
	const char *phrase;	/* NULL: the usual one          */
	char extra[320];	/* header lines for the answer  */
};

/* The methods that work; a listener with methods == 0 takes exactly these. */
uint32_t guard_methods(const struct sip_listener *l);
struct guard_mark {
	struct str cookie;	/* in each branch of this stack; absent: none */
	uint32_t loop;		/* in ours of the call we would make of this INVITE: it stands behind
				 * the cookie as 8 hex digits, 0 for requests that never come back by right */
};
enum { GUARD_LOOP_DIGITS = 8 };
/* Requests only. */
void guard_check(const struct sip_msg *m, const struct sip_listener *l,
		 const struct guard_mark *mark, struct guard_verdict *v);
/* "INVITE, ACK, ..." for Allow. */
void guard_allow(struct buf *b, uint32_t methods);

enum {
	GUARD_ALLOW = 1u << SIP_INVITE | 1u << SIP_ACK | 1u << SIP_BYE | 1u << SIP_CANCEL |
		      1u << SIP_OPTIONS | 1u << SIP_NOTIFY,
	GUARD_MIN_SE_S = 90,	/* RFC 4028 5 */
};

#endif
