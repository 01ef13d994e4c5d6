/* t_cli.h - the groups of this program. */
#ifndef T_CLI_H
#define T_CLI_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

int run_args(void);
int run_client(void);
int run_commands(void);
int run_reference(void);
int run_table(void);

#endif
