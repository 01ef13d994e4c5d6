#include "io/logsink.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

enum { LINE_MAX_ = 1100, TOLD_MAX = 160 };

struct logsink {
	_Atomic uint64_t head, tail;	/* positions that only grow; head is the loop's */
	_Atomic uint64_t lost;
	_Atomic bool ending;
	uint64_t told;			/* of lost; the thread's */
	int fd, wake, done;		/* wake: rung by the loop; done: by the thread, at its end */
	bool running;
	pthread_t thread;
	char ring[LOGSINK_BYTES];
};

static uint64_t lines_in(const char *p, size_t n)
{
	uint64_t lines = 0;

	for (size_t i = 0; i < n; i++)
		lines += p[i] == '\n';
	return lines;
}

/* All of it, however long that takes; false: the descriptor does not want it. */
static bool write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t k = write(fd, p, n);

		if (k > 0) {
			p += k;
			n -= (size_t)k;
		} else if (k < 0 && errno == EAGAIN) {
			/* somebody made it non-blocking; a failure shows itself at the write */
			(void)poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, -1);
		} else if (k == 0 || errno != EINTR) {
			return false;
		}
	}
	return true;
}

static void tell_lost(struct logsink *s)
{
	uint64_t lost = atomic_load(&s->lost);
	char text[TOLD_MAX];
	int n;

	if (lost == s->told)
		return;
	n = snprintf(text, sizeof text, "warn: %llu log lines were lost here: the log was not read, or could not be written. Check what reads it.\n",
		     (unsigned long long)(lost - s->told));
	if (n > 0 && write_all(s->fd, text, (size_t)n))
		s->told = lost;
}

/* What is there now, up to the ring's end. */
static bool write_some(struct logsink *s)
{
	uint64_t tail = atomic_load_explicit(&s->tail, memory_order_relaxed);
	uint64_t head = atomic_load_explicit(&s->head, memory_order_acquire);
	size_t off = (size_t)(tail % LOGSINK_BYTES), n = (size_t)(head - tail);

	if (!n)
		return false;
	if (n > LOGSINK_BYTES - off)
		n = LOGSINK_BYTES - off;
	if (!write_all(s->fd, s->ring + off, n))
		(void)atomic_fetch_add(&s->lost, lines_in(s->ring + off, n));
	atomic_store_explicit(&s->tail, tail + n, memory_order_release);
	return true;
}

static void ring_bell(int fd)
{
	uint64_t one = 1;
	ssize_t n;

	do
		n = write(fd, &one, sizeof one);
	while (n < 0 && errno == EINTR);
}

static void *log_thread(void *arg)
{
	struct logsink *s = arg;
	uint64_t n;

	do {
		if (read(s->wake, &n, sizeof n) < 0 && errno != EINTR)
			break;		/* an eventfd of our own: cannot be */
		while (write_some(s))
			;
		tell_lost(s);
	} while (!atomic_load(&s->ending));
	ring_bell(s->done);
	return NULL;
}

/* Signals are for the loop's thread. */
static enum err start(struct logsink *s)
{
	sigset_t all, old;
	int failed;

	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);	/* cannot fail */
	failed = pthread_create(&s->thread, NULL, log_thread, s);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);	/* cannot fail */
	s->running = !failed;
	return failed ? ERR_IO : OK;
}

enum err logsink_new(struct logsink **out, int fd)
{
	struct logsink *s = mem_new(sizeof *s);
	enum err e;

	s->fd = fd;
	s->wake = eventfd(0, EFD_CLOEXEC);
	s->done = eventfd(0, EFD_CLOEXEC);
	e = s->wake < 0 || s->done < 0 ? ERR_IO : start(s);
	if (e) {
		logsink_free(s);
		return e;
	}
	*out = s;
	return OK;
}

/* A reader that sleeps gets its time; then the thread is taken out of its write. */
static void end(struct logsink *s)
{
	struct pollfd p = { .fd = s->done, .events = POLLIN };

	atomic_store(&s->ending, true);
	ring_bell(s->wake);
	if (poll(&p, 1, LOGSINK_END_MS) <= 0)
		(void)pthread_cancel(s->thread);	/* of this process: cannot fail */
	(void)pthread_join(s->thread, NULL);	/* it was made by us */
}

void logsink_free(struct logsink *s)
{
	if (!s)
		return;
	if (s->running)
		end(s);
	if (s->wake >= 0)
		(void)close(s->wake);		/* nothing was written to a file */
	if (s->done >= 0)
		(void)close(s->done);		/* likewise */
	mem_free(s);
}

static void copy_in(struct logsink *s, uint64_t at, struct str text)
{
	size_t off = (size_t)(at % LOGSINK_BYTES), first = LOGSINK_BYTES - off;

	if (first > text.n)
		first = text.n;
	memcpy(s->ring + off, text.p, first);
	memcpy(s->ring, text.p + first, text.n - first);
}

void logsink_line(void *ctx, enum log_level level, struct str line)
{
	struct logsink *s = ctx;
	uint64_t head = atomic_load_explicit(&s->head, memory_order_relaxed);
	uint64_t tail = atomic_load_explicit(&s->tail, memory_order_acquire);
	char mem[LINE_MAX_];
	struct buf b;

	buf_init(&b, mem, sizeof mem);
	buf_fmt(&b, "%s: ", log_level_str(level));
	buf_put(&b, str_sub(line, 0, 1000));
	buf_ch(&b, '\n');
	if (LOGSINK_BYTES - (head - tail) < b.n) {
		(void)atomic_fetch_add(&s->lost, 1);
		return;			/* the thread is in its write: it will tell */
	}
	copy_in(s, head, buf_str(&b));
	atomic_store_explicit(&s->head, head + b.n, memory_order_release);
	ring_bell(s->wake);
}

uint64_t logsink_lost(const struct logsink *s)
{
	return s ? atomic_load(&s->lost) : 0;
}
