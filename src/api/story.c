#include "api/story.h"

#include "store/record_text.h"
#include "trace/ladder.h"

enum { LINE_BYTES = 4096 };

struct story {
	const struct call_record *r;
	json_t *lines;
	const char *peer;		/* of the message being written */
	int64_t first_wall;		/* of the first message         */
	int note;			/* the next one                 */
};

/* A Call-ID says which leg a message belongs to, so the ladder shows names. */
static const char *leg_name(const struct call_record *r, struct str call_id)
{
	if (str_is(call_id, r->caller_call_id))
		return r->caller[0] ? r->caller : NULL;
	for (int i = 0; i < r->nleg; i++)
		if (r->leg[i].call_id[0] && str_is(call_id, r->leg[i].call_id))
			return r->leg[i].name[0] ? r->leg[i].name : NULL;
	return NULL;
}

static const char *peer_name(void *ctx, const struct addr *peer)
{
	const struct story *s = ctx;

	(void)peer;
	return s->peer;
}

static void add(struct story *s, const struct ladder *l, const struct ladder_step *step)
{
	char mem[LINE_BYTES];
	struct buf b;

	buf_init(&b, mem, sizeof mem);
	ladder_write(l, &b, step);
	while (b.n && b.p[b.n - 1] == '\n')
		b.n--;
	json_array_append_new(s->lines, json_stringn(b.p, b.n));
}

/* Does this message carry out a decision? What was decided in its millisecond is told first. */
static bool obeys(const struct ladder_step *s)
{
	return s->dir == TAP_OUT &&
	       (s->request || (s->status > 100 && s->status != 401 && s->status != 407));
}

/* The decisions made before this time of the wall clock. */
static void notes_before(struct story *s, const struct ladder *l, int64_t wall)
{
	for (; s->note < s->r->nnote; s->note++) {
		const struct record_note *n = &s->r->note[s->note];
		struct ladder_step step = { .kind = TAP_NOTE, .text = str_of(n->text) };
		int64_t at = s->r->start_wall + n->at_ms;

		if (at >= wall)
			return;
		step.after_ms = at > s->first_wall ? (uint64_t)(at - s->first_wall) : 0;
		add(s, l, &step);
	}
}

static json_t *ladder_of(const struct api_env *e, const struct call_record *r)
{
	struct story s = { .r = r, .lines = json_array(), .first_wall = r->start_wall };
	struct ladder_step step;
	struct ladder l;

	ladder_start(&l, e->tap, r->id, peer_name, &s);
	while (json_array_size(s.lines) < STORY_LINES && ladder_next(&l, &step)) {
		if (step.after_ms == 0)
			s.first_wall = step.wall;
		notes_before(&s, &l, step.wall + obeys(&step));
		s.peer = leg_name(r, step.call_id);
		add(&s, &l, &step);
	}
	notes_before(&s, &l, INT64_MAX);
	return s.lines;
}

static json_t *record_of(const struct call_record *r)
{
	char *mem = mem_new(RECORD_JSON_MAX);
	struct buf b;
	json_t *j;

	buf_init(&b, mem, RECORD_JSON_MAX);
	record_json(&b, r);
	j = json_loadb(mem, b.n, 0, NULL);
	mem_free(mem);
	return j ? j : json_null();
}

json_t *story_of(const struct api_env *e, const struct call_record *r, const char *state)
{
	return json_pack("{s:s, s:o, s:o}", "state", state, "record", record_of(r), "ladder",
			 ladder_of(e, r));
}

json_t *story_live(const struct api_env *e, uint64_t record)
{
	struct call_view v;
	uint32_t at = 0;
	uint64_t id;

	while ((id = calls_each(e->calls, &at)))
		if (call_look(e->calls, id, &v) == OK && v.record == record)
			return story_of(e, v.rec, call_state_str(v.state));
	return NULL;
}
