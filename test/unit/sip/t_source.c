/* The source table: buckets, holds, bans, proofs, what may be sent; and the lockout of guesses. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/mem.h"
#include "sip/lockout.h"
#include "sip/source.h"
#include "t_stack.h"

static const struct source_rules rules = { .rate = 20, .burst = 60, .strikes = 40, .ban = 600000,
					   .ban_max = 86400000 };
static const struct hash_seed seed = { { 1, 2 } };

static struct addr at(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse_ip(str_of(text), &a), OK);
	return a;
}

static struct sources *table(void)
{
	return sources_new(&rules, &seed);
}

static unsigned heard(struct sources *t, const char *who, ms_t now, unsigned n)
{
	struct addr a = at(who);
	unsigned passed = 0;

	for (unsigned i = 0; i < n; i++)
		passed += source_hear(t, &a, now, 400) != SOURCE_DROP;
	return passed;
}

/* Strikes until the state changes; how many that took. */
static unsigned strikes(struct sources *t, const char *who, ms_t now, struct source_view *v)
{
	struct addr a = at(who);
	unsigned n = 1;

	while (n < 10000 && !source_strike(t, &a, now, v))
		n++;
	return n;
}

static void a_stranger_has_a_burst_and_then_its_rate(void **x)
{
	struct sources *t = table();

	(void)x;
	assert_int_equal(heard(t, "198.51.100.7", 1000, 200), 60);
	assert_int_equal(heard(t, "198.51.100.7", 2000, 200), 20);
	assert_int_equal(heard(t, "198.51.100.8", 2000, 200), 60);
	assert_int_equal(heard(t, "198.51.100.7", 60000, 200), 60);
	sources_free(t);
}

static void a_48_has_eight_times_as_much_as_a_64(void **x)
{
	struct sources *t = table();
	unsigned sum = 0;

	(void)x;
	assert_int_equal(heard(t, "2001:db8:1:1::1", 1000, 100) + heard(t, "2001:db8:1:1::2", 1000, 100), 60);
	sum += heard(t, "2001:db8:1:2::1", 1000, 60) + heard(t, "2001:db8:1:3::1", 1000, 60);
	sum += heard(t, "2001:db8:1:4::1", 1000, 60) + heard(t, "2001:db8:1:5::1", 1000, 60);
	sum += heard(t, "2001:db8:1:6::1", 1000, 60) + heard(t, "2001:db8:1:7::1", 1000, 60);
	sum += heard(t, "2001:db8:1:8::1", 1000, 60) + heard(t, "2001:db8:1:9::1", 1000, 60);
	assert_int_equal(sum, 7 * 60);
	assert_int_equal(heard(t, "2001:db8:2:1::1", 1000, 60), 60);
	sources_free(t);
}

static void strikes_hold_then_ban_and_each_ban_is_twice_as_long(void **x)
{
	struct sources *t = table();
	struct addr a = at("198.51.100.7");
	struct source_view v;
	ms_t now = 1000;

	(void)x;
	assert_int_equal(strikes(t, "198.51.100.7", now, &v), 40);
	assert_int_equal(v.state, SOURCE_IS_HELD);
	assert_int_equal(source_hear(t, &a, now, 1), SOURCE_HELD);
	assert_int_equal(source_hear(t, &a, now + SOURCE_HOLD_MS, 1), SOURCE_STRANGE);
	assert_int_equal(strikes(t, "198.51.100.7", now, &v), SOURCE_AFTER_HOLD);
	assert_int_equal(v.state, SOURCE_IS_BANNED);
	assert_int_equal(v.until, now + 600000);
	assert_int_equal(source_hear(t, &a, now + 599999, 1), SOURCE_DROP);
	assert_false(source_knock(t, &a, now + 599999));
	for (unsigned i = 1; i < 12; i++) {
		ms_t want = 600000ull << i;

		now = v.until;
		assert_int_equal(source_hear(t, &a, now, 1), SOURCE_STRANGE);
		assert_int_equal(strikes(t, "198.51.100.7", now, &v), SOURCE_AFTER_HOLD);
		assert_int_equal(v.bans, i + 1);
		assert_int_equal(v.until, now + (want < 86400000 ? want : 86400000));
	}
	sources_free(t);
}

static void a_day_after_its_ban_a_source_is_a_stranger_again(void **x)
{
	struct sources *t = table();
	struct addr a = at("198.51.100.7");
	struct source_view v;

	(void)x;
	assert_true(source_ban(t, &a, 1000, &v));
	assert_true(v.scanner);
	assert_int_equal(source_hear(t, &a, v.until + 86400001, 1), SOURCE_STRANGE);
	assert_int_equal(strikes(t, "198.51.100.7", v.until + 86400001, &v), 40);
	assert_int_equal(v.state, SOURCE_IS_HELD);
	sources_free(t);
}

static void time_takes_strikes_back(void **x)
{
	struct sources *t = table();
	struct addr a = at("198.51.100.7");
	struct source_view v;

	(void)x;
	for (unsigned i = 0; i < 1000; i++)
		assert_false(source_strike(t, &a, 1000 + i * SOURCE_STRIKE_MS, &v));
	sources_free(t);
}

static void a_proven_source_has_ten_times_the_bucket_and_is_never_banned(void **x)
{
	struct sources *t = table();
	struct addr a = at("198.51.100.7");
	struct source_view v;

	(void)x;
	(void)strikes(t, "198.51.100.7", 1000, &v);
	source_prove(t, &a, 1000);
	assert_true(source_proven(t, &a, 1000));
	assert_int_equal(source_hear(t, &a, 1000, 1), SOURCE_KNOWN);
	assert_int_equal(heard(t, "198.51.100.7", 1000, 1000), 599);
	for (unsigned i = 0; i < 1000; i++)
		assert_false(source_strike(t, &a, 1000, &v));
	assert_false(source_ban(t, &a, 1000, &v));
	assert_false(source_proven(t, &a, 1000 + SOURCE_PROVEN_MS));
	assert_int_equal(source_hear(t, &a, 1000 + SOURCE_PROVEN_MS, 1), SOURCE_STRANGE);
	sources_free(t);
}

static void strangers_are_sent_no_more_than_they_sent(void **x)
{
	struct sources *t = table();
	struct addr a = at("198.51.100.7");

	(void)x;
	assert_false(source_may_send(t, &a, 1000, 1));
	(void)source_hear(t, &a, 1000, 400);
	assert_false(source_may_send(t, &a, 1000, 401));
	(void)source_hear(t, &a, 1500, 400);
	assert_true(source_may_send(t, &a, 1500, 401));
	assert_false(source_may_send(t, &a, 1500, 400));
	source_prove(t, &a, 1500);
	assert_true(source_may_send(t, &a, 1500, 100000));
	sources_free(t);
}

static void forgiving_lifts_a_ban(void **x)
{
	struct sources *t = table();
	struct addr a = at("2001:db8:1:1::1");
	struct source_view v;

	(void)x;
	assert_false(source_forgive(t, &a));
	assert_true(source_ban(t, &a, 1000, &v));
	assert_int_equal(v.bits, 64);
	assert_true(source_forgive(t, &a));
	assert_int_equal(source_hear(t, &a, 1000, 1), SOURCE_STRANGE);
	sources_free(t);
}

/* Forged addresses: they push each other out, and nobody else. */
static void a_flood_of_strangers_costs_a_fixed_number_of_places(void **x)
{
	struct sources *t = table();
	struct addr good = at("192.0.2.1"), bad = at("192.0.2.2"), a = { .family = ADDR_V4 };
	struct source_counts c;
	struct source_view v;

	(void)x;
	source_prove(t, &good, 1000);
	(void)source_ban(t, &bad, 1000, &v);
	for (unsigned i = 0; i < 5 * SOURCE_STRANGERS; i++) {
		a.ip[0] = 10;
		a.ip[1] = (uint8_t)(i >> 16);
		a.ip[2] = (uint8_t)(i >> 8);
		a.ip[3] = (uint8_t)i;
		(void)source_hear(t, &a, 1000, 100);
	}
	sources_count(t, &c);
	assert_int_equal(c.strangers, SOURCE_STRANGERS);
	assert_true(source_proven(t, &good, 1000));
	assert_int_equal(source_hear(t, &bad, 1000, 1), SOURCE_DROP);
	sources_free(t);
}

static bool count_one(void *ctx, const struct source_view *v)
{
	assert_int_equal(v->state, SOURCE_IS_BANNED);
	return ++*(int *)ctx < 2;
}

static void the_banned_are_listed_until_the_reader_has_enough(void **x)
{
	struct sources *t = table();
	struct source_view v;
	char text[32];
	int n = 0;

	(void)x;
	for (int i = 1; i < 5; i++) {
		struct addr a;
		struct buf b;

		buf_init(&b, text, sizeof text);
		buf_fmt(&b, "198.51.100.%d", i);
		a = at(buf_z(&b));
		(void)source_ban(t, &a, 1000, &v);
	}
	sources_each(t, 1000, count_one, &n);
	assert_int_equal(n, 2);
	sources_free(t);
}

/* --- guesses --- */

static void five_wrong_passwords_lock_the_user_there_only(void **x)
{
	struct addr here = at("198.51.100.7"), there = at("192.0.2.1");
	struct lockout l;

	(void)x;
	lockout_init(&l, &seed);
	for (int i = 1; i < LOCKOUT_TRIES; i++)
		assert_false(lockout_wrong(&l, STR("1001"), &here, 1000));
	assert_false(lockout_is(&l, STR("1001"), &here, 1000));
	assert_true(lockout_wrong(&l, STR("1001"), &here, 1000));
	assert_true(lockout_is(&l, STR("1001"), &here, 1000 + LOCKOUT_MS - 1));
	assert_false(lockout_is(&l, STR("1001"), &there, 1000));
	assert_false(lockout_is(&l, STR("1002"), &here, 1000));
	assert_false(lockout_is(&l, STR("1001"), &here, 1000 + LOCKOUT_MS));
	lockout_close(&l);
}

static void a_right_password_forgets_the_wrong_ones(void **x)
{
	struct addr a = at("198.51.100.7");
	struct lockout l;

	(void)x;
	lockout_init(&l, &seed);
	for (int k = 0; k < 5; k++) {
		for (int i = 1; i < LOCKOUT_TRIES; i++)
			assert_false(lockout_wrong(&l, STR("1001"), &a, 1000));
		lockout_right(&l, STR("1001"), &a);
	}
	lockout_close(&l);
}

static void guesses_of_many_users_cost_a_fixed_number_of_places(void **x)
{
	struct addr a = at("198.51.100.7");
	struct lockout l;

	(void)x;
	lockout_init(&l, &seed);
	for (unsigned i = 0; i < 3 * LOCKOUT_PAIRS; i++)
		(void)lockout_wrong(&l, (struct str){ (const char *)&i, sizeof i }, &a, 1000);
	assert_int_equal(l.tab.count, LOCKOUT_PAIRS);
	lockout_close(&l);
}

int run_source(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stranger_has_a_burst_and_then_its_rate),
		cmocka_unit_test(a_48_has_eight_times_as_much_as_a_64),
		cmocka_unit_test(strikes_hold_then_ban_and_each_ban_is_twice_as_long),
		cmocka_unit_test(a_day_after_its_ban_a_source_is_a_stranger_again),
		cmocka_unit_test(time_takes_strikes_back),
		cmocka_unit_test(a_proven_source_has_ten_times_the_bucket_and_is_never_banned),
		cmocka_unit_test(strangers_are_sent_no_more_than_they_sent),
		cmocka_unit_test(forgiving_lifts_a_ban),
		cmocka_unit_test(a_flood_of_strangers_costs_a_fixed_number_of_places),
		cmocka_unit_test(the_banned_are_listed_until_the_reader_has_enough),
		cmocka_unit_test(five_wrong_passwords_lock_the_user_there_only),
		cmocka_unit_test(a_right_password_forgets_the_wrong_ones),
		cmocka_unit_test(guesses_of_many_users_cost_a_fixed_number_of_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
