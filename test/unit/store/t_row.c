/* t_row.c - packed rows and records. */
#include "t_store.h"

#include <string.h>

#include "store/rows.h"
#include "store/site_rows.h"

struct point {
	uint8_t a;
	int32_t b;
	uint64_t c;
	char name[8];
	int64_t d;
};

static const struct row_field old_field[] = {
	ROW_FIELD(struct point, a, ROW_UINT), ROW_FIELD(struct point, b, ROW_INT),
};
static const struct row_field new_field[] = {
	ROW_FIELD(struct point, a, ROW_UINT), ROW_FIELD(struct point, b, ROW_INT),
	ROW_FIELD(struct point, c, ROW_UINT), ROW_FIELD(struct point, name, ROW_TEXT),
	ROW_FIELD(struct point, d, ROW_INT),
};
static const struct row_kind old_kind = { "point", old_field, 2, 1, sizeof(struct point) };
static const struct row_kind new_kind = { "point", new_field, 5, 1, sizeof(struct point) };

static void a_row_comes_back_as_it_was(void **state)
{
	struct point in = { 200, -7, UINT64_MAX, "abcdefg", INT64_MIN }, out;
	char mem[256];
	struct buf b;
	struct str s;

	(void)state;
	buf_init(&b, mem, sizeof mem);
	row_pack(&b, &new_kind, &in);
	s = buf_str(&b);
	assert_int_equal(row_unpack(&s, &new_kind, &out), OK);
	assert_int_equal(s.n, 0);
	assert_int_equal(out.a, 200);
	assert_int_equal(out.b, -7);
	assert_true(out.c == UINT64_MAX && out.d == INT64_MIN);
	assert_string_equal(out.name, "abcdefg");
}

static void a_newer_program_reads_an_older_row(void **state)
{
	struct point in = { 3, 4, 0, "", 0 }, out;
	char mem[256];
	struct buf b;
	struct str s;

	(void)state;
	buf_init(&b, mem, sizeof mem);
	row_pack(&b, &old_kind, &in);
	s = buf_str(&b);
	assert_int_equal(row_unpack(&s, &new_kind, &out), OK);
	assert_int_equal(out.b, 4);
	assert_int_equal(out.c, 0);
	assert_string_equal(out.name, "");
}

static void an_older_program_reads_a_newer_row(void **state)
{
	struct point in = { 3, 4, 5, "x", 6 }, out;
	char mem[256];
	struct buf b;
	struct str s;

	(void)state;
	buf_init(&b, mem, sizeof mem);
	row_pack(&b, &new_kind, &in);
	s = buf_str(&b);
	assert_int_equal(row_unpack(&s, &old_kind, &out), OK);
	assert_int_equal(out.a, 3);
	assert_int_equal(out.b, 4);
	assert_int_equal(s.n, 0);
}

static void a_row_cut_anywhere_is_refused(void **state)
{
	struct point in = { 3, 4, 5, "name", 6 }, out;
	char mem[256];
	struct buf b;

	(void)state;
	buf_init(&b, mem, sizeof mem);
	row_pack(&b, &new_kind, &in);
	for (size_t n = 0; n < b.n; n++) {
		struct str s = { mem, n };

		assert_int_equal(row_unpack(&s, &new_kind, &out), ERR_PARSE);
		assert_true(s.p == mem && s.n == n);
	}
}

static void too_long_text_is_cut_without_half_a_character(void **state)
{
	struct point p = { 0 };

	(void)state;
	row_set_text(&new_field[3], &p, STR("abcdef\xc3\xa4"));
	assert_string_equal(p.name, "abcdef");
	row_set_text(&new_field[3], &p, STR("abcde\xc3\xa4"));
	assert_string_equal(p.name, "abcde\xc3\xa4");
}

static void a_number_too_big_for_its_field_is_the_greatest(void **state)
{
	struct point p = { 0 };

	(void)state;
	row_set_uint(&new_field[0], &p, 300);
	assert_int_equal(p.a, 255);
}

static void a_field_is_found_by_its_name(void **state)
{
	(void)state;
	assert_ptr_equal(row_find(&record_row, "calling"), &record_row.field[2]);
	assert_null(row_find(&record_row, "slot"));
}

static void every_table_is_named_and_keyed(void **state)
{
	(void)state;
	for (int k = 0; k < SITE_NROW; k++) {
		const struct row_kind *r = site_row_kind[k];

		assert_non_null(r);
		assert_true(r->nkey >= 1 && r->nkey <= r->nfield);
		for (int i = 0; i < r->nfield; i++)
			assert_true(r->field[i].offset + r->field[i].size <= r->size);
	}
}

static void a_record_comes_back_with_legs_and_notes(void **state)
{
	static struct call_record in, out;
	static char mem[RECORD_PACK_MAX];
	struct buf b;

	(void)state;
	t_record(&in, 42, RECORD_LEGS);
	buf_init(&b, mem, sizeof mem);
	record_pack(&b, &in, RECORD_ALL);
	assert_true(buf_ok(&b));
	assert_int_equal(record_unpack(buf_str(&b), &out), OK);
	assert_int_equal(out.nleg, RECORD_LEGS);
	assert_int_equal(out.nnote, 2);
	t_same(&in, &out);
}

static void a_record_cut_anywhere_is_refused(void **state)
{
	static struct call_record in, out;
	static char mem[RECORD_PACK_MAX];
	struct buf b;

	(void)state;
	t_record(&in, 42, 2);
	out.id = 7;
	buf_init(&b, mem, sizeof mem);
	record_pack(&b, &in, RECORD_ALL);
	for (size_t n = 0; n < b.n; n++)
		assert_int_equal(record_unpack((struct str){ mem, n }, &out), ERR_PARSE);
	assert_int_equal(out.id, 7);
}

static void a_shorter_pack_says_what_it_left_out(void **state)
{
	static struct call_record in, out;
	static char mem[RECORD_PACK_MAX];
	struct buf b;

	(void)state;
	t_record(&in, 42, 6);
	buf_init(&b, mem, sizeof mem);
	record_pack(&b, &in, RECORD_FEW_LEGS);
	assert_int_equal(record_unpack(buf_str(&b), &out), OK);
	assert_int_equal(out.nleg, 4);
	assert_int_equal(out.legs_lost, 2);
	assert_int_equal(out.nnote, 0);
	assert_int_equal(out.notes_lost, 2);
}

static void the_fullest_record_fits_its_packed_size(void **state)
{
	static struct call_record in;
	static char mem[RECORD_PACK_MAX];
	struct reason why = REASON(INTERNAL);
	struct buf b;

	(void)state;
	memset(&in, 'x', sizeof in);	/* every text unended, every number its greatest */
	in.nleg = in.nnote = 0;
	for (int i = 0; i < RECORD_LEGS; i++) {
		memset(record_add_leg(&in), 'x', sizeof(struct record_leg));
	}
	for (int i = 0; i < RECORD_NOTES; i++)
		record_add_note(&in, 0, &why);
	for (int i = 0; i < RECORD_NOTES; i++)
		memset(&in.note[i], 'x', sizeof in.note[i]);
	buf_init(&b, mem, sizeof mem);
	record_pack(&b, &in, RECORD_ALL);
	assert_true(buf_ok(&b));
}

static void legs_and_notes_past_the_limit_are_counted(void **state)
{
	static struct call_record r;
	struct reason why = REASON(BUSY, STR("Teams"));

	(void)state;
	record_init(&r, 1);
	for (int i = 0; i < RECORD_LEGS; i++)
		assert_non_null(record_add_leg(&r));
	assert_null(record_add_leg(&r));
	assert_int_equal(r.legs_lost, 1);
	for (int i = 0; i < RECORD_NOTES + 3; i++)
		record_add_note(&r, 0, &why);
	assert_int_equal(r.nnote, RECORD_NOTES);
	assert_int_equal(r.notes_lost, 3);
	assert_string_equal(r.note[0].reason, "busy");
	assert_string_equal(r.note[0].text, "Teams is busy.");
}

static void sip_answers_have_a_q850_cause(void **state)
{
	(void)state;
	assert_int_equal(record_q850(200), 16);
	assert_int_equal(record_q850(404), 1);
	assert_int_equal(record_q850(486), 17);
	assert_int_equal(record_q850(480), 18);
	assert_int_equal(record_q850(603), 21);
	assert_int_equal(record_q850(499), 127);
	assert_int_equal(record_q850(180), 0);
}

int run_row(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_comes_back_as_it_was),
		cmocka_unit_test(a_newer_program_reads_an_older_row),
		cmocka_unit_test(an_older_program_reads_a_newer_row),
		cmocka_unit_test(a_row_cut_anywhere_is_refused),
		cmocka_unit_test(too_long_text_is_cut_without_half_a_character),
		cmocka_unit_test(a_number_too_big_for_its_field_is_the_greatest),
		cmocka_unit_test(a_field_is_found_by_its_name),
		cmocka_unit_test(every_table_is_named_and_keyed),
		cmocka_unit_test(a_record_comes_back_with_legs_and_notes),
		cmocka_unit_test(a_record_cut_anywhere_is_refused),
		cmocka_unit_test(a_shorter_pack_says_what_it_left_out),
		cmocka_unit_test(the_fullest_record_fits_its_packed_size),
		cmocka_unit_test(legs_and_notes_past_the_limit_are_counted),
		cmocka_unit_test(sip_answers_have_a_q850_cause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
