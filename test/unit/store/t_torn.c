/* t_torn.c - files cut and scribbled on, everywhere in their last 64 KiB: what came before is still read.
 * TORN_STEP, TORN_DB_STEP: every so many bytes of the map and of the database; TORN_REPORT: a file
 * for what was counted. */
#include "t_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/db.h"
#include "store/ring_int.h"
#include "store/store.h"
#include "sim/sim_loop.h"

enum { TAIL = 65536, STEP = 997, REGS = 40 };

static size_t step(const char *name)
{
	const char *s = getenv(name);
	uint32_t n = STEP;

	return s && str_u32(str_of(s), TAIL, &n) == OK && n ? n : STEP;
}

static void report(const char *what, unsigned tries)
{
	const char *name = getenv("TORN_REPORT");
	FILE *f = name ? fopen(name, "ae") : NULL;

	if (!f)
		return;
	fprintf(f, "%s %u\n", what, tries);
	fclose(f);
}

/* --- the map --- */

struct got { unsigned entries, bad; };

static void on_entry(void *ctx, enum map_kind kind, struct str bytes)
{
	static struct call_record r;
	struct got *g = ctx;

	g->entries++;
	g->bad += kind != MAP_RECORD || record_unpack(bytes, &r) != OK;
}

static void on_live(void *ctx, const struct call_record *r, struct str saved, int64_t beat)
{
	(void)r;
	(void)saved;
	(void)beat;
	((struct got *)ctx)->bad++;	/* none was up */
}

/* Entries read, all of them good; *damaged as map_salvage() says. */
static unsigned read_map(const char *p, size_t n, uint32_t *damaged)
{
	struct got g = { 0 };
	const struct map_found f = { &g, on_entry, on_live };

	(void)map_salvage((struct str){ p, n }, &f, damaged);
	assert_int_equal(g.bad, 0);
	return g.entries;
}

/* The image of a map whose ring ends with its last record, and how many there are. */
static char *full_map(size_t *n, unsigned *records)
{
	static struct call_record r;
	struct map_config cfg = { .slots = 1, .ring_bytes = 1 << 17, .wall = 1700000000000 };
	struct rng rng;
	struct map *m;
	struct str s;
	char *copy;

	rng_seed(&rng, 1);
	cfg.rng = &rng;
	assert_int_equal(map_open(&m, &cfg, NULL, NULL), OK);
	for (*records = 0; !map_waiting(m); ++*records) {
		t_record(&r, map_id(m, cfg.wall), 2);
		map_finish(m, &r);
	}
	--*records;			/* the last one was in memory only */
	s = map_image(m);
	copy = mem_dup(s.p, s.n);
	*n = s.n;
	map_close(m);
	return copy;
}

/* Whole items before this place of the file. */
static unsigned before(const char *p, size_t place)
{
	size_t at = MAP_HEAD_BYTES + MAP_SLOT_BYTES;
	struct map_item i;
	unsigned n = 0;

	for (;; n++) {
		memcpy(&i, p + at, sizeof i);
		if (at + sizeof i + i.len > place || i.magic != MAP_ITEM_MAGIC || i.kind == MAP_PAD)
			return n;
		at += map_item_size(i.len);
	}
}

static void of_a_map_torn_anywhere_all_entries_before_are_read(void **state)
{
	unsigned records, tries = 0;
	uint32_t damaged;
	size_t n;
	char *p = full_map(&n, &records);

	(void)state;
	assert_int_equal(read_map(p, n, &damaged), records);
	assert_int_equal(damaged, 0);
	for (size_t at = n - TAIL; at < n; at += step("TORN_STEP"), tries += 2) {
		unsigned whole = before(p, at), cut = read_map(p, at, &damaged);

		assert_in_range(cut, whole, whole + 1);
		assert_true(damaged > 0);
		p[at] ^= 0x41;
		cut = read_map(p, n, &damaged);
		p[at] ^= 0x41;
		assert_in_range(cut, records - 1, records);	/* one entry, and padding is nobody's */
		assert_true(cut == records || damaged > 0);
	}
	report("map", tries);
	mem_free(p);
}

static void a_damaged_map_is_kept_aside(void **state)
{
	char dir[256], path[300], aside[320];
	struct map_config cfg = { .slots = 1, .wall = 1700000000000 };
	struct map_news news;
	struct rng rng;
	struct map *m;
	int fd;

	(void)state;
	t_dir(dir);
	snprintf(path, sizeof path, "%s/records.map", dir);
	snprintf(aside, sizeof aside, "%s.damaged", path);
	rng_seed(&rng, 1);
	cfg.rng = &rng;
	cfg.file = path;
	assert_int_equal(map_open(&m, &cfg, &news, NULL), OK);
	map_close(m);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "scribble", 8, 16), 8);
	close(fd);
	assert_int_equal(map_open(&m, &cfg, &news, NULL), OK);
	assert_true(news.damaged > 0);
	assert_int_equal(access(aside, F_OK), 0);
	map_close(m);
	t_dir_gone(dir);
}

/* --- the database --- */

struct file { char *p; size_t n; };

static struct file slurp(const char *path)
{
	FILE *f = fopen(path, "rbe");
	struct file x = { mem_new(4 << 20), 0 };

	assert_non_null(f);
	x.n = fread(x.p, 1, 4 << 20, f);
	fclose(f);
	return x;
}

static void spill(const char *path, const char *p, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, p, n), n);
	close(fd);
}

static bool one_reg(void *ctx, const struct reg_row *r)
{
	(void)r;
	++*(unsigned *)ctx;
	return true;
}

static void put_reg(struct db *db, unsigned i)
{
	struct reg_row r = { .contact = "sip:a@192.0.2.1", .source = "192.0.2.1:5060" };
	char mem[REG_PACK_MAX];
	struct map_entry e = { .kind = MAP_REG_PUT };
	uint32_t bad;
	struct buf b;

	snprintf(r.phone, sizeof r.phone, "desk-%04u", i);
	buf_init(&b, mem, sizeof mem);
	row_pack(&b, &reg_row_kind, &r);
	e.bytes = buf_str(&b);
	assert_int_equal(db_apply(db, &e, 1, &bad), OK);
}

/* A database in `dir` as a kill leaves it, one transaction a row; end[i]: of its log after row i. */
static void killed_db(const char *dir, struct file f[2], size_t end[REGS])
{
	char path[300], wal[310];
	struct file now;
	struct db *db;

	snprintf(path, sizeof path, "%s/t.db", dir);
	snprintf(wal, sizeof wal, "%s-wal", path);
	assert_int_equal(db_open(&db, path, NULL), OK);
	for (unsigned i = 0; i < REGS; i++) {
		put_reg(db, i);
		now = slurp(wal);
		end[i] = now.n;
		mem_free(now.p);
	}
	f[0] = slurp(path);
	f[1] = slurp(wal);
	db_close(db);
}

/* Rows that are read of these two files; a failure says why. */
static unsigned rows_of(const char *path, const struct file *db_file, const struct file *wal_file)
{
	char wal[310], shm[310], said[400];
	unsigned rows = 0;
	struct db *db;
	struct buf why;

	snprintf(wal, sizeof wal, "%s-wal", path);
	snprintf(shm, sizeof shm, "%s-shm", path);
	unlink(shm);
	spill(path, db_file->p, db_file->n);
	spill(wal, wal_file->p, wal_file->n);
	buf_init(&why, said, sizeof said);
	if (db_open(&db, path, &why)) {
		assert_true(why.n > 0);
		return 0;
	}
	if (db_regs(db, one_reg, &rows))
		assert_true(db_why(db)[0] != 0);
	db_close(db);
	return rows;
}

static void of_a_log_torn_anywhere_all_transactions_before_are_read(void **state)
{
	char dir[256], path[300];
	size_t end[REGS], from;
	struct file f[2], cut;
	unsigned tries = 0;

	(void)state;
	t_dir(dir);
	killed_db(dir, f, end);
	snprintf(path, sizeof path, "%s/torn.db", dir);
	assert_int_equal(rows_of(path, &f[0], &f[1]), REGS);
	from = f[1].n > TAIL ? f[1].n - TAIL : 0;
	for (size_t at = from; at < f[1].n; at += step("TORN_DB_STEP"), tries += 2) {
		unsigned whole = 0;

		while (whole < REGS && end[whole] <= at)
			whole++;
		cut = (struct file){ f[1].p, at };
		assert_int_equal(rows_of(path, &f[0], &cut), whole);
		f[1].p[at] ^= 0x41;
		assert_int_equal(rows_of(path, &f[0], &f[1]), whole);
		f[1].p[at] ^= 0x41;
	}
	report("log", tries);
	mem_free(f[0].p);
	mem_free(f[1].p);
	t_dir_gone(dir);
}

/* A page has no checksum: what matters is that nothing crashes, and that a failure is told. */
static void a_database_torn_anywhere_is_read_or_says_why(void **state)
{
	char dir[256], path[300];
	size_t end[REGS], from;
	struct file f[2], none = { NULL, 0 }, cut;
	unsigned tries = 0;

	(void)state;
	t_dir(dir);
	killed_db(dir, f, end);
	mem_free(f[0].p);
	snprintf(path, sizeof path, "%s/t.db", dir);
	f[0] = slurp(path);		/* closed well: the log is in it */
	snprintf(path, sizeof path, "%s/torn.db", dir);
	none.p = f[1].p;
	assert_int_equal(rows_of(path, &f[0], &none), REGS);
	from = f[0].n > TAIL ? f[0].n - TAIL : 0;
	for (size_t at = from; at < f[0].n; at += step("TORN_DB_STEP"), tries += 2) {
		cut = (struct file){ f[0].p, at };
		(void)rows_of(path, &cut, &none);
		f[0].p[at] ^= 0x41;
		(void)rows_of(path, &f[0], &none);
		f[0].p[at] ^= 0x41;
	}
	report("database", tries);
	mem_free(f[0].p);
	mem_free(f[1].p);
	t_dir_gone(dir);
}

static unsigned told;

static void on_log(void *ctx, enum log_level level, struct str line)
{
	(void)ctx;
	told += level == LOG_ERROR && memmem(line.p, line.n, ".damaged", 8) != NULL;
}

static void a_database_that_is_none_is_kept_aside_and_the_daemon_starts(void **state)
{
	char dir[256], path[300], aside[320], said[400];
	struct loop *l = sim_new(1);
	struct store_config c = { .loop = l, .path = path, .inline_mode = true };
	struct store *s;
	struct buf why;

	(void)state;
	t_dir(dir);
	snprintf(path, sizeof path, "%s/t.db", dir);
	snprintf(aside, sizeof aside, "%s.damaged", path);
	spill(path, "this is no database, and has not been one for quite a while; it is long enough to be looked at", 95);
	l->log = (struct log){ .level = LOG_INFO, .write = on_log };
	told = 0;
	buf_init(&why, said, sizeof said);
	assert_int_equal(store_open(&s, &c, &why), OK);
	assert_int_equal(access(aside, F_OK), 0);
	assert_int_equal(told, 1);
	store_close(s);
	sim_free(l);
	t_dir_gone(dir);
}

/* A link to itself cannot be read by anybody, root included. */
static void a_map_that_cannot_be_read_is_no_missing_one(void **state)
{
	char dir[256], path[300], mem[512];
	struct stat st;
	struct rng rng;
	struct map_config c = { .file = path, .slots = 1, .rng = &rng, .wall = 1700000000000 };
	struct map *m;
	struct buf why;

	(void)state;
	t_dir(dir);
	rng_seed(&rng, 1);
	snprintf(path, sizeof path, "%s/records.map", dir);
	buf_init(&why, mem, sizeof mem);
	assert_int_equal(symlink(path, path), 0);
	assert_int_equal(map_open(&m, &c, NULL, &why), ERR_IO);
	assert_non_null(strstr(buf_z(&why), path));
	assert_non_null(strstr(buf_z(&why), strerror(ELOOP)));
	assert_non_null(strstr(buf_z(&why), "chown"));
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));	/* nothing was laid over it */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);	/* can be opened, not read */
	assert_int_equal(map_open(&m, &c, NULL, NULL), ERR_IO);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(map_open(&m, &c, NULL, NULL), OK);
	map_close(m);
	t_dir_gone(dir);
}

/* Or a daemon that died under load finds no room on the tmpfs it had before. */
static void live_calls_of_the_last_run_take_no_more_room_than_their_records(void **state)
{
	static struct call_record r;
	struct map_config c = { .slots = 40, .ring_bytes = 1 << 18, .wall = 1700000000000 };
	struct map_news news;
	struct map *a, *b;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 1);
	c.rng = &rng;
	assert_int_equal(map_open(&a, &c, NULL, NULL), OK);
	for (int i = 0; i < 40; i++) {
		t_record(&r, map_id(a, c.wall), 2);
		r.slot = 0;
		assert_int_equal(map_live_put(a, &r, STR("saved")), OK);
	}
	c.image = map_image(a);
	assert_int_equal(map_open(&b, &c, &news, NULL), OK);
	assert_int_equal(news.live, 40);
	assert_int_equal(map_pending(b), 40);
	assert_int_equal(map_waiting(b), 0);
	assert_int_equal(map_image(b).n, map_image(a).n);
	map_close(a);
	map_close(b);
}

static uint32_t live_found(struct map **m, struct map_config *c)
{
	struct map_news news;

	assert_int_equal(map_open(m, c, &news, NULL), OK);
	return news.live;
}

/* A port is taken, a certificate wrong: the start after that says BYE to the calls that were cut off. */
static void a_start_that_fails_leaves_the_map_to_the_next(void **state)
{
	static struct call_record r;
	char dir[] = "/tmp/tandem-torn-XXXXXX", file[64], next[70];
	struct map_config c = { .slots = 4, .ring_bytes = 1 << 18, .wall = 1700000000000, .file = file };
	struct map_orphan o;
	struct map *m;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 1);
	c.rng = &rng;
	assert_non_null(mkdtemp(dir));
	snprintf(file, sizeof file, "%s/records.map", dir);
	snprintf(next, sizeof next, "%s.new", file);
	assert_int_equal(live_found(&m, &c), 0);
	t_record(&r, map_id(m, c.wall), 2);
	r.slot = 0;
	assert_int_equal(map_live_put(m, &r, STR("saved")), OK);
	map_close(m);
	c.hold = true;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(live_found(&m, &c), 1);
		assert_int_equal(access(next, F_OK), 0);
		map_close(m);
		assert_int_not_equal(access(next, F_OK), 0);
	}
	assert_int_equal(live_found(&m, &c), 1);
	assert_int_equal(map_take(m, NULL), OK);
	assert_true(map_orphan(m, 0, &o));
	map_close(m);
	assert_int_equal(live_found(&m, &c), 0);
	map_close(m);
	(void)unlink(file);
	snprintf(next, sizeof next, "%s.lock", file);
	(void)unlink(next);
	(void)rmdir(dir);
}

int run_torn(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_start_that_fails_leaves_the_map_to_the_next),
		cmocka_unit_test(live_calls_of_the_last_run_take_no_more_room_than_their_records),
		cmocka_unit_test(a_map_that_cannot_be_read_is_no_missing_one),
		cmocka_unit_test(of_a_map_torn_anywhere_all_entries_before_are_read),
		cmocka_unit_test(a_damaged_map_is_kept_aside),
		cmocka_unit_test(of_a_log_torn_anywhere_all_transactions_before_are_read),
		cmocka_unit_test(a_database_torn_anywhere_is_read_or_says_why),
		cmocka_unit_test(a_database_that_is_none_is_kept_aside_and_the_daemon_starts),
	};

	return cmocka_run_group_tests_name("torn", tests, NULL, NULL);
}
