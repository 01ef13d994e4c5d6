/* t_edge.c - the libuv maker on real descriptors: what libuv and the kernel do, no simulation
 * shows. Sockets of this process alone, on loopback, at ports the kernel picks (rule 44). */
#include "t_io.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/dns.h"
#include "io/net.h"
#include "t_pair.h"

enum { LIMIT_MS = 10000, SMALL_WRITES = 8192,
       MUCH = NET_UNSENT_MAX / 2 };

struct edge {
	struct loop *l;
	struct timer limit;
	net_id at, near, far;		/* far: its inbound end */
	void (*opened)(struct edge *);	/* at the near end */
	enum net_fail fail;
	int closed;			/* of the near end */
	struct loop_watch *watch;
	struct tls *tls;
	int fd, heard;
};

static void on_limit(void *arg)
{
	(void)arg;
	fail_msg("nothing came in %d s", LIMIT_MS / 1000);
}

static void *accepted(void *ctx, net_id stream, const struct net_stream_info *i)
{
	struct edge *e = ctx;

	(void)i;
	e->far = stream;
	return e;
}

static void event(void *ctx, net_id stream, enum net_event ev, struct str bytes,
		  const struct net_stream_info *i)
{
	struct edge *e = ctx;

	(void)bytes;
	if (stream != e->near)
		return;
	if (ev == NET_OPEN && e->opened)
		e->opened(e);
	if (ev != NET_CLOSED)
		return;
	e->closed++;
	e->fail = i->fail;
	loop_stop(e->l);
}

static const struct net_stream_handler handler = { NULL, accepted, event };

static int setup(void **state)
{
	struct edge *e = mem_new(sizeof *e);

	e->l = loop_new();
	timer_start(&e->l->timers, &e->limit, LIMIT_MS, on_limit, e);
	*state = e;
	return 0;
}

static int teardown(void **state)
{
	struct edge *e = *state;

	timer_stop(&e->l->timers, &e->limit);
	net_close(e->l, e->near);
	net_close(e->l, e->far);
	net_close(e->l, e->at);
	loop_free(e->l);
	mem_free(e);
	return 0;
}

static void connect_ends(struct edge *e)
{
	struct net_connect c = { .h = &handler, .ctx = e };
	struct addr any;
	int err_no = 0;

	assert_int_equal(addr_parse(STR("127.0.0.1:0"), 0, &any), OK);
	e->at = net_listen(e->l, &any, NULL, &handler, e, &err_no);
	assert_int_not_equal(e->at, 0);
	assert_true(net_local(e->l, e->at, &c.to));
	e->near = net_connect(e->l, &c);
}

static void write_often(struct edge *e)
{
	for (int i = 0; i < SMALL_WRITES; i++)
		net_write(e->l, e->near, STR("\r\n"));
}

static void short_texts_that_wait_count_with_what_each_of_them_takes(void **state)
{
	struct edge *e = *state;

	e->opened = write_often;
	connect_ends(e);
	loop_run(e->l);
	assert_int_equal(e->closed, 1);
	assert_int_equal(e->fail, NET_FAIL_UNSENT);
}

static void on_fd(void *arg)
{
	struct edge *e = arg;
	char c;
	ssize_t n = recv(e->fd, &c, 1, MSG_DONTWAIT);

	e->heard += n > 0;
	if (n)
		return;
	loop_unwatch(e->watch);
	loop_stop(e->l);
}

/* Unread bytes of the dead make its end an error first. */
static void what_a_process_said_before_it_died_and_its_end_are_both_heard(void **state)
{
	struct edge *e = *state;
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	e->fd = sv[0];
	e->watch = loop_watch(e->l, e->fd, on_fd, e);
	assert_int_equal(send(sv[0], "?", 1, 0), 1);
	assert_int_equal(send(sv[1], "1", 1, 0), 1);
	assert_int_equal(send(sv[1], "2", 1, 0), 1);
	close(sv[1]);
	loop_run(e->l);
	assert_int_equal(e->heard, 2);
	close(sv[0]);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void on_dns(void *ctx, const char *name, enum dns_type t, const struct dns_result *r)
{
	struct edge *e = ctx;

	(void)name;
	(void)t;
	(void)r;
	e->heard++;
}

/* Nobody is there to answer: the loop does not even run. */
static void a_question_goes_on_when_resolv_conf_changes_within_a_second(void **state)
{
	const struct dns_ops *dns = &dns_ares_ops;
	struct edge *e = *state;
	char path[] = "/tmp/ut_io.XXXXXX";
	struct dns_config c = { .resolv = path, .timeout = 500, .tries = 9 };	/* refusals count */
	struct stat st;
	void *d;

	e->fd = mkstemp(path);
	assert_true(e->fd >= 0);
	write_file(path, "nameserver 127.0.0.1\n");
	assert_int_equal(fstat(e->fd, &st), 0);
	d = dns->open(e->l, &c, on_dns, e);
	for (int i = 0; i < 5; i++) {
		struct timespec t[2] = { st.st_atim, st.st_mtim };

		dns->ask(d, "a.example", DNS_ADDR4);
		assert_int_equal(e->heard, i < 4 ? 0 : 1);	/* moved three times */
		write_file(path, i % 2 ? "nameserver 127.0.0.3\n" : "nameserver 127.0.0.2\n");
		t[1].tv_nsec = (st.st_mtim.tv_nsec + 1000 * (i + 1)) % 1000000000;
		assert_int_equal(futimens(e->fd, t), 0);	/* of the same second */
	}
	dns->close(d);
	assert_int_equal(e->heard, 1);
	close(e->fd);
	unlink(path);
}

static void on_last_words(void *arg)
{
	struct edge *e = arg;
	static char bytes[65536];
	ssize_t n = recv(e->fd, bytes, sizeof bytes, MSG_DONTWAIT);

	e->heard += n > 0 ? (int)n : 0;
	if (n > 0 || (n < 0 && errno == EAGAIN))
		return;
	loop_unwatch(e->watch);
	loop_stop(e->l);
}

static void *much_to_say(void *ctx, net_id stream, const struct net_stream_info *i)
{
	char *text = mem_new(MUCH);

	(void)i;
	net_write(((struct edge *)ctx)->l, stream, (struct str){ text, MUCH });
	mem_free(text);
	return ctx;
}

/* Only now does the peer begin to read. */
static void on_end(void *ctx, net_id stream, enum net_event ev, struct str bytes,
		   const struct net_stream_info *i)
{
	struct edge *e = ctx;

	(void)stream;
	(void)bytes;
	assert_int_equal(ev, NET_CLOSED);
	e->closed++;
	e->fail = i->fail;
	e->watch = loop_watch(e->l, e->fd, on_last_words, e);
}

/* What it accepts inherits it; else the kernel takes megabytes at once. */
static void listener_takes_little(void)
{
	int size = 4096, listens;

	for (int fd = 3; fd < 256; fd++) {
		socklen_t n = sizeof listens;

		if (!getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &n) && listens)
			assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size), 0);
	}
}

static const struct net_stream_handler talker = { NULL, much_to_say, on_end };

/* A peer of its own making: the test is its other end. */
static void dial(struct edge *e, struct tls_ctx *tls)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct addr any, at;
	int size = 4096, err_no = 0;

	assert_int_equal(addr_parse(STR("127.0.0.1:0"), 0, &any), OK);
	e->at = net_listen(e->l, &any, tls, &talker, e, &err_no);
	assert_true(net_local(e->l, e->at, &at));
	listener_takes_little();
	to.sin_port = htons(at.port);
	e->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(setsockopt(e->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size), 0);
	assert_int_equal(connect(e->fd, (struct sockaddr *)&to, sizeof to), 0);
}

static void a_peer_that_ends_its_side_still_gets_what_was_said_to_it(void **state)
{
	struct edge *e = *state;

	dial(e, NULL);
	assert_int_equal(shutdown(e->fd, SHUT_WR), 0);
	loop_run(e->l);
	assert_true(e->closed == 1 && e->fail == NET_FAIL_NONE);
	assert_int_equal(e->heard, MUCH);
	close(e->fd);
}

static void to_wire(struct edge *e, struct tls_out *o)
{
	tls_take(e->tls, o);
	if (o->wire.n)
		assert_int_equal(send(e->fd, o->wire.p, o->wire.n, 0), o->wire.n);
}

static void on_handshake(void *arg)
{
	struct edge *e = arg;
	char bytes[4096];
	ssize_t n = recv(e->fd, bytes, sizeof bytes, MSG_DONTWAIT);
	struct tls_out o;

	assert_true(n > 0);
	assert_int_equal(tls_feed(e->tls, (struct str){ bytes, (size_t)n }, 0), OK);
	to_wire(e, &o);
	if (!o.opened)
		return;
	tls_shutdown(e->tls);
	to_wire(e, &o);
	loop_unwatch(e->watch);
}

static void a_close_notify_leaves_what_was_said_before_it(void **state)
{
	struct edge *e = *state;
	void *b = NULL;
	char text[300];
	struct buf why;
	struct tls_ctx *server = NULL, *client = NULL;
	struct tls_out o;

	bed_open(&b);
	buf_init(&why, text, sizeof text);
	assert_int_equal(tls_ctx_new(&server, &(struct tls_config){ .cert_file = ((struct bed *)b)->sbc.cert,
			 .key_file = ((struct bed *)b)->sbc.key, .verify = TLS_VERIFY_NONE }, &why), OK);
	assert_int_equal(tls_ctx_new(&client, &(struct tls_config){ .verify = TLS_VERIFY_NONE }, &why), OK);
	e->tls = tls_new(client, false, STR("sbc.example.com"), 0);
	dial(e, server);
	(void)tls_feed(e->tls, STR_NONE, 0);
	to_wire(e, &o);
	e->watch = loop_watch(e->l, e->fd, on_handshake, e);
	loop_run(e->l);
	assert_true(e->closed == 1 && e->fail == NET_FAIL_NONE);
	assert_true(e->heard > MUCH);			/* as it is encrypted */
	tls_free(e->tls);
	tls_ctx_drop(client);
	tls_ctx_drop(server);
	close(e->fd);
	bed_close(&b);
}

#define AT_EDGE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int run_edge(void)
{
	const struct CMUnitTest t[] = {
		AT_EDGE(what_a_process_said_before_it_died_and_its_end_are_both_heard),
		AT_EDGE(a_question_goes_on_when_resolv_conf_changes_within_a_second),
		AT_EDGE(a_peer_that_ends_its_side_still_gets_what_was_said_to_it),
		AT_EDGE(a_close_notify_leaves_what_was_said_before_it),
		AT_EDGE(short_texts_that_wait_count_with_what_each_of_them_takes),
	};

	return cmocka_run_group_tests_name("edge", t, NULL, NULL);
}
