/* A stream in pieces, whose sizes the first bytes give, gives what it gives in one piece. */
#include <stdlib.h>
#include <string.h>

#include "sip/frame.h"
#include "sip/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n);

enum { KINDS = 256 };

struct tape {
	unsigned n;
	struct { enum sip_frame_kind k; size_t len; } ev[KINDS];
};

static void feed(struct str s, size_t step, struct tape *t)
{
	struct sip_framer f;
	struct sip_frame out;
	enum sip_frame_kind k = SIP_FRAME_MORE;

	t->n = 0;
	sip_framer_init(&f);
	for (size_t i = 0; i < s.n && k != SIP_FRAME_BAD; i += step) {
		char *piece = mem_dup(s.p + i, s.n - i < step ? s.n - i : step);
		struct str in = { piece, s.n - i < step ? s.n - i : step };

		do {
			k = sip_framer_feed(&f, &in, &out);
			if (k == SIP_FRAME_MORE)
				break;
			if (k == SIP_FRAME_MSG && (out.bytes.n == 0 || out.bytes.n > SIP_MSG_MAX))
				abort();
			if (t->n < KINDS) {
				t->ev[t->n].k = k;
				t->ev[t->n++].len = out.bytes.n;
			}
		} while (k != SIP_FRAME_BAD);
		mem_free(piece);
	}
	sip_framer_close(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n)
{
	static struct tape whole, parts;
	struct str s;

	if (n < 2)
		return 0;
	s = (struct str){ (const char *)d + 1, n - 1 };
	feed(s, s.n, &whole);
	feed(s, d[0] + 1u, &parts);
	if (whole.n != parts.n)
		abort();
	for (unsigned i = 0; i < whole.n; i++)
		if (whole.ev[i].k != parts.ev[i].k || whole.ev[i].len != parts.ev[i].len)
			abort();
	return 0;
}
