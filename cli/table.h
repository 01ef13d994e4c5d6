/*
 * table.h - aligned columns on a terminal, and text and JSON from strangers made harmless.
 *
 * Owner: table_free() frees the copies of the cells.
 * Units: widths are characters of UTF-8; the last column is never padded.
 * Test: test/unit/cli/t_table.c
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H
#include <stdio.h>

#include "base/buf.h"

enum { TABLE_COLUMNS = 10 };

struct table {
	int ncol, nrow, caprow;
	char **cell;		/* row by row; row 0 is the head */
};

/* The titles end with NULL. */
void table_init(struct table *t, const char *const *title);
void table_free(struct table *t);
/* As many cells as titles; NULL is an empty one. */
void table_row(struct table *t, const char *const *cell);
void table_print(const struct table *t, FILE *to);

/* Text with what a terminal would obey (base/shown) written as \xNN. */
void table_safe(struct buf *b, const char *z);
/* The same, printed; of any length. */
void table_say(FILE *to, const char *z);
/* JSON as it came, but what a terminal would obey is written as \uNNNN: the same values. */
void table_json(FILE *to, struct str json);

#endif
