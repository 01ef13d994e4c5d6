#include <stdlib.h>
#include <string.h>

#include "site/site.h"
#include "t_api.h"

#define NOON 1795435200000LL	/* 2026-11-23T12:00:00Z */

static const char config_text[] =
	"store: t.db\n"
	"runtime-dir: .\n"
	"control-socket: c.sock\n"
	"zones:\n"
	"  - { name: phones, kind: phones }\n"
	"  - { name: pbx, kind: pbx }\n"
	"listeners:\n"
	"  - { name: phones, zone: phones, transport: udp, bind: \"192.0.2.1:5060\", media-ports: 20000-20039 }\n"
	"  - { name: pbx, zone: pbx, transport: udp, bind: \"192.0.2.1:5080\", media-ports: 20040-20079 }\n"
	"trunks:\n"
	"  - { name: cucm, profile: cucm, listener: pbx, inbound-css: staff, trusted-identity: yes, max-calls: 9, hosts: [ \"192.0.2.10:5060\", \"192.0.2.11:5060\" ] }\n"
	"  - { name: spare, profile: generic, listener: pbx, options: no, hosts: [ \"192.0.2.20:5060\" ] }\n";

static const char site_text[] =
	"partitions: [ internal, out ]\n"
	"spaces:\n"
	"  - { name: staff, partitions: [ internal ] }\n"
	"  - { name: far, partitions: [ internal, out ] }\n"
	"users: [ { name: alice, display: Alice }, { name: bob } ]\n"
	"phones:\n"
	"  - { name: SEPA, user: alice, auth-user: \"1001\", password: secret }\n"
	"  - { name: SEPB, user: bob, auth-user: \"1002\", password: secret }\n"
	"lines:\n"
	"  - { number: \"1001\", partition: internal, user: alice, phones: [ SEPA ], css: staff }\n"
	"  - { number: \"1002\", partition: internal, user: bob, phones: [ SEPB ], css: far, e164: \"+4930555\", no-answer: 15, forward-no-answer: \"1001\" }\n"
	"  - { number: \"1003\", partition: internal, endpoints: [ \"7003@cucm\" ], css: far }\n"
	"patterns:\n"
	"  - { pattern: \"9.!\", partition: out, trunks: [ cucm, spare ], discard: predot }\n"
	"profiles:\n"
	"  - { name: bob-rdp, user: bob, reroute-css: far, lines: [ \"1002\" ] }\n"
	"remotes:\n"
	"  - { name: bob-mobile, profile: bob-rdp, number: \"95551234\", delay: 2500 }\n";

static void make_trunks(struct bed *b)
{
	for (int i = 0; i < b->config->ntrunks; i++) {
		const struct config_trunk *t = &b->config->trunk[i];
		struct trunk_setup u = { .name = t->name, .profile = trunk_profile(t->profile),
					 .nhosts = t->nhosts, .enabled = true, .monitored = t->options };

		for (int k = 0; k < t->nhosts; k++) {
			u.host[k].name = t->host[k].host;
			u.host[k].port = t->host[k].port;
		}
		b->trunk[i] = trunk_new(&u);
	}
}

static const char *listener_name(void *ctx, uint32_t i)
{
	(void)ctx;
	return i ? "pbx" : "phones";
}

static int listener_index(void *ctx, const char *name)
{
	(void)ctx;
	return strcmp(name, "phones") ? 1 : 0;
}

static void flush(struct bed *b)
{
	store_turn(b->store);
	sim_for(b->loop, 2 * STORE_RETRY_MS);
	store_turn(b->store);
}

static void make_registrar(struct bed *b)
{
	struct registrar_config c = { .loop = b->loop, .store = b->store,
		.directory = (struct directory *const *)&b->directory, .realm = "t", .min_s = 60,
		.max_s = 3600, .contacts = 10, .listener_name = listener_name,
		.listener_index = listener_index };
	struct reg_row r = { .phone = "SEPB", .contact = "sip:1002@192.0.2.50:5062",
		.source = "192.0.2.50:5062", .listener = "phones", .transport = "udp",
		.call_id = "r1", .cseq = 1, .since_wall = NOON, .expires_wall = NOON + 3600000,
		.user_agent = "Desk\x1b[31mPhone" };

	store_reg_put(b->store, &r);
	flush(b);
	b->registrar = registrar_new(&c);
	registrar_load(b->registrar);
}

struct change { struct bed *bed; char *text; size_t n; struct findings fs; bool good; };

static void *apply_new(void *ctx, struct str text, const char *file)
{
	struct change *c = mem_new(sizeof *c);

	(void)file;
	c->bed = ctx;
	c->text = mem_dup(text.p, text.n);
	c->n = text.n;
	return c;
}

static enum err apply_run(struct db *db, void *job)
{
	struct change *c = job;
	struct directory *d = site_read((struct str){ c->text, c->n }, "x.yaml", c->bed->config, &c->fs);

	(void)db;
	c->good = d != NULL;
	directory_free(d);
	return OK;
}

static void apply_end(void *ctx, void *job, struct findings *fs)
{
	struct bed *b = ctx;
	struct change *c = job;

	if (c->good) {
		mem_free(b->site);
		b->site = c->text;
	} else {
		mem_free(c->text);
	}
	*fs = c->fs;
	mem_free(c);
}

static enum err export_site(void *ctx, struct buf *out)
{
	struct bed *b = ctx;

	if (!b->site)
		return ERR_GONE;
	buf_lit(out, b->site);
	return OK;
}

static void stop(void *ctx)
{
	((struct bed *)ctx)->stops++;
}

static void fill_env(struct bed *b)
{
	b->env = (struct api_env){ .loop = b->loop, .config = b->config,
		.directory = (struct directory *const *)&b->directory, .calls = b->calls,
		.registrar = b->registrar, .route = b->route, .trunk = b->trunk,
		.store = b->store, .map = b->map, .tap = b->tap, .started = NOON,
		.apply_new = apply_new, .apply_run = apply_run, .apply_end = apply_end,
		.export_site = export_site, .stop = stop, .ctx = b };
}

static void must(bool good, const struct findings *fs)
{
	if (good)
		return;
	for (int i = 0; i < fs->n; i++)
		print_error("%u:%u %s\n", fs->f[i].line, fs->f[i].col, fs->f[i].text);
	abort();
}

struct bed *bed_new(void)
{
	struct findings *fs = mem_new(sizeof *fs);
	struct bed *b = mem_new(sizeof *b);
	struct map_config mc = { .slots = 8, .ring_bytes = 1 << 20, .wall = NOON };
	struct store_config sc = { .path = ":memory:", .inline_mode = true };
	struct route_config rc;
	struct calls_config cc;
	struct map_news news;

	b->loop = sim_new(7);
	sim_wall(b->loop, NOON);
	b->config = config_parse(str_of(config_text), "tandem.yaml", fs);
	must(b->config, fs);
	b->directory = site_read(str_of(site_text), "site.yaml", b->config, fs);
	must(b->directory, fs);
	make_trunks(b);
	mc.rng = &b->loop->rng;
	must(map_open(&b->map, &mc, &news, NULL) == OK, fs);
	sc.loop = b->loop;
	sc.map = b->map;
	must(store_open(&b->store, &sc, NULL) == OK, fs);
	make_registrar(b);
	rc = (struct route_config){ .loop = b->loop, .config = b->config,
				    .directory = (struct directory *const *)&b->directory,
				    .registrar = b->registrar, .trunk = b->trunk };
	b->route = route_new(&rc);
	cc = (struct calls_config){ .loop = b->loop, .map = b->map, .max = 8 };
	b->calls = calls_new(&cc);
	b->tap = tap_new(1 << 16);
	fill_env(b);
	mem_free(fs);
	return b;
}

void bed_free(struct bed *b)
{
	calls_free(b->calls);
	route_free(b->route);
	registrar_free(b->registrar);
	store_close(b->store);
	map_close(b->map);
	tap_free(b->tap);
	for (int i = 0; i < b->config->ntrunks; i++)
		trunk_free(b->trunk[i]);
	directory_free(b->directory);
	config_free(b->config);
	sim_free(b->loop);
	mem_free(b->site);
	mem_free(b);
}

uint64_t bed_record(struct bed *b, const char *calling, const char *called, const char *reason)
{
	struct call_record *r = mem_new(sizeof *r);
	struct record_leg *leg;
	uint64_t id = map_id(b->map, b->loop->wall);

	record_init(r, id);
	(void)str_copy(r->calling, sizeof r->calling, str_of(calling));
	(void)str_copy(r->called, sizeof r->called, str_of(called));
	(void)str_copy(r->reason, sizeof r->reason, str_of(reason));
	(void)str_copy(r->caller, sizeof r->caller, STR("SEPA"));
	(void)str_copy(r->caller_call_id, sizeof r->caller_call_id, STR("in@test"));
	r->caller_phone = 1;
	r->start_wall = r->end_wall = b->loop->wall;
	leg = record_add_leg(r);
	(void)str_copy(leg->name, sizeof leg->name, STR("SEPB"));
	(void)str_copy(leg->call_id, sizeof leg->call_id, STR("out@test"));
	leg->start_wall = r->start_wall;
	record_add_note(r, 0, &REASON(LINE_FOUND, str_of(called), str_of(called), STR("internal")));
	map_finish(b->map, r);
	mem_free(r);
	flush(b);
	return id;
}

enum cmd_result bed_run(struct bed *b, struct cmd_call *c, const char *name, ...)
{
	const struct cmd *cmd = cmd_find(str_of(name));
	struct store_event ev;
	enum cmd_result r;
	const char *arg;
	va_list ap;

	assert_non_null(cmd);
	c->env = &b->env;
	va_start(ap, name);
	while ((arg = va_arg(ap, const char *)) && c->narg < CMD_ARGS) {
		c->arg[c->narg].name = arg;
		c->arg[c->narg++].value = va_arg(ap, const char *);
	}
	va_end(ap);
	r = cmd_run(cmd, c, 77);
	if (r != CMD_LATER)
		return r;
	while (store_next(b->store, &ev))
		if (ev.owner == 77 && (ev.arg == c->query || ev.arg == c->change))
			return cmd_finish(cmd, c, ev.err);
	fail_msg("the store gave no answer");
	return r;
}

const char *at(const json_t *j, const char *path)
{
	static char text[64];
	struct str rest = str_of(path), key;
	struct buf b;

	while (j && rest.p) {
		char name[64];
		uint32_t i;

		if (!str_cut(rest, '.', &key, &rest))
			rest = STR_NONE;
		if (str_u32(key, 9999, &i) == OK)
			j = json_array_get(j, i);
		else if (str_copy(name, sizeof name, key))
			j = json_object_get(j, name);
	}
	if (json_is_string(j))
		return json_string_value(j);
	buf_init(&b, text, sizeof text);
	if (json_is_integer(j))
		buf_fmt(&b, "%lld", (long long)json_integer_value(j));
	else
		buf_lit(&b, json_is_true(j) ? "true" : json_is_false(j) ? "false"
			    : json_is_null(j) ? "null" : "?");
	return buf_z(&b);
}
