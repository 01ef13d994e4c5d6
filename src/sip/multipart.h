/*
 * multipart.h - bodies of several parts (RFC 2046 5.1, RFC 5621), one level.
 * Pure; parts are slices of the body, their bytes untouched.
 * Errors: ERR_PARSE: no boundary, no closing delimiter, a broken part header;
 *   ERR_LIMIT: more than SIP_PART_MAX parts.
 * Test: test/unit/sip/t_multipart.c, test/fuzz/fz_multipart.c
 */
#ifndef SIP_MULTIPART_H
#define SIP_MULTIPART_H
#include "sip/limits.h"
#include "sip/msg.h"

struct sip_part {
	struct str type;		/* absent: text/plain, RFC 2046 5.1 */
	struct str disposition, id, encoding;
	struct str bytes;
};

/* Is it multipart/anything? */
bool sip_is_multipart(const struct sip_body *b);
enum err sip_parts(const struct sip_body *b, struct sip_part part[SIP_PART_MAX], unsigned *n);
/* The body of this type ("application/sdp"): itself, or the first such part. In
 * multipart/alternative the last one, RFC 2046 5.1.4. A part with a Content-Encoding or
 * a transfer encoding that changes bytes is passed over. ERR_GONE: there is none. */
enum err sip_body_find(const struct sip_body *b, const char *type, struct sip_body *out);

#endif
