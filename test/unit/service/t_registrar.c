/* t_registrar.c - what a REGISTER binds, for how long, over which stream, and what undoes it. */
#include "t_service.h"

#include <stdio.h>
#include <string.h>

#include "service/registrar_int.h"
#include "sim/sim_loop.h"

enum { PHONES = 3, LONG_S = 3600 };

struct bed {
	struct loop *loop;
	struct dns *dns;
	struct sip *sip;
	struct map *map;
	struct store *store;
	struct directory *directory;
	struct registrar_config cfg;
	struct registrar *r;
	uint32_t cseq;
	int rows;
};

static const char *listener_name(void *ctx, uint32_t index)
{
	(void)ctx;
	return index ? "tls" : "phones";
}

static int listener_index(void *ctx, const char *name)
{
	(void)ctx;
	return strcmp(name, "phones") == 0 ? 0 : strcmp(name, "tls") == 0 ? 1 : -1;
}

/* Phones SEP0, SEP1, ...; SEP0 has this password, the others "secret". */
static struct directory *people(int phones, const char *password)
{
	struct directory *d = directory_new();

	for (int i = 0; i < phones; i++) {
		char name[16], md5[DIGEST_HEX], sha[DIGEST_HEX];
		struct str pw = str_of(i ? "secret" : password);

		(void)snprintf(name, sizeof name, "SEP%d", i);
		digest_ha1(DIGEST_MD5, str_of(name), STR("t"), pw, md5);
		digest_ha1(DIGEST_SHA256, str_of(name), STR("t"), pw, sha);
		assert_int_equal(directory_add_phone(d, &(struct dir_phone){ .name = str_of(name),
			.auth_user = str_of(name), .ha1_md5 = str_of(md5), .ha1_sha256 = str_of(sha) }), OK);
	}
	assert_int_equal(directory_seal(d, NULL), OK);
	return d;
}

static int up(void **state)
{
	struct bed *b = mem_new(sizeof *b);
	struct map_config mc = { .slots = 2, .ring_bytes = 1 << 20 };
	struct store_config sc = { .path = ":memory:", .inline_mode = true };
	struct map_news news;

	b->loop = sim_new(1);
	sim_wall(b->loop, 1795435200000LL);
	b->dns = dns_new(b->loop, &(struct dns_config){ 0 });
	b->sip = sip_new(b->loop, b->dns, NULL);
	mc.rng = &b->loop->rng;
	assert_int_equal(map_open(&b->map, &mc, &news, NULL), OK);
	sc.loop = b->loop;
	sc.map = b->map;
	assert_int_equal(store_open(&b->store, &sc, NULL), OK);
	b->directory = people(PHONES, "secret");
	b->cfg = (struct registrar_config){ .loop = b->loop, .sip = b->sip, .store = b->store,
		.directory = (struct directory *const *)&b->directory, .realm = "t", .min_s = 60, .max_s = LONG_S,
		.contacts = 2, .listener_name = listener_name, .listener_index = listener_index };
	b->r = registrar_new(&b->cfg);
	*state = b;
	return 0;
}

static int down(void **state)
{
	struct bed *b = *state;

	registrar_free(b->r);
	store_close(b->store);
	map_close(b->map);
	directory_free(b->directory);
	sip_free(b->sip);
	dns_free(b->dns);
	sim_free(b->loop);
	mem_free(b);
	return 0;
}

/* What waits goes into the database. */
static void flush(struct bed *b)
{
	store_turn(b->store);
	sim_for(b->loop, 2 * STORE_RETRY_MS);
	store_turn(b->store);
}

static bool count_row(void *ctx, const struct reg_row *row)
{
	(void)row;
	((struct bed *)ctx)->rows++;
	return true;
}

static int rows(struct bed *b)
{
	flush(b);
	b->rows = 0;
	assert_int_equal(db_regs(store_db(b->store), count_row, b), OK);
	return b->rows;
}

static void restart(struct bed *b)
{
	registrar_free(b->r);
	b->r = registrar_new(&b->cfg);
	registrar_load(b->r);
}

struct say { const char *phone, *contact, *password; unsigned expires; net_id flow; };

static struct sip_msg *read_register(struct bed *b, const struct say *s, const char *authorization, struct arena *a)
{
	char text[2000];
	struct sip_refuse refuse;
	struct sip_msg *m = NULL;
	int n = snprintf(text, sizeof text, "REGISTER sip:t SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.9;branch=z9hG4bK%u\r\n"
		"From: <sip:%s@t>;tag=a\r\nTo: <sip:%s@t>\r\nCall-ID: %s@t\r\nCSeq: %u REGISTER\r\nMax-Forwards: 70\r\n"
		"Contact: %s\r\nExpires: %u\r\n%sContent-Length: 0\r\n\r\n", b->cseq, s->phone, s->phone, s->phone, b->cseq,
		s->contact, s->expires, authorization);

	assert_int_equal(sip_msg_parse(str_dup(a, (struct str){ text, (size_t)n }), a, &m, &refuse), OK);
	assert_int_equal(addr_parse(STR("192.0.2.9:5060"), 0, &m->src), OK);
	m->transport = s->flow ? SIP_TCP : SIP_UDP;
	m->flow = s->flow;
	return m;
}

/* A REGISTER with the right answer to the challenge of now. */
static void say(struct bed *b, const struct say *s)
{
	char ha1[DIGEST_HEX], response[DIGEST_HEX], value[800], header[900];
	struct digest_challenge c;
	struct digest_creds k;
	struct sip_xhdr x[2];
	struct sip_event ev = { .kind = SIP_EV_REQUEST };
	struct arena a;
	struct buf w;

	arena_init(&a, SIP_ARENA_MAX);
	b->cseq++;
	assert_int_equal(registrar_glance(b->r, read_register(b, s, "", &a), &a, x), REGISTRAR_CHALLENGE);
	assert_int_equal(digest_parse_challenge(x[1].value, &c), OK);
	k = (struct digest_creds){ .alg = c.alg, .username = str_of(s->phone), .realm = c.realm, .nonce = c.nonce,
				   .uri = STR("sip:t"), .cnonce = STR("ab"), .nc = 1, .qop = true };
	digest_ha1(c.alg, k.username, k.realm, str_of(s->password ? s->password : "secret"), ha1);
	digest_response(&k, str_of(ha1), STR("REGISTER"), response);
	k.response = str_of(response);
	buf_init(&w, value, sizeof value);
	digest_write_creds(&w, &k);
	(void)snprintf(header, sizeof header, "Authorization: %s\r\n", buf_z(&w));
	ev.msg = read_register(b, s, header, &a);
	registrar_on_register(b->r, &ev);
	arena_close(&a);
}

static int contacts(struct bed *b, const char *phone)
{
	return registrar_count(b->r, str_of(phone));
}

static void a_refused_register_binds_nothing(void **state)
{
	struct bed *b = *state;

	say(b, &(struct say){ "SEP0", "<sip:1@h>, <sip:2@h>, <sip:3@h>", .expires = LONG_S });
	assert_int_equal(contacts(b, "SEP0"), 0);
	say(b, &(struct say){ "SEP0", "<sip:1@h>, <sip:2@h>", .expires = LONG_S });
	assert_int_equal(contacts(b, "SEP0"), 2);
	say(b, &(struct say){ "SEP0", "<sip:1@h>;expires=0, <sip:3@h>, <sip:4@h>", .expires = LONG_S });
	assert_int_equal(contacts(b, "SEP0"), 2);
	b->cseq -= 2;		/* an older one of the same Call-ID */
	say(b, &(struct say){ "SEP0", "<sip:9@h>, <sip:1@h>;expires=0", .expires = LONG_S });
	assert_int_equal(contacts(b, "SEP0"), 2);
	assert_int_equal(rows(b), 2);
}

static void the_limit_is_for_what_a_register_leaves(void **state)
{
	struct bed *b = *state;
	struct registrar_contact c[REG_CONTACTS_MAX];

	say(b, &(struct say){ "SEP0", "<sip:1@h>, <sip:2@h>", .expires = LONG_S });
	say(b, &(struct say){ "SEP0", "<sip:3@h>, <sip:1@h>;expires=0, <sip:2@h>", .expires = LONG_S });
	assert_int_equal(contacts(b, "SEP0"), 2);
	say(b, &(struct say){ "SEP0", "<sip:2@h>;expires=0", .expires = LONG_S });
	say(b, &(struct say){ "SEP0", "<sip:4@h>, <sip:4@h>, <sip:5@h>, <sip:5@h>;expires=0", .expires = LONG_S });
	assert_int_equal(registrar_contacts(b->r, STR("SEP0"), c, REG_CONTACTS_MAX), 2);
	assert_string_equal(c[0].uri, "sip:4@h");
	assert_string_equal(c[1].uri, "sip:3@h");
}

static void apply(struct bed *b, int phones, const char *password)
{
	struct directory *old = b->directory;

	b->directory = people(phones, password);
	registrar_on_directory(b->r, old);
	directory_free(old);
}

static void register_all(struct bed *b)
{
	say(b, &(struct say){ "SEP0", "<sip:1@h>, <sip:2@h>", .expires = LONG_S });
	say(b, &(struct say){ "SEP1", "<sip:1@h>", .expires = LONG_S });
	say(b, &(struct say){ "SEP2", "<sip:1@h>", .expires = LONG_S });
}

static void another_password_ends_what_was_bound_with_the_old_one(void **state)
{
	struct bed *b = *state;

	register_all(b);
	apply(b, PHONES, "secret");	/* nothing new for them */
	assert_int_equal(rows(b), 4);
	apply(b, PHONES, "changed");
	assert_int_equal(contacts(b, "SEP0"), 0);
	assert_int_equal(contacts(b, "SEP1"), 1);
	assert_int_equal(rows(b), 2);
	say(b, &(struct say){ "SEP0", "<sip:1@h>", .expires = LONG_S });
	assert_int_equal(contacts(b, "SEP0"), 0);
	say(b, &(struct say){ "SEP0", "<sip:1@h>", "changed", LONG_S, 0 });
	assert_int_equal(contacts(b, "SEP0"), 1);
}

static void a_phone_that_is_gone_leaves_nothing_to_one_of_its_name(void **state)
{
	struct bed *b = *state;

	register_all(b);
	apply(b, 1, "secret");
	assert_int_equal(registrar_total(b->r), 2);
	apply(b, PHONES, "secret");
	assert_int_equal(contacts(b, "SEP1"), 0);
	restart(b);
	assert_int_equal(registrar_total(b->r), 2);
}

static void another_site_at_the_start_ends_what_it_does_not_know(void **state)
{
	struct bed *b = *state;

	register_all(b);
	flush(b);
	restart(b);
	assert_int_equal(registrar_total(b->r), 4);
	directory_free(b->directory);
	b->directory = people(2, "changed");
	restart(b);
	assert_int_equal(registrar_total(b->r), 1);
	assert_int_equal(contacts(b, "SEP1"), 1);
	assert_int_equal(rows(b), 1);
}

static void an_older_programs_row_is_taken_when_its_phone_is_there(void **state)
{
	struct bed *b = *state;
	struct reg_row row = { .phone = "SEP0", .contact = "sip:1@h", .source = "192.0.2.9:5060", .listener = "phones",
			       .transport = "udp", .expires_wall = b->loop->wall + 3600000 };

	store_reg_put(b->store, &row);
	(void)str_copy(row.phone, sizeof row.phone, STR("SEP9"));
	store_reg_put(b->store, &row);
	restart(b);
	assert_int_equal(registrar_total(b->r), 1);
	assert_int_equal(contacts(b, "SEP0"), 1);
}

static net_id flow_of(struct bed *b, const char *phone)
{
	struct registrar_contact c;

	assert_int_equal(registrar_contacts(b->r, str_of(phone), &c, 1), 1);
	return c.dest.flow;
}

/* The newest way of each phone, after this flow closed. */
static void closed(struct bed *b, net_id flow, net_id f0, net_id f1, net_id f2)
{
	registrar_on_flow(b->r, flow);
	assert_int_equal(flow_of(b, "SEP0"), f0);
	assert_int_equal(flow_of(b, "SEP1"), f1);
	assert_int_equal(flow_of(b, "SEP2"), f2);
}

static void a_closed_stream_is_forgotten_by_its_bindings_alone(void **state)
{
	struct bed *b = *state;

	say(b, &(struct say){ "SEP0", "<sip:1@h>", .expires = LONG_S, .flow = 7 });
	say(b, &(struct say){ "SEP1", "<sip:1@h>", .expires = LONG_S, .flow = 7 });
	say(b, &(struct say){ "SEP2", "<sip:1@h>", .expires = LONG_S, .flow = 8 });
	closed(b, 0, 7, 7, 8);
	closed(b, 99, 7, 7, 8);
	say(b, &(struct say){ "SEP1", "<sip:1@h>", .expires = LONG_S, .flow = 9 });	/* over another one */
	closed(b, 7, 0, 9, 8);
	closed(b, 7, 0, 9, 8);
	say(b, &(struct say){ "SEP0", "<sip:1@h>", .expires = LONG_S, .flow = 8 });
	say(b, &(struct say){ "SEP2", "<sip:1@h>", .expires = LONG_S });		/* over UDP */
	closed(b, 8, 0, 9, 0);
	closed(b, 9, 0, 0, 0);
}

static void a_stream_outlives_what_was_bound_over_it(void **state)
{
	struct bed *b = *state;

	say(b, &(struct say){ "SEP0", "<sip:1@h>, <sip:2@h>", .expires = 60, .flow = 7 });
	say(b, &(struct say){ "SEP1", "<sip:1@h>", .expires = LONG_S, .flow = 7 });
	say(b, &(struct say){ "SEP2", "<sip:1@h>", .expires = LONG_S, .flow = 7 });
	say(b, &(struct say){ "SEP2", "<sip:1@h>", .expires = 0, .flow = 7 });
	sim_for(b->loop, 61000);
	assert_int_equal(registrar_total(b->r), 1);
	registrar_on_flow(b->r, 7);
	assert_int_equal(flow_of(b, "SEP1"), 0);
}

static net_id way_to(struct bed *b, const char *contact)
{
	struct sip_seek k = { .transport = SIP_TCP };
	struct addr source;
	struct sip_uri u;

	assert_int_equal(addr_parse(STR("192.0.2.9:5060"), 0, &source), OK);
	assert_int_equal(sip_uri_parse(str_of(contact), &u), OK);
	k.source = &source;
	k.contact = &u;
	return registrar_flow(b->r, &k);
}

static void a_phone_is_found_by_where_it_was_heard_and_its_newest_stream(void **state)
{
	struct bed *b = *state;

	say(b, &(struct say){ "SEP0", "<sip:1@h>", .expires = LONG_S, .flow = 7 });
	say(b, &(struct say){ "SEP1", "<sip:2@h>", .expires = LONG_S, .flow = 8 });
	assert_int_equal(way_to(b, "sip:1@h;ob"), 7);
	assert_int_equal(way_to(b, "sip:2@h"), 8);
	assert_int_equal(way_to(b, "sip:3@h"), 0);
	assert_int_equal(way_to(b, "sip:1@h:5070"), 0);
	sim_for(b->loop, 1000);
	say(b, &(struct say){ "SEP2", "<sip:1@h>", .expires = LONG_S, .flow = 9 });
	assert_int_equal(way_to(b, "sip:1@h"), 9);
	registrar_on_flow(b->r, 9);
	assert_int_equal(way_to(b, "sip:1@h"), 7);
	say(b, &(struct say){ "SEP0", "<sip:1@h>", .expires = 0, .flow = 7 });
	assert_int_equal(way_to(b, "sip:1@h"), 0);
}

static void all_contacts_end_by_a_request_that_is_alone_and_in_order(void **state)
{
	struct bed *b = *state;

	say(b, &(struct say){ "SEP0", "<sip:1@h>, <sip:2@h>", .expires = LONG_S });
	say(b, &(struct say){ "SEP0", "*", .expires = 60 });
	assert_int_equal(contacts(b, "SEP0"), 2);
	say(b, &(struct say){ "SEP0", "*\r\nContact: <sip:3@h>", .expires = 0 });
	assert_int_equal(contacts(b, "SEP0"), 2);
	b->cseq -= 3;		/* held up on its way */
	say(b, &(struct say){ "SEP0", "*", .expires = 0 });
	assert_int_equal(contacts(b, "SEP0"), 2);
	b->cseq += 3;
	say(b, &(struct say){ "SEP0", "*", .expires = 0 });
	assert_int_equal(contacts(b, "SEP0"), 0);
	assert_int_equal(rows(b), 0);
}

static void a_clock_that_is_behind_at_the_start_keeps_nothing_for_years(void **state)
{
	struct bed *b = *state;

	say(b, &(struct say){ "SEP0", "<sip:1@h>", .expires = LONG_S });
	flush(b);
	sim_wall(b->loop, b->loop->wall - 86400000LL * 365);
	restart(b);
	assert_int_equal(contacts(b, "SEP0"), 1);
	sim_for(b->loop, 1000 * LONG_S + 1000);
	assert_int_equal(contacts(b, "SEP0"), 0);
}

static void what_ended_while_nobody_was_there_leaves_no_row(void **state)
{
	struct bed *b = *state;
	struct reg_row row = { .phone = "SEP0", .contact = "sip:1@h", .source = "192.0.2.9:5060", .listener = "phones",
			       .transport = "tcp", .expires_wall = b->loop->wall - 1 };

	store_reg_put(b->store, &row);
	(void)str_copy(row.contact, sizeof row.contact, STR("sip:2@h"));
	(void)str_copy(row.listener, sizeof row.listener, STR("gone"));
	store_reg_put(b->store, &row);
	(void)str_copy(row.contact, sizeof row.contact, STR("sip:3@h"));
	row.expires_wall += 3600000;	/* its listener may come back */
	store_reg_put(b->store, &row);
	assert_int_equal(rows(b), 3);
	restart(b);
	assert_int_equal(registrar_total(b->r), 0);
	assert_int_equal(rows(b), 1);
}

static void an_ended_row_does_not_end_what_waits_to_replace_it(void **state)
{
	struct bed *b = *state;
	struct reg_row row = { .phone = "SEP0", .contact = "sip:1@h", .source = "192.0.2.9:5060", .listener = "phones",
			       .transport = "udp", .expires_wall = b->loop->wall - 1 };

	store_reg_put(b->store, &row);
	assert_int_equal(rows(b), 1);
	row.expires_wall += 3600000;
	store_reg_put(b->store, &row);
	restart(b);
	assert_int_equal(registrar_total(b->r), 1);
	assert_int_equal(rows(b), 1);
}

int run_registrar(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_refused_register_binds_nothing, up, down),
		cmocka_unit_test_setup_teardown(the_limit_is_for_what_a_register_leaves, up, down),
		cmocka_unit_test_setup_teardown(another_password_ends_what_was_bound_with_the_old_one, up, down),
		cmocka_unit_test_setup_teardown(a_phone_that_is_gone_leaves_nothing_to_one_of_its_name, up, down),
		cmocka_unit_test_setup_teardown(another_site_at_the_start_ends_what_it_does_not_know, up, down),
		cmocka_unit_test_setup_teardown(an_older_programs_row_is_taken_when_its_phone_is_there, up, down),
		cmocka_unit_test_setup_teardown(a_closed_stream_is_forgotten_by_its_bindings_alone, up, down),
		cmocka_unit_test_setup_teardown(a_stream_outlives_what_was_bound_over_it, up, down),
		cmocka_unit_test_setup_teardown(a_phone_is_found_by_where_it_was_heard_and_its_newest_stream, up, down),
		cmocka_unit_test_setup_teardown(all_contacts_end_by_a_request_that_is_alone_and_in_order, up, down),
		cmocka_unit_test_setup_teardown(a_clock_that_is_behind_at_the_start_keeps_nothing_for_years, up, down),
		cmocka_unit_test_setup_teardown(what_ended_while_nobody_was_there_leaves_no_row, up, down),
		cmocka_unit_test_setup_teardown(an_ended_row_does_not_end_what_waits_to_replace_it, up, down),
	};

	return cmocka_run_group_tests_name("service/registrar", tests, NULL, NULL);
}
