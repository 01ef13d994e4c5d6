/*
 * limits.h - every cap on what a peer can make us hold or parse. The one table:
 * nothing else in sip/ has a number of its own.
 */
#ifndef SIP_LIMITS_H
#define SIP_LIMITS_H

enum sip_limit {
	SIP_MSG_MAX = 65536,		/* bytes of a message, else 513       */
	SIP_HEAD_MAX = 32768,		/* bytes up to the empty line         */
	SIP_BODY_MAX = 49152,
	SIP_HDR_MAX = 200,		/* header fields (after comma split of lists we read) */
	SIP_HDR_LINE_MAX = 8192,	/* bytes of one header, unfolded      */
	SIP_VIA_MAX = 64,
	SIP_ROUTE_MAX = 32,
	SIP_CONTACT_MAX = 16,
	SIP_PARAM_MAX = 32,		/* parameters of one URI or header    */
	SIP_URI_MAX = 2048,
	SIP_TOKEN_MAX = 256,		/* tag, branch                        */
	SIP_CALLID_MAX = 512,
	SIP_PART_MAX = 8,		/* body parts, one level              */
	SIP_CSEQ_MAX = 0x7fffffff,
	SIP_MAXFWD_MAX = 255,
	SIP_EARLY_MAX = 8,		/* early dialogs per INVITE           */
	SIP_UDP_MAX = 1300,		/* larger requests switch to TCP, RFC 3261 18.1.1 */
	SIP_ARENA_MAX = 1 << 20,	/* memory of one parsed message       */
};

#endif
