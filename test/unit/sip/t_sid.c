/* Session-ID (RFC 7989) on every message of a session, in both directions. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "script.h"
#include "sip/stack_int.h"
#include "t_stack.h"

#define A "0123456789abcdef0123456789abcdef"
#define B "fedcba9876543210fedcba9876543210"
#define NIL "00000000000000000000000000000000"

static const struct sip_opts named = { .session_id = true }, plain = { .session_id = false };

static void own(struct bed_side *s, const struct sip_event *ev)
{
	if (ev->kind == SIP_EV_INVITE)
		assert_int_equal(sip_own(s->sip, ev->session, 9, s->arg), OK);
}

static uint64_t taken(struct bed *b, const struct sip_opts *o, const char *extra)
{
	b->a.on = own;
	b->a.arg = (void *)(uintptr_t)o;
	call_in(b, extra, "v=0\r\n");
	return bed_want(&b->a, SIP_EV_INVITE)->session;
}

static uint64_t named_call(struct bed *b, const char *id)
{
	struct sip_invite i = { .owner = 7, .opts = &named, .ruri = STR("sip:200@10.0.0.9"),
				.from_uri = STR("sip:100@a.example"), .to_uri = STR("sip:200@10.0.0.9"),
				.body = { STR("application/sdp"), STR("v=0\r\n") } };
	uint64_t session;

	i.session_id = str_of(id);
	i.dest = (struct sip_dest){ .transport = SIP_UDP, .host = "10.0.0.9", .port = 5060 };
	session = sip_invite(b->a.sip, &i);
	bed_run(b, 20);
	return session;
}

static void our_requests_say_ours_and_the_peer_s(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	uint64_t id = named_call(b, A);
	struct sip_info info;
	char v[300];

	(void)x;
	assert_string_equal(value(b, "INVITE", "Session-ID", v), A ";remote=" NIL);
	reply(b, (struct reply){ "INVITE", 0, "180 Ringing", "a", CONTACT "Session-ID: " B ";remote=" A "\r\n", NULL });
	reply(b, (struct reply){ "INVITE", 0, "200 OK", "a", CONTACT, "v=0\r\n" });	/* has none: stays */
	assert_string_equal(value(b, "ACK", "Session-ID", v), A ";remote=" B);
	assert_int_equal(sip_session_info(b->a.sip, id, &info), OK);
	assert_string_equal(info.session_local, A);
	assert_string_equal(info.session_remote, B);
	(void)sip_bye(b->a.sip, id, NULL, 0);
	bed_run(b, 20);
	assert_string_equal(value(b, "BYE", "Session-ID", v), A ";remote=" B);
	bed_free(b);
}

static void cancel_has_it_too(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	uint64_t id = named_call(b, A);
	char v[300];

	(void)x;
	reply(b, (struct reply){ "INVITE", 0, "180 Ringing", "a", CONTACT, NULL });
	(void)sip_cancel(b->a.sip, id, NULL, 0);
	bed_run(b, 20);
	assert_string_equal(value(b, "CANCEL", "Session-ID", v), A ";remote=" NIL);
	reply(b, (struct reply){ "INVITE", 0, "487 Gone", "a", NULL, NULL });
	assert_string_equal(value(b, "ACK", "Session-ID", v), A ";remote=" NIL);
	bed_free(b);
}

static void our_answers_say_the_other_side_s(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	uint64_t id = taken(b, &named, "Session-ID: " A ";remote=" NIL "\r\n");
	struct sip_body sdp = { STR("application/sdp"), STR("v=0\r\n") };
	char v[300];

	(void)x;
	(void)sip_ring(b->a.sip, id, 180, NULL, NULL, 0);
	bed_run(b, 20);
	assert_string_equal(value(b, "SIP/2.0 180", "Session-ID", v), NIL ";remote=" A);
	sip_say_session_id(b->a.sip, id, STR("short"));
	sip_say_session_id(b->a.sip, id, STR(B));
	sip_say_session_id(b->a.sip, 4711, STR(B));
	(void)sip_answer(b->a.sip, id, &sdp, NULL, 0);
	bed_run(b, 20);
	assert_string_equal(value(b, "SIP/2.0 200", "Session-ID", v), B ";remote=" A);
	ask_in(b, "ACK", 1, NULL, NULL);
	ask_in(b, "OPTIONS", 2, NULL, NULL);
	(void)bed_want(&b->a, SIP_EV_ACK);
	(void)sip_respond(b->a.sip, bed_want(&b->a, SIP_EV_INDIALOG)->tsx, 200, NULL, NULL, NULL, 0);
	bed_run(b, 20);
	assert_string_equal(value(b, "SIP/2.0 200", "Session-ID", v), B ";remote=" A);
	sip_abandon(b->a.sip, id);
	bed_free(b);
}

static void without_one_or_unwanted_there_is_none(void **x)
{
	static const struct { const struct sip_opts *o; const char *extra; } row[] = {
		{ &named, "" }, { &named, "Session-ID: xyz\r\n" }, { &named, "Session-ID: " NIL "\r\n" },
		{ &plain, "Session-ID: " A "\r\n" },
	};

	(void)x;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct bed *b = alone(SIP_ZONE_PBX);
		uint64_t id = taken(b, row[i].o, row[i].extra);
		char v[300];

		(void)sip_reject(b->a.sip, id, 486, NULL, NULL, 0);
		bed_run(b, 20);
		assert_false(bed_hdr(bed_msg(b, "SIP/2.0 486", 0), "Session-ID", v, sizeof v));
		bed_free(b);
	}
}

int run_sid(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_requests_say_ours_and_the_peer_s),
		cmocka_unit_test(cancel_has_it_too),
		cmocka_unit_test(our_answers_say_the_other_side_s),
		cmocka_unit_test(without_one_or_unwanted_there_is_none),
	};

	return cmocka_run_group_tests_name("sid", tests, NULL, NULL);
}
