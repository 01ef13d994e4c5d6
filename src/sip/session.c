/*
 * The INVITE session as a table: who may do what when, RFC 3261 9, 13, 15.
 * The state changes in one place (ses_step); deadlines belong to states.
 * Departures: a caller's BYE before our answer ends the call like a CANCEL
 * (15 allows it in an early dialog; some send it); a callee's one is refused.
 */
#include <string.h>

#include "sip/multipart.h"
#include "sip/stack_int.h"

typedef void ses_act(struct sip *s, struct ses *x, struct ses_arg *a);

struct cell {
	uint8_t next;		/* SES_NEW: not decided */
	ses_act *act;
};

/* --- news for the owner --- */

struct sip_event *ses_news(struct sip *s, struct ses *x, enum sip_ev_kind k,
			   const struct sip_msg *m)
{
	struct sip_event *e = x->muted ? &s->mute : sip_queue(s, k);

	if (x->muted)
		*e = (struct sip_event){ .kind = k };
	e->session = x->id;
	e->owner = x->owner;
	e->early = -1;
	e->msg = m;
	e->peer = m ? m->src : x->peer;
	e->flow = m ? m->flow : x->flow;
	if (!m)
		return e;
	if (!sip_is_multipart(&m->body) || sip_body_find(&m->body, "application/sdp", &e->body) != OK)
		e->body = m->body;
	if (!m->request) {
		e->status = m->status;
		e->retry_after_s = sip_retry_after(m);
	}
	return e;
}

int ses_early_known(const struct ses *x, struct str tag)
{
	for (int i = 0; i < x->nearly; i++)
		if (str_is(tag, x->early[i].tag))
			return i;
	return -1;
}

int ses_early(struct ses *x, struct str tag)
{
	int i = ses_early_known(x, tag);

	if (!tag.n || i >= 0)
		return tag.n ? i : -1;
	if (x->nearly == SIP_EARLY_MAX)
		return -1;
	x->early = mem_grow(x->early, (size_t)x->nearly + 1, sizeof *x->early);
	x->early[x->nearly] = (struct early){ .tag = mem_dup(tag.p, tag.n) };
	return x->nearly++;
}

/* --- states and their deadlines --- */

static void on_late(void *arg)
{
	struct ses *x = arg;
	struct ses_arg a = { 0 };
	struct tx *t = x->state == SES_CALLING ? tx_get(x->s, x->invite) : NULL;

	if (t && client_silent(x->s, t))
		return;		/* the next target has its own time */
	(void)ses_step(x->s, x, SES_LATE, &a);	/* no command */
}

void ses_deadline(struct ses *x, ms_t ms)
{
	if (ms)
		timer_start(&x->s->loop->timers, &x->late, ms, on_late, x);
	else
		timer_stop(&x->s->loop->timers, &x->late);
}

/* The one place where the state changes. */
static void enter(struct ses *x, enum ses_state st)
{
	ms_t long_ms = 64 * (ms_t)x->s->times.t1;

	x->state = (uint8_t)st;
	switch (st) {
	case SES_CANCELLED:		/* 9.1 */
	case SES_ANSWERED:		/* 13.3.1.4 */
		ses_deadline(x, long_ms);
		break;
	case SES_BYE_DUE:		/* runs on from ANSWERED */
		break;
	case SES_OVER:
		timer_stop(&x->s->loop->timers, &x->resend);
		ses_deadline(x, 0);
		break;
	case SES_NEW:
	case SES_CALLING:
	case SES_PROCEEDING:
	case SES_CANCEL_DUE:
	case SES_ACK_DUE:
	case SES_OFFERED:
	case SES_ANSWER_DUE:		/* its PRACK has a time of its own */
	case SES_UP:
	case SES_NSTATE:
		ses_deadline(x, 0);
		break;
	}
}

/* --- acts: our INVITE --- */

static void provisional(struct sip *s, struct ses *x, struct ses_arg *a)
{
	struct sip_event *e;
	enum rel_got got;
	int i;

	if (a->m->status == 100) {
		if (!x->heard)
			(void)ses_news(s, x, SIP_EV_TRYING, a->m);	/* nothing to add */
		x->heard = true;
		return;
	}
	x->heard = true;
	i = ses_early(x, a->m->to_tag);
	re_read_allow(x, a->m);
	got = rel_provisional(s, x, i, a->m);
	if (got == REL_AGAIN)
		return;
	e = ses_news(s, x, SIP_EV_PROVISIONAL, a->m);
	e->early = i;
	e->prack_due = got == REL_OFFER;
	e->reliable = got != REL_PLAIN;
}

static void confirm(struct sip *s, struct ses *x, struct ses_arg *a)
{
	int i = ses_early(x, a->m->to_tag);

	dialog_confirm(&x->d, a->m);
	if (x->opts->own_record_route)
		dialog_forget_routes(&x->d);
	re_read_allow(x, a->m);
	se_read_answer(x, a->m);
	ses_news(s, x, SIP_EV_ANSWER, a->m)->early = i;
}

static void answered(struct sip *s, struct ses *x, struct ses_arg *a)
{
	confirm(s, x, a);
	ses_send_ack(s, x, x->invite, x->cseq, NULL);
	se_start(x);
}

static void failed(struct sip *s, struct ses *x, struct ses_arg *a)
{
	struct sip_event *e = ses_news(s, x, SIP_EV_FAILED, a->m);

	e->fail = a->fail;
	e->auth = s->unanswered;
	e->stream = s->closing;
	if (a->t)
		e->peer = a->t->path.peer;
}

/* An INVITE that never left needs no CANCEL. */
static bool unsaid(struct sip *s, struct ses *x)
{
	struct tx *t = tx_get(s, x->invite);

	if (!t || !client_unsent(s, t))
		return false;
	tx_free(s, t);
	enter(x, SES_OVER);
	return true;
}

/* first_response ran out: told now, and what still comes is cleaned up in silence. */
static void no_response(struct sip *s, struct ses *x, struct ses_arg *a)
{
	a->fail = SIP_FAIL_TIMEOUT;
	a->t = tx_get(s, x->invite);
	failed(s, x, a);
	x->muted = true;
	(void)unsaid(s, x);	/* or cleaned up in CANCEL_DUE */
}

static void moved(struct sip *s, struct ses *x, struct ses_arg *a)
{
	(void)s;
	x->invite = a->t->id;
	ses_deadline(x, x->first_response);
}

static void keep_extra(struct sip *s, struct ses *x, struct ses_arg *a)
{
	mem_free(x->extra);
	x->extra = ses_render(s, a->x, a->nx);
}

static void cancel_due(struct sip *s, struct ses *x, struct ses_arg *a)
{
	if (a->nx)
		keep_extra(s, x, a);
	if (unsaid(s, x))
		ses_news(s, x, SIP_EV_FAILED, NULL)->status = 487;
}

static void send_cancel(struct sip *s, struct ses *x, struct ses_arg *a)
{
	struct tx *t = tx_get(s, x->invite);

	if (a->nx)
		keep_extra(s, x, a);
	if (t && !t->server)
		client_cancel(s, t, str_of(x->extra));
}

/* 9.1: the 200 was faster than our CANCEL. */
static void crossed(struct sip *s, struct ses *x, struct ses_arg *a)
{
	ses_stray(s, a->t, a->m, str_of(x->extra), true);
	(void)ses_news(s, x, SIP_EV_EXTRA_ANSWER, a->m);	/* nothing to add */
	ses_news(s, x, SIP_EV_FAILED, NULL)->status = 487;
}

/* 9.1: no final answer 64*T1 after the CANCEL. */
static void cancel_late(struct sip *s, struct ses *x, struct ses_arg *a)
{
	struct tx *t = tx_get(s, x->invite);

	a->fail = SIP_FAIL_TIMEOUT;
	failed(s, x, a);
	if (t)
		tx_free(s, t);
}

static void send_ack(struct sip *s, struct ses *x, struct ses_arg *a)
{
	ses_send_ack(s, x, x->invite, x->cseq, a->body);
	se_start(x);
}

static void ack_bye(struct sip *s, struct ses *x, struct ses_arg *a)
{
	ses_send_ack(s, x, x->invite, x->cseq, NULL);
	ses_send_bye(s, x, a);
}

/* --- acts: the peer's INVITE --- */

static void ring(struct sip *s, struct ses *x, struct ses_arg *a)
{
	struct tx *t = tx_get(s, x->invite);

	if (!t || !t->more.skel) {
		a->err = ERR_GONE;
		return;
	}
	if (rel_waits(x) || (a->status < 200 && rel_wanted(x, a))) {
		(void)rel_step(s, x, REL_RING, a);	/* a->err */
		return;
	}
	(void)uas_fork(t, a->fork);
	ses_begin_answer(s, x, t, a);
	a->err = uas_send(s, t, a->status, a->body);
}

static void answer(struct sip *s, struct ses *x, struct ses_arg *a)
{
	struct tx *t = tx_get(s, x->invite);
	struct ses_arg final = { 0 };

	if (t && t->more.skel && a->fork) {
		hash_remove(&s->dialogs, &x->by_dialog);
		dialog_set_tag(&x->d, uas_fork(t, a->fork));
		ses_link(s, x);
	}
	if (x->rel)
		(void)rel_step(s, x, REL_FINAL, &final);	/* no command */
	ring(s, x, a);
	ses_repeat(x);
}

/* RFC 3262 3: the 200 as it is now, for when the PRACK is here. */
static void answer_later(struct sip *s, struct ses *x, struct ses_arg *a)
{
	struct tx *t = tx_get(s, x->invite);

	if (!t || !t->more.skel) {
		a->err = ERR_GONE;
		return;
	}
	ses_begin_answer(s, x, t, a);
	sip_write_body(&s->text, a->body);
	if (!buf_ok(&s->text))
		a->err = ERR_LIMIT;
	else
		x->rel->answer = wire_new(buf_str(&s->text));
}

static void answer_now(struct sip *s, struct ses *x, struct ses_arg *a)
{
	struct tx *t = tx_get(s, x->invite);
	struct rel *r = x->rel;

	(void)rel_step(s, x, REL_FINAL, a);	/* no command */
	if (!t || !r->answer)
		return;		/* its deadline ends it */
	buf_put(sip_text(s), (struct str){ r->answer->p, r->answer->n });
	(void)uas_commit(s, t, 200);		/* it fitted before */
	ses_repeat(x);
}

static void no_prack(struct sip *s, struct ses *x, struct ses_arg *a)
{
	struct tx *t = tx_get(s, x->invite);

	(void)a;
	if (t && t->more.skel)
		uas_simple(s, t, 504, STR_NONE);
	ses_news(s, x, SIP_EV_ENDED, NULL)->why = SIP_END_NO_PRACK;
}

static void reject(struct sip *s, struct ses *x, struct ses_arg *a);

/* Hung up while the 200 waits: it is not said any more. */
static void unanswer(struct sip *s, struct ses *x, struct ses_arg *a)
{
	a->status = 480;
	a->body = NULL;
	reject(s, x, a);
}

static void reject(struct sip *s, struct ses *x, struct ses_arg *a)
{
	struct tx *t = tx_get(s, x->invite);

	if (!t || !t->more.skel) {
		a->err = ERR_GONE;
		return;
	}
	sip_write_xhdr(uas_begin(s, t, a->status, a->phrase), a->x, a->nx);
	if (a->status == 420 && x->rel_asked == REL_REQUIRED)
		buf_lit(&s->text, "Unsupported: 100rel\r\n");
	a->err = uas_send(s, t, a->status, a->body);
	if (a->err != OK)		/* a header of the owner's does not fit: without it */
		uas_simple(s, t, a->status, STR_NONE);
}

static void cancelled(struct sip *s, struct ses *x, struct ses_arg *a)
{
	struct tx *t = tx_get(s, x->invite);

	if (t && t->more.skel)
		uas_simple(s, t, 487, STR_NONE);
	(void)ses_news(s, x, SIP_EV_CANCELLED, a->m);	/* nothing to add */
}

static void early_bye(struct sip *s, struct ses *x, struct ses_arg *a)
{
	uas_simple(s, a->t, 200, STR_NONE);
	cancelled(s, x, a);
}

static void acked(struct sip *s, struct ses *x, struct ses_arg *a)
{
	timer_stop(&s->loop->timers, &x->resend);
	(void)ses_news(s, x, SIP_EV_ACK, a->m);	/* nothing to add */
	se_start(x);
}

static void no_ack(struct sip *s, struct ses *x, struct ses_arg *a)
{
	ses_send_bye(s, x, a);
	ses_news(s, x, SIP_EV_ENDED, NULL)->why = SIP_END_NO_ACK;
}

/* 15: before the ACK the callee's BYE waits. */
static void bye_later(struct sip *s, struct ses *x, struct ses_arg *a)
{
	keep_extra(s, x, a);
	x->muted = true;
}

/* --- acts: the end --- */

static void bye(struct sip *s, struct ses *x, struct ses_arg *a)
{
	ses_send_bye(s, x, a);
}

static void got_bye(struct sip *s, struct ses *x, struct ses_arg *a)
{
	uas_simple(s, a->t, 200, STR_NONE);
	(void)ses_news(s, x, SIP_EV_BYE, a->m);	/* nothing to add */
}

static void refuse_bye(struct sip *s, struct ses *x, struct ses_arg *a)
{
	(void)x;
	uas_simple(s, a->t, 481, STR_NONE);
}

/* RFC 4028 10, RFC 3261 12.2.1.2: a->status, a->fail say what broke the dialog, if it did. */
static void expired(struct sip *s, struct ses *x, struct ses_arg *a)
{
	struct sip_event *e;
	bool broken = a->status || a->fail;

	ses_send_bye(s, x, a);
	e = ses_news(s, x, SIP_EV_ENDED, NULL);
	e->why = broken ? SIP_END_TRANSPORT : SIP_END_SESSION_EXPIRED;
	e->status = a->status;
	e->fail = a->fail;
}

/* A command that has no place in this state. */
static void wrong(struct sip *s, struct ses *x, struct ses_arg *a)
{
	(void)s;
	(void)x;
	a->err = ERR_STATE;
}

#define X(state, act) { SES_##state, act }
#define S(state) { SES_##state, NULL }
#define NO(state) { SES_##state, wrong }

/* Columns: 1xx, 2xx, 2xx to a delayed offer, final, lost | CANCEL, ACK, BYE of the peer |
 * owner: ring, answer, reject | cancel, ack, bye | late, expired |
 * owner: answer behind a PRACK; PRACK came, PRACK never came | our INVITE was said anew, next target */
#define ROW(p1, p2, p3, p4, p5, c1, c2, c3, o1, o2, o3, o4, o5, o6, l1, l2, r1, r2, r3, a1, n1) { \
	[SES_GOT_1XX] = p1, [SES_GOT_2XX] = p2, [SES_GOT_2XX_OFFER] = p3, \
	[SES_GOT_FINAL] = p4, [SES_LOST] = p5, [SES_GOT_CANCEL] = c1, [SES_GOT_ACK] = c2, \
	[SES_GOT_BYE] = c3, [SES_DO_RING] = o1, [SES_DO_ANSWER] = o2, [SES_DO_REJECT] = o3, \
	[SES_DO_CANCEL] = o4, [SES_DO_ACK] = o5, [SES_DO_BYE] = o6, [SES_LATE] = l1, \
	[SES_EXPIRED] = l2, [SES_DO_ANSWER_LATER] = r1, [SES_GOT_PRACK] = r2, [SES_NO_PRACK] = r3, \
	[SES_AGAIN] = a1, [SES_NEXT] = n1 }

static const struct cell table[SES_NSTATE][SES_NIN] = {
 [SES_CALLING] = ROW(X(PROCEEDING, provisional), X(UP, answered), X(ACK_DUE, confirm),
	X(OVER, failed), X(OVER, failed),
	S(CALLING), S(CALLING), X(CALLING, refuse_bye),
	NO(CALLING), NO(CALLING), NO(CALLING), X(CANCEL_DUE, cancel_due), NO(CALLING), NO(CALLING),
	X(CANCEL_DUE, no_response), S(CALLING),
	NO(CALLING), S(CALLING), S(CALLING), S(CALLING), X(CALLING, moved)),
 [SES_PROCEEDING] = ROW(X(PROCEEDING, provisional), X(UP, answered), X(ACK_DUE, confirm),
	X(OVER, failed), X(OVER, failed),
	S(PROCEEDING), S(PROCEEDING), X(PROCEEDING, refuse_bye),
	NO(PROCEEDING), NO(PROCEEDING), NO(PROCEEDING), X(CANCELLED, send_cancel), NO(PROCEEDING),
	NO(PROCEEDING), S(PROCEEDING), S(PROCEEDING),
	NO(PROCEEDING), S(PROCEEDING), S(PROCEEDING), S(CALLING), X(CALLING, moved)),
 [SES_CANCEL_DUE] = ROW(X(CANCELLED, send_cancel), X(OVER, crossed), X(OVER, crossed),
	X(OVER, failed), X(OVER, failed),
	S(CANCEL_DUE), S(CANCEL_DUE), X(CANCEL_DUE, refuse_bye),
	NO(CANCEL_DUE), NO(CANCEL_DUE), NO(CANCEL_DUE), S(CANCEL_DUE), NO(CANCEL_DUE),
	NO(CANCEL_DUE), S(CANCEL_DUE), S(CANCEL_DUE),
	NO(CANCEL_DUE), S(CANCEL_DUE), S(CANCEL_DUE), S(CANCEL_DUE), S(CANCEL_DUE)),
 [SES_CANCELLED] = ROW(S(CANCELLED), X(OVER, crossed), X(OVER, crossed), X(OVER, failed),
	X(OVER, failed),
	S(CANCELLED), S(CANCELLED), X(CANCELLED, refuse_bye),
	NO(CANCELLED), NO(CANCELLED), NO(CANCELLED), S(CANCELLED), NO(CANCELLED), NO(CANCELLED),
	X(OVER, cancel_late), S(CANCELLED),
	NO(CANCELLED), S(CANCELLED), S(CANCELLED), S(CANCELLED), S(CANCELLED)),
 [SES_ACK_DUE] = ROW(S(ACK_DUE), S(ACK_DUE), S(ACK_DUE), S(ACK_DUE), S(ACK_DUE),
	S(ACK_DUE), S(ACK_DUE), X(OVER, got_bye),
	NO(ACK_DUE), NO(ACK_DUE), NO(ACK_DUE), NO(ACK_DUE), X(UP, send_ack), X(OVER, ack_bye),
	S(ACK_DUE), S(ACK_DUE),
	NO(ACK_DUE), S(ACK_DUE), S(ACK_DUE), S(ACK_DUE), S(ACK_DUE)),
 [SES_OFFERED] = ROW(S(OFFERED), S(OFFERED), S(OFFERED), S(OFFERED), S(OFFERED),
	X(OVER, cancelled), S(OFFERED), X(OVER, early_bye),
	X(OFFERED, ring), X(ANSWERED, answer), X(OVER, reject), NO(OFFERED), NO(OFFERED),
	NO(OFFERED), S(OFFERED), S(OFFERED),
	X(ANSWER_DUE, answer_later), S(OFFERED), X(OVER, no_prack), S(OFFERED), S(OFFERED)),
 [SES_ANSWER_DUE] = ROW(S(ANSWER_DUE), S(ANSWER_DUE), S(ANSWER_DUE), S(ANSWER_DUE), S(ANSWER_DUE),
	X(OVER, cancelled), S(ANSWER_DUE), X(OVER, early_bye),
	NO(ANSWER_DUE), NO(ANSWER_DUE), X(OVER, reject), NO(ANSWER_DUE), NO(ANSWER_DUE),
	X(OVER, unanswer), S(ANSWER_DUE), S(ANSWER_DUE),
	NO(ANSWER_DUE), X(ANSWERED, answer_now), X(OVER, no_prack), S(ANSWER_DUE), S(ANSWER_DUE)),
 [SES_ANSWERED] = ROW(S(ANSWERED), S(ANSWERED), S(ANSWERED), S(ANSWERED), S(ANSWERED),
	S(ANSWERED), X(UP, acked), X(OVER, got_bye),
	NO(ANSWERED), NO(ANSWERED), NO(ANSWERED), NO(ANSWERED), NO(ANSWERED), X(BYE_DUE, bye_later),
	X(OVER, no_ack), S(ANSWERED),
	NO(ANSWERED), S(ANSWERED), S(ANSWERED), S(ANSWERED), S(ANSWERED)),
 [SES_BYE_DUE] = ROW(S(BYE_DUE), S(BYE_DUE), S(BYE_DUE), S(BYE_DUE), S(BYE_DUE),
	S(BYE_DUE), X(OVER, bye), X(OVER, got_bye),
	NO(BYE_DUE), NO(BYE_DUE), NO(BYE_DUE), NO(BYE_DUE), NO(BYE_DUE), S(BYE_DUE),
	X(OVER, bye), S(BYE_DUE),
	NO(BYE_DUE), S(BYE_DUE), S(BYE_DUE), S(BYE_DUE), S(BYE_DUE)),
 [SES_UP] = ROW(S(UP), S(UP), S(UP), S(UP), S(UP),
	S(UP), S(UP), X(OVER, got_bye),
	NO(UP), NO(UP), NO(UP), NO(UP), NO(UP), X(OVER, bye),
	S(UP), X(OVER, expired),
	NO(UP), S(UP), S(UP), S(UP), S(UP)),
};

bool ses_decided(enum ses_state st, enum ses_in in)
{
	return table[st][in].next != SES_NEW;
}

bool ses_can(const struct ses *x, enum ses_in in)
{
	const struct cell *c = &table[x->state][in];

	return c->next != SES_NEW && c->act != wrong;
}

/* A 200 may still come, and its ACK has to go where the peer's profile lets it. */
static void leave(struct sip *s, const struct ses *x)
{
	struct tx *t = tx_get(s, x->invite);

	if (t && x->opts && x->opts->never_dial_contact)
		t->stays = true;
}

enum err ses_step(struct sip *s, struct ses *x, enum ses_in in, struct ses_arg *a)
{
	const struct cell *c = &table[x->state][in];

	if (c->next == SES_NEW)
		return ERR_STATE;
	a->err = OK;
	if (c->next != x->state)
		enter(x, (enum ses_state)c->next);
	if (c->act)
		c->act(s, x, a);
	if (x->state == SES_OVER) {
		leave(s, x);
		ses_free(s, x);
	}
	return a->err;
}

/* --- our 200 until its ACK, 13.3.1.4: over streams too --- */

static void on_resend(void *arg)
{
	struct ses *x = arg;
	struct sip *s = x->s;
	struct tx *t = tx_get(s, x->re == RE_IN_ACK ? x->re_tx : x->invite);

	x->interval = 2 * x->interval < s->times.t2 ? 2 * x->interval : s->times.t2;
	timer_start(&s->loop->timers, &x->resend, x->interval, on_resend, x);
	if (t)
		uas_acts(s, t, tsx_step(&t->m, &s->loop->timers, TSX_SEND_2XX));
}

void ses_repeat(struct ses *x)
{
	x->interval = x->s->times.t1;
	timer_start(&x->s->loop->timers, &x->resend, x->interval, on_resend, x);
}

/* --- life --- */

struct ses *ses_get(struct sip *s, uint64_t id)
{
	return slot_get(&s->sessions, id);
}

struct ses *ses_new(struct sip *s, bool uac)
{
	uint64_t id;
	struct ses *x = slot_new(&s->sessions, &id);

	if (!x)
		return NULL;
	x->s = s;
	x->id = id;
	x->uac = uac;
	x->state = uac ? SES_CALLING : SES_OFFERED;
	return x;
}

bool ses_may_repeat(const struct ses *x)
{
	return x->state == SES_CALLING || x->state == SES_PROCEEDING;
}

bool ses_left(struct sip *s, struct tx *t)
{
	const struct ses *was = ses_get(s, t->user);
	struct ses *x = was ? ses_new(s, true) : NULL;
	struct sip_dest d;

	if (!x)
		return false;
	dest_kept(was->dest, &d);
	x->dest = dest_keep(&d);
	x->owner = was->owner;
	x->opts = was->opts;
	x->listener = was->listener;
	x->transport = was->transport;
	x->invite = t->id;
	x->cseq = was->cseq;
	x->muted = true;
	enter(x, SES_CANCEL_DUE);
	t->user = x->id;
	return true;
}

void ses_link(struct sip *s, struct ses *x)
{
	hash_add(&s->dialogs, &x->by_dialog, sip_key(s, x->d.call_id, x->d.local_tag, 0));
	x->linked = true;
}

void ses_free(struct sip *s, struct ses *x)
{
	struct timers *w = &s->loop->timers;

	sub_session_over(s, x);
	re_close(s, x);
	rel_close(x);
	timer_stop(w, &x->resend);
	timer_stop(w, &x->late);
	timer_stop(w, &x->expire);
	if (x->linked)
		hash_remove(&s->dialogs, &x->by_dialog);
	dialog_close(&x->d);
	for (int i = 0; i < x->nearly; i++) {
		mem_free(x->early[i].tag);
		mem_free(x->early[i].ack);
	}
	mem_free(x->early);
	mem_free(x->dest);
	mem_free(x->contact_user);
	mem_free(x->extra);
	mem_free(x->sid);
	mem_free(x->again);
	slot_free(&s->sessions, x->id);
}
