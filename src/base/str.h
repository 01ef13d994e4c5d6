/*
 * str.h - slices: bytes with a length, never assumed to end with NUL.
 *
 * Owner: a slice owns nothing; it lives as long as the bytes it points into.
 * A slice with p == NULL means "absent"; with n == 0 it is "empty".
 */
#ifndef BASE_STR_H
#define BASE_STR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

struct str {
	const char *p;
	size_t n;
};

#define STR(lit)  ((struct str){ "" lit, sizeof(lit) - 1 })
/* The same as a static initialiser: nobody counts bytes. */
#define STR_INIT(lit) { "" lit, sizeof(lit) - 1 }
#define STR_NONE  ((struct str){ NULL, 0 })
/* For printf: "%.*s", STRF(s) */
#define STRF(s)   (int)((s).n > 65535 ? 65535 : (s).n), ((s).p ? (s).p : "")

/* Inline: of a literal the compiler knows the length. NULL gives STR_NONE. */
static inline struct str str_of(const char *z)
{
	return z ? (struct str){ z, strlen(z) } : STR_NONE;
}

/* Clipped. Inline: parsing is made of it. */
static inline struct str str_sub(struct str s, size_t from, size_t n)
{
	if (from > s.n)
		from = s.n;
	if (n > s.n - from)
		n = s.n - from;
	return (struct str){ from ? s.p + from : s.p, n };	/* an absent one stays absent */
}

bool str_eq(struct str a, struct str b);		/* byte for byte       */
bool str_ieq(struct str a, struct str b);		/* ASCII case ignored  */
/* The two with a literal; most that are compared differ in length already. */
static inline bool str_is(struct str a, const char *z)
{
	struct str b = str_of(z);

	return a.n == b.n && str_eq(a, b);
}

static inline bool str_iis(struct str a, const char *z)
{
	struct str b = str_of(z);

	return a.n == b.n && str_ieq(a, b);
}

static inline bool str_starts(struct str a, struct str prefix)
{
	return a.n >= prefix.n && (prefix.n == 0 || memcmp(a.p, prefix.p, prefix.n) == 0);
}

bool str_ends(struct str a, struct str tail);
int  str_cmp(struct str a, struct str b);		/* memcmp order        */
struct str str_trim(struct str s);			/* SP and HTAB, both ends */
/* Index of the byte, or s.n when it is not there. */
size_t str_find(struct str s, char c);
/* Cut at the first `sep`: *head before it, *rest behind it. false: no sep,
 * then *head is all of s and *rest is absent. */
bool str_cut(struct str s, char sep, struct str *head, struct str *rest);
/* Digits only, at least one, value <= max: OK, else ERR_PARSE or ERR_RANGE. */
enum err str_u32(struct str s, uint32_t max, uint32_t *out);
enum err str_u64(struct str s, uint64_t max, uint64_t *out);
/* Copy into the arena, with a NUL behind it. Absent stays absent.
 * STR_NONE also when the arena is full (then p is NULL). */
struct str str_dup(struct arena *a, struct str s);
/* Copy with NUL into a fixed field; false when it did not fit (then dst is ""). */
bool str_copy(char *dst, size_t cap, struct str s);

#endif
