#include "app/people.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "site/site.h"

/* The applied site is kept beside the database as the file it was given as, replaced whole. */

static const char *kept_file(const struct server *s, char name[600])
{
	struct buf b;

	buf_init(&b, name, 600);
	buf_fmt(&b, "%.*s.site.yaml", STRF(s->cfg->store_path));
	return buf_z(&b);
}

static enum err read_site(struct server *s, const char *file, struct buf *why)
{
	struct findings *fs = mem_new(sizeof *fs);
	size_t n = 0;
	char *text = config_slurp(file, SITE_BYTES_MAX, &n, fs);
	struct directory *d = text ? site_read((struct str){ text, n }, file, s->cfg, fs) : NULL;

	if (text)
		mem_wipe(text, n);
	mem_free(text);
	if (d)
		server_set_directory(s, d);
	else
		findings_write(why, fs);
	mem_free(fs);
	return d ? OK : ERR_PARSE;
}

enum err people_load(struct server *s, struct buf *why)
{
	char name[600];

	if (!s->inside && access(kept_file(s, name), R_OK) == 0)
		return read_site(s, name, why);
	if (s->cfg->site_file.n)
		return read_site(s, s->cfg->site_file.p, why);
	server_set_directory(s, site_empty(s->cfg));
	return OK;
}

/* Write beside, sync, rename: the old file or the new one, never half of it. */
static enum err keep(struct server *s, struct str text)
{
	char name[600], tmp[610];
	struct buf b;
	FILE *f;
	bool ok;

	buf_init(&b, tmp, sizeof tmp);
	buf_fmt(&b, "%s.new", kept_file(s, name));
	f = fopen(buf_z(&b), "wbe");
	if (!f)
		return ERR_IO;
	(void)fchmod(fileno(f), 0600);
	ok = fwrite(text.p, 1, text.n, f) == text.n && fflush(f) == 0 && fsync(fileno(f)) == 0;
	ok = fclose(f) == 0 && ok;
	return ok && rename(tmp, name) == 0 ? OK : ERR_IO;
}

void people_apply(void *ctx, struct str text, const char *file,
		  void (*done)(void *arg, const struct findings *fs), void *arg)
{
	struct server *s = ctx;
	struct findings *fs = mem_new(sizeof *fs);
	struct directory *d = site_read(text, file, s->cfg, fs);

	if (d && !s->inside && keep(s, text)) {
		finding_add(fs, (struct mark){ file, 1, 1 },
			    "The site is right but could not be stored (%s); nothing was changed. Make room and apply again.",
			    strerror(errno));
		directory_free(d);
		d = NULL;
	}
	if (d)
		server_set_directory(s, d);
	done(arg, fs);
	mem_free(fs);
}

enum err people_export(void *ctx, struct buf *out)
{
	struct server *s = ctx;
	struct findings *fs = mem_new(sizeof *fs);
	char name[600];
	const char *file = kept_file(s, name);
	size_t n = 0;
	char *text;

	if (access(file, R_OK) && s->cfg->site_file.n)
		file = s->cfg->site_file.p;
	text = config_slurp(file, SITE_BYTES_MAX, &n, fs);
	if (text)
		buf_bytes(out, text, n);
	mem_free(text);
	mem_free(fs);
	return text && buf_ok(out) ? OK : ERR_GONE;
}
