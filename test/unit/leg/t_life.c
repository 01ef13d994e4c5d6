/* t_life.c - how legs begin and end, and what is asked of them at the wrong time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "bed.h"
#include "t_leg.h"

static void an_invite_that_cannot_become_a_leg_is_told_why(void **state)
{
	static const struct { const char *words; unsigned status; enum reason_code why; } row[] = {
		{ "codecs=silk", 488, REASON_NO_COMMON_CODEC }, { "refused", 488, REASON_BAD_SDP },
		{ "srtp=", 488, REASON_SRTP_REQUIRED }, { "ip=2001:db8::1", 488, REASON_BAD_SDP },
		{ "ip=255.255.255.255", 488, REASON_BAD_SDP }, { "ip=127.0.0.1", 488, REASON_BAD_SDP },
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct bed *b = bed_new();

		bed_invite(b, bed_sdp(row[i].words));
		assert_int_equal(b->took_status, row[i].status);
		assert_int_equal(b->took_why.code, row[i].why);
		assert_int_equal(legs_count(b->legs), 0);
		assert_int_equal(bed_got(b, SIP_EV_FAILED)->status, row[i].status);
		bed_free(b);
	}
}

static void a_peer_behind_translation_may_say_any_address(void **state)
{
	struct bed *b = bed_new();

	(void)state;
	b->caller_is.media.latch = true;
	bed_invite(b, bed_sdp("ip=127.0.0.1"));
	assert_int_equal(b->took_status, 0);
	bed_free(b);
}

static void a_broken_description_is_488(void **state)
{
	struct bed *b = bed_new();

	(void)state;
	bed_invite(b, "v=0\r\no=- 1 1 IN IP4 h\r\nm=audio x\r\n");
	assert_int_equal(b->took_status, 488);
	assert_int_equal(b->took_why.code, REASON_BAD_SDP);
	bed_free(b);
}

static void full_tables_are_503(void **state)
{
	struct bed *b = bed_sized(1, 4);
	uint32_t open, left;

	(void)state;
	bed_invite(b, bed_sdp(""));
	assert_int_equal(b->took_status, 0);
	assert_int_equal(bed_dial(b), ERR_LIMIT);
	bed_invite(b, bed_sdp(""));
	assert_int_equal(b->took_status, 503);
	assert_int_equal(b->took_why.code, REASON_LIMIT_TOTAL);
	bed_free(b);
	b = bed_sized(4, 1);
	bed_invite(b, bed_sdp(""));
	assert_int_equal(bed_dial(b), ERR_LIMIT);
	bed_invite(b, bed_sdp(""));
	assert_int_equal(b->took_status, 503);
	assert_int_equal(b->took_why.code, REASON_LIMIT_PORTS);
	assert_int_equal(legs_count(b->legs), 1);
	media_counts(b->media, &open, &left);
	assert_int_equal(open, 1);
	bed_free(b);
}

static void functions_at_the_wrong_time_do_nothing(void **state)
{
	struct bed *b = bed_new();
	struct reason why;
	struct leg_view v;

	(void)state;
	assert_int_equal(leg_look(b->legs, 99, &v), ERR_GONE);
	assert_int_equal(leg_end(b->legs, 99, 0, NULL, 0), ERR_GONE);
	assert_int_equal(leg_ring(b->legs, 99, 180, NULL, 0), ERR_STATE);
	assert_int_equal(leg_other_holds(b->legs, 99, true), ERR_GONE);
	assert_int_equal(leg_recodec(b->legs, 99), ERR_GONE);
	assert_int_equal(leg_offer_answer(b->legs, 99, 98), ERR_STATE);
	assert_int_equal(leg_offer_refuse(b->legs, 99, 491), ERR_STATE);
	assert_int_equal(leg_join(b->legs, 99, 98, NULL, 0, &why), ERR_STATE);
	assert_int_equal(leg_early(b->legs, 99, 98, NULL, 0), ERR_STATE);
	assert_int_equal(leg_retry(b->legs, 99, &(struct sip_dest){ 0 }, STR_NONE, STR_NONE), ERR_STATE);
	bed_invite(b, bed_sdp(""));
	assert_int_equal(leg_other_holds(b->legs, b->caller, true), ERR_GONE);
	assert_int_equal(leg_recodec(b->legs, b->caller), ERR_GONE);
	assert_int_equal(leg_offer_refuse(b->legs, b->caller, 491), OK);	/* nothing to refuse: harmless */
	assert_int_equal(bed_dial(b), OK);
	assert_int_equal(leg_join(b->legs, b->caller, b->winner, NULL, 0, &why), ERR_STATE);
	assert_int_equal(leg_ring(b->legs, b->winner, 180, NULL, 0), ERR_STATE);
	bed_answer(b, bed_sdp(""));
	assert_int_equal(leg_offer_answer(b->legs, b->winner, b->caller), ERR_STATE);
	assert_int_equal(leg_retry(b->legs, b->winner, &(struct sip_dest){ 0 }, STR_NONE, STR_NONE), ERR_STATE);
	bed_free(b);
}

static void every_leg_ends_once_with_its_counters(void **state)
{
	struct bed *b = bed_new();
	uint32_t open, left;

	(void)state;
	bed_talk(b, "", "");
	assert_int_equal(legs_count(b->legs), 2);
	assert_int_equal(leg_other_holds(b->legs, b->winner, true), OK);	/* with an offer open */
	assert_int_equal(leg_end(b->legs, b->winner, 0, NULL, 0), OK);
	assert_int_equal(leg_end(b->legs, b->winner, 0, NULL, 0), ERR_GONE);
	assert_int_equal(leg_end(b->legs, b->caller, 0, NULL, 0), OK);
	bed_run(b, 100);
	(void)bed_want(b, LEG_EV_GONE);
	(void)bed_want(b, LEG_EV_GONE);
	assert_false(bed_has(b, LEG_EV_GONE));
	assert_int_equal(legs_count(b->legs), 0);
	media_counts(b->media, &open, &left);
	assert_int_equal(open, 0);
	(void)bed_got(b, SIP_EV_BYE);
	(void)bed_got(b, SIP_EV_BYE);
	bed_free(b);
}

static void who_never_answered_gives_its_ports_back_once(void **state)
{
	struct bed *b = bed_new();
	uint32_t open, left, all;

	(void)state;
	media_counts(b->media, &open, &all);
	bed_invite(b, bed_sdp(""));
	assert_int_equal(bed_dial(b), OK);
	media_counts(b->media, &open, &left);
	assert_int_equal(open, 2);
	assert_int_equal(left, all - 2);
	assert_int_equal(leg_end(b->legs, b->winner, 0, NULL, 0), OK);
	assert_int_equal(leg_end(b->legs, b->caller, 486, NULL, 0), OK);
	bed_run(b, 100);
	media_counts(b->media, &open, &left);
	assert_int_equal(open, 0);
	assert_int_equal(left, all);
	bed_free(b);
}

static void an_attempt_at_another_host_says_the_same(void **state)
{
	struct bed *b = bed_new();
	struct sip_dest d = { .transport = SIP_UDP, .port = 5060 };
	char first[BED_BODY];

	(void)state;
	bed_invite(b, bed_sdp("codecs=pcmu,pcma"));
	assert_int_equal(bed_dial(b), OK);
	(void)str_copy(first, sizeof first, str_of(bed_got(b, SIP_EV_INVITE)->body));
	assert_int_equal(sip_reject(b->far, b->far_winner, 503, NULL, NULL, 0), OK);
	bed_run(b, 20);
	(void)bed_want(b, LEG_EV_ATTEMPT_FAILED);
	assert_int_equal(addr_parse(STR("10.0.0.2:5060"), 0, &d.addr), OK);
	assert_int_equal(leg_retry(b->legs, b->winner, &d, STR("sip:far@10.0.0.2"), STR_NONE), OK);
	bed_run(b, 20);
	assert_string_equal(bed_got(b, SIP_EV_INVITE)->body, first);
	bed_free(b);
}

static void media_news_of_another_end_is_nothing(void **state)
{
	struct bed *b = bed_new();
	struct media_event e = { .kind = MEDIA_EV_SILENT };

	(void)state;
	bed_talk(b, "", "");
	e.owner = b->winner;
	e.end = bed_look(b, b->caller).media_end;
	legs_on_media(b->legs, &e);
	bed_run(b, 20);
	assert_false(bed_has(b, LEG_EV_LOST));
	e.end = bed_look(b, b->winner).media_end;
	legs_on_media(b->legs, &e);
	bed_run(b, 20);
	assert_int_equal(bed_want(b, LEG_EV_LOST)->why, REASON_NO_MEDIA);
	(void)bed_got(b, SIP_EV_BYE);
	bed_free(b);
}

int run_life(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_invite_that_cannot_become_a_leg_is_told_why),
		cmocka_unit_test(a_peer_behind_translation_may_say_any_address),
		cmocka_unit_test(a_broken_description_is_488),
		cmocka_unit_test(full_tables_are_503),
		cmocka_unit_test(functions_at_the_wrong_time_do_nothing),
		cmocka_unit_test(every_leg_ends_once_with_its_counters),
		cmocka_unit_test(who_never_answered_gives_its_ports_back_once),
		cmocka_unit_test(an_attempt_at_another_host_says_the_same),
		cmocka_unit_test(media_news_of_another_end_is_nothing),
	};

	return cmocka_run_group_tests_name("leg/life", tests, NULL, NULL);
}
