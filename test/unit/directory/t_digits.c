/* t_digits.c - CUCM's pattern alphabet. */
#include "t_directory.h"

#include <string.h>

#include "directory/digits.h"

static void each_pattern_matches_what_cucm_says(void **state)
{
	static const struct { const char *pattern, *number; int yes; size_t predot; } row[] = {
		{ "1001", "1001", 1, 0 }, { "1001", "1002", 0, 0 }, { "1001", "10011", 0, 0 },
		{ "10XX", "1099", 1, 0 }, { "10XX", "10*9", 0, 0 }, { "[2-4]00", "300", 1, 0 },
		{ "[2-4]00", "500", 0, 0 }, { "[^2-4]00", "500", 1, 0 }, { "[^2-4]00", "300", 0, 0 },
		{ "[^2-4]00", "*00", 1, 0 }, { "[2468]", "6", 1, 0 }, { "[2468]", "5", 0, 0 },
		{ "9.!", "95551234", 1, 1 }, { "9.!", "9", 0, 0 }, { "9.011!#", "901144123#", 1, 1 },
		{ "9.[2-9]XXXXXX", "92345678", 1, 1 }, { "\\+!", "+4930", 1, 0 }, { "+49!", "+4930", 1, 0 },
		{ "\\+1425555XXXX", "+14255550101", 1, 0 }, { "\\+1425555XXXX", "14255550101", 0, 0 },
		{ "5?00", "00", 1, 0 }, { "5?00", "55500", 1, 0 }, { "X+", "123", 1, 0 }, { "X+", "", 0, 0 },
		{ "[1-3]+9", "12319", 1, 0 }, { "!", "1", 1, 0 }, { "!", "", 0, 0 }, { "*70", "*70", 1, 0 },
		{ "8.XX.1", "8011", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct digits_match m = { 0 };
		int got = digits_match(str_of(row[i].pattern), str_of(row[i].number), &m);

		if (got != row[i].yes)
			fail_msg("%s and %s", row[i].pattern, row[i].number);
		if (got)
			assert_int_equal(m.predot, row[i].predot);
	}
}

static double breadth(const char *pattern, const char *number)
{
	struct digits_match m;

	assert_true(digits_match(str_of(pattern), str_of(number), &m));
	return m.breadth;
}

static void the_closer_pattern_could_match_fewer_numbers(void **state)
{
	(void)state;
	assert_true(breadth("1001", "1001") < breadth("100X", "1001"));
	assert_true(breadth("100[0-4]", "1001") < breadth("100X", "1001"));
	assert_true(breadth("100X", "1001") < breadth("10XX", "1001"));
	assert_true(breadth("XXXX", "1001") < breadth("!", "1001"));
	assert_true(breadth("9XXXXXX", "9123456") < breadth("9!", "9123456"));
}

static void what_is_no_pattern_is_refused(void **state)
{
	static const char *const bad[] = { "", ".", "12a", "[", "[]", "[3-1]", "[a]", "1..2", "\\1", "[^0-9*#]",
					   "10@", "9 1" };
	char big[DIGITS_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (digits_good(str_of(bad[i])))
			fail_msg("\"%s\" is no pattern", bad[i]);
	memset(big, 'X', sizeof big);
	assert_true(digits_good((struct str){ big, DIGITS_MAX }));
	assert_false(digits_good((struct str){ big, DIGITS_MAX + 1 }));
}

static void a_mask_counts_from_the_right(void **state)
{
	char out[DIGITS_MAX + 1];

	(void)state;
	digits_mask(STR("+1425555XXXX"), STR("0101"), out);
	assert_string_equal(out, "+14255550101");
	digits_mask(STR("XXXX"), STR("14255550199"), out);
	assert_string_equal(out, "0199");
	digits_mask(STR("8XXXX"), STR("7"), out);
	assert_string_equal(out, "80007");
}

int run_digits(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_pattern_matches_what_cucm_says),
		cmocka_unit_test(the_closer_pattern_could_match_fewer_numbers),
		cmocka_unit_test(what_is_no_pattern_is_refused),
		cmocka_unit_test(a_mask_counts_from_the_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
