/* t_keepalive.c - the kernel is told how long a silent peer is believed in. */
#include "t_io.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/keepalive.h"

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t n = sizeof value;

	assert_int_equal(getsockopt(fd, level, name, &value, &n), 0);
	return value;
}

static void a_vanished_peer_is_found_within_30_seconds_idle_or_not(void **state)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int idle_ms;

	(void)state;
	assert_true(fd >= 0);
	keepalive_set(fd);
	assert_int_equal(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
	/* The first probe, and later ones until the give-up time is over. */
	idle_ms = 1000 * (option(fd, IPPROTO_TCP, TCP_KEEPIDLE) + 2 * option(fd, IPPROTO_TCP, TCP_KEEPINTVL));
	assert_true(idle_ms <= 30000);
	assert_int_equal(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), idle_ms);
	assert_int_equal(option(fd, IPPROTO_TCP, TCP_KEEPCNT), 2);
	close(fd);
}

int run_keepalive(void)
{
	const struct CMUnitTest t[] = {
		cmocka_unit_test(a_vanished_peer_is_found_within_30_seconds_idle_or_not),
	};

	return cmocka_run_group_tests_name("keepalive", t, NULL, NULL);
}
