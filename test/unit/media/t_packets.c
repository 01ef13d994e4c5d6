/* t_packets.c - messages that come in several packets before anybody has read one. */
#include "t_media.h"

#include <sys/socket.h>
#include <unistd.h>

#include "media/packets.h"

static void send_packet(int fd, uint32_t first, size_t n)
{
	struct media_msg m[MEDIA_BATCH] = { 0 };

	for (size_t i = 0; i < n; i++)
		m[i].slot = first + (uint32_t)i;
	assert_int_equal(send(fd, m, n * sizeof m[0], 0), n * sizeof m[0]);
}

static int both(void **state)
{
	static int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd), 0);
	*state = fd;
	return 0;
}

static int both_closed(void **state)
{
	const int *fd = *state;

	close(fd[0]);
	close(fd[1]);
	return 0;
}

static void all_that_came_is_read_at_once_and_in_its_order(void **state)
{
	const int *fd = *state;
	struct media_packets in;
	uint32_t next = 0;

	assert_true(media_packets_read(fd[0], &in));
	assert_int_equal(in.n, 0);
	for (uint32_t i = 0; i < 3; i++)
		send_packet(fd[1], 16 * i, MEDIA_BATCH);
	send_packet(fd[1], 48, 1);
	assert_true(media_packets_read(fd[0], &in));
	assert_int_equal(in.n, 4);
	for (int i = 0; i < in.n; i++)
		for (uint32_t k = 0; k < in.p[i].n; k++)
			assert_int_equal(in.p[i].m[k].slot, next++);
	assert_int_equal(next, 49);
}

static void a_packet_too_many_waits_for_the_next_reading(void **state)
{
	const int *fd = *state;
	struct media_packets in;

	for (uint32_t i = 0; i < MEDIA_PACKETS + 1; i++)
		send_packet(fd[1], i, 1);
	assert_true(media_packets_read(fd[0], &in));
	assert_int_equal(in.n, MEDIA_PACKETS);
	assert_true(media_packets_read(fd[0], &in));
	assert_int_equal(in.n, 1);
	assert_int_equal(in.p[0].m[0].slot, MEDIA_PACKETS);
}

static void what_came_before_the_end_counts(void **state)
{
	const int *fd = *state;
	struct media_packets in;

	send_packet(fd[1], 7, 2);
	assert_int_equal(shutdown(fd[1], SHUT_RDWR), 0);
	assert_true(media_packets_read(fd[0], &in));
	assert_int_equal(in.n, 1);
	assert_int_equal(in.p[0].n, 2);
	assert_false(media_packets_read(fd[0], &in));
	assert_int_equal(in.n, 0);
	assert_false(media_packets_read(-1, &in));
}

int run_packets(void)
{
	const struct CMUnitTest t[] = {
		cmocka_unit_test_setup_teardown(all_that_came_is_read_at_once_and_in_its_order, both, both_closed),
		cmocka_unit_test_setup_teardown(a_packet_too_many_waits_for_the_next_reading, both, both_closed),
		cmocka_unit_test_setup_teardown(what_came_before_the_end_counts, both, both_closed),
	};

	return cmocka_run_group_tests_name("media packets", t, NULL, NULL);
}
