#include "service/summary.h"

static const char *const class_name[SUMMARY_NCLASS] = {
#define X(id, name) [SUMMARY_##id] = name,
	SUMMARY_CLASSES(X)
#undef X
};

/* "2/8" */
static enum err pair(struct str s, uint32_t *fresh, uint32_t *old)
{
	struct str a, b;

	if (!str_cut(s, '/', &a, &b))
		return ERR_PARSE;
	if (str_u32(str_trim(a), UINT32_MAX, fresh) || str_u32(str_trim(b), UINT32_MAX, old))
		return ERR_PARSE;
	return OK;
}

/* "2/8 (0/2)": the urgent ones among them. */
static enum err count(struct str s, struct summary_count *c)
{
	struct str all, urgent;

	*c = (struct summary_count){ .given = true };
	c->urgent = str_cut(s, '(', &all, &urgent);
	if (pair(str_trim(all), &c->fresh, &c->old))
		return ERR_PARSE;
	if (!c->urgent)
		return OK;
	urgent = str_trim(urgent);
	if (!urgent.n || urgent.p[urgent.n - 1] != ')')
		return ERR_PARSE;
	return pair(str_sub(urgent, 0, urgent.n - 1), &c->urgent_fresh, &c->urgent_old);
}

static enum err line(struct str name, struct str value, struct summary *s, bool *said)
{
	if (str_iis(name, "Messages-Waiting")) {
		if (*said || (!str_iis(value, "yes") && !str_iis(value, "no")))
			return ERR_PARSE;
		s->waiting = str_iis(value, "yes");
		*said = true;
	}
	for (int c = 0; c < SUMMARY_NCLASS; c++)
		if (str_iis(name, class_name[c]))
			return count(value, &s->count[c]);
	return OK;		/* Message-Account, or what we do not know */
}

enum err summary_parse(struct str body, struct summary *out)
{
	struct summary s = { 0 };
	struct str rest = body, one, name, value;
	bool said = false;
	int lines = 0;

	while (rest.p) {
		(void)str_cut(rest, '\n', &one, &rest);	/* the last may have none */
		if (one.n && one.p[one.n - 1] == '\r')
			one.n--;
		if (!str_trim(one).n)
			break;		/* headers of single messages follow */
		if (++lines > SUMMARY_LINES)
			return ERR_LIMIT;
		if (!str_cut(one, ':', &name, &value) || line(str_trim(name), str_trim(value), &s, &said))
			return ERR_PARSE;
	}
	if (!said)
		return ERR_PARSE;
	*out = s;
	return OK;
}

void summary_write(struct buf *b, const struct summary *s)
{
	buf_fmt(b, "Messages-Waiting: %s\r\n", s->waiting ? "yes" : "no");
	for (int c = 0; c < SUMMARY_NCLASS; c++) {
		const struct summary_count *n = &s->count[c];

		if (!n->given)
			continue;
		buf_fmt(b, "%s: %u/%u", class_name[c], n->fresh, n->old);
		if (n->urgent)
			buf_fmt(b, " (%u/%u)", n->urgent_fresh, n->urgent_old);
		buf_lit(b, "\r\n");
	}
}
