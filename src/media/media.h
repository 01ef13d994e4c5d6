/*
 * media.h - media ends as the signalling side sees them. It owns the numbers: address and
 * port pair, one local key per SRTP suite, unchanged from open to close, so an SDP never waits.
 *
 * Two backends behind the same calls: a media process (`tandem media`, SOCK_SEQPACKET), or
 * the engine inside this process on a simulated loop.
 * Does not: parse SDP, know calls. Down is a call, up is a queued event (media_next()).
 * Ports: bound once by the media process at its start; lent, and kept back after use.
 * Owner: app/server. Ids: stale ones are no-ops. Threads: the loop's.
 */
#ifndef MEDIA_MEDIA_H
#define MEDIA_MEDIA_H
#include "io/loop.h"
#include "io/net.h"
#include "media/proto.h"

struct media;

enum { MEDIA_POOLS = 32, MEDIA_REST_MS = 30000, MEDIA_STUCK_MS = 10000 };

struct media_pool {
	struct addr bind;		/* address; port unused */
	struct addr advertised;		/* what SDP shows       */
	uint16_t port_min, port_max;
};

struct media_config {
	struct loop *loop;
	struct media_pool pool[MEDIA_POOLS];
	int npools;
	bool inside;			/* engine in this process (simulation) */
	const char *program;		/* NULL: /proc/self/exe                */
	const char *country;		/* of tones; NULL: "us"                */
	const char *music;		/* WAV file for those on hold; NULL: none */
	ms_t rest;			/* a pair is kept back for so long after use; 0: MEDIA_REST_MS */
	int socket_bytes;		/* of what the process may be told before it reads; 0: 4 MB */
	ms_t stuck;			/* silent for so long it is started again; 0: MEDIA_STUCK_MS */
};

/* Starts the backend. NULL: *why. Bound ports are known with MEDIA_EV_READY. */
struct media *media_new(const struct media_config *c, struct buf *why);
void media_free(struct media *m);
/* With the engine inside: what the death of a media process does, and its next start. For the simulation. */
void media_lose(struct media *m);

struct media_local {
	struct addr rtp;		/* advertised; RTCP is the next port */
	uint8_t key[SRTP_NSUITE][SRTP_KEY_MAX];
};

struct media_remote {
	struct addr rtp, rtcp;
	struct addr near;		/* whence its signalling comes: `latch` believes it sooner */
	bool mux, latch;
	enum srtp_suite suite;
	uint8_t key[SRTP_KEY_MAX], mki;
	uint8_t rx_pt[MEDIA_NCODEC], tx_pt[MEDIA_NCODEC];	/* 255: none */
};

struct media_want {
	uint32_t pool;
	uint64_t owner;
	ms_t no_media;			/* 0: never */
	bool fill;
};

/* ERR_LIMIT: the pool's ports are all in use. ERR_AGAIN: the process is being started again. */
enum err media_open(struct media *m, const struct media_want *w, uint64_t *end,
		    struct media_local *local);
/* One early dialog's other side. The same key again keeps its SRTP context. */
void media_peer(struct media *m, uint64_t end, int early, const struct media_remote *r);
/* Whom to send to and listen to; wipe: forget the other early dialogs. */
void media_serve(struct media *m, uint64_t end, int early, bool wipe);
void media_connect(struct media *m, uint64_t a, uint64_t b);	/* b 0: nobody */
/* May we send to it; should it be sending? */
void media_direction(struct media *m, uint64_t end, bool send, bool expect);
void media_play(struct media *m, uint64_t end, enum media_source s, enum media_codec c);
/* MEDIA_EV_CLOSED with the counters follows; an end that never had a peer has none. */
void media_close(struct media *m, uint64_t end);

struct media_stats {
	uint64_t rx_packets, tx_packets, lost;
	uint64_t auth_failed, refused, replayed;	/* not believed, and why */
	struct addr stranger;		/* whence the last of these came */
	uint32_t jitter_us, rtt_us;
	char codec[16], srtp[32];	/* filled in by the leg */
};

enum media_ev_kind { MEDIA_EV_READY, MEDIA_EV_FAILED, MEDIA_EV_FIRST_PACKET, MEDIA_EV_LATCHED,
		     MEDIA_EV_SILENT, MEDIA_EV_CLOSED, MEDIA_EV_LOST };

struct media_event {
	enum media_ev_kind kind;
	uint64_t end, owner;
	int early;
	struct addr at;			/* FAILED, LATCHED */
	int sys_errno;
	struct media_stats stats;	/* CLOSED */
};
bool media_next(struct media *m, struct media_event *ev);
/* Sends what the turn had to say, with what waited for company; before, the media process knows nothing of it. */
void media_turn_end(struct media *m);
/* Ends that are open, and port pairs that can be lent now. */
void media_counts(const struct media *m, uint32_t *open, uint32_t *free_pairs);

/* The process behind it: `tandem media --fd N`. Returns when signalling is gone. */
int media_worker(int fd);

#endif
