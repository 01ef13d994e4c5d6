/* t_identity.c - who calls and who forwarded, read from header fields and written as a peer wants. */
#include "t_call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "call/identity.h"

struct world {
	struct arena a;
	struct identity id;
	struct sip_xhdr x[IDENTITY_HEADERS];
	int n;
};

static const struct identity_opts all = { .shown = IDENTITY_PAI | IDENTITY_RPID, .trust = true,
	.divert_in = true, .divert_out = true, .guid = true }, none = { 0 };

static int up(void **state)
{
	struct world *w = mem_new(sizeof *w);

	arena_init(&w->a, 1 << 16);
	*state = w;
	return 0;
}

static int down(void **state)
{
	struct world *w = *state;

	arena_close(&w->a);
	mem_free(w);
	return 0;
}

static void read_it(struct world *w, const struct identity_opts *o, const char *from, const char *headers)
{
	struct sip_msg *m = NULL;
	struct sip_refuse why;
	char text[4000];
	struct buf b;

	buf_init(&b, text, sizeof text);
	buf_fmt(&b, "INVITE sip:1@x SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nFrom: %s;tag=1\r\nTo: <sip:1@x>\r\n"
		"Call-ID: x\r\nCSeq: 1 INVITE\r\n%s\r\n", from, headers);
	assert_int_equal(sip_msg_parse(str_dup(&w->a, buf_str(&b)), &w->a, &m, &why), OK);
	identity_read(m, o, &w->a, &w->id);
}

static void is(struct str got, const char *want)
{
	if (!str_eq(got, str_of(want)))
		fail_msg("\"%.*s\" is not \"%s\"", STRF(got), want);
}

#define FROM "\"Far\" <sip:2001@pbx>"

static void what_a_trusted_peer_asserts_counts_before_from(void **state)
{
	struct world *w = *state;

	read_it(w, &all, FROM, "");
	is(w->id.number, "2001");
	is(w->id.display, "Far");
	assert_false(w->id.hidden);
	read_it(w, &all, FROM, "Remote-Party-ID: \"Rita\" <sip:3@pbx>;party=calling;screen=yes;privacy=off\r\n");
	is(w->id.number, "3");
	is(w->id.display, "Rita");
	read_it(w, &all, FROM, "Remote-Party-ID: <sip:9@pbx>;party=called\r\nRemote-Party-ID: <sip:4@pbx>\r\n");
	is(w->id.number, "4");
	read_it(w, &all, FROM, "Remote-Party-ID: <sip:3@pbx>\r\nP-Asserted-Identity: <sip:+49%2030@pbx;user=phone>\r\n");
	is(w->id.number, "+49 30");
	read_it(w, &all, FROM, "P-Asserted-Identity: <sip:pbx>, <tel:+4930>\r\n");
	is(w->id.number, "+4930");
	read_it(w, &all, FROM, "P-Asserted-Identity: nonsense\r\n");
	is(w->id.number, "2001");
	read_it(w, &none, FROM, "P-Asserted-Identity: <sip:3@pbx>\r\nRemote-Party-ID: <sip:4@pbx>\r\n");
	is(w->id.number, "2001");
}

static void who_asks_not_to_be_shown_is_hidden(void **state)
{
	static const char *const hides[] = { "Privacy: id\r\n", "Privacy: critical; Header\r\n",
		"Privacy: none\r\nPrivacy: user\r\n", "Remote-Party-ID: <sip:3@pbx>;privacy=full\r\n" };
	struct world *w = *state;

	for (size_t i = 0; i < sizeof hides / sizeof *hides; i++) {
		read_it(w, &all, FROM, hides[i]);
		assert_true(w->id.hidden);
	}
	read_it(w, &all, FROM, "Privacy: none\r\n");
	assert_false(w->id.hidden);
	read_it(w, &none, FROM, "Remote-Party-ID: <sip:3@pbx>;privacy=full\r\n");
	assert_false(w->id.hidden);		/* not believed either */
	read_it(w, &all, "\"Anonymous\" <sip:anonymous@anonymous.invalid>", "P-Asserted-Identity: <sip:3@pbx>\r\n");
	assert_true(w->id.hidden);
	is(w->id.number, "3");
	read_it(w, &all, "<sip:%61nonymous;x=y@pbx>", "");
	assert_true(w->id.hidden);
	assert_int_equal(w->id.number.n, 0);
	read_it(w, &all, "<sip:anonymous@pbx>", "");
	assert_true(w->id.hidden);
	assert_int_equal(w->id.number.n, 0);
}

static void the_last_forward_comes_first_and_the_original_stays(void **state)
{
	struct world *w = *state;

	read_it(w, &all, FROM, "Diversion: <sip:11@pbx>;reason=no-answer;counter=1, <sip:12@pbx>;reason=\"x y\"\r\n"
			       "Diversion: <sip:13@pbx>\r\n");
	assert_int_equal(w->id.ndivert, 2);
	is(w->id.divert[0].number, "11");
	is(w->id.divert[0].reason, "no-answer");
	is(w->id.divert[1].number, "13");
	is(w->id.divert[1].reason, "unknown");
	identity_divert(&w->id, STR("14"), STR("user-busy"));
	assert_int_equal(w->id.ndivert, 2);
	is(w->id.divert[0].number, "14");
	is(w->id.divert[1].number, "13");
	w->id = (struct identity){ 0 };
	identity_divert(&w->id, STR("14"), STR("user-busy"));
	assert_int_equal(w->id.ndivert, 1);
	identity_divert(&w->id, STR("15"), STR("no-answer"));
	is(w->id.divert[0].number, "15");
	is(w->id.divert[1].number, "14");
	read_it(w, &none, FROM, "Diversion: <sip:11@pbx>\r\n");
	assert_int_equal(w->id.ndivert, 0);
	read_it(w, &all, FROM, "Diversion: <sip:pbx>, nonsense\r\n");
	assert_int_equal(w->id.ndivert, 0);
}

static void a_guid_is_numbers(void **state)
{
	struct world *w = *state;

	read_it(w, &none, FROM, "Cisco-Guid: 1234567890-0000065536-0000000001-0168430090\r\n");
	is(w->id.guid, "1234567890-0000065536-0000000001-0168430090");
	read_it(w, &none, FROM, "Cisco-Guid: 1234<script>\r\n");
	assert_int_equal(w->id.guid.n, 0);
}

static struct str plus(void *ctx, struct str number, struct arena *a)
{
	char text[64];
	struct buf b;

	assert_ptr_equal(ctx, a);
	buf_init(&b, text, sizeof text);
	buf_ch(&b, '+');
	buf_put(&b, number);
	return str_dup(a, buf_str(&b));
}

static void write_it(struct world *w, const struct identity_opts *o, bool carrier)
{
	struct identity_peer p = { .host = STR("sbc"), .user_phone = carrier,
				   .number = carrier ? plus : NULL, .ctx = &w->a };

	w->n = identity_write(&w->id, o, &p, &w->a, w->x);
}

static void header(const struct world *w, int i, const char *name, const char *value)
{
	assert_in_range(i, 0, w->n - 1);
	is(w->x[i].name, name);
	is(w->x[i].value, value);
}

static void it_is_written_as_the_profile_has_it(void **state)
{
	struct world *w = *state;
	struct identity_opts o = all;

	w->id = (struct identity){ .number = STR("4930"), .display = STR("A \\\"B\" \x01\\"),
		.divert = { { STR("11"), STR("no-answer") }, { STR("12"), STR("unknown") } }, .ndivert = 2,
		.guid = STR("1-2-3-4") };
	write_it(w, &all, true);
	assert_int_equal(w->n, 5);
	header(w, 0, "P-Asserted-Identity", "\"A \\\"B\\\"  \\\\\" <sip:+4930@sbc;user=phone>");
	header(w, 1, "Remote-Party-ID", "\"A \\\"B\\\"  \\\\\" <sip:+4930@sbc;user=phone>;party=calling;screen=yes;privacy=off");
	header(w, 2, "Diversion", "<sip:+11@sbc;user=phone>;privacy=off;reason=no-answer;screen=yes");
	header(w, 3, "Diversion", "<sip:+12@sbc;user=phone>;privacy=off;reason=unknown;screen=yes");
	header(w, 4, "Cisco-Guid", "1-2-3-4");
	w->id.hidden = true;
	w->id.ndivert = 0;
	o.guid = false;
	write_it(w, &o, false);
	assert_int_equal(w->n, 3);
	assert_true(str_ends(w->x[1].value, STR(";privacy=full")));
	header(w, 2, "Privacy", "id");
	o.shown = IDENTITY_RPID;
	write_it(w, &o, false);
	assert_int_equal(w->n, 1);
	write_it(w, &none, false);
	assert_int_equal(w->n, 0);
	w->id.number = STR_NONE;
	write_it(w, &o, false);
	assert_int_equal(w->n, 0);
}

static void who_is_reached_is_the_called_party(void **state)
{
	struct world *w = *state;
	struct identity_peer p = { .host = STR("sbc") };

	w->n = identity_write_called(STR("1001"), STR("Alice"), &all, &p, &w->a, w->x);
	assert_int_equal(w->n, 2);
	header(w, 0, "P-Asserted-Identity", "\"Alice\" <sip:1001@sbc>");
	header(w, 1, "Remote-Party-ID", "\"Alice\" <sip:1001@sbc>;party=called;screen=yes;privacy=off");
}

static void what_does_not_fit_is_left_out(void **state)
{
	struct world *w = *state;
	char name[600];

	memset(name, 'x', sizeof name);
	w->id = (struct identity){ .number = STR("1"), .display = { name, sizeof name } };
	write_it(w, &all, false);
	assert_int_equal(w->n, 0);
}

static void an_escaped_semicolon_begins_no_parameter(void **state)
{
	struct world *w = *state;

	read_it(w, &all, FROM, "P-Asserted-Identity: <sip:+24%3B020;x=y@pbx>\r\n");
	is(w->id.number, "+24;020");
	write_it(w, &all, false);
	header(w, 0, "P-Asserted-Identity", "<sip:+24%3b020@sbc>");
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int run_identity(void)
{
	const struct CMUnitTest tests[] = {
		T(what_a_trusted_peer_asserts_counts_before_from), T(who_asks_not_to_be_shown_is_hidden),
		T(the_last_forward_comes_first_and_the_original_stays), T(a_guid_is_numbers),
		T(it_is_written_as_the_profile_has_it), T(who_is_reached_is_the_called_party),
		T(what_does_not_fit_is_left_out), T(an_escaped_semicolon_begins_no_parameter),
	};

	return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
