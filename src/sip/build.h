/*
 * build.h - writes one SIP message, start line to body, into a struct buf.
 *
 * Does: header fields from slices, addresses, Via, the fields a response repeats
 *   (RFC 3261 8.2.6.2), Content-Length from the body or filled in afterwards.
 * Does not: choose values, send, keep anything.
 * Errors: the first one sticks, further calls write nothing; ask build_end().
 *   ERR_PARSE: a value with CR, LF or NUL (header injection); ERR_LIMIT: full.
 * Owner: the buffer is the caller's; one message at a time.
 * Test: test/unit/sip/t_build.c
 */
#ifndef SIP_BUILD_H
#define SIP_BUILD_H
#include "sip/msg.h"

struct build {
	struct buf *out;
	enum err err;
	size_t length_at, body_at;	/* in out: digits of Content-Length, body; 0: none yet */
};

/* Appends to what is in `out` already. */
void build_request(struct build *b, struct buf *out, struct str method, struct str uri);
void build_status(struct build *b, struct buf *out, unsigned status, struct str phrase);
/* Status line, all Vias (the top one with received and rport of request->src where RFC 3261
 * 18.2.1 and RFC 3581 4 ask for it), From, To with `tag` when it has none (absent:
 * left so), Call-ID, CSeq; Record-Route as well when status is 101 to 299. */
void build_response(struct build *b, struct buf *out, const struct sip_msg *request,
		    unsigned status, struct str phrase, struct str tag);

void build_hdr(struct build *b, enum sip_hdr_id id, struct str value);
void build_num(struct build *b, enum sip_hdr_id id, uint64_t value);
/* Any header; the name must be a token. */
void build_named(struct build *b, struct str name, struct str value);
/* `"display" <uri>;tag=tag`: display absent or empty: none; it is escaped here; tag may be
 * absent. */
void build_addr(struct build *b, enum sip_hdr_id id, struct str display, struct str uri,
		struct str tag);
void build_cseq(struct build *b, uint32_t n, struct str method);
/* sent_by: "host:port". */
void build_via(struct build *b, enum sip_transport t, struct str sent_by, struct str branch);
/* The value of a request's topmost Via as its response has it: with where it came from, `src` (NULL: nothing
 * is added), as RFC 3261 18.2.1 and RFC 3581 4 ask. */
void build_top_via(struct build *b, const struct sip_via *v, const struct addr *src);
/* All values of a header as received, one field each. */
void build_copy(struct build *b, const struct sip_msg *from, enum sip_hdr_id id);

/* Content-Type, Content-Length, the empty line and the body; NULL or no bytes: 0. */
void build_body(struct build *b, const struct sip_body *body);
/* The same for a body that is then written straight into `out`. */
void build_body_begin(struct build *b, struct str type);
/* Ends the message (Content-Length: 0 when there was no body). */
enum err build_end(struct build *b);

/* "UDP", "TCP", "TLS". */
struct str sip_transport_str(enum sip_transport t);
/* Can it stand in a header value? No CR, LF or NUL. */
bool sip_value_ok(struct str v);

#endif
