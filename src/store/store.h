/*
 * store.h - the disk thread and its jobs: the only place that blocks.
 *
 * Does: empties the map's ring into the database in batches of at most 100 ms, and only
 *   then advances the ring's tail; runs jobs (queries, `apply`, building a snapshot) and
 *   gives their results back as queued events; removes what is older than keep_days, a
 *   little at a time.
 * Does not: lose a record when the disk is full or dead: calls go on, entries stay in the
 *   map, store_look() and the log say so, and they are written when the disk is back
 *   (tried once a second). A disk that is slow, and records that are lost because even the
 *   memory is full, are told the same way.
 *
 * Two modes: threaded (the daemon) and inline (tests, the simulated edge: the same jobs on
 *   the caller's thread at once, or `delay` ms later).
 * Owner:  the server. Jobs borrow `arg` until their event was read.
 * Threads: all of this belongs to the loop's thread; job functions run on the disk thread
 *   and may touch their arg and the db only.
 * Test:   test/unit/store/t_store.c
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H
#include "io/loop.h"
#include "store/db.h"
#include "store/ring.h"

struct store;

struct store_config {
	struct loop *loop;
	struct map *map;		/* NULL: no ring to empty                 */
	const char *path;		/* the database; ":memory:"               */
	bool inline_mode;		/* no thread                              */
	ms_t delay;			/* inline: every job takes this long      */
	uint32_t keep_days;		/* records and audit lines; 0: for ever   */
};

enum { STORE_BATCH_MS = 80, STORE_RETRY_MS = 1000, STORE_BATCH_MAX = 1024, STORE_JOBS_MAX = 64,
       STORE_SLOW_MS = 3000,		/* a batch that takes longer is an alarm */
       STORE_TELL_MS = 60000,		/* between two lines about the same trouble */
       STORE_OLD_MS = 3600000,		/* between two looks for what is too old */
       STORE_OLD_MAX = 500 };		/* removed in one job: records wait for its end */

/* Opens and migrates the database (blocks: before the loop runs). *why: sentence, mend. One that is there and
 * cannot be opened now, as on a full disk, is tried once a second; until then store_look() says so. */
enum err store_open(struct store **out, const struct store_config *c, struct buf *why);
/* Writes what is pending (at most some seconds), ends the thread, frees. What the database does not take is
 * left in the map's file, what waited in memory included (map_spill()); the log says so. NULL is fine. */
void store_close(struct store *s);
/* The database itself, for the time before the loop runs (load registrations, site) and
 * for inline mode. NULL while the thread has it. */
struct db *store_db(struct store *s);
/* Starts the thread and hands it the database; in inline mode nothing. ERR_IO: no thread. */
enum err store_start(struct store *s);

/* --- jobs --- */
struct store_event {
	uint64_t owner;			/* as given                         */
	enum err err;			/* what the job returned            */
	void *arg;			/* yours again                      */
};
/* ERR_LIMIT: STORE_JOBS_MAX are queued; answer 503, try later. */
enum err store_run(struct store *s, enum err (*job)(struct db *db, void *arg), void *arg,
		   uint64_t owner);
bool store_next(struct store *s, struct store_event *ev);
/* Once in every turn of the server: starts a flush when entries wait. */
void store_turn(struct store *s);
bool store_busy(const struct store *s);	/* a job runs or entries wait (sim) */

/* --- registrations and audit: into the map, from there into the database --- */
void store_reg_put(struct store *s, const struct reg_row *r);
void store_reg_delete(struct store *s, const struct reg_row *r);	/* by its key */
/* The registrations as they stand, also when the last run was killed: first the database's rows, then,
 * oldest first, what still waits in the map: a row that replaces an earlier one of its key, or one that is
 * gone. Before the loop runs. An error is the database's; what waits was given all the same. */
enum err store_regs(struct store *s, void (*each)(void *ctx, const struct reg_row *r, bool gone), void *ctx);
void store_audit(struct store *s, const struct audit_row *a);	/* id 0: made here */

/* --- looking --- */
struct store_view {
	bool failing;			/* the last flush failed             */
	bool slow;			/* the one under way takes long; why says how */
	enum db_fail fail;
	wall_t since;			/* of the failure                    */
	char why[240];			/* sentence and mend                 */
	uint64_t written, unreadable;	/* entries since the start           */
	uint32_t pending, waiting, lost;/* of the map                        */
	uint32_t unsafe;		/* calls the map had no room for     */
	uint32_t jobs;			/* queued or running                 */
	ms_t last_flush_ms;		/* how long the last one took        */
};
void store_look(const struct store *s, struct store_view *v);

#endif
