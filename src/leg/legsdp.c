#include "leg/leg_int.h"

#include <string.h>

/* A leg's own offer/answer bookkeeping (RFC 3264): what we said, what they said, and what
 * media has to know. Nothing of another leg's SDP is passed through. */

enum media_codec leg_codec_id(const struct sdp_codec *c)
{
	static const char *const name[] = {
		[MEDIA_PCMU] = "PCMU", [MEDIA_PCMA] = "PCMA", [MEDIA_G722] = "G722",
		[MEDIA_G729] = "G729", [MEDIA_OPUS] = "opus",
	};

	for (int i = MEDIA_PCMU; i <= MEDIA_OPUS; i++)
		if (str_ieq(str_of(c->name), str_of(name[i])))
			return (enum media_codec)i;
	return MEDIA_NCODEC;
}

enum hold_style leg_style(const struct leg *g)
{
	if (g->peer->music && leg_codec_id(&g->codec) <= MEDIA_PCMA)	/* one that we encode */
		return HOLD_MUSIC;
	return g->peer->hold_inactive ? HOLD_INACTIVE : HOLD_SENDONLY;
}

static struct str said_text(const struct leg *g)
{
	return (struct str){ g->said.text, g->said.text_n };
}

struct sip_body leg_body(const struct leg *g)
{
	return (struct sip_body){ STR("application/sdp"), said_text(g) };
}

static enum srtp_suite suite_of(enum sdp_suite s)
{
	static const enum srtp_suite map[SDP_NSUITE] = {
		[SDP_SUITE_NONE] = SRTP_NONE, [SDP_AES_CM_80] = SRTP_AES_CM_80,
		[SDP_AES_CM_32] = SRTP_AES_CM_32, [SDP_AES_GCM] = SRTP_AES_GCM,
	};

	return map[s];
}

static void add_crypto(struct leg *g, struct sdp_out *o, enum sdp_suite s, uint32_t tag)
{
	struct sdp_crypto *c = &o->crypto[o->ncrypto++];

	*c = (struct sdp_crypto){ .tag = tag, .suite = s, .key_n = sdp_suite_key(s) };
	memcpy(c->key, g->local.key[suite_of(s)], c->key_n);
}

static void wipe_text(struct leg_said *s)
{
	mem_wipe(s->text, s->text_n);
	mem_free(s->text);
	s->text = NULL;
	s->text_n = 0;
}

/* Under a new version when it differs from what was said last, else the same. */
static enum err say(struct leg *g, struct sdp_out *o)
{
	char text[LEG_SDP_MAX];
	struct buf b;
	bool fits;

	o->id = g->sdp_id;
	o->version = g->said.any ? g->said.version : ++g->sdp_version;
	o->rtp = g->local.rtp;
	o->rtcp_port = (uint16_t)(g->local.rtp.port + 1);
	buf_init(&b, text, sizeof text);
	sdp_write(&b, o);
	if (g->said.any && !str_eq(buf_str(&b), said_text(g))) {
		o->version = ++g->sdp_version;
		buf_reset(&b);
		sdp_write(&b, o);
	}
	fits = buf_ok(&b);
	if (fits) {
		wipe_text(&g->said);
		g->said.text = mem_dup(text, b.n);
		g->said.text_n = b.n;
		g->said.version = o->version;
		g->said.any = true;
		g->said.dir = o->dir;
		g->said.line = o->line;
		g->said.held = g->we_hold;
	}
	mem_wipe(text, sizeof text);
	return fits ? OK : ERR_LIMIT;
}

void leg_set_remote(struct leg *g, int i, const struct sdp_remote *r)
{
	if (!g->remote[i])
		g->remote[i] = mem_new(sizeof *r);
	*g->remote[i] = *r;
}

void leg_forget_remotes(struct leg *g, int but)
{
	for (int i = 0; i < MEDIA_EARLY_MAX; i++) {
		if (i == but || !g->remote[i])
			continue;
		mem_wipe(g->remote[i], sizeof *g->remote[i]);
		mem_free(g->remote[i]);
		g->remote[i] = NULL;
	}
}

static void forget_offer(struct leg *g)
{
	if (g->offer)
		mem_wipe(g->offer, sizeof *g->offer);
	mem_free(g->offer);
	g->offer = NULL;
}

void leg_tidy(struct leg *g)
{
	if (!g->have_offer && g->state != LEG_IN)
		forget_offer(g);
}

void leg_forget_sdp(struct leg *g)
{
	leg_settle_said(g, true);
	wipe_text(&g->said);
	forget_offer(g);
	leg_forget_remotes(g, -1);
	mem_free(g->recodec);
	g->recodec = NULL;
	g->serve = -1;
}

void leg_keep_said(struct leg *g)
{
	leg_settle_said(g, true);
	g->before = mem_new(sizeof *g->before);
	*g->before = g->said;
	if (g->said.text)
		g->before->text = mem_dup(g->said.text, g->said.text_n);
}

void leg_settle_said(struct leg *g, bool good)
{
	if (!g->before)
		return;
	wipe_text(good ? g->before : &g->said);
	if (!good)
		g->said = *g->before;
	mem_free(g->before);
	g->before = NULL;
}

/* All lines of our last SDP, which every later one keeps (RFC 3264 8). */
static void last_lines(const struct leg *g, struct sdp_lines *lines)
{
	struct sdp s;
	struct sdp_fault why;

	lines->n = 0;
	if (sdp_parse(said_text(g), &s, &why) == OK)
		sdp_lines_of(&s, lines);
}

/* The suite in use first: whoever takes the first one changes no key. */
static void offer_crypto(struct leg *g, struct sdp_out *o, enum sdp_suite now)
{
	const struct sdp_opts *p = &g->peer->sdp;

	o->proto = SDP_RTP_SAVP;
	if (now != SDP_SUITE_NONE)
		add_crypto(g, o, now, 1);
	for (int i = 0; i < p->nsuite; i++)
		if (p->suite[i] != now)
			add_crypto(g, o, p->suite[i], (uint32_t)o->ncrypto + 1);
}

static const struct sdp_remote *known_remote(const struct leg *g)
{
	return g->serve >= 0 ? g->remote[g->serve] : NULL;
}

static enum sdp_suite suite_now(const struct leg *g)
{
	const struct sdp_remote *r = known_remote(g);

	return r ? r->crypto.suite : SDP_SUITE_NONE;
}

enum err leg_write_offer(struct leg *g, const struct sdp_codecs *codecs, enum sdp_dir dir)
{
	const struct sdp_remote *known = known_remote(g);
	struct sdp_fmt fmt[SDP_FMT_MAX];
	struct sdp_out o = { .fmt = fmt, .ptime = g->peer->sdp.ptime, .dir = dir,
			     .rtcp_mux = g->peer->sdp.rtcp_mux };
	struct sdp_lines lines;

	o.nfmt = sdp_offer_lines(codecs, g->said.any ? &g->said.side : NULL,
				 known ? &known->side : NULL, fmt, &g->said.side.map);
	g->said.side.codecs = *codecs;
	if (g->said.any) {
		last_lines(g, &lines);
		o.lines = &lines;
		o.line = g->said.line;
	}
	if (g->peer->sdp.srtp == SDP_SRTP_MANDATORY || suite_now(g) != SDP_SUITE_NONE)
		offer_crypto(g, &o, suite_now(g));
	return say(g, &o);
}

enum err leg_write_answer(struct leg *g, const struct sdp_codecs *codecs, enum sdp_dir dir)
{
	const struct sdp_remote *r = &g->offer->r;
	struct sdp_fmt fmt[SDP_FMT_MAX];
	struct sdp_out o = { .fmt = fmt, .ptime = g->peer->sdp.ptime, .dir = dir,
			     .lines = &g->offer->lines, .line = r->line, .proto = r->proto,
			     .rtcp_mux = r->mux && g->peer->sdp.rtcp_mux };

	o.nfmt = sdp_answer_lines(codecs, &r->side, fmt, &g->said.side.map);
	g->said.side.codecs = *codecs;
	if (r->crypto.suite != SDP_SUITE_NONE)
		add_crypto(g, &o, r->crypto.suite, r->crypto.tag);
	return say(g, &o);
}

/* "line 7: an a=crypto line is malformed": where an engineer finds it in the trace. */
static struct reason bad(struct leg *g, const struct sdp_fault *f)
{
	char text[128];
	struct buf b;

	buf_init(&b, text, sizeof text);
	if (f->line)
		buf_fmt(&b, "line %d: ", f->line);
	buf_lit(&b, f->text);
	return REASON(BAD_SDP, str_of(g->name), str_dup(&g->ls->turn, buf_str(&b)));
}

static enum err parse(struct leg *g, struct str text, struct sdp *s, struct reason *why)
{
	struct sdp_fault fault;
	enum err e = sdp_parse(text, s, &fault);

	if (e)
		*why = bad(g, &fault);
	return e;
}

enum err leg_reachable(struct leg *g, const struct sdp_remote *r, struct reason *why)
{
	const char *text = "its audio has a loopback address, which is not the peer from here";

	if (r->zero)
		return OK;
	if (r->rtp.family != g->local.rtp.family)
		text = r->rtp.family == ADDR_V6 ? "its audio has an IPv6 address, and our side has IPv4"
						: "its audio has an IPv4 address, and our side has IPv6";
	else if (g->peer->media.latch || !addr_is_loopback(&r->rtp) || addr_is_loopback(&g->local.rtp))
		return OK;
	*why = REASON(BAD_SDP, str_of(g->name), str_of(text));
	return ERR_DENIED;
}

static enum err take(struct leg *g, const struct sdp *s, int line, struct sdp_remote *r,
		     struct reason *why)
{
	struct sdp_ask ask = { .opts = &g->peer->sdp, .line = line, .now = suite_now(g),
			       .peer = str_of(g->name), .texts = &g->ls->turn };
	struct sdp_remote got;
	enum err e = sdp_take(s, &ask, &got, why);

	if (!e && g->end)
		e = leg_reachable(g, &got, why);
	if (!e)
		*r = got;
	return e;
}

enum err leg_read_offer(struct leg *g, const struct sip_body *body, struct reason *why)
{
	struct sdp_remote r;
	struct sdp s;
	enum err e;

	if (body->type.n && !sip_body_is(body, "application/sdp")) {
		*why = REASON(BAD_SDP, str_of(g->name), STR("its body is no application/sdp"));
		return ERR_RANGE;
	}
	e = parse(g, body->bytes, &s, why);
	if (!e)
		e = take(g, &s, -1, &r, why);
	if (e)
		return e;
	if (!g->offer)
		g->offer = mem_new(sizeof *g->offer);
	g->offer->r = r;
	sdp_lines_of(&s, &g->offer->lines);
	mem_wipe(&r, sizeof r);
	return OK;
}

enum err leg_read_answer(struct leg *g, struct str text, struct sdp_remote *r, struct reason *why)
{
	struct sdp s;
	enum err e = parse(g, text, &s, why);

	return e ? e : take(g, &s, g->said.line, r, why);
}

/* The first codec of the answer that we offered, with the answer's parameters. */
enum err leg_agree(struct leg *g, const struct sdp_remote *r, struct sdp_codec *c,
		   struct reason *why)
{
	char text[128];
	struct buf b;

	for (int i = 0; i < r->side.codecs.n; i++) {
		int k = sdp_codec_find(&g->said.side.codecs, &r->side.codecs.c[i]);

		if (k < 0)
			continue;
		*c = sdp_agreed(&g->said.side.codecs.c[k], &r->side.codecs.c[i]);
		return OK;
	}
	buf_init(&b, text, sizeof text);
	sdp_codecs_text(&b, &r->side.codecs);
	*why = REASON(NO_COMMON_CODEC, str_of(g->name), str_dup(&g->ls->turn, buf_str(&b)));
	return ERR_DENIED;
}

struct sdp_codecs leg_one_codec(const struct leg *g, const struct sdp_codec *codec,
				const struct sdp_side *theirs, const struct leg *other)
{
	const struct sdp_codecs *beside = other && other->serve >= 0 ?
		&other->remote[other->serve]->side.codecs : g->said.any ? &g->said.side.codecs : NULL;

	return (struct sdp_codecs){ .n = 1, .c = { *codec },
		.events = (!theirs || theirs->codecs.events) && (!beside || beside->events),
		.noise = (!theirs || theirs->codecs.noise) && (!beside || beside->noise) };
}

static void payload_map(const struct leg *g, const struct sdp_remote *r, struct media_remote *m)
{
	const struct sdp_side *ours = &g->said.side, *theirs = &r->side;

	memset(m->rx_pt, SDP_PT_NONE, sizeof m->rx_pt);
	memset(m->tx_pt, SDP_PT_NONE, sizeof m->tx_pt);
	for (int i = 0; i < ours->codecs.n; i++) {
		enum media_codec id = leg_codec_id(&ours->codecs.c[i]);
		int k = sdp_codec_find(&theirs->codecs, &ours->codecs.c[i]);

		if (id == MEDIA_NCODEC || k < 0)
			continue;
		m->rx_pt[id] = ours->map.pt[i];
		m->tx_pt[id] = theirs->map.pt[k];
	}
	if (ours->map.events != SDP_PT_NONE && theirs->map.events != SDP_PT_NONE) {
		m->rx_pt[MEDIA_EVENTS] = ours->map.events;
		m->tx_pt[MEDIA_EVENTS] = theirs->map.events;
	}
	if (ours->map.noise != SDP_PT_NONE && theirs->map.noise != SDP_PT_NONE) {
		m->rx_pt[MEDIA_NOISE] = ours->map.noise;
		m->tx_pt[MEDIA_NOISE] = theirs->map.noise;
	}
}

void leg_tell_media(struct leg *g, int early)
{
	const struct sdp_remote *r = g->remote[early];
	struct media_remote m = { .rtp = r->rtp, .rtcp = r->rtcp, .latch = g->peer->media.latch,
				  .mux = r->mux && g->peer->sdp.rtcp_mux,
				  .suite = suite_of(r->crypto.suite), .mki = r->crypto.mki_n };
	struct sip_info info;

	if (m.mux)
		m.rtcp = r->rtp;
	if (sip_session_info(g->ls->cfg.sip, g->session, &info) == OK)
		m.near = info.peer;
	memcpy(m.key, r->crypto.key, r->crypto.key_n < sizeof m.key ? r->crypto.key_n : sizeof m.key);
	payload_map(g, r, &m);
	media_peer(g->ls->cfg.media, g->end, early, &m);
	mem_wipe(&m, sizeof m);
}

void leg_serve(struct leg *g, int early, bool wipe)
{
	struct sdp_codec c;
	struct reason why;

	g->serve = early;
	if (leg_agree(g, g->remote[early], &c, &why) == OK)
		g->codec = c;
	if (wipe)
		leg_forget_remotes(g, early);
	media_serve(g->ls->cfg.media, g->end, early, wipe);
}

void leg_apply_direction(struct leg *g)
{
	struct hold_flow f = { false, false };

	if (g->serve >= 0)
		f = hold_flow(g->said.dir, g->remote[g->serve], g->it_holds, g->we_hold);
	media_direction(g->ls->cfg.media, g->end, f.send, f.expect);
}
