/*
 * people.h - users, lines and numbers in the server: loaded at start, replaced by `apply`.
 * Owner: the server. Threads: the loop's; building a snapshot from a file runs as a job.
 */
#ifndef APP_PEOPLE_H
#define APP_PEOPLE_H
#include "app/server_int.h"

/* Before the loop runs: from the store, or the configured site file when the store is empty. */
enum err people_load(struct server *s, struct buf *why);
void people_apply(void *ctx, struct str text, const char *file,
		  void (*done)(void *arg, const struct findings *fs), void *arg);
enum err people_export(void *ctx, struct buf *out);

#endif
