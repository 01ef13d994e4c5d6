/*
 * spread.h - how long a registration is granted: up to a tenth shorter than asked, in turn, so
 * that phones which all start at once do not all come back at once. Pure.
 *
 * RFC 3261 10.3 step 8: a registrar may shorten, never prolong. The turns are those of the
 * golden ratio: whatever number of them follow one another, they lie evenly. Chance would not.
 * Units: seconds. Test: test/unit/service/t_spread.c
 */
#ifndef SERVICE_SPREAD_H
#define SERVICE_SPREAD_H
#include <stdint.h>

/* The turn-th grant of what was asked, at least min_s, which asked_s is not below. */
uint32_t spread_expires(uint32_t turn, uint32_t asked_s, uint32_t min_s);

#endif
