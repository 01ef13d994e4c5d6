/* uv_int.h - the libuv maker's inside; for loop_uv.c, udp_uv.c and stream_uv.c only. */
#ifndef IO_UV_INT_H
#define IO_UV_INT_H
#include <uv.h>

#include "base/slot.h"
#include "io/loop.h"
#include "io/net.h"

enum { LU_HANDLES = 65536, LU_BATCH = 32, LU_OUT = 256, LU_OUT_BYTES = 1 << 20 };

enum lu_kind { LU_UDP, LU_LISTENER, LU_STREAM };

struct lu_udp;
struct lu_batch;

struct lu_entry {		/* what a net_id leads to */
	enum lu_kind kind;
	void *obj;
};

struct lu_world {
	uv_loop_t uv;
	uv_timer_t timer;
	uv_prepare_t prepare;
	struct loop loop;
	struct slots ids;	/* struct lu_entry */
	struct lu_batch *in;	/* receive buffers, shared by all sockets */
	struct lu_out *out;	/* datagrams waiting for the end of the turn */
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

/* The uv_loop_t, for dns_ares.c. */
void *lu_handle(struct loop *l);

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

#endif
