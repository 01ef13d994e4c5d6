#include "hub/hub_int.h"

#include <string.h>

#include "base/mem.h"

void hub_guid(struct hub *h, char text[37])
{
	char x[33];
	struct buf b;

	rng_hex(&h->loop->rng, x, 16);
	buf_init(&b, text, 37);
	for (int i = 0; i < 32; i++) {
		if (i == 8 || i == 12 || i == 16 || i == 20)
			buf_ch(&b, '-');
		buf_ch(&b, x[i]);
	}
	(void)buf_z(&b);
}

void hub_reason(struct hub *h, struct buf *b, unsigned q850, const char *phrase)
{
	char guid[37];

	hub_guid(h, guid);
	buf_fmt(b, "Q.850;cause=%u;text=\"%s;%s\"", q850, guid, phrase);
}

void hub_find(struct hub *h, enum hub_rule_id id, int host, struct str what)
{
	struct hub_finding *f;
	struct buf b;

	if (h->nfinding == HUB_FINDING_MAX)
		return;
	f = &h->finding[h->nfinding++];
	*f = (struct hub_finding){ .rule = id, .host = host, .wall = h->loop->wall };
	buf_init(&b, f->what, sizeof f->what);
	buf_safe(&b, str_sub(what, 0, 36));
	(void)buf_z(&b);
	log_line(&h->loop->log, LOG_WARN, "hub: %s broken at host %d: %s %s",
		 hub_rule(id)->id, host + 1, hub_rule(id)->broken, f->what);
}

/* --- users -------------------------------------------------------------- */

struct hub_script *hub_user_of(struct hub *h, struct str number)
{
	for (int i = 0; i < h->nuser; i++)
		if (str_eq(str_of(h->user[i].number), number))
			return &h->user[i];
	return NULL;
}

enum err hub_user(struct hub *h, const struct hub_script *s)
{
	struct hub_script *u = hub_user_of(h, str_of(s->number));

	if (!u && h->nuser == HUB_USER_MAX)
		return ERR_LIMIT;
	if (!u)
		u = &h->user[h->nuser++];
	*u = *s;
	return OK;
}

void hub_deny(struct hub *h, int host, unsigned status, uint32_t retry_after_s)
{
	h->host[host].deny_status = status;
	h->host[host].deny_retry_after = retry_after_s;
}

/* --- OPTIONS -------------------------------------------------------------- */

void hub_host_identity(struct hub *h, int i, struct sip_opts *o)
{
	struct buf b;

	*o = (struct sip_opts){ .session_timer = false };
	buf_init(&b, o->user_agent, sizeof o->user_agent);
	buf_fmt(&b, "Microsoft.PSTNHub.SIPProxy v.2026.6.1.2 i.%s.%d",
		h->cfg.region ? h->cfg.region : "EUWE", i + 1);
	(void)buf_z(&b);
	o->allow = 1u << SIP_INVITE | 1u << SIP_ACK | 1u << SIP_OPTIONS | 1u << SIP_CANCEL |
		   1u << SIP_BYE | 1u << SIP_NOTIFY;
	/* Traces of 2019 and 2020 (khorsmann, jambonz): the list as it is, and no transport. */
	o->allow_text = STR(HUB_ALLOW);
	o->contact_uri = STR("sip:sip-du-a-eu.pstnhub.microsoft.com:5061");
}

/* Over a connection of its own, as the traces show. */
static void send_options(struct hub *h, struct hub_host *x)
{
	char ruri[320], to[300];
	struct buf r, t;
	struct sip_request q = { .method = SIP_OPTIONS, .owner = (uint64_t)x->index + 1 };

	buf_init(&r, ruri, sizeof ruri);
	buf_fmt(&r, "sip:%s:%u;transport=tls", x->contact_host, x->contact_port);
	q.ruri = buf_str(&r);
	buf_init(&t, to, sizeof to);
	buf_fmt(&t, "sip:%s", x->contact_host);
	q.to_uri = buf_str(&t);
	q.from_uri = STR("sip:sip-du-a-eu.pstnhub.microsoft.com:5061");
	q.dest = (struct sip_dest){ .listener = x->listener, .transport = SIP_TLS,
				    .addr = h->cfg.sbc, .port = x->contact_port,
				    .alone = true };
	q.dest.addr.port = x->contact_port;
	(void)str_copy(q.dest.host, sizeof q.dest.host, str_of(x->contact_host));
	(void)str_copy(q.dest.tls_name, sizeof q.dest.tls_name, str_of(x->contact_host));
	hub_host_identity(h, x->index, &q.opts);
	if (sip_request(x->sip, &q))
		x->options_out++;
}

static void on_ping(void *arg)
{
	struct hub_host *x = arg;

	send_options(x->hub, x);
	timer_start(&x->hub->loop->timers, &x->ping, x->hub->cfg.options_every, on_ping, x);
}

/* Silent until the border's first OPTIONS; its Contact says where ours go. */
static void wake(struct hub *h, struct hub_host *x, const struct sip_msg *m)
{
	struct sip_nameaddr na;
	struct str rest;

	if (sip_nameaddr_parse(sip_hdr(m, SIP_H_CONTACT), &na, &rest) ||
	    !str_copy(x->contact_host, sizeof x->contact_host, na.uri.host))
		return;
	x->contact_port = na.uri.port ? na.uri.port : 5061;
	if (x->awake)
		return;
	x->awake = true;
	timer_start(&h->loop->timers, &x->ping, 200, on_ping, x);
}

static void count_gap(struct hub *h, struct hub_host *x)
{
	ms_t gap = h->loop->now - x->last_options;

	if (x->options_in > 1) {
		x->gap_min = x->gap_min && x->gap_min < gap ? x->gap_min : gap;
		x->gap_max = x->gap_max > gap ? x->gap_max : gap;
		if (gap < h->cfg.options_every || gap > 3 * h->cfg.options_every)
			hub_find(h, DR_S17, x->index, STR_NONE);
	}
	x->last_options = h->loop->now;
}

struct hub_facts hub_facts_of(struct hub *h, const struct hub_user *u)
{
	return (struct hub_facts){ .cert_names = h->sbc_names[0] ? h->sbc_names : NULL,
				   .tenants = h->cfg.tenants, .user = u, .min_se = 90 };
}

void hub_reply(struct hub *h, int host, const struct sip_event *ev, enum hub_rule_id id)
{
	const struct hub_rule *r = hub_rule(id);
	struct sip_xhdr x[2] = { { STR("Reason"), STR_NONE }, { STR("Min-SE"), STR("90") } };
	char text[256];
	struct buf b;

	hub_find(h, id, host, ev->msg->call_id);
	if (!r->status)
		return;
	buf_init(&b, text, sizeof text);
	hub_reason(h, &b, r->q850 ? r->q850 : 63, r->text);
	x[0].value = buf_str(&b);
	if (ev->kind == SIP_EV_INVITE)
		(void)sip_reject(h->host[host].sip, ev->session, r->status, NULL, x,
				 id == DR_S14 ? 2 : 1);
	else
		(void)sip_respond(h->host[host].sip, ev->tsx, r->status, NULL, NULL, x, 1);
}

static void on_options(struct hub *h, struct hub_host *x, const struct sip_event *ev)
{
	struct sip_xhdr allow = { STR("Allow"), STR(HUB_ALLOW) };
	struct hub_facts f = hub_facts_of(h, NULL);
	enum hub_rule_id id = hub_check_request(ev->msg, &f);

	x->options_in++;
	count_gap(h, x);
	if (id != DR_NONE) {
		hub_reply(h, x->index, ev, id);
		return;
	}
	wake(h, x, ev->msg);
	if (x->deny_status)
		(void)sip_respond(x->sip, ev->tsx, x->deny_status, NULL, NULL, NULL, 0);
	else
		(void)sip_respond(x->sip, ev->tsx, 200, NULL, NULL, &allow, 1);
}

static void on_request(struct hub *h, struct hub_host *x, const struct sip_event *ev)
{
	struct hub_facts f = hub_facts_of(h, NULL);
	enum hub_rule_id id;

	if (ev->msg->method == SIP_OPTIONS) {
		on_options(h, x, ev);
		return;
	}
	id = hub_check_request(ev->msg, &f);
	if (id != DR_NONE)
		hub_reply(h, x->index, ev, id);
	else
		(void)sip_respond(x->sip, ev->tsx, 405, NULL, NULL, NULL, 0);
}

/* --- connections ------------------------------------------------------------ */

/* The names of the border's certificate, as its last handshake showed them. */
static void learn_names(struct hub *h, const struct tls_facts *f)
{
	int n = 0;

	for (; n < f->npeer_name && n < TLS_NAMES_MAX; n++) {
		(void)str_copy(h->sbc_name[n], sizeof h->sbc_name[n], str_of(f->peer_name[n]));
		h->sbc_names[n] = h->sbc_name[n];
	}
	h->sbc_names[n] = NULL;
}

static enum hub_rule_id refusal_rule(enum tls_refusal r)
{
	switch (r) {
	case TLS_REFUSED_NO_CERT: return DR_T2;
	case TLS_REFUSED_PURPOSE: return DR_T4;
	case TLS_REFUSED_CHAIN: case TLS_REFUSED_NAME: case TLS_REFUSED_BY_PEER: return DR_T3;
	case TLS_REFUSED_NOT: case TLS_REFUSED_VERSION: case TLS_REFUSED_SUITE:
	case TLS_REFUSED_CUT: case TLS_REFUSED_NOISE: break;
	}
	return DR_T1;
}

static void on_flow(struct hub *h, struct hub_host *x, const struct sip_event *ev)
{
	const struct tls_facts *f = ev->stream ? ev->stream->facts : NULL;

	if (ev->flow_event == NET_OPEN) {
		x->connections++;
		x->resumed += f && f->resumed;
		if (f && f->peer_cert)
			learn_names(h, f);
		return;
	}
	if (!ev->stream || ev->stream->fail != NET_FAIL_TLS || !f)
		return;
	hub_find(h, ev->stream->inbound ? refusal_rule(f->refusal) : DR_T5, x->index,
		 str_of(f->verify_text));
}

static void on_event(struct hub *h, struct hub_host *x, const struct sip_event *ev)
{
	if (ev->kind == SIP_EV_REQUEST) {
		on_request(h, x, ev);
	} else if (ev->kind == SIP_EV_RESPONSE) {
		sip_close_flow(x->sip, ev->flow);
		x->border_ok = ev->status == 200;
		x->options_ok += ev->status == 200;
		x->options_bad += ev->status != 200;
	} else if (ev->kind == SIP_EV_FLOW) {
		on_flow(h, x, ev);
	} else if (ev->kind == SIP_EV_INVITE) {
		hub_on_invite(h, x->index, ev);
	} else {
		hub_on_session(h, ev);
	}
}

void hub_turn(struct hub *h)
{
	struct sip_event ev;

	for (int i = 0; i < HUB_HOSTS; i++) {
		struct hub_host *x = &h->host[i];

		while (sip_next(x->sip, &ev))
			on_event(h, x, &ev);
		sip_turn_end(x->sip);
	}
}

/* --- life ------------------------------------------------------------------- */

static enum err open_host(struct hub *h, int i, struct buf *why)
{
	struct hub_host *x = &h->host[i];
	struct sip_config sc = { .upper_case = true, .server = x->server,
				 .options_answer_bare = true, .no_auto_trying = i == 0 && h->cfg.late_host1,
				 .tap = h->cfg.tap,
				 .tap_ctx = h->cfg.tap_ctx };
	struct sip_listener l = { .transport = SIP_TLS, .bind = h->cfg.bind[i], .zone = SIP_ZONE_PBX,
				  .tls = h->cfg.server,
				  .tls_client = h->cfg.client };
	char text[ADDR_TEXT];
	int err_no = 0;
	struct buf b;

	buf_init(&b, x->server, sizeof x->server);
	buf_fmt(&b, "Microsoft.PSTNHub.SIPProxy v.2026.6.1.2 i.%s.%d",
		h->cfg.region ? h->cfg.region : "EUWE", i + 1);
	(void)buf_z(&b);
	x->hub = h;
	x->index = i;
	x->sip = sip_new(h->loop, h->dns, &sc);
	if (sip_listen(x->sip, &l, &x->listener, &err_no)) {
		buf_fmt(why, "The hub cannot listen on %s: %s.", addr_text(&l.bind, text),
			strerror(err_no));
		return ERR_IO;
	}
	(void)sip_listen_addr(x->sip, x->listener, &x->at);
	return OK;
}

static enum err open_zone(struct hub *h, struct buf *why)
{
	char text[ADDR_TEXT];
	int err_no = 0;

	if (h->cfg.dns.family == ADDR_NONE)
		return OK;
	h->zone = zone_new(h->loop, &h->cfg.dns, &err_no);
	if (!h->zone) {
		buf_fmt(why, "The hub's DNS server cannot bind %s: %s.",
			addr_text(&h->cfg.dns, text), strerror(err_no));
		return ERR_IO;
	}
	for (int i = 0; i < HUB_HOSTS; i++)
		zone_set(h->zone, h->cfg.host_name[i], &h->host[i].at, 60);
	zone_set(h->zone, h->cfg.sbc_fqdn, &h->cfg.sbc, 60);
	return OK;
}

struct hub *hub_new(struct loop *l, const struct hub_config *c, struct buf *why)
{
	struct hub *h = mem_new(sizeof *h);

	h->loop = l;
	h->cfg = *c;
	if (!h->cfg.options_every)
		h->cfg.options_every = 60000;
	list_init(&h->ended);
	slots_init(&h->calls, sizeof(struct hub_call), HUB_CALL_MAX);
	h->dns = dns_new(l, &(struct dns_config){ .servers = "127.0.0.1:1" });
	dns_add_host(h->dns, c->sbc_fqdn, &c->sbc);
	for (int i = 0; i < HUB_HOSTS; i++)
		if (open_host(h, i, why))
			goto fail;
	if (open_zone(h, why))
		goto fail;
	return h;
fail:
	hub_free(h);
	return NULL;
}

void hub_free(struct hub *h)
{
	if (!h)
		return;
	hub_calls_free(h);
	for (int i = 0; i < HUB_HOSTS; i++) {
		timer_stop(&h->loop->timers, &h->host[i].ping);
		if (h->host[i].sip)
			sip_free(h->host[i].sip);
	}
	zone_free(h->zone);
	dns_free(h->dns);
	slots_close(&h->calls);
	mem_free(h);
}

struct addr hub_host_addr(const struct hub *h, int host)
{
	return h->host[host].at;
}

struct zone *hub_zone(struct hub *h)
{
	return h->zone;
}

bool hub_border_up(const struct hub *h, int host)
{
	return h->host[host].awake && h->host[host].border_ok;
}
