#include "base/hash.h"

#include <string.h>

#define ROTL(x, b) (((x) << (b)) | ((x) >> (64 - (b))))

/* The state goes round by value and inline: in registers it costs half of what it does in
 * memory, and each message is hashed five times. */
struct state { uint64_t a, b, c, d; };

static inline __attribute__((always_inline)) struct state sipround(struct state v)
{
	v.a += v.b; v.b = ROTL(v.b, 13); v.b ^= v.a; v.a = ROTL(v.a, 32);
	v.c += v.d; v.d = ROTL(v.d, 16); v.d ^= v.c;
	v.a += v.d; v.d = ROTL(v.d, 21); v.d ^= v.a;
	v.c += v.b; v.b = ROTL(v.b, 17); v.b ^= v.c; v.c = ROTL(v.c, 32);
	return v;
}

static inline __attribute__((always_inline)) struct state word(struct state v, uint64_t m)
{
	v.d ^= m;
	v = sipround(sipround(v));
	v.a ^= m;
	return v;
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
	struct state v = { s->k[0] ^ 0x736f6d6570736575u, s->k[1] ^ 0x646f72616e646f6du,
			   s->k[0] ^ 0x6c7967656e657261u, s->k[1] ^ 0x7465646279746573u };
	uint64_t m;
	size_t i;

	for (i = 0; i + 8 <= n; i += 8) {
		memcpy(&m, p + i, 8);
		v = word(v, fold ? lower8(m) : m);
	}
	m = 0;
	if (n > i)
		memcpy(&m, p + i, n - i);
	if (fold)
		m = lower8(m);
	v = word(v, m | (uint64_t)n << 56);
	v.c ^= 0xff;
	for (i = 0; i < 4; i++)
		v = sipround(v);
	return v.a ^ v.b ^ v.c ^ v.d;
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
