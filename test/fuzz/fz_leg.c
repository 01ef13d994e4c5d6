/*
 * Two legs against a far stack that offers, answers, refuses, asks, holds and leaves as the script
 * says. Of every SDP of ours: it reads, its o= version rises exactly when its text changes, port
 * and keys stay, lines stay, an answer names nothing that was not offered. At the end nothing is
 * left.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "leg/leg.h"
#include "sim/sim_loop.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { CALLER, WINNER, SIDES, TEXT = 2000, LONG_MS = 70000, STEPS_MAX = 60 };

struct side {			/* one session, as the far stack sees it */
	uint64_t leg, session;
	bool gone, re_in, ack_due, asked, offering;
	struct str offered;	/* far's offer that waits for our answer */
	char offer_mem[TEXT];
	/* what we have said so far */
	bool said;
	struct str text;
	char text_mem[2 * TEXT];
	uint64_t version;
	char id[32];
	struct addr at;
	int lines;
	bool has_key[SDP_NSUITE];
	uint8_t key[SDP_NSUITE][SDP_KEY_MAX];
};

struct fz {
	const uint8_t *p, *end;
	struct loop *loop;
	struct dns *dns;
	struct sip *sip, *far;
	struct media *media;
	struct legs *legs;
	struct leg_peer peer[SIDES];
	struct side s[SIDES];
	bool joined;
	uint32_t version;
};

static void must(bool good)
{
	if (!good)
		abort();
}

static unsigned get(struct fz *f)
{
	return f->p < f->end ? *f->p++ : 0;
}

/* --- what we said ---------------------------------------------------------------- */

static int audio_line(const struct sdp *s)
{
	int at = -1;

	for (int i = 0; i < s->nmedia; i++) {
		if (!s->media[i].port)
			continue;
		must(at < 0 && s->media[i].audio);
		at = i;
	}
	must(at >= 0);
	return at;
}

static unsigned bits(enum sdp_dir d)
{
	return d == SDP_SENDRECV ? 3 : d == SDP_SENDONLY ? 1 : d == SDP_RECVONLY ? 2 : 0;
}

static bool has_pt(const struct sdp_media *m, uint8_t pt)
{
	for (int i = 0; i < m->nfmt; i++)
		if (m->fmt[i].pt == pt)
			return true;
	return false;
}

static void is_answer_to(const struct sdp *a, int at, struct str offer_text)
{
	static struct sdp offer;
	struct sdp_fault why;
	const struct sdp_media *m = &a->media[at], *o;
	unsigned theirs;

	must(sdp_parse(offer_text, &offer, &why) == OK && offer.nmedia == a->nmedia);
	o = &offer.media[at];
	must(o->port && o->audio && o->proto == m->proto);
	for (int i = 0; i < a->nmedia; i++)
		must(str_eq(a->media[i].kind, offer.media[i].kind));
	for (int i = 0; i < m->nfmt; i++)
		must(has_pt(o, m->fmt[i].pt));
	theirs = bits(o->dir);
	if (addr_is_any(&o->conn))
		theirs &= 1;
	must(!(bits(m->dir) & ~((theirs & 1) << 1 | theirs >> 1)));
	must(m->ncrypto == (m->proto == SDP_RTP_SAVP));
	if (m->ncrypto) {
		bool known = false;

		for (int i = 0; i < o->ncrypto; i++)
			known |= o->crypto[i].tag == m->crypto[0].tag &&
				 o->crypto[i].suite == m->crypto[0].suite;
		must(known);
	}
}

static void keys_stay(struct side *x, const struct sdp_media *m)
{
	for (int i = 0; i < m->ncrypto; i++) {
		enum sdp_suite s = m->crypto[i].suite;

		must(!x->has_key[s] || !memcmp(x->key[s], m->crypto[i].key, m->crypto[i].key_n));
		memcpy(x->key[s], m->crypto[i].key, m->crypto[i].key_n);
		x->has_key[s] = true;
	}
}

/* `offer`: what it answers; absent: it is an offer itself. */
static void saw(struct side *x, struct str text, struct str offer)
{
	static struct sdp s;
	struct sdp_fault why;
	const struct sdp_media *m;
	struct addr at;
	int line;

	must(sdp_parse(text, &s, &why) == OK);
	line = audio_line(&s);
	m = &s.media[line];
	at = m->conn;
	at.port = m->port;
	must(!m->duplicate_pt && m->nfmt);
	for (int i = 0; i < m->nfmt; i++)
		for (int k = 0; k < i; k++)
			must(m->fmt[i].pt != m->fmt[k].pt);
	keys_stay(x, m);
	if (offer.p)
		is_answer_to(&s, line, offer);
	if (x->said) {
		must(addr_eq(&at, &x->at) && str_is(s.origin_id, x->id));
		must(s.version == x->version ? str_eq(text, x->text) || s.version < x->version
					     : !str_eq(text, x->text));
		must(offer.p || s.nmedia >= x->lines);
	}
	x->said = true;
	x->at = at;
	(void)str_copy(x->id, sizeof x->id, s.origin_id);
	x->version = s.version;
	x->lines = s.nmedia;
	must(str_copy(x->text_mem, sizeof x->text_mem, text));
	x->text = str_of(x->text_mem);
}

/* --- what far says ------------------------------------------------------------------ */

static void far_sdp(struct fz *f, struct side *x, char text[TEXT], bool srtp)
{
	static const char *const codecs[] = { " 0", " 0 8", " 8 0", " 9 0 101", " 111 8 13", " 18", " 104", " 8" };
	static const char *const key[] = { "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj",
					   "NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj" };
	unsigned a = get(f), b = get(f);
	struct buf t;

	f->version += !(b & 2);
	buf_init(&t, text, TEXT);
	buf_fmt(&t, "v=0\r\no=- 1 %u IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\n", f->version,
		a & 64 ? "0.0.0.0" : "10.0.0.2");
	for (int i = x->lines; (a & 128) && i >= 0 && i < 3; i++)
		buf_lit(&t, "m=video 0 RTP/AVP 96\r\n");
	buf_fmt(&t, "m=audio %u RTP/%s%s\r\n", b & 16 ? 0 : 9000 + (b & 1) * 2, srtp != !!(b & 32) ? "SAVP" : "AVP",
		codecs[(a >> 2 & 3) + (b >> 6 & 1) * 4]);
	if (srtp != !!(b & 32))
		buf_fmt(&t, "a=crypto:%u %s inline:%s\r\n", a & 7, b & 8 ? "AES_CM_128_HMAC_SHA1_32" :
			"AES_CM_128_HMAC_SHA1_80", key[b >> 2 & 1]);
	buf_fmt(&t, "a=rtpmap:101 telephone-event/8000\r\na=rtpmap:111 opus/48000/2\r\n"
		"a=rtpmap:104 SILK/8000\r\na=%s\r\n", sdp_dir_str((enum sdp_dir)(a & 3)));
	if (a & 128 && x->lines > 1)
		buf_lit(&t, "m=video 0 RTP/AVP 96\r\n");
	(void)buf_z(&t);
}

static bool srtp_of(struct fz *f, int side)
{
	return f->peer[side].sdp.srtp == SDP_SRTP_MANDATORY;
}

static struct sip_body body_of(const char *text)
{
	return (struct sip_body){ STR("application/sdp"), str_of(text) };
}

static void far_offers(struct fz *f, int side, bool empty)
{
	struct side *x = &f->s[side];
	char text[TEXT] = "";
	struct sip_body b = { STR_NONE, STR_NONE };

	if (x->gone || x->offering)
		return;
	if (!empty) {
		far_sdp(f, x, text, srtp_of(f, side));
		b = body_of(text);
	}
	if (sip_reinvite(f->far, x->session, &b, NULL, 0))
		return;
	x->offering = true;
	x->asked = empty;
	memcpy(x->offer_mem, text, sizeof text);
	x->offered = str_of(x->offer_mem);
}

static void far_answers(struct fz *f, int side, unsigned how)
{
	static const unsigned refused[] = { 488, 491, 500, 481, 603 };
	struct side *x = &f->s[side];
	char text[TEXT];
	struct sip_body b;

	if (!x->re_in)
		return;
	x->re_in = false;
	if (how & 1) {
		(void)sip_reinvite_answer(f->far, x->session, refused[(how >> 1) % 5], NULL, NULL, 0);
		return;
	}
	far_sdp(f, x, text, srtp_of(f, side));
	b = body_of(text);
	(void)sip_reinvite_answer(f->far, x->session, 200, how & 2 ? NULL : &b, NULL, 0);
}

static void far_acks(struct fz *f, int side, bool empty)
{
	struct side *x = &f->s[side];
	char text[TEXT];
	struct sip_body b;

	if (!x->ack_due)
		return;
	x->ack_due = false;
	far_sdp(f, x, text, srtp_of(f, side));
	b = body_of(text);
	(void)sip_ack(f->far, x->session, empty ? NULL : &b);
}

/* --- turns -------------------------------------------------------------------------------- */

static struct side *side_of(struct fz *f, uint64_t session)
{
	for (int i = 0; i < SIDES; i++)
		if (f->s[i].session == session)
			return &f->s[i];
	return NULL;
}

/* Messages that may hold an SDP of ours. */
static void far_hears(struct side *x, const struct sip_event *e)
{
	bool answer = e->kind == SIP_EV_ANSWER || e->kind == SIP_EV_REANSWER;

	if (answer || e->kind == SIP_EV_PROVISIONAL) {
		must(e->body.bytes.n || e->kind != SIP_EV_REANSWER);
		if (e->body.bytes.n)
			saw(x, e->body.bytes, x->offered.n ? x->offered : STR_NONE);
		if (answer) {
			x->ack_due = !x->offered.n;
			x->offering = false;
		}
	} else if (e->kind == SIP_EV_ACK || e->kind == SIP_EV_REINVITE_ACK) {
		if (e->body.bytes.n)
			saw(x, e->body.bytes, x->offered);
	} else if (e->kind == SIP_EV_REINVITE) {
		saw(x, e->body.bytes, STR_NONE);
		x->re_in = true;
	}
}

static const struct sip_opts plain = { 0 };

static void far_event(struct fz *f, const struct sip_event *e)
{
	struct side *x = side_of(f, e->session);

	if (e->kind == SIP_EV_INVITE) {
		x = &f->s[WINNER];
		x->session = e->session;
		(void)sip_own(f->far, e->session, 1, &plain);
		if (e->body.bytes.n)
			saw(x, e->body.bytes, STR_NONE);
		return;
	}
	if (!x)
		return;
	if (e->kind == SIP_EV_REFAILED)
		x->offering = false;
	else if (e->kind == SIP_EV_REWITHDRAWN)
		x->re_in = false;
	else if (e->kind == SIP_EV_BYE || e->kind == SIP_EV_ENDED || e->kind == SIP_EV_FAILED ||
		 e->kind == SIP_EV_CANCELLED)
		x->gone = true;
	else
		far_hears(x, e);
}

static void on_invite(struct fz *f, const struct sip_event *e)
{
	unsigned status;
	struct reason why;

	if (leg_take(f->legs, 1, e, &f->peer[CALLER], &f->s[CALLER].leg, &status, &why))
		(void)sip_reject(f->sip, e->session, status, NULL, &leg_accept, status == 415);
}

/* What call/ does, as far as a leg cares: now, later, or never. */
static void on_leg(struct fz *f, const struct leg_event *e)
{
	int side = e->leg == f->s[WINNER].leg ? WINNER : CALLER;
	struct leg_view v;

	if (e->kind == LEG_EV_OFFERED && get(f) & 3)
		(void)leg_offer_answer(f->legs, e->leg, f->s[!side].leg);
	else if (e->kind == LEG_EV_ATTEMPT_FAILED)
		(void)leg_end(f->legs, e->leg, 0, NULL, 0);
	else if ((e->kind == LEG_EV_HELD || e->kind == LEG_EV_RESUMED) &&
		 leg_look(f->legs, e->leg, &v) == OK)
		(void)leg_other_holds(f->legs, f->s[!side].leg, v.it_holds);
}

static void turn(void *ctx)
{
	struct fz *f = ctx;
	struct sip_event e;
	struct media_event m;
	struct leg_event l;
	bool more = true;

	while (more) {
		more = false;
		while (sip_next(f->far, &e)) {
			far_event(f, &e);
			more = true;
		}
		while (sip_next(f->sip, &e)) {
			if (e.kind == SIP_EV_INVITE)
				on_invite(f, &e);
			else
				legs_on_sip(f->legs, &e);
			more = true;
		}
		while (media_next(f->media, &m)) {
			legs_on_media(f->legs, &m);
			more = true;
		}
		while (leg_next(f->legs, &l)) {
			on_leg(f, &l);
			more = true;
		}
	}
	legs_turn_end(f->legs);
	sip_turn_end(f->sip);
	sip_turn_end(f->far);
}

/* --- life ---------------------------------------------------------------------------------- */

static struct sip_dest to(uint8_t last)
{
	return (struct sip_dest){ .transport = SIP_UDP, .port = 5060,
				  .addr = { ADDR_V4, 5060, { 10, 0, 0, last } } };
}

static struct sip *stack(struct fz *f, uint8_t last)
{
	struct sip_listener l = { .transport = SIP_UDP, .zone = SIP_ZONE_PBX,
				  .bind = { ADDR_V4, 5060, { 10, 0, 0, last } } };
	struct sip *s = sip_new(f->loop, f->dns, &(struct sip_config){ 0 });
	uint32_t index;
	int err_no;

	must(sip_listen(s, &l, &index, &err_no) == OK);
	return s;
}

static void options(struct fz *f, struct leg_peer *p)
{
	unsigned how = get(f);

	*p = (struct leg_peer){ .sdp = { .srtp = (enum sdp_srtp)((how & 3) % 3), .nsuite = 3, .ptime = 20,
					 .suite = { SDP_AES_CM_80, SDP_AES_CM_32, SDP_AES_GCM },
					 .rtcp_mux = how & 4 },
				.hold_inactive = how & 8, .delayed_offer = how & 16 };
	if (how & 32)
		p->sdp.codecs = (struct sdp_codecs){ .n = 1, .c = { sdp_codecs_all()->c[0] } };
}

static void up(struct fz *f)
{
	struct media_config m = { .npools = 1, .inside = true };
	struct legs_config c = { .max = 4 };

	f->loop = sim_new(1);
	f->dns = dns_new(f->loop, &(struct dns_config){ 0 });
	f->sip = stack(f, 1);
	f->far = stack(f, 2);
	m.pool[0] = (struct media_pool){ { ADDR_V4, 0, { 10, 0, 0, 1 } }, { ADDR_V4, 0, { 10, 0, 0, 1 } },
					 20000, 20007 };
	m.loop = c.loop = f->loop;
	f->media = media_new(&m, &(struct buf){ 0 });
	must(f->media != NULL);
	c.sip = f->sip;
	c.media = f->media;
	f->legs = legs_new(&c);
	options(f, &f->peer[CALLER]);
	options(f, &f->peer[WINNER]);
	f->peer[CALLER].delayed_offer = false;
	loop_on_turn(f->loop, turn, f);
}

static void down(struct fz *f)
{
	uint32_t open, left;

	f->end = f->p;		/* no more news of the script */
	for (int i = 0; i < SIDES; i++)
		(void)leg_end(f->legs, f->s[i].leg, 480, NULL, 0);
	turn(f);
	sim_for(f->loop, LONG_MS);
	must(legs_count(f->legs) == 0);
	media_counts(f->media, &open, &left);
	must(open == 0);
	loop_on_turn(f->loop, NULL, NULL);
	legs_free(f->legs);
	media_free(f->media);
	sip_free(f->sip);
	sip_free(f->far);
	dns_free(f->dns);
	sim_free(f->loop);
}

static void far_calls(struct fz *f, bool empty)
{
	struct side *x = &f->s[CALLER];
	char text[TEXT] = "";
	struct sip_invite i = { .owner = 2, .dest = to(1), .ruri = STR("sip:us@10.0.0.1"),
				.from_uri = STR("sip:far@10.0.0.2") };

	if (!empty) {
		far_sdp(f, x, text, srtp_of(f, CALLER));
		i.body = body_of(text);
		memcpy(x->offer_mem, text, sizeof text);
		x->offered = str_of(x->offer_mem);
	}
	x->session = sip_invite(f->far, &i);
	turn(f);
	sim_for(f->loop, 10);
}

static void dial(struct fz *f)
{
	struct leg_dial d = { .call = 1, .role = LEG_BRANCH, .peer = &f->peer[WINNER], .dest = to(2),
			      .ruri = STR("sip:far@10.0.0.2"), .from_uri = STR("sip:us@10.0.0.1"),
			      .caller = f->s[CALLER].leg };
	struct reason why;

	if (leg_dial(f->legs, &d, &f->s[WINNER].leg, &why))
		f->s[WINNER].leg = 0;
	turn(f);
	sim_for(f->loop, 10);
}

/* Far rings or answers what we dialled. With a delayed offer its SDP is the offer. */
static void far_picks_up(struct fz *f, unsigned how)
{
	struct side *x = &f->s[WINNER];
	char text[TEXT];
	struct sip_body b;

	enum err e;

	far_sdp(f, x, text, srtp_of(f, WINNER));
	b = body_of(text);
	if (how & 1)
		e = sip_answer_tag(f->far, x->session, (int)(how >> 1 & 3), how & 8 ? NULL : &b, NULL, 0);
	else
		e = sip_ring_tag(f->far, x->session, (int)(how >> 1 & 3), 183, &b, NULL, 0);
	if (e || !f->peer[WINNER].delayed_offer)
		return;
	memcpy(x->offer_mem, text, sizeof text);
	x->offered = str_of(x->offer_mem);
}

static void join(struct fz *f)
{
	struct reason why;

	if (!f->joined)
		f->joined = leg_join(f->legs, f->s[CALLER].leg, f->s[WINNER].leg, NULL, 0, &why) == OK;
}

static void media_speaks(struct fz *f, unsigned how)
{
	struct leg_view v;
	struct media_event e = { .kind = MEDIA_EV_FIRST_PACKET, .owner = f->s[WINNER].leg,
				 .early = (int)(how & 3) };

	if (leg_look(f->legs, f->s[WINNER].leg, &v))
		return;
	e.end = v.media_end;
	legs_on_media(f->legs, &e);
}

static void refresh_due(struct fz *f, int side)
{
	struct leg_view v;
	struct sip_event e = { .kind = SIP_EV_REFRESH_DUE, .owner = f->s[side].leg };

	if (!f->joined || leg_look(f->legs, e.owner, &v) || !v.answered)
		return;
	e.session = v.session;
	legs_on_sip(f->legs, &e);
}

static void step(struct fz *f)
{
	unsigned what = get(f), how = what >> 5;
	int side = what >> 4 & 1;

	switch (what & 15) {
	case 0: case 1: far_offers(f, side, false); break;
	case 2: far_offers(f, side, true); break;
	case 3: case 4: far_answers(f, side, how); break;
	case 5: far_acks(f, side, how & 1); break;
	case 6: (void)leg_other_holds(f->legs, f->s[side].leg, how & 1); break;
	case 7: (void)leg_recodec(f->legs, f->s[side].leg); break;
	case 8: (void)leg_offer_answer(f->legs, f->s[side].leg, f->s[!side].leg); break;
	case 9: (void)leg_offer_refuse(f->legs, f->s[side].leg, 491); break;
	case 10: far_picks_up(f, how | (unsigned)side << 3); break;
	case 11: join(f); break;
	case 12: (void)leg_early(f->legs, f->s[CALLER].leg, how & 1 ? f->s[WINNER].leg : 0, NULL, 0); break;
	case 13: media_speaks(f, how); break;
	case 14: sim_for(f->loop, (ms_t)(how + 1) * 700); break;
	default:
		if (how == 7)
			(void)leg_end(f->legs, f->s[side].leg, 0, NULL, 0);
		else if (how == 5)
			refresh_due(f, side);
		else if (how == 6)
			(void)sip_bye(f->far, f->s[side].session, NULL, 0);
		break;
	}
	turn(f);
	sim_for(f->loop, 5);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct fz f;

	memset(&f, 0, sizeof f);
	f.p = p;
	f.end = p + n;
	up(&f);
	far_calls(&f, get(&f) & 1);
	dial(&f);
	for (int i = 0; i < STEPS_MAX && f.p < f.end; i++)
		step(&f);
	down(&f);
	return 0;
}
