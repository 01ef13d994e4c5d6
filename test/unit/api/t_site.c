/* t_site.c - what is wrong in a site is told where it stands, all at once. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "t_api.h"
#include "conf/config.h"
#include "site/site.h"

static const char machine[] =
	"store: /tmp/x.db\n"
	"zones: [ { name: pbx, kind: pbx } ]\n"
	"listeners: [ { name: pbx, zone: pbx, transport: udp, bind: \"127.0.0.1:5062\", media-ports: 20000-20099 } ]\n"
	"trunks: [ { name: cucm, profile: cucm, listener: pbx, inbound-css: staff, hosts: [ \"192.0.2.10:5060\" ] } ]\n";

/* All findings of a site, a line each. */
static const char *findings(const char *site)
{
	static char text[8192];
	static struct findings fs;
	struct config *c;
	struct buf b;

	fs = (struct findings){ 0 };
	c = config_parse(str_of(machine), "tandem.yaml", &fs);
	assert_non_null(c);
	assert_int_equal(fs.n, 0);
	directory_free(site_read(str_of(site), "s", c, &fs));
	config_free(c);
	buf_init(&b, text, sizeof text);
	findings_write(&b, &fs);
	return buf_z(&b);
}

static void every_name_that_is_missing_is_told_where_it_stands(void **state)
{
	(void)state;
	assert_string_equal(findings(
		"partitions: [ internal ]\n"
		"spaces: [ { name: staff, partitions: [ internal, interal ] } ]\n"
		"users: [ { name: carla } ]\n"
		"phones: [ { name: SEPA, user: karla, password: x, css: stafff } ]\n"
		"lines:\n"
		"  - number: \"4001\"\n"
		"    partition: intern\n"
		"    user: nobody-of-this-name\n"
		"    phones: [ SEPA, SEPB ]\n"
		"    endpoints: [ \"1@cucn\", \"2@cucm\" ]\n"
		"patterns: [ { pattern: \"9.X\", trunks: [ gone-for-ever ] } ]\n"
		"profiles: [ { name: p, user: carla, lines: [ \"4001\", \"4001/else\" ] } ]\n"
		"remotes: [ { name: r, profile: q, number: \"1\" } ]\n"),
		"s:2:50: There is no partition \"interal\"; did you mean \"internal\"?\n"
		"s:4:31: There is no user \"karla\"; did you mean \"carla\"?\n"
		"s:4:56: There is no calling search space \"stafff\"; did you mean \"staff\"?\n"
		"s:7:16: There is no partition \"intern\"; did you mean \"internal\"?\n"
		"s:8:11: There is no user \"nobody-of-this-name\". Add it to users, or mend the name.\n"
		"s:9:21: There is no phone \"SEPB\"; did you mean \"SEPA\"?\n"
		"s:10:18: There is no trunk \"cucn\"; did you mean \"cucm\"?\n"
		"s:11:41: There is no trunk \"gone-for-ever\". Add it to trunks in tandem.yaml, or mend the name.\n"
		"s:12:54: There is no line \"4001/else\". Add it to lines, or mend the name.\n"
		"s:13:32: There is no remote destination profile \"q\". Add it to profiles, or mend the name.\n");
}

static void what_stands_twice_names_the_first_place(void **state)
{
	(void)state;
	assert_string_equal(findings(
		"partitions: [ a, a ]\n"
		"phones:\n"
		"  - { name: P, password: x }\n"
		"  - { name: Q, password: x, auth-user: P }\n"
		"lines:\n"
		"  - { number: \"4001\", partition: a }\n"
		"  - { number: \"4001\" }\n"
		"  - { number: \"4001\", partition: a }\n"),
		"s:1:18: There is a partition \"a\" already, in line 1; remove one, or name it otherwise.\n"
		"s:4:5: Another phone has the same auth-user as \"Q\"; each needs its own.\n"
		"s:8:5: There is a line \"4001\" in partition a already, in line 6; remove one, or name it otherwise.\n");
}

static void a_site_of_any_shape_is_only_refused(void **state)
{
	(void)state;
	assert_non_null(strstr(findings("spaces: { a: b }\nlines: [ x, [ y ] ]\n"), "takes a list"));
	assert_non_null(strstr(findings("lines: [ { number: [ 1 ], phones: { a: b }, user: [ c ] } ]\n"), "s:1:"));
	assert_string_equal(findings("lines: [ { number: \"1\" } ]\n"), "");
}

int run_site(void)
{
	const struct CMUnitTest t[] = {
		cmocka_unit_test(every_name_that_is_missing_is_told_where_it_stands),
		cmocka_unit_test(what_stands_twice_names_the_first_place),
		cmocka_unit_test(a_site_of_any_shape_is_only_refused),
	};

	return cmocka_run_group_tests_name("site", t, NULL, NULL);
}
