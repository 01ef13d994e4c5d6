#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/client.h"

/* Tables for people; --json prints the answer as it came. */

static const char *s(const json_t *j, const char *key)
{
	const char *z = json_string_value(json_object_get(j, key));

	return z ? z : "";
}

static long n(const json_t *j, const char *key)
{
	return (long)json_integer_value(json_object_get(j, key));
}

static void trunks(const json_t *j)
{
	json_t *t, *h;
	size_t i, k;

	printf("%-14s %-34s %-9s %-25s %s\n", "TRUNK", "HOST", "STATE", "SINCE", "REASON");
	json_array_foreach(json_object_get(j, "trunks"), i, t) {
		printf("%-14s %-34s %-9s %-25s %s\n", s(t, "trunk"), s(t, "profile"), s(t, "state"), "",
		       s(t, "reason"));
		json_array_foreach(json_object_get(t, "hosts"), k, h) {
			char at[300];

			(void)snprintf(at, sizeof at, "%s:%ld", s(h, "host"), n(h, "port"));
			printf("%-14s %-34s %-9s %-25s %s\n", "", at, s(h, "state"), s(h, "since"),
			       s(h, "reason"));
		}
	}
}

static void calls(const json_t *j)
{
	json_t *c;
	size_t i;

	printf("%-20s %-16s %-16s %-9s %6s  %s\n", "ID", "CALLING", "CALLED", "STATE", "SECS", "ANSWERED BY");
	json_array_foreach(json_object_get(j, "calls"), i, c)
		printf("%-20s %-16s %-16s %-9s %6ld  %s\n", s(c, "id"), s(c, "calling"), s(c, "called"),
		       s(c, "state"), n(c, "seconds"), s(c, "answered_by"));
}

static void phones(const json_t *j)
{
	json_t *p, *c;
	size_t i, k;

	printf("%-16s %-12s %-14s %-24s %s\n", "PHONE", "USER", "REGISTERED", "AT", "USER-AGENT");
	json_array_foreach(json_object_get(j, "phones"), i, p) {
		json_t *list = json_object_get(p, "contacts");

		if (!json_array_size(list))
			printf("%-16s %-12s %-14s\n", s(p, "phone"), s(p, "user"), "no");
		json_array_foreach(list, k, c)
			printf("%-16s %-12s %-14s %-24s %s\n", s(p, "phone"), s(p, "user"), "yes",
			       s(c, "at"), s(c, "user_agent"));
	}
}

static void users(const json_t *j)
{
	json_t *u, *l;
	size_t i, k;

	printf("%-16s %-24s %s\n", "USER", "NAME", "LINES");
	json_array_foreach(json_object_get(j, "users"), i, u) {
		printf("%-16s %-24s", s(u, "user"), s(u, "display"));
		json_array_foreach(json_object_get(u, "lines"), k, l)
			printf(" %s", json_string_value(l));
		printf("\n");
	}
}

static void call(const json_t *j)
{
	const json_t *r = json_object_get(j, "record");
	json_t *x;
	size_t i;

	printf("%s -> %s, %s: %s\n", s(r, "calling"), s(r, "called"), s(j, "state"), s(r, "text"));
	json_array_foreach(json_object_get(r, "legs"), i, x)
		printf("  leg %-24s %3ld  %s\n", s(x, "name"), n(x, "status"), s(x, "text"));
	json_array_foreach(json_object_get(r, "notes"), i, x)
		printf("  note %s\n", s(x, "text"));
	json_array_foreach(json_object_get(j, "ladder"), i, x)
		printf("  %s\n", json_string_value(x));
}

static const struct { const char *name, *path; void (*print)(const json_t *); } what[] = {
	{ "trunks", "show/trunks", trunks }, { "calls", "show/calls", calls },
	{ "phones", "show/phones", phones }, { "users", "show/users", users },
};

static int print(struct client *c, const char *path, void (*human)(const json_t *))
{
	int rc = client_ask(c, path, NULL, 0);
	json_t *j = rc ? NULL : client_answer(c);

	if (!rc && c->json)
		printf("%s\n", c->text);
	else if (j)
		human(j);
	json_decref(j);
	client_free(c);
	return rc;
}

int cmd_show(int argc, char **argv)
{
	static const char usage[] = "show trunks|calls|phones|users|call ID [--json] [--socket PATH]";
	struct client c;
	char path[200];

	if (!client_args(&c, argc, argv, usage))
		return 1;
	for (size_t i = 0; c.nwords == 1 && i < sizeof what / sizeof *what; i++)
		if (!strcmp(c.word[0], what[i].name))
			return print(&c, what[i].path, what[i].print);
	if (c.nwords == 2 && !strcmp(c.word[0], "call")) {
		(void)snprintf(path, sizeof path, "show/call?id=%.100s", c.word[1]);
		return print(&c, path, call);
	}
	fprintf(stderr, "usage: tandem %s\n", usage);
	return 1;
}

static void dialled(const json_t *j)
{
	json_t *t, *w;
	size_t i;

	printf("%s dials %s (calling search space %s)\n", s(j, "from"), s(j, "to"),
	       s(j, "css")[0] ? s(j, "css") : "lines only");
	json_array_foreach(json_object_get(j, "rings"), i, t)
		printf("  rings %-20s %-20s after %ld ms%s%s\n", s(t, "kind"), s(t, "name"),
		       n(t, "delay_ms"), s(t, "number")[0] ? ", number " : "", s(t, "number"));
	if (!json_array_size(json_object_get(j, "rings")))
		printf("  nothing rings: %ld\n", n(j, "status"));
	printf("because\n");
	json_array_foreach(json_object_get(j, "why"), i, w)
		printf("  %s\n", json_string_value(w));
}

/* A number in a query: '+' means a blank there. */
static void query(char *out, size_t cap, const char *z)
{
	size_t k = 0;

	for (; *z && k + 4 < cap; z++) {
		if (*z == '+')
			k += (size_t)snprintf(out + k, cap - k, "%%2B");
		else if (*z != '&' && *z != '#' && *z != ' ' && *z != '%')
			out[k++] = *z;
	}
	out[k] = 0;
}

int cmd_dial(int argc, char **argv)
{
	struct client c;
	char path[400], from[100], to[100];

	if (!client_args(&c, argc, argv, "dial --from NUMBER --to NUMBER [--json]"))
		return 1;
	query(from, sizeof from, c.from ? c.from : "");
	query(to, sizeof to, c.to ? c.to : "");
	(void)snprintf(path, sizeof path, "dial?from=%s&to=%s", from, to);
	return print(&c, path, dialled);
}

static void records(const json_t *j)
{
	json_t *r;
	size_t i;

	printf("%-20s %-16s %-16s %-20s %6s %6s  %s\n", "ID", "CALLING", "CALLED", "ANSWERED BY", "RING", "TALK",
	       "REASON");
	json_array_foreach(json_object_get(j, "records"), i, r) {
		const json_t *legs = json_object_get(r, "legs");
		long k = n(r, "answered_by");
		const json_t *leg = json_array_get(legs, (size_t)k);

		printf("%-20s %-16s %-16s %-20s %6ld %6ld  %s\n",
		       s(r, "id"), s(r, "calling"),
		       s(r, "called"), leg ? s(leg, "name") : "-", n(r, "ring_ms") / 1000,
		       n(r, "talk_ms") / 1000, s(r, "text"));
	}
}

int cmd_cdr(int argc, char **argv)
{
	struct client c;
	char path[400], number[100];
	int rc;

	if (!client_args(&c, argc, argv, "cdr [--json|--csv] [--limit N] [--number NUMBER]"))
		return 1;
	query(number, sizeof number, c.number ? c.number : "");
	(void)snprintf(path, sizeof path, "cdr?limit=%s%s%s%s", c.limit ? c.limit : "50",
		       c.number ? "&number=" : "", number, c.csv ? "&format=csv" : "");
	if (!c.csv)
		return print(&c, path, records);
	rc = client_ask(&c, path, NULL, 0);
	if (!rc)
		printf("%s", c.text ? c.text : "");
	client_free(&c);
	return rc;
}

static void status(const json_t *j)
{
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)(uintptr_t)j, key, v)
		if (json_is_string(v))
			printf("%-20s %s\n", key, json_string_value(v));
		else
			printf("%-20s %lld\n", key, json_is_integer(v) ? (long long)json_integer_value(v)
								       : (long long)json_is_true(v));
}

int cmd_status(int argc, char **argv)
{
	struct client c;

	return client_args(&c, argc, argv, "status [--json]") ? print(&c, "status", status) : 1;
}
