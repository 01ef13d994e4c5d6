/* What a Direct Routing trunk asks of the stack: streams, route sets, names; and IPv6. */
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "bed.h"
#include "sip/stack_int.h"
#include "t_stack.h"

/* A response to the first request with this prefix, over the scripted stream. */
static void reply(struct bed *b, int stream, const char *to_request, const char *line,
		  const char *extra)
{
	const struct bed_msg *m = bed_msg(b, to_request, 0);
	char mem[3000], via[300], from[200], to[200], id[100], cseq[40];
	struct buf t;

	assert_non_null(m);
	assert_true(bed_hdr(m, "Via", via, sizeof via) && bed_hdr(m, "From", from, sizeof from) &&
		    bed_hdr(m, "To", to, sizeof to) && bed_hdr(m, "Call-ID", id, sizeof id) &&
		    bed_hdr(m, "CSeq", cseq, sizeof cseq));
	buf_init(&t, mem, sizeof mem);
	buf_fmt(&t, "SIP/2.0 %s\r\nVIA: %s\r\nFROM: %s\r\nTO: %s;tag=ms\r\nCALL-ID: %s\r\nCSEQ: %s\r\n"
		"%sCONTENT-LENGTH: 0\r\n\r\n", line, via, from, to, id, cseq, extra);
	bed_peer_write(b, stream, t.p, t.n);
	bed_run(b, 20);
}

static uint64_t dial(struct bed *b, const char *host, ms_t first_response)
{
	struct sip_opts o = { .contact_host = "sbc.adatum.biz", .never_dial_contact = true };
	struct sip_invite i = { .owner = 7, .opts = bed_keep(b, &o), .ruri = STR("sip:+1@sip.ms.example"),
				.from_uri = STR("sip:+2@sbc.adatum.biz"),
				.to_uri = STR("sip:+1@sip.ms.example"), .first_response = first_response };

	i.dest = (struct sip_dest){ .listener = SIP_TLS, .transport = SIP_TLS, .port = 5061 };
	assert_true(str_copy(i.dest.host, sizeof i.dest.host, str_of(host)));
	i.body = (struct sip_body){ STR("application/sdp"), STR("v=0\r\n") };
	return sip_invite(b->a.sip, &i);
}

static struct bed *teams(void)
{
	struct bed *b = bed_new_with(NULL, 0, SIP_ZONE_TEAMS);
	struct addr at = bed_addr("10.0.0.9:5061");

	bed_peer_listen(b, &at);
	bed_dns(b, "sip.ms.example", DNS_ADDR4, "10.0.0.9");
	return b;
}

static void requests_in_the_dialog_go_to_the_route_s_host_over_our_own_connection(void **x)
{
	struct bed *b = teams();
	struct addr route = bed_addr("10.0.0.8:5061"), from = bed_addr("10.0.0.7:4444");
	uint64_t id = dial(b, "sip.ms.example", 2500);
	char bye[2000], v[3][200];
	int first, second, inbound;
	struct buf t;

	(void)x;
	bed_peer_listen(b, &route);
	bed_dns(b, "sip-du-a.ms.example", DNS_ADDR4, "10.0.0.8");
	bed_run(b, 50);
	first = bed_peer_accepted(b);
	assert_memory_equal(bed_peer_got(b, first), "INVITE sip:+1@sip.ms.example SIP/2.0\r\n", 38);
	reply(b, first, "INVITE", "100 Trying", "");
	reply(b, first, "INVITE", "200 OK", "RECORD-ROUTE: <sip:sip-du-a.ms.example:5061;transport=tls;lr>\r\n"
	      "CONTACT: <sip:api-du-a.ms.example:443;x-i=guid>\r\n");
	bed_run(b, 50);
	second = bed_peer_accepted(b);
	assert_int_not_equal(second, first);
	assert_memory_equal(bed_peer_got(b, second), "ACK sip:api-du-a.ms.example:443;x-i=guid SIP/2.0\r\n", 50);
	assert_true(bed_hdr(bed_msg(b, "ACK", 0), "Route", v[0], 200));
	assert_string_equal(v[0], "<sip:sip-du-a.ms.example:5061;transport=tls;lr>");
	/* The BYE comes over a connection from an address never seen: it is answered there. */
	assert_true(bed_hdr(bed_msg(b, "ACK", 0), "From", v[0], 200) &&
		    bed_hdr(bed_msg(b, "ACK", 0), "To", v[1], 200) &&
		    bed_hdr(bed_msg(b, "ACK", 0), "Call-ID", v[2], 200));
	buf_init(&t, bye, sizeof bye);
	buf_fmt(&t, "BYE sip:sbc.adatum.biz:5061;transport=tls SIP/2.0\r\nFROM: %s\r\nTO: %s\r\nCSEQ: 1 BYE\r\n"
		"CALL-ID: %s\r\nMAX-FORWARDS: 70\r\nVIA: SIP/2.0/TLS 10.0.0.7:5061;branch=z9hG4bKm\r\n"
		"REASON: Q.850;cause=16\r\nCONTENT-LENGTH: 0\r\n\r\n", v[1], v[0], v[2]);
	inbound = bed_peer_connect(b, &from, &b->a.addr[SIP_TLS]);
	bed_run(b, 10);
	bed_peer_write(b, inbound, t.p, t.n);
	bed_run(b, 20);
	assert_memory_equal(bed_peer_got(b, inbound), "SIP/2.0 200 OK\r\n", 16);
	assert_int_equal(bed_count(&b->a, SIP_EV_BYE), 1);
	(void)id;
	bed_free(b);
}

static void a_host_that_is_silent_after_accepting_is_given_up_in_time(void **x)
{
	struct bed *b = teams();
	uint64_t id = dial(b, "sip.ms.example", 2500);
	int s;

	(void)x;
	bed_run(b, 2490);
	assert_int_equal(bed_count(&b->a, SIP_EV_FAILED), 0);
	bed_run(b, 20);
	assert_int_equal(bed_want(&b->a, SIP_EV_FAILED)->fail, SIP_FAIL_TIMEOUT);
	/* Its late answer is acknowledged and ended in silence. */
	s = bed_peer_accepted(b);
	reply(b, s, "INVITE", "200 OK", "CONTACT: <sip:c@10.0.0.9:5061;transport=tls>\r\n");
	assert_int_equal(bed_sent(b, "ACK "), 1);
	assert_int_equal(bed_sent(b, "BYE "), 1);
	assert_int_equal(bed_count(&b->a, SIP_EV_ANSWER) + bed_count(&b->a, SIP_EV_EXTRA_ANSWER), 0);
	(void)id;
	bed_free(b);
}

static void a_503_with_retry_after_lets_its_owner_close_the_connection(void **x)
{
	struct bed *b = teams();
	struct addr at = bed_addr("10.0.0.9:5061");
	const struct bed_event *e;
	int s;

	(void)x;
	(void)dial(b, "sip.ms.example", 2500);
	bed_run(b, 50);
	s = bed_peer_accepted(b);
	reply(b, s, "INVITE", "503 Service Unavailable", "RETRY-AFTER: 30\r\n");
	e = bed_want(&b->a, SIP_EV_FAILED);
	assert_int_equal(e->status, 503);
	assert_int_equal(e->retry_after_s, 30);
	assert_int_equal(bed_sent(b, "ACK "), 1);
	sip_close_flows(b->a.sip, &at);
	bed_run(b, 20);
	assert_true(bed_peer_closed(b, s));
	(void)dial(b, "sip.ms.example", 2500);
	bed_run(b, 50);
	assert_int_not_equal(bed_peer_accepted(b), s);
	bed_free(b);
}

static void a_name_that_does_not_resolve_is_told_as_dns(void **x)
{
	struct bed *b = teams();

	(void)x;
	bed_dns(b, "sip2.ms.example", DNS_ADDR4, "timeout");
	(void)dial(b, "sip2.ms.example", 2500);
	bed_run(b, 100);
	assert_int_equal(bed_want(&b->a, SIP_EV_FAILED)->fail, SIP_FAIL_DNS);
	bed_free(b);
}

static void a_cancel_while_the_name_is_asked_sends_nothing(void **x)
{
	struct bed *b = teams();
	uint64_t id = dial(b, "sip.ms.example", 0);

	(void)x;
	assert_int_equal(sip_cancel(b->a.sip, id, NULL, 0), OK);
	bed_run(b, 1000);
	assert_int_equal(bed_want(&b->a, SIP_EV_FAILED)->status, 487);
	assert_int_equal(b->nwire, 0);
	bed_free(b);
}

/* --- requests of a caller --- */

static void says(struct bed *b, const char *method, const char *branch, const char *to_tag, int cseq)
{
	struct addr at = bed_addr("10.0.0.9:5060");
	char mem[1500], tag[80] = "";
	struct buf t, g;

	buf_init(&g, tag, sizeof tag);
	if (to_tag) {
		buf_lit(&g, ";tag=");
		buf_lit(&g, to_tag);
	}
	(void)buf_z(&g);
	buf_init(&t, mem, sizeof mem);
	buf_fmt(&t, "%s sip:1@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9;rport;branch=z9hG4bK%s\r\n"
		"Max-Forwards: 70\r\nFrom: <sip:9@x>;tag=f\r\nTo: <sip:1@x>%s\r\nCall-ID: i\r\n"
		"CSeq: %d %s\r\nContact: <sip:9@10.0.0.9>\r\nContent-Length: 0\r\n\r\n",
		method, branch, tag, cseq, method);
	bed_peer_send(b, &at, &b->a.addr[0], buf_z(&t));
	bed_run(b, 20);
}

static struct bed *called(uint64_t *session, char tag[80])
{
	struct bed *b = bed_new();
	struct addr at = bed_addr("10.0.0.9:5060");
	struct sip_info info;

	bed_peer_udp(b, &at);
	says(b, "INVITE", "i", NULL, 1);
	*session = bed_want(&b->a, SIP_EV_INVITE)->session;
	assert_int_equal(sip_own(b->a.sip, *session, 3, &bed_opts), OK);
	assert_int_equal(sip_session_info(b->a.sip, *session, &info), OK);
	assert_true(str_copy(tag, 80, str_of(info.local_tag)));
	assert_string_equal(info.call_id, "i");
	assert_string_equal(info.remote_tag, "f");
	return b;
}

static void a_caller_s_cancel_ends_the_call_with_its_200_and_487(void **x)
{
	uint64_t id;
	char tag[80], v[100];
	struct bed *b = called(&id, tag);

	(void)x;
	assert_int_equal(sip_ring(b->a.sip, id, 180, NULL, NULL, 0), OK);
	says(b, "CANCEL", "i", NULL, 1);
	assert_int_equal(bed_want(&b->a, SIP_EV_CANCELLED)->owner, 3);
	assert_int_equal(bed_sent(b, "SIP/2.0 200"), 1);
	assert_int_equal(bed_sent(b, "SIP/2.0 487"), 1);
	assert_true(bed_hdr(bed_msg(b, "SIP/2.0 200", 0), "To", v, sizeof v));
	assert_non_null(strstr(v, tag));
	assert_int_equal(sip_ring(b->a.sip, id, 180, NULL, NULL, 0), ERR_GONE);
	says(b, "ACK", "i", tag, 1);
	says(b, "CANCEL", "i", NULL, 1);
	assert_int_equal(bed_count(&b->a, SIP_EV_CANCELLED), 1);
	bed_run(b, 40000);
	bed_free(b);
}

static void a_cancel_after_the_answer_changes_nothing(void **x)
{
	uint64_t id;
	char tag[80];
	struct bed *b = called(&id, tag);

	(void)x;
	assert_int_equal(sip_answer(b->a.sip, id, NULL, NULL, 0), OK);
	says(b, "CANCEL", "i", NULL, 1);
	assert_int_equal(bed_count(&b->a, SIP_EV_CANCELLED), 0);
	says(b, "ACK", "a", tag, 1);
	assert_int_equal(bed_count(&b->a, SIP_EV_ACK), 1);
	says(b, "BYE", "b", tag, 2);
	assert_int_equal(bed_count(&b->a, SIP_EV_BYE), 1);
	bed_free(b);
}

static void a_caller_s_bye_before_the_answer_ends_the_call(void **x)
{
	uint64_t id;
	char tag[80];
	struct bed *b = called(&id, tag);

	(void)x;
	assert_int_equal(sip_ring(b->a.sip, id, 180, NULL, NULL, 0), OK);
	says(b, "BYE", "b", tag, 2);
	assert_int_equal(bed_count(&b->a, SIP_EV_CANCELLED), 1);
	assert_int_equal(bed_sent(b, "SIP/2.0 200"), 1);
	assert_int_equal(bed_sent(b, "SIP/2.0 487"), 1);
	bed_free(b);
}

static void a_bye_faster_than_the_ack_ends_the_call(void **x)
{
	uint64_t id;
	char tag[80];
	struct bed *b = called(&id, tag);

	(void)x;
	assert_int_equal(sip_answer(b->a.sip, id, NULL, NULL, 0), OK);
	says(b, "BYE", "b", tag, 2);
	assert_int_equal(bed_count(&b->a, SIP_EV_BYE), 1);
	bed_run(b, 5000);
	assert_int_equal(bed_sent(b, "SIP/2.0 200"), 2);	/* its own is not repeated any more */
	bed_free(b);
}

static void a_reinvite_before_the_ack_gets_500_with_retry_after(void **x)
{
	uint64_t id;
	char tag[80], v[20];
	struct bed *b = called(&id, tag);

	(void)x;
	assert_int_equal(sip_answer(b->a.sip, id, NULL, NULL, 0), OK);
	says(b, "INVITE", "r", tag, 2);
	assert_true(bed_hdr(bed_msg(b, "SIP/2.0 500", 0), "Retry-After", v, sizeof v));
	assert_int_equal(bed_count(&b->a, SIP_EV_REINVITE), 0);
	sip_abandon(b->a.sip, id);
	bed_free(b);
}

static void a_withdrawn_reinvite_is_487_and_can_be_sent_again(void **x)
{
	uint64_t id;
	char tag[80];
	struct bed *b = called(&id, tag);

	(void)x;
	assert_int_equal(sip_answer(b->a.sip, id, NULL, NULL, 0), OK);
	says(b, "ACK", "a", tag, 1);
	says(b, "INVITE", "r", tag, 2);
	assert_int_equal(bed_count(&b->a, SIP_EV_REINVITE), 1);
	says(b, "CANCEL", "r", tag, 2);
	assert_int_equal(bed_sent(b, "SIP/2.0 487"), 1);
	assert_int_equal(sip_reinvite_answer(b->a.sip, id, 200, NULL, NULL, 0), ERR_STATE);
	says(b, "INVITE", "r2", tag, 3);
	assert_int_equal(sip_reinvite_answer(b->a.sip, id, 488, NULL, NULL, 0), OK);
	assert_int_equal(bed_count(&b->a, SIP_EV_REINVITE), 2);
	sip_abandon(b->a.sip, id);
	bed_free(b);
}

static void commands_out_of_place_are_refused_and_change_nothing(void **x)
{
	uint64_t id;
	char tag[80];
	struct bed *b = called(&id, tag);

	(void)x;
	assert_int_equal(sip_cancel(b->a.sip, id, NULL, 0), ERR_STATE);
	assert_int_equal(sip_ack(b->a.sip, id, NULL), ERR_STATE);
	assert_int_equal(sip_bye(b->a.sip, id, NULL, 0), ERR_STATE);
	assert_int_equal(sip_reinvite(b->a.sip, id, NULL, NULL, 0), ERR_STATE);
	assert_int_equal(sip_reinvite_answer(b->a.sip, id, 200, NULL, NULL, 0), ERR_STATE);
	assert_int_equal(sip_ring(b->a.sip, id, 200, NULL, NULL, 0), ERR_RANGE);
	assert_int_equal(sip_ring(b->a.sip, id, 100, NULL, NULL, 0), ERR_RANGE);
	assert_int_equal(sip_reject(b->a.sip, id, 200, NULL, NULL, 0), ERR_RANGE);
	assert_int_equal(sip_respond(b->a.sip, 99, 200, NULL, NULL, NULL, 0), ERR_GONE);
	assert_int_equal(sip_ring(b->a.sip, id, 183, NULL, NULL, 0), OK);
	assert_int_equal(sip_reject(b->a.sip, id, 603, "No, thank you", NULL, 0), OK);
	assert_int_equal(sip_reject(b->a.sip, id, 603, NULL, NULL, 0), ERR_GONE);
	bed_run(b, 20);
	assert_int_equal(bed_sent(b, "SIP/2.0 603 No, thank you\r\n"), 1);
	bed_free(b);
}

static void a_body_out_of_a_multipart_reaches_the_owner(void **x)
{
	struct bed *b = bed_new();
	struct addr at = bed_addr("10.0.0.9:5060");
	static const char body[] = "--z\r\nContent-Type: application/sdp\r\n\r\nv=0 inner\r\n\r\n"
		"--z\r\nContent-Type: application/pidf+xml\r\n\r\n<x/>\r\n--z--\r\n";
	char mem[2000];
	struct buf t;

	(void)x;
	bed_peer_udp(b, &at);
	buf_init(&t, mem, sizeof mem);
	buf_fmt(&t, "INVITE sip:1@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9;rport;branch=z9hG4bKm\r\n"
		"Max-Forwards: 70\r\nFrom: <sip:9@x>;tag=f\r\nTo: <sip:1@x>\r\nCall-ID: m\r\nCSeq: 1 INVITE\r\n"
		"Contact: <sip:9@10.0.0.9>\r\nContent-Type: multipart/mixed;boundary=z\r\n"
		"Content-Length: %zu\r\n\r\n%s", sizeof body - 1, body);
	bed_peer_send(b, &at, &b->a.addr[0], buf_z(&t));
	bed_run(b, 20);
	assert_string_equal(bed_want(&b->a, SIP_EV_INVITE)->body, "v=0 inner\r\n");
	sip_abandon(b->a.sip, b->a.ev[0].session);
	bed_free(b);
}

/* --- what the simulator needs --- */

static void forks_of_one_uas_have_tags_of_their_own(void **x)
{
	uint64_t id;
	char tag[80], v[4][200];
	struct bed *b = called(&id, tag);
	struct sip_info info;

	(void)x;
	assert_int_equal(sip_ring_tag(b->a.sip, id, 0, 180, NULL, NULL, 0), OK);
	assert_int_equal(sip_ring_tag(b->a.sip, id, 1, 180, NULL, NULL, 0), OK);
	assert_int_equal(sip_ring_tag(b->a.sip, id, 26, 180, NULL, NULL, 0), ERR_RANGE);
	assert_int_equal(sip_answer_tag(b->a.sip, id, 2, NULL, NULL, 0), OK);
	bed_run(b, 10);
	for (int i = 0; i < 3; i++)
		assert_true(bed_hdr(bed_msg(b, i < 2 ? "SIP/2.0 180" : "SIP/2.0 200", i < 2 ? i : 0),
				    "To", v[i], 200));
	assert_string_not_equal(v[0], v[1]);
	assert_string_not_equal(v[1], v[2]);
	assert_int_equal(sip_session_info(b->a.sip, id, &info), OK);
	assert_non_null(strstr(v[2], info.local_tag));
	says(b, "ACK", "a", info.local_tag, 1);
	assert_int_equal(bed_count(&b->a, SIP_EV_ACK), 1);
	says(b, "BYE", "b", info.local_tag, 2);
	assert_int_equal(bed_count(&b->a, SIP_EV_BYE), 1);
	bed_free(b);
}

static void header_names_can_be_sent_in_capitals_and_options_answered_bare(void **x)
{
	struct sip_config c = { .upper_case = true, .options_answer_bare = true };
	struct bed *b = bed_new_with(&c, 0, SIP_ZONE_PBX);
	struct addr at = bed_addr("10.0.0.9:5060");
	const struct bed_msg *m;

	(void)x;
	bed_peer_udp(b, &at);
	b->a.on = bed_answering;
	says(b, "OPTIONS", "o", NULL, 1);
	m = bed_msg(b, "SIP/2.0 200 OK\r\nVIA: SIP/2.0/UDP 10.0.0.9", 0);
	assert_non_null(m);
	assert_non_null(strstr(m->text, "\r\nTO: <sip:1@x>\r\nCALL-ID: i\r\n"));
	assert_null(strstr(m->text, "CONTACT"));
	b->b.on = bed_answering;
	(void)bed_invite(&b->a, &b->b, SIP_UDP, "a:lower\r\n");
	bed_run(b, 20);
	assert_int_equal(bed_count(&b->a, SIP_EV_ANSWER), 1);
	assert_non_null(strstr(bed_msg(b, "INVITE", 0)->text, "\r\n\r\na:lower\r\n"));
	assert_non_null(bed_msg(b, "ACK sip:10.0.0.2:5060 SIP/2.0\r\nVIA: ", 0));
	sip_abandon(b->a.sip, b->a.ev[b->a.n - 1].session);
	bed_free(b);
}

/* --- IPv6 --- */

static void an_ipv6_listener_writes_its_address_in_brackets(void **x)
{
	struct bed *b = bed_new();
	struct sip_listener l = { .transport = SIP_UDP, .bind = bed_addr("[2001:db8::1]:5060") };
	struct addr to = bed_addr("[2001:db8::9]:5060");
	struct sip_request r = { .method = SIP_OPTIONS, .ruri = STR("sip:[2001:db8::9]"),
				 .from_uri = STR("sip:a@a"), .to_uri = STR("sip:[2001:db8::9]") };
	char v[200];
	int e;

	(void)x;
	bed_peer_udp(b, &to);
	assert_int_equal(sip_listen(b->a.sip, &l, &r.dest.listener, &e), OK);
	assert_true(str_copy(r.dest.host, sizeof r.dest.host, STR("2001:db8::9")));
	assert_int_not_equal(sip_request(b->a.sip, &r), 0);
	bed_run(b, 20);
	assert_true(addr_eq(&bed_msg(b, "OPTIONS", 0)->to, &to));
	assert_true(bed_hdr(bed_msg(b, "OPTIONS", 0), "Via", v, sizeof v));
	assert_memory_equal(v, "SIP/2.0/UDP [2001:db8::1]:5060;branch=", 38);
	assert_true(bed_hdr(bed_msg(b, "OPTIONS", 0), "Contact", v, sizeof v));
	assert_string_equal(v, "<sip:[2001:db8::1]:5060>");
	bed_free(b);
}

static void an_advertised_name_stands_in_via_and_contact_of_responses_too(void **x)
{
	struct bed *b = bed_new();
	struct sip_listener l = { .transport = SIP_UDP, .bind = bed_addr("10.0.0.1:5080"),
				  .adv_host = "sbc.example", .adv_port = 5999 };
	struct addr from = bed_addr("10.0.0.9:5060");
	uint32_t i;
	char v[100];
	int e;

	(void)x;
	bed_peer_udp(b, &from);
	assert_int_equal(sip_listen(b->a.sip, &l, &i, &e), OK);
	b->a.on = bed_answering;
	bed_peer_send(b, &from, &l.bind,
		      "OPTIONS sip:sbc.example SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9;rport;branch=z9hG4bKo\r\n"
		      "Max-Forwards: 70\r\nFrom: <sip:9@x>;tag=f\r\nTo: <sip:sbc.example>\r\nCall-ID: o\r\n"
		      "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n");
	bed_run(b, 20);
	assert_true(bed_hdr(bed_msg(b, "SIP/2.0 200", 0), "Contact", v, sizeof v));
	assert_string_equal(v, "<sip:sbc.example:5999>");
	bed_free(b);
}

int run_trunk(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_in_the_dialog_go_to_the_route_s_host_over_our_own_connection),
		cmocka_unit_test(a_host_that_is_silent_after_accepting_is_given_up_in_time),
		cmocka_unit_test(a_503_with_retry_after_lets_its_owner_close_the_connection),
		cmocka_unit_test(a_name_that_does_not_resolve_is_told_as_dns),
		cmocka_unit_test(a_cancel_while_the_name_is_asked_sends_nothing),
		cmocka_unit_test(a_caller_s_cancel_ends_the_call_with_its_200_and_487),
		cmocka_unit_test(a_cancel_after_the_answer_changes_nothing),
		cmocka_unit_test(a_caller_s_bye_before_the_answer_ends_the_call),
		cmocka_unit_test(a_bye_faster_than_the_ack_ends_the_call),
		cmocka_unit_test(a_reinvite_before_the_ack_gets_500_with_retry_after),
		cmocka_unit_test(a_withdrawn_reinvite_is_487_and_can_be_sent_again),
		cmocka_unit_test(commands_out_of_place_are_refused_and_change_nothing),
		cmocka_unit_test(a_body_out_of_a_multipart_reaches_the_owner),
		cmocka_unit_test(forks_of_one_uas_have_tags_of_their_own),
		cmocka_unit_test(header_names_can_be_sent_in_capitals_and_options_answered_bare),
		cmocka_unit_test(an_ipv6_listener_writes_its_address_in_brackets),
		cmocka_unit_test(an_advertised_name_stands_in_via_and_contact_of_responses_too),
	};

	return cmocka_run_group_tests_name("trunk", tests, NULL, NULL);
}
