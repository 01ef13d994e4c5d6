#include "differ.h"

#include <string.h>

#include <sofia-sip/msg.h>
#include <sofia-sip/msg_header.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_util.h>
#include <sofia-sip/su_alloc.h>

static void z(char *to, size_t cap, const char *from)
{
	meaning_text(to, cap, from, from ? strlen(from) : 0);
}

static void headers(struct meaning *m, const sip_t *s)
{
	const msg_header_t *h = (const msg_header_t *)(s->sip_request ? (const void *)s->sip_request : (const void *)s->sip_status);

	for (; h; h = h->sh_succ) {
		const msg_hclass_t *c = h->sh_class;

		if (c->hc_hash == sip_unknown_hash && h->sh_unknown->un_name)
			(void)meaning_name(m, h->sh_unknown->un_name, strlen(h->sh_unknown->un_name));
		else if (c->hc_hash == sip_error_hash)
			(void)meaning_name(m, "(error)", 7);
		else if (c->hc_name && c->hc_name[0])
			(void)meaning_name(m, c->hc_name, strlen(c->hc_name));
	}
}

static void understood(struct meaning *m, const sip_t *s)
{
	char uri[2400] = "";

	if (s->sip_request) {
		z(m->method, sizeof m->method, s->sip_request->rq_method_name);
		if (url_e(uri, sizeof uri, s->sip_request->rq_url) < (issize_t)sizeof uri)
			z(m->uri, sizeof m->uri, uri);
	}
	m->status = s->sip_status ? (unsigned)s->sip_status->st_status : 0;
	z(m->call_id, sizeof m->call_id, s->sip_call_id ? s->sip_call_id->i_id : NULL);
	z(m->cseq_method, sizeof m->cseq_method, s->sip_cseq ? s->sip_cseq->cs_method_name : NULL);
	m->cseq = s->sip_cseq ? s->sip_cseq->cs_seq : 0;
	z(m->from_tag, sizeof m->from_tag, s->sip_from ? s->sip_from->a_tag : NULL);
	z(m->to_tag, sizeof m->to_tag, s->sip_to ? s->sip_to->a_tag : NULL);
	m->body = s->sip_payload ? s->sip_payload->pl_len : 0;
	m->body_hash = meaning_hash(s->sip_payload ? s->sip_payload->pl_data : "", m->body);
	headers(m, s);
}

void meaning_of_sofia(struct meaning *m, const char *p, size_t n)
{
	msg_t *msg = msg_make(sip_default_mclass(), MSG_DO_EXTRACT_COPY, p, (ssize_t)n);
	const sip_t *s = msg ? sip_object(msg) : NULL;

	memset(m, 0, sizeof *m);
	m->rejected = !s || (!s->sip_request && !s->sip_status) || s->sip_error || sip_sanity_check(s) < 0 ||
		      (s->sip_flags & (MSG_FLG_ERROR | MSG_FLG_TRUNC)) != 0;
	if (s && (s->sip_request || s->sip_status))
		understood(m, s);
	if (msg)
		msg_destroy(msg);
}
