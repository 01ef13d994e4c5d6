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
	/* there, but not for us: an older site must not take its place in silence */
	if (!s->inside && errno != ENOENT) {
		buf_fmt(why, "%s: %s. It is the site that was applied last: give it to the user of the service "
			"(chown) and start again.", name, strerror(errno));
		return ERR_IO;
	}
	if (s->cfg->site_file.n)
		return read_site(s, s->cfg->site_file.p, why);
	server_set_directory(s, site_empty(s->cfg));
	return OK;
}

/* Write beside, sync, rename: the old file or the new one, never half of it. errno says why not. */
static enum err keep(struct server *s, struct str text)
{
	char name[600], tmp[610];
	struct buf b;
	FILE *f;
	int first = 0;
	bool ok;

	buf_init(&b, tmp, sizeof tmp);
	buf_fmt(&b, "%s.new", kept_file(s, name));
	f = fopen(buf_z(&b), "wbe");
	if (!f)
		return ERR_IO;
	(void)fchmod(fileno(f), 0600);
	ok = fwrite(text.p, 1, text.n, f) == text.n && fflush(f) == 0 && fsync(fileno(f)) == 0;
	first = ok ? 0 : errno;
	ok = fclose(f) == 0 && ok;
	ok = ok && rename(tmp, name) == 0;
	if (ok)
		return OK;
	first = first ? first : errno;
	(void)unlink(tmp);	/* half a file would keep the room it was short of */
	errno = first;
	return ERR_IO;
}

struct change {			/* one `apply` */
	struct server *server;	/* its configuration is read, nothing else */
	char *text, *file;
	size_t n;
	struct findings *findings;
	struct directory *directory;	/* NULL: nothing comes into force */
};

void *people_apply_new(void *ctx, struct str text, const char *file)
{
	struct change *c = mem_new(sizeof *c);

	c->server = ctx;
	c->text = mem_dup(text.p, text.n);
	c->n = text.n;
	c->file = mem_dup(file, strlen(file) + 1);
	c->findings = mem_new(sizeof *c->findings);
	return c;
}

enum err people_apply_run(struct db *db, void *job)
{
	struct change *c = job;
	struct str text = { c->text, c->n };

	(void)db;
	c->directory = site_read(text, c->file, c->server->cfg, c->findings);
	if (!c->directory && !c->findings->n)	/* who asked takes none for a change that came into force */
		finding_add(c->findings, (struct mark){ c->file, 1, 1 }, "The site could not be read; nothing was changed.");
	if (!c->directory || c->server->inside || !keep(c->server, text))
		return OK;
	finding_add(c->findings, (struct mark){ c->file, 1, 1 },
		    "The site is right but could not be stored (%s); nothing was changed. Make room and apply again.",
		    strerror(errno));
	directory_free(c->directory);
	c->directory = NULL;
	return OK;
}

void people_apply_end(void *ctx, void *job, struct findings *fs)
{
	struct change *c = job;

	if (c->directory)
		server_set_directory(ctx, c->directory);
	*fs = *c->findings;
	mem_wipe(c->text, c->n);
	mem_free(c->text);
	mem_free(c->file);
	mem_free(c->findings);
	mem_free(c);
}

enum err people_export(void *ctx, struct buf *out)
{
	struct server *s = ctx;
	struct findings *fs = mem_new(sizeof *fs);
	char name[600];
	const char *file = kept_file(s, name);
	size_t n = 0;
	char *text;

	if (access(file, R_OK) && errno == ENOENT && s->cfg->site_file.n)
		file = s->cfg->site_file.p;
	text = config_slurp(file, SITE_BYTES_MAX, &n, fs);
	if (text)
		buf_bytes(out, text, n);
	mem_free(text);
	mem_free(fs);
	return text && buf_ok(out) ? OK : ERR_GONE;
}
