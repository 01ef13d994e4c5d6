/*
 * zone.h - the hub's small DNS server: A, AAAA and SRV answers from a table that a script
 * changes, so that TTL, change and death of names run through a real resolver.
 *
 * Does: answer one question per datagram (RFC 1035), NXDOMAIN, NODATA, silence.
 * Does not: recursion, EDNS options (ignored), TCP, compression in questions.
 * Owner: the hub. Threads: the loop's.
 */
#ifndef HUB_ZONE_H
#define HUB_ZONE_H
#include "io/net.h"

struct zone;

/* Binds the UDP address; port 0 picks one. NULL: *err_no. */
struct zone *zone_new(struct loop *l, const struct addr *at, int *err_no);
void zone_free(struct zone *z);
uint16_t zone_port(const struct zone *z);
/* Replaces what the name had of this family. */
void zone_set(struct zone *z, const char *name, const struct addr *a, uint32_t ttl_s);
void zone_set_srv(struct zone *z, const char *name, const char *target, uint16_t port,
		  uint16_t priority, uint32_t ttl_s);
void zone_remove(struct zone *z, const char *name);	/* NXDOMAIN from now on */
void zone_mute(struct zone *z, bool mute);		/* answer nothing at all */
uint64_t zone_queries(const struct zone *z, const char *name);
/* The pure part, for fuzzing: 0 = no answer. */
size_t zone_answer(struct zone *z, const uint8_t *q, size_t n, uint8_t *out, size_t cap);

#endif
