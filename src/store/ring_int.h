/*
 * ring_int.h - how the map lies in memory, for ring.c (what enters and leaves it), mapfile.c (how it is opened,
 * taken over and closed) and salvage.c (what can be read of an old one).
 *
 *   0      struct map_head
 *   4096   slots: a word saying which copy is good (0 none, 1, 2), then two copies
 *   then   the ring: items at positions that only grow; an item lies at pos % ring_bytes
 *          and never wraps (a pad item or a remainder too small for one fills the end)
 *
 * Everything starts at a multiple of 8, so that a reader can find good items and copies
 * by their magic and checksum alone when the head is lost. Native byte order: the file
 * never leaves its machine.
 */
#ifndef STORE_RING_INT_H
#define STORE_RING_INT_H
#include <stdatomic.h>
#include <stdint.h>

#include "store/ring.h"

enum {
	MAP_ID_SEQ_BITS = 14, MAP_ID_BOOT_BITS = 8,
	MAP_VERSION = 1,
	MAP_HEAD_BYTES = 4096,
	MAP_SLOT_BYTES = 24576,
	MAP_SLOT_HEAD = 64,
	MAP_COPY_BYTES = (MAP_SLOT_BYTES - MAP_SLOT_HEAD) / 2,
	MAP_PAD = 0xffff,
};
/* Ids count from 2020 so that they stay positive in SQL until 2089. */
#define MAP_ID_EPOCH_MS 1577836800000ll
#define MAP_MAGIC	0x50414d4d45444e54ull	/* "TNDEMMAP" */
#define MAP_ITEM_MAGIC	0x4d544954u
#define MAP_COPY_MAGIC	0x59504f43u

struct map_head {
	uint64_t magic;
	uint32_t version, slot_bytes;
	uint64_t slots, ring_off, ring_bytes, boot;
	uint64_t sum;			/* of all above                       */
	_Alignas(64) _Atomic int64_t heartbeat;
	_Atomic uint64_t last_id;
	_Atomic uint64_t head, tail;	/* positions; tail <= head            */
};

struct map_item {
	uint32_t magic, len;		/* len: of the bytes behind this head */
	uint64_t sum;			/* of pos, kind, len and bytes        */
	uint64_t pos;
	uint32_t kind, zero;
};

struct map_copy {
	uint32_t magic, rec_len, saved_len, zero;
	uint64_t gen;			/* the greater one is newer           */
	uint64_t sum;			/* of gen, lengths and bytes          */
};

enum { MAP_COPY_ROOM = MAP_COPY_BYTES - sizeof(struct map_copy),
       MAP_LIVE_RECORD_MAX = MAP_COPY_ROOM - MAP_SAVED_MAX };

/* salvage.c */
uint64_t map_head_sum(const struct map_head *h);
uint64_t map_item_sum(const struct map_item *i, const void *bytes);
uint64_t map_copy_sum(const struct map_copy *c, const void *bytes);
/* What the head of an old file knows; false: the head is no good. */
bool map_read_head(struct str bytes, uint64_t *boot, uint64_t *last_id);

struct wait {			/* an entry the ring had no room for */
	struct wait *next;
	enum map_kind kind;
	uint32_t n;
	char bytes[];
};

struct orphan {
	struct orphan *next;
	struct call_record record;
	uint32_t nsaved;
	char saved[];
};

struct map {
	unsigned char *mem;
	size_t bytes;
	struct map_head *head;		/* = mem */
	unsigned char *ring;
	uint32_t *spare, nspare;	/* free slots */
	uint64_t gen;			/* of the last copy written */
	struct wait *oldest, *newest;
	size_t wait_bytes, wait_most;
	uint32_t nring, nwait, lost, refused;
	struct orphan *orphans, *last_orphan;
	uint8_t boot;
	int lock;			/* descriptor; -1: none */
	char *file, *next;		/* NULL: memory only; FILE.new, until it takes the other's place */
	bool foreign, damaged;		/* the old file */
	bool held;			/* the old file is in its place still */
	char *scratch;			/* RECORD_PACK_MAX */
};

/* ring.c */
bool ring_push(struct map *m, enum map_kind kind, struct str s);	/* false: no room */
struct wait *ring_wait_take(struct map *m);
void ring_record(struct map *m, const struct call_record *r);
_Atomic uint64_t *ring_slot_word(struct map *m, uint32_t slot);

static inline uint64_t ring_get(const _Atomic uint64_t *p)
{
	return atomic_load_explicit(p, memory_order_relaxed);
}

/* After everything written before it, whatever the instruction we die at. */
static inline void ring_set(_Atomic uint64_t *p, uint64_t v)
{
	atomic_store_explicit(p, v, memory_order_release);
}

static inline uint64_t map_item_size(uint64_t len)
{
	return sizeof(struct map_item) + ((len + 7) & ~7ull);
}

#endif
