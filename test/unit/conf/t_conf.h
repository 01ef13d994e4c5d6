/* t_conf.h - the groups of this program. */
#ifndef T_CONF_H
#define T_CONF_H
/* clang-format off: cmocka wants these before itself */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

int run_credentials(void);
int run_mistakes(void);

#endif
