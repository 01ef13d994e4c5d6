#include "app/demo_bed.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

extern char **environ;

double bed_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);	/* banned: a script outside of any loop */
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void bed_pause(double s)
{
	(void)poll(NULL, 0, (int)(s * 1000));
}

void bed_path(const struct bed *b, char out[DEMO_PATH], const char *fmt, ...)
{
	va_list ap;
	int n = snprintf(out, DEMO_PATH, "%s/", b->dir);

	va_start(ap, fmt);
	if (n > 0 && n < DEMO_PATH)
		(void)vsnprintf(out + n, (size_t)(DEMO_PATH - n), fmt, ap);
	va_end(ap);
}

bool bed_write(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");
	bool ok = f && fputs(text, f) >= 0;

	if (f)
		ok = fclose(f) == 0 && ok;
	return ok;
}

/* --- ports ------------------------------------------------------------------- */

static bool is_free(uint16_t port, int type)
{
	for (int host = 1; host <= 3; host++) {
		struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
		int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), bad;

		a.sin_addr.s_addr = htonl(0x7f000000u | (unsigned)host);
		bad = fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a);
		if (fd >= 0)
			close(fd);
		if (bad)
			return false;
	}
	return true;
}

uint16_t bed_ports(struct bed *b, int count)
{
	for (uint32_t at = b->next_port; at + (uint32_t)count < 60000; at += 2) {
		int k = 0;

		while (k < count && is_free((uint16_t)(at + (uint32_t)k), SOCK_DGRAM) &&
		       is_free((uint16_t)(at + (uint32_t)k), SOCK_STREAM))
			k++;
		if (k < count)
			continue;
		b->next_port = (uint16_t)(at + (uint32_t)count + (uint32_t)(count & 1));
		return (uint16_t)at;
	}
	return 0;
}

/* --- children ------------------------------------------------------------------- */

static void redirect(posix_spawn_file_actions_t *fa, const char *log, int in, int out)
{
	if (in >= 0)
		posix_spawn_file_actions_adddup2(fa, in, 0);
	else
		posix_spawn_file_actions_addopen(fa, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(fa, 2, log, O_WRONLY | O_CREAT | O_APPEND, 0644);
	if (out >= 0)
		posix_spawn_file_actions_adddup2(fa, out, 1);
	else
		posix_spawn_file_actions_adddup2(fa, 2, 1);
}

pid_t bed_spawn(struct bed *b, const char *log, char *const argv[], int *in, int *out)
{
	posix_spawn_file_actions_t fa;
	int to[2] = { -1, -1 }, from[2] = { -1, -1 };
	pid_t pid = 0;

	if (b->nchildren == DEMO_CHILDREN || (in && pipe2(to, O_CLOEXEC)) ||
	    (out && pipe2(from, O_CLOEXEC)))
		return 0;
	posix_spawn_file_actions_init(&fa);
	redirect(&fa, log, to[0], from[1]);
	if (posix_spawnp(&pid, argv[0], &fa, NULL, argv, environ))
		pid = 0;
	posix_spawn_file_actions_destroy(&fa);
	if (in) {
		close(to[0]);
		*in = to[1];
	}
	if (out) {
		close(from[1]);
		*out = from[0];
	}
	if (pid)
		b->child[b->nchildren++] = pid;
	return pid;
}

void bed_stop(struct bed *b, pid_t pid)
{
	for (int i = 0; i < b->nchildren; i++) {
		if (b->child[i] != pid)
			continue;
		(void)kill(pid, SIGTERM);
		for (int k = 0; k < 300 && waitpid(pid, NULL, WNOHANG) == 0; k++)
			bed_pause(0.01);
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		b->child[i] = b->child[--b->nchildren];
		return;
	}
}

void bed_close(struct bed *b)
{
	while (b->nchildren)
		bed_stop(b, b->child[b->nchildren - 1]);
}

/* --- the softphone ----------------------------------------------------------------- */

static const char phone_config[] =
	"poll_method epoll\nsip_listen 127.0.0.1:%u\ncall_local_timeout 120\ncall_max_calls 4\n"
	"audio_source ausine,%u\naudio_player nil,nil\naudio_alert nil,nil\nausrc_srate 48000\n"
	"ausrc_channels 2\naudio_level no\nrtp_ports %u-%u\nrtcp_mux no\njitter_buffer_delay 2-10\n"
	"rtp_stats no\nnet_interface 127.0.0.1\nmodule_path /usr/lib/baresip/modules\n"
	"module g711.so\nmodule sndfile.so\nmodule ausine.so\nmodule srtp.so\nmodule_tmp account.so\n"
	"module_app menu.so\nmodule_app ctrl_tcp.so\nctrl_tcp_listen 127.0.0.1:%u\nsnd_path %s\n"
	"statmode_default off\n";

/* PEER: baresip 1.0.0, 2026: a hold ends its recording for good unless the send filter fails to
 * open; folders in the place of the coming send recordings make it fail (see test/live/lib). */
static void keep_recording(const struct phone *p)
{
	time_t now;
	char path[DEMO_PATH + 64], stamp[32];
	struct timespec t;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &t);	/* banned: names of files, not time of calls */
	for (now = t.tv_sec - 1; now < t.tv_sec + 400; now++) {
		(void)gmtime_r(&now, &tm);
		(void)strftime(stamp, sizeof stamp, "%Y-%m-%d-%H-%M-%S", &tm);
		(void)snprintf(path, sizeof path, "%s/dump-%s-enc.wav", p->dir, stamp);
		(void)mkdir(path, 0755);
	}
}

/* Recordings of an earlier demo, and their placeholders. */
static void forget_recordings(const struct phone *p)
{
	char path[DEMO_PATH + 300];
	DIR *d = opendir(p->dir);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (str_starts(str_of(e->d_name), STR("dump-"))) {
			(void)snprintf(path, sizeof path, "%s/%s", p->dir, e->d_name);
			if (unlink(path))
				(void)rmdir(path);
		}
	if (d)
		(void)closedir(d);
}

static bool write_config(struct phone *p, const struct phone_setup *s, uint16_t ctl, uint16_t rtp)
{
	char text[4096], path[DEMO_PATH + 16];

	(void)snprintf(text, sizeof text, phone_config, p->sip, s->hz, rtp, rtp + 39, ctl, p->dir);
	(void)snprintf(path, sizeof path, "%s/config", p->dir);
	if (!bed_write(path, text))
		return false;
	if (s->proxy)
		(void)snprintf(text, sizeof text,
			"<sip:%s@tandem.demo;transport=udp>;regint=60;answermode=manual;audio_codecs=PCMA,PCMU;auth_user=%s;auth_pass=%s;outbound=\"sip:127.0.0.1:%u;transport=udp\"\n",
			s->user, s->user, s->password, s->proxy);
	else
		(void)snprintf(text, sizeof text,
			"<sip:%s@127.0.0.1:%u;transport=udp>;regint=0;answermode=manual;audio_codecs=PCMA,PCMU\n",
			s->user, p->sip);
	(void)snprintf(path, sizeof path, "%s/accounts", p->dir);
	return bed_write(path, text);
}

static bool connect_control(struct phone *p, uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(0x7f000001) };

	for (int i = 0; i < 200; i++) {
		p->ctl = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (p->ctl >= 0 && connect(p->ctl, (struct sockaddr *)&a, sizeof a) == 0)
			return true;
		close(p->ctl);
		bed_pause(0.03);
	}
	return false;
}

bool phone_start(struct phone *p, struct bed *b, const struct phone_setup *s)
{
	char log[DEMO_PATH];
	char *argv[] = { "baresip", "-v", "-f", p->dir, NULL };
	uint16_t ctl, rtp;

	*p = (struct phone){ .bed = b, .name = s->name, .hz = s->hz, .ctl = -1 };
	(void)str_copy(p->user, sizeof p->user, str_of(s->user));
	bed_path(b, p->dir, "phone-%s", s->user);
	bed_path(b, log, "phone-%s.log", s->user);
	(void)mkdir(p->dir, 0755);
	p->sip = bed_ports(b, 2);
	ctl = bed_ports(b, 2);
	rtp = bed_ports(b, 40);
	forget_recordings(p);
	keep_recording(p);
	return write_config(p, s, ctl, rtp) && bed_spawn(b, log, argv, NULL, NULL) &&
	       connect_control(p, ctl);
}

static void one_message(struct phone *p, const char *text, size_t n)
{
	json_t *j = json_loadb(text, n, 0, NULL);
	const char *type = json_string_value(json_object_get(j, "type"));
	const char *data = json_string_value(json_object_get(j, "data"));

	if (json_is_true(json_object_get(j, "event")) && type && p->nevents < DEMO_EVENTS) {
		(void)str_copy(p->event[p->nevents++], 32, str_sub(str_of(type), 0, 31));
	} else if (json_object_get(j, "response")) {
		(void)str_copy(p->answer, sizeof p->answer, str_sub(str_of(data), 0, 4095));
		p->answered++;
	}
	json_decref(j);
}

static void read_messages(struct phone *p, int ms)
{
	struct pollfd f = { .fd = p->ctl, .events = POLLIN };
	ssize_t n;

	if (poll(&f, 1, ms) <= 0)
		return;
	n = recv(p->ctl, p->buf + p->n, sizeof p->buf - p->n, MSG_DONTWAIT);
	if (n <= 0)
		return;
	p->n += (size_t)n;
	for (;;) {		/* netstrings: 12:{...}, */
		struct str all = { p->buf, p->n }, size, rest;
		uint32_t len;

		if (!str_cut(all, ':', &size, &rest) || str_u32(size, 65000, &len) || rest.n <= len)
			return;
		one_message(p, rest.p, len);
		n = (ssize_t)(size.n + 2 + len);
		p->n -= (size_t)n;
		memmove(p->buf, p->buf + n, p->n);
	}
}

bool phone_do(struct phone *p, const char *command, const char *params)
{
	char text[600], frame[640];
	int want = p->answered + 1, n, k;
	double end = bed_now() + 5;

	n = snprintf(text, sizeof text, "{\"command\":\"%s\",\"params\":\"%s\",\"token\":\"%d\"}",
		     command, params ? params : "", ++p->token);
	k = snprintf(frame, sizeof frame, "%d:%s,", n, text);
	if (send(p->ctl, frame, (size_t)k, MSG_NOSIGNAL) != k)
		return false;
	while (p->answered < want && bed_now() < end)
		read_messages(p, 20);
	return p->answered >= want;
}

bool phone_registered(struct phone *p, double limit_s)
{
	double end = bed_now() + limit_s;

	while (bed_now() < end) {
		if (phone_do(p, "reginfo", NULL) && strstr(p->answer, "OK "))
			return true;
		bed_pause(0.1);
	}
	return false;
}

void phone_forget(struct phone *p)
{
	read_messages(p, 0);
	p->nevents = 0;
}

bool phone_saw(struct phone *p, const char *event)
{
	read_messages(p, 0);
	for (int i = 0; i < p->nevents; i++)
		if (!strcmp(p->event[i], event))
			return true;
	return false;
}

bool phone_wait(struct phone *p, const char *event, double limit_s)
{
	double end = bed_now() + limit_s;

	while (!phone_saw(p, event)) {
		if (bed_now() > end)
			return false;
		read_messages(p, 20);
	}
	return true;
}

/* --- its ear --------------------------------------------------------------------------- */

enum { BLOCK = 800 };			/* 100 ms at 8 kHz */

static bool tone_in(const int16_t *s, unsigned hz)
{
	double k = 2 * cos(2 * M_PI * hz / 8000), s1 = 0, s2 = 0, energy = 0, power;

	for (int i = 0; i < BLOCK; i++) {
		double s0 = s[i] + k * s1 - s2;

		s2 = s1;
		s1 = s0;
		energy += (double)s[i] * s[i];
	}
	power = s1 * s1 + s2 * s2 - k * s1 * s2;
	return energy > BLOCK * 1e4 && 2 * power / (BLOCK * energy) > 0.7;
}

static unsigned heard_in(const char *path, unsigned hz)
{
	FILE *f = fopen(path, "rbe");
	int16_t s[BLOCK];
	unsigned ms = 0;

	if (!f)
		return 0;
	if (fseek(f, 44, SEEK_SET) == 0)
		while (fread(s, sizeof *s, BLOCK, f) == BLOCK)
			ms += tone_in(s, hz) ? 100 : 0;
	(void)fclose(f);
	return ms;
}

unsigned phone_heard(const struct phone *p, unsigned hz)
{
	char path[DEMO_PATH + 300];
	DIR *d = opendir(p->dir);
	struct dirent *e;
	unsigned ms = 0;

	while (d && (e = readdir(d)))
		if (str_ends(str_of(e->d_name), STR("-dec.wav"))) {
			(void)snprintf(path, sizeof path, "%s/%s", p->dir, e->d_name);
			ms += heard_in(path, hz);
		}
	if (d)
		(void)closedir(d);
	return ms;
}
