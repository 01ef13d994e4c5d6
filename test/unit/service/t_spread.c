/* t_spread.c - ten thousand phones that registered within one second do not come back as one. */
#include "t_service.h"

#include "base/mem.h"
#include "service/spread.h"

enum { PHONES = 10000, ASKED = 3600, SECONDS = 8 * ASKED };

static void never_longer_than_asked_nor_shorter_than_allowed(void **state)
{
	(void)state;
	for (uint32_t turn = 0; turn < 5000; turn++) {
		uint32_t s = spread_expires(turn, ASKED, 60);

		assert_in_range(s, ASKED - ASKED / 10, ASKED);
		assert_int_equal(spread_expires(turn, 60, 60), 60);
		assert_in_range(spread_expires(turn, 62, 60), 60, 62);
		assert_in_range(spread_expires(turn, UINT32_MAX, 60), UINT32_MAX - UINT32_MAX / 10, UINT32_MAX);
	}
}

/* Each phone renews when `percent` of what it was granted have passed, for some periods; the
 * busiest second of each round beside the mean of the seconds in which that round comes. */
static double busiest(unsigned percent, int rounds)
{
	uint32_t *due = mem_array(PHONES, sizeof *due), *in = mem_array(SECONDS, sizeof *in), turn = 0;
	double worst = 0;

	for (int i = 0; i < PHONES; i++)
		due[i] = 1000u * spread_expires(turn++, ASKED, 60) / 100 * percent + (uint32_t)i / 10;
	for (int round = 0; round < rounds; round++) {
		uint32_t first = UINT32_MAX, last = 0, most = 0;

		for (int i = 0; i < SECONDS; i++)
			in[i] = 0;
		for (int i = 0; i < PHONES; i++) {
			uint32_t s = due[i] / 1000;

			in[s]++;
			most = in[s] > most ? in[s] : most;
			first = s < first ? s : first;
			last = s > last ? s : last;
			due[i] += 1000u * spread_expires(turn++, ASKED, 60) / 100 * percent;
		}
		if (round == 0)
			worst = most / ((double)PHONES / (last - first + 1));
		else if (most > 2 * PHONES / (ASKED / 10 * percent / 100))
			worst = PHONES;		/* they gather again */
	}
	mem_free(in);
	mem_free(due);
	return worst;
}

static void renewals_after_one_period_are_even(void **state)
{
	static const unsigned percent[] = { 50, 80, 90, 100 };

	(void)state;
	for (size_t i = 0; i < sizeof percent / sizeof *percent; i++)
		assert_true(busiest(percent[i], 5) <= 1.3);
}

int run_spread(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_longer_than_asked_nor_shorter_than_allowed),
		cmocka_unit_test(renewals_after_one_period_are_even),
	};

	return cmocka_run_group_tests_name("spread", tests, NULL, NULL);
}
