/* t_crypto.c - a=crypto lines (RFC 4568, RFC 7714). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "t_sdp.h"

#define CM80 "AES_CM_128_HMAC_SHA1_80 inline:" T_KEY30
#define GCM "AEAD_AES_128_GCM inline:" T_KEY28

static void good_lines_are_read(void **state)
{
	static const struct { const char *text; uint32_t tag; enum sdp_suite suite; int mki_n; uint32_t mki; } row[] = {
		{ "1 " CM80, 1, SDP_AES_CM_80, 0, 0 },
		{ "0 AES_CM_128_HMAC_SHA1_32 inline:" T_KEY30 "|2^31", 0, SDP_AES_CM_32, 0, 0 },
		{ "2 " CM80 "|2^31|1:1", 2, SDP_AES_CM_80, 1, 1 },
		{ "3 " CM80 "|1:4", 3, SDP_AES_CM_80, 4, 1 },
		{ "3 " CM80 "|4294967295:4", 3, SDP_AES_CM_80, 4, 4294967295u },
		{ "999999999 " CM80 "|1048576|255:1", 999999999, SDP_AES_CM_80, 1, 255 },
		{ "1 " CM80 "|2^20|1:4 WSH=128", 1, SDP_AES_CM_80, 4, 1 },
		{ "1 " CM80 " -X-OURS=1", 1, SDP_AES_CM_80, 0, 0 },
		{ "5 " GCM "|2^48", 5, SDP_AES_GCM, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct sdp_crypto c = { 0 };

		if (sdp_crypto_parse(str_of(row[i].text), &c))
			fail_msg("%s", row[i].text);
		assert_int_equal(c.tag, row[i].tag);
		assert_int_equal(c.suite, row[i].suite);
		assert_int_equal(c.key_n, sdp_suite_key(row[i].suite));
		assert_int_equal(c.mki_n, row[i].mki_n);
		assert_int_equal(c.mki, row[i].mki);
	}
}

static void the_key_is_what_base64_says(void **state)
{
	struct sdp_crypto c;

	(void)state;
	assert_int_equal(sdp_crypto_parse(STR("1 " GCM), &c), OK);
	for (int i = 0; i < 28; i++)
		assert_int_equal(c.key[i], i);
	assert_int_equal(sdp_crypto_parse(STR("1 AES_CM_128_HMAC_SHA1_80 "
		"inline:NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj|2^20|1:32"), &c), ERR_GONE);
	assert_int_equal(sdp_crypto_parse(STR("1 AES_CM_128_HMAC_SHA1_80 "
		"inline:NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj|2^20"), &c), OK);
	assert_memory_equal(c.key, "70xwPH5@/,L:S1wY\"~='EpgT%(i_Vc", 30);	/* RFC 4568 9.1 */
}

static void malformed_lines_are_refused(void **state)
{
	static const char *const row[] = {
		"", "1", "1 AES_CM_128_HMAC_SHA1_80", "x " CM80, "-1 " CM80, "1000000000 " CM80,
		"1 AES_CM_128_HMAC_SHA1_80 " T_KEY30, "1 AES_CM_128_HMAC_SHA1_80 inline:",
		"1 AES_CM_128_HMAC_SHA1_80 inline:AAAA", "1 AES_CM_128_HMAC_SHA1_80 inline:" T_KEY30 "AAAA",
		"1 AES_CM_128_HMAC_SHA1_80 inline:" T_KEY28, "1 AEAD_AES_128_GCM inline:" T_KEY30,
		"1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSo!",
		"1 AEAD_AES_128_GCM inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw===",
		"1 " CM80 "|", "1 " CM80 "|2^49", "1 " CM80 "|2^", "1 " CM80 "|2^x", "1 " CM80 "|x",
		"1 " CM80 "|281474976710657", "1 " CM80 "|1:1|2^31", "1 " CM80 "|2^31|2^31",
		"1 " CM80 "|2^31|1:1|x", "1 " CM80 "|1:", "1 " CM80 "|:1", "1 " CM80 "|1:0",
		"1 " CM80 "|1:129", "1 " CM80 "|256:1", "1 " CM80 "|x:1", "1 " CM80 "|2^31|",
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct sdp_crypto c = { .tag = 77 };

		if (sdp_crypto_parse(str_of(row[i]), &c) != ERR_PARSE)
			fail_msg("taken: %s", row[i]);
		assert_int_equal(c.tag, 77);	/* written only on success */
	}
}

static void lines_we_cannot_use_are_left_out(void **state)
{
	static const char *const row[] = {
		"1 AES_256_CM_HMAC_SHA1_80 inline:AAAA", "1 F8_128_HMAC_SHA1_80 inline:" T_KEY30,
		"1 " CM80 ";inline:" T_KEY30, "1 " CM80 "|1:5", "1 " CM80 " KDR=1",
		"1 " CM80 " UNENCRYPTED_SRTP", "1 " CM80 " UNAUTHENTICATED_SRTP",
		"1 " CM80 " FEC_ORDER=FEC_SRTP", "1 " CM80 " -X WHATEVER",
	};
	struct sdp s;

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct sdp_crypto c;

		if (sdp_crypto_parse(str_of(row[i]), &c) != ERR_GONE)
			fail_msg("%s", row[i]);
	}
	t_good(T_HEAD "m=audio 4000 RTP/SAVP 0\r\na=crypto:1 AES_256_CM_HMAC_SHA1_80 inline:AAAA\r\n"
	       "a=crypto:2 " CM80 "\r\n", &s);
	assert_int_equal(s.media[0].ncrypto, 1);
	assert_true(s.media[0].crypto_unusable);
}

static void more_lines_than_we_keep_are_passed_over(void **state)
{
	char text[2000];
	struct buf b;
	struct sdp s;

	(void)state;
	buf_init(&b, text, sizeof text);
	buf_lit(&b, T_HEAD "m=audio 4000 RTP/SAVP 0\r\n");
	for (int i = 0; i < SDP_CRYPTO_MAX + 2; i++)
		buf_fmt(&b, "a=crypto:%d " CM80 "\r\n", i);
	t_good(buf_z(&b), &s);
	assert_int_equal(s.media[0].ncrypto, SDP_CRYPTO_MAX);
}

static void names_and_sizes_of_suites(void **state)
{
	(void)state;
	assert_string_equal(sdp_suite_str(SDP_AES_CM_80), "AES_CM_128_HMAC_SHA1_80");
	assert_string_equal(sdp_suite_str(SDP_AES_CM_32), "AES_CM_128_HMAC_SHA1_32");
	assert_string_equal(sdp_suite_str(SDP_AES_GCM), "AEAD_AES_128_GCM");
	assert_int_equal(sdp_suite_key(SDP_AES_CM_80), 30);
	assert_int_equal(sdp_suite_key(SDP_AES_CM_32), 30);
	assert_int_equal(sdp_suite_key(SDP_AES_GCM), 28);
}

int run_crypto(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_lines_are_read),
		cmocka_unit_test(the_key_is_what_base64_says),
		cmocka_unit_test(malformed_lines_are_refused),
		cmocka_unit_test(lines_we_cannot_use_are_left_out),
		cmocka_unit_test(more_lines_than_we_keep_are_passed_over),
		cmocka_unit_test(names_and_sizes_of_suites),
	};

	return cmocka_run_group_tests_name("sdp/crypto", tests, NULL, NULL);
}
