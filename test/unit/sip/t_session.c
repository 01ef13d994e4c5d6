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

int run_session(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell_of_the_session_table_is_decided),
		cmocka_unit_test(every_cell_of_the_reinvite_table_is_decided),
		cmocka_unit_test(a_call_is_set_up_and_ended_over_udp),
	};

	return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
