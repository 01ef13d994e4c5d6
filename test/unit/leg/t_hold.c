/* t_hold.c - hold as two facts per leg: every cell. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "leg/hold.h"
#include "t_leg.h"

#define SR SDP_SENDRECV
#define SO SDP_SENDONLY
#define RO SDP_RECVONLY
#define IN SDP_INACTIVE

static struct sdp_remote says(enum sdp_dir d, bool zero)
{
	return (struct sdp_remote){ .dir = d, .zero = zero };
}

static void sendonly_inactive_and_0_0_0_0_hold(void **state)
{
	static const bool holds[2][SDP_NDIR] = {
		{ [SR] = false, [SO] = true, [RO] = false, [IN] = true }, { true, true, true, true },
	};

	(void)state;
	for (int zero = 0; zero < 2; zero++)
		for (int d = 0; d < SDP_NDIR; d++) {
			struct sdp_remote r = says((enum sdp_dir)d, zero);

			assert_int_equal(hold_said(&r), holds[zero][d]);
		}
}

static void our_offer_is_a_function_of_both_facts_and_the_profile(void **state)
{
	static const enum sdp_dir want[HOLD_NSTYLE][2][2] = {
		[HOLD_SENDONLY] = { { SR, SO }, { RO, IN } },
		[HOLD_INACTIVE] = { { SR, IN }, { IN, IN } },
		[HOLD_MUSIC] = { { SR, SR }, { RO, RO } },
	};

	(void)state;
	for (int s = 0; s < HOLD_NSTYLE; s++)
		for (int it = 0; it < 2; it++)
			for (int we = 0; we < 2; we++) {
				assert_int_equal(hold_shown(it, we, (enum hold_style)s), want[s][it][we]);
				/* Asked for an offer, its own hold is not in it. */
				assert_int_equal(hold_asked(we, (enum hold_style)s), want[s][0][we]);
			}
}

static void an_answer_never_exceeds_the_offer_or_our_own_fact(void **state)
{
	/* [style][we hold it][offered], RFC 3264 6.1 */
	static const enum sdp_dir want[HOLD_NSTYLE][2][SDP_NDIR] = {
		[HOLD_SENDONLY] = { { [SR] = SR, [SO] = RO, [RO] = SO, [IN] = IN },
				    { [SR] = SO, [SO] = IN, [RO] = SO, [IN] = IN } },
		[HOLD_INACTIVE] = { { [SR] = SR, [SO] = RO, [RO] = SO, [IN] = IN },
				    { [SR] = IN, [SO] = IN, [RO] = IN, [IN] = IN } },
		[HOLD_MUSIC] = { { [SR] = SR, [SO] = RO, [RO] = SO, [IN] = IN },
				 { [SR] = SR, [SO] = RO, [RO] = SO, [IN] = IN } },
	};
	/* What 0.0.0.0 leaves of a direction. */
	static const enum sdp_dir zero[SDP_NDIR] = { [SR] = SO, [SO] = SO, [RO] = IN, [IN] = IN };

	(void)state;
	for (int s = 0; s < HOLD_NSTYLE; s++)
		for (int we = 0; we < 2; we++)
			for (int d = 0; d < SDP_NDIR; d++) {
				struct sdp_remote r = says((enum sdp_dir)d, false);

				assert_int_equal(hold_answer(&r, we, (enum hold_style)s), want[s][we][d]);
				r.zero = true;
				assert_int_equal(hold_answer(&r, we, (enum hold_style)s),
						 want[s][we][zero[d]]);
			}
}

static void an_answer_tells_of_hold_as_far_as_the_offer_let_it(void **state)
{
	/* [offered][answered]: -1 as it was, else the fact */
	static const int want[SDP_NDIR][SDP_NDIR] = {
		[SR] = { [SR] = 0, [SO] = 1, [RO] = 0, [IN] = 1 },
		[SO] = { [SR] = 0, [SO] = -1, [RO] = 0, [IN] = -1 },
		[RO] = { -1, -1, -1, -1 },
		[IN] = { -1, -1, -1, -1 },
	};

	(void)state;
	for (int o = 0; o < SDP_NDIR; o++)
		for (int a = 0; a < SDP_NDIR; a++)
			for (int was = 0; was < 2; was++) {
				struct sdp_remote r = says((enum sdp_dir)a, false);

				assert_int_equal(hold_answered(was, (enum sdp_dir)o, &r),
						 want[o][a] < 0 ? was : want[o][a]);
			}
	assert_true(hold_answered(false, SR, &(struct sdp_remote){ .dir = SR, .zero = true }));
}

static bool sends(enum sdp_dir d)
{
	return d == SR || d == SO;
}

static bool receives(enum sdp_dir d)
{
	return d == SR || d == RO;
}

static void media_flows_where_both_directions_let_it(void **state)
{
	(void)state;
	for (int ours = 0; ours < SDP_NDIR; ours++)
		for (int theirs = 0; theirs < SDP_NDIR; theirs++)
			for (int facts = 0; facts < 8; facts++) {
				bool zero = facts & 4, it = facts & 1, we = facts & 2;
				struct sdp_remote r = says((enum sdp_dir)theirs, zero);
				struct hold_flow f = hold_flow((enum sdp_dir)ours, &r, it, we);

				assert_int_equal(f.send, sends((enum sdp_dir)ours) && !zero &&
						 receives((enum sdp_dir)theirs));
				assert_int_equal(f.expect, receives((enum sdp_dir)ours) && !it && !we &&
						 sends((enum sdp_dir)theirs));
			}
}

static void one_resume_never_wakes_the_other(void **state)
{
	(void)state;
	/* Both hold, the other side resumes: who holds itself is offered nothing to hear it by. */
	for (int s = 0; s < HOLD_NSTYLE; s++)
		assert_false(sends(hold_shown(true, false, (enum hold_style)s)));
	/* Both hold, it resumes: the other's hold is still shown. */
	struct sdp_remote r = says(SR, false);

	assert_int_equal(hold_answer(&r, true, HOLD_SENDONLY), SO);
	assert_int_equal(hold_answer(&r, true, HOLD_INACTIVE), IN);
}

int run_hold(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sendonly_inactive_and_0_0_0_0_hold),
		cmocka_unit_test(our_offer_is_a_function_of_both_facts_and_the_profile),
		cmocka_unit_test(an_answer_never_exceeds_the_offer_or_our_own_fact),
		cmocka_unit_test(an_answer_tells_of_hold_as_far_as_the_offer_let_it),
		cmocka_unit_test(media_flows_where_both_directions_let_it),
		cmocka_unit_test(one_resume_never_wakes_the_other),
	};

	return cmocka_run_group_tests_name("leg/hold", tests, NULL, NULL);
}
