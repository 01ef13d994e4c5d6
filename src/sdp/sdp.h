/*
 * sdp.h - session descriptions (RFC 8866, 3264, 4568, 5761), parsed once to structs and
 * written once from structs.
 *
 * Pure: bytes in, struct out; slices point into the caller's bytes. Tolerant where real
 * peers are odd (unknown lines and attributes pass by, a crypto line we cannot use is left
 * out), strict on numbers, sizes and everything that is ever written again.
 * Errors: sdp_parse() returns ERR_PARSE or ERR_LIMIT, and *why says in which line and what.
 * Limits: the enum below. Test: test/unit/sdp, test/fuzz/fz_sdp.c
 */
#ifndef SDP_SDP_H
#define SDP_SDP_H
#include "base/addr.h"
#include "base/buf.h"
#include "base/str.h"

enum { SDP_BYTES_MAX = 32768, SDP_LINE_MAX = 8192, SDP_MEDIA_MAX = 16, SDP_ATTR_MAX = 128,
       SDP_FMT_MAX = 24, SDP_CRYPTO_MAX = 8, SDP_KEY_MAX = 46, SDP_TOKEN_MAX = 32 };

enum sdp_dir { SDP_SENDRECV, SDP_SENDONLY, SDP_RECVONLY, SDP_INACTIVE, SDP_NDIR };
enum sdp_proto { SDP_RTP_AVP, SDP_RTP_SAVP, SDP_PROTO_OTHER };
enum sdp_suite { SDP_SUITE_NONE, SDP_AES_CM_80, SDP_AES_CM_32, SDP_AES_GCM, SDP_NSUITE };

struct sdp_fmt {
	uint8_t pt;
	bool mapped;			/* by an a=rtpmap, not by its static type */
	struct str name;		/* "PCMU"; static types have theirs without a=rtpmap */
	uint32_t clock;
	uint8_t channels;
	struct str fmtp;
};

struct sdp_crypto {
	uint32_t tag;			/* 0 is legal (Direct Routing) */
	enum sdp_suite suite;
	uint8_t key[SDP_KEY_MAX];	/* master key and salt */
	uint8_t key_n;
	uint8_t mki_n;			/* length of an MKI on the wire; 0: none */
	uint32_t mki;
};

struct sdp_media {
	struct str kind, proto_text;	/* tokens of at most SDP_TOKEN_MAX bytes */
	struct str formats;		/* as written */
	bool audio;
	enum sdp_proto proto;
	uint16_t port;
	struct addr conn;		/* its own, or that of the session; NONE: no IP address */
	enum sdp_dir dir;		/* that of the session when it says none */
	struct sdp_fmt fmt[SDP_FMT_MAX];
	int nfmt;
	bool duplicate_pt;		/* one payload type with two meanings */
	struct sdp_crypto crypto[SDP_CRYPTO_MAX];
	int ncrypto;
	bool crypto_unusable;		/* had a=crypto lines with suites or parameters we lack */
	struct addr rtcp;		/* a=rtcp (RFC 3605); port 0: port + 1, NONE: as conn */
	bool rtcp_mux;
	uint32_t ptime;			/* ms; 0: not said */
};

struct sdp {
	struct str origin_user, origin_id, origin_addr;
	uint64_t version;		/* of o= */
	struct addr conn;
	enum sdp_dir dir;
	int nmedia;
	struct sdp_media media[SDP_MEDIA_MAX];	/* only the first nmedia are written */
};

struct sdp_fault {
	const char *text;		/* static */
	int line;			/* from 1; 0: the whole */
};

enum err sdp_parse(struct str bytes, struct sdp *out, struct sdp_fault *why);
const char *sdp_suite_str(enum sdp_suite s);	/* "AES_CM_128_HMAC_SHA1_80" */
uint8_t sdp_suite_key(enum sdp_suite s);	/* bytes of key and salt: 30 or 28 */
const char *sdp_dir_str(enum sdp_dir d);
/* One a=crypto value. ERR_PARSE: malformed; ERR_GONE: well formed, but with a suite, several
 * keys, an MKI or session parameters that we do not have (RFC 4568 6.3.7, 7.1.1). */
enum err sdp_crypto_parse(struct str v, struct sdp_crypto *c);

/* --- writing --- */
/* The media lines that a session has had so far: an answer keeps those of the offer, and so
 * does every later offer of either side (RFC 3264 6, 8). */
struct sdp_lines {
	int n;
	struct sdp_line { char kind[SDP_TOKEN_MAX + 1], proto[SDP_TOKEN_MAX + 1], fmt[SDP_TOKEN_MAX + 1]; }
		line[SDP_MEDIA_MAX];
};
void sdp_lines_of(const struct sdp *s, struct sdp_lines *out);

struct sdp_out {
	uint64_t id, version;
	struct addr rtp;		/* address and port */
	uint16_t rtcp_port;		/* 0: not said */
	bool rtcp_mux;
	enum sdp_proto proto;
	const struct sdp_fmt *fmt;
	int nfmt;
	struct sdp_crypto crypto[SDP_NSUITE];
	int ncrypto;
	enum sdp_dir dir;
	uint32_t ptime;
	const struct sdp_lines *lines;	/* NULL or empty: our audio alone */
	int line;			/* ours; all others stay in place with port 0 */
};
void sdp_write(struct buf *b, const struct sdp_out *o);

#endif
