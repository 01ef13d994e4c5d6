#include <stdio.h>
#include <string.h>

#include "sim/flow.h"

/* A file, line by line. */

static void at_text(const struct flow_args *a, int i, uint16_t port, struct addr *out, struct flow *f)
{
	if (i >= a->n || addr_parse(str_of(a->v[i]), port, out))
		flow_fail(f, "an address is missing");
}

static void do_config(struct flow *f, const struct flow_args *a)
{
	(void)a;
	(void)flow_standard_config(f);
	(void)flow_standard_site(f);
}

static void do_peer(struct flow *f, const struct flow_args *a)
{
	struct flow_peer *p = flow_peer_new(f, a);

	if (p && f->started && !f->why[0])
		flow_register(p);
}

static void do_set(struct flow *f, const struct flow_args *a)
{
	const char *rest = a->n > 2 ? strstr(f->text, a->v[1]) : NULL;
	char text[600];

	if (!rest) {
		flow_fail(f, "write: set NAME setting: value");
		return;
	}
	rest += strlen(a->v[1]);
	rest += strspn(rest, " ");
	flow_put(text, sizeof text, "%.*s", (int)strcspn(rest, "\n"), rest);
	flow_set(f, a->v[1], text);
}

static void do_add(struct flow *f, const struct flow_args *a)
{
	const char *rest = a->n > 2 ? strstr(f->text, a->v[1]) : NULL;
	char text[900];

	if (!rest) {
		flow_fail(f, "write: add SECTION entry");
		return;
	}
	rest += strlen(a->v[1]);
	rest += strspn(rest, " ");
	flow_put(text, sizeof text, "%.*s", (int)strcspn(rest, "\n"), rest);
	flow_add(f, a->v[1], text);
}

static void do_start(struct flow *f, const struct flow_args *a)
{
	(void)f;
	(void)a;		/* the server starts before this is done */
}

static void do_wait(struct flow *f, const struct flow_args *a)
{
	(void)flow_run_until(f, f->loop->now + flow_number(a->n > 1 ? a->v[1] : NULL, 0), NULL);
}

static void do_net(struct flow *f, const struct flow_args *a)
{
	struct sim_options o = { .loss = flow_number(flow_arg(a, "loss"), 0),
				 .duplicate = flow_number(flow_arg(a, "dup"), 0),
				 .reorder = flow_number(flow_arg(a, "reorder"), 0),
				 .delay = flow_number(flow_arg(a, "delay"), 1) };

	sim_set(f->loop, &o);
}

/* dns NAME ADDRESS|none|silent [ttl=s], dns NAME srv PRIORITY WEIGHT PORT TARGET ...,
 * dns NAME naptr ORDER PREFERENCE SERVICE TARGET ... */
static void dns_records(struct flow *f, const struct flow_args *a, enum dns_type t,
			struct dns_result *r)
{
	for (int i = 3; i + 3 < a->n && r->n < DNS_MAX_RESULTS; i += 4) {
		struct dns_rr *rr = &r->rr[r->n++];

		rr->priority = (uint16_t)flow_number(a->v[i], 0);
		rr->weight = (uint16_t)flow_number(a->v[i + 1], 0);
		rr->flag = 's';
		if (t == DNS_SRV)
			rr->port = (uint16_t)flow_number(a->v[i + 2], 0);
		else
			flow_put(rr->service, sizeof rr->service, "%s", a->v[i + 2]);
		flow_put(rr->target, sizeof rr->target, "%s", a->v[i + 3]);
	}
	sim_dns(f->loop, a->v[1], t, r);
}

static void do_dns(struct flow *f, const struct flow_args *a)
{
	struct dns_result r = { .n = 0, .ttl = flow_number(flow_arg(a, "ttl"), 3600) * 1000ull };
	const char *to = a->n > 2 ? a->v[2] : "none";

	if (!strcmp(to, "srv") || !strcmp(to, "naptr")) {
		dns_records(f, a, !strcmp(to, "srv") ? DNS_SRV : DNS_NAPTR, &r);
		return;
	}
	if (!strcmp(to, "silent"))
		r = (struct dns_result){ .err = ERR_TIMEOUT };
	for (int i = 2; !r.err && i < a->n && r.n < DNS_MAX_RESULTS; i++)
		if (addr_parse_ip(str_of(a->v[i]), &r.rr[r.n].addr) == OK)
			r.n++;
	if (!r.err && !r.n)
		r = (struct dns_result){ .err = ERR_GONE };
	sim_dns(f->loop, a->n > 1 ? a->v[1] : "", DNS_ADDR4, &r);
}

static void do_reach(struct flow *f, const struct flow_args *a)
{
	static const char *const word[] = { "open", "refused", "silent", "unreachable" };
	struct addr at = { 0 };

	at_text(a, 1, 0, &at, f);
	for (int i = 0; i < 4; i++)
		if (a->n > 2 && !strcmp(a->v[2], word[i]))
			sim_reach(f->loop, &at, (enum sim_reach)i);
}

static void do_cut(struct flow *f, const struct flow_args *a)
{
	struct addr at = { 0 };

	at_text(a, 1, 0, &at, f);
	sim_cut(f->loop, &at, a->n > 2 && !strcmp(a->v[2], "silent") ? NET_FAIL_TIMEOUT : NET_FAIL_RESET);
}

/* jump MS: the wall clock, and it alone. */
static void do_jump(struct flow *f, const struct flow_args *a)
{
	const char *by = a->n > 1 ? a->v[1] : "0";
	wall_t ms = (wall_t)flow_number(*by == '-' ? by + 1 : by, 0);

	sim_wall(f->loop, f->loop->wall + (*by == '-' ? -ms : ms));
}

/* medialost: the media process dies and is started again. */
static void do_medialost(struct flow *f, const struct flow_args *a)
{
	(void)a;
	media_lose(server_env(f->server)->media);
	server_turn(f->server);
}

static void do_restart(struct flow *f, const struct flow_args *a)
{
	(void)a;
	flow_restart(f);
}

static void do_option(struct flow *f, const struct flow_args *a)
{
	struct flow_peer *p = a->n > 2 ? flow_peer_of(f, a->v[1]) : NULL;
	bool on = a->n < 4 || strcmp(a->v[3], "off") != 0;

	if (!p)
		flow_fail(f, "write: option PEER WORD [off]");
	else if (!strcmp(a->v[2], "mute"))
		p->mute = on;
	else if (!strcmp(a->v[2], "no487"))
		p->no487 = on;
	else if (!strcmp(a->v[2], "no100"))
		p->no100 = on;
	else if (!strcmp(a->v[2], "noauto"))
		p->noauto = on;
	else if (!strcmp(a->v[2], "no-options"))
		p->silent_options = on;
	else if (!strncmp(a->v[2], "options=", 8))
		p->options_status = (int)flow_number(a->v[2] + 8, 200);
	else
		flow_fail(f, "the option %s is not known", a->v[2]);
}

/* closed PEER N: so many of its connections have ended. */
static void do_closed(struct flow *f, const struct flow_args *a)
{
	struct flow_peer *p = a->n > 2 ? flow_peer_of(f, a->v[1]) : NULL;

	if (!p || p->closed != (unsigned)flow_number(a->v[2], 0))
		flow_fail(f, "%s: %u connections were closed", a->n > 1 ? a->v[1] : "closed", p ? p->closed : 0);
}

/* options PEER N: how often it was pinged so far. */
static void do_options(struct flow *f, const struct flow_args *a)
{
	struct flow_peer *p = a->n > 2 ? flow_peer_of(f, a->v[1]) : NULL;

	if (!p || p->options_seen != flow_number(a->v[2], 0))
		flow_fail(f, "%s got %u OPTIONS", a->n > 1 ? a->v[1] : "?", p ? p->options_seen : 0);
}

static const struct { const char *word; bool before; void (*fn)(struct flow *, const struct flow_args *); }
step[] = {
	{ "config", true, do_config }, { "peer", true, do_peer }, { "set", true, do_set },
	{ "add", true, do_add }, { "dns", true, do_dns }, { "reach", true, do_reach },
	{ "option", true, do_option }, { "start", false, do_start }, { "wait", false, do_wait },
	{ "net", false, do_net }, { "cut", false, do_cut }, { "restart", false, do_restart },
	{ "jump", false, do_jump }, { "medialost", false, do_medialost },
	{ "media", false, flow_media_step }, { "heard", false, flow_heard }, { "saw", false, flow_saw }, { "cdr", false, flow_cdr }, { "leg", false, flow_leg },
	{ "note", false, flow_note }, { "trunk", false, flow_trunk }, { "options", false, do_options }, { "closed", false, do_closed },
	{ "counts", false, flow_counts }, { "show", false, flow_show },
};

/* NAME > ... or NAME < ... */
static void ladder_step(struct flow *f, const struct flow_args *a)
{
	struct flow_peer *p = flow_peer_of(f, a->v[0]);
	const char *at = strchr(a->v[0], '/');
	unsigned i = at ? flow_number(at + 1, 0) : 0;
	bool out = a->n > 1 && !strcmp(a->v[1], ">");
	struct flow_dialog *d = NULL;
	struct flow_args rest;

	if (!p || a->n < 3 || (!out && strcmp(a->v[1], "<") != 0)) {
		flow_fail(f, "this line is no step: %s", a->v[0]);
		return;
	}
	if (i && i <= (unsigned)p->ndialogs)
		d = p->dialog[i - 1];
	else if (i) {
		flow_fail(f, "%s has no call %u", p->name, i);
		return;
	}
	flow_tail(a, out ? ">" : "<", &rest);
	if (out)
		flow_send(p, d ? d : p->now, &rest);
	else
		flow_expect(p, d, &rest);
}

static void do_words(struct flow *f, struct flow_args *a)
{
	if (a->v[0][0] == '+') {
		ms_t ms = flow_number(a->v[0] + 1, 0);

		if (!flow_start(f))
			return;
		(void)flow_run_until(f, f->loop->now + ms, NULL);
		for (int i = 1; i < a->n; i++)
			a->v[i - 1] = a->v[i];
		if (!--a->n)
			return;
	}
	for (size_t i = 0; i < sizeof step / sizeof *step; i++)
		if (!strcmp(a->v[0], step[i].word)) {
			if (step[i].before || flow_start(f))
				step[i].fn(f, a);
			return;
		}
	if (flow_start(f))
		ladder_step(f, a);
}

static void run_lines(struct flow *f, FILE *in)
{
	char line[2000];
	struct flow_args a;

	while (!f->why[0] && fgets(line, sizeof line, in)) {
		f->line++;
		f->text = line;
		flow_split(line, &a);
		if (a.n)
			do_words(f, &a);
	}
	if (!f->why[0] && flow_start(f)) {
		(void)flow_run_until(f, f->loop->now + FLOW_WAIT_MS, NULL);
		flow_expect_rest(f);
	}
}

static void any_lines(struct flow *f, const char *text, size_t n)
{
	struct str rest = { text, n }, line;
	struct flow_args a;
	char z[2000];

	while (rest.p && rest.n) {
		(void)str_cut(rest, '\n', &line, &rest);
		if (!str_copy(z, sizeof z, line))
			continue;
		f->line++;
		f->text = z;
		flow_split(z, &a);
		if (a.n)
			do_words(f, &a);
		f->why[0] = 0;		/* not now: then not */
	}
}

static void begin(struct flow *f, const char *file)
{
	f->file = file;
	f->loop = sim_new(1);
	f->t0 = f->loop->now;
	do_config(f, NULL);
	flow_standard_names(f);
}

static bool finish(struct flow *f, char *why, size_t cap)
{
	struct buf b;
	bool ok = !f->why[0];

	buf_init(&b, why, cap);
	buf_fmt(&b, "%s\n", f->why);
	if (!ok)
		flow_ladder_write(f, &b);
	(void)buf_z(&b);
	flow_close(f);
	mem_free(f);
	return ok;
}

bool flow_run_any(const char *text, size_t n, char *why, size_t cap)
{
	struct reason enough = REASON(SHUTDOWN);
	struct flow *f = mem_new(sizeof *f);

	begin(f, "any");
	any_lines(f, text, n);
	if (flow_start(f)) {
		/* INVITEs of peers may still be repeated for 32 s (RFC 3261 17.1.1.2). */
		sim_set(f->loop, &(struct sim_options){ 0 });
		for (int s = 0; s < 34; s++) {
			calls_drop_all(server_env(f->server)->calls, &enough);
			(void)flow_run_until(f, f->loop->now + 1000, NULL);
		}
		f->why[0] = 0;
		flow_counts(f, NULL);
	}
	return finish(f, why, cap);
}

bool flow_run_file(const char *file, bool verbose, char *why, size_t cap)
{
	struct flow *f = mem_new(sizeof *f);
	FILE *in = fopen(file, "re");

	f->verbose = verbose;
	begin(f, file);
	if (in) {
		run_lines(f, in);
		(void)fclose(in);
	} else {
		flow_fail(f, "the file cannot be read");
	}
	return finish(f, why, cap);
}
