/* A list of Vias: pieces lie inside, the list ends. */
#include <stdlib.h>

#include "sip/limits.h"
#include "sip/msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n);

static void inside(struct str all, struct str part)
{
	if (part.n && (part.p < all.p || part.p + part.n > all.p + all.n))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n)
{
	struct str rest = { (const char *)d, n };
	struct sip_via v;

	while (rest.p) {
		size_t before = rest.n;

		if (sip_via_parse(rest, &v, &rest) != OK)
			break;
		if (rest.p && rest.n >= before)
			abort();
		inside(v.raw, v.host);
		inside(v.raw, v.branch);
		inside(v.raw, v.received);
		inside(v.raw, v.params);
		if (v.host.n == 0 || v.transport.n == 0 || v.branch.n > SIP_TOKEN_MAX)
			abort();
		if (v.rport && !sip_param(v.params, "rport").p)
			abort();
	}
	return 0;
}
