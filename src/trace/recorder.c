#include "trace/recorder.h"

#include <string.h>

/* The line up to its CR LF or LF; *rest behind it. */
static struct str take_line(struct str *rest)
{
	struct str line;

	if (!str_cut(*rest, '\n', &line, rest))
		*rest = STR_NONE;
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

struct str recorder_call_id(struct str msg)
{
	struct str rest = msg, name, value;

	(void)take_line(&rest);		/* the start line */
	while (rest.n) {
		struct str line = take_line(&rest);

		if (!line.n)
			break;
		/* Most lines are of no interest, and every message comes by here. */
		if (!strchr("cCiI \t", line.p[0]) || !str_cut(line, ':', &name, &value))
			continue;
		name = str_trim(name);
		if (str_iis(name, "Call-ID") || str_iis(name, "i"))
			return str_trim(value);
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
