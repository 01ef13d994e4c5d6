#include "sip/lockout.h"

#include "base/mem.h"
#include "sip/source.h"

struct pair {
	struct hash_node node;
	struct list age;		/* the one longest without a try first */
	ms_t first, until;		/* of the tries that count; of the lock */
	unsigned tries;
};

void lockout_init(struct lockout *l, const struct hash_seed *seed)
{
	hash_init(&l->tab);
	list_init(&l->age);
	l->seed = *seed;
}

static void drop(struct lockout *l, struct pair *p)
{
	hash_remove(&l->tab, &p->node);
	list_remove(&p->age);
	mem_free(p);
}

void lockout_close(struct lockout *l)
{
	while (!list_empty(&l->age))
		drop(l, LIST_ENTRY(l->age.next, struct pair, age));
	hash_close(&l->tab);
}

/* The hash is keyed and 64 bits wide: it stands for the pair. */
static uint64_t key(const struct lockout *l, struct str user, const struct addr *src)
{
	struct addr net;

	source_net(src, &net);
	return hash_bytes(&l->seed, user.p, user.n) ^ hash_bytes(&l->seed, net.ip, sizeof net.ip);
}

static struct pair *find(const struct lockout *l, uint64_t h)
{
	struct hash_node *n = hash_first(&l->tab, h);

	return n ? HASH_ENTRY(n, struct pair, node) : NULL;
}

bool lockout_is(const struct lockout *l, struct str user, const struct addr *src, ms_t now)
{
	const struct pair *p = find(l, key(l, user, src));

	return p && now < p->until;
}

bool lockout_wrong(struct lockout *l, struct str user, const struct addr *src, ms_t now)
{
	uint64_t h = key(l, user, src);
	struct pair *p = find(l, h);

	if (!p) {
		if (l->tab.count == LOCKOUT_PAIRS)
			drop(l, LIST_ENTRY(l->age.next, struct pair, age));
		p = mem_new(sizeof *p);
		p->first = now;
		hash_add(&l->tab, &p->node, h);
	}
	list_remove(&p->age);
	list_append(&l->age, &p->age);
	if (now < p->until)
		return false;
	if (now - p->first > LOCKOUT_MS) {
		p->first = now;
		p->tries = 0;
	}
	if (++p->tries < LOCKOUT_TRIES)
		return false;
	p->tries = 0;
	p->first = now;
	p->until = now + LOCKOUT_MS;
	return true;
}

void lockout_right(struct lockout *l, struct str user, const struct addr *src)
{
	struct pair *p = find(l, key(l, user, src));

	if (p)
		drop(l, p);
}
