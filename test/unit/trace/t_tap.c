/* t_tap.c - the tap keeps the newest, whole, and finds them by call. */
#include "t_trace.h"

#include <stdio.h>
#include <string.h>

#include "base/tap.h"

static void put(struct tap *t, uint64_t call, uint64_t key, const char *text)
{
	struct tap_entry e = { .wall = 1, .mono = 2, .call = call, .key = key, .kind = TAP_SIP,
			       .dir = TAP_IN, .proto = TAP_TLS, .bytes = str_of(text) };

	tap_put(t, &e);
}

static const char *seen(struct tap *t, uint64_t call)
{
	static char text[4096];
	struct tap_entry e;
	struct tap_walk w;

	text[0] = 0;
	tap_walk(&w, t, call);
	while (tap_next(&w, &e))
		snprintf(text + strlen(text), sizeof text - strlen(text), "%.*s ", STRF(e.bytes));
	return text;
}

static void entries_come_back_in_order_and_whole(void **state)
{
	struct tap *t = tap_new(0);
	struct tap_entry e;
	struct tap_walk w;

	(void)state;
	put(t, 7, 0, "one");
	put(t, 7, 0, "");
	put(t, 7, 0, "two");
	tap_walk(&w, t, 0);
	assert_true(tap_next(&w, &e));
	assert_true(e.seq == 1 && e.wall == 1 && e.mono == 2 && e.call == 7);
	assert_true(e.kind == TAP_SIP && e.dir == TAP_IN && e.proto == TAP_TLS);
	assert_string_equal(seen(t, 0), "one  two ");
	tap_free(t);
}

static void a_call_gets_what_was_written_before_it_was_known(void **state)
{
	struct tap *t = tap_new(0);

	(void)state;
	put(t, 0, 11, "invite");
	put(t, 0, 22, "other");
	tap_bind(t, 7, 11);
	put(t, 7, 0, "note");
	put(t, 0, 11, "ack");
	put(t, 8, 11, "not-mine");
	tap_bind(t, 7, 33);
	put(t, 0, 33, "leg");
	assert_string_equal(seen(t, 7), "invite note ack leg ");
	assert_string_equal(seen(t, 9), "");
	tap_free(t);
}

static void the_oldest_are_overwritten(void **state)
{
	struct tap *t = tap_new(4096);
	struct tap_stats s;
	struct tap_entry e;
	struct tap_walk w;
	uint64_t last = 0;
	char text[64];

	(void)state;
	for (int i = 0; i < 5000; i++) {	/* all sizes, so that it wraps everywhere */
		snprintf(text, sizeof text, "%d %.*s", i, i % 40, "........................................");
		put(t, 1, 0, text);
		tap_walk(&w, t, 0);
		while (tap_next(&w, &e)) {
			uint32_t n = 0;

			assert_int_equal(str_u32(str_sub(e.bytes, 0, str_find(e.bytes, ' ')), 9999,
						 &n), OK);
			assert_int_equal((uint64_t)n + 1, e.seq);
			last = e.seq;
		}
		assert_int_equal(last, i + 1);
	}
	tap_look(t, &s);
	assert_int_equal(s.written, 5000);
	assert_true(s.overwritten > 4900 && s.used <= s.size);
	tap_free(t);
}

static void too_big_an_entry_is_refused_and_counted(void **state)
{
	static char big[2000];
	struct tap *t = tap_new(4096);
	struct tap_stats s;

	(void)state;
	memset(big, 'x', sizeof big - 1);
	put(t, 1, 0, big);
	tap_look(t, &s);
	assert_int_equal(s.refused, 1);
	assert_string_equal(seen(t, 0), "");
	tap_free(t);
}

static void a_walk_goes_on_after_being_overtaken(void **state)
{
	struct tap *t = tap_new(4096);
	struct tap_entry e;
	struct tap_walk w;

	(void)state;
	put(t, 1, 0, "first");
	tap_walk(&w, t, 0);
	for (int i = 0; i < 100; i++)
		put(t, 1, 0, "later");
	assert_true(tap_next(&w, &e));
	assert_true(e.seq > 1);
	tap_free(t);
}

static void no_tap_keeps_nothing(void **state)
{
	struct tap_walk w;
	struct tap_entry e;
	struct tap_stats s;

	(void)state;
	put(NULL, 1, 1, "x");
	tap_bind(NULL, 1, 1);
	tap_walk(&w, NULL, 0);
	assert_false(tap_next(&w, &e));
	tap_look(NULL, &s);
	assert_int_equal(s.written, 0);
	tap_free(NULL);
}

static void keys_are_the_same_for_the_same_call_id(void **state)
{
	(void)state;
	assert_true(tap_key(STR("abc@host")) == tap_key(STR("abc@host")));
	assert_true(tap_key(STR("abc@host")) != tap_key(STR("abd@host")));
	assert_true(tap_key(STR("")) == 0 && tap_key(STR_NONE) == 0);
}

int run_tap(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_come_back_in_order_and_whole),
		cmocka_unit_test(a_call_gets_what_was_written_before_it_was_known),
		cmocka_unit_test(the_oldest_are_overwritten),
		cmocka_unit_test(too_big_an_entry_is_refused_and_counted),
		cmocka_unit_test(a_walk_goes_on_after_being_overtaken),
		cmocka_unit_test(no_tap_keeps_nothing),
		cmocka_unit_test(keys_are_the_same_for_the_same_call_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
