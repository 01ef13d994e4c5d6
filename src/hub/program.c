#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hub/hub.h"
#include "hub/program.h"
#include "hub/zone.h"
#include "pki/testca.h"

/* `tandem hub`: the Direct Routing simulator as a process. Commands come as JSON lines on
 * standard input; answers and the report go to standard output. */

struct program {
	struct loop *loop;
	struct hub *hub;
	struct hub_config cfg;
	char dir[400], fqdn[128], report[400];
	char cert[4][512];		/* hub cert, key, roots of both sides */
	FILE *trace;
	char line[65536];
	size_t n;
};

static void path(struct program *p, char out[512], const char *name)
{
	struct buf b;

	buf_init(&b, out, 512);
	buf_fmt(&b, "%s/%s", p->dir, name);
	(void)buf_z(&b);
}

/* A root, the hub's own serverAuth-only certificate with Microsoft's three names, and one for
 * the border with its FQDN. */
static enum err make_certificates(struct program *p)
{
	struct testca_spec root = { .cn = "Tandem test root", .use = TESTCA_CA };
	struct testca_spec hub = { .cn = "sip.pstnhub.microsoft.com", .use = TESTCA_SERVER,
		.key = TESTCA_RSA2048, .nnames = 3, .name = { STR("sip.pstnhub.microsoft.com"),
		STR("sip2.pstnhub.microsoft.com"), STR("sip3.pstnhub.microsoft.com") } };
	struct testca_spec sbc = { .cn = p->fqdn, .use = TESTCA_SERVER, .key = TESTCA_RSA2048,
				   .nnames = 1, .name = { str_of(p->fqdn) } };
	struct testca_cert *r = testca_make(&root, NULL), *h = testca_make(&hub, r),
			   *s = testca_make(&sbc, r);
	char file[4][512];
	enum err e;

	path(p, file[0], "root.pem");
	path(p, file[1], "hub.pem");
	path(p, file[2], "hub.key");
	e = testca_write_root(r, file[0]);
	if (!e)
		e = testca_write(h, NULL, 0, file[1], file[2]);
	path(p, file[1], "sbc.pem");
	path(p, file[2], "sbc.key");
	if (!e)
		e = testca_write(s, NULL, 0, file[1], file[2]);
	testca_free(r);
	testca_free(h);
	testca_free(s);
	return e;
}

/* --- commands ------------------------------------------------------------------- */

static const char *text(const json_t *j, const char *key, const char *dflt)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s ? s : dflt;
}

static long number(const json_t *j, const char *key, long dflt)
{
	const json_t *v = json_object_get(j, key);

	return json_is_integer(v) ? (long)json_integer_value(v) : dflt;
}

static bool step_of(const json_t *j, struct hub_step *s)
{
	static const struct { const char *name; enum hub_do what; } row[] = {
		{ "ring", HUB_DO_RING }, { "progress", HUB_DO_PROGRESS },
		{ "answer", HUB_DO_ANSWER }, { "final", HUB_DO_FINAL },
		{ "hangup", HUB_DO_HANGUP }, { "hold", HUB_DO_HOLD }, { "resume", HUB_DO_RESUME },
	};
	const char *what = text(j, "do", "");

	*s = (struct hub_step){ .at = (ms_t)number(j, "at", 0), .tag = (int)number(j, "tag", 0),
				.status = (unsigned)number(j, "status", 480),
				.q850 = (unsigned)number(j, "q850", 0) };
	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		if (!strcmp(row[i].name, what)) {
			s->what = row[i].what;
			return true;
		}
	return false;
}

static const char *do_user(struct program *p, const json_t *j)
{
	struct hub_script s = { .voice_enabled = number(j, "voice", 1), .offline = number(j, "offline", 0),
				.blocked = number(j, "blocked", 0),
				.retry_after_s = (uint32_t)number(j, "retry_after", 0),
				.tone_hz = (unsigned)number(j, "tone", 554) };
	const json_t *steps = json_object_get(j, "steps"), *one;
	size_t i;

	if (!str_copy(s.number, sizeof s.number, str_of(text(j, "number", ""))) || !s.number[0])
		return "number is missing or too long";
	json_array_foreach(steps, i, one)
		if (s.nstep < HUB_STEP_MAX && !step_of(one, &s.step[s.nstep++]))
			return "a step's \"do\" is unknown";
	return hub_user(p->hub, &s) ? "no room for another user" : NULL;
}

static const char *do_call(struct program *p, const json_t *j)
{
	struct hub_place c = { .host = (int)number(j, "host", 0), .from = text(j, "from", ""),
		.to = text(j, "to", ""), .hold_at = (ms_t)number(j, "hold", 0),
		.resume_at = (ms_t)number(j, "resume", 0), .hangup_at = (ms_t)number(j, "hangup", 0),
		.give_up_at = (ms_t)number(j, "give_up", 0),
		.tone_hz = (unsigned)number(j, "tone", 554) };

	if (c.host < 0 || c.host >= HUB_HOSTS)
		return "host is 0, 1 or 2";
	return hub_call(p->hub, &c) ? NULL : "no call could be placed";
}

/* DNS: a name gets another address and TTL, dies, or nobody answers at all. */
static const char *do_name(struct program *p, const json_t *j)
{
	struct zone *z = hub_zone(p->hub);
	const char *name = text(j, "name", ""), *to = text(j, "addr", "");
	struct addr a;

	if (!z)
		return "the hub runs without DNS; start it with --dns-port";
	if (json_object_get(j, "mute"))
		zone_mute(z, json_is_true(json_object_get(j, "mute")));
	if (!*name)
		return NULL;
	if (!*to)
		zone_remove(z, name);
	else if (addr_parse_ip(str_of(to), &a))
		return "addr is an IP address; without it the name dies";
	else
		zone_set(z, name, &a, (uint32_t)number(j, "ttl", 60));
	return NULL;
}

static void print_report(struct program *p)
{
	char *r = hub_report(p->hub);
	FILE *f = p->report[0] ? fopen(p->report, "we") : NULL;

	if (f) {
		fprintf(f, "%s\n", r);
		(void)fclose(f);
	}
	mem_free(r);
}

static const char *run_command(struct program *p, const json_t *j)
{
	const char *c = text(j, "command", "");

	if (!strcmp(c, "user"))
		return do_user(p, j);
	if (!strcmp(c, "call"))
		return do_call(p, j);
	if (!strcmp(c, "deny")) {
		hub_deny(p->hub, (int)number(j, "host", 0) % HUB_HOSTS,
			 (unsigned)number(j, "status", 503), (uint32_t)number(j, "retry_after", 1));
		return NULL;
	}
	if (!strcmp(c, "up"))
		return hub_border_up(p->hub, (int)number(j, "host", 0) % HUB_HOSTS) ? NULL : "not up";
	if (!strcmp(c, "report")) {
		print_report(p);
		return NULL;
	}
	if (!strcmp(c, "name"))
		return do_name(p, j);
	return "unknown command; there are user, call, deny, name, up and report";
}

static void one_line(struct program *p, const char *line, size_t n)
{
	json_error_t e;
	json_t *j = json_loadb(line, n, 0, &e);
	const char *bad = j ? run_command(p, j) : e.text;

	printf("%s%s\n", bad ? "error: " : "ok", bad ? bad : "");
	(void)fflush(stdout);
	json_decref(j);
}

static void on_input(void *arg)
{
	struct program *p = arg;
	ssize_t n = read(STDIN_FILENO, p->line + p->n, sizeof p->line - p->n);
	char *nl;

	if (n <= 0) {		/* whoever drives us is gone */
		loop_stop(p->loop);
		return;
	}
	p->n += (size_t)n;
	while ((nl = memchr(p->line, '\n', p->n))) {
		size_t k = (size_t)(nl - p->line);

		one_line(p, p->line, k);
		p->n -= k + 1;
		memmove(p->line, nl + 1, p->n);
	}
	if (p->n == sizeof p->line)
		p->n = 0;
}

static void on_turn(void *arg)
{
	struct program *p = arg;

	hub_turn(p->hub);
}

static void on_signal(void *arg, int signo)
{
	struct program *p = arg;

	(void)signo;
	loop_stop(p->loop);
}

/* --- life --------------------------------------------------------------------------- */

static enum err identities(struct program *p, struct buf *why)
{
	char cert[512], key[512], roots[512];
	struct tls_config t = { .cert_file = cert, .key_file = key, .roots_file = roots,
				.eku = TLS_EKU_SERVER, .want_client_cert = true,
				.max_version = 0x0303 };
	const char *any[1] = { NULL };
	enum err e;

	path(p, cert, "hub.pem");
	path(p, key, "hub.key");
	path(p, roots, "root.pem");
	t.names = any;		/* the name is DR-S4's to judge, with its own answer */
	e = tls_ctx_new(&p->cfg.server, &t, why);
	t.resumption = true;	/* it tries; the border must not let it */
	return e ? e : tls_ctx_new(&p->cfg.client, &t, why);
}

/* --trace FILE: what went over the wire, decrypted. */
/* NOLINTNEXTLINE(readability-function-size): the shape of sip_config.tap */
static void on_message(void *ctx, uint64_t owner, bool out, enum sip_transport t,
		       const struct addr *local, const struct addr *peer, struct str bytes)
{
	struct program *p = ctx;
	char a[ADDR_TEXT], b[ADDR_TEXT];

	(void)owner;
	(void)t;
	fprintf(p->trace, "--- %llu %s %s %s\n%.*s\n", (unsigned long long)p->loop->now,
		addr_text(local, a), out ? "->" : "<-", addr_text(peer, b), STRF(bytes));
	(void)fflush(p->trace);
}

static bool number_option(struct program *p, const char *name, const char *value)
{
	uint32_t n;

	if (str_u32(str_of(value), 600000, &n))
		return false;
	if (!strcmp(name, "--options-every"))
		p->cfg.options_every = n;
	else if (!strcmp(name, "--late-host1"))
		p->cfg.late_host1 = n;
	else if (n > 65535)
		return false;
	else if (!strcmp(name, "--dns-port"))
		p->cfg.dns.port = (uint16_t)n;
	else
		for (int i = 0; i < HUB_HOSTS; i++)
			p->cfg.bind[i].port = (uint16_t)n;
	return true;
}

/* The first of three neighbouring addresses, one a host; media has the first. */
static bool bind_option(struct program *p, const char *value)
{
	struct addr a;

	if (addr_parse_ip(str_of(value), &a) || a.family != ADDR_V4 || a.ip[3] > 252)
		return false;
	for (int i = 0; i < HUB_HOSTS; i++) {
		uint16_t port = p->cfg.bind[i].port;

		p->cfg.bind[i] = a;
		p->cfg.bind[i].port = port;
		p->cfg.bind[i].ip[3] = (uint8_t)(a.ip[3] + i);
	}
	p->cfg.media = a;
	return true;
}

static bool option(struct program *p, const char *name, const char *value)
{
	struct str fqdn, addr;

	if (!strcmp(name, "--dir"))
		return str_copy(p->dir, sizeof p->dir, str_of(value));
	if (!strcmp(name, "--report"))
		return str_copy(p->report, sizeof p->report, str_of(value));
	if (!strcmp(name, "--sip-port") || !strcmp(name, "--dns-port") ||
	    !strcmp(name, "--options-every") || !strcmp(name, "--late-host1"))
		return number_option(p, name, value);
	if (!strcmp(name, "--trace")) {
		p->trace = fopen(value, "we");
		p->cfg.tap = p->trace ? on_message : NULL;
		p->cfg.tap_ctx = p;
		return p->trace != NULL;
	}
	if (!strcmp(name, "--bind"))
		return bind_option(p, value);
	if (!strcmp(name, "--media"))
		return addr_parse_ip(str_of(value), &p->cfg.media) == OK;
	if (strcmp(name, "--sbc") != 0 || !str_cut(str_of(value), '=', &fqdn, &addr))
		return false;
	return str_copy(p->fqdn, sizeof p->fqdn, fqdn) && addr_parse(addr, 5061, &p->cfg.sbc) == OK;
}

static int run(struct program *p)
{
	char mem[600], at[ADDR_TEXT];
	const char *tenants[] = { p->fqdn, NULL };
	struct buf why;

	buf_init(&why, mem, sizeof mem);
	p->cfg.sbc_fqdn = p->fqdn;
	p->cfg.tenants = tenants;
	if (make_certificates(p)) {
		fprintf(stderr, "tandem hub: certificates cannot be written to %s; check the folder.\n",
			p->dir);
		return 1;
	}
	if (identities(p, &why) || !(p->hub = hub_new(p->loop, &p->cfg, &why))) {
		fprintf(stderr, "tandem hub: %s\n", buf_z(&why));
		return 1;
	}
	loop_on_turn(p->loop, on_turn, p);
	loop_on_signal(p->loop, SIGTERM, on_signal, p);
	loop_on_signal(p->loop, SIGINT, on_signal, p);
	struct loop_watch *in = loop_watch(p->loop, STDIN_FILENO, on_input, p);
	struct addr a = hub_host_addr(p->hub, 0);

	printf("ready {\"sip\":\"%s\",\"dns\":%u}\n", addr_text(&a, at),
	       hub_zone(p->hub) ? zone_port(hub_zone(p->hub)) : 0);
	(void)fflush(stdout);
	loop_run(p->loop);
	loop_unwatch(in);
	print_report(p);
	hub_free(p->hub);
	return 0;
}

static void defaults(struct program *p)
{
	static const char *const ip[HUB_HOSTS] = { "127.0.0.1", "127.0.0.2", "127.0.0.3" };

	p->cfg.host_name[0] = "sip.pstnhub.microsoft.com";
	p->cfg.host_name[1] = "sip2.pstnhub.microsoft.com";
	p->cfg.host_name[2] = "sip3.pstnhub.microsoft.com";
	for (int i = 0; i < HUB_HOSTS; i++)
		(void)addr_parse(str_of(ip[i]), 5061, &p->cfg.bind[i]);
	(void)addr_parse_ip(STR("127.0.0.1"), &p->cfg.media);
	(void)addr_parse(STR("127.0.0.1"), 0, &p->cfg.dns);
	(void)str_copy(p->fqdn, sizeof p->fqdn, STR("sbc.contoso.com"));
	(void)addr_parse(STR("127.0.0.1:5061"), 5061, &p->cfg.sbc);
}

int hub_main(int argc, char **argv)
{
	struct program *p = mem_new(sizeof *p);
	bool good = argc % 2 == 1;
	int rc = 1;

	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	(void)signal(SIGPIPE, SIG_IGN);		/* a border may reset what we write to */
	defaults(p);
	for (int i = 1; i + 1 < argc && good; i += 2)
		good = option(p, argv[i], argv[i + 1]);
	if (!good || !p->dir[0]) {
		fprintf(stderr, "usage: tandem hub --dir DIR [--bind ADDR] [--sip-port N] [--sbc FQDN=ADDR:PORT] [--dns-port N] [--media ADDR] [--options-every MS] [--late-host1 MS] [--report FILE] [--trace FILE]\n");
		mem_free(p);
		return 1;
	}
	p->loop = loop_new();
	p->loop->log = (struct log){ .level = LOG_WARN, .write = log_stderr };
	rc = run(p);
	tls_ctx_drop(p->cfg.server);
	tls_ctx_drop(p->cfg.client);
	loop_free(p->loop);
	if (p->trace)
		(void)fclose(p->trace);
	mem_free(p);
	return rc;
}
