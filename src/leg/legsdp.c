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
	mem_wipe(text, sizeof text);
	return OK;
}

enum err leg_write_offer(struct leg *g, const struct sdp_codecs *codecs)
{
	struct sdp_fmt fmt[SDP_FMT_MAX];
	struct sdp_out o = { .fmt = fmt, .ptime = g->peer.sdp.ptime,
			     .dir = hold_shown(g->it_holds, g->we_hold, leg_style(g)),
			     .rtcp_mux = g->peer.sdp.rtcp_mux };
	/* In the dialog the peer's own payload types go on; before, they are ours. */
	bool known = g->state == LEG_UP && g->serve >= 0;

	g->said.codecs = *codecs;
	if (known)
		o.nfmt = sdp_answer_lines(codecs, &g->remote[g->serve], fmt, g->said.pt,
					  &g->said.events_pt, &g->said.noise_pt);
	else
		o.nfmt = sdp_offer_lines(codecs, fmt, g->said.pt, &g->said.events_pt,
					 &g->said.noise_pt);
	if (g->peer.sdp.srtp == SDP_SRTP_MANDATORY ||
	    (known && g->remote[g->serve].crypto.suite != SDP_SUITE_NONE)) {
		o.proto = SDP_RTP_SAVP;
		for (int i = 0; i < g->peer.sdp.nsuite; i++)
			add_crypto(g, &o, g->peer.sdp.suite[i], (uint32_t)i + 1);
	}
	return say(g, &o);
}

enum err leg_write_answer(struct leg *g, const struct sdp_remote *r, const struct sdp_codecs *codecs,
			  enum sdp_dir dir)
{
	struct sdp_fmt fmt[SDP_FMT_MAX];
	struct sdp offer;
	struct sdp_out o = { .fmt = fmt, .ptime = g->peer.sdp.ptime, .dir = dir,
			     .answer_to = &offer, .line = r->line, .proto = r->proto,
			     .rtcp_mux = r->mux && g->peer.sdp.rtcp_mux };
	const char *why;
	enum err e = sdp_parse((struct str){ g->offer_text, g->offer_n }, &offer, &why);

	if (e)
		return e;
	g->said.codecs = *codecs;
	o.nfmt = sdp_answer_lines(codecs, r, fmt, g->said.pt, &g->said.events_pt, &g->said.noise_pt);
	if (r->crypto.suite != SDP_SUITE_NONE)
		add_crypto(g, &o, r->crypto.suite, r->crypto.tag);
	return say(g, &o);
}

enum err leg_read(struct leg *g, struct str sdp, bool is_answer, struct sdp_remote *r,
		  struct reason *why)
{
	struct sdp s;
	const char *text;
	struct sdp_remote got;
	enum err e = sdp_parse(sdp, &s, &text);

	if (e) {
		*why = REASON(BAD_SDP, str_of(g->name), str_of(text));
		return e;
	}
	e = sdp_take(&s, &g->peer.sdp, is_answer, str_of(g->name), &got, why);
	if (!e)
		*r = got;
	return e;
}

/* The codec of the answer: its first that we offered. */
bool leg_agree(struct leg *g, const struct sdp_remote *r, struct reason *why)
{
	char text[128];
	struct buf b;

	for (int i = 0; i < r->codecs.n; i++) {
		int k = sdp_codec_find(&g->said.codecs, &r->codecs.c[i]);

		if (k >= 0 && leg_codec_id(&r->codecs.c[i]) != MEDIA_NCODEC) {
			g->codec = g->said.codecs.c[k];
			return true;
		}
	}
	buf_init(&b, text, sizeof text);
	sdp_codecs_text(&b, &r->codecs);
	*why = REASON(NO_COMMON_CODEC, str_of(g->name), str_dup(&g->ls->turn, buf_str(&b)));
	return false;
}

static void payload_map(const struct leg *g, const struct sdp_remote *r, struct media_remote *m)
{
	memset(m->rx_pt, 255, sizeof m->rx_pt);
	memset(m->tx_pt, 255, sizeof m->tx_pt);
	for (int i = 0; i < g->said.codecs.n; i++) {
		enum media_codec id = leg_codec_id(&g->said.codecs.c[i]);
		int k = sdp_codec_find(&r->codecs, &g->said.codecs.c[i]);

		if (id == MEDIA_NCODEC || k < 0)
			continue;
		m->rx_pt[id] = g->said.pt[i];
		m->tx_pt[id] = r->pt[k];
	}
	if (g->said.events_pt >= 0 && r->events_pt >= 0) {
		m->rx_pt[MEDIA_EVENTS] = (uint8_t)g->said.events_pt;
		m->tx_pt[MEDIA_EVENTS] = (uint8_t)r->events_pt;
	}
	if (g->said.noise_pt >= 0 && r->noise_pt >= 0) {
		m->rx_pt[MEDIA_NOISE] = (uint8_t)g->said.noise_pt;
		m->tx_pt[MEDIA_NOISE] = (uint8_t)r->noise_pt;
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
