#include "hub/rules.h"

#define SIP_DOC "Direct Routing - SIP protocol"
#define MEDIA_DOC "Direct Routing - media protocols"
#define CODE_DOC "Microsoft and SIP response codes"
#define CONN_DOC "SBC connectivity issues"
#define PLAN_DOC "Plan Direct Routing"
#define FIELD "field trace"

static const struct hub_rule rules[DR_NRULE] = {
 [DR_NONE] = { "", 0, 0, "", 0, true, "", "", "" },
 [DR_T1] = { "DR-T1", 0, 0, "no common TLS version or suite", 0, true,
	"The handshake offered no TLS 1.2 with one of the four ECDHE-RSA suites; use an RSA certificate and TLS 1.2.", CONN_DOC, "2023-10" },
 [DR_T2] = { "DR-T2", 0, 0, "no client certificate", 0, false,
	"The border presented no client certificate; Direct Routing is mutual TLS.", FIELD, "2026-07" },
 [DR_T3] = { "DR-T3", 0, 0, "certificate not trusted", 569009, true,
	"The border's certificate is self-signed, expired, of an unknown root, or its intermediate is missing; send the full chain of a trusted CA.", CONN_DOC, "2023-10" },
 [DR_T4] = { "DR-T4", 0, 0, "certificate without serverAuth", 0, true,
	"The border's certificate lacks the Server Authentication key usage; ask the CA for it.", "What's new for Direct Routing", "2024-10" },
 [DR_T5] = { "DR-T5", 0, 0, "outbound connection refused by us", 569002, true,
	"The certificate the border showed as a server was not accepted, so nothing was sent to it.", CODE_DOC " 504", "2023-10" },
 [DR_S1] = { "DR-S1", 400, 0, "Invalid Request/Response line", 549002, true,
	"The start line has no SIP/2.0.", CODE_DOC " 504", "2023-10" },
 [DR_S2] = { "DR-S2", 403, 63, "Record-Route and Contact headers are missing", 0, false,
	"OPTIONS and INVITE need a Contact with the border's FQDN.", FIELD, "2026-07" },
 [DR_S3] = { "DR-S3", 403, 0, "Contact or Record-Route is an IP address", 0, true,
	"Put the border's FQDN into Contact and Record-Route, never an address.", SIP_DOC, "2023-01" },
 [DR_S4] = { "DR-S4", 403, 0, "Contact does not match the certificate", 0, false,
	"The host of Contact is not covered by the certificate's names.", SIP_DOC, "2023-01" },
 [DR_S5] = { "DR-S5", 403, 0, "No trunk config was found", 510532, true,
	"The FQDN in Contact belongs to no tenant; register it as a PSTN gateway.", CODE_DOC " 403", "2023-10" },
 [DR_S6] = { "DR-S6", 416, 0, "sips is not supported", 0, false,
	"Use sip: with transport=tls instead of sips:.", SIP_DOC, "2023-01" },
 [DR_S7] = { "DR-S7", 403, 0, "Replaces is rejected", 0, false,
	"A border must not send Replaces since April 2022.", "What's new for Direct Routing", "2024-10" },
 [DR_S8] = { "DR-S8", 415, 0, "Offer or Content-Type is missing", 540415, true,
	"An INVITE needs an SDP offer with Content-Type application/sdp.", CODE_DOC " 415", "2023-10" },
 [DR_S9] = { "DR-S9", 404, 0, "Number is not in +E.164", 511404, true,
	"The Request-URI's user must begin with + and the country code.", CODE_DOC " 404", "2023-10" },
 [DR_S10] = { "DR-S10", 404, 0, "Reverse number lookup failed", 511404, true,
	"No user of the tenant has this number.", CODE_DOC " 404", "2023-10" },
 [DR_S11] = { "DR-S11", 403, 0, "User is not Enterprise Voice enabled", 510560, true,
	"Enable Enterprise Voice for the user, or take the caller from the blocked list (510534).", CODE_DOC " 403", "2023-10" },
 [DR_S12] = { "DR-S12", 480, 31, "No callee endpoints were found.", 10037, true,
	"The user is signed in nowhere.", CODE_DOC " 480", "2023-10" },
 [DR_S13] = { "DR-S13", 0, 0, "Retried after a final answer", 0, true,
	"After 4xx (486 included) and 603 the border must not try again: it makes several missed calls.", "Issues that affect inbound Direct Routing calls", "2025-02" },
 [DR_S14] = { "DR-S14", 422, 0, "Session Interval Too Small", 540422, true,
	"Raise Session-Expires to the Min-SE of the answer.", CODE_DOC " 422", "2023-10" },
 [DR_S15] = { "DR-S15", 405, 0, "Method Not Allowed", 0, false,
	"REFER, UPDATE, PRACK, INFO and SUBSCRIBE are not in Allow.", FIELD, "2024-03" },
 [DR_S16] = { "DR-S16", 420, 0, "Bad Extension", 0, false,
	"Require names an extension that is not supported (100rel).", FIELD, "2024-03" },
 [DR_S17] = { "DR-S17", 0, 0, "OPTIONS interval", 0, true,
	"OPTIONS must come not more often than every 60 s and not more seldom than every 180 s.", "Connect your SBC to Direct Routing", "2022-11" },
 [DR_S18] = { "DR-S18", 503, 0, "Service Unavailable", 0, true,
	"A busy datacenter: close this connection and use the next name.", SIP_DOC, "2023-01" },
 [DR_M1] = { "DR-M1", 488, 0, "SrtpEncryptionRequired", 531000, true,
	"The offer has no a=crypto line: switch SRTP on.", CODE_DOC " 488", "2023-10" },
 [DR_M2] = { "DR-M2", 488, 0, "CannotSupportAnyMedia", 531000, true,
	"The offer has none of PCMU, PCMA, G722, G729, SILK.", CODE_DOC " 488", "2023-10" },
 [DR_M3] = { "DR-M3", 488, 0, "Two codecs share one payload type", 531000, false,
	"Give every rtpmap its own payload type.", FIELD, "2021-01" },
 [DR_M4] = { "DR-M4", 488, 79, "Transport profile not recognized", 531000, false,
	"The m= line must say RTP/SAVP.", FIELD, "2024-04" },
 [DR_M5] = { "DR-M5", 410, 0, "SdpParsingFailure", 531000, true,
	"The session description is malformed.", CODE_DOC " 410", "2023-10" },
};

const struct hub_rule *hub_rule(enum hub_rule_id id)
{
	return &rules[(unsigned)id < DR_NRULE ? id : DR_NONE];
}

bool hub_name_covers(const char *pattern, struct str host)
{
	struct str p = str_of(pattern), label, rest;

	if (p.n > 2 && p.p[0] == '*' && p.p[1] == '.')
		return str_cut(host, '.', &label, &rest) && label.n &&
		       str_ieq(rest, str_sub(p, 2, p.n));
	return str_ieq(p, host);
}

static bool covered(const char *const *names, struct str host)
{
	for (; names && *names; names++)
		if (hub_name_covers(*names, host))
			return true;
	return false;
}

/* The tenant's own FQDN, or with the host label stripped. */
static bool known_tenant(const struct hub_facts *f, struct str host)
{
	struct str label, parent;
	const char *const *t = f->tenants;

	(void)str_cut(host, '.', &label, &parent);
	for (; t && *t; t++)
		if (str_ieq(str_of(*t), host) || (parent.n && str_ieq(str_of(*t), parent)))
			return true;
	return false;
}

static bool is_ip(struct str host)
{
	struct addr a;

	return addr_parse_ip(host, &a) == OK;
}

static enum hub_rule_id check_contact(const struct sip_msg *m, const struct hub_facts *f)
{
	struct str rr = sip_hdr(m, SIP_H_RECORD_ROUTE), c = sip_hdr(m, SIP_H_CONTACT), rest;
	struct sip_nameaddr na;

	if (!rr.p && !c.p)
		return DR_S2;
	if (sip_nameaddr_parse(rr.p ? rr : c, &na, &rest))
		return DR_S2;
	if (na.uri.scheme == SIP_SCHEME_SIPS)
		return DR_S6;
	if (is_ip(na.uri.host))
		return DR_S3;
	if (f->cert_names && !covered(f->cert_names, na.uri.host))
		return DR_S4;
	return known_tenant(f, na.uri.host) ? DR_NONE : DR_S5;
}

static bool digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > 0;
}

static enum hub_rule_id check_number(const struct sip_msg *m, const struct hub_facts *f)
{
	struct str number, ext;

	(void)str_cut(m->uri.user, ';', &number, &ext);
	if (!number.n || number.p[0] != '+' || !digits(str_sub(number, 1, number.n)))
		return DR_S9;
	if (!f->user)
		return DR_S10;
	if (!f->user->voice_enabled || f->user->blocked)
		return DR_S11;
	return f->user->offline ? DR_S12 : DR_NONE;
}

static enum hub_rule_id check_invite(const struct sip_msg *m, const struct hub_facts *f)
{
	struct str se = sip_hdr(m, SIP_H_SESSION_EXPIRES), value, params;
	bool in_dialog = m->to_tag.n > 0;
	uint32_t s;

	if (!in_dialog && (!m->body.bytes.n || !str_iis(m->body.type, "application/sdp")))
		return DR_S8;
	if (se.p) {
		(void)str_cut(se, ';', &value, &params);
		if (str_u32(str_trim(value), UINT32_MAX, &s) == OK && s < f->min_se)
			return DR_S14;
	}
	return in_dialog ? DR_NONE : check_number(m, f);
}

enum hub_rule_id hub_check_request(const struct sip_msg *m, const struct hub_facts *f)
{
	enum hub_rule_id id = DR_NONE;

	if (m->uri.scheme == SIP_SCHEME_SIPS || m->to.uri.scheme == SIP_SCHEME_SIPS ||
	    m->from.uri.scheme == SIP_SCHEME_SIPS)
		return DR_S6;
	if (sip_hdr(m, SIP_H_REPLACES).p)
		return DR_S7;
	if (m->method == SIP_REFER || m->method == SIP_UPDATE || m->method == SIP_PRACK ||
	    m->method == SIP_INFO || m->method == SIP_SUBSCRIBE)
		return DR_S15;
	if (sip_hdr_has(m, SIP_H_REQUIRE, "100rel"))
		return DR_S16;
	if (m->method == SIP_OPTIONS || m->method == SIP_INVITE)
		id = check_contact(m, f);
	if (id == DR_NONE && m->method == SIP_INVITE)
		id = check_invite(m, f);
	return id;
}

/* --- SDP, read here with the hub's own eyes ---------------------------- */

struct audio {
	bool seen, savp, profile_known, crypto, codec, duplicate;
	uint8_t pt_named[16];		/* bit per payload type with an rtpmap */
};

static bool next_line(struct str *s, struct str *line)
{
	struct str rest;

	if (!s->n)
		return false;
	(void)str_cut(*s, '\n', line, &rest);
	*s = rest;
	if (line->n && line->p[line->n - 1] == '\r')
		line->n--;
	return true;
}

static void formats(struct audio *a, struct str list)
{
	struct str pt;

	while (list.p) {
		(void)str_cut(list, ' ', &pt, &list);
		a->codec |= str_is(pt, "0") || str_is(pt, "8") || str_is(pt, "9") ||
			    str_is(pt, "18");
	}
}

static void rtpmap(struct audio *a, struct str v)
{
	struct str pt, enc, name, clock;
	uint32_t n;

	(void)str_cut(v, ' ', &pt, &enc);
	if (str_u32(pt, 127, &n))
		return;
	a->duplicate |= (a->pt_named[n / 8] >> (n % 8)) & 1;
	a->pt_named[n / 8] |= (uint8_t)(1u << (n % 8));
	(void)str_cut(enc, '/', &name, &clock);
	a->codec |= str_iis(name, "SILK");
}

static bool media_line(struct audio *a, struct str v)
{
	struct str kind, port, proto, list;

	if (!str_cut(v, ' ', &kind, &v) || !str_cut(v, ' ', &port, &v) ||
	    !str_cut(v, ' ', &proto, &list))
		return false;
	if (!str_is(kind, "audio") || a->seen)
		return true;
	a->seen = true;
	a->savp = str_is(proto, "RTP/SAVP") || str_is(proto, "UDP/TLS/RTP/SAVP");
	a->profile_known = a->savp || str_is(proto, "RTP/AVP");
	formats(a, list);
	return true;
}

enum hub_rule_id hub_check_sdp(struct str sdp)
{
	struct audio a = { 0 };
	struct str line;
	bool first = true;

	while (next_line(&sdp, &line)) {
		if (!line.n)
			continue;
		if (line.n < 2 || line.p[1] != '=' || (first && !str_is(line, "v=0")))
			return DR_M5;
		first = false;
		if (line.p[0] == 'm' && !media_line(&a, str_sub(line, 2, line.n)))
			return DR_M5;
		if (str_starts(line, STR("a=crypto:")))
			a.crypto = true;
		if (str_starts(line, STR("a=rtpmap:")))
			rtpmap(&a, str_sub(line, 9, line.n));
	}
	if (first || !a.seen)
		return DR_M5;
	if (!a.profile_known)
		return DR_M4;
	if (!a.savp || !a.crypto)
		return DR_M1;
	if (a.duplicate)
		return DR_M3;
	return a.codec ? DR_NONE : DR_M2;
}
