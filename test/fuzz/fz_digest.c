/* Challenges and credentials: what is read can be written and read again, the same. */
#include <stdlib.h>

#include "sip/digest.h"
#include "sip/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n)
{
	static char mem[SIP_URI_MAX * 12];
	struct str s = { (const char *)d, n };
	struct digest_challenge c, c2;
	struct digest_creds k, k2;
	char response[DIGEST_HEX];
	struct buf b;

	buf_init(&b, mem, sizeof mem);
	if (digest_parse_challenge(s, &c) == OK && c.alg != DIGEST_OTHER) {
		digest_write_challenge(&b, &c);
		if (!buf_ok(&b) || digest_parse_challenge(buf_str(&b), &c2) != OK)
			abort();
		if (!str_eq(c.nonce, c2.nonce) || !str_eq(c.realm, c2.realm) || c.qop != c2.qop ||
		    c.alg != c2.alg || c.stale != c2.stale)
			abort();
	}
	buf_reset(&b);
	if (digest_parse_creds(s, &k) == OK && k.alg != DIGEST_OTHER) {
		digest_write_creds(&b, &k);
		if (!buf_ok(&b) || digest_parse_creds(buf_str(&b), &k2) != OK)
			abort();
		if (!str_eq(k.username, k2.username) || !str_eq(k.uri, k2.uri) || k.nc != k2.nc ||
		    !str_eq(k.response, k2.response) || k.qop != k2.qop)
			abort();
		digest_response(&k, STR("00"), STR("INVITE"), response);
	}
	return 0;
}
