#include "app/certs.h"

#include "base/mem.h"

struct judging {
	const struct config *c;
	const struct config_cert *cert;
	struct cert_view view;
	struct verdict verdict[VERDICT_N];
	int64_t wall;
	void (*tell)(void *, struct mark, enum verdict_level, const char *);
	void *ctx;
	bool told[VERDICT_N];
};

static void judge(struct judging *j, bool teams, struct str fqdn)
{
	struct verdict_query q = { .cert = &j->view, .fqdn = fqdn, .teams = teams, .wall = j->wall };
	int n = verdict_make(&q, j->verdict);

	for (int i = 0; i < n; i++) {
		const struct verdict *v = &j->verdict[i];

		if (v->level == VERDICT_INFO || j->told[v->code])
			continue;
		j->told[v->code] = true;
		j->tell(j->ctx, j->cert->at, v->level, v->text);
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

void certs_judge(const struct config *c, int64_t wall,
		 void (*tell)(void *ctx, struct mark at, enum verdict_level level, const char *text), void *ctx)
{
	struct judging *j = mem_new(sizeof *j);
	char text[768];
	struct buf why;

	for (int i = 0; i < c->ncerts; i++) {
		const struct config_cert *k = &c->cert[i];

		if (!k->cert.n)
			continue;
		*j = (struct judging){ .c = c, .cert = k, .wall = wall, .tell = tell, .ctx = ctx };
		buf_init(&why, text, sizeof text);
		if (cert_read_files(k->cert.p, k->key.n ? k->key.p : k->cert.p, NULL, wall, &j->view, &why))
			tell(ctx, k->at, VERDICT_ERROR, buf_z(&why));
		else
			of_listeners(j, i);
	}
	mem_free(j);
}
