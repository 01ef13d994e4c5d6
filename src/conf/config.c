#include "conf/config.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "conf/check.h"
#include "conf/option.h"

#define AT(s, f) .at = offsetof(struct s, f)
#define N(a) (sizeof(a) / sizeof *(a))

static const struct option zone_opts[] = {
 { "name", OPT_STR, AT(config_zone, name), .max = 63, .required = true, .help = "how listeners refer to the zone." },
 { "kind", OPT_ENUM, AT(config_zone, kind), .choices = "phones|pbx|carrier|teams", .required = true, .help = "who is there: phones, pbx, carrier or teams." },
 { "family", OPT_ENUM, AT(config_zone, family), .choices = "none|ipv4|ipv6", .dflt = "ipv4", .help = "address family; SDP follows it." },
};

static const struct option cert_opts[] = {
 { "name", OPT_STR, AT(config_cert, name), .max = 63, .required = true, .help = "how listeners refer to the certificate." },
 { "cert", OPT_STR, AT(config_cert, cert), .required = true, .help = "PEM file: our certificate with its intermediates." },
 { "key", OPT_STR, AT(config_cert, key), .required = true, .help = "PEM file: its private key." },
 { "roots", OPT_STR, AT(config_cert, roots), .help = "PEM file of the roots that peers are checked against; without it the system's." },
 { "verify", OPT_ENUM, AT(config_cert, verify), .choices = "peer|chain|none", .dflt = "peer", .help = "check of peers: name and chain, the chain alone, or nothing." },
 { "names", OPT_STRS, AT(config_cert, names), .max = CONFIG_NAMES, .count_at = offsetof(struct config_cert, nnames), .help = "names accepted in a peer's certificate; in the teams zone *.pstnhub.microsoft.com when not given." },
 { "min-version", OPT_U32, AT(config_cert, min_version), 12, 13, "12", .help = "least TLS version: 12 for 1.2, 13 for 1.3." },
};

static const struct option listener_opts[] = {
 { "name", OPT_STR, AT(config_listener, name), .max = 47, .required = true, .help = "how trunks refer to the listener." },
 { "zone", OPT_REF, AT(config_listener, zone), .choices = "zone", .required = true, .help = "the zone it belongs to." },
 { "transport", OPT_ENUM, AT(config_listener, transport), .choices = "udp|tcp|tls", .required = true, .help = "udp, tcp or tls. udp takes TCP on the same port, too: peers bring there what is too large for a datagram." },
 { "bind", OPT_ADDRPORT, AT(config_listener, bind), .required = true, .help = "address and port of SIP." },
 { "advertised", OPT_STR, AT(config_listener, advertised), .max = 255, .help = "name or address shown in Contact, Via and URIs." },
 { "advertised-port", OPT_U16, AT(config_listener, advertised_port), 0, 65535, .help = "port shown, where it differs from the bound one." },
 { "certificate", OPT_REF, AT(config_listener, cert), .choices = "certificate", .help = "our identity; needed for tls." },
 { "media-bind", OPT_ADDR, AT(config_listener, media_bind), .help = "address of media; without it the bind address." },
 { "media-advertised", OPT_ADDR, AT(config_listener, media_advertised), .help = "address shown in SDP, behind address translation." },
 { "media-ports", OPT_PORTS, AT(config_listener, port_min), .required = true, .help = "range of media ports as 16384-32767, two a call side." },
 { "srtp", OPT_ENUM, AT(config_listener, srtp), .choices = "off|optional|mandatory", .dflt = "optional", .help = "media encryption of its phones: refused, taken when offered, or always; trunks have their own." },
 { "media", OPT_ENUM, AT(config_listener, media_mode), .choices = "sdp|latch", .dflt = "sdp", .help = "where its phones' media is sent: the SDP's address, or where it comes from (address translation; then who shares a phone's public address with it can take its place, except under SRTP)." },
 { "allow", OPT_NETS, AT(config_listener, allow), .max = CONFIG_NETS, .count_at = offsetof(struct config_listener, nallow), .help = "networks that may speak here; without it all." },
};

static const struct option trunk_opts[] = {
 { "name", OPT_STR, AT(config_trunk, name), .max = 47, .required = true, .help = "how route patterns refer to the trunk." },
 { "profile", OPT_STR, AT(config_trunk, profile), .max = 31, .required = true, .help = "teams, cucm, generic or carrier." },
 { "listener", OPT_REF, AT(config_trunk, listener), .choices = "listener", .required = true, .help = "our side of the trunk." },
 { "fqdn", OPT_STR, AT(config_trunk, fqdn), .max = 63, .help = "our name as the peer knows it; needed for teams." },
 { "from", OPT_NETS, AT(config_trunk, from), .max = CONFIG_NETS, .count_at = offsetof(struct config_trunk, nfrom), .help = "sources of its requests; without it the hosts' addresses." },
 { "enabled", OPT_BOOL, AT(config_trunk, enabled), .dflt = "yes", .help = "takes and makes calls." },
 { "max-calls", OPT_U32, AT(config_trunk, max_calls), 0, 100000, "0", .help = "most calls at a time; 0: no limit." },
 { "options", OPT_BOOL, AT(config_trunk, options), .dflt = "yes", .help = "ping the hosts with OPTIONS." },
 { "options-up", OPT_U32, AT(config_trunk, options_up_s), 1, 600, "60", .unit = "s", .help = "interval while a host answers; Direct Routing allows one a minute." },
 { "options-down", OPT_U32, AT(config_trunk, options_down_s), 1, 600, "60", .unit = "s", .help = "interval while it does not." },
 { "options-retries", OPT_U32, AT(config_trunk, options_retries), 1, 10, "2", .help = "failures in a row before a host is down." },
 { "inbound-css", OPT_STR, AT(config_trunk, css), .max = 63, .help = "calling search space of its calls; without it they reach lines only." },
 { "trusted-identity", OPT_BOOL, AT(config_trunk, trusted_identity), .dflt = "no", .help = "a remote destination's number calling from here is shown as its user's line." },
 { "mwi", OPT_ENUM, AT(config_trunk, mwi), .choices = "off|accept|subscribe", .dflt = "accept", .help = "message waiting: its NOTIFYs for our numbers are taken, or we subscribe there for each line whose phone wants it (one trunk)." },
 { "offer", OPT_ENUM, AT(config_trunk, delayed), .choices = "early|delayed", .dflt = "early", .help = "our INVITE carries the offer, or the peer's 200 does." },
 { "srtp", OPT_ENUM, AT(config_trunk, srtp), .choices = "off|optional|mandatory", .set_at = offsetof(struct config_trunk, srtp_set), .help = "media encryption; without it the profile's." },
 { "media", OPT_ENUM, AT(config_trunk, media_mode), .choices = "sdp|latch", .set_at = offsetof(struct config_trunk, latch_set), .help = "where media is sent: the SDP's address, or where it comes from (address translation; then who shares the peer's public address with it can take its place, except under SRTP)." },
 { "ringback", OPT_ENUM, AT(config_trunk, ringback), .choices = "local|inband", .dflt = "local", .help = "its callers hear 180, or 183 with our tone." },
 { "identity", OPT_ENUM, AT(config_trunk, identity), .choices = "none|pai|rpid|both", .set_at = offsetof(struct config_trunk, identity_set), .help = "how the caller is shown to the peer beside From: P-Asserted-Identity, Remote-Party-ID, both or neither; without it the profile's." },
 { "asserted-identity", OPT_ENUM, AT(config_trunk, asserted), .choices = "ignore|trust", .set_at = offsetof(struct config_trunk, asserted_set), .help = "the peer's P-Asserted-Identity and Remote-Party-ID count, or From alone; without it the profile's." },
 { "diversion", OPT_ENUM, AT(config_trunk, divert), .choices = "off|in|out|both", .set_at = offsetof(struct config_trunk, divert_set), .help = "Diversion header (who forwarded): read, sent, both or neither; without it the profile's." },
 { "prack", OPT_ENUM, AT(config_trunk, prack), .choices = "off|sdp|all", .set_at = offsetof(struct config_trunk, prack_set), .help = "reliable ringing (RFC 3262) towards peers that support it: none, our responses with SDP, or all (to a caller's INVITE without SDP: with SDP); without it the profile's." },
 { "session-refresh", OPT_ENUM, AT(config_trunk, refresh), .choices = "invite|update", .dflt = "invite", .help = "how a session is refreshed when that is ours to do; UPDATE where the peer's Allow lists it." },
 { "completed-elsewhere", OPT_ENUM, AT(config_trunk, elsewhere), .choices = "always|pass|never", .dflt = "always", .help = "Reason on CANCEL and BYE of losing legs." },
 { "codecs", OPT_STRS, AT(config_trunk, codecs), .max = 8, .count_at = offsetof(struct config_trunk, ncodecs), .help = "codecs allowed, in order: PCMU, PCMA, G722, G729, opus; without it all of them." },
 { "user-agent", OPT_STR, AT(config_trunk, user_agent), .max = 127, .help = "User-Agent shown to the peer." },
 { "x-ms-sbc", OPT_STR, AT(config_trunk, x_ms_sbc), .max = 127, .help = "X-MS-SBC: vendor/model/firmware." },
 { "auth-user", OPT_STR, AT(config_trunk, auth_user), .max = 127, .help = "user name, where the peer asks for one (digest); it goes to this trunk's hosts alone." },
 { "auth-password", OPT_STR, AT(config_trunk, auth_password), .max = 127, .help = "its password." },
 { "auth-realm", OPT_STR, AT(config_trunk, auth_realm), .max = 127, .help = "the realm they are for; without it the first one that the peer asks for." },
 { "register", OPT_BOOL, AT(config_trunk, registers), .dflt = "no", .help = "register there, with the first host that answers." },
 { "register-as", OPT_STR, AT(config_trunk, register_as), .max = 255, .help = "what is registered, as sip:+49301234@carrier.example; without it auth-user at the first host." },
 { "register-expires", OPT_U32, AT(config_trunk, register_s), 30, 86400, "3600", .unit = "s", .help = "how long a registration is asked for; the peer may give less." },
 { "first-response", OPT_U32, AT(config_trunk, first_response_ms), 0, 32000, "0", .unit = "ms", .help = "no answer within: the next host; 0: the profile's." },
};

static const struct option machine_opts[] = {
 { "store", OPT_STR, AT(config, store_path), .max = 255, .dflt = "/var/lib/tandem/tandem.db", .help = "database of call records and registrations. The site last applied is kept beside it as NAME.site.yaml, with its passwords: back up both." },
 { "keep-records", OPT_U32, AT(config, keep_days), 0, 36500, "0", .unit = "days", .help = "how long call records and the lines of who changed what are kept; 0: for ever. What is older is removed from the database a little at a time; its file does not shrink, it is filled anew. The clock must be right: it decides." },
 { "runtime-dir", OPT_STR, AT(config, runtime_dir), .max = 200, .dflt = "/run/tandem", .help = "folder on tmpfs for what must survive a crash." },
 { "control-socket", OPT_STR, AT(config, control_socket), .max = 100, .dflt = "/run/tandem/control.sock", .help = "unix socket of the commands." },
 { "log-level", OPT_ENUM, AT(config, log_level), .choices = "error|warn|info|debug", .dflt = "info", .help = "what is written to the log." },
 { "site", OPT_STR, AT(config, site_file), .max = 255, .help = "site file read at every start until one was applied." },
 { "realm", OPT_STR, AT(config, realm), .max = 127, .dflt = "tandem", .help = "digest realm; a phone that has one written down needs the same." },
 { "digest", OPT_ENUM, AT(config, digest), .choices = "both|md5", .dflt = "both", .help = "challenges: SHA-256 and MD5 (RFC 8760), or MD5 alone for phones that stumble over two." },
 { "register-min", OPT_U32, AT(config, register_min_s), 10, 3600, "60", .unit = "s", .help = "shortest registration." },
 { "register-max", OPT_U32, AT(config, register_max_s), 60, 86400, "3600", .unit = "s", .help = "longest registration." },
 { "contacts", OPT_U32, AT(config, contacts_max), 1, 10, "10", .help = "contacts a phone may register." },
 { "max-calls", OPT_U32, AT(config, max_calls), 1, 100000, "1000", .help = "calls at a time. Each takes 24 KB of runtime-dir, and 24 KB more while it starts, beside 64 MB." },
 { "user-calls", OPT_U32, AT(config, user_calls), 0, 100, "3", .help = "calls a user may make at a time; 0: no limit." },
 { "forward-calls", OPT_U32, AT(config, forward_calls), 0, 1000, "2", .help = "calls forwarded to one target at a time; 0: no limit." },
 { "hops", OPT_U32, AT(config, hops), 1, 20, "5", .help = "forwards of one call." },
 { "ring-max", OPT_U32, AT(config, ring_max_s), 10, 600, "180", .unit = "s", .help = "longest ringing; then 480." },
 { "no-media", OPT_U32, AT(config, no_media_s), 0, 3600, "60", .unit = "s", .help = "silence of a side that should send ends the call; 0: never." },
 { "offer-wait", OPT_U32, AT(config, offer_wait_ms), 100, 30000, "4000", .unit = "ms", .help = "how long a re-INVITE waits behind the other side's." },
 { "media-rest", OPT_U32, AT(config, media_rest_s), 1, 300, "30", .unit = "s", .help = "how long a pair of media ports is kept back after its call, so that what still comes for the old call reaches no new one. A narrow media-ports carries more short calls with less." },
 { "media-workers", OPT_U32, AT(config, media_workers), 0, 64, "1", .help = "has no effect yet: one media process serves all listeners." },
 { "music", OPT_STR, AT(config, music), .max = 255, .help = "WAV file for those on hold: 8 kHz, mono, 16 bit PCM, A-law or u-law, at most 10 minutes; without it they hear nothing." },
 { "tone-country", OPT_STR, AT(config, tone_country), .max = 3, .dflt = "us", .help = "country of the ringing and busy tones: us, uk, au, de, fr, jp, it, es; all others have those of ITU-T E.180." },
 { "dns-servers", OPT_STR, AT(config, dns_servers), .max = 255, .help = "resolvers as 127.0.0.1:53,...; without it the system's." },
 { "guard-rate", OPT_U32, AT(config, guard_rate), 0, 100000, "20", .unit = "requests/s", .help = "taken from a stranger: a source that is no trunk and has shown no right password; 0: no guard at all." },
 { "guard-burst", OPT_U32, AT(config, guard_burst), 1, 100000, "60", .help = "requests a stranger may send at once." },
 { "guard-strikes", OPT_U32, AT(config, guard_strikes), 5, 100000, "40", .help = "requests without a right password until a stranger is held, and after ten more banned." },
 { "guard-ban", OPT_U32, AT(config, guard_ban_s), 1, 86400, "600", .unit = "s", .help = "first ban; each next one is twice as long." },
 { "guard-ban-max", OPT_U32, AT(config, guard_ban_max_s), 1, 2592000, "86400", .unit = "s", .help = "longest ban; after as long without one it begins anew." },
 { "guard-connections", OPT_U32, AT(config, guard_streams), 1, 512, "20", .help = "TCP and TLS connections of a stranger at a time." },
 { "guard-trusted", OPT_NETS, AT(config, guard_trusted), .max = CONFIG_NETS, .count_at = offsetof(struct config, nguard_trusted), .help = "networks that are never counted, beside the trunks and this machine: many phones behind one address, a monitor." },
 { "guard-scanners", OPT_STRS, AT(config, guard_scanners), .max = CONFIG_SCANNERS, .count_at = offsetof(struct config, nguard_scanners), .help = "words of a User-Agent that is not answered but banned; without it friendly-scanner, sipvicious, sipcli, sundayddr, sip-scan, pplsip and iWar." },
 { "tap-size", OPT_U32, AT(config, tap_mb), 1, 4096, "64", .unit = "MB", .help = "memory for ladders and traces." },
};

static const char *const sections[] = { "zones", "certificates", "listeners", "trunks", "dns-hosts", NULL };

/* --- references ------------------------------------------------------------------ */

static bool name_at(void *ctx, const char *kind, int i, struct str *out)
{
	const struct config *c = ctx;

	if (!strcmp(kind, "zone") && i < c->nzones)
		*out = c->zone[i].name;
	else if (!strcmp(kind, "certificate") && i < c->ncerts)
		*out = c->cert[i].name;
	else if (!strcmp(kind, "listener") && i < c->nlisteners)
		*out = c->listener[i].name;
	else
		return false;
	return true;
}

static int find(void *ctx, const char *kind, struct str name)
{
	struct str s;

	for (int i = 0; name_at(ctx, kind, i, &s); i++)
		if (str_eq(s, name))
			return i;
	return -1;
}

int config_trunk_find(const struct config *c, struct str name)
{
	for (int i = 0; i < c->ntrunks; i++)
		if (str_eq(c->trunk[i].name, name))
			return i;
	return -1;
}

/* --- sections --------------------------------------------------------------------- */

/* The list of maps under `key`; each entry is given to `one` until `max`. */
static void each(struct config *c, const struct option_walk *w, const struct yaml_node *root,
		 const char *key, int max,
		 void (*one)(struct config *, const struct option_walk *, const struct yaml_node *))
{
	const struct yaml_node *list = yaml_get(root, key);

	if (!list)
		return;
	if (list->kind != YAML_LIST) {
		finding_add(w->fs, list->at, "%s takes a list: begin each entry with \"- name:\".", key);
		return;
	}
	for (uint32_t i = 0; i < list->n; i++) {
		const struct yaml_node *m = list->pair[i].value;

		if (m->kind != YAML_MAP)
			finding_add(w->fs, m->at, "An entry of %s is a map of settings.", key);
		else if ((int)i >= max)
			finding_add(w->fs, m->at, "%s takes at most %d entries.", key, max);
		else
			one(c, w, m);
	}
}

static void one_zone(struct config *c, const struct option_walk *w, const struct yaml_node *m)
{
	struct config_zone *z = &c->zone[c->nzones];

	*z = (struct config_zone){ .at = m->at };
	option_fill(w, m, "A zone", zone_opts, N(zone_opts), z);
	option_unknown(w, m, "A zone", zone_opts, N(zone_opts), NULL);
	c->nzones++;
}

static void one_cert(struct config *c, const struct option_walk *w, const struct yaml_node *m)
{
	struct config_cert *x = &c->cert[c->ncerts];

	*x = (struct config_cert){ .at = m->at };
	option_fill(w, m, "A certificate", cert_opts, N(cert_opts), x);
	option_unknown(w, m, "A certificate", cert_opts, N(cert_opts), NULL);
	c->ncerts++;
}

static void one_listener(struct config *c, const struct option_walk *w, const struct yaml_node *m)
{
	struct config_listener *l = &c->listener[c->nlisteners];

	*l = (struct config_listener){ .at = m->at, .cert = -1, .zone = -1 };
	option_fill(w, m, "A listener", listener_opts, N(listener_opts), l);
	option_unknown(w, m, "A listener", listener_opts, N(listener_opts), NULL);
	c->nlisteners++;
}

/* 127.0.0.433: meant as an address. RFC 1123 2.1: the last label of a name is not numeric. */
static bool is_number(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] < '0' || s.p[i] > '9') && s.p[i] != '.')
			return false;
	return true;
}

/* "sip.pstnhub.microsoft.com:5061", "10.0.0.9" */
static void one_host(const struct option_walk *w, const struct yaml_node *v, struct config_trunk *t)
{
	struct config_host *h = &t->host[t->nhosts];
	struct str host, port;
	struct addr a;
	uint32_t n = 0;

	if (v->kind != YAML_SCALAR || t->nhosts == CONFIG_HOSTS) {
		finding_add(w->fs, v->at, "hosts takes up to %d names or addresses as \"name:port\".",
			    CONFIG_HOSTS);
		return;
	}
	if (addr_parse(v->text, 0, &a) == OK) {
		char ip[64];
		struct buf b;

		buf_init(&b, ip, sizeof ip);
		addr_ip(&b, &a);
		*h = (struct config_host){ str_dup(w->a, buf_str(&b)), a.port };
		t->nhosts++;
		return;
	}
	(void)str_cut(v->text, ':', &host, &port);
	if (!host.n || host.n > 253 || (port.p && (str_u32(port, 65535, &n) || !n))) {
		finding_add(w->fs, v->at, "The host \"%.*s\" is malformed; write name:port.",
			    STRF(v->text));
		return;
	}
	if (is_number(host)) {
		finding_add(w->fs, v->at, "The host \"%.*s\" is no IP address, and no name has digits only.", STRF(v->text));
		return;
	}
	*h = (struct config_host){ str_dup(w->a, host), (uint16_t)n };
	t->nhosts++;
}

static void one_trunk(struct config *c, const struct option_walk *w, const struct yaml_node *m)
{
	static const char *const more[] = { "hosts", NULL };
	struct config_trunk *t = &c->trunk[c->ntrunks];
	const struct yaml_node *hosts = yaml_get(m, "hosts");

	*t = (struct config_trunk){ .at = m->at, .listener = -1 };
	option_fill(w, m, "A trunk", trunk_opts, N(trunk_opts), t);
	option_unknown(w, m, "A trunk", trunk_opts, N(trunk_opts), more);
	if (!hosts)
		finding_add(w->fs, m->at, "A trunk needs \"hosts\": where its calls go, in order.");
	else if (hosts->kind == YAML_SCALAR)
		one_host(w, hosts, t);
	for (uint32_t i = 0; hosts && hosts->kind == YAML_LIST && i < hosts->n; i++)
		one_host(w, hosts->pair[i].value, t);
	t->delayed_offer = t->delayed == 1;
	t->latch = t->media_mode == 1;
	t->inband = t->ringback == 1;
	c->ntrunks++;
}

static void dns_hosts(struct config *c, const struct option_walk *w, const struct yaml_node *root)
{
	const struct yaml_node *m = yaml_get(root, "dns-hosts");

	if (m && m->kind != YAML_MAP)
		finding_add(w->fs, m->at, "dns-hosts takes a map of name: address.");
	for (uint32_t i = 0; m && m->kind == YAML_MAP && i < m->n; i++) {
		struct config_dns_host *h = &c->dns_host[c->ndns_hosts];
		const struct yaml_node *v = m->pair[i].value;

		if (c->ndns_hosts == CONFIG_DNS_HOSTS) {
			finding_add(w->fs, v->at, "At most %d names can stand in dns-hosts; a name server of your own takes more.",
				    CONFIG_DNS_HOSTS);
			break;
		}
		h->name = str_dup(w->a, m->pair[i].key->text);
		if (v->kind != YAML_SCALAR || addr_parse_ip(v->text, &h->addr))
			finding_add(w->fs, v->at, "The address of \"%.*s\" is malformed; write an IP address.",
				    STRF(h->name));
		else
			c->ndns_hosts++;
	}
}

/* --- loading ---------------------------------------------------------------------------- */

struct config *config_parse(struct str text, const char *file, struct findings *fs)
{
	struct config *c = mem_new(sizeof *c);
	struct option_walk w = { .fs = fs, .find = find, .names = name_at, .ctx = c, .a = &c->arena };
	struct yaml_node *root;

	arena_init(&c->arena, 64 << 20);
	c->file = str_dup(&c->arena, str_of(file));
	root = yaml_read(text, c->file.p, &c->arena, fs);
	if (root && root->kind != YAML_MAP) {
		finding_add(fs, root->at, "The configuration is a map of settings. Start from the example.");
		root = NULL;
	}
	if (root) {
		option_fill(&w, root, "The configuration", machine_opts, N(machine_opts), c);
		option_unknown(&w, root, "The configuration", machine_opts, N(machine_opts), sections);
		each(c, &w, root, "zones", CONFIG_ZONES, one_zone);
		each(c, &w, root, "certificates", CONFIG_CERTS, one_cert);
		each(c, &w, root, "listeners", CONFIG_LISTENERS, one_listener);
		each(c, &w, root, "trunks", CONFIG_TRUNKS, one_trunk);
		dns_hosts(c, &w, root);
		config_check(c, fs);
	}
	if (fs->n || !root) {
		config_free(c);
		return NULL;
	}
	return c;
}

char *config_slurp(const char *file, size_t max, size_t *n, struct findings *fs)
{
	FILE *f = fopen(file, "rb");
	char *text;

	if (!f) {
		finding_add(fs, (struct mark){ file, 1, 1 },
			    "The file cannot be read: %s. Check its name and its rights.", strerror(errno));
		return NULL;
	}
	text = mem_new(max + 1);
	*n = fread(text, 1, max + 1, f);
	(void)fclose(f);
	if (*n > max) {
		finding_add(fs, (struct mark){ file, 1, 1 }, "The file is larger than %zu bytes. Split it.",
			    max);
		mem_free(text);
		return NULL;
	}
	return text;
}

struct config *config_load(const char *file, struct findings *fs)
{
	size_t n;
	char *text = config_slurp(file, 4 << 20, &n, fs);
	struct config *c = text ? config_parse((struct str){ text, n }, file, fs) : NULL;

	mem_free(text);
	return c;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	arena_close(&c->arena);
	mem_free(c);
}

void config_options_doc(struct buf *b)
{
	buf_lit(b, "# Settings of tandem.yaml\n\nMade from the option tables; do not edit.\n\n");
	option_doc(b, "The machine", machine_opts, N(machine_opts));
	option_doc(b, "zones", zone_opts, N(zone_opts));
	option_doc(b, "certificates", cert_opts, N(cert_opts));
	option_doc(b, "listeners", listener_opts, N(listener_opts));
	option_doc(b, "trunks", trunk_opts, N(trunk_opts));
	buf_lit(b, "A trunk also has `hosts`: a list of `name:port`, tried in order. A name without a port is found by NAPTR, SRV and address records (RFC 3263); a target that is silent or answers 503 is followed by the next one, then by the next host.\n");
	buf_lit(b, "\n## dns-hosts\n\nA map of name: IP address, asked before any name server, as /etc/hosts is. It is meant for laboratories: "
		   "`dns-hosts: { sip.pstnhub.microsoft.com: 127.0.0.1 }`.\n");
}
