/*
 * The stack's transactions: a machine (tsx.c), the bytes it repeats, the way
 * they go, and whom it serves. Found again by a keyed 64-bit hash of branch and
 * method; a collision would need 2^32 tries under a key nobody knows.
 */
#include <string.h>

#include "sip/stack_int.h"

_Static_assert(sizeof(struct tx) <= 208, "with its place in the tables, one that only absorbs takes 256 bytes: goal S4");

static void fired(void *arg)
{
	struct tx *t = arg;
	struct sip *s = t->s;
	unsigned acts = tsx_fired(&t->m, &s->loop->timers);

	if (t->server)
		uas_acts(s, t, acts);
	else
		client_acts(s, t, acts);
}

void tx_machine(struct tx *t, enum tsx_kind k, bool reliable)
{
	tsx_init(&t->m, k, reliable, &t->s->times, fired, t);
}

struct tx *tx_new(struct sip *s, enum tsx_kind k, const struct path *p)
{
	uint64_t id;
	struct tx *t = slot_new(&s->txs, &id);

	if (!t)
		return NULL;
	t->s = s;
	t->id = id;
	t->path = *p;
	tx_machine(t, k, p->transport != SIP_UDP);
	return t;
}

struct tx *tx_get(struct sip *s, uint64_t id)
{
	return slot_get(&s->txs, id);
}

void tx_link(struct sip *s, struct tx *t, uint64_t key)
{
	if (t->linked)
		hash_remove(&s->tx_key, &t->by_key);
	hash_add(&s->tx_key, &t->by_key, key);
	t->linked = true;
}

struct tx *tx_find(struct sip *s, uint64_t key, bool server)
{
	for (struct hash_node *n = hash_first(&s->tx_key, key); n; n = hash_next(n)) {
		struct tx *t = HASH_ENTRY(n, struct tx, by_key);

		if (t->server == server)
			return t;
	}
	return NULL;
}

void tx_free(struct sip *s, struct tx *t)
{
	tsx_stop(&t->m, &s->loop->timers);
	if (t->linked)
		hash_remove(&s->tx_key, &t->by_key);
	if (t->server) {
		if (t->merge_linked)
			hash_remove(&s->tx_merge, &t->u.by_merge);
		mem_free(t->more.skel);
	} else {
		list_remove(&t->u.on_conn);
		if (t->more.client)
			locate_close(&t->more.client->loc);
		mem_free(t->more.client);
	}
	mem_free(t->last);
	slot_free(&s->txs, t->id);
}

void tx_keep(struct tx *t, struct str bytes)
{
	mem_free(t->last);
	t->last = wire_new(bytes);
}

bool tx_resend(struct sip *s, struct tx *t)
{
	struct str bytes;

	if (!t->last)
		return true;
	bytes = (struct str){ t->last->p, t->last->n };
	sip_tap(s, sip_owner(s, t), true, &t->path, bytes);
	if (!t->server)		/* whom we ask may answer */
		gate_prove(s, &t->path.peer);
	return transport_send(s, &t->path, bytes);
}
