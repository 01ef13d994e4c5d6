/*
 * digits.h - CUCM's pattern alphabet: does a number match, and how closely? Pure.
 *
 * Alphabet: digits, '*', '#', '+' (also written "\+"), X (one digit), [1-9] and [^1-3], '!'
 * (one or more digits), '?' (zero or more of the one before), '.' (marks PreDot, no digit).
 * A '+' behind a set or X means one or more of it, in front of all it is the character.
 * Closeness: the fewer numbers of the same length a pattern could match, the closer.
 * Test: test/unit/directory/t_digits.c, test/fuzz/fz_digits.c
 */
#ifndef DIRECTORY_DIGITS_H
#define DIRECTORY_DIGITS_H
#include "base/str.h"

enum { DIGITS_MAX = 48 };

struct digits_match {
	double breadth;		/* how many numbers of this length match; smaller is closer */
	size_t predot;		/* digits matched before '.'; 0: no dot                     */
};

struct digits_item { uint16_t set; uint8_t min; bool many; };	/* set: bits of 0-9 * # + */
struct digits_pattern {
	struct digits_item it[DIGITS_MAX];
	int n, dot;			/* dot: item behind the '.'; -1: none */
};

/* false: not a pattern of this alphabet. */
bool digits_compile(struct str pattern, struct digits_pattern *out);
bool digits_match_compiled(const struct digits_pattern *p, struct str number,
			   struct digits_match *m);
bool digits_good(struct str pattern);		/* is it a pattern of this alphabet? */
bool digits_match(struct str pattern, struct str number, struct digits_match *m);
/* mask: X keeps a digit, counted from the right; other characters stand for themselves. */
void digits_mask(struct str mask, struct str number, char out[DIGITS_MAX + 1]);

#endif
