/* t_mistakes.c - what is wrong in a tandem.yaml is told where it stands, once, with the mend. */
#include "t_conf.h"

#include <stdio.h>
#include <string.h>

#include "conf/config.h"
#include "conf/yaml.h"

static const char right[] =
	"store: t.db\n"
	"tone-country: de\n"
	"zones: [ { name: pbx, kind: pbx }, { name: teams, kind: teams } ]\n"
	"listeners:\n"
	"  - { name: pbx, zone: pbx, transport: udp, bind: \"127.0.0.1:5062\", media-ports: 20000-20099 }\n"
	"trunks:\n"
	"  - { name: cucm, profile: cucm, listener: pbx, hosts: [ \"cucm.example.com:5060\", \"192.0.2.10:5060\" ] }\n";

/* The findings with `from` replaced by `to`. */
static const char *findings(const char *from, const char *to)
{
	static char site[2048], text[4096];
	static struct findings fs;
	const char *at = strstr(right, from);
	struct buf b;

	assert_non_null(at);
	buf_init(&b, site, sizeof site);
	buf_put(&b, (struct str){ right, (size_t)(at - right) });
	buf_put(&b, str_of(to));
	buf_put(&b, str_of(at + strlen(from)));
	fs = (struct findings){ 0 };
	config_free(config_parse(buf_str(&b), "t", &fs));
	buf_init(&b, text, sizeof text);
	findings_write(&b, &fs);
	return buf_z(&b);
}

static void a_right_one_has_none(void **state)
{
	(void)state;
	assert_string_equal(findings("de", "de"), "");
	assert_string_equal(findings("192.0.2.10:5060", "[2001:db8::1]:5060"), "");
	assert_string_equal(findings("store:", "# one document\n---\nstore:"), "");
	assert_string_equal(findings("\"192.0.2.10:5060\" ] }\n", "\"192.0.2.10:5060\" ] }\n...\n# its end\n"), "");
	assert_string_equal(findings("192.0.2.10:5060", "3com.example"), "");
	/* Teams is told the trunk's fqdn, so its listener may bind all addresses. */
	assert_string_equal(findings("trunks:\n",
		"  - { name: teams, zone: teams, transport: tls, bind: \"0.0.0.0:5061\", media-bind: 127.0.0.1, certificate: sbc, media-ports: 21000-21099 }\n"
		"certificates: [ { name: sbc, cert: /dev/null, key: /dev/null } ]\n"
		"trunks:\n"), "");
}

static void each_mistake_is_told_once_where_it_stands(void **state)
{
	static const struct { const char *from, *to, *finding; } row[] = {
		{ "192.0.2.10:5060", "192.0.2.433:5060", "t:7:83: The host \"192.0.2.433:5060\" is no IP address" },
		{ "192.0.2.10:5060", "4711", "t:7:83: The host \"4711\" is no IP address" },
		{ "192.0.2.10:5060", "a:70000", "t:7:83: The host \"a:70000\" is malformed; write name:port." },
		{ "127.0.0.1:5062", "127.0.0.341:5062", "t:5:" },
		{ "127.0.0.1:5062", "0.0.0.0:5062", "t:5:5: Listener \"pbx\" binds all addresses, so Contact and SDP have none to show; write advertised and media-advertised." },
		{ "bind: \"127.0.0.1:5062\"", "bind: \"0.0.0.0:5062\", media-bind: 127.0.0.1", "t:5:5: Listener \"pbx\" binds all addresses, so Contact has none to show; write advertised." },
		{ "bind: \"127.0.0.1:5062\"", "bind: \"127.0.0.1:5062\", media-bind: 0.0.0.0", "t:5:5: Listener \"pbx\" binds all addresses, so SDP has none to show; write media-advertised." },
		{ "20000-20099", "20000-20001", "t:5:5: The media range of listener \"pbx\" holds less than one call" },
		{ "listener: pbx", "listener: pxb", "t:7:" },
		{ "profile: cucm", "profile: cum", "t:7:" },
		{ "tone-country: de", "tone-country: deutschland", "t:2:" },
		{ "tone-country: de", "log-level: verbose", "t:2:12: " },
		{ "tone-country: de", "---\ntone-country: de", "t:2:1: A second document (---) begins here; one file is one document" },
		{ "tone-country: de", "...\n} x", "t:3:1: This is not YAML: " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		const char *said = findings(row[i].from, row[i].to), *nl = strchr(said, '\n');

		if (!strstr(said, row[i].finding) || !nl || nl[1])
			fail_msg("%s: %s", row[i].to, said);
	}
}

static void what_may_be_a_password_is_not_shown(void **state)
{
	char to[400];
	const char *said;

	(void)state;
	(void)snprintf(to, sizeof to, "profile: cucm, auth-user: us, auth-password: \"%s%0128d\"", "secret", 7);
	said = findings("profile: cucm", to);
	assert_non_null(strstr(said, "auth-password is 134 bytes long; write at most 127."));
	assert_null(strstr(said, "secret"));
}

/* Else `apply` says that it is done, and nothing is changed. */
static void a_file_that_does_not_fit_is_never_refused_in_silence(void **state)
{
	static struct findings fs;
	bool fits = false;

	(void)state;
	for (size_t cap = 32; !fits; cap += 16) {
		struct arena a;

		fs = (struct findings){ 0 };
		arena_init(&a, cap);
		fits = yaml_read(str_of(right), "t", &a, &fs) != NULL;
		assert_int_equal(fs.n, fits ? 0 : 1);
		arena_close(&a);
	}
}

int run_mistakes(void)
{
	const struct CMUnitTest t[] = {
		cmocka_unit_test(a_right_one_has_none),
		cmocka_unit_test(each_mistake_is_told_once_where_it_stands),
		cmocka_unit_test(what_may_be_a_password_is_not_shown),
		cmocka_unit_test(a_file_that_does_not_fit_is_never_refused_in_silence),
	};

	return cmocka_run_group_tests_name("mistakes", t, NULL, NULL);
}
