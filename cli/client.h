/*
 * client.h - one action of the daemon as a command: its options come from the action's row
 * (api/cmd.h), the request goes to the control socket, the answer comes back. Says how to
 * start the daemon when it is not there.
 *
 * The socket: --socket PATH, or the control-socket of -c FILE, or $TANDEM_SOCKET, or that of
 * ./tandem.yaml, or /run/tandem/control.sock.
 * Owner: client_end() frees the answer.
 * Errors: are told on standard error; the functions return the exit code.
 * Test: test/unit/cli/t_client.c, test/live/commands.py
 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H
#include <jansson.h>

#include "api/cmd.h"
#include "cli/args.h"

struct client {
	const struct cmd *cmd;
	const char *value[CMD_ARGS];	/* by the row's arguments; NULL: not given */
	const char *socket_option, *config;
	bool json, csv, help;
	char socket[108];
	char *text;			/* the answer, with a NUL behind it        */
	size_t n, cap;
	long status;
	char next[24];			/* Tandem-Next, or ""                      */
};

/* Reads the words; `more` (may be NULL) are options beyond the row's. Words without an
 * option are the row's needed arguments in their order. With --help nothing is needed: the
 * caller shows client_help(). */
enum err client_begin(struct client *c, const char *action, int argc, char **argv,
		      const struct arg_spec *more);
/* The place of an argument in value[]. It is in the row, or the program is wrong. */
int client_arg(const struct client *c, const char *name);
/* "/v1/show/call?id=7", what is not plain escaped. false: too long. */
bool client_path(const struct client *c, struct buf *b);
/* Asks; a new answer replaces the old one. 0: 2xx. */
int client_ask(struct client *c, const char *body, size_t n);
json_t *client_answer(const struct client *c);	/* NULL: no JSON */
/* The answer as it came, but harmless on a terminal. */
void client_print(const struct client *c);
void client_end(struct client *c);
/* Begin, ask, and print: --json as it came, else for people. */
int client_run(const char *action, int argc, char **argv, void (*people)(const json_t *answer));
/* The action's arguments on standard output; the exit code 0. */
int client_help(const struct cmd *cmd);

/* --- reading answers: what is missing is "" or 0 --- */
const char *js_get(const json_t *o, const char *key);
long js_long(const json_t *o, const char *key);
/* "2026-11-23T17:08:37.123Z" without its T, fraction and Z, in `out`. */
const char *js_time(const json_t *o, const char *key, char out[24]);

#endif
