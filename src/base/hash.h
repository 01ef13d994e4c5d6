/*
 * hash.h - keyed hash (SipHash-2-4) and an intrusive hash table that grows.
 *
 * The seed comes from base/rng, so a peer cannot choose colliding keys.
 * Owner: the table links nodes that live inside the caller's objects and
 *        owns only its bucket array. Remove a node before freeing its object.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H
#include <stdint.h>

#include "base/str.h"

struct hash_seed { uint64_t k[2]; };

uint64_t hash_bytes(const struct hash_seed *seed, const void *p, size_t n);
/* The same over ASCII lower case. */
uint64_t hash_icase(const struct hash_seed *seed, const void *p, size_t n);

struct hash_node {
	struct hash_node *next;
	uint64_t h;
};

struct hash {
	struct hash_node **bucket;
	size_t nbucket, count;		/* nbucket is a power of two */
};

#define HASH_ENTRY(ptr, type, member) \
	((type *)(void *)((char *)(ptr) - offsetof(type, member)))

void hash_init(struct hash *t);
void hash_close(struct hash *t);		/* nodes are not touched */
void hash_add(struct hash *t, struct hash_node *n, uint64_t h);
void hash_remove(struct hash *t, struct hash_node *n);	/* not linked: no-op */
/* First node with this hash, then the next one with the same: the caller
 * compares the key. NULL at the end. */
struct hash_node *hash_first(const struct hash *t, uint64_t h);
struct hash_node *hash_next(const struct hash_node *n);

#endif
