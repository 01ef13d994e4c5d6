#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "sip/chars.h"
#include "sip/limits.h"
#include "sip/msg.h"
#include "sip/msg_int.h"
#include "t_text.h"

enum { ROOM = 80000 };

struct world {
	struct arena arena;
	struct sip_msg *m;
	struct sip_refuse why;
	char mem[ROOM];
	struct buf text;
};

static int up(void **state)
{
	struct world *w = mem_new(sizeof *w);

	arena_init(&w->arena, SIP_ARENA_MAX);
	buf_init(&w->text, w->mem, sizeof w->mem);
	*state = w;
	return 0;
}

static int down(void **state)
{
	struct world *w = *state;

	arena_close(&w->arena);
	mem_free(w);
	return 0;
}

static enum err parse(struct world *w, struct str bytes)
{
	w->m = NULL;
	return sip_msg_parse(bytes, &w->arena, &w->m, &w->why);
}

/* A request with these header lines after the start line. */
static struct str request(struct world *w, const char *method, const char *lines)
{
	buf_reset(&w->text);
	buf_fmt(&w->text, "%s sip:bob@example.com SIP/2.0\r\n%s\r\n", method, lines);
	return buf_str(&w->text);
}

#define VIA "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\r\n"
#define FROM "From: <sip:a@b>;tag=1\r\n"
#define TO "To: <sip:c@d>\r\n"
#define CALLID "Call-ID: x@y\r\n"
#define CSEQ "CSeq: 1 OPTIONS\r\n"
#define BASE VIA FROM TO CALLID CSEQ

static void every_header_name_and_its_compact_form_is_known(void **state)
{
	(void)state;
#define X(id, name, c) \
	assert_int_equal(sip_hdr_of(STR(name)), SIP_H_##id); \
	assert_string_equal(sip_hdr_name(SIP_H_##id), name); \
	if (c) { \
		const char low = c, high = (char)(c - 32); \
		assert_int_equal(sip_hdr_of((struct str){ &low, 1 }), SIP_H_##id); \
		assert_int_equal(sip_hdr_of((struct str){ &high, 1 }), SIP_H_##id); \
	}
	SIP_HEADERS(X)
#undef X
	assert_int_equal(sip_hdr_of(STR("CALL-ID")), SIP_H_CALL_ID);
	assert_int_equal(sip_hdr_of(STR("p-asserted-identity")), SIP_H_P_ASSERTED_IDENTITY);
	assert_int_equal(sip_hdr_of(STR("Viaa")), SIP_H_OTHER);
	assert_int_equal(sip_hdr_of(STR("X")), SIP_H_SESSION_EXPIRES);
	assert_int_equal(sip_hdr_of(STR("z")), SIP_H_OTHER);
	assert_int_equal(sip_hdr_of(STR("A-Name-That-Is-Longer-Than-All")), SIP_H_OTHER);
}

static void every_method_is_known_by_its_exact_name(void **state)
{
	(void)state;
#define X(m) assert_int_equal(sip_method_of(sip_method_str(SIP_##m)), SIP_##m);
	SIP_METHODS(X)
#undef X
	assert_int_equal(sip_method_of(STR("invite")), SIP_METHOD_OTHER);
	assert_int_equal(sip_method_of(STR("INVITES")), SIP_METHOD_OTHER);
	assert_str(sip_method_str(SIP_METHOD_OTHER), "");
}

static void a_request_is_parsed_whole(void **state)
{
	struct world *w = *state;
	struct str raw = STR(
		"INVITE sip:+49301@sbc.example;user=phone SIP/2.0\r\n"
		"v: SIP/2.0/TLS 52.114.75.24:5061;branch=z9hG4bK1;rport;received=10.0.0.1, SIP/2.0/TCP h\r\n"
		"VIA: SIP/2.0/UDP third\r\n"
		"FROM: \"Ada\" <sip:+44@x>;tag=abc\r\nTO: <sip:+49301@sbc.example>\r\n"
		"CALL-ID: 1@2\r\nCSEQ: 4711 INVITE\r\nMAX-FORWARDS: 69\r\n"
		"Supported: timer , replaces\r\nk: 100rel\r\n"
		"Content-Type: application/sdp ; x=y\r\nContent-Length: 3\r\n\r\nv=0 trailing");

	assert_int_equal(parse(w, raw), OK);
	assert_true(w->m->request);
	assert_int_equal(w->m->method, SIP_INVITE);
	assert_str(w->m->uri.user, "+49301");
	assert_int_equal(w->m->nvia, 3);
	assert_str(w->m->via.transport, "TLS");
	assert_str(w->m->via.host, "52.114.75.24");
	assert_int_equal(w->m->via.port, 5061);
	assert_str(w->m->via.branch, "z9hG4bK1");
	assert_str(w->m->via.received, "10.0.0.1");
	assert_true(w->m->via.rport);
	assert_str(w->m->via.raw,
		   "SIP/2.0/TLS 52.114.75.24:5061;branch=z9hG4bK1;rport;received=10.0.0.1");
	assert_str(w->m->from.display, "Ada");
	assert_str(w->m->from_tag, "abc");
	assert_str(w->m->to_tag, NULL);
	assert_str(w->m->call_id, "1@2");
	assert_int_equal(w->m->cseq, 4711);
	assert_int_equal(w->m->cseq_method, SIP_INVITE);
	assert_int_equal(w->m->max_forwards, 69);
	assert_true(sip_body_is(&w->m->body, "application/SDP"));
	assert_str(w->m->body.bytes, "v=0");
	assert_int_equal(w->m->raw.n, raw.n - 9);
	assert_true(sip_hdr_has(w->m, SIP_H_SUPPORTED, "100REL"));
	assert_true(sip_hdr_has(w->m, SIP_H_SUPPORTED, "replaces"));
	assert_false(sip_hdr_has(w->m, SIP_H_SUPPORTED, "rep"));
	assert_str(sip_hdr(w->m, SIP_H_CONTACT), NULL);
}

static void a_response_is_parsed_whole(void **state)
{
	struct world *w = *state;

	assert_int_equal(parse(w, STR("\r\nSIP/2.0 180 Ringing now\r\n" VIA FROM
				      "To: <sip:c@d>;tag=2\r\n" CALLID CSEQ "\r\n")), OK);
	assert_false(w->m->request);
	assert_int_equal(w->m->status, 180);
	assert_str(w->m->phrase, "Ringing now");
	assert_int_equal(w->m->method, SIP_OPTIONS);
	assert_str(w->m->to_tag, "2");
	assert_int_equal(w->m->max_forwards, UINT32_MAX);
	assert_str(w->m->body.bytes, NULL);
	assert_int_equal(parse(w, STR("SIP/2.0 100\r\n" BASE "\r\n")), OK);
	assert_str(w->m->phrase, "");
}

static void values_of_one_header_are_walked_in_order(void **state)
{
	struct world *w = *state;
	const struct sip_hdr *h;

	assert_int_equal(parse(w, request(w, "OPTIONS", BASE "Route: <sip:1>\r\nX-A: b\r\n"
						"route: <sip:2>\r\nRoute:<sip:3>\r\n")), OK);
	h = sip_hdr_each(w->m, SIP_H_ROUTE, NULL);
	assert_str(h->value, "<sip:1>");
	h = sip_hdr_each(w->m, SIP_H_ROUTE, h);
	assert_str(h->value, "<sip:2>");
	h = sip_hdr_each(w->m, SIP_H_ROUTE, h);
	assert_str(h->value, "<sip:3>");
	assert_null(sip_hdr_each(w->m, SIP_H_ROUTE, h));
	assert_str(sip_hdr(w->m, SIP_H_OTHER), "b");
}

static void a_folded_header_comes_out_on_one_line(void **state)
{
	struct world *w = *state;

	assert_int_equal(parse(w, request(w, "OPTIONS", BASE
		"Subject : one\r\n\ttwo\r\n   three  \r\nX-B:\r\n \r\n")), OK);
	assert_str(sip_hdr(w->m, SIP_H_SUBJECT), "one  \ttwo     three");
	assert_str(sip_hdr(w->m, SIP_H_OTHER), "");
}

/* Each row breaks one thing; the phrase is what the other side reads. */
static void a_broken_request_is_refused_with_its_reason(void **state)
{
	static const struct { unsigned status; const char *phrase, *lines; } row[] = {
		{ 400, "Missing From", VIA TO CALLID CSEQ },
		{ 400, "Missing To", VIA FROM CALLID CSEQ },
		{ 400, "Missing Call-ID", VIA FROM TO CSEQ },
		{ 400, "Missing CSeq", VIA FROM TO CALLID },
		{ 400, "More than one From", BASE FROM },
		{ 400, "More than one To", BASE TO },
		{ 400, "More than one Call-ID", BASE CALLID },
		{ 400, "More than one CSeq", BASE CSEQ },
		{ 400, "More than one Max-Forwards", BASE "Max-Forwards: 1\r\nMax-Forwards: 1\r\n" },
		{ 400, "More than one Content-Length", BASE "l: 0\r\nContent-Length: 0\r\n" },
		{ 400, "More than one Content-Type", BASE "c: a/b\r\nContent-Type: a/b\r\n" },
		{ 400, "Bad From", VIA "From: \"x <sip:a@b>\r\n" TO CALLID CSEQ },
		{ 400, "Bad From", VIA "From: <sip:a@b>;tag=\r\n" TO CALLID CSEQ },
		{ 400, "Bad From", VIA "From: <sip:a@b>;tag=n\xff" "1\r\n" TO CALLID CSEQ },
		{ 400, "Bad To", VIA FROM "To: <sip:a@b>;tag=\xc3\xa4\r\n" CALLID CSEQ },
		{ 400, "Bad To", VIA FROM "To: <sip:a@b>, <sip:c@d>\r\n" CALLID CSEQ },
		{ 400, "Bad Call-ID", VIA FROM TO "Call-ID: a b\r\n" CSEQ },
		{ 400, "Missing Call-ID", VIA FROM TO "Call-ID:\r\n" CSEQ },
		{ 400, "Bad CSeq", VIA FROM TO CALLID "CSeq: 2147483648 OPTIONS\r\n" },
		{ 400, "Bad CSeq", VIA FROM TO CALLID "CSeq: OPTIONS\r\n" },
		{ 400, "Bad CSeq", VIA FROM TO CALLID "CSeq: 1\r\n" },
		{ 400, "Bad CSeq", VIA FROM TO CALLID "CSeq: 1 OPT IONS\r\n" },
		{ 400, "CSeq method is not the request's", VIA FROM TO CALLID "CSeq: 1 BYE\r\n" },
		{ 400, "Bad Max-Forwards", BASE "Max-Forwards: 256\r\n" },
		{ 400, "Bad Max-Forwards", BASE "Max-Forwards: -1\r\n" },
		{ 400, "Bad Content-Length", BASE "Content-Length: 1x\r\n" },
		{ 400, "Bad Content-Length", BASE "Content-Length: 4294967296\r\n" },
		{ 400, "Content-Length is larger than the message", BASE "Content-Length: 1\r\n" },
		{ 400, "Bad header line", BASE "no colon\r\n" },
		{ 400, "Bad header line", BASE ": value\r\n" },
		{ 400, "Bad header line", BASE "a b: value\r\n" },
		{ 400, "Control character", BASE "X: a\x01z\r\n" },
		{ 400, "Control character", BASE "X: a\x7fz-and-more\r\n" },
		{ 400, "Control character", BASE "X: a\rb\r\n" },
		{ 400, "Control character", BASE "X: a\\\rb\r\n" },
		{ 400, "Line without CRLF", BASE "X: a\nY: b\r\n" },
		{ 400, "Bad Via", "Via: SIP/2.0/UDP h;;\r\n" FROM TO CALLID CSEQ },
		{ 400, "Bad Via", "Via: SIP/2.0/UDP h;maddr=10.9.9.9ranch=z9hG4bK1\r\n" FROM TO CALLID CSEQ },
		{ 400, "Bad Via", "Via: SIP/2.0/UDP h;branch=z9hG4bK\xc3\xa4\r\n" FROM TO CALLID CSEQ },
		{ 400, "Bad Via", "Via: SIP/2.0/UDP h;a=\r\n" FROM TO CALLID CSEQ },
		{ 400, "Bad Via", "Via: SIP/2.0/UDP h;received=x\r\n" FROM TO CALLID CSEQ },
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		assert_int_equal(parse(w, request(w, "OPTIONS", row[i].lines)), ERR_PARSE);
		assert_string_equal(w->why.phrase, row[i].phrase);
		assert_int_equal(w->why.status, row[i].status);
		assert_non_null(w->m);
	}
}

static void a_broken_start_line_is_refused(void **state)
{
	static const struct { unsigned status; const char *line; } row[] = {
		{ 400, "OPTIONS  sip:a@b SIP/2.0" }, { 400, "OPTIONS sip:a@b  SIP/2.0 x" },
		{ 400, "OPTIONS <sip:a@b> SIP/2.0" }, { 400, "OPTIONS sip:a@b;x SIP" },
		{ 400, "OPTIONS sip:a@b" }, { 400, "OPTIONS" }, { 400, "OP:IONS sip:a@b SIP/2.0" },
		{ 400, "OPTIONS sip:a@b?X=y SIP/2.0" }, { 400, "OPTIONS sip:a@b HTTP/1.1" },
		{ 505, "OPTIONS sip:a@b SIP/3.0" }, { 505, "OPTIONS sip:a@b SIP/2.1" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		buf_reset(&w->text);
		buf_fmt(&w->text, "%s\r\n%s\r\n", row[i].line, BASE);
		assert_int_equal(parse(w, buf_str(&w->text)), ERR_PARSE);
		assert_int_equal(w->why.status, row[i].status);
	}
	assert_int_equal(parse(w, STR("OPTIONS sip:a@b sip/2.0 \r\n" BASE "\r\n")), OK);
}

static void what_cannot_be_answered_is_dropped(void **state)
{
	static const char *const row[] = {
		"SIP/2.0 99 Low\r\n" BASE "\r\n", "SIP/2.0 700 High\r\n" BASE "\r\n",
		"SIP/2.0 4294967301 Huge\r\n" BASE "\r\n", "SIP/2.0 200 OK\r\n" VIA FROM TO CALLID "\r\n",
		"ACK sip:a@b SIP/2.0\r\n" VIA FROM TO CALLID "CSeq: 1 INVITE\r\n\r\n",
		"OPTIONS sip:a@b SIP/2.0\r\n" FROM TO CALLID CSEQ "\r\n",
		"OPTIONS sip:a@b SIP/2.0\r\nVia: junk\r\n" FROM TO CALLID CSEQ "\r\n",
		"", "\r\n\r\n", "\r\n\r\n\r\n", "x", "OPTIONS sip:a@b SIP/2.0\r\n",
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		assert_int_equal(parse(w, str_of(row[i])), ERR_PARSE);
		assert_int_equal(w->why.status, 0);
		assert_null(w->m);
	}
}

static void a_message_without_its_empty_line_is_answered(void **state)
{
	struct world *w = *state;

	assert_int_equal(parse(w, STR("OPTIONS sip:a@b SIP/2.0\r\n" BASE)), ERR_PARSE);
	assert_string_equal(w->why.phrase, "No empty line after the header");
	assert_str(w->m->call_id, "x@y");
}

static void a_nul_may_stand_escaped_within_quotes_only(void **state)
{
	struct world *w = *state;

	assert_int_equal(parse(w, STR("OPTIONS sip:a@b SIP/2.0\r\n" VIA FROM
				      "To: \"NUL:\\\0 DEL:\\\x7f\" <sip:c@d>\r\n" CALLID CSEQ "\r\n")), OK);
	assert_int_equal(parse(w, STR("OPTIONS sip:a@b SIP/2.0\r\n" VIA FROM
				      "To: \"NUL:\0\" <sip:c@d>\r\n" CALLID CSEQ "\r\n")), ERR_PARSE);
	assert_string_equal(w->why.phrase, "Control character");
}

/* "Y: ", n letters, c instead of the one at. */
static enum err with_byte(struct world *w, size_t n, size_t at, unsigned char c)
{
	buf_reset(&w->text);
	buf_lit(&w->text, "OPTIONS sip:a@b SIP/2.0\r\n" BASE "Y: ");
	for (size_t i = 0; i < n; i++)
		buf_ch(&w->text, i == at ? (char)c : 'z');
	buf_lit(&w->text, "\r\n\r\n");
	arena_reset(&w->arena);
	return parse(w, buf_str(&w->text));
}

/* Lines are looked at many bytes at a time; what a byte does may not depend on where it stands. */
static void a_byte_does_the_same_at_every_place_of_a_line(void **state)
{
	struct world *w = *state;
	struct str v;

	for (size_t n = 1; n <= 35; n++)
		for (size_t at = 0; at < n; at++)
			for (unsigned c = 0; c < 256; c += n == 35 || c < 0x20 || c >= 0x7e ? 1 : 0x5e) {
				bool fine = (c >= 0x20 && c != 0x7f) || c == '\t';

				assert_int_equal(with_byte(w, n, at, (unsigned char)c), fine ? OK : ERR_PARSE);
				if (!fine)
					assert_string_equal(w->why.phrase, c == '\n' ? "Line without CRLF" :
							    "Control character");
				v = sip_hdr(w->m, SIP_H_OTHER);
				if (fine && ch_blank((char)c) && (at == 0 || at == n - 1))
					assert_int_equal(v.n, n - 1);
				else if (fine)
					assert_memory_equal(v.p, w->mem + w->text.n - 4 - n, n);
				else
					assert_null(v.p);
			}
}

static void a_name_ends_at_its_colon_wherever_that_stands(void **state)
{
	struct world *w = *state;
	const struct sip_hdr *h;

	for (unsigned n = 1; n <= 40; n++)
		for (unsigned blanks = 0; blanks <= 9; blanks++) {
			buf_reset(&w->text);
			buf_lit(&w->text, "OPTIONS sip:a@b SIP/2.0\r\n" BASE);
			for (unsigned i = 0; i < n; i++)
				buf_ch(&w->text, 'z');
			for (unsigned i = 0; i < blanks; i++)
				buf_ch(&w->text, i & 1 ? '\t' : ' ');
			buf_lit(&w->text, ":a:b\r\n\r\n");
			arena_reset(&w->arena);
			assert_int_equal(parse(w, buf_str(&w->text)), OK);
			h = sip_hdr_each(w->m, SIP_H_OTHER, NULL);
			assert_int_equal(h->name.n, n);
			assert_str(h->value, "a:b");
		}
	assert_int_equal(parse(w, request(w, "OPTIONS", BASE "Subject \t : blanks\r\n")), OK);
	assert_str(sip_hdr(w->m, SIP_H_SUBJECT), "blanks");
}

static void a_body_may_begin_with_a_blank(void **state)
{
	struct world *w = *state;

	assert_int_equal(parse(w, STR("OPTIONS sip:a@b SIP/2.0\r\n" BASE "\r\n x\r\n")), OK);
	assert_str(w->m->body.bytes, " x\r\n");
}

static void repeat(struct world *w, const char *line, unsigned n)
{
	buf_reset(&w->text);
	buf_lit(&w->text, "OPTIONS sip:a@b SIP/2.0\r\n" BASE);
	for (unsigned i = 0; i < n; i++)
		buf_lit(&w->text, line);
	buf_lit(&w->text, "\r\n");
	assert_true(buf_ok(&w->text));
}

static void every_cap_is_a_clear_refusal(void **state)
{
	static const struct { unsigned ok, status; const char *line; } row[] = {
		{ SIP_HDR_MAX - 5, 400, "X: y\r\n" },
		{ SIP_VIA_MAX - 1, 400, VIA },
		{ SIP_ROUTE_MAX, 400, "Route: <sip:x;lr>\r\n" },
		{ SIP_ROUTE_MAX / 2, 400, "Record-Route: <sip:x;lr>, <sip:y,z>\r\n" },
		{ SIP_CONTACT_MAX, 400, "Contact: \"a,b\" <sip:x>\r\n" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		repeat(w, row[i].line, row[i].ok);
		assert_int_equal(parse(w, buf_str(&w->text)), OK);
		repeat(w, row[i].line, row[i].ok + 1);
		assert_int_equal(parse(w, buf_str(&w->text)), ERR_LIMIT);
		assert_int_equal(w->why.status, row[i].status);
	}
}

/* BASE, then one header with a value of n bytes, then a body of `body` bytes. */
static struct str sized(struct world *w, size_t n, size_t body)
{
	buf_reset(&w->text);
	buf_lit(&w->text, "OPTIONS sip:a@b SIP/2.0\r\n" BASE "Y: ");
	for (size_t i = 0; i < n; i++)
		buf_ch(&w->text, 'x');
	buf_lit(&w->text, "\r\n\r\n");
	for (size_t i = 0; i < body; i++)
		buf_ch(&w->text, 'b');
	assert_true(buf_ok(&w->text));
	return buf_str(&w->text);
}

static void what_is_too_large_gets_513(void **state)
{
	struct world *w = *state;

	assert_int_equal(parse(w, sized(w, SIP_HDR_LINE_MAX - 3, SIP_BODY_MAX)), OK);
	assert_int_equal(parse(w, sized(w, SIP_HDR_LINE_MAX - 2, 0)), ERR_LIMIT);
	assert_int_equal(w->why.status, 513);
	assert_int_equal(parse(w, sized(w, 1, SIP_BODY_MAX + 1)), ERR_LIMIT);
	assert_int_equal(w->why.status, 513);
	assert_int_equal(parse(w, sized(w, 1, SIP_MSG_MAX)), ERR_LIMIT);
	assert_int_equal(w->why.status, 513);
	repeat(w, "X: 0123456789012345678901234567890123456789012345678901234567890123456789"
		  "0123456789012345678901234567890123456789012345678901234567890123456789"
		  "0123456789012345678901234567890123456789\r\n", 180);
	assert_int_equal(parse(w, buf_str(&w->text)), ERR_LIMIT);
	assert_int_equal(w->why.status, 513);
}

static void a_full_arena_is_an_error_and_no_more(void **state)
{
	struct world *w = *state;
	struct arena small;

	for (size_t cap = 0; cap < 4000; cap += 100) {
		enum err e;

		arena_init(&small, cap);
		w->m = NULL;
		e = sip_msg_parse(STR("OPTIONS sip:a@b SIP/2.0\r\n" BASE "X: a\r\n b\r\n\r\n"), &small,
				  &w->m, &w->why);
		assert_true(e == OK || e == ERR_LIMIT);
		arena_close(&small);
	}
}

/* Direct Routing: upper case, no To tag and no Contact in a 200 to OPTIONS; a Referred-By of
 * 2 KB; History-Info with escaped headers. */
static void what_teams_sends_is_taken(void **state)
{
	struct world *w = *state;
	struct sip_nameaddr na;
	struct str rest;
	char big[2600];
	struct buf b;

	assert_int_equal(parse(w, STR("SIP/2.0 200 OK\r\n"
		"FROM: <sip:sbc.example:5061>;tag=a1\r\nTO: <sip:sip.pstnhub.microsoft.com:5061>\r\n"
		"CSEQ: 7 OPTIONS\r\nCALL-ID: 4c7f\r\n"
		"VIA: SIP/2.0/TLS sbc.example:5061;branch=z9hG4bKx;alias\r\nCONTENT-LENGTH: 0\r\n"
		"ALLOW: INVITE,ACK,OPTIONS,CANCEL,BYE,NOTIFY\r\n\r\n")), OK);
	assert_true(sip_hdr_has(w->m, SIP_H_ALLOW, "NOTIFY"));
	buf_init(&b, big, sizeof big);
	buf_lit(&b, "<sip:sip.pstnhub.microsoft.com:5061;x-m=8:orgid:00000000;x-tt=aHR0cHM%3d");
	while (b.n < 2030)
		buf_ch(&b, 'A');
	buf_lit(&b, ">");
	assert_int_equal(sip_nameaddr_parse(buf_str(&b), &na, &rest), OK);
	assert_int_equal(na.uri.raw.n, b.n - 2);
	assert_int_equal(sip_nameaddr_parse(
		STR("<sip:+1425@sip.pstnhub.microsoft.com:5061;user=phone?Reason=SIP%3Bcause%3D302%3B"
		    "text%3D%22Moved%20temporarily%22>;index=1,<sip:x@y>;index=1.1"), &na, &rest), OK);
	assert_str(na.uri.headers, "Reason=SIP%3Bcause%3D302%3Btext%3D%22Moved%20temporarily%22");
	assert_str(rest, "<sip:x@y>;index=1.1");
}

static void a_via_is_taken_apart_wherever_blanks_stand(void **state)
{
	struct sip_via v;
	struct str rest;

	(void)state;
	assert_int_equal(sip_via_parse(STR("SIP  / 2.0  / TCP   a.b  : 5060  ; branch = z ;rport=9"
					   " ; x=\"a,\\\"b\" , SIP/2.0/UDP c"), &v, &rest), OK);
	assert_str(v.transport, "TCP");
	assert_str(v.host, "a.b");
	assert_int_equal(v.port, 5060);
	assert_str(v.branch, "z");
	assert_true(v.rport);
	assert_str(sip_param(v.params, "x"), "a,\\\"b");
	assert_int_equal(sip_via_parse(rest, &v, &rest), OK);
	assert_str(v.host, "c");
	assert_str(v.raw, "SIP/2.0/UDP c");
	assert_str(rest, NULL);
	assert_int_equal(sip_via_parse(STR("SIP/2.0/UDP [2001:db8::9:1]:7;received=[::1]"), &v, &rest), OK);
	assert_str(v.host, "2001:db8::9:1");
	assert_str(v.received, "::1");
	assert_int_equal(v.port, 7);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, up, down)

int run_msg(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_header_name_and_its_compact_form_is_known),
		cmocka_unit_test(every_method_is_known_by_its_exact_name),
		cmocka_unit_test(a_via_is_taken_apart_wherever_blanks_stand),
		CASE(a_request_is_parsed_whole),
		CASE(a_response_is_parsed_whole),
		CASE(values_of_one_header_are_walked_in_order),
		CASE(a_folded_header_comes_out_on_one_line),
		CASE(a_broken_request_is_refused_with_its_reason),
		CASE(a_broken_start_line_is_refused),
		CASE(what_cannot_be_answered_is_dropped),
		CASE(a_message_without_its_empty_line_is_answered),
		CASE(a_nul_may_stand_escaped_within_quotes_only),
		CASE(a_byte_does_the_same_at_every_place_of_a_line),
		CASE(a_name_ends_at_its_colon_wherever_that_stands),
		CASE(a_body_may_begin_with_a_blank),
		CASE(every_cap_is_a_clear_refusal),
		CASE(what_is_too_large_gets_513),
		CASE(a_full_arena_is_an_error_and_no_more),
		CASE(what_teams_sends_is_taken),
	};

	return cmocka_run_group_tests_name("msg", tests, NULL, NULL);
}
