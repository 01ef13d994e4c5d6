#include "store/row.h"

#include <assert.h>
#include <string.h>

static const void *at(const struct row_field *f, const void *row)
{
	return (const char *)row + f->offset;
}

struct str row_text(const struct row_field *f, const void *row)
{
	const char *p = at(f, row);

	assert(f->type == ROW_TEXT);
	return (struct str){ p, strnlen(p, f->size - 1) };
}

static uint64_t extend(uint64_t v, unsigned bits)
{
	uint64_t sign = 1ull << (bits - 1);

	return (v ^ sign) - sign;
}

uint64_t row_uint(const struct row_field *f, const void *row)
{
	uint64_t v8 = 0;
	uint32_t v4;
	uint16_t v2;
	uint8_t v1;

	switch (f->size) {
	case 1:
		memcpy(&v1, at(f, row), 1);
		v8 = v1;
		break;
	case 2:
		memcpy(&v2, at(f, row), 2);
		v8 = v2;
		break;
	case 4:
		memcpy(&v4, at(f, row), 4);
		v8 = v4;
		break;
	default:
		assert(f->size == 8);
		memcpy(&v8, at(f, row), 8);
	}
	return f->type == ROW_INT && f->size < 8 ? extend(v8, f->size * 8) : v8;
}

/* Cutting must not leave half of a UTF-8 character behind. */
static size_t cut(struct str s, size_t max)
{
	size_t n = s.n < max ? s.n : max;

	if (n == s.n)
		return n;
	while (n && ((unsigned char)s.p[n] & 0xc0) == 0x80)
		n--;
	return n;
}

void row_set_text(const struct row_field *f, void *row, struct str s)
{
	char *p = (char *)row + f->offset;
	size_t n = s.p ? cut(s, f->size - 1) : 0;

	memset(p, 0, f->size);
	if (n)
		memcpy(p, s.p, n);
}

void row_set_uint(const struct row_field *f, void *row, uint64_t v)
{
	unsigned char *p = (unsigned char *)row + f->offset;
	uint64_t top = f->size < 8 ? (1ull << (f->size * 8)) - 1 : UINT64_MAX;
	uint32_t v4;
	uint16_t v2;

	if (f->type == ROW_UINT && v > top)
		v = top;
	switch (f->size) {
	case 1:
		*p = (uint8_t)v;
		break;
	case 2:
		v2 = (uint16_t)v;
		memcpy(p, &v2, 2);
		break;
	case 4:
		v4 = (uint32_t)v;
		memcpy(p, &v4, 4);
		break;
	default:
		assert(f->size == 8);
		memcpy(p, &v, 8);
	}
}

const char *row_word(const struct row_field *f, const void *row)
{
	uint64_t v;

	if (!f->word)
		return NULL;
	v = row_uint(f, row);
	return v < f->nword ? f->word[v] : "unknown";
}

const struct row_field *row_find(const struct row_kind *k, const char *name)
{
	for (int i = 0; i < k->nfield; i++) {
		if (!strcmp(k->field[i].name, name))
			return &k->field[i];
	}
	return NULL;
}

static void put16(struct buf *b, size_t v)
{
	unsigned char p[2] = { (unsigned char)v, (unsigned char)(v >> 8) };

	buf_bytes(b, p, 2);
}

static void pack_uint(struct buf *b, uint64_t v)
{
	unsigned char p[8];
	size_t n = 0;

	for (; v; v >>= 8)
		p[n++] = (unsigned char)v;
	put16(b, n);
	buf_bytes(b, p, n);
}

void row_pack(struct buf *b, const struct row_kind *k, const void *row)
{
	put16(b, (size_t)k->nfield);
	for (int i = 0; i < k->nfield; i++) {
		const struct row_field *f = &k->field[i];

		if (f->type == ROW_TEXT) {
			struct str s = row_text(f, row);

			put16(b, s.n);
			buf_bytes(b, s.p, s.n);
		} else {
			pack_uint(b, row_uint(f, row));
		}
	}
}

static bool take(struct str *in, size_t n, struct str *out)
{
	if (in->n < n)
		return false;
	*out = (struct str){ in->p, n };
	in->p += n;
	in->n -= n;
	return true;
}

static bool take16(struct str *in, size_t *v)
{
	struct str s;

	if (!take(in, 2, &s))
		return false;
	*v = (size_t)((unsigned char)s.p[0] | (unsigned char)s.p[1] << 8);
	return true;
}

static enum err set_packed(const struct row_field *f, void *row, struct str s)
{
	uint64_t v = 0;

	if (f->type == ROW_TEXT) {
		if (s.n && memchr(s.p, 0, s.n))
			return ERR_PARSE;
		row_set_text(f, row, s);
		return OK;
	}
	if (s.n > 8)
		return ERR_PARSE;
	for (size_t i = s.n; i; i--)
		v = v << 8 | (unsigned char)s.p[i - 1];
	row_set_uint(f, row, v);
	return OK;
}

/* First over the whole row without touching anything, then with `row`. */
static enum err walk(struct str *in, const struct row_kind *k, void *row)
{
	struct str rest = *in, s;
	size_t n, len;
	enum err e;

	if (!take16(&rest, &n))
		return ERR_PARSE;
	for (size_t i = 0; i < n; i++) {
		if (!take16(&rest, &len) || !take(&rest, len, &s))
			return ERR_PARSE;
		if (!row || i >= (size_t)k->nfield)
			continue;
		e = set_packed(&k->field[i], row, s);
		if (e)
			return e;
	}
	if (row)
		*in = rest;
	return OK;
}

enum err row_unpack(struct str *in, const struct row_kind *k, void *row)
{
	enum err e = walk(in, k, NULL);

	if (e)
		return e;
	memset(row, 0, k->size);
	return walk(in, k, row);
}
