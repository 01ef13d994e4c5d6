#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "media/media.h"
#include "media/packets.h"
#include "media/relay.h"
#include "media/rtp.h"
#include "media/wav.h"

/* The media process: raw epoll, batches in, batches out, one thread, no lock. */

enum { BATCH = 32, EVENTS = 128, OUT = 64, FILES_MAX = 262144,
       PATIENCE_MS = 3000, AGAIN_MS = 20,
       /* Somebody's garbage must not push out the peer's packets while we wait for the
	* processor: about 1,000 packets. The kernel gives at most net.core.rmem_max. */
       RECEIVE_BYTES = 1 << 20 };

struct out_packet {
	int fd;
	struct sockaddr_storage to;
	socklen_t to_len;
	size_t n;
	uint8_t p[RTP_PACKET_MAX + RTP_TAIL];
};

struct worker {
	int ctl, ep;
	uint32_t epoch, nslots;
	int *fd;			/* two a slot; -1: not bound */
	struct relay *relay;
	struct rng rng;
	struct out_packet out[OUT];
	int nout;
	struct media_batch news;	/* for signalling, until the end of the round */
	struct media_packets ctl_in;
	ms_t now;
	uint8_t in[BATCH][RTP_PACKET_MAX + RTP_TAIL];
	bool done;
};

static ms_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (ms_t)t.tv_sec * 1000 + (ms_t)t.tv_nsec / 1000000;
}

static socklen_t to_sockaddr(const struct addr *a, struct sockaddr_storage *s)
{
	memset(s, 0, sizeof *s);
	if (a->family == ADDR_V6) {
		struct sockaddr_in6 *in = (struct sockaddr_in6 *)s;

		in->sin6_family = AF_INET6;
		in->sin6_port = htons(a->port);
		memcpy(&in->sin6_addr, a->ip, 16);
		return sizeof *in;
	}
	struct sockaddr_in *in = (struct sockaddr_in *)s;

	in->sin_family = AF_INET;
	in->sin_port = htons(a->port);
	memcpy(&in->sin_addr, a->ip, 4);
	return sizeof *in;
}

static void from_sockaddr(const struct sockaddr_storage *s, struct addr *a)
{
	*a = (struct addr){ 0 };
	if (s->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)s;

		a->family = ADDR_V6;
		a->port = ntohs(in->sin6_port);
		memcpy(a->ip, &in->sin6_addr, 16);
	} else {
		const struct sockaddr_in *in = (const struct sockaddr_in *)s;

		a->family = ADDR_V4;
		a->port = ntohs(in->sin_port);
		memcpy(a->ip, &in->sin_addr, 4);
	}
}

/* Runs of packets for one socket go with one call. */
static void flush(struct worker *w)
{
	for (int i = 0; i < w->nout;) {
		struct mmsghdr m[OUT];
		struct iovec iov[OUT];
		int n = 0, sent;

		for (; i + n < w->nout && w->out[i + n].fd == w->out[i].fd; n++) {
			struct out_packet *o = &w->out[i + n];

			iov[n] = (struct iovec){ o->p, o->n };
			m[n] = (struct mmsghdr){ .msg_hdr = { .msg_name = &o->to,
				.msg_namelen = o->to_len, .msg_iov = &iov[n], .msg_iovlen = 1 } };
		}
		sent = sendmmsg(w->out[i].fd, m, (unsigned)n, MSG_DONTWAIT);
		i += sent > 0 ? sent : 1;	/* what cannot go is lost, as media is */
	}
	w->nout = 0;
}

static void send_packet(void *ctx, uint32_t slot, bool rtcp, const struct addr *to,
			const uint8_t *p, size_t n)
{
	struct worker *w = ctx;
	struct out_packet *o;

	if (w->fd[2 * slot + rtcp] < 0 || n > sizeof w->out[0].p)
		return;
	if (w->nout == OUT)
		flush(w);
	o = &w->out[w->nout++];
	o->fd = w->fd[2 * slot + rtcp];
	o->to_len = to_sockaddr(to, &o->to);
	o->n = n;
	memcpy(o->p, p, n);
}

static void send_news(struct worker *w)
{
	/* Blocking is right here: news must not be lost, and signalling always reads. */
	if (w->news.n &&
	    send(w->ctl, w->news.m, w->news.n * sizeof w->news.m[0], MSG_NOSIGNAL) < 0)
		w->done = true;
	w->news.n = 0;
}

static void up(void *ctx, const struct media_msg *m)
{
	struct worker *w = ctx;
	struct media_msg *copy = &w->news.m[w->news.n++];

	*copy = *m;
	copy->epoch = w->epoch;
	if (w->news.n == MEDIA_BATCH)
		send_news(w);
}

static int bind_one(struct worker *w, const struct addr *at, uint32_t index)
{
	struct sockaddr_storage s;
	socklen_t len = to_sockaddr(at, &s);
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = index };
	int on = 1, bytes = RECEIVE_BYTES;
	int fd = socket(s.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
	if (at->family == ADDR_V6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&s, len) || epoll_ctl(w->ep, EPOLL_CTL_ADD, fd, &ev)) {
		int e = errno;

		close(fd);
		errno = e;
		return -1;
	}
	w->fd[index] = fd;
	return fd;
}

/* After a crash of signalling its media process ends a moment later than the next daemon
 * begins: a port that is in use now may be free at once. */
static int bind_patiently(struct worker *w, const struct addr *at, uint32_t index, ms_t until)
{
	int fd = bind_one(w, at, index);

	while (fd < 0 && errno == EADDRINUSE && clock_ms() < until) {
		(void)poll(NULL, 0, AGAIN_MS);
		fd = bind_one(w, at, index);
	}
	return fd;
}

static void grow(struct worker *w, uint32_t slots)
{
	if (slots <= w->nslots)
		return;
	w->fd = mem_grow(w->fd, (size_t)slots * 2, sizeof *w->fd);
	for (uint32_t i = w->nslots * 2; i < slots * 2; i++)
		w->fd[i] = -1;
	w->nslots = slots;
}

/* The whole range at the start: a port in use is an error now, not in the middle of a call. */
static void do_pool(struct worker *w, const struct media_msg *m)
{
	struct media_msg answer = { .version = MEDIA_VERSION, .op = MEDIA_READY };
	ms_t until = clock_ms() + PATIENCE_MS;

	grow(w, m->slot + m->u.pool.pairs);
	for (uint32_t i = 0; i < 2u * m->u.pool.pairs; i++) {
		struct addr a = m->u.pool.bind;

		a.port = (uint16_t)(m->u.pool.port_min + i);
		if (bind_patiently(w, &a, 2 * m->slot + i, until) < 0) {
			answer.op = MEDIA_FAILED;
			answer.u.failed.at = a;
			answer.u.failed.sys_errno = errno;
			break;
		}
	}
	up(w, &answer);
}

static void do_music(struct worker *w, const struct media_msg *m)
{
	char mem[200];
	struct buf why;		/* signalling looked at the file before: no second sentence */
	uint32_t n;
	int16_t *pcm;

	buf_init(&why, mem, sizeof mem);
	pcm = wav_load(m->u.music.path, &n, &why);
	if (pcm)
		relay_music(w->relay, pcm, n);
}

static void obey(struct worker *w, const struct media_msg *m)
{
	if (!media_msg_good(m, MEDIA_SLOTS_MAX))
		return;
	w->epoch = m->epoch;
	if (m->op == MEDIA_POOL)
		do_pool(w, m);
	else if (m->op == MEDIA_MUSIC)
		do_music(w, m);
	else if (m->op == MEDIA_PING)
		up(w, m);
	else if (m->slot < w->nslots)
		relay_msg(w->relay, m, w->now);
}

/* A few packets a round, so that no audio waits for them: the descriptor stays readable while there are more. */
static void on_control(struct worker *w)
{
	if (!media_packets_read(w->ctl, &w->ctl_in)) {
		w->done = true;
		return;
	}
	for (int i = 0; i < w->ctl_in.n; i++) {
		struct media_batch *b = &w->ctl_in.p[i];

		for (uint32_t k = 0; k < b->n; k++)
			obey(w, &b->m[k]);
		mem_wipe(b->m, b->n * sizeof b->m[0]);		/* keys */
	}
}

static void on_socket(struct worker *w, uint32_t index)
{
	struct mmsghdr m[BATCH];
	struct iovec iov[BATCH];
	struct sockaddr_storage from[BATCH];
	struct addr a;
	int n;

	for (int i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){ w->in[i], RTP_PACKET_MAX };
		m[i] = (struct mmsghdr){ .msg_hdr = { .msg_name = &from[i],
			.msg_namelen = sizeof from[i], .msg_iov = &iov[i], .msg_iovlen = 1 } };
	}
	n = recvmmsg(w->fd[index], m, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++) {
		if (m[i].msg_hdr.msg_flags & MSG_TRUNC)
			continue;
		from_sockaddr(&from[i], &a);
		relay_packet(w->relay, index / 2, index & 1, &a, w->in[i], m[i].msg_len, w->now);
	}
}

static void raise_limit(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		struct rlimit more = { FILES_MAX, FILES_MAX };

		if (rl.rlim_max < FILES_MAX && setrlimit(RLIMIT_NOFILE, &more) == 0)
			return;		/* root may have more than the hard limit */
		rl.rlim_cur = rl.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &rl);	/* too few: binding says so */
	}
}

static void run(struct worker *w)
{
	struct epoll_event ev[EVENTS];
	ms_t tick = clock_ms();

	while (!w->done) {
		int n;

		w->now = clock_ms();
		if (w->now >= tick) {
			relay_tick(w->relay, w->now);
			tick = w->now + (relay_playing(w->relay) ? 20 : 250);
		}
		flush(w);
		send_news(w);
		n = epoll_wait(w->ep, ev, EVENTS, (int)(tick > w->now ? tick - w->now : 0));
		w->now = clock_ms();
		for (int i = 0; i < n; i++)
			if (ev[i].data.u32 == UINT32_MAX)
				on_control(w);
			else
				on_socket(w, ev[i].data.u32);
		if (relay_playing(w->relay) && tick > w->now + 20)
			tick = w->now + 20;
	}
}

int media_worker(int fd)
{
	struct worker *w = mem_new(sizeof *w);
	struct relay_io io = { send_packet, up, w };
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = UINT32_MAX };

	/* A Ctrl-C or a service manager's SIGTERM goes to both processes: this one ends with its descriptor,
	 * when the daemon has ended its calls. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	/* Keys live here: no core dump, no debugger of others. */
	(void)prctl(PR_SET_DUMPABLE, 0);
	raise_limit();
	w->ctl = fd;
	w->ep = epoll_create1(EPOLL_CLOEXEC);
	rng_init(&w->rng);
	w->relay = relay_new(MEDIA_SLOTS_MAX, &io, &w->rng);
	w->now = clock_ms();
	if (w->ep < 0 || epoll_ctl(w->ep, EPOLL_CTL_ADD, fd, &ev)) {
		fprintf(stderr, "tandem media: descriptor %d cannot be watched (%s); this command is started by `tandem serve`\n",
			fd, strerror(errno));
		return 1;
	}
	run(w);
	relay_free(w->relay);
	mem_free(w->fd);
	mem_free(w);
	return 0;
}
