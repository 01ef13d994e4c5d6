/*
 * The subscription as a table: who may do what when (RFC 6665 4.1, 4.2). The
 * state changes in one place (sub_enter); deadlines belong to states.
 */
#include "sip/stack_int.h"

#include <string.h>

typedef void sub_act(struct sip *s, struct sub *x, struct sub_arg *a);

struct cell {
	uint8_t next;		/* SUB_NEW: not decided */
	sub_act *act;
};

enum { BEFORE_MIN_MS = 40000, BEFORE_MAX_MS = 300000, SHORT_MS = 120000, LAST_TRY_MS = 5000 };

/* --- news for the owner --- */

static void news(struct sip *s, struct sub *x, enum sip_ev_kind k, const struct sub_arg *a)
{
	struct sip_event *e;

	if (x->muted)
		return;
	e = sip_queue(s, k);
	e->sub = x->id;
	e->owner = x->owner;
	e->peer = a->m ? a->m->src : x->peer;
	e->sub_info = a->info;
	e->status = a->status;
	e->fail = a->fail;
	e->auth = s->unanswered;
	e->stream = s->closing;
	e->msg = a->m;
	if (a->m) {
		e->body = a->m->body;
		e->flow = a->m->flow;
		e->retry_after_s = sip_retry_after(a->m);
	}
}

/* The one SUB_ENDED. */
static void ended(struct sip *s, struct sub *x, struct sub_arg *a)
{
	a->info.state = SIP_SUB_TERMINATED;
	news(s, x, SIP_EV_SUB_ENDED, a);
	x->muted = true;
}

/* --- states and their deadlines --- */

static void on_timer(void *arg)
{
	struct sub *x = arg;
	struct sub_arg a = { 0 };
	bool over = x->state == SUB_HELD && x->s->loop->now >= x->end_at;

	(void)sub_step(x->s, x, over ? SUB_EXPIRED : SUB_LATE, &a);	/* no command */
}

void sub_deadline(struct sub *x, ms_t ms)
{
	timer_start(&x->s->loop->timers, &x->timer, ms, on_timer, x);
}

static ms_t left(const struct sub *x)
{
	return x->end_at > x->s->loop->now ? x->end_at - x->s->loop->now : 0;
}

/* Ours is refreshed some time before its end, those that began together not together. */
static void arm_refresh(struct sub *x)
{
	ms_t all = left(x), before = all / 5;

	if (before < BEFORE_MIN_MS && all > SHORT_MS)
		before = BEFORE_MIN_MS;
	if (before > BEFORE_MAX_MS)
		before = BEFORE_MAX_MS;
	before += rng_below(&x->s->loop->rng, (uint32_t)(before / 4) + 1);
	sub_deadline(x, before < all ? all - before : all);
}

/* The one place where the state changes. */
void sub_enter(struct sub *x, enum sub_state st)
{
	ms_t n = 64 * (ms_t)x->s->times.t1;		/* Timer N, RFC 6665 4.1.2.4 */

	x->state = (uint8_t)st;
	switch (st) {
	case SUB_ASKED:
		sub_deadline(x, SIP_SUB_ASKED_MS);
		break;
	case SUB_GIVEN:			/* runs to what was granted */
		sub_deadline(x, left(x));
		break;
	case SUB_LAST:			/* a NOTIFY that is out, and the last one */
		sub_deadline(x, 2 * n + 1000);
		break;
	case SUB_TRYING: case SUB_EARLY: case SUB_WAITING: case SUB_REFRESHING: case SUB_NOTIFIED:
	case SUB_LEAVE_DUE: case SUB_LEAVING: case SUB_LEFT:
		sub_deadline(x, n);
		break;
	case SUB_HELD:
		arm_refresh(x);
		break;
	case SUB_NEW: case SUB_OVER: case SUB_NSTATE:
		timer_stop(&x->s->loop->timers, &x->timer);
		break;
	}
}

/* --- acts: notifier --- */

static void answer(struct sip *s, struct sub *x, struct tx *t, uint32_t expires)
{
	/* RFC 3515 2.4.2; a SUBSCRIBE gets no 202 any more, RFC 6665 8.3.1 */
	bool refer = t->method == SIP_REFER;
	struct contact c = { .listener = x->listener, .user = str_of(x->contact_user),
			     .opts = x->opts, .local = &x->local };
	struct buf *b = uas_begin(s, t, refer ? 202 : 200, NULL);
	const char *events = s->lsn[x->listener]->cfg.events;

	sip_write_contact(s, b, &c);
	if (!refer)
		buf_fmt(b, "Expires: %u\r\n", expires);
	if (events)
		buf_fmt(b, "Allow-Events: %s\r\n", events);
	(void)uas_send(s, t, refer ? 202 : 200, NULL);	/* no room or too late: the peer repeats */
}

static void hold_for(struct sub *x, uint32_t s)
{
	x->expires_s = s;
	x->end_at = x->s->loop->now + 1000 * (ms_t)s;
}

static void accept(struct sip *s, struct sub *x, struct sub_arg *a)
{
	x->owner = a->accept->owner;
	x->info.state = a->accept->pending ? SIP_SUB_PENDING : SIP_SUB_ACTIVE;
	if (!a->expires_s)
		x->info = (struct sip_sub_info){ .state = SIP_SUB_TERMINATED, .reason = SIP_SUB_TIMEOUT };
	if (x->state == SUB_GIVEN) {
		hold_for(x, a->expires_s);
		sub_deadline(x, left(x));
	}
	ntf_keep(x, &a->accept->body);
	answer(s, x, a->t, a->expires_s);
	sub_link(s, x);
	ntf_step(s, x, NTF_SAY, NULL);
}

static void fetch(struct sip *s, struct sub *x, struct sub_arg *a)
{
	x->muted = true;
	accept(s, x, a);
}

static void refuse(struct sip *s, struct sub *x, struct sub_arg *a)
{
	(void)x;
	sip_write_xhdr(uas_begin(s, a->t, a->status, NULL), a->x, a->nx);
	a->err = uas_send(s, a->t, a->status, NULL);
	if (a->err != OK)	/* a header of the owner's does not fit: without it */
		uas_simple(s, a->t, a->status, STR_NONE);
}

static void no_answer(struct sip *s, struct sub *x, struct sub_arg *a)
{
	struct tx *t = tx_get(s, x->asked);

	(void)a;
	if (t && t->more.skel)
		uas_simple(s, t, 500, STR_NONE);
}

static void state(struct sip *s, struct sub *x, struct sub_arg *a)
{
	x->info.state = SIP_SUB_ACTIVE;
	ntf_keep(x, a->body);
	ntf_step(s, x, NTF_SAY, NULL);
}

/* 4.2.1.2: each SUBSCRIBE is followed by the state. */
static void refreshed(struct sip *s, struct sub *x, struct sub_arg *a)
{
	hold_for(x, a->expires_s);
	sub_deadline(x, left(x));
	answer(s, x, a->t, a->expires_s);
	news(s, x, SIP_EV_SUB_REFRESHED, a);
	ntf_step(s, x, NTF_SAY, NULL);
}

/* 4.2.1.4, 4.2.2: "timeout" also after Expires: 0. */
static void expired(struct sip *s, struct sub *x, struct sub_arg *a)
{
	a->info.reason = SIP_SUB_TIMEOUT;
	ended(s, x, a);
	x->info = a->info;
	ntf_step(s, x, NTF_SAY, NULL);
}

static void left_by_peer(struct sip *s, struct sub *x, struct sub_arg *a)
{
	answer(s, x, a->t, 0);
	expired(s, x, a);
}

static void end(struct sip *s, struct sub *x, struct sub_arg *a)
{
	x->info = a->info;
	x->muted = true;
	if (a->body)
		ntf_keep(x, a->body);
	ntf_step(s, x, NTF_SAY, NULL);
}

static void gone(struct sip *s, struct sub *x, struct sub_arg *a)
{
	(void)x;
	uas_simple(s, a->t, 481, STR_NONE);
}

/* --- acts: subscriber --- */

static void granted(struct sip *s, struct sub *x, struct sub_arg *a)
{
	uint32_t secs;

	(void)s;
	x->brief = false;
	if (str_u32(str_trim(sip_hdr(a->m, SIP_H_EXPIRES)), SIP_SUB_EXPIRES_MAX_S, &secs) != OK ||
	    secs > x->expires_s)
		secs = x->expires_s;
	x->end_at = x->s->loop->now + 1000 * (ms_t)secs;
	if (x->state == SUB_HELD)
		arm_refresh(x);
}

/* The first one makes the dialog; each may say how long it holds. */
static void learn(struct sub *x, const struct sub_arg *a)
{
	if (!x->d.remote_tag[0])
		dialog_confirm_notify(&x->d, a->m);
	else
		dialog_retarget(&x->d, a->m);
	if (a->info.has_expires)
		x->end_at = x->s->loop->now + 1000 * (ms_t)a->info.expires_s;
}

static void notified(struct sip *s, struct sub *x, struct sub_arg *a)
{
	learn(x, a);
	if (x->state == SUB_HELD)
		arm_refresh(x);
	news(s, x, SIP_EV_NOTIFY, a);
}

static void terminated(struct sip *s, struct sub *x, struct sub_arg *a)
{
	if (a->m->body.bytes.n)
		news(s, x, SIP_EV_NOTIFY, a);
	ended(s, x, a);
}

static void refused(struct sip *s, struct sub *x, struct sub_arg *a)
{
	ended(s, x, a);
}

static void timer_n(struct sip *s, struct sub *x, struct sub_arg *a)
{
	a->fail = SIP_FAIL_TIMEOUT;
	ended(s, x, a);
}

static void ran_out(struct sip *s, struct sub *x, struct sub_arg *a)
{
	a->info.reason = SIP_SUB_TIMEOUT;
	ended(s, x, a);
}

/* 4.1.2.2: it holds on; asked again while there is time. */
static void not_now(struct sip *s, struct sub *x, struct sub_arg *a)
{
	ms_t all = left(x), next = a->m ? 1000 * (ms_t)sip_retry_after(a->m) : 0;

	(void)s;
	if (!next)
		next = all / 2;
	sub_deadline(x, all <= LAST_TRY_MS || next >= all ? all : next);
}

static void refresh(struct sip *s, struct sub *x, struct sub_arg *a)
{
	uint64_t id = x->id;

	sub_send(s, x, x->expires_s);
	x = sub_get(s, id);
	if (x && !x->out && x->state == SUB_REFRESHING) {	/* no room */
		sub_enter(x, SUB_HELD);
		not_now(s, x, a);
	}
}

/* 423: once more with what it asks for. */
static void longer(struct sip *s, struct sub *x, struct sub_arg *a)
{
	bool first = x->state == SUB_TRYING;
	uint32_t min;

	if (!x->brief && str_u32(str_trim(sip_hdr(a->m, SIP_H_MIN_EXPIRES)), SIP_SUB_EXPIRES_MAX_S, &min) == OK &&
	    min > x->expires_s) {
		x->brief = true;
		x->expires_s = min;
		sub_send(s, x, min);	/* no room: Timer N ends it */
		return;
	}
	sub_enter(x, first ? SUB_OVER : SUB_HELD);
	if (first)
		refused(s, x, a);
	else
		not_now(s, x, a);
}

static void leave(struct sip *s, struct sub *x, struct sub_arg *a)
{
	uint64_t id = x->id;

	(void)a;
	sub_send(s, x, 0);
	x = sub_get(s, id);
	if (x && !x->out && x->state == SUB_LEAVING)
		sub_enter(x, SUB_OVER);		/* it runs out by itself */
}

/* There is a dialog and nothing is open: now it can be said. */
static void leave_now(struct sip *s, struct sub *x, struct sub_arg *a)
{
	if (a->m && a->m->request)
		learn(x, a);
	if (x->out || !x->d.remote_tag[0])
		return;
	sub_enter(x, SUB_LEAVING);
	leave(s, x, a);
}

static void leave_or_end(struct sip *s, struct sub *x, struct sub_arg *a)
{
	if (x->d.remote_tag[0])
		leave_now(s, x, a);
	else
		sub_enter(x, SUB_OVER);		/* it never was */
}

/* A command that has no place in this state. */
static void wrong(struct sip *s, struct sub *x, struct sub_arg *a)
{
	(void)s;
	(void)x;
	a->err = ERR_STATE;
}

#define X(state, act) { SUB_##state, act }
#define S(state) { SUB_##state, NULL }
#define NO(state) { SUB_##state, wrong }

/* Columns: owner: accept, fetch, refuse, state, end | peer: SUBSCRIBE, Expires: 0 | NOTIFY: taken,
 * failed | deadline. What only subscribers hear changes nothing. */
#define GIVE(st, o1, o2, o3, o4, o5, p1, p2, n1, n2, l1) { \
	[SUB_DO_ACCEPT] = o1, [SUB_DO_FETCH] = o2, [SUB_DO_REFUSE] = o3, [SUB_DO_STATE] = o4, \
	[SUB_DO_END] = o5, [SUB_GOT_SUBSCRIBE] = p1, [SUB_GOT_LEAVE] = p2, [SUB_SAID] = n1, \
	[SUB_UNSAID] = n2, [SUB_LATE] = l1, [SUB_DO_LEAVE] = NO(st), [SUB_GOT_2XX] = S(st), \
	[SUB_GOT_BRIEF] = S(st), [SUB_GOT_GONE] = S(st), [SUB_GOT_OTHER] = S(st), \
	[SUB_GOT_NOTIFY] = S(st), [SUB_GOT_TERMINATED] = S(st), [SUB_EXPIRED] = S(st) }

/* Columns: owner: leave | answers: 2xx, 423, refused for good, not now | NOTIFY: state, the end |
 * deadline, expired. What only notifiers hear changes nothing. */
#define TAKE(st, o1, a1, a2, a3, a4, n1, n2, l1, l2) { \
	[SUB_DO_LEAVE] = o1, [SUB_GOT_2XX] = a1, [SUB_GOT_BRIEF] = a2, [SUB_GOT_GONE] = a3, \
	[SUB_GOT_OTHER] = a4, [SUB_GOT_NOTIFY] = n1, [SUB_GOT_TERMINATED] = n2, [SUB_LATE] = l1, \
	[SUB_EXPIRED] = l2, [SUB_DO_ACCEPT] = NO(st), [SUB_DO_FETCH] = NO(st), \
	[SUB_DO_REFUSE] = NO(st), [SUB_DO_STATE] = NO(st), [SUB_DO_END] = NO(st), \
	[SUB_GOT_SUBSCRIBE] = S(st), [SUB_GOT_LEAVE] = S(st), [SUB_SAID] = S(st), [SUB_UNSAID] = S(st) }

static const struct cell table[SUB_NSTATE][SUB_NIN] = {
 [SUB_ASKED] = GIVE(ASKED, X(GIVEN, accept), X(LAST, fetch), X(OVER, refuse), NO(ASKED), NO(ASKED),
	S(ASKED), S(ASKED), S(ASKED), S(ASKED), X(OVER, no_answer)),
 [SUB_GIVEN] = GIVE(GIVEN, NO(GIVEN), NO(GIVEN), NO(GIVEN), X(GIVEN, state), X(LAST, end),
	X(GIVEN, refreshed), X(LAST, left_by_peer), S(GIVEN), X(OVER, ended), X(LAST, expired)),
 [SUB_LAST] = GIVE(LAST, NO(LAST), NO(LAST), NO(LAST), NO(LAST), NO(LAST),
	X(LAST, gone), X(LAST, gone), S(OVER), S(OVER), S(OVER)),
 [SUB_TRYING] = TAKE(TRYING, S(LEAVE_DUE), X(WAITING, granted), X(TRYING, longer), X(OVER, refused),
	X(OVER, refused), X(EARLY, notified), X(OVER, terminated), X(OVER, timer_n), S(TRYING)),
 [SUB_EARLY] = TAKE(EARLY, S(LEAVE_DUE), X(HELD, granted), X(OVER, refused), X(OVER, refused),
	X(OVER, refused), X(EARLY, notified), X(OVER, terminated), X(OVER, timer_n), S(EARLY)),
 [SUB_WAITING] = TAKE(WAITING, X(LEAVE_DUE, leave_now), S(WAITING), S(WAITING), S(WAITING), S(WAITING),
	X(HELD, notified), X(OVER, terminated), X(OVER, timer_n), S(WAITING)),
 [SUB_HELD] = TAKE(HELD, X(LEAVING, leave), S(HELD), S(HELD), S(HELD), S(HELD),
	X(HELD, notified), X(OVER, terminated), X(REFRESHING, refresh), X(OVER, ran_out)),
 [SUB_REFRESHING] = TAKE(REFRESHING, S(LEAVE_DUE), X(WAITING, granted), X(REFRESHING, longer),
	X(OVER, refused), X(HELD, not_now), X(NOTIFIED, notified), X(OVER, terminated),
	X(OVER, timer_n), S(REFRESHING)),
 [SUB_NOTIFIED] = TAKE(NOTIFIED, S(LEAVE_DUE), X(HELD, granted), X(REFRESHING, longer),
	X(OVER, refused), X(HELD, not_now), X(NOTIFIED, notified), X(OVER, terminated),
	X(OVER, timer_n), S(NOTIFIED)),
 [SUB_LEAVE_DUE] = TAKE(LEAVE_DUE, S(LEAVE_DUE), X(LEAVE_DUE, leave_now), X(LEAVE_DUE, leave_or_end),
	S(OVER), X(LEAVE_DUE, leave_or_end), X(LEAVE_DUE, leave_now), S(OVER), S(OVER), S(LEAVE_DUE)),
 [SUB_LEAVING] = TAKE(LEAVING, S(LEAVING), S(LEFT), S(OVER), S(OVER), S(OVER),
	S(LEAVING), S(OVER), S(OVER), S(LEAVING)),
 [SUB_LEFT] = TAKE(LEFT, S(LEFT), S(LEFT), S(LEFT), S(LEFT), S(LEFT),
	S(LEFT), S(OVER), S(OVER), S(LEFT)),
};

bool sub_decided(enum sub_state st, enum sub_in in)
{
	return table[st][in].next != SUB_NEW;
}

enum err sub_step(struct sip *s, struct sub *x, enum sub_in in, struct sub_arg *a)
{
	const struct cell *c = &table[x->state][in];
	uint64_t id = x->id;

	if (c->next == SUB_NEW)
		return ERR_STATE;
	a->err = OK;
	if (c->next != x->state)
		sub_enter(x, (enum sub_state)c->next);
	if (c->act)
		c->act(s, x, a);
	x = sub_get(s, id);	/* what was sent may have failed at once */
	if (x && x->state == SUB_OVER)
		sub_free(s, x);
	return a->err;
}

/* --- life --- */

struct sub *sub_get(struct sip *s, uint64_t id)
{
	return slot_get(&s->subs, id);
}

struct sub *sub_new(struct sip *s, bool notifier)
{
	uint64_t id;
	struct sub *x = slot_new(&s->subs, &id);

	if (!x)
		return NULL;
	x->s = s;
	x->id = id;
	sub_enter(x, notifier ? SUB_ASKED : SUB_TRYING);
	return x;
}

void sub_link(struct sip *s, struct sub *x)
{
	hash_add(&s->sub_dialogs, &x->by_dialog, sip_key(s, x->d.call_id, x->d.local_tag, 0));
	x->linked = true;
}

void sub_free(struct sip *s, struct sub *x)
{
	timer_stop(&s->loop->timers, &x->timer);
	timer_stop(&s->loop->timers, &x->rest);
	if (x->linked)
		hash_remove(&s->sub_dialogs, &x->by_dialog);
	if (x->ip_linked)
		hash_remove(&s->sub_ip, &x->by_ip);
	dialog_close(&x->d);
	mem_free(x->dest);
	mem_free(x->opts);
	mem_free(x->contact_user);
	mem_free(x->accept);
	mem_free(x->event);
	mem_free(x->type);
	mem_free(x->body);
	slot_free(&s->subs, x->id);
}

bool sub_set_package(struct sub *x, struct str name, struct str id)
{
	char text[2 * SIP_TOKEN_MAX + 8];
	struct buf b;

	buf_init(&b, text, sizeof text);
	buf_put(&b, name);
	if (id.p) {
		buf_lit(&b, ";id=");
		buf_put(&b, id);
	}
	x->event = mem_dup(text, b.n);
	return buf_ok(&b) && sip_package_parse(str_of(x->event), &x->package) == OK;
}
