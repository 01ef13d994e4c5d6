#include "api/cmd.h"

#include <string.h>

#include "api/view.h"
#include "store/record_text.h"

static enum cmd_result give(struct cmd_call *c, json_t *j)
{
	c->out = j;
	return CMD_OK;
}

static enum cmd_result bad(struct cmd_call *c, const char *why)
{
	c->out = json_string(why);
	return CMD_BAD;
}

static enum cmd_result show_trunks(struct cmd_call *c)
{
	return give(c, view_trunks(c->env));
}

static enum cmd_result show_calls(struct cmd_call *c)
{
	return give(c, view_calls(c->env));
}

static enum cmd_result show_phones(struct cmd_call *c)
{
	return give(c, view_phones(c->env));
}

static enum cmd_result show_users(struct cmd_call *c)
{
	return give(c, view_users(c->env));
}

static enum cmd_result status(struct cmd_call *c)
{
	return give(c, view_status(c->env));
}

static struct cmd_job *job_new(struct cmd_call *c)
{
	c->job = mem_new(sizeof *c->job);
	c->job->cap = 4 << 20;
	c->job->text = mem_new(c->job->cap);
	return c->job;
}

static enum cmd_result show_call(struct cmd_call *c)
{
	const char *id = c->arg(c->ctx, "id");
	uint64_t n;

	if (!id || str_u64(str_of(id), UINT64_MAX, &n))
		return bad(c, "The id of a call is a number; `tandem show calls` and `tandem cdr` list them.");
	c->out = view_call(c->env, n);
	if (c->out)
		return CMD_OK;
	job_new(c)->id = n;		/* ended: from the database */
	return CMD_LATER;
}

static enum cmd_result cdr(struct cmd_call *c)
{
	const char *limit = c->arg(c->ctx, "limit"), *before = c->arg(c->ctx, "before"),
		   *number = c->arg(c->ctx, "number"), *format = c->arg(c->ctx, "format");
	uint32_t n = 50;
	uint64_t id = 0;
	struct cmd_job *j;

	if (limit && (str_u32(str_of(limit), 1000, &n) || !n))
		return bad(c, "limit is a number from 1 to 1000.");
	if (before && str_u64(str_of(before), UINT64_MAX, &id))
		return bad(c, "before is the id of a record.");
	j = job_new(c);
	j->q = (struct cdr_query){ .limit = n, .before = id };
	j->csv = format && !strcmp(format, "csv");
	if (number && str_copy(j->number, sizeof j->number, str_of(number)))
		j->q.number = j->number;
	return CMD_LATER;
}

static enum cmd_result dial(struct cmd_call *c)
{
	const char *from = c->arg(c->ctx, "from"), *to = c->arg(c->ctx, "to");

	if (!to || !to[0])
		return bad(c, "dial needs --to: the number that is dialled.");
	return give(c, view_dial(c->env, str_of(from), str_of(to)));
}

static void applied(void *arg, const struct findings *fs)
{
	struct cmd_call *c = arg;
	json_t *list = json_array();

	for (int i = 0; i < fs->n; i++)
		json_array_append_new(list, json_pack("{s:i, s:i, s:s}", "line", (int)fs->f[i].at.line,
			"column", (int)fs->f[i].at.col, "text", fs->f[i].text));
	c->out = json_pack("{s:b, s:o}", "applied", fs->n == 0, "findings", list);
}

static enum cmd_result apply(struct cmd_call *c)
{
	const char *file = c->arg(c->ctx, "file");

	if (!c->env->apply)
		return bad(c, "The site cannot be changed here.");
	c->env->apply(c->env->ctx, c->body, file ? file : "site.yaml", applied, c);
	return CMD_OK;
}

static enum cmd_result export_site(struct cmd_call *c)
{
	size_t cap = 16 << 20;
	char *mem = mem_new(cap);
	struct buf b;

	buf_init(&b, mem, cap);
	if (!c->env->export_site || c->env->export_site(c->env->ctx, &b)) {
		mem_free(mem);
		c->out = json_string("No site has been applied yet.");
		return CMD_GONE;
	}
	c->out = json_pack("{s:s%}", "site", mem, b.n);
	mem_wipe(mem, b.n);
	mem_free(mem);
	return CMD_OK;
}

static enum cmd_result stop(struct cmd_call *c)
{
	c->env->stop(c->env->ctx);
	return give(c, json_pack("{s:b}", "stopping", 1));
}

static const struct cmd table[] = {
 { "show trunks", "", ROLE_VIEW, false, "state of each trunk and host, since when, and the reason", show_trunks },
 { "show calls", "", ROLE_VIEW, false, "calls that are up or ringing", show_calls },
 { "show phones", "", ROLE_VIEW, false, "phones and where they are registered", show_phones },
 { "show users", "", ROLE_VIEW, false, "users and their lines", show_users },
 { "show call", "<id>", ROLE_VIEW, false, "one call: its record, ladder and reasons", show_call },
 { "status", "", ROLE_VIEW, false, "version, counters, and what is wrong with the store", status },
 { "dial", "[from] <to>", ROLE_VIEW, false, "what would ring, when, and why", dial },
 { "cdr", "[limit] [before] [number] [format]", ROLE_VIEW, false, "call records, newest first", cdr },
 { "apply", "[file]", ROLE_ADMIN, true, "replace people and numbers by a site file", apply },
 { "export", "", ROLE_ADMIN, false, "people and numbers as a site file", export_site },
 { "stop", "", ROLE_ADMIN, true, "end all calls and the daemon", stop },
};

const struct cmd *cmd_at(size_t i)
{
	return i < sizeof table / sizeof *table ? &table[i] : NULL;
}

const struct cmd *cmd_find(struct str path)
{
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		const char *n = table[i].name;
		size_t k = 0;

		while (k < path.n && n[k] && (n[k] == path.p[k] || (n[k] == ' ' && path.p[k] == '/')))
			k++;
		if (k == path.n && !n[k])
			return &table[i];
	}
	return NULL;
}

void cmd_doc(struct buf *b)
{
	static const char *const role[] = { "view", "operate", "admin" };

	buf_lit(b, "# Operator actions\n\nMade from the table of actions; do not edit. Each is a command (`tandem NAME`) and a request\n"
		   "(`/v1/NAME`, words joined by `/`) on the control socket.\n\n| action | arguments | role | what it does |\n|---|---|---|---|\n");
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		buf_fmt(b, "| `%s` | %s | %s | %s |\n", table[i].name, table[i].args,
			role[table[i].role], table[i].help);
}

/* --- on the disk thread ------------------------------------------------------------------ */

static bool add_record(void *ctx, const struct call_record *r)
{
	struct cmd_job *j = ctx;
	struct buf b;

	buf_init(&b, j->text + j->n, j->cap - j->n);
	if (j->csv) {
		record_csv(&b, r);
	} else {
		buf_lit(&b, j->count ? "," : "");
		record_json(&b, r);
	}
	if (!buf_ok(&b))
		return false;
	j->n += b.n;
	j->count++;
	return true;
}

static void add_text(struct cmd_job *j, const char *z)
{
	size_t n = strlen(z);

	if (n > j->cap - j->n)
		return;
	memcpy(j->text + j->n, z, n);
	j->n += n;
}

enum err cmd_job_run(struct db *db, void *arg)
{
	struct cmd_job *j = arg;
	struct call_record *r = mem_new(sizeof *r);
	struct buf b;
	enum err e;

	if (j->id) {
		e = db_cdr_get(db, j->id, r);
		add_text(j, "{\"state\":\"ended\",\"record\":");
		if (!e)
			(void)add_record(j, r);
		add_text(j, "}");
	} else if (j->csv) {
		buf_init(&b, j->text, j->cap);
		record_csv_head(&b);
		j->n = b.n;
		e = db_cdr_query(db, &j->q, add_record, j);
	} else {
		add_text(j, "{\"records\":[");
		e = db_cdr_query(db, &j->q, add_record, j);
		add_text(j, "]}");
	}
	mem_free(r);
	return e;
}
