/*
 * far.c - the called side of S2 and S5: far PORT ANSWER_MS. Users that end in 01 ring and
 * answer ANSWER_MS later; all others ring until they are cancelled. Branches of one call may
 * share a Call-ID, as a proxy's do, so a request is known by its top Via alone; SIPp would
 * take them for one.
 *
 * Loopback only. Repeats nothing; what is repeated to it is counted. Prints its counts as a JSON
 * line ten times a second while they change:
 *   {"invite":..,"ack":..,"cancel":..,"bye":..,"repeated":..,"odd":..}
 */
#include "bench/args.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

enum { MSG_MAX = 8192, HEAD_MAX = 3072, SLOTS = 1 << 14, FORGET_MS = 3000 };

struct invite {
	char head[HEAD_MAX];		/* Via .. CSeq of its responses, with our tag */
	struct sockaddr_in from;
	uint64_t key;			/* of its top Via; 0: free */
	int64_t born_ms, due_ms;	/* due_ms: answer then; 0: never */
};

struct far {
	struct invite *slot;
	uint32_t next, due;		/* slots are used in turn: [due, next) may wait for its answer */
	int fd, answer_ms;
	uint16_t port;
	unsigned invite, ack, cancel, bye, repeated, odd;
};

static const char sdp[] =
	"v=0\r\no=far 53655765 2353687637 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
	"m=audio 9000 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
	"a=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n";

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static uint64_t key_of(const char *p, size_t n)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)p[i]) * 0x100000001b3u;
	return h ? h : 1;
}

/* The branch of the first Via. */
static uint64_t branch_of(const char *m)
{
	const char *b = strstr(m, "branch=");

	return b ? key_of(b, strcspn(b, ";, \r\n")) : 0;
}

static bool is(const char *line, const char *name)
{
	return strncasecmp(line, name, strlen(name)) == 0;
}

/* Copies what a response repeats, and gives To a tag where it has none. */
static bool head_of(const char *m, uint64_t key, char *to)
{
	static const char *const names[] = { "Via:", "Record-Route:", "From:", "To:", "Call-ID:", "CSeq:" };
	size_t used = 0;

	for (const char *l = strstr(m, "\r\n"); l && l[2] && l[2] != '\r'; l = strstr(l + 2, "\r\n")) {
		size_t n = strcspn(l + 2, "\r");

		for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
			if (!is(l + 2, names[i]))
				continue;
			bool tag = i == 3 && !memmem(l + 2, n, ";tag=", 5);

			if (used + n + 40 > HEAD_MAX)
				return false;
			used += (size_t)snprintf(to + used, HEAD_MAX - used, "%.*s", (int)n, l + 2);
			if (tag)
				used += (size_t)snprintf(to + used, HEAD_MAX - used, ";tag=%016llx",
							 (unsigned long long)key);
			used += (size_t)snprintf(to + used, HEAD_MAX - used, "\r\n");
		}
	}
	return used > 0;
}

static void answer(struct far *f, const struct sockaddr_in *to, const char *head, const char *status, const char *body)
{
	char out[MSG_MAX];
	int n = snprintf(out, sizeof out,
			 "SIP/2.0 %s\r\n%sContact: <sip:far@127.0.0.1:%u>\r\nAllow: INVITE, ACK, BYE, CANCEL, OPTIONS\r\n"
			 "%sContent-Length: %zu\r\n\r\n%s", status, head, f->port,
			 *body ? "Content-Type: application/sdp\r\n" : "", strlen(body), body);

	(void)sendto(f->fd, out, (size_t)n, 0, (const struct sockaddr *)to, sizeof *to);	/* UDP may lose it */
}

static struct invite *known(struct far *f, uint64_t key)
{
	int64_t old = now_ms() - FORGET_MS;

	/* The newest first: a CANCEL comes soon. */
	for (uint32_t i = 1; i <= SLOTS; i++) {
		struct invite *v = &f->slot[(f->next - i) % SLOTS];

		if (!v->key || v->born_ms < old)
			return NULL;
		if (v->key == key)
			return v;
	}
	return NULL;
}

static void on_invite(struct far *f, const char *m, const struct sockaddr_in *from)
{
	uint64_t key = branch_of(m);
	const char *at = strchr(m, '@');
	struct invite *v = known(f, key);

	f->invite++;
	if (v) {
		f->repeated++;
		return;
	}
	v = &f->slot[f->next % SLOTS];
	if (!key || !head_of(m, key, v->head)) {
		f->odd++;
		return;
	}
	v->key = key;
	v->from = *from;
	v->born_ms = now_ms();
	v->due_ms = at && at - m > 2 && strncmp(at - 2, "01", 2) == 0 ? v->born_ms + f->answer_ms : 0;
	f->next++;
	answer(f, from, v->head, "180 Ringing", "");
}

static void on_request(struct far *f, const char *m, const struct sockaddr_in *from)
{
	char head[HEAD_MAX];
	struct invite *v;

	if (is(m, "INVITE ")) {
		on_invite(f, m, from);
	} else if (is(m, "ACK ")) {
		f->ack++;
	} else if (!head_of(m, branch_of(m), head)) {
		f->odd++;
	} else if (is(m, "CANCEL ")) {
		f->cancel++;
		v = known(f, branch_of(m));
		answer(f, from, head, v ? "200 OK" : "481 Call/Transaction Does Not Exist", "");
		if (v)
			answer(f, from, v->head, "487 Request Terminated", "");
	} else if (is(m, "BYE ")) {
		f->bye++;
		answer(f, from, head, "200 OK", "");
	} else {
		f->odd++;
	}
}

/* All wait equally long, so the oldest is due first. */
static int answer_due(struct far *f)
{
	for (; f->due != f->next; f->due++) {
		struct invite *v = &f->slot[f->due % SLOTS];
		int64_t left = v->due_ms - now_ms();

		if (v->due_ms && left > 0)
			return (int)left;
		if (v->due_ms)
			answer(f, &v->from, v->head, "200 OK", sdp);
	}
	return 200;
}

static void tell(const struct far *f)
{
	printf("{\"invite\":%u,\"ack\":%u,\"cancel\":%u,\"bye\":%u,\"repeated\":%u,\"odd\":%u}\n",
	       f->invite, f->ack, f->cancel, f->bye, f->repeated, f->odd);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct far f = { .slot = calloc(SLOTS, sizeof *f.slot) };
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int size = 4 << 20;
	unsigned told = 0;
	int64_t tell_ms = 0;

	if (argc != 3 || !f.slot) {
		fprintf(stderr, "usage: far PORT ANSWER_MS\n");
		return 2;
	}
	f.port = (uint16_t)arg_u32(argv[1]);
	f.answer_ms = (int)arg_u32(argv[2]);
	here.sin_port = htons(f.port);
	f.fd = socket(AF_INET, SOCK_DGRAM, 0);
	(void)setsockopt(f.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	if (bind(f.fd, (struct sockaddr *)&here, sizeof here)) {
		perror("far");
		return 1;
	}
	tell(&f);
	for (;;) {
		struct pollfd p = { f.fd, POLLIN, 0 };
		char m[MSG_MAX];
		struct sockaddr_in from;
		socklen_t len = sizeof from;
		ssize_t n;

		(void)poll(&p, 1, answer_due(&f));
		while ((n = recvfrom(f.fd, m, sizeof m - 1, MSG_DONTWAIT, (struct sockaddr *)&from, &len)) > 0) {
			m[n] = 0;
			on_request(&f, m, &from);
			(void)answer_due(&f);
		}
		if (now_ms() >= tell_ms && told != f.invite + f.ack + f.bye) {
			told = f.invite + f.ack + f.bye;
			tell_ms = now_ms() + 100;
			tell(&f);
		}
	}
}
