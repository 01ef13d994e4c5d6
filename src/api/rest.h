/* rest.h - operator actions over HTTP on a unix socket. Owner: the server. */
#ifndef API_REST_H
#define API_REST_H
#include "api/env.h"

struct rest;
struct rest *rest_new(struct loop *l, struct api_env *env, const char *socket_path, struct buf *why);
void rest_free(struct rest *r);

#endif
