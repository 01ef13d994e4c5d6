/* fz_cert.c - certificate files, and the verdict on whatever could be read. */
#include <stdlib.h>
#include <string.h>

#include "pki/csr.h"
#include "pki/verdict.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct cert_view v;
	struct verdict out[VERDICT_N];
	struct verdict_query q = { .cert = &v, .fqdn = STR("sbc.example.com"), .teams = true,
				   .wall = 1750000000000 };
	struct cert_input in = { .cert = { (const char *)p, n }, .roots = { (const char *)p, n } };
	char why[400];
	struct buf b;

	(void)csr_name_ok(in.cert);
	buf_init(&b, why, sizeof why);
	if (cert_read(&in, &v, &b)) {
		if (!b.n)
			abort();	/* a refusal without a sentence */
		return 0;
	}
	for (int i = 0, k = verdict_make(&q, out); i < k; i++) {
		if (!out[i].text[0])
			abort();
	}
	return 0;
}
