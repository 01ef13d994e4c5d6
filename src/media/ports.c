#include "media/ports.h"

#include "base/mem.h"

void ports_init(struct ports *p, uint32_t pairs)
{
	*p = (struct ports){ .n = pairs, .nfree = pairs };
	p->free = mem_array(pairs, sizeof *p->free);
	p->rest = mem_array(pairs, sizeof *p->rest);
	for (uint32_t i = 0; i < pairs; i++)
		p->free[i] = i;
}

void ports_close(struct ports *p)
{
	mem_free(p->free);
	mem_free(p->rest);
	*p = (struct ports){ 0 };
}

static void rested(struct ports *p, ms_t now)
{
	while (p->nrest && p->rest[p->rest_at].until <= now) {
		p->free[p->nfree++] = p->rest[p->rest_at].pair;
		p->rest_at = (p->rest_at + 1) % p->n;
		p->nrest--;
	}
}

enum err ports_take(struct ports *p, struct rng *rng, ms_t now, uint32_t *pair)
{
	uint32_t i;

	rested(p, now);
	if (!p->nfree)
		return ERR_LIMIT;
	i = rng_below(rng, p->nfree);
	*pair = p->free[i];
	p->free[i] = p->free[--p->nfree];
	return OK;
}

void ports_give(struct ports *p, uint32_t pair, ms_t now, ms_t rest)
{
	uint32_t at = (p->rest_at + p->nrest) % p->n;

	p->rest[at].pair = pair;
	p->rest[at].until = now + rest;
	p->nrest++;
}
