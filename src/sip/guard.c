#include "sip/guard.h"

#include <string.h>

#include "sip/chars.h"
#include "sip/dialog.h"

enum {
	/* Answered by somebody above, if only with a refusal of its own (REFER: 603). */
	IN_DIALOG = 1u << SIP_PRACK | 1u << SIP_UPDATE | 1u << SIP_INFO,
	TAKEN = GUARD_ALLOW | 1u << SIP_REGISTER | 1u << SIP_REFER | IN_DIALOG,
	DIALOG = 1u << SIP_ACK | 1u << SIP_BYE | 1u << SIP_CANCEL | IN_DIALOG,
};

uint32_t guard_methods(const struct sip_listener *l)
{
	uint32_t m = l->methods ? l->methods : TAKEN;

	if (m & 1u << SIP_INVITE)
		m |= DIALOG;
	if (l->events)
		m |= 1u << SIP_SUBSCRIBE;
	if (l->zone == SIP_ZONE_TEAMS)
		m &= ~(1u << SIP_REGISTER);
	return m;
}

void guard_allow(struct buf *b, uint32_t methods)
{
	bool first = true;

	for (unsigned i = 0; i < SIP_METHOD_OTHER; i++) {
		if (!(methods & 1u << i))
			continue;
		if (!first)
			buf_lit(b, ", ");
		buf_put(b, sip_method_str((enum sip_method)i));
		first = false;
	}
}

static void refuse(struct guard_verdict *v, unsigned status, const char *phrase)
{
	v->status = status;
	v->phrase = phrase;
}

/* RFC 6665 4.2.1.1: a package that nobody can subscribe to here. In dialogs the Event finds its
 * subscription, or none. */
static bool check_event(const struct sip_msg *m, const struct sip_listener *l, struct guard_verdict *v)
{
	struct str value = sip_hdr(m, SIP_H_EVENT);
	struct sip_package p;
	struct buf b;

	if (m->method != SIP_SUBSCRIBE || m->to_tag.p)
		return true;
	if (value.p && sip_package_parse(value, &p) != OK) {
		refuse(v, 400, "Bad Event");
		return false;
	}
	if (value.p && sip_allow_events_has(str_of(l->events), p.name))
		return true;
	refuse(v, 489, NULL);
	buf_init(&b, v->extra, sizeof v->extra);
	buf_fmt(&b, "Allow-Events: %s\r\n", l->events);
	(void)buf_z(&b);	/* "": too long a list for one answer */
	return false;
}

static bool check_method(const struct sip_msg *m, const struct sip_listener *l,
			 struct guard_verdict *v)
{
	uint32_t ok = guard_methods(l);
	struct buf b;

	if (m->method < SIP_METHOD_OTHER && ok & 1u << m->method)
		return check_event(m, l, v);
	/* The subscription of a REFER may be refreshed in its dialog, whatever is offered here. */
	if (m->method == SIP_SUBSCRIBE && m->to_tag.p && ok & 1u << SIP_REFER)
		return true;
	if (m->method == SIP_REGISTER && l->zone == SIP_ZONE_TEAMS) {
		refuse(v, 403, "No registration here");
		return false;
	}
	refuse(v, m->method < SIP_METHOD_OTHER ? 405 : 501, NULL);
	buf_init(&b, v->extra, sizeof v->extra);
	buf_lit(&b, "Allow: ");
	guard_allow(&b, ok & ~(1u << SIP_REFER | IN_DIALOG));
	buf_lit(&b, "\r\n");
	(void)buf_z(&b);	/* the list is shorter than the field */
	return false;
}

/* A Via of ours: the request went round. What would make the same call as before is a loop; what
 * comes back for another number only passes again (RFC 5393 4.2). */
static bool looped(const struct sip_msg *m, const struct guard_mark *mark)
{
	const struct sip_hdr *h = NULL;

	if (m->to_tag.p)
		return false;	/* a dialog that goes out and comes in again is one */
	while ((h = sip_hdr_each(m, SIP_H_VIA, h)) != NULL) {
		const char *at = mark->cookie.n ? memmem(h->value.p, h->value.n, mark->cookie.p,
							 mark->cookie.n) : NULL;
		size_t left;
		uint32_t was = 0;

		if (!at)
			continue;
		at += mark->cookie.n;
		left = (size_t)(h->value.p + h->value.n - at);
		for (size_t i = 0; i < GUARD_LOOP_DIGITS && i < left && ch_is(at[i], CH_HEX); i++)
			was = was << 4 | ch_hex(at[i]);
		if (!was || was == mark->loop)
			return true;
	}
	return false;
}

/* The option tags of Require that we do not know, as "Unsupported: a, b". */
static bool check_require(const struct sip_msg *m, struct guard_verdict *v)
{
	const struct sip_hdr *h = NULL;
	bool bad = false;
	struct buf b;

	buf_init(&b, v->extra, sizeof v->extra);
	while ((h = sip_hdr_each(m, SIP_H_REQUIRE, h)) != NULL) {
		struct str tag, rest = h->value;

		do {
			(void)str_cut(rest, ',', &tag, &rest);	/* the last one has none */
			tag = str_trim(tag);
			/* 100rel: whether this peer may have it, its owner knows. */
			if (tag.n == 0 || str_iis(tag, "timer") ||
			    (m->method == SIP_INVITE && str_iis(tag, "100rel")))
				continue;
			buf_lit(&b, bad ? ", " : "Unsupported: ");
			sip_write_value(&b, str_sub(tag, 0, 64));
			bad = true;
		} while (rest.p);
	}
	if (!bad)
		return true;
	buf_lit(&b, "\r\n");
	if (buf_z(&b)[0] == 0)
		v->extra[0] = 0;	/* it does not fit: more than one would read */
	refuse(v, 420, NULL);
	return false;
}

static bool check_timer(const struct sip_msg *m, struct guard_verdict *v)
{
	struct str value, rest;
	uint32_t se;
	struct buf b;

	(void)str_cut(sip_hdr(m, SIP_H_SESSION_EXPIRES), ';', &value, &rest);	/* parameters: session */
	if ((m->method != SIP_INVITE && m->method != SIP_UPDATE) || str_u32(str_trim(value), UINT32_MAX, &se) != OK)
		return true;
	if (se >= GUARD_MIN_SE_S || !sip_hdr_has(m, SIP_H_SUPPORTED, "timer"))
		return true;
	buf_init(&b, v->extra, sizeof v->extra);
	buf_fmt(&b, "Min-SE: %d\r\n", GUARD_MIN_SE_S);
	(void)buf_z(&b);	/* fits */
	refuse(v, 422, NULL);
	return false;
}

static bool check_content(const struct sip_msg *m, struct guard_verdict *v)
{
	struct str e = str_trim(sip_hdr(m, SIP_H_CONTENT_ENCODING));

	if (e.n == 0 || str_iis(e, "identity") || m->body.bytes.n == 0)
		return true;
	refuse(v, 415, NULL);
	(void)str_copy(v->extra, sizeof v->extra, STR("Accept-Encoding: identity\r\n")); /* fits */
	return false;
}

void guard_check(const struct sip_msg *m, const struct sip_listener *l,
		 const struct guard_mark *mark, struct guard_verdict *v)
{
	v->status = 0;
	v->phrase = NULL;
	v->extra[0] = 0;
	if (m->method == SIP_ACK || m->method == SIP_CANCEL)
		return;		/* matched or dropped, never refused */
	if (!check_method(m, l, v))
		return;
	if (m->uri.scheme == SIP_SCHEME_NONE || m->uri.scheme == SIP_SCHEME_OTHER) {
		refuse(v, 416, NULL);
		return;
	}
	if (m->max_forwards == 0) {
		refuse(v, 483, NULL);
		return;
	}
	if (looped(m, mark)) {
		refuse(v, 482, NULL);
		return;
	}
	if (check_require(m, v) && check_content(m, v))
		(void)check_timer(m, v);	/* the last one */
}
