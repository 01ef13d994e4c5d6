/* Keep-alives of streams, RFC 5626 3.5.1: what they are answered, and what they do not get. */
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

int run_ping(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_chunk_of_pings_is_answered_once_and_with_no_more_than_it_takes),
		cmocka_unit_test(pings_of_a_stranger_cost_what_messages_cost),
		cmocka_unit_test(pings_alone_keep_no_strangers_connection),
	};

	return cmocka_run_group_tests_name("ping", tests, NULL, NULL);
}
