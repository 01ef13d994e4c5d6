/* Scripted peers against one stack: what goes out where, and what is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "bed.h"
#include "sip/stack_int.h"
#include "t_stack.h"

struct ask {			/* a request of a scripted peer */
	const char *method, *uri, *via, *call_id, *extra, *body, *to_tag;
	int cseq, max_forwards;
};

static const char *text(char *mem, size_t cap, struct ask q)
{
	struct buf b;
	const char *uri = q.uri ? q.uri : "sip:200@10.0.0.1";

	buf_init(&b, mem, cap);
	buf_fmt(&b, "%s %s SIP/2.0\r\nVia: %s\r\nMax-Forwards: %d\r\n", q.method, uri,
		q.via ? q.via : "SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bKpeer1;rport",
		q.max_forwards == -1 ? 0 : q.max_forwards ? q.max_forwards : 70);
	buf_fmt(&b, "From: <sip:9@10.0.0.9>;tag=nine\r\nTo: <sip:200@10.0.0.1>%s%s\r\n",
		q.to_tag ? ";tag=" : "", q.to_tag ? q.to_tag : "");
	buf_fmt(&b, "Call-ID: %s\r\nCSeq: %d %s\r\nContact: <sip:9@10.0.0.9:5060>\r\n%s",
		q.call_id ? q.call_id : "call-1@peer", q.cseq ? q.cseq : 1, q.method,
		q.extra ? q.extra : "");
	buf_fmt(&b, "Content-Length: %zu\r\n\r\n%s", q.body ? strlen(q.body) : 0,
		q.body ? q.body : "");
	return buf_z(&b);
}

static struct addr peer(void)
{
	return bed_addr("10.0.0.9:5060");
}

static void say(struct bed *b, struct ask q)
{
	char mem[4000];
	struct addr from = peer();

	bed_peer_send(b, &from, &b->a.addr[SIP_UDP], text(mem, sizeof mem, q));
	bed_run(b, 20);
}

static void expect_status(struct bed *b, int nth, const char *line)
{
	const struct bed_msg *m = bed_msg(b, "SIP/2.0 ", nth);

	assert_non_null(m);
	assert_memory_equal(m->text, line, strlen(line));
}

static struct bed *phones(void)
{
	struct bed *b = bed_new_with(NULL, 0, SIP_ZONE_PHONES);
	struct addr at = peer();

	bed_peer_udp(b, &at);
	return b;
}

/* --- responses: where and how --- */

static void options_get_contact_allow_and_accept(void **x)
{
	struct bed *b = phones();
	char v[200];

	(void)x;
	b->a.on = bed_answering;
	say(b, (struct ask){ .method = "OPTIONS" });
	expect_status(b, 0, "SIP/2.0 200 OK\r\n");
	assert_true(bed_hdr(bed_msg(b, "SIP/2.0", 0), "Allow", v, sizeof v));
	assert_string_equal(v, "INVITE, ACK, BYE, CANCEL, OPTIONS, NOTIFY");
	assert_true(bed_hdr(bed_msg(b, "SIP/2.0", 0), "Contact", v, sizeof v));
	assert_string_equal(v, "<sip:10.0.0.1:5060>");
	assert_true(bed_hdr(bed_msg(b, "SIP/2.0", 0), "Via", v, sizeof v));
	assert_string_equal(v, "SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bKpeer1;rport=5060;received=10.0.0.9");
	bed_free(b);
}

static void a_repeated_request_gets_the_same_answer_without_asking_again(void **x)
{
	struct bed *b = phones();

	(void)x;
	b->a.on = bed_answering;
	say(b, (struct ask){ .method = "OPTIONS" });
	say(b, (struct ask){ .method = "OPTIONS" });
	assert_int_equal(bed_count(&b->a, SIP_EV_REQUEST), 1);
	assert_int_equal(bed_sent(b, "SIP/2.0 200"), 2);
	assert_string_equal(bed_msg(b, "SIP/2.0 200", 0)->text, bed_msg(b, "SIP/2.0 200", 1)->text);
	bed_free(b);
}

static void without_rport_the_answer_goes_to_the_sent_by_port(void **x)
{
	struct bed *b = phones();
	struct addr from = bed_addr("10.0.0.9:7777");
	char mem[2000], v[200];

	(void)x;
	b->a.on = bed_answering;
	bed_peer_send(b, &from, &b->a.addr[0], text(mem, sizeof mem, (struct ask){
		.method = "OPTIONS", .via = "SIP/2.0/UDP host.example:5088;branch=z9hG4bKp" }));
	bed_run(b, 20);
	assert_int_equal(bed_msg(b, "SIP/2.0 200", 0)->to.port, 5088);
	assert_true(bed_hdr(bed_msg(b, "SIP/2.0 200", 0), "Via", v, sizeof v));
	assert_string_equal(v, "SIP/2.0/UDP host.example:5088;branch=z9hG4bKp;received=10.0.0.9");
	bed_free(b);
}

static void with_rport_the_answer_goes_back_to_where_it_came_from(void **x)
{
	struct bed *b = phones();
	struct addr from = bed_addr("10.0.0.9:7777");
	char mem[2000], v[200];

	(void)x;
	b->a.on = bed_answering;
	bed_peer_send(b, &from, &b->a.addr[0], text(mem, sizeof mem, (struct ask){
		.method = "OPTIONS",
		.via = "SIP/2.0/UDP 192.168.1.7:5060;rport;branch=z9hG4bKp, SIP/2.0/UDP inner.example;branch=z9hG4bKi" }));
	bed_run(b, 20);
	assert_int_equal(bed_msg(b, "SIP/2.0 200", 0)->to.port, 7777);
	assert_true(bed_hdr(bed_msg(b, "SIP/2.0 200", 0), "Via", v, sizeof v));
	assert_string_equal(v, "SIP/2.0/UDP 192.168.1.7:5060;rport=7777;branch=z9hG4bKp;"
			       "received=10.0.0.9, SIP/2.0/UDP inner.example;branch=z9hG4bKi");
	bed_free(b);
}

static void nobody_answers_a_request_and_it_ends_with_500(void **x)
{
	struct bed *b = phones();

	(void)x;
	say(b, (struct ask){ .method = "OPTIONS" });
	bed_run(b, 31000);
	assert_int_equal(bed_sent(b, "SIP/2.0"), 0);
	bed_run(b, 2000);
	expect_status(b, 0, "SIP/2.0 500 ");
	bed_free(b);
}

/* --- refusals --- */

struct refusal {
	struct ask ask;
	enum sip_zone_kind zone;
	uint32_t methods;
	const char *line, *hdr, *value;
};

static void refused_requests_store_nothing(void **x)
{
	static const struct refusal row[] = {
		{ { .method = "PUBLISH" }, SIP_ZONE_PBX, 0, "SIP/2.0 405 ", "Allow",
		  "INVITE, ACK, BYE, CANCEL, OPTIONS, REGISTER, NOTIFY" },
		{ { .method = "NEWMETHOD" }, SIP_ZONE_PBX, 0, "SIP/2.0 501 ", NULL, NULL },
		{ { .method = "REGISTER" }, SIP_ZONE_TEAMS, 0, "SIP/2.0 403 ", NULL, NULL },
		{ { .method = "REGISTER" }, SIP_ZONE_PBX, 1u << SIP_INVITE, "SIP/2.0 405 ", "Allow",
		  "INVITE, ACK, BYE, CANCEL" },
		{ { .method = "OPTIONS", .uri = "http://x" }, SIP_ZONE_PBX, 0, "SIP/2.0 416 ", NULL,
		  NULL },
		{ { .method = "OPTIONS", .max_forwards = -1 }, SIP_ZONE_PBX, 0, "SIP/2.0 483 ",
		  NULL, NULL },
		{ { .method = "INVITE", .extra = "Require: foo, timer, bar\r\n" }, SIP_ZONE_PBX, 0,
		  "SIP/2.0 420 ", "Unsupported", "foo, bar" },
		{ { .method = "INVITE", .extra = "Content-Encoding: gzip\r\n", .body = "x" },
		  SIP_ZONE_PBX, 0, "SIP/2.0 415 ", "Accept-Encoding", "identity" },
		{ { .method = "INVITE", .extra = "Supported: timer\r\nSession-Expires: 60\r\n" },
		  SIP_ZONE_PBX, 0, "SIP/2.0 422 ", "Min-SE", "90" },
		{ { .method = "BYE" }, SIP_ZONE_PBX, 0, "SIP/2.0 481 ", NULL, NULL },
		{ { .method = "BYE", .to_tag = "gone" }, SIP_ZONE_PBX, 0, "SIP/2.0 481 ", NULL, NULL },
		{ { .method = "INVITE", .to_tag = "gone" }, SIP_ZONE_PBX, 0, "SIP/2.0 481 ", NULL,
		  NULL },
		{ { .method = "NOTIFY" }, SIP_ZONE_PBX, 0, "SIP/2.0 481 ", NULL, NULL },
		{ { .method = "CANCEL" }, SIP_ZONE_PBX, 0, "SIP/2.0 481 ", NULL, NULL },
	};
	char v[200];

	(void)x;
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct bed *b = bed_new_with(NULL, row[i].methods, row[i].zone);
		struct addr at = peer();
		struct sip_counts c;

		bed_peer_udp(b, &at);
		say(b, row[i].ask);
		expect_status(b, 0, row[i].line);
		if (row[i].hdr) {
			assert_true(bed_hdr(bed_msg(b, "SIP/2.0", 0), row[i].hdr, v, sizeof v));
			assert_string_equal(v, row[i].value);
		}
		sip_counts(b->a.sip, &c);
		assert_int_equal(c.transactions + c.sessions, 0);
		assert_int_equal(b->a.n, 0);
		bed_free(b);
	}
}

static void an_ack_to_nothing_is_dropped(void **x)
{
	struct bed *b = phones();

	(void)x;
	say(b, (struct ask){ .method = "ACK" });
	say(b, (struct ask){ .method = "ACK", .to_tag = "gone", .max_forwards = -1 });
	assert_int_equal(bed_sent(b, "SIP/2.0"), 0);
	bed_free(b);
}

static void a_request_of_ours_that_comes_back_is_a_loop(void **x)
{
	struct bed *b = phones();
	struct sip_dest d = { .listener = 0, .transport = SIP_UDP, .addr = peer() };
	struct sip_request r = { .method = SIP_OPTIONS, .dest = d, .ruri = STR("sip:x@10.0.0.9"),
				 .from_uri = STR("sip:a@a"), .to_uri = STR("sip:x@10.0.0.9") };
	char via[120], both[300];

	(void)x;
	assert_int_not_equal(sip_request(b->a.sip, &r), 0);
	bed_run(b, 10);
	assert_true(bed_hdr(bed_msg(b, "OPTIONS", 0), "Via", via, sizeof via));
	(void)snprintf(both, sizeof both, "SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKproxy;rport\r\nVia: %s",
		       via);
	say(b, (struct ask){ .method = "OPTIONS", .via = both });
	expect_status(b, 0, "SIP/2.0 482 ");
	bed_free(b);
}

static void the_same_invite_by_two_ways_is_merged(void **x)
{
	struct bed *b = phones();

	(void)x;
	say(b, (struct ask){ .method = "INVITE" });
	say(b, (struct ask){ .method = "INVITE",
			     .via = "SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bKother;rport" });
	expect_status(b, 0, "SIP/2.0 100 ");
	expect_status(b, 1, "SIP/2.0 482 ");
	assert_int_equal(bed_count(&b->a, SIP_EV_INVITE), 1);
	sip_abandon(b->a.sip, b->a.ev[0].session);
	bed_free(b);
}

static bool nobody(void *ctx, const struct addr *src)
{
	(void)ctx;
	(void)src;
	return false;
}

static void a_source_that_is_not_admitted_is_not_even_parsed(void **x)
{
	struct bed *b = phones();
	struct addr from = peer();
	struct sip_listener l = { .transport = SIP_UDP, .bind = bed_addr("10.0.0.1:5099"),
				  .admit = nobody };
	struct sip_counts c;
	char mem[2000];
	uint32_t i;
	int e;

	(void)x;
	assert_int_equal(sip_listen(b->a.sip, &l, &i, &e), OK);
	bed_peer_send(b, &from, &l.bind, text(mem, sizeof mem, (struct ask){ .method = "OPTIONS" }));
	bed_run(b, 20);
	sip_counts(b->a.sip, &c);
	assert_int_equal(c.received, 0);
	assert_int_equal(c.dropped, 1);
	bed_free(b);
}

static void malformed_requests_are_answered_or_dropped(void **x)
{
	struct bed *b = phones();
	struct addr from = peer();

	(void)x;
	bed_peer_send(b, &from, &b->a.addr[0],
		      "OPTIONS sip:x@y SIP/7.0\r\nVia: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKv;rport\r\n"
		      "From: <sip:a@b>;tag=1\r\nTo: <sip:x@y>\r\nCall-ID: v\r\nCSeq: 1 OPTIONS\r\n"
		      "Content-Length: 0\r\n\r\n");
	bed_run(b, 20);
	expect_status(b, 0, "SIP/2.0 505 ");
	bed_peer_send(b, &from, &b->a.addr[0], "hello\r\n\r\n");
	bed_peer_send(b, &from, &b->a.addr[0], "\r\n\r\n");
	bed_peer_send(b, &from, &b->a.addr[0], "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKq\r\n"
		      "From: <sip:a@b>;tag=1\r\nTo: <sip:x@y>;tag=2\r\nCall-ID: v\r\nCSeq: 1 BYE\r\n"
		      "Content-Length: 0\r\n\r\n");
	bed_run(b, 20);
	assert_int_equal(bed_sent(b, "SIP/2.0"), 1);
	bed_free(b);
}

/* --- streams --- */

static void a_request_in_three_chunks_over_tcp_is_answered_on_its_connection(void **x)
{
	struct bed *b = phones();
	struct addr from = bed_addr("10.0.0.9:33333");
	char mem[2000];
	const char *t = text(mem, sizeof mem, (struct ask){ .method = "OPTIONS",
		.via = "SIP/2.0/TCP 10.0.0.9:5060;branch=z9hG4bKt" });
	int s = bed_peer_connect(b, &from, &b->a.addr[SIP_TCP]);

	(void)x;
	b->a.on = bed_answering;
	bed_run(b, 5);
	bed_peer_write(b, s, "\r\n\r\n", 4);
	bed_peer_write(b, s, t, 20);
	bed_peer_write(b, s, t + 20, 200);
	bed_peer_write(b, s, t + 220, strlen(t) - 220);
	bed_run(b, 20);
	assert_memory_equal(bed_peer_got(b, s), "\r\nSIP/2.0 200 OK\r\n", 18);
	bed_free(b);
}

static void a_header_that_never_ends_costs_the_connection_after_10_s(void **x)
{
	struct bed *b = phones();
	struct addr from = bed_addr("10.0.0.9:33333");
	int s = bed_peer_connect(b, &from, &b->a.addr[SIP_TCP]);

	(void)x;
	bed_run(b, 5);
	bed_peer_write(b, s, "OPTIONS sip", 11);
	bed_run(b, 9000);
	bed_peer_write(b, s, "x", 1);
	assert_false(bed_peer_closed(b, s));
	bed_run(b, 1100);
	assert_true(bed_peer_closed(b, s));
	bed_free(b);
}

static void a_connection_that_proves_nothing_is_closed_after_30_s(void **x)
{
	struct bed *b = phones();
	struct addr from = bed_addr("10.0.0.9:33333");
	int s = bed_peer_connect(b, &from, &b->a.addr[SIP_TCP]);

	(void)x;
	bed_run(b, 29000);
	assert_false(bed_peer_closed(b, s));
	bed_run(b, 2000);
	assert_true(bed_peer_closed(b, s));
	bed_free(b);
}

static void a_connection_that_got_a_200_may_idle(void **x)
{
	struct bed *b = phones();
	struct addr from = bed_addr("10.0.0.9:33333");
	int s = bed_peer_connect(b, &from, &b->a.addr[SIP_TCP]);
	char mem[2000];
	const char *t = text(mem, sizeof mem, (struct ask){ .method = "OPTIONS",
		.via = "SIP/2.0/TCP 10.0.0.9:5060;branch=z9hG4bKt" });

	(void)x;
	b->a.on = bed_answering;
	bed_run(b, 5);
	bed_peer_write(b, s, t, strlen(t));
	bed_run(b, 600000);
	assert_false(bed_peer_closed(b, s));
	bed_free(b);
}

static void a_message_without_length_is_refused_and_the_stream_closed(void **x)
{
	struct bed *b = phones();
	struct addr from = bed_addr("10.0.0.9:33333");
	int s = bed_peer_connect(b, &from, &b->a.addr[SIP_TCP]);
	const char *t = "OPTIONS sip:x@y SIP/2.0\r\nVia: SIP/2.0/TCP 10.0.0.9;branch=z9hG4bKl\r\n"
			"From: <sip:a@b>;tag=1\r\nTo: <sip:x@y>\r\nCall-ID: v\r\nCSeq: 1 OPTIONS\r\n\r\n"
			"OPTIONS sip:x@y SIP/2.0\r\n";

	(void)x;
	bed_run(b, 5);
	bed_peer_write(b, s, t, strlen(t));
	bed_run(b, 20);
	assert_memory_equal(bed_peer_got(b, s), "SIP/2.0 400 ", 12);
	assert_true(bed_peer_closed(b, s));
	bed_free(b);
}

static void an_answer_whose_connection_is_gone_is_sent_on_a_new_one(void **x)
{
	struct bed *b = phones();
	struct addr from = bed_addr("10.0.0.9:33333"), at = bed_addr("10.0.0.9:5070");
	int s = bed_peer_connect(b, &from, &b->a.addr[SIP_TCP]);
	char mem[2000];
	const char *t = text(mem, sizeof mem, (struct ask){ .method = "OPTIONS",
		.via = "SIP/2.0/TCP 10.0.0.9:5070;branch=z9hG4bKt" });

	(void)x;
	bed_peer_listen(b, &at);
	bed_run(b, 5);
	bed_peer_write(b, s, t, strlen(t));
	bed_run(b, 20);
	bed_peer_close(b, s);
	bed_run(b, 20);
	assert_int_equal(sip_respond(b->a.sip, b->a.ev[b->a.n - 2].tsx, 200, NULL, NULL, NULL, 0), OK);
	bed_run(b, 20);
	assert_true(bed_peer_accepted(b) >= 0);
	assert_memory_equal(bed_peer_got(b, bed_peer_accepted(b)), "SIP/2.0 200 OK\r\n", 16);
	bed_free(b);
}

static void our_own_idle_connections_are_kept_alive_with_crlf(void **x)
{
	struct bed *b = phones();
	struct addr at = bed_addr("10.0.0.9:5060");
	struct sip_dest d = { .listener = SIP_TCP, .transport = SIP_TCP, .addr = at };
	struct sip_request r = { .method = SIP_OPTIONS, .dest = d, .ruri = STR("sip:x@10.0.0.9"),
				 .from_uri = STR("sip:a@a"), .to_uri = STR("sip:x@10.0.0.9") };
	int s;

	(void)x;
	bed_peer_listen(b, &at);
	assert_int_not_equal(sip_request(b->a.sip, &r), 0);
	bed_run(b, 120000);
	s = bed_peer_accepted(b);
	assert_string_equal(bed_peer_got(b, s) + strlen(bed_peer_got(b, s)) - 8, "\r\n\r\n\r\n\r\n");
	bed_free(b);
}

static uint32_t flows(struct bed *b)
{
	struct sip_counts c;

	sip_counts(b->a.sip, &c);
	return c.flows;
}

static void a_request_that_wants_its_own_connection_shares_none(void **x)
{
	struct bed *b = phones();
	struct addr at = bed_addr("10.0.0.9:5060");
	struct sip_dest d = { .listener = SIP_TCP, .transport = SIP_TCP, .addr = at };
	struct sip_request r = { .method = SIP_OPTIONS, .dest = d, .ruri = STR("sip:x@10.0.0.9"),
				 .from_uri = STR("sip:a@a"), .to_uri = STR("sip:x@10.0.0.9"),
				 .timeout = 1000 };

	(void)x;
	bed_peer_listen(b, &at);
	assert_int_not_equal(sip_request(b->a.sip, &r), 0);
	bed_run(b, 20);
	assert_int_equal(flows(b), 1);
	r.dest.alone = true;
	assert_int_not_equal(sip_request(b->a.sip, &r), 0);
	assert_int_not_equal(sip_request(b->a.sip, &r), 0);
	bed_run(b, 20);
	assert_int_equal(flows(b), 3);
	r.dest.alone = false;
	assert_int_not_equal(sip_request(b->a.sip, &r), 0);
	bed_run(b, 1000);
	assert_int_equal(flows(b), 3);
	assert_int_equal(b->a.ev[b->a.n - 2].kind, SIP_EV_RESPONSE);
	sip_close_flow(b->a.sip, b->a.ev[b->a.n - 2].flow);
	assert_int_equal(flows(b), 2);
	sip_close_flow(b->a.sip, b->a.ev[b->a.n - 2].flow);
	bed_run(b, 20);
	assert_int_equal(flows(b), 2);
	bed_free(b);
}

static void one_address_gets_only_so_many_connections(void **x)
{
	struct bed *b = phones();
	struct sip_counts c;

	(void)x;
	for (int i = 0; i < 100; i++) {
		struct addr from = bed_addr("10.0.0.9:0");

		from.port = (uint16_t)(20000 + i);
		(void)bed_peer_connect(b, &from, &b->a.addr[SIP_TCP]);
	}
	bed_run(b, 20);
	sip_counts(b->a.sip, &c);
	assert_int_equal(c.flows, 100);
	bed_run(b, 31000);
	sip_counts(b->a.sip, &c);
	assert_int_equal(c.flows, 0);
	bed_free(b);
}

/* --- requests: where they go --- */

static struct sip_request options_to(const char *host, uint16_t port, enum sip_transport t)
{
	struct sip_request r = { .owner = 5, .method = SIP_OPTIONS, .ruri = STR("sip:x@b.example"),
				 .from_uri = STR("sip:a@a.example"), .to_uri = STR("sip:x@b.example") };

	r.dest = (struct sip_dest){ .listener = (uint32_t)t, .transport = t, .port = port };
	assert_true(str_copy(r.dest.host, sizeof r.dest.host, str_of(host)));
	return r;
}

static void a_name_is_resolved_and_answered(void **x)
{
	struct bed *b = bed_new();
	struct sip_request r = options_to("b.example", 5060, SIP_UDP);

	(void)x;
	b->b.on = bed_answering;
	bed_dns(b, "b.example", DNS_ADDR4, "10.0.0.2");
	assert_int_not_equal(sip_request(b->a.sip, &r), 0);
	bed_run(b, 100);
	assert_int_equal(bed_want(&b->a, SIP_EV_RESPONSE)->status, 200);
	assert_int_equal(b->a.ev[0].owner, 5);
	bed_free(b);
}

static void a_name_that_does_not_exist_fails_as_dns(void **x)
{
	struct bed *b = bed_new();
	struct sip_request r = options_to("nowhere.example", 0, SIP_TLS);

	(void)x;
	assert_int_not_equal(sip_request(b->a.sip, &r), 0);
	bed_run(b, 100);
	assert_int_equal(bed_want(&b->a, SIP_EV_RESPONSE)->fail, SIP_FAIL_DNS);
	bed_free(b);
}

static void the_next_address_is_tried_when_one_refuses(void **x)
{
	struct bed *b = bed_new();
	struct sip_request r = options_to("b.example", 5060, SIP_TCP);
	char v[2][100];

	(void)x;
	b->b.on = bed_answering;
	bed_dns(b, "b.example", DNS_ADDR4, "10.0.0.66, 10.0.0.67, 10.0.0.2");
	assert_int_not_equal(sip_request(b->a.sip, &r), 0);
	bed_run(b, 100);
	assert_int_equal(bed_want(&b->a, SIP_EV_RESPONSE)->status, 200);
	assert_int_equal(bed_sent(b, "OPTIONS"), 1);
	(void)v;
	bed_free(b);
}

static void srv_priorities_are_followed_on_failure(void **x)
{
	struct bed *b = bed_new();
	struct sip_request r = options_to("example.com", 0, SIP_TLS);

	(void)x;
	b->b.on = bed_answering;
	bed_dns(b, "_sips._tcp.example.com", DNS_SRV,
		"20 0 5061 good.example, 10 5 5061 bad.example, 10 5 5061 worse.example");
	bed_dns(b, "bad.example", DNS_ADDR4, "10.0.0.66");
	bed_dns(b, "good.example", DNS_ADDR4, "10.0.0.2");
	assert_int_not_equal(sip_request(b->a.sip, &r), 0);
	bed_run(b, 100);
	assert_int_equal(bed_want(&b->a, SIP_EV_RESPONSE)->status, 200);
	assert_int_equal(bed_dns_asked(b, "bad.example"), 1);
	assert_int_equal(bed_dns_asked(b, "good.example"), 1);
	bed_free(b);
}

static void naptr_chooses_tcp_and_then_udp(void **x)
{
	struct bed *b = bed_new();
	struct sip_request r = options_to("example.com", 0, SIP_UDP);

	(void)x;
	r.dest.choose = true;
	b->b.on = bed_answering;
	bed_dns(b, "example.com", DNS_NAPTR, "10 1 s SIP+D2T _sip._tcp.x.example, 20 1 s SIP+D2U _sip._udp.x.example");
	bed_dns(b, "_sip._tcp.x.example", DNS_SRV, "1 1 5099 b.example");
	bed_dns(b, "_sip._udp.x.example", DNS_SRV, "1 1 5060 b.example");
	bed_dns(b, "b.example", DNS_ADDR4, "10.0.0.2");
	assert_int_not_equal(sip_request(b->a.sip, &r), 0);
	bed_run(b, 200);	/* nobody listens at 5099 */
	assert_int_equal(bed_want(&b->a, SIP_EV_RESPONSE)->status, 200);
	assert_int_equal(bed_dns_asked(b, "_sip._tcp.x.example"), 1);
	assert_non_null(strstr(bed_msg(b, "OPTIONS", 0)->text, "Via: SIP/2.0/UDP"));
	bed_free(b);
}

static void all_addresses_refused_is_refused(void **x)
{
	struct bed *b = bed_new();
	struct sip_request r = options_to("b.example", 5060, SIP_TCP);

	(void)x;
	bed_dns(b, "b.example", DNS_ADDR4, "10.0.0.66, 10.0.0.67");
	assert_int_not_equal(sip_request(b->a.sip, &r), 0);
	bed_run(b, 100);
	assert_int_equal(bed_want(&b->a, SIP_EV_RESPONSE)->fail, SIP_FAIL_REFUSED);
	bed_free(b);
}

static void a_reused_connection_that_died_is_made_anew_for_the_request(void **x)
{
	struct bed *b = bed_new();
	struct sip_request r = options_to("10.0.0.2", 5060, SIP_TCP);

	(void)x;
	b->b.on = bed_answering;
	assert_int_not_equal(sip_request(b->a.sip, &r), 0);
	bed_run(b, 100);
	bed_cut(b, &b->b.addr[SIP_TCP]);	/* we do not know it yet */
	assert_int_not_equal(sip_request(b->a.sip, &r), 0);
	bed_run(b, 100);
	assert_int_equal(bed_want(&b->a, SIP_EV_RESPONSE)->status, 200);
	assert_int_equal(bed_want(&b->a, SIP_EV_RESPONSE)->status, 200);
	assert_int_equal(bed_sent(b, "OPTIONS"), 3);
	bed_free(b);
}

static struct sip_request big(struct sip_xhdr *h, char *fill, size_t n)
{
	struct sip_request r = options_to("10.0.0.2", 5060, SIP_UDP);

	memset(fill, 'x', n);
	*h = (struct sip_xhdr){ STR("X-Long"), { fill, n } };
	r.xhdr = h;
	r.nxhdr = 1;
	return r;
}

static void a_large_request_goes_by_tcp(void **x)
{
	struct bed *b = bed_new();
	struct sip_xhdr h;
	char fill[1200], v[100];
	struct sip_request r = big(&h, fill, sizeof fill);

	(void)x;
	b->b.on = bed_answering;
	assert_int_not_equal(sip_request(b->a.sip, &r), 0);
	bed_run(b, 100);
	assert_true(bed_hdr(bed_msg(b, "OPTIONS", 0), "Via", v, sizeof v));
	assert_memory_equal(v, "SIP/2.0/TCP 10.0.0.1:5060", 25);
	assert_int_equal(bed_want(&b->a, SIP_EV_RESPONSE)->status, 200);
	bed_free(b);
}

static void a_large_request_falls_back_to_udp_where_tcp_is_refused(void **x)
{
	struct bed *b = bed_new();
	struct sip_xhdr h;
	char fill[1200], v[100];
	struct sip_request r = big(&h, fill, sizeof fill);

	(void)x;
	b->b.on = bed_answering;
	bed_unlisten(b, &b->b.addr[SIP_TCP]);
	assert_int_not_equal(sip_request(b->a.sip, &r), 0);
	bed_run(b, 100);
	assert_int_equal(bed_sent(b, "OPTIONS"), 1);
	assert_true(bed_hdr(bed_msg(b, "OPTIONS", 0), "Via", v, sizeof v));
	assert_memory_equal(v, "SIP/2.0/UDP 10.0.0.1:5060", 25);
	assert_int_equal(bed_want(&b->a, SIP_EV_RESPONSE)->status, 200);
	/* It is remembered: the next one does not even try. */
	assert_int_not_equal(sip_request(b->a.sip, &r), 0);
	bed_run(b, 2);
	assert_int_equal(bed_sent(b, "OPTIONS"), 2);
	assert_int_equal(bed_count(&b->a, SIP_EV_FLOW), 1);
	bed_run(b, 100);
	bed_free(b);
}

static void a_request_has_its_own_time_limit(void **x)
{
	struct bed *b = bed_new();
	struct sip_request r = options_to("10.0.0.8", 5060, SIP_UDP);

	(void)x;
	r.timeout = 2500;
	assert_int_not_equal(sip_request(b->a.sip, &r), 0);
	bed_run(b, 2499);
	assert_int_equal(b->a.n, 0);
	bed_run(b, 2);
	assert_int_equal(bed_want(&b->a, SIP_EV_RESPONSE)->fail, SIP_FAIL_TIMEOUT);
	bed_free(b);
}

static void a_header_value_with_a_line_break_sends_nothing(void **x)
{
	struct bed *b = bed_new();
	struct sip_request r = options_to("10.0.0.2", 5060, SIP_UDP);
	struct sip_xhdr h = { STR("X-A"), STR("b\r\nEvil: 1") };

	(void)x;
	r.xhdr = &h;
	r.nxhdr = 1;
	assert_int_equal(sip_request(b->a.sip, &r), 0);
	bed_run(b, 100);
	assert_int_equal(b->nwire, 0);
	bed_free(b);
}

static void a_registered_flow_is_used_for_requests_to_it(void **x)
{
	struct bed *b = phones();
	struct addr from = bed_addr("10.0.0.9:33333");
	int s = bed_peer_connect(b, &from, &b->a.addr[SIP_TCP]);
	struct sip_request r = options_to("192.168.7.7", 5060, SIP_TCP);

	(void)x;
	bed_run(b, 5);
	r.dest.flow = b->a.ev[0].flow;
	assert_int_not_equal(r.dest.flow, 0);
	assert_int_not_equal(sip_request(b->a.sip, &r), 0);
	bed_run(b, 20);
	assert_memory_equal(bed_peer_got(b, s), "OPTIONS sip:x@b.example SIP/2.0\r\n", 33);
	bed_free(b);
}

static void a_request_said_again_on_another_stream_is_answered_there(void **x)
{
	struct bed *b = phones();
	struct addr from = bed_addr("10.0.0.9:33333"), anew = bed_addr("10.0.0.9:33334");
	const char *t = "INVITE sip:x@y SIP/2.0\r\nVia: SIP/2.0/TCP 10.0.0.9;branch=z9hG4bKtwice\r\n"
			"From: <sip:a@y>;tag=1\r\nTo: <sip:x@y>\r\nCall-ID: twice\r\nCSeq: 1 INVITE\r\n"
			"Contact: <sip:a@10.0.0.9>\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n";
	int s = bed_peer_connect(b, &from, &b->a.addr[SIP_TCP]);

	(void)x;
	bed_run(b, 5);
	bed_peer_write(b, s, t, strlen(t));
	bed_run(b, 20);
	assert_memory_equal(bed_peer_got(b, s), "SIP/2.0 100", 11);
	bed_peer_close(b, s);
	s = bed_peer_connect(b, &anew, &b->a.addr[SIP_TCP]);
	bed_run(b, 5);
	bed_peer_write(b, s, t, strlen(t));
	bed_run(b, 20);
	assert_memory_equal(bed_peer_got(b, s), "SIP/2.0 100", 11);
	bed_free(b);
}

int run_transport(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_get_contact_allow_and_accept),
		cmocka_unit_test(a_repeated_request_gets_the_same_answer_without_asking_again),
		cmocka_unit_test(without_rport_the_answer_goes_to_the_sent_by_port),
		cmocka_unit_test(with_rport_the_answer_goes_back_to_where_it_came_from),
		cmocka_unit_test(nobody_answers_a_request_and_it_ends_with_500),
		cmocka_unit_test(refused_requests_store_nothing),
		cmocka_unit_test(an_ack_to_nothing_is_dropped),
		cmocka_unit_test(a_request_of_ours_that_comes_back_is_a_loop),
		cmocka_unit_test(the_same_invite_by_two_ways_is_merged),
		cmocka_unit_test(a_source_that_is_not_admitted_is_not_even_parsed),
		cmocka_unit_test(malformed_requests_are_answered_or_dropped),
		cmocka_unit_test(a_request_in_three_chunks_over_tcp_is_answered_on_its_connection),
		cmocka_unit_test(a_header_that_never_ends_costs_the_connection_after_10_s),
		cmocka_unit_test(a_connection_that_proves_nothing_is_closed_after_30_s),
		cmocka_unit_test(a_connection_that_got_a_200_may_idle),
		cmocka_unit_test(a_message_without_length_is_refused_and_the_stream_closed),
		cmocka_unit_test(an_answer_whose_connection_is_gone_is_sent_on_a_new_one),
		cmocka_unit_test(our_own_idle_connections_are_kept_alive_with_crlf),
		cmocka_unit_test(a_request_that_wants_its_own_connection_shares_none),
		cmocka_unit_test(one_address_gets_only_so_many_connections),
		cmocka_unit_test(a_name_is_resolved_and_answered),
		cmocka_unit_test(a_name_that_does_not_exist_fails_as_dns),
		cmocka_unit_test(the_next_address_is_tried_when_one_refuses),
		cmocka_unit_test(srv_priorities_are_followed_on_failure),
		cmocka_unit_test(naptr_chooses_tcp_and_then_udp),
		cmocka_unit_test(all_addresses_refused_is_refused),
		cmocka_unit_test(a_reused_connection_that_died_is_made_anew_for_the_request),
		cmocka_unit_test(a_large_request_goes_by_tcp),
		cmocka_unit_test(a_large_request_falls_back_to_udp_where_tcp_is_refused),
		cmocka_unit_test(a_request_has_its_own_time_limit),
		cmocka_unit_test(a_header_value_with_a_line_break_sends_nothing),
		cmocka_unit_test(a_registered_flow_is_used_for_requests_to_it),
		cmocka_unit_test(a_request_said_again_on_another_stream_is_answered_there),
	};

	return cmocka_run_group_tests_name("transport", tests, NULL, NULL);
}
