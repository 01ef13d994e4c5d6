/*
 * slot.h - table of objects addressed by id instead of by pointer.
 *
 * Owner:   the table owns the memory. slot_new() lends it until slot_free().
 * Others:  keep the id, never the pointer, across a return to the loop.
 *          slot_get() of a freed id is NULL, so a late timer, packet or
 *          message cannot reach a dead object.
 * Limit:   at most `cap` objects; a full table is for the caller to turn into
 *          503. Memory comes in chunks of 64 objects as it is needed, and goes
 *          when slots_trim() finds a chunk of free ones. An object never moves.
 * Ids:     never 0. The low 32 bits are an index, the high ones a generation.
 * Threads: none. One table belongs to one loop.
 */
#ifndef BASE_SLOT_H
#define BASE_SLOT_H
#include <stddef.h>
#include <stdint.h>

struct slots {
	unsigned char **chunk;
	uint32_t *gen;		/* odd: live, even: free */
	uint32_t *spare;	/* stack of free indexes */
	uint32_t nspare, cap, made, live;
	size_t size;
};

void  slots_init(struct slots *s, size_t size, uint32_t cap);
void  slots_close(struct slots *s);
void *slot_new(struct slots *s, uint64_t *id);		/* zeroed; NULL: table full */
void *slot_get(const struct slots *s, uint64_t id);	/* NULL: gone */
void  slot_free(struct slots *s, uint64_t id);		/* gone: no-op */
void  slots_trim(struct slots *s);	/* frees what no object uses; ids stay as they are. O(objects ever) */
/* Walk: the next live object at or after index *i, which is moved on; NULL: end. */
void *slot_next(const struct slots *s, uint32_t *i, uint64_t *id);

#endif
