#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "io/crypto.h"
#include "sim/flow.h"

/* Session descriptions of peers: one audio line, written and read as text. */

static const struct { const char *name, *rtpmap; int pt; } codec[] = {
	{ "pcmu", "PCMU/8000", 0 }, { "pcma", "PCMA/8000", 8 }, { "g722", "G722/8000", 9 },
	{ "g729", "G729/8000", 18 }, { "opus", "opus/48000/2", 111 },
	{ "events", "telephone-event/8000", 101 }, { "cn", "CN/8000", 13 },
	{ "silk", "SILK/16000", 104 },
};

static const char *rtpmap_of(const char *name)
{
	for (size_t i = 0; i < sizeof codec / sizeof *codec; i++)
		if (!strcmp(codec[i].name, name))
			return codec[i].rtpmap;
	return "X-UNKNOWN/8000";
}

static int default_pt(const char *name)
{
	for (size_t i = 0; i < sizeof codec / sizeof *codec; i++)
		if (!strcmp(codec[i].name, name))
			return codec[i].pt;
	return 127;
}

/* The other side's payload type of that codec, else the usual one. */
static int pt_for(const struct flow_dialog *d, const char *name)
{
	const struct flow_sdp *o = &d->media.theirs;

	for (int i = 0; i < o->nfmt; i++)
		if (!strcmp(o->fmt[i].name, name))
			return o->fmt[i].pt;
	return default_pt(name);
}

/* "pcmu,pcma@8,events": names with payload types where they matter. */
static void formats(struct flow_dialog *d, const char *list)
{
	struct flow_sdp *m = &d->media.mine;

	m->nfmt = 0;
	while (*list && m->nfmt < FLOW_FMT) {
		struct flow_fmt *x = &m->fmt[m->nfmt++];
		size_t n = strcspn(list, ",@");

		flow_put(x->name, sizeof x->name, "%.*s", (int)n, list);
		x->pt = pt_for(d, x->name);
		list += n;
		if (*list == '@') {
			char number[8];

			n = strcspn(++list, ",");
			flow_put(number, sizeof number, "%.*s", (int)n, list);
			x->pt = (int)flow_number(number, 127);
			list += n;
		}
		list += *list == ',';
	}
}

static void audio(struct flow_dialog *d, const struct flow_args *a, struct buf *b)
{
	struct flow_sdp *m = &d->media.mine;
	const char *dir = flow_arg(a, "dir"), *suite = flow_arg(a, "suite");
	char key[80];
	struct buf k;

	buf_fmt(b, "m=audio %u RTP/%s", d->media.at.port, m->srtp ? "SAVP" : "AVP");
	for (int i = 0; i < m->nfmt; i++)
		buf_fmt(b, " %d", m->fmt[i].pt);
	buf_lit(b, "\r\n");
	for (int i = 0; i < m->nfmt; i++)
		buf_fmt(b, "a=rtpmap:%d %s\r\n", m->fmt[i].pt, rtpmap_of(m->fmt[i].name));
	if (m->srtp) {
		buf_init(&k, key, sizeof key);
		crypto_base64(&k, m->key, 30);
		m->tag = d->media.theirs.tag && d->media.theirs.srtp ? d->media.theirs.tag : 1;
		buf_fmt(b, "a=crypto:%d %s inline:%s\r\n", m->tag,
			suite ? suite : "AES_CM_128_HMAC_SHA1_80", buf_z(&k));
	}
	buf_fmt(b, "a=%s\r\n", dir ? dir : "sendrecv");
}

void flow_sdp_write(struct flow_dialog *d, const struct flow_args *a, char *dst, size_t cap)
{
	const char *spec = flow_arg(a, "sdp"), *c = flow_arg(a, "c"), *extra = flow_arg(a, "after");
	const char *before = flow_arg(a, "before");
	struct flow_sdp *m = &d->media.mine;
	char ip[64];
	struct buf b, i;

	dst[0] = '\0';
	if (!spec || !flow_media_open(d))
		return;
	if (flow_arg(a, "raw-sdp"))
		spec = "rtp:pcmu";
	m->srtp = !strncmp(spec, "srtp:", 5);
	m->suite = SRTP_AES_CM_80;
	formats(d, spec + (m->srtp ? 5 : 4));
	buf_init(&i, ip, sizeof ip);
	addr_ip(&i, &d->media.at);
	if (!flow_word(a, "same"))
		d->sdp_version++;
	buf_init(&b, dst, cap);
	buf_fmt(&b, "v=0\r\no=%s 1000 %u IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\n", d->peer->name,
		d->sdp_version, buf_z(&i), c ? c : ip);
	if (before)
		buf_fmt(&b, "%s\r\n", before);
	audio(d, a, &b);
	if (extra)
		buf_fmt(&b, "%s\r\n", extra);
	(void)buf_z(&b);
	flow_media_keys(&d->media);
}

/* --- reading ---------------------------------------------------------------------------- */

static const char *name_of(const char *rtpmap)
{
	for (size_t i = 0; i < sizeof codec / sizeof *codec; i++) {
		size_t n = strcspn(codec[i].rtpmap, "/");

		if (!strncasecmp(codec[i].rtpmap, rtpmap, n) && rtpmap[n] == '/')
			return codec[i].name;
	}
	return "other";
}

static void read_media_line(struct flow_sdp *s, const char *line)
{
	const char *p;

	s->rtp.port = 0;
	s->srtp = strstr(line, "RTP/SAVP") != NULL;
	s->nfmt = 0;
	p = line + strlen("m=audio ");
	for (; *p >= '0' && *p <= '9'; p++)
		s->rtp.port = (uint16_t)(s->rtp.port * 10 + (*p - '0'));
	p += strspn(p, " ");
	p += strcspn(p, " ");
	while (*p == ' ' && s->nfmt < FLOW_FMT) {
		int pt = 0;

		for (p++; *p >= '0' && *p <= '9'; p++)
			pt = pt * 10 + (*p - '0');
		for (size_t i = 0; i < sizeof codec / sizeof *codec; i++)
			if (codec[i].pt == pt && pt < 96)
				flow_put(s->fmt[s->nfmt].name, 16, "%s", codec[i].name);
		s->fmt[s->nfmt++].pt = pt;
	}
}

static void read_rtpmap(struct flow_sdp *s, const char *line)
{
	int pt = 0;
	const char *p = line + strlen("a=rtpmap:");

	for (; *p >= '0' && *p <= '9'; p++)
		pt = pt * 10 + (*p - '0');
	for (int i = 0; i < s->nfmt; i++)
		if (s->fmt[i].pt == pt && *p == ' ')
			flow_put(s->fmt[i].name, sizeof s->fmt[i].name, "%s", name_of(p + 1));
}

static void read_crypto(struct flow_sdp *s, const char *line)
{
	const char *p = strstr(line, "inline:");
	char key[60];
	size_t n = 0;

	if (!p || !strstr(line, "AES_CM_128_HMAC_SHA1_80") || s->suite == SRTP_AES_CM_80)
		return;
	p += strlen("inline:");
	flow_put(key, sizeof key, "%.*s", (int)strcspn(p, "|\r\n "), p);
	if (crypto_unbase64(str_of(key), s->key, sizeof s->key, &n) == OK && n == 30) {
		s->suite = SRTP_AES_CM_80;
		s->tag = line[strlen("a=crypto:")] - '0';
	}
}

void flow_sdp_read(struct flow_dialog *d, const char *text)
{
	struct flow_sdp *s = &d->media.theirs;
	const struct flow_sdp before = *s;
	const char *line = text;
	char one[400];
	bool audio_line = false;

	s->suite = SRTP_NONE;
	while (line && *line) {
		flow_put(one, sizeof one, "%.*s", (int)strcspn(line, "\r\n"), line);
		if (!strncmp(one, "c=IN IP4 ", 9)) {
			uint16_t port = s->rtp.port;

			(void)addr_parse_ip(str_of(one + 9), &s->rtp);
			s->rtp.port = port;
		} else if (!strncmp(one, "m=", 2)) {
			audio_line = !strncmp(one, "m=audio ", 8) && strncmp(one, "m=audio 0 ", 10) != 0;
			if (audio_line)
				read_media_line(s, one);
		} else if (audio_line && !strncmp(one, "a=rtpmap:", 9)) {
			read_rtpmap(s, one);
		} else if (audio_line && !strncmp(one, "a=crypto:", 9)) {
			read_crypto(s, one);
		}
		line = strchr(line, '\n');
		line += line != NULL;
	}
	d->media.moved = before.nfmt && (before.rtp.port != s->rtp.port ||
					 (before.suite == s->suite && s->suite != SRTP_NONE &&
					  memcmp(before.key, s->key, sizeof s->key) != 0));
	flow_media_keys(&d->media);
}
