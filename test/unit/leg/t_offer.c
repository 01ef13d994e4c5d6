/* t_offer.c - a leg's offers and answers in the dialog, from either side. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "bed.h"
#include "t_leg.h"

/* --- what far does ------------------------------------------------------------ */

static void far_offers(struct bed *b, uint64_t session, const char *words)
{
	struct sip_body body = bed_body(words ? bed_sdp(words) : "");

	assert_int_equal(sip_reinvite(b->far, session, &body, NULL, 0), OK);
	bed_run(b, 20);
}

static void far_answers(struct bed *b, uint64_t session, unsigned status, const char *words)
{
	struct sip_body body = bed_body(words ? bed_sdp(words) : "");

	assert_int_equal(sip_reinvite_answer(b->far, session, status, words ? &body : NULL, NULL, 0), OK);
	bed_run(b, 20);
}

/* Far's offer, answered by the leg: what it said. */
static const char *exchange(struct bed *b, uint64_t leg, uint64_t other, uint64_t session,
			    const char *words)
{
	far_offers(b, session, words);
	(void)bed_want(b, LEG_EV_OFFERED);
	assert_int_equal(leg_offer_answer(b->legs, leg, other), OK);
	bed_run(b, 20);
	return bed_got(b, SIP_EV_REANSWER)->body;
}

static struct bed *talking(const char *caller, const char *winner)
{
	struct bed *b = bed_new();

	bed_talk(b, caller, winner);
	return b;
}

/* --- o= versions ------------------------------------------------------------------ */

static void the_version_rises_when_the_text_changes_and_only_then(void **state)
{
	struct bed *b = talking("", "");
	const char *said;
	uint64_t first;

	(void)state;
	said = exchange(b, b->winner, b->caller, b->far_winner, "dir=sendonly version=2");
	first = bed_version(said);
	assert_string_equal(bed_dir(said), "recvonly");
	(void)bed_want(b, LEG_EV_HELD);
	said = exchange(b, b->winner, b->caller, b->far_winner, "dir=sendonly version=3 port=9002");
	assert_int_equal(bed_version(said), first);	/* our text is what it was */
	said = exchange(b, b->winner, b->caller, b->far_winner, "version=4 port=9002");
	assert_int_equal(bed_version(said), first + 1);
	(void)bed_want(b, LEG_EV_RESUMED);
	bed_free(b);
}

static void a_refresh_is_answered_by_the_leg_alone(void **state)
{
	struct bed *b = talking("srtp=80", "srtp=80");
	const char *said;
	uint64_t version;

	(void)state;
	said = exchange(b, b->caller, b->winner, b->far_caller, "srtp=80 dir=sendonly version=2");
	version = bed_version(said);
	bed_forget(b);
	for (int i = 0; i < 3; i++) {
		/* The same version, a higher one, a lower one: nothing has changed. */
		far_offers(b, b->far_caller, i == 0 ? "srtp=80 dir=sendonly version=2" :
			   i == 1 ? "srtp=80 dir=sendonly version=9" : "srtp=80 dir=sendonly version=1");
		assert_int_equal(bed_version(bed_got(b, SIP_EV_REANSWER)->body), version);
		assert_false(bed_has(b, LEG_EV_OFFERED) || bed_has(b, LEG_EV_HELD));
	}
	bed_free(b);
}

static void what_is_no_refresh_is_shown_to_the_call(void **state)
{
	static const char *const change[] = {
		"srtp=80 port=9002", "srtp=80 ip=10.0.0.3", "srtp=80 dir=inactive", "srtp=80 zero",
		"srtp=80 codecs=pcmu,pcma", "srtp=80 codecs=pcmu@96", "srtp=80 key=1", "srtp=80 events",
		"srtp=80 cn", "srtp=32", "",
	};

	(void)state;
	for (size_t i = 0; i < sizeof change / sizeof *change; i++) {
		struct bed *b = talking("srtp=80", "");

		far_offers(b, b->far_caller, change[i]);
		if (!bed_has(b, LEG_EV_OFFERED))
			fail_msg("taken for a refresh: %s", change[i]);
		bed_free(b);
	}
}

static void our_own_refresh_says_the_same_again(void **state)
{
	struct bed *b = talking("", "");
	struct sip_event due = { .kind = SIP_EV_REFRESH_DUE };
	struct leg_view v = bed_look(b, b->winner);
	char before[BED_BODY];

	(void)state;
	(void)str_copy(before, sizeof before, str_of(exchange(b, b->winner, b->caller, b->far_winner,
							       "dir=sendonly version=2")));
	bed_forget(b);
	due.owner = b->winner;
	due.session = v.session;
	legs_on_sip(b->legs, &due);
	bed_run(b, 20);
	assert_string_equal(bed_got(b, SIP_EV_REINVITE)->body, before);
	assert_true(bed_look(b, b->winner).offer_open);
	/* While it is open nothing else is offered, and it is not offered twice. */
	assert_int_equal(leg_other_holds(b->legs, b->winner, true), ERR_AGAIN);
	legs_on_sip(b->legs, &due);
	far_answers(b, b->far_winner, 200, "dir=sendonly version=2");
	(void)bed_want(b, LEG_EV_OFFER_DONE);
	assert_false(bed_far_has(b, SIP_EV_REINVITE));
	assert_int_equal(leg_other_holds(b->legs, b->winner, true), OK);
	bed_free(b);
}

/* --- hold -------------------------------------------------------------------------- */

static void every_cell_of_both_facts_is_shown_by_the_profile(void **state)
{
	/* [profile][it holds us]: our offer when the other side holds; NULL: nothing to say */
	static const char *const want[2][2] = { { "sendonly", "inactive" }, { "inactive", NULL } };

	(void)state;
	for (int profile = 0; profile < 2; profile++)
		for (int it = 0; it < 2; it++) {
			struct bed *b = bed_new();
			enum err e;

			b->winner_is.hold_inactive = profile;
			bed_talk(b, "", it ? "dir=sendonly" : "");
			assert_int_equal(bed_look(b, b->winner).it_holds, it);
			e = leg_other_holds(b->legs, b->winner, true);
			assert_int_equal(e, want[profile][it] ? OK : ERR_EXISTS);
			bed_run(b, 20);
			if (want[profile][it]) {
				assert_string_equal(bed_dir(bed_got(b, SIP_EV_REINVITE)->body),
						    want[profile][it]);
				far_answers(b, b->far_winner, 200, it ? "dir=inactive version=2"
								      : "dir=recvonly version=2");
			}
			assert_true(bed_look(b, b->winner).we_hold);
			assert_int_equal(bed_look(b, b->winner).it_holds, it);
			/* Again is nothing new; the resume is the same way back. */
			assert_int_equal(leg_other_holds(b->legs, b->winner, true), ERR_EXISTS);
			e = leg_other_holds(b->legs, b->winner, false);
			assert_int_equal(e, want[profile][it] ? OK : ERR_EXISTS);
			bed_run(b, 20);
			if (want[profile][it])
				assert_string_equal(bed_dir(bed_got(b, SIP_EV_REINVITE)->body),
						    it ? "recvonly" : "sendrecv");
			bed_free(b);
		}
}

static void our_answer_shows_both_facts(void **state)
{
	/* [we hold it][offered] */
	static const char *const want[2][4] = { { "sendrecv", "recvonly", "sendonly", "inactive" },
						{ "sendonly", "inactive", "sendonly", "inactive" } };
	static const char *const offered[] = { "port=9002 dir=sendrecv", "port=9002 dir=sendonly",
					       "port=9002 dir=recvonly", "port=9002 dir=inactive" };

	(void)state;
	for (int we = 0; we < 2; we++)
		for (int d = 0; d < 4; d++) {
			struct bed *b = talking("", "");

			if (we) {
				assert_int_equal(leg_other_holds(b->legs, b->winner, true), OK);
				bed_run(b, 20);
				far_answers(b, b->far_winner, 200, "dir=recvonly version=2");
				bed_forget(b);
			}
			assert_string_equal(bed_dir(exchange(b, b->winner, b->caller, b->far_winner,
							     offered[d])), want[we][d]);
			assert_int_equal(bed_look(b, b->winner).it_holds, d == 1 || d == 3);
			bed_free(b);
		}
}

static void the_fact_stands_while_it_cannot_be_shown(void **state)
{
	struct bed *b = talking("", "");

	(void)state;
	/* Far's own offer waits; the hold is in our answer to it. */
	far_offers(b, b->far_winner, "port=9002");
	assert_int_equal(leg_other_holds(b->legs, b->winner, true), ERR_AGAIN);
	assert_int_equal(leg_offer_answer(b->legs, b->winner, b->caller), OK);
	bed_run(b, 20);
	assert_string_equal(bed_dir(bed_got(b, SIP_EV_REANSWER)->body), "sendonly");
	assert_int_equal(leg_other_holds(b->legs, b->winner, true), ERR_EXISTS);
	bed_free(b);
}

static void a_refused_offer_leaves_what_was(void **state)
{
	struct bed *b = talking("", "");
	uint64_t version;

	(void)state;
	assert_int_equal(leg_other_holds(b->legs, b->winner, true), OK);
	bed_run(b, 20);
	version = bed_version(bed_got(b, SIP_EV_REINVITE)->body);
	far_answers(b, b->far_winner, 488, NULL);
	assert_int_equal(bed_want(b, LEG_EV_OFFER_DONE)->status, 488);
	assert_false(bed_look(b, b->winner).offer_open);
	/* It was not shown, so it can be shown again, under a version that was never used. */
	assert_int_equal(leg_other_holds(b->legs, b->winner, true), OK);
	bed_run(b, 20);
	assert_int_equal(bed_version(bed_got(b, SIP_EV_REINVITE)->body), version + 1);
	far_answers(b, b->far_winner, 200, "dir=recvonly version=2");
	assert_int_equal(bed_want(b, LEG_EV_OFFER_DONE)->status, 0);
	bed_free(b);
}

static void an_answer_that_cannot_be_used_changes_nothing(void **state)
{
	static const char *const bad[] = { "codecs=silk", "refused", "codecs=pcma", NULL, "ip=2001:db8::1" };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct bed *b = talking("", "");
		struct addr was = bed_look(b, b->winner).remote_media, is;

		assert_int_equal(leg_other_holds(b->legs, b->winner, true), OK);
		bed_run(b, 20);
		far_answers(b, b->far_winner, 200, bad[i]);
		(void)bed_want(b, LEG_EV_OFFER_DONE);
		is = bed_look(b, b->winner).remote_media;
		assert_true(addr_eq(&was, &is));
		assert_string_equal(bed_look(b, b->winner).codec, "PCMU");
		assert_int_equal(leg_other_holds(b->legs, b->winner, true), OK);
		bed_free(b);
	}
}

static void hold_by_zero_keeps_the_address(void **state)
{
	struct bed *b = talking("", "");
	struct addr was = bed_look(b, b->winner).remote_media, is;

	(void)state;
	(void)exchange(b, b->winner, b->caller, b->far_winner, "zero");
	is = bed_look(b, b->winner).remote_media;
	assert_true(addr_eq(&was, &is));
	assert_true(bed_look(b, b->winner).it_holds);
	bed_free(b);
}

/* --- one open offer ---------------------------------------------------------------------- */

static void before_the_ack_nothing_is_offered(void **state)
{
	struct bed *b = bed_new();
	struct reason why;

	(void)state;
	bed_invite(b, bed_sdp(""));
	assert_int_equal(bed_dial(b), OK);
	bed_answer(b, bed_sdp(""));
	assert_int_equal(leg_join(b->legs, b->caller, b->winner, NULL, 0, &why), OK);
	assert_int_equal(leg_other_holds(b->legs, b->caller, true), ERR_AGAIN);
	assert_int_equal(leg_recodec(b->legs, b->caller), ERR_EXISTS);
	bed_run(b, 20);
	assert_int_equal(leg_other_holds(b->legs, b->caller, true), OK);
	bed_free(b);
}

static void a_glare_is_tried_again_and_ends(void **state)
{
	struct bed *b = talking("", "");
	struct sip_body body = bed_body(bed_sdp("dir=sendonly version=2"));

	(void)state;
	/* Both in one instant: each side's INVITE gets 491, each waits its time and tries again. */
	assert_int_equal(sip_reinvite(b->far, b->far_winner, &body, NULL, 0), OK);
	assert_int_equal(leg_other_holds(b->legs, b->winner, true), OK);
	bed_run(b, 2100);
	/* Far is the callee: it waits less. Its offer is answered first. */
	assert_int_equal(bed_want(b, LEG_EV_OFFER_DONE)->status, 491);
	(void)bed_want(b, LEG_EV_OFFERED);
	assert_int_equal(leg_offer_answer(b->legs, b->winner, b->caller), OK);
	bed_run(b, 20);
	assert_string_equal(bed_dir(bed_got(b, SIP_EV_REANSWER)->body), "inactive");
	assert_true(bed_look(b, b->winner).it_holds);
	assert_int_equal(leg_other_holds(b->legs, b->winner, true), ERR_EXISTS);
	bed_free(b);
}

static void an_offer_taken_back_is_over(void **state)
{
	struct bed *b = talking("", "");
	struct sip_event gone = { .kind = SIP_EV_REWITHDRAWN, .owner = b->winner };

	(void)state;
	gone.session = bed_look(b, b->winner).session;
	far_offers(b, b->far_winner, "dir=sendonly version=2");
	legs_on_sip(b->legs, &gone);
	bed_run(b, 1);
	(void)bed_want(b, LEG_EV_OFFER_DONE);
	assert_int_equal(leg_offer_answer(b->legs, b->winner, b->caller), ERR_STATE);
	assert_int_equal(leg_offer_refuse(b->legs, b->winner, 491), ERR_STATE);
	assert_false(bed_look(b, b->winner).it_holds);
	bed_free(b);
}

static void an_offer_can_be_refused_by_the_call(void **state)
{
	struct bed *b = talking("", "");

	(void)state;
	far_offers(b, b->far_winner, "dir=sendonly version=2");
	assert_int_equal(leg_offer_refuse(b->legs, b->winner, 488), OK);
	bed_run(b, 20);
	assert_int_equal(bed_got(b, SIP_EV_REFAILED)->status, 488);
	(void)bed_want(b, LEG_EV_OFFER_DONE);
	assert_false(bed_look(b, b->winner).it_holds);
	bed_free(b);
}

static void what_cannot_be_answered_is_refused_with_its_reason(void **state)
{
	static const struct { const char *words; enum reason_code why; } row[] = {
		{ "codecs=silk", REASON_NO_COMMON_CODEC }, { "refused", REASON_BAD_SDP },
		{ "srtp=", REASON_SRTP_REQUIRED }, { "ip=2001:db8::1", REASON_BAD_SDP },
		{ "ip=239.1.1.1", REASON_BAD_SDP },
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct bed *b = talking("", "");

		far_offers(b, b->far_winner, row[i].words);
		assert_int_equal(bed_got(b, SIP_EV_REFAILED)->status, 488);
		assert_int_equal(bed_want(b, LEG_EV_REFUSED_REQUEST)->why, row[i].why);
		assert_false(bed_has(b, LEG_EV_OFFERED));
		assert_string_equal(bed_look(b, b->winner).codec, "PCMU");
		bed_free(b);
	}
}

static void another_codec_than_the_other_sides_is_refused(void **state)
{
	struct bed *b = talking("codecs=pcmu,pcma", "codecs=pcmu");

	(void)state;
	far_offers(b, b->far_winner, "codecs=pcma");
	(void)bed_want(b, LEG_EV_OFFERED);
	assert_int_equal(leg_offer_answer(b->legs, b->winner, b->caller), ERR_DENIED);
	bed_run(b, 20);
	assert_int_equal(bed_got(b, SIP_EV_REFAILED)->status, 488);
	assert_int_equal(bed_want(b, LEG_EV_REFUSED_REQUEST)->why, REASON_NO_COMMON_CODEC);
	bed_free(b);
}

static void a_body_that_is_no_sdp_is_415(void **state)
{
	struct bed *b = talking("", "");
	struct sip_body body = { STR("application/isup"), STR("x") };

	(void)state;
	assert_int_equal(sip_reinvite(b->far, b->far_winner, &body, NULL, 0), OK);
	bed_run(b, 20);
	assert_int_equal(bed_got(b, SIP_EV_REFAILED)->status, 415);
	bed_free(b);
}

/* --- without SDP -------------------------------------------------------------------------- */

static const char *asks(struct bed *b)
{
	far_offers(b, b->far_winner, NULL);
	(void)bed_want(b, LEG_EV_OFFERED);
	assert_int_equal(leg_offer_answer(b->legs, b->winner, b->caller), OK);
	bed_run(b, 20);
	assert_true(bed_look(b, b->winner).offer_open);
	return bed_got(b, SIP_EV_REANSWER)->body;
}

static void ack(struct bed *b, const char *words)
{
	struct sip_body body = bed_body(words ? bed_sdp(words) : "");

	assert_int_equal(sip_ack(b->far, b->far_winner, &body), OK);
	bed_run(b, 20);
	(void)bed_want(b, LEG_EV_OFFER_DONE);
	assert_false(bed_look(b, b->winner).offer_open);
}

static void who_asks_gets_our_offer_and_may_hold_and_resume_by_it(void **state)
{
	struct bed *b = talking("", "");
	const char *said;

	(void)state;
	said = asks(b);
	assert_string_equal(bed_dir(said), "sendrecv");
	assert_null(strstr(said, "PCMA"));		/* the codec in use alone */
	assert_int_equal(leg_other_holds(b->legs, b->winner, true), ERR_AGAIN);
	ack(b, "dir=sendonly version=2 port=9004");
	(void)bed_want(b, LEG_EV_HELD);
	assert_int_equal(bed_look(b, b->winner).remote_media.port, 9004);
	said = asks(b);					/* though it holds us: RFC 6337 5.3 */
	assert_string_equal(bed_dir(said), "sendonly");	/* we hold it, as was said above */
	ack(b, "dir=recvonly version=3");
	(void)bed_want(b, LEG_EV_RESUMED);
	bed_free(b);
}

static void an_ack_without_an_answer_leaves_what_was(void **state)
{
	static const char *const bad[] = { NULL, "codecs=silk", "refused" };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct bed *b = talking("", "dir=sendonly");

		(void)asks(b);
		ack(b, bad[i]);
		assert_true(bed_look(b, b->winner).it_holds);
		assert_int_equal(bed_look(b, b->winner).remote_media.port, 9000);
		bed_free(b);
	}
}

/* --- keys and lines -------------------------------------------------------------------------- */

static void key_of(const char *sdp, const char *suite, char key[41])
{
	const char *p = strstr(sdp, suite);

	assert_non_null(p);
	p = strstr(p, "inline:");
	assert_non_null(p);
	(void)str_copy(key, 41, str_sub(str_of(p + 7), 0, 40));
}

static void port_and_keys_stay_from_the_first_offer_to_the_end(void **state)
{
	static const char cm80[] = "AES_CM_128_HMAC_SHA1_80", cm32[] = "AES_CM_128_HMAC_SHA1_32";
	struct bed *b = bed_new();
	char first80[41], first32[41], key[41];
	const char *said;
	struct leg_view v;

	(void)state;
	b->winner_is.sdp.srtp = SDP_SRTP_MANDATORY;
	bed_invite(b, bed_sdp(""));
	assert_int_equal(bed_dial(b), OK);
	said = bed_got(b, SIP_EV_INVITE)->body;
	key_of(said, cm80, first80);
	key_of(said, cm32, first32);
	v = bed_look(b, b->winner);
	bed_answer(b, bed_sdp("srtp=32"));
	bed_join(b);
	bed_forget(b);
	said = exchange(b, b->winner, b->caller, b->far_winner, "srtp=32 dir=sendonly version=2");
	key_of(said, cm32, key);
	assert_string_equal(key, first32);
	assert_null(strstr(said, cm80));		/* an answer has one line, with the offer's tag */
	assert_non_null(strstr(said, "a=crypto:4 "));
	assert_int_equal(leg_other_holds(b->legs, b->winner, true), OK);
	bed_run(b, 20);
	said = bed_got(b, SIP_EV_REINVITE)->body;
	key_of(said, cm32, key);
	assert_string_equal(key, first32);
	key_of(said, cm80, key);
	assert_string_equal(key, first80);
	assert_true(strstr(said, cm32) < strstr(said, cm80));	/* the one in use first */
	assert_int_equal(bed_look(b, b->winner).local_media.port, v.local_media.port);
	bed_free(b);
}

static void other_lines_stay_in_our_later_offers(void **state)
{
	struct bed *b = talking("video", "");
	const char *said;

	(void)state;
	assert_int_equal(leg_other_holds(b->legs, b->caller, true), OK);
	bed_run(b, 20);
	said = bed_got(b, SIP_EV_REINVITE)->body;
	assert_non_null(strstr(said, "m=video 0 RTP/AVP 96\r\nm=audio "));
	/* In the answer our line is the second one. */
	far_answers(b, b->far_caller, 200, "video dir=recvonly version=2 port=9010");
	(void)bed_want(b, LEG_EV_OFFER_DONE);
	assert_int_equal(bed_look(b, b->caller).remote_media.port, 9010);
	bed_free(b);
}

/* --- the winner's codec ----------------------------------------------------------------------- */

static void early_with_another_codec(struct bed *b)
{
	struct sip_body body = bed_body(bed_sdp("codecs=pcmu"));

	bed_invite(b, bed_sdp("codecs=pcmu,pcma"));
	assert_int_equal(bed_dial(b), OK);
	assert_int_equal(sip_ring_tag(b->far, b->far_winner, 0, 183, &body, NULL, 0), OK);
	bed_run(b, 20);
	assert_int_equal(leg_early(b->legs, b->caller, b->winner, NULL, 0), OK);
	assert_int_equal(leg_early(b->legs, b->caller, b->winner, NULL, 0), OK);	/* heard again */
	assert_int_equal(leg_early(b->legs, b->caller, 0, NULL, 0), ERR_DENIED);	/* no tone then */
	bed_run(b, 20);
	body = bed_body(bed_sdp("codecs=pcma port=9002"));
	assert_int_equal(sip_answer_tag(b->far, b->far_winner, 1, &body, NULL, 0), OK);
	bed_run(b, 20);
	bed_join(b);
	(void)bed_want(b, LEG_EV_CONFIRMED);
	assert_non_null(strstr(bed_got(b, SIP_EV_ANSWER)->body, "PCMU"));	/* answered once */
	bed_forget(b);
	assert_int_equal(leg_recodec(b->legs, b->caller), OK);
	assert_int_equal(leg_recodec(b->legs, b->caller), ERR_AGAIN);
	bed_run(b, 20);
	assert_non_null(strstr(bed_got(b, SIP_EV_REINVITE)->body, "PCMA"));
}

static void the_caller_is_offered_the_winners_codec(void **state)
{
	struct bed *b = bed_new();

	(void)state;
	early_with_another_codec(b);
	far_answers(b, b->far_caller, 200, "codecs=pcma version=2");
	assert_string_equal(bed_look(b, b->caller).codec, "PCMA");
	assert_int_equal(leg_recodec(b->legs, b->caller), ERR_EXISTS);
	bed_free(b);
}

static void a_caller_that_refuses_the_winners_codec_is_lost(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct bed *b = bed_new();

		early_with_another_codec(b);
		if (i)
			far_answers(b, b->far_caller, 488, NULL);
		else
			far_answers(b, b->far_caller, 200, "codecs=pcmu version=2");
		assert_int_equal(bed_want(b, LEG_EV_LOST)->why, REASON_NO_COMMON_CODEC);
		(void)bed_got(b, SIP_EV_BYE);
		bed_run(b, 100);
		(void)bed_want(b, LEG_EV_GONE);
		bed_free(b);
	}
}

static void events_and_noise_are_what_both_sides_know(void **state)
{
	struct bed *b = bed_new();
	const char *said;

	(void)state;
	bed_invite(b, bed_sdp("events cn"));
	assert_int_equal(bed_dial(b), OK);
	said = bed_got(b, SIP_EV_INVITE)->body;
	assert_non_null(strstr(said, "telephone-event"));
	bed_answer(b, bed_sdp("cn"));
	bed_join(b);
	said = bed_got(b, SIP_EV_ANSWER)->body;
	assert_null(strstr(said, "telephone-event"));
	assert_non_null(strstr(said, "CN/8000"));
	bed_free(b);
}

int run_offer(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_version_rises_when_the_text_changes_and_only_then),
		cmocka_unit_test(a_refresh_is_answered_by_the_leg_alone),
		cmocka_unit_test(what_is_no_refresh_is_shown_to_the_call),
		cmocka_unit_test(our_own_refresh_says_the_same_again),
		cmocka_unit_test(every_cell_of_both_facts_is_shown_by_the_profile),
		cmocka_unit_test(our_answer_shows_both_facts),
		cmocka_unit_test(the_fact_stands_while_it_cannot_be_shown),
		cmocka_unit_test(a_refused_offer_leaves_what_was),
		cmocka_unit_test(an_answer_that_cannot_be_used_changes_nothing),
		cmocka_unit_test(hold_by_zero_keeps_the_address),
		cmocka_unit_test(before_the_ack_nothing_is_offered),
		cmocka_unit_test(a_glare_is_tried_again_and_ends),
		cmocka_unit_test(an_offer_taken_back_is_over),
		cmocka_unit_test(an_offer_can_be_refused_by_the_call),
		cmocka_unit_test(what_cannot_be_answered_is_refused_with_its_reason),
		cmocka_unit_test(another_codec_than_the_other_sides_is_refused),
		cmocka_unit_test(a_body_that_is_no_sdp_is_415),
		cmocka_unit_test(who_asks_gets_our_offer_and_may_hold_and_resume_by_it),
		cmocka_unit_test(an_ack_without_an_answer_leaves_what_was),
		cmocka_unit_test(port_and_keys_stay_from_the_first_offer_to_the_end),
		cmocka_unit_test(other_lines_stay_in_our_later_offers),
		cmocka_unit_test(the_caller_is_offered_the_winners_codec),
		cmocka_unit_test(a_caller_that_refuses_the_winners_codec_is_lost),
		cmocka_unit_test(events_and_noise_are_what_both_sides_know),
	};

	return cmocka_run_group_tests_name("leg/offer", tests, NULL, NULL);
}
