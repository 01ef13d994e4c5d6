/*
 * record_text.h - a record as JSON and as a line of CSV.
 *
 * Field names are those of the tables (store/record.c) without `_wall`; times are UTC in
 * ISO 8601 with milliseconds ("" or null: did not happen); ids are text, since they do not
 * fit a JavaScript number. In a value \xNN stands for one byte: for what is no UTF-8, for a
 * backslash before an x and, in CSV, for what a terminal obeys; JSON writes that as \uNNNN.
 * Errors: a full buffer (buf_ok()); RECORD_JSON_MAX bytes are always enough.
 * Test:   test/unit/store/t_text.c
 */
#ifndef STORE_RECORD_TEXT_H
#define STORE_RECORD_TEXT_H
#include "store/record.h"

enum { RECORD_JSON_MAX = 128 * 1024, RECORD_CSV_MAX = 64 * 1024 };

/* {"id":"...","start":"...",...,"legs":[{...}],"notes":[{...}]} */
void record_json(struct buf *b, const struct call_record *r);
/* The names of the columns, with line end (CR LF, RFC 4180). */
void record_csv_head(struct buf *b);
/* One line; the last column holds the legs: "name number kind ring_ms status reason; ..." */
void record_csv(struct buf *b, const struct call_record *r);

#endif
