#include "api/query.h"

#include <string.h>

#include "store/record_text.h"

struct query *query_new(void)
{
	return mem_new(sizeof(struct query));
}

void query_free(struct query *q)
{
	if (!q)
		return;
	mem_free(q->record);
	mem_free(q->text);
	mem_free(q);
}

static void add(struct query *q, const void *p, size_t n)
{
	if (q->n + n > q->cap) {
		q->cap = 2 * (q->n + n);
		q->text = mem_grow(q->text, q->cap, 1);
	}
	memcpy(q->text + q->n, p, n);
	q->n += n;
}

static void add_z(struct query *q, const char *z)
{
	add(q, z, strlen(z));
}

struct page { struct query *q; char *line; };

static bool add_record(void *ctx, const struct call_record *r)
{
	struct page *p = ctx;
	struct query *q = p->q;
	struct buf b;

	buf_init(&b, p->line, RECORD_JSON_MAX);
	if (q->csv)
		record_csv(&b, r);
	else
		record_json(&b, r);
	if (q->count && q->n + b.n > QUERY_BYTES_MAX) {
		q->next = q->last;
		return false;
	}
	if (q->count && !q->csv)
		add_z(q, ",\n");
	add(q, b.p, b.n);
	q->last = r->id;
	q->count++;
	return true;
}

static void end_page(struct query *q)
{
	char text[64];
	struct buf b;

	if (q->count == q->q.limit)
		q->next = q->last;
	if (q->csv)
		return;
	buf_init(&b, text, sizeof text);
	if (q->next)
		buf_fmt(&b, "],\n\"next\":\"%llu\"}\n", (unsigned long long)q->next);
	else
		buf_lit(&b, "],\n\"next\":null}\n");
	add(q, b.p, b.n);
}

static enum err run_page(struct db *db, struct query *q)
{
	struct page p = { q, mem_new(RECORD_JSON_MAX) };
	struct buf b;
	enum err e;

	if (q->csv && !q->q.before) {	/* later pages go on without a head */
		buf_init(&b, p.line, RECORD_JSON_MAX);
		record_csv_head(&b);
		add(q, b.p, b.n);
	} else if (!q->csv) {
		add_z(q, "{\"records\":[");
	}
	e = db_cdr_query(db, &q->q, add_record, &p);
	if (!e)
		end_page(q);
	mem_free(p.line);
	return e;
}

enum err query_run(struct db *db, void *arg)
{
	struct query *q = arg;

	if (!q->id)
		return run_page(db, q);
	q->record = mem_new(sizeof *q->record);
	return db_cdr_get(db, q->id, q->record);
}
