/*
 * tls_client.c - TLS connections to a port on loopback, one after the other, none resumed:
 *
 *   tls_client rate PORT RATE SECONDS [CERT KEY]   shakes hands RATE times a second and closes
 *   tls_client hold PORT COUNT [CERT KEY]          one OPTIONS each, and keeps COUNT open until it is ended
 *
 * Prints {"done":..,"bad":..} ten times a second. The server's certificate is not checked.
 */
#include "bench/args.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { TELL_US = 100000 };

struct client {
	SSL_CTX *ctx;
	uint16_t port;
	unsigned done, bad;
	int64_t told;
};

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void tell(struct client *c, bool now)
{
	if (!now && now_us() - c->told < TELL_US)
		return;
	c->told = now_us();
	printf("{\"done\":%u,\"bad\":%u}\n", c->done, c->bad);
	fflush(stdout);
}

/* NULL: refused. */
static SSL *shake(struct client *c)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				  .sin_port = htons(c->port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	SSL *ssl = SSL_new(c->ctx);

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (!ssl || connect(fd, (struct sockaddr *)&to, sizeof to) || SSL_set_fd(ssl, fd) != 1 ||
	    SSL_connect(ssl) != 1) {
		SSL_free(ssl);
		close(fd);
		c->bad++;
		return NULL;
	}
	c->done++;
	return ssl;
}

static void drop(SSL *ssl)
{
	int fd = SSL_get_fd(ssl);
	char rest[512];

	(void)SSL_shutdown(ssl);		/* the answer is read to the end of the stream */
	(void)shutdown(fd, SHUT_WR);
	while (read(fd, rest, sizeof rest) > 0)
		;
	SSL_free(ssl);
	close(fd);
}

static void until(int64_t at)
{
	int64_t left = at - now_us();

	if (left > 0)
		nanosleep(&(struct timespec){ left / 1000000, left % 1000000 * 1000 }, NULL); /* banned: keeps the rate */
}

static void rate(struct client *c, double per_s, double seconds)
{
	int64_t began = now_us();

	for (unsigned i = 0; i < (unsigned)(per_s * seconds); i++) {
		SSL *ssl;

		until(began + (int64_t)(i * 1e6 / per_s));
		ssl = shake(c);
		if (ssl)
			drop(ssl);
		tell(c, false);
	}
	tell(c, true);
}

/* An idle connection has been of use: a stranger's that never was may be closed at any time. */
static void ask(struct client *c, SSL *ssl, unsigned n)
{
	char m[2048];
	int len = snprintf(m, sizeof m,
		"OPTIONS sip:127.0.0.1:%u SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:9;branch=z9hG4bKhold-%d-%u;rport\r\n"
		"Max-Forwards: 70\r\nFrom: <sip:bench@127.0.0.1>;tag=%u\r\nTo: <sip:127.0.0.1>\r\n"
		"Call-ID: hold-%d-%u@127.0.0.1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n", c->port, getpid(), n, n,
		getpid(), n);

	if (SSL_write(ssl, m, len) != len || SSL_read(ssl, m, sizeof m) <= 12 || strncmp(m, "SIP/2.0 200", 11) != 0) {
		c->done--;
		c->bad++;
	}
}

static void hold(struct client *c, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		SSL *ssl = shake(c);

		if (ssl)
			ask(c, ssl, i);		/* it lives until this process ends */
		tell(c, false);
	}
	tell(c, true);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	bool holds = argc > 1 && strcmp(argv[1], "hold") == 0;
	int files = holds ? 4 : 5;
	struct client c = { .ctx = SSL_CTX_new(TLS_client_method()) };

	if (argc != files && argc != files + 2) {
		fprintf(stderr, "usage: tls_client rate PORT RATE SECONDS [CERT KEY] | hold PORT COUNT [CERT KEY]\n");
		return 2;
	}
	c.port = (uint16_t)arg_u32(argv[2]);
	SSL_CTX_set_session_cache_mode(c.ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(c.ctx, SSL_MODE_RELEASE_BUFFERS);
	if (argc > files && (SSL_CTX_use_certificate_chain_file(c.ctx, argv[files]) != 1 ||
			     SSL_CTX_use_PrivateKey_file(c.ctx, argv[files + 1], SSL_FILETYPE_PEM) != 1)) {
		fprintf(stderr, "tls_client: cannot use %s\n", argv[files]);
		return 1;
	}
	if (holds)
		hold(&c, arg_u32(argv[3]));
	else
		rate(&c, arg_num(argv[3]), arg_num(argv[4]));
	return 0;
}
