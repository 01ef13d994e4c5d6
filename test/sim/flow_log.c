#include <stdarg.h>
#include <stdio.h>

#include "sim/flow.h"

/* The ladder so far, and the sentence a failed file ends with. */

void flow_ladder(struct flow *f, const char *fmt, ...)
{
	char text[400];
	ms_t t = f->loop ? f->loop->now - f->t0 : 0;
	struct buf b;
	va_list ap;

	buf_init(&b, text, sizeof text);
	buf_fmt(&b, "%8u  ", (unsigned)t);
	va_start(ap, fmt);
	buf_vfmt(&b, fmt, ap);
	va_end(ap);
	if (f->verbose)
		printf("# %s\n", buf_z(&b));
	if (f->nladder < FLOW_LADDER)
		f->ladder[f->nladder++] = mem_dup(text, b.n);
}

void flow_ladder_write(const struct flow *f, struct buf *b)
{
	int from = f->nladder > 60 ? f->nladder - 60 : 0;

	for (int i = from; i < f->nladder; i++)
		buf_fmt(b, "#   %s\n", f->ladder[i]);
}

/* The first failure counts. */
void flow_fail(struct flow *f, const char *fmt, ...)
{
	struct buf b;
	va_list ap;

	if (f->why[0])
		return;
	buf_init(&b, f->why, sizeof f->why);
	buf_fmt(&b, "line %u: ", f->line);
	va_start(ap, fmt);
	buf_vfmt(&b, fmt, ap);
	va_end(ap);
	if (!buf_ok(&b))
		flow_put(f->why, sizeof f->why, "line %u: failed, with a text too long to show", f->line);
	else
		(void)buf_z(&b);
}
