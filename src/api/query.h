/*
 * query.h - questions to the database about calls that ended: one page of records as JSON
 * or CSV, or one record. Runs on the disk thread; touches nothing but itself and the db.
 *
 * Owner: whoever asked; query_free() after the job's event was read.
 * Limits: a page has at most 1,000 records and QUERY_BYTES_MAX bytes; it then ends early
 *   and `next` goes on.
 * Test: test/unit/api/t_query.c
 */
#ifndef API_QUERY_H
#define API_QUERY_H
#include "store/db.h"

enum { QUERY_BYTES_MAX = 8 << 20, QUERY_PAGE = 50, QUERY_PAGE_MAX = 1000 };

struct query {
	/* asked */
	uint64_t id;			/* one record; 0: those of q     */
	struct cdr_query q;		/* its texts live in this struct */
	char number[64], call_id[128], reason[32];
	bool csv;
	/* answered */
	struct call_record *record;	/* of id                         */
	char *text;
	size_t n, cap;
	uint32_t count;
	uint64_t last;			/* id of the page's last record  */
	uint64_t next;			/* 0: there are no more          */
};

struct query *query_new(void);
void query_free(struct query *q);	/* NULL is fine */
/* A job of the store. OK; ERR_GONE: no record has this id; ERR_IO. */
enum err query_run(struct db *db, void *query);

#endif
