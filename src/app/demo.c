#include "app/demo.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/demo_bed.h"
#include "base/mem.h"
#include "store/db.h"

/* Whole calls on this machine: alice (1001) calls bob (1002), whose desk phone, or extension
 * 2002 of a PBX, rings together with his Teams. Each endpoint sends its own tone, so what is
 * heard where is measured and not assumed. */

enum { TONE_ALICE = 440, TONE_BOB = 1000, TONE_PBX = 1175, TONE_TEAMS = 784, HEARD_MS = 2000 };

struct demo {
	struct bed bed;
	struct phone alice, bob, pbx;
	int to_hub, from_hub;
	uint16_t hub_sip, hub_dns, sip, tls, pbx_port;
	json_t *scenarios, *one;
	const char *why;		/* why the present scenario fails; NULL: it does not */
	double t0;
	unsigned calls;			/* records seen so far */
	int failed;
};

/* --- telling -------------------------------------------------------------------- */

static void say(struct demo *d, const char *from, const char *what, const char *to)
{
	printf("  %6.2f s  %-18s %-34s %s\n", bed_now() - d->t0, from, what, to);
	(void)fflush(stdout);
}

static bool must(struct demo *d, bool ok, const char *why)
{
	if (!ok && !d->why)
		d->why = why;
	return ok;
}

/* --- the hub ---------------------------------------------------------------------- */

static bool hub_line(struct demo *d, char *out, size_t cap)
{
	struct pollfd f = { .fd = d->from_hub, .events = POLLIN };
	size_t n = 0;

	while (n + 1 < cap && poll(&f, 1, 8000) > 0 && read(d->from_hub, out + n, 1) == 1) {
		if (out[n] == '\n') {
			out[n] = 0;
			return true;
		}
		n++;
	}
	return false;
}

static bool hub_do(struct demo *d, const char *json)
{
	char line[400];

	return write(d->to_hub, json, strlen(json)) == (ssize_t)strlen(json) &&
	       write(d->to_hub, "\n", 1) == 1 && hub_line(d, line, sizeof line) &&
	       !strcmp(line, "ok");
}

/* The hub's last call, a borrowed part of *report (to be released). */
static json_t *hub_last(struct demo *d, json_t **report)
{
	char path[DEMO_PATH];
	json_t *calls;

	bed_path(&d->bed, path, "hub.json");
	*report = hub_do(d, "{\"command\":\"report\"}") ? json_load_file(path, 0, NULL) : NULL;
	calls = json_object_get(*report, "calls");
	return json_array_get(calls, json_array_size(calls) - 1);
}

static bool hub_flag(struct demo *d, const char *flag)
{
	json_t *r, *c = hub_last(d, &r);
	bool yes = json_is_true(json_object_get(c, flag));

	json_decref(r);
	return yes;
}

static bool hub_state(struct demo *d, const char *state)
{
	json_t *r, *c = hub_last(d, &r);
	const char *s = json_string_value(json_object_get(c, "state"));
	bool yes = s && !strcmp(s, state);

	json_decref(r);
	return yes;
}

static unsigned hub_heard(struct demo *d, unsigned hz)
{
	json_t *r, *c = hub_last(d, &r), *h;
	size_t i;
	unsigned ms = 0;

	json_array_foreach(json_object_get(c, "heard"), i, h)
		if ((unsigned)json_integer_value(json_object_get(h, "hz")) == hz)
			ms = (unsigned)json_integer_value(json_object_get(h, "total_ms"));
	json_decref(r);
	return ms;
}

static bool hub_number(struct demo *d, const char *object, const char *key, json_int_t *out)
{
	json_t *r, *c = hub_last(d, &r);
	json_t *v = json_object_get(json_object_get(c, object), key);
	bool ok = json_is_integer(v);

	*out = json_integer_value(v);
	json_decref(r);
	return ok;
}

static bool hub_wait(struct demo *d, const char *state, double limit_s)
{
	double end = bed_now() + limit_s;

	while (!hub_state(d, state)) {
		if (bed_now() > end)
			return false;
		bed_pause(0.1);
	}
	return true;
}

/* How Teams behaves with the next call: rings on two clients, and answers after `answer_ms`. */
static bool teams_will(struct demo *d, int ring, int answer_ms)
{
	char text[500];
	int n = snprintf(text, sizeof text,
		"{\"command\":\"user\",\"number\":\"+14255550102\",\"tone\":%d,\"steps\":[", TONE_TEAMS);

	if (ring)
		n += snprintf(text + n, sizeof text - (size_t)n,
			"{\"at\":150,\"do\":\"ring\",\"tag\":0},{\"at\":200,\"do\":\"ring\",\"tag\":1},{\"at\":250,\"do\":\"progress\",\"tag\":1}%s",
			answer_ms ? "," : "");
	if (answer_ms)
		n += snprintf(text + n, sizeof text - (size_t)n,
			"{\"at\":%d,\"do\":\"answer\",\"tag\":2}", answer_ms);
	(void)snprintf(text + n, sizeof text - (size_t)n, "]}");
	return hub_do(d, text);
}

/* --- audio ------------------------------------------------------------------------------ */

struct ear { struct phone *phone; unsigned hz; };	/* phone NULL: the Teams side */

static unsigned heard(struct demo *d, const struct ear *e)
{
	return e->phone ? phone_heard(e->phone, e->hz) : hub_heard(d, e->hz);
}

static bool hears_on(struct demo *d, const struct ear *e)
{
	unsigned before = heard(d, e);
	double end = bed_now() + 8;

	while (bed_now() < end) {
		if (heard(d, e) >= before + HEARD_MS)
			return true;
		bed_pause(0.2);
	}
	return false;
}

/* Both directions for 2 s, a hold by the caller and its resume, both directions again. */
static void talk(struct demo *d, struct phone *caller, const struct ear *a, const struct ear *b)
{
	bool ab = hears_on(d, a), ba = hears_on(d, b);

	say(d, "audio", ab && ba ? "heard in both directions" : "NOT heard", "");
	phone_do(caller, "hold", NULL);
	say(d, caller->name, "holds", "");
	bed_pause(1.2);
	phone_do(caller, "resume", NULL);
	say(d, caller->name, "resumes", "");
	ab = hears_on(d, a) && ab;
	ba = hears_on(d, b) && ba;
	say(d, "audio", ab && ba ? "heard again in both directions" : "NOT heard after the hold", "");
	json_object_set_new(d->one, "audio", json_pack("{s:b,s:b}", "a_to_b", ab, "b_to_a", ba));
	must(d, ab && ba, "the tones were not heard for 2 s in both directions");
}

/* --- records ------------------------------------------------------------------------------ */

struct newest { struct demo *d; bool any; };

static json_t *leg_json(const struct record_leg *l)
{
	return json_pack("{s:s, s:s, s:s, s:i, s:s, s:s}", "leg", l->name, "number", l->number,
			 "trunk", l->trunk, "status", (int)l->status, "reason", l->reason, "text",
			 l->text);
}

static bool take_record(void *ctx, const struct call_record *r)
{
	struct newest *n = ctx;
	json_t *losers = json_array(), *rang = json_array(), *rec;
	const char *winner = r->answered_by < r->nleg ? r->leg[r->answered_by].name : "";

	n->any = true;
	for (int i = 0; i < r->nleg; i++) {
		if (r->leg[i].ring_wall || r->leg[i].answer_wall)
			json_array_append_new(rang, json_string(r->leg[i].name));
		if (i != r->answered_by)
			json_array_append_new(losers, leg_json(&r->leg[i]));
	}
	rec = json_pack("{s:I, s:s, s:s, s:s, s:i, s:s, s:s, s:I, s:I, s:i}", "id", (json_int_t)r->id,
		"calling", r->calling, "called", r->called, "final_called", r->final_called, "status",
		(int)r->status, "reason", r->reason, "text", r->text, "ring_ms",
		(json_int_t)r->ring_ms, "talk_ms", (json_int_t)r->talk_ms, "legs", (int)r->nleg);
	json_object_set_new(n->d->one, "rang", rang);
	json_object_set_new(n->d->one, "answered_by", json_string(winner));
	json_object_set_new(n->d->one, "losers", losers);
	json_object_set_new(n->d->one, "record", rec);
	printf("  record: %s -> %s, %s; %s\n", r->calling, r->called,
	       winner[0] ? winner : "not answered", r->text);
	for (int i = 0; i < r->nleg; i++)
		printf("    leg %-24s %u %s\n", r->leg[i].name, r->leg[i].status, r->leg[i].text);
	return false;		/* the newest one only */
}

/* The one record of this scenario's call, from the daemon's own database. */
static void read_record(struct demo *d)
{
	char path[DEMO_PATH], mem[300];
	struct newest n = { d, false };
	struct cdr_query q = { .limit = 1 };
	double end = bed_now() + 5;
	uint64_t count = 0;
	struct db *db;
	struct buf why;

	buf_init(&why, mem, sizeof mem);
	bed_path(&d->bed, path, "tandem.db");
	if (!must(d, db_open(&db, path, &why) == OK, "the database of records cannot be read"))
		return;
	while (bed_now() < end && (db_cdr_count(db, &count) || count <= d->calls))
		bed_pause(0.05);
	(void)db_cdr_query(db, &q, take_record, &n);
	db_close(db);
	must(d, count == d->calls + 1, "there is not exactly one record of the call");
	d->calls = (unsigned)count;
}

static bool answered_by(struct demo *d, const char *who)
{
	const char *got = json_string_value(json_object_get(d->one, "answered_by"));

	return must(d, got && strstr(got, who) == (who[0] ? strstr(got, who) : got) &&
		    (who[0] ? strstr(got, who) != NULL : !got[0]), "the record names another winner");
}

static bool leg_reason(struct demo *d, const char *leg, const char *word)
{
	json_t *l;
	size_t i;

	json_array_foreach(json_object_get(d->one, "losers"), i, l)
		if (strstr(json_string_value(json_object_get(l, "leg")), leg) &&
		    !strcmp(json_string_value(json_object_get(l, "reason")), word))
			return true;
	return must(d, false, "a losing leg has another reason in the record");
}

/* --- scenarios -------------------------------------------------------------------------------- */

static bool alice_dials(struct demo *d, const char *number)
{
	phone_forget(&d->alice);
	phone_forget(&d->bob);
	phone_forget(&d->pbx);
	say(d, "alice", "INVITE", number);
	return must(d, phone_do(&d->alice, "dial", number), "alice's phone cannot dial");
}

static void hang_up(struct demo *d, struct phone *p)
{
	phone_do(p, "hangup", NULL);
	say(d, p->name, "BYE", "");
	bed_pause(0.4);
}

static void teams_answers(struct demo *d)
{
	struct ear a = { NULL, TONE_ALICE }, b = { &d->alice, TONE_TEAMS };
	json_int_t clear = 1;

	teams_will(d, 1, 3600);
	alice_dials(d, "1002");
	must(d, phone_wait(&d->bob, "CALL_INCOMING", 5), "bob's desk phone does not ring");
	say(d, "bob's desk phone", "180 rings", "alice");
	must(d, phone_wait(&d->alice, "CALL_ESTABLISHED", 10), "the call is not answered");
	say(d, "bob's Teams", "200 answers", "alice");
	must(d, phone_wait(&d->bob, "CALL_CLOSED", 3), "the desk phone rings on");
	say(d, "Tandem", "CANCEL, completed elsewhere", "bob's desk phone");
	talk(d, &d->alice, &a, &b);
	must(d, !phone_heard(&d->alice, TONE_BOB), "the loser was heard");
	hang_up(d, &d->alice);
	must(d, hub_wait(d, "ended", 5), "Teams was not told of the end");
	must(d, hub_number(d, "media", "clear_packets", &clear) && !clear,
	     "unprotected audio was seen on the Teams side");
	read_record(d);
	answered_by(d, "bob-teams");
	leg_reason(d, "SEPB", "answered-elsewhere");
}

static void desk_answers(struct demo *d)
{
	struct ear a = { &d->bob, TONE_ALICE }, b = { &d->alice, TONE_BOB };

	teams_will(d, 1, 0);
	alice_dials(d, "1002");
	must(d, phone_wait(&d->bob, "CALL_INCOMING", 5), "bob's desk phone does not ring");
	bed_pause(0.8);
	phone_do(&d->bob, "accept", NULL);
	must(d, phone_wait(&d->alice, "CALL_ESTABLISHED", 5), "the call is not answered");
	say(d, "bob's desk phone", "200 answers", "alice");
	must(d, hub_wait(d, "ended", 5) && hub_flag(d, "completed_elsewhere") &&
	     !hub_flag(d, "missed_call"), "Teams shows a missed call");
	say(d, "Tandem", "CANCEL, completed elsewhere", "bob's Teams: no missed call");
	talk(d, &d->alice, &a, &b);
	hang_up(d, &d->alice);
	read_record(d);
	answered_by(d, "SEPB");
	leg_reason(d, "bob-teams", "answered-elsewhere");
}

static void endpoint_wins(struct demo *d)
{
	struct ear a = { &d->pbx, TONE_ALICE }, b = { &d->alice, TONE_PBX };

	teams_will(d, 1, 0);
	alice_dials(d, "1003");
	must(d, phone_wait(&d->pbx, "CALL_INCOMING", 5), "the PBX extension does not ring");
	say(d, "PBX 2002", "180 rings", "alice");
	bed_pause(0.8);
	phone_do(&d->pbx, "accept", NULL);
	must(d, phone_wait(&d->alice, "CALL_ESTABLISHED", 5), "the call is not answered");
	say(d, "PBX 2002", "200 answers", "alice");
	must(d, hub_wait(d, "ended", 5) && hub_flag(d, "completed_elsewhere"),
	     "Teams shows a missed call");
	talk(d, &d->alice, &a, &b);
	hang_up(d, &d->alice);
	read_record(d);
	answered_by(d, "2002@pbx");
	leg_reason(d, "carol-teams", "answered-elsewhere");
}

static void teams_wins_over_endpoint(struct demo *d)
{
	struct ear a = { NULL, TONE_ALICE }, b = { &d->alice, TONE_TEAMS };

	teams_will(d, 1, 3500);
	alice_dials(d, "1003");
	must(d, phone_wait(&d->pbx, "CALL_INCOMING", 5), "the PBX extension does not ring");
	say(d, "PBX 2002", "180 rings", "alice");
	must(d, phone_wait(&d->alice, "CALL_ESTABLISHED", 10), "the call is not answered");
	say(d, "Teams", "200 answers", "alice");
	must(d, phone_wait(&d->pbx, "CALL_CLOSED", 3), "the PBX extension rings on");
	talk(d, &d->alice, &a, &b);
	hang_up(d, &d->alice);
	read_record(d);
	answered_by(d, "carol-teams");
	leg_reason(d, "2002@pbx", "answered-elsewhere");
}

static void nobody_answers(struct demo *d)
{
	struct ear a = { &d->pbx, TONE_ALICE }, b = { &d->alice, TONE_PBX };

	teams_will(d, 1, 0);
	alice_dials(d, "1004");
	must(d, phone_wait(&d->bob, "CALL_INCOMING", 5), "bob's desk phone does not ring");
	must(d, phone_wait(&d->pbx, "CALL_INCOMING", 8), "the call is not forwarded");
	say(d, "Tandem", "forwards after 3 s", "PBX 2002");
	must(d, phone_saw(&d->bob, "CALL_CLOSED"), "bob's desk phone rings on");
	phone_do(&d->pbx, "accept", NULL);
	must(d, phone_wait(&d->alice, "CALL_ESTABLISHED", 5), "the forward target is not connected");
	talk(d, &d->alice, &a, &b);
	hang_up(d, &d->alice);
	read_record(d);
	answered_by(d, "2002");
}

static void caller_gives_up(struct demo *d)
{
	teams_will(d, 1, 0);
	alice_dials(d, "1002");
	must(d, phone_wait(&d->bob, "CALL_INCOMING", 5), "bob's desk phone does not ring");
	bed_pause(0.8);
	hang_up(d, &d->alice);
	must(d, phone_wait(&d->bob, "CALL_CLOSED", 3), "bob's desk phone rings on");
	must(d, hub_wait(d, "ended", 5) && hub_flag(d, "missed_call"), "Teams shows no missed call");
	say(d, "Tandem", "CANCEL", "both; Teams shows a missed call");
	read_record(d);
	answered_by(d, "");
	leg_reason(d, "SEPB", "caller-gave-up");
}

static void too_soon(struct demo *d)
{
	struct ear a = { &d->bob, TONE_ALICE }, b = { &d->alice, TONE_BOB };

	teams_will(d, 0, 200);
	alice_dials(d, "1002");
	must(d, phone_wait(&d->bob, "CALL_INCOMING", 5), "bob's desk phone does not ring");
	must(d, hub_wait(d, "ended", 5) && hub_flag(d, "bye_from_border"), "the mailbox was not dropped");
	say(d, "Teams (a mailbox)", "200 after 0.2 s: dropped", "the desk rings on");
	phone_do(&d->bob, "accept", NULL);
	must(d, phone_wait(&d->alice, "CALL_ESTABLISHED", 5), "the call is not answered");
	talk(d, &d->alice, &a, &b);
	hang_up(d, &d->alice);
	read_record(d);
	answered_by(d, "SEPB");
	leg_reason(d, "bob-teams", "answered-too-soon");
}

static void teams_calls(struct demo *d)
{
	struct ear a = { &d->alice, TONE_TEAMS }, b = { NULL, TONE_ALICE };
	char text[200];

	phone_forget(&d->alice);
	(void)snprintf(text, sizeof text,
		"{\"command\":\"call\",\"host\":1,\"from\":\"+14255550199\",\"to\":\"+14255550101\",\"tone\":%d}",
		TONE_TEAMS);
	say(d, "Teams +14255550199", "INVITE", "+14255550101");
	must(d, hub_do(d, text), "the hub cannot call");
	must(d, phone_wait(&d->alice, "CALL_INCOMING", 5), "alice's desk phone does not ring");
	phone_do(&d->alice, "accept", NULL);
	must(d, phone_wait(&d->alice, "CALL_ESTABLISHED", 5), "the call is not answered");
	say(d, "alice's desk phone", "200 answers", "Teams");
	talk(d, &d->alice, &a, &b);
	hang_up(d, &d->alice);
	read_record(d);
	answered_by(d, "SEPA");
}

static void pbx_to_teams(struct demo *d)
{
	struct ear a = { NULL, TONE_PBX }, b = { &d->pbx, TONE_TEAMS };
	char uri[100];

	teams_will(d, 1, 1200);
	phone_forget(&d->pbx);
	(void)snprintf(uri, sizeof uri, "sip:+14255550102@127.0.0.1:%u", d->pbx_port);
	say(d, "PBX 2002", "INVITE", "+14255550102, straight to Teams");
	must(d, phone_do(&d->pbx, "dial", uri), "the PBX cannot dial");
	must(d, phone_wait(&d->pbx, "CALL_ESTABLISHED", 8), "Teams does not answer");
	say(d, "Teams", "200 answers", "PBX 2002");
	talk(d, &d->pbx, &a, &b);
	hang_up(d, &d->pbx);
	read_record(d);
}

static const struct scenario {
	const char *name, *title;
	void (*run)(struct demo *d);
} scenarios[] = {
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

static void run_scenario(struct demo *d, const struct scenario *s)
{
	printf("\n%s\n", s->title);
	d->one = json_pack("{s:s}", "name", s->name);
	d->why = NULL;
	d->t0 = bed_now();
	s->run(d);
	if (d->why) {		/* leave nothing behind for the next one */
		phone_do(&d->alice, "hangup", NULL);
		phone_do(&d->bob, "hangup", NULL);
		phone_do(&d->pbx, "hangup", NULL);
		bed_pause(1);
	}
	printf("  %s%s\n", d->why ? "FAILED: " : "passed", d->why ? d->why : "");
	json_object_set_new(d->one, "passed", json_boolean(!d->why));
	if (d->why)
		json_object_set_new(d->one, "why", json_string(d->why));
	json_array_append_new(d->scenarios, d->one);
	d->failed += d->why != NULL;
}

/* --- setting up ----------------------------------------------------------------------------------- */

static const char config_text[] =
	"store: %s/tandem.db\nruntime-dir: %s\ncontrol-socket: %s/control.sock\nsite: %s/site.yaml\n"
	"digest: md5    # baresip stumbles over a SHA-256 challenge\n"
	"dns-servers: \"127.0.0.1:%u\"\n"
	"zones:\n  - { name: phones, kind: phones }\n  - { name: pbx, kind: pbx }\n"
	"  - { name: teams, kind: teams }\n"
	"certificates:\n  - { name: sbc, cert: %s/sbc.pem, key: %s/sbc.key, roots: %s/root.pem }\n"
	"listeners:\n"
	"  - { name: phones, zone: phones, transport: udp, bind: \"127.0.0.1:%u\", media-ports: %u-%u }\n"
	"  - { name: pbx, zone: pbx, transport: udp, bind: \"127.0.0.1:%u\", media-ports: %u-%u }\n"
	"  - { name: teams, zone: teams, transport: tls, bind: \"127.0.0.1:%u\", certificate: sbc, media-ports: %u-%u }\n"
	"trunks:\n"
	"  - name: teams\n    profile: teams\n    listener: teams\n    fqdn: sbc.contoso.com\n"
	"    hosts: [ \"sip.pstnhub.microsoft.com:%u\", \"sip2.pstnhub.microsoft.com:%u\", \"sip3.pstnhub.microsoft.com:%u\" ]\n"
	"  - name: pbx\n    profile: cucm\n    listener: pbx\n    options: no\n    inbound-css: straight\n"
	"    hosts: [ \"127.0.0.1:%u\" ]\n";

static const char site_text[] =
	"partitions: [ internal, teams ]\n"
	"spaces:\n  - { name: staff, partitions: [ internal ] }\n"
	"  - { name: reroute, partitions: [ teams ] }\n"
	"  - { name: straight, partitions: [ internal, teams ] }\n"
	"users:\n  - { name: alice, display: Alice }\n  - { name: bob, display: Bob }\n"
	"  - { name: carol, display: Carol }\n"
	"phones:\n  - { name: SEPA, user: alice, auth-user: \"1001\", password: demo-alice }\n"
	"  - { name: SEPB, user: bob, auth-user: \"1002\", password: demo-bob }\n"
	"lines:\n"
	"  - { number: \"1001\", partition: internal, user: alice, phones: [ SEPA ], css: staff, e164: \"+14255550101\" }\n"
	"  - { number: \"1002\", partition: internal, user: bob, phones: [ SEPB ], css: staff }\n"
	"  - { number: \"1003\", partition: internal, user: carol, endpoints: [ \"2002@pbx\" ], css: staff }\n"
	"  - { number: \"1004\", partition: internal, user: bob, phones: [ SEPB ], css: staff, no-answer: 3, forward-no-answer: \"1003\" }\n"
	"patterns:\n  - { pattern: \"+14255550102\", partition: teams, trunks: [ teams ] }\n"
	"profiles:\n  - { name: bob-rdp, user: bob, reroute-css: reroute, lines: [ \"1002\" ] }\n"
	"  - { name: carol-rdp, user: carol, reroute-css: reroute, lines: [ \"1003\" ] }\n"
	"remotes:\n  - { name: bob-teams, profile: bob-rdp, number: \"+14255550102\" }\n"
	"  - { name: carol-teams, profile: carol-rdp, number: \"+14255550102\" }\n";

static bool start_hub(struct demo *d)
{
	char dir[DEMO_PATH], log[DEMO_PATH], report[DEMO_PATH], trace[DEMO_PATH], sip[8], sbc[64],
	     line[300];
	char *argv[] = { "/proc/self/exe", "hub", "--dir", dir, "--sip-port", sip, "--sbc", sbc,
			 "--dns-port", "0", "--report", report, "--trace", trace, NULL };
	json_t *j;

	(void)snprintf(dir, sizeof dir, "%s", d->bed.dir);
	bed_path(&d->bed, log, "hub.log");
	bed_path(&d->bed, report, "hub.json");
	bed_path(&d->bed, trace, "hub-trace.txt");
	(void)snprintf(sip, sizeof sip, "%u", d->hub_sip);
	(void)snprintf(sbc, sizeof sbc, "sbc.contoso.com=127.0.0.1:%u", d->tls);
	if (!bed_spawn(&d->bed, log, argv, &d->to_hub, &d->from_hub) ||
	    !hub_line(d, line, sizeof line) || strncmp(line, "ready ", 6) != 0)
		return false;
	j = json_loads(line + 6, 0, NULL);
	d->hub_dns = (uint16_t)json_integer_value(json_object_get(j, "dns"));
	json_decref(j);
	return d->hub_dns != 0;
}

static bool start_daemon(struct demo *d, uint16_t pbx_peer)
{
	char path[DEMO_PATH], log[DEMO_PATH], text[16384];
	char *argv[] = { "/proc/self/exe", "serve", "-c", path, NULL };
	const char *dir = d->bed.dir;
	unsigned m = bed_ports(&d->bed, 120);
	int out = -1;
	struct pollfd f;

	(void)snprintf(text, sizeof text, config_text, dir, dir, dir, dir, d->hub_dns, dir, dir, dir,
		       d->sip, m, m + 39, d->pbx_port, m + 40, m + 79, d->tls, m + 80, m + 119,
		       d->hub_sip, d->hub_sip, d->hub_sip, pbx_peer);
	bed_path(&d->bed, path, "site.yaml");
	if (!bed_write(path, site_text))
		return false;
	bed_path(&d->bed, path, "tandem.yaml");
	bed_path(&d->bed, log, "tandem.log");
	if (!bed_write(path, text) || !bed_spawn(&d->bed, log, argv, NULL, &out))
		return false;
	f = (struct pollfd){ .fd = out, .events = POLLIN };
	return poll(&f, 1, 8000) > 0 && read(out, text, sizeof text) >= 5;	/* "ready" */
}

static bool border_up(struct demo *d)
{
	double end = bed_now() + 10;

	while (bed_now() < end) {
		if (hub_do(d, "{\"command\":\"up\"}"))
			return true;
		bed_pause(0.1);
	}
	return false;
}

static const char *set_up(struct demo *d)
{
	struct phone_setup a = { "alice", "1001", TONE_ALICE, 0, "demo-alice" },
			   b = { "bob", "1002", TONE_BOB, 0, "demo-bob" },
			   p = { "PBX 2002", "2002", TONE_PBX, 0, NULL };

	if (access("/usr/bin/baresip", X_OK))
		return "baresip is missing; install the package baresip-core (make demo does it)";
	d->sip = bed_ports(&d->bed, 2);
	d->pbx_port = bed_ports(&d->bed, 2);
	d->tls = bed_ports(&d->bed, 2);
	d->hub_sip = bed_ports(&d->bed, 2);
	a.proxy = b.proxy = d->sip;
	if (!start_hub(d))
		return "the Direct Routing simulator did not start; see hub.log";
	if (!phone_start(&d->pbx, &d->bed, &p))
		return "the PBX softphone did not start";
	if (!start_daemon(d, d->pbx.sip))
		return "the daemon did not start; see tandem.log";
	if (!phone_start(&d->alice, &d->bed, &a) || !phone_start(&d->bob, &d->bed, &b))
		return "a softphone did not start";
	if (!phone_registered(&d->alice, 10) || !phone_registered(&d->bob, 10))
		return "a softphone could not register";
	return border_up(d) ? NULL : "the border and the hub do not answer each other's OPTIONS";
}

static void write_report(struct demo *d, const char *verdict, const char *why)
{
	char path[DEMO_PATH];
	json_t *j = json_pack("{s:s, s:O}", "verdict", verdict, "scenarios", d->scenarios);

	if (why)
		json_object_set_new(j, "why", json_string(why));
	bed_path(&d->bed, path, "report.json");
	if (json_dump_file(j, path, JSON_INDENT(1)))
		printf("The report %s could not be written: %s.\n", path, strerror(errno));
	else
		printf("\nReport: %s\n", path);
	json_decref(j);
}

int demo_main(const char *out)
{
	struct demo *d = mem_new(sizeof *d);
	const char *why = NULL;
	char full[PATH_MAX];	/* realpath(3) writes that much */
	int failed;

	(void)mkdir("build", 0755);
	(void)mkdir(out, 0755);
	if (!realpath(out, full) || !str_copy(d->bed.dir, sizeof d->bed.dir, str_of(full))) {
		printf("The folder %s cannot be made: %s.\n", out, strerror(errno));
		mem_free(d);
		return 1;
	}
	d->bed.next_port = (uint16_t)(20000 + getpid() % 200 * 100);
	d->scenarios = json_array();
	printf("Tandem demo: alice (1001), bob (1002) with a desk phone and Teams, a PBX with extension 2002.\n"
	       "Softphones: baresip. Teams: the Direct Routing simulator over mutual TLS and SRTP.\n");
	d->t0 = bed_now();
	why = set_up(d);
	if (why)
		printf("The demo cannot start: %s. Logs: %s\n", why, d->bed.dir);
	for (size_t i = 0; !why && i < sizeof scenarios / sizeof *scenarios; i++)
		run_scenario(d, &scenarios[i]);
	failed = why ? 1 : d->failed;
	bed_close(&d->bed);
	write_report(d, failed ? "fail" : "pass", why);
	printf("%zu scenarios, %d failed: %s\n", json_array_size(d->scenarios), failed,
	       failed ? "the demo FAILED" : "the demo passed");
	json_decref(d->scenarios);
	mem_free(d);
	return failed ? 1 : 0;
}
