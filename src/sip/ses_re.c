/*
 * re-INVITE (RFC 3261 14) and UPDATE (RFC 3311) as a table, beside the session's
 * own. At most one is open, either way, and ours not for ever: 64*T1 later it is
 * cancelled. Both sides of a glare: ours gets 491 and is tried again after the
 * waiting time of 14.1; theirs gets 491, or 500 before an ACK. Our UPDATE only
 * refreshes the session (RFC 4028), without a body; the peer's is answered at
 * once when it has none.
 */
#include "sip/derive.h"
#include "sip/stack_int.h"

enum { TRIES_MAX = 3, AFTER_MAX_S = 10 };

typedef void re_act(struct sip *s, struct ses *x, struct ses_arg *a);

struct cell {
	uint8_t next;
	bool decided;
	re_act *act;
};

static void on_late(void *arg)
{
	struct ses *x = arg;
	struct ses_arg a = { 0 };

	(void)re_step(x->s, x, RE_LATE, &a);	/* no command */
}

/* The one place where the state changes. */
static void enter(struct ses *x, enum re_state st)
{
	struct timers *w = &x->s->loop->timers;

	x->re = (uint8_t)st;
	if (st == RE_IN_ACK || st == RE_OUT || st == RE_OUT_CANCEL)
		timer_start(w, &x->late, 64 * (ms_t)x->s->times.t1, on_late, x);
	else
		timer_stop(w, &x->late);
}

static void wrong(struct sip *s, struct ses *x, struct ses_arg *a)
{
	(void)s;
	(void)x;
	a->err = ERR_STATE;
}

/* --- ours --- */

static void again(struct sip *s, struct ses *x)
{
	mem_free(x->again);
	x->again = NULL;
	timer_stop(&s->loop->timers, &x->resend);
}

static void send(struct sip *s, struct ses *x, struct ses_arg *a)
{
	uint64_t id = x->id, tx;

	x->re_cseq = ++x->d.local_cseq;
	x->re_delayed = !a->body || !a->body->bytes.n;
	x->re_tries = 0;
	ses_begin(s, x, SIP_INVITE, x->re_cseq);
	ses_write_invite(s, x, a);
	tx = ses_send(s, x, SIP_INVITE, TX_USER_REINVITE);
	if (!ses_get(s, id))
		return;		/* it could not be sent, and the dialog with it is over */
	x->re_tx = tx;
	if (!tx) {
		enter(x, RE_NONE);
		a->err = ERR_LIMIT;
	}
}

static void reanswer(struct sip *s, struct ses *x, struct ses_arg *a)
{
	dialog_retarget(&x->d, a->m);
	se_read_answer(x, a->m);
	ses_send_ack(s, x, x->re_tx, x->re_cseq, NULL);
	se_start(x);
	(void)ses_news(s, x, SIP_EV_REANSWER, a->m);	/* nothing to add */
}

static void reanswer_offer(struct sip *s, struct ses *x, struct ses_arg *a)
{
	dialog_retarget(&x->d, a->m);
	se_read_answer(x, a->m);
	(void)ses_news(s, x, SIP_EV_REANSWER, a->m);	/* nothing to add */
}

static void send_ack(struct sip *s, struct ses *x, struct ses_arg *a)
{
	ses_send_ack(s, x, x->re_tx, x->re_cseq, a->body);
	se_start(x);
}

static void refailed(struct sip *s, struct ses *x, struct ses_arg *a)
{
	se_too_short(x, a->m);
	ses_news(s, x, SIP_EV_REFAILED, a->m)->fail = a->fail;
}

/* 12.2.1.2: 408, 481 or nothing: the other side has no such dialog. */
static void broken(struct sip *s, struct ses *x, struct ses_arg *a)
{
	struct ses_arg end = { .fail = a->fail, .status = a->m ? a->m->status : 0 };

	refailed(s, x, a);
	(void)ses_step(s, x, SES_EXPIRED, &end);	/* frees x */
}

/* A peer that says 100 alone would keep both sides from offering for ever. One that says nothing is
 * Timer B's matter, and 9.1 forbids a CANCEL then. */
static void overdue(struct sip *s, struct ses *x, struct ses_arg *a)
{
	struct tx *t = tx_get(s, x->re_tx);

	(void)a;
	if (t && t->m.state != TSX_PROCEEDING) {
		enter(x, RE_OUT);
		return;
	}
	enter(x, RE_OUT_CANCEL);
	if (t)
		client_cancel(s, t, STR_NONE);
}

/* 9.1: no final answer 64*T1 after the CANCEL either. */
static void unanswered(struct sip *s, struct ses *x, struct ses_arg *a)
{
	struct tx *t = tx_get(s, x->re_tx);

	a->fail = SIP_FAIL_TIMEOUT;
	refailed(s, x, a);
	if (t)
		tx_free(s, t);
}

static void on_again(void *arg)
{
	struct ses *x = arg;
	struct ses_arg a = { 0 };

	(void)re_step(x->s, x, RE_AGAIN, &a);	/* no command */
}

/* 14.1: the owner of the Call-ID waits 2.1 to 4 s, the other up to 2 s, in steps of 10 ms. A
 * 500 says itself for how long (14.2). */
static void wait_again(struct sip *s, struct ses *x, struct ses_arg *a)
{
	ms_t ms = 10 * (ms_t)(x->uac ? 210 + rng_below(&s->loop->rng, 191)
				     : rng_below(&s->loop->rng, 201));
	uint32_t after_s = a->m->status == 500 ? sip_retry_after(a->m) : 0;

	if (after_s)
		ms = 1000 * (ms_t)(after_s < AFTER_MAX_S ? after_s : AFTER_MAX_S);
	mem_free(x->again);
	x->again = wire_new(s->failed);
	timer_start(&s->loop->timers, &x->resend, ms, on_again, x);
}

static bool is_update(const struct wire *w)
{
	return str_starts((struct str){ w->p, w->n }, STR("UPDATE "));
}

static void resend(struct sip *s, struct ses *x, struct ses_arg *a)
{
	uint64_t id = x->id, tx;
	bool update = is_update(x->again);

	(void)a;
	if (update)
		enter(x, RE_UPDATE_OUT);
	x->re_cseq = ++x->d.local_cseq;
	x->re_tries++;
	derive_again(sip_text(s), (struct str){ x->again->p, x->again->n }, x->re_cseq, STR_NONE);
	tx = ses_send(s, x, update ? SIP_UPDATE : SIP_INVITE,
		      update ? TX_USER_UPDATE : TX_USER_REINVITE);
	if (!ses_get(s, id))
		return;
	x->re_tx = tx;
	if (!tx) {
		enter(x, RE_NONE);
		ses_news(s, x, SIP_EV_REFAILED, NULL)->fail = SIP_FAIL_LOCAL;
	}
}

/* Their offer came while ours waited: the owner has to think again. */
static void give_way(struct sip *s, struct ses *x, struct ses_arg *a);

/* --- our UPDATE --- */

static void send_update(struct sip *s, struct ses *x, struct ses_arg *a)
{
	uint64_t id = x->id, tx;

	x->re_cseq = ++x->d.local_cseq;
	x->re_tries = 0;
	ses_begin(s, x, SIP_UPDATE, x->re_cseq);
	ses_write_invite(s, x, a);
	tx = ses_send(s, x, SIP_UPDATE, TX_USER_UPDATE);
	if (!ses_get(s, id))
		return;
	x->re_tx = tx;
	if (!tx) {
		enter(x, RE_NONE);
		a->err = ERR_LIMIT;
	}
}

static void updated(struct sip *s, struct ses *x, struct ses_arg *a)
{
	dialog_retarget(&x->d, a->m);
	se_read_answer(x, a->m);
	se_start(x);
	(void)ses_news(s, x, SIP_EV_REFRESHED, a->m);	/* nothing to add */
}

/* A peer that lists UPDATE and does not take it: the owner's re-INVITE refreshes. */
static void not_updated(struct sip *s, struct ses *x, struct ses_arg *a)
{
	(void)s;
	se_too_short(x, a->m);
	x->peer_update = false;
	(void)ses_news(s, x, SIP_EV_REFRESH_DUE, NULL);	/* nothing to add */
}

/* --- the peer's --- */

static void offered(struct sip *s, struct ses *x, struct ses_arg *a)
{
	x->re_tx = a->t->id;
	x->re_cseq = a->m->cseq;
	dialog_retarget(&x->d, a->m);
	se_read_request(x, a->m);
	uas_simple(s, a->t, 100, STR_NONE);
	(void)ses_news(s, x, SIP_EV_REINVITE, a->m);	/* nothing to add */
}

static void offered_update(struct sip *s, struct ses *x, struct ses_arg *a)
{
	x->re_tx = a->t->id;
	x->re_cseq = a->m->cseq;
	if (x->state == SES_UP)
		se_read_request(x, a->m);
	ses_news(s, x, SIP_EV_REINVITE, a->m)->early = ses_early_known(x, a->m->from_tag);
}

/* What waited was the owner's offer, or a refresh of our own that comes again. */
static void told_to_wait(struct sip *s, struct ses *x)
{
	bool update = x->again && is_update(x->again);

	again(s, x);
	if (update)
		(void)ses_news(s, x, SIP_EV_REFRESH_DUE, NULL);	/* nothing to add */
	else
		ses_news(s, x, SIP_EV_REFAILED, NULL)->status = 491;
}

static void give_way(struct sip *s, struct ses *x, struct ses_arg *a)
{
	told_to_wait(s, x);
	offered(s, x, a);
}

static void give_way_update(struct sip *s, struct ses *x, struct ses_arg *a)
{
	told_to_wait(s, x);
	offered_update(s, x, a);
}

static void pending(struct sip *s, struct ses *x, struct ses_arg *a)
{
	(void)x;
	uas_simple(s, a->t, 491, STR_NONE);
}

/* 14.2: "with a Retry-After of a randomly chosen value between 0 and 10 seconds". */
void re_later(struct sip *s, struct tx *t)
{
	char line[40];
	struct buf b;

	buf_init(&b, line, sizeof line);
	buf_fmt(&b, "Retry-After: %u\r\n", rng_below(&s->loop->rng, 11));
	uas_simple(s, t, 500, buf_str(&b));
}

static void later(struct sip *s, struct ses *x, struct ses_arg *a)
{
	(void)x;
	re_later(s, a->t);
}

static void respond(struct sip *s, struct ses *x, struct ses_arg *a)
{
	struct tx *t = tx_get(s, x->re_tx);

	if (!t || !t->more.skel) {
		a->err = ERR_GONE;
		return;
	}
	if (a->status / 100 == 2)
		ses_begin_answer(s, x, t, a);
	else
		sip_write_xhdr(uas_begin(s, t, a->status, a->phrase), a->x, a->nx);
	a->err = uas_send(s, t, a->status, a->body);
}

static void accept(struct sip *s, struct ses *x, struct ses_arg *a)
{
	respond(s, x, a);
	ses_repeat(x);
}

static void accept_update(struct sip *s, struct ses *x, struct ses_arg *a)
{
	respond(s, x, a);
	se_start(x);
}

static void acked(struct sip *s, struct ses *x, struct ses_arg *a)
{
	timer_stop(&s->loop->timers, &x->resend);
	se_start(x);
	(void)ses_news(s, x, SIP_EV_REINVITE_ACK, a->m);	/* nothing to add */
}

static void withdrawn(struct sip *s, struct ses *x, struct ses_arg *a)
{
	struct tx *t = tx_get(s, x->re_tx);

	if (t && t->more.skel)
		uas_simple(s, t, 487, STR_NONE);
	(void)ses_news(s, x, SIP_EV_REWITHDRAWN, a->m);	/* nothing to add */
}

static void no_ack(struct sip *s, struct ses *x, struct ses_arg *a)
{
	(void)a;
	timer_stop(&s->loop->timers, &x->resend);
	ses_send_bye(s, x, &(struct ses_arg){ 0 });
	ses_news(s, x, SIP_EV_ENDED, NULL)->why = SIP_END_NO_ACK;
	x->state = SES_OVER;
	ses_free(s, x);
}

#define X(state, act) { RE_##state, true, act }
#define S(state) { RE_##state, true, NULL }
#define NO(state) { RE_##state, true, wrong }

/* Columns: owner: invite, ack, answer, refuse | 2xx, 2xx with the offer, 491, final, lost |
 * peer: INVITE, ACK, CANCEL | again, late | UPDATE: ours, the peer's with an offer */
#define ROW(o1, o2, o3, o4, r1, r2, r3, r4, r5, p1, p2, p3, t1, t2, u1, u2) { \
	[RE_DO_INVITE] = o1, [RE_DO_ACK] = o2, [RE_DO_ANSWER] = o3, [RE_DO_REFUSE] = o4, \
	[RE_GOT_2XX] = r1, [RE_GOT_2XX_OFFER] = r2, [RE_GOT_491] = r3, [RE_GOT_FINAL] = r4, \
	[RE_LOST] = r5, [RE_GOT_INVITE] = p1, [RE_GOT_ACK] = p2, [RE_GOT_CANCEL] = p3, \
	[RE_AGAIN] = t1, [RE_LATE] = t2, [RE_DO_UPDATE] = u1, [RE_GOT_UPDATE] = u2 }

static const struct cell table[RE_NSTATE][RE_NIN] = {
 [RE_NONE] = ROW(X(OUT, send), NO(NONE), NO(NONE), NO(NONE), S(NONE), S(NONE), S(NONE), S(NONE),
	S(NONE), X(IN, offered), S(NONE), S(NONE), S(NONE), S(NONE),
	X(UPDATE_OUT, send_update), X(UPDATE_IN, offered_update)),
 [RE_OUT] = ROW(NO(OUT), NO(OUT), NO(OUT), NO(OUT), X(NONE, reanswer), X(OUT_ACK, reanswer_offer),
	X(OUT_WAIT, wait_again), X(NONE, refailed), X(NONE, broken), X(OUT, pending), S(OUT), S(OUT),
	S(OUT), X(OUT, overdue), NO(OUT), X(OUT, pending)),
 [RE_OUT_CANCEL] = ROW(NO(OUT_CANCEL), NO(OUT_CANCEL), NO(OUT_CANCEL), NO(OUT_CANCEL),
	X(NONE, reanswer), X(OUT_ACK, reanswer_offer), X(NONE, refailed), X(NONE, refailed),
	X(NONE, broken), X(OUT_CANCEL, pending), S(OUT_CANCEL), S(OUT_CANCEL), S(OUT_CANCEL),
	X(NONE, unanswered), NO(OUT_CANCEL), X(OUT_CANCEL, pending)),
 [RE_OUT_ACK] = ROW(NO(OUT_ACK), X(NONE, send_ack), NO(OUT_ACK), NO(OUT_ACK), S(OUT_ACK),
	S(OUT_ACK), S(OUT_ACK), S(OUT_ACK), S(OUT_ACK), X(OUT_ACK, pending), S(OUT_ACK), S(OUT_ACK),
	S(OUT_ACK), S(OUT_ACK), NO(OUT_ACK), X(OUT_ACK, later)),
 [RE_OUT_WAIT] = ROW(NO(OUT_WAIT), NO(OUT_WAIT), NO(OUT_WAIT), NO(OUT_WAIT), S(OUT_WAIT),
	S(OUT_WAIT), S(OUT_WAIT), S(OUT_WAIT), S(OUT_WAIT), X(IN, give_way), S(OUT_WAIT), S(OUT_WAIT),
	X(OUT, resend), S(OUT_WAIT), NO(OUT_WAIT), X(UPDATE_IN, give_way_update)),
 [RE_IN] = ROW(NO(IN), NO(IN), X(IN_ACK, accept), X(NONE, respond), S(IN), S(IN), S(IN), S(IN),
	S(IN), X(IN, later), S(IN), X(NONE, withdrawn), S(IN), S(IN), NO(IN), X(IN, later)),
 [RE_IN_ACK] = ROW(NO(IN_ACK), NO(IN_ACK), NO(IN_ACK), NO(IN_ACK), S(IN_ACK), S(IN_ACK), S(IN_ACK),
	S(IN_ACK), S(IN_ACK), X(IN_ACK, later), X(NONE, acked), S(IN_ACK), S(IN_ACK),
	X(NONE, no_ack), NO(IN_ACK), X(IN_ACK, later)),
 [RE_UPDATE_OUT] = ROW(NO(UPDATE_OUT), NO(UPDATE_OUT), NO(UPDATE_OUT), NO(UPDATE_OUT),
	X(NONE, updated), X(NONE, updated), X(OUT_WAIT, wait_again), X(NONE, not_updated),
	X(NONE, broken), X(UPDATE_OUT, pending), S(UPDATE_OUT), S(UPDATE_OUT), S(UPDATE_OUT),
	S(UPDATE_OUT), NO(UPDATE_OUT), X(UPDATE_OUT, pending)),
 [RE_UPDATE_IN] = ROW(NO(UPDATE_IN), NO(UPDATE_IN), X(NONE, accept_update), X(NONE, respond),
	S(UPDATE_IN), S(UPDATE_IN), S(UPDATE_IN), S(UPDATE_IN), S(UPDATE_IN), X(UPDATE_IN, later),
	S(UPDATE_IN), S(UPDATE_IN), S(UPDATE_IN), S(UPDATE_IN), NO(UPDATE_IN), X(UPDATE_IN, later)),
};

bool re_decided(enum re_state st, enum re_in in)
{
	return table[st][in].decided;
}

bool re_can(const struct ses *x, enum re_in in)
{
	return table[x->re][in].act != wrong;
}

enum err re_step(struct sip *s, struct ses *x, enum re_in in, struct ses_arg *a)
{
	const struct cell *c = &table[x->re][in];

	a->err = OK;
	if (in == RE_GOT_491 && x->re == RE_OUT && x->re_tries >= TRIES_MAX)
		c = &table[x->re][RE_GOT_FINAL];
	if (c->next != x->re)
		enter(x, (enum re_state)c->next);
	if (c->act)
		c->act(s, x, a);	/* may free x */
	return a->err;
}

void re_close(struct sip *s, struct ses *x)
{
	struct tx *t = tx_get(s, x->re_tx);

	again(s, x);
	/* The dialog ended before the answer. */
	if ((x->re == RE_IN || x->re == RE_UPDATE_IN) && t && t->server && t->more.skel)
		uas_simple(s, t, x->re == RE_IN ? 487 : 481, STR_NONE);
	/* Who said 100 need not say more any more: it would be waited for without end. */
	if ((x->re == RE_OUT || x->re == RE_OUT_CANCEL) && t && t->m.state == TSX_PROCEEDING)
		tsx_listen(&t->m, &s->loop->timers);
	x->re = RE_NONE;
}

/* --- UPDATE, both ways --- */

void re_read_allow(struct ses *x, const struct sip_msg *m)
{
	if (sip_hdr(m, SIP_H_ALLOW).p)
		x->peer_update = sip_hdr_has(m, SIP_H_ALLOW, "UPDATE");
}

bool re_refresh(struct sip *s, struct ses *x)
{
	struct ses_arg a = { 0 };

	if (!x->opts || !x->opts->refresh_update || !x->peer_update || x->re != RE_NONE)
		return false;
	return re_step(s, x, RE_DO_UPDATE, &a) == OK;
}

/* Without an offer: target, session interval and Allow are news, and that is all. */
static void got_plain_update(struct sip *s, struct ses *x, struct tx *t, const struct sip_msg *m)
{
	struct ses_arg a = { .status = 200 };
	bool up = x->state == SES_UP;

	if (up)
		se_read_request(x, m);
	ses_begin_answer(s, x, t, &a);
	(void)uas_send(s, t, 200, NULL);	/* no room: the peer repeats */
	if (up)
		se_start(x);
}

/* RFC 3311 5.2: may an offer come now? 0: yes. */
static unsigned offer_refused(const struct ses *x, const struct sip_msg *m)
{
	switch ((enum ses_state)x->state) {
	case SES_UP:
		return 0;
	case SES_CALLING: case SES_PROCEEDING:
		return rel_settled(x, ses_early_known(x, m->from_tag)) ? 0 : 491;
	case SES_OFFERED: case SES_ANSWER_DUE:
		return rel_settled(x, -1) ? 0 : 500;
	case SES_ANSWERED: case SES_ACK_DUE:
		return 500;
	case SES_NEW: case SES_CANCEL_DUE: case SES_CANCELLED: case SES_BYE_DUE: case SES_OVER:
	case SES_NSTATE:
		break;
	}
	return 481;
}

void re_got_update(struct sip *s, struct ses *x, struct tx *t, const struct sip_msg *m)
{
	struct ses_arg a = { .m = m, .t = t };
	unsigned no = m->body.bytes.n ? offer_refused(x, m) : 0;

	re_read_allow(x, m);
	if (x->muted)
		no = 481;
	if (no == 500) {
		re_later(s, t);
		return;
	}
	if (no) {
		uas_simple(s, t, no, STR_NONE);
		return;
	}
	if (!x->uac || x->d.remote_tag[0])
		dialog_retarget(&x->d, m);
	if (m->body.bytes.n)
		(void)re_step(s, x, RE_GOT_UPDATE, &a);	/* no command */
	else
		got_plain_update(s, x, t, m);
}
