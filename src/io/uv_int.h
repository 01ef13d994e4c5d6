/* uv_int.h - the libuv maker's inside; for the *_uv.c files and dns_ares.c only. */
#ifndef IO_UV_INT_H
#define IO_UV_INT_H
#include <uv.h>

#include "base/slot.h"
#include "io/loop.h"
#include "io/net.h"

enum { LU_HANDLES = 65536, LU_BATCH = 32, LU_OUT = 256, LU_OUT_BYTES = 1 << 20,
       LU_KNOWN = 256 };

enum lu_kind { LU_UDP, LU_LISTENER, LU_STREAM };

struct lu_stream;
struct lu_batch;

struct lu_entry {		/* what a net_id leads to */
	enum lu_kind kind;
	void *obj;
};

/* shake_uv.c: TLS handshakes take turns, so that a flood of them cannot hold up calls. */
struct lu_shakes {
	struct list known, others;	/* streams with bytes for a step             */
	struct list inbound;		/* all inbound ones not open yet, oldest first */
	int ninbound;
	struct addr seen[LU_KNOWN];	/* addresses that proved themselves, a ring  */
	uint32_t nseen;
};

struct lu_shake {			/* a stream's part in it */
	struct list step, wait;
	char *held;			/* bytes read, not yet fed */
	size_t n;
	struct addr peer;
	bool known;
};

struct lu_world {
	uv_loop_t uv;
	uv_timer_t timer;
	ms_t timer_at;		/* it stands for this deadline */
	ms_t spent_at;			/* loop.spent was read then */
	uv_prepare_t prepare;
	uv_idle_t idle;		/* runs while handshake steps wait: the poll must not sleep */
	struct loop loop;
	struct slots ids;	/* struct lu_entry */
	struct lu_batch *in;	/* receive buffers, shared by all sockets */
	struct lu_out *out;	/* datagrams waiting for the end of the turn */
	struct list streams, signals, watches;	/* for loop_free() */
	struct lu_shakes shakes;
	ms_t no_files_told;	/* 0: not yet */
	char read_buf[65536];
	bool stopping;
};

static inline struct lu_world *lu_world_of(struct loop *l)
{
	return l->impl;
}

/* loop_uv.c: around every input. */
void lu_input_begin(struct lu_world *w);
void lu_input_end(struct lu_world *w);
socklen_t lu_sockaddr(const struct addr *a, struct sockaddr_storage *s);
void lu_addr(const struct sockaddr *s, struct addr *a);

/* loop_watch() for UV_READABLE, UV_WRITABLE or both; fn sees which. */
struct loop_watch *lu_watch(struct loop *l, int fd, int events, void (*fn)(void *, int), void *ctx);

/* udp_uv.c */
net_id lu_udp_bind_(struct loop *l, const struct addr *at, const struct net_dgram_handler *h,
		    void *ctx, int *err_no);
void lu_udp_send_(struct loop *l, net_id sock, const struct addr *from, const struct addr *to,
		  struct str bytes);
void lu_udp_flush(struct lu_world *w);
void lu_udp_close(struct lu_world *w, net_id id, void *obj);
bool lu_udp_local(void *obj, struct addr *a);
void lu_udp_init(struct lu_world *w);
void lu_udp_fini(struct lu_world *w);

/* stream_uv.c */
net_id lu_listen_(struct loop *l, const struct addr *at, struct tls_ctx *tls,
		  const struct net_stream_handler *h, void *ctx, int *err_no);
net_id lu_connect_(struct loop *l, const struct net_connect *c);
void lu_write_(struct loop *l, net_id id, struct str bytes);
void lu_listener_close(struct lu_world *w, net_id id, void *obj);
void lu_stream_close(struct lu_world *w, net_id id, void *obj);
bool lu_listener_local(void *obj, struct addr *a);
bool lu_stream_local(void *obj, struct addr *a);
void lu_streams_abandon(struct lu_world *w);
/* Feeds the handshake: called by shake_uv.c as an input. */
void lu_stream_step(struct lu_stream *s, struct str wire);
struct lu_stream *lu_shake_owner(struct lu_shake *k);
void lu_stream_evict(struct lu_stream *s);

/* shake_uv.c */
void lu_shakes_init(struct lu_world *w);
/* This address is ours to prefer: we connect to it, or it showed a good certificate. */
void lu_shakes_note(struct lu_world *w, const struct addr *a);
/* false: too many of this stranger are under way. */
bool lu_shake_begin(struct lu_world *w, struct lu_shake *k, const struct addr *peer, bool inbound);
void lu_shake_end(struct lu_world *w, struct lu_shake *k);
void lu_shake_hold(struct lu_world *w, struct lu_shake *k, struct str wire);
/* The next few steps; true: more are waiting. */
bool lu_shakes_run(struct lu_world *w);

#endif
