#include "base/when.h"

#define DAY_MS INT64_C(86400000)

/* The Gregorian calendar in eras of 400 years that begin on the first of March. */
void when_day(struct buf *b, int64_t wall)
{
	uint64_t z, era, doe, yoe, doy, mp, month;

	if (wall <= 0)
		return;
	z = (uint64_t)(wall / DAY_MS) + 719468;
	era = z / 146097;
	doe = z % 146097;
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	month = mp < 10 ? mp + 3 : mp - 9;
	buf_fmt(b, "%04u-%02u-%02u", (unsigned)(yoe + era * 400 + (month <= 2)), (unsigned)month,
		(unsigned)(doy - (153 * mp + 2) / 5 + 1));
}

void when_iso(struct buf *b, int64_t wall)
{
	unsigned ms;

	if (wall <= 0)
		return;
	ms = (unsigned)(wall % DAY_MS);
	when_day(b, wall);
	buf_fmt(b, "T%02u:%02u:%02u.%03uZ", ms / 3600000, ms / 60000 % 60, ms / 1000 % 60,
		ms % 1000);
}
