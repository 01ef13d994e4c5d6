/*
 * subscription.h - subscriptions in both roles (RFC 6665), for sip/stack's owners.
 *
 * Does: the notifier's side of SUBSCRIBE (423, the NOTIFY that follows each one, refresh, expiry,
 *   one unanswered NOTIFY at a time with the latest state behind it, Retry-After); the
 *   subscriber's side (refresh in time, Timer N, 423, NOTIFY before the 2xx, the end and its
 *   reason); implicit subscriptions of REFER in the dialog of a call (RFC 3515, RFC 5057).
 * Does not: know packages and bodies, subscribe again after the end (sip_sub_again() says when
 *   the owner may), join forks: the first one that notifies is the subscription, the others
 *   get 481 (RFC 6665 4.1.2.4, 4.4.1).
 * News: SIP_EV_SUBSCRIBE, SIP_EV_SUB_REFRESHED, SIP_EV_NOTIFY, SIP_EV_SUB_ENDED in sip_next().
 *   Every subscription the owner knows ends with exactly one SUB_ENDED, or by the owner's own
 *   sip_notify_end() or sip_unsubscribe(), after which nothing of it comes any more.
 * Owner: struct sip. Others hold ids; stale ones give ERR_GONE.
 * Departures: a 200 answers SUBSCRIBE, as RFC 6665 8.3.1 has it; 202 answers REFER alone.
 * Test: test/unit/sip/t_subscription.c, test/fuzz/fz_subscription.c, test/flow/mwi-*.flow
 */
#ifndef SIP_SUBSCRIPTION_H
#define SIP_SUBSCRIPTION_H
#include "sip/events.h"
#include "sip/stack.h"

/* --- notifier --- */
struct sip_accept {
	uint64_t owner;
	bool pending;			/* may not know the state yet; sip_notify() makes it active */
	uint32_t min_s, max_s;		/* 0: SIP_SUB_MIN_S and SIP_SUB_DEFAULT_S */
	struct sip_body body;		/* the state now; absent: not known */
};
/* Answers SIP_EV_SUBSCRIBE and sends the first NOTIFY. ERR_RANGE: the interval is too brief: 423
 * was sent. ERR_LIMIT: the body is larger than SIP_SUB_BODY_MAX; nothing was sent. After a fetch
 * (Expires: 0) the subscription is gone with its one NOTIFY, and no news of it comes. */
enum err sip_sub_accept(struct sip *s, uint64_t sub, const struct sip_accept *a);
enum err sip_sub_refuse(struct sip *s, uint64_t sub, unsigned status, const struct sip_xhdr *x, int nx);
/* The state has changed: NOTIFY, now or after the one that is unanswered. Makes it active. */
enum err sip_notify(struct sip *s, uint64_t sub, const struct sip_body *body);
/* The last NOTIFY. `body` NULL: the state as it was. */
enum err sip_notify_end(struct sip *s, uint64_t sub, enum sip_sub_reason why, uint32_t retry_after_s,
			const struct sip_body *body);

/* A REFER of `session` (its SIP_EV_INDIALOG) is accepted: 202, and the first NOTIFY, in the dialog
 * of the call, which the subscription outlives. `id`: absent for the first one of the dialog. */
struct sip_implicit {
	uint64_t session, tsx, owner;
	struct str package, id;
	uint32_t expires_s;
	struct sip_body body;
};
uint64_t sip_sub_implicit(struct sip *s, const struct sip_implicit *i);	/* 0: refused, 503 was sent */

/* --- subscriber --- */
struct sip_subscribe {
	uint64_t owner;
	struct sip_dest dest;
	struct sip_opts opts;
	struct str ruri, from_uri, to_uri, contact_user;
	struct str package, id, accept;	/* id, accept: absent: none */
	uint32_t expires_s;		/* 0: SIP_SUB_DEFAULT_S */
};
uint64_t sip_subscribe(struct sip *s, const struct sip_subscribe *q);	/* 0: full */
/* Ends it at the peer too; no news of it comes any more. */
enum err sip_unsubscribe(struct sip *s, uint64_t sub);

#endif
