/*
 * netsim - a bad link between two ends on this machine.
 *
 * *   netsim udp|tcp LISTEN_IP:PORT TARGET_IP:PORT [WORD=N...]
 *
 * UDP: every source that speaks to LISTEN gets a socket of its own towards TARGET, so that both
 * ends see one flow per peer. TCP: every connection to LISTEN becomes one to TARGET.
 *   seed=N               chance repeats itself (the kernel's order of events does not)
 *   drop=N dup=N reorder=N    of 1,000 datagrams; by=N: reordered behind N later ones
 *   delay=MS jitter=MS   MS +- jitter; streams keep their order
 *   seg=N                a stream's bytes in pieces of N, a millisecond apart
 * The same words, one a line, change a running link; and "rst" resets every connection at once,
 * "stat" prints {"seen":..,"sent":..,...}. The end of standard input ends it, with a last "stat".
 * For Tandem's own measures on this machine; it refuses addresses that are not local.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FLOW_MAX = 4096, HELD_MAX = 64, HELD_MS = 500, BUFFERED_MAX = 1 << 20 };

enum word { SEED, DROP, DUP, REORDER, BY, DELAY, JITTER, SEG, NWORD };
static const char *const word[NWORD] = { "seed", "drop", "dup", "reorder", "by", "delay", "jitter", "seg" };
enum count { SEEN, SENT, DROPPED, DUPLICATED, REORDERED, FLOWS, RESETS, NCOUNT };
static const char *const count[NCOUNT] = { "seen", "sent", "dropped", "duplicated", "reordered", "flows", "resets" };

struct piece {			/* bytes on their way */
	uint64_t due, order;
	struct flow *flow;
	uint64_t flow_id;
	int dir, after;		/* after: how many later ones it waits for */
	size_t n;
	uint8_t bytes[];
};

struct flow {
	uint64_t id;		/* 0: free */
	int fd[2];		/* [0] towards the listener's side (TCP), [1] towards the target */
	struct sockaddr_in peer;
	uint64_t last[2];	/* due time of the last piece: streams keep their order */
	size_t waiting[2];
	bool half[2];		/* this side said its last word */
};

struct link {
	int ep, listen;
	bool tcp, over;
	struct sockaddr_in target;
	unsigned set[NWORD];
	uint64_t n[NCOUNT], rng, order, ids;
	struct piece **heap;
	size_t nheap, room;
	struct piece *held[HELD_MAX];
	size_t nheld;
	struct flow flow[FLOW_MAX];
};

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static uint64_t roll(struct link *l)
{
	l->rng ^= l->rng << 13;
	l->rng ^= l->rng >> 7;
	l->rng ^= l->rng << 17;
	return l->rng >> 11;
}

static bool chance(struct link *l, enum word w)
{
	return l->set[w] && roll(l) % 1000 < l->set[w];
}

/* --- the heap: what leaves next ------------------------------------------------------------ */

static bool before(const struct piece *a, const struct piece *b)
{
	return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static void push(struct link *l, struct piece *p)
{
	size_t i = l->nheap++;

	if (l->nheap > l->room) {
		l->room = l->room ? 2 * l->room : 256;
		l->heap = realloc(l->heap, l->room * sizeof *l->heap);
		if (!l->heap)
			abort();
	}
	for (; i && before(p, l->heap[(i - 1) / 2]); i = (i - 1) / 2)
		l->heap[i] = l->heap[(i - 1) / 2];
	l->heap[i] = p;
}

static struct piece *pop(struct link *l)
{
	struct piece *top = l->heap[0], *p = l->heap[--l->nheap];
	size_t i = 0, k;

	while ((k = 2 * i + 1) < l->nheap) {
		if (k + 1 < l->nheap && before(l->heap[k + 1], l->heap[k]))
			k++;
		if (!before(l->heap[k], p))
			break;
		l->heap[i] = l->heap[k];
		i = k;
	}
	l->heap[i] = p;
	return top;
}

static struct piece *piece(struct link *l, struct flow *f, int dir, const uint8_t *bytes, size_t n)
{
	struct piece *p = malloc(sizeof *p + n);

	if (!p)
		abort();
	*p = (struct piece){ .flow = f, .flow_id = f->id, .dir = dir, .n = n, .order = l->order++ };
	memcpy(p->bytes, bytes, n);
	return p;
}

static uint64_t after_delay(struct link *l)
{
	int64_t us = (int64_t)l->set[DELAY] * 1000;

	if (l->set[JITTER])
		us += (int64_t)(roll(l) % (l->set[JITTER] * 2000 + 1)) - (int64_t)l->set[JITTER] * 1000;
	return now_us() + (us > 0 ? (uint64_t)us : 0);
}

/* --- flows --------------------------------------------------------------------------------- */

static void watch(const struct link *l, int fd, size_t slot, int side)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = (uint64_t)(slot + 1) * 2 + (uint64_t)side };

	(void)epoll_ctl(l->ep, EPOLL_CTL_ADD, fd, &e);
}

static void flow_end(struct link *l, struct flow *f, bool reset)
{
	const struct linger hard = { 1, 0 };

	for (int i = 0; i < 2; i++)
		if (f->fd[i] >= 0) {
			if (reset)
				(void)setsockopt(f->fd[i], SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
			close(f->fd[i]);
		}
	l->n[RESETS] += reset;
	*f = (struct flow){ .fd = { -1, -1 } };
}

static struct flow *flow_new(struct link *l, int near, const struct sockaddr_in *peer)
{
	const int one = 1;

	for (size_t i = 0; i < FLOW_MAX; i++) {
		struct flow *f = &l->flow[i];

		if (f->id)
			continue;
		*f = (struct flow){ .id = ++l->ids, .fd = { near, -1 }, .peer = *peer };
		f->fd[1] = socket(AF_INET, (l->tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
		if (f->fd[1] < 0 || connect(f->fd[1], (struct sockaddr *)&l->target, sizeof l->target)) {
			flow_end(l, f, true);
			return NULL;
		}
		for (int k = 0; k < 2 && l->tcp; k++)
			(void)setsockopt(f->fd[k], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		for (int k = 0; k < 2; k++)
			if (f->fd[k] >= 0) {
				(void)fcntl(f->fd[k], F_SETFL, O_NONBLOCK);
				watch(l, f->fd[k], i, k);
			}
		l->n[FLOWS]++;
		return f;
	}
	return NULL;
}

static struct flow *flow_of(struct link *l, const struct sockaddr_in *peer)
{
	for (size_t i = 0; i < FLOW_MAX; i++)
		if (l->flow[i].id && l->flow[i].peer.sin_port == peer->sin_port &&
		    l->flow[i].peer.sin_addr.s_addr == peer->sin_addr.s_addr)
			return &l->flow[i];
	return flow_new(l, -1, peer);
}

/* --- datagrams ----------------------------------------------------------------------------- */

/* One more has passed: those that waited for it go behind it. */
static void release(struct link *l, int dir, uint64_t due)
{
	for (size_t i = 0; i < l->nheld;) {
		struct piece *p = l->held[i];

		if (p->dir == dir && --p->after <= 0) {
			p->due = due + 1;
			p->order = l->order++;
			l->held[i] = l->held[--l->nheld];
			push(l, p);
		} else {
			i++;
		}
	}
}

static void datagram(struct link *l, struct flow *f, int dir, const uint8_t *bytes, size_t n)
{
	struct piece *p;
	int copies = 1;

	l->n[SEEN]++;
	if (chance(l, DROP)) {
		l->n[DROPPED]++;
		return;
	}
	if (chance(l, DUP)) {
		copies = 2;
		l->n[DUPLICATED]++;
	}
	while (copies-- > 0) {
		p = piece(l, f, dir, bytes, n);
		p->due = after_delay(l);
		if (l->nheld < HELD_MAX && chance(l, REORDER)) {
			l->n[REORDERED]++;
			p->after = (int)(l->set[BY] ? l->set[BY] : 1);
			p->due += (uint64_t)HELD_MS * 1000;
			l->held[l->nheld++] = p;
			continue;
		}
		push(l, p);
		release(l, dir, p->due);
	}
}

static void read_datagrams(struct link *l, int fd, struct flow *f)
{
	uint8_t b[65536];
	struct sockaddr_in from;
	socklen_t len = sizeof from;
	ssize_t n;

	for (int i = 0; i < 64; i++, len = sizeof from) {
		n = recvfrom(fd, b, sizeof b, MSG_DONTWAIT, (struct sockaddr *)&from, &len);
		if (n < 0)
			return;
		if (f) {
			datagram(l, f, 0, b, (size_t)n);
		} else {
			struct flow *g = flow_of(l, &from);

			if (g)
				datagram(l, g, 1, b, (size_t)n);
		}
	}
}

/* --- streams ------------------------------------------------------------------------------- */

static void stream_piece(struct link *l, struct flow *f, int dir, const uint8_t *b, size_t n, uint64_t gap)
{
	struct piece *p = piece(l, f, dir, b, n);
	uint64_t due = after_delay(l);

	p->due = f->last[dir] + gap > due ? f->last[dir] + gap : due;
	f->last[dir] = p->due;
	f->waiting[dir] += n;
	push(l, p);
}

static void read_stream(struct link *l, struct flow *f, int side)
{
	uint8_t b[16384];
	int dir = side == 0;	/* what the near side says goes to the target */
	ssize_t n;

	if (f->waiting[dir] > BUFFERED_MAX)
		return;
	n = recv(f->fd[side], b, sizeof b, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		flow_end(l, f, true);
		return;
	}
	if (n == 0) {
		(void)epoll_ctl(l->ep, EPOLL_CTL_DEL, f->fd[side], NULL);
		stream_piece(l, f, dir, b, 0, 0);
		return;
	}
	l->n[SEEN]++;
	for (size_t at = 0, end = (size_t)n, one; at < end; at += one) {
		one = end - at;
		if (l->set[SEG] && one > l->set[SEG])
			one = l->set[SEG];
		stream_piece(l, f, dir, b + at, one, at ? 1000 : 0);
	}
}

/* false: the other side takes nothing now. */
static bool stream_send(struct link *l, struct flow *f, struct piece *p)
{
	ssize_t n;

	if (p->n == 0) {
		(void)shutdown(f->fd[p->dir], SHUT_WR);
		f->half[p->dir] = true;
		if (f->half[0] && f->half[1])
			flow_end(l, f, false);
		return true;
	}
	n = send(f->fd[p->dir], p->bytes, p->n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN) {
		flow_end(l, f, true);
		return true;
	}
	n = n < 0 ? 0 : n;
	f->waiting[p->dir] -= (size_t)n;
	p->n -= (size_t)n;
	memmove(p->bytes, p->bytes + n, p->n);
	return p->n == 0;
}

/* --- the turn ------------------------------------------------------------------------------ */

/* false: not now; it stays the first, so that its stream keeps its order. */
static bool deliver(struct link *l, struct piece *p)
{
	struct flow *f = p->flow;

	if (f->id == p->flow_id) {
		if (l->tcp && !stream_send(l, f, p)) {
			push(l, p);
			return false;
		}
		if (!l->tcp && p->dir == 1)
			(void)send(f->fd[1], p->bytes, p->n, MSG_DONTWAIT);
		else if (!l->tcp)
			(void)sendto(l->listen, p->bytes, p->n, MSG_DONTWAIT, (struct sockaddr *)&f->peer, sizeof f->peer);
		l->n[SENT]++;
	}
	free(p);
	return true;
}

static void leave(struct link *l)
{
	for (uint64_t now = now_us(); l->nheap && l->heap[0]->due <= now;)
		if (!deliver(l, pop(l))) {
			usleep(1000);
			break;
		}
	for (size_t i = 0; i < l->nheld; i++)
		if (l->held[i]->due <= now_us()) {	/* nobody came: late, not lost */
			push(l, l->held[i]);
			l->held[i--] = l->held[--l->nheld];
		}
}

static void stat(const struct link *l)
{
	for (int i = 0; i < NCOUNT; i++)
		printf("%s\"%s\":%llu", i ? "," : "{", count[i], (unsigned long long)l->n[i]);
	printf("}\n");
	fflush(stdout);
}

static bool order(struct link *l, const char *text)
{
	size_t n = strcspn(text, "=\n");

	if (!strncmp(text, "rst", 3)) {
		for (size_t i = 0; i < FLOW_MAX; i++)
			if (l->flow[i].id)
				flow_end(l, &l->flow[i], true);
		return true;
	}
	for (int i = 0; i < NWORD; i++)
		if (text[n] == '=' && strlen(word[i]) == n && !strncmp(text, word[i], n)) {
			l->set[i] = (unsigned)strtoul(text + n + 1, NULL, 10);
			if (i == SEED)
				l->rng = l->set[i] * 2654435761u + 88172645463325252u;
			return true;
		}
	return false;
}

static void orders(struct link *l)
{
	char b[512], *save = NULL;
	ssize_t n = read(0, b, sizeof b - 1);

	if (n <= 0) {
		l->over = true;
		return;
	}
	b[n] = 0;
	for (char *t = strtok_r(b, "\n", &save); t; t = strtok_r(NULL, "\n", &save)) {
		if (order(l, t))
			printf("ok\n");
		else if (!strcmp(t, "stat"))
			stat(l);
		else
			printf("error: what is \"%s\"?\n", t);
		fflush(stdout);
	}
}

static void incoming(struct link *l)
{
	struct sockaddr_in from;
	socklen_t len = sizeof from;
	int fd;

	if (!l->tcp) {
		read_datagrams(l, l->listen, NULL);
		return;
	}
	fd = accept4(l->listen, (struct sockaddr *)&from, &len, SOCK_CLOEXEC);
	if (fd >= 0 && !flow_new(l, fd, &from))
		close(fd);	/* EBADF if it was reset already */
}

static void turn(struct link *l)
{
	struct epoll_event e[64];
	uint64_t now = now_us();
	int wait = l->nheap ? (l->heap[0]->due <= now ? 0 : (int)((l->heap[0]->due - now) / 1000)) : 20, n;

	n = epoll_wait(l->ep, e, 64, wait < 20 ? wait : 20);
	for (int i = 0; i < n; i++) {
		uint64_t id = e[i].data.u64;
		struct flow *f = id > 1 ? &l->flow[id / 2 - 1] : NULL;

		if (id == 0)
			orders(l);
		else if (id == 1)
			incoming(l);
		else if (f->id && l->tcp)
			read_stream(l, f, (int)(id & 1));
		else if (f->id)
			read_datagrams(l, f->fd[1], f);
	}
	leave(l);
}

static bool local(const char *text, struct sockaddr_in *a)
{
	char ip[32];
	const char *colon = strchr(text, ':');
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in probe;
	bool ok;

	*a = (struct sockaddr_in){ .sin_family = AF_INET };
	if (!colon || (size_t)(colon - text) >= sizeof ip)
		return false;
	memcpy(ip, text, (size_t)(colon - text));
	ip[colon - text] = 0;
	a->sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
	if (inet_pton(AF_INET, ip, &a->sin_addr) != 1)
		return false;
	probe = *a;
	probe.sin_port = 0;
	ok = fd >= 0 && bind(fd, (struct sockaddr *)&probe, sizeof probe) == 0;
	close(fd);
	return ok;
}

static bool open_link(struct link *l, const struct sockaddr_in *at)
{
	const int one = 1, room = 4 << 20;
	struct epoll_event in = { .events = EPOLLIN, .data.u64 = 0 }, ear = { .events = EPOLLIN, .data.u64 = 1 };

	l->listen = socket(AF_INET, (l->tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	l->ep = epoll_create1(EPOLL_CLOEXEC);
	if (l->listen < 0 || l->ep < 0)
		return false;
	(void)setsockopt(l->listen, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	(void)setsockopt(l->listen, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
	if (bind(l->listen, (const struct sockaddr *)at, sizeof *at) || (l->tcp && listen(l->listen, 256)))
		return false;
	return !epoll_ctl(l->ep, EPOLL_CTL_ADD, 0, &in) && !epoll_ctl(l->ep, EPOLL_CTL_ADD, l->listen, &ear);
}

int main(int argc, char **argv)
{
	struct link *l = calloc(1, sizeof *l);
	struct sockaddr_in at;

	if (!l || argc < 4 || (strcmp(argv[1], "udp") != 0 && strcmp(argv[1], "tcp") != 0) ||
	    !local(argv[2], &at) || !local(argv[3], &l->target)) {
		fprintf(stderr, "usage: netsim udp|tcp LISTEN_IP:PORT TARGET_IP:PORT [WORD=N...]; local addresses only\n");
		return 2;
	}
	l->tcp = argv[1][0] == 't';
	(void)order(l, "seed=1");
	for (int i = 4; i < argc; i++)
		if (!order(l, argv[i])) {
			fprintf(stderr, "netsim: what is \"%s\"?\n", argv[i]);
			return 2;
		}
	if (!open_link(l, &at)) {
		fprintf(stderr, "netsim: %s: %s\n", argv[2], strerror(errno));
		return 1;
	}
	printf("ready\n");
	fflush(stdout);
	while (!l->over)
		turn(l);
	stat(l);
	return 0;
}
