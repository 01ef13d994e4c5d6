/*
 * when.h - UTC milliseconds since 1970 as text, without the C library's time zone.
 * Errors: 0 and negative times write nothing. Test: test/unit/store/t_text.c
 */
#ifndef BASE_WHEN_H
#define BASE_WHEN_H
#include <stdint.h>

#include "base/buf.h"

void when_iso(struct buf *b, int64_t wall);	/* "2026-11-23T17:08:37.123Z" */
void when_day(struct buf *b, int64_t wall);	/* "2026-11-23"               */

#endif
