/* t_story.c - one call told from its record and what the tap still has. */
#include <string.h>

#include "api/story.h"
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

static void put(struct bed *b, uint64_t call, enum tap_dir dir, int64_t after, const char *call_id,
		const char *start)
{
	struct tap_entry e = { .kind = TAP_SIP, .dir = dir, .wall = b->loop->wall + after,
		.mono = b->loop->now + (uint64_t)after, .call = call };
	char text[400];
	struct buf t;

	buf_init(&t, text, sizeof text);
	buf_fmt(&t, "%s\r\nCall-ID: %s\r\nCSeq: 1 INVITE\r\n\r\n", start, call_id);
	e.bytes = buf_str(&t);
	assert_int_equal(addr_parse(STR("192.0.2.9:5060"), 5060, &e.peer), OK);
	tap_put(b->tap, &e);
}

/* The line that has both texts, or -1. */
static int line_with(const json_t *j, const char *one, const char *two)
{
	const json_t *list = json_object_get(j, "ladder"), *x;
	size_t i;

	json_array_foreach(list, i, x)
		if (strstr(json_string_value(x), one) && strstr(json_string_value(x), two))
			return (int)i;
	return -1;
}

static void an_ended_call_has_names_messages_and_decisions_in_order(void **state)
{
	struct bed *b = *state;
	struct cmd_call c = { 0 };
	int64_t wall = b->loop->wall;
	char id[24];
	struct buf t;
	uint64_t n = bed_record(b, "1001", "1002", "busy");

	buf_init(&t, id, sizeof id);
	buf_u64(&t, n);
	sim_wall(b->loop, wall);
	put(b, n, TAP_IN, 0, "in@test", "INVITE sip:1002@t SIP/2.0");
	put(b, n, TAP_OUT, 0, "in@test", "SIP/2.0 100 Trying");
	put(b, n, TAP_OUT, 0, "out@test", "INVITE sip:1002@t SIP/2.0");
	put(b, n, TAP_IN, 5, "other", "SIP/2.0 486 Busy Here");
	assert_int_equal(bed_run(b, &c, "show call", "id", buf_z(&t), NULL), CMD_OK);
	assert_string_equal(at(c.out, "state"), "ended");
	assert_string_equal(at(c.out, "record.id"), id);
	assert_int_equal(line_with(c.out, "SEPA", "INVITE 1002"), 0);
	assert_int_equal(line_with(c.out, "SEPA", "100 Trying"), 1);
	assert_int_equal(line_with(c.out, "1002 is line 1002", "internal"), 2);
	assert_int_equal(line_with(c.out, "SEPB", "INVITE 1002"), 3);
	assert_int_equal(line_with(c.out, "192.0.2.9:5060", "486 Busy Here"), 4);
	cmd_close(&c);
}

static void without_messages_the_decisions_remain(void **state)
{
	struct call_record *r = mem_new(sizeof *r);
	struct bed *b = *state;
	json_t *j;

	record_init(r, 7);
	r->start_wall = b->loop->wall;
	record_add_note(r, 1500, &REASON(BUSY, STR("SEPB")));
	j = story_of(&b->env, r, "ended");
	assert_int_equal(line_with(j, "+1.500", "SEPB is busy."), 0);
	json_decref(j);
	mem_free(r);
}

static void an_unknown_call_says_where_ids_are_listed(void **state)
{
	struct cmd_call c = { 0 }, d = { 0 };

	assert_int_equal(bed_run(*state, &c, "show call", "id", "12", NULL), CMD_GONE);
	assert_non_null(strstr(json_string_value(c.out), "tandem cdr"));
	assert_int_equal(bed_run(*state, &d, "show call", "id", "x", NULL), CMD_BAD);
	cmd_close(&c);
	cmd_close(&d);
}

static void a_long_call_s_ladder_is_cut_and_the_answer_stays_small(void **state)
{
	struct call_record *r = mem_new(sizeof *r);
	struct bed *b = *state;
	json_t *j;

	tap_free(b->tap);
	b->tap = b->env.tap = tap_new(1 << 20);
	record_init(r, 9);
	r->start_wall = b->loop->wall;
	for (int i = 0; i < STORY_LINES + 50; i++)
		put(b, 9, TAP_IN, i, "in@test", "OPTIONS sip:t SIP/2.0");
	j = story_of(&b->env, r, "ended");
	assert_int_equal(json_array_size(json_object_get(j, "ladder")), STORY_LINES);
	json_decref(j);
	mem_free(r);
}

int run_story(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_ended_call_has_names_messages_and_decisions_in_order, up, down),
		cmocka_unit_test_setup_teardown(without_messages_the_decisions_remain, up, down),
		cmocka_unit_test_setup_teardown(an_unknown_call_says_where_ids_are_listed, up, down),
		cmocka_unit_test_setup_teardown(a_long_call_s_ladder_is_cut_and_the_answer_stays_small, up, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
