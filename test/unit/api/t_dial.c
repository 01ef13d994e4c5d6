/* t_dial.c - what would ring, for every kind of caller. */
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

static void a_line_rings_its_phone_at_once_and_the_mobile_later(void **state)
{
	struct cmd_call c = { 0 };

	assert_int_equal(bed_run(*state, &c, "dial", "from", "1001", "to", "1002", NULL), CMD_OK);
	assert_string_equal(at(c.out, "caller.kind"), "phone");
	assert_string_equal(at(c.out, "caller.name"), "SEPA");
	assert_string_equal(at(c.out, "caller.css"), "staff");
	assert_string_equal(at(c.out, "line"), "1002");
	assert_string_equal(at(c.out, "rings.0.kind"), "phone");
	assert_string_equal(at(c.out, "rings.0.name"), "SEPB");
	assert_string_equal(at(c.out, "rings.0.request_uri"), "sip:1002@192.0.2.50:5062");
	assert_string_equal(at(c.out, "rings.0.delay_ms"), "0");
	assert_string_equal(at(c.out, "rings.1.kind"), "remote destination");
	assert_string_equal(at(c.out, "rings.1.number"), "5551234");
	assert_string_equal(at(c.out, "rings.1.trunk"), "cucm");
	assert_string_equal(at(c.out, "rings.1.host"), "192.0.2.10");
	assert_string_equal(at(c.out, "rings.1.trunk_state"), "unknown");
	assert_string_equal(at(c.out, "rings.1.delay_ms"), "2500");
	assert_string_equal(at(c.out, "rings.1.too_soon_ms"), "1500");
	assert_string_equal(at(c.out, "no_answer_ms"), "15000");
	assert_string_equal(at(c.out, "forward_to"), "1001");
	assert_string_equal(at(c.out, "status"), "0");
	assert_non_null(strstr(at(c.out, "why.0"), "1002 is line 1002 in partition internal"));
	cmd_close(&c);
}

static void a_phone_that_is_not_registered_is_named_with_its_mend(void **state)
{
	struct cmd_call c = { 0 };

	assert_int_equal(bed_run(*state, &c, "dial", "from", "SEPB", "to", "1001", NULL), CMD_OK);
	assert_int_equal(json_array_size(json_object_get(c.out, "rings")), 0);
	assert_string_equal(at(c.out, "status"), "480");
	assert_non_null(strstr(at(c.out, "why.1"), "SEPA does not ring: it is not registered"));
	cmd_close(&c);
}

static void a_number_outside_the_class_of_control_is_barred(void **state)
{
	struct cmd_call c = { 0 };

	assert_int_equal(bed_run(*state, &c, "dial", "from", "1001", "to", "95550000", NULL), CMD_OK);
	assert_string_equal(at(c.out, "status"), "404");
	assert_non_null(strstr(at(c.out, "text"), "which calling search space staff does not contain"));
	cmd_close(&c);
}

static void a_line_without_a_phone_calls_with_its_own_class(void **state)
{
	struct cmd_call c = { 0 };

	assert_int_equal(bed_run(*state, &c, "dial", "from", "1003", "to", "95550000", NULL), CMD_OK);
	assert_string_equal(at(c.out, "caller.kind"), "line");
	assert_string_equal(at(c.out, "rings.0.kind"), "trunk");
	assert_string_equal(at(c.out, "rings.0.number"), "5550000");
	cmd_close(&c);
}

static void a_trunk_that_is_switched_off_gives_way_to_the_next(void **state)
{
	struct bed *b = *state;
	struct cmd_call c = { 0 };

	b->config->trunk[0].enabled = false;
	assert_int_equal(bed_run(b, &c, "dial", "from", "1003", "to", "95550000", NULL), CMD_OK);
	assert_string_equal(at(c.out, "rings.0.trunk"), "spare");
	assert_non_null(strstr(at(c.out, "why.1"), "cucm is switched off"));
	cmd_close(&c);
}

static void goes_down(struct bed *b, int trunk, int hosts)
{
	struct trunk_fact f = { .kind = TRUNK_FACT_FAILED, .why = REASON(TRUNK_REFUSED, STR("192.0.2.10")) };

	for (f.host = 0; f.host < hosts; f.host++)
		trunk_note(b->trunk[trunk], b->loop->now, b->loop->wall, &f);
}

static void a_trunk_that_is_down_gives_way_to_the_next(void **state)
{
	struct bed *b = *state;
	struct cmd_call c = { 0 };

	goes_down(b, 0, 2);
	assert_int_equal(bed_run(b, &c, "dial", "from", "1003", "to", "95550000", NULL), CMD_OK);
	assert_string_equal(at(c.out, "rings.0.trunk"), "spare");
	assert_non_null(strstr(at(c.out, "why.1"), "192.0.2.10 refused"));
	cmd_close(&c);
}

static void a_trunk_that_is_down_is_not_said_to_ring(void **state)
{
	struct bed *b = *state;
	struct cmd_call c = { 0 };

	goes_down(b, 0, 2);
	goes_down(b, 1, 1);
	assert_int_equal(bed_run(b, &c, "dial", "from", "1003", "to", "95550000", NULL), CMD_OK);
	assert_string_equal(at(c.out, "rings.0.trunk"), "cucm");
	assert_string_equal(at(c.out, "rings.0.trunk_state"), "down");
	cmd_close(&c);
}

static void the_mobile_calling_over_a_trusted_trunk_is_shown_as_the_line(void **state)
{
	struct cmd_call c = { 0 };

	assert_int_equal(bed_run(*state, &c, "dial", "trunk", "cucm", "from", "95551234", "to",
				 "1002", NULL), CMD_OK);
	assert_string_equal(at(c.out, "caller.kind"), "trunk");
	assert_string_equal(at(c.out, "caller.number"), "1002");
	assert_string_equal(at(c.out, "caller.remote"), "bob-mobile");
	assert_string_equal(at(c.out, "caller.css"), "staff");
	assert_string_equal(at(c.out, "rings.1.name"), "?");
	assert_non_null(strstr(at(c.out, "why.0"), "is remote destination bob-mobile"));
	cmd_close(&c);
}

static void callers_nobody_knows_are_refused_with_the_next_step(void **state)
{
	struct cmd_call c = { 0 }, d = { 0 }, e = { 0 };

	assert_int_equal(bed_run(*state, &c, "dial", "from", "47\x01", "to", "1002", NULL), CMD_BAD);
	assert_non_null(strstr(json_string_value(c.out), "47\\x01"));
	assert_non_null(strstr(json_string_value(c.out), "--trunk"));
	assert_int_equal(bed_run(*state, &d, "dial", "trunk", "nil", "to", "1002", NULL), CMD_BAD);
	assert_non_null(strstr(json_string_value(d.out), "show trunks"));
	assert_int_equal(bed_run(*state, &e, "dial", "to", "1002", NULL), CMD_BAD);
	cmd_close(&c);
	cmd_close(&d);
	cmd_close(&e);
}

static void asking_changes_nothing(void **state)
{
	struct bed *b = *state;
	struct cmd_call c = { 0 }, d = { 0 };

	assert_int_equal(bed_run(b, &c, "dial", "from", "1001", "to", "1002", NULL), CMD_OK);
	assert_int_equal(bed_run(b, &d, "dial", "from", "1001", "to", "1002", NULL), CMD_OK);
	assert_true(json_equal(c.out, d.out));
	assert_int_equal(calls_count(b->calls), 0);
	cmd_close(&c);
	cmd_close(&d);
}

int run_dial(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_line_rings_its_phone_at_once_and_the_mobile_later, up, down),
		cmocka_unit_test_setup_teardown(a_phone_that_is_not_registered_is_named_with_its_mend, up, down),
		cmocka_unit_test_setup_teardown(a_number_outside_the_class_of_control_is_barred, up, down),
		cmocka_unit_test_setup_teardown(a_line_without_a_phone_calls_with_its_own_class, up, down),
		cmocka_unit_test_setup_teardown(a_trunk_that_is_switched_off_gives_way_to_the_next, up, down),
		cmocka_unit_test_setup_teardown(a_trunk_that_is_down_gives_way_to_the_next, up, down),
		cmocka_unit_test_setup_teardown(a_trunk_that_is_down_is_not_said_to_ring, up, down),
		cmocka_unit_test_setup_teardown(the_mobile_calling_over_a_trusted_trunk_is_shown_as_the_line, up, down),
		cmocka_unit_test_setup_teardown(callers_nobody_knows_are_refused_with_the_next_step, up, down),
		cmocka_unit_test_setup_teardown(asking_changes_nothing, up, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
