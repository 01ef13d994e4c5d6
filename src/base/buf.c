#include "base/buf.h"

#include <stdio.h>
#include <string.h>

void buf_init(struct buf *b, char *mem, size_t cap)
{
	*b = (struct buf){ .p = mem, .cap = cap };
}

void buf_reset(struct buf *b)
{
	b->n = 0;
	b->full = false;
}

bool buf_ok(const struct buf *b)
{
	return !b->full;
}

struct str buf_str(const struct buf *b)
{
	return (struct str){ b->p, b->n };
}

const char *buf_z(struct buf *b)
{
	buf_ch(b, 0);
	if (b->full)
		return "";
	b->n--;
	return b->p;
}

void buf_bytes(struct buf *b, const void *p, size_t n)
{
	if (b->full || n > b->cap - b->n) {
		b->full = true;
		return;
	}
	if (n)
		memcpy(b->p + b->n, p, n);
	b->n += n;
}

void buf_put(struct buf *b, struct str s)
{
	buf_bytes(b, s.p, s.n);
}

void buf_ch(struct buf *b, char c)
{
	if (b->full || b->n == b->cap)
		b->full = true;
	else
		b->p[b->n++] = c;
}

void buf_u64(struct buf *b, uint64_t v)
{
	char tmp[20];
	size_t i = sizeof tmp;

	do {
		tmp[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	buf_bytes(b, tmp + i, sizeof tmp - i);
}

static const char hexdigit[] = "0123456789abcdef";

void buf_hex(struct buf *b, const void *p, size_t n)
{
	const unsigned char *u = p;

	for (size_t i = 0; i < n; i++) {
		buf_ch(b, hexdigit[u[i] >> 4]);
		buf_ch(b, hexdigit[u[i] & 15]);
	}
}

void buf_safe(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= 0x20 && c < 0x7f && !(c == '\\' && i + 1 < s.n && s.p[i + 1] == 'x')) {
			buf_ch(b, (char)c);
		} else {
			buf_lit(b, "\\x");
			buf_hex(b, &c, 1);
		}
	}
}

void buf_vfmt(struct buf *b, const char *fmt, va_list ap)
{
	size_t room = b->cap - b->n;
	int n;

	if (b->full)
		return;
	n = vsnprintf(b->p + b->n, room, fmt, ap);
	if (n < 0 || (size_t)n >= room)
		b->full = true;
	else
		b->n += (size_t)n;
}

void buf_fmt(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vfmt(b, fmt, ap);
	va_end(ap);
}
