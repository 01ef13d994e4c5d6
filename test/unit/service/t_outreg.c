/* t_outreg.c - trunks that register: every state and what may come in it, at virtual time. */
#include "t_service.h"

#include <stdio.h>
#include <string.h>

#include "service/outreg.h"
#include "sim/sim_loop.h"

enum { HOSTS = 2, KEPT = 40 };

struct far {			/* one host of the carrier */
	struct bed *b;
	struct addr at;
	net_id sock;
	const char *answer;	/* "200 OK"; NULL: silent; headers behind it, lines with CRLF */
	const char *headers;
	int asked;
	char last[3000];
};

struct bed {
	struct loop *loop;
	struct dns *dns;
	struct sip *sip;
	struct outreg *o;
	struct trunk *trunk;
	struct far far[HOSTS];
	struct addr us;
};

static bool header(const char *msg, const char *name, char *out, size_t cap)
{
	const char *p = strstr(msg, name), *e;

	out[0] = 0;
	if (!p)
		return false;
	p += strlen(name);
	e = strstr(p, "\r\n");
	(void)snprintf(out, cap, "%.*s", (int)(e - p), p);
	return true;
}

static void far_recv(void *ctx, net_id sock, const struct addr *from, const struct addr *to,
		     struct str bytes)
{
	struct far *f = ctx;
	char v[5][400], text[4000], before[40];

	(void)to;
	(void)header(f->last, "\r\nCSeq: ", before, sizeof before);
	(void)snprintf(f->last, sizeof f->last, "%.*s", STRF(bytes));
	if (strncmp(f->last, "REGISTER ", 9) != 0)
		return;
	(void)header(f->last, "\r\nVia: ", v[0], 400);
	(void)header(f->last, "\r\nFrom: ", v[1], 400);
	(void)header(f->last, "\r\nTo: ", v[2], 400);
	(void)header(f->last, "\r\nCall-ID: ", v[3], 400);
	(void)header(f->last, "\r\nCSeq: ", v[4], 400);
	f->asked += strcmp(before, v[4]) != 0;		/* sent again by its transaction: the same */
	if (!f->answer)
		return;
	(void)snprintf(text, sizeof text, "SIP/2.0 %s\r\nVia: %s\r\nFrom: %s\r\nTo: %s;tag=r\r\n"
		       "Call-ID: %s\r\nCSeq: %s\r\n%sContent-Length: 0\r\n\r\n", f->answer, v[0], v[1],
		       v[2], v[3], v[4], f->headers ? f->headers : "");
	net_udp_send(f->b->loop, sock, NULL, from, str_of(text));
}

static const struct net_dgram_handler far_handler = { far_recv };

static void turn(void *ctx)
{
	struct bed *b = ctx;
	struct sip_event ev;

	while (sip_next(b->sip, &ev)) {
		if (ev.kind == SIP_EV_RESPONSE && b->o)
			assert_true(outreg_on_response(b->o, &ev));
		if (ev.kind == SIP_EV_FLOW && b->o)
			outreg_on_flow(b->o, ev.flow);
	}
	sip_turn_end(b->sip);
}

static struct bed *bed_new(void)
{
	struct bed *b = mem_new(sizeof *b);
	struct sip_listener l = { .zone = SIP_ZONE_CARRIER };
	struct trunk_setup u = { .name = STR("carrier"), .profile = trunk_profile(STR("carrier")),
				 .nhosts = HOSTS, .enabled = true, .registers = true };
	uint32_t index;
	int err_no;

	b->loop = sim_new(1);
	b->dns = dns_new(b->loop, &(struct dns_config){ 0 });
	b->sip = sip_new(b->loop, b->dns, NULL);
	assert_int_equal(addr_parse(STR("10.0.0.1:5060"), 0, &l.bind), OK);
	b->us = l.bind;
	assert_int_equal(sip_listen(b->sip, &l, &index, &err_no), OK);
	for (int i = 0; i < HOSTS; i++) {
		struct far *f = &b->far[i];

		f->b = b;
		assert_int_equal(addr_parse(i ? STR("10.0.9.2:5060") : STR("10.0.9.1:5060"), 0, &f->at), OK);
		f->sock = net_udp_bind(b->loop, &f->at, &far_handler, f, &err_no);
		u.host[i].name = i ? STR("10.0.9.2") : STR("10.0.9.1");
	}
	b->trunk = trunk_new(&u);
	b->o = outreg_new(b->loop, b->sip);
	loop_on_turn(b->loop, turn, b);
	return b;
}

static void begin(struct bed *b)
{
	struct outreg_trunk t = { .trunk = b->trunk, .nhosts = HOSTS, .aor = "sip:+4930@carrier.example",
				  .contact_user = "+4930", .expires_s = 600,
				  .opts = { .contact_host = "10.0.0.1" } };

	for (int i = 0; i < HOSTS; i++) {
		t.dest[i] = (struct sip_dest){ .transport = SIP_UDP, .addr = b->far[i].at };
		(void)str_copy(t.dest[i].host, sizeof t.dest[i].host, i ? STR("10.0.9.2") : STR("10.0.9.1"));
	}
	outreg_add(b->o, 3, &t);
	sim_for(b->loop, 20);
}

static void bed_free(struct bed *b)
{
	loop_on_turn(b->loop, NULL, NULL);
	outreg_free(b->o);
	trunk_free(b->trunk);
	sip_free(b->sip);
	dns_free(b->dns);
	sim_free(b->loop);
	mem_free(b);
}

#define OURS "Contact: <sip:+4930@10.0.0.1:5060>;expires=100\r\n"

static void why_is(struct bed *b, const char *word, const char *part)
{
	struct reason why = trunk_why(b->trunk);
	char text[500];
	struct buf t;

	buf_init(&t, text, sizeof text);
	reason_write(&t, &why);
	assert_string_equal(reason_word(why.code), word);
	assert_non_null(strstr(buf_z(&t), part));
}

static void a_trunk_registers_and_refreshes_before_the_end(void **x)
{
	struct bed *b = bed_new();
	char v[2][200];

	(void)x;
	b->far[0].answer = "200 OK";
	b->far[0].headers = "Contact: <sip:+4930@192.0.2.1>;expires=5000, <sip:+4930@10.0.0.1:5060>;expires=100\r\n"
			    "Contact: <sip:other@10.0.0.1>;expires=9\r\n"
			    "Service-Route: <sip:s1.carrier.example;lr>, <sip:s2.carrier.example;lr>\r\n"
			    "Service-Route: <sip:s3.carrier.example;lr>\r\n";
	assert_int_equal(outreg_state(b->o, 3), OUTREG_OFF);
	assert_int_equal(trunk_verdict(b->trunk), TRUNK_UNKNOWN);
	why_is(b, "registering", "not been answered");
	begin(b);
	assert_int_equal(outreg_state(b->o, 3), OUTREG_BOUND);
	assert_non_null(strstr(b->far[0].last, "REGISTER sip:carrier.example SIP/2.0"));
	assert_non_null(strstr(b->far[0].last, "To: <sip:+4930@carrier.example>"));
	assert_non_null(strstr(b->far[0].last, "Contact: <sip:+4930@10.0.0.1"));
	assert_non_null(strstr(b->far[0].last, "Supported: path"));
	assert_non_null(strstr(b->far[0].last, "Expires: 600"));
	assert_int_equal(trunk_verdict(b->trunk), TRUNK_UP);
	assert_int_equal(trunk_registration(b->trunk)->state, TRUNK_UP);
	assert_true(str_is(outreg_route(b->o, 3), "<sip:s1.carrier.example;lr>, <sip:s2.carrier.example;lr>, "
						   "<sip:s3.carrier.example;lr>"));
	assert_true(outreg_is_peer(b->o, 3, &b->far[0].at));
	assert_false(outreg_is_peer(b->o, 3, &b->far[1].at));
	assert_true(str_is(outreg_contact_user(b->o, 3), "+4930"));
	assert_false(outreg_is_peer(b->o, 4, &b->far[0].at));
	(void)header(b->far[0].last, "\r\nCall-ID: ", v[0], 200);
	sim_for(b->loop, 79000);
	assert_int_equal(b->far[0].asked, 1);
	b->far[0].headers = OURS;
	sim_for(b->loop, 7000);
	assert_int_equal(b->far[0].asked, 2);
	(void)header(b->far[0].last, "\r\nCall-ID: ", v[1], 200);
	assert_string_equal(v[0], v[1]);
	assert_int_equal(outreg_route(b->o, 3).n, 0);	/* the answer had none any more */
	bed_free(b);
}

static void without_a_time_at_the_contact_the_header_counts(void **x)
{
	struct bed *b = bed_new();

	(void)x;
	b->far[0].answer = "200 OK";
	b->far[0].headers = "Expires: 60\r\nContact: <sip:+4930@10.0.0.1:5060>\r\n";
	begin(b);
	sim_for(b->loop, 52000);
	assert_int_equal(b->far[0].asked, 2);
	b->far[0].headers = NULL;	/* nothing at all: as it was asked for */
	sim_for(b->loop, 52000);
	assert_int_equal(b->far[0].asked, 3);
	sim_for(b->loop, 479000);
	assert_int_equal(b->far[0].asked, 3);
	bed_free(b);
}

static void a_silent_host_is_followed_by_the_next(void **x)
{
	struct bed *b = bed_new();

	(void)x;
	b->far[1].answer = "200 OK";
	b->far[1].headers = OURS;
	begin(b);
	sim_for(b->loop, 8100);
	assert_int_equal(b->far[1].asked, 1);
	assert_int_equal(outreg_state(b->o, 3), OUTREG_BOUND);
	assert_true(outreg_is_peer(b->o, 3, &b->far[1].at));
	assert_int_equal(trunk_host_at(b->trunk, 0)->state, TRUNK_DOWN);
	assert_string_equal(reason_word(trunk_host_at(b->trunk, 0)->why.code), "registration-timeout");
	assert_int_equal(trunk_verdict(b->trunk), TRUNK_PARTIAL);
	sim_for(b->loop, 87000);	/* refreshed where it is */
	assert_int_equal(b->far[1].asked, 2);
	b->far[0].answer = "200 OK";
	b->far[0].headers = OURS;
	b->far[1].answer = "503 Service Unavailable";
	sim_for(b->loop, 87000);
	assert_true(outreg_is_peer(b->o, 3, &b->far[0].at));
	bed_free(b);
}

static void when_no_host_answers_the_rounds_become_rarer(void **x)
{
	struct bed *b = bed_new();
	int n;

	(void)x;
	b->far[0].answer = "503 Service Unavailable";
	b->far[1].answer = "500 Server Internal Error";
	begin(b);
	assert_int_equal(outreg_state(b->o, 3), OUTREG_WAITING);
	assert_int_equal(b->far[1].asked, 1);
	assert_int_equal(trunk_verdict(b->trunk), TRUNK_DOWN);
	sim_for(b->loop, 14000);
	assert_int_equal(b->far[0].asked, 1);
	sim_for(b->loop, 16500);
	assert_int_equal(b->far[0].asked, 2);	/* a new round, the first host first */
	assert_int_equal(b->far[1].asked, 2);
	sim_for(b->loop, 3600000);
	n = b->far[0].asked;
	sim_for(b->loop, 600000);
	assert_in_range(b->far[0].asked - n, 2, 4);	/* 150 to 300 s each */
	b->far[0].answer = "200 OK";
	sim_for(b->loop, 301000);
	assert_int_equal(outreg_state(b->o, 3), OUTREG_BOUND);
	bed_free(b);
}

static void a_refusal_is_final_for_the_round_and_told(void **x)
{
	struct bed *b = bed_new();

	(void)x;
	b->far[0].answer = "403 Not this account";
	begin(b);
	assert_int_equal(b->far[1].asked, 0);
	assert_int_equal(outreg_state(b->o, 3), OUTREG_WAITING);
	assert_int_equal(trunk_verdict(b->trunk), TRUNK_PARTIAL);	/* its host lives */
	why_is(b, "registration-refused", "sip:+4930@carrier.example with 403 Not this account");
	sim_for(b->loop, 30000);
	assert_int_equal(b->far[0].asked, 2);
	b->far[0].answer = "401 Unauthorized";
	b->far[0].headers = "WWW-Authenticate: Digest realm=\"carrier\", nonce=\"n\"\r\n";
	sim_for(b->loop, 60000);
	why_is(b, "auth-missing", "realm carrier");
	bed_free(b);
}

static void retry_after_is_kept_when_it_is_longer(void **x)
{
	struct bed *b = bed_new();

	(void)x;
	b->far[0].answer = "503 Service Unavailable";
	b->far[0].headers = "Retry-After: 500\r\n";
	b->far[1].answer = "503 Service Unavailable";
	b->far[1].headers = "Retry-After: 400\r\n";
	begin(b);
	sim_for(b->loop, 390000);
	assert_int_equal(b->far[0].asked, 1);
	sim_for(b->loop, 11000);
	assert_int_equal(b->far[0].asked, 2);
	bed_free(b);
}

static void too_brief_is_asked_for_longer_once(void **x)
{
	struct bed *b = bed_new();

	(void)x;
	b->far[0].answer = "423 Interval Too Brief";
	b->far[0].headers = "Min-Expires: 1800\r\n";
	begin(b);
	assert_int_equal(b->far[0].asked, 2);
	assert_non_null(strstr(b->far[0].last, "Expires: 1800"));
	assert_int_equal(outreg_state(b->o, 3), OUTREG_WAITING);
	why_is(b, "registration-refused", "423");
	bed_free(b);
	b = bed_new();
	b->far[0].answer = "423 Interval Too Brief";
	b->far[0].headers = "Min-Expires: 10\r\n";	/* nonsense: less than was asked for */
	begin(b);
	assert_int_equal(b->far[0].asked, 1);
	assert_int_equal(outreg_state(b->o, 3), OUTREG_WAITING);
	bed_free(b);
}

static void a_failed_refresh_does_not_end_what_was_granted(void **x)
{
	struct bed *b = bed_new();

	(void)x;
	b->far[0].answer = "200 OK";
	b->far[0].headers = OURS "Service-Route: <sip:s1.carrier.example;lr>\r\n";
	begin(b);
	b->far[0].answer = "403 Forbidden";
	b->far[0].headers = NULL;
	sim_for(b->loop, 86000);
	assert_int_equal(outreg_state(b->o, 3), OUTREG_WAITING);
	assert_true(outreg_is_peer(b->o, 3, &b->far[0].at));
	assert_true(outreg_route(b->o, 3).n > 0);
	sim_for(b->loop, 15000);
	assert_false(outreg_is_peer(b->o, 3, &b->far[0].at));
	assert_int_equal(outreg_route(b->o, 3).n, 0);
	bed_free(b);
}

static void the_end_takes_the_registration_back(void **x)
{
	struct bed *b = bed_new();

	(void)x;
	b->far[0].answer = "200 OK";
	b->far[0].headers = OURS;
	begin(b);
	outreg_stop(b->o);
	sim_for(b->loop, 20);
	assert_non_null(strstr(b->far[0].last, "Expires: 0"));
	assert_int_equal(b->far[0].asked, 2);
	assert_int_equal(outreg_state(b->o, 3), OUTREG_OFF);
	outreg_stop(b->o);
	sim_for(b->loop, 600000);
	assert_int_equal(b->far[0].asked, 2);
	bed_free(b);
}

/* The carrier may want a fresh nonce first, or be slow: who stops waits for it. */
static void an_answer_to_what_is_taken_back_is_waited_for(void **x)
{
	struct bed *b = bed_new();

	(void)x;
	b->far[0].answer = "200 OK";
	b->far[0].headers = OURS;
	begin(b);
	assert_false(outreg_waits(b->o));
	b->far[0].answer = NULL;
	outreg_stop(b->o);
	sim_for(b->loop, 300);
	assert_true(outreg_waits(b->o));
	b->far[0].answer = "200 OK";		/* it comes again after T1 */
	sim_for(b->loop, 300);
	assert_false(outreg_waits(b->o));
	bed_free(b);
}

static void what_was_never_registered_is_not_taken_back(void **x)
{
	struct bed *b = bed_new();

	(void)x;
	b->far[0].answer = "403 Forbidden";
	begin(b);
	outreg_stop(b->o);
	sim_for(b->loop, 600000);
	assert_int_equal(b->far[0].asked, 1);
	bed_free(b);
}

static void a_service_route_that_cannot_be_read_is_none(void **x)
{
	struct bed *b = bed_new();

	(void)x;
	b->far[0].answer = "200 OK";
	b->far[0].headers = OURS "Service-Route: nonsense\r\n";
	begin(b);
	assert_int_equal(outreg_route(b->o, 3).n, 0);
	bed_free(b);
}

/* The connection a registration came over closes: it is made anew, but not in a loop. */
static void a_closed_connection_is_registered_over_anew(void **x)
{
	struct bed *b = bed_new();
	struct sip_msg m = { .transport = SIP_TCP };
	struct sip_event ev = { .kind = SIP_EV_RESPONSE, .status = 200, .msg = &m, .flow = 77 };

	(void)x;
	begin(b);
	ev.owner = 1ull << 62 | 3 << 8 | 1;
	ev.peer = b->far[0].at;
	assert_true(outreg_on_response(b->o, &ev));
	assert_int_equal(outreg_state(b->o, 3), OUTREG_BOUND);
	b->far[0].asked = 0;
	outreg_on_flow(b->o, 77);
	outreg_on_flow(b->o, 77);
	sim_for(b->loop, 29000);
	assert_int_equal(b->far[0].asked, 0);
	b->far[0].answer = "200 OK";
	sim_for(b->loop, 1100);
	assert_int_equal(b->far[0].asked, 1);
	ev.owner = 7;
	assert_false(outreg_on_response(b->o, &ev));
	bed_free(b);
}

/* Inputs that a state does not expect change nothing. */
static void every_cell_is_decided(void **x)
{
	(void)x;
	for (int s = 0; s < OUTREG_NSTATE; s++)
		for (int e = 0; e < OUTREG_NEVENT; e++)
			assert_true(outreg_decided((enum outreg_state)s, (enum outreg_event)e));
}

static void late_answers_change_nothing(void **x)
{
	struct bed *b = bed_new();
	struct sip_msg m = { .transport = SIP_UDP };
	struct sip_event ok = { .kind = SIP_EV_RESPONSE, .status = 200, .msg = &m },
			 no = { .kind = SIP_EV_RESPONSE, .status = 403, .msg = &m },
			 brief = { .kind = SIP_EV_RESPONSE, .status = 423, .msg = &m },
			 silent = { .kind = SIP_EV_RESPONSE, .fail = SIP_FAIL_TIMEOUT };
	struct sip_event *all[] = { &ok, &no, &brief, &silent };

	(void)x;
	for (size_t i = 0; i < 4; i++)
		all[i]->owner = 1ull << 62 | 3 << 8 | 1;
	b->far[0].answer = "200 OK";
	b->far[0].headers = OURS;
	begin(b);
	for (size_t i = 0; i < 4; i++)
		assert_true(outreg_on_response(b->o, all[i]));
	assert_int_equal(outreg_state(b->o, 3), OUTREG_BOUND);
	ok.owner++;				/* of the other host */
	assert_true(outreg_on_response(b->o, &ok));
	ok.owner--;
	b->far[0].answer = "403 Forbidden";
	sim_for(b->loop, 86000);
	for (size_t i = 0; i < 4; i++)
		assert_true(outreg_on_response(b->o, all[i]));
	outreg_on_flow(b->o, 77);
	assert_int_equal(outreg_state(b->o, 3), OUTREG_WAITING);
	outreg_stop(b->o);
	for (size_t i = 0; i < 4; i++)
		assert_true(outreg_on_response(b->o, all[i]));
	assert_int_equal(outreg_state(b->o, 3), OUTREG_OFF);
	bed_free(b);
}

/* A REGISTER that cannot even be sent (a listener that is not there) is tried again. */
static void what_cannot_be_sent_is_tried_again(void **x)
{
	struct bed *b = bed_new();
	struct outreg_trunk t = { .trunk = b->trunk, .nhosts = 1, .aor = "sip:a@b", .contact_user = "a",
				  .expires_s = 600 };

	(void)x;
	t.dest[0] = (struct sip_dest){ .listener = 9, .host = "10.0.9.1" };
	outreg_add(b->o, 1, &t);
	sim_for(b->loop, 39000);
	assert_int_equal(outreg_state(b->o, 1), OUTREG_TRYING);
	sim_for(b->loop, 2000);
	assert_int_equal(outreg_state(b->o, 1), OUTREG_WAITING);
	why_is(b, "internal", "REGISTER");
	bed_free(b);
}

int run_outreg(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_trunk_registers_and_refreshes_before_the_end),
		cmocka_unit_test(without_a_time_at_the_contact_the_header_counts),
		cmocka_unit_test(a_silent_host_is_followed_by_the_next),
		cmocka_unit_test(when_no_host_answers_the_rounds_become_rarer),
		cmocka_unit_test(a_refusal_is_final_for_the_round_and_told),
		cmocka_unit_test(retry_after_is_kept_when_it_is_longer),
		cmocka_unit_test(too_brief_is_asked_for_longer_once),
		cmocka_unit_test(a_failed_refresh_does_not_end_what_was_granted),
		cmocka_unit_test(the_end_takes_the_registration_back),
		cmocka_unit_test(an_answer_to_what_is_taken_back_is_waited_for),
		cmocka_unit_test(what_was_never_registered_is_not_taken_back),
		cmocka_unit_test(a_service_route_that_cannot_be_read_is_none),
		cmocka_unit_test(a_closed_connection_is_registered_over_anew),
		cmocka_unit_test(every_cell_is_decided),
		cmocka_unit_test(late_answers_change_nothing),
		cmocka_unit_test(what_cannot_be_sent_is_tried_again),
	};

	return cmocka_run_group_tests_name("outreg", tests, NULL, NULL);
}
