#include "call/call_int.h"

#include <assert.h>

/* --- what a call does ----------------------------------------------- */

struct call_leg *call_leg_of(struct call *c, uint64_t leg)
{
	for (int i = 0; i < c->nlegs; i++)
		if (c->legs[i].leg == leg)
			return &c->legs[i];
	return NULL;
}

struct call_leg *call_leg_add(struct call *c)
{
	enum { FIRST = 3 };		/* a desk phone, Teams and a mobile */

	if (c->nlegs == c->legs_cap) {
		int cap = c->legs_cap ? 2 * c->legs_cap : FIRST;
		struct call_leg *more = c->nlegs < CALL_LEG_MAX
			? arena_array(&c->arena, (size_t)cap, sizeof *more) : NULL;

		if (!more)
			return NULL;
		for (int i = 0; i < c->nlegs; i++)
			more[i] = c->legs[i];
		c->legs = more;
		c->legs_cap = cap;
	}
	return &c->legs[c->nlegs++];
}

uint64_t call_other(const struct call *c, uint64_t leg)
{
	if (c->winner < 0)
		return 0;
	return leg == c->caller ? c->legs[c->winner].leg : c->caller;
}

static void stop_timers(struct call *c)
{
	timer_stop(&c->cs->cfg.loop->timers, &c->tick);
	timer_stop(&c->cs->cfg.loop->timers, &c->no_answer);
	timer_stop(&c->cs->cfg.loop->timers, &c->ring_max);
	timer_stop(&c->cs->cfg.loop->timers, &c->ring_by);
	timer_stop(&c->cs->cfg.loop->timers, &c->offer_wait);
}

/* What is full now empties soon: when to try again (RFC 3261 21.5.4). The limit of one user or
 * trunk says nothing about the others, so nothing is said then. */
static int retry_after(unsigned status, const struct reason *why, struct sip_xhdr *x)
{
	if (status != 503 || (why->code != REASON_LIMIT_TOTAL && why->code != REASON_LIMIT_PORTS))
		return 0;
	*x = (struct sip_xhdr){ STR("Retry-After"), STR("10") };
	return 1;
}

static void give_limits(struct call *c)
{
	while (c->ntaken > 0) {
		c->ntaken--;
		limit_give(c->cs->limit, c->taken[c->ntaken].kind, c->taken[c->ntaken].name);
	}
}

/* Ends every leg that is left; the state's own legs have been ended with their own
 * reasons before. The first end is the one the record keeps. */
void call_end(struct call *c, unsigned status, const struct reason *why)
{
	struct sip_xhdr retry;

	if (c->end.code == REASON_NONE)
		c->end = reason_keep(&c->arena, why);
	if (!c->status)
		c->status = status;
	stop_timers(c);
	for (int i = 0; i < c->nlegs; i++)
		if (c->legs[i].leg) {
			if (c->legs[i].why.code == REASON_NONE)
				c->legs[i].why = c->end;
			(void)leg_end(c->cs->cfg.legs, c->legs[i].leg, 0, NULL, 0);
			cdr_leg_over(cdr_open(&c->rec), c->legs[i].rec, c->cs->cfg.loop, &c->legs[i].why);
		}
	cdr_over(&c->rec, c->cs->cfg.loop);
	give_limits(c);
	if (!c->caller_gone)
		(void)leg_end(c->cs->cfg.legs, c->caller, status, &retry, retry_after(status, &c->end, &retry));
}

static void caller_ends(struct call *c, const struct leg_event *e)
{
	struct reason hung = REASON(CALLER_HUNG_UP);

	cdr_ended_by(cdr_open(&c->rec), e->kind == LEG_EV_LOST ? RECORD_SIDE_US : RECORD_SIDE_CALLER);
	call_end(c, 0, e->kind == LEG_EV_LOST ? &e->reason : &hung);
}

static void winner_ends(struct call *c, const struct leg_event *e)
{
	struct reason hung = REASON(CALLEE_HUNG_UP);

	cdr_ended_by(cdr_open(&c->rec), e->kind == LEG_EV_LOST ? RECORD_SIDE_US : RECORD_SIDE_CALLED);
	call_end(c, 0, e->kind == LEG_EV_LOST ? &e->reason : &hung);
}

static void drop(struct call *c, const struct leg_event *e)
{
	call_end(c, 503, &e->reason);
}

/* A 200 of a leg we have let go of: leg/ and the stack ACK and BYE it. */
static void late_answer(struct call *c, const struct leg_event *e)
{
	(void)c;
	(void)leg_end(c->cs->cfg.legs, e->leg, 0, NULL, 0);
}

static void finish(struct call *c)
{
	struct loop *l = c->cs->cfg.loop;

	stop_timers(c);
	cdr_end(&c->rec, l, c->status, &c->end);
	cdr_store(c->cs->cfg.map, &c->rec);	/* and it is forgotten */
	give_limits(c);
}

static void leg_gone(struct call *c, const struct leg_event *e)
{
	struct call_leg *k = call_leg_of(c, e->leg);

	if (e->leg == c->caller) {
		c->caller_gone = true;
		cdr_caller_gone(cdr_open(&c->rec), &e->stats);
	} else if (k) {
		cdr_leg_gone(cdr_open(&c->rec), k->rec, c->cs->cfg.loop, &k->why, &e->stats);
		k->leg = 0;
		if (k->counts)
			call_give_limit(c, LIMIT_TRUNK, k->route->trunk_name);
		k->counts = false;
	}
}

static bool all_gone(const struct call *c)
{
	for (int i = 0; i < c->nlegs; i++)
		if (c->legs[i].leg)
			return false;
	return c->caller_gone;
}

/* --- the table ------------------------------------------------------- */

struct cell {
	enum call_state next;		/* CALL_NEW: not decided */
	void (*act)(struct call *, const struct leg_event *);
};

#define STAY(s) { CALL_##s, NULL }

/* In CALL_NEW nothing can come: the legs are not asked before it is left. */
static const struct cell table[CALL_NSTATE][CALL_NEVENT] = {
	[CALL_RINGING] = {
		[CALL_EV_RING] = { CALL_RINGING, call_on_ring },
		[CALL_EV_EARLY] = { CALL_RINGING, call_on_early },
		[CALL_EV_ANSWER] = { CALL_RINGING, call_on_answer },	/* moves on by itself */
		[CALL_EV_RETRY] = { CALL_RINGING, call_on_retry },
		[CALL_EV_FAIL] = { CALL_RINGING, call_on_fail },
		[CALL_EV_CALLER_ENDS] = { CALL_CLOSING, call_on_caller_ends_ringing },
		[CALL_EV_WINNER_ENDS] = STAY(RINGING),
		[CALL_EV_LOSER_ENDS] = { CALL_RINGING, call_on_fail },
		[CALL_EV_CONFIRMED] = STAY(RINGING),
		[CALL_EV_OFFERED] = { CALL_RINGING, call_on_offered },
		[CALL_EV_HOLD] = STAY(RINGING),
		[CALL_EV_OFFER_DONE] = STAY(RINGING),
		[CALL_EV_LEG_GONE] = { CALL_RINGING, leg_gone },
		[CALL_EV_TICK] = { CALL_RINGING, call_on_tick },
		[CALL_EV_NO_ANSWER] = { CALL_RINGING, call_on_no_answer },
		[CALL_EV_RING_MAX] = { CALL_CLOSING, call_on_ring_max },
		[CALL_EV_RING_BY] = { CALL_RINGING, call_on_ring_by },
		[CALL_EV_DROP] = { CALL_CLOSING, drop },
	},
	[CALL_TALKING] = {
		[CALL_EV_RING] = STAY(TALKING),
		[CALL_EV_EARLY] = STAY(TALKING),
		[CALL_EV_ANSWER] = { CALL_TALKING, late_answer },
		[CALL_EV_RETRY] = { CALL_TALKING, late_answer },
		[CALL_EV_FAIL] = STAY(TALKING),
		[CALL_EV_CALLER_ENDS] = { CALL_CLOSING, caller_ends },
		[CALL_EV_WINNER_ENDS] = { CALL_CLOSING, winner_ends },
		[CALL_EV_LOSER_ENDS] = STAY(TALKING),
		[CALL_EV_CONFIRMED] = { CALL_TALKING, call_on_offer_done },	/* what waited for the ACK */
		[CALL_EV_OFFERED] = { CALL_TALKING, call_on_offered },
		[CALL_EV_HOLD] = { CALL_TALKING, call_on_hold },
		[CALL_EV_OFFER_DONE] = { CALL_TALKING, call_on_offer_done },
		[CALL_EV_LEG_GONE] = { CALL_TALKING, leg_gone },
		[CALL_EV_TICK] = STAY(TALKING),
		[CALL_EV_NO_ANSWER] = STAY(TALKING),
		[CALL_EV_RING_MAX] = STAY(TALKING),
		[CALL_EV_RING_BY] = STAY(TALKING),
		[CALL_EV_DROP] = { CALL_CLOSING, drop },
	},
	[CALL_CLOSING] = {
		[CALL_EV_RING] = STAY(CLOSING), [CALL_EV_EARLY] = STAY(CLOSING),
		[CALL_EV_ANSWER] = { CALL_CLOSING, late_answer },
		[CALL_EV_RETRY] = { CALL_CLOSING, late_answer },
		[CALL_EV_FAIL] = STAY(CLOSING), [CALL_EV_CALLER_ENDS] = STAY(CLOSING),
		[CALL_EV_WINNER_ENDS] = STAY(CLOSING), [CALL_EV_LOSER_ENDS] = STAY(CLOSING),
		[CALL_EV_CONFIRMED] = STAY(CLOSING), [CALL_EV_OFFERED] = STAY(CLOSING),
		[CALL_EV_HOLD] = STAY(CLOSING), [CALL_EV_OFFER_DONE] = STAY(CLOSING),
		[CALL_EV_LEG_GONE] = { CALL_CLOSING, leg_gone },
		[CALL_EV_TICK] = STAY(CLOSING), [CALL_EV_NO_ANSWER] = STAY(CLOSING),
		[CALL_EV_RING_MAX] = STAY(CLOSING), [CALL_EV_RING_BY] = STAY(CLOSING),
		[CALL_EV_DROP] = STAY(CLOSING),
	},
};

bool call_decided(enum call_state s, enum call_event e)
{
	if (s == CALL_NEW || s == CALL_GONE)
		return true;		/* not reachable: see the table's comment */
	return table[s][e].next != CALL_NEW;
}

void call_step(struct call *c, enum call_event ev, const struct leg_event *le)
{
	const struct cell *k = &table[c->state][ev];
	enum call_state was = c->state;

	if (k->next == CALL_NEW)
		return;
	c->state = k->next;
	if (k->act)
		k->act(c, le);
	/* An action may have gone further than its cell (answer -> TALKING, empty -> CLOSING). */
	if (was != CALL_CLOSING && c->state == CALL_CLOSING)
		stop_timers(c);
	if (c->state == CALL_CLOSING && all_gone(c)) {
		uint64_t id = c->id;
		struct calls *cs = c->cs;

		finish(c);
		c->state = CALL_GONE;
		arena_close(&c->arena);
		slot_free(&cs->tab, id);
	}
}

/* Nothing but talk is left: the record rests until something happens. */
static void rest(struct call *c)
{
	if (c->state != CALL_TALKING)
		return;
	for (int i = 0; i < c->nlegs; i++)
		if (c->legs[i].leg && i != c->winner)
			return;
	cdr_close(&c->rec);
}

/* --- leg news -> call events ------------------------------------------ */

static enum call_event end_event(struct call *c, const struct leg_event *e)
{
	if (e->leg == c->caller)
		return CALL_EV_CALLER_ENDS;
	if (c->winner >= 0 && c->legs[c->winner].leg == e->leg)
		return CALL_EV_WINNER_ENDS;
	return CALL_EV_LOSER_ENDS;
}

static enum call_event event_of(struct call *c, const struct leg_event *e)
{
	switch (e->kind) {
	case LEG_EV_TRYING: case LEG_EV_RINGING: return CALL_EV_RING;
	case LEG_EV_EARLY_MEDIA:     return CALL_EV_EARLY;
	case LEG_EV_ANSWERED:        return CALL_EV_ANSWER;
	case LEG_EV_ATTEMPT_FAILED:  return CALL_EV_RETRY;
	case LEG_EV_FAILED:          return CALL_EV_FAIL;
	case LEG_EV_CONFIRMED:       return CALL_EV_CONFIRMED;
	case LEG_EV_OFFERED:         return CALL_EV_OFFERED;
	case LEG_EV_HELD: case LEG_EV_RESUMED: return CALL_EV_HOLD;
	case LEG_EV_OFFER_DONE:      return CALL_EV_OFFER_DONE;
	case LEG_EV_GONE:            return CALL_EV_LEG_GONE;
	case LEG_EV_CANCELLED: case LEG_EV_HUNG_UP: case LEG_EV_LOST:
		return end_event(c, e);
	case LEG_EV_REFUSED_REQUEST: break;
	}
	return CALL_NEVENT;
}

void calls_run(struct calls *cs)
{
	struct leg_event e;

	while (leg_next(cs->cfg.legs, &e)) {
		struct call *c = slot_get(&cs->tab, e.call);
		enum call_event ev;

		if (!c)
			continue;
		ev = event_of(c, &e);
		if (ev == CALL_NEVENT)
			cdr_note(cdr_open(&c->rec), c->cs->cfg.loop, &e.reason);
		else
			call_step(c, ev, &e);
		c = slot_get(&cs->tab, e.call);
		if (c)
			rest(c);
	}
}

/* --- life ------------------------------------------------------------- */

struct calls *calls_new(const struct calls_config *cfg)
{
	struct calls *cs = mem_new(sizeof *cs);
	struct hash_seed seed = rng_hash_seed(&cfg->loop->rng);

	cs->cfg = *cfg;
	slots_init(&cs->tab, sizeof(struct call), cfg->max);
	cs->limit = limit_new(&cfg->limits, &seed);
	return cs;
}

void calls_free(struct calls *cs)
{
	struct reason why = REASON(SHUTDOWN);
	uint32_t i = 0;
	uint64_t id;
	struct call *c;

	if (!cs)
		return;
	while ((c = slot_next(&cs->tab, &i, &id))) {
		call_end(c, 503, &why);
		finish(c);
		arena_close(&c->arena);
	}
	limit_free(cs->limit);
	slots_close(&cs->tab);
	mem_free(cs->shown);
	mem_free(cs);
}

void calls_trim(struct calls *cs)
{
	slots_trim(&cs->tab);
}

enum err call_drop(struct calls *cs, uint64_t id, const struct reason *why)
{
	struct call *c = slot_get(&cs->tab, id);
	struct leg_event e = { .kind = LEG_EV_LOST, .reason = *why };

	if (!c)
		return ERR_GONE;
	call_step(c, CALL_EV_DROP, &e);
	return OK;
}

void calls_drop_all(struct calls *cs, const struct reason *why)
{
	uint32_t i = 0;
	uint64_t id;

	while (slot_next(&cs->tab, &i, &id))
		(void)call_drop(cs, id, why);
}

/* --- a new call ------------------------------------------------------- */

/* A stolen account is seen in the log at once; a flood of calls for which there is no room does
 * not fill it. */
static void tell(struct calls *cs, unsigned status, const struct reason *why)
{
	char text[512];
	struct buf b;

	if (status == 503 && cs->told && cs->cfg.loop->now - cs->told < CALL_TOLD_MS)
		return;
	if (status == 503)
		cs->told = cs->cfg.loop->now;
	buf_init(&b, text, sizeof text);
	reason_write(&b, why);
	log_line(&cs->cfg.loop->log, LOG_WARN, "Call refused with %u: %s", status, buf_z(&b));
}

static void refuse(struct calls *cs, const struct sip_event *ev, unsigned status,
		   const struct reason *why)
{
	struct sip_xhdr x = leg_accept;
	int n = status == 415 ? 1 : retry_after(status, why, &x);

	tell(cs, status, why);
	(void)sip_reject(cs->cfg.sip, ev->session, status, NULL, &x, n);
}

bool call_may_take(struct call *c)
{
	enum { FIRST = 4 };		/* all, the caller's user, both trunks */
	int cap = c->taken_cap ? 2 * c->taken_cap : FIRST;
	struct call_taken *more;

	if (c->ntaken < c->taken_cap)
		return true;
	more = c->ntaken < CALL_LIMIT_MAX ? arena_array(&c->arena, (size_t)cap, sizeof *more) : NULL;
	if (!more)
		return false;
	for (int i = 0; i < c->ntaken; i++)
		more[i] = c->taken[i];
	c->taken = more;
	c->taken_cap = cap;
	return true;
}

enum err call_take_limit(struct call *c, enum limit_kind k, struct str name, uint32_t most,
			 struct reason *why)
{
	if (!name.n || !call_may_take(c))
		return OK;
	if (limit_take(c->cs->limit, k, name, c->urgent ? UINT32_MAX : most, why))
		return ERR_LIMIT;
	c->taken[c->ntaken].kind = k;
	c->taken[c->ntaken].name = name;
	c->ntaken++;
	return OK;
}

void call_give_limit(struct call *c, enum limit_kind k, struct str name)
{
	for (int i = c->ntaken - 1; i >= 0; i--)
		if (c->taken[i].kind == k && str_eq(c->taken[i].name, name)) {
			c->taken[i] = c->taken[--c->ntaken];
			limit_give(c->cs->limit, k, name);
			return;
		}
}

static enum err admit(struct call *c, struct reason *why)
{
	enum err e = call_take_limit(c, LIMIT_TOTAL, STR("all"), 0, why);

	if (!e)
		e = call_take_limit(c, LIMIT_USER, c->who.user, 0, why);
	if (!e && !c->who.phone)
		e = call_take_limit(c, LIMIT_TRUNK, c->who.name, c->who.max_calls, why);
	return e;
}

/* The number asked for: the Request-URI's user, unescaped. A trunk that we register at may
 * send every call to the Contact it was given; then the number is in To. */
static struct str called_number(struct call *c, const struct sip_msg *m)
{
	struct str user = m->uri.user;
	char text[256];
	struct buf b;

	buf_init(&b, text, sizeof text);
	if (c->who.registered_as.n && str_eq(user, c->who.registered_as) && m->to.uri.user.n)
		user = m->to.uri.user;
	sip_user_plain(&b, user);
	return str_dup(&c->arena, buf_str(&b));
}

static struct call *new_call(struct calls *cs)
{
	uint64_t id;
	struct call *c = slot_new(&cs->tab, &id);

	if (!c)
		return NULL;
	c->cs = cs;
	c->id = id;
	c->winner = -1;
	arena_init_small(&c->arena, CALL_ARENA_MAX);
	c->plan = arena_get(&c->arena, sizeof *c->plan);
	return c;
}

static void forget_call(struct call *c)
{
	struct calls *cs = c->cs;
	uint64_t id = c->id;

	cdr_forget(&c->rec);
	arena_close(&c->arena);
	slot_free(&cs->tab, id);
}

/* Who is it? false: it was answered (challenge, refusal). */
static bool identify(struct call *c, const struct sip_event *ev)
{
	struct calls *cs = c->cs;
	struct sip_xhdr x[2];
	struct reason why;
	unsigned status = 403;

	switch (route_identify(cs->cfg.route, ev, &c->arena, &c->who, &status, x, &why)) {
	case ROUTE_WHO_TRUNK:
	case ROUTE_WHO_PHONE:
		return true;
	case ROUTE_WHO_CHALLENGE:
		(void)sip_reject(cs->cfg.sip, ev->session, status, NULL, x, x[1].name.n ? 2 : 1);
		return false;
	case ROUTE_WHO_REFUSE:
		refuse(cs, ev, status, &why);
		return false;
	}
	return false;
}

void calls_on_invite(struct calls *cs, const struct sip_event *ev)
{
	struct call *c = new_call(cs);
	struct reason why = REASON(LIMIT_TOTAL, STR("the table's size"));
	unsigned status = 503;

	if (!c) {
		refuse(cs, ev, 503, &why);
		return;
	}
	if (!identify(c, ev)) {
		forget_call(c);
		return;
	}
	cdr_begin(&c->rec, cs->cfg.map, cs->cfg.loop, &c->who, ev);
	c->plan->dialled = called_number(c, ev->msg);
	c->urgent = route_is_emergency(cs->cfg.route, c->plan->dialled);
	cdr_called(cdr_open(&c->rec), c->plan->dialled);
	tap_bind(cs->cfg.tap, c->rec.id, tap_key(ev->msg->call_id));
	/* Limits first: a call that is turned away has used no media port, which would rest. */
	if (admit(c, &why) ||
	    leg_take(cs->cfg.legs, c->id, ev, c->who.peer, &c->caller, &status, &why)) {
		refuse(cs, ev, status, &why);
		c->end = reason_keep(&c->arena, &why);
		c->status = status;
		finish(c);
		forget_call(c);
		return;
	}
	c->state = CALL_RINGING;
	call_ring(c, c->plan->dialled);
}

/* --- looking ---------------------------------------------------------- */

uint32_t calls_count(const struct calls *cs)
{
	return cs->tab.live;
}

uint64_t calls_arena_bytes(struct calls *cs)
{
	uint64_t id, sum = 0;
	const struct call *c;
	uint32_t i = 0;

	while ((c = slot_next(&cs->tab, &i, &id)))
		sum += c->arena.used;
	return sum;
}

uint64_t calls_each(struct calls *cs, uint32_t *cursor)
{
	uint64_t id;

	return slot_next(&cs->tab, cursor, &id) ? id : 0;
}

enum err call_look(struct calls *cs, uint64_t id, struct call_view *v)
{
	struct call *c = slot_get(&cs->tab, id);

	if (!c)
		return ERR_GONE;
	if (!cs->shown)
		cs->shown = mem_new(sizeof *cs->shown);
	cdr_copy(&c->rec, cs->shown);
	*v = (struct call_view){ .id = id, .record = c->rec.id, .state = c->state,
				 .rec = cs->shown, .caller = c->caller, .nbranch = c->fork.n,
				 .note = c->plan->note, .nnote = c->plan->nnote };
	if (c->winner >= 0)
		v->winner = c->legs[c->winner].leg;
	for (int i = 0; i < c->nlegs; i++)
		if (c->legs[i].branch >= 0)
			v->branch[c->legs[i].branch] = c->legs[i].leg;
	for (int i = 0; i < c->fork.n; i++)
		v->branch_state[i] = c->fork.b[i].state;
	return OK;
}

const char *call_state_str(enum call_state s)
{
	static const char *const name[CALL_NSTATE] = {
		[CALL_NEW] = "new", [CALL_RINGING] = "ringing", [CALL_TALKING] = "talking",
		[CALL_CLOSING] = "closing", [CALL_GONE] = "gone",
	};

	return name[s];
}
