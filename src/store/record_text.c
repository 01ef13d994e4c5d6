#include "store/record_text.h"

#include <string.h>

#include "base/when.h"

/* Bytes of the well-formed UTF-8 character at p, 0: it is none (RFC 3629). */
static size_t utf8(const unsigned char *p, size_t n)
{
	size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;

	if (p[0] < 0xc2 || p[0] > 0xf4 || n < len)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return len;
}

static void json_text(struct buf *b, struct str s)
{
	size_t len;

	buf_ch(b, '"');
	for (size_t i = 0; i < s.n; i += len) {
		unsigned char c = (unsigned char)s.p[i];

		len = 1;
		if (c == '"' || c == '\\') {
			buf_ch(b, '\\');
			buf_ch(b, (char)c);
		} else if (c < 0x20 || c == 0x7f) {
			buf_fmt(b, "\\u%04x", c);
		} else if (c < 0x80) {
			buf_ch(b, (char)c);
		} else if ((len = utf8((const unsigned char *)s.p + i, s.n - i))) {
			buf_bytes(b, s.p + i, len);
		} else {
			len = 1;
			buf_fmt(b, "\\\\x%02x", c);
		}
	}
	buf_ch(b, '"');
}

static bool is_time(const struct row_field *f)
{
	return f->type == ROW_INT && str_ends(str_of(f->name), STR("_wall"));
}

static bool is_id(const struct row_field *f)
{
	return !strcmp(f->name, "id") || !strcmp(f->name, "call");
}

static struct str field_name(const struct row_field *f)
{
	struct str s = str_of(f->name);

	return is_time(f) ? str_sub(s, 0, s.n - 5) : s;
}

static void json_time(struct buf *b, int64_t wall)
{
	if (wall <= 0) {
		buf_lit(b, "null");
		return;
	}
	buf_ch(b, '"');
	when_iso(b, wall);
	buf_ch(b, '"');
}

static void json_value(struct buf *b, const struct row_field *f, const void *row)
{
	uint64_t v;

	if (f->type == ROW_TEXT) {
		json_text(b, row_text(f, row));
		return;
	}
	v = row_uint(f, row);
	if (is_time(f))
		json_time(b, (int64_t)v);
	else if (f->word)
		json_text(b, str_of(row_word(f, row)));
	else if (is_id(f))
		buf_fmt(b, "\"%llu\"", (unsigned long long)v);
	else if (f->type == ROW_INT)
		buf_fmt(b, "%lld", (long long)v);
	else
		buf_u64(b, v);
}

/* answered_by is an index; "no leg" is null. */
static bool is_no_leg(const struct row_field *f, const void *row)
{
	return !strcmp(f->name, "answered_by") && row_uint(f, row) == RECORD_NO_LEG;
}

/* The fields without the closing brace. `from`: the first field shown. */
static void json_fields(struct buf *b, const struct row_kind *k, const void *row, int from)
{
	buf_ch(b, '{');
	for (int i = from; i < k->nfield; i++) {
		const struct row_field *f = &k->field[i];

		if (i > from)
			buf_ch(b, ',');
		json_text(b, field_name(f));
		buf_ch(b, ':');
		if (is_no_leg(f, row))
			buf_lit(b, "null");
		else
			json_value(b, f, row);
	}
}

void record_json(struct buf *b, const struct call_record *r)
{
	json_fields(b, &record_row, r, 0);
	buf_lit(b, ",\"legs\":[");
	for (unsigned i = 0; i < r->nleg; i++) {
		if (i)
			buf_ch(b, ',');
		json_fields(b, &record_leg_row, &r->leg[i], 1);
		buf_ch(b, '}');
	}
	buf_lit(b, "],\"notes\":[");
	for (unsigned i = 0; i < r->nnote; i++) {
		if (i)
			buf_ch(b, ',');
		json_fields(b, &record_note_row, &r->note[i], 1);
		buf_ch(b, '}');
	}
	buf_lit(b, "]}");
}

static void csv_text(struct buf *b, struct str s)
{
	/* a cell that starts like a formula would be run by a spreadsheet; a number's leading
	 * + is wanted */
	bool formula = s.n && (s.p[0] == '=' || s.p[0] == '@' || s.p[0] == '\t' ||
			       (s.n > 1 && (s.p[0] == '-' || s.p[0] == '+') &&
				(s.p[1] < '0' || s.p[1] > '9')));

	buf_ch(b, '"');
	if (formula)
		buf_ch(b, '\'');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"')
			buf_ch(b, '"');
		buf_ch(b, (unsigned char)s.p[i] < 0x20 ? ' ' : s.p[i]);
	}
	buf_ch(b, '"');
}

void record_csv_head(struct buf *b)
{
	for (int i = 0; i < record_row.nfield; i++) {
		buf_put(b, field_name(&record_row.field[i]));
		buf_ch(b, ',');
	}
	buf_lit(b, "legs\r\n");
}

static void csv_legs(struct buf *b, const struct call_record *r)
{
	const struct row_field *kind = row_find(&record_leg_row, "kind");
	char mem[RECORD_LEGS * 400];
	struct buf t;

	buf_init(&t, mem, sizeof mem);
	for (unsigned i = 0; i < r->nleg; i++) {
		const struct record_leg *l = &r->leg[i];
		uint32_t end = l->answer_wall ? l->answer_after_ms : l->end_after_ms;
		uint32_t ring = l->ring_wall && end > l->ring_after_ms ? end - l->ring_after_ms : 0;

		buf_fmt(&t, "%s%.64s %.64s %s %u %u %.32s", i ? "; " : "", l->name, l->number,
			row_word(kind, l), ring, l->status, l->reason);
	}
	csv_text(b, buf_str(&t));
}

void record_csv(struct buf *b, const struct call_record *r)
{
	for (int i = 0; i < record_row.nfield; i++) {
		const struct row_field *f = &record_row.field[i];

		if (f->type == ROW_TEXT)
			csv_text(b, row_text(f, r));
		else if (is_time(f))
			when_iso(b, (int64_t)row_uint(f, r));
		else if (f->word)
			csv_text(b, str_of(row_word(f, r)));
		else if (!is_no_leg(f, r))
			buf_u64(b, row_uint(f, r));
		buf_ch(b, ',');
	}
	csv_legs(b, r);
	buf_lit(b, "\r\n");
}
