/*
 * rng.h - random bytes. The daemon's comes from getrandom(2); a test's from a
 * seed, so that a whole call repeats byte for byte.
 * Threads: one generator belongs to one thread.
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"

struct rng {
	bool seeded;			/* true: deterministic, never for keys in life */
	uint64_t s[4];
	unsigned char pool[1024];	/* batch from getrandom(2) */
	size_t left;
};

void     rng_init(struct rng *r);			/* system */
void     rng_seed(struct rng *r, uint64_t seed);	/* tests  */
void     rng_bytes(struct rng *r, void *p, size_t n);
uint64_t rng_u64(struct rng *r);
uint32_t rng_below(struct rng *r, uint32_t n);		/* 0..n-1, even; n > 0 */
/* n random bytes as 2n lower-case hex digits and a NUL: dst has 2n+1. */
void     rng_hex(struct rng *r, char *dst, size_t n);
struct hash_seed rng_hash_seed(struct rng *r);

#endif
