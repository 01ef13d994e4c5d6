/* t_edge.c - the libuv maker on real descriptors: what libuv and the kernel do, no simulation
 * shows. Sockets of this process alone, on loopback, at ports the kernel picks (rule 44). */
#include "t_io.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/dns.h"
#include "io/net.h"

enum { LIMIT_MS = 10000, SMALL_WRITES = 8192 };

struct edge {
	struct loop *l;
	struct timer limit;
	net_id at, near, far;		/* far: its inbound end */
	void (*opened)(struct edge *);	/* at the near end */
	enum net_fail fail;
	int closed;			/* of the near end */
	struct loop_watch *watch;
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

#define AT_EDGE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int run_edge(void)
{
	const struct CMUnitTest t[] = {
		AT_EDGE(what_a_process_said_before_it_died_and_its_end_are_both_heard),
		AT_EDGE(a_question_goes_on_when_resolv_conf_changes_within_a_second),
		AT_EDGE(short_texts_that_wait_count_with_what_each_of_them_takes),
	};

	return cmocka_run_group_tests_name("edge", t, NULL, NULL);
}
