#include "store/schema.h"

#include <string.h>

#include "store/record.h"
#include "store/rows.h"
#include "store/site_rows.h"

/* Step n brings version n to n + 1. Never edit a step that was released. */
static const char *const steps[SCHEMA_VERSION] = {
	[0] =
	"CREATE TABLE IF NOT EXISTS fact(name TEXT PRIMARY KEY, value INTEGER NOT NULL);"
	"CREATE INDEX cdr_start ON cdr(start_wall);"
	"CREATE INDEX cdr_calling ON cdr(calling);"
	"CREATE INDEX cdr_called ON cdr(called);"
	"CREATE INDEX cdr_final_called ON cdr(final_called);"
	"CREATE INDEX cdr_line ON cdr(line);"
	"CREATE INDEX cdr_caller_call_id ON cdr(caller_call_id);"
	"CREATE INDEX cdr_leg_number ON cdr_leg(number);"
	"CREATE INDEX cdr_leg_call_id ON cdr_leg(call_id);",
};

static const struct row_kind *const fixed[] = {
	&record_row, &record_leg_row, &record_note_row, &reg_row_kind, &audit_row_kind,
};

static bool key_is_rowid(const struct row_kind *k)
{
	return k->nkey == 1 && k->field[0].type != ROW_TEXT;
}

static void column(struct buf *b, const struct row_kind *k, int i)
{
	const struct row_field *f = &k->field[i];

	buf_fmt(b, "\"%s\" ", f->name);
	if (i == 0 && key_is_rowid(k))
		buf_lit(b, "INTEGER PRIMARY KEY");
	else if (f->type == ROW_TEXT)
		buf_lit(b, "TEXT NOT NULL DEFAULT ''");
	else
		buf_lit(b, "INTEGER NOT NULL DEFAULT 0");
}

void schema_columns(struct buf *b, const struct row_kind *k, bool places)
{
	for (int i = 0; i < k->nfield; i++) {
		if (i)
			buf_ch(b, ',');
		if (places)
			buf_fmt(b, "?%d", i + 1);
		else
			buf_fmt(b, "\"%s\"", k->field[i].name);
	}
}

static enum err run(sqlite3 *h, struct buf *b)
{
	if (!buf_ok(b))
		return ERR_LIMIT;
	return sqlite3_exec(h, buf_z(b), NULL, NULL, NULL) == SQLITE_OK ? OK : ERR_IO;	/* banned: of our tables alone */
}

/* in_key_order: rows lie in the order of their key, which then needs no second tree that finds them. */
static enum err make_table(sqlite3 *h, const struct row_kind *k, bool in_key_order)
{
	char mem[SCHEMA_SQL_MAX];
	struct buf b;

	buf_init(&b, mem, sizeof mem);
	buf_fmt(&b, "CREATE TABLE IF NOT EXISTS \"%s\"(", k->table);	/* banned: names of our own tables */
	for (int i = 0; i < k->nfield; i++) {
		if (i)
			buf_ch(&b, ',');
		column(&b, k, i);
	}
	if (!key_is_rowid(k)) {
		buf_lit(&b, ",PRIMARY KEY(");
		for (int i = 0; i < k->nkey; i++)
			buf_fmt(&b, "%s\"%s\"", i ? "," : "", k->field[i].name);
		buf_ch(&b, ')');
	}
	buf_lit(&b, in_key_order ? ") WITHOUT ROWID" : ")");
	return run(h, &b);
}

static enum err add_column(sqlite3 *h, const struct row_kind *k, int i)
{
	char mem[512];
	struct buf b;

	buf_init(&b, mem, sizeof mem);
	buf_fmt(&b, "ALTER TABLE \"%s\" ADD COLUMN ", k->table);	/* banned: names of our own tables */
	column(&b, k, i);
	return run(h, &b);
}

static enum err add_missing(sqlite3 *h, const struct row_kind *k)
{
	enum err e = OK;

	for (int i = 0; i < k->nfield && !e; i++) {
		if (sqlite3_table_column_metadata(h, NULL, k->table, k->field[i].name, NULL, NULL,
						  NULL, NULL, NULL) != SQLITE_OK)
			e = add_column(h, k, i);
	}
	return e;
}

static enum err tables(sqlite3 *h)
{
	size_t nfixed = sizeof fixed / sizeof *fixed;
	enum err e = OK;

	for (size_t i = 0; i < nfixed + SITE_NROW && !e; i++) {
		const struct row_kind *k = i < nfixed ? fixed[i] : site_row_kind[i - nfixed];

		e = make_table(h, k, i < nfixed && !key_is_rowid(k));	/* a site keeps the order of its file */
		if (!e)
			e = add_missing(h, k);
	}
	return e;
}

static enum err version(sqlite3 *h, int *v)
{
	sqlite3_stmt *s;
	enum err e = ERR_IO;

	if (sqlite3_prepare_v2(h, "PRAGMA user_version", -1, &s, NULL) != SQLITE_OK)
		return ERR_IO;
	if (sqlite3_step(s) == SQLITE_ROW) {
		*v = sqlite3_column_int(s, 0);
		e = OK;
	}
	(void)sqlite3_finalize(s);	/* the step told */
	return e;
}

/* As this program wants it: nothing is to be written, so a full or locked disk stops no start. */
static bool is_current(sqlite3 *h)
{
	size_t nfixed = sizeof fixed / sizeof *fixed;
	int v = 0;

	if (version(h, &v) || v != SCHEMA_VERSION)
		return false;
	for (size_t i = 0; i < nfixed + SITE_NROW; i++) {
		const struct row_kind *k = i < nfixed ? fixed[i] : site_row_kind[i - nfixed];

		for (int f = 0; f < k->nfield; f++)
			if (sqlite3_table_column_metadata(h, NULL, k->table, k->field[f].name, NULL, NULL, NULL, NULL,
							  NULL) != SQLITE_OK)
				return false;
	}
	return true;
}

static enum err migrate(sqlite3 *h)
{
	char mem[64];
	struct buf b;
	enum err e;
	int v = 0;

	e = version(h, &v);
	if (e)
		return e;
	if (v < 0 || v > SCHEMA_VERSION)
		return ERR_STATE;
	e = tables(h);
	for (; v < SCHEMA_VERSION && !e; v++) {
		if (sqlite3_exec(h, steps[v], NULL, NULL, NULL) != SQLITE_OK)	/* banned: constants */
			e = ERR_IO;
	}
	if (e)
		return e;
	buf_init(&b, mem, sizeof mem);
	buf_fmt(&b, "PRAGMA user_version=%d", SCHEMA_VERSION);	/* banned: takes no binding; a number of ours */
	return run(h, &b);
}

enum err schema_update(sqlite3 *h)
{
	enum err e;

	if (is_current(h))
		return OK;
	if (sqlite3_exec(h, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		return ERR_IO;
	e = migrate(h);
	if (!e && sqlite3_exec(h, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
		e = ERR_IO;
	return e;
}
