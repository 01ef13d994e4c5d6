#include "cli/reference.h"

#include <stdio.h>
#include <string.h>

#include "app/check.h"
#include "base/mem.h"
#include "base/reason.h"

static const struct reference pages[] = {
	{ "tandem.yaml", "doc/tandem.yaml.md", check_config_doc },
	{ "site.yaml", "doc/site.yaml.md", check_site_doc },
	{ "reasons", "doc/reasons.md", reasons_doc },
};
enum { NPAGES = sizeof pages / sizeof *pages };

const struct reference *reference_at(size_t i)
{
	return i < NPAGES ? &pages[i] : NULL;
}

const struct reference *reference_find(const char *name)
{
	for (int i = 0; i < NPAGES; i++)
		if (!strcmp(pages[i].name, name))
			return &pages[i];
	return NULL;
}

int reference_print(const struct reference *r)
{
	char *text = mem_new(REFERENCE_BYTES_MAX);
	struct buf b;

	buf_init(&b, text, REFERENCE_BYTES_MAX);
	r->write(&b);
	(void)fwrite(b.p, 1, b.n, stdout);	/* commands_run() tells what could not be written */
	mem_free(text);
	return 0;
}
