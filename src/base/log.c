#include "base/log.h"

#include <stdio.h>

#include "base/shown.h"

void log_line(struct log *l, enum log_level level, const char *fmt, ...)
{
	char mem[1000], safe[1000];
	struct buf b;
	va_list ap;
	int n;

	if (!l || level > l->level || !l->write)
		return;
	va_start(ap, fmt);
	n = vsnprintf(mem, sizeof mem, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	/* Whatever an argument held, a line stays one line and obeys nobody; it ends where it is full. */
	buf_init(&b, safe, sizeof safe);
	buf_shown(&b, (struct str){ mem, (size_t)n < sizeof mem ? (size_t)n : sizeof mem - 1 });
	l->lines++;
	l->write(l->ctx, level, buf_str(&b));
}

const char *log_level_str(enum log_level level)
{
	static const char *const name[] = { "error", "warn", "info", "debug" };

	return name[level];
}

void log_stderr(void *ctx, enum log_level level, struct str line)
{
	(void)ctx;
	fprintf(stderr, "%s: %.*s\n", log_level_str(level), STRF(line));
}
