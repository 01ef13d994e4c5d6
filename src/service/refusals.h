/*
 * refusals.h - TLS peers that were turned away at a listener, or turned away from it: how
 * often, the last one and why, so that "nothing arrives from Teams" has an answer.
 *
 * Does: words the reason, keeps the last one per listener, writes one line a minute per
 *   listener to the log, with the number of those it did not write.
 * Does not: close anything; the handshake is over when its news comes.
 * Owner: app/server. Threads: the loop's. Test: test/unit/service/t_refusals.c
 */
#ifndef SERVICE_REFUSALS_H
#define SERVICE_REFUSALS_H
#include "sip/stack.h"

enum { REFUSALS_LISTENERS = 32, REFUSALS_EVERY_MS = 60000 };

struct refusals;

struct refusal_view {
	uint64_t count;
	wall_t at;			/* of the last one */
	struct addr peer;
	struct reason why;		/* lent until the next one */
};

struct refusals *refusals_new(struct loop *l);
void refusals_free(struct refusals *r);	/* NULL is fine */
/* A SIP_EV_FLOW event; those that are no failed inbound handshake are left alone. `name`: of
 * the listener; `wanted`: the names it takes in a peer's certificate, for people. */
void refusals_on_flow(struct refusals *r, const struct sip_event *ev, struct str name,
		      struct str wanted);
/* false: nobody was refused there. */
bool refusals_look(const struct refusals *r, uint32_t listener, struct refusal_view *v);
uint64_t refusals_total(const struct refusals *r);

#endif
