/*
 * rtp.h - RTP and RTCP packets as bytes (RFC 3550), pure.
 * Test: test/unit/media/t_rtp.c, test/fuzz/fz_rtp.c
 */
#ifndef MEDIA_RTP_H
#define MEDIA_RTP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RTP_HEAD = 12, RTP_PACKET_MAX = 1500, RTP_TAIL = 64 };

struct rtp {
	uint8_t pt;
	bool marker;
	uint16_t seq;
	uint32_t ts, ssrc;
	size_t head;		/* bytes up to the payload: CSRC and extension included */
	size_t payload_n;	/* padding taken off when it can be seen */
};

/* false: no RTP version 2 packet with a whole header. Payload types 72-76 are RTCP. */
bool rtp_read(const uint8_t *p, size_t n, bool encrypted, struct rtp *r);
void rtp_write(uint8_t *p, const struct rtp *r);	/* 12 bytes, no CSRC, no extension */
/* RFC 5761 4: is this an RTCP packet on a shared port? */
bool rtp_is_rtcp(const uint8_t *p, size_t n);

struct rtcp_sender {		/* what a report tells of our sending */
	uint32_t ssrc;
	uint64_t ntp;		/* 32.32 seconds since 1900 */
	uint32_t rtp_ts, packets, octets;
};
struct rtcp_block {		/* what it tells of our receiving */
	uint32_t ssrc;
	uint8_t fraction;
	int32_t lost;
	uint32_t highest, jitter, lsr, dlsr;
};
/* SR (or RR when s->packets is 0) with SDES CNAME. Returns its length; cap >= 128. */
size_t rtcp_write(uint8_t *p, size_t cap, const struct rtcp_sender *s, const struct rtcp_block *b,
		  const char *cname);
struct rtcp_news {
	bool sr, block, bye;
	uint32_t ssrc;
	uint64_t ntp;
	struct rtcp_block b;	/* the first block */
};
/* Walks a compound packet. false: malformed. */
bool rtcp_read(const uint8_t *p, size_t n, struct rtcp_news *out);

#endif
