#include "call/call_int.h"

/* The time before the answer: the fork says what to do, the legs do it. */

static const struct sip_xhdr elsewhere = {
	STR_INIT("Reason"), STR_INIT("SIP;cause=200;text=\"Call completed elsewhere\"")
};

/* Why a line's call goes to its forward target, for the record and for Diversion (RFC 5806). */
enum forward { FORWARD_NO_ANSWER, FORWARD_BUSY, FORWARD_LATE, FORWARD_UNREACHED };

static void obey(struct call *c);
static void forward(struct call *c, enum forward how);

static void on_tick(void *arg)
{
	call_step(arg, CALL_EV_TICK, NULL);
}

static void on_no_answer(void *arg)
{
	call_step(arg, CALL_EV_NO_ANSWER, NULL);
}

static void on_ring_max(void *arg)
{
	call_step(arg, CALL_EV_RING_MAX, NULL);
}

static void on_ring_by(void *arg)
{
	call_step(arg, CALL_EV_RING_BY, NULL);
}

static void arm_tick(struct call *c)
{
	struct loop *l = c->cs->cfg.loop;
	ms_t at = fork_next(&c->fork);

	if (at == MS_NEVER || c->state != CALL_RINGING)
		timer_stop(&l->timers, &c->tick);
	else
		timer_start(&l->timers, &c->tick, at > l->now ? at - l->now : 0, on_tick, c);
}

static struct call_leg *branch_leg(struct call *c, int branch)
{
	for (int i = 0; i < c->nlegs; i++)
		if (c->legs[i].branch == branch)
			return &c->legs[i];
	return NULL;
}

/* --- what the fork asks for ------------------------------------------ */

/* The leg's Call-ID joins its messages to the call, and stands in the record. */
static void call_leg_known(struct call *c, const struct call_leg *k)
{
	struct leg_view v;

	if (leg_look(c->cs->cfg.legs, k->leg, &v))
		return;
	cdr_leg_call_id(cdr_open(&c->rec), k->rec, str_of(v.sip.call_id));
	tap_bind(c->cs->cfg.tap, c->rec.id, tap_key(str_of(v.sip.call_id)));
}

static void dial(struct call *c, int i)
{
	struct route_branch *b = &c->plan->b[i];
	struct call_leg *k;
	struct reason why;
	struct leg_dial d = {
		.call = c->id, .role = LEG_BRANCH, .peer = b->peer, .dest = b->dest,
		.ruri = b->ruri, .from_uri = b->from_uri, .from_name = b->from_name,
		.to_uri = b->to_uri, .contact_user = b->contact_user, .caller = c->caller,
		.route = b->route, .session_id = b->session_id, .received = c->who.received,
		.max_forwards = c->who.max_forwards,
		.first_response = b->first_response, .xhdr = b->xhdr, .nxhdr = b->nxhdr,
	};

	k = call_leg_add(c);
	if (!k) {
		why = REASON(LIMIT_HOPS, STR("too often"));
		cdr_note(cdr_open(&c->rec), c->cs->cfg.loop, &why);
		fork_failed(&c->fork, i, 482);
		return;
	}
	*k = (struct call_leg){ .branch = i, .route = b };
	k->rec = cdr_leg(cdr_open(&c->rec), c->cs->cfg.loop, b);
	k->counts = call_take_limit(c, LIMIT_TRUNK, b->trunk_name, b->max_calls, &why) == OK;
	if (k->counts && leg_dial(c->cs->cfg.legs, &d, &k->leg, &why) == OK) {
		call_leg_known(c, k);
	} else {
		if (k->counts)
			call_give_limit(c, LIMIT_TRUNK, b->trunk_name);
		k->counts = false;
		k->why = reason_keep(&c->arena, &why);
		cdr_leg_end(cdr_open(&c->rec), k->rec, c->cs->cfg.loop, 503, &k->why);
		fork_failed(&c->fork, i, 503);
	}
}

static void let_go(struct call *c, int i, const struct reason *why, const struct sip_xhdr *x)
{
	struct call_leg *k = branch_leg(c, i);

	if (!k || !k->leg)
		return;
	if (k->why.code == REASON_NONE)
		k->why = reason_keep(&c->arena, why);
	(void)leg_end(c->cs->cfg.legs, k->leg, 0, x, x ? 1 : 0);
}

static void drop_too_soon(struct call *c, int i)
{
	const struct route_branch *b = &c->plan->b[i];
	struct call_leg *k = branch_leg(c, i);
	struct leg_view v;
	char took[24] = "", limit[24];
	struct buf t, l;

	buf_init(&t, took, sizeof took);
	buf_init(&l, limit, sizeof limit);
	if (k && leg_look(c->cs->cfg.legs, k->leg, &v) == OK)
		buf_u64(&t, c->cs->cfg.loop->now - v.invited);
	buf_u64(&l, b->timing.too_soon);
	let_go(c, i, &REASON(TOO_SOON, b->name, buf_str(&t), buf_str(&l)), NULL);
}

static void cancel_too_late(struct call *c, int i)
{
	const struct route_branch *b = &c->plan->b[i];
	char limit[24];
	struct buf l;

	buf_init(&l, limit, sizeof limit);
	buf_u64(&l, b->timing.too_late);
	let_go(c, i, &REASON(TOO_LATE, b->name, buf_str(&l)), NULL);
}

static void cancel_lost(struct call *c, int i)
{
	const struct route_branch *b = &c->plan->b[i];
	struct str who = c->winner >= 0 ? c->legs[c->winner].route->name : STR_NONE;
	bool say = b->elsewhere == ROUTE_ELSEWHERE_ALWAYS;

	let_go(c, i, &REASON(ANSWERED_ELSEWHERE, who), say ? &elsewhere : NULL);
}

/* The caller gave up: its own Reason goes on, if it had one. */
static void cancel_stop(struct call *c, int i)
{
	struct sip_xhdr x = { STR("Reason"), c->cancel_reason };
	bool pass = c->cancel_reason.n && c->plan->b[i].elsewhere != ROUTE_ELSEWHERE_NEVER;

	let_go(c, i, &c->end, pass ? &x : NULL);
}

static void never_rang(struct call *c, int i)
{
	struct str who = c->winner >= 0 ? c->legs[c->winner].route->name : STR_NONE;
	int rec = cdr_leg(cdr_open(&c->rec), c->cs->cfg.loop, &c->plan->b[i]);
	struct reason lost = REASON(ANSWERED_ELSEWHERE, who);

	cdr_leg_end(cdr_open(&c->rec), rec, c->cs->cfg.loop, 0, c->winner >= 0 ? &lost : &c->end);
}

static void join(struct call *c, int i)
{
	struct calls *cs = c->cs;
	struct call_leg *k = branch_leg(c, i);
	struct reason why = { 0 };
	struct leg_view v;

	c->winner = (int)(k - c->legs);
	c->state = CALL_TALKING;
	timer_stop(&cs->cfg.loop->timers, &c->tick);
	timer_stop(&cs->cfg.loop->timers, &c->no_answer);
	timer_stop(&cs->cfg.loop->timers, &c->ring_max);
	timer_stop(&cs->cfg.loop->timers, &c->ring_by);
	cdr_answer(cdr_open(&c->rec), k->rec, cs->cfg.loop);
	if (leg_look(cs->cfg.legs, k->leg, &v) == OK) {
		cdr_session(cdr_open(&c->rec), str_of(v.sip.session_remote));
		cdr_hold(&c->rec, cs->cfg.loop, false, v.it_holds);
	}
	if (leg_look(cs->cfg.legs, c->caller, &v) == OK)
		cdr_hold(&c->rec, cs->cfg.loop, true, v.it_holds);
	/* Nothing leaves before this turn's end, so the record is in the map before the 200. */
	cdr_live(cs->cfg.map, cs->cfg.sip, cs->cfg.legs, cdr_open(&c->rec), c->caller, k->leg);
	c->status = 200;
	c->hold_due[0] = c->hold_due[1] = true;	/* either may hold from the start */
	if (leg_join(cs->cfg.legs, c->caller, k->leg, c->plan->identity,
		     c->plan->nidentity, &why)) {
		c->status = 488;
		c->state = CALL_CLOSING;
		call_end(c, 488, &why);
	}
}

static enum forward forward_of(const struct call *c, unsigned status)
{
	if (status == 486 || status == 600)
		return FORWARD_BUSY;
	for (int i = 0; c->legs && i < c->nlegs; i++)
		if (c->legs[i].branch >= 0 && c->legs[i].why.code == REASON_TOO_LATE)
			return FORWARD_LATE;
	return FORWARD_UNREACHED;
}

/* Nobody is left to ring. */
static void empty(struct call *c, unsigned status)
{
	struct call_leg *last = c->nlegs ? &c->legs[c->nlegs - 1] : NULL;
	struct reason why = last && last->why.code != REASON_NONE ? last->why : c->end;

	if (why.code == REASON_NONE)
		why = REASON(NO_ANSWER, STR("the time given"));
	if (forward_of(c, status) == FORWARD_BUSY && c->plan->forward_busy.n)
		c->plan->forward_to = c->plan->forward_busy;
	if (c->plan->forward_to.n) {
		forward(c, forward_of(c, status));
		return;
	}
	c->state = CALL_CLOSING;
	call_end(c, status, &why);
}

static void obey_one(struct call *c, const struct fork_act *a)
{
	switch ((enum fork_act_kind)a->kind) {
	case FORK_DO_DIAL: dial(c, a->branch); break;
	case FORK_DO_TELL_RINGING: call_on_ring_by(c, NULL); break;
	case FORK_DO_JOIN: join(c, a->branch); break;
	case FORK_DO_DROP_TOO_SOON: drop_too_soon(c, a->branch); break;
	case FORK_DO_CANCEL_TOO_LATE: cancel_too_late(c, a->branch); break;
	case FORK_DO_CANCEL_LOST: cancel_lost(c, a->branch); break;
	case FORK_DO_CANCEL_STOP: cancel_stop(c, a->branch); break;
	case FORK_DO_NEVER_RANG: never_rang(c, a->branch); break;
	case FORK_DO_BYE_LATE: let_go(c, a->branch, &c->end, NULL); break;
	case FORK_DO_EMPTY: empty(c, a->status); break;
	case FORK_DO_NOTHING: break;
	}
}

static void obey(struct call *c)
{
	struct fork_act a;

	while (c->state != CALL_GONE && fork_take(&c->fork, &a))
		obey_one(c, &a);
	arm_tick(c);
}

/* --- events ----------------------------------------------------------- */

static int branch_of(struct call *c, const struct leg_event *e)
{
	struct call_leg *k = call_leg_of(c, e->leg);

	return k ? k->branch : -1;
}

void call_on_ring(struct call *c, const struct leg_event *e)
{
	struct call_leg *k = call_leg_of(c, e->leg);

	if (!k || k->branch < 0)
		return;
	route_host_alive(c->cs->cfg.route, k->route);
	if (e->kind != LEG_EV_RINGING)
		return;
	cdr_leg_ring(cdr_open(&c->rec), k->rec, c->cs->cfg.loop);
	fork_ringing(&c->fork, k->branch);
	obey(c);
}

/* RFC 3960: early media passes only when one destination may ring, and from its first
 * valid packet, so that a 183 without media never silences the caller's own ringing. */
void call_on_early(struct call *c, const struct leg_event *e)
{
	if (c->plan->n != 1 || c->early || branch_of(c, e) < 0)
		return;
	c->early = leg_early(c->cs->cfg.legs, c->caller, e->leg, c->plan->identity,
			     c->plan->nidentity) == OK;
}

void call_on_answer(struct call *c, const struct leg_event *e)
{
	struct call_leg *k = call_leg_of(c, e->leg);
	struct leg_view v;

	if (!k || k->branch < 0 || leg_look(c->cs->cfg.legs, e->leg, &v)) {
		(void)leg_end(c->cs->cfg.legs, e->leg, 0, NULL, 0);
		return;
	}
	route_host_alive(c->cs->cfg.route, k->route);
	fork_answered(&c->fork, k->branch, v.invited, c->cs->cfg.loop->now);
	obey(c);
}

void call_on_retry(struct call *c, const struct leg_event *e)
{
	struct call_leg *k = call_leg_of(c, e->leg);
	struct route_branch *b;

	if (!k || k->branch < 0) {
		(void)leg_end(c->cs->cfg.legs, e->leg, 0, NULL, 0);
		return;
	}
	b = &c->plan->b[k->branch];
	if (e->retry_after_s && route_closes_on_503(c->cs->cfg.route, b))
		sip_close_flows(c->cs->cfg.sip, &e->peer);
	if (k->why.code == REASON_NONE && route_next_host(c->cs->cfg.route, b, &c->who, e, &c->arena) &&
	    leg_retry(c->cs->cfg.legs, e->leg, &b->dest, b->ruri, b->to_uri) == OK) {
		cdr_leg_retry(cdr_open(&c->rec), k->rec, c->cs->cfg.loop, str_of(b->dest.host), &e->reason);
		call_leg_known(c, k);
		return;
	}
	call_on_fail(c, e);
	(void)leg_end(c->cs->cfg.legs, e->leg, 0, NULL, 0);
}

void call_on_fail(struct call *c, const struct leg_event *e)
{
	struct call_leg *k = call_leg_of(c, e->leg);
	unsigned status = e->status ? e->status : 503;

	if (!k)
		return;
	if (k->why.code == REASON_NONE)
		k->why = reason_keep(&c->arena, &e->reason);
	cdr_leg_end(cdr_open(&c->rec), k->rec, c->cs->cfg.loop, status, &k->why);
	if (k->branch >= 0) {
		fork_failed(&c->fork, k->branch, status);
		obey(c);
	}
}

void call_on_tick(struct call *c, const struct leg_event *e)
{
	(void)e;
	fork_tick(&c->fork, c->cs->cfg.loop->now);
	obey(c);
}

/* One 180 without SDP at the first 18x of any destination; or in-band ringing. */
void call_on_ring_by(struct call *c, const struct leg_event *e)
{
	(void)e;
	if (c->fork.told_ringing && c->early)
		return;
	c->fork.told_ringing = true;
	timer_stop(&c->cs->cfg.loop->timers, &c->ring_by);
	if (c->who.inband)
		c->early = leg_early(c->cs->cfg.legs, c->caller, 0, c->plan->identity,
				     c->plan->nidentity) == OK;
	if (!c->early)
		(void)leg_ring(c->cs->cfg.legs, c->caller, 180, c->plan->identity,
			       c->plan->nidentity);
}

void call_on_ring_max(struct call *c, const struct leg_event *e)
{
	char text[16];
	struct buf b;

	(void)e;
	buf_init(&b, text, sizeof text);
	buf_u64(&b, c->cs->cfg.ring_max / 1000);
	c->end = reason_keep(&c->arena, &REASON(NO_ANSWER, buf_str(&b)));
	fork_stop(&c->fork);
	obey(c);
	call_end(c, 480, &c->end);
}

void call_on_caller_ends_ringing(struct call *c, const struct leg_event *e)
{
	struct reason gave_up = REASON(CALLER_GAVE_UP);
	bool lost = e->kind == LEG_EV_LOST;

	c->end = reason_keep(&c->arena, lost ? &e->reason : &gave_up);
	c->cancel_reason = str_dup(&c->arena, e->text);
	c->status = lost ? 503 : 487;
	cdr_ended_by(cdr_open(&c->rec), lost ? RECORD_SIDE_US : RECORD_SIDE_CALLER);
	fork_stop(&c->fork);
	obey(c);
	call_end(c, c->status, &c->end);
}

/* --- forwarding and the start ----------------------------------------- */

static bool may_forward(struct call *c, struct str target)
{
	struct reason why;
	int most = c->cs->cfg.limits.hops;
	char text[16];
	struct buf b;

	buf_init(&b, text, sizeof text);
	buf_u64(&b, (uint64_t)c->hops);
	if ((most && c->hops >= most) || !call_may_take(c))
		why = REASON(LIMIT_HOPS, buf_str(&b));
	else if (call_take_limit(c, LIMIT_FORWARD, target, 0, &why) == OK)
		return true;
	c->end = reason_keep(&c->arena, &why);
	return false;
}

static void note_forward(struct call *c, enum forward how, struct str target)
{
	char text[16];
	struct reason why;
	struct buf b;

	buf_init(&b, text, sizeof text);
	buf_u64(&b, c->plan->no_answer / 1000);
	why = how == FORWARD_NO_ANSWER ? REASON(FORWARDED_NO_ANSWER, buf_str(&b), target)
	    : how == FORWARD_BUSY ? REASON(FORWARDED_BUSY, target) : REASON(FORWARDED_UNREACHED, target);
	cdr_note(cdr_open(&c->rec), c->cs->cfg.loop, &why);
	c->end = reason_keep(&c->arena, &why);
}

static void forward(struct call *c, enum forward how)
{
	static const struct str said[] = {
		[FORWARD_NO_ANSWER] = STR_INIT("no-answer"), [FORWARD_BUSY] = STR_INIT("user-busy"),
		[FORWARD_LATE] = STR_INIT("no-answer"), [FORWARD_UNREACHED] = STR_INIT("unavailable") };
	struct str target = c->plan->forward_to;

	if (!may_forward(c, target)) {
		fork_stop(&c->fork);
		obey(c);
		c->state = CALL_CLOSING;
		call_end(c, 480, &c->end);
		return;
	}
	note_forward(c, how, target);
	fork_stop(&c->fork);
	obey(c);
	c->end = (struct reason){ 0 };
	for (int i = 0; i < c->nlegs; i++)
		c->legs[i].branch = -1;
	c->hops++;
	identity_divert(&c->who.id, c->plan->line.n ? c->plan->line : c->plan->dialled, said[how]);
	/* The line forwards, so its own class of control counts, not the caller's. */
	if (c->plan->forward_css.n)
		c->who.css = c->plan->forward_css;
	cdr_forward(cdr_open(&c->rec), target);
	/* Whom the caller heard is gone: the next one's ringing is told, and its media heard. A tone plays on. */
	if (c->early && !c->who.inband)
		c->early = c->fork.told_ringing = false;
	call_ring(c, target);
}

void call_on_no_answer(struct call *c, const struct leg_event *e)
{
	(void)e;
	forward(c, FORWARD_NO_ANSWER);
}

static void start_timers(struct call *c)
{
	struct timers *t = &c->cs->cfg.loop->timers;

	timer_stop(t, &c->no_answer);
	if (c->plan->no_answer && c->plan->forward_to.n)
		timer_start(t, &c->no_answer, c->plan->no_answer, on_no_answer, c);
	if (!timer_armed(&c->ring_max))
		timer_start(t, &c->ring_max, c->cs->cfg.ring_max, on_ring_max, c);
	if (c->who.ring_by && !c->fork.told_ringing && !timer_armed(&c->ring_by))
		timer_start(t, &c->ring_by, c->who.ring_by, on_ring_by, c);
}

static void call_refuse(struct call *c, unsigned status, const struct reason *why)
{
	c->state = CALL_CLOSING;
	call_end(c, status, why);
}

void call_ring(struct call *c, struct str number)
{
	bool told = c->fork.told_ringing;
	struct route_plan *p = c->plan;

	route_plan(c->cs->cfg.route, &c->who, number, c->hops, &c->arena, p);
	cdr_plan(cdr_open(&c->rec), c->cs->cfg.loop, p);
	if (!p->n && p->line.n && p->forward_to.n) {	/* nobody to ring: no need to wait */
		fork_init(&c->fork);
		forward(c, FORWARD_UNREACHED);
		return;
	}
	if (!p->n) {
		call_refuse(c, p->status ? p->status : 404, &p->why);
		return;
	}
	fork_init(&c->fork);
	c->fork.told_ringing = told;
	for (int i = 0; i < p->n; i++)
		(void)fork_add(&c->fork, &p->b[i].timing);	/* p->n is at most FORK_MAX */
	start_timers(c);
	fork_start(&c->fork, c->cs->cfg.loop->now);
	obey(c);
}
