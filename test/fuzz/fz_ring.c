/* fz_ring.c - the map's reader: arbitrary bytes, and a good map with bytes changed. */
#include <stdlib.h>
#include <string.h>

#include "store/ring_int.h"

static void entry(void *ctx, enum map_kind kind, struct str bytes)
{
	uint64_t *sum = ctx;

	*sum += (uint64_t)kind + (bytes.n ? (unsigned char)bytes.p[bytes.n - 1] : 0);
}

static void live(void *ctx, const struct call_record *r, struct str saved, int64_t heartbeat)
{
	uint64_t *sum = ctx;

	*sum += r->id + (uint64_t)heartbeat + (saved.n ? (unsigned char)saved.p[saved.n - 1] : 0);
}

static void salvage(struct str s)
{
	uint64_t sum = 0;
	const struct map_found f = { &sum, entry, live };
	uint32_t damaged;

	(void)map_salvage(s, &f, &damaged);
}

/* A good map: two live calls, some records, wrapped once. Made once, never changed. */
static struct str sample(void)
{
	static struct call_record r[3];
	struct rng rng;
	struct map *m;
	struct str s;

	rng_seed(&rng, 1);
	if (map_open(&m, &(struct map_config){ .slots = 2, .ring_bytes = 1, .rng = &rng,
					       .wall = 1700000000000 }, NULL, NULL))
		abort();
	for (int i = 0; i < 200; i++) {
		record_init(&r[2], map_id(m, 1700000000000));
		(void)record_add_leg(&r[2]);
		map_finish(m, &r[2]);
		if (i > 3)
			map_advance(m, 1);
	}
	for (int i = 0; i < 2; i++) {
		record_init(&r[i], map_id(m, 1700000000000));
		if (map_live_put(m, &r[i], STR("saved dialogs")))
			abort();
	}
	s = map_image(m);
	s.p = mem_dup(s.p, s.n);
	map_close(m);
	return s;
}

/* Changes as three-byte groups: where (of 65,536 parts of the file) and the new byte. */
static void change(const uint8_t *p, size_t n)
{
	static struct str good;
	char *copy;

	if (!good.p)
		good = sample();
	copy = mem_dup(good.p, good.n);
	for (; n >= 4; p += 4, n -= 4) {
		size_t at = ((size_t)p[0] << 16 | (size_t)p[1] << 8 | p[2]) % good.n;

		copy[at] = (char)p[3];
	}
	salvage((struct str){ copy, n == 1 ? good.n * p[0] / 256 : good.n });
	mem_free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	if (n && p[0] == 'C')
		change(p + 1, n - 1);
	else
		salvage((struct str){ (const char *)p, n });
	return 0;
}
