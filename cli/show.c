#include <stdio.h>
#include <string.h>

#include "cli/args.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/story.h"
#include "cli/table.h"

/* `tandem show ...`: tables for people, times in UTC; --json prints the answer as it came. */

/* "name:port (now)", for the host in use. */
static const char *host_text(const json_t *h, char out[320])
{
	struct buf b;

	buf_init(&b, out, 320);
	buf_lit(&b, js_get(h, "host"));
	if (js_long(h, "port"))
		buf_fmt(&b, ":%ld", js_long(h, "port"));
	if (json_is_true(json_object_get(h, "in_use")))
		buf_lit(&b, " *");
	return buf_z(&b);
}

static const char *count_text(long n, long max, char out[32])
{
	struct buf b;

	buf_init(&b, out, 32);
	buf_fmt(&b, "%ld", n);
	if (max)
		buf_fmt(&b, "/%ld", max);
	return buf_z(&b);
}

/* The sentence; for a CUCM also the words of its own alarms, by which its engineers search. */
static const char *why_text(const json_t *trunk, const json_t *host, char out[600])
{
	struct buf b;

	buf_init(&b, out, 600);
	buf_lit(&b, js_get(host, "text"));
	if (!strcmp(js_get(trunk, "profile"), "cucm") && js_get(host, "cucm")[0])
		buf_fmt(&b, " (CUCM says %s)", js_get(host, "cucm"));
	return buf_ok(&b) ? buf_z(&b) : js_get(host, "text");
}

static void turned_away(const json_t *x)
{
	char since[24];

	printf("\nListener ");
	table_say(stdout, js_get(x, "listener"));
	printf(" turned away %ld TLS connections, the last at %s: ", js_long(x, "count"),
	       js_time(x, "last", since));
	table_say(stdout, js_get(x, "text"));
	printf("\n");
}

static void trunks(const json_t *j)
{
	static const char *const title[] = { "TRUNK", "PROFILE", "HOST", "STATE", "SINCE (UTC)",
					     "CALLS", "REASON", NULL };
	char since[24], calls[32], host[320], why[600];
	struct table t;
	json_t *x, *h;
	size_t i, k;

	table_init(&t, title);
	json_array_foreach(json_object_get(j, "trunks"), i, x) {
		table_row(&t, (const char *const[]){ js_get(x, "trunk"), js_get(x, "profile"), "",
			js_get(x, "state"), js_time(x, "since", since),
			count_text(js_long(x, "calls"), js_long(x, "max_calls"), calls),
			js_get(x, "text") });
		json_array_foreach(json_object_get(x, "hosts"), k, h)
			table_row(&t, (const char *const[]){ "", "", host_text(h, host),
				js_get(h, "state"), js_time(h, "since", since), "",
				why_text(x, h, why) });
		h = json_object_get(x, "registration");
		if (h)
			table_row(&t, (const char *const[]){ "", "", "(registration)",
				js_get(h, "state"), js_time(h, "since", since), "",
				js_get(h, "text") });
	}
	table_print(&t, stdout);
	if (t.nrow > 1)
		printf("* is the host that new calls use.\n");
	table_free(&t);
	json_array_foreach(json_object_get(j, "refused"), i, x)
		turned_away(x);
}

static const char *seconds_text(long s, char out[32])
{
	struct buf b;

	buf_init(&b, out, 32);
	buf_fmt(&b, "%ld:%02ld", s / 60, s % 60);
	return buf_z(&b);
}

/* Names of a list, or a field of its objects, with blanks between. */
static const char *list_text(const json_t *list, const char *key, char *out, size_t cap)
{
	const json_t *x;
	struct buf b;
	size_t i;

	buf_init(&b, out, cap);
	json_array_foreach(list, i, x) {
		const char *z = key ? js_get(x, key) : json_string_value(x);

		if (buf_ok(&b) && strlen(z ? z : "") + 2 > cap - b.n - 4) {
			buf_lit(&b, " ..");
			break;
		}
		buf_lit(&b, i ? " " : "");
		buf_lit(&b, z ? z : "");
	}
	return buf_z(&b);
}

static void calls(const json_t *j)
{
	static const char *const title[] = { "ID", "STATE", "TIME", "CALLING", "CALLED", "ANSWERED BY",
					     "RANG", NULL };
	char time[32], legs[500];
	struct table t;
	json_t *c;
	size_t i;

	table_init(&t, title);
	json_array_foreach(json_object_get(j, "calls"), i, c)
		table_row(&t, (const char *const[]){ js_get(c, "id"), js_get(c, "state"),
			seconds_text(js_long(c, "seconds"), time), js_get(c, "calling"),
			js_get(c, "called"), js_get(c, "answered_by"),
			list_text(json_object_get(c, "legs"), NULL, legs, sizeof legs) });
	if (t.nrow > 1)
		table_print(&t, stdout);
	else
		printf("No calls. `tandem cdr` lists those that ended.\n");
	table_free(&t);
}

static void phone_rows(struct table *t, const json_t *p)
{
	const json_t *list = json_object_get(p, "contacts"), *c;
	char lines[300], until[24];
	size_t k;

	list_text(json_object_get(p, "lines"), NULL, lines, sizeof lines);
	if (!json_array_size(list))
		table_row(t, (const char *const[]){ js_get(p, "phone"), js_get(p, "user"), lines,
			"not registered", "", "" });
	json_array_foreach(list, k, c)
		table_row(t, (const char *const[]){ k ? "" : js_get(p, "phone"),
			k ? "" : js_get(p, "user"), k ? "" : lines, js_get(c, "source"),
			js_time(c, "expires", until), js_get(c, "user_agent") });
}

static void phones(const json_t *j)
{
	static const char *const title[] = { "PHONE", "USER", "LINES", "REGISTERED FROM",
					     "UNTIL (UTC)", "USER AGENT", NULL };
	struct table t;
	json_t *p;
	size_t i;

	table_init(&t, title);
	json_array_foreach(json_object_get(j, "phones"), i, p)
		phone_rows(&t, p);
	table_print(&t, stdout);
	table_free(&t);
}

static void users(const json_t *j)
{
	static const char *const title[] = { "USER", "NAME", "LINES", "PHONES",
					     "REMOTE DESTINATIONS", NULL };
	char lines[300], desk[300], remotes[300];
	struct table t;
	json_t *u;
	size_t i;

	table_init(&t, title);
	json_array_foreach(json_object_get(j, "users"), i, u)
		table_row(&t, (const char *const[]){ js_get(u, "user"), js_get(u, "display"),
			list_text(json_object_get(u, "lines"), "number", lines, sizeof lines),
			list_text(json_object_get(u, "phones"), "phone", desk, sizeof desk),
			list_text(json_object_get(u, "remotes"), "number", remotes, sizeof remotes) });
	table_print(&t, stdout);
	table_free(&t);
}

static void guard(const json_t *j)
{
	static const char *const title[] = { "SOURCE", "STATE", "UNTIL (UTC)", "BANS", "DROPPED", "WHY", NULL };
	char until[24], bans[32], dropped[32];
	struct table t;
	json_t *x;
	size_t i;

	table_init(&t, title);
	json_array_foreach(json_object_get(j, "sources"), i, x)
		table_row(&t, (const char *const[]){ js_get(x, "source"), js_get(x, "state"),
			js_time(x, "until", until), count_text(js_long(x, "bans"), 0, bans),
			count_text(js_long(x, "dropped"), 0, dropped), js_get(x, "why") });
	if (t.nrow > 1)
		table_print(&t, stdout);
	else
		printf("Nobody is banned.\n");
	table_free(&t);
	if (!json_is_true(json_object_get(j, "on")))
		printf("The guard is off: guard-rate is 0.\n");
	printf("\n%ld strangers and %ld proven sources are known; %ld messages and connections were dropped, "
	       "%ld bans spoken.\n", js_long(j, "strangers"), js_long(j, "proven"), js_long(j, "dropped"),
	       js_long(j, "bans"));
	if (*js_get(j, "overload_text"))
		printf("\n%s\n", js_get(j, "overload_text"));
}

static void unbanned(const json_t *j)
{
	printf("%s may speak again.\n", js_get(j, "address"));
}

int cmd_unban(int argc, char **argv)
{
	return client_run("unban", argc, argv, unbanned);
}

static const struct { const char *word, *action; void (*people)(const json_t *); } what[] = {
	{ "trunks", "show trunks", trunks }, { "calls", "show calls", calls },
	{ "phones", "show phones", phones }, { "users", "show users", users },
	{ "guard", "show guard", guard }, { "call", "show call", story_print },
};
enum { NWHAT = sizeof what / sizeof *what };

int cmd_show(int argc, char **argv)
{
	const char *names[NWHAT + 1] = { NULL };
	const char *word = argc > 1 ? argv[1] : "";
	int near;

	for (int i = 0; i < NWHAT; i++) {
		names[i] = what[i].word;
		if (!strcmp(word, what[i].word))
			return client_run(what[i].action, argc - 1, argv + 1, what[i].people);
	}
	near = args_nearest(word, names);
	if (near >= 0) {
		fprintf(stderr, "tandem show: there is no \"");
		table_say(stderr, word);
		fprintf(stderr, "\"; did you mean %s?\n", names[near]);
	} else {
		fprintf(stderr, "usage: tandem show trunks|calls|phones|users|guard|call ID [--json]\n");
	}
	return 1;
}

static void status(const json_t *j)
{
	static const char *const title[] = { "COUNTER", "VALUE", NULL };
	struct table t;
	const char *key;
	json_t *v;

	table_init(&t, title);
	json_object_foreach((json_t *)(uintptr_t)j, key, v) {
		char text[32];
		struct buf b;

		buf_init(&b, text, sizeof text);
		buf_fmt(&b, "%lld", (long long)json_integer_value(v));
		table_row(&t, (const char *const[]){ key, json_is_string(v) ? json_string_value(v)
			: json_is_integer(v) ? buf_z(&b) : json_is_true(v) ? "yes"
			: json_is_null(v) ? "" : "no" });
	}
	table_print(&t, stdout);
	table_free(&t);
}

int cmd_status(int argc, char **argv)
{
	return client_run("status", argc, argv, status);
}
