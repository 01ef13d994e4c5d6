/* fz_ladder.c - what a ladder and a capture make of any bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/shown.h"
#include "trace/ladder.h"
#include "trace/pcapng.h"
#include "trace/recorder.h"

static void draw(struct tap *t)
{
	static char mem[8192];
	struct ladder l;
	struct buf b;

	buf_init(&b, mem, sizeof mem);
	ladder_start(&l, t, 0, NULL, NULL);
	while (ladder_line(&l, &b)) {
		struct str s = buf_str(&b);

		for (size_t i = 0, len; i < s.n; i += len) {
			uint32_t c = 0;

			len = shown_utf8(str_sub(s, i, s.n - i), &c);
			if (!len || (c != '\n' && !shown_as_is(c)))
				abort();
		}
		if (!buf_ok(&b) || !s.n || s.p[s.n - 1] != '\n')
			abort();
		buf_reset(&b);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static char mem[65536 + 1024];
	struct recorder_at at = { .wall = 1 };
	struct recorder_path path = { .out = n % 2, .proto = TAP_TLS };
	struct str s = { (const char *)p, n };
	struct tap *t = tap_new(4 * 70000);
	struct tap_entry e;
	struct tap_walk w;
	struct buf b;

	recorder_sip(t, &at, &path, s);
	tap_note(t, 1, 1, 0, 0, s);
	draw(t);
	tap_walk(&w, t, 0);
	while (tap_next(&w, &e)) {
		buf_init(&b, mem, sizeof mem);
		pcapng_entry(&b, &e, true);
		if (n < 60000 && (!buf_ok(&b) || b.n > PCAPNG_ROOM(n) || b.n % 4))
			abort();
	}
	tap_free(t);
	return 0;
}
