/*
 * Server transactions: what a request is matched with, and the responses that
 * leave. RFC 3261 8.2, 17.2, 18.2.2; RFC 3581.
 */
#include <string.h>

#include "sip/build.h"
#include "sip/guard.h"
#include "sip/stack_int.h"

enum { TAG_LEN = 16 };

/* 17.2.3. Without the magic cookie the INVITE is known by what RFC 2543 has. */
uint64_t uas_key_of(const struct sip *s, const struct sip_via *v, struct str call_id, uint32_t cseq,
		    enum sip_method method)
{
	if (str_starts(v->branch, STR("z9hG4bK")) && v->branch.n > 7)
		return sip_key(s, v->branch, v->host, (unsigned)v->port << 8 | method);
	return sip_key(s, call_id, v->raw, cseq << 4 | method);
}

uint64_t uas_key(const struct sip *s, const struct sip_msg *m, enum sip_method method)
{
	return uas_key_of(s, &m->via, m->call_id, m->cseq, method);
}

void uas_write_tag(const struct sip *s, struct buf *b, uint64_t key)
{
	uint64_t h = hash_bytes(&s->seed, &key, sizeof key);	/* a key must not be shown */

	buf_hex(b, &h, sizeof h);
}

static void make_tag(const struct sip *s, const struct sip_msg *m, char tag[TAG_LEN + 1])
{
	struct buf b;

	buf_init(&b, tag, TAG_LEN + 1);
	uas_write_tag(s, &b, uas_key(s, m, m->method));
	(void)buf_z(&b);	/* fits */
}

/* --- the head of responses --- */

static size_t find(struct str s, const char *what)
{
	const char *p = memmem(s.p, s.n, what, strlen(what));

	return p ? (size_t)(p - s.p) : s.n;
}

/* Everything of the request that its responses repeat, as build_response() writes it, less
 * the status line. Absent: it does not fit. Lent until the next use of s->wired. */
static struct str write_skel(struct sip *s, const struct sip_msg *m, struct str tag,
			     struct skel *k)
{
	struct str head;
	struct build w;
	size_t line;

	buf_reset(&s->wired);
	build_response(&w, &s->wired, m, 200, STR("OK"), STR_NONE);
	if (w.err != OK || !buf_ok(&s->wired))
		return STR_NONE;
	head = buf_str(&s->wired);
	line = find(head, "\r\n") + 2;
	head = str_sub(head, line, head.n);
	k->n = (uint32_t)head.n;
	k->rr_at = (uint32_t)find(head, "\r\nRecord-Route: ");
	k->rr_at += k->rr_at < k->n ? 2 : 0;
	k->tag_at = (uint16_t)find(head, "\r\nCall-ID: ");
	if (m->to_tag.p || k->tag_at == k->n || !str_copy(k->tag, sizeof k->tag, tag))
		k->tag[0] = 0;
	return head;
}

static void line(struct buf *b, const char *name, struct str value)
{
	buf_lit(b, name);
	buf_put(b, value);
	buf_lit(b, "\r\n");
}

static void begin(struct sip *s, const struct skel *k, const char *head, unsigned status,
		  const char *phrase)
{
	struct buf *b = sip_text(s);
	uint32_t end = status > 100 && status < 300 ? k->n : k->rr_at;

	buf_lit(b, "SIP/2.0 ");
	buf_u64(b, status);
	buf_ch(b, ' ');
	sip_write_value(b, str_of(phrase ? phrase : sip_phrase(status)));
	buf_lit(b, "\r\n");
	buf_bytes(b, head, k->tag_at);
	if (status > 100 && k->tag[0]) {
		buf_lit(b, ";tag=");
		buf_lit(b, k->tag);
	}
	buf_bytes(b, head + k->tag_at, end - k->tag_at);
}

/* --- where responses go --- */

void uas_way_back(const struct sip_via *v, struct path *p)
{
	/* For UDP without rport, and for when the stream is gone: the sent-by port. */
	if (!(p->transport == SIP_UDP && v->rport))
		p->peer.port = v->port ? v->port : sip_default_port((enum sip_transport)p->transport);
}

static void response_path(const struct sip_msg *m, struct path *p)
{
	*p = (struct path){ .flow = m->flow, .peer = m->src, .local = m->dst,
			    .listener = (uint16_t)m->listener, .transport = (uint8_t)m->transport,
			    .heard = (uint8_t)m->heard };
	if (m->transport == SIP_UDP)
		p->flow = 0;
	uas_way_back(&m->via, p);
}

/* 18.2.2: the connection of the request is gone, so one is made to where it came from. */
static bool send_elsewhere(struct sip *s, struct path *p, struct str bytes)
{
	bool fresh;
	struct conn *c;

	/* A stranger has only what it opened itself. */
	if (p->transport == SIP_UDP ||
	    (p->heard != SOURCE_TRUSTED && gate_streams(s, p->listener, &p->peer) < SIP_CONN_PER_IP))
		return false;
	c = conn_to(s, &(struct conn_ask){ .listener = p->listener, .peer = &p->peer,
		    .transport = (enum sip_transport)p->transport, .timeout = SIP_CONNECT_MS,
		    .answer = p->heard != SOURCE_TRUSTED }, &fresh);
	if (!c)
		return false;
	p->flow = c->stream;
	return transport_send(s, p, bytes);
}

void uas_refuse(struct sip *s, const struct sip_msg *m, const struct server_answer *a)
{
	struct skel k = { 0 };
	struct path p;
	char tag[TAG_LEN + 1];
	struct str bytes, head;

	if (m->method == SIP_ACK)
		return;
	make_tag(s, m, tag);
	head = write_skel(s, m, a->tag.n ? a->tag : str_of(tag), &k);
	if (!head.p)
		return;
	begin(s, &k, head.p, a->status, a->phrase);
	if (!a->bare)
		line(&s->text, "Server: ", str_of(s->server));
	buf_put(&s->text, a->extra);
	sip_write_body(&s->text, NULL);
	if (!buf_ok(&s->text))
		return;
	s->n.refused += a->status >= 300;
	response_path(m, &p);
	bytes = buf_str(&s->text);
	if (gate_tap(s, m))
		sip_tap(s, 0, true, &p, bytes);
	if (!transport_send(s, &p, bytes))
		s->n.dropped++;
}

/* --- transactions --- */

struct tx *uas_new(struct sip *s, const struct sip_msg *m, uint64_t key, struct str tag)
{
	struct skel k = { 0 };
	struct path p;
	char made[TAG_LEN + 1];
	struct str head;
	struct tx *t;

	response_path(m, &p);
	make_tag(s, m, made);
	head = write_skel(s, m, tag.n ? tag : str_of(made), &k);
	t = head.p && !relief_full(s, m) ? tx_new(s, m->method == SIP_INVITE ? TSX_IST : TSX_NIST, &p) : NULL;
	if (!t) {
		relief_later(s, m, key);
		return NULL;
	}
	t->server = true;
	t->method = (uint8_t)m->method;
	t->more.skel = mem_new(sizeof k + k.n);
	*t->more.skel = k;
	memcpy(t->more.skel->p, head.p, k.n);
	if (m->method == SIP_OPTIONS && s->cfg.options_answer_bare)
		t->more.skel->tag[0] = 0;
	tx_link(s, t, key);
	if (!m->to_tag.p) {
		hash_add(&s->tx_merge, &t->u.by_merge, sip_key(s, m->call_id, m->from_tag, m->cseq));
		t->merge_linked = true;
	}
	(void)tsx_step(&t->m, &s->loop->timers, TSX_START);	/* DO_UP: by the caller */
	return t;
}

/* The tag of fork 0 is the tag itself, the others have a letter behind it. */
struct str uas_fork(struct tx *t, int fork)
{
	struct skel *k = t->more.skel;

	if (strlen(k->tag) >= TAG_LEN) {
		k->tag[TAG_LEN] = (char)(fork ? 'a' + fork : 0);
		k->tag[TAG_LEN + 1] = 0;
	}
	return str_of(k->tag);
}

struct buf *uas_begin(struct sip *s, const struct tx *t, unsigned status, const char *phrase)
{
	begin(s, t->more.skel, t->more.skel->p, status, phrase);
	line(&s->text, "Server: ", str_of(s->server));
	if (status > 100 && t->user_kind != TX_USER_PLAIN && !tx_of_sub(t))
		sid_write(&s->text, ses_get(s, t->user));
	return &s->text;
}

static void prove(struct sip *s, const struct tx *t, unsigned status)
{
	if (status > 100 && status < 300 && t->path.flow)
		transport_prove(s, t->path.flow);
}

enum err uas_send(struct sip *s, struct tx *t, unsigned status, const struct sip_body *b)
{
	sip_write_body(&s->text, b);
	return uas_commit(s, t, status);
}

enum err uas_commit(struct sip *s, struct tx *t, unsigned status)
{
	unsigned acts;

	if (!buf_ok(&s->text))
		return ERR_LIMIT;
	acts = tsx_step(&t->m, &s->loop->timers, tsx_send(status));
	if (!(acts & TSX_DO_SEND))
		return ERR_STATE;
	t->status = (uint16_t)status;
	tx_keep(t, buf_str(&s->text));
	prove(s, t, status);
	if (!tx_resend(s, t))
		(void)send_elsewhere(s, &t->path, (struct str){ t->last->p, t->last->n });
	if (status >= 200) {
		mem_free(t->more.skel);
		t->more.skel = NULL;
	}
	/* A proxy that tries us again after our refusal is no merged request. */
	if (status >= 300 && t->merge_linked) {
		hash_remove(&s->tx_merge, &t->u.by_merge);
		t->merge_linked = false;
	}
	if (acts & TSX_DO_END)
		tx_free(s, t);
	return OK;
}

void uas_simple(struct sip *s, struct tx *t, unsigned status, struct str extra)
{
	buf_put(uas_begin(s, t, status, NULL), extra);
	(void)uas_send(s, t, status, NULL);	/* no room or too late: the peer repeats */
}

void uas_acts(struct sip *s, struct tx *t, unsigned acts)
{
	if (acts & TSX_DO_SEND) {
		s->n.retransmitted++;
		if (!tx_resend(s, t) && t->last)
			(void)send_elsewhere(s, &t->path,
					     (struct str){ t->last->p, t->last->n });
	}
	if (acts & TSX_DO_TIMEOUT) {
		uas_simple(s, t, 500, STR_NONE);
		return;
	}
	if (acts & TSX_DO_END)
		tx_free(s, t);
}

/* --- what came --- */

static bool merged(const struct sip *s, const struct sip_msg *m)
{
	return !m->to_tag.p && m->method != SIP_CANCEL &&
	       hash_first(&s->tx_merge, sip_key(s, m->call_id, m->from_tag, m->cseq)) != NULL;
}

void uas_plain(struct sip *s, const struct sip_msg *m, uint64_t key)
{
	struct tx *t = uas_new(s, m, key, STR_NONE);
	struct sip_event *e;

	if (!t)
		return;
	t->user_kind = TX_USER_PLAIN;
	e = sip_queue(s, SIP_EV_REQUEST);
	e->tsx = t->id;
	e->msg = m;
	e->body = m->body;
	e->flow = m->flow;
	e->peer = m->src;
}

static void again(struct sip *s, struct tx *t, const struct sip_msg *m)
{
	unsigned acts;

	sip_tap_in(s, sip_owner(s, t), m);
	if (m->method != SIP_ACK) {
		if (m->flow && m->flow != t->path.flow)	/* said again on another stream: the first one broke */
			response_path(m, &t->path);
		uas_acts(s, t, tsx_step(&t->m, &s->loop->timers, TSX_GOT_REQUEST));
		return;
	}
	acts = tsx_step(&t->m, &s->loop->timers, TSX_GOT_ACK);
	if (acts & TSX_DO_UP)
		(void)ses_indialog(s, m, 0);	/* an ACK to a 200 with the INVITE's branch */
	else if (acts & TSX_DO_END)
		tx_free(s, t);
}

static void cancel(struct sip *s, const struct sip_msg *m)
{
	struct tx *t = tx_find(s, uas_key(s, m, SIP_INVITE), true);
	struct server_answer a = { .status = 481 };
	const struct skel *k = t ? t->more.skel : NULL;

	if (t)
		a.status = 200;
	if (k)
		a.tag = str_of(k->tag);
	uas_refuse(s, m, &a);
	if (t)
		ses_cancel(s, t, m);
}

static void outside(struct sip *s, const struct sip_msg *m, uint64_t key)
{
	switch (m->method) {
	case SIP_INVITE:
		ses_invite(s, m, key);
		return;
	case SIP_ACK:
		s->n.dropped++;
		return;
	case SIP_BYE:
	case SIP_CANCEL:
	case SIP_PRACK:
	case SIP_UPDATE:
	case SIP_INFO:
		uas_refuse(s, m, &(struct server_answer){ .status = 481 });
		return;
	case SIP_SUBSCRIBE:
		sub_subscribe(s, m, key);
		return;
	case SIP_NOTIFY:
		if (s->lsn[m->listener]->cfg.unsolicited)
			uas_plain(s, m, key);
		else
			uas_refuse(s, m, &(struct server_answer){ .status = 481 });
		return;
	case SIP_OPTIONS:
	case SIP_REGISTER:
	case SIP_REFER:
	case SIP_MESSAGE:
	case SIP_PUBLISH:
	case SIP_METHOD_OTHER:
	case SIP_NMETHOD:
		uas_plain(s, m, key);
		return;
	}
}

void uas_request(struct sip *s, const struct sip_msg *m)
{
	enum sip_method known = m->method == SIP_ACK ? SIP_INVITE : m->method;
	uint64_t key = uas_key(s, m, known);
	struct tx *t = tx_find(s, key, true);
	struct guard_verdict v;

	if (t) {
		again(s, t, m);
		return;
	}
	if (!gate_request(s, m)) {
		s->n.dropped++;
		return;
	}
	if (relief_acks(s, m, key))
		return;
	guard_check(m, &s->lsn[m->listener]->cfg, &(struct guard_mark){ str_of(s->cookie),
		    m->method == SIP_INVITE ? sip_loop(s, m->uri.user) : 0 }, &v);
	if (!v.status && merged(s, m)) {
		v.status = 482;
		v.phrase = "Merged Request";
	}
	if (v.status) {
		sip_tap_in(s, 0, m);
		uas_refuse(s, m, &(struct server_answer){ .status = v.status,
			      .phrase = v.phrase, .extra = str_of(v.extra) });
		return;
	}
	if (m->method == SIP_CANCEL) {
		cancel(s, m);
		return;
	}
	if (gate_stranger(s, m) || relief_refuses(s, m, key))	/* in this order: strangers take no call's place */
		return;
	if (!m->to_tag.p) {
		outside(s, m, key);
		return;
	}
	if (!sub_indialog(s, m, key) && !ses_indialog(s, m, key)) {
		sip_tap_in(s, 0, m);
		uas_refuse(s, m, &(struct server_answer){ .status = 481 });
	}
}
