/*
 * limit.h - how many calls: per user, per forward target, per trunk and in all, each with
 * its reason. Pure: the counts are a table here, the maxima are configuration.
 * Owner: struct limits is embedded in struct calls' configuration; limit_table in calls.
 */
#ifndef CALL_LIMIT_H
#define CALL_LIMIT_H
#include "base/hash.h"
#include "base/reason.h"

enum limit_kind { LIMIT_USER, LIMIT_FORWARD, LIMIT_TRUNK, LIMIT_TOTAL, LIMIT_NKIND };

struct limits {
	uint32_t user, forward, trunk, total;	/* 0: no limit; trunk: default for trunks */
	int hops;				/* forwards of one call                   */
};

struct limit_table;
struct limit_table *limit_new(const struct limits *l, const struct hash_seed *seed);
void limit_free(struct limit_table *t);
/* Count one more for `name`. ERR_LIMIT: not counted, *why says so (arguments are `name`
 * and a static text). `most`: overrides the kind's maximum when not 0. */
enum err limit_take(struct limit_table *t, enum limit_kind k, struct str name, uint32_t most,
		    struct reason *why);
void limit_give(struct limit_table *t, enum limit_kind k, struct str name);
uint32_t limit_count(const struct limit_table *t, enum limit_kind k, struct str name);

#endif
