#include <string.h>

#include "base/mem.h"
#include "io/uv_int.h"

/* A handshake step costs up to a quarter of a millisecond of RSA. Steps therefore wait here,
 * and the loop takes a few of them each time round: known peers first, then one of the others: a
 * flood of those costs whatever else comes no more than one step's wait, and nobody waits for ever. */

enum { KNOWN_A_TURN = 3, INBOUND_MAX = 1024, A_SOURCE_MAX = 32 };

void lu_shakes_init(struct lu_world *w)
{
	list_init(&w->shakes.known);
	list_init(&w->shakes.others);
	list_init(&w->shakes.inbound);
}

static bool known(const struct lu_shakes *x, const struct addr *a)
{
	for (uint32_t i = 0; i < LU_KNOWN && i < x->nseen; i++)
		if (addr_same_ip(&x->seen[i], a))
			return true;
	return false;
}

void lu_shakes_note(struct lu_world *w, const struct addr *a)
{
	struct lu_shakes *x = &w->shakes;

	if (!known(x, a))
		x->seen[x->nseen++ % LU_KNOWN] = *a;
}

/* Too many half-open ones: the oldest stranger goes. */
static void evict(struct lu_world *w)
{
	struct list *l = w->shakes.inbound.next;

	while (l != &w->shakes.inbound && LIST_ENTRY(l, struct lu_shake, wait)->known)
		l = l->next;
	if (l != &w->shakes.inbound)
		lu_stream_evict(lu_shake_owner(LIST_ENTRY(l, struct lu_shake, wait)));
}

/* Handshakes of one stranger that are under way. */
static int of_source(const struct lu_world *w, const struct addr *peer)
{
	const struct list *l = w->shakes.inbound.next;
	int n = 0;

	for (; l != &w->shakes.inbound; l = l->next)
		n += addr_same_ip(&LIST_ENTRY(l, struct lu_shake, wait)->peer, peer);
	return n;
}

bool lu_shake_begin(struct lu_world *w, struct lu_shake *k, const struct addr *peer, bool inbound)
{
	k->known = !inbound || known(&w->shakes, peer);
	k->peer = *peer;
	if (!inbound)
		return true;
	if (!k->known && of_source(w, peer) >= A_SOURCE_MAX)
		return false;
	if (w->shakes.ninbound >= INBOUND_MAX)
		evict(w);
	list_append(&w->shakes.inbound, &k->wait);
	w->shakes.ninbound++;
	return true;
}

void lu_shake_end(struct lu_world *w, struct lu_shake *k)
{
	if (k->wait.next)
		w->shakes.ninbound--;
	list_remove(&k->wait);
	list_remove(&k->step);
	mem_free(k->held);
	k->held = NULL;
}

void lu_shake_hold(struct lu_world *w, struct lu_shake *k, struct str wire)
{
	k->held = mem_dup(wire.p, wire.n);
	k->n = wire.n;
	list_append(k->known ? &w->shakes.known : &w->shakes.others, &k->step);
}

static void step(struct lu_world *w, struct list *from)
{
	struct lu_shake *k = LIST_ENTRY(from->next, struct lu_shake, step);
	char *held = k->held;

	list_remove(&k->step);
	k->held = NULL;
	lu_input_begin(w);
	lu_stream_step(lu_shake_owner(k), (struct str){ held, k->n });
	lu_input_end(w);
	mem_free(held);
}

bool lu_shakes_run(struct lu_world *w)
{
	struct lu_shakes *x = &w->shakes;

	for (int i = 0; i < KNOWN_A_TURN && !list_empty(&x->known); i++)
		step(w, &x->known);
	if (!list_empty(&x->others))
		step(w, &x->others);
	return !list_empty(&x->known) || !list_empty(&x->others);
}
