#include "sip/frame.h"

#include <string.h>

#include "sip/chars.h"
#include "sip/limits.h"
#include "sip/msg_int.h"

enum { GROW = 2048 };

void sip_framer_init(struct sip_framer *f)
{
	*f = (struct sip_framer){ .state = SIP_FRAME_IDLE };
}

void sip_framer_close(struct sip_framer *f)
{
	mem_free(f->mem);
	*f = (struct sip_framer){ .state = SIP_FRAME_DEAD };
}

enum sip_frame_state sip_framer_state(const struct sip_framer *f)
{
	return (enum sip_frame_state)f->state;
}

/* --- Content-Length --- */

/* One line of the header, CRLF included; false: the empty one. */
static bool next_line(struct str *head, struct str *line)
{
	size_t n = str_find(*head, '\n') + 1;

	*line = str_sub(*head, 0, n);
	*head = str_sub(*head, n, head->n);
	return line->n > 2;
}

static struct str name_of(struct str line, struct str *value)
{
	size_t i = 0, k;

	while (i < line.n && ch_is(line.p[i], CH_TOKEN))
		i++;
	for (k = i; k < line.n && ch_blank(line.p[k]); k++)
		;
	if (i == 0 || k == line.n || line.p[k] != ':')
		return STR_NONE;
	*value = str_trim(str_sub(line, k + 1, line.n - k - 3));
	return str_sub(line, 0, i);
}

/* NULL: *len is the one Content-Length; else what is wrong. */
static const char *content_length(struct str head, uint32_t *len)
{
	struct str line, value = STR_NONE, name;
	bool seen = false;

	while (next_line(&head, &line)) {
		if ((line.p[0] | 0x20) != 'c' && (line.p[0] | 0x20) != 'l')
			continue;
		name = name_of(line, &value);
		if (!name.p || sip_hdr_of(name) != SIP_H_CONTENT_LENGTH)
			continue;
		if (seen)
			return "More than one Content-Length";
		if ((head.n && ch_blank(head.p[0])) || str_u32(value, UINT32_MAX, len) != OK)
			return "Bad Content-Length";
		seen = true;
	}
	return seen ? NULL : "Missing Content-Length";
}

/* --- collecting --- */

static enum sip_frame_kind broken(struct sip_framer *f, struct str head, unsigned status,
				  const char *phrase, struct sip_frame *out)
{
	f->state = SIP_FRAME_DEAD;
	out->bytes = head;
	out->refuse = (struct sip_refuse){ status, phrase };
	return SIP_FRAME_BAD;
}

/* The header is whole: how long is the message? */
static enum sip_frame_kind measure(struct sip_framer *f, struct str head, struct sip_frame *out)
{
	uint32_t len = 0;
	const char *wrong = content_length(head, &len);

	if (wrong)
		return broken(f, head, 400, wrong, out);
	if (len > SIP_BODY_MAX || head.n + len > SIP_MSG_MAX)
		return broken(f, head, 513, NULL, out);
	f->head = (uint32_t)head.n;
	f->need = f->head + len;
	f->state = SIP_FRAME_BODY;
	return SIP_FRAME_MORE;
}

static void release(struct sip_framer *f)
{
	mem_free(f->mem);
	sip_framer_init(f);
}

static void append(struct sip_framer *f, const char *p, size_t n)
{
	size_t want = f->n + n;

	if (want > f->cap) {
		if (f->need > want)
			want = f->need;
		f->cap = (uint32_t)((want + GROW - 1) / GROW * GROW);
		f->mem = mem_grow(f->mem, f->cap, 1);
	}
	if (n)
		memcpy(f->mem + f->n, p, n);
	f->n += (uint32_t)n;
}

/* End of the header, with its empty line; 0: not yet. `from`: searched before. */
static size_t head_end(struct str s, size_t from)
{
	const char *e = from < s.n ? memmem(s.p + from, s.n - from, "\r\n\r\n", 4) : NULL;

	return e ? (size_t)(e - s.p) + 4 : 0;
}

static struct str cut(struct str *in, size_t n)
{
	struct str s = str_sub(*in, 0, n);

	*in = (struct str){ in->p + s.n, in->n - s.n };
	return s;
}

/* Nothing is buffered and a message begins: is all of it here? */
static enum sip_frame_kind direct(struct sip_framer *f, struct str *in, struct sip_frame *out)
{
	size_t head = head_end(*in, 0);
	enum sip_frame_kind k;

	if (head > SIP_HEAD_MAX || (!head && in->n > SIP_HEAD_MAX))
		return broken(f, STR_NONE, 513, NULL, out);
	f->state = SIP_FRAME_HEAD;
	if (head) {
		k = measure(f, str_sub(*in, 0, head), out);
		if (k != SIP_FRAME_MORE)
			return k;
		if (in->n >= f->need) {
			out->bytes = cut(in, f->need);
			sip_framer_init(f);
			return SIP_FRAME_MSG;
		}
	}
	append(f, in->p, in->n);
	*in = str_sub(*in, in->n, 0);
	return SIP_FRAME_MORE;
}

static enum sip_frame_kind collect_head(struct sip_framer *f, struct str *in,
					struct sip_frame *out)
{
	size_t before = f->n, take = in->n, head;
	enum sip_frame_kind k;

	if (take > SIP_HEAD_MAX - before)
		take = SIP_HEAD_MAX - before;
	append(f, in->p, take);
	head = head_end((struct str){ f->mem, f->n }, before < 3 ? 0 : before - 3);
	if (!head) {
		(void)cut(in, take);
		return f->n == SIP_HEAD_MAX ? broken(f, STR_NONE, 513, NULL, out) : SIP_FRAME_MORE;
	}
	f->n = (uint32_t)head;
	(void)cut(in, head - before);
	k = measure(f, (struct str){ f->mem, head }, out);
	return k;
}

static enum sip_frame_kind collect_body(struct sip_framer *f, struct str *in,
					struct sip_frame *out)
{
	struct str s = cut(in, f->need - f->n);

	append(f, s.p, s.n);
	if (f->n < f->need)
		return SIP_FRAME_MORE;
	out->bytes = (struct str){ f->mem, f->need };
	f->lent = true;
	return SIP_FRAME_MSG;
}

/* Between messages. true: CRLF CRLF was seen. */
static bool crlf(struct sip_framer *f, struct str *in)
{
	while (in->n && (in->p[0] == '\r' || in->p[0] == '\n')) {
		char want = f->crlf & 1 ? '\n' : '\r';

		f->crlf = cut(in, 1).p[0] == want ? f->crlf + 1 : 0;
		if (f->crlf == 4) {
			f->crlf = 0;
			return true;
		}
	}
	return false;
}

enum sip_frame_kind sip_framer_feed(struct sip_framer *f, struct str *in, struct sip_frame *out)
{
	enum sip_frame_kind k = SIP_FRAME_MORE;

	*out = (struct sip_frame){ .bytes = STR_NONE };
	if (f->lent)
		release(f);
	if (f->state == SIP_FRAME_DEAD)
		return broken(f, STR_NONE, 400, NULL, out);
	if (f->state == SIP_FRAME_IDLE) {
		if (crlf(f, in))
			return SIP_FRAME_PING;
		if (in->n == 0)
			return SIP_FRAME_MORE;
		f->crlf = 0;
		if (!ch_is(in->p[0], CH_TOKEN))		/* TLS on a TCP port, say */
			return broken(f, STR_NONE, 400, NULL, out);
		return direct(f, in, out);
	}
	if (f->state == SIP_FRAME_HEAD && in->n)
		k = collect_head(f, in, out);
	if (k == SIP_FRAME_MORE && f->state == SIP_FRAME_BODY)
		k = collect_body(f, in, out);
	return k;
}
