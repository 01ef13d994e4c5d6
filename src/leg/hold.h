/*
 * hold.h - hold as two facts per leg, and the directions as pure functions of them.
 *
 * Facts of a leg: *it holds us* (its last SDP said sendonly, inactive or 0.0.0.0) and *we
 * hold it* (the other side of the call holds). What is shown to a leg depends on both facts
 * and its profile alone, so one resume never wakes the other.
 * From: RFC 3264 6.1 and 8.4, RFC 6337 5.3; Direct Routing understands only a=inactive as hold.
 * Test: test/unit/leg/t_hold.c walks every cell.
 */
#ifndef LEG_HOLD_H
#define LEG_HOLD_H
#include "sdp/negotiate.h"

enum hold_style {
	HOLD_SENDONLY,		/* most phones and PBXs                     */
	HOLD_INACTIVE,		/* Direct Routing without music             */
	HOLD_MUSIC,		/* stays sendrecv: the music is played to it */
	HOLD_NSTYLE
};

/* Does this offer hold us? */
bool hold_said(const struct sdp_remote *r);
/* Does it hold us after its answer to an offer of ours? An answer tells it only as far as the
 * offer let it: who is held answers "inactive" to our "inactive" as well. */
bool hold_answered(bool it_holds, enum sdp_dir offered, const struct sdp_remote *answer);
/* The direction of our own offer to this leg, ... */
enum sdp_dir hold_shown(bool it_holds, bool we_hold, enum hold_style style);
/* ... of our answer to its offer, ... */
enum sdp_dir hold_answer(const struct sdp_remote *offer, bool we_hold, enum hold_style style);
/* ... and of an offer it asks us for (an INVITE without SDP): with this it may resume, so its
 * own hold is not in it (RFC 6337 5.3). */
enum sdp_dir hold_asked(bool we_hold, enum hold_style style);

/* What both directions together let through, as the media end has to know it. */
struct hold_flow { bool send, expect; };
struct hold_flow hold_flow(enum sdp_dir ours, const struct sdp_remote *theirs, bool it_holds,
			   bool we_hold);

#endif
