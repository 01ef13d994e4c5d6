/* Requests that are challenged, through the whole stack: which are sent again, and where to. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "script.h"
#include "sip/digest.h"
#include "sip/stack_int.h"
#include "t_stack.h"

static const char asks[] =
	"WWW-Authenticate: Digest realm=\"carrier\", nonce=\"n1\", qop=\"auth\"\r\n";
static const char proxy_asks[] =
	"Proxy-Authenticate: Digest realm=\"carrier\", nonce=\"p1\", algorithm=SHA-256, qop=\"auth\"\r\n";

static struct sip_opts opts_with_login(struct bed *b, const char *host)
{
	struct sip_login l = { .user = STR("bob"), .password = STR("zanzibar"),
			       .realm = STR("carrier"), .nhosts = 1 };
	struct sip_opts o = { .session_timer = false };

	l.host[0] = str_of(host);
	o.login = sip_login_add(b->a.sip, &l);
	assert_int_not_equal(o.login, 0);
	return o;
}

static uint64_t call_login(struct bed *b)
{
	struct sip_opts o = opts_with_login(b, "10.0.0.9");

	return call_with(b, &o);
}

/* Do the credentials of the nth such request hold for the password? */
static void holds(struct bed *b, const char *request, int nth, const char *header, uint32_t nc)
{
	const struct bed_msg *m = bed_msg(b, request, nth);
	char v[1000], ha1[DIGEST_HEX], response[DIGEST_HEX];
	struct digest_creds c;
	struct str method, rest, uri;

	assert_non_null(m);
	assert_true(bed_hdr(m, header, v, sizeof v));
	assert_int_equal(digest_parse_creds(str_of(v), &c), OK);
	assert_int_equal(c.nc, nc);
	assert_true(str_cut((struct str){ m->text, m->n }, ' ', &method, &rest));
	assert_true(str_cut(rest, ' ', &uri, &rest));
	assert_true(str_eq(c.uri, uri));
	digest_ha1(c.alg, STR("bob"), STR("carrier"), STR("zanzibar"), ha1);
	digest_response(&c, str_of(ha1), method, response);
	assert_true(str_is(c.response, response));
}

static void cseq_is(struct bed *b, const char *request, int nth, const char *want)
{
	char v[100];

	assert_true(bed_hdr(bed_msg(b, request, nth), "CSeq", v, sizeof v));
	assert_string_equal(v, want);
}

static void an_invite_is_sent_again_with_credentials_and_its_ack_carries_them(void **x)
{
	struct bed *b = alone(SIP_ZONE_CARRIER);
	uint64_t id = call_login(b);
	char v[3][1000];

	(void)x;
	reply(b, (struct reply){ "INVITE", 0, "401 Unauthorized", "c", asks, NULL });
	assert_int_equal(bed_sent(b, "INVITE "), 2);
	assert_int_equal(bed_count(&b->a, SIP_EV_FAILED), 0);
	holds(b, "INVITE ", 1, "Authorization", 1);
	cseq_is(b, "ACK ", 0, "1 ACK");
	cseq_is(b, "INVITE ", 1, "2 INVITE");
	assert_true(bed_hdr(bed_msg(b, "INVITE ", 0), "Call-ID", v[0], sizeof v[0]) &&
		    bed_hdr(bed_msg(b, "INVITE ", 1), "Call-ID", v[1], sizeof v[1]));
	assert_string_equal(v[0], v[1]);
	reply(b, (struct reply){ "INVITE", 1, "180 Ringing", "d", CONTACT, NULL });
	reply(b, (struct reply){ "INVITE", 1, "200 OK", "d", CONTACT, "v=0\r\n" });
	(void)bed_want(&b->a, SIP_EV_PROVISIONAL);
	(void)bed_want(&b->a, SIP_EV_ANSWER);
	cseq_is(b, "ACK ", 1, "2 ACK");
	assert_true(bed_hdr(bed_msg(b, "INVITE ", 1), "Authorization", v[0], sizeof v[0]) &&
		    bed_hdr(bed_msg(b, "ACK ", 1), "Authorization", v[1], sizeof v[1]));
	assert_string_equal(v[0], v[1]);	/* RFC 3261 13.2.2.4 */
	assert_int_equal(sip_bye(b->a.sip, id, NULL, 0), OK);
	bed_run(b, 20);
	holds(b, "BYE ", 0, "Authorization", 2);	/* before it is asked */
	cseq_is(b, "BYE ", 0, "3 BYE");
	reply(b, (struct reply){ "BYE", 0, "200 OK", NULL, NULL, NULL });
	bed_free(b);
}

static void a_proxy_and_the_server_behind_it_both_ask(void **x)
{
	struct bed *b = alone(SIP_ZONE_CARRIER);
	uint64_t id = call_login(b);

	(void)x;
	reply(b, (struct reply){ "INVITE", 0, "407 Proxy Authentication Required", "c", proxy_asks, NULL });
	reply(b, (struct reply){ "INVITE", 1, "401 Unauthorized", "c", asks, NULL });
	assert_int_equal(bed_sent(b, "INVITE "), 3);
	holds(b, "INVITE ", 2, "Authorization", 1);
	holds(b, "INVITE ", 2, "Proxy-Authorization", 2);
	assert_int_equal(bed_count(&b->a, SIP_EV_FAILED), 0);
	sip_abandon(b->a.sip, id);
	bed_free(b);
}

static void a_wrong_password_is_told_and_not_tried_again(void **x)
{
	struct bed *b = alone(SIP_ZONE_CARRIER);

	(void)x;
	(void)call_login(b);
	reply(b, (struct reply){ "INVITE", 0, "401 Unauthorized", "c", asks, NULL });
	reply(b, (struct reply){ "INVITE", 1, "401 Unauthorized", "c", asks, NULL });
	assert_int_equal(bed_sent(b, "INVITE "), 2);
	assert_int_equal(bed_want(&b->a, SIP_EV_FAILED)->status, 401);
	assert_int_equal(b->a.ev[b->a.seen - 1].auth, SIP_AUTH_WRONG);
	bed_free(b);
}

static void without_credentials_the_challenge_is_the_answer(void **x)
{
	struct bed *b = alone(SIP_ZONE_CARRIER);

	(void)x;
	(void)call(b);
	reply(b, (struct reply){ "INVITE", 0, "407 Proxy Authentication Required", "c", proxy_asks, NULL });
	assert_int_equal(bed_sent(b, "INVITE "), 1);
	assert_int_equal(bed_want(&b->a, SIP_EV_FAILED)->status, 407);
	assert_int_equal(b->a.ev[b->a.seen - 1].auth, SIP_AUTH_MISSING);
	bed_free(b);
}

static void credentials_of_another_host_are_not_shown(void **x)
{
	struct bed *b = alone(SIP_ZONE_CARRIER);
	struct sip_opts o = opts_with_login(b, "sip.carrier.example");

	(void)x;
	(void)call_with(b, &o);
	reply(b, (struct reply){ "INVITE", 0, "401 Unauthorized", "c", asks, NULL });
	assert_int_equal(bed_sent(b, "INVITE "), 1);
	(void)bed_want(&b->a, SIP_EV_FAILED);
	assert_int_equal(b->a.ev[b->a.seen - 1].auth, SIP_AUTH_ELSEWHERE);
	bed_free(b);
}

/* The peer's Contact leads to an address that no name of the trunk does. */
static void a_bye_to_a_foreign_contact_shows_nothing(void **x)
{
	struct bed *b = alone(SIP_ZONE_CARRIER);
	struct addr other = bed_addr("10.0.0.8:5060");
	uint64_t id = call_login(b);
	char v[300];

	(void)x;
	bed_peer_udp(b, &other);
	reply(b, (struct reply){ "INVITE", 0, "401 Unauthorized", "c", asks, NULL });
	reply(b, (struct reply){ "INVITE", 1, "200 OK", "d", "Contact: <sip:9@10.0.0.8:5060>\r\n", "v=0\r\n" });
	(void)sip_bye(b->a.sip, id, NULL, 0);
	bed_run(b, 20);
	assert_false(bed_hdr(bed_msg(b, "BYE ", 0), "Authorization", v, sizeof v));
	bed_free(b);
}

static void a_challenged_bye_is_sent_again_after_its_session_is_gone(void **x)
{
	struct bed *b = alone(SIP_ZONE_CARRIER);
	uint64_t id = call_login(b);

	(void)x;
	reply(b, (struct reply){ "INVITE", 0, "200 OK", "d", CONTACT, "v=0\r\n" });
	(void)sip_bye(b->a.sip, id, NULL, 0);
	bed_run(b, 20);
	reply(b, (struct reply){ "BYE", 0, "407 Proxy Authentication Required", NULL, proxy_asks, NULL });
	assert_int_equal(bed_sent(b, "BYE "), 2);
	holds(b, "BYE ", 1, "Proxy-Authorization", 1);
	cseq_is(b, "BYE ", 1, "3 BYE");
	reply(b, (struct reply){ "BYE", 1, "200 OK", NULL, NULL, NULL });
	bed_free(b);
}

static void a_challenged_reinvite_is_sent_again_in_its_dialog(void **x)
{
	struct bed *b = alone(SIP_ZONE_CARRIER);
	uint64_t id = call_login(b);
	struct sip_body sdp = { STR("application/sdp"), STR("v=0 hold\r\n") };

	(void)x;
	reply(b, (struct reply){ "INVITE", 0, "200 OK", "d", CONTACT, "v=0\r\n" });
	assert_int_equal(sip_reinvite(b->a.sip, id, &sdp, NULL, 0), OK);
	bed_run(b, 20);
	reply(b, (struct reply){ "INVITE", 1, "401 Unauthorized", NULL, asks, NULL });
	assert_int_equal(bed_sent(b, "INVITE "), 3);
	holds(b, "INVITE ", 2, "Authorization", 1);
	cseq_is(b, "INVITE ", 2, "3 INVITE");
	assert_non_null(strstr(bed_msg(b, "INVITE ", 2)->text, "v=0 hold"));
	reply(b, (struct reply){ "INVITE", 2, "200 OK", NULL, CONTACT, "v=0\r\n" });
	(void)bed_want(&b->a, SIP_EV_ANSWER);
	(void)bed_want(&b->a, SIP_EV_REANSWER);
	cseq_is(b, "ACK ", 2, "3 ACK");
	sip_abandon(b->a.sip, id);
	bed_free(b);
}

static void a_challenge_to_a_cancelled_invite_ends_it(void **x)
{
	struct bed *b = alone(SIP_ZONE_CARRIER);
	uint64_t id = call_login(b);

	(void)x;
	(void)sip_cancel(b->a.sip, id, NULL, 0);
	reply(b, (struct reply){ "INVITE", 0, "401 Unauthorized", "c", asks, NULL });
	assert_int_equal(bed_sent(b, "INVITE "), 1);
	(void)bed_want(&b->a, SIP_EV_FAILED);
	bed_free(b);
}

static void the_invite_sent_again_can_be_cancelled(void **x)
{
	struct bed *b = alone(SIP_ZONE_CARRIER);
	uint64_t id = call_login(b);
	char v[2][300];

	(void)x;
	reply(b, (struct reply){ "INVITE", 0, "401 Unauthorized", "c", asks, NULL });
	reply(b, (struct reply){ "INVITE", 1, "180 Ringing", "d", CONTACT, NULL });
	(void)sip_cancel(b->a.sip, id, NULL, 0);
	bed_run(b, 20);
	assert_true(bed_hdr(bed_msg(b, "INVITE ", 1), "Via", v[0], 300) &&
		    bed_hdr(bed_msg(b, "CANCEL ", 0), "Via", v[1], 300));
	assert_string_equal(v[0], v[1]);
	assert_false(bed_hdr(bed_msg(b, "CANCEL ", 0), "Authorization", v[0], 300));
	reply(b, (struct reply){ "CANCEL", 0, "200 OK", "d", NULL, NULL });
	reply(b, (struct reply){ "INVITE", 1, "487 Request Terminated", "d", NULL, NULL });
	(void)bed_want(&b->a, SIP_EV_PROVISIONAL);
	assert_int_equal(bed_want(&b->a, SIP_EV_FAILED)->status, 487);
	bed_free(b);
}

static uint64_t request(struct bed *b, enum sip_method m, const struct sip_opts *o)
{
	struct sip_request q = { .owner = 5, .method = m, .opts = *o, .ruri = STR("sip:carrier"),
				 .from_uri = STR("sip:bob@carrier"), .to_uri = STR("sip:bob@carrier") };
	uint64_t id;

	q.dest = (struct sip_dest){ .transport = SIP_UDP, .host = "10.0.0.9", .port = 5060 };
	id = sip_request(b->a.sip, &q);
	bed_run(b, 20);
	return id;
}

static void a_stale_nonce_is_replaced_and_later_requests_ask_nobody(void **x)
{
	struct bed *b = alone(SIP_ZONE_CARRIER);
	struct sip_opts o = opts_with_login(b, "10.0.0.9");

	(void)x;
	(void)request(b, SIP_REGISTER, &o);
	reply(b, (struct reply){ "REGISTER", 0, "401 Unauthorized", "c", asks, NULL });
	reply(b, (struct reply){ "REGISTER", 1, "200 OK", "c", NULL, NULL });
	assert_int_equal(bed_want(&b->a, SIP_EV_RESPONSE)->status, 200);
	(void)request(b, SIP_OPTIONS, &o);
	holds(b, "OPTIONS ", 0, "Authorization", 2);
	reply(b, (struct reply){ "OPTIONS", 0, "401 Unauthorized", "c",
		"WWW-Authenticate: Digest realm=\"carrier\", nonce=\"n9\", stale=true, qop=\"auth\"\r\n", NULL });
	holds(b, "OPTIONS ", 1, "Authorization", 1);
	cseq_is(b, "OPTIONS ", 1, "2 OPTIONS");
	reply(b, (struct reply){ "OPTIONS", 1, "200 OK", "c", NULL, NULL });
	assert_int_equal(bed_want(&b->a, SIP_EV_RESPONSE)->status, 200);
	assert_int_equal(bed_count(&b->a, SIP_EV_RESPONSE), 2);
	bed_free(b);
}

static void after_a_restart_the_bye_finds_its_credentials_by_the_host(void **x)
{
	struct bed *b = alone(SIP_ZONE_CARRIER);
	uint64_t id = call_login(b);
	uint8_t saved[SIP_SAVED_MAX];
	size_t n;

	(void)x;
	reply(b, (struct reply){ "INVITE", 0, "200 OK", "d", CONTACT, "v=0\r\n" });
	n = sip_dialog_save(b->a.sip, id, saved, sizeof saved);
	assert_int_equal(sip_dialog_bye_saved(b->a.sip, (struct str){ (char *)saved, n }, NULL, 0), OK);
	bed_run(b, 20);
	reply(b, (struct reply){ "BYE", 0, "401 Unauthorized", NULL, asks, NULL });
	holds(b, "BYE ", 1, "Authorization", 1);
	sip_abandon(b->a.sip, id);
	bed_free(b);
}

static void a_route_known_before_goes_on_the_first_request(void **x)
{
	struct bed *b = alone(SIP_ZONE_CARRIER);
	struct sip_invite i = { .owner = 7, .ruri = STR("sip:200@far.example"),
				.from_uri = STR("sip:100@a.example"), .to_uri = STR("sip:200@far.example"),
				.route = STR("<sip:s1.carrier;lr>, <sip:s2.carrier;lr>") };
	uint64_t id;
	char v[300];

	(void)x;
	i.dest = (struct sip_dest){ .transport = SIP_UDP, .host = "10.0.0.9", .port = 5060 };
	id = sip_invite(b->a.sip, &i);
	bed_run(b, 20);
	assert_true(bed_hdr(bed_msg(b, "INVITE ", 0), "Route", v, sizeof v));
	assert_string_equal(v, "<sip:s1.carrier;lr>, <sip:s2.carrier;lr>");
	assert_non_null(strstr(bed_msg(b, "INVITE ", 0)->text, "INVITE sip:200@far.example SIP/2.0"));
	sip_abandon(b->a.sip, id);
	bed_free(b);
}

int run_challenge(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_invite_is_sent_again_with_credentials_and_its_ack_carries_them),
		cmocka_unit_test(a_proxy_and_the_server_behind_it_both_ask),
		cmocka_unit_test(a_wrong_password_is_told_and_not_tried_again),
		cmocka_unit_test(without_credentials_the_challenge_is_the_answer),
		cmocka_unit_test(credentials_of_another_host_are_not_shown),
		cmocka_unit_test(a_bye_to_a_foreign_contact_shows_nothing),
		cmocka_unit_test(a_challenged_bye_is_sent_again_after_its_session_is_gone),
		cmocka_unit_test(a_challenged_reinvite_is_sent_again_in_its_dialog),
		cmocka_unit_test(a_challenge_to_a_cancelled_invite_ends_it),
		cmocka_unit_test(the_invite_sent_again_can_be_cancelled),
		cmocka_unit_test(a_stale_nonce_is_replaced_and_later_requests_ask_nobody),
		cmocka_unit_test(after_a_restart_the_bye_finds_its_credentials_by_the_host),
		cmocka_unit_test(a_route_known_before_goes_on_the_first_request),
	};

	return cmocka_run_group_tests_name("challenge", tests, NULL, NULL);
}
