/*
 * logsink.h - where the daemon's log lines go: a thread of their own writes them, so that
 * a reader that sleeps, a full disk or a pipe without an end cannot stop a call.
 *
 * Does: keeps LOGSINK_BYTES of lines for a slow reader, counts what it could not keep or
 *   write, and says so in a line as soon as lines go out again.
 * Does not: block the caller, keep order with what others write to the descriptor, close
 *   the descriptor.
 * Owner:   the process. Threads: all functions from the loop's thread; only
 *   logsink_lost() from any. No lock: one writer, one reader.
 * Test:    test/unit/io/t_logsink.c; `make hostile` F4.
 */
#ifndef IO_LOGSINK_H
#define IO_LOGSINK_H
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"

struct logsink;

enum { LOGSINK_BYTES = 256 * 1024, LOGSINK_END_MS = 500 };

/* Lines go to the descriptor. ERR_IO: no thread, or no descriptor for it. */
enum err logsink_new(struct logsink **out, int fd);
/* What is kept is written for at most LOGSINK_END_MS, the rest is lost. NULL is fine. */
void logsink_free(struct logsink *s);
/* The `write` of a struct log; ctx: the sink. */
void logsink_line(void *ctx, enum log_level level, struct str line);
/* Lines that nobody will read: no room was left, or the descriptor refused them. */
uint64_t logsink_lost(const struct logsink *s);

#endif
