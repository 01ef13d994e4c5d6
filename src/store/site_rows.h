/*
 * site_rows.h - people and numbers as rows of the store: what `apply` writes, `export`
 * reads, and the directory snapshot is built from. Plain rows: references are names, and
 * whether they exist is src/site's to check.
 *
 * A new property is one member here and one line in site_rows.c, at the end of its
 * struct; databases take the new column by themselves.
 * Units: _ms, _s. Numbers are text as written. Rows keep the order they were given in.
 */
#ifndef STORE_SITE_ROWS_H
#define STORE_SITE_ROWS_H
#include <stdint.h>

#include "store/row.h"

/* X(NAME, struct) in the order of loading: what is referred to comes first. */
#define SITE_ROWS(X) \
	X(PARTITION, site_partition) \
	X(SPACE, site_space) \
	X(MEMBER, site_member) \
	X(USER, site_user) \
	X(PHONE, site_phone) \
	X(LINE, site_line) \
	X(DESK, site_desk) \
	X(PATTERN, site_pattern) \
	X(PATTERN_TRUNK, site_pattern_trunk) \
	X(PROFILE, site_profile) \
	X(PROFILE_LINE, site_profile_line) \
	X(REMOTE, site_remote) \
	X(REMOTE_LINE, site_remote_line) \
	X(TRUST, site_trust)

enum site_row {
#define X(name, st) SITE_##name,
	SITE_ROWS(X)
#undef X
	SITE_NROW
};

struct site_partition {
	char name[64];
	char description[128];
};

struct site_space {		/* calling search space */
	char name[64];
	char description[128];
};

struct site_member {		/* a partition of a space, in order */
	char space[64];
	uint32_t position;
	char partition[64];
};

struct site_user {
	char name[64];
	char display[64];
	char mail[128];
	uint32_t max_calls;	/* 0: the machine's setting */
	uint8_t snr;		/* Single Number Reach is on */
};

struct site_phone {
	char name[64];
	char user[64];
	char auth_name[64];
	char password[128];	/* "" when only digests are kept */
	char ha1_md5[33], ha1_sha256[65];
	char zone[48];
	char css[64];
	uint32_t max_contacts;	/* 0: the machine's setting */
	char line[64], partition[64];	/* whose number its calls show */
};

struct site_line {
	char number[64];
	char partition[64];
	char display[64];
	char e164[32];
	char user[64];
	char css[64];		/* of calls from this line */
	char no_answer_to[64], no_answer_css[64];
	uint32_t no_answer_s;	/* 0: 12 */
	char busy_to[64], busy_css[64];
	uint32_t max_calls;	/* 0: the machine's setting */
};

struct site_desk {		/* what rings at once for a line, in order */
	char line[64], partition[64];
	uint32_t position;
	uint8_t endpoint;	/* 0: phone, 1: number at a trunk */
	char phone[64];
	char number[64], trunk[48];
};

struct site_pattern {		/* route pattern, CUCM's alphabet */
	char pattern[64];
	char partition[64];
	char description[128];
	uint8_t block, emergency;
	char discard[32];	/* "", "PreDot" */
	uint32_t discard_digits;
	char prefix[32], mask[64];		/* of the called number  */
	char calling_prefix[32], calling_mask[64];
};

struct site_pattern_trunk {	/* where it goes, in order */
	char pattern[64], partition[64];
	uint32_t position;
	char trunk[48];
};

struct site_profile {		/* remote destination profile */
	char name[64];
	char user[64];
	char css[64], reroute_css[64];
};

struct site_profile_line {
	char profile[64];
	uint32_t position;
	char line[64], partition[64];
};

struct site_remote {		/* remote destination */
	char name[64];
	char profile[64];
	char number[64];
	uint8_t enabled;
	uint32_t delay_ms, too_soon_ms, too_late_ms;
	uint8_t timers_set;	/* bit 0..2: given by the user, else defaults of its trunk's profile */
	char trunk[48];		/* "" : by the reroute space */
	char description[128];
};

struct site_remote_line {	/* the lines it rings for */
	char remote[64], profile[64];
	uint32_t position;
	char line[64], partition[64];
};

struct site_trust {		/* trunks whose calling numbers may name a user */
	char trunk[48];
	uint32_t position;
	char number[64];	/* "" : any remote destination */
};

extern const struct row_kind *const site_row_kind[SITE_NROW];

#endif
