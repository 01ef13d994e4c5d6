#include "trace/ladder.h"

#include <string.h>

#include "base/shown.h"

enum { NAME_WIDTH = 22, LINE_MAX_BYTES = 400, HEADERS_MAX = 200 };

static struct str take_line(struct str *rest)
{
	struct str line;

	if (!str_cut(*rest, '\n', &line, rest))
		*rest = STR_NONE;
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

/* "sip:user:secret;x@host:5060;transport=tls" -> "user", or "host:5060" without a user. */
static struct str uri_target(struct str uri)
{
	struct str scheme, rest, user, host;

	if (!str_cut(uri, ':', &scheme, &rest))
		return uri;
	if (str_iis(scheme, "tel"))
		return str_sub(rest, 0, str_find(rest, ';'));
	if (str_cut(rest, '@', &user, &host))
		return str_sub(user, 0, str_find(str_sub(user, 0, str_find(user, ';')), ':'));
	rest = str_sub(rest, 0, str_find(rest, ';'));
	return str_sub(rest, 0, str_find(rest, '?'));
}

static void start_line(struct str line, struct ladder_step *s)
{
	struct str first, rest, second, tail;
	uint32_t status;

	if (!str_cut(line, ' ', &first, &rest)) {
		s->request = true;
		s->method = line;
		return;
	}
	if (!str_cut(rest, ' ', &second, &tail)) {
		second = rest;
		tail = STR_NONE;
	}
	if (str_starts(first, STR("SIP/")) && str_u32(second, 999, &status) == OK) {
		s->status = status;
		s->phrase = tail;
		return;
	}
	s->request = true;
	s->method = first;
	s->target = uri_target(second);
}

static void header(struct str line, struct ladder_step *s)
{
	struct str name, value, num, method;

	if (!str_cut(line, ':', &name, &value))
		return;
	name = str_trim(name);
	value = str_trim(value);
	if (str_iis(name, "CSeq") && !s->request) {
		if (str_cut(value, ' ', &num, &method))
			s->method = str_trim(method);
	} else if (str_iis(name, "Reason") && !s->reason.p) {
		s->reason = value;
	} else if (str_iis(name, "Call-ID") || str_iis(name, "i")) {
		s->call_id = value;
	} else if (str_iis(name, "Content-Type") || str_iis(name, "c")) {
		s->sdp = str_iis(str_sub(value, 0, 15), "application/sdp") ||
			 str_iis(str_sub(value, 0, 10), "multipart/");
	}
}

void ladder_step(const struct tap_entry *e, uint64_t first, struct ladder_step *s)
{
	struct str rest = e->bytes;

	*s = (struct ladder_step){
		.seq = e->seq, .wall = e->wall, .kind = e->kind, .dir = e->dir,
		.proto = e->proto, .peer = e->peer, .local = e->local, .leg = e->leg,
		.after_ms = e->mono > first ? e->mono - first : 0,
	};
	if (e->kind != TAP_SIP) {
		s->text = e->bytes;
		return;
	}
	start_line(take_line(&rest), s);
	for (int n = 0; rest.n && n < HEADERS_MAX; n++) {
		struct str line = take_line(&rest);

		if (!line.n)
			break;
		header(line, s);
	}
}

void ladder_start(struct ladder *l, struct tap *t, uint64_t call, ladder_name_fn *name, void *ctx)
{
	*l = (struct ladder){ .name = name, .name_ctx = ctx };
	tap_walk(&l->walk, t, call);
}

bool ladder_next(struct ladder *l, struct ladder_step *s)
{
	struct tap_entry e;

	do {
		if (!tap_next(&l->walk, &e))
			return false;
	} while (e.kind == TAP_KEY);	/* secrets are for the trace file only */
	if (!l->begun) {
		l->begun = true;
		l->first = e.mono;
	}
	ladder_step(&e, l->first, s);
	return true;
}

static void pad(struct buf *b, size_t from, size_t width)
{
	while (b->n - from < width && buf_ok(b))
		buf_ch(b, ' ');
}

static void peer_name(const struct ladder *l, struct buf *b, const struct addr *a)
{
	const char *name = l->name ? l->name(l->name_ctx, a) : NULL;

	if (name)
		buf_safe(b, str_sub(str_of(name), 0, NAME_WIDTH));
	else
		addr_hostport(b, a);
}

static void message(struct buf *b, const struct ladder_step *s)
{
	if (s->request) {
		buf_safe(b, str_sub(s->method, 0, 32));
		if (s->target.n) {
			buf_ch(b, ' ');
			buf_safe(b, str_sub(s->target, 0, 64));
		}
	} else {
		buf_fmt(b, "%u ", s->status);
		buf_safe(b, str_sub(s->phrase, 0, 64));
		if (s->method.n) {
			buf_lit(b, " (");
			buf_safe(b, str_sub(s->method, 0, 32));
			buf_ch(b, ')');
		}
	}
	if (s->sdp)
		buf_lit(b, " [sdp]");
	if (s->reason.n) {
		buf_lit(b, "  Reason: ");
		buf_safe(b, str_sub(s->reason, 0, 96));
	}
}

void ladder_write(const struct ladder *l, struct buf *b, const struct ladder_step *s)
{
	size_t at;

	buf_fmt(b, "+%u.%03u  ", (unsigned)(s->after_ms / 1000), (unsigned)(s->after_ms % 1000));
	pad(b, 0, 11);
	at = b->n;
	if (s->kind != TAP_SIP) {
		pad(b, at, NAME_WIDTH + 4);
		buf_shown(b, str_sub(s->text, 0, 240));	/* a sentence: its names are safe already */
	} else if (s->dir == TAP_OUT) {
		buf_lit(b, "tandem");
		pad(b, at, NAME_WIDTH);
		buf_lit(b, " -> ");
		at = b->n;
		peer_name(l, b, &s->peer);
		pad(b, at, NAME_WIDTH);
	} else {
		peer_name(l, b, &s->peer);
		pad(b, at, NAME_WIDTH);
		buf_lit(b, " -> ");
		at = b->n;
		buf_lit(b, "tandem");
		pad(b, at, NAME_WIDTH);
	}
	if (s->kind == TAP_SIP) {
		buf_ch(b, ' ');
		message(b, s);
	}
	buf_ch(b, '\n');
}

bool ladder_line(struct ladder *l, struct buf *b)
{
	struct ladder_step s;
	char mem[2 * LINE_MAX_BYTES * 4];	/* every byte may become \xNN */
	struct buf line;

	if (!ladder_next(l, &s))
		return false;
	buf_init(&line, mem, sizeof mem);
	ladder_write(l, &line, &s);
	buf_put(b, buf_str(&line));
	return true;
}
