#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/demo_int.h"

/* --- telling -------------------------------------------------------------------- */

void demo_say(struct demo *d, const char *from, const char *what, const char *to)
{
	printf("  %6.2f s  %-18s %-34s %s\n", bed_now() - d->t0, from, what, to);
	(void)fflush(stdout);
}

bool demo_must(struct demo *d, bool ok, const char *why)
{
	if (!ok && !d->why)
		d->why = why;
	return ok;
}

/* --- the hub ---------------------------------------------------------------------- */

bool teams_line(struct demo *d, char *out, size_t cap)
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

bool teams_do(struct demo *d, const char *json)
{
	char line[400];

	return write(d->to_hub, json, strlen(json)) == (ssize_t)strlen(json) &&
	       write(d->to_hub, "\n", 1) == 1 && teams_line(d, line, sizeof line) &&
	       !strcmp(line, "ok");
}

/* All calls of the hub, a borrowed part of *report (to be released). */
static json_t *teams_all(struct demo *d, json_t **report)
{
	char path[DEMO_PATH];

	bed_path(&d->bed, path, "hub.json");
	*report = teams_do(d, "{\"command\":\"report\"}") ? json_load_file(path, 0, NULL) : NULL;
	return json_object_get(*report, "calls");
}

/* The last one. A desk phone may ring before the INVITE has reached the hub, whose last call is
 * that of the scenario before then: it is none. */
static json_t *teams_last(struct demo *d, json_t **report)
{
	json_t *calls = teams_all(d, report);
	size_t n = json_array_size(calls);

	return n > d->teams_calls ? json_array_get(calls, n - 1) : NULL;
}

void teams_forget(struct demo *d)
{
	json_t *r;

	d->teams_calls = json_array_size(teams_all(d, &r));
	json_decref(r);
}

bool teams_flag(struct demo *d, const char *flag)
{
	json_t *r, *c = teams_last(d, &r);
	bool yes = json_is_true(json_object_get(c, flag));

	json_decref(r);
	return yes;
}

static bool teams_state(struct demo *d, const char *state)
{
	json_t *r, *c = teams_last(d, &r);
	const char *s = json_string_value(json_object_get(c, "state"));
	bool yes = s && !strcmp(s, state);

	json_decref(r);
	return yes;
}

unsigned teams_heard(struct demo *d, unsigned hz)
{
	json_t *r, *c = teams_last(d, &r), *h;
	size_t i;
	unsigned ms = 0;

	json_array_foreach(json_object_get(c, "heard"), i, h)
		if ((unsigned)json_integer_value(json_object_get(h, "hz")) == hz)
			ms = (unsigned)json_integer_value(json_object_get(h, "total_ms"));
	json_decref(r);
	return ms;
}

bool teams_number(struct demo *d, const char *object, const char *key, json_int_t *out)
{
	json_t *r, *c = teams_last(d, &r);
	json_t *v = json_object_get(json_object_get(c, object), key);
	bool ok = json_is_integer(v);

	*out = json_integer_value(v);
	json_decref(r);
	return ok;
}

bool teams_wait(struct demo *d, const char *state, double limit_s)
{
	double end = bed_now() + limit_s;

	while (!teams_state(d, state)) {
		if (bed_now() > end)
			return false;
		bed_pause(0.1);
	}
	return true;
}

/* How Teams behaves with the next call: rings on two clients, and answers after `answer_ms`. */
bool teams_will(struct demo *d, int ring, int answer_ms)
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
	return teams_do(d, text);
}
