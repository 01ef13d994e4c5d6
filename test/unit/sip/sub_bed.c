#include "sub_bed.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

const struct sip_body sub_state_on = { STR_INIT(TYPE), STR_INIT(ON) };
const struct sip_body sub_state_off = { STR_INIT(TYPE), STR_INIT(OFF) };

unsigned sub_count(struct bed_side *s)
{
	struct sip_counts c;

	sip_counts(s->sip, &c);
	return c.subs;
}

void subs_are_gone(struct bed *b)
{
	struct sip_counts c;

	bed_run(b, 140000);
	assert_int_equal(sub_count(&b->a), 0);
	assert_int_equal(sub_count(&b->b), 0);
	sip_counts(b->a.sip, &c);
	assert_int_equal(c.transactions, 0);
	assert_int_equal(c.sessions, 0);
	bed_free(b);
}

uint64_t sub_given;	/* the last subscription side A or B accepted; set by `taking` */

void sub_taking(struct bed_side *s, const struct sip_event *ev)
{
	struct sip_accept q = { .owner = 9, .body = sub_state_off, .pending = s->status == 202 };

	if (ev->kind != SIP_EV_SUBSCRIBE)
		return;
	sub_given = ev->sub;
	(void)sip_sub_accept(s->sip, ev->sub, &q);
}

struct bed *sub_twins(void)
{
	struct bed *b = bed_new_events(NULL, "message-summary, dialog");

	b->a.on = sub_taking;
	return b;
}

/* Side B subscribes at side A. */
uint64_t sub_twin(struct bed *b, uint32_t expires)
{
	struct sip_subscribe q = { .owner = 7, .dest = bed_dest(&b->b, &b->a, SIP_UDP), .opts = bed_opts,
				   .ruri = STR("sip:1001@a.example"), .from_uri = STR("sip:1001@a.example"),
				   .contact_user = STR("1001"), .package = STR("message-summary"),
				   .accept = STR(TYPE), .expires_s = expires };
	uint64_t id = sip_subscribe(b->b.sip, &q);

	assert_int_not_equal(id, 0);
	return id;
}

/* A scripted far end at 10.0.0.9; side A is alone with it. */
struct bed *sub_script(void)
{
	struct bed *b = bed_new_events(NULL, "message-summary, dialog");
	struct addr at = peer();

	bed_peer_udp(b, &at);
	b->a.on = sub_taking;
	return b;
}

void sub_say(struct bed *b, struct sub_said q, const char *to_tag, const char *call_id, const char *event)
{
	char mem[3000];
	struct buf t;
	struct addr at = peer();

	buf_init(&t, mem, sizeof mem);
	buf_fmt(&t, "%s sip:1001@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9:5060;rport;branch=z9hG4bK%s%s%d%d\r\n"
		"Max-Forwards: 70\r\nFrom: <sip:1001@a.example>;tag=%s\r\nTo: <sip:1001@a.example>%s%s\r\n"
		"Call-ID: %s\r\nCSeq: %d %s\r\n" CONTACT "Event: %s\r\n%s%sContent-Length: %zu\r\n\r\n%s",
		q.method, q.method, call_id, q.cseq, q.serial, q.tag ? q.tag : "p", to_tag ? ";tag=" : "",
		to_tag ? to_tag : "", call_id, q.cseq, q.method, event, q.extra ? q.extra : "",
		q.body ? "Content-Type: " TYPE "\r\n" : "", q.body ? strlen(q.body) : 0, q.body ? q.body : "");
	bed_peer_send(b, &at, &b->a.addr[SIP_UDP], buf_z(&t));
	bed_run(b, 20);
}

void sub_in_new(struct bed *b, const char *extra)
{
	sub_say(b, (struct sub_said){ .method = "SUBSCRIBE", .cseq = 1, .extra = extra }, NULL, "in", "message-summary");
}

/* The tag side A gave in its last NOTIFY or SUBSCRIBE. */
const char *sub_tag(struct bed *b, const char *method, char out[300])
{
	char *at = strstr(value(b, method, "From", out), ";tag=");

	assert_non_null(at);
	return at + 5;
}

void sub_in_again(struct bed *b, int cseq, const char *extra)
{
	char tag[300];

	sub_say(b, (struct sub_said){ .method = "SUBSCRIBE", .cseq = cseq, .extra = extra }, sub_tag(b, "NOTIFY ", tag),
	    "in", "message-summary");
}

void sub_ok(struct bed *b, const char *to, int nth)
{
	reply(b, (struct reply){ .to_request = to, .nth = nth, .line = "200 OK", .tag = "p" });
}

/* Side A subscribes at the script. */
uint64_t sub_out(struct bed *b, uint32_t expires)
{
	struct sip_subscribe q = { .owner = 7, .opts = bed_opts, .ruri = STR("sip:vm@10.0.0.9"),
				   .from_uri = STR("sip:1001@a.example"), .contact_user = STR("1001"),
				   .package = STR("message-summary"), .expires_s = expires };
	uint64_t id;

	q.dest = (struct sip_dest){ .transport = SIP_UDP, .host = "10.0.0.9", .port = 5060 };
	id = sip_subscribe(b->a.sip, &q);
	assert_int_not_equal(id, 0);
	bed_run(b, 20);
	return id;
}

/* A NOTIFY of the script for it. */
void sub_tell(struct bed *b, int cseq, const char *tag, const char *state, const char *body)
{
	char id[300], to[300], extra[200];

	(void)snprintf(extra, sizeof extra, "Subscription-State: %s\r\n", state);
	(void)value(b, "SUBSCRIBE ", "Call-ID", id);
	sub_say(b, (struct sub_said){ .method = "NOTIFY", .cseq = cseq, .tag = tag, .extra = extra, .body = body,
			      .serial = tag[0] }, sub_tag(b, "SUBSCRIBE ", to), id, "message-summary");
}

/* Answered and notified; one NOTIFY with `state`. */
uint64_t sub_held(struct bed *b, uint32_t expires)
{
	uint64_t id = sub_out(b, expires);

	sub_ok(b, "SUBSCRIBE ", 0);
	sub_tell(b, 1, "p", "active", OFF);
	assert_string_equal(bed_want(&b->a, SIP_EV_NOTIFY)->body, OFF);
	return id;
}

bool last_has(struct bed *b, const char *prefix, const char *what)
{
	for (int i = b->nwire - 1; i >= 0; i--)
		if (!strncmp(b->wire[i].text, prefix, strlen(prefix)))
			return strstr(b->wire[i].text, what) != NULL;
	return false;
}
