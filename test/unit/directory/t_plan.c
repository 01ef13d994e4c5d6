/* t_plan.c - who rings, when, and why: a small site, asked. */
#include "t_directory.h"

#include <stdbool.h>
#include <string.h>

#include "directory/directory.h"

struct bed { struct directory *d; struct arena a; struct dir_plan p; };

static void must(enum err e)
{
	assert_int_equal(e, OK);
}

static void lines(struct directory *d)
{
	must(directory_add_line(d, &(struct dir_line){ .number = STR("1001"), .partition = STR("in"),
		.user = STR("alice"), .phone = { STR("SEPA") }, .nphones = 1, .css = STR("staff"),
		.e164 = STR("+14255550101"), .no_answer_s = 12 }));
	must(directory_add_line(d, &(struct dir_line){ .number = STR("1002"), .partition = STR("in"),
		.user = STR("bob"), .phone = { STR("SEPB"), STR("SEPC") }, .nphones = 2,
		.endpoint = { { STR("2002"), STR("pbx") } }, .nendpoints = 1, .css = STR("staff"),
		.no_answer_s = 20, .forward_no_answer = STR("1001"), .forward_busy = STR("1003") }));
	must(directory_add_line(d, &(struct dir_line){ .number = STR("1001"), .partition = STR("other"),
		.phone = { STR("SEPC") }, .nphones = 1 }));
}

static void patterns(struct directory *d)
{
	must(directory_add_pattern(d, &(struct dir_pattern){ .pattern = STR("9.!"), .partition = STR("out"),
		.trunk = { STR("carrier") }, .ntrunks = 1, .discard_predot = true, .prefix = STR("+1") }));
	must(directory_add_pattern(d, &(struct dir_pattern){ .pattern = STR("9.1900!"), .partition = STR("out"),
		.block = true }));
	must(directory_add_pattern(d, &(struct dir_pattern){ .pattern = STR("911"), .partition = STR("out"),
		.trunk = { STR("carrier"), STR("pbx") }, .ntrunks = 2, .emergency = true }));
	must(directory_add_pattern(d, &(struct dir_pattern){ .pattern = STR("\\+1425555XXXX"),
		.partition = STR("teams"), .trunk = { STR("teams") }, .ntrunks = 1 }));
	must(directory_add_pattern(d, &(struct dir_pattern){ .pattern = STR("\\+!"), .partition = STR("mobile"),
		.trunk = { STR("carrier") }, .ntrunks = 1 }));
}

static void remotes(struct directory *d)
{
	must(directory_add_profile(d, &(struct dir_profile){ .name = STR("bob-rdp"), .user = STR("bob"),
		.reroute_css = STR("reroute"), .line = { STR("1002/in") }, .nlines = 1 }));
	must(directory_add_remote(d, &(struct dir_remote){ .name = STR("bob-teams"), .profile = STR("bob-rdp"),
		.number = STR("+14255550102"), .enabled = true, .delay_ms = -1, .too_soon_ms = -1,
		.too_late_ms = -1 }));
	must(directory_add_remote(d, &(struct dir_remote){ .name = STR("bob-mobile"), .profile = STR("bob-rdp"),
		.number = STR("+491711234"), .enabled = true, .delay_ms = -1, .too_soon_ms = -1,
		.too_late_ms = -1 }));
	must(directory_add_remote(d, &(struct dir_remote){ .name = STR("bob-home"), .profile = STR("bob-rdp"),
		.number = STR("+498912"), .enabled = false }));
	must(directory_add_remote(d, &(struct dir_remote){ .name = STR("bob-far"), .profile = STR("bob-rdp"),
		.number = STR("5550"), .enabled = true, .delay_ms = 1, .too_soon_ms = 2, .too_late_ms = 3 }));
	must(directory_add_remote(d, &(struct dir_remote){ .name = STR("bob-1001"), .profile = STR("bob-rdp"),
		.number = STR("+4930"), .enabled = true, .line = { STR("1001/in") }, .nlines = 1 }));
}

static struct bed *bed_new(void)
{
	static const char *const user[] = { "alice", "bob" }, *const phone[] = { "SEPA", "SEPB", "SEPC" },
		*const part[] = { "in", "out", "teams", "mobile", "other" };
	struct bed *b = mem_new(sizeof *b);
	char mem[300];
	struct buf why;

	b->d = directory_new();
	arena_init(&b->a, 1 << 20);
	for (int i = 0; i < 2; i++)
		must(directory_add_user(b->d, &(struct dir_user){ .name = str_of(user[i]), .display = STR("Bob B") }));
	for (int i = 0; i < 3; i++)
		must(directory_add_phone(b->d, &(struct dir_phone){ .name = str_of(phone[i]),
			.user = str_of(user[i > 0]), .auth_user = str_of(phone[i]) }));
	for (int i = 0; i < 5; i++)
		must(directory_add_partition(b->d, str_of(part[i])));
	must(directory_add_space(b->d, &(struct dir_space){ STR("staff"), { STR("in"), STR("out") }, 2 }));
	must(directory_add_space(b->d, &(struct dir_space){ STR("odd"), { STR("other"), STR("in") }, 2 }));
	must(directory_add_space(b->d, &(struct dir_space){ STR("reroute"), { STR("teams"), STR("mobile") }, 2 }));
	must(directory_add_trunk(b->d, STR("pbx"), false));
	must(directory_add_trunk(b->d, STR("carrier"), false));
	must(directory_add_trunk(b->d, STR("teams"), true));
	lines(b->d);
	patterns(b->d);
	remotes(b->d);
	buf_init(&why, mem, sizeof mem);
	must(directory_seal(b->d, &why));
	return b;
}

static void bed_free(struct bed *b)
{
	directory_free(b->d);
	arena_close(&b->a);
	mem_free(b);
}

static const struct dir_plan *asks(struct bed *b, const char *number, const char *css)
{
	struct dir_query q = { .number = str_of(number), .css = css ? str_of(css) : STR_NONE };

	directory_plan(b->d, &q, &b->a, &b->p);
	return &b->p;
}

static bool notes(const struct dir_plan *p, enum reason_code c)
{
	for (int i = 0; i < p->nnotes; i++)
		if (p->note[i].code == c)
			return true;
	return false;
}

static const struct dir_target *target(const struct dir_plan *p, const char *name)
{
	for (int i = 0; i < p->n; i++)
		if (str_is(p->t[i].name, name))
			return &p->t[i];
	return NULL;
}

static void a_line_rings_its_phones_its_endpoints_and_its_remote_destinations(void **state)
{
	struct bed *b = bed_new();
	const struct dir_plan *p = asks(b, "1002", "staff");
	const struct dir_target *t;

	(void)state;
	assert_int_equal(p->n, 5);
	assert_non_null(target(p, "SEPB"));
	assert_non_null(target(p, "SEPC"));
	t = target(p, "2002@pbx");
	assert_true(t && t->kind == DIR_ENDPOINT && str_is(t->number, "2002") && !t->delay_ms);
	t = target(p, "bob-teams");	/* the defaults over a teams trunk */
	assert_true(t && t->delay_ms == 0 && t->too_soon_ms == 3000 && t->too_late_ms == 20000);
	assert_true(str_is(t->trunk[0], "teams"));
	t = target(p, "bob-mobile");	/* CUCM's in general */
	assert_true(t && t->delay_ms == 4000 && t->too_soon_ms == 1500 && t->too_late_ms == 19000);
	assert_true(p->no_answer_ms == 20000 && str_is(p->forward_to, "1001") &&
		    str_is(p->forward_busy, "1003") && str_is(p->forward_css, "staff"));
	bed_free(b);
}

static void who_does_not_ring_is_told_with_the_reason(void **state)
{
	struct bed *b = bed_new();
	const struct dir_plan *p = asks(b, "1002", "staff");

	(void)state;
	assert_true(notes(p, REASON_REMOTE_DISABLED));		/* bob-home */
	assert_true(notes(p, REASON_REMOTE_NO_ROUTE));		/* bob-far  */
	assert_true(notes(p, REASON_REMOTE_NOT_ASSOCIATED));	/* bob-1001 */
	assert_true(notes(p, REASON_FORWARD_SET));
	bed_free(b);
}

static void the_callers_own_remote_destination_is_not_rung(void **state)
{
	struct bed *b = bed_new();
	struct dir_query q = { .number = STR("1002"), .css = STR("staff"), .caller_remote = STR("bob-teams") };

	(void)state;
	directory_plan(b->d, &q, &b->a, &b->p);
	assert_null(target(&b->p, "bob-teams"));
	assert_true(notes(&b->p, REASON_REMOTE_IS_CALLER));
	bed_free(b);
}

static int nobody(void *ctx, struct str phone)
{
	(void)ctx;
	return str_is(phone, "SEPC") ? 2 : 0;
}

static void a_phone_that_is_not_registered_does_not_ring(void **state)
{
	struct bed *b = bed_new();
	struct dir_query q = { .number = STR("1002"), .css = STR("staff"), .registered = nobody };

	(void)state;
	directory_plan(b->d, &q, &b->a, &b->p);
	assert_null(target(&b->p, "SEPB"));
	assert_non_null(target(&b->p, "SEPC"));
	assert_true(notes(&b->p, REASON_PHONE_NOT_REGISTERED));
	bed_free(b);
}

static void the_search_space_decides_which_of_two_lines(void **state)
{
	struct bed *b = bed_new();

	(void)state;
	assert_true(str_is(asks(b, "1001", "staff")->line->partition, "in"));
	assert_true(str_is(asks(b, "1001", "odd")->line->partition, "other"));
	assert_true(str_is(asks(b, "+14255550101", "staff")->line->number, "1001"));
	assert_true(str_is(asks(b, "14255550101", "staff")->line->number, "1001"));
	bed_free(b);
}

static void the_closest_pattern_wins_and_transforms(void **state)
{
	struct bed *b = bed_new();
	const struct dir_plan *p = asks(b, "92345678", "staff");

	(void)state;
	assert_true(p->n == 1 && p->t[0].kind == DIR_TRUNK && str_is(p->t[0].number, "+12345678"));
	p = asks(b, "919005551", "staff");
	assert_true(p->n == 0 && p->status == 403 && p->why.code == REASON_PATTERN_BLOCKED);
	p = asks(b, "911", "staff");
	assert_true(p->n == 1 && p->emergency && p->t[0].ntrunks == 2 && str_is(p->t[0].number, "911"));
	bed_free(b);
}

static void an_emergency_number_is_known_in_any_partition(void **state)
{
	struct bed *b = bed_new();

	(void)state;
	assert_true(directory_is_emergency(b->d, STR("911")));
	assert_false(directory_is_emergency(b->d, STR("9111")));
	assert_false(directory_is_emergency(b->d, STR("919005551")));
	assert_false(directory_is_emergency(b->d, STR("1001")));
	bed_free(b);
}

static void without_a_space_lines_alone_are_reached(void **state)
{
	struct bed *b = bed_new();
	const struct dir_plan *p = asks(b, "92345678", NULL);

	(void)state;
	assert_true(p->n == 0 && p->status == 404 && p->why.code == REASON_SPACE_NONE);
	assert_non_null(asks(b, "1002", NULL)->line);
	p = asks(b, "92345678", "no-such-space");
	assert_true(p->n == 0 && p->status == 404 && p->why.code == REASON_SPACE_UNKNOWN);
	p = asks(b, "92345678", "reroute");
	assert_true(p->n == 0 && p->why.code == REASON_NUMBER_BARRED);
	p = asks(b, "7777", "staff");
	assert_true(p->n == 0 && p->status == 404 && p->why.code == REASON_NUMBER_UNKNOWN);
	bed_free(b);
}

static void a_trusted_mobile_is_shown_as_its_users_line(void **state)
{
	struct bed *b = bed_new();
	struct dir_identity id;
	struct reason why;

	(void)state;
	directory_identify_number(b->d, STR("491711234"), true, &id, &why);
	assert_true(str_is(id.user, "bob") && str_is(id.number, "1002") && str_is(id.remote, "bob-mobile") &&
		    str_is(id.display, "Bob B") && why.code == REASON_CALLER_IS_USER);
	directory_identify_number(b->d, STR("+491711234"), false, &id, &why);
	assert_true(!id.user.n && str_is(id.number, "+491711234") && why.code == REASON_NONE);
	directory_identify_number(b->d, STR("+49999"), true, &id, &why);
	assert_true(!id.user.n);
	bed_free(b);
}

static void names_are_unique_and_references_resolve(void **state)
{
	struct bed *b = bed_new();
	struct directory *d = directory_new();
	char mem[300];
	struct buf why;

	(void)state;
	assert_int_equal(directory_add_user(b->d, &(struct dir_user){ .name = STR("bob") }), ERR_EXISTS);
	assert_int_equal(directory_add_phone(b->d, &(struct dir_phone){ .name = STR("SEPX"),
		.auth_user = STR("SEPA") }), ERR_EXISTS);
	assert_int_equal(directory_add_partition(b->d, STR("in")), ERR_EXISTS);
	assert_int_equal(directory_add_space(b->d, &(struct dir_space){ .name = STR("odd") }), ERR_EXISTS);
	assert_int_equal(directory_add_line(b->d, &(struct dir_line){ .number = STR("1001"),
		.partition = STR("in") }), ERR_EXISTS);
	assert_int_equal(directory_add_pattern(b->d, &(struct dir_pattern){ .pattern = STR("911"),
		.partition = STR("out") }), ERR_EXISTS);
	assert_int_equal(directory_add_profile(b->d, &(struct dir_profile){ .name = STR("bob-rdp") }), ERR_EXISTS);
	assert_int_equal(directory_add_remote(b->d, &(struct dir_remote){ .name = STR("bob-teams") }), ERR_EXISTS);
	must(directory_add_line(d, &(struct dir_line){ .number = STR("1"), .phone = { STR("SEP9") }, .nphones = 1 }));
	buf_init(&why, mem, sizeof mem);
	assert_int_equal(directory_seal(d, &why), ERR_GONE);
	assert_string_equal(buf_z(&why),
		"Line \"1\" refers to phone \"SEP9\", which does not exist. Add it, or correct the name.");
	directory_free(d);
	bed_free(b);
}

int run_plan(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_rings_its_phones_its_endpoints_and_its_remote_destinations),
		cmocka_unit_test(who_does_not_ring_is_told_with_the_reason),
		cmocka_unit_test(the_callers_own_remote_destination_is_not_rung),
		cmocka_unit_test(a_phone_that_is_not_registered_does_not_ring),
		cmocka_unit_test(the_search_space_decides_which_of_two_lines),
		cmocka_unit_test(the_closest_pattern_wins_and_transforms),
		cmocka_unit_test(an_emergency_number_is_known_in_any_partition),
		cmocka_unit_test(without_a_space_lines_alone_are_reached),
		cmocka_unit_test(a_trusted_mobile_is_shown_as_its_users_line),
		cmocka_unit_test(names_are_unique_and_references_resolve),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
