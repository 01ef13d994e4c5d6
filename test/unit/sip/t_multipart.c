#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "sip/multipart.h"
#include "t_text.h"

#define MIXED "multipart/mixed;boundary=\"xx y\""

static struct sip_body body(const char *type, const char *bytes)
{
	return (struct sip_body){ str_of(type), str_of(bytes) };
}

static void parts_are_found_with_their_headers(void **state)
{
	struct sip_body b = body(MIXED, "preamble --xx y\r\n--xx y  \r\nContent-Type: application/sdp\r\n"
		"Content-Disposition : session;handling=required\r\nContent-ID: <1@x>\r\n\r\nv=0\r\n\r\n"
		"--xx y\r\n\r\nplain\r\n--xx yes, no boundary\r\n--xx y--\r\nepilogue\r\n--xx y\r\n");
	struct sip_part p[SIP_PART_MAX];
	unsigned n;

	(void)state;
	assert_int_equal(sip_parts(&b, p, &n), OK);
	assert_int_equal(n, 2);
	assert_str(p[0].type, "application/sdp");
	assert_str(p[0].disposition, "session;handling=required");
	assert_str(p[0].id, "<1@x>");
	assert_str(p[0].bytes, "v=0\r\n");
	assert_str(p[1].type, NULL);
	assert_str(p[1].bytes, "plain\r\n--xx yes, no boundary");
}

static void parts_may_be_empty_or_binary(void **state)
{
	static const char bytes[] = "--b\r\n\r\n\r\n--b\r\nContent-Type: a/b\r\n\r\n\0\r\n--\xff\0--b\r\n--b--";
	struct sip_body b = { STR("Multipart/Mixed; boundary=b"), { bytes, sizeof bytes - 1 } };
	struct sip_part p[SIP_PART_MAX];
	unsigned n;

	(void)state;
	assert_int_equal(sip_parts(&b, p, &n), OK);
	assert_int_equal(n, 2);
	assert_int_equal(p[0].bytes.n, 0);
	assert_int_equal(p[1].bytes.n, 10);
	assert_memory_equal(p[1].bytes.p, "\0\r\n--\xff\0--b", 10);
}

static void broken_multiparts_are_refused(void **state)
{
	static const struct { enum err e; const char *type, *bytes; } row[] = {
		{ ERR_PARSE, "application/sdp", "--b\r\n\r\nx\r\n--b--" },
		{ ERR_PARSE, "multipart/mixed", "--b\r\n\r\nx\r\n--b--" },
		{ ERR_PARSE, "multipart/mixed;boundary=", "--\r\n\r\nx\r\n----" },
		{ ERR_PARSE, "multipart/mixed;boundary=b", "" },
		{ OK, "multipart/mixed;boundary=b", "x--b\r\n\r\nx\r\n--b--" },
		{ ERR_PARSE, "multipart/mixed;boundary=b", "x--b\r\n\r\nx\r\n" },
		{ ERR_PARSE, "multipart/mixed;boundary=b", "--b\r\n\r\nx\r\n" },
		{ ERR_PARSE, "multipart/mixed;boundary=b", "--b\r\n\r\nx\r\n--b-- x" },
		{ ERR_PARSE, "multipart/mixed;boundary=b", "--b\r\nno colon\r\n\r\nx\r\n--b--" },
		{ ERR_PARSE, "multipart/mixed;boundary=b", "--b\r\nA: b\nC: d\r\n\r\nx\r\n--b--" },
		{ OK, "multipart/mixed;boundary=b", "--b\r\nA: b\r\n--b--" },
		{ ERR_PARSE, "multipart/mixed;boundary=b", "--b\r\nA: b\n\r\n--b--" },
		{ ERR_PARSE, "multipart/mixed;boundary=b", "--b\r\n--b--" },
		{ OK, "multipart/mixed;boundary=b", "--b--" },
		{ OK, "multipart/mixed;boundary=b", "--b\r\n\r\n--b--" },
	};
	struct sip_part p[SIP_PART_MAX];
	unsigned n;

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct sip_body b = body(row[i].type, row[i].bytes);

		assert_int_equal(sip_parts(&b, p, &n), row[i].e);
	}
}

static void eight_parts_are_the_most(void **state)
{
	char mem[400];
	struct buf out;
	struct sip_part p[SIP_PART_MAX];
	unsigned n;

	(void)state;
	for (int parts = SIP_PART_MAX; parts <= SIP_PART_MAX + 1; parts++) {
		struct sip_body b = { STR("multipart/mixed;boundary=b"), STR_NONE };

		buf_init(&out, mem, sizeof mem);
		for (int i = 0; i < parts; i++)
			buf_lit(&out, "--b\r\n\r\nx\r\n");
		buf_lit(&out, "--b--\r\n");
		b.bytes = buf_str(&out);
		assert_int_equal(sip_parts(&b, p, &n), parts > SIP_PART_MAX ? ERR_LIMIT : OK);
	}
}

#define SDP(n) "Content-Type: Application/SDP;charset=x\r\n\r\nv=" n "\r\n"

static void the_sdp_is_found_wherever_it_is(void **state)
{
	struct sip_body b = body("application/sdp ; x", "v=0\r\n"), out;

	(void)state;
	assert_int_equal(sip_body_find(&b, "application/sdp", &out), OK);
	assert_str(out.bytes, "v=0\r\n");
	b = body("multipart/mixed;boundary=b", "--b\r\nContent-Type: application/pidf+xml\r\n\r\n<x/>\r\n"
		"--b\r\nContent-Transfer-Encoding: base64\r\n" SDP("bad") "--b\r\n" SDP("1")
		"--b\r\n" SDP("2") "--b--\r\n");
	assert_int_equal(sip_body_find(&b, "application/sdp", &out), OK);
	assert_str(out.bytes, "v=1");
	b.type = STR("multipart/alternative;boundary=b");
	assert_int_equal(sip_body_find(&b, "application/sdp", &out), OK);
	assert_str(out.bytes, "v=2");
	assert_int_equal(sip_body_find(&b, "message/sipfrag", &out), ERR_GONE);
	b = body("text/plain", "v=0");
	assert_int_equal(sip_body_find(&b, "application/sdp", &out), ERR_GONE);
	b = body(NULL, "v=0");
	assert_int_equal(sip_body_find(&b, "application/sdp", &out), ERR_GONE);
	b = body("application/sdp", "");
	assert_int_equal(sip_body_find(&b, "application/sdp", &out), ERR_GONE);
}

int run_multipart(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_are_found_with_their_headers),
		cmocka_unit_test(parts_may_be_empty_or_binary),
		cmocka_unit_test(broken_multiparts_are_refused),
		cmocka_unit_test(eight_parts_are_the_most),
		cmocka_unit_test(the_sdp_is_found_wherever_it_is),
	};

	return cmocka_run_group_tests_name("multipart", tests, NULL, NULL);
}
