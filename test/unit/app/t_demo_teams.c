/* t_demo_teams.c - what the demo takes for the present call of the Teams side. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "app/demo_int.h"

/* The hub's part: it said "ok" to everything, and its report is what the test wrote. */
struct hub {
	struct demo d;
	int told[2], says[2];
	char path[DEMO_PATH];
};

static void hub_calls(struct hub *h, const char *calls)
{
	FILE *f = fopen(h->path, "w");

	assert_non_null(f);
	assert_true(fprintf(f, "{\"calls\":[%s]}", calls) > 0);
	assert_int_equal(fclose(f), 0);
}

static void hub_says_ok(struct hub *h, int times)
{
	while (times--)
		assert_int_equal(write(h->says[1], "ok\n", 3), 3);
}

static int hub_open(void **state)
{
	static struct hub h;

	memset(&h, 0, sizeof h);
	(void)snprintf(h.d.bed.dir, sizeof h.d.bed.dir, "/tmp/ut_app_XXXXXX");
	if (!mkdtemp(h.d.bed.dir) || pipe(h.told) || pipe(h.says))
		return -1;
	bed_path(&h.d.bed, h.path, "hub.json");
	h.d.to_hub = h.told[1];
	h.d.from_hub = h.says[0];
	*state = &h;
	return 0;
}

static int hub_close(void **state)
{
	struct hub *h = *state;

	(void)unlink(h->path);
	(void)rmdir(h->d.bed.dir);
	for (int i = 0; i < 2; i++) {
		(void)close(h->told[i]);
		(void)close(h->says[i]);
	}
	return 0;
}

/* The desk phone may ring before Teams has the INVITE: the call before then is not this one. */
static void the_call_before_is_not_this_one(void **state)
{
	struct hub *h = *state;

	hub_says_ok(h, 100);
	hub_calls(h, "{\"state\":\"ended\",\"missed_call\":true}");
	assert_true(teams_wait(&h->d, "ended", 0));
	teams_forget(&h->d);
	assert_false(teams_wait(&h->d, "ended", 0));
	assert_false(teams_flag(&h->d, "missed_call"));
	hub_calls(h, "{\"state\":\"ended\",\"missed_call\":true},{\"state\":\"ringing\"}");
	assert_true(teams_wait(&h->d, "ringing", 0));
	assert_false(teams_wait(&h->d, "ended", 0));
	assert_false(teams_flag(&h->d, "missed_call"));
}

static void without_a_report_there_is_no_call(void **state)
{
	struct hub *h = *state;

	hub_says_ok(h, 10);
	teams_forget(&h->d);
	assert_false(teams_flag(&h->d, "missed_call"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_call_before_is_not_this_one, hub_open, hub_close),
		cmocka_unit_test_setup_teardown(without_a_report_there_is_no_call, hub_open, hub_close),
	};

	return cmocka_run_group_tests_name("demo_teams", tests, NULL, NULL);
}
