/* t_timer.c - the wheel, alone and against a naive model. */
#include "t_io.h"

#include "base/mem.h"
#include "base/rng.h"
#include "io/timer.h"

struct shot { struct timers *w; struct timer t; ms_t fired; int n; };

static void fire(void *arg)
{
	struct shot *s = arg;

	s->fired = s->w->now;
	s->n++;
}

static int setup(void **state)
{
	struct timers *w = mem_new(sizeof *w);

	timers_init(w, 1000);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	mem_free(*state);
	return 0;
}

static void run(struct timers *w, ms_t to)
{
	while (timers_step(w, to))
		;
}

static void each_delay_fires_in_its_millisecond(void **state)
{
	static const ms_t delay[] = {
		0, 1, 255, 256, 257, 500, 32000, 65535, 65536, 65537, 180000, 16777215, 16777216,
		16777217, 4294967295, 4294967296, 4294967297, 86400000ull * 400,
	};
	struct timers *w = *state;

	for (size_t i = 0; i < sizeof delay / sizeof *delay; i++) {
		struct shot s = { .w = w };
		ms_t start = w->now;

		timer_start(w, &s.t, delay[i], fire, &s);
		assert_true(timer_armed(&s.t));
		if (delay[i]) {
			run(w, start + delay[i] - 1);
			assert_int_equal(s.n, 0);
		}
		run(w, start + delay[i]);
		assert_int_equal(s.n, 1);
		assert_true(s.fired == start + delay[i]);
		assert_false(timer_armed(&s.t));
	}
	assert_int_equal(w->armed, 0);
}

static void a_late_call_fires_in_order_and_shows_each_its_own_time(void **state)
{
	struct timers *w = *state;
	struct shot a = { .w = w }, b = { .w = w }, c = { .w = w };

	timer_start(w, &a.t, 70000, fire, &a);
	timer_start(w, &b.t, 20, fire, &b);
	timer_start(w, &c.t, 300, fire, &c);
	assert_true(timers_step(w, 1000000));
	assert_true(b.n == 1 && c.n == 0 && a.n == 0);
	assert_true(timers_step(w, 1000000));
	assert_true(c.n == 1 && a.n == 0);
	run(w, 1000000);
	assert_true(a.fired == 71000 && b.fired == 1020 && c.fired == 1300);
	assert_true(w->now == 1000000);
}

static void a_stopped_or_moved_timer_keeps_quiet(void **state)
{
	struct timers *w = *state;
	struct shot a = { .w = w }, b = { .w = w };

	timer_start(w, &a.t, 10, fire, &a);
	timer_stop(w, &a.t);
	timer_stop(w, &a.t);
	timer_start(w, &b.t, 10, fire, &b);
	timer_start(w, &b.t, 500, fire, &b);
	assert_int_equal(w->armed, 1);
	run(w, 1499);
	assert_int_equal(a.n + b.n, 0);
	run(w, 1500);
	assert_int_equal(b.n, 1);
}

static void time_moves_only_up_to_what_is_due(void **state)
{
	struct timers *w = *state;
	struct shot a = { .w = w }, b = { .w = w };

	assert_true(timers_move(w, 1010));
	assert_true(w->now == 1010);
	timer_start(w, &a.t, 10, fire, &a);
	timer_start(w, &b.t, 70000, fire, &b);
	assert_true(timers_move(w, 1019) && w->now == 1019);
	assert_true(timers_move(w, 1019));
	assert_false(timers_move(w, 1020));
	assert_true(w->now == 1019 && a.n == 0);
	run(w, 1020);
	assert_int_equal(a.n, 1);
	run(w, 71010);
	assert_true(b.fired == 71010);
}

static void the_next_deadline_is_never_late_and_exact_when_alone_and_near(void **state)
{
	struct timers *w = *state;
	struct shot s = { .w = w };

	assert_true(timers_next(w) == MS_NEVER);
	timer_start(w, &s.t, 100, fire, &s);
	assert_true(timers_next(w) == 1100);
	timer_start(w, &s.t, 100000, fire, &s);
	assert_true(timers_next(w) > 1000 && timers_next(w) <= 101000);
	timer_stop(w, &s.t);
	assert_true(timers_next(w) == MS_NEVER);
}

static void a_timer_for_ever_never_fires(void **state)
{
	struct timers *w = *state;
	struct shot s = { .w = w };

	timer_start(w, &s.t, MS_NEVER, fire, &s);
	run(w, 1ull << 41);
	assert_int_equal(s.n, 0);
	assert_true(timer_armed(&s.t));
}

struct chain { struct timers *w; struct timer t; int left; };

static void again(void *arg)
{
	struct chain *c = arg;

	if (--c->left)
		timer_start(c->w, &c->t, 7, again, c);
}

static void a_timer_may_arm_itself(void **state)
{
	struct chain c = { .w = *state, .left = 100 };

	timer_start(c.w, &c.t, 7, again, &c);
	run(c.w, 1000 + 7 * 100);
	assert_int_equal(c.left, 0);
}

/* The naive model: a bare array of deadlines. */
static void a_long_random_run_agrees_with_the_model(void **state)
{
	enum { N = 64, STEPS = 20000 };
	struct timers *w = *state;
	struct shot s[N] = { 0 };
	ms_t due[N];
	struct rng r;

	rng_seed(&r, 42);
	for (int i = 0; i < N; i++) {
		s[i].w = w;
		due[i] = MS_NEVER;
	}
	for (int k = 0; k < STEPS; k++) {
		uint32_t i = rng_below(&r, N), what = rng_below(&r, 4);
		ms_t to = w->now;

		if (what < 2) {
			ms_t d = rng_u64(&r) >> (24 + rng_below(&r, 40));

			due[i] = w->now + d;
			timer_start(w, &s[i].t, d, fire, &s[i]);
		} else if (what == 2) {
			due[i] = MS_NEVER;
			timer_stop(w, &s[i].t);
		} else {
			to += rng_u64(&r) >> (40 + rng_below(&r, 24));
		}
		run(w, to);
		for (int j = 0; j < N; j++) {
			assert_int_equal(s[j].n, due[j] <= to);
			if (s[j].n)
				assert_true(s[j].fired == due[j]);
			if (s[j].n) {
				s[j].n = 0;
				due[j] = MS_NEVER;
			}
		}
	}
}

int run_timer(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_delay_fires_in_its_millisecond, setup, teardown),
		cmocka_unit_test_setup_teardown(a_late_call_fires_in_order_and_shows_each_its_own_time,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_stopped_or_moved_timer_keeps_quiet, setup, teardown),
		cmocka_unit_test_setup_teardown(time_moves_only_up_to_what_is_due, setup, teardown),
		cmocka_unit_test_setup_teardown(the_next_deadline_is_never_late_and_exact_when_alone_and_near,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_timer_for_ever_never_fires, setup, teardown),
		cmocka_unit_test_setup_teardown(a_timer_may_arm_itself, setup, teardown),
		cmocka_unit_test_setup_teardown(a_long_random_run_agrees_with_the_model, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
