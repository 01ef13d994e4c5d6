#include "store/worker.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"

/* One writer, one reader, no lock: the writer owns head, the reader owns tail. */
struct lane {
	_Atomic uint32_t head, tail;
	void *job[WORKER_MAX];
	int fd;				/* eventfd: there is something */
};

struct worker {
	struct lane down, up;
	struct loop_watch *watch;
	struct loop *loop;
	pthread_t thread;
	bool running;
	void (*run)(void *ctx, void *job);
	void (*ready)(void *ctx);
	void *ctx;
};

static void lane_put(struct lane *l, void *job)
{
	uint32_t head = atomic_load_explicit(&l->head, memory_order_relaxed);
	uint64_t one = 1;
	ssize_t n;

	assert(head - atomic_load_explicit(&l->tail, memory_order_acquire) < WORKER_MAX);
	l->job[head % WORKER_MAX] = job;
	atomic_store_explicit(&l->head, head + 1, memory_order_release);
	do
		n = write(l->fd, &one, sizeof one);
	while (n < 0 && errno == EINTR);
}

static bool lane_take(struct lane *l, void **job)
{
	uint32_t tail = atomic_load_explicit(&l->tail, memory_order_relaxed);

	if (atomic_load_explicit(&l->head, memory_order_acquire) == tail)
		return false;
	*job = l->job[tail % WORKER_MAX];
	atomic_store_explicit(&l->tail, tail + 1, memory_order_release);
	return true;
}

/* Waits (a blocking descriptor) or only clears the count (a non-blocking one). */
static void lane_wait(struct lane *l)
{
	uint64_t n;
	ssize_t got;

	do
		got = read(l->fd, &n, sizeof n);
	while (got < 0 && errno == EINTR);
}

static void *disk_thread(void *arg)
{
	struct worker *w = arg;
	void *job;

	for (;;) {
		lane_wait(&w->down);
		while (lane_take(&w->down, &job)) {
			if (!job)
				return NULL;	/* worker_end() */
			w->run(w->ctx, job);
			lane_put(&w->up, job);
		}
	}
}

static void on_up(void *arg)
{
	struct worker *w = arg;

	lane_wait(&w->up);
	w->ready(w->ctx);
}

/* Signals are for the loop's thread. */
static enum err start_thread(struct worker *w)
{
	sigset_t all, old;
	int failed;

	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);	/* cannot fail */
	failed = pthread_create(&w->thread, NULL, disk_thread, w);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);	/* cannot fail */
	w->running = !failed;
	return failed ? ERR_IO : OK;
}

enum err worker_new(struct worker **out, struct loop *loop, void (*run)(void *ctx, void *job),
		    void (*ready)(void *ctx), void *ctx)
{
	struct worker *w = mem_new(sizeof *w);
	enum err e = ERR_IO;

	w->loop = loop;
	w->run = run;
	w->ready = ready;
	w->ctx = ctx;
	w->up.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w->down.fd = eventfd(0, EFD_CLOEXEC);
	if (w->up.fd >= 0 && w->down.fd >= 0) {
		w->watch = loop_watch(loop, w->up.fd, on_up, w);
		e = start_thread(w);
	}
	if (e) {
		worker_free(w);
		return e;
	}
	*out = w;
	return OK;
}

void worker_end(struct worker *w)
{
	if (!w || !w->running)
		return;
	lane_put(&w->down, NULL);
	(void)pthread_join(w->thread, NULL);	/* it was made by us */
	w->running = false;
}

void worker_free(struct worker *w)
{
	if (!w)
		return;
	worker_end(w);
	if (w->watch)
		loop_unwatch(w->watch);
	if (w->up.fd >= 0)
		(void)close(w->up.fd);		/* nothing was written to a file */
	if (w->down.fd >= 0)
		(void)close(w->down.fd);
	mem_free(w);
}

void worker_post(struct worker *w, void *job)
{
	assert(job);
	lane_put(&w->down, job);
}

void *worker_take(struct worker *w)
{
	void *job;

	return lane_take(&w->up, &job) ? job : NULL;
}
