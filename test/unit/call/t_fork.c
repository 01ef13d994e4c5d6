/* t_fork.c - Single Number Reach as a pure machine: every cell, every timer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "call/fork.h"
#include "t_call.h"

enum { DESK, TEAMS };
static const struct fork_timing desk = { 0, 0, 0 }, teams = { 0, 3000, 20000 },
				cucm = { 4000, 1500, 19000 };

static const char *const word[] = {
	[FORK_DO_NOTHING] = "none", [FORK_DO_DIAL] = "dial", [FORK_DO_TELL_RINGING] = "ringing",
	[FORK_DO_JOIN] = "join", [FORK_DO_DROP_TOO_SOON] = "toosoon",
	[FORK_DO_CANCEL_TOO_LATE] = "toolate", [FORK_DO_CANCEL_LOST] = "lost",
	[FORK_DO_CANCEL_STOP] = "stop", [FORK_DO_NEVER_RANG] = "never",
	[FORK_DO_BYE_LATE] = "byelate", [FORK_DO_EMPTY] = "empty",
};

/* What is to be done, as text: "dial0 dial1 " and so on. */
static const char *tape(struct fork *f)
{
	static char text[512];
	struct fork_act a;
	size_t n = 0;

	text[0] = 0;
	while (fork_take(f, &a))
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%d ", word[a.kind],
				      a.kind == FORK_DO_EMPTY ? (int)a.status : a.branch);
	return text;
}

static struct fork two(const struct fork_timing *second, ms_t now)
{
	struct fork f;

	fork_init(&f);
	fork_add(&f, &desk);
	fork_add(&f, second);
	fork_start(&f, now);
	return f;
}

static void desk_and_teams_ring_at_once_and_teams_wins(void **state)
{
	struct fork f = two(&teams, 1000);

	(void)state;
	assert_string_equal(tape(&f), "dial0 dial1 ");
	fork_ringing(&f, TEAMS);
	fork_ringing(&f, DESK);
	assert_string_equal(tape(&f), "ringing1 ");
	fork_answered(&f, TEAMS, 1000, 4000);
	assert_string_equal(tape(&f), "join1 lost0 ");
	fork_answered(&f, DESK, 1000, 4005);
	assert_string_equal(tape(&f), "byelate0 ");
}

static void an_answer_too_soon_drops_only_that_branch(void **state)
{
	struct fork f = two(&teams, 0);

	(void)state;
	tape(&f);
	fork_answered(&f, TEAMS, 0, 2999);
	assert_string_equal(tape(&f), "toosoon1 ");
	assert_int_equal(fork_open(&f), 1);
	fork_answered(&f, DESK, 0, 5000);
	assert_string_equal(tape(&f), "join0 ");
}

static void too_soon_counts_from_the_invite_that_was_answered(void **state)
{
	struct fork f = two(&teams, 0);

	(void)state;
	tape(&f);
	fork_answered(&f, TEAMS, 2500, 4000);	/* the second host was asked at 2,500 */
	assert_string_equal(tape(&f), "toosoon1 ");
}

static void a_delayed_destination_never_rings_when_the_desk_is_faster(void **state)
{
	struct fork f = two(&cucm, 0);

	(void)state;
	assert_string_equal(tape(&f), "dial0 ");
	assert_int_equal(fork_next(&f), 4000);
	fork_answered(&f, DESK, 0, 3000);
	assert_string_equal(tape(&f), "join0 never1 ");
}

static void too_late_counts_from_its_own_invite(void **state)
{
	struct fork f = two(&cucm, 0);

	(void)state;
	tape(&f);
	fork_tick(&f, 4000);
	assert_string_equal(tape(&f), "dial1 ");
	assert_int_equal(fork_next(&f), 23000);
	fork_tick(&f, 22999);
	assert_string_equal(tape(&f), "");
	fork_tick(&f, 23000);
	assert_string_equal(tape(&f), "toolate1 ");
}

static void all_failed_gives_the_best_response_once(void **state)
{
	struct fork f = two(&teams, 0);

	(void)state;
	tape(&f);
	fork_failed(&f, TEAMS, 603);
	assert_string_equal(tape(&f), "");
	fork_failed(&f, DESK, 486);
	assert_string_equal(tape(&f), "empty486 ");
	fork_failed(&f, DESK, 486);
	assert_string_equal(tape(&f), "");
}

static void the_caller_never_sees_what_only_we_could_act_upon(void **state)
{
	static const unsigned hidden[] = { 300, 301, 302, 305, 380, 401, 407, 408, 420, 421, 422, 423, 503 };

	(void)state;
	for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
		assert_int_equal(fork_better(0, hidden[i]), 480);
	assert_int_equal(fork_better(404, 503), 404);
	assert_int_equal(fork_better(408, 486), 486);
	assert_int_equal(fork_better(302, 488), 488);
	assert_int_equal(fork_better(0, 424), 424);
}

static void stopping_cancels_what_rings_and_forgets_what_waits(void **state)
{
	struct fork f = two(&cucm, 0);

	(void)state;
	tape(&f);
	fork_stop(&f);
	assert_string_equal(tape(&f), "stop0 never1 ");
	fork_failed(&f, DESK, 487);
	assert_string_equal(tape(&f), "");
}

static void the_fork_refuses_more_than_its_maximum(void **state)
{
	struct fork f;

	(void)state;
	fork_init(&f);
	for (int i = 0; i < FORK_MAX; i++)
		assert_int_equal(fork_add(&f, &desk), i);
	assert_int_equal(fork_add(&f, &desk), -1);
	fork_start(&f, 0);
	fork_answered(&f, 0, 0, 1);
	assert_true(f.nact <= FORK_ACT_MAX);
}

static void a_second_answer_of_a_dropped_branch_empties_nothing_again(void **state)
{
	struct fork f;
	struct fork_act a;
	int empty = 0;

	(void)state;
	fork_init(&f);
	(void)fork_add(&f, &(struct fork_timing){ .too_soon = 1500 });
	fork_start(&f, 1000);
	fork_answered(&f, 0, 1000, 1200);
	fork_answered(&f, 0, 1000, 1300);	/* another To tag's 200 */
	while (fork_take(&f, &a))
		empty += a.kind == FORK_DO_EMPTY;
	assert_int_equal(empty, 1);
}

static void every_state_event_pair_is_decided(void **state)
{
	(void)state;
	for (int s = 0; s < FORK_NSTATE; s++)
		for (int e = 0; e < FORK_NEVENT; e++)
			assert_true(fork_decided((enum fork_state)s, (enum fork_event)e));
}

int run_fork(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(desk_and_teams_ring_at_once_and_teams_wins),
		cmocka_unit_test(an_answer_too_soon_drops_only_that_branch),
		cmocka_unit_test(too_soon_counts_from_the_invite_that_was_answered),
		cmocka_unit_test(a_delayed_destination_never_rings_when_the_desk_is_faster),
		cmocka_unit_test(too_late_counts_from_its_own_invite),
		cmocka_unit_test(all_failed_gives_the_best_response_once),
		cmocka_unit_test(the_caller_never_sees_what_only_we_could_act_upon),
		cmocka_unit_test(stopping_cancels_what_rings_and_forgets_what_waits),
		cmocka_unit_test(the_fork_refuses_more_than_its_maximum),
		cmocka_unit_test(a_second_answer_of_a_dropped_branch_empties_nothing_again),
		cmocka_unit_test(every_state_event_pair_is_decided),
	};

	return cmocka_run_group_tests_name("call/fork", tests, NULL, NULL);
}
