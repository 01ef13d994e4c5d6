#include "sip/events.h"

#include "sip/chars.h"

static const char *const reason_text[SIP_SUB_NREASON] = {
#define X(id, text) [SIP_SUB_##id] = text,
	SIP_SUB_REASONS(X)
#undef X
	[SIP_SUB_REASON_OTHER] = "",
};

static const char *const state_text[SIP_SUB_NSTATE] = {
	[SIP_SUB_ACTIVE] = "active", [SIP_SUB_PENDING] = "pending",
	[SIP_SUB_TERMINATED] = "terminated", [SIP_SUB_EXTENSION] = "active",
};

/* A list of parameters where a comma would begin a second value, which these headers have not. */
static enum err params_ok(struct str params)
{
	struct str rest = params, name, value;
	unsigned n = 0;

	while (sip_param_next(&rest, &name, &value)) {
		if (name.n && !ch_all(name, CH_TOKEN))
			return ERR_PARSE;
		if (++n > SIP_PARAM_MAX)
			return ERR_LIMIT;
	}
	return OK;
}

static enum err cut(struct str v, struct str *head, struct str *params)
{
	if (!str_cut(v, ';', head, params))
		*params = STR_NONE;
	*head = str_trim(*head);
	if (head->n > SIP_TOKEN_MAX)
		return ERR_LIMIT;
	if (!ch_all(*head, CH_TOKEN))
		return ERR_PARSE;
	return params->p ? params_ok(*params) : OK;
}

enum err sip_package_parse(struct str v, struct sip_package *out)
{
	struct sip_package p;
	struct str params;
	enum err e = cut(v, &p.name, &params);

	if (e)
		return e;
	p.id = params.p ? sip_param(params, "id") : STR_NONE;
	if (p.id.n > SIP_TOKEN_MAX)
		return ERR_LIMIT;
	if (p.id.p && !ch_all(p.id, CH_TOKEN))
		return ERR_PARSE;
	*out = p;
	return OK;
}

bool sip_package_same(const struct sip_package *a, const struct sip_package *b)
{
	return str_eq(a->name, b->name) && (a->id.p != NULL) == (b->id.p != NULL) &&
	       (!a->id.p || str_eq(a->id, b->id));
}

bool sip_allow_events_next(struct str *rest, struct str *name)
{
	while (rest->p) {
		(void)str_cut(*rest, ',', name, rest);	/* the last has none */
		*name = str_trim(*name);
		if (name->n <= SIP_TOKEN_MAX && ch_all(*name, CH_TOKEN))
			return true;
	}
	return false;
}

bool sip_allow_events_has(struct str list, struct str name)
{
	struct str one;

	while (sip_allow_events_next(&list, &one))
		if (str_eq(one, name))
			return true;
	return false;
}

const char *sip_sub_reason_str(enum sip_sub_reason r)
{
	return (unsigned)r < SIP_SUB_NREASON ? reason_text[r] : "";
}

static enum sip_sub_reason reason_of(struct str v)
{
	for (unsigned r = SIP_SUB_NONE + 1; r < SIP_SUB_REASON_OTHER; r++)
		if (str_iis(v, reason_text[r]))
			return (enum sip_sub_reason)r;
	return v.n ? SIP_SUB_REASON_OTHER : SIP_SUB_NONE;
}

/* Seconds; more than limits.h has count as its most. A malformed one is not there. */
static bool seconds(struct str params, const char *name, uint32_t *out)
{
	struct str v = sip_param(params, name);
	enum err e = str_u32(v, SIP_SUB_EXPIRES_MAX_S, out);

	if (e == ERR_RANGE)
		*out = SIP_SUB_EXPIRES_MAX_S;
	return v.p && e != ERR_PARSE;
}

enum err sip_sub_info_parse(struct str v, struct sip_sub_info *out)
{
	struct sip_sub_info i = { .state = SIP_SUB_EXTENSION };
	struct str head, params;
	enum err e = cut(v, &head, &params);

	if (e)
		return e;
	for (int s = 0; s < SIP_SUB_EXTENSION; s++)
		if (str_iis(head, state_text[s]))
			i.state = (enum sip_substate)s;
	if (params.p) {
		i.reason = reason_of(sip_param(params, "reason"));
		i.has_expires = seconds(params, "expires", &i.expires_s);
		i.has_retry = seconds(params, "retry-after", &i.retry_after_s);
	}
	*out = i;
	return OK;
}

void sip_sub_info_write(struct buf *b, const struct sip_sub_info *i)
{
	buf_lit(b, state_text[i->state]);
	if (sip_sub_reason_str(i->reason)[0])
		buf_fmt(b, ";reason=%s", sip_sub_reason_str(i->reason));
	if (i->has_expires)
		buf_fmt(b, ";expires=%u", i->expires_s);
	if (i->has_retry)
		buf_fmt(b, ";retry-after=%u", i->retry_after_s);
}

bool sip_sub_again(const struct sip_sub_info *i, ms_t other_ms, ms_t *wait)
{
	ms_t asked = i->has_retry ? 1000 * (ms_t)i->retry_after_s : other_ms;

	switch (i->reason) {
	case SIP_SUB_DEACTIVATED:	/* at once */
	case SIP_SUB_TIMEOUT:		/* retry-after has no meaning here */
		*wait = 0;
		return true;
	case SIP_SUB_PROBATION:
	case SIP_SUB_GIVEUP:
	case SIP_SUB_NONE:
	case SIP_SUB_REASON_OTHER:
		*wait = asked;
		return true;
	case SIP_SUB_REJECTED:
	case SIP_SUB_NORESOURCE:
	case SIP_SUB_INVARIANT:
	case SIP_SUB_NREASON:
		return false;
	}
	return false;
}
