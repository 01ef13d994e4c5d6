/*
 * cmd.h - every operator action, once: the command line, HTTP, help and doc/commands.md
 * are made from this table.
 *
 * An action is a function of the environment and its arguments to JSON (CSV and site
 * files: to text). It runs in the loop and does not block; what needs the disk answers later.
 * Does not: know sockets. HTTP is rest.c's, tests call cmd_run() directly.
 * Errors: CMD_BAD and CMD_GONE have a sentence with the mend.
 * Owner: the call belongs to whoever asks; cmd_close() frees what the answer holds.
 * Test: test/unit/api/t_cmd.c
 */
#ifndef API_CMD_H
#define API_CMD_H
#include "api/env.h"
#include "api/json.h"
#include "api/query.h"

enum role { ROLE_VIEW, ROLE_OPERATE, ROLE_ADMIN, ROLE_N };
const char *role_str(enum role r);

enum cmd_result {
	CMD_OK,
	CMD_BAD,		/* the question is wrong                 */
	CMD_DENIED,		/* the role does not allow it            */
	CMD_GONE,		/* there is no such thing                */
	CMD_BUSY,		/* not now                               */
	CMD_LATER,		/* call->query or ->change went to the store */
	CMD_NRESULT
};

enum { CMD_ARGS = 10, CMD_BODY_MAX = 32 << 20 };

struct cmd_call {
	struct api_env *env;
	enum role role;
	const char *who;		/* for the audit: "uid 0"            */
	struct { const char *name, *value; } arg[CMD_ARGS];
	int narg;
	struct str body;
	/* the answer */
	json_t *out;			/* an object; not CMD_OK: a string   */
	struct str text;		/* instead of `out` when p is set    */
	const char *type;		/* of text                           */
	uint64_t next;			/* of text: where the next page begins; 0: nowhere */
	struct query *query;
	void *change;			/* of env->apply_new()               */
	char *own;			/* bytes of text that are the call's; may hold passwords */
};

struct cmd_arg { const char *name, *help; bool must; };

struct cmd {
	const char *name;		/* "show trunks": GET /v1/show/trunks */
	enum role role;			/* the least                          */
	bool post;			/* it changes something               */
	const char *help;
	struct cmd_arg arg[CMD_ARGS + 1];	/* ends with .name NULL       */
	enum cmd_result (*run)(struct cmd_call *c);
};

/* By name, its words joined by blanks or slashes. NULL: there is none. */
const struct cmd *cmd_find(struct str name);
const struct cmd *cmd_at(size_t i);		/* NULL: end */

/* Checks role and arguments, then acts. `owner`: of the store's event, should it come to
 * CMD_LATER; then cmd_finish() gives the answer. */
enum cmd_result cmd_run(const struct cmd *cmd, struct cmd_call *c, uint64_t owner);
enum cmd_result cmd_finish(const struct cmd *cmd, struct cmd_call *c, enum err job);
void cmd_close(struct cmd_call *c);

/* doc/commands.md, the part about the daemon's actions. */
void cmd_doc(struct buf *b);

#endif
