#include "sdp/negotiate.h"

#include <string.h>

static const struct sdp_codecs all = {
	.n = 5, .events = true, .noise = true,
	.c = { { "PCMU", 8000, 1, "" }, { "PCMA", 8000, 1, "" }, { "G722", 8000, 1, "" },
	       { "G729", 8000, 1, "" }, { "opus", 48000, 2, "" } },
};

const struct sdp_codecs *sdp_codecs_all(void)
{
	return &all;
}

void sdp_codecs_text(struct buf *b, const struct sdp_codecs *list)
{
	for (int i = 0; i < list->n; i++)
		buf_fmt(b, "%s%s", i ? " " : "", list->c[i].name);
	if (!list->n)
		buf_lit(b, "no audio codec");
}

static bool same(const struct sdp_codec *a, const struct sdp_codec *b)
{
	return str_ieq(str_of(a->name), str_of(b->name)) && a->clock == b->clock &&
	       a->channels == b->channels;
}

int sdp_codec_find(const struct sdp_codecs *list, const struct sdp_codec *c)
{
	for (int i = 0; i < list->n; i++)
		if (same(&list->c[i], c))
			return i;
	return -1;
}

void sdp_common(const struct sdp_codecs *a, const struct sdp_codecs *b, struct sdp_codecs *out)
{
	struct sdp_codecs r = { .events = a->events && b->events, .noise = a->noise && b->noise };

	for (int i = 0; i < a->n; i++)
		if (sdp_codec_find(b, &a->c[i]) >= 0)
			r.c[r.n++] = a->c[i];
	*out = r;
}

void sdp_add_g711(struct sdp_codecs *list, const struct sdp_codecs *allowed)
{
	for (int i = 0; i < 2; i++)
		if (list->n < SDP_CODEC_MAX && sdp_codec_find(list, &all.c[i]) < 0 &&
		    (!allowed->n || sdp_codec_find(allowed, &all.c[i]) >= 0))
			list->c[list->n++] = all.c[i];
}

/* --- reading --------------------------------------------------------------- */

static bool usable(const struct sdp_media *m)
{
	return m->audio && m->port && m->nfmt;
}

static const struct sdp_media *first_audio(const struct sdp *s, int *line)
{
	for (int i = 0; i < s->nmedia; i++)
		if (usable(&s->media[i])) {
			*line = i;
			return &s->media[i];
		}
	return NULL;
}

static void add_codec(struct sdp_remote *r, const struct sdp_fmt *f)
{
	struct sdp_codec *c;

	if (str_iis(f->name, "telephone-event")) {
		if (f->clock == 8000 && r->events_pt < 0)
			r->events_pt = f->pt;
		return;
	}
	if (str_iis(f->name, "CN")) {
		if (f->clock == 8000 && r->noise_pt < 0)
			r->noise_pt = f->pt;
		return;
	}
	if (!f->name.n || r->codecs.n == SDP_CODEC_MAX)
		return;
	c = &r->codecs.c[r->codecs.n];
	if (!str_copy(c->name, sizeof c->name, f->name) ||
	    !str_copy(c->fmtp, sizeof c->fmtp, f->fmtp))
		return;
	c->clock = f->clock;
	c->channels = f->channels;
	r->pt[r->codecs.n++] = f->pt;
}

/* The suite we like best of those offered; of two equal ones that without an MKI. */
static void choose_crypto(const struct sdp_media *m, const struct sdp_opts *o, struct sdp_crypto *c)
{
	for (int k = 0; k < o->nsuite; k++)
		for (int mki = 0; mki < 2; mki++)
			for (int i = 0; i < m->ncrypto; i++)
				if (m->crypto[i].suite == o->suite[k] && !!m->crypto[i].mki_n == mki) {
					*c = m->crypto[i];
					return;
				}
}

static void addresses(const struct sdp *s, const struct sdp_media *m, struct sdp_remote *r)
{
	r->rtp = m->conn.family != ADDR_NONE ? m->conn : s->conn;
	r->zero = r->rtp.family != ADDR_NONE && addr_is_any(&r->rtp);
	r->rtp.port = m->port;
	r->rtcp = r->rtp;
	r->mux = m->rtcp_mux;
	r->rtcp.port = m->rtcp_mux ? m->port : m->rtcp_port ? m->rtcp_port
		     : (uint16_t)(m->port + (m->port < 65535));
}

static enum err bad(struct reason *why, struct str peer, const char *text)
{
	*why = REASON(BAD_SDP, peer, str_of(text));
	return ERR_PARSE;
}

enum err sdp_take(const struct sdp *s, const struct sdp_opts *o, bool is_answer, struct str peer,
		  struct sdp_remote *out, struct reason *why)
{
	struct sdp_remote r = { .events_pt = -1, .noise_pt = -1, .version = s->version };
	const struct sdp_media *m = first_audio(s, &r.line);

	if (!m)
		return bad(why, peer, is_answer ? "our audio was refused" : "it has no usable audio line");
	if (m->duplicate_pt)
		return bad(why, peer, "two codecs share one payload type");
	addresses(s, m, &r);
	if (r.rtp.family == ADDR_NONE)
		return bad(why, peer, "the audio has no address (c= line)");
	r.proto = m->proto;
	r.dir = m->dir;
	r.ptime = m->ptime;
	if (m->proto == SDP_RTP_SAVP && o->srtp != SDP_SRTP_OFF)
		choose_crypto(m, o, &r.crypto);
	if (r.crypto.suite == SDP_SUITE_NONE &&
	    (o->srtp == SDP_SRTP_MANDATORY || m->proto == SDP_RTP_SAVP)) {
		*why = REASON(SRTP_REQUIRED, peer);
		return ERR_DENIED;
	}
	for (int i = 0; i < m->nfmt; i++)
		add_codec(&r, &m->fmt[i]);
	r.codecs.events = r.events_pt >= 0;
	r.codecs.noise = r.noise_pt >= 0;
	*out = r;
	return OK;
}

/* --- writing ----------------------------------------------------------------- */

static int static_pt(const struct sdp_codec *c)
{
	static const struct { const char *name; int pt; } row[] = {
		{ "PCMU", 0 }, { "PCMA", 8 }, { "G722", 9 }, { "G729", 18 },
	};

	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		if (c->clock == 8000 && str_ieq(str_of(c->name), str_of(row[i].name)))
			return row[i].pt;
	return -1;
}

static struct sdp_fmt fmt_of(const struct sdp_codec *c, uint8_t pt)
{
	return (struct sdp_fmt){ pt, str_of(c->name), c->clock, c->channels, str_of(c->fmtp) };
}

static const struct sdp_fmt event_fmt = { 101, STR_INIT("telephone-event"), 8000, 1, STR_INIT("0-16") };
static const struct sdp_fmt noise_fmt = { 13, STR_INIT("CN"), 8000, 1, { NULL, 0 } };

int sdp_offer_lines(const struct sdp_codecs *list, struct sdp_fmt fmt[SDP_FMT_MAX],
		    uint8_t pt[SDP_CODEC_MAX], int *events_pt, int *noise_pt)
{
	int n = 0, dynamic = 102;

	for (int i = 0; i < list->n; i++) {
		int p = static_pt(&list->c[i]);

		pt[i] = (uint8_t)(p >= 0 ? p : dynamic++);
		fmt[n++] = fmt_of(&list->c[i], pt[i]);
	}
	*events_pt = *noise_pt = -1;
	if (list->noise) {
		*noise_pt = 13;
		fmt[n++] = noise_fmt;
	}
	if (list->events) {
		*events_pt = 101;
		fmt[n++] = event_fmt;
	}
	return n;
}

int sdp_answer_lines(const struct sdp_codecs *list, const struct sdp_remote *offer,
		     struct sdp_fmt fmt[SDP_FMT_MAX], uint8_t pt[SDP_CODEC_MAX], int *events_pt,
		     int *noise_pt)
{
	int n = 0;

	for (int i = 0; i < list->n; i++) {
		int k = sdp_codec_find(&offer->codecs, &list->c[i]);

		pt[i] = k >= 0 ? offer->pt[k] : 0;
		fmt[n++] = fmt_of(&list->c[i], pt[i]);
	}
	*events_pt = *noise_pt = -1;
	if (list->noise && offer->noise_pt >= 0) {
		*noise_pt = offer->noise_pt;
		fmt[n] = noise_fmt;
		fmt[n++].pt = (uint8_t)offer->noise_pt;
	}
	if (list->events && offer->events_pt >= 0) {
		*events_pt = offer->events_pt;
		fmt[n] = event_fmt;
		fmt[n++].pt = (uint8_t)offer->events_pt;
	}
	return n;
}
