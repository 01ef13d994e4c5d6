/* t_early.c - the time before the answer: early dialogs, delayed offers, the caller's one answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "bed.h"
#include "t_leg.h"

static struct bed *ringing(const char *caller)
{
	struct bed *b = bed_new();

	bed_invite(b, bed_sdp(caller));
	assert_int_equal(bed_dial(b), OK);
	bed_forget(b);
	return b;
}

static void rings(struct bed *b, int tag, const char *words)
{
	struct sip_body body = bed_body(words ? bed_sdp(words) : "");

	assert_int_equal(sip_ring_tag(b->far, b->far_winner, tag, words ? 183 : 180, &body, NULL, 0), OK);
	bed_run(b, 20);
}

static void answers(struct bed *b, int tag, const char *words)
{
	struct sip_body body = bed_body(words ? bed_sdp(words) : "");

	assert_int_equal(sip_answer_tag(b->far, b->far_winner, tag, &body, NULL, 0), OK);
	bed_run(b, 20);
}

static void speaks(struct bed *b, int early)
{
	struct leg_view v = bed_look(b, b->winner);
	struct media_event e = { .kind = MEDIA_EV_FIRST_PACKET, .end = v.media_end, .owner = b->winner,
				 .early = early };

	legs_on_media(b->legs, &e);
	bed_run(b, 1);
}

static void each_early_dialog_has_its_own_record(void **state)
{
	struct bed *b = ringing("codecs=pcmu,pcma,g722");

	(void)state;
	rings(b, 0, "codecs=pcma port=9000");
	rings(b, 1, "codecs=g722 port=9002");
	assert_string_equal(bed_look(b, b->winner).codec, "PCMA");	/* the first one is served */
	speaks(b, 1);
	(void)bed_want(b, LEG_EV_EARLY_MEDIA);
	assert_string_equal(bed_look(b, b->winner).codec, "G722");
	assert_int_equal(bed_look(b, b->winner).remote_media.port, 9002);
	answers(b, 0, NULL);					/* its 183 had the answer */
	(void)bed_want(b, LEG_EV_ANSWERED);
	assert_string_equal(bed_look(b, b->winner).codec, "PCMA");
	assert_int_equal(bed_look(b, b->winner).remote_media.port, 9000);
	bed_free(b);
}

static void the_200_may_come_with_a_tag_never_seen(void **state)
{
	struct bed *b = ringing("codecs=pcmu,pcma");

	(void)state;
	rings(b, 0, "codecs=pcma");
	rings(b, 1, NULL);
	answers(b, 2, "codecs=pcmu port=9008");
	(void)bed_want(b, LEG_EV_ANSWERED);
	assert_string_equal(bed_look(b, b->winner).codec, "PCMU");
	assert_int_equal(bed_look(b, b->winner).remote_media.port, 9008);
	bed_free(b);
}

static void more_early_dialogs_than_we_keep_disturb_none(void **state)
{
	struct bed *b = ringing("codecs=pcmu,pcma");

	(void)state;
	rings(b, 0, "codecs=pcma port=9100");
	for (int i = 1; i <= MEDIA_EARLY_MAX; i++)
		rings(b, i, "codecs=pcmu port=9200");
	speaks(b, 0);
	assert_int_equal(bed_look(b, b->winner).remote_media.port, 9100);
	assert_string_equal(bed_look(b, b->winner).codec, "PCMA");
	answers(b, MEDIA_EARLY_MAX, "codecs=pcmu port=9300");	/* and yet it may answer */
	(void)bed_want(b, LEG_EV_ANSWERED);
	assert_int_equal(bed_look(b, b->winner).remote_media.port, 9300);
	bed_free(b);
}

static void early_sdp_that_cannot_be_used_is_passed_over(void **state)
{
	struct bed *b = ringing("codecs=pcmu,pcma");

	(void)state;
	rings(b, 0, "codecs=silk");
	speaks(b, 0);
	assert_false(bed_has(b, LEG_EV_EARLY_MEDIA));
	rings(b, 0, "codecs=pcma");
	assert_string_equal(bed_look(b, b->winner).codec, "PCMA");
	answers(b, 0, "codecs=pcmu");			/* the 200 decides */
	assert_string_equal(bed_look(b, b->winner).codec, "PCMU");
	bed_free(b);
}

static void a_200_that_cannot_be_used_ends_the_leg(void **state)
{
	static const struct { const char *words; enum reason_code why; } row[] = {
		{ NULL, REASON_BAD_SDP }, { "codecs=silk", REASON_NO_COMMON_CODEC },
		{ "codecs=pcma", REASON_NO_COMMON_CODEC }, { "refused", REASON_BAD_SDP },
		{ "ip=2001:db8::1", REASON_BAD_SDP }, { "srtp=", REASON_SRTP_REQUIRED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct bed *b = ringing("codecs=pcmu");
		struct bed_leg *e;

		answers(b, 0, row[i].words);
		e = bed_want(b, LEG_EV_FAILED);
		assert_int_equal(e->status, 488);
		assert_int_equal(e->why, row[i].why);
		bed_run(b, 100);
		(void)bed_got(b, SIP_EV_ACK);		/* it was acknowledged all the same */
		(void)bed_got(b, SIP_EV_BYE);
		(void)bed_want(b, LEG_EV_GONE);
		bed_free(b);
	}
}

static void the_caller_is_told_who_holds_from_the_start(void **state)
{
	struct bed *b = ringing("dir=sendonly");
	const char *said;

	(void)state;
	answers(b, 0, "dir=inactive");
	assert_true(bed_look(b, b->winner).it_holds);
	bed_join(b);
	said = bed_got(b, SIP_EV_ANSWER)->body;
	assert_string_equal(bed_dir(said), "inactive");
	assert_true(bed_look(b, b->caller).it_holds && bed_look(b, b->caller).we_hold);
	assert_true(bed_look(b, b->winner).we_hold);
	bed_free(b);
}

/* --- delayed offers -------------------------------------------------------------- */

static void a_caller_without_an_offer_gets_ours_with_the_winners_codec(void **state)
{
	struct bed *b = bed_new();
	struct sip_body body = bed_body(bed_sdp("codecs=pcma dir=sendonly port=9020"));
	const char *said;

	(void)state;
	bed_invite(b, "");
	assert_int_equal(bed_dial(b), OK);
	assert_int_equal(leg_early(b->legs, b->caller, b->winner, NULL, 0), ERR_STATE);
	bed_answer(b, bed_sdp("codecs=pcma"));
	bed_join(b);
	said = bed_got(b, SIP_EV_ANSWER)->body;
	assert_non_null(strstr(said, "PCMA"));
	assert_null(strstr(said, "PCMU"));
	assert_false(bed_has(b, LEG_EV_CONFIRMED));
	assert_int_equal(sip_ack(b->far, b->far_caller, &body), OK);
	bed_run(b, 20);
	(void)bed_want(b, LEG_EV_CONFIRMED);
	(void)bed_want(b, LEG_EV_HELD);
	assert_int_equal(bed_look(b, b->caller).remote_media.port, 9020);
	bed_free(b);
}

static void an_ack_without_a_usable_answer_ends_the_call(void **state)
{
	static const struct { const char *words; enum reason_code why; } row[] = {
		{ NULL, REASON_BAD_SDP }, { "codecs=pcmu", REASON_NO_COMMON_CODEC },
		{ "refused", REASON_BAD_SDP },
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct bed *b = bed_new();
		struct sip_body body = bed_body(row[i].words ? bed_sdp(row[i].words) : "");

		bed_invite(b, "");
		assert_int_equal(bed_dial(b), OK);
		bed_answer(b, bed_sdp("codecs=pcma"));
		bed_join(b);
		assert_int_equal(sip_ack(b->far, b->far_caller, &body), OK);
		bed_run(b, 100);
		assert_int_equal(bed_want(b, LEG_EV_LOST)->why, row[i].why);
		(void)bed_got(b, SIP_EV_BYE);
		bed_free(b);
	}
}

static void a_destination_with_delayed_offer_is_answered_in_the_ack(void **state)
{
	struct bed *b = bed_new();
	const char *said;

	(void)state;
	b->winner_is.delayed_offer = true;
	bed_invite(b, bed_sdp("codecs=pcma,pcmu"));
	assert_int_equal(bed_dial(b), OK);
	assert_string_equal(bed_got(b, SIP_EV_INVITE)->body, "");
	answers(b, 0, "codecs=g729,pcmu,pcma@96 dir=sendonly video port=9030");
	(void)bed_want(b, LEG_EV_ANSWERED);
	said = bed_got(b, SIP_EV_ACK)->body;
	assert_non_null(strstr(said, "m=video 0 "));
	assert_non_null(strstr(said, "a=rtpmap:96 PCMA/8000"));	/* the caller's first */
	assert_null(strstr(said, "G729"));
	assert_string_equal(bed_dir(said), "recvonly");
	assert_int_equal(bed_version(said), 1);
	assert_true(bed_look(b, b->winner).it_holds);
	bed_free(b);
}

static void an_offer_in_a_200_that_cannot_be_used_ends_the_leg(void **state)
{
	static const struct { const char *words; enum reason_code why; } row[] = {
		{ NULL, REASON_BAD_SDP }, { "codecs=silk", REASON_NO_COMMON_CODEC },
		{ "codecs=g722", REASON_NO_COMMON_CODEC }, { "refused", REASON_BAD_SDP },
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct bed *b = bed_new();

		b->winner_is.delayed_offer = true;
		bed_invite(b, bed_sdp("codecs=pcma,pcmu"));
		assert_int_equal(bed_dial(b), OK);
		answers(b, 0, row[i].words);
		assert_int_equal(bed_want(b, LEG_EV_FAILED)->why, row[i].why);
		bed_run(b, 100);
		(void)bed_got(b, SIP_EV_ACK);
		(void)bed_got(b, SIP_EV_BYE);
		bed_free(b);
	}
}

/* --- what is offered ---------------------------------------------------------------- */

static void destinations_are_offered_only_what_the_caller_offered(void **state)
{
	static const struct { const char *caller; const char *has, *hasnot; } row[] = {
		{ "codecs=g722,pcma", "9 8", "PCMU" }, { "codecs=opus,pcmu", "102 0", "PCMA" },
		{ "codecs=silk,pcma", " 8", "SILK" }, { "codecs=pcmu", " 0", "telephone-event" },
		{ "codecs=pcmu events", " 0 101", "CN/8000" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct bed *b = bed_new();
		const char *said;

		bed_invite(b, bed_sdp(row[i].caller));
		assert_int_equal(bed_dial(b), OK);
		said = bed_got(b, SIP_EV_INVITE)->body;
		assert_non_null(strstr(said, row[i].has));
		assert_null(strstr(said, row[i].hasnot));
		bed_free(b);
	}
}

static void without_a_common_codec_nothing_is_dialled(void **state)
{
	struct bed *b = bed_new();

	(void)state;
	b->winner_is.sdp.codecs = (struct sdp_codecs){ .n = 1, .c = { { "PCMA", 8000, 1, "" } } };
	bed_invite(b, bed_sdp("codecs=pcmu"));
	assert_int_not_equal(bed_dial(b), OK);
	assert_false(bed_far_has(b, SIP_EV_INVITE));
	bed_free(b);
}

int run_early(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_early_dialog_has_its_own_record),
		cmocka_unit_test(the_200_may_come_with_a_tag_never_seen),
		cmocka_unit_test(more_early_dialogs_than_we_keep_disturb_none),
		cmocka_unit_test(early_sdp_that_cannot_be_used_is_passed_over),
		cmocka_unit_test(a_200_that_cannot_be_used_ends_the_leg),
		cmocka_unit_test(the_caller_is_told_who_holds_from_the_start),
		cmocka_unit_test(a_caller_without_an_offer_gets_ours_with_the_winners_codec),
		cmocka_unit_test(an_ack_without_a_usable_answer_ends_the_call),
		cmocka_unit_test(a_destination_with_delayed_offer_is_answered_in_the_ack),
		cmocka_unit_test(an_offer_in_a_200_that_cannot_be_used_ends_the_leg),
		cmocka_unit_test(destinations_are_offered_only_what_the_caller_offered),
		cmocka_unit_test(without_a_common_codec_nothing_is_dialled),
	};

	return cmocka_run_group_tests_name("leg/early", tests, NULL, NULL);
}
