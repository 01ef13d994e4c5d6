/* t_directory.h - the groups of this program. */
#ifndef T_DIRECTORY_H
#define T_DIRECTORY_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

int run_index(void);
int run_digits(void);
int run_plan(void);

#endif
