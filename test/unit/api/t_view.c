/* t_view.c - what the views show of a small site. */
#include <stdlib.h>
#include <string.h>

#include "api/view.h"
#include "site/site.h"
#include "t_api.h"

static int up(void **state)
{
	*state = bed_new();
	return 0;
}

static int down(void **state)
{
	bed_free(*state);
	return 0;
}

static void note(struct bed *b, int trunk, int host, enum trunk_fact_kind kind, struct reason why)
{
	struct trunk_fact f = { .kind = kind, .host = host, .why = why };

	trunk_note(b->trunk[trunk], b->loop->now, b->loop->wall, &f);
}

static void a_trunk_nobody_answered_yet_says_so(void **state)
{
	struct bed *b = *state;
	json_t *j = view_trunks(&b->env);

	assert_string_equal(at(j, "trunks.0.trunk"), "cucm");
	assert_string_equal(at(j, "trunks.0.profile"), "cucm");
	assert_string_equal(at(j, "trunks.0.state"), "unknown");
	assert_string_equal(at(j, "trunks.0.reason"), "trunk-never");
	assert_string_equal(at(j, "trunks.0.since"), "null");
	assert_string_equal(at(j, "trunks.0.calls"), "0");
	assert_string_equal(at(j, "trunks.0.max_calls"), "9");
	assert_string_equal(at(j, "trunks.0.hosts.1.host"), "192.0.2.11");
	assert_string_equal(at(j, "trunks.0.hosts.1.port"), "5060");
	json_decref(j);
}

static void a_trunk_with_one_host_down_is_partial_and_uses_the_other(void **state)
{
	struct bed *b = *state;
	json_t *j;

	note(b, 0, 0, TRUNK_FACT_FAILED, REASON(TRUNK_REFUSED, STR("192.0.2.10")));
	note(b, 0, 1, TRUNK_FACT_ANSWERED, REASON(TRUNK_UP, STR("192.0.2.11")));
	j = view_trunks(&b->env);
	assert_string_equal(at(j, "trunks.0.state"), "partial");
	assert_string_equal(at(j, "trunks.0.reason"), "tcp-refused");
	assert_non_null(strstr(at(j, "trunks.0.text"), "refused the TCP connection"));
	assert_string_equal(at(j, "trunks.0.hosts.0.state"), "down");
	assert_string_equal(at(j, "trunks.0.hosts.0.in_use"), "false");
	assert_string_equal(at(j, "trunks.0.hosts.1.state"), "up");
	assert_string_equal(at(j, "trunks.0.hosts.1.in_use"), "true");
	assert_non_null(strstr(at(j, "trunks.0.since"), "2026-11-23T12:00"));
	json_decref(j);
}

static void a_trunk_that_is_not_asked_does_not_claim_answers(void **state)
{
	struct bed *b = *state;
	json_t *j = view_trunks(&b->env);

	assert_string_equal(at(j, "trunks.1.state"), "up");
	assert_string_equal(at(j, "trunks.1.reason"), "trunk-unasked");
	json_decref(j);
}

static void phones_show_their_lines_and_contacts_with_harmless_text(void **state)
{
	struct bed *b = *state;
	json_t *j = view_phones(&b->env);

	assert_string_equal(at(j, "phones.0.phone"), "SEPA");
	assert_string_equal(at(j, "phones.0.registered"), "false");
	assert_string_equal(at(j, "phones.0.lines.0"), "1001");
	assert_string_equal(at(j, "phones.1.registered"), "true");
	assert_string_equal(at(j, "phones.1.contacts.0.source"), "192.0.2.50:5062");
	assert_string_equal(at(j, "phones.1.contacts.0.contact"), "sip:1002@192.0.2.50:5062");
	assert_string_equal(at(j, "phones.1.contacts.0.expires"), "2026-11-23T13:00:00.000Z");
	assert_string_equal(at(j, "phones.1.contacts.0.user_agent"), "Desk\\x1b[31mPhone");
	json_decref(j);
}

static void users_show_lines_phones_and_remote_destinations(void **state)
{
	struct bed *b = *state;
	json_t *j = view_users(&b->env);

	assert_string_equal(at(j, "users.0.display"), "Alice");
	assert_string_equal(at(j, "users.0.lines.0.number"), "1001");
	assert_string_equal(at(j, "users.0.remotes.0.remote"), "?");
	assert_string_equal(at(j, "users.1.lines.0.e164"), "+4930555");
	assert_string_equal(at(j, "users.1.phones.0.phone"), "SEPB");
	assert_string_equal(at(j, "users.1.phones.0.registered"), "true");
	assert_string_equal(at(j, "users.1.remotes.0.number"), "95551234");
	assert_string_equal(at(j, "users.1.remotes.0.enabled"), "true");
	json_decref(j);
}

static void take_site(struct bed *b, struct str text)
{
	struct findings *fs = mem_new(sizeof *fs);
	struct directory *d = site_read(text, "site.yaml", b->config, fs);

	assert_int_equal(fs->n, 0);
	assert_non_null(d);
	directory_free(b->directory);
	b->directory = d;
	mem_free(fs);
}

static void assert_shown(json_t *j, const char *text)
{
	char *is = json_dumps(j, JSON_COMPACT);

	assert_string_equal(is, text);
	free(is);			/* jansson's own allocation */
	json_decref(j);
}

/* Nothing stands beside what it belongs to, and some belongs to nobody. */
static const char mixed_site[] =
	"partitions: [ in, out ]\n"
	"spaces: [ { name: staff, partitions: [ in ] } ]\n"
	"users: [ { name: carol }, { name: alice, display: Alice }, { name: nobody }, { name: bob } ]\n"
	"phones:\n"
	"  - { name: P1, user: bob, auth-user: \"1\", password: x }\n"
	"  - { name: P2, user: alice, auth-user: \"2\", password: x }\n"
	"  - { name: P3, auth-user: \"3\", password: x }\n"
	"  - { name: P4, user: bob, auth-user: \"4\", password: x }\n"
	"  - { name: SEPB, user: carol, auth-user: \"5\", password: x }\n"
	"lines:\n"
	"  - { number: \"13\", partition: in, user: bob, phones: [ P4, P1, P4 ] }\n"
	"  - { number: \"11\", partition: in, user: alice, phones: [ P1, P2 ], e164: \"+4911\" }\n"
	"  - { number: \"12\", partition: in, phones: [ P2, P3 ] }\n"
	"  - { number: \"13\", partition: out, user: bob, phones: [ P4 ] }\n"
	"  - { number: \"10\", user: alice, phones: [ P2 ] }\n"
	"profiles:\n"
	"  - { name: b1, user: bob, reroute-css: staff, lines: [ \"13\" ] }\n"
	"  - { name: a1, user: alice, reroute-css: staff, lines: [ \"11\" ] }\n"
	"  - { name: none, reroute-css: staff, lines: [ \"12\" ] }\n"
	"  - { name: b2, user: bob, reroute-css: staff, lines: [ \"13\" ] }\n"
	"remotes:\n"
	"  - { name: r1, profile: b2, number: \"901\" }\n"
	"  - { name: r2, profile: a1, number: \"902\", enabled: no }\n"
	"  - { name: r3, profile: b1, number: \"903\" }\n"
	"  - { name: r4, profile: none, number: \"904\" }\n"
	"  - { name: r5, profile: b2, number: \"905\" }\n"
	"  - { name: r6, profile: a1, number: \"906\" }\n";

static void what_belongs_to_a_user_is_shown_in_the_order_of_the_site(void **state)
{
	struct bed *b = *state;

	take_site(b, str_of(mixed_site));
	assert_shown(view_users(&b->env),
		"{\"users\":[{\"user\":\"carol\",\"display\":\"\",\"lines\":[],"
		"\"phones\":[{\"phone\":\"SEPB\",\"registered\":true}],"
		"\"remotes\":[]},"
		"{\"user\":\"alice\",\"display\":\"Alice\",\"lines\":[{\"number\":\"11\","
		"\"partition\":\"in\",\"e164\":\"+4911\"},{\"number\":\"10\",\"partition\":\"\","
		"\"e164\":\"\"}],"
		"\"phones\":[{\"phone\":\"P2\",\"registered\":false}],"
		"\"remotes\":[{\"remote\":\"r2\",\"number\":\"902\",\"enabled\":false},"
		"{\"remote\":\"r6\",\"number\":\"906\",\"enabled\":true}]},"
		"{\"user\":\"nobody\",\"display\":\"\",\"lines\":[],"
		"\"phones\":[],"
		"\"remotes\":[]},"
		"{\"user\":\"bob\",\"display\":\"\",\"lines\":[{\"number\":\"13\","
		"\"partition\":\"in\",\"e164\":\"\"},{\"number\":\"13\",\"partition\":\"out\","
		"\"e164\":\"\"}],"
		"\"phones\":[{\"phone\":\"P1\",\"registered\":false},{\"phone\":\"P4\","
		"\"registered\":false}],"
		"\"remotes\":[{\"remote\":\"r1\",\"number\":\"901\",\"enabled\":true},"
		"{\"remote\":\"r3\",\"number\":\"903\",\"enabled\":true},{\"remote\":\"r5\","
		"\"number\":\"905\",\"enabled\":true}]}]}");
}

static void what_rings_a_phone_is_shown_once_in_the_order_of_the_site(void **state)
{
	struct bed *b = *state;

	take_site(b, str_of(mixed_site));
	assert_shown(view_phones(&b->env),
		"{\"phones\":[{\"phone\":\"P1\",\"user\":\"bob\",\"auth_user\":\"1\","
		"\"lines\":[\"13\",\"11\"],\"registered\":false,"
		"\"contacts\":[]},"
		"{\"phone\":\"P2\",\"user\":\"alice\",\"auth_user\":\"2\",\"lines\":[\"11\",\"12\","
		"\"10\"],\"registered\":false,"
		"\"contacts\":[]},"
		"{\"phone\":\"P3\",\"user\":\"\",\"auth_user\":\"3\",\"lines\":[\"12\"],"
		"\"registered\":false,"
		"\"contacts\":[]},"
		"{\"phone\":\"P4\",\"user\":\"bob\",\"auth_user\":\"4\",\"lines\":[\"13\",\"13\"],"
		"\"registered\":false,"
		"\"contacts\":[]},"
		"{\"phone\":\"SEPB\",\"user\":\"carol\",\"auth_user\":\"5\",\"lines\":[],"
		"\"registered\":true,"
		"\"contacts\":[{\"contact\":\"sip:1002@192.0.2.50:5062\",\"source\":\"192.0.2.50:5062\","
		"\"since\":\"2026-11-23T12:00:00.000Z\",\"expires\":\"2026-11-23T13:00:00.000Z\","
		"\"user_agent\":\"Desk\\\\x1b[31mPhone\"}]}]}");
}

enum { MANY = 3000, MANY_BYTES = 2 << 20 };

/* Everybody's rows stand as far from each other as they can. */
static void many_users(struct buf *b)
{
	buf_fmt(b, "spaces: [ { name: staff } ]\nusers:\n");
	for (int i = 0; i < MANY; i++)
		buf_fmt(b, "  - { name: u%d }\n", i);
	buf_fmt(b, "phones:\n");
	for (int i = 0; i < MANY; i++)
		buf_fmt(b, "  - { name: p%d, user: u%d, password: x }\n", i, i);
	buf_fmt(b, "lines:\n");
	for (int i = 0; i < MANY; i++)
		buf_fmt(b, "  - { number: \"%d\", user: u%d, phones: [ p%d ] }\n", 10000 + i, i, i);
	buf_fmt(b, "profiles:\n");
	for (int i = MANY; i-- > 0;)
		buf_fmt(b, "  - { name: d%d, user: u%d, reroute-css: staff, lines: [ \"%d\" ] }\n", i, i, 10000 + i);
	buf_fmt(b, "remotes:\n");
	for (int i = 0; i < 2 * MANY; i++)
		buf_fmt(b, "  - { name: r%d, profile: d%d, number: \"9%d\" }\n", i, i % MANY, i);
}

/* Looking through the site for each of them takes minutes. */
static void a_large_site_is_shown_whole(void **state)
{
	char *mem = mem_new(MANY_BYTES), path[64], want[32];
	struct bed *b = *state;
	struct buf text, p, w;
	json_t *users, *phones;

	buf_init(&text, mem, MANY_BYTES);
	many_users(&text);
	take_site(b, buf_str(&text));
	users = view_users(&b->env);
	phones = view_phones(&b->env);
	assert_int_equal(json_array_size(json_object_get(users, "users")), MANY);
	assert_int_equal(json_array_size(json_object_get(phones, "phones")), MANY);
	for (int i = 0; i < MANY; i++) {
		buf_init(&p, path, sizeof path);
		buf_init(&w, want, sizeof want);
		buf_fmt(&p, "users.%d.remotes.1.remote", i);
		buf_fmt(&w, "r%d", MANY + i);
		assert_string_equal(at(users, buf_z(&p)), buf_z(&w));
		buf_init(&p, path, sizeof path);
		buf_init(&w, want, sizeof want);
		buf_fmt(&p, "phones.%d.lines.0", i);
		buf_fmt(&w, "%d", 10000 + i);
		assert_string_equal(at(phones, buf_z(&p)), buf_z(&w));
	}
	json_decref(users);
	json_decref(phones);
	mem_free(mem);
}

static void without_calls_the_list_is_empty(void **state)
{
	struct bed *b = *state;
	json_t *j = view_calls(&b->env);

	assert_int_equal(json_array_size(json_object_get(j, "calls")), 0);
	json_decref(j);
}

static void status_tells_of_a_failing_store_with_its_mend(void **state)
{
	struct bed *b = *state;
	json_t *j = view_status(&b->env);

	assert_string_equal(at(j, "version"), TANDEM_VERSION);
	assert_string_equal(at(j, "store_failing"), "false");
	assert_string_equal(at(j, "store_text"), "");
	assert_string_equal(at(j, "registrations"), "1");
	json_decref(j);
	db_break(store_db(b->store), DB_FAIL_FULL);
	(void)bed_record(b, "1001", "1002", "answered");
	j = view_status(&b->env);
	assert_string_equal(at(j, "store_failing"), "true");
	assert_string_equal(at(j, "records_waiting"), "1");
	assert_true(strlen(at(j, "store_text")) > 20);
	json_decref(j);
	db_break(store_db(b->store), DB_FAIL_NONE);
}

static void an_overload_says_since_when_how_many_why_and_what_to_do(void **state)
{
	struct bed *b = *state;
	ms_t since = b->env.loop->now;
	struct overload_view v = { .refused = 9, .refused_now = 7, .rate = 170999, .since = since ? since : 1,
				   .delay_ms = 80, .lost = true };
	const char *text;
	json_t *j = view_status(&b->env);

	assert_string_equal(at(j, "overloaded"), "false");
	assert_string_equal(at(j, "overload_text"), "");
	view_overload(j, &b->env, &v);
	assert_string_equal(at(j, "overloaded"), "true");
	text = at(j, "overload_text");
	assert_non_null(strstr(text, "7 new calls were refused with 503, 170 a second are let in"));
	assert_non_null(strstr(text, "waits 80 ms to be read and some of it is lost"));
	assert_non_null(strstr(text, "tandem show guard"));
	v.rate = 0;
	view_overload(j, &b->env, &v);
	assert_string_equal(at(j, "overloaded"), "false");
	assert_non_null(strstr(at(j, "overload_text"), "and is over: 7 new calls were refused with 503."));
	json_decref(j);
}

static void text_that_is_no_utf8_never_spoils_an_answer(void **state)
{
	static const char bytes[] = "a\xff\xfe\x01\x80z";
	json_t *j = js_text((struct str){ bytes, sizeof bytes - 1 });
	json_t *k = js_name((struct str){ bytes, sizeof bytes - 1 });
	json_t *m = js_name(STR("J\xc3\xb6rg"));

	(void)state;
	assert_string_equal(json_string_value(j), "a\\xff\\xfe\\x01\\x80z");
	assert_string_equal(json_string_value(k), "a\\xff\\xfe\\x01\\x80z");
	assert_string_equal(json_string_value(m), "J\xc3\xb6rg");
	json_decref(j);
	json_decref(k);
	json_decref(m);
}

int run_view(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_trunk_nobody_answered_yet_says_so, up, down),
		cmocka_unit_test_setup_teardown(a_trunk_with_one_host_down_is_partial_and_uses_the_other, up, down),
		cmocka_unit_test_setup_teardown(a_trunk_that_is_not_asked_does_not_claim_answers, up, down),
		cmocka_unit_test_setup_teardown(phones_show_their_lines_and_contacts_with_harmless_text, up, down),
		cmocka_unit_test_setup_teardown(users_show_lines_phones_and_remote_destinations, up, down),
		cmocka_unit_test_setup_teardown(what_belongs_to_a_user_is_shown_in_the_order_of_the_site, up, down),
		cmocka_unit_test_setup_teardown(what_rings_a_phone_is_shown_once_in_the_order_of_the_site, up, down),
		cmocka_unit_test_setup_teardown(a_large_site_is_shown_whole, up, down),
		cmocka_unit_test_setup_teardown(without_calls_the_list_is_empty, up, down),
		cmocka_unit_test_setup_teardown(status_tells_of_a_failing_store_with_its_mend, up, down),
		cmocka_unit_test_setup_teardown(an_overload_says_since_when_how_many_why_and_what_to_do, up, down),
		cmocka_unit_test(text_that_is_no_utf8_never_spoils_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
