/*
 * calm.h - when work has fallen so far that memory may go back to the system.
 *
 * Giving memory back takes milliseconds in which no packet is answered, and what is given back
 * is fetched again under the next load: so it is done after a burst, not during a day's ups and
 * downs. Pure. Owner: embedded in the server.
 * Test: test/unit/base/t_calm.c.
 */
#ifndef BASE_CALM_H
#define BASE_CALM_H
#include <stdbool.h>
#include <stdint.h>

struct calm { uint32_t most; };		/* objects at a time since it was last due */

/* Asked once a second with the objects there are: now is the time. */
bool calm_due(struct calm *c, uint32_t now);

#endif
