/* t_dns.c - the cache: who is asked, what is kept, what is served when servers are silent. */
#include "t_io.h"

#include <string.h>

#include "base/mem.h"
#include "io/dns.h"
#include "io/dns_wire.h"
#include "sim/sim_loop.h"

struct net {			/* the far end of dns_ops, and who waits here */
	struct loop *l;
	struct dns *d;
	void (*answer)(void *, const char *, enum dns_type, const struct dns_result *);
	void *answer_ctx;
	int asked;
	char last[DNS_NAME_MAX + 1];
	enum dns_type last_type;
	int got;
	uint64_t token;
	struct dns_result r;
	bool inside;		/* dns_query() is running */
};

static struct net *the_net(struct loop *l)
{
	return l->turn_ctx;
}

static void *far_open(struct loop *l, const struct dns_config *c,
		      void (*answer)(void *, const char *, enum dns_type, const struct dns_result *),
		      void *ctx)
{
	struct net *n = the_net(l);

	assert_int_equal(c->timeout, 500);
	assert_int_equal(c->tries, 2);
	n->answer = answer;
	n->answer_ctx = ctx;
	return n;
}

static void far_ask(void *impl, const char *name, enum dns_type t)
{
	struct net *n = impl;

	n->asked++;
	n->last_type = t;
	(void)str_copy(n->last, sizeof n->last, str_of(name));
}

static void far_close(void *impl)
{
	(void)impl;
}

static const struct dns_ops far_ops = { far_open, far_ask, far_close };

static int setup(void **state)
{
	struct net *n = mem_new(sizeof *n);

	n->l = sim_new(1);
	n->l->dns = &far_ops;
	n->l->turn_ctx = n;
	n->d = dns_new(n->l, NULL);
	*state = n;
	return 0;
}

static int teardown(void **state)
{
	struct net *n = *state;

	dns_free(n->d);
	sim_free(n->l);
	mem_free(n);
	return 0;
}

static void heard(void *ctx, uint64_t token, const struct dns_result *r)
{
	struct net *n = ctx;

	assert_false(n->inside);	/* never from inside dns_query() */
	n->got++;
	n->token = token;
	n->r = *r;
}

static void ask(struct net *n, const char *name, enum dns_type t, uint64_t token)
{
	n->inside = true;
	dns_query(n->d, str_of(name), t, heard, n, token);
	n->inside = false;
}

static void reply(struct net *n, const char *name, enum err e, ms_t ttl, const char *ip)
{
	struct dns_result r = { .err = e, .ttl = ttl };

	if (ip) {
		r.n = 1;
		assert_int_equal(addr_parse_ip(str_of(ip), &r.rr[0].addr), OK);
	}
	n->answer(n->answer_ctx, name, DNS_ADDR4, &r);
	sim_for(n->l, 0);
}

static bool is(const struct net *n, const char *ip)
{
	struct addr a;

	return n->r.err == OK && n->r.n == 1 && addr_parse_ip(str_of(ip), &a) == OK &&
	       addr_eq(&a, &n->r.rr[0].addr);
}

static void an_answer_is_kept_for_its_ttl(void **state)
{
	struct net *n = *state;

	ask(n, "a.example", DNS_ADDR4, 7);
	assert_int_equal(n->asked, 1);
	assert_int_equal(n->got, 0);
	reply(n, "a.example", OK, 60000, "192.0.2.1");
	assert_true(n->got == 1 && n->token == 7 && is(n, "192.0.2.1"));
	sim_for(n->l, 59999);
	ask(n, "A.Example", DNS_ADDR4, 8);		/* in any case */
	sim_for(n->l, 0);
	assert_true(n->got == 2 && n->token == 8 && n->r.ttl == 1 && !n->r.stale);
	sim_for(n->l, 1);
	ask(n, "a.example", DNS_ADDR4, 9);
	assert_int_equal(n->asked, 2);
}

static void ttls_have_a_floor_and_a_ceiling(void **state)
{
	struct net *n = *state;

	ask(n, "a.example", DNS_ADDR4, 0);
	reply(n, "a.example", OK, 0, "192.0.2.1");
	assert_true(n->r.ttl == 5000);
	ask(n, "b.example", DNS_ADDR4, 0);
	reply(n, "b.example", OK, 1ull << 50, "192.0.2.1");
	assert_true(n->r.ttl == 86400000);
}

static void no_such_name_is_remembered_for_five_seconds(void **state)
{
	struct net *n = *state;

	ask(n, "no.example", DNS_ADDR4, 0);
	reply(n, "no.example", ERR_GONE, 0, NULL);
	assert_int_equal(n->r.err, ERR_GONE);
	sim_for(n->l, 4999);
	ask(n, "no.example", DNS_ADDR4, 0);
	sim_for(n->l, 0);
	assert_true(n->got == 2 && n->asked == 1);
	sim_for(n->l, 1);
	ask(n, "no.example", DNS_ADDR4, 0);
	assert_int_equal(n->asked, 2);
}

static void silent_servers_are_bridged_for_a_day(void **state)
{
	struct net *n = *state;

	ask(n, "a.example", DNS_ADDR4, 0);
	reply(n, "a.example", OK, 60000, "192.0.2.1");
	sim_for(n->l, 60000);
	ask(n, "a.example", DNS_ADDR4, 0);
	reply(n, "a.example", ERR_TIMEOUT, 0, NULL);
	assert_true(is(n, "192.0.2.1") && n->r.stale && n->r.ttl == 0);
	ask(n, "a.example", DNS_ADDR4, 0);		/* not asked again at once */
	sim_for(n->l, 0);
	assert_true(n->asked == 2 && n->got == 3 && n->r.stale);
	sim_for(n->l, 5000);
	ask(n, "a.example", DNS_ADDR4, 0);
	sim_for(n->l, 0);
	assert_true(n->asked == 3 && n->r.stale);	/* and asked, without waiting for it */
	reply(n, "a.example", OK, 60000, "192.0.2.2");
	ask(n, "a.example", DNS_ADDR4, 0);
	sim_for(n->l, 0);
	assert_true(is(n, "192.0.2.2") && !n->r.stale);
	sim_for(n->l, 60000 + 86400000 + 1);
	ask(n, "a.example", DNS_ADDR4, 0);
	reply(n, "a.example", ERR_TIMEOUT, 0, NULL);
	assert_int_equal(n->r.err, ERR_TIMEOUT);
}

static void nobody_waits_for_servers_that_are_known_to_be_silent(void **state)
{
	struct net *n = *state;

	ask(n, "a.example", DNS_ADDR4, 0);
	reply(n, "a.example", OK, 60000, "192.0.2.1");
	ask(n, "b.example", DNS_ADDR4, 0);
	reply(n, "b.example", OK, 60000, "192.0.2.2");
	sim_for(n->l, 60000);
	ask(n, "a.example", DNS_ADDR4, 1);		/* the first one is patient */
	sim_for(n->l, 50);
	ask(n, "a.example", DNS_ADDR4, 2);
	sim_for(n->l, 49);
	assert_int_equal(n->got, 2);
	sim_for(n->l, 1);
	assert_true(n->got == 3 && n->token == 1 && is(n, "192.0.2.1") && n->r.stale);
	sim_for(n->l, 50);
	assert_true(n->got == 4 && n->token == 2);
	ask(n, "b.example", DNS_ADDR4, 3);		/* then nobody waits, and it is asked */
	sim_for(n->l, 0);
	assert_true(n->got == 5 && is(n, "192.0.2.2") && n->r.stale && n->asked == 4);
	reply(n, "b.example", OK, 60000, "192.0.2.3");
	assert_int_equal(n->got, 5);
	ask(n, "a.example", DNS_ADDR4, 4);		/* they speak again: there is patience */
	sim_for(n->l, 99);
	assert_int_equal(n->got, 5);
	reply(n, "a.example", OK, 60000, "192.0.2.4");
	assert_true(n->got == 6 && is(n, "192.0.2.4") && !n->r.stale);
	sim_for(n->l, 1000);
	assert_int_equal(n->got, 6);
}

static void a_name_that_servers_fail_for_makes_no_other_name_old(void **state)
{
	struct net *n = *state;

	ask(n, "a.example", DNS_ADDR4, 0);
	reply(n, "a.example", OK, 60000, "192.0.2.1");
	ask(n, "b.example", DNS_ADDR4, 0);
	reply(n, "b.example", OK, 60000, "192.0.2.2");
	sim_for(n->l, 60000);
	ask(n, "b.example", DNS_ADDR4, 0);
	reply(n, "b.example", ERR_IO, 0, NULL);
	assert_true(n->got == 3 && is(n, "192.0.2.2") && n->r.stale);
	ask(n, "b.example", DNS_ADDR4, 0);		/* it itself goes on at once */
	sim_for(n->l, 0);
	assert_true(n->got == 4 && n->r.stale && n->asked == 3);
	ask(n, "a.example", DNS_ADDR4, 0);
	sim_for(n->l, 50);
	assert_int_equal(n->got, 4);
	reply(n, "a.example", OK, 60000, "192.0.2.3");
	assert_true(n->got == 5 && is(n, "192.0.2.3") && !n->r.stale);
}

static void servers_that_answer_others_are_not_silent(void **state)
{
	static const char *const name[] = { "a.example", "b.example", "c.example", "lame.example" };
	struct net *n = *state;

	for (int i = 0; i < 4; i++) {
		ask(n, name[i], DNS_ADDR4, 0);
		reply(n, name[i], OK, 60000, "192.0.2.1");
	}
	sim_for(n->l, 60000);
	ask(n, "lame.example", DNS_ADDR4, 0);
	sim_for(n->l, 50);
	ask(n, "a.example", DNS_ADDR4, 0);
	reply(n, "a.example", OK, 60000, "192.0.2.2");
	sim_for(n->l, 50);
	assert_true(n->got == 6 && n->r.stale);		/* the lame one's patience is over */
	ask(n, "b.example", DNS_ADDR4, 0);
	sim_for(n->l, 50);
	assert_int_equal(n->got, 6);
	reply(n, "b.example", OK, 60000, "192.0.2.2");
	assert_true(n->got == 7 && !n->r.stale);
	reply(n, "lame.example", ERR_TIMEOUT, 0, NULL);
	ask(n, "c.example", DNS_ADDR4, 0);
	sim_for(n->l, 50);
	assert_int_equal(n->got, 7);
}

static void what_is_long_out_of_date_is_waited_for_longer(void **state)
{
	struct net *n = *state;

	ask(n, "old.example", DNS_ADDR4, 0);
	reply(n, "old.example", OK, 60000, "192.0.2.1");
	sim_for(n->l, 60001);
	ask(n, "a.example", DNS_ADDR4, 0);
	reply(n, "a.example", OK, 60000, "192.0.2.2");
	sim_for(n->l, 60000);
	ask(n, "old.example", DNS_ADDR4, 1);
	ask(n, "a.example", DNS_ADDR4, 2);
	sim_for(n->l, 99);
	assert_int_equal(n->got, 2);
	sim_for(n->l, 1);
	assert_true(n->got == 3 && n->token == 2);
	sim_for(n->l, 399);
	assert_int_equal(n->got, 3);
	sim_for(n->l, 1);
	assert_true(n->got == 4 && n->token == 1 && n->r.stale);
	reply(n, "old.example", ERR_TIMEOUT, 0, NULL);	/* and not where that was in vain */
	reply(n, "a.example", OK, 60000, "192.0.2.3");
	sim_for(n->l, 5000);
	ask(n, "old.example", DNS_ADDR4, 3);
	sim_for(n->l, 100);
	assert_true(n->got == 5 && n->token == 3 && n->r.stale);
}

static void what_did_not_exist_does_not_exist_while_they_are_silent(void **state)
{
	struct net *n = *state;

	ask(n, "no.example", DNS_ADDR4, 0);
	reply(n, "no.example", ERR_GONE, 0, NULL);
	sim_for(n->l, 5000);
	ask(n, "no.example", DNS_ADDR4, 0);
	sim_for(n->l, 100);
	assert_true(n->got == 2 && n->r.err == ERR_GONE && n->r.stale);
	reply(n, "no.example", ERR_TIMEOUT, 0, NULL);
	sim_for(n->l, 4000);
	ask(n, "no.example", DNS_ADDR4, 0);
	sim_for(n->l, 0);
	assert_true(n->got == 3 && n->r.err == ERR_GONE && n->asked == 2);
}

static void a_name_that_is_gone_is_not_served_stale(void **state)
{
	struct net *n = *state;

	ask(n, "a.example", DNS_ADDR4, 0);
	reply(n, "a.example", OK, 60000, "192.0.2.1");
	sim_for(n->l, 60000);
	ask(n, "a.example", DNS_ADDR4, 0);
	reply(n, "a.example", ERR_GONE, 0, NULL);
	assert_int_equal(n->r.err, ERR_GONE);
}

static void many_who_ask_at_once_are_one_question(void **state)
{
	struct net *n = *state;

	for (int i = 0; i < 10; i++)
		ask(n, "a.example", DNS_ADDR4, 0);
	assert_int_equal(n->asked, 1);
	reply(n, "a.example", OK, 60000, "192.0.2.1");
	assert_int_equal(n->got, 10);
	reply(n, "a.example", OK, 60000, "192.0.2.1");	/* nobody asked: only kept */
	reply(n, "other.example", OK, 60000, "192.0.2.1");
	assert_int_equal(n->got, 10);
}

static void who_cancels_hears_nothing_and_others_do(void **state)
{
	struct net *n = *state, other = { .l = n->l };

	ask(n, "a.example", DNS_ADDR4, 0);
	dns_query(n->d, STR("a.example"), DNS_ADDR4, heard, &other, 5);
	dns_query(n->d, STR("192.0.2.9"), DNS_ADDR4, heard, n, 6);	/* ready, not delivered */
	dns_cancel(n->d, n);
	reply(n, "a.example", OK, 60000, "192.0.2.1");
	assert_int_equal(n->got, 0);
	assert_int_equal(other.got, 1);
}

static void a_literal_answers_itself(void **state)
{
	struct net *n = *state;

	ask(n, "192.0.2.7", DNS_ADDR4, 0);
	sim_for(n->l, 0);
	assert_true(is(n, "192.0.2.7"));
	ask(n, "[2001:db8::7]", DNS_ADDR6, 0);
	sim_for(n->l, 0);
	assert_true(is(n, "2001:db8::7"));
	ask(n, "192.0.2.7", DNS_ADDR6, 0);
	sim_for(n->l, 0);
	assert_int_equal(n->r.err, ERR_GONE);
	assert_int_equal(n->asked, 0);
}

static void configured_hosts_come_first_and_are_complete(void **state)
{
	struct net *n = *state;
	struct addr a;

	assert_int_equal(addr_parse(STR("10.0.0.1:99"), 0, &a), OK);
	dns_add_host(n->d, "pbx.example", &a);
	a.ip[3] = 2;
	dns_add_host(n->d, "pbx.example", &a);
	ask(n, "PBX.example", DNS_ADDR4, 0);
	sim_for(n->l, 0);
	assert_true(n->r.err == OK && n->r.n == 2 && n->r.rr[1].addr.ip[3] == 2);
	assert_int_equal(n->r.rr[0].addr.port, 0);
	ask(n, "pbx.example", DNS_ADDR6, 0);		/* has none: nobody is asked */
	sim_for(n->l, 86400000);
	assert_int_equal(n->r.err, ERR_GONE);
	dns_forget(n->d, STR("pbx.example"));
	ask(n, "pbx.example", DNS_ADDR4, 0);
	sim_for(n->l, 0);
	assert_int_equal(n->r.err, OK);
	assert_int_equal(n->asked, 0);
	ask(n, "pbx.example", DNS_SRV, 0);		/* services are another matter */
	assert_int_equal(n->asked, 1);
}

static void a_forgotten_name_is_asked_again(void **state)
{
	struct net *n = *state;

	ask(n, "a.example", DNS_ADDR4, 0);
	reply(n, "a.example", OK, 60000, "192.0.2.1");
	dns_forget(n->d, STR("a.example"));
	ask(n, "a.example", DNS_ADDR4, 0);
	assert_int_equal(n->asked, 2);
}

static void names_too_long_or_empty_are_refused(void **state)
{
	struct net *n = *state;
	char big[300];

	memset(big, 'a', sizeof big);
	dns_query(n->d, (struct str){ big, 256 }, DNS_ADDR4, heard, n, 0);
	sim_for(n->l, 0);
	assert_int_equal(n->r.err, ERR_LIMIT);
	ask(n, "", DNS_ADDR4, 0);
	sim_for(n->l, 0);
	assert_true(n->got == 2 && n->r.err == ERR_LIMIT && n->asked == 0);
	dns_query(n->d, (struct str){ big, 255 }, DNS_ADDR4, heard, n, 0);
	assert_int_equal(strlen(n->last), 255);
}

static void the_cache_is_bounded_and_the_oldest_go_first(void **state)
{
	struct net *n = *state;
	char name[32];
	struct buf b;

	for (int i = 0; i < 5000; i++) {
		buf_init(&b, name, sizeof name);
		buf_fmt(&b, "h%d.example", i);
		ask(n, buf_z(&b), DNS_ADDR4, 0);
		reply(n, name, OK, 600000, "192.0.2.1");
		if (i == 4000)
			ask(n, "h0.example", DNS_ADDR4, 0);	/* used again: stays */
		sim_for(n->l, 0);
	}
	assert_int_equal(n->asked, 5000);
	ask(n, "h0.example", DNS_ADDR4, 0);
	assert_int_equal(n->asked, 5000);
	ask(n, "h1.example", DNS_ADDR4, 0);
	assert_int_equal(n->asked, 5001);
}

static void waiting_is_bounded_too(void **state)
{
	struct net *n = *state;

	for (int i = 0; i < 4100; i++)
		ask(n, "a.example", DNS_ADDR4, 0);
	sim_for(n->l, 0);
	assert_int_equal(n->got, 4);
	assert_int_equal(n->r.err, ERR_LIMIT);
}

#define SRV_HEAD "\x12\x34\x81\x80\x00\x01\x00\x02\x00\x00\x00\x00" \
	"\x04_sip\x04_tcp\x01" "a\x00\x00\x21\x00\x01"
#define SRV_A "\xc0\x0c\x00\x21\x00\x01\x00\x00\x01\x2c\x00\x09\x00\x01\x00\x02\x13\xc4\x01" "b\x00"
#define SRV_B "\xc0\x0c\x00\x21\x00\x01\x00\x00\x00\x3c\x00\x09\x00\x01\x00\x02\x13\xc4\x01" "c\x00"
#define CNAME "\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x01\x00\x03\x01" "d\x00"

static void the_least_ttl_of_a_srv_reply_is_read(void **state)
{
	ms_t ttl = 0;

	(void)state;
	assert_int_equal(dns_wire_ttl(STR(SRV_HEAD SRV_A SRV_B), DNS_WIRE_SRV, &ttl), OK);
	assert_true(ttl == 60000);
	assert_int_equal(dns_wire_ttl(STR(SRV_HEAD CNAME SRV_A), DNS_WIRE_SRV, &ttl), OK);
	assert_true(ttl == 300000);			/* other types do not count */
	assert_int_equal(dns_wire_ttl(STR(SRV_HEAD CNAME CNAME), DNS_WIRE_SRV, &ttl), ERR_GONE);
	assert_int_equal(dns_wire_ttl(STR(SRV_HEAD SRV_A SRV_B), DNS_WIRE_NAPTR, &ttl), ERR_GONE);
}

static void a_broken_reply_is_an_error_at_every_length(void **state)
{
	struct str all = STR(SRV_HEAD SRV_A SRV_B);
	ms_t ttl = 7;

	(void)state;
	for (size_t i = 0; i < all.n; i++)
		assert_int_equal(dns_wire_ttl(str_sub(all, 0, i), DNS_WIRE_SRV, &ttl), ERR_PARSE);
	assert_true(ttl == 7);
}

#define ON_NET(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int run_dns(void)
{
	const struct CMUnitTest tests[] = {
		ON_NET(an_answer_is_kept_for_its_ttl),
		ON_NET(ttls_have_a_floor_and_a_ceiling),
		ON_NET(no_such_name_is_remembered_for_five_seconds),
		ON_NET(silent_servers_are_bridged_for_a_day),
		ON_NET(nobody_waits_for_servers_that_are_known_to_be_silent),
		ON_NET(a_name_that_servers_fail_for_makes_no_other_name_old),
		ON_NET(servers_that_answer_others_are_not_silent),
		ON_NET(what_is_long_out_of_date_is_waited_for_longer),
		ON_NET(what_did_not_exist_does_not_exist_while_they_are_silent),
		ON_NET(a_name_that_is_gone_is_not_served_stale),
		ON_NET(many_who_ask_at_once_are_one_question),
		ON_NET(who_cancels_hears_nothing_and_others_do),
		ON_NET(a_literal_answers_itself),
		ON_NET(configured_hosts_come_first_and_are_complete),
		ON_NET(a_forgotten_name_is_asked_again),
		ON_NET(names_too_long_or_empty_are_refused),
		ON_NET(the_cache_is_bounded_and_the_oldest_go_first),
		ON_NET(waiting_is_bounded_too),
		cmocka_unit_test(the_least_ttl_of_a_srv_reply_is_read),
		cmocka_unit_test(a_broken_reply_is_an_error_at_every_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
