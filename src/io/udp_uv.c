#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/uv_int.h"

/* Datagrams: our own sockets under uv_poll, read and written in batches. */

enum { DELAY_MAX_MS = 60000, LU_CONTROL = 128, IPV6_LINK_MIN = 1280 };

struct lu_udp {
	uv_poll_t poll;
	struct lu_world *w;
	net_id id;
	int fd;
	struct addr local;
	const struct net_dgram_handler *h;
	void *ctx;
	uint32_t kernel_drops;		/* SO_RXQ_OVFL */
	bool closing;
};

struct lu_batch {
	struct mmsghdr msg[LU_BATCH];
	struct iovec iov[LU_BATCH];
	struct sockaddr_storage from[LU_BATCH];
	char control[LU_BATCH][LU_CONTROL];
	char buf[LU_BATCH][NET_DGRAM_MAX];
};

struct lu_pending {
	net_id sock;
	struct sockaddr_storage to;
	socklen_t to_len;
	struct addr from;
	size_t at, n;
};

struct lu_out {
	struct lu_pending p[LU_OUT];
	int n;
	size_t used;
	uint64_t lost;
	char bytes[LU_OUT_BYTES];
};

/* For the next reading: the kernel wrote into the first n of them. */
static void prepare(struct lu_batch *b, int n)
{
	for (int i = 0; i < n; i++) {
		b->iov[i] = (struct iovec){ b->buf[i], sizeof b->buf[i] };
		b->msg[i].msg_hdr = (struct msghdr){
			.msg_name = &b->from[i], .msg_namelen = sizeof b->from[i],
			.msg_iov = &b->iov[i], .msg_iovlen = 1,
			.msg_control = b->control[i], .msg_controllen = sizeof b->control[i],
		};
	}
}

void lu_udp_init(struct lu_world *w)
{
	w->in = mem_new(sizeof *w->in);
	w->out = mem_new(sizeof *w->out);
	prepare(w->in, LU_BATCH);
}

void lu_udp_fini(struct lu_world *w)
{
	mem_free(w->in);
	mem_free(w->out);
}

/* The address a datagram was sent to, so that the answer leaves from there; and when it came. */
static void destination(struct lu_udp *u, struct msghdr *m, struct addr *to, wall_t *came)
{
	*to = u->local;
	*came = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo pi;

			memcpy(&pi, CMSG_DATA(c), sizeof pi);
			memcpy(to->ip, &pi.ipi_addr, 4);
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo pi;

			memcpy(&pi, CMSG_DATA(c), sizeof pi);
			memcpy(to->ip, &pi.ipi6_addr, 16);
		} else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
			uint32_t before = u->kernel_drops;

			memcpy(&u->kernel_drops, CMSG_DATA(c), sizeof u->kernel_drops);
			u->w->loop.lost += u->kernel_drops - before;
		} else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
			struct timespec t;

			memcpy(&t, CMSG_DATA(c), sizeof t);
			*came = (wall_t)t.tv_sec * 1000 + (wall_t)t.tv_nsec / 1000000;
		}
	}
}

static void one(struct lu_udp *u, struct mmsghdr *m)
{
	struct lu_world *w = u->w;
	struct addr from, to;
	wall_t came;

	if (m->msg_hdr.msg_flags & MSG_TRUNC)
		return;
	lu_addr(m->msg_hdr.msg_name, &from);
	if (from.family == ADDR_NONE)
		return;
	destination(u, &m->msg_hdr, &to, &came);
	lu_input_begin(w);
	/* The clock of the wall: a jump counts as no delay. */
	w->loop.delay = came && w->loop.wall > came && w->loop.wall - came < DELAY_MAX_MS
		      ? (ms_t)(w->loop.wall - came) : 0;
	u->h->recv(u->ctx, u->id, &from, &to,
		   (struct str){ m->msg_hdr.msg_iov->iov_base, m->msg_len });
	lu_input_end(w);
}

static void on_readable(uv_poll_t *p, int status, int events)
{
	struct lu_udp *u = p->data;
	struct lu_batch *b = u->w->in;
	int n;

	(void)events;
	if (status < 0)		/* an error of the socket: libuv has stopped watching it */
		(void)uv_poll_start(p, UV_READABLE, on_readable);
	n = recvmmsg(u->fd, b->msg, LU_BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n && !u->closing; i++)
		one(u, &b->msg[i]);
	prepare(b, n);
	lu_udp_flush(u->w);
}

/* A datagram too large for its path arrives in pieces (RFC 3261 18.1.1): routers may cut it, as
 * IPv6 cuts ours to what every link takes. Nothing depends on an ICMP message that a firewall
 * swallows or a stranger makes up. */
static void any_path(int fd, bool v6)
{
	int v4_how = IP_PMTUDISC_OMIT, how = IPV6_PMTUDISC_OMIT, least = IPV6_LINK_MIN;

	if (!v6) {
		(void)setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &v4_how, sizeof v4_how);
		return;
	}
	(void)setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &how, sizeof how);
	(void)setsockopt(fd, IPPROTO_IPV6, IPV6_MTU, &least, sizeof least);
}

static int open_socket(const struct addr *at, struct addr *local)
{
	struct sockaddr_storage s;
	socklen_t len = lu_sockaddr(at, &s);
	int on = 1, size = 4 << 20;
	int fd = socket(s.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	/* Buffers are wishes: the kernel cuts them to its own maximum (net.core.rmem_max), for all but the
	 * privileged. Its usual 208 KB are soon full while a core is busy elsewhere, and what is lost is repeated. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size))
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	(void)setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
	(void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
	any_path(fd, at->family == ADDR_V6);
	if (at->family == ADDR_V6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
	if (addr_is_any(at))	/* else what they are sent to is known */
		(void)setsockopt(fd, at->family == ADDR_V6 ? IPPROTO_IPV6 : IPPROTO_IP,
				 at->family == ADDR_V6 ? IPV6_RECVPKTINFO : IP_PKTINFO, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&s, len)) {
		int e = errno;

		close(fd);
		errno = e;
		return -1;
	}
	len = sizeof s;
	if (getsockname(fd, (struct sockaddr *)&s, &len) == 0)
		lu_addr((struct sockaddr *)&s, local);
	return fd;
}

net_id lu_udp_bind_(struct loop *l, const struct addr *at, const struct net_dgram_handler *h,
		    void *ctx, int *err_no)
{
	struct lu_world *w = lu_world_of(l);
	struct lu_udp *u = mem_new(sizeof *u);
	struct lu_entry *e = slot_new(&w->ids, &u->id);

	errno = EMFILE;
	u->fd = e ? open_socket(at, &u->local) : -1;
	if (u->fd < 0) {
		*err_no = errno;
		if (e)
			slot_free(&w->ids, u->id);
		mem_free(u);
		return 0;
	}
	u->w = w;
	u->h = h;
	u->ctx = ctx;
	*e = (struct lu_entry){ LU_UDP, u };
	(void)uv_poll_init(&w->uv, &u->poll, u->fd);	/* fails on closed descriptors only */
	u->poll.data = u;
	(void)uv_poll_start(&u->poll, UV_READABLE, on_readable);
	return u->id;
}

static void freed(uv_handle_t *h)
{
	struct lu_udp *u = h->data;

	close(u->fd);
	mem_free(u);
}

void lu_udp_close(struct lu_world *w, net_id id, void *obj)
{
	struct lu_udp *u = obj;

	lu_udp_flush(w);
	slot_free(&w->ids, id);
	u->closing = true;
	uv_poll_stop(&u->poll);
	uv_close((uv_handle_t *)&u->poll, freed);
}

bool lu_udp_local(void *obj, struct addr *a)
{
	*a = ((struct lu_udp *)obj)->local;
	return true;
}

/* Leave from the address the request came to, where the socket is bound to any. */
static size_t source(const struct addr *from, const struct addr *bound, char *control)
{
	struct cmsghdr *c = (struct cmsghdr *)(void *)control;

	if (!addr_is_any(bound) || addr_is_any(from) || from->family != bound->family)
		return 0;
	memset(control, 0, LU_CONTROL);
	if (from->family == ADDR_V4) {
		struct in_pktinfo pi = { 0 };

		memcpy(&pi.ipi_spec_dst, from->ip, 4);
		*c = (struct cmsghdr){ CMSG_LEN(sizeof pi), IPPROTO_IP, IP_PKTINFO };
		memcpy(CMSG_DATA(c), &pi, sizeof pi);
		return CMSG_SPACE(sizeof pi);
	}
	struct in6_pktinfo pi = { 0 };

	memcpy(&pi.ipi6_addr, from->ip, 16);
	*c = (struct cmsghdr){ CMSG_LEN(sizeof pi), IPPROTO_IPV6, IPV6_PKTINFO };
	memcpy(CMSG_DATA(c), &pi, sizeof pi);
	return CMSG_SPACE(sizeof pi);
}

static int fill(struct lu_world *w, int from, struct mmsghdr *m, struct iovec *iov,
		char (*control)[LU_CONTROL])
{
	struct lu_out *o = w->out;
	struct lu_entry *e = slot_get(&w->ids, o->p[from].sock);
	struct lu_udp *u = e->obj;
	int n = 0;

	for (; from + n < o->n && n < LU_BATCH && o->p[from + n].sock == o->p[from].sock; n++) {
		struct lu_pending *p = &o->p[from + n];

		iov[n] = (struct iovec){ o->bytes + p->at, p->n };
		m[n].msg_hdr = (struct msghdr){ .msg_name = &p->to, .msg_namelen = p->to_len,
						.msg_iov = &iov[n], .msg_iovlen = 1 };
		m[n].msg_hdr.msg_controllen = source(&p->from, &u->local, control[n]);
		if (m[n].msg_hdr.msg_controllen)
			m[n].msg_hdr.msg_control = control[n];
	}
	return n;
}

static int send_some(struct lu_world *w, int from)
{
	struct mmsghdr m[LU_BATCH];
	struct iovec iov[LU_BATCH];
	_Alignas(struct cmsghdr) char control[LU_BATCH][LU_CONTROL];
	struct lu_entry *e = slot_get(&w->ids, w->out->p[from].sock);
	int n, sent;

	if (!e || e->kind != LU_UDP)
		return 1;
	n = fill(w, from, m, iov, control);
	sent = sendmmsg(((struct lu_udp *)e->obj)->fd, m, (unsigned)n, MSG_DONTWAIT);
	if (sent > 0)
		return sent;
	w->out->lost++;		/* this one cannot go (no route, full buffer): UDP may lose it */
	return 1;
}

void lu_udp_flush(struct lu_world *w)
{
	struct lu_out *o = w->out;

	for (int i = 0; i < o->n;)
		i += send_some(w, i);
	o->n = 0;
	o->used = 0;
}

void lu_udp_send_(struct loop *l, net_id sock, const struct addr *from, const struct addr *to,
		  struct str bytes)
{
	struct lu_world *w = lu_world_of(l);
	struct lu_out *o = w->out;
	struct lu_pending *p;

	if (bytes.n > NET_DGRAM_MAX)
		return;
	if (o->n == LU_OUT || bytes.n > LU_OUT_BYTES - o->used)
		lu_udp_flush(w);
	p = &o->p[o->n++];
	*p = (struct lu_pending){ .sock = sock, .at = o->used, .n = bytes.n };
	if (from)
		p->from = *from;
	p->to_len = lu_sockaddr(to, &p->to);
	if (bytes.n)
		memcpy(o->bytes + o->used, bytes.p, bytes.n);
	o->used += bytes.n;
}
