/*
 * mutate.h - SIP messages with a few things wrong: bytes, lines, numbers, spaces, and what
 * attackers put into headers. The same seed makes the same messages.
 */
#ifndef DIFFER_MUTATE_H
#define DIFFER_MUTATE_H
#include "base/rng.h"
#include "base/str.h"

enum { MUTANT_MAX = 16384, LENDERS = 80 };

struct mutant {
	char p[MUTANT_MAX];
	size_t n;
};

struct lenders {		/* messages whose lines are borrowed */
	struct str msg[LENDERS];
	int n;
};

/* 0 to 3 changes; afterwards Content-Length is mostly right again. */
void mutate(struct mutant *m, const struct lenders *l, struct rng *r);
/* A line of one of them, without its end; absent: none. */
struct str lenders_line(const struct lenders *l, struct rng *r);

#endif
