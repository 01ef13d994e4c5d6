#include "directory/index.h"

/* FNV-1a: what is added is the operator's, so nobody can fill one bucket from outside. */
static uint64_t hash_of(struct str s)
{
	uint64_t h = 14695981039346656037ull;

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (uint8_t)s.p[i]) * 1099511628211ull;
	return h ^ h >> 32;
}

void dir_index_close(struct dir_index *x)
{
	mem_free(x->entry);
	mem_free(x->bucket);
	*x = (struct dir_index){ 0 };
}

static void chain(struct dir_index *x, uint32_t e)
{
	uint32_t b = (uint32_t)x->entry[e].hash & (x->nbuckets - 1);

	x->entry[e].next = 0;
	if (x->bucket[b].tail)
		x->entry[x->bucket[b].tail - 1].next = e + 1;
	else
		x->bucket[b].head = e + 1;
	x->bucket[b].tail = e + 1;
}

static void grow(struct dir_index *x)
{
	x->cap = x->cap ? 2 * x->cap : 16;
	x->entry = mem_grow(x->entry, x->cap, sizeof *x->entry);
	mem_free(x->bucket);
	x->nbuckets = 2 * x->cap;
	x->bucket = mem_array(x->nbuckets, sizeof *x->bucket);
	for (uint32_t i = 0; i < x->n; i++)
		chain(x, i);
}

void dir_index_add(struct dir_index *x, struct str key, uint32_t row)
{
	if (x->n == x->cap)
		grow(x);
	x->entry[x->n] = (struct dir_entry){ .hash = hash_of(key), .row = row };
	chain(x, x->n++);
}

struct dir_hit dir_index_find(const struct dir_index *x, struct str key)
{
	struct dir_hit h = { .x = x, .hash = hash_of(key) };

	if (x->nbuckets)
		h.at = x->bucket[(uint32_t)h.hash & (x->nbuckets - 1)].head;
	return h;
}

bool dir_index_next(struct dir_hit *h, uint32_t *row)
{
	while (h->at) {
		const struct dir_entry *e = &h->x->entry[h->at - 1];

		h->at = e->next;
		if (e->hash == h->hash) {
			*row = e->row;
			return true;
		}
	}
	return false;
}
