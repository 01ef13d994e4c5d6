/* Offer x answer (RFC 3264): whatever is offered, our answer names nothing that the offer has
 * not, keeps every line, and the offerer can use it; whatever is answered to an offer of ours is
 * taken or refused with a reason. First byte: options. Then the two texts, parted by a NUL. */
#include <stdlib.h>
#include <string.h>

#include "sdp/negotiate.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void must(bool good)
{
	if (!good)
		abort();
}

static void options(struct sdp_opts *o, unsigned how)
{
	*o = (struct sdp_opts){ .srtp = (enum sdp_srtp)((how & 3) % 3), .nsuite = 3, .ptime = 20,
				.suite = { SDP_AES_CM_80, SDP_AES_CM_32, SDP_AES_GCM },
				.rtcp_mux = how & 4 };
	if (how & 8)
		o->suite[0] = SDP_AES_GCM;
	if (how & 16)
		o->nsuite = 1;
	if (how & 32) {
		o->codecs.n = 1;
		o->codecs.c[0] = sdp_codecs_all()->c[1];
	}
}

static bool has_pt(const struct sdp_fmt *fmt, int n, uint8_t pt)
{
	for (int i = 0; i < n; i++)
		if (fmt[i].pt == pt)
			return true;
	return false;
}

static void all_different(const struct sdp_fmt *fmt, int n)
{
	for (int i = 0; i < n; i++) {
		must(fmt[i].pt < 128);
		must(!has_pt(fmt, i, fmt[i].pt));
	}
}

static enum err read(struct str text, struct sdp *s, const struct sdp_ask *ask, struct sdp_remote *r)
{
	struct sdp_fault why;
	struct reason reason = { REASON_N, { STR_NONE } };
	enum err e = sdp_parse(text, s, &why);

	if (e)
		return e;
	e = sdp_take(s, ask, r, &reason);
	must((e == OK) == (reason.code == REASON_N));
	must(e == OK || reason.code == REASON_BAD_SDP || reason.code == REASON_SRTP_REQUIRED ||
	     reason.code == REASON_NO_COMMON_CODEC);
	return e;
}

/* The answer with all that both can, read as the offerer reads it. */
static void answer(const struct sdp *offer, const struct sdp_remote *r, const struct sdp_ask *ask)
{
	static struct sdp back;
	static struct sdp_lines lines;
	static char text[16384];
	struct sdp_ask theirs = *ask;
	struct sdp_opts open = *ask->opts;
	struct sdp_fmt fmt[SDP_FMT_MAX];
	struct sdp_remote got;
	struct sdp_map map;
	struct sdp_out o = { .id = 1, .version = 1, .rtp = { ADDR_V4, 4000, { 192, 0, 2, 1 } },
			     .proto = r->proto, .fmt = fmt, .dir = r->dir, .lines = &lines,
			     .line = r->line };
	const struct sdp_media *m = &offer->media[r->line];
	struct buf b;

	sdp_lines_of(offer, &lines);
	o.nfmt = sdp_answer_lines(sdp_codecs_all(), &r->side, fmt, &map);
	all_different(fmt, o.nfmt);
	for (int i = 0; i < o.nfmt; i++)
		must(has_pt(m->fmt, m->nfmt, fmt[i].pt));
	if (r->crypto.suite != SDP_SUITE_NONE)
		o.crypto[o.ncrypto++] = r->crypto;
	o.crypto[0].mki_n = 0;
	buf_init(&b, text, sizeof text);
	sdp_write(&b, &o);
	must(buf_ok(&b));
	theirs.opts = &open;
	theirs.line = r->line;
	open.codecs.n = 0;
	must(read(buf_str(&b), &back, &theirs, &got) == OK);
	must(back.nmedia == offer->nmedia && got.crypto.suite == r->crypto.suite &&
	     got.crypto.tag == r->crypto.tag);
	for (int i = 0; i < back.nmedia; i++)
		must(i == r->line || back.media[i].port == 0);
	for (int i = 0; i < got.side.codecs.n; i++)
		must(sdp_codec_find(&r->side.codecs, &got.side.codecs.c[i]) >= 0);
	must(got.side.codecs.n == r->side.codecs.n);
}

/* A later offer of ours, after what both have said. */
static void offer_again(const struct sdp_side *said, const struct sdp_side *theirs)
{
	struct sdp_fmt fmt[SDP_FMT_MAX];
	struct sdp_map map;
	int n = sdp_offer_lines(sdp_codecs_all(), said, theirs, fmt, &map);

	must(n <= SDP_FMT_MAX && n == sdp_codecs_all()->n + 2);
	all_different(fmt, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct sdp s;
	struct sdp_opts o;
	struct arena texts;
	struct sdp_ask ask = { .opts = &o, .line = -1, .peer = STR("peer"), .texts = &texts };
	struct sdp_remote a, b;
	struct str all, first, second;
	bool offered, answered;

	if (n < 2)
		return 0;
	options(&o, p[0]);
	ask.now = (enum sdp_suite)(p[0] >> 6);
	all = (struct str){ (const char *)p + 1, n - 1 };
	(void)str_cut(all, 0, &first, &second);
	arena_init(&texts, 1 << 16);
	offered = read(first, &s, &ask, &a) == OK;
	if (offered) {
		must(a.side.codecs.n > 0 && a.side.codecs.n <= SDP_CODEC_MAX);
		must(o.srtp != SDP_SRTP_MANDATORY || a.crypto.suite != SDP_SUITE_NONE);
		must(o.srtp != SDP_SRTP_OFF || a.crypto.suite == SDP_SUITE_NONE);
		answer(&s, &a, &ask);
		offer_again(NULL, &a.side);
	}
	ask.line = 0;
	answered = read(second, &s, &ask, &b) == OK;
	if (answered)
		must(b.line == 0);
	if (answered && offered)
		offer_again(&a.side, &b.side);
	arena_close(&texts);
	return 0;
}
