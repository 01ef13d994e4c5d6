/*
 * db.h - the database: synchronous named operations. It blocks, so in the daemon only
 * the disk thread calls these, inside a job (store/store.h). Tools and tests may call
 * them directly.
 *
 * One engine now (sqlite.c): WAL, synchronous FULL, prepared statements only, numbered
 * migrations. A table takes missing columns of its row_kind by itself.
 *
 * Owner:   db_open() gives, db_close() frees (NULL is fine).
 * Errors:  ERR_IO: disk full or failing (db_why() has the sentence and the mend);
 *          ERR_PARSE: the file is no database or is damaged; ERR_STATE: written by a
 *          newer program; ERR_AGAIN: locked by another process for over 2 s.
 * Threads: one at a time.
 * Test:    test/unit/store/t_db.c
 */
#ifndef STORE_DB_H
#define STORE_DB_H
#include <stdbool.h>
#include <stdint.h>

#include "store/record.h"
#include "store/ring.h"
#include "store/rows.h"
#include "store/site_rows.h"

struct db;

enum db_fail { DB_FAIL_NONE, DB_FAIL_FULL, DB_FAIL_IO, DB_FAIL_LOCKED, DB_FAIL_OTHER };

/* path ":memory:" for tests. The file's folder must exist. OK with db_failed(): a database that is there
 * cannot be opened now (disk full, failing, read-only; locked). Every operation fails like this until db_apply(),
 * which tries again, opens it. */
enum err db_open(struct db **out, const char *path, struct buf *why);
void db_close(struct db *db);
enum db_fail db_failed(const struct db *db);	/* of the last operation */
const char *db_why(const struct db *db);	/* its sentence; "" when it went well */
/* Tests: what every writing operation meets from now on. */
void db_break(struct db *db, enum db_fail f);
/* The file may not grow past so many pages (tests; a quota). */
void db_limit(struct db *db, uint32_t pages);

/* --- entries of the map's ring, all in one transaction --- */
/* All or nothing. An entry that cannot be read is skipped and counted in *bad. A record
 * whose id is there already is left alone; registrations are replaced. */
enum err db_apply(struct db *db, const struct map_entry *e, uint32_t n, uint32_t *bad);

/* --- call detail records --- */
struct cdr_query {
	uint64_t before;		/* ids below this one; 0: from the newest      */
	uint32_t limit;			/* 0: 50; at most 1,000                        */
	int64_t from_wall, to_wall;	/* start of the call; 0: open                  */
	const char *number;		/* calling, called, final, line or a leg's; NULL: any */
	const char *call_id;		/* SIP Call-ID of any leg; NULL: any           */
	const char *reason;		/* its word; NULL: any                         */
	bool oldest_first;		/* then `before` means ids above               */
};
/* each() gets whole records, newest first; false stops. The record is lent. */
enum err db_cdr_query(struct db *db, const struct cdr_query *q,
		      bool (*each)(void *ctx, const struct call_record *r), void *ctx);
enum err db_cdr_get(struct db *db, uint64_t id, struct call_record *r);	/* ERR_GONE */
enum err db_cdr_count(struct db *db, uint64_t *n);
/* Removes records that started before `wall`, at most `limit` of them. */
enum err db_cdr_purge(struct db *db, int64_t wall, uint32_t limit, uint32_t *gone);

/* --- registrations --- */
enum err db_regs(struct db *db, bool (*each)(void *ctx, const struct reg_row *r), void *ctx);

/* --- audit --- */
enum err db_audit(struct db *db, uint64_t before, uint32_t limit,
		  bool (*each)(void *ctx, const struct audit_row *a), void *ctx);
/* Removes lines from before `wall`, at most `limit` of them. */
enum err db_audit_purge(struct db *db, int64_t wall, uint32_t limit, uint32_t *gone);

/* --- people and numbers --- */
/* All rows, kind by kind in the order of enum site_row, each in its given order. `row`
 * points to the struct of that kind and is lent. */
enum err db_site_load(struct db *db, bool (*each)(void *ctx, enum site_row kind, const void *row),
		      void *ctx);
/* Replaces all rows in one transaction: next() gives them one by one, kinds in any order;
 * NULL ends. On any error nothing has changed. ERR_EXISTS: two rows with the same key. */
enum err db_site_replace(struct db *db, const void *(*next)(void *ctx, enum site_row *kind),
			 void *ctx);
/* Counts the replacements: a snapshot knows which one it was built from. */
enum err db_site_version(struct db *db, uint64_t *version);

#endif
