/* Overload: the rate that new calls are let in at, against a server made of numbers; repeats; what is told. */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "bed.h"
#include "base/hash.h"
#include "base/mem.h"
#include "sip/chars.h"
#include "sip/overload.h"
#include "sip/stack_int.h"
#include "t_stack.h"

static const struct hash_seed seed = { { 3, 4 } };

static uint64_t key(uint64_t i)
{
	return hash_bytes(&seed, &i, sizeof i);
}

/* A thread that is never idle. */
static enum overload_news note(struct overload *o, ms_t now, ms_t delay, uint64_t lost)
{
	return overload_note(o, now, delay, lost, now);
}

/* Of `n` new calls, one each millisecond, that waited so long. */
static unsigned refused(struct overload *o, ms_t *now, unsigned n, ms_t delay)
{
	unsigned retry, sum = 0;

	for (unsigned i = 0; i < n; i++, ++*now) {
		(void)note(o, *now, delay, 0);
		sum += overload_refuses(o, *now, key(*now), delay, &retry);
	}
	return sum;
}

static void input_that_waits_turns_new_calls_away_and_back(void **x)
{
	struct overload o = { 0 };
	ms_t now = 1000;

	(void)x;
	assert_int_equal(refused(&o, &now, 1000, 5), 0);
	assert_in_range(refused(&o, &now, 3000, 200), 500, 2900);
	assert_in_range(refused(&o, &now, 10000, 200), 8000, 9990);	/* some are always tried */
	(void)refused(&o, &now, 15000, 1);
	assert_int_equal(refused(&o, &now, 1000, 1), 0);
	assert_int_equal(o.v.rate, 0);
	overload_close(&o);
}

static void what_waited_while_we_started_is_no_load(void **x)
{
	struct overload o = { 0 };
	ms_t now = 5000;
	unsigned retry;

	(void)x;
	for (; now < 5300; now++) {	/* it lay in the socket since 4400 */
		(void)note(&o, now, now - 4400, 7);
		assert_false(overload_refuses(&o, now, key(now), now - 4400, &retry));
	}
	assert_true(refused(&o, &now, 2000, 300) > 0);	/* this came later, and waits */
	overload_close(&o);
}

static void input_that_the_kernel_lost_counts_as_waiting(void **x)
{
	struct overload o = { 0 };
	unsigned retry, n = 0;

	(void)x;
	for (ms_t now = 1000; now < 3000; now++) {
		(void)note(&o, now, 15, now > 1200 ? now : 0);
		n += overload_refuses(&o, now, key(now), 15, &retry);
	}
	assert_in_range(n, 500, 1900);
	assert_true(o.v.lost);
	overload_close(&o);
}

static void a_repeat_of_what_was_refused_is_refused_with_the_same_words(void **x)
{
	struct overload o = { 0 };
	unsigned first[1000], retry;
	ms_t now = 1000;

	(void)x;
	(void)refused(&o, &now, 3000, 200);
	for (unsigned i = 0; i < 1000; i++)
		if (!overload_refuses(&o, now, key(1000000 + i), 0, &first[i]))
			first[i] = 0;
	now += 20000;
	assert_false(overload_refuses(&o, now, key(1), 0, &retry));	/* there is room again */
	for (unsigned i = 0; i < 1000; i++) {
		if (!first[i])
			continue;
		assert_true(overload_knows(&o, now, key(1000000 + i)));
		assert_true(overload_refuses(&o, now, key(1000000 + i), 0, &retry));
		assert_int_equal(retry, first[i]);
	}
	now += 13000;			/* nobody repeats it that long */
	for (unsigned i = 0; i < 1000; i++)
		assert_false(overload_knows(&o, now, key(1000000 + i)));
	overload_close(&o);
}

static void retry_after_is_spread_over_all_its_seconds(void **x)
{
	struct overload o = { 0 };
	unsigned seen[OVERLOAD_RETRY_MAX_S + 1] = { 0 }, retry;

	(void)x;
	(void)note(&o, 1000, 0, 0);
	(void)note(&o, 1100, 0, 0);
	for (unsigned i = 0; i < 5600; i++) {
		assert_true(overload_refuses(&o, 9000, key(i), 600, &retry));
		assert_in_range(retry, OVERLOAD_RETRY_MIN_S, OVERLOAD_RETRY_MAX_S);
		seen[retry]++;
	}
	for (unsigned s = OVERLOAD_RETRY_MIN_S; s <= OVERLOAD_RETRY_MAX_S; s++)
		assert_in_range(seen[s], 50, 150);
	overload_close(&o);
}

static void a_call_that_waited_longer_than_t1_while_we_were_busy_is_refused(void **x)
{
	struct overload o = { 0 };
	unsigned retry;

	(void)x;
	(void)note(&o, 1000, 0, 0);
	(void)note(&o, 1100, 0, 0);
	assert_false(overload_refuses(&o, 5000, key(1), OVERLOAD_STALE_MS, &retry));
	assert_true(overload_refuses(&o, 5000, key(2), OVERLOAD_STALE_MS + 1, &retry));
	assert_int_equal(o.v.stale, 1);
	overload_close(&o);
}

enum { COST_CALL_US = 250, COST_MORE_US = 110, MORES = 4, CALL_US = 690, COST_REFUSAL_US = 5 };

/* New calls keep us busy for that share of the time; the whole machine stands still for `pause`, twice a minute. */
static unsigned refused_after_pauses(unsigned percent, ms_t pause)
{
	uint64_t us = 0, spent = 0, from;
	struct overload o = { 0 };
	unsigned n = 0, retry;

	for (uint64_t came = 1000000; came < 121000000; came += CALL_US * 100 / percent) {
		us = us > came ? us : came;
		from = us / 30000000 * 30000000 + 7000000;
		us = us >= from && us < from + pause * 1000 ? from + pause * 1000 : us;
		(void)overload_note(&o, us / 1000, (us - came) / 1000, 0, spent / 1000);
		n += overload_refuses(&o, us / 1000, key(came), (us - came) / 1000, &retry);
		us += CALL_US;
		spent += CALL_US;
	}
	assert_int_equal(o.told_began, 0);
	overload_close(&o);
	return n;
}

static void a_machine_that_stood_still_for_a_moment_is_no_overload(void **x)
{
	static const unsigned percent[] = { 1, 10, 25, 40, 60 };
	static const ms_t pause[] = { 120, 300, 600, 1000, 3000 };

	(void)x;
	for (size_t i = 0; i < sizeof percent / sizeof *percent; i++)
		for (size_t k = 0; k < sizeof pause / sizeof *pause; k++)
			assert_int_equal(refused_after_pauses(percent[i], pause[k]), 0);
}

/* Others have the processor: it is an overload all the same, when it lasts. */
static void waits_that_last_are_one_whoever_has_the_processor(void **x)
{
	struct overload o = { 0 };
	unsigned n = 0, retry;

	(void)x;
	for (ms_t now = 1000; now < 3000; now += 2) {
		(void)overload_note(&o, now, 120, 0, now / 10);
		n += overload_refuses(&o, now, key(now), 120, &retry);
	}
	assert_in_range(n, 50, 990);
	overload_close(&o);
}

static void begin_and_end_are_told_once_in_ten_seconds(void **x)
{
	struct overload o = { 0 };
	unsigned told[3] = { 0 }, retry;
	ms_t now = 1000, last[3] = { 0 };

	(void)x;
	for (; now < 61000; now++) {	/* a second of waiting, three without */
		ms_t delay = now / 1000 % 4 ? 0 : 200;
		enum overload_news n = note(&o, now, delay, 0);

		(void)overload_refuses(&o, now, key(now), delay, &retry);
		if (!n)
			continue;
		assert_true(!last[n] || now - last[n] >= OVERLOAD_TELL_MS);
		last[n] = now;
		told[n]++;
	}
	assert_in_range(told[OVERLOAD_BEGAN], 3, 6);
	assert_in_range(told[OVERLOAD_ENDED], 3, 6);
	overload_close(&o);
}

/* --- a server: one queue, and what each thing in it costs --- */

enum { JOB_CALL, JOB_MORE };
enum { JOBS = 1 << 20 };

struct job { ms_t came; uint8_t kind; uint8_t left; };

struct server {
	struct overload o;
	struct job *q;
	uint32_t head, tail, calls, done, late;
	uint64_t us;			/* what it may still work in this millisecond */
};

static void put(struct server *s, ms_t came, int kind, int left)
{
	assert_true(s->tail - s->head < JOBS);
	s->q[s->tail++ % JOBS] = (struct job){ came, (uint8_t)kind, (uint8_t)left };
}

/* What the ends of a call send next comes when its time is there; it stands in the same queue. */
static int64_t work(struct server *s, ms_t now)
{
	struct job j = s->q[s->head++ % JOBS];
	ms_t delay = now - j.came;
	unsigned retry;

	(void)note(&s->o, now, delay, 0);
	if (j.kind == JOB_CALL) {
		if (overload_refuses(&s->o, now, key(++s->calls), delay, &retry))
			return COST_REFUSAL_US;
		put(s, now, JOB_MORE, MORES);
		return COST_CALL_US;
	}
	if (j.left > 1)
		put(s, now, JOB_MORE, j.left - 1);
	else
		s->done++;
	s->late += delay > 500;
	return COST_MORE_US;
}

/* Calls done a second from the fifth on, of what its time suffices for; speed: thousandths of a core; stall: ms of each
 * second, in one or two pieces, in which it is not run at all. */
static double goodput(double times, unsigned speed, unsigned stall, uint32_t *late)
{
	struct server s = { .q = mem_array(JOBS, sizeof(struct job)) };
	double can = speed * 1000.0 / CALL_US * (1000 - stall) / 1000, owed = 0, left, best;
	int64_t budget = 0;

	for (ms_t ms = 1; ms <= 20000; ms++) {
		bool runs = ms % 1000 >= stall * 2 / 3 && (ms + 370) % 1000 >= stall - stall * 2 / 3;

		for (owed += times * can / 1000; owed >= 1; owed--)
			put(&s, ms, JOB_CALL, 0);
		for (budget += runs ? speed : 0; runs && budget > 0 && s.head != s.tail;)
			budget -= work(&s, ms);
		budget = budget > 0 ? 0 : budget;
		if (ms == 5000)
			s.done = s.late = 0;
	}
	*late = s.late;
	left = (1 - times * COST_REFUSAL_US / CALL_US) / (1 - (double)COST_REFUSAL_US / CALL_US);
	best = can * (times < 1 ? times : left);
	overload_close(&s.o);
	mem_free(s.q);
	return s.done / 15.0 / best;
}

static void whatever_is_offered_nine_tenths_of_what_can_be_done_are_done(void **x)
{
	static const double times[] = { 0.5, 0.9, 1, 1.2, 2, 5, 20 };
	static const unsigned speed[] = { 1000, 110 };
	uint32_t late;

	(void)x;
	for (size_t k = 0; k < sizeof speed / sizeof *speed; k++)
		for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
			double g = goodput(times[i], speed[k], 0, &late);

			if (g < 0.9 || g > 1.02)
				fail_msg("%.1f times what it can: %.3f", times[i], g);
			assert_int_equal(late, 0);
		}
}

/* As on a host that others use, too. */
static void what_is_left_of_a_machine_that_stalls_is_used(void **x)
{
	static const double times[] = { 1.2, 2, 5 };
	static const unsigned stall[] = { 90, 180 };
	uint32_t late;

	(void)x;
	for (size_t k = 0; k < sizeof stall / sizeof *stall; k++)
		for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
			double g = goodput(times[i], 1000, stall[k], &late);

			if (g < 0.9 || g > 1.02)
				fail_msg("%.1f times what it can, stalled %u ms a second: %.3f", times[i], stall[k], g);
		}
}

/* --- in the stack --- */

static void say_as(struct bed *b, const struct addr *from, const char *method, const char *number, unsigned call,
		   const char *more)
{
	char text[1000];

	(void)snprintf(text, sizeof text, "%s sip:%s@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bKb%u;rport\r\n"
		 "Max-Forwards: 70\r\nFrom: <sip:9@10.0.0.9>;tag=nine\r\nTo: <sip:200@10.0.0.1>%s\r\nCall-ID: call-%u@peer\r\n"
		 "CSeq: 1 %s\r\nContact: <sip:9@10.0.0.9:5060>\r\n%sContent-Length: 0\r\n\r\n", method, number, call,
		 method[0] == 'A' ? ";tag=ours" : "", call, method, more);
	bed_peer_send(b, from, &b->a.addr[SIP_UDP], text);
	bed_run(b, 20);
}

static void say_more(struct bed *b, const char *method, const char *number, unsigned call, const char *more)
{
	struct addr from = bed_addr("10.0.0.9:5060");

	say_as(b, &from, method, number, call, more);
}

static void say(struct bed *b, const char *method, unsigned call)
{
	say_more(b, method, "200", call, "");
}

static void leave_all(struct bed *b)
{
	for (int i = 0; i < b->a.n; i++)
		if (b->a.ev[i].kind == SIP_EV_INVITE)
			sip_abandon(b->a.sip, b->a.ev[i].session);
	bed_free(b);
}

/* What came before the first input waited for our start: one came, long ago. */
static struct bed *started(const struct sip_config *c)
{
	struct bed *b = bed_new_with(c, 0, SIP_ZONE_PHONES);
	struct addr at = bed_addr("10.0.0.9:5060");

	bed_peer_udp(b, &at);
	say(b, "OPTIONS", 1);
	bed_run(b, 2000);
	bed_forget_wire(b);
	return b;
}

static void a_call_refused_in_the_stack_is_refused_the_same_way_when_it_is_repeated(void **x)
{
	struct bed *b = started(NULL);
	uint64_t dropped;

	(void)x;
	b->loop.spent = b->loop.now;	/* all of it */
	b->loop.delay = OVERLOAD_STALE_MS + 1;
	say(b, "INVITE", 2);
	b->loop.delay = 0;
	say(b, "INVITE", 2);
	assert_int_equal(bed_sent(b, "SIP/2.0 503 "), 2);
	assert_string_equal(bed_msg(b, "SIP/2.0 503", 0)->text, bed_msg(b, "SIP/2.0 503", 1)->text);
	assert_non_null(strstr(bed_msg(b, "SIP/2.0 503", 0)->text, "\r\nRetry-After: "));
	dropped = b->a.sip->n.dropped;
	say(b, "ACK", 2);		/* nobody else's: it ends here */
	assert_int_equal(b->a.sip->n.dropped, dropped);
	assert_int_equal(bed_count(&b->a, SIP_EV_INVITE), 0);
	say(b, "INVITE", 3);
	assert_int_equal(bed_count(&b->a, SIP_EV_INVITE), 1);
	leave_all(b);
}

static void a_refusal_at_a_glance_is_the_one_of_the_parser_byte_for_byte(void **x)
{
	struct bed *b = started(NULL);

	(void)x;
	b->loop.spent = b->loop.now;	/* all of it */
	b->loop.delay = OVERLOAD_STALE_MS + 1;
	say(b, "INVITE", 2);
	say_more(b, "INVITE", "200", 2, "Subject: not at a\r\n glance\r\n");
	assert_int_equal(bed_sent(b, "SIP/2.0 503 "), 2);
	assert_string_equal(bed_msg(b, "SIP/2.0 503", 0)->text, bed_msg(b, "SIP/2.0 503", 1)->text);
	leave_all(b);
}

static bool is_112(void *ctx, struct str number)
{
	(void)ctx;
	return str_is(number, "112");
}

static void an_emergency_call_is_let_in_whatever_the_load(void **x)
{
	struct sip_config c = { .urgent = is_112 };
	struct bed *b = started(&c);

	(void)x;
	b->loop.spent = b->loop.now;	/* all of it */
	b->loop.delay = OVERLOAD_STALE_MS + 1;
	say(b, "INVITE", 2);
	assert_int_equal(bed_count(&b->a, SIP_EV_INVITE), 0);
	say_more(b, "INVITE", "112", 3, "");
	say_more(b, "INVITE", "112", 4, "Subject: not at a\r\n glance\r\n");
	assert_int_equal(bed_count(&b->a, SIP_EV_INVITE), 2);
	leave_all(b);
}

static void the_last_transactions_are_for_what_goes_on_and_emergencies(void **x)
{
	struct sip_config c = { .max_transactions = 16, .urgent = is_112 };
	struct bed *b = bed_new_with(&c, 0, SIP_ZONE_PHONES);
	struct addr at = bed_addr("10.0.0.9:5060");
	char retry[20];
	uint32_t s;

	(void)x;
	bed_peer_udp(b, &at);
	b->a.on = bed_answering;
	for (unsigned i = 0; i < 20; i++)
		say(b, "OPTIONS", 100 + i);
	assert_int_equal(bed_sent(b, "SIP/2.0 200"), 14);
	assert_int_equal(bed_sent(b, "SIP/2.0 503"), 6);
	assert_true(bed_hdr(bed_msg(b, "SIP/2.0 503", 0), "Retry-After", retry, sizeof retry));
	assert_int_equal(ch_u32(str_of(retry), 1000, &s), OK);
	assert_in_range(s, OVERLOAD_RETRY_MIN_S, OVERLOAD_RETRY_MAX_S);
	say(b, "INVITE", 200);
	assert_int_equal(bed_count(&b->a, SIP_EV_INVITE), 0);
	say_more(b, "INVITE", "112", 201, "");
	assert_int_equal(bed_count(&b->a, SIP_EV_INVITE), 1);
	bed_run(b, 33000);		/* timer J: they are free again */
	say(b, "OPTIONS", 300);
	assert_int_equal(bed_count(&b->a, SIP_EV_REQUEST), 15);
	leave_all(b);
}

static bool is_trunk(void *ctx, uint32_t listener, const struct addr *a)
{
	struct addr trunk = bed_addr("10.0.0.9:5060");

	(void)ctx;
	(void)listener;
	return addr_same_ip(a, &trunk);
}

static unsigned no_stranger(void *ctx, const struct sip_msg *m, struct arena *a, struct sip_xhdr extra[2])
{
	(void)a;
	(void)extra;
	return is_trunk(ctx, 0, &m->src) ? 0 : 403;
}

static void strangers_do_not_take_the_places_of_calls(void **x)
{
	struct sip_guard g = { .rules = { .rate = 1000, .burst = 1000, .strikes = 100000, .ban = 1000,
					  .ban_max = 1000 },
			       .streams = 20, .trusted = is_trunk, .stranger = no_stranger };
	struct sip_config c = { .guard = &g };
	struct bed *b = started(&c);
	struct addr strange = bed_addr("10.0.7.7:5060");

	(void)x;
	bed_peer_udp(b, &strange);
	b->loop.delay = 120;
	for (unsigned w = 0; w < 30; w++) {	/* five calls a second, of ten that are always tried */
		for (unsigned i = 0; i < 4; i++)
			say_as(b, &strange, "INVITE", "200", 1000 + 4 * w + i, "");
		say(b, "INVITE", 100 + w);
		b->loop.spent += 200;
		bed_run(b, 100);
	}
	assert_int_equal(bed_sent(b, "SIP/2.0 403 "), 120);
	assert_int_equal(bed_sent(b, "SIP/2.0 503 "), 0);
	assert_int_equal(bed_count(&b->a, SIP_EV_INVITE), 30);
	leave_all(b);
}

int run_overload(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(input_that_waits_turns_new_calls_away_and_back),
		cmocka_unit_test(what_waited_while_we_started_is_no_load),
		cmocka_unit_test(input_that_the_kernel_lost_counts_as_waiting),
		cmocka_unit_test(a_repeat_of_what_was_refused_is_refused_with_the_same_words),
		cmocka_unit_test(retry_after_is_spread_over_all_its_seconds),
		cmocka_unit_test(a_call_that_waited_longer_than_t1_while_we_were_busy_is_refused),
		cmocka_unit_test(a_machine_that_stood_still_for_a_moment_is_no_overload),
		cmocka_unit_test(waits_that_last_are_one_whoever_has_the_processor),
		cmocka_unit_test(begin_and_end_are_told_once_in_ten_seconds),
		cmocka_unit_test(a_call_refused_in_the_stack_is_refused_the_same_way_when_it_is_repeated),
		cmocka_unit_test(a_refusal_at_a_glance_is_the_one_of_the_parser_byte_for_byte),
		cmocka_unit_test(an_emergency_call_is_let_in_whatever_the_load),
		cmocka_unit_test(strangers_do_not_take_the_places_of_calls),
		cmocka_unit_test(the_last_transactions_are_for_what_goes_on_and_emergencies),
		cmocka_unit_test(whatever_is_offered_nine_tenths_of_what_can_be_done_are_done),
		cmocka_unit_test(what_is_left_of_a_machine_that_stalls_is_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
