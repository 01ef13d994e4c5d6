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
	return g->peer.hold_inactive ? HOLD_INACTIVE : HOLD_SENDONLY;
}

struct sip_body leg_body(const struct leg *g)
{
	return (struct sip_body){ STR("application/sdp"), { g->said.text, g->said.text_n } };
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

/* The text under a new version when it differs from the last one, else the same. */
static enum err say(struct leg *g, struct sdp_out *o)
{
	char text[LEG_SDP_MAX];
	struct buf b;

	o->id = g->sdp_id;
	o->version = g->said.version;
	o->rtp = g->local.rtp;
	o->rtcp_port = (uint16_t)(g->local.rtp.port + 1);
	buf_init(&b, text, sizeof text);
	sdp_write(&b, o);
	if (!buf_ok(&b))
		return ERR_LIMIT;
	if (g->said.any && (b.n != g->said.text_n || memcmp(text, g->said.text, b.n) != 0)) {
		o->version = ++g->said.version;
		buf_reset(&b);
		sdp_write(&b, o);
	}
	memcpy(g->said.text, text, b.n);
	g->said.text_n = b.n;
	g->said.any = true;
	g->said.dir = o->dir;
	g->said.line = o->line;
	mem_wipe(text, sizeof text);
	return OK;
}

/* All lines of our last SDP, which every later one keeps (RFC 3264 8). */
static void last_lines(const struct leg *g, struct sdp_lines *lines)
{
	struct sdp s;
	struct sdp_fault why;

	lines->n = 0;
	if (sdp_parse((struct str){ g->said.text, g->said.text_n }, &s, &why) == OK)
		sdp_lines_of(&s, lines);
}

enum err leg_write_offer(struct leg *g, const struct sdp_codecs *codecs)
{
	struct sdp_fmt fmt[SDP_FMT_MAX];
	struct sdp_out o = { .fmt = fmt, .ptime = g->peer.sdp.ptime,
			     .dir = hold_shown(g->it_holds, g->we_hold, leg_style(g)),
			     .rtcp_mux = g->peer.sdp.rtcp_mux };
	const struct sdp_remote *known = g->state == LEG_UP && g->serve >= 0 ?
					 &g->remote[g->serve] : NULL;
	struct sdp_lines lines;

	o.nfmt = sdp_offer_lines(codecs, g->said.any ? &g->said.side : NULL,
				 known ? &known->side : NULL, fmt, &g->said.side.map);
	g->said.side.codecs = *codecs;
	if (g->said.any) {
		last_lines(g, &lines);
		o.lines = &lines;
		o.line = g->said.line;
	}
	if (g->peer.sdp.srtp == SDP_SRTP_MANDATORY ||
	    (known && known->crypto.suite != SDP_SUITE_NONE)) {
		o.proto = SDP_RTP_SAVP;
		for (int i = 0; i < g->peer.sdp.nsuite; i++)
			add_crypto(g, &o, g->peer.sdp.suite[i], (uint32_t)i + 1);
	}
	return say(g, &o);
}

enum err leg_write_answer(struct leg *g, const struct sdp_codecs *codecs, enum sdp_dir dir)
{
	const struct sdp_remote *r = &g->offered;
	struct sdp_fmt fmt[SDP_FMT_MAX];
	struct sdp_out o = { .fmt = fmt, .ptime = g->peer.sdp.ptime, .dir = dir,
			     .lines = &g->offered_lines, .line = r->line, .proto = r->proto,
			     .rtcp_mux = r->mux && g->peer.sdp.rtcp_mux };

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

enum err leg_read_offer(struct leg *g, struct str text, struct reason *why)
{
	struct sdp_ask ask = { .opts = &g->peer.sdp, .line = -1, .peer = str_of(g->name),
			       .texts = &g->ls->turn };
	struct sdp s;
	enum err e = parse(g, text, &s, why);

	if (!e)
		e = sdp_take(&s, &ask, &g->offered, why);
	if (e)
		return e;
	sdp_lines_of(&s, &g->offered_lines);
	g->have_offer = true;
	return OK;
}

enum err leg_read_answer(struct leg *g, struct str text, struct sdp_remote *r, struct reason *why)
{
	struct sdp_ask ask = { .opts = &g->peer.sdp, .line = g->said.line,
			       .peer = str_of(g->name), .texts = &g->ls->turn };
	struct sdp s;
	enum err e = parse(g, text, &s, why);

	return e ? e : sdp_take(&s, &ask, r, why);
}

/* The codec of the answer: its first that we offered. */
bool leg_agree(struct leg *g, const struct sdp_remote *r, struct reason *why)
{
	char text[128];
	struct buf b;

	for (int i = 0; i < r->side.codecs.n; i++) {
		int k = sdp_codec_find(&g->said.side.codecs, &r->side.codecs.c[i]);

		if (k >= 0) {
			g->codec = g->said.side.codecs.c[k];
			return true;
		}
	}
	buf_init(&b, text, sizeof text);
	sdp_codecs_text(&b, &r->side.codecs);
	*why = REASON(NO_COMMON_CODEC, str_of(g->name), str_dup(&g->ls->turn, buf_str(&b)));
	return false;
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
	const struct sdp_remote *r = &g->remote[early];
	struct media_remote m = { .rtp = r->rtp, .rtcp = r->rtcp, .latch = g->peer.media.latch,
				  .mux = r->mux && g->peer.sdp.rtcp_mux,
				  .suite = suite_of(r->crypto.suite), .mki = r->crypto.mki_n };

	if (!m.mux && r->mux)
		m.rtcp.port = (uint16_t)(r->rtp.port + 1);
	memcpy(m.key, r->crypto.key, r->crypto.key_n < sizeof m.key ? r->crypto.key_n : sizeof m.key);
	payload_map(g, r, &m);
	media_peer(g->ls->cfg.media, g->end, early, &m);
	mem_wipe(&m, sizeof m);
}

void leg_apply_direction(struct leg *g)
{
	media_direction(g->ls->cfg.media, g->end,
			hold_may_send(g->it_holds, g->we_hold, leg_style(g)),
			hold_expects(g->it_holds, g->we_hold));
}
