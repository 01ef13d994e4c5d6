/*
 * tap.h - what passed by: one bounded ring of bytes per server, the oldest overwritten.
 *
 * sip, media, leg and call write; ladder, trace, pcapng and HEP only read. Calls keep no
 * messages of their own.
 *
 * A SIP message often arrives before anyone knows its call: it is written under the key of
 * its Call-ID (tap_key()), and the call later claims the key with tap_bind(). A walk by
 * call gives what was written under its id and under all keys it claimed, before and after.
 *
 * Units:   wall is UTC ms, mono is monotonic ms.
 * Owner:   the tap owns the bytes; an entry given by a walk is lent until the next tap_put().
 * Errors:  none; an entry over a quarter of the ring is not kept (counted in `refused`).
 * Threads: the loop's.
 * Test:    test/unit/trace/t_tap.c
 */
#ifndef BASE_TAP_H
#define BASE_TAP_H
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/str.h"

enum tap_kind {
	TAP_SIP,		/* one whole message                            */
	TAP_NOTE,		/* a reason in words, or what a leg or call did */
	TAP_MEDIA,		/* a media event in words                       */
	TAP_STUN, TAP_RTCP,
	TAP_KEY,		/* TLS or SRTP secrets: only while a trace runs */
	TAP_BIND,		/* made by tap_bind()                           */
	TAP_NKIND
};
enum tap_dir { TAP_IN, TAP_OUT, TAP_INSIDE };
enum tap_proto { TAP_UDP, TAP_TCP, TAP_TLS };

struct tap_entry {
	uint64_t seq;		/* given by tap_put(), from 1            */
	int64_t wall;
	uint64_t mono;
	uint64_t call;		/* id of the call; 0: not known          */
	uint64_t leg;		/* 0: none                               */
	uint64_t key;		/* tap_key() of the Call-ID; 0: none     */
	enum tap_kind kind;
	enum tap_dir dir;
	enum tap_proto proto;
	struct addr local, peer;
	struct str bytes;
};

struct tap;			/* NULL is a tap that keeps nothing: all functions take it */

struct tap *tap_new(size_t bytes);	/* 0: 64 MB; at least 4 KB */
void tap_free(struct tap *t);
void tap_put(struct tap *t, const struct tap_entry *e);
/* One note in words (cut at 1,000 bytes). */
void tap_note(struct tap *t, int64_t wall, uint64_t mono, uint64_t call, uint64_t leg,
	      struct str text);
uint64_t tap_key(struct str call_id);	/* never 0 for a non-empty Call-ID */
/* From now on what is or was written under `key` belongs to `call`. */
void tap_bind(struct tap *t, uint64_t call, uint64_t key);

enum { TAP_WALK_KEYS = 32 };
struct tap_walk {
	struct tap *tap;
	uint64_t call;		/* 0: everything */
	uint64_t key[TAP_WALK_KEYS];
	int nkey;
	uint64_t at;
};
/* Oldest first. call 0: all entries but binds. */
void tap_walk(struct tap_walk *w, struct tap *t, uint64_t call);
bool tap_next(struct tap_walk *w, struct tap_entry *e);

struct tap_stats { uint64_t written, overwritten, refused; size_t used, size; };
void tap_look(const struct tap *t, struct tap_stats *s);

#endif
