#include <arpa/nameser.h>
#include <ares.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "io/dns.h"
#include "io/dns_wire.h"
#include "io/uv_int.h"

/* Questions over the wire by c-ares, its descriptors under the loop. */

enum { ARES_FDS = ARES_GETSOCK_MAXNUM, MOVES_MAX = 3 };

static const char RESOLV[] = "/etc/resolv.conf";

struct ares_fd {
	struct loop_watch *watch;
	int fd;
	struct ares_world *w;
};

struct ares_world {
	struct loop *loop;
	ares_channel ch;
	bool open, ending;
	struct dns_config cfg;
	char *servers, *resolv;
	void (*answer)(void *, const char *, enum dns_type, const struct dns_result *);
	void *ctx;
	struct ares_fd fd[ARES_FDS];
	struct timer tick;
	struct stat read;		/* the file of servers as it was when it was read */
	struct list again;		/* questions of a channel that went */
};

struct question {
	struct ares_world *w;
	struct list link;		/* in ares_world.again */
	int moves;
	enum dns_type type;
	char name[DNS_NAME_MAX + 1];
};

static void watch_all(struct ares_world *w);

static void on_fd(void *arg, int events)
{
	struct ares_fd *f = arg;
	struct ares_world *w = f->w;

	ares_process_fd(w->ch, events & UV_READABLE ? f->fd : ARES_SOCKET_BAD,
			events & UV_WRITABLE ? f->fd : ARES_SOCKET_BAD);
	watch_all(w);
}

static void on_tick(void *arg)
{
	struct ares_world *w = arg;

	ares_process_fd(w->ch, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	watch_all(w);
}

static void unwatch(struct ares_world *w)
{
	for (int i = 0; i < ARES_FDS; i++) {
		loop_unwatch(w->fd[i].watch);
		w->fd[i] = (struct ares_fd){ .fd = -1, .w = w };
	}
}

/* c-ares opens and closes its sockets by itself: look again after each step. */
static void watch_all(struct ares_world *w)
{
	ares_socket_t s[ARES_FDS];
	int bits = ares_getsock(w->ch, s, ARES_FDS), n = 0;

	unwatch(w);
	for (int i = 0; i < ARES_FDS; i++) {
		int events = (((unsigned)bits >> i & 1) ? UV_READABLE : 0) |
			     (((unsigned)bits >> (i + ARES_FDS) & 1) ? UV_WRITABLE : 0);

		if (!events)
			continue;
		w->fd[n].fd = s[i];
		w->fd[n].watch = lu_watch(w->loop, s[i], events, on_fd, &w->fd[n]);
		n++;
	}
	if (n)
		timer_start(&w->loop->timers, &w->tick, 100, on_tick, w);
	else
		timer_stop(&w->loop->timers, &w->tick);
}

static void close_channel(struct ares_world *w)
{
	unwatch(w);
	timer_stop(&w->loop->timers, &w->tick);
	if (w->open)
		ares_destroy(w->ch);
	w->ch = NULL;
	w->open = false;
}

static enum err open_channel(struct ares_world *w)
{
	struct ares_options o = { .timeout = (int)w->cfg.timeout, .tries = w->cfg.tries,
				  .flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
				  .resolvconf_path = w->resolv };
	struct stat st;

	/* Looked at first: what changes meanwhile is read again. */
	w->read = stat(w->resolv, &st) ? (struct stat){ 0 } : st;
	if (ares_init_options(&w->ch, &o, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_FLAGS |
					  ARES_OPT_RESOLVCONF) != ARES_SUCCESS)
		return ERR_IO;
	w->open = true;
	if (w->servers && ares_set_servers_ports_csv(w->ch, w->servers) != ARES_SUCCESS) {
		close_channel(w);
		return ERR_PARSE;
	}
	return OK;
}

static void *ares_open(struct loop *l, const struct dns_config *c,
		       void (*answer)(void *, const char *, enum dns_type, const struct dns_result *),
		       void *ctx)
{
	struct ares_world *w = mem_new(sizeof *w);

	*w = (struct ares_world){ .loop = l, .cfg = *c, .answer = answer, .ctx = ctx };
	if (c->servers)
		w->servers = mem_dup(c->servers, strlen(c->servers));
	w->resolv = c->resolv ? mem_dup(c->resolv, strlen(c->resolv)) : mem_dup(RESOLV, strlen(RESOLV));
	list_init(&w->again);
	unwatch(w);
	(void)open_channel(w);		/* not open: every question is answered with ERR_IO */
	return w;
}

static void ares_shut(void *impl)
{
	struct ares_world *w = impl;

	w->ending = true;
	close_channel(w);
	mem_free(w->servers);
	mem_free(w->resolv);
	mem_free(w);
}

static void give(struct question *q, const struct dns_result *r)
{
	q->w->answer(q->w->ctx, q->name, q->type, r);
}

static void add_addr(struct dns_result *r, enum addr_family f, const void *ip, int ttl)
{
	struct dns_rr *rr = &r->rr[r->n++];
	ms_t ms = ttl > 0 ? (ms_t)ttl * 1000 : 0;

	rr->addr = (struct addr){ .family = f };
	memcpy(rr->addr.ip, ip, f == ADDR_V4 ? 4 : 16);
	r->ttl = r->n == 1 || ms < r->ttl ? ms : r->ttl;
}

static int parse_addr(enum dns_type t, unsigned char *b, int len, struct dns_result *r)
{
	struct ares_addrttl a4[DNS_MAX_RESULTS];
	struct ares_addr6ttl a6[DNS_MAX_RESULTS];
	int n = DNS_MAX_RESULTS;
	int rc = t == DNS_ADDR4 ? ares_parse_a_reply(b, len, NULL, a4, &n)
				: ares_parse_aaaa_reply(b, len, NULL, a6, &n);

	for (int i = 0; rc == ARES_SUCCESS && i < n; i++)
		if (t == DNS_ADDR4)
			add_addr(r, ADDR_V4, &a4[i].ipaddr, a4[i].ttl);
		else
			add_addr(r, ADDR_V6, &a6[i].ip6addr, a6[i].ttl);
	return rc;
}

static int parse_srv(unsigned char *b, int len, struct dns_result *r)
{
	struct ares_srv_reply *list = NULL;
	int rc = ares_parse_srv_reply(b, len, &list);

	r->ttl = 0;		/* the cache has its floor */
	(void)dns_wire_ttl((struct str){ (const char *)b, (size_t)len }, DNS_WIRE_SRV, &r->ttl);
	for (struct ares_srv_reply *s = list; s && r->n < DNS_MAX_RESULTS; s = s->next) {
		struct dns_rr *rr = &r->rr[r->n];

		rr->priority = s->priority;
		rr->weight = s->weight;
		rr->port = s->port;
		if (str_copy(rr->target, sizeof rr->target, str_of(s->host)))
			r->n++;
	}
	ares_free_data(list);
	return rc;
}

/* A record with a regular expression is nothing for us (RFC 3263 4.1 uses none). */
static int parse_naptr(unsigned char *b, int len, struct dns_result *r)
{
	struct ares_naptr_reply *list = NULL;
	int rc = ares_parse_naptr_reply(b, len, &list);

	r->ttl = 0;		/* the cache has its floor */
	(void)dns_wire_ttl((struct str){ (const char *)b, (size_t)len }, DNS_WIRE_NAPTR, &r->ttl);
	for (struct ares_naptr_reply *s = list; s && r->n < DNS_MAX_RESULTS; s = s->next) {
		struct dns_rr *rr = &r->rr[r->n];

		if (s->regexp[0] || !s->flags[0] || s->flags[1])
			continue;
		rr->priority = s->order;
		rr->weight = s->preference;
		rr->flag = (char)(s->flags[0] | 0x20);
		if (str_copy(rr->service, sizeof rr->service, str_of((const char *)s->service)) &&
		    str_copy(rr->target, sizeof rr->target, str_of(s->replacement)))
			r->n++;
	}
	ares_free_data(list);
	return rc;
}

static int parse(enum dns_type t, unsigned char *b, int len, struct dns_result *r)
{
	if (t == DNS_NAPTR)
		return parse_naptr(b, len, r);
	return t == DNS_SRV ? parse_srv(b, len, r) : parse_addr(t, b, len, r);
}

static enum err err_of(int rc)
{
	switch (rc) {
	case ARES_SUCCESS: return OK;
	case ARES_ENOTFOUND: case ARES_ENODATA: return ERR_GONE;
	case ARES_ETIMEOUT: case ARES_EDESTRUCTION: return ERR_TIMEOUT;
	default: return ERR_IO;		/* ARES_ECONNREFUSED, too: SERVFAIL is told so, and both come at once */
	}
}

static void on_reply(void *arg, int status, int timeouts, unsigned char *b, int len)
{
	struct question *q = arg;
	struct dns_result r = { 0 };

	(void)timeouts;
	if (status == ARES_EDESTRUCTION && !q->w->ending && q->moves++ < MOVES_MAX) {
		list_append(&q->w->again, &q->link);
		return;
	}
	if (status == ARES_SUCCESS)
		status = parse(q->type, b, len, &r);
	r.err = err_of(status);
	if (!r.err && !r.n)
		r.err = ERR_GONE;
	if (!q->w->ending)
		give(q, &r);
	mem_free(q);
}

static void put(struct ares_world *w, struct question *q)
{
	static const int type[] = { [DNS_ADDR4] = ns_t_a, [DNS_ADDR6] = ns_t_aaaa,
				    [DNS_SRV] = ns_t_srv, [DNS_NAPTR] = ns_t_naptr };
	struct dns_result broken = { .err = ERR_IO };

	if (w->open) {
		ares_query(w->ch, q->name, ns_c_in, type[q->type], on_reply, q);
		return;
	}
	give(q, &broken);
	mem_free(q);
}

/* Not by its seconds: whoever brings up a network writes it more than once in one. */
static bool resolv_changed(const struct ares_world *w)
{
	const struct stat *was = &w->read;
	struct stat st;

	return stat(w->resolv, &st) == 0 &&
	       (st.st_mtim.tv_sec != was->st_mtim.tv_sec || st.st_mtim.tv_nsec != was->st_mtim.tv_nsec ||
		st.st_ino != was->st_ino || st.st_size != was->st_size);
}

/* /etc/resolv.conf changed: a new channel, unless servers are configured; what waits is asked there. */
static void follow_resolv(struct ares_world *w)
{
	if (w->servers || !resolv_changed(w))
		return;
	close_channel(w);
	(void)open_channel(w);		/* not open: as above */
	while (!list_empty(&w->again)) {
		struct question *q = LIST_ENTRY(w->again.next, struct question, link);

		list_remove(&q->link);
		put(w, q);
	}
}

static void ares_ask(void *impl, const char *name, enum dns_type t)
{
	struct ares_world *w = impl;
	struct question *q = mem_new(sizeof *q);

	*q = (struct question){ .w = w, .type = t };
	(void)str_copy(q->name, sizeof q->name, str_of(name));	/* the cache capped it */
	follow_resolv(w);
	put(w, q);
	if (w->open)
		watch_all(w);
}

const struct dns_ops dns_ares_ops = { .open = ares_open, .ask = ares_ask, .close = ares_shut };
