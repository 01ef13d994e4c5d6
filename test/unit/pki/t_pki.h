/* t_pki.h - the groups of this program and the certificates they share. */
#ifndef T_PKI_H
#define T_PKI_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "pki/cert.h"
#include "pki/testca.h"

int run_testca(void);
int run_cert(void);
int run_verdict(void);
int run_csr(void);

enum { T_PEM = 32768 };
static const int64_t t_wall = 1750000000000;	/* 2025-06-15 */

/* root -> middle -> leaf, all EC. Freed by t_tree_gone(). */
struct t_tree {
	struct testca_cert *root, *middle, *leaf;
	char cert[T_PEM], key[T_PEM], roots[T_PEM];
	struct cert_input in;
};
/* spec: of the leaf. nchain: intermediates in the file, 0 or 1. */
void t_tree(struct t_tree *t, const struct testca_spec *spec, int nchain);
void t_tree_gone(struct t_tree *t);
struct str t_pem(const struct testca_cert *c, char mem[T_PEM]);

#endif
