/*
 * proto.h - the messages between signalling and a media process: fixed size, versioned, over
 * a SOCK_SEQPACKET pair. The signalling side owns the numbers (slots, addresses, keys), so
 * writing an SDP never waits for an answer. All messages of a turn travel as one packet, up to
 * MEDIA_BATCH of them: a packet wakes the other side, and that costs more than they do.
 *
 * Both ends check every field (media_msg_good()); a message of another version or epoch is
 * dropped. Byte order is the machine's: both ends are one program.
 * Test: test/fuzz/fz_proto.c
 */
#ifndef MEDIA_PROTO_H
#define MEDIA_PROTO_H
#include "base/addr.h"
#include "io/timer.h"
#include "media/srtp.h"

enum { MEDIA_VERSION = 4, MEDIA_EARLY_MAX = 8, MEDIA_SLOTS_MAX = 65536, MEDIA_MSG_MAX = 512,
       MEDIA_BATCH = 16, MEDIA_PATH_MAX = 256 };

/* What a payload is, the same on both legs; payload types differ from leg to leg. */
enum media_codec { MEDIA_PCMU, MEDIA_PCMA, MEDIA_G722, MEDIA_G729, MEDIA_OPUS, MEDIA_EVENTS,
		   MEDIA_NOISE, MEDIA_NCODEC };

enum media_op {
	/* down */
	MEDIA_POOL = 1,		/* bind this range; its ports are slots from `slot` on     */
	MEDIA_OPEN, MEDIA_PEER, MEDIA_SERVE, MEDIA_CONNECT, MEDIA_DIRECTION, MEDIA_PLAY,
	MEDIA_CLOSE, MEDIA_MUSIC,	/* MUSIC: load this file, before the first call */
	/* up */
	MEDIA_READY, MEDIA_FAILED, MEDIA_FIRST_PACKET, MEDIA_LATCHED, MEDIA_SILENT, MEDIA_CLOSED,
	/* both: a process that gets it sends it back */
	MEDIA_PING
};

enum media_source { MEDIA_SOURCE_NONE, MEDIA_SOURCE_SILENCE, MEDIA_SOURCE_RINGBACK,
		    MEDIA_SOURCE_BUSY, MEDIA_SOURCE_MUSIC, MEDIA_SOURCE_NSOURCE };

struct media_counts {
	uint64_t rx_packets, rx_octets, tx_packets, tx_octets, auth_failed, refused, replayed;
	uint64_t lost;
	uint32_t jitter_us, rtt_us;
	struct addr stranger;		/* whence the last refused packet came */
};

struct media_msg {
	uint32_t version, epoch;
	uint16_t op;			/* enum media_op */
	uint16_t early;			/* index of an early dialog */
	uint32_t slot, other;		/* ends; other: CONNECT, UINT32_MAX = nobody */
	uint64_t owner;			/* comes back with everything of this slot */
	union {
		struct { struct addr bind; uint16_t port_min, pairs; } pool;
		struct {
			uint8_t key[SRTP_NSUITE][SRTP_KEY_MAX];
			uint32_t no_media_ms, fill_ms;
		} open;
		struct {
			struct addr rtp, rtcp;
			struct addr near;	/* whence its signalling comes; no family: unknown */
			uint8_t mux, latch, suite, mki;
			uint8_t key[SRTP_KEY_MAX];
			uint8_t rx_pt[MEDIA_NCODEC], tx_pt[MEDIA_NCODEC];	/* 255: none */
		} peer;
		struct { uint8_t wipe_others; } serve;
		struct { uint8_t send, expect; } direction;
		struct { uint8_t source, codec; char country[4]; } play;
		struct { uint8_t quiet; } close;	/* quiet: no CLOSED follows */
		struct { char path[MEDIA_PATH_MAX]; } music;
		struct { struct addr at; int32_t sys_errno; } failed;
		struct { struct addr from; } latched;
		struct media_counts counts;
	} u;
};

struct media_batch {		/* on its way out */
	struct media_msg m[MEDIA_BATCH];
	uint32_t n;
};

/* Are all fields within their bounds? `slots`: how many there are. */
bool media_msg_good(const struct media_msg *m, uint32_t slots);

#endif
