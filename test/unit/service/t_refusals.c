/* t_refusals.c - what an operator reads of TLS peers that got no further than the handshake. */
#include "t_service.h"

#include <string.h>

#include "service/refusals.h"
#include "sim/sim_loop.h"

struct bed {
	struct loop *loop;
	struct refusals *r;
	struct tls_facts facts;
	struct net_stream_info info;
	struct sip_event ev;
	char line[1200];		/* the last one of the log */
	int lines;
};

static void on_log(void *ctx, enum log_level level, struct str line)
{
	struct bed *b = ctx;

	assert_int_equal(level, LOG_WARN);
	(void)str_copy(b->line, sizeof b->line, line);
	b->lines++;
}

static struct bed *bed_new(void)
{
	struct bed *b = mem_new(sizeof *b);

	b->loop = sim_new(1);
	b->loop->log = (struct log){ .level = LOG_INFO, .write = on_log, .ctx = b };
	b->r = refusals_new(b->loop);
	b->facts.alert_received = b->facts.alert_sent = -1;
	b->info = (struct net_stream_info){ .tls = true, .inbound = true, .fail = NET_FAIL_TLS,
					    .facts = &b->facts };
	b->ev = (struct sip_event){ .kind = SIP_EV_FLOW, .flow_event = NET_CLOSED, .listener = 2,
				    .stream = &b->info };
	(void)addr_parse_ip(STR("203.0.113.9"), &b->ev.peer);
	b->ev.peer.port = 40000;
	return b;
}

static void bed_free(struct bed *b)
{
	refusals_free(b->r);
	sim_free(b->loop);
	mem_free(b);
}

static void knock(struct bed *b)
{
	refusals_on_flow(b->r, &b->ev, STR("teams"), STR("*.pstnhub.microsoft.com"));
}

static void every_refusal_has_its_own_sentence(void **state)
{
	static const struct { enum tls_refusal kind; const char *word; } want[] = {
		{ TLS_REFUSED_NO_CERT, "no-client-certificate" }, { TLS_REFUSED_CHAIN, "client-certificate" },
		{ TLS_REFUSED_PURPOSE, "client-certificate" }, { TLS_REFUSED_NAME, "client-certificate-name" },
		{ TLS_REFUSED_VERSION, "tls-version" }, { TLS_REFUSED_SUITE, "tls-suite" },
		{ TLS_REFUSED_BY_PEER, "tls-alert-received" }, { TLS_REFUSED_CUT, "tls-cut" },
		{ TLS_REFUSED_NOISE, "tls-noise" },
	};
	struct bed *b = bed_new();
	struct refusal_view v;

	(void)state;
	for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
		b->facts.refusal = want[i].kind;
		b->facts.alert_received = want[i].kind == TLS_REFUSED_BY_PEER ? 48 : -1;
		knock(b);
		assert_true(refusals_look(b->r, 2, &v));
		assert_string_equal(reason_word(v.why.code), want[i].word);
		assert_int_equal(v.count, i + 1);
	}
	b->info.fail = NET_FAIL_TIMEOUT;
	knock(b);
	assert_true(refusals_look(b->r, 2, &v));
	assert_string_equal(reason_word(v.why.code), "tls-timeout");
	assert_int_equal(refusals_total(b->r), v.count);
	bed_free(b);
}

static void a_wrong_name_tells_what_came_and_what_is_wanted(void **state)
{
	struct bed *b = bed_new();

	(void)state;
	b->facts.refusal = TLS_REFUSED_NAME;
	b->facts.npeer_name = 2;
	(void)str_copy(b->facts.peer_name[0], sizeof b->facts.peer_name[0], STR("a.example"));
	(void)str_copy(b->facts.peer_name[1], sizeof b->facts.peer_name[1], STR("b.example"));
	knock(b);
	assert_non_null(strstr(b->line, "Listener teams: "));
	assert_non_null(strstr(b->line, "203.0.113.9:40000 presented carries a.example, b.example; "
				"the listener takes *.pstnhub.microsoft.com."));
	bed_free(b);
}

static void sixteen_long_names_are_cut_and_break_nothing(void **state)
{
	struct bed *b = bed_new();
	struct refusal_view v;

	(void)state;
	b->facts.refusal = TLS_REFUSED_NAME;
	b->facts.npeer_name = TLS_NAMES_MAX;
	for (int i = 0; i < TLS_NAMES_MAX; i++)
		memset(b->facts.peer_name[i], 'x', sizeof b->facts.peer_name[0] - 1);
	knock(b);
	assert_true(refusals_look(b->r, 2, &v));
	assert_int_equal(v.why.arg[1].p[0], 'x');
	bed_free(b);
}

static void the_log_gets_one_line_a_minute_and_the_number_of_the_others(void **state)
{
	struct bed *b = bed_new();

	(void)state;
	b->facts.refusal = TLS_REFUSED_CUT;
	for (int i = 0; i < 100; i++)
		knock(b);
	assert_int_equal(b->lines, 1);
	sim_for(b->loop, REFUSALS_EVERY_MS);
	knock(b);
	assert_int_equal(b->lines, 2);
	assert_non_null(strstr(b->line, "(and 99 more since the last line)"));
	bed_free(b);
}

static void what_is_no_refusal_is_left_alone(void **state)
{
	struct bed *b = bed_new();
	struct refusal_view v;

	(void)state;
	b->ev.flow = 7;				/* a stream that was open */
	knock(b);
	b->ev.flow = 0;
	b->info.inbound = false;
	knock(b);
	b->info.inbound = true;
	b->ev.stream = NULL;
	knock(b);
	b->ev.stream = &b->info;
	b->ev.listener = REFUSALS_LISTENERS;
	knock(b);
	b->ev.listener = 2;
	b->ev.flow_event = NET_OPEN;
	knock(b);
	assert_int_equal(refusals_total(b->r), 0);
	assert_false(refusals_look(b->r, 2, &v));
	assert_false(refusals_look(b->r, REFUSALS_LISTENERS, &v));
	bed_free(b);
}

int run_refusals(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_refusal_has_its_own_sentence),
		cmocka_unit_test(a_wrong_name_tells_what_came_and_what_is_wanted),
		cmocka_unit_test(sixteen_long_names_are_cut_and_break_nothing),
		cmocka_unit_test(the_log_gets_one_line_a_minute_and_the_number_of_the_others),
		cmocka_unit_test(what_is_no_refusal_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
