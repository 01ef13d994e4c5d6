/* t_sim.c - the simulated edge keeps the promises of io/net.h. */
#include "t_io.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "io/net.h"
#include "sim/sim_loop.h"
#include "t_pair.h"

struct end {			/* one user of the net: what happened, as text */
	struct loop *l;
	char tape[300];
	net_id stream;
	bool echo, refuse, close_on_data;
	struct addr from;
	struct net_stream_info info;
	struct tls_facts facts;
};

static void note(struct end *e, const char *what, struct str bytes)
{
	struct buf b;

	buf_init(&b, e->tape, sizeof e->tape);
	b.n = strlen(e->tape);
	buf_fmt(&b, "%s%.*s ", what, STRF(bytes));
	(void)buf_z(&b);
}

static void on_dgram(void *ctx, net_id sock, const struct addr *from, const struct addr *to,
		     struct str bytes)
{
	struct end *e = ctx;

	e->from = *from;
	note(e, "", bytes);
	if (e->echo)
		net_udp_send(e->l, sock, to, from, bytes);
}

static void *on_accept(void *ctx, net_id id, const struct net_stream_info *i)
{
	struct end *e = ctx;

	e->stream = id;
	e->info = *i;
	note(e, "accept", STR_NONE);
	return e->refuse ? NULL : e;
}

static void on_event(void *ctx, net_id id, enum net_event ev, struct str bytes,
		     const struct net_stream_info *i)
{
	static const char *const name[] = { "open", "", "closed" };
	struct end *e = ctx;

	note(e, name[ev], bytes);
	if (i->facts)
		e->facts = *i->facts;
	e->info = *i;
	if (ev == NET_DATA && e->close_on_data) {
		net_close(e->l, id);
		note(e, "read:", bytes);		/* lent to the end of the handler */
	} else if (ev == NET_DATA && e->echo) {
		net_write(e->l, id, bytes);
	}
}

static const struct net_dgram_handler dgram = { on_dgram };
static const struct net_stream_handler stream = { .accepted = on_accept, .event = on_event };

static struct addr at(const char *z)
{
	struct addr a;

	assert_int_equal(addr_parse(str_of(z), 0, &a), OK);
	return a;
}

static net_id dial(struct end *e, const char *to, struct tls_ctx *tls, const char *name)
{
	struct net_connect c = { .to = at(to), .from = at("10.0.0.9"), .tls = tls, .timeout = 3000,
				 .server_name = str_of(name), .h = &stream, .ctx = e };

	return e->stream = net_connect(e->l, &c);
}

static void datagrams_arrive_a_moment_later_and_answers_find_back(void **state)
{
	struct loop *l = sim_new(1);
	struct end a = { .l = l }, b = { .l = l, .echo = true };
	struct addr at_a = at("10.0.0.1:5060"), at_b = at("10.0.0.2:5060"), nobody = at("10.0.0.3:1");
	int e = 0;
	net_id sa = net_udp_bind(l, &at_a, &dgram, &a, &e);

	(void)state;
	assert_true(sa && net_udp_bind(l, &at_b, &dgram, &b, &e));
	assert_true(!net_udp_bind(l, &at_b, &dgram, &b, &e) && e == EADDRINUSE);
	net_udp_send(l, sa, NULL, &at_b, STR("hello"));
	assert_string_equal(b.tape, "");		/* not from inside */
	assert_true(sim_busy(l));
	sim_for(l, 2);
	assert_string_equal(a.tape, "hello ");
	assert_true(addr_eq(&a.from, &at_b));
	net_udp_send(l, sa, NULL, &nobody, STR("x"));
	net_close(l, sa);
	net_udp_send(l, sa, NULL, &at_b, STR("x"));	/* stale: harmless */
	sim_for(l, 2);
	assert_int_equal(sim_lost(l), 1);
	assert_string_equal(b.tape, "hello ");
	sim_free(l);
}

static void lossy_wires_lose_and_double_the_same_way_for_the_same_seed(void **state)
{
	size_t got[2];

	(void)state;
	for (int k = 0; k < 2; k++) {
		struct loop *l = sim_new(5);
		struct end a = { .l = l }, b = { .l = l };
		struct addr at_a = at("10.0.0.1:5060"), at_b = at("10.0.0.2:5060");
		int e;
		net_id sa = net_udp_bind(l, &at_a, &dgram, &a, &e);

		net_udp_bind(l, &at_b, &dgram, &b, &e);
		sim_set(l, &(struct sim_options){ .loss = 300, .duplicate = 300, .reorder = 300 });
		for (int i = 0; i < 100; i++)
			net_udp_send(l, sa, NULL, &at_b, STR("x"));
		sim_for(l, 100);
		got[k] = strlen(b.tape) / 2;
		sim_free(l);
	}
	assert_int_equal(got[0], got[1]);
	assert_in_range(got[0], 70, 115);
}

static void a_stream_opens_carries_and_closes(void **state)
{
	struct loop *l = sim_new(1);
	struct end s = { .l = l, .echo = true }, c = { .l = l };
	struct addr where = at("10.0.0.1:5060");
	int e;

	(void)state;
	net_listen(l, &where, NULL, &stream, &s, &e);
	dial(&c, "10.0.0.1:5060", NULL, "");
	assert_string_equal(c.tape, "");
	sim_for(l, 5);
	net_write(l, c.stream, STR("a"));
	net_write(l, c.stream, STR("b"));
	sim_for(l, 5);
	assert_string_equal(c.tape, "open a b ");
	assert_false(c.info.tls);
	net_write(l, c.stream, STR("last"));
	net_close(l, c.stream);
	sim_for(l, 5);
	assert_string_equal(s.tape, "accept a b last closed ");
	assert_string_equal(c.tape, "open a b ");	/* who closes hears nothing more */
	assert_true(s.info.inbound && s.info.fail == NET_FAIL_NONE);
	sim_free(l);
}

static void connections_fail_as_scripted(void **state)
{
	static const struct { enum sim_reach r; enum net_fail f; ms_t by; } row[] = {
		{ SIM_REFUSED, NET_FAIL_REFUSED, 5 }, { SIM_UNREACHABLE, NET_FAIL_UNREACHABLE, 5 },
		{ SIM_SILENT, NET_FAIL_TIMEOUT, 3000 },
	};
	struct loop *l = sim_new(1);
	struct addr where = at("10.0.0.1");

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct end c = { .l = l };

		sim_reach(l, &where, row[i].r);
		dial(&c, "10.0.0.1:5061", NULL, "");
		sim_for(l, row[i].by - 1);
		if (row[i].r == SIM_SILENT)
			assert_string_equal(c.tape, "");
		sim_for(l, 1);
		assert_string_equal(c.tape, "closed ");
		assert_int_equal(c.info.fail, row[i].f);
	}
	sim_free(l);
}

static void a_handler_may_close_the_stream_whose_bytes_it_reads(void **state)
{
	struct bed *b = *state;
	struct tls_config sc = { .cert_file = b->sbc.cert, .key_file = b->sbc.key,
				 .verify = TLS_VERIFY_NONE };
	struct tls_config cc = { .roots_file = certs_root(b->certs) };
	struct loop *l = sim_new(1);
	struct end s = { .l = l, .close_on_data = true }, c = { .l = l };
	struct addr where = at("10.0.0.1:5061");
	struct tls_ctx *st = NULL, *ct = NULL;
	char mem[300];
	struct buf why;
	int e;

	buf_init(&why, mem, sizeof mem);
	assert_int_equal(tls_ctx_new(&st, &sc, &why), OK);
	assert_int_equal(tls_ctx_new(&ct, &cc, &why), OK);
	net_listen(l, &where, st, &stream, &s, &e);
	dial(&c, "10.0.0.1:5061", ct, "sbc.example.com");
	tls_ctx_drop(st);
	tls_ctx_drop(ct);
	sim_for(l, 20);
	assert_string_equal(c.tape, "open ");
	assert_int_equal(c.facts.version, 0x0304);
	net_write(l, c.stream, STR("INVITE"));
	sim_for(l, 20);
	assert_string_equal(s.tape, "accept INVITE read:INVITE ");
	assert_string_equal(c.tape, "open closed ");
	sim_free(l);
}

static void both_ends_of_a_failed_handshake_hear_of_it(void **state)
{
	struct bed *b = *state;
	struct tls_config sc = { .cert_file = b->sbc.cert, .key_file = b->sbc.key,
				 .verify = TLS_VERIFY_NONE };
	struct tls_config cc = { .roots_file = certs_root(b->certs), .max_version = 0x0303 };
	struct loop *l = sim_new(1);
	struct end s = { .l = l }, c = { .l = l };
	struct addr where = at("10.0.0.1:5061");
	struct tls_ctx *st = NULL, *ct = NULL;
	char mem[300];
	struct buf why;
	int e;

	buf_init(&why, mem, sizeof mem);
	assert_int_equal(tls_ctx_new(&st, &sc, &why), OK);
	assert_int_equal(tls_ctx_new(&ct, &cc, &why), OK);
	net_listen(l, &where, st, &stream, &s, &e);
	dial(&c, "10.0.0.1:5061", ct, "wrong.example.com");
	sim_for(l, 20);
	assert_string_equal(c.tape, "closed ");
	assert_int_equal(c.info.fail, NET_FAIL_TLS);
	assert_int_equal(c.facts.verify_error, 62);
	assert_string_equal(s.tape, "closed ");		/* never accepted */
	assert_int_equal(s.facts.alert_received, 42);
	assert_true(s.info.inbound);
	tls_ctx_drop(st);
	tls_ctx_drop(ct);
	sim_free(l);
}

static void a_cut_is_a_reset_for_both(void **state)
{
	struct loop *l = sim_new(1);
	struct end s = { .l = l }, c = { .l = l };
	struct addr where = at("10.0.0.1:5060");
	int e;

	(void)state;
	net_listen(l, &where, NULL, &stream, &s, &e);
	dial(&c, "10.0.0.1:5060", NULL, "");
	sim_for(l, 5);
	sim_cut(l, &where, NET_FAIL_RESET);
	sim_for(l, 5);
	assert_string_equal(c.tape, "open closed ");
	assert_string_equal(s.tape, "accept closed ");
	assert_int_equal(c.info.fail, NET_FAIL_RESET);
	sim_free(l);
}

static void a_refused_accept_closes_the_far_end(void **state)
{
	struct loop *l = sim_new(1);
	struct end s = { .l = l, .refuse = true }, c = { .l = l };
	struct addr where = at("10.0.0.1:5060");
	int e;

	(void)state;
	net_listen(l, &where, NULL, &stream, &s, &e);
	dial(&c, "10.0.0.1:5060", NULL, "");
	sim_for(l, 5);
	assert_string_equal(c.tape, "open closed ");
	assert_string_equal(s.tape, "accept ");
	sim_free(l);
}

static void count_turn(void *ctx)
{
	(*(int *)ctx)++;
}

static void every_input_ends_with_a_turn_and_the_wall_clock_can_jump(void **state)
{
	struct loop *l = sim_new(1);
	struct end a = { .l = l };
	struct addr at_a = at("10.0.0.1:5060");
	wall_t wall = l->wall;
	int e, turns = 0;
	net_id sa = net_udp_bind(l, &at_a, &dgram, &a, &e);

	(void)state;
	loop_on_turn(l, count_turn, &turns);
	net_udp_send(l, sa, NULL, &at_a, STR("x"));
	net_udp_send(l, sa, NULL, &at_a, STR("y"));
	sim_for(l, 1000);
	assert_int_equal(turns, 2);
	assert_true(l->wall == wall + 1000);
	sim_wall(l, 5000);
	sim_for(l, 10);
	assert_true(l->wall == 5010);
	assert_false(sim_step(l));
	sim_free(l);
}

int run_sim(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(datagrams_arrive_a_moment_later_and_answers_find_back),
		cmocka_unit_test(lossy_wires_lose_and_double_the_same_way_for_the_same_seed),
		cmocka_unit_test(a_stream_opens_carries_and_closes),
		cmocka_unit_test(connections_fail_as_scripted),
		cmocka_unit_test(a_handler_may_close_the_stream_whose_bytes_it_reads),
		cmocka_unit_test(both_ends_of_a_failed_handshake_hear_of_it),
		cmocka_unit_test(a_cut_is_a_reset_for_both),
		cmocka_unit_test(a_refused_accept_closes_the_far_end),
		cmocka_unit_test(every_input_ends_with_a_turn_and_the_wall_clock_can_jump),
	};

	return cmocka_run_group_tests(tests, bed_open, bed_close);
}
