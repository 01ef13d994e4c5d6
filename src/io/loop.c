#include "io/loop.h"

void loop_on_turn(struct loop *l, void (*fn)(void *), void *ctx)
{
	l->turn = fn;
	l->turn_ctx = ctx;
}

void loop_turn(struct loop *l)
{
	if (l->turn)
		l->turn(l->turn_ctx);
}
