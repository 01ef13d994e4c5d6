#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/demo_int.h"

const struct demo_place demo_here = { .border = "127.0.0.1", .hub_bind = "127.0.0.1", .trunk = "" };

static const char config_text[] =
	"store: %s/tandem.db\nruntime-dir: %s\ncontrol-socket: %s/control.sock\nsite: %s/site.yaml\n"
	"digest: md5    # baresip stumbles over a SHA-256 challenge\n"
	"%s"
	"zones:\n  - { name: phones, kind: phones }\n  - { name: pbx, kind: pbx }\n"
	"  - { name: teams, kind: teams }\n"
	"certificates:\n  - { name: sbc, cert: %s/sbc.pem, key: %s/sbc.key, roots: %s/root.pem }\n"
	"listeners:\n"
	"  - { name: phones, zone: phones, transport: udp, bind: \"127.0.0.1:%u\", media-ports: %u-%u }\n"
	"  - { name: pbx, zone: pbx, transport: udp, bind: \"127.0.0.1:%u\", media-ports: %u-%u }\n"
	"  - { name: teams, zone: teams, transport: tls, bind: \"%s:%u\", certificate: sbc, media-ports: %u-%u }\n"
	"trunks:\n"
	"  - name: teams\n    profile: teams\n    listener: teams\n    fqdn: sbc.contoso.com\n"
	"    hosts: [ \"sip.pstnhub.microsoft.com:%u\", \"sip2.pstnhub.microsoft.com:%u\", \"sip3.pstnhub.microsoft.com:%u\" ]\n%s"
	"  - name: pbx\n    profile: cucm\n    listener: pbx\n    options: no\n    inbound-css: straight\n"
	"    hosts: [ \"127.0.0.1:%u\" ]\n";

static const char site_text[] =
	"partitions: [ internal, teams ]\n"
	"spaces:\n  - { name: staff, partitions: [ internal ] }\n"
	"  - { name: reroute, partitions: [ teams ] }\n"
	"  - { name: straight, partitions: [ internal, teams ] }\n"
	"users:\n  - { name: alice, display: Alice }\n  - { name: bob, display: Bob }\n"
	"  - { name: carol, display: Carol }\n"
	"phones:\n  - { name: SEPA, user: alice, auth-user: \"1001\", password: demo-alice }\n"
	"  - { name: SEPB, user: bob, auth-user: \"1002\", password: demo-bob }\n"
	"lines:\n"
	"  - { number: \"1001\", partition: internal, user: alice, phones: [ SEPA ], css: staff, e164: \"+14255550101\" }\n"
	"  - { number: \"1002\", partition: internal, user: bob, phones: [ SEPB ], css: staff }\n"
	"  - { number: \"1003\", partition: internal, user: carol, endpoints: [ \"2002@pbx\" ], css: staff }\n"
	"  - { number: \"1004\", partition: internal, user: bob, phones: [ SEPB ], css: staff, no-answer: 3, forward-no-answer: \"1003\" }\n"
	"patterns:\n  - { pattern: \"+14255550102\", partition: teams, trunks: [ teams ] }\n"
	"profiles:\n  - { name: bob-rdp, user: bob, reroute-css: reroute, lines: [ \"1002\" ] }\n"
	"  - { name: carol-rdp, user: carol, reroute-css: reroute, lines: [ \"1003\" ] }\n"
	"remotes:\n  - { name: bob-teams, profile: bob-rdp, number: \"+14255550102\" }\n"
	"  - { name: carol-teams, profile: carol-rdp, number: \"+14255550102\" }\n";

static bool start_hub(struct demo *d)
{
	char dir[DEMO_PATH], log[DEMO_PATH], report[DEMO_PATH], trace[DEMO_PATH], sip[8], sbc[64],
	     line[300];
	char *argv[] = { "/proc/self/exe", "hub", "--dir", dir, "--sip-port", sip, "--sbc", sbc,
			 "--dns-port", "0", "--report", report, "--trace", trace, "--bind",
			 (char *)(uintptr_t)d->place->hub_bind, NULL };
	char *inside[20] = { argv[0], "demo", "--behind-nat" };
	const char *why = NULL;
	pid_t hub;
	json_t *j;

	(void)snprintf(dir, sizeof dir, "%s", d->bed.dir);
	bed_path(&d->bed, log, "hub.log");
	bed_path(&d->bed, report, "hub.json");
	bed_path(&d->bed, trace, "hub-trace.txt");
	(void)snprintf(sip, sizeof sip, "%u", d->hub_sip);
	(void)snprintf(sbc, sizeof sbc, "sbc.contoso.com=%s:%u", d->place->border, d->tls);
	memcpy(inside + 3, argv + 1, sizeof argv - sizeof *argv);
	hub = bed_spawn(&d->bed, log, d->place->inside ? inside : argv, &d->to_hub, &d->from_hub);
	if (!hub || (d->place->inside && !demo_nat_wire(hub, &why)) ||
	    !teams_line(d, line, sizeof line) || strncmp(line, "ready ", 6) != 0)
		return false;
	j = json_loads(line + 6, 0, NULL);
	d->hub_dns = (uint16_t)json_integer_value(json_object_get(j, "dns"));
	json_decref(j);
	return d->hub_dns != 0;
}

static bool start_daemon(struct demo *d, uint16_t pbx_peer)
{
	char path[DEMO_PATH], log[DEMO_PATH], text[16384], dns[64];
	char *argv[] = { "/proc/self/exe", "serve", "-c", path, NULL };
	const char *dir = d->bed.dir;
	unsigned m = bed_ports(&d->bed, 120);
	int out = -1;
	struct pollfd f;

	(void)snprintf(dns, sizeof dns, "dns-servers: \"127.0.0.1:%u\"\n", d->hub_dns);
	(void)snprintf(text, sizeof text, config_text, dir, dir, dir, dir,
		       d->place->dns ? d->place->dns : dns, dir, dir, dir, d->sip, m, m + 39,
		       d->pbx_port, m + 40, m + 79, d->place->border, d->tls, m + 80, m + 119,
		       d->hub_sip, d->hub_sip, d->hub_sip, d->place->trunk, pbx_peer);
	bed_path(&d->bed, path, "site.yaml");
	if (!bed_write(path, site_text))
		return false;
	bed_path(&d->bed, path, "tandem.yaml");
	bed_path(&d->bed, log, "tandem.log");
	if (!bed_write(path, text) || !bed_spawn(&d->bed, log, argv, NULL, &out))
		return false;
	f = (struct pollfd){ .fd = out, .events = POLLIN };
	return poll(&f, 1, 8000) > 0 && read(out, text, sizeof text) >= 5;	/* "ready" */
}

static bool border_up(struct demo *d)
{
	double end = bed_now() + 10;

	while (bed_now() < end) {
		if (teams_do(d, "{\"command\":\"up\"}"))
			return true;
		bed_pause(0.1);
	}
	return false;
}

/* An earlier demo in the same folder left its records; this one begins with none. */
static void forget_earlier(const struct demo *d)
{
	static const char *const name[] = { "tandem.db", "tandem.db-wal", "tandem.db-shm",
					    "records.map", "hub.json", "report.json" };
	char path[DEMO_PATH];

	for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
		bed_path(&d->bed, path, "%s", name[i]);
		(void)unlink(path);
	}
}

const char *demo_set_up(struct demo *d)
{
	struct phone_setup a = { "alice", "1001", TONE_ALICE, 0, "demo-alice" },
			   b = { "bob", "1002", TONE_BOB, 0, "demo-bob" },
			   p = { "PBX 2002", "2002", TONE_PBX, 0, NULL };

	forget_earlier(d);
	if (access("/usr/bin/baresip", X_OK))
		return "baresip is missing; install the package baresip-core (make demo does it)";
	d->sip = bed_ports(&d->bed, 2);
	d->pbx_port = bed_ports(&d->bed, 2);
	d->tls = bed_ports(&d->bed, 2);
	d->hub_sip = bed_ports(&d->bed, 2);
	a.proxy = b.proxy = d->sip;
	if (!start_hub(d))
		return "the Direct Routing simulator did not start; see hub.log";
	if (!phone_start(&d->pbx, &d->bed, &p))
		return "the PBX softphone did not start";
	if (!start_daemon(d, d->pbx.sip))
		return "the daemon did not start; see tandem.log";
	if (!phone_start(&d->alice, &d->bed, &a) || !phone_start(&d->bob, &d->bed, &b))
		return "a softphone did not start";
	if (!phone_registered(&d->alice, 10) || !phone_registered(&d->bob, 10))
		return "a softphone could not register";
	return border_up(d) ? NULL : "the border and the hub do not answer each other's OPTIONS";
}
