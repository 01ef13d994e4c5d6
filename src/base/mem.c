#include "base/mem.h"

#include <malloc.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 4096, CHUNK_SMALL = 512, ALIGN = alignof(max_align_t) };

struct arena_chunk {
	struct arena_chunk *next;
	size_t used, size;
	alignas(max_align_t) unsigned char mem[];
};

static void *checked(void *p)
{
	if (!p) {
		fputs("tandem: out of memory\n", stderr);
		abort();
	}
	return p;
}

void *mem_new(size_t n)
{
	return checked(calloc(1, n ? n : 1));
}

void *mem_array(size_t count, size_t size)
{
	return checked(calloc(count ? count : 1, size ? size : 1));
}

void *mem_grow(void *p, size_t count, size_t size)
{
	size_t n;

	if (__builtin_mul_overflow(count, size, &n))
		return checked(NULL);
	return checked(realloc(p, n ? n : 1));
}

char *mem_dup(const char *s, size_t n)
{
	char *d = checked(malloc(n + 1));

	if (n)
		memcpy(d, s, n);
	d[n] = 0;
	return d;
}

void mem_free(void *p)
{
	free(p);
}

void mem_wipe(void *p, size_t n)
{
	if (n)
		explicit_bzero(p, n);
}

void mem_trim(void)
{
	(void)malloc_trim(0);		/* whether there was anything to give */
}

size_t mem_in_use(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

void arena_init(struct arena *a, size_t cap)
{
	*a = (struct arena){ .cap = cap, .chunk = CHUNK };
}

void arena_init_small(struct arena *a, size_t cap)
{
	*a = (struct arena){ .cap = cap, .chunk = CHUNK_SMALL };
}

void arena_close(struct arena *a)
{
	while (a->head) {
		struct arena_chunk *c = a->head;

		a->head = c->next;
		free(c);
	}
	a->used = 0;
}

void arena_reset(struct arena *a)
{
	struct arena_chunk *keep = a->head;

	if (!keep)
		return;
	a->head = keep->next;
	arena_close(a);
	keep->next = NULL;
	keep->used = 0;
	a->head = keep;
}

/* What is large gets a chunk of its own, behind the newest: that one's rest stays in use. */
static struct arena_chunk *chunk_new(struct arena *a, size_t n)
{
	bool own = a->head && n > a->chunk / 2;
	size_t size = own || n > a->chunk ? n : a->chunk;
	struct arena_chunk *c = checked(malloc(sizeof *c + size));
	struct arena_chunk **at = own ? &a->head->next : &a->head;

	c->next = *at;
	c->used = 0;
	c->size = size;
	*at = c;
	return c;
}

void *arena_get(struct arena *a, size_t n)
{
	struct arena_chunk *c = a->head;
	void *p;

	if (n > a->cap || a->used + n + ALIGN > a->cap)
		return NULL;
	n = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (!c || c->size - c->used < n)
		c = chunk_new(a, n);
	p = c->mem + c->used;
	c->used += n;
	a->used += n;
	return memset(p, 0, n);
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
	size_t n;

	if (__builtin_mul_overflow(count, size, &n))
		return NULL;
	return arena_get(a, n);
}
