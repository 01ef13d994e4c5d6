#include "api/view.h"

#include "base/when.h"
#include "directory/index.h"
#include "service/bans.h"

/* --- trunks ----------------------------------------------------------------------- */

static json_t *host_json(const struct trunk *t, int i, int used)
{
	const struct trunk_host *h = trunk_host_at(t, i);
	char cucm[16];

	return json_pack("{s:o, s:i, s:s, s:o, s:o, s:o, s:s, s:b}", "host", js_text(h->name), "port",
			 (int)h->port, "state", trunk_state_str(h->state), "since",
			 js_when(h->since_wall), "reason", js_word(&h->why), "text",
			 js_sentence(&h->why), "cucm", trunk_cucm_code(&h->why, cucm),
			 "in_use", i == used);
}

static bool over_trunk(const struct call_record *r, struct str trunk)
{
	if (!r->caller_phone && str_is(trunk, r->caller))
		return true;
	for (int i = 0; i < r->nleg; i++)
		if (!r->leg[i].end_wall && str_is(trunk, r->leg[i].trunk))
			return true;
	return false;
}

/* How many calls are over each trunk, by the configuration's index; each call is looked at once. */
static void count_calls(const struct api_env *e, int *over)
{
	struct call_view v;
	uint32_t at = 0;
	uint64_t id;

	while ((id = calls_each(e->calls, &at)))
		if (call_look(e->calls, id, &v) == OK)
			for (int i = 0; i < e->config->ntrunks; i++)
				over[i] += over_trunk(v.rec, trunk_name(e->trunk[i]));
}

/* NULL: it does not register. */
static json_t *registration_json(const struct trunk *t)
{
	const struct trunk_host *r = trunk_registration(t);

	if (!r)
		return NULL;
	return json_pack("{s:s, s:o, s:o, s:o}", "state", trunk_state_str(r->state), "since",
			 js_when(r->since_wall), "reason", js_word(&r->why), "text",
			 js_sentence(&r->why));
}

static json_t *trunk_json(const struct api_env *e, int i, int calls)
{
	const struct trunk *t = e->trunk[i];
	struct reason why = trunk_why(t), no_host;
	int used = trunk_pick(t, e->loop->now, 0, &no_host);
	json_t *hosts = json_array();
	int64_t since = 0;

	for (int k = 0; k < trunk_nhosts(t); k++) {
		const struct trunk_host *h = trunk_host_at(t, k);

		since = h->since_wall > since ? h->since_wall : since;
		json_array_append_new(hosts, host_json(t, k, used));
	}
	return json_pack("{s:o, s:s, s:s, s:o, s:o, s:o, s:i, s:i, s:o*, s:o}", "trunk",
			 js_text(trunk_name(t)), "profile", trunk_profile_of(t)->name, "state",
			 trunk_state_str(trunk_verdict(t)), "since", js_when(since), "reason",
			 js_word(&why), "text", js_sentence(&why), "calls", calls,
			 "max_calls", (int)e->config->trunk[i].max_calls, "registration", registration_json(t),
			 "hosts", hosts);
}

/* TLS peers that got no further than the handshake, per listener. */
static json_t *refused_json(const struct api_env *e)
{
	json_t *list = json_array();
	struct refusal_view v;

	for (int i = 0; e->refusals && i < e->config->nlisteners; i++)
		if (refusals_look(e->refusals, (uint32_t)i, &v))
			json_array_append_new(list, json_pack("{s:o, s:I, s:o, s:o, s:o, s:o}",
				"listener", js_text(e->config->listener[i].name), "count",
				(json_int_t)v.count, "last", js_when(v.at), "peer",
				js_addr(&v.peer), "reason", js_word(&v.why), "text",
				js_sentence(&v.why)));
	return list;
}

json_t *view_trunks(const struct api_env *e)
{
	json_t *list = json_array();
	int over[CONFIG_TRUNKS] = { 0 };

	count_calls(e, over);
	for (int i = 0; i < e->config->ntrunks; i++)
		json_array_append_new(list, trunk_json(e, i, over[i]));
	return json_pack("{s:o, s:o}", "trunks", list, "refused", refused_json(e));
}

/* --- calls ------------------------------------------------------------------------- */

static json_t *call_line(const struct api_env *e, const struct call_view *v)
{
	const struct call_record *r = v->rec;
	const struct record_leg *by = r->answered_by < r->nleg ? &r->leg[r->answered_by] : NULL;
	json_t *legs = json_array();

	for (int i = 0; i < r->nleg; i++)
		json_array_append_new(legs, js_z(r->leg[i].name));
	return json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o}", "id", js_id(v->record),
			 "state", call_state_str(v->state), "calling", js_z(r->calling), "called",
			 js_z(r->called), "from", js_z(r->caller), "line", js_z(r->line),
			 "started", js_when(r->start_wall), "answered", js_when(r->answer_wall),
			 "seconds", (json_int_t)((e->loop->now - r->start_mono) / 1000),
			 "answered_by", js_z(by ? by->name : ""), "legs", legs);
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

/* --- people ------------------------------------------------------------------------- */

/* A site's rows by whom they belong to, grouped once for an answer: it runs in the loop. */
struct groups { struct dir_index line, phone, remote; };

static void groups_close(struct groups *g)
{
	dir_index_close(&g->line);
	dir_index_close(&g->phone);
	dir_index_close(&g->remote);
}

static void group_by_user(struct groups *g, const struct directory *d)
{
	const struct dir_profile *o;
	const struct dir_remote *r;
	const struct dir_phone *p;
	const struct dir_line *l;

	for (uint32_t i = 0; (l = directory_line_at(d, i)); i++)
		dir_index_add(&g->line, l->user, i);
	for (uint32_t i = 0; (p = directory_phone_at(d, i)); i++)
		dir_index_add(&g->phone, p->user, i);
	for (uint32_t i = 0; (r = directory_remote_at(d, i)); i++) {
		o = directory_profile(d, r->profile);
		if (o)
			dir_index_add(&g->remote, o->user, i);
	}
}

static bool rings(const struct dir_line *l, int n, struct str phone)
{
	for (int i = 0; i < n; i++)
		if (str_eq(l->phone[i], phone))
			return true;
	return false;
}

/* A line that names a phone twice is one of its lines once. */
static void group_by_phone(struct groups *g, const struct directory *d)
{
	const struct dir_line *l;

	for (uint32_t i = 0; (l = directory_line_at(d, i)); i++)
		for (int k = 0; k < l->nphones; k++)
			if (!rings(l, k, l->phone[k]))
				dir_index_add(&g->line, l->phone[k], i);
}

static json_t *contacts_of(const struct api_env *e, struct str phone, int *n)
{
	struct registrar_contact *c = mem_array(REG_CONTACTS_MAX, sizeof *c);
	json_t *list = json_array();

	*n = registrar_contacts(e->registrar, phone, c, REG_CONTACTS_MAX);
	for (int k = 0; k < *n; k++)
		json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:o, s:o}", "contact",
			js_z(c[k].uri), "source", js_addr(&c[k].source), "since",
			js_when(c[k].since), "expires", js_when(c[k].expires), "user_agent",
			js_z(c[k].user_agent)));
	mem_free(c);
	return list;
}

static json_t *phone_json(const struct api_env *e, const struct groups *g, const struct dir_phone *p)
{
	json_t *lines = json_array(), *contacts;
	struct dir_hit h = dir_index_find(&g->line, p->name);
	const struct dir_line *l;
	uint32_t i;
	int n;

	while (dir_index_next(&h, &i)) {
		l = directory_line_at(*e->directory, i);
		if (rings(l, l->nphones, p->name))
			json_array_append_new(lines, js_text(l->number));
	}
	contacts = contacts_of(e, p->name, &n);
	return json_pack("{s:o, s:o, s:o, s:o, s:b, s:o}", "phone", js_text(p->name), "user",
			 js_text(p->user), "auth_user", js_text(p->auth_user), "lines", lines,
			 "registered", n > 0, "contacts", contacts);
}

json_t *view_phones(const struct api_env *e)
{
	json_t *list = json_array();
	const struct dir_phone *p;
	struct groups g = { 0 };

	group_by_phone(&g, *e->directory);
	for (uint32_t i = 0; (p = directory_phone_at(*e->directory, i)); i++)
		json_array_append_new(list, phone_json(e, &g, p));
	groups_close(&g);
	return json_pack("{s:o}", "phones", list);
}

static json_t *lines_of(const struct api_env *e, const struct groups *g, struct str user)
{
	struct dir_hit h = dir_index_find(&g->line, user);
	json_t *list = json_array();
	const struct dir_line *l;
	uint32_t i;

	while (dir_index_next(&h, &i)) {
		l = directory_line_at(*e->directory, i);
		if (str_eq(l->user, user))
			json_array_append_new(list, json_pack("{s:o, s:o, s:o}", "number",
				js_text(l->number), "partition", js_text(l->partition), "e164",
				js_text(l->e164)));
	}
	return list;
}

static json_t *phones_of(const struct api_env *e, const struct groups *g, struct str user)
{
	struct dir_hit h = dir_index_find(&g->phone, user);
	json_t *list = json_array();
	const struct dir_phone *p;
	uint32_t i;

	while (dir_index_next(&h, &i)) {
		p = directory_phone_at(*e->directory, i);
		if (str_eq(p->user, user))
			json_array_append_new(list, json_pack("{s:o, s:b}", "phone", js_text(p->name),
				"registered", registrar_count(e->registrar, p->name) > 0));
	}
	return list;
}

static json_t *remotes_of(const struct api_env *e, const struct groups *g, struct str user)
{
	struct dir_hit h = dir_index_find(&g->remote, user);
	json_t *list = json_array();
	const struct dir_remote *r;
	uint32_t i;

	while (dir_index_next(&h, &i)) {
		r = directory_remote_at(*e->directory, i);
		if (str_eq(directory_profile(*e->directory, r->profile)->user, user))
			json_array_append_new(list, json_pack("{s:o, s:o, s:b}", "remote",
				js_text(r->name), "number", js_text(r->number), "enabled",
				r->enabled));
	}
	return list;
}

static json_t *user_json(const struct api_env *e, const struct groups *g, const struct dir_user *u)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "user", js_text(u->name), "display",
			 js_name(u->display), "lines", lines_of(e, g, u->name), "phones",
			 phones_of(e, g, u->name), "remotes", remotes_of(e, g, u->name));
}

json_t *view_users(const struct api_env *e)
{
	json_t *list = json_array();
	const struct dir_user *u;
	struct groups g = { 0 };

	group_by_user(&g, *e->directory);
	for (uint32_t i = 0; (u = directory_user_at(*e->directory, i)); i++)
		json_array_append_new(list, user_json(e, &g, u));
	groups_close(&g);
	return json_pack("{s:o}", "users", list);
}

/* --- the daemon itself ----------------------------------------------------------------- */

static void put(json_t *o, const char *name, uint64_t v)
{
	json_object_set_new(o, name, json_integer((json_int_t)v));
}

static void put_store(json_t *o, const struct api_env *e)
{
	struct store_view s;

	store_look(e->store, &s);
	put(o, "records_written", s.written);
	put(o, "records_waiting", s.pending);
	put(o, "records_in_memory_only", s.waiting);
	put(o, "records_lost", s.lost);
	put(o, "calls_unsafe", s.unsafe);
	json_object_set_new(o, "store_failing", json_boolean(s.failing));
	json_object_set_new(o, "store_since", js_when(s.failing ? s.since : 0));
	json_object_set_new(o, "store_slow", json_boolean(s.slow));
	json_object_set_new(o, "store_text", js_z(s.why));
}

/* --- the guard --- */

struct guard_list { json_t *list; const struct loop *loop; };

static bool one_source(void *ctx, const struct source_view *v)
{
	static const char *const state[SOURCE_NSTATE] = { "stranger", "held", "banned", "proven" };
	struct guard_list *g = ctx;
	char net[64];
	struct buf b;
	ms_t left = v->until > g->loop->now ? v->until - g->loop->now : 0;

	buf_init(&b, net, sizeof net);
	bans_net(&b, v);
	json_array_append_new(g->list, json_pack("{s:s, s:s, s:o, s:I, s:i, s:I, s:s}", "source", buf_z(&b),
		"state", state[v->state], "until", js_when(g->loop->wall + (wall_t)left), "seconds_left",
		(json_int_t)(left / 1000), "bans", (int)v->bans, "dropped", (json_int_t)v->dropped, "why",
		v->scanner ? "scanner" : v->bans ? "no right password" : "too many requests without credentials"));
	return json_array_size(g->list) < GUARD_LIST_MAX;
}

/* Since when, how many, why, and what to do; nothing when there was none. */
static void overload_text(struct buf *b, const struct overload_view *v, int64_t since)
{
	if (!since)
		return;
	buf_fmt(b, v->rate ? "Overloaded since " : "The last overload began at ");
	when_iso(b, since);
	buf_fmt(b, v->rate ? ": " : " and is over: ");
	buf_fmt(b, "%llu new calls were refused with 503", (unsigned long long)v->refused_now);
	if (!v->rate) {
		buf_fmt(b, ".");
		return;
	}
	buf_fmt(b, ", %u a second are let in, because what comes waits %u ms to be read%s. Calls that are up go on. Look at who "
		"sends so much (tandem show guard, tandem show calls) and at what else runs on this machine; if neither is to "
		"blame, it needs a faster one or a second one.", (unsigned)(v->rate / 1000), (unsigned)v->delay_ms,
		v->lost ? " and some of it is lost before that" : "");
}

void view_overload(json_t *o, const struct api_env *e, const struct overload_view *v)
{
	int64_t since = v->since ? (int64_t)(e->loop->wall - (wall_t)(e->loop->now - v->since)) : 0;
	char text[600];
	struct buf b;

	buf_init(&b, text, sizeof text);
	overload_text(&b, v, since);
	json_object_set_new(o, "overloaded", json_boolean(v->rate > 0));
	json_object_set_new(o, "overload_since", js_when(since));
	json_object_set_new(o, "overload_text", js_z(buf_z(&b)));
}

json_t *view_guard(const struct api_env *e)
{
	struct guard_list g = { json_array(), e->loop };
	struct source_counts c = { 0 };
	struct sip_counts n = { 0 };
	json_t *o;

	if (e->sip) {
		sip_sources(e->sip, &c, one_source, &g);
		sip_counts(e->sip, &n);
	}
	o = json_pack("{s:b, s:o}", "on", e->config->guard_rate > 0, "sources", g.list);
	put(o, "strangers", c.strangers);
	put(o, "proven", c.proven);
	put(o, "dropped", c.dropped);
	put(o, "holds", c.holds);
	put(o, "bans", c.bans);
	view_overload(o, e, &n.overload);
	put(o, "overload_rate", n.overload.rate / 1000);
	put(o, "overload_delay_ms", n.overload.delay_ms);
	put(o, "overload_refused", n.overload.refused);
	put(o, "overload_refused_now", n.overload.refused_now);
	put(o, "overload_stale", n.overload.stale);
	return o;
}

static uint64_t without_sni(const struct api_env *e)
{
	uint64_t n = 0;

	for (int i = 0; e->tls && i < e->config->ncerts; i++)
		n += e->tls[i] ? tls_ctx_without_sni(e->tls[i]) : 0;
	return n;
}

json_t *view_status(const struct api_env *e)
{
	json_t *o = json_pack("{s:s, s:o}", "version", TANDEM_VERSION, "started",
			      js_when(e->started));
	uint32_t open = 0, free_pairs = 0;
	struct sip_counts c = { 0 };

	if (e->sip)
		sip_counts(e->sip, &c);
	if (e->media)
		media_counts(e->media, &open, &free_pairs);
	put(o, "calls", calls_count(e->calls));
	put(o, "call_arena_bytes", calls_arena_bytes(e->calls));
	put(o, "heap_bytes", mem_in_use());
	put(o, "legs", e->legs ? legs_count(e->legs) : 0);
	put(o, "sessions", c.sessions);
	put(o, "transactions", c.transactions);
	put(o, "dialogs", c.dialogs);
	put(o, "connections", c.flows);
	put(o, "messages_received", c.received);
	put(o, "messages_sent", c.sent);
	put(o, "messages_refused", c.refused);
	put(o, "messages_dropped", c.dropped);
	put(o, "calls_refused_overload", c.overload.refused);
	view_overload(o, e, &c.overload);
	put(o, "media_ends", open);
	put(o, "media_pairs_free", free_pairs);
	put(o, "handshakes_refused", e->refusals ? refusals_total(e->refusals) : 0);
	put(o, "handshakes_without_name", without_sni(e));
	put(o, "registrations", registrar_total(e->registrar));
	put(o, "connections_refused_files", e->loop->no_files);
	put(o, "log_lines_lost", logsink_lost(e->log));
	put_store(o, e);
	return o;
}
