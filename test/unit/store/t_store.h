/* t_store.h - the groups of this program and what they share. */
#ifndef T_STORE_H
#define T_STORE_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "store/record.h"

int run_row(void);
int run_ring(void);
int run_db(void);
int run_store(void);
int run_text(void);
int run_torn(void);

/* A record with nleg legs and two notes; every field says which it is. */
void t_record(struct call_record *r, uint64_t id, unsigned nleg);
void t_same(const struct call_record *a, const struct call_record *b);
/* A fresh folder under the build's temporary place; t_dir_gone() removes it. */
void t_dir(char dir[256]);
void t_dir_gone(const char *dir);

#endif
