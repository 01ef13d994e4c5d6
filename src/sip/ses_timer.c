/*
 * Session timers, RFC 4028: who refreshes, when, and when the session is over.
 * A refresh is an UPDATE, or a re-INVITE, whose body only the owner knows: it is told.
 */
#include "sip/guard.h"
#include "sip/stack_int.h"

enum { SE_DEFAULT_S = 1800, SE_MAX_S = 86400, PAUSE_MS = 20000 };

static uint32_t wanted(const struct ses *x)
{
	uint32_t v = x->opts && x->opts->session_expires_s ? x->opts->session_expires_s
							     : SE_DEFAULT_S;

	return v < x->se.min ? x->se.min : v;
}

static uint32_t own_min(const struct ses *x)
{
	uint32_t v = x->opts && x->opts->min_se_s ? x->opts->min_se_s : GUARD_MIN_SE_S;

	return v < x->se.min ? x->se.min : v;
}

void se_write_request(struct buf *b, const struct ses *x, bool first)
{
	if (!x->opts || !x->opts->session_timer)
		return;
	buf_lit(b, "Session-Expires: ");
	buf_u64(b, x->se.s > x->se.min ? x->se.s : x->se.s ? x->se.min : wanted(x));
	/* A refresh keeps the role, seen from its sender. */
	if (!first && x->se.role != SE_NONE)
		buf_lit(b, x->se.role == SE_WE_REFRESH ? ";refresher=uac" : ";refresher=uas");
	buf_lit(b, "\r\nMin-SE: ");
	buf_u64(b, own_min(x));
	buf_lit(b, "\r\n");
}

static uint32_t seconds(struct str v);

void se_too_short(struct ses *x, const struct sip_msg *m)
{
	uint32_t min = m && m->status == 422 ? seconds(sip_hdr(m, SIP_H_MIN_SE)) : 0;

	if (min > x->se.min)
		x->se.min = min;
}

static uint32_t seconds(struct str v)
{
	struct str head, rest;
	uint32_t s;

	(void)str_cut(v, ';', &head, &rest);
	if (str_u32(str_trim(head), UINT32_MAX, &s) != OK)
		return 0;
	return s > SE_MAX_S ? SE_MAX_S : s;
}

static struct str refresher(struct str v)
{
	struct str head, rest;

	return str_cut(v, ';', &head, &rest) ? str_trim(sip_param(rest, "refresher")) : STR_NONE;
}

void se_read_request(struct ses *x, const struct sip_msg *m)
{
	struct str v = sip_hdr(m, SIP_H_SESSION_EXPIRES), r = refresher(v);

	x->se.want = seconds(v);
	x->se.peer_timer = sip_hdr_has(m, SIP_H_SUPPORTED, "timer") ||
			   sip_hdr_has(m, SIP_H_REQUIRE, "timer");
	x->se.min = seconds(sip_hdr(m, SIP_H_MIN_SE));
	x->se.asked = str_iis(r, "uac") ? SE_PEER_REFRESHES
		      : str_iis(r, "uas") ? SE_WE_REFRESH
					  : SE_NONE;
}

/* RFC 4028 9. When the peer knows no timers we refresh alone. */
void se_write_answer(struct buf *b, struct ses *x)
{
	uint32_t s = wanted(x);

	x->se.s = 0;
	x->se.role = SE_NONE;
	if (!x->opts || !x->opts->session_timer)
		return;
	if (x->se.want && x->se.want < s)
		s = x->se.want < GUARD_MIN_SE_S ? GUARD_MIN_SE_S : x->se.want;
	x->se.s = s;
	if (!x->se.peer_timer)
		x->se.role = SE_WE_REFRESH;
	else
		x->se.role = x->se.asked == SE_NONE ? SE_PEER_REFRESHES : x->se.asked;
	buf_fmt(b, "Session-Expires: %u;refresher=%s\r\n", s,
		x->se.role == SE_PEER_REFRESHES ? "uac" : "uas");
	if (x->se.role == SE_PEER_REFRESHES)
		buf_lit(b, "Require: timer\r\n");
}

/* RFC 4028 7.2. */
void se_read_answer(struct ses *x, const struct sip_msg *m)
{
	struct str v = sip_hdr(m, SIP_H_SESSION_EXPIRES);
	uint32_t s = seconds(v);

	x->se.role = SE_NONE;
	x->se.s = 0;
	if (!x->opts || !x->opts->session_timer || !s)
		return;
	x->se.s = s < GUARD_MIN_SE_S ? GUARD_MIN_SE_S : s;
	x->se.role = str_iis(refresher(v), "uas") ? SE_PEER_REFRESHES : SE_WE_REFRESH;
}

static void due(void *arg);

/* 10: BYE somewhat before the end, "the minimum of 32 seconds and one third". */
static ms_t last_call(const struct ses *x)
{
	ms_t full = 1000 * (ms_t)x->se.s, cut = full / 3;

	return full - (cut < 32000 ? cut : 32000);
}

/* 10: a refresh that fails ends nothing while there is time for another one. What is open now, either
 * way, may be one, or stands in its way. */
static void due(void *arg)
{
	struct ses *x = arg;
	ms_t full = last_call(x) - 500 * (ms_t)x->se.s;
	ms_t pause = full / 3 < PAUSE_MS ? full / 3 : PAUSE_MS, gone = x->se.tried * pause;
	struct ses_arg a = { 0 };

	if (x->se.role == SE_WE_REFRESH && gone < full) {
		x->se.tried++;
		timer_start(&x->s->loop->timers, &x->expire, full - gone < pause ? full - gone : pause, due, x);
		if (x->re == RE_NONE && !re_refresh(x->s, x))
			(void)ses_news(x->s, x, SIP_EV_REFRESH_DUE, NULL);	/* nothing to add */
		return;
	}
	(void)ses_step(x->s, x, SES_EXPIRED, &a);	/* no command */
}

void se_start(struct ses *x)
{
	se_stop(x);
	if (x->se.role == SE_NONE || !x->se.s || x->state != SES_UP)
		return;
	timer_start(&x->s->loop->timers, &x->expire,
		    x->se.role == SE_WE_REFRESH ? 500 * (ms_t)x->se.s : last_call(x), due, x);
}

void se_stop(struct ses *x)
{
	x->se.tried = 0;
	timer_stop(&x->s->loop->timers, &x->expire);
}
