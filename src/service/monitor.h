/*
 * monitor.h - is a trunk alive? OPTIONS both ways, and every failure with its reason.
 *
 * Does: one OPTIONS per host every 60 to 62 s while it is up (Direct Routing's limit is one a
 *   minute), the configured intervals otherwise; our OPTIONS come first, as Direct Routing
 *   asks; answers to the peers' OPTIONS with 200, Contact and Allow; facts into trunk_note().
 * Does not: choose hosts (trunk_pick()), place calls.
 * Owner: app/server. Threads: the loop's. Test: test/flow/trunk-options*.flow
 */
#ifndef SERVICE_MONITOR_H
#define SERVICE_MONITOR_H
#include "sip/stack.h"
#include "trunk/trunk.h"

struct monitor;

enum { MONITOR_TRUNKS = 64 };

struct monitor_trunk {
	struct trunk *trunk;
	struct sip_dest dest[TRUNK_HOSTS];
	int nhosts;
	struct sip_opts opts;
	char from_host[256];		/* of From and To: our FQDN, or our address */
	bool ping;
	ms_t up, down;			/* intervals */
};

struct monitor *monitor_new(struct loop *l, struct sip *s);
void monitor_free(struct monitor *m);
/* Copies; the first OPTIONS leave at once, spread over the hosts. */
void monitor_add(struct monitor *m, const struct monitor_trunk *t);
/* The answer to one of our OPTIONS (SIP_EV_RESPONSE). false: not ours. */
bool monitor_on_response(struct monitor *m, const struct sip_event *ev);
/* A stream ended (SIP_EV_FLOW, NET_CLOSED). One of ours that died because nothing was acknowledged
 * takes its host down: Direct Routing's limit lets no OPTIONS ask sooner. */
void monitor_on_flow(struct monitor *m, const struct sip_event *ev);
/* A peer's OPTIONS. `trunk`: whose, or -1; contact: the answer's ("<sip:host:port>"). */
void monitor_on_options(struct monitor *m, const struct sip_event *ev, int trunk,
			struct str contact);

#endif
