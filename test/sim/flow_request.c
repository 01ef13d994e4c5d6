#include <stdio.h>
#include <string.h>

#include "sim/flow.h"

/* Requests that peers write. */

static const char *const via_name[] = { "UDP", "TCP", "TLS" };

static void first_uris(struct flow_dialog *d, const char *method, const struct flow_args *a)
{
	struct flow_peer *p = d->peer;
	char at[ADDR_TEXT];
	const char *number = a->n > 1 && !strchr(a->v[1], '=') ? a->v[1] : "";
	const char *server = p->teams ? "sbc.contoso.com:5061" : addr_text(&p->server, at);
	const char *from = flow_arg(a, "from");

	if (!strcmp(method, "REGISTER") || !number[0])
		flow_put(d->ruri, sizeof d->ruri, "sip:%s", server);
	else
		flow_put(d->ruri, sizeof d->ruri, "sip:%s@%s%s", number, server,
			 p->teams ? ";user=phone;transport=tls" : "");
	if (flow_arg(a, "ruri"))
		flow_put(d->ruri, sizeof d->ruri, "%s", flow_arg(a, "ruri"));
	if (!from)
		from = p->auth[0] ? p->auth : p->teams ? "+14255559999" : "2001";
	flow_put(d->local, sizeof d->local, "sip:%s@%s%s", from, p->auth[0] ? server : p->host,
		 p->teams ? ";user=phone" : "");
	if (!strcmp(method, "REGISTER"))
		flow_put(d->remote, sizeof d->remote, "%s", d->local);
	else
		flow_put(d->remote, sizeof d->remote, "%s", d->ruri);
	if (flow_arg(a, "to-uri"))
		flow_put(d->remote, sizeof d->remote, "%s", flow_arg(a, "to-uri"));
	if (!d->call_id[0])
		flow_put(d->call_id, sizeof d->call_id, "plain-%s", p->name);
	if (flow_arg(a, "call-id"))
		flow_put(d->call_id, sizeof d->call_id, "%s", flow_arg(a, "call-id"));
}

static bool opens_dialog(const struct flow_dialog *d, const char *method)
{
	return !d->remote_tag[0] || d == d->peer->plain || !strcmp(method, "REGISTER");
}

static uint32_t next_cseq(struct flow_dialog *d, const char *method)
{
	if (!strcmp(method, "ACK") || !strcmp(method, "CANCEL"))
		return d->invite_cseq;
	d->cseq++;
	if (!strcmp(method, "INVITE"))
		d->invite_cseq = d->cseq;
	return d->cseq;
}

static void top(struct flow_dialog *d, const char *method, const struct flow_args *a, struct buf *b)
{
	struct flow_peer *p = d->peer;
	bool first = opens_dialog(d, method);
	bool cancel = !strcmp(method, "CANCEL"), outside = first || (cancel && !d->reinvite);
	char at[ADDR_TEXT], mf[12], branch[80];
	const char *hops = flow_arg(a, "max-forwards");

	flow_put(mf, sizeof mf, "%s", hops ? hops : "70");
	flow_put(branch, sizeof branch, "z9hG4bK-%s-%u", p->name, ++p->f->serial);
	if (!strcmp(method, "INVITE"))
		flow_put(d->branch, sizeof d->branch, "%s", branch);
	buf_fmt(b, "%s %s SIP/2.0\r\n", method, outside || !d->target[0] ? d->ruri : d->target);
	buf_fmt(b, "Via: SIP/2.0/%s %s;branch=%s;rport\r\n", via_name[p->transport],
		addr_text(&p->at, at), cancel ? d->branch : branch);
	if (!outside && d->route[0])
		buf_fmt(b, "Route: %s\r\n", d->route);
	buf_fmt(b, "Max-Forwards: %s\r\n", mf);
	buf_fmt(b, "From: %s%s<%s>;tag=%s\r\n", flow_arg(a, "name") ? flow_arg(a, "name") : "",
		flow_arg(a, "name") ? " " : "", d->local, d->local_tag);
	buf_fmt(b, "To: <%s>%s%s\r\n", d->remote, outside ? "" : ";tag=",
		outside ? "" : d->remote_tag);
	buf_fmt(b, "Call-ID: %s\r\n", d->call_id);
	buf_fmt(b, "CSeq: %u %s\r\n", next_cseq(d, method), method);
}

static void contact(struct flow_dialog *d, const char *method, const struct flow_args *a,
		    struct buf *b)
{
	struct flow_peer *p = d->peer;
	const char *expires = flow_arg(a, "expires");

	if (!strcmp(method, "REGISTER")) {
		if (flow_arg(a, "contact"))
			buf_fmt(b, "Contact: %s\r\n", flow_arg(a, "contact"));
		else if (!flow_word(a, "no-contact"))
			flow_contact(d, b);
		buf_fmt(b, "Expires: %s\r\n", expires ? expires : "3600");
	} else if (!strcmp(method, "PRACK")) {
		buf_fmt(b, "RAck: %s %u INVITE\r\n", d->rseq, d->invite_cseq);
	} else if (!strcmp(method, "UPDATE") || !strcmp(method, "SUBSCRIBE") || !strcmp(method, "NOTIFY")) {
		flow_contact(d, b);
	} else if (!strcmp(method, "INVITE")) {
		flow_contact(d, b);
		if (p->rr[0] && !p->norr)
			buf_fmt(b, "Record-Route: %s\r\n", p->rr);
		buf_lit(b, "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY\r\n");
	}
}

/* body="a|b|": each bar ends a line. */
static void other_body(const struct flow_args *a, char *dst, size_t cap)
{
	const char *text = flow_arg(a, "body");
	struct buf b;

	if (!text)
		return;
	buf_init(&b, dst, cap);
	for (; *text; text++)
		if (*text == '|')
			buf_lit(&b, "\r\n");
		else
			buf_ch(&b, *text);
	(void)buf_z(&b);	/* a line of a flow fits */
}

void flow_request(struct flow_dialog *d, const char *method, const struct flow_args *a)
{
	struct flow_peer *p = d->peer;
	char *text = mem_new(FLOW_TEXT), sdp[2000], auth[1200];
	net_id stream = p->transport == FLOW_UDP ? 0 : flow_peer_connect(p);
	bool may_auth = p->auth[0] && !flow_word(a, "noauth");
	struct buf b;

	buf_init(&b, text, FLOW_TEXT);
	if (opens_dialog(d, method) && strcmp(method, "CANCEL") != 0 && strcmp(method, "ACK") != 0)
		first_uris(d, method, a);
	top(d, method, a, &b);
	contact(d, method, a, &b);
	if (may_auth && opens_dialog(d, method) && strcmp(method, "CANCEL") != 0 &&
	    flow_credentials(p, method, d->ruri, auth, sizeof auth))
		buf_lit(&b, auth);
	flow_extra(a, &b);
	flow_sdp_write(d, a, sdp, sizeof sdp);
	other_body(a, sdp, sizeof sdp);
	if (sdp[0])
		buf_fmt(&b, "Content-Type: %s\r\n", flow_arg(a, "type") ? flow_arg(a, "type") : "application/sdp");
	buf_fmt(&b, "Content-Length: %zu\r\n\r\n%s", strlen(sdp), sdp);
	flow_ladder(p->f, "%-8s > %s", p->name, method);
	flow_peer_send(p, stream, buf_z(&b));
	mem_free(text);
}

/* The same INVITE with the credentials asked for. */
bool flow_invite_again(struct flow_dialog *d)
{
	struct flow_args all, a;

	flow_split(d->sent, &all);
	flow_tail(&all, ">", &a);
	if (flow_word(&a, "noauth") || d->cseq > 3)
		return false;
	d->remote_tag[0] = '\0';
	flow_request(d, "INVITE", &a);
	return true;
}

/* A final answer to our INVITE: hop by hop when it failed, end to end when it did not. */
void flow_auto_ack(struct flow_dialog *d, const char *response)
{
	struct flow_peer *p = d->peer;
	struct flow_args all = { .n = 0 }, a, none = { .n = 0 };
	char to[400], text[3000], at[ADDR_TEXT], sdp[80], dir[40];
	const char *spec;

	if (d->sent)
		flow_split(d->sent, &all);
	flow_tail(&all, ">", &a);
	if (response[8] == '2') {
		spec = flow_arg(&a, "ack-sdp");
		flow_put(sdp, sizeof sdp, "sdp=%s", spec ? spec : "");
		if (spec)
			none.v[none.n++] = sdp;
		flow_put(dir, sizeof dir, "dir=%s", flow_arg(&a, "ack-dir") ? flow_arg(&a, "ack-dir") : "sendrecv");
		none.v[none.n++] = dir;
		if (!flow_word(&a, "noack"))
			flow_request(d, "ACK", &none);
		return;
	}
	(void)flow_header(response, "To", 0, to, sizeof to);
	flow_put(text, sizeof text, "ACK %s SIP/2.0\r\nVia: SIP/2.0/%s %s;branch=%s;rport\r\n"
		 "Max-Forwards: 70\r\nFrom: <%s>;tag=%s\r\nTo: %s\r\nCall-ID: %s\r\n"
		 "CSeq: %u ACK\r\nContent-Length: 0\r\n\r\n", d->ruri, via_name[p->transport],
		 addr_text(&p->at, at), d->branch, d->local, d->local_tag, to, d->call_id,
		 d->invite_cseq);
	flow_peer_send(p, p->transport == FLOW_UDP ? 0 : flow_peer_connect(p), text);
}
