#include <stdio.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/table.h"

/* `tandem dial`: what would ring, when, and why, from the function the call itself asks. */

static const char *after_text(long ms, char out[32])
{
	struct buf b;

	buf_init(&b, out, 32);
	if (ms)
		buf_fmt(&b, "%ld ms", ms);
	else
		buf_lit(&b, "at once");
	return buf_z(&b);
}

/* The answers that do not count, and when it stops: "3000 to 20000 ms". */
static const char *valid_text(const json_t *t, char out[64])
{
	long soon = js_long(t, "too_soon_ms"), late = js_long(t, "too_late_ms");
	struct buf b;

	buf_init(&b, out, 64);
	if (soon || late) {
		buf_fmt(&b, "%ld to ", soon);
		if (late)
			buf_fmt(&b, "%ld ms", late);
		else
			buf_lit(&b, "any");
	}
	return buf_z(&b);
}

static void rings(const json_t *list)
{
	static const char *const title[] = { "RINGS", "KIND", "NUMBER", "OVER", "TRUNK IS", "HOST", "AFTER",
					     "ANSWER COUNTS", NULL };
	struct table t;
	const json_t *x;
	size_t i;

	table_init(&t, title);
	json_array_foreach(list, i, x) {
		char after[32], valid[64];

		table_row(&t, (const char *const[]){ js_get(x, "name"), js_get(x, "kind"),
			js_get(x, "number"), js_get(x, "trunk"), js_get(x, "trunk_state"), js_get(x, "host"),
			after_text(js_long(x, "delay_ms"), after), valid_text(x, valid) });
	}
	table_print(&t, stdout);
	table_free(&t);
}

static void dialled(const json_t *j)
{
	const json_t *who = json_object_get(j, "caller"), *why = json_object_get(j, "why"), *x;
	const json_t *list = json_object_get(j, "rings");
	char mem[2400];
	struct buf b;
	size_t i;

	buf_init(&b, mem, sizeof mem);
	table_safe(&b, js_get(who, "number")[0] ? js_get(who, "number") : "(no number)");
	buf_fmt(&b, " (%s%s", js_get(who, "kind"), js_get(who, "name")[0] ? " " : "");
	table_safe(&b, js_get(who, "name"));
	buf_lit(&b, ", calling search space ");
	table_safe(&b, js_get(who, "css")[0] ? js_get(who, "css") : "<lines only>");
	buf_lit(&b, ") dials ");
	table_safe(&b, js_get(j, "to"));
	printf("%s\n\n", buf_z(&b));
	if (json_array_size(list))
		rings(list);
	else
		printf("Nothing rings; the caller gets %ld.\n", js_long(j, "status"));
	printf("\nWhy:\n");
	json_array_foreach(why, i, x) {
		buf_reset(&b);
		table_safe(&b, json_string_value(x));
		printf("%3zu. %s\n", i + 1, buf_z(&b));
	}
}

int cmd_dial(int argc, char **argv)
{
	return client_run("dial", argc, argv, dialled);
}
