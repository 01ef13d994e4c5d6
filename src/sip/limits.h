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
	SIP_MAX_FORWARDS = 70,		/* what requests of ours begin with   */
	SIP_MAXFWD_MAX = 255,
	SIP_EARLY_MAX = 8,		/* early dialogs per INVITE           */
	SIP_UDP_MAX = 1300,		/* larger requests switch to TCP, RFC 3261 18.1.1 */
	SIP_ARENA_MAX = 1 << 20,	/* memory of one parsed message       */
	SIP_TURN_MAX = 8 << 20,		/* memory of all messages of a turn   */
	SIP_LISTENER_MAX = 64,
	SIP_CONN_MAX = 20000,		/* streams                            */
	SIP_CONN_PER_IP = 512,		/* inbound streams of one address     */
	SIP_NO_TCP_MAX = 8192,		/* addresses known to take no TCP     */
	SIP_STRANGE_TAP_MAX = 40,	/* messages of and to strangers that the tap keeps, a second */
	SIP_EXTRA_MAX = 4096,		/* headers the owner adds to a message */
	SIP_SUB_MAX = 20000,		/* subscriptions, both roles          */
	SIP_SUB_PER_IP = 512,		/* ... that one address holds with us */
	SIP_SUB_BODY_MAX = 8192,	/* of a NOTIFY, either way            */
};

/* Milliseconds. */
enum sip_deadline {
	SIP_HEAD_MS = 10000,		/* a stream's header, once begun      */
	SIP_BODY_MS = 10000,
	SIP_IDLE_MS = 30000,		/* a stream that proved nothing yet   */
	SIP_IDLE_PROVEN_MS = 7200000,
	SIP_PING_MS = 110000,		/* CRLF keep-alive on our own streams, RFC 5626 3.5.1 */
	SIP_DOOMED_MAX = 64,		/* connections that wait for their end in one turn */
	SIP_CONNECT_MS = 2000,		/* until TCP stands; then the next host: two SYNs were lost */
	SIP_SIZE_CONNECT_MS = 1000,	/* TCP tried for a message's size only */
	SIP_NO_TCP_MS = 3600000,	/* how long a failure of that is remembered */
	SIP_SUB_ASKED_MS = 10000,	/* the owner's time to answer a SUBSCRIBE */
	SIP_SUB_FULL_MS = 2000,		/* a NOTIFY or SUBSCRIBE found no room: another try */
};

/* Seconds of a subscription. */
enum sip_sub_time {
	SIP_SUB_MIN_S = 60,		/* shorter: 423                       */
	SIP_SUB_DEFAULT_S = 3600,	/* granted at most, and without Expires */
	SIP_SUB_EXPIRES_MAX_S = 86400,	/* read from the wire                 */
};

#endif
