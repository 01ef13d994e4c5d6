/*
 * negotiate.h - offer and answer as pure functions (RFC 3264): what the other side can do,
 * what both can, and which lines say so.
 *
 * Codecs are names, payload types are per leg: nothing is passed through.
 * The first usable audio line is taken, all others are refused in place.
 * Test: test/unit/sdp/t_negotiate.c
 */
#ifndef SDP_NEGOTIATE_H
#define SDP_NEGOTIATE_H
#include "base/reason.h"
#include "sdp/sdp.h"

enum { SDP_CODEC_MAX = 10 };

struct sdp_codec {
	char name[16];
	uint32_t clock;
	uint8_t channels;
	char fmtp[96];
};

struct sdp_codecs {
	struct sdp_codec c[SDP_CODEC_MAX];
	int n;
	bool events, noise;		/* telephone-event, CN */
};

enum sdp_srtp { SDP_SRTP_OFF, SDP_SRTP_OPTIONAL, SDP_SRTP_MANDATORY };

struct sdp_opts {
	enum sdp_srtp srtp;
	enum sdp_suite suite[3];	/* in order of preference */
	int nsuite;
	struct sdp_codecs codecs;	/* allowed with this peer, in order; n == 0: all */
	bool rtcp_mux;			/* offered */
	uint32_t ptime;
};

/* What one SDP of the other side says. */
struct sdp_remote {
	int line;
	struct addr rtp, rtcp;
	bool mux, zero;			/* zero: 0.0.0.0, hold of old */
	enum sdp_dir dir;		/* as they say it             */
	struct sdp_crypto crypto;	/* SDP_SUITE_NONE: clear      */
	struct sdp_codecs codecs;	/* audio, in their order      */
	uint8_t pt[SDP_CODEC_MAX];	/* their payload types        */
	int events_pt, noise_pt;	/* -1: none                   */
	uint32_t ptime;
	uint64_t version;
	enum sdp_proto proto;
};

/* Reads an offer or answer of a peer. ERR_DENIED: SRTP_REQUIRED; ERR_PARSE: BAD_SDP (no audio
 * line, duplicate payload types); *why is set with `peer` as its first argument. */
enum err sdp_take(const struct sdp *s, const struct sdp_opts *o, bool is_answer, struct str peer,
		  struct sdp_remote *r, struct reason *why);

/* What both know, in the order of `a`. */
void sdp_common(const struct sdp_codecs *a, const struct sdp_codecs *b, struct sdp_codecs *out);
int sdp_codec_find(const struct sdp_codecs *list, const struct sdp_codec *c);	/* -1: not in it */
/* PCMU and PCMA at the end, where `allowed` lets them and they are missing. */
void sdp_add_g711(struct sdp_codecs *list, const struct sdp_codecs *allowed);
/* Lines for an offer: payload types by us. pt[i] belongs to list->c[i]. Returns the count. */
int sdp_offer_lines(const struct sdp_codecs *list, struct sdp_fmt fmt[SDP_FMT_MAX],
		    uint8_t pt[SDP_CODEC_MAX], int *events_pt, int *noise_pt);
/* Lines for an answer: the codecs of `list` with the payload types of the offer. */
int sdp_answer_lines(const struct sdp_codecs *list, const struct sdp_remote *offer,
		     struct sdp_fmt fmt[SDP_FMT_MAX], uint8_t pt[SDP_CODEC_MAX], int *events_pt,
		     int *noise_pt);
/* All codecs Tandem passes, PCMU and PCMA first. */
const struct sdp_codecs *sdp_codecs_all(void);
/* "PCMU PCMA" for people. */
void sdp_codecs_text(struct buf *b, const struct sdp_codecs *list);

#endif
