/* t_base.h - what the programs of base's tests share. */
#ifndef T_BASE_H
#define T_BASE_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "base/str.h"

#define assert_str(s, lit) assert_true(str_is((s), (lit)))

int run_str(void);
int run_buf(void);
int run_mem(void);
int run_hash(void);
int run_slot(void);
int run_addr(void);
int run_rng(void);
int run_words(void);
int run_shown(void);
int run_calm(void);

#endif
