#include "sip/source.h"

#include <string.h>

#include "base/mem.h"

enum { MILLI = 1000, LEVELS = 2, CLASSES = 3, BANS_MAX = 30, BUCKETS_MIN = 64,
       BLOCK = 1024, BLOCKS = (SOURCE_STRANGERS + SOURCE_BANNED + SOURCE_PROVEN) / BLOCK + 2 };
enum { CLASS_STRANGER, CLASS_BANNED, CLASS_PROVEN };

/* A flood of forged addresses fills the table: 64 bytes each, and places instead of pointers (0: none),
 * so that it takes 4 MB of memory and not 10. */
struct source {
	uint32_t next;			/* of its bucket; of the free ones */
	uint32_t older, newer;		/* of its class: longer, less long unheard */
	uint8_t ip[16];			/* as in struct addr */
	uint8_t bits, class, bans;	/* bits: 32 is IPv4 */
	bool held : 1, scanner : 1;	/* held: in or after a hold */
	uint32_t tokens, strikes;	/* thousandths */
	uint32_t credit, dropped;
	ms_t at;			/* when these were true */
	ms_t until;			/* of the hold or ban, or of the proof: its class says which */
};
_Static_assert(sizeof(struct source) == 64, "what the table may take is told above");

struct class {
	uint32_t oldest, newest, n;
};

struct sources {
	struct source_rules r;
	struct hash_seed seed;
	uint32_t *bucket, nbucket;	/* a power of two */
	struct source *block[BLOCKS];
	uint32_t places, free;		/* ever used; the first free one of those */
	struct class class[CLASSES];
	struct source_counts sum;
};

struct sources *sources_new(const struct source_rules *r, const struct hash_seed *seed)
{
	struct sources *t = mem_new(sizeof *t);

	t->r = *r;
	t->seed = *seed;
	t->nbucket = BUCKETS_MIN;
	t->bucket = mem_array(t->nbucket, sizeof *t->bucket);
	t->places = 1;
	return t;
}

void sources_free(struct sources *t)
{
	if (!t)
		return;
	for (int i = 0; i < BLOCKS; i++)
		mem_free(t->block[i]);
	mem_free(t->bucket);
	mem_free(t);
}

/* --- places --- */

static struct source *at(const struct sources *t, uint32_t place)
{
	return &t->block[place / BLOCK][place % BLOCK];
}

/* No more than are kept of all classes are in use: what makes one too many drops one. */
static uint32_t place_new(struct sources *t)
{
	uint32_t place = t->free;

	if (place) {
		t->free = at(t, place)->next;
		*at(t, place) = (struct source){ 0 };
		return place;
	}
	place = t->places++;
	if (!t->block[place / BLOCK])
		t->block[place / BLOCK] = mem_array(BLOCK, sizeof(struct source));
	return place;
}

/* --- by age --- */

static void age_add(struct sources *t, uint32_t place)
{
	struct source *x = at(t, place);
	struct class *c = &t->class[x->class];

	x->older = c->newest;
	x->newer = 0;
	if (c->newest)
		at(t, c->newest)->newer = place;
	else
		c->oldest = place;
	c->newest = place;
	c->n++;
}

static void age_remove(struct sources *t, const struct source *x)
{
	struct class *c = &t->class[x->class];

	if (x->older)
		at(t, x->older)->newer = x->newer;
	else
		c->oldest = x->newer;
	if (x->newer)
		at(t, x->newer)->older = x->older;
	else
		c->newest = x->older;
	c->n--;
}

static uint32_t place_of(const struct sources *t, const struct source *x)
{
	return x->newer ? at(t, x->newer)->older : t->class[x->class].newest;
}

/* --- the table --- */

static uint32_t *bucket(const struct sources *t, const uint8_t ip[16], unsigned bits)
{
	uint8_t k[17];

	memcpy(k, ip, 16);
	k[16] = (uint8_t)bits;
	return &t->bucket[hash_bytes(&t->seed, k, sizeof k) & (t->nbucket - 1)];
}

static void grow(struct sources *t)
{
	uint32_t *old = t->bucket, n = t->nbucket;

	t->nbucket = 2 * n;
	t->bucket = mem_array(t->nbucket, sizeof *t->bucket);
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t place = old[i], next; place; place = next) {
			struct source *x = at(t, place);
			uint32_t *b = bucket(t, x->ip, x->bits);

			next = x->next;
			x->next = *b;
			*b = place;
		}
	mem_free(old);
}

static void drop(struct sources *t, uint32_t place)
{
	struct source *x = at(t, place);
	uint32_t *b = bucket(t, x->ip, x->bits);

	while (*b != place)
		b = &at(t, *b)->next;
	*b = x->next;
	age_remove(t, x);
	x->next = t->free;
	t->free = place;
}

/* Level 0: the address or its /64; level 1: the /48. 0: there is no such level. */
static unsigned net_of(const struct addr *a, int level, struct addr *net)
{
	*net = (struct addr){ .family = a->family };
	if (a->family == ADDR_V4) {
		memcpy(net->ip, a->ip, 4);
		return level == 0 ? 32 : 0;
	}
	memcpy(net->ip, a->ip, level == 0 ? 8 : 6);
	return level == 0 ? 64 : 48;
}

void source_net(const struct addr *a, struct addr *net)
{
	(void)net_of(a, 0, net);
}

static uint32_t find(const struct sources *t, const struct addr *a, int level)
{
	struct addr net;
	unsigned bits = net_of(a, level, &net);
	uint32_t place = bits ? *bucket(t, net.ip, bits) : 0;

	while (place && (at(t, place)->bits != bits || memcmp(at(t, place)->ip, net.ip, sizeof net.ip) != 0))
		place = at(t, place)->next;
	return place;
}

static void file_under(struct sources *t, struct source *x, uint8_t class)
{
	static const uint32_t most[CLASSES] = { SOURCE_STRANGERS, SOURCE_BANNED, SOURCE_PROVEN };
	uint32_t place = place_of(t, x);

	age_remove(t, x);
	if (t->class[class].n == most[class])
		drop(t, t->class[class].oldest);
	x->class = class;
	age_add(t, place);
}

static bool proven(const struct source *x, ms_t now)
{
	return x->class == CLASS_PROVEN && now < x->until;
}

static bool banned(const struct source *x, ms_t now)
{
	return now < x->until && (x->bans || x->scanner);
}

static uint64_t times(const struct source *x, ms_t now)
{
	return x->bits == 48 ? SOURCE_WIDE_TIMES : proven(x, now) ? SOURCE_PROVEN_TIMES : 1;
}

static struct source *add(struct sources *t, const struct addr *net, unsigned bits, ms_t now)
{
	uint32_t place, *b;
	struct source *x;

	if (t->class[CLASS_STRANGER].n == SOURCE_STRANGERS)
		drop(t, t->class[CLASS_STRANGER].oldest);
	if (t->class[CLASS_STRANGER].n + t->class[CLASS_BANNED].n + t->class[CLASS_PROVEN].n >= t->nbucket)
		grow(t);
	place = place_new(t);
	x = at(t, place);
	memcpy(x->ip, net->ip, sizeof x->ip);
	x->bits = (uint8_t)bits;
	x->at = now;
	x->tokens = (uint32_t)((uint64_t)t->r.burst * MILLI * times(x, now));
	b = bucket(t, x->ip, bits);
	x->next = *b;
	*b = place;
	age_add(t, place);
	return x;
}

/* --- time --- */

/* What a ban was for is forgotten when nothing came for as long as the longest one lasts. */
static void pass_time(struct sources *t, struct source *x, ms_t now)
{
	uint64_t ms = now > x->at ? now - x->at : 0, back = ms * MILLI / SOURCE_STRIKE_MS;
	uint64_t full = (uint64_t)t->r.burst * MILLI * times(x, now);
	uint64_t tokens = x->tokens + ms * t->r.rate * times(x, now);	/* a thousandth a millisecond at 1/s */

	x->tokens = (uint32_t)(tokens < full ? tokens : full);
	x->strikes = x->strikes > back ? x->strikes - (uint32_t)back : 0;
	if (x->class == CLASS_BANNED && now > x->until && now - x->until > t->r.ban_max) {
		x->bans = 0;
		x->held = x->scanner = false;
	}
	if (x->class == CLASS_BANNED && !x->held && !x->bans)
		file_under(t, x, CLASS_STRANGER);
	if (x->class == CLASS_PROVEN && now >= x->until)
		file_under(t, x, CLASS_STRANGER);
	x->at = now;
}

/* NULL: there is no such level. */
static struct source *touch(struct sources *t, const struct addr *a, int level, ms_t now)
{
	uint32_t place = find(t, a, level);
	struct addr net;
	unsigned bits;

	if (!place) {
		bits = net_of(a, level, &net);
		return bits ? add(t, &net, bits, now) : NULL;
	}
	pass_time(t, at(t, place), now);
	age_remove(t, at(t, place));
	age_add(t, place);
	return at(t, place);
}

static bool take(struct sources *t, struct source *x, ms_t now)
{
	if (!banned(x, now) && x->tokens >= MILLI) {
		x->tokens -= MILLI;
		return true;
	}
	x->dropped += x->dropped < UINT32_MAX;
	t->sum.dropped++;
	return false;
}

/* --- what comes --- */

enum source_verdict source_hear(struct sources *t, const struct addr *a, ms_t now, size_t bytes)
{
	struct source *x = touch(t, a, 0, now), *wide;

	x->credit += (uint32_t)(bytes < SOURCE_CREDIT - x->credit ? bytes : SOURCE_CREDIT - x->credit);
	if (!take(t, x, now))
		return SOURCE_DROP;
	if (proven(x, now))
		return SOURCE_KNOWN;
	wide = touch(t, a, 1, now);
	if (wide && !take(t, wide, now))
		return SOURCE_DROP;
	return now < x->until || (wide && now < wide->until) ? SOURCE_HELD : SOURCE_STRANGE;
}

bool source_knock(struct sources *t, const struct addr *a, ms_t now)
{
	struct source *x = touch(t, a, 0, now), *wide;

	if (!take(t, x, now))
		return false;
	wide = proven(x, now) ? NULL : touch(t, a, 1, now);
	return !wide || take(t, wide, now);
}

static void view(const struct source *x, ms_t now, struct source_view *v)
{
	*v = (struct source_view){ .net.family = x->bits == 32 ? ADDR_V4 : ADDR_V6, .bits = x->bits,
				   .scanner = x->scanner, .bans = x->bans, .until = x->until,
				   .dropped = x->dropped };
	memcpy(v->net.ip, x->ip, sizeof v->net.ip);
	v->state = proven(x, now) ? SOURCE_IS_PROVEN : banned(x, now) ? SOURCE_IS_BANNED
		 : now < x->until ? SOURCE_IS_HELD : SOURCE_IS_STRANGER;
}

static void ban(struct sources *t, struct source *x, ms_t now)
{
	ms_t ms = t->r.ban << (x->bans < BANS_MAX ? x->bans : BANS_MAX);

	x->until = now + (ms < t->r.ban_max ? ms : t->r.ban_max);
	if (x->bans < UINT8_MAX)
		x->bans++;
	x->strikes = 0;
	x->held = true;
	t->sum.bans++;
	file_under(t, x, CLASS_BANNED);
}

static bool strike(struct sources *t, struct source *x, ms_t now)
{
	uint64_t most = x->held ? SOURCE_AFTER_HOLD : t->r.strikes;

	x->strikes += MILLI;
	if (x->strikes < most * MILLI * (x->bits == 48 ? SOURCE_WIDE_TIMES : 1))
		return false;
	if (x->held) {
		ban(t, x, now);
		return true;
	}
	x->held = true;
	x->strikes = 0;
	x->until = now + SOURCE_HOLD_MS;
	t->sum.holds++;
	file_under(t, x, CLASS_BANNED);
	return true;
}

bool source_strike(struct sources *t, const struct addr *a, ms_t now, struct source_view *v)
{
	bool news = false;

	for (int level = 0; level < LEVELS; level++) {
		struct source *x = touch(t, a, level, now);

		if (!x || proven(x, now))
			break;
		if (!strike(t, x, now))
			continue;
		view(x, now, v);
		news = true;
	}
	return news;
}

bool source_ban(struct sources *t, const struct addr *a, ms_t now, struct source_view *v)
{
	struct source *x = touch(t, a, 0, now);

	if (proven(x, now) || banned(x, now))
		return false;
	x->scanner = true;
	ban(t, x, now);
	view(x, now, v);
	return true;
}

void source_prove(struct sources *t, const struct addr *a, ms_t now)
{
	struct source *x = touch(t, a, 0, now);

	x->strikes = 0;
	x->bans = 0;
	x->held = x->scanner = false;
	if (x->class != CLASS_PROVEN) {
		x->tokens = t->r.burst * MILLI * SOURCE_PROVEN_TIMES;
		file_under(t, x, CLASS_PROVEN);
	}
	x->until = now + SOURCE_PROVEN_MS;
}

bool source_proven(const struct sources *t, const struct addr *a, ms_t now)
{
	uint32_t place = find(t, a, 0);

	return place && proven(at(t, place), now);
}

bool source_may_send(struct sources *t, const struct addr *a, ms_t now, size_t bytes)
{
	uint32_t place = find(t, a, 0);
	struct source *x;

	if (!place)
		return false;	/* it never sent anything */
	x = at(t, place);
	if (proven(x, now))
		return true;
	if (bytes > x->credit)
		return false;
	x->credit -= (uint32_t)bytes;
	return true;
}

/* --- people --- */

bool source_forgive(struct sources *t, const struct addr *a)
{
	bool was = false;

	for (int level = 0; level < LEVELS; level++) {
		uint32_t place = find(t, a, level);

		if (!place || at(t, place)->class != CLASS_BANNED)
			continue;
		was = true;
		drop(t, place);
	}
	return was;
}

void sources_each(const struct sources *t, ms_t now, bool (*fn)(void *, const struct source_view *), void *ctx)
{
	struct source_view v;

	for (uint32_t place = t->class[CLASS_BANNED].oldest; place; place = at(t, place)->newer) {
		view(at(t, place), now, &v);
		if ((v.state == SOURCE_IS_BANNED || v.state == SOURCE_IS_HELD) && !fn(ctx, &v))
			return;
	}
}

void sources_count(const struct sources *t, struct source_counts *c)
{
	*c = t->sum;
	c->strangers = t->class[CLASS_STRANGER].n;
	c->banned = t->class[CLASS_BANNED].n;
	c->proven = t->class[CLASS_PROVEN].n;
}
