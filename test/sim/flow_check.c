#include <ctype.h>
#include <string.h>

#include "sim/flow.h"

/* What must come, when, and what must stand in it. */

/* Messages a script need not mention: it may, and then they are checked. */
static bool soft(const struct flow_msg *m)
{
	if (!m->status)
		return !strcmp(m->method, "ACK");
	return m->status == 100 || strcmp(m->method, "INVITE") != 0;
}

static bool is_what(const struct flow_msg *m, const char *what, const struct flow_args *a)
{
	const char *to = flow_arg(a, "to");

	if (isdigit((unsigned char)what[0]))
		return m->status == flow_number(what, 0) && (!to || !strcmp(to, m->method));
	return !m->status && !strcmp(m->method, what);
}

static struct flow_msg *next(struct flow_peer *p, const struct flow_dialog *d, const char *what,
			     const struct flow_args *a)
{
	for (int i = 0; i < p->ninbox; i++) {
		struct flow_msg *m = &p->inbox[i];

		if (m->used || (d && m->d != d))
			continue;
		if (!soft(m) || is_what(m, what, a))
			return m;
	}
	return NULL;
}

static bool any_header(const char *text, const char *want)
{
	char name[64], value[900];
	const char *rest = want + strcspn(want, ":");

	flow_put(name, sizeof name, "%.*s", (int)(rest - want), want);
	rest += *rest == ':';
	rest += strspn(rest, " ");
	for (int i = 0; flow_header(text, name, i, value, sizeof value); i++)
		if (flow_contains(value, rest))
			return true;
	return false;
}

static bool ruri_has(const char *text, const char *want)
{
	char line[600];

	flow_put(line, sizeof line, "%.*s", (int)strcspn(text, "\r"), text);
	return flow_contains(line, want);
}

/* One "check:argument" of an expectation: holds, does not, is none. */
static bool holds(struct flow *f, const char *text, const char *check)
{
	static const char *const word[] = { "hdr:", "nohdr:", "sdp:", "nosdp:", "ruri:", "has:",
					    "hasnot:", "auth:" };
	size_t k = 0;
	const char *arg;
	char value[900];

	while (k < sizeof word / sizeof *word && strncmp(check, word[k], strlen(word[k])) != 0)
		k++;
	if (k == sizeof word / sizeof *word) {
		flow_fail(f, "the check \"%s\" is not known", check);
		return true;
	}
	arg = check + strlen(word[k]);
	switch (k) {
	case 0: return any_header(text, arg);
	case 1: return strchr(arg, ':') ? !any_header(text, arg)
					: !flow_header(text, arg, 0, value, sizeof value);
	case 2: return flow_contains(flow_body(text), arg);
	case 3: return !flow_contains(flow_body(text), arg);
	case 4: return ruri_has(text, arg);
	case 5: return flow_contains(text, arg);
	case 7: return flow_auth_holds(text, arg);
	default: return !flow_contains(text, arg);
	}
}

static bool is_range(const char *s)
{
	return isdigit((unsigned char)s[0]) && strstr(s, "..");
}

static void check_all(struct flow_peer *p, const struct flow_msg *m, const struct flow_args *a)
{
	for (int i = 1; i < a->n; i++) {
		if (is_range(a->v[i]) || !strncmp(a->v[i], "to=", 3))
			continue;
		if (!strcmp(a->v[i], "same-media")) {
			if (m->d && m->d->media.moved)
				flow_fail(p->f, "%s: the server's media port or key has changed", p->name);
			continue;
		}
		if (!strcmp(a->v[i], "nobody") ? *flow_body(m->text) != '\0'
					       : !holds(p->f, m->text, a->v[i]))
			flow_fail(p->f, "%s: \"%s\" does not hold for\n%s", p->name, a->v[i], m->text);
	}
}

static void range_of(const struct flow_args *a, unsigned *low, unsigned *high)
{
	char number[16];

	*low = 0;
	*high = FLOW_WAIT_MS;
	for (int i = 1; i < a->n; i++) {
		const char *dots = is_range(a->v[i]) ? strstr(a->v[i], "..") : NULL;

		if (!dots)
			continue;
		flow_put(number, sizeof number, "%.*s", (int)(dots - a->v[i]), a->v[i]);
		*low = flow_number(number, 0);
		*high = flow_number(dots + 2, *low + FLOW_WAIT_MS);
	}
}

static void expect_nothing(struct flow_peer *p, const struct flow_dialog *d, unsigned ms)
{
	static const struct flow_args none;
	const struct flow_msg *m;
	int before = p->ninbox;

	(void)flow_run_until(p->f, p->f->loop->now + ms, NULL);
	m = next(p, d, "nothing", &none);
	for (int i = before; !m && i < p->ninbox; i++)	/* a final response that came now counts, mentioned or not */
		if (!p->inbox[i].used && p->inbox[i].status >= 200 && (!d || p->inbox[i].d == d))
			m = &p->inbox[i];
	if (m)
		flow_fail(p->f, "%s should get nothing and got: %.*s", p->name,
			  (int)strcspn(m->text, "\r"), m->text);
}

void flow_expect(struct flow_peer *p, struct flow_dialog *d, const struct flow_args *a)
{
	struct flow *f = p->f;
	ms_t start = f->loop->now, until;
	unsigned low, high;
	struct flow_msg *m;

	if (!a->n)
		return;
	if (!strcmp(a->v[0], "nothing")) {
		expect_nothing(p, d, a->n > 1 ? flow_number(a->v[1], FLOW_WAIT_MS) : FLOW_WAIT_MS);
		return;
	}
	range_of(a, &low, &high);
	until = start + high;
	m = next(p, d, a->v[0], a);
	while (!m && f->loop->now < until) {
		(void)flow_run_until(f, until, p);
		m = next(p, d, a->v[0], a);
	}
	if (!m) {
		flow_fail(f, "%s waited %u ms for %s and got nothing", p->name, high, a->v[0]);
		return;
	}
	m->used = true;
	if (!is_what(m, a->v[0], a))
		flow_fail(f, "%s should get %s and got: %.*s", p->name, a->v[0],
			  (int)strcspn(m->text, "\r"), m->text);
	else if (low && m->at < start + low)
		flow_fail(f, "%s got %s after %d ms, earlier than %u ms", p->name, a->v[0],
			  (int)(m->at - start), low);
	else
		check_all(p, m, a);
	if (m->d && m->d != p->plain && !d)
		p->now = m->d;
}

/* At the end of a file nothing may be left that nobody asked for. */
void flow_expect_rest(struct flow *f)
{
	for (int i = 0; i < f->npeers; i++)
		for (int k = 0; k < f->peer[i]->ninbox; k++) {
			const struct flow_msg *m = &f->peer[i]->inbox[k];

			if (!m->used && !soft(m))
				flow_fail(f, "nobody expected that %s got: %.*s", f->peer[i]->name,
					  (int)strcspn(m->text, "\r"), m->text);
		}
}

/* saw PEER METHOD checks: of the last such message, answered by the peer itself or not. */
void flow_saw(struct flow *f, const struct flow_args *a)
{
	struct flow_peer *p = a->n > 2 ? flow_peer_of(f, a->v[1]) : NULL;
	struct flow_args rest;

	for (int i = p ? p->ninbox - 1 : -1; i >= 0; i--)
		if (!p->inbox[i].status && !strcmp(p->inbox[i].method, a->v[2])) {
			flow_tail(a, a->v[1], &rest);
			check_all(p, &p->inbox[i], &rest);
			return;
		}
	flow_fail(f, "nobody saw that");
}
