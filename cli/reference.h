/*
 * reference.h - the pages of doc/ that are made from the program's own tables:
 * `tandem help PAGE` prints one, and a test compares it with the file.
 * A new page is one row.
 * Test: test/unit/cli/t_reference.c
 */
#ifndef CLI_REFERENCE_H
#define CLI_REFERENCE_H
#include <stddef.h>

#include "base/buf.h"

enum { REFERENCE_BYTES_MAX = 64 * 1024 };

struct reference {
	const char *name, *file;	/* "tandem.yaml", "doc/tandem.yaml.md" */
	void (*write)(struct buf *b);
};

const struct reference *reference_at(size_t i);	/* NULL: end */
const struct reference *reference_find(const char *name);
/* Prints the page; the exit code. */
int reference_print(const struct reference *r);

#endif
