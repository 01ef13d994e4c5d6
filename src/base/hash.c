#include "base/hash.h"

#include <string.h>

#define ROTL(x, b) (((x) << (b)) | ((x) >> (64 - (b))))

static void sipround(uint64_t v[4])
{
	v[0] += v[1]; v[1] = ROTL(v[1], 13); v[1] ^= v[0]; v[0] = ROTL(v[0], 32);
	v[2] += v[3]; v[3] = ROTL(v[3], 16); v[3] ^= v[2];
	v[0] += v[3]; v[3] = ROTL(v[3], 21); v[3] ^= v[0];
	v[2] += v[1]; v[1] = ROTL(v[1], 17); v[1] ^= v[2]; v[2] = ROTL(v[2], 32);
}

static void word(uint64_t v[4], uint64_t m)
{
	v[3] ^= m;
	sipround(v);
	sipround(v);
	v[0] ^= m;
}

/* Each byte equal to 'A'..'Z' gets bit 5 set: lower case, eight at a time. */
static uint64_t lower8(uint64_t m)
{
	const uint64_t ones = 0x0101010101010101u, high = 0x80 * ones;
	uint64_t low7 = m & ~high;
	uint64_t ge_a = low7 + (0x80 - 'A') * ones, gt_z = low7 + (0x80 - 'Z' - 1) * ones;

	return m | (((ge_a & ~gt_z & ~m & high)) >> 2);
}

static uint64_t siphash(const struct hash_seed *s, const unsigned char *p, size_t n, bool fold)
{
	uint64_t v[4] = { s->k[0] ^ 0x736f6d6570736575u, s->k[1] ^ 0x646f72616e646f6du,
			  s->k[0] ^ 0x6c7967656e657261u, s->k[1] ^ 0x7465646279746573u };
	uint64_t m;
	size_t i;

	for (i = 0; i + 8 <= n; i += 8) {
		memcpy(&m, p + i, 8);
		word(v, fold ? lower8(m) : m);
	}
	m = 0;
	if (n > i)
		memcpy(&m, p + i, n - i);
	if (fold)
		m = lower8(m);
	word(v, m | (uint64_t)n << 56);
	v[2] ^= 0xff;
	for (i = 0; i < 4; i++)
		sipround(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t hash_bytes(const struct hash_seed *seed, const void *p, size_t n)
{
	return siphash(seed, p, n, false);
}

uint64_t hash_icase(const struct hash_seed *seed, const void *p, size_t n)
{
	return siphash(seed, p, n, true);
}

void hash_init(struct hash *t)
{
	*t = (struct hash){ .nbucket = 16 };
	t->bucket = mem_array(t->nbucket, sizeof *t->bucket);
}

void hash_close(struct hash *t)
{
	mem_free(t->bucket);
	*t = (struct hash){ 0 };
}

static void grow(struct hash *t)
{
	size_t n = t->nbucket * 2;
	struct hash_node **b = mem_array(n, sizeof *b);

	for (size_t i = 0; i < t->nbucket; i++)
		while (t->bucket[i]) {
			struct hash_node *x = t->bucket[i];

			t->bucket[i] = x->next;
			x->next = b[x->h & (n - 1)];
			b[x->h & (n - 1)] = x;
		}
	mem_free(t->bucket);
	t->bucket = b;
	t->nbucket = n;
}

void hash_add(struct hash *t, struct hash_node *n, uint64_t h)
{
	struct hash_node **b;

	if (t->count >= t->nbucket)
		grow(t);
	b = &t->bucket[h & (t->nbucket - 1)];
	n->h = h;
	n->next = *b;
	*b = n;
	t->count++;
}

void hash_remove(struct hash *t, struct hash_node *n)
{
	struct hash_node **p = &t->bucket[n->h & (t->nbucket - 1)];

	for (; *p; p = &(*p)->next)
		if (*p == n) {
			*p = n->next;
			n->next = NULL;
			t->count--;
			return;
		}
}

struct hash_node *hash_first(const struct hash *t, uint64_t h)
{
	struct hash_node *n = t->bucket[h & (t->nbucket - 1)];

	while (n && n->h != h)
		n = n->next;
	return n;
}

struct hash_node *hash_next(const struct hash_node *n)
{
	uint64_t h = n->h;

	for (n = n->next; n && n->h != h; n = n->next)
		;
	return (struct hash_node *)(uintptr_t)n;
}
