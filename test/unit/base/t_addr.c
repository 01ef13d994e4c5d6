/* t_addr.c - addresses as text and in networks. */
#include "t_base.h"

#include "base/addr.h"

static struct addr of(const char *z)
{
	struct addr a = { 0 };

	assert_int_equal(addr_parse(str_of(z), 0, &a), OK);
	return a;
}

static void addresses_are_read_and_written(void **state)
{
	static const struct { const char *in, *out; } row[] = {
		{ "192.0.2.1", "192.0.2.1:5060" },
		{ "192.0.2.1:5061", "192.0.2.1:5061" },
		{ "2001:DB8::1", "[2001:db8::1]:5060" },
		{ "[2001:db8::1]", "[2001:db8::1]:5060" },
		{ "[2001:db8::1]:65535", "[2001:db8::1]:65535" },
		{ "::", "[::]:5060" },
	};
	char text[ADDR_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct addr a;

		assert_int_equal(addr_parse(str_of(row[i].in), 5060, &a), OK);
		assert_string_equal(addr_text(&a, text), row[i].out);
	}
}

static void what_is_no_address_is_refused_and_nothing_is_written(void **state)
{
	static const char *const bad[] = {
		"", ":", "a.example", "192.0.2", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:x",
		"[2001:db8::1", "[2001:db8::1]5060", "2001:db8::1]:5060", "[]:1", "256.0.0.1",
		"192.0.2.1 ", "2001:db8::1::2", "[192.0.2.1]x",
	};
	struct addr a = { .port = 77 };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_not_equal(addr_parse(str_of(bad[i]), 1, &a), OK);
	assert_int_equal(addr_parse_ip((struct str)STR_INIT("1.2.3.4\0x"), &a), ERR_PARSE);
	assert_int_equal(a.port, 77);
}

static void equality_has_two_strengths(void **state)
{
	struct addr a = of("192.0.2.1:1"), b = of("192.0.2.1:2"), c = of("::1");

	(void)state;
	assert_true(addr_same_ip(&a, &b));
	assert_false(addr_eq(&a, &b));
	assert_true(addr_eq(&a, &a));
	assert_false(addr_same_ip(&a, &c));
}

static void special_addresses_are_known(void **state)
{
	struct addr any4 = of("0.0.0.0"), any6 = of("::"), lo4 = of("127.9.9.9"), lo6 = of("::1"),
		    other = of("128.0.0.1");

	(void)state;
	assert_true(addr_is_any(&any4) && addr_is_any(&any6));
	assert_false(addr_is_any(&lo6));
	assert_true(addr_is_loopback(&lo4) && addr_is_loopback(&lo6));
	assert_false(addr_is_loopback(&other));
}

static void a_network_ends_at_its_bit(void **state)
{
	struct addr net = of("52.112.0.0"), in = of("52.115.255.255"), out = of("52.116.0.0"),
		    six = of("2001:db8::"), six_in = of("2001:db8:ffff::1");

	(void)state;
	assert_true(addr_in(&in, &net, 14));
	assert_false(addr_in(&out, &net, 14));
	assert_true(addr_in(&out, &net, 0));
	assert_false(addr_in(&six, &net, 0));		/* another family */
	assert_true(addr_in(&six_in, &six, 32));
	assert_false(addr_in(&six_in, &six, 33));
	assert_true(addr_in(&net, &net, 999));
}

int run_addr(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read_and_written),
		cmocka_unit_test(what_is_no_address_is_refused_and_nothing_is_written),
		cmocka_unit_test(equality_has_two_strengths),
		cmocka_unit_test(special_addresses_are_known),
		cmocka_unit_test(a_network_ends_at_its_bit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
