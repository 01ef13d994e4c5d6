/*
 * check.h - `tandem check`: every mistake of both files in one run, FILE:LINE:COL, what is
 * wrong and the mend.
 */
#ifndef APP_CHECK_H
#define APP_CHECK_H
#include "base/buf.h"
#include "conf/config.h"

/* site NULL: the one the configuration names, if any. Returns the number of findings, at most
 * 100; 0: none. */
int check_main(const char *config, const char *site);
/* Can the music file be played? *why: a sentence with the file's name. */
enum err check_music(const struct config *c, struct buf *why);
/* doc/tandem.yaml.md: every setting of tandem.yaml, and what the profiles set. */
void check_config_doc(struct buf *b);
/* doc/site.yaml.md: every setting of a site file. */
void check_site_doc(struct buf *b);

#endif
