/* The four machines: every cell, and timers A to M at virtual time. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "base/mem.h"
#include "sip/tsx.h"
#include "t_stack.h"

static const struct tsx_times times = { 500, 4000, 5000 };

struct bed {			/* a machine, its wheel, and what it asked for */
	struct timers w;
	struct tsx t;
	unsigned sends, ups, acks, timeouts, ends, broken;
	ms_t last_send;
};

static void count(struct bed *b, unsigned acts)
{
	if (acts & TSX_DO_SEND) {
		b->sends++;
		b->last_send = b->w.now;
	}
	b->ups += (acts & TSX_DO_UP) != 0;
	b->acks += (acts & TSX_DO_ACK) != 0;
	b->timeouts += (acts & TSX_DO_TIMEOUT) != 0;
	b->broken += (acts & TSX_DO_BROKEN) != 0;
	b->ends += (acts & TSX_DO_END) != 0;
}

static void fired(void *arg)
{
	struct bed *b = arg;

	count(b, tsx_fired(&b->t, &b->w));
}

static struct bed *bed(enum tsx_kind k, bool reliable)
{
	struct bed *b = mem_new(sizeof *b);

	timers_init(&b->w, 1000);
	tsx_init(&b->t, k, reliable, &times, fired, b);
	return b;
}

static void step(struct bed *b, enum tsx_event ev)
{
	count(b, tsx_step(&b->t, &b->w, ev));
}

static void run(struct bed *b, ms_t ms)
{
	ms_t end = b->w.now + ms;

	while (timers_step(&b->w, end))
		;
}

static void every_cell_of_every_state_is_decided(void **x)
{
	(void)x;
	for (int k = 0; k < TSX_NKIND; k++)
		for (int s = 0; s < TSX_NSTATE; s++)
			for (int e = 0; e < TSX_NEVENT; e++) {
				bool reach = tsx_has((enum tsx_kind)k, (enum tsx_state)s) &&
					     (s == TSX_NEW) == (e == TSX_START);

				if (tsx_decided((enum tsx_kind)k, (enum tsx_state)s,
						(enum tsx_event)e) != reach)
					fail_msg("kind %d state %s event %d", k,
						 tsx_state_str((enum tsx_state)s), e);
			}
}

static void no_cell_leads_to_a_state_its_machine_does_not_have(void **x)
{
	(void)x;
	for (int k = 0; k < TSX_NKIND; k++)
		for (int s = 0; s < TSX_DEAD; s++)
			for (int e = 0; e < TSX_NEVENT; e++) {
				struct bed *b;

				if (!tsx_decided((enum tsx_kind)k, (enum tsx_state)s,
						 (enum tsx_event)e))
					continue;
				b = bed((enum tsx_kind)k, false);
				b->t.state = (uint8_t)s;
				step(b, (enum tsx_event)e);
				assert_true(tsx_has((enum tsx_kind)k, (enum tsx_state)b->t.state));
				assert_int_not_equal(b->t.state, TSX_NEW);
				tsx_stop(&b->t, &b->w);
				assert_int_equal(b->w.armed, 0);
				mem_free(b);
			}
}

static void timer_a_doubles_and_b_ends_an_unanswered_invite(void **x)
{
	struct bed *b = bed(TSX_ICT, false);

	(void)x;
	step(b, TSX_START);
	assert_int_equal(b->sends, 1);
	run(b, 499);
	assert_int_equal(b->sends, 1);
	run(b, 1);
	assert_int_equal(b->sends, 2);
	run(b, 31499);		/* 1.5, 3.5, 7.5, 15.5, 31.5 s */
	assert_int_equal(b->sends, 7);
	assert_int_equal(b->last_send, 1000 + 31500);
	assert_int_equal(b->timeouts, 0);
	run(b, 1);
	assert_int_equal(b->timeouts, 1);
	assert_int_equal(b->ends, 1);
	assert_int_equal(b->w.armed, 0);
	mem_free(b);
}

static void an_invite_over_a_stream_is_sent_once(void **x)
{
	struct bed *b = bed(TSX_ICT, true);

	(void)x;
	step(b, TSX_START);
	run(b, 31999);
	assert_int_equal(b->sends, 1);
	run(b, 1);
	assert_int_equal(b->timeouts, 1);
	mem_free(b);
}

static void a_provisional_stops_timers_a_and_b(void **x)
{
	struct bed *b = bed(TSX_ICT, false);

	(void)x;
	step(b, TSX_START);
	step(b, TSX_GOT_1XX);
	run(b, 600000);
	assert_int_equal(b->sends, 1);
	assert_int_equal(b->ends, 0);
	assert_int_equal(b->t.state, TSX_PROCEEDING);
	assert_int_equal(b->w.armed, 0);
	mem_free(b);
}

static void timer_d_absorbs_repeated_finals_with_the_ack(void **x)
{
	struct bed *b = bed(TSX_ICT, false);

	(void)x;
	step(b, TSX_START);
	step(b, TSX_GOT_FINAL);
	assert_int_equal(b->acks, 1);
	assert_int_equal(b->ups, 1);
	step(b, TSX_GOT_FINAL);
	assert_int_equal(b->sends, 2);	/* the last message is the ACK now */
	assert_int_equal(b->ups, 1);
	run(b, 31999);
	assert_int_equal(b->ends, 0);
	run(b, 1);
	assert_int_equal(b->ends, 1);
	mem_free(b);
}

static void timer_d_is_zero_over_a_stream(void **x)
{
	struct bed *b = bed(TSX_ICT, true);

	(void)x;
	step(b, TSX_START);
	step(b, TSX_GOT_FINAL);
	assert_int_equal(b->acks, 1);
	assert_int_equal(b->ends, 1);
	assert_int_equal(b->w.armed, 0);
	mem_free(b);
}

static void timer_m_lets_several_answers_through(void **x)
{
	struct bed *b = bed(TSX_ICT, true);

	(void)x;
	step(b, TSX_START);
	step(b, TSX_GOT_2XX);
	step(b, TSX_GOT_2XX);
	step(b, TSX_GOT_FINAL);
	assert_int_equal(b->ups, 2);
	run(b, 31999);
	assert_int_equal(b->ends, 0);
	run(b, 1);
	assert_int_equal(b->ends, 1);
	mem_free(b);
}

static void timers_e_and_f_of_a_request_reach_t2(void **x)
{
	struct bed *b = bed(TSX_NICT, false);

	(void)x;
	step(b, TSX_START);
	run(b, 31999);		/* .5 1.5 3.5 7.5 11.5 15.5 19.5 23.5 27.5 31.5 */
	assert_int_equal(b->sends, 11);
	run(b, 1);
	assert_int_equal(b->timeouts, 1);
	assert_int_equal(b->ends, 1);
	mem_free(b);
}

static void timer_f_runs_on_in_proceeding_with_e_at_t2(void **x)
{
	struct bed *b = bed(TSX_NICT, false);

	(void)x;
	step(b, TSX_START);
	run(b, 600);
	step(b, TSX_GOT_1XX);
	assert_int_equal(b->sends, 2);
	run(b, 3999);
	assert_int_equal(b->sends, 2);
	run(b, 1);
	assert_int_equal(b->sends, 3);
	run(b, 32000 - 4600 - 1);
	assert_int_equal(b->timeouts, 0);
	run(b, 1);
	assert_int_equal(b->timeouts, 1);
	mem_free(b);
}

static void timer_k_absorbs_and_ends(void **x)
{
	struct bed *b = bed(TSX_NICT, false);

	(void)x;
	step(b, TSX_START);
	step(b, TSX_GOT_2XX);
	step(b, TSX_GOT_2XX);
	assert_int_equal(b->ups, 1);
	run(b, 4999);
	assert_int_equal(b->ends, 0);
	run(b, 1);
	assert_int_equal(b->ends, 1);
	mem_free(b);
}

static void a_limit_ends_a_request_before_timer_f(void **x)
{
	struct bed *b = bed(TSX_NICT, true);

	(void)x;
	step(b, TSX_START);
	tsx_limit(&b->t, &b->w, b->w.now + 2500);
	run(b, 2499);
	assert_int_equal(b->timeouts, 0);
	run(b, 1);
	assert_int_equal(b->timeouts, 1);
	mem_free(b);
}

static void an_invite_that_is_left_says_no_more_and_hears_for_as_long_again(void **x)
{
	struct bed *b = bed(TSX_ICT, false);

	(void)x;
	step(b, TSX_START);
	run(b, 2000);
	assert_int_equal(b->sends, 3);
	tsx_listen(&b->t, &b->w);
	run(b, 31999);
	assert_int_equal(b->sends, 3);
	assert_int_equal(b->timeouts, 0);
	run(b, 1);
	assert_int_equal(b->timeouts, 1);
	assert_int_equal(b->ends, 1);
	tsx_listen(&b->t, &b->w);	/* what is dead hears again, too */
	step(b, TSX_GOT_1XX);
	assert_int_equal(b->ups, 1);
	run(b, 100000);
	assert_int_equal(b->ends, 1);
	mem_free(b);
}

static void timer_g_repeats_a_refusal_until_the_ack(void **x)
{
	struct bed *b = bed(TSX_IST, false);

	(void)x;
	step(b, TSX_START);
	assert_int_equal(b->ups, 1);
	step(b, TSX_SEND_1XX);
	step(b, TSX_GOT_REQUEST);
	assert_int_equal(b->sends, 2);
	step(b, TSX_SEND_FINAL);
	run(b, 500);
	assert_int_equal(b->sends, 4);
	run(b, 1000);
	assert_int_equal(b->sends, 5);
	step(b, TSX_GOT_ACK);
	assert_int_equal(b->t.state, TSX_CONFIRMED);
	run(b, 4999);
	assert_int_equal(b->sends, 5);
	assert_int_equal(b->ends, 0);
	run(b, 1);		/* timer I */
	assert_int_equal(b->ends, 1);
	mem_free(b);
}

static void timer_h_gives_up_on_the_ack(void **x)
{
	struct bed *b = bed(TSX_IST, true);

	(void)x;
	step(b, TSX_START);
	step(b, TSX_SEND_FINAL);
	run(b, 31999);
	assert_int_equal(b->sends, 1);
	assert_int_equal(b->ends, 0);
	run(b, 1);
	assert_int_equal(b->ends, 1);
	mem_free(b);
}

static void timer_l_absorbs_repeated_invites_after_the_answer(void **x)
{
	struct bed *b = bed(TSX_IST, false);

	(void)x;
	step(b, TSX_START);
	step(b, TSX_SEND_2XX);
	step(b, TSX_GOT_REQUEST);
	assert_int_equal(b->sends, 1);
	step(b, TSX_SEND_2XX);		/* the session repeats it */
	assert_int_equal(b->sends, 2);
	step(b, TSX_GOT_ACK);
	assert_int_equal(b->ups, 2);
	run(b, 31999);
	assert_int_equal(b->ends, 0);
	run(b, 1);
	assert_int_equal(b->ends, 1);
	mem_free(b);
}

static void timer_j_absorbs_a_repeated_request(void **x)
{
	struct bed *b = bed(TSX_NIST, false);

	(void)x;
	step(b, TSX_START);
	step(b, TSX_GOT_REQUEST);
	assert_int_equal(b->sends, 0);
	step(b, TSX_SEND_2XX);
	step(b, TSX_GOT_REQUEST);
	assert_int_equal(b->sends, 2);
	run(b, 31999);
	assert_int_equal(b->ends, 0);
	run(b, 1);
	assert_int_equal(b->ends, 1);
	mem_free(b);
}

static void a_request_nobody_answers_asks_for_a_500(void **x)
{
	struct bed *b = bed(TSX_NIST, true);

	(void)x;
	step(b, TSX_START);
	run(b, 32000);
	assert_int_equal(b->timeouts, 1);
	assert_int_equal(b->ends, 0);
	step(b, TSX_SEND_FINAL);
	assert_int_equal(b->ends, 1);
	mem_free(b);
}

static void a_broken_transport_ends_what_has_not_been_heard_of(void **x)
{
	struct bed *b = bed(TSX_ICT, true);

	(void)x;
	step(b, TSX_START);
	step(b, TSX_BROKEN);
	assert_int_equal(b->broken, 1);
	assert_int_equal(b->ends, 1);
	mem_free(b);
	b = bed(TSX_ICT, true);
	step(b, TSX_START);
	step(b, TSX_GOT_1XX);
	step(b, TSX_BROKEN);
	assert_int_equal(b->broken, 0);
	mem_free(b);
}

int run_tsx(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell_of_every_state_is_decided),
		cmocka_unit_test(no_cell_leads_to_a_state_its_machine_does_not_have),
		cmocka_unit_test(timer_a_doubles_and_b_ends_an_unanswered_invite),
		cmocka_unit_test(an_invite_over_a_stream_is_sent_once),
		cmocka_unit_test(a_provisional_stops_timers_a_and_b),
		cmocka_unit_test(timer_d_absorbs_repeated_finals_with_the_ack),
		cmocka_unit_test(timer_d_is_zero_over_a_stream),
		cmocka_unit_test(timer_m_lets_several_answers_through),
		cmocka_unit_test(timers_e_and_f_of_a_request_reach_t2),
		cmocka_unit_test(timer_f_runs_on_in_proceeding_with_e_at_t2),
		cmocka_unit_test(timer_k_absorbs_and_ends),
		cmocka_unit_test(a_limit_ends_a_request_before_timer_f),
		cmocka_unit_test(an_invite_that_is_left_says_no_more_and_hears_for_as_long_again),
		cmocka_unit_test(timer_g_repeats_a_refusal_until_the_ack),
		cmocka_unit_test(timer_h_gives_up_on_the_ack),
		cmocka_unit_test(timer_l_absorbs_repeated_invites_after_the_answer),
		cmocka_unit_test(timer_j_absorbs_a_repeated_request),
		cmocka_unit_test(a_request_nobody_answers_asks_for_a_500),
		cmocka_unit_test(a_broken_transport_ends_what_has_not_been_heard_of),
	};

	return cmocka_run_group_tests_name("tsx", tests, NULL, NULL);
}
