/* t_tls_name.c - names of certificates and alerts as words. */
#include "t_io.h"

#include <string.h>

static bool match(const char *pattern, const char *name)
{
	return tls_name_match(str_of(pattern), str_of(name));
}

static void plain_names_match_without_case_or_the_last_dot(void **state)
{
	(void)state;
	assert_true(match("sbc.example.com", "SBC.example.COM"));
	assert_true(match("sbc.example.com.", "sbc.example.com"));
	assert_false(match("sbc.example.com", "sbc.example.org"));
	assert_false(match("sbc.example.com", "x.sbc.example.com"));
	assert_false(match("", ""));
	assert_false(match("a", ""));
}

/* RFC 6125 6.4.3. */
static void a_wild_card_is_one_whole_label_on_the_left(void **state)
{
	(void)state;
	assert_true(match("*.pstnhub.microsoft.com", "sip.pstnhub.microsoft.com"));
	assert_true(match("*.pstnhub.microsoft.com", "SIP2.pstnhub.microsoft.com"));
	assert_false(match("*.pstnhub.microsoft.com", "pstnhub.microsoft.com"));
	assert_false(match("*.pstnhub.microsoft.com", "a.b.pstnhub.microsoft.com"));
	assert_false(match("*.pstnhub.microsoft.com", ".pstnhub.microsoft.com"));
	assert_false(match("s*.example.com", "sip.example.com"));
	assert_false(match("*.*.example.com", "a.b.example.com"));
	assert_false(match("*.com", "example.com"));
	assert_false(match("*", "com"));
	assert_false(match("*", "*"));
	assert_true(match("*.example.com", "*.example.com"));
	assert_false(match("sip.*.com", "sip.example.com"));
}

static void bytes_that_are_no_text_never_match(void **state)
{
	struct str nul = STR_INIT("sip.a.com\0.evil.com");

	(void)state;
	assert_false(tls_name_match(nul, STR("sip.a.com")));
	assert_false(tls_name_match(nul, nul));
	assert_false(tls_name_match(STR("*.a.com"), (struct str)STR_INIT("x\0.a.com")));
	assert_false(match("sip a.com", "sip a.com"));
	assert_false(match("s\xc3\xa9.com", "s\xc3\xa9.com"));
}

static void alerts_have_names_that_fit(void **state)
{
	char text[24];

	(void)state;
	assert_string_equal(tls_alert_str(48, text), "unknown CA");
	assert_string_equal(tls_alert_str(200, text), "alert 200");
	for (int a = 0; a < 256; a++)
		assert_true(strlen(tls_alert_str(a, text)) > 0);
}

int run_tls_name(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_names_match_without_case_or_the_last_dot),
		cmocka_unit_test(a_wild_card_is_one_whole_label_on_the_left),
		cmocka_unit_test(bytes_that_are_no_text_never_match),
		cmocka_unit_test(alerts_have_names_that_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
