/*
 * sql.h - the texts of the statements, made of the row kinds. Pure: nothing is run here.
 * Test: test/unit/store/t_db.c, which runs them all
 */
#ifndef STORE_SQL_H
#define STORE_SQL_H
#include "store/db.h"

enum st {			/* statements that are kept */
	ST_BEGIN, ST_COMMIT, ST_ROLLBACK,
	ST_RECORD, ST_LEG, ST_NOTE, ST_REG_PUT, ST_REG_DELETE, ST_AUDIT,
	ST_CDR_GET, ST_LEGS, ST_NOTES,
	ST_N
};

void sql_statement(struct buf *b, enum st which);
/* verb: "INSERT", "INSERT OR IGNORE"; ?1, ?2, ... are the fields in order. */
void sql_insert(struct buf *b, const char *verb, const struct row_kind *k);
/* rest: what stands behind FROM and the table. */
void sql_select(struct buf *b, const struct row_kind *k, const char *rest);
/* ?1 before, ?2 and ?3 from and to, ?4 number, ?5 call_id, ?6 reason, ?7 limit. */
void sql_cdr(struct buf *b, const struct cdr_query *q);

#endif
