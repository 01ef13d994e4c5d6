/* t_relay.c - the engine: whose packets are taken, what leaves, and what never does. */
#include "t_media.h"

#include <stdbool.h>
#include <string.h>

#include "t_relay_bed.h"

/* --- endpoint, not forwarder -------------------------------------------------------- */

static void our_own_stream_leaves_with_the_other_sides_payload_type(void **state)
{
	struct bed *b = talking(0);
	struct rtp h1, h2;

	(void)state;
	comes(b, A, at("10.0.0.1", 4000), PCMU, 7, 1000, 0xaaaa);
	h1 = last(b);
	assert_int_equal(b->out[0].slot, B);
	assert_true(addr_eq(&b->out[0].to, &(struct addr){ 0 }) == false && b->out[0].to.port == 5000);
	assert_true(h1.ssrc != 0xaaaa && h1.marker);	/* a stream of ours begins */
	comes(b, A, at("10.0.0.1", 4000), EVENTS_A, 8, 1000, 0xaaaa);
	h2 = last(b);
	assert_int_equal(h2.pt, EVENTS_B);
	assert_true(h2.ssrc == h1.ssrc && h2.seq == (uint16_t)(h1.seq + 1) && h2.ts == h1.ts && !h2.marker);
	comes(b, A, at("10.0.0.1", 4000), 55, 9, 1160, 0xaaaa);	/* a type nobody agreed on */
	assert_int_equal(b->nout, 2);
	bed_free(b);
}

static void a_new_source_continues_the_stream_with_a_marker(void **state)
{
	struct bed *b = talking(0);
	struct rtp h1, h2;

	(void)state;
	comes(b, A, at("10.0.0.1", 4000), PCMU, 100, 16000, 1);
	h1 = last(b);
	b->now += 100;
	comes(b, A, at("10.0.0.1", 4000), PCMU, 60000, 99, 2);
	h2 = last(b);
	assert_true(h2.ssrc == h1.ssrc && h2.seq == (uint16_t)(h1.seq + 1) && h2.marker);
	assert_int_equal(h2.ts - h1.ts, 800);		/* 100 ms later */
	bed_free(b);
}

static void loss_and_order_of_the_source_are_kept(void **state)
{
	struct bed *b = talking(0);
	struct rtp h1, h2, h3;

	(void)state;
	comes(b, A, at("10.0.0.1", 4000), PCMU, 100, 16000, 1);
	h1 = last(b);
	comes(b, A, at("10.0.0.1", 4000), PCMU, 103, 16480, 1);
	h2 = last(b);
	comes(b, A, at("10.0.0.1", 4000), PCMU, 102, 16320, 1);
	h3 = last(b);
	assert_true(h2.seq == (uint16_t)(h1.seq + 3) && h3.seq == (uint16_t)(h1.seq + 2));
	bed_free(b);
}

/* --- hold, silence, reports ------------------------------------------------------------------ */

static void an_end_that_may_not_be_sent_to_gets_nothing(void **state)
{
	struct bed *b = talking(0);

	(void)state;
	direct(b, B, false, false);
	comes(b, A, at("10.0.0.1", 4000), PCMU, 1, 0, 1);
	assert_int_equal(b->nout, 0);
	direct(b, B, true, true);
	comes(b, A, at("10.0.0.1", 4000), PCMU, 2, 160, 1);
	assert_int_equal(b->nout, 1);
	bed_free(b);
}

static void run_for(struct bed *b, ms_t ms)
{
	for (ms_t end = b->now + ms; b->now < end; b->now += 20)
		relay_tick(b->relay, b->now);
}

static void silence_is_told_once_and_not_on_hold(void **state)
{
	struct bed *b = talking(0);

	(void)state;
	direct(b, A, true, false);		/* on hold: nothing is expected of it */
	run_for(b, 61000);
	assert_int_equal(b->nup, 1);
	assert_true(b->up[0].op == MEDIA_SILENT && b->up[0].slot == B);
	direct(b, A, true, true);		/* counted anew from the resume */
	run_for(b, 59000);
	assert_int_equal(b->nup, 1);
	run_for(b, 2000);
	assert_int_equal(b->nup, 2);
	assert_int_equal(b->up[1].slot, A);
	bed_free(b);
}

static void rtcp_of_the_peer_counts_as_life(void **state)
{
	struct bed *b = talking(0);
	struct rtcp_sender s = { .ssrc = 4 };
	uint8_t p[RTP_PACKET_MAX + RTP_TAIL];
	struct addr from = at("10.0.0.1", 4001);

	(void)state;
	direct(b, B, true, false);
	for (int i = 0; i < 30; i++) {
		size_t n = rtcp_write(p, sizeof p, &s, NULL, "x");

		run_for(b, 5000);
		relay_packet(b->relay, A, true, &from, p, n, b->now);
	}
	assert_false(told(b, MEDIA_SILENT));
	bed_free(b);
}

static void both_sides_get_reports_of_our_own_also_on_hold(void **state)
{
	struct bed *b = talking(0);
	int to[2] = { 0 };

	(void)state;
	direct(b, A, false, false);
	run_for(b, 20100);
	for (int i = 0; i < b->nout; i++) {
		struct rtcp_news n;

		assert_true(b->out[i].rtcp && rtcp_read(b->out[i].p, b->out[i].n, &n));
		to[b->out[i].slot]++;
	}
	assert_int_equal(to[A], 4);
	assert_int_equal(to[B], 4);
	bed_free(b);
}

static struct bed *filled(void)
{
	struct bed *b = bed_new();
	struct media_msg a = peer(A, at("10.0.0.1", 4000), EVENTS_A),
			 c = peer(B, at("10.0.0.2", 5000), EVENTS_B);

	open_end(b, A, 60000, 1);
	open_end(b, B, 60000, 0);
	tell(b, &a);
	tell(b, &c);
	serve(b, A, 0, true);
	serve(b, B, 0, true);
	direct(b, A, true, true);
	direct(b, B, true, true);
	join(b);
	run_for(b, 4900);
	assert_int_equal(b->nout, 0);
	run_for(b, 700);
	assert_true(b->nout > 2 && b->out[b->nout - 1].slot == A);
	return b;
}

static void an_end_without_media_for_five_seconds_gets_silence_from_us(void **state)
{
	struct bed *b = filled();
	int before;

	(void)state;
	assert_int_equal(b->out[b->nout - 1].p[RTP_HEAD], 0xff);
	comes(b, B, at("10.0.0.2", 5000), PCMU, 1, 0, 3);	/* it speaks: the silence ends */
	before = b->nout;
	b->now += 20;
	relay_tick(b->relay, b->now);
	assert_int_equal(b->nout, before);
	bed_free(b);
}

static void a_tone_is_played_instead_of_the_other_side(void **state)
{
	struct bed *b = talking(0);
	struct media_msg m = msg(MEDIA_PLAY, A);
	struct rtp h;

	(void)state;
	m.u.play.source = MEDIA_SOURCE_RINGBACK;
	m.u.play.codec = MEDIA_PCMU;
	memcpy(m.u.play.country, "us", 3);
	tell(b, &m);
	assert_true(relay_playing(b->relay));
	run_for(b, 100);
	assert_int_equal(b->nout, 5);
	h = last(b);
	assert_int_equal(h.payload_n, 160);
	comes(b, B, at("10.0.0.2", 5000), PCMU, 1, 0, 3);	/* not heard meanwhile */
	assert_int_equal(b->nout, 5);
	m.u.play.source = MEDIA_SOURCE_NONE;
	tell(b, &m);
	assert_false(relay_playing(b->relay));
	bed_free(b);
}

/* RFC 3264 8.4: to whom is inactive nothing is sent, music as little as the other side. */
static void nothing_is_played_to_an_end_that_may_not_be_sent_to_and_nothing_owed_later(void **state)
{
	struct bed *b = talking(0);
	struct media_msg m = msg(MEDIA_PLAY, A);

	(void)state;
	m.u.play.source = MEDIA_SOURCE_RINGBACK;
	m.u.play.codec = MEDIA_PCMU;
	memcpy(m.u.play.country, "us", 3);
	tell(b, &m);
	run_for(b, 100);
	assert_int_equal(b->nout, 5);
	direct(b, A, false, false);
	run_for(b, 1000);
	assert_int_equal(b->nout, 5);
	direct(b, A, true, false);		/* held by the other side: it listens */
	run_for(b, 100);
	assert_int_equal(b->nout, 10);
	bed_free(b);
}

static void silence_of_ours_is_not_sent_to_an_end_that_may_not_be_sent_to(void **state)
{
	struct bed *b = filled();
	int before = b->nout;

	(void)state;
	direct(b, A, false, false);
	run_for(b, 400);
	assert_int_equal(b->nout, before);
	bed_free(b);
}

static void closing_what_never_was_open_is_answered(void **state)
{
	struct bed *b = talking(0);
	struct media_msg m = msg(MEDIA_CLOSE, 5);

	(void)state;
	m.owner = 77;
	tell(b, &m);
	assert_int_equal(b->up[b->nup - 1].op, MEDIA_CLOSED);
	assert_int_equal(b->up[b->nup - 1].owner, 77);
	bed_free(b);
}

static void an_end_closed_quietly_tells_nothing(void **state)
{
	struct bed *b = talking(0);
	struct media_msg m = msg(MEDIA_CLOSE, A);
	size_t before = (size_t)b->nup;

	(void)state;
	m.u.close.quiet = 1;
	tell(b, &m);
	assert_int_equal(b->nup, before);
	b->nout = 0;
	comes(b, B, at("10.0.0.2", 5000), PCMU, 99, 0, 1);
	assert_int_equal(b->nout, 0);
	bed_free(b);
}

static void a_closed_end_tells_its_counters_and_is_gone(void **state)
{
	struct bed *b = talking(0);
	struct media_msg m = msg(MEDIA_CLOSE, A);

	(void)state;
	for (uint16_t i = 0; i < 10; i++)
		if (i != 4)
			comes(b, A, at("10.0.0.1", 4000), PCMU, i, i * 160u, 1);
	tell(b, &m);
	assert_int_equal(b->up[b->nup - 1].op, MEDIA_CLOSED);
	assert_int_equal(b->up[b->nup - 1].owner, 100);
	assert_int_equal(b->up[b->nup - 1].u.counts.rx_packets, 9);
	assert_int_equal(b->up[b->nup - 1].u.counts.lost, 1);
	b->nout = 0;
	comes(b, A, at("10.0.0.1", 4000), PCMU, 99, 0, 1);
	comes(b, B, at("10.0.0.2", 5000), PCMU, 99, 0, 1);
	assert_int_equal(b->nout, 0);
	tell(b, &m);				/* again: nothing */
	bed_free(b);
}

static void three_that_point_at_each_other_are_freed(void **state)
{
	struct bed *b = talking(0);
	struct media_msg m = msg(MEDIA_CONNECT, 2);

	(void)state;
	open_end(b, 2, 0, 0);
	m.other = A;				/* B still points at A, A at 2 */
	tell(b, &m);
	bed_free(b);
}

int run_relay(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_own_stream_leaves_with_the_other_sides_payload_type),
		cmocka_unit_test(a_new_source_continues_the_stream_with_a_marker),
		cmocka_unit_test(loss_and_order_of_the_source_are_kept),
		cmocka_unit_test(an_end_that_may_not_be_sent_to_gets_nothing),
		cmocka_unit_test(silence_is_told_once_and_not_on_hold),
		cmocka_unit_test(rtcp_of_the_peer_counts_as_life),
		cmocka_unit_test(both_sides_get_reports_of_our_own_also_on_hold),
		cmocka_unit_test(an_end_without_media_for_five_seconds_gets_silence_from_us),
		cmocka_unit_test(a_tone_is_played_instead_of_the_other_side),
		cmocka_unit_test(nothing_is_played_to_an_end_that_may_not_be_sent_to_and_nothing_owed_later),
		cmocka_unit_test(silence_of_ours_is_not_sent_to_an_end_that_may_not_be_sent_to),
		cmocka_unit_test(three_that_point_at_each_other_are_freed),
		cmocka_unit_test(a_closed_end_tells_its_counters_and_is_gone),
		cmocka_unit_test(an_end_closed_quietly_tells_nothing),
		cmocka_unit_test(closing_what_never_was_open_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
