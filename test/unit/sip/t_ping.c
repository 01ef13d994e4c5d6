/* Streams of strangers: what keep-alives (RFC 5626 3.5.1) are answered and do not get, and what no answer opens. */
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "bed.h"
#include "t_stack.h"

static bool is_9(void *ctx, uint32_t listener, const struct addr *a)
{
	struct addr nine = bed_addr("10.0.0.9:0");

	(void)ctx;
	(void)listener;
	return addr_same_ip(a, &nine);
}

static struct bed *guarded(void)
{
	static const struct sip_guard g = { .rules = { .rate = 1, .burst = 10, .strikes = 100,
						       .ban = 1000, .ban_max = 1000 },
					    .streams = 20, .trusted = is_9 };
	static const struct sip_config c = { .guard = &g };

	return bed_new_with(&c, 0, SIP_ZONE_PHONES);
}

static void ping(struct bed *b, int s, int n)
{
	char text[4000];
	int i;

	for (i = 0; i < n; i++)
		memcpy(text + 4 * i, "\r\n\r\n", 4);
	bed_peer_write(b, s, text, 4 * (size_t)n);
}

static void a_chunk_of_pings_is_answered_once_and_with_no_more_than_it_takes(void **x)
{
	struct bed *b = bed_new_with(NULL, 0, SIP_ZONE_PHONES);
	struct addr from = bed_addr("10.0.0.9:33333");
	int s = bed_peer_connect(b, &from, &b->a.addr[SIP_TCP]);

	(void)x;
	bed_run(b, 5);
	ping(b, s, 3);
	bed_run(b, 5);
	assert_string_equal(bed_peer_got(b, s), "\r\n\r\n\r\n");
	assert_int_equal(bed_sent(b, "\r\n"), 2);		/* one each way */
	ping(b, s, 1000);
	bed_run(b, 5);
	assert_int_equal(strlen(bed_peer_got(b, s)), 6 + 64);
	assert_int_equal(bed_sent(b, "\r\n"), 4);
	assert_false(bed_peer_closed(b, s));
	bed_free(b);
}

static void pings_of_a_stranger_cost_what_messages_cost(void **x)
{
	struct bed *b = guarded();
	struct addr stranger = bed_addr("10.0.7.7:33333"), trunk = bed_addr("10.0.0.9:33333");
	int s = bed_peer_connect(b, &stranger, &b->a.addr[SIP_TCP]);
	int t = bed_peer_connect(b, &trunk, &b->a.addr[SIP_TCP]);

	(void)x;
	bed_run(b, 5);
	for (int i = 0; i < 30; i++) {
		ping(b, s, 1);
		ping(b, t, 1);
	}
	bed_run(b, 5);
	assert_int_equal(strlen(bed_peer_got(b, t)), 2 * 30);
	assert_int_equal(strlen(bed_peer_got(b, s)), 2 * 10);
	bed_free(b);
}

static void pings_alone_keep_no_strangers_connection(void **x)
{
	struct bed *b = guarded();
	struct addr stranger = bed_addr("10.0.7.7:33333"), trunk = bed_addr("10.0.0.9:33333");
	int s = bed_peer_connect(b, &stranger, &b->a.addr[SIP_TCP]);
	int t = bed_peer_connect(b, &trunk, &b->a.addr[SIP_TCP]);

	(void)x;
	bed_run(b, 5);
	for (int i = 0; i < 4; i++) {
		assert_false(bed_peer_closed(b, s));
		ping(b, s, 1);
		ping(b, t, 1);
		bed_run(b, 9000);
	}
	assert_true(bed_peer_closed(b, s));
	assert_false(bed_peer_closed(b, t));
	assert_int_equal(strlen(bed_peer_got(b, s)), 2 * 4);
	bed_free(b);
}

static void an_answer_to_a_stranger_opens_no_connection(void **x)
{
	static const char t[] = "REGISTER sip:a SIP/2.0\r\nVia: SIP/2.0/TCP 10.0.7.7:5070;branch=z9hG4bKt\r\nMax-Forwards: 70\r\n"
		"From: <sip:a@a>;tag=1\r\nTo: <sip:a@a>\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n";
	struct bed *b = guarded();
	struct addr from = bed_addr("10.0.7.7:33333"), at = bed_addr("10.0.7.7:5070");
	int s = bed_peer_connect(b, &from, &b->a.addr[SIP_TCP]);

	(void)x;
	bed_peer_listen(b, &at);
	bed_run(b, 5);
	bed_peer_write(b, s, t, strlen(t));
	bed_run(b, 20);
	bed_peer_close(b, s);
	bed_run(b, 20);
	assert_int_equal(sip_respond(b->a.sip, b->a.ev[b->a.n - 2].tsx, 200, NULL, NULL, NULL, 0), OK);
	bed_run(b, 20);
	assert_true(bed_peer_accepted(b) < 0);
	bed_free(b);
}

int run_ping(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_chunk_of_pings_is_answered_once_and_with_no_more_than_it_takes),
		cmocka_unit_test(pings_of_a_stranger_cost_what_messages_cost),
		cmocka_unit_test(pings_alone_keep_no_strangers_connection),
		cmocka_unit_test(an_answer_to_a_stranger_opens_no_connection),
	};

	return cmocka_run_group_tests_name("ping", tests, NULL, NULL);
}
