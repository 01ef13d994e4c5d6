/*
 * loop.h - the environment of a server: time, timers, random, log, and the
 * turn that runs after every input.
 *
 * Two makers: loop_uv.c (libuv, the daemon) and test/sim (virtual time). All
 * code above io/ sees only this struct; no libuv type leaves io/.
 *
 * An input is one packet, one stream chunk, one timer or one message. The
 * maker calls loop_turn() after each of them.
 * Threads: everything here belongs to the loop's thread.
 */
#ifndef IO_LOOP_H
#define IO_LOOP_H
#include "base/log.h"
#include "base/rng.h"
#include "io/timer.h"

struct loop_ops;
struct net_ops;
struct dns_ops;

struct loop {
	ms_t now;			/* monotonic, read once a turn           */
	wall_t wall;			/* UTC ms, read once a turn              */
	ms_t spent;			/* processor time of this thread, up to 20 ms ago; the simulation: all of it */
	ms_t delay;			/* how long the input in hand waited to be read */
	uint64_t lost;			/* datagrams the kernel threw away: nobody read them in time */
	uint64_t no_files;		/* connections refused: too few descriptors are left */
	struct timers timers;
	struct rng rng;
	struct log log;
	void (*turn)(void *ctx);	/* NULL until loop_on_turn()             */
	void *turn_ctx;
	const struct loop_ops *ops;
	const struct net_ops *net;	/* io/net.h                              */
	const struct dns_ops *dns;	/* io/dns.h                              */
	void *impl;			/* the maker's own state                 */
};

/* loop_uv.c. NULL never: out of descriptors aborts with a message. */
struct loop *loop_new(void);
void loop_free(struct loop *l);		/* after everything on it is closed */
void loop_run(struct loop *l);		/* returns after loop_stop()        */
void loop_stop(struct loop *l);
/* fn(ctx, signo) as an input when the process gets the signal. */
void loop_on_signal(struct loop *l, int signo, void (*fn)(void *, int), void *ctx);
/* fn(ctx) as an input whenever `fd` is readable (external epoll sets, child
 * pipes, the media channel). Returns a handle for loop_unwatch(). */
struct loop_watch *loop_watch(struct loop *l, int fd, void (*fn)(void *), void *ctx);
void loop_unwatch(struct loop_watch *w);

/* Common to all makers. */
void loop_on_turn(struct loop *l, void (*fn)(void *), void *ctx);
void loop_turn(struct loop *l);

#endif
