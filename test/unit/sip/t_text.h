/* The groups of the text tests (parsers, writers, digest), for main.c. Each returns how many
 * failed. */
#ifndef T_TEXT_H
#define T_TEXT_H
#include "base/str.h"

int run_uri(void);
int run_msg(void);
int run_build(void);
int run_frame(void);
int run_digest(void);
int run_auth(void);
int run_login(void);
int run_locate(void);
int run_multipart(void);
int run_torture(void);
int run_events(void);
int run_glance(void);

static inline int run_text_groups(void)
{
	return run_uri() + run_msg() + run_build() + run_frame() + run_digest() + run_auth() + run_login() +
	       run_locate() +
	       run_multipart() + run_events() + run_glance() + run_torture();
}

/* Is the slice this text? A NULL text means absent. */
#define assert_str(s, z) assert_true(str_like(s, z))

/* Says what it found when it is not. */
bool str_like(struct str s, const char *z);

#endif
