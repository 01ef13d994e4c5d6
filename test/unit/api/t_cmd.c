/* t_cmd.c - the table of operator actions, roles, arguments, audit. */
#include <stdio.h>
#include <string.h>

#include "t_api.h"

static int up(void **state)
{
	*state = bed_new();
	return 0;
}

static int down(void **state)
{
	bed_free(*state);
	return 0;
}

static void every_row_has_a_name_of_its_own_help_and_explained_arguments(void **state)
{
	const struct cmd *c;
	size_t n = 0;

	(void)state;
	for (; (c = cmd_at(n)); n++) {
		assert_non_null(c->run);
		assert_true(strlen(c->help) > 5);
		assert_ptr_equal(cmd_find(str_of(c->name)), c);
		for (const struct cmd_arg *a = c->arg; a->name; a++)
			assert_true(strlen(a->name) < 20 && strlen(a->help) > 5);
		if (c->post)
			assert_true(c->role > ROLE_VIEW);
	}
	assert_true(n >= 11);
}

static void actions_are_found_with_blanks_or_slashes_and_nothing_else(void **state)
{
	(void)state;
	assert_non_null(cmd_find(STR("show trunks")));
	assert_non_null(cmd_find(STR("show/trunks")));
	assert_null(cmd_find(STR("show")));
	assert_null(cmd_find(STR("show/trunk")));
	assert_null(cmd_find(STR("show/trunks/")));
	assert_null(cmd_find(STR("show-trunks")));
	assert_null(cmd_find(STR("")));
	assert_null(cmd_find(STR_NONE));
}

static void unknown_and_missing_arguments_are_named(void **state)
{
	struct cmd_call c = { 0 }, d = { 0 }, e = { 0 };

	assert_int_equal(bed_run(*state, &c, "show trunks", "colour", "red", NULL), CMD_BAD);
	assert_non_null(strstr(json_string_value(c.out), "colour"));
	assert_int_equal(bed_run(*state, &d, "dial", "from", "1001", NULL), CMD_BAD);
	assert_non_null(strstr(json_string_value(d.out), "\"to\" is missing"));
	assert_int_equal(bed_run(*state, &e, "show call", "id", "", NULL), CMD_BAD);
	assert_non_null(strstr(json_string_value(e.out), "\"id\" is missing"));
	cmd_close(&c);
	cmd_close(&d);
	cmd_close(&e);
}

static void an_argument_without_a_value_is_as_good_as_none(void **state)
{
	struct cmd_call c = { 0 };

	assert_int_equal(bed_run(*state, &c, "cdr", "limit", NULL, NULL), CMD_OK);
	cmd_close(&c);
}

static void who_may_only_look_changes_nothing(void **state)
{
	static const char *const closed[] = { "apply", "export", "stop" };
	struct bed *b = *state;

	for (size_t i = 0; i < sizeof closed / sizeof *closed; i++) {
		struct cmd_call c = { .role = ROLE_OPERATE, .body = STR("users: []\n") };

		assert_int_equal(bed_run(b, &c, closed[i], NULL), CMD_DENIED);
		assert_non_null(strstr(json_string_value(c.out), "root"));
		cmd_close(&c);
	}
	assert_null(b->site);
	assert_int_equal(b->stops, 0);
}

static void a_space_that_a_trunk_names_is_missed(void **state)
{
	struct cmd_call c = { .role = ROLE_ADMIN, .body = STR("partitions: [ a ]\nspaces: [ { name: staf, partitions: [ a ] } ]\n") };

	assert_int_equal(bed_run(*state, &c, "apply", "file", "x.yaml", NULL), CMD_OK);
	assert_string_equal(at(c.out, "applied"), "false");
	assert_non_null(strstr(at(c.out, "findings.0.text"), "inbound-css \"staff\""));
	cmd_close(&c);
}

static void a_right_site_is_applied_and_exported_as_it_was(void **state)
{
	struct cmd_call c = { .role = ROLE_ADMIN, .body = STR("users: [ { name: eve } ]\n") };
	struct cmd_call d = { .role = ROLE_ADMIN };

	assert_int_equal(bed_run(*state, &c, "apply", "file", "x.yaml", NULL), CMD_OK);
	assert_string_equal(at(c.out, "applied"), "true");
	assert_int_equal(bed_run(*state, &d, "export", NULL), CMD_OK);
	assert_int_equal(d.text.n, 25);
	assert_memory_equal(d.text.p, "users: [ { name: eve } ]\n", 25);
	cmd_close(&c);
	cmd_close(&d);
}

static void a_wrong_site_gives_every_finding_with_its_place(void **state)
{
	struct cmd_call c = { .role = ROLE_ADMIN, .body = STR("users:\n  - { nme: x }\n") };
	struct bed *b = *state;

	assert_int_equal(bed_run(b, &c, "apply", NULL), CMD_OK);
	assert_string_equal(at(c.out, "applied"), "false");
	assert_string_equal(at(c.out, "findings.0.line"), "2");
	assert_true(strlen(at(c.out, "findings.0.text")) > 10);
	assert_null(b->site);
	cmd_close(&c);
}

static void an_empty_body_and_an_absent_site_are_told(void **state)
{
	struct cmd_call c = { .role = ROLE_ADMIN }, d = { .role = ROLE_ADMIN };

	assert_int_equal(bed_run(*state, &c, "apply", NULL), CMD_BAD);
	assert_int_equal(bed_run(*state, &d, "export", NULL), CMD_GONE);
	assert_non_null(strstr(json_string_value(d.out), "tandem apply"));
	cmd_close(&c);
	cmd_close(&d);
}

struct lines { int n; char last[200]; };

static bool audit_line(void *ctx, const struct audit_row *a)
{
	struct lines *l = ctx;
	struct buf b;

	if (!l->n++) {			/* newest first */
		buf_init(&b, l->last, sizeof l->last);
		buf_fmt(&b, "%s %s %s %s %s", a->who, a->role, a->action, a->what, a->result);
		(void)buf_z(&b);
	}
	return true;
}

static struct lines audited(struct bed *b)
{
	struct lines l = { 0 };

	store_turn(b->store);
	sim_for(b->loop, 2 * STORE_RETRY_MS);
	assert_int_equal(db_audit(store_db(b->store), 0, 100, audit_line, &l), OK);
	return l;
}

static void every_change_leaves_an_audit_line_also_a_denied_one(void **state)
{
	struct cmd_call c = { .role = ROLE_ADMIN, .who = "uid 0", .body = STR("users: []\n") };
	struct cmd_call d = { .role = ROLE_VIEW, .who = "uid 9" }, e = { 0 };
	struct bed *b = *state;

	assert_int_equal(bed_run(b, &c, "apply", "file", "x.yaml", NULL), CMD_OK);
	assert_string_equal(audited(b).last, "uid 0 admin apply x.yaml done");
	assert_int_equal(bed_run(b, &d, "stop", NULL), CMD_DENIED);
	assert_string_equal(audited(b).last, "uid 9 view stop  denied");
	assert_int_equal(bed_run(b, &e, "show trunks", NULL), CMD_OK);
	assert_int_equal(audited(b).n, 2);
	cmd_close(&c);
	cmd_close(&d);
	cmd_close(&e);
}

static void stop_is_passed_on_once(void **state)
{
	struct cmd_call c = { .role = ROLE_ADMIN };
	struct bed *b = *state;

	assert_int_equal(bed_run(b, &c, "stop", NULL), CMD_OK);
	assert_int_equal(b->stops, 1);
	assert_string_equal(at(c.out, "calls"), "0");
	cmd_close(&c);
}

static void too_many_waiting_questions_are_refused_not_queued(void **state)
{
	static struct query q[STORE_JOBS_MAX + 4];
	struct bed *b = *state;
	struct cmd_call c = { 0 };
	struct store_event ev;
	size_t n = 0;

	memset(q, 0, sizeof q);
	while (n < sizeof q / sizeof *q && store_run(b->store, query_run, &q[n], 1) == OK)
		n++;
	assert_true(n < sizeof q / sizeof *q);
	c.env = &b->env;
	assert_int_equal(cmd_run(cmd_find(STR("cdr")), &c, 77), CMD_BUSY);
	assert_null(c.query);
	cmd_close(&c);
	while (store_next(b->store, &ev))
		mem_free(((struct query *)ev.arg)->text);
}

/* doc/commands.md has the table between two marks; it is made, not written. */
static void the_reference_is_the_table(void **state)
{
	char *made = mem_new(32768), *doc = mem_new(65536);
	FILE *f = fopen(TEST_DIR "/../doc/commands.md", "re");
	struct buf b;

	(void)state;
	buf_init(&b, made, 32768);
	cmd_doc(&b);
	assert_true(buf_ok(&b));
	assert_non_null(f);
	doc[fread(doc, 1, 65535, f)] = 0;
	(void)fclose(f);
	if (!strstr(doc, buf_z(&b)))
		fail_msg("doc/commands.md must contain this table:\n%s", made);
	mem_free(made);
	mem_free(doc);
}

int run_cmd(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_has_a_name_of_its_own_help_and_explained_arguments),
		cmocka_unit_test(actions_are_found_with_blanks_or_slashes_and_nothing_else),
		cmocka_unit_test_setup_teardown(unknown_and_missing_arguments_are_named, up, down),
		cmocka_unit_test_setup_teardown(an_argument_without_a_value_is_as_good_as_none, up, down),
		cmocka_unit_test_setup_teardown(who_may_only_look_changes_nothing, up, down),
		cmocka_unit_test_setup_teardown(a_right_site_is_applied_and_exported_as_it_was, up, down),
		cmocka_unit_test_setup_teardown(a_space_that_a_trunk_names_is_missed, up, down),
		cmocka_unit_test_setup_teardown(a_wrong_site_gives_every_finding_with_its_place, up, down),
		cmocka_unit_test_setup_teardown(an_empty_body_and_an_absent_site_are_told, up, down),
		cmocka_unit_test_setup_teardown(every_change_leaves_an_audit_line_also_a_denied_one, up, down),
		cmocka_unit_test_setup_teardown(stop_is_passed_on_once, up, down),
		cmocka_unit_test_setup_teardown(too_many_waiting_questions_are_refused_not_queued, up, down),
		cmocka_unit_test(the_reference_is_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
