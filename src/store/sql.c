#include "store/sql.h"

#include "store/schema.h"

void sql_insert(struct buf *b, const char *verb, const struct row_kind *k)
{
	buf_fmt(b, "%s INTO \"%s\"(", verb, k->table);	/* banned: names of our own tables */
	schema_columns(b, k, false);
	buf_lit(b, ") VALUES(");
	schema_columns(b, k, true);
	buf_ch(b, ')');
}

void sql_select(struct buf *b, const struct row_kind *k, const char *rest)
{
	buf_lit(b, "SELECT ");
	schema_columns(b, k, false);
	buf_fmt(b, " FROM \"%s\" %s", k->table, rest);	/* banned: names of our own tables, constants */
}

void sql_statement(struct buf *b, enum st which)
{
	switch (which) {
	case ST_BEGIN:
		buf_lit(b, "BEGIN IMMEDIATE");
		break;
	case ST_COMMIT:
		buf_lit(b, "COMMIT");
		break;
	case ST_ROLLBACK:
		buf_lit(b, "ROLLBACK");
		break;
	case ST_RECORD:
		sql_insert(b, "INSERT OR IGNORE", &record_row);
		break;
	case ST_LEG:
		sql_insert(b, "INSERT OR REPLACE", &record_leg_row);
		break;
	case ST_NOTE:
		sql_insert(b, "INSERT OR REPLACE", &record_note_row);
		break;
	case ST_REG_PUT:
		sql_insert(b, "INSERT OR REPLACE", &reg_row_kind);
		break;
	case ST_REG_DELETE:
		buf_lit(b, "DELETE FROM registration WHERE phone=?1 AND contact=?2");
		break;
	case ST_AUDIT:
		sql_insert(b, "INSERT OR IGNORE", &audit_row_kind);
		break;
	case ST_CDR_GET:
		sql_select(b, &record_row, "WHERE id=?1");
		break;
	case ST_LEGS:
		sql_select(b, &record_leg_row, "WHERE call=?1 ORDER BY \"index\"");
		break;
	case ST_NOTES:
		sql_select(b, &record_note_row, "WHERE call=?1 ORDER BY \"index\"");
		break;
	case ST_N:
		break;
	}
}

void sql_cdr(struct buf *b, const struct cdr_query *q)
{
	sql_select(b, &record_row, "WHERE 1");
	if (q->before)
		buf_lit(b, q->oldest_first ? " AND id>?1" : " AND id<?1");
	if (q->from_wall)
		buf_lit(b, " AND start_wall>=?2");
	if (q->to_wall)
		buf_lit(b, " AND start_wall<?3");
	if (q->number)
		buf_lit(b, " AND id IN (SELECT id FROM cdr WHERE calling=?4"
			" UNION SELECT id FROM cdr WHERE called=?4"
			" UNION SELECT id FROM cdr WHERE final_called=?4"
			" UNION SELECT id FROM cdr WHERE line=?4"
			" UNION SELECT call FROM cdr_leg WHERE number=?4)");
	if (q->call_id)
		buf_lit(b, " AND id IN (SELECT id FROM cdr WHERE caller_call_id=?5"
			" UNION SELECT call FROM cdr_leg WHERE call_id=?5)");
	if (q->reason)
		buf_lit(b, " AND reason=?6");
	buf_lit(b, q->oldest_first ? " ORDER BY id LIMIT ?7" : " ORDER BY id DESC LIMIT ?7");
}
