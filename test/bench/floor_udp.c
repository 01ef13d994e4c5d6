/*
 * floor_udp.c - the limit of S1 and S2: the datagrams of a call, in the same order, of the same
 * sizes and with the same system calls as the daemon's, and nothing else: no parsing, no state.
 *
 *   floor_udp serve NEAR AWAY FAR            the system: two sockets, epoll, recvmmsg, sendmmsg
 *   floor_udp drive NEAR AWAY FAR RATE SECONDS N   callers and N destinations; prints {"done":..}
 *
 * NEAR, AWAY: ports of the system; FAR: the destinations' port. N = 1 is S1's call; with more,
 * the first one answers after 100 ms and the others are cancelled. Sizes are Tandem's of S1.
 * All on loopback.
 */
#include "bench/args.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 32, ROOM = 2048, DUE = 1 << 14, ANSWER_US = 100000, LINGER_US = 1000000, TELL_US = 100000 };

enum kind { INVITE, TRYING, RINGING, ANSWER, ACK, BYE, OVER, CANCEL, CANCELLED, TERMINATED, NKIND };

static const uint16_t bytes_of[NKIND] = {
	[INVITE] = 930, [TRYING] = 300, [RINGING] = 430, [ANSWER] = 830, [ACK] = 380, [BYE] = 400, [OVER] = 330,
	[CANCEL] = 330, [CANCELLED] = 330, [TERMINATED] = 360,
};

struct head { uint8_t kind, n, branch; };

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static struct sockaddr_in at(int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				     .sin_port = htons((uint16_t)port) };
}

static int open_at(int port)
{
	struct sockaddr_in a = at(port);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), size = 4 << 20, on = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	(void)setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
	(void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
	(void)setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&a, sizeof a)) {
		perror("floor_udp");
		exit(1);
	}
	return fd;
}

/* --- the system ----------------------------------------------------------- */

struct out {
	int fd;
	struct sockaddr_in to;
	size_t n;
	char text[ROOM];
};

struct in {
	struct mmsghdr msg[BATCH];
	struct iovec iov[BATCH];
	struct sockaddr_in from[BATCH];
	char control[BATCH][128], buf[BATCH][ROOM];
};

struct system {
	int near, away;
	struct sockaddr_in caller, far;
	struct in in;
	struct out out[256];
	int nout;
};

static void say(struct system *s, bool to_caller, enum kind k, struct head h)
{
	struct out *o = &s->out[s->nout++];

	o->fd = to_caller ? s->near : s->away;
	o->to = to_caller ? s->caller : s->far;
	o->n = bytes_of[k];
	h.kind = (uint8_t)k;
	memset(o->text, 'x', o->n);		/* written once, as a message is */
	memcpy(o->text, &h, sizeof h);
}

static void on_message(struct system *s, struct head h)
{
	switch ((enum kind)h.kind) {
	case INVITE:
		say(s, true, TRYING, h);
		for (h.branch = 0; h.branch < h.n; h.branch++)
			say(s, false, INVITE, h);
		break;
	case RINGING:
		if (h.branch == 0)
			say(s, true, RINGING, h);
		break;
	case ANSWER:
		say(s, false, ACK, h);
		say(s, true, ANSWER, h);
		for (h.branch = 1; h.branch < h.n; h.branch++)
			say(s, false, CANCEL, h);
		break;
	case TERMINATED:
		say(s, false, ACK, h);
		break;
	case BYE:
		say(s, true, OVER, h);
		say(s, false, BYE, h);
		break;
	case TRYING: case ACK: case OVER: case CANCEL: case CANCELLED: case NKIND:
		break;
	}
}

static void flush(struct system *s)
{
	struct mmsghdr m[BATCH];
	struct iovec iov[BATCH];

	for (int i = 0; i < s->nout;) {
		int n = 0;

		for (; i + n < s->nout && n < BATCH && s->out[i + n].fd == s->out[i].fd; n++) {
			struct out *o = &s->out[i + n];

			iov[n] = (struct iovec){ o->text, o->n };
			m[n].msg_hdr = (struct msghdr){ .msg_name = &o->to, .msg_namelen = sizeof o->to,
							.msg_iov = &iov[n], .msg_iovlen = 1 };
		}
		(void)sendmmsg(s->out[i].fd, m, (unsigned)n, MSG_DONTWAIT);	/* a loss shows in {"done"} */
		i += n;
	}
	s->nout = 0;
}

static void on_readable(struct system *s, int fd)
{
	struct in *b = &s->in;
	int n;

	for (int i = 0; i < BATCH; i++) {
		b->iov[i] = (struct iovec){ b->buf[i], ROOM };
		b->msg[i].msg_hdr = (struct msghdr){ .msg_name = &b->from[i], .msg_namelen = sizeof b->from[i],
			.msg_iov = &b->iov[i], .msg_iovlen = 1, .msg_control = b->control[i], .msg_controllen = 128 };
	}
	n = recvmmsg(fd, b->msg, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++) {
		struct head h;

		memcpy(&h, b->buf[i], sizeof h);
		if (fd == s->near)
			s->caller = b->from[i];
		on_message(s, h);
	}
	flush(s);
}

static _Noreturn void serve(int near, int away, int far)
{
	static struct system s;
	int ep = epoll_create1(0);
	struct epoll_event e = { .events = EPOLLIN }, got[8];

	s.near = e.data.fd = open_at(near);
	(void)epoll_ctl(ep, EPOLL_CTL_ADD, s.near, &e);
	s.away = e.data.fd = open_at(away);
	(void)epoll_ctl(ep, EPOLL_CTL_ADD, s.away, &e);
	s.far = at(far);
	puts("ready");
	fflush(stdout);
	for (;;) {
		int n = epoll_wait(ep, got, 8, -1);

		for (int i = 0; i < n; i++)
			on_readable(&s, got[i].data.fd);
	}
}

/* --- callers and destinations --------------------------------------------- */

struct ends {
	int caller, far;
	struct sockaddr_in near, away;
	struct { int64_t at; struct head h; } due[DUE];		/* answers, oldest first */
	uint32_t due_from, due_to;
	unsigned done, called;
};

static void put(int fd, const struct sockaddr_in *to, enum kind k, struct head h)
{
	char text[ROOM] = { 0 };

	h.kind = (uint8_t)k;
	memcpy(text, &h, sizeof h);
	(void)sendto(fd, text, bytes_of[k], 0, (const struct sockaddr *)to, sizeof *to);
}

static void on_far(struct ends *e, struct head h)
{
	if (h.kind == INVITE) {
		put(e->far, &e->away, RINGING, h);
		if (h.n == 1) {
			put(e->far, &e->away, ANSWER, h);
		} else if (h.branch == 0) {
			e->due[e->due_to % DUE].at = now_us() + ANSWER_US;
			e->due[e->due_to++ % DUE].h = h;
		}
	} else if (h.kind == CANCEL) {
		put(e->far, &e->away, CANCELLED, h);
		put(e->far, &e->away, TERMINATED, h);
	} else if (h.kind == BYE) {
		put(e->far, &e->away, OVER, h);
	}
}

static void on_caller(struct ends *e, struct head h)
{
	if (h.kind == ANSWER) {
		put(e->caller, &e->near, ACK, h);
		put(e->caller, &e->near, BYE, h);
	}
	e->done += h.kind == OVER;
}

static void hear(struct ends *e)
{
	char text[ROOM];
	struct head h;

	while (recv(e->far, text, sizeof text, MSG_DONTWAIT) > 0) {
		memcpy(&h, text, sizeof h);
		on_far(e, h);
	}
	while (recv(e->caller, text, sizeof text, MSG_DONTWAIT) > 0) {
		memcpy(&h, text, sizeof h);
		on_caller(e, h);
	}
	for (; e->due_from != e->due_to && e->due[e->due_from % DUE].at <= now_us(); e->due_from++)
		put(e->far, &e->away, ANSWER, e->due[e->due_from % DUE].h);
}

static int drive(const int port[3], double rate, double seconds, int n)
{
	static struct ends e;
	int64_t began = now_us(), end = began + (int64_t)(seconds * 1e6) + LINGER_US, told = 0;
	unsigned all = (unsigned)(rate * seconds);

	e.caller = open_at(0);
	e.far = open_at(port[2]);
	e.near = at(port[0]);
	e.away = at(port[1]);
	for (int64_t t = began; t < end; t = now_us()) {
		struct pollfd p[2] = { { e.far, POLLIN, 0 }, { e.caller, POLLIN, 0 } };

		for (; e.called < all && e.called < (double)(t - began) * rate / 1e6; e.called++)
			put(e.caller, &e.near, INVITE, (struct head){ .n = (uint8_t)n });
		(void)poll(p, 2, 1);
		hear(&e);
		if (t - told < TELL_US)
			continue;
		told = t;
		printf("{\"done\":%u,\"bad\":0}\n", e.done);
		fflush(stdout);
	}
	printf("{\"done\":%u,\"bad\":%u}\n", e.done, e.called - e.done);
	return 0;
}

int main(int argc, char **argv)
{
	int port[3];

	for (int i = 0; i < 3 && argc >= 5; i++)
		port[i] = (int)arg_u32(argv[2 + i]);
	if (argc == 5 && strcmp(argv[1], "serve") == 0)
		serve(port[0], port[1], port[2]);
	if (argc == 8 && strcmp(argv[1], "drive") == 0)
		return drive(port, arg_num(argv[5]), arg_num(argv[6]), (int)arg_u32(argv[7]));
	fprintf(stderr, "usage: floor_udp serve NEAR AWAY FAR | drive NEAR AWAY FAR RATE SECONDS N\n");
	return 2;
}
