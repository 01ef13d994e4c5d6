/* Reliable provisional responses (RFC 3262): ours until their PRACK, the peer's in order. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "script.h"
#include "sip/stack_int.h"
#include "t_stack.h"

#define SDP_TYPE STR("application/sdp")

static const struct sip_opts rel_all = { .prack = SIP_PRACK_ALL },
			     rel_sdp = { .prack = SIP_PRACK_SDP }, rel_off = { .prack = SIP_PRACK_OFF };

static void every_cell_is_decided(void **x)
{
	(void)x;
	for (int st = 0; st < REL_NSTATE; st++)
		for (int in = 0; in < REL_NIN; in++)
			assert_true(rel_decided((enum rel_state)st, (enum rel_in)in));
}

/* --- ours --- */

static void own(struct bed_side *s, const struct sip_event *ev)
{
	if (ev->kind == SIP_EV_INVITE)
		assert_int_equal(sip_own(s->sip, ev->session, 9, s->arg), OK);
}

/* A call of the peer; the session. */
static uint64_t taken(struct bed *b, const struct sip_opts *o, const char *extra, const char *body)
{
	b->a.on = own;
	b->a.arg = (void *)(uintptr_t)o;
	call_in(b, extra, body);
	return bed_want(&b->a, SIP_EV_INVITE)->session;
}

static struct sip_body sdp(const char *text)
{
	return (struct sip_body){ SDP_TYPE, str_of(text) };
}

/* RAck for the last reliable response. */
static const char *rack(struct bed *b, char out[400])
{
	char v[300];

	(void)snprintf(out, 400, "RAck: %s 1 INVITE\r\n", value(b, "SIP/2.0 18", "RSeq", v));
	return out;
}

static uint32_t number(const char *text)
{
	uint32_t n = 0;

	assert_int_equal(str_u32(str_of(text), UINT32_MAX, &n), OK);
	return n;
}

static void prack(struct bed *b, int cseq, const char *body)
{
	char line[400];

	ask_in(b, "PRACK", cseq, rack(b, line), body);
}

static void ringing_is_repeated_until_its_prack(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	uint64_t id = taken(b, &rel_all, "Supported: 100rel\r\n", "v=0\r\n");
	char v[300];

	(void)x;
	assert_int_equal(sip_ring(b->a.sip, id, 180, NULL, NULL, 0), OK);
	bed_run(b, 3600);	/* 0, 500, 1500, 3500: it doubles without an end */
	assert_int_equal(bed_sent(b, "SIP/2.0 180"), 4);
	assert_string_equal(value(b, "SIP/2.0 180", "Require", v), "100rel");
	prack(b, 2, NULL);
	assert_int_equal(bed_sent(b, "SIP/2.0 200"), 1);
	assert_string_equal(value(b, "SIP/2.0 200", "CSeq", v), "2 PRACK");
	bed_run(b, 10000);
	assert_int_equal(bed_sent(b, "SIP/2.0 180"), 4);
	assert_int_equal(bed_count(&b->a, SIP_EV_PRACK), 0);
	sip_abandon(b->a.sip, id);
	bed_free(b);
}

static void who_does_not_support_it_gets_plain_ringing(void **x)
{
	static const struct { const struct sip_opts *o; const char *extra; bool body, reliable; } row[] = {
		{ &rel_all, "", false, false }, { &rel_all, "", true, false },
		{ &rel_off, "Supported: 100rel\r\n", true, false },
		{ &rel_sdp, "Supported: 100rel\r\n", false, false },
		{ &rel_sdp, "Supported: timer, 100rel\r\n", true, true },
		{ &rel_sdp, "Require: 100rel\r\n", false, true },
		{ &rel_all, "Supported: 100rel\r\n", false, true },
		{ NULL, "Supported: 100rel\r\n", true, false },
	};

	(void)x;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct bed *b = alone(SIP_ZONE_PBX);
		uint64_t id = taken(b, row[i].o, row[i].extra, "v=0\r\n");
		struct sip_body early = sdp("v=0 early\r\n");

		assert_int_equal(sip_may_ring_reliably(b->a.sip, id),
				 row[i].o && row[i].o->prack && row[i].extra[0]);
		assert_int_equal(sip_ring(b->a.sip, id, 183, row[i].body ? &early : NULL, NULL, 0), OK);
		bed_run(b, 800);
		assert_int_equal(bed_sent(b, "SIP/2.0 183"), row[i].reliable ? 2 : 1);
		sip_abandon(b->a.sip, id);
		bed_free(b);
	}
}

static void a_second_one_waits_for_the_first_s_prack(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	uint64_t id = taken(b, &rel_all, "Supported: 100rel\r\n", "v=0\r\n");
	struct sip_body early = sdp("v=0 early\r\n");
	char v[2][300];

	(void)x;
	(void)sip_ring(b->a.sip, id, 180, NULL, NULL, 0);
	(void)sip_ring(b->a.sip, id, 182, NULL, NULL, 0);
	(void)sip_ring(b->a.sip, id, 183, &early, NULL, 0);	/* takes the 182's place */
	(void)sip_ring(b->a.sip, id, 180, NULL, NULL, 0);	/* but does not make way itself */
	bed_run(b, 20);
	assert_int_equal(bed_sent(b, "SIP/2.0 183"), 0);
	(void)value(b, "SIP/2.0 180", "RSeq", v[0]);
	prack(b, 2, NULL);
	assert_int_equal(bed_sent(b, "SIP/2.0 183"), 1);
	assert_int_equal(bed_sent(b, "SIP/2.0 182"), 0);
	(void)value(b, "SIP/2.0 183", "RSeq", v[1]);
	assert_int_equal(number(v[1]), number(v[0]) + 1);
	bed_run(b, 600);
	assert_int_equal(bed_sent(b, "SIP/2.0 183"), 2);
	prack(b, 3, NULL);
	bed_run(b, 5000);
	assert_int_equal(bed_sent(b, "SIP/2.0 183"), 2);
	sip_abandon(b->a.sip, id);
	bed_free(b);
}

static void the_answer_waits_for_the_prack_of_a_session_description(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	uint64_t id = taken(b, &rel_sdp, "Supported: 100rel\r\n", "v=0\r\n");
	struct sip_body early = sdp("v=0 early\r\n");
	char v[300];

	(void)x;
	(void)sip_ring(b->a.sip, id, 183, &early, NULL, 0);
	bed_run(b, 20);
	assert_int_equal(sip_answer(b->a.sip, id, NULL, NULL, 0), OK);
	assert_int_equal(sip_answer(b->a.sip, id, NULL, NULL, 0), ERR_STATE);
	bed_run(b, 600);
	assert_int_equal(bed_sent(b, "SIP/2.0 200"), 0);
	prack(b, 2, NULL);
	assert_int_equal(bed_sent(b, "SIP/2.0 200"), 2);
	assert_string_equal(value(b, "SIP/2.0 200", "CSeq", v), "1 INVITE");
	bed_run(b, 600);	/* repeated until its ACK, as every 200 */
	assert_int_equal(bed_sent(b, "SIP/2.0 200"), 3);
	ask_in(b, "ACK", 1, NULL, NULL);
	(void)bed_want(&b->a, SIP_EV_ACK);
	sip_abandon(b->a.sip, id);
	bed_free(b);
}

static void plain_reliable_ringing_does_not_hold_the_answer_up(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	uint64_t id = taken(b, &rel_all, "Supported: 100rel\r\n", "v=0\r\n");
	struct sip_body answer = sdp("v=0 answer\r\n");
	char line[400];

	(void)x;
	(void)sip_ring(b->a.sip, id, 180, NULL, NULL, 0);
	bed_run(b, 20);
	(void)rack(b, line);
	assert_int_equal(sip_answer(b->a.sip, id, &answer, NULL, 0), OK);
	bed_run(b, 20);
	assert_int_equal(bed_sent(b, "SIP/2.0 200"), 1);
	ask_in(b, "PRACK", 2, line, NULL);		/* late, but right */
	assert_int_equal(bed_sent(b, "SIP/2.0 200"), 2);
	ask_in(b, "PRACK", 3, line, NULL);
	assert_int_equal(bed_sent(b, "SIP/2.0 481"), 1);
	bed_run(b, 20000);
	assert_int_equal(bed_sent(b, "SIP/2.0 180"), 1);
	ask_in(b, "ACK", 1, NULL, NULL);
	sip_abandon(b->a.sip, id);
	bed_free(b);
}

static void a_prack_for_nothing_gets_481(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	uint64_t id = taken(b, &rel_all, "Supported: 100rel\r\n", "v=0\r\n");
	char line[400], v[300];
	unsigned rseq;

	(void)x;
	(void)sip_ring(b->a.sip, id, 180, NULL, NULL, 0);
	bed_run(b, 20);
	rseq = number(value(b, "SIP/2.0 180", "RSeq", v));
	ask_in(b, "PRACK", 2, NULL, NULL);
	ask_in(b, "PRACK", 3, "RAck: 1\r\n", NULL);
	(void)snprintf(line, sizeof line, "RAck: %u 1 INVITE\r\n", rseq + 1);
	ask_in(b, "PRACK", 4, line, NULL);
	(void)snprintf(line, sizeof line, "RAck: %u 2 INVITE\r\n", rseq);
	ask_in(b, "PRACK", 5, line, NULL);
	(void)snprintf(line, sizeof line, "RAck: %u 1 UPDATE\r\n", rseq);
	ask_in(b, "PRACK", 6, line, NULL);
	assert_int_equal(bed_sent(b, "SIP/2.0 481"), 5);
	prack(b, 7, NULL);
	assert_int_equal(bed_sent(b, "SIP/2.0 200"), 1);
	ask_in(b, "PRACK", 8, rack(b, line), NULL);
	assert_int_equal(bed_sent(b, "SIP/2.0 481"), 6);
	sip_abandon(b->a.sip, id);
	bed_free(b);
}

static void towards_a_peer_without_it_prack_is_405(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	uint64_t id = taken(b, &rel_off, "Supported: 100rel\r\n", "v=0\r\n");
	char v[300];

	(void)x;
	(void)sip_ring(b->a.sip, id, 180, NULL, NULL, 0);
	bed_run(b, 20);
	ask_in(b, "PRACK", 2, "RAck: 1 1 INVITE\r\n", NULL);
	assert_null(strstr(value(b, "SIP/2.0 405", "Allow", v), "PRACK"));
	sip_abandon(b->a.sip, id);
	bed_free(b);
}

static void without_any_prack_the_call_ends(void **x)
{
	for (int answered = 0; answered < 2; answered++) {
		struct bed *b = alone(SIP_ZONE_PBX);
		uint64_t id = taken(b, &rel_all, "Supported: 100rel\r\n", "v=0\r\n");
		struct sip_body early = sdp("v=0 early\r\n");

		(void)x;
		(void)sip_ring(b->a.sip, id, 183, &early, NULL, 0);
		if (answered)
			(void)sip_answer(b->a.sip, id, NULL, NULL, 0);
		bed_run(b, 31900);
		assert_int_equal(bed_count(&b->a, SIP_EV_ENDED), 0);
		bed_run(b, 200);
		assert_int_equal(bed_want(&b->a, SIP_EV_ENDED)->why, SIP_END_NO_PRACK);
		assert_int_equal(bed_sent(b, "SIP/2.0 504") > 0, 1);
		assert_int_equal(bed_sent(b, "SIP/2.0 200"), 0);
		bed_free(b);
	}
}

static void the_waiting_answer_can_still_be_cancelled_or_taken_back(void **x)
{
	for (int how = 0; how < 3; how++) {
		static const char *const final[] = { "SIP/2.0 487", "SIP/2.0 480", "SIP/2.0 487" };
		struct bed *b = alone(SIP_ZONE_PBX);
		uint64_t id = taken(b, &rel_all, "Supported: 100rel\r\n", "v=0\r\n");
		struct sip_body early = sdp("v=0 early\r\n");
		struct addr at = peer();

		(void)x;
		(void)sip_ring(b->a.sip, id, 183, &early, NULL, 0);
		(void)sip_answer(b->a.sip, id, NULL, NULL, 0);
		bed_run(b, 20);
		if (how == 0)
			bed_peer_send(b, &at, &b->a.addr[SIP_UDP],
				"CANCEL sip:100@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9:5060;rport;branch=z9hG4bKin\r\n"
				"Max-Forwards: 70\r\nFrom: <sip:9@10.0.0.9>;tag=p\r\nTo: <sip:100@10.0.0.1>\r\n"
				"Call-ID: in\r\nCSeq: 1 CANCEL\r\nContent-Length: 0\r\n\r\n");
		else if (how == 1)
			assert_int_equal(sip_bye(b->a.sip, id, NULL, 0), OK);
		else
			ask_in(b, "BYE", 2, NULL, NULL);
		bed_run(b, 20);
		assert_int_equal(bed_sent(b, final[how]), 1);
		assert_int_equal(bed_count(&b->a, SIP_EV_CANCELLED), how != 1);
		bed_run(b, 40000);
		bed_free(b);
	}
}

static void an_offer_in_our_ringing_is_answered_in_the_prack(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	uint64_t id = taken(b, &rel_sdp, "Supported: 100rel\r\n", NULL);
	struct sip_body offer = sdp("v=0 offer\r\n");
	const struct bed_event *e;

	(void)x;
	(void)sip_ring(b->a.sip, id, 183, &offer, NULL, 0);
	bed_run(b, 20);
	prack(b, 2, "v=0 answer\r\n");
	e = bed_want(&b->a, SIP_EV_PRACK);
	assert_string_equal(e->body, "v=0 answer\r\n");
	assert_int_equal(e->tsx, 0);
	assert_int_equal(bed_sent(b, "SIP/2.0 200"), 1);
	sip_abandon(b->a.sip, id);
	bed_free(b);
}

static void the_first_one_to_an_invite_without_an_offer_has_ours(void **x)
{
	static const char *const asked[] = { "Supported: 100rel\r\n", "Require: 100rel\r\n" };
	struct sip_body offer = sdp("v=0 offer\r\n");

	(void)x;
	for (int required = 0; required < 2; required++) {
		struct bed *b = alone(SIP_ZONE_PBX);
		uint64_t id = taken(b, &rel_all, asked[required], NULL);

		assert_int_equal(sip_ring_owes_offer(b->a.sip, id), required);
		if (!required)
			assert_int_equal(sip_ring(b->a.sip, id, 182, NULL, NULL, 0), OK);
		assert_int_equal(sip_ring(b->a.sip, id, 183, &offer, NULL, 0), OK);
		assert_false(sip_ring_owes_offer(b->a.sip, id));
		bed_run(b, 800);
		assert_int_equal(bed_sent(b, "SIP/2.0 182"), !required);	/* not repeated */
		assert_int_equal(bed_sent(b, "SIP/2.0 183"), 2);
		prack(b, 2, "v=0 answer\r\n");
		assert_int_equal(sip_ring(b->a.sip, id, 180, NULL, NULL, 0), OK);
		bed_run(b, 800);
		assert_int_equal(bed_sent(b, "SIP/2.0 180"), 2);
		sip_abandon(b->a.sip, id);
		bed_free(b);
	}
}

static void a_new_offer_in_the_prack_is_the_owner_s_to_answer(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	uint64_t id = taken(b, &rel_sdp, "Supported: 100rel\r\n", "v=0\r\n");
	struct sip_body answer = sdp("v=0 answer\r\n"), second = sdp("v=0 second\r\n");
	const struct bed_event *e;

	(void)x;
	(void)sip_ring(b->a.sip, id, 183, &answer, NULL, 0);
	bed_run(b, 20);
	prack(b, 2, "v=0 again\r\n");
	assert_int_equal(bed_sent(b, "SIP/2.0 200"), 0);
	e = bed_want(&b->a, SIP_EV_PRACK);
	assert_int_not_equal(e->tsx, 0);
	assert_int_equal(sip_respond(b->a.sip, e->tsx, 200, NULL, &second, NULL, 0), OK);
	bed_run(b, 20);
	assert_non_null(strstr(bed_msg(b, "SIP/2.0 200", 0)->text, "v=0 second"));
	sip_abandon(b->a.sip, id);
	bed_free(b);
}

static void who_must_not_have_it_is_told_420(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	uint64_t id = taken(b, &rel_off, "Require: 100rel\r\n", "v=0\r\n");
	char v[300];

	(void)x;
	assert_int_equal(sip_reject(b->a.sip, id, 420, NULL, NULL, 0), OK);
	bed_run(b, 20);
	assert_string_equal(value(b, "SIP/2.0 420", "Unsupported", v), "100rel");
	bed_free(b);
}

/* --- the peer's --- */

#define REL "Require: 100rel\r\nRSeq: %d\r\n" CONTACT

static void rings(struct bed *b, const char *line, const char *tag, int rseq, const char *body)
{
	char extra[300];

	(void)snprintf(extra, sizeof extra, REL, rseq);
	reply(b, (struct reply){ "INVITE", 0, line, tag, extra, body });
}

static void the_peer_s_ringing_is_acknowledged_in_its_early_dialog(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	uint64_t id = call_with(b, &rel_all);
	char v[300];

	(void)x;
	assert_non_null(strstr(value(b, "INVITE", "Supported", v), "100rel"));
	assert_non_null(strstr(value(b, "INVITE", "Allow", v), "PRACK"));
	reply(b, (struct reply){ "INVITE", 0, "180 Ringing", "a",
		"Require: 100rel\r\nRSeq: 7\r\nRecord-Route: <sip:10.0.0.9;lr>\r\n" CONTACT, NULL });
	assert_int_equal(bed_sent(b, "PRACK sip:9@10.0.0.9:5060"), 1);
	assert_string_equal(value(b, "PRACK", "RAck", v), "7 1 INVITE");
	assert_string_equal(value(b, "PRACK", "CSeq", v), "2 PRACK");
	assert_string_equal(value(b, "PRACK", "Route", v), "<sip:10.0.0.9;lr>");
	assert_non_null(strstr(value(b, "PRACK", "To", v), ";tag=a"));
	reply(b, (struct reply){ "PRACK", 0, "200 OK", NULL, NULL, NULL });
	rings(b, "180 Ringing", "a", 7, NULL);		/* again: neither told nor acknowledged */
	rings(b, "183 Session Progress", "a", 9, NULL);	/* out of order */
	assert_int_equal(bed_sent(b, "PRACK "), 1);
	assert_int_equal(bed_count(&b->a, SIP_EV_PROVISIONAL), 1);
	rings(b, "183 Session Progress", "a", 8, "v=0 early\r\n");
	assert_int_equal(bed_sent(b, "PRACK "), 2);
	rings(b, "180 Ringing", "b", 100, NULL);	/* another fork counts for itself */
	assert_int_equal(bed_sent(b, "PRACK "), 3);
	assert_string_equal(value(b, "PRACK", "CSeq", v), "4 PRACK");
	reply(b, (struct reply){ "INVITE", 0, "200 OK", "a", CONTACT, NULL });
	(void)bed_want(&b->a, SIP_EV_PROVISIONAL);
	(void)bed_want(&b->a, SIP_EV_PROVISIONAL);
	(void)bed_want(&b->a, SIP_EV_PROVISIONAL);
	(void)bed_want(&b->a, SIP_EV_ANSWER);
	(void)sip_bye(b->a.sip, id, NULL, 0);
	bed_run(b, 20);
	assert_string_equal(value(b, "BYE", "CSeq", v), "5 BYE");
	bed_free(b);
}

static void without_it_nothing_is_acknowledged(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	uint64_t id = call(b);
	char v[300];

	(void)x;
	assert_null(strstr(value(b, "INVITE", "Allow", v), "PRACK"));
	rings(b, "180 Ringing", "a", 7, NULL);
	assert_int_equal(bed_sent(b, "PRACK "), 0);
	assert_int_equal(bed_count(&b->a, SIP_EV_PROVISIONAL), 1);
	sip_abandon(b->a.sip, id);
	bed_free(b);
}

static uint64_t delayed_call(struct bed *b)
{
	struct sip_invite i = { .owner = 7, .opts = &rel_all, .ruri = STR("sip:200@10.0.0.9"),
				.from_uri = STR("sip:100@a.example"), .to_uri = STR("sip:200@10.0.0.9") };
	uint64_t id;

	i.dest = (struct sip_dest){ .transport = SIP_UDP, .host = "10.0.0.9", .port = 5060 };
	id = sip_invite(b->a.sip, &i);
	bed_run(b, 20);
	return id;
}

static void an_offer_in_the_peer_s_ringing_is_answered_in_our_prack(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	uint64_t id = delayed_call(b);
	struct sip_body answer = sdp("v=0 mine\r\n");
	const struct bed_event *e;

	(void)x;
	rings(b, "183 Session Progress", "a", 1, "v=0 theirs\r\n");
	e = bed_want(&b->a, SIP_EV_PROVISIONAL);
	assert_string_equal(e->body, "v=0 theirs\r\n");
	assert_int_equal(bed_sent(b, "PRACK "), 0);
	assert_int_equal(sip_prack(b->a.sip, id, 1, &answer), ERR_STATE);
	assert_int_equal(sip_prack(b->a.sip, id, -1, &answer), ERR_STATE);
	assert_int_equal(sip_prack(b->a.sip, id, e->early, &answer), OK);
	assert_int_equal(sip_prack(b->a.sip, id, e->early, &answer), ERR_STATE);
	bed_run(b, 20);
	assert_int_equal(bed_sent(b, "PRACK "), 1);
	assert_non_null(strstr(bed_msg(b, "PRACK ", 0)->text, "v=0 mine"));
	reply(b, (struct reply){ "PRACK", 0, "200 OK", NULL, NULL, NULL });
	rings(b, "180 Ringing", "a", 2, NULL);
	assert_int_equal(bed_sent(b, "PRACK "), 2);
	reply(b, (struct reply){ "INVITE", 0, "200 OK", "a", CONTACT, NULL });
	(void)bed_want(&b->a, SIP_EV_PROVISIONAL);
	(void)bed_want(&b->a, SIP_EV_ANSWER);	/* acknowledged at once: nothing is open */
	assert_int_equal(bed_sent(b, "ACK "), 1);
	assert_int_equal(sip_prack(b->a.sip, 12345, 0, &answer), ERR_GONE);
	sip_abandon(b->a.sip, id);
	bed_free(b);
}

static void a_challenged_prack_is_sent_again(void **x)
{
	struct bed *b = alone(SIP_ZONE_PBX);
	struct sip_login l = { .user = STR("u"), .password = STR("p"), .host = { STR("10.0.0.9") },
			       .nhosts = 1 };
	struct sip_opts o = rel_all;
	uint64_t id;
	char v[300];

	(void)x;
	o.login = sip_login_add(b->a.sip, &l);
	id = call_with(b, &o);
	rings(b, "180 Ringing", "a", 1, NULL);
	reply(b, (struct reply){ "PRACK", 0, "407 No", NULL,
		"Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n", NULL });
	assert_int_equal(bed_sent(b, "PRACK "), 2);
	assert_string_equal(value(b, "PRACK", "CSeq", v), "3 PRACK");
	assert_string_equal(value(b, "PRACK", "RAck", v), "1 1 INVITE");
	assert_non_null(strstr(value(b, "PRACK", "Proxy-Authorization", v), "Digest"));
	sip_abandon(b->a.sip, id);
	bed_run(b, 20);
	bed_free(b);
}

/* --- both ends are ours --- */

static void answering_reliably(struct bed_side *s, const struct sip_event *ev)
{
	struct sip_body early = sdp("v=0 answer\r\n");

	if (ev->kind != SIP_EV_INVITE)
		return;
	(void)sip_own(s->sip, ev->session, 9, &rel_all);
	(void)sip_ring(s->sip, ev->session, 180, NULL, NULL, 0);
	(void)sip_ring(s->sip, ev->session, 183, &early, NULL, 0);
	(void)sip_answer(s->sip, ev->session, NULL, NULL, 0);
}

static bool every_third(struct bed *b, const struct bed_msg *m)
{
	(void)m;
	return b->nwire % 3 == 0;
}

static void two_stacks_ring_reliably_over_a_lossy_wire(void **x)
{
	struct bed *b = bed_new();
	struct sip_invite i = { .owner = 7, .opts = &rel_all, .ruri = STR("sip:200@b.example"),
				.from_uri = STR("sip:100@a.example"), .to_uri = STR("sip:200@b.example"),
				.body = { SDP_TYPE, STR("v=0 offer\r\n") } };
	uint64_t id;

	(void)x;
	i.dest = bed_dest(&b->a, &b->b, SIP_UDP);
	b->b.on = answering_reliably;
	b->lose = every_third;
	id = sip_invite(b->a.sip, &i);
	bed_run(b, 30000);
	assert_int_equal(bed_count(&b->a, SIP_EV_PROVISIONAL), 2);
	assert_int_equal(bed_count(&b->a, SIP_EV_ANSWER), 1);
	assert_int_equal(bed_count(&b->b, SIP_EV_ACK), 1);
	b->lose = NULL;
	(void)sip_bye(b->a.sip, id, NULL, 0);
	bed_run(b, 1000);
	assert_int_equal(bed_count(&b->b, SIP_EV_BYE), 1);
	bed_free(b);
}

int run_rel(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell_is_decided),
		cmocka_unit_test(ringing_is_repeated_until_its_prack),
		cmocka_unit_test(who_does_not_support_it_gets_plain_ringing),
		cmocka_unit_test(a_second_one_waits_for_the_first_s_prack),
		cmocka_unit_test(the_answer_waits_for_the_prack_of_a_session_description),
		cmocka_unit_test(plain_reliable_ringing_does_not_hold_the_answer_up),
		cmocka_unit_test(a_prack_for_nothing_gets_481),
		cmocka_unit_test(towards_a_peer_without_it_prack_is_405),
		cmocka_unit_test(without_any_prack_the_call_ends),
		cmocka_unit_test(the_waiting_answer_can_still_be_cancelled_or_taken_back),
		cmocka_unit_test(an_offer_in_our_ringing_is_answered_in_the_prack),
		cmocka_unit_test(the_first_one_to_an_invite_without_an_offer_has_ours),
		cmocka_unit_test(a_new_offer_in_the_prack_is_the_owner_s_to_answer),
		cmocka_unit_test(who_must_not_have_it_is_told_420),
		cmocka_unit_test(the_peer_s_ringing_is_acknowledged_in_its_early_dialog),
		cmocka_unit_test(without_it_nothing_is_acknowledged),
		cmocka_unit_test(an_offer_in_the_peer_s_ringing_is_answered_in_our_prack),
		cmocka_unit_test(a_challenged_prack_is_sent_again),
		cmocka_unit_test(two_stacks_ring_reliably_over_a_lossy_wire),
	};

	return cmocka_run_group_tests_name("rel", tests, NULL, NULL);
}
