/*
 * source.h - who sends how much: a token bucket per source, strikes for what came to nothing,
 * a hold, bans that grow, and the bytes a source may be answered with. Pure.
 *
 * A source is an IPv4 address, or an IPv6 /64; the /48 around it is counted too, with eight
 * times as much of everything. It is one of
 *   stranger  answered by the bucket; each request costs a strike, which time takes back
 *   held      ten seconds after too many strikes: heard with credentials only
 *   banned    after more of them: not heard at all, each time twice as long
 *   proven    its credentials were right, or we asked it: ten times the bucket, no strikes
 * The hold is what tells a site behind one address, whose phones all start at once and then
 * show their passwords, from a scanner, which does not.
 * Does not: know trunks, messages or the transport (gate.c does). Stores a fixed number of
 *   sources of each kind; a flood of forged ones pushes out strangers only.
 * Owner: sources_new() to sources_free(). Units: ms, bytes. Test: test/unit/sip/t_source.c
 */
#ifndef SIP_SOURCE_H
#define SIP_SOURCE_H
#include "base/addr.h"
#include "base/hash.h"
#include "io/timer.h"

enum {
	SOURCE_STRANGERS = 65536, SOURCE_BANNED = 8192, SOURCE_PROVEN = 65536,	/* kept, each */
	SOURCE_HOLD_MS = 10000,
	SOURCE_AFTER_HOLD = 10,		/* strikes that make a hold a ban        */
	SOURCE_STRIKE_MS = 3000,	/* one is taken back every so often      */
	SOURCE_PROVEN_MS = 3600000,	/* since its last proof                  */
	SOURCE_PROVEN_TIMES = 10,	/* the bucket of a proven source         */
	SOURCE_WIDE_TIMES = 8,		/* of the /48 around an IPv6 source      */
	SOURCE_CREDIT = 65536,		/* bytes it sent and was not answered, at most */
};

struct source_rules {
	uint32_t rate, burst;		/* messages a second of a stranger; 0: no rules */
	uint32_t strikes;		/* until it is held */
	ms_t ban, ban_max;		/* the first one; the longest */
};

enum source_verdict {
	SOURCE_TRUSTED,			/* not counted here: a trunk, this machine */
	SOURCE_KNOWN,			/* proven                                  */
	SOURCE_STRANGE,
	SOURCE_HELD,			/* for requests with credentials only      */
	SOURCE_DROP,
};

enum source_state { SOURCE_IS_STRANGER, SOURCE_IS_HELD, SOURCE_IS_BANNED, SOURCE_IS_PROVEN,
		    SOURCE_NSTATE };

struct source_view {
	struct addr net;
	unsigned bits;
	enum source_state state;
	bool scanner;			/* its own name gave it away        */
	unsigned bans;			/* so far                           */
	ms_t until;			/* of the hold or ban               */
	uint64_t dropped;		/* messages and connections         */
};

struct source_counts {
	uint32_t strangers, banned, proven;	/* kept now; banned: and held */
	uint64_t dropped, bans, holds;
};

struct sources;
struct sources *sources_new(const struct source_rules *r, const struct hash_seed *seed);
void sources_free(struct sources *t);	/* NULL is fine */

/* A message of so many bytes came: what to do with it? */
enum source_verdict source_hear(struct sources *t, const struct addr *a, ms_t now, size_t bytes);
/* A connection knocks. false: refuse it. */
bool source_knock(struct sources *t, const struct addr *a, ms_t now);
/* A request without right credentials. *v: its new state, when that became hold or ban (true). */
bool source_strike(struct sources *t, const struct addr *a, ms_t now, struct source_view *v);
/* It says itself that it is a scanner. false: it is proven, and stays so. */
bool source_ban(struct sources *t, const struct addr *a, ms_t now, struct source_view *v);
void source_prove(struct sources *t, const struct addr *a, ms_t now);
bool source_proven(const struct sources *t, const struct addr *a, ms_t now);
/* May it be sent so many bytes? Strangers get no more than they sent. Counts it. */
bool source_may_send(struct sources *t, const struct addr *a, ms_t now, size_t bytes);
/* false: it was neither held nor banned. */
bool source_forgive(struct sources *t, const struct addr *a);
/* The held and the banned ones, oldest first, until fn says false. */
void sources_each(const struct sources *t, ms_t now, bool (*fn)(void *, const struct source_view *), void *ctx);
void sources_count(const struct sources *t, struct source_counts *c);
/* The network that a is counted in: the address itself, or its /64. */
void source_net(const struct addr *a, struct addr *net);

#endif
