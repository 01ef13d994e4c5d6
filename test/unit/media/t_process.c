/* t_process.c - signalling and a real media process: one that reads late, and one that dies. */
#include "t_media.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "media/media.h"

enum { CALLS = 25, LIMIT_MS = 20000, LOOK_MS = 5, LATE_MS = 400, PAUSE_MS = 500,
       SMALL = 6000 };			/* bytes: a packet or two */

struct bed {
	struct loop *loop;
	struct media *media;
	char host[32];
	struct timer look, pause;
	ms_t until;
	int ready, closed, lost;		/* events so far */
	int want_ready, want_closed, want_lost;
	bool taken, until_taken;		/* the log said that a port was; what is waited for */
	uint64_t end;				/* what was lost is closed, as a leg does */
	enum err open_when_lost;
};

/* This program is the media process, too (main.c). */
int t_process_media(void)
{
	const char *late = getenv("TEST_MEDIA_LATE");

	if (late)
		(void)poll(NULL, 0, LATE_MS);
	return media_worker(3);
}

static enum err open_one(struct bed *b, uint64_t *end)
{
	struct media_local local;

	return media_open(b->media, &(struct media_want){ .owner = 7 }, end, &local);
}

static void on_turn(void *ctx)
{
	struct bed *b = ctx;
	struct media_event e;

	while (media_next(b->media, &e)) {
		b->ready += e.kind == MEDIA_EV_READY;
		b->closed += e.kind == MEDIA_EV_CLOSED;
		if (e.kind == MEDIA_EV_FAILED)
			fail_msg("no port: %s", strerror(e.sys_errno));
		if (e.kind != MEDIA_EV_LOST)
			continue;
		b->lost++;
		b->open_when_lost = open_one(b, &b->end);
		media_close(b->media, e.end);
	}
	media_turn_end(b->media);
}

static bool is_there(const struct bed *b)
{
	if (b->until_taken)
		return b->taken;
	return b->ready >= b->want_ready && b->closed >= b->want_closed && b->lost >= b->want_lost;
}

static void on_look(void *arg)
{
	struct bed *b = arg;

	if (is_there(b)) {
		loop_stop(b->loop);
		return;
	}
	if (!b->until)
		b->until = b->loop->now + LIMIT_MS;
	assert_true(b->loop->now < b->until);
	timer_start(&b->loop->timers, &b->look, LOOK_MS, on_look, b);
}

static void run(struct bed *b, int ready, int closed, int lost)
{
	b->want_ready = ready;
	b->want_closed = closed;
	b->want_lost = lost;
	b->until = 0;
	timer_start(&b->loop->timers, &b->look, LOOK_MS, on_look, b);
	loop_run(b->loop);
}

static void on_stop(void *arg)
{
	loop_stop(arg);
}

static void run_for(struct bed *b, ms_t ms)
{
	timer_start(&b->loop->timers, &b->look, ms, on_stop, b->loop);
	loop_run(b->loop);
}

static void on_pause(void *arg)
{
	(void)arg;
	(void)poll(NULL, 0, PAUSE_MS);
}

/* By its name: under memcheck the link itself leads to memcheck. */
static const char *self(void)
{
	static char path[1024];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

	assert_true(n > 0);
	return path;
}

static void on_log(void *ctx, enum log_level level, struct str line)
{
	struct bed *b = ctx;

	(void)level;
	b->taken |= memmem(line.p, line.n, "was taken", 9) != NULL;
}

static void bed_start(struct bed *b, int socket_bytes, ms_t stuck)
{
	struct media_config c = { .npools = 1, .program = self(), .socket_bytes = socket_bytes, .stuck = stuck };

	*b = (struct bed){ .loop = loop_new() };
	b->loop->log.write = on_log;
	b->loop->log.ctx = b;
	snprintf(b->host, sizeof b->host, "127.77.%d.%d", getpid() / 200 % 200, getpid() % 200 + 1);
	assert_int_equal(addr_parse_ip(str_of(b->host), &c.pool[0].bind), OK);
	c.pool[0].advertised = c.pool[0].bind;
	c.pool[0].port_min = 20000;
	c.pool[0].port_max = 20000 + 4 * CALLS - 1;
	c.loop = b->loop;
	b->media = media_new(&c, &(struct buf){ 0 });
	assert_non_null(b->media);
	loop_on_turn(b->loop, on_turn, b);
}

static void bed_stop(struct bed *b)
{
	media_free(b->media);
	loop_free(b->loop);
}

static void peer(struct bed *b, uint64_t end)
{
	struct media_remote r = { 0 };

	assert_int_equal(addr_parse(STR("127.0.0.1:9"), 0, &r.rtp), OK);
	r.rtcp = r.rtp;
	memset(r.rx_pt, 255, sizeof r.rx_pt);
	memset(r.tx_pt, 255, sizeof r.tx_pt);
	media_peer(b->media, end, 0, &r);
	media_serve(b->media, end, 0, true);
}

/* From its first peer to its end, each in a turn of its own. */
static void use(struct bed *b, uint64_t end)
{
	peer(b, end);
	media_turn_end(b->media);
	media_close(b->media, end);
	media_turn_end(b->media);
}

static void nothing_is_lost_while_the_process_does_not_read(void **state)
{
	uint64_t end[2 * CALLS];
	uint32_t open, left;
	struct bed b;

	(void)state;
	setenv("TEST_MEDIA_LATE", "yes", 1);
	bed_start(&b, SMALL, 0);
	unsetenv("TEST_MEDIA_LATE");
	for (int i = 0; i < 2 * CALLS; i++)
		assert_int_equal(open_one(&b, &end[i]), OK);
	for (int i = 0; i < 2 * CALLS; i++)
		peer(&b, end[i]);
	for (int i = 0; i < CALLS; i++)
		media_connect(b.media, end[i], end[CALLS + i]);
	media_turn_end(b.media);
	for (int i = 0; i < 2 * CALLS; i++)
		media_close(b.media, end[i]);
	media_turn_end(b.media);
	run(&b, 1, 2 * CALLS, 0);
	assert_int_equal(b.closed, 2 * CALLS);
	media_counts(b.media, &open, &left);
	assert_int_equal(open, 0);
	assert_int_equal(left, 2 * CALLS);
	bed_stop(&b);
}

/* The children of this process; there is one. */
static pid_t child(void)
{
	char name[64], text[32] = "";
	uint32_t pid;
	FILE *f;

	snprintf(name, sizeof name, "/proc/self/task/%d/children", getpid());
	f = fopen(name, "r");
	assert_non_null(f);
	assert_non_null(fgets(text, sizeof text, f));
	fclose(f);
	assert_int_equal(str_u32(str_sub(str_of(text), 0, strcspn(text, " ")), INT32_MAX, &pid), OK);
	return (pid_t)pid;
}

static void no_end_opens_while_there_is_no_process(void **state)
{
	uint32_t open, left;
	uint64_t end;
	struct bed b;

	(void)state;
	bed_start(&b, 0, 0);
	run(&b, 1, 0, 0);
	assert_int_equal(open_one(&b, &end), OK);
	peer(&b, end);
	media_turn_end(b.media);
	assert_int_equal(kill(child(), SIGKILL), 0);
	run(&b, 2, 1, 1);			/* lost, closed, and a new process */
	assert_int_equal(b.open_when_lost, ERR_AGAIN);
	assert_int_equal(open_one(&b, &end), OK);
	use(&b, end);
	run(&b, 2, 2, 1);
	media_counts(b.media, &open, &left);
	assert_int_equal(open, 0);
	assert_int_equal(left, 2 * CALLS);
	bed_stop(&b);
}

/* A process that was ready, and does nothing more. */
static void bed_hangs(struct bed *b, int socket_bytes, ms_t stuck)
{
	bed_start(b, socket_bytes, stuck);
	run(b, 1, 0, 0);
	assert_int_equal(kill(child(), SIGSTOP), 0);
}

static void a_process_that_hangs_is_started_again(void **state)
{
	uint64_t end[2 * CALLS];
	struct bed b;

	(void)state;
	bed_hangs(&b, SMALL, 200);
	for (int i = 0; i < 2 * CALLS; i++) {
		assert_int_equal(open_one(&b, &end[i]), OK);
		peer(&b, end[i]);
	}
	media_turn_end(b.media);
	run(&b, 2, 2 * CALLS, 2 * CALLS);
	bed_stop(&b);
}

/* The socket has room for all they say: only that nothing comes back tells it. */
static void a_process_that_hangs_is_noticed_though_its_socket_has_room(void **state)
{
	uint64_t end;
	struct bed b;

	(void)state;
	bed_hangs(&b, 0, 200);
	for (int i = 0; i < CALLS; i++) {
		assert_int_equal(open_one(&b, &end), OK);
		use(&b, end);
	}
	run(&b, 2, CALLS, 0);
	bed_stop(&b);
}

/* As when the whole machine stands still, or a debugger has us: the other process had no chance to be late. */
static void a_pause_of_ours_is_not_taken_for_its_hanging(void **state)
{
	uint64_t end;
	struct bed b;

	(void)state;
	bed_start(&b, 0, 200);
	run(&b, 1, 0, 0);
	assert_int_equal(open_one(&b, &end), OK);
	peer(&b, end);
	media_turn_end(b.media);
	for (int i = 0; i < 3; i++) {
		timer_start(&b.loop->timers, &b.pause, 70, on_pause, NULL);
		run_for(&b, 150);
	}
	media_close(b.media, end);
	media_turn_end(b.media);
	run(&b, 1, 1, 0);
	assert_int_equal(b.lost, 0);
	assert_int_equal(b.ready, 1);
	bed_stop(&b);
}

/* A port of the range, as soon as nobody has it. */
static int steal(const struct bed *b, uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(inet_pton(AF_INET, b->host, &in.sin_addr), 1);
	for (int i = 0; bind(fd, (struct sockaddr *)&in, sizeof in); i++) {
		assert_true(i < LIMIT_MS);
		(void)poll(NULL, 0, 1);
	}
	return fd;
}

static void a_port_taken_while_there_is_no_process_is_waited_for(void **state)
{
	uint64_t end;
	struct bed b;
	int fd;

	(void)state;
	bed_start(&b, 0, 0);
	run(&b, 1, 0, 0);
	assert_int_equal(open_one(&b, &end), OK);
	assert_int_equal(kill(child(), SIGKILL), 0);
	fd = steal(&b, 20007);
	b.until_taken = true;
	run(&b, 2, 1, 1);			/* a process has found it taken, and is gone */
	b.until_taken = false;
	assert_int_equal(b.ready, 1);
	assert_int_equal(b.lost, 1);
	close(fd);
	run(&b, 2, 1, 1);
	assert_int_equal(open_one(&b, &end), OK);
	use(&b, end);
	run(&b, 2, 2, 1);
	bed_stop(&b);
}

/* Nothing is dropped in silence: where no more can wait, all is lost, and told. */
static void a_process_that_is_too_far_behind_is_started_again(void **state)
{
	uint64_t end[2 * CALLS];
	struct bed b;

	(void)state;
	bed_start(&b, SMALL, 0);
	run(&b, 1, 0, 0);
	for (int i = 0; i < 2 * CALLS; i++) {
		assert_int_equal(open_one(&b, &end[i]), OK);
		peer(&b, end[i]);
	}
	media_turn_end(b.media);
	assert_int_equal(kill(child(), SIGSTOP), 0);
	for (int i = 0; i < 66000; i++) {
		media_direction(b.media, end[i % (2 * CALLS)], i & 1, false);
		if (i % 8 == 7)
			media_turn_end(b.media);
	}
	for (int i = 0; i < 2 * CALLS; i++)
		media_close(b.media, end[i]);
	media_turn_end(b.media);
	assert_int_equal(kill(child(), SIGCONT), 0);
	run(&b, 2, 2 * CALLS, 0);
	bed_stop(&b);
}

static void a_stop_does_not_wait_for_a_process_that_hangs(void **state)
{
	struct bed b;

	(void)state;
	bed_hangs(&b, 0, 200);
	bed_stop(&b);
}

/* Ctrl-C and service managers send it to all processes of a group. */
static void a_signal_to_the_group_does_not_end_it_before_its_calls(void **state)
{
	uint64_t end;
	struct bed b;

	(void)state;
	bed_start(&b, 0, 0);
	run(&b, 1, 0, 0);
	assert_int_equal(kill(child(), SIGTERM), 0);
	assert_int_equal(kill(child(), SIGINT), 0);
	assert_int_equal(open_one(&b, &end), OK);
	use(&b, end);
	run(&b, 1, 1, 0);
	assert_int_equal(b.lost, 0);
	bed_stop(&b);
}

int run_process(void)
{
	const struct CMUnitTest t[] = {
		cmocka_unit_test(nothing_is_lost_while_the_process_does_not_read),
		cmocka_unit_test(no_end_opens_while_there_is_no_process),
		cmocka_unit_test(a_process_that_hangs_is_started_again),
		cmocka_unit_test(a_process_that_hangs_is_noticed_though_its_socket_has_room),
		cmocka_unit_test(a_pause_of_ours_is_not_taken_for_its_hanging),
		cmocka_unit_test(a_port_taken_while_there_is_no_process_is_waited_for),
		cmocka_unit_test(a_process_that_is_too_far_behind_is_started_again),
		cmocka_unit_test(a_stop_does_not_wait_for_a_process_that_hangs),
		cmocka_unit_test(a_signal_to_the_group_does_not_end_it_before_its_calls),
	};

	return cmocka_run_group_tests_name("media process", t, NULL, NULL);
}
