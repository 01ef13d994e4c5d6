/* t_bans.c - what the log says of strangers that are turned away, and how often. */
#include "t_service.h"

#include <string.h>

#include "service/bans.h"
#include "sim/sim_loop.h"

static char last[600];
static int lines;

static void on_log(void *ctx, enum log_level level, struct str line)
{
	(void)ctx;
	assert_int_equal(level, LOG_WARN);
	(void)str_copy(last, sizeof last, line);
	lines++;
}

static struct loop *bed(struct bans *b)
{
	struct loop *l = sim_new(1);

	l->log = (struct log){ .level = LOG_INFO, .write = on_log };
	*b = (struct bans){ .loop = l };
	lines = 0;
	return l;
}

static void a_ban_says_who_how_long_why_and_how_to_lift_it(void **state)
{
	struct source_view v = { .bits = 32, .state = SOURCE_IS_BANNED };
	struct bans b;
	struct loop *l = bed(&b);

	(void)state;
	(void)addr_parse_ip(STR("198.51.100.7"), &v.net);
	v.until = l->now + 600000;
	bans_told(&b, &v);
	assert_non_null(strstr(last, "198.51.100.7 is banned for 10 minutes: it asked again and again"));
	assert_non_null(strstr(last, "tandem unban ADDRESS"));
	(void)addr_parse_ip(STR("2001:db8::"), &v.net);
	v = (struct source_view){ v.net, 64, SOURCE_IS_BANNED, true, 8, l->now + 86400000, 0 };
	bans_told(&b, &v);
	assert_non_null(strstr(last, "2001:db8::/64 is banned for 24 hours: it is a scanner by its own name"));
	sim_free(l);
}

static void a_hold_is_not_worth_a_line(void **state)
{
	struct source_view v = { .bits = 32, .state = SOURCE_IS_HELD };
	struct bans b;
	struct loop *l = bed(&b);

	(void)state;
	bans_told(&b, &v);
	assert_int_equal(lines, 0);
	sim_free(l);
}

static void ten_lines_a_minute_and_then_how_many_more(void **state)
{
	struct addr a;
	struct bans b;
	struct loop *l = bed(&b);

	(void)state;
	(void)addr_parse_ip(STR("198.51.100.7"), &a);
	for (int i = 0; i < 100; i++)
		bans_refused(&b, &a);
	assert_int_equal(lines, BANS_LINES);
	assert_non_null(strstr(last, "is no trunk and no registered phone"));
	l->now += BANS_EVERY_MS;
	bans_refused(&b, &a);
	assert_int_equal(lines, BANS_LINES + 1);
	assert_non_null(strstr(last, "(and 90 more like this since the last line)"));
	sim_free(l);
}

int run_bans(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ban_says_who_how_long_why_and_how_to_lift_it),
		cmocka_unit_test(a_hold_is_not_worth_a_line),
		cmocka_unit_test(ten_lines_a_minute_and_then_how_many_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
