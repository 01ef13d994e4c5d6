#include "api/rest.h"

struct rest { struct api_env *env; };

struct rest *rest_new(struct loop *l, struct api_env *env, const char *socket_path, struct buf *why)
{
	struct rest *r = mem_new(sizeof *r);

	(void)l;
	(void)socket_path;
	(void)why;
	r->env = env;
	return r;
}

void rest_free(struct rest *r)
{
	mem_free(r);
}
