#include "store/ring_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

enum { RING_DEFAULT = 32 << 20, PATH_CAP = 4096, WAIT_DEFAULT = 512 << 20 };

#define DAY_MS 86400000ll

/* ---- orphans ---- */

bool map_orphan(const struct map *m, uint32_t i, struct map_orphan *o)
{
	const struct orphan *n = m->orphans;

	while (n && i--)
		n = n->next;
	if (!n)
		return false;
	o->record = &n->record;
	o->saved = (struct str){ n->saved, n->nsaved };
	return true;
}

void map_forget_orphans(struct map *m)
{
	while (m->orphans) {
		struct orphan *o = m->orphans;

		m->orphans = o->next;
		mem_free(o);
	}
	m->last_orphan = NULL;
}

/* What the heartbeat says about the end of a call nobody saw end. */
static void end_by_restart(struct call_record *r, int64_t heartbeat)
{
	struct reason why = REASON(RESTART);
	int64_t end = heartbeat;

	if (end < r->answer_wall)
		end = r->answer_wall;
	if (end < r->start_wall)
		end = r->start_wall;
	r->end_wall = end;
	if (r->answer_wall)
		r->talk_ms = (uint32_t)(end - r->answer_wall);
	else
		r->ring_ms = (uint32_t)(end - r->start_wall);
	r->cause = 41;		/* Q.850: temporary failure */
	r->ended_by = RECORD_SIDE_US;
	record_set_reason(r->reason, r->text, &why);
	/* cut off while on hold: the start of the hold was kept as its negative */
	if (r->held_ms > r->talk_ms)
		r->held_ms += r->ring_ms + r->talk_ms;
	if (r->held_ms > r->talk_ms)
		r->held_ms = 0;
	for (unsigned i = 0; i < r->nleg; i++) {
		struct record_leg *l = &r->leg[i];

		if (l->end_wall)
			continue;
		l->end_wall = end > l->start_wall ? end : l->start_wall;
		l->end_after_ms = (uint32_t)(l->end_wall - l->start_wall);
		l->cause = 41;
		record_set_reason(l->reason, l->text, &why);
	}
}

/* ---- taking over an old map ---- */

struct takeover {
	struct map *m;
	struct map_news *news;
	uint64_t last_id;
	size_t need;			/* bytes of ring */
};

static void count_entry(void *ctx, enum map_kind kind, struct str bytes)
{
	struct takeover *t = ctx;

	(void)kind;
	t->need += map_item_size(bytes.n);
}

/* As large as take_live() will write it. */
static void count_live(void *ctx, const struct call_record *r, struct str saved, int64_t beat)
{
	struct takeover *t = ctx;
	struct call_record ended = *r;
	struct buf b;

	(void)saved;
	if (r->id > t->last_id)
		t->last_id = r->id;
	end_by_restart(&ended, beat);
	buf_init(&b, t->m->scratch, RECORD_PACK_MAX);
	record_pack(&b, &ended, RECORD_ALL);
	t->need += map_item_size(buf_str(&b).n);
}

static void take_entry(void *ctx, enum map_kind kind, struct str bytes)
{
	struct takeover *t = ctx;

	t->news->entries++;
	map_push(t->m, kind, bytes);
}

static void take_live(void *ctx, const struct call_record *r, struct str saved, int64_t beat)
{
	struct takeover *t = ctx;
	struct orphan *o = mem_new(sizeof *o + saved.n);

	o->record = *r;
	end_by_restart(&o->record, beat);
	o->nsaved = (uint32_t)saved.n;
	if (saved.n)
		memcpy(o->saved, saved.p, saved.n);
	ring_record(t->m, &o->record);
	if (t->m->last_orphan)
		t->m->last_orphan->next = o;
	else
		t->m->orphans = o;
	t->m->last_orphan = o;
	t->news->live++;
}

/* ---- files ---- */

struct old_file {
	void *mem;
	size_t n;
};

static void old_close(struct old_file *o)
{
	if (o->mem)
		(void)munmap(o->mem, o->n);	/* nothing to be done about it */
	*o = (struct old_file){ 0 };
}

static enum err say(struct buf *why, enum err e, const char *file, const char *what,
		    const char *mend)
{
	if (why)
		buf_fmt(why, "%s: %s. %s", file, what, mend);
	return e;
}

/* Only a file that is missing is an empty one: over one that cannot be read no new map may be laid. */
static enum err old_open(struct old_file *o, const char *file, struct buf *why)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC), failed;
	struct stat st = { 0 };
	void *p = NULL;

	if (fd < 0 && errno == ENOENT)
		return OK;
	failed = fd < 0 || fstat(fd, &st) ? errno : 0;
	if (!failed && st.st_size > 0) {
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		failed = p == MAP_FAILED ? errno : 0;
	}
	if (fd >= 0)
		(void)close(fd);	/* it was only read */
	if (failed)
		return say(why, ERR_IO, file, strerror(failed),
			   "It holds calls and records of the last run: give it to the user of the service "
			   "(chown), or move it away, and start again.");
	if (p)
		*o = (struct old_file){ p, (size_t)st.st_size };
	return OK;
}

static enum err lock_file(struct map *m, const char *file, struct buf *why)
{
	char path[PATH_CAP];

	if (snprintf(path, sizeof path, "%s.lock", file) >= (int)sizeof path)
		return say(why, ERR_LIMIT, file, "the path is too long", "Shorten it.");
	m->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (m->lock < 0)
		return say(why, ERR_IO, path, strerror(errno),
			   "Create the runtime directory and let this user write there.");
	if (flock(m->lock, LOCK_EX | LOCK_NB) < 0)
		return say(why, ERR_EXISTS, file, "another tandem is using it",
			   "Stop that one, or give this one its own runtime directory.");
	return OK;
}

static enum err map_file(struct map *m, const char *path, struct buf *why)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), failed;
	void *p;

	if (fd < 0)
		return say(why, ERR_IO, path, strerror(errno),
			   "Create the runtime directory and let this user write there.");
	/* reserved now: a full tmpfs must not kill us with SIGBUS later */
	failed = posix_fallocate(fd, 0, (off_t)m->bytes);
	p = failed ? MAP_FAILED :
		mmap(NULL, m->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);		/* the mapping keeps it */
	if (p == MAP_FAILED) {
		(void)unlink(path);	/* half a file would keep the room it was short of */
		if (why)
			buf_fmt(why, "%s: no room for %zu MB of call records. Free the file system "
				"of the runtime directory, or lower the limit of calls.",
				path, m->bytes >> 20);
		return ERR_IO;
	}
	m->mem = p;
	return OK;
}

static enum err map_memory(struct map *m)
{
	void *p = mmap(NULL, m->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return ERR_IO;
	m->mem = p;
	return OK;
}

/* The largest entry fits, whatever little is wanted. */
static size_t ring_size(size_t want)
{
	size_t least = 2 * map_item_size(MAP_ENTRY_MAX);

	return ((want < least ? least : want) + 4095) & ~(size_t)4095;
}

static void make_head(struct map *m, const struct map_config *c, uint64_t ring_bytes)
{
	struct map_head *h = (struct map_head *)(void *)m->mem;

	h->magic = MAP_MAGIC;
	h->version = MAP_VERSION;
	h->slot_bytes = MAP_SLOT_BYTES;
	h->slots = c->slots;
	h->ring_off = MAP_HEAD_BYTES + (uint64_t)c->slots * MAP_SLOT_BYTES;
	h->ring_bytes = ring_bytes;
	h->boot = m->boot;
	h->sum = map_head_sum(h);
	m->head = h;
	m->ring = m->mem + h->ring_off;
	map_heartbeat(m, c->wall);
	m->spare = mem_array(c->slots, sizeof *m->spare);
	while (m->nspare < c->slots) {	/* the lowest slot is on top: touch few pages */
		m->spare[m->nspare] = c->slots - 1 - m->nspare;
		m->nspare++;
	}
}

/* Ids go on from the old map's, unless they are nonsense. */
static void set_first_id(struct map *m, const struct map_config *c, uint64_t last)
{
	int64_t ms = (int64_t)(last >> (MAP_ID_SEQ_BITS + MAP_ID_BOOT_BITS)) + MAP_ID_EPOCH_MS;

	if (ms <= c->wall + DAY_MS)
		ring_set(&m->head->last_id, last);
}

static enum err build(struct map *m, const struct map_config *c, const char *path, struct str old,
		      struct map_news *news, struct buf *why)
{
	struct takeover t = { .m = m, .news = news };
	const struct map_found count = { &t, count_entry, count_live };
	const struct map_found take = { &t, take_entry, take_live };
	uint64_t boot = rng_below(c->rng, 256), last = 0;
	size_t ring = c->ring_bytes ? c->ring_bytes : RING_DEFAULT;
	enum err e;

	news->foreign = map_salvage(old, &count, &news->damaged) == MAP_READ_FOREIGN;
	if (map_read_head(old, &boot, &last))
		boot++;
	if (ring < 2 * t.need)
		ring = 2 * t.need;
	ring = ring_size(ring);
	m->boot = (uint8_t)boot;
	m->bytes = MAP_HEAD_BYTES + (size_t)c->slots * MAP_SLOT_BYTES + ring;
	e = path ? map_file(m, path, why) : map_memory(m);
	if (e)
		return e;
	make_head(m, c, ring);
	set_first_id(m, c, last > t.last_id ? last : t.last_id);
	(void)map_salvage(old, &take, &news->damaged);	/* told above what it is */
	return OK;
}

/* Beside the new one, for an engineer: one of each kind is kept. */
static enum err put_aside(const struct map *m, struct buf *why)
{
	char aside[PATH_CAP];

	if (!m->foreign && !m->damaged)
		return OK;
	if (snprintf(aside, sizeof aside, "%s.%s", m->file, m->foreign ? "foreign" : "damaged") >= (int)sizeof aside)
		return say(why, ERR_LIMIT, m->file, "the path is too long", "Shorten it.");
	if (rename(m->file, aside) == 0 || !m->foreign)
		return OK;	/* the entries of a damaged one are taken over all the same */
	return say(why, ERR_IO, aside, strerror(errno), "Move the old file away by hand.");
}

static void name(struct map *m, const char *file)
{
	size_t n = strlen(file);

	m->file = mem_dup(file, n + 1);
	m->next = mem_array(n + sizeof ".new", 1);
	memcpy(m->next, file, n);
	memcpy(m->next + n, ".new", sizeof ".new");
}

static enum err open_file(struct map *m, const struct map_config *c, struct map_news *news,
			  struct buf *why)
{
	struct old_file old = { 0 };
	enum err e = lock_file(m, c->file, why);

	if (e)
		return e;
	name(m, c->file);
	e = old_open(&old, c->file, why);
	if (e)
		return e;
	e = build(m, c, m->next, (struct str){ old.mem, old.n }, news, why);
	old_close(&old);
	if (e)
		return e;
	m->foreign = news->foreign;
	m->damaged = news->damaged > 0;
	m->held = true;
	return c->hold ? OK : map_take(m, why);
}

enum err map_take(struct map *m, struct buf *why)
{
	enum err e;

	if (!m->held)
		return OK;
	e = put_aside(m, why);
	if (!e && rename(m->next, m->file) < 0)
		e = say(why, ERR_IO, m->file, strerror(errno), "Check the runtime directory.");
	m->held = e != OK;
	return e;
}

enum err map_open(struct map **out, const struct map_config *c, struct map_news *news,
		  struct buf *why)
{
	struct map *m = mem_new(sizeof *m);
	struct map_news found = { 0 };
	enum err e;

	m->lock = -1;
	m->wait_most = c->wait_bytes ? c->wait_bytes : WAIT_DEFAULT;
	m->scratch = mem_new(RECORD_PACK_MAX);
	e = c->file ? open_file(m, c, &found, why) : build(m, c, NULL, c->image, &found, why);
	if (e) {
		map_close(m);
		return e;
	}
	if (news)
		*news = found;
	*out = m;
	return OK;
}

/* ---- the end with a database that takes nothing ---- */

/* One at least: a map without any is none. */
static uint32_t slots_used(struct map *m)
{
	uint32_t n = (uint32_t)m->head->slots;

	while (n > 1 && !ring_get(ring_slot_word(m, n - 1)))
		n--;
	return n;
}

static size_t entries_size(const struct map *m)
{
	struct map_cursor c = { 0 };
	struct map_entry e;
	size_t n = 0;

	while (map_peek(m, &c, &e))
		n += map_item_size(e.bytes.n);
	return n;
}

/* All that is in m, into a file no larger than it must be. */
static enum err copy_out(struct map *n, struct map *m, const char *path, struct buf *why)
{
	struct map_config c = { .slots = slots_used(m), .wall = atomic_load(&m->head->heartbeat) };
	size_t slots = (size_t)c.slots * MAP_SLOT_BYTES, ring = ring_size(entries_size(m));
	struct map_cursor at = { 0 };
	struct map_entry entry;
	enum err e;

	n->boot = m->boot;
	n->bytes = MAP_HEAD_BYTES + slots + ring;
	e = map_file(n, path, why);
	if (e)
		return e;
	make_head(n, &c, ring);
	ring_set(&n->head->last_id, ring_get(&m->head->last_id));
	memcpy(n->mem + MAP_HEAD_BYTES, m->mem + MAP_HEAD_BYTES, slots);
	while (map_peek(m, &at, &entry))
		(void)ring_push(n, entry.kind, entry.bytes);	/* it was measured for them */
	return OK;
}

enum err map_spill(struct map *m, struct buf *why)
{
	struct map n = { 0 }, old = *m;
	enum err e;

	if (!m->oldest || m->held)
		return OK;
	if (!m->file)
		return say(why, ERR_STATE, "records.map", "there is no such file", "Give the map one.");
	e = copy_out(&n, m, m->next, why);
	if (e)
		return e;
	if (rename(m->next, m->file) < 0) {
		e = say(why, ERR_IO, m->file, strerror(errno), "Check the runtime directory.");
		(void)unlink(m->next);
		old = n;
	} else {
		m->mem = n.mem;
		m->bytes = n.bytes;
		m->head = n.head;
		m->ring = n.ring;
		m->spare = n.spare;
		m->nspare = 0;
		m->nring = n.nring;
		while (m->oldest)
			mem_free(ring_wait_take(m));
	}
	(void)munmap(old.mem, old.bytes);	/* nothing to be done about it */
	mem_free(old.spare);
	return e;
}

void map_close(struct map *m)
{
	if (!m)
		return;
	while (m->oldest)
		mem_free(ring_wait_take(m));
	map_forget_orphans(m);
	if (m->held)			/* the old file is the map still */
		(void)unlink(m->next);
	if (m->mem)
		(void)munmap(m->mem, m->bytes);	/* nothing to be done about it */
	if (m->lock >= 0)
		(void)close(m->lock);
	mem_free(m->spare);
	mem_free(m->scratch);
	mem_free(m->file);
	mem_free(m->next);
	mem_free(m);
}
