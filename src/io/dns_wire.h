/*
 * dns_wire.h - the one thing c-ares keeps to itself: the TTL of SRV and
 * NAPTR records.
 * Pure; every length is checked. RFC 1035 4.1, RFC 2782. Test: test/unit/io/t_dns.c
 */
#ifndef IO_DNS_WIRE_H
#define IO_DNS_WIRE_H
#include "base/str.h"
#include "io/timer.h"

enum { DNS_WIRE_SRV = 33, DNS_WIRE_NAPTR = 35 };

/* Smallest TTL, in ms, of the answers of this type in a whole reply. ERR_PARSE: broken;
 * ERR_GONE: it has none. */
enum err dns_wire_ttl(struct str reply, uint32_t type, ms_t *ttl);

#endif
