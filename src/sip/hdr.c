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
	case 'v': return SIP_H_VIA;
	case 'x': return SIP_H_SESSION_EXPIRES;
	default: return SIP_H_OTHER;
	}
}

enum { LONGEST = 20, END = SIP_H_OTHER };

/* The headers with a name of that length, the frequent ones first. t_msg.c looks every
 * name of SIP_HEADERS up, so a new one that is not here is seen at once. */
#define H(id) SIP_H_##id
static const uint8_t by_length[LONGEST + 1][12] = {
	[0] = { END }, [1] = { END },
	[2] = { H(TO), END },
	[3] = { H(VIA), END },
	[4] = { H(FROM), H(CSEQ), H(DATE), H(PATH), H(RACK), H(RSEQ), END },
	[5] = { H(ROUTE), H(ALLOW), H(EVENT), END },
	[6] = { H(ACCEPT), H(REASON), H(SERVER), H(MIN_SE), END },
	[7] = { H(CALL_ID), H(CONTACT), H(EXPIRES), H(REQUIRE), H(PRIVACY), H(WARNING),
		H(SUBJECT), END },
	[8] = { H(X_MS_SBC), H(REFER_TO), H(REPLACES), END },
	[9] = { H(SUPPORTED), H(DIVERSION), END },
	[10] = { H(USER_AGENT), H(SESSION_ID), H(CISCO_GUID), H(ALERT_INFO), END },
	[11] = { H(RETRY_AFTER), H(REFERRED_BY), H(MIN_EXPIRES), H(UNSUPPORTED), H(MAX_BREADTH),
		 H(GEOLOCATION), END },
	[12] = { H(MAX_FORWARDS), H(CONTENT_TYPE), H(RECORD_ROUTE), H(HISTORY_INFO),
		 H(MIME_VERSION), END },
	[13] = { H(AUTHORIZATION), H(PROXY_REQUIRE), H(SERVICE_ROUTE), END },
	[14] = { H(CONTENT_LENGTH), END },
	[15] = { H(SESSION_EXPIRES), H(REMOTE_PARTY_ID), END },
	[16] = { H(CONTENT_ENCODING), H(WWW_AUTHENTICATE), END },
	[17] = { END },
	[18] = { H(SUBSCRIPTION_STATE), H(PROXY_AUTHENTICATE), END },
	[19] = { H(CONTENT_DISPOSITION), H(P_ASSERTED_IDENTITY), H(PROXY_AUTHORIZATION), END },
	[20] = { END },
};
#undef H

/* ASCII letters without case. Bytes that differ in bit 5 only and are no letters ('-' and
 * CR) do not meet: the name was checked to be a token. */
static bool name_is(const char *p, const struct str *name)
{
	for (size_t i = 0; i < name->n; i++)
		if (((p[i] ^ name->p[i]) & ~0x20) != 0)
			return false;
	return true;
}

enum sip_hdr_id sip_hdr_of(struct str name)
{
	const uint8_t *k;

	if (name.n == 1)
		return compact(ch_lower(name.p[0]));
	if (name.n > LONGEST)
		return SIP_H_OTHER;
	for (k = by_length[name.n]; *k != END; k++)
		if (name_is(name.p, &names[*k]))
			return (enum sip_hdr_id)*k;
	return SIP_H_OTHER;
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
