/*
 * overload.h - which new calls are turned away while more comes than can be done. Pure.
 * While input waits longer than OVERLOAD_DELAY_MS and not less and less, or the kernel had to throw some away, new
 * calls are let in at a rate and no faster: first the one that got in just before, then what keeps the wait at
 * OVERLOAD_DELAY_MS (a PI controller as in RFC 8033 4.2, on a rate as in RFC 7415). It ends when nothing was refused
 * for OVERLOAD_CALM_MS. One that waited longer than T1 is refused in any case: its caller has repeated it meanwhile.
 * A request that was refused is refused again, with the same Retry-After, for as long as it may be repeated.
 * A single long wait counts only where this thread had the processor meanwhile: a machine that stood still for a
 * moment, as a virtual one does when it moves, has all its time again, and what waited meanwhile is taken up as
 * long as it gets less.
 * Does not: touch what belongs to calls that are up; read a clock; log.
 * Units: ms, rates in thousandths of a call a second. Owner: struct overload is embedded;
 * overload_close() frees its table. Test: test/unit/sip/t_overload.c
 */
#ifndef SIP_OVERLOAD_H
#define SIP_OVERLOAD_H
#include <stdbool.h>

#include "io/timer.h"

enum {
	OVERLOAD_DELAY_MS = 50, OVERLOAD_EVERY_MS = 100, OVERLOAD_CALM_MS = 2000,
	OVERLOAD_LOST_MS = 500,			/* what lost input counts as, at least */
	OVERLOAD_STALE_MS = 500,		/* T1 */
	OVERLOAD_RATE_MIN = 10000,		/* ten calls a second are always tried */
	OVERLOAD_REPEAT_MS = 32000,		/* timer B */
	OVERLOAD_TELL_MS = 10000,
	OVERLOAD_RETRY_MIN_S = 5, OVERLOAD_RETRY_MAX_S = 60,
	OVERLOAD_KEYS = 1 << 16,
};

/* What is worth a line of the log: each at most once in OVERLOAD_TELL_MS, the end only of what was said. */
enum overload_news { OVERLOAD_NO_NEWS, OVERLOAD_BEGAN, OVERLOAD_ENDED };

struct overload_view {
	uint64_t refused, refused_now;	/* since the start; since it began */
	uint64_t stale;			/* those of `refused` that had waited too long */
	uint32_t rate;			/* new calls let in, thousandths a second; 0: all of them */
	ms_t since;			/* it began then; if it is over, the last one did */
	uint32_t delay_ms;		/* how long input waited in the last window */
	bool lost;			/* the kernel threw some of it away since it began */
};

struct overload {
	struct overload_view v;
	ms_t born, window;		/* the first input was read; this window began */
	uint64_t sum, worst, seen_lost;	/* of delays; what the kernel had lost at its beginning */
	uint32_t n, admitted;		/* inputs and new calls let in since then */
	ms_t spent;			/* processor time at the window's beginning */
	bool busy;			/* a quarter of the last window or more was ours */
	bool drains;			/* what came while we had no processor is worked off */
	uint32_t signal;		/* the wait that the rate went by last, ms */
	uint32_t before, mean;		/* new calls let in in the last window, and in some before, as rates */
	uint64_t tokens;		/* millionths of a call */
	ms_t filled, last_refusal, told_began, told_ended;
	bool said;
	uint64_t *keys;			/* OVERLOAD_KEYS of refused requests; NULL: none yet */
	uint64_t let_in;		/* the key of the last one that was not refused */
};

void overload_close(struct overload *o);
/* An input was read `delay` ms after it came; `lost`: what the kernel has thrown away in all; `spent`: the
 * processor time of this thread. What came before the first one was read waited for our start, which is no load. */
enum overload_news overload_note(struct overload *o, ms_t now, ms_t delay, uint64_t lost, ms_t spent);
/* Could anything be refused now, or be a repeat of what was? If not, no key need be made for asking. */
bool overload_busy(const struct overload *o, ms_t now, ms_t delay);
/* Is this new call turned away? key: of its request; delay: as above. *retry_s: what to tell it. Asking twice
 * running about the same one that is let in counts it once. */
bool overload_refuses(struct overload *o, ms_t now, uint64_t key, ms_t delay, unsigned *retry_s);
/* A time to try again, s; the same for the same key. */
unsigned overload_retry_s(uint64_t key);
/* Was the request with this key refused, so that its ACK means nothing more? */
bool overload_knows(const struct overload *o, ms_t now, uint64_t key);

#endif
