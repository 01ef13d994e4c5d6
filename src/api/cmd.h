/*
 * cmd.h - every operator action, once: the CLI, HTTP, help and doc/commands.md read this
 * table.
 * An action is a function of the environment and its arguments to JSON. It runs in the loop
 * and does not block; what needs the disk answers later (CMD_LATER).
 */
#ifndef API_CMD_H
#define API_CMD_H
#include <jansson.h>

#include "api/env.h"

enum role { ROLE_VIEW, ROLE_OPERATE, ROLE_ADMIN };
enum cmd_result { CMD_OK, CMD_BAD, CMD_GONE, CMD_LATER };

struct cmd_call {
	struct api_env *env;
	const char *(*arg)(void *ctx, const char *name);	/* NULL: not given */
	void *ctx;
	struct str body;
	json_t *out;			/* CMD_OK: an object; CMD_BAD, CMD_GONE: a string  */
	/* CMD_LATER: run on the disk thread with `job_arg`; it leaves its text there. */
	struct cmd_job *job;
};

struct cmd_job {			/* of a query of the database */
	struct cdr_query q;
	char number[64];
	uint64_t id;			/* one record; 0: the query */
	bool csv;
	char *text;			/* result, mem_free() */
	size_t n, cap;
	uint32_t count;
	void *request;			/* whose it is, for rest.c */
};
enum err cmd_job_run(struct db *db, void *job);		/* on the disk thread */

struct cmd {
	const char *name;		/* "show trunks" -> GET /v1/show/trunks */
	const char *args;		/* "<must> [may]"                       */
	enum role role;
	bool post;
	const char *help;
	enum cmd_result (*run)(struct cmd_call *c);
};

const struct cmd *cmd_find(struct str path);	/* "show/trunks"; NULL: none */
const struct cmd *cmd_at(size_t i);		/* NULL: end */
void cmd_doc(struct buf *b);

#endif
