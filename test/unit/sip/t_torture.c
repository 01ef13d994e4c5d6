/*
 * RFC 4475 and RFC 5118, message by message: what the text layer makes of them. Where
 * a refusal belongs to a later stage (guard, registrar, SDP) the row says which fact
 * that stage will see.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "sip/auth.h"
#include "sip/limits.h"
#include "sip/msg.h"
#include "sip/multipart.h"
#include "t_text.h"

enum { PASS = 0, DROP = 1 };	/* else the status of the refusal */

struct row {
	const char *file;
	unsigned want;
	void (*look)(const struct sip_msg *m);	/* NULL: nothing special */
};

struct file {
	struct arena arena;
	struct sip_msg *m;
	struct sip_refuse why;
	size_t n;
	char bytes[SIP_MSG_MAX];
};

static struct file *load(const char *dir, const char *name)
{
	struct file *f = mem_new(sizeof *f);
	char path[512];
	struct buf b;
	FILE *in;

	buf_init(&b, path, sizeof path);
	buf_fmt(&b, "%s/data/%s/%s", TEST_DIR, dir, name);
	in = fopen(buf_z(&b), "rb");
	assert_non_null(in);
	f->n = fread(f->bytes, 1, sizeof f->bytes, in);
	fclose(in);
	arena_init(&f->arena, SIP_ARENA_MAX);
	return f;
}

static void check(const char *dir, const struct row *r)
{
	struct file *f = load(dir, r->file);
	enum err e = sip_msg_parse((struct str){ f->bytes, f->n }, &f->arena, &f->m, &f->why);
	unsigned got = e == OK ? PASS : f->why.status ? f->why.status : DROP;

	if (got != r->want)
		print_error("%s/%s: %u instead of %u\n", dir, r->file, got, r->want);
	assert_int_equal(got, r->want);
	if (r->look)
		r->look(f->m);
	arena_close(&f->arena);
	mem_free(f);
}

/* --- what later stages will see --- */

static struct sip_nameaddr contact(const struct sip_msg *m)
{
	struct sip_nameaddr na;
	struct str rest;

	assert_int_equal(sip_nameaddr_parse(sip_hdr(m, SIP_H_CONTACT), &na, &rest), OK);
	return na;
}

static void wsinv(const struct sip_msg *m)
{
	assert_int_equal(m->method, SIP_INVITE);
	assert_int_equal(m->nvia, 3);
	assert_str(m->via.transport, "UDP");
	assert_str(m->via.branch, "390skdjuw");
	assert_str(m->to_tag, "1918181833n");
	assert_str(m->from.display, "J Rosenberg \\\\\\\"");
	assert_int_equal(m->max_forwards, 68);
	assert_int_equal(m->cseq, 9);
	assert_int_equal(contact(m).display.n, 18);
}

static void intmeth(const struct sip_msg *m)
{
	assert_int_equal(m->method, SIP_METHOD_OTHER);
	assert_str(m->method_name, "!interesting-Method0123456789_*+`.%indeed'~");
	assert_str(m->via.branch, "z9hG4bK-.!%66*_+`'~");
	assert_true(m->to.display.n > 10);
}

static void esc01(const struct sip_msg *m)
{
	char mem[64];
	struct buf b;

	buf_init(&b, mem, sizeof mem);
	sip_user_plain(&b, m->uri.user);
	assert_str(buf_str(&b), "sips:user@example.com");
}

static void escnull(const struct sip_msg *m)
{
	const struct sip_hdr *h = sip_hdr_each(m, SIP_H_CONTACT, NULL);
	struct sip_nameaddr one, two;
	struct str rest;

	assert_int_equal(sip_nameaddr_parse(h->value, &one, &rest), OK);
	h = sip_hdr_each(m, SIP_H_CONTACT, h);
	assert_int_equal(sip_nameaddr_parse(h->value, &two, &rest), OK);
	assert_false(sip_uri_eq(&one.uri, &two.uri));
}

static void esc02(const struct sip_msg *m)
{
	assert_int_equal(m->method, SIP_METHOD_OTHER);
}

static void lwsdisp(const struct sip_msg *m)
{
	assert_str(m->from.display, "caller");
	assert_str(m->from_tag, "323");
}

static void dblreq(const struct sip_msg *m)
{
	assert_int_equal(m->method, SIP_REGISTER);
	assert_int_equal(m->body.bytes.n, 0);
}

static void semiuri(const struct sip_msg *m)
{
	assert_str(m->uri.user, "user;par=u%40example.net");
	assert_str(m->uri.params, NULL);
}

static void transports(const struct sip_msg *m)
{
	assert_int_equal(m->nvia, 5);
}

static void mpart01(const struct sip_msg *m)
{
	struct sip_part p[SIP_PART_MAX];
	unsigned n;

	assert_int_equal(sip_parts(&m->body, p, &n), OK);
	assert_int_equal(n, 2);
	assert_str(p[0].bytes, "Hello");
	assert_str(p[1].type, "application/octet-stream");
	assert_int_equal(p[1].bytes.n, 342);
}

static void response_no_reason(const struct sip_msg *m)
{
	assert_int_equal(m->status, 100);
	assert_str(m->phrase, "");
}

static void contact_is_bad(const struct sip_msg *m)	/* registrar: 400 */
{
	struct sip_nameaddr na;
	struct str rest;

	assert_int_equal(sip_nameaddr_parse(sip_hdr(m, SIP_H_CONTACT), &na, &rest), ERR_PARSE);
}

static void badbranch(const struct sip_msg *m)		/* matched as RFC 2543 does */
{
	assert_str(m->via.branch, "z9hG4bK");
}

static void other_scheme(const struct sip_msg *m)	/* guard: 416 */
{
	assert_int_equal(m->uri.scheme, SIP_SCHEME_OTHER);
}

static void unksm2(const struct sip_msg *m)		/* registrar: 400 or 404 */
{
	assert_int_equal(m->uri.scheme, SIP_SCHEME_SIP);
	assert_int_equal(m->to.uri.scheme, SIP_SCHEME_OTHER);
	assert_int_equal(contact(m).uri.scheme, SIP_SCHEME_OTHER);
}

static void bext01(const struct sip_msg *m)		/* guard: 420 */
{
	assert_true(sip_hdr_has(m, SIP_H_REQUIRE, "nothingSupportsThis"));
	assert_true(sip_hdr_has(m, SIP_H_PROXY_REQUIRE, "noProxiesSupportThis"));
}

static void invut(const struct sip_msg *m)		/* leg: 415 */
{
	assert_true(sip_body_is(&m->body, "application/unknownformat"));
}

static void regaut01(const struct sip_msg *m)		/* registrar: challenge */
{
	struct digest_creds c;

	assert_int_equal(auth_creds(m, false, STR("example.com"), &c), AUTH_NONE);
}

static void bcast(const struct sip_msg *m)		/* RFC 3261 8.1.3.3: dropped */
{
	assert_int_equal(m->nvia, 2);
}

static void zeromf(const struct sip_msg *m)		/* guard: 483 */
{
	assert_int_equal(m->max_forwards, 0);
}

static void cparam01(const struct sip_msg *m)
{
	assert_str(contact(m).uri.params, NULL);
	assert_str(sip_param(contact(m).params, "unknownparam"), "");
}

static void cparam02(const struct sip_msg *m)
{
	assert_str(sip_param(contact(m).uri.params, "unknownparam"), "");
	assert_str(contact(m).params, NULL);
}

static void regescrt(const struct sip_msg *m)
{
	assert_str(contact(m).uri.headers, "Route=%3Csip:sip.example.com%3E");
}

static void sdp01(const struct sip_msg *m)		/* leg: 406 */
{
	assert_str(sip_hdr(m, SIP_H_ACCEPT), "text/nobodyKnowsThis");
}

static void inv2543(const struct sip_msg *m)
{
	assert_str(m->via.branch, NULL);
	assert_str(m->from_tag, NULL);
	assert_int_equal(m->max_forwards, UINT32_MAX);
	assert_int_equal(m->body.bytes.n, 105);
}

static void longreq(const struct sip_msg *m)
{
	assert_int_equal(m->nvia, 34);
	assert_str(m->uri.user, "user");
}

static const struct row rfc4475[] = {
	{ "wsinv.dat", PASS, wsinv }, { "intmeth.dat", PASS, intmeth },
	{ "esc01.dat", PASS, esc01 }, { "escnull.dat", PASS, escnull },
	{ "esc02.dat", PASS, esc02 }, { "lwsdisp.dat", PASS, lwsdisp },
	{ "longreq.dat", PASS, longreq }, { "dblreq.dat", PASS, dblreq },
	{ "semiuri.dat", PASS, semiuri }, { "transports.dat", PASS, transports },
	{ "mpart01.dat", PASS, mpart01 }, { "unreason.dat", PASS, NULL },
	{ "noreason.dat", PASS, response_no_reason },
	{ "badinv01.dat", 400, NULL }, { "clerr.dat", 400, NULL }, { "ncl.dat", 400, NULL },
	{ "scalar02.dat", 400, NULL }, { "scalarlg.dat", DROP, NULL },
	{ "quotbal.dat", 400, NULL }, { "ltgtruri.dat", 400, NULL },
	{ "lwsruri.dat", 400, NULL }, { "lwsstart.dat", 400, NULL }, { "trws.dat", PASS, NULL },
	{ "escruri.dat", 400, NULL }, { "baddate.dat", PASS, NULL },
	{ "regbadct.dat", PASS, contact_is_bad }, { "badaspec.dat", 400, NULL },
	{ "baddn.dat", 400, NULL }, { "badvers.dat", 505, NULL },
	{ "mismatch01.dat", 400, NULL }, { "mismatch02.dat", 400, NULL },
	{ "bigcode.dat", DROP, NULL }, { "badbranch.dat", PASS, badbranch },
	{ "insuf.dat", 400, NULL }, { "unkscm.dat", PASS, other_scheme },
	{ "novelsc.dat", PASS, other_scheme }, { "unksm2.dat", PASS, unksm2 },
	{ "bext01.dat", PASS, bext01 }, { "invut.dat", PASS, invut },
	{ "regaut01.dat", PASS, regaut01 }, { "multi01.dat", 400, NULL },
	{ "mcl01.dat", 400, NULL }, { "bcast.dat", PASS, bcast }, { "zeromf.dat", PASS, zeromf },
	{ "cparam01.dat", PASS, cparam01 }, { "cparam02.dat", PASS, cparam02 },
	{ "regescrt.dat", PASS, regescrt }, { "sdp01.dat", PASS, sdp01 },
	{ "inv2543.dat", PASS, inv2543 },
};

static void ipv6_host(const struct sip_msg *m)
{
	assert_str(m->uri.host, "2001:db8::10");
	assert_int_equal(m->uri.port, 0);
}

static void ambiguous(const struct sip_msg *m)	/* 4.3: inside the brackets it is address */
{
	assert_str(m->uri.host, "2001:db8::10:5070");
	assert_int_equal(m->uri.port, 0);
}

static void unambiguous(const struct sip_msg *m)
{
	assert_str(m->uri.host, "2001:db8::10");
	assert_int_equal(m->uri.port, 5070);
}

static void received(const struct sip_msg *m)	/* 4.5: with and without brackets */
{
	assert_str(m->via.received, "2001:db8::9:255");
	assert_str(m->via.host, "2001:db8::9:1");
}

static void two_families(const struct sip_msg *m)
{
	assert_int_equal(m->nvia, 3);
}

static void mapped(const struct sip_msg *m)
{
	assert_str(m->via.host, "::ffff:192.0.2.10");
}

static void dialled_host(const struct sip_msg *m, const char *host)
{
	struct addr a;

	assert_str(m->uri.host, host);
	assert_int_equal(addr_parse_ip(m->uri.host, &a) == OK, strstr(host, ":::") == NULL);
}

static void three_colons(const struct sip_msg *m)	/* 4.10: taken, never dialled */
{
	dialled_host(m, "2001:db8:::192.0.2.1");
}

static void two_colons(const struct sip_msg *m)
{
	dialled_host(m, "2001:db8::192.0.2.1");
}

static const struct row rfc5118[] = {
	{ "ipv6-good", PASS, ipv6_host }, { "ipv6-bad", 400, NULL },
	{ "port-ambiguous", PASS, ambiguous }, { "port-unambiguous", PASS, unambiguous },
	{ "via-received-param-with-delim", PASS, received },
	{ "via-received-param-no-delim", PASS, received }, { "ipv6-in-sdp", PASS, ipv6_host },
	{ "mult-ip-in-header", PASS, two_families }, { "mult-ip-in-sdp", PASS, ipv6_host },
	{ "ipv4-mapped-ipv6", PASS, mapped }, { "ipv6-bug-abnf-3-colons", PASS, three_colons },
	{ "ipv6-correct-abnf-2-colons", PASS, two_colons },
};

static void every_message_of_rfc_4475_gets_what_the_rfc_asks(void **state)
{
	(void)state;
	assert_int_equal(sizeof rfc4475 / sizeof *rfc4475, 49);
	for (size_t i = 0; i < sizeof rfc4475 / sizeof *rfc4475; i++)
		check("rfc4475", &rfc4475[i]);
}

static void every_message_of_rfc_5118_gets_what_the_rfc_asks(void **state)
{
	(void)state;
	assert_int_equal(sizeof rfc5118 / sizeof *rfc5118, 12);
	for (size_t i = 0; i < sizeof rfc5118 / sizeof *rfc5118; i++)
		check("rfc5118", &rfc5118[i]);
}

/* No prefix and no single changed byte of any of them does more than be refused. */
static void torture_messages_cut_and_bent_do_no_harm(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rfc4475 / sizeof *rfc4475; i++) {
		struct file *f = load("rfc4475", rfc4475[i].file);
		size_t step = f->n > 1000 ? 7 : 3;

		for (size_t n = 0; n < f->n; n += step) {
			char *exact = mem_dup(f->bytes, n), was = f->bytes[n];

			f->m = NULL;
			(void)sip_msg_parse((struct str){ exact, n }, &f->arena, &f->m, &f->why);
			f->bytes[n] = (char)(was ^ (1 << (n % 8)));
			(void)sip_msg_parse((struct str){ f->bytes, f->n }, &f->arena, &f->m, &f->why);
			f->bytes[n] = was;
			arena_reset(&f->arena);
			mem_free(exact);
		}
		arena_close(&f->arena);
		mem_free(f);
	}
}

int run_torture(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_message_of_rfc_4475_gets_what_the_rfc_asks),
		cmocka_unit_test(every_message_of_rfc_5118_gets_what_the_rfc_asks),
		cmocka_unit_test(torture_messages_cut_and_bent_do_no_harm),
	};

	return cmocka_run_group_tests_name("torture", tests, NULL, NULL);
}
