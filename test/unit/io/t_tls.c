/* t_tls.c - two filters against each other in memory: who is let in, and what is learnt. */
#include "t_io.h"

#include <string.h>

#include "t_pair.h"

static struct tls_config server_cfg(const struct bed *b)
{
	return (struct tls_config){ .cert_file = b->sbc.cert, .key_file = b->sbc.key,
				    .roots_file = certs_root(b->certs),
				    .verify = TLS_VERIFY_PEER, .eku = TLS_EKU_SERVER,
				    .want_client_cert = true, .names = b->hub_names };
}

static struct tls_config client_cfg(const struct bed *b, const struct cert *as)
{
	return (struct tls_config){ .cert_file = as ? as->cert : NULL,
				    .key_file = as ? as->key : NULL,
				    .roots_file = certs_root(b->certs), .eku = TLS_EKU_SERVER };
}

static void a_server_only_certificate_is_a_good_client(void **state)
{
	struct bed *b = *state;
	struct tls_config s = server_cfg(b), c = client_cfg(b, &b->hub);
	struct pair p;

	pair_open(&p, &s, &c, "sbc.example.com");
	assert_int_equal(pair_shake(&p), OK);
	assert_int_equal(tls_facts_of(p.server)->phase, TLS_PHASE_OPEN);
	assert_int_equal(tls_facts_of(p.server)->version, 0x0304);
	assert_string_equal(tls_facts_of(p.server)->sni, "sbc.example.com");
	assert_string_equal(tls_facts_of(p.server)->peer_name[0], "sip.pstnhub.microsoft.com");
	assert_int_equal(tls_facts_of(p.server)->npeer_name, 1);
	assert_int_equal(strlen(tls_facts_of(p.server)->peer_sha256), 64);
	assert_true(tls_facts_of(p.server)->not_after > tls_facts_of(p.server)->not_before);
	assert_non_null(strstr(tls_facts_of(p.server)->peer_subject, "sip.pstnhub"));
	assert_non_null(strstr(tls_facts_of(p.server)->peer_issuer, "Test Root"));
	assert_int_equal(tls_facts_of(p.client)->verify_error, 0);
	assert_int_equal(tls_facts_of(p.client)->alert_received, -1);
	pair_close(&p);
}

static void bytes_cross_both_ways_in_any_portions(void **state)
{
	struct bed *b = *state;
	struct tls_config s = server_cfg(b), c = client_cfg(b, &b->hub);
	char big[40000];
	struct pair p;

	memset(big, 'a', sizeof big);
	pair_open(&p, &s, &c, "sbc.example.com");
	p.portion = 7;				/* the wire breaks where it likes */
	assert_int_equal(pair_shake(&p), OK);
	p.portion = 1000;
	assert_int_equal(tls_send(p.client, (struct str){ big, sizeof big }), OK);
	assert_int_equal(tls_send(p.server, STR("200")), OK);
	assert_int_equal(pair_shake(&p), OK);
	assert_int_equal(p.at_server, sizeof big);
	assert_int_equal(p.at_client, 3);
	pair_close(&p);
}

static void a_1_2_peer_gets_one_of_the_documented_suites(void **state)
{
	struct bed *b = *state;
	struct tls_config s = server_cfg(b), c = client_cfg(b, &b->hub);
	struct pair p;

	c.max_version = 0x0303;
	pair_open(&p, &s, &c, "sbc.example.com");
	assert_int_equal(pair_shake(&p), OK);
	assert_int_equal(tls_facts_of(p.server)->version, 0x0303);
	assert_string_equal(tls_facts_of(p.client)->suite, "ECDHE-ECDSA-AES256-GCM-SHA384");
	assert_false(tls_facts_of(p.client)->resumed);
	pair_close(&p);
}

static void a_client_is_refused_for_each_thing_that_is_wrong(void **state)
{
	struct bed *b = *state;
	static const struct {
		const char *who, *text;
		int alert;
	} row[] = {
		{ "othername", "does not carry the expected name", 42 },
		{ "nulname", "does not carry the expected name", 42 },
		{ "expired", "expired", 45 },
		{ "future", "not valid yet", 42 },
		{ "clientonly", "Server Authentication", 43 },
		{ "noeku", "Server Authentication", 43 },
		{ "selfmade", "self-signed", 48 },
		{ "otherroot", "root is not among the trusted", 48 },
		{ "nobody", "refused by us", 116 },
	};

	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct tls_config s = server_cfg(b), c = client_cfg(b, bed_cert(b, row[i].who));
		const struct tls_facts *f;
		struct pair p;

		pair_open(&p, &s, &c, "sbc.example.com");
		assert_int_equal(pair_shake(&p), ERR_AUTH);
		f = tls_facts_of(p.server);
		if (!strstr(f->verify_text, row[i].text))
			fail_msg("%s: %s", row[i].who, f->verify_text);
		assert_int_equal(f->phase, TLS_PHASE_CLOSED);
		assert_int_equal(f->alert_sent, row[i].alert);
		/* TLS 1.3: the client was open already, and learns it by the alert */
		assert_int_equal(tls_facts_of(p.client)->alert_received, f->alert_sent);
		pair_close(&p);
	}
}

static void a_server_is_refused_for_its_name_and_its_root(void **state)
{
	struct bed *b = *state;
	static const struct { const char *name; enum err e; } row[] = {
		{ "sbc.example.com", OK }, { "SBC.Example.Com.", OK }, { "other.example.com", ERR_AUTH },
		{ "", ERR_AUTH }, { "example.com", ERR_AUTH }, { "192.0.2.1", ERR_AUTH },
	};

	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct tls_config s = server_cfg(b), c = client_cfg(b, &b->hub);
		struct pair p;

		pair_open(&p, &s, &c, row[i].name);
		assert_int_equal(pair_shake(&p), row[i].e);
		if (row[i].e)
			assert_int_equal(tls_facts_of(p.client)->verify_error, 62);
		pair_close(&p);
	}
}

static void other_names_can_stand_in_for_the_servers(void **state)
{
	struct bed *b = *state;
	const char *const extra[] = { "*.example.com", NULL };
	struct tls_config s = server_cfg(b), c = client_cfg(b, &b->hub);
	struct pair p;

	c.extra_names = extra;
	pair_open(&p, &s, &c, "10.0.0.1");
	assert_int_equal(pair_shake(&p), OK);
	assert_true(tls_facts_of(p.client)->sni_absent);	/* RFC 6066 3: no literal */
	assert_true(tls_facts_of(p.server)->sni_absent);
	pair_close(&p);
}

/* RFC 5922 7.1. */
static void a_sip_uri_names_a_client_as_a_dns_name_does(void **state)
{
	struct bed *b = *state;
	static const struct { struct str uri; enum err e; } row[] = {
		{ STR_INIT("sip:sip.pstnhub.microsoft.com"), OK },
		{ STR_INIT("SIP:Sip.PSTNhub.microsoft.com:5061;transport=tls"), OK },
		{ STR_INIT("sip:trunk@sip.pstnhub.microsoft.com"), ERR_AUTH },
		{ STR_INIT("sip:*.pstnhub.microsoft.com"), ERR_AUTH },
		{ STR_INIT("sips:sip.pstnhub.microsoft.com"), ERR_AUTH },
		{ STR_INIT("https://sip.pstnhub.microsoft.com"), ERR_AUTH },
		{ STR_INIT("sip:sip.pstnhub.microsoft.com:1\0.evil.example"), ERR_AUTH },
		{ STR_INIT("sip:sip.pstnhub.microsoft.example"), ERR_AUTH },
	};

	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		char file[] = "uri0";
		struct cert_spec spec = { .file = file, .cn = "x", .nsan = 1, .uri = true,
					  .eku = "serverAuth", .san = { row[i].uri } };
		struct cert as;
		struct tls_config s = server_cfg(b), c;
		struct pair p;

		file[3] = (char)('0' + i);
		certs_make(b->certs, &as, &spec, NULL);
		c = client_cfg(b, &as);
		pair_open(&p, &s, &c, "sbc.example.com");
		if (pair_shake(&p) != row[i].e)
			fail_msg("%s", row[i].uri.p);
		if (!i)
			assert_string_equal(tls_facts_of(p.server)->peer_name[0], "sip.pstnhub.microsoft.com");
		pair_close(&p);
	}
}

static void looser_rules_let_in_what_they_say(void **state)
{
	struct bed *b = *state;
	static const struct { enum tls_verify v; const char *who; enum err e; } row[] = {
		{ TLS_VERIFY_CHAIN, "othername", OK }, { TLS_VERIFY_CHAIN, "expired", ERR_AUTH },
		{ TLS_VERIFY_CHAIN, "otherroot", ERR_AUTH }, { TLS_VERIFY_NONE, "otherroot", OK },
		{ TLS_VERIFY_NONE, "expired", OK },
	};

	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct tls_config s = server_cfg(b), c = client_cfg(b, bed_cert(b, row[i].who));
		struct pair p;

		s.verify = row[i].v;
		pair_open(&p, &s, &c, "sbc.example.com");
		assert_int_equal(pair_shake(&p), row[i].e);
		pair_close(&p);
	}
}

static void a_chain_may_have_intermediates_but_not_too_many(void **state)
{
	struct bed *b = *state;
	struct tls_config s = server_cfg(b), c = client_cfg(b, bed_cert(b, "undermiddle"));
	struct pair p;

	pair_open(&p, &s, &c, "sbc.example.com");
	assert_int_equal(pair_shake(&p), OK);
	pair_close(&p);
}

/* Two connections; was the second one resumed? */
static bool second_is_resumed(const struct bed *b, bool server, bool client, int version)
{
	struct tls_config s = server_cfg(b), c = client_cfg(b, &b->hub);
	struct tls_ctx *sctx = NULL, *cctx = NULL;
	bool resumed = false;
	struct buf why;
	char mem[300];

	s.resumption = server;
	c.resumption = client;
	c.max_version = version;
	buf_init(&why, mem, sizeof mem);
	assert_int_equal(tls_ctx_new(&sctx, &s, &why), OK);
	assert_int_equal(tls_ctx_new(&cctx, &c, &why), OK);
	for (int i = 0; i < 2; i++) {
		struct pair p;

		pair_join(&p, sctx, cctx, "sbc.example.com");
		assert_int_equal(pair_shake(&p), OK);
		resumed = tls_facts_of(p.client)->resumed;
		assert_int_equal(tls_facts_of(p.server)->resumed, resumed);
		assert_true(tls_facts_of(p.server)->peer_cert);	/* known also when resumed */
		tls_shutdown(p.client);		/* RFC 5246 7.2.1: else it may not be resumed */
		tls_shutdown(p.server);
		pair_close(&p);
	}
	tls_ctx_drop(sctx);
	tls_ctx_drop(cctx);
	return resumed;
}

static void a_session_is_resumed_only_where_both_want_it(void **state)
{
	const struct bed *b = *state;

	for (int version = 0x0303; version <= 0x0304; version++) {
		if (!second_is_resumed(b, true, true, version))
			fail_msg("not resumed with %x", (unsigned)version);
		assert_false(second_is_resumed(b, false, true, version));	/* the teams zone */
		assert_false(second_is_resumed(b, true, false, version));
	}
}

static void no_session_is_resumed(void **state)
{
	struct bed *b = *state;

	for (int max = 0x0303; max <= 0x0304; max++) {
		struct tls_config s = server_cfg(b), c = client_cfg(b, &b->hub);
		struct pair p;

		c.max_version = max;
		pair_open(&p, &s, &c, "sbc.example.com");
		assert_int_equal(pair_shake(&p), OK);
		assert_false(pair_client_has_ticket(&p));
		pair_close(&p);
	}
}

static void what_is_no_tls_ends_with_a_sentence(void **state)
{
	struct bed *b = *state;
	struct tls_config s = server_cfg(b), c = client_cfg(b, &b->hub);
	struct tls_out o;
	struct pair p;

	pair_open(&p, &s, &c, "sbc.example.com");
	assert_int_equal(tls_feed(p.server, STR("OPTIONS sip:a SIP/2.0\r\n\r\n"), 0), ERR_AUTH);
	assert_non_null(strstr(tls_facts_of(p.server)->verify_text, "bytes are not TLS"));
	tls_take(p.server, &o);
	assert_int_equal(tls_send(p.server, STR("x")), ERR_STATE);
	tls_shutdown(p.server);				/* not open: no-op */
	tls_cut(p.client);
	assert_non_null(strstr(tls_facts_of(p.client)->verify_text, "closed the connection"));
	pair_close(&p);
}

static void a_close_notify_is_seen(void **state)
{
	struct bed *b = *state;
	struct tls_config s = server_cfg(b), c = client_cfg(b, &b->hub);
	struct pair p;

	pair_open(&p, &s, &c, "sbc.example.com");
	assert_int_equal(pair_shake(&p), OK);
	tls_shutdown(p.client);
	assert_int_equal(pair_shake(&p), OK);
	assert_true(p.server_saw_end);
	pair_close(&p);
}

static void new_keys_are_made_as_often_as_anybody_needs_them(void **state)
{
	struct bed *b = *state;
	struct tls_config s = server_cfg(b), c = client_cfg(b, &b->hub);
	size_t answered = 0;
	struct pair p;

	pair_open(&p, &s, &c, "sbc.example.com");
	assert_int_equal(pair_shake(&p), OK);
	for (ms_t minute = 1; minute <= 3; minute++)
		assert_int_equal(pair_rekey(&p, 32, minute * 60000, &answered), OK);
	assert_int_equal(pair_rekey(&p, 2400, 200000, &answered), ERR_LIMIT);
	assert_true(answered <= (size_t)4 * 32 * 27 + 27);
	assert_non_null(strstr(tls_facts_of(p.server)->verify_text, "new keys"));
	assert_int_equal(tls_send(p.server, STR("x")), ERR_STATE);
	pair_close(&p);
}

static void a_peer_that_will_shake_hands_again_is_told_no_so_often(void **state)
{
	struct bed *b = *state;
	struct tls_config s = server_cfg(b), c = client_cfg(b, &b->hub);
	size_t answered = 0;
	struct pair p;

	c.max_version = 0x0303;
	pair_open(&p, &s, &c, "sbc.example.com");
	assert_int_equal(pair_shake(&p), OK);
	assert_int_equal(pair_rehello(&p, 1900, 0, &answered), ERR_LIMIT);
	assert_int_equal(answered, 33 * 31);		/* alerts: no renegotiation */
	assert_non_null(strstr(tls_facts_of(p.server)->verify_text, "new keys"));
	pair_close(&p);
}

static void a_bad_configuration_says_what_is_wrong(void **state)
{
	struct bed *b = *state;
	char text[600];
	struct buf why;
	struct tls_ctx *ctx = NULL;
	const struct { struct tls_config c; const char *says; } row[] = {
		{ { .cert_file = "/none.pem", .key_file = b->sbc.key }, "The certificate /none.pem" },
		{ { .cert_file = b->sbc.cert, .key_file = "/none.key" }, "The private key /none.key" },
		{ { .cert_file = b->sbc.cert, .key_file = b->hub.key }, "The private key" },
		{ { .roots_file = "/none.pem" }, "The trusted roots /none.pem" },
		{ { .ciphers12 = "NOPE" }, "suites \"NOPE\"" },
	};

	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		buf_init(&why, text, sizeof text);
		assert_int_not_equal(tls_ctx_new(&ctx, &row[i].c, &why), OK);
		assert_non_null(strstr(buf_z(&why), row[i].says));
		assert_null(ctx);
	}
}

int run_tls(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_only_certificate_is_a_good_client),
		cmocka_unit_test(bytes_cross_both_ways_in_any_portions),
		cmocka_unit_test(a_1_2_peer_gets_one_of_the_documented_suites),
		cmocka_unit_test(a_client_is_refused_for_each_thing_that_is_wrong),
		cmocka_unit_test(a_server_is_refused_for_its_name_and_its_root),
		cmocka_unit_test(other_names_can_stand_in_for_the_servers),
		cmocka_unit_test(a_sip_uri_names_a_client_as_a_dns_name_does),
		cmocka_unit_test(looser_rules_let_in_what_they_say),
		cmocka_unit_test(a_chain_may_have_intermediates_but_not_too_many),
		cmocka_unit_test(no_session_is_resumed),
		cmocka_unit_test(a_session_is_resumed_only_where_both_want_it),
		cmocka_unit_test(what_is_no_tls_ends_with_a_sentence),
		cmocka_unit_test(a_close_notify_is_seen),
		cmocka_unit_test(new_keys_are_made_as_often_as_anybody_needs_them),
		cmocka_unit_test(a_peer_that_will_shake_hands_again_is_told_no_so_often),
		cmocka_unit_test(a_bad_configuration_says_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, bed_open, bed_close);
}
