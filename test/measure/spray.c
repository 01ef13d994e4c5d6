/*
 * spray - datagrams from many addresses at a fixed rate, and what comes back.
 *
 * *   spray sip|rtp|Srtp IP:PORT[-PORT] NET/BITS RATE SECONDS
 *
 * sip: REGISTER, OPTIONS and INVITE of made-up users, replies, and one in ten mutated.
 * rtp: packets of every payload type to every port of the range; srtp: the same, longer.
 * Sources are all addresses of the net (which must be local: `ip route add local NET dev lo`),
 * from one port. Prints {"sent":..,"bytes_sent":..,"answers":..,"bytes_answers":..}.
 * For Tandem's own measures on this machine; it refuses targets that are not local.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 32, SIZE = 900, SLICE_US = 1000 };

struct job {
	int fd;
	char kind;
	struct sockaddr_in to;
	uint16_t ports;
	uint32_t net, host_mask, rate, seconds;
	uint64_t rng, sent, bytes, answers, answer_bytes;
};

static uint64_t roll(struct job *j)
{
	j->rng ^= j->rng << 13;
	j->rng ^= j->rng >> 7;
	j->rng ^= j->rng << 17;
	return j->rng;
}

static size_t sip(struct job *j, char *b, const char *from)
{
	static const char *const method[] = { "REGISTER", "OPTIONS", "INVITE", "SUBSCRIBE", "BYE" };
	uint64_t r = roll(j);
	const char *m = method[r % 5];
	int n = r % 50 == 7
		? snprintf(b, SIZE, "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK%llx\r\n", (unsigned long long)r)
		: snprintf(b, SIZE, "%s sip:%llu@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP %s:5060;branch=z9hG4bK%llx;rport\r\n",
			   m, (unsigned long long)(r >> 40 & 9999), from, (unsigned long long)r);

	n += snprintf(b + n, SIZE - (size_t)n,
		      "Max-Forwards: 70\r\nFrom: <sip:%llu@192.0.2.1>;tag=%llx\r\nTo: <sip:%llu@192.0.2.1>\r\n"
		      "Call-ID: %llx@x\r\nCSeq: 1 %s\r\nContact: <sip:a@%s>\r\nUser-Agent: Phone\r\nContent-Length: 0\r\n\r\n",
		      (unsigned long long)(r >> 30 & 9999), (unsigned long long)(r >> 8 & 0xffffff),
		      (unsigned long long)(r >> 30 & 9999), (unsigned long long)roll(j), m, from);
	if (r % 10 == 3)
		for (int i = 0; i < 8; i++)
			b[roll(j) % (uint64_t)n] = (char)roll(j);
	return (size_t)n;
}

static size_t rtp(struct job *j, char *b, size_t n)
{
	for (size_t i = 0; i < n; i += 8) {
		uint64_t r = roll(j);

		memcpy(b + i, &r, 8);
	}
	b[0] = (char)(0x80 | (b[0] & 0x0f & -(b[2] & 1)));	/* half of them quite plain */
	return n;
}

static void address(struct job *j, struct in_addr *a)
{
	a->s_addr = htonl(j->net | ((uint32_t)roll(j) & j->host_mask));
}

static void batch(struct job *j, unsigned n)
{
	static struct mmsghdr m[BATCH];
	static struct iovec iov[BATCH];
	static struct sockaddr_in to[BATCH];
	static char text[BATCH][SIZE + 8];
	static _Alignas(struct cmsghdr) char control[BATCH][CMSG_SPACE(sizeof(struct in_pktinfo))];
	int done;

	for (unsigned i = 0; i < n; i++) {
		struct in_pktinfo pi = { 0 };
		struct cmsghdr *c = (struct cmsghdr *)(void *)control[i];
		char from[INET_ADDRSTRLEN];

		address(j, &pi.ipi_spec_dst);
		(void)inet_ntop(AF_INET, &pi.ipi_spec_dst, from, sizeof from);
		to[i] = j->to;
		to[i].sin_port = htons((uint16_t)(ntohs(j->to.sin_port) + roll(j) % j->ports));
		iov[i].iov_base = text[i];
		iov[i].iov_len = j->kind == 's' ? sip(j, text[i], from) : rtp(j, text[i], j->kind == 'r' ? 172 : 184);
		m[i].msg_hdr = (struct msghdr){ .msg_name = &to[i], .msg_namelen = sizeof to[i], .msg_iov = &iov[i],
						.msg_iovlen = 1, .msg_control = control[i],
						.msg_controllen = sizeof control[i] };
		*c = (struct cmsghdr){ CMSG_LEN(sizeof pi), IPPROTO_IP, IP_PKTINFO };
		memcpy(CMSG_DATA(c), &pi, sizeof pi);
		j->bytes += iov[i].iov_len;
	}
	done = sendmmsg(j->fd, m, n, 0);
	j->sent += done > 0 ? (uint64_t)done : 0;
}

static void drain(struct job *j)
{
	char b[65536];
	ssize_t n;

	while ((n = recv(j->fd, b, sizeof b, MSG_DONTWAIT)) > 0) {
		j->answers++;
		j->answer_bytes += (uint64_t)n;
	}
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void run(struct job *j)
{
	uint64_t began = now_us(), end = began + j->seconds * 1000000ull, now;

	while ((now = now_us()) < end) {
		uint64_t due = (now - began) * j->rate / 1000000;

		while (j->sent < due) {
			uint64_t left = due - j->sent, was = j->sent;

			batch(j, left < BATCH ? (unsigned)left : BATCH);
			if (j->sent == was)
				break;
		}
		drain(j);
		usleep(SLICE_US);
	}
	usleep(300000);
	drain(j);
}

static bool local(const struct in_addr *a)
{
	struct sockaddr_in s = { .sin_family = AF_INET, .sin_addr = *a };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&s, sizeof s) == 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

static bool read_to(struct job *j, char *text)
{
	char *port = strchr(text, ':'), *last = port ? strchr(port, '-') : NULL;
	unsigned long lo, hi;

	if (!port)
		return false;
	*port++ = 0;
	lo = strtoul(port, NULL, 10);
	hi = last ? strtoul(last + 1, NULL, 10) : lo;
	j->to = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)lo) };
	j->ports = (uint16_t)(hi - lo + 1);
	return lo > 0 && hi >= lo && hi < 65536 && inet_pton(AF_INET, text, &j->to.sin_addr) == 1;
}

static bool read_net(struct job *j, char *text)
{
	char *slash = strchr(text, '/');
	unsigned long bits = slash ? strtoul(slash + 1, NULL, 10) : 32;
	struct in_addr a;

	if (slash)
		*slash = 0;
	if (bits < 1 || bits > 32 || inet_pton(AF_INET, text, &a) != 1)
		return false;
	j->host_mask = bits == 32 ? 0 : UINT32_MAX >> bits;
	j->net = ntohl(a.s_addr) & ~j->host_mask;
	return local(&a);
}

int main(int argc, char **argv)
{
	struct job j = { .rng = 88172645463325252ull };
	struct sockaddr_in any = { .sin_family = AF_INET };
	int big = 8 << 20;

	if (argc != 6 || !strchr("srS", argv[1][0]) || !read_to(&j, argv[2]) || !read_net(&j, argv[3])) {
		fprintf(stderr, "usage: spray sip|rtp|Srtp IP:PORT[-PORT] LOCALNET/BITS RATE SECONDS\n");
		return 1;
	}
	j.kind = argv[1][0];
	j.rate = (uint32_t)strtoul(argv[4], NULL, 10);
	j.seconds = (uint32_t)strtoul(argv[5], NULL, 10);
	if (!local(&j.to.sin_addr)) {
		fprintf(stderr, "spray: %s is not an address of this machine.\n", argv[2]);
		return 1;
	}
	j.fd = socket(AF_INET, SOCK_DGRAM, 0);
	(void)setsockopt(j.fd, SOL_SOCKET, SO_RCVBUF, &big, sizeof big);
	if (j.fd < 0 || bind(j.fd, (struct sockaddr *)&any, sizeof any)) {
		perror("spray");
		return 1;
	}
	run(&j);
	printf("{\"sent\":%llu,\"bytes_sent\":%llu,\"answers\":%llu,\"bytes_answers\":%llu}\n",
	       (unsigned long long)j.sent, (unsigned long long)j.bytes, (unsigned long long)j.answers,
	       (unsigned long long)j.answer_bytes);
	return 0;
}
