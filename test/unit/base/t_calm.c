/* t_calm.c - when memory may go back. */
#include "t_base.h"

#include "base/calm.h"

static void it_is_due_once_after_a_burst_has_fallen_to_a_quarter(void **state)
{
	struct calm c = { 0 };

	(void)state;
	assert_false(calm_due(&c, 1000));
	assert_false(calm_due(&c, 4000));
	assert_false(calm_due(&c, 1001));
	assert_true(calm_due(&c, 1000));
	assert_false(calm_due(&c, 1000));
	assert_false(calm_due(&c, 251));
	assert_true(calm_due(&c, 250));
	assert_true(calm_due(&c, 0));
	assert_false(calm_due(&c, 0));
}

static void ups_and_downs_of_a_few_are_nothing(void **state)
{
	struct calm c = { 0 };

	(void)state;
	for (uint32_t i = 0; i < 100; i++) {
		assert_false(calm_due(&c, i));
		assert_false(calm_due(&c, 0));
	}
	assert_false(calm_due(&c, 100));
	assert_true(calm_due(&c, 25));
}

int run_calm(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_due_once_after_a_burst_has_fallen_to_a_quarter),
		cmocka_unit_test(ups_and_downs_of_a_few_are_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
