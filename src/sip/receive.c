/*
 * One message from the transport: parsed into the turn's arena, marked with
 * where it came from, handed to the server or client side, or refused.
 */
#include "sip/stack_int.h"

static void refuse(struct sip *s, struct sip_msg *m, const struct sip_refuse *r)
{
	if (m && m->request)
		gate_strike(s, (enum source_verdict)m->heard, &m->src);
	if (!m || !m->request || !r->status || !m->via.raw.p) {
		s->n.dropped++;
		return;
	}
	sip_tap_in(s, 0, m);
	uas_refuse(s, m, &(struct server_answer){ .status = r->status, .phrase = r->phrase });
}

static enum err parse(struct sip *s, struct str bytes, const struct path *from,
		      struct sip_msg **out, struct sip_refuse *r)
{
	struct str copy = str_dup(&s->turn, bytes);
	struct sip_msg *m = NULL;
	enum err e;

	s->n.received++;
	if (!copy.p)
		return ERR_LIMIT;
	e = sip_msg_parse(copy, &s->turn, &m, r);
	if (!m)
		return e;
	m->transport = (enum sip_transport)from->transport;
	m->src = from->peer;
	m->dst = from->local;
	m->listener = from->listener;
	m->flow = from->flow;
	m->heard = from->heard;
	*out = m;
	return e;
}

void receive(struct sip *s, struct str bytes, const struct path *from)
{
	struct sip_refuse r = { 0, NULL };
	struct sip_msg *m = NULL;

	if (relief_glances(s, bytes, from))
		return;
	if (parse(s, bytes, from, &m, &r) != OK || !m)
		refuse(s, m, &r);
	else if (m->request)
		uas_request(s, m);
	else
		client_response(s, m);
}

void receive_bad(struct sip *s, struct str head, const struct path *from,
		 const struct sip_refuse *why)
{
	struct sip_refuse r = { 0, NULL };
	struct sip_msg *m = NULL;

	(void)parse(s, head, from, &m, &r);	/* whatever it is, the frame's verdict counts */
	refuse(s, m, why);
}
