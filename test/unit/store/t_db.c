/* t_db.c - the database in memory and in a file. */
#include "t_store.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/db.h"

struct world {
	struct db *db;
	char mem[16][RECORD_PACK_MAX];
	struct map_entry e[16];
	uint32_t n;
};

static struct world w;

static void up(const char *path)
{
	memset(&w, 0, sizeof w);
	assert_int_equal(db_open(&w.db, path ? path : ":memory:", NULL), OK);
}

static void down(void)
{
	db_close(w.db);
	w.db = NULL;
}

static void add_packed(enum map_kind kind, const struct row_kind *k, const void *row)
{
	struct buf b;

	buf_init(&b, w.mem[w.n], sizeof w.mem[0]);
	row_pack(&b, k, row);
	w.e[w.n++] = (struct map_entry){ kind, buf_str(&b) };
}

static void add_record(uint64_t id, const char *calling)
{
	static struct call_record r;
	struct buf b;

	t_record(&r, id, 2);
	r.start_wall = 1000 * (int64_t)id;
	snprintf(r.calling, sizeof r.calling, "%s", calling);
	buf_init(&b, w.mem[w.n], sizeof w.mem[0]);
	record_pack(&b, &r, RECORD_ALL);
	w.e[w.n++] = (struct map_entry){ MAP_RECORD, buf_str(&b) };
}

static enum err flush(void)
{
	uint32_t bad = 0;
	enum err e = db_apply(w.db, w.e, w.n, &bad);

	assert_int_equal(bad, 0);
	w.n = 0;
	return e;
}

struct list {
	uint64_t id[32];
	int n, stop;
};

static bool listed(void *ctx, const struct call_record *r)
{
	struct list *l = ctx;

	l->id[l->n++] = r->id;
	return l->n != l->stop;
}

static struct list query(const struct cdr_query *q)
{
	struct list l = { .n = 0 };

	assert_int_equal(db_cdr_query(w.db, q, listed, &l), OK);
	return l;
}

static void a_record_is_read_back_whole(void **state)
{
	static struct call_record in, out;

	(void)state;
	up(NULL);
	add_record(5, "2001");
	assert_int_equal(record_unpack(w.e[0].bytes, &in), OK);
	assert_int_equal(flush(), OK);
	assert_int_equal(db_cdr_get(w.db, 5, &out), OK);
	assert_int_equal(out.nleg, 2);
	assert_int_equal(out.nnote, 2);
	t_same(&in, &out);
	assert_int_equal(db_cdr_get(w.db, 6, &out), ERR_GONE);
	down();
}

static void a_record_told_twice_is_stored_once(void **state)
{
	static struct call_record out;
	uint64_t n = 0;

	(void)state;
	up(NULL);
	add_record(5, "first");
	add_record(5, "second");
	assert_int_equal(flush(), OK);
	add_record(5, "third");
	assert_int_equal(flush(), OK);
	assert_int_equal(db_cdr_count(w.db, &n), OK);
	assert_int_equal(n, 1);
	assert_int_equal(db_cdr_get(w.db, 5, &out), OK);
	assert_string_equal(out.calling, "first");
	assert_int_equal(out.nleg, 2);
	down();
}

static void an_unreadable_entry_does_not_stop_the_others(void **state)
{
	uint32_t bad = 0;
	uint64_t n = 0;

	(void)state;
	up(NULL);
	add_record(1, "a");
	w.e[w.n++] = (struct map_entry){ MAP_RECORD, STR("rubbish") };
	w.e[w.n++] = (struct map_entry){ MAP_REG_PUT, STR("") };
	w.e[w.n++] = (struct map_entry){ MAP_AUDIT, STR("\1") };
	add_record(2, "b");
	assert_int_equal(db_apply(w.db, w.e, w.n, &bad), OK);
	assert_int_equal(bad, 3);
	assert_int_equal(db_cdr_count(w.db, &n), OK);
	assert_int_equal(n, 2);
	down();
}

static void queries_page_from_the_newest(void **state)
{
	struct list l;

	(void)state;
	up(NULL);
	for (uint64_t i = 1; i <= 9; i++)
		add_record(i, "2001");
	assert_int_equal(flush(), OK);
	l = query(&(struct cdr_query){ .limit = 4 });
	assert_int_equal(l.n, 4);
	assert_true(l.id[0] == 9 && l.id[3] == 6);
	l = query(&(struct cdr_query){ .limit = 4, .before = 6 });
	assert_true(l.n == 4 && l.id[0] == 5);
	l = query(&(struct cdr_query){ .limit = 3, .before = 6, .oldest_first = true });
	assert_true(l.n == 3 && l.id[0] == 7);
	down();
}

static void queries_find_by_number_call_id_time_and_reason(void **state)
{
	struct list l;

	(void)state;
	up(NULL);
	for (uint64_t i = 1; i <= 6; i++)
		add_record(i, i == 3 ? "+14255550100" : "2001");
	assert_int_equal(flush(), OK);
	l = query(&(struct cdr_query){ .number = "+14255550100" });
	assert_true(l.n == 1 && l.id[0] == 3);
	assert_int_equal(query(&(struct cdr_query){ .number = "number 4" }).n, 6);
	assert_int_equal(query(&(struct cdr_query){ .number = "nobody" }).n, 0);
	assert_int_equal(query(&(struct cdr_query){ .call_id = "caller_call_id 8" }).n, 6);
	assert_int_equal(query(&(struct cdr_query){ .call_id = "call_id 7" }).n, 6);
	assert_int_equal(query(&(struct cdr_query){ .from_wall = 2000, .to_wall = 5000 }).n, 3);
	assert_int_equal(query(&(struct cdr_query){ .reason = "reason 25" }).n, 6);
	assert_int_equal(query(&(struct cdr_query){ .reason = "busy" }).n, 0);
	down();
}

static void a_walk_may_be_stopped(void **state)
{
	struct list l = { .stop = 2 };

	(void)state;
	up(NULL);
	for (uint64_t i = 1; i <= 6; i++)
		add_record(i, "2001");
	assert_int_equal(flush(), OK);
	assert_int_equal(db_cdr_query(w.db, &(struct cdr_query){ 0 }, listed, &l), OK);
	assert_int_equal(l.n, 2);
	down();
}

static void purging_takes_the_oldest(void **state)
{
	uint32_t gone = 0;
	struct list l;

	(void)state;
	up(NULL);
	for (uint64_t i = 1; i <= 6; i++)
		add_record(i, "2001");
	assert_int_equal(flush(), OK);
	assert_int_equal(db_cdr_purge(w.db, 5000, 3, &gone), OK);
	assert_int_equal(gone, 3);
	l = query(&(struct cdr_query){ 0 });
	assert_true(l.n == 3 && l.id[2] == 4);
	assert_int_equal(query(&(struct cdr_query){ .number = "number 4" }).n, 3);
	down();
}

struct regs { struct reg_row r[8]; int n; };

static bool reg_seen(void *ctx, const struct reg_row *r)
{
	struct regs *l = ctx;

	l->r[l->n++] = *r;
	return true;
}

static void registrations_are_replaced_and_deleted_by_their_key(void **state)
{
	struct reg_row a = { .phone = "desk", .contact = "sip:1@192.0.2.1", .expires_wall = 5 };
	struct reg_row b = { .phone = "desk", .contact = "sip:1@192.0.2.2", .expires_wall = 6 };
	struct regs l = { .n = 0 };

	(void)state;
	up(NULL);
	add_packed(MAP_REG_PUT, &reg_row_kind, &a);
	add_packed(MAP_REG_PUT, &reg_row_kind, &b);
	a.expires_wall = 99;
	add_packed(MAP_REG_PUT, &reg_row_kind, &a);
	add_packed(MAP_REG_DELETE, &reg_row_kind, &b);
	assert_int_equal(flush(), OK);
	assert_int_equal(db_regs(w.db, reg_seen, &l), OK);
	assert_int_equal(l.n, 1);
	assert_int_equal(l.r[0].expires_wall, 99);
	down();
}

static bool audit_seen(void *ctx, const struct audit_row *a)
{
	snprintf((char *)ctx + strlen(ctx), 80, "%s ", a->action);
	return true;
}

static void audit_lines_are_kept_newest_first(void **state)
{
	struct audit_row a = { .id = 1, .action = "apply" }, b = { .id = 2, .action = "drop" };
	char seen[256] = "";

	(void)state;
	up(NULL);
	add_packed(MAP_AUDIT, &audit_row_kind, &a);
	add_packed(MAP_AUDIT, &audit_row_kind, &b);
	add_packed(MAP_AUDIT, &audit_row_kind, &a);
	assert_int_equal(flush(), OK);
	assert_int_equal(db_audit(w.db, 0, 0, audit_seen, seen), OK);
	assert_string_equal(seen, "drop apply ");
	down();
}

/* ---- the site ---- */

struct given { int at, n; struct { enum site_row kind; const void *row; } row[16]; };

static const void *give(void *ctx, enum site_row *kind)
{
	struct given *g = ctx;

	if (g->at == g->n)
		return NULL;
	*kind = g->row[g->at].kind;
	return g->row[g->at++].row;
}

static bool site_seen(void *ctx, enum site_row kind, const void *row)
{
	const struct row_kind *k = site_row_kind[kind];
	struct str s = row_text(&k->field[0], row);
	char *out = ctx;

	snprintf(out + strlen(out), 64, "%s:%.*s ", k->table, STRF(s));
	return true;
}

static const struct site_partition zz = { .name = "zz" }, aa = { .name = "aa" };
static const struct site_user adele = { .name = "adele", .display = "Ad\xc3\xa8le" };

static void the_site_keeps_its_order(void **state)
{
	struct given g = { .n = 3, .row = { { SITE_USER, &adele }, { SITE_PARTITION, &zz },
					    { SITE_PARTITION, &aa } } };
	char seen[512] = "";
	uint64_t v = 9;

	(void)state;
	up(NULL);
	assert_int_equal(db_site_version(w.db, &v), OK);
	assert_int_equal(v, 0);
	assert_int_equal(db_site_replace(w.db, give, &g), OK);
	assert_int_equal(db_site_load(w.db, site_seen, seen), OK);
	assert_string_equal(seen, "site_partition:zz site_partition:aa site_user:adele ");
	assert_int_equal(db_site_version(w.db, &v), OK);
	assert_int_equal(v, 1);
	down();
}

static void a_replaced_site_is_gone(void **state)
{
	struct given g = { .n = 1, .row = { { SITE_PARTITION, &zz } } };
	struct given h = { .n = 1, .row = { { SITE_PARTITION, &aa } } };
	char seen[512] = "";

	(void)state;
	up(NULL);
	assert_int_equal(db_site_replace(w.db, give, &g), OK);
	assert_int_equal(db_site_replace(w.db, give, &h), OK);
	assert_int_equal(db_site_load(w.db, site_seen, seen), OK);
	assert_string_equal(seen, "site_partition:aa ");
	down();
}

static void a_double_key_changes_nothing(void **state)
{
	struct given g = { .n = 1, .row = { { SITE_PARTITION, &zz } } };
	struct given h = { .n = 2, .row = { { SITE_PARTITION, &aa }, { SITE_PARTITION, &aa } } };
	char seen[512] = "";

	(void)state;
	up(NULL);
	assert_int_equal(db_site_replace(w.db, give, &g), OK);
	assert_int_equal(db_site_replace(w.db, give, &h), ERR_EXISTS);
	assert_int_equal(db_site_load(w.db, site_seen, seen), OK);
	assert_string_equal(seen, "site_partition:zz ");
	down();
}

/* ---- failures ---- */

static void a_full_disk_changes_nothing_and_is_said(void **state)
{
	uint32_t bad = 7, n;
	uint64_t count = 9;

	(void)state;
	up(NULL);
	add_record(1, "a");
	db_break(w.db, DB_FAIL_FULL);
	assert_int_equal(db_apply(w.db, w.e, w.n, &bad), ERR_IO);
	assert_int_equal(bad, 7);
	assert_int_equal(db_failed(w.db), DB_FAIL_FULL);
	assert_non_null(strstr(db_why(w.db), "disk is full"));
	assert_int_equal(db_cdr_count(w.db, &count), OK);
	assert_int_equal(count, 0);
	assert_int_equal(db_cdr_purge(w.db, 1, 1, &n), ERR_IO);
	db_break(w.db, DB_FAIL_NONE);
	assert_int_equal(flush(), OK);
	assert_int_equal(db_failed(w.db), DB_FAIL_NONE);
	assert_string_equal(db_why(w.db), "");
	down();
}

static void exec(const char *path, const char *sql)
{
	sqlite3 *h;

	assert_int_equal(sqlite3_open(path, &h), SQLITE_OK);
	assert_int_equal(sqlite3_exec(h, sql, NULL, NULL, NULL), SQLITE_OK);	/* banned: the tests' own */
	sqlite3_close(h);
}

static void really_full(void)
{
	/* the same from SQLite itself: a file that may not grow */
	for (uint64_t i = 1; i < 2000; i++) {
		enum err e;

		add_record(i, "a");
		e = flush();
		if (!e)
			continue;
		assert_int_equal(e, ERR_IO);
		assert_int_equal(db_failed(w.db), DB_FAIL_FULL);
		return;
	}
	fail_msg("the file grew without end");
}

static void a_database_that_cannot_grow_says_so(void **state)
{
	char dir[256], path[300];

	(void)state;
	t_dir(dir);
	snprintf(path, sizeof path, "%s/t.db", dir);
	up(path);
	db_limit(w.db, 100);
	really_full();
	down();
	up(path);
	add_record(5000, "again");
	assert_int_equal(flush(), OK);
	down();
	t_dir_gone(dir);
}

static void what_was_committed_survives(void **state)
{
	char dir[256], path[300];
	uint64_t n = 0;

	(void)state;
	t_dir(dir);
	snprintf(path, sizeof path, "%s/t.db", dir);
	up(path);
	add_record(1, "a");
	assert_int_equal(flush(), OK);
	down();
	up(path);
	assert_int_equal(db_cdr_count(w.db, &n), OK);
	assert_int_equal(n, 1);
	down();
	t_dir_gone(dir);
}

static void a_newer_programs_database_is_refused(void **state)
{
	char dir[256], path[300], mem[512];
	struct db *db = NULL;
	struct buf why;

	(void)state;
	t_dir(dir);
	snprintf(path, sizeof path, "%s/t.db", dir);
	exec(path, "PRAGMA user_version=99");
	buf_init(&why, mem, sizeof mem);
	assert_int_equal(db_open(&db, path, &why), ERR_STATE);
	assert_non_null(strstr(buf_z(&why), "newer Tandem"));
	assert_null(db);
	t_dir_gone(dir);
}

static void a_file_that_is_no_database_is_refused(void **state)
{
	char dir[256], path[300], mem[512];
	struct db *db = NULL;
	struct buf why;
	FILE *f;

	(void)state;
	t_dir(dir);
	snprintf(path, sizeof path, "%s/t.db", dir);
	f = fopen(path, "w");
	for (int i = 0; i < 500; i++)
		fputs("this is no database\n", f);
	fclose(f);
	buf_init(&why, mem, sizeof mem);
	assert_int_equal(db_open(&db, path, &why), ERR_PARSE);
	assert_non_null(strstr(buf_z(&why), "t.db"));
	t_dir_gone(dir);
}

static void a_missing_folder_is_said(void **state)
{
	char mem[512];
	struct db *db = NULL;
	struct buf why;

	(void)state;
	buf_init(&why, mem, sizeof mem);
	assert_int_equal(db_open(&db, "/nonexistent/t.db", &why), ERR_IO);
	assert_non_null(strstr(buf_z(&why), "/nonexistent/t.db"));
}

static void a_missing_column_is_added(void **state)
{
	static struct call_record r;
	char dir[256], path[300];

	(void)state;
	t_dir(dir);
	snprintf(path, sizeof path, "%s/t.db", dir);
	up(path);
	add_record(1, "a");
	assert_int_equal(flush(), OK);
	down();
	exec(path, "ALTER TABLE cdr DROP COLUMN emergency");
	up(path);
	assert_int_equal(db_cdr_get(w.db, 1, &r), OK);
	assert_int_equal(r.emergency, 0);
	down();
	t_dir_gone(dir);
}

int run_db(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_is_read_back_whole),
		cmocka_unit_test(a_record_told_twice_is_stored_once),
		cmocka_unit_test(an_unreadable_entry_does_not_stop_the_others),
		cmocka_unit_test(queries_page_from_the_newest),
		cmocka_unit_test(queries_find_by_number_call_id_time_and_reason),
		cmocka_unit_test(a_walk_may_be_stopped),
		cmocka_unit_test(purging_takes_the_oldest),
		cmocka_unit_test(registrations_are_replaced_and_deleted_by_their_key),
		cmocka_unit_test(audit_lines_are_kept_newest_first),
		cmocka_unit_test(the_site_keeps_its_order),
		cmocka_unit_test(a_replaced_site_is_gone),
		cmocka_unit_test(a_double_key_changes_nothing),
		cmocka_unit_test(a_full_disk_changes_nothing_and_is_said),
		cmocka_unit_test(a_database_that_cannot_grow_says_so),
		cmocka_unit_test(what_was_committed_survives),
		cmocka_unit_test(a_newer_programs_database_is_refused),
		cmocka_unit_test(a_file_that_is_no_database_is_refused),
		cmocka_unit_test(a_missing_folder_is_said),
		cmocka_unit_test(a_missing_column_is_added),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
