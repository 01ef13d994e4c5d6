#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "sip/auth.h"
#include "t_text.h"

/* A phone that answers challenges, and the server's side of it. */
struct world {
	struct rng rng;
	struct auth *auth;
	struct auth_try t;
	struct arena arena;
	char ha1[DIGEST_NALG][DIGEST_HEX];
	struct auth_secret secret;
	char challenge[DIGEST_NALG][700];
	struct digest_challenge c;
	char text[2000];
	const char *calls;	/* INVITE sip:100@example.com, with credentials for this user part; NULL: REGISTER */
};

static int up(void **state)
{
	struct world *w = mem_new(sizeof *w);

	rng_seed(&w->rng, 1);
	w->auth = auth_new(&w->rng);
	w->t = (struct auth_try){ .realm = STR("example.com"), .now = 1000000 };
	assert_int_equal(addr_parse(STR("192.0.2.9:5060"), 0, &w->t.src), OK);
	arena_init(&w->arena, SIP_ARENA_MAX);
	w->secret.known = true;
	for (unsigned i = 0; i < DIGEST_NALG; i++) {
		digest_ha1((enum digest_alg)i, STR("2001"), w->t.realm, STR("secret"), w->ha1[i]);
		w->secret.ha1[i] = str_of(w->ha1[i]);
	}
	*state = w;
	return 0;
}

static int down(void **state)
{
	struct world *w = *state;

	auth_free(w->auth);
	arena_close(&w->arena);
	mem_free(w);
	return 0;
}

static void challenge(struct world *w, enum digest_alg alg, bool stale)
{
	struct buf b[DIGEST_NALG];

	for (unsigned i = 0; i < DIGEST_NALG; i++)
		buf_init(&b[i], w->challenge[i], sizeof w->challenge[i]);
	assert_int_equal(auth_challenge(w->auth, &w->t, stale, &b[DIGEST_SHA256], &b[DIGEST_MD5]), OK);
	assert_int_equal(digest_parse_challenge(buf_str(&b[alg]), &w->c), OK);
	assert_int_equal(w->c.alg, alg);
}

/* The phone answers w->c; nc 0: without qop. */
static struct sip_msg *answer(struct world *w, const char *password, uint32_t nc)
{
	const char *method = w->calls ? "INVITE" : "REGISTER", *user = w->calls ? "100@" : "";
	struct digest_creds d = { .alg = w->c.alg, .username = STR("2001"), .realm = w->c.realm,
				  .nonce = w->c.nonce, .cnonce = STR("xyz"), .nc = nc, .qop = nc != 0 };
	char ha1[DIGEST_HEX], response[DIGEST_HEX], uri[64];
	struct sip_msg *m = NULL;
	struct sip_refuse why;
	struct buf b;

	buf_init(&b, uri, sizeof uri);
	buf_fmt(&b, "sip:%sexample.com", w->calls ? w->calls : "");
	d.uri = buf_str(&b);
	digest_ha1(d.alg, d.username, d.realm, str_of(password), ha1);
	digest_response(&d, str_of(ha1), str_of(method), response);
	d.response = str_of(response);
	buf_init(&b, w->text, sizeof w->text);
	buf_fmt(&b, "%s sip:%sexample.com SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nFrom: <sip:2001@example.com>;tag=1\r\n"
		    "To: <sip:2001@example.com>\r\nCall-ID: x\r\nCSeq: 1 %s\r\nAuthorization: ", method, user, method);
	digest_write_creds(&b, &d);
	buf_lit(&b, "\r\n\r\n");
	assert_int_equal(sip_msg_parse(buf_str(&b), &w->arena, &m, &why), OK);
	return m;
}

static enum auth_verdict check(struct world *w, const struct sip_msg *m)
{
	struct digest_creds d;
	enum auth_verdict v = auth_creds(m, false, w->t.realm, &d);

	return v == AUTH_OK ? auth_check(w->auth, &w->t, m, &d, &w->secret) : v;
}

static void the_right_password_passes_with_either_algorithm(void **state)
{
	struct world *w = *state;

	challenge(w, DIGEST_MD5, false);
	assert_int_equal(check(w, answer(w, "secret", 1)), AUTH_OK);
	challenge(w, DIGEST_SHA256, false);
	assert_false(w->c.stale);
	assert_int_equal(check(w, answer(w, "secret", 1)), AUTH_OK);
}

static void a_wrong_password_and_an_unknown_user_look_the_same(void **state)
{
	struct world *w = *state;

	challenge(w, DIGEST_SHA256, false);
	assert_int_equal(check(w, answer(w, "wrong", 1)), AUTH_REFUSED);
	w->secret.known = false;
	assert_int_equal(check(w, answer(w, "secret", 1)), AUTH_REFUSED);
	w->secret.known = true;
	w->secret.ha1[DIGEST_SHA256] = STR_NONE;
	assert_int_equal(check(w, answer(w, "secret", 1)), AUTH_REFUSED);
}

static void a_nonce_lives_for_a_minute(void **state)
{
	struct world *w = *state;

	challenge(w, DIGEST_MD5, false);
	w->t.now += AUTH_NONCE_MS;
	assert_int_equal(check(w, answer(w, "secret", 1)), AUTH_OK);
	w->t.now += 1;
	assert_int_equal(check(w, answer(w, "secret", 2)), AUTH_STALE);
	assert_int_equal(check(w, answer(w, "wrong", 3)), AUTH_REFUSED);
	challenge(w, DIGEST_MD5, true);
	assert_true(w->c.stale);
}

static void a_nonce_is_bound_to_its_source_realm_and_server(void **state)
{
	struct world *w = *state;
	struct auth_try t = w->t;
	struct auth *other = auth_new(&w->rng), *mine = w->auth;

	challenge(w, DIGEST_MD5, false);
	w->t.src.ip[3] = 10;
	assert_int_equal(check(w, answer(w, "secret", 1)), AUTH_STALE);
	w->t = t;
	w->auth = other;
	assert_int_equal(check(w, answer(w, "secret", 1)), AUTH_STALE);
	w->auth = mine;
	w->t.src.port = 7;	/* another connection of the same phone */
	assert_int_equal(check(w, answer(w, "secret", 1)), AUTH_OK);
	w->t.realm = STR("other");
	assert_int_equal(check(w, answer(w, "secret", 2)), AUTH_NONE);
	auth_free(other);
}

static void a_nonce_nobody_made_is_stale(void **state)
{
	static const char *const made_up[] = {
		"x", "AAAAAAAAAAAAAAAAAAAAAAAA", "!!AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAA==",
		"0000000000000000000000000000000000000000000000000000000000000000",
	};
	struct world *w = *state;

	challenge(w, DIGEST_MD5, false);
	for (size_t i = 0; i < sizeof made_up / sizeof *made_up; i++) {
		w->c.nonce = str_of(made_up[i]);
		assert_int_equal(check(w, answer(w, "secret", 1)), AUTH_STALE);
	}
}

static void a_count_is_taken_once_and_a_little_out_of_order(void **state)
{
	static const struct { uint32_t nc; enum auth_verdict v; } row[] = {
		{ 5, AUTH_OK }, { 5, AUTH_STALE }, { 4, AUTH_OK }, { 4, AUTH_STALE },
		{ 36, AUTH_OK }, { 5, AUTH_STALE }, { 4, AUTH_STALE }, { 6, AUTH_OK },
		{ 6, AUTH_STALE }, { 36, AUTH_STALE }, { 100, AUTH_OK }, { 99, AUTH_OK },
		{ 68, AUTH_STALE }, { 69, AUTH_OK }, { UINT32_MAX, AUTH_OK },
		{ UINT32_MAX, AUTH_STALE },
	};
	struct world *w = *state;

	challenge(w, DIGEST_SHA256, false);
	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		assert_int_equal(check(w, answer(w, "secret", row[i].nc)), row[i].v);
}

static void without_qop_a_nonce_is_good_once(void **state)
{
	struct world *w = *state;

	challenge(w, DIGEST_MD5, false);
	assert_int_equal(check(w, answer(w, "secret", 0)), AUTH_OK);
	assert_int_equal(check(w, answer(w, "secret", 0)), AUTH_STALE);
	assert_int_equal(check(w, answer(w, "secret", 1)), AUTH_STALE);
}

/* A site after a power cut: everybody is asked first, and answers then. */
static void ten_thousand_phones_answer_at_once(void **state)
{
	enum { PHONES = 10000 };
	struct world *w = *state;
	char (*nonce)[64] = mem_array(PHONES, sizeof *nonce);
	int stale = 0;

	for (int i = 0; i < PHONES; i++) {
		w->t.now += i % 10 == 0;
		challenge(w, DIGEST_SHA256, false);
		(void)str_copy(nonce[i], sizeof *nonce, w->c.nonce);
	}
	for (int i = 0; i < PHONES; i++) {
		w->c.nonce = str_of(nonce[i]);
		stale += check(w, answer(w, "secret", 1)) != AUTH_OK;
		arena_reset(&w->arena);
	}
	assert_int_equal(stale, 0);
	for (int i = 0; i < PHONES; i++) {	/* and none is good twice */
		w->c.nonce = str_of(nonce[i]);
		assert_int_equal(check(w, answer(w, "secret", 1)), AUTH_STALE);
		arena_reset(&w->arena);
	}
	mem_free(nonce);
}

/* More nonces in use than places: the one that was pushed out cannot be replayed. */
static void a_full_table_forgets_no_use(void **state)
{
	struct world *w = *state;
	struct sip_msg *first;
	char text[2000], nonce[700];

	challenge(w, DIGEST_MD5, false);
	first = answer(w, "secret", 1);
	assert_int_equal(check(w, first), AUTH_OK);
	memcpy(text, w->text, sizeof text);
	memcpy(nonce, w->challenge[DIGEST_MD5], sizeof nonce);
	for (int i = 0; i < 2 * AUTH_NONCES; i++) {
		w->t.now += i % 4 == 0;	/* all of them well within their minute */
		challenge(w, DIGEST_MD5, false);
		assert_int_equal(check(w, answer(w, "secret", 1)), AUTH_OK);
		arena_reset(&w->arena);
	}
	assert_int_equal(digest_parse_challenge(str_of(nonce), &w->c), OK);
	assert_int_equal(check(w, answer(w, "secret", 1)), AUTH_STALE);
}

static void credentials_of_others_and_broken_ones_are_told_apart(void **state)
{
	static const struct { enum auth_verdict v; const char *lines; } row[] = {
		{ AUTH_NONE, "" }, { AUTH_BAD, "Authorization: Digest\r\n" },
		{ AUTH_NONE, "Authorization: NoOneKnowsThisScheme opaque-data=here\r\n" },
		{ AUTH_NONE, "Authorization: Digest username=\"u\",realm=\"r\",nonce=\"n\",uri=\"x\",response=\"y\"\r\n" },
		{ AUTH_NONE, "Authorization: Digest username=\"u\",realm=\"example.com\",nonce=\"n\",uri=\"x\","
			     "response=\"y\",algorithm=FOO\r\n" },
		{ AUTH_OK, "Authorization: Digest\r\nAuthorization: Digest username=\"u\",realm=\"example.com\","
			   "nonce=\"n\",uri=\"x\",response=\"y\"\r\n" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct sip_msg *m = NULL;
		struct sip_refuse why;
		struct digest_creds c;
		struct buf b;

		buf_init(&b, w->text, sizeof w->text);
		buf_fmt(&b, "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nFrom: <sip:a@b>;tag=1\r\n"
			    "To: <sip:a@b>\r\nCall-ID: x\r\nCSeq: 1 REGISTER\r\n%s\r\n", row[i].lines);
		assert_int_equal(sip_msg_parse(buf_str(&b), &w->arena, &m, &why), OK);
		assert_int_equal(auth_creds(m, false, w->t.realm, &c), row[i].v);
		assert_int_equal(auth_creds(m, true, w->t.realm, &c), AUTH_NONE);
	}
}

static void credentials_for_another_request_are_refused(void **state)
{
	struct world *w = *state;
	struct sip_msg *m;

	challenge(w, DIGEST_MD5, false);
	m = answer(w, "secret", 1);
	m->uri.host = STR("elsewhere.example");
	m->uri.raw = STR("sip:elsewhere.example");
	assert_int_equal(check(w, m), AUTH_REFUSED);
	m = answer(w, "secret", 1);
	m->method_name = STR("INVITE");
	assert_int_equal(check(w, m), AUTH_REFUSED);
}

static void a_call_to_another_number_needs_another_answer(void **state)
{
	static const struct { const char *user; enum auth_verdict v; } row[] = {
		{ "", AUTH_OK }, { "100@", AUTH_OK }, { "%31%30%30@", AUTH_OK }, { "+premium@", AUTH_REFUSED }, { "10@", AUTH_REFUSED },
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct sip_msg *m;

		w->calls = row[i].user;
		challenge(w, DIGEST_MD5, false);
		m = answer(w, "secret", 1);
		assert_int_equal(check(w, m), row[i].v);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, up, down)

int run_auth(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_right_password_passes_with_either_algorithm),
		CASE(a_wrong_password_and_an_unknown_user_look_the_same),
		CASE(a_nonce_lives_for_a_minute),
		CASE(a_nonce_is_bound_to_its_source_realm_and_server),
		CASE(a_nonce_nobody_made_is_stale),
		CASE(a_count_is_taken_once_and_a_little_out_of_order),
		CASE(without_qop_a_nonce_is_good_once),
		CASE(ten_thousand_phones_answer_at_once),
		CASE(a_full_table_forgets_no_use),
		CASE(credentials_of_others_and_broken_ones_are_told_apart),
		CASE(credentials_for_another_request_are_refused),
		CASE(a_call_to_another_number_needs_another_answer),
	};

	return cmocka_run_group_tests_name("auth", tests, NULL, NULL);
}
