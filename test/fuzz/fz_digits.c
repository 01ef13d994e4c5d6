/* Patterns and numbers: "pattern\nnumber". Checked against a slow matcher of another make. */
#include <stdlib.h>
#include <string.h>

#include "directory/digits.h"

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n);

/* The bytes of one item, its quantifier behind it; 0: not one. */
static size_t item(struct str p, char *quantifier)
{
	size_t k = 1;

	if (p.p[0] == '[') {
		k = str_find(p, ']') + 1;
	} else if (p.p[0] == '\\') {
		k = 2;
	}
	*quantifier = p.p[0] == '!' ? '!' : 0;
	if (k < p.n && p.p[k] == '?')
		*quantifier = '?';
	return k;
}

static bool one(struct str it, char c)
{
	struct digits_match m;

	/* a single item without a quantifier, asked of the code itself with one digit */
	return digits_match(it, (struct str){ &c, 1 }, &m);
}

/* Backtracking, for short inputs only. */
static bool slow(struct str p, struct str num)
{
	char q;
	size_t k;

	while (p.n && p.p[0] == '.')
		p = str_sub(p, 1, p.n);
	if (!p.n)
		return num.n == 0;
	k = item(p, &q);
	struct str it = str_sub(p, 0, k), rest = str_sub(p, k + (q == '?'), p.n);

	if (!q)
		return num.n && one(it, num.p[0]) && slow(rest, str_sub(num, 1, num.n));
	for (size_t i = 0; i <= num.n; i++) {
		if (i >= (q == '?' ? 0u : 1u) && slow(rest, str_sub(num, i, num.n)))
			return true;
		if (i == num.n || !one(it, num.p[i]))
			return false;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n)
{
	struct str all = { (const char *)d, n }, pattern, number;
	char out[DIGITS_MAX + 1];
	struct digits_match m;
	bool yes;

	if (!str_cut(all, '\n', &pattern, &number))
		return 0;
	digits_mask(pattern, number, out);
	if (strlen(out) > DIGITS_MAX)
		abort();
	yes = digits_match(pattern, number, &m);
	if (yes && (!digits_good(pattern) || m.breadth < 1 || m.predot > number.n))
		abort();
	/* '+' as a quantifier is the code's own reading; the slow one knows '?' and '!' */
	if (digits_good(pattern) && pattern.n <= 12 && number.n <= 8 && str_find(pattern, '+') == pattern.n &&
	    str_find(number, 0) == number.n && yes != slow(pattern, number))
		abort();
	return 0;
}
