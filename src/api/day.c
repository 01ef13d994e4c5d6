#include "api/day.h"

/* Exactly n digits off the front. */
static enum err digits(struct str *s, size_t n, uint32_t *v)
{
	if (s->n < n || str_u32(str_sub(*s, 0, n), 9999, v))
		return ERR_PARSE;
	*s = str_sub(*s, n, s->n);
	return OK;
}

static bool skip(struct str *s, char c)
{
	if (!s->n || s->p[0] != c)
		return false;
	*s = str_sub(*s, 1, s->n);
	return true;
}

static uint32_t days_in(uint32_t year, uint32_t month)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap ? 1u : 0u);
}

/* Days since 1970 of the proleptic Gregorian calendar, months counted from March. */
static int64_t days_since_epoch(uint32_t year, uint32_t month, uint32_t day)
{
	int64_t y = (int64_t)year - (month <= 2), era = y / 400, of_era = y - era * 400;
	int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static enum err clock_of(struct str *s, uint32_t hms[3])
{
	if (digits(s, 2, &hms[0]) || !skip(s, ':') || digits(s, 2, &hms[1]))
		return ERR_PARSE;
	if (skip(s, ':') && digits(s, 2, &hms[2]))
		return ERR_PARSE;
	return hms[0] > 23 || hms[1] > 59 || hms[2] > 59 ? ERR_RANGE : OK;
}

enum err day_parse(struct str s, int64_t *wall_ms)
{
	uint32_t year, month, day, hms[3] = { 0 };
	enum err e;

	if (digits(&s, 4, &year) || !skip(&s, '-') || digits(&s, 2, &month) || !skip(&s, '-') ||
	    digits(&s, 2, &day))
		return ERR_PARSE;
	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_in(year, month))
		return ERR_RANGE;
	if (skip(&s, 'T')) {
		e = clock_of(&s, hms);
		if (e)
			return e;
	}
	(void)skip(&s, 'Z');
	if (s.n)
		return ERR_PARSE;
	*wall_ms = ((days_since_epoch(year, month, day) * 24 + hms[0]) * 3600 + (int64_t)hms[1] * 60 +
		    hms[2]) * 1000;
	return OK;
}
