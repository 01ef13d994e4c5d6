/*
 * dial.h - what would ring when somebody dials a number, when, and why: route_plan(), the
 * function the call itself asks, with a caller put together from the question.
 * Does not: ring, count against limits or note anything.
 * Test: test/unit/api/t_dial.c
 */
#ifndef API_DIAL_H
#define API_DIAL_H
#include "api/env.h"
#include "api/json.h"

struct dial_question {
	struct str from;	/* line, E.164 number or phone; with a trunk: any number */
	struct str trunk;	/* the call comes in over this one; absent: from a phone */
	struct str to;
};

/* NULL: *why is the sentence (a string) that says what is wrong with the question. */
json_t *dial_answer(const struct api_env *e, const struct dial_question *q, json_t **why);

#endif
