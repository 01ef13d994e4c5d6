/* What a glance tells is what the parser tells, wherever that takes the message; and is fit to be sent back. */
#include <stdlib.h>

#include "sip/glance.h"

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n);

static void must(bool x)
{
	if (!x)
		abort();
}

static bool same(struct str a, struct str b)
{
	return !a.p == !b.p && (!a.p || str_eq(a, b));
}

static void clean(struct str s)
{
	must(s.n > 0);
	for (size_t i = 0; i < s.n; i++)
		must(s.p[i] >= ' ' && s.p[i] <= '~');
}

static void compare(const struct sip_glance *g, const struct sip_msg *m)
{
	const struct sip_hdr *h = NULL;
	unsigned i = 0;

	must(m->request && m->method == (g->ack ? SIP_ACK : SIP_INVITE));
	must(same(g->call_id, m->call_id) && g->cseq == m->cseq);
	must(same(g->from_tag, m->from_tag) && same(g->to_tag, m->to_tag));
	must(same(g->top.raw, m->via.raw) && same(g->top.branch, m->via.branch) && same(g->top.host, m->via.host));
	must(g->top.port == m->via.port && g->top.rport == m->via.rport);
	must(same(g->from, sip_hdr(m, SIP_H_FROM)) && same(g->to, sip_hdr(m, SIP_H_TO)));
	must(same(g->cseq_text, sip_hdr(m, SIP_H_CSEQ)));
	while ((h = sip_hdr_each(m, SIP_H_VIA, h)) != NULL)
		must(i < g->nvia && same(g->via[i++], h->value));
	must(i == g->nvia);
}

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n)
{
	struct str bytes = { (const char *)d, n };
	struct sip_glance g;
	struct sip_refuse r;
	struct sip_msg *m = NULL;
	struct arena a;

	if (n == 0 || !sip_glance(bytes, &g))
		return 0;
	for (unsigned i = 0; i < g.nvia; i++)
		clean(g.via[i]);
	clean(g.from);
	clean(g.to);
	clean(g.call_id);
	clean(g.cseq_text);
	arena_init(&a, SIP_TURN_MAX);
	if (sip_msg_parse(bytes, &a, &m, &r) == OK)
		compare(&g, m);
	arena_close(&a);
	return 0;
}
