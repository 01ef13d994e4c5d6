/* t_day.c - points in time as people type them. */
#include "api/day.h"
#include "t_api.h"

static void a_day_is_its_first_millisecond(void **state)
{
	int64_t t = 0;

	(void)state;
	assert_int_equal(day_parse(STR("1970-01-01"), &t), OK);
	assert_int_equal(t, 0);
	assert_int_equal(day_parse(STR("2026-11-23"), &t), OK);
	assert_int_equal(t, 1795392000000LL);
	assert_int_equal(day_parse(STR("2000-02-29"), &t), OK);
	assert_int_equal(t, 951782400000LL);
	assert_int_equal(day_parse(STR("9999-12-31T23:59:59Z"), &t), OK);
	assert_int_equal(t, 253402300799000LL);
}

static void a_time_of_day_may_have_seconds_and_z(void **state)
{
	int64_t t = 0;

	(void)state;
	assert_int_equal(day_parse(STR("2026-11-23T12:00"), &t), OK);
	assert_int_equal(t, 1795435200000LL);
	assert_int_equal(day_parse(STR("2026-11-23T12:00:01Z"), &t), OK);
	assert_int_equal(t, 1795435201000LL);
}

static void days_that_are_not_in_the_calendar_are_refused(void **state)
{
	static const char *const wrong[] = { "2026-02-29", "2100-02-29", "2026-13-01", "2026-00-10",
		"2026-04-31", "2026-04-00", "1969-12-31", "2026-01-01T24:00", "2026-01-01T00:60",
		"2026-01-01T00:00:60" };
	int64_t t = 42;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(day_parse(str_of(wrong[i]), &t), ERR_RANGE);
	assert_int_equal(t, 42);
}

static void other_texts_are_refused(void **state)
{
	static const char *const wrong[] = { "", "2026", "2026-1-1", "2026/01/01", "26-01-01",
		"2026-01-01 12:00", "2026-01-01T", "2026-01-01T1", "2026-01-01T12:0",
		"2026-01-01T12:00:0", "2026-01-01T12:00:00+01:00", "2026-01-01ZZ", "yesterday",
		"+026-01-01", "-026-01-01" };
	int64_t t = 42;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(day_parse(str_of(wrong[i]), &t), ERR_PARSE);
	assert_int_equal(t, 42);
}

int run_day(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_day_is_its_first_millisecond),
		cmocka_unit_test(a_time_of_day_may_have_seconds_and_z),
		cmocka_unit_test(days_that_are_not_in_the_calendar_are_refused),
		cmocka_unit_test(other_texts_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
