/*
 * client.h - one request to the daemon's control socket. Says how to start the daemon when
 * it is not there.
 * The socket: --socket PATH, or $TANDEM_SOCKET, or the control-socket of -c FILE, or of
 * ./tandem.yaml, or /run/tandem/control.sock.
 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { CLIENT_WORDS = 16 };

struct client {
	char socket[256];
	bool json, csv;
	const char *file, *from, *to, *limit, *number;
	const char *word[CLIENT_WORDS];
	int nwords;
	char *text;			/* the answer */
	size_t n;
	long status;
};

/* Options out of the way, words left. false: usage was printed. */
bool client_args(struct client *c, int argc, char **argv, const char *usage);
/* GET, or POST with a body. 0: 2xx; else 1, and the reason was printed. */
int client_ask(struct client *c, const char *path, const char *body, size_t n);
json_t *client_answer(const struct client *c);	/* NULL: no JSON */
void client_free(struct client *c);

#endif
