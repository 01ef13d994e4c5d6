/* t_trace.h - the groups of this program. */
#ifndef T_TRACE_H
#define T_TRACE_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

int run_tap(void);
int run_trace(void);

#endif
