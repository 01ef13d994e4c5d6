#include "app/certs.h"

#include <string.h>

#include "base/mem.h"

struct judging {
	const struct config *c;
	const struct config_cert *cert;
	struct cert_view view;
	struct verdict verdict[VERDICT_N];
	int64_t wall;
	struct findings *wrong, *soon;
};

/* Several trunks may show one certificate. */
static bool told(const struct findings *fs, struct mark at, const char *text)
{
	for (int i = 0; i < fs->n; i++)
		if (fs->f[i].line == at.line && !strcmp(fs->f[i].text, text))
			return true;
	return false;
}

static void judge(struct judging *j, bool teams, struct str fqdn)
{
	struct verdict_query q = { .cert = &j->view, .fqdn = fqdn, .teams = teams, .wall = j->wall };
	int n = verdict_make(&q, j->verdict);

	for (int i = 0; i < n; i++) {
		const struct verdict *v = &j->verdict[i];
		struct findings *fs = v->level == VERDICT_ERROR ? j->wrong : j->soon;

		if (v->level != VERDICT_INFO && !told(fs, j->cert->at, v->text))
			finding_add(fs, j->cert->at, "%s", v->text);
	}
}

static void of_listeners(struct judging *j, int cert)
{
	bool any = false;

	for (int i = 0; i < j->c->ntrunks; i++) {
		const struct config_trunk *t = &j->c->trunk[i];
		const struct config_listener *l = &j->c->listener[t->listener];

		if (l->cert != cert || j->c->zone[l->zone].kind != ZONE_TEAMS)
			continue;
		any = true;
		judge(j, true, t->fqdn);
	}
	if (!any)
		judge(j, false, STR_NONE);
}

void certs_judge(const struct config *c, int64_t wall, struct findings *wrong, struct findings *soon)
{
	struct judging *j = mem_new(sizeof *j);
	char text[768];
	struct buf why;

	for (int i = 0; i < c->ncerts; i++) {
		const struct config_cert *k = &c->cert[i];

		if (!k->cert.n)
			continue;
		*j = (struct judging){ .c = c, .cert = k, .wall = wall, .wrong = wrong, .soon = soon };
		buf_init(&why, text, sizeof text);
		if (cert_read_files(k->cert.p, k->key.n ? k->key.p : k->cert.p, NULL, wall, &j->view, &why))
			finding_add(wrong, k->at, "%s", buf_z(&why));
		else
			of_listeners(j, i);
	}
	mem_free(j);
}
