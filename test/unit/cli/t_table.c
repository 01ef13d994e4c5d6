/* t_table.c - columns, and strangers' text. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/table.h"
#include "t_cli.h"

static const char *printed(const struct table *t)
{
	static char text[4096];
	FILE *f = fmemopen(text, sizeof text, "w");

	assert_non_null(f);
	table_print(t, f);
	(void)fclose(f);
	return text;
}

static void columns_are_as_wide_as_their_widest_cell_and_lines_end_early(void **state)
{
	static const char *const title[] = { "A", "B", "C", NULL };
	struct table t;

	(void)state;
	table_init(&t, title);
	table_row(&t, (const char *const[]){ "long", "1", "x" });
	table_row(&t, (const char *const[]){ "s", NULL, "" });
	assert_string_equal(printed(&t), "A     B  C\nlong  1  x\ns\n");
	table_free(&t);
}

static void widths_count_characters_not_bytes(void **state)
{
	static const char *const title[] = { "NAME", "N", NULL };
	struct table t;

	(void)state;
	table_init(&t, title);
	table_row(&t, (const char *const[]){ "J\xc3\xb6rg\xc3\xa9", "1" });
	table_row(&t, (const char *const[]){ "Georg", "2" });
	assert_string_equal(printed(&t), "NAME   N\nJ\xc3\xb6rg\xc3\xa9  1\nGeorg  2\n");
	table_free(&t);
}

static void a_terminal_never_obeys_a_stranger(void **state)
{
	char text[200];
	struct buf b;

	(void)state;
	buf_init(&b, text, sizeof text);
	table_safe(&b, "a\x1b[2Jb\r\nc\x7f" "d\xc2\x9b" "31m\xc3\xb6");
	assert_string_equal(buf_z(&b), "a\\x1b[2Jb\\x0d\\x0ac\\x7fd\\xc2\\x9b31m\xc3\xb6");
}

static void json_on_a_terminal_says_the_same_and_is_harmless(void **state)
{
	char text[400] = "";
	FILE *f = fmemopen(text, sizeof text, "w");

	(void)state;
	assert_non_null(f);
	table_json(f, STR("{\n \"a\": \"\xc2\x9b\x7f\xe2\x80\xae\xf3\xa0\x81\x81 J\xc3\xb6rg \\u001b\"\n}"));
	(void)fclose(f);
	assert_string_equal(text, "{\n \"a\": \"\\u009b\\u007f\\u202e\\udb40\\udc41 J\xc3\xb6rg \\u001b\"\n}");
}

static void a_cell_longer_than_its_room_is_told_not_cut(void **state)
{
	static const char *const title[] = { "A", NULL };
	char *big = mem_new(5001);
	struct table t;

	(void)state;
	memset(big, 'x', 5000);
	table_init(&t, title);
	for (int i = 0; i < 40; i++)
		table_row(&t, (const char *const[]){ i ? "1" : big });
	assert_int_equal(t.nrow, 41);
	assert_memory_equal(printed(&t), "A\n(too long)\n1\n", 15);
	table_free(&t);
	mem_free(big);
}

int run_table(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_as_wide_as_their_widest_cell_and_lines_end_early),
		cmocka_unit_test(widths_count_characters_not_bytes),
		cmocka_unit_test(a_terminal_never_obeys_a_stranger),
		cmocka_unit_test(json_on_a_terminal_says_the_same_and_is_harmless),
		cmocka_unit_test(a_cell_longer_than_its_room_is_told_not_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
