#include <stdio.h>
#include <string.h>

#include "app/demo_int.h"

/* --- scenarios -------------------------------------------------------------------------------- */

static bool alice_dials(struct demo *d, const char *number)
{
	phone_forget(&d->alice);
	phone_forget(&d->bob);
	phone_forget(&d->pbx);
	teams_forget(d);
	demo_say(d, "alice", "INVITE", number);
	return demo_must(d, phone_do(&d->alice, "dial", number), "alice's phone cannot dial");
}

static void hang_up(struct demo *d, struct phone *p)
{
	phone_do(p, "hangup", NULL);
	demo_say(d, p->name, "BYE", "");
	bed_pause(0.4);
}

static void teams_answers(struct demo *d)
{
	struct ear a = { NULL, TONE_ALICE }, b = { &d->alice, TONE_TEAMS };

	teams_will(d, 1, 3600);
	alice_dials(d, "1002");
	demo_must(d, phone_wait(&d->bob, "CALL_INCOMING", 5), "bob's desk phone does not ring");
	demo_say(d, "bob's desk phone", "180 rings", "alice");
	demo_must(d, phone_wait(&d->alice, "CALL_ESTABLISHED", 10), "the call is not answered");
	demo_say(d, "bob's Teams", "200 answers", "alice");
	demo_must(d, phone_wait(&d->bob, "CALL_CLOSED", 3), "the desk phone rings on");
	demo_say(d, "Tandem", "CANCEL, completed elsewhere", "bob's desk phone");
	ears_talk(d, &d->alice, &a, &b);
	hang_up(d, &d->alice);
	demo_must(d, teams_wait(d, "ended", 5), "Teams was not told of the end");
	ears_only_srtp(d);
	record_read(d);
	record_winner(d, "bob-teams");
	record_reason(d, "SEPB", "answered-elsewhere");
}

static void desk_answers(struct demo *d)
{
	struct ear a = { &d->bob, TONE_ALICE }, b = { &d->alice, TONE_BOB };

	teams_will(d, 1, 0);
	alice_dials(d, "1002");
	demo_must(d, phone_wait(&d->bob, "CALL_INCOMING", 5), "bob's desk phone does not ring");
	bed_pause(0.8);
	phone_do(&d->bob, "accept", NULL);
	demo_must(d, phone_wait(&d->alice, "CALL_ESTABLISHED", 5), "the call is not answered");
	demo_say(d, "bob's desk phone", "200 answers", "alice");
	demo_must(d, teams_wait(d, "ended", 5) && teams_flag(d, "completed_elsewhere") &&
	     !teams_flag(d, "missed_call"), "Teams shows a missed call");
	demo_say(d, "Tandem", "CANCEL, completed elsewhere", "bob's Teams: no missed call");
	ears_talk(d, &d->alice, &a, &b);
	hang_up(d, &d->alice);
	record_read(d);
	record_winner(d, "SEPB");
	record_reason(d, "bob-teams", "answered-elsewhere");
}

static void endpoint_wins(struct demo *d)
{
	struct ear a = { &d->pbx, TONE_ALICE }, b = { &d->alice, TONE_PBX };

	teams_will(d, 1, 0);
	alice_dials(d, "1003");
	demo_must(d, phone_wait(&d->pbx, "CALL_INCOMING", 5), "the PBX extension does not ring");
	demo_say(d, "PBX 2002", "180 rings", "alice");
	bed_pause(0.8);
	phone_do(&d->pbx, "accept", NULL);
	demo_must(d, phone_wait(&d->alice, "CALL_ESTABLISHED", 5), "the call is not answered");
	demo_say(d, "PBX 2002", "200 answers", "alice");
	demo_must(d, teams_wait(d, "ended", 5) && teams_flag(d, "completed_elsewhere"),
	     "Teams shows a missed call");
	ears_talk(d, &d->alice, &a, &b);
	hang_up(d, &d->alice);
	record_read(d);
	record_winner(d, "2002@pbx");
	record_reason(d, "carol-teams", "answered-elsewhere");
}

static void teams_wins_over_endpoint(struct demo *d)
{
	struct ear a = { NULL, TONE_ALICE }, b = { &d->alice, TONE_TEAMS };

	teams_will(d, 1, 3500);
	alice_dials(d, "1003");
	demo_must(d, phone_wait(&d->pbx, "CALL_INCOMING", 5), "the PBX extension does not ring");
	demo_say(d, "PBX 2002", "180 rings", "alice");
	demo_must(d, phone_wait(&d->alice, "CALL_ESTABLISHED", 10), "the call is not answered");
	demo_say(d, "Teams", "200 answers", "alice");
	demo_must(d, phone_wait(&d->pbx, "CALL_CLOSED", 3), "the PBX extension rings on");
	ears_talk(d, &d->alice, &a, &b);
	hang_up(d, &d->alice);
	demo_must(d, teams_wait(d, "ended", 5), "Teams was not told of the end");
	ears_only_srtp(d);
	record_read(d);
	record_winner(d, "carol-teams");
	record_reason(d, "2002@pbx", "answered-elsewhere");
}

static void nobody_answers(struct demo *d)
{
	struct ear a = { &d->pbx, TONE_ALICE }, b = { &d->alice, TONE_PBX };

	teams_will(d, 1, 0);
	alice_dials(d, "1004");
	demo_must(d, phone_wait(&d->bob, "CALL_INCOMING", 5), "bob's desk phone does not ring");
	demo_must(d, phone_wait(&d->pbx, "CALL_INCOMING", 8), "the call is not forwarded");
	demo_say(d, "Tandem", "forwards after 3 s", "PBX 2002");
	demo_must(d, phone_saw(&d->bob, "CALL_CLOSED"), "bob's desk phone rings on");
	phone_do(&d->pbx, "accept", NULL);
	demo_must(d, phone_wait(&d->alice, "CALL_ESTABLISHED", 5), "the forward target is not connected");
	ears_talk(d, &d->alice, &a, &b);
	hang_up(d, &d->alice);
	record_read(d);
	record_winner(d, "2002");
}

static void caller_gives_up(struct demo *d)
{
	teams_will(d, 1, 0);
	alice_dials(d, "1002");
	demo_must(d, phone_wait(&d->bob, "CALL_INCOMING", 5), "bob's desk phone does not ring");
	bed_pause(0.8);
	hang_up(d, &d->alice);
	demo_must(d, phone_wait(&d->bob, "CALL_CLOSED", 3), "bob's desk phone rings on");
	demo_must(d, teams_wait(d, "ended", 5) && teams_flag(d, "missed_call"), "Teams shows no missed call");
	demo_say(d, "Tandem", "CANCEL", "both; Teams shows a missed call");
	record_read(d);
	record_winner(d, "");
	record_reason(d, "SEPB", "caller-gave-up");
}

static void too_soon(struct demo *d)
{
	struct ear a = { &d->bob, TONE_ALICE }, b = { &d->alice, TONE_BOB };

	teams_will(d, 0, 200);
	alice_dials(d, "1002");
	demo_must(d, phone_wait(&d->bob, "CALL_INCOMING", 5), "bob's desk phone does not ring");
	demo_must(d, teams_wait(d, "ended", 5) && teams_flag(d, "bye_from_border"), "the mailbox was not dropped");
	demo_say(d, "Teams (a mailbox)", "200 after 0.2 s: dropped", "the desk rings on");
	phone_do(&d->bob, "accept", NULL);
	demo_must(d, phone_wait(&d->alice, "CALL_ESTABLISHED", 5), "the call is not answered");
	ears_talk(d, &d->alice, &a, &b);
	hang_up(d, &d->alice);
	record_read(d);
	record_winner(d, "SEPB");
	record_reason(d, "bob-teams", "answered-too-soon");
}

static void teams_calls(struct demo *d)
{
	struct ear a = { &d->alice, TONE_TEAMS }, b = { NULL, TONE_ALICE };
	char text[200];

	phone_forget(&d->alice);
	teams_forget(d);
	(void)snprintf(text, sizeof text,
		"{\"command\":\"call\",\"host\":1,\"from\":\"+14255550199\",\"to\":\"+14255550101\",\"tone\":%d}",
		TONE_TEAMS);
	demo_say(d, "Teams +14255550199", "INVITE", "+14255550101");
	demo_must(d, teams_do(d, text), "the hub cannot call");
	demo_must(d, phone_wait(&d->alice, "CALL_INCOMING", 5), "alice's desk phone does not ring");
	phone_do(&d->alice, "accept", NULL);
	demo_must(d, phone_wait(&d->alice, "CALL_ESTABLISHED", 5), "the call is not answered");
	demo_say(d, "alice's desk phone", "200 answers", "Teams");
	ears_talk(d, &d->alice, &a, &b);
	hang_up(d, &d->alice);
	demo_must(d, teams_wait(d, "ended", 5), "Teams was not told of the end");
	ears_only_srtp(d);
	record_read(d);
	record_winner(d, "SEPA");
}

static void pbx_to_teams(struct demo *d)
{
	struct ear a = { NULL, TONE_PBX }, b = { &d->pbx, TONE_TEAMS };
	char uri[100];

	teams_will(d, 1, 1200);
	phone_forget(&d->pbx);
	teams_forget(d);
	(void)snprintf(uri, sizeof uri, "sip:+14255550102@127.0.0.1:%u", d->pbx_port);
	demo_say(d, "PBX 2002", "INVITE", "+14255550102, straight to Teams");
	demo_must(d, phone_do(&d->pbx, "dial", uri), "the PBX cannot dial");
	demo_must(d, phone_wait(&d->pbx, "CALL_ESTABLISHED", 8), "Teams does not answer");
	demo_say(d, "Teams", "200 answers", "PBX 2002");
	ears_talk(d, &d->pbx, &a, &b);
	hang_up(d, &d->pbx);
	demo_must(d, teams_wait(d, "ended", 5), "Teams was not told of the end");
	ears_only_srtp(d);
	record_read(d);
}

static const struct demo_scenario scenarios[] = {
	{ "teams-answers", "The desk phone and Teams ring together; Teams answers", teams_answers },
	{ "desk-answers", "The desk phone answers; Teams shows no missed call", desk_answers },
	{ "trunk-endpoint-answers", "A PBX extension and Teams ring together; the extension answers", endpoint_wins },
	{ "teams-answers-before-trunk-endpoint", "A PBX extension and Teams ring together; Teams answers", teams_wins_over_endpoint },
	{ "nobody-answers", "Nobody answers; the call is forwarded", nobody_answers },
	{ "caller-gives-up", "The caller gives up", caller_gives_up },
	{ "too-soon-answer", "A mailbox answers too soon and does not get the call", too_soon },
	{ "teams-calls-desk", "A Teams user calls the desk phone", teams_calls },
	{ "pbx-to-teams", "The PBX calls Teams straight through", pbx_to_teams },
};

static const struct demo_scenario behind_nat = {
	"teams-behind-address-translation", "Teams behind address translation; Teams answers",
	teams_answers
};

const struct demo_scenario *demo_scenario_at(size_t i)
{
	return i < sizeof scenarios / sizeof *scenarios ? &scenarios[i] : NULL;
}

const struct demo_scenario *demo_scenario_behind_nat(void)
{
	return &behind_nat;
}
