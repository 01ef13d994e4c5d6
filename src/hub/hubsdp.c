#include "hub/hub_int.h"

/* The hub's own SDP, written and read without the daemon's: two readings of one protocol
 * that have to agree. Shapes as in the traces of the media protocols page. */

void hub_sdp_write(struct hub_call *c, struct buf *b, bool offer, const char *direction)
{
	struct addr a;
	char crypto[160];
	struct buf k;

	buf_init(&k, crypto, sizeof crypto);
	ear_local(c->ear, &a, &k);
	buf_fmt(b, "v=0\r\no=- %u %u IN IP4 ", c->number, c->sdp_version);
	addr_ip(b, &a);
	buf_lit(b, "\r\ns=session\r\nc=IN IP4 ");
	addr_ip(b, &a);
	buf_fmt(b, "\r\nb=CT:10000000\r\nt=0 0\r\nm=audio %u RTP/SAVP %s101 13\r\n", a.port,
		offer ? "0 8 " : c->pt == 8 ? "8 " : "0 ");
	buf_fmt(b, "a=rtcp:%u\r\na=x-signaling-fb:* x-message app send:dsh recv:dsh\r\n",
		a.port + 1u);
	/* Offers list the 32-bit suite first, with tag 0 (media protocols page). */
	if (offer)
		buf_fmt(b, "a=crypto:0 AES_CM_128_HMAC_SHA1_32 %.*s|2^31\r\n",
			STRF(str_sub(buf_str(&k), 24, k.n)));
	buf_fmt(b, "a=crypto:%d %s|2^31\r\n", offer ? 1 : c->crypto_tag, buf_z(&k));
	buf_lit(b, "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:13 CN/8000\r\n"
		   "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\n");
	buf_fmt(b, "a=%s\r\n", direction);
}

struct reading {
	struct addr to;
	struct str crypto;
	uint32_t pt, port, tag;
	bool audio;
};

static void read_audio(struct reading *r, struct str v)
{
	struct str word, rest;

	(void)str_cut(v, ' ', &word, &v);		/* audio */
	(void)str_cut(v, ' ', &word, &v);
	r->audio = str_u32(word, 65535, &r->port) == OK && r->port;
	(void)str_cut(v, ' ', &word, &v);		/* profile */
	r->pt = 128;
	while (v.p && r->pt > 8) {
		(void)str_cut(v, ' ', &word, &rest);
		if (str_is(word, "0") || str_is(word, "8"))
			r->pt = (uint32_t)(word.p[0] - '0');
		v = rest;
	}
}

static void read_crypto(struct reading *r, struct str v)
{
	struct str tag, rest;

	if (!str_cut(v, ' ', &tag, &rest) || !str_starts(rest, STR("AES_CM_128_HMAC_SHA1_80 ")))
		return;
	r->crypto = rest;
	(void)str_u32(tag, 999999999, &r->tag);	/* a bad tag stays 0 */
}

enum err hub_sdp_read(struct hub_call *c, struct str sdp)
{
	struct reading r = { .pt = 128 };
	struct str line, rest;

	while (sdp.n) {
		(void)str_cut(sdp, '\n', &line, &rest);
		sdp = rest;
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		if (str_starts(line, STR("c=IN IP4 ")) || str_starts(line, STR("c=IN IP6 ")))
			(void)addr_parse_ip(str_sub(line, 9, line.n), &r.to);
		else if (str_starts(line, STR("m=audio ")) && !r.audio)
			read_audio(&r, str_sub(line, 2, line.n));
		else if (str_starts(line, STR("a=crypto:")))
			read_crypto(&r, str_sub(line, 9, line.n));
	}
	if (!r.audio || r.pt > 8 || !r.crypto.p || r.to.family == ADDR_NONE)
		return ERR_PARSE;
	r.to.port = (uint16_t)r.port;
	c->pt = (int)r.pt;
	c->crypto_tag = (int)r.tag;
	return ear_remote(c->ear, &r.to, r.crypto, (uint8_t)r.pt);
}
