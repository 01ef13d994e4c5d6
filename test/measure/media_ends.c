/*
 * media_ends - the two honest ends of one call: RTP or SRTP (libsrtp2's), every packet counted.
 *
 *   media_ends LOCAL REMOTE TXKEY RXKEY  LOCAL REMOTE TXKEY RXKEY
 *
 * LOCAL, REMOTE: IP:PORT, RTCP one port higher. A key is 60 hex digits (AES_CM_128_HMAC_SHA1_80)
 * or "-": clear. Each end sends PCMA every 20 ms and a report every 100 ms until its input ends.
 * Prints one line: per end what it sent, how many of the other's packets it got, how many never
 * came, came twice, or were not the other's at all.
 * For Tandem's own measures on this machine.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../unit/media/oracle.h"

enum { HEAD = 12, PAYLOAD = 160, MAX_SENT = 1 << 20, ROOM = 2048, EVERY_MS = 20, REPORT_EVERY = 5 };

struct end {
	int rtp, rtcp;
	struct sockaddr_in to, rtcp_to;
	void *tx, *rx;
	uint32_t ssrc, sent, reports, got, twice, odd;
	uint8_t *seen;			/* of the other's packets */
};

static bool read_addr(const char *text, struct sockaddr_in *a)
{
	char ip[64];
	const char *colon = strchr(text, ':');

	if (!colon || colon - text >= (long)sizeof ip)
		return false;
	memcpy(ip, text, (size_t)(colon - text));
	ip[colon - text] = 0;
	*a = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10)) };
	return inet_pton(AF_INET, ip, &a->sin_addr) == 1;
}

static void *context(const char *hex, bool sending)
{
	uint8_t key[30];
	char two[3] = { 0 };

	if (strlen(hex) != 60)
		return NULL;
	for (int i = 0; i < 30; i++) {
		memcpy(two, hex + 2 * (size_t)i, 2);
		key[i] = (uint8_t)strtoul(two, NULL, 16);
	}
	return oracle_srtp2.make(1, key, sizeof key, sending);
}

static int bound(struct sockaddr_in at, unsigned more)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), big = 4 << 20;

	at.sin_port = htons((uint16_t)(ntohs(at.sin_port) + more));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &big, sizeof big);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at)) {
		perror("media_ends");
		exit(1);
	}
	return fd;
}

static void end_open(struct end *e, char **words, uint32_t ssrc)
{
	struct sockaddr_in at;

	if (!read_addr(words[0], &at) || !read_addr(words[1], &e->to)) {
		fprintf(stderr, "media_ends: %s or %s is no IP:PORT\n", words[0], words[1]);
		exit(1);
	}
	e->rtcp_to = e->to;
	e->rtcp_to.sin_port = htons((uint16_t)(ntohs(e->to.sin_port) + 1));
	e->rtp = bound(at, 0);
	e->rtcp = bound(at, 1);
	e->tx = context(words[2], true);
	e->rx = context(words[3], false);
	e->ssrc = ssrc;
	e->seen = calloc(MAX_SENT, 1);
}

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void go(struct end *e, int fd, const struct sockaddr_in *to, uint8_t *p, size_t n, bool rtcp)
{
	if (e->tx && !oracle_srtp2.protect(e->tx, p, &n, rtcp)) {
		fprintf(stderr, "media_ends: libsrtp2 does not protect\n");
		exit(1);
	}
	(void)sendto(fd, p, n, 0, (const struct sockaddr *)to, sizeof *to);
}

static void say(struct end *e)
{
	uint8_t p[ROOM] = { 0x80, 8 };
	uint32_t n = e->sent++;

	p[2] = (uint8_t)((n + 1000) >> 8);
	p[3] = (uint8_t)(n + 1000);
	put32(p + 4, n * PAYLOAD);
	put32(p + 8, e->ssrc);
	memset(p + HEAD, 0xd5, PAYLOAD);
	memcpy(p + HEAD, "HONEST", 6);
	put32(p + HEAD + 8, e->ssrc);
	put32(p + HEAD + 12, n);
	go(e, e->rtp, &e->to, p, HEAD + PAYLOAD, false);
	if (n % REPORT_EVERY)
		return;
	memset(p, 0, 28);
	p[0] = 0x80;
	p[1] = 200;
	p[3] = 6;
	put32(p + 4, e->ssrc);
	put32(p + 20, e->sent);
	e->reports++;
	go(e, e->rtcp, &e->rtcp_to, p, 28, true);
}

static void hear(struct end *e, const struct end *other)
{
	uint8_t p[ROOM];
	ssize_t len;

	while ((len = recv(e->rtp, p, sizeof p, 0)) >= 0) {
		size_t n = (size_t)len;
		uint32_t k;

		if ((e->rx && !oracle_srtp2.unprotect(e->rx, p, &n, false)) || n != HEAD + PAYLOAD ||
		    memcmp(p + HEAD, "HONEST", 6) != 0 || get32(p + HEAD + 8) != other->ssrc ||
		    (k = get32(p + HEAD + 12)) >= MAX_SENT) {
			e->odd++;
			continue;
		}
		e->got += !e->seen[k];
		e->twice += e->seen[k];
		e->seen[k] = 1;
	}
	while (recv(e->rtcp, p, sizeof p, 0) >= 0)
		continue;
}

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void talk(struct end *e)
{
	struct pollfd p[] = { { e[0].rtp, POLLIN, 0 }, { e[1].rtp, POLLIN, 0 }, { STDIN_FILENO, POLLIN, 0 },
			      { e[0].rtcp, POLLIN, 0 }, { e[1].rtcp, POLLIN, 0 } };
	long long due = now_ms(), end = -1;
	char c;

	while (end < 0 || now_ms() < end) {
		int wait = (int)(due - now_ms());

		(void)poll(p, 5, wait > 0 ? wait : 0);
		if (p[2].revents && read(STDIN_FILENO, &c, 1) <= 0) {
			end = now_ms() + 1000;	/* what is still on its way */
			p[2].fd = -1;
			p[2].revents = 0;
		}
		for (int i = 0; i < 2; i++)
			hear(&e[i], &e[1 - i]);
		if (now_ms() < due)
			continue;
		due += EVERY_MS;
		for (int i = 0; i < 2 && end < 0; i++)
			if (e[i].sent < MAX_SENT)
				say(&e[i]);
	}
}

int main(int argc, char **argv)
{
	struct end e[2] = { 0 };

	if (argc != 9 || !oracle_srtp2.open()) {
		fprintf(stderr, "usage: media_ends LOCAL REMOTE TXKEY RXKEY LOCAL REMOTE TXKEY RXKEY (needs libsrtp2)\n");
		return 1;
	}
	end_open(&e[0], argv + 1, 0x11111111);
	end_open(&e[1], argv + 5, 0x22222222);
	talk(e);
	printf("[");
	for (int i = 0; i < 2; i++)
		printf("%s{\"sent\":%u,\"reports\":%u,\"got\":%u,\"lost\":%d,\"twice\":%u,\"odd\":%u}", i ? "," : "", e[i].sent,
		       e[i].reports, e[i].got, (int)(e[1 - i].sent - e[i].got), e[i].twice, e[i].odd);
	printf("]\n");
	return 0;
}
