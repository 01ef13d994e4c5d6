#include "script.h"

#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

struct addr peer(void)
{
	return bed_addr("10.0.0.9:5060");
}

void reply(struct bed *b, struct reply r)
{
	const struct bed_msg *m = bed_msg(b, r.to_request, r.nth);
	char mem[3000], via[300], from[200], to[200], id[100], cseq[40];
	struct buf t;
	struct addr at = peer();

	assert_non_null(m);
	assert_true(bed_hdr(m, "Via", via, sizeof via) && bed_hdr(m, "From", from, sizeof from) &&
		    bed_hdr(m, "To", to, sizeof to) && bed_hdr(m, "Call-ID", id, sizeof id) &&
		    bed_hdr(m, "CSeq", cseq, sizeof cseq));
	buf_init(&t, mem, sizeof mem);
	buf_fmt(&t, "SIP/2.0 %s\r\nVia: %s\r\nFrom: %s\r\nTo: %s%s%s\r\nCall-ID: %s\r\nCSeq: %s\r\n",
		r.line, via, from, to, r.tag && !strstr(to, ";tag=") ? ";tag=" : "",
		r.tag && !strstr(to, ";tag=") ? r.tag : "", id, cseq);
	buf_fmt(&t, "%s%sContent-Length: %zu\r\n\r\n%s", r.extra ? r.extra : "",
		r.body ? "Content-Type: application/sdp\r\n" : "", r.body ? strlen(r.body) : 0,
		r.body ? r.body : "");
	bed_peer_send(b, &at, &b->a.addr[SIP_UDP], buf_z(&t));
	bed_run(b, 20);
}

void ask(struct bed *b, const char *method, int cseq, const char *tag, const char *extra)
{
	const struct bed_msg *m = bed_msg(b, "INVITE ", 0);
	char mem[3000], from[200], to[200], id[100];
	struct buf t;
	struct addr at = peer();

	assert_true(bed_hdr(m, "From", from, sizeof from) && bed_hdr(m, "To", to, sizeof to) &&
		    bed_hdr(m, "Call-ID", id, sizeof id));
	buf_init(&t, mem, sizeof mem);
	buf_fmt(&t, "%s sip:100@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9:5060;rport;branch=z9hG4bK%s%d\r\n"
		"Max-Forwards: 70\r\nFrom: %s;tag=%s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n"
		"Contact: <sip:9@10.0.0.9:5060>\r\n%sContent-Length: 0\r\n\r\n",
		method, method, cseq, to, tag, from, id, cseq, method, extra ? extra : "");
	bed_peer_send(b, &at, &b->a.addr[SIP_UDP], buf_z(&t));
	bed_run(b, 20);
}

struct bed *alone(enum sip_zone_kind zone)
{
	struct bed *b = bed_new_with(NULL, 0, zone);
	struct addr at = peer();

	bed_peer_udp(b, &at);
	return b;
}

uint64_t call_with(struct bed *b, const struct sip_opts *o)
{
	struct sip_invite i = { .owner = 7, .opts = bed_keep(b, o), .ruri = STR("sip:200@10.0.0.9"),
				.from_uri = STR("sip:100@a.example"), .to_uri = STR("sip:200@10.0.0.9"),
				.contact_user = STR("100") };
	uint64_t id;

	i.dest = (struct sip_dest){ .listener = 0, .transport = SIP_UDP, .host = "10.0.0.9",
				    .port = 5060 };
	i.body = (struct sip_body){ STR("application/sdp"), STR("v=0\r\n") };
	id = sip_invite(b->a.sip, &i);
	assert_int_not_equal(id, 0);
	bed_run(b, 20);
	return id;
}

uint64_t call(struct bed *b)
{
	return call_with(b, &bed_opts);
}

static void put_body(struct buf *t, const char *body)
{
	buf_fmt(t, "%sContent-Length: %zu\r\n\r\n%s", body ? "Content-Type: application/sdp\r\n" : "",
		body ? strlen(body) : 0, body ? body : "");
}

void call_in(struct bed *b, const char *extra, const char *body)
{
	char mem[3000];
	struct buf t;
	struct addr at = peer();

	buf_init(&t, mem, sizeof mem);
	buf_fmt(&t, "INVITE sip:100@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9:5060;rport;branch=z9hG4bKin\r\n"
		"Max-Forwards: 70\r\nFrom: <sip:9@10.0.0.9>;tag=p\r\nTo: <sip:100@10.0.0.1>\r\n"
		"Call-ID: in\r\nCSeq: 1 INVITE\r\n" CONTACT "%s", extra ? extra : "");
	put_body(&t, body);
	bed_peer_send(b, &at, &b->a.addr[SIP_UDP], buf_z(&t));
	bed_run(b, 20);
}

const char *value(struct bed *b, const char *prefix, const char *header, char out[300])
{
	for (int i = b->nwire - 1; i >= 0; i--)
		if (!strncmp(b->wire[i].text, prefix, strlen(prefix)) &&
		    bed_hdr(&b->wire[i], header, out, 300))
			return out;
	fail_msg("no %s with %s", prefix, header);
	return out;
}

static void our_tag(struct bed *b, char out[64])
{
	char to[300];

	for (int i = b->nwire - 1; i >= 0; i--) {
		const char *at;

		if (strncmp(b->wire[i].text, "SIP/2.0 ", 8) != 0 || !bed_hdr(&b->wire[i], "To", to, sizeof to))
			continue;
		at = strstr(to, ";tag=");
		if (at && strstr(b->wire[i].text, "INVITE\r\n")) {
			(void)str_copy(out, 64, str_of(at + 5));
			return;
		}
	}
	fail_msg("no To tag yet");
}

void ask_in(struct bed *b, const char *method, int cseq, const char *extra, const char *body)
{
	char mem[3000], tag[64];
	struct buf t;
	struct addr at = peer();

	our_tag(b, tag);
	buf_init(&t, mem, sizeof mem);
	buf_fmt(&t, "%s sip:100@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9:5060;rport;branch=z9hG4bK%s%d\r\n"
		"Max-Forwards: 70\r\nFrom: <sip:9@10.0.0.9>;tag=p\r\nTo: <sip:100@10.0.0.1>;tag=%s\r\n"
		"Call-ID: in\r\nCSeq: %d %s\r\n" CONTACT "%s", method, method, cseq, tag, cseq, method,
		extra ? extra : "");
	put_body(&t, body);
	bed_peer_send(b, &at, &b->a.addr[SIP_UDP], buf_z(&t));
	bed_run(b, 20);
}
