#include <string.h>

#include "directory/dir_int.h"

/* Who rings, when, and why. */

/* --- identity ----------------------------------------------------------------------- */

static bool same_number(struct str a, struct str b)
{
	return a.n && b.n && str_eq(dir_bare(a), dir_bare(b));
}

static void show_line(const struct directory *d, const struct dir_line *l, struct dir_identity *id)
{
	const struct dir_user *u = directory_user(d, l->user);

	id->user = l->user;
	id->number = l->number;
	id->display = l->display.n ? l->display : u ? u->display : STR_NONE;
}

void directory_identify_phone(const struct directory *d, struct str phone, struct dir_identity *id)
{
	const struct dir_line *l = directory_line_of_phone(d, phone);
	const struct dir_phone *p = directory_phone(d, phone);

	*id = (struct dir_identity){ .user = p ? p->user : STR_NONE };
	if (l)
		show_line(d, l, id);
}

/* The first line of a profile. */
static const struct dir_line *profile_line(const struct directory *d, const struct dir_profile *p)
{
	struct str number, partition;
	struct dir_hit h;
	uint32_t i;

	if (!p || !p->nlines)
		return NULL;
	(void)str_cut(p->line[0], '/', &number, &partition);
	h = dir_index_find(&d->by_number, number);
	while (dir_index_next(&h, &i))
		if (dir_line_named(&d->line.v[i], p->line[0]))
			return &d->line.v[i];
	return NULL;
}

void directory_identify_number(const struct directory *d, struct str number, bool trusted,
			       struct dir_identity *id, struct reason *why)
{
	struct dir_hit h = dir_index_find(&d->remote_number, dir_bare(number));
	uint32_t i;

	*id = (struct dir_identity){ .number = number };
	*why = (struct reason){ 0 };
	while (trusted && dir_index_next(&h, &i)) {
		const struct dir_remote *r = &d->remote.v[i];
		const struct dir_line *l = profile_line(d, directory_profile(d, r->profile));

		if (!l || !same_number(r->number, number))
			continue;
		show_line(d, l, id);
		id->remote = r->name;
		*why = REASON(CALLER_IS_USER, number, r->name, l->number);
		return;
	}
}

/* --- digit analysis ------------------------------------------------------------------------ */

struct found {
	const struct dir_line *line;
	const struct dir_pattern *pattern;
	struct digits_match m;
	int rank;			/* place of its partition in the space */
	bool any;
};

/* Place of a partition in the search space; -1: not in it. Without a space: lines only. */
static int rank_of(const struct dir_space *css, bool no_css, struct str partition, bool is_line)
{
	if (no_css)
		return is_line ? 0 : -1;
	if (!partition.n)		/* CUCM's <None>: reachable for everybody, last */
		return DIR_PARTITIONS_PER_SPACE;
	for (int i = 0; css && i < css->n; i++)
		if (str_eq(css->partition[i], partition))
			return i;
	return -1;
}

static void consider(struct found *f, const struct digits_match *m, int rank,
		     const struct dir_line *l, const struct dir_pattern *p)
{
	if (f->any && (m->breadth > f->m.breadth ||
		       (!(m->breadth < f->m.breadth) && rank >= f->rank)))
		return;
	*f = (struct found){ l, p, *m, rank, true };
}

/* Closest match over all partitions of the space; of equals the first partition's. `barred`
 * gets the closest match of those the space does not contain. */
static void analyse(const struct directory *d, const struct dir_query *q, struct found *best,
		    struct found *barred)
{
	const struct dir_space *css = q->css.n ? dir_space(d, q->css) : NULL;
	struct dir_hit h = dir_index_find(&d->by_number, q->number);
	struct dir_hit e = dir_index_find(&d->by_e164, dir_bare(q->number));
	uint32_t k;

	*best = *barred = (struct found){ 0 };
	while (dir_index_next(&h, &k) || dir_index_next(&e, &k)) {
		const struct dir_line *l = &d->line.v[k];
		struct digits_match m = { .breadth = 1 };
		int rank = rank_of(css, !q->css.n, l->partition, true);

		if (str_eq(l->number, q->number) || same_number(l->e164, q->number))
			consider(rank >= 0 ? best : barred, &m, rank, l, NULL);
	}
	for (uint32_t i = 0; i < d->pattern.n; i++) {
		const struct dir_pattern *p = &d->pattern.v[i];
		struct digits_match m;
		int rank = rank_of(css, !q->css.n, p->partition, false);

		if (digits_match_compiled(&d->digits.v[i], q->number, &m))
			consider(rank >= 0 ? best : barred, &m, rank, NULL, p);
	}
}

static struct str transform(const struct dir_pattern *p, const struct digits_match *m,
			    struct str number, struct arena *a)
{
	char masked[DIGITS_MAX + 1], text[2 * DIGITS_MAX + 2];
	struct buf b;

	if (p->discard_predot)
		number = str_sub(number, m->predot, number.n);
	if (p->mask.n) {
		digits_mask(p->mask, number, masked);
		number = str_of(masked);
	}
	buf_init(&b, text, sizeof text);
	buf_put(&b, p->prefix);
	buf_put(&b, number);
	return str_dup(a, buf_str(&b));
}

/* --- the plan ------------------------------------------------------------------------------- */

static void note(struct dir_plan *p, struct arena *a, const struct reason *why)
{
	if (p->nnotes < DIR_NOTE_MAX)
		p->note[p->nnotes++] = reason_keep(a, why);
}

static struct str text_of(struct arena *a, uint64_t v)
{
	char text[24];
	struct buf b;

	buf_init(&b, text, sizeof text);
	buf_u64(&b, v);
	return str_dup(a, buf_str(&b));
}

static struct dir_target *add(struct dir_plan *p, enum dir_target_kind k, struct str name)
{
	struct dir_target *t;

	if (p->n == DIR_TARGET_MAX)
		return NULL;
	t = &p->t[p->n++];
	*t = (struct dir_target){ .kind = k, .name = name };
	return t;
}

static void to_trunks(struct dir_target *t, const struct dir_pattern *p)
{
	t->ntrunks = p->ntrunks;
	memcpy(t->trunk, p->trunk, sizeof t->trunk);
}

static void desk(const struct directory *d, const struct dir_query *q, const struct dir_line *l,
		 struct arena *a, struct dir_plan *p)
{
	(void)d;
	for (int i = 0; i < l->nphones; i++) {
		int n = q->registered ? q->registered(q->ctx, l->phone[i]) : 1;

		if (!n) {
			note(p, a, &REASON(PHONE_NOT_REGISTERED, l->phone[i]));
			continue;
		}
		note(p, a, &REASON(RINGS_PHONE, l->phone[i], text_of(a, (uint64_t)n)));
		(void)add(p, DIR_PHONE, l->phone[i]);	/* past the limit: it does not ring */
	}
	for (int i = 0; i < l->nendpoints; i++) {
		const struct dir_endpoint *e = &l->endpoint[i];
		char name[160];
		struct buf b;
		struct dir_target *t;

		buf_init(&b, name, sizeof name);
		buf_fmt(&b, "%.*s@%.*s", STRF(e->number), STRF(e->trunk));
		t = add(p, DIR_ENDPOINT, str_dup(a, buf_str(&b)));
		if (!t)
			continue;
		t->number = e->number;
		t->trunk[0] = e->trunk;
		t->ntrunks = 1;
		note(p, a, &REASON(RINGS_TRUNK_ENDPOINT, e->number, e->trunk));
	}
}

static bool associated(const struct dir_remote *r, const struct dir_line *l)
{
	for (int i = 0; i < r->nlines; i++)
		if (dir_line_named(l, r->line[i]))
			return true;
	return r->nlines == 0;
}

static uint64_t timer_of(int64_t set, uint64_t general, uint64_t teams, bool is_teams)
{
	return set >= 0 ? (uint64_t)set : is_teams ? teams : general;
}

static void ring_remote(const struct directory *d, const struct dir_remote *r,
			const struct dir_profile *prof, struct arena *a, struct dir_plan *p)
{
	struct dir_query q = { .number = r->number, .css = prof->reroute_css };
	struct found f, barred;
	struct dir_target *t;
	bool teams;

	analyse(d, &q, &f, &barred);
	if (!f.pattern || f.pattern->block || !f.pattern->ntrunks) {
		note(p, a, &REASON(REMOTE_NO_ROUTE, r->name, prof->reroute_css, r->number));
		return;
	}
	t = add(p, DIR_REMOTE, r->name);
	if (!t)
		return;
	teams = dir_trunk_is_teams(d, f.pattern->trunk[0]);
	t->number = transform(f.pattern, &f.m, r->number, a);
	to_trunks(t, f.pattern);
	t->delay_ms = timer_of(r->delay_ms, 4000, 0, teams);
	t->too_soon_ms = timer_of(r->too_soon_ms, 1500, 3000, teams);
	t->too_late_ms = timer_of(r->too_late_ms, 19000, 20000, teams);
	note(p, a, &REASON(RINGS_REMOTE, r->name, t->number, text_of(a, t->delay_ms),
			   f.pattern->trunk[0]));
}

static void ring_profile(const struct directory *d, const struct dir_query *q,
			 const struct dir_line *l, const struct dir_profile *prof, struct arena *a,
			 struct dir_plan *p)
{
	struct dir_hit h = dir_index_find(&d->profile_remote, prof->name);
	uint32_t i;

	while (dir_index_next(&h, &i)) {
		const struct dir_remote *r = &d->remote.v[i];

		if (!str_eq(r->profile, prof->name))
			continue;
		if (!r->enabled)
			note(p, a, &REASON(REMOTE_DISABLED, r->name));
		else if (!associated(r, l))
			note(p, a, &REASON(REMOTE_NOT_ASSOCIATED, r->name, l->number));
		else if (q->caller_remote.n && str_eq(r->name, q->caller_remote))
			note(p, a, &REASON(REMOTE_IS_CALLER, r->name));
		else
			ring_remote(d, r, prof, a, p);
	}
}

static void remotes(const struct directory *d, const struct dir_query *q, const struct dir_line *l,
		    struct arena *a, struct dir_plan *p)
{
	struct dir_hit h = dir_index_find(&d->line_profile, l->number);
	uint32_t i, last = UINT32_MAX;

	while (dir_index_next(&h, &i)) {
		const struct dir_profile *prof = &d->profile.v[i];
		bool mine = false;

		for (int k = 0; k < prof->nlines && i != last; k++)
			mine |= dir_line_named(l, prof->line[k]);
		if (mine)
			ring_profile(d, q, l, prof, a, p);
		last = i;		/* a profile that names the line twice rings once */
	}
}

static void plan_line(const struct directory *d, const struct dir_query *q, const struct dir_line *l,
		      struct arena *a, struct dir_plan *p)
{
	p->line = l;
	p->no_answer_ms = l->no_answer_s * 1000ull;
	p->forward_to = l->forward_no_answer;
	p->forward_busy = l->forward_busy;
	p->forward_css = l->css;
	note(p, a, &REASON(LINE_FOUND, q->number, l->number, l->partition));
	desk(d, q, l, a, p);
	remotes(d, q, l, a, p);
	if (!p->n && p->nnotes == 1)
		note(p, a, &REASON(LINE_EMPTY, l->number));
	if (p->forward_to.n)
		note(p, a, &REASON(FORWARD_SET, text_of(a, l->no_answer_s), p->forward_to));
	else
		note(p, a, &REASON(FORWARD_NONE, STR("180")));
	p->status = 480;
	p->why = p->nnotes > 1 ? p->note[1] : p->note[0];
}

static void plan_pattern(const struct dir_query *q, const struct found *f, struct arena *a,
			 struct dir_plan *p)
{
	const struct dir_pattern *pat = f->pattern;
	struct dir_target *t;

	p->emergency = pat->emergency;
	if (pat->block || !pat->ntrunks) {
		p->status = 403;
		p->why = REASON(PATTERN_BLOCKED, q->number, pat->pattern);
		note(p, a, &p->why);
		return;
	}
	t = add(p, DIR_TRUNK, STR_NONE);
	t->number = transform(pat, &f->m, q->number, a);
	t->name = t->number;
	to_trunks(t, pat);
	note(p, a, &REASON(PATTERN_FOUND, q->number, pat->pattern, pat->partition, pat->trunk[0]));
}

static void plan_nothing(const struct directory *d, const struct dir_query *q, const struct found *barred,
			 struct arena *a, struct dir_plan *p)
{
	p->status = 404;
	if (!q->css.n)
		p->why = REASON(SPACE_NONE, q->number);
	else if (!dir_space(d, q->css))
		p->why = REASON(SPACE_UNKNOWN, q->css);
	else if (barred->any)
		p->why = REASON(NUMBER_BARRED, q->number,
				barred->line ? barred->line->number : barred->pattern->pattern,
				barred->line ? barred->line->partition : barred->pattern->partition,
				q->css);
	else
		p->why = REASON(NUMBER_UNKNOWN, q->number, q->css);
	p->why = reason_keep(a, &p->why);
	note(p, a, &p->why);
}

void directory_plan(const struct directory *d, const struct dir_query *q, struct arena *a,
		    struct dir_plan *p)
{
	struct found best, barred;

	*p = (struct dir_plan){ .status = 404 };
	analyse(d, q, &best, &barred);
	if (best.line)
		plan_line(d, q, best.line, a, p);
	else if (best.pattern)
		plan_pattern(q, &best, a, p);
	else
		plan_nothing(d, q, &barred, a, p);
}
