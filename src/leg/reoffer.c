#include "leg/leg_int.h"

#include <string.h>

/* Offers in the dialog, from either side. */

static void done(struct leg *g, unsigned status)
{
	struct leg_event out = { .kind = LEG_EV_OFFER_DONE, .status = status };

	leg_push(g, &out);
}

const struct sip_xhdr leg_accept = { STR_INIT("Accept"), STR_INIT("application/sdp") };

/* --- the peer's ------------------------------------------------------------------ */

static void refuse(struct leg *g, unsigned status, const struct reason *why)
{
	struct leg_event out = { .kind = LEG_EV_REFUSED_REQUEST };

	g->have_offer = false;
	(void)sip_reinvite_answer(g->ls->cfg.sip, g->session, status, NULL, &leg_accept,
				  status == 415);
	if (why) {
		out.reason = *why;
		leg_push(g, &out);
	}
	done(g, 0);
}

void leg_learn_hold(struct leg *g, bool holds)
{
	struct leg_event out = { .kind = holds ? LEG_EV_HELD : LEG_EV_RESUMED };

	if (holds == g->it_holds)
		return;
	g->it_holds = holds;
	leg_push(g, &out);
}

/* Takes the peer's side as read: address, keys, payload types. A hold by 0.0.0.0 keeps the
 * address we have, so that RTCP and the resume find the way. */
static void take_remote(struct leg *g, const struct sdp_remote *r)
{
	struct sdp_remote *m = g->remote[g->serve];
	struct addr rtp = m->rtp, rtcp = m->rtcp;

	*m = *r;
	if (r->zero) {
		m->rtp = rtp;
		m->rtcp = rtcp;
	}
	leg_tell_media(g, g->serve);
}

static bool same_side(const struct sdp_side *a, const struct sdp_side *b)
{
	if (a->codecs.n != b->codecs.n || a->map.events != b->map.events ||
	    a->map.noise != b->map.noise)
		return false;
	for (int i = 0; i < a->codecs.n; i++)
		if (sdp_codec_find(&b->codecs, &a->codecs.c[i]) != i || a->map.pt[i] != b->map.pt[i])
			return false;
	return true;
}

static bool same_key(const struct sdp_crypto *a, const struct sdp_crypto *b)
{
	return a->suite == b->suite && a->mki_n == b->mki_n && memcmp(a->key, b->key, a->key_n) == 0;
}

/* A refresh is answered here and crosses nothing. The o= version alone is not believed: some
 * hold without raising it, and some raise it for nothing. */
static bool is_refresh(const struct leg *g, const struct sdp_remote *r)
{
	const struct sdp_remote *was = g->serve < 0 ? NULL : g->remote[g->serve];

	return was && r->line == g->said.line && addr_eq(&r->rtp, &was->rtp) &&
	       addr_eq(&r->rtcp, &was->rtcp) && r->mux == was->mux && r->zero == was->zero &&
	       r->dir == was->dir && r->proto == was->proto && same_key(&r->crypto, &was->crypto) &&
	       same_side(&r->side, &was->side);
}

/* The 200 with what g->said is now; what went before comes back when it cannot be sent (the
 * peer took its INVITE back). */
static enum err answer_now(struct leg *g)
{
	struct sip_body b = leg_body(g);
	enum err e = sip_reinvite_answer(g->ls->cfg.sip, g->session, 200, &b, NULL, 0);

	g->have_offer = false;
	if (e)
		leg_settle_said(g, false);
	return e;
}

/* `other` NULL: a refresh; all stays as it was agreed, and a direction that is no news is no
 * hold: who is held may say "inactive" for ever. */
static enum err answer_offer(struct leg *g, const struct leg *other)
{
	const struct sdp_codec codec = other ? other->codec : g->codec;
	struct sdp_codecs one = leg_one_codec(g, &codec, &g->offer->r.side, other);
	char text[128];
	struct buf b;
	enum err e;

	if (sdp_codec_find(&g->offer->r.side.codecs, &codec) < 0) {
		buf_init(&b, text, sizeof text);
		sdp_codecs_text(&b, &g->offer->r.side.codecs);
		refuse(g, 488, &REASON(NO_COMMON_CODEC, str_of(g->name), buf_str(&b)));
		return ERR_DENIED;
	}
	leg_keep_said(g);
	e = leg_write_answer(g, &one, hold_answer(&g->offer->r, g->we_hold, leg_style(g)));
	if (e) {
		leg_settle_said(g, false);
		refuse(g, 500, NULL);
		return e;
	}
	e = answer_now(g);
	if (e)
		return e;
	leg_settle_said(g, true);
	g->codec = codec;
	take_remote(g, &g->offer->r);
	if (other)
		leg_learn_hold(g, hold_said(&g->offer->r));
	leg_apply_direction(g);
	if (g->updating)
		done(g, 0);
	return OK;
}

/* It asks for our offer (RFC 3261 14.2); its answer comes in the ACK. */
static enum err offer_when_asked(struct leg *g, const struct leg *other)
{
	struct sdp_codecs one = leg_one_codec(g, other ? &other->codec : &g->codec, NULL, other);
	enum err e;

	leg_keep_said(g);
	e = leg_write_offer(g, &one, hold_asked(g->we_hold, leg_style(g)));
	if (e) {
		leg_settle_said(g, false);
		refuse(g, 500, NULL);
		return e;
	}
	e = answer_now(g);
	g->offer_open = !e;
	return e;
}

enum err leg_answer_early(struct leg *g, const struct sip_event *ev)
{
	int i = ev->early < 0 ? 0 : ev->early;
	struct sdp_codecs one;
	struct reason why;
	enum err e = leg_read_offer(g, &ev->body, &why);

	if (e)
		return e;
	if (!g->codec.name[0] || sdp_codec_find(&g->offer->r.side.codecs, &g->codec) < 0)
		return ERR_DENIED;
	one = leg_one_codec(g, &g->codec, &g->offer->r.side, NULL);
	leg_keep_said(g);
	e = leg_write_answer(g, &one, hold_answer(&g->offer->r, g->we_hold, leg_style(g)));
	leg_settle_said(g, e == OK);
	if (e)
		return e;
	leg_set_remote(g, i, &g->offer->r);
	if (g->state == LEG_IN)		/* the called side's is known by its answer */
		g->it_holds = hold_said(&g->offer->r);
	leg_tell_media(g, i);
	return OK;
}

/* UPDATE before the answer: nothing of the other side is concerned. */
static void on_early_update(struct leg *g, const struct sip_event *ev)
{
	bool ok = leg_answer_early(g, ev) == OK;
	struct sip_body b = leg_body(g);

	(void)sip_reinvite_answer(g->ls->cfg.sip, g->session, ok ? 200 : 488, ok ? &b : NULL, NULL, 0);
}

void leg_on_reinvite(struct leg *g, const struct sip_event *ev)
{
	struct leg_event out = { .kind = LEG_EV_OFFERED };
	struct reason why;
	enum err e;

	if (g->state == LEG_IN || g->state == LEG_OUT) {
		on_early_update(g, ev);
		return;
	}
	g->updating = ev->msg->method == SIP_UPDATE;
	g->have_offer = true;
	g->asked = !ev->body.bytes.n;
	e = g->asked ? OK : leg_read_offer(g, &ev->body, &why);
	if (e)
		refuse(g, e == ERR_RANGE ? 415 : 488, &why);
	else if (!g->asked && is_refresh(g, &g->offer->r))
		(void)answer_offer(g, NULL);	/* its 488 or 500 is the answer then */
	else
		leg_push(g, &out);
}

void leg_on_withdrawn(struct leg *g)
{
	g->have_offer = false;
	done(g, 0);
}

void leg_on_reack(struct leg *g, const struct sip_event *ev)
{
	if (g->offer_open)
		leg_on_reanswer(g, ev);
	else
		done(g, 0);
}

enum err leg_offer_answer(struct legs *ls, uint64_t id, uint64_t other)
{
	struct leg *g = leg_of(ls, id), *o = leg_of(ls, other);

	enum err e;

	if (!g || !g->have_offer)
		return ERR_STATE;
	e = g->asked ? offer_when_asked(g, o) : answer_offer(g, o);
	leg_tidy(g);
	return e;
}

enum err leg_offer_refuse(struct legs *ls, uint64_t id, unsigned status)
{
	struct leg *g = leg_of(ls, id);

	if (!g || !g->have_offer)
		return ERR_STATE;
	refuse(g, status, NULL);
	leg_tidy(g);
	return OK;
}

/* --- ours ------------------------------------------------------------------------- */

static bool offers_wait(const struct leg *g)
{
	/* LEG_IN_ANSWERED: its ACK is still on the way (RFC 3261 14.1). */
	return g->offer_open || g->have_offer || g->state == LEG_IN_ANSWERED;
}

static enum err offer(struct leg *g, const struct sdp_codec *codec)
{
	struct sdp_codecs one = leg_one_codec(g, codec, NULL, NULL);
	struct sip_body b;
	enum err e;

	leg_keep_said(g);
	e = leg_write_offer(g, &one, hold_shown(g->it_holds, g->we_hold, leg_style(g)));
	b = leg_body(g);
	if (!e && sip_reinvite(g->ls->cfg.sip, g->session, &b, NULL, 0))
		e = ERR_AGAIN;
	if (e) {
		leg_settle_said(g, false);
		return e;
	}
	g->offer_open = true;
	leg_apply_direction(g);
	return OK;
}

enum err leg_other_holds(struct legs *ls, uint64_t id, bool holds)
{
	struct leg *g = leg_of(ls, id);
	enum hold_style style;

	if (!g || (g->state != LEG_UP && g->state != LEG_IN_ANSWERED))
		return ERR_GONE;
	style = leg_style(g);
	g->we_hold = holds;
	leg_apply_direction(g);
	if (style == HOLD_MUSIC)
		media_play(ls->cfg.media, g->end, holds ? MEDIA_SOURCE_MUSIC : MEDIA_SOURCE_NONE,
			   leg_codec_id(&g->codec));
	if (hold_shown(g->it_holds, holds, style) == hold_shown(g->it_holds, g->said.held, style))
		return ERR_EXISTS;
	return offers_wait(g) ? ERR_AGAIN : offer(g, &g->codec);
}

enum err leg_recodec(struct legs *ls, uint64_t id)
{
	struct leg *g = leg_of(ls, id);
	struct sdp_codec c;
	enum err e;

	if (!g || (g->state != LEG_UP && g->state != LEG_IN_ANSWERED))
		return ERR_GONE;
	if (!g->recodec || str_ieq(str_of(g->recodec->name), str_of(g->codec.name)))
		return ERR_EXISTS;
	if (offers_wait(g))
		return ERR_AGAIN;
	c = *g->recodec;
	e = offer(g, &c);
	g->recoding = !e;
	return e;
}

static void no_codec(struct leg *g, const struct reason *why)
{
	(void)sip_bye(g->ls->cfg.sip, g->session, NULL, 0);
	leg_lost(g, why);
}

/* The answer to our offer, in a 200 or in the ACK. One that cannot be used changes nothing. */
void leg_on_reanswer(struct leg *g, const struct sip_event *ev)
{
	enum sdp_dir offered = g->said.dir;
	struct sdp_remote r;
	struct sdp_codec c;
	struct reason why = REASON(BAD_SDP, str_of(g->name), STR("the answer has none"));
	bool good = ev->body.bytes.n && leg_read_answer(g, ev->body.bytes, &r, &why) == OK &&
		    leg_agree(g, &r, &c, &why) == OK;

	g->offer_open = false;
	leg_settle_said(g, good);
	if (!good && g->recoding) {
		no_codec(g, &why);
		return;
	}
	g->recoding = false;
	if (good) {
		g->codec = c;
		take_remote(g, &r);
		leg_learn_hold(g, hold_answered(g->it_holds, offered, &r));
	}
	leg_apply_direction(g);
	done(g, 0);
}

void leg_on_refailed(struct leg *g, const struct sip_event *ev)
{
	bool recoding = g->recoding;

	g->offer_open = g->recoding = false;
	leg_settle_said(g, false);
	leg_apply_direction(g);
	/* 491: its own offer is on the way; what is due comes after that. */
	if (recoding && ev->status != 491)
		no_codec(g, &REASON(NO_COMMON_CODEC, str_of(g->name), STR("another codec")));
	else
		done(g, ev->status ? ev->status : 408);
}

/* RFC 4028 10: the same SDP, the same version. */
void leg_on_refresh(struct leg *g)
{
	struct sip_body b = leg_body(g);

	if (!offers_wait(g) && !sip_reinvite(g->ls->cfg.sip, g->session, &b, NULL, 0))
		g->offer_open = true;
}

/* The stack's own UPDATE stood in the way of what is due. */
void leg_on_refreshed(struct leg *g)
{
	done(g, 0);
}
