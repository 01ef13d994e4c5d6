/*
 * schema.h - brings a database to the shape this program expects.
 *
 * Two means: numbered migrations (steps that change what is there, each once, kept in
 * PRAGMA user_version), and tables that follow their row_kind: a missing table is made,
 * a missing column is added. Columns nobody knows any more stay.
 * Errors: ERR_STATE: a newer program wrote it; ERR_IO: sqlite3_errmsg() has the text.
 */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H
#include <sqlite3.h>

#include "base/buf.h"
#include "store/row.h"

enum { SCHEMA_VERSION = 1, SCHEMA_SQL_MAX = 8192 };

/* Writes nothing when nothing is missing. In one transaction, which is left open on failure (the caller
 * reads the message and closes the handle). */
enum err schema_update(sqlite3 *h);
/* "a", "b", "c" of a kind's columns; with_place: ?1, ?2, ?3 instead. */
void schema_columns(struct buf *b, const struct row_kind *k, bool places);

#endif
