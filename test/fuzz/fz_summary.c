/* simple-message-summary: what is read and written is read as the same. */
#include <stdlib.h>

#include "service/summary.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct summary s, back;
	char text[1024];
	struct buf b;

	if (summary_parse((struct str){ (const char *)p, n }, &s) != OK)
		return 0;
	buf_init(&b, text, sizeof text);
	summary_write(&b, &s);
	if (!buf_ok(&b) || summary_parse(buf_str(&b), &back) != OK || back.waiting != s.waiting)
		abort();
	for (int c = 0; c < SUMMARY_NCLASS; c++)
		if (s.count[c].given != back.count[c].given || s.count[c].fresh != back.count[c].fresh ||
		    s.count[c].urgent_old != back.count[c].urgent_old)
			abort();
	return 0;
}
