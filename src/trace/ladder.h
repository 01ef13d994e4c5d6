/*
 * ladder.h - one call as people draw it: who said what to whom, when, and why.
 *
 *   +0.000  pbx1            -> tandem          INVITE 2001
 *   +0.004  tandem          -> pbx1            100 Trying
 *   +0.005                     tandem          2001 is line 2001 in partition Internal.
 *
 * Does not: parse SIP beyond the start line and the few headers it shows (CSeq's method of
 *   a response, Reason, whether there is SDP). What it shows is escaped.
 * Owner:   the writer is the caller's; names are lent.
 * Limits:  a line is at most 400 bytes.
 * Test:    test/unit/trace/t_trace.c, test/fuzz/fz_ladder.c
 */
#ifndef TRACE_LADDER_H
#define TRACE_LADDER_H
#include "base/tap.h"

/* One line of the ladder, for views that draw it themselves. Slices point into the entry. */
struct ladder_step {
	uint64_t seq;
	int64_t wall;
	uint64_t after_ms;		/* since the first entry of the call  */
	enum tap_kind kind;
	enum tap_dir dir;
	enum tap_proto proto;
	struct addr peer, local;
	uint64_t leg;
	bool request;
	struct str method;		/* of a response: from CSeq           */
	unsigned status;		/* responses                          */
	struct str phrase;		/* responses                          */
	struct str target;		/* requests: user (or host) of the URI */
	struct str reason;		/* Reason header, may be absent       */
	struct str call_id;
	bool sdp;
	struct str text;		/* notes: the words                   */
};

/* Pure: what one entry says. `first` is the mono time of the call's first entry. */
void ladder_step(const struct tap_entry *e, uint64_t first, struct ladder_step *s);

/* A name for a peer address, or NULL: the address itself is shown. */
typedef const char *ladder_name_fn(void *ctx, const struct addr *peer);

struct ladder {
	struct tap_walk walk;
	uint64_t first;
	bool begun;
	ladder_name_fn *name;
	void *name_ctx;
};
void ladder_start(struct ladder *l, struct tap *t, uint64_t call, ladder_name_fn *name, void *ctx);
/* The next line with its newline into an emptied buffer; false: the end. */
bool ladder_line(struct ladder *l, struct buf *b);
/* The next step instead; the same walk. */
bool ladder_next(struct ladder *l, struct ladder_step *s);
void ladder_write(const struct ladder *l, struct buf *b, const struct ladder_step *s);

#endif
