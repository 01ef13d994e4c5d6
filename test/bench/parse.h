/*
 * parse.h - libre's side of the parser comparison. In a file of its own, and loaded
 * with its own names bound first: both projects have list_init() and str_dup().
 */
#ifndef BENCH_PARSE_H
#define BENCH_PARSE_H
#include <stdbool.h>
#include <stddef.h>

bool bench_libre_open(const char *msg, size_t n);	/* false: libre is not here */
void bench_libre_parse(void);				/* once; aborts when refused */

#endif
