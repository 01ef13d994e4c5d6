/* t_index.c - names to rows. */
#include "t_directory.h"

#include <stdio.h>

#include "directory/index.h"

static struct str name(char text[24], unsigned i)
{
	(void)snprintf(text, 24, "user-%u", i);
	return str_of(text);
}

static void every_name_is_found_among_ten_thousand(void **state)
{
	struct dir_index x = { 0 };
	char text[24];
	uint32_t row;

	(void)state;
	for (unsigned i = 0; i < 10000; i++)
		dir_index_add(&x, name(text, i), i);
	for (unsigned i = 0; i < 10000; i++) {
		struct dir_hit h = dir_index_find(&x, name(text, i));

		assert_true(dir_index_next(&h, &row));
		assert_int_equal(row, i);
		assert_false(dir_index_next(&h, &row));
	}
	dir_index_close(&x);
}

static void rows_of_one_name_come_in_the_order_of_adding(void **state)
{
	struct dir_index x = { 0 };
	uint32_t row, want = 0;
	struct dir_hit h;
	char text[24];

	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		dir_index_add(&x, STR("same"), i);
		dir_index_add(&x, name(text, i), 1000 + i);	/* grows in between */
	}
	for (h = dir_index_find(&x, STR("same")); dir_index_next(&h, &row); want++)
		assert_int_equal(row, want);
	assert_int_equal(want, 300);
	dir_index_close(&x);
}

static void an_empty_one_finds_nothing(void **state)
{
	struct dir_index x = { 0 };
	struct dir_hit h = dir_index_find(&x, STR("x"));
	uint32_t row;

	(void)state;
	assert_false(dir_index_next(&h, &row));
	dir_index_add(&x, STR_NONE, 3);
	h = dir_index_find(&x, STR("x"));
	assert_false(dir_index_next(&h, &row));
	h = dir_index_find(&x, STR_NONE);
	assert_true(dir_index_next(&h, &row));
	dir_index_close(&x);
}

int run_index(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_name_is_found_among_ten_thousand),
		cmocka_unit_test(rows_of_one_name_come_in_the_order_of_adding),
		cmocka_unit_test(an_empty_one_finds_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
