#include "app/check.h"

#include <stdio.h>

#include "conf/config.h"
#include "site/site.h"

enum { TEXT_MAX = 131072 };

/* `tandem check`: all findings of both files in one run; the exit code is their number. */

static void check_site(const char *file, const struct config *c, struct findings *fs)
{
	size_t n = 0;
	char *text = config_slurp(file, SITE_BYTES_MAX, &n, fs);

	if (text)
		directory_free(site_read((struct str){ text, n }, file, c, fs));
	mem_free(text);
}

static int tell(const struct findings *fs, const char *config)
{
	char *text = mem_new(TEXT_MAX);
	struct buf b;
	int n = fs->n;

	buf_init(&b, text, TEXT_MAX);
	findings_write(&b, fs);
	printf("%s", buf_z(&b));
	if (!n)
		printf("%s: no mistakes found.\n", config);
	mem_free(text);
	return n > 100 ? 100 : n;
}

int check_main(const char *config, const char *site)
{
	struct findings *fs = mem_new(sizeof *fs);
	struct config *c;
	int rc;

	c = config_load(config, fs);
	if (c && !site && c->site_file.n)
		site = c->site_file.p;
	if (c && site)
		check_site(site, c, fs);
	rc = tell(fs, config);
	config_free(c);
	mem_free(fs);
	return rc;
}

void check_site_doc(struct buf *b)
{
	site_options_doc(b);
}
