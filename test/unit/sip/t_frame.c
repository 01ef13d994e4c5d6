#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "sip/frame.h"
#include "sip/limits.h"
#include "t_text.h"

#define ONE "OPTIONS sip:a SIP/2.0\r\nContent-Length: 0\r\n\r\n"
#define TWO "BYE sip:a SIP/2.0\r\nl : 5 \r\nX: y\r\n\r\nhello"

/* Feeds the bytes in pieces of `step`; writes what comes out: P(ing), M(essage length), B(ad). */
static void run(struct str bytes, size_t step, struct buf *tape)
{
	struct sip_framer f;
	struct sip_frame out;
	enum sip_frame_kind k = SIP_FRAME_MORE;

	sip_framer_init(&f);
	for (size_t i = 0; i < bytes.n && k != SIP_FRAME_BAD; i += step) {
		struct str in = str_sub(bytes, i, step);

		do {
			k = sip_framer_feed(&f, &in, &out);
			if (k == SIP_FRAME_PING)
				buf_lit(tape, "P ");
			if (k == SIP_FRAME_MSG)
				buf_fmt(tape, "M%zu ", out.bytes.n);
			if (k == SIP_FRAME_BAD)
				buf_fmt(tape, "B%u:%zu ", out.refuse.status, out.bytes.n);
		} while (k == SIP_FRAME_PING || k == SIP_FRAME_MSG);
		assert_true(k == SIP_FRAME_BAD || in.n == 0);
	}
	sip_framer_close(&f);
}

/* The same whatever the pieces are. */
static void expect_bytes(struct str bytes, const char *want)
{
	static const size_t step[] = { 1, 2, 3, 5, 7, 16, 61, 1000, 100000 };

	for (size_t i = 0; i < sizeof step / sizeof *step; i++) {
		char mem[200];
		struct buf tape;

		buf_init(&tape, mem, sizeof mem);
		run(bytes, step[i], &tape);
		assert_str(buf_str(&tape), want);
	}
}

static void expect(const char *bytes, const char *want)
{
	expect_bytes(str_of(bytes), want);
}

static void messages_are_cut_by_their_length_whatever_the_pieces(void **state)
{
	(void)state;
	expect(ONE, "M44 ");
	expect(TWO, "M40 ");
	expect(ONE TWO ONE, "M44 M40 M44 ");
	expect(TWO "\r\n" ONE, "M40 M44 ");
}

static void a_double_crlf_is_a_ping_a_single_one_nothing(void **state)
{
	(void)state;
	expect("\r\n", "");
	expect("\r\n\r\n", "P ");
	expect("\r\n\r\n\r\n\r\n", "P P ");
	expect("\r\n" ONE "\r\n\r\n" TWO, "M44 P M40 ");
	expect("\n\r\r\n\r\n", "");
}

static void a_length_that_is_not_clear_ends_the_stream(void **state)
{
	(void)state;
	expect("OPTIONS sip:a SIP/2.0\r\nX: y\r\n\r\n" ONE, "B400:31 ");
	expect("OPTIONS a\r\nl: 1\r\nContent-length: 1\r\n\r\nx", "B400:38 ");
	expect("OPTIONS a\r\nl: -1\r\n\r\n", "B400:20 ");
	expect("OPTIONS a\r\nl: \r\n\r\n", "B400:18 ");
	expect("OPTIONS a\r\nl: 1\r\n 2\r\n\r\n", "B400:23 ");
	expect("OPTIONS a\r\nl: 4294967296\r\n\r\n", "B400:28 ");
	expect("OPTIONS a\r\nl: 0x1\r\n\r\n", "B400:21 ");
	expect("OPTIONS a\r\nl: 49153\r\n\r\n", "B513:23 ");
}

static void what_is_no_sip_ends_the_stream_at_its_first_byte(void **state)
{
	(void)state;
	expect("\x16\x03\x01\x02", "B400:0 ");
	expect("\r\n\r\n:", "P B400:0 ");
	expect(" a", "B400:0 ");
}

static void a_header_without_end_is_cut_off_at_its_cap(void **state)
{
	static char big[SIP_HEAD_MAX + 100];
	struct sip_framer f;
	struct sip_frame out;

	(void)state;
	memset(big, 'a', sizeof big);
	expect_bytes((struct str){ big, sizeof big }, "B513:0 ");
	memcpy(big + sizeof big - 12, "\r\nl: 0\r\n\r\n  ", 12);
	expect_bytes((struct str){ big, sizeof big }, "B513:0 ");
	/* A whole header of just the cap passes. */
	memcpy(big + SIP_HEAD_MAX - 10, "\r\nl: 0\r\n\r\n", 10);
	expect_bytes((struct str){ big, SIP_HEAD_MAX }, "M32768 ");
	sip_framer_init(&f);
	assert_int_equal(sip_framer_feed(&f, &(struct str){ big, 10 }, &out), SIP_FRAME_MORE);
	assert_int_equal(sip_framer_state(&f), SIP_FRAME_HEAD);
	sip_framer_close(&f);
}

static void a_framer_tells_what_it_waits_for_and_idles_without_memory(void **state)
{
	struct sip_framer f;
	struct sip_frame out;
	struct str in = STR(TWO);

	(void)state;
	sip_framer_init(&f);
	assert_int_equal(sip_framer_state(&f), SIP_FRAME_IDLE);
	in = STR("BYE sip:a SIP/2.0\r\nl:5\r\n\r\nhe");
	assert_int_equal(sip_framer_feed(&f, &in, &out), SIP_FRAME_MORE);
	assert_int_equal(sip_framer_state(&f), SIP_FRAME_BODY);
	in = STR("llo");
	assert_int_equal(sip_framer_feed(&f, &in, &out), SIP_FRAME_MSG);
	assert_str(str_sub(out.bytes, out.bytes.n - 5, 5), "hello");
	assert_int_equal(sip_framer_feed(&f, &in, &out), SIP_FRAME_MORE);
	assert_int_equal(sip_framer_state(&f), SIP_FRAME_IDLE);
	assert_null(f.mem);
	sip_framer_close(&f);
}

static void a_dead_framer_stays_dead(void **state)
{
	struct sip_framer f;
	struct sip_frame out;
	struct str in = STR("(" ONE);

	(void)state;
	sip_framer_init(&f);
	assert_int_equal(sip_framer_feed(&f, &in, &out), SIP_FRAME_BAD);
	in = STR(ONE);
	assert_int_equal(sip_framer_feed(&f, &in, &out), SIP_FRAME_BAD);
	assert_int_equal(sip_framer_state(&f), SIP_FRAME_DEAD);
	sip_framer_close(&f);
}

int run_frame(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_cut_by_their_length_whatever_the_pieces),
		cmocka_unit_test(a_double_crlf_is_a_ping_a_single_one_nothing),
		cmocka_unit_test(a_length_that_is_not_clear_ends_the_stream),
		cmocka_unit_test(what_is_no_sip_ends_the_stream_at_its_first_byte),
		cmocka_unit_test(a_header_without_end_is_cut_off_at_its_cap),
		cmocka_unit_test(a_framer_tells_what_it_waits_for_and_idles_without_memory),
		cmocka_unit_test(a_dead_framer_stays_dead),
	};

	return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
