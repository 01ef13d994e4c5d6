/* t_crypto.c - hashes against the vectors of their RFCs. */
#include "t_io.h"

#include <string.h>

#include "base/buf.h"
#include "io/crypto.h"

static const char *hex(const uint8_t *p, size_t n)
{
	static char m[80];
	struct buf b;

	buf_init(&b, m, sizeof m);
	buf_hex(&b, p, n);
	return buf_z(&b);
}

static void hashes_of_parts_are_hashes_of_the_whole(void **state)
{
	struct str part[3] = { STR("a"), STR(""), STR("bc") };
	uint8_t out[32];

	(void)state;
	crypto_md5(part, 3, out);			/* RFC 1321 A.5 */
	assert_string_equal(hex(out, 16), "900150983cd24fb0d6963f7d28e17f72");
	crypto_sha1(part, 3, out);			/* RFC 3174 */
	assert_string_equal(hex(out, 20), "a9993e364706816aba3e25717850c26c9cd0d89d");
	crypto_sha256(part, 3, out);			/* FIPS 180-2 */
	assert_string_equal(hex(out, 32), "ba7816bf8f01cfea414140de5dae2223"
			    "b00361a396177a9cb410ff61f20015ad");
	crypto_md5(part, 0, out);
	assert_string_equal(hex(out, 16), "d41d8cd98f00b204e9800998ecf8427e");
}

/* RFC 2202 and RFC 4231, cases 2 and the one with a long key. */
static void hmac_knows_short_and_long_keys(void **state)
{
	struct str what = STR("what do ya want for nothing?");
	struct str big = STR("Test Using Larger Than Block-Size Key - Hash Key First");
	char k[131];
	uint8_t out[32];

	(void)state;
	memset(k, 0xaa, sizeof k);
	crypto_hmac_sha1(STR("Jefe"), &what, 1, out);
	assert_string_equal(hex(out, 20), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
	crypto_hmac_sha1((struct str){ k, 80 }, &big, 1, out);
	assert_string_equal(hex(out, 20), "aa4ae5e15272d00e95705637ce8a3b55ed402112");
	crypto_hmac_sha256(STR("Jefe"), &what, 1, out);
	assert_string_equal(hex(out, 32), "5bdcc146bf60754e6a042426089575c7"
			    "5a003f089d2739839dec58b964ec3843");
	crypto_hmac_sha256((struct str){ k, 131 }, &big, 1, out);
	assert_string_equal(hex(out, 32), "60e431591ee0b67f0d8a26aacbf5b77f"
			    "8e0bc6213728c5140546040f0ee37f54");
}

static void same_compares_whole_buffers(void **state)
{
	(void)state;
	assert_true(crypto_same("abc", "abc", 3));
	assert_false(crypto_same("abc", "abd", 3));
	assert_true(crypto_same("abc", "abd", 2));
}

/* RFC 4648 10. */
static void base64_goes_there_and_back(void **state)
{
	static const struct { const char *plain, *coded; } row[] = {
		{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" },
		{ "foobar", "Zm9vYmFy" }, { "\xff\xef\xbe", "/+++" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		size_t n = strlen(row[i].plain), got = 99;
		uint8_t back[16];
		char m[32];
		struct buf b;

		buf_init(&b, m, sizeof m);
		crypto_base64(&b, row[i].plain, n);
		assert_string_equal(buf_z(&b), row[i].coded);
		assert_int_equal(crypto_unbase64(str_of(row[i].coded), back, sizeof back, &got), OK);
		assert_int_equal(got, n);
		assert_memory_equal(back, row[i].plain, n);
	}
}

static void base64_refuses_what_is_broken_or_too_long(void **state)
{
	static const char *const bad[] = { "Z", "Zg=", "Zg===", "Z===", "Zm8=\n", "Zm 8", "Zm8-", "=" };
	uint8_t out[4];
	size_t n = 7;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(crypto_unbase64(str_of(bad[i]), out, sizeof out, &n), ERR_PARSE);
	assert_int_equal(crypto_unbase64(STR("Zm9vYmFy"), out, sizeof out, &n), ERR_LIMIT);
	assert_int_equal(n, 7);
	assert_int_equal(crypto_unbase64(STR("Zm8"), out, sizeof out, &n), OK);	/* padding is optional */
	assert_int_equal(n, 2);
}

int run_crypto(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_of_parts_are_hashes_of_the_whole),
		cmocka_unit_test(hmac_knows_short_and_long_keys),
		cmocka_unit_test(same_compares_whole_buffers),
		cmocka_unit_test(base64_goes_there_and_back),
		cmocka_unit_test(base64_refuses_what_is_broken_or_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
