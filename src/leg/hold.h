/*
 * hold.h - hold as two facts per leg, and the direction shown as a pure function of them.
 *
 * Facts of a leg: *it holds us* (its last SDP said sendonly, inactive or 0.0.0.0) and *we
 * hold it* (the other side of the call holds). What is shown to a leg depends on both facts
 * and its profile alone, so one resume never wakes the other.
 * From: RFC 3264 6.1 and 8.4; Direct Routing understands only a=inactive as hold.
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

/* Does this SDP hold us? */
bool hold_said(const struct sdp_remote *r);
/* The direction of our next SDP to this leg. `answering`: it answers an offer whose direction
 * was `offered`; otherwise it is our own offer. */
enum sdp_dir hold_shown(bool it_holds, bool we_hold, enum hold_style style);
enum sdp_dir hold_answer(enum sdp_dir offered, bool we_hold, enum hold_style style);
/* May media go to the leg, and is media expected from it? */
bool hold_may_send(bool it_holds, bool we_hold, enum hold_style style);
bool hold_expects(bool it_holds, bool we_hold);

#endif
