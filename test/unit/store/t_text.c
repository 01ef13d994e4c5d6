/* t_text.c - records as JSON and CSV. */
#include "t_store.h"

#include <string.h>

#include "base/when.h"
#include "store/record_text.h"

static char mem[RECORD_JSON_MAX];

static const char *json(const struct call_record *r)
{
	struct buf b;

	buf_init(&b, mem, sizeof mem);
	record_json(&b, r);
	assert_true(buf_ok(&b));
	return buf_z(&b);
}

static const char *csv(const struct call_record *r)
{
	struct buf b;

	buf_init(&b, mem, RECORD_CSV_MAX);
	record_csv(&b, r);
	assert_true(buf_ok(&b));
	return buf_z(&b);
}

#define SET(field, text) assert_true(str_copy(field, sizeof field, STR(text)))

static void times_are_iso_in_utc(void **state)
{
	static const struct { int64_t wall; const char *text; } c[] = {
		{ 0, "" }, { -5, "" }, { 1, "1970-01-01T00:00:00.001Z" },
		{ 951782399999, "2000-02-28T23:59:59.999Z" }, { 951782400000, "2000-02-29T00:00:00.000Z" },
		{ 1709164800000, "2024-02-29T00:00:00.000Z" }, { 1735689599000, "2024-12-31T23:59:59.000Z" },
		{ 4102444800000, "2100-01-01T00:00:00.000Z" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
		char text[64];
		struct buf b;

		buf_init(&b, text, sizeof text);
		when_iso(&b, c[i].wall);
		assert_string_equal(buf_z(&b), c[i].text);
	}
}

static void a_record_is_one_json_object(void **state)
{
	static struct call_record r;
	const char *s;

	(void)state;
	t_record(&r, 18446744073709551ull, 2);
	s = json(&r);
	assert_non_null(strstr(s, "{\"id\":\"18446744073709551\","));
	assert_non_null(strstr(s, "\"start\":\"2023-11-14T22:13:20.000Z\""));
	assert_non_null(strstr(s, "\"end\":null"));
	assert_non_null(strstr(s, "\"answered_by\":0"));
	assert_non_null(strstr(s, "\"legs\":[{\"index\":0,\"kind\":\"phone\""));
	assert_non_null(strstr(s, "{\"index\":1,\"kind\":\"trunk endpoint\""));
	assert_non_null(strstr(s, "\"notes\":[{\"index\":0,\"at_ms\":10,\"reason\":\"too-late\""));
	r.answered_by = RECORD_NO_LEG;
	assert_non_null(strstr(json(&r), "\"answered_by\":null"));
}

static void text_from_peers_cannot_break_the_json(void **state)
{
	static struct call_record r;

	(void)state;
	record_init(&r, 1);
	memcpy(r.calling, "a\"\\\n\x7f\xff\xc3\xa4\xed\xa0\x80", 11);
	assert_non_null(strstr(json(&r),
		"\"calling\":\"a\\\"\\\\\\u000a\\u007f\\\\xff\xc3\xa4\\\\xed\\\\xa0\\\\x80\""));
}

static void the_fullest_record_fits(void **state)
{
	static struct call_record r;
	struct reason why = REASON(BUSY);

	(void)state;
	record_init(&r, UINT64_MAX);
	for (int i = 0; i < RECORD_LEGS; i++)
		memset(record_add_leg(&r), 1, sizeof(struct record_leg));
	for (int i = 0; i < RECORD_NOTES; i++)
		record_add_note(&r, 1, &why);
	for (int i = 0; i < record_row.nfield; i++) {
		if (record_row.field[i].type == ROW_TEXT)
			memset((char *)&r + record_row.field[i].offset, 1, record_row.field[i].size);
	}
	json(&r);
	csv(&r);
}

static void json_gives_back_every_byte_and_nothing_a_terminal_obeys(void **state)
{
	static struct call_record r;
	const char *s;

	(void)state;
	record_init(&r, 7);
	SET(r.calling_name, "a\x1b\x7f\xff\xc2\x9b\\x41\\n\xe2\x80\xae\xf3\xa0\x81\x81\xc3\xb6\"");
	s = json(&r);
	assert_non_null(strstr(s, ":\"a\\u001b\\u007f\\\\xff\\u009b\\\\x5cx41\\\\n\\u202e\\udb40\\udc41\xc3\xb6\\\"\","));
}

static void csv_has_a_column_for_each_name(void **state)
{
	static struct call_record r;
	unsigned head = 0, line = 0;
	const char *s;
	struct buf b;

	(void)state;
	buf_init(&b, mem, sizeof mem);
	record_csv_head(&b);
	for (s = buf_z(&b); *s; s++)
		head += *s == ',';
	assert_int_equal(strncmp(mem, "id,boot,calling,", 16), 0);
	record_init(&r, 7);
	for (s = csv(&r); *s; s++)
		line += *s == ',';
	assert_int_equal(head, line);
}

static void csv_cells_are_quoted_and_never_a_formula(void **state)
{
	static struct call_record r;

	(void)state;
	record_init(&r, 7);
	SET(r.calling_name, "=cmd()|'x\"y\r\n");
	SET(r.calling, "+14255550100");
	SET(r.called, "-1+A1");
	SET(r.line, "-17");
	SET(r.caller, "a\x7f\xff\xc2\x9b\\x41\xe2\x80\xae\xc3\xb6");
	SET(r.final_called, "+A1");
	csv(&r);
	assert_non_null(strstr(mem, ",\"'=cmd()|'x\"\"y\\x0d\\x0a\","));
	assert_non_null(strstr(mem, ",\"+14255550100\","));
	assert_non_null(strstr(mem, ",\"'+A1\","));
	assert_non_null(strstr(mem, ",\"'-1+A1\","));
	assert_non_null(strstr(mem, ",\"-17\","));
	assert_non_null(strstr(mem, ",\"a\\x7f\\xff\\xc2\\x9b\\x5cx41\\xe2\\x80\\xae\xc3\xb6\","));
}

static void csv_tells_each_leg_in_short(void **state)
{
	static struct call_record r;
	struct record_leg *l;

	(void)state;
	record_init(&r, 7);
	l = record_add_leg(&r);
	SET(l->name, "desk");
	SET(l->number, "2001");
	l->ring_wall = l->end_wall = 1;
	l->ring_after_ms = 100;
	l->end_after_ms = 3100;
	l->status = 487;
	SET(l->reason, "answered-elsewhere");
	assert_non_null(strstr(csv(&r), "\"desk 2001 phone 3000 487 answered-elsewhere\"\r\n"));
}

int run_text(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_iso_in_utc),
		cmocka_unit_test(a_record_is_one_json_object),
		cmocka_unit_test(text_from_peers_cannot_break_the_json),
		cmocka_unit_test(the_fullest_record_fits),
		cmocka_unit_test(json_gives_back_every_byte_and_nothing_a_terminal_obeys),
		cmocka_unit_test(csv_has_a_column_for_each_name),
		cmocka_unit_test(csv_cells_are_quoted_and_never_a_formula),
		cmocka_unit_test(csv_tells_each_leg_in_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
