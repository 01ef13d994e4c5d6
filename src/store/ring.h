/*
 * ring.h - the map: live calls and finished records in shared memory, so that they
 * survive the death of the process.
 *
 * A file on the runtime directory's tmpfs: no disk wait, and a `kill -9` at any
 * instruction loses nothing that was stored. One slot per live call, in two copies of
 * which the good one is flipped last; a ring of finished records, registration changes
 * and audit lines that the store empties into the database (map_peek(), map_advance()).
 *
 * Never blocks, never fails after map_open(): when the ring is full, entries wait in
 * memory (map_waiting() counts them, an alarm for the operator) and move into the ring
 * as it empties. 100,000 records and more fit; past the memory's limit the newest are lost
 * and counted (map_lost()). Power loss is not covered here: the database is what is durable.
 *
 * At start an older file is read, never trusted: every entry has a checksum, and all
 * that are good are taken from a torn, truncated or scribbled file. Live slots become
 * records with cause `restart`, ended at the heartbeat.
 *
 * Owner:   the server. One process per file (ERR_EXISTS).
 * Threads: the loop's.
 * Test:    test/unit/store/t_ring.c (torn at every byte), test/fuzz/fz_ring.c
 */
#ifndef STORE_RING_H
#define STORE_RING_H
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "base/str.h"
#include "store/record.h"

struct map;

enum map_kind {		/* what an entry of the ring holds; packed rows (store/row.h) */
	MAP_RECORD = 1, MAP_REG_PUT, MAP_REG_DELETE, MAP_AUDIT, MAP_KIND_END
};

enum { MAP_SAVED_MAX = 4096,	/* the two saved dialogs of a live call, bytes */
       MAP_ENTRY_MAX = RECORD_PACK_MAX };

struct map_config {
	const char *file;	/* <runtime directory>/records.map; NULL: memory only (tests) */
	struct str image;	/* memory only: a former map's map_image(), as if it were the file */
	uint32_t slots;		/* live calls                     */
	size_t ring_bytes;	/* 0: 32 MB                       */
	size_t wait_bytes;	/* in memory, ring full; 0: 512 MB */
	bool hold;		/* the file stays as it is until map_take() */
	struct rng *rng;	/* for the boot number            */
	int64_t wall;		/* now, UTC ms                    */
};

struct map_news {		/* what map_open() found */
	uint32_t entries;	/* taken over from the ring       */
	uint32_t live;		/* calls cut off by the restart   */
	uint32_t damaged;	/* places that could not be read: the old file is kept as <file>.damaged */
	bool foreign;		/* the old file has another version: kept as <file>.foreign */
};

/* A call that was up when the last process died: send BYE to both. Lent. */
struct map_orphan {
	const struct call_record *record;
	struct str saved;
};

/* *why (may be NULL) gets one sentence with the mend. ERR_EXISTS: another daemon has it.
 * ERR_IO: no space or no right. Records of orphans are already in the ring. */
enum err map_open(struct map **out, const struct map_config *c, struct map_news *news,
		  struct buf *why);
/* At the end, when the database took not all: what waits in memory goes into a larger file, which replaces the
 * old one. ERR_IO: no room for it, *why says so; ERR_STATE: memory only. Then it waits as before. Afterwards
 * no new call gets a slot. */
enum err map_spill(struct map *m, struct buf *why);
/* Opened with `hold`: from now on the new file is the map. A start that fails before it finds the calls that were cut
 * off again next time, and can say BYE to them. */
enum err map_take(struct map *m, struct buf *why);
void map_close(struct map *m);		/* NULL is fine; the file stays, what still waits in memory is lost */
/* The i-th orphan; false: no more. Valid until map_forget_orphans(). */
bool map_orphan(const struct map *m, uint32_t i, struct map_orphan *o);
void map_forget_orphans(struct map *m);

/* A new record id: greater than every one before. */
uint64_t map_id(struct map *m, int64_t wall);
uint8_t  map_boot(const struct map *m);

/* Stores the call as it is now, before the 200 that joins it leaves. The first call
 * takes a slot (r->slot). ERR_LIMIT: no slot; the call goes on without. */
enum err map_live_put(struct map *m, struct call_record *r, struct str saved);
/* The end: the record enters the ring, then its slot is free. Exactly once per record. */
void map_finish(struct map *m, struct call_record *r);
/* Registrations and audit lines. */
void map_push(struct map *m, enum map_kind kind, struct str packed);
/* Once a second: the end time of calls that die with us. */
void map_heartbeat(struct map *m, int64_t wall);

/* --- for the store --- */
struct map_entry {
	enum map_kind kind;
	struct str bytes;	/* lent until map_advance() */
};
struct map_cursor {	/* zeroed: before the oldest */
	uint64_t pos;
	const void *wait;
	enum { MAP_AT_START, MAP_IN_RING, MAP_IN_WAIT, MAP_AT_END } stage;
};
/* The next entry, oldest first; false: no more. */
bool map_peek(const struct map *m, struct map_cursor *c, struct map_entry *e);
/* The n oldest entries are safe on disk. */
void map_advance(struct map *m, uint32_t n);
uint32_t map_pending(const struct map *m);	/* entries in ring and memory     */
uint32_t map_waiting(const struct map *m);	/* of these: in memory, ring full */
uint32_t map_lost(const struct map *m);		/* dropped at the memory's cap    */
uint32_t map_refused(const struct map *m);	/* map_live_put() without a slot or too long */

/* The map's bytes as another process would find them now. Lent until the next call. */
struct str map_image(const struct map *m);

/* --- pure: an old file's bytes --- */
struct map_found {
	void *ctx;
	void (*entry)(void *ctx, enum map_kind kind, struct str bytes);
	/* a live slot's good copy; heartbeat: wall ms, 0 when unknown */
	void (*live)(void *ctx, const struct call_record *r, struct str saved, int64_t heartbeat);
};
enum map_read { MAP_READ_GOOD, MAP_READ_DAMAGED, MAP_READ_FOREIGN, MAP_READ_EMPTY };
/* Gives every good entry (oldest first) and live call. *damaged counts bad places. */
enum map_read map_salvage(struct str bytes, const struct map_found *f, uint32_t *damaged);

#endif
