/* t_rules.c - a message in, the broken rule out: one case per row and its neighbour. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "hub/rules.h"
#include "t_hub.h"

static const char *const cert[] = { "*.contoso.com", "sbc.adatum.biz", NULL };
static const char *const tenants[] = { "contoso.com", "sbc.adatum.biz", NULL };
static const struct hub_user alice = { STR_INIT("+14255550100"), true, false, false };
static const struct hub_user offline = { STR_INIT("+14255550100"), true, true, false };
static const struct hub_user plain = { STR_INIT("+14255550100"), false, false, false };

#define SDP_OK "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n" \
	"m=audio 4000 RTP/SAVP 0 8 101\r\n" \
	"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n" \
	"a=rtpmap:101 telephone-event/8000\r\n"

struct ask {
	const char *method, *ruri, *contact, *extra, *body;
	const struct hub_user *user;
	bool in_dialog;
};

static enum hub_rule_id rule_of(const struct ask *q)
{
	static char text[4096];
	struct hub_facts f = { cert, tenants, q->user, 90 };
	struct sip_refuse refuse;
	struct arena a;
	struct sip_msg *m;
	enum hub_rule_id id = DR_NRULE;
	size_t body = q->body ? strlen(q->body) : 0;
	int n = snprintf(text, sizeof text,
		"%s %s SIP/2.0\r\nVia: SIP/2.0/TLS sbc.contoso.com:5061;branch=z9hG4bK1\r\n"
		"Max-Forwards: 70\r\nFrom: <sip:+17168712781@sbc.contoso.com>;tag=1\r\n"
		"To: <sip:+14255550100@sip.pstnhub.microsoft.com>%s\r\nCall-ID: a\r\nCSeq: 1 %s\r\n"
		"%s%s%s%sContent-Length: %zu\r\n\r\n%s",
		q->method, q->ruri ? q->ruri : "sip:+14255550100@sip.pstnhub.microsoft.com",
		q->in_dialog ? ";tag=2" : "", q->method, q->contact ? q->contact : "",
		q->contact ? "\r\n" : "", q->extra ? q->extra : "",
		body ? "Content-Type: application/sdp\r\n" : "", body, body ? q->body : "");

	arena_init(&a, SIP_ARENA_MAX);
	if (sip_msg_parse((struct str){ text, (size_t)n }, &a, &m, &refuse) == OK)
		id = hub_check_request(m, &f);
	arena_close(&a);
	return id;
}

#define GOOD "Contact: <sip:+17168712781@sbc.contoso.com:5061;transport=tls>"
#define ASK(want, ...) \
	assert_string_equal(hub_rule(rule_of(&(struct ask){ __VA_ARGS__ }))->id, want)

static void options_with_a_proper_contact_breaks_nothing(void **state)
{
	(void)state;
	ASK("", .method = "OPTIONS", .contact = GOOD);
	ASK("", .method = "OPTIONS", .contact = "Contact: <sip:sbc.adatum.biz:5061;transport=tls>");
}

static void contact_rules_are_kept(void **state)
{
	(void)state;
	ASK("DR-S2", .method = "OPTIONS");
	ASK("DR-S3", .method = "OPTIONS", .contact = "Contact: <sip:192.0.2.7:5061;transport=tls>");
	ASK("DR-S3", .method = "OPTIONS", .contact = "Record-Route: <sip:192.0.2.7;lr>");
	ASK("DR-S4", .method = "OPTIONS", .contact = "Contact: <sip:a.b.contoso.com:5061>");
	ASK("DR-S4", .method = "OPTIONS", .contact = "Contact: <sip:sbc.fabrikam.com:5061>");
	ASK("DR-S6", .method = "OPTIONS", .contact = "Contact: <sips:sbc.contoso.com:5061>");
}

static void an_fqdn_of_no_tenant_has_no_trunk(void **state)
{
	static const char *const none[] = { "fabrikam.com", NULL };
	struct hub_facts f = { cert, none, NULL, 90 };
	struct sip_refuse refuse;
	struct arena a;
	struct sip_msg *m;
	const char *text = "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TLS b;branch=z9hG4bK1\r\n"
		"From: <sip:a>;tag=1\r\nTo: <sip:a>\r\nCall-ID: a\r\nCSeq: 1 OPTIONS\r\n"
		"Max-Forwards: 70\r\n" GOOD "\r\nContent-Length: 0\r\n\r\n";

	(void)state;
	arena_init(&a, SIP_ARENA_MAX);
	assert_int_equal(sip_msg_parse(str_of(text), &a, &m, &refuse), OK);
	assert_string_equal(hub_rule(hub_check_request(m, &f))->id, "DR-S5");
	assert_int_equal(hub_rule(DR_S5)->sub, 510532);
	arena_close(&a);
}

static void invite_rules_are_kept(void **state)
{
	(void)state;
	ASK("", .method = "INVITE", .contact = GOOD, .body = SDP_OK, .user = &alice);
	ASK("DR-S8", .method = "INVITE", .contact = GOOD, .user = &alice);
	ASK("DR-S9", .method = "INVITE", .ruri = "sip:14255550100@a", .contact = GOOD,
	    .body = SDP_OK, .user = &alice);
	ASK("DR-S9", .method = "INVITE", .ruri = "sip:+1425abc@a", .contact = GOOD,
	    .body = SDP_OK, .user = &alice);
	ASK("DR-S10", .method = "INVITE", .contact = GOOD, .body = SDP_OK);
	ASK("DR-S11", .method = "INVITE", .contact = GOOD, .body = SDP_OK, .user = &plain);
	ASK("DR-S12", .method = "INVITE", .contact = GOOD, .body = SDP_OK, .user = &offline);
	ASK("DR-S14", .method = "INVITE", .contact = GOOD, .body = SDP_OK, .user = &alice,
	    .extra = "Session-Expires: 60\r\n");
	ASK("", .method = "INVITE", .contact = GOOD, .user = NULL, .body = SDP_OK, .in_dialog = true);
}

static void methods_and_extensions_that_teams_does_not_know(void **state)
{
	static const char *const method[] = { "REFER", "UPDATE", "PRACK", "INFO", "SUBSCRIBE" };

	(void)state;
	for (size_t i = 0; i < 5; i++)
		ASK("DR-S15", .method = method[i], .contact = GOOD);
	ASK("DR-S7", .method = "INVITE", .contact = GOOD, .body = SDP_OK, .user = &alice,
	    .extra = "Replaces: a;to-tag=1;from-tag=2\r\n");
	ASK("DR-S16", .method = "INVITE", .contact = GOOD, .body = SDP_OK, .user = &alice,
	    .extra = "Require: 100rel\r\n");
	ASK("DR-S6", .method = "OPTIONS", .ruri = "sips:a", .contact = GOOD);
}

static void sdp_rules_are_kept(void **state)
{
	static const struct { const char *want, *sdp; } row[] = {
		{ "", SDP_OK },
		{ "DR-M1", "v=0\r\nm=audio 4 RTP/SAVP 0\r\n" },
		{ "DR-M1", "v=0\r\nm=audio 4 RTP/AVP 0\r\na=crypto:1 x\r\n" },
		{ "DR-M2", "v=0\r\nm=audio 4 RTP/SAVP 99\r\na=crypto:1 x\r\na=rtpmap:99 opus/48000\r\n" },
		{ "", "v=0\r\nm=audio 4 RTP/SAVP 104\r\na=crypto:1 x\r\na=rtpmap:104 SILK/16000\r\n" },
		{ "DR-M3", "v=0\r\nm=audio 4 RTP/SAVP 0 101\r\na=crypto:1 x\r\n"
			   "a=rtpmap:101 telephone-event/8000\r\na=rtpmap:101 SILK/8000\r\n" },
		{ "DR-M4", "v=0\r\nm=audio 4 RTP/AVPF 0\r\na=crypto:1 x\r\n" },
		{ "DR-M5", "v=1\r\n" }, { "DR-M5", "" }, { "DR-M5", "v=0\r\nm=audio\r\n" },
		{ "DR-M5", "v=0\r\nbroken\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		assert_string_equal(hub_rule(hub_check_sdp(str_of(row[i].sdp)))->id, row[i].want);
}

static void a_wild_card_covers_one_label_only(void **state)
{
	(void)state;
	assert_true(hub_name_covers("*.contoso.com", STR("sbc.contoso.com")));
	assert_true(hub_name_covers("SBC.contoso.com", STR("sbc.CONTOSO.com")));
	assert_false(hub_name_covers("*.contoso.com", STR("sbc.test.contoso.com")));
	assert_false(hub_name_covers("*.contoso.com", STR("contoso.com")));
	assert_false(hub_name_covers("*.contoso.com", STR(".contoso.com")));
}

static void every_row_names_its_document_and_date(void **state)
{
	(void)state;
	for (int i = DR_NONE + 1; i < DR_NRULE; i++) {
		const struct hub_rule *r = hub_rule((enum hub_rule_id)i);

		assert_non_null(r->id);
		assert_int_equal(strncmp(r->id, "DR-", 3), 0);
		assert_true(strlen(r->broken) > 10 && strlen(r->source) > 3);
		assert_int_equal(strlen(r->date), 7);
	}
}

int run_rules(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_with_a_proper_contact_breaks_nothing),
		cmocka_unit_test(contact_rules_are_kept),
		cmocka_unit_test(an_fqdn_of_no_tenant_has_no_trunk),
		cmocka_unit_test(invite_rules_are_kept),
		cmocka_unit_test(methods_and_extensions_that_teams_does_not_know),
		cmocka_unit_test(sdp_rules_are_kept),
		cmocka_unit_test(a_wild_card_covers_one_label_only),
		cmocka_unit_test(every_row_names_its_document_and_date),
	};

	return cmocka_run_group_tests_name("hub/rules", tests, NULL, NULL);
}
