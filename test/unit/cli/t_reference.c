/* t_reference.c - the pages of doc/ say what the tables say. */
#include "t_cli.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/reason.h"
#include "cli/reference.h"

static void every_page_is_what_the_program_prints(void **state)
{
	const struct reference *r;

	(void)state;
	for (size_t i = 0; (r = reference_at(i)); i++) {
		char *made = mem_new(REFERENCE_BYTES_MAX), *doc = mem_new(REFERENCE_BYTES_MAX);
		char path[300];
		struct buf b;
		FILE *f;

		buf_init(&b, made, REFERENCE_BYTES_MAX);
		r->write(&b);
		assert_true(buf_ok(&b));
		assert_true(snprintf(path, sizeof path, "%s/../%s", TEST_DIR, r->file) <
			    (int)sizeof path);
		f = fopen(path, "re");
		assert_non_null(f);
		doc[fread(doc, 1, REFERENCE_BYTES_MAX - 1, f)] = 0;
		(void)fclose(f);
		if (strcmp(doc, buf_z(&b)))
			fail_msg("%s is stale: run `make doc`", r->file);
		mem_free(made);
		mem_free(doc);
	}
}

static void every_reason_stands_on_its_page(void **state)
{
	char *made = mem_new(REFERENCE_BYTES_MAX);
	struct buf b;

	(void)state;
	buf_init(&b, made, REFERENCE_BYTES_MAX);
	reasons_doc(&b);
	assert_true(buf_ok(&b));
	(void)buf_z(&b);
	for (int c = REASON_NONE + 1; c < REASON_N; c++)
		assert_non_null(strstr(made, reason_word((enum reason_code)c)));
	mem_free(made);
}

static void pages_are_found_by_name(void **state)
{
	(void)state;
	assert_non_null(reference_find("tandem.yaml"));
	assert_null(reference_find("tandem"));
}

int run_reference(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_page_is_what_the_program_prints),
		cmocka_unit_test(every_reason_stands_on_its_page),
		cmocka_unit_test(pages_are_found_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
