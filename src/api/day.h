/*
 * day.h - a point in time as people type it, in UTC: "2026-11-23", "2026-11-23T17:08",
 * "2026-11-23T17:08:37", with "Z" or without.
 * Pure. Errors: ERR_PARSE, ERR_RANGE (no such day or hour; years 1970 to 9999).
 * Test: test/unit/api/t_day.c, test/fuzz/fz_day.c
 */
#ifndef API_DAY_H
#define API_DAY_H
#include <stdint.h>

#include "base/str.h"

enum err day_parse(struct str s, int64_t *wall_ms);

#endif
