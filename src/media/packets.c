#include "media/packets.h"

#include <errno.h>
#include <sys/socket.h>

bool media_packets_read(int fd, struct media_packets *in)
{
	struct mmsghdr m[MEDIA_PACKETS];
	struct iovec iov[MEDIA_PACKETS];

	for (int i = 0; i < MEDIA_PACKETS; i++) {
		iov[i] = (struct iovec){ in->p[i].m, sizeof in->p[i].m };
		m[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &iov[i], .msg_iovlen = 1 } };
	}
	in->n = recvmmsg(fd, m, MEDIA_PACKETS, MSG_DONTWAIT, NULL);
	if (in->n < 0) {
		in->n = 0;
		return errno == EAGAIN || errno == EINTR;
	}
	for (int i = 0; i < in->n; i++) {
		in->p[i].n = (uint32_t)(m[i].msg_len / sizeof in->p[i].m[0]);
		if (!m[i].msg_len)		/* the end; what came before it counts */
			return (in->n = i) > 0;
	}
	return true;
}
