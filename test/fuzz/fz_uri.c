/* URIs and name-addrs: pieces lie inside, a URI equals itself, lists end. */
#include <stdlib.h>

#include "sip/limits.h"
#include "sip/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n);

static void inside(struct str all, struct str part)
{
	if (part.n && (part.p < all.p || part.p + part.n > all.p + all.n))
		abort();
}

static void check(const struct sip_uri *u)
{
	char plain[SIP_URI_MAX], back[SIP_URI_MAX * 3 + 1];
	struct str rest = u->params, name, value;
	struct buf b, c;
	unsigned k = 0;

	inside(u->raw, u->user);
	inside(u->raw, u->host);
	inside(u->raw, u->params);
	inside(u->raw, u->headers);
	if (!sip_uri_eq(u, u))
		abort();
	while (sip_param_next(&rest, &name, &value))
		if (++k > SIP_PARAM_MAX)
			abort();
	buf_init(&b, plain, sizeof plain);
	sip_user_plain(&b, u->user);
	buf_init(&c, back, sizeof back);
	sip_user_escaped(&c, buf_str(&b));
	if (!buf_ok(&b) || !buf_ok(&c))
		abort();
	buf_reset(&b);
	sip_user_plain(&b, buf_str(&c));	/* there and back again */
	if (!buf_ok(&b))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n)
{
	struct str s = { (const char *)d, n }, rest = s;
	struct sip_nameaddr na;
	struct sip_uri u;

	if (sip_uri_parse(s, &u) == OK)
		check(&u);
	while (rest.p && sip_nameaddr_parse(rest, &na, &rest) == OK) {
		inside(s, na.raw);
		inside(na.raw, na.display);
		inside(na.raw, na.params);
		inside(na.raw, na.uri.raw);
		check(&na.uri);
	}
	return 0;
}
