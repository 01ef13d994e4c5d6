/* t_sdp.c - session descriptions: what is read, what is refused and where, what is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "t_sdp.h"

void t_good(const char *text, struct sdp *s)
{
	struct sdp_fault why = { "", 0 };

	if (sdp_parse(str_of(text), s, &why))
		fail_msg("line %d: %s in\n%s", why.line, why.text, text);
}

static void every_mistake_is_named_with_its_line(void **state)
{
	static const struct { const char *text; int line; const char *why; } row[] = {
		{ "v=1\r\n", 1, "the version (v= line) is not 0" },
		{ "v=\r\n", 1, "the version (v= line) is not 0" },
		{ "hello\r\n", 1, "a line is not of the form x=value" },
		{ "v=0\r\nx\r\n", 2, "a line is not of the form x=value" },
		{ "v=0\r\na=x\rb\r\n", 2, "a line is not of the form x=value" },
		{ "v=0\r\no=-\r\n", 2, "the o= line is malformed" },
		{ "v=0\r\no=- 1 x IN IP4 h\r\n", 2, "the o= line is malformed" },
		{ "v=0\r\no=- 1 18446744073709551616 IN IP4 h\r\n", 2, "the o= line is malformed" },
		{ "v=0\r\no=- 1 -1 IN IP4 h\r\n", 2, "the o= line is malformed" },
		{ "v=0\r\n", 0, "the v= or o= line is missing" },
		{ "o=- 1 1 IN IP4 h\r\n", 0, "the v= or o= line is missing" },
		{ "", 0, "the v= or o= line is missing" },
		{ T_HEAD "c=IN IP5 1.2.3.4\r\n", 6, "the c= line is malformed" },
		{ T_HEAD "c=ATM IP4 1.2.3.4\r\n", 6, "the c= line is malformed" },
		{ T_HEAD "c=IN IP4\r\n", 6, "the c= line is malformed" },
		{ T_HEAD "c=IN IP4  \r\n", 6, "the c= line is malformed" },
		{ T_HEAD "m=audio\r\n", 6, "an m= line is malformed" },
		{ T_HEAD "m=audio x RTP/AVP 0\r\n", 6, "an m= line is malformed" },
		{ T_HEAD "m=audio 65536 RTP/AVP 0\r\n", 6, "an m= line is malformed" },
		{ T_HEAD "m=audio 4000/x RTP/AVP 0\r\n", 6, "an m= line is malformed" },
		{ T_HEAD "m=audio 4000\r\n", 6, "an m= line is malformed" },
		{ T_HEAD "m=audio 4000 RTP/AVP 128\r\n", 6, "an m= line is malformed" },
		{ T_HEAD "m=audio 4000 RTP/AVP zero\r\n", 6, "an m= line is malformed" },
		{ T_HEAD "m=au\"dio 4000 RTP/AVP 0\r\n", 6, "an m= line is malformed" },
		{ T_HEAD "m=video 4000 RTP\x01 0\r\n", 6, "an m= line is malformed" },
		{ T_HEAD "m=averyveryveryveryverylongmediatype 4000 RTP/AVP 0\r\n", 6,
		  "an m= line is malformed" },
		{ T_AUDIO "a=rtpmap:\r\n", 7, "an a=rtpmap line is malformed" },
		{ T_AUDIO "a=rtpmap:128 X/8000\r\n", 7, "an a=rtpmap line is malformed" },
		{ T_AUDIO "a=rtpmap:0 PCMU\r\n", 7, "an a=rtpmap line is malformed" },
		{ T_AUDIO "a=rtpmap:0 PCMU/0\r\n", 7, "an a=rtpmap line is malformed" },
		{ T_AUDIO "a=rtpmap:0 PCMU/1000001\r\n", 7, "an a=rtpmap line is malformed" },
		{ T_AUDIO "a=rtpmap:0 PCMU/8000/0\r\n", 7, "an a=rtpmap line is malformed" },
		{ T_AUDIO "a=rtpmap:0 PCMU/8000/256\r\n", 7, "an a=rtpmap line is malformed" },
		{ T_AUDIO "a=rtpmap:0 /8000\r\n", 7, "an a=rtpmap line is malformed" },
		{ T_AUDIO "a=fmtp:x annexb=no\r\n", 7, "an a=fmtp line is malformed" },
		{ T_AUDIO "a=fmtp:128 annexb=no\r\n", 7, "an a=fmtp line is malformed" },
		{ T_AUDIO "a=rtcp:x\r\n", 7, "an a=rtcp line is malformed" },
		{ T_AUDIO "a=rtcp:65536\r\n", 7, "an a=rtcp line is malformed" },
		{ T_AUDIO "a=rtcp:4001 IN IP9 1.2.3.4\r\n", 7, "an a=rtcp line is malformed" },
		{ T_AUDIO "a=crypto:1\r\n", 7, "an a=crypto line is malformed" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct sdp_fault why = { "good", -1 };
		struct sdp s;

		assert_int_equal(sdp_parse(str_of(row[i].text), &s, &why), ERR_PARSE);
		assert_string_equal(why.text, row[i].why);
		assert_int_equal(why.line, row[i].line);
	}
}

static void a_nul_byte_is_no_end(void **state)
{
	struct sdp_fault why;
	struct sdp s;

	(void)state;
	assert_int_equal(sdp_parse(STR(T_AUDIO "a=x\0y\r\n"), &s, &why), ERR_PARSE);
	assert_int_equal(why.line, 7);
}

/* --- limits ---------------------------------------------------------------- */

static char big[2 * SDP_BYTES_MAX];

static enum err repeat(const char *head, const char *line, int n, struct sdp *s, struct sdp_fault *why)
{
	struct buf b;

	buf_init(&b, big, sizeof big);
	buf_lit(&b, head);
	for (int i = 0; i < n; i++)
		buf_lit(&b, line);
	assert_true(buf_ok(&b));
	return sdp_parse(buf_str(&b), s, why);
}

static void every_limit_holds(void **state)
{
	struct sdp_fault why;
	struct sdp s;

	(void)state;
	assert_int_equal(repeat(T_HEAD, "m=audio 4000 RTP/AVP 0\r\n", SDP_MEDIA_MAX, &s, &why), OK);
	assert_int_equal(s.nmedia, SDP_MEDIA_MAX);
	assert_int_equal(repeat(T_HEAD, "m=audio 4000 RTP/AVP 0\r\n", SDP_MEDIA_MAX + 1, &s, &why),
			 ERR_LIMIT);
	assert_string_equal(why.text, "it has too many media lines");
	assert_int_equal(repeat(T_AUDIO, "a=x\r\n", SDP_ATTR_MAX, &s, &why), OK);
	assert_int_equal(repeat(T_AUDIO, "a=x\r\n", SDP_ATTR_MAX + 1, &s, &why), ERR_LIMIT);
	assert_string_equal(why.text, "it has too many attributes");
	assert_int_equal(repeat(T_HEAD, "a=x\r\n", SDP_ATTR_MAX + 1, &s, &why), ERR_LIMIT);
	assert_int_equal(repeat(T_HEAD "a=", "x", SDP_LINE_MAX - 2, &s, &why), OK);
	assert_int_equal(repeat(T_HEAD "a=", "x", SDP_LINE_MAX - 1, &s, &why), ERR_LIMIT);
	assert_string_equal(why.text, "a line is too long");
	assert_int_equal(why.line, 6);
	assert_int_equal(repeat(T_HEAD, "\r\n", SDP_BYTES_MAX / 2, &s, &why), ERR_LIMIT);
	assert_string_equal(why.text, "it is too long");
}

static void what_nobody_reads_may_be_long(void **state)
{
	struct sdp_fault why;
	struct sdp s;

	(void)state;
	assert_int_equal(repeat(T_HEAD "m=video 5000 RTP/AVP 96\r\n", "a=rtcp-fb:* nack\r\n", 1000, &s,
				&why), OK);
	assert_int_equal(s.nmedia, 1);
}

static void more_formats_than_we_keep_are_passed_over(void **state)
{
	char text[1000];
	struct sdp s;
	struct buf b;

	(void)state;
	buf_init(&b, text, sizeof text);
	buf_lit(&b, T_HEAD "m=audio 4000 RTP/AVP 0");
	for (int i = 96; i < 96 + SDP_FMT_MAX; i++)
		buf_fmt(&b, " %d", i);
	buf_lit(&b, " 8 0 0\r\na=rtpmap:8 PCMA/8000\r\n");
	t_good(buf_z(&b), &s);
	assert_int_equal(s.media[0].nfmt, SDP_FMT_MAX);
	assert_int_equal(s.media[0].fmt[0].pt, 0);
	assert_false(s.media[0].duplicate_pt);
}

/* --- reading ------------------------------------------------------------------ */

static void the_example_of_rfc_8866_is_read(void **state)
{
	static const char text[] =
		"v=0\r\no=jdoe 3724394400 3724394405 IN IP4 198.51.100.1\r\ns=Call to John Smith\r\n"
		"i=SDP Offer #1\r\nu=http://www.jdoe.example.com/home.html\r\n"
		"e=Jane Doe <jane@jdoe.example.com>\r\np=+1 617 555-6011\r\nc=IN IP4 198.51.100.1\r\n"
		"t=0 0\r\nm=audio 49170 RTP/AVP 0\r\nm=audio 49180 RTP/AVP 0\r\n"
		"m=video 51372 RTP/AVP 99\r\nc=IN IP6 2001:db8::2\r\na=rtpmap:99 h263-1998/90000\r\n";
	char ip[ADDR_TEXT];
	struct sdp s;

	(void)state;
	t_good(text, &s);
	assert_true(str_is(s.origin_user, "jdoe"));
	assert_true(str_is(s.origin_id, "3724394400"));
	assert_int_equal(s.version, 3724394405);
	assert_int_equal(s.nmedia, 3);
	assert_int_equal(s.media[1].port, 49180);
	assert_true(s.media[1].audio);
	assert_string_equal(addr_text(&s.media[1].conn, ip), "198.51.100.1:0");
	assert_false(s.media[2].audio);
	assert_int_equal(s.media[2].conn.family, ADDR_V6);
}

static void an_offer_of_direct_routing_is_read(void **state)
{
	static const char text[] =
		"v=0\r\no=- 128415 0 IN IP4 52.114.252.4\r\ns=session\r\nc=IN IP4 52.114.252.4\r\n"
		"b=CT:10000000\r\nt=0 0\r\nm=audio 53200 RTP/SAVP 104 9 103 111 18 0 8 97 101 13 118\r\n"
		"c=IN IP4 52.114.252.4\r\na=rtcp:53201\r\na=label:main-audio\r\na=mid:1\r\n"
		"a=sendrecv\r\na=crypto:0 AES_CM_128_HMAC_SHA1_32 inline:" T_KEY30 "|2^31\r\n"
		"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" T_KEY30 "|2^31\r\n"
		"a=rtpmap:104 SILK/16000\r\na=rtpmap:9 G722/8000\r\na=rtpmap:103 SILK/8000\r\n"
		"a=rtpmap:111 SIREN/16000\r\na=fmtp:111 bitrate=16000\r\na=rtpmap:18 G729/8000\r\n"
		"a=fmtp:18 annexb=no\r\na=rtpmap:97 RED/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
		"a=fmtp:101 0-16\r\na=rtpmap:118 CN/16000\r\na=ptime:20\r\n";
	const struct sdp_media *m;
	struct sdp s;

	(void)state;
	t_good(text, &s);
	m = &s.media[0];
	assert_int_equal(m->proto, SDP_RTP_SAVP);
	assert_int_equal(m->nfmt, 11);
	assert_int_equal(m->ncrypto, 2);
	assert_int_equal(m->crypto[0].tag, 0);
	assert_int_equal(m->crypto[0].suite, SDP_AES_CM_32);
	assert_int_equal(m->crypto[1].suite, SDP_AES_CM_80);
	assert_int_equal(m->rtcp.port, 53201);
	assert_int_equal(m->rtcp.family, ADDR_NONE);
	assert_int_equal(m->ptime, 20);
	assert_true(str_is(m->fmt[4].fmtp, "annexb=no"));
}

static void static_payload_types_have_their_names(void **state)
{
	static const struct { int pt; const char *name; unsigned clock; } row[] = {
		{ 0, "PCMU", 8000 }, { 3, "GSM", 8000 }, { 4, "G723", 8000 }, { 8, "PCMA", 8000 },
		{ 9, "G722", 8000 }, { 13, "CN", 8000 }, { 15, "G728", 8000 }, { 18, "G729", 8000 },
	};
	struct sdp s;

	(void)state;
	t_good(T_HEAD "m=audio 4000 RTP/AVP 0 3 4 8 9 13 15 18 96\r\n", &s);
	for (int i = 0; i < 8; i++) {
		const struct sdp_fmt *f = &s.media[0].fmt[i];

		assert_int_equal(f->pt, row[i].pt);
		assert_true(str_is(f->name, row[i].name));
		assert_int_equal(f->clock, row[i].clock);
		assert_false(f->mapped);
	}
	assert_int_equal(s.media[0].fmt[8].name.n, 0);
}

static void one_payload_type_with_two_meanings_is_seen(void **state)
{
	struct sdp s;

	(void)state;
	t_good(T_AUDIO "a=rtpmap:0 PCMU/8000\r\na=rtpmap:0 pcmu/8000/1\r\n", &s);
	assert_false(s.media[0].duplicate_pt);
	t_good(T_AUDIO "a=rtpmap:0 PCMU/8000\r\na=rtpmap:0 PCMA/8000\r\n", &s);
	assert_true(s.media[0].duplicate_pt);
	t_good(T_AUDIO "a=rtpmap:0 PCMU/8000\r\na=rtpmap:0 PCMU/16000\r\n", &s);
	assert_true(s.media[0].duplicate_pt);
	t_good(T_AUDIO "a=rtpmap:96 PCMU/8000\r\na=rtpmap:96 PCMA/8000\r\n", &s);
	assert_false(s.media[0].duplicate_pt);	/* not in the line */
}

static void directions_come_from_the_session_unless_the_line_says_its_own(void **state)
{
	struct sdp s;

	(void)state;
	t_good(T_HEAD "a=inactive\r\nm=audio 1 RTP/AVP 0\r\nm=audio 2 RTP/AVP 0\r\na=sendonly\r\n"
	       "m=audio 3 RTP/AVP 0\r\na=recvonly \r\nm=audio 4 RTP/AVP 0\r\na=sendrecv\r\n", &s);
	assert_int_equal(s.media[0].dir, SDP_INACTIVE);
	assert_int_equal(s.media[1].dir, SDP_SENDONLY);
	assert_int_equal(s.media[2].dir, SDP_RECVONLY);
	assert_int_equal(s.media[3].dir, SDP_SENDRECV);
	t_good(T_AUDIO, &s);
	assert_int_equal(s.media[0].dir, SDP_SENDRECV);
}

static void a_name_for_an_address_hurts_only_its_own_line(void **state)
{
	struct sdp s;

	(void)state;
	t_good(T_HEAD "m=audio 1 RTP/AVP 0\r\nc=IN IP4 media.example.com\r\nm=audio 2 RTP/AVP 0\r\n", &s);
	assert_int_equal(s.media[0].conn.family, ADDR_NONE);
	assert_int_equal(s.media[1].conn.family, ADDR_V4);
	t_good(T_HEAD "m=audio 1 RTP/AVP 0\r\nc=IN IP4 233.252.0.1/127\r\n", &s);
	assert_int_equal(s.media[0].conn.ip[0], 233);
}

static void rtcp_may_have_its_own_address(void **state)
{
	struct sdp s;

	(void)state;
	t_good(T_AUDIO "a=rtcp:53020 IN IP4 126.16.64.4\r\na=rtcp-mux\r\n", &s);	/* RFC 3605 */
	assert_int_equal(s.media[0].rtcp.port, 53020);
	assert_int_equal(s.media[0].rtcp.ip[0], 126);
	assert_true(s.media[0].rtcp_mux);
}

static void oddities_of_real_peers_pass(void **state)
{
	struct sdp s;

	(void)state;
	t_good("v=0\no=-  1  1  IN IP4 h\n\ns= \nc=IN  IP4  192.0.2.1 \nt=0 0\nm=audio  4000  RTP/AVP  0  8 \n",
	       &s);				/* bare LF, empty line, two spaces, one at the end */
	assert_int_equal(s.media[0].nfmt, 2);
	assert_int_equal(s.media[0].conn.ip[3], 1);
	t_good(T_AUDIO "a=ptime:20.5\r\na=ptime:\r\na=maxptime:150\r\na=silenceSupp:off - - - -\r\n"
	       "a=rtpmap:97 x-a-name-that-is-longer-than-thirty-two-bytes/8000\r\n"
	       "a=fmtp:0 \x01\r\nb=AS:64\r\nz=0 0\r\nk=clear:x\r\n", &s);
	assert_int_equal(s.media[0].ptime, 0);
	assert_int_equal(s.media[0].fmt[0].fmtp.n, 0);	/* not written again, so not kept */
	t_good(T_HEAD "m=audio 4000/2 RTP/AVP 0\r\n", &s);
	assert_int_equal(s.media[0].port, 4000);
	t_good(T_HEAD "m=audio 4000 RTP/AVP 97\r\na=rtpmap:97 no token/8000\r\n", &s);
	assert_int_equal(s.media[0].fmt[0].name.n, 0);
	t_good(T_HEAD "m=audio 4000 RTP/AVP\r\nm=application 9 UDP/BFCP *\r\nm=message 9 TCP/MSRP *\r\n", &s);
	assert_int_equal(s.media[0].nfmt, 0);
	assert_int_equal(s.nmedia, 3);
	t_good(T_HEAD "m=audio 4000 UDP/TLS/RTP/SAVPF 0\r\na=crypto:bad\r\n", &s);
	assert_false(s.media[0].audio);
}

/* --- the bodies of RFC 4475 ------------------------------------------------------ */

static void the_bodies_of_rfc_4475_are_read(void **state)
{
	static const char *const name[] = { "wsinv", "esc01", "longreq", "semiuri", "transports", "ncl",
					    "sdp01", "inv2543" };

	(void)state;
	for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
		char path[300], text[16384];
		const char *body;
		struct sdp_fault why = { "", 0 };
		struct sdp s;
		FILE *f;
		size_t n;

		(void)snprintf(path, sizeof path, "%s/data/rfc4475/%s.dat", TEST_DIR, name[i]);
		f = fopen(path, "re");
		assert_non_null(f);
		n = fread(text, 1, sizeof text - 1, f);
		(void)fclose(f);
		text[n] = 0;
		body = strstr(text, "v=0");
		if (!body || (body = strstr(text, "\r\nv=0")) == NULL)
			continue;
		if (sdp_parse(str_of(body + 2), &s, &why))
			fail_msg("%s, line %d: %s", name[i], why.line, why.text);
		assert_true(s.nmedia > 0);
	}
}

/* --- writing ----------------------------------------------------------------------- */

static void what_is_written_is_read_back(void **state)
{
	const struct sdp_fmt fmt[] = {
		{ .pt = 0, .name = STR("PCMU"), .clock = 8000, .channels = 1 },
		{ .pt = 111, .name = STR("opus"), .clock = 48000, .channels = 2, .fmtp = STR("useinbandfec=1") },
		{ .pt = 101, .name = STR("telephone-event"), .clock = 8000, .channels = 1, .fmtp = STR("0-16") },
		{ .pt = 97 },
	};
	struct sdp_out o = { .id = 7, .version = 3, .rtcp_port = 4001, .rtcp_mux = true,
			     .proto = SDP_RTP_SAVP, .fmt = fmt, .nfmt = 4, .ptime = 20 };
	const struct sdp_media *m;
	char text[2000];
	struct buf b;
	struct sdp s;

	(void)state;
	assert_int_equal(addr_parse(STR("[2001:db8::5]:4000"), 0, &o.rtp), OK);
	for (int i = SDP_AES_CM_80; i < SDP_NSUITE; i++) {
		struct sdp_crypto *c = &o.crypto[o.ncrypto++];

		*c = (struct sdp_crypto){ .tag = (uint32_t)i, .suite = (enum sdp_suite)i,
					  .key_n = sdp_suite_key((enum sdp_suite)i) };
		for (int k = 0; k < c->key_n; k++)
			c->key[k] = (uint8_t)(37 * k + i);
	}
	for (int d = 0; d < SDP_NDIR; d++) {
		o.dir = (enum sdp_dir)d;
		buf_init(&b, text, sizeof text);
		sdp_write(&b, &o);
		t_good(buf_z(&b), &s);
		m = &s.media[0];
		assert_int_equal(s.nmedia, 1);
		assert_int_equal(s.version, 3);
		assert_true(str_is(s.origin_id, "7"));
		assert_int_equal(m->dir, d);
		assert_int_equal(m->proto, SDP_RTP_SAVP);
		assert_int_equal(m->port, 4000);
		assert_true(addr_same_ip(&m->conn, &o.rtp));
		assert_true(m->rtcp_mux && m->rtcp.port == 4001 && m->ptime == 20);
		assert_int_equal(m->nfmt, 4);
		assert_true(str_is(m->fmt[1].name, "opus") && m->fmt[1].channels == 2);
		assert_true(str_is(m->fmt[1].fmtp, "useinbandfec=1"));
		assert_int_equal(m->ncrypto, 3);
		for (int i = 0; i < 3; i++) {
			assert_int_equal(m->crypto[i].suite, o.crypto[i].suite);
			assert_memory_equal(m->crypto[i].key, o.crypto[i].key, o.crypto[i].key_n);
		}
	}
}

static void other_lines_stay_in_place_with_port_0(void **state)
{
	static const char offer[] = T_HEAD
		"m=video 5000 RTP/AVP 96 97\r\na=rtpmap:96 H264/90000\r\nm=audio 4000 RTP/AVP 0\r\n"
		"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nm=image 6000 udptl\r\n"
		"m=audio 4002 RTP/AVP 8\r\nm=text 7000 RTP/AVP \"\r\n";
	static const struct sdp_fmt fmt = { .pt = 0, .name = STR_INIT("PCMU"), .clock = 8000, .channels = 1 };
	struct sdp_out o = { .id = 1, .version = 1, .fmt = &fmt, .nfmt = 1, .line = 1 };
	struct sdp_lines lines;
	char text[2000];
	struct buf b;
	struct sdp s;

	(void)state;
	assert_int_equal(addr_parse(STR("192.0.2.1:7000"), 0, &o.rtp), OK);
	t_good(offer, &s);
	sdp_lines_of(&s, &lines);
	o.lines = &lines;
	buf_init(&b, text, sizeof text);
	sdp_write(&b, &o);
	assert_non_null(strstr(buf_z(&b), "m=video 0 RTP/AVP 96\r\nm=audio 7000 RTP/AVP 0\r\n"));
	assert_non_null(strstr(text, "a=sendrecv\r\nm=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"
				     "m=image 0 udptl 0\r\nm=audio 0 RTP/AVP 8\r\nm=text 0 RTP/AVP 0\r\n"));
	t_good(text, &s);
	assert_int_equal(s.nmedia, 6);
	lines.n = 0;
	buf_init(&b, text, sizeof text);
	sdp_write(&b, &o);
	t_good(buf_z(&b), &s);
	assert_int_equal(s.nmedia, 1);
}

static void a_text_that_does_not_fit_is_seen(void **state)
{
	struct sdp_out o = { .id = 1 };
	char text[40];
	struct buf b;

	(void)state;
	buf_init(&b, text, sizeof text);
	sdp_write(&b, &o);
	assert_false(buf_ok(&b));
}

int run_sdp(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_mistake_is_named_with_its_line),
		cmocka_unit_test(a_nul_byte_is_no_end),
		cmocka_unit_test(every_limit_holds),
		cmocka_unit_test(what_nobody_reads_may_be_long),
		cmocka_unit_test(more_formats_than_we_keep_are_passed_over),
		cmocka_unit_test(the_example_of_rfc_8866_is_read),
		cmocka_unit_test(an_offer_of_direct_routing_is_read),
		cmocka_unit_test(static_payload_types_have_their_names),
		cmocka_unit_test(one_payload_type_with_two_meanings_is_seen),
		cmocka_unit_test(directions_come_from_the_session_unless_the_line_says_its_own),
		cmocka_unit_test(a_name_for_an_address_hurts_only_its_own_line),
		cmocka_unit_test(rtcp_may_have_its_own_address),
		cmocka_unit_test(oddities_of_real_peers_pass),
		cmocka_unit_test(the_bodies_of_rfc_4475_are_read),
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(other_lines_stay_in_place_with_port_0),
		cmocka_unit_test(a_text_that_does_not_fit_is_seen),
	};

	return cmocka_run_group_tests_name("sdp/sdp", tests, NULL, NULL);
}
