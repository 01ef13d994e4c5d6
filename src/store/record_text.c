#include "store/record_text.h"

#include <string.h>

#include "base/mem.h"
#include "base/shown.h"
#include "base/when.h"

/* \uNNNN, in two halves beyond 16 bits (RFC 8259 7). */
static void json_escape(struct buf *b, uint32_t c)
{
	if (c < 0x10000)
		buf_fmt(b, "\\u%04x", c);
	else
		buf_fmt(b, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10), 0xdc00 + (c & 0x3ff));
}

/* What is no UTF-8 becomes \xNN in the value; a backslash before an x becomes \x5c there, so that every
 * \xNN of a value stands for one byte. */
static void json_text(struct buf *b, struct str s)
{
	size_t len;

	buf_ch(b, '"');
	for (size_t i = 0; i < s.n; i += len) {
		struct str rest = str_sub(s, i, s.n - i);
		unsigned char byte = (unsigned char)rest.p[0];
		uint32_t c = 0;

		len = shown_utf8(rest, &c);
		if (!len || (c == '\\' && rest.n > 1 && rest.p[1] == 'x')) {
			len = 1;
			buf_fmt(b, "\\\\x%02x", byte);
		} else if (!shown_as_is(c)) {
			json_escape(b, c);
		} else {
			if (c == '"' || c == '\\')
				buf_ch(b, '\\');
			buf_bytes(b, rest.p, len);
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

/* A cell that starts like a formula would be run by a spreadsheet; a signed number is none. */
static bool is_formula(struct str s)
{
	if (!s.n || !strchr("=@+-", s.p[0]))
		return false;
	if (s.p[0] == '=' || s.p[0] == '@')
		return true;
	for (size_t i = 1; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return true;
	return false;
}

static void csv_text(struct buf *b, struct str s)
{
	struct buf t;
	char *mem = mem_new(4 * s.n + 1);

	buf_init(&t, mem, 4 * s.n + 1);
	buf_shown_value(&t, s);
	buf_ch(b, '"');
	if (is_formula(s))
		buf_ch(b, '\'');
	for (size_t i = 0; i < t.n; i++) {
		if (mem[i] == '"')
			buf_ch(b, '"');
		buf_ch(b, mem[i]);
	}
	buf_ch(b, '"');
	mem_free(mem);
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
