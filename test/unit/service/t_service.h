/* t_service.h - the groups of this program. */
#ifndef T_SERVICE_H
#define T_SERVICE_H
/* clang-format off: cmocka wants these before itself */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

int run_refusals(void);
int run_outreg(void);
int run_bans(void);
int run_spread(void);
int run_summary(void);
int run_registrar(void);

#endif
