#include "base/calm.h"

enum { BURST = 100, FALLEN = 4 };	/* fewer are not worth it; to a quarter */

bool calm_due(struct calm *c, uint32_t now)
{
	if (now > c->most)
		c->most = now;
	if (c->most < BURST || now > c->most / FALLEN)
		return false;
	c->most = now;
	return true;
}
