/* t_csr.c - signing requests. */
#include "t_pki.h"

#include <string.h>

#include "io/ossl.h"
#include "pki/csr.h"

static void host_names_are_checked(void **state)
{
	static const char *const fine[] = { "sbc.example.com", "*.example.com", "a-1.b", "A.B" };
	static const char *const bad[] = { "", "sbc", "*", "*.", "*.*.com", "a..b", ".a.b", "a.b.",
					   "-a.b", "a-.b", "a b.c", "a_b.c", "a.b\n", "*a.b",
					   "\xc3\xa4.b" };

	(void)state;
	for (size_t i = 0; i < sizeof fine / sizeof *fine; i++)
		assert_true(csr_name_ok(str_of(fine[i])));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(csr_name_ok(str_of(bad[i])));
}

static void a_request_carries_its_names_and_is_signed_by_its_key(void **state)
{
	const struct csr_spec s = { .name = { STR("sbc.example.com"), STR("*.example.com") },
				    .nnames = 2, .organisation = STR("Example"),
				    .key = CSR_EC256 };
	char rmem[CSR_PEM_MAX], kmem[CSR_PEM_MAX], text[4096] = "";
	struct buf r, k;
	X509_REQ *req;
	EVP_PKEY *key;
	BIO *b;

	(void)state;
	buf_init(&r, rmem, sizeof rmem);
	buf_init(&k, kmem, sizeof kmem);
	assert_int_equal(csr_make(&s, &r, &k), OK);
	b = BIO_new_mem_buf(r.p, (int)r.n);
	req = PEM_read_bio_X509_REQ(b, NULL, NULL, NULL);
	BIO_free(b);
	assert_non_null(req);
	b = BIO_new_mem_buf(k.p, (int)k.n);
	key = PEM_read_bio_PrivateKey(b, NULL, NULL, NULL);
	BIO_free(b);
	assert_int_equal(X509_REQ_verify(req, key), 1);
	b = BIO_new(BIO_s_mem());
	X509_REQ_print(b, req);
	BIO_read(b, text, sizeof text - 1);
	BIO_free(b);
	assert_non_null(strstr(text, "CN=sbc.example.com"));
	assert_non_null(strstr(text, "DNS:sbc.example.com, DNS:*.example.com"));
	assert_non_null(strstr(text, "TLS Web Server Authentication"));
	X509_REQ_free(req);
	EVP_PKEY_free(key);
}

static void bad_names_and_small_buffers_are_refused(void **state)
{
	struct csr_spec s = { .name = { STR("sbc") }, .nnames = 1, .key = CSR_EC256 };
	char rmem[CSR_PEM_MAX], kmem[CSR_PEM_MAX];
	struct buf r, k;

	(void)state;
	buf_init(&r, rmem, sizeof rmem);
	buf_init(&k, kmem, sizeof kmem);
	assert_int_equal(csr_make(&s, &r, &k), ERR_PARSE);
	s.nnames = 0;
	assert_int_equal(csr_make(&s, &r, &k), ERR_LIMIT);
	s.name[0] = STR("sbc.example.com");
	s.nnames = 1;
	buf_init(&k, kmem, 16);
	assert_int_equal(csr_make(&s, &r, &k), ERR_LIMIT);
}

static void a_name_too_long_for_a_common_name_is_only_in_the_san(void **state)
{
	static char host[120];
	struct csr_spec s = { .nnames = 1, .key = CSR_EC256 };
	char rmem[CSR_PEM_MAX], kmem[CSR_PEM_MAX];
	struct buf r, k;

	(void)state;
	memset(host, 'a', 60);
	memcpy(host + 60, ".example-of-a-long-name.com", 27);
	s.name[0] = (struct str){ host, 87 };
	buf_init(&r, rmem, sizeof rmem);
	buf_init(&k, kmem, sizeof kmem);
	assert_int_equal(csr_make(&s, &r, &k), OK);
}

int run_csr(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(host_names_are_checked),
		cmocka_unit_test(a_request_carries_its_names_and_is_signed_by_its_key),
		cmocka_unit_test(bad_names_and_small_buffers_are_refused),
		cmocka_unit_test(a_name_too_long_for_a_common_name_is_only_in_the_san),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
