#include "directory/directory.h"

#include <string.h>

#include "directory/dir_int.h"

struct directory *directory_new(void)
{
	struct directory *d = mem_new(sizeof *d);

	arena_init(&d->a, DIR_ARENA_MAX);
	return d;
}

static void close_indexes(struct directory *d)
{
	struct dir_index *const all[] = { &d->by_user, &d->by_phone, &d->by_auth, &d->by_partition,
		&d->by_space, &d->by_profile, &d->by_remote, &d->by_trunk, &d->by_pattern,
		&d->phone_line, &d->line_profile, &d->profile_remote, &d->by_number, &d->by_e164,
		&d->remote_number };

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		dir_index_close(all[i]);
}

void directory_free(struct directory *d)
{
	if (!d)
		return;
	mem_free(d->user.v);
	mem_free(d->phone.v);
	mem_free(d->partition.v);
	mem_free(d->space.v);
	mem_free(d->line.v);
	mem_free(d->pattern.v);
	mem_free(d->profile.v);
	mem_free(d->remote.v);
	mem_free(d->trunk.v);
	mem_free(d->digits.v);
	close_indexes(d);
	arena_close(&d->a);
	mem_free(d);
}

/* --- building --------------------------------------------------------------------- */

#define GROW(list) do { \
	if ((list).n == (list).cap) { \
		(list).cap = (list).cap ? 2 * (list).cap : 16; \
		(list).v = mem_grow((list).v, (list).cap, sizeof *(list).v); \
	} \
} while (0)

static void keep(struct directory *d, struct str *s)
{
	*s = str_dup(&d->a, *s);
}

static void keep_all(struct directory *d, struct str *s, int n)
{
	for (int i = 0; i < n; i++)
		keep(d, &s[i]);
}

enum err directory_add_user(struct directory *d, const struct dir_user *r)
{
	struct dir_user *x;

	if (directory_user(d, r->name))
		return ERR_EXISTS;
	GROW(d->user);
	dir_index_add(&d->by_user, r->name, d->user.n);
	x = &d->user.v[d->user.n++];
	*x = *r;
	keep(d, &x->name);
	keep(d, &x->display);
	return OK;
}

enum err directory_add_phone(struct directory *d, const struct dir_phone *r)
{
	struct dir_phone *x;

	if (directory_phone(d, r->name) || directory_phone_by_auth(d, r->auth_user))
		return ERR_EXISTS;
	GROW(d->phone);
	dir_index_add(&d->by_phone, r->name, d->phone.n);
	dir_index_add(&d->by_auth, r->auth_user, d->phone.n);
	x = &d->phone.v[d->phone.n++];
	*x = *r;
	keep(d, &x->name);
	keep(d, &x->user);
	keep(d, &x->auth_user);
	keep(d, &x->ha1_md5);
	keep(d, &x->ha1_sha256);
	keep(d, &x->css);
	return OK;
}

static bool has_partition(const struct directory *d, struct str name)
{
	struct dir_hit h = dir_index_find(&d->by_partition, name);
	uint32_t i;

	while (dir_index_next(&h, &i))
		if (str_eq(d->partition.v[i].name, name))
			return true;
	return false;
}

enum err directory_add_partition(struct directory *d, struct str name)
{
	if (has_partition(d, name))
		return ERR_EXISTS;
	GROW(d->partition);
	dir_index_add(&d->by_partition, name, d->partition.n);
	d->partition.v[d->partition.n++].name = str_dup(&d->a, name);
	return OK;
}

enum err directory_add_space(struct directory *d, const struct dir_space *r)
{
	struct dir_space *x;

	if (dir_space(d, r->name))
		return ERR_EXISTS;
	GROW(d->space);
	dir_index_add(&d->by_space, r->name, d->space.n);
	x = &d->space.v[d->space.n++];
	*x = *r;
	keep(d, &x->name);
	keep_all(d, x->partition, x->n);
	return OK;
}

static void index_line(struct directory *d, const struct dir_line *r, uint32_t row)
{
	dir_index_add(&d->by_number, r->number, row);
	if (r->e164.n)
		dir_index_add(&d->by_e164, dir_bare(r->e164), row);
	for (int i = 0; i < r->nphones; i++)
		dir_index_add(&d->phone_line, r->phone[i], row);
}

enum err directory_add_line(struct directory *d, const struct dir_line *r)
{
	struct dir_line *x;

	if (dir_line(d, r->number, r->partition))
		return ERR_EXISTS;
	GROW(d->line);
	index_line(d, r, d->line.n);
	x = &d->line.v[d->line.n++];
	*x = *r;
	keep(d, &x->number);
	keep(d, &x->partition);
	keep(d, &x->e164);
	keep(d, &x->user);
	keep(d, &x->display);
	keep(d, &x->css);
	keep(d, &x->forward_no_answer);
	keep(d, &x->forward_busy);
	keep_all(d, x->phone, x->nphones);
	for (int i = 0; i < x->nendpoints; i++) {
		keep(d, &x->endpoint[i].number);
		keep(d, &x->endpoint[i].trunk);
	}
	return OK;
}

enum err directory_add_pattern(struct directory *d, const struct dir_pattern *r)
{
	struct dir_pattern *x;

	struct dir_hit h = dir_index_find(&d->by_pattern, r->pattern);
	uint32_t i;

	while (dir_index_next(&h, &i))
		if (str_eq(d->pattern.v[i].pattern, r->pattern) &&
		    str_eq(d->pattern.v[i].partition, r->partition))
			return ERR_EXISTS;
	GROW(d->digits);
	if (!digits_compile(r->pattern, &d->digits.v[d->digits.n]))
		d->digits.v[d->digits.n] = (struct digits_pattern){ .dot = -1 };	/* matches nothing */
	d->digits.n++;
	dir_index_add(&d->by_pattern, r->pattern, d->pattern.n);
	GROW(d->pattern);
	x = &d->pattern.v[d->pattern.n++];
	*x = *r;
	keep(d, &x->pattern);
	keep(d, &x->partition);
	keep(d, &x->prefix);
	keep(d, &x->mask);
	keep_all(d, x->trunk, x->ntrunks);
	return OK;
}

/* "1001" of "1001/internal". */
static struct str line_number_of(struct str name)
{
	struct str number, partition;

	(void)str_cut(name, '/', &number, &partition);
	return number;
}

enum err directory_add_profile(struct directory *d, const struct dir_profile *r)
{
	struct dir_profile *x;

	if (directory_profile(d, r->name))
		return ERR_EXISTS;
	GROW(d->profile);
	dir_index_add(&d->by_profile, r->name, d->profile.n);
	for (int i = 0; i < r->nlines; i++)
		dir_index_add(&d->line_profile, line_number_of(r->line[i]), d->profile.n);
	x = &d->profile.v[d->profile.n++];
	*x = *r;
	keep(d, &x->name);
	keep(d, &x->user);
	keep(d, &x->reroute_css);
	keep_all(d, x->line, x->nlines);
	return OK;
}

enum err directory_add_remote(struct directory *d, const struct dir_remote *r)
{
	struct dir_remote *x;

	struct dir_hit h = dir_index_find(&d->by_remote, r->name);
	uint32_t i;

	while (dir_index_next(&h, &i))
		if (str_eq(d->remote.v[i].name, r->name))
			return ERR_EXISTS;
	dir_index_add(&d->by_remote, r->name, d->remote.n);
	dir_index_add(&d->profile_remote, r->profile, d->remote.n);
	dir_index_add(&d->remote_number, dir_bare(r->number), d->remote.n);
	GROW(d->remote);
	x = &d->remote.v[d->remote.n++];
	*x = *r;
	keep(d, &x->name);
	keep(d, &x->profile);
	keep(d, &x->number);
	keep_all(d, x->line, x->nlines);
	return OK;
}

enum err directory_add_trunk(struct directory *d, struct str name, bool teams)
{
	GROW(d->trunk);
	dir_index_add(&d->by_trunk, name, d->trunk.n);
	d->trunk.v[d->trunk.n].name = str_dup(&d->a, name);
	d->trunk.v[d->trunk.n++].teams = teams;
	return OK;
}

/* --- finding ------------------------------------------------------------------------- */

const struct dir_user *directory_user(const struct directory *d, struct str name)
{
	struct dir_hit h = dir_index_find(&d->by_user, name);
	uint32_t i;

	while (dir_index_next(&h, &i))
		if (str_eq(d->user.v[i].name, name))
			return &d->user.v[i];
	return NULL;
}

const struct dir_phone *directory_phone(const struct directory *d, struct str name)
{
	struct dir_hit h = dir_index_find(&d->by_phone, name);
	uint32_t i;

	while (dir_index_next(&h, &i))
		if (str_eq(d->phone.v[i].name, name))
			return &d->phone.v[i];
	return NULL;
}

const struct dir_phone *directory_phone_by_auth(const struct directory *d, struct str auth_user)
{
	struct dir_hit h = dir_index_find(&d->by_auth, auth_user);
	uint32_t i;

	while (dir_index_next(&h, &i))
		if (str_eq(d->phone.v[i].auth_user, auth_user))
			return &d->phone.v[i];
	return NULL;
}

const struct dir_space *dir_space(const struct directory *d, struct str name)
{
	struct dir_hit h = dir_index_find(&d->by_space, name);
	uint32_t i;

	while (dir_index_next(&h, &i))
		if (str_eq(d->space.v[i].name, name))
			return &d->space.v[i];
	return NULL;
}

const struct dir_profile *directory_profile(const struct directory *d, struct str name)
{
	struct dir_hit h = dir_index_find(&d->by_profile, name);
	uint32_t i;

	while (dir_index_next(&h, &i))
		if (str_eq(d->profile.v[i].name, name))
			return &d->profile.v[i];
	return NULL;
}

const struct dir_line *dir_line(const struct directory *d, struct str number, struct str partition)
{
	struct dir_hit h = dir_index_find(&d->by_number, number);
	uint32_t i;

	while (dir_index_next(&h, &i))
		if (str_eq(d->line.v[i].number, number) &&
		    str_eq(d->line.v[i].partition, partition))
			return &d->line.v[i];
	return NULL;
}

bool dir_trunk_is_teams(const struct directory *d, struct str name)
{
	struct dir_hit h = dir_index_find(&d->by_trunk, name);
	uint32_t i;

	while (dir_index_next(&h, &i))
		if (str_eq(d->trunk.v[i].name, name))
			return d->trunk.v[i].teams;
	return false;
}

bool dir_line_named(const struct dir_line *l, struct str name)
{
	struct str number, partition;

	(void)str_cut(name, '/', &number, &partition);
	return str_eq(l->number, number) && (!partition.p || str_eq(l->partition, partition));
}

const struct dir_line *directory_line_of_phone(const struct directory *d, struct str phone)
{
	struct dir_hit h = dir_index_find(&d->phone_line, phone);
	uint32_t i;

	while (dir_index_next(&h, &i))
		for (int k = 0; k < d->line.v[i].nphones; k++)
			if (str_eq(d->line.v[i].phone[k], phone))
				return &d->line.v[i];
	return NULL;
}

const struct dir_line *directory_line_by_number(const struct directory *d, struct str number)
{
	struct dir_hit h = dir_index_find(&d->by_number, number);
	uint32_t i;

	while (dir_index_next(&h, &i))
		if (str_eq(d->line.v[i].number, number) && d->line.v[i].e164.n)
			return &d->line.v[i];
	return NULL;
}

struct str dir_bare(struct str n)
{
	return n.n && n.p[0] == '+' ? str_sub(n, 1, n.n) : n;
}

const struct dir_line *directory_line_of_number(const struct directory *d, struct str number)
{
	struct dir_hit h = dir_index_find(&d->by_e164, dir_bare(number));
	uint32_t i;

	while (dir_index_next(&h, &i))
		if (str_eq(dir_bare(d->line.v[i].e164), dir_bare(number)))
			return &d->line.v[i];
	h = dir_index_find(&d->by_number, number);
	while (dir_index_next(&h, &i))
		if (str_eq(d->line.v[i].number, number))
			return &d->line.v[i];
	return NULL;
}

#define AT(list) ((i < (list).n) ? &(list).v[i] : NULL)

const struct dir_user *directory_user_at(const struct directory *d, uint32_t i)
{
	return AT(d->user);
}

const struct dir_phone *directory_phone_at(const struct directory *d, uint32_t i)
{
	return AT(d->phone);
}

const struct dir_line *directory_line_at(const struct directory *d, uint32_t i)
{
	return AT(d->line);
}

const struct dir_remote *directory_remote_at(const struct directory *d, uint32_t i)
{
	return AT(d->remote);
}

/* --- sealing ----------------------------------------------------------------------------- */

static bool has_trunk(const struct directory *d, struct str name)
{
	struct dir_hit h = dir_index_find(&d->by_trunk, name);
	uint32_t i;

	while (dir_index_next(&h, &i))
		if (str_eq(d->trunk.v[i].name, name))
			return true;
	return false;
}

static enum err missing(struct buf *why, const char *what, struct str owner, const char *kind,
			struct str name)
{
	buf_fmt(why, "%s \"%.*s\" refers to %s \"%.*s\", which does not exist. Add it, or correct the name.",
		what, STRF(owner), kind, STRF(name));
	return ERR_GONE;
}

static enum err seal_lines(const struct directory *d, struct buf *why)
{
	for (uint32_t i = 0; i < d->line.n; i++) {
		const struct dir_line *l = &d->line.v[i];

		if (l->partition.n && !has_partition(d, l->partition))
			return missing(why, "Line", l->number, "partition", l->partition);
		if (l->user.n && !directory_user(d, l->user))
			return missing(why, "Line", l->number, "user", l->user);
		if (l->css.n && !dir_space(d, l->css))
			return missing(why, "Line", l->number, "calling search space", l->css);
		for (int k = 0; k < l->nphones; k++)
			if (!directory_phone(d, l->phone[k]))
				return missing(why, "Line", l->number, "phone", l->phone[k]);
		for (int k = 0; k < l->nendpoints; k++)
			if (!has_trunk(d, l->endpoint[k].trunk))
				return missing(why, "Line", l->number, "trunk", l->endpoint[k].trunk);
	}
	return OK;
}

static enum err seal_patterns(const struct directory *d, struct buf *why)
{
	for (uint32_t i = 0; i < d->pattern.n; i++) {
		const struct dir_pattern *p = &d->pattern.v[i];

		if (p->partition.n && !has_partition(d, p->partition))
			return missing(why, "Route pattern", p->pattern, "partition", p->partition);
		for (int k = 0; k < p->ntrunks; k++)
			if (!has_trunk(d, p->trunk[k]))
				return missing(why, "Route pattern", p->pattern, "trunk", p->trunk[k]);
	}
	for (uint32_t i = 0; i < d->space.n; i++)
		for (int k = 0; k < d->space.v[i].n; k++)
			if (!has_partition(d, d->space.v[i].partition[k]))
				return missing(why, "Calling search space", d->space.v[i].name,
					       "partition", d->space.v[i].partition[k]);
	return OK;
}

static bool has_line(const struct directory *d, struct str name)
{
	struct dir_hit h = dir_index_find(&d->by_number, line_number_of(name));
	uint32_t i;

	while (dir_index_next(&h, &i))
		if (dir_line_named(&d->line.v[i], name))
			return true;
	return false;
}

bool directory_has(const struct directory *d, enum dir_kind kind, struct str name)
{
	switch (kind) {
	case DIR_KIND_USER: return directory_user(d, name);
	case DIR_KIND_PHONE: return directory_phone(d, name);
	case DIR_KIND_PARTITION: return has_partition(d, name);
	case DIR_KIND_SPACE: return dir_space(d, name);
	case DIR_KIND_LINE: return has_line(d, name);
	case DIR_KIND_PROFILE: return directory_profile(d, name);
	case DIR_KIND_TRUNK: return has_trunk(d, name);
	case DIR_NKIND: break;
	}
	return false;
}

static enum err seal_remotes(const struct directory *d, struct buf *why)
{
	for (uint32_t i = 0; i < d->profile.n; i++) {
		const struct dir_profile *p = &d->profile.v[i];

		if (p->user.n && !directory_user(d, p->user))
			return missing(why, "Remote destination profile", p->name, "user", p->user);
		if (p->reroute_css.n && !dir_space(d, p->reroute_css))
			return missing(why, "Remote destination profile", p->name,
				       "calling search space", p->reroute_css);
		for (int k = 0; k < p->nlines; k++)
			if (!has_line(d, p->line[k]))
				return missing(why, "Remote destination profile", p->name, "line",
					       p->line[k]);
	}
	for (uint32_t i = 0; i < d->remote.n; i++)
		if (!directory_profile(d, d->remote.v[i].profile))
			return missing(why, "Remote destination", d->remote.v[i].name,
				       "remote destination profile", d->remote.v[i].profile);
	return OK;
}

static enum err seal_urgent(struct directory *d)
{
	d->urgent = arena_get(&d->a, (d->pattern.n + 1) * sizeof *d->urgent);
	if (!d->urgent)
		return ERR_LIMIT;
	for (uint32_t i = 0; i < d->pattern.n; i++)
		if (d->pattern.v[i].emergency)
			d->urgent[d->nurgent++] = i;
	return OK;
}

enum err directory_seal(struct directory *d, struct buf *why)
{
	enum err e = seal_lines(d, why);

	for (uint32_t i = 0; i < d->phone.n && !e; i++)
		if (d->phone.v[i].user.n && !directory_user(d, d->phone.v[i].user))
			e = missing(why, "Phone", d->phone.v[i].name, "user", d->phone.v[i].user);
	if (!e)
		e = seal_patterns(d, why);
	if (!e)
		e = seal_remotes(d, why);
	if (!e)
		e = seal_urgent(d);
	d->sealed = !e;
	return e;
}

bool directory_is_emergency(const struct directory *d, struct str number)
{
	struct digits_match m;

	for (uint32_t i = 0; i < d->nurgent; i++)
		if (digits_match_compiled(&d->digits.v[d->urgent[i]], number, &m))
			return true;
	return false;
}

bool directory_pattern_good(struct str pattern)
{
	return digits_good(pattern);
}
