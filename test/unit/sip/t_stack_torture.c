/*
 * RFC 4475 and RFC 5118 against a whole stack whose owner answers 200 to every
 * request and every INVITE: the first final status that leaves, or none. wsinv has a To
 * tag of no dialog; what only a registrar can see to be wrong passes here.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "bed.h"
#include "t_stack.h"

struct row {
	const char *dir, *file;
	unsigned status;	/* 0: silence */
};

static const struct row rows[] = {
	{ "rfc4475", "wsinv.dat", 481 }, { "rfc4475", "intmeth.dat", 501 },
	{ "rfc4475", "esc01.dat", 200 }, { "rfc4475", "escnull.dat", 200 },
	{ "rfc4475", "esc02.dat", 501 }, { "rfc4475", "lwsdisp.dat", 200 },
	{ "rfc4475", "longreq.dat", 200 }, { "rfc4475", "dblreq.dat", 200 },
	{ "rfc4475", "semiuri.dat", 200 }, { "rfc4475", "transports.dat", 200 },
	{ "rfc4475", "mpart01.dat", 405 }, { "rfc4475", "unreason.dat", 0 },
	{ "rfc4475", "noreason.dat", 0 }, { "rfc4475", "badinv01.dat", 400 },
	{ "rfc4475", "clerr.dat", 400 }, { "rfc4475", "ncl.dat", 400 },
	{ "rfc4475", "scalar02.dat", 400 }, { "rfc4475", "scalarlg.dat", 0 },
	{ "rfc4475", "quotbal.dat", 400 }, { "rfc4475", "ltgtruri.dat", 400 },
	{ "rfc4475", "lwsruri.dat", 400 }, { "rfc4475", "lwsstart.dat", 400 },
	{ "rfc4475", "trws.dat", 200 }, { "rfc4475", "escruri.dat", 400 },
	{ "rfc4475", "baddate.dat", 200 }, { "rfc4475", "regbadct.dat", 200 },
	{ "rfc4475", "badaspec.dat", 400 }, { "rfc4475", "baddn.dat", 400 },
	{ "rfc4475", "badvers.dat", 505 }, { "rfc4475", "mismatch01.dat", 400 },
	{ "rfc4475", "mismatch02.dat", 400 }, { "rfc4475", "bigcode.dat", 0 },
	{ "rfc4475", "badbranch.dat", 200 }, { "rfc4475", "insuf.dat", 400 },
	{ "rfc4475", "unkscm.dat", 416 }, { "rfc4475", "novelsc.dat", 416 },
	{ "rfc4475", "unksm2.dat", 200 }, { "rfc4475", "bext01.dat", 420 },
	{ "rfc4475", "invut.dat", 200 }, { "rfc4475", "regaut01.dat", 200 },
	{ "rfc4475", "multi01.dat", 400 }, { "rfc4475", "mcl01.dat", 400 },
	{ "rfc4475", "bcast.dat", 0 }, { "rfc4475", "zeromf.dat", 483 },
	{ "rfc4475", "cparam01.dat", 200 }, { "rfc4475", "cparam02.dat", 200 },
	{ "rfc4475", "regescrt.dat", 200 }, { "rfc4475", "sdp01.dat", 200 },
	{ "rfc4475", "inv2543.dat", 200 },
	{ "rfc5118", "ipv4-mapped-ipv6", 200 }, { "rfc5118", "ipv6-bad", 400 },
	{ "rfc5118", "ipv6-bug-abnf-3-colons", 200 }, { "rfc5118", "ipv6-correct-abnf-2-colons", 200 },
	{ "rfc5118", "ipv6-good", 200 }, { "rfc5118", "ipv6-in-sdp", 200 },
	{ "rfc5118", "mult-ip-in-header", 481 }, { "rfc5118", "mult-ip-in-sdp", 200 },
	{ "rfc5118", "port-ambiguous", 200 }, { "rfc5118", "port-unambiguous", 200 },
	{ "rfc5118", "via-received-param-no-delim", 200 },
	{ "rfc5118", "via-received-param-with-delim", 481 },
};

static size_t load(const struct row *r, char *mem, size_t cap)
{
	char path[512];
	size_t n;
	FILE *in;

	(void)snprintf(path, sizeof path, "%s/data/%s/%s", TEST_DIR, r->dir, r->file);
	in = fopen(path, "rb");
	assert_non_null(in);
	n = fread(mem, 1, cap, in);
	fclose(in);
	return n;
}

static unsigned final_status(const struct bed *b)
{
	const struct bed_msg *m;

	for (int i = 0; (m = bed_msg(b, "SIP/2.0 ", i)) != NULL; i++)
		if (m->text[8] > '1')
			return (unsigned)(m->text[8] - '0') * 100 + (unsigned)(m->text[9] - '0') * 10 +
			       (unsigned)(m->text[10] - '0');
	return 0;
}

static void every_torture_message_gets_its_answer(void **x)
{
	struct addr from = bed_addr("10.0.0.9:5060");
	static char mem[SIP_MSG_MAX];
	int wrong = 0;

	(void)x;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct bed *b = bed_new_with(NULL, 0, SIP_ZONE_PHONES);
		size_t n = load(&rows[i], mem, sizeof mem);
		unsigned got;

		b->a.on = bed_answering;
		bed_peer_udp(b, &from);
		bed_peer_bytes(b, &from, &b->a.addr[SIP_UDP], (struct str){ mem, n });
		bed_run(b, 100);
		got = final_status(b);
		if (got != rows[i].status) {
			print_error("%s/%s: %u instead of %u\n", rows[i].dir, rows[i].file, got,
				    rows[i].status);
			wrong++;
		}
		bed_run(b, 70000);	/* and nothing of it stays */
		bed_free(b);
	}
	assert_int_equal(wrong, 0);
}

int run_stack_torture(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_torture_message_gets_its_answer),
	};

	return cmocka_run_group_tests_name("stack torture", tests, NULL, NULL);
}
