#include <string.h>

#include "sim/flow.h"

/* What a peer does with a message by itself: what every SIP user agent does without asking
 * its user. The rest waits in the inbox for the script. */

static void start_line(const char *text, struct flow_msg *m)
{
	char cseq[80];

	if (!strncmp(text, "SIP/2.0 ", 8)) {
		m->status = (unsigned)((text[8] - '0') * 100 + (text[9] - '0') * 10 + text[10] - '0');
		(void)flow_header(text, "CSeq", 0, cseq, sizeof cseq);
		flow_put(m->method, sizeof m->method, "%s", cseq + strcspn(cseq, " ") +
			 (cseq[strcspn(cseq, " ")] == ' '));
	} else {
		flow_put(m->method, sizeof m->method, "%.*s", (int)strcspn(text, " "), text);
	}
}

/* The same request or response again: the transaction layer would not show it. */
static bool seen_before(const struct flow_peer *p, const char *text)
{
	for (int i = 0; i < p->ninbox; i++)
		if (!strcmp(p->inbox[i].text, text))
			return true;
	return false;
}

static struct flow_msg *keep(struct flow_peer *p, net_id stream, const char *text, size_t n)
{
	struct flow_msg *m;

	if (p->ninbox == FLOW_INBOX)
		return NULL;
	m = &p->inbox[p->ninbox++];
	*m = (struct flow_msg){ .at = p->f->loop->now, .text = mem_dup(text, n), .stream = stream };
	start_line(m->text, m);
	return m;
}

static void keep_text(char **dst, const char *text)
{
	mem_free(*dst);
	*dst = mem_dup(text, strlen(text));
}

static void hear_invite(struct flow_dialog *d, struct flow_msg *m)
{
	char value[200], number[20];

	keep_text(&d->invite, m->text);
	d->stream = m->stream;
	d->answered = false;
	(void)flow_header(m->text, "CSeq", 0, value, sizeof value);
	flow_put(number, sizeof number, "%.*s", (int)strcspn(value, " "), value);
	if (!d->uac)
		d->invite_cseq = flow_number(number, 0);
}

static void auto_answer(struct flow_peer *p, struct flow_dialog *d, struct flow_msg *m)
{
	static const struct flow_args none;

	if (p->mute)
		return;
	if (!strcmp(m->method, "INVITE") && !p->no100) {
		flow_respond(d, m->text, 100, &none);
	} else if (!strcmp(m->method, "OPTIONS")) {
		p->options_seen++;
		m->used = true;
		if (!p->silent_options)
			flow_respond(d, m->text, (unsigned)p->options_status, &none);
	} else if (!strcmp(m->method, "BYE") && !p->noauto) {
		flow_respond(d, m->text, 200, &none);
	} else if (!strcmp(m->method, "CANCEL") && !p->noauto) {
		flow_respond(d, m->text, 200, &none);
		if (!p->no487 && d->invite && !d->answered)
			flow_respond(d, d->invite, 487, &none);
	}
}

static void hear_request(struct flow_peer *p, struct flow_msg *m)
{
	char id[160];
	struct flow_dialog *d;

	(void)flow_header(m->text, "Call-ID", 0, id, sizeof id);
	d = flow_dialog_by_id(p, id);
	if (!d) {
		d = strcmp(m->method, "OPTIONS") != 0 ? flow_dialog_new(p) : p->plain;
		flow_put(d->call_id, sizeof d->call_id, "%s", id);
	}
	m->d = d;
	d->stream = m->stream;
	if (d != p->plain)
		p->now = d;
	flow_learn(d, m->text, true);
	if (!strcmp(m->method, "INVITE"))
		hear_invite(d, m);
	else
		keep_text(&d->request, m->text);
	if (strstr(flow_body(m->text), "v=0"))
		flow_sdp_read(d, flow_body(m->text));
	auto_answer(p, d, m);
}

static void hear_response(struct flow_peer *p, struct flow_msg *m)
{
	char id[160], value[40];
	struct flow_dialog *d;

	(void)flow_header(m->text, "Call-ID", 0, id, sizeof id);
	d = flow_dialog_by_id(p, id);
	m->d = d;
	if (!d)
		return;
	if (m->status == 401) {
		keep_text(&p->challenge, m->text);
		p->nc = 0;
	}
	if (!strcmp(m->method, "INVITE") && m->status > 100)
		flow_learn(d, m->text, false);
	if (strstr(flow_body(m->text), "v=0"))
		flow_sdp_read(d, flow_body(m->text));
	(void)(flow_header(m->text, "RSeq", 0, value, sizeof value) &&
	       str_copy(d->rseq, sizeof d->rseq, str_of(value)));
	if (!strcmp(m->method, "INVITE") && m->status >= 200)
		flow_auto_ack(d, m->text);
	if (m->status == 401 && d->sent && p->auth[0] && !strcmp(m->method, "INVITE"))
		m->used = flow_invite_again(d);
}

/* A request again on another connection, as the old one broke: its answers go that way. */
static void moved(struct flow_peer *p, net_id stream, const char *text)
{
	char id[160];
	struct flow_dialog *d;

	(void)flow_header(text, "Call-ID", 0, id, sizeof id);
	d = flow_dialog_by_id(p, id);
	if (d && stream)
		d->stream = stream;
}

void flow_arrived(struct flow_peer *p, net_id stream, const char *text, size_t n)
{
	bool again = seen_before(p, text);
	struct flow_msg *m;
	static const struct flow_args none;

	flow_ladder(p->f, "%-8s < %.*s", p->name, (int)strcspn(text, "\r"), text);
	if (again)
		moved(p, stream, text);
	if (again && !p->mute) {
		/* A 200 again wants its ACK again, a BYE its answer. */
		if (!strncmp(text, "BYE", 3) && p->now && !p->noauto)
			flow_respond(p->now, text, 200, &none);
		if (!strncmp(text, "SIP/2.0 2", 9) && p->now && strstr(text, " INVITE\r"))
			flow_auto_ack(p->now, text);
		return;
	}
	if (again)
		return;
	m = keep(p, stream, text, n);
	if (!m)
		return;
	if (m->status)
		hear_response(p, m);
	else
		hear_request(p, m);
}
