#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/db.h"
#include "store/schema.h"
#include "store/sql.h"

enum { BUSY_MS = 2000, WHY_MAX = 320, CDR_LIMIT = 50, CDR_LIMIT_MAX = 1000 };

struct db {
	sqlite3 *h;			/* NULL: it could not be opened yet */
	sqlite3_stmt *st[ST_N];
	enum db_fail fail, broken;
	char why[WHY_MAX];
	char path[512];
};

/* ---- errors ---- */

static void say(struct db *db, enum db_fail f)
{
	static const char *const mend[] = {
		[DB_FAIL_NONE] = "",
		[DB_FAIL_FULL] = "The disk is full. Free space; calls go on and their records "
				 "are written as soon as there is room.",
		[DB_FAIL_IO] = "The disk refuses to read or write. Check it; calls go on and "
			       "their records wait.",
		[DB_FAIL_LOCKED] = "Another process keeps the database locked. End it.",
		[DB_FAIL_OTHER] = "Check the file, or move it away: a new one is made at the "
				  "next start.",
	};

	db->fail = f;
	(void)snprintf(db->why, sizeof db->why, "%.120s: %.80s. %s", db->path,
		       db->broken ? "made to fail" : sqlite3_errmsg(db->h), mend[f]);
}

static enum err failed(struct db *db)
{
	if (!db->h)			/* as the opening did */
		return db->fail == DB_FAIL_LOCKED ? ERR_AGAIN : ERR_IO;
	if (db->broken) {
		say(db, db->broken);
		return ERR_IO;
	}
	if (sqlite3_extended_errcode(db->h) == SQLITE_IOERR_SHMSIZE) {
		say(db, DB_FAIL_FULL);	/* the first thing that a database needs room for */
		return ERR_IO;
	}
	switch (sqlite3_errcode(db->h) & 0xff) {
	case SQLITE_FULL:
		say(db, DB_FAIL_FULL);
		return ERR_IO;
	case SQLITE_IOERR: case SQLITE_CANTOPEN: case SQLITE_READONLY: case SQLITE_PERM:
		say(db, DB_FAIL_IO);
		return ERR_IO;
	case SQLITE_BUSY: case SQLITE_LOCKED:
		say(db, DB_FAIL_LOCKED);
		return ERR_AGAIN;
	case SQLITE_CORRUPT: case SQLITE_NOTADB:
		say(db, DB_FAIL_OTHER);
		return ERR_PARSE;
	case SQLITE_CONSTRAINT:
		say(db, DB_FAIL_OTHER);
		return ERR_EXISTS;
	default:
		say(db, DB_FAIL_OTHER);
		return ERR_IO;
	}
}

static void went_well(struct db *db)
{
	db->fail = DB_FAIL_NONE;
	db->why[0] = 0;
}

enum db_fail db_failed(const struct db *db)
{
	return db->fail;
}

const char *db_why(const struct db *db)
{
	return db->why;
}

void db_break(struct db *db, enum db_fail f)
{
	db->broken = f;
}

void db_limit(struct db *db, uint32_t pages)
{
	char mem[64];
	struct buf b;

	buf_init(&b, mem, sizeof mem);
	buf_fmt(&b, "PRAGMA max_page_count=%u", pages);	/* banned: takes no binding; a number of ours */
	(void)sqlite3_exec(db->h, buf_z(&b), NULL, NULL, NULL);	/* banned: as above. Failed: no limit then */
}

/* ---- statements ---- */

static enum err prepare(struct db *db, struct buf *sql, sqlite3_stmt **s)
{
	*s = NULL;
	if (!buf_ok(sql))
		return ERR_LIMIT;
	if (!db->h || sqlite3_prepare_v2(db->h, sql->p, (int)sql->n, s, NULL) != SQLITE_OK)
		return failed(db);
	return OK;
}

static enum err statement(struct db *db, enum st which, sqlite3_stmt **out)
{
	char mem[SCHEMA_SQL_MAX];
	struct buf b;
	enum err e;

	if (!db->st[which]) {
		buf_init(&b, mem, sizeof mem);
		sql_statement(&b, which);
		e = prepare(db, &b, &db->st[which]);
		if (e)
			return e;
	}
	*out = db->st[which];
	return OK;
}

static void bind_text(sqlite3_stmt *s, int at, struct str v)
{
	/* cannot fail: the place exists and the text is lent until the reset */
	(void)sqlite3_bind_text(s, at, v.p ? v.p : "", (int)v.n, SQLITE_STATIC);
}

static void bind_uint(sqlite3_stmt *s, int at, uint64_t v)
{
	(void)sqlite3_bind_int64(s, at, (sqlite3_int64)v);	/* as above */
}

static void bind_row(sqlite3_stmt *s, const struct row_kind *k, int n, const void *row)
{
	for (int i = 0; i < n; i++) {
		if (k->field[i].type == ROW_TEXT)
			bind_text(s, i + 1, row_text(&k->field[i], row));
		else
			bind_uint(s, i + 1, row_uint(&k->field[i], row));
	}
}

static void read_row(sqlite3_stmt *s, const struct row_kind *k, void *row)
{
	memset(row, 0, k->size);
	for (int i = 0; i < k->nfield; i++) {
		const struct row_field *f = &k->field[i];

		if (f->type == ROW_TEXT) {
			struct str t = { (const char *)sqlite3_column_text(s, i),
					 (size_t)sqlite3_column_bytes(s, i) };

			row_set_text(f, row, t);
		} else {
			row_set_uint(f, row, (uint64_t)sqlite3_column_int64(s, i));
		}
	}
}

/* Runs a statement that gives no rows. */
static enum err done(struct db *db, sqlite3_stmt *s)
{
	int rc = sqlite3_step(s);
	enum err e = rc == SQLITE_DONE ? OK : failed(db);

	(void)sqlite3_reset(s);		/* says the same again */
	return e;
}

static enum err simple(struct db *db, enum st which)
{
	sqlite3_stmt *s;
	enum err e = statement(db, which, &s);

	return e ? e : done(db, s);
}

static enum err put_row(struct db *db, enum st which, const struct row_kind *k, int n,
			const void *row)
{
	sqlite3_stmt *s;
	enum err e = statement(db, which, &s);

	if (e)
		return e;
	bind_row(s, k, n, row);
	return done(db, s);
}

/* Ends a transaction: commits when e is OK. Returns what became of it. */
static enum err finish(struct db *db, enum err e)
{
	char why[WHY_MAX];
	enum db_fail f;

	if (!e)
		e = db->broken ? failed(db) : simple(db, ST_COMMIT);
	if (!e) {
		went_well(db);
		return OK;
	}
	f = db->fail;
	memcpy(why, db->why, sizeof why);
	if (db->h && !sqlite3_get_autocommit(db->h))
		(void)simple(db, ST_ROLLBACK);	/* the first failure is the one to tell */
	db->fail = f;
	memcpy(db->why, why, sizeof why);
	return e;
}

/* ---- open and close ---- */

static enum err set_up(struct db *db)
{
	enum err e;

	(void)sqlite3_extended_result_codes(db->h, 0);	/* cannot fail */
	(void)sqlite3_busy_timeout(db->h, BUSY_MS);	/* cannot fail */
	if (sqlite3_exec(db->h, "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;"
			 "PRAGMA journal_size_limit=67108864", NULL, NULL, NULL) != SQLITE_OK)
		return failed(db);
	e = schema_update(db->h);
	if (e == ERR_STATE) {
		(void)snprintf(db->why, sizeof db->why, "%.120s: a newer Tandem wrote this database. "
			       "Use that version, or another file.", db->path);
		return e;
	}
	return e ? failed(db) : OK;
}

static void close_handle(struct db *db)
{
	for (int i = 0; i < ST_N; i++)
		(void)sqlite3_finalize(db->st[i]);	/* repeats an old error */
	(void)sqlite3_close(db->h);			/* nothing is open any more */
	db->h = NULL;
}

static enum err open_handle(struct db *db)
{
	enum err e = OK;

	if (sqlite3_open_v2(db->path, &db->h, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
			    SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		e = failed(db);
	if (!e)
		e = set_up(db);
	if (e)
		close_handle(db);
	else
		went_well(db);
	return e;
}

/* Trouble that passes, with a file that was ours before: not a wrong name, nor one that we have no right to. */
static bool will_pass(const struct db *db)
{
	bool ours = access(db->path, R_OK | W_OK) == 0 || errno == EROFS || errno == EIO;
	struct stat st;

	return (db->fail == DB_FAIL_FULL || db->fail == DB_FAIL_IO || db->fail == DB_FAIL_LOCKED) && ours &&
	       stat(db->path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size;
}

enum err db_open(struct db **out, const char *path, struct buf *why)
{
	struct db *db = mem_new(sizeof *db);
	enum err e = str_copy(db->path, sizeof db->path, str_of(path)) ? open_handle(db) : ERR_LIMIT;

	if (e && why)
		buf_lit(why, db->why);
	if (e && !will_pass(db)) {
		db_close(db);
		return e;
	}
	*out = db;
	return OK;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	close_handle(db);
	mem_free(db);
}

/* ---- the map's entries ---- */

static enum err put_record(struct db *db, const struct call_record *r)
{
	enum err e = put_row(db, ST_RECORD, &record_row, record_row.nfield, r);

	/* there already: told twice after a crash */
	if (e || !sqlite3_changes(db->h))
		return e;
	for (unsigned i = 0; i < r->nleg && !e; i++)
		e = put_row(db, ST_LEG, &record_leg_row, record_leg_row.nfield, &r->leg[i]);
	for (unsigned i = 0; i < r->nnote && !e; i++)
		e = put_row(db, ST_NOTE, &record_note_row, record_note_row.nfield, &r->note[i]);
	return e;
}

static enum err apply_record(struct db *db, struct str bytes, uint32_t *bad)
{
	struct call_record r;

	if (record_unpack(bytes, &r) || !r.id) {
		++*bad;
		return OK;
	}
	for (unsigned i = 0; i < r.nleg; i++) {	/* the key is not the packer's to choose */
		r.leg[i].call = r.id;
		r.leg[i].index = (uint8_t)i;
	}
	for (unsigned i = 0; i < r.nnote; i++) {
		r.note[i].call = r.id;
		r.note[i].index = (uint8_t)i;
	}
	return put_record(db, &r);
}

static enum err apply_one(struct db *db, const struct map_entry *m, uint32_t *bad)
{
	struct str in = m->bytes;
	struct audit_row audit;
	struct reg_row reg;

	switch (m->kind) {
	case MAP_RECORD:
		return apply_record(db, in, bad);
	case MAP_REG_PUT:
		if (!row_unpack(&in, &reg_row_kind, &reg))
			return put_row(db, ST_REG_PUT, &reg_row_kind, reg_row_kind.nfield, &reg);
		break;
	case MAP_REG_DELETE:
		if (!row_unpack(&in, &reg_row_kind, &reg))
			return put_row(db, ST_REG_DELETE, &reg_row_kind, reg_row_kind.nkey, &reg);
		break;
	case MAP_AUDIT:
		if (!row_unpack(&in, &audit_row_kind, &audit))
			return put_row(db, ST_AUDIT, &audit_row_kind, audit_row_kind.nfield,
				       &audit);
		break;
	case MAP_KIND_END:
		break;
	}
	++*bad;
	return OK;
}

enum err db_apply(struct db *db, const struct map_entry *m, uint32_t n, uint32_t *bad)
{
	uint32_t unread = 0;
	enum err e = db->h ? OK : open_handle(db);

	if (!e)
		e = simple(db, ST_BEGIN);
	for (uint32_t i = 0; i < n && !e; i++)
		e = apply_one(db, &m[i], &unread);
	e = finish(db, e);
	if (!e)
		*bad = unread;
	return e;
}

/* ---- call detail records ---- */

static enum err read_legs(struct db *db, struct call_record *r)
{
	sqlite3_stmt *s;
	enum err e = statement(db, ST_LEGS, &s);
	int rc;

	if (e)
		return e;
	bind_uint(s, 1, r->id);
	r->nleg = 0;
	while ((rc = sqlite3_step(s)) == SQLITE_ROW && r->nleg < RECORD_LEGS)
		read_row(s, &record_leg_row, &r->leg[r->nleg++]);
	e = rc == SQLITE_DONE || rc == SQLITE_ROW ? OK : failed(db);
	(void)sqlite3_reset(s);		/* says the same again */
	return e;
}

static enum err read_notes(struct db *db, struct call_record *r)
{
	sqlite3_stmt *s;
	enum err e = statement(db, ST_NOTES, &s);
	int rc;

	if (e)
		return e;
	bind_uint(s, 1, r->id);
	r->nnote = 0;
	while ((rc = sqlite3_step(s)) == SQLITE_ROW && r->nnote < RECORD_NOTES)
		read_row(s, &record_note_row, &r->note[r->nnote++]);
	e = rc == SQLITE_DONE || rc == SQLITE_ROW ? OK : failed(db);
	(void)sqlite3_reset(s);		/* says the same again */
	return e;
}

static enum err read_record(struct db *db, sqlite3_stmt *s, struct call_record *r)
{
	enum err e;

	read_row(s, &record_row, r);
	e = read_legs(db, r);
	return e ? e : read_notes(db, r);
}

static void cdr_bind(sqlite3_stmt *s, const struct cdr_query *q)
{
	uint32_t limit = q->limit ? q->limit : CDR_LIMIT;

	if (q->before)
		bind_uint(s, 1, q->before);
	if (q->from_wall)
		bind_uint(s, 2, (uint64_t)q->from_wall);
	if (q->to_wall)
		bind_uint(s, 3, (uint64_t)q->to_wall);
	if (q->number)
		bind_text(s, 4, str_of(q->number));
	if (q->call_id)
		bind_text(s, 5, str_of(q->call_id));
	if (q->reason)
		bind_text(s, 6, str_of(q->reason));
	bind_uint(s, 7, limit < CDR_LIMIT_MAX ? limit : CDR_LIMIT_MAX);
}

enum err db_cdr_query(struct db *db, const struct cdr_query *q,
		      bool (*each)(void *ctx, const struct call_record *r), void *ctx)
{
	char mem[SCHEMA_SQL_MAX];
	struct call_record r;
	sqlite3_stmt *s;
	struct buf b;
	enum err e;
	int rc;

	buf_init(&b, mem, sizeof mem);
	sql_cdr(&b, q);
	e = prepare(db, &b, &s);
	if (e)
		return e;
	cdr_bind(s, q);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		e = read_record(db, s, &r);
		if (e || !each(ctx, &r))
			goto out;
	}
	if (rc != SQLITE_DONE)
		e = failed(db);
out:
	(void)sqlite3_finalize(s);	/* says the same again */
	return e;
}

enum err db_cdr_get(struct db *db, uint64_t id, struct call_record *out)
{
	struct call_record r;
	sqlite3_stmt *s;
	enum err e = statement(db, ST_CDR_GET, &s);
	int rc;

	if (e)
		return e;
	bind_uint(s, 1, id);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		e = read_record(db, s, &r);
	else
		e = rc == SQLITE_DONE ? ERR_GONE : failed(db);
	(void)sqlite3_reset(s);		/* says the same again */
	if (!e)
		*out = r;
	return e;
}

static enum err one_number(struct db *db, const char *sql, uint64_t *v)
{
	sqlite3_stmt *s;
	enum err e = OK;
	int rc;

	if (!db->h || sqlite3_prepare_v2(db->h, sql, -1, &s, NULL) != SQLITE_OK)
		return failed(db);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		*v = (uint64_t)sqlite3_column_int64(s, 0);
	else
		e = rc == SQLITE_DONE ? ERR_GONE : failed(db);
	(void)sqlite3_finalize(s);	/* says the same again */
	return e;
}

enum err db_cdr_count(struct db *db, uint64_t *n)
{
	return one_number(db, "SELECT count(*) FROM cdr", n);
}

static enum err purge(struct db *db, const char *sql, int64_t wall, uint32_t limit)
{
	sqlite3_stmt *s;
	enum err e;

	if (!db->h || sqlite3_prepare_v2(db->h, sql, -1, &s, NULL) != SQLITE_OK)
		return failed(db);
	bind_uint(s, 1, (uint64_t)wall);
	bind_uint(s, 2, limit);
	e = done(db, s);
	(void)sqlite3_finalize(s);	/* says the same again */
	return e;
}

#define OLD "(SELECT id FROM cdr WHERE start_wall<?1 ORDER BY start_wall, id LIMIT ?2)"

enum err db_cdr_purge(struct db *db, int64_t wall, uint32_t limit, uint32_t *gone)
{
	uint32_t n = 0;
	enum err e = simple(db, ST_BEGIN);

	if (!e)
		e = purge(db, "DELETE FROM cdr_leg WHERE call IN " OLD, wall, limit);
	if (!e)
		e = purge(db, "DELETE FROM cdr_note WHERE call IN " OLD, wall, limit);
	if (!e)
		e = purge(db, "DELETE FROM cdr WHERE id IN " OLD, wall, limit);
	if (!e)
		n = (uint32_t)sqlite3_changes(db->h);
	e = finish(db, e);
	if (!e)
		*gone = n;
	return e;
}

enum err db_audit_purge(struct db *db, int64_t wall, uint32_t limit, uint32_t *gone)
{
	enum err e = purge(db, "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at_wall<?1 ORDER BY id LIMIT ?2)",
			   wall, limit);

	if (!e)
		*gone = (uint32_t)sqlite3_changes(db->h);
	return e;
}

/* ---- registrations, audit, site: whole rows ---- */

struct rows {			/* a walk over the rows of one kind */
	const struct row_kind *kind;
	const char *rest;
	uint64_t arg[2];
	int narg;
	bool (*each)(void *ctx, const void *row);
	void *ctx;
	bool stopped;
};

static enum err walk(struct db *db, struct rows *w)
{
	char mem[SCHEMA_SQL_MAX];
	sqlite3_stmt *s;
	struct buf b;
	void *row;
	enum err e;
	int rc;

	buf_init(&b, mem, sizeof mem);
	sql_select(&b, w->kind, w->rest);
	e = prepare(db, &b, &s);
	if (e)
		return e;
	for (int i = 0; i < w->narg; i++)
		bind_uint(s, i + 1, w->arg[i]);
	row = mem_new(w->kind->size);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		read_row(s, w->kind, row);
		if (!w->each(w->ctx, row)) {
			w->stopped = true;
			rc = SQLITE_DONE;
			break;
		}
	}
	e = rc == SQLITE_DONE ? OK : failed(db);
	mem_free(row);
	(void)sqlite3_finalize(s);	/* says the same again */
	return e;
}

struct reg_walk { bool (*each)(void *, const struct reg_row *); void *ctx; };
struct audit_walk { bool (*each)(void *, const struct audit_row *); void *ctx; };
struct site_walk {
	bool (*each)(void *, enum site_row, const void *);
	void *ctx;
	enum site_row kind;
};

static bool each_reg(void *ctx, const void *row)
{
	struct reg_walk *w = ctx;

	return w->each(w->ctx, row);
}

static bool each_audit(void *ctx, const void *row)
{
	struct audit_walk *w = ctx;

	return w->each(w->ctx, row);
}

static bool each_site(void *ctx, const void *row)
{
	struct site_walk *w = ctx;

	return w->each(w->ctx, w->kind, row);
}

enum err db_regs(struct db *db, bool (*each)(void *ctx, const struct reg_row *r), void *ctx)
{
	struct reg_walk r = { each, ctx };
	struct rows w = { .kind = &reg_row_kind, .rest = "ORDER BY phone, since_wall",
			  .each = each_reg, .ctx = &r };

	return walk(db, &w);
}

enum err db_audit(struct db *db, uint64_t before, uint32_t limit,
		  bool (*each)(void *ctx, const struct audit_row *a), void *ctx)
{
	struct audit_walk a = { each, ctx };
	struct rows w = { .kind = &audit_row_kind, .rest = "WHERE id<?1 ORDER BY id DESC LIMIT ?2",
			  .arg = { before ? before : INT64_MAX, limit ? limit : CDR_LIMIT },
			  .narg = 2, .each = each_audit, .ctx = &a };

	return walk(db, &w);
}

enum err db_site_load(struct db *db, bool (*each)(void *ctx, enum site_row kind, const void *row),
		      void *ctx)
{
	struct site_walk s = { .each = each, .ctx = ctx };
	enum err e = OK;

	for (int k = 0; k < SITE_NROW && !e; k++) {
		struct rows w = { .kind = site_row_kind[k], .rest = "ORDER BY rowid",
				  .each = each_site, .ctx = &s };

		s.kind = (enum site_row)k;
		e = walk(db, &w);
		if (w.stopped)
			break;
	}
	return e;
}

static enum err run_text(struct db *db, struct buf *sql)
{
	sqlite3_stmt *s;
	enum err e = prepare(db, sql, &s);

	if (e)
		return e;
	e = done(db, s);
	(void)sqlite3_finalize(s);	/* says the same again */
	return e;
}

static enum err site_clear(struct db *db)
{
	char mem[256];
	enum err e = OK;
	struct buf b;

	for (int k = 0; k < SITE_NROW && !e; k++) {
		buf_init(&b, mem, sizeof mem);
		buf_fmt(&b, "DELETE FROM \"%s\"", site_row_kind[k]->table);	/* banned: names of our own tables */
		e = run_text(db, &b);
	}
	return e;
}

static enum err site_insert(struct db *db, sqlite3_stmt *st[SITE_NROW], enum site_row kind,
			    const void *row)
{
	const struct row_kind *k = site_row_kind[kind];
	char mem[SCHEMA_SQL_MAX];
	struct buf b;
	enum err e;

	if (!st[kind]) {
		buf_init(&b, mem, sizeof mem);
		sql_insert(&b, "INSERT", k);
		e = prepare(db, &b, &st[kind]);
		if (e)
			return e;
	}
	bind_row(st[kind], k, k->nfield, row);
	return done(db, st[kind]);
}

enum err db_site_replace(struct db *db, const void *(*next)(void *ctx, enum site_row *kind),
			 void *ctx)
{
	sqlite3_stmt *st[SITE_NROW] = { 0 };
	enum site_row kind = SITE_PARTITION;
	const void *row;
	struct buf b;
	char mem[256];
	enum err e = simple(db, ST_BEGIN);

	if (!e)
		e = site_clear(db);
	while (!e && (row = next(ctx, &kind)))
		e = site_insert(db, st, kind, row);
	buf_init(&b, mem, sizeof mem);
	buf_lit(&b, "INSERT INTO fact(name,value) VALUES('site_version',1) "
		"ON CONFLICT(name) DO UPDATE SET value=value+1");
	if (!e)
		e = run_text(db, &b);
	for (int k = 0; k < SITE_NROW; k++)
		(void)sqlite3_finalize(st[k]);	/* e has it */
	return finish(db, e);
}

enum err db_site_version(struct db *db, uint64_t *version)
{
	uint64_t v = 0;
	enum err e = one_number(db, "SELECT value FROM fact WHERE name='site_version'", &v);

	if (e && e != ERR_GONE)
		return e;
	*version = v;		/* never replaced: 0 */
	return OK;
}
