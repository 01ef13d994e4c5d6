/* t_logsink.c - lines go out by a thread; a reader that sleeps, or is gone, stops nobody. */
#include "t_io.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "io/logsink.h"

struct world {
	struct logsink *s;
	int fd[2];
	char text[LOGSINK_BYTES + 2 * 65536];	/* the ring, the pipe, and what is told in the end */
	size_t n;
};

static void up(struct world *w)
{
	assert_int_equal(pipe(w->fd), 0);
	assert_int_equal(logsink_new(&w->s, w->fd[1]), OK);
	w->n = 0;
}

static void say(struct world *w, unsigned lines)
{
	for (unsigned i = 0; i < lines; i++)
		logsink_line(w->s, LOG_WARN, STR("the same forty characters, again and so on"));
}

/* Reads until the text is there, or the writer is gone. */
static bool reads(struct world *w, const char *want)
{
	w->text[w->n] = 0;
	while (!strstr(w->text, want)) {
		ssize_t k = read(w->fd[0], w->text + w->n, sizeof w->text - 1 - w->n);

		if (k <= 0)
			return false;
		w->n += (size_t)k;
		w->text[w->n] = 0;
	}
	return true;
}

static void a_line_arrives_with_its_level(void **state)
{
	static struct world w;

	(void)state;
	up(&w);
	logsink_line(w.s, LOG_ERROR, STR("first"));
	logsink_line(w.s, LOG_INFO, STR("second"));
	assert_true(reads(&w, "error: first\ninfo: second\n"));
	logsink_free(w.s);
	(void)close(w.fd[0]);
	(void)close(w.fd[1]);
}

static void who_does_not_read_loses_lines_and_is_told_how_many(void **state)
{
	static struct world w;
	uint64_t lost, said = 0;
	const char *told;

	(void)state;
	up(&w);
	say(&w, 20000);				/* a megabyte: pipe and ring are full */
	lost = logsink_lost(w.s);
	assert_true(lost > 10000 && lost < 20000);
	assert_true(reads(&w, "log lines were lost here"));
	told = strstr(w.text, "warn: 1");	/* five digits, as above */
	assert_non_null(told);
	told += strlen("warn: ");
	assert_int_equal(str_u64(str_sub(str_of(told), 0, strcspn(told, " ")), UINT64_MAX, &said), OK);
	assert_int_equal(said, lost);
	logsink_line(w.s, LOG_INFO, STR("and on it goes"));
	assert_true(reads(&w, "info: and on it goes\n"));
	assert_int_equal(logsink_lost(w.s), lost);
	logsink_free(w.s);
	(void)close(w.fd[0]);
	(void)close(w.fd[1]);
}

static void a_sleeping_reader_does_not_keep_the_process(void **state)
{
	static struct world w;

	(void)state;
	up(&w);
	say(&w, 20000);
	logsink_free(w.s);			/* comes back */
	(void)close(w.fd[0]);
	(void)close(w.fd[1]);
}

static void a_reader_that_is_gone_costs_lines_only(void **state)
{
	static struct world w;

	(void)state;
	assert_true(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	up(&w);
	(void)close(w.fd[0]);
	say(&w, 100);
	while (logsink_lost(w.s) < 100)
		say(&w, 1);
	logsink_free(w.s);
	(void)close(w.fd[1]);
}

int run_logsink(void)
{
	const struct CMUnitTest t[] = {
		cmocka_unit_test(a_line_arrives_with_its_level),
		cmocka_unit_test(who_does_not_read_loses_lines_and_is_told_how_many),
		cmocka_unit_test(a_sleeping_reader_does_not_keep_the_process),
		cmocka_unit_test(a_reader_that_is_gone_costs_lines_only),
	};

	return cmocka_run_group_tests(t, NULL, NULL);
}
