/*
 * lockout.h - guesses of passwords: after LOCKOUT_TRIES wrong ones for a user from one source
 * that pair is locked for LOCKOUT_MS; the same user from elsewhere is not. Pure.
 * Does not: answer; a locked pair is to be answered exactly as with a wrong password.
 * Owner: struct lockout is embedded; lockout_close() frees its table. Units: ms.
 * Test: test/unit/sip/t_source.c
 */
#ifndef SIP_LOCKOUT_H
#define SIP_LOCKOUT_H
#include "base/addr.h"
#include "base/hash.h"
#include "base/list.h"
#include "io/timer.h"

enum { LOCKOUT_TRIES = 5, LOCKOUT_MS = 300000, LOCKOUT_PAIRS = 4096 };

struct lockout {
	struct hash tab;
	struct list age;
	struct hash_seed seed;
};

void lockout_init(struct lockout *l, const struct hash_seed *seed);
void lockout_close(struct lockout *l);
bool lockout_is(const struct lockout *l, struct str user, const struct addr *src, ms_t now);
/* One more wrong one. true: the pair is locked from now on. */
bool lockout_wrong(struct lockout *l, struct str user, const struct addr *src, ms_t now);
void lockout_right(struct lockout *l, struct str user, const struct addr *src);

#endif
