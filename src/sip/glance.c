#include "sip/glance.h"

#include <string.h>

#include "sip/chars.h"
#include "sip/msg_int.h"

/* Printable ASCII and blanks between, so that it may be sent back. */
static bool plain(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < ' ' || s.p[i] > '~')	/* char is signed or not: both refuse */
			return false;
	return s.n > 0;
}

static bool start_line(struct str line, struct sip_glance *g)
{
	struct str end = STR(" SIP/2.0");
	size_t method = str_starts(line, STR("INVITE ")) ? 7 : str_starts(line, STR("ACK ")) ? 4 : 0;

	if (!method || line.n <= method + end.n || !str_ends(line, end))
		return false;
	g->ack = method == 4;
	g->uri = str_sub(line, method, line.n - end.n - method);
	return plain(g->uri) && !memchr(g->uri.p, ' ', g->uri.n);
}

static bool once(struct str *at, struct str v)
{
	if (at->p || !plain(v))
		return false;
	*at = v;
	return true;
}

static bool via(struct sip_glance *g, struct str v)
{
	if (g->nvia == SIP_VIA_MAX || !plain(v))
		return false;
	g->via[g->nvia++] = v;
	return true;
}

static bool header(struct sip_glance *g, struct str line)
{
	struct str name, v, *at;
	enum sip_hdr_id id;

	if (!line.n || !strchr("vVfFtTiIcC", line.p[0]))
		return line.n && !ch_blank(line.p[0]);		/* a fold */
	if (!str_cut(line, ':', &name, &v))
		return false;
	name = ch_trim(name);
	if (!ch_all(name, CH_TOKEN))
		return false;
	v = ch_trim(v);
	id = sip_hdr_of(name);
	if (id == SIP_H_VIA)
		return via(g, v);
	at = id == SIP_H_FROM ? &g->from : id == SIP_H_TO ? &g->to : id == SIP_H_CALL_ID ? &g->call_id :
	     id == SIP_H_CSEQ ? &g->cseq_text : NULL;
	return !at || once(at, v);
}

/* Lines up to the empty one. */
static bool lines(struct str bytes, struct sip_glance *g)
{
	const char *p = bytes.p, *end = bytes.p + bytes.n, *most = bytes.p + SIP_HEAD_MAX, *nl;

	for (bool first = true; p < end && p <= most; first = false, p = nl + 1) {
		struct str line;

		nl = memchr(p, '\n', (size_t)(end - p));
		if (!nl || nl == p || nl[-1] != '\r')
			return false;
		line = (struct str){ p, (size_t)(nl - p) - 1 };
		if (line.n == 0)
			return !first;
		if (line.n > SIP_HDR_LINE_MAX || !(first ? start_line(line, g) : header(g, line)))
			return false;
	}
	return false;
}

/* "name" <uri>;tag=x: false if there may be a second address, or if a '"' might hide which '>' is the one that counts. */
static bool tag(struct str v, struct str *out)
{
	const char *lt = memchr(v.p, '<', v.n), *gt = memrchr(v.p, '>', v.n);
	struct str params;

	*out = STR_NONE;
	if (!lt || gt < lt || lt != memrchr(v.p, '<', v.n))
		return false;
	params = ch_trim(str_sub(v, (size_t)(gt - v.p) + 1, v.n));
	if (params.n == 0)
		return true;
	if (params.p[0] != ';' || memchr(params.p, '"', params.n) || memchr(params.p, '<', params.n) ||
	    memchr(params.p, ',', params.n))
		return false;
	*out = sip_param(str_sub(params, 1, params.n), "tag");
	return !out->p || (out->n && out->n <= SIP_TOKEN_MAX && !memchr(out->p, ' ', out->n));
}

static bool cseq(struct sip_glance *g)
{
	struct str n, method;

	return str_cut(g->cseq_text, ' ', &n, &method) && str_eq(method, g->ack ? STR("ACK") : STR("INVITE")) &&
	       ch_u32(n, SIP_CSEQ_MAX, &g->cseq) == OK;
}

bool sip_glance(struct str bytes, struct sip_glance *g)
{
	struct str rest;

	g->nvia = 0;
	g->from = g->to = g->call_id = g->cseq_text = STR_NONE;
	return bytes.n <= SIP_MSG_MAX && lines(bytes, g) && g->nvia && g->from.p && g->to.p && g->call_id.p &&
	       g->cseq_text.p && g->call_id.n <= SIP_CALLID_MAX && !memchr(g->call_id.p, ' ', g->call_id.n) &&
	       sip_via_parse(g->via[0], &g->top, &rest) == OK && !rest.p &&
	       tag(g->from, &g->from_tag) && tag(g->to, &g->to_tag) && cseq(g);
}
