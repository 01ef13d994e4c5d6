/* fz_shown.c - what may be shown of any bytes: well-formed to another decoder, harmless, and read back. */
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <uchar.h>

#include "base/shown.h"

enum { IN_MAX = 4096 };

static unsigned nibble(char c)
{
	return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a' + 10);
}

/* Every \xNN is one byte again. */
static size_t read_back(char *out, struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; n++) {
		bool escaped = s.p[i] == '\\' && s.n - i >= 4 && s.p[i + 1] == 'x';

		out[n] = escaped ? (char)(nibble(s.p[i + 2]) << 4 | nibble(s.p[i + 3])) : s.p[i];
		i += escaped ? 4 : 1;
	}
	return n;
}

/* The C library reads the same characters, and none that acts. */
static void harmless(struct str s)
{
	mbstate_t state;

	memset(&state, 0, sizeof state);
	for (size_t i = 0, len; i < s.n; i += len) {
		char32_t c = 0;
		uint32_t ours = 0;

		len = mbrtoc32(&c, s.p + i, s.n - i, &state);
		if (len == 0 || len > 4 || shown_utf8(str_sub(s, i, s.n - i), &ours) != len || ours != c)
			abort();
		if (c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x202a && c <= 0x202e) || c == 0xfeff)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static char mem[4 * IN_MAX + 1], back[4 * IN_MAX + 1];
	struct str in = { (const char *)p, n < IN_MAX ? n : IN_MAX };
	struct buf b;

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		abort();
	buf_init(&b, mem, sizeof mem);
	buf_shown(&b, in);
	harmless(buf_str(&b));
	buf_reset(&b);
	buf_shown_value(&b, in);
	harmless(buf_str(&b));
	if (!buf_ok(&b) || read_back(back, buf_str(&b)) != in.n || (in.n && memcmp(back, in.p, in.n) != 0))
		abort();
	return 0;
}
