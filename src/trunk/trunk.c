#include "trunk/trunk.h"

#include <string.h>

enum { WHY_MAX = 160 };

struct slot {
	struct trunk_host h;
	char name[256];
	char why[4][WHY_MAX];
};

struct trunk {
	char name[128];
	const struct trunk_profile *profile;
	bool enabled, monitored, registers;
	uint32_t retries;
	struct slot reg;
	struct slot s[TRUNK_HOSTS];
	int n;
	uint64_t peer_options;		/* when the peer last pinged us */
};

struct trunk *trunk_new(const struct trunk_setup *u)
{
	struct trunk *t = mem_new(sizeof *t);

	(void)str_copy(t->name, sizeof t->name, u->name);
	t->profile = u->profile;
	t->enabled = u->enabled;
	t->monitored = u->monitored;
	t->registers = u->registers;
	t->reg.h.why = REASON(TRUNK_REG_WAIT);
	t->retries = u->retries ? u->retries : 1;
	t->n = u->nhosts;
	for (int i = 0; i < t->n; i++) {
		struct slot *s = &t->s[i];

		(void)str_copy(s->name, sizeof s->name, u->host[i].name);
		s->h = (struct trunk_host){ .name = str_of(s->name), .port = u->host[i].port,
					    .state = TRUNK_UNKNOWN };
		s->h.why = u->monitored ? REASON(TRUNK_NEVER) : REASON(TRUNK_UNASKED, s->h.name);
	}
	return t;
}

void trunk_free(struct trunk *t)
{
	mem_free(t);
}

static void keep_why(struct slot *s, const struct reason *why)
{
	struct reason r = { .code = why->code };

	for (int i = 0; i < 4; i++) {
		(void)str_copy(s->why[i], WHY_MAX, str_sub(why->arg[i], 0, WHY_MAX - 1));
		r.arg[i] = why->arg[i].p ? str_of(s->why[i]) : STR_NONE;
	}
	s->h.why = r;
}

static void change(struct slot *s, enum trunk_state to, uint64_t now, int64_t wall)
{
	if (s->h.state == to)
		return;
	s->h.state = to;
	s->h.since = now;
	s->h.since_wall = wall;
}

static void note_registration(struct trunk *t, uint64_t now, int64_t wall,
			      const struct trunk_fact *f)
{
	keep_why(&t->reg, &f->why);
	change(&t->reg, f->kind == TRUNK_FACT_REGISTERED ? TRUNK_UP : TRUNK_DOWN, now, wall);
}

void trunk_note(struct trunk *t, uint64_t now, int64_t wall, const struct trunk_fact *f)
{
	struct slot *s = f->host >= 0 && f->host < t->n ? &t->s[f->host] : NULL;

	if (f->kind == TRUNK_FACT_PEER_OPTIONS)
		t->peer_options = now;
	if (f->kind == TRUNK_FACT_REGISTERED || f->kind == TRUNK_FACT_REG_FAILED) {
		note_registration(t, now, wall, f);
		return;
	}
	if (!s || f->kind == TRUNK_FACT_PEER_OPTIONS)
		return;
	if (f->kind == TRUNK_FACT_ANSWERED) {
		s->h.failures = 0;
		s->h.rest_until = 0;
		keep_why(s, &f->why);
		change(s, TRUNK_UP, now, wall);
		return;
	}
	s->h.failures++;
	keep_why(s, &f->why);
	if (f->retry_after_ms)
		s->h.rest_until = now + f->retry_after_ms;
	/* A host that was up gets its retries; one that never was is down at once. */
	if (s->h.state != TRUNK_UP || s->h.failures >= t->retries || f->kind == TRUNK_FACT_VANISHED)
		change(s, TRUNK_DOWN, now, wall);
}

static enum trunk_state hosts_verdict(const struct trunk *t)
{
	int up = 0, down = 0;

	for (int i = 0; i < t->n; i++) {
		up += t->s[i].h.state == TRUNK_UP ||
		      (t->s[i].h.state == TRUNK_UNKNOWN && !t->monitored);
		down += t->s[i].h.state == TRUNK_DOWN;
	}
	if (up == t->n && t->n)
		return TRUNK_UP;
	if (up)
		return TRUNK_PARTIAL;
	return down == t->n ? TRUNK_DOWN : TRUNK_UNKNOWN;
}

enum trunk_state trunk_verdict(const struct trunk *t)
{
	enum trunk_state hosts = hosts_verdict(t);

	if (!t->enabled)
		return TRUNK_DISABLED;
	if (!t->registers || t->reg.h.state == TRUNK_UP || hosts == TRUNK_DOWN)
		return hosts;
	return t->reg.h.state == TRUNK_UNKNOWN ? TRUNK_UNKNOWN : TRUNK_PARTIAL;
}

void trunk_report(struct trunk *t, struct log *l, uint64_t now, int64_t wall, const struct trunk_fact *f)
{
	enum trunk_state was = trunk_verdict(t), is;
	struct reason why;
	char text[400];
	struct buf b;

	trunk_note(t, now, wall, f);
	is = trunk_verdict(t);
	if (is == was)
		return;
	why = trunk_why(t);
	buf_init(&b, text, sizeof text);
	reason_write(&b, &why);
	log_line(l, is == TRUNK_UP ? LOG_INFO : LOG_WARN, "Trunk %s is %s: %s", t->name, trunk_state_str(is), buf_z(&b));
}

static int pass(const struct trunk *t, uint64_t now, uint32_t skip, enum trunk_state want)
{
	for (int i = 0; i < t->n; i++)
		if (!(skip >> i & 1) && t->s[i].h.state == want && t->s[i].h.rest_until <= now)
			return i;
	return -1;
}

int trunk_pick(const struct trunk *t, uint64_t now, uint32_t skip, struct reason *why)
{
	static const enum trunk_state order[] = { TRUNK_UP, TRUNK_UNKNOWN, TRUNK_DOWN };

	*why = REASON(TRUNK_DISABLED, str_of(t->name));
	if (!t->enabled)
		return -1;
	for (int k = 0; k < 3; k++) {
		int i = pass(t, now, skip, order[k]);

		if (i >= 0)
			return i;
	}
	*why = REASON(TRUNK_ALL_DOWN, str_of(t->name), STR("all its hosts were tried or rest"));
	return -1;
}

struct str trunk_name(const struct trunk *t)
{
	return str_of(t->name);
}

const struct trunk_profile *trunk_profile_of(const struct trunk *t)
{
	return t->profile;
}

int trunk_nhosts(const struct trunk *t)
{
	return t->n;
}

const struct trunk_host *trunk_host_at(const struct trunk *t, int i)
{
	return i >= 0 && i < t->n ? &t->s[i].h : NULL;
}

const struct trunk_host *trunk_registration(const struct trunk *t)
{
	return t->registers ? &t->reg.h : NULL;
}

struct reason trunk_why(const struct trunk *t)
{
	const struct slot *worst = NULL;

	if (!t->enabled)
		return REASON(TRUNK_DISABLED, str_of(t->name));
	for (int i = 0; i < t->n; i++)
		if (!worst || (worst->h.state == TRUNK_UP && t->s[i].h.state != TRUNK_UP))
			worst = &t->s[i];
	if (!worst)
		return REASON(TRUNK_ALL_DOWN, str_of(t->name), STR("it has no hosts"));
	/* Calls that do not come in are the worse news, while calls can still be sent out. */
	if (t->registers && t->reg.h.state != TRUNK_UP && hosts_verdict(t) != TRUNK_DOWN)
		return t->reg.h.why;
	return worst->h.why;
}
