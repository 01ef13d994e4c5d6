/*
 * bans.h - strangers that are turned away, in words: a line in the log for each ban and each
 * call from nobody's address, at most BANS_LINES a minute, with the number of those it did
 * not write.
 * Does not: ban (sip/source.h).
 * Owner: app/server. Threads: the loop's. Test: test/unit/service/t_bans.c
 */
#ifndef SERVICE_BANS_H
#define SERVICE_BANS_H
#include "io/loop.h"
#include "sip/source.h"

enum { BANS_LINES = 10, BANS_EVERY_MS = 60000 };

struct bans {
	struct loop *loop;
	ms_t since;
	unsigned lines, silent;
};

/* The source is held or banned from now on. */
void bans_told(struct bans *b, const struct source_view *v);
/* A call from an address that is no trunk's was refused. */
void bans_refused(struct bans *b, const struct addr *from);
/* "198.51.100.7" or "2001:db8:1::/64". */
void bans_net(struct buf *b, const struct source_view *v);

#endif
