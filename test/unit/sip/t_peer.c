/* Sessions with a scripted far end: forks, route sets, timers, restarts. */
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "script.h"
#include "sip/stack_int.h"
#include "t_stack.h"

static void each_fork_of_an_invite_has_its_own_early_dialog(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	uint64_t id = call(b);

	(void)x;
	reply(b, (struct reply){ "INVITE", 0, "100 Trying", NULL, NULL, NULL });
	reply(b, (struct reply){ "INVITE", 0, "180 Ringing", "a", CONTACT, NULL });
	reply(b, (struct reply){ "INVITE", 0, "180 Ringing", "b", CONTACT, NULL });
	reply(b, (struct reply){ "INVITE", 0, "183 Session Progress", "b", CONTACT, "v=0 early\r\n" });
	reply(b, (struct reply){ "INVITE", 0, "180 Ringing", NULL, NULL, NULL });
	reply(b, (struct reply){ "INVITE", 0, "200 OK", "c", CONTACT, "v=0 c\r\n" });
	(void)bed_want(&b->a, SIP_EV_TRYING);
	assert_int_equal(bed_want(&b->a, SIP_EV_PROVISIONAL)->early, 0);
	assert_int_equal(bed_want(&b->a, SIP_EV_PROVISIONAL)->early, 1);
	assert_int_equal(bed_want(&b->a, SIP_EV_PROVISIONAL)->early, 1);
	assert_int_equal(bed_want(&b->a, SIP_EV_PROVISIONAL)->early, -1);
	assert_int_equal(bed_want(&b->a, SIP_EV_ANSWER)->early, 2);
	sip_abandon(b->a.sip, id);
	bed_free(b);
}

static void a_second_answer_is_acked_byed_and_told_once(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	uint64_t id = call(b);
	char v[200];

	(void)x;
	reply(b, (struct reply){ "INVITE", 0, "200 OK", "a", CONTACT, "v=0\r\n" });
	reply(b, (struct reply){ "INVITE", 0, "200 OK", "b", CONTACT, "v=0\r\n" });
	reply(b, (struct reply){ "INVITE", 0, "200 OK", "b", CONTACT, "v=0\r\n" });
	assert_int_equal(bed_count(&b->a, SIP_EV_ANSWER), 1);
	assert_int_equal(bed_count(&b->a, SIP_EV_EXTRA_ANSWER), 1);
	assert_int_equal(bed_sent(b, "ACK "), 3);
	assert_int_equal(bed_sent(b, "BYE "), 1);
	assert_true(bed_hdr(bed_msg(b, "BYE ", 0), "To", v, sizeof v));
	assert_non_null(strstr(v, ";tag=b"));
	assert_true(bed_hdr(bed_msg(b, "BYE ", 0), "CSeq", v, sizeof v));
	assert_string_equal(v, "2 BYE");
	sip_abandon(b->a.sip, id);
	bed_free(b);
}

static void a_repeated_200_gets_the_same_ack_even_after_the_call(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	uint64_t id = call(b);

	(void)x;
	reply(b, (struct reply){ "INVITE", 0, "200 OK", "a", CONTACT, "v=0\r\n" });
	reply(b, (struct reply){ "INVITE", 0, "200 OK", "a", CONTACT, "v=0\r\n" });
	assert_int_equal(bed_sent(b, "ACK "), 2);
	assert_string_equal(bed_msg(b, "ACK ", 0)->text, bed_msg(b, "ACK ", 1)->text);
	assert_int_equal(sip_bye(b->a.sip, id, NULL, 0), OK);
	bed_run(b, 20);
	reply(b, (struct reply){ "INVITE", 0, "200 OK", "a", CONTACT, "v=0\r\n" });
	assert_int_equal(bed_sent(b, "ACK "), 3);
	assert_int_equal(bed_sent(b, "BYE "), 1);
	bed_free(b);
}

static void a_late_200_of_another_fork_after_the_call_is_acked_and_byed(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	uint64_t id = call(b);
	char v[100];

	(void)x;
	reply(b, (struct reply){ "INVITE", 0, "200 OK", "a", CONTACT, "v=0\r\n" });
	assert_int_equal(sip_bye(b->a.sip, id, NULL, 0), OK);
	bed_run(b, 20);
	reply(b, (struct reply){ "INVITE", 0, "200 OK", "z", CONTACT, "v=0\r\n" });
	assert_int_equal(bed_sent(b, "ACK "), 2);
	assert_int_equal(bed_sent(b, "BYE "), 2);
	assert_true(bed_hdr(bed_msg(b, "BYE ", 1), "To", v, sizeof v));
	assert_non_null(strstr(v, ";tag=z"));
	bed_free(b);
}

static void a_refusal_carries_retry_after(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	const struct bed_event *e;

	(void)x;
	(void)call(b);
	reply(b, (struct reply){ "INVITE", 0, "503 Service Unavailable", "a", "Retry-After: 17 (busy)\r\n",
				 NULL });
	e = bed_want(&b->a, SIP_EV_FAILED);
	assert_int_equal(e->status, 503);
	assert_int_equal(e->retry_after_s, 17);
	bed_free(b);
}

/* --- route sets --- */

static void requests_follow_the_route_set_in_reverse(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	struct addr proxy = bed_addr("10.0.0.50:5070");
	uint64_t id = call(b);
	char v[300];

	(void)x;
	bed_peer_udp(b, &proxy);
	reply(b, (struct reply){ "INVITE", 0, "200 OK", "a", CONTACT
		"Record-Route: <sip:far.example;lr>\r\nRecord-Route: <sip:10.0.0.50:5070;lr>\r\n",
		"v=0\r\n" });
	assert_true(bed_hdr(bed_msg(b, "ACK ", 0), "Route", v, sizeof v));
	assert_string_equal(v, "<sip:10.0.0.50:5070;lr>, <sip:far.example;lr>");
	assert_memory_equal(bed_msg(b, "ACK ", 0)->text, "ACK sip:9@10.0.0.9:5060 SIP/2.0", 31);
	assert_true(addr_eq(&bed_msg(b, "ACK ", 0)->to, &proxy));
	assert_int_equal(sip_bye(b->a.sip, id, NULL, 0), OK);
	bed_run(b, 20);
	assert_true(addr_eq(&bed_msg(b, "BYE ", 0)->to, &proxy));
	bed_free(b);
}

static void a_strict_router_gets_its_own_uri_as_request_uri(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	uint64_t id = call(b);
	char v[300];

	(void)x;
	reply(b, (struct reply){ "INVITE", 0, "200 OK", "a", CONTACT
		"Record-Route: <sip:far.example;lr>, <sip:10.0.0.9:5060>\r\n", "v=0\r\n" });
	assert_memory_equal(bed_msg(b, "ACK ", 0)->text, "ACK sip:10.0.0.9:5060 SIP/2.0", 29);
	assert_true(bed_hdr(bed_msg(b, "ACK ", 0), "Route", v, sizeof v));
	assert_string_equal(v, "<sip:far.example;lr>, <sip:9@10.0.0.9:5060>");
	sip_abandon(b->a.sip, id);
	bed_free(b);
}

static void a_contact_on_another_port_is_not_dialled_where_the_profile_forbids_it(void **x)
{
	struct bed *b = alone(SIP_ZONE_TEAMS);
	struct sip_opts o = { .never_dial_contact = true };
	struct addr at = peer();
	uint64_t id = call_with(b, &o);

	(void)x;
	reply(b, (struct reply){ "INVITE", 0, "200 OK", "a",
		"Contact: <sip:api-du-a.example:443;x-i=guid>\r\n", "v=0\r\n" });
	assert_memory_equal(bed_msg(b, "ACK ", 0)->text, "ACK sip:api-du-a.example:443;x-i=guid SIP/2.0", 45);
	assert_true(addr_eq(&bed_msg(b, "ACK ", 0)->to, &at));
	assert_int_equal(sip_bye(b->a.sip, id, NULL, 0), OK);
	bed_run(b, 20);
	assert_true(addr_eq(&bed_msg(b, "BYE ", 0)->to, &at));
	bed_free(b);
}

static void a_phone_behind_address_translation_is_reached_where_it_was_heard(void **x)
{
	struct bed *b = alone(SIP_ZONE_PHONES);
	struct addr at = peer();
	uint64_t id = call(b);

	(void)x;
	reply(b, (struct reply){ "INVITE", 0, "200 OK", "a", "Contact: <sip:9@192.168.3.4:5060>\r\n",
				 "v=0\r\n" });
	assert_memory_equal(bed_msg(b, "ACK ", 0)->text, "ACK sip:9@192.168.3.4:5060 SIP/2.0", 34);
	assert_true(addr_eq(&bed_msg(b, "ACK ", 0)->to, &at));
	sip_abandon(b->a.sip, id);
	bed_free(b);
}

static void a_reinvite_of_the_peer_moves_its_target(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	uint64_t id = call(b);

	(void)x;
	b->a.on = bed_answering;
	reply(b, (struct reply){ "INVITE", 0, "200 OK", "a", "Contact: <sip:old@10.0.0.9:5060>\r\n",
				 "v=0\r\n" });
	ask(b, "INVITE", 1, "a", NULL);
	ask(b, "ACK", 1, "a", NULL);
	assert_int_equal(bed_count(&b->a, SIP_EV_REINVITE), 1);
	assert_int_equal(bed_count(&b->a, SIP_EV_REINVITE_ACK), 1);
	assert_int_equal(sip_bye(b->a.sip, id, NULL, 0), OK);
	bed_run(b, 20);
	assert_memory_equal(bed_msg(b, "BYE ", 0)->text, "BYE sip:9@10.0.0.9:5060 SIP/2.0", 31);
	bed_free(b);
}

static void a_bye_of_the_callee_before_its_answer_is_refused(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	uint64_t id = call(b);

	(void)x;
	reply(b, (struct reply){ "INVITE", 0, "180 Ringing", "a", CONTACT, NULL });
	ask(b, "BYE", 1, "a", NULL);
	assert_int_equal(bed_sent(b, "SIP/2.0 481"), 1);
	assert_int_equal(bed_count(&b->a, SIP_EV_BYE), 0);
	sip_abandon(b->a.sip, id);
	bed_free(b);
}

static void a_request_of_a_stranger_s_tag_is_not_in_the_dialog(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	uint64_t id = call(b);

	(void)x;
	reply(b, (struct reply){ "INVITE", 0, "200 OK", "a", CONTACT, "v=0\r\n" });
	ask(b, "BYE", 1, "wrong", NULL);
	assert_int_equal(bed_sent(b, "SIP/2.0 481"), 1);
	ask(b, "BYE", 2, "a", NULL);
	assert_int_equal(bed_count(&b->a, SIP_EV_BYE), 1);
	(void)id;
	bed_free(b);
}

static void a_dialog_belongs_to_its_zone(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	struct sip_listener l = { .transport = SIP_UDP, .bind = bed_addr("10.0.0.1:5090"),
				  .zone = SIP_ZONE_CARRIER };
	const struct bed_msg *m;
	uint64_t id = call(b);
	uint32_t i;
	int e;
	struct addr at = peer();

	(void)x;
	assert_int_equal(sip_listen(b->a.sip, &l, &i, &e), OK);
	reply(b, (struct reply){ "INVITE", 0, "200 OK", "a", CONTACT, "v=0\r\n" });
	b->lose = NULL;
	ask(b, "BYE", 1, "wrong", NULL);
	m = bed_msg(b, "SIP/2.0 481", 0);
	assert_non_null(m);
	{
		char mem[2000], from[200], to[200], cid[100];
		struct buf t;

		assert_true(bed_hdr(bed_msg(b, "ACK ", 0), "From", from, sizeof from) &&
			    bed_hdr(bed_msg(b, "ACK ", 0), "To", to, sizeof to) &&
			    bed_hdr(bed_msg(b, "ACK ", 0), "Call-ID", cid, sizeof cid));
		buf_init(&t, mem, sizeof mem);
		buf_fmt(&t, "BYE sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9:5060;rport;branch=z9hG4bKzz\r\n"
			"Max-Forwards: 70\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: 8 BYE\r\n"
			"Content-Length: 0\r\n\r\n", to, from, cid);
		bed_peer_send(b, &at, &l.bind, buf_z(&t));
		bed_run(b, 20);
	}
	assert_int_equal(bed_sent(b, "SIP/2.0 481") + bed_sent(b, "SIP/2.0 400"), 2);
	assert_int_equal(bed_count(&b->a, SIP_EV_BYE), 0);
	sip_abandon(b->a.sip, id);
	bed_free(b);
}

/* --- RFC 4028 --- */

static const struct sip_opts timed = { .session_timer = true, .session_expires_s = 1800,
				       .min_se_s = 90 };

static void we_ask_for_a_session_timer_and_refresh_at_half_of_it(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	struct sip_body sdp = { STR("application/sdp"), STR("v=0\r\n") };
	uint64_t id = call_with(b, &timed);
	char v[100];

	(void)x;
	assert_true(bed_hdr(bed_msg(b, "INVITE ", 0), "Session-Expires", v, sizeof v));
	assert_string_equal(v, "1800");
	assert_true(bed_hdr(bed_msg(b, "INVITE ", 0), "Min-SE", v, sizeof v));
	reply(b, (struct reply){ "INVITE", 0, "200 OK", "a",
		CONTACT "Session-Expires: 1200;refresher=uac\r\n", "v=0\r\n" });
	bed_run(b, 599900);
	assert_int_equal(bed_count(&b->a, SIP_EV_REFRESH_DUE), 0);
	bed_run(b, 200);
	assert_int_equal(bed_count(&b->a, SIP_EV_REFRESH_DUE), 1);
	assert_int_equal(sip_reinvite(b->a.sip, id, &sdp, NULL, 0), OK);
	bed_run(b, 20);
	assert_true(bed_hdr(bed_msg(b, "INVITE ", 1), "Session-Expires", v, sizeof v));
	assert_string_equal(v, "1200;refresher=uac");
	reply(b, (struct reply){ "INVITE", 1, "200 OK", "a",
		CONTACT "Session-Expires: 1200;refresher=uac\r\n", "v=0\r\n" });
	bed_run(b, 590000);
	assert_int_equal(bed_count(&b->a, SIP_EV_REFRESH_DUE), 1);
	bed_run(b, 20000);
	assert_int_equal(bed_count(&b->a, SIP_EV_REFRESH_DUE), 2);
	/* This time nobody refreshes: 1,200 s less 32 s after the last one. */
	bed_run(b, 550000);
	assert_int_equal(bed_count(&b->a, SIP_EV_ENDED), 0);
	bed_run(b, 20000);
	assert_int_equal(bed_count(&b->a, SIP_EV_ENDED), 1);
	assert_int_equal(b->a.ev[b->a.n - 1].why, SIP_END_SESSION_EXPIRED);
	assert_true(bed_sent(b, "BYE ") > 0);
	bed_free(b);
}

static void a_peer_that_does_not_refresh_ends_the_call(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	uint64_t id = call_with(b, &timed);

	(void)x;
	(void)id;
	reply(b, (struct reply){ "INVITE", 0, "200 OK", "a",
		CONTACT "Session-Expires: 90;refresher=uas\r\n", "v=0\r\n" });
	b->a.on = bed_answering;
	bed_run(b, 50000);
	ask(b, "INVITE", 1, "a", "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n");
	ask(b, "ACK", 1, "a", NULL);
	bed_run(b, 59000);	/* 90 less 30 after the refresh */
	assert_int_equal(bed_count(&b->a, SIP_EV_ENDED), 0);
	bed_run(b, 2000);
	assert_int_equal(bed_count(&b->a, SIP_EV_ENDED), 1);
	assert_int_equal(bed_count(&b->a, SIP_EV_REFRESH_DUE), 0);
	bed_free(b);
}

static void our_answer_names_the_refresher(void **x)
{
	static const struct { const char *hdr, *se, *require; } row[] = {
		{ "Supported: timer\r\nSession-Expires: 1200\r\n", "1200;refresher=uac", "timer" },
		{ "Supported: timer\r\nSession-Expires: 3600;refresher=uas\r\n",
		  "1800;refresher=uas", NULL },
		{ "Supported: timer\r\n", "1800;refresher=uac", "timer" },
		{ NULL, "1800;refresher=uas", NULL },
	};
	char v[100];

	(void)x;
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct bed *b = alone(SIP_ZONE_PBX);
		struct addr at = peer();
		char mem[1000];
		struct buf t;

		buf_init(&t, mem, sizeof mem);
		buf_fmt(&t, "INVITE sip:1@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9;rport;branch=z9hG4bKi\r\n"
			"Max-Forwards: 70\r\nFrom: <sip:9@x>;tag=f\r\nTo: <sip:1@x>\r\nCall-ID: i\r\n"
			"CSeq: 1 INVITE\r\nContact: <sip:9@10.0.0.9>\r\n%sContent-Length: 0\r\n\r\n",
			row[i].hdr ? row[i].hdr : "");
		bed_peer_send(b, &at, &b->a.addr[0], buf_z(&t));
		bed_run(b, 20);
		assert_int_equal(sip_own(b->a.sip, b->a.ev[0].session, 1, &timed), OK);
		assert_int_equal(sip_answer(b->a.sip, b->a.ev[0].session, NULL, NULL, 0), OK);
		bed_run(b, 20);
		assert_true(bed_hdr(bed_msg(b, "SIP/2.0 200", 0), "Session-Expires", v, sizeof v));
		assert_string_equal(v, row[i].se);
		assert_int_equal(bed_hdr(bed_msg(b, "SIP/2.0 200", 0), "Require", v, sizeof v),
				 row[i].require != NULL);
		sip_abandon(b->a.sip, b->a.ev[0].session);
		bed_free(b);
	}
}

static void a_422_is_tried_again_with_the_peer_s_minimum(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	struct sip_opts o = { .session_timer = true, .session_expires_s = 600, .min_se_s = 90 };
	uint64_t id = call_with(b, &o);
	char v[100];

	(void)x;
	reply(b, (struct reply){ "INVITE", 0, "422 Session Interval Too Small", "a", "Min-SE: 1800\r\n",
				 NULL });
	assert_int_equal(bed_count(&b->a, SIP_EV_FAILED), 0);
	assert_true(bed_hdr(bed_msg(b, "INVITE ", 1), "Session-Expires", v, sizeof v));
	assert_string_equal(v, "1800");
	assert_true(bed_hdr(bed_msg(b, "INVITE ", 1), "Min-SE", v, sizeof v));
	assert_string_equal(v, "1800");
	assert_true(bed_hdr(bed_msg(b, "INVITE ", 1), "CSeq", v, sizeof v));
	assert_string_equal(v, "2 INVITE");
	reply(b, (struct reply){ "INVITE", 1, "200 OK", "b", CONTACT, "v=0\r\n" });
	assert_int_equal(bed_count(&b->a, SIP_EV_ANSWER), 1);
	assert_true(bed_hdr(bed_msg(b, "ACK ", 1), "CSeq", v, sizeof v));
	assert_string_equal(v, "2 ACK");
	sip_abandon(b->a.sip, id);
	bed_free(b);
}

/* --- identity --- */

static void the_profile_shapes_from_contact_and_request_uri(void **x)
{
	struct bed *b = alone(SIP_ZONE_TEAMS);
	struct sip_opts o = { .contact_host = "sbc1.adatum.biz", .from_host_is_contact = true,
			      .user_phone = true, .user_agent = "Vendor/SBC/1", .x_ms_sbc = "V/M/1" };
	struct sip_invite i = { .owner = 7, .opts = &o, .ruri = STR("sip:+18338006777@sip.example"),
				.from_uri = STR("sip:+17168712781@pbx.local"),
				.from_name = STR("A \"B\" C"), .max_forwards = 9,
				.contact_user = STR("+17168712781"), .call_id = STR("fixed@id") };
	uint64_t id;
	char v[200];

	(void)x;
	i.dest = (struct sip_dest){ .transport = SIP_UDP, .addr = peer() };
	id = sip_invite(b->a.sip, &i);
	assert_int_not_equal(id, 0);
	bed_run(b, 20);
	assert_memory_equal(bed_msg(b, "INVITE", 0)->text,
			    "INVITE sip:+18338006777@sip.example;user=phone SIP/2.0\r\nVia: ", 61);
	assert_true(bed_hdr(bed_msg(b, "INVITE", 0), "From", v, sizeof v));
	assert_memory_equal(v, "\"A \\\"B\\\" C\" <sip:+17168712781@sbc1.adatum.biz>;tag=", 51);
	assert_true(bed_hdr(bed_msg(b, "INVITE", 0), "To", v, sizeof v));
	assert_string_equal(v, "<sip:+18338006777@sip.example;user=phone>");
	assert_true(bed_hdr(bed_msg(b, "INVITE", 0), "Contact", v, sizeof v));
	assert_string_equal(v, "<sip:+17168712781@sbc1.adatum.biz:5060>");
	assert_true(bed_hdr(bed_msg(b, "INVITE", 0), "User-Agent", v, sizeof v));
	assert_string_equal(v, "Vendor/SBC/1");
	assert_true(bed_hdr(bed_msg(b, "INVITE", 0), "X-MS-SBC", v, sizeof v));
	assert_string_equal(v, "V/M/1");
	assert_true(bed_hdr(bed_msg(b, "INVITE", 0), "Max-Forwards", v, sizeof v));
	assert_string_equal(v, "9");
	assert_true(bed_hdr(bed_msg(b, "INVITE", 0), "Call-ID", v, sizeof v));
	assert_string_equal(v, "fixed@id");
	sip_abandon(b->a.sip, id);
	bed_free(b);
}

/* --- restart --- */

static void a_saved_dialog_can_be_ended_by_another_process(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	uint8_t mem[SIP_SAVED_MAX];
	struct addr at = peer();
	uint64_t id = call(b);
	char v[2][200];
	size_t n;

	(void)x;
	reply(b, (struct reply){ "INVITE", 0, "200 OK", "a", CONTACT, "v=0\r\n" });
	n = sip_dialog_save(b->a.sip, id, mem, sizeof mem);
	assert_true(n > 0);
	assert_int_equal(sip_dialog_save(b->a.sip, id, mem, n - 1), 0);
	n = sip_dialog_save(b->a.sip, id, mem, sizeof mem);
	/* Side B stands for the process after the restart. */
	assert_int_equal(sip_dialog_bye_saved(b->b.sip, (struct str){ (char *)mem, n }, NULL, 0), OK);
	bed_run(b, 20);
	assert_true(addr_eq(&bed_msg(b, "BYE ", 0)->to, &at));
	assert_memory_equal(bed_msg(b, "BYE ", 0)->text, "BYE sip:9@10.0.0.9:5060 SIP/2.0", 31);
	assert_true(bed_hdr(bed_msg(b, "BYE ", 0), "From", v[0], 200) &&
		    bed_hdr(bed_msg(b, "ACK ", 0), "From", v[1], 200));
	assert_string_equal(v[0], v[1]);
	assert_true(bed_hdr(bed_msg(b, "BYE ", 0), "To", v[0], 200) &&
		    bed_hdr(bed_msg(b, "ACK ", 0), "To", v[1], 200));
	assert_string_equal(v[0], v[1]);
	for (size_t cut = 0; cut < n; cut++)
		assert_int_not_equal(sip_dialog_bye_saved(b->b.sip, (struct str){ (char *)mem, cut },
							  NULL, 0), OK);
	sip_abandon(b->a.sip, id);
	bed_free(b);
}

/* --- over a connection that is not there yet --- */

static void a_cancel_before_the_connection_is_open_sends_nothing(void **x)
{
	struct bed *b = bed_new();
	uint64_t id;

	(void)x;
	b->delay = 100;
	id = bed_invite(&b->a, &b->b, SIP_TCP, "v=0\r\n");
	bed_run(b, 50);
	assert_int_equal(sip_cancel(b->a.sip, id, NULL, 0), OK);
	bed_run(b, 1000);
	assert_int_equal(bed_want(&b->a, SIP_EV_FAILED)->status, 487);
	assert_int_equal(bed_sent(b, "INVITE"), 0);
	bed_free(b);
}

static void the_tables_refuse_when_they_are_full(void **x)
{
	struct sip_config c = { .max_sessions = 2, .max_transactions = 3 };
	struct bed *b = bed_new_with(&c, 0, SIP_ZONE_PBX);

	(void)x;
	assert_int_not_equal(bed_invite(&b->a, &b->b, SIP_UDP, "v=0\r\n"), 0);
	assert_int_not_equal(bed_invite(&b->a, &b->b, SIP_UDP, "v=0\r\n"), 0);
	assert_int_equal(bed_invite(&b->a, &b->b, SIP_UDP, "v=0\r\n"), 0);
	bed_run(b, 100);
	(void)bed_invite(&b->b, &b->a, SIP_UDP, "v=0\r\n");
	bed_run(b, 100);
	assert_int_equal(bed_sent(b, "SIP/2.0 503"), 1);
	bed_free(b);
}

static void a_udp_listener_takes_on_tcp_what_no_datagram_holds(void **x)
{
	struct bed *b = bed_new_with(NULL, 0, SIP_ZONE_PHONES);
	struct addr from = bed_addr("10.0.0.9:33333");
	struct sip_listener l = { .transport = SIP_UDP, .tcp_too = true, .bind = bed_addr("10.0.0.1:5099") };
	static const char text[] = "OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TCP 10.0.0.9:5060;branch=z9hG4bKt\r\n"
		"Max-Forwards: 70\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:x>\r\nCall-ID: t\r\nCSeq: 1 OPTIONS\r\n"
		"Content-Length: 0\r\n\r\n";
	uint32_t i;
	int e, s;

	(void)x;
	assert_int_equal(sip_listen(b->a.sip, &l, &i, &e), OK);
	b->a.on = bed_answering;
	s = bed_peer_connect(b, &from, &l.bind);
	bed_run(b, 5);
	bed_peer_write(b, s, text, sizeof text - 1);
	bed_run(b, 20);
	assert_memory_equal(bed_peer_got(b, s), "SIP/2.0 200 OK\r\n", 16);
	bed_free(b);
}

int run_peer(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_fork_of_an_invite_has_its_own_early_dialog),
		cmocka_unit_test(a_second_answer_is_acked_byed_and_told_once),
		cmocka_unit_test(a_repeated_200_gets_the_same_ack_even_after_the_call),
		cmocka_unit_test(a_late_200_of_another_fork_after_the_call_is_acked_and_byed),
		cmocka_unit_test(a_refusal_carries_retry_after),
		cmocka_unit_test(requests_follow_the_route_set_in_reverse),
		cmocka_unit_test(a_strict_router_gets_its_own_uri_as_request_uri),
		cmocka_unit_test(a_contact_on_another_port_is_not_dialled_where_the_profile_forbids_it),
		cmocka_unit_test(a_phone_behind_address_translation_is_reached_where_it_was_heard),
		cmocka_unit_test(a_reinvite_of_the_peer_moves_its_target),
		cmocka_unit_test(a_bye_of_the_callee_before_its_answer_is_refused),
		cmocka_unit_test(a_request_of_a_stranger_s_tag_is_not_in_the_dialog),
		cmocka_unit_test(a_dialog_belongs_to_its_zone),
		cmocka_unit_test(we_ask_for_a_session_timer_and_refresh_at_half_of_it),
		cmocka_unit_test(a_peer_that_does_not_refresh_ends_the_call),
		cmocka_unit_test(our_answer_names_the_refresher),
		cmocka_unit_test(a_422_is_tried_again_with_the_peer_s_minimum),
		cmocka_unit_test(the_profile_shapes_from_contact_and_request_uri),
		cmocka_unit_test(a_saved_dialog_can_be_ended_by_another_process),
		cmocka_unit_test(a_cancel_before_the_connection_is_open_sends_nothing),
		cmocka_unit_test(the_tables_refuse_when_they_are_full),
		cmocka_unit_test(a_udp_listener_takes_on_tcp_what_no_datagram_holds),
	};

	return cmocka_run_group_tests_name("peer", tests, NULL, NULL);
}
