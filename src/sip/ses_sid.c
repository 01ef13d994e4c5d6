/*
 * Session-ID (RFC 7989): the name of the whole session, told by each side, on
 * every request and response. In the middle we say to each side what the other
 * one said (7).
 */
#include <string.h>

#include "sip/chars.h"
#include "sip/stack_int.h"

enum { SID_LEN = 32 };

static const char nil[] = "00000000000000000000000000000000";

static bool keep(char dst[SID_LEN + 1], struct str v)
{
	struct str id, rest;

	(void)str_cut(v, ';', &id, &rest);
	id = str_trim(id);
	if (id.n != SID_LEN || !ch_all(id, CH_HEX) || str_is(id, nil))
		return false;
	return str_copy(dst, SID_LEN + 1, id);
}

void sid_begin(struct ses *x, struct str local, const struct sip_msg *m)
{
	struct sid sid = { { 0 }, { 0 } };
	bool known = keep(sid.local, local);

	if (m)
		known |= keep(sid.remote, sip_hdr(m, SIP_H_SESSION_ID));
	if (!known)
		return;
	x->sid = mem_new(sizeof sid);
	*x->sid = sid;
}

void sid_learn(struct ses *x, const struct sip_msg *m)
{
	if (x->sid)
		(void)keep(x->sid->remote, sip_hdr(m, SIP_H_SESSION_ID));	/* else as it was */
}

void sid_write(struct buf *b, const struct ses *x)
{
	if (!x || !x->sid || !x->opts || !x->opts->session_id)
		return;
	buf_lit(b, "Session-ID: ");
	buf_lit(b, x->sid->local[0] ? x->sid->local : nil);
	buf_lit(b, ";remote=");
	buf_lit(b, x->sid->remote[0] ? x->sid->remote : nil);
	buf_lit(b, "\r\n");
}

void sip_say_session_id(struct sip *s, uint64_t session, struct str local)
{
	struct ses *x = ses_get(s, session);

	if (!x)
		return;
	if (!x->sid)
		x->sid = mem_new(sizeof *x->sid);
	(void)keep(x->sid->local, local);	/* malformed: as it was */
}
