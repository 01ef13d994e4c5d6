/* t_store.c - jobs and the emptying of the map, at virtual time; and once with the thread. */
#include "t_store.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/sim_loop.h"
#include "store/store.h"

struct world {
	struct loop *l;
	struct map *map;
	struct store *s;
	struct rng rng;
	unsigned logged;
	char log[1024], error[1024];	/* the last line; the last of an error */
};

static void turn(void *ctx)
{
	struct world *w = ctx;

	if (w->s)
		store_turn(w->s);
}

static void keep_log(void *ctx, enum log_level level, struct str line)
{
	struct world *w = ctx;

	w->logged++;
	snprintf(w->log, sizeof w->log, "%.*s", STRF(line));
	if (level == LOG_ERROR)
		snprintf(w->error, sizeof w->error, "%.*s", STRF(line));
}

static void up_with(struct world *w, ms_t delay, size_t wait_bytes)
{
	memset(w, 0, sizeof *w);
	w->l = sim_new(1);
	w->l->log = (struct log){ .level = LOG_WARN, .write = keep_log, .ctx = w };
	rng_seed(&w->rng, 1);
	assert_int_equal(map_open(&w->map, &(struct map_config){ .slots = 4, .rng = &w->rng,
			 .ring_bytes = 64 * 1024, .wait_bytes = wait_bytes, .wall = 1700000000000 }, NULL, NULL), OK);
	assert_int_equal(store_open(&w->s, &(struct store_config){ .loop = w->l, .map = w->map,
			 .path = ":memory:", .inline_mode = true, .delay = delay }, NULL), OK);
	assert_int_equal(store_start(w->s), OK);
	loop_on_turn(w->l, turn, w);
}

static void up(struct world *w, ms_t delay)
{
	up_with(w, delay, 0);
}

static void down(struct world *w)
{
	store_close(w->s);
	map_close(w->map);
	sim_free(w->l);
}

static void finish_one(struct world *w)
{
	static struct call_record r;

	t_record(&r, map_id(w->map, w->l->wall), 2);
	map_finish(w->map, &r);
	loop_turn(w->l);
}

static uint64_t stored(struct world *w)
{
	uint64_t n = 0;

	assert_int_equal(db_cdr_count(store_db(w->s), &n), OK);
	return n;
}

static void a_record_is_in_the_database_within_100_ms(void **state)
{
	struct world w;

	(void)state;
	up(&w, 0);
	finish_one(&w);
	assert_int_equal(stored(&w), 0);
	assert_true(store_busy(w.s));
	sim_for(w.l, 100);
	assert_int_equal(stored(&w), 1);
	assert_int_equal(map_pending(w.map), 0);
	assert_false(store_busy(w.s));
	down(&w);
}

/* A record of its day, and an audit line beside it. */
static void of_day(struct world *w, int64_t wall)
{
	static struct call_record r;

	t_record(&r, map_id(w->map, w->l->wall), 2);
	r.start_wall = wall;
	map_finish(w->map, &r);
	store_audit(w->s, &(struct audit_row){ .at_wall = wall, .action = "apply" });
	loop_turn(w->l);
}

static bool count_line(void *ctx, const struct audit_row *a)
{
	(void)a;
	++*(uint64_t *)ctx;
	return true;
}

static uint64_t audited(struct world *w)
{
	uint64_t n = 0;

	assert_int_equal(db_audit(store_db(w->s), 0, 9999, count_line, &n), OK);
	return n;
}

static void what_is_older_than_its_days_goes_in_small_steps(void **state)
{
	enum { OLD = 2 * STORE_OLD_MAX + 100, DAY_MS = 86400000 };
	struct world w;
	ms_t opened;

	(void)state;
	up(&w, 0);
	store_close(w.s);
	opened = w.l->now;
	sim_wall(w.l, 1700000000000);
	assert_int_equal(store_open(&w.s, &(struct store_config){ .loop = w.l, .map = w.map, .path = ":memory:",
			 .inline_mode = true, .delay = 20, .keep_days = 10 }, NULL), OK);
	for (int i = 0; i < OLD + 5; i++) {
		of_day(&w, w.l->wall - (i < OLD ? 11 : 9) * (int64_t)DAY_MS);
		if (i % 20 == 0)
			sim_for(w.l, 150);	/* the map is small */
	}
	sim_for(w.l, 2000);
	assert_int_equal(stored(&w), OLD + 5);
	sim_for(w.l, opened + 60500 - w.l->now);
	assert_in_range(stored(&w), 5 + 1, OLD + 5 - STORE_OLD_MAX);
	sim_for(w.l, 5000);
	assert_int_equal(stored(&w), 5);
	assert_int_equal(audited(&w), 5);
	of_day(&w, w.l->wall);
	sim_for(w.l, 2 * (ms_t)DAY_MS);
	assert_int_equal(stored(&w), 1);
	assert_int_equal(audited(&w), 1);
	assert_false(store_busy(w.s));
	assert_int_equal(w.logged, 0);
	down(&w);
}

/* A start on a full disk: the database is there, but its log cannot be made. */
static void what_cannot_be_opened_at_the_start_is_opened_later(void **state)
{
	char dir[256], file[300], wal[300];
	struct store_config c = { .path = file, .inline_mode = true };
	struct world w;
	struct store_view v;
	uint64_t n = 0;

	(void)state;
	t_dir(dir);
	(void)snprintf(file, sizeof file, "%s/late.db", dir);
	(void)snprintf(wal, sizeof wal, "%s/late.db-wal", dir);
	up(&w, 0);
	store_close(w.s);
	c.loop = w.l;
	c.map = w.map;
	assert_int_equal(store_open(&w.s, &c, NULL), OK);
	store_close(w.s);
	assert_int_equal(mkdir(wal, 0700), 0);
	assert_int_equal(store_open(&w.s, &c, NULL), OK);
	store_look(w.s, &v);
	assert_true(v.failing && v.fail == DB_FAIL_IO);
	assert_non_null(strstr(w.error, "late.db"));
	assert_int_equal(db_cdr_count(store_db(w.s), &n), ERR_IO);
	finish_one(&w);
	sim_for(w.l, 5000);
	assert_int_equal(map_pending(w.map), 1);
	assert_int_equal(rmdir(wal), 0);
	sim_for(w.l, 1000);
	assert_int_equal(stored(&w), 1);
	store_look(w.s, &v);
	assert_false(v.failing);
	down(&w);
	t_dir_gone(dir);
}

static void records_that_come_together_are_written_together(void **state)
{
	struct world w;
	struct store_view v;

	(void)state;
	up(&w, 0);
	for (int i = 0; i < 1000; i++)
		finish_one(&w);
	sim_for(w.l, 100);
	assert_int_equal(stored(&w), 1000);
	store_look(w.s, &v);
	assert_int_equal(v.written, 1000);
	assert_int_equal(v.pending, 0);
	down(&w);
}

static void what_comes_while_a_batch_is_written_waits_for_company(void **state)
{
	struct world w;

	(void)state;
	up(&w, 20);			/* a disk that takes 20 ms */
	finish_one(&w);
	sim_for(w.l, STORE_BATCH_MS + 10);
	finish_one(&w);			/* the first one is on its way */
	sim_for(w.l, 50);
	assert_int_equal(stored(&w), 1);
	finish_one(&w);
	sim_for(w.l, 50);		/* 80 ms after the first batch began, and 20 */
	assert_int_equal(stored(&w), 3);
	down(&w);
}

static void a_full_disk_loses_nothing_and_is_told_once(void **state)
{
	struct world w;
	struct store_view v;

	(void)state;
	up(&w, 0);
	db_break(store_db(w.s), DB_FAIL_FULL);
	for (int i = 0; i < 300; i++)
		finish_one(&w);
	sim_for(w.l, 10000);
	store_look(w.s, &v);
	assert_true(v.failing);
	assert_int_equal(v.fail, DB_FAIL_FULL);
	assert_non_null(strstr(v.why, "disk is full"));
	assert_int_equal(v.pending, 300);
	assert_true(v.waiting > 0);	/* the ring is full: the rest is in memory */
	assert_int_equal(w.logged, 2);	/* the disk; that records are in memory only */
	db_break(store_db(w.s), DB_FAIL_NONE);
	sim_for(w.l, 3000);
	assert_int_equal(stored(&w), 300);
	store_look(w.s, &v);
	assert_false(v.failing);
	assert_int_equal(v.lost, 0);
	assert_int_equal(v.pending, 0);
	assert_non_null(strstr(w.log, "writing again"));
	down(&w);
}

static void records_that_are_lost_are_told_once_a_minute(void **state)
{
	struct world w;
	struct store_view v;

	(void)state;
	up_with(&w, 0, 64 * 1024);
	db_break(store_db(w.s), DB_FAIL_FULL);
	for (int i = 0; i < 1000; i++)
		finish_one(&w);
	sim_for(w.l, 5000);
	store_look(w.s, &v);
	assert_true(v.lost > 0);
	assert_int_equal(w.logged, 3);
	finish_one(&w);
	sim_for(w.l, 30000);
	assert_int_equal(w.logged, 3);
	sim_for(w.l, 30000);
	assert_int_equal(w.logged, 4);
	assert_non_null(strstr(w.log, "lost for good"));
	down(&w);
}

static void a_slow_disk_is_an_alarm_while_it_writes(void **state)
{
	struct world w;
	struct store_view v;

	(void)state;
	up(&w, 5000);			/* a disk that takes 5 s */
	finish_one(&w);
	sim_for(w.l, 2000);
	store_look(w.s, &v);
	assert_true(!v.slow && !v.why[0] && !w.logged);
	sim_for(w.l, 2000);
	loop_turn(w.l);
	loop_turn(w.l);
	store_look(w.s, &v);
	assert_true(v.slow && !v.failing);
	assert_non_null(strstr(v.why, "3 s"));
	assert_int_equal(w.logged, 1);
	assert_non_null(strstr(w.log, "has not taken"));
	sim_for(w.l, 2000);
	store_look(w.s, &v);
	assert_true(!v.slow && !v.why[0]);
	down(&w);
}

static void the_tail_moves_only_after_the_commit(void **state)
{
	struct world w;

	(void)state;
	up(&w, 5000);			/* a disk that takes 5 s */
	finish_one(&w);
	sim_for(w.l, 4000);
	assert_int_equal(map_pending(w.map), 1);
	assert_int_equal(stored(&w), 0);
	finish_one(&w);
	sim_for(w.l, 1100);
	assert_int_equal(stored(&w), 1);
	assert_int_equal(map_pending(w.map), 1);
	sim_for(w.l, 6000);
	assert_int_equal(stored(&w), 2);
	down(&w);
}

static void closing_writes_what_is_pending(void **state)
{
	struct world w;
	struct map_cursor c = { 0 };
	struct map_entry e;

	(void)state;
	up(&w, 5000);
	finish_one(&w);
	sim_for(w.l, 1000);
	finish_one(&w);
	store_close(w.s);
	w.s = NULL;
	assert_false(map_peek(w.map, &c, &e));
	down(&w);
}

static void closing_with_a_dead_disk_leaves_the_map_alone(void **state)
{
	struct world w;

	(void)state;
	up(&w, 0);
	db_break(store_db(w.s), DB_FAIL_IO);
	finish_one(&w);
	store_close(w.s);
	w.s = NULL;
	assert_int_equal(map_pending(w.map), 1);
	down(&w);
}

static const char *count_ids(const struct map *m, uint64_t *last, unsigned *n)
{
	static struct call_record r;
	struct map_cursor c = { 0 };
	struct map_entry e;

	while (map_peek(m, &c, &e)) {
		if (record_unpack(e.bytes, &r) || r.id <= *last)
			return "not a record, or not in order";
		*last = r.id;
		++*n;
	}
	return NULL;
}

static struct map_config on_disk(struct world *w, const char *file)
{
	return (struct map_config){ .file = file, .slots = 4, .rng = &w->rng, .ring_bytes = 64 * 1024,
				    .wall = 1700000000000 };
}

/* 300 records, of which only some fit the map's ring, and a call that is up; then the end. */
static void end_with_a_full_disk(struct world *w, const char *file, const char *in_the_way)
{
	struct map_config c = on_disk(w, file);
	static struct call_record live;

	up(w, 0);
	store_close(w->s);
	map_close(w->map);
	rng_seed(&w->rng, 1);
	assert_int_equal(map_open(&w->map, &c, NULL, NULL), OK);
	assert_int_equal(store_open(&w->s, &(struct store_config){ .loop = w->l, .map = w->map, .path = ":memory:",
			 .inline_mode = true }, NULL), OK);
	db_break(store_db(w->s), DB_FAIL_FULL);
	for (int i = 0; i < 300; i++)
		finish_one(w);
	t_record(&live, map_id(w->map, w->l->wall), 2);
	assert_int_equal(map_live_put(w->map, &live, STR("saved")), OK);
	assert_true(map_waiting(w->map) > 100);
	if (in_the_way)
		assert_int_equal(mkdir(in_the_way, 0700), 0);
	down(w);
}

static void closing_with_a_full_disk_keeps_what_waits_in_memory(void **state)
{
	struct world w;
	char dir[256], file[300];
	struct map_config c = on_disk(&w, file);
	struct map_news news;
	uint64_t last = 0;
	unsigned n = 0;

	(void)state;
	t_dir(dir);
	snprintf(file, sizeof file, "%s/records.map", dir);
	end_with_a_full_disk(&w, file, NULL);
	assert_non_null(strstr(w.log, "last 300 entries"));
	assert_int_equal(map_open(&w.map, &c, &news, NULL), OK);
	assert_int_equal(news.entries, 300);
	assert_int_equal(news.live, 1);
	assert_int_equal(news.damaged, 0);
	assert_null(count_ids(w.map, &last, &n));
	assert_int_equal(n, 301);
	map_close(w.map);
	t_dir_gone(dir);
}

static void what_cannot_be_kept_at_the_end_is_counted(void **state)
{
	struct world w;
	char dir[256], file[300], in_the_way[310];
	struct map_config c = on_disk(&w, file);
	struct map_news news;
	char said[60];

	(void)state;
	t_dir(dir);
	snprintf(file, sizeof file, "%s/records.map", dir);
	snprintf(in_the_way, sizeof in_the_way, "%s.new", file);
	end_with_a_full_disk(&w, file, in_the_way);
	assert_int_equal(rmdir(in_the_way), 0);
	assert_int_equal(map_open(&w.map, &c, &news, NULL), OK);
	assert_true(news.entries < 200);
	snprintf(said, sizeof said, "store: %u records are lost for good", 300 - news.entries);
	assert_non_null(strstr(w.error, said));
	assert_int_equal(news.live, 1);
	map_close(w.map);
	t_dir_gone(dir);
}

static enum err add_one(struct db *db, void *arg)
{
	(void)db;
	++*(int *)arg;
	return ERR_GONE;
}

static void a_jobs_result_is_an_event(void **state)
{
	struct store_event ev;
	struct world w;
	int n = 0;

	(void)state;
	up(&w, 10);
	assert_int_equal(store_run(w.s, add_one, &n, 77), OK);
	assert_false(store_next(w.s, &ev));
	sim_for(w.l, 10);
	assert_true(store_next(w.s, &ev));
	assert_int_equal(ev.owner, 77);
	assert_int_equal(ev.err, ERR_GONE);
	assert_ptr_equal(ev.arg, &n);
	assert_int_equal(n, 1);
	assert_false(store_next(w.s, &ev));
	down(&w);
}

static void too_many_jobs_are_refused(void **state)
{
	struct world w;
	int n = 0;

	(void)state;
	up(&w, 10);
	for (int i = 0; i < STORE_JOBS_MAX; i++)
		assert_int_equal(store_run(w.s, add_one, &n, 1), OK);
	assert_int_equal(store_run(w.s, add_one, &n, 1), ERR_LIMIT);
	down(&w);			/* those that wait are run, not leaked */
	assert_int_equal(n, STORE_JOBS_MAX);
}

static bool count_reg(void *ctx, const struct reg_row *r)
{
	(void)r;
	++*(int *)ctx;
	return true;
}

static bool count_audit(void *ctx, const struct audit_row *a)
{
	assert_true(a->id && a->at_wall);
	++*(int *)ctx;
	return true;
}

static void registrations_and_audit_go_the_same_way(void **state)
{
	struct reg_row r = { .phone = "desk", .contact = "sip:a" }, q = { .phone = "x" };
	struct audit_row a = { .action = "apply" };
	struct world w;
	int regs = 0, lines = 0;

	(void)state;
	memset(r.user_agent, 'u', sizeof r.user_agent);	/* unended: cut */
	up(&w, 0);
	store_reg_put(w.s, &r);
	store_reg_put(w.s, &q);
	store_reg_delete(w.s, &q);
	store_audit(w.s, &a);
	loop_turn(w.l);
	sim_for(w.l, 100);
	assert_int_equal(db_regs(store_db(w.s), count_reg, &regs), OK);
	assert_int_equal(db_audit(store_db(w.s), 0, 0, count_audit, &lines), OK);
	assert_int_equal(regs, 1);
	assert_int_equal(lines, 1);
	down(&w);
}

struct seen { int n, gone; char source[64]; };

static void see_reg(void *ctx, const struct reg_row *r, bool gone)
{
	struct seen *s = ctx;

	s->n++;
	s->gone += gone;
	(void)str_copy(s->source, sizeof s->source, str_of(r->source));
}

static void what_waits_in_the_map_is_read_over_what_is_stored(void **state)
{
	struct reg_row r = { .phone = "desk", .contact = "sip:a", .source = "192.0.2.1:5060" };
	struct seen s = { 0 };
	struct world w;

	(void)state;
	up(&w, 0);
	store_reg_put(w.s, &r);
	loop_turn(w.l);
	sim_for(w.l, 100);		/* this one is in the database */
	(void)str_copy(r.source, sizeof r.source, STR("192.0.2.2:5060"));
	store_reg_put(w.s, &r);
	finish_one(&w);			/* not a registration */
	assert_int_equal(store_regs(w.s, see_reg, &s), OK);
	assert_int_equal(s.n, 2);
	assert_string_equal(s.source, "192.0.2.2:5060");
	store_reg_delete(w.s, &r);
	s = (struct seen){ 0 };
	db_break(store_db(w.s), DB_FAIL_IO);	/* what waits is known without the disk */
	(void)store_regs(w.s, see_reg, &s);
	assert_int_equal(s.gone, 1);
	db_break(store_db(w.s), DB_FAIL_NONE);
	down(&w);
}

static void an_unreadable_entry_is_counted_and_told(void **state)
{
	struct store_view v;
	struct world w;

	(void)state;
	up(&w, 0);
	map_push(w.map, MAP_RECORD, STR("rubbish"));
	finish_one(&w);
	sim_for(w.l, 100);
	store_look(w.s, &v);
	assert_int_equal(v.unreadable, 1);
	assert_int_equal(v.written, 1);
	assert_int_equal(w.logged, 1);
	down(&w);
}

/* ---- the thread, on the real loop ---- */

struct live {
	struct loop *l;
	struct store *s;
	struct map *map;
	int got;
};

static void live_turn(void *ctx)
{
	struct live *v = ctx;
	struct store_event ev;

	store_turn(v->s);
	while (store_next(v->s, &ev))
		v->got++;
	if (v->got == 20 && !store_busy(v->s))
		loop_stop(v->l);
}

static void the_thread_writes_and_answers(void **state)
{
	static struct call_record r;
	struct live v = { .got = 0 };
	struct rng rng;
	uint64_t n = 0;
	int ran = 0;

	(void)state;
	rng_seed(&rng, 1);
	v.l = loop_new();
	assert_int_equal(map_open(&v.map, &(struct map_config){ .slots = 4, .rng = &rng,
			 .ring_bytes = 64 * 1024, .wall = v.l->wall }, NULL, NULL), OK);
	assert_int_equal(store_open(&v.s, &(struct store_config){ .loop = v.l, .map = v.map,
			 .path = ":memory:" }, NULL), OK);
	assert_int_equal(store_start(v.s), OK);
	assert_null(store_db(v.s));
	loop_on_turn(v.l, live_turn, &v);
	for (int i = 0; i < 20; i++) {
		t_record(&r, map_id(v.map, v.l->wall), 2);
		map_finish(v.map, &r);
		assert_int_equal(store_run(v.s, add_one, &ran, 1), OK);
	}
	loop_run(v.l);
	assert_int_equal(ran, 20);
	t_record(&r, map_id(v.map, v.l->wall), 2);
	map_finish(v.map, &r);		/* written by the close */
	assert_int_equal(store_run(v.s, add_one, &n, 1), OK);
	store_close(v.s);
	assert_int_equal(map_pending(v.map), 0);
	assert_int_equal(n, 1);
	map_close(v.map);
	loop_free(v.l);
}

int run_store(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_is_in_the_database_within_100_ms),
		cmocka_unit_test(what_is_older_than_its_days_goes_in_small_steps),
		cmocka_unit_test(what_cannot_be_opened_at_the_start_is_opened_later),
		cmocka_unit_test(records_that_come_together_are_written_together),
		cmocka_unit_test(what_comes_while_a_batch_is_written_waits_for_company),
		cmocka_unit_test(a_full_disk_loses_nothing_and_is_told_once),
		cmocka_unit_test(records_that_are_lost_are_told_once_a_minute),
		cmocka_unit_test(a_slow_disk_is_an_alarm_while_it_writes),
		cmocka_unit_test(the_tail_moves_only_after_the_commit),
		cmocka_unit_test(closing_writes_what_is_pending),
		cmocka_unit_test(closing_with_a_dead_disk_leaves_the_map_alone),
		cmocka_unit_test(closing_with_a_full_disk_keeps_what_waits_in_memory),
		cmocka_unit_test(what_cannot_be_kept_at_the_end_is_counted),
		cmocka_unit_test(a_jobs_result_is_an_event),
		cmocka_unit_test(too_many_jobs_are_refused),
		cmocka_unit_test(registrations_and_audit_go_the_same_way),
		cmocka_unit_test(what_waits_in_the_map_is_read_over_what_is_stored),
		cmocka_unit_test(an_unreadable_entry_is_counted_and_told),
		cmocka_unit_test(the_thread_writes_and_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
