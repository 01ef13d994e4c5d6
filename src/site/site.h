/*
 * site.h - people and numbers as a file (site.yaml): users, phones, lines, partitions,
 * calling search spaces, route patterns, remote destination profiles and remote
 * destinations. Read whole, checked whole, turned into a directory snapshot.
 *
 * Errors: NULL and findings; nothing of a faulty file is used.
 * Passwords become HA1 (MD5 and SHA-256) with the machine's realm and are wiped.
 * Threads: any; site_read() touches nothing shared.
 */
#ifndef SITE_SITE_H
#define SITE_SITE_H
#include "conf/config.h"
#include "directory/directory.h"

enum { SITE_BYTES_MAX = 32 << 20 };

/* The snapshot of this text; the caller owns it. */
struct directory *site_read(struct str text, const char *file, const struct config *c,
			    struct findings *fs);
/* A snapshot without people, for a machine that has no site yet. */
struct directory *site_empty(const struct config *c);
/* The option tables of site.yaml as Markdown (doc/site.yaml.md). */
void site_options_doc(struct buf *b);

#endif
