/*
 * cdr.h - keeps the call's one record in step with the call: every leg, its ring time, its
 * end and the reason. Costs nothing on the wire and is finished exactly once.
 *
 * Owner: the call. Leg indexes are those of the record; -1 (past its limit) is harmless.
 * Times come from the loop: UTC for people, monotonic for durations.
 */
#ifndef CALL_CDR_H
#define CALL_CDR_H
#include "call/route.h"
#include "store/record.h"
#include "store/ring.h"

void cdr_begin(struct call_record *r, struct map *m, const struct loop *l,
	       const struct route_caller *who, const struct sip_event *invite);
void cdr_called(struct call_record *r, struct str number);
void cdr_plan(struct call_record *r, const struct loop *l, const struct route_plan *p);
void cdr_note(struct call_record *r, const struct loop *l, const struct reason *why);
void cdr_forward(struct call_record *r, struct str target);
int  cdr_leg(struct call_record *r, const struct loop *l, const struct route_branch *b);
void cdr_leg_call_id(struct call_record *r, int leg, struct str call_id);
void cdr_leg_ring(struct call_record *r, int leg, const struct loop *l);
void cdr_leg_retry(struct call_record *r, int leg, const struct loop *l, const struct reason *why);
/* Final answer of an unanswered leg, or its end by us. The first call counts. */
void cdr_leg_end(struct call_record *r, int leg, const struct loop *l, unsigned status,
		 const struct reason *why);
void cdr_leg_gone(struct call_record *r, int leg, const struct loop *l, const struct reason *why,
		  const struct media_stats *stats);
void cdr_caller_gone(struct call_record *r, const struct media_stats *stats);
void cdr_answer(struct call_record *r, int leg, const struct loop *l);
/* The called side's name of the session (RFC 7989). */
void cdr_session(struct call_record *r, struct str remote);
void cdr_hold(struct call_record *r, const struct loop *l, bool by_caller, bool holds);
void cdr_ended_by(struct call_record *r, enum record_side side);
void cdr_end(struct call_record *r, const struct loop *l, unsigned status, const struct reason *why);
/* Into the map with both dialogs, before the 200 that joins the call leaves. */
void cdr_live(struct map *m, struct sip *s, struct legs *ls, struct call_record *r,
	      uint64_t caller, uint64_t winner);
void cdr_store(struct map *m, struct call_record *r);
uint64_t cdr_id(const struct call_record *r);

#endif
