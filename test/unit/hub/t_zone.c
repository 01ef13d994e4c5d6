/* t_zone.c - the hub's DNS server, and the daemon's resolver over the simulated wire. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "hub/zone.h"
#include "sim/sim_loop.h"
#include "t_hub.h"

/* A question for example.com, type A. */
static const uint8_t question[] = { 0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 7, 'e', 'x', 'a', 'm', 'p',
				    'l', 'e', 3, 'c', 'o', 'm', 0, 0, 1, 0, 1 };

static struct zone *make(struct loop **l)
{
	struct addr at, a;
	struct zone *z;
	int err_no;

	*l = sim_new(1);
	assert_int_equal(addr_parse(STR("127.0.0.1:5300"), 0, &at), OK);
	assert_int_equal(addr_parse_ip(STR("192.0.2.7"), &a), OK);
	z = zone_new(*l, &at, &err_no);
	assert_non_null(z);
	zone_set(z, "Example.com", &a, 60);
	return z;
}

static void a_known_name_is_answered_with_its_address_and_ttl(void **state)
{
	static const uint8_t rr[] = { 0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7 };
	uint8_t out[512];
	struct loop *l;
	struct zone *z = make(&l);
	size_t n = zone_answer(z, question, sizeof question, out, sizeof out);

	(void)state;
	assert_int_equal(n, sizeof question + sizeof rr);
	assert_memory_equal(out + sizeof question, rr, sizeof rr);
	assert_int_equal(out[3] & 15, 0);
	assert_int_equal(out[7], 1);
	assert_int_equal(zone_queries(z, "example.com"), 1);
	zone_free(z);
	sim_free(l);
}

static void a_removed_name_does_not_exist_and_garbage_gets_no_answer(void **state)
{
	uint8_t out[512];
	struct loop *l;
	struct zone *z = make(&l);

	(void)state;
	zone_remove(z, "example.com");
	assert_int_equal(zone_answer(z, question, sizeof question, out, sizeof out), sizeof question);
	assert_int_equal(out[3] & 15, 3);
	for (size_t n = 0; n < sizeof question; n++)
		assert_int_equal(zone_answer(z, question, n, out, sizeof out), 0);
	zone_free(z);
	sim_free(l);
}

int run_zone(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_known_name_is_answered_with_its_address_and_ttl),
		cmocka_unit_test(a_removed_name_does_not_exist_and_garbage_gets_no_answer),
	};

	return cmocka_run_group_tests_name("hub/zone", tests, NULL, NULL);
}
