/*
 * What comes to sessions: new INVITEs, requests in dialogs (matched by Call-ID
 * and tags alone, RFC 3261 12.2.2, but only from the zone of the dialog),
 * CANCEL, and the answers to our own requests.
 */
#include "sip/stack_int.h"

#include <string.h>

#include "sip/derive.h"
#include "sip/guard.h"

/* --- finding --- */

static bool of_early(const struct ses *x, const struct sip_msg *m)
{
	if (!x->uac || x->d.remote_tag[0])
		return false;
	for (int i = 0; i < x->nearly; i++)
		if (str_is(m->from_tag, x->early[i].tag))
			return str_eq(m->call_id, x->d.call_id) && str_eq(m->to_tag, x->d.local_tag);
	return false;
}

static struct ses *find(struct sip *s, const struct sip_msg *m)
{
	uint64_t key = sip_key(s, m->call_id, m->to_tag, 0);

	for (struct hash_node *n = hash_first(&s->dialogs, key); n; n = hash_next(n)) {
		struct ses *x = HASH_ENTRY(n, struct ses, by_dialog);

		if (s->lsn[x->listener]->cfg.zone == s->lsn[m->listener]->cfg.zone &&
		    (dialog_is(&x->d, m) || of_early(x, m)))
			return x;
	}
	return NULL;
}

static void heard_from(struct ses *x, const struct sip_msg *m)
{
	sid_learn(x, m);
	x->peer = m->src;
	x->local = m->dst;
	x->flow = m->transport == SIP_UDP ? 0 : m->flow;
}

/* --- requests in the dialog --- */

static void got_ack(struct sip *s, struct ses *x, const struct sip_msg *m)
{
	struct ses_arg a = { .m = m };

	if (x->re == RE_IN_ACK && m->cseq == x->re_cseq)
		(void)re_step(s, x, RE_GOT_ACK, &a);	/* no command */
	else if (!x->uac && m->cseq == x->cseq)
		(void)ses_step(s, x, SES_GOT_ACK, &a);	/* no command */
}

/* 14.2, and 500 before the ACK: an offer in our 200 is still open. */
static void got_reinvite(struct sip *s, struct ses *x, struct tx *t, const struct sip_msg *m)
{
	struct ses_arg a = { .m = m, .t = t };

	if (x->state == SES_UP) {
		(void)re_step(s, x, RE_GOT_INVITE, &a);	/* no command */
		return;
	}
	re_later(s, t);
}

static bool may(const struct ses *x, enum sip_method m)
{
	const struct sip_opts *o = x->opts;

	if (m == SIP_PRACK)
		return o && o->prack;
	if (m == SIP_UPDATE)
		return o && o->update;
	return m == SIP_INFO ? o && o->info : m != SIP_SUBSCRIBE;
}

/* What this peer's Allow does not list. */
static void not_allowed(struct sip *s, struct ses *x, struct tx *t)
{
	char line[200];
	struct buf b;

	buf_init(&b, line, sizeof line);
	buf_lit(&b, "Allow: ");
	sip_write_methods(&b, x->opts);
	buf_lit(&b, "\r\n");
	uas_simple(s, t, 405, buf_str(&b));
}

static bool names_package(const struct sip_msg *m)
{
	for (int i = 0; i < m->nhdr; i++)
		if (m->hdr[i].id == SIP_H_OTHER && str_iis(m->hdr[i].name, "Info-Package"))
			return true;
	return false;
}

/* RFC 6086 4.2.2: no package was ever offered; 3: a body of no package is not understood. An
 * INFO with nothing in it only asks whether we are there (RFC 2976 2.2). */
static void got_info(struct sip *s, struct tx *t, const struct sip_msg *m)
{
	if (names_package(m))
		uas_simple(s, t, 469, STR("Recv-Info: \r\n"));
	else if (m->body.bytes.n)
		uas_simple(s, t, 415, STR("Accept: application/sdp\r\n"));
	else
		uas_simple(s, t, 200, STR_NONE);
}

static void got_other(struct sip *s, struct ses *x, struct tx *t, const struct sip_msg *m)
{
	struct sip_event *e = ses_news(s, x, SIP_EV_INDIALOG, m);

	t->user_kind = TX_USER_INDIALOG;
	e->tsx = t->id;
	if (x->muted)
		uas_simple(s, t, 481, STR_NONE);
}

static void in_dialog(struct sip *s, struct ses *x, struct ses_arg *a)
{
	enum sip_method m = a->m->method;

	if (!may(x, m))
		not_allowed(s, x, a->t);
	else if (m == SIP_BYE)
		(void)ses_step(s, x, SES_GOT_BYE, a);	/* no command */
	else if (m == SIP_INVITE)
		got_reinvite(s, x, a->t, a->m);
	else if (m == SIP_PRACK)
		rel_got_prack(s, x, a->t, a->m);
	else if (m == SIP_UPDATE)
		re_got_update(s, x, a->t, a->m);
	else if (m == SIP_INFO)
		got_info(s, a->t, a->m);
	else
		got_other(s, x, a->t, a->m);
}

bool ses_indialog(struct sip *s, const struct sip_msg *m, uint64_t key)
{
	struct ses *x = find(s, m);
	struct ses_arg a = { .m = m };

	if (!x)
		return m->method == SIP_ACK;	/* dropped: ours, but its session is over */
	sip_tap_in(s, x->owner, m);
	heard_from(x, m);
	if (m->method == SIP_ACK) {
		got_ack(s, x, m);
		return true;
	}
	a.t = uas_new(s, m, key, STR_NONE);
	if (!a.t)
		return true;
	a.t->user = x->id;
	a.t->user_kind = m->method == SIP_INVITE ? TX_USER_REINVITE : TX_USER_NONE;
	/* Each fork of ours counts for itself before the answer. */
	if (!(x->uac && !x->d.remote_tag[0]) && dialog_sequence(&x->d, m) != OK) {
		uas_simple(s, a.t, 500, STR_NONE);
		return true;
	}
	in_dialog(s, x, &a);
	return true;
}

/* --- a new call --- */

void ses_invite(struct sip *s, const struct sip_msg *m, uint64_t key)
{
	char tag[17];
	struct ses *x = ses_new(s, false);
	struct tx *t;

	sip_tap_in(s, 0, m);
	if (!x) {
		uas_refuse(s, m, &(struct server_answer){ .status = 503,
			      .extra = STR("Retry-After: 10\r\n") });
		return;
	}
	rng_hex(&s->loop->rng, tag, 8);
	dialog_init_uas(&x->d, m, str_of(tag));
	t = uas_new(s, m, key, str_of(tag));
	if (!t) {
		ses_free(s, x);
		return;
	}
	t->user = x->id;
	t->user_kind = TX_USER_INVITE;
	x->invite = t->id;
	x->cseq = m->cseq;
	x->listener = (uint16_t)m->listener;
	x->transport = (uint8_t)m->transport;
	x->delayed = m->body.bytes.n == 0;
	heard_from(x, m);
	se_read_request(x, m);
	rel_read_request(x, m);
	re_read_allow(x, m);
	sid_begin(x, STR_NONE, m);
	ses_link(s, x);
	if (!s->cfg.no_auto_trying)
		uas_simple(s, t, 100, STR_NONE);
	(void)ses_news(s, x, SIP_EV_INVITE, m);	/* nothing to add */
}

void ses_cancel(struct sip *s, const struct tx *invite, const struct sip_msg *m)
{
	struct ses *x = ses_get(s, invite->user);
	struct ses_arg a = { .m = m };

	sip_tap_in(s, x ? x->owner : 0, m);
	if (!x)
		return;
	if (invite->user_kind == TX_USER_INVITE)
		(void)ses_step(s, x, SES_GOT_CANCEL, &a);	/* no command */
	else if (invite->user_kind == TX_USER_REINVITE && x->re_tx == invite->id)
		(void)re_step(s, x, RE_GOT_CANCEL, &a);		/* no command */
}

/* --- answers to what we sent --- */

/* Is `last`, our ACK, for the fork with this tag? */
static bool acked_tag(const struct tx *t, struct str tag)
{
	struct str to;

	if (!t->acked || !t->last)
		return false;
	to = derive_header((struct str){ t->last->p, t->last->n }, "To: ");
	return to.n > tag.n + 5 && str_ends(to, tag) &&
	       str_eq(str_sub(to, to.n - tag.n - 5, 5), STR(";tag="));
}

/* A 200 to our INVITE when one was taken already, or when the session is gone. */
static void another_200(struct sip *s, struct ses *x, struct tx *t, const struct sip_msg *m)
{
	int i;

	if (acked_tag(t, m->to_tag)) {
		s->n.retransmitted++;
		if (!tx_resend(s, t))
			ses_stray(s, t, m, STR_NONE, false);
		return;
	}
	if (x && str_is(m->to_tag, x->d.remote_tag)) {
		if (x->state == SES_UP)
			ses_send_ack(s, x, t->id, m->cseq, NULL);
		return;		/* the owner's ACK is due, or waits for DNS */
	}
	if (!x) {
		ses_stray(s, t, m, STR_NONE, t->user_kind == TX_USER_INVITE);
		return;
	}
	i = ses_early(x, m->to_tag);
	ses_stray(s, t, m, str_of(x->extra), i < 0 || !x->early[i].extra);
	if (i >= 0 && x->early[i].extra)
		return;
	if (i >= 0)
		x->early[i].extra = true;
	ses_news(s, x, SIP_EV_EXTRA_ANSWER, m)->early = i;
}

/* RFC 4028 7.4: once more with what the peer can bear. */
static bool larger_interval(struct sip *s, struct ses *x, const struct sip_msg *m)
{
	char line[80];
	struct sip_dest dest;
	struct buf se;
	uint32_t min;
	uint64_t id = x->id, tx;

	if (m->status != 422 || !x->opts->session_timer || x->se.min || !s->failed.n ||
	    str_u32(str_trim(sip_hdr(m, SIP_H_MIN_SE)), 86400, &min) != OK)
		return false;
	x->se.min = min;
	x->cseq = ++x->d.local_cseq;
	buf_init(&se, line, sizeof line);
	buf_fmt(&se, "Session-Expires: %u\r\nMin-SE: %u\r\n",
		min > x->opts->session_expires_s ? min : x->opts->session_expires_s, min);
	derive_again(sip_text(s), s->failed, x->cseq, buf_str(&se));
	dest_kept(x->dest, &dest);
	tx = client_send(s, &(struct request_out){ .method = SIP_INVITE, .user = id,
			 .user_kind = TX_USER_INVITE, .dest = &dest, .login = x->opts->login });
	x = ses_get(s, id);
	if (x && tx)
		x->invite = tx;
	return tx != 0;
}

/* RFC 3261 22.2: once more with credentials, as a new request in the same dialog. */
static bool with_credentials(struct sip *s, struct ses *x, struct tx *t, const struct sip_msg *m,
			     uint32_t *cseq, uint64_t *tx)
{
	uint64_t id = x->id, again;

	if (!s->failed.n || !client_challenged(s, t, m))
		return false;
	*cseq = ++x->d.local_cseq;
	derive_again(sip_text(s), s->failed, *cseq, STR_NONE);
	again = client_again(s, t);
	if (ses_get(s, id) && again)
		*tx = again;
	return again != 0;
}

/* Nothing was heard of the new INVITE yet: no CANCEL before its own provisional (RFC 3261 9.1). */
static bool invited_again(struct sip *s, struct ses *x, struct tx *t, const struct sip_msg *m)
{
	uint64_t id = x->id;
	struct ses_arg a = { .m = m };

	if (!ses_may_repeat(x) ||
	    (!larger_interval(s, x, m) && !with_credentials(s, x, t, m, &x->cseq, &x->invite)))
		return false;
	x = ses_get(s, id);
	if (x)
		(void)ses_step(s, x, SES_AGAIN, &a);	/* no command */
	return true;
}

static void to_invite(struct sip *s, struct tx *t, const struct sip_msg *m)
{
	struct ses *x = ses_get(s, t->user);
	struct ses_arg a = { .m = m, .t = t };
	enum ses_in in = SES_GOT_FINAL;

	if (m->status / 100 == 2 && (!x || x->state == SES_UP || x->state == SES_ACK_DUE)) {
		another_200(s, x, t, m);
		return;
	}
	if (!x || x->invite != t->id)
		return;
	heard_from(x, m);
	if (m->status / 100 == 1)
		in = SES_GOT_1XX;
	else if (m->status / 100 == 2)
		in = x->delayed && !rel_settled(x, ses_early(x, m->to_tag)) ? SES_GOT_2XX_OFFER
									  : SES_GOT_2XX;
	else if (invited_again(s, x, t, m))
		return;
	(void)ses_step(s, x, in, &a);	/* no command */
}

static void to_reinvite(struct sip *s, struct tx *t, const struct sip_msg *m)
{
	struct ses *x = ses_get(s, t->user);
	struct ses_arg a = { .m = m, .t = t };
	enum re_in in = RE_GOT_FINAL;

	if (m->status / 100 == 1)
		return;
	if (m->status / 100 == 2 && (!x || x->re_tx != t->id || (x->re != RE_OUT && x->re != RE_OUT_CANCEL))) {
		if (x && x->re == RE_OUT_ACK && x->re_tx == t->id)
			return;		/* the owner's ACK is due */
		another_200(s, NULL, t, m);
		return;
	}
	if (!x || x->re_tx != t->id)
		return;
	heard_from(x, m);
	if (x->re == RE_OUT && with_credentials(s, x, t, m, &x->re_cseq, &x->re_tx))
		return;
	if (m->status / 100 == 2)
		in = x->re_delayed ? RE_GOT_2XX_OFFER : RE_GOT_2XX;
	else if (m->status == 491 || (m->status == 500 && sip_hdr(m, SIP_H_RETRY_AFTER).p))
		in = RE_GOT_491;
	else if (m->status == 408 || m->status == 481)
		in = RE_LOST;
	(void)re_step(s, x, in, &a);	/* no command */
}

static void to_update(struct sip *s, struct tx *t, const struct sip_msg *m)
{
	struct ses *x = ses_get(s, t->user);
	struct ses_arg a = { .m = m, .t = t };
	enum re_in in = RE_GOT_FINAL;

	if (m->status / 100 == 1 || !x || x->re_tx != t->id)
		return;
	heard_from(x, m);
	if (x->re == RE_UPDATE_OUT && with_credentials(s, x, t, m, &x->re_cseq, &x->re_tx))
		return;
	if (m->status / 100 == 2)
		in = RE_GOT_2XX;
	else if (m->status == 491)
		in = RE_GOT_491;
	else if (m->status == 408 || m->status == 481)
		in = RE_LOST;
	(void)re_step(s, x, in, &a);	/* no command */
}

void ses_answer_of(struct sip *s, struct tx *t, const struct sip_msg *m)
{
	switch ((enum tx_user)t->user_kind) {
	case TX_USER_INVITE:
		to_invite(s, t, m);
		break;
	case TX_USER_REINVITE:
		to_reinvite(s, t, m);
		break;
	case TX_USER_UPDATE:
		to_update(s, t, m);
		break;
	case TX_USER_NONE:
	case TX_USER_PLAIN:
	case TX_USER_INDIALOG:
	case TX_USER_SUBSCRIBE:
	case TX_USER_NOTIFY:
		break;
	}
}

void ses_lost(struct sip *s, struct tx *t, enum sip_fail why)
{
	struct ses *x = ses_get(s, t->user);
	struct ses_arg a = { .t = t, .fail = why };

	if (!x)
		return;
	if (t->user_kind == TX_USER_INVITE)
		(void)ses_step(s, x, SES_LOST, &a);	/* no command */
	else		/* a connection lost is no lost dialog; a peer silent for 64*T1 is */
		(void)re_step(s, x, why == SIP_FAIL_TIMEOUT ? RE_LOST : RE_GOT_FINAL, &a);
}
