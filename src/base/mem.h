/*
 * mem.h - memory: small allocations abort, what a peer can size lives in a
 * capped arena that refuses.
 *
 * Owner:  mem_new() memory belongs to the caller until mem_free().
 *         Arena memory belongs to the arena and goes with arena_reset().
 * Errors: mem_*() never return NULL. arena_*() return NULL when the cap is
 *         reached, and stay usable.
 * Threads: none; an arena belongs to one thread.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H
#include <stddef.h>
#include <stdint.h>

void *mem_new(size_t n);			/* zeroed                    */
void *mem_array(size_t count, size_t size);	/* zeroed, checked product   */
void *mem_grow(void *p, size_t count, size_t size); /* realloc; new part is not zeroed */
char *mem_dup(const char *s, size_t n);		/* adds a NUL                */
void  mem_free(void *p);			/* NULL is fine              */
void  mem_wipe(void *p, size_t n);		/* not removed by the compiler */
void  mem_trim(void);				/* gives what is free back to the system; milliseconds */
size_t mem_in_use(void);			/* bytes this process holds from malloc() */

struct arena_chunk;
struct arena {
	struct arena_chunk *head;	/* newest first */
	size_t used, cap;		/* bytes handed out, and the most allowed */
	size_t chunk;			/* what it asks for at a time, at least */
};

void  arena_init(struct arena *a, size_t cap);
/* The same for things of which there are many at a time, with little in each. */
void  arena_init_small(struct arena *a, size_t cap);
void  arena_close(struct arena *a);
void  arena_reset(struct arena *a);		/* keeps the newest chunk    */
void *arena_get(struct arena *a, size_t n);	/* zeroed, aligned; NULL: cap */
void *arena_array(struct arena *a, size_t count, size_t size);

#endif
