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
/* The request with its Via replaced by `via` (a whole line), or put in when it has none. */
void derive_via(struct buf *b, struct str request, bool has_via, struct str via);

/* Value of a header of a request of ours; `name` with colon and blank. Absent: none. */
struct str derive_header(struct str request, const char *name);
/* The branch in its Via. */
struct str derive_branch(struct str request);
/* The same request with another CSeq number and, where `se` is given (whole header lines),
 * another session interval. Via is left out. */
void derive_again(struct buf *b, struct str invite, uint32_t cseq, struct str se);

#endif
