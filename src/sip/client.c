/*
 * Client transactions: where a request goes, address by address (RFC 3263 4.3),
 * and what came back. RFC 3261 8.1.3, 17.1, 18.1.
 */
#include <string.h>

#include "sip/derive.h"
#include "sip/stack_int.h"

enum { BRANCH_RANDOM = 8, VIA_ROOM = 100, LOGIN_ROOM = 500, MOVES_MAX = 8,
       PLAIN_TARGETS = 4 };

/* Our mark, what the call was made of (RFC 5393 4.2), and chance. */
static void new_branch(struct sip *s, const struct tx *t, char out[40])
{
	const struct ses *x = t->user_kind == TX_USER_INVITE ? ses_get(s, t->user) : NULL;
	uint32_t v = x ? x->loop : 0;
	const uint8_t loop[] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8),
				 (uint8_t)v };
	struct buf b;
	char r[BRANCH_RANDOM * 2 + 1];

	rng_hex(&s->loop->rng, r, BRANCH_RANDOM);
	buf_init(&b, out, 40);
	buf_lit(&b, "z9hG4bK");
	buf_lit(&b, s->cookie);
	buf_hex(&b, &loop, sizeof loop);
	buf_lit(&b, r);
	(void)buf_z(&b);	/* fits */
}

/* Via in place for the path: new transaction, new branch. false: too long. */
static bool compose(struct sip *s, struct tx *t, struct str request)
{
	char branch[40];
	struct str line, rest;

	new_branch(s, t, branch);
	derive_split(request, t->via, &line, &rest);
	buf_reset(&s->wired);
	buf_put(&s->wired, line);
	transport_via(s, &s->wired, &t->path, str_of(branch));
	client_credentials(s, t, request, &s->wired);
	buf_put(&s->wired, rest);
	if (!buf_ok(&s->wired) || !rest.n)
		return false;
	t->via = true;
	tx_keep(t, buf_str(&s->wired));
	if (!t->ack_only)
		tx_link(s, t, sip_key(s, str_of(branch), STR_NONE, t->method));
	return true;
}

/* --- failing --- */

static void lost(struct sip *s, struct tx *t, enum sip_fail why)
{
	struct sip_event *e;

	switch ((enum tx_user)t->user_kind) {
	case TX_USER_INVITE:
	case TX_USER_REINVITE:
	case TX_USER_UPDATE:
		ses_lost(s, t, why);
		break;
	case TX_USER_PLAIN:
		e = sip_queue(s, SIP_EV_RESPONSE);
		e->owner = t->user;
		e->tsx = t->id;
		e->fail = why;
		e->peer = t->path.peer;
		e->flow = t->path.flow;
		e->stream = s->closing;
		break;
	case TX_USER_SUBSCRIBE:
	case TX_USER_NOTIFY:
		sub_lost(s, t, why);
		break;
	case TX_USER_NONE:
	case TX_USER_INDIALOG:
		break;
	}
}

static void fail(struct sip *s, struct tx *t, enum sip_fail why)
{
	lost(s, t, why);
	tx_free(s, t);
}

/* --- going --- */

static void ack_is_out(struct sip *s, struct tx *t)
{
	struct tx *invite = tx_get(s, t->user);
	struct conn *c = conn_find(s, t->path.flow);

	if (invite && !invite->server && invite->m.kind == TSX_ICT) {
		mem_free(invite->last);		/* repeated at each repeated 200 */
		invite->last = t->last;
		invite->path = t->path;
		invite->acked = true;
		ses_ack_left(s, invite);
		list_remove(&invite->u.on_conn);
		if (c)
			list_append(&c->users, &invite->u.on_conn);
		t->last = NULL;
	}
	tx_free(s, t);
}

static void start(struct sip *s, struct tx *t)
{
	struct timers *w = &s->loop->timers;
	enum tsx_kind k = (enum tsx_kind)t->m.kind;

	tsx_stop(&t->m, w);
	tx_machine(t, k, t->path.transport != SIP_UDP);
	(void)tsx_step(&t->m, w, TSX_START);	/* DO_SEND: sent by the caller */
	if (t->more.client && t->more.client->give_up != MS_NEVER)
		tsx_limit(&t->m, w, t->more.client->give_up);
}

static struct str last_of(const struct tx *t)
{
	return (struct str){ t->last->p, t->last->n };
}

/* Sends by the path set in t. `request` may be t->last or the turn's text. */
static void go(struct sip *s, struct tx *t, struct str request, struct conn *c)
{
	if (!compose(s, t, request)) {
		fail(s, t, SIP_FAIL_LOCAL);
		return;
	}
	list_remove(&t->u.on_conn);
	if (c)
		list_append(&c->users, &t->u.on_conn);
	if (!t->ack_only)
		start(s, t);
	if (c && !c->open)
		return;		/* client_open() */
	(void)tx_resend(s, t);	/* a stream that is gone reports by itself */
	if (t->ack_only)
		ack_is_out(s, t);
}

static void try_addr(struct sip *s, struct tx *t, struct str request, const struct addr *to)
{
	struct client *k = t->more.client;
	struct conn *c = NULL;
	bool fresh;

	if (k->udp_next && transport_no_tcp(s, to)) {
		k->udp_next = false;
		k->loc.transport = SIP_UDP;
	}
	if (t->login)
		login_met(s->login[t->login - 1], str_of(k->host), to);
	t->path.peer = *to;
	t->path.transport = (uint8_t)k->loc.transport;
	t->path.flow = 0;
	if (k->loc.transport != SIP_UDP) {
		c = conn_to(s, &(struct conn_ask){ .listener = t->path.listener, .peer = to,
			    .transport = k->loc.transport, .tls_name = str_of(k->tls_name),
			    .timeout = k->udp_next ? SIP_SIZE_CONNECT_MS : SIP_CONNECT_MS,
			    .alone = k->alone },
			    &fresh);
		t->fresh = fresh;
		if (!c) {
			fail(s, t, SIP_FAIL_LOCAL);
			return;
		}
		t->path.flow = c->stream;
		t->path.local = c->local;
	}
	go(s, t, request, c);
}

static void ask(struct sip *s, struct tx *t)
{
	char name[DNS_NAME_MAX + 1];
	const struct locate *l = &t->more.client->loc;

	locate_name(l, name);
	t->waiting = true;
	dns_query(s->dns, str_of(name), locate_type(l), client_dns, s, t->id);
}

static bool is_v6(const struct sip *s, uint32_t listener)
{
	return s->lsn[listener]->bound.family == ADDR_V6;
}

static void want(struct sip *s, struct tx *t, enum locate_want w, const struct addr *to,
		 enum sip_fail why)
{
	switch (w) {
	case LOCATE_ADDR:
		try_addr(s, t, last_of(t), to);
		break;
	case LOCATE_ASK:
		ask(s, t);
		break;
	case LOCATE_FAILED:
		fail(s, t, why);
		break;
	}
}

/* RFC 3261 18.1.1: who does not speak TCP gets by UDP what is too long for it. */
static enum locate_want by_udp(struct sip *s, struct tx *t, struct addr *to)
{
	struct client *k = t->more.client;

	k->udp_next = false;
	if (k->loc.stage == LOCATE_LITERAL) {
		locate_fixed(&k->loc, SIP_UDP, to);
		return locate_next(&k->loc, to);
	}
	locate_close(&k->loc);
	return locate_start(&k->loc, &(struct locate_ask){ .host = str_of(k->host), .port = k->port,
			    .transport = SIP_UDP, .may = k->port ? 0 : 1u << SIP_UDP,
			    .v6 = is_v6(s, t->path.listener) }, to);
}

/* The address failed before anything was heard: the next one, or what there is after. */
static void retry(struct sip *s, struct tx *t, enum sip_fail why)
{
	struct client *k = t->more.client;
	struct addr to = t->path.peer;
	enum locate_want w;

	if (!t->fresh && why == SIP_FAIL_CLOSED) {	/* the reused stream was dead */
		t->fresh = true;
		try_addr(s, t, last_of(t), &to);
		return;
	}
	if (k->udp_next)
		transport_note_no_tcp(s, &to);
	w = locate_next(&k->loc, &to);
	if (w == LOCATE_FAILED && k->udp_next)
		w = by_udp(s, t, &to);
	want(s, t, w, &to, why);
}

void client_dns(void *ctx, uint64_t token, const struct dns_result *r)
{
	struct sip *s = ctx;
	struct tx *t = tx_get(s, token);
	struct addr to;
	enum locate_want w;
	enum sip_fail why;

	if (!t || !t->waiting)
		return;
	t->waiting = false;
	w = locate_answer(&t->more.client->loc, &s->loop->rng, r, &to);
	if (w == LOCATE_FAILED && t->more.client->udp_next)	/* its domain offers UDP alone */
		w = by_udp(s, t, &to);
	if (t->more.client->why != SIP_FAIL_NONE)
		why = (enum sip_fail)t->more.client->why;
	else
		why = t->more.client->loc.answered ? SIP_FAIL_UNREACHABLE : SIP_FAIL_DNS;
	want(s, t, w, &to, why);
}

/* --- the next target, RFC 3263 4.3 --- */

static void forget_targets(struct tx *t)
{
	if (t->more.client)
		locate_close(&t->more.client->loc);
	mem_free(t->more.client);
	t->more.client = NULL;
}

void client_take(struct tx *n, struct tx *t)
{
	struct client *k = t->more.client;

	if (!k)
		return;
	forget_targets(n);
	n->more.client = k;
	t->more.client = NULL;
	k->heard = false;
	k->give_up = k->timeout ? n->s->loop->now + k->timeout : MS_NEVER;
}

/* A request in a dialog stays with who has the dialog: the 481 of another would end it. */
static bool may_go_on(struct sip *s, const struct tx *t)
{
	const struct ses *x;

	if (!t->more.client || t->waiting || !locate_more(&t->more.client->loc))
		return false;
	x = t->user_kind == TX_USER_INVITE ? ses_get(s, t->user) : NULL;
	return t->user_kind == TX_USER_PLAIN || (x && x->invite == t->id && ses_may_repeat(x));
}

/* The same request as a new transaction. NULL: there is no place for it. */
static struct tx *heir(struct sip *s, struct tx *t, struct str request)
{
	struct path p = { .listener = t->path.listener, .transport = t->path.transport };
	struct tx *n = tx_new(s, (enum tsx_kind)t->m.kind, &p);

	if (!n)
		return NULL;
	n->method = t->method;
	n->user = t->user;
	n->user_kind = t->user_kind;
	n->login = t->login;
	n->via = true;
	tx_keep(n, request);
	client_take(n, t);
	return n;
}

static void go_on(struct sip *s, struct tx *n, enum sip_fail why)
{
	struct ses *x = n->user_kind == TX_USER_INVITE ? ses_get(s, n->user) : NULL;
	struct ses_arg a = { .t = n };
	struct addr to;
	enum locate_want w = locate_next(&n->more.client->loc, &to);

	n->more.client->why = (uint8_t)why;
	if (x)
		(void)ses_step(s, x, SES_NEXT, &a);	/* no command */
	want(s, n, w, &to, why);
}

/* It may still be answered: nothing can be cancelled yet (RFC 3261 9.1). */
static void leave(struct sip *s, struct tx *t)
{
	if (t->method == SIP_INVITE && !client_unsent(s, t) && ses_left(s, t))
		tsx_listen(&t->m, &s->loop->timers);
	else
		tx_free(s, t);
}

bool client_silent(struct sip *s, struct tx *t)
{
	struct tx *n;

	if (!may_go_on(s, t) || t->more.client->heard)
		return false;
	if (t->more.client->timeout && ++t->more.client->silent == PLAIN_TARGETS)
		return false;	/* who asked has waited long enough */
	n = heir(s, t, last_of(t));
	if (!n)
		return false;
	leave(s, t);
	go_on(s, n, SIP_FAIL_TIMEOUT);
	return true;
}

/* 503: the next target is asked. If its name is not known, that is what failed. */
static bool busy(struct sip *s, struct tx *t, const struct sip_msg *m)
{
	struct tx *n;

	if (m->status != 503 || !t->last || !may_go_on(s, t))
		return false;
	n = heir(s, t, s->failed.n ? s->failed : last_of(t));
	if (!n)
		return false;
	go_on(s, n, SIP_FAIL_DNS);
	return true;
}

static void client_new(struct tx *t, const struct request_out *o, enum sip_transport tr)
{
	struct client *k = mem_new(sizeof *k);
	struct str name = str_of(o->dest->tls_name[0] ? o->dest->tls_name : o->dest->host);

	k->timeout = (uint32_t)o->timeout;
	k->give_up = o->timeout ? t->s->loop->now + o->timeout : MS_NEVER;
	k->port = o->dest->port;
	k->loc.transport = tr;
	k->alone = o->dest->alone;
	k->udp_next = tr != o->dest->transport;
	(void)str_copy(k->host, sizeof k->host, str_of(o->dest->host));	/* same size */
	if (tr == SIP_TLS)
		(void)str_copy(k->tls_name, sizeof k->tls_name, name);	/* same size */
	t->more.client = k;
}

/* What NAPTR may choose from: what the listener can speak, and never less than TLS. */
static unsigned choices(const struct sip *s, const struct sip_dest *d, enum sip_transport tr)
{
	if (!d->choose || d->port)
		return 0;
	if (s->lsn[d->listener]->cfg.transport == SIP_UDP && tr == SIP_UDP)
		return 1u << SIP_UDP | 1u << SIP_TCP;
	return 1u << tr;
}

static void first(struct sip *s, struct tx *t, const struct request_out *o, enum sip_transport tr)
{
	const struct sip_dest *d = o->dest;
	struct client *k;
	struct addr to = d->addr;

	client_new(t, o, tr);
	k = t->more.client;
	if (d->addr.family != ADDR_NONE) {
		if (to.port == 0)
			to.port = d->port ? d->port : sip_default_port(tr);
		locate_fixed(&k->loc, tr, &to);
		k->loc.i = 1;
		try_addr(s, t, buf_str(&s->text), &to);
		return;
	}
	switch (locate_start(&k->loc, &(struct locate_ask){ .host = str_of(d->host), .port = d->port,
			     .transport = tr, .may = choices(s, d, tr),
			     .v6 = is_v6(s, d->listener) }, &to)) {
	case LOCATE_ADDR:
		try_addr(s, t, buf_str(&s->text), &to);
		break;
	case LOCATE_ASK:
		tx_keep(t, buf_str(&s->text));
		ask(s, t);
		break;
	case LOCATE_FAILED:
		fail(s, t, SIP_FAIL_LOCAL);
		break;
	}
}

uint64_t client_send(struct sip *s, const struct request_out *o)
{
	struct path p = { .listener = (uint16_t)o->dest->listener,
			  .transport = (uint8_t)o->dest->transport };
	struct conn *c = conn_find(s, o->dest->flow);
	enum sip_transport tr = o->dest->transport;
	struct tx *t;
	uint64_t id;

	if (!buf_ok(&s->text) || o->dest->listener >= s->nlsn)
		return 0;
	t = tx_new(s, o->method == SIP_INVITE ? TSX_ICT : TSX_NICT, &p);
	if (!t)
		return 0;
	id = t->id;
	t->method = (uint8_t)o->method;
	t->user = o->user;
	t->user_kind = (uint8_t)o->user_kind;
	t->ack_only = o->ack;
	t->login = o->login <= s->nlogin ? (uint8_t)o->login : 0;
	t->tries = o->tries;
	if (c) {
		client_new(t, o, tr);
		t->more.client->loc.stage = LOCATE_LITERAL;
		t->path.flow = c->stream;
		t->path.peer = c->peer;
		t->path.local = c->local;
		t->path.transport = c->transport;
		t->fresh = true;
		go(s, t, buf_str(&s->text), c);
		return id;
	}
	if (tr == SIP_UDP && s->text.n + (t->login ? LOGIN_ROOM : VIA_ROOM) > SIP_UDP_MAX)
		tr = SIP_TCP;
	first(s, t, o, tr);
	return id;
}

/* The stream of our INVITE; where it broke while it rang, a new one to the same address. A phone's is the phone's
 * to open. */
static struct conn *conn_again(struct sip *s, struct tx *invite)
{
	struct conn *c = conn_find(s, invite->path.flow);
	const struct ses *x = ses_get(s, invite->user);
	enum sip_transport tr = (enum sip_transport)invite->path.transport;
	struct sip_dest d;
	bool fresh;

	if (c || tr == SIP_UDP || !x || !x->dest)
		return c;
	dest_kept(x->dest, &d);
	if (d.flow)
		return NULL;
	c = conn_to(s, &(struct conn_ask){ .listener = invite->path.listener, .peer = &invite->path.peer,
		    .transport = tr, .timeout = SIP_CONNECT_MS, .alone = d.alone,
		    .tls_name = tr != SIP_TLS ? STR_NONE : str_of(d.tls_name[0] ? d.tls_name : d.host) },
		    &fresh);
	if (c) {
		invite->path.flow = c->stream;
		invite->path.local = c->local;
	}
	return c;
}

void client_cancel(struct sip *s, struct tx *invite, struct str extra)
{
	struct tx *t;
	struct str bytes = last_of(invite), branch;
	struct conn *c = conn_again(s, invite);

	t = tx_new(s, TSX_NICT, &invite->path);
	if (!t)
		return;		/* the INVITE's own limits end it */
	t->method = SIP_CANCEL;
	t->user_kind = TX_USER_NONE;
	t->via = true;
	buf_reset(&s->wired);
	derive_request(&s->wired, bytes, SIP_CANCEL, STR_NONE, extra);
	if (!buf_ok(&s->wired)) {
		tx_free(s, t);
		return;
	}
	tx_keep(t, buf_str(&s->wired));
	branch = derive_branch(last_of(t));
	tx_link(s, t, sip_key(s, branch, STR_NONE, SIP_CANCEL));
	t->user = invite->user;
	if (c)
		list_append(&c->users, &t->u.on_conn);
	start(s, t);
	if (!c || c->open)	/* or client_open() */
		(void)tx_resend(s, t);	/* a stream that is gone: the INVITE's limits end it */
}

/* --- coming back --- */

/* What a broken stream may have swallowed: an answer to our re-INVITE, or our ACK. Said again with
 * the same branch it is a retransmission (RFC 3261 17.2.1, 13.3.1.4), whatever it comes on. The
 * first INVITE is not: another machine behind that address would ring once more. */
static bool may_move(const struct tx *t)
{
	return t->m.kind == TSX_ICT &&
	       (((t->m.state == TSX_TRYING || t->m.state == TSX_PROCEEDING) && t->user_kind == TX_USER_REINVITE) ||
		(t->m.state == TSX_ACCEPTED && t->acked));
}

bool client_moves(struct sip *s, struct tx *t, struct str tls_name)
{
	struct conn *c;
	bool fresh;

	if (!may_move(t) || t->moves == MOVES_MAX)
		return false;
	c = conn_to(s, &(struct conn_ask){ .listener = t->path.listener, .peer = &t->path.peer,
		    .transport = (enum sip_transport)t->path.transport, .tls_name = tls_name,
		    .timeout = SIP_CONNECT_MS }, &fresh);
	if (!c)
		return false;
	t->moves++;
	t->path.flow = c->stream;
	t->path.local = c->local;
	list_append(&c->users, &t->u.on_conn);
	if (c->open)
		(void)tx_resend(s, t);	/* a stream that is gone reports by itself */
	return true;
}

/* After these another target may still be asked: at once, or when a password was shown. */
static bool may_lead_on(unsigned status)
{
	return status == 100 || status == 401 || status == 407 || status == 503;
}

static void heard(struct tx *t, unsigned status)
{
	if ((t->m.kind == TSX_ICT && !may_move(t)) || t->m.state == TSX_COMPLETED)
		list_remove(&t->u.on_conn);
	if (t->more.client && may_lead_on(status) && locate_more(&t->more.client->loc))
		t->more.client->heard = true;
	else
		forget_targets(t);
}

static void ack_final(struct sip *s, struct tx *t, const struct sip_msg *m)
{
	buf_reset(&s->wired);
	derive_request(&s->wired, last_of(t), SIP_ACK, sip_hdr(m, SIP_H_TO), STR_NONE);
	if (!buf_ok(&s->wired))
		return;
	tx_keep(t, buf_str(&s->wired));
	(void)tx_resend(s, t);	/* lost with its stream: the peer repeats, or not */
}

static void plain_answer(struct sip *s, const struct tx *t, const struct sip_msg *m)
{
	struct sip_event *e;

	if (m->status < 200)
		return;
	e = sip_queue(s, SIP_EV_RESPONSE);
	e->owner = t->user;
	e->tsx = t->id;
	e->status = m->status;
	e->msg = m;
	e->body = m->body;
	e->peer = m->src;
	e->flow = m->flow;
	e->retry_after_s = sip_retry_after(m);
	e->auth = s->unanswered;
}

void client_acts(struct sip *s, struct tx *t, unsigned acts)
{
	if (acts & TSX_DO_SEND) {
		s->n.retransmitted++;
		(void)tx_resend(s, t);	/* UDP only: nothing to lose */
	}
	if (acts & TSX_DO_TIMEOUT) {
		if (client_silent(s, t))
			return;
		lost(s, t, SIP_FAIL_TIMEOUT);
	}
	if (acts & TSX_DO_END)
		tx_free(s, t);
}

/* An INVITE that nobody wants any more: it is not said to another. */
static bool unwanted(struct sip *s, const struct tx *t)
{
	const struct ses *x;

	if (t->user_kind != TX_USER_INVITE)
		return false;
	x = ses_get(s, t->user);
	return !x || !ses_may_repeat(x);
}

void client_broken(struct sip *s, struct tx *t, enum sip_fail why)
{
	unsigned acts;

	if (t->more.client && (t->ack_only || t->m.state == TSX_TRYING) && !unwanted(s, t)) {
		retry(s, t, why);
		return;
	}
	if (t->m.state == TSX_PROCEEDING && may_move(t)) {	/* a dialog waits for one answer at a time */
		fail(s, t, why);
		return;
	}
	acts = tsx_step(&t->m, &s->loop->timers, TSX_BROKEN);
	if (acts & TSX_DO_BROKEN)
		lost(s, t, why);
	if (acts & TSX_DO_END)
		tx_free(s, t);
}

/* Nothing is written to a stream before it is open: until then a request can be unsaid. */
bool client_unsent(struct sip *s, const struct tx *t)
{
	const struct conn *c = conn_find(s, t->path.flow);

	return t->waiting || (c && !c->open);
}

void client_open(struct sip *s, struct tx *t)
{
	(void)tx_resend(s, t);	/* it has just opened */
	if (t->ack_only)
		ack_is_out(s, t);
}

/* Final answers after which the same INVITE may be sent once more, after 503 to another target. */
static bool may_be_repeated(unsigned status)
{
	return status == 401 || status == 407 || status == 422 || status == 491 || status == 500 || status == 503;
}

void client_response(struct sip *s, const struct sip_msg *m)
{
	struct tx *t = tx_find(s, sip_key(s, m->via.branch, STR_NONE, m->cseq_method), false);
	uint64_t id;
	unsigned acts;

	if (!t || m->nvia != 1) {	/* 8.1.3.3 */
		s->n.dropped++;
		return;
	}
	id = t->id;
	if (m->flow)
		transport_prove(s, m->flow);
	sip_tap_in(s, sip_owner(s, t), m);
	acts = tsx_step(&t->m, &s->loop->timers, tsx_got(m->status));
	heard(t, m->status);
	if (acts & TSX_DO_ACK) {
		if (may_be_repeated(m->status))
			s->failed = str_dup(&s->turn, last_of(t));
		ack_final(s, t, m);
	}
	if (acts & TSX_DO_SEND) {
		s->n.retransmitted++;
		(void)tx_resend(s, t);	/* the ACK again */
	}
	if (t->user_kind == TX_USER_UPDATE && may_be_repeated(m->status) && t->last)
		s->failed = str_dup(&s->turn, last_of(t));
	if (acts & TSX_DO_UP && !busy(s, t, m) && !client_answer_challenge(s, t, m)) {
		if (t->user_kind == TX_USER_PLAIN)
			plain_answer(s, t, m);
		else if (tx_of_sub(t))
			sub_answer_of(s, t, m);
		else
			ses_answer_of(s, t, m);
	}
	s->failed = STR_NONE;
	s->unanswered = SIP_AUTH_NONE;
	t = tx_get(s, id);
	if (t && acts & TSX_DO_END)
		tx_free(s, t);
	else if (t && m->status >= 200)
		forget_targets(t);
}
