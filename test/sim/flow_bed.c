#include <string.h>

#include "sim/flow.h"
#include "sip/stack.h"
#include "site/site.h"

/* The machine and the people that most flows use, and the server made of them. */

static const char standard_config[] =
	"realm: tandem\nguard-trusted: [ 10.0.1.0/25 ]\n"
	"zones:\n"
	"  - { name: phones, kind: phones }\n"
	"  - { name: pbx, kind: pbx }\n"
	"  - { name: teams, kind: teams }\n"
	"certificates:\n"
	"  - { name: sbc, cert: /dev/null, key: /dev/null }\n"
	"listeners:\n"
	"  - { name: phones, zone: phones, transport: udp, bind: 10.0.0.1:5060, media-ports: 16384-16583 }\n"
	"  - { name: phones-tcp, zone: phones, transport: tcp, bind: 10.0.0.1:5060, media-ports: 17384-17583 }\n"
	"  - { name: pbx, zone: pbx, transport: udp, bind: 10.0.0.1:5062, media-ports: 18384-18583 }\n"
	"  - { name: teams, zone: teams, transport: tls, bind: 10.0.0.1:5061, certificate: sbc, media-ports: 19384-19583 }\n"
	"trunks:\n"
	"  - { name: pbx, profile: cucm, listener: pbx, inbound-css: from-pbx, options: no, hosts: [ \"10.0.2.1:5060\" ] }\n"
	"  - { name: teams, profile: teams, listener: teams, inbound-css: from-teams, fqdn: sbc.contoso.com, hosts: [ \"sip.pstnhub.microsoft.com:5061\", \"sip2.pstnhub.microsoft.com:5061\", \"sip3.pstnhub.microsoft.com:5061\" ] }\n";

static const char standard_site[] =
	"partitions: [ internal, mobility, pstn, blocked ]\n"
	"spaces:\n"
	"  - { name: staff, partitions: [ internal, pstn ] }\n"
	"  - { name: from-pbx, partitions: [ internal, mobility ] }\n"
	"  - { name: from-teams, partitions: [ internal, pstn ] }\n"
	"  - { name: reroute, partitions: [ mobility ] }\n"
	"users:\n"
	"  - { name: alice, display: Alice }\n"
	"  - { name: bob, display: Bob }\n"
	"  - { name: carol, display: Carol }\n"
	"  - { name: dave, display: Dave }\n"
	"phones:\n"
	"  - { name: desk-alice, user: alice, auth-user: \"1001\", password: secret }\n"
	"  - { name: desk-bob, user: bob, auth-user: \"1002\", password: secret }\n"
	"  - { name: desk-dave, user: dave, auth-user: \"1004\", password: secret }\n"
	"  - { name: attendant, auth-user: \"1999\", password: secret }\n"
	"lines:\n"
	/* Alice: a phone here, and her Teams. */
	"  - { number: \"1001\", partition: internal, e164: \"+14255550101\", user: alice, display: Alice, phones: [ desk-alice ], css: staff }\n"
	/* Bob: a phone alone. */
	"  - { number: \"1002\", partition: internal, e164: \"+14255550102\", user: bob, display: Bob, phones: [ desk-bob ], css: staff }\n"
	/* Carol: a phone that stays on the PBX, and her Teams. */
	"  - { number: \"1003\", partition: internal, e164: \"+14255550103\", user: carol, display: Carol, endpoints: [ \"881003@pbx\" ], css: staff }\n"
	/* Dave: a phone, and a mobile over the PBX: the general timers. */
	"  - { number: \"1004\", partition: internal, e164: \"+14255550104\", user: dave, display: Dave, phones: [ desk-dave ], css: staff }\n"
	"  - { number: \"1999\", partition: internal, display: Attendant, phones: [ attendant ], css: staff }\n"
	"patterns:\n"
	"  - { pattern: \"+1425555010X\", partition: mobility, trunks: [ teams ] }\n"
	"  - { pattern: \"91425555017X\", partition: mobility, trunks: [ pbx ] }\n"
	"  - { pattern: \"9.1[2-9]XX[2-9]XXXXXX\", partition: pstn, trunks: [ pbx ], discard: predot, prefix: \"+\" }\n"
	"  - { pattern: \"911\", partition: pstn, trunks: [ pbx ], emergency: yes }\n"
	"  - { pattern: \"7777\", partition: pstn, block: yes }\n"
	"profiles:\n"
	"  - { name: alice-rdp, user: alice, reroute-css: reroute, lines: [ \"1001\" ] }\n"
	"  - { name: carol-rdp, user: carol, reroute-css: reroute, lines: [ \"1003\" ] }\n"
	"  - { name: dave-rdp, user: dave, reroute-css: reroute, lines: [ \"1004\" ] }\n"
	"remotes:\n"
	"  - { name: alice-teams, profile: alice-rdp, number: \"+14255550101\" }\n"
	"  - { name: carol-teams, profile: carol-rdp, number: \"+14255550103\" }\n"
	"  - { name: dave-mobile, profile: dave-rdp, number: \"914255550177\" }\n";

bool flow_standard_config(struct flow *f)
{
	mem_free(f->config_text);
	f->config_text = mem_dup(standard_config, sizeof standard_config - 1);
	return true;
}

bool flow_standard_site(struct flow *f)
{
	mem_free(f->site_text);
	f->site_text = mem_dup(standard_site, sizeof standard_site - 1);
	return true;
}

/* --- changes to the standard ----------------------------------------------------- */

/* `what` behind the first `keep` characters of the place. */
static bool splice_in(char **text, const char *at_text, size_t keep, const char *what)
{
	char *at = *text ? strstr(*text, at_text) : NULL;
	size_t head, n, w = strlen(what);
	char *out;

	if (!at)
		return false;
	head = (size_t)(at - *text) + keep;
	n = strlen(*text);
	out = mem_new(n + w + 1);
	memcpy(out, *text, head);
	memcpy(out + head, what, w);
	memcpy(out + head + w, *text + head, n - head);
	mem_free(*text);
	*text = out;
	return true;
}

static bool splice(char **text, const char *at_text, const char *what)
{
	return splice_in(text, at_text, strlen(at_text), what);
}

/* A value that the standard has already makes way for the new one. */
static void without(char **text, const char *at_text, const char *setting)
{
	char *at = *text ? strstr(*text, at_text) : NULL, *end, *old, *stop;
	char key[80];

	flow_put(key, sizeof key, " %.*s:", (int)strcspn(setting, ":"), setting);
	if (!at)
		return;
	at += strlen(at_text);
	end = at + strcspn(at, "\n");
	old = strstr(at, key);
	if (!old || old > end)
		return;
	stop = old + strcspn(old, ",[}\n");
	if (*stop == '[')
		stop += strcspn(stop, "]") + 1;
	while (*stop == ' ')
		stop++;
	stop += *stop == ',';
	memmove(old, stop, strlen(stop) + 1);
}

/* `set pbx max-calls: 1`, `set 1001 no-answer: 5`: the entry of that name or number, in the
 * configuration when it is there (prefix "trunk:", "listener:"), else in the site. */
void flow_set(struct flow *f, const char *name, const char *setting)
{
	char at[120], what[600];
	const char *bare = strchr(name, ':');

	flow_put(what, sizeof what, " %s,", setting);
	if (setting[strlen(setting) - 1] == ':')	/* only taken away */
		what[0] = '\0';
	if (bare && !strncmp(name, "trunk:", 6)) {
		flow_put(at, sizeof at, "name: %s, profile: %s,", bare + 1,
			 strcmp(bare + 1, "teams") != 0 ? "cucm" : "teams");
		without(&f->config_text, at, setting);
		if (splice(&f->config_text, at, what))
			return;
	}
	if (bare && !strncmp(name, "listener:", 9)) {
		flow_put(at, sizeof at, "name: %s, zone:", bare + 1);
		without(&f->config_text, at, setting);
		if (splice_in(&f->config_text, at, strlen(at) - strlen(" zone:"), what))
			return;
	}
	flow_put(at, sizeof at, "number: \"%s\",", name);
	without(&f->site_text, at, setting);
	if (splice(&f->site_text, at, what))
		return;
	flow_put(at, sizeof at, "name: %s,", name);
	without(&f->site_text, at, setting);
	if (!splice(&f->site_text, at, what))
		flow_fail(f, "set: there is no entry %s", name);
}

/* `add remotes { name: x, ... }`; a plain `add machine ring-max: 30` is a top setting. */
void flow_add(struct flow *f, const char *section, const char *entry)
{
	char at[80], what[900];
	char *top;

	if (!strcmp(section, "machine")) {
		flow_put(what, sizeof what, "%s\n", entry);
		top = mem_new(strlen(what) + strlen(f->config_text) + 1);
		memcpy(top, what, strlen(what));
		memcpy(top + strlen(what), f->config_text, strlen(f->config_text));
		mem_free(f->config_text);
		f->config_text = top;
		return;
	}
	flow_put(at, sizeof at, "%s:\n", section);
	flow_put(what, sizeof what, "  - %s\n", entry);
	if (!splice(&f->site_text, at, what) && !splice(&f->config_text, at, what))
		flow_fail(f, "add: there is no section %s", section);
}

/* --- the server -------------------------------------------------------------------- */

static bool server_up(struct flow *f, struct str image)
{
	char text[1000];
	struct findings *fs = mem_new(sizeof *fs);
	struct server_options o = { .config = f->config, .inside = true,
				    .map_image = (const uint8_t *)image.p, .map_image_n = image.n };
	struct buf why;

	buf_init(&why, text, sizeof text);
	o.directory = site_read(str_of(f->site_text), "site", f->config, fs);
	if (o.directory)
		f->server = server_new(f->loop, &o, &why);
	else
		findings_write(&why, fs);
	mem_free(fs);
	if (!f->server)
		flow_fail(f, "the server does not start: %s", buf_z(&why));
	return f->server != NULL;
}

static void on_log(void *ctx, enum log_level level, struct str line)
{
	(void)level;
	flow_ladder(ctx, "log    %.*s", STRF(line));
}

/* Microsoft's three names, until a script says otherwise. */
void flow_standard_names(struct flow *f)
{
	static const char *const name[] = { "sip.pstnhub.microsoft.com", "sip2.pstnhub.microsoft.com",
					    "sip3.pstnhub.microsoft.com" };
	static const char *const ip[] = { "52.112.0.1", "52.112.0.2", "52.112.0.3" };

	for (int i = 0; i < 3; i++) {
		struct dns_result r = { .n = 1, .ttl = 3600000 };

		(void)addr_parse_ip(str_of(ip[i]), &r.rr[0].addr);
		sim_dns(f->loop, name[i], DNS_ADDR4, &r);
	}
}

/* The server, once the first step needs it. */
bool flow_start(struct flow *f)
{
	char text[1000];
	struct findings *fs;
	struct buf why;

	if (f->started)
		return !f->why[0];
	f->started = true;
	f->loop->log = (struct log){ .level = LOG_WARN, .write = on_log, .ctx = f };
	fs = mem_new(sizeof *fs);
	buf_init(&why, text, sizeof text);
	f->config = config_parse(str_of(f->config_text), "config", fs);
	findings_write(&why, fs);
	mem_free(fs);
	if (!f->config) {
		flow_fail(f, "the configuration is refused: %s", buf_z(&why));
		return false;
	}
	if (!server_up(f, STR_NONE))
		return false;
	for (int i = 0; i < f->npeers && !f->why[0]; i++)
		flow_register(f->peer[i]);
	return !f->why[0];
}

static void no_datagram(struct loop *l, net_id id, const struct addr *from, const struct addr *to,
			struct str bytes)
{
	(void)l;
	(void)id;
	(void)from;
	(void)to;
	(void)bytes;
}

static void no_bytes(struct loop *l, net_id id, struct str bytes)
{
	(void)l;
	(void)id;
	(void)bytes;
}

/* kill -9: nothing more is said, and what the map holds is all that remains. */
void flow_restart(struct flow *f)
{
	struct str now = map_image(server_env(f->server)->map);
	char *image = mem_dup(now.p, now.n);
	const struct net_ops *ops = f->loop->net;
	struct net_ops silent = *ops;

	silent.udp_send = no_datagram;
	silent.write = no_bytes;
	f->loop->net = &silent;
	server_free(f->server);
	f->loop->net = ops;
	f->server = NULL;
	loop_on_turn(f->loop, NULL, NULL);
	flow_ladder(f, "the server is killed and starts again");
	(void)server_up(f, (struct str){ image, now.n });
	mem_free(image);
}

void flow_close(struct flow *f)
{
	server_free(f->server);
	config_free(f->config);
	for (int i = 0; i < f->npeers; i++)
		flow_peer_free(f->peer[i]);
	if (f->loop)
		sim_free(f->loop);
	for (int i = 0; i < f->nladder; i++)
		mem_free(f->ladder[i]);
	mem_free(f->config_text);
	mem_free(f->site_text);
}
