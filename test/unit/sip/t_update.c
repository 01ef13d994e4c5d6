/* UPDATE (RFC 3311), session refresh by it (RFC 4028), and INFO (RFC 6086). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "script.h"
#include "sip/stack_int.h"
#include "t_stack.h"

static const struct sip_opts updates = { .update = true, .info = true, .session_timer = true,
	.session_expires_s = 1800, .prack = SIP_PRACK_ALL },
	refreshes = { .update = true, .session_timer = true, .session_expires_s = 1800,
		      .refresh_update = true },
	plain = { .session_timer = true };

static void own(struct bed_side *s, const struct sip_event *ev)
{
	if (ev->kind == SIP_EV_INVITE)
		assert_int_equal(sip_own(s->sip, ev->session, 9, s->arg), OK);
}

static uint64_t taken(struct bed *b, const struct sip_opts *o, const char *extra)
{
	b->a.on = own;
	b->a.arg = (void *)(uintptr_t)o;
	call_in(b, extra, "v=0\r\n");
	return bed_want(&b->a, SIP_EV_INVITE)->session;
}

static uint64_t up(struct bed *b, const struct sip_opts *o, const char *extra)
{
	uint64_t id = taken(b, o, extra);
	struct sip_body sdp = { STR("application/sdp"), STR("v=0 answer\r\n") };

	assert_int_equal(sip_answer(b->a.sip, id, &sdp, NULL, 0), OK);
	bed_run(b, 20);
	ask_in(b, "ACK", 1, NULL, NULL);
	(void)bed_want(&b->a, SIP_EV_ACK);
	return id;
}

static void answer_offer(struct bed *b, uint64_t id, unsigned status)
{
	struct sip_body sdp = { STR("application/sdp"), STR("v=0 new\r\n") };

	assert_int_equal(sip_reinvite_answer(b->a.sip, id, status, status == 200 ? &sdp : NULL, NULL, 0),
			 OK);
	bed_run(b, 20);
}

static void an_update_without_offer_refreshes_target_and_time(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	struct addr other = bed_addr("10.0.0.9:5070");
	uint64_t id = up(b, &updates, "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n");
	char v[300];

	(void)x;
	bed_peer_udp(b, &other);
	assert_non_null(strstr(value(b, "SIP/2.0 200", "Allow", v), "UPDATE"));
	bed_run(b, 50000);
	ask_in(b, "UPDATE", 2, "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n", NULL);
	assert_string_equal(value(b, "SIP/2.0 200", "CSeq", v), "2 UPDATE");
	assert_string_equal(value(b, "SIP/2.0 200", "Session-Expires", v), "90;refresher=uac");
	bed_run(b, 50000);		/* without it, 60 s after the answer were the end */
	assert_int_equal(bed_count(&b->a, SIP_EV_ENDED), 0);
	bed_run(b, 15000);
	assert_int_equal(bed_want(&b->a, SIP_EV_ENDED)->why, SIP_END_SESSION_EXPIRED);
	(void)id;
	bed_free(b);
}

static void an_interval_too_small_is_refused(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	uint64_t id = up(b, &updates, NULL);
	char v[300];

	(void)x;
	ask_in(b, "UPDATE", 2, "Supported: timer\r\nSession-Expires: 60\r\n", NULL);
	assert_string_equal(value(b, "SIP/2.0 422", "Min-SE", v), "90");
	sip_abandon(b->a.sip, id);
	bed_free(b);
}

static void an_offer_in_an_update_is_the_owner_s_to_answer(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	uint64_t id = up(b, &updates, NULL);
	char v[300];

	(void)x;
	ask_in(b, "UPDATE", 2, NULL, "v=0 hold\r\n");
	assert_string_equal(bed_want(&b->a, SIP_EV_REINVITE)->body, "v=0 hold\r\n");
	ask_in(b, "UPDATE", 3, NULL, "v=0 more\r\n");		/* 5.2: the first is not answered */
	assert_string_equal(value(b, "SIP/2.0 500", "CSeq", v), "3 UPDATE");
	(void)value(b, "SIP/2.0 500", "Retry-After", v);
	ask_in(b, "INVITE", 4, NULL, "v=0 more\r\n");
	assert_string_equal(value(b, "SIP/2.0 500", "CSeq", v), "4 INVITE");
	ask_in(b, "UPDATE", 5, NULL, NULL);			/* no offer: no matter */
	assert_string_equal(value(b, "SIP/2.0 200", "CSeq", v), "5 UPDATE");
	assert_int_equal(sip_reinvite(b->a.sip, id, NULL, NULL, 0), ERR_STATE);
	answer_offer(b, id, 200);
	assert_string_equal(value(b, "SIP/2.0 200", "CSeq", v), "2 UPDATE");
	bed_run(b, 5000);
	assert_int_equal(bed_sent(b, "SIP/2.0 200"), 3);	/* it needs no ACK, so it is not repeated */
	assert_int_equal(sip_reinvite_answer(b->a.sip, id, 200, NULL, NULL, 0), ERR_STATE);
	ask_in(b, "UPDATE", 6, NULL, "v=0 bad\r\n");
	(void)bed_want(&b->a, SIP_EV_REINVITE);
	answer_offer(b, id, 488);
	assert_string_equal(value(b, "SIP/2.0 488", "CSeq", v), "6 UPDATE");
	sip_abandon(b->a.sip, id);
	bed_free(b);
}

static void an_offer_that_meets_ours_gets_491(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	uint64_t id = up(b, &updates, NULL);
	struct sip_body sdp = { STR("application/sdp"), STR("v=0 ours\r\n") };
	char v[300];

	(void)x;
	assert_int_equal(sip_reinvite(b->a.sip, id, &sdp, NULL, 0), OK);
	bed_run(b, 20);
	ask_in(b, "UPDATE", 2, NULL, "v=0 theirs\r\n");
	assert_string_equal(value(b, "SIP/2.0 491", "CSeq", v), "2 UPDATE");
	reply(b, (struct reply){ "INVITE sip:9@", 0, "491 Request Pending", NULL, NULL, NULL });
	ask_in(b, "UPDATE", 3, NULL, "v=0 theirs\r\n");		/* ours waits: theirs goes first */
	assert_int_equal(bed_want(&b->a, SIP_EV_REFAILED)->status, 491);
	(void)bed_want(&b->a, SIP_EV_REINVITE);
	answer_offer(b, id, 200);
	sip_abandon(b->a.sip, id);
	bed_free(b);
}

static void before_the_answer_an_offer_needs_the_first_one_settled(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	uint64_t id = taken(b, &updates, "Supported: 100rel\r\n");
	struct sip_body sdp = { STR("application/sdp"), STR("v=0 early\r\n") };
	char v[300], line[400];

	(void)x;
	(void)sip_ring(b->a.sip, id, 183, &sdp, NULL, 0);
	bed_run(b, 20);
	assert_non_null(strstr(value(b, "SIP/2.0 183", "Allow", v), "UPDATE"));
	ask_in(b, "UPDATE", 2, NULL, "v=0 new\r\n");
	assert_string_equal(value(b, "SIP/2.0 500", "CSeq", v), "2 UPDATE");
	ask_in(b, "UPDATE", 3, NULL, NULL);
	assert_string_equal(value(b, "SIP/2.0 200", "CSeq", v), "3 UPDATE");
	(void)snprintf(line, sizeof line, "RAck: %s 1 INVITE\r\n", value(b, "SIP/2.0 183", "RSeq", v));
	ask_in(b, "PRACK", 4, line, NULL);
	ask_in(b, "UPDATE", 5, NULL, "v=0 new\r\n");
	(void)bed_want(&b->a, SIP_EV_REINVITE);
	answer_offer(b, id, 200);
	assert_string_equal(value(b, "SIP/2.0 200", "CSeq", v), "5 UPDATE");
	(void)sip_answer(b->a.sip, id, NULL, NULL, 0);
	bed_run(b, 20);
	ask_in(b, "UPDATE", 6, NULL, "v=0 new\r\n");		/* our 200 waits for its ACK */
	assert_string_equal(value(b, "SIP/2.0 500", "CSeq", v), "6 UPDATE");
	ask_in(b, "ACK", 1, NULL, NULL);
	(void)bed_want(&b->a, SIP_EV_ACK);
	sip_abandon(b->a.sip, id);
	bed_free(b);
}

#define EARLY CONTACT "Require: 100rel\r\nRSeq: 1\r\nAllow: INVITE, UPDATE\r\n"

static void the_called_side_may_update_its_early_dialog(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	uint64_t id = call_with(b, &updates);
	char v[300];

	(void)x;
	reply(b, (struct reply){ "INVITE", 0, "180 Ringing", "a", CONTACT, NULL });
	ask(b, "UPDATE", 50, "a", NULL);
	assert_string_equal(value(b, "SIP/2.0 200", "CSeq", v), "50 UPDATE");
	reply(b, (struct reply){ "INVITE", 0, "183 Session Progress", "b", EARLY, "v=0 early\r\n" });
	ask(b, "UPDATE", 3, "b", NULL);		/* each fork has numbers of its own */
	assert_string_equal(value(b, "SIP/2.0 200", "CSeq", v), "3 UPDATE");
	sip_abandon(b->a.sip, id);
	bed_run(b, 20);
	ask(b, "UPDATE", 4, "b", NULL);
	assert_string_equal(value(b, "SIP/2.0 481", "CSeq", v), "4 UPDATE");
	bed_free(b);
}

/* As ask(), with a body. */
static void offer(struct bed *b, int cseq, const char *tag)
{
	ask(b, "UPDATE", cseq, tag, "Content-Type: application/sdp\r\nl: 5\r\n\r\nv=0\r\n");
}

static void the_called_side_s_offer_too(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	uint64_t id = call_with(b, &updates);
	char v[300];

	(void)x;
	reply(b, (struct reply){ "INVITE", 0, "180 Ringing", "a", CONTACT, NULL });
	offer(b, 1, "a");		/* our offer is not answered */
	assert_string_equal(value(b, "SIP/2.0 491", "CSeq", v), "1 UPDATE");
	reply(b, (struct reply){ "INVITE", 0, "183 Session Progress", "b", EARLY, "v=0 early\r\n" });
	offer(b, 2, "b");
	assert_int_equal(bed_count(&b->a, SIP_EV_REINVITE), 1);
	for (int i = 0; i < b->a.n; i++)
		if (b->a.ev[i].kind == SIP_EV_REINVITE)
			assert_int_equal(b->a.ev[i].early, 1);
	answer_offer(b, id, 200);
	assert_string_equal(value(b, "SIP/2.0 200", "CSeq", v), "2 UPDATE");
	(void)sip_cancel(b->a.sip, id, NULL, 0);
	offer(b, 3, "b");
	assert_string_equal(value(b, "SIP/2.0 481", "CSeq", v), "3 UPDATE");
	sip_abandon(b->a.sip, id);
	bed_free(b);
}

static void who_must_not_have_it_gets_405(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	uint64_t id = up(b, &plain, NULL);
	char v[300];

	(void)x;
	ask_in(b, "UPDATE", 2, NULL, NULL);
	assert_string_equal(value(b, "SIP/2.0 405", "Allow", v),
			    "INVITE, ACK, BYE, CANCEL, OPTIONS, NOTIFY");
	ask_in(b, "INFO", 3, NULL, NULL);
	assert_string_equal(value(b, "SIP/2.0 405", "CSeq", v), "3 INFO");
	sip_abandon(b->a.sip, id);
	bed_free(b);
}

static void outside_of_a_dialog_there_is_nothing_to_update(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	struct addr at = peer();

	(void)x;
	bed_peer_send(b, &at, &b->a.addr[SIP_UDP],
		"UPDATE sip:100@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9:5060;rport;branch=z9hG4bKu\r\n"
		"Max-Forwards: 70\r\nFrom: <sip:9@10.0.0.9>;tag=p\r\nTo: <sip:100@10.0.0.1>\r\n"
		"Call-ID: in\r\nCSeq: 1 UPDATE\r\nContent-Length: 0\r\n\r\n");
	bed_run(b, 20);
	assert_int_equal(bed_sent(b, "SIP/2.0 481"), 1);
	bed_free(b);
}

/* --- INFO --- */

static void info_is_answered_as_it_is_understood(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	uint64_t id = up(b, &updates, NULL);
	char v[300];

	(void)x;
	ask_in(b, "INFO", 2, NULL, NULL);
	assert_string_equal(value(b, "SIP/2.0 200", "CSeq", v), "2 INFO");
	ask_in(b, "INFO", 3, "Info-Package: foo\r\n", NULL);
	assert_string_equal(value(b, "SIP/2.0 469", "CSeq", v), "3 INFO");
	assert_string_equal(value(b, "SIP/2.0 469", "Recv-Info", v), "");
	ask_in(b, "INFO", 4, NULL, "Signal=5\r\n");
	assert_string_equal(value(b, "SIP/2.0 415", "Accept", v), "application/sdp");
	assert_int_equal(bed_count(&b->a, SIP_EV_INDIALOG), 0);
	sip_abandon(b->a.sip, id);
	bed_free(b);
}

/* --- our refresh --- */

#define MINE "Supported: timer\r\nSession-Expires: 200;refresher=uas\r\nAllow: INVITE, ACK, BYE, UPDATE\r\n"

static void the_session_is_refreshed_by_update_without_the_owner(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	uint64_t id = up(b, &refreshes, MINE);
	char v[300];

	(void)x;
	bed_run(b, 99500);
	assert_int_equal(bed_sent(b, "UPDATE "), 0);
	bed_run(b, 600);
	assert_int_equal(bed_sent(b, "UPDATE "), 1);
	assert_string_equal(value(b, "UPDATE", "Session-Expires", v), "200;refresher=uac");
	(void)value(b, "UPDATE", "Contact", v);
	reply(b, (struct reply){ "UPDATE", 0, "200 OK", NULL,
		"Session-Expires: 200;refresher=uac\r\nRequire: timer\r\n" CONTACT, NULL });
	(void)bed_want(&b->a, SIP_EV_REFRESHED);
	bed_run(b, 100100);
	assert_int_equal(bed_sent(b, "UPDATE "), 2);
	assert_int_equal(bed_count(&b->a, SIP_EV_REFRESH_DUE), 0);
	reply(b, (struct reply){ "UPDATE", 1, "481 Gone", NULL, NULL, NULL });
	assert_int_equal(bed_want(&b->a, SIP_EV_REFAILED)->status, 481);
	assert_int_equal(bed_want(&b->a, SIP_EV_ENDED)->why, SIP_END_TRANSPORT);
	(void)id;
	bed_free(b);
}

static void a_peer_that_takes_no_update_is_refreshed_by_invite(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	uint64_t id = up(b, &refreshes, "Supported: timer\r\nSession-Expires: 200;refresher=uas\r\nAllow: INVITE, ACK, BYE\r\n");

	(void)x;
	bed_run(b, 101000);
	assert_int_equal(bed_sent(b, "UPDATE "), 0);
	(void)bed_want(&b->a, SIP_EV_REFRESH_DUE);
	sip_abandon(b->a.sip, id);
	bed_free(b);
	b = alone(SIP_ZONE_PBX);
	id = up(b, &refreshes, MINE);
	bed_run(b, 101000);
	reply(b, (struct reply){ "UPDATE", 0, "405 Method Not Allowed", NULL, NULL, NULL });
	(void)bed_want(&b->a, SIP_EV_REFRESH_DUE);
	sip_abandon(b->a.sip, id);
	bed_free(b);
}

static void a_refresh_that_meets_an_offer_comes_again(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	uint64_t id = up(b, &refreshes, MINE);
	char v[300];

	(void)x;
	bed_run(b, 100100);
	ask_in(b, "INVITE", 2, NULL, "v=0 theirs\r\n");
	assert_string_equal(value(b, "SIP/2.0 491", "CSeq", v), "2 INVITE");
	ask_in(b, "UPDATE", 3, NULL, "v=0 theirs\r\n");
	assert_string_equal(value(b, "SIP/2.0 491", "CSeq", v), "3 UPDATE");
	reply(b, (struct reply){ "UPDATE", 0, "491 Request Pending", NULL, NULL, NULL });
	assert_string_equal(value(b, "UPDATE", "CSeq", v), "2 UPDATE");
	while (bed_sent(b, "UPDATE ") < 2)
		bed_run(b, 10);		/* up to two seconds, RFC 3261 14.1 */
	assert_string_equal(value(b, "UPDATE", "CSeq", v), "3 UPDATE");
	reply(b, (struct reply){ "UPDATE", 1, "491 Request Pending", NULL, NULL, NULL });
	ask_in(b, "UPDATE", 4, NULL, "v=0 theirs\r\n");
	(void)bed_want(&b->a, SIP_EV_REFRESH_DUE);	/* the owner's turn, in its own time */
	(void)bed_want(&b->a, SIP_EV_REINVITE);
	answer_offer(b, id, 200);
	sip_abandon(b->a.sip, id);
	bed_free(b);
}

static void the_end_of_the_session_answers_an_open_update(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	uint64_t id = up(b, &updates, NULL);
	char v[300];

	(void)x;
	ask_in(b, "UPDATE", 2, NULL, "v=0 hold\r\n");
	(void)sip_bye(b->a.sip, id, NULL, 0);
	bed_run(b, 20);
	assert_string_equal(value(b, "SIP/2.0 481", "CSeq", v), "2 UPDATE");
	bed_free(b);
}

int run_update(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_update_without_offer_refreshes_target_and_time),
		cmocka_unit_test(an_interval_too_small_is_refused),
		cmocka_unit_test(an_offer_in_an_update_is_the_owner_s_to_answer),
		cmocka_unit_test(an_offer_that_meets_ours_gets_491),
		cmocka_unit_test(before_the_answer_an_offer_needs_the_first_one_settled),
		cmocka_unit_test(the_called_side_may_update_its_early_dialog),
		cmocka_unit_test(the_called_side_s_offer_too),
		cmocka_unit_test(who_must_not_have_it_gets_405),
		cmocka_unit_test(outside_of_a_dialog_there_is_nothing_to_update),
		cmocka_unit_test(info_is_answered_as_it_is_understood),
		cmocka_unit_test(the_session_is_refreshed_by_update_without_the_owner),
		cmocka_unit_test(a_peer_that_takes_no_update_is_refreshed_by_invite),
		cmocka_unit_test(a_refresh_that_meets_an_offer_comes_again),
		cmocka_unit_test(the_end_of_the_session_answers_an_open_update),
	};

	return cmocka_run_group_tests_name("update", tests, NULL, NULL);
}
