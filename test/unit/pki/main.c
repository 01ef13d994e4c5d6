#include "t_pki.h"

#include <string.h>

struct str t_pem(const struct testca_cert *c, char mem[T_PEM])
{
	struct buf b;

	buf_init(&b, mem, T_PEM);
	testca_chain_pem(c, NULL, 0, &b);
	assert_true(buf_ok(&b));
	return buf_str(&b);
}

void t_tree(struct t_tree *t, const struct testca_spec *spec, int nchain)
{
	const struct testca_spec root = { .cn = "Test Root", .use = TESTCA_CA };
	const struct testca_spec middle = { .cn = "Test Middle", .use = TESTCA_CA };
	const struct testca_cert *chain[1];
	struct buf b;

	memset(t, 0, sizeof *t);
	t->root = testca_make(&root, NULL);
	t->middle = testca_make(&middle, t->root);
	t->leaf = testca_make(spec, t->middle);
	chain[0] = t->middle;
	buf_init(&b, t->cert, sizeof t->cert);
	testca_chain_pem(t->leaf, chain, nchain, &b);
	t->in.cert = buf_str(&b);
	buf_init(&b, t->key, sizeof t->key);
	testca_key_pem(t->leaf, &b);
	t->in.key = buf_str(&b);
	t->in.roots = t_pem(t->root, t->roots);
	t->in.wall = t_wall;
}

void t_tree_gone(struct t_tree *t)
{
	testca_free(t->root);
	testca_free(t->middle);
	testca_free(t->leaf);
}

int main(void)
{
	return (run_testca() + run_cert() + run_verdict() + run_csr()) != 0;
}
