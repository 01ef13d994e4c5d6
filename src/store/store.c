#include "store/store.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "store/worker.h"

enum { BATCH_BYTES = 1 << 20, RETRY_AT_CLOSE = 3, OLD_FIRST_MS = 60000, OLD_STEP_MS = 1000, DAY_MS = 86400000 };

struct job {
	struct list link;
	enum err (*fn)(struct db *db, void *arg);
	void *arg;
	uint64_t owner;
	enum err err;
	struct timer delay;		/* inline mode only */
	struct store *store;
};

/* A copy of the oldest entries on its way to the disk. The map keeps its own until this
 * came back well. */
struct flush {
	struct job job;
	struct map_entry e[STORE_BATCH_MAX];
	uint32_t n, bad;
	char *bytes;			/* BATCH_BYTES */
	size_t nbytes;
	ms_t started;
	enum db_fail fail;
	char why[240];
};

struct old {			/* one step of removing what is too old */
	struct job job;
	struct timer due;
	wall_t before;
	uint32_t gone;			/* the most of one kind */
	bool running;
	char why[240];
};

struct store {
	struct store_config cfg;
	struct db *db;			/* the thread's while there is a worker */
	struct worker *worker;
	struct flush flush;
	bool flushing;
	struct old old;
	struct timer batch;		/* armed: entries wait for company, or for a retry */
	struct list slow;		/* inline mode: jobs that wait for their delay */
	struct list done;		/* jobs whose event was not read */
	uint32_t jobs, told_lost;
	bool told_waiting, told_slow;
	ms_t lost_at;			/* when the last line about lost ones was written */
	struct store_view view;
};

/* ---- jobs ---- */

static void finished(struct store *s, struct job *j);

/* On the disk thread (inline: on the caller's). */
static void run_job(void *ctx, void *job)
{
	struct store *s = ctx;
	struct job *j = job;

	j->err = j->fn(s->db, j->arg);
}

static void delayed(void *arg)
{
	struct job *j = arg;

	list_remove(&j->link);
	run_job(j->store, j);
	finished(j->store, j);
}

static void post(struct store *s, struct job *j)
{
	j->store = s;
	if (s->worker) {
		worker_post(s->worker, j);
	} else if (s->cfg.delay) {
		list_append(&s->slow, &j->link);
		timer_start(&s->cfg.loop->timers, &j->delay, s->cfg.delay, delayed, j);
	} else {
		run_job(s, j);
		finished(s, j);
	}
}

static void on_ready(void *ctx)
{
	struct store *s = ctx;
	struct job *j;

	while ((j = worker_take(s->worker)))
		finished(s, j);
}

enum err store_run(struct store *s, enum err (*fn)(struct db *db, void *arg), void *arg,
		   uint64_t owner)
{
	struct job *j;

	if (s->jobs >= STORE_JOBS_MAX)
		return ERR_LIMIT;
	j = mem_new(sizeof *j);
	j->fn = fn;
	j->arg = arg;
	j->owner = owner;
	s->jobs++;
	post(s, j);
	return OK;
}

bool store_next(struct store *s, struct store_event *ev)
{
	struct job *j;

	if (list_empty(&s->done))
		return false;
	j = LIST_ENTRY(s->done.next, struct job, link);
	list_remove(&j->link);
	*ev = (struct store_event){ .owner = j->owner, .err = j->err, .arg = j->arg };
	mem_free(j);
	s->jobs--;
	return true;
}

/* ---- emptying the map ---- */

static enum err flush_job(struct db *db, void *arg)
{
	struct flush *f = arg;
	enum err e = db_apply(db, f->e, f->n, &f->bad);

	f->fail = db_failed(db);
	(void)snprintf(f->why, sizeof f->why, "%s", db_why(db));
	return e;
}

static void copy_entries(struct flush *f, const struct map *m)
{
	struct map_cursor c = { 0 };
	struct map_entry e;

	f->n = f->bad = 0;
	f->nbytes = 0;
	while (f->n < STORE_BATCH_MAX && map_peek(m, &c, &e)) {
		if (e.bytes.n > BATCH_BYTES - f->nbytes)
			break;
		memcpy(f->bytes + f->nbytes, e.bytes.p, e.bytes.n);
		f->e[f->n++] = (struct map_entry){ e.kind, { f->bytes + f->nbytes, e.bytes.n } };
		f->nbytes += e.bytes.n;
	}
}

static void flush_start(struct store *s)
{
	struct flush *f = &s->flush;

	copy_entries(f, s->cfg.map);
	f->started = s->cfg.loop->now;
	f->job.fn = flush_job;
	f->job.arg = f;
	s->flushing = true;
	post(s, &f->job);
}

static void flush_due(void *arg)
{
	struct store *s = arg;

	if (!s->flushing && (map_pending(s->cfg.map) || s->view.failing))	/* with none it opens the database */
		flush_start(s);
}

static void flush_failed(struct store *s, enum db_fail fail, const char *why)
{
	struct store_view *v = &s->view;

	if (!v->failing) {
		v->failing = true;
		v->since = s->cfg.loop->wall;
		log_line(&s->cfg.loop->log, LOG_ERROR, "store: %s", why);
	}
	v->fail = fail;
	(void)snprintf(v->why, sizeof v->why, "%s", why);
	timer_start(&s->cfg.loop->timers, &s->batch, STORE_RETRY_MS, flush_due, s);
}

/* A batch begins STORE_BATCH_MS after the one before it began: what came while that one was on its
 * way waits for company, too, else every other transaction would have one entry. */
static void next_batch(struct store *s)
{
	ms_t took = s->cfg.loop->now - s->flush.started;
	bool full = map_pending(s->cfg.map) >= STORE_BATCH_MAX;

	if (map_pending(s->cfg.map))
		timer_start(&s->cfg.loop->timers, &s->batch,
			    full || took >= STORE_BATCH_MS ? 0 : STORE_BATCH_MS - took, flush_due, s);
}

static void flush_done(struct store *s)
{
	struct flush *f = &s->flush;
	struct store_view *v = &s->view;

	s->flushing = s->told_slow = false;
	v->last_flush_ms = s->cfg.loop->now - f->started;
	if (f->job.err) {
		flush_failed(s, f->fail, f->why);
		return;
	}
	map_advance(s->cfg.map, f->n);
	v->written += f->n - f->bad;
	v->unreadable += f->bad;
	if (f->bad)
		log_line(&s->cfg.loop->log, LOG_ERROR,
			 "store: %u entries could not be read and were left out", f->bad);
	if (v->failing)
		log_line(&s->cfg.loop->log, LOG_WARN,
			 "store: writing again; %u entries are still waiting",
			 map_pending(s->cfg.map));
	v->failing = false;
	v->fail = DB_FAIL_NONE;
	v->why[0] = 0;
	next_batch(s);
}

/* ---- what is too old ---- */

static enum err old_job(struct db *db, void *arg)
{
	struct old *o = arg;
	uint32_t calls = 0, lines = 0;
	enum err e = db_cdr_purge(db, o->before, STORE_OLD_MAX, &calls);

	if (!e)
		e = db_audit_purge(db, o->before, STORE_OLD_MAX, &lines);
	(void)snprintf(o->why, sizeof o->why, "%s", db_why(db));
	o->gone = calls > lines ? calls : lines;
	return e;
}

static void old_due(void *arg)
{
	struct store *s = arg;
	struct old *o = &s->old;

	o->before = s->cfg.loop->wall - (wall_t)s->cfg.keep_days * DAY_MS;
	o->job.fn = old_job;
	o->job.arg = o;
	o->running = true;
	post(s, &o->job);
}

static void old_done(struct store *s)
{
	struct old *o = &s->old;
	bool more = !o->job.err && o->gone == STORE_OLD_MAX;

	o->running = false;
	if (o->job.err && !s->view.failing)	/* else it was told */
		log_line(&s->cfg.loop->log, LOG_WARN, "store: what is older than keep-records could not be removed: %s",
			 o->why);
	timer_start(&s->cfg.loop->timers, &o->due, more ? OLD_STEP_MS : STORE_OLD_MS, old_due, s);
}

static void finished(struct store *s, struct job *j)
{
	if (j == &s->flush.job)
		flush_done(s);
	else if (j == &s->old.job)
		old_done(s);
	else
		list_append(&s->done, &j->link);
}

static ms_t flush_takes(const struct store *s)
{
	return s->flushing ? s->cfg.loop->now - s->flush.started : 0;
}

/* Trouble that grows while the disk says nothing: each is told when it begins. */
static void watch(struct store *s)
{
	struct loop *l = s->cfg.loop;
	uint32_t lost = map_lost(s->cfg.map), waiting = map_waiting(s->cfg.map);

	if (flush_takes(s) >= STORE_SLOW_MS && !s->told_slow) {
		s->told_slow = true;
		log_line(&l->log, LOG_WARN,
			 "store: the disk has not taken the last %u entries for %u s. Calls go on and their records wait; check the disk under the database.",
			 s->flush.n, (unsigned)(flush_takes(s) / 1000));
	}
	if (waiting && !s->told_waiting)
		log_line(&l->log, LOG_ERROR,
			 "store: the map of finished records is full; what comes now waits in memory only and a crash would lose it. Let the disk write again.");
	s->told_waiting = waiting > 0;
	if (lost != s->told_lost && (!s->told_lost || l->now - s->lost_at >= STORE_TELL_MS)) {
		log_line(&l->log, LOG_ERROR,
			 "store: %u records are lost for good: no room was left for them in memory. Calls go on; let the disk write again at once.",
			 lost);
		s->told_lost = lost;
		s->lost_at = l->now;
	}
}

void store_turn(struct store *s)
{
	if (s->cfg.map)
		watch(s);
	if (!s->cfg.map || s->flushing || timer_armed(&s->batch) || !map_pending(s->cfg.map))
		return;
	timer_start(&s->cfg.loop->timers, &s->batch, STORE_BATCH_MS, flush_due, s);
}

bool store_busy(const struct store *s)
{
	return s->flushing || s->old.running || s->jobs || (s->cfg.map && map_pending(s->cfg.map));
}

/* ---- life ---- */

/* A file that is no database any more is an engineer's; calls go on with a new one. */
static bool put_aside(const struct store_config *c)
{
	static const char *const part[] = { "-wal", "-shm", "" };
	char from[600], to[620];
	bool moved = false;

	for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
		if (snprintf(from, sizeof from, "%s%s", c->path, part[i]) >= (int)sizeof from)
			return false;
		(void)snprintf(to, sizeof to, "%s.damaged%s", c->path, part[i]);
		moved = rename(from, to) == 0;	/* of these only the last must be there */
	}
	return moved;
}

static enum err open_db(struct db **db, const struct store_config *c, struct buf *why)
{
	char said[400];
	struct buf first;
	enum err e;

	buf_init(&first, said, sizeof said);
	e = db_open(db, c->path, &first);
	if (e != ERR_PARSE || !put_aside(c)) {
		if (e && why)
			buf_put(why, buf_str(&first));
		return e;
	}
	log_line(&c->loop->log, LOG_ERROR,
		 "%s It is kept as %s.damaged; registrations and records begin anew. \"sqlite3 %s.damaged .recover\" shows what is in it.",
		 buf_z(&first), c->path, c->path);
	return db_open(db, c->path, why);
}

enum err store_open(struct store **out, const struct store_config *c, struct buf *why)
{
	struct store *s;
	struct db *db;
	enum err e = open_db(&db, c, why);

	if (e)
		return e;
	s = mem_new(sizeof *s);
	s->cfg = *c;
	s->db = db;
	s->flush.bytes = mem_new(BATCH_BYTES);
	list_init(&s->slow);
	list_init(&s->done);
	if (c->keep_days)
		timer_start(&c->loop->timers, &s->old.due, OLD_FIRST_MS, old_due, s);
	if (c->map && db_failed(db))
		flush_failed(s, db_failed(db), db_why(db));
	*out = s;
	return OK;
}

struct db *store_db(struct store *s)
{
	return s->worker ? NULL : s->db;
}

enum err store_start(struct store *s)
{
	if (s->cfg.inline_mode)
		return OK;
	return worker_new(&s->worker, s->cfg.loop, run_job, on_ready, s);
}

/* The thread ends after the job it is in; its last results still count. */
static void stop_thread(struct store *s)
{
	struct worker *w = s->worker;

	if (!w)
		return;
	worker_end(w);
	on_ready(s);
	s->worker = NULL;
	worker_free(w);
}

static void last_flush(struct store *s)
{
	int tries = RETRY_AT_CLOSE;

	s->cfg.delay = 0;
	while (!list_empty(&s->slow)) {
		struct job *j = LIST_ENTRY(s->slow.next, struct job, link);

		timer_stop(&s->cfg.loop->timers, &j->delay);
		delayed(j);
	}
	while (s->cfg.map && map_pending(s->cfg.map) && tries) {
		flush_start(s);		/* inline now: it is over when this returns */
		tries -= s->view.failing;
	}
}

/* What the database did not take is the next start's. */
static void leave_rest(struct store *s)
{
	struct map *m = s->cfg.map;
	uint32_t left = m ? map_pending(m) : 0, waiting = m ? map_waiting(m) : 0;
	char mem[600];
	struct buf why;

	if (!left)
		return;
	buf_init(&why, mem, sizeof mem);
	if (map_spill(m, &why)) {
		log_line(&s->cfg.loop->log, LOG_ERROR,
			 "store: %u records are lost for good: they waited in memory for the database and the map could not be made larger for them. %s",
			 waiting, buf_z(&why));
		left -= waiting;
	}
	log_line(&s->cfg.loop->log, LOG_WARN,
		 "store: the database did not take the last %u entries. They are kept in the map, which does not outlive a restart of the machine; start again when the disk writes.",
		 left);
}

void store_close(struct store *s)
{
	struct store_event ev;

	if (!s)
		return;
	stop_thread(s);
	last_flush(s);
	leave_rest(s);
	timer_stop(&s->cfg.loop->timers, &s->batch);
	timer_stop(&s->cfg.loop->timers, &s->old.due);
	while (store_next(s, &ev))
		;			/* nobody is there to read them */
	db_close(s->db);
	mem_free(s->flush.bytes);
	mem_free(s);
}

/* ---- registrations and audit ---- */

static void push_row(struct store *s, enum map_kind kind, const struct row_kind *k,
		     const void *row)
{
	char mem[REG_PACK_MAX > AUDIT_PACK_MAX ? REG_PACK_MAX : AUDIT_PACK_MAX];
	struct buf b;

	if (!s->cfg.map)
		return;
	buf_init(&b, mem, sizeof mem);
	row_pack(&b, k, row);
	assert(buf_ok(&b));		/* *_PACK_MAX is big enough for every row */
	map_push(s->cfg.map, kind, buf_str(&b));
}

void store_reg_put(struct store *s, const struct reg_row *r)
{
	push_row(s, MAP_REG_PUT, &reg_row_kind, r);
}

void store_reg_delete(struct store *s, const struct reg_row *r)
{
	push_row(s, MAP_REG_DELETE, &reg_row_kind, r);
}

struct regs { void (*each)(void *ctx, const struct reg_row *r, bool gone); void *ctx; };

static bool stored_reg(void *ctx, const struct reg_row *r)
{
	struct regs *g = ctx;

	g->each(g->ctx, r, false);
	return true;
}

static void waiting_regs(const struct map *m, const struct regs *g)
{
	struct map_cursor c = { 0 };
	struct map_entry e;
	struct reg_row r;

	while (map_peek(m, &c, &e))
		if ((e.kind == MAP_REG_PUT || e.kind == MAP_REG_DELETE) &&
		    row_unpack(&e.bytes, &reg_row_kind, &r) == OK)
			g->each(g->ctx, &r, e.kind == MAP_REG_DELETE);
}

enum err store_regs(struct store *s, void (*each)(void *ctx, const struct reg_row *r, bool gone), void *ctx)
{
	struct regs g = { each, ctx };
	enum err e = store_db(s) ? db_regs(store_db(s), stored_reg, &g) : ERR_STATE;

	if (s->cfg.map)
		waiting_regs(s->cfg.map, &g);
	return e;
}

void store_audit(struct store *s, const struct audit_row *a)
{
	struct audit_row line = *a;

	if (!s->cfg.map)
		return;
	if (!line.at_wall)
		line.at_wall = s->cfg.loop->wall;
	if (!line.id)
		line.id = map_id(s->cfg.map, line.at_wall);
	push_row(s, MAP_AUDIT, &audit_row_kind, &line);
}

void store_look(const struct store *s, struct store_view *v)
{
	*v = s->view;
	v->jobs = s->jobs;
	if (!s->cfg.map)
		return;
	v->pending = map_pending(s->cfg.map);
	v->waiting = map_waiting(s->cfg.map);
	v->lost = map_lost(s->cfg.map);
	v->unsafe = map_refused(s->cfg.map);
	v->slow = !v->failing && flush_takes(s) >= STORE_SLOW_MS;
	if (v->slow)
		(void)snprintf(v->why, sizeof v->why,
			       "The disk has been writing for %u s. Check it; calls go on and their records wait.",
			       (unsigned)(flush_takes(s) / 1000));
}
