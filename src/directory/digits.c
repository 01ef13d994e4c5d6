#include "directory/digits.h"

#include <string.h>

static const char alphabet[] = "0123456789*#+";		/* bit i of a set: alphabet[i] */
enum { TEN = 0x3ff, DIGITS_AND_SIGNS = 0xfff };

/* The bit of a character; 0: not of the alphabet. */
static unsigned bit_of(char c)
{
	const char *at = c ? strchr(alphabet, c) : NULL;

	return at ? 1u << (at - alphabet) : 0;
}

static unsigned width(unsigned set)
{
	return (unsigned)__builtin_popcount(set);
}

/* "[1-3]", "[^1-3]", "[2468]" : bytes used, 0: malformed. */
static size_t read_set(struct str p, struct digits_item *x)
{
	bool not = p.n > 1 && p.p[1] == '^';
	unsigned set = 0;
	size_t i = not ? 2 : 1;

	for (; i < p.n && p.p[i] != ']'; i++) {
		unsigned from = bit_of(p.p[i]), to = from;

		if (i + 2 < p.n && p.p[i + 1] == '-' && p.p[i + 2] != ']') {
			to = bit_of(p.p[i + 2]);
			i += 2;
		}
		if (!(from & DIGITS_AND_SIGNS) || !(to & DIGITS_AND_SIGNS) || to < from)
			return 0;
		set |= (to << 1) - from;		/* all bits between the two */
	}
	x->set = (uint16_t)(not ? DIGITS_AND_SIGNS & ~set : set);
	return i < p.n && x->set ? i + 1 : 0;
}

static size_t read_item(struct str p, struct digits_item *x)
{
	char c = p.p[0];

	*x = (struct digits_item){ .min = 1 };
	if (c == '[')
		return read_set(p, x);
	if (c == '\\' && p.n > 1 && p.p[1] == '+') {
		x->set = (uint16_t)bit_of('+');
		return 2;
	}
	if (c == 'X' || c == 'x' || c == '!') {
		x->set = TEN;
		x->many = c == '!';
		return 1;
	}
	x->set = (uint16_t)bit_of(c);
	return x->set ? 1 : 0;
}

bool digits_compile(struct str p, struct digits_pattern *out)
{
	*out = (struct digits_pattern){ .dot = -1 };
	if (p.n > DIGITS_MAX)
		return false;
	while (p.n) {
		struct digits_item *x = &out->it[out->n];
		size_t k;

		if (p.p[0] == '.') {
			if (out->dot >= 0)
				return false;
			out->dot = out->n;
			p = str_sub(p, 1, p.n);
			continue;
		}
		k = read_item(p, x);
		if (!k)
			return false;
		p = str_sub(p, k, p.n);
		if (p.n && (p.p[0] == '?' || (p.p[0] == '+' && width(x->set) > 1))) {
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
	struct digits_pattern p;

	return digits_compile(pattern, &p);
}

static bool in_set(const struct digits_item *x, char c)
{
	return (x->set & bit_of(c)) != 0;
}

/* Items against a number, greedy with one fallback per repeated item: bounded because a
 * pattern has at most DIGITS_MAX items and a number DIGITS_MAX digits. ends[i]: digits used
 * before item i. */
static bool walk(const struct digits_pattern *it, struct str num, size_t ends[DIGITS_MAX + 1])
{
	bool can[DIGITS_MAX + 1][DIGITS_MAX + 1] = { { false } };
	size_t n = num.n;

	/* can[i][j]: items i.. match digits j..; from the end. */
	can[it->n][n] = true;
	for (int i = it->n - 1; i >= 0; i--) {
		const struct digits_item *x = &it->it[i];

		for (size_t j = n + 1; j-- > 0;) {
			bool here = j < n && in_set(x, num.p[j]);

			can[i][j] = (x->min == 0 && can[i + 1][j]) ||
				    (here && (can[i + 1][j + 1] || (x->many && can[i][j + 1])));
		}
	}
	if (!can[0][0])
		return false;
	for (size_t j = 0, i = 0; i < (size_t)it->n; i++) {
		const struct digits_item *x = &it->it[i];
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

bool digits_match_compiled(const struct digits_pattern *p, struct str number,
			   struct digits_match *m)
{
	size_t ends[DIGITS_MAX + 1] = { 0 }, extra;

	if (!p->n || number.n > DIGITS_MAX ||
	    (p->it[0].min && (!number.n || !in_set(&p->it[0], number.p[0]))) ||
	    !walk(p, number, ends))
		return false;
	*m = (struct digits_match){ .breadth = 1 };
	for (int i = 0; i < p->n; i++)
		m->breadth *= width(p->it[i].set);
	extra = number.n > (size_t)p->n ? number.n - (size_t)p->n : 0;
	for (size_t i = 0; i < extra; i++)
		m->breadth *= 10;
	for (int i = 0; i < p->n; i++)
		if (p->it[i].many)
			m->breadth *= 10.5;	/* of equals, the one that is not open-ended */
	if (p->dot > 0)
		m->predot = ends[p->dot];
	return true;
}

bool digits_match(struct str pattern, struct str number, struct digits_match *m)
{
	struct digits_pattern p;

	return digits_compile(pattern, &p) && digits_match_compiled(&p, number, m);
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
