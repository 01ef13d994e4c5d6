#include "base/rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/mem.h"

void rng_init(struct rng *r)
{
	*r = (struct rng){ 0 };
}

void rng_seed(struct rng *r, uint64_t seed)
{
	*r = (struct rng){ .seeded = true };
	for (int i = 0; i < 4; i++) {	/* splitmix64 */
		uint64_t z = seed += 0x9e3779b97f4a7c15u;

		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
		z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
		r->s[i] = z ^ (z >> 31);
	}
}

static uint64_t rotl(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

static uint64_t xoshiro(struct rng *r)
{
	uint64_t *s = r->s, out = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return out;
}

static void refill(struct rng *r)
{
	size_t got = 0;

	if (r->seeded) {
		for (; got < sizeof r->pool; got += 8) {
			uint64_t v = xoshiro(r);

			memcpy(r->pool + got, &v, 8);
		}
	}
	while (got < sizeof r->pool) {
		ssize_t n = getrandom(r->pool + got, sizeof r->pool - got, 0);

		if (n <= 0) {
			fputs("tandem: the kernel gives no random bytes\n", stderr);
			abort();
		}
		got += (size_t)n;
	}
	r->left = sizeof r->pool;
}

void rng_bytes(struct rng *r, void *p, size_t n)
{
	unsigned char *d = p;

	while (n) {
		size_t k;

		if (!r->left)
			refill(r);
		k = n < r->left ? n : r->left;
		memcpy(d, r->pool + sizeof r->pool - r->left, k);
		mem_wipe(r->pool + sizeof r->pool - r->left, k);
		r->left -= k;
		d += k;
		n -= k;
	}
}

uint64_t rng_u64(struct rng *r)
{
	uint64_t v;

	rng_bytes(r, &v, sizeof v);
	return v;
}

uint32_t rng_below(struct rng *r, uint32_t n)
{
	return (uint32_t)(((rng_u64(r) >> 32) * n) >> 32);
}

void rng_hex(struct rng *r, char *dst, size_t n)
{
	static const char digit[] = "0123456789abcdef";

	unsigned char *raw = (unsigned char *)dst + n;	/* the upper half: read before it is written */

	rng_bytes(r, raw, n);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = raw[i];

		dst[2 * i] = digit[c >> 4];
		dst[2 * i + 1] = digit[c & 15];
	}
	dst[2 * n] = 0;
}

struct hash_seed rng_hash_seed(struct rng *r)
{
	struct hash_seed s;

	rng_bytes(r, &s, sizeof s);
	return s;
}
