/* A whole message: whatever comes, slices stay inside the bytes and caps hold. */
#include <stdlib.h>
#include <string.h>

#include "sip/build.h"
#include "sip/limits.h"
#include "sip/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n);

static void check_headers(const struct sip_msg *m)
{
	unsigned seen = 0;

	for (unsigned id = 0; id < SIP_NHDR; id++) {
		const struct sip_hdr *h = NULL;

		while ((h = sip_hdr_each(m, (enum sip_hdr_id)id, h)) != NULL) {
			seen++;
			if ((unsigned)h->id != id || memchr(h->value.p, '\n', h->value.n) ||
			    memchr(h->value.p, '\r', h->value.n))
				abort();
		}
	}
	if (seen != m->nhdr || m->nhdr > SIP_HDR_MAX)
		abort();
}

/* What we answer to it must be a response that reads back. */
static void answer(struct arena *a, const struct sip_msg *m)
{
	static char mem[300000];
	struct sip_msg *back = NULL;
	struct sip_refuse why;
	struct build b;
	struct buf out;
	enum err e;

	buf_init(&out, mem, sizeof mem);
	build_response(&b, &out, m, 486, STR("Busy Here"), STR("tag"));
	if (build_end(&b) != OK)
		abort();
	e = sip_msg_parse(buf_str(&out), a, &back, &why);
	if (e == ERR_PARSE || (e == OK && (!back || back->status != 486)))
		abort();
	if (e == OK && !str_eq(back->via.branch, m->via.branch))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n)
{
	struct arena a;
	struct sip_msg *m = NULL;
	struct sip_refuse why;
	enum err e;

	arena_init(&a, SIP_ARENA_MAX);
	e = sip_msg_parse((struct str){ (const char *)d, n }, &a, &m, &why);
	if ((m != NULL) != (e == OK || why.status))
		abort();
	if (m) {
		struct sip_body sdp;

		check_headers(m);
		(void)sip_body_find(&m->body, "application/sdp", &sdp);
		(void)sip_hdr_has(m, SIP_H_SUPPORTED, "timer");
	}
	if (m && e == OK && m->request) {
		if (m->nvia > SIP_VIA_MAX || addr_parse(STR("192.0.2.1:5060"), 0, &m->src) != OK)
			abort();
		answer(&a, m);
	}
	arena_close(&a);
	return 0;
}
