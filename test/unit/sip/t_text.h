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
int run_multipart(void);
int run_torture(void);

static inline int run_text_groups(void)
{
	return run_uri() + run_msg() + run_build() + run_frame() + run_digest() + run_auth() +
	       run_multipart() + run_torture();
}

/* Is the slice this text? A NULL text means absent. */
#define assert_str(s, z) do { \
	struct str as_ = (s); \
	const char *az_ = (z); \
	if (!az_) { \
		assert_null(as_.p); \
	} else { \
		assert_int_equal(as_.n, str_of(az_).n); \
		assert_memory_equal(as_.p ? as_.p : "", az_, as_.n); \
	} \
} while (0)

#endif
