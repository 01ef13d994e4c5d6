/* A session description, and a crypto line: whatever comes, slices stay inside the bytes, caps
 * hold, and the answer to it reads back with every line in its place. */
#include <stdlib.h>
#include <string.h>

#include "sdp/sdp.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void must(bool good)
{
	if (!good)
		abort();
}

static void inside(struct str s, struct str all)
{
	must(!s.n || (s.p >= all.p && s.p + s.n <= all.p + all.n));
}

static void check_crypto(const struct sdp_crypto *c)
{
	must(c->suite > SDP_SUITE_NONE && c->suite < SDP_NSUITE && c->key_n == sdp_suite_key(c->suite));
	must(c->mki_n <= 4 && (c->mki_n == 4 || !(c->mki >> (8 * c->mki_n))));
}

static void check_audio(const struct sdp_media *m)
{
	must(m->nfmt <= SDP_FMT_MAX && m->ncrypto <= SDP_CRYPTO_MAX && m->dir < SDP_NDIR);
	for (int i = 0; i < m->nfmt; i++) {
		must(m->fmt[i].pt < 128 && m->fmt[i].channels && m->fmt[i].name.n <= SDP_TOKEN_MAX);
		must(!memchr(m->fmt[i].fmtp.p ? m->fmt[i].fmtp.p : "", '\n', m->fmt[i].fmtp.n));
		for (int k = 0; k < i; k++)
			must(m->fmt[i].pt != m->fmt[k].pt);
	}
	for (int i = 0; i < m->ncrypto; i++)
		check_crypto(&m->crypto[i]);
}

/* Our answer, with our audio at `line`. */
static void answer(const struct sdp *s, const struct sdp_lines *lines, int line)
{
	static struct sdp back;
	static char text[16384];
	struct sdp_fmt fmt[SDP_FMT_MAX];
	const struct sdp_media *m = &s->media[line];
	struct sdp_out o = { .id = 1, .version = 2, .rtp = { ADDR_V4, 4000, { 192, 0, 2, 1 } },
			     .proto = m->proto, .fmt = fmt, .dir = m->dir, .ptime = m->ptime,
			     .lines = lines, .line = line };
	struct sdp_fault why;
	struct buf b;

	for (int i = 0; i < m->nfmt; i++)
		fmt[o.nfmt++] = m->fmt[i];
	for (int i = 0; i < m->ncrypto && o.ncrypto < SDP_NSUITE; i++)
		o.crypto[o.ncrypto++] = m->crypto[i];
	buf_init(&b, text, sizeof text);
	sdp_write(&b, &o);
	if (!buf_ok(&b))
		return;			/* one long parameter repeated: refused where it is sent */
	must(sdp_parse(buf_str(&b), &back, &why) == OK && back.nmedia == s->nmedia);
	for (int i = 0; i < back.nmedia; i++) {
		must(i == line || (str_eq(back.media[i].kind, s->media[i].kind) && !back.media[i].port &&
				   str_eq(back.media[i].proto_text, s->media[i].proto_text)));
	}
	m = &back.media[line];
	must(m->audio && m->port == 4000 && m->dir == o.dir && m->nfmt == o.nfmt && m->ncrypto == o.ncrypto);
	for (int i = 0; i < m->nfmt; i++)
		must(m->fmt[i].pt == fmt[i].pt && (!fmt[i].name.n || str_eq(m->fmt[i].name, fmt[i].name)));
	for (int i = 0; i < m->ncrypto; i++)
		must(m->crypto[i].suite == o.crypto[i].suite && m->crypto[i].tag == o.crypto[i].tag &&
		     !memcmp(m->crypto[i].key, o.crypto[i].key, o.crypto[i].key_n));
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct sdp s;
	static struct sdp_lines lines;
	struct str all = { (const char *)p, n };
	struct sdp_fault why = { NULL, -1 };
	struct sdp_crypto c;
	enum err e = sdp_parse(all, &s, &why);

	if (sdp_crypto_parse(all, &c) == OK)
		check_crypto(&c);
	must((e == OK) == (why.text == NULL));
	must(e == OK || e == ERR_PARSE || e == ERR_LIMIT);
	if (e)
		return 0;
	must(s.nmedia <= SDP_MEDIA_MAX);
	inside(s.origin_id, all);
	for (int i = 0; i < s.nmedia; i++) {
		inside(s.media[i].kind, all);
		inside(s.media[i].formats, all);
		check_audio(&s.media[i]);
	}
	sdp_lines_of(&s, &lines);
	for (int i = 0; i < s.nmedia; i++)
		if (s.media[i].audio)
			answer(&s, &lines, i);
	return 0;
}
