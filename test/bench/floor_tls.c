/*
 * floor_tls.c - the limit of T1: floor_tls PORT CERT KEY accepts TLS connections on loopback, one
 * after the other, with nothing but OpenSSL's own blocking calls, and reads each until it is
 * closed. Prints "ready", and nothing else.
 */
#include "bench/args.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void serve(SSL_CTX *ctx, int fd)
{
	SSL *ssl = SSL_new(ctx);
	char text[4096];

	if (ssl && SSL_set_fd(ssl, fd) == 1 && SSL_accept(ssl) == 1) {
		while (SSL_read(ssl, text, sizeof text) > 0)
			;
		(void)SSL_shutdown(ssl);	/* the peer has gone already */
	}
	SSL_free(ssl);
	close(fd);
}

int main(int argc, char **argv)
{
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	if (argc != 4) {
		fprintf(stderr, "usage: floor_tls PORT CERT KEY\n");
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	here.sin_port = htons((uint16_t)arg_u32(argv[1]));
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, 0);
	if (bind(fd, (struct sockaddr *)&here, sizeof here) || listen(fd, 128) ||
	    SSL_CTX_use_certificate_chain_file(ctx, argv[2]) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, argv[3], SSL_FILETYPE_PEM) != 1) {
		fprintf(stderr, "floor_tls: cannot serve on %s with %s\n", argv[1], argv[2]);
		return 1;
	}
	puts("ready");
	fflush(stdout);
	for (;;)
		serve(ctx, accept(fd, NULL, NULL));
}
