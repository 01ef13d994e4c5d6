/* t_tls_sni.c - several identities behind one listener, each with its own rules. */
#include "t_io.h"

#include <string.h>

#include "io/tls_int.h"
#include "t_pair.h"

struct two {
	struct cert other;
	struct tls_ctx *dflt, *second, *client;
};

static struct tls_ctx *ctx(const struct tls_config *cfg)
{
	struct tls_ctx *c = NULL;
	char text[300];
	struct buf why;

	buf_init(&why, text, sizeof text);
	assert_int_equal(tls_ctx_new(&c, cfg, &why), OK);
	return c;
}

/* The default identity asks nothing of its peers; "teams.example.com" wants the hub. */
static void two_open(struct bed *b, struct two *t)
{
	static int made;
	char stem[16] = "teams0";
	struct cert_spec spec = { .file = stem, .cn = "teams", .nsan = 1, .eku = "serverAuth",
				  .san = { STR("teams.example.com") } };
	struct tls_config first = { .cert_file = b->sbc.cert, .key_file = b->sbc.key,
				    .verify = TLS_VERIFY_NONE };
	struct tls_config second, client = { .cert_file = b->hub.cert, .key_file = b->hub.key,
					     .roots_file = certs_root(b->certs) };

	stem[5] = (char)('0' + made++);
	certs_make(b->certs, &t->other, &spec, NULL);
	second = (struct tls_config){ .cert_file = t->other.cert, .key_file = t->other.key,
				      .roots_file = certs_root(b->certs), .eku = TLS_EKU_SERVER,
				      .want_client_cert = true, .names = b->hub_names };
	t->dflt = ctx(&first);
	t->second = ctx(&second);
	t->client = ctx(&client);
	tls_ctx_add_sni(t->dflt, "teams.example.com", t->second);
}

static void two_close(struct two *t)
{
	tls_ctx_drop(t->dflt);
	tls_ctx_drop(t->second);
	tls_ctx_drop(t->client);
}

static void the_name_asked_for_chooses_the_certificate(void **state)
{
	struct two t;
	struct pair p;

	two_open(*state, &t);
	pair_join(&p, t.dflt, t.client, "teams.example.com");
	assert_int_equal(pair_shake(&p), OK);
	assert_string_equal(tls_facts_of(p.client)->peer_name[0], "teams.example.com");
	assert_true(tls_facts_of(p.server)->peer_cert);		/* its rule: a certificate */
	pair_close(&p);
	pair_join(&p, t.dflt, t.client, "sbc.example.com");
	assert_int_equal(pair_shake(&p), OK);
	assert_false(tls_facts_of(p.server)->peer_cert);
	pair_close(&p);
	two_close(&t);
}

static void the_chosen_identitys_rules_are_the_ones_that_count(void **state)
{
	struct bed *b = *state;
	const struct cert *bad = bed_cert(b, "othername");
	struct tls_config cfg = { .cert_file = bad->cert, .key_file = bad->key,
				  .roots_file = certs_root(b->certs) };
	struct tls_ctx *stranger = ctx(&cfg);
	struct two t;
	struct pair p;

	two_open(b, &t);
	pair_join(&p, t.dflt, stranger, "teams.example.com");
	assert_int_equal(pair_shake(&p), ERR_AUTH);
	assert_non_null(strstr(tls_facts_of(p.server)->verify_text, "expected name"));
	pair_close(&p);
	pair_join(&p, t.dflt, stranger, "sbc.example.com");
	assert_int_equal(pair_shake(&p), OK);
	pair_close(&p);
	tls_ctx_drop(stranger);
	two_close(&t);
}

static void peers_without_a_name_get_the_default_and_are_counted(void **state)
{
	const char *const any[] = { "sbc.example.com", NULL };
	struct bed *b = *state;
	struct tls_config cfg = { .roots_file = certs_root(b->certs), .extra_names = any };
	struct tls_ctx *client = ctx(&cfg);
	struct two t;
	struct pair p;

	two_open(b, &t);
	pair_join(&p, t.dflt, client, "");
	assert_int_equal(pair_shake(&p), OK);
	assert_true(tls_facts_of(p.server)->sni_absent);
	assert_int_equal(t.dflt->without_sni, 1);
	pair_close(&p);
	tls_ctx_drop(client);
	two_close(&t);
}

static void an_open_stream_keeps_the_identity_it_began_with(void **state)
{
	struct two t;
	struct pair p;

	two_open(*state, &t);
	pair_join(&p, t.dflt, t.client, "sbc.example.com");
	two_close(&t);				/* a reload dropped them */
	assert_int_equal(pair_shake(&p), OK);
	assert_int_equal(tls_send(p.client, STR("still here")), OK);
	assert_int_equal(pair_shake(&p), OK);
	assert_int_equal(p.at_server, 10);
	pair_close(&p);
}

int run_tls_sni(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_name_asked_for_chooses_the_certificate),
		cmocka_unit_test(the_chosen_identitys_rules_are_the_ones_that_count),
		cmocka_unit_test(peers_without_a_name_get_the_default_and_are_counted),
		cmocka_unit_test(an_open_stream_keeps_the_identity_it_began_with),
	};

	return cmocka_run_group_tests(tests, bed_open, bed_close);
}
