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

static void answer_offer(struct call *c, uint64_t leg)
{
	struct leg_view v;

	/* A refusal is the leg's own answer. */
	(void)leg_offer_answer(c->cs->cfg.legs, leg, call_other(c, leg));
	if (leg_look(c->cs->cfg.legs, leg, &v) == OK && v.offer_open)
		c->offer_open = leg;		/* it asked for ours */
}

void call_on_offered(struct call *c, const struct leg_event *e)
{
	struct calls *cs = c->cs;

	if (c->state != CALL_TALKING || !call_other(c, e->leg) || c->offer_waits) {
		(void)leg_offer_refuse(cs->cfg.legs, e->leg, 491);
		return;
	}
	if (!c->offer_open) {
		answer_offer(c, e->leg);
		return;
	}
	c->offer_waits = e->leg;
	timer_start(&cs->cfg.loop->timers, &c->offer_wait, cs->cfg.offer_wait, on_offer_wait, c);
}

/* What is to be shown to a leg: that its other side holds or resumes, and the winner's codec.
 * Keeps what could not be shown now. */
static void show(struct call *c, int side)
{
	struct legs *ls = c->cs->cfg.legs;
	uint64_t leg = side ? c->legs[c->winner].leg : c->caller;
	struct leg_view other;
	enum err e = ERR_GONE;

	if (leg_look(ls, call_other(c, leg), &other) == OK)
		e = leg_other_holds(ls, leg, other.it_holds);
	if (e == ERR_EXISTS)
		e = leg_recodec(ls, leg);
	if (e == OK)
		c->offer_open = leg;
	c->hold_due[side] = e == ERR_AGAIN;
}

static void show_due(struct call *c)
{
	for (int side = 0; side < 2 && !c->offer_open; side++)
		if (c->hold_due[side])
			show(c, side);
}

void call_on_hold(struct call *c, const struct leg_event *e)
{
	struct calls *cs = c->cs;
	bool caller = e->leg == c->caller;

	cdr_hold(&c->rec, cs->cfg.loop, caller, e->kind == LEG_EV_HELD);
	if (!call_other(c, e->leg))
		return;
	/* Who finds the record after a crash knows whether the hold was over. */
	cdr_live(cs->cfg.map, cs->cfg.sip, cs->cfg.legs, cdr_open(&c->rec), c->caller, c->legs[c->winner].leg);
	c->hold_due[caller ? 1 : 0] = true;
	show_due(c);
}

void call_on_offer_done(struct call *c, const struct leg_event *e)
{
	uint64_t waits;

	if (c->offer_open == e->leg)
		c->offer_open = 0;
	if (c->offer_waits == e->leg) {		/* taken back */
		c->offer_waits = 0;
		timer_stop(&c->cs->cfg.loop->timers, &c->offer_wait);
	}
	waits = c->offer_waits;
	show_due(c);
	if (e->status)		/* it failed: once more when the next offer is over */
		c->hold_due[e->leg == c->caller ? 0 : 1] = true;
	if (!waits || c->offer_open)
		return;
	c->offer_waits = 0;
	timer_stop(&c->cs->cfg.loop->timers, &c->offer_wait);
	answer_offer(c, waits);
}
