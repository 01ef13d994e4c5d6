/*
 * salvage.c - reads the map of a dead process. Pure: bytes in, callbacks out. Nothing in
 * the bytes is believed before its checksum was right; a checksum is no defence against
 * malice, so every length is also checked against the bytes there are.
 * Test: test/unit/store/t_ring.c, test/fuzz/fz_ring.c
 */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "store/ring_int.h"

static const struct hash_seed seed = { { 0x74616e64656d206dull, 0x6170202020202031ull } };

static uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t v[2] = { a, b };

	return hash_bytes(&seed, v, sizeof v);
}

uint64_t map_head_sum(const struct map_head *h)
{
	return hash_bytes(&seed, h, offsetof(struct map_head, sum));
}

uint64_t map_item_sum(const struct map_item *i, const void *bytes)
{
	uint64_t a = mix(i->pos, (uint64_t)i->kind << 32 | i->len);

	if (i->kind == MAP_PAD)		/* its bytes mean nothing */
		return a;
	return mix(a, hash_bytes(&seed, bytes, i->len));
}

uint64_t map_copy_sum(const struct map_copy *c, const void *bytes)
{
	uint64_t a = mix(c->gen, (uint64_t)c->rec_len << 32 | c->saved_len);

	return mix(a, hash_bytes(&seed, bytes, (size_t)c->rec_len + c->saved_len));
}

struct old {			/* a map under the knife */
	struct str bytes;
	const struct map_found *f;
	uint32_t damaged;
	uint64_t slots, ring_off, ring_bytes, head, tail;
	int64_t heartbeat;
};

static bool item_at(struct str b, uint64_t off, struct map_item *i)
{
	if (off > b.n || b.n - off < sizeof *i)
		return false;
	memcpy(i, b.p + off, sizeof *i);
	return i->magic == MAP_ITEM_MAGIC && i->len <= MAP_ENTRY_MAX &&
	       i->len <= b.n - off - sizeof *i &&
	       i->sum == map_item_sum(i, b.p + off + sizeof *i);
}

static bool copy_at(struct str b, uint64_t off, struct map_copy *c)
{
	if (off > b.n || b.n - off < sizeof *c)
		return false;
	memcpy(c, b.p + off, sizeof *c);
	return c->magic == MAP_COPY_MAGIC && c->rec_len <= MAP_COPY_ROOM &&
	       c->saved_len <= MAP_SAVED_MAX && c->rec_len + c->saved_len <= MAP_COPY_ROOM &&
	       c->rec_len + c->saved_len <= b.n - off - sizeof *c &&
	       c->sum == map_copy_sum(c, b.p + off + sizeof *c);
}

static void give_item(struct old *o, uint64_t off, const struct map_item *i)
{
	if (i->kind == MAP_PAD)
		return;
	if (i->kind < MAP_RECORD || i->kind >= MAP_KIND_END) {
		o->damaged++;
		return;
	}
	o->f->entry(o->f->ctx, (enum map_kind)i->kind,
		    str_sub(o->bytes, off + sizeof *i, i->len));
}

static bool give_copy(struct old *o, uint64_t off)
{
	struct call_record r;
	struct map_copy c;

	if (!copy_at(o->bytes, off, &c))
		return false;
	off += sizeof c;
	if (record_unpack(str_sub(o->bytes, off, c.rec_len), &r))
		return false;
	o->f->live(o->f->ctx, &r, str_sub(o->bytes, off + c.rec_len, c.saved_len),
		   o->heartbeat);
	return true;
}

/* The item for this position, or the start of the ring when none fits before its end or
 * the file was cut off before it. */
static uint64_t skip_tail(const struct old *o, uint64_t pos)
{
	uint64_t off = pos % o->ring_bytes, left = o->ring_bytes - off;

	if (left < sizeof(struct map_item) || o->ring_off + off >= o->bytes.n)
		return pos + left;
	return pos;
}

static void read_ring(struct old *o)
{
	struct map_item i;
	bool lost = false;

	/* of a file cut short, something is missing even if no item is torn */
	o->damaged += o->tail < o->head && o->ring_off + o->ring_bytes > o->bytes.n;
	for (uint64_t pos = skip_tail(o, o->tail); pos < o->head; pos = skip_tail(o, pos)) {
		uint64_t off = pos % o->ring_bytes;

		if (item_at(o->bytes, o->ring_off + off, &i) && i.pos == pos &&
		    map_item_size(i.len) <= o->ring_bytes - off) {
			give_item(o, o->ring_off + off, &i);
			pos += map_item_size(i.len);
			lost = false;
			continue;
		}
		o->damaged += !lost;	/* one place, however long */
		lost = true;
		pos += 8;
	}
}

static void read_slot(struct old *o, uint64_t off)
{
	uint64_t copy[2] = { off + MAP_SLOT_HEAD, off + MAP_SLOT_HEAD + MAP_COPY_BYTES };
	struct map_copy a = { 0 }, b = { 0 };
	uint64_t valid;
	int first;

	if (off > o->bytes.n || o->bytes.n - off < sizeof valid) {
		o->damaged++;
		return;
	}
	memcpy(&valid, o->bytes.p + off, sizeof valid);
	if (!valid)
		return;
	if (valid > 2) {		/* scribbled: the newer good one */
		first = copy_at(o->bytes, copy[1], &b) &&
			(!copy_at(o->bytes, copy[0], &a) || b.gen > a.gen);
		o->damaged++;
	} else {
		first = valid == 2;
	}
	if (give_copy(o, copy[first]))
		return;
	o->damaged += valid <= 2;
	(void)give_copy(o, copy[!first]);	/* older, but better than nothing */
}

struct find {			/* something good at an offset */
	uint64_t a, b;		/* item: position, -; copy: record id, -generation */
	uint64_t off;
};

struct finds {
	struct find *v;
	size_t n, cap;
};

static void keep(struct finds *s, uint64_t a, uint64_t b, uint64_t off)
{
	if (s->n == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 64;
		s->v = mem_grow(s->v, s->cap, sizeof *s->v);
	}
	s->v[s->n++] = (struct find){ a, b, off };
}

static int by_place(const void *x, const void *y)
{
	const struct find *l = x, *r = y;

	if (l->a != r->a)
		return l->a < r->a ? -1 : 1;
	return l->b < r->b ? -1 : l->b > r->b;
}

static uint64_t copy_id(struct str b, uint64_t off, const struct map_copy *c)
{
	struct call_record r;

	return record_unpack(str_sub(b, off + sizeof *c, c->rec_len), &r) ? 0 : r.id;
}

/* What lies at this offset is noted; returns how far to go on. Good ones are stepped over:
 * what a peer put into their texts is not looked at. */
static uint64_t look_at(const struct old *o, uint64_t off, struct finds *items,
			struct finds *copies)
{
	struct map_item i;
	struct map_copy c;

	if (item_at(o->bytes, off, &i) && i.kind != MAP_PAD) {
		keep(items, i.pos, 0, off);
		return map_item_size(i.len);
	}
	if (copy_at(o->bytes, off, &c)) {
		keep(copies, copy_id(o->bytes, off, &c), UINT64_MAX - c.gen, off);
		return (sizeof c + c.rec_len + c.saved_len + 7) & ~7ull;
	}
	return 8;
}

/* The head is lost: whatever still has its magic and its sum. */
static void read_blind(struct old *o)
{
	struct finds items = { 0 }, copies = { 0 };
	struct map_item i;

	for (uint64_t off = 0; off + 8 <= o->bytes.n;)
		off += look_at(o, off, &items, &copies);
	if (items.n)
		qsort(items.v, items.n, sizeof *items.v, by_place);
	if (copies.n)
		qsort(copies.v, copies.n, sizeof *copies.v, by_place);
	for (size_t k = 0; k < items.n; k++) {
		if (item_at(o->bytes, items.v[k].off, &i))
			give_item(o, items.v[k].off, &i);
	}
	/* of each call only the newest copy, which comes first */
	for (size_t k = 0; k < copies.n; k++) {
		if (copies.v[k].a && (!k || copies.v[k].a != copies.v[k - 1].a))
			(void)give_copy(o, copies.v[k].off);
	}
	mem_free(items.v);
	mem_free(copies.v);
}

static bool head_fits(struct old *o, const struct map_head *h)
{
	if (h->sum != map_head_sum(h) || h->slot_bytes != MAP_SLOT_BYTES ||
	    h->slots > UINT32_MAX || h->ring_off != MAP_HEAD_BYTES + h->slots * MAP_SLOT_BYTES ||
	    h->ring_bytes < MAP_ENTRY_MAX || h->ring_bytes % 8 || h->ring_bytes > 1ull << 40)
		return false;
	o->slots = h->slots;
	o->ring_off = h->ring_off;
	o->ring_bytes = h->ring_bytes;
	o->head = atomic_load_explicit(&h->head, memory_order_relaxed);
	o->tail = atomic_load_explicit(&h->tail, memory_order_relaxed);
	o->heartbeat = atomic_load_explicit(&h->heartbeat, memory_order_relaxed);
	return o->tail <= o->head && o->head - o->tail <= o->ring_bytes && o->tail % 8 == 0 &&
	       o->head < UINT64_MAX / 2;
}

enum map_read map_salvage(struct str bytes, const struct map_found *f, uint32_t *damaged)
{
	struct old o = { .bytes = bytes, .f = f };
	struct map_head h = { 0 };

	*damaged = 0;
	if (!bytes.n)
		return MAP_READ_EMPTY;
	if (bytes.n >= sizeof h)
		memcpy(&h, bytes.p, sizeof h);
	if (h.magic == MAP_MAGIC && h.version != MAP_VERSION)
		return MAP_READ_FOREIGN;
	if (bytes.n >= sizeof h && h.magic == MAP_MAGIC && head_fits(&o, &h)) {
		/* a file cut short cannot have more slots than bytes: the rest is one damage */
		uint64_t most = (bytes.n + MAP_SLOT_BYTES - 1) / MAP_SLOT_BYTES;

		read_ring(&o);
		for (uint64_t i = 0; i < o.slots && i <= most; i++)
			read_slot(&o, MAP_HEAD_BYTES + i * MAP_SLOT_BYTES);
	} else {
		o.damaged++;
		read_blind(&o);
	}
	*damaged = o.damaged;
	return o.damaged ? MAP_READ_DAMAGED : MAP_READ_GOOD;
}

bool map_read_head(struct str bytes, uint64_t *boot, uint64_t *last_id)
{
	struct old o = { .bytes = bytes };
	struct map_head h;

	if (bytes.n < sizeof h)
		return false;
	memcpy(&h, bytes.p, sizeof h);
	if (h.magic != MAP_MAGIC || h.version != MAP_VERSION || !head_fits(&o, &h))
		return false;
	*boot = h.boot;
	*last_id = atomic_load_explicit(&h.last_id, memory_order_relaxed);
	return true;
}
