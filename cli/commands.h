/*
 * commands.h - the table of subcommands: what `tandem help` lists and doc/commands.md shows.
 * A new command is one row, its function and its test.
 * Test: test/unit/cli/t_commands.c
 */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H
#include <stddef.h>

#include "base/buf.h"

struct command {
	const char *name, *args, *help;
	int (*run)(int argc, char **argv);	/* argv[0] is the name; the exit code */
	const char *options;			/* those that are this program's, not the daemon's; NULL: none */
};

const struct command *command_at(size_t i);	/* NULL: end */
const struct command *command_find(const char *name);
/* The program: argv as main() got it. */
int commands_run(int argc, char **argv);
/* doc/commands.md, the part about the commands. */
void commands_doc(struct buf *b);

#endif
