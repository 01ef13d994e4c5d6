/* t_client.c - an action's row as a command, and its request; nothing is sent. */
#include <string.h>

#include "cli/client.h"
#include "t_cli.h"

#define BEGIN(c, action, ...) begin(c, action, (char *[]){ "x", __VA_ARGS__, NULL })

static enum err begin(struct client *c, const char *action, char **argv)
{
	int n = 0;

	while (argv[n])
		n++;
	return client_begin(c, action, n, argv, NULL);
}

static const char *path(const struct client *c)
{
	static char text[4096];
	struct buf b;

	buf_init(&b, text, sizeof text);
	return client_path(c, &b) ? buf_z(&b) : "(too long)";
}

static void an_action_without_arguments_is_its_words(void **state)
{
	struct client c;

	(void)state;
	assert_int_equal(BEGIN(&c, "show trunks", "--socket", "/x.sock", "--json"), OK);
	assert_string_equal(path(&c), "/v1/show/trunks");
	assert_string_equal(c.socket, "/x.sock");
	assert_true(c.json);
}

static void options_become_the_query_with_every_odd_byte_escaped(void **state)
{
	struct client c;

	(void)state;
	assert_int_equal(BEGIN(&c, "dial", "--socket=/x", "--to", "+49 30&to=1#%\xc3\xb6", "--from", "a.b-c_d~"), OK);
	assert_string_equal(path(&c), "/v1/dial?to=%2B49%2030%26to%3D1%23%25%C3%B6&from=a.b-c_d~");
}

static void a_word_is_the_needed_argument(void **state)
{
	struct client c;

	(void)state;
	assert_int_equal(BEGIN(&c, "show call", "912772512240746496", "--socket", "/x"), OK);
	assert_string_equal(path(&c), "/v1/show/call?id=912772512240746496");
	assert_int_equal(BEGIN(&c, "show call", "1", "2", "--socket", "/x"), ERR_PARSE);
	assert_int_equal(BEGIN(&c, "show trunks", "now", "--socket", "/x"), ERR_PARSE);
}

static void what_is_needed_is_asked_for_and_help_needs_nothing(void **state)
{
	struct client c;

	(void)state;
	assert_int_equal(BEGIN(&c, "dial", "--from", "1001", "--socket", "/x"), ERR_PARSE);
	assert_int_equal(BEGIN(&c, "show call", "--socket", "/x"), ERR_PARSE);
	assert_int_equal(BEGIN(&c, "dial", "--form", "1001"), ERR_PARSE);
	assert_int_equal(BEGIN(&c, "dial", "--help"), OK);
	assert_true(c.help);
}

static void names_that_no_socket_can_have_are_refused(void **state)
{
	char name[200];
	struct client c;

	(void)state;
	memset(name, 'a', sizeof name - 1);
	name[sizeof name - 1] = 0;
	assert_int_equal(BEGIN(&c, "status", "--socket", name), ERR_LIMIT);
}

static void a_request_longer_than_its_room_is_refused(void **state)
{
	char number[3000];
	struct client c;

	(void)state;
	memset(number, '+', sizeof number - 1);
	number[sizeof number - 1] = 0;
	assert_int_equal(BEGIN(&c, "cdr", "--number", number, "--socket", "/x"), OK);
	assert_string_equal(path(&c), "(too long)");
}

static void every_action_of_the_table_can_be_asked_for(void **state)
{
	const struct cmd *a;

	(void)state;
	for (size_t i = 0; (a = cmd_at(i)); i++) {
		struct client c;

		assert_int_equal(BEGIN(&c, a->name, "--help"), OK);
		assert_ptr_equal(c.cmd, a);
	}
}

static void what_an_answer_lacks_is_empty(void **state)
{
	json_t *j = json_pack("{s:s, s:i, s:n, s:s}", "a", "x", "n", 7, "z", "t",
			      "2026-11-23T17:08:37.123Z");
	char out[24];

	(void)state;
	assert_string_equal(js_get(j, "a"), "x");
	assert_string_equal(js_get(j, "n"), "");
	assert_string_equal(js_get(NULL, "a"), "");
	assert_int_equal(js_long(j, "n"), 7);
	assert_int_equal(js_long(j, "a"), 0);
	assert_string_equal(js_time(j, "t", out), "2026-11-23 17:08:37");
	assert_string_equal(js_time(j, "z", out), "");
	assert_string_equal(js_time(j, "a", out), "x");
	json_decref(j);
}

int run_client(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_action_without_arguments_is_its_words),
		cmocka_unit_test(options_become_the_query_with_every_odd_byte_escaped),
		cmocka_unit_test(a_word_is_the_needed_argument),
		cmocka_unit_test(what_is_needed_is_asked_for_and_help_needs_nothing),
		cmocka_unit_test(names_that_no_socket_can_have_are_refused),
		cmocka_unit_test(a_request_longer_than_its_room_is_refused),
		cmocka_unit_test(every_action_of_the_table_can_be_asked_for),
		cmocka_unit_test(what_an_answer_lacks_is_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
