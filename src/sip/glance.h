/*
 * glance.h - of a request that is about to be refused for overload only what that takes: what its
 * transaction is known by and what the response repeats. Pure.
 *
 * Does: an INVITE or ACK as nearly everybody writes it, in one pass, without an arena.
 * Does not: say that the rest of the message is right. What is unusual (folded, quoted where a tag may
 *   be, not ASCII, anything twice) is not glanced at: false, and sip_msg_parse() has the word.
 *   What it does tell is what sip_msg_parse() tells of the same bytes, where that takes them.
 * Owner: slices of the bytes given. Test: test/unit/sip/t_glance.c; test/fuzz/fz_glance.c
 */
#ifndef SIP_GLANCE_H
#define SIP_GLANCE_H
#include "sip/msg.h"

struct sip_glance {
	bool ack;
	struct str uri;			/* Request-URI, not looked at  */
	struct str via[SIP_VIA_MAX];	/* values; the first is `top`'s */
	unsigned nvia;
	struct sip_via top;
	struct str from, to, call_id, cseq_text;	/* values */
	struct str from_tag, to_tag;	/* absent when missing */
	uint32_t cseq;
};

bool sip_glance(struct str bytes, struct sip_glance *g);

#endif
