/* What a refusal needs of an INVITE or ACK, read without the parser; what is unusual is left to that. */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "sip/glance.h"
#include "t_text.h"

static bool glance(const char *via, const char *from, const char *to, const char *more, struct sip_glance *g)
{
	static char text[4000];

	(void)snprintf(text, sizeof text, "INVITE sip:200@10.0.0.1 SIP/2.0\r\n%s%sMax-Forwards: 70\r\n%sCall-ID: one@peer\r\n"
		       "CSeq: 7 INVITE\r\n%sContent-Length: 0\r\n\r\n", via, from, to, more);
	return sip_glance(str_of(text), g);
}

static const char via[] = "Via: SIP/2.0/UDP 10.0.0.9:5062;branch=z9hG4bKb;rport\r\n";
static const char from[] = "From: \"A > B\" <sip:9@10.0.0.9>;x=y;tag=nine\r\n", to[] = "To: <sip:200@10.0.0.1>\r\n";

static void an_invite_is_told_in_its_parts(void **x)
{
	struct sip_glance g;

	(void)x;
	assert_true(glance(via, from, to, "v:  SIP/2.0/TCP far;branch=z9hG4bKa \r\n", &g));
	assert_false(g.ack);
	assert_str(g.uri, "sip:200@10.0.0.1");
	assert_int_equal(g.nvia, 2);
	assert_str(g.via[1], "SIP/2.0/TCP far;branch=z9hG4bKa");
	assert_str(g.top.branch, "z9hG4bKb");
	assert_str(g.top.host, "10.0.0.9");
	assert_int_equal(g.top.port, 5062);
	assert_true(g.top.rport);
	assert_str(g.from, "\"A > B\" <sip:9@10.0.0.9>;x=y;tag=nine");
	assert_str(g.from_tag, "nine");
	assert_str(g.to, "<sip:200@10.0.0.1>");
	assert_str(g.to_tag, NULL);
	assert_str(g.call_id, "one@peer");
	assert_str(g.cseq_text, "7 INVITE");
	assert_int_equal(g.cseq, 7);
}

static void an_ack_and_the_tag_of_a_dialog_are_seen(void **x)
{
	struct sip_glance g;

	(void)x;
	assert_true(sip_glance(STR("ACK sip:a@b SIP/2.0\r\nv: SIP/2.0/UDP h;branch=z9hG4bKb\r\nf: <sip:a@b>\r\n"
				   "t: <sip:c@d> ; TAG = ours\r\ni: x\r\ncseq: 1 ACK\r\n\r\n"), &g));
	assert_true(g.ack);
	assert_str(g.from_tag, NULL);
	assert_str(g.to_tag, "ours");
	assert_int_equal(g.top.port, 0);
}

static void what_is_unusual_is_left_to_the_parser(void **x)
{
	struct sip_glance g;

	(void)x;
	assert_false(glance("", from, to, "", &g));
	assert_false(glance(via, "", to, "", &g));
	assert_false(glance(via, from, "", "", &g));
	assert_false(glance(via, from, to, from, &g));
	assert_false(glance(via, from, to, "i: two\r\n", &g));
	assert_false(glance(via, from, to, "Subject: a\r\n fold\r\n", &g));
	assert_false(glance(via, from, to, "Call ID: two\r\n", &g));
	assert_false(glance(via, from, to, "Via\r\n", &g));
	assert_false(glance(via, from, to, "Subject: a\n", &g));
	assert_false(glance("Via: SIP/2.0/UDP 10.0.0.9, SIP/2.0/UDP h\r\n", from, to, "", &g));
	assert_false(glance("Via: SIP/2.0/UDP 10.0.0.9;branch=\r\n", from, to, "", &g));
	assert_false(glance(via, "From: sip:9@10.0.0.9;tag=nine\r\n", to, "", &g));
	assert_false(glance(via, "From: sip:9@10.0.0.9;tag=ni>ne>\r\n", to, "", &g));
	assert_false(glance(via, "From: <sip:9@10.0.0.9>;x=\">;tag=evil\"\r\n", to, "", &g));
	assert_false(glance(via, "From: <sip:9@10.0.0.9>;tag=\"nine\"\r\n", to, "", &g));
	assert_false(glance(via, "From: \"\303\244\" <sip:9@10.0.0.9>;tag=nine\r\n", to, "", &g));
	assert_false(glance(via, from, "To: <sip:200@10.0.0.1>, <sip:x@y>\r\n", "", &g));
	assert_false(glance(via, from, "To: <sip:200@10.0.0.1>;a\001b\r\n", "", &g));
}

static void other_methods_and_versions_and_cut_messages_are_left_too(void **x)
{
	static const char good[] = "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKb\r\nFrom: <sip:a@b>;tag=t\r\n"
				   "To: <sip:c@d>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n\r\n";
	char bad[sizeof good];
	struct sip_glance g;

	(void)x;
	assert_true(sip_glance(str_of(good), &g));
	for (size_t n = 0; n < sizeof good - 1; n++)
		assert_false(sip_glance((struct str){ good, n }, &g));
	for (size_t i = 0; i < strlen("INVITE sip:a@b SIP/2.0\r\n"); i++) {
		memcpy(bad, good, sizeof good);
		bad[i] = bad[i] == ' ' ? 'x' : ' ';
		assert_false(sip_glance(str_of(bad), &g));
	}
	memcpy(bad, good, sizeof good);
	memcpy(strstr(bad, "1 INVITE"), "1 UPDATE", 8);
	assert_false(sip_glance(str_of(bad), &g));
}

int run_glance(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_invite_is_told_in_its_parts),
		cmocka_unit_test(an_ack_and_the_tag_of_a_dialog_are_seen),
		cmocka_unit_test(what_is_unusual_is_left_to_the_parser),
		cmocka_unit_test(other_methods_and_versions_and_cut_messages_are_left_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
