/*
 * sim_loop.h - a loop with virtual time and a simulated edge: the twin of loop_uv.
 *
 * Datagrams and streams run between any addresses inside one process, so several servers
 * and scripted peers live on one loop. Everything is a timer of the wheel: a run with the
 * same seed repeats byte for byte. No thread, no socket, no real clock.
 *
 * Peers use the same io/net.h as servers do: net_udp_bind(), net_listen(), net_connect() on
 * any address. A stream with a tls_ctx on both sides runs the real TLS filter; without one it
 * carries plain bytes, and facts can be declared for it (sim_declare()).
 */
#ifndef SIM_SIM_LOOP_H
#define SIM_SIM_LOOP_H
#include "io/dns.h"
#include "io/loop.h"
#include "io/net.h"

struct sim_options {
	unsigned loss, duplicate, reorder;	/* of 1,000 datagrams            */
	ms_t delay;				/* one way; 0: 1 ms              */
};

struct loop *sim_new(uint64_t seed);
void sim_free(struct loop *l);
void sim_set(struct loop *l, const struct sim_options *o);
/* Runs the next due thing at its time, and its turn. false: nothing is outstanding. */
bool sim_step(struct loop *l);
/* Runs all that is due up to this time (absolute, loop time), and moves there. */
void sim_until(struct loop *l, ms_t at);
void sim_for(struct loop *l, ms_t ms);
/* Is anything on its way that is no timer: a datagram, stream bytes, a DNS answer? */
bool sim_busy(struct loop *l);

enum sim_reach { SIM_OPEN, SIM_REFUSED, SIM_SILENT, SIM_UNREACHABLE };
/* How connections to this address fare from now on (port 0: all ports). */
void sim_reach(struct loop *l, const struct addr *a, enum sim_reach r);
/* Cut every stream to or from this address: NET_FAIL_RESET, or NET_FAIL_TIMEOUT for one that died of silence. */
void sim_cut(struct loop *l, const struct addr *a, enum net_fail how);
/* What handshakes show of the peer at this address, for streams without real TLS. */
void sim_declare(struct loop *l, const struct addr *a, const struct tls_facts *f);
/* Names. Without an entry: no such name. err ERR_TIMEOUT: the servers are silent. */
void sim_dns(struct loop *l, const char *name, enum dns_type t, const struct dns_result *r);
void sim_wall(struct loop *l, wall_t at);	/* the wall clock jumps */

struct sim_seen {			/* one delivery, for a test's eyes */
	bool stream;
	struct addr from, to;
	struct str bytes;		/* lent */
};
void sim_watch(struct loop *l, void (*fn)(void *ctx, const struct sim_seen *s), void *ctx);
uint64_t sim_lost(const struct loop *l);	/* datagrams nobody was bound for */

#endif
