/* t_cert.c - reading certificate files, good and bad. */
#include "t_pki.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct testca_spec sbc = {
	.cn = "sbc.example.com", .use = TESTCA_SERVER, .name = { STR("sbc.example.com") },
	.nnames = 1,
};

static enum err read_it(const struct cert_input *in, struct cert_view *v, char why[400])
{
	struct buf b;
	enum err e;

	buf_init(&b, why, 400);
	e = cert_read(in, v, &b);
	(void)buf_z(&b);
	return e;
}

static void a_good_chain_is_in_order_trusted_and_fits_its_key(void **state)
{
	struct cert_view v;
	struct t_tree t;
	char why[400];

	(void)state;
	t_tree(&t, &sbc, 1);
	assert_int_equal(read_it(&t.in, &v, why), OK);
	assert_int_equal(v.n, 2);
	assert_true(v.in_order && v.has_key && v.key_fits && v.has_roots && v.trusted);
	assert_false(v.root_in_chain);
	assert_string_equal(v.verify_text, "");
	assert_non_null(strstr(v.chain[0].issuer, "Test Middle"));
	assert_int_equal(strlen(v.chain[0].sha256), 64);
	assert_int_equal(strlen(v.chain[0].sha1), 40);
	t_tree_gone(&t);
}

static void a_missing_intermediate_is_not_trusted(void **state)
{
	struct cert_view v;
	struct t_tree t;
	char why[400];

	(void)state;
	t_tree(&t, &sbc, 0);
	assert_int_equal(read_it(&t.in, &v, why), OK);
	assert_false(v.trusted);
	assert_true(v.verify_error != 0 && v.verify_text[0]);
	t_tree_gone(&t);
}

static void another_key_does_not_fit(void **state)
{
	struct t_tree a, b;
	struct cert_view v;
	char why[400];

	(void)state;
	t_tree(&a, &sbc, 1);
	t_tree(&b, &sbc, 1);
	a.in.key = b.in.key;
	assert_int_equal(read_it(&a.in, &v, why), OK);
	assert_true(v.has_key && !v.key_fits);
	a.in.roots = b.in.roots;	/* the same names, another root */
	assert_int_equal(read_it(&a.in, &v, why), OK);
	assert_false(v.trusted);
	t_tree_gone(&a);
	t_tree_gone(&b);
}

static void an_expired_certificate_still_shows_its_chain(void **state)
{
	struct testca_spec s = sbc;
	struct cert_view v;
	struct t_tree t;
	char why[400];

	(void)state;
	s.not_before = 1000000000;
	s.not_after = 1100000000;
	t_tree(&t, &s, 1);
	assert_int_equal(read_it(&t.in, &v, why), OK);
	assert_true(v.trusted);
	t_tree_gone(&t);
}

static void rubbish_is_refused_with_a_mend(void **state)
{
	struct cert_view v;
	struct t_tree t;
	char why[400];
	struct cert_input in;

	(void)state;
	t_tree(&t, &sbc, 1);
	in = t.in;
	in.cert = STR("rubbish");
	assert_int_equal(read_it(&in, &v, why), ERR_PARSE);
	assert_non_null(strstr(why, "PEM"));
	in = t.in;
	in.cert = STR("");
	assert_int_equal(read_it(&in, &v, why), ERR_PARSE);
	in = t.in;
	in.key = t.in.cert;
	assert_int_equal(read_it(&in, &v, why), ERR_PARSE);
	assert_non_null(strstr(why, "private key"));
	in = t.in;
	in.roots = STR("none");
	assert_int_equal(read_it(&in, &v, why), ERR_PARSE);
	assert_non_null(strstr(why, "root"));
	in = t.in;
	in.cert.n = CERT_FILE_MAX + 1;
	assert_int_equal(read_it(&in, &v, why), ERR_LIMIT);
	t_tree_gone(&t);
}

static void a_chain_cut_anywhere_does_no_harm(void **state)
{
	struct cert_view v;
	struct t_tree t;
	char why[400];
	size_t whole;

	(void)state;
	t_tree(&t, &sbc, 1);
	whole = t.in.cert.n;
	t.in.roots = t.in.key = STR_NONE;
	for (size_t n = 0; n < whole; n += 3) {
		t.in.cert.n = n;
		if (read_it(&t.in, &v, why) == OK)
			assert_in_range(v.n, 1, 2);
	}
	t_tree_gone(&t);
}

static void too_many_certificates_are_not_read(void **state)
{
	static char mem[T_PEM * 2];
	struct cert_view v;
	struct t_tree t;
	char why[400];
	struct buf b;

	(void)state;
	t_tree(&t, &sbc, 0);
	buf_init(&b, mem, sizeof mem);
	for (int i = 0; i < CERT_CHAIN_MAX + 3; i++)
		buf_put(&b, t.in.cert);
	assert_true(buf_ok(&b));
	t.in.cert = buf_str(&b);
	assert_int_equal(read_it(&t.in, &v, why), OK);
	assert_int_equal(v.n, CERT_CHAIN_MAX);
	assert_false(v.in_order);
	t_tree_gone(&t);
}

static void a_file_that_is_not_there_is_named(void **state)
{
	struct cert_view v;
	char why[400];
	struct buf b;

	(void)state;
	buf_init(&b, why, sizeof why);
	assert_int_equal(cert_read_files("/nonexistent/cert.pem", NULL, NULL, t_wall, &v, &b), ERR_IO);
	assert_non_null(strstr(buf_z(&b), "/nonexistent/cert.pem: cannot be read"));
}

static void the_file_that_is_wrong_is_named(void **state)
{
	char dir[] = "/tmp/ut_pki.XXXXXX", cert[64], key[64], why[600];
	struct cert_view v;
	struct t_tree t;
	struct buf b;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(cert, sizeof cert, "%s/cert.pem", dir);
	snprintf(key, sizeof key, "%s/key.pem", dir);
	t_tree(&t, &sbc, 0);
	assert_int_equal(testca_write(t.leaf, NULL, 0, cert, key), OK);
	buf_init(&b, why, sizeof why);
	assert_int_equal(cert_read_files(cert, cert, NULL, t_wall, &v, &b), ERR_PARSE);
	assert_non_null(strstr(buf_z(&b), "cert.pem: There is no private key"));
	buf_init(&b, why, sizeof why);
	assert_int_equal(cert_read_files(key, key, NULL, t_wall, &v, &b), ERR_PARSE);
	assert_non_null(strstr(buf_z(&b), "key.pem: There is no certificate"));
	buf_init(&b, why, sizeof why);
	assert_int_equal(cert_read_files(cert, key, key, t_wall, &v, &b), ERR_PARSE);
	assert_non_null(strstr(buf_z(&b), "key.pem: There is no root"));
	assert_int_equal(cert_read_files(cert, key, NULL, t_wall, &v, &b), OK);
	assert_int_equal(cert_read_files(cert, key, "system", t_wall, &v, &b), OK);
	assert_false(v.trusted);
	unlink(cert);
	unlink(key);
	rmdir(dir);
	t_tree_gone(&t);
}

static void a_wild_card_covers_one_label(void **state)
{
	struct cert c = { .name = { "*.example.com" }, .nnames = 1, .cn = "only.cn.example" };

	(void)state;
	assert_true(cert_covers(&c, STR("sbc.example.com"), false));
	assert_false(cert_covers(&c, STR("a.sbc.example.com"), false));
	assert_false(cert_covers(&c, STR("example.com"), false));
	assert_false(cert_covers(&c, STR("only.cn.example"), false));
	assert_true(cert_covers(&c, STR("only.cn.example"), true));
}

int run_cert(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_chain_is_in_order_trusted_and_fits_its_key),
		cmocka_unit_test(a_missing_intermediate_is_not_trusted),
		cmocka_unit_test(another_key_does_not_fit),
		cmocka_unit_test(an_expired_certificate_still_shows_its_chain),
		cmocka_unit_test(rubbish_is_refused_with_a_mend),
		cmocka_unit_test(a_chain_cut_anywhere_does_no_harm),
		cmocka_unit_test(too_many_certificates_are_not_read),
		cmocka_unit_test(a_file_that_is_not_there_is_named),
		cmocka_unit_test(the_file_that_is_wrong_is_named),
		cmocka_unit_test(a_wild_card_covers_one_label),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
