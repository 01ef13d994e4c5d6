#include "site/refs.h"

#include "conf/option.h"

enum { CANDIDATES_MAX = 1024 };

static const struct ref {
	const char *section, *key;
	enum dir_kind kind;
} refs[] = {
	{ "spaces", "partitions", DIR_KIND_PARTITION },
	{ "phones", "user", DIR_KIND_USER },
	{ "phones", "css", DIR_KIND_SPACE },
	{ "lines", "partition", DIR_KIND_PARTITION },
	{ "lines", "user", DIR_KIND_USER },
	{ "lines", "css", DIR_KIND_SPACE },
	{ "lines", "phones", DIR_KIND_PHONE },
	{ "lines", "endpoints", DIR_KIND_TRUNK },
	{ "patterns", "partition", DIR_KIND_PARTITION },
	{ "patterns", "trunks", DIR_KIND_TRUNK },
	{ "profiles", "user", DIR_KIND_USER },
	{ "profiles", "reroute-css", DIR_KIND_SPACE },
	{ "profiles", "lines", DIR_KIND_LINE },
	{ "remotes", "profile", DIR_KIND_PROFILE },
};

static const struct {
	const char *what, *section, *key;	/* key NULL: plain names */
} kinds[DIR_NKIND] = {
	[DIR_KIND_USER] = { "user", "users", "name" },
	[DIR_KIND_PHONE] = { "phone", "phones", "name" },
	[DIR_KIND_PARTITION] = { "partition", "partitions", NULL },
	[DIR_KIND_SPACE] = { "calling search space", "spaces", "name" },
	[DIR_KIND_LINE] = { "line", "lines", "number" },
	[DIR_KIND_PROFILE] = { "remote destination profile", "profiles", "name" },
	[DIR_KIND_TRUNK] = { "trunk", "trunks", "name" },
};

struct checking {
	const struct directory *d;
	const struct config *c;
	const struct yaml_node *root;
	struct findings *fs;
};

/* Trunks stand in tandem.yaml, all others in the site. */
static int candidates(const struct checking *k, enum dir_kind kind, struct str *out)
{
	const struct yaml_node *list = kind == DIR_KIND_TRUNK ? NULL : yaml_get(k->root, kinds[kind].section);
	int n = 0;

	for (int i = 0; kind == DIR_KIND_TRUNK && i < k->c->ntrunks && n < CANDIDATES_MAX; i++)
		out[n++] = k->c->trunk[i].name;
	for (uint32_t i = 0; list && i < list->n && n < CANDIDATES_MAX; i++) {
		const struct yaml_node *v = list->pair[i].value;

		v = kinds[kind].key ? yaml_get(v, kinds[kind].key) : v;
		if (v && v->kind == YAML_SCALAR)
			out[n++] = v->text;
	}
	return n;
}

static void missing(const struct checking *k, enum dir_kind kind, const struct yaml_node *at, struct str name)
{
	struct str names[CANDIDATES_MAX], near;

	if (k->fs->n == FINDINGS_MAX)	/* only counted: what was meant is not looked for */
		near = STR_NONE;
	else
		near = option_nearest(name, names, candidates(k, kind, names));
	if (near.n)
		finding_add(k->fs, at->at, "There is no %s \"%.*s\"; did you mean \"%.*s\"?", kinds[kind].what,
			    STRF(name), STRF(near));
	else
		finding_add(k->fs, at->at, "There is no %s \"%.*s\". Add it to %s%s, or mend the name.", kinds[kind].what,
			    STRF(name), kinds[kind].section, kind == DIR_KIND_TRUNK ? " in tandem.yaml" : "");
}

static void one(const struct checking *k, const struct ref *r, const struct yaml_node *v)
{
	struct str name = v->text, number;

	if (v->kind != YAML_SCALAR)
		return;			/* told where the options are read */
	if (str_is(str_of(r->key), "endpoints"))	/* number@trunk */
		(void)str_cut(v->text, '@', &number, &name);	/* a malformed one is told there, too */
	if (name.n && !directory_has(k->d, r->kind, name))
		missing(k, r->kind, v, name);
}

void site_refs(const struct directory *d, const struct config *c, const struct yaml_node *root, struct findings *fs)
{
	struct checking k = { d, c, root, fs };

	for (size_t i = 0; i < sizeof refs / sizeof *refs; i++) {
		const struct yaml_node *list = yaml_get(root, refs[i].section);

		for (uint32_t m = 0; list && list->kind == YAML_LIST && m < list->n; m++) {
			const struct yaml_node *v = yaml_get(list->pair[m].value, refs[i].key);

			if (v && v->kind == YAML_SCALAR)
				one(&k, &refs[i], v);
			for (uint32_t n = 0; v && v->kind == YAML_LIST && n < v->n; n++)
				one(&k, &refs[i], v->pair[n].value);
		}
	}
}
