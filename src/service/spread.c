#include "service/spread.h"

enum { SHARE = 10 };		/* at most a tenth is taken off */

#define GOLDEN 2654435769u	/* 2^32 over the golden ratio */

uint32_t spread_expires(uint32_t turn, uint32_t asked_s, uint32_t min_s)
{
	uint32_t most = asked_s / SHARE, off;

	if (asked_s - min_s < most)
		most = asked_s - min_s;
	off = (uint32_t)((uint64_t)(turn * GOLDEN) * (most + 1ull) >> 32);
	return asked_s - off;
}
