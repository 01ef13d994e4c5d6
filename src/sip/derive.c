#include "sip/derive.h"

#include <string.h>

/* The next line with its CRLF; false at the empty line or the end. */
static bool next_line(struct str *rest, struct str *line)
{
	const char *nl = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
	size_t n;

	if (!nl)
		return false;
	n = (size_t)(nl - rest->p) + 1;
	*line = (struct str){ rest->p, n };
	*rest = (struct str){ nl + 1, rest->n - n };
	return n > 2;
}

static inline bool has(struct str line, const char *name)
{
	return str_starts(line, str_of(name));
}

static void put_cseq(struct buf *b, struct str line, enum sip_method m)
{
	size_t sp = str_find(str_sub(line, 6, line.n), ' ');

	buf_put(b, str_sub(line, 0, 6 + sp + 1));
	buf_put(b, sip_method_str(m));
	buf_lit(b, "\r\n");
}

static void put_line(struct buf *b, struct str line, enum sip_method m, struct str to)
{
	if (has(line, "To: ") && to.p) {
		buf_lit(b, "To: ");
		buf_put(b, to);
		buf_lit(b, "\r\n");
	} else if (has(line, "CSeq: ")) {
		put_cseq(b, line, m);
	} else if (has(line, "Via: ") || has(line, "Route: ") || has(line, "From: ") ||
		   has(line, "To: ") || has(line, "Call-ID: ") || has(line, "Max-Forwards: ") ||
		   has(line, "Session-ID: ")) {
		buf_put(b, line);
	}
}

void derive_request(struct buf *b, struct str invite, enum sip_method m, struct str to,
		    struct str extra)
{
	struct str line, rest = invite;

	if (!next_line(&rest, &line)) {
		b->full = true;
		return;
	}
	buf_put(b, sip_method_str(m));
	buf_put(b, str_sub(line, str_find(line, ' '), line.n));
	while (next_line(&rest, &line))
		put_line(b, line, m, to);
	buf_put(b, extra);
	buf_lit(b, "Content-Length: 0\r\n\r\n");
}

static bool is_credentials(struct str line)
{
	return has(line, "Authorization: ") || has(line, "Proxy-Authorization: ");
}

void derive_split(struct str request, bool has_via, struct str *start, struct str *rest)
{
	struct str line, left = request;

	*start = *rest = STR_NONE;
	if (!next_line(&left, start) || (has_via && !next_line(&left, &line)))
		return;
	for (*rest = left; has_via && next_line(&left, &line) && is_credentials(line);)
		*rest = left;
}

void derive_credentials(struct buf *b, struct str request)
{
	struct str line, rest = request;

	while (next_line(&rest, &line))
		if (is_credentials(line))
			buf_put(b, line);
}

uint32_t derive_cseq(struct str request)
{
	struct str n, rest;
	uint32_t v = 0;

	(void)str_cut(derive_header(request, "CSeq: "), ' ', &n, &rest);
	return str_u32(n, SIP_CSEQ_MAX, &v) == OK ? v : 0;
}

void derive_again(struct buf *b, struct str invite, uint32_t cseq, struct str se)
{
	struct str line, rest = invite;

	while (next_line(&rest, &line)) {
		if (has(line, "Via: ") || is_credentials(line))
			continue;
		if (se.n && (has(line, "Session-Expires: ") || has(line, "Min-SE: ")))
			continue;
		if (!has(line, "CSeq: ")) {
			buf_put(b, line);
			continue;
		}
		buf_fmt(b, "CSeq: %u", cseq);
		buf_put(b, str_sub(line, 6 + str_find(str_sub(line, 6, line.n), ' '), line.n));
		buf_put(b, se);
	}
	buf_lit(b, "\r\n");
	buf_put(b, rest);
}

struct str derive_header(struct str request, const char *name)
{
	struct str line, rest = request;
	size_t n = str_of(name).n;

	while (next_line(&rest, &line))
		if (has(line, name))
			return str_sub(line, n, line.n - n - 2);
	return STR_NONE;
}

struct str derive_branch(struct str request)
{
	struct str head, rest;

	(void)str_cut(derive_header(request, "Via: "), ';', &head, &rest);	/* ours has one */
	return sip_param(rest, "branch");
}
