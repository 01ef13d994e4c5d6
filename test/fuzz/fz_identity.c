/* Identity headers of anybody: what is read can be written, and what was written reads the same. */
#include <stdlib.h>

#include "call/identity.h"

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n);

static const struct identity_opts all = { .shown = IDENTITY_PAI | IDENTITY_RPID, .trust = true,
	.divert_in = true, .divert_out = true, .guid = true };

static bool read_it(struct str headers, struct arena *a, struct identity *id)
{
	static char mem[20000];
	struct sip_msg *m = NULL;
	struct sip_refuse why;
	struct buf b;

	buf_init(&b, mem, sizeof mem);
	buf_lit(&b, "INVITE sip:1@x SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nFrom: <sip:2@x>;tag=1\r\nTo: <sip:1@x>\r\n"
		    "Call-ID: x\r\nCSeq: 1 INVITE\r\n");
	buf_put(&b, headers);
	buf_lit(&b, "\r\n\r\n");
	if (!buf_ok(&b) || sip_msg_parse(str_dup(a, buf_str(&b)), a, &m, &why) != OK)
		return false;
	identity_read(m, &all, a, id);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n)
{
	struct identity_peer p = { .host = STR("x") };
	struct sip_xhdr x[IDENTITY_HEADERS];
	struct identity id, again;
	struct arena a;
	char text[8000];
	struct buf b;

	arena_init(&a, SIP_ARENA_MAX);
	if (read_it((struct str){ (const char *)d, n }, &a, &id)) {
		int k = identity_write(&id, &all, &p, &a, x);

		if (k < 0 || k > IDENTITY_HEADERS)
			abort();
		buf_init(&b, text, sizeof text);
		for (int i = 0; i < k; i++)
			buf_fmt(&b, "%.*s: %.*s\r\n", STRF(x[i].name), STRF(x[i].value));
		b.n -= b.n ? 2 : 0;
		if (buf_ok(&b) && b.n && (!read_it(buf_str(&b), &a, &again) ||
		    again.ndivert > id.ndivert))
			abort();
		/* What does not fit is left out. */
		if (buf_ok(&b) && k && str_is(x[0].name, "P-Asserted-Identity") &&
		    !str_eq(id.number, again.number))
			abort();
	}
	arena_close(&a);
	return 0;
}
