/*
 * args.h - the words of a command line, by a table.
 *
 * Does: "--name value", "--name=value", "-f value", flags, plain words; a mistake is told
 *   on standard error in a sentence, with the nearest name that exists.
 * Owner: values are slices of argv.
 * Test: test/unit/cli/t_args.c
 */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { ARGS_WORDS = 8 };

struct arg_spec {		/* a table of these ends with .name NULL */
	const char *name;	/* "--from"                               */
	const char **value;	/* where its value goes; NULL: a flag     */
	bool *flag;
};

struct args {
	const char *word[ARGS_WORDS];
	int nword;
};

/* argv[0] is the command's name. ERR_PARSE: it has been told why. */
enum err args_parse(int argc, char **argv, const struct arg_spec *spec, struct args *a);
/* Index of the name that `word` was probably meant to be, -1: none is near. The list ends
 * with NULL. */
int args_nearest(const char *word, const char *const *list);

#endif
