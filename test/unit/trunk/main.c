#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "trunk/trunk.h"

static void is(struct reason why, const char *want)
{
	char out[16];

	assert_string_equal(trunk_cucm_code(&why, out), want);
}

static void cucm_has_its_own_words(void **x)
{
	(void)x;
	is(REASON(TRUNK_OPTIONS_TIMEOUT, STR("h"), STR("8000")), "Local=1");
	is(REASON(TRUNK_REFUSED, STR("h")), "Local=2");
	is(REASON(TRUNK_TLS_ALERT, STR("h"), STR("unknown_ca")), "Local=2");
	is(REASON(TRUNK_DNS, STR("h"), STR("x")), "Local=3");
	is(REASON(TRUNK_503, STR("h"), STR("30")), "Remote=503");
	is(REASON(TRUNK_OPTIONS_STATUS, STR("h"), STR("408"), STR("x")), "Remote=408");
	is(REASON(TRUNK_OPTIONS_STATUS, STR("h"), STR("?")), "");
	is(REASON(TRUNK_UP, STR("h")), "");
}

static struct trunk *carrier(bool registers)
{
	struct trunk_setup u = { .name = STR("carrier"), .profile = trunk_profile(STR("carrier")),
				 .nhosts = 1, .enabled = true, .registers = registers };

	u.host[0].name = STR("h");
	return trunk_new(&u);
}

/* Registered or not: what an operator sees of the whole trunk. */
static void a_trunk_that_registers_is_up_when_it_is_registered(void **x)
{
	struct trunk_fact ok = { .kind = TRUNK_FACT_REGISTERED, .host = -1, .why = REASON(TRUNK_REGISTERED) },
			  no = { .kind = TRUNK_FACT_REG_FAILED, .host = -1, .why = REASON(AUTH_WRONG) },
			  dead = { .kind = TRUNK_FACT_FAILED, .host = 0, .why = REASON(TRUNK_CLOSED) };
	struct trunk *t = carrier(false);

	(void)x;
	assert_null(trunk_registration(t));
	assert_int_equal(trunk_verdict(t), TRUNK_UP);
	trunk_free(t);
	t = carrier(true);
	assert_int_equal(trunk_verdict(t), TRUNK_UNKNOWN);
	assert_int_equal(trunk_why(t).code, REASON_TRUNK_REG_WAIT);
	trunk_note(t, 1, 1, &ok);
	assert_int_equal(trunk_verdict(t), TRUNK_UP);
	assert_int_equal(trunk_registration(t)->since, 1);
	trunk_note(t, 2, 2, &no);
	assert_int_equal(trunk_verdict(t), TRUNK_PARTIAL);
	assert_int_equal(trunk_why(t).code, REASON_AUTH_WRONG);
	trunk_note(t, 3, 3, &dead);
	assert_int_equal(trunk_verdict(t), TRUNK_DOWN);
	assert_int_equal(trunk_why(t).code, REASON_TRUNK_CLOSED);
	trunk_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cucm_has_its_own_words),
		cmocka_unit_test(a_trunk_that_registers_is_up_when_it_is_registered),
	};

	return cmocka_run_group_tests_name("trunk", tests, NULL, NULL);
}
