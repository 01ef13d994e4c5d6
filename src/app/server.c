#include "app/server.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/rest.h"
#include "app/people.h"
#include "app/server_int.h"

enum { SECOND_MS = 1000, DRAIN_MS = 1500, QUIET_MS = 50, TEXT_MAX = 65536, FILES_MAX = 262144 };

/* --- the turn -------------------------------------------------------------------- */

static void on_options(struct server *s, const struct sip_event *ev)
{
	int trunk = route_trunk_of(s->route, ev->msg);
	char text[400];
	struct buf b;

	buf_init(&b, text, sizeof text);
	monitor_on_options(s->monitor, ev, trunk, setup_contact(s, ev->msg->listener, trunk, &b));
}

/* A NOTIFY of no subscription: from a trunk that may tell us of messages. */
static bool mwi_takes(const struct server *s, const struct sip_msg *m)
{
	int trunk = route_trunk_of(s->route, m);

	return trunk >= 0 && s->cfg->trunk[trunk].enabled && s->cfg->trunk[trunk].mwi != CONFIG_MWI_OFF;
}

static void on_request(struct server *s, const struct sip_event *ev)
{
	const struct sip_msg *m = ev->msg;
	bool phones = m->listener < (uint32_t)s->cfg->nlisteners &&
		      s->cfg->zone[s->cfg->listener[m->listener].zone].kind == ZONE_PHONES;

	if (m->method == SIP_OPTIONS && m->listener < (uint32_t)s->cfg->nlisteners)
		on_options(s, ev);
	else if (m->method == SIP_REGISTER && phones)
		registrar_on_register(s->registrar, ev);
	else if (m->method == SIP_NOTIFY && mwi_takes(s, m))
		mwi_on_notify(s->mwi, ev);
	else if (m->method == SIP_NOTIFY || m->method == SIP_BYE)
		(void)sip_respond(s->sip, ev->tsx, 481, NULL, NULL, NULL, 0);
	else
		(void)sip_respond(s->sip, ev->tsx, m->method == SIP_REGISTER ? 403 : 405, NULL,
				  NULL, NULL, 0);
}

static void on_flow(struct server *s, const struct sip_event *ev)
{
	char text[400];
	struct buf b;

	if (ev->flow_event != NET_CLOSED)
		return;
	if (ev->flow) {
		registrar_on_flow(s->registrar, ev->flow);
		outreg_on_flow(s->outreg, ev->flow);
		monitor_on_flow(s->monitor, ev);
	} else if (ev->listener < (uint32_t)s->cfg->nlisteners) {
		buf_init(&b, text, sizeof text);
		refusals_on_flow(s->refusals, ev, s->cfg->listener[ev->listener].name,
				 setup_peer_names(s, ev->listener, &b));
	}
}

static void on_sip(struct server *s, const struct sip_event *ev)
{
	switch (ev->kind) {
	case SIP_EV_INVITE:
		calls_on_invite(s->calls, ev);
		break;
	case SIP_EV_REQUEST:
		on_request(s, ev);
		break;
	case SIP_EV_RESPONSE:
		if (!outreg_on_response(s->outreg, ev))
			(void)monitor_on_response(s->monitor, ev);	/* nobody else asks */
		break;
	case SIP_EV_FLOW:
		on_flow(s, ev);
		break;
	case SIP_EV_SUBSCRIBE:
		mwi_on_subscribe(s->mwi, ev);
		break;
	case SIP_EV_SUB_REFRESHED: case SIP_EV_NOTIFY: case SIP_EV_SUB_ENDED:
		mwi_on_news(s->mwi, ev);
		break;
	case SIP_EV_CANCELLED: case SIP_EV_ACK: case SIP_EV_PRACK: case SIP_EV_PROVISIONAL: case SIP_EV_TRYING:
	case SIP_EV_ANSWER: case SIP_EV_EXTRA_ANSWER: case SIP_EV_FAILED: case SIP_EV_REINVITE:
	case SIP_EV_REINVITE_ACK: case SIP_EV_REWITHDRAWN: case SIP_EV_REANSWER:
	case SIP_EV_REFAILED:
	case SIP_EV_INDIALOG: case SIP_EV_BYE: case SIP_EV_ENDED: case SIP_EV_REFRESH_DUE:
	case SIP_EV_REFRESHED:
		legs_on_sip(s->legs, ev);
		break;
	}
}

static void media_start_failed(struct server *s, const struct media_event *ev)
{
	char text[ADDR_TEXT];
	struct buf b;

	buf_init(&b, s->failed, sizeof s->failed);
	buf_fmt(&b, "The media port %s cannot be bound: %s. Stop what uses it, or choose another media port range.",
		addr_text(&ev->at, text), strerror(ev->sys_errno));
	(void)buf_z(&b);
	loop_stop_if_real(s);
}

static void on_media(struct server *s, const struct media_event *ev)
{
	if (ev->kind == MEDIA_EV_READY) {
		if (!s->ready && !s->inside)
			printf("ready\n");
		(void)fflush(stdout);
		s->ready = true;
	} else if (ev->kind == MEDIA_EV_FAILED) {
		media_start_failed(s, ev);
	} else {
		legs_on_media(s->legs, ev);
	}
}

void server_turn(struct server *s)
{
	struct sip_event se;
	struct media_event me;
	struct store_event de;
	bool more = true;

	while (more) {
		more = false;
		while (sip_next(s->sip, &se)) {
			on_sip(s, &se);
			calls_run(s->calls);
			more = true;
		}
		while (media_next(s->media, &me)) {
			on_media(s, &me);
			calls_run(s->calls);
			more = true;
		}
		calls_run(s->calls);
	}
	while (store_next(s->store, &de))
		(void)rest_on_store(s->rest, &de);	/* nobody else has jobs */
	legs_turn_end(s->legs);
	media_turn_end(s->media);
	sip_turn_end(s->sip);
	store_turn(s->store);
}

static void turn(void *ctx)
{
	server_turn(ctx);
}

/* After a burst its memory goes back to the system. */
static void give_back(struct server *s)
{
	struct sip_counts n;
	bool due;

	sip_counts(s->sip, &n);
	due = calm_due(&s->calm_tsx, n.transactions);
	due |= calm_due(&s->calm_sessions, n.sessions);
	if (!due)
		return;
	sip_trim(s->sip);
	legs_trim(s->legs);
	calls_trim(s->calls);
	mem_trim();
}

static void on_second(void *arg)
{
	struct server *s = arg;

	give_back(s);
	map_heartbeat(s->map, s->loop->wall);
	timer_start(&s->loop->timers, &s->second, SECOND_MS, on_second, s);
}

/* --- restart: both sides of every call that was up get a BYE --------------------------- */

static void bye_orphan(struct server *s, const struct map_orphan *o)
{
	static const struct sip_xhdr x = { STR_INIT("Reason"),
		STR_INIT("SIP;cause=200;text=\"The call controller was restarted\"") };
	struct str left = o->saved;

	while (left.n > 2) {
		size_t n = (size_t)((uint8_t)left.p[0] << 8 | (uint8_t)left.p[1]);

		if (n && n <= left.n - 2)
			(void)sip_dialog_bye_saved(s->sip, str_sub(left, 2, n), &x, 1);
		left = str_sub(left, 2 + n, left.n);
	}
}

static void bye_orphans(struct server *s)
{
	struct map_orphan o;

	for (uint32_t i = 0; map_orphan(s->map, i, &o); i++)
		bye_orphan(s, &o);
	map_forget_orphans(s->map);
}

/* --- life --------------------------------------------------------------------------------- */

static const char *listener_name(void *ctx, uint32_t i)
{
	const struct server *s = ctx;

	return i < (uint32_t)s->cfg->nlisteners ? s->cfg->listener[i].name.p : "";
}

static int listener_index(void *ctx, const char *name)
{
	const struct server *s = ctx;

	for (int i = 0; i < s->cfg->nlisteners; i++)
		if (str_is(s->cfg->listener[i].name, name))
			return i;
	return -1;
}

static void make_call_control(struct server *s)
{
	struct registrar_config r = { .loop = s->loop, .sip = s->sip, .store = s->store,
		.directory = &s->dir, .min_s = s->cfg->register_min_s,
		.max_s = s->cfg->register_max_s, .contacts = s->cfg->contacts_max,
		.md5_only = s->cfg->digest == 1,
		.realm = s->cfg->realm.n ? s->cfg->realm.p : "tandem",
		.listener_name = listener_name, .listener_index = listener_index, .ctx = s };
	struct route_config rc = { .loop = s->loop, .config = s->cfg, .directory = &s->dir,
				   .trunk = s->trunk };
	struct calls_config cc = { .loop = s->loop, .sip = s->sip, .media = s->media,
				   .map = s->map, .tap = s->tap };
	struct legs_config lc = { .loop = s->loop, .sip = s->sip, .media = s->media };

	setup_trunks(s);
	setup_logins(s);
	s->outreg = outreg_new(s->loop, s->sip);
	s->registrar = registrar_new(&r);
	s->mwi = mwi_new(&(struct mwi_config){ .loop = s->loop, .sip = s->sip, .registrar = s->registrar,
					       .directory = &s->dir });
	rc.registrar = s->registrar;
	rc.outreg = s->outreg;
	rc.login = s->login;
	s->route = route_new(&rc);
	s->monitor = monitor_new(s->loop, s->sip);
	s->refusals = refusals_new(s->loop);
	setup_limits(s, &cc);
	lc.max = cc.max * 4;
	s->legs = legs_new(&lc);
	cc.legs = s->legs;
	cc.route = s->route;
	s->calls = calls_new(&cc);
	setup_monitor(s);
	setup_outreg(s);
	setup_mwi(s);
}

static void fill_env(struct server *s)
{
	s->env = (struct api_env){ .loop = s->loop, .config = s->cfg, .directory = &s->dir,
		.calls = s->calls, .legs = s->legs, .sip = s->sip, .media = s->media,
		.registrar = s->registrar, .refusals = s->refusals, .route = s->route, .trunk = s->trunk,
		.store = s->store, .map = s->map, .tap = s->tap, .started = s->loop->wall,
		.tls = s->tls_server, .apply_new = people_apply_new, .apply_run = people_apply_run,
		.apply_end = people_apply_end, .export_site = people_export, .stop = server_stop,
		.ctx = s };
}

static enum err begin(struct server *s, const struct server_options *o, struct buf *why)
{
	enum err e = setup_store(s, o, why);

	if (!e && !s->inside)
		e = setup_tls(s, why);
	if (!e)
		e = setup_sip(s, why);
	if (!e)
		e = setup_media(s, why);
	if (e)
		return e;
	s->dir = o->directory;
	if (!s->dir)
		e = people_load(s, why);
	if (e)
		return e;
	make_call_control(s);
	if (store_db(s->store))
		registrar_load(s->registrar);
	fill_env(s);
	s->env.log = o->log;
	if (s->inside)
		return OK;
	s->rest = rest_new(s->loop, &s->env, s->cfg->control_socket.p, why);
	e = s->rest ? map_take(s->map, why) : ERR_IO;
	return e ? e : store_start(s->store);
}

struct server *server_new(struct loop *l, const struct server_options *o, struct buf *why)
{
	struct server *s = mem_new(sizeof *s);

	s->loop = l;
	s->cfg = o->config;
	s->inside = o->inside;
	s->tap = tap_new(s->inside ? 1 << 20 : (size_t)s->cfg->tap_mb << 20);
	if (begin(s, o, why)) {
		server_free(s);
		return NULL;
	}
	bye_orphans(s);
	on_second(s);
	loop_on_turn(l, turn, s);
	return s;
}

void server_free(struct server *s)
{
	if (!s)
		return;
	timer_stop(&s->loop->timers, &s->second);
	timer_stop(&s->loop->timers, &s->drain);
	rest_free(s->rest);
	calls_free(s->calls);
	legs_free(s->legs);
	monitor_free(s->monitor);
	mwi_free(s->mwi);
	outreg_free(s->outreg);
	refusals_free(s->refusals);
	route_free(s->route);
	registrar_free(s->registrar);
	for (int i = 0; i < s->cfg->ntrunks; i++)
		trunk_free(s->trunk[i]);
	media_free(s->media);
	if (s->sip)
		sip_free(s->sip);
	dns_free(s->dns);
	for (int i = 0; i < s->cfg->ncerts; i++) {
		tls_ctx_drop(s->tls_server[i]);
		tls_ctx_drop(s->tls_client[i]);
	}
	store_close(s->store);
	map_close(s->map);
	directory_free(s->dir);
	tap_free(s->tap);
	mem_free(s);
}

bool server_ready(const struct server *s)
{
	return s->ready;
}

const char *server_failed(const struct server *s)
{
	return s->failed;
}

struct api_env *server_env(struct server *s)
{
	return &s->env;
}

/* Calls copy what they need of a plan, so the old snapshot can go at once. */
void server_set_directory(struct server *s, struct directory *d)
{
	struct directory *old = s->dir;

	s->dir = d;
	if (s->registrar)	/* else the first one, before the start */
		registrar_on_directory(s->registrar, old);
	if (s->mwi)
		mwi_on_directory(s->mwi, old);
	directory_free(old);
}

/* --- the process ----------------------------------------------------------------------------- */

void loop_stop_if_real(struct server *s)
{
	if (!s->inside)
		loop_stop(s->loop);
}

static void on_drain(void *arg)
{
	struct server *s = arg;

	if (outreg_waits(s->outreg) && s->loop->now < s->drain_until)
		timer_start(&s->loop->timers, &s->drain, QUIET_MS, on_drain, s);
	else
		loop_stop_if_real(s);
}

/* Calls get their BYE, the records their end; then the loop ends. */
void server_stop(void *ctx)
{
	struct server *s = ctx;
	struct reason why = REASON(SHUTDOWN);

	if (s->stopping)
		return;
	s->stopping = true;
	log_line(&s->loop->log, LOG_INFO, "Stopping: %u calls are ended.", calls_count(s->calls));
	calls_drop_all(s->calls, &why);
	outreg_stop(s->outreg);
	s->drain_until = s->loop->now + DRAIN_MS;
	timer_start(&s->loop->timers, &s->drain, calls_count(s->calls) ? DRAIN_MS : QUIET_MS, on_drain, s);
}

static void on_stop_signal(void *ctx, int signo)
{
	(void)signo;
	server_stop(ctx);
}

/* Whoever is used to it sends it for a new configuration: that must not end the calls. */
static void on_hangup_signal(void *ctx, int signo)
{
	struct server *s = ctx;

	(void)signo;
	log_line(&s->loop->log, LOG_WARN,
		 "SIGHUP changes nothing: tandem.yaml is read by a restart, people and numbers by `tandem apply`.");
}

static void raise_limits(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		struct rlimit more = { FILES_MAX, FILES_MAX };

		rl.rlim_cur = rl.rlim_max;
		/* Root may have more than the hard limit; too few shows itself when binding. */
		if (rl.rlim_max >= FILES_MAX || setrlimit(RLIMIT_NOFILE, &more))
			(void)setrlimit(RLIMIT_NOFILE, &rl);
	}
	(void)prctl(PR_SET_DUMPABLE, 0);	/* keys and passwords: no core dump */
}

static int run(const struct config *cfg)
{
	struct loop *l = loop_new();
	struct logsink *sink = NULL;
	char text[600];
	struct buf why;
	struct server *s;
	int rc = 0;

	buf_init(&why, text, sizeof text);
	l->log = (struct log){ .level = (enum log_level)cfg->log_level, .write = log_stderr };
	if (!logsink_new(&sink, STDERR_FILENO)) {	/* without a thread: as before, by ourselves */
		l->log.write = logsink_line;
		l->log.ctx = sink;
	}
	s = server_new(l, &(struct server_options){ .config = cfg, .log = sink }, &why);
	if (!s) {
		logsink_free(sink);
		fprintf(stderr, "%s\n", buf_z(&why));
		loop_free(l);
		return 1;
	}
	loop_on_signal(l, SIGTERM, on_stop_signal, s);
	loop_on_signal(l, SIGINT, on_stop_signal, s);
	loop_on_signal(l, SIGHUP, on_hangup_signal, s);
	loop_run(l);
	if (s->failed[0]) {
		fprintf(stderr, "%s\n", s->failed);
		rc = 1;
	}
	server_free(s);
	loop_free(l);
	logsink_free(sink);
	return rc;
}

int server_media(int fd)
{
	(void)signal(SIGHUP, SIG_IGN);
	return media_worker(fd);
}

int server_main(const char *config_file)
{
	struct findings *fs = mem_new(sizeof *fs);
	struct config *cfg = config_load(config_file, fs);
	char *text;
	struct buf b;
	int rc = 1;

	raise_limits();
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);	/* until the loop tells what it does not do */
	if (cfg) {
		rc = run(cfg);
	} else {
		text = mem_new(TEXT_MAX);
		buf_init(&b, text, TEXT_MAX);
		findings_write(&b, fs);
		fprintf(stderr, "%s", buf_z(&b));
		mem_free(text);
	}
	config_free(cfg);
	mem_free(fs);
	return rc;
}
