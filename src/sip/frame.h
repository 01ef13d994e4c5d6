/*
 * frame.h - where messages begin and end in a byte stream (RFC 3261 18.3), and
 * the CRLF keep-alive of RFC 5626 3.5.1. Pure but for its own buffer.
 *
 * Does: collect one message at a time; lend it from the input when it came in
 *   one piece, from the buffer when it did not.
 * Does not: time (the transport's deadlines), write, or ever look for the next
 *   message behind a bad one: after SIP_FRAME_BAD the stream must be closed.
 * Owner: embedded in the connection; sip_framer_close() frees the buffer. An
 *   idle framer holds no memory.
 * Test: test/unit/sip/t_frame.c, test/fuzz/fz_frame.c
 */
#ifndef SIP_FRAME_H
#define SIP_FRAME_H
#include "sip/msg.h"

enum sip_frame_kind {
	SIP_FRAME_MORE,		/* all input is taken                                   */
	SIP_FRAME_PING,		/* CRLF CRLF came: answer with one CRLF                 */
	SIP_FRAME_MSG,		/* `bytes`: one message with its body                   */
	SIP_FRAME_BAD,		/* `refuse` says why; `bytes`: the header, when it is whole
				 * and an answer may be tried, else absent              */
};

struct sip_frame {
	struct str bytes;	/* until the next call */
	struct sip_refuse refuse;
};

enum sip_frame_state { SIP_FRAME_IDLE, SIP_FRAME_HEAD, SIP_FRAME_BODY, SIP_FRAME_DEAD };

struct sip_framer {
	char *mem;
	uint32_t n, cap;	/* collected; room                     */
	uint32_t head, need;	/* header with its empty line; whole message. 0: not known */
	uint8_t state, crlf;	/* crlf: bytes of CRLF CRLF seen       */
	bool lent;		/* the buffer holds the last message   */
};

void sip_framer_init(struct sip_framer *f);
void sip_framer_close(struct sip_framer *f);
/* Takes bytes from *in, which becomes what is left. Call again until MORE (or BAD). */
enum sip_frame_kind sip_framer_feed(struct sip_framer *f, struct str *in, struct sip_frame *out);
/* What it waits for: for the deadlines. */
enum sip_frame_state sip_framer_state(const struct sip_framer *f);

#endif
