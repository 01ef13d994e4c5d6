/*
 * cdr.h - keeps the call's one record in step with the call: every leg, its ring time, its
 * end and the reason. Costs nothing on the wire and is finished exactly once.
 *
 * A call that only talks needs its record no more until it ends: then it is closed, packed
 * (some 700 bytes instead of 14 KB), and opened again by whatever happens next.
 *
 * Owner: the call. Leg indexes are those of the record; -1 (past its limit) is harmless.
 * Times come from the loop: UTC for people, monotonic for durations.
 */
#ifndef CALL_CDR_H
#define CALL_CDR_H
#include "call/route.h"
#include "store/record.h"
#include "store/ring.h"

struct cdr {
	uint64_t id;			/* the record's; 0: not begun       */
	struct call_record *open;	/* ours; NULL: closed, or not begun */
	char *packed;			/* ours; what closed records are    */
	uint32_t slot;			/* call_record.slot meanwhile       */
	uint16_t packed_n;
	bool caller_holds, called_holds;	/* since the answer         */
};
/* The record, opened if need be; lent until cdr_close(). Only after cdr_begin(). */
struct call_record *cdr_open(struct cdr *d);
void cdr_close(struct cdr *d);
void cdr_copy(const struct cdr *d, struct call_record *out);
void cdr_forget(struct cdr *d);

void cdr_begin(struct cdr *d, struct map *m, const struct loop *l,
	       const struct route_caller *who, const struct sip_event *invite);
void cdr_called(struct call_record *r, struct str number);
void cdr_plan(struct call_record *r, const struct loop *l, const struct route_plan *p);
void cdr_note(struct call_record *r, const struct loop *l, const struct reason *why);
void cdr_forward(struct call_record *r, struct str target);
int  cdr_leg(struct call_record *r, const struct loop *l, const struct route_branch *b);
void cdr_leg_call_id(struct call_record *r, int leg, struct str call_id);
void cdr_leg_ring(struct call_record *r, int leg, const struct loop *l);
/* It goes on with another host, after why. */
void cdr_leg_retry(struct call_record *r, int leg, const struct loop *l, struct str host, const struct reason *why);
/* Final answer of an unanswered leg, or its end by us. The first call counts. */
void cdr_leg_end(struct call_record *r, int leg, const struct loop *l, unsigned status,
		 const struct reason *why);
/* The same of one that may have been answered. */
void cdr_leg_over(struct call_record *r, int leg, const struct loop *l, const struct reason *why);
void cdr_leg_gone(struct call_record *r, int leg, const struct loop *l, const struct reason *why,
		  const struct media_stats *stats);
void cdr_caller_gone(struct call_record *r, const struct media_stats *stats);
void cdr_answer(struct call_record *r, int leg, const struct loop *l);
/* The called side's name of the session (RFC 7989). */
void cdr_session(struct call_record *r, struct str remote);
/* held_ms is the time from the answer to the end in which one side or both held. A side that holds when it is
 * answered has to be told here, too. */
void cdr_hold(struct cdr *d, const struct loop *l, bool by_caller, bool holds);
void cdr_ended_by(struct call_record *r, enum record_side side);
/* It ends now, whenever media has told its counters. The first call counts. */
void cdr_over(struct cdr *d, const struct loop *l);
void cdr_end(struct cdr *d, const struct loop *l, unsigned status, const struct reason *why);
/* Into the map with both dialogs, before the 200 that joins the call leaves. */
void cdr_live(struct map *m, struct sip *s, struct legs *ls, struct call_record *r,
	      uint64_t caller, uint64_t winner);
/* Into the ring of finished records; forgotten here. */
void cdr_store(struct map *m, struct cdr *d);

#endif
