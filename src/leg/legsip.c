#include "leg/leg_int.h"

#include <string.h>

/* What the SIP session tells a leg. */

static struct str kept(struct leg *g, struct str s)
{
	return str_dup(&g->ls->turn, s);
}

static struct str number(struct leg *g, uint64_t v)
{
	char text[24];
	struct buf b;

	buf_init(&b, text, sizeof text);
	buf_u64(&b, v);
	return kept(g, buf_str(&b));
}

/* We had sent no offer: the peer's is answered, in the ACK or the PRACK. false: not possible. */
static bool answer_offer(struct leg *g, const struct sip_event *ev, struct reason *why)
{
	struct sdp_codecs both;
	struct sdp_codec c;

	if (leg_read_offer(g, &ev->body, why) || leg_agree(g, &g->offer->r, &c, why))
		return false;
	/* said.side: what may be used on this call, though nothing was said yet. */
	sdp_common(&g->said.side.codecs, &g->offer->r.side.codecs, &both);
	both.n = 1;
	*why = REASON(INTERNAL, STR("an SDP does not fit"));
	return leg_write_answer(g, &both, hold_answer(&g->offer->r, false, leg_style(g))) == OK;
}

static void serve_early(struct leg *g, int i, const struct sdp_remote *r)
{
	leg_set_remote(g, i, r);
	leg_tell_media(g, i);
	if (g->serve < 0 || g->serve == i)
		leg_serve(g, i, false);
}

/* What it said cannot be used: it is told by CANCEL, or BYE after the answer. */
static void unusable(struct leg *g, const struct reason *why)
{
	struct leg_event out = { .kind = LEG_EV_FAILED, .status = 488, .reason = *why };

	if (sip_cancel(g->ls->cfg.sip, g->session, NULL, 0))
		(void)sip_bye(g->ls->cfg.sip, g->session, NULL, 0);
	leg_push(g, &out);
	leg_finish(g);
}

/* RFC 3262 5: the peer's offer in a reliable 18x, our answer in its PRACK. */
static void early_offer(struct leg *g, const struct sip_event *ev)
{
	struct reason why;
	bool ok = answer_offer(g, ev, &why);
	struct sip_body b = leg_body(g);

	(void)sip_prack(g->ls->cfg.sip, g->session, ev->early, ok ? &b : NULL);
	if (!ok) {
		unusable(g, &why);
		return;
	}
	g->settled |= 1u << ev->early;
	serve_early(g, ev->early, &g->offer->r);
}

/* An early dialog's SDP: its own record, its own keys. The first one is served until
 * another one speaks. What was said reliably is not said anew by a later one. */
static void early_sdp(struct leg *g, const struct sip_event *ev)
{
	struct sdp_remote r;
	struct sdp_codec c;
	struct reason why;

	if (ev->early < 0 || !ev->body.bytes.n || g->settled >> ev->early & 1)
		return;
	if (ev->prack_due) {
		early_offer(g, ev);
		return;
	}
	/* What cannot be used is passed over: the 200 decides. */
	if (g->peer->delayed_offer || leg_read_answer(g, ev->body.bytes, &r, &why) ||
	    leg_agree(g, &r, &c, &why))
		return;
	serve_early(g, ev->early, &r);
	if (ev->reliable)
		g->settled |= 1u << ev->early;
}

static void on_provisional(struct leg *g, const struct sip_event *ev)
{
	struct leg_event out = { .kind = LEG_EV_RINGING, .status = ev->status, .peer = ev->peer,
				 .msg = ev->msg };

	if (g->state != LEG_OUT)
		return;
	early_sdp(g, ev);
	if (g->state != LEG_OUT)
		return;		/* it could not be used */
	if (ev->status < 180)
		out.kind = LEG_EV_TRYING;
	leg_push(g, &out);
}

static void on_trying(struct leg *g, const struct sip_event *ev)
{
	struct leg_event out = { .kind = LEG_EV_TRYING, .peer = ev->peer };

	leg_push(g, &out);
}

static bool answer_in_ack(struct leg *g, const struct sip_event *ev, struct reason *why)
{
	bool ok = answer_offer(g, ev, why);
	struct sip_body b = leg_body(g);

	(void)sip_ack(g->ls->cfg.sip, g->session, ok ? &b : NULL);
	return ok;
}

static bool answered_sdp(struct leg *g, const struct sip_event *ev, int i, struct reason *why)
{
	bool settled = g->settled >> i & 1;	/* in a reliable 18x and its PRACK */
	struct sdp_remote r;
	struct sdp_codec c;

	if (g->peer->delayed_offer && !settled) {
		if (!answer_in_ack(g, ev, why))
			return false;
		r = g->offer->r;
	} else if (ev->body.bytes.n && !settled) {
		if (leg_read_answer(g, ev->body.bytes, &r, why) || leg_agree(g, &r, &c, why))
			return false;
	} else if (g->remote[i]) {
		r = *g->remote[i];	/* its 183 had the answer */
	} else {
		*why = REASON(BAD_SDP, str_of(g->name), STR("the 200 has none"));
		return false;
	}
	leg_set_remote(g, i, &r);
	return true;
}

static void on_answer(struct leg *g, const struct sip_event *ev)
{
	struct leg_event out = { .kind = LEG_EV_ANSWERED, .status = 200, .peer = ev->peer,
				 .msg = ev->msg };
	int i = ev->early < 0 ? 0 : ev->early;
	struct reason why;

	if (g->state != LEG_OUT)
		return;
	if (!answered_sdp(g, ev, i, &why)) {
		unusable(g, &why);
		return;
	}
	g->state = LEG_UP;
	g->out = NULL;
	arena_close(&g->arena);
	g->it_holds = hold_said(g->remote[i]);
	leg_tell_media(g, i);
	leg_serve(g, i, true);
	leg_push(g, &out);
}

static struct reason transport_reason(struct leg *g, const struct sip_event *ev)
{
	struct str who = kept(g, str_of(g->name));
	struct sip_fail_text text;
	struct reason why = sip_fail_reason(ev, who, &text);

	for (int i = 1; i < 4; i++)
		why.arg[i] = kept(g, why.arg[i]);
	if (why.code != REASON_NONE)
		return why;
	if (ev->fail == SIP_FAIL_TIMEOUT)
		return REASON(TRUNK_INVITE_TIMEOUT, who,
			      number(g, g->out->inv.first_response ? g->out->inv.first_response : 32000));
	return REASON(INTERNAL, STR("a request could not be sent"));
}

static struct reason final_reason(struct leg *g, const struct sip_event *ev)
{
	struct str who = kept(g, str_of(g->name));

	if (ev->status == 486 || ev->status == 600)
		return REASON(BUSY, who);
	if (ev->status == 603)
		return REASON(DECLINED, who);
	if (ev->auth != SIP_AUTH_NONE)
		return sip_auth_reason(ev, who);
	return REASON(REMOTE_FINAL, who, number(g, ev->status),
		      ev->msg ? kept(g, ev->msg->phrase) : str_of(sip_phrase(ev->status)));
}

static void on_failed(struct leg *g, const struct sip_event *ev)
{
	struct leg_event out = { .kind = LEG_EV_FAILED, .status = ev->status, .fail = ev->fail,
				 .retry_after_s = ev->retry_after_s, .peer = ev->peer,
				 .msg = ev->msg };

	if (g->state != LEG_OUT)
		return;
	if (ev->fail != SIP_FAIL_NONE || ev->status == 503) {
		out.kind = LEG_EV_ATTEMPT_FAILED;
		out.reason = ev->fail != SIP_FAIL_NONE ? transport_reason(g, ev)
			: REASON(TRUNK_503, kept(g, str_of(g->name)), number(g, ev->retry_after_s));
		g->session = 0;
		leg_push(g, &out);
		return;
	}
	out.reason = final_reason(g, ev);
	leg_push(g, &out);
	leg_finish(g);
}

/* The answer to the offer that our 200, or our reliable 183, had. */
static enum err answer_of_ack(struct leg *g, const struct sip_event *ev, struct reason *why)
{
	struct sdp_remote r;
	struct sdp_codec c;

	*why = REASON(BAD_SDP, str_of(g->name), STR("there is no answer to our offer"));
	if (!ev->body.bytes.n || leg_read_answer(g, ev->body.bytes, &r, why) ||
	    leg_agree(g, &r, &c, why))
		return ERR_PARSE;
	leg_set_remote(g, 0, &r);
	g->delayed = false;
	leg_tell_media(g, 0);
	leg_serve(g, 0, true);
	leg_learn_hold(g, hold_answered(false, g->said.dir, &r));
	leg_apply_direction(g);
	return OK;
}

static void on_ack(struct leg *g, const struct sip_event *ev)
{
	struct leg_event out = { .kind = LEG_EV_CONFIRMED };
	struct reason why;

	if (g->state != LEG_IN_ANSWERED)
		return;
	g->state = LEG_UP;
	if (g->delayed && answer_of_ack(g, ev, &why)) {
		(void)sip_bye(g->ls->cfg.sip, g->session, NULL, 0);
		leg_lost(g, &why);
		return;
	}
	leg_push(g, &out);
}

/* The caller's PRACK: a new offer, or the answer to the offer in our 183. */
static void on_prack(struct leg *g, const struct sip_event *ev)
{
	struct reason why;
	struct sip_body b;
	bool ok;

	if (ev->tsx) {
		ok = leg_answer_early(g, ev) == OK;
		b = leg_body(g);
		(void)sip_respond(g->ls->cfg.sip, ev->tsx, ok ? 200 : 488, NULL, ok ? &b : NULL, NULL, 0);
		return;
	}
	if (g->delayed && answer_of_ack(g, ev, &why)) {
		if (sip_reject(g->ls->cfg.sip, g->session, 488, NULL, NULL, 0))	/* its 200 waited for this PRACK */
			(void)sip_bye(g->ls->cfg.sip, g->session, NULL, 0);
		leg_lost(g, &why);
	} else if (g->state == LEG_IN) {	/* it need not send before it is answered */
		media_direction(g->ls->cfg.media, g->end, true, false);
	}
}

static void ended_by_peer(struct leg *g, const struct sip_event *ev, enum leg_ev_kind kind)
{
	struct leg_event out = { .kind = kind, .msg = ev->msg };

	if (ev->msg)
		out.text = kept(g, sip_hdr(ev->msg, SIP_H_REASON));
	leg_push(g, &out);
	leg_finish(g);
}

static void on_ended(struct leg *g, const struct sip_event *ev)
{
	struct str who = str_of(g->name);

	switch (ev->why) {
	case SIP_END_NO_ACK: leg_lost(g, &REASON(NO_ACK, who)); break;
	case SIP_END_NO_PRACK: leg_lost(g, &REASON(NO_PRACK, who)); break;
	case SIP_END_SESSION_EXPIRED:
		leg_lost(g, &REASON(SESSION_EXPIRED, who, STR("the time agreed")));
		break;
	case SIP_END_TRANSPORT: case SIP_END_NONE:
		leg_lost(g, &REASON(TRANSPORT_LOST, who));
		break;
	}
}

/* What Allow does not list is refused; a NOTIFY is taken, as Direct Routing wants it in Allow. */
static void on_indialog(struct leg *g, const struct sip_event *ev)
{
	struct leg_event out = { .kind = LEG_EV_REFUSED_REQUEST };
	enum sip_method m = ev->msg->method;
	unsigned status = m == SIP_REFER ? 603 : m == SIP_NOTIFY || m == SIP_OPTIONS ? 200 : 405;

	(void)sip_respond(g->ls->cfg.sip, ev->tsx, status, NULL, NULL, NULL, 0);
	if (m != SIP_REFER)
		return;
	out.reason = REASON(REFER_UNSUPPORTED, str_of(g->name));
	leg_push(g, &out);
}

void legs_on_sip(struct legs *ls, const struct sip_event *ev)
{
	struct leg *g = leg_of(ls, ev->owner);

	if (!g || g->state == LEG_ENDING || g->session != ev->session)
		return;
	switch (ev->kind) {
	case SIP_EV_PROVISIONAL: on_provisional(g, ev); break;
	case SIP_EV_TRYING: on_trying(g, ev); break;
	case SIP_EV_ANSWER: on_answer(g, ev); break;
	case SIP_EV_FAILED: on_failed(g, ev); break;
	case SIP_EV_ACK: on_ack(g, ev); break;
	case SIP_EV_PRACK: on_prack(g, ev); break;
	case SIP_EV_CANCELLED: ended_by_peer(g, ev, LEG_EV_CANCELLED); break;
	case SIP_EV_BYE: ended_by_peer(g, ev, LEG_EV_HUNG_UP); break;
	case SIP_EV_ENDED: on_ended(g, ev); break;
	case SIP_EV_REINVITE: leg_on_reinvite(g, ev); break;
	case SIP_EV_REINVITE_ACK: leg_on_reack(g, ev); break;
	case SIP_EV_REWITHDRAWN: leg_on_withdrawn(g); break;
	case SIP_EV_REANSWER: leg_on_reanswer(g, ev); break;
	case SIP_EV_REFAILED: leg_on_refailed(g, ev); break;
	case SIP_EV_REFRESH_DUE: leg_on_refresh(g); break;
	case SIP_EV_REFRESHED: leg_on_refreshed(g); break;
	case SIP_EV_INDIALOG: on_indialog(g, ev); break;
	case SIP_EV_INVITE: case SIP_EV_EXTRA_ANSWER: case SIP_EV_REQUEST: case SIP_EV_RESPONSE:
	case SIP_EV_FLOW:
	case SIP_EV_SUBSCRIBE: case SIP_EV_SUB_REFRESHED: case SIP_EV_NOTIFY: case SIP_EV_SUB_ENDED:
		break;
	}
	leg_tidy(g);
}
