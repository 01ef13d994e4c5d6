/* t_srtp.c - SRTP against the RFCs' vectors and, packet by packet, against libsrtp2 and libre. */
#include "t_media.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "media/rtp.h"
#include "media/srtp.h"
#include "oracle.h"

enum { CAP = RTP_PACKET_MAX + RTP_TAIL };

static const struct oracle *const oracles[] = { &oracle_srtp2, &oracle_re };

static void fill(struct rng *r, uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)rng_u64(r);
}

/* An RTP packet: sometimes with CSRCs, an extension, or nothing behind the header. */
static size_t packet(struct rng *r, uint8_t *p, uint16_t seq, uint32_t ssrc)
{
	struct rtp h = { .pt = (uint8_t)rng_below(r, 128), .marker = rng_below(r, 2), .seq = seq,
			 .ts = (uint32_t)rng_u64(r), .ssrc = ssrc };
	size_t n = RTP_HEAD;

	rtp_write(p, &h);
	if (rng_below(r, 4) == 0) {
		p[0] |= 2;
		fill(r, p + n, 8);
		n += 8;
	}
	if (rng_below(r, 4) == 0) {
		p[0] |= 0x10;
		memcpy(p + n, (uint8_t[]){ 0xbe, 0xde, 0, 1, 0x10, 7, 0, 0 }, 8);
		n += 8;
	}
	fill(r, p + n, 320);
	return n + rng_below(r, 3) * 80 + rng_below(r, 5);
}

static size_t report(struct rng *r, uint8_t *p, uint32_t ssrc)
{
	struct rtcp_sender s = { .ssrc = ssrc, .ntp = rng_u64(r), .rtp_ts = 7, .packets = 1 + rng_below(r, 9),
				 .octets = 160 };
	struct rtcp_block b = { .ssrc = 5, .fraction = 3, .lost = 4, .highest = 77 };

	return rtcp_write(p, CAP, &s, rng_below(r, 2) ? &b : NULL, "t");
}

/* --- the RFCs ---------------------------------------------------------------------- */

static void the_vector_of_rfc_3711_b3_keys_this_packet(void **state)
{
	/* The master key and salt of B.3; the packet is the one of libsrtp's own validation
	 * (test/srtp_driver.c, "srtp_validate"), AES_CM_128_HMAC_SHA1_80, SSRC cafebabe. */
	uint8_t key[30], plain[64], want[64], p[CAP];
	size_t n, k;
	struct srtp *s;

	(void)state;
	assert_int_equal(t_hex("e1f97a0d3e018be0d64fa32c06de4139 0ec675ad498afeebb6960b3aabe6", key, 30), 30);
	n = t_hex("800f1234decafbadcafebabe abababababababababababababababab", plain, sizeof plain);
	k = t_hex("800f1234decafbadcafebabe 4e55dc4ce79978d88ca4d215949d2402 b78d6acc99ea179b8dbb",
		  want, sizeof want);
	s = srtp_new(SRTP_AES_CM_80, key, 0);
	memcpy(p, plain, n);
	assert_int_equal(srtp_protect(s, p, &n, CAP), OK);
	assert_int_equal(n, k);
	assert_memory_equal(p, want, k);
	srtp_free(s);
	s = srtp_new(SRTP_AES_CM_80, key, 0);
	assert_int_equal(srtp_unprotect(s, p, &n), OK);
	assert_memory_equal(p, plain, n);
	srtp_free(s);
}

/* --- others ---------------------------------------------------------------------------- */

static void same_bytes(const struct oracle *o, enum srtp_suite suite, bool rtcp)
{
	uint8_t key[SRTP_KEY_MAX], plain[CAP], a[CAP], b[CAP];
	struct srtp *ours, *back;
	void *theirs, *theirs_back;
	struct rng r;

	rng_seed(&r, 42u + (unsigned)suite);
	fill(&r, key, sizeof key);
	ours = srtp_new(suite, key, 0);
	back = srtp_new(suite, key, 0);
	theirs = o->make((int)suite, key, srtp_key_bytes(suite), true);
	theirs_back = o->make((int)suite, key, srtp_key_bytes(suite), false);
	assert_non_null(theirs);
	assert_non_null(theirs_back);
	for (int i = 0; i < 400; i++) {		/* from 65400: over the wrap */
		size_t n = rtcp ? report(&r, plain, 0x1234567) : packet(&r, plain, (uint16_t)(65400 + i), 99);
		size_t na = n, nb = n;

		memcpy(a, plain, n);
		memcpy(b, plain, n);
		assert_int_equal(rtcp ? srtcp_protect(ours, a, &na, CAP) : srtp_protect(ours, a, &na, CAP), OK);
		assert_true(o->protect(theirs, b, &nb, rtcp));
		if (!rtcp || o == &oracle_srtp2) {	/* libre's first SRTCP index is another */
			assert_int_equal(na, nb);
			assert_memory_equal(a, b, na);
		}
		if (!o->unprotect(theirs_back, a, &na, rtcp))
			fail_msg("%s, suite %d, packet %d: ours is refused", o->name, (int)suite, i);
		assert_int_equal(rtcp ? srtcp_unprotect(back, b, &nb) : srtp_unprotect(back, b, &nb), OK);
		assert_int_equal(na, n);
		assert_int_equal(nb, n);
		assert_memory_equal(a, plain, n);
		assert_memory_equal(b, plain, n);
	}
	srtp_free(ours);
	srtp_free(back);
	o->drop(theirs);
	o->drop(theirs_back);
}

static void every_packet_is_that_of_libsrtp2_and_libre(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		if (!oracles[i]->open())
			fail_msg("%s is missing: install its package", oracles[i]->name);
		for (int s = SRTP_AES_CM_80; s < SRTP_NSUITE; s++) {
			same_bytes(oracles[i], (enum srtp_suite)s, false);
			/* PEER: libre 1.1, 2023: with _32 its SRTCP tag has 32 bits, too; RFC 4568
			 * 6.2.2 says 80. */
			if (oracles[i] != &oracle_re || s != SRTP_AES_CM_32)
				same_bytes(oracles[i], (enum srtp_suite)s, true);
		}
	}
}

/* --- rules of our own --------------------------------------------------------------------- */

struct pair { struct srtp *tx, *rx; struct rng r; };

static struct pair pair_of(enum srtp_suite s)
{
	struct pair p;
	uint8_t key[SRTP_KEY_MAX];

	rng_seed(&p.r, 7);
	fill(&p.r, key, sizeof key);
	p.tx = srtp_new(s, key, 0);
	p.rx = srtp_new(s, key, 0);
	return p;
}

static void pair_drop(struct pair *p)
{
	srtp_free(p->tx);
	srtp_free(p->rx);
}

static size_t sent(struct pair *p, uint8_t *out, uint16_t seq, uint32_t ssrc)
{
	size_t n = packet(&p->r, out, seq, ssrc);

	assert_int_equal(srtp_protect(p->tx, out, &n, CAP), OK);
	return n;
}

static void a_replayed_packet_is_refused_once_and_again(void **state)
{
	(void)state;
	for (int s = SRTP_AES_CM_80; s < SRTP_NSUITE; s++) {
		struct pair p = pair_of((enum srtp_suite)s);
		uint8_t a[CAP], b[CAP];
		size_t n = sent(&p, a, 10, 1), k = n;

		memcpy(b, a, n);
		assert_int_equal(srtp_unprotect(p.rx, b, &k), OK);
		for (int i = 0; i < 3; i++) {
			k = n;
			memcpy(b, a, n);
			assert_int_equal(srtp_unprotect(p.rx, b, &k), ERR_EXISTS);
		}
		pair_drop(&p);
	}
}

static void late_packets_are_taken_within_128_and_not_beyond(void **state)
{
	struct pair p = pair_of(SRTP_AES_CM_80);
	static uint8_t all[300][CAP];
	size_t n[300], k;

	(void)state;
	for (int i = 0; i < 300; i++)
		n[i] = sent(&p, all[i], (uint16_t)(1000 + i), 1);
	k = n[200];
	assert_int_equal(srtp_unprotect(p.rx, all[200], &k), OK);
	for (int back = 1; back < 128; back++) {
		k = n[200 - back];
		assert_int_equal(srtp_unprotect(p.rx, all[200 - back], &k), OK);
	}
	k = n[72];
	assert_int_equal(srtp_unprotect(p.rx, all[72], &k), ERR_EXISTS);
	pair_drop(&p);
}

static void a_changed_bit_anywhere_is_refused_and_changes_nothing(void **state)
{
	(void)state;
	for (int s = SRTP_AES_CM_80; s < SRTP_NSUITE; s++) {
		struct pair p = pair_of((enum srtp_suite)s);
		uint8_t a[CAP], b[CAP];
		size_t n = sent(&p, a, 10, 1), k;

		for (size_t i = 0; i < n; i++) {
			enum err e;

			memcpy(b, a, n);
			b[i] ^= 1;
			k = n;
			e = srtp_unprotect(p.rx, b, &k);
			assert_true(e == ERR_AUTH || e == ERR_PARSE);
		}
		k = n;
		assert_int_equal(srtp_unprotect(p.rx, a, &k), OK);
		pair_drop(&p);
	}
}

static void a_fifth_source_takes_the_place_of_the_least_used(void **state)
{
	struct pair p = pair_of(SRTP_AES_GCM);
	uint8_t a[CAP];

	(void)state;
	for (uint32_t ssrc = 1; ssrc <= 6; ssrc++)
		for (uint32_t i = 0; i < 10 - ssrc; i++) {
			size_t n = sent(&p, a, (uint16_t)i, ssrc);

			assert_int_equal(srtp_unprotect(p.rx, a, &n), OK);
		}
	/* The first, the most used, is still known: its old packets are replays. */
	for (int i = 0; i < 2; i++) {
		struct pair q = pair_of(SRTP_AES_GCM);
		size_t n = sent(&q, a, 3, 1);

		assert_int_equal(srtp_unprotect(p.rx, a, &n), ERR_EXISTS);
		pair_drop(&q);
	}
	pair_drop(&p);
}

/* A recorded packet of a source that had to give way is no more welcome than before, and its
 * new ones are, with the roll-over counter it had. */
static void a_source_that_gave_way_cannot_be_replayed_but_may_come_back(void **state)
{
	(void)state;
	for (int s = SRTP_AES_CM_80; s < SRTP_NSUITE; s++) {
		struct pair p = pair_of((enum srtp_suite)s), q = pair_of((enum srtp_suite)s);
		uint8_t a[CAP], last[CAP], next[CAP], c[CAP], r[CAP];
		size_t n = 0, k, kn, kc;

		for (uint32_t i = 65500; i < 65540; i++) {	/* over the wrap */
			n = sent(&p, last, (uint16_t)i, 1);
			k = n;
			memcpy(a, last, n);
			assert_int_equal(srtp_unprotect(p.rx, a, &k), OK);
		}
		kn = sent(&p, next, 65540 & 0xffff, 1);
		kc = report(&p.r, c, 1);
		assert_int_equal(srtcp_protect(p.tx, c, &kc, CAP), OK);
		k = kc;
		memcpy(r, c, kc);
		assert_int_equal(srtcp_unprotect(p.rx, r, &k), OK);
		for (uint32_t ssrc = 2; ssrc < 2 + SRTP_SSRC_MAX + SRTP_RETIRED_MAX - 1; ssrc++)
			for (uint16_t i = 0; i < 50; i++) {	/* more than the first had */
				k = sent(&q, a, i, ssrc);
				assert_int_equal(srtp_unprotect(p.rx, a, &k), OK);
			}
		for (int i = 0; i < 3; i++) {
			k = n;
			memcpy(a, last, n);
			assert_int_equal(srtp_unprotect(p.rx, a, &k), ERR_EXISTS);
			k = kc;
			memcpy(r, c, kc);
			assert_int_equal(srtcp_unprotect(p.rx, r, &k), ERR_EXISTS);
		}
		k = kn;
		assert_int_equal(srtp_unprotect(p.rx, next, &k), OK);
		pair_drop(&p);
		pair_drop(&q);
	}
}

/* Two packets under one index have one key stream: whoever knows one reads the other. */
static void an_index_is_never_used_twice_for_sending(void **state)
{
	(void)state;
	for (int s = SRTP_AES_CM_80; s < SRTP_NSUITE; s++) {
		struct pair p = pair_of((enum srtp_suite)s);
		uint8_t a[CAP];
		size_t n;

		for (uint32_t i = 65400; i < 65600; i++)
			if (i % 10)
				(void)sent(&p, a, (uint16_t)i, 1);
		for (uint32_t i = 65400; i < 65600; i++) {	/* again, and what is late */
			enum err e;

			n = packet(&p.r, a, (uint16_t)i, 1);
			e = srtp_protect(p.tx, a, &n, CAP);
			assert_int_equal(e, i % 10 || i <= 65599 - 128 ? ERR_EXISTS : OK);
		}
		(void)sent(&p, a, (uint16_t)65600, 1);
		pair_drop(&p);
	}
}

/* RFC 3711 3.3.1: an index one round ahead or behind is found, no other. */
static void the_roll_over_is_guessed_by_at_most_one(void **state)
{
	struct pair p = pair_of(SRTP_AES_CM_80);
	uint8_t late[CAP], far[CAP], a[CAP];
	size_t nl, nf = 0, k;

	(void)state;
	nl = sent(&p, late, 65530, 1);			/* round 0, held back */
	for (uint32_t i = 65531; i < 65536 + 10; i++) {	/* into round 1 */
		k = sent(&p, a, (uint16_t)i, 1);
		assert_int_equal(srtp_unprotect(p.rx, a, &k), OK);
	}
	assert_int_equal(srtp_unprotect(p.rx, late, &nl), OK);	/* one behind */
	for (uint32_t i = 65546; i < 2u * 65536 + 10000; i += 20000)
		nf = sent(&p, far, (uint16_t)i, 1);		/* lost, into round 2 */
	assert_int_not_equal(srtp_unprotect(p.rx, far, &nf), OK);
	pair_drop(&p);
}

static void the_roll_over_is_followed_for_three_rounds(void **state)
{
	(void)state;
	for (int s = SRTP_AES_CM_80; s < SRTP_NSUITE; s++) {
		struct pair p = pair_of((enum srtp_suite)s);
		uint8_t a[CAP];

		for (uint32_t i = 65000; i < 3 * 65536 + 100; i += 97) {
			size_t n = sent(&p, a, (uint16_t)i, 1);

			assert_int_equal(srtp_unprotect(p.rx, a, &n), OK);
		}
		pair_drop(&p);
	}
}

static struct srtp *other_key(enum srtp_suite s)
{
	uint8_t key[SRTP_KEY_MAX];

	memset(key, 0x5a, sizeof key);
	return srtp_new(s, key, 0);
}

/* Its next packets under a new key: counted on from `ssrc` 1's 65,540th, or from 0. */
static void rekeyed(enum srtp_suite s, int keys, bool goes_on)
{
	struct pair p = pair_of(s);
	uint8_t a[CAP], plain[CAP];
	struct srtp *old = p.rx;
	size_t n, k;

	for (uint32_t i = 65500; i < 65540; i++) {
		n = sent(&p, a, (uint16_t)i, 1);
		assert_int_equal(srtp_unprotect(p.rx, a, &n), OK);
	}
	srtp_free(p.tx);
	p.tx = other_key(s);
	for (int i = 0; i < keys; i++) {	/* the ones between are never spoken under */
		p.rx = other_key(s);
		srtp_follow(p.rx, old);
		srtp_free(old);
		old = p.rx;
	}
	if (goes_on)
		(void)sent(&p, a, 65530, 1);	/* its own count, before the wrap */
	for (uint32_t i = 65540; i < 65600; i++) {
		k = packet(&p.r, plain, (uint16_t)i, 1);
		n = k;
		memcpy(a, plain, n);
		assert_int_equal(srtp_protect(p.tx, a, &n, CAP), OK);
		assert_int_equal(srtp_unprotect(p.rx, a, &n), OK);
		assert_int_equal(n, k);
		assert_memory_equal(a, plain, k);
	}
	pair_drop(&p);
}

static void a_source_goes_on_counting_under_a_new_key_or_begins_at_0(void **state)
{
	(void)state;
	for (int s = SRTP_AES_CM_80; s < SRTP_NSUITE; s++)
		for (int keys = 1; keys < 4; keys++) {
			rekeyed((enum srtp_suite)s, keys, true);
			rekeyed((enum srtp_suite)s, keys, false);
		}
}

static void another_source_and_a_forged_packet_gain_nothing_by_a_new_key(void **state)
{
	(void)state;
	for (int s = SRTP_AES_CM_80; s < SRTP_NSUITE; s++) {
		struct pair p = pair_of((enum srtp_suite)s);
		struct srtp *next = other_key((enum srtp_suite)s);
		uint8_t a[CAP];
		size_t n = 0, k;

		for (uint32_t i = 65500; i < 65540; i++) {
			n = sent(&p, a, (uint16_t)i, 1);
			k = n;
			assert_int_equal(srtp_unprotect(p.rx, a, &k), OK);
		}
		srtp_follow(next, p.rx);
		n = sent(&p, a, 65540 & 0xffff, 1);	/* under the old key */
		assert_int_equal(srtp_unprotect(next, a, &n), ERR_AUTH);
		srtp_free(p.tx);
		p.tx = other_key((enum srtp_suite)s);
		(void)sent(&p, a, 65530, 2);
		n = sent(&p, a, 4, 2);			/* of a source nobody knows: 0 is all it may */
		assert_int_equal(srtp_unprotect(next, a, &n), ERR_AUTH);
		n = sent(&p, a, 5, 1);
		assert_int_equal(srtp_unprotect(next, a, &n), OK);
		srtp_free(next);
		pair_drop(&p);
	}
}

static void an_mki_of_the_peer_is_stepped_over(void **state)
{
	uint8_t key[SRTP_KEY_MAX] = { 1, 2, 3 }, a[CAP], plain[CAP];
	struct srtp *tx = srtp_new(SRTP_AES_CM_80, key, 0), *rx = srtp_new(SRTP_AES_CM_80, key, 1);
	struct rng r;
	size_t n, k;

	(void)state;
	rng_seed(&r, 3);
	k = packet(&r, plain, 5, 9);
	memcpy(a, plain, k);
	n = k;
	assert_int_equal(srtp_protect(tx, a, &n, CAP), OK);
	memmove(a + n - 9, a + n - 10, 10);	/* RFC 3711 3.1: MKI in front of the tag */
	a[n - 10] = 1;
	n++;
	assert_int_equal(srtp_unprotect(rx, a, &n), OK);
	assert_int_equal(n, k);
	assert_memory_equal(a, plain, k);
	srtp_free(tx);
	srtp_free(rx);
}

static void what_is_no_packet_is_no_packet(void **state)
{
	(void)state;
	for (int s = SRTP_AES_CM_80; s < SRTP_NSUITE; s++) {
		struct pair p = pair_of((enum srtp_suite)s);
		uint8_t a[CAP] = { 0x80 };

		for (size_t len = 0; len < 24; len++) {
			size_t n = len;

			assert_int_not_equal(srtp_unprotect(p.rx, a, &n), OK);
			n = len;
			assert_int_not_equal(srtcp_unprotect(p.rx, a, &n), OK);
		}
		size_t n = 12, c = 7;

		assert_int_equal(srtp_protect(p.tx, a, &n, 13), ERR_PARSE);	/* no room for the tag */
		assert_int_equal(srtcp_protect(p.tx, a, &c, CAP), ERR_PARSE);
		pair_drop(&p);
	}
	srtp_free(NULL);
}

int run_srtp(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_vector_of_rfc_3711_b3_keys_this_packet),
		cmocka_unit_test(every_packet_is_that_of_libsrtp2_and_libre),
		cmocka_unit_test(a_replayed_packet_is_refused_once_and_again),
		cmocka_unit_test(late_packets_are_taken_within_128_and_not_beyond),
		cmocka_unit_test(a_changed_bit_anywhere_is_refused_and_changes_nothing),
		cmocka_unit_test(a_fifth_source_takes_the_place_of_the_least_used),
		cmocka_unit_test(a_source_that_gave_way_cannot_be_replayed_but_may_come_back),
		cmocka_unit_test(an_index_is_never_used_twice_for_sending),
		cmocka_unit_test(the_roll_over_is_guessed_by_at_most_one),
		cmocka_unit_test(the_roll_over_is_followed_for_three_rounds),
		cmocka_unit_test(a_source_goes_on_counting_under_a_new_key_or_begins_at_0),
		cmocka_unit_test(another_source_and_a_forged_packet_gain_nothing_by_a_new_key),
		cmocka_unit_test(an_mki_of_the_peer_is_stepped_over),
		cmocka_unit_test(what_is_no_packet_is_no_packet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
