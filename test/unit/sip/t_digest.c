#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "sip/digest.h"
#include "t_text.h"

/* RFC 7616 3.9.1. */
#define CREDS(alg, response) \
	"Digest username=\"Mufasa\", realm=\"http-auth@example.org\", uri=\"/dir/index.html\", " \
	"algorithm=" alg ", nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001, " \
	"cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth, " \
	"response=\"" response "\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
#define MD5_RESPONSE "8ca523f5e9506fed4657c9700eebdbec"
#define SHA_RESPONSE "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"

static void the_examples_of_rfc_7616_come_out(void **state)
{
	static const char *const creds[DIGEST_NALG] = {
		[DIGEST_MD5] = CREDS("MD5", MD5_RESPONSE),
		[DIGEST_SHA256] = CREDS("SHA-256", SHA_RESPONSE),
	};

	(void)state;
	for (unsigned alg = 0; alg < DIGEST_NALG; alg++) {
		struct digest_creds c;
		char ha1[DIGEST_HEX], got[DIGEST_HEX];

		assert_int_equal(digest_parse_creds(str_of(creds[alg]), &c), OK);
		assert_int_equal(c.alg, alg);
		assert_int_equal(c.nc, 1);
		digest_ha1(c.alg, c.username, c.realm, STR("Circle of Life"), ha1);
		digest_response(&c, str_of(ha1), STR("GET"), got);
		assert_str(c.response, got);
		assert_int_equal(strlen(got), digest_len(c.alg));
	}
}

/* RFC 2069 4.2 style, its erratum's figure: no qop, MD5. */
static void an_old_phone_without_qop_is_understood(void **state)
{
	struct digest_creds c;
	char ha1[DIGEST_HEX], got[DIGEST_HEX];

	(void)state;
	assert_int_equal(digest_parse_creds(
		STR("Digest username=\"Mufasa\", realm=\"testrealm@host.com\", "
		    "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", "
		    "response=\"1949323746fe6a43ef61f9606e7febea\""), &c), OK);
	assert_false(c.qop);
	assert_int_equal(c.alg, DIGEST_MD5);
	digest_ha1(c.alg, c.username, c.realm, STR("CircleOfLife"), ha1);
	digest_response(&c, str_of(ha1), STR("GET"), got);
	assert_string_equal(got, "1949323746fe6a43ef61f9606e7febea");
}

static void a_challenge_is_written_and_reads_back(void **state)
{
	struct digest_challenge c = { .alg = DIGEST_SHA256, .realm = STR("r"), .nonce = STR("n"),
				      .opaque = STR("o"), .stale = true, .qop = true }, d;
	char mem[200];
	struct buf b;

	(void)state;
	buf_init(&b, mem, sizeof mem);
	digest_write_challenge(&b, &c);
	assert_str(buf_str(&b), "Digest realm=\"r\", nonce=\"n\", opaque=\"o\", algorithm=SHA-256, "
				"qop=\"auth\", stale=true");
	assert_int_equal(digest_parse_challenge(buf_str(&b), &d), OK);
	assert_int_equal(d.alg, DIGEST_SHA256);
	assert_true(d.stale && d.qop);
	assert_str(d.opaque, "o");
	assert_int_equal(digest_parse_challenge(
		STR("digest  REALM = \"a, \\\"b\" ,nonce=x,qop=\"auth-int , Auth\", algorithm=MD5-sess"),
		&d), OK);
	assert_str(d.realm, "a, \\\"b");
	assert_true(d.qop);
	assert_int_equal(d.alg, DIGEST_OTHER);
	assert_false(d.stale);
}

static void credentials_are_written_and_read_back(void **state)
{
	struct digest_creds c, d;
	char mem[600];
	struct buf b;

	(void)state;
	assert_int_equal(digest_parse_creds(STR(CREDS("SHA-256", SHA_RESPONSE)), &c), OK);
	c.nc = 0xabcdef01;
	buf_init(&b, mem, sizeof mem);
	digest_write_creds(&b, &c);
	assert_int_equal(digest_parse_creds(buf_str(&b), &d), OK);
	assert_int_equal(d.nc, 0xabcdef01);
	assert_true(str_eq(d.cnonce, c.cnonce) && str_eq(d.response, c.response));
	assert_true(str_eq(d.opaque, c.opaque) && d.alg == DIGEST_SHA256 && d.qop);
}

#define MUST "Digest username=\"u\",realm=\"r\",nonce=\"n\",uri=\"sip:a\",response=\"x\""

static void broken_credentials_are_refused(void **state)
{
	static const struct { enum err e; const char *text; } row[] = {
		{ OK, MUST }, { OK, MUST ",x=y" },
		{ ERR_PARSE, "" }, { ERR_PARSE, "Basic abc" }, { ERR_PARSE, "Digest" },
		{ ERR_PARSE, "DigestX username=\"u\"" }, { ERR_PARSE, MUST "," },
		{ ERR_PARSE, MUST " x=y" }, { ERR_PARSE, MUST ",x" }, { ERR_PARSE, MUST ",x=" },
		{ ERR_PARSE, MUST ",x=\"open" }, { ERR_PARSE, MUST ",x=\"open\\" },
		{ ERR_PARSE, MUST ",realm=\"twice\"" }, { ERR_PARSE, MUST ",qop=auth-int,cnonce=\"c\"" },
		{ ERR_PARSE, MUST ",qop=auth" }, { ERR_RANGE, MUST ",qop=auth,cnonce=\"c\"" },
		{ ERR_RANGE, MUST ",qop=auth,cnonce=\"c\",nc=1" },
		{ ERR_RANGE, MUST ",qop=auth,cnonce=\"c\",nc=00000000" },
		{ ERR_RANGE, MUST ",qop=auth,cnonce=\"c\",nc=0000000g" },
		{ OK, MUST ",qop=auth,cnonce=\"c\",nc=0000000a" },
		{ ERR_PARSE, "Digest realm=\"r\",nonce=\"n\",uri=\"sip:a\",response=\"x\"" },
		{ ERR_PARSE, "Digest username=\"u\",realm=\"r\",nonce=\"\",uri=\"sip:a\",response=\"x\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct digest_creds c;

		assert_int_equal(digest_parse_creds(str_of(row[i].text), &c), row[i].e);
	}
}

static void endless_credentials_are_capped(void **state)
{
	char mem[4000];
	struct digest_creds c;
	struct buf b;

	(void)state;
	buf_init(&b, mem, sizeof mem);
	buf_lit(&b, MUST);
	for (int i = 0; i < 40; i++)
		buf_lit(&b, ",x=y");
	assert_int_equal(digest_parse_creds(buf_str(&b), &c), ERR_LIMIT);
	buf_reset(&b);
	buf_lit(&b, "Digest username=\"");
	while (b.n < 2100)
		buf_ch(&b, 'x');
	buf_lit(&b, "\"");
	assert_int_equal(digest_parse_creds(buf_str(&b), &c), ERR_LIMIT);
}

int run_digest(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_examples_of_rfc_7616_come_out),
		cmocka_unit_test(an_old_phone_without_qop_is_understood),
		cmocka_unit_test(a_challenge_is_written_and_reads_back),
		cmocka_unit_test(credentials_are_written_and_read_back),
		cmocka_unit_test(broken_credentials_are_refused),
		cmocka_unit_test(endless_credentials_are_capped),
	};

	return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
