#include "base/str.h"

#include <string.h>
#include <strings.h>

bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || a.p == b.p || (a.p && b.p && memcmp(a.p, b.p, a.n) == 0));
}

bool str_ieq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || strncasecmp(a.p, b.p, a.n) == 0);
}

bool str_ends(struct str a, struct str tail)
{
	return a.n >= tail.n && str_eq(str_sub(a, a.n - tail.n, tail.n), tail);
}

int str_cmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;

	return c ? c : (a.n > b.n) - (a.n < b.n);
}

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

struct str str_trim(struct str s)
{
	while (s.n && blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n && blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

size_t str_find(struct str s, char c)
{
	const char *q = s.n ? memchr(s.p, c, s.n) : NULL;

	return q ? (size_t)(q - s.p) : s.n;
}

bool str_cut(struct str s, char sep, struct str *head, struct str *rest)
{
	size_t i = str_find(s, sep);

	*head = str_sub(s, 0, i);
	if (i == s.n) {
		*rest = STR_NONE;
		return false;
	}
	*rest = str_sub(s, i + 1, s.n);
	return true;
}

enum err str_u64(struct str s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (s.n == 0)
		return ERR_PARSE;
	for (size_t i = 0; i < s.n; i++) {
		unsigned d = (unsigned)(unsigned char)s.p[i] - '0';

		if (d > 9)
			return ERR_PARSE;
		if (d > max || v > (max - d) / 10)
			return ERR_RANGE;
		v = v * 10 + d;
	}
	*out = v;
	return OK;
}

enum err str_u32(struct str s, uint32_t max, uint32_t *out)
{
	uint64_t v;
	enum err e = str_u64(s, max, &v);

	if (!e)
		*out = (uint32_t)v;
	return e;
}

struct str str_dup(struct arena *a, struct str s)
{
	char *d;

	if (!s.p)
		return STR_NONE;
	d = arena_get(a, s.n + 1);
	if (!d)
		return STR_NONE;
	if (s.n)
		memcpy(d, s.p, s.n);
	return (struct str){ d, s.n };
}

bool str_copy(char *dst, size_t cap, struct str s)
{
	dst[0] = 0;
	if (s.n >= cap)
		return false;
	if (s.n)
		memcpy(dst, s.p, s.n);
	dst[s.n] = 0;
	return true;
}
