/*
 * Reliable provisional responses, RFC 3262: ours, one at a time until its PRACK
 * (3), and the peer's, which are acknowledged in order (4). Offer and answer may
 * stand in a reliable response and its PRACK (5).
 * Departure: a provisional that comes while another waits behind an unacknowledged
 * one takes its place; the caller wants to know how things are, not how they were.
 */
#include "sip/stack_int.h"

#include <string.h>

typedef void rel_act(struct sip *s, struct ses *x, struct ses_arg *a);

struct cell {
	uint8_t next;
	bool decided;
	rel_act *act;
};

static struct rel *rel_of(struct ses *x)
{
	if (!x->rel)
		x->rel = mem_new(sizeof *x->rel);
	return x->rel;
}

void rel_close(struct ses *x)
{
	struct rel *r = x->rel;

	if (!r)
		return;
	timer_stop(&x->s->loop->timers, &r->timer);
	mem_free(r->next);
	mem_free(r->answer);
	for (int i = 0; i < SIP_EARLY_MAX; i++)
		if (r->early[i].d) {
			dialog_close(r->early[i].d);
			mem_free(r->early[i].d);
		}
	mem_free(r);
	x->rel = NULL;
}

/* --- ours: what is sent reliably --- */

void rel_read_request(struct ses *x, const struct sip_msg *m)
{
	x->rel_asked = sip_hdr_has(m, SIP_H_REQUIRE, "100rel") ? REL_REQUIRED
		       : sip_hdr_has(m, SIP_H_SUPPORTED, "100rel") ? REL_SUPPORTED
								   : REL_UNKNOWN;
}

static bool has_body(const struct ses_arg *a)
{
	return a->body && a->body->bytes.n;
}

/* 5: the first one to an INVITE without an offer carries ours. */
static bool owes_offer(const struct ses *x)
{
	return x->delayed && !(x->rel && x->rel->sent_sdp);
}

bool rel_wanted(const struct ses *x, const struct ses_arg *a)
{
	if (x->uac || !x->opts || x->opts->prack == SIP_PRACK_OFF || a->fork || a->status == 100 ||
	    x->rel_asked == REL_UNKNOWN)
		return false;
	if (x->rel_asked == REL_REQUIRED || has_body(a))
		return true;
	return x->opts->prack == SIP_PRACK_ALL && !owes_offer(x);
}

bool rel_waits(const struct ses *x)
{
	const struct rel *r = x->rel;

	return r && (r->state == REL_SENT || r->state == REL_FULL);
}

/* 3: no 2xx while a response with a session description is not acknowledged. */
bool rel_holds_answer(const struct ses *x)
{
	return rel_waits(x) && (x->rel->sdp || (x->rel->state == REL_FULL && x->rel->next_sdp));
}

static void on_timer(void *arg)
{
	struct ses *x = arg;
	struct ses_arg a = { 0 };

	(void)rel_step(x->s, x, x->s->loop->now < x->rel->late_at ? REL_TICK : REL_LATE, &a);
}

static void arm(struct ses *x)
{
	struct rel *r = x->rel;
	ms_t now = x->s->loop->now, at = now + r->interval;

	timer_start(&x->s->loop->timers, &r->timer, (at < r->late_at ? at : r->late_at) - now,
		    on_timer, x);
}

/* s->text is the response: sent now, and again until its PRACK. */
static void out(struct sip *s, struct ses *x, unsigned status, bool sdp, struct ses_arg *a)
{
	struct tx *t = tx_get(s, x->invite);
	struct rel *r = x->rel;

	a->err = t ? uas_commit(s, t, status) : ERR_GONE;
	r->sdp = sdp;
	r->sent_sdp |= sdp;
	r->interval = s->times.t1;
	r->late_at = s->loop->now + 64 * (ms_t)s->times.t1;
	arm(x);
}

static void write_one(struct sip *s, struct ses *x, struct tx *t, const struct ses_arg *a)
{
	struct rel *r = x->rel;

	if (!r->rseq)
		r->rseq = 1 + rng_below(&s->loop->rng, 1u << 30);
	else
		r->rseq++;
	ses_begin_answer(s, x, t, a);
	buf_fmt(&s->text, "Require: 100rel\r\nRSeq: %u\r\n", r->rseq);
	sip_write_body(&s->text, a->body);
}

static void send(struct sip *s, struct ses *x, struct ses_arg *a)
{
	struct tx *t = tx_get(s, x->invite);

	if (!t || !t->more.skel) {
		a->err = ERR_GONE;
		return;
	}
	write_one(s, x, t, a);
	x->rel->unacked = x->rel->rseq;
	out(s, x, a->status, has_body(a), a);
}

static void queue(struct sip *s, struct ses *x, struct ses_arg *a)
{
	struct tx *t = tx_get(s, x->invite);
	struct rel *r = x->rel;

	if (!t || !t->more.skel) {
		a->err = ERR_GONE;
		return;
	}
	if (r->next && r->next_sdp && !has_body(a))
		return;		/* an answer is never displaced by a mere 180 */
	if (r->next)
		r->rseq--;
	write_one(s, x, t, a);
	if (!buf_ok(&s->text)) {
		a->err = ERR_LIMIT;
		return;
	}
	mem_free(r->next);
	r->next = wire_new(buf_str(&s->text));
	r->next_status = (uint16_t)a->status;
	r->next_sdp = has_body(a);
}

static void repeat(struct sip *s, struct ses *x, struct ses_arg *a)
{
	struct tx *t = tx_get(s, x->invite);

	(void)a;
	x->rel->interval *= 2;
	arm(x);
	if (t)
		uas_acts(s, t, tsx_step(&t->m, &s->loop->timers, TSX_SEND_1XX));
}

static void stop(struct sip *s, struct ses *x, struct ses_arg *a)
{
	(void)a;
	timer_stop(&s->loop->timers, &x->rel->timer);
}

/* --- ours: PRACK --- */

/* A PRACK with a body: the answer to the offer in our response, or a new offer (5). */
static void confirm(struct sip *s, struct ses *x, struct ses_arg *a)
{
	struct rel *r = x->rel;
	bool answer = r->sdp && x->delayed && !r->settled;
	struct sip_event *e;

	r->unacked = 0;
	r->settled |= r->sdp && (!x->delayed || answer) && (!answer || a->m->body.bytes.n);
	if (!a->m->body.bytes.n || answer || x->muted) {
		uas_simple(s, a->t, 200, STR_NONE);
		if (!a->m->body.bytes.n)
			return;
		(void)ses_news(s, x, SIP_EV_PRACK, a->m);	/* nothing to add */
		return;
	}
	a->t->user_kind = TX_USER_INDIALOG;
	e = ses_news(s, x, SIP_EV_PRACK, a->m);
	e->tsx = a->t->id;
}

static void acked(struct sip *s, struct ses *x, struct ses_arg *a)
{
	struct ses_arg more = { 0 };

	stop(s, x, a);
	confirm(s, x, a);
	(void)ses_step(s, x, SES_GOT_PRACK, &more);	/* the 200 that waited, if one did */
}

static void acked_next(struct sip *s, struct ses *x, struct ses_arg *a)
{
	struct rel *r = x->rel;
	struct ses_arg more = { 0 };

	confirm(s, x, a);
	buf_put(sip_text(s), (struct str){ r->next->p, r->next->n });
	mem_free(r->next);
	r->next = NULL;
	r->unacked = r->rseq;
	out(s, x, r->next_status, r->next_sdp, &more);
	if (!rel_holds_answer(x))
		(void)ses_step(s, x, SES_GOT_PRACK, &more);
}

/* 3: "If a PRACK request is received that does not match ... 481". */
static void refuse(struct sip *s, struct ses *x, struct ses_arg *a)
{
	(void)x;
	uas_simple(s, a->t, 481, STR_NONE);
}

/* The final answer was faster; the PRACK is right all the same. */
static void late(struct sip *s, struct ses *x, struct ses_arg *a)
{
	x->rel->unacked = 0;
	uas_simple(s, a->t, 200, STR_NONE);
}

static void lost(struct sip *s, struct ses *x, struct ses_arg *a)
{
	(void)ses_step(s, x, SES_NO_PRACK, a);		/* frees x */
}

#define X(state, act) { REL_##state, true, act }
#define S(state) { REL_##state, true, NULL }

/* Columns: ring, PRACK that matches, PRACK that does not | again, 64*T1, final answer */
#define ROW(a1, a2, a3, t1, t2, t3) { \
	[REL_RING] = a1, [REL_PRACK] = a2, [REL_STRAY] = a3, [REL_TICK] = t1, [REL_LATE] = t2, \
	[REL_FINAL] = t3 }

static const struct cell table[REL_NSTATE][REL_NIN] = {
 [REL_IDLE] = ROW(X(SENT, send), X(IDLE, refuse), X(IDLE, refuse), S(IDLE), S(IDLE), S(OVER)),
 [REL_SENT] = ROW(X(FULL, queue), X(IDLE, acked), X(SENT, refuse), X(SENT, repeat), X(OVER, lost),
	X(OVER, stop)),
 [REL_FULL] = ROW(X(FULL, queue), X(SENT, acked_next), X(FULL, refuse), X(FULL, repeat),
	X(OVER, lost), X(OVER, stop)),
 [REL_OVER] = ROW(S(OVER), X(OVER, late), X(OVER, refuse), S(OVER), S(OVER), S(OVER)),
};

bool rel_decided(enum rel_state st, enum rel_in in)
{
	return table[st][in].decided;
}

enum err rel_step(struct sip *s, struct ses *x, enum rel_in in, struct ses_arg *a)
{
	struct rel *r = rel_of(x);
	const struct cell *c = &table[r->state][in];

	a->err = OK;
	r->state = c->next;
	if (c->act)
		c->act(s, x, a);	/* may free x */
	return a->err;
}

/* RAck: response number, CSeq number, method (7.2). */
static bool matches(const struct ses *x, const struct sip_msg *m)
{
	struct str rseq, cseq, method, rest;
	uint32_t n[2];

	if (!x->rel || !x->rel->unacked || !str_cut(str_trim(sip_hdr(m, SIP_H_RACK)), ' ', &rseq, &rest))
		return false;
	if (!str_cut(str_trim(rest), ' ', &cseq, &method))
		return false;
	return str_u32(rseq, UINT32_MAX, &n[0]) == OK && str_u32(cseq, UINT32_MAX, &n[1]) == OK &&
	       n[0] == x->rel->unacked && n[1] == x->cseq && str_is(str_trim(method), "INVITE");
}

void rel_got_prack(struct sip *s, struct ses *x, struct tx *t, const struct sip_msg *m)
{
	struct ses_arg a = { .m = m, .t = t };

	(void)rel_step(s, x, matches(x, m) ? REL_PRACK : REL_STRAY, &a);	/* no command */
}

/* --- the peer's --- */

static uint32_t rseq_of(const struct sip_msg *m)
{
	uint32_t n;

	if (!sip_hdr_has(m, SIP_H_REQUIRE, "100rel") ||
	    str_u32(str_trim(sip_hdr(m, SIP_H_RSEQ)), UINT32_MAX, &n) != OK)
		return 0;
	return n;
}

static void send_prack(struct sip *s, struct ses *x, int i, const struct sip_body *body)
{
	struct rel *r = x->rel;
	struct sip_dest d;
	struct request_out o = { .method = SIP_PRACK, .user_kind = TX_USER_NONE, .user = x->id,
				 .dest = &d, .login = x->opts->login };

	dialog_write(r->early[i].d, sip_text(s), SIP_PRACK, ++x->d.local_cseq, SIP_MAX_FORWARDS);
	buf_fmt(&s->text, "RAck: %u %u INVITE\r\n", r->early[i].rseq, x->cseq);
	sid_write(&s->text, x);
	sip_write_agent(s, &s->text, x->opts);
	sip_write_body(&s->text, body);
	ses_dest_of(s, x, r->early[i].d, &d);
	(void)client_send(s, &o);	/* not sent: the response is repeated, in vain, and fails */
}

static void keep_dialog(struct rel *r, int i, const struct sip_msg *m)
{
	if (r->early[i].d)
		dialog_close(r->early[i].d);
	else
		r->early[i].d = mem_new(sizeof *r->early[i].d);
	dialog_init_2xx(r->early[i].d, m);
}

enum rel_got rel_provisional(struct sip *s, struct ses *x, int i, const struct sip_msg *m)
{
	uint32_t n = rseq_of(m);
	struct rel *r;

	if (!n || i < 0 || x->opts->prack == SIP_PRACK_OFF)
		return REL_PLAIN;
	r = rel_of(x);
	if (r->early[i].rseq && n != r->early[i].rseq + 1)
		return REL_AGAIN;	/* 4: not acknowledged, not processed */
	r->early[i].rseq = n;
	keep_dialog(r, i, m);
	if (m->body.bytes.n && x->delayed && !r->early[i].settled) {
		r->early[i].due = true;
		return REL_OFFER;	/* the owner's answer goes in the PRACK */
	}
	r->early[i].settled |= m->body.bytes.n > 0;
	send_prack(s, x, i, NULL);
	return REL_ACKED;
}

bool rel_settled(const struct ses *x, int i)
{
	if (!x->rel)
		return false;
	return x->uac ? i >= 0 && x->rel->early[i].settled : x->rel->settled;
}

enum err sip_prack(struct sip *s, uint64_t session, int early, const struct sip_body *b)
{
	struct ses *x = ses_get(s, session);

	if (!x)
		return ERR_GONE;
	if (early < 0 || early >= SIP_EARLY_MAX || !x->rel || !x->rel->early[early].due)
		return ERR_STATE;
	x->rel->early[early].due = false;
	x->rel->early[early].settled = b && b->bytes.n;
	send_prack(s, x, early, b);
	return OK;
}

bool sip_may_ring_reliably(struct sip *s, uint64_t session)
{
	const struct ses *x = ses_get(s, session);
	struct sip_body any = { STR_NONE, STR("x") };

	return x && rel_wanted(x, &(struct ses_arg){ .status = 183, .body = &any });
}

bool sip_ring_owes_offer(struct sip *s, uint64_t session)
{
	const struct ses *x = ses_get(s, session);

	return x && owes_offer(x) && rel_wanted(x, &(struct ses_arg){ .status = 180 });
}
