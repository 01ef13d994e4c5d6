/* t_rng.c - random bytes. */
#include "t_base.h"

#include <string.h>

#include "base/rng.h"

static void a_seed_repeats_and_another_does_not(void **state)
{
	struct rng a, b, c;
	unsigned char x[600], y[600], z[600];

	(void)state;
	rng_seed(&a, 1);
	rng_seed(&b, 1);
	rng_seed(&c, 2);
	rng_bytes(&a, x, sizeof x);
	for (size_t i = 0; i < sizeof y; i++)		/* in any portions */
		rng_bytes(&b, y + i, 1);
	rng_bytes(&c, z, sizeof z);
	assert_memory_equal(x, y, sizeof x);
	assert_memory_not_equal(x, z, sizeof x);
}

static void numbers_below_n_stay_below_and_reach_all(void **state)
{
	struct rng r;
	int seen[7] = { 0 };

	(void)state;
	rng_seed(&r, 3);
	for (int i = 0; i < 7000; i++) {
		uint32_t v = rng_below(&r, 7);

		assert_true(v < 7);
		seen[v]++;
	}
	for (int i = 0; i < 7; i++)
		assert_in_range(seen[i], 800, 1200);
	assert_int_equal(rng_below(&r, 1), 0);
}

static void the_systems_bytes_differ_and_leave_no_copy(void **state)
{
	struct rng r;
	unsigned char a[32], b[32];

	(void)state;
	rng_init(&r);
	rng_bytes(&r, a, sizeof a);
	rng_bytes(&r, b, sizeof b);
	assert_memory_not_equal(a, b, sizeof a);
	for (size_t i = 0; i < 64; i++)			/* what was given is wiped */
		assert_int_equal(r.pool[i], 0);
	assert_true(rng_u64(&r) != rng_u64(&r));
}

static void hex_is_lower_case_and_ends_with_nul(void **state)
{
	struct rng r;
	char h[17];

	(void)state;
	rng_seed(&r, 4);
	memset(h, 'z', sizeof h);
	rng_hex(&r, h, 8);
	assert_int_equal(strlen(h), 16);
	assert_int_equal(strspn(h, "0123456789abcdef"), 16);
	rng_hex(&r, h, 0);
	assert_string_equal(h, "");
	assert_true(rng_hash_seed(&r).k[0] != rng_hash_seed(&r).k[0]);
}

int run_rng(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_seed_repeats_and_another_does_not),
		cmocka_unit_test(numbers_below_n_stay_below_and_reach_all),
		cmocka_unit_test(the_systems_bytes_differ_and_leave_no_copy),
		cmocka_unit_test(hex_is_lower_case_and_ends_with_nul),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
