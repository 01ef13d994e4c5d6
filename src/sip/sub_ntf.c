/*
 * Our NOTIFYs: one is unanswered at a time, and the latest state waits behind
 * it (RFC 6665 4.2.2). In the dialog of the subscription, or of the call that
 * its REFER came in.
 */
#include "sip/stack_int.h"

typedef void ntf_act(struct sip *s, struct sub *x, struct sub_arg *a);

struct cell {
	uint8_t next;
	bool decided;
	ntf_act *act;
};

void ntf_keep(struct sub *x, const struct sip_body *b)
{
	mem_free(x->body);
	mem_free(x->type);
	x->body = NULL;
	x->type = NULL;
	if (!b || !b->bytes.n)
		return;
	x->body = wire_new(b->bytes);
	x->type = mem_dup(b->type.p, b->type.n);
}

uint32_t sub_cseq(struct sip *s, struct sub *x)
{
	struct ses *call = ses_get(s, x->session);

	x->d.local_cseq = call ? ++call->d.local_cseq : x->d.local_cseq + 1;
	return x->d.local_cseq;
}

/* The dialog as it is now: a call may have moved. */
static const struct dialog *dialog_of(struct sip *s, const struct sub *x, struct way *w)
{
	const struct ses *call = ses_get(s, x->session);

	*w = (struct way){ .d = &x->d, .dest = x->dest, .peer = x->peer, .flow = x->flow,
			   .never_dial_contact = x->opts && x->opts->never_dial_contact,
			   .listener = x->listener, .transport = x->transport };
	if (call) {
		w->d = &call->d;
		way_first(w, call->dest);
		w->peer = call->peer;
		w->flow = call->flow;
	}
	return w->d;
}

/* Head, Contact, Event and who we are. */
static struct buf *begin(struct sip *s, struct sub *x, enum sip_method m, struct sip_dest *d)
{
	struct contact c = { .listener = x->listener, .user = str_of(x->contact_user),
			     .opts = x->opts, .local = &x->local };
	struct buf *b = sip_text(s);
	uint32_t cseq = sub_cseq(s, x);
	struct way w;

	dialog_write(dialog_of(s, x, &w), b, m, cseq, SIP_MAX_FORWARDS);
	sip_write_contact(s, b, &c);
	buf_fmt(b, "Event: %s\r\n", x->event);
	sip_write_agent(s, b, x->opts);
	if (x->dest && !x->d.remote_tag[0])
		*d = *x->dest;
	else
		way_dest(s, &w, d);
	return b;
}

void sub_send(struct sip *s, struct sub *x, uint32_t expires_s)
{
	struct sip_dest d;
	struct request_out o = { .method = SIP_SUBSCRIBE, .user_kind = TX_USER_SUBSCRIBE,
				 .user = x->id, .dest = &d, .login = x->opts ? x->opts->login : 0 };
	struct buf *b = begin(s, x, SIP_SUBSCRIBE, &d);

	buf_fmt(b, "Expires: %u\r\n", expires_s);
	if (x->accept)
		buf_fmt(b, "Accept: %s\r\n", x->accept);
	sip_write_body(b, NULL);
	x->out = true;		/* it may fail before the call returns */
	if (client_send(s, &o) == 0)
		x->out = false;	/* no transaction, no news of one: x is still there */
}

static void on_rest(void *arg)
{
	struct sub *x = arg;

	ntf_step(x->s, x, NTF_TICK, NULL);
}

static void rest(struct sip *s, struct sub *x, struct sub_arg *a)
{
	ms_t ms = a && a->m ? 1000 * (ms_t)sip_retry_after(a->m) : SIP_SUB_FULL_MS;

	timer_start(&s->loop->timers, &x->rest, ms, on_rest, x);
}

static void send(struct sip *s, struct sub *x, struct sub_arg *a)
{
	struct sip_dest d;
	struct request_out o = { .method = SIP_NOTIFY, .user_kind = TX_USER_NOTIFY, .user = x->id,
				 .dest = &d, .login = x->opts ? x->opts->login : 0 };
	struct sip_body body = { str_of(x->type), STR_NONE };
	struct buf *b = begin(s, x, SIP_NOTIFY, &d);
	struct sip_sub_info i = x->info;

	(void)a;
	if (i.state != SIP_SUB_TERMINATED) {
		i.has_expires = true;
		i.expires_s = x->end_at > s->loop->now ? (uint32_t)((x->end_at - s->loop->now) / 1000) : 0;
	}
	buf_lit(b, "Subscription-State: ");
	sip_sub_info_write(b, &i);
	buf_lit(b, "\r\n");
	if (x->body)
		body.bytes = (struct str){ x->body->p, x->body->n };
	sip_write_body(b, &body);
	if (client_send(s, &o) != 0)
		return;		/* x may be gone with it */
	x->ntf = NTF_REST;
	rest(s, x, NULL);
}

static void at_rest(struct sip *s, struct sub *x, struct sub_arg *a)
{
	struct sub_arg none = { 0 };

	(void)a;
	(void)sub_step(s, x, SUB_SAID, &none);	/* no command */
}

static void unsaid(struct sip *s, struct sub *x, struct sub_arg *a)
{
	struct sub_arg none = { 0 };

	(void)sub_step(s, x, SUB_UNSAID, a ? a : &none);	/* no command */
}

#define X(state, act) { NTF_##state, true, act }
#define S(state) { NTF_##state, true, NULL }
#define ROW(i1, i2, i3, i4, i5) { [NTF_SAY] = i1, [NTF_TAKEN] = i2, [NTF_LATER] = i3, \
	[NTF_FAILED] = i4, [NTF_TICK] = i5 }

static const struct cell table[NTF_NSTATE][NTF_NIN] = {
 [NTF_IDLE] = ROW(X(OUT, send), S(IDLE), S(IDLE), S(IDLE), S(IDLE)),
 [NTF_OUT] = ROW(S(DUE), X(IDLE, at_rest), X(REST, rest), X(IDLE, unsaid), S(OUT)),
 [NTF_DUE] = ROW(S(DUE), X(OUT, send), X(REST, rest), X(IDLE, unsaid), S(DUE)),
 [NTF_REST] = ROW(S(REST), S(REST), S(REST), S(REST), X(OUT, send)),
};

bool ntf_decided(enum ntf_state st, enum ntf_in in)
{
	return table[st][in].decided;
}

void ntf_step(struct sip *s, struct sub *x, enum ntf_in in, struct sub_arg *a)
{
	const struct cell *c = &table[x->ntf][in];

	x->ntf = c->next;
	if (c->act)
		c->act(s, x, a);
}
