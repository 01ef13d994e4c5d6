#include "trace/recorder.h"

#include <string.h>

/* false: a header of another name. */
static bool call_id_of(struct str line, struct str *id)
{
	struct str name, value;

	if (!str_cut(line, ':', &name, &value))
		return false;
	name = str_trim(name);
	if (!str_iis(name, "Call-ID") && !str_iis(name, "i"))
		return false;
	*id = str_trim(value);
	return true;
}

/* Every message comes by here: only lines that begin as the name may are looked at. */
struct str recorder_call_id(struct str msg)
{
	const char *p = msg.p, *end = msg.n ? msg.p + msg.n : msg.p, *nl;
	struct str id;

	while (p < end && (nl = memchr(p, '\n', (size_t)(end - p))) && nl + 1 < end) {
		p = nl + 1;
		if (*p == '\n' || (*p == '\r' && (p + 1 == end || p[1] == '\n')))
			break;		/* the body begins */
		if (!strchr("cCiI \t", *p))
			continue;
		nl = memchr(p, '\n', (size_t)(end - p));
		if (!nl)
			nl = end;
		if (nl > p && nl[-1] == '\r')
			nl--;
		if (call_id_of((struct str){ p, (size_t)(nl - p) }, &id))
			return id;
	}
	return STR_NONE;
}

void recorder_sip(struct tap *t, const struct recorder_at *at, const struct recorder_path *p,
		  struct str bytes)
{
	struct tap_entry e = {
		.wall = at->wall, .mono = at->mono, .call = at->call, .leg = at->leg,
		.kind = TAP_SIP, .dir = p->out ? TAP_OUT : TAP_IN, .proto = p->proto,
		.bytes = bytes,
	};

	if (!t)
		return;
	if (p->local)
		e.local = *p->local;
	if (p->peer)
		e.peer = *p->peer;
	e.key = tap_key(recorder_call_id(bytes));
	tap_put(t, &e);
}

void recorder_reason(struct tap *t, const struct recorder_at *at, const struct reason *why)
{
	char mem[1000];
	struct buf b;

	if (!t)
		return;
	buf_init(&b, mem, sizeof mem);
	reason_write(&b, why);
	tap_note(t, at->wall, at->mono, at->call, at->leg, buf_str(&b));
}
