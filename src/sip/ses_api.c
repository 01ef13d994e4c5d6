/*
 * Sessions as their owners command them: the functions of stack.h.
 */
#include "sip/stack_int.h"

#include <string.h>

enum { URI_ROOM = SIP_URI_MAX + 512, SLACK = 400 };

/* Room for what is written behind the owner's part? */
static bool fits(const struct sip *s, const struct sip_body *b)
{
	return buf_ok(&s->text) && s->text.n + (b && b->bytes.p ? b->bytes.n : 0) + SLACK < s->text.cap;
}

/* Do the owner's headers and body make a message? Asked before anything changes. */
static bool usable(struct sip *s, const struct ses_arg *a)
{
	struct buf *b = sip_text(s);

	sip_write_xhdr(b, a->x, a->nx);
	return b->n <= SIP_EXTRA_MAX && fits(s, a->body) &&
	       (!a->body || a->body->bytes.n <= SIP_BODY_MAX);
}

static const struct sip_opts nothing_special = { .login = 0 };

static const struct sip_opts *opts_of(const struct sip_invite *i)
{
	return i->opts ? i->opts : &nothing_special;
}

static void init_dialog(struct sip *s, struct ses *x, const struct sip_invite *i)
{
	const struct sip_opts *o = opts_of(i);
	char mem[3][URI_ROOM], id[33], tag[17];
	struct buf b[3];
	struct str call_id = i->call_id;

	for (int k = 0; k < 3; k++)
		buf_init(&b[k], mem[k], URI_ROOM);
	rng_hex(&s->loop->rng, id, 16);
	rng_hex(&s->loop->rng, tag, 8);
	if (!call_id.n)
		call_id = str_of(id);
	sip_write_name(&b[0], i->from_name);
	buf_ch(&b[0], '<');
	sip_write_uri(&b[0], i->from_uri, o, true, false);
	buf_ch(&b[0], '>');
	sip_write_name(&b[1], i->to_name);
	buf_ch(&b[1], '<');
	sip_write_uri(&b[1], i->to_uri.n ? i->to_uri : i->ruri, o, false, true);
	buf_ch(&b[1], '>');
	sip_write_uri(&b[2], i->ruri, o, false, true);
	dialog_init_uac(&x->d, call_id, str_of(tag), buf_str(&b[0]), buf_str(&b[1]), buf_str(&b[2]));
	dialog_set_routes(&x->d, i->route);
	for (int k = 0; k < 3; k++)
		if (!buf_ok(&b[k]))
			s->text.full = true;	/* noticed where the message is sent */
}

static struct ses *new_call(struct sip *s, const struct sip_invite *i)
{
	struct ses *x = ses_new(s, true);

	if (!x)
		return NULL;
	x->owner = i->owner;
	x->dest = dest_keep(&i->dest);
	x->opts = opts_of(i);
	x->listener = (uint16_t)i->dest.listener;
	x->transport = (uint8_t)i->dest.transport;
	x->peer = i->dest.addr;
	x->cseq = 1;
	x->delayed = i->body.bytes.n == 0;
	if (i->contact_user.n)
		x->contact_user = mem_dup(i->contact_user.p, i->contact_user.n);
	return x;
}

uint64_t sip_invite(struct sip *s, const struct sip_invite *i)
{
	struct ses_arg a = { .body = &i->body, .x = i->xhdr, .nx = i->nxhdr };
	struct request_out o = { .method = SIP_INVITE, .user_kind = TX_USER_INVITE,
				 .dest = &i->dest, .login = opts_of(i)->login };
	struct ses *x = NULL;
	uint64_t tx;

	if (i->dest.listener < s->nlsn && usable(s, &a))
		x = new_call(s, i);
	if (!x)
		return 0;
	(void)sip_text(s);	/* emptied */
	init_dialog(s, x, i);
	ses_link(s, x);
	dialog_write(&x->d, &s->text, SIP_INVITE, x->cseq, i->max_forwards ? i->max_forwards : 70);
	x->loop = i->received.n ? sip_loop(s, i->received) : 0;
	sid_begin(x, i->session_id, NULL);
	sid_write(&s->text, x);
	ses_write_invite(s, x, &a);
	o.user = x->id;
	tx = client_send(s, &o);
	x = ses_get(s, o.user);
	if (x && !tx) {
		ses_free(s, x);
		return 0;
	}
	if (!x)
		return o.user;	/* it failed at once: the event is queued */
	x->invite = tx;
	x->first_response = i->first_response < UINT16_MAX ? (uint16_t)i->first_response : 0;
	ses_deadline(x, x->first_response);
	return o.user;
}

enum err sip_cancel(struct sip *s, uint64_t session, const struct sip_xhdr *h, int nx)
{
	struct ses *x = ses_get(s, session);
	struct ses_arg a = { .x = h, .nx = nx };

	return x ? ses_step(s, x, SES_DO_CANCEL, &a) : ERR_GONE;
}

void sip_abandon(struct sip *s, uint64_t session)
{
	struct ses *x = ses_get(s, session);
	struct ses_arg a = { .status = 480 };

	if (!x)
		return;
	x->muted = true;
	if (ses_can(x, SES_DO_CANCEL))
		(void)ses_step(s, x, SES_DO_CANCEL, &a);	/* what is possible */
	else if (ses_can(x, SES_DO_REJECT))
		(void)ses_step(s, x, SES_DO_REJECT, &a);	/* likewise */
	else
		(void)ses_step(s, x, SES_DO_BYE, &a);		/* likewise */
}

enum err sip_own(struct sip *s, uint64_t session, uint64_t owner, const struct sip_opts *o)
{
	struct ses *x = ses_get(s, session);

	if (!x)
		return ERR_GONE;
	x->owner = owner;
	transport_prove(s, x->flow);	/* it may ring long without a word */
	if (o)
		x->opts = o;
	return OK;
}

static enum err command(struct sip *s, uint64_t session, enum ses_in in, struct ses_arg *a)
{
	struct ses *x = ses_get(s, session);

	if (!x)
		return ERR_GONE;
	if (!ses_can(x, in))
		return ERR_STATE;
	if (!usable(s, a))
		return ERR_LIMIT;
	return ses_step(s, x, in, a);
}

enum { FORKS = 26 };

/* NOLINTNEXTLINE(readability-function-size): one more than six, as its twin without a tag */
enum err sip_ring_tag(struct sip *s, uint64_t session, int tag, unsigned status,
		      const struct sip_body *b, const struct sip_xhdr *h, int nx)
{
	struct ses_arg a = { .status = status, .body = b, .x = h, .nx = nx, .fork = tag };

	if (status < 101 || status > 199 || tag < 0 || tag >= FORKS)
		return ERR_RANGE;
	return command(s, session, SES_DO_RING, &a);
}

enum err sip_ring(struct sip *s, uint64_t session, unsigned status, const struct sip_body *b,
		  const struct sip_xhdr *h, int nx)
{
	return sip_ring_tag(s, session, 0, status, b, h, nx);
}

enum err sip_answer_tag(struct sip *s, uint64_t session, int tag, const struct sip_body *b,
			const struct sip_xhdr *h, int nx)
{
	struct ses_arg a = { .status = 200, .body = b, .x = h, .nx = nx, .fork = tag };

	const struct ses *x = ses_get(s, session);

	if (tag < 0 || tag >= FORKS)
		return ERR_RANGE;
	return command(s, session, x && rel_holds_answer(x) ? SES_DO_ANSWER_LATER : SES_DO_ANSWER,
		       &a);
}

enum err sip_answer(struct sip *s, uint64_t session, const struct sip_body *b,
		    const struct sip_xhdr *h, int nx)
{
	return sip_answer_tag(s, session, 0, b, h, nx);
}

enum err sip_reject(struct sip *s, uint64_t session, unsigned status, const char *phrase,
		    const struct sip_xhdr *h, int nx)
{
	struct ses_arg a = { .status = status, .phrase = phrase, .x = h, .nx = nx };

	if (status < 300 || status > 699)
		return ERR_RANGE;
	return command(s, session, SES_DO_REJECT, &a);
}

enum err sip_ack(struct sip *s, uint64_t session, const struct sip_body *b)
{
	struct ses *x = ses_get(s, session);
	struct ses_arg a = { .body = b };

	if (!x)
		return ERR_GONE;
	if (!usable(s, &a))
		return ERR_LIMIT;
	if (x->re == RE_OUT_ACK)
		return re_step(s, x, RE_DO_ACK, &a);
	return ses_step(s, x, SES_DO_ACK, &a);
}

enum err sip_reinvite(struct sip *s, uint64_t session, const struct sip_body *b,
		      const struct sip_xhdr *h, int nx)
{
	struct ses *x = ses_get(s, session);
	struct ses_arg a = { .body = b, .x = h, .nx = nx };

	if (!x)
		return ERR_GONE;
	if (x->state != SES_UP || !re_can(x, RE_DO_INVITE))
		return ERR_STATE;
	if (!usable(s, &a))
		return ERR_LIMIT;
	return re_step(s, x, RE_DO_INVITE, &a);
}

enum err sip_reinvite_answer(struct sip *s, uint64_t session, unsigned status,
			     const struct sip_body *b, const struct sip_xhdr *h, int nx)
{
	struct ses *x = ses_get(s, session);
	struct ses_arg a = { .status = status, .body = b, .x = h, .nx = nx };

	if (!x)
		return ERR_GONE;
	if (status < 200 || status > 699)
		return ERR_RANGE;
	if (!re_can(x, RE_DO_ANSWER))
		return ERR_STATE;
	if (!usable(s, &a))
		return ERR_LIMIT;
	return re_step(s, x, status < 300 ? RE_DO_ANSWER : RE_DO_REFUSE, &a);
}

enum err sip_bye(struct sip *s, uint64_t session, const struct sip_xhdr *h, int nx)
{
	struct ses_arg a = { .x = h, .nx = nx };

	return command(s, session, SES_DO_BYE, &a);
}

enum err sip_session_info(struct sip *s, uint64_t session, struct sip_info *out)
{
	const struct ses *x = ses_get(s, session);

	if (!x)
		return ERR_GONE;
	*out = (struct sip_info){ .peer = x->peer, .listener = x->listener,
				  .transport = (enum sip_transport)x->transport };
	(void)str_copy(out->call_id, sizeof out->call_id,
		       str_sub(x->d.call_id, 0, sizeof out->call_id - 1));
	(void)str_copy(out->local_tag, sizeof out->local_tag,
		       str_sub(x->d.local_tag, 0, sizeof out->local_tag - 1));
	if (x->sid) {
		memcpy(out->session_local, x->sid->local, sizeof out->session_local);
		memcpy(out->session_remote, x->sid->remote, sizeof out->session_remote);
	}
	(void)str_copy(out->remote_tag, sizeof out->remote_tag,
		       str_sub(str_of(x->d.remote_tag), 0, sizeof out->remote_tag - 1));
	return OK;
}

/* --- the BYE after a restart --- */

/* More than a live session ever used: 12.2.2 takes any higher CSeq, and the saved one may
 * be older than the last re-INVITE. */
enum { CSEQ_JUMP = 1000 };

size_t sip_dialog_save(struct sip *s, uint64_t session, uint8_t *dst, size_t cap)
{
	const struct ses *x = ses_get(s, session);
	char at[ADDR_TEXT] = "";
	struct sip_dest d;
	struct buf b;

	if (!x || !x->d.text)
		return 0;
	ses_dest(s, x, &d);
	buf_init(&b, (char *)dst, cap);
	buf_ch(&b, (char)d.listener);
	buf_ch(&b, (char)d.transport);
	if (d.addr.family)
		(void)addr_text(&d.addr, at);
	buf_fmt(&b, "%s %u %s %s\n", d.host[0] ? d.host : "-", d.port,
		d.tls_name[0] ? d.tls_name : "-", at[0] ? at : "-");
	dialog_save(&x->d, &b);
	return buf_ok(&b) ? b.n : 0;
}

static bool word(struct str *line, struct str *w)
{
	struct str rest;
	bool more = str_cut(*line, ' ', w, &rest);

	if (str_is(*w, "-"))
		*w = STR("");
	*line = rest;
	return more;
}

static enum err load_dest(struct sip *s, struct str *saved, struct sip_dest *d)
{
	struct str line, host, port, name, at;
	uint32_t p;

	if (saved->n < 3 || (unsigned char)saved->p[0] >= s->nlsn ||
	    (unsigned char)saved->p[1] >= SIP_NTRANSPORT)
		return ERR_PARSE;
	*d = (struct sip_dest){ .listener = (unsigned char)saved->p[0],
				.transport = (enum sip_transport)saved->p[1] };
	if (!str_cut(str_sub(*saved, 2, saved->n), '\n', &line, saved) || !word(&line, &host) ||
	    !word(&line, &port) || !word(&line, &name))
		return ERR_PARSE;
	(void)word(&line, &at);		/* the last one */
	if (str_u32(port, 65535, &p) != OK || !str_copy(d->host, sizeof d->host, host) ||
	    !str_copy(d->tls_name, sizeof d->tls_name, name))
		return ERR_PARSE;
	d->port = (uint16_t)p;
	return at.n ? addr_parse(at, 0, &d->addr) : OK;
}

enum err sip_dialog_bye_saved(struct sip *s, struct str saved, const struct sip_xhdr *h, int nx)
{
	struct sip_dest d;
	struct dialog dlg;
	struct request_out o = { .method = SIP_BYE, .user_kind = TX_USER_NONE, .dest = &d };
	enum err e = load_dest(s, &saved, &d);

	if (e == OK)
		e = dialog_load(&dlg, saved, &saved);
	if (e != OK)
		return e;
	o.login = client_login_of(s, str_of(d.host));
	dialog_write(&dlg, sip_text(s), SIP_BYE, dlg.local_cseq + CSEQ_JUMP, 70);
	sip_write_agent(s, &s->text, NULL);
	sip_write_xhdr(&s->text, h, nx);
	sip_write_body(&s->text, NULL);
	dialog_close(&dlg);
	return client_send(s, &o) ? OK : ERR_LIMIT;
}
