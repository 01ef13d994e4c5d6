/*
 * args.h - numbers of a command line, and of a message's digits, for the programs of test/bench.
 * Reading ends at the first character that is no part of one; nothing there is 0.
 */
#ifndef BENCH_ARGS_H
#define BENCH_ARGS_H

static inline double arg_num(const char *s)
{
	double v = 0, unit = 1;

	for (; *s >= '0' && *s <= '9'; s++)
		v = v * 10 + (*s - '0');
	for (s += *s == '.'; *s >= '0' && *s <= '9'; s++)
		v += (*s - '0') * (unit /= 10);
	return v;
}

static inline unsigned arg_u32(const char *s)
{
	double v = arg_num(s);

	return v < 4e9 ? (unsigned)v : 4000000000u;
}

#endif
