/*
 * What sessions write: requests in the dialog and where they go, answers, and
 * the ACK and BYE of a 200 that nobody waits for. RFC 3261 12.2.1.1, 13.2.2.4.
 */
#include "sip/stack_int.h"

#include <string.h>


/* --- where to --- */

/* A listener of the same zone and family that can speak `t`; the one given otherwise. */
static uint32_t sibling(const struct sip *s, uint32_t listener, enum sip_transport t)
{
	const struct lsn *l = s->lsn[listener];

	if (l->cfg.transport == t || (l->cfg.transport == SIP_UDP && t == SIP_TCP))
		return listener;
	for (uint32_t i = 0; i < s->nlsn; i++) {
		const struct lsn *o = s->lsn[i];

		if (o->cfg.zone == l->cfg.zone && o->cfg.transport == t &&
		    o->bound.family == l->bound.family)
			return i;
	}
	return listener;
}

static enum sip_transport uri_transport(const struct sip_uri *u, enum sip_transport dflt)
{
	struct str t = sip_param(u->params, "transport");

	if (u->scheme == SIP_SCHEME_SIPS || str_iis(t, "tls"))
		return SIP_TLS;
	if (str_iis(t, "tcp"))
		return dflt == SIP_TLS ? SIP_TLS : SIP_TCP;
	return str_iis(t, "udp") ? SIP_UDP : dflt;
}

static void dest_uri(struct sip *s, struct sip_dest *d, const struct sip_uri *u,
		     enum sip_transport base)
{
	enum sip_transport t = uri_transport(u, base);
	uint32_t l = sibling(s, d->listener, t);
	const struct sip_listener *c = &s->lsn[l]->cfg;

	if (u->scheme == SIP_SCHEME_SIPS && c->transport != SIP_TLS) {	/* RFC 3261 26.2.2: never in clear */
		d->host[0] = '\0';
		return;
	}
	if (c->transport != t && !(c->transport == SIP_UDP && t == SIP_TCP))
		t = base;	/* the zone does not speak it */
	d->listener = l;
	d->transport = t;
	d->port = u->port;
	d->choose = !u->port && !sip_param(u->params, "transport").p;
	(void)str_copy(d->host, sizeof d->host, u->host);	/* too long: "", fails as local */
}

static bool is_elsewhere(const struct way *w, const struct sip_uri *u)
{
	struct addr a;

	return addr_parse_ip(u->host, &a) == OK && !addr_same_ip(&a, &w->peer);
}

/* A stream to the phone that stands: that of the dialog, or of its newer registration. */
static net_id stream_of(struct sip *s, const struct way *w, const struct sip_uri *u)
{
	struct sip_seek k = { .contact = u, .source = &w->peer, .listener = w->listener,
			      .transport = (enum sip_transport)w->transport };

	if (conn_find(s, w->flow))
		return w->flow;
	return s->cfg.registered ? s->cfg.registered(s->cfg.registered_ctx, &k) : 0;
}

/* Behind address translation a Contact says nothing: a phone is reached where it was heard. The port that a
 * stream came from takes none, so without a stream the Contact is all there is (RFC 3261 18.1.1), if the phone
 * was heard at its address; else the flow has failed (RFC 5626 5.3). */
static void dest_phone(struct sip *s, const struct way *w, const struct sip_uri *u, struct sip_dest *d)
{
	bool elsewhere = is_elsewhere(w, u), udp = w->transport == SIP_UDP;

	if (s->lsn[w->listener]->cfg.zone != SIP_ZONE_PHONES || w->peer.family == ADDR_NONE || (udp && !elsewhere))
		return;
	d->flow = udp ? w->flow : stream_of(s, w, u);
	if (udp || d->flow) {
		d->listener = w->listener;
		d->transport = (enum sip_transport)w->transport;
	}
	if (udp)
		d->addr = w->peer;
	else if (elsewhere)
		d->host[0] = 0;		/* fails as local */
}

enum { DEST_FIXED = offsetof(struct sip_dest, host) };

char *dest_keep(const struct sip_dest *d)
{
	size_t host = strlen(d->host) + 1, name = strlen(d->tls_name) + 1;
	char *kept = mem_new(DEST_FIXED + host + name);

	memcpy(kept, d, DEST_FIXED);
	memcpy(kept + DEST_FIXED, d->host, host);
	memcpy(kept + DEST_FIXED + host, d->tls_name, name);
	return kept;
}

void dest_kept(const char *kept, struct sip_dest *d)
{
	const char *host = kept + DEST_FIXED;

	*d = (struct sip_dest){ .listener = 0 };
	memcpy(d, kept, DEST_FIXED);
	(void)str_copy(d->host, sizeof d->host, str_of(host));
	(void)str_copy(d->tls_name, sizeof d->tls_name, str_of(host + strlen(host) + 1));
}

void way_first(struct way *w, const char *kept)
{
	if (kept)
		dest_kept(kept, &w->kept);
	w->dest = kept ? &w->kept : NULL;
}

void way_dest(struct sip *s, const struct way *w, struct sip_dest *d)
{
	enum sip_transport base = (enum sip_transport)w->transport;
	struct sip_uri u;
	bool route = false;

	*d = (struct sip_dest){ .listener = w->listener, .transport = base };
	if (dialog_next_hop(w->d, &u, &route) != OK || (!route && w->dest && w->never_dial_contact)) {
		if (w->dest)
			*d = *w->dest;
		return;
	}
	dest_uri(s, d, &u, base);
	if (!route)
		dest_phone(s, w, &u, d);
	if (w->dest && str_ieq(str_of(d->host), str_of(w->dest->host))) {
		memcpy(d->tls_name, w->dest->tls_name, sizeof d->tls_name);
		if (!route && d->port == w->dest->port)
			d->addr = w->dest->addr;
	}
}

void ses_dest(struct sip *s, const struct ses *x, struct sip_dest *d)
{
	ses_dest_of(s, x, &x->d, d);
}

void ses_dest_of(struct sip *s, const struct ses *x, const struct dialog *dlg, struct sip_dest *d)
{
	struct way w = { .d = dlg, .peer = x->peer, .flow = x->flow,
			 .never_dial_contact = x->opts && x->opts->never_dial_contact,
			 .listener = x->listener, .transport = x->transport };

	way_first(&w, x->dest);
	way_dest(s, &w, d);
}

/* --- requests --- */

static void contact_of(const struct ses *x, struct contact *c)
{
	*c = (struct contact){ .listener = x->listener, .user = str_of(x->contact_user),
			       .opts = x->opts, .local = &x->local };
}

void ses_begin(struct sip *s, struct ses *x, enum sip_method m, uint32_t cseq)
{
	dialog_write(&x->d, sip_text(s), m, cseq, SIP_MAX_FORWARDS);
	sid_write(&s->text, x);
}

uint64_t ses_send(struct sip *s, struct ses *x, enum sip_method m, enum tx_user kind)
{
	struct sip_dest d;
	struct request_out o = { .method = m, .user_kind = kind, .user = x->id, .dest = &d };

	ses_dest(s, x, &d);
	o.login = x->opts ? x->opts->login : 0;
	return client_send(s, &o);
}

/* Behind the head: what an INVITE or re-INVITE says, and its body. */
void ses_write_invite(struct sip *s, struct ses *x, const struct ses_arg *a)
{
	struct buf *b = &s->text;
	struct contact c;

	contact_of(x, &c);
	sip_write_contact(s, b, &c);
	sip_write_allow(b, x->opts);
	se_write_request(b, x, x->state == SES_CALLING);
	sip_write_agent(s, b, x->opts);
	sip_write_xhdr(b, a->x, a->nx);
	sip_write_body(b, a->body);
}

/* The fork that answered; NULL: it came after as many as we keep. */
static struct early *answerer(const struct ses *x)
{
	int i = ses_early_known(x, str_of(x->d.remote_tag));

	return i < 0 ? NULL : &x->early[i];
}

/* RFC 3261 13.2.2.4: each ACK of a 200 says the same, and the owner gives its answer once. */
static void ack_end(struct sip *s, struct early *e, const struct sip_body *body)
{
	struct buf *b = &s->text;
	size_t at = b->n;

	if (e && e->ack) {
		buf_put(b, (struct str){ e->ack->p, e->ack->n });
		return;
	}
	sip_write_body(b, body);
	if (e && body && body->bytes.n && buf_ok(b))
		e->ack = wire_new(str_sub(buf_str(b), at, b->n - at));
}

void ses_ack_left(struct sip *s, const struct tx *invite)
{
	struct ses *x = ses_get(s, invite->user);
	struct early *e = x && x->invite == invite->id ? answerer(x) : NULL;

	if (!e)
		return;
	mem_free(e->ack);
	e->ack = NULL;
}

void ses_send_ack(struct sip *s, struct ses *x, uint64_t invite, uint32_t cseq,
		  const struct sip_body *body)
{
	struct sip_dest d;
	const struct tx *t = tx_get(s, invite);
	struct request_out o = { .method = SIP_ACK, .user = invite, .dest = &d, .ack = true,
				 .login = t ? t->login : 0 };

	ses_begin(s, x, SIP_ACK, cseq);
	ack_end(s, invite == x->invite ? answerer(x) : NULL, body);
	ses_dest(s, x, &d);
	(void)client_send(s, &o);	/* not sent: the 200 is repeated, and so will this be */
}

void ses_send_bye(struct sip *s, struct ses *x, const struct ses_arg *a)
{
	se_stop(x);
	ses_begin(s, x, SIP_BYE, ++x->d.local_cseq);
	sip_write_agent(s, &s->text, x->opts);
	if (a->nx)
		sip_write_xhdr(&s->text, a->x, a->nx);
	else
		buf_put(&s->text, str_of(x->extra));
	sip_write_body(&s->text, NULL);
	(void)ses_send(s, x, SIP_BYE, TX_USER_NONE);	/* the session is over either way */
}

char *ses_render(struct sip *s, const struct sip_xhdr *h, int n)
{
	struct buf *b = &s->wired;

	buf_reset(b);
	sip_write_xhdr(b, h, n);
	if (!n || !buf_ok(b) || b->n > SIP_EXTRA_MAX)
		return NULL;
	return mem_dup(b->p, b->n);
}

/* --- answers --- */

void ses_begin_answer(struct sip *s, struct ses *x, struct tx *t, const struct ses_arg *a)
{
	struct buf *b = uas_begin(s, t, a->status, a->phrase);
	struct contact c;

	contact_of(x, &c);
	sip_write_contact(s, b, &c);
	/* Before the answer too: what may be sent in the early dialog. */
	if (a->status / 100 == 2 || (x->opts && x->opts->update))
		sip_write_allow(b, x->opts);
	if (a->status / 100 == 2 && (t->method == SIP_INVITE || x->state == SES_UP))
		se_write_answer(b, x);
	sip_write_xhdr(b, a->x, a->nx);
}

/* --- a 200 without a session, or of another fork --- */

/* As the session would send it; of one that is gone, the transaction has what is needed. */
static void stray_dest(struct sip *s, const struct dialog *d, const struct tx *t, const struct sip_msg *m,
		       struct sip_dest *dest)
{
	const struct ses *x = ses_get(s, t->user);
	struct way w = { .d = d, .peer = m->src, .flow = m->transport == SIP_UDP ? 0 : m->flow,
			 .never_dial_contact = x ? x->opts && x->opts->never_dial_contact : t->stays,
			 .listener = t->path.listener, .transport = x ? x->transport : t->path.transport };

	way_first(&w, x ? x->dest : NULL);
	if (!x && t->stays) {
		client_went(s, t, &w.kept);
		w.dest = &w.kept;
	}
	way_dest(s, &w, dest);
}

void ses_stray(struct sip *s, const struct tx *t, const struct sip_msg *m, struct str extra,
	       bool bye)
{
	struct dialog d;
	struct sip_dest dest;
	struct request_out o = { .method = SIP_ACK, .user_kind = TX_USER_NONE, .dest = &dest, .ack = true };
	uint8_t login = t->login;	/* the ACK may free t */

	dialog_init_2xx(&d, m);
	stray_dest(s, &d, t, m, &dest);
	dialog_write(&d, sip_text(s), SIP_ACK, m->cseq, 70);
	sip_write_body(&s->text, NULL);
	(void)client_send(s, &o);	/* it is repeated with the 200 */
	if (bye) {
		o = (struct request_out){ .method = SIP_BYE, .user_kind = TX_USER_NONE, .dest = &dest, .login = login };
		dialog_write(&d, sip_text(s), SIP_BYE, m->cseq + 1, 70);
		buf_put(&s->text, extra);
		sip_write_body(&s->text, NULL);
		(void)client_send(s, &o);	/* likewise */
	}
	dialog_close(&d);
}
