#include "call/limit.h"

#include "base/buf.h"

struct entry {
	struct hash_node node;
	enum limit_kind kind;
	uint32_t count;
	struct str name;
	char text[];
};

struct limit_table {
	struct limits max;
	struct hash_seed seed;
	struct hash tab;
	char number[LIMIT_NKIND][12];	/* the last limit met, for its reason */
};

struct limit_table *limit_new(const struct limits *l, const struct hash_seed *seed)
{
	struct limit_table *t = mem_new(sizeof *t);

	t->max = *l;
	t->seed = *seed;
	hash_init(&t->tab);
	return t;
}

void limit_free(struct limit_table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->tab.nbucket; i++)
		while (t->tab.bucket[i]) {
			struct entry *e = HASH_ENTRY(t->tab.bucket[i], struct entry, node);

			t->tab.bucket[i] = e->node.next;
			mem_free(e);
		}
	hash_close(&t->tab);
	mem_free(t);
}

static uint64_t key(const struct limit_table *t, enum limit_kind k, struct str name)
{
	return hash_bytes(&t->seed, name.p, name.n) + (uint64_t)k;
}

static struct entry *find(const struct limit_table *t, enum limit_kind k, struct str name)
{
	struct hash_node *n = hash_first(&t->tab, key(t, k, name));

	for (; n; n = hash_next(n)) {
		struct entry *e = HASH_ENTRY(n, struct entry, node);

		if (e->kind == k && str_eq(e->name, name))
			return e;
	}
	return NULL;
}

static uint32_t most_of(const struct limit_table *t, enum limit_kind k)
{
	const uint32_t max[LIMIT_NKIND] = {
		[LIMIT_USER] = t->max.user, [LIMIT_FORWARD] = t->max.forward,
		[LIMIT_TRUNK] = t->max.trunk, [LIMIT_TOTAL] = t->max.total,
	};

	return max[k];
}

static struct reason refused(struct limit_table *t, enum limit_kind k, struct str name,
			     uint32_t most)
{
	static const enum reason_code code[LIMIT_NKIND] = {
		[LIMIT_USER] = REASON_LIMIT_USER, [LIMIT_FORWARD] = REASON_FORWARD_LIMIT,
		[LIMIT_TRUNK] = REASON_LIMIT_TRUNK, [LIMIT_TOTAL] = REASON_LIMIT_TOTAL,
	};
	struct buf b;

	buf_init(&b, t->number[k], sizeof t->number[k]);
	buf_u64(&b, most);
	if (k == LIMIT_TOTAL)
		return (struct reason){ code[k], { buf_str(&b) } };
	return (struct reason){ code[k], { name, buf_str(&b) } };
}

enum err limit_take(struct limit_table *t, enum limit_kind k, struct str name, uint32_t most,
		    struct reason *why)
{
	struct entry *e = find(t, k, name);

	if (!most)
		most = most_of(t, k);
	if (most && e && e->count >= most) {
		*why = refused(t, k, name, most);
		return ERR_LIMIT;
	}
	if (!e) {
		e = mem_new(sizeof *e + name.n + 1);
		e->kind = k;
		(void)str_copy(e->text, name.n + 1, name);	/* cannot fail: it was sized */
		e->name = (struct str){ e->text, name.n };
		hash_add(&t->tab, &e->node, key(t, k, name));
	}
	e->count++;
	return OK;
}

void limit_give(struct limit_table *t, enum limit_kind k, struct str name)
{
	struct entry *e = find(t, k, name);

	if (!e || --e->count)
		return;
	hash_remove(&t->tab, &e->node);
	mem_free(e);
}

uint32_t limit_count(const struct limit_table *t, enum limit_kind k, struct str name)
{
	const struct entry *e = find(t, k, name);

	return e ? e->count : 0;
}
