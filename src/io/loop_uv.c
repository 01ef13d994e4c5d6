#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "io/dns.h"
#include "io/uv_int.h"

enum { SPENT_EVERY_MS = 20 };

struct loop_watch {
	uv_poll_t poll;
	int events;
	struct list link;
	struct lu_world *w;
	void (*fn)(void *);
	void (*fn2)(void *, int);	/* lu_watch() */
	void *ctx;
};

struct watch_signal {
	uv_signal_t sig;
	struct list link;
	struct lu_world *w;
	void (*fn)(void *, int);
	void *ctx;
};

static void must(int rc, const char *what)
{
	if (rc == 0)
		return;
	fprintf(stderr, "tandem: the event loop cannot start (%s: %s); raise the limit of open files\n",
		what, uv_strerror(rc));
	abort();
}

static void read_clocks(struct loop *l)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	l->now = (ms_t)t.tv_sec * 1000 + (ms_t)t.tv_nsec / 1000000;
	clock_gettime(CLOCK_REALTIME, &t);
	l->wall = (wall_t)t.tv_sec * 1000 + (wall_t)t.tv_nsec / 1000000;
}

static void on_timer(uv_timer_t *t);

/* One libuv timer stands for the whole wheel. */
static void rearm(struct lu_world *w)
{
	ms_t at = timers_next(&w->loop.timers);

	if (at == MS_NEVER)
		uv_timer_stop(&w->timer);
	else if (at != w->timer_at || !uv_is_active((uv_handle_t *)&w->timer))
		uv_timer_start(&w->timer, on_timer, at > w->loop.now ? at - w->loop.now : 0, 0);
	w->timer_at = at;
}

/* A system call: not for every input. */
static void read_spent(struct lu_world *w)
{
	struct timespec t;

	if (w->loop.now - w->spent_at < SPENT_EVERY_MS)
		return;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	w->loop.spent = (ms_t)t.tv_sec * 1000 + (ms_t)t.tv_nsec / 1000000;
	w->spent_at = w->loop.now;
}

void lu_input_begin(struct lu_world *w)
{
	ms_t woken = uv_now(&w->uv);

	read_clocks(&w->loop);
	read_spent(w);
	w->loop.delay = w->loop.now > woken ? w->loop.now - woken : 0;
	/* Timers armed in this turn count from now; those already due fire in on_timer(). */
	(void)timers_move(&w->loop.timers, w->loop.now);
}

void lu_input_end(struct lu_world *w)
{
	loop_turn(&w->loop);
}

static void on_timer(uv_timer_t *t)
{
	struct lu_world *w = t->data;

	read_clocks(&w->loop);
	while (timers_step(&w->loop.timers, w->loop.now))
		loop_turn(&w->loop);
}

static void on_idle(uv_idle_t *i)
{
	(void)i;	/* its being there is what counts: the poll does not sleep */
}

static void on_prepare(uv_prepare_t *p)
{
	struct lu_world *w = p->data;

	if (lu_shakes_run(w))
		(void)uv_idle_start(&w->idle, on_idle);
	else
		(void)uv_idle_stop(&w->idle);
	lu_udp_flush(w);
	uv_update_time(&w->uv);
	read_clocks(&w->loop);
	rearm(w);
}

socklen_t lu_sockaddr(const struct addr *a, struct sockaddr_storage *s)
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

void lu_addr(const struct sockaddr *s, struct addr *a)
{
	*a = (struct addr){ 0 };
	if (s->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)(const void *)s;

		a->family = ADDR_V6;
		a->port = ntohs(in->sin6_port);
		memcpy(a->ip, &in->sin6_addr, 16);
	} else if (s->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)s;

		a->family = ADDR_V4;
		a->port = ntohs(in->sin_port);
		memcpy(a->ip, &in->sin_addr, 4);
	}
}

static void close_any(struct loop *l, net_id id)
{
	struct lu_world *w = lu_world_of(l);
	struct lu_entry *e = slot_get(&w->ids, id);

	if (!e)
		return;
	switch (e->kind) {
	case LU_UDP: lu_udp_close(w, id, e->obj); break;
	case LU_LISTENER: lu_listener_close(w, id, e->obj); break;
	case LU_STREAM: lu_stream_close(w, id, e->obj); break;
	}
}

static bool local_any(struct loop *l, net_id id, struct addr *a)
{
	struct lu_entry *e = slot_get(&lu_world_of(l)->ids, id);

	if (!e)
		return false;
	switch (e->kind) {
	case LU_UDP: return lu_udp_local(e->obj, a);
	case LU_LISTENER: return lu_listener_local(e->obj, a);
	case LU_STREAM: return lu_stream_local(e->obj, a);
	}
	return false;
}

static const struct net_ops ops = {
	.udp_bind = lu_udp_bind_, .udp_send = lu_udp_send_, .listen = lu_listen_,
	.connect = lu_connect_, .write = lu_write_, .close = close_any, .local = local_any,
};

struct loop *loop_new(void)
{
	struct lu_world *w = mem_new(sizeof *w);

	must(uv_loop_init(&w->uv), "loop");
	must(uv_timer_init(&w->uv, &w->timer), "timer");
	must(uv_prepare_init(&w->uv, &w->prepare), "prepare");
	must(uv_idle_init(&w->uv, &w->idle), "idle");
	w->timer.data = w;
	w->prepare.data = w;
	list_init(&w->streams);
	list_init(&w->signals);
	list_init(&w->watches);
	lu_shakes_init(w);
	must(uv_prepare_start(&w->prepare, on_prepare), "prepare");
	w->loop.impl = w;
	w->loop.net = &ops;
	w->loop.dns = &dns_ares_ops;
	rng_init(&w->loop.rng);
	read_clocks(&w->loop);
	timers_init(&w->loop.timers, w->loop.now);
	slots_init(&w->ids, sizeof(struct lu_entry), LU_HANDLES);
	lu_udp_init(w);
	return &w->loop;
}

static void free_handle(uv_handle_t *h)
{
	mem_free(h->data);
}

/* What users left open: their fault, but nothing may stay in libuv's tables. */
static void close_left(struct lu_world *w)
{
	uint32_t i = 0;
	uint64_t id;

	while (slot_next(&w->ids, &i, &id))
		close_any(&w->loop, id);
	lu_streams_abandon(w);
	while (!list_empty(&w->watches))
		loop_unwatch(LIST_ENTRY(w->watches.next, struct loop_watch, link));
	while (!list_empty(&w->signals)) {
		struct watch_signal *x = LIST_ENTRY(w->signals.next, struct watch_signal, link);

		list_remove(&x->link);
		uv_close((uv_handle_t *)&x->sig, free_handle);
	}
}

void loop_free(struct loop *l)
{
	struct lu_world *w;

	if (!l)
		return;
	w = lu_world_of(l);
	close_left(w);
	uv_close((uv_handle_t *)&w->timer, NULL);
	uv_close((uv_handle_t *)&w->prepare, NULL);
	uv_close((uv_handle_t *)&w->idle, NULL);
	while (uv_run(&w->uv, UV_RUN_NOWAIT))
		;
	(void)uv_loop_close(&w->uv);
	lu_udp_fini(w);
	slots_close(&w->ids);
	mem_free(w);
}

void loop_run(struct loop *l)
{
	struct lu_world *w = lu_world_of(l);

	w->stopping = false;
	while (!w->stopping)
		(void)uv_run(&w->uv, UV_RUN_ONCE);
	lu_udp_flush(w);
}

void loop_stop(struct loop *l)
{
	lu_world_of(l)->stopping = true;
	uv_stop(&lu_world_of(l)->uv);
}

static void on_signal(uv_signal_t *s, int signo)
{
	struct watch_signal *x = s->data;

	lu_input_begin(x->w);
	x->fn(x->ctx, signo);
	lu_input_end(x->w);
}

void loop_on_signal(struct loop *l, int signo, void (*fn)(void *, int), void *ctx)
{
	struct watch_signal *x = mem_new(sizeof *x);

	*x = (struct watch_signal){ .w = lu_world_of(l), .fn = fn, .ctx = ctx };
	must(uv_signal_init(&x->w->uv, &x->sig), "signal");
	x->sig.data = x;
	must(uv_signal_start(&x->sig, on_signal, signo), "signal");
	uv_unref((uv_handle_t *)&x->sig);
	list_append(&x->w->signals, &x->link);
}

static void on_watch(uv_poll_t *p, int status, int events)
{
	struct loop_watch *x = p->data;
	struct lu_world *w = x->w;

	/* An error shows itself to whoever reads the descriptor, but perhaps not at once: there may be
	 * more to read before the end, and libuv has stopped the watch. */
	if (status < 0) {
		events = UV_READABLE | UV_WRITABLE;
		(void)uv_poll_start(p, x->events, on_watch);	/* worked before, and fails on closing ones only */
	}
	lu_input_begin(w);
	if (x->fn)
		x->fn(x->ctx);
	else
		x->fn2(x->ctx, events);
	lu_input_end(w);
}

static struct loop_watch *watch(struct loop *l, int fd, int events, const struct loop_watch *as)
{
	struct loop_watch *x = mem_new(sizeof *x);

	*x = *as;
	x->w = lu_world_of(l);
	x->events = events;
	must(uv_poll_init(&x->w->uv, &x->poll, fd), "poll");
	x->poll.data = x;
	must(uv_poll_start(&x->poll, events, on_watch), "poll");
	list_append(&x->w->watches, &x->link);
	return x;
}

struct loop_watch *loop_watch(struct loop *l, int fd, void (*fn)(void *), void *ctx)
{
	return watch(l, fd, UV_READABLE, &(struct loop_watch){ .fn = fn, .ctx = ctx });
}

struct loop_watch *lu_watch(struct loop *l, int fd, int events, void (*fn)(void *, int), void *ctx)
{
	return watch(l, fd, events, &(struct loop_watch){ .fn2 = fn, .ctx = ctx });
}

void loop_unwatch(struct loop_watch *x)
{
	if (!x)
		return;
	list_remove(&x->link);
	uv_poll_stop(&x->poll);
	uv_close((uv_handle_t *)&x->poll, free_handle);
}
