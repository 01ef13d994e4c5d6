#include "directory/digits.h"

#include <string.h>

struct item {
	bool set[128];
	unsigned width;			/* characters in the set */
	unsigned min;
	bool many;
};

struct items { struct item it[DIGITS_MAX]; int n; int dot; };

static const char digit_set[] = "0123456789*#";

static void put(struct item *x, char c, bool on)
{
	unsigned i = (unsigned char)c & 127;

	if (x->set[i] == on)
		return;
	x->set[i] = on;
	x->width += on ? 1u : (unsigned)-1;
}

static void put_digits(struct item *x)
{
	for (const char *c = "0123456789"; *c; c++)
		put(x, *c, true);
}

/* "[1-3]", "[^1-3]", "[2468]" : bytes used, 0: malformed. */
static size_t read_set(struct str p, struct item *x)
{
	size_t i = 1;
	bool not = p.n > 1 && p.p[1] == '^';

	if (not) {
		for (const char *c = digit_set; *c; c++)
			put(x, *c, true);
		i++;
	}
	for (; i < p.n && p.p[i] != ']'; i++) {
		char from = p.p[i], to = from;

		if (i + 2 < p.n && p.p[i + 1] == '-' && p.p[i + 2] != ']') {
			to = p.p[i + 2];
			i += 2;
		}
		if (!strchr(digit_set, from) || !strchr(digit_set, to) || to < from)
			return 0;
		for (char c = from; c <= to; c++)
			put(x, c, !not);
	}
	return i < p.n && x->width ? i + 1 : 0;
}

static size_t read_item(struct str p, struct item *x)
{
	char c = p.p[0];

	*x = (struct item){ .min = 1 };
	if (c == '[')
		return read_set(p, x);
	if (c == '\\' && p.n > 1 && p.p[1] == '+') {
		put(x, '+', true);
		return 2;
	}
	if (c == 'X' || c == 'x' || c == '!') {
		put_digits(x);
		x->many = c == '!';
		return 1;
	}
	if (c == '+' || (c && strchr(digit_set, c))) {
		put(x, c, true);
		return 1;
	}
	return 0;
}

static bool compile(struct str p, struct items *out)
{
	out->n = 0;
	out->dot = -1;
	if (p.n > DIGITS_MAX)
		return false;
	while (p.n) {
		struct item *x = &out->it[out->n];
		size_t k;

		if (p.p[0] == '.') {
			if (out->dot >= 0)
				return false;
			out->dot = out->n;
			p = str_sub(p, 1, p.n);
			continue;
		}
		if (out->n == DIGITS_MAX)
			return false;
		k = read_item(p, x);
		if (!k)
			return false;
		p = str_sub(p, k, p.n);
		if (p.n && (p.p[0] == '?' || (p.p[0] == '+' && out->n + 1 > 0 && x->width > 1))) {
			x->many = true;
			x->min = p.p[0] == '?' ? 0 : 1;
			p = str_sub(p, 1, p.n);
		}
		out->n++;
	}
	return out->n > 0;
}

bool digits_good(struct str pattern)
{
	struct items it;

	return compile(pattern, &it);
}

static bool in_set(const struct item *x, char c)
{
	return (unsigned char)c < 128 && x->set[(unsigned char)c];
}

/* Items against a number, greedy with one fallback per repeated item: bounded because a
 * pattern has at most DIGITS_MAX items and a number DIGITS_MAX digits. ends[i]: digits used
 * before item i. */
static bool walk(const struct items *it, struct str num, size_t ends[DIGITS_MAX + 1])
{
	bool can[DIGITS_MAX + 1][DIGITS_MAX + 1] = { { false } };
	size_t n = num.n;

	/* can[i][j]: items i.. match digits j..; from the end. */
	can[it->n][n] = true;
	for (int i = it->n - 1; i >= 0; i--) {
		const struct item *x = &it->it[i];

		for (size_t j = n + 1; j-- > 0;) {
			bool here = j < n && in_set(x, num.p[j]);

			can[i][j] = (x->min == 0 && can[i + 1][j]) ||
				    (here && (can[i + 1][j + 1] || (x->many && can[i][j + 1])));
		}
	}
	if (!can[0][0])
		return false;
	for (size_t j = 0, i = 0; i < (size_t)it->n; i++) {
		const struct item *x = &it->it[i];
		size_t k;

		ends[i] = j;
		if (x->min == 0 && can[i + 1][j])
			continue;
		for (k = j + 1; k <= n && !can[i + 1][k]; k++)
			;
		j = k;
		ends[i + 1] = j;
	}
	return true;
}

bool digits_match(struct str pattern, struct str number, struct digits_match *m)
{
	struct items it;
	size_t ends[DIGITS_MAX + 1] = { 0 };
	size_t extra;

	if (number.n > DIGITS_MAX || !compile(pattern, &it) || !walk(&it, number, ends))
		return false;
	*m = (struct digits_match){ .breadth = 1 };
	for (int i = 0; i < it.n; i++)
		m->breadth *= it.it[i].width;
	extra = number.n > (size_t)it.n ? number.n - (size_t)it.n : 0;
	for (size_t i = 0; i < extra; i++)
		m->breadth *= 10;
	for (int i = 0; i < it.n; i++)
		if (it.it[i].many)
			m->breadth *= 10.5;	/* of equals, the one that is not open-ended */
	if (it.dot > 0)
		m->predot = ends[it.dot];
	return true;
}

void digits_mask(struct str mask, struct str number, char out[DIGITS_MAX + 1])
{
	size_t n = mask.n > DIGITS_MAX ? DIGITS_MAX : mask.n, left = number.n;

	out[n] = 0;
	for (size_t i = n; i-- > 0;) {
		char c = mask.p[i];

		if (c == 'X' || c == 'x')
			c = left ? number.p[--left] : '0';
		out[i] = c;
	}
}
