/* The header fields of event notification. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "sip/events.h"
#include "t_text.h"

static void a_package_and_its_id_are_read(void **x)
{
	struct sip_package p;

	(void)x;
	assert_int_equal(sip_package_parse(STR("message-summary"), &p), OK);
	assert_str(p.name, "message-summary");
	assert_null(p.id.p);
	assert_int_equal(sip_package_parse(STR(" refer ; id=93809824;call-id=\"a;b\""), &p), OK);
	assert_str(p.name, "refer");
	assert_str(p.id, "93809824");
	assert_int_equal(sip_package_parse(STR("presence.winfo"), &p), OK);
	assert_str(p.name, "presence.winfo");
}

static void what_is_no_package_is_refused_and_writes_nothing(void **x)
{
	static const char *const bad[] = { "", " ", ";id=1", "a b", "a,b", "a@b", "refer;id=a b", "refer;id=",
					   "refer;i d=1", "refer;id=\"x\x01\"" };
	struct sip_package p = { STR("kept"), STR_NONE };
	char text[400];

	(void)x;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(sip_package_parse(str_of(bad[i]), &p), ERR_PARSE);
	memset(text, 'a', sizeof text);
	assert_int_equal(sip_package_parse((struct str){ text, SIP_TOKEN_MAX + 1 }, &p), ERR_LIMIT);
	memcpy(text, "refer;id=", 9);
	assert_int_equal(sip_package_parse((struct str){ text, 9 + SIP_TOKEN_MAX + 1 }, &p), ERR_LIMIT);
	memset(text, ';', sizeof text);
	memcpy(text, "refer", 5);
	assert_int_equal(sip_package_parse((struct str){ text, 5 + SIP_PARAM_MAX + 2 }, &p), ERR_LIMIT);
	assert_str(p.name, "kept");
}

static bool same(const char *a, const char *b)
{
	struct sip_package p, q;

	assert_int_equal(sip_package_parse(str_of(a), &p), OK);
	assert_int_equal(sip_package_parse(str_of(b), &q), OK);
	return sip_package_same(&p, &q);
}

static void packages_are_compared_byte_for_byte_with_their_id(void **x)
{
	(void)x;
	assert_true(same("refer", "refer;foo=1"));
	assert_true(same("refer;id=1", "refer;x;id=1"));
	assert_false(same("refer", "Refer"));
	assert_false(same("refer;id=1", "refer"));
	assert_false(same("refer", "refer;id=1"));
	assert_false(same("refer;id=1", "refer;id=2"));
}

static void a_list_of_packages_is_walked_and_what_is_none_is_passed_over(void **x)
{
	struct str rest = STR("presence, , a b,message-summary ,x@y"), name;

	(void)x;
	assert_true(sip_allow_events_next(&rest, &name));
	assert_str(name, "presence");
	assert_true(sip_allow_events_next(&rest, &name));
	assert_str(name, "message-summary");
	assert_false(sip_allow_events_next(&rest, &name));
	assert_true(sip_allow_events_has(STR("a,b"), STR("b")));
	assert_false(sip_allow_events_has(STR("a,b"), STR("B")));
	assert_false(sip_allow_events_has(STR_NONE, STR("b")));
}

static void a_state_is_read_with_its_parameters(void **x)
{
	struct sip_sub_info i;

	(void)x;
	assert_int_equal(sip_sub_info_parse(STR("active;expires=599"), &i), OK);
	assert_int_equal(i.state, SIP_SUB_ACTIVE);
	assert_true(i.has_expires && i.expires_s == 599 && !i.has_retry && i.reason == SIP_SUB_NONE);
	assert_int_equal(sip_sub_info_parse(STR("Terminated ; Reason=Probation;retry-after=60"), &i), OK);
	assert_int_equal(i.state, SIP_SUB_TERMINATED);
	assert_int_equal(i.reason, SIP_SUB_PROBATION);
	assert_true(i.has_retry && i.retry_after_s == 60);
	assert_int_equal(sip_sub_info_parse(STR("pending"), &i), OK);
	assert_int_equal(i.state, SIP_SUB_PENDING);
	assert_int_equal(sip_sub_info_parse(STR("dozing;reason=odd;expires=x;retry-after="), &i), OK);
	assert_int_equal(i.state, SIP_SUB_EXTENSION);
	assert_int_equal(i.reason, SIP_SUB_REASON_OTHER);
	assert_false(i.has_expires || i.has_retry);
	assert_int_equal(sip_sub_info_parse(STR("active;expires=99999999999"), &i), OK);
	assert_int_equal(i.expires_s, SIP_SUB_EXPIRES_MAX_S);
}

static void what_is_no_state_is_refused(void **x)
{
	static const char *const bad[] = { "", ";expires=1", "act ive", "active,pending", "active;a b=1" };
	struct sip_sub_info i;

	(void)x;
	for (size_t k = 0; k < sizeof bad / sizeof *bad; k++)
		assert_int_equal(sip_sub_info_parse(str_of(bad[k]), &i), ERR_PARSE);
}

static void what_is_written_is_read_again(void **x)
{
	(void)x;
	for (int r = 0; r < SIP_SUB_REASON_OTHER; r++) {
		struct sip_sub_info i = { .state = SIP_SUB_TERMINATED, .reason = (enum sip_sub_reason)r,
					  .has_retry = true, .retry_after_s = 7 }, back;
		char text[120];
		struct buf b;

		buf_init(&b, text, sizeof text);
		sip_sub_info_write(&b, &i);
		assert_int_equal(sip_sub_info_parse(buf_str(&b), &back), OK);
		assert_int_equal(back.state, i.state);
		assert_int_equal(back.reason, i.reason);
		assert_true(back.has_retry && back.retry_after_s == 7);
	}
}

/* RFC 6665 4.1.3, reason by reason. */
static void a_reason_says_whether_and_when_to_ask_again(void **x)
{
	static const struct { const char *state; int wait; } row[] = {
		{ "terminated;reason=deactivated;retry-after=9", 0 }, { "terminated;reason=timeout;retry-after=9", 0 },
		{ "terminated;reason=probation;retry-after=9", 9000 }, { "terminated;reason=probation", 500 },
		{ "terminated;reason=giveup;retry-after=9", 9000 }, { "terminated;reason=giveup", 500 },
		{ "terminated", 500 }, { "terminated;reason=odd;retry-after=9", 9000 },
		{ "terminated;reason=rejected;retry-after=9", -1 }, { "terminated;reason=noresource", -1 },
		{ "terminated;reason=invariant", -1 },
	};

	(void)x;
	for (size_t k = 0; k < sizeof row / sizeof *row; k++) {
		struct sip_sub_info i;
		ms_t wait = 12345;
		bool again;

		assert_int_equal(sip_sub_info_parse(str_of(row[k].state), &i), OK);
		again = sip_sub_again(&i, 500, &wait);
		assert_int_equal(again, row[k].wait >= 0);
		if (again)
			assert_int_equal(wait, row[k].wait);
	}
}

int run_events(void)
{
	const struct CMUnitTest t[] = {
		cmocka_unit_test(a_package_and_its_id_are_read),
		cmocka_unit_test(what_is_no_package_is_refused_and_writes_nothing),
		cmocka_unit_test(packages_are_compared_byte_for_byte_with_their_id),
		cmocka_unit_test(a_list_of_packages_is_walked_and_what_is_none_is_passed_over),
		cmocka_unit_test(a_state_is_read_with_its_parameters),
		cmocka_unit_test(what_is_no_state_is_refused),
		cmocka_unit_test(what_is_written_is_read_again),
		cmocka_unit_test(a_reason_says_whether_and_when_to_ask_again),
	};

	return cmocka_run_group_tests_name("sip/events", t, NULL, NULL);
}
