#include "app/check.h"

#include <stdio.h>
#include <time.h>

#include "app/certs.h"
#include "conf/config.h"
#include "media/wav.h"
#include "site/site.h"
#include "trunk/trunk.h"

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

enum err check_music(const struct config *c, struct buf *why)
{
	char mem[300];
	struct buf text;
	uint32_t n;
	int16_t *pcm;

	if (!c->music.n)
		return OK;
	buf_init(&text, mem, sizeof mem);
	pcm = wav_load(c->music.p, &n, &text);
	mem_free(pcm);
	if (pcm)
		return OK;
	buf_fmt(why, "The music file %.*s cannot be played. %s.", STRF(c->music), buf_z(&text));
	return ERR_IO;
}

static void find_music(const char *config, const struct config *c, struct findings *fs)
{
	char mem[700];
	struct buf why;

	buf_init(&why, mem, sizeof mem);
	if (check_music(c, &why))
		finding_add(fs, (struct mark){ config, 1, 1 }, "%s", buf_z(&why));
}

/* What only will be wrong is told, and counts for nothing. */
static void find_certs(const struct config *c, struct findings *fs)
{
	struct findings *soon = mem_new(sizeof *soon);

	certs_judge(c, (int64_t)time(NULL) * 1000, fs, soon);	/* banned: no loop runs here */
	for (int i = 0; i < soon->n; i++)
		printf("%s:%u:%u: warning: %s\n", soon->f[i].file, soon->f[i].line, soon->f[i].col, soon->f[i].text);
	mem_free(soon);
}

static int tell(const struct findings *fs, const char *config, const char *site)
{
	char *text = mem_new(TEXT_MAX);
	struct buf b;
	int n = fs->n;

	buf_init(&b, text, TEXT_MAX);
	findings_write(&b, fs);
	printf("%s", buf_z(&b));
	if (!n)
		printf("%s: no mistakes found.\n", config);
	if (!n && site)
		printf("%s: no mistakes found.\n", site);
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
	if (c) {
		find_music(config, c, fs);
		find_certs(c, fs);
	}
	if (c && site)
		check_site(site, c, fs);
	rc = tell(fs, config, site);
	config_free(c);
	mem_free(fs);
	return rc;
}

void check_config_doc(struct buf *b)
{
	config_options_doc(b);
	trunk_profiles_doc(b);
}

void check_site_doc(struct buf *b)
{
	site_options_doc(b);
}
