#include <string.h>

#include "base/mem.h"
#include "hub/hub_int.h"

/* Calls of the hub, both ways: a script of timed steps for those that come from the
 * border, a timed course for those that are placed. */

static struct sip *sip_of(const struct hub_call *c)
{
	return c->hub->host[c->host].sip;
}

static struct hub_call *call_new(struct hub *h, int host)
{
	uint64_t id;
	struct hub_call *c = slot_new(&h->calls, &id);

	if (!c)
		return NULL;
	c->id = id;
	c->hub = h;
	c->host = host;
	c->number = ++h->ncalls;
	c->invited = h->loop->now;
	c->wall = h->loop->wall;
	list_init(&c->age);
	return c;
}

static void stop_timers(struct hub_call *c)
{
	struct timers *t = &c->hub->loop->timers;

	timer_stop(t, &c->step);
	timer_stop(t, &c->hangup);
	timer_stop(t, &c->hold);
	timer_stop(t, &c->resume);
	timer_stop(t, &c->give_up);
}

static void count(struct hub_totals *t, const struct hub_call *c)
{
	t->ended++;
	t->answered += c->answered != 0;
	t->cancelled += c->cancelled;
	t->completed_elsewhere += c->completed_elsewhere;
	t->missed += c->missed;
	t->packets += c->counts.packets;
	t->clear += c->counts.clear;
	t->bad_auth += c->counts.bad_auth;
	t->lost += c->counts.lost;
}

/* The call stays in its slot for the report until many others have ended; its socket and
 * timers go. */
static void end(struct hub_call *c, unsigned final)
{
	if (c->state == HUB_ENDED)
		return;
	c->state = HUB_ENDED;
	c->final = final;
	c->ended = c->hub->loop->now;
	c->session = 0;
	stop_timers(c);
	if (c->ear) {
		c->nheard = ear_heard(c->ear, c->heard);
		ear_counts(c->ear, &c->counts);
		ear_free(c->ear);
		c->ear = NULL;
	}
	count(&c->hub->totals, c);
	list_append(&c->hub->ended, &c->age);
	if (++c->hub->nended > HUB_KEPT_MAX) {
		struct hub_call *old = LIST_ENTRY(c->hub->ended.next, struct hub_call, age);

		list_remove(&old->age);
		c->hub->nended--;
		slot_free(&c->hub->calls, old->id);
	}
}

void hub_calls_free(struct hub *h)
{
	uint32_t i = 0;
	uint64_t id;
	struct hub_call *c;

	while ((c = slot_next(&h->calls, &i, &id)))
		end(c, c->final);
}

static void note_status(struct hub_call *c, unsigned status)
{
	size_t n = strlen(c->ring_status);
	struct buf b;

	buf_init(&b, c->ring_status + n, sizeof c->ring_status - n);
	buf_fmt(&b, "%s%u", n ? " " : "", status);
	(void)buf_z(&b);
}

static bool open_ear(struct hub_call *c, unsigned tone)
{
	static const unsigned listen[] = { 350, 440, 554, 659, 784, 880, 987, 1175 };
	int err_no;

	c->ear = ear_new(c->hub->loop, &c->hub->cfg.media, listen, EAR_TONES, &err_no);
	if (c->ear)
		ear_tone(c->ear, tone);
	return c->ear != NULL;
}

static struct sip_body sdp_body(struct hub_call *c, char *mem, size_t cap, bool offer)
{
	struct buf b;

	buf_init(&b, mem, cap);
	hub_sdp_write(c, &b, offer, c->hold_shown ? "inactive" : "sendrecv");
	return (struct sip_body){ STR("application/sdp"), buf_str(&b) };
}

/* --- the scripted side: calls from the border ---------------------------- */

static void finish_final(struct hub_call *c, unsigned status, unsigned q850)
{
	struct hub *h = c->hub;
	struct sip_xhdr x[2];
	char reason[256], retry[16];
	struct buf b, r;
	int n = 0;

	buf_init(&b, reason, sizeof reason);
	buf_init(&r, retry, sizeof retry);
	if (q850) {
		hub_reason(h, &b, q850, status == 480 ? "No callee endpoints were found." :
				  sip_phrase(status));
		x[n++] = (struct sip_xhdr){ STR("Reason"), buf_str(&b) };
	}
	if (status == 503 && c->script.retry_after_s) {
		buf_u64(&r, c->script.retry_after_s);
		x[n++] = (struct sip_xhdr){ STR("Retry-After"), buf_str(&r) };
	}
	(void)sip_reject(sip_of(c), c->session, status, NULL, x, n);
	if (status != 503 && h->nfinals < HUB_USER_MAX) {
		(void)str_copy(h->finals[h->nfinals].number, HUB_NUMBER_MAX, str_of(c->to));
		h->finals[h->nfinals++].at = h->loop->now;
	}
	note_status(c, status);
	end(c, status);
}

static void arm_course(struct hub_call *c);

static void answer(struct hub_call *c, int tag)
{
	char sdp[1500];
	struct sip_body body = sdp_body(c, sdp, sizeof sdp, false);

	note_status(c, 200);
	if (sip_answer_tag(sip_of(c), c->session, tag, &body, NULL, 0))
		return;
	c->state = HUB_ANSWERED;
	c->answered = c->hub->loop->now;
	ear_talk(c->ear, true);
	arm_course(c);
}

static void do_step(struct hub_call *c, const struct hub_step *s)
{
	char sdp[1500];
	struct sip_body body;

	switch (s->what) {
	case HUB_DO_RING:
		note_status(c, 180);
		(void)sip_ring_tag(sip_of(c), c->session, s->tag, 180, NULL, NULL, 0);
		break;
	case HUB_DO_PROGRESS:
		note_status(c, 183);
		body = sdp_body(c, sdp, sizeof sdp, false);
		(void)sip_ring_tag(sip_of(c), c->session, s->tag, 183, &body, NULL, 0);
		break;
	case HUB_DO_ANSWER:
		answer(c, s->tag);
		break;
	case HUB_DO_FINAL:
		finish_final(c, s->status, s->q850);
		break;
	case HUB_DO_HANGUP: case HUB_DO_HOLD: case HUB_DO_RESUME:
		break;			/* after the answer: arm_course() */
	}
}

static void on_step(void *arg);

static void arm_step(struct hub_call *c)
{
	struct loop *l = c->hub->loop;
	ms_t at;

	while (c->next < c->script.nstep && c->script.step[c->next].what >= HUB_DO_HANGUP)
		c->next++;
	if (c->state != HUB_RINGING || c->next == c->script.nstep)
		return;
	at = c->invited + c->script.step[c->next].at + (c->host == 0 ? c->hub->cfg.late_host1 : 0);
	timer_start(&l->timers, &c->step, at > l->now ? at - l->now : 0, on_step, c);
}

static void on_step(void *arg)
{
	struct hub_call *c = arg;

	do_step(c, &c->script.step[c->next++]);
	arm_step(c);
}

/* After 486, 603 and other finals the border must not come again (DR-S13). */
static void check_retry(struct hub *h, int host, struct str to)
{
	for (int i = 0; i < h->nfinals; i++)
		if (h->loop->now - h->finals[i].at < 1000 &&
		    str_eq(str_of(h->finals[i].number), to))
			hub_find(h, DR_S13, host, to);
}

static bool refused(struct hub *h, int host, const struct sip_event *ev, struct str number)
{
	struct hub_script *u = hub_user_of(h, number);
	struct hub_user user = { .number = number };
	struct hub_facts f;
	enum hub_rule_id id;

	if (u)
		user = (struct hub_user){ number, u->voice_enabled, u->offline, u->blocked };
	f = hub_facts_of(h, u ? &user : NULL);
	id = hub_check_request(ev->msg, &f);
	if (id == DR_NONE)
		id = hub_check_sdp(ev->body.bytes);
	if (id != DR_NONE)
		hub_reply(h, host, ev, id);
	return id != DR_NONE;
}

/* Teams' Contact leads to port 443, which a border must never dial: it is to follow the
 * Record-Route. x-i is the call's correlation id (traces: FreeSWITCH #2406, 2024). */
static void identity(struct hub_call *c, struct sip_opts *o)
{
	char guid[37], x[33], y[33];
	struct buf b;

	hub_host_identity(c->hub, c->host, o);
	hub_guid(c->hub, guid);
	rng_hex(&c->hub->loop->rng, x, 16);
	rng_hex(&c->hub->loop->rng, y, 16);
	buf_init(&b, c->contact, sizeof c->contact);
	buf_fmt(&b, "sip:api-du-a-euwe.pstnhub.microsoft.com:443;x-i=%s;x-c=%s/s/1/%s", guid, x, y);
	o->contact_uri = buf_str(&b);
}

static void start_script(struct hub_call *c, const struct sip_event *ev)
{

	identity(c, &c->opts);
	c->session = ev->session;
	(void)sip_own(sip_of(c), ev->session, c->id, &c->opts);
	if (!open_ear(c, c->script.tone_hz ? c->script.tone_hz : 554) ||
	    hub_sdp_read(c, ev->body.bytes)) {
		finish_final(c, 488, 0);
		return;
	}
	arm_step(c);
}

void hub_on_invite(struct hub *h, int host, const struct sip_event *ev)
{
	const struct sip_msg *m = ev->msg;
	struct hub_script *u;
	struct hub_call *c;
	struct str number, rest;

	(void)str_cut(m->uri.user, ';', &number, &rest);
	check_retry(h, host, number);
	if (h->host[host].deny_status) {
		struct sip_xhdr x = { STR("Retry-After"), STR("1") };

		(void)sip_reject(h->host[host].sip, ev->session, h->host[host].deny_status, NULL,
				 &x, h->host[host].deny_status == 503);
		return;
	}
	if (refused(h, host, ev, number))
		return;
	u = hub_user_of(h, number);
	c = call_new(h, host);
	if (!c) {
		(void)sip_reject(h->host[host].sip, ev->session, 503, NULL, NULL, 0);
		return;
	}
	c->script = *u;
	(void)str_copy(c->from, sizeof c->from, m->from.uri.user);
	(void)str_copy(c->to, sizeof c->to, number);
	(void)str_copy(c->call_id, sizeof c->call_id, m->call_id);
	start_script(c, ev);
}

/* --- calls we place ------------------------------------------------------- */

static void on_give_up(void *arg)
{
	struct hub_call *c = arg;

	if (c->state == HUB_RINGING)
		(void)sip_cancel(sip_of(c), c->session, NULL, 0);
}

static void dest_of(struct hub *h, int host, struct sip_dest *d)
{
	*d = (struct sip_dest){ .listener = h->host[host].listener, .transport = SIP_TLS,
				.addr = h->cfg.sbc, .port = h->cfg.sbc.port };
	(void)str_copy(d->host, sizeof d->host, str_of(h->cfg.sbc_fqdn));
	(void)str_copy(d->tls_name, sizeof d->tls_name, str_of(h->cfg.sbc_fqdn));
}

static uint64_t send_invite(struct hub_call *c)
{
	struct hub *h = c->hub;
	char ruri[400], from[200], rr[200], guid[37], sdp[1500];
	struct buf r, f, p;
	struct sip_xhdr x = { STR("Record-Route"), STR_NONE };
	struct sip_invite i = { .owner = c->id };

	buf_init(&r, ruri, sizeof ruri);
	buf_fmt(&r, "sip:%s@%s:%u;user=phone;transport=tls", c->to, h->cfg.sbc_fqdn,
		h->cfg.sbc.port);
	buf_init(&f, from, sizeof from);
	buf_fmt(&f, "sip:%s@sip.pstnhub.microsoft.com", c->from);
	buf_init(&p, rr, sizeof rr);
	buf_fmt(&p, "<sip:%s:%u;transport=tls;lr>", h->cfg.host_name[c->host],
		h->host[c->host].at.port);
	hub_guid(h, guid);
	x.value = buf_str(&p);
	i.ruri = i.to_uri = buf_str(&r);
	i.from_uri = buf_str(&f);
	i.body = sdp_body(c, sdp, sizeof sdp, true);
	i.xhdr = &x;
	i.nxhdr = 1;
	dest_of(h, c->host, &i.dest);
	identity(c, &c->opts);
	c->opts.own_record_route = true;
	i.opts = &c->opts;
	return sip_invite(sip_of(c), &i);
}

uint32_t hub_call(struct hub *h, const struct hub_place *p)
{
	struct hub_call *c = call_new(h, p->host);

	if (!c)
		return 0;
	c->placed = true;
	c->place = *p;
	(void)str_copy(c->from, sizeof c->from, str_of(p->from));
	(void)str_copy(c->to, sizeof c->to, str_of(p->to));
	c->place.from = c->place.to = NULL;	/* the caller's text does not outlive the call */
	if (!open_ear(c, p->tone_hz ? p->tone_hz : 554)) {
		end(c, 500);
		return c->number;
	}
	c->session = send_invite(c);
	if (!c->session)
		end(c, 503);
	else if (p->give_up_at)
		timer_start(&h->loop->timers, &c->give_up, p->give_up_at, on_give_up, c);
	return c->number;
}

/* --- the course of an answered call --------------------------------------- */

static void on_hangup(void *arg)
{
	struct hub_call *c = arg;

	(void)sip_bye(sip_of(c), c->session, NULL, 0);
	end(c, 0);
}

static void reinvite(struct hub_call *c, bool hold)
{
	char sdp[1500];
	struct sip_body body;

	c->hold_shown = hold;
	c->sdp_version++;
	body = sdp_body(c, sdp, sizeof sdp, true);
	(void)sip_reinvite(sip_of(c), c->session, &body, NULL, 0);
	ear_talk(c->ear, !hold);
}

static void on_hold(void *arg)
{
	reinvite(arg, true);
}

static void on_resume(void *arg)
{
	reinvite(arg, false);
}

static void arm_at(struct hub_call *c, struct timer *t, ms_t at, void (*fn)(void *))
{
	if (at)
		timer_start(&c->hub->loop->timers, t, at, fn, c);
}

static void arm_course(struct hub_call *c)
{
	ms_t hold = c->place.hold_at, resume = c->place.resume_at, bye = c->place.hangup_at;

	for (int i = 0; i < c->script.nstep; i++) {
		const struct hub_step *s = &c->script.step[i];

		if (s->what == HUB_DO_HANGUP)
			bye = s->at;
		else if (s->what == HUB_DO_HOLD)
			hold = s->at;
		else if (s->what == HUB_DO_RESUME)
			resume = s->at;
	}
	arm_at(c, &c->hold, hold, on_hold);
	arm_at(c, &c->resume, resume, on_resume);
	arm_at(c, &c->hangup, bye, on_hangup);
}

/* --- news of sessions ------------------------------------------------------ */

static void keep_reason(struct hub_call *c, const struct sip_msg *m)
{
	struct str v = m ? sip_hdr(m, SIP_H_REASON) : STR_NONE;

	(void)str_copy(c->reason, sizeof c->reason, str_sub(v, 0, sizeof c->reason - 1));
}

/* RFC 3326, to the letter: a text whose quotes do not match is no text. */
static bool says_elsewhere(struct str reason)
{
	struct str protocol, params, text;
	const char *quoted;

	if (!str_cut(reason, ';', &protocol, &params) || !str_is(protocol, "SIP") ||
	    !str_is(sip_param(params, "cause"), "200"))
		return false;
	text = sip_param(params, "text");
	quoted = text.p;
	return str_is(text, "Call completed elsewhere") && quoted > reason.p && quoted[-1] == '"' &&
	       quoted + text.n < reason.p + reason.n && quoted[text.n] == '"';
}

/* Without "Call completed elsewhere" a cancelled call is a missed call (Manage call
 * notifications); with it, it ends as 487, sub-code 540200. */
static void on_cancelled(struct hub_call *c, const struct sip_event *ev)
{
	keep_reason(c, ev->msg);
	c->cancelled = true;
	c->completed_elsewhere = says_elsewhere(str_of(c->reason));
	c->missed = !c->completed_elsewhere;
	end(c, 487);
}

static void on_answered(struct hub_call *c, const struct sip_event *ev)
{
	note_status(c, 200);
	c->state = HUB_ANSWERED;
	c->answered = c->hub->loop->now;
	timer_stop(&c->hub->loop->timers, &c->give_up);
	if (hub_sdp_read(c, ev->body.bytes) == OK)
		ear_talk(c->ear, true);
	arm_course(c);
}

/* The proxy understands only a=inactive as hold (RFC standards page). */
static void on_reinvite(struct hub_call *c, const struct sip_event *ev)
{
	char sdp[1500];
	struct sip_body body;
	struct buf b;

	c->held_by_border = memmem(ev->body.bytes.p ? ev->body.bytes.p : "", ev->body.bytes.n,
				   "a=inactive", 10) != NULL;
	if (ev->body.bytes.n && hub_sdp_read(c, ev->body.bytes)) {
		(void)sip_reinvite_answer(sip_of(c), c->session, 488, NULL, NULL, 0);
		return;
	}
	buf_init(&b, sdp, sizeof sdp);
	hub_sdp_write(c, &b, !ev->body.bytes.n, c->held_by_border ? "inactive" : "sendrecv");
	body = (struct sip_body){ STR("application/sdp"), buf_str(&b) };
	(void)sip_reinvite_answer(sip_of(c), c->session, 200, &body, NULL, 0);
	ear_talk(c->ear, !c->held_by_border);
}

void hub_on_session(struct hub *h, const struct sip_event *ev)
{
	struct hub_call *c = slot_get(&h->calls, ev->owner);

	if (!c || c->state == HUB_ENDED)
		return;
	if (ev->kind == SIP_EV_CANCELLED) {
		on_cancelled(c, ev);
	} else if (ev->kind == SIP_EV_PROVISIONAL) {
		note_status(c, ev->status);
	} else if (ev->kind == SIP_EV_ANSWER) {
		on_answered(c, ev);
	} else if (ev->kind == SIP_EV_FAILED) {
		note_status(c, ev->status);
		end(c, ev->status);
	} else if (ev->kind == SIP_EV_REINVITE) {
		on_reinvite(c, ev);
	} else if (ev->kind == SIP_EV_REANSWER && !c->hold_shown) {
		(void)hub_sdp_read(c, ev->body.bytes);	/* a bad one keeps the old */
	} else if (ev->kind == SIP_EV_BYE) {
		keep_reason(c, ev->msg);
		c->bye_from_border = true;
		end(c, 0);
	} else if (ev->kind == SIP_EV_ENDED) {
		end(c, 408);
	}
}
