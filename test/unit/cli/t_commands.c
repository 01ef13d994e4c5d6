/* t_commands.c - the table of subcommands. */
#include <stdio.h>
#include <string.h>

#include "api/cmd.h"
#include "cli/commands.h"
#include "t_cli.h"

static void every_command_has_help_and_is_found(void **state)
{
	const struct command *c;
	size_t n = 0;

	(void)state;
	for (; (c = command_at(n)); n++) {
		assert_non_null(c->run);
		assert_true(strlen(c->help) > 5 && strlen(c->args) <= 42);
		assert_ptr_equal(command_find(c->name), c);
	}
	assert_true(n >= 14);
	assert_null(command_find("frobnicate"));
	assert_null(command_find(""));
}

static void every_action_begins_with_a_command(void **state)
{
	const struct cmd *a;

	(void)state;
	for (size_t i = 0; (a = cmd_at(i)); i++) {
		struct str word, rest;
		char name[32];

		(void)str_cut(str_of(a->name), ' ', &word, &rest);
		assert_true(str_copy(name, sizeof name, word));
		assert_non_null(command_find(name));
	}
}

static void unknown_commands_fail(void **state)
{
	(void)state;
	assert_int_equal(commands_run(1, (char *[]){ "tandem", NULL }), 1);
	assert_int_equal(commands_run(2, (char *[]){ "tandem", "shwo", NULL }), 1);
	assert_int_equal(commands_run(3, (char *[]){ "tandem", "help", "nothing", NULL }), 1);
	assert_int_equal(commands_run(3, (char *[]){ "tandem", "show", "trunk", NULL }), 1);
	assert_int_equal(commands_run(2, (char *[]){ "tandem", "show", NULL }), 1);
}

static void the_reference_has_the_table(void **state)
{
	char *made = mem_new(16384), *doc = mem_new(65536);
	FILE *f = fopen(TEST_DIR "/../doc/commands.md", "re");
	struct buf b;

	(void)state;
	buf_init(&b, made, 16384);
	commands_doc(&b);
	assert_true(buf_ok(&b));
	assert_non_null(f);
	doc[fread(doc, 1, 65535, f)] = 0;
	(void)fclose(f);
	if (!strstr(doc, buf_z(&b)))
		fail_msg("doc/commands.md must contain this table:\n%s", made);
	mem_free(made);
	mem_free(doc);
}

int run_commands(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_command_has_help_and_is_found),
		cmocka_unit_test(every_action_begins_with_a_command),
		cmocka_unit_test(unknown_commands_fail),
		cmocka_unit_test(the_reference_has_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
