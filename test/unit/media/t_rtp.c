/* t_rtp.c - RTP and RTCP as bytes. */
#include "t_media.h"

#include <stdbool.h>
#include <string.h>

#include "media/rtp.h"

static void a_written_header_is_read_back(void **state)
{
	struct rtp h = { .pt = 101, .marker = true, .seq = 65535, .ts = 0xfedcba98, .ssrc = 0x80000001 }, r;
	uint8_t p[20] = { 0 };

	(void)state;
	rtp_write(p, &h);
	assert_true(rtp_read(p, sizeof p, false, &r));
	assert_true(r.pt == 101 && r.marker && r.seq == 65535 && r.ts == 0xfedcba98 && r.ssrc == 0x80000001);
	assert_true(r.head == RTP_HEAD && r.payload_n == 8);
}

static void csrc_extension_and_padding_are_stepped_over(void **state)
{
	uint8_t p[64] = { 0x80 | 0x20 | 0x10 | 2 };
	struct rtp r;

	(void)state;
	p[12 + 8 + 3] = 2;			/* extension of two words */
	p[63] = 4;				/* padding */
	assert_true(rtp_read(p, 64, false, &r));
	assert_int_equal(r.head, 12 + 8 + 4 + 8);
	assert_int_equal(r.payload_n, 64 - 32 - 4);
	assert_true(rtp_read(p, 64, true, &r));	/* encrypted: padding cannot be seen */
	assert_int_equal(r.payload_n, 64 - 32);
	p[63] = 33;
	assert_false(rtp_read(p, 64, false, &r));
	p[63] = 0;
	assert_false(rtp_read(p, 64, false, &r));
}

static void short_and_foreign_packets_are_refused(void **state)
{
	uint8_t p[RTP_PACKET_MAX + 1] = { 0x80 };
	struct rtp r;

	(void)state;
	for (size_t n = 0; n < RTP_HEAD; n++)
		assert_false(rtp_read(p, n, false, &r));
	assert_true(rtp_read(p, RTP_HEAD, false, &r));
	assert_false(rtp_read(p, sizeof p, false, &r));
	for (int v = 0; v < 4; v++) {
		p[0] = (uint8_t)(v << 6);
		assert_int_equal(rtp_read(p, 40, false, &r), v == 2);
	}
	p[0] = 0x8f;				/* 15 CSRCs do not fit */
	assert_false(rtp_read(p, 40, false, &r));
	p[0] = 0x90;
	assert_false(rtp_read(p, 14, false, &r));
	p[14] = 0xff;
	assert_false(rtp_read(p, 40, false, &r));
}

static void rtcp_on_the_rtp_port_is_known(void **state)
{
	uint8_t p[8] = { 0x80 };

	(void)state;
	for (int t = 0; t < 256; t++) {
		p[1] = (uint8_t)t;
		assert_int_equal(rtp_is_rtcp(p, 8), t >= 192 && t <= 223);
		assert_false(rtp_is_rtcp(p, 7));
	}
}

static void a_report_is_read_back(void **state)
{
	struct rtcp_sender s = { .ssrc = 77, .ntp = 0x123456789abcdef0, .rtp_ts = 160, .packets = 3,
				 .octets = 480 };
	struct rtcp_block b = { .ssrc = 9, .fraction = 12, .lost = -3, .highest = 70000, .jitter = 5,
				.lsr = 6, .dlsr = 7 };
	uint8_t p[256];
	struct rtcp_news r;
	size_t n = rtcp_write(p, sizeof p, &s, &b, "tandem");

	(void)state;
	assert_true(n > 0 && n % 4 == 0);
	assert_true(rtcp_read(p, n, &r));
	assert_true(r.sr && r.block && !r.bye && r.ssrc == 77 && r.ntp == s.ntp);
	assert_true(r.b.ssrc == b.ssrc && r.b.fraction == b.fraction && r.b.lost == b.lost &&
		    r.b.highest == b.highest && r.b.jitter == b.jitter && r.b.lsr == b.lsr && r.b.dlsr == b.dlsr);
	s.packets = 0;				/* nothing sent: a receiver's report */
	n = rtcp_write(p, sizeof p, &s, NULL, "tandem");
	assert_int_equal(p[1], 201);
	assert_true(rtcp_read(p, n, &r) && !r.sr && !r.block);
	assert_int_equal(rtcp_write(p, 127, &s, NULL, "t"), 0);
	assert_int_equal(rtcp_write(p, sizeof p, &s, NULL,
				    "forty-one characters are too many for it."), 0);
}

static void every_cut_of_a_compound_is_refused_or_whole(void **state)
{
	struct rtcp_sender s = { .ssrc = 1, .packets = 1 };
	uint8_t p[256];
	struct rtcp_news r;
	size_t n = rtcp_write(p, sizeof p, &s, NULL, "t");

	(void)state;
	for (size_t k = 0; k < n; k++)
		assert_int_equal(rtcp_read(p, k, &r), k == 28);	/* the SR alone is whole */
	p[n - 17] = 0;
	memcpy(p + n, (uint8_t[]){ 0x81, 203, 0, 1, 0, 0, 0, 1 }, 8);
	assert_true(rtcp_read(p, n + 8, &r) && r.bye);
}

int run_rtp(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_written_header_is_read_back),
		cmocka_unit_test(csrc_extension_and_padding_are_stepped_over),
		cmocka_unit_test(short_and_foreign_packets_are_refused),
		cmocka_unit_test(rtcp_on_the_rtp_port_is_known),
		cmocka_unit_test(a_report_is_read_back),
		cmocka_unit_test(every_cut_of_a_compound_is_refused_or_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
