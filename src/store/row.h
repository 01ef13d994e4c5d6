/*
 * row.h - what a stored struct looks like: a table of fields, walked by everything
 * that reads or writes such a struct (the map, SQLite, JSON, CSV).
 *
 * A new field is one member and one line in its table, at the end: packed bytes and
 * the database both take rows of an older or newer program (missing fields are zero,
 * unknown ones are skipped).
 *
 * Does: pack a struct into bytes and back; read and write a field by its description.
 * Does not: allocate, keep pointers. Structs hold text in arrays that end with NUL.
 * Errors: row_unpack() ERR_PARSE on anything torn, and then *row means nothing; text too
 *         long for its field is cut.
 * Test:   test/unit/store/t_row.c, test/fuzz/fz_row.c
 */
#ifndef STORE_ROW_H
#define STORE_ROW_H
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

enum row_type {
	ROW_TEXT,		/* char[size], ends with NUL                    */
	ROW_UINT,		/* 1, 2, 4 or 8 bytes; bool is 1                */
	ROW_INT,		/* 4 or 8 bytes, signed                         */
};

struct row_field {
	const char *name;
	enum row_type type;
	uint32_t offset, size;
	const char *const *word;	/* enums: the name of each value, or NULL */
	uint32_t nword;
};

struct row_kind {
	const char *table;		/* name of the SQL table                  */
	const struct row_field *field;
	int nfield;
	int nkey;			/* the first nkey fields are the key      */
	size_t size;			/* of the struct                          */
};

/* char array, unsigned, signed: ROW_FIELD(struct x, member, ROW_TEXT) */
#define ROW_FIELD(st, m, t) \
	{ .name = #m, .type = t, .offset = offsetof(st, m), .size = sizeof(((st *)0)->m) }
#define ROW_ENUM(st, m, words, n) \
	{ .name = #m, .type = ROW_UINT, .offset = offsetof(st, m), \
	  .size = sizeof(((st *)0)->m), .word = words, .nword = n }

struct str row_text(const struct row_field *f, const void *row);
uint64_t   row_uint(const struct row_field *f, const void *row);	/* ROW_INT: sign extended */
void row_set_text(const struct row_field *f, void *row, struct str s);	/* cut, without half characters */
void row_set_uint(const struct row_field *f, void *row, uint64_t v);	/* too big: the greatest value */
/* The word of an enum's value; NULL when the field has none. */
const char *row_word(const struct row_field *f, const void *row);
const struct row_field *row_find(const struct row_kind *k, const char *name);	/* NULL: unknown */

/* Appends one row: number of fields, then length and bytes of each. */
void row_pack(struct buf *b, const struct row_kind *k, const void *row);
/* Takes one row off the front of *in, which moves on only on OK. */
enum err row_unpack(struct str *in, const struct row_kind *k, void *row);

#endif
