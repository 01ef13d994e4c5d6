#include "io/net.h"

/* The loop's maker does the work; these are the doors to it. */

net_id net_udp_bind(struct loop *l, const struct addr *at, const struct net_dgram_handler *h,
		    void *ctx, int *err_no)
{
	return l->net->udp_bind(l, at, h, ctx, err_no);
}

void net_udp_send(struct loop *l, net_id sock, const struct addr *from, const struct addr *to,
		  struct str bytes)
{
	l->net->udp_send(l, sock, from, to, bytes);
}

net_id net_listen(struct loop *l, const struct addr *at, struct tls_ctx *tls,
		  const struct net_stream_handler *h, void *ctx, int *err_no)
{
	return l->net->listen(l, at, tls, h, ctx, err_no);
}

net_id net_connect(struct loop *l, const struct net_connect *c)
{
	return l->net->connect(l, c);
}

void net_write(struct loop *l, net_id stream, struct str bytes)
{
	l->net->write(l, stream, bytes);
}

void net_close(struct loop *l, net_id id)
{
	l->net->close(l, id);
}

bool net_local(struct loop *l, net_id id, struct addr *a)
{
	return l->net->local(l, id, a);
}
