#include "api/cmd.h"

#include <string.h>

#include "api/day.h"
#include "api/dial.h"
#include "api/story.h"
#include "api/view.h"

static enum cmd_result give(struct cmd_call *c, json_t *j)
{
	c->out = j;
	return CMD_OK;
}

static enum cmd_result refuse(struct cmd_call *c, enum cmd_result r, const char *why)
{
	c->out = json_string(why);
	return r;
}

/* Absent and empty are the same: an HTML form sends empty fields. */
static struct str arg(const struct cmd_call *c, const char *name)
{
	for (int i = 0; i < c->narg; i++)
		if (!strcmp(c->arg[i].name, name) && c->arg[i].value && c->arg[i].value[0])
			return str_of(c->arg[i].value);
	return STR_NONE;
}

/* --- show ------------------------------------------------------------------------- */

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

static enum cmd_result show_call(struct cmd_call *c)
{
	uint64_t id;

	if (str_u64(arg(c, "id"), UINT64_MAX, &id) || !id)
		return refuse(c, CMD_BAD, "The id of a call is a number; `tandem show calls` and `tandem cdr` list them.");
	c->out = story_live(c->env, id);
	if (c->out)
		return CMD_OK;
	c->query = query_new();
	c->query->id = id;		/* it ended: the database knows */
	return CMD_LATER;
}

static enum cmd_result show_guard(struct cmd_call *c)
{
	return give(c, view_guard(c->env));
}

static enum cmd_result unban(struct cmd_call *c)
{
	struct str at, bits;
	struct addr a;

	(void)str_cut(arg(c, "address"), '/', &at, &bits);	/* as show guard writes it */
	if (addr_parse_ip(at, &a))
		return refuse(c, CMD_BAD, "The address is an IP address; `tandem show guard` lists the banned.");
	if (!c->env->sip || !sip_forgive(c->env->sip, &a))
		return refuse(c, CMD_GONE, "This address is not banned; `tandem show guard` lists the banned.");
	return give(c, json_pack("{s:b, s:o}", "unbanned", 1, "address", js_addr(&a)));
}

static enum cmd_result status(struct cmd_call *c)
{
	return give(c, view_status(c->env));
}

static enum cmd_result dial(struct cmd_call *c)
{
	struct dial_question q = { arg(c, "from"), arg(c, "trunk"), arg(c, "to") };
	json_t *why;

	c->out = dial_answer(c->env, &q, &why);
	if (c->out)
		return CMD_OK;
	c->out = why;
	return CMD_BAD;
}

/* --- call detail records ---------------------------------------------------------------- */

static const char *const no_time = "A time is written 2026-11-23 or 2026-11-23T17:08:37, in UTC.";

/* NULL: good. */
static const char *read_query(const struct cmd_call *c, struct query *q)
{
	struct str limit = arg(c, "limit"), next = arg(c, "next"), since = arg(c, "since"),
		   until = arg(c, "until"), format = arg(c, "format"), order = arg(c, "order");

	q->q.limit = QUERY_PAGE;
	if (limit.n && (str_u32(limit, QUERY_PAGE_MAX, &q->q.limit) || !q->q.limit))
		return "limit is a number from 1 to 1000.";
	if (next.n && str_u64(next, UINT64_MAX, &q->q.before))
		return "next is the \"next\" of the page before.";
	if (since.n && day_parse(since, &q->q.from_wall))
		return no_time;
	if (until.n && day_parse(until, &q->q.to_wall))
		return no_time;
	if (format.n && !str_is(format, "csv") && !str_is(format, "json"))
		return "format is json or csv.";
	if (order.n && !str_is(order, "oldest") && !str_is(order, "newest"))
		return "order is newest or oldest.";
	q->csv = str_is(format, "csv");
	q->q.oldest_first = str_is(order, "oldest");
	return NULL;
}

static const char *read_texts(const struct cmd_call *c, struct query *q)
{
	struct str number = arg(c, "number"), call_id = arg(c, "call-id"), reason = arg(c, "reason");

	if (!str_copy(q->number, sizeof q->number, number) ||
	    !str_copy(q->call_id, sizeof q->call_id, call_id) ||
	    !str_copy(q->reason, sizeof q->reason, reason))
		return "number, call-id or reason is longer than any of a record.";
	q->q.number = number.n ? q->number : NULL;
	q->q.call_id = call_id.n ? q->call_id : NULL;
	q->q.reason = reason.n ? q->reason : NULL;
	return NULL;
}

static enum cmd_result cdr(struct cmd_call *c)
{
	struct query *q = query_new();
	const char *why = read_query(c, q);

	if (!why)
		why = read_texts(c, q);
	if (why) {
		query_free(q);
		return refuse(c, CMD_BAD, why);
	}
	c->query = q;
	return CMD_LATER;
}

/* --- what changes something ----------------------------------------------------------------- */

static json_t *applied(const struct findings *fs)
{
	json_t *list = json_array();

	for (int i = 0; i < fs->n; i++)
		json_array_append_new(list, json_pack("{s:i, s:i, s:o}", "line",
			(int)fs->f[i].line, "column", (int)fs->f[i].col, "text",
			js_name(str_of(fs->f[i].text))));
	return json_pack("{s:b, s:o, s:i}", "applied", fs->n == 0, "findings", list, "more",
			 fs->more);
}

static enum cmd_result apply(struct cmd_call *c)
{
	struct str file = arg(c, "file");

	if (!c->env->apply_new)
		return refuse(c, CMD_BUSY, "The site cannot be changed here.");
	if (!c->body.n)
		return refuse(c, CMD_BAD, "The body is the text of a site file.");
	c->change = c->env->apply_new(c->env->ctx, c->body, file.n ? file.p : "site.yaml");
	return CMD_LATER;
}

static enum cmd_result end_change(struct cmd_call *c)
{
	struct findings *fs = mem_new(sizeof *fs);

	c->env->apply_end(c->env->ctx, c->change, fs);
	c->change = NULL;
	c->out = applied(fs);
	mem_free(fs);
	return CMD_OK;
}

static enum cmd_result export_site(struct cmd_call *c)
{
	struct buf b;

	c->own = mem_new(CMD_BODY_MAX);
	buf_init(&b, c->own, CMD_BODY_MAX);
	if (!c->env->export_site || c->env->export_site(c->env->ctx, &b))
		return refuse(c, CMD_GONE, "No site has been applied yet; `tandem apply -f site.yaml` does that.");
	c->text = buf_str(&b);
	c->type = "application/yaml";
	return CMD_OK;
}

static enum cmd_result stop(struct cmd_call *c)
{
	c->env->stop(c->env->ctx);
	return give(c, json_pack("{s:b, s:i}", "stopping", 1, "calls",
				 (int)calls_count(c->env->calls)));
}

/* --- the table -------------------------------------------------------------------------------- */

static const struct cmd table[] = {
 { "show trunks", ROLE_VIEW, false, "state of each trunk and host, since when, and the reason", { { 0 } }, show_trunks },
 { "show calls", ROLE_VIEW, false, "calls that ring or talk now", { { 0 } }, show_calls },
 { "show phones", ROLE_VIEW, false, "phones, their lines, and where they are registered", { { 0 } }, show_phones },
 { "show users", ROLE_VIEW, false, "users with their lines, phones and remote destinations", { { 0 } }, show_users },
 { "show call", ROLE_VIEW, false, "one call, live or ended: its record, ladder and reasons",
   { { "id", "of show calls or cdr", true } }, show_call },
 { "show guard", ROLE_VIEW, false, "strangers that are held or banned, since when and why, and what was turned away", { { 0 } }, show_guard },
 { "unban", ROLE_OPERATE, true, "lift the ban of an address", { { "address", "of show guard", true } }, unban },
 { "status", ROLE_VIEW, false, "version, counters, and what is wrong with the store", { { 0 } }, status },
 { "dial", ROLE_VIEW, false, "what would ring, when, and why",
   { { "to", "the number dialled", true }, { "from", "line or phone that dials; with trunk: the caller's number", false },
     { "trunk", "the call comes in over this trunk", false } }, dial },
 { "cdr", ROLE_VIEW, false, "call detail records, newest first",
   { { "limit", "at most so many: 1 to 1000, without it 50", false }, { "next", "goes on behind a page", false },
     { "since", "calls that began at this time or later (UTC)", false }, { "until", "calls that began before", false },
     { "number", "calling, called, line or a leg's number", false }, { "call-id", "SIP Call-ID of any leg", false },
     { "reason", "word of how it ended, as answered or no-answer", false },
     { "order", "newest or oldest first", false }, { "format", "json or csv", false } }, cdr },
 { "apply", ROLE_ADMIN, true, "replace people and numbers by a site file (the body)",
   { { "file", "its name, for the findings", false } }, apply },
 { "export", ROLE_ADMIN, false, "people and numbers as a site file", { { 0 } }, export_site },
 { "stop", ROLE_ADMIN, true, "end all calls and the daemon", { { 0 } }, stop },
};

const struct cmd *cmd_at(size_t i)
{
	return i < sizeof table / sizeof *table ? &table[i] : NULL;
}

static bool is_name(struct str given, const char *name)
{
	if (given.n != strlen(name))
		return false;
	for (size_t i = 0; i < given.n; i++)
		if (name[i] != given.p[i] && !(name[i] == ' ' && given.p[i] == '/'))
			return false;
	return true;
}

const struct cmd *cmd_find(struct str name)
{
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (is_name(name, table[i].name))
			return &table[i];
	return NULL;
}

/* --- one call of an action ---------------------------------------------------------------------- */

const char *role_str(enum role r)
{
	static const char *const name[ROLE_N] = { "view", "operate", "admin" };

	return name[r];
}

static enum cmd_result tell_arg(struct cmd_call *c, const char *before, const char *name,
				const char *after)
{
	char mem[400];
	struct buf b;

	buf_init(&b, mem, sizeof mem);
	buf_lit(&b, before);
	buf_safe(&b, str_sub(str_of(name), 0, 60));
	buf_lit(&b, after);
	c->out = json_stringn(b.p, b.n);
	return CMD_BAD;
}

static bool has_arg(const struct cmd *cmd, const char *name)
{
	for (const struct cmd_arg *a = cmd->arg; a->name; a++)
		if (!strcmp(a->name, name))
			return true;
	return false;
}

static enum cmd_result check_args(const struct cmd *cmd, struct cmd_call *c)
{
	for (int i = 0; i < c->narg; i++)
		if (!has_arg(cmd, c->arg[i].name))
			return tell_arg(c, "There is no argument \"", c->arg[i].name,
					"\"; `tandem help` lists them.");
	for (const struct cmd_arg *a = cmd->arg; a->name; a++)
		if (a->must && !arg(c, a->name).n)
			return tell_arg(c, "The argument \"", a->name, "\" is missing.");
	return CMD_OK;
}

/* Who changed what, and how it went: a line nobody can take back. */
static void audit(const struct cmd *cmd, const struct cmd_call *c, const char *result)
{
	struct audit_row a = { .at_wall = c->env->loop->wall };

	if (!c->env->store)
		return;
	(void)str_copy(a.who, sizeof a.who, str_of(c->who ? c->who : ""));
	(void)str_copy(a.role, sizeof a.role, str_of(role_str(c->role)));
	(void)str_copy(a.action, sizeof a.action, str_of(cmd->name));
	(void)str_copy(a.what, sizeof a.what, arg(c, "file"));
	(void)str_copy(a.result, sizeof a.result, str_of(result));
	store_audit(c->env->store, &a);
}

static enum cmd_result to_store(struct cmd_call *c, uint64_t owner)
{
	struct findings *fs;

	if (!(c->change ? store_run(c->env->store, c->env->apply_run, c->change, owner)
			: store_run(c->env->store, query_run, c->query, owner)))
		return CMD_LATER;
	query_free(c->query);
	c->query = NULL;
	if (c->change) {	/* it was not run: nothing comes into force */
		fs = mem_new(sizeof *fs);
		c->env->apply_end(c->env->ctx, c->change, fs);
		mem_free(fs);
		c->change = NULL;
	}
	return refuse(c, CMD_BUSY, "Too many questions to the database are waiting; try again.");
}

enum cmd_result cmd_run(const struct cmd *cmd, struct cmd_call *c, uint64_t owner)
{
	enum cmd_result r;

	if (c->role < cmd->role) {
		if (cmd->post)
			audit(cmd, c, "denied");
		return refuse(c, CMD_DENIED, "Only root and the daemon's own user may do this.");
	}
	r = check_args(cmd, c);
	if (!r)
		r = cmd->run(c);
	if (r == CMD_LATER)
		r = to_store(c, owner);
	if (cmd->post && r != CMD_LATER)
		audit(cmd, c, r == CMD_OK ? "done" : "refused");
	return r;
}

enum cmd_result cmd_finish(const struct cmd *cmd, struct cmd_call *c, enum err job)
{
	struct query *q = c->query;

	if (c->change) {
		enum cmd_result r = end_change(c);

		audit(cmd, c, json_is_true(json_object_get(c->out, "applied")) ? "done" : "refused");
		return r;
	}
	if (job == ERR_GONE)
		return refuse(c, CMD_GONE, "No call has this id; `tandem show calls` and `tandem cdr` list them.");
	if (job)
		return refuse(c, CMD_BUSY, "The database cannot be read now; `tandem status` says why.");
	if (q->id)
		return give(c, story_of(c->env, q->record, "ended"));
	c->text = (struct str){ q->text ? q->text : "", q->n };
	c->type = q->csv ? "text/csv; charset=utf-8" : "application/json";
	c->next = q->next;
	return CMD_OK;
}

void cmd_close(struct cmd_call *c)
{
	query_free(c->query);
	json_decref(c->out);
	if (c->own)
		mem_wipe(c->own, c->text.n);
	mem_free(c->own);
	c->own = NULL;
	c->query = NULL;
	c->out = NULL;
	c->text = STR_NONE;
}

/* --- the reference ----------------------------------------------------------------------------------- */

static void doc_args(struct buf *b, const struct cmd *c)
{
	for (const struct cmd_arg *a = c->arg; a->name; a++)
		buf_fmt(b, "%s`%s`%s: %s", a == c->arg ? "" : "; ", a->name,
			a->must ? " (needed)" : "", a->help);
}

void cmd_doc(struct buf *b)
{
	buf_lit(b, "| action | request | least role | what it does | arguments |\n|---|---|---|---|---|\n");
	for (const struct cmd *c = table; c < table + sizeof table / sizeof *table; c++) {
		buf_fmt(b, "| `%s` | %s /v1/", c->name, c->post ? "POST" : "GET");
		for (const char *p = c->name; *p; p++)
			buf_ch(b, *p == ' ' ? '/' : *p);
		buf_fmt(b, " | %s | %s | ", role_str(c->role), c->help);
		doc_args(b, c);
		buf_lit(b, " |\n");
	}
}
