/* Whole calls between two stacks at virtual time. */
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "bed.h"
#include "sip/stack_int.h"
#include "t_stack.h"

static void counts_are(struct bed_side *s, uint32_t sessions, uint32_t txs)
{
	struct sip_counts c;

	sip_counts(s->sip, &c);
	assert_int_equal(c.sessions, sessions);
	assert_int_equal(c.dialogs, sessions);
	assert_int_equal(c.transactions, txs);
}

static void every_cell_of_the_session_table_is_decided(void **x)
{
	(void)x;
	for (int st = SES_CALLING; st < SES_OVER; st++)
		for (int in = 0; in < SES_NIN; in++)
			assert_true(ses_decided((enum ses_state)st, (enum ses_in)in));
	for (int in = 0; in < SES_NIN; in++) {
		assert_false(ses_decided(SES_NEW, (enum ses_in)in));
		assert_false(ses_decided(SES_OVER, (enum ses_in)in));
	}
}

static void every_cell_of_the_reinvite_table_is_decided(void **x)
{
	(void)x;
	for (int st = 0; st < RE_NSTATE; st++)
		for (int in = 0; in < RE_NIN; in++)
			assert_true(re_decided((enum re_state)st, (enum re_in)in));
}

static void a_call_is_set_up_and_ended_over_udp(void **x)
{
	struct bed *b = bed_new();
	uint64_t call;

	(void)x;
	b->b.on = bed_answering;
	call = bed_invite(&b->a, &b->b, SIP_UDP, "v=0 offer\r\n");
	assert_int_not_equal(call, 0);
	bed_run(b, 100);
	assert_int_equal(bed_want(&b->a, SIP_EV_TRYING)->owner, 7);
	assert_int_equal(bed_want(&b->a, SIP_EV_PROVISIONAL)->status, 180);
	assert_string_equal(bed_want(&b->a, SIP_EV_ANSWER)->body, "v=0 answer\r\n");
	assert_string_equal(bed_want(&b->b, SIP_EV_INVITE)->body, "v=0 offer\r\n");
	assert_int_equal(bed_want(&b->b, SIP_EV_ACK)->owner, 9);
	assert_int_equal(sip_bye(b->a.sip, call, NULL, 0), OK);
	bed_run(b, 100);
	assert_int_equal(bed_want(&b->b, SIP_EV_BYE)->owner, 9);
	assert_int_equal(bed_sent(b, "INVITE "), 1);
	assert_int_equal(bed_sent(b, "ACK "), 1);
	assert_int_equal(bed_sent(b, "BYE "), 1);
	assert_int_equal(bed_sent(b, "SIP/2.0 200"), 2);
	bed_run(b, 40000);
	counts_are(&b->a, 0, 0);
	counts_are(&b->b, 0, 0);
	bed_free(b);
}


/* --- before the answer --- */

static void ringing(struct bed_side *s, const struct sip_event *ev)
{
	if (ev->kind != SIP_EV_INVITE)
		return;
	assert_int_equal(sip_own(s->sip, ev->session, 9, &bed_opts), OK);
	assert_int_equal(sip_ring(s->sip, ev->session, 180, NULL, NULL, 0), OK);
}

static void rejecting(struct bed_side *s, const struct sip_event *ev)
{
	struct sip_xhdr h = { STR("Reason"), STR("Q.850;cause=17") };

	if (ev->kind != SIP_EV_INVITE)
		return;
	assert_int_equal(sip_reject(s->sip, ev->session, 486, NULL, &h, 1), OK);
}

static const struct sip_xhdr elsewhere = { STR("Reason"),
	STR("SIP;cause=200;text=\"Call completed elsewhere\"") };

static void nothing_is_left(struct bed *b)
{
	bed_run(b, 70000);
	counts_are(&b->a, 0, 0);
	counts_are(&b->b, 0, 0);
	bed_free(b);
}

static void a_ringing_call_is_cancelled_with_its_reason(void **x)
{
	struct bed *b = bed_new();
	char v[100];
	uint64_t call;

	(void)x;
	b->b.on = ringing;
	call = bed_invite(&b->a, &b->b, SIP_UDP, "v=0\r\n");
	bed_run(b, 1000);
	assert_int_equal(sip_cancel(b->a.sip, call, &elsewhere, 1), OK);
	assert_int_equal(sip_cancel(b->a.sip, call, &elsewhere, 1), OK);
	bed_run(b, 1000);
	assert_int_equal(bed_sent(b, "CANCEL "), 1);
	assert_true(bed_hdr(bed_msg(b, "CANCEL ", 0), "Reason", v, sizeof v));
	assert_string_equal(v, "SIP;cause=200;text=\"Call completed elsewhere\"");
	(void)bed_want(&b->a, SIP_EV_PROVISIONAL);
	assert_int_equal(bed_want(&b->a, SIP_EV_FAILED)->status, 487);
	(void)bed_want(&b->b, SIP_EV_INVITE);
	assert_int_equal(bed_want(&b->b, SIP_EV_CANCELLED)->owner, 9);
	assert_int_equal(bed_sent(b, "ACK "), 1);
	nothing_is_left(b);
}

static void the_cancel_is_the_invite_s_twin(void **x)
{
	struct bed *b = bed_new();
	char v[2][200];
	const char *same[] = { "Via", "From", "To", "Call-ID", "Max-Forwards" };
	uint64_t call;

	(void)x;
	b->b.on = ringing;
	call = bed_invite(&b->a, &b->b, SIP_UDP, "v=0\r\n");
	bed_run(b, 1000);
	(void)sip_cancel(b->a.sip, call, NULL, 0);
	bed_run(b, 1000);
	for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
		assert_true(bed_hdr(bed_msg(b, "INVITE ", 0), same[i], v[0], 200));
		assert_true(bed_hdr(bed_msg(b, "CANCEL ", 0), same[i], v[1], 200));
		assert_string_equal(v[0], v[1]);
	}
	assert_true(bed_hdr(bed_msg(b, "CANCEL ", 0), "CSeq", v[0], 200));
	assert_string_equal(v[0], "1 CANCEL");
	assert_true(bed_hdr(bed_msg(b, "ACK ", 0), "CSeq", v[0], 200));
	assert_string_equal(v[0], "1 ACK");
	nothing_is_left(b);
}

static bool lose_all_provisional(struct bed *b, const struct bed_msg *m)
{
	(void)b;
	return strncmp(m->text, "SIP/2.0 1", 9) == 0;
}

static void a_cancel_before_any_provisional_waits_for_it(void **x)
{
	struct bed *b = bed_new();
	uint64_t call;

	(void)x;
	b->b.on = ringing;
	b->lose = lose_all_provisional;
	call = bed_invite(&b->a, &b->b, SIP_UDP, "v=0\r\n");
	bed_run(b, 100);
	assert_int_equal(sip_cancel(b->a.sip, call, NULL, 0), OK);
	bed_run(b, 200);
	assert_int_equal(bed_sent(b, "CANCEL "), 0);
	b->lose = NULL;
	bed_run(b, 1000);	/* the INVITE is repeated, and so is the 180 */
	assert_int_equal(bed_sent(b, "CANCEL "), 1);
	assert_int_equal(bed_want(&b->a, SIP_EV_FAILED)->status, 487);
	nothing_is_left(b);
}

static bool hold_cancel(struct bed *b, const struct bed_msg *m)
{
	(void)b;
	return strncmp(m->text, "CANCEL ", 7) == 0;
}

static void a_200_that_crosses_the_cancel_is_acked_and_byed(void **x)
{
	struct bed *b = bed_new();
	struct sip_body sdp = { STR("application/sdp"), STR("v=0\r\n") };
	char v[100];
	uint64_t call;

	(void)x;
	b->b.on = ringing;
	b->lose = hold_cancel;
	call = bed_invite(&b->a, &b->b, SIP_UDP, "v=0\r\n");
	bed_run(b, 1000);
	(void)sip_cancel(b->a.sip, call, &elsewhere, 1);
	assert_int_equal(sip_answer(b->b.sip, bed_want(&b->b, SIP_EV_INVITE)->session, &sdp, NULL, 0),
			 OK);
	bed_run(b, 300);
	(void)bed_want(&b->a, SIP_EV_PROVISIONAL);
	(void)bed_want(&b->a, SIP_EV_EXTRA_ANSWER);
	assert_int_equal(bed_want(&b->a, SIP_EV_FAILED)->status, 487);
	assert_int_equal(bed_sent(b, "ACK "), 1);
	assert_true(bed_hdr(bed_msg(b, "BYE ", 0), "Reason", v, sizeof v));
	assert_string_equal(v, "SIP;cause=200;text=\"Call completed elsewhere\"");
	(void)bed_want(&b->b, SIP_EV_ACK);
	(void)bed_want(&b->b, SIP_EV_BYE);
	nothing_is_left(b);
}

static void no_final_after_a_cancel_ends_the_call_after_64_t1(void **x)
{
	struct bed *b = bed_new();
	uint64_t call;

	(void)x;
	b->b.on = ringing;
	call = bed_invite(&b->a, &b->b, SIP_UDP, "v=0\r\n");
	bed_run(b, 1000);
	b->lose = hold_cancel;
	(void)sip_cancel(b->a.sip, call, NULL, 0);
	bed_run(b, 31998);
	(void)bed_want(&b->a, SIP_EV_PROVISIONAL);
	assert_int_equal(bed_count(&b->a, SIP_EV_FAILED), 0);
	bed_run(b, 10);
	assert_int_equal(bed_want(&b->a, SIP_EV_FAILED)->fail, SIP_FAIL_TIMEOUT);
	sip_abandon(b->b.sip, bed_want(&b->b, SIP_EV_INVITE)->session);
	nothing_is_left(b);
}

static void a_busy_destination_is_told_with_its_status_and_acked(void **x)
{
	struct bed *b = bed_new();

	(void)x;
	b->b.on = rejecting;
	(void)bed_invite(&b->a, &b->b, SIP_UDP, "v=0\r\n");
	bed_run(b, 100);
	assert_int_equal(bed_want(&b->a, SIP_EV_FAILED)->status, 486);
	assert_int_equal(bed_sent(b, "SIP/2.0 486 Busy Here"), 1);
	assert_int_equal(bed_sent(b, "ACK "), 1);
	nothing_is_left(b);
}

static void nobody_there_is_a_timeout_after_timer_b(void **x)
{
	struct bed *b = bed_new();
	struct sip_dest d = { .listener = 0, .transport = SIP_UDP, .host = "10.0.0.8" };
	struct sip_invite i = { .owner = 7, .dest = d, .ruri = STR("sip:1@10.0.0.8"),
				.from_uri = STR("sip:2@a"), .to_uri = STR("sip:1@10.0.0.8") };

	(void)x;
	assert_int_not_equal(sip_invite(b->a.sip, &i), 0);
	bed_run(b, 31990);
	assert_int_equal(bed_count(&b->a, SIP_EV_FAILED), 0);
	assert_int_equal(bed_sent(b, "INVITE "), 7);
	bed_run(b, 20);
	assert_int_equal(bed_want(&b->a, SIP_EV_FAILED)->fail, SIP_FAIL_TIMEOUT);
	nothing_is_left(b);
}

static bool lose_all_from_b(struct bed *b, const struct bed_msg *m)
{
	return addr_same_ip(&m->from, &b->b.addr[0]);
}

static void without_a_first_response_the_attempt_fails_and_its_late_ringing_is_cancelled(void **x)
{
	struct bed *b = bed_new();
	struct sip_invite i = { .owner = 7, .dest = bed_dest(&b->a, &b->b, SIP_UDP),
				.ruri = STR("sip:1@b"), .from_uri = STR("sip:2@a"),
				.to_uri = STR("sip:1@b"), .first_response = 2500 };

	(void)x;
	b->b.on = ringing;
	b->lose = lose_all_from_b;
	assert_int_not_equal(sip_invite(b->a.sip, &i), 0);
	bed_run(b, 2490);
	assert_int_equal(bed_count(&b->a, SIP_EV_FAILED), 0);
	bed_run(b, 20);
	assert_int_equal(bed_want(&b->a, SIP_EV_FAILED)->fail, SIP_FAIL_TIMEOUT);
	assert_int_equal(bed_sent(b, "CANCEL "), 0);
	b->lose = NULL;
	bed_run(b, 10000);
	assert_int_equal(bed_sent(b, "CANCEL "), 1);
	assert_int_equal(bed_count(&b->a, SIP_EV_FAILED), 1);
	assert_int_equal(bed_count(&b->b, SIP_EV_CANCELLED), 1);
	nothing_is_left(b);
}

static void an_abandoned_attempt_says_nothing_any_more(void **x)
{
	struct bed *b = bed_new();
	uint64_t call;
	int n;

	(void)x;
	b->b.on = ringing;
	call = bed_invite(&b->a, &b->b, SIP_UDP, "v=0\r\n");
	bed_run(b, 1000);
	n = b->a.n;
	sip_abandon(b->a.sip, call);
	bed_run(b, 2000);
	assert_int_equal(b->a.n, n);
	assert_int_equal(bed_sent(b, "CANCEL "), 1);
	assert_int_equal(bed_count(&b->b, SIP_EV_CANCELLED), 1);
	nothing_is_left(b);
}

/* --- losses --- */

static bool lose_first_of_each(struct bed *b, const struct bed_msg *m)
{
	int n = 0;

	for (int i = 0; i < b->nwire; i++)
		n += b->wire[i].n >= 12 && m->n >= 12 && memcmp(b->wire[i].text, m->text, 12) == 0;
	return n <= 1;
}

static void a_call_survives_the_loss_of_the_first_of_every_message(void **x)
{
	struct bed *b = bed_new();
	uint64_t call;

	(void)x;
	b->lose = lose_first_of_each;
	b->b.on = bed_answering;
	call = bed_invite(&b->a, &b->b, SIP_UDP, "v=0\r\n");
	bed_run(b, 10000);
	assert_int_equal(bed_count(&b->a, SIP_EV_ANSWER), 1);
	assert_int_equal(bed_count(&b->b, SIP_EV_INVITE), 1);
	assert_int_equal(bed_count(&b->b, SIP_EV_ACK), 1);
	assert_int_equal(sip_bye(b->a.sip, call, NULL, 0), OK);
	bed_run(b, 10000);
	assert_int_equal(bed_count(&b->b, SIP_EV_BYE), 1);
	nothing_is_left(b);
}

static bool lose_acks(struct bed *b, const struct bed_msg *m)
{
	(void)b;
	return strncmp(m->text, "ACK ", 4) == 0;
}

static void a_200_is_repeated_until_its_ack_and_then_the_call_is_ended(void **x)
{
	struct bed *b = bed_new();

	(void)x;
	b->lose = lose_acks;
	b->b.on = bed_answering;
	(void)bed_invite(&b->a, &b->b, SIP_UDP, "v=0\r\n");
	bed_run(b, 31990);
	/* at 0, .5, 1.5, 3.5, 7.5, 11.5, ... 31.5 s */
	assert_int_equal(bed_sent(b, "SIP/2.0 200"), 11);
	assert_int_equal(bed_sent(b, "ACK "), 11);
	assert_int_equal(bed_count(&b->b, SIP_EV_ENDED), 0);
	bed_run(b, 100);
	(void)bed_want(&b->b, SIP_EV_INVITE);
	assert_int_equal(bed_want(&b->b, SIP_EV_ENDED)->why, SIP_END_NO_ACK);
	(void)bed_want(&b->a, SIP_EV_PROVISIONAL);
	(void)bed_want(&b->a, SIP_EV_ANSWER);
	(void)bed_want(&b->a, SIP_EV_BYE);
	nothing_is_left(b);
}

static void a_bye_before_the_ack_waits_for_it(void **x)
{
	struct bed *b = bed_new();
	char v[100];

	(void)x;
	b->lose = lose_acks;
	b->b.on = bed_answering;
	(void)bed_invite(&b->a, &b->b, SIP_UDP, "v=0\r\n");
	bed_run(b, 200);
	assert_int_equal(sip_bye(b->b.sip, bed_want(&b->b, SIP_EV_INVITE)->session, &elsewhere, 1),
			 OK);
	bed_run(b, 200);
	assert_int_equal(bed_sent(b, "BYE "), 0);
	b->lose = NULL;
	bed_run(b, 1000);
	assert_int_equal(bed_sent(b, "BYE "), 1);
	assert_true(bed_hdr(bed_msg(b, "BYE ", 0), "Reason", v, sizeof v));
	assert_int_equal(bed_count(&b->b, SIP_EV_ACK), 0);	/* its owner is done with it */
	assert_int_equal(bed_count(&b->a, SIP_EV_BYE), 1);
	nothing_is_left(b);
}

/* --- delayed offer --- */

static void a_delayed_offer_is_acked_by_its_owner_with_the_answer(void **x)
{
	struct bed *b = bed_new();
	struct sip_body sdp = { STR("application/sdp"), STR("v=0 late\r\n") };
	uint64_t call;

	(void)x;
	b->b.on = bed_answering;
	call = bed_invite(&b->a, &b->b, SIP_UDP, NULL);
	bed_run(b, 300);
	(void)bed_want(&b->a, SIP_EV_PROVISIONAL);
	assert_string_equal(bed_want(&b->a, SIP_EV_ANSWER)->body, "v=0 answer\r\n");
	assert_int_equal(bed_sent(b, "ACK "), 0);
	assert_int_equal(sip_ack(b->a.sip, call, &sdp), OK);
	assert_int_equal(sip_ack(b->a.sip, call, &sdp), ERR_STATE);
	bed_run(b, 600);
	(void)bed_want(&b->b, SIP_EV_INVITE);
	assert_string_equal(bed_want(&b->b, SIP_EV_ACK)->body, "v=0 late\r\n");
	assert_int_equal(sip_bye(b->b.sip, b->b.ev[0].session, NULL, 0), OK);
	bed_run(b, 100);
	(void)bed_want(&b->a, SIP_EV_BYE);
	nothing_is_left(b);
}

/* --- re-INVITE --- */

static uint64_t call_up(struct bed *b, enum sip_transport t, uint64_t *callee)
{
	uint64_t call;

	b->b.on = bed_answering;
	call = bed_invite(&b->a, &b->b, t, "v=0\r\n");
	bed_run(b, 200);
	(void)bed_want(&b->a, SIP_EV_PROVISIONAL);
	(void)bed_want(&b->a, SIP_EV_ANSWER);
	*callee = bed_want(&b->b, SIP_EV_INVITE)->session;
	(void)bed_want(&b->b, SIP_EV_ACK);
	return call;
}

static void hang_up(struct bed *b, uint64_t call)
{
	b->lose = NULL;
	assert_int_equal(sip_bye(b->a.sip, call, NULL, 0), OK);
	nothing_is_left(b);
}

static void a_reinvite_is_answered_and_acked_both_ways(void **x)
{
	struct bed *b = bed_new();
	struct sip_body sdp = { STR("application/sdp"), STR("v=0 hold\r\n") };
	uint64_t callee, call;

	(void)x;
	call = call_up(b, SIP_UDP, &callee);
	assert_int_equal(sip_reinvite(b->a.sip, call, &sdp, NULL, 0), OK);
	assert_int_equal(sip_reinvite(b->a.sip, call, &sdp, NULL, 0), ERR_STATE);
	bed_run(b, 100);
	assert_string_equal(bed_want(&b->b, SIP_EV_REINVITE)->body, "v=0 hold\r\n");
	(void)bed_want(&b->b, SIP_EV_REINVITE_ACK);
	assert_string_equal(bed_want(&b->a, SIP_EV_REANSWER)->body, "v=0 answer\r\n");
	b->a.on = bed_answering;
	assert_int_equal(sip_reinvite(b->b.sip, callee, &sdp, NULL, 0), OK);
	bed_run(b, 100);
	(void)bed_want(&b->a, SIP_EV_REINVITE);
	(void)bed_want(&b->a, SIP_EV_REINVITE_ACK);
	(void)bed_want(&b->b, SIP_EV_REANSWER);
	hang_up(b, call);
}

static void a_reinvite_without_a_body_waits_for_the_owner_s_ack(void **x)
{
	struct bed *b = bed_new();
	struct sip_body sdp = { STR("application/sdp"), STR("v=0 re\r\n") };
	uint64_t callee, call;

	(void)x;
	call = call_up(b, SIP_UDP, &callee);
	assert_int_equal(sip_reinvite(b->a.sip, call, NULL, NULL, 0), OK);
	bed_run(b, 100);
	(void)bed_want(&b->a, SIP_EV_REANSWER);
	assert_int_equal(bed_sent(b, "ACK "), 1);
	assert_int_equal(sip_ack(b->a.sip, call, &sdp), OK);
	bed_run(b, 100);
	(void)bed_want(&b->b, SIP_EV_REINVITE);
	assert_string_equal(bed_want(&b->b, SIP_EV_REINVITE_ACK)->body, "v=0 re\r\n");
	hang_up(b, call);
}

static void crossing_reinvites_get_491_and_are_tried_again(void **x)
{
	struct bed *b = bed_new();
	struct sip_body sdp = { STR("application/sdp"), STR("v=0 x\r\n") };
	uint64_t callee, call;

	(void)x;
	call = call_up(b, SIP_UDP, &callee);
	b->a.on = bed_answering;
	assert_int_equal(sip_reinvite(b->a.sip, call, &sdp, NULL, 0), OK);
	assert_int_equal(sip_reinvite(b->b.sip, callee, &sdp, NULL, 0), OK);
	bed_run(b, 50);
	assert_int_equal(bed_sent(b, "SIP/2.0 491"), 2);
	bed_run(b, 5000);
	/* B waits less than A: its offer comes first, and A's owner must think again. */
	assert_int_equal(bed_count(&b->b, SIP_EV_REANSWER), 1);
	assert_int_equal(bed_count(&b->a, SIP_EV_REINVITE), 1);
	assert_int_equal(bed_want(&b->a, SIP_EV_REFAILED)->status, 491);
	assert_int_equal(bed_count(&b->a, SIP_EV_REANSWER), 0);
	hang_up(b, call);
}

static void silent(struct bed_side *s, const struct sip_event *ev)
{
	(void)s;
	(void)ev;
}

static void a_second_reinvite_before_the_first_is_answered_gets_500(void **x)
{
	struct bed *b = bed_new();
	char text[1500], v[80], cseq[20];
	const struct bed_msg *m;
	struct sip_body sdp = { STR("application/sdp"), STR("v=0 x\r\n") };
	uint64_t callee, call;

	(void)x;
	call = call_up(b, SIP_UDP, &callee);
	b->b.on = silent;
	assert_int_equal(sip_reinvite(b->a.sip, call, &sdp, NULL, 0), OK);
	bed_run(b, 50);
	m = bed_msg(b, "INVITE ", 1);
	assert_non_null(m);
	assert_true(bed_hdr(m, "CSeq", cseq, sizeof cseq));
	assert_true(str_copy(text, sizeof text, (struct str){ m->text, m->n }));
	*strstr(text, "CSeq: 2") = 'C';
	strstr(text, "CSeq: 2")[6] = '9';
	strstr(text, "branch=z9hG4bK")[14] = 'X';	/* another transaction, no loop */
	bed_peer_send(b, &b->a.addr[0], &b->b.addr[0], text);
	bed_run(b, 50);
	m = bed_msg(b, "SIP/2.0 500", 0);
	assert_true(bed_hdr(m, "Retry-After", v, sizeof v));
	(void)bed_want(&b->b, SIP_EV_REINVITE);
	b->b.on = bed_answering;
	assert_int_equal(sip_reinvite_answer(b->b.sip, callee, 488, NULL, NULL, 0), OK);
	bed_run(b, 50);
	assert_int_equal(bed_want(&b->a, SIP_EV_REFAILED)->status, 488);
	assert_int_equal(sip_bye(b->b.sip, callee, NULL, 0), OK);	/* A's CSeq is behind now */
	nothing_is_left(b);
}

static void answering_481(struct bed_side *s, const struct sip_event *ev)
{
	if (ev->kind == SIP_EV_REINVITE)
		assert_int_equal(sip_reinvite_answer(s->sip, ev->session, 481, NULL, NULL, 0), OK);
}

static void a_481_to_a_reinvite_ends_the_dialog(void **x)
{
	struct bed *b = bed_new();
	struct sip_body sdp = { STR("application/sdp"), STR("v=0 x\r\n") };
	uint64_t callee, call;
	const struct bed_event *e;

	(void)x;
	call = call_up(b, SIP_UDP, &callee);
	b->b.on = answering_481;
	assert_int_equal(sip_reinvite(b->a.sip, call, &sdp, NULL, 0), OK);
	bed_run(b, 50);
	assert_int_equal(bed_want(&b->a, SIP_EV_REFAILED)->status, 481);
	e = bed_want(&b->a, SIP_EV_ENDED);
	assert_int_equal(e->why, SIP_END_TRANSPORT);
	assert_int_equal(e->status, 481);
	assert_int_equal(bed_sent(b, "BYE "), 1);
	nothing_is_left(b);
}

static void a_hang_up_during_a_reinvite_answers_it_487(void **x)
{
	struct bed *b = bed_new();
	struct sip_body sdp = { STR("application/sdp"), STR("v=0 x\r\n") };
	uint64_t callee, call;

	(void)x;
	call = call_up(b, SIP_UDP, &callee);
	b->b.on = silent;
	assert_int_equal(sip_reinvite(b->a.sip, call, &sdp, NULL, 0), OK);
	bed_run(b, 50);
	assert_int_equal(sip_bye(b->b.sip, callee, NULL, 0), OK);
	bed_run(b, 50);
	assert_int_equal(bed_sent(b, "SIP/2.0 487"), 1);
	assert_int_equal(bed_count(&b->a, SIP_EV_BYE), 1);
	nothing_is_left(b);
}

/* --- in the dialog --- */

static void a_request_in_the_dialog_reaches_its_owner(void **x)
{
	struct bed *b = bed_new();
	char text[1500], id[64], from[128], to[128], v[40];
	uint64_t callee, call;
	const struct bed_msg *m;
	struct buf t;

	(void)x;
	call = call_up(b, SIP_UDP, &callee);
	m = bed_msg(b, "ACK ", 0);
	assert_true(bed_hdr(m, "Call-ID", id, sizeof id) && bed_hdr(m, "From", from, sizeof from) &&
		    bed_hdr(m, "To", to, sizeof to));
	buf_init(&t, text, sizeof text);
	buf_fmt(&t, "REFER sip:200@10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bKr1;rport\r\n"
		"Max-Forwards: 70\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: 5 REFER\r\n"
		"Refer-To: <sip:3@x>\r\nContent-Length: 0\r\n\r\n", from, to, id);
	(void)buf_z(&t);
	b->b.status = 603;
	/* From an address never seen before: dialogs are matched by Call-ID and tags alone. */
	bed_peer_send(b, &(struct addr){ ADDR_V4, 5060, { 10, 0, 0, 9 } }, &b->b.addr[0], text);
	bed_run(b, 50);
	assert_int_equal(bed_want(&b->b, SIP_EV_INDIALOG)->session, callee);
	assert_int_equal(bed_sent(b, "SIP/2.0 603 Decline"), 1);
	assert_true(bed_hdr(bed_msg(b, "SIP/2.0 603", 0), "To", v, 4) == false);
	/* The same CSeq in a new transaction is out of order. */
	strstr(text, "z9hG4bKr1")[8] = '2';
	bed_peer_send(b, &(struct addr){ ADDR_V4, 5060, { 10, 0, 0, 9 } }, &b->b.addr[0], text);
	bed_run(b, 50);
	assert_int_equal(bed_sent(b, "SIP/2.0 500"), 1);
	(void)call;
	assert_int_equal(sip_bye(b->b.sip, callee, NULL, 0), OK);
	nothing_is_left(b);
}

/* --- over streams --- */

static void a_call_over_tcp_uses_one_connection_each_way(void **x)
{
	struct bed *b = bed_new();
	uint64_t callee, call;
	struct sip_counts c;

	(void)x;
	call = call_up(b, SIP_TCP, &callee);
	sip_counts(b->a.sip, &c);
	assert_int_equal(c.flows, 1);
	assert_int_equal(sip_bye(b->a.sip, call, NULL, 0), OK);
	bed_run(b, 50);
	assert_int_equal(bed_count(&b->b, SIP_EV_BYE), 1);
	sip_counts(b->a.sip, &c);
	assert_int_equal(c.flows, 1);
	nothing_is_left(b);
}

static void a_call_over_tls_says_so_in_via_and_contact(void **x)
{
	struct bed *b = bed_new();
	uint64_t callee, call;
	char v[100];

	(void)x;
	call = call_up(b, SIP_TLS, &callee);
	assert_true(bed_hdr(bed_msg(b, "INVITE ", 0), "Via", v, sizeof v));
	assert_memory_equal(v, "SIP/2.0/TLS 10.0.0.1:5061;branch=z9hG4bK", 40);
	assert_true(bed_hdr(bed_msg(b, "INVITE ", 0), "Contact", v, sizeof v));
	assert_string_equal(v, "<sip:100@10.0.0.1:5061;transport=tls>");
	assert_true(bed_hdr(bed_msg(b, "SIP/2.0 200", 0), "Contact", v, sizeof v));
	assert_string_equal(v, "<sip:10.0.0.2:5061;transport=tls>");
	hang_up(b, call);
}

static void a_connection_lost_in_a_call_is_no_lost_call(void **x)
{
	struct bed *b = bed_new();
	uint64_t callee, call;

	(void)x;
	call = call_up(b, SIP_TCP, &callee);
	bed_cut(b, &b->b.addr[SIP_TCP]);
	bed_run(b, 50);
	assert_int_equal(bed_count(&b->a, SIP_EV_ENDED), 0);
	assert_int_equal(sip_bye(b->b.sip, callee, NULL, 0), OK);
	bed_run(b, 50);
	assert_int_equal(bed_count(&b->a, SIP_EV_BYE), 1);
	(void)call;
	nothing_is_left(b);
}

static void a_refused_connection_is_told_at_once(void **x)
{
	struct bed *b = bed_new();

	(void)x;
	bed_unlisten(b, &b->b.addr[SIP_TLS]);
	(void)bed_invite(&b->a, &b->b, SIP_TLS, "v=0\r\n");
	bed_run(b, 50);
	assert_int_equal(bed_want(&b->a, SIP_EV_FAILED)->fail, SIP_FAIL_REFUSED);
	nothing_is_left(b);
}

int run_session(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell_of_the_session_table_is_decided),
		cmocka_unit_test(every_cell_of_the_reinvite_table_is_decided),
		cmocka_unit_test(a_call_is_set_up_and_ended_over_udp),
		cmocka_unit_test(a_ringing_call_is_cancelled_with_its_reason),
		cmocka_unit_test(the_cancel_is_the_invite_s_twin),
		cmocka_unit_test(a_cancel_before_any_provisional_waits_for_it),
		cmocka_unit_test(a_200_that_crosses_the_cancel_is_acked_and_byed),
		cmocka_unit_test(no_final_after_a_cancel_ends_the_call_after_64_t1),
		cmocka_unit_test(a_busy_destination_is_told_with_its_status_and_acked),
		cmocka_unit_test(nobody_there_is_a_timeout_after_timer_b),
		cmocka_unit_test(without_a_first_response_the_attempt_fails_and_its_late_ringing_is_cancelled),
		cmocka_unit_test(an_abandoned_attempt_says_nothing_any_more),
		cmocka_unit_test(a_call_survives_the_loss_of_the_first_of_every_message),
		cmocka_unit_test(a_200_is_repeated_until_its_ack_and_then_the_call_is_ended),
		cmocka_unit_test(a_bye_before_the_ack_waits_for_it),
		cmocka_unit_test(a_delayed_offer_is_acked_by_its_owner_with_the_answer),
		cmocka_unit_test(a_reinvite_is_answered_and_acked_both_ways),
		cmocka_unit_test(a_reinvite_without_a_body_waits_for_the_owner_s_ack),
		cmocka_unit_test(crossing_reinvites_get_491_and_are_tried_again),
		cmocka_unit_test(a_second_reinvite_before_the_first_is_answered_gets_500),
		cmocka_unit_test(a_481_to_a_reinvite_ends_the_dialog),
		cmocka_unit_test(a_hang_up_during_a_reinvite_answers_it_487),
		cmocka_unit_test(a_request_in_the_dialog_reaches_its_owner),
		cmocka_unit_test(a_call_over_tcp_uses_one_connection_each_way),
		cmocka_unit_test(a_call_over_tls_says_so_in_via_and_contact),
		cmocka_unit_test(a_connection_lost_in_a_call_is_no_lost_call),
		cmocka_unit_test(a_refused_connection_is_told_at_once),
	};

	return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
