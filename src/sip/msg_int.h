/*
 * msg_int.h - names as the parser and the framer look them up. Private to sip/.
 */
#ifndef SIP_MSG_INT_H
#define SIP_MSG_INT_H
#include "sip/msg.h"

/* Compact forms too; SIP_H_OTHER: unknown. `name` holds token characters only. */
enum sip_hdr_id sip_hdr_of(struct str name);
/* Case counts (RFC 3261 7.1); not empty. */
enum sip_method sip_method_of(struct str name);

#endif
