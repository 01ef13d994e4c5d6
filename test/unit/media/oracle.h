/*
 * oracle.h - SRTP by others: libsrtp2 and libre, loaded at run time, because their names are ours.
 * suite: enum srtp_suite's number.
 */
#ifndef T_ORACLE_H
#define T_ORACLE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct oracle {
	const char *name;
	bool (*open)(void);
	void *(*make)(int suite, const uint8_t *key, size_t n, bool sending);
	void (*drop)(void *ctx);
	/* In place; *n grows or shrinks. */
	bool (*protect)(void *ctx, uint8_t *p, size_t *n, bool rtcp);
	bool (*unprotect)(void *ctx, uint8_t *p, size_t *n, bool rtcp);
};

extern const struct oracle oracle_srtp2, oracle_re;

#endif
