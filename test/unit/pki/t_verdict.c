/* t_verdict.c - one certificate for each thing that can be wrong. */
#include "t_pki.h"

#include <stdio.h>
#include <string.h>

#include "pki/verdict.h"

static struct verdict got[VERDICT_N];
static struct cert_view view;

static const struct testca_spec good = {
	.cn = "sbc.example.com", .use = TESTCA_BOTH, .name = { STR("sbc.example.com") },
	.nnames = 1,
};

static const char *judge_view(const char *fqdn, int64_t wall)
{
	static char text[400];
	struct verdict_query q = { .cert = &view, .fqdn = str_of(fqdn), .teams = true,
				   .wall = wall };
	int n = verdict_make(&q, got);

	text[0] = 0;
	for (int i = 0; i < n; i++) {
		assert_true(strlen(got[i].text) > 20);
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s",
			 i ? " " : "", verdict_word(got[i].code));
		if (i)
			assert_true(got[i].level <= got[i - 1].level);
	}
	return text;
}

static const char *judge_tree(struct t_tree *t, const char *fqdn)
{
	char why[400];
	struct buf b;

	buf_init(&b, why, sizeof why);
	assert_int_equal(cert_read(&t->in, &view, &b), OK);
	t_tree_gone(t);
	return judge_view(fqdn, t->in.wall);
}

static const char *judge(const struct testca_spec *s, int nchain, const char *fqdn)
{
	static struct t_tree t;

	t_tree(&t, s, nchain);
	return judge_tree(&t, fqdn);
}

static void a_good_certificate_has_no_findings(void **state)
{
	(void)state;
	assert_string_equal(judge(&good, 1, "sbc.example.com"), "");
	assert_string_equal(judge(&good, 1, NULL), "");
}

static void names_that_do_not_cover_the_fqdn_are_errors(void **state)
{
	struct testca_spec s = good;

	(void)state;
	assert_string_equal(judge(&good, 1, "sbc2.example.com"), "name-missing");
	assert_non_null(strstr(got[0].text, "it carries sbc.example.com"));
	s.name[0] = STR("*.example.com");
	s.cn = NULL;
	assert_string_equal(judge(&s, 1, "sbc.example.com"), "");
	assert_string_equal(judge(&s, 1, "a.sbc.example.com"), "name-missing");
	s = good;
	s.nnames = 0;
	assert_string_equal(judge(&s, 1, "sbc.example.com"), "name-only-cn");
	s.name[0] = STR("sbc.example.com\0.evil.example");
	s.nnames = 1;
	s.cn = NULL;
	assert_string_equal(judge(&s, 1, "sbc.example.com"), "name-with-nul name-missing");
	s.name[0] = STR("x.onmicrosoft.com");
	assert_string_equal(judge(&s, 1, "x.onmicrosoft.com"), "onmicrosoft");
}

static void dates_are_judged_against_now(void **state)
{
	struct testca_spec s = good;

	(void)state;
	s.not_before = t_wall / 1000 - 86400 * 90;
	s.not_after = t_wall / 1000 - 86400;
	assert_string_equal(judge(&s, 1, NULL), "expired");
	assert_non_null(strstr(got[0].text, "2025-06-14"));
	s.not_after = t_wall / 1000 + 86400 * 5 + 60;
	assert_string_equal(judge(&s, 1, NULL), "expires-soon");
	assert_non_null(strstr(got[0].text, "in 5 days"));
	s.not_before = t_wall / 1000 + 86400;
	s.not_after = 0;
	assert_string_equal(judge(&s, 1, NULL), "not-yet-valid");
}

static void purposes_are_judged(void **state)
{
	struct testca_spec s = good;

	(void)state;
	s.use = TESTCA_SERVER;
	assert_string_equal(judge(&s, 1, NULL), "no-client-auth");
	assert_int_equal(got[0].level, VERDICT_INFO);
	s.use = TESTCA_CLIENT;
	assert_string_equal(judge(&s, 1, NULL), "no-server-auth");
	s.use = TESTCA_NO_EKU;
	assert_string_equal(judge(&s, 1, NULL), "no-server-auth");
}

static void a_chain_without_its_intermediate_is_an_error(void **state)
{
	(void)state;
	assert_string_equal(judge(&good, 0, NULL), "no-intermediate");
	assert_non_null(strstr(got[0].text, "Test Middle"));
}

static void without_roots_a_lone_certificate_is_a_warning(void **state)
{
	static struct t_tree t;

	(void)state;
	t_tree(&t, &good, 0);
	t.in.roots = STR_NONE;
	assert_string_equal(judge_tree(&t, NULL), "no-intermediate");
	assert_int_equal(got[0].level, VERDICT_WARN);
}

static void a_self_signed_certificate_is_an_error(void **state)
{
	static char mem[T_PEM];
	struct testca_cert *c = testca_make(&good, NULL);
	struct cert_input in = { .cert = t_pem(c, mem) };
	char why[400];
	struct buf b;

	(void)state;
	buf_init(&b, why, sizeof why);
	assert_int_equal(cert_read(&in, &view, &b), OK);
	assert_string_equal(judge_view(NULL, t_wall), "self-signed");
	assert_int_equal(got[0].level, VERDICT_ERROR);
	testca_free(c);
}

static void chains_in_the_wrong_order_or_with_too_much_are_told(void **state)
{
	static struct t_tree t;
	static char mem[2 * T_PEM];
	const struct testca_cert *chain[2];
	struct buf b;

	(void)state;
	t_tree(&t, &good, 1);
	chain[0] = t.root;
	chain[1] = t.middle;
	buf_init(&b, mem, sizeof mem);
	testca_chain_pem(t.leaf, chain, 2, &b);
	t.in.cert = buf_str(&b);
	assert_string_equal(judge_tree(&t, NULL), "chain-order root-sent");
	t_tree(&t, &good, 1);
	chain[0] = t.middle;
	chain[1] = t.root;
	buf_init(&b, mem, sizeof mem);
	testca_chain_pem(t.leaf, chain, 2, &b);
	t.in.cert = buf_str(&b);
	assert_string_equal(judge_tree(&t, NULL), "root-sent");
	assert_int_equal(got[0].level, VERDICT_INFO);
	t_tree(&t, &good, 1);
	chain[0] = t.leaf;
	buf_init(&b, mem, sizeof mem);
	testca_chain_pem(t.middle, chain, 1, &b);
	t.in.cert = buf_str(&b);
	assert_string_equal(judge_tree(&t, NULL), "key-mismatch is-ca no-server-auth chain-order");
}

static void a_wrong_root_is_untrusted(void **state)
{
	static struct t_tree t, other;

	(void)state;
	t_tree(&t, &good, 1);
	t_tree(&other, &good, 1);
	t.in.roots = other.in.roots;
	assert_string_equal(judge_tree(&t, NULL), "untrusted");
	t_tree_gone(&other);
}

static void a_key_that_does_not_fit_is_an_error(void **state)
{
	static struct t_tree t, other;

	(void)state;
	t_tree(&t, &good, 1);
	t_tree(&other, &good, 1);
	t.in.key = other.in.key;
	assert_string_equal(judge_tree(&t, NULL), "key-mismatch");
	t_tree_gone(&other);
}

static void weak_keys_and_signatures_are_errors(void **state)
{
	static struct t_tree t;
	char why[400];
	struct buf b;

	(void)state;
	t_tree(&t, &good, 1);
	buf_init(&b, why, sizeof why);
	assert_int_equal(cert_read(&t.in, &view, &b), OK);
	t_tree_gone(&t);
	view.chain[0].key_ec = false;
	view.chain[0].key_bits = 1024;
	view.chain[0].weak_signature = true;
	view.chain[1].not_after_wall = t_wall - 1;
	assert_string_equal(judge_view(NULL, t_wall), "weak-key weak-signature chain-expired");
}

static void the_longest_names_still_give_a_sentence(void **state)
{
	static char host[254];
	struct testca_spec s = good;

	(void)state;
	memset(host, 'a', sizeof host - 1);
	s.nnames = TESTCA_NAMES_MAX;
	for (int i = 0; i < s.nnames; i++)
		s.name[i] = (struct str){ host, 250 };
	assert_string_equal(judge(&s, 1, host), "name-missing");
}

int run_verdict(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_certificate_has_no_findings),
		cmocka_unit_test(names_that_do_not_cover_the_fqdn_are_errors),
		cmocka_unit_test(dates_are_judged_against_now),
		cmocka_unit_test(purposes_are_judged),
		cmocka_unit_test(a_chain_without_its_intermediate_is_an_error),
		cmocka_unit_test(without_roots_a_lone_certificate_is_a_warning),
		cmocka_unit_test(a_self_signed_certificate_is_an_error),
		cmocka_unit_test(chains_in_the_wrong_order_or_with_too_much_are_told),
		cmocka_unit_test(a_wrong_root_is_untrusted),
		cmocka_unit_test(a_key_that_does_not_fit_is_an_error),
		cmocka_unit_test(weak_keys_and_signatures_are_errors),
		cmocka_unit_test(the_longest_names_still_give_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
