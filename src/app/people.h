/*
 * people.h - users, lines and numbers in the server: loaded at start, replaced by `apply`.
 * Owner: the server. Threads: the loop's; building a snapshot from a file runs as a job.
 */
#ifndef APP_PEOPLE_H
#define APP_PEOPLE_H
#include "app/server_int.h"

/* Before the loop runs: from the store, or the configured site file when the store is empty. */
enum err people_load(struct server *s, struct buf *why);
/* The three steps of api/env.h. */
void *people_apply_new(void *ctx, struct str text, const char *file);
enum err people_apply_run(struct db *db, void *job);
void people_apply_end(void *ctx, void *job, struct findings *fs);
enum err people_export(void *ctx, struct buf *out);

#endif
