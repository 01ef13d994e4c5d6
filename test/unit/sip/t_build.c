#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "sip/build.h"
#include "t_text.h"

static void a_request_is_written_and_reads_back(void **state)
{
	char mem[1024];
	struct buf out;
	struct build b;
	struct arena a;
	struct sip_msg *m = NULL;
	struct sip_refuse why;
	struct sip_body body = { STR("application/sdp"), STR("v=0\r\n") };

	(void)state;
	buf_init(&out, mem, sizeof mem);
	build_request(&b, &out, sip_method_str(SIP_INVITE), STR("sip:+491@gw;user=phone"));
	build_via(&b, SIP_TLS, STR("sbc.example:5061"), STR("z9hG4bK1"));
	build_addr(&b, SIP_H_FROM, STR("A \"B\" \\"), STR("sip:a@b"), STR("t1"));
	build_addr(&b, SIP_H_TO, STR_NONE, STR("sip:c@d"), STR_NONE);
	build_hdr(&b, SIP_H_CALL_ID, STR("x"));
	build_cseq(&b, 7, STR("INVITE"));
	build_num(&b, SIP_H_MAX_FORWARDS, 70);
	build_named(&b, STR("X-Some"), STR("thing"));
	build_body(&b, &body);
	assert_int_equal(build_end(&b), OK);
	assert_str(buf_str(&out),
		   "INVITE sip:+491@gw;user=phone SIP/2.0\r\n"
		   "Via: SIP/2.0/TLS sbc.example:5061;branch=z9hG4bK1;rport\r\n"
		   "From: \"A \\\"B\\\" \\\\\" <sip:a@b>;tag=t1\r\nTo: <sip:c@d>\r\nCall-ID: x\r\n"
		   "CSeq: 7 INVITE\r\nMax-Forwards: 70\r\nX-Some: thing\r\n"
		   "Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n");
	arena_init(&a, SIP_ARENA_MAX);
	assert_int_equal(sip_msg_parse(buf_str(&out), &a, &m, &why), OK);
	assert_str(m->body.bytes, "v=0\r\n");
	arena_close(&a);
}

static void a_body_written_in_place_gets_its_length_afterwards(void **state)
{
	char mem[256];
	struct buf out;
	struct build b;

	(void)state;
	buf_init(&out, mem, sizeof mem);
	build_status(&b, &out, 200, STR("OK"));
	build_body_begin(&b, STR("text/plain"));
	buf_lit(&out, "0123456789ab");
	assert_int_equal(build_end(&b), OK);
	assert_str(buf_str(&out), "SIP/2.0 200 OK\r\nContent-Type: text/plain\r\n"
				  "Content-Length:    12\r\n\r\n0123456789ab");
}

#define HEAD(via) "INVITE sip:x@y SIP/2.0\r\n" via \
	"From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: i\r\nCSeq: 3 INVITE\r\n" \
	"Record-Route: <sip:r1;lr>\r\nRecord-Route: <sip:r2;lr>\r\n\r\n"

static void respond(const char *request, const char *src, unsigned status, struct str tag,
		    const char *want)
{
	char mem[1024];
	struct buf out;
	struct build b;
	struct arena a;
	struct sip_msg *m = NULL;
	struct sip_refuse why;

	arena_init(&a, SIP_ARENA_MAX);
	assert_int_equal(sip_msg_parse(str_of(request), &a, &m, &why), OK);
	if (src)
		assert_int_equal(addr_parse(str_of(src), 0, &m->src), OK);
	buf_init(&out, mem, sizeof mem);
	build_response(&b, &out, m, status, STR("Why"), tag);
	assert_int_equal(build_end(&b), OK);
	assert_str(buf_str(&out), want);
	arena_close(&a);
}

static void a_response_repeats_what_the_request_had(void **state)
{
	(void)state;
	respond(HEAD("Via: SIP/2.0/UDP h:5060;rport;branch=z1 , SIP/2.0/TCP two\r\nVia: SIP/2.0/UDP 3\r\n"),
		"192.0.2.7:4711", 180, STR("me"),
		"SIP/2.0 180 Why\r\n"
		"Via: SIP/2.0/UDP h:5060;rport=4711;branch=z1;received=192.0.2.7 , SIP/2.0/TCP two\r\n"
		"Via: SIP/2.0/UDP 3\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=me\r\n"
		"Call-ID: i\r\nCSeq: 3 INVITE\r\nRecord-Route: <sip:r1;lr>\r\nRecord-Route: <sip:r2;lr>\r\n"
		"Content-Length: 0\r\n\r\n");
	respond(HEAD("Via: SIP/2.0/UDP 192.0.2.7;branch=z1\r\n"), "192.0.2.7:5060", 486, STR_NONE,
		"SIP/2.0 486 Why\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z1\r\n"
		"From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: i\r\nCSeq: 3 INVITE\r\n"
		"Content-Length: 0\r\n\r\n");
}

static void the_source_is_noted_only_where_it_differs_or_is_asked_for(void **state)
{
	(void)state;
	respond(HEAD("Via: SIP/2.0/UDP 192.0.2.7;branch=z1\r\n"), "[2001:db8::1]:5060", 486, STR_NONE,
		"SIP/2.0 486 Why\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z1;received=2001:db8::1\r\n"
		"From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: i\r\nCSeq: 3 INVITE\r\n"
		"Content-Length: 0\r\n\r\n");
	respond(HEAD("Via: SIP/2.0/UDP h;rportx;rport=5;received=192.0.2.1\r\n"), "192.0.2.7:5060", 486,
		STR_NONE,
		"SIP/2.0 486 Why\r\nVia: SIP/2.0/UDP h;rportx;rport=5;received=192.0.2.1\r\n"
		"From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: i\r\nCSeq: 3 INVITE\r\n"
		"Content-Length: 0\r\n\r\n");
	respond(HEAD("Via: SIP/2.0/UDP h;rport\r\n"), NULL, 486, STR_NONE,
		"SIP/2.0 486 Why\r\nVia: SIP/2.0/UDP h;rport\r\n"
		"From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: i\r\nCSeq: 3 INVITE\r\n"
		"Content-Length: 0\r\n\r\n");
}

static void a_via_with_all_the_parameters_there_may_be_can_be_answered(void **state)
{
	static const char head[] = "OPTIONS sip:x@y SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z1;rport",
		tail[] = "\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: i\r\nCSeq: 3 OPTIONS\r\n\r\n";
	char mem[2][1024];
	struct buf in, out;
	struct build b;
	struct arena a;
	struct sip_msg *m = NULL, *back = NULL;
	struct sip_refuse why;

	(void)state;
	buf_init(&in, mem[0], sizeof mem[0]);
	buf_lit(&in, head);
	for (unsigned i = 2; i < SIP_PARAM_MAX; i++)
		buf_lit(&in, ";p");
	buf_lit(&in, tail);
	arena_init(&a, SIP_ARENA_MAX);
	assert_int_equal(sip_msg_parse(buf_str(&in), &a, &m, &why), OK);
	assert_int_equal(addr_parse(STR("192.0.2.7:5060"), 0, &m->src), OK);
	buf_init(&out, mem[1], sizeof mem[1]);
	build_response(&b, &out, m, 200, STR("OK"), STR("t"));
	assert_int_equal(build_end(&b), OK);
	assert_int_equal(sip_msg_parse(buf_str(&out), &a, &back, &why), OK);
	assert_str(back->via.received, "192.0.2.7");
	arena_close(&a);
}

static void a_value_that_would_begin_a_header_is_refused(void **state)
{
	static const struct { const char *p; size_t n; } evil[] = {
		STR_INIT("a\r\nEvil: yes"), STR_INIT("a\nb"), STR_INIT("a\rb"), STR_INIT("a\0b"),
	};
	char mem[256];
	struct buf out;
	struct build b;

	(void)state;
	for (size_t i = 0; i < sizeof evil / sizeof *evil; i++) {
		struct str v = { evil[i].p, evil[i].n };

		for (int how = 0; how < 7; how++) {
			buf_init(&out, mem, sizeof mem);
			build_status(&b, &out, 200, how == 0 ? v : STR("OK"));
			if (how == 1)
				build_hdr(&b, SIP_H_SUBJECT, v);
			if (how == 2)
				build_named(&b, STR("X"), v);
			if (how == 3)
				build_addr(&b, SIP_H_TO, v, STR("sip:a@b"), STR_NONE);
			if (how == 4)
				build_addr(&b, SIP_H_TO, STR_NONE, v, STR_NONE);
			if (how == 5)
				build_via(&b, SIP_UDP, v, STR("b"));
			if (how == 6)
				build_cseq(&b, 1, v);
			build_hdr(&b, SIP_H_SUBJECT, STR("sticky"));
			assert_int_equal(build_end(&b), ERR_PARSE);
			assert_false(sip_value_ok(v));
		}
	}
}

static void what_is_not_a_message_is_refused(void **state)
{
	char mem[64];
	struct buf out;
	struct build b;

	(void)state;
	buf_init(&out, mem, sizeof mem);
	build_request(&b, &out, STR("IN VITE"), STR("sip:a@b"));
	assert_int_equal(build_end(&b), ERR_PARSE);
	build_request(&b, &out, STR("INVITE"), STR("sip:a@b c"));
	assert_int_equal(build_end(&b), ERR_PARSE);
	build_status(&b, &out, 99, STR("Low"));
	assert_int_equal(build_end(&b), ERR_RANGE);
	build_status(&b, &out, 200, STR("OK"));
	build_named(&b, STR("Bad Name"), STR("x"));
	assert_int_equal(build_end(&b), ERR_PARSE);
	build_status(&b, &out, 200, STR("OK"));
	build_hdr(&b, SIP_H_OTHER, STR("x"));
	assert_int_equal(build_end(&b), ERR_RANGE);
}

static enum err write_all(struct buf *out)
{
	struct build b;

	build_request(&b, out, STR("INVITE"), STR("sip:a@b"));
	build_addr(&b, SIP_H_TO, STR("x"), STR("sip:a@b"), STR("t"));
	build_body_begin(&b, STR("a/b"));
	buf_lit(out, "0123456789");
	return build_end(&b);
}

static void a_full_buffer_is_told_at_the_end(void **state)
{
	char mem[400];
	struct buf out;
	size_t n;

	(void)state;
	buf_init(&out, mem, sizeof mem);
	assert_int_equal(write_all(&out), OK);
	n = out.n;
	for (size_t cap = 0; cap <= n; cap++) {
		buf_init(&out, mem, cap);
		assert_int_equal(write_all(&out), cap < n ? ERR_LIMIT : OK);
	}
}

int run_build(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_written_and_reads_back),
		cmocka_unit_test(a_body_written_in_place_gets_its_length_afterwards),
		cmocka_unit_test(a_response_repeats_what_the_request_had),
		cmocka_unit_test(the_source_is_noted_only_where_it_differs_or_is_asked_for),
		cmocka_unit_test(a_via_with_all_the_parameters_there_may_be_can_be_answered),
		cmocka_unit_test(a_value_that_would_begin_a_header_is_refused),
		cmocka_unit_test(what_is_not_a_message_is_refused),
		cmocka_unit_test(a_full_buffer_is_told_at_the_end),
	};

	return cmocka_run_group_tests_name("build", tests, NULL, NULL);
}
