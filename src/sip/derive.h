/*
 * derive.h - requests made out of an INVITE of ours: CANCEL (RFC 3261 9.1) and
 * the ACK of a 3xx-6xx (17.1.1.3). Pure.
 *
 * `invite` is a request this stack wrote: one Via, long header names, no folds.
 */
#ifndef SIP_DERIVE_H
#define SIP_DERIVE_H
#include "sip/msg.h"

/* Start line, Via, Route, Max-Forwards, From, To, Call-ID, CSeq; then `extra` (whole
 * header lines) and the end. `to`: value of To, absent: as in the INVITE. */
void derive_request(struct buf *b, struct str invite, enum sip_method m, struct str to,
		    struct str extra);
/* The start line of a request, and what follows it: without its Via and the credentials right
 * behind that, when it has them. */
void derive_split(struct str request, bool has_via, struct str *start, struct str *rest);

/* The credentials in it, as they stand there: whole lines. */
void derive_credentials(struct buf *b, struct str request);
/* Its CSeq number. */
uint32_t derive_cseq(struct str request);
/* Value of a header of a request of ours; `name` with colon and blank. Absent: none. */
struct str derive_header(struct str request, const char *name);
/* The branch in its Via. */
struct str derive_branch(struct str request);
/* The same request with another CSeq number and, where `se` is given (whole header lines),
 * another session interval. Via and credentials are left out. */
void derive_again(struct buf *b, struct str invite, uint32_t cseq, struct str se);

#endif
