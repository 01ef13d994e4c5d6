/* tandem.yaml: libyaml's tree, the option walk and the checks. Every finding names a line of
 * the text, and what has findings gives no configuration. */
#include <stdlib.h>

#include "base/mem.h"
#include "conf/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n)
{
	struct findings *fs = mem_new(sizeof *fs);
	struct config *c = config_parse((struct str){ (const char *)d, n }, "fuzz.yaml", fs);
	unsigned lines = 2;
	char *text = mem_new(262144);
	struct buf b;

	for (size_t i = 0; i < n; i++)
		lines += d[i] == '\n' || d[i] == '\r' || (d[i] & 0x80);	/* YAML has other breaks, too */
	if ((c == NULL) != (fs->n > 0))
		abort();
	for (int i = 0; i < fs->n; i++)
		if (fs->f[i].line > lines)
			abort();
	buf_init(&b, text, 262144);
	findings_write(&b, fs);
	config_free(c);
	mem_free(text);
	mem_free(fs);
	return 0;
}
