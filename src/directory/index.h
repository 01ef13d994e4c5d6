/*
 * index.h - from a name or number to the rows that bear it: a hash table that remembers the
 * order of adding, so that "the first" stays the first.
 *
 * Does not: compare names; a hit says "perhaps", the caller looks at the row.
 * Owner: whoever embeds it. The keys are not kept. Cost: O(1) a look-up, 24 bytes a row.
 * Test: test/unit/directory/t_index.c
 */
#ifndef DIRECTORY_INDEX_H
#define DIRECTORY_INDEX_H
#include "base/str.h"

struct dir_entry { uint64_t hash; uint32_t row, next; };	/* next: entry + 1; 0: end */

struct dir_index {
	struct dir_entry *entry;
	uint32_t n, cap;
	struct { uint32_t head, tail; } *bucket;	/* entry + 1; 0: none */
	uint32_t nbuckets;		/* a power of two; 0: nothing added yet */
};

struct dir_hit { const struct dir_index *x; uint64_t hash; uint32_t at; };

void dir_index_close(struct dir_index *x);
void dir_index_add(struct dir_index *x, struct str key, uint32_t row);
struct dir_hit dir_index_find(const struct dir_index *x, struct str key);
/* The next row that may bear the key, in the order of adding. */
bool dir_index_next(struct dir_hit *h, uint32_t *row);

#endif
