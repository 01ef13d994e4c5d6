/*
 * buf.h - bounded writer over memory the caller owns. Fails closed: once it
 * is full nothing more is written and buf_ok() is false, so a chain of calls
 * needs one check at its end.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct buf {
	char *p;
	size_t n, cap;
	bool full;		/* sticky */
};

void buf_init(struct buf *b, char *mem, size_t cap);
void buf_reset(struct buf *b);
bool buf_ok(const struct buf *b);
struct str buf_str(const struct buf *b);	/* what was written; valid while mem is */
const char *buf_z(struct buf *b);		/* the same with a NUL; "" when full     */
void buf_bytes(struct buf *b, const void *p, size_t n);
void buf_put(struct buf *b, struct str s);
static inline void buf_lit(struct buf *b, const char *z)	/* its length is known when compiled */
{
	buf_bytes(b, z, strlen(z));
}

void buf_ch(struct buf *b, char c);
void buf_u64(struct buf *b, uint64_t v);
void buf_hex(struct buf *b, const void *p, size_t n);	/* lower case */
/* Bytes as text for people: control characters and non-ASCII as \xNN, and a backslash before an x as \x5c,
 * so that every \xNN stands for one byte. */
void buf_safe(struct buf *b, struct str s);
void buf_fmt(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vfmt(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

#endif
