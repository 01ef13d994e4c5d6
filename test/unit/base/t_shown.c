/* t_shown.c - what may reach a terminal or a log. */
#include "t_base.h"

#include "base/log.h"
#include "base/shown.h"

static const char *shown(struct str s, char text[400])
{
	struct buf b;

	buf_init(&b, text, 400);
	buf_shown(&b, s);
	return buf_z(&b);
}

static const char *value(struct str s, char text[400])
{
	struct buf b;

	buf_init(&b, text, 400);
	buf_shown_value(&b, s);
	return buf_z(&b);
}

static void characters_are_shown_and_what_acts_is_written_out(void **state)
{
	static const struct { struct str in; const char *out; } c[] = {
		{ STR_INIT("J\xc3\xb6rg \xe6\x97\xa5 \xf0\x9f\x93\x9e \\x41"), "J\xc3\xb6rg \xe6\x97\xa5 \xf0\x9f\x93\x9e \\x41" },
		{ STR_INIT("a\x1b[2J\r\n\t\0\x7f"), "a\\x1b[2J\\x0d\\x0a\\x09\\x00\\x7f" },
		{ STR_INIT("\xc2\x9b" "31m\xc2\xa0"), "\\xc2\\x9b31m\xc2\xa0" },
		{ STR_INIT("\x9b\xff\xc3"), "\\x9b\\xff\\xc3" },
		{ STR_INIT("\xc0\xaf \xe0\x80\x8a \xf0\x80\x80\x8a"), "\\xc0\\xaf \\xe0\\x80\\x8a \\xf0\\x80\\x80\\x8a" },
		{ STR_INIT("\xed\xa0\x80\xf4\x90\x80\x80"), "\\xed\\xa0\\x80\\xf4\\x90\\x80\\x80" },
		{ STR_INIT("\xe2\x80\xae|\xe2\x81\xa6|\xe2\x80\x8b|\xe2\x80\xa8|\xef\xbb\xbf|\xd8\x9c"),
		  "\\xe2\\x80\\xae|\\xe2\\x81\\xa6|\\xe2\\x80\\x8b|\\xe2\\x80\\xa8|\\xef\\xbb\\xbf|\\xd8\\x9c" },
		{ STR_INIT("\xf3\xa0\x81\x81"), "\\xf3\\xa0\\x81\\x81" },
		{ STR_INIT(""), "" },
	};
	char text[400];

	(void)state;
	for (size_t i = 0; i < sizeof c / sizeof *c; i++)
		assert_string_equal(shown(c[i].in, text), c[i].out);
}

static void a_value_can_be_read_back_whatever_it_says(void **state)
{
	char text[400];
	struct buf b;

	(void)state;
	assert_string_equal(value(STR("\\x1b \x1b \\n \\\\x"), text), "\\x5cx1b \\x1b \\n \\\\x5cx");
	buf_init(&b, text, sizeof text);
	buf_safe(&b, STR("\\x1b \x1b \\n"));
	assert_string_equal(buf_z(&b), "\\x5cx1b \\x1b \\n");
}

static void keep(void *ctx, enum log_level level, struct str line)
{
	(void)level;
	(void)str_copy(ctx, 1100, line);
}

static void a_line_of_the_log_is_one_line_whatever_its_arguments_hold(void **state)
{
	static char text[1100];
	struct log l = { .level = LOG_INFO, .write = keep, .ctx = text };
	char big[2000];

	(void)state;
	log_line(&l, LOG_INFO, "Trunk %s is up", "a\nerror: store: gone\x1b]0;x\x07\xe2\x80\xae");
	assert_string_equal(text, "Trunk a\\x0aerror: store: gone\\x1b]0;x\\x07\\xe2\\x80\\xae is up");
	memset(big, '\n', sizeof big - 1);
	big[sizeof big - 1] = 0;
	log_line(&l, LOG_INFO, "%s", big);
	assert_int_equal(strlen(text), 1000);
	assert_null(strchr(text, '\n'));
	assert_int_equal(l.lines, 2);
}

int run_shown(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(characters_are_shown_and_what_acts_is_written_out),
		cmocka_unit_test(a_value_can_be_read_back_whatever_it_says),
		cmocka_unit_test(a_line_of_the_log_is_one_line_whatever_its_arguments_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
