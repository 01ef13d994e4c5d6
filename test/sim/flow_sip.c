#include <ctype.h>
#include <string.h>

#include "sim/flow.h"

/* Responses and what peers learn of a dialog; requests are in flow_request.c. */

static void append_route(struct flow_dialog *d, const char *value, bool front)
{
	char old[sizeof d->route];

	flow_put(old, sizeof old, "%s", d->route);
	if (!old[0])
		flow_put(d->route, sizeof d->route, "%s", value);
	else if (front)
		flow_put(d->route, sizeof d->route, "%s, %s", value, old);
	else
		flow_put(d->route, sizeof d->route, "%s, %s", old, value);
}

/* RFC 3261 12.1: tags, target and route set, from the request or the response. */
void flow_learn(struct flow_dialog *d, const char *text, bool request)
{
	char value[700], tag[64];

	(void)flow_header(text, request ? "From" : "To", 0, value, sizeof value);
	if (flow_param(value, "tag", tag, sizeof tag))
		flow_put(d->remote_tag, sizeof d->remote_tag, "%s", tag);
	if (request)
		flow_uri(value, d->remote, sizeof d->remote);
	if (request && flow_header(text, "To", 0, value, sizeof value))
		flow_uri(value, d->local, sizeof d->local);
	if (!flow_header(text, "Contact", 0, value, sizeof value))
		return;
	flow_uri(value, d->target, sizeof d->target);
	d->route[0] = '\0';
	for (int i = 0; flow_header(text, "Record-Route", i, value, sizeof value); i++)
		append_route(d, value, !request);
}

void flow_extra(const struct flow_args *a, struct buf *b)
{
	for (int i = 0; i < a->n; i++)
		if (!strncmp(a->v[i], "hdr:", 4))
			buf_fmt(b, "%s\r\n", a->v[i] + 4);
}

void flow_contact(const struct flow_dialog *d, struct buf *b)
{
	static const char *const transport[] = { "", ";transport=tcp", ";transport=tls" };
	const struct flow_peer *p = d->peer;
	char at[ADDR_TEXT];

	if (p->contact[0])
		buf_fmt(b, "Contact: %s\r\n", p->contact);
	else
		buf_fmt(b, "Contact: <sip:%s@%s%s>\r\n", p->auth[0] ? p->auth : p->name,
			addr_text(&p->at, at), transport[p->transport]);
}

static void copy_all(const char *from, const char *name, struct buf *b)
{
	char value[700];

	for (int i = 0; flow_header(from, name, i, value, sizeof value); i++)
		buf_fmt(b, "%s: %s\r\n", name, value);
}

static void body(struct flow_dialog *d, const struct flow_args *a, struct buf *b)
{
	char sdp[2000];

	flow_sdp_write(d, a, sdp, sizeof sdp);
	if (sdp[0])
		buf_lit(b, "Content-Type: application/sdp\r\n");
	buf_fmt(b, "Content-Length: %zu\r\n\r\n%s", strlen(sdp), sdp);
}

static const char *phrase(unsigned status)
{
	static const struct { unsigned s; const char *text; } row[] = {
		{ 100, "Trying" }, { 180, "Ringing" }, { 183, "Session Progress" }, { 200, "OK" },
		{ 404, "Not Found" }, { 408, "Request Timeout" }, { 480, "Temporarily Unavailable" },
		{ 486, "Busy Here" }, { 487, "Request Terminated" }, { 488, "Not Acceptable Here" },
		{ 503, "Service Unavailable" }, { 600, "Busy Everywhere" }, { 603, "Decline" },
	};

	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		if (row[i].s == status)
			return row[i].text;
	return "Response";
}

void flow_respond(struct flow_dialog *d, const char *request, unsigned status,
		  const struct flow_args *a)
{
	struct flow_peer *p = d->peer;
	bool invite = !strncmp(request, "INVITE", 6);
	char *text = mem_new(FLOW_TEXT), value[700];
	struct buf b;

	buf_init(&b, text, FLOW_TEXT);
	buf_fmt(&b, "SIP/2.0 %u %s\r\n", status, phrase(status));
	copy_all(request, "Via", &b);
	copy_all(request, "Record-Route", &b);
	if (invite && p->rr[0] && !p->norr)
		buf_fmt(&b, "Record-Route: %s\r\n", p->rr);
	copy_all(request, "From", &b);
	if (flow_arg(a, "tag"))
		flow_put(d->local_tag, sizeof d->local_tag, "%s", flow_arg(a, "tag"));
	(void)flow_header(request, "To", 0, value, sizeof value);
	if (status > 100 && !strstr(value, ";tag="))
		buf_fmt(&b, "To: %s;tag=%s\r\n", value, d->local_tag);
	else
		buf_fmt(&b, "To: %s\r\n", value);
	copy_all(request, "Call-ID", &b);
	copy_all(request, "CSeq", &b);
	if (invite && status > 100 && status < 300 && flow_arg(a, "contact"))
		buf_fmt(&b, "Contact: %s\r\n", flow_arg(a, "contact"));
	else if (invite && status > 100 && status < 300)
		flow_contact(d, &b);
	flow_extra(a, &b);
	body(d, a, &b);
	if (invite && status >= 200)
		d->answered = true;
	flow_ladder(p->f, "%-8s > %u", p->name, status);
	flow_peer_send(p, d->stream, buf_z(&b));
	mem_free(text);
}

/* --- the script sends ----------------------------------------------------------------- */

static void send_response(struct flow_dialog *d, const struct flow_args *a)
{
	const char *to = flow_arg(a, "for") ? d->request : d->invite;

	if (!to)
		flow_fail(d->peer->f, "%s has nothing to answer", d->peer->name);
	else
		flow_respond(d, to, flow_number(a->v[0], 500), a);
}

void flow_send(struct flow_peer *p, struct flow_dialog *d, const struct flow_args *a)
{
	const char *what = a->n ? a->v[0] : "";
	bool fresh = !strcmp(what, "INVITE");
	bool event = (!strcmp(what, "SUBSCRIBE") || !strcmp(what, "NOTIFY")) && !flow_word(a, "in-dialog");
	bool refer = !d && !strcmp(what, "REFER");

	if (fresh || event || refer) {
		d = flow_dialog_new(p);
		d->uac = fresh;
		p->now = d;
	}
	if (!strcmp(what, "REGISTER") || (!strcmp(what, "OPTIONS") && !flow_word(a, "in-dialog")))
		d = p->plain;
	if (!d) {
		flow_fail(p->f, "%s has no call", p->name);
		return;
	}
	if (isdigit((unsigned char)what[0])) {
		send_response(d, a);
		return;
	}
	if (fresh || !strcmp(what, "re-INVITE")) {
		mem_free(d->sent);
		d->sent = mem_dup(p->f->text, strlen(p->f->text));
		d->reinvite = !fresh;
	}
	flow_request(d, strcmp(what, "re-INVITE") != 0 ? what : "INVITE", a);
}

/* REGISTER, 401, REGISTER with credentials, 200: at the start of phones that have a user. */
void flow_register(struct flow_peer *p)
{
	struct flow_args a = { .n = 0 };

	if (!p->auth[0] || p->challenge)
		return;
	for (int i = 0; i < 2; i++) {
		flow_request(p->plain, "REGISTER", &a);
		(void)flow_run_until(p->f, p->f->loop->now + FLOW_WAIT_MS, NULL);
	}
	if (!p->ninbox || p->inbox[p->ninbox - 1].status != 200)
		flow_fail(p->f, "%s could not register", p->name);
	for (int i = 0; i < p->ninbox; i++)
		p->inbox[i].used = true;
}
