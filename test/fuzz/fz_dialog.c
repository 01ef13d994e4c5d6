/* Saved dialogs as bytes, and dialogs out of whatever messages parse. */
#include <stdlib.h>
#include <string.h>

#include "sip/derive.h"
#include "sip/dialog.h"
#include "sip/guard.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { ROOM = 2 * SIP_MSG_MAX };

/* What we write has no line that we did not begin, and ends where it should. */
static void check(const struct dialog *d)
{
	static char mem[ROOM];
	static const char *const known[] = { "BYE ", "Route: ", "Max-Forwards: ", "From: ", "To: ",
					     "Call-ID: ", "CSeq: " };
	struct str line, rest;
	struct sip_uri u;
	struct buf b;
	bool route;

	buf_init(&b, mem, sizeof mem);
	dialog_write(d, &b, SIP_BYE, 2, 70);
	if (!buf_ok(&b))
		return;
	rest = buf_str(&b);
	while (rest.n) {
		bool ok = false;

		if (!str_cut(rest, '\n', &line, &rest))
			abort();
		for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
			ok = ok || str_starts(line, str_of(known[i]));
		if (!ok)
			abort();
	}
	(void)dialog_next_hop(d, &u, &route);	/* any answer; no crash */
}

static void from_message(const uint8_t *p, size_t n)
{
	static const struct sip_listener l = { .zone = SIP_ZONE_TEAMS };
	struct guard_verdict v;
	struct sip_refuse r;
	struct sip_msg *m;
	struct arena a;
	struct dialog d;

	arena_init(&a, SIP_ARENA_MAX);
	if (sip_msg_parse((struct str){ (const char *)p, n }, &a, &m, &r) == OK) {
		if (m->request) {
			dialog_init_uas(&d, m, STR("tag"));
			guard_check(m, &l, &(struct guard_mark){ STR("cookie"), 0xabc }, &v);
			if (v.status && (v.status < 400 || !memchr(v.extra, 0, sizeof v.extra)))
				abort();
		} else {
			dialog_init_2xx(&d, m);
			dialog_retarget(&d, m);
		}
		check(&d);
		dialog_close(&d);
	}
	arena_close(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str in = { (const char *)p, n }, rest;
	struct dialog d;

	from_message(p, n);
	if (dialog_load(&d, in, &rest) == OK) {
		if (!memchr(in.p, '\n', in.n))	/* they come from our own memory, not the wire */
			check(&d);
		dialog_close(&d);
	}
	return 0;
}
