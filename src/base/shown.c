#include "base/shown.h"

size_t shown_utf8(struct str s, uint32_t *character)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)s.p;
	size_t len;
	uint32_t v;

	if (!s.n)
		return 0;
	len = p[0] < 0x80 ? 1 : p[0] < 0xc0 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf8 ? 4 : 0;
	if (!len || len > s.n)
		return 0;
	v = len == 1 ? p[0] : p[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		v = v << 6 | (p[i] & 0x3fu);
	}
	if (v < least[len] || v > 0x10ffff || (v >= 0xd800 && v < 0xe000))
		return 0;
	*character = v;
	return len;
}

bool shown_as_is(uint32_t c)
{
	static const struct { uint32_t from, to; } acts[] = {
		{ 0x00, 0x1f }, { 0x7f, 0x9f },		/* C0, DEL, C1                           */
		{ 0x61c, 0x61c },			/* Arabic letter mark                    */
		{ 0x180e, 0x180e },
		{ 0x200b, 0x200f },			/* zero width, left and right marks      */
		{ 0x2028, 0x202e },			/* separators, embeddings, overrides     */
		{ 0x2060, 0x206f },			/* word joiner, isolates                 */
		{ 0xfeff, 0xfeff }, { 0xfff9, 0xfffb },	/* byte order mark, annotations          */
		{ 0xe0000, 0xe007f },			/* tags                                  */
	};

	for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
		if (c >= acts[i].from && c <= acts[i].to)
			return false;
	return true;
}

static void escape(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		buf_lit(b, "\\x");
		buf_hex(b, s.p + i, 1);
	}
}

static void shown(struct buf *b, struct str s, bool value)
{
	size_t len;

	for (size_t i = 0; i < s.n; i += len) {
		struct str rest = str_sub(s, i, s.n - i);
		uint32_t c = 0;

		len = shown_utf8(rest, &c);
		if (len && shown_as_is(c) && !(value && c == '\\' && rest.n > 1 && rest.p[1] == 'x')) {
			buf_bytes(b, rest.p, len);
			continue;
		}
		len = len ? len : 1;
		escape(b, str_sub(rest, 0, len));
	}
}

void buf_shown(struct buf *b, struct str s)
{
	shown(b, s, false);
}

void buf_shown_value(struct buf *b, struct str s)
{
	shown(b, s, true);
}
