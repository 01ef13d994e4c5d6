/*
 * rest.h - the operator actions over HTTP on a unix socket: libmicrohttpd on the loop, no
 * thread. Who asks is told by the kernel (SO_PEERCRED): root and our own user are admins,
 * others may look.
 * Owner: the server. Threads: the loop's. Limits: bodies of REST_BODY_MAX.
 */
#ifndef API_REST_H
#define API_REST_H
#include "api/env.h"

enum { REST_BODY_MAX = 16 << 20 };

struct rest;
/* NULL: *why (socket in use, no right). */
struct rest *rest_new(struct loop *l, struct api_env *env, const char *socket_path, struct buf *why);
void rest_free(struct rest *r);		/* NULL is fine */
/* A store job of ours is done. false: it is another's. */
bool rest_on_store(struct rest *r, const struct store_event *ev);

#endif
