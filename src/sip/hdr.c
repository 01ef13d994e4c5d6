/*
 * Header and method names, and reading the header fields of a parsed message.
 */
#include <string.h>

#include "sip/chars.h"
#include "sip/msg.h"
#include "sip/msg_int.h"

static const struct str methods[SIP_NMETHOD] = {
#define X(m) [SIP_##m] = { #m, sizeof #m - 1 },
	SIP_METHODS(X)
#undef X
	[SIP_METHOD_OTHER] = { "", 0 },
};

static const struct str names[SIP_NHDR] = {
#define X(id, name, c) [SIP_H_##id] = { name, sizeof name - 1 },
	SIP_HEADERS(X)
#undef X
	[SIP_H_OTHER] = { "", 0 },
};

struct str sip_method_str(enum sip_method m)
{
	return (unsigned)m < SIP_NMETHOD ? methods[m] : methods[SIP_METHOD_OTHER];
}

const char *sip_hdr_name(enum sip_hdr_id id)
{
	return (unsigned)id < SIP_NHDR ? names[id].p : "";
}

enum sip_method sip_method_of(struct str s)
{
	for (unsigned m = 0; m < SIP_METHOD_OTHER; m++)
		if (methods[m].n == s.n && methods[m].p[0] == s.p[0] &&
		    memcmp(methods[m].p, s.p, s.n) == 0)
			return (enum sip_method)m;
	return SIP_METHOD_OTHER;
}

/* RFC 3261 7.3.3 and the registry; t_msg.c holds it against SIP_HEADERS. */
static enum sip_hdr_id compact(char c)
{
	switch (c) {
	case 'b': return SIP_H_REFERRED_BY;
	case 'c': return SIP_H_CONTENT_TYPE;
	case 'e': return SIP_H_CONTENT_ENCODING;
	case 'f': return SIP_H_FROM;
	case 'i': return SIP_H_CALL_ID;
	case 'k': return SIP_H_SUPPORTED;
	case 'l': return SIP_H_CONTENT_LENGTH;
	case 'm': return SIP_H_CONTACT;
	case 'o': return SIP_H_EVENT;
	case 'r': return SIP_H_REFER_TO;
	case 's': return SIP_H_SUBJECT;
	case 't': return SIP_H_TO;
	case 'u': return SIP_H_ALLOW_EVENTS;
	case 'v': return SIP_H_VIA;
	case 'x': return SIP_H_SESSION_EXPIRES;
	default: return SIP_H_OTHER;
	}
}

/* Where a name of two letters or more has its place: no two names of SIP_HEADERS share one.
 * The factors were found by trying; after a change of SIP_HEADERS t_msg.c tells whether they
 * and the table still hold. */
static unsigned place(struct str name)
{
	const unsigned char *p = (const unsigned char *)name.p;

	return ((unsigned)name.n * 18u + (p[0] | 0x20u) * 61u + (p[name.n - 1] | 0x20u) * 52u +
		(p[name.n / 2] | 0x20u) * 10u) % 128;
}

#define H(id) SIP_H_##id
static const uint8_t by_place[128] = {
	[2] = H(P_ASSERTED_IDENTITY), [5] = H(EXPIRES), [6] = H(X_MS_SBC),
	[7] = H(GEOLOCATION), [8] = H(PROXY_AUTHENTICATE), [11] = H(ACCEPT), [12] = H(RACK),
	[16] = H(FROM), [17] = H(WARNING), [18] = H(PROXY_REQUIRE), [19] = H(SESSION_EXPIRES),
	[21] = H(CONTENT_ENCODING), [23] = H(SERVER), [25] = H(SUBJECT), [26] = H(ROUTE),
	[27] = H(MIME_VERSION), [29] = H(CALL_ID), [31] = H(ALERT_INFO), [32] = H(PATH),
	[33] = H(MAX_FORWARDS), [34] = H(VIA), [40] = H(DATE), [42] = H(TO), [43] = H(MIN_SE),
	[45] = H(CONTACT), [47] = H(SUPPORTED), [58] = H(REFER_TO), [62] = H(REQUIRE),
	[65] = H(SESSION_ID), [66] = H(DIVERSION), [67] = H(ALLOW_EVENTS), [69] = H(CSEQ), [71] = H(SERVICE_ROUTE),
	[72] = H(RECORD_ROUTE), [73] = H(SUBSCRIPTION_STATE), [75] = H(MIN_EXPIRES),
	[83] = H(MAX_BREADTH), [87] = H(UNSUPPORTED), [88] = H(RSEQ), [90] = H(RETRY_AFTER),
	[91] = H(ALLOW), [93] = H(CISCO_GUID), [94] = H(PRIVACY),
	[95] = H(CONTENT_DISPOSITION), [96] = H(REPLACES), [102] = H(HISTORY_INFO),
	[104] = H(REMOTE_PARTY_ID), [108] = H(REASON), [109] = H(EVENT),
	[110] = H(PROXY_AUTHORIZATION), [111] = H(USER_AGENT), [113] = H(WWW_AUTHENTICATE),
	[117] = H(CONTENT_LENGTH), [120] = H(REFERRED_BY), [121] = H(AUTHORIZATION),
	[123] = H(CONTENT_TYPE),
};
#undef H

/* ASCII letters without case: bit 5 does not count. Bytes that differ in it and are no
 * letters ('-' and CR) do not meet, as the name was checked to be a token. */
static bool same8(const char *a, const char *b)
{
	uint64_t x, y;

	memcpy(&x, a, 8);
	memcpy(&y, b, 8);
	return ((x ^ y) & 0xdfdfdfdfdfdfdfdfu) == 0;
}

static bool same4(const char *a, const char *b)
{
	uint32_t x, y;

	memcpy(&x, a, 4);
	memcpy(&y, b, 4);
	return ((x ^ y) & 0xdfdfdfdfu) == 0;
}

/* n >= 2. The last step may overlap the one before. */
static bool same_name(const char *p, const char *q, size_t n)
{
	if (n < 4)
		return ((p[0] ^ q[0]) & ~0x20) == 0 && ((p[1] ^ q[1]) & ~0x20) == 0 &&
		       ((p[n - 1] ^ q[n - 1]) & ~0x20) == 0;
	if (n < 8)
		return same4(p, q) && same4(p + n - 4, q + n - 4);
	for (size_t i = 0; i + 8 < n; i += 8)
		if (!same8(p + i, q + i))
			return false;
	return same8(p + n - 8, q + n - 8);
}

enum sip_hdr_id sip_hdr_of(struct str name)
{
	enum sip_hdr_id id;

	if (name.n < 2)
		return name.n ? compact(ch_lower(name.p[0])) : SIP_H_OTHER;
	id = (enum sip_hdr_id)by_place[place(name)];
	return names[id].n == name.n && same_name(name.p, names[id].p, name.n) ? id : SIP_H_OTHER;
}

struct str sip_hdr(const struct sip_msg *m, enum sip_hdr_id id)
{
	uint16_t i = m->first[id];

	return i ? m->hdr[i - 1].value : STR_NONE;
}

const struct sip_hdr *sip_hdr_each(const struct sip_msg *m, enum sip_hdr_id id,
				   const struct sip_hdr *prev)
{
	uint16_t i = prev ? prev->next : m->first[id];

	return i ? &m->hdr[i - 1] : NULL;
}

bool sip_hdr_has(const struct sip_msg *m, enum sip_hdr_id id, const char *token)
{
	const struct sip_hdr *h = NULL;
	struct str want = str_of(token), one;

	while ((h = sip_hdr_each(m, id, h)) != NULL) {
		struct str rest = h->value;

		while (rest.p) {
			(void)str_cut(rest, ',', &one, &rest);	/* the last has none */
			if (str_ieq(str_trim(one), want))
				return true;
		}
	}
	return false;
}

bool sip_body_is(const struct sip_body *b, const char *type)
{
	struct str head, rest;

	if (!b->type.p)
		return false;
	(void)str_cut(b->type, ';', &head, &rest);	/* parameters or none */
	return str_iis(str_trim(head), type);
}
