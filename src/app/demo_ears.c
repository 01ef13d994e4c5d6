#include <stdio.h>
#include <string.h>

#include "app/demo_int.h"
#include "base/mem.h"
#include "store/db.h"

/* --- audio ------------------------------------------------------------------------------ */

static const unsigned tone[DEMO_TONES] = { TONE_ALICE, TONE_BOB, TONE_PBX, TONE_TEAMS };

static struct phone *phone_at(struct demo *d, int i)
{
	return i == 0 ? &d->alice : i == 1 ? &d->bob : &d->pbx;
}

void ears_begin(struct demo *d)
{
	for (int i = 0; i < DEMO_PHONES; i++)
		for (int k = 0; k < DEMO_TONES; k++)
			d->heard[i][k] = phone_heard(phone_at(d, i), tone[k]);
}

static bool may_hear(const struct phone *p, unsigned hz, const struct ear *a, const struct ear *b)
{
	return (a->phone == p && a->hz == hz) || (b->phone == p && b->hz == hz);
}

/* The loser, and the caller at the loser's, are never heard: no tone grew but the two. */
static bool nobody_else(struct demo *d, const struct ear *a, const struct ear *b)
{
	for (int i = 0; i < DEMO_PHONES; i++)
		for (int k = 0; k < DEMO_TONES; k++)
			if (!may_hear(phone_at(d, i), tone[k], a, b) &&
			    phone_heard(phone_at(d, i), tone[k]) != d->heard[i][k])
				return false;
	return true;
}

static unsigned heard(struct demo *d, const struct ear *e)
{
	return e->phone ? phone_heard(e->phone, e->hz) : teams_heard(d, e->hz);
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

void ears_talk(struct demo *d, struct phone *caller, const struct ear *a, const struct ear *b)
{
	bool ab = hears_on(d, a), ba = hears_on(d, b);

	demo_say(d, "audio", ab && ba ? "heard in both directions" : "NOT heard", "");
	phone_do(caller, "hold", NULL);
	demo_say(d, caller->name, "holds", "");
	bed_pause(1.2);
	phone_do(caller, "resume", NULL);
	demo_say(d, caller->name, "resumes", "");
	ab = hears_on(d, a) && ab;
	ba = hears_on(d, b) && ba;
	demo_say(d, "audio", ab && ba ? "heard again in both directions" : "NOT heard after the hold", "");
	json_object_set_new(d->one, "audio", json_pack("{s:b,s:b}", "a_to_b", ab, "b_to_a", ba));
	demo_must(d, ab && ba, "the tones were not heard for 2 s in both directions");
	demo_must(d, nobody_else(d, a, b), "somebody who is not in the call was heard, or hears it");
}

void ears_only_srtp(struct demo *d)
{
	json_int_t clear = 1, srtp = 0;

	demo_must(d, teams_number(d, "media", "clear_packets", &clear) && !clear,
		  "unprotected audio was seen on the Teams side");
	demo_must(d, teams_number(d, "media", "srtp_packets", &srtp) && srtp > 0,
		  "no protected audio was seen on the Teams side");
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
void record_read(struct demo *d)
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
	if (!demo_must(d, db_open(&db, path, &why) == OK, "the database of records cannot be read"))
		return;
	while (bed_now() < end && (db_cdr_count(db, &count) || count <= d->calls))
		bed_pause(0.05);
	(void)db_cdr_query(db, &q, take_record, &n);
	db_close(db);
	demo_must(d, count == d->calls + 1, "there is not exactly one record of the call");
	d->calls = (unsigned)count;
}

bool record_winner(struct demo *d, const char *who)
{
	const char *got = json_string_value(json_object_get(d->one, "answered_by"));

	return demo_must(d, got && strstr(got, who) == (who[0] ? strstr(got, who) : got) &&
		    (who[0] ? strstr(got, who) != NULL : !got[0]), "the record names another winner");
}

bool record_reason(struct demo *d, const char *leg, const char *word)
{
	json_t *l;
	size_t i;

	json_array_foreach(json_object_get(d->one, "losers"), i, l)
		if (strstr(json_string_value(json_object_get(l, "leg")), leg) &&
		    !strcmp(json_string_value(json_object_get(l, "reason")), word))
			return true;
	return demo_must(d, false, "a losing leg has another reason in the record");
}
