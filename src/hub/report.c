#include <jansson.h>
#include <string.h>

#include "base/mem.h"
#include "hub/hub_int.h"

/* What the hub saw, as one JSON object. */

static json_t *text(const char *z)
{
	char safe[1024];
	struct buf b;

	buf_init(&b, safe, sizeof safe);
	buf_safe(&b, str_of(z));
	return json_string(buf_z(&b));
}

static json_t *host_json(const struct hub_host *x)
{
	char at[ADDR_TEXT];

	return json_pack("{s:s, s:s, s:b, s:b, s:i, s:i, s:i, s:i, s:I, s:I, s:i, s:i}",
		"name", x->hub->cfg.host_name[x->index], "listens", addr_text(&x->at, at),
		"awake", x->awake, "border_answers", x->border_ok,
		"options_received", (int)x->options_in, "options_sent", (int)x->options_out,
		"options_answered", (int)x->options_ok, "options_failed", (int)x->options_bad,
		"options_gap_min_ms", (json_int_t)x->gap_min,
		"options_gap_max_ms", (json_int_t)x->gap_max,
		"connections", (int)x->connections, "resumed", (int)x->resumed);
}

static json_t *heard_json(const struct hub_call *c)
{
	struct ear_heard now[EAR_TONES];
	const struct ear_heard *h = c->heard;
	int n = c->nheard;
	json_t *list = json_array();

	if (c->ear) {
		n = ear_heard(c->ear, now);
		h = now;
	}
	for (int i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:i, s:I, s:I, s:I}", "hz", (int)h[i].hz,
			"from_ms", (json_int_t)(h[i].from - c->invited),
			"to_ms", (json_int_t)(h[i].to - c->invited),
			"total_ms", (json_int_t)h[i].total));
	return list;
}

static json_t *media_json(const struct hub_call *c)
{
	struct ear_counts k = c->counts;

	if (c->ear)
		ear_counts(c->ear, &k);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:i, s:i}",
		"srtp_packets", (json_int_t)k.packets, "clear_packets", (json_int_t)k.clear,
		"bad_auth", (json_int_t)k.bad_auth, "replayed", (json_int_t)k.replayed,
		"rtcp_packets", (json_int_t)k.rtcp, "sent", (json_int_t)k.sent,
		"ssrc_changes", (int)k.ssrc_changes, "lost", (int)k.lost);
}

static json_t *call_json(const struct hub_call *c)
{
	static const char *const state[] = { "ringing", "answered", "ended" };
	json_t *j = json_pack("{s:i, s:i, s:b, s:s, s:o, s:o, s:o, s:s, s:I, s:i}",
		"number", (int)c->number, "host", c->host + 1, "placed_by_hub", c->placed,
		"state", state[c->state], "from", text(c->from), "to", text(c->to),
		"call_id", text(c->call_id), "statuses", c->ring_status,
		"at", (json_int_t)c->wall, "final", (int)c->final);

	json_object_set_new(j, "answered_after_ms",
		json_integer(c->answered ? (json_int_t)(c->answered - c->invited) : -1));
	json_object_set_new(j, "ended_after_ms",
		json_integer(c->ended ? (json_int_t)(c->ended - c->invited) : -1));
	json_object_set_new(j, "cancelled", json_boolean(c->cancelled));
	json_object_set_new(j, "completed_elsewhere", json_boolean(c->completed_elsewhere));
	json_object_set_new(j, "missed_call", json_boolean(c->missed));
	json_object_set_new(j, "sub_code", json_integer(c->completed_elsewhere ? 540200 : 0));
	json_object_set_new(j, "bye_from_border", json_boolean(c->bye_from_border));
	json_object_set_new(j, "reason", text(c->reason));
	json_object_set_new(j, "heard", heard_json(c));
	json_object_set_new(j, "media", media_json(c));
	return j;
}

static json_t *findings_json(const struct hub *h)
{
	json_t *list = json_array();

	for (int i = 0; i < h->nfinding; i++) {
		const struct hub_finding *f = &h->finding[i];
		const struct hub_rule *r = hub_rule(f->rule);

		json_array_append_new(list, json_pack("{s:s, s:i, s:I, s:i, s:i, s:b, s:s, s:s, s:s, s:s}",
			"rule", r->id, "host", f->host + 1, "at", (json_int_t)f->wall,
			"status", (int)r->status, "sub_code", (int)r->sub, "documented", r->documented,
			"text", r->broken, "source", r->source, "date", r->date, "what", f->what));
	}
	return list;
}

static json_t *totals_json(const struct hub *h)
{
	const struct hub_totals *t = &h->totals;

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
		"calls", (json_int_t)h->ncalls, "ended", (json_int_t)t->ended,
		"answered", (json_int_t)t->answered, "cancelled", (json_int_t)t->cancelled,
		"completed_elsewhere", (json_int_t)t->completed_elsewhere,
		"missed", (json_int_t)t->missed, "srtp_packets", (json_int_t)t->packets,
		"clear_packets", (json_int_t)t->clear, "bad_auth", (json_int_t)t->bad_auth,
		"lost", (json_int_t)t->lost);
}

char *hub_report(struct hub *h)
{
	json_t *j = json_object(), *hosts = json_array(), *calls = json_array(),
	       *missed = json_array();
	uint32_t i = 0;
	uint64_t id;
	struct hub_call *c;
	char *out, *copy;

	for (int k = 0; k < HUB_HOSTS; k++)
		json_array_append_new(hosts, host_json(&h->host[k]));
	while ((c = slot_next(&h->calls, &i, &id))) {
		json_array_append_new(calls, call_json(c));
		if (c->missed)
			json_array_append_new(missed, text(c->to));
	}
	json_object_set_new(j, "totals", totals_json(h));
	json_object_set_new(j, "hosts", hosts);
	json_object_set_new(j, "calls", calls);
	json_object_set_new(j, "missed_calls", missed);
	json_object_set_new(j, "findings", findings_json(h));
	out = json_dumps(j, JSON_INDENT(1));
	json_decref(j);
	copy = mem_dup(out ? out : "{}", out ? strlen(out) : 2);
	free(out);	/* jansson's own allocation */
	return copy;
}
