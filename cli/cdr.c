#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/table.h"

/* `tandem cdr`: call detail records, page by page, as a table, JSON or CSV. */

enum { PAGE = 1000 };

struct paging {
	struct client c;
	uint32_t left;			/* records still wanted */
	char limit[16], next[24], after[24];
};

static void add_rows(struct table *t, const json_t *page)
{
	const json_t *r;
	size_t i;

	json_array_foreach(json_object_get(page, "records"), i, r) {
		const json_t *by = json_object_get(r, "answered_by");
		const json_t *leg = json_is_integer(by)
			? json_array_get(json_object_get(r, "legs"), (size_t)json_integer_value(by))
			: NULL;
		char start[24], ring[32], talk[32];
		struct buf b;

		buf_init(&b, ring, sizeof ring);
		buf_fmt(&b, "%ld.%ld", js_long(r, "ring_ms") / 1000, js_long(r, "ring_ms") / 100 % 10);
		(void)buf_z(&b);
		buf_init(&b, talk, sizeof talk);
		buf_fmt(&b, "%ld.%ld", js_long(r, "talk_ms") / 1000, js_long(r, "talk_ms") / 100 % 10);
		table_row(t, (const char *const[]){ js_get(r, "id"), js_time(r, "start", start),
			js_get(r, "calling"), js_get(r, "called"), leg ? js_get(leg, "name") : "-",
			ring, buf_z(&b), js_get(r, "text") });
	}
}

/* The answer's records behind those of `all`. */
static void add_records(json_t *all, const json_t *page)
{
	json_array_extend(json_object_get(all, "records"), json_object_get(page, "records"));
}

static int ask(struct paging *p)
{
	struct buf b;

	buf_init(&b, p->limit, sizeof p->limit);
	buf_u64(&b, p->left < PAGE ? p->left : PAGE);
	p->c.value[client_arg(&p->c, "limit")] = buf_z(&b);
	return client_ask(&p->c, NULL, 0);
}

/* Is there, and is wanted, another page behind this one? */
static bool more(struct paging *p, const char *next, size_t got)
{
	p->left -= got < p->left ? (uint32_t)got : p->left;
	(void)str_copy(p->after, sizeof p->after, str_of(next));
	if (!*next || !p->left || !str_copy(p->next, sizeof p->next, str_of(next)))
		return false;
	p->c.value[client_arg(&p->c, "next")] = p->next;
	return true;
}

/* What a program gives back to go on behind what it got; null: there is no more. */
static json_t *again_text(const struct paging *p)
{
	return *p->after ? json_string(p->after) : json_null();
}

static void print_json(const json_t *j)
{
	char *text = json_dumps(j, JSON_INDENT(1));

	table_json(stdout, str_of(text ? text : "null"));
	printf("\n");
	free(text);	/* jansson's own */
}

static int run_json(struct paging *p)
{
	static const char *const title[] = { "ID", "BEGAN (UTC)", "CALLING", "CALLED", "ANSWERED BY",
					     "RANG S", "TALKED S", "REASON", NULL };
	json_t *all = json_pack("{s:[]}", "records"), *page;
	struct table t;
	bool again = true;
	int rc = 0;

	table_init(&t, title);
	while (again && !rc) {
		rc = ask(p);
		page = rc ? NULL : client_answer(&p->c);
		again = more(p, js_get(page, "next"), json_array_size(json_object_get(page, "records")));
		if (p->c.json)
			add_records(all, page);
		else
			add_rows(&t, page);
		json_decref(page);
	}
	if (p->c.json && !rc) {
		json_object_set_new(all, "next", again_text(p));
		print_json(all);
	} else if (!rc) {
		table_print(&t, stdout);
	}
	table_free(&t);
	json_decref(all);
	return rc;
}

static int run_csv(struct paging *p)
{
	bool again = true;
	int rc = 0;

	p->c.value[client_arg(&p->c, "format")] = "csv";
	while (again && !rc) {
		rc = ask(p);
		if (!rc)
			(void)fwrite(p->c.text ? p->c.text : "", 1, p->c.n, stdout);
		again = !rc && more(p, p->c.next, p->left < PAGE ? p->left : PAGE);
	}
	return rc;
}

int cmd_cdr(int argc, char **argv)
{
	struct paging p = { .left = 50 };
	const char *limit, *format;
	bool good = true;
	int rc = 1;

	if (client_begin(&p.c, "cdr", argc, argv, NULL))
		return 1;
	limit = p.c.value[client_arg(&p.c, "limit")];
	format = p.c.value[client_arg(&p.c, "format")];
	if (p.c.help)
		return client_help(p.c.cmd);
	if (limit && !strcmp(limit, "all"))
		p.left = UINT32_MAX;
	else if (limit && (str_u32(str_of(limit), UINT32_MAX - 1, &p.left) || !p.left))
		good = false;
	if (!good)
		fprintf(stderr, "tandem cdr: --limit is a number from 1, or all.\n");
	else
		rc = p.c.csv || (format && !strcmp(format, "csv")) ? run_csv(&p) : run_json(&p);
	client_end(&p.c);
	return rc;
}
