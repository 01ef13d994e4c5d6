#include "sdp/negotiate.h"

#include <string.h>

/* 101 and 13 are what everybody uses for events and noise; 102 is the first one of opus. */
enum { DYNAMIC_FIRST = 102, DYNAMIC_LAST = 127, OURS_EVENTS = 101, OURS_NOISE = 13 };

static const struct sdp_codecs all = {
	.n = 5, .events = true, .noise = true,
	.c = { { "PCMU", 8000, 1, "" }, { "PCMA", 8000, 1, "" }, { "G722", 8000, 1, "" },
	       { "G729", 8000, 1, "" }, { "opus", 48000, 2, "" } },
};

const struct sdp_codecs *sdp_codecs_all(void)
{
	return &all;
}

void sdp_codecs_allowed(const struct sdp_opts *o, struct sdp_codecs *out)
{
	if (o->codecs.n)
		sdp_common(&o->codecs, &all, out);
	else
		*out = all;
	out->events = out->noise = true;
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

struct sdp_codec sdp_agreed(const struct sdp_codec *offered, const struct sdp_codec *answered)
{
	/* RFC 4856 2.1.9: without annex B when either says so. */
	bool keep = !answered->fmtp[0] || str_starts(str_of(offered->fmtp), STR("annexb=no"));

	return keep ? *offered : *answered;
}

/* --- reading --------------------------------------------------------------- */

/* True: telephone-event or CN, at 8 kHz the ones we pass; no codec in any case. */
static bool add_beside(struct sdp_remote *r, const struct sdp_fmt *f)
{
	uint8_t *pt = str_iis(f->name, "telephone-event") ? &r->side.map.events
		    : str_iis(f->name, "CN") ? &r->side.map.noise : NULL;

	if (!pt)
		return false;
	if (f->clock == 8000 && *pt == SDP_PT_NONE)
		*pt = f->pt;
	return true;
}

/* What one side wishes for a codec and the other side has to know: all that ever crosses. */
static const struct { const char *codec, *name; } crosses[] = {
	{ "G729", "annexb" },			/* RFC 4856 2.1.9 */
	{ "opus", "maxplaybackrate" }, { "opus", "sprop-maxcapturerate" },	/* RFC 7587 6.1 */
	{ "opus", "maxaveragebitrate" }, { "opus", "stereo" }, { "opus", "sprop-stereo" },
	{ "opus", "cbr" }, { "opus", "useinbandfec" }, { "opus", "usedtx" }, { "opus", "minptime" },
};

static const char *crossing(const struct sdp_codec *c, struct str name, struct str value)
{
	uint32_t n;

	if (!str_iis(value, "yes") && !str_iis(value, "no") && str_u32(value, 999999, &n))
		return NULL;
	for (size_t i = 0; i < sizeof crosses / sizeof *crosses; i++)
		if (str_iis(name, crosses[i].name) && str_ieq(str_of(c->name), str_of(crosses[i].codec)))
			return crosses[i].name;
	return NULL;
}

/* "annexb=no;x=y" becomes what of it may cross; as far as there is room. */
static void read_fmtp(struct sdp_codec *c, struct str v)
{
	struct str one, name, value;
	struct buf b;

	buf_init(&b, c->fmtp, sizeof c->fmtp);
	while (v.p) {
		const char *known;

		(void)str_cut(v, ';', &one, &v);
		(void)str_cut(str_trim(one), '=', &name, &value);
		known = crossing(c, str_trim(name), str_trim(value));
		if (known && b.n + strlen(known) + value.n + 2 < sizeof c->fmtp)
			buf_fmt(&b, "%s%s=%.*s", b.n ? ";" : "", known, STRF(str_trim(value)));
	}
	(void)buf_z(&b);
}

static void add_codec(struct sdp_remote *r, const struct sdp_codecs *allowed,
		      const struct sdp_fmt *f)
{
	struct sdp_codec c = { .clock = f->clock, .channels = f->channels };
	int k;

	if (add_beside(r, f) || r->side.codecs.n == SDP_CODEC_MAX ||
	    !str_copy(c.name, sizeof c.name, f->name))
		return;
	k = sdp_codec_find(allowed, &c);
	if (k < 0 || sdp_codec_find(&r->side.codecs, &c) >= 0)
		return;
	c = allowed->c[k];		/* with our spelling */
	read_fmtp(&c, f->fmtp);
	r->side.map.pt[r->side.codecs.n] = f->pt;
	r->side.codecs.c[r->side.codecs.n++] = c;
}

/* Of two lines with that suite the one without an MKI. */
static bool choose_suite(const struct sdp_media *m, enum sdp_suite s, struct sdp_crypto *c)
{
	for (int mki = 0; mki < 2; mki++)
		for (int i = 0; i < m->ncrypto; i++)
			if (m->crypto[i].suite == s && !!m->crypto[i].mki_n == mki) {
				*c = m->crypto[i];
				return true;
			}
	return false;
}

/* The suite in use, so that a refresh changes no key; else the one we like best. */
static bool choose_crypto(const struct sdp_media *m, const struct sdp_ask *ask, struct sdp_crypto *c)
{
	if (ask->now != SDP_SUITE_NONE && choose_suite(m, ask->now, c))
		return true;
	for (int k = 0; k < ask->opts->nsuite; k++)
		if (choose_suite(m, ask->opts->suite[k], c))
			return true;
	return false;
}

static void addresses(const struct sdp_media *m, struct sdp_remote *r)
{
	r->rtp = m->conn;
	r->zero = r->rtp.family != ADDR_NONE && addr_is_any(&r->rtp);
	r->rtp.port = m->port;
	r->rtcp = m->rtcp.family == m->conn.family ? m->rtcp : m->conn;
	r->rtcp.port = m->rtcp.port ? m->rtcp.port : (uint16_t)(m->port + (m->port < 65535));
	r->mux = m->rtcp_mux;
}

/* Nobody may point a stream of ours at many. */
static bool is_group(const struct addr *a)
{
	return (a->family == ADDR_V4 && a->ip[0] >= 224) ||
	       (a->family == ADDR_V6 && a->ip[0] == 255);
}

static enum err bad(struct reason *why, struct str peer, const char *text)
{
	*why = REASON(BAD_SDP, peer, str_of(text));
	return ERR_PARSE;
}

/* RFC 4568 and the peer's options: which keys, or why not. */
static enum err keys(const struct sdp_media *m, const struct sdp_ask *ask, struct sdp_crypto *c,
		     struct reason *why)
{
	bool secure = m->proto == SDP_RTP_SAVP;

	if (!secure && ask->opts->srtp != SDP_SRTP_MANDATORY)
		return OK;
	if (!secure || (!m->ncrypto && !m->crypto_unusable)) {
		*why = REASON(SRTP_REQUIRED, ask->peer);
		return ERR_DENIED;
	}
	if (ask->opts->srtp == SDP_SRTP_OFF)
		return bad(why, ask->peer, "it demands SRTP, which is switched off for this peer");
	if (!choose_crypto(m, ask, c))
		return bad(why, ask->peer, "none of its SRTP suites can be used");
	return OK;
}

/* The names as the peer wrote them, so that an engineer finds them in the trace. */
static enum err no_codec(const struct sdp_media *m, const struct sdp_ask *ask, struct reason *why)
{
	char text[SDP_FMT_MAX * (SDP_TOKEN_MAX + 1)];
	struct buf b;

	buf_init(&b, text, sizeof text);
	for (int i = 0; i < m->nfmt; i++) {
		if (i)
			buf_ch(&b, ' ');
		if (m->fmt[i].name.n)
			buf_put(&b, str_sub(m->fmt[i].name, 0, SDP_TOKEN_MAX));
		else
			buf_u64(&b, m->fmt[i].pt);
	}
	*why = REASON(NO_COMMON_CODEC, ask->peer, str_dup(ask->texts, buf_str(&b)));
	return ERR_DENIED;
}

static enum err take_line(const struct sdp *s, int line, const struct sdp_ask *ask,
			  struct sdp_remote *out, struct reason *why)
{
	const struct sdp_media *m = &s->media[line];
	struct sdp_remote r = { .line = line, .version = s->version, .dir = m->dir,
				.proto = m->proto, .ptime = m->ptime };
	struct sdp_codecs allowed;
	enum err e;

	if (m->duplicate_pt)
		return bad(why, ask->peer, "two codecs share one payload type");
	addresses(m, &r);
	if (r.rtp.family == ADDR_NONE)
		return bad(why, ask->peer, "the audio has no IP address (c= line)");
	if (is_group(&r.rtp) || is_group(&r.rtcp))
		return bad(why, ask->peer, "the audio's address is multicast or broadcast");
	e = keys(m, ask, &r.crypto, why);
	if (e)
		return e;
	sdp_codecs_allowed(ask->opts, &allowed);
	memset(&r.side.map, SDP_PT_NONE, sizeof r.side.map);
	for (int i = 0; i < m->nfmt; i++)
		add_codec(&r, &allowed, &m->fmt[i]);
	r.side.codecs.events = r.side.map.events != SDP_PT_NONE;
	r.side.codecs.noise = r.side.map.noise != SDP_PT_NONE;
	if (!r.side.codecs.n)
		return no_codec(m, ask, why);
	*out = r;
	return OK;
}

static bool is_open(const struct sdp *s, int line)
{
	return line < s->nmedia && s->media[line].audio && s->media[line].port &&
	       s->media[line].nfmt;
}

enum err sdp_take(const struct sdp *s, const struct sdp_ask *ask, struct sdp_remote *r,
		  struct reason *why)
{
	struct reason first, other;
	enum err e = OK;

	if (ask->line >= 0)
		return is_open(s, ask->line) ? take_line(s, ask->line, ask, r, why)
					     : bad(why, ask->peer, "our audio was refused");
	for (int i = 0; i < s->nmedia; i++) {
		enum err x;

		if (!is_open(s, i))
			continue;
		x = take_line(s, i, ask, r, e ? &other : &first);
		if (!x)
			return OK;
		e = e ? e : x;
	}
	if (!e)
		return bad(why, ask->peer, "it has no usable audio line");
	*why = first;
	return e;
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

static uint8_t known_pt(const struct sdp_side *known, const struct sdp_codec *c)
{
	int k = sdp_codec_find(&known->codecs, c);

	return k >= 0 ? known->map.pt[k] : SDP_PT_NONE;
}

/* Which payload types have a meaning in the session, and which in the offer being made. */
struct taken { bool session[128], here[128]; };

static void take_side(struct taken *t, const struct sdp_side *s)
{
	for (int i = 0; i < s->codecs.n; i++)
		if (s->map.pt[i] != SDP_PT_NONE)
			t->session[s->map.pt[i]] = true;
	if (s->map.events != SDP_PT_NONE)
		t->session[s->map.events] = true;
	if (s->map.noise != SDP_PT_NONE)
		t->session[s->map.noise] = true;
}

/* What we said for it, else what they said, else `ours` when it is free, else the first free
 * dynamic one: two sides name 20 at most, so there is one. */
static uint8_t choose_pt(struct taken *t, uint8_t said, uint8_t theirs, int ours)
{
	int p = ours;

	if (said != SDP_PT_NONE && !t->here[said])
		p = said;
	else if (theirs != SDP_PT_NONE && !t->here[theirs])
		p = theirs;
	else if (p < 0 || t->session[p] || t->here[p])
		for (p = DYNAMIC_FIRST; p < DYNAMIC_LAST && (t->session[p] || t->here[p]); p++)
			;
	t->here[p] = true;
	return (uint8_t)p;
}

static struct sdp_fmt fmt_of(const struct sdp_codec *c, uint8_t pt)
{
	return (struct sdp_fmt){ .pt = pt, .name = str_of(c->name), .clock = c->clock,
				 .channels = c->channels, .fmtp = str_of(c->fmtp) };
}

static int add_lines_beside(const struct sdp_map *map, struct sdp_fmt *fmt)
{
	int n = 0;

	if (map->noise != SDP_PT_NONE)
		fmt[n++] = (struct sdp_fmt){ .pt = map->noise, .name = STR("CN"), .clock = 8000,
					     .channels = 1 };
	if (map->events != SDP_PT_NONE)
		fmt[n++] = (struct sdp_fmt){ .pt = map->events, .name = STR("telephone-event"),
					     .clock = 8000, .channels = 1, .fmtp = STR("0-16") };
	return n;
}

int sdp_offer_lines(const struct sdp_codecs *list, const struct sdp_side *said,
		    const struct sdp_side *theirs, struct sdp_fmt fmt[SDP_FMT_MAX],
		    struct sdp_map *map)
{
	static const struct sdp_side none = { .map = { .events = SDP_PT_NONE, .noise = SDP_PT_NONE } };
	const struct sdp_side *a = said ? said : &none, *b = theirs ? theirs : &none;
	struct taken t = { 0 };
	struct sdp_map m;
	int n;

	memset(&m, SDP_PT_NONE, sizeof m);
	take_side(&t, a);
	take_side(&t, b);
	for (n = 0; n < list->n; n++) {
		const struct sdp_codec *c = &list->c[n];

		m.pt[n] = choose_pt(&t, known_pt(a, c), known_pt(b, c), static_pt(c));
		fmt[n] = fmt_of(c, m.pt[n]);
	}
	if (list->noise)
		m.noise = choose_pt(&t, a->map.noise, b->map.noise, OURS_NOISE);
	if (list->events)
		m.events = choose_pt(&t, a->map.events, b->map.events, OURS_EVENTS);
	*map = m;
	return n + add_lines_beside(map, fmt + n);
}

int sdp_answer_lines(const struct sdp_codecs *list, const struct sdp_side *offer,
		     struct sdp_fmt fmt[SDP_FMT_MAX], struct sdp_map *map)
{
	struct sdp_map m;
	int n = 0;

	memset(&m, SDP_PT_NONE, sizeof m);
	for (int i = 0; i < list->n; i++) {
		m.pt[i] = known_pt(offer, &list->c[i]);
		if (m.pt[i] != SDP_PT_NONE)
			fmt[n++] = fmt_of(&list->c[i], m.pt[i]);
	}
	if (list->noise)
		m.noise = offer->map.noise;
	if (list->events)
		m.events = offer->map.events;
	*map = m;
	return n + add_lines_beside(map, fmt + n);
}
