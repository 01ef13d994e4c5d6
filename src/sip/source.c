#include "sip/source.h"

#include <string.h>

#include "base/list.h"
#include "base/mem.h"

enum { MILLI = 1000, LEVELS = 2, CLASSES = 3, BANS_MAX = 30 };
enum { CLASS_STRANGER, CLASS_BANNED, CLASS_PROVEN };

struct source {
	struct hash_node node;
	struct list age;		/* of its class, longest unheard first */
	struct addr net;
	uint8_t bits, class, bans;
	bool held, scanner;		/* held: in or after a hold */
	uint64_t tokens, strikes;	/* thousandths */
	ms_t at;			/* when these were true */
	ms_t until, proven;		/* until: of a hold or ban; proven: till then */
	uint32_t credit;
	uint64_t dropped;
};

struct sources {
	struct source_rules r;
	struct hash_seed seed;
	struct hash tab;
	struct list class[CLASSES];
	uint32_t n[CLASSES];
	struct source_counts sum;
};

struct sources *sources_new(const struct source_rules *r, const struct hash_seed *seed)
{
	struct sources *t = mem_new(sizeof *t);

	t->r = *r;
	t->seed = *seed;
	hash_init(&t->tab);
	for (int i = 0; i < CLASSES; i++)
		list_init(&t->class[i]);
	return t;
}

static void drop(struct sources *t, struct source *x)
{
	hash_remove(&t->tab, &x->node);
	list_remove(&x->age);
	t->n[x->class]--;
	mem_free(x);
}

void sources_free(struct sources *t)
{
	if (!t)
		return;
	for (int i = 0; i < CLASSES; i++)
		while (!list_empty(&t->class[i]))
			drop(t, LIST_ENTRY(t->class[i].next, struct source, age));
	hash_close(&t->tab);
	mem_free(t);
}

/* --- the table --- */

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

static uint64_t key(const struct sources *t, const struct addr *net, unsigned bits)
{
	uint8_t k[18];

	memcpy(k, net->ip, 16);
	k[16] = (uint8_t)net->family;
	k[17] = (uint8_t)bits;
	return hash_bytes(&t->seed, k, sizeof k);
}

static struct source *find(const struct sources *t, const struct addr *a, int level)
{
	struct addr net;
	unsigned bits = net_of(a, level, &net);
	struct hash_node *n = bits ? hash_first(&t->tab, key(t, &net, bits)) : NULL;

	for (; n; n = hash_next(n)) {
		struct source *x = HASH_ENTRY(n, struct source, node);

		if (x->bits == bits && addr_same_ip(&x->net, &net))
			return x;
	}
	return NULL;
}

static void file_under(struct sources *t, struct source *x, uint8_t class)
{
	static const uint32_t most[CLASSES] = { SOURCE_STRANGERS, SOURCE_BANNED, SOURCE_PROVEN };

	list_remove(&x->age);
	t->n[x->class]--;
	if (t->n[class] == most[class])
		drop(t, LIST_ENTRY(t->class[class].next, struct source, age));
	x->class = class;
	list_append(&t->class[class], &x->age);
	t->n[class]++;
}

static uint64_t times(const struct source *x, ms_t now)
{
	return x->bits == 48 ? SOURCE_WIDE_TIMES : now < x->proven ? SOURCE_PROVEN_TIMES : 1;
}

static struct source *get(struct sources *t, const struct addr *a, int level, ms_t now)
{
	struct source *x = find(t, a, level);

	if (x)
		return x;
	x = mem_new(sizeof *x);
	x->bits = (uint8_t)net_of(a, level, &x->net);
	if (!x->bits) {
		mem_free(x);
		return NULL;
	}
	x->at = now;
	x->tokens = (uint64_t)t->r.burst * MILLI * times(x, now);
	hash_add(&t->tab, &x->node, key(t, &x->net, x->bits));
	list_append(&t->class[CLASS_STRANGER], &x->age);
	t->n[CLASS_STRANGER]++;
	if (t->n[CLASS_STRANGER] > SOURCE_STRANGERS)
		drop(t, LIST_ENTRY(t->class[CLASS_STRANGER].next, struct source, age));
	return x;
}

/* --- time --- */

/* What a ban was for is forgotten when nothing came for as long as the longest one lasts. */
static void pass_time(struct sources *t, struct source *x, ms_t now)
{
	uint64_t ms = now > x->at ? now - x->at : 0, back;
	uint64_t full = (uint64_t)t->r.burst * MILLI * times(x, now);

	x->tokens += ms * t->r.rate * times(x, now);	/* a thousandth a millisecond at 1/s */
	if (x->tokens > full)
		x->tokens = full;
	back = ms * MILLI / SOURCE_STRIKE_MS;
	x->strikes = x->strikes > back ? x->strikes - back : 0;
	if (x->class == CLASS_BANNED && now > x->until && now - x->until > t->r.ban_max) {
		x->bans = 0;
		x->held = x->scanner = false;
	}
	if (x->class == CLASS_BANNED && !x->held && !x->bans)
		file_under(t, x, CLASS_STRANGER);
	if (x->class == CLASS_PROVEN && now >= x->proven)
		file_under(t, x, CLASS_STRANGER);
	x->at = now;
}

static struct source *touch(struct sources *t, const struct addr *a, int level, ms_t now)
{
	struct source *x = get(t, a, level, now);

	if (!x)
		return NULL;
	pass_time(t, x, now);
	list_remove(&x->age);
	list_append(&t->class[x->class], &x->age);
	return x;
}

static bool banned(const struct source *x, ms_t now)
{
	return now < x->until && (x->bans || x->scanner);
}

static bool take(struct sources *t, struct source *x, ms_t now)
{
	if (!banned(x, now) && x->tokens >= MILLI) {
		x->tokens -= MILLI;
		return true;
	}
	x->dropped++;
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
	if (now < x->proven)
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
	wide = now < x->proven ? NULL : touch(t, a, 1, now);
	return !wide || take(t, wide, now);
}

static void view(const struct source *x, ms_t now, struct source_view *v)
{
	*v = (struct source_view){ .net = x->net, .bits = x->bits, .scanner = x->scanner,
				   .bans = x->bans, .until = x->until, .dropped = x->dropped };
	v->state = now < x->proven ? SOURCE_IS_PROVEN : banned(x, now) ? SOURCE_IS_BANNED
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

		if (!x || now < x->proven)
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

	if (now < x->proven || banned(x, now))
		return false;
	x->scanner = true;
	ban(t, x, now);
	view(x, now, v);
	return true;
}

void source_prove(struct sources *t, const struct addr *a, ms_t now)
{
	struct source *x = touch(t, a, 0, now);

	x->proven = now + SOURCE_PROVEN_MS;
	x->until = 0;
	x->strikes = 0;
	x->bans = 0;
	x->held = x->scanner = false;
	if (x->class != CLASS_PROVEN) {
		x->tokens = (uint64_t)t->r.burst * MILLI * SOURCE_PROVEN_TIMES;
		file_under(t, x, CLASS_PROVEN);
	}
}

bool source_proven(const struct sources *t, const struct addr *a, ms_t now)
{
	const struct source *x = find(t, a, 0);

	return x && now < x->proven;
}

bool source_may_send(struct sources *t, const struct addr *a, ms_t now, size_t bytes)
{
	struct source *x = find(t, a, 0);

	if (!x)
		return false;	/* it never sent anything */
	if (now < x->proven)
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
		struct source *x = find(t, a, level);

		if (!x || x->class != CLASS_BANNED)
			continue;
		was = true;
		drop(t, x);
	}
	return was;
}

void sources_each(const struct sources *t, ms_t now, bool (*fn)(void *, const struct source_view *), void *ctx)
{
	const struct list *head = &t->class[CLASS_BANNED];
	struct source_view v;

	for (const struct list *l = head->next; l != head; l = l->next) {
		view(LIST_ENTRY(l, struct source, age), now, &v);
		if ((v.state == SOURCE_IS_BANNED || v.state == SOURCE_IS_HELD) && !fn(ctx, &v))
			return;
	}
}

void sources_count(const struct sources *t, struct source_counts *c)
{
	*c = t->sum;
	c->strangers = t->n[CLASS_STRANGER];
	c->banned = t->n[CLASS_BANNED];
	c->proven = t->n[CLASS_PROVEN];
}
