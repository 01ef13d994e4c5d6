/* t_relay_bed.h - two ends in one engine, and all that it sends and tells. */
#ifndef T_RELAY_BED_H
#define T_RELAY_BED_H
#include <stdbool.h>

#include "media/relay.h"
#include "media/rtp.h"

enum { A = 0, B = 1, PCMU = 0, PCMA = 8, EVENTS_A = 101, EVENTS_B = 96 };

struct sent { uint32_t slot; bool rtcp; struct addr to; uint8_t p[RTP_PACKET_MAX + RTP_TAIL]; size_t n; };

struct bed {
	struct relay *relay;
	struct rng rng;
	struct sent out[64];
	int nout;
	struct media_msg up[64];
	int nup;
	ms_t now;
	uint16_t seq;			/* of B in sent_to() */
};

struct addr at(const char *ip, uint16_t port);
struct media_msg msg(enum media_op op, uint32_t slot);
void tell(struct bed *b, const struct media_msg *m);
struct media_msg peer(uint32_t slot, struct addr rtp, uint8_t events);
void direct(struct bed *b, uint32_t slot, bool send, bool expect);
void open_end(struct bed *b, uint32_t slot, uint32_t no_media, uint32_t fill);
void serve(struct bed *b, uint32_t slot, uint16_t early, bool wipe);
void join(struct bed *b);
struct bed *bed_new(void);
/* Two clear ends that talk: A's peer is 10.0.0.1:4000 and signals from 192.0.2.9, B's 10.0.0.2:5000. */
struct bed *talking(uint8_t latch);
void bed_free(struct bed *b);
size_t rtp_of(uint8_t *p, uint8_t pt, uint16_t seq, uint32_t ts, uint32_t ssrc, char fill);
void comes(struct bed *b, uint32_t slot, struct addr from, uint8_t pt, uint16_t seq, uint32_t ts, uint32_t ssrc);
/* n packets in sequence, from 0 on, to A. */
void run_of(struct bed *b, struct addr from, int n, uint32_t ssrc);
/* The port to which the next packet of B's peer goes. */
uint16_t sent_to(struct bed *b);
/* The header of the last packet sent. */
struct rtp last(const struct bed *b);
/* Was signalling told this? */
bool told(const struct bed *b, enum media_op op);

#endif
