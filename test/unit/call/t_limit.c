/* t_limit.c - how many calls, and why not more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "call/call.h"
#include "call/limit.h"
#include "t_call.h"

static const struct hash_seed seed = { { 1, 2 } };

static void a_user_gets_his_maximum_and_a_reason_afterwards(void **state)
{
	struct limit_table *t = limit_new(&(struct limits){ .user = 2 }, &seed);
	struct reason why;
	char mem[200];
	struct buf b;

	(void)state;
	assert_int_equal(limit_take(t, LIMIT_USER, STR("bob"), 0, &why), OK);
	assert_int_equal(limit_take(t, LIMIT_USER, STR("bob"), 0, &why), OK);
	assert_int_equal(limit_take(t, LIMIT_USER, STR("bob"), 0, &why), ERR_LIMIT);
	buf_init(&b, mem, sizeof mem);
	reason_write(&b, &why);
	assert_string_equal(buf_z(&b), "User bob already has the maximum of 2 calls. Raise user-calls, if that is too few.");
	assert_int_equal(limit_take(t, LIMIT_USER, STR("alice"), 0, &why), OK);
	limit_give(t, LIMIT_USER, STR("bob"));
	assert_int_equal(limit_take(t, LIMIT_USER, STR("bob"), 0, &why), OK);
	limit_free(t);
}

static void kinds_do_not_share_their_counts_and_zero_is_no_limit(void **state)
{
	struct limit_table *t = limit_new(&(struct limits){ .forward = 1 }, &seed);
	struct reason why;

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_int_equal(limit_take(t, LIMIT_TRUNK, STR("x"), 0, &why), OK);
	assert_int_equal(limit_take(t, LIMIT_FORWARD, STR("x"), 0, &why), OK);
	assert_int_equal(limit_take(t, LIMIT_FORWARD, STR("x"), 0, &why), ERR_LIMIT);
	assert_int_equal(limit_take(t, LIMIT_TRUNK, STR("x"), 100, &why), ERR_LIMIT);
	assert_int_equal(limit_count(t, LIMIT_TRUNK, STR("x")), 100);
	limit_give(t, LIMIT_USER, STR("never taken"));
	limit_free(t);
}

static void every_call_state_event_pair_is_decided(void **state)
{
	(void)state;
	for (int s = 0; s < CALL_NSTATE; s++)
		for (int e = 0; e < CALL_NEVENT; e++)
			assert_true(call_decided((enum call_state)s, (enum call_event)e));
}

int run_limit(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_user_gets_his_maximum_and_a_reason_afterwards),
		cmocka_unit_test(kinds_do_not_share_their_counts_and_zero_is_no_limit),
		cmocka_unit_test(every_call_state_event_pair_is_decided),
	};

	return cmocka_run_group_tests_name("call/limit", tests, NULL, NULL);
}
