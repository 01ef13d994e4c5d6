/*
 * ports.h - which port pairs are lent. Not sequential, kept back after use.
 * Owner: struct media. Units: ms of the loop. Test: test/unit/media/t_ports.c
 */
#ifndef MEDIA_PORTS_H
#define MEDIA_PORTS_H
#include "base/rng.h"
#include "io/timer.h"

struct ports {
	uint32_t *free;			/* pair numbers that can be lent, shuffled as they are taken */
	uint32_t nfree, n;
	struct { uint32_t pair; ms_t until; } *rest;	/* ring, oldest first */
	uint32_t rest_at, nrest;
};

void ports_init(struct ports *p, uint32_t pairs);
void ports_close(struct ports *p);
/* A random free pair; ERR_LIMIT: none. */
enum err ports_take(struct ports *p, struct rng *rng, ms_t now, uint32_t *pair);
/* Back, to be lent again after `rest`. */
void ports_give(struct ports *p, uint32_t pair, ms_t now, ms_t rest);

#endif
