/*
 * net.h - datagram sockets and byte streams (TCP, TLS over TCP).
 *
 * All handles are ids: stale ones are harmless. Received bytes are lent for
 * the time of the handler only. Handlers are called by the loop as an input
 * (never from inside a net_* call), and the loop runs a turn after each.
 *
 * Datagrams: read in batches, sent at the end of the turn in batches.
 * Streams: writes are queued; what waits per connection, with its records, is
 *   capped (NET_UNSENT_MAX): past it the connection is closed with ERR_LIMIT.
 * TLS: a stream with `tls` set becomes NET_OPEN after the handshake. A TLS 1.3
 *   refusal of our certificate arrives after NET_OPEN as NET_CLOSED with the
 *   alert in tls_facts; so a connection is proven by the first SIP byte only.
 * Errors: net_* return 0 as id when the system refuses, errno in *err_no.
 */
#ifndef IO_NET_H
#define IO_NET_H
#include "base/addr.h"
#include "io/loop.h"
#include "io/tls.h"

enum { NET_UNSENT_MAX = 768 * 1024, NET_DGRAM_MAX = 65535 };

typedef uint64_t net_id;	/* 0 is none */

enum net_event {
	NET_OPEN,		/* connect (and TLS handshake) done               */
	NET_DATA,
	NET_CLOSED,		/* by peer or failure; the id is dead afterwards   */
};

enum net_fail {			/* why NET_CLOSED */
	NET_FAIL_NONE,		/* orderly close by the peer     */
	NET_FAIL_REFUSED, NET_FAIL_TIMEOUT, NET_FAIL_UNREACHABLE, NET_FAIL_RESET,
	NET_FAIL_TLS,		/* see tls_facts                 */
	NET_FAIL_UNSENT,	/* NET_UNSENT_MAX                */
	NET_FAIL_LOCAL,		/* no descriptors, no memory     */
};

struct net_stream_info {
	struct addr local, peer;
	bool tls;
	bool inbound;
	enum net_fail fail;		/* with NET_CLOSED                          */
	int sys_errno;
	const struct tls_facts *facts;	/* NULL: plain TCP, or NET_DATA; lent for the handler */
};

struct net_dgram_handler {
	void (*recv)(void *ctx, net_id sock, const struct addr *from, const struct addr *to,
		     struct str bytes);
};

struct net_stream_handler {
	/* Somebody connects to a listener: false refuses it before any handshake. NULL: all may. */
	bool (*knock)(void *ctx, const struct addr *peer);
	/* A connection arrived on a listener. Called before any event of it; for TLS
	 * after the handshake. Return NULL to refuse, else the ctx of its events. */
	void *(*accepted)(void *ctx, net_id stream, const struct net_stream_info *info);
	void (*event)(void *ctx, net_id stream, enum net_event ev, struct str bytes,
		      const struct net_stream_info *info);
};

struct net_connect {
	struct addr to, from;		/* from: family NONE = any                  */
	struct tls_ctx *tls;		/* NULL: plain TCP. Held until closed       */
	bool secure;			/* counts as TLS without a tls_ctx; simulation only */
	struct str server_name;		/* SNI and the name to verify; copied       */
	ms_t timeout;			/* until TCP stands; a handshake has 5 s then */
	const struct net_stream_handler *h;
	void *ctx;
};

struct net_ops {
	net_id (*udp_bind)(struct loop *, const struct addr *, const struct net_dgram_handler *,
			   void *ctx, int *err_no);
	void (*udp_send)(struct loop *, net_id, const struct addr *from, const struct addr *to,
			 struct str);
	net_id (*listen)(struct loop *, const struct addr *, struct tls_ctx *,
			 const struct net_stream_handler *, void *ctx, int *err_no);
	net_id (*connect)(struct loop *, const struct net_connect *);
	void (*write)(struct loop *, net_id, struct str);
	void (*close)(struct loop *, net_id);
	bool (*local)(struct loop *, net_id, struct addr *);
};

/* Bind a datagram socket; port 0 picks one (see net_local()). */
net_id net_udp_bind(struct loop *l, const struct addr *at, const struct net_dgram_handler *h,
		    void *ctx, int *err_no);
/* Copies and queues one datagram; lost silently where UDP loses it. `from`
 * may be NULL. */
void net_udp_send(struct loop *l, net_id sock, const struct addr *from, const struct addr *to,
		  struct str bytes);
/* tls NULL: plain TCP. The tls_ctx is held until the listener is closed. */
net_id net_listen(struct loop *l, const struct addr *at, struct tls_ctx *tls,
		  const struct net_stream_handler *h, void *ctx, int *err_no);
/* Never fails at once: failure arrives as NET_CLOSED. */
net_id net_connect(struct loop *l, const struct net_connect *c);
void net_write(struct loop *l, net_id stream, struct str bytes);
/* Any kind of id; sends what is queued (streams: at most 1 s), no event follows. */
void net_close(struct loop *l, net_id id);
/* The bound local address of a socket, listener or open stream. */
bool net_local(struct loop *l, net_id id, struct addr *a);

#endif
