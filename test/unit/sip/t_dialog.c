/* Dialogs, what is derived from an INVITE, and the guard: pure parts. */
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "sip/derive.h"
#include "sip/dialog.h"
#include "sip/guard.h"
#include "sip/locate.h"
#include "sip/stack_int.h"
#include "t_stack.h"

static struct sip_msg *parse(struct arena *a, const char *text)
{
	struct sip_refuse r;
	struct sip_msg *m = NULL;

	arena_init(a, SIP_ARENA_MAX);
	assert_int_equal(sip_msg_parse(str_of(text), a, &m, &r), OK);
	return m;
}

#define HEAD "Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: \"Al\\\"ice\" <sip:a@x>;tag=f1\r\n" \
	"To: Bob <sip:b@y>;tag=t1\r\nCall-ID: c1\r\n"
#define TAIL "Content-Length: 0\r\n\r\n"

static const char invite[] =
	"INVITE sip:b@y SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
	"From: \"Al\\\"ice\" <sip:a@x>;tag=f1\r\nTo: Bob <sip:b@y>\r\nCall-ID: c1\r\nCSeq: 7 INVITE\r\n"
	"Record-Route: <sip:p1;lr>, <sip:p2;lr>\r\nRecord-Route: <sip:p3;lr>\r\n"
	"Contact: <sip:a@h:5066;transport=tcp?X=1>\r\n" TAIL;

static const char ok200[] =
	"SIP/2.0 200 OK\r\n" HEAD "CSeq: 3 INVITE\r\nRecord-Route: <sip:p1;lr>, <sip:p2>\r\n"
	"Contact: <sip:b@z>\r\n" TAIL;

static void written(struct dialog *d, enum sip_method m, char *mem, size_t cap)
{
	struct buf b;

	buf_init(&b, mem, cap);
	dialog_write(d, &b, m, d->local_cseq, 70);
	(void)buf_z(&b);
	assert_true(buf_ok(&b));
}

static void the_callee_s_dialog_turns_the_invite_round(void **x)
{
	struct arena a;
	struct dialog d;
	char t[2000];

	(void)x;
	dialog_init_uas(&d, parse(&a, invite), STR("mine"));
	written(&d, SIP_BYE, t, sizeof t);
	assert_string_equal(t, "BYE sip:a@h:5066;transport=tcp SIP/2.0\r\n"
		"Route: <sip:p1;lr>, <sip:p2;lr>, <sip:p3;lr>\r\nMax-Forwards: 70\r\n"
		"From: \"Bob\" <sip:b@y>;tag=mine\r\nTo: \"Al\\\"ice\" <sip:a@x>;tag=f1\r\n"
		"Call-ID: c1\r\nCSeq: 1 BYE\r\n");
	dialog_close(&d);
	arena_close(&a);
}

static void the_caller_s_dialog_reverses_the_record_route(void **x)
{
	struct arena a;
	struct dialog d;
	struct sip_uri u;
	bool route = false;
	char t[2000];

	(void)x;
	dialog_init_2xx(&d, parse(&a, ok200));
	written(&d, SIP_ACK, t, sizeof t);
	/* p2 is a strict router: it gets the request, the target goes last. */
	assert_string_equal(t, "ACK sip:p2 SIP/2.0\r\nRoute: <sip:p1;lr>, <sip:b@z>\r\n"
		"Max-Forwards: 70\r\nFrom: \"Al\\\"ice\" <sip:a@x>;tag=f1\r\n"
		"To: \"Bob\" <sip:b@y>;tag=t1\r\nCall-ID: c1\r\nCSeq: 3 ACK\r\n");
	assert_int_equal(dialog_next_hop(&d, &u, &route), OK);
	assert_true(route && str_is(u.host, "p2"));
	dialog_close(&d);
	arena_close(&a);
}

static void a_response_without_contact_keeps_the_target(void **x)
{
	struct arena a;
	struct dialog d;

	(void)x;
	dialog_init_uac(&d, STR("c"), STR("t"), STR("<sip:a@x>"), STR("<sip:b@y>"), STR("sip:b@y"));
	dialog_confirm(&d, parse(&a, "SIP/2.0 200 OK\r\n" HEAD "CSeq: 3 INVITE\r\n" TAIL));
	assert_string_equal(d.target, "sip:b@y");
	assert_string_equal(d.remote_tag, "t1");
	assert_string_equal(d.routes, "");
	dialog_close(&d);
	arena_close(&a);
}

static void a_lower_or_equal_cseq_is_out_of_order(void **x)
{
	struct arena a;
	struct dialog d;
	struct sip_msg *m = parse(&a, invite);

	(void)x;
	dialog_init_uas(&d, m, STR("mine"));
	assert_int_equal(dialog_sequence(&d, m), ERR_STATE);
	m->cseq = 6;
	assert_int_equal(dialog_sequence(&d, m), ERR_STATE);
	m->cseq = 100;
	assert_int_equal(dialog_sequence(&d, m), OK);
	assert_int_equal(d.remote_cseq, 100);
	dialog_close(&d);
	arena_close(&a);
}

static void a_saved_dialog_reads_back_the_same_and_cuts_do_not_read(void **x)
{
	struct arena a;
	struct dialog d, e;
	char mem[2000], t1[2000], t2[2000];
	struct str rest;
	struct buf b;

	(void)x;
	dialog_init_2xx(&d, parse(&a, ok200));
	buf_init(&b, mem, sizeof mem);
	dialog_save(&d, &b);
	buf_lit(&b, "more");
	assert_int_equal(dialog_load(&e, buf_str(&b), &rest), OK);
	assert_true(str_is(rest, "more"));
	written(&d, SIP_BYE, t1, sizeof t1);
	written(&e, SIP_BYE, t2, sizeof t2);
	assert_string_equal(t1, t2);
	dialog_close(&e);
	for (size_t n = 0; n < b.n - 4; n++)
		assert_int_not_equal(dialog_load(&e, (struct str){ mem, n }, &rest), OK);
	dialog_close(&d);
	arena_close(&a);
}

static void names_are_quoted_so_that_they_stay_names(void **x)
{
	static const char *const row[][2] = {
		{ "Bob", "\"Bob\" " }, { "A \"B\"", "\"A \\\"B\\\"\" " }, { "a\\\"b", "\"a\\\"b\" " },
		{ "a\\", "\"a\\\\\" " }, { "x\r\nEvil: 1", "\"x  Evil: 1\" " }, { "", "" },
	};
	char t[100];
	struct buf b;

	(void)x;
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		buf_init(&b, t, sizeof t);
		sip_write_name(&b, str_of(row[i][0]));
		assert_string_equal(buf_z(&b), row[i][1]);
	}
	buf_init(&b, t, sizeof t);
	sip_write_value(&b, STR("a\r\nb"));
	assert_false(buf_ok(&b));
}

/* --- derive --- */

static const char ours[] =
	"INVITE sip:b@y SIP/2.0\r\nVia: SIP/2.0/TLS h:5061;branch=z9hG4bKabc\r\nRoute: <sip:r;lr>\r\n"
	"Max-Forwards: 70\r\nFrom: <sip:a@x>;tag=f\r\nTo: <sip:b@y>\r\nCall-ID: c\r\nCSeq: 4 INVITE\r\n"
	"Contact: <sip:a@h>\r\nSession-Expires: 600\r\nMin-SE: 90\r\nContent-Type: application/sdp\r\n"
	"Content-Length: 5\r\n\r\nv=0\r\n";

static void a_derived_ack_takes_to_of_the_response(void **x)
{
	char t[2000];
	struct buf b;

	(void)x;
	buf_init(&b, t, sizeof t);
	derive_request(&b, str_of(ours), SIP_ACK, STR("<sip:b@y>;tag=z"), STR_NONE);
	assert_string_equal(buf_z(&b), "ACK sip:b@y SIP/2.0\r\nVia: SIP/2.0/TLS h:5061;branch=z9hG4bKabc\r\n"
		"Route: <sip:r;lr>\r\nMax-Forwards: 70\r\nFrom: <sip:a@x>;tag=f\r\nTo: <sip:b@y>;tag=z\r\n"
		"Call-ID: c\r\nCSeq: 4 ACK\r\nContent-Length: 0\r\n\r\n");
	assert_true(str_is(derive_branch(str_of(ours)), "z9hG4bKabc"));
	assert_true(str_is(derive_header(str_of(ours), "CSeq: "), "4 INVITE"));
	assert_null(derive_header(str_of(ours), "X: ").p);
}

static void an_invite_is_made_again_with_another_interval(void **x)
{
	char t[2000];
	struct buf b;

	(void)x;
	buf_init(&b, t, sizeof t);
	derive_again(&b, str_of(ours), 5, STR("Session-Expires: 1800\r\nMin-SE: 1800\r\n"));
	assert_string_equal(buf_z(&b), "INVITE sip:b@y SIP/2.0\r\nRoute: <sip:r;lr>\r\nMax-Forwards: 70\r\n"
		"From: <sip:a@x>;tag=f\r\nTo: <sip:b@y>\r\nCall-ID: c\r\nCSeq: 5 INVITE\r\n"
		"Session-Expires: 1800\r\nMin-SE: 1800\r\nContact: <sip:a@h>\r\n"
		"Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n");
}

static void a_request_is_split_behind_its_via_and_credentials(void **x)
{
	struct str line, rest;

	(void)x;
	derive_split(STR("BYE x SIP/2.0\r\nTo: y\r\n\r\n"), false, &line, &rest);
	assert_true(str_is(line, "BYE x SIP/2.0\r\n"));
	assert_true(str_is(rest, "To: y\r\n\r\n"));
	derive_split(STR("BYE x SIP/2.0\r\nVia: v\r\nTo: y\r\n\r\n"), true, &line, &rest);
	assert_true(str_is(rest, "To: y\r\n\r\n"));
	derive_split(STR("BYE x SIP/2.0\r\nVia: v\r\nAuthorization: Digest a\r\n"
			 "Proxy-Authorization: Digest b\r\nTo: y\r\n\r\n"), true, &line, &rest);
	assert_true(str_is(rest, "To: y\r\n\r\n"));
	derive_split(STR("no line"), false, &line, &rest);
	assert_int_equal(rest.n, 0);
}

static void a_request_is_sent_again_without_its_credentials(void **x)
{
	static const char sent[] = "REGISTER sip:y SIP/2.0\r\nVia: v\r\nAuthorization: Digest a\r\n"
		"To: y\r\nCSeq: 7 REGISTER\r\n\r\n";
	char t[300];
	struct buf b;

	(void)x;
	assert_int_equal(derive_cseq(str_of(sent)), 7);
	assert_int_equal(derive_cseq(STR("x\r\n\r\n")), 0);
	buf_init(&b, t, sizeof t);
	derive_again(&b, str_of(sent), 8, STR_NONE);
	assert_string_equal(buf_z(&b), "REGISTER sip:y SIP/2.0\r\nTo: y\r\nCSeq: 8 REGISTER\r\n\r\n");
	buf_init(&b, t, sizeof t);
	derive_credentials(&b, str_of(sent));
	assert_string_equal(buf_z(&b), "Authorization: Digest a\r\n");
}

/* --- guard --- */

static void the_teams_zone_never_takes_register(void **x)
{
	struct sip_listener l = { .zone = SIP_ZONE_TEAMS, .methods = UINT32_MAX };

	(void)x;
	assert_int_equal(guard_methods(&l) & 1u << SIP_REGISTER, 0);
	l.zone = SIP_ZONE_PHONES;
	assert_int_not_equal(guard_methods(&l) & 1u << SIP_REGISTER, 0);
	l.methods = 1u << SIP_INVITE;
	assert_int_equal(guard_methods(&l), 1u << SIP_INVITE | 1u << SIP_ACK | 1u << SIP_BYE |
						    1u << SIP_CANCEL | 1u << SIP_PRACK |
						    1u << SIP_UPDATE | 1u << SIP_INFO);
}

static void ack_and_cancel_are_never_refused_by_the_guard(void **x)
{
	struct sip_listener l = { .zone = SIP_ZONE_PBX, .methods = 1u << SIP_OPTIONS };
	struct guard_verdict v;
	struct arena a;
	struct sip_msg *m = parse(&a, "ACK sip:x@y SIP/2.0\r\n" HEAD "CSeq: 7 ACK\r\nMax-Forwards: 0\r\n"
				      "Require: everything\r\n" TAIL);

	(void)x;
	guard_check(m, &l, &(struct guard_mark){ STR("cookie"), 0xabc }, &v);
	assert_int_equal(v.status, 0);
	arena_close(&a);
}

static unsigned back(const char *branch, const char *to_tag, uint32_t loop)
{
	struct sip_listener l = { .zone = SIP_ZONE_PBX };
	struct guard_verdict v;
	struct arena a;
	struct sip_msg *m;
	char text[1000];
	struct buf b;

	buf_init(&b, text, sizeof text);
	buf_fmt(&b, "INVITE sip:x@y SIP/2.0\r\nVia: SIP/2.0/UDP proxy;branch=z9hG4bK9, SIP/2.0/UDP us;branch=z9hG4bK%s\r\n"
		"From: <sip:a@x>;tag=1\r\nTo: <sip:b@y>%s\r\nCall-ID: c\r\nCSeq: 7 INVITE\r\n" TAIL, branch, to_tag);
	m = parse(&a, buf_z(&b));
	guard_check(m, &l, &(struct guard_mark){ STR("0cafe0"), loop }, &v);
	arena_close(&a);
	return v.status;
}

/* RFC 5393 4.2: who comes back for another number only passes again. */
static void a_loop_is_what_would_make_the_same_call_again(void **x)
{
	(void)x;
	assert_int_equal(back("0cafe000000abc111", "", 0xabc), 482);
	assert_int_equal(back("0cafe000000abd111", "", 0xabc), 0);
	assert_int_equal(back("0cafe000000000111", "", 0xabc), 482);	/* never comes back by right */
	assert_int_equal(back("0cafe0", "", 0xabc), 482);
	assert_int_equal(back("0cafe0xyz", "", 0xabc), 482);
	assert_int_equal(back("other", "", 0xabc), 0);
	assert_int_equal(back("0cafe000000abc111", ";tag=2", 0xabc), 0);	/* a dialog of both our sides */
}

static void a_flood_of_option_tags_is_refused_without_their_list(void **x)
{
	struct sip_listener l = { .zone = SIP_ZONE_PBX };
	struct guard_verdict v;
	struct arena a;
	struct sip_msg *m;
	char text[6000];
	struct buf b;

	(void)x;
	buf_init(&b, text, sizeof text);
	buf_lit(&b, "OPTIONS sip:x@y SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
		    "From: <sip:a@x>;tag=1\r\nTo: <sip:b@y>\r\nCall-ID: c\r\nCSeq: 7 OPTIONS\r\nRequire: a");
	for (int i = 0; i < 400; i++)
		buf_fmt(&b, ",tag%d", i);
	buf_lit(&b, "\r\n" TAIL);
	m = parse(&a, buf_z(&b));
	guard_check(m, &l, &(struct guard_mark){ STR("cookie"), 0xabc }, &v);
	assert_int_equal(v.status, 420);
	assert_string_equal(v.extra, "");
	arena_close(&a);
}

static void phrases_are_never_missing(void **x)
{
	(void)x;
	assert_string_equal(sip_phrase(486), "Busy Here");
	assert_string_equal(sip_phrase(499), "Request Failure");
	assert_string_equal(sip_phrase(0), "Unknown");
	assert_string_equal(sip_phrase(99999), "Unknown");
}

int run_dialog(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_callee_s_dialog_turns_the_invite_round),
		cmocka_unit_test(the_caller_s_dialog_reverses_the_record_route),
		cmocka_unit_test(a_response_without_contact_keeps_the_target),
		cmocka_unit_test(a_lower_or_equal_cseq_is_out_of_order),
		cmocka_unit_test(a_saved_dialog_reads_back_the_same_and_cuts_do_not_read),
		cmocka_unit_test(names_are_quoted_so_that_they_stay_names),
		cmocka_unit_test(a_derived_ack_takes_to_of_the_response),
		cmocka_unit_test(an_invite_is_made_again_with_another_interval),
		cmocka_unit_test(a_request_is_split_behind_its_via_and_credentials),
		cmocka_unit_test(a_request_is_sent_again_without_its_credentials),
		cmocka_unit_test(the_teams_zone_never_takes_register),
		cmocka_unit_test(ack_and_cancel_are_never_refused_by_the_guard),
		cmocka_unit_test(a_loop_is_what_would_make_the_same_call_again),
		cmocka_unit_test(a_flood_of_option_tags_is_refused_without_their_list),
		cmocka_unit_test(phrases_are_never_missing),
	};

	return cmocka_run_group_tests_name("dialog", tests, NULL, NULL);
}
