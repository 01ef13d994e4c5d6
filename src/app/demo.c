#include "app/demo.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/demo_int.h"
#include "base/mem.h"
#include "base/str.h"

void demo_run(struct demo *d, const struct demo_scenario *s)
{
	printf("\n%s\n", s->title);
	d->one = json_pack("{s:s, s:{s:b, s:b}}", "name", s->name, "audio", "a_to_b", 0, "b_to_a", 0);
	d->why = NULL;
	d->t0 = bed_now();
	ears_begin(d);
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

/* The hub knows Microsoft's rules: one broken in any call fails the demo. */
static void rules_kept(struct demo *d)
{
	char path[DEMO_PATH];
	json_t *r, *f;
	size_t i;

	bed_path(&d->bed, path, "hub.json");
	r = teams_do(d, "{\"command\":\"report\"}") ? json_load_file(path, 0, NULL) : NULL;
	json_array_foreach(json_object_get(r, "findings"), i, f) {
		printf("  the Teams side objects: %s %s\n",
		       json_string_value(json_object_get(f, "rule")),
		       json_string_value(json_object_get(f, "text")));
		d->failed++;
	}
	json_decref(r);
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
	d->place = &demo_here;
	printf("Tandem demo: alice (1001), bob (1002) with a desk phone and Teams, a PBX with extension 2002.\n"
	       "Softphones: baresip. Teams: the Direct Routing simulator over mutual TLS and SRTP.\n");
	d->t0 = bed_now();
	why = demo_set_up(d);
	if (why)
		printf("The demo cannot start: %s. Logs: %s\n", why, d->bed.dir);
	for (size_t i = 0; !why && demo_scenario_at(i); i++)
		demo_run(d, demo_scenario_at(i));
	if (!why) {
		rules_kept(d);
		demo_nat(d);
	}
	failed = why ? 1 : d->failed;
	bed_close(&d->bed);
	write_report(d, failed ? "fail" : "pass", why);
	printf("%zu scenarios, %d failed: %s\n", json_array_size(d->scenarios), failed,
	       failed ? "the demo FAILED" : "the demo passed");
	json_decref(d->scenarios);
	mem_free(d);
	return failed ? 1 : 0;
}
