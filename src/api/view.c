#include "api/view.h"

#include <string.h>

#include "base/when.h"
#include "store/record_text.h"
#include "trace/ladder.h"

enum { RECORD_TEXT_MAX = 65536, PLAN_MAX = 262144 };

static json_t *text(struct str s)
{
	char mem[1024];
	struct buf b;

	buf_init(&b, mem, sizeof mem);
	buf_safe(&b, str_sub(s, 0, 250));
	return json_string(buf_z(&b));
}

static json_t *sentence(const struct reason *r)
{
	char mem[800];
	struct buf b;

	buf_init(&b, mem, sizeof mem);
	reason_write(&b, r);
	return json_string(buf_z(&b));
}

static json_t *when(int64_t wall)
{
	char mem[64];
	struct buf b;

	if (!wall)
		return json_string("");
	buf_init(&b, mem, sizeof mem);
	when_iso(&b, wall);
	return json_string(buf_z(&b));
}

static json_t *host_json(const struct trunk_host *h)
{
	return json_pack("{s:o, s:i, s:s, s:o, s:o}", "host", text(h->name), "port", (int)h->port,
			 "state", trunk_state_str(h->state), "since", when(h->since_wall),
			 "reason", sentence(&h->why));
}

json_t *view_trunks(const struct api_env *e)
{
	json_t *list = json_array();

	for (int i = 0; i < e->config->ntrunks; i++) {
		const struct trunk *t = e->trunk[i];
		struct reason why = trunk_why(t);
		json_t *hosts = json_array();

		for (int k = 0; k < trunk_nhosts(t); k++)
			json_array_append_new(hosts, host_json(trunk_host_at(t, k)));
		json_array_append_new(list, json_pack("{s:o, s:s, s:s, s:o, s:o}",
			"trunk", text(trunk_name(t)), "profile", trunk_profile_of(t)->name, "state",
			trunk_state_str(trunk_verdict(t)), "reason", sentence(&why), "hosts", hosts));
	}
	return json_pack("{s:o}", "trunks", list);
}

static json_t *id_text(uint64_t id)
{
	return json_sprintf("%llu", (unsigned long long)id);
}

static json_t *call_line(const struct api_env *e, const struct call_view *v)
{
	json_t *rings = json_array();

	for (int i = 0; i < v->rec->nleg; i++)
		json_array_append_new(rings, json_string(v->rec->leg[i].name));
	return json_pack("{s:o, s:s, s:s, s:s, s:o, s:I, s:s, s:o}", "id", id_text(v->record),
		"calling", v->rec->calling, "called", v->rec->called, "state",
		call_state_str(v->state), "started", when(v->rec->start_wall), "seconds",
		(json_int_t)((e->loop->now - v->rec->start_mono) / 1000), "answered_by",
		v->rec->answered_by < v->rec->nleg ? v->rec->leg[v->rec->answered_by].name : "",
		"legs", rings);
}

json_t *view_calls(const struct api_env *e)
{
	json_t *list = json_array();
	struct call_view v;
	uint32_t at = 0;
	uint64_t id;

	while ((id = calls_each(e->calls, &at)))
		if (call_look(e->calls, id, &v) == OK)
			json_array_append_new(list, call_line(e, &v));
	return json_pack("{s:o}", "calls", list);
}

json_t *view_phones(const struct api_env *e)
{
	json_t *list = json_array();
	const struct dir_phone *p;

	for (uint32_t i = 0; (p = directory_phone_at(*e->directory, i)); i++) {
		struct registrar_contact c[REG_CONTACTS_MAX];
		int n = registrar_contacts(e->registrar, p->name, c, REG_CONTACTS_MAX);
		json_t *contacts = json_array();

		for (int k = 0; k < n; k++)
			json_array_append_new(contacts, json_pack("{s:o, s:s, s:o, s:o}", "contact",
				text(str_of(c[k].uri)), "at", c[k].dest.host, "expires",
				when(c[k].expires), "user_agent", text(str_of(c[k].user_agent))));
		json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:b, s:o}", "phone",
			text(p->name), "user", text(p->user), "auth_user", text(p->auth_user),
			"registered", n > 0, "contacts", contacts));
	}
	return json_pack("{s:o}", "phones", list);
}

json_t *view_users(const struct api_env *e)
{
	json_t *list = json_array();
	const struct dir_user *u;
	const struct dir_line *l;

	for (uint32_t i = 0; (u = directory_user_at(*e->directory, i)); i++) {
		json_t *lines = json_array();

		for (uint32_t k = 0; (l = directory_line_at(*e->directory, k)); k++)
			if (str_eq(l->user, u->name))
				json_array_append_new(lines, text(l->number));
		json_array_append_new(list, json_pack("{s:o, s:o, s:o}", "user", text(u->name),
			"display", text(u->display), "lines", lines));
	}
	return json_pack("{s:o}", "users", list);
}

json_t *view_status(const struct api_env *e)
{
	struct store_view s;
	struct sip_counts c;
	uint32_t open, free_pairs;

	store_look(e->store, &s);
	sip_counts(e->sip, &c);
	media_counts(e->media, &open, &free_pairs);
	return json_pack("{s:s, s:o, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:b, s:s, s:i}",
		"version", TANDEM_VERSION, "started", when(e->started), "calls",
		(int)calls_count(e->calls), "legs", (int)legs_count(e->legs), "sessions",
		(int)c.sessions, "transactions", (int)c.transactions, "dialogs", (int)c.dialogs,
		"connections", (int)c.flows, "media_ends", (int)open, "media_pairs_free",
		(int)free_pairs, "registrations", (int)registrar_total(e->registrar),
		"store_failing", s.failing, "store_why", s.why, "records_waiting", (int)s.pending);
}

static json_t *ladder_json(const struct api_env *e, uint64_t record)
{
	json_t *list = json_array();
	struct ladder l;
	char mem[512];
	struct buf b;

	buf_init(&b, mem, sizeof mem);
	ladder_start(&l, e->tap, record, NULL, NULL);
	while (json_array_size(list) < 400 && (buf_reset(&b), ladder_line(&l, &b))) {
		struct str s = buf_str(&b);

		while (s.n && s.p[s.n - 1] == '\n')
			s.n--;
		json_array_append_new(list, json_stringn(s.p, s.n));
	}
	return list;
}

static json_t *record_of(const struct call_record *r)
{
	char *mem = mem_new(RECORD_TEXT_MAX);
	struct buf b;
	json_t *j;

	buf_init(&b, mem, RECORD_TEXT_MAX);
	record_json(&b, r);
	j = json_loadb(mem, b.n, 0, NULL);
	mem_free(mem);
	return j ? j : json_null();
}

json_t *view_call(const struct api_env *e, uint64_t record)
{
	struct call_view v;
	uint32_t at = 0;
	uint64_t id;

	while ((id = calls_each(e->calls, &at)))
		if (call_look(e->calls, id, &v) == OK && v.record == record)
			return json_pack("{s:s, s:o, s:o}", "state", call_state_str(v.state),
					 "record", record_of(v.rec), "ladder", ladder_json(e, record));
	return NULL;
}

/* --- dial ------------------------------------------------------------------------- */

struct asker { const struct api_env *e; struct str css, remote, user; };

static int registered(void *ctx, struct str phone)
{
	const struct api_env *e = ctx;

	return registrar_count(e->registrar, phone);
}

/* Class of control of the number that dials: its line's phone, or the line's own space. */
static void who_asks(const struct api_env *e, struct str from, struct asker *a)
{
	const struct dir_line *l;

	*a = (struct asker){ .e = e };
	for (uint32_t i = 0; (l = directory_line_at(*e->directory, i)); i++) {
		const struct dir_phone *p;

		if (!str_eq(l->number, from) && !str_eq(l->e164, from))
			continue;
		p = l->nphones ? directory_phone(*e->directory, l->phone[0]) : NULL;
		a->css = p && p->css.n ? p->css : l->css;
		a->user = l->user;
		return;
	}
}

static json_t *target_json(const struct api_env *e, const struct dir_target *t)
{
	static const char *const kind[] = { [DIR_PHONE] = "phone", [DIR_ENDPOINT] = "trunk endpoint",
		[DIR_REMOTE] = "remote destination", [DIR_TRUNK] = "trunk" };
	json_t *trunks = json_array();
	int k;

	for (int i = 0; i < t->ntrunks; i++) {
		k = config_trunk_find(e->config, t->trunk[i]);
		json_array_append_new(trunks, json_pack("{s:o, s:s}", "trunk", text(t->trunk[i]),
			"state", k >= 0 ? trunk_state_str(trunk_verdict(e->trunk[k])) : "unknown"));
	}
	return json_pack("{s:s, s:o, s:o, s:I, s:I, s:I, s:o}", "kind", kind[t->kind], "name",
		text(t->name), "number", text(t->number), "delay_ms", (json_int_t)t->delay_ms,
		"too_soon_ms", (json_int_t)t->too_soon_ms, "too_late_ms", (json_int_t)t->too_late_ms,
		"trunks", trunks);
}

json_t *view_dial(const struct api_env *e, struct str from, struct str to)
{
	struct dir_plan *p = mem_new(sizeof *p);
	json_t *rings = json_array(), *why = json_array(), *out;
	struct asker who;
	struct dir_query q;
	struct arena a;

	arena_init(&a, PLAN_MAX);
	who_asks(e, from, &who);
	q = (struct dir_query){ .number = to, .css = who.css, .caller_user = who.user,
				.registered = registered, .ctx = (void *)(uintptr_t)e };
	directory_plan(*e->directory, &q, &a, p);
	for (int i = 0; i < p->n; i++)
		json_array_append_new(rings, target_json(e, &p->t[i]));
	for (int i = 0; i < p->nnotes; i++)
		json_array_append_new(why, sentence(&p->note[i]));
	out = json_pack("{s:o, s:o, s:o, s:o, s:i, s:I, s:o, s:o}", "from", text(from), "to", text(to),
		"css", text(who.css), "rings", rings, "status", p->n ? 0 : (int)p->status,
		"no_answer_ms", (json_int_t)p->no_answer_ms, "forward_to", text(p->forward_to), "why",
		why);
	arena_close(&a);
	mem_free(p);
	return out;
}
