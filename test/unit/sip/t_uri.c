#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "sip/chars.h"
#include "sip/limits.h"
#include "sip/uri.h"
#include "t_text.h"

static struct sip_uri uri(const char *z)
{
	struct sip_uri u;

	assert_int_equal(sip_uri_parse(str_of(z), &u), OK);
	return u;
}

static void the_character_classes_are_those_of_the_grammar(void **state)
{
	static const char alnum[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

	(void)state;
	for (int c = 1; c < 256; c++) {
		bool an = strchr(alnum, c) != NULL;

		assert_int_equal(ch_is((char)c, CH_TOKEN), an || strchr("-.!%*_+`'~", c));
		assert_int_equal(ch_is((char)c, CH_HOST), an || strchr("-._", c));
		assert_int_equal(ch_is((char)c, CH_USER), an || strchr("-_.!~*'()&=+$,;?/", c));
		assert_int_equal(ch_is((char)c, CH_HEX), !!strchr("0123456789abcdefABCDEF", c));
		assert_int_equal(ch_is((char)c, CH_IP6), !!strchr("0123456789abcdefABCDEF:.", c));
		assert_int_equal(ch_is((char)c, CH_URI),
				 c > 0x20 && c != 0x7f && !strchr("<>\"\\", c));
	}
	assert_int_equal(sip_chars[0], 0);
}

static void a_sip_uri_is_taken_apart(void **state)
{
	struct sip_uri u = uri("sips:alice:secret@atlanta.com:5061;transport=tls;lr?subject=x&a=b");

	(void)state;
	assert_int_equal(u.scheme, SIP_SCHEME_SIPS);
	assert_str(u.user, "alice");
	assert_str(u.password, "secret");
	assert_str(u.host, "atlanta.com");
	assert_int_equal(u.port, 5061);
	assert_str(u.params, "transport=tls;lr");
	assert_str(u.headers, "subject=x&a=b");
	u = uri("SIP:[2001:db8::10]:5070");
	assert_int_equal(u.scheme, SIP_SCHEME_SIP);
	assert_str(u.user, NULL);
	assert_str(u.host, "2001:db8::10");
	assert_int_equal(u.port, 5070);
	assert_str(u.params, NULL);
	u = uri("sip:+49301234;ext=12@gw.example?Replaces=a%40b");
	assert_str(u.user, "+49301234;ext=12");
	assert_str(u.params, NULL);
	assert_str(u.headers, "Replaces=a%40b");
}

static void tel_and_unknown_schemes_are_told_apart(void **state)
{
	struct sip_uri u = uri("tel:+1-201-555-0123;phone-context=example.com");

	(void)state;
	assert_int_equal(u.scheme, SIP_SCHEME_TEL);
	assert_str(u.user, "+1-201-555-0123");
	assert_str(u.params, "phone-context=example.com");
	assert_str(u.host, NULL);
	u = uri("nobodyKnowsThisScheme:totallyopaquecontent");
	assert_int_equal(u.scheme, SIP_SCHEME_OTHER);
	assert_int_equal(uri("soap.beep://192.0.2.103:3002").scheme, SIP_SCHEME_OTHER);
}

static void what_is_no_uri_is_refused(void **state)
{
	static const char *const wrong[] = {
		"", "sip", "sip:", "sip:@host", "sip:host:", "sip:host:0", "sip:host:65536",
		"sip:host:5060x", "sip:a@b c", "sip:a@[::1", "sip:[beef]", "sip:a@b>", "<sip:a@b>",
		"sip:a@b\"", "1sip:a@b", ":a@b", "tel:", "tel:;x", "sip:2001:db8::10", "alice@host",
		"sip:a@b\r\n", "sip:a@b\\",
	};
	struct sip_uri u;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(sip_uri_parse(str_of(wrong[i]), &u), ERR_PARSE);
	assert_int_equal(sip_uri_parse((struct str)STR_INIT("sip:a\0@b"), &u), ERR_PARSE);
}

static void a_uri_has_caps(void **state)
{
	char z[SIP_URI_MAX + 2];
	struct sip_uri u;

	(void)state;
	memset(z, 'a', sizeof z);
	memcpy(z, "sip:", 4);
	assert_int_equal(sip_uri_parse((struct str){ z, SIP_URI_MAX }, &u), OK);
	assert_int_equal(sip_uri_parse((struct str){ z, SIP_URI_MAX + 1 }, &u), ERR_LIMIT);
	memset(z, ';', 60);
	memcpy(z, "sip:a", 5);
	assert_int_equal(sip_uri_parse((struct str){ z, 5 + SIP_PARAM_MAX }, &u), OK);
	assert_int_equal(sip_uri_parse((struct str){ z, 6 + SIP_PARAM_MAX }, &u), ERR_LIMIT);
}

static void parameters_are_found_without_case_and_through_quotes(void **state)
{
	struct str p = STR("transport=TLS;lr; X = \"a;b\\\"c\" ;;empty=");

	(void)state;
	assert_str(sip_param(p, "Transport"), "TLS");
	assert_str(sip_param(p, "lr"), "");
	assert_str(sip_param(p, "x"), "a;b\\\"c");
	assert_str(sip_param(p, "empty"), "");
	assert_str(sip_param(p, "b"), NULL);
	assert_str(sip_param(STR_NONE, "b"), NULL);
	assert_str(sip_param(STR("a=\"open"), "a"), "\"open");
}

/* RFC 3261 19.1.4, its own examples. */
static void equality_is_that_of_the_standard(void **state)
{
	static const struct { bool same; const char *a, *b; } row[] = {
		{ true, "sip:%61lice@atlanta.com;transport=TCP",
		  "sip:alice@AtlanTa.CoM;Transport=tcp" },
		{ true, "sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5" },
		{ true, "sip:carol@chicago.com", "sip:carol@chicago.com;security=on" },
		{ true, "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
		  "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com" },
		{ true, "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
		  "sip:alice@atlanta.com?priority=urgent&subject=project%20x" },
		{ false, "SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP" },
		{ false, "sip:bob@biloxi.com", "sip:bob@biloxi.com:5060" },
		{ false, "sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp" },
		{ false, "sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp" },
		{ false, "sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting" },
		{ false, "sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4" },
		{ false, "sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off" },
		{ false, "sip:a@b", "sips:a@b" },
		{ false, "sip:b", "sip:a@b" },
		{ false, "sip:a@b", "sip:a:pw@b" },
		{ false, "sip:a%3Bx@b", "sip:a;x@b" },
		{ false, "sip:null-%00-null@example.com", "sip:null-%00%00-null@example.com" },
		{ true, "tel:+1-201-555", "tel:+1201.555" },
		{ false, "tel:+1201555", "tel:+1201556" },
		{ false, "tel:+12015", "tel:+120155" },
		{ true, "urn:service:sos", "urn:service:sos" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct sip_uri a = uri(row[i].a), b = uri(row[i].b);

		assert_int_equal(sip_uri_eq(&a, &b), row[i].same);
		assert_int_equal(sip_uri_eq(&b, &a), row[i].same);
	}
}

static void a_user_part_goes_plain_and_back(void **state)
{
	char mem[64];
	struct buf b;

	(void)state;
	buf_init(&b, mem, sizeof mem);
	sip_user_plain(&b, STR("sips%3Auser%40x;par=u%4g%"));
	assert_str(buf_str(&b), "sips:user@x;par=u%4g%");
	buf_reset(&b);
	sip_user_escaped(&b, STR("#31#+49 30@x;ext=1"));
	assert_str(buf_str(&b), "%2331%23+49%2030%40x;ext=1");
	buf_reset(&b);
	sip_number_escaped(&b, STR("+1;ext=1 2"));
	assert_str(buf_str(&b), "+1%3bext=1%202");
	buf_reset(&b);
	sip_user_plain(&b, STR("%00"));
	assert_int_equal(b.n, 1);
	assert_int_equal(mem[0], 0);
}

static void an_ipv6_host_is_written_in_brackets(void **state)
{
	char mem[64];
	struct buf b;

	(void)state;
	buf_init(&b, mem, sizeof mem);
	sip_write_host(&b, STR("2001:db8::1"));
	buf_ch(&b, ' ');
	sip_write_host(&b, STR("[::1]"));
	buf_ch(&b, ' ');
	sip_write_host(&b, STR("192.0.2.1"));
	buf_ch(&b, ' ');
	sip_write_host(&b, STR("sbc.example"));
	assert_str(buf_str(&b), "[2001:db8::1] [::1] 192.0.2.1 sbc.example");
}

static void a_name_addr_is_taken_apart(void **state)
{
	struct sip_nameaddr na;
	struct str rest;

	(void)state;
	assert_int_equal(sip_nameaddr_parse(
		STR(" \"Bell, \\\"A\\\"\" <sip:a@b;lr> ; tag=1 ;x=\"a,b\" , <sip:c@d>"), &na, &rest), OK);
	assert_str(na.display, "Bell, \\\"A\\\"");
	assert_str(na.uri.raw, "sip:a@b;lr");
	assert_str(na.params, "tag=1 ;x=\"a,b\"");
	assert_str(na.raw, "\"Bell, \\\"A\\\"\" <sip:a@b;lr> ; tag=1 ;x=\"a,b\"");
	assert_str(rest, "<sip:c@d>");
	assert_int_equal(sip_nameaddr_parse(rest, &na, &rest), OK);
	assert_str(na.display, NULL);
	assert_str(na.params, NULL);
	assert_str(rest, NULL);
}

static void an_addr_spec_leaves_its_parameters_to_the_header(void **state)
{
	struct sip_nameaddr na;
	struct str rest;

	(void)state;
	assert_int_equal(sip_nameaddr_parse(STR("sip:user@example.com;tag=9"), &na, &rest), OK);
	assert_str(na.uri.raw, "sip:user@example.com");
	assert_str(na.uri.params, NULL);
	assert_str(sip_param(na.params, "tag"), "9");
	assert_int_equal(sip_nameaddr_parse(STR("caller<sip:c@e>;tag=3"), &na, &rest), OK);
	assert_str(na.display, "caller");
	assert_int_equal(sip_nameaddr_parse(STR("\"\" <sip:c@e>"), &na, &rest), OK);
	assert_str(na.display, "");
	assert_int_equal(sip_nameaddr_parse(STR("<tel:+491>"), &na, &rest), OK);
	assert_int_equal(na.uri.scheme, SIP_SCHEME_TEL);
}

static void a_broken_name_addr_is_refused(void **state)
{
	static const char *const wrong[] = {
		"", "*", "\"open <sip:a@b>", "\"a\" sip:a@b", "<sip:a@b", "<sip:a@b>x",
		"sip:a@b?Route=x", "a \"b\" <sip:a@b>", "< sip:a@b >", "Bell, A <sip:a@b>",
		"<>", "<sip:a@b>;x=\"open", "\"a\"", "sip:a b@c",
	};
	struct sip_nameaddr na;
	struct str rest;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(sip_nameaddr_parse(str_of(wrong[i]), &na, &rest), ERR_PARSE);
}

int run_uri(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_character_classes_are_those_of_the_grammar),
		cmocka_unit_test(a_sip_uri_is_taken_apart),
		cmocka_unit_test(tel_and_unknown_schemes_are_told_apart),
		cmocka_unit_test(what_is_no_uri_is_refused),
		cmocka_unit_test(a_uri_has_caps),
		cmocka_unit_test(parameters_are_found_without_case_and_through_quotes),
		cmocka_unit_test(equality_is_that_of_the_standard),
		cmocka_unit_test(a_user_part_goes_plain_and_back),
		cmocka_unit_test(an_ipv6_host_is_written_in_brackets),
		cmocka_unit_test(a_name_addr_is_taken_apart),
		cmocka_unit_test(an_addr_spec_leaves_its_parameters_to_the_header),
		cmocka_unit_test(a_broken_name_addr_is_refused),
	};

	return cmocka_run_group_tests_name("uri", tests, NULL, NULL);
}
