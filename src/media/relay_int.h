/* relay_int.h - the engine's inside, for relay.c, relay_in.c and relay_out.c only. */
#ifndef MEDIA_RELAY_INT_H
#define MEDIA_RELAY_INT_H
#include "media/player.h"
#include "media/relay.h"
#include "media/rtp.h"

enum { NO_SLOT = UINT32_MAX, LOCK_AFTER = 4, MOVE_WITHIN_MS = 3000, QUIET_MS = 3000,
       WORSE_AFTER_MS = 500, REPORT_MS = 5000, TICK_MS = 20, FILL_MS = 5000, LATE_MAX = 100, NO_SEQ = 0x10000,
       RATE_MAX = 1000 };		/* packets a second; audio has 50 to 400 */

/* Where a clear packet comes from, the more credible the higher. */
enum place { PLACE_FAR,		/* anywhere                                                  */
	     PLACE_NEAR,	/* the SDP's host, another port; `latch`: its signalling's   */
	     PLACE_SDP,		/* the SDP's address                                         */
	     NPLACE };
/* Who the source is: nobody yet, or one of such a place. */
enum lock { LOCK_NONE, LOCK_FAR, LOCK_NEAR, LOCK_SDP, NLOCK };

struct try {			/* who is trying to be the source */
	struct addr from;
	uint32_t ssrc;
	uint16_t seq;
	uint8_t run;
};

struct remote {
	bool set, latch, mux, told;
	uint8_t lock;			/* enum lock                               */
	uint8_t best;			/* the most credible place that spoke      */
	struct addr rtp, rtcp;		/* where we send                           */
	struct addr sdp, near;		/* what its SDP says; whence it signals    */
	enum srtp_suite suite;
	struct srtp *in;
	uint8_t rx[128];		/* wire payload type -> codec; 255: none    */
	uint8_t tx_pt[MEDIA_NCODEC];
	ms_t since, heard;		/* told of; the source spoke               */
	struct try try[NPLACE];		/* of each place its own: none disturbs another's */
};

struct rx {				/* RFC 3550 A.1, A.8 */
	uint32_t ssrc;
	bool started;
	uint16_t max;
	uint32_t cycles, base;
	uint64_t received;
	uint32_t transit, jitter16;
	uint64_t expected_prior, received_prior;
	uint32_t lsr;
	ms_t lsr_at;
};

struct tx {
	uint32_t ssrc;
	uint16_t seq;
	uint32_t ts;			/* of the last packet */
	ms_t at;			/* when it was sent; 0: none */
	uint32_t src;			/* SSRC of the source now passed on */
	bool has_src;
	uint32_t ts_off;
	uint16_t seq_off;
	uint32_t again;			/* it began anew if this one follows; NO_SEQ */
	uint32_t packets, octets;
	bool mark;
};

struct end {
	bool used, send, expect, silent_told, filling;
	uint32_t slot, peer;
	uint64_t owner;
	uint8_t key[SRTP_NSUITE][SRTP_KEY_MAX];
	struct srtp *out[SRTP_NSUITE];
	struct remote remote[MEDIA_EARLY_MAX];
	uint8_t peer_key[MEDIA_EARLY_MAX][SRTP_KEY_MAX];	/* to see a new one */
	int serve;			/* -1: nobody yet */
	uint32_t no_media, fill;
	ms_t connected, heard, expect_since, report_at;
	ms_t second;			/* when the one of `taken` began */
	uint32_t taken;			/* packets in it                 */
	struct rx rx;
	struct tx tx;
	struct player player;
	bool playing;
	ms_t play_at;
	struct media_counts counts;
	uint32_t next, prev;		/* in the list of used ends */
};

struct relay {
	struct relay_io io;
	struct rng *rng;
	struct end **end;		/* by slot; made at first use, kept */
	uint32_t nslots, first;		/* first: head of the used list     */
	uint32_t playing;		/* ends that play or fill           */
	ms_t tick_at, slow_at;
	int16_t *music;
	uint32_t nmusic;
	uint8_t work[RTP_PACKET_MAX + RTP_TAIL];
};

struct end *relay_end(struct relay *r, uint32_t slot);	/* NULL: not used */
void relay_up(struct relay *r, const struct end *e, enum media_op op, const struct media_msg *more);

/* relay_out.c */
/* Sends a payload as our own stream; h: what the source's header said. False: speech in a codec
 * that this end's peer did not agree on. */
bool relay_pass(struct relay *r, struct end *e, enum media_codec c, const struct rtp *h,
		const uint8_t *payload, size_t n, ms_t now);
void relay_play_tick(struct relay *r, struct end *e, ms_t now);
void relay_report(struct relay *r, struct end *e, ms_t now);
/* The stream's source ends: the next one continues seq and timestamps. */
void relay_new_source(struct end *e);

/* relay_in.c */
void relay_rtcp(struct relay *r, struct end *e, const struct addr *from, uint8_t *p, size_t n,
		ms_t now);

#endif
