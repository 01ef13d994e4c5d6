/*
 * Challenges (RFC 3261 22.2, 22.3): the client side's glue between transactions
 * and login.c. A request that was challenged is sent once more, at most twice,
 * under the next CSeq, where it went before.
 */
#include "sip/derive.h"
#include "sip/digest.h"
#include "sip/stack_int.h"

static struct login *login_of(const struct sip *s, const struct tx *t)
{
	return t->login ? s->login[t->login - 1] : NULL;
}

static void peer_of(struct sip *s, const struct tx *t, struct login_peer *p)
{
	const struct conn *c = conn_find(s, t->path.flow);

	*p = (struct login_peer){ .addr = t->path.peer, .tls = t->path.transport == SIP_TLS };
	if (c && !c->inbound)
		p->tls_name = str_of(c->tls_name);
}

uint32_t client_login_of(const struct sip *s, struct str host)
{
	for (uint32_t i = 0; i < s->nlogin; i++)
		if (login_has_host(s->login[i], host))
			return i + 1;
	return 0;
}

/* RFC 3261 13.2.2.4: those of the INVITE. But the ACK goes where the 200's Contact says, and that
 * may be somebody who must not see them. */
static void ack_credentials(struct sip *s, const struct tx *t, bool known, struct buf *b)
{
	const struct tx *invite = tx_get(s, t->user);

	if (known && invite && invite->last)
		derive_credentials(b, (struct str){ invite->last->p, invite->last->n });
}

void client_credentials(struct sip *s, const struct tx *t, struct str request, struct buf *b)
{
	struct login *l = login_of(s, t);
	struct login_peer p;
	struct str uri, rest;

	if (!l)
		return;
	peer_of(s, t, &p);
	if (t->ack_only) {
		ack_credentials(s, t, login_knows(l, &p), b);
		return;
	}
	(void)str_cut(request, ' ', &uri, &rest);	/* the method */
	(void)str_cut(rest, ' ', &uri, &rest);		/* a start line of ours has both */
	login_write(l, &p, sip_method_str((enum sip_method)t->method), uri, &s->loop->rng, b);
}

bool client_challenged(struct sip *s, struct tx *t, const struct sip_msg *m)
{
	struct login_peer p;

	if (m->status != 401 && m->status != 407)
		return false;
	s->unanswered = SIP_AUTH_MISSING;
	if (!login_of(s, t))
		return false;
	peer_of(s, t, &p);
	s->unanswered = login_challenged(login_of(s, t), &p, m, s->loop->now, &t->tries);
	return s->unanswered == SIP_AUTH_NONE;
}

void client_went(struct sip *s, const struct tx *t, struct sip_dest *d)
{
	const struct conn *c = conn_find(s, t->path.flow);
	struct buf b;

	*d = (struct sip_dest){ .listener = t->path.listener, .addr = t->path.peer, .port = t->path.peer.port,
				.flow = t->path.flow, .transport = (enum sip_transport)t->path.transport };
	buf_init(&b, d->host, sizeof d->host);
	addr_ip(&b, &d->addr);
	(void)buf_z(&b);	/* an address fits */
	if (c && c->tls_name)
		(void)str_copy(d->tls_name, sizeof d->tls_name, str_of(c->tls_name));	/* was one */
}

uint64_t client_again(struct sip *s, struct tx *t)
{
	struct sip_dest d;
	struct request_out o = { .method = (enum sip_method)t->method, .user = t->user,
				 .user_kind = (enum tx_user)t->user_kind, .dest = &d,
				 .login = t->login, .tries = t->tries };
	uint64_t id;
	struct tx *n;

	client_went(s, t, &d);
	id = client_send(s, &o);
	n = tx_get(s, id);
	if (n)
		client_take(n, t);
	return id;
}

/* A session or subscription that lives counts its requests itself. */
static uint32_t next_cseq(struct sip *s, const struct tx *t, struct str request)
{
	struct ses *x = t->user_kind == TX_USER_NONE ? ses_get(s, t->user) : NULL;
	struct sub *u = tx_of_sub(t) ? sub_get(s, t->user) : NULL;

	if (u)
		return sub_cseq(s, u);
	return x ? ++x->d.local_cseq : derive_cseq(request) + 1;
}

bool client_answer_challenge(struct sip *s, struct tx *t, const struct sip_msg *m)
{
	struct str request;

	if (t->method == SIP_INVITE || t->user_kind == TX_USER_UPDATE || !t->last ||
	    !client_challenged(s, t, m))
		return false;
	request = (struct str){ t->last->p, t->last->n };
	derive_again(sip_text(s), request, next_cseq(s, t, request), STR_NONE);
	return client_again(s, t) != 0;
}

/* The realm it asked for, as far as it can be read. */
static struct str asked_realm(const struct sip_msg *m)
{
	enum sip_hdr_id id = m && m->status == 407 ? SIP_H_PROXY_AUTHENTICATE
						   : SIP_H_WWW_AUTHENTICATE;
	struct digest_challenge c;

	if (!m || digest_parse_challenge(sip_hdr(m, id), &c) != OK)
		return STR("?");
	return c.realm;
}

struct reason sip_auth_reason(const struct sip_event *ev, struct str who)
{
	switch (ev->auth) {
	case SIP_AUTH_NONE: break;
	case SIP_AUTH_MISSING: return REASON(AUTH_MISSING, who, asked_realm(ev->msg));
	case SIP_AUTH_WRONG: return REASON(AUTH_WRONG, who, asked_realm(ev->msg));
	case SIP_AUTH_REALM: return REASON(AUTH_REALM, who, asked_realm(ev->msg));
	case SIP_AUTH_ELSEWHERE: return REASON(AUTH_ELSEWHERE, who);
	case SIP_AUTH_UNKNOWN: return REASON(AUTH_UNKNOWN, who);
	}
	return REASON(NONE);
}
