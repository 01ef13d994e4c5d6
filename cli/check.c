#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "conf/config.h"
#include "site/site.h"

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
	char *text = mem_new(128 * 1024);
	struct buf b;
	int n = fs->n;

	buf_init(&b, text, 128 * 1024);
	findings_write(&b, fs);
	printf("%s", buf_z(&b));
	if (!n)
		printf("%s: no mistakes found.\n", config);
	mem_free(text);
	return n > 100 ? 100 : n;
}

int cmd_check(int argc, char **argv)
{
	const char *config = NULL, *site = NULL;
	struct findings *fs = mem_new(sizeof *fs);
	struct config *c;
	int rc;

	for (int i = 1; i + 1 < argc; i += 2)
		if (!strcmp(argv[i], "-c"))
			config = argv[i + 1];
		else if (!strcmp(argv[i], "-f"))
			site = argv[i + 1];
	if (!config || argc % 2 == 0) {
		fprintf(stderr, "usage: tandem check -c tandem.yaml [-f site.yaml]\n");
		mem_free(fs);
		return 1;
	}
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
