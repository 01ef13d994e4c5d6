#include "differ.h"

#include <string.h>
#include <sys/types.h>

#define HAVE_STDBOOL_H 1	/* else re_types.h makes a bool of its own */
#include <re/re.h>

static void text(char *to, size_t cap, const struct pl *p)
{
	meaning_text(to, cap, p->p, p->l);
}

static void understood(struct meaning *m, const struct sip_msg *s)
{
	uint32_t n = pl_u32(&s->clen);
	size_t left = mbuf_get_left(s->mb);

	text(m->method, sizeof m->method, &s->met);
	text(m->uri, sizeof m->uri, &s->ruri);
	m->status = s->scode;
	text(m->call_id, sizeof m->call_id, &s->callid);
	text(m->cseq_method, sizeof m->cseq_method, &s->cseq.met);
	m->cseq = s->cseq.num;
	text(m->from_tag, sizeof m->from_tag, &s->from.tag);
	text(m->to_tag, sizeof m->to_tag, &s->to.tag);
	m->body = pl_isset(&s->clen) && n < left ? n : left;
	m->body_hash = meaning_hash(mbuf_buf(s->mb), m->body);
	for (const struct le *le = list_head(&s->hdrl); le; le = le->next) {
		const struct sip_hdr *h = le->data;

		(void)meaning_name(m, h->name.p, h->name.l);
	}
}

void meaning_of_libre(struct meaning *m, const char *p, size_t n)
{
	struct mbuf *mb = mbuf_alloc(n + 1);
	struct sip_msg *s = NULL;

	memset(m, 0, sizeof *m);
	m->rejected = true;
	if (!mb)
		return;
	(void)mbuf_write_mem(mb, (const uint8_t *)p, n);
	mb->pos = 0;
	if (!sip_msg_decode(&s, mb)) {
		m->rejected = false;
		understood(m, s);
	}
	mem_deref(s);
	mem_deref(mb);
}
