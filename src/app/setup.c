#include <string.h>

#include "app/certs.h"
#include "app/check.h"
#include "app/server_int.h"
#include "sip/uri.h"
#include "trace/recorder.h"

/* The parts of a server, made from the configuration. */

/* Calls that are over, though not gone: their media has yet to tell its counters. Not counted by the limits. */
enum { ENDING = 64 };

static const char *z(struct str s)
{
	return s.n ? s.p : NULL;	/* configuration strings end with NUL */
}

/* --- certificates ------------------------------------------------------------ */

static bool for_teams(const struct config *c, int cert)
{
	for (int i = 0; i < c->nlisteners; i++)
		if (c->listener[i].cert == cert &&
		    c->zone[c->listener[i].zone].kind == ZONE_TEAMS)
			return true;
	return false;
}

static enum tls_verify verify_of(enum config_verify v)
{
	return v == CONFIG_VERIFY_PEER ? TLS_VERIFY_PEER
	     : v == CONFIG_VERIFY_CHAIN ? TLS_VERIFY_CHAIN : TLS_VERIFY_NONE;
}

static const char *const microsoft[] = { "*.pstnhub.microsoft.com", NULL };

struct str setup_peer_names(const struct server *s, uint32_t i, struct buf *b)
{
	int cert = s->cfg->listener[i].cert;
	const struct config_cert *c = cert >= 0 ? &s->cfg->cert[cert] : NULL;

	for (int k = 0; c && k < c->nnames && buf_ok(b); k++) {
		buf_lit(b, k ? ", " : "");
		buf_put(b, str_sub(c->names[k], 0, 100));
	}
	if (c && !c->nnames && for_teams(s->cfg, cert))
		buf_lit(b, microsoft[0]);
	return buf_ok(b) ? buf_str(b) : STR("other names");
}

/* It starts all the same: a border whose certificate ran out in the night still has calls to other sides. */
static void say_certs(struct server *s)
{
	struct findings *fs = mem_new(2 * sizeof *fs);		/* what is wrong, what will be */

	certs_judge(s->cfg, s->loop->wall, &fs[0], &fs[1]);
	for (int k = 0; k < 2; k++)
		for (int i = 0; i < fs[k].n; i++)
			log_line(&s->loop->log, k ? LOG_WARN : LOG_ERROR, "%s:%u: %s", fs[k].f[i].file, fs[k].f[i].line,
				 fs[k].f[i].text);
	mem_free(fs);
}

enum err setup_tls(struct server *s, struct buf *why)
{
	for (int i = 0; i < s->cfg->ncerts; i++) {
		const struct config_cert *c = &s->cfg->cert[i];
		const char *names[CONFIG_NAMES + 1] = { NULL };
		bool teams = for_teams(s->cfg, i);
		struct tls_config t = { .cert_file = z(c->cert), .key_file = z(c->key),
			.roots_file = z(c->roots), .verify = verify_of(c->verify),
			.eku = teams ? TLS_EKU_SERVER : TLS_EKU_ANY,
			.want_client_cert = teams || c->nnames > 0,
			.min_version = c->min_version == 13 ? 0x0304 : 0x0303,
			.resumption = !teams };
		enum err e;

		for (int k = 0; k < c->nnames; k++)
			names[k] = z(c->names[k]);
		t.names = c->nnames ? names : teams ? microsoft : names;
		t.extra_names = t.names;
		t.session_id_ctx[0] = (uint8_t)(i + 1);
		e = tls_ctx_new(&s->tls_server[i], &t, why);
		if (!e)
			e = tls_ctx_new(&s->tls_client[i], &t, why);
		if (e)
			return e;
	}
	say_certs(s);
	return OK;
}

/* --- listeners ------------------------------------------------------------------ */

static bool admit(void *ctx, const struct addr *src)
{
	const struct config_listener *l = ctx;

	for (int i = 0; i < l->nallow; i++)
		if (addr_in(src, &l->allow[i].net, l->allow[i].bits))
			return true;
	return l->nallow == 0;
}

/* NOLINTNEXTLINE(readability-function-size): the shape of sip_config.tap */
static void tap_message(void *ctx, uint64_t owner, bool out, enum sip_transport t,
			const struct addr *local, const struct addr *peer, struct str bytes)
{
	static const enum tap_proto proto[] = { [SIP_UDP] = TAP_UDP, [SIP_TCP] = TAP_TCP,
						[SIP_TLS] = TAP_TLS };
	struct server *s = ctx;
	struct recorder_at at = { .mono = s->loop->now, .wall = s->loop->wall, .leg = owner };
	struct recorder_path path = { .out = out, .proto = proto[t], .local = local, .peer = peer };

	recorder_sip(s->tap, &at, &path, bytes);
}

/* No listener of its own has this port for streams. */
static bool tcp_is_free(const struct config *c, const struct config_listener *of)
{
	for (int i = 0; i < c->nlisteners; i++) {
		const struct config_listener *l = &c->listener[i];

		if (l->transport != CONFIG_UDP && l->bind.port == of->bind.port && l->bind.family == of->bind.family &&
		    (addr_same_ip(&l->bind, &of->bind) || addr_is_any(&l->bind) || addr_is_any(&of->bind)))
			return false;
	}
	return true;
}

static enum err listen_one(struct server *s, int i, struct buf *why)
{
	static const enum sip_transport transport[] = { [CONFIG_UDP] = SIP_UDP,
		[CONFIG_TCP] = SIP_TCP, [CONFIG_TLS] = SIP_TLS };
	static const enum sip_zone_kind zone[] = { [ZONE_PHONES] = SIP_ZONE_PHONES,
		[ZONE_PBX] = SIP_ZONE_PBX, [ZONE_CARRIER] = SIP_ZONE_CARRIER,
		[ZONE_TEAMS] = SIP_ZONE_TEAMS };
	const struct config_listener *l = &s->cfg->listener[i];
	struct sip_listener sl = { .transport = transport[l->transport], .bind = l->bind,
		.adv_port = l->advertised_port, .zone = zone[s->cfg->zone[l->zone].kind],
		.admit = l->nallow ? admit : NULL, .admit_ctx = (void *)(uintptr_t)l };
	bool phones = s->cfg->zone[l->zone].kind == ZONE_PHONES;
	char text[ADDR_TEXT];
	uint32_t index;
	int err_no = 0;

	sl.tcp_too = l->transport == CONFIG_UDP && tcp_is_free(s->cfg, l);
	sl.events = phones ? MWI_EVENT : NULL;
	for (int t = 0; t < s->cfg->ntrunks; t++)
		sl.unsolicited |= s->cfg->trunk[t].listener == i && s->cfg->trunk[t].mwi != CONFIG_MWI_OFF;
	if (l->advertised.n)
		(void)str_copy(sl.adv_host, sizeof sl.adv_host, l->advertised);
	if (l->cert >= 0 && !s->inside) {
		sl.tls = s->tls_server[l->cert];
		sl.tls_client = s->tls_client[l->cert];
	}
	if (sip_listen(s->sip, &sl, &index, &err_no) == OK)
		return OK;
	buf_fmt(why, "%s:%u: listener \"%.*s\" cannot bind %s%s: %s. Stop what uses the port, or choose another.",
		l->at.file ? l->at.file : "", l->at.line, STRF(l->name), addr_text(&l->bind, text),
		sl.tcp_too ? " (UDP and TCP)" : "", strerror(err_no));
	return ERR_IO;
}

/* --- the guard --------------------------------------------------------------------- */

static const struct str scanners[] = {
	STR_INIT("friendly-scanner"), STR_INIT("sipvicious"), STR_INIT("sipcli"), STR_INIT("sundayddr"),
	STR_INIT("sip-scan"), STR_INIT("pplsip"), STR_INIT("iWar"),
};

static bool guard_trusts(void *ctx, uint32_t listener, const struct addr *src)
{
	const struct server *s = ctx;

	for (int i = 0; i < s->cfg->nguard_trusted; i++)
		if (addr_in(src, &s->cfg->guard_trusted[i].net, s->cfg->guard_trusted[i].bits))
			return true;
	return s->route && route_trusts(s->route, listener, src);
}

/* A nonce is ours for the address it was given to, so what shows one is not forged. All others are asked for it where
 * phones register, and refused elsewhere; nothing is stored for either. */
static unsigned stranger_at(struct server *s, const struct sip_msg *m, struct arena *a, struct sip_xhdr x[2])
{
	if (s->cfg->zone[s->cfg->listener[m->listener].zone].kind != ZONE_PHONES) {
		if (m->method == SIP_INVITE)
			bans_refused(&s->bans, &m->src);
		return 403;
	}
	switch (registrar_glance(s->registrar, m, a, x)) {
	case REGISTRAR_OK: break;
	case REGISTRAR_CHALLENGE: return 401;
	case REGISTRAR_REFUSE: return 400;
	}
	return 0;
}

static unsigned guard_stranger(void *ctx, const struct sip_msg *m, struct arena *a, struct sip_xhdr x[2])
{
	struct server *s = ctx;

	if (m->listener >= (uint32_t)s->cfg->nlisteners || route_trunk_of(s->route, m) >= 0)
		return 0;
	switch (m->method) {
	case SIP_NOTIFY: return 481;
	case SIP_REFER: return 403;
	case SIP_REGISTER:
	case SIP_INVITE:
	case SIP_SUBSCRIBE: return stranger_at(s, m, a, x);
	case SIP_ACK: case SIP_BYE: case SIP_CANCEL: case SIP_OPTIONS: case SIP_PRACK: case SIP_UPDATE: case SIP_INFO:
	case SIP_MESSAGE: case SIP_PUBLISH: case SIP_METHOD_OTHER: case SIP_NMETHOD: break;
	}
	return 0;
}

static void guard_told(void *ctx, const struct source_view *v)
{
	bans_told(&((struct server *)ctx)->bans, v);
}

static void setup_guard(struct server *s, struct sip_guard *g)
{
	const struct config *c = s->cfg;

	s->bans.loop = s->loop;
	*g = (struct sip_guard){
		.rules = { .rate = c->guard_rate, .burst = c->guard_burst, .strikes = c->guard_strikes,
			   .ban = c->guard_ban_s * 1000ull, .ban_max = c->guard_ban_max_s * 1000ull },
		.streams = c->guard_streams, .scanner = scanners, .nscanner = sizeof scanners / sizeof *scanners,
		.trusted = guard_trusts, .stranger = guard_stranger, .told = guard_told, .ctx = s };
	if (c->nguard_scanners) {
		g->scanner = c->guard_scanners;
		g->nscanner = c->nguard_scanners;
	}
}

/* Blocked patterns are refused anyway, but not for the load: their record says why. */
static bool is_urgent(void *ctx, struct str number)
{
	const struct server *s = ctx;

	return s->dir && directory_is_emergency(s->dir, number);
}

static net_id registered(void *ctx, const struct sip_seek *k)
{
	const struct server *s = ctx;

	return s->registrar ? registrar_flow(s->registrar, k) : 0;
}

enum err setup_sip(struct server *s, struct buf *why)
{
	struct sip_guard guard;
	uint32_t sessions = s->cfg->max_calls > 5000 ? 4 * s->cfg->max_calls : 0;	/* of a call with its forks */
	struct sip_config c = { .tap = tap_message, .tap_ctx = s, .guard = &guard, .urgent = is_urgent,
				.urgent_ctx = s, .registered = registered, .registered_ctx = s,
				.max_sessions = sessions };
	enum err e = OK;

	setup_guard(s, &guard);

	s->dns = dns_new(s->loop, &(struct dns_config){ .servers = z(s->cfg->dns_servers) });
	for (int i = 0; i < s->cfg->ndns_hosts; i++)
		dns_add_host(s->dns, s->cfg->dns_host[i].name.p, &s->cfg->dns_host[i].addr);
	s->sip = sip_new(s->loop, s->dns, &c);
	for (int i = 0; i < s->cfg->nlisteners && !e; i++)
		e = listen_one(s, i, why);
	return e;
}

struct str setup_contact(const struct server *s, uint32_t i, int trunk, struct buf *b)
{
	const struct config_listener *l = &s->cfg->listener[i];
	struct addr bound = l->bind;

	(void)sip_listen_addr(s->sip, i, &bound);
	buf_lit(b, "<sip:");
	if (trunk >= 0 && s->cfg->trunk[trunk].fqdn.n)
		buf_put(b, s->cfg->trunk[trunk].fqdn);
	else if (l->advertised.n)
		sip_write_host(b, l->advertised);
	else
		addr_host(b, &bound);
	buf_fmt(b, ":%u%s>", l->advertised_port ? l->advertised_port : bound.port,
		l->transport == CONFIG_TLS ? ";transport=tls"
		: l->transport == CONFIG_TCP ? ";transport=tcp" : "");
	return buf_str(b);
}

/* --- media ------------------------------------------------------------------------- */

enum err setup_media(struct server *s, struct buf *why)
{
	struct media_config m = { .loop = s->loop, .inside = s->inside,
				  .npools = s->cfg->nlisteners, .country = z(s->cfg->tone_country),
				  .music = z(s->cfg->music), .rest = s->cfg->media_rest_s * 1000ull };
	enum err e = check_music(s->cfg, why);

	if (e)
		return e;

	for (int i = 0; i < s->cfg->nlisteners; i++) {
		const struct config_listener *l = &s->cfg->listener[i];
		struct media_pool *p = &m.pool[i];

		p->bind = l->media_bind.family != ADDR_NONE ? l->media_bind : l->bind;
		p->advertised = l->media_advertised.family != ADDR_NONE ? l->media_advertised
									: p->bind;
		p->port_min = l->port_min;
		p->port_max = l->port_max;
	}
	s->media = media_new(&m, why);
	return s->media ? OK : ERR_IO;
}

/* --- trunks -------------------------------------------------------------------------- */

void setup_trunks(struct server *s)
{
	for (int i = 0; i < s->cfg->ntrunks; i++) {
		const struct config_trunk *t = &s->cfg->trunk[i];
		struct trunk_setup u = { .name = t->name, .profile = trunk_profile(t->profile),
					 .nhosts = t->nhosts, .enabled = t->enabled,
					 .monitored = t->options, .registers = t->registers,
					 .retries = t->options_retries };

		for (int k = 0; k < t->nhosts; k++) {
			u.host[k].name = t->host[k].host;
			u.host[k].port = t->host[k].port;
		}
		s->trunk[i] = trunk_new(&u);
	}
}

/* How a trunk's peer knows us. */
static void own_host(const struct server *s, int trunk, struct buf *b)
{
	const struct config_trunk *t = &s->cfg->trunk[trunk];
	const struct config_listener *l = &s->cfg->listener[t->listener];

	if (t->fqdn.n)
		buf_put(b, t->fqdn);
	else if (l->advertised.n)
		buf_put(b, l->advertised);
	else
		addr_ip(b, &l->bind);
	(void)buf_z(b);
}

void setup_monitor(struct server *s)
{
	for (int i = 0; i < s->cfg->ntrunks; i++) {
		const struct config_trunk *t = &s->cfg->trunk[i];
		struct monitor_trunk *m = mem_new(sizeof *m);
		struct buf b;

		*m = (struct monitor_trunk){ .trunk = s->trunk[i], .nhosts = t->nhosts,
			.opts = route_trunk_peer(s->route, i)->sip, .ping = t->options && t->enabled,
			.up = t->options_up_s * 1000ull, .down = t->options_down_s * 1000ull };
		for (int k = 0; k < t->nhosts; k++)
			route_trunk_dest(s->route, i, k, &m->dest[k]);
		buf_init(&b, m->from_host, sizeof m->from_host);
		own_host(s, i, &b);
		monitor_add(s->monitor, m);
		mem_free(m);
	}
}

void setup_logins(struct server *s)
{
	for (int i = 0; i < s->cfg->ntrunks; i++) {
		const struct config_trunk *t = &s->cfg->trunk[i];
		struct sip_login l = { .user = t->auth_user, .password = t->auth_password,
				       .realm = t->auth_realm,
				       .tls = s->cfg->listener[t->listener].transport == CONFIG_TLS };

		for (int k = 0; k < t->nhosts && k < SIP_LOGIN_HOSTS; k++)
			l.host[l.nhosts++] = t->host[k].host;
		if (t->auth_user.n)
			s->login[i] = sip_login_add(s->sip, &l);
	}
}

/* "sip:user@host" as it is registered, and its user part. */
static void address_of(const struct config_trunk *t, struct outreg_trunk *o)
{
	struct str at_host = t->host[0].host, user, host;
	struct buf b;

	buf_init(&b, o->aor, sizeof o->aor);
	if (t->register_as.n) {
		buf_put(&b, t->register_as);
	} else {
		(void)str_cut(t->auth_user, '@', &user, &host);	/* some names have their domain */
		buf_lit(&b, "sip:");
		sip_user_escaped(&b, user);
		buf_ch(&b, '@');
		if (host.n)
			buf_put(&b, host);
		else
			sip_write_host(&b, at_host);
	}
	(void)str_cut(str_of(buf_z(&b)), '@', &user, &host);
	(void)str_copy(o->contact_user, sizeof o->contact_user, str_sub(user, 4, user.n));
}

void setup_outreg(struct server *s)
{
	for (int i = 0; i < s->cfg->ntrunks; i++) {
		const struct config_trunk *t = &s->cfg->trunk[i];
		struct outreg_trunk *o;

		if (!t->registers || !t->enabled)
			continue;
		o = mem_new(sizeof *o);
		*o = (struct outreg_trunk){ .trunk = s->trunk[i], .nhosts = t->nhosts,
			.opts = route_trunk_peer(s->route, i)->sip, .expires_s = t->register_s };
		for (int k = 0; k < t->nhosts; k++)
			route_trunk_dest(s->route, i, k, &o->dest[k]);
		address_of(t, o);
		outreg_add(s->outreg, i, o);
		mem_free(o);
	}
}

/* Where we subscribe to message waiting: the first trunk that wants it so. */
void setup_mwi(struct server *s)
{
	for (int i = 0; i < s->cfg->ntrunks; i++) {
		const struct config_trunk *t = &s->cfg->trunk[i];
		struct mwi_trunk *m;
		struct buf b;

		if (t->mwi != CONFIG_MWI_SUBSCRIBE || !t->enabled)
			continue;
		m = mem_new(sizeof *m);
		m->opts = route_trunk_peer(s->route, i)->sip;
		route_trunk_dest(s->route, i, 0, &m->dest);
		buf_init(&b, m->from_host, sizeof m->from_host);
		own_host(s, i, &b);
		mwi_subscribe_at(s->mwi, m);
		mem_free(m);
		return;
	}
}

void setup_limits(const struct server *s, struct calls_config *c)
{
	const struct config *f = s->cfg;

	c->limits = (struct limits){ .user = f->user_calls, .forward = f->forward_calls,
				     .total = f->max_calls, .hops = (int)f->hops };
	c->max = f->max_calls ? f->max_calls + ENDING : 4096;
	c->ring_max = f->ring_max_s * 1000ull;
	c->offer_wait = f->offer_wait_ms;
}

/* --- stores ------------------------------------------------------------------------------ */

enum err setup_store(struct server *s, const struct server_options *o, struct buf *why)
{
	char file[512];
	struct map_news news;
	struct buf b;
	struct map_config m = { .slots = s->cfg->max_calls ? s->cfg->max_calls + ENDING : 4096,
				.hold = true, .rng = &s->loop->rng, .wall = s->loop->wall };
	struct store_config c = { .loop = s->loop, .path = z(s->cfg->store_path),
				  .inline_mode = s->inside, .keep_days = s->cfg->keep_days };
	enum err e;

	buf_init(&b, file, sizeof file);
	buf_fmt(&b, "%.*s/records.map", STRF(s->cfg->runtime_dir));
	m.file = s->inside ? NULL : buf_z(&b);
	if (s->inside)
		c.path = ":memory:";
	m.image = (struct str){ (const char *)o->map_image, o->map_image_n };
	e = map_open(&s->map, &m, &news, why);
	if (e)
		return e;
	if (news.live || news.damaged)
		log_line(&s->loop->log, LOG_WARN,
			 "The last run ended without notice: %u calls were up and are now recorded as ended by restart, %u entries were kept, %u places were damaged%s.",
			 news.live, news.entries, news.damaged,
			 news.damaged ? " (the file is kept as records.map.damaged)" : "");
	c.map = s->map;
	return store_open(&s->store, &c, why);
}
