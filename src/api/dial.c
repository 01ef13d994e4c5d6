#include "api/dial.h"

/* --- the caller -------------------------------------------------------------------- */

enum { PLAN_MAX = 262144 };

static const struct dir_line *line_named(const struct api_env *e, struct str from)
{
	const struct dir_line *l;

	for (uint32_t i = 0; (l = directory_line_at(*e->directory, i)); i++)
		if (str_eq(l->number, from) || (l->e164.n && str_eq(l->e164, from)))
			return l;
	return NULL;
}

/* A phone calls with its own class of control or its first line's (call/route.c). */
static void from_phone(const struct api_env *e, const struct dir_phone *p, struct route_caller *who)
{
	const struct dir_line *l = directory_line_of_phone(*e->directory, p->name);
	struct dir_identity id = { 0 };

	directory_identify_phone(*e->directory, p->name, &id);
	who->phone = true;
	who->name = p->name;
	who->user = id.user.n ? id.user : p->user;
	who->number = id.number.n ? id.number : p->auth_user;
	who->display = id.display;
	who->css = p->css.n ? p->css : l ? l->css : STR_NONE;
}

/* A line without a phone of its own (its desk is a trunk endpoint) has its own class. */
static void from_line(const struct api_env *e, const struct dir_line *l, struct route_caller *who)
{
	const struct dir_phone *p = l->nphones ? directory_phone(*e->directory, l->phone[0]) : NULL;

	if (p)
		from_phone(e, p, who);
	who->user = l->user;
	who->number = l->number;
	who->display = l->display;
	who->css = p && p->css.n ? p->css : l->css;
}

static void from_trunk(const struct api_env *e, int i, struct str number, struct route_caller *who,
		       struct reason *mapped)
{
	const struct config_trunk *t = &e->config->trunk[i];
	struct dir_identity id = { 0 };

	directory_identify_number(*e->directory, number, t->trusted_identity, &id, mapped);
	who->trunk = (uint32_t)i;
	who->name = t->name;
	who->css = t->css;
	who->number = id.user.n ? id.number : number;
	who->user = id.user;
	who->display = id.display;
	who->remote = id.remote;
}

static json_t *unknown(const char *before, struct str name, const char *after)
{
	char mem[700];
	struct buf b;

	buf_init(&b, mem, sizeof mem);
	buf_lit(&b, before);
	buf_safe(&b, str_sub(name, 0, 100));
	buf_lit(&b, after);
	return json_stringn(b.p, b.n);
}

/* NULL: known, and *who is filled in. */
static json_t *find_caller(const struct api_env *e, const struct dial_question *q,
			   struct route_caller *who, struct reason *mapped)
{
	const struct dir_line *l;
	const struct dir_phone *p;
	int i;

	*who = (struct route_caller){ .trunk = ROUTE_NO_TRUNK };
	if (q->trunk.n) {
		i = config_trunk_find(e->config, q->trunk);
		if (i < 0)
			return unknown("There is no trunk \"", q->trunk,
				       "\"; `tandem show trunks` lists them.");
		from_trunk(e, i, q->from, who, mapped);
		return NULL;
	}
	l = q->from.n ? line_named(e, q->from) : NULL;
	p = q->from.n ? directory_phone(*e->directory, q->from) : NULL;
	if (!l && !p)
		return unknown("There is no line and no phone \"", q->from,
			       "\". For a call that comes in over a trunk add --trunk NAME.");
	if (l)
		from_line(e, l, who);
	else
		from_phone(e, p, who);
	return NULL;
}

/* --- the answer ---------------------------------------------------------------------- */

static json_t *ring_json(const struct api_env *e, const struct route_branch *b)
{
	json_t *o = json_pack("{s:s, s:o, s:o, s:o, s:I, s:I, s:I, s:o}", "kind",
		route_kind_str(b->kind), "name", js_text(b->name), "number", js_text(b->number),
		"trunk", js_text(b->trunk_name), "delay_ms", (json_int_t)b->timing.delay,
		"too_soon_ms", (json_int_t)b->timing.too_soon, "too_late_ms",
		(json_int_t)b->timing.too_late, "request_uri", js_text(b->ruri));

	if (b->trunk != ROUTE_NO_TRUNK) {
		const struct trunk *t = e->trunk[b->trunk];
		const struct trunk_host *h = trunk_host_at(t, (int)b->host);

		json_object_set_new(o, "host", js_text(h->name));
		json_object_set_new(o, "trunk_state", json_string(trunk_state_str(trunk_verdict(t))));
	}
	return o;
}

static json_t *caller_json(const struct route_caller *w)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "kind", w->phone ? "phone"
		: w->trunk != ROUTE_NO_TRUNK ? "trunk" : "line", "name", js_text(w->name), "number",
		js_text(w->number), "display", js_name(w->display), "user", js_text(w->user),
		"remote", js_text(w->remote), "css", js_text(w->css));
}

static json_t *plan_json(const struct api_env *e, const struct route_caller *who,
			 const struct route_plan *p, const struct reason *mapped)
{
	json_t *rings = json_array(), *why = json_array();

	if (mapped->code != REASON_NONE)
		json_array_append_new(why, js_sentence(mapped));
	for (int i = 0; i < p->n; i++)
		json_array_append_new(rings, ring_json(e, &p->b[i]));
	for (int i = 0; i < p->nnote; i++)
		json_array_append_new(why, js_sentence(&p->note[i]));
	for (int i = 0; i < p->n; i++)
		if (p->b[i].trunk != ROUTE_NO_TRUNK && trunk_verdict(e->trunk[p->b[i].trunk]) == TRUNK_DOWN)
			json_array_append_new(why, js_sentence(&REASON(TRUNK_IS_DOWN, p->b[i].trunk_name,
								       p->b[i].name)));
	return json_pack("{s:o, s:o, s:o, s:o, s:I, s:o, s:b, s:i, s:o, s:o}", "caller",
		caller_json(who), "to", js_text(p->dialled), "line", js_text(p->line), "rings",
		rings, "no_answer_ms", (json_int_t)p->no_answer, "forward_to",
		js_text(p->forward_to), "emergency", p->emergency, "status",
		p->n ? 0 : (int)p->status, "text", p->n ? json_string("") : js_sentence(&p->why),
		"why", why);
}

json_t *dial_answer(const struct api_env *e, const struct dial_question *q, json_t **why)
{
	struct reason mapped = { 0 };
	struct route_caller who;
	struct route_plan *p;
	struct arena a;
	json_t *out;

	*why = find_caller(e, q, &who, &mapped);
	if (*why)
		return NULL;
	p = mem_new(sizeof *p);
	arena_init(&a, PLAN_MAX);
	route_plan(e->route, &who, q->to, 0, &a, p);
	out = plan_json(e, &who, p, &mapped);
	arena_close(&a);
	mem_free(p);
	return out;
}
