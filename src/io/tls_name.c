#include "io/tls.h"

/* RFC 6125 6.4.3 with our rules: whole labels only, the wild card alone in the left-most
 * label, at least two labels behind it, and a NUL inside never matches. */

static bool clean(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c <= 0x20 || c >= 0x7f)
			return false;
	}
	return s.n > 0;
}

static struct str no_dot(struct str s)
{
	if (s.n && s.p[s.n - 1] == '.')
		s.n--;
	return s;
}

bool tls_name_match(struct str pattern, struct str name)
{
	struct str label, parent;

	pattern = no_dot(pattern);
	name = no_dot(name);
	if (!clean(pattern) || !clean(name))
		return false;
	if (pattern.n < 3 || pattern.p[0] != '*' || pattern.p[1] != '.')
		return str_find(pattern, '*') == pattern.n && str_ieq(pattern, name);
	pattern = str_sub(pattern, 2, pattern.n);
	if (str_find(pattern, '.') == pattern.n || str_find(pattern, '*') < pattern.n)
		return false;
	return str_cut(name, '.', &label, &parent) && label.n && str_ieq(pattern, parent);
}

const char *tls_alert_str(int alert, char text[24])
{
	static const struct { int code; const char *name; } row[] = {
		{ 0, "close notify" }, { 10, "unexpected message" }, { 20, "bad record mac" },
		{ 22, "record overflow" }, { 40, "handshake failure" }, { 41, "no certificate" },
		{ 42, "bad certificate" }, { 43, "unsupported cert" }, { 44, "certificate revoked" },
		{ 45, "certificate expired" }, { 46, "certificate unknown" },
		{ 47, "illegal parameter" }, { 48, "unknown CA" }, { 49, "access denied" },
		{ 50, "decode error" }, { 51, "decrypt error" }, { 70, "protocol version" },
		{ 71, "insufficient security" }, { 80, "internal error" },
		{ 86, "inappropriate fallback" }, { 90, "user canceled" },
		{ 109, "missing extension" }, { 110, "unsupported extension" },
		{ 112, "unrecognized name" }, { 116, "certificate required" },
		{ 120, "no application proto" },
	};
	struct buf b;

	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		if (row[i].code == alert)
			return row[i].name;
	buf_init(&b, text, 24);
	buf_fmt(&b, "alert %d", alert);
	return buf_z(&b);
}
