#include <string.h>

#include "sim/flow.h"

/* Sockets and streams of the scripted peers. */

enum { STREAM_MAX = 256 * 1024 };

static bool blank_line(const char *p, size_t n, size_t *at)
{
	for (size_t i = 0; i + 4 <= n; i++)
		if (!memcmp(p + i, "\r\n\r\n", 4)) {
			*at = i + 4;
			return true;
		}
	return false;
}

/* One whole message at the front of the stream's bytes; false: not there yet. */
static bool take_message(struct flow_stream *s)
{
	char value[32], *text;
	size_t head, n;

	while (s->n >= 2 && !memcmp(s->bytes, "\r\n", 2)) {	/* keep-alive */
		s->n -= 2;
		memmove(s->bytes, s->bytes + 2, s->n);
	}
	if (!blank_line(s->bytes, s->n, &head))
		return false;
	text = mem_dup(s->bytes, head);
	(void)flow_header(text, "Content-Length", 0, value, sizeof value);
	mem_free(text);
	n = head + flow_number(value, 0);
	if (s->n < n)
		return false;
	text = mem_dup(s->bytes, n);
	s->n -= n;
	memmove(s->bytes, s->bytes + n, s->n);
	flow_arrived(s->peer, s->id, text, n);
	mem_free(text);
	return true;
}

static void on_stream(void *ctx, net_id id, enum net_event ev, struct str bytes,
		      const struct net_stream_info *info)
{
	struct flow_stream *s = ctx;

	(void)id;
	(void)info;
	if (ev == NET_OPEN)
		s->open = true;
	if (ev == NET_CLOSED) {
		s->open = false;
		s->id = 0;
		s->peer->closed++;
		flow_ladder(s->peer->f, "%-8s connection closed", s->peer->name);
	}
	if (ev != NET_DATA || s->n + bytes.n > STREAM_MAX)
		return;
	memcpy(s->bytes + s->n, bytes.p, bytes.n);
	s->n += bytes.n;
	while (take_message(s))
		;
}

static struct flow_stream *stream_new(struct flow_peer *p)
{
	struct flow_stream *s;

	for (int i = 0; i < p->nstreams; i++)
		if (!p->stream[i]->id) {
			p->stream[i]->n = 0;
			return p->stream[i];
		}
	if (p->nstreams == FLOW_STREAMS)
		return NULL;
	s = mem_new(sizeof *s);
	s->peer = p;
	s->bytes = mem_new(STREAM_MAX + 1);
	p->stream[p->nstreams++] = s;
	return s;
}

static void *on_accepted(void *ctx, net_id id, const struct net_stream_info *info);

static const struct net_stream_handler streams = { .accepted = on_accepted, .event = on_stream };

static void *on_accepted(void *ctx, net_id id, const struct net_stream_info *info)
{
	struct flow_stream *s;

	(void)info;
	if (!ctx)
		return NULL;
	s = stream_new(ctx);
	if (!s)
		return NULL;
	s->id = id;
	s->open = true;
	s->ours = false;
	return s;
}

/* Our own connection to the server, opened when there is none. 0: it does not open. */
net_id flow_peer_connect(struct flow_peer *p)
{
	struct net_connect c = { .to = p->server, .from = p->at, .secure = p->transport == FLOW_TLS,
				 .h = &streams };
	struct flow_stream *s;

	for (int i = 0; i < p->nstreams; i++)
		if (p->stream[i]->id && p->stream[i]->ours && p->stream[i]->open)
			return p->stream[i]->id;
	s = stream_new(p);
	if (!s)
		return 0;
	c.from.port = 0;
	c.ctx = s;
	s->ours = true;
	s->open = false;
	s->id = net_connect(p->f->loop, &c);
	for (int i = 0; i < 50 && s->id && !s->open; i++)
		sim_for(p->f->loop, 1);
	return s->open ? s->id : 0;
}

void flow_peer_send(struct flow_peer *p, net_id stream, const char *text)
{
	if (p->transport == FLOW_UDP)
		net_udp_send(p->f->loop, p->sock, &p->at, &p->server, str_of(text));
	else if (stream)
		net_write(p->f->loop, stream, str_of(text));
	else
		flow_fail(p->f, "%s has no connection", p->name);
}

static void on_datagram(void *ctx, net_id sock, const struct addr *from, const struct addr *to,
			struct str bytes)
{
	char *text = mem_dup(bytes.p, bytes.n);

	(void)sock;
	(void)from;
	(void)to;
	if (bytes.n > 4)
		flow_arrived(ctx, 0, text, bytes.n);
	mem_free(text);
}

/* --- life ------------------------------------------------------------------------- */

static void bind_peer(struct flow_peer *p)
{
	static const struct net_dgram_handler datagrams = { on_datagram };
	int err_no = 0;

	if (p->transport == FLOW_UDP)
		p->sock = net_udp_bind(p->f->loop, &p->at, &datagrams, p, &err_no);
	else
		p->listener = net_listen(p->f->loop, &p->at, NULL, &streams, p, &err_no);
	if (!p->sock && !p->listener)
		flow_fail(p->f, "peer %s cannot bind", p->name);
}

static void defaults_of_teams(struct flow_peer *p)
{
	const char *n = strstr(p->name, "2") ? "2" : strstr(p->name, "3") ? "3" : "";

	p->teams = true;
	flow_put(p->host, sizeof p->host, "sip%s.pstnhub.microsoft.com", n);
	flow_put(p->contact, sizeof p->contact,
		 "<sip:api-du-a-euwe.pstnhub.microsoft.com:443;x-i=a1b2;x-c=c3d4/s/1/e5>");
	flow_put(p->rr, sizeof p->rr, "<sip:%s:5061;transport=tls;lr>", p->host);
}

static bool known_listener(struct flow_peer *p, const char *name)
{
	static const struct { const char *name; const char *at; enum flow_transport t; } row[] = {
		{ "phones", "10.0.0.1:5060", FLOW_UDP }, { "phones-tcp", "10.0.0.1:5060", FLOW_TCP },
		{ "pbx", "10.0.0.1:5062", FLOW_UDP }, { "teams", "10.0.0.1:5061", FLOW_TLS },
	};

	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		if (!strcmp(row[i].name, name)) {
			(void)addr_parse(str_of(row[i].at), 0, &p->server);
			p->transport = row[i].t;
			return true;
		}
	return false;
}

/* peer NAME ADDRESS via LISTENER [auth=1001] [password=x] [options] */
struct flow_peer *flow_peer_new(struct flow *f, const struct flow_args *a)
{
	struct flow_peer *p;
	const char *v;

	if (a->n < 5 || f->npeers == FLOW_PEERS) {
		flow_fail(f, "write: peer NAME ADDRESS via LISTENER");
		return NULL;
	}
	p = mem_new(sizeof *p);
	f->peer[f->npeers++] = p;
	p->f = f;
	flow_put(p->name, sizeof p->name, "%s", a->v[1]);
	if (!known_listener(p, a->v[4]) ||
	    addr_parse(str_of(a->v[2]), p->transport == FLOW_TLS ? 5061 : 5060, &p->at))
		flow_fail(f, "peer: address or listener is not known");
	flow_put(p->host, sizeof p->host, "%.*s", (int)strcspn(a->v[2], ":"), a->v[2]);
	if (p->transport == FLOW_TLS)
		defaults_of_teams(p);
	v = flow_arg(a, "auth");
	flow_put(p->auth, sizeof p->auth, "%s", v ? v : "");
	v = flow_arg(a, "password");
	flow_put(p->password, sizeof p->password, "%s", v ? v : "secret");
	p->no487 = flow_word(a, "no487");
	p->no100 = flow_word(a, "no100");
	p->noauto = flow_word(a, "noauto");
	p->mute = flow_word(a, "mute");
	p->norr = flow_word(a, "norr");
	p->silent_options = flow_word(a, "no-options");
	p->sha256 = flow_word(a, "sha256");
	p->options_status = (int)flow_number(flow_arg(a, "options"), 200);
	if (flow_word(a, "unregistered"))
		p->challenge = mem_dup("", 0);
	p->next_port = 30000;
	p->plain = mem_new(sizeof *p->plain);
	p->plain->peer = p;
	flow_put(p->plain->local_tag, sizeof p->plain->local_tag, "plain-%s", p->name);
	bind_peer(p);
	return p;
}

void flow_peer_free(struct flow_peer *p)
{
	for (int i = 0; i < p->ndialogs; i++) {
		flow_media_close(&p->dialog[i]->media);
		mem_free(p->dialog[i]->invite);
		mem_free(p->dialog[i]->request);
		mem_free(p->dialog[i]->sent);
		mem_free(p->dialog[i]);
	}
	for (int i = 0; i < p->ninbox; i++)
		mem_free(p->inbox[i].text);
	for (int i = 0; i < p->nstreams; i++) {
		mem_free(p->stream[i]->bytes);
		mem_free(p->stream[i]);
	}
	mem_free(p->plain->request);
	mem_free(p->plain);
	mem_free(p->challenge);
	mem_free(p);
}

struct flow_peer *flow_peer_of(struct flow *f, const char *name)
{
	size_t n = strcspn(name, "/");

	for (int i = 0; i < f->npeers; i++)
		if (strlen(f->peer[i]->name) == n && !strncmp(f->peer[i]->name, name, n))
			return f->peer[i];
	return NULL;
}

struct flow_dialog *flow_dialog_new(struct flow_peer *p)
{
	struct flow_dialog *d;

	if (p->ndialogs == FLOW_DIALOGS) {
		flow_fail(p->f, "%s has too many calls", p->name);
		return p->dialog[0];
	}
	d = mem_new(sizeof *d);
	d->peer = p;
	d->cseq = 1;
	p->dialog[p->ndialogs++] = d;
	flow_put(d->local_tag, sizeof d->local_tag, "%s%u", p->name, ++p->f->serial);
	flow_put(d->call_id, sizeof d->call_id, "call%u-%s@%s", p->f->serial, p->name, p->host);
	return d;
}

struct flow_dialog *flow_dialog_by_id(struct flow_peer *p, const char *call_id)
{
	for (int i = 0; i < p->ndialogs; i++)
		if (!strcmp(p->dialog[i]->call_id, call_id))
			return p->dialog[i];
	return !strcmp(p->plain->call_id, call_id) ? p->plain : NULL;
}

/* Time goes on to `at`, or until something new came for this peer (true). */
bool flow_run_until(struct flow *f, ms_t at, const struct flow_peer *news)
{
	int had = news ? news->ninbox : 0;

	while (timers_next(&f->loop->timers) <= at) {
		(void)sim_step(f->loop);
		if (news && news->ninbox > had)
			return true;
	}
	sim_until(f->loop, at);
	return false;
}
