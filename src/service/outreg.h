/*
 * outreg.h - trunks that want to be registered at: REGISTER as a client (RFC 3261 10.2).
 *
 * Does: register one trunk with the first of its hosts that answers, refresh before the end,
 *   fail over to the next host, wait longer after each round that failed (RFC 5626 4.5, but
 *   5 minutes at the most), take 423 and Retry-After, keep the Service-Route (RFC 3608) for
 *   the trunk's requests, let proxies add Path (RFC 3327), take the registration back at the
 *   end; each outcome is a fact of the trunk, with its reason.
 * Does not: authenticate (sip/ answers challenges), ping (monitor), place calls.
 * Owner: app/server. Threads: the loop's. Units: ms; *_s are seconds.
 * Test: test/unit/service/t_outreg.c walks every cell; test/flow/trunk-register*.flow
 */
#ifndef SERVICE_OUTREG_H
#define SERVICE_OUTREG_H
#include "sip/stack.h"
#include "trunk/trunk.h"

enum { OUTREG_TRUNKS = 64, OUTREG_ROUTE_MAX = 1024 };

enum outreg_state {
	OUTREG_OFF,		/* taken back                                     */
	OUTREG_TRYING,		/* no registration; REGISTER is out               */
	OUTREG_BOUND,
	OUTREG_REFRESHING,	/* registered, and REGISTER is out                */
	OUTREG_WAITING,		/* no host took it; a timer runs                  */
	OUTREG_NSTATE
};

enum outreg_event {
	OUTREG_GOT_OK,
	OUTREG_GOT_BRIEF,	/* 423                                            */
	OUTREG_REFUSED,		/* any other final answer: the next host would say the same */
	OUTREG_LOST,		/* no answer, or 5xx, 408: the next host          */
	OUTREG_DUE,		/* time to refresh, or to try again               */
	OUTREG_CUT,		/* the connection that it came over closed        */
	OUTREG_STOP,
	OUTREG_NEVENT
};

struct outreg;

struct outreg_trunk {
	struct trunk *trunk;
	struct sip_dest dest[TRUNK_HOSTS];
	int nhosts;
	struct sip_opts opts;
	char aor[256];			/* "sip:+49301234@carrier.example" */
	char contact_user[128];
	uint32_t expires_s;
};

struct outreg *outreg_new(struct loop *l, struct sip *s);
void outreg_free(struct outreg *o);
/* Copies; its REGISTER leaves at once. `index`: how others name the trunk. */
void outreg_add(struct outreg *o, int index, const struct outreg_trunk *t);
/* An answer to one of our REGISTERs (SIP_EV_RESPONSE). false: not ours. */
bool outreg_on_response(struct outreg *o, const struct sip_event *ev);
void outreg_on_flow(struct outreg *o, net_id closed);
/* Every registration is taken back (Expires: 0), without waiting for the answers. */
void outreg_stop(struct outreg *o);
/* Has one of our REGISTERs no final answer yet? It may be a challenge, which must be answered. */
bool outreg_waits(const struct outreg *o);
/* The route set for the trunk's requests; absent: none. Lent until the next answer. */
struct str outreg_route(const struct outreg *o, int index);
/* Did this address take the trunk's registration? */
bool outreg_is_peer(const struct outreg *o, int index, const struct addr *a);
/* The user part of the Contact that is registered: what calls may be addressed to. Absent:
 * the trunk does not register. */
struct str outreg_contact_user(const struct outreg *o, int index);
enum outreg_state outreg_state(const struct outreg *o, int index);
/* For the test: has the pair been decided? */
bool outreg_decided(enum outreg_state s, enum outreg_event e);

#endif
