/* t_testca.c - the test certificates are what they claim. */
#include "t_pki.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct cert_view view;

static const struct cert *one(const struct testca_spec *spec)
{
	static char mem[T_PEM];
	struct testca_cert *c = testca_make(spec, NULL);
	struct cert_input in = { .cert = t_pem(c, mem), .wall = t_wall };
	char why[256];
	struct buf b;

	buf_init(&b, why, sizeof why);
	assert_int_equal(cert_read(&in, &view, &b), OK);
	testca_free(c);
	return &view.chain[0];
}

static void purposes_are_as_asked(void **state)
{
	const struct cert *c;

	(void)state;
	c = one(&(struct testca_spec){ .cn = "a", .use = TESTCA_BOTH });
	assert_true(c->has_eku && c->eku_server && c->eku_client && !c->ca);
	c = one(&(struct testca_spec){ .cn = "a", .use = TESTCA_SERVER });
	assert_true(c->has_eku && c->eku_server && !c->eku_client);
	c = one(&(struct testca_spec){ .cn = "a", .use = TESTCA_CLIENT });
	assert_true(c->has_eku && !c->eku_server && c->eku_client);
	c = one(&(struct testca_spec){ .cn = "a", .use = TESTCA_NO_EKU });
	assert_true(!c->has_eku && !c->ca);
	c = one(&(struct testca_spec){ .cn = "a", .use = TESTCA_CA });
	assert_true(c->ca);
}

static void names_are_kept_byte_for_byte(void **state)
{
	const struct testca_spec s = {
		.cn = "sbc.example.com", .nnames = 4,
		.name = { STR("sbc.example.com"), STR("*.example.com"), STR("192.0.2.1"),
			  STR("a\0b.example.com") },
	};
	const struct cert *c = one(&s);

	(void)state;
	assert_string_equal(c->cn, "sbc.example.com");
	assert_int_equal(c->nnames, 4);
	assert_string_equal(c->name[1], "*.example.com");
	assert_string_equal(c->name[2], "192.0.2.1");
	assert_string_equal(c->name[3], "a\\x00b.example.com");
}

static void dates_and_keys_are_as_asked(void **state)
{
	const struct cert *c;

	(void)state;
	c = one(&(struct testca_spec){ .cn = "a", .not_before = 1000000000, .not_after = 1100000000 });
	assert_int_equal(c->not_before_wall, 1000000000000);
	assert_int_equal(c->not_after_wall, 1100000000000);
	assert_string_equal(c->key, "EC 256");
	assert_true(c->self_signed);
	c = one(&(struct testca_spec){ .cn = "a", .key = TESTCA_RSA2048 });
	assert_string_equal(c->key, "RSA 2048");
	assert_true(c->not_before_wall < t_wall && c->not_after_wall > t_wall);
}

static void files_hold_chain_and_key_and_the_key_is_private(void **state)
{
	char dir[] = "/tmp/ut_pki.XXXXXX", cert[64], key[64], root[64], why[400];
	const struct testca_spec s = { .cn = "sbc.example.com", .use = TESTCA_SERVER };
	const struct testca_cert *chain[1];
	struct cert_view v;
	struct t_tree t;
	struct stat st;
	struct buf b;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(cert, sizeof cert, "%s/cert.pem", dir);
	snprintf(key, sizeof key, "%s/key.pem", dir);
	snprintf(root, sizeof root, "%s/root.pem", dir);
	t_tree(&t, &s, 1);
	chain[0] = t.middle;
	assert_int_equal(testca_write(t.leaf, chain, 1, cert, key), OK);
	assert_int_equal(testca_write_root(t.root, root), OK);
	assert_int_equal(stat(key, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	buf_init(&b, why, sizeof why);
	assert_int_equal(cert_read_files(cert, key, root, t_wall, &v, &b), OK);
	assert_true(v.n == 2 && v.in_order && v.key_fits && v.trusted);
	assert_int_equal(testca_write(t.leaf, chain, 1, "/nonexistent/a", key), ERR_IO);
	unlink(cert);
	unlink(key);
	unlink(root);
	rmdir(dir);
	t_tree_gone(&t);
}

int run_testca(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(purposes_are_as_asked),
		cmocka_unit_test(names_are_kept_byte_for_byte),
		cmocka_unit_test(dates_and_keys_are_as_asked),
		cmocka_unit_test(files_hold_chain_and_key_and_the_key_is_private),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
