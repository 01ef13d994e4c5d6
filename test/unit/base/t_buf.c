/* t_buf.c - the bounded writer. */
#include "t_base.h"

#include "base/buf.h"

static void what_fits_is_written(void **state)
{
	char m[64];
	struct buf b;

	(void)state;
	buf_init(&b, m, sizeof m);
	buf_lit(&b, "a");
	buf_ch(&b, '=');
	buf_u64(&b, 18446744073709551615u);
	buf_put(&b, STR(";"));
	buf_hex(&b, "\x00\xff", 2);
	buf_fmt(&b, "%s-%d", "x", -4);
	assert_true(buf_ok(&b));
	assert_string_equal(buf_z(&b), "a=18446744073709551615;00ffx--4");
	buf_reset(&b);
	buf_u64(&b, 0);
	assert_str(buf_str(&b), "0");
}

static void a_full_buffer_stays_full_and_whole(void **state)
{
	char m[5];
	struct buf b;

	(void)state;
	buf_init(&b, m, 4);
	m[4] = 'G';
	buf_lit(&b, "abc");
	buf_lit(&b, "de");			/* does not fit: nothing of it is written */
	buf_ch(&b, 'x');			/* would fit, but the chain is broken     */
	assert_false(buf_ok(&b));
	assert_str(buf_str(&b), "abc");
	assert_string_equal(buf_z(&b), "");
	assert_int_equal(m[4], 'G');
	buf_reset(&b);
	assert_true(buf_ok(&b));
}

static void the_last_byte_can_be_used_but_then_there_is_no_nul(void **state)
{
	char m[3];
	struct buf b;

	(void)state;
	buf_init(&b, m, 3);
	buf_lit(&b, "abc");
	assert_true(buf_ok(&b));
	assert_string_equal(buf_z(&b), "");
	buf_init(&b, m, 3);
	buf_fmt(&b, "%s", "abc");		/* printf needs its NUL too */
	assert_false(buf_ok(&b));
	buf_init(&b, m, 0);
	assert_string_equal(buf_z(&b), "");
}

static void bytes_for_people_show_what_is_not_text(void **state)
{
	char m[64];
	struct buf b;

	(void)state;
	buf_init(&b, m, sizeof m);
	buf_safe(&b, (struct str)STR_INIT("a\n\0\x7f\xc3"));
	assert_string_equal(buf_z(&b), "a\\x0a\\x00\\x7f\\xc3");
}

int run_buf(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_fits_is_written),
		cmocka_unit_test(a_full_buffer_stays_full_and_whole),
		cmocka_unit_test(the_last_byte_can_be_used_but_then_there_is_no_nul),
		cmocka_unit_test(bytes_for_people_show_what_is_not_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
