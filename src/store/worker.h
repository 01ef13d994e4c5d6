/*
 * worker.h - the disk thread: takes jobs one by one, in order, and gives them back.
 * Knows nothing of what a job does.
 *
 * Owner:   a job belongs to the caller, to the worker between worker_post() and
 *          worker_take(), and to the caller again.
 * Threads: all functions from the loop's thread; run() is called on the disk thread.
 */
#ifndef STORE_WORKER_H
#define STORE_WORKER_H
#include "base/err.h"
#include "io/loop.h"

struct worker;

/* ready(ctx) as an input of the loop when jobs can be taken. ERR_IO: no thread. */
enum err worker_new(struct worker **out, struct loop *loop, void (*run)(void *ctx, void *job),
		    void (*ready)(void *ctx), void *ctx);
/* Runs what was posted to its end, then ends the thread. Jobs not taken are lost to the
 * caller: worker_take() them before the free and after worker_end(). NULL is fine. */
void worker_end(struct worker *w);
void worker_free(struct worker *w);
void worker_post(struct worker *w, void *job);	/* at most WORKER_MAX at once */
void *worker_take(struct worker *w);		/* NULL: none is done         */

enum { WORKER_MAX = 128 };

#endif
