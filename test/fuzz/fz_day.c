/* fz_day.c - any text: a time within its bounds that reads back the same, or an error. */
#include <stdlib.h>

#include "api/day.h"
#include "base/when.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	int64_t wall = -1, again = -1;
	char text[64];
	struct buf b;

	if (day_parse((struct str){ (const char *)p, n }, &wall)) {
		if (wall != -1)
			abort();
		return 0;
	}
	if (wall < 0 || wall > 253402300799000LL || wall % 1000)
		abort();
	if (!wall)
		return 0;		/* 1970 itself is "did not happen" to when_iso() */
	buf_init(&b, text, sizeof text);
	when_iso(&b, wall);
	if (day_parse(str_sub(buf_str(&b), 0, 19), &again) || again != wall)
		abort();
	return 0;
}
