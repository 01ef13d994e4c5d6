/* t_summary.c - message summaries, good and bad. */
#include "t_service.h"

#include <string.h>

#include "service/summary.h"

static void the_example_of_the_rfc_is_read_and_written_without_its_mailbox(void **x)
{
	struct summary s;
	char text[400];
	struct buf b;

	(void)x;
	assert_int_equal(summary_parse(STR("Messages-Waiting: yes\r\nMessage-Account: sip:alice@vmail.example.com\r\n"
					   "Voice-Message: 2/8 (0/2)\r\n\r\nTo: <alice@atlanta.example.com>\r\n"), &s), OK);
	assert_true(s.waiting);
	assert_int_equal(s.count[SUMMARY_VOICE].fresh, 2);
	assert_int_equal(s.count[SUMMARY_VOICE].urgent_old, 2);
	buf_init(&b, text, sizeof text);
	summary_write(&b, &s);
	assert_string_equal(buf_z(&b), "Messages-Waiting: yes\r\nVoice-Message: 2/8 (0/2)\r\n");
}

static void what_cucm_sends_is_enough(void **x)
{
	struct summary s;

	(void)x;
	assert_int_equal(summary_parse(STR("Messages-Waiting: no\r\n"), &s), OK);
	assert_false(s.waiting);
	assert_int_equal(summary_parse(STR("messages-waiting:YES"), &s), OK);
	assert_true(s.waiting);
	assert_int_equal(summary_parse(STR("Messages-Waiting: yes\nFax-Message: 4294967295/0\n"), &s), OK);
	assert_int_equal(s.count[SUMMARY_FAX].fresh, UINT32_MAX);
}

static void what_is_none_is_refused(void **x)
{
	static const char *const bad[] = { "", "\r\n", "Voice-Message: 1/0\r\n", "Messages-Waiting: maybe\r\n",
		"Messages-Waiting: yes\r\nMessages-Waiting: no\r\n", "Messages-Waiting yes\r\n",
		"Messages-Waiting: yes\r\nVoice-Message: 1\r\n", "Messages-Waiting: yes\r\nVoice-Message: 1/x\r\n",
		"Messages-Waiting: yes\r\nVoice-Message: 4294967296/0\r\n",
		"Messages-Waiting: yes\r\nVoice-Message: 1/0 (1/0\r\n", "Messages-Waiting: yes\r\nVoice-Message: 1/0 (\r\n" };
	struct summary s;
	char text[1000] = "Messages-Waiting: yes\n";

	(void)x;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(summary_parse(str_of(bad[i]), &s), ERR_PARSE);
	for (int i = 0; i < SUMMARY_LINES; i++)
		memcpy(text + strlen(text), "a:b\n", 5);
	assert_int_equal(summary_parse(str_of(text), &s), ERR_LIMIT);
}

int run_summary(void)
{
	const struct CMUnitTest t[] = {
		cmocka_unit_test(the_example_of_the_rfc_is_read_and_written_without_its_mailbox),
		cmocka_unit_test(what_cucm_sends_is_enough),
		cmocka_unit_test(what_is_none_is_refused),
	};

	return cmocka_run_group_tests_name("summary", t, NULL, NULL);
}
