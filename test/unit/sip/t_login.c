/* Digest as a client, without a stack: what is answered, to whom, and how often. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "sip/digest.h"
#include "sip/login.h"
#include "t_text.h"

struct world {
	struct login *l;
	struct login_peer peer;
	struct login_try t;
	struct arena arena;
	struct rng rng;
	char out[4000];
	struct buf b;
};

static const struct sip_login setup = { .user = STR("bob"), .password = STR("zanzibar"),
	.realm = STR("carrier"), .host = { STR("sip.carrier.example"), STR("192.0.2.7") },
	.nhosts = 2 };

static void with(struct world *w, const struct sip_login *s)
{
	login_free(w->l);
	w->l = login_new(s);
	w->t = (struct login_try){ 0 };
}

static int up(void **state)
{
	struct world *w = mem_new(sizeof *w);

	with(w, &setup);
	arena_init(&w->arena, SIP_ARENA_MAX);
	rng_seed(&w->rng, 1);
	assert_int_equal(addr_parse(STR("192.0.2.5:5060"), 0, &w->peer.addr), OK);
	login_met(w->l, STR("sip.carrier.example"), &w->peer.addr);
	buf_init(&w->b, w->out, sizeof w->out);
	*state = w;
	return 0;
}

static int down(void **state)
{
	struct world *w = *state;

	login_free(w->l);
	arena_close(&w->arena);
	mem_free(w);
	return 0;
}

static enum sip_auth asked(struct world *w, unsigned status, const char *headers)
{
	struct sip_msg *m = NULL;
	struct sip_refuse why;
	char text[4000];
	struct buf b;

	buf_init(&b, text, sizeof text);
	buf_fmt(&b, "SIP/2.0 %u No\r\nVia: SIP/2.0/UDP a\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\n"
		"Call-ID: x\r\nCSeq: 1 REGISTER\r\n%s\r\n", status, headers);
	assert_int_equal(sip_msg_parse(str_dup(&w->arena, buf_str(&b)), &w->arena, &m, &why), OK);
	m->src = w->peer.addr;
	return login_challenged(w->l, &w->peer, m, 1000, &w->t);
}

static const char *answer(struct world *w)
{
	buf_reset(&w->b);
	login_write(w->l, &w->peer, STR("REGISTER"), STR("sip:carrier"), &w->rng, &w->b);
	return buf_z(&w->b);
}

/* Is the header line what RFC 7616 3.4.1 computes? */
static void right(struct str line, const char *name, uint32_t nc, enum digest_alg alg)
{
	char ha1[DIGEST_HEX], response[DIGEST_HEX];
	struct digest_creds c;
	struct str head, value;

	assert_true(str_cut(line, ':', &head, &value));
	assert_str(head, name);
	assert_int_equal(digest_parse_creds(str_trim(value), &c), OK);
	assert_int_equal(c.alg, alg);
	assert_int_equal(c.nc, nc);
	assert_str(c.username, "bob");
	assert_str(c.uri, "sip:carrier");
	digest_ha1(alg, STR("bob"), STR("carrier"), STR("zanzibar"), ha1);
	digest_response(&c, str_of(ha1), STR("REGISTER"), response);
	assert_str(c.response, response);
}

static struct str first_line(const char *text)
{
	struct str line, rest;

	(void)str_cut(str_of(text), '\r', &line, &rest);
	return line;
}

#define MD5 "WWW-Authenticate: Digest realm=\"carrier\", nonce=\"n1\", algorithm=MD5, qop=\"auth\"\r\n"
#define SHA "WWW-Authenticate: Digest realm=\"carrier\", nonce=\"n2\", algorithm=SHA-256, qop=\"auth,auth-int\"\r\n"

static void nothing_is_shown_before_somebody_asked(void **state)
{
	assert_string_equal(answer(*state), "");
}

static void a_challenge_is_answered_and_each_use_counts(void **state)
{
	struct world *w = *state;

	assert_int_equal(asked(w, 401, MD5), SIP_AUTH_NONE);
	right(first_line(answer(w)), "Authorization", 1, DIGEST_MD5);
	right(first_line(answer(w)), "Authorization", 2, DIGEST_MD5);
}

static void the_topmost_algorithm_we_know_is_taken(void **state)
{
	struct world *w = *state;

	assert_int_equal(asked(w, 401, "WWW-Authenticate: Digest realm=\"carrier\", nonce=\"n0\", "
				       "algorithm=SHA-512-256, qop=\"auth\"\r\n" SHA MD5), SIP_AUTH_NONE);
	right(first_line(answer(w)), "Authorization", 1, DIGEST_SHA256);
}

static void a_challenge_without_qop_gets_the_old_answer(void **state)
{
	struct world *w = *state;

	assert_int_equal(asked(w, 407, "Proxy-Authenticate: Digest realm=\"carrier\", nonce=\"o\", opaque=\"x\"\r\n"),
			 SIP_AUTH_NONE);
	assert_non_null(strstr(answer(w), "opaque=\"x\""));
	assert_null(strstr(w->out, "nc="));
	right(first_line(w->out), "Proxy-Authorization", 0, DIGEST_MD5);
}

static void what_we_cannot_do_is_not_answered(void **state)
{
	struct world *w = *state;

	assert_int_equal(asked(w, 401, ""), SIP_AUTH_UNKNOWN);
	assert_int_equal(asked(w, 401, "WWW-Authenticate: Basic realm=\"carrier\"\r\n"), SIP_AUTH_UNKNOWN);
	assert_int_equal(asked(w, 401, "WWW-Authenticate: Digest realm=\"carrier\", nonce=\"n\", qop=\"auth-int\"\r\n"),
			 SIP_AUTH_UNKNOWN);
	assert_int_equal(asked(w, 401, "WWW-Authenticate: Digest realm=\"carrier\", nonce=\"n\", algorithm=MD5-sess, qop=\"auth\"\r\n"),
			 SIP_AUTH_UNKNOWN);
	assert_string_equal(answer(w), "");
}

static void another_realm_is_not_answered(void **state)
{
	struct world *w = *state;

	assert_int_equal(asked(w, 401, "WWW-Authenticate: Digest realm=\"evil\", nonce=\"n\", qop=\"auth\"\r\n"),
			 SIP_AUTH_REALM);
	assert_string_equal(answer(w), "");
}

static void without_a_realm_the_first_one_asked_for_is_kept(void **state)
{
	struct world *w = *state;
	struct sip_login s = setup;

	s.realm = STR_NONE;
	with(w, &s);
	login_met(w->l, STR("SIP.carrier.example"), &w->peer.addr);
	assert_int_equal(asked(w, 401, MD5), SIP_AUTH_NONE);
	w->t = (struct login_try){ 0 };
	assert_int_equal(asked(w, 401, "WWW-Authenticate: Digest realm=\"evil\", nonce=\"n\", qop=\"auth\"\r\n"),
			 SIP_AUTH_REALM);
}

static void an_address_that_was_not_reached_by_its_name_is_not_answered(void **state)
{
	struct world *w = *state;
	struct addr met = w->peer.addr;

	w->peer.addr.ip[3] = 99;
	assert_int_equal(asked(w, 401, MD5), SIP_AUTH_ELSEWHERE);
	login_met(w->l, STR("evil.example"), &w->peer.addr);
	assert_int_equal(asked(w, 401, MD5), SIP_AUTH_ELSEWHERE);
	w->peer.addr.ip[3] = 7;		/* given as an address in the configuration */
	assert_int_equal(asked(w, 401, MD5), SIP_AUTH_NONE);
	w->peer.addr = met;
	assert_string_equal(answer(w), "");	/* the nonce is the other host's */
}

static void an_answer_from_another_address_than_asked_is_not_believed(void **state)
{
	struct world *w = *state;
	struct sip_msg m = { .status = 401, .src = w->peer.addr };

	m.src.ip[3] = 99;
	assert_int_equal(login_challenged(w->l, &w->peer, &m, 1000, &w->t), SIP_AUTH_ELSEWHERE);
}

static void on_tls_the_name_counts_too(void **state)
{
	struct world *w = *state;

	w->peer.tls = true;
	assert_int_equal(asked(w, 401, MD5), SIP_AUTH_ELSEWHERE);
	w->peer.tls_name = STR("other.example");
	assert_int_equal(asked(w, 401, MD5), SIP_AUTH_ELSEWHERE);
	w->peer.tls_name = STR("sip.carrier.example");
	assert_int_equal(asked(w, 401, MD5), SIP_AUTH_NONE);
	w->peer.tls_name = STR("other.example");
	assert_string_equal(answer(w), "");
}

static void a_login_of_tls_is_not_shown_in_the_clear(void **state)
{
	struct world *w = *state;
	struct sip_login s = setup;

	s.tls = true;
	with(w, &s);
	w->peer.tls = true;
	w->peer.tls_name = STR("sip.carrier.example");
	login_met(w->l, w->peer.tls_name, &w->peer.addr);
	assert_int_equal(asked(w, 401, MD5), SIP_AUTH_NONE);
	assert_string_not_equal(answer(w), "");
	w->peer.tls = false;
	assert_string_equal(answer(w), "");
	w->t = (struct login_try){ 0 };
	assert_int_equal(asked(w, 401, MD5), SIP_AUTH_ELSEWHERE);
}

static void a_second_refusal_is_final_unless_the_nonce_was_stale(void **state)
{
	struct world *w = *state;

	assert_int_equal(asked(w, 401, MD5), SIP_AUTH_NONE);
	assert_int_equal(asked(w, 401, MD5), SIP_AUTH_WRONG);
	assert_string_equal(answer(w), "");
	w->t = (struct login_try){ 0 };
	assert_int_equal(asked(w, 401, MD5), SIP_AUTH_NONE);
	assert_int_equal(asked(w, 401, "WWW-Authenticate: Digest realm=\"carrier\", nonce=\"n3\", stale=TRUE, qop=\"auth\"\r\n"),
			 SIP_AUTH_NONE);
	right(first_line(answer(w)), "Authorization", 1, DIGEST_MD5);
	assert_int_equal(asked(w, 401, "WWW-Authenticate: Digest realm=\"carrier\", nonce=\"n4\", stale=true, qop=\"auth\"\r\n"),
			 SIP_AUTH_WRONG);
}

static void a_proxy_and_its_server_may_both_ask(void **state)
{
	struct world *w = *state;
	const char *second;

	assert_int_equal(asked(w, 407, "Proxy-Authenticate: Digest realm=\"carrier\", nonce=\"p\", qop=\"auth\"\r\n"),
			 SIP_AUTH_NONE);
	assert_int_equal(asked(w, 401, SHA), SIP_AUTH_NONE);
	right(first_line(answer(w)), "Authorization", 1, DIGEST_SHA256);
	second = strstr(w->out, "Proxy-Authorization");
	assert_non_null(second);
	right(first_line(second), "Proxy-Authorization", 1, DIGEST_MD5);
}

static void many_peers_push_out_the_oldest_nonce(void **state)
{
	struct world *w = *state;
	struct addr first = w->peer.addr;

	for (int i = 0; i < LOGIN_NONCES + 1; i++) {
		w->peer.addr.ip[3] = (uint8_t)(10 + i);
		login_met(w->l, STR("sip.carrier.example"), &w->peer.addr);
		w->t = (struct login_try){ 0 };
		assert_int_equal(asked(w, 401, MD5), SIP_AUTH_NONE);
	}
	right(first_line(answer(w)), "Authorization", 1, DIGEST_MD5);
	for (int i = 0; i < LOGIN_PEERS; i++) {
		w->peer.addr.ip[2] = (uint8_t)(10 + i);
		login_met(w->l, STR("sip.carrier.example"), &w->peer.addr);
	}
	assert_true(login_knows(w->l, &w->peer));
	w->peer.addr = first;
	assert_false(login_knows(w->l, &w->peer));
}

static void a_value_that_is_too_long_is_not_kept(void **state)
{
	struct world *w = *state;
	char text[900];
	struct buf b;

	buf_init(&b, text, sizeof text);
	buf_lit(&b, "WWW-Authenticate: Digest realm=\"carrier\", qop=\"auth\", nonce=\"");
	for (int i = 0; i < 600; i++)
		buf_ch(&b, 'x');
	buf_lit(&b, "\"\r\n");
	assert_int_equal(asked(w, 401, buf_z(&b)), SIP_AUTH_UNKNOWN);
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int run_login(void)
{
	const struct CMUnitTest tests[] = {
		T(nothing_is_shown_before_somebody_asked),
		T(a_challenge_is_answered_and_each_use_counts),
		T(the_topmost_algorithm_we_know_is_taken),
		T(a_challenge_without_qop_gets_the_old_answer),
		T(what_we_cannot_do_is_not_answered),
		T(another_realm_is_not_answered),
		T(without_a_realm_the_first_one_asked_for_is_kept),
		T(an_address_that_was_not_reached_by_its_name_is_not_answered),
		T(an_answer_from_another_address_than_asked_is_not_believed),
		T(on_tls_the_name_counts_too),
		T(a_login_of_tls_is_not_shown_in_the_clear),
		T(a_second_refusal_is_final_unless_the_nonce_was_stale),
		T(a_proxy_and_its_server_may_both_ask),
		T(many_peers_push_out_the_oldest_nonce),
		T(a_value_that_is_too_long_is_not_kept),
	};

	return cmocka_run_group_tests_name("login", tests, NULL, NULL);
}
