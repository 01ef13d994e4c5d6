#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "base/mem.h"
#include "io/keepalive.h"
#include "io/uv_int.h"

/* Byte streams: TCP by libuv, TLS by the filter of io/tls. */

enum { STREAM_HANDSHAKE_MS = 5000, STREAM_LINGER_MS = 1000,
       FILES_KEPT = 64, FILES_KEPT_SHARE = 8, FILES_TELL_MS = 60000 };

enum stream_state { STREAM_CONNECTING, STREAM_HANDSHAKE, STREAM_OPEN, STREAM_CLOSING };

struct lu_listener {
	uv_tcp_t tcp;
	struct lu_world *w;
	net_id id;
	struct tls_ctx *tls;
	const struct net_stream_handler *h;
	void *ctx;
};

struct lu_stream {
	uv_tcp_t tcp;
	uv_connect_t conn;
	uv_shutdown_t shut;
	struct lu_world *w;
	net_id id;
	enum stream_state state;
	struct tls *tls;
	struct tls_ctx *tls_ctx;
	const struct net_stream_handler *h;
	void *ctx;
	net_id listener;		/* of an inbound one: its owner hears of it */
	struct list link;		/* in world.streams */
	struct lu_shake shake;
	struct timer deadline;
	struct addr local, peer;
	bool inbound, deferred;
	bool ended;			/* the peer sends no more */
	enum net_fail fail;
	int sys_errno;
	size_t unsent;
};

struct lu_write {
	uv_write_t req;
	struct lu_stream *s;
	size_t n;
	char bytes[];
};

static void info_of(struct lu_stream *s, struct net_stream_info *i, bool facts)
{
	*i = (struct net_stream_info){ .local = s->local, .peer = s->peer, .tls = s->tls != NULL,
				       .inbound = s->inbound, .fail = s->fail,
				       .sys_errno = s->sys_errno,
				       .facts = s->tls && facts ? tls_facts_of(s->tls) : NULL };
}

static void tell(struct lu_stream *s, enum net_event ev, struct str bytes)
{
	struct net_stream_info i;

	if (!s->h)
		return;
	info_of(s, &i, ev != NET_DATA);
	s->h->event(s->ctx, s->id, ev, bytes, &i);
}

static void freed(uv_handle_t *h)
{
	struct lu_stream *s = h->data;

	list_remove(&s->link);
	tls_free(s->tls);
	tls_ctx_drop(s->tls_ctx);
	mem_free(s);
}

/* No event follows; the descriptor may still have things to say. */
static void forget(struct lu_stream *s)
{
	timer_stop(&s->w->loop.timers, &s->deadline);
	lu_shake_end(s->w, &s->shake);
	slot_free(&s->w->ids, s->id);
	s->state = STREAM_CLOSING;
	s->h = NULL;
}

static void close_now(struct lu_stream *s)
{
	timer_stop(&s->w->loop.timers, &s->deadline);
	if (!uv_is_closing((uv_handle_t *)&s->tcp))
		uv_close((uv_handle_t *)&s->tcp, freed);
}

static void destroy(struct lu_stream *s)
{
	forget(s);
	close_now(s);
}

static void wire_write(struct lu_stream *s, struct str bytes);
static void alloc(uv_handle_t *h, size_t want, uv_buf_t *b);
static void on_read(uv_stream_t *st, ssize_t n, const uv_buf_t *b);

static void on_linger(void *arg)
{
	close_now(arg);
}

static void on_shut(uv_shutdown_t *req, int status)
{
	struct lu_stream *s = req->data;

	if (status < 0 || s->ended)
		close_now(s);
}

/* Sends what is queued, then waits for the peer's end, a second in all: closing with unread
 * bytes would be a reset, which may overtake our last words (an alert, a response). */
static void linger(struct lu_stream *s)
{
	forget(s);
	s->shut.data = s;
	if (uv_is_closing((uv_handle_t *)&s->tcp))
		return;
	if (uv_shutdown(&s->shut, (uv_stream_t *)&s->tcp, on_shut)) {
		close_now(s);
		return;
	}
	if (!s->ended)
		(void)uv_read_start((uv_stream_t *)&s->tcp, alloc, on_read);
	timer_start(&s->w->loop.timers, &s->deadline, STREAM_LINGER_MS, on_linger, s);
}

/* In order: what is queued still leaves, then our own end. */
static void part(struct lu_stream *s)
{
	struct tls_out o;

	if (s->tls) {
		tls_shutdown(s->tls);
		tls_take(s->tls, &o);
		wire_write(s, o.wire);
	}
	linger(s);
}

/* The peer, the system or a deadline ended it: the user hears it once. */
static void lost(struct lu_stream *s, enum net_fail why, int sys)
{
	if (s->state == STREAM_CLOSING)
		return;
	s->fail = why;
	s->sys_errno = sys;
	tell(s, NET_CLOSED, STR_NONE);
	if (s->state == STREAM_CLOSING)
		return;			/* its user closed it by himself */
	if (why == NET_FAIL_NONE && s->state == STREAM_OPEN)
		part(s);
	else if (why == NET_FAIL_TLS)
		linger(s);
	else
		destroy(s);
}

static enum net_fail fail_of(int rc)
{
	switch (rc) {
	case UV_EOF: return NET_FAIL_NONE;
	case UV_ECONNREFUSED: return NET_FAIL_REFUSED;
	case UV_ETIMEDOUT: return NET_FAIL_TIMEOUT;
	case UV_ENETUNREACH: case UV_EHOSTUNREACH: return NET_FAIL_UNREACHABLE;
	case UV_EMFILE: case UV_ENFILE: case UV_ENOMEM: case UV_ENOBUFS: return NET_FAIL_LOCAL;
	default: return NET_FAIL_RESET;
	}
}

/* What waits of a short text is mostly its record. */
static size_t cost(size_t n)
{
	return sizeof(struct lu_write) + n;
}

static void on_written(uv_write_t *req, int status)
{
	struct lu_write *wr = (struct lu_write *)req;
	struct lu_stream *s = wr->s;

	s->unsent -= cost(wr->n);
	mem_free(wr);
	if (status < 0 && status != UV_ECANCELED && s->state != STREAM_CLOSING) {
		lu_input_begin(s->w);
		lost(s, fail_of(status), -status);
		lu_input_end(s->w);
	}
}

static void wire_write(struct lu_stream *s, struct str bytes)
{
	struct lu_write *wr;
	uv_buf_t b;

	if (!bytes.n)
		return;
	wr = mem_new(sizeof *wr + bytes.n);
	wr->s = s;
	wr->n = bytes.n;
	memcpy(wr->bytes, bytes.p, bytes.n);
	b = uv_buf_init(wr->bytes, (unsigned)bytes.n);
	s->unsent += cost(bytes.n);
	if (uv_write(&wr->req, (uv_stream_t *)&s->tcp, &b, 1, on_written)) {
		s->unsent -= cost(bytes.n);
		mem_free(wr);
	}
}

static struct lu_listener *listener_of(struct lu_stream *s)
{
	struct lu_entry *e = slot_get(&s->w->ids, s->listener);

	return e && e->kind == LU_LISTENER ? e->obj : NULL;
}

static void opened_inbound(struct lu_stream *s)
{
	struct lu_listener *ln = listener_of(s);
	struct net_stream_info i;
	const struct net_stream_handler *h;
	void *ctx;

	if (!ln) {
		linger(s);
		return;
	}
	h = ln->h;			/* the listener may go in the handler */
	info_of(s, &i, true);
	ctx = h->accepted(ln->ctx, s->id, &i);
	if (s->state == STREAM_CLOSING)
		return;
	s->ctx = ctx;
	s->h = h;
	if (!ctx)
		linger(s);
}

static void opened(struct lu_stream *s)
{
	timer_stop(&s->w->loop.timers, &s->deadline);
	lu_shake_end(s->w, &s->shake);
	if (s->tls && tls_facts_of(s->tls)->peer_cert)
		lu_shakes_note(s->w, &s->peer);
	s->state = STREAM_OPEN;
	if (s->inbound)
		opened_inbound(s);
	else
		tell(s, NET_OPEN, STR_NONE);
}

/* A failed inbound handshake is news too: the listener's owner hears NET_CLOSED. */
static void handshake_failed(struct lu_stream *s, enum net_fail why, int sys)
{
	struct lu_listener *ln = s->inbound ? listener_of(s) : NULL;
	struct net_stream_info i;

	if (why != NET_FAIL_TIMEOUT && s->tls)
		tls_cut(s->tls);
	if (ln) {
		s->fail = why;
		s->sys_errno = sys;
		info_of(s, &i, true);
		ln->h->event(ln->ctx, 0, NET_CLOSED, STR_NONE, &i);
	}
	lost(s, why, sys);
}

/* What the filter has: bytes for the wire, bytes for the user, the end. */
static void pump(struct lu_stream *s, enum err fed)
{
	struct tls_out o;

	tls_take(s->tls, &o);
	wire_write(s, o.wire);
	if (o.opened && s->state == STREAM_HANDSHAKE)
		opened(s);
	if (s->state == STREAM_OPEN && o.plain.n)
		tell(s, NET_DATA, o.plain);
	if (s->state == STREAM_CLOSING)
		return;
	if (fed && s->state == STREAM_HANDSHAKE)
		handshake_failed(s, NET_FAIL_TLS, 0);
	else if (fed)
		lost(s, NET_FAIL_TLS, 0);
	else if (o.closed)
		lost(s, NET_FAIL_NONE, 0);
}

static void alloc(uv_handle_t *h, size_t want, uv_buf_t *b)
{
	struct lu_stream *s = h->data;

	(void)want;
	*b = uv_buf_init(s->w->read_buf, sizeof s->w->read_buf);
}

static void on_read(uv_stream_t *st, ssize_t n, const uv_buf_t *b)
{
	struct lu_stream *s = st->data;
	struct lu_world *w = s->w;

	s->ended |= n == UV_EOF;
	if (s->state == STREAM_CLOSING) {	/* lingering: what comes is thrown away */
		if (n < 0 && !(s->ended && s->unsent))
			close_now(s);
		return;
	}
	if (n == 0)
		return;
	if (n > 0 && s->state == STREAM_HANDSHAKE) {
		(void)uv_read_stop(st);
		lu_shake_hold(w, &s->shake, (struct str){ b->base, (size_t)n });
		return;
	}
	lu_input_begin(w);
	if (n < 0 && s->state == STREAM_HANDSHAKE)
		handshake_failed(s, NET_FAIL_TLS, (int)-n);
	else if (n < 0)
		lost(s, fail_of((int)n), (int)-n);
	else if (s->tls)
		pump(s, tls_feed(s->tls, (struct str){ b->base, (size_t)n }, w->loop.now));
	else
		tell(s, NET_DATA, (struct str){ b->base, (size_t)n });
	lu_input_end(w);
}

void lu_stream_step(struct lu_stream *s, struct str wire)
{
	pump(s, tls_feed(s->tls, wire, s->w->loop.now));
	if (s->state != STREAM_CLOSING)
		(void)uv_read_start((uv_stream_t *)&s->tcp, alloc, on_read);
}

struct lu_stream *lu_shake_owner(struct lu_shake *k)
{
	return (struct lu_stream *)(void *)((char *)k - offsetof(struct lu_stream, shake));
}

void lu_stream_evict(struct lu_stream *s)
{
	destroy(s);
}

static void on_deadline(void *arg)
{
	struct lu_stream *s = arg;

	if (s->deferred)
		lost(s, s->fail, s->sys_errno);
	else if (s->state == STREAM_HANDSHAKE)
		handshake_failed(s, NET_FAIL_TIMEOUT, 0);
	else
		lost(s, NET_FAIL_TIMEOUT, 0);
}

static void tune(struct lu_stream *s)
{
	uv_os_fd_t fd;

	(void)uv_tcp_nodelay(&s->tcp, 1);	/* a wish: a connection without it works too */
	if (uv_fileno((uv_handle_t *)&s->tcp, &fd) == 0)
		keepalive_set(fd);
}

static void learn_addresses(struct lu_stream *s)
{
	struct sockaddr_storage a;
	int len = sizeof a;

	if (uv_tcp_getsockname(&s->tcp, (struct sockaddr *)&a, &len) == 0)
		lu_addr((struct sockaddr *)&a, &s->local);
	len = sizeof a;
	if (uv_tcp_getpeername(&s->tcp, (struct sockaddr *)&a, &len) == 0)
		lu_addr((struct sockaddr *)&a, &s->peer);
}

static bool may_come_in(struct lu_stream *s)
{
	struct lu_listener *ln = listener_of(s);

	return ln && (!ln->h->knock || ln->h->knock(ln->ctx, &s->peer));
}

/* TCP stands: begin the handshake, or be open. */
static void connected(struct lu_stream *s)
{
	tune(s);
	learn_addresses(s);
	if (s->inbound && !may_come_in(s)) {
		destroy(s);
		return;
	}
	(void)uv_read_start((uv_stream_t *)&s->tcp, alloc, on_read);
	if (!s->tls_ctx) {
		opened(s);
		return;
	}
	s->state = STREAM_HANDSHAKE;
	if (!s->tls)
		s->tls = tls_new(s->tls_ctx, true, STR_NONE, s->w->loop.now);
	if (!lu_shake_begin(s->w, &s->shake, &s->peer, s->inbound)) {
		destroy(s);
		return;
	}
	timer_start(&s->w->loop.timers, &s->deadline, STREAM_HANDSHAKE_MS, on_deadline, s);
	if (!s->inbound)
		pump(s, tls_feed(s->tls, STR_NONE, s->w->loop.now));
}

static struct lu_stream *stream_new(struct lu_world *w)
{
	struct lu_stream *s = mem_new(sizeof *s);
	struct lu_entry *e = slot_new(&w->ids, &s->id);

	if (!e) {
		mem_free(s);
		return NULL;
	}
	*e = (struct lu_entry){ LU_STREAM, s };
	s->w = w;
	(void)uv_tcp_init(&w->uv, &s->tcp);	/* makes no descriptor yet: cannot fail */
	s->tcp.data = s;
	list_append(&w->streams, &s->link);
	return s;
}

static void on_connected(uv_connect_t *c, int status)
{
	struct lu_stream *s = c->data;
	struct lu_world *w = s->w;

	if (s->state == STREAM_CLOSING)
		return;
	lu_input_begin(w);
	if (status < 0)
		lost(s, fail_of(status), -status);
	else
		connected(s);
	lu_input_end(w);
}

/* net_connect() never fails at once: the news comes with the next timer run. */
static void defer(struct lu_stream *s, int rc)
{
	s->fail = fail_of(rc);
	s->sys_errno = -rc;
	s->deferred = true;
	timer_start(&s->w->loop.timers, &s->deadline, 0, on_deadline, s);
}

net_id lu_connect_(struct loop *l, const struct net_connect *c)
{
	struct lu_world *w = lu_world_of(l);
	struct lu_stream *s = stream_new(w);
	struct sockaddr_storage to, from;
	int rc = 0;

	if (!s)
		return 0;
	s->h = c->h;
	s->ctx = c->ctx;
	s->peer = c->to;
	if (c->tls) {
		s->tls_ctx = tls_ctx_hold(c->tls);
		s->tls = tls_new(c->tls, false, c->server_name, l->now);
		lu_shakes_note(w, &c->to);
	}
	timer_start(&l->timers, &s->deadline, c->timeout ? c->timeout : STREAM_HANDSHAKE_MS,
		    on_deadline, s);
	lu_sockaddr(&c->to, &to);
	if (c->from.family == c->to.family && !addr_is_any(&c->from)) {
		struct addr any = c->from;

		any.port = 0;
		lu_sockaddr(&any, &from);
		rc = uv_tcp_bind(&s->tcp, (struct sockaddr *)&from, 0);
	}
	s->conn.data = s;
	if (!rc)
		rc = uv_tcp_connect(&s->conn, &s->tcp, (struct sockaddr *)&to, on_connected);
	if (rc)
		defer(s, rc);
	return s->id;
}

/* The last descriptors are for what calls need: connections of our own, names, files. A new
 * one has the lowest free number, so its number says how many there are. */
static bool last_files(struct lu_stream *s, rlim_t *most)
{
	struct rlimit rl;
	rlim_t kept;
	uv_os_fd_t fd;

	if (getrlimit(RLIMIT_NOFILE, &rl) || uv_fileno((uv_handle_t *)&s->tcp, &fd))
		return false;
	*most = rl.rlim_cur;
	kept = rl.rlim_cur / FILES_KEPT_SHARE < FILES_KEPT ? rl.rlim_cur / FILES_KEPT_SHARE : FILES_KEPT;
	return (rlim_t)fd + kept >= rl.rlim_cur;
}

static void tell_no_files(struct lu_world *w, rlim_t most)
{
	struct loop *l = &w->loop;

	l->no_files++;
	if (w->no_files_told && l->now - w->no_files_told < FILES_TELL_MS)
		return;
	w->no_files_told = l->now;
	log_line(&l->log, LOG_ERROR,
		 "New connections are refused (%llu so far): nearly all of the %llu files this process may have open are. Raise LimitNOFILE of its service (or `ulimit -n`), and see `tandem show guard` for who connects.",
		 (unsigned long long)l->no_files, (unsigned long long)most);
}

static void on_incoming(uv_stream_t *server, int status)
{
	struct lu_listener *ln = server->data;
	struct lu_stream *s;
	rlim_t most;

	if (status < 0)
		return;
	s = stream_new(ln->w);
	if (!s)
		return;
	s->inbound = true;
	s->listener = ln->id;
	if (ln->tls)
		s->tls_ctx = tls_ctx_hold(ln->tls);
	lu_input_begin(ln->w);
	if (uv_accept(server, (uv_stream_t *)&s->tcp)) {
		destroy(s);
	} else if (last_files(s, &most)) {
		tell_no_files(ln->w, most);
		destroy(s);
	} else {
		connected(s);
	}
	lu_input_end(ln->w);
}

static void listener_freed(uv_handle_t *h)
{
	struct lu_listener *ln = h->data;

	tls_ctx_drop(ln->tls);
	mem_free(ln);
}

net_id lu_listen_(struct loop *l, const struct addr *at, struct tls_ctx *tls,
		  const struct net_stream_handler *h, void *ctx, int *err_no)
{
	struct lu_world *w = lu_world_of(l);
	struct lu_listener *ln = mem_new(sizeof *ln);
	struct lu_entry *e = slot_new(&w->ids, &ln->id);
	struct sockaddr_storage sa;
	int rc;

	*ln = (struct lu_listener){ .w = w, .id = ln->id, .h = h, .ctx = ctx,
				    .tls = tls ? tls_ctx_hold(tls) : NULL };
	(void)uv_tcp_init(&w->uv, &ln->tcp);
	ln->tcp.data = ln;
	lu_sockaddr(at, &sa);
	rc = e ? uv_tcp_bind(&ln->tcp, (struct sockaddr *)&sa,
			     at->family == ADDR_V6 ? UV_TCP_IPV6ONLY : 0) : UV_EMFILE;
	if (!rc)
		rc = uv_listen((uv_stream_t *)&ln->tcp, 1024, on_incoming);
	if (rc) {
		*err_no = -rc;
		slot_free(&w->ids, ln->id);
		uv_close((uv_handle_t *)&ln->tcp, listener_freed);
		return 0;
	}
	*e = (struct lu_entry){ LU_LISTENER, ln };
	return ln->id;
}

void lu_listener_close(struct lu_world *w, net_id id, void *obj)
{
	struct lu_listener *ln = obj;

	slot_free(&w->ids, id);
	uv_close((uv_handle_t *)&ln->tcp, listener_freed);
}

bool lu_listener_local(void *obj, struct addr *a)
{
	struct lu_listener *ln = obj;
	struct sockaddr_storage sa;
	int len = sizeof sa;

	if (uv_tcp_getsockname(&ln->tcp, (struct sockaddr *)&sa, &len))
		return false;
	lu_addr((struct sockaddr *)&sa, a);
	return true;
}

bool lu_stream_local(void *obj, struct addr *a)
{
	*a = ((struct lu_stream *)obj)->local;
	return a->family != ADDR_NONE;
}

void lu_write_(struct loop *l, net_id id, struct str bytes)
{
	struct lu_entry *e = slot_get(&lu_world_of(l)->ids, id);
	struct lu_stream *s = e && e->kind == LU_STREAM ? e->obj : NULL;

	if (!s || s->state != STREAM_OPEN || s->deferred)
		return;			/* after a refused write none may follow: a hole */
	if (s->unsent + cost(bytes.n) > NET_UNSENT_MAX) {
		/* Not from inside the caller: the news comes as an input. */
		s->fail = NET_FAIL_UNSENT;
		s->deferred = true;
		timer_start(&l->timers, &s->deadline, 0, on_deadline, s);
		return;
	}
	if (!s->tls) {
		wire_write(s, bytes);
		return;
	}
	if (tls_send(s->tls, bytes) == OK) {
		struct tls_out o;

		tls_take(s->tls, &o);
		wire_write(s, o.wire);
	}
}

void lu_stream_close(struct lu_world *w, net_id id, void *obj)
{
	struct lu_stream *s = obj;

	(void)w;
	(void)id;
	if (s->state != STREAM_OPEN) {
		destroy(s);
		return;
	}
	part(s);
}

void lu_streams_abandon(struct lu_world *w)
{
	for (struct list *l = w->streams.next; l != &w->streams; l = l->next)
		close_now(LIST_ENTRY(l, struct lu_stream, link));
}
