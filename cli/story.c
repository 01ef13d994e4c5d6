#include "cli/story.h"

#include <stdio.h>

#include "cli/client.h"
#include "cli/table.h"

static void say(const char *z)
{
	table_say(stdout, z);
}

static void field(const char *name, const char *value)
{
	if (!*value)
		return;
	printf("%-14s ", name);
	say(value);
	printf("\n");
}

static const char *ms_text(long ms, char out[32])
{
	struct buf b;

	buf_init(&b, out, 32);
	if (ms)
		buf_fmt(&b, "%ld.%03ld s", ms / 1000, ms % 1000);
	return buf_z(&b);
}

static void head(const json_t *r, const char *state)
{
	const json_t *by = json_object_get(r, "answered_by");
	const json_t *leg = json_is_integer(by) ? json_array_get(json_object_get(r, "legs"),
					(size_t)json_integer_value(by)) : NULL;
	char time[24], ms[32];

	field("call", js_get(r, "id"));
	field("state", state);
	field("calling", js_get(r, "calling"));
	field("from", js_get(r, "caller"));
	field("called", js_get(r, "called"));
	field("line", js_get(r, "line"));
	field("final called", js_get(r, "final_called"));
	field("began (UTC)", js_time(r, "start", time));
	field("answered", js_time(r, "answer", time));
	field("answered by", leg ? js_get(leg, "name") : "");
	field("rang", ms_text(js_long(r, "ring_ms"), ms));
	field("talked", ms_text(js_long(r, "talk_ms"), ms));
	field("ended (UTC)", js_time(r, "end", time));
	field("reason", js_get(r, "text"));
	field("session", js_get(r, "session_local"));
}

static void legs(const json_t *list)
{
	static const char *const title[] = { "LEG", "KIND", "NUMBER", "OVER", "RANG AFTER", "CODE",
					     "CODEC", "REASON", NULL };
	struct table t;
	const json_t *x;
	size_t i;

	table_init(&t, title);
	json_array_foreach(list, i, x) {
		char ms[32], code[32];
		struct buf b;

		buf_init(&b, code, sizeof code);
		if (js_long(x, "status"))
			buf_fmt(&b, "%ld", js_long(x, "status"));
		table_row(&t, (const char *const[]){ js_get(x, "name"), js_get(x, "kind"),
			js_get(x, "number"), js_get(x, "trunk"),
			ms_text(js_long(x, "ring_after_ms"), ms), buf_z(&b),
			js_get(x, "media_codec"), js_get(x, "text") });
	}
	if (t.nrow > 1) {
		printf("\n");
		table_print(&t, stdout);
	}
	table_free(&t);
}

/* Somebody sent what was not believed: how much of what, and whence. */
static void strangers(const char *side, const json_t *x)
{
	static const char *const key[] = { "media_refused", "media_auth_failed", "media_replayed" };
	static const char *const what[] = { "not from its source or in no common codec", "with a wrong key", "replayed" };
	const char *sep = ": ";

	if (!js_get(x, "media_stranger")[0])
		return;
	printf("\nMedia packets refused at the side of ");
	say(side);
	for (int i = 0; i < 3; i++)
		if (js_long(x, key[i])) {
			printf("%s%ld %s", sep, js_long(x, key[i]), what[i]);
			sep = ", ";
		}
	printf("; the last came from %s.\n", js_get(x, "media_stranger"));
}

void story_print(const json_t *j)
{
	const json_t *r = json_object_get(j, "record"), *x;
	const json_t *ladder = json_object_get(j, "ladder");
	size_t i;

	head(r, js_get(j, "state"));
	legs(json_object_get(r, "legs"));
	strangers("the caller", r);
	json_array_foreach(json_object_get(r, "legs"), i, x)
		strangers(js_get(x, "name"), x);
	printf("\n");
	json_array_foreach(ladder, i, x) {
		say(json_string_value(x));
		printf("\n");
	}
	if (!json_array_size(ladder))
		printf("Its messages are no longer kept.\n");
}
