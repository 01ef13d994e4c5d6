/*
 * ear.h - a media end of the hub: sends one tone as SRTP, decrypts what comes, and knows
 * which tones were heard from when to when.
 *
 * Does: one UDP socket, PCMU or PCMA, AES_CM_128_HMAC_SHA1_80, 20 ms packets, Goertzel over
 *   100 ms windows for the frequencies it was told to listen for.
 * Does not: jitter buffer, RTCP beyond counting it, answer anything but valid SRTP.
 * Owner: a hub call. Threads: the loop's.
 */
#ifndef HUB_EAR_H
#define HUB_EAR_H
#include "io/net.h"

enum { EAR_TONES = 8, EAR_SPANS = 16 };

struct ear;

struct ear_heard {
	unsigned hz;
	ms_t from, to;			/* loop time of the first and last window */
	ms_t total;			/* ms in which it was heard               */
};

struct ear_counts {
	uint64_t packets, bytes, clear, bad_auth, replayed, rtcp, sent;
	uint32_t ssrc_changes, lost;
	bool nonzero_source_change;	/* the sender's address changed           */
};

/* Binds at `at` (port 0 picks one) and makes a local key. NULL: *err_no. */
struct ear *ear_new(struct loop *l, const struct addr *at, const unsigned *listen_hz, int nhz,
		    int *err_no);
void ear_free(struct ear *e);
/* c=, port, and a=crypto value ("AES_CM_128_HMAC_SHA1_80 inline:...") of our side. */
void ear_local(const struct ear *e, struct addr *a, struct buf *crypto);
/* The border's side, from its SDP: where to send, its key (inline text), payload type. */
enum err ear_remote(struct ear *e, const struct addr *to, struct str crypto, uint8_t pt);
void ear_tone(struct ear *e, unsigned hz);	/* 0: silence. Sending starts with ear_talk() */
void ear_talk(struct ear *e, bool on);
int ear_heard(const struct ear *e, struct ear_heard out[EAR_TONES]);
void ear_heard_reset(struct ear *e);
void ear_counts(const struct ear *e, struct ear_counts *c);

#endif
