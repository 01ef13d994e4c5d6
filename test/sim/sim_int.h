/* sim_int.h - the simulated edge's inside. */
#ifndef SIM_SIM_INT_H
#define SIM_SIM_INT_H
#include "base/slot.h"
#include "sim/sim_loop.h"

enum sim_kind { SIM_UDP, SIM_LISTENER, SIM_STREAM };

struct sim_handle {
	enum sim_kind kind;
	net_id id;
	struct addr local;
	/* datagrams */
	const struct net_dgram_handler *dh;
	/* listener, stream */
	const struct net_stream_handler *sh;
	void *ctx;
	struct tls_ctx *tls_ctx;
	/* stream */
	struct addr peer;
	net_id other;			/* the far end's handle; 0: not (any more) */
	struct tls *tls;
	struct tls_facts facts;		/* declared */
	bool inbound, open, secure, dead;
	net_id listener;		/* of an inbound one not yet accepted */
	enum net_fail fail;
};

struct sim_far { struct addr a; enum sim_reach r; };
struct sim_shown { struct addr a; struct tls_facts f; };

struct sim {
	struct loop loop;
	struct slots ids;
	struct rng rng;			/* of the network, apart from the servers' */
	struct sim_options opt;
	ms_t now0;
	wall_t wall0;
	uint32_t in_flight;
	uint64_t lost;
	uint16_t next_port;
	net_id *grave;			/* dead handles, gone after the input */
	size_t ngrave;
	struct sim_name *names;
	int nnames;
	struct sim_resolver **resolvers;
	int nresolvers;
	struct sim_far *reach;
	int nreach;
	struct sim_shown *declared;
	int ndeclared;
	void (*watch)(void *, const struct sim_seen *);
	void *watch_ctx;
};

static inline struct sim *sim_of(struct loop *l)
{
	return l->impl;
}

extern const struct net_ops sim_net_ops;
void sim_net_free(struct sim *s);

#endif
