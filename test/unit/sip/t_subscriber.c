/* Subscriptions of ours, with a scripted notifier. */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "sub_bed.h"
#include "t_stack.h"

static void without_a_notify_timer_n_ends_it(void **x)
{
	struct bed *b = sub_script();

	(void)x;
	(void)sub_out(b, 600);
	sub_ok(b, "SUBSCRIBE ", 0);
	bed_run(b, 31000);
	assert_int_equal(bed_count(&b->a, SIP_EV_SUB_ENDED), 0);
	bed_run(b, 2000);
	assert_int_equal(bed_want(&b->a, SIP_EV_SUB_ENDED)->fail, SIP_FAIL_TIMEOUT);
	subs_are_gone(b);
}

static void a_silent_peer_ends_it(void **x)
{
	struct bed *b = sub_script();

	(void)x;
	(void)sub_out(b, 600);
	bed_run(b, 33000);
	assert_int_equal(bed_count(&b->a, SIP_EV_SUB_ENDED), 1);
	assert_int_equal(bed_want(&b->a, SIP_EV_SUB_ENDED)->fail, SIP_FAIL_TIMEOUT);
	subs_are_gone(b);
}

static void a_notify_before_the_answer_is_the_dialog(void **x)
{
	struct bed *b = sub_script();

	(void)x;
	(void)sub_out(b, 600);
	sub_tell(b, 1, "p", "active;expires=600", ON);
	assert_string_equal(bed_want(&b->a, SIP_EV_NOTIFY)->body, ON);
	sub_tell(b, 1, "q", "active", OFF);			/* another fork */
	assert_true(last_has(b, "SIP/2.0 481", "NOTIFY"));
	assert_int_equal(bed_count(&b->a, SIP_EV_NOTIFY), 1);
	sub_ok(b, "SUBSCRIBE ", 0);
	bed_run(b, 100000);
	assert_int_equal(bed_count(&b->a, SIP_EV_SUB_ENDED), 0);
	assert_int_equal(bed_sent(b, "SUBSCRIBE "), 1);
	bed_run(b, 420000);
	assert_true(last_has(b, "SUBSCRIBE ", "CSeq: 2 SUBSCRIBE"));
	assert_true(last_has(b, "SUBSCRIBE ", ";tag=p\r\n"));
	subs_are_gone(b);
}

static void a_notify_for_nothing_is_481(void **x)
{
	struct bed *b = sub_script();

	(void)x;
	sub_say(b, (struct sub_said){ .method = "NOTIFY", .cseq = 1, .extra = "Subscription-State: active\r\n" }, "nobody",
	    "nothing", "message-summary");
	assert_int_equal(bed_sent(b, "SIP/2.0 481"), 1);
	subs_are_gone(b);
}

static void a_notify_without_a_readable_state_is_400(void **x)
{
	struct bed *b = sub_script();

	(void)x;
	(void)sub_out(b, 600);
	sub_tell(b, 1, "p", "act ive", ON);
	assert_int_equal(bed_sent(b, "SIP/2.0 400"), 1);
	assert_int_equal(bed_count(&b->a, SIP_EV_NOTIFY), 0);
	subs_are_gone(b);
}

static void an_end_brings_its_reason(void **x)
{
	static const struct { const char *state; enum sip_sub_reason r; } row[] = {
		{ "terminated;reason=deactivated", SIP_SUB_DEACTIVATED },
		{ "terminated;reason=probation;retry-after=5", SIP_SUB_PROBATION },
		{ "terminated;reason=rejected", SIP_SUB_REJECTED }, { "terminated;reason=timeout", SIP_SUB_TIMEOUT },
		{ "terminated;reason=giveup", SIP_SUB_GIVEUP }, { "terminated;reason=noresource", SIP_SUB_NORESOURCE },
		{ "terminated;reason=invariant", SIP_SUB_INVARIANT }, { "terminated", SIP_SUB_NONE },
	};

	(void)x;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct bed *b = sub_script();

		(void)sub_held(b, 600);
		sub_tell(b, 2, "p", row[i].state, i & 1 ? ON : NULL);
		if (i & 1)
			assert_string_equal(bed_want(&b->a, SIP_EV_NOTIFY)->body, ON);
		assert_int_equal(bed_want(&b->a, SIP_EV_SUB_ENDED)->sub_info.reason, row[i].r);
		assert_int_equal(sub_count(&b->a), 0);
		sub_tell(b, 3, "p", "active", ON);
		assert_true(last_has(b, "SIP/2.0 481", "NOTIFY"));
		subs_are_gone(b);
	}
}

static void a_refresh_refused_for_good_ends_it(void **x)
{
	struct bed *b = sub_script();

	(void)x;
	(void)sub_held(b, 60);
	bed_run(b, 44000);
	assert_int_equal(bed_sent(b, "SUBSCRIBE "), 1);
	bed_run(b, 5000);
	assert_true(last_has(b, "SUBSCRIBE ", "CSeq: 2 SUBSCRIBE"));
	reply(b, (struct reply){ .to_request = "SUBSCRIBE ", .nth = 1, .line = "481 Gone" });
	assert_int_equal(bed_want(&b->a, SIP_EV_SUB_ENDED)->status, 481);
	subs_are_gone(b);
}

static void a_refresh_refused_for_now_is_tried_again_until_its_time_is_over(void **x)
{
	struct bed *b = sub_script();
	int n;

	(void)x;
	(void)sub_held(b, 600);
	while (bed_sent(b, "SUBSCRIBE ") < 2)
		bed_run(b, 1000);
	reply(b, (struct reply){ .to_request = "SUBSCRIBE ", .nth = 1, .line = "500 Oops" });
	assert_int_equal(bed_count(&b->a, SIP_EV_SUB_ENDED), 0);
	for (n = 2; bed_count(&b->a, SIP_EV_SUB_ENDED) == 0 && n < 100;) {
		bed_run(b, 200);
		for (; n < bed_sent(b, "SUBSCRIBE "); n++)
			reply(b, (struct reply){ .to_request = "SUBSCRIBE ", .nth = n, .line = "500 Oops" });
	}
	assert_in_range(n, 3, 20);
	assert_int_equal(bed_want(&b->a, SIP_EV_SUB_ENDED)->sub_info.reason, SIP_SUB_TIMEOUT);
	subs_are_gone(b);
}

static void a_refresh_that_is_answered_but_not_notified_ends_it(void **x)
{
	struct bed *b = sub_script();

	(void)x;
	(void)sub_held(b, 600);
	while (bed_sent(b, "SUBSCRIBE ") < 2)
		bed_run(b, 1000);
	sub_ok(b, "SUBSCRIBE ", 1);
	bed_run(b, 33000);
	assert_int_equal(bed_want(&b->a, SIP_EV_SUB_ENDED)->fail, SIP_FAIL_TIMEOUT);
	subs_are_gone(b);
}

static void who_leaves_before_anything_came_leaves_when_the_dialog_is_there(void **x)
{
	struct bed *b = sub_script();
	uint64_t id;

	(void)x;
	id = sub_out(b, 600);
	assert_int_equal(sip_unsubscribe(b->a.sip, id), OK);
	sub_ok(b, "SUBSCRIBE ", 0);
	assert_int_equal(bed_sent(b, "SUBSCRIBE "), 1);
	sub_tell(b, 1, "p", "active", OFF);
	assert_int_equal(bed_sent(b, "SUBSCRIBE "), 2);
	assert_true(last_has(b, "SUBSCRIBE ", "Expires: 0\r\n"));
	sub_ok(b, "SUBSCRIBE ", 1);
	sub_tell(b, 2, "p", "terminated;reason=timeout", OFF);
	assert_int_equal(sub_count(&b->a), 0);
	assert_int_equal(bed_count(&b->a, SIP_EV_NOTIFY) + bed_count(&b->a, SIP_EV_SUB_ENDED), 0);
	subs_are_gone(b);
}

static void who_leaves_one_that_is_refused_is_rid_of_it(void **x)
{
	struct bed *b = sub_script();
	uint64_t id;

	(void)x;
	id = sub_out(b, 600);
	assert_int_equal(sip_unsubscribe(b->a.sip, id), OK);
	reply(b, (struct reply){ .to_request = "SUBSCRIBE ", .line = "489 Bad Event" });
	assert_int_equal(sub_count(&b->a), 0);
	id = sub_held(b, 600);
	assert_int_equal(sip_unsubscribe(b->a.sip, id), OK);
	bed_run(b, 70000);
	assert_int_equal(sub_count(&b->a), 0);
	subs_are_gone(b);
}

static void a_challenged_subscribe_is_sent_again(void **x)
{
	struct bed *b = sub_script();
	struct sip_login l = { .user = STR("bob"), .password = STR("zanzibar"), .host = { STR("10.0.0.9") },
			       .nhosts = 1 };
	struct sip_subscribe q = { .owner = 7, .opts = bed_opts, .ruri = STR("sip:vm@10.0.0.9"),
				   .from_uri = STR("sip:1001@a.example"), .package = STR("message-summary") };

	(void)x;
	q.opts.login = sip_login_add(b->a.sip, &l);
	q.dest = (struct sip_dest){ .transport = SIP_UDP, .host = "10.0.0.9", .port = 5060 };
	sub_given = sip_subscribe(b->a.sip, &q);
	assert_int_not_equal(sub_given, 0);
	bed_run(b, 20);
	reply(b, (struct reply){ .to_request = "SUBSCRIBE ", .line = "401 Who", .tag = "p",
		.extra = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n" });
	assert_int_equal(bed_sent(b, "SUBSCRIBE "), 2);
	assert_true(last_has(b, "SUBSCRIBE ", "CSeq: 2 SUBSCRIBE"));
	assert_true(last_has(b, "SUBSCRIBE ", "Authorization: Digest"));
	sub_ok(b, "SUBSCRIBE ", 1);
	sub_tell(b, 1, "p", "active", ON);
	(void)bed_want(&b->a, SIP_EV_NOTIFY);
	assert_int_equal(sip_unsubscribe(b->a.sip, sub_given), OK);
	subs_are_gone(b);
}

static void one_that_cannot_be_sent_ends_at_once(void **x)
{
	struct bed *b = sub_script();
	struct sip_subscribe q = { .owner = 7, .opts = bed_opts, .ruri = STR("sip:vm@nowhere.example"),
				   .from_uri = STR("sip:a@b"), .package = STR("message-summary") };

	(void)x;
	q.dest = (struct sip_dest){ .transport = SIP_UDP, .host = "nowhere.example" };
	assert_int_not_equal(sip_subscribe(b->a.sip, &q), 0);
	bed_run(b, 2000);
	assert_int_equal(bed_want(&b->a, SIP_EV_SUB_ENDED)->fail, SIP_FAIL_DNS);
	q.package = STR("no package");
	assert_int_equal(sip_subscribe(b->a.sip, &q), 0);
	assert_int_equal(sip_notify(b->a.sip, 77, &sub_state_on), ERR_GONE);
	assert_int_equal(sip_unsubscribe(b->a.sip, 77), ERR_GONE);
	assert_int_equal(sip_notify_end(b->a.sip, 77, SIP_SUB_NORESOURCE, 0, NULL), ERR_GONE);
	subs_are_gone(b);
}

int run_subscriber(void)
{
	const struct CMUnitTest t[] = {
		cmocka_unit_test(without_a_notify_timer_n_ends_it),
		cmocka_unit_test(a_silent_peer_ends_it),
		cmocka_unit_test(a_notify_before_the_answer_is_the_dialog),
		cmocka_unit_test(a_notify_for_nothing_is_481),
		cmocka_unit_test(a_notify_without_a_readable_state_is_400),
		cmocka_unit_test(an_end_brings_its_reason),
		cmocka_unit_test(a_refresh_refused_for_good_ends_it),
		cmocka_unit_test(a_refresh_refused_for_now_is_tried_again_until_its_time_is_over),
		cmocka_unit_test(a_refresh_that_is_answered_but_not_notified_ends_it),
		cmocka_unit_test(who_leaves_before_anything_came_leaves_when_the_dialog_is_there),
		cmocka_unit_test(who_leaves_one_that_is_refused_is_rid_of_it),
		cmocka_unit_test(a_challenged_subscribe_is_sent_again),
		cmocka_unit_test(one_that_cannot_be_sent_ends_at_once),
	};

	return cmocka_run_group_tests_name("sip/subscriber", t, NULL, NULL);
}
