/*
 * gen.c - requests at a fixed rate from one socket on loopback:
 *
 *   gen options  PORT RATE SECONDS         OPTIONS, each a transaction of its own
 *   gen register PORT RATE SECONDS PHONES  digest registrations (MD5) of the phones 100000,
 *                                          100001, ... in turn; user and password: the number
 *
 * A registration is REGISTER, 401, REGISTER, 200 each time: a challenge and a check. Repeats
 * nothing. Prints its counts as one JSON line ten times a second:
 *   {"sent":..,"done":..,"bad":..,"bytes":..}     bytes: of the last response
 */
#include "bench/args.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { MSG_MAX = 4096, FIRST = 100000, TELL_MS = 100, LINGER_MS = 1000 };

struct gen {
	int fd;
	bool reg;
	uint16_t port, target;
	unsigned phones, sent, done, bad, bytes;
};

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static struct sockaddr_in at(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				     .sin_port = htons(port) };
}

static void md5(const char *text, char hex[33])
{
	unsigned char d[16];
	unsigned n = sizeof d;

	(void)EVP_Digest(text, strlen(text), d, &n, EVP_md5(), NULL);
	for (int i = 0; i < 16; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", d[i]);
}

/* The value of name="..." in a challenge. */
static bool field(const char *m, const char *name, char *out, size_t cap)
{
	const char *p = strstr(m, name);
	size_t n;

	if (!p)
		return false;
	p += strlen(name);
	n = strcspn(p, "\"");
	if (n >= cap)
		return false;
	memcpy(out, p, n);
	out[n] = 0;
	return true;
}

static void authorization(const struct gen *g, const char *challenge, unsigned phone, char *out, size_t cap)
{
	char realm[128], nonce[256], text[700], uri[64], a1[33], a2[33], response[33];
	bool qop = strstr(challenge, "qop=") != NULL;

	*out = 0;
	if (!field(challenge, "realm=\"", realm, sizeof realm) || !field(challenge, "nonce=\"", nonce, sizeof nonce))
		return;
	(void)snprintf(uri, sizeof uri, "sip:127.0.0.1:%u", g->target);
	(void)snprintf(text, sizeof text, "%u:%s:%u", phone, realm, phone);
	md5(text, a1);
	(void)snprintf(text, sizeof text, "REGISTER:%s", uri);
	md5(text, a2);
	(void)snprintf(text, sizeof text, qop ? "%s:%s:00000001:abcdef01:auth:%s" : "%s:%s:%s", a1, nonce, a2);
	md5(text, response);
	(void)snprintf(out, cap, "Authorization: Digest username=\"%u\",realm=\"%s\",nonce=\"%s\",uri=\"%s\","
		       "response=\"%s\",algorithm=MD5%s\r\n", phone, realm, nonce, uri, response,
		       qop ? ",qop=auth,nc=00000001,cnonce=\"abcdef01\"" : "");
}

/* n: counts requests, so that each has a branch and a growing CSeq of its own. The contact is the
 * same whichever process registers it; the Call-ID is this one's. */
static void send_register(struct gen *g, unsigned phone, unsigned n, const char *auth)
{
	char m[MSG_MAX];
	struct sockaddr_in to = at(g->target);
	int len = snprintf(m, sizeof m,
		"REGISTER sip:127.0.0.1:%u SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bK%u-%u;rport\r\n"
		"Max-Forwards: 70\r\nFrom: <sip:%u@127.0.0.1>;tag=%u\r\nTo: <sip:%u@127.0.0.1>\r\n"
		"Call-ID: %u-%u@127.0.0.1\r\nCSeq: %u REGISTER\r\nContact: <sip:%u@127.0.0.1:9>\r\n"
		"Expires: 3600\r\nUser-Agent: bench phone\r\n%sContent-Length: 0\r\n\r\n",
		g->target, g->port, n, phone, phone, n, phone, phone, g->port, n, phone, auth);

	(void)sendto(g->fd, m, (size_t)len, 0, (struct sockaddr *)&to, sizeof to);	/* UDP may lose it */
}

static void send_options(struct gen *g, unsigned n)
{
	char m[MSG_MAX];
	struct sockaddr_in to = at(g->target);
	int len = snprintf(m, sizeof m,
		"OPTIONS sip:127.0.0.1:%u SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bK%u-%u;rport\r\n"
		"Max-Forwards: 70\r\nFrom: <sip:bench@127.0.0.1>;tag=%u\r\nTo: <sip:127.0.0.1>\r\n"
		"Call-ID: %u-%u@127.0.0.1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
		g->target, g->port, n, g->port, n, n, g->port);

	(void)sendto(g->fd, m, (size_t)len, 0, (struct sockaddr *)&to, sizeof to);
}

static void on_response(struct gen *g, const char *m, size_t n)
{
	char auth[900];
	const char *to = strstr(m, "To: <sip:"), *cseq = strstr(m, "CSeq: "), *challenge = m;
	unsigned status = arg_u32(m + 8), phone;

	if (g->reg && status == 401 && to && cseq) {
		/* Of two challenges the one with MD5. */
		while ((challenge = strstr(challenge + 1, "WWW-Authenticate: ")) && strncmp(challenge, "WWW", 3) == 0) {
			const char *end = strstr(challenge, "\r\n"), *sha = strstr(challenge, "SHA-256");

			if (!sha || (end && sha > end))
				break;
		}
		phone = arg_u32(to + 9);
		authorization(g, challenge ? challenge : m, phone, auth, sizeof auth);
		send_register(g, phone, arg_u32(cseq + 6) + 1, auth);
		return;
	}
	g->bytes = (unsigned)n;
	g->done += status == 200;
	g->bad += status != 200;
}

static void hear(struct gen *g)
{
	char m[MSG_MAX];
	ssize_t n;

	while ((n = recv(g->fd, m, sizeof m - 1, MSG_DONTWAIT)) > 0) {
		m[n] = 0;
		if (n > 12)
			on_response(g, m, (size_t)n);
	}
}

static void tell(const struct gen *g)
{
	printf("{\"sent\":%u,\"done\":%u,\"bad\":%u,\"bytes\":%u}\n", g->sent, g->done, g->bad, g->bytes);
	fflush(stdout);
}

static void run(struct gen *g, double rate, double seconds)
{
	int64_t began = now_us(), end = began + (int64_t)(seconds * 1e6) + LINGER_MS * 1000, told = 0;
	unsigned all = (unsigned)(rate * seconds + 0.5);	/* a third of a request is none that is missing */

	for (int64_t t = began; t < end; t = now_us()) {
		struct pollfd p = { g->fd, POLLIN, 0 };
		unsigned due = (unsigned)((double)(t - began) * rate / 1e6);

		for (; g->sent < all && g->sent < due; g->sent++) {
			if (g->reg)
				send_register(g, FIRST + g->sent % g->phones, 2 * (g->sent / g->phones) + 1, "");
			else
				send_options(g, g->sent);
			hear(g);
		}
		if (t - told > TELL_MS * 1000) {
			tell(g);
			told = t;
		}
		(void)poll(&p, 1, 1);
		hear(g);
	}
	tell(g);
}

int main(int argc, char **argv)
{
	struct gen g = { 0 };
	struct sockaddr_in here = at(0);
	socklen_t len = sizeof here;
	int size = 4 << 20;

	g.reg = argc == 6 && strcmp(argv[1], "register") == 0;
	if (!g.reg && !(argc == 5 && strcmp(argv[1], "options") == 0)) {
		fprintf(stderr, "usage: gen options PORT RATE SECONDS | gen register PORT RATE SECONDS PHONES\n");
		return 2;
	}
	g.target = (uint16_t)arg_u32(argv[2]);
	g.phones = g.reg ? arg_u32(argv[5]) : 1;
	g.fd = socket(AF_INET, SOCK_DGRAM, 0);
	(void)setsockopt(g.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	if (bind(g.fd, (struct sockaddr *)&here, sizeof here) ||
	    getsockname(g.fd, (struct sockaddr *)&here, &len) || !g.phones) {
		perror("gen");
		return 1;
	}
	g.port = ntohs(here.sin_port);
	run(&g, arg_num(argv[3]), arg_num(argv[4]));
	return 0;
}
