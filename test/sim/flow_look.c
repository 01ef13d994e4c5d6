#include <string.h>

#include "call/call.h"
#include "sim/flow.h"
#include "sip/stack.h"
#include "store/store.h"
#include "trunk/trunk.h"

/* What the server shows afterwards: records, trunks, and that nothing is left behind. */

static bool take(void *ctx, const struct call_record *r)
{
	struct flow *f = ctx;

	if (!f->have_last)
		f->last = *r;
	f->have_last = true;
	f->nrecords++;
	return true;
}

static void read_records(struct flow *f)
{
	struct cdr_query q = { .limit = 1000 };

	(void)flow_run_until(f, f->loop->now + 200, NULL);
	f->have_last = false;
	f->nrecords = 0;
	if (db_cdr_query(store_db(server_env(f->server)->store), &q, take, f))
		flow_fail(f, "the records cannot be read");
}

/* field=value, field~text, for any field of the row. */
static void check_field(struct flow *f, const struct row_kind *k, const void *row, const char *arg)
{
	size_t n = strcspn(arg, "=~");
	const struct row_field *x;
	char name[48];
	const char *want = arg + n + (arg[n] != '\0'), *word;

	flow_put(name, sizeof name, "%.*s", (int)n, arg);
	x = row_find(k, name);
	if (!x) {
		flow_fail(f, "a record has no field %s", name);
		return;
	}
	if (x->type == ROW_TEXT) {
		char text[300];

		flow_put(text, sizeof text, "%.*s", STRF(row_text(x, row)));
		if (arg[n] == '~' ? !flow_contains(text, want) : strcmp(text, want) != 0)
			flow_fail(f, "%s is \"%s\", not \"%s\"", name, text, want);
		return;
	}
	word = row_word(x, row);
	if (word ? strcmp(word, want) != 0 : !flow_in_range(want, row_uint(x, row)))
		flow_fail(f, "%s is %llu (%s), not %s", name,
			  (unsigned long long)row_uint(x, row), word ? word : "", want);
}

static void one_fact(struct flow *f, const char *arg)
{
	const char *want = strchr(arg, '=');

	if (want && !strncmp(arg, "count=", 6)) {
		if (f->nrecords != flow_number(want + 1, 0))
			flow_fail(f, "there are %u records, not %s", f->nrecords, want + 1);
	} else if (want && !strncmp(arg, "legs=", 5)) {
		if (f->last.nleg != flow_number(want + 1, 0))
			flow_fail(f, "the record has %u legs, not %s", f->last.nleg, want + 1);
	} else if (want && !strncmp(arg, "winner=", 7)) {
		const char *name = f->last.answered_by < f->last.nleg
			? f->last.leg[f->last.answered_by].name : "nobody";

		if (strcmp(name, want + 1) != 0)
			flow_fail(f, "answered by %s, not %s", name, want + 1);
	} else {
		check_field(f, &record_row, &f->last, arg);
	}
}

/* cdr calling=1001 status=200 legs=2 winner=alice-teams: the newest record. */
void flow_cdr(struct flow *f, const struct flow_args *a)
{
	read_records(f);
	if (!f->have_last && !flow_arg(a, "count")) {
		flow_fail(f, "there is no record");
		return;
	}
	for (int i = 1; i < a->n && !f->why[0]; i++)
		one_fact(f, a->v[i]);
}

/* leg NAME[/2] field=value: a leg of the record that `cdr` looked at. */
void flow_leg(struct flow *f, const struct flow_args *a)
{
	const char *name = a->n > 1 ? a->v[1] : "";
	size_t n = strcspn(name, "/");
	unsigned nth = name[n] ? flow_number(name + n + 1, 1) : 1;

	for (int i = 0; i < f->last.nleg; i++) {
		const struct record_leg *g = &f->last.leg[i];

		if (strlen(g->name) != n || strncmp(g->name, name, n) != 0 || --nth)
			continue;
		for (int k = 2; k < a->n; k++)
			check_field(f, &record_leg_row, g, a->v[k]);
		return;
	}
	flow_fail(f, "the record has no leg %s", name);
}

/* note WORD [text]: a decision in the record. */
void flow_note(struct flow *f, const struct flow_args *a)
{
	for (int i = 0; i < f->last.nnote && a->n > 1; i++)
		if (!strcmp(f->last.note[i].reason, a->v[1]) &&
		    (a->n < 3 || flow_contains(f->last.note[i].text, a->v[2])))
			return;
	flow_fail(f, "the record has no note %s", a->n > 1 ? a->v[1] : "");
}

/* trunk NAME STATE [why] */
void flow_trunk(struct flow *f, const struct flow_args *a)
{
	const struct api_env *e = server_env(f->server);
	int i = a->n > 2 ? config_trunk_find(f->config, str_of(a->v[1])) : -1;
	struct reason why;
	char text[400];
	struct buf b;

	if (i < 0) {
		flow_fail(f, "write: trunk NAME STATE");
		return;
	}
	why = trunk_why(e->trunk[i]);
	buf_init(&b, text, sizeof text);
	reason_write(&b, &why);
	(void)buf_z(&b);
	if (strcmp(trunk_state_str(trunk_verdict(e->trunk[i])), a->v[2]) != 0)
		flow_fail(f, "trunk %s is %s (%s), not %s", a->v[1],
			  trunk_state_str(trunk_verdict(e->trunk[i])), text, a->v[2]);
	else if (a->n > 3 && !flow_contains(text, a->v[3]))
		flow_fail(f, "trunk %s is so because: %s", a->v[1], text);
}

/* counts zero: 40 s later nothing of the calls is left. */
void flow_counts(struct flow *f, const struct flow_args *a)
{
	const struct api_env *e = server_env(f->server);
	struct sip_counts c;
	uint32_t open, pairs;

	(void)a;
	(void)flow_run_until(f, f->loop->now + 40000, NULL);
	sip_counts(e->sip, &c);
	media_counts(e->media, &open, &pairs);
	if (calls_count(e->calls) || legs_count(e->legs) || c.sessions || c.dialogs || c.subs || open)
		flow_fail(f, "left behind: %u calls, %u legs, %u sessions, %u dialogs, %u subscriptions, %u media ends",
			  calls_count(e->calls), legs_count(e->legs), c.sessions, c.dialogs, c.subs, open);
	if (c.transactions > 3)		/* a ping of each host may be on its way */
		flow_fail(f, "left behind: %u transactions", c.transactions);
}

/* show calls=1 legs=2 transactions=0: now. */
void flow_show(struct flow *f, const struct flow_args *a)
{
	const struct api_env *e = server_env(f->server);
	struct sip_counts c;
	const char *v;

	v = flow_arg(a, "calls");
	if (v && calls_count(e->calls) != flow_number(v, 0))
		flow_fail(f, "%u calls are up, not %s", calls_count(e->calls), v);
	v = flow_arg(a, "legs");
	if (v && legs_count(e->legs) != flow_number(v, 0))
		flow_fail(f, "%u legs are up, not %s", legs_count(e->legs), v);
	v = flow_arg(a, "transactions");
	sip_counts(e->sip, &c);
	if (v && c.transactions != flow_number(v, 0))
		flow_fail(f, "%u transactions are there, not %s", c.transactions, v);
}
