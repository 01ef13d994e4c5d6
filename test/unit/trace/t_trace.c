/* t_trace.c - the ladder, the recorder and the capture. */
#include "t_trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace/ladder.h"
#include "trace/pcapng.h"
#include "trace/recorder.h"

static const char invite[] =
	"INVITE sip:2001@192.0.2.1;user=phone SIP/2.0\r\n"
	"Via: SIP/2.0/UDP 192.0.2.9\r\n"
	"CALL-ID : abc@host \r\n"
	"CSeq: 1 INVITE\r\n"
	"Content-Type: application/sdp\r\n"
	"\r\n"
	"Call-ID: wrong\r\n";
static const char busy[] =
	"SIP/2.0 486 Busy Here\r\ni: abc@host\r\nCSeq: 1 INVITE\r\n"
	"Reason: Q.850;cause=17\r\n\r\n";

static struct addr pbx, us;

static struct tap *up(void)
{
	assert_int_equal(addr_parse(STR("192.0.2.9:5060"), 0, &pbx), OK);
	assert_int_equal(addr_parse(STR("192.0.2.1:5060"), 0, &us), OK);
	return tap_new(65536);
}

static void sip(struct tap *t, uint64_t mono, bool out, const char *text)
{
	struct recorder_at at = { .wall = 1700000000000 + (int64_t)mono, .mono = mono };
	struct recorder_path p = { .out = out, .proto = TAP_TLS, .local = &us, .peer = &pbx };

	recorder_sip(t, &at, &p, str_of(text));
}

static void the_call_id_is_found_in_all_its_spellings(void **state)
{
	(void)state;
	assert_true(str_is(recorder_call_id(str_of(invite)), "abc@host"));
	assert_true(str_is(recorder_call_id(str_of(busy)), "abc@host"));
	assert_null(recorder_call_id(STR("OPTIONS sip:a SIP/2.0\r\n\r\nCall-ID: body\r\n")).p);
	assert_null(recorder_call_id(STR("")).p);
	assert_null(recorder_call_id(STR("Call-ID: start line")).p);
	assert_true(str_is(recorder_call_id(STR("x\nCALL-id:q")), "q"));
}

static const char *const names[] = { "pbx1" };

static const char *name_of(void *ctx, const struct addr *a)
{
	(void)ctx;
	return addr_same_ip(a, &pbx) ? names[0] : NULL;
}

static const char *drawn(struct tap *t, uint64_t call)
{
	static char mem[8192];
	struct ladder l;
	struct buf b;

	buf_init(&b, mem, sizeof mem);
	ladder_start(&l, t, call, name_of, NULL);
	while (ladder_line(&l, &b))
		;
	return buf_z(&b);
}

static void a_ladder_shows_who_said_what_when_and_why(void **state)
{
	struct recorder_at at = { .wall = 1, .mono = 5010, .call = 7 };
	struct reason why = REASON(BUSY, STR("Adele\n"));
	struct tap *t = up();

	(void)state;
	sip(t, 5000, false, invite);
	tap_bind(t, 7, tap_key(STR("abc@host")));
	recorder_reason(t, &at, &why);
	sip(t, 6234, true, busy);
	assert_string_equal(drawn(t, 7),
		"+0.000     pbx1                   -> tandem                 INVITE 2001 [sdp]\n"
		"+0.010                               Adele\\x0a is busy.\n"
		"+1.234     tandem                 -> pbx1                   486 Busy Here (INVITE)"
		"  Reason: Q.850;cause=17\n");
	tap_free(t);
}

static void secrets_are_not_drawn(void **state)
{
	struct tap *t = up();
	struct tap_entry e = { .call = 7, .kind = TAP_KEY, .bytes = STR("CLIENT_RANDOM 00 11\n") };

	(void)state;
	tap_put(t, &e);
	assert_string_equal(drawn(t, 7), "");
	tap_free(t);
}

static void odd_messages_are_drawn_without_harm(void **state)
{
	static const char *const odd[] = {
		"", "\r\n", "X", "SIP/2.0", "SIP/2.0 ", "SIP/2.0 abc def", "SIP/2.0 9999 x",
		"INVITE ", "INVITE sip: SIP/2.0", "INVITE tel:+1;x SIP/2.0", "INVITE a@b SIP/2.0",
		"\x01\x02\xff \xfe\r\nCSeq:\r\nCSeq: 1\r\n:\r\nReason:", "A sip:@:;? B\n\n",
	};
	struct tap *t = up();

	(void)state;
	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
		sip(t, i, i % 2, odd[i]);
	for (const char *p = drawn(t, 0); *p; p++)
		assert_true(*p == '\n' || (*p >= ' ' && *p <= '~'));
	tap_free(t);
}

static void the_target_of_a_request_is_its_user_or_host(void **state)
{
	static const struct { const char *line, *target; } c[] = {
		{ "INVITE sip:2001@h SIP/2.0", "2001" },
		{ "INVITE sip:+1425;phone-context=x@h:5061 SIP/2.0", "+1425" },
		{ "INVITE sip:anna:secret@h SIP/2.0", "anna" },
		{ "INVITE sips:anna:se;cret@h SIP/2.0", "anna" },
		{ "INVITE sip:anna;x=y:secret@h SIP/2.0", "anna" },
		{ "OPTIONS sip:h:5061;transport=tls SIP/2.0", "h:5061" },
		{ "INVITE tel:+1425;ext=3 SIP/2.0", "+1425" },
		{ "INVITE sips:h?x=y SIP/2.0", "h" },
		{ "INVITE nonsense SIP/2.0", "nonsense" },
	};
	struct ladder_step s;

	(void)state;
	for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
		struct tap_entry e = { .kind = TAP_SIP, .bytes = str_of(c[i].line) };

		ladder_step(&e, 0, &s);
		assert_true(s.request);
		assert_true(str_is(s.target, c[i].target));
	}
}

/* ---- pcapng ---- */

static uint32_t le32(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;

	return (uint32_t)u[0] | (uint32_t)u[1] << 8 | (uint32_t)u[2] << 16 | (uint32_t)u[3] << 24;
}

/* Types of the blocks; every length must be there twice and lead to the next block. */
static const char *blocks(struct str s)
{
	static char text[256];

	text[0] = 0;
	while (s.n) {
		uint32_t n;

		assert_true(s.n >= 12);
		n = le32(s.p + 4);
		assert_true(n % 4 == 0 && n >= 12 && n <= s.n);
		assert_int_equal(le32(s.p + n - 4), n);
		snprintf(text + strlen(text), sizeof text - strlen(text), "%x ", le32(s.p));
		s = str_sub(s, n, s.n - n);
	}
	return text;
}

static struct str capture(struct tap *t, bool keys, char *mem, size_t cap)
{
	struct tap_entry e;
	struct tap_walk w;
	struct buf b;

	buf_init(&b, mem, cap);
	pcapng_start(&b);
	assert_true(b.n <= PCAPNG_HEAD);
	tap_walk(&w, t, 0);
	while (tap_next(&w, &e)) {
		size_t before = b.n;

		pcapng_entry(&b, &e, keys);
		assert_true(b.n - before <= PCAPNG_ROOM(e.bytes.n));
	}
	assert_true(buf_ok(&b));
	return buf_str(&b);
}

static void a_capture_is_a_chain_of_whole_blocks(void **state)
{
	struct tap_entry key = { .kind = TAP_KEY, .bytes = STR("CLIENT_RANDOM 00 11\n") };
	static char mem[16384];
	struct tap *t = up();

	(void)state;
	sip(t, 1, false, invite);
	sip(t, 2, true, busy);
	tap_note(t, 3, 3, 7, 0, STR("a note"));
	tap_put(t, &key);
	assert_string_equal(blocks(capture(t, false, mem, sizeof mem)), "a0d0d0a 1 6 6 6 ");
	assert_string_equal(blocks(capture(t, true, mem, sizeof mem)), "a0d0d0a 1 6 6 6 a ");
	tap_free(t);
}

static unsigned sum16(const unsigned char *p, size_t n, uint32_t sum)
{
	for (size_t i = 0; i < n; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void checksums_are_right_for_both_families(void **state)
{
	static const char *const ends[][2] = {
		{ "192.0.2.9:5060", "192.0.2.1:5061" }, { "[2001:db8::9]:5060", "[2001:db8::1]:5061" },
	};
	char mem[2048];
	struct buf b;

	(void)state;
	for (int v = 0; v < 2; v++) {
		struct tap_entry e = { .kind = TAP_SIP, .dir = TAP_OUT, .bytes = STR("odd") };
		const unsigned char *ip;
		size_t head = v ? 40 : 20, addrs = v ? 8 : 12;

		assert_int_equal(addr_parse(str_of(ends[v][0]), 0, &e.local), OK);
		assert_int_equal(addr_parse(str_of(ends[v][1]), 0, &e.peer), OK);
		buf_init(&b, mem, sizeof mem);
		pcapng_entry(&b, &e, false);
		ip = (const unsigned char *)mem + 28;
		assert_int_equal(ip[0] >> 4, v ? 6 : 4);
		if (!v)
			assert_int_equal(sum16(ip, 20, 0), 0xffff);
		/* pseudo header: both addresses, protocol and length */
		assert_int_equal(sum16(ip + addrs, head - addrs + 8 + 3, 17 + 8 + 3), 0xffff);
	}
}

static void a_capture_is_written_for_the_independent_reader(void **state)
{
	const char *file = getenv("TANDEM_PCAPNG");
	static char mem[16384];
	struct tap *t = up();
	struct str s;
	FILE *f;

	(void)state;
	if (!file) {
		tap_free(t);
		skip();
	}
	sip(t, 1, false, invite);
	sip(t, 2, true, busy);
	tap_note(t, 1700000000003, 3, 7, 0, STR("a note"));
	s = capture(t, true, mem, sizeof mem);
	f = fopen(file, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(s.p, 1, s.n, f), s.n);
	fclose(f);
	tap_free(t);
}

int run_trace(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_call_id_is_found_in_all_its_spellings),
		cmocka_unit_test(a_ladder_shows_who_said_what_when_and_why),
		cmocka_unit_test(secrets_are_not_drawn),
		cmocka_unit_test(odd_messages_are_drawn_without_harm),
		cmocka_unit_test(the_target_of_a_request_is_its_user_or_host),
		cmocka_unit_test(a_capture_is_a_chain_of_whole_blocks),
		cmocka_unit_test(checksums_are_right_for_both_families),
		cmocka_unit_test(a_capture_is_written_for_the_independent_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
