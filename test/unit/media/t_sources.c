/* t_sources.c - who may become the source of a clear stream, and who never does. */
#include "t_media.h"

#include <stdbool.h>
#include <string.h>

#include "t_relay_bed.h"

/* --- who may be the source ------------------------------------------------------------ */

static void strangers_are_not_heard_before_or_after_the_lock(void **state)
{
	struct bed *b = talking(0);

	(void)state;
	comes(b, A, at("10.9.9.9", 4000), PCMU, 1, 0, 5);
	assert_int_equal(b->nout, 0);
	for (uint16_t i = 0; i < 5; i++)
		comes(b, A, at("10.0.0.1", 4000), PCMU, i, i * 160u, 6);
	assert_int_equal(b->nout, 5);
	for (uint16_t i = 0; i < 50; i++) {
		comes(b, A, at("10.9.9.9", 4000), PCMU, i, i * 160u, 6);
		comes(b, A, at("10.0.0.1", 4001), PCMU, i, i * 160u, 6);	/* its host, another port */
	}
	assert_int_equal(b->nout, 5);
	bed_free(b);
}

static void its_host_may_move_its_port_once_while_the_sdp_is_young(void **state)
{
	struct bed *b = talking(0);

	(void)state;
	b->now += 500;
	for (uint16_t i = 0; i < 4; i++)
		comes(b, A, at("10.0.0.1", 4444), PCMU, i, i * 160u, 6);
	assert_true(told(b, MEDIA_LATCHED));
	b->nout = 0;
	comes(b, B, at("10.0.0.2", 5000), PCMU, 1, 0, 7);
	assert_int_equal(b->out[0].to.port, 4444);
	bed_free(b);

	b = talking(0);
	b->now += 3001;
	for (uint16_t i = 0; i < 9; i++)
		comes(b, A, at("10.0.0.1", 4444), PCMU, i, i * 160u, 6);
	assert_false(told(b, MEDIA_LATCHED));
	assert_int_equal(b->nout, 0);
	bed_free(b);
}

static void nothing_is_sent_to_a_learned_address_before_it_is_locked(void **state)
{
	struct bed *b = talking(1);

	(void)state;
	for (uint16_t i = 0; i < 3; i++) {
		comes(b, A, at("192.0.2.9", 1234), PCMU, i, i * 160u, 6);
		comes(b, B, at("10.0.0.2", 5000), PCMU, i, i * 160u, 7);
		assert_int_equal(b->out[b->nout - 1].to.port, 4000);	/* still the SDP's */
	}
	comes(b, A, at("192.0.2.9", 1234), PCMU, 3, 480, 6);
	comes(b, B, at("10.0.0.2", 5000), PCMU, 3, 480, 7);
	assert_int_equal(b->out[b->nout - 1].to.port, 1234);
	assert_true(told(b, MEDIA_LATCHED));
	bed_free(b);
}

static void a_latch_needs_four_in_sequence_of_one_source(void **state)
{
	struct bed *b = talking(1);

	(void)state;
	b->now += 1000;
	for (uint16_t i = 0; i < 20; i++)
		comes(b, A, at("192.0.2.9", 1234), PCMU, (uint16_t)(i * 2), i * 160u, 6);	/* gaps */
	for (uint16_t i = 0; i < 20; i++)
		comes(b, A, at("192.0.2.9", 1234), PCMU, i, i * 160u, i);	/* each another SSRC */
	for (uint16_t i = 0; i < 20; i++)
		comes(b, A, at("192.0.2.9", (uint16_t)(1234 + i)), PCMU, i, i * 160u, 6);
	assert_false(told(b, MEDIA_LATCHED));
	bed_free(b);
}

/* The table of who may become the source, cell by cell: of six packets in sequence from a place
 * that many are passed on, and then the other side's media goes to `sent_to`. */
enum from { FAR, NEAR, SDP };

static struct addr from_place(enum from p, bool latch, uint16_t port)
{
	static const char *const ip[] = { "10.9.9.9", "192.0.2.9", "10.0.0.1" };

	return at(p == NEAR && !latch ? "10.0.0.1" : ip[p], p == SDP ? 4000 : port);
}

struct cell { int locked; enum from from; int heard; bool latch, moves; ms_t wait; };

static void every_cell_of_who_may_become_the_source(void **state)
{
	static const struct cell cells[] = {
		{ -1, FAR, 0, false, false, 0 }, { -1, FAR, 0, false, false, 2000 },
		{ -1, NEAR, 0, false, false, 499 }, { -1, NEAR, 3, false, true, 500 },
		{ -1, NEAR, 3, false, true, 3000 }, { -1, NEAR, 0, false, false, 3001 },
		{ -1, SDP, 6, false, false, 0 },
		{ NEAR, FAR, 0, false, false, 0 }, { NEAR, NEAR, 0, false, false, 0 },
		{ NEAR, SDP, 3, false, true, 0 },
		{ SDP, FAR, 0, false, false, 0 }, { SDP, NEAR, 0, false, false, 0 },
		{ -1, FAR, 0, true, false, 0 }, { -1, FAR, 3, true, true, 500 },
		{ -1, NEAR, 3, true, true, 0 }, { -1, NEAR, 3, true, true, 60000 },
		{ -1, SDP, 6, true, false, 0 },
		{ FAR, FAR, 0, true, false, 0 }, { FAR, NEAR, 3, true, true, 0 },
		{ FAR, SDP, 3, true, true, 0 },
		{ NEAR, FAR, 0, true, false, 0 }, { NEAR, NEAR, 0, true, false, 0 },
		{ NEAR, SDP, 3, true, true, 0 },
		{ SDP, FAR, 0, true, false, 0 }, { SDP, NEAR, 0, true, false, 0 },
		{ NEAR, NEAR, 0, false, false, 60000 }, { NEAR, FAR, 0, false, false, 60000 },
		{ FAR, FAR, 0, true, false, 2999 }, { FAR, FAR, 3, true, true, 3000 },
		{ NEAR, NEAR, 0, true, false, 2999 }, { NEAR, NEAR, 3, true, true, 3000 },
		{ NEAR, FAR, 0, true, false, 60000 }, { SDP, FAR, 0, true, false, 60000 },
		{ SDP, NEAR, 0, true, false, 60000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
		const struct cell *c = &cells[i];
		struct bed *b = talking(c->latch);
		struct addr source = from_place(c->from, c->latch, 2222);
		uint16_t was = 4000;

		if (c->locked >= 0) {
			struct addr first = from_place((enum from)c->locked, c->latch, 1111);

			b->now += 500;
			run_of(b, first, 4, 5);
			was = first.port;
			assert_int_equal(sent_to(b), was);
		}
		b->now += c->wait;
		b->nout = 0;
		run_of(b, source, 6, 6);
		if (b->nout != c->heard)
			fail_msg("cell %zu: %d heard instead of %d", i, b->nout, c->heard);
		if (sent_to(b) != (c->moves ? source.port : was))
			fail_msg("cell %zu: sent to %d", i, sent_to(b));
		bed_free(b);
	}
}

static void nobody_is_tried_later_when_his_better_has_spoken(void **state)
{
	struct bed *b = talking(0);

	(void)state;
	run_of(b, at("10.0.0.1", 4000), 1, 6);
	b->now += 1000;
	b->nout = 0;
	run_of(b, at("10.0.0.1", 4444), 9, 5);		/* its host, but itself was there */
	assert_int_equal(b->nout, 0);
	bed_free(b);

	b = talking(1);
	run_of(b, at("192.0.2.9", 1234), 1, 6);
	b->now += 1000;
	run_of(b, at("10.9.9.9", 4444), 9, 5);
	assert_int_equal(b->nout, 0);
	bed_free(b);

	b = talking(1);				/* but a forged packet locks no phone out */
	run_of(b, at("10.0.0.1", 4000), 1, 6);
	b->nout = 0;
	run_of(b, at("192.0.2.9", 1234), 9, 5);
	assert_int_equal(b->nout, 6);
	bed_free(b);
}

static void a_flood_from_elsewhere_neither_gets_in_nor_delays_the_lock(void **state)
{
	struct bed *b = talking(1);

	(void)state;
	for (uint16_t i = 0; i < 4; i++) {
		for (uint16_t k = 0; k < 20; k++)
			comes(b, A, at("10.9.9.9", 4444), PCMU, (uint16_t)(i * 20 + k), k * 160u, 6);
		comes(b, A, at("192.0.2.9", 1234), PCMU, i, i * 160u, 6);
	}
	assert_int_equal(b->nout, 1);
	assert_int_equal(sent_to(b), 1234);
	bed_free(b);
}

/* Whoever speaks keeps his place, however long and from wherever others try. */
static void nobody_takes_the_place_of_a_source_that_speaks(void **state)
{
	static const char *const first[] = { "10.9.9.9", "192.0.2.9" };

	(void)state;
	for (int k = 0; k < 2; k++) {
		struct bed *b = talking(1);

		b->now += 500;
		run_of(b, at(first[k], 1111), 4, 5);
		for (int i = 4; i < 40; i++) {
			b->now += 2900;			/* it says little */
			comes(b, A, at(first[k], 1111), PCMU, (uint16_t)i, (uint32_t)i * 160, 5);
			b->nout = 0;
			run_of(b, at(first[k], 2222), 6, 6);
			run_of(b, at("10.8.8.8", 2222), 6, 6);
			assert_int_equal(b->nout, 0);
		}
		assert_int_equal(sent_to(b), 1111);
		bed_free(b);
	}
}

static void a_source_on_hold_keeps_its_place_and_may_have_moved_when_it_is_back(void **state)
{
	struct bed *b = talking(1);

	(void)state;
	run_of(b, at("192.0.2.9", 1111), 4, 5);
	direct(b, A, true, false);
	b->now += 60000;
	run_of(b, at("192.0.2.9", 2222), 9, 6);
	assert_int_equal(sent_to(b), 1111);
	direct(b, A, true, true);
	b->now += 2999;
	run_of(b, at("192.0.2.9", 2222), 9, 6);
	assert_int_equal(sent_to(b), 1111);
	b->now++;
	run_of(b, at("192.0.2.9", 2222), 3, 6);
	assert_int_equal(sent_to(b), 1111);
	comes(b, A, at("192.0.2.9", 2222), PCMU, 3, 480, 6);
	assert_int_equal(sent_to(b), 2222);
	run_of(b, at("192.0.2.9", 1111), 9, 5);		/* now it speaks there */
	assert_int_equal(sent_to(b), 2222);
	bed_free(b);
}

static void only_a_new_address_in_the_sdp_begins_the_learning_anew(void **state)
{
	struct bed *b = talking(1);
	struct media_msg a = peer(A, at("10.0.0.1", 4000), EVENTS_A);

	(void)state;
	a.u.peer.latch = 1;
	a.u.peer.near = at("192.0.2.9", 5060);
	run_of(b, at("192.0.2.9", 1234), 4, 6);
	assert_int_equal(sent_to(b), 1234);
	b->now += 60000;
	comes(b, A, at("192.0.2.9", 1234), PCMU, 4, 640, 6);
	b->now += 2999;
	tell(b, &a);				/* a refresh */
	run_of(b, at("192.0.2.9", 2222), 9, 5);
	assert_int_equal(sent_to(b), 1234);
	a.u.peer.rtp.port = 4100;		/* it moves */
	tell(b, &a);
	assert_int_equal(sent_to(b), 4100);
	run_of(b, at("192.0.2.9", 2222), 3, 5);
	assert_int_equal(sent_to(b), 4100);
	comes(b, A, at("192.0.2.9", 2222), PCMU, 3, 480, 5);
	assert_int_equal(sent_to(b), 2222);
	bed_free(b);
}

/* --- our own packets ------------------------------------------------------------------------ */

static uint64_t refused(struct bed *b, uint32_t slot)
{
	struct media_msg m = msg(MEDIA_CLOSE, slot);

	tell(b, &m);
	return b->up[b->nup - 1].u.counts.refused;
}

/* What an end sent arrives at another's port, from the address of the first. */
static void arrives(struct bed *b, uint32_t slot, struct addr from)
{
	struct sent s = b->out[b->nout - 1];

	relay_packet(b->relay, slot, false, &from, s.p, s.n, b->now);
}

/* The SDP of each phone names our port of the other: a packet would circle for ever. */
static void what_we_sent_ourselves_does_not_circle(void **state)
{
	struct bed *b = talking(0);

	(void)state;
	comes(b, A, at("10.0.0.1", 4000), PCMU, 1, 160, 7);
	assert_int_equal(b->nout, 1);			/* as B's stream, to A's port */
	arrives(b, A, at("10.0.0.1", 4000));
	assert_int_equal(b->nout, 1);
	assert_int_equal(refused(b, A), 1);
	bed_free(b);
}

static void an_echo_is_no_circle(void **state)
{
	struct bed *b = talking(0);

	(void)state;
	comes(b, A, at("10.0.0.1", 4000), PCMU, 1, 160, 7);
	arrives(b, B, at("10.0.0.2", 5000));
	assert_int_equal(b->nout, 2);
	assert_int_equal(b->out[1].slot, A);
	bed_free(b);
}

/* A circle over two calls has another name at each turn. */
static void an_end_takes_no_more_than_a_thousand_packets_a_second(void **state)
{
	struct bed *b = talking(0);

	(void)state;
	for (int i = 0; i < 5000; i++)			/* not from the source: it loses nothing */
		comes(b, A, at("10.9.9.9", 4000), PCMU, (uint16_t)i, (uint32_t)i * 160, 5);
	for (int second = 0; second < 2; second++, b->now += 1000)
		for (int i = 0; i < 1500; i++)
			comes(b, A, at("10.0.0.1", 4000), PCMU, (uint16_t)(second * 1500 + i), (uint32_t)i * 160, 6);
	assert_int_equal(refused(b, A), 5000 + 2 * 500);
	assert_int_equal(b->up[b->nup - 1].u.counts.rx_packets, 2000);
	bed_free(b);
}

/* An answer with several codecs lets its peer speak any of them, also one the other side lacks. */
static void speech_in_a_codec_the_other_side_lacks_is_counted(void **state)
{
	struct bed *b = talking(0);
	struct media_msg m = peer(A, at("10.0.0.1", 4000), EVENTS_A);

	(void)state;
	m.u.peer.rx_pt[MEDIA_PCMA] = m.u.peer.tx_pt[MEDIA_PCMA] = PCMA;
	m.u.peer.rx_pt[MEDIA_NOISE] = m.u.peer.tx_pt[MEDIA_NOISE] = 13;
	tell(b, &m);
	comes(b, A, at("10.0.0.1", 4000), PCMA, 1, 160, 6);
	comes(b, A, at("10.0.0.1", 4000), PCMA, 2, 320, 6);
	comes(b, A, at("10.0.0.1", 4000), 13, 3, 480, 6);	/* noise: nobody misses it */
	assert_int_equal(b->nout, 0);
	comes(b, A, at("10.0.0.1", 4000), PCMU, 4, 640, 6);
	assert_int_equal(b->nout, 1);
	assert_int_equal(refused(b, A), 2);
	assert_true(addr_eq(&b->up[b->nup - 1].u.counts.stranger, &(struct addr){ 0 }) == false);
	bed_free(b);
}

int run_sources(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strangers_are_not_heard_before_or_after_the_lock),
		cmocka_unit_test(its_host_may_move_its_port_once_while_the_sdp_is_young),
		cmocka_unit_test(nothing_is_sent_to_a_learned_address_before_it_is_locked),
		cmocka_unit_test(a_latch_needs_four_in_sequence_of_one_source),
		cmocka_unit_test(every_cell_of_who_may_become_the_source),
		cmocka_unit_test(nobody_is_tried_later_when_his_better_has_spoken),
		cmocka_unit_test(a_flood_from_elsewhere_neither_gets_in_nor_delays_the_lock),
		cmocka_unit_test(nobody_takes_the_place_of_a_source_that_speaks),
		cmocka_unit_test(a_source_on_hold_keeps_its_place_and_may_have_moved_when_it_is_back),
		cmocka_unit_test(only_a_new_address_in_the_sdp_begins_the_learning_anew),
		cmocka_unit_test(what_we_sent_ourselves_does_not_circle),
		cmocka_unit_test(an_echo_is_no_circle),
		cmocka_unit_test(an_end_takes_no_more_than_a_thousand_packets_a_second),
		cmocka_unit_test(speech_in_a_codec_the_other_side_lacks_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
