/*
 * recorder.h - puts what passes by into the tap, with the key that joins it to its call.
 *
 * Owner: nothing is kept here; the tap owns the bytes. A NULL tap keeps nothing.
 * Test:  test/unit/trace/t_trace.c
 */
#ifndef TRACE_RECORDER_H
#define TRACE_RECORDER_H
#include "base/reason.h"
#include "base/tap.h"

struct recorder_at {		/* when, and whose */
	int64_t wall;
	uint64_t mono;
	uint64_t call, leg;	/* 0: not known, none */
};

struct recorder_path {
	bool out;
	enum tap_proto proto;
	const struct addr *local, *peer;
};

/* One SIP message as it went over the wire (TLS: decrypted). Its Call-ID becomes the key. */
void recorder_sip(struct tap *t, const struct recorder_at *at, const struct recorder_path *p,
		  struct str bytes);
/* A decision in words. */
void recorder_reason(struct tap *t, const struct recorder_at *at, const struct reason *why);
/* The Call-ID of a message's header, absent when it has none. Looks at the bytes only as far
 * as the empty line; long and short form, any case. */
struct str recorder_call_id(struct str msg);

#endif
