/*
 * What comes to subscriptions: SUBSCRIBE and NOTIFY (matched by dialog and
 * Event, RFC 6665 4.4.1, 8.2.1, from the zone of the dialog alone), the answers
 * to ours, and what their owners command.
 */
#include "sip/stack_int.h"

#include <string.h>

/* --- finding --- */

static bool is_notifier(const struct sub *x)
{
	return x->state <= SUB_LAST;
}

static bool of_dialog(const struct sub *x, const struct sip_msg *m)
{
	if (x->d.remote_tag[0])
		return dialog_is(&x->d, m);
	return str_eq(m->call_id, x->d.call_id) && str_eq(m->to_tag, x->d.local_tag) && m->from_tag.n;
}

static struct sub *find(struct sip *s, const struct sip_msg *m)
{
	uint64_t key = sip_key(s, m->call_id, m->to_tag, 0);
	struct sip_package p;

	if (sip_package_parse(sip_hdr(m, SIP_H_EVENT), &p) != OK)
		return NULL;
	for (struct hash_node *n = hash_first(&s->sub_dialogs, key); n; n = hash_next(n)) {
		struct sub *x = HASH_ENTRY(n, struct sub, by_dialog);

		if (s->lsn[x->listener]->cfg.zone == s->lsn[m->listener]->cfg.zone &&
		    is_notifier(x) == (m->method == SIP_SUBSCRIBE) && of_dialog(x, m) &&
		    sip_package_same(&p, &x->package))
			return x;
	}
	return NULL;
}

static void heard_from(struct sub *x, const struct sip_msg *m)
{
	x->peer = m->src;
	x->local = m->dst;
	x->flow = m->transport == SIP_UDP ? 0 : m->flow;
}

/* --- a new one --- */

static uint64_t ip_key(const struct sip *s, const struct addr *a)
{
	struct addr ip = *a;

	ip.port = 0;
	return hash_bytes(&s->seed, ip.ip, sizeof ip.ip);
}

static bool too_many(const struct sip *s, const struct addr *a)
{
	unsigned n = 0;

	for (struct hash_node *i = hash_first(&s->sub_ip, ip_key(s, a)); i; i = hash_next(i))
		n++;
	return n >= SIP_SUB_PER_IP;
}

static uint32_t wanted(const struct sip_msg *m)
{
	uint32_t v;
	enum err e = str_u32(str_trim(sip_hdr(m, SIP_H_EXPIRES)), SIP_SUB_EXPIRES_MAX_S, &v);

	return e == OK ? v : e == ERR_RANGE ? SIP_SUB_EXPIRES_MAX_S : SIP_SUB_DEFAULT_S;
}

static struct sub *new_asked(struct sip *s, const struct sip_msg *m)
{
	struct sip_package p = { STR_NONE, STR_NONE };
	struct sub *x = too_many(s, &m->src) ? NULL : sub_new(s, true);

	if (!x)
		return NULL;
	x->listener = (uint16_t)m->listener;
	x->transport = (uint8_t)m->transport;
	x->expires_s = wanted(m);
	heard_from(x, m);
	hash_add(&s->sub_ip, &x->by_ip, ip_key(s, &m->src));
	x->ip_linked = true;
	if (sip_package_parse(sip_hdr(m, SIP_H_EVENT), &p) != OK || !sub_set_package(x, p.name, p.id)) {
		sub_free(s, x);		/* the guard has looked before */
		return NULL;
	}
	return x;
}

void sub_subscribe(struct sip *s, const struct sip_msg *m, uint64_t key)
{
	char tag[17];
	struct sub *x;
	struct tx *t;
	struct sip_event *e;

	sip_tap_in(s, 0, m);
	if (!sip_hdr(m, SIP_H_CONTACT).n) {
		uas_refuse(s, m, &(struct server_answer){ .status = 400, .phrase = "Missing Contact" });
		return;
	}
	x = new_asked(s, m);
	if (!x) {
		uas_refuse(s, m, &(struct server_answer){ .status = 503,
			      .extra = STR("Retry-After: 10\r\n") });
		return;
	}
	rng_hex(&s->loop->rng, tag, 8);
	dialog_init_uas(&x->d, m, str_of(tag));
	t = uas_new(s, m, key, str_of(tag));
	if (!t) {
		sub_free(s, x);
		return;
	}
	t->user = x->id;
	t->user_kind = TX_USER_SUBSCRIBE;
	x->asked = t->id;
	e = sip_queue(s, SIP_EV_SUBSCRIBE);
	e->sub = x->id;
	e->msg = m;
	e->body = m->body;
	e->flow = m->flow;
	e->peer = m->src;
	e->expires_s = x->expires_s;
	(void)sip_package_parse(sip_hdr(m, SIP_H_EVENT), &e->package);	/* as above */
}

/* --- in the dialog --- */

static uint32_t most(uint32_t wish, const struct sub *x)
{
	return wish > x->max_s ? x->max_s : wish;
}

static void got_subscribe(struct sip *s, struct sub *x, struct tx *t, const struct sip_msg *m)
{
	uint32_t wish = wanted(m);
	struct sub_arg a = { .m = m, .t = t, .expires_s = most(wish, x) };
	char line[40];
	struct buf b;

	if (x->state == SUB_GIVEN && wish && wish < x->min_s) {
		buf_init(&b, line, sizeof line);
		buf_fmt(&b, "Min-Expires: %u\r\n", x->min_s);
		uas_simple(s, t, 423, buf_str(&b));
		return;
	}
	dialog_retarget(&x->d, m);
	(void)sub_step(s, x, wish ? SUB_GOT_SUBSCRIBE : SUB_GOT_LEAVE, &a);	/* no command */
}

static void got_notify(struct sip *s, struct sub *x, struct tx *t, const struct sip_msg *m)
{
	struct sub_arg a = { .m = m, .t = t };
	unsigned status = 200;

	if (sip_sub_info_parse(sip_hdr(m, SIP_H_SUBSCRIPTION_STATE), &a.info) != OK)
		status = 400;
	else if (m->body.bytes.n > SIP_SUB_BODY_MAX)
		status = 413;
	uas_simple(s, t, status, STR_NONE);
	if (status == 200)
		(void)sub_step(s, x, a.info.state == SIP_SUB_TERMINATED ? SUB_GOT_TERMINATED : SUB_GOT_NOTIFY,
			       &a);	/* no command */
}

bool sub_indialog(struct sip *s, const struct sip_msg *m, uint64_t key)
{
	struct sub *x;
	struct ses *call;
	struct tx *t;

	if (m->method != SIP_SUBSCRIBE && m->method != SIP_NOTIFY)
		return false;
	x = find(s, m);
	if (!x)
		return false;
	sip_tap_in(s, x->owner, m);
	heard_from(x, m);
	t = uas_new(s, m, key, STR_NONE);
	if (!t)
		return true;
	t->user = x->id;
	t->user_kind = is_notifier(x) ? TX_USER_SUBSCRIBE : TX_USER_NOTIFY;
	call = ses_get(s, x->session);
	if (dialog_sequence(call ? &call->d : &x->d, m) != OK)
		uas_simple(s, t, 500, STR_NONE);
	else if (is_notifier(x))
		got_subscribe(s, x, t, m);
	else
		got_notify(s, x, t, m);
	return true;
}

void sub_session_over(struct sip *s, struct ses *call)
{
	struct hash_node *n;

	if (!call->linked || !s->sub_dialogs.count)
		return;
	n = hash_first(&s->sub_dialogs, sip_key(s, call->d.call_id, call->d.local_tag, 0));
	for (; n; n = hash_next(n)) {
		struct sub *x = HASH_ENTRY(n, struct sub, by_dialog);

		if (x->session != call->id)
			continue;
		dialog_close(&x->d);
		dialog_copy(&x->d, &call->d);
		x->peer = call->peer;
		x->flow = call->flow;
		x->session = 0;
	}
}

/* --- answers to what we sent --- */

/* RFC 6665 4.1.2.2: what ends the subscription, too. */
static bool ends(unsigned status)
{
	switch (status) {
	case 404: case 405: case 410: case 416: case 480: case 481: case 482: case 483: case 484:
	case 485: case 489: case 501: case 604:
		return true;
	default:
		return false;
	}
}

static enum sub_in answer_in(unsigned status)
{
	return status / 100 == 2 ? SUB_GOT_2XX : status == 423 ? SUB_GOT_BRIEF
	     : ends(status) ? SUB_GOT_GONE : SUB_GOT_OTHER;
}

/* 4.2.2: with Retry-After the state is told later, if there still is somebody then. */
static enum ntf_in notify_in(const struct sip *s, const struct sub *x, const struct sip_msg *m)
{
	uint32_t later = sip_retry_after(m);

	if (m->status / 100 == 2)
		return NTF_TAKEN;
	return !ends(m->status) && later && s->loop->now + 1000 * (ms_t)later < x->end_at ? NTF_LATER
										 : NTF_FAILED;
}

void sub_answer_of(struct sip *s, struct tx *t, const struct sip_msg *m)
{
	struct sub *x = sub_get(s, t->user);
	struct sub_arg a = { .m = m, .status = m->status };

	if (!x || m->status < 200)
		return;
	if (t->user_kind == TX_USER_NOTIFY) {
		ntf_step(s, x, notify_in(s, x, m), &a);
		return;
	}
	x->out = false;
	(void)sub_step(s, x, answer_in(m->status), &a);	/* no command */
}

/* A connection lost is no lost subscription; a peer silent for 64*T1 is. */
void sub_lost(struct sip *s, struct tx *t, enum sip_fail why)
{
	struct sub *x = sub_get(s, t->user);
	struct sub_arg a = { .fail = why };

	if (!x || t->server)
		return;
	if (t->user_kind == TX_USER_NOTIFY) {
		ntf_step(s, x, NTF_FAILED, &a);
		return;
	}
	x->out = false;
	(void)sub_step(s, x, why == SIP_FAIL_TIMEOUT ? SUB_GOT_GONE : SUB_GOT_OTHER, &a);	/* no command */
}

/* --- commands: subscription.h --- */

static bool fits(const struct sip_body *b)
{
	return !b || b->bytes.n <= SIP_SUB_BODY_MAX;
}

enum err sip_sub_refuse(struct sip *s, uint64_t sub, unsigned status, const struct sip_xhdr *h, int nx)
{
	struct sub *x = sub_get(s, sub);
	struct sub_arg a = { .status = status, .x = h, .nx = nx };

	if (!x)
		return ERR_GONE;
	a.t = tx_get(s, x->asked);
	if (status < 300 || status > 699 || !a.t || !a.t->more.skel)
		return ERR_STATE;
	return sub_step(s, x, SUB_DO_REFUSE, &a);
}

static enum err too_brief(struct sip *s, struct sub *x)
{
	struct sip_xhdr h = { STR("Min-Expires"), STR_NONE };
	char text[16];
	struct buf b;

	buf_init(&b, text, sizeof text);
	buf_u64(&b, x->min_s);
	h.value = buf_str(&b);
	(void)sip_sub_refuse(s, x->id, 423, &h, 1);	/* its state was asked before */
	return ERR_RANGE;
}

enum err sip_sub_accept(struct sip *s, uint64_t sub, const struct sip_accept *q)
{
	struct sub *x = sub_get(s, sub);
	struct sub_arg a = { .accept = q };

	if (!x)
		return ERR_GONE;
	a.t = tx_get(s, x->asked);
	if (x->state != SUB_ASKED || !a.t || !a.t->more.skel)
		return ERR_STATE;
	if (!fits(&q->body))
		return ERR_LIMIT;
	x->min_s = q->min_s ? q->min_s : SIP_SUB_MIN_S;
	x->max_s = q->max_s ? q->max_s : SIP_SUB_DEFAULT_S;
	if (x->expires_s && x->expires_s < x->min_s)
		return too_brief(s, x);
	a.expires_s = most(x->expires_s, x);
	return sub_step(s, x, a.expires_s ? SUB_DO_ACCEPT : SUB_DO_FETCH, &a);
}

enum err sip_notify(struct sip *s, uint64_t sub, const struct sip_body *body)
{
	struct sub *x = sub_get(s, sub);
	struct sub_arg a = { .body = body };

	if (!x)
		return ERR_GONE;
	return fits(body) ? sub_step(s, x, SUB_DO_STATE, &a) : ERR_LIMIT;
}

enum err sip_notify_end(struct sip *s, uint64_t sub, enum sip_sub_reason why, uint32_t retry_after_s,
			const struct sip_body *body)
{
	struct sub *x = sub_get(s, sub);
	struct sub_arg a = { .body = body, .info = { .state = SIP_SUB_TERMINATED, .reason = why,
			     .has_retry = retry_after_s != 0, .retry_after_s = retry_after_s } };

	if (!x)
		return ERR_GONE;
	return fits(body) ? sub_step(s, x, SUB_DO_END, &a) : ERR_LIMIT;
}

/* Everything of the call's dialog; absent when the call is no dialog yet. */
static struct sub *new_implicit(struct sip *s, const struct sip_implicit *i)
{
	struct ses *call = ses_get(s, i->session);
	struct sub *x = call && call->d.remote_tag[0] && fits(&i->body) ? sub_new(s, true) : NULL;

	if (!x)
		return NULL;
	x->session = call->id;
	x->listener = call->listener;
	x->transport = call->transport;
	x->peer = call->peer;
	x->local = call->local;
	x->flow = call->flow;
	dialog_copy(&x->d, &call->d);
	if (call->opts) {
		x->opts = mem_new(sizeof *x->opts);
		*x->opts = *call->opts;
	}
	if (call->contact_user)
		x->contact_user = mem_dup(call->contact_user, strlen(call->contact_user));
	if (sub_set_package(x, i->package, i->id))
		return x;
	sub_free(s, x);
	return NULL;
}

uint64_t sip_sub_implicit(struct sip *s, const struct sip_implicit *i)
{
	struct tx *t = tx_get(s, i->tsx);
	struct sip_accept q = { .owner = i->owner, .body = i->body };
	struct sub *x;
	uint64_t id;

	if (!t || !t->server || !t->more.skel || t->user_kind != TX_USER_INDIALOG || t->user != i->session)
		return 0;
	x = new_implicit(s, i);
	if (!x) {
		uas_simple(s, t, 503, STR("Retry-After: 10\r\n"));
		return 0;
	}
	id = x->id;
	x->asked = t->id;
	x->expires_s = i->expires_s ? i->expires_s : SIP_SUB_MIN_S;
	return sip_sub_accept(s, id, &q) == OK ? id : 0;
}

static struct str copy(struct str v)
{
	return (struct str){ mem_dup(v.p, v.n), v.n };
}

static void init_out(struct sip *s, struct sub *x, const struct sip_subscribe *q)
{
	char mem[2][SIP_URI_MAX + 512], id[33], tag[17];
	struct buf b[2];

	for (int i = 0; i < 2; i++) {
		buf_init(&b[i], mem[i], sizeof mem[i]);
		buf_ch(&b[i], '<');
	}
	rng_hex(&s->loop->rng, id, 16);
	rng_hex(&s->loop->rng, tag, 8);
	sip_write_uri(&b[0], q->from_uri, &q->opts, true, false);
	sip_write_uri(&b[1], q->to_uri.n ? q->to_uri : q->ruri, &q->opts, false, true);
	buf_ch(&b[0], '>');
	buf_ch(&b[1], '>');
	dialog_init_uac(&x->d, str_of(id), str_of(tag), buf_str(&b[0]), buf_str(&b[1]), q->ruri);
	x->d.local_cseq = 0;
	x->owner = q->owner;
	x->dest = mem_new(sizeof *x->dest);
	*x->dest = q->dest;
	x->opts = mem_new(sizeof *x->opts);
	*x->opts = q->opts;
	x->listener = (uint16_t)q->dest.listener;
	x->transport = (uint8_t)q->dest.transport;
	x->peer = q->dest.addr;
	x->expires_s = q->expires_s ? q->expires_s : SIP_SUB_DEFAULT_S;
	if (q->contact_user.n)
		x->contact_user = (char *)(uintptr_t)copy(q->contact_user).p;
	if (q->accept.n)
		x->accept = (char *)(uintptr_t)copy(q->accept).p;
}

uint64_t sip_subscribe(struct sip *s, const struct sip_subscribe *q)
{
	struct sub *x = q->dest.listener < s->nlsn ? sub_new(s, false) : NULL;
	uint64_t id;

	if (!x)
		return 0;
	id = x->id;
	init_out(s, x, q);
	if (!sub_set_package(x, q->package, q->id)) {
		sub_free(s, x);
		return 0;
	}
	sub_link(s, x);
	sub_send(s, x, x->expires_s);
	x = sub_get(s, id);
	if (x && !x->out) {
		sub_free(s, x);
		return 0;
	}
	return id;		/* or it failed at once: the event is queued */
}

enum err sip_unsubscribe(struct sip *s, uint64_t sub)
{
	struct sub *x = sub_get(s, sub);
	struct sub_arg a = { 0 };

	if (!x)
		return ERR_GONE;
	if (is_notifier(x))
		return ERR_STATE;
	x->muted = true;
	return sub_step(s, x, SUB_DO_LEAVE, &a);
}
