#include "store/ring_int.h"

#include <string.h>

/* ---- the ring ---- */

static void write_item(struct map *m, uint64_t pos, uint32_t kind, struct str s)
{
	struct map_item i = { .magic = MAP_ITEM_MAGIC, .len = (uint32_t)s.n, .pos = pos,
			      .kind = kind };
	unsigned char *p = m->ring + pos % m->head->ring_bytes;

	i.sum = map_item_sum(&i, s.p);
	if (kind != MAP_PAD && s.n)
		memcpy(p + sizeof i, s.p, s.n);
	memcpy(p, &i, sizeof i);
}

/* Room for an item at the head, padded past the ring's end when it must be. */
static bool ring_room(struct map *m, uint64_t need, uint64_t *at)
{
	uint64_t size = m->head->ring_bytes, head = ring_get(&m->head->head);
	uint64_t left = size - head % size, skip = left < need ? left : 0;

	if (head - ring_get(&m->head->tail) + skip + need > size)
		return false;
	if (skip >= sizeof(struct map_item))
		write_item(m, head, MAP_PAD, (struct str){ NULL, skip - sizeof(struct map_item) });
	*at = head + skip;
	return true;
}

bool ring_push(struct map *m, enum map_kind kind, struct str s)
{
	uint64_t need = map_item_size(s.n), at;

	if (!ring_room(m, need, &at))
		return false;
	write_item(m, at, kind, s);
	ring_set(&m->head->head, at + need);
	m->nring++;
	return true;
}

static void wait_push(struct map *m, enum map_kind kind, struct str s)
{
	struct wait *w;

	if (m->wait_bytes + s.n > m->wait_most) {
		m->lost++;
		return;
	}
	w = mem_new(sizeof *w + s.n);
	w->kind = kind;
	w->n = (uint32_t)s.n;
	if (s.n)
		memcpy(w->bytes, s.p, s.n);
	if (m->newest)
		m->newest->next = w;
	else
		m->oldest = w;
	m->newest = w;
	m->wait_bytes += s.n;
	m->nwait++;
}

struct wait *ring_wait_take(struct map *m)
{
	struct wait *w = m->oldest;

	m->oldest = w->next;
	if (!m->oldest)
		m->newest = NULL;
	m->wait_bytes -= w->n;
	m->nwait--;
	return w;
}

void map_push(struct map *m, enum map_kind kind, struct str packed)
{
	if (packed.n > MAP_ENTRY_MAX)
		m->lost++;
	else if (m->oldest || !ring_push(m, kind, packed))
		wait_push(m, kind, packed);
}

/* From a position on: the next real item, or false at the head. */
static bool ring_item(const struct map *m, uint64_t *pos, struct map_item *i)
{
	uint64_t size = m->head->ring_bytes, head = ring_get(&m->head->head);

	while (*pos < head) {
		uint64_t left = size - *pos % size;

		if (left < sizeof *i) {
			*pos += left;
			continue;
		}
		memcpy(i, m->ring + *pos % size, sizeof *i);
		if (i->kind != MAP_PAD)
			return true;
		*pos += left;
	}
	return false;
}

static bool peek_ring(const struct map *m, struct map_cursor *c, struct map_entry *e)
{
	struct map_item i;

	if (!ring_item(m, &c->pos, &i))
		return false;
	e->kind = (enum map_kind)i.kind;
	e->bytes = (struct str){ (const char *)m->ring + c->pos % m->head->ring_bytes + sizeof i,
				 i.len };
	c->pos += map_item_size(i.len);
	return true;
}

bool map_peek(const struct map *m, struct map_cursor *c, struct map_entry *e)
{
	const struct wait *w;

	if (c->stage == MAP_AT_START) {
		c->pos = ring_get(&m->head->tail);
		c->stage = MAP_IN_RING;
	}
	if (c->stage == MAP_IN_RING) {
		if (peek_ring(m, c, e))
			return true;
		c->wait = m->oldest;
		c->stage = MAP_IN_WAIT;
	}
	w = c->wait;
	if (!w)
		return false;
	e->kind = w->kind;
	e->bytes = (struct str){ w->bytes, w->n };
	c->wait = w->next;
	return true;
}

void map_advance(struct map *m, uint32_t n)
{
	uint64_t pos = ring_get(&m->head->tail);
	struct map_item i;

	for (; n && m->nring && ring_item(m, &pos, &i); n--) {
		pos += map_item_size(i.len);
		m->nring--;
	}
	ring_set(&m->head->tail, m->nring ? pos : ring_get(&m->head->head));
	for (; n && m->oldest; n--)
		mem_free(ring_wait_take(m));
	while (m->oldest && ring_push(m, m->oldest->kind,
				      (struct str){ m->oldest->bytes, m->oldest->n }))
		mem_free(ring_wait_take(m));
}

uint32_t map_pending(const struct map *m)
{
	return m->nring + m->nwait;
}

uint32_t map_waiting(const struct map *m)
{
	return m->nwait;
}

uint32_t map_lost(const struct map *m)
{
	return m->lost;
}

uint32_t map_refused(const struct map *m)
{
	return m->refused;
}

/* ---- live calls ---- */

_Atomic uint64_t *ring_slot_word(struct map *m, uint32_t slot)
{
	return (_Atomic uint64_t *)(void *)(m->mem + MAP_HEAD_BYTES +
					    (size_t)slot * MAP_SLOT_BYTES);
}

static unsigned char *slot_copy(struct map *m, uint32_t slot, uint64_t which)
{
	return (unsigned char *)ring_slot_word(m, slot) + MAP_SLOT_HEAD + (which - 1) * MAP_COPY_BYTES;
}

/* As much of the record as its fixed room takes; the core always fits. */
static struct str pack_live(struct map *m, const struct call_record *r)
{
	struct buf b;

	for (enum record_part p = RECORD_ALL;; p++) {
		buf_init(&b, m->scratch, MAP_LIVE_RECORD_MAX);
		record_pack(&b, r, p);
		if (buf_ok(&b) || p == RECORD_FEW_LEGS)
			return buf_str(&b);
	}
}

enum err map_live_put(struct map *m, struct call_record *r, struct str saved)
{
	struct map_copy c = { .magic = MAP_COPY_MAGIC, .gen = ++m->gen };
	uint64_t which;
	unsigned char *p;
	struct str rec;

	if (saved.n > MAP_SAVED_MAX || (!r->slot && !m->nspare)) {
		m->refused++;
		return ERR_LIMIT;
	}
	if (!r->slot)
		r->slot = m->spare[--m->nspare] + 1;
	which = ring_get(ring_slot_word(m, r->slot - 1)) == 1 ? 2 : 1;
	p = slot_copy(m, r->slot - 1, which);
	rec = pack_live(m, r);
	c.rec_len = (uint32_t)rec.n;
	c.saved_len = (uint32_t)saved.n;
	memcpy(p + sizeof c, rec.p, rec.n);
	if (saved.n)
		memcpy(p + sizeof c + rec.n, saved.p, saved.n);
	c.sum = map_copy_sum(&c, p + sizeof c);
	memcpy(p, &c, sizeof c);
	ring_set(ring_slot_word(m, r->slot - 1), which);
	return OK;
}

static void slot_drop(struct map *m, uint32_t slot)
{
	ring_set(ring_slot_word(m, slot), 0);
	/* a reader without the head must not find them either */
	memset(slot_copy(m, slot, 1), 0, sizeof(struct map_copy));
	memset(slot_copy(m, slot, 2), 0, sizeof(struct map_copy));
	m->spare[m->nspare++] = slot;
}

void ring_record(struct map *m, const struct call_record *r)
{
	struct buf b;

	buf_init(&b, m->scratch, RECORD_PACK_MAX);
	record_pack(&b, r, RECORD_ALL);
	map_push(m, MAP_RECORD, buf_str(&b));
}

void map_finish(struct map *m, struct call_record *r)
{
	ring_record(m, r);
	if (r->slot)
		slot_drop(m, r->slot - 1);
	r->slot = 0;
}

void map_heartbeat(struct map *m, int64_t wall)
{
	atomic_store_explicit(&m->head->heartbeat, wall, memory_order_release);
}

uint64_t map_id(struct map *m, int64_t wall)
{
	uint64_t ms = wall > MAP_ID_EPOCH_MS ? (uint64_t)(wall - MAP_ID_EPOCH_MS) : 0;
	uint64_t last = ring_get(&m->head->last_id);
	uint64_t id = ms << (MAP_ID_SEQ_BITS + MAP_ID_BOOT_BITS) | (uint64_t)m->boot << MAP_ID_SEQ_BITS;

	/* same ms, or the clock went back: go on from the last one */
	if (id <= last)
		id = last + 1;
	ring_set(&m->head->last_id, id);
	return id;
}

uint8_t map_boot(const struct map *m)
{
	return m->boot;
}

struct str map_image(const struct map *m)
{
	return (struct str){ (const char *)m->mem, m->bytes };
}

