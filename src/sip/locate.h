/*
 * locate.h - from a host name to the addresses to try, in order (RFC 3263 4,
 * RFC 2782), as a pure machine: it names the question, its owner asks it.
 *
 * Does: literals, SRV with priority and weight, A or AAAA by family, the next
 *   address after a failure (4.3), the next SRV target when one is used up.
 * Does not: NAPTR (the transport is configured), caching (io/dns), sockets.
 * Owner: embedded; locate_close() frees the SRV list it may hold.
 * Test: test/unit/sip/t_locate.c
 */
#ifndef SIP_LOCATE_H
#define SIP_LOCATE_H
#include "io/dns.h"
#include "sip/msg.h"

enum locate_want {
	LOCATE_ADDR,		/* *addr is the next one to try           */
	LOCATE_ASK,		/* ask locate_name() and locate_type()    */
	LOCATE_FAILED,		/* no address (left)                      */
};

enum locate_stage { LOCATE_LITERAL, LOCATE_SRV, LOCATE_HOST, LOCATE_TARGET };

struct locate {
	enum locate_stage stage;
	enum sip_transport transport;
	bool v6;
	uint16_t port;			/* of the addresses in hand      */
	char host[256];
	struct dns_result *srv;		/* sorted in the order to try    */
	int isrv;
	int n, i;
	struct addr addr[DNS_MAX_RESULTS];
	bool answered;			/* DNS gave at least one address */
};

/* port 0: SRV first, then the transport's default port. */
enum locate_want locate_start(struct locate *l, struct str host, uint16_t port,
			      enum sip_transport t, bool v6, struct addr *addr);
/* A known address: no question is ever asked. */
void locate_fixed(struct locate *l, enum sip_transport t, const struct addr *addr);
enum locate_want locate_answer(struct locate *l, struct rng *rng, const struct dns_result *r,
			       struct addr *addr);
/* The address last given failed. */
enum locate_want locate_next(struct locate *l, struct addr *addr);
void locate_name(const struct locate *l, char name[DNS_NAME_MAX + 1]);
enum dns_type locate_type(const struct locate *l);
void locate_close(struct locate *l);
uint16_t sip_default_port(enum sip_transport t);

#endif
