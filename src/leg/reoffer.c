#include "leg/leg_int.h"

#include <string.h>

/* Offers in the dialog, from either side. */

static void answer_now(struct leg *g)
{
	struct sip_body b = leg_body(g);

	(void)sip_reinvite_answer(g->ls->cfg.sip, g->session, 200, &b, NULL, 0);
}

static void refuse(struct leg *g, unsigned status)
{
	g->have_offer = false;
	(void)sip_reinvite_answer(g->ls->cfg.sip, g->session, status, NULL, NULL, 0);
}

/* The same o= version is a refresh: answered here, nothing changes and nothing crosses. */
static bool is_refresh(const struct leg *g, const struct sdp_remote *r)
{
	const struct sdp_remote *was = &g->remote[g->serve < 0 ? 0 : g->serve];

	return g->said.any && r->version == was->version && addr_eq(&r->rtp, &was->rtp);
}

void leg_on_reinvite(struct leg *g, const struct sip_event *ev)
{
	struct leg_event out = { .kind = LEG_EV_OFFERED };
	struct reason why;

	if (!ev->body.bytes.n) {	/* it wants our offer: our last SDP is one */
		g->reoffer_had_sdp = false;
		answer_now(g);
		return;
	}
	g->reoffer_had_sdp = true;
	if (leg_read_offer(g, ev->body.bytes, &why)) {
		refuse(g, 488);
		return;
	}
	if (is_refresh(g, &g->offered)) {
		g->have_offer = false;
		answer_now(g);
		return;
	}
	leg_push(g, &out);
}

static void learn_hold(struct leg *g, const struct sdp_remote *r)
{
	struct leg_event out = { .kind = LEG_EV_HELD };
	bool holds = hold_said(r);

	if (holds == g->it_holds)
		return;
	g->it_holds = holds;
	out.kind = holds ? LEG_EV_HELD : LEG_EV_RESUMED;
	leg_push(g, &out);
}

/* Takes the peer's side as read: address, keys, payload types, hold. A hold by 0.0.0.0
 * keeps the address we have, so that RTCP and the resume find the way. */
static void take_remote(struct leg *g, const struct sdp_remote *r)
{
	struct sdp_remote *m = &g->remote[g->serve];
	struct addr rtp = m->rtp, rtcp = m->rtcp;

	*m = *r;
	if (r->zero) {
		m->rtp = rtp;
		m->rtcp = rtcp;
	}
	leg_tell_media(g, g->serve);
	learn_hold(g, r);
	leg_apply_direction(g);
}

enum err leg_offer_answer(struct legs *ls, uint64_t id, uint64_t other)
{
	struct leg *g = leg_of(ls, id), *o = leg_of(ls, other);
	const struct sdp_remote *r = g ? &g->offered : NULL;
	struct sdp_codecs one = { .n = 1 };

	if (!g || !g->have_offer)
		return ERR_STATE;
	one.c[0] = o ? o->codec : g->codec;
	if (sdp_codec_find(&r->side.codecs, &one.c[0]) < 0) {
		refuse(g, 488);
		return ERR_PARSE;
	}
	one.events = r->side.codecs.events;
	one.noise = r->side.codecs.noise;
	if (leg_write_answer(g, &one, hold_answer(r->zero ? SDP_SENDONLY : r->dir, g->we_hold,
						  leg_style(g)))) {
		refuse(g, 500);
		return ERR_LIMIT;
	}
	g->have_offer = false;
	take_remote(g, r);
	answer_now(g);
	return OK;
}

enum err leg_offer_refuse(struct legs *ls, uint64_t id, unsigned status)
{
	struct leg *g = leg_of(ls, id);

	if (!g || !g->have_offer)
		return ERR_STATE;
	refuse(g, status);
	return OK;
}

static enum err offer(struct leg *g, const struct sdp_codec *codec)
{
	struct sdp_codecs one = { .n = 1, .events = true, .noise = true };
	struct sip_body b;

	one.c[0] = *codec;
	if (leg_write_offer(g, &one))
		return ERR_LIMIT;
	b = leg_body(g);
	if (sip_reinvite(g->ls->cfg.sip, g->session, &b, NULL, 0))
		return ERR_AGAIN;
	g->offer_open = true;
	return OK;
}

enum err leg_other_holds(struct legs *ls, uint64_t id, bool holds)
{
	struct leg *g = leg_of(ls, id);

	if (!g || (g->state != LEG_UP && g->state != LEG_IN_ANSWERED))
		return ERR_GONE;
	if (g->offer_open || g->have_offer || g->state == LEG_IN_ANSWERED)
		return ERR_AGAIN;	/* its ACK is still on the way: RFC 3261 14.1 */
	g->we_hold = holds;
	leg_apply_direction(g);
	if (hold_shown(g->it_holds, g->we_hold, leg_style(g)) == g->said.dir)
		return ERR_EXISTS;
	return offer(g, &g->codec);
}

void leg_on_reanswer(struct leg *g, const struct sip_event *ev)
{
	struct leg_event out = { .kind = LEG_EV_OFFER_DONE };
	struct sdp_remote r;
	struct reason why;

	g->offer_open = false;
	if (ev->body.bytes.n && leg_read_answer(g, ev->body.bytes, &r, &why) == OK &&
	    !is_refresh(g, &r)) {
		/* An answer's direction mirrors ours: it is no hold of the peer's own. */
		struct sdp_remote *m = &g->remote[g->serve];
		bool zero = r.zero;
		struct addr rtp = m->rtp, rtcp = m->rtcp;

		*m = r;
		if (zero) {
			m->rtp = rtp;
			m->rtcp = rtcp;
		}
		(void)leg_agree(g, &r, &why);	/* no codec: the old one stays in use */
		leg_tell_media(g, g->serve);
	}
	leg_apply_direction(g);
	leg_push(g, &out);
}

void leg_on_refailed(struct leg *g, const struct sip_event *ev)
{
	struct leg_event out = { .kind = LEG_EV_OFFER_DONE, .status = ev->status };

	g->offer_open = false;
	leg_push(g, &out);
}

/* RFC 4028 10: the same SDP, the same version. */
void leg_on_refresh(struct leg *g)
{
	struct sip_body b = leg_body(g);

	if (!g->offer_open && !sip_reinvite(g->ls->cfg.sip, g->session, &b, NULL, 0))
		g->offer_open = true;
}

void leg_offer_recodec(struct leg *g)
{
	struct sdp_codec c = g->recodec;

	g->recodec.name[0] = 0;
	(void)offer(g, &c);	/* a glare: the peer's own offer brings the codec question up */
}
