#include "base/tap.h"

#include <string.h>
#include <sys/mman.h>

#include "base/hash.h"
#include "base/mem.h"

enum { TAP_DEFAULT = 64 << 20, TAP_LEAST = 4096, NOTE_MAX = 1000 };

/* Entries lie at positions that only grow, a multiple of 8, at pos % size. None wraps: a
 * filler (kind TAP_NKIND) or a rest too small for a head ends the ring. */
struct item {
	uint32_t size;			/* with head and padding        */
	uint32_t len;			/* of the bytes                 */
	uint64_t seq, mono, call, leg, key;
	int64_t wall;
	uint8_t kind, dir, proto;
	struct addr local, peer;
};

struct tap {
	unsigned char *mem;
	uint64_t size, head, tail, seq;
	uint64_t overwritten, refused;
};

/* Every message is copied to where the ring was never or long ago: small pages would cost a fault
 * for each of the first and a miss of the TLB for all. Where the kernel declines, nothing is lost. */
static void in_huge_pages(unsigned char *mem, size_t n)
{
	uintptr_t page = 2u << 20, at = (uintptr_t)mem;
	uintptr_t from = (at + page - 1) & ~(page - 1), to = (at + n) & ~(page - 1);

	if (from < to)
		(void)madvise(mem + (from - at), to - from, MADV_HUGEPAGE);
}

struct tap *tap_new(size_t bytes)
{
	struct tap *t = mem_new(sizeof *t);

	if (!bytes)
		bytes = TAP_DEFAULT;
	if (bytes < TAP_LEAST)
		bytes = TAP_LEAST;
	t->size = (bytes + 7) & ~7ull;
	t->mem = mem_new(t->size);	/* zero pages: only what is used is real */
	in_huge_pages(t->mem, t->size);
	return t;
}

void tap_free(struct tap *t)
{
	if (!t)
		return;
	mem_wipe(t->mem, t->head < t->size ? t->head : t->size);	/* may hold keys */
	mem_free(t->mem);
	mem_free(t);
}

/* The entry at or after *pos; false at the head. *pos is left on it. */
static bool item_at(const struct tap *t, uint64_t *pos, struct item *i)
{
	while (*pos < t->head) {
		uint64_t off = *pos % t->size;

		if (t->size - off < sizeof *i) {
			*pos += t->size - off;
			continue;
		}
		memcpy(i, t->mem + off, sizeof *i);
		if (i->kind != TAP_NKIND)
			return true;
		*pos += i->size;
	}
	return false;
}

static void make_room(struct tap *t, uint64_t need)
{
	struct item i;

	while (t->head + need - t->tail > t->size) {
		if (!item_at(t, &t->tail, &i)) {
			t->tail = t->head;
			return;
		}
		t->tail += i.size;
		t->overwritten++;
	}
}

static void fill_end(struct tap *t, uint64_t need)
{
	uint64_t left = t->size - t->head % t->size;
	struct item filler = { .size = (uint32_t)left, .kind = TAP_NKIND };

	if (left >= need)
		return;
	make_room(t, left);
	if (left >= sizeof filler)
		memcpy(t->mem + t->head % t->size, &filler, sizeof filler);
	t->head += left;
}

void tap_put(struct tap *t, const struct tap_entry *e)
{
	uint64_t need = (sizeof(struct item) + e->bytes.n + 7) & ~7ull;
	struct item i = { .size = (uint32_t)need, .len = (uint32_t)e->bytes.n,
			  .mono = e->mono, .call = e->call, .leg = e->leg, .key = e->key,
			  .wall = e->wall, .kind = (uint8_t)e->kind, .dir = (uint8_t)e->dir,
			  .proto = (uint8_t)e->proto, .local = e->local, .peer = e->peer };
	unsigned char *p;

	if (!t)
		return;
	if (need > t->size / 4) {
		t->refused++;
		return;
	}
	i.seq = ++t->seq;
	fill_end(t, need);
	make_room(t, need);
	p = t->mem + t->head % t->size;
	memcpy(p, &i, sizeof i);
	if (e->bytes.n)
		memcpy(p + sizeof i, e->bytes.p, e->bytes.n);
	t->head += need;
}

void tap_note(struct tap *t, int64_t wall, uint64_t mono, uint64_t call, uint64_t leg,
	      struct str text)
{
	struct tap_entry e = { .wall = wall, .mono = mono, .call = call, .leg = leg,
			       .kind = TAP_NOTE, .dir = TAP_INSIDE,
			       .bytes = str_sub(text, 0, NOTE_MAX) };

	tap_put(t, &e);
}

uint64_t tap_key(struct str call_id)
{
	/* no secret: a collision only shows one message too many */
	static const struct hash_seed seed = { { 0x7461702063616c6cull, 0x2d69642068617368ull } };
	uint64_t h;

	if (!call_id.n)
		return 0;
	h = hash_bytes(&seed, call_id.p, call_id.n);
	return h ? h : 1;
}

void tap_bind(struct tap *t, uint64_t call, uint64_t key)
{
	struct tap_entry e = { .call = call, .key = key, .kind = TAP_BIND, .dir = TAP_INSIDE };

	if (call && key)
		tap_put(t, &e);
}

static bool has_key(const struct tap_walk *w, uint64_t key)
{
	for (int i = 0; i < w->nkey; i++) {
		if (w->key[i] == key)
			return true;
	}
	return false;
}

void tap_walk(struct tap_walk *w, struct tap *t, uint64_t call)
{
	struct item i;

	memset(w, 0, sizeof *w);
	w->tap = t;
	w->call = call;
	if (!t)
		return;
	w->at = t->tail;
	for (uint64_t pos = t->tail; call && item_at(t, &pos, &i); pos += i.size) {
		if (i.kind == TAP_BIND && i.call == call && w->nkey < TAP_WALK_KEYS &&
		    !has_key(w, i.key))
			w->key[w->nkey++] = i.key;
	}
}

static bool wanted(const struct tap_walk *w, const struct item *i)
{
	if (i->kind == TAP_BIND)
		return false;
	return !w->call || i->call == w->call || (i->key && !i->call && has_key(w, i->key));
}

bool tap_next(struct tap_walk *w, struct tap_entry *e)
{
	struct item i;

	if (!w->tap)
		return false;
	if (w->at < w->tap->tail)
		w->at = w->tap->tail;		/* overwritten meanwhile */
	for (; item_at(w->tap, &w->at, &i); w->at += i.size) {
		if (!wanted(w, &i))
			continue;
		*e = (struct tap_entry){
			.seq = i.seq, .wall = i.wall, .mono = i.mono, .call = i.call,
			.leg = i.leg, .key = i.key, .kind = (enum tap_kind)i.kind,
			.dir = (enum tap_dir)i.dir, .proto = (enum tap_proto)i.proto,
			.local = i.local, .peer = i.peer,
			.bytes = { (const char *)w->tap->mem + w->at % w->tap->size + sizeof i,
				   i.len },
		};
		w->at += i.size;
		return true;
	}
	return false;
}

void tap_look(const struct tap *t, struct tap_stats *s)
{
	*s = (struct tap_stats){ 0 };
	if (!t)
		return;
	*s = (struct tap_stats){ .written = t->seq, .overwritten = t->overwritten,
				 .refused = t->refused, .used = (size_t)(t->head - t->tail),
				 .size = (size_t)t->size };
}
