/* t_str.c - slices. */
#include "t_base.h"

#include <string.h>

static void a_null_pointer_is_absent_and_a_literal_is_not(void **state)
{
	(void)state;
	assert_null(str_of(NULL).p);
	assert_int_equal(str_of("abc").n, 3);
	assert_non_null(STR("").p);
	assert_true(str_eq(STR(""), STR_NONE));		/* equal bytes; absence is in p */
}

static void a_part_is_clipped_to_the_whole(void **state)
{
	struct str s = STR("hello");

	(void)state;
	assert_str(str_sub(s, 1, 3), "ell");
	assert_str(str_sub(s, 3, 99), "lo");
	assert_int_equal(str_sub(s, 9, 1).n, 0);
	assert_int_equal(str_sub(s, 2, SIZE_MAX).n, 3);
	assert_null(str_sub(STR_NONE, 1, 1).p);
}

static void comparing_knows_case_prefix_and_tail(void **state)
{
	(void)state;
	assert_true(str_is(STR("Via"), "Via"));
	assert_false(str_is(STR("Via"), "via"));
	assert_true(str_iis(STR("Via"), "vIA"));
	assert_false(str_ieq(STR("Via"), STR("Vi")));
	assert_true(str_starts(STR("sip:a"), STR("sip:")));
	assert_false(str_starts(STR("si"), STR("sip:")));
	assert_true(str_ends(STR("a.pem"), STR(".pem")));
	assert_false(str_ends(STR("pem"), STR(".pem")));
	assert_true(str_starts(STR("x"), STR("")));
}

static void ordering_is_by_bytes_then_by_length(void **state)
{
	(void)state;
	assert_int_equal(str_cmp(STR("a"), STR("a")), 0);
	assert_true(str_cmp(STR("a"), STR("b")) < 0);
	assert_true(str_cmp(STR("ab"), STR("a")) > 0);
	assert_true(str_cmp(STR_NONE, STR("a")) < 0);
	assert_true(str_cmp(STR("\x80"), STR("a")) > 0);
}

static void only_spaces_and_tabs_are_trimmed(void **state)
{
	(void)state;
	assert_str(str_trim(STR(" \t x y\t ")), "x y");
	assert_int_equal(str_trim(STR("  \t")).n, 0);
	assert_str(str_trim(STR("\r\nx")), "\r\nx");
}

static void cutting_gives_head_and_rest(void **state)
{
	struct str h, r;

	(void)state;
	assert_true(str_cut(STR("a=b=c"), '=', &h, &r));
	assert_str(h, "a");
	assert_str(r, "b=c");
	assert_true(str_cut(STR("a="), '=', &h, &r));
	assert_non_null(r.p);
	assert_int_equal(r.n, 0);
	assert_false(str_cut(STR("abc"), '=', &h, &r));
	assert_str(h, "abc");
	assert_null(r.p);
	assert_int_equal(str_find(STR("abc"), 'z'), 3);
}

static void numbers_are_digits_within_their_maximum(void **state)
{
	uint32_t v = 7;
	uint64_t w = 7;

	(void)state;
	assert_int_equal(str_u32(STR("0"), 9, &v), OK);
	assert_int_equal(v, 0);
	assert_int_equal(str_u32(STR("65535"), 65535, &v), OK);
	assert_int_equal(str_u32(STR("65536"), 65535, &v), ERR_RANGE);
	assert_int_equal(v, 65535);			/* untouched */
	assert_int_equal(str_u32(STR("00000000000000000000001"), 9, &v), OK);
	assert_int_equal(str_u32(STR(""), 9, &v), ERR_PARSE);
	assert_int_equal(str_u32(STR("-1"), 9, &v), ERR_PARSE);
	assert_int_equal(str_u32(STR("1 "), 9, &v), ERR_PARSE);
	assert_int_equal(str_u32(STR("5"), 3, &v), ERR_RANGE);
	assert_int_equal(str_u64(STR("18446744073709551615"), UINT64_MAX, &w), OK);
	assert_true(w == UINT64_MAX);
	assert_int_equal(str_u64(STR("18446744073709551616"), UINT64_MAX, &w), ERR_RANGE);
}

static void a_copy_in_an_arena_ends_with_nul_and_absent_stays_absent(void **state)
{
	struct arena a;
	struct str s;

	(void)state;
	arena_init(&a, 200);
	s = str_dup(&a, STR("abc"));
	assert_str(s, "abc");
	assert_int_equal(s.p[3], 0);
	assert_null(str_dup(&a, STR_NONE).p);
	assert_non_null(str_dup(&a, STR("")).p);
	assert_null(str_dup(&a, (struct str){ "x", 500 }).p);	/* full: nothing is read */
	arena_close(&a);
}

static void a_copy_into_a_field_fits_whole_or_not_at_all(void **state)
{
	char f[4] = "zzz";

	(void)state;
	assert_true(str_copy(f, sizeof f, STR("abc")));
	assert_string_equal(f, "abc");
	assert_false(str_copy(f, sizeof f, STR("abcd")));
	assert_string_equal(f, "");
	assert_true(str_copy(f, sizeof f, STR_NONE));
}

int run_str(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_null_pointer_is_absent_and_a_literal_is_not),
		cmocka_unit_test(a_part_is_clipped_to_the_whole),
		cmocka_unit_test(comparing_knows_case_prefix_and_tail),
		cmocka_unit_test(ordering_is_by_bytes_then_by_length),
		cmocka_unit_test(only_spaces_and_tabs_are_trimmed),
		cmocka_unit_test(cutting_gives_head_and_rest),
		cmocka_unit_test(numbers_are_digits_within_their_maximum),
		cmocka_unit_test(a_copy_in_an_arena_ends_with_nul_and_absent_stays_absent),
		cmocka_unit_test(a_copy_into_a_field_fits_whole_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
