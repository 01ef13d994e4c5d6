#include "site/site.h"

#include <stddef.h>
#include <string.h>

#include "conf/option.h"
#include "io/crypto.h"
#include "site/refs.h"
#include "trunk/trunk.h"

#define AT(s, f) .at = offsetof(struct s, f)
#define N(a) (sizeof(a) / sizeof *(a))

struct phone_row { struct str name, user, auth_user, password, css; };
struct line_row {
	struct dir_line l;
	struct str endpoint[DIR_DESK_MAX];
	int nendpoints;
};
struct pattern_row { struct dir_pattern p; int discard; };

static const struct option user_opts[] = {
 { "name", OPT_STR, AT(dir_user, name), .max = 63, .required = true, .help = "the user's id." },
 { "display", OPT_STR, AT(dir_user, display), .max = 63, .help = "name shown on phones." },
};
static const struct option phone_opts[] = {
 { "name", OPT_STR, AT(phone_row, name), .max = 63, .required = true, .help = "device name." },
 { "user", OPT_STR, AT(phone_row, user), .max = 63, .help = "its owner." },
 { "auth-user", OPT_STR, AT(phone_row, auth_user), .max = 63, .help = "digest user name; without it the device name." },
 { "password", OPT_STR, AT(phone_row, password), .max = 127, .required = true, .help = "digest password." },
 { "css", OPT_STR, AT(phone_row, css), .max = 63, .help = "calling search space of its calls; without it its line's." },
};
static const struct option space_opts[] = {
 { "name", OPT_STR, AT(dir_space, name), .max = 63, .required = true, .help = "name of the calling search space." },
 { "partitions", OPT_STRS, AT(dir_space, partition), .max = DIR_PARTITIONS_PER_SPACE, .count_at = offsetof(struct dir_space, n), .help = "its partitions, in order." },
};
static const struct option line_opts[] = {
 { "number", OPT_STR, AT(line_row, l.number), .max = 47, .required = true, .help = "directory number." },
 { "partition", OPT_STR, AT(line_row, l.partition), .max = 63, .help = "its partition." },
 { "e164", OPT_STR, AT(line_row, l.e164), .max = 31, .help = "its number in +E.164: shown to trunks that want it; dialled, it reaches this line." },
 { "user", OPT_STR, AT(line_row, l.user), .max = 63, .help = "its user." },
 { "display", OPT_STR, AT(line_row, l.display), .max = 63, .help = "name shown for it." },
 { "phones", OPT_STRS, AT(line_row, l.phone), .max = DIR_DESK_MAX, .count_at = offsetof(struct line_row, l.nphones), .help = "phones that ring." },
 { "endpoints", OPT_STRS, AT(line_row, endpoint), .max = DIR_DESK_MAX, .count_at = offsetof(struct line_row, nendpoints), .help = "trunk endpoints that ring, as number@trunk." },
 { "css", OPT_STR, AT(line_row, l.css), .max = 63, .help = "calling search space of the line and its forwards." },
 { "no-answer", OPT_U32, AT(line_row, l.no_answer_s), 1, 300, "12", .unit = "s", .help = "ringing before the call is forwarded." },
 { "forward-no-answer", OPT_STR, AT(line_row, l.forward_no_answer), .max = 47, .help = "number for unanswered calls, and for those that a phone would forward itself: its own forward (302) is not followed." },
 { "forward-busy", OPT_STR, AT(line_row, l.forward_busy), .max = 47, .help = "number for calls when all are busy." },
};
static const struct option pattern_opts[] = {
 { "pattern", OPT_STR, AT(pattern_row, p.pattern), .max = 47, .required = true, .help = "route pattern: digits, * and #; X (any digit); [1-9], [^1-9]; ! (one digit or more); ? (none or more of what stands before); + (one or more of the X or set before); . (predot cuts here); \\+, or + in front (the sign)." },
 { "partition", OPT_STR, AT(pattern_row, p.partition), .max = 63, .help = "its partition." },
 { "trunks", OPT_STRS, AT(pattern_row, p.trunk), .max = DIR_TRUNKS_PER_PATTERN, .count_at = offsetof(struct pattern_row, p.ntrunks), .help = "trunks, in order; one that is down only where no other is left." },
 { "discard", OPT_ENUM, AT(pattern_row, discard), .choices = "none|predot", .dflt = "none", .help = "digits taken off in front." },
 { "prefix", OPT_STR, AT(pattern_row, p.prefix), .max = 31, .help = "digits put in front." },
 { "mask", OPT_STR, AT(pattern_row, p.mask), .max = 47, .help = "called party mask; X keeps a digit." },
 { "block", OPT_BOOL, AT(pattern_row, p.block), .dflt = "no", .help = "such calls are refused." },
 { "emergency", OPT_BOOL, AT(pattern_row, p.emergency), .dflt = "no", .help = "emergency number: its calls are let in however much comes." },
};
static const struct option profile_opts[] = {
 { "name", OPT_STR, AT(dir_profile, name), .max = 63, .required = true, .help = "name of the remote destination profile." },
 { "user", OPT_STR, AT(dir_profile, user), .max = 63, .help = "its user." },
 { "reroute-css", OPT_STR, AT(dir_profile, reroute_css), .max = 63, .help = "calling search space that reaches the remote destinations." },
 { "lines", OPT_STRS, AT(dir_profile, line), .max = DIR_DESK_MAX, .count_at = offsetof(struct dir_profile, nlines), .required = true, .help = "lines whose calls ring the destinations, as number or number/partition." },
};
static const struct option remote_opts[] = {
 { "name", OPT_STR, AT(dir_remote, name), .max = 63, .required = true, .help = "name of the remote destination." },
 { "profile", OPT_STR, AT(dir_remote, profile), .max = 63, .required = true, .help = "its remote destination profile." },
 { "number", OPT_STR, AT(dir_remote, number), .max = 47, .required = true, .help = "number to ring, as the profile's search space reaches it." },
 { "enabled", OPT_BOOL, AT(dir_remote, enabled), .dflt = "yes", .help = "Single Number Reach on." },
 { "delay", OPT_I64, AT(dir_remote, delay_ms), -1, 30000, "-1", .unit = "ms", .help = "wait before ringing; -1: 4000, over a teams trunk 0." },
 { "too-soon", OPT_I64, AT(dir_remote, too_soon_ms), -1, 10000, "-1", .unit = "ms", .help = "an earlier answer is a mailbox; -1: 1500, over a teams trunk 3000." },
 { "too-late", OPT_I64, AT(dir_remote, too_late_ms), -1, 300000, "-1", .unit = "ms", .help = "stop ringing after; -1: 19000, over a teams trunk 20000; 0: never." },
 { "lines", OPT_STRS, AT(dir_remote, line), .max = DIR_DESK_MAX, .count_at = offsetof(struct dir_remote, nlines), .help = "associated lines; without it all of the profile." },
};

static const char *const sections[] = { "users", "phones", "partitions", "spaces", "lines", "patterns",
					"profiles", "remotes", NULL };

struct reading {
	struct directory *d;
	const struct config *c;
	struct option_walk w;
	const struct yaml_node *list;	/* being read */
	uint32_t at;			/* place in it */
};

static struct str text_of(const struct yaml_node *m, const char *key)
{
	const struct yaml_node *v = yaml_get(m, key);

	return v && v->kind == YAML_SCALAR ? v->text : STR_NONE;
}

static struct str name_of(const struct yaml_node *m)
{
	struct str s = m->kind == YAML_SCALAR ? m->text : text_of(m, "name");

	if (!s.p)
		s = text_of(m, "number");
	return s.p ? s : text_of(m, "pattern");
}

/* Says where the first one is. */
static void twice(struct reading *r, const struct yaml_node *m, const char *what)
{
	struct str name = name_of(m), part = text_of(m, "partition");
	uint32_t n = r->w.fs->n < FINDINGS_MAX ? r->at : 0;	/* past that they are only counted */

	for (uint32_t i = 0; i < n; i++) {
		const struct yaml_node *first = r->list->pair[i].value;

		if (!str_eq(name_of(first), name) || !str_eq(text_of(first, "partition"), part))
			continue;
		finding_add(r->w.fs, m->at, "There is a %s \"%.*s\"%s%.*s already, in line %d; remove one, or name it otherwise.",
			    what, STRF(name), part.n ? " in partition " : "", STRF(part), first->at.line);
		return;
	}
	finding_add(r->w.fs, m->at, "Another %s has the same auth-user as \"%.*s\"; each needs its own.", what, STRF(name));
}

static void check(struct reading *r, const struct yaml_node *m, enum err e, const char *what)
{
	if (e == ERR_EXISTS)
		twice(r, m, what);
	else if (e)
		finding_add(r->w.fs, m->at, "This %s cannot be taken: %s.", what, err_str(e));
}

#define FILL(rows, what, x) do { \
	option_fill(&r->w, m, what, rows, N(rows), x); \
	option_unknown(&r->w, m, what, rows, N(rows), NULL); \
} while (0)

static void one_user(struct reading *r, const struct yaml_node *m)
{
	struct dir_user x = { 0 };

	FILL(user_opts, "A user", &x);
	check(r, m, directory_add_user(r->d, &x), "user");
}

static void hex_ha1(void (*hash)(const struct str *, int, uint8_t *), size_t n,
		    const struct phone_row *p, struct str realm, struct buf *out)
{
	const struct str part[5] = { p->auth_user, STR(":"), realm, STR(":"), p->password };
	uint8_t md[32];

	hash(part, 5, md);
	buf_hex(out, md, n);
	mem_wipe(md, sizeof md);
}

static void one_phone(struct reading *r, const struct yaml_node *m)
{
	struct phone_row p = { 0 };
	char md5[33], sha[65];
	struct buf a, b;
	struct dir_phone x;

	FILL(phone_opts, "A phone", &p);
	if (!p.auth_user.n)
		p.auth_user = p.name;
	buf_init(&a, md5, sizeof md5);
	buf_init(&b, sha, sizeof sha);
	hex_ha1(crypto_md5, 16, &p, r->c->realm, &a);
	hex_ha1(crypto_sha256, 32, &p, r->c->realm, &b);
	x = (struct dir_phone){ p.name, p.user, p.auth_user, buf_str(&a), buf_str(&b), p.css };
	check(r, m, directory_add_phone(r->d, &x), "phone");
	if (p.password.n)
		mem_wipe((char *)(uintptr_t)p.password.p, p.password.n);
}

static void one_partition(struct reading *r, const struct yaml_node *m)
{
	check(r, m, directory_add_partition(r->d, m->text), "partition");
}

static void one_space(struct reading *r, const struct yaml_node *m)
{
	struct dir_space x = { 0 };

	FILL(space_opts, "A calling search space", &x);
	check(r, m, directory_add_space(r->d, &x), "calling search space");
}

static void one_line(struct reading *r, const struct yaml_node *m)
{
	struct line_row x = { 0 };

	FILL(line_opts, "A line", &x);
	for (int i = 0; i < x.nendpoints; i++) {
		struct dir_endpoint *e = &x.l.endpoint[x.l.nendpoints];

		if (str_cut(x.endpoint[i], '@', &e->number, &e->trunk) && e->number.n && e->trunk.n)
			x.l.nendpoints++;
		else
			finding_add(r->w.fs, m->at, "The endpoint \"%.*s\" is malformed; write number@trunk.",
				    STRF(x.endpoint[i]));
	}
	check(r, m, directory_add_line(r->d, &x.l), "line");
}

static void one_pattern(struct reading *r, const struct yaml_node *m)
{
	struct pattern_row x = { 0 };

	FILL(pattern_opts, "A route pattern", &x);
	x.p.discard_predot = x.discard == 1;
	if (x.p.pattern.n && !directory_pattern_good(x.p.pattern))
		finding_add(r->w.fs, m->at, "The pattern \"%.*s\" is malformed; use digits, X, [1-9], !, ?, . and +.",
			    STRF(x.p.pattern));
	else if (!x.p.block && !x.p.ntrunks)
		finding_add(r->w.fs, m->at, "The pattern \"%.*s\" has no trunks; name one, or write block: yes.",
			    STRF(x.p.pattern));
	else
		check(r, m, directory_add_pattern(r->d, &x.p), "route pattern");
}

static void one_profile(struct reading *r, const struct yaml_node *m)
{
	struct dir_profile x = { 0 };

	FILL(profile_opts, "A remote destination profile", &x);
	check(r, m, directory_add_profile(r->d, &x), "remote destination profile");
}

static void one_remote(struct reading *r, const struct yaml_node *m)
{
	struct dir_remote x = { 0 };

	FILL(remote_opts, "A remote destination", &x);
	check(r, m, directory_add_remote(r->d, &x), "remote destination");
}

static void each(struct reading *r, const struct yaml_node *root, const char *key, bool plain,
		 void (*one)(struct reading *, const struct yaml_node *))
{
	const struct yaml_node *list = yaml_get(root, key);

	if (list && list->kind != YAML_LIST)
		finding_add(r->w.fs, list->at, "%s takes a list.", key);
	r->list = list;
	for (uint32_t i = 0; list && list->kind == YAML_LIST && i < list->n; i++) {
		const struct yaml_node *m = list->pair[i].value;

		r->at = i;
		if (m->kind == (plain ? YAML_SCALAR : YAML_MAP))
			one(r, m);
		else
			finding_add(r->w.fs, m->at, "An entry of %s is a %s.", key,
				    plain ? "name" : "map of settings");
	}
}

static void add_trunks(struct directory *d, const struct config *c)
{
	for (int i = 0; i < c->ntrunks; i++) {
		const struct trunk_profile *p = trunk_profile(c->trunk[i].profile);

		(void)directory_add_trunk(d, c->trunk[i].name, p && p->teams);	/* names are unique */
	}
}

static void read_all(struct reading *r, const struct yaml_node *root)
{
	option_unknown(&r->w, root, "The site", NULL, 0, sections);
	each(r, root, "partitions", true, one_partition);
	each(r, root, "spaces", false, one_space);
	each(r, root, "users", false, one_user);
	each(r, root, "phones", false, one_phone);
	each(r, root, "lines", false, one_line);
	each(r, root, "patterns", false, one_pattern);
	each(r, root, "profiles", false, one_profile);
	each(r, root, "remotes", false, one_remote);
	site_refs(r->d, r->c, root, r->w.fs);
}

static void seal(struct reading *r, const struct yaml_node *root)
{
	char text[300];
	struct buf b;

	buf_init(&b, text, sizeof text);
	if (!r->w.fs->n && directory_seal(r->d, &b))
		finding_add(r->w.fs, root->at, "%s", buf_z(&b));
}

/* tandem.yaml names spaces of this document: calls of such a trunk would reach nothing at all. */
static void inbound_spaces(struct reading *r, const struct yaml_node *root)
{
	const struct yaml_node *spaces = yaml_get(root, "spaces");

	if (r->w.fs->n || !spaces)
		return;
	for (int i = 0; i < r->c->ntrunks; i++)
		if (r->c->trunk[i].css.n && !directory_has(r->d, DIR_KIND_SPACE, r->c->trunk[i].css))
			finding_add(r->w.fs, spaces->at,
				    "Trunk %.*s has inbound-css \"%.*s\" in tandem.yaml, and there is no such calling search space. "
				    "Add it here, or mend it there.", STRF(r->c->trunk[i].name), STRF(r->c->trunk[i].css));
}

struct directory *site_read(struct str text, const char *file, const struct config *c,
			    struct findings *fs)
{
	struct arena a;
	struct reading r = { .c = c, .w = { .fs = fs, .a = &a } };
	struct yaml_node *root;

	arena_init(&a, 512 << 20);	/* 50,000 users with all that is theirs take 200 MB */
	r.d = directory_new();
	add_trunks(r.d, c);
	root = yaml_read(text, file, &a, fs);
	if (root && root->kind != YAML_MAP)
		finding_add(fs, root->at, "A site is a map of users, phones, lines and so on. Start from the example.");
	else if (root) {
		read_all(&r, root);
		seal(&r, root);
		inbound_spaces(&r, root);
	}
	arena_close(&a);
	if (fs->n || !root) {
		directory_free(r.d);
		return NULL;
	}
	return r.d;
}

struct directory *site_empty(const struct config *c)
{
	struct directory *d = directory_new();
	struct buf none;
	char text[8];

	buf_init(&none, text, sizeof text);
	add_trunks(d, c);
	(void)directory_seal(d, &none);	/* nothing refers to anything */
	return d;
}

void site_options_doc(struct buf *b)
{
	buf_lit(b, "# Settings of site.yaml\n\nMade from the option tables; do not edit.\n\n");
	option_doc(b, "users", user_opts, N(user_opts));
	option_doc(b, "phones", phone_opts, N(phone_opts));
	option_doc(b, "spaces", space_opts, N(space_opts));
	option_doc(b, "lines", line_opts, N(line_opts));
	option_doc(b, "patterns", pattern_opts, N(pattern_opts));
	option_doc(b, "profiles", profile_opts, N(profile_opts));
	option_doc(b, "remotes", remote_opts, N(remote_opts));
	buf_lit(b, "`partitions` is a list of names.\n");
}
