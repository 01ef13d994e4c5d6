#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/demo.h"
#include "app/demo_int.h"
#include "base/mem.h"
#include "base/str.h"

/* The Teams side behind address translation: a process takes a network of its own for the
 * border, the hub takes a second one, a cable joins them, and nftables translates in the hub's.
 * Nothing of this machine's network is touched, and all of it goes with the processes. */

enum { NOT_ALLOWED = 77 };

#define OUTSIDE "192.0.2."	/* RFC 5737 */
#define INSIDE "10.99.1."

static const struct demo_place behind_nat = {
	.border = OUTSIDE "1", .hub_bind = INSIDE "11", .inside = true,
	.dns = "dns-hosts: { sip.pstnhub.microsoft.com: " OUTSIDE "11, sip2.pstnhub.microsoft.com: "
	       OUTSIDE "12, sip3.pstnhub.microsoft.com: " OUTSIDE "13 }\n",
	.trunk = "    media: latch\n",
};

static const char rules[] =
	"table ip translation {\n"
	" chain in { type nat hook prerouting priority dstnat;\n"
	"  ip daddr " OUTSIDE "11 dnat to " INSIDE "11; ip daddr " OUTSIDE "12 dnat to " INSIDE "12;\n"
	"  ip daddr " OUTSIDE "13 dnat to " INSIDE "13; }\n"
	" chain out { type nat hook postrouting priority srcnat;\n"
	"  ip saddr " INSIDE "0/24 meta l4proto { tcp, udp } snat to " OUTSIDE "11:20000-60000 random; }\n"
	"}\n";

/* Runs a tool of the machine; its input is `text` when given. */
static bool tool(const char *text, char *const argv[])
{
	struct bed one = { .nchildren = 0 };
	int in = -1, status = 1;
	pid_t pid = bed_spawn(&one, "/dev/null", argv, text ? &in : NULL, NULL);

	if (!pid)
		return false;
	if (text) {
		(void)!write(in, text, strlen(text));
		close(in);
	}
	return waitpid(pid, &status, 0) == pid && status == 0;
}

static bool ip_batch(const char *lines)
{
	return tool(lines, (char *[]){ "ip", "-batch", "-", NULL });
}

/* A network of our own; as somebody else than root only inside a user namespace of our own. */
static bool own_network(void)
{
	char map[64];
	uid_t uid = getuid();

	if (unshare(CLONE_NEWNET) == 0)
		return true;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return false;
	(void)snprintf(map, sizeof map, "0 %u 1", uid);
	return bed_write("/proc/self/uid_map", map);
}

static bool same_network(pid_t pid)
{
	struct stat ours, theirs;
	char path[64];

	(void)snprintf(path, sizeof path, "/proc/%d/ns/net", (int)pid);
	return stat("/proc/self/ns/net", &ours) || stat(path, &theirs) || ours.st_ino == theirs.st_ino;
}

/* Our end of the cable, and the hub's end put into its network. */
bool demo_nat_wire(pid_t hub, const char **why)
{
	double end = bed_now() + 5;
	char lines[400];

	while (same_network(hub) && bed_now() < end)
		bed_pause(0.02);
	(void)snprintf(lines, sizeof lines,
		"link add outside type veth peer name inside netns %d\n"
		"address add " OUTSIDE "1/24 dev outside\nlink set outside up\n", (int)hub);
	if (!same_network(hub) && ip_batch(lines))
		return true;
	*why = "the cable between the two networks cannot be made";
	return false;
}

/* The hub's side, before it becomes the hub: a network, and its end of the cable. */
int demo_nat_inside(int argc, char **argv)
{
	double end = bed_now() + 8;
	char *hub[24] = { "/proc/self/exe" };

	if (argc > 20 || unshare(CLONE_NEWNET))
		return NOT_ALLOWED;
	while (!if_nametoindex("inside") && bed_now() < end)
		bed_pause(0.02);
	if (!ip_batch("link set lo up\naddress add " INSIDE "11/32 dev lo\n"
		      "address add " INSIDE "12/32 dev lo\naddress add " INSIDE "13/32 dev lo\n"
		      "address add " OUTSIDE "11/24 dev inside\naddress add " OUTSIDE "12/24 dev inside\n"
		      "address add " OUTSIDE "13/24 dev inside\nlink set inside up\n") ||
	    !tool(rules, (char *[]){ "nft", "-f", "-", NULL })) {
		fprintf(stderr, "the translation cannot be set up; see that iproute2 and nftables are installed\n");
		return 1;
	}
	memcpy(hub + 1, argv, (size_t)argc * sizeof *argv);
	(void)execv("/proc/self/exe", hub);
	return 1;
}

/* The border's side: everything but the hub, in a network of its own. */
int demo_nat_main(const char *out)
{
	struct demo *d = mem_new(sizeof *d);
	char path[DEMO_PATH];
	const char *why;

	if (!own_network() || !ip_batch("link set lo up\n"))
		return NOT_ALLOWED;
	(void)str_copy(d->bed.dir, sizeof d->bed.dir, str_of(out));
	d->bed.next_port = 20000;
	d->scenarios = json_array();
	d->place = &behind_nat;
	why = demo_set_up(d);
	if (why) {
		printf("\nTeams behind address translation cannot start: %s. Logs: %s\n", why, out);
		d->failed = 1;
	} else {
		demo_run(d, demo_scenario_behind_nat());
	}
	bed_close(&d->bed);
	bed_path(&d->bed, path, "scenario.json");
	if (!why && json_dump_file(json_array_get(d->scenarios, 0), path, 0))
		d->failed = 1;
	json_decref(d->scenarios);
	why = d->failed ? "failed" : NULL;
	mem_free(d);
	return why ? 1 : 0;
}

static void skipped(struct demo *d, const char *why)
{
	const struct demo_scenario *s = demo_scenario_behind_nat();

	printf("\n%s\n  skipped: %s\n", s->title, why);
	json_array_append_new(d->scenarios, json_pack("{s:s, s:s}", "name", s->name, "skipped", why));
}

void demo_nat(struct demo *d)
{
	char dir[DEMO_PATH], path[DEMO_PATH];
	int status = 0;
	json_t *one;
	pid_t pid;

	bed_path(&d->bed, dir, "nat");
	bed_path(&d->bed, path, "nat/scenario.json");
	(void)mkdir(dir, 0755);
	(void)unlink(path);
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {		/* our own output, a process of its own */
		(void)setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
		(void)execv("/proc/self/exe", (char *[]){ "tandem", "demo", "--nat", dir, NULL });
		_exit(1);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		skipped(d, "no process for it");
		return;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_ALLOWED) {
		skipped(d, "this machine does not allow networks of its own to this user");
		return;
	}
	one = json_load_file(path, 0, NULL);
	if (one)
		json_array_append_new(d->scenarios, one);
	d->failed += !one || status != 0;
}
