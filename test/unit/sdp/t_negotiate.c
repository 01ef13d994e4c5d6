/* t_negotiate.c - offer and answer as pure functions (RFC 3264). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "sdp/negotiate.h"
#include "t_sdp.h"

#define CM80 "AES_CM_128_HMAC_SHA1_80 inline:" T_KEY30
#define CM32 "AES_CM_128_HMAC_SHA1_32 inline:" T_KEY30
#define GCM "AEAD_AES_128_GCM inline:" T_KEY28
#define SAVP T_HEAD "m=audio 4000 RTP/SAVP 0\r\n"

static const struct sdp_opts plain = { .srtp = SDP_SRTP_OFF };
static const struct sdp_opts optional = {
	.srtp = SDP_SRTP_OPTIONAL, .suite = { SDP_AES_CM_80, SDP_AES_CM_32, SDP_AES_GCM }, .nsuite = 3,
};
static const struct sdp_opts mandatory = {
	.srtp = SDP_SRTP_MANDATORY, .suite = { SDP_AES_CM_80, SDP_AES_CM_32, SDP_AES_GCM }, .nsuite = 3,
};

struct took {
	enum err e;
	struct sdp_remote r;
	struct reason why;
	char text[400];
};

static struct arena texts;

static struct took take_at(const char *text, const struct sdp_opts *o, int line, enum sdp_suite now)
{
	struct sdp_ask ask = { .opts = o, .line = line, .now = now, .peer = STR("Bob"), .texts = &texts };
	struct took t = { .e = OK };
	struct sdp s;
	struct buf b;

	t_good(text, &s);
	t.e = sdp_take(&s, &ask, &t.r, &t.why);
	buf_init(&b, t.text, sizeof t.text);
	if (t.e)
		reason_write(&b, &t.why);
	(void)buf_z(&b);
	return t;
}

static struct took take(const char *text, const struct sdp_opts *o)
{
	return take_at(text, o, -1, SDP_SUITE_NONE);
}

static int up(void **state)
{
	(void)state;
	arena_init(&texts, 1 << 16);
	return 0;
}

static int down(void **state)
{
	(void)state;
	arena_close(&texts);
	return 0;
}

/* --- reading ---------------------------------------------------------------- */

static void every_refusal_has_its_reason(void **state)
{
	static const struct { const char *text; const struct sdp_opts *o; enum err e;
			      enum reason_code code; const char *part; } row[] = {
		{ T_HEAD, &plain, ERR_PARSE, REASON_BAD_SDP, "it has no usable audio line" },
		{ T_HEAD "m=video 5000 RTP/AVP 96\r\n", &plain, ERR_PARSE, REASON_BAD_SDP, "no usable" },
		{ T_HEAD "m=audio 0 RTP/AVP 0\r\n", &plain, ERR_PARSE, REASON_BAD_SDP, "no usable" },
		{ T_HEAD "m=audio 4000 RTP/AVP\r\n", &plain, ERR_PARSE, REASON_BAD_SDP, "no usable" },
		{ T_HEAD "m=audio 4000 RTP/AVPF 0\r\n", &plain, ERR_PARSE, REASON_BAD_SDP, "no usable" },
		{ T_AUDIO "a=rtpmap:0 PCMU/8000\r\na=rtpmap:0 PCMA/8000\r\n", &plain, ERR_PARSE,
		  REASON_BAD_SDP, "share one payload type" },
		{ T_AUDIO "c=IN IP4 host.example\r\n", &plain, ERR_PARSE, REASON_BAD_SDP, "no IP address" },
		{ T_AUDIO "c=IN IP4 233.252.0.1\r\n", &plain, ERR_PARSE, REASON_BAD_SDP, "multicast" },
		{ T_AUDIO "c=IN IP4 255.255.255.255\r\n", &plain, ERR_PARSE, REASON_BAD_SDP, "broadcast" },
		{ T_AUDIO "c=IN IP6 ff02::1\r\n", &plain, ERR_PARSE, REASON_BAD_SDP, "multicast" },
		{ T_AUDIO "a=rtcp:5 IN IP4 239.1.1.1\r\n", &plain, ERR_PARSE, REASON_BAD_SDP, "multicast" },
		{ T_AUDIO, &mandatory, ERR_DENIED, REASON_SRTP_REQUIRED, "Bob offers no SRTP" },
		{ T_AUDIO "a=crypto:1 " CM80 "\r\n", &mandatory, ERR_DENIED, REASON_SRTP_REQUIRED, "" },
		{ SAVP, &mandatory, ERR_DENIED, REASON_SRTP_REQUIRED, "" },
		{ SAVP, &optional, ERR_DENIED, REASON_SRTP_REQUIRED, "" },
		{ SAVP "a=crypto:1 " CM80 "\r\n", &plain, ERR_PARSE, REASON_BAD_SDP, "switched off" },
		{ SAVP "a=crypto:1 AES_256_CM_HMAC_SHA1_80 inline:AAAA\r\n", &mandatory, ERR_PARSE,
		  REASON_BAD_SDP, "none of its SRTP suites" },
		{ T_HEAD "m=audio 4000 RTP/AVP 96 97 98\r\na=rtpmap:96 SILK/16000\r\na=rtpmap:98 PCMU/16000\r\n",
		  &plain, ERR_DENIED, REASON_NO_COMMON_CODEC, "Bob offers SILK 97 PCMU;" },
		{ T_HEAD "m=audio 4000 RTP/AVP 101 13\r\na=rtpmap:101 telephone-event/8000\r\n", &plain,
		  ERR_DENIED, REASON_NO_COMMON_CODEC, "telephone-event CN" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct took t = take(row[i].text, row[i].o);

		if (t.e != row[i].e || t.why.code != row[i].code || !strstr(t.text, row[i].part))
			fail_msg("row %zu: %d %s", i, t.e, t.text);
	}
}

static void only_what_may_be_used_is_kept_in_the_peers_order(void **state)
{
	struct sdp_opts o = plain;
	struct took t = take(T_HEAD "m=audio 4000 RTP/AVP 18 111 8 0 96 101 13 102\r\n"
			     "a=rtpmap:111 OPUS/48000/2\r\na=fmtp:111 minptime=10\r\na=rtpmap:96 pcmu/8000\r\n"
			     "a=rtpmap:101 telephone-event/48000\r\na=rtpmap:102 telephone-event/8000\r\n", &o);

	(void)state;
	assert_int_equal(t.e, OK);
	assert_int_equal(t.r.side.codecs.n, 4);		/* the second PCMU is no other codec */
	assert_string_equal(t.r.side.codecs.c[0].name, "G729");
	assert_string_equal(t.r.side.codecs.c[1].name, "opus");
	assert_string_equal(t.r.side.codecs.c[1].fmtp, "minptime=10");
	assert_int_equal(t.r.side.map.pt[1], 111);
	assert_int_equal(t.r.side.map.pt[3], 0);
	assert_int_equal(t.r.side.map.events, 102);
	assert_int_equal(t.r.side.map.noise, 13);
	assert_true(t.r.side.codecs.events && t.r.side.codecs.noise);
	o.codecs = (struct sdp_codecs){ .n = 1, .c = { { "PCMA", 8000, 1, "" } } };
	t = take(T_HEAD "m=audio 4000 RTP/AVP 0 8\r\n", &o);
	assert_int_equal(t.r.side.codecs.n, 1);
	assert_string_equal(t.r.side.codecs.c[0].name, "PCMA");
	assert_int_equal(t.r.side.map.events, SDP_PT_NONE);
	assert_false(t.r.side.codecs.events || t.r.side.codecs.noise);
	t = take(T_HEAD "m=audio 4000 RTP/AVP 0\r\n", &o);
	assert_int_equal(t.why.code, REASON_NO_COMMON_CODEC);
}

static void only_parameters_that_the_other_side_needs_are_kept(void **state)
{
	static const struct { const char *fmtp, *kept; } row[] = {
		{ "18 annexb=no", "annexb=no" }, { "18 AnnexB = yes ; x=1", "annexb=yes" },
		{ "18 annexb=maybe", "" }, { "18 annexb", "" }, { "18 useinbandfec=1", "" },
		{ "18 evil=\"><script>", "" }, { "18 ;;=;annexb=no;", "annexb=no" },
		{ "111 useinbandfec=1; stereo=1; annexb=no; ptime=20", "useinbandfec=1;stereo=1" },
		{ "111 maxaveragebitrate=20000;x=y", "maxaveragebitrate=20000" },
		{ "111 maxaveragebitrate=9999999999", "" },
		{ "111 maxplaybackrate=48000;sprop-maxcapturerate=48000;maxaveragebitrate=64000;cbr=1",
		  "maxplaybackrate=48000;sprop-maxcapturerate=48000;cbr=1" },	/* what there is room for */
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		char text[600];
		struct took t;
		struct buf b;

		buf_init(&b, text, sizeof text);
		buf_fmt(&b, T_HEAD "m=audio 4000 RTP/AVP %s\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:%s\r\n",
			row[i].fmtp[1] == '8' ? "18" : "111", row[i].fmtp);
		t = take(buf_z(&b), &plain);
		assert_int_equal(t.e, OK);
		assert_string_equal(t.r.side.codecs.c[0].fmtp, row[i].kept);
	}
}

static void annex_b_is_off_when_either_says_so(void **state)
{
	static const struct { const char *offered, *answered, *agreed; } row[] = {
		{ "", "", "" }, { "annexb=no", "", "annexb=no" }, { "", "annexb=no", "annexb=no" },
		{ "annexb=no", "annexb=yes", "annexb=no" }, { "annexb=yes", "annexb=no", "annexb=no" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct sdp_codec a = { "G729", 8000, 1, "" }, b = a, got;

		(void)str_copy(a.fmtp, sizeof a.fmtp, str_of(row[i].offered));
		(void)str_copy(b.fmtp, sizeof b.fmtp, str_of(row[i].answered));
		got = sdp_agreed(&a, &b);
		assert_string_equal(got.fmtp, row[i].agreed);
	}
}

static void of_an_offer_the_first_usable_line_is_taken(void **state)
{
	struct took t = take(T_HEAD "m=video 5000 RTP/AVP 96\r\nm=audio 0 RTP/AVP 0\r\n"
			     "m=audio 4000 RTP/SAVP 0\r\na=crypto:1 " CM80 "\r\nm=audio 4002 RTP/AVP 18\r\n"
			     "m=audio 4004 RTP/AVP 0\r\n", &plain);

	(void)state;
	assert_int_equal(t.e, OK);
	assert_int_equal(t.r.line, 3);
	assert_int_equal(t.r.rtp.port, 4002);
	/* When none can be used, the reason is about the first. */
	t = take(T_HEAD "m=audio 4000 RTP/AVP 96\r\na=rtpmap:96 SILK/8000\r\nm=audio 4002 RTP/AVP 0\r\n"
		 "c=IN IP4 239.1.1.1\r\n", &plain);
	assert_int_equal(t.why.code, REASON_NO_COMMON_CODEC);
}

static void of_an_answer_only_our_line_counts(void **state)
{
	static const char text[] = T_HEAD "m=audio 4000 RTP/AVP 0\r\nm=audio 0 RTP/AVP 0\r\n";

	(void)state;
	assert_int_equal(take_at(text, &plain, 0, SDP_SUITE_NONE).e, OK);
	assert_non_null(strstr(take_at(text, &plain, 1, SDP_SUITE_NONE).text, "our audio was refused"));
	assert_non_null(strstr(take_at(text, &plain, 2, SDP_SUITE_NONE).text, "our audio was refused"));
	assert_non_null(strstr(take_at(text, &plain, SDP_MEDIA_MAX, SDP_SUITE_NONE).text, "refused"));
}

static void addresses_are_read_as_rtp_needs_them(void **state)
{
	struct took t = take(T_AUDIO, &plain);

	(void)state;
	assert_int_equal(t.r.rtp.port, 4000);
	assert_int_equal(t.r.rtcp.port, 4001);
	assert_false(t.r.zero || t.r.mux);
	t = take(T_AUDIO "a=rtcp:9\r\na=rtcp-mux\r\n", &plain);
	assert_int_equal(t.r.rtcp.port, 9);		/* without mux: who wants it knows */
	assert_true(t.r.mux);
	t = take(T_AUDIO "a=rtcp:9 IN IP4 192.0.2.77\r\n", &plain);
	assert_int_equal(t.r.rtcp.ip[3], 77);
	t = take(T_AUDIO "a=rtcp:9 IN IP6 2001:db8::1\r\n", &plain);
	assert_int_equal(t.r.rtcp.family, ADDR_V4);	/* another family cannot be meant */
	assert_int_equal(t.r.rtcp.port, 9);
	t = take(T_HEAD "m=audio 65535 RTP/AVP 0\r\n", &plain);
	assert_int_equal(t.r.rtcp.port, 65535);
	t = take(T_AUDIO "c=IN IP4 0.0.0.0\r\n", &plain);
	assert_true(t.r.zero);
	t = take(T_AUDIO "c=IN IP6 ::\r\n", &plain);
	assert_true(t.r.zero);
}

static void the_suite_we_like_best_is_taken_unless_one_is_in_use(void **state)
{
	static const char text[] = SAVP "a=crypto:0 " CM32 "\r\na=crypto:1 " CM80 "|2^31|1:1\r\n"
		"a=crypto:7 " CM80 "\r\na=crypto:9 " GCM "\r\n";
	struct sdp_opts o = optional;
	struct took t = take(text, &o);

	(void)state;
	assert_int_equal(t.r.crypto.suite, SDP_AES_CM_80);
	assert_int_equal(t.r.crypto.tag, 7);		/* of two, the one without an MKI */
	t = take_at(text, &o, -1, SDP_AES_GCM);
	assert_int_equal(t.r.crypto.tag, 9);
	t = take_at(SAVP "a=crypto:1 " CM80 "\r\n", &o, -1, SDP_AES_GCM);
	assert_int_equal(t.r.crypto.suite, SDP_AES_CM_80);
	o.suite[0] = SDP_AES_CM_32;
	assert_int_equal(take(text, &o).r.crypto.tag, 0);
	o.nsuite = 1;
	assert_non_null(strstr(take(SAVP "a=crypto:1 " CM80 "\r\n", &o).text, "none of its SRTP suites"));
	/* An answer of Direct Routing may have two lines (facts of its media page). */
	t = take_at(SAVP "a=crypto:2 " CM80 "|2^31|1:1\r\na=crypto:3 " CM80 "|2^31\r\n", &mandatory, 0,
		    SDP_SUITE_NONE);
	assert_int_equal(t.r.crypto.tag, 3);
}

static void clear_is_taken_where_srtp_is_optional(void **state)
{
	struct took t = take(T_AUDIO "a=crypto:1 " CM80 "\r\n", &optional);

	(void)state;
	assert_int_equal(t.e, OK);
	assert_int_equal(t.r.crypto.suite, SDP_SUITE_NONE);
	assert_int_equal(t.r.proto, SDP_RTP_AVP);
}

/* --- codecs -------------------------------------------------------------------- */

static void common_codecs_keep_the_first_ones_order_and_parameters(void **state)
{
	const struct sdp_codecs a = { .n = 3, .events = true, .noise = true, .c = {
		{ "G729", 8000, 1, "annexb=no" }, { "pcmu", 8000, 1, "" }, { "PCMA", 8000, 1, "" } } };
	const struct sdp_codecs b = { .n = 3, .events = true, .c = {
		{ "PCMU", 8000, 1, "" }, { "G729", 8000, 1, "" }, { "PCMA", 16000, 1, "" } } };
	struct sdp_codecs out;
	char text[60];
	struct buf t;

	(void)state;
	sdp_common(&a, &b, &out);
	assert_int_equal(out.n, 2);
	assert_string_equal(out.c[0].fmtp, "annexb=no");
	assert_true(out.events && !out.noise);
	buf_init(&t, text, sizeof text);
	sdp_codecs_text(&t, &out);
	assert_string_equal(buf_z(&t), "G729 pcmu");
	out.n = 0;
	buf_init(&t, text, sizeof text);
	sdp_codecs_text(&t, &out);
	assert_string_equal(buf_z(&t), "no audio codec");
	assert_int_equal(sdp_codec_find(&a, &b.c[2]), -1);	/* another clock is another codec */
}

static void all_codecs_are_allowed_unless_the_options_name_some(void **state)
{
	struct sdp_opts o = { .codecs = { .n = 2, .c = { { "PCMA", 8000, 1, "" }, { "X", 8000, 1, "" } } } };
	struct sdp_codecs out;

	(void)state;
	sdp_codecs_allowed(&plain, &out);
	assert_int_equal(out.n, sdp_codecs_all()->n);
	assert_string_equal(out.c[0].name, "PCMU");
	assert_string_equal(out.c[1].name, "PCMA");
	sdp_codecs_allowed(&o, &out);
	assert_int_equal(out.n, 1);
	assert_true(out.events && out.noise);
}

/* --- lines ------------------------------------------------------------------------ */

static void a_first_offer_has_our_payload_types(void **state)
{
	struct sdp_fmt fmt[SDP_FMT_MAX];
	struct sdp_map map;
	int n = sdp_offer_lines(sdp_codecs_all(), NULL, NULL, fmt, &map);
	static const uint8_t want[] = { 0, 8, 9, 18, 102, 13, 101 };

	(void)state;
	assert_int_equal(n, 7);
	for (int i = 0; i < n; i++)
		assert_int_equal(fmt[i].pt, want[i]);
	assert_int_equal(map.noise, 13);
	assert_int_equal(map.events, 101);
	assert_true(str_is(fmt[6].fmtp, "0-16"));
}

static void without_events_and_noise_none_is_offered(void **state)
{
	struct sdp_codecs one = { .n = 1, .c = { { "PCMA", 8000, 1, "" } } };
	struct sdp_fmt fmt[SDP_FMT_MAX];
	struct sdp_map map;

	(void)state;
	assert_int_equal(sdp_offer_lines(&one, NULL, NULL, fmt, &map), 1);
	assert_int_equal(map.events, SDP_PT_NONE);
	assert_int_equal(map.noise, SDP_PT_NONE);
	assert_int_equal(map.pt[0], 8);
}

static void a_codec_keeps_its_payload_type_in_the_session(void **state)
{
	const struct sdp_side said = {
		.codecs = { .n = 1, .c = { { "opus", 48000, 2, "" } } },
		.map = { .pt = { 102 }, .events = SDP_PT_NONE, .noise = SDP_PT_NONE } };
	const struct sdp_side theirs = {
		.codecs = { .n = 2, .c = { { "opus", 48000, 2, "" }, { "PCMA", 8000, 1, "" } } },
		.map = { .pt = { 111, 8 }, .events = 96, .noise = SDP_PT_NONE } };
	struct sdp_codecs list = *sdp_codecs_all();
	struct sdp_fmt fmt[SDP_FMT_MAX];
	struct sdp_map map;

	(void)state;
	(void)sdp_offer_lines(&list, &said, &theirs, fmt, &map);
	assert_int_equal(map.pt[4], 102);		/* ours before theirs */
	assert_int_equal(map.events, 96);		/* theirs, as we said none */
	assert_int_equal(map.noise, 13);
	(void)sdp_offer_lines(&list, NULL, &theirs, fmt, &map);
	assert_int_equal(map.pt[4], 111);
}

static void no_payload_type_gets_a_second_meaning(void **state)
{
	/* The peer's types are others than ours, and in the way of ours. */
	const struct sdp_side theirs = {
		.codecs = { .n = 2, .c = { { "G729", 8000, 1, "" }, { "PCMA", 8000, 1, "" } } },
		.map = { .pt = { 0, 102 }, .events = 13, .noise = 101 } };
	/* We said, long ago, what is theirs of another codec now. */
	const struct sdp_side said = {
		.codecs = { .n = 1, .c = { { "opus", 48000, 2, "" } } },
		.map = { .pt = { 102 }, .events = SDP_PT_NONE, .noise = SDP_PT_NONE } };
	struct sdp_fmt fmt[SDP_FMT_MAX];
	struct sdp_map map;
	int n = sdp_offer_lines(sdp_codecs_all(), &said, &theirs, fmt, &map);

	(void)state;
	assert_int_equal(n, 7);
	for (int i = 0; i < n; i++)
		for (int k = 0; k < i; k++)
			assert_int_not_equal(fmt[i].pt, fmt[k].pt);
	assert_int_equal(map.pt[3], 0);			/* G729 keeps theirs */
	assert_int_not_equal(map.pt[0], 0);		/* PCMU makes way    */
}

static void an_answer_names_nothing_that_the_offer_has_not(void **state)
{
	struct took t = take(T_HEAD "m=audio 4000 RTP/AVP 96 8 97\r\na=rtpmap:96 PCMU/8000\r\n"
			     "a=rtpmap:97 telephone-event/8000\r\n", &plain);
	struct sdp_fmt fmt[SDP_FMT_MAX];
	struct sdp_map map;
	int n = sdp_answer_lines(sdp_codecs_all(), &t.r.side, fmt, &map);

	(void)state;
	assert_int_equal(n, 3);
	assert_int_equal(fmt[0].pt, 96);
	assert_int_equal(fmt[1].pt, 8);
	assert_int_equal(fmt[2].pt, 97);
	assert_int_equal(map.pt[2], SDP_PT_NONE);	/* G722 */
	assert_int_equal(map.noise, SDP_PT_NONE);
	assert_int_equal(map.events, 97);
}

int run_negotiate(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_refusal_has_its_reason),
		cmocka_unit_test(only_what_may_be_used_is_kept_in_the_peers_order),
		cmocka_unit_test(only_parameters_that_the_other_side_needs_are_kept),
		cmocka_unit_test(annex_b_is_off_when_either_says_so),
		cmocka_unit_test(of_an_offer_the_first_usable_line_is_taken),
		cmocka_unit_test(of_an_answer_only_our_line_counts),
		cmocka_unit_test(addresses_are_read_as_rtp_needs_them),
		cmocka_unit_test(the_suite_we_like_best_is_taken_unless_one_is_in_use),
		cmocka_unit_test(clear_is_taken_where_srtp_is_optional),
		cmocka_unit_test(common_codecs_keep_the_first_ones_order_and_parameters),
		cmocka_unit_test(all_codecs_are_allowed_unless_the_options_name_some),
		cmocka_unit_test(a_first_offer_has_our_payload_types),
		cmocka_unit_test(without_events_and_noise_none_is_offered),
		cmocka_unit_test(a_codec_keeps_its_payload_type_in_the_session),
		cmocka_unit_test(no_payload_type_gets_a_second_meaning),
		cmocka_unit_test(an_answer_names_nothing_that_the_offer_has_not),
	};

	return cmocka_run_group_tests_name("sdp/negotiate", tests, up, down);
}
