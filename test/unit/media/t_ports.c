/* t_ports.c - port pairs: lent at random, kept back after use. */
#include "t_media.h"

#include <stdbool.h>

#include "media/ports.h"

static void every_pair_is_lent_once_and_then_none(void **state)
{
	bool seen[50] = { false };
	struct ports p;
	struct rng r;
	uint32_t pair;
	int ups = 0;

	(void)state;
	rng_seed(&r, 1);
	ports_init(&p, 50);
	for (uint32_t i = 0, last = 0; i < 50; i++, last = pair) {
		assert_int_equal(ports_take(&p, &r, 0, &pair), OK);
		assert_true(pair < 50 && !seen[pair]);
		seen[pair] = true;
		ups += pair == last + 1;
	}
	assert_true(ups < 10);			/* not one after the other */
	assert_int_equal(ports_take(&p, &r, 0, &pair), ERR_LIMIT);
	ports_close(&p);
}

static void a_pair_rests_before_it_is_lent_again(void **state)
{
	struct ports p;
	struct rng r;
	uint32_t pair, other;

	(void)state;
	rng_seed(&r, 1);
	ports_init(&p, 1);
	assert_int_equal(ports_take(&p, &r, 100, &pair), OK);
	ports_give(&p, pair, 1000, 30000);
	assert_int_equal(ports_take(&p, &r, 30999, &other), ERR_LIMIT);
	assert_int_equal(ports_take(&p, &r, 31000, &other), OK);
	assert_int_equal(other, pair);
	ports_close(&p);
}

static void ten_thousand_takes_and_gives_lose_nothing(void **state)
{
	uint32_t out[40], n = 0;
	struct ports p;
	struct rng r;

	(void)state;
	rng_seed(&r, 5);
	ports_init(&p, 40);
	for (ms_t t = 0; t < 10000; t++) {
		uint32_t pair;

		if (rng_below(&r, 2) && ports_take(&p, &r, t, &pair) == OK) {
			out[n++] = pair;
		} else if (n) {
			uint32_t i = rng_below(&r, n);

			ports_give(&p, out[i], t, 50);
			out[i] = out[--n];
		}
		assert_true(n + p.nfree + p.nrest == 40);
	}
	ports_close(&p);
}

int run_ports(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_pair_is_lent_once_and_then_none),
		cmocka_unit_test(a_pair_rests_before_it_is_lent_again),
		cmocka_unit_test(ten_thousand_takes_and_gives_lose_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
