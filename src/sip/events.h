/*
 * events.h - the header fields of event notification as structs: Event,
 * Subscription-State, Allow-Events (RFC 6665 8.2, 8.4), and what a reason says
 * about another try (4.1.3). Pure.
 *
 * Does not: know packages, dialogs or time.
 * Errors: ERR_PARSE: not what the grammar allows; ERR_LIMIT: longer than limits.h lets it be.
 *   Nothing is written to *out then.
 * Test: test/unit/sip/t_events.c, test/fuzz/fz_subscription.c
 */
#ifndef SIP_EVENTS_H
#define SIP_EVENTS_H
#include "base/buf.h"
#include "io/timer.h"
#include "sip/limits.h"
#include "sip/uri.h"

struct sip_package {		/* value of Event */
	struct str name;	/* "message-summary"; with its templates: "presence.winfo" */
	struct str id;		/* absent: none */
};
enum err sip_package_parse(struct str v, struct sip_package *out);
/* RFC 6665 8.2.1: name and id byte for byte; one with an id never matches one without. */
bool sip_package_same(const struct sip_package *a, const struct sip_package *b);

/* The next name of an Allow-Events list; *rest becomes what follows (absent after the last).
 * false: no more. What is no package name is passed over. */
bool sip_allow_events_next(struct str *rest, struct str *name);
bool sip_allow_events_has(struct str list, struct str name);

enum sip_substate { SIP_SUB_ACTIVE, SIP_SUB_PENDING, SIP_SUB_TERMINATED, SIP_SUB_EXTENSION, SIP_SUB_NSTATE };

#define SIP_SUB_REASONS(X) \
	X(NONE, "") X(DEACTIVATED, "deactivated") X(PROBATION, "probation") X(REJECTED, "rejected") \
	X(TIMEOUT, "timeout") X(GIVEUP, "giveup") X(NORESOURCE, "noresource") X(INVARIANT, "invariant")
enum sip_sub_reason {
#define X(id, text) SIP_SUB_##id,
	SIP_SUB_REASONS(X)
#undef X
	SIP_SUB_REASON_OTHER, SIP_SUB_NREASON
};
const char *sip_sub_reason_str(enum sip_sub_reason r);	/* "": none, or one we do not know */

struct sip_sub_info {		/* value of Subscription-State */
	enum sip_substate state;
	enum sip_sub_reason reason;
	bool has_expires, has_retry;
	uint32_t expires_s, retry_after_s;
};
enum err sip_sub_info_parse(struct str v, struct sip_sub_info *out);
void sip_sub_info_write(struct buf *b, const struct sip_sub_info *i);

/* RFC 6665 4.1.3: may a terminated subscription be asked for again, and after how long at the
 * earliest? `other_ms`: the wait where a retry-after would say it and does not. */
bool sip_sub_again(const struct sip_sub_info *i, ms_t other_ms, ms_t *wait);

#endif
