/* t_args.c - words, options and slips of the finger. */
#include "cli/args.h"
#include "t_cli.h"

struct got { const char *from, *file; bool json; };

#define PARSE(g, a, ...) parse(g, a, (char *[]){ "x", __VA_ARGS__, NULL })

static enum err parse(struct got *g, struct args *a, char **argv)
{
	const struct arg_spec spec[] = { { "--from", &g->from, NULL }, { "-f", &g->file, NULL },
					 { "--json", NULL, &g->json }, { NULL, NULL, NULL } };
	int n = 0;

	*g = (struct got){ 0 };
	while (argv[n])
		n++;
	return args_parse(n, argv, spec, a);
}

static void options_take_their_value_behind_a_blank_or_an_equals_sign(void **state)
{
	struct got g;
	struct args a;

	(void)state;
	assert_int_equal(PARSE(&g, &a, "--from", "2001", "--json", "-f", "s.yaml"), OK);
	assert_string_equal(g.from, "2001");
	assert_string_equal(g.file, "s.yaml");
	assert_true(g.json);
	assert_int_equal(PARSE(&g, &a, "--from=+49=1"), OK);
	assert_string_equal(g.from, "+49=1");
	assert_int_equal(PARSE(&g, &a, "--from="), OK);
	assert_string_equal(g.from, "");
}

static void words_and_options_may_be_mixed_and_a_dash_is_a_word(void **state)
{
	struct got g;
	struct args a;

	(void)state;
	assert_int_equal(PARSE(&g, &a, "call", "--json", "-", "7"), OK);
	assert_int_equal(a.nword, 3);
	assert_string_equal(a.word[1], "-");
	assert_string_equal(a.word[2], "7");
}

static void a_value_that_begins_with_a_dash_is_a_value(void **state)
{
	struct got g;
	struct args a;

	(void)state;
	assert_int_equal(PARSE(&g, &a, "--from", "-1"), OK);
	assert_string_equal(g.from, "-1");
}

static void unknown_options_missing_values_and_too_many_words_are_refused(void **state)
{
	struct got g;
	struct args a;

	(void)state;
	assert_int_equal(PARSE(&g, &a, "--form", "1"), ERR_PARSE);
	assert_int_equal(PARSE(&g, &a, "--fromage=1"), ERR_PARSE);
	assert_int_equal(PARSE(&g, &a, "--json=1"), ERR_PARSE);
	assert_int_equal(PARSE(&g, &a, "--from"), ERR_PARSE);
	assert_int_equal(PARSE(&g, &a, "1", "2", "3", "4", "5", "6", "7", "8"), OK);
	assert_int_equal(PARSE(&g, &a, "1", "2", "3", "4", "5", "6", "7", "8", "9"), ERR_PARSE);
}

static void the_nearest_name_is_offered_within_two_slips(void **state)
{
	static const char *const list[] = { "show", "dial", "cdr", "apply", NULL };

	(void)state;
	assert_int_equal(args_nearest("shwo", list), 0);
	assert_int_equal(args_nearest("dail", list), 1);
	assert_int_equal(args_nearest("cdrs", list), 2);
	assert_int_equal(args_nearest("aply", list), 3);
	assert_int_equal(args_nearest("frobnicate", list), -1);
	assert_int_equal(args_nearest("", list), -1);
	assert_int_equal(args_nearest("a-word-that-is-longer-than-any-name-of-a-command", list), -1);
}

int run_args(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_take_their_value_behind_a_blank_or_an_equals_sign),
		cmocka_unit_test(words_and_options_may_be_mixed_and_a_dash_is_a_word),
		cmocka_unit_test(a_value_that_begins_with_a_dash_is_a_value),
		cmocka_unit_test(unknown_options_missing_values_and_too_many_words_are_refused),
		cmocka_unit_test(the_nearest_name_is_offered_within_two_slips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
