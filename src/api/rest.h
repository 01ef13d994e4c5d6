/*
 * rest.h - the operator actions over HTTP on a unix socket: libmicrohttpd on the loop, no
 * thread. GET or POST /v1/show/trunks?name=value; answers are JSON, errors
 * {"error": "sentence"} with 400, 403, 404, 405, 413 or 503. A page of CSV names the next
 * one in the header Tandem-Next.
 *
 * Who asks is told by the kernel (SO_PEERCRED): root and our own user are admins, others
 * that the socket's group lets in may look: over REST_LOOKERS connections, and no body of theirs is kept.
 * Owner: the server. Threads: the loop's. Limits: bodies of CMD_BODY_MAX, REST_CONNECTIONS.
 * Test: test/live/commands.py
 */
#ifndef API_REST_H
#define API_REST_H
#include "api/env.h"

enum { REST_CONNECTIONS = 64, REST_LOOKERS = 48, REST_IDLE_S = 30 };

struct rest;
/* NULL: *why (socket in use, no right). Only a socket that nobody answers is replaced. */
struct rest *rest_new(struct loop *l, struct api_env *env, const char *socket_path, struct buf *why);
void rest_free(struct rest *r);		/* NULL is fine */
/* A store job of ours is done. false: it is another's. */
bool rest_on_store(struct rest *r, const struct store_event *ev);

#endif
