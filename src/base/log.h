/*
 * log.h - one line per event: time, level, what happened, for people.
 *
 * Does not: block. Lines go through `write`, which the owner sets (a channel
 * to a thread in the daemon (io/logsink), a buffer in tests). What may not be shown
 * (base/shown) becomes \xNN in every line; buf_safe() values that must be told apart.
 * No secret is ever an argument.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H
#include <stdint.h>

#include "base/str.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

struct log {
	enum log_level level;		/* lines above it are dropped */
	void (*write)(void *ctx, enum log_level level, struct str line);
	void *ctx;
	uint64_t lines;
};

/* A log of NULL is silent. Lines over 1,000 bytes are cut. */
void log_line(struct log *l, enum log_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
const char *log_level_str(enum log_level level);
/* A `write` for log: one line to standard error; for short-lived commands. */
void log_stderr(void *ctx, enum log_level level, struct str line);

#endif
