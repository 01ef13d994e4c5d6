#include "call/call_int.h"

/* After the answer: hold, re-INVITEs, and who may have an offer open. At most one offer of
 * ours is open per call across both legs; a peer's re-INVITE that comes meanwhile waits
 * behind its 100, then gets 491 (RFC 3261 14.2). */

static void on_offer_wait(void *arg)
{
	struct call *c = arg;
	uint64_t leg = c->offer_waits;

	c->offer_waits = 0;
	if (leg)
		(void)leg_offer_refuse(c->cs->cfg.legs, leg, 491);
}

void call_on_offered(struct call *c, const struct leg_event *e)
{
	struct calls *cs = c->cs;
	uint64_t other = call_other(c, e->leg);

	if (c->state != CALL_TALKING || !other) {
		(void)leg_offer_refuse(cs->cfg.legs, e->leg, 491);
		return;
	}
	if (c->offer_open || c->offer_waits) {
		if (c->offer_waits) {
			(void)leg_offer_refuse(cs->cfg.legs, e->leg, 491);
			return;
		}
		c->offer_waits = e->leg;
		timer_start(&cs->cfg.loop->timers, &c->offer_wait, cs->cfg.offer_wait,
			    on_offer_wait, c);
		return;
	}
	(void)leg_offer_answer(cs->cfg.legs, e->leg, other);
}

/* Show the leg what its other side does. Keeps what could not be shown now. */
static void show_hold(struct call *c, uint64_t leg, bool holds)
{
	int side = leg == c->caller ? 0 : 1;
	enum err e;

	c->hold_due[side] = false;
	if (c->offer_open) {
		c->hold_due[side] = true;
		return;
	}
	e = leg_other_holds(c->cs->cfg.legs, leg, holds);
	if (e == OK)
		c->offer_open = leg;
	c->hold_due[side] = e == ERR_AGAIN;
}

void call_on_hold(struct call *c, const struct leg_event *e)
{
	uint64_t other = call_other(c, e->leg);

	cdr_hold(c->rec, c->cs->cfg.loop, e->leg == c->caller, e->kind == LEG_EV_HELD);
	if (other)
		show_hold(c, other, e->kind == LEG_EV_HELD);
}

void call_on_offer_done(struct call *c, const struct leg_event *e)
{
	uint64_t waits = c->offer_waits;
	struct leg_view v;

	if (c->offer_open == e->leg)
		c->offer_open = 0;
	for (int side = 0; side < 2 && !c->offer_open; side++) {
		uint64_t leg = side ? c->legs[c->winner].leg : c->caller;

		if (c->hold_due[side] && leg_look(c->cs->cfg.legs, call_other(c, leg), &v) == OK)
			show_hold(c, leg, v.it_holds);
	}
	if (waits && !c->offer_open) {
		c->offer_waits = 0;
		timer_stop(&c->cs->cfg.loop->timers, &c->offer_wait);
		(void)leg_offer_answer(c->cs->cfg.legs, waits, call_other(c, waits));
	}
}
