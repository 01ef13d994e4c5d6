#include "io/keepalive.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

void keepalive_set(int fd)
{
	static const struct { int level, name, value; } wish[] = {
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S },
		{ IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_EVERY_S },
		/* With it the kernel counts time, not probes; without it: 2 probes. */
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, KEEPALIVE_GIVE_UP_MS },
		{ IPPROTO_TCP, TCP_KEEPCNT, 2 },
	};

	for (unsigned i = 0; i < sizeof wish / sizeof *wish; i++)
		(void)setsockopt(fd, wish[i].level, wish[i].name, &wish[i].value, sizeof wish[i].value);
}
