/* t_ring.c - the map: what survives a kill, and what a reader makes of a torn file. */
#include "t_store.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/ring_int.h"

enum { NOW = 1000 };
static const int64_t wall = 1700000000000;

struct world {
	struct rng rng;
	struct map_config cfg;
	struct map *m;
	struct map_news news;
};

static void up(struct world *w, struct str image)
{
	rng_seed(&w->rng, 1);
	w->cfg = (struct map_config){ .slots = 4, .ring_bytes = 64 * 1024, .rng = &w->rng,
				      .wall = wall, .image = image };
	assert_int_equal(map_open(&w->m, &w->cfg, &w->news, NULL), OK);
}

static unsigned count(const struct map *m, enum map_kind kind)
{
	struct map_cursor c = { 0 };
	struct map_entry e;
	unsigned n = 0;

	while (map_peek(m, &c, &e))
		n += e.kind == kind;
	return n;
}

static void first(const struct map *m, struct call_record *r)
{
	struct map_cursor c = { 0 };
	struct map_entry e;

	assert_true(map_peek(m, &c, &e));
	assert_int_equal(e.kind, MAP_RECORD);
	assert_int_equal(record_unpack(e.bytes, r), OK);
}

static void a_finished_record_waits_for_the_store(void **state)
{
	static struct call_record in, out;
	struct world w;

	(void)state;
	up(&w, STR_NONE);
	t_record(&in, map_id(w.m, wall), 3);
	map_finish(w.m, &in);
	assert_int_equal(map_pending(w.m), 1);
	first(w.m, &out);
	t_same(&in, &out);
	map_advance(w.m, 1);
	assert_int_equal(map_pending(w.m), 0);
	assert_int_equal(count(w.m, MAP_RECORD), 0);
	map_close(w.m);
}

static void ids_grow_even_when_the_clock_goes_back(void **state)
{
	struct world w;
	uint64_t last = 0;

	(void)state;
	up(&w, STR_NONE);
	for (int i = 0; i < 40000; i++) {
		uint64_t id = map_id(w.m, wall - i / 3);

		assert_true(id > last);
		last = id;
	}
	assert_true(last < INT64_MAX);
	map_close(w.m);
}

static void ids_grow_over_a_restart_with_a_clock_set_back(void **state)
{
	struct world a, b;
	uint64_t last;

	(void)state;
	up(&a, STR_NONE);
	last = map_id(a.m, wall + 3600000);
	up(&b, map_image(a.m));
	assert_true(map_id(b.m, wall) > last);
	assert_true(map_boot(b.m) != map_boot(a.m));
	map_close(a.m);
	map_close(b.m);
}

static void a_live_call_becomes_a_record_of_a_restart(void **state)
{
	static struct call_record in, out;
	struct world a, b;
	struct map_orphan o;

	(void)state;
	up(&a, STR_NONE);
	t_record(&in, map_id(a.m, wall), 2);
	in.answer_wall = wall + 1000;
	assert_int_equal(map_live_put(a.m, &in, STR("two dialogs")), OK);
	map_heartbeat(a.m, wall + 61000);
	up(&b, map_image(a.m));
	assert_int_equal(b.news.live, 1);
	assert_int_equal(b.news.damaged, 0);
	first(b.m, &out);
	assert_true(out.id == in.id);
	assert_string_equal(out.reason, "restart");
	assert_int_equal(out.end_wall, wall + 61000);
	assert_int_equal(out.talk_ms, 60000);
	assert_string_equal(out.leg[1].reason, "restart");
	assert_true(map_orphan(b.m, 0, &o));
	assert_true(str_is(o.saved, "two dialogs"));
	assert_true(o.record->id == in.id);
	assert_false(map_orphan(b.m, 1, &o));
	map_forget_orphans(b.m);
	assert_false(map_orphan(b.m, 0, &o));
	map_close(a.m);
	map_close(b.m);
}

static void a_call_cut_off_on_hold_was_held_to_its_end(void **state)
{
	static struct call_record in, out;
	struct world a, b;

	(void)state;
	up(&a, STR_NONE);
	t_record(&in, map_id(a.m, wall), 1);
	in.start_wall = wall;
	in.answer_wall = wall + 1000;
	in.ring_ms = 1000;
	in.held_ms = (uint32_t)-5000;	/* on hold since 5 s after the start */
	assert_int_equal(map_live_put(a.m, &in, STR_NONE), OK);
	map_heartbeat(a.m, wall + 61000);
	up(&b, map_image(a.m));
	first(b.m, &out);
	assert_int_equal(out.talk_ms, 60000);
	assert_int_equal(out.held_ms, 56000);
	map_close(a.m);
	map_close(b.m);
}

static void the_newest_copy_of_a_live_call_counts(void **state)
{
	static struct call_record in, out;
	struct world a, b;

	(void)state;
	up(&a, STR_NONE);
	t_record(&in, map_id(a.m, wall), 1);
	for (int i = 0; i < 5; i++) {
		snprintf(in.final_called, sizeof in.final_called, "%d", i);
		assert_int_equal(map_live_put(a.m, &in, STR("x")), OK);
		up(&b, map_image(a.m));
		first(b.m, &out);
		assert_string_equal(out.final_called, in.final_called);
		map_close(b.m);
	}
	map_close(a.m);
}

static void a_copy_half_written_leaves_the_older_one(void **state)
{
	static struct call_record in, out;
	struct world a, b;
	char *image, *slot;
	struct str s;

	(void)state;
	up(&a, STR_NONE);
	t_record(&in, map_id(a.m, wall), 1);
	assert_int_equal(map_live_put(a.m, &in, STR("old")), OK);
	s = map_image(a.m);
	image = mem_dup(s.p, s.n);
	slot = image + MAP_HEAD_BYTES;
	/* the second copy was being written when the process died: not flipped yet */
	memset(slot + MAP_SLOT_HEAD + MAP_COPY_BYTES, 0x5a, MAP_COPY_BYTES);
	up(&b, (struct str){ image, s.n });
	assert_int_equal(b.news.live, 1);
	assert_int_equal(b.news.damaged, 0);
	map_close(b.m);
	/* the good one got scribbled over after the flip: the other is better than nothing */
	assert_int_equal(map_live_put(a.m, &in, STR("new")), OK);
	memcpy(image, map_image(a.m).p, s.n);
	slot[MAP_SLOT_HEAD + MAP_COPY_BYTES + 100] ^= 1;
	up(&b, (struct str){ image, s.n });
	assert_int_equal(b.news.live, 1);
	assert_int_equal(b.news.damaged, 1);
	first(b.m, &out);
	assert_true(out.id == in.id);
	map_close(b.m);
	map_close(a.m);
	mem_free(image);
}

static void a_finished_call_is_not_live_any_more(void **state)
{
	static struct call_record in;
	struct world a, b;

	(void)state;
	up(&a, STR_NONE);
	for (int i = 0; i < 10; i++) {	/* more than slots: they are given back */
		t_record(&in, map_id(a.m, wall), 1);
		assert_int_equal(map_live_put(a.m, &in, STR("x")), OK);
		assert_int_equal(map_live_put(a.m, &in, STR("y")), OK);
		map_finish(a.m, &in);
		assert_int_equal(in.slot, 0);
	}
	up(&b, map_image(a.m));
	assert_int_equal(b.news.live, 0);
	assert_int_equal(b.news.entries, 10);
	map_close(a.m);
	map_close(b.m);
}

static void without_a_free_slot_the_call_goes_on(void **state)
{
	static struct call_record r[5];
	struct world w;

	(void)state;
	up(&w, STR_NONE);
	for (int i = 0; i < 4; i++) {
		t_record(&r[i], map_id(w.m, wall), 1);
		assert_int_equal(map_live_put(w.m, &r[i], STR("x")), OK);
	}
	t_record(&r[4], map_id(w.m, wall), 1);
	assert_int_equal(map_live_put(w.m, &r[4], STR("x")), ERR_LIMIT);
	assert_int_equal(r[4].slot, 0);
	assert_int_equal(map_refused(w.m), 1);
	map_finish(w.m, &r[4]);
	assert_int_equal(map_pending(w.m), 1);
	map_close(w.m);
}

static void the_fullest_call_fits_its_slot(void **state)
{
	static struct call_record in, out;
	struct reason why = REASON(LIMIT_TOTAL, STR("4000"));
	char saved[MAP_SAVED_MAX];
	struct world a, b;
	struct map_orphan o;

	(void)state;
	up(&a, STR_NONE);
	t_record(&in, map_id(a.m, wall), RECORD_LEGS);
	for (int i = 0; i < record_leg_row.nfield; i++) {
		const struct row_field *f = &record_leg_row.field[i];

		for (int k = 0; f->type == ROW_TEXT && k < RECORD_LEGS; k++)
			memset((char *)&in.leg[k] + f->offset, 'x', f->size - 1);
	}
	for (int i = 0; i < 20; i++)
		record_add_note(&in, 0, &why);
	memset(saved, 's', sizeof saved);
	assert_int_equal(map_live_put(a.m, &in, (struct str){ saved, sizeof saved }), OK);
	up(&b, map_image(a.m));
	first(b.m, &out);
	assert_int_equal(out.nleg, 4);
	assert_int_equal(out.legs_lost, RECORD_LEGS - 4);
	assert_true(map_orphan(b.m, 0, &o));
	assert_int_equal(o.saved.n, sizeof saved);
	assert_int_equal(map_live_put(a.m, &in, (struct str){ saved, sizeof saved + 1 }), ERR_LIMIT);
	map_close(a.m);
	map_close(b.m);
}

static void a_full_ring_lets_records_wait_in_order(void **state)
{
	static struct call_record r;
	struct map_cursor c = { 0 };
	struct map_entry e;
	struct world w;
	uint64_t last = 0;

	(void)state;
	up(&w, STR_NONE);
	for (int i = 0; i < 500; i++) {
		t_record(&r, map_id(w.m, wall), 2);
		map_finish(w.m, &r);
	}
	assert_int_equal(map_pending(w.m), 500);
	assert_true(map_waiting(w.m) > 300);
	for (int left = 500; left; left--) {
		memset(&c, 0, sizeof c);
		assert_true(map_peek(w.m, &c, &e));
		assert_int_equal(record_unpack(e.bytes, &r), OK);
		assert_true(r.id > last);
		last = r.id;
		map_advance(w.m, 1);
		assert_int_equal(map_pending(w.m), left - 1);
	}
	assert_int_equal(map_waiting(w.m), 0);
	assert_int_equal(map_lost(w.m), 0);
	map_close(w.m);
}

static void a_hundred_thousand_records_wait_for_a_dead_disk(void **state)
{
	static struct call_record r;
	struct map_cursor c = { 0 };
	struct map_entry e;
	struct world w = { 0 };
	uint32_t n = 0;

	(void)state;
	rng_seed(&w.rng, 1);
	w.cfg = (struct map_config){ .slots = 1, .rng = &w.rng, .wall = wall };
	assert_int_equal(map_open(&w.m, &w.cfg, &w.news, NULL), OK);
	for (int i = 0; i < 100000; i++) {
		t_record(&r, map_id(w.m, wall), 2);
		map_finish(w.m, &r);
	}
	assert_int_equal(map_pending(w.m), 100000);
	assert_int_equal(map_lost(w.m), 0);
	while (map_peek(w.m, &c, &e))
		n++;
	assert_int_equal(n, 100000);
	map_close(w.m);
}

static void past_the_memorys_limit_the_newest_are_lost_and_counted(void **state)
{
	static struct call_record r;
	struct map_entry e;
	struct world w = { 0 };
	struct map_cursor c = { 0 };
	uint64_t first = 0;

	(void)state;
	rng_seed(&w.rng, 1);
	w.cfg = (struct map_config){ .slots = 1, .rng = &w.rng, .wall = wall, .ring_bytes = 64 * 1024,
				     .wait_bytes = 64 * 1024 };
	assert_int_equal(map_open(&w.m, &w.cfg, &w.news, NULL), OK);
	for (int i = 0; i < 1000; i++) {
		t_record(&r, map_id(w.m, wall), 2);
		first = first ? first : r.id;
		map_finish(w.m, &r);
	}
	assert_true(map_waiting(w.m) > 10 && map_lost(w.m) > 500);
	assert_int_equal(map_pending(w.m) + map_lost(w.m), 1000);
	assert_true(map_peek(w.m, &c, &e));
	assert_int_equal(record_unpack(e.bytes, &r), OK);
	assert_int_equal(r.id, first);
	map_close(w.m);
}

static void all_entries_are_seen_in_one_walk(void **state)
{
	static struct call_record r;
	struct world w;

	(void)state;
	up(&w, STR_NONE);
	for (int i = 0; i < 100; i++) {
		t_record(&r, map_id(w.m, wall), 2);
		map_finish(w.m, &r);
		map_push(w.m, MAP_AUDIT, STR("line"));
	}
	assert_int_equal(count(w.m, MAP_RECORD), 100);
	assert_int_equal(count(w.m, MAP_AUDIT), 100);
	map_advance(w.m, 200);
	assert_int_equal(map_pending(w.m), 0);
	map_close(w.m);
}

/* After many rounds the ring has wrapped at every alignment. */
static void a_wrapped_ring_is_read_whole(void **state)
{
	static struct call_record r;
	struct world a, b;

	(void)state;
	up(&a, STR_NONE);
	for (unsigned i = 0; i < 300; i++) {
		t_record(&r, map_id(a.m, wall), i % 5);
		r.calling[0] = 0;
		if (i % 3)
			r.text[0] = 0;
		map_finish(a.m, &r);
		map_push(a.m, MAP_AUDIT, (struct str){ r.called, i % 7 });
		if (i > 5)
			map_advance(a.m, 2);
		if (i % 10)
			continue;
		up(&b, map_image(a.m));
		assert_int_equal(b.news.damaged, 0);
		assert_int_equal(b.news.entries, map_pending(a.m));
		map_close(b.m);
	}
	map_close(a.m);
}

struct tally {
	unsigned entries, live, bad;
	uint64_t last;
};

static void tally_entry(void *ctx, enum map_kind kind, struct str bytes)
{
	static struct call_record r;
	struct tally *t = ctx;

	t->entries++;
	if (kind == MAP_RECORD && record_unpack(bytes, &r))
		t->bad++;
}

static void tally_live(void *ctx, const struct call_record *r, struct str saved, int64_t beat)
{
	struct tally *t = ctx;

	(void)beat;
	t->live++;
	t->bad += r->id == 0 || !str_is(saved, "saved");
}

/* A map with n finished records and one live call. */
static char *sample(unsigned n, size_t *bytes)
{
	static struct call_record r;
	struct world w;
	struct str s;
	char *copy;

	up(&w, STR_NONE);
	for (unsigned i = 0; i < n; i++) {
		t_record(&r, map_id(w.m, wall), 2);
		map_finish(w.m, &r);
	}
	t_record(&r, map_id(w.m, wall), 2);
	assert_int_equal(map_live_put(w.m, &r, STR("saved")), OK);
	s = map_image(w.m);
	copy = mem_dup(s.p, s.n);
	*bytes = s.n;
	map_close(w.m);
	return copy;
}

static struct tally read_back(struct str image)
{
	struct tally t = { 0 };
	const struct map_found f = { &t, tally_entry, tally_live };
	uint32_t damaged;

	(void)map_salvage(image, &f, &damaged);
	return t;
}

static void a_file_cut_at_every_byte_gives_all_whole_records_before(void **state)
{
	size_t n, item, start;
	char *image = sample(3, &n);
	struct map_item head;
	struct tally t;

	(void)state;
	start = MAP_HEAD_BYTES + 4 * MAP_SLOT_BYTES;
	memcpy(&head, image + start, sizeof head);
	item = map_item_size(head.len);
	for (size_t cut = start - 100; cut < start + 4 * item; cut++) {
		size_t whole = cut < start ? 0 : (cut - start) / item;

		/* the last item's bytes may be whole before its padding is */
		t = read_back((struct str){ image, cut });
		assert_true(t.entries == (whole > 3 ? 3 : whole) || t.entries == whole + 1);
		assert_int_equal(t.live, 1);
		assert_int_equal(t.bad, 0);
	}
	/* inside the head and the slots */
	for (size_t cut = 0; cut < MAP_HEAD_BYTES + MAP_SLOT_BYTES; cut += 7)
		assert_int_equal(read_back((struct str){ image, cut }).bad, 0);
	mem_free(image);
}

static void a_flipped_byte_costs_at_most_one_entry(void **state)
{
	size_t n, start;
	char *image = sample(3, &n);
	struct tally t;

	(void)state;
	start = MAP_HEAD_BYTES + 4 * MAP_SLOT_BYTES;
	for (size_t i = start; i < start + 8000; i++) {
		image[i] ^= 0x41;
		t = read_back((struct str){ image, n });
		assert_in_range(t.entries, 2, 3);
		assert_int_equal(t.live, 1);
		assert_int_equal(t.bad, 0);
		image[i] ^= 0x41;
	}
	mem_free(image);
}

static void without_its_head_everything_is_still_found(void **state)
{
	size_t n;
	char *image = sample(5, &n);
	struct tally t;

	(void)state;
	for (size_t i = 0; i < offsetof(struct map_head, sum) + 8; i++) {
		if (i >= 8 && i < 12)
			continue;	/* the version: that is another test */
		image[i] ^= 0x10;
		if (i % 8 == 0) {
			t = read_back((struct str){ image, n });
			assert_int_equal(t.entries, 5);
			assert_int_equal(t.live, 1);
		}
		image[i] ^= 0x10;
	}
	memset(image, 0, MAP_HEAD_BYTES);
	t = read_back((struct str){ image, n });
	assert_int_equal(t.entries, 5);
	assert_int_equal(t.live, 1);
	mem_free(image);
}

static void positions_that_make_no_sense_are_not_followed(void **state)
{
	size_t n;
	char *image = sample(5, &n);
	uint64_t bad[] = { UINT64_MAX, UINT64_MAX / 2, 4, 1ull << 40, 0 };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		memcpy(image + offsetof(struct map_head, tail), &bad[i], 8);
		assert_int_equal(read_back((struct str){ image, n }).entries, 5);
	}
	mem_free(image);
}

static void another_version_is_left_alone(void **state)
{
	size_t n;
	char *image = sample(2, &n);
	const struct map_found f = { &(struct tally){ 0 }, tally_entry, tally_live };
	uint32_t damaged;

	(void)state;
	image[8]++;
	assert_int_equal(map_salvage((struct str){ image, n }, &f, &damaged), MAP_READ_FOREIGN);
	assert_int_equal(map_salvage(STR_NONE, &f, &damaged), MAP_READ_EMPTY);
	mem_free(image);
}

/* ---- with a real file ---- */

static void path_of(char path[300], const char *dir)
{
	snprintf(path, 300, "%s/records.map", dir);
}

static enum err open_at(struct world *w, const char *file, struct buf *why)
{
	rng_seed(&w->rng, 1);
	w->m = NULL;
	w->cfg = (struct map_config){ .file = file, .slots = 4, .ring_bytes = 64 * 1024,
				      .rng = &w->rng, .wall = wall };
	return map_open(&w->m, &w->cfg, &w->news, why);
}

static void a_killed_process_leaves_all_it_stored(void **state)
{
	static struct call_record r;
	char dir[256], path[300];
	struct world w;
	pid_t pid;

	(void)state;
	t_dir(dir);
	path_of(path, dir);
	pid = fork();
	if (!pid) {
		if (open_at(&w, path, NULL))
			_exit(1);
		for (int i = 0; i < 7; i++) {
			t_record(&r, map_id(w.m, wall), 2);
			map_finish(w.m, &r);
		}
		t_record(&r, map_id(w.m, wall), 2);
		(void)map_live_put(w.m, &r, STR("saved"));
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(open_at(&w, path, NULL), OK);
	assert_int_equal(w.news.entries, 7);
	assert_int_equal(w.news.live, 1);
	assert_int_equal(w.news.damaged, 0);
	map_close(w.m);
	/* nothing was read off: all eight are there once more, none is live */
	assert_int_equal(open_at(&w, path, NULL), OK);
	assert_int_equal(w.news.entries, 8);
	assert_int_equal(w.news.live, 0);
	map_close(w.m);
	t_dir_gone(dir);
}

/* Finishes calls without end and tells each id after map_finish(); never returns. */
static void work_until_killed(const char *path, int fd)
{
	static struct call_record r;
	struct map_entry e;
	struct world w;

	if (open_at(&w, path, NULL))
		_exit(1);
	for (unsigned i = 0;; i++) {
		struct map_cursor c = { 0 };

		t_record(&r, map_id(w.m, wall), i % 4);
		(void)map_live_put(w.m, &r, STR("saved"));
		if (i % 3)
			(void)map_live_put(w.m, &r, STR("saved"));
		map_finish(w.m, &r);
		if (write(fd, &r.id, sizeof r.id) != sizeof r.id)
			_exit(1);
		if (i > 25 && map_peek(w.m, &c, &e))
			map_advance(w.m, 1);
	}
}

static bool has_id(const struct map *m, uint64_t id)
{
	static struct call_record r;
	struct map_cursor c = { 0 };
	struct map_entry e;

	while (map_peek(m, &c, &e)) {
		if (e.kind == MAP_RECORD && record_unpack(e.bytes, &r) == OK && r.id == id)
			return true;
	}
	return false;
}

/* Killed at twenty places nobody chose: the last ids told are in the map, nothing is torn. */
static void kills_under_load_lose_nothing_that_was_told(void **state)
{
	char dir[256], path[300];
	static uint64_t id[20000];
	struct world w;
	int fd[2];
	pid_t pid;

	(void)state;
	t_dir(dir);
	path_of(path, dir);
	for (int round = 0; round < 20; round++) {
		int n = 0;

		assert_int_equal(pipe(fd), 0);
		pid = fork();
		if (!pid)
			work_until_killed(path, fd[1]);
		close(fd[1]);
		while (n < 40 + 17 * round && read(fd[0], &id[n], 8) == 8)
			n++;
		kill(pid, SIGKILL);
		while (n < 20000 && read(fd[0], &id[n], 8) == 8)
			n++;		/* what it told before it died */
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		close(fd[0]);
		assert_in_range(n, 40, 19999);
		assert_int_equal(open_at(&w, path, NULL), OK);
		assert_int_equal(w.news.damaged, 0);
		assert_in_range(w.news.live, 0, 1);
		for (int i = n > 20 ? n - 20 : 0; i < n; i++)
			assert_true(has_id(w.m, id[i]));
		while (map_pending(w.m))
			map_advance(w.m, 1);
		map_close(w.m);
	}
	t_dir_gone(dir);
}

static void two_daemons_cannot_share_a_map(void **state)
{
	char dir[256], path[300], mem[512];
	struct world a, b;
	struct buf why;

	(void)state;
	t_dir(dir);
	path_of(path, dir);
	assert_int_equal(open_at(&a, path, NULL), OK);
	buf_init(&why, mem, sizeof mem);
	assert_int_equal(open_at(&b, path, &why), ERR_EXISTS);
	assert_non_null(strstr(buf_z(&why), "another tandem"));
	map_close(a.m);
	assert_int_equal(open_at(&b, path, NULL), OK);
	map_close(b.m);
	t_dir_gone(dir);
}

static void a_missing_directory_is_said_with_its_mend(void **state)
{
	char mem[512];
	struct world w;
	struct buf why;

	(void)state;
	buf_init(&why, mem, sizeof mem);
	assert_int_equal(open_at(&w, "/nonexistent/records.map", &why), ERR_IO);
	assert_non_null(strstr(buf_z(&why), "runtime directory"));
}

static void a_foreign_file_is_kept_aside(void **state)
{
	char dir[256], path[300], aside[320];
	uint32_t version = 99;
	struct world w;
	int fd;

	(void)state;
	t_dir(dir);
	path_of(path, dir);
	assert_int_equal(open_at(&w, path, NULL), OK);
	map_close(w.m);
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, &version, 4, 8), 4);
	close(fd);
	assert_int_equal(open_at(&w, path, NULL), OK);
	assert_true(w.news.foreign);
	assert_int_equal(w.news.entries, 0);
	snprintf(aside, sizeof aside, "%s.foreign", path);
	assert_int_equal(access(aside, F_OK), 0);
	map_close(w.m);
	t_dir_gone(dir);
}

static void a_ring_grows_to_take_over_a_bigger_one(void **state)
{
	static struct call_record r;
	struct world a, b;

	(void)state;
	rng_seed(&a.rng, 1);
	a.cfg = (struct map_config){ .slots = 2, .ring_bytes = 1 << 20, .rng = &a.rng, .wall = wall };
	assert_int_equal(map_open(&a.m, &a.cfg, &a.news, NULL), OK);
	for (int i = 0; i < 200; i++) {
		t_record(&r, map_id(a.m, wall), 2);
		map_finish(a.m, &r);
	}
	up(&b, map_image(a.m));
	assert_int_equal(b.news.entries, 200);
	assert_int_equal(map_waiting(b.m), 0);
	map_close(a.m);
	map_close(b.m);
}

int run_ring(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_finished_record_waits_for_the_store),
		cmocka_unit_test(ids_grow_even_when_the_clock_goes_back),
		cmocka_unit_test(ids_grow_over_a_restart_with_a_clock_set_back),
		cmocka_unit_test(a_live_call_becomes_a_record_of_a_restart),
		cmocka_unit_test(a_call_cut_off_on_hold_was_held_to_its_end),
		cmocka_unit_test(the_newest_copy_of_a_live_call_counts),
		cmocka_unit_test(a_copy_half_written_leaves_the_older_one),
		cmocka_unit_test(a_finished_call_is_not_live_any_more),
		cmocka_unit_test(without_a_free_slot_the_call_goes_on),
		cmocka_unit_test(the_fullest_call_fits_its_slot),
		cmocka_unit_test(a_full_ring_lets_records_wait_in_order),
		cmocka_unit_test(a_hundred_thousand_records_wait_for_a_dead_disk),
		cmocka_unit_test(past_the_memorys_limit_the_newest_are_lost_and_counted),
		cmocka_unit_test(all_entries_are_seen_in_one_walk),
		cmocka_unit_test(a_wrapped_ring_is_read_whole),
		cmocka_unit_test(a_file_cut_at_every_byte_gives_all_whole_records_before),
		cmocka_unit_test(a_flipped_byte_costs_at_most_one_entry),
		cmocka_unit_test(without_its_head_everything_is_still_found),
		cmocka_unit_test(positions_that_make_no_sense_are_not_followed),
		cmocka_unit_test(another_version_is_left_alone),
		cmocka_unit_test(a_killed_process_leaves_all_it_stored),
		cmocka_unit_test(kills_under_load_lose_nothing_that_was_told),
		cmocka_unit_test(two_daemons_cannot_share_a_map),
		cmocka_unit_test(a_missing_directory_is_said_with_its_mend),
		cmocka_unit_test(a_foreign_file_is_kept_aside),
		cmocka_unit_test(a_ring_grows_to_take_over_a_bigger_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
