/* First line: the Content-Type; the rest: the body. Parts lie inside, in order, apart. */
#include <stdlib.h>

#include "sip/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n)
{
	struct str s = { (const char *)d, n };
	struct sip_body b, found;
	struct sip_part p[SIP_PART_MAX];
	const char *at;
	unsigned np;

	if (!str_cut(s, '\n', &b.type, &b.bytes))
		return 0;
	at = b.bytes.p;
	if (sip_parts(&b, p, &np) == OK) {
		if (np > SIP_PART_MAX)
			abort();
		for (unsigned i = 0; i < np; i++) {
			if (p[i].bytes.p < at ||
			    p[i].bytes.p + p[i].bytes.n > b.bytes.p + b.bytes.n)
				abort();
			at = p[i].bytes.p + p[i].bytes.n;
		}
	}
	(void)sip_body_find(&b, "application/sdp", &found);
	return 0;
}
