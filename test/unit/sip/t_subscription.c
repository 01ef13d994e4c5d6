/* Subscriptions to us: every cell, a twin at the other end, a script, and those of REFER. */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "sip/stack_int.h"
#include "sub_bed.h"
#include "t_stack.h"

static void every_cell_is_decided(void **x)
{
	(void)x;
	for (int st = SUB_ASKED; st < SUB_OVER; st++)
		for (int in = 0; in < SUB_NIN; in++)
			assert_true(sub_decided((enum sub_state)st, (enum sub_in)in));
	for (int in = 0; in < SUB_NIN; in++) {
		assert_false(sub_decided(SUB_NEW, (enum sub_in)in));
		assert_false(sub_decided(SUB_OVER, (enum sub_in)in));
	}
	for (int st = 0; st < NTF_NSTATE; st++)
		for (int in = 0; in < NTF_NIN; in++)
			assert_true(ntf_decided((enum ntf_state)st, (enum ntf_in)in));
}

/* --- two stacks --- */

static void a_subscription_is_notified_refreshed_and_left(void **x)
{
	struct bed *b = sub_twins();
	uint64_t id = sub_twin(b, 600);
	char v[300];

	(void)x;
	bed_run(b, 100);
	assert_string_equal(bed_want(&b->b, SIP_EV_NOTIFY)->body, OFF);
	assert_int_equal(bed_want(&b->a, SIP_EV_SUBSCRIBE)->expires_s, 600);
	assert_string_equal(value(b, "SIP/2.0 200", "Allow-Events", v), "message-summary, dialog");
	assert_true(last_has(b, "NOTIFY ", "Subscription-State: active;expires=600\r\n"));
	assert_int_equal(sip_notify(b->a.sip, sub_given, &sub_state_on), OK);
	bed_run(b, 100);
	assert_string_equal(bed_want(&b->b, SIP_EV_NOTIFY)->body, ON);
	bed_run(b, 900000);
	assert_in_range(bed_count(&b->a, SIP_EV_SUB_REFRESHED), 1, 2);
	assert_int_equal(bed_count(&b->b, SIP_EV_SUB_ENDED), 0);
	assert_true(last_has(b, "NOTIFY ", ON));
	assert_int_equal(sip_unsubscribe(b->b.sip, id), OK);
	bed_run(b, 100);
	assert_true(last_has(b, "NOTIFY ", "Subscription-State: terminated;reason=timeout\r\n"));
	assert_int_equal(bed_count(&b->a, SIP_EV_SUB_ENDED), 1);
	assert_int_equal(bed_count(&b->b, SIP_EV_SUB_ENDED), 0);
	assert_int_equal(sip_unsubscribe(b->b.sip, id), ERR_GONE);
	subs_are_gone(b);
}

static void one_that_is_too_brief_is_asked_for_again_with_min_expires(void **x)
{
	struct bed *b = sub_twins();

	(void)x;
	(void)sub_twin(b, 30);
	bed_run(b, 100);
	assert_int_equal(bed_sent(b, "SIP/2.0 423"), 1);
	assert_true(last_has(b, "SIP/2.0 423", "Min-Expires: 60\r\n"));
	assert_true(last_has(b, "SUBSCRIBE ", "Expires: 60\r\n"));
	(void)bed_want(&b->b, SIP_EV_NOTIFY);
	assert_int_equal(sip_notify_end(b->a.sip, sub_given, SIP_SUB_NORESOURCE, 0, NULL), OK);
	assert_int_equal(sip_notify_end(b->a.sip, sub_given, SIP_SUB_NORESOURCE, 0, NULL), ERR_STATE);
	assert_int_equal(sip_notify(b->a.sip, sub_given, &sub_state_on), ERR_STATE);
	bed_run(b, 100);
	(void)bed_want(&b->b, SIP_EV_NOTIFY);
	assert_int_equal(bed_want(&b->b, SIP_EV_SUB_ENDED)->sub_info.reason, SIP_SUB_NORESOURCE);
	assert_int_equal(bed_count(&b->a, SIP_EV_SUB_ENDED), 0);
	subs_are_gone(b);
}

static void a_pending_one_becomes_active_with_its_state(void **x)
{
	struct bed *b = sub_twins();

	(void)x;
	b->a.status = 202;
	(void)sub_twin(b, 600);
	bed_run(b, 100);
	assert_int_equal(bed_want(&b->b, SIP_EV_NOTIFY)->sub_info.state, SIP_SUB_PENDING);
	assert_int_equal(sip_notify(b->a.sip, sub_given, &sub_state_on), OK);
	bed_run(b, 100);
	assert_int_equal(bed_want(&b->b, SIP_EV_NOTIFY)->sub_info.state, SIP_SUB_ACTIVE);
	assert_int_equal(sip_notify_end(b->a.sip, sub_given, SIP_SUB_PROBATION, 30, NULL), OK);
	bed_run(b, 100);
	(void)bed_want(&b->b, SIP_EV_NOTIFY);
	assert_int_equal(bed_want(&b->b, SIP_EV_SUB_ENDED)->sub_info.retry_after_s, 30);
	subs_are_gone(b);
}

static bool every_third(struct bed *b, const struct bed_msg *m)
{
	(void)m;
	return b->nwire % 3 == 0;
}

static void it_lives_over_a_lossy_wire(void **x)
{
	struct bed *b = sub_twins();
	uint64_t id;

	(void)x;
	b->lose = every_third;
	id = sub_twin(b, 120);
	bed_run(b, 500000);
	assert_int_equal(bed_count(&b->b, SIP_EV_SUB_ENDED), 0);
	assert_int_equal(sip_unsubscribe(b->b.sip, id), OK);
	subs_are_gone(b);
}

/* --- notifier --- */

static void an_unknown_package_is_refused_with_those_that_are_known(void **x)
{
	struct bed *b = sub_script();
	char v[300];

	(void)x;
	sub_say(b, (struct sub_said){ .method = "SUBSCRIBE", .cseq = 1 }, NULL, "u1", "presence");
	assert_string_equal(value(b, "SIP/2.0 489", "Allow-Events", v), "message-summary, dialog");
	sub_say(b, (struct sub_said){ .method = "SUBSCRIBE", .cseq = 1 }, NULL, "u2", "a b");
	assert_int_equal(bed_sent(b, "SIP/2.0 400 Bad Event"), 1);
	assert_int_equal(bed_count(&b->a, SIP_EV_SUBSCRIBE), 0);
	subs_are_gone(b);
}

static void where_nothing_can_be_subscribed_to_subscribe_is_not_allowed(void **x)
{
	struct bed *b = alone(SIP_ZONE_TEAMS);

	(void)x;
	sub_say(b, (struct sub_said){ .method = "SUBSCRIBE", .cseq = 1 }, NULL, "u1", "presence");
	assert_int_equal(bed_sent(b, "SIP/2.0 405"), 1);
	assert_true(last_has(b, "SIP/2.0 405", "Allow: "));
	subs_are_gone(b);
}

static void a_fetch_gets_the_state_once(void **x)
{
	struct bed *b = sub_script();

	(void)x;
	sub_in_new(b, "Expires: 0\r\n");
	assert_true(last_has(b, "SIP/2.0 200", "Expires: 0\r\n"));
	assert_true(last_has(b, "NOTIFY ", "Subscription-State: terminated;reason=timeout"));
	assert_true(last_has(b, "NOTIFY ", OFF));
	assert_int_equal(sub_count(&b->a), 1);
	sub_ok(b, "NOTIFY ", 0);
	assert_int_equal(sub_count(&b->a), 0);
	assert_int_equal(bed_count(&b->a, SIP_EV_SUB_ENDED), 0);
	subs_are_gone(b);
}

static void one_that_is_not_refreshed_ends_with_its_time(void **x)
{
	struct bed *b = sub_script();

	(void)x;
	sub_in_new(b, "Expires: 60\r\n");
	sub_ok(b, "NOTIFY ", 0);
	bed_run(b, 59000);
	assert_int_equal(bed_count(&b->a, SIP_EV_SUB_ENDED), 0);
	bed_run(b, 1500);
	assert_int_equal(bed_count(&b->a, SIP_EV_SUB_ENDED), 1);
	assert_true(last_has(b, "NOTIFY ", "terminated;reason=timeout"));
	sub_in_again(b, 2, "Expires: 60\r\n");
	assert_true(last_has(b, "SIP/2.0 481", "SUBSCRIBE"));
	subs_are_gone(b);
}

static void a_refresh_is_answered_and_notified_and_a_brief_one_is_refused(void **x)
{
	struct bed *b = sub_script();

	(void)x;
	sub_in_new(b, "Expires: 600\r\n");
	sub_ok(b, "NOTIFY ", 0);
	sub_in_again(b, 2, "Expires: 10\r\n");
	assert_int_equal(bed_sent(b, "SIP/2.0 423"), 1);
	sub_in_again(b, 3, "Expires: 999999\r\n");
	assert_true(last_has(b, "SIP/2.0 200", "Expires: 3600\r\n"));
	assert_int_equal(bed_count(&b->a, SIP_EV_SUB_REFRESHED), 1);
	assert_int_equal(bed_sent(b, "NOTIFY "), 2);
	sub_ok(b, "NOTIFY ", 1);
	sub_say(b, (struct sub_said){ .method = "SUBSCRIBE", .cseq = 2, .serial = 9, .extra = "Expires: 600\r\n" },
	    sub_tag(b, "NOTIFY ", (char[300]){ 0 }), "in", "message-summary");
	assert_true(last_has(b, "SIP/2.0 500", "SUBSCRIBE"));
	sub_in_again(b, 5, "Expires: 0\r\n");
	assert_int_equal(bed_count(&b->a, SIP_EV_SUB_ENDED), 1);
	subs_are_gone(b);
}

static void another_event_in_its_dialog_is_none_of_it(void **x)
{
	struct bed *b = sub_script();
	char tag[300];

	(void)x;
	sub_in_new(b, "Expires: 60\r\n");
	sub_ok(b, "NOTIFY ", 0);
	sub_say(b, (struct sub_said){ .method = "SUBSCRIBE", .cseq = 2 }, sub_tag(b, "NOTIFY ", tag), "in", "dialog");
	assert_true(last_has(b, "SIP/2.0 481", "SUBSCRIBE"));
	sub_say(b, (struct sub_said){ .method = "NOTIFY", .cseq = 3, .extra = "Subscription-State: active\r\n" },
	    sub_tag(b, "NOTIFY ", tag), "in", "message-summary");
	assert_true(last_has(b, "SIP/2.0 481", "NOTIFY"));
	subs_are_gone(b);
}

static void one_notify_is_out_at_a_time_and_the_latest_state_behind_it(void **x)
{
	struct bed *b = sub_script();
	struct sip_body third = { STR(TYPE), STR("Messages-Waiting: yes\r\nVoice-Message: 3/0\r\n") };

	(void)x;
	sub_in_new(b, "Expires: 600\r\n");
	assert_int_equal(sip_notify(b->a.sip, sub_given, &sub_state_on), OK);
	assert_int_equal(sip_notify(b->a.sip, sub_given, &sub_state_off), OK);
	assert_int_equal(sip_notify(b->a.sip, sub_given, &third), OK);
	bed_run(b, 100);
	assert_int_equal(bed_sent(b, "NOTIFY "), 1);
	sub_ok(b, "NOTIFY ", 0);
	assert_int_equal(bed_sent(b, "NOTIFY "), 2);
	assert_true(last_has(b, "NOTIFY ", "Voice-Message: 3/0"));
	assert_true(last_has(b, "NOTIFY ", "CSeq: 3 NOTIFY"));
	sub_ok(b, "NOTIFY ", 1);
	bed_run(b, 5000);
	assert_int_equal(bed_sent(b, "NOTIFY "), 2);
	assert_int_equal(sip_notify_end(b->a.sip, sub_given, SIP_SUB_GIVEUP, 0, NULL), OK);
	subs_are_gone(b);
}

static void a_notify_that_is_unknown_there_ends_it(void **x)
{
	struct bed *b = sub_script();
	const struct bed_event *e;

	(void)x;
	sub_in_new(b, "Expires: 600\r\n");
	reply(b, (struct reply){ .to_request = "NOTIFY ", .line = "481 Gone" });
	(void)bed_want(&b->a, SIP_EV_SUBSCRIBE);
	e = bed_want(&b->a, SIP_EV_SUB_ENDED);
	assert_int_equal(e->status, 481);
	assert_int_equal(e->owner, 9);
	assert_int_equal(sub_count(&b->a), 0);
	subs_are_gone(b);
}

static void a_notify_that_is_never_answered_ends_it(void **x)
{
	struct bed *b = sub_script();

	(void)x;
	sub_in_new(b, "Expires: 600\r\n");
	bed_run(b, 33000);
	(void)bed_want(&b->a, SIP_EV_SUBSCRIBE);
	assert_int_equal(bed_want(&b->a, SIP_EV_SUB_ENDED)->fail, SIP_FAIL_TIMEOUT);
	assert_int_equal(sub_count(&b->a), 0);
	subs_are_gone(b);
}

static void retry_after_is_respected_and_the_latest_state_sent_then(void **x)
{
	struct bed *b = sub_script();

	(void)x;
	sub_in_new(b, "Expires: 600\r\n");
	reply(b, (struct reply){ .to_request = "NOTIFY ", .line = "503 Busy", .extra = "Retry-After: 20\r\n" });
	assert_int_equal(sip_notify(b->a.sip, sub_given, &sub_state_on), OK);
	bed_run(b, 19500);
	assert_int_equal(bed_sent(b, "NOTIFY "), 1);
	bed_run(b, 600);
	assert_int_equal(bed_sent(b, "NOTIFY "), 2);
	assert_true(last_has(b, "NOTIFY ", ON));
	reply(b, (struct reply){ .to_request = "NOTIFY ", .nth = 1, .line = "503 Busy",
				 .extra = "Retry-After: 1000\r\n" });	/* beyond its end */
	assert_int_equal(bed_count(&b->a, SIP_EV_SUB_ENDED), 1);
	subs_are_gone(b);
}

static void a_subscribe_that_its_owner_forgets_is_answered_500(void **x)
{
	struct bed *b = sub_script();

	(void)x;
	b->a.on = NULL;
	sub_in_new(b, "Expires: 600\r\n");
	assert_int_equal(sub_count(&b->a), 1);
	bed_run(b, SIP_SUB_ASKED_MS + 100);
	assert_int_equal(bed_sent(b, "SIP/2.0 500"), 1);
	assert_int_equal(sub_count(&b->a), 0);
	subs_are_gone(b);
}

static void refusing(struct bed_side *s, const struct sip_event *ev)
{
	struct sip_xhdr h = { STR("WWW-Authenticate"), STR("Digest realm=\"r\", nonce=\"n\"") };
	struct sip_accept big = { .owner = 1, .body = { STR(TYPE), STR("x") } };

	if (ev->kind != SIP_EV_SUBSCRIBE)
		return;
	big.body.bytes.n = SIP_SUB_BODY_MAX + 1;	/* only its length is looked at */
	assert_int_equal(sip_sub_accept(s->sip, ev->sub, &big), ERR_LIMIT);
	assert_int_equal(sip_sub_refuse(s->sip, ev->sub, 200, NULL, 0), ERR_STATE);
	assert_int_equal(sip_notify(s->sip, ev->sub, &sub_state_on), ERR_STATE);
	assert_int_equal(sip_sub_refuse(s->sip, ev->sub, 401, &h, 1), OK);
	assert_int_equal(sip_sub_refuse(s->sip, ev->sub, 401, &h, 1), ERR_GONE);
	assert_int_equal(sip_sub_accept(s->sip, ev->sub, &big), ERR_GONE);
}

static void an_owner_may_ask_for_credentials(void **x)
{
	struct bed *b = sub_script();
	char v[300];

	(void)x;
	b->a.on = refusing;
	sub_in_new(b, "");
	(void)value(b, "SIP/2.0 401", "WWW-Authenticate", v);
	assert_int_equal(sub_count(&b->a), 0);
	subs_are_gone(b);
}

static void what_has_no_contact_cannot_be_notified(void **x)
{
	struct bed *b = sub_script();
	struct addr at = peer();

	(void)x;
	bed_peer_send(b, &at, &b->a.addr[SIP_UDP],
		"SUBSCRIBE sip:1001@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bKnc\r\n"
		"Max-Forwards: 70\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:a@x>\r\nCall-ID: nc\r\nCSeq: 1 SUBSCRIBE\r\n"
		"Event: dialog\r\nContent-Length: 0\r\n\r\n");
	bed_run(b, 20);
	assert_int_equal(bed_sent(b, "SIP/2.0 400 Missing Contact"), 1);
	subs_are_gone(b);
}

static void one_address_holds_so_many_and_no_more(void **x)
{
	struct bed *b = sub_script();
	char id[20];

	(void)x;
	for (int i = 0; i <= SIP_SUB_PER_IP; i++) {
		(void)snprintf(id, sizeof id, "many%d", i);
		sub_say(b, (struct sub_said){ .method = "SUBSCRIBE", .cseq = 1 }, NULL, id, "dialog");
		if (i < SIP_SUB_PER_IP)
			bed_forget_wire(b);
	}
	assert_int_equal(bed_sent(b, "SIP/2.0 503"), 1);
	assert_int_equal(sub_count(&b->a), SIP_SUB_PER_IP);
	bed_free(b);
}

static void the_table_is_full_at_its_limit(void **x)
{
	struct bed *b = bed_new_events(&(struct sip_config){ .max_subs = 1 }, "message-summary");
	struct addr at = peer();

	(void)x;
	bed_peer_udp(b, &at);
	b->a.on = sub_taking;
	sub_in_new(b, "");
	sub_say(b, (struct sub_said){ .method = "SUBSCRIBE", .cseq = 1 }, NULL, "two", "message-summary");
	assert_int_equal(bed_sent(b, "SIP/2.0 503"), 1);
	bed_free(b);
}

/* --- REFER --- */

static uint64_t call_id;

static void referred(struct bed_side *s, const struct sip_event *ev)
{
	struct sip_implicit i = { .session = ev->session, .tsx = ev->tsx, .owner = 11, .package = STR("refer"),
				  .expires_s = 180, .body = { STR("message/sipfrag"), STR("SIP/2.0 100 Trying\r\n") } };

	if (ev->kind == SIP_EV_INVITE) {
		call_id = ev->session;
		assert_int_equal(sip_own(s->sip, ev->session, 5, &bed_opts), OK);
		assert_int_equal(sip_answer(s->sip, ev->session, &(struct sip_body){ STR("application/sdp"),
				 STR("v=0\r\n") }, NULL, 0), OK);
	}
	if (ev->kind != SIP_EV_INDIALOG || ev->msg->method != SIP_REFER)
		return;
	sub_given = sip_sub_implicit(s->sip, &i);
	assert_int_not_equal(sub_given, 0);
	assert_int_equal(sip_sub_implicit(s->sip, &i), 0);	/* answered already */
}

static void a_refer_makes_a_subscription_in_the_dialog_of_its_call(void **x)
{
	struct bed *b = sub_script();
	struct sip_body frag = { STR("message/sipfrag"), STR("SIP/2.0 200 OK\r\n") };

	(void)x;
	b->a.on = referred;
	call_in(b, NULL, "v=0\r\n");
	ask_in(b, "ACK", 1, NULL, NULL);
	ask_in(b, "REFER", 2, "Refer-To: <sip:carol@x>\r\n", NULL);
	assert_true(last_has(b, "SIP/2.0 202", "CSeq: 2 REFER"));
	assert_false(last_has(b, "SIP/2.0 202", "Expires"));
	assert_true(last_has(b, "NOTIFY ", "Event: refer\r\n"));
	assert_true(last_has(b, "NOTIFY ", "Subscription-State: active;expires=180\r\n"));
	assert_true(last_has(b, "NOTIFY ", "Content-Type: message/sipfrag\r\n"));
	assert_true(last_has(b, "NOTIFY ", "Call-ID: in\r\n"));
	assert_true(last_has(b, "NOTIFY ", "SIP/2.0 100 Trying"));
	sub_ok(b, "NOTIFY ", 0);
	/* the two usages count their requests together */
	assert_int_equal(sip_bye(b->a.sip, call_id, NULL, 0), OK);
	bed_run(b, 20);
	assert_true(last_has(b, "BYE ", "CSeq: 3 BYE"));
	sub_ok(b, "BYE ", 0);
	/* RFC 5057 4.1: the call is over, its subscription is not */
	assert_int_equal(sip_notify_end(b->a.sip, sub_given, SIP_SUB_NORESOURCE, 0, &frag), OK);
	bed_run(b, 20);
	assert_true(last_has(b, "NOTIFY ", "CSeq: 4 NOTIFY"));
	assert_true(last_has(b, "NOTIFY ", "Subscription-State: terminated;reason=noresource\r\n"));
	assert_true(last_has(b, "NOTIFY ", "SIP/2.0 200 OK"));
	sub_ok(b, "NOTIFY ", 1);
	assert_int_equal(sub_count(&b->a), 0);
	subs_are_gone(b);
}

static void the_subscription_of_a_refer_may_be_left_and_a_call_s_dialog_takes_no_other(void **x)
{
	struct bed *b = sub_script();

	(void)x;
	b->a.on = referred;
	call_in(b, NULL, "v=0\r\n");
	ask_in(b, "ACK", 1, NULL, NULL);
	ask_in(b, "SUBSCRIBE", 2, "Event: message-summary\r\n", NULL);
	assert_true(last_has(b, "SIP/2.0 405", "Allow: "));
	ask_in(b, "REFER", 3, "Refer-To: <sip:carol@x>\r\n", NULL);
	sub_ok(b, "NOTIFY ", 0);
	ask_in(b, "SUBSCRIBE", 4, "Event: refer\r\nExpires: 0\r\n", NULL);
	assert_int_equal(bed_count(&b->a, SIP_EV_SUB_ENDED), 1);
	assert_true(last_has(b, "NOTIFY ", "terminated;reason=timeout"));
	sub_ok(b, "NOTIFY ", 1);
	assert_int_equal(sip_bye(b->a.sip, call_id, NULL, 0), OK);
	bed_run(b, 20);
	sub_ok(b, "BYE ", 0);
	subs_are_gone(b);
}

int run_subscription(void)
{
	const struct CMUnitTest t[] = {
		cmocka_unit_test(every_cell_is_decided),
		cmocka_unit_test(a_subscription_is_notified_refreshed_and_left),
		cmocka_unit_test(one_that_is_too_brief_is_asked_for_again_with_min_expires),
		cmocka_unit_test(a_pending_one_becomes_active_with_its_state),
		cmocka_unit_test(it_lives_over_a_lossy_wire),
		cmocka_unit_test(an_unknown_package_is_refused_with_those_that_are_known),
		cmocka_unit_test(where_nothing_can_be_subscribed_to_subscribe_is_not_allowed),
		cmocka_unit_test(a_fetch_gets_the_state_once),
		cmocka_unit_test(one_that_is_not_refreshed_ends_with_its_time),
		cmocka_unit_test(a_refresh_is_answered_and_notified_and_a_brief_one_is_refused),
		cmocka_unit_test(another_event_in_its_dialog_is_none_of_it),
		cmocka_unit_test(one_notify_is_out_at_a_time_and_the_latest_state_behind_it),
		cmocka_unit_test(a_notify_that_is_unknown_there_ends_it),
		cmocka_unit_test(a_notify_that_is_never_answered_ends_it),
		cmocka_unit_test(retry_after_is_respected_and_the_latest_state_sent_then),
		cmocka_unit_test(a_subscribe_that_its_owner_forgets_is_answered_500),
		cmocka_unit_test(an_owner_may_ask_for_credentials),
		cmocka_unit_test(what_has_no_contact_cannot_be_notified),
		cmocka_unit_test(one_address_holds_so_many_and_no_more),
		cmocka_unit_test(the_table_is_full_at_its_limit),
		cmocka_unit_test(a_refer_makes_a_subscription_in_the_dialog_of_its_call),
		cmocka_unit_test(the_subscription_of_a_refer_may_be_left_and_a_call_s_dialog_takes_no_other),
	};

	return cmocka_run_group_tests_name("sip/subscription", t, NULL, NULL);
}
