/* Names to addresses (RFC 3263), answer by answer, without a name server. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "sip/locate.h"
#include "t_text.h"

static enum locate_want start(struct locate *l, const char *host, uint16_t port,
			      enum sip_transport t, struct addr *a)
{
	return locate_start(l, &(struct locate_ask){ .host = str_of(host), .port = port,
			    .transport = t }, a);
}

static struct dns_result addrs(int n)
{
	struct dns_result r = { .err = OK, .n = n };

	for (int i = 0; i < n; i++) {
		r.rr[i].addr.family = ADDR_V4;
		r.rr[i].addr.ip[3] = (uint8_t)(i + 1);
	}
	return r;
}

static void a_literal_needs_no_question(void **x)
{
	struct locate l;
	struct addr a;

	(void)x;
	assert_int_equal(start(&l, "192.0.2.7", 0, SIP_TLS, &a), LOCATE_ADDR);
	assert_int_equal(a.port, 5061);
	assert_int_equal(start(&l, "2001:db8::1", 5070, SIP_UDP, &a), LOCATE_ADDR);
	assert_int_equal(a.port, 5070);
	assert_int_equal(locate_next(&l, &a), LOCATE_FAILED);
	assert_int_equal(start(&l, "", 0, SIP_UDP, &a), LOCATE_FAILED);
}

static void a_port_skips_srv_and_a_family_chooses_the_record(void **x)
{
	struct locate l;
	struct addr a;
	struct rng rng;
	char name[DNS_NAME_MAX + 1];
	struct dns_result two = addrs(2), none = { .err = ERR_GONE };

	(void)x;
	rng_seed(&rng, 1);
	assert_int_equal(locate_start(&l, &(struct locate_ask){ .host = STR("h.example"), .port = 5062,
			 .transport = SIP_TCP, .v6 = true }, &a), LOCATE_ASK);
	locate_name(&l, name);
	assert_string_equal(name, "h.example");
	assert_int_equal(locate_type(&l), DNS_ADDR6);
	assert_int_equal(locate_answer(&l, &rng, &two, &a), LOCATE_ADDR);
	assert_int_equal(a.port, 5062);
	assert_true(locate_more(&l));
	assert_int_equal(locate_next(&l, &a), LOCATE_ADDR);
	assert_int_equal(a.ip[3], 2);
	assert_false(locate_more(&l));
	assert_int_equal(locate_next(&l, &a), LOCATE_FAILED);
	(void)start(&l, "h.example", 5062, SIP_TCP, &a);
	assert_int_equal(locate_type(&l), DNS_ADDR4);
	assert_int_equal(locate_answer(&l, &rng, &none, &a), LOCATE_FAILED);
	assert_false(l.answered);
}

static void without_srv_the_name_itself_is_asked_on_the_default_port(void **x)
{
	struct locate l;
	struct addr a;
	struct rng rng;
	char name[DNS_NAME_MAX + 1];
	struct dns_result one = addrs(1), none = { .err = ERR_GONE };

	(void)x;
	rng_seed(&rng, 1);
	assert_int_equal(start(&l, "h.example", 0, SIP_TLS, &a), LOCATE_ASK);
	locate_name(&l, name);
	assert_string_equal(name, "_sips._tcp.h.example");
	assert_int_equal(locate_type(&l), DNS_SRV);
	assert_int_equal(locate_answer(&l, &rng, &none, &a), LOCATE_ASK);
	locate_name(&l, name);
	assert_string_equal(name, "h.example");
	assert_int_equal(locate_answer(&l, &rng, &one, &a), LOCATE_ADDR);
	assert_int_equal(a.port, 5061);
}

static void srv_targets_come_by_priority_and_share_by_weight(void **x)
{
	struct dns_result r = { .err = OK, .n = 4 };
	struct locate l;
	struct addr a;
	struct rng rng;
	char name[DNS_NAME_MAX + 1];
	int first_big = 0;

	(void)x;
	rng_seed(&rng, 3);
	for (int i = 0; i < 4; i++) {
		r.rr[i].priority = i == 3 ? 1 : 5;
		r.rr[i].weight = i == 0 ? 90 : 5;
		r.rr[i].port = 5060;
		r.rr[i].target[0] = (char)('a' + i);
	}
	for (int k = 0; k < 200; k++) {
		struct dns_result none = { .err = ERR_GONE };

		(void)start(&l, "x", 0, SIP_UDP, &a);
		assert_int_equal(locate_answer(&l, &rng, &r, &a), LOCATE_ASK);
		locate_name(&l, name);
		assert_string_equal(name, "d");
		assert_int_equal(locate_answer(&l, &rng, &none, &a), LOCATE_ASK);
		locate_name(&l, name);
		first_big += name[0] == 'a';
		assert_int_equal(locate_answer(&l, &rng, &none, &a), LOCATE_ASK);
		assert_true(locate_more(&l));
		assert_int_equal(locate_answer(&l, &rng, &none, &a), LOCATE_ASK);
		assert_false(locate_more(&l));
		assert_int_equal(locate_answer(&l, &rng, &none, &a), LOCATE_FAILED);
		locate_close(&l);
	}
	assert_in_range(first_big, 150, 199);
}

static void a_dot_as_srv_target_means_no_service(void **x)
{
	struct dns_result r = { .err = OK, .n = 1 };
	struct locate l;
	struct addr a;
	struct rng rng;

	(void)x;
	rng_seed(&rng, 3);
	r.rr[0].port = 5060;
	(void)str_copy(r.rr[0].target, 8, STR("."));
	(void)start(&l, "x", 0, SIP_UDP, &a);
	assert_int_equal(locate_answer(&l, &rng, &r, &a), LOCATE_FAILED);
	locate_close(&l);
}

/* --- NAPTR --- */

struct world {
	struct locate l;
	struct rng rng;
	struct addr a;
};

enum { UDP = 1 << SIP_UDP, TCP = 1 << SIP_TCP, TLS = 1 << SIP_TLS };

static struct world begun(enum sip_transport t, unsigned may)
{
	struct world w;

	rng_seed(&w.rng, 1);
	assert_int_equal(locate_start(&w.l, &(struct locate_ask){ .host = STR("example.com"),
			 .transport = t, .may = may }, &w.a), LOCATE_ASK);
	return w;
}

static void asks(struct world *w, const char *want, enum dns_type t)
{
	char name[DNS_NAME_MAX + 1];

	locate_name(&w->l, name);
	assert_string_equal(name, want);
	assert_int_equal(locate_type(&w->l), t);
}

static enum locate_want hears(struct world *w, const struct dns_result *r)
{
	return locate_answer(&w->l, &w->rng, r, &w->a);
}

static void naptr(struct dns_result *r, uint16_t order, uint16_t pref, const char *service,
		  const char *target)
{
	struct dns_rr *rr = &r->rr[r->n++];

	rr->priority = order;
	rr->weight = pref;
	rr->flag = 's';
	assert_true(str_copy(rr->service, sizeof rr->service, str_of(service)));
	assert_true(str_copy(rr->target, sizeof rr->target, str_of(target)));
}

static struct dns_result srv_to(const char *target)
{
	struct dns_result r = { .n = 1 };

	r.rr[0].port = 5070;
	assert_true(str_copy(r.rr[0].target, sizeof r.rr[0].target, str_of(target)));
	return r;
}

static const struct dns_result gone = { .err = ERR_GONE };

/* The example of RFC 3263 4.1. */
static void the_domain_chooses_the_transport(void **x)
{
	struct world w = begun(SIP_UDP, UDP | TCP);
	struct dns_result n = { .n = 0 }, s = srv_to("server1.example.com"), one = addrs(1);

	(void)x;
	naptr(&n, 50, 50, "SIPS+D2T", "_sips._tcp.example.com");
	naptr(&n, 100, 50, "SIP+D2U", "_sip._udp.example.com");
	naptr(&n, 90, 50, "sip+d2t", "_sip._tcp.example.com");
	asks(&w, "example.com", DNS_NAPTR);
	assert_int_equal(hears(&w, &n), LOCATE_ASK);
	asks(&w, "_sip._tcp.example.com", DNS_SRV);
	assert_int_equal(w.l.transport, SIP_TCP);
	assert_int_equal(hears(&w, &s), LOCATE_ASK);
	asks(&w, "server1.example.com", DNS_ADDR4);
	assert_int_equal(hears(&w, &one), LOCATE_ADDR);
	assert_int_equal(w.a.port, 5070);
	assert_false(locate_more(&w.l));
	assert_int_equal(locate_next(&w.l, &w.a), LOCATE_ASK);	/* it failed: the next service */
	asks(&w, "_sip._udp.example.com", DNS_SRV);
	assert_int_equal(w.l.transport, SIP_UDP);
	assert_int_equal(hears(&w, &gone), LOCATE_FAILED);	/* there were SRV records: no bare name */
	locate_close(&w.l);
}

static void order_comes_before_preference(void **x)
{
	struct world w = begun(SIP_UDP, UDP | TCP);
	struct dns_result n = { .n = 0 };

	(void)x;
	naptr(&n, 20, 1, "SIP+D2T", "c");
	naptr(&n, 10, 9, "SIP+D2U", "b");
	naptr(&n, 10, 2, "SIP+D2T", "a");
	assert_int_equal(hears(&w, &n), LOCATE_ASK);
	asks(&w, "a", DNS_SRV);
	assert_int_equal(hears(&w, &gone), LOCATE_ASK);
	asks(&w, "b", DNS_SRV);
	assert_int_equal(hears(&w, &gone), LOCATE_ASK);
	asks(&w, "c", DNS_SRV);
	assert_int_equal(hears(&w, &gone), LOCATE_ASK);
	asks(&w, "example.com", DNS_ADDR4);
	assert_int_equal(w.l.transport, SIP_UDP);
	assert_int_equal(hears(&w, &gone), LOCATE_FAILED);
	locate_close(&w.l);
}

static void a_name_server_does_not_talk_us_out_of_tls(void **x)
{
	struct world w = begun(SIP_TLS, TLS);
	struct dns_result n = { .n = 0 };

	(void)x;
	naptr(&n, 1, 1, "SIP+D2U", "_sip._udp.evil.example");
	naptr(&n, 2, 1, "SIPS+D2T", "_sips._tcp.other.example");
	assert_int_equal(hears(&w, &n), LOCATE_ASK);
	asks(&w, "_sips._tcp.other.example", DNS_SRV);
	locate_close(&w.l);
	w = begun(SIP_TLS, TLS);
	n.n = 1;
	assert_int_equal(hears(&w, &n), LOCATE_ASK);
	asks(&w, "_sips._tcp.example.com", DNS_SRV);
	assert_int_equal(hears(&w, &gone), LOCATE_ASK);
	asks(&w, "example.com", DNS_ADDR4);
	assert_int_equal(w.l.transport, SIP_TLS);
	locate_close(&w.l);
}

static void what_is_no_sip_service_is_passed_over(void **x)
{
	struct world w = begun(SIP_UDP, UDP | TCP);
	struct dns_result n = { .n = 0 };

	(void)x;
	naptr(&n, 1, 1, "E2U+sip", "a");
	naptr(&n, 2, 1, "SIP+D2S", "b");
	naptr(&n, 3, 1, "SIP+D2U", "c");
	n.rr[2].flag = 'a';
	naptr(&n, 4, 1, "SIP+D2U", "");
	assert_int_equal(hears(&w, &n), LOCATE_ASK);
	asks(&w, "_sip._udp.example.com", DNS_SRV);	/* as if there were none, 4.1 */
	assert_int_equal(hears(&w, &gone), LOCATE_ASK);
	asks(&w, "_sip._tcp.example.com", DNS_SRV);
	assert_int_equal(w.l.transport, SIP_TCP);
	locate_close(&w.l);
}

static void without_naptr_each_transport_has_its_srv(void **x)
{
	struct world w = begun(SIP_UDP, UDP | TCP);
	struct dns_result s = srv_to("s.example"), one = addrs(1);

	(void)x;
	assert_int_equal(hears(&w, &gone), LOCATE_ASK);
	asks(&w, "_sip._udp.example.com", DNS_SRV);
	assert_int_equal(hears(&w, &gone), LOCATE_ASK);
	asks(&w, "_sip._tcp.example.com", DNS_SRV);
	assert_int_equal(hears(&w, &s), LOCATE_ASK);
	assert_int_equal(hears(&w, &one), LOCATE_ADDR);
	assert_int_equal(w.l.transport, SIP_TCP);
	assert_int_equal(locate_next(&w.l, &w.a), LOCATE_FAILED);
	locate_close(&w.l);
}

static void more_services_than_we_keep_are_cut(void **x)
{
	struct world w = begun(SIP_UDP, UDP | TCP);
	struct dns_result n = { .n = 0 };
	int asked = 0;

	(void)x;
	for (int i = 0; i < DNS_MAX_RESULTS; i++)
		naptr(&n, (uint16_t)i, 0, "SIP+D2U", "x");
	assert_int_equal(hears(&w, &n), LOCATE_ASK);
	while (locate_type(&w.l) == DNS_SRV && ++asked)
		assert_int_equal(hears(&w, &gone), LOCATE_ASK);
	assert_int_equal(asked, LOCATE_WAYS);
	locate_close(&w.l);
}

static void a_port_or_a_literal_asks_for_no_naptr(void **x)
{
	struct locate l;
	struct addr a;

	(void)x;
	assert_int_equal(locate_start(&l, &(struct locate_ask){ .host = STR("h.example"), .port = 5060,
			 .may = UDP | TCP }, &a), LOCATE_ASK);
	assert_int_equal(locate_type(&l), DNS_ADDR4);
	assert_int_equal(locate_start(&l, &(struct locate_ask){ .host = STR("192.0.2.1"),
			 .may = UDP | TCP }, &a), LOCATE_ADDR);
}

int run_locate(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_literal_needs_no_question),
		cmocka_unit_test(a_port_skips_srv_and_a_family_chooses_the_record),
		cmocka_unit_test(without_srv_the_name_itself_is_asked_on_the_default_port),
		cmocka_unit_test(srv_targets_come_by_priority_and_share_by_weight),
		cmocka_unit_test(a_dot_as_srv_target_means_no_service),
		cmocka_unit_test(the_domain_chooses_the_transport),
		cmocka_unit_test(order_comes_before_preference),
		cmocka_unit_test(a_name_server_does_not_talk_us_out_of_tls),
		cmocka_unit_test(what_is_no_sip_service_is_passed_over),
		cmocka_unit_test(without_naptr_each_transport_has_its_srv),
		cmocka_unit_test(more_services_than_we_keep_are_cut),
		cmocka_unit_test(a_port_or_a_literal_asks_for_no_naptr),
	};

	return cmocka_run_group_tests_name("locate", tests, NULL, NULL);
}
