/*
 * directory.h - users, phones, lines, partitions, calling search spaces, route patterns and
 * remote destinations: an immutable snapshot, and the pure functions on it that decide who
 * rings, when, and why. The words are CUCM's.
 *
 * Owner: directory_free() frees the snapshot's arena. One writer (the builder) before
 *   directory_seal(), only readers afterwards. Who counts references is site/ and app/.
 * Does not: know what is registered or which trunk is up; it is told by the query.
 * From: CUCM digit analysis (closest match over the partitions of a calling search space,
 *   ties to the first partition), Single Number Reach timers.
 * Test: test/unit/directory
 */
#ifndef DIRECTORY_DIRECTORY_H
#define DIRECTORY_DIRECTORY_H
#include "base/mem.h"
#include "base/reason.h"
#include "base/str.h"

struct directory;

enum { DIR_PARTITIONS_PER_SPACE = 32, DIR_DESK_MAX = 8, DIR_REMOTE_MAX = 10, DIR_TRUNKS_PER_PATTERN = 4,
       DIR_TARGET_MAX = 12, DIR_NOTE_MAX = 32 };

/* --- rows, as given to the builder; strings are copied --- */
struct dir_user { struct str name, display; };
struct dir_phone {
	struct str name, user;		/* user: a dir_user                      */
	struct str auth_user;		/* of digest                             */
	struct str ha1_md5, ha1_sha256;	/* 32 and 64 hex digits, or absent       */
	struct str css;			/* class of control of its calls; absent: its first line's */
};
struct dir_endpoint { struct str number, trunk; };	/* "2001" on "cucm" */
struct dir_line {
	struct str number, partition, e164, user, display;
	struct str phone[DIR_DESK_MAX];
	int nphones;
	struct dir_endpoint endpoint[DIR_DESK_MAX];
	int nendpoints;
	struct str css;			/* of the line; used for forwarding too  */
	uint32_t no_answer_s;		/* 12 */
	struct str forward_no_answer, forward_busy;	/* numbers; absent: none */
};
struct dir_space { struct str name; struct str partition[DIR_PARTITIONS_PER_SPACE]; int n; };
struct dir_pattern {
	struct str pattern, partition;	/* CUCM alphabet: X [1-9] [^1-3] ! . + \+ @-less, '?' and '+' quantifiers */
	struct str trunk[DIR_TRUNKS_PER_PATTERN];	/* in order */
	int ntrunks;
	bool discard_predot;		/* digits before '.' are taken off       */
	struct str prefix;		/* put in front                          */
	struct str mask;		/* called party transformation mask, X keeps a digit; absent: none */
	bool block, emergency;
};
struct dir_profile {			/* remote destination profile */
	struct str name, user, reroute_css;
	struct str line[DIR_DESK_MAX];	/* "number/partition" or number */
	int nlines;
};
struct dir_remote {
	struct str name, profile, number;
	bool enabled;			/* Single Number Reach                   */
	int64_t delay_ms, too_soon_ms, too_late_ms;	/* -1: the default: 4000/1500/19000, over a
						 * teams trunk 0/3000/20000               */
	struct str line[DIR_DESK_MAX];	/* associated lines; none: all of the profile */
	int nlines;
};

struct directory *directory_new(void);
void directory_free(struct directory *d);
/* Each returns OK, ERR_EXISTS (the name is taken) or ERR_LIMIT. */
enum err directory_add_user(struct directory *d, const struct dir_user *r);
enum err directory_add_phone(struct directory *d, const struct dir_phone *r);
enum err directory_add_partition(struct directory *d, struct str name);
enum err directory_add_space(struct directory *d, const struct dir_space *r);
enum err directory_add_line(struct directory *d, const struct dir_line *r);
enum err directory_add_pattern(struct directory *d, const struct dir_pattern *r);
enum err directory_add_profile(struct directory *d, const struct dir_profile *r);
enum err directory_add_remote(struct directory *d, const struct dir_remote *r);
/* A trunk's facts that routing needs, from the machine's configuration. */
enum err directory_add_trunk(struct directory *d, struct str name, bool teams);
enum dir_kind { DIR_KIND_USER, DIR_KIND_PHONE, DIR_KIND_PARTITION, DIR_KIND_SPACE, DIR_KIND_LINE, DIR_KIND_PROFILE,
		DIR_KIND_TRUNK, DIR_NKIND };
/* Was one of this name added? A line's is number or number/partition. */
bool directory_has(const struct directory *d, enum dir_kind kind, struct str name);
/* Resolves all references. ERR_GONE: *why is a sentence naming the first one missing. */
enum err directory_seal(struct directory *d, struct buf *why);
/* Is this a pattern of the alphabet? For checks at apply time. */
bool directory_pattern_good(struct str pattern);

/* --- reading; rows stay valid as long as the snapshot --- */
const struct dir_phone *directory_phone_by_auth(const struct directory *d, struct str auth_user);
const struct dir_phone *directory_phone(const struct directory *d, struct str name);
const struct dir_user *directory_user(const struct directory *d, struct str name);
const struct dir_profile *directory_profile(const struct directory *d, struct str name);
const struct dir_line *directory_line_of_phone(const struct directory *d, struct str phone);	/* its first */
/* The first line of this number that has a number in +E.164. */
const struct dir_line *directory_line_by_number(const struct directory *d, struct str number);
/* The line a peer means by this number: by its +E.164, with or without the plus, else its first. */
const struct dir_line *directory_line_of_number(const struct directory *d, struct str number);
/* Walks; i from 0; NULL: end. */
const struct dir_user *directory_user_at(const struct directory *d, uint32_t i);
const struct dir_phone *directory_phone_at(const struct directory *d, uint32_t i);
const struct dir_line *directory_line_at(const struct directory *d, uint32_t i);
const struct dir_remote *directory_remote_at(const struct directory *d, uint32_t i);

/* Is it an emergency number in any partition? */
bool directory_is_emergency(const struct directory *d, struct str number);

/* --- who is this caller? --- */
struct dir_identity {
	struct str user, number, display;	/* what is shown; absent user: nobody we know */
	struct str remote;			/* name of the remote destination it calls from */
};
/* A call from a phone. */
void directory_identify_phone(const struct directory *d, struct str phone, struct dir_identity *id);
/* A call from a trunk: when `trusted`, a remote destination's number is shown as its user's line.
 * It never changes the class of control. Numbers compare with and without '+'. */
void directory_identify_number(const struct directory *d, struct str number, bool trusted,
			       struct dir_identity *id, struct reason *why);

/* --- the plan --- */
enum dir_target_kind { DIR_PHONE, DIR_ENDPOINT, DIR_REMOTE, DIR_TRUNK };

struct dir_target {
	enum dir_target_kind kind;
	struct str name;		/* phone, or "number@trunk", or the remote destination */
	struct str number;		/* to dial; absent for a phone */
	struct str trunk[DIR_TRUNKS_PER_PATTERN];
	int ntrunks;
	uint64_t delay_ms, too_soon_ms, too_late_ms;	/* too_late 0: never */
};

struct dir_query {
	struct str number;		/* dialled */
	struct str css;			/* absent: lines only (every line's partition) */
	struct str caller_remote;	/* remote destination the call comes from: not rung */
	struct str caller_user;
	int hops;
	/* How many contacts a phone has registered. NULL: all have one. */
	int (*registered)(void *ctx, struct str phone);
	void *ctx;
};

struct dir_plan {
	struct dir_target t[DIR_TARGET_MAX];
	int n;
	const struct dir_line *line;	/* NULL: straight to a trunk */
	uint64_t no_answer_ms;
	struct str forward_to, forward_busy, forward_css;
	bool emergency;
	unsigned status;		/* n == 0: 404, 480 or 403 */
	struct reason why;
	struct reason note[DIR_NOTE_MAX];
	int nnotes;
};
/* Pure: everything it points to lives in the snapshot or in `a`. */
void directory_plan(const struct directory *d, const struct dir_query *q, struct arena *a,
		    struct dir_plan *p);

#endif
