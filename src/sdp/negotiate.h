/*
 * negotiate.h - offer and answer as pure functions (RFC 3264): what the other side can do,
 * what both can, and which lines say so.
 *
 * Codecs are names, payload types are per leg: nothing is passed through. Only codecs that
 * Tandem passes and the peer's options allow are kept. Of an offer the first usable audio
 * line is taken; all others are refused in place.
 * Test: test/unit/sdp/t_negotiate.c, test/fuzz/fz_negotiate.c
 */
#ifndef SDP_NEGOTIATE_H
#define SDP_NEGOTIATE_H
#include "base/reason.h"
#include "sdp/sdp.h"

enum { SDP_CODEC_MAX = 5,		/* as many as Tandem passes: every leg keeps such lists */
       SDP_PT_NONE = 255 };

struct sdp_codec {
	char name[16];
	uint32_t clock;
	uint8_t channels;
	char fmtp[64];			/* only what the other side of a call has to know */
};

struct sdp_codecs {
	struct sdp_codec c[SDP_CODEC_MAX];
	int n;
	bool events, noise;		/* telephone-event, CN */
};

/* Payload types of a list of codecs, side by side with it. */
struct sdp_map {
	uint8_t pt[SDP_CODEC_MAX], events, noise;	/* SDP_PT_NONE: none */
};

/* What one side named in its last SDP, and by which numbers it receives it. */
struct sdp_side {
	struct sdp_codecs codecs;
	struct sdp_map map;
};

enum sdp_srtp { SDP_SRTP_OFF, SDP_SRTP_OPTIONAL, SDP_SRTP_MANDATORY };

struct sdp_opts {
	enum sdp_srtp srtp;		/* optional: taken when offered, never offered by us */
	enum sdp_suite suite[3];	/* in order of preference */
	int nsuite;
	struct sdp_codecs codecs;	/* allowed with this peer, in order; n == 0: all */
	bool rtcp_mux;			/* offered */
	uint32_t ptime;
};

/* What one SDP of the other side says. */
struct sdp_remote {
	int line;
	struct addr rtp, rtcp;		/* rtcp: without mux          */
	bool mux, zero;			/* zero: 0.0.0.0, hold of old */
	enum sdp_dir dir;		/* as they say it             */
	struct sdp_crypto crypto;	/* SDP_SUITE_NONE: clear      */
	struct sdp_side side;		/* usable codecs, in their order */
	uint32_t ptime;
	uint64_t version;
	enum sdp_proto proto;
};

struct sdp_ask {
	const struct sdp_opts *opts;
	int line;			/* an answer: where our audio stands; -1: an offer */
	enum sdp_suite now;		/* in use: stays when it is there; NONE: none yet */
	struct str peer;		/* for the reason      */
	struct arena *texts;		/* keeps its arguments */
};

/* Reads a peer's offer or answer. ERR_PARSE: BAD_SDP; ERR_DENIED: SRTP_REQUIRED or
 * NO_COMMON_CODEC. *why is about the first audio line, and only written on failure. */
enum err sdp_take(const struct sdp *s, const struct sdp_ask *ask, struct sdp_remote *r,
		  struct reason *why);

/* What both know, in the order of `a` and with its parameters. */
void sdp_common(const struct sdp_codecs *a, const struct sdp_codecs *b, struct sdp_codecs *out);
int sdp_codec_find(const struct sdp_codecs *list, const struct sdp_codec *c);	/* -1: not in it */
/* The codec of an exchange, with the parameters that hold for both. */
struct sdp_codec sdp_agreed(const struct sdp_codec *offered, const struct sdp_codec *answered);
/* Lines of an offer; fmt borrows from `list`. Within a session a codec keeps the payload type
 * that we said last, or they did (RFC 3264 8.3.2); NULL: nobody has said anything yet. `map` may
 * be that of `said`. Returns the count. */
int sdp_offer_lines(const struct sdp_codecs *list, const struct sdp_side *said,
		    const struct sdp_side *theirs, struct sdp_fmt fmt[SDP_FMT_MAX],
		    struct sdp_map *map);
/* Lines of an answer: what of `list` the offer has, with the offer's payload types. */
int sdp_answer_lines(const struct sdp_codecs *list, const struct sdp_side *offer,
		     struct sdp_fmt fmt[SDP_FMT_MAX], struct sdp_map *map);
/* All codecs Tandem passes, PCMU and PCMA first. */
const struct sdp_codecs *sdp_codecs_all(void);
/* What may be used with a peer: its options' list, or all; events and noise always. */
void sdp_codecs_allowed(const struct sdp_opts *o, struct sdp_codecs *out);
/* "PCMU PCMA" for people. */
void sdp_codecs_text(struct buf *b, const struct sdp_codecs *list);

#endif
