/* route_int.h - shared by route.c and route_peer.c only. */
#ifndef CALL_ROUTE_INT_H
#define CALL_ROUTE_INT_H
#include "call/route.h"

struct route {
	struct route_config cfg;
	struct leg_peer trunk_peer[CONFIG_TRUNKS];
	struct leg_peer phone_peer[CONFIG_LISTENERS];
	struct identity_opts trunk_identity[CONFIG_TRUNKS];
	/* Where a plan is made; a call keeps only as much as it has. */
	struct route_branch branch[FORK_MAX];
	struct reason note[ROUTE_REASONS_MAX];
};

/* Fills both tables from the configuration and the profiles. */
void route_fill_peers(struct route *r);
/* "name", or "address" in brackets for IPv6: what stands in URIs of a listener. */
struct str route_adv_host(const struct route *r, int listener, char text[ADDR_TEXT]);

#endif
