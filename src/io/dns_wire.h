/*
 * dns_wire.h - the one thing c-ares keeps to itself: the TTL of SRV records.
 * Pure; every length is checked. RFC 1035 4.1, RFC 2782. Test: test/unit/io/t_dns.c
 */
#ifndef IO_DNS_WIRE_H
#define IO_DNS_WIRE_H
#include "base/str.h"
#include "io/timer.h"

/* Smallest TTL, in ms, of the answers of type SRV in a whole reply. ERR_PARSE: broken;
 * ERR_GONE: it has none. */
enum err dns_wire_srv_ttl(struct str reply, ms_t *ttl);

#endif
