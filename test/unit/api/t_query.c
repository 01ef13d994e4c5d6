/* t_query.c - pages of call detail records. */
#include <string.h>

#include "t_api.h"

static int up(void **state)
{
	*state = bed_new();
	return 0;
}

static int down(void **state)
{
	bed_free(*state);
	return 0;
}

static json_t *page_of(const struct cmd_call *c)
{
	json_t *j = json_loadb(c->text.p, c->text.n, 0, NULL);

	assert_non_null(j);
	return j;
}

static void no_records_are_an_empty_page(void **state)
{
	struct cmd_call c = { 0 };
	json_t *j;

	assert_int_equal(bed_run(*state, &c, "cdr", NULL), CMD_OK);
	assert_string_equal(c.type, "application/json");
	j = page_of(&c);
	assert_int_equal(json_array_size(json_object_get(j, "records")), 0);
	assert_string_equal(at(j, "next"), "null");
	json_decref(j);
	cmd_close(&c);
}

static void pages_follow_each_other_without_gap_or_double(void **state)
{
	uint64_t want[5], got = 0;
	char next[24] = "";

	for (int i = 0; i < 5; i++)
		want[4 - i] = bed_record(*state, "1001", "1002", "answered");
	for (;;) {
		struct cmd_call c = { 0 };
		json_t *j, *r;
		uint64_t id;
		size_t i;

		assert_int_equal(bed_run(*state, &c, "cdr", "limit", "2", "next", next, NULL), CMD_OK);
		j = page_of(&c);
		json_array_foreach(json_object_get(j, "records"), i, r) {
			assert_int_equal(str_u64(str_of(at(r, "id")), UINT64_MAX, &id), OK);
			assert_true(got < 5 && id == want[got++]);
		}
		assert_true(str_copy(next, sizeof next, str_of(at(j, "next"))));
		json_decref(j);
		cmd_close(&c);
		if (!strcmp(next, "null"))
			break;
	}
	assert_int_equal(got, 5);
}

static void csv_has_its_head_on_the_first_page_only(void **state)
{
	struct cmd_call c = { 0 }, d = { 0 };
	char next[24];
	struct buf b;

	(void)bed_record(*state, "1001", "1002", "answered");
	(void)bed_record(*state, "1001", "1003", "answered");
	assert_int_equal(bed_run(*state, &c, "cdr", "limit", "1", "format", "csv", NULL), CMD_OK);
	assert_memory_equal(c.text.p, "id,", 3);
	assert_true(c.next != 0);
	buf_init(&b, next, sizeof next);
	buf_u64(&b, c.next);
	assert_int_equal(bed_run(*state, &d, "cdr", "limit", "1", "format", "csv", "next",
				 buf_z(&b), NULL), CMD_OK);
	assert_true(d.text.n > 3 && d.text.p[0] >= '1' && d.text.p[0] <= '9');
	cmd_close(&c);
	cmd_close(&d);
}

static size_t count(struct bed *b, const char *name, const char *value)
{
	struct cmd_call c = { 0 };
	json_t *j;
	size_t n;

	assert_int_equal(bed_run(b, &c, "cdr", name, value, NULL), CMD_OK);
	j = page_of(&c);
	n = json_array_size(json_object_get(j, "records"));
	json_decref(j);
	cmd_close(&c);
	return n;
}

static void records_are_found_by_number_reason_call_id_and_time(void **state)
{
	(void)bed_record(*state, "1001", "1002", "answered");
	(void)bed_record(*state, "1001", "1003", "busy");
	assert_int_equal(count(*state, "number", "1003"), 1);
	assert_int_equal(count(*state, "number", "1001"), 2);
	assert_int_equal(count(*state, "number", "9"), 0);
	assert_int_equal(count(*state, "reason", "busy"), 1);
	assert_int_equal(count(*state, "call-id", "out@test"), 2);
	assert_int_equal(count(*state, "call-id", "none"), 0);
	assert_int_equal(count(*state, "since", "2026-11-23T12:00"), 2);
	assert_int_equal(count(*state, "since", "2026-11-24"), 0);
	assert_int_equal(count(*state, "until", "2026-11-23"), 0);
	assert_int_equal(count(*state, "order", "oldest"), 2);
}

static void wrong_questions_are_refused_in_a_sentence(void **state)
{
	static const char *const wrong[][2] = { { "limit", "0" }, { "limit", "1001" },
		{ "limit", "x" }, { "next", "-1" }, { "since", "yesterday" }, { "until", "2026-02-30" },
		{ "format", "xml" }, { "order", "random" },
		{ "number", "0123456789012345678901234567890123456789012345678901234567890123" },
		{ "reason", "0123456789012345678901234567890123456789" } };

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct cmd_call c = { 0 };

		assert_int_equal(bed_run(*state, &c, "cdr", wrong[i][0], wrong[i][1], NULL), CMD_BAD);
		assert_true(json_string_length(c.out) > 10);
		cmd_close(&c);
	}
}

static void a_database_that_fails_is_told_and_where_to_look(void **state)
{
	struct bed *b = *state;
	struct cmd_call c = { 0 };

	c.env = &b->env;
	assert_int_equal(cmd_finish(cmd_find(STR("cdr")), &c, ERR_IO), CMD_BUSY);
	assert_non_null(strstr(json_string_value(c.out), "tandem status"));
	cmd_close(&c);
}

int run_query(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(no_records_are_an_empty_page, up, down),
		cmocka_unit_test_setup_teardown(pages_follow_each_other_without_gap_or_double, up, down),
		cmocka_unit_test_setup_teardown(csv_has_its_head_on_the_first_page_only, up, down),
		cmocka_unit_test_setup_teardown(records_are_found_by_number_reason_call_id_and_time, up, down),
		cmocka_unit_test_setup_teardown(wrong_questions_are_refused_in_a_sentence, up, down),
		cmocka_unit_test_setup_teardown(a_database_that_fails_is_told_and_where_to_look, up, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
