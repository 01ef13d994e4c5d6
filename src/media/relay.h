/*
 * relay.h - the media engine: packets in, packets out, no system call.
 *
 * An end is an RTP endpoint, not a forwarder: per direction it owns SSRC, sequence numbers
 * and timestamps (a change of source continues them, marker set), maps payload types,
 * terminates RTCP on its side, and accepts sources only as the rules say:
 *   clear RTP: the SDP's address; or its host with another port, once, from 0.5 to 3 s after the
 *     SDP, when the address itself has not spoken. With `latch` also whoever sends 4 packets in
 *     sequence of one SSRC: from the SDP's or the signalling's host at once, from elsewhere only
 *     after 500 ms in which nothing came from these. Then locked; only a more credible place takes
 *     it over, or one as credible when the source owed media and was silent for 3 s (its address
 *     translation forgot it); a new SDP address begins anew. What a `latch` costs: who shares the
 *     phone's public address can be faster. Nobody else gets more than the 4 packets until the
 *     phone is the source;
 *   SRTP: whoever's packet authenticates; only `latch` peers may move, after 4 in sequence.
 * Nothing is ever sent to a learned address before it has locked.
 * A bad packet (also one that we sent ourselves, or beyond 1,000 a second) is counted and dropped;
 * it never changes a call.
 *
 * Each early dialog has its own remote record; the record whose context authenticates a
 * packet owns it, and only one record is served (sent to and listened to).
 * Owner: a media process, or the simulation. Threads: one. Time: an argument, ms.
 * RFC: 3550, 3551, 3711, 4733, 5761, 7714.
 */
#ifndef MEDIA_RELAY_H
#define MEDIA_RELAY_H
#include "base/rng.h"
#include "media/proto.h"

struct relay;

struct relay_io {
	void (*send)(void *ctx, uint32_t slot, bool rtcp, const struct addr *to,
		     const uint8_t *p, size_t n);
	void (*up)(void *ctx, const struct media_msg *m);
	void *ctx;
};

struct relay *relay_new(uint32_t slots, const struct relay_io *io, struct rng *rng);
void relay_free(struct relay *r);
/* A message from signalling, already checked. */
void relay_msg(struct relay *r, const struct media_msg *m, ms_t now);
/* What MEDIA_SOURCE_MUSIC plays; taken over, freed with the relay. Once, before the first call. */
void relay_music(struct relay *r, int16_t *pcm, uint32_t n);
/* A packet on a slot's port; changed in place, cap >= n + RTP_TAIL. */
void relay_packet(struct relay *r, uint32_t slot, bool rtcp, const struct addr *from, uint8_t *p,
		  size_t n, ms_t now);
/* Every 20 ms: sources that play, reports, silence. */
void relay_tick(struct relay *r, ms_t now);
/* Does anything need the 20 ms tick? Without: once a second is enough. */
bool relay_playing(const struct relay *r);

#endif
