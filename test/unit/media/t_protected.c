/* t_protected.c - protection in the engine: whose packets open, what leaves, and under which key. */
#include "t_media.h"

#include <stdbool.h>
#include <string.h>

#include "media/relay_int.h"	/* what a closed end leaves behind */
#include "t_relay_bed.h"

struct secure { struct bed *b; struct srtp *theirs[2]; };	/* contexts of two early dialogs of A */

static void secure_peer(struct secure *s, uint16_t early)
{
	struct media_msg m = peer(A, at("10.0.0.1", (uint16_t)(4000 + 10 * early)), EVENTS_A);

	m.early = early;
	m.u.peer.suite = SRTP_AES_CM_80;
	memset(m.u.peer.key, 0x40 + early, SRTP_KEY_MAX);
	tell(s->b, &m);
	s->theirs[early] = srtp_new(SRTP_AES_CM_80, m.u.peer.key, 0);
}

static struct secure secure_new(void)
{
	struct secure s = { talking(0), { NULL } };

	secure_peer(&s, 0);
	secure_peer(&s, 1);
	s.b->nup = s.b->nout = 0;
	return s;
}

static void secure_free(struct secure *s)
{
	srtp_free(s->theirs[0]);
	srtp_free(s->theirs[1]);
	bed_free(s->b);
}

static void says(struct secure *s, int early, uint16_t seq, struct addr from)
{
	uint8_t p[RTP_PACKET_MAX + RTP_TAIL];
	size_t n = rtp_of(p, PCMU, seq, seq * 160u, 70u + (unsigned)early, 'y');

	assert_int_equal(srtp_protect(s->theirs[early], p, &n, sizeof p), OK);
	relay_packet(s->b->relay, A, false, &from, p, n, s->b->now);
}

static void the_context_that_authenticates_owns_the_packet(void **state)
{
	struct secure s = secure_new();

	(void)state;
	says(&s, 1, 1, at("10.0.0.77", 1));	/* the other early dialog: known, but not served */
	assert_int_equal(s.b->nout, 0);
	assert_true(told(s.b, MEDIA_FIRST_PACKET));
	assert_int_equal(s.b->up[0].early, 1);
	says(&s, 0, 1, at("10.0.0.1", 4000));
	assert_int_equal(s.b->nout, 1);
	assert_int_equal(s.b->out[0].p[RTP_HEAD], 'y');
	serve(s.b, A, 1, true);
	says(&s, 1, 2, at("10.0.0.1", 4010));
	assert_int_equal(s.b->nout, 2);
	says(&s, 0, 2, at("10.0.0.1", 4000));	/* its record is wiped */
	assert_int_equal(s.b->nout, 2);
	secure_free(&s);
}

static void clear_and_forged_packets_are_not_believed_on_a_protected_leg(void **state)
{
	struct secure s = secure_new();
	uint8_t p[RTP_PACKET_MAX + RTP_TAIL] = { 0 };

	(void)state;
	comes(s.b, A, at("10.0.0.1", 4000), PCMU, 1, 0, 70);
	for (int i = 0; i < 1000; i++) {
		size_t n = rtp_of(p, PCMU, (uint16_t)i, 0, 70, (char)i);
		struct addr from = at("10.0.0.1", 4000);

		relay_packet(s.b->relay, A, false, &from, p, n + 10, s.b->now);
	}
	assert_int_equal(s.b->nout, 0);
	assert_int_equal(s.b->nup, 0);		/* and nobody is told: the call goes on */
	says(&s, 0, 5, at("10.0.0.1", 4000));
	assert_int_equal(s.b->nout, 1);
	secure_free(&s);
}

static void what_leaves_opens_with_the_local_key_and_nothing_leaves_in_the_clear(void **state)
{
	struct secure s = secure_new();
	uint8_t key[SRTP_KEY_MAX], p[RTP_PACKET_MAX + RTP_TAIL];
	struct srtp *rx;
	size_t n;

	(void)state;
	memset(key, 0x10 + A, sizeof key);
	rx = srtp_new(SRTP_AES_CM_80, key, 0);
	comes(s.b, B, at("10.0.0.2", 5000), PCMU, 1, 0, 7);
	assert_int_equal(s.b->out[0].slot, A);
	n = s.b->out[0].n;
	assert_int_equal(n, RTP_HEAD + 160 + 10);
	memcpy(p, s.b->out[0].p, n);
	assert_int_equal(srtp_unprotect(rx, p, &n), OK);
	assert_int_equal(p[RTP_HEAD], 'x');
	srtp_free(rx);
	secure_free(&s);
}

/* What A gets next, opened by somebody who hears it for the first time. */
static enum err newly_heard(struct secure *s, uint16_t seq, struct rtp *h)
{
	uint8_t key[SRTP_KEY_MAX], p[RTP_PACKET_MAX + RTP_TAIL];
	struct srtp *rx;
	enum err e;
	size_t n;

	memset(key, 0x10 + A, sizeof key);
	rx = srtp_new(SRTP_AES_CM_80, key, 0);
	comes(s->b, B, at("10.0.0.2", 5000), PCMU, seq, seq * 160u, 7);
	*h = last(s->b);
	n = s->b->out[s->b->nout - 1].n;
	memcpy(p, s->b->out[s->b->nout - 1].p, n);
	e = srtp_unprotect(rx, p, &n);
	srtp_free(rx);
	return e;
}

static void over_the_wrap(struct secure *s, struct rtp *h)
{
	for (uint32_t i = 0; i < 5; i++)
		(void)newly_heard(s, (uint16_t)(i * 20000), h);
	assert_int_equal(newly_heard(s, (uint16_t)80001, h), ERR_AUTH);
}

static void an_endpoint_that_moved_after_the_wrap_gets_a_stream_it_can_open(void **state)
{
	struct secure s = secure_new();
	struct media_msg m = peer(A, at("10.0.0.1", 4000), EVENTS_A);
	struct rtp h1, h2, h3;

	(void)state;
	over_the_wrap(&s, &h1);
	m.u.peer.suite = SRTP_AES_CM_80;
	memset(m.u.peer.key, 0x40, SRTP_KEY_MAX);
	tell(s.b, &m);				/* a refresh: the stream goes on */
	assert_int_equal(newly_heard(&s, (uint16_t)80002, &h2), ERR_AUTH);
	assert_true(h2.ssrc == h1.ssrc && h2.seq == (uint16_t)(h1.seq + 1));
	memset(m.u.peer.key, 0x66, SRTP_KEY_MAX);
	m.u.peer.rtp = at("10.0.0.3", 4000);
	tell(s.b, &m);
	assert_int_equal(newly_heard(&s, (uint16_t)80003, &h2), OK);
	assert_true(h2.ssrc != h1.ssrc && h2.marker);
	(void)newly_heard(&s, (uint16_t)80004, &h3);
	assert_true(h3.ssrc == h2.ssrc && h3.seq == (uint16_t)(h2.seq + 1) && !h3.marker);
	secure_free(&s);
}

static void another_early_dialog_after_the_wrap_gets_a_stream_it_can_open(void **state)
{
	struct secure s = secure_new();
	struct rtp h1, h2;

	(void)state;
	over_the_wrap(&s, &h1);
	serve(s.b, A, 1, true);
	assert_int_equal(newly_heard(&s, (uint16_t)80002, &h2), OK);
	assert_true(h2.ssrc != h1.ssrc);
	secure_free(&s);
}

static void a_clear_stream_keeps_its_name_when_its_listener_moves(void **state)
{
	struct bed *b = talking(0);
	struct media_msg m = peer(A, at("10.0.0.3", 4000), EVENTS_A);
	struct rtp h1, h2;

	(void)state;
	comes(b, B, at("10.0.0.2", 5000), PCMU, 1, 160, 7);
	h1 = last(b);
	tell(b, &m);
	comes(b, B, at("10.0.0.2", 5000), PCMU, 2, 320, 7);
	h2 = last(b);
	assert_true(h2.ssrc == h1.ssrc && h2.seq == (uint16_t)(h1.seq + 1));
	bed_free(b);
}

static void a_protected_latch_learns_from_authenticated_packets_only(void **state)
{
	struct secure s = secure_new();
	struct media_msg m = peer(A, at("10.0.0.1", 4000), EVENTS_A);

	(void)state;
	m.u.peer.suite = SRTP_AES_CM_80;
	m.u.peer.latch = 1;
	m.u.peer.near = at("192.0.2.9", 5060);
	memset(m.u.peer.key, 0x40, SRTP_KEY_MAX);
	tell(s.b, &m);
	s.b->now += 1000;
	run_of(s.b, at("192.0.2.9", 1234), 20, 6);
	assert_int_equal(s.b->nout, 0);
	for (uint16_t i = 0; i < 3; i++)
		says(&s, 0, i, at("192.0.2.7", 777));
	assert_int_equal(sent_to(s.b), 4000);
	says(&s, 0, 3, at("192.0.2.7", 777));
	assert_int_equal(sent_to(s.b), 777);
	for (uint16_t i = 4; i < 41; i++)	/* heard, it has the key; but the source speaks, too */
		says(&s, 0, i, i % 4 ? at("192.0.2.8", 888) : at("192.0.2.7", 777));
	assert_int_equal(sent_to(s.b), 777);
	for (uint16_t i = 41; i < 44; i++)
		says(&s, 0, i, at("192.0.2.8", 888));
	assert_int_equal(sent_to(s.b), 777);
	says(&s, 0, 44, at("192.0.2.8", 888));
	assert_int_equal(sent_to(s.b), 888);
	secure_free(&s);
}

/* Many draw a new key with every re-INVITE, also with that of a hold, after which they are silent. */
static void a_new_key_at_the_same_address_keeps_what_was_learned(void **state)
{
	struct secure s = secure_new();
	struct media_msg m = peer(A, at("10.0.0.1", 4000), EVENTS_A);

	(void)state;
	m.u.peer.suite = SRTP_AES_CM_80;
	m.u.peer.latch = 1;
	memset(m.u.peer.key, 0x40, SRTP_KEY_MAX);
	tell(s.b, &m);
	for (uint16_t i = 0; i < 4; i++)
		says(&s, 0, i, at("192.0.2.7", 777));
	memset(m.u.peer.key, 0x41, SRTP_KEY_MAX);
	tell(s.b, &m);
	assert_int_equal(sent_to(s.b), 777);
	m.u.peer.rtp.port = 4100;
	memset(m.u.peer.key, 0x42, SRTP_KEY_MAX);
	tell(s.b, &m);
	assert_int_equal(sent_to(s.b), 4100);
	secure_free(&s);
}

/* Whoever recorded a protected source's packets moves nothing with them. */
static void replayed_packets_move_no_protected_latch(void **state)
{
	struct secure s = secure_new();
	struct media_msg m = peer(A, at("10.0.0.1", 4000), EVENTS_A);
	struct addr from = at("192.0.2.7", 777), thief = at("10.9.9.9", 999);
	uint8_t p[RTP_PACKET_MAX + RTP_TAIL], q[RTP_PACKET_MAX + RTP_TAIL];

	(void)state;
	m.u.peer.suite = SRTP_AES_CM_80;
	m.u.peer.latch = 1;
	memset(m.u.peer.key, 0x40, SRTP_KEY_MAX);
	tell(s.b, &m);
	for (int i = 0; i < 20; i++) {
		size_t n = rtp_of(p, PCMU, (uint16_t)i, (uint32_t)i * 160, 70, 'y');

		assert_int_equal(srtp_protect(s.theirs[0], p, &n, sizeof p), OK);
		memcpy(q, p, n);
		relay_packet(s.b->relay, A, false, &from, p, n, s.b->now);
		relay_packet(s.b->relay, A, false, &thief, q, n, s.b->now);
	}
	assert_int_equal(sent_to(s.b), 777);
	secure_free(&s);
}

/* What authenticates from anywhere is heard; where we send, only SDP says. */
static void without_latch_a_protected_leg_never_moves(void **state)
{
	struct secure s = secure_new();

	(void)state;
	for (uint16_t i = 0; i < 12; i++)
		says(&s, 0, i, at("10.0.0.1", 4444));
	assert_int_equal(s.b->nout, 12);
	assert_int_equal(sent_to(s.b), 4000);
	secure_free(&s);
}

static void a_refused_packet_is_counted_by_its_cause_with_whence_it_came(void **state)
{
	struct secure s = secure_new();
	uint8_t p[RTP_PACKET_MAX + RTP_TAIL], q[RTP_PACKET_MAX + RTP_TAIL];
	size_t n = rtp_of(p, PCMU, 9, 0, 70, 'y'), k;
	struct media_msg m = msg(MEDIA_CLOSE, A);
	struct addr from = at("10.6.6.6", 666);
	const struct media_counts *c;

	(void)state;
	assert_int_equal(srtp_protect(s.theirs[0], p, &n, sizeof p), OK);
	for (int i = 0; i < 6; i++) {			/* one good, five replayed */
		memcpy(q, p, n);
		relay_packet(s.b->relay, A, false, &from, q, n, s.b->now);
	}
	for (int i = 0; i < 4; i++) {			/* a wrong tag */
		memcpy(q, p, n);
		q[3]++;
		relay_packet(s.b->relay, A, false, &from, q, n, s.b->now);
	}
	from = at("10.7.7.7", 777);
	for (k = 0; k < 3; k++) {			/* no RTP: STUN, too short, bytes */
		memset(q, (int)k, 40);
		relay_packet(s.b->relay, A, false, &from, q, k ? 40 : 5, s.b->now);
	}
	tell(s.b, &m);
	assert_int_equal(s.b->nout, 1);
	c = &s.b->up[s.b->nup - 1].u.counts;
	assert_int_equal(c->rx_packets, 1);
	assert_int_equal(c->replayed, 5);
	assert_int_equal(c->auth_failed, 4);
	assert_int_equal(c->refused, 3);
	assert_true(addr_eq(&c->stranger, &from));
	secure_free(&s);
}

/* A peer that repeats a number with other bytes must not make us use a key stream twice. */
static void a_repeated_number_leaves_protected_once(void **state)
{
	struct secure s = secure_new();

	(void)state;
	run_of(s.b, at("10.0.0.1", 4000), 1, 1);	/* clear, on the protected side: nothing */
	for (uint16_t i = 0; i < 10; i++)
		for (int k = 0; k < 3; k++)
			comes(s.b, B, at("10.0.0.2", 5000), PCMU, i, (uint32_t)(i + k) * 160, 7);
	assert_int_equal(s.b->nout, 10);
	secure_free(&s);
}

static void a_source_that_begins_anew_continues_and_a_stray_packet_does_not_pass(void **state)
{
	struct bed *b = talking(0);
	struct rtp h1, h2;

	(void)state;
	for (uint16_t i = 0; i < 20; i++)
		comes(b, A, at("10.0.0.1", 4000), PCMU, (uint16_t)(30000 + i), i * 160u, 1);
	assert_int_equal(b->nout, 20);
	h1 = last(b);
	comes(b, A, at("10.0.0.1", 4000), PCMU, 29000, 5, 1);	/* very late */
	comes(b, A, at("10.0.0.1", 4000), PCMU, 30020, 3200, 1);
	assert_int_equal(b->nout, 21);
	h2 = last(b);
	assert_true(h2.seq == (uint16_t)(h1.seq + 1) && h2.ts == h1.ts + 160 && !h2.marker);
	h1 = h2;
	comes(b, A, at("10.0.0.1", 4000), PCMU, 10, 0, 1);	/* anew: the second one shows it */
	comes(b, A, at("10.0.0.1", 4000), PCMU, 11, 160, 1);
	assert_int_equal(b->nout, 22);
	h2 = last(b);
	assert_true(h2.seq == (uint16_t)(h1.seq + 1) && h2.marker);
	comes(b, A, at("10.0.0.1", 4000), PCMU, 12, 320, 1);
	assert_int_equal(b->nout, 23);
	assert_int_equal(last(b).seq, (uint16_t)(h2.seq + 1));
	bed_free(b);
}

static void the_same_key_again_keeps_the_replay_window(void **state)
{
	struct secure s = secure_new();
	uint8_t p[RTP_PACKET_MAX + RTP_TAIL], q[RTP_PACKET_MAX + RTP_TAIL];
	size_t n = rtp_of(p, PCMU, 9, 0, 70, 'y');
	struct addr from = at("10.0.0.1", 4000);
	struct srtp *was;

	(void)state;
	assert_int_equal(srtp_protect(s.theirs[0], p, &n, sizeof p), OK);
	memcpy(q, p, n);
	relay_packet(s.b->relay, A, false, &from, q, n, s.b->now);
	assert_int_equal(s.b->nout, 1);
	was = s.theirs[0];
	secure_peer(&s, 0);			/* a re-INVITE with the same key */
	memcpy(q, p, n);
	relay_packet(s.b->relay, A, false, &from, q, n, s.b->now);
	assert_int_equal(s.b->nout, 1);		/* still a replay */
	srtp_free(was);
	secure_free(&s);
}

static void the_same_key_with_another_mki_is_understood_and_keeps_the_window(void **state)
{
	struct secure s = secure_new();
	struct media_msg m = peer(A, at("10.0.0.1", 4000), EVENTS_A);
	uint8_t p[RTP_PACKET_MAX + RTP_TAIL], q[RTP_PACKET_MAX + RTP_TAIL];
	size_t n = rtp_of(p, PCMU, 9, 0, 70, 'y');
	struct addr from = at("10.0.0.1", 4000);

	(void)state;
	m.u.peer.suite = SRTP_AES_CM_80;
	m.u.peer.mki = 1;
	memset(m.u.peer.key, 0x40, SRTP_KEY_MAX);
	says(&s, 0, 8, from);
	tell(s.b, &m);
	assert_int_equal(srtp_protect(s.theirs[0], p, &n, sizeof p), OK);
	memmove(p + n - 9, p + n - 10, 10);
	p[n - 10] = 1;
	for (int i = 0; i < 2; i++) {			/* the second is a replay */
		memcpy(q, p, n + 1);
		relay_packet(s.b->relay, A, false, &from, q, n + 1, s.b->now);
		assert_int_equal(s.b->nout, 2);
	}
	secure_free(&s);
}

/* A's peer gets a new key and speaks at once, one round further than its first packet. */
static int heard_under_a_new_key(struct addr rtp)
{
	struct secure s = secure_new();
	struct media_msg m = peer(A, rtp, EVENTS_A);
	int heard;

	for (uint32_t i = 0; i < 5; i++)
		says(&s, 0, (uint16_t)(i * 20000), at("10.0.0.1", 4000));
	srtp_free(s.theirs[0]);
	m.u.peer.suite = SRTP_AES_CM_80;
	memset(m.u.peer.key, 0x77, SRTP_KEY_MAX);
	s.theirs[0] = srtp_new(SRTP_AES_CM_80, m.u.peer.key, 0);
	for (uint32_t i = 2; i < 4; i++) {
		uint8_t p[RTP_PACKET_MAX + RTP_TAIL];	/* never arrives: it takes the sender over the wrap */
		size_t n = rtp_of(p, PCMU, (uint16_t)(i * 20000), 0, 70, 'y');

		assert_int_equal(srtp_protect(s.theirs[0], p, &n, sizeof p), OK);
	}
	tell(s.b, &m);
	s.b->nout = 0;
	says(&s, 0, (uint16_t)80001, rtp);
	heard = s.b->nout;
	secure_free(&s);
	return heard;
}

static void a_new_key_at_the_same_address_may_go_on_counting_and_elsewhere_begins_at_0(void **state)
{
	(void)state;
	assert_int_equal(heard_under_a_new_key(at("10.0.0.1", 4000)), 1);
	assert_int_equal(heard_under_a_new_key(at("10.0.0.3", 4000)), 0);
}

/* The memory of an end is kept for the next call on its port: nothing of the last one is in it. */
static void a_closed_end_leaves_no_key_behind(void **state)
{
	struct secure s = secure_new();
	struct media_msg m = msg(MEDIA_CLOSE, A);
	const struct end *e = s.b->relay->end[A];
	static const uint8_t zero[sizeof *e];

	(void)state;
	says(&s, 0, 1, at("10.0.0.1", 4000));
	comes(s.b, B, at("10.0.0.2", 5000), PCMU, 1, 0, 7);
	assert_int_equal(e->key[SRTP_AES_CM_80][0], 0x10 + A);
	assert_int_equal(e->peer_key[1][0], 0x41);
	serve(s.b, A, 0, true);			/* the other early dialogs are forgotten with theirs */
	assert_memory_equal(e->peer_key[1], zero, SRTP_KEY_MAX);
	assert_null(e->remote[1].in);
	tell(s.b, &m);
	assert_memory_equal(e, zero, sizeof *e);
	secure_free(&s);
}

int run_protected(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_protected_latch_learns_from_authenticated_packets_only),
		cmocka_unit_test(a_new_key_at_the_same_address_keeps_what_was_learned),
		cmocka_unit_test(replayed_packets_move_no_protected_latch),
		cmocka_unit_test(an_endpoint_that_moved_after_the_wrap_gets_a_stream_it_can_open),
		cmocka_unit_test(another_early_dialog_after_the_wrap_gets_a_stream_it_can_open),
		cmocka_unit_test(a_clear_stream_keeps_its_name_when_its_listener_moves),
		cmocka_unit_test(without_latch_a_protected_leg_never_moves),
		cmocka_unit_test(a_refused_packet_is_counted_by_its_cause_with_whence_it_came),
		cmocka_unit_test(a_repeated_number_leaves_protected_once),
		cmocka_unit_test(a_source_that_begins_anew_continues_and_a_stray_packet_does_not_pass),
		cmocka_unit_test(the_context_that_authenticates_owns_the_packet),
		cmocka_unit_test(clear_and_forged_packets_are_not_believed_on_a_protected_leg),
		cmocka_unit_test(what_leaves_opens_with_the_local_key_and_nothing_leaves_in_the_clear),
		cmocka_unit_test(the_same_key_again_keeps_the_replay_window),
		cmocka_unit_test(the_same_key_with_another_mki_is_understood_and_keeps_the_window),
		cmocka_unit_test(a_new_key_at_the_same_address_may_go_on_counting_and_elsewhere_begins_at_0),
		cmocka_unit_test(a_closed_end_leaves_no_key_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
