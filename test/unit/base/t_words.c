/* t_words.c - errors, reasons, the log: what becomes text. */
#include "t_base.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/reason.h"
#include "base/when.h"

static void every_error_has_a_word(void **state)
{
	(void)state;
	for (int e = 0; e < ERR_NERR; e++)
		assert_string_not_equal(err_str((enum err)e), "unknown error");
	assert_string_equal(err_str((enum err)99), "unknown error");
}

static void every_reason_has_its_own_short_word_and_a_sentence(void **state)
{
	struct str arg = STR("~");

	(void)state;
	for (int c = 0; c < REASON_N; c++) {
		struct reason r = { (enum reason_code)c, { arg, arg, arg, arg } };
		const char *w = reason_word(r.code);
		char m[1000];
		struct buf b;

		assert_int_equal(strspn(w, "abcdefghijklmnopqrstuvwxyz0123456789-"), strlen(w));
		for (int d = 0; d < c; d++)
			assert_string_not_equal(w, reason_word((enum reason_code)d));
		buf_init(&b, m, sizeof m);
		reason_write(&b, &r);
		assert_true(buf_ok(&b) && b.n > 5);
		assert_null(memchr(m, '%', b.n));	/* no argument past the fourth */
	}
	assert_string_equal(reason_word((enum reason_code)9999), "unknown");
}

static void arguments_are_written_safely_and_absent_ones_are_empty(void **state)
{
	struct reason r = REASON(TOO_SOON, STR("T\r\neams"), STR("10"));
	char m[300];
	struct buf b;

	(void)state;
	buf_init(&b, m, sizeof m);
	reason_write(&b, &r);
	assert_string_equal(buf_z(&b), "T\\x0d\\x0aeams answered after 10 ms, earlier than its "
			    "limit of  ms, which looks like a mailbox: this leg was dropped and "
			    "the others ring on.");
}

static void a_kept_reason_outlives_its_arguments(void **state)
{
	char name[] = "desk";
	struct reason r = { REASON_BUSY, { { name, 4 } } }, k;
	struct arena a;

	(void)state;
	arena_init(&a, 100);
	k = reason_keep(&a, &r);
	memset(name, 'x', 4);
	assert_str(k.arg[0], "desk");
	assert_null(k.arg[1].p);
	r.arg[0] = (struct str){ name, 500 };
	assert_null(reason_keep(&a, &r).arg[0].p);	/* does not fit: absent */
	arena_close(&a);
}

struct line { char text[1100]; enum log_level level; int n; };

static void keep_line(void *ctx, enum log_level level, struct str line)
{
	struct line *l = ctx;

	l->level = level;
	l->n++;
	(void)str_copy(l->text, sizeof l->text, line);
}

static void the_log_filters_by_level_and_cuts_long_lines(void **state)
{
	struct line got = { 0 };
	struct log l = { .level = LOG_INFO, .write = keep_line, .ctx = &got };
	char big[1500];

	(void)state;
	log_line(NULL, LOG_ERROR, "silent");
	log_line(&l, LOG_DEBUG, "dropped");
	assert_int_equal(got.n, 0);
	log_line(&l, LOG_WARN, "trunk %s is down", "teams");
	assert_string_equal(got.text, "trunk teams is down");
	assert_int_equal(got.level, LOG_WARN);
	memset(big, 'a', sizeof big);
	log_line(&l, LOG_ERROR, "%.*s", (int)sizeof big, big);
	assert_int_equal(strlen(got.text), 999);
	assert_int_equal(l.lines, 2);
	assert_string_equal(log_level_str(LOG_DEBUG), "debug");
}

static void a_time_is_written_in_utc(void **state)
{
	char m[64];
	struct buf b;

	(void)state;
	buf_init(&b, m, sizeof m);
	when_iso(&b, 951782400123);			/* a leap day of a century */
	assert_string_equal(buf_z(&b), "2000-02-29T00:00:00.123Z");
	buf_reset(&b);
	when_day(&b, 1798761599999);
	assert_string_equal(buf_z(&b), "2026-12-31");
	buf_reset(&b);
	when_iso(&b, 0);
	assert_string_equal(buf_z(&b), "");
}

int run_words(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_error_has_a_word),
		cmocka_unit_test(every_reason_has_its_own_short_word_and_a_sentence),
		cmocka_unit_test(arguments_are_written_safely_and_absent_ones_are_empty),
		cmocka_unit_test(a_kept_reason_outlives_its_arguments),
		cmocka_unit_test(the_log_filters_by_level_and_cuts_long_lines),
		cmocka_unit_test(a_time_is_written_in_utc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
