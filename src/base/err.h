/*
 * err.h - the result of every function that can fail. 0 is success.
 *
 * For programs, not for people: the sentence a person reads is a reason
 * (base/reason.h) or a configuration finding, never err_str().
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err {
	OK = 0,
	ERR_PARSE,	/* the bytes are not what the grammar asks          */
	ERR_LIMIT,	/* a cap was reached; nothing was changed           */
	ERR_GONE,	/* the id or name is not (any more) known           */
	ERR_STATE,	/* not possible in this state                       */
	ERR_IO,		/* the operating system refused                     */
	ERR_DENIED,	/* not allowed for this caller                      */
	ERR_TIMEOUT,	/* nothing came in time                             */
	ERR_EXISTS,	/* the name or id is taken                          */
	ERR_RANGE,	/* a number is outside of its bounds                */
	ERR_AUTH,	/* an integrity or password check failed            */
	ERR_AGAIN,	/* not now: the output is full or data is missing   */
	ERR_NERR
};

/* A short word for logs, never NULL. */
const char *err_str(enum err e);

#endif
