/*
 * locate.h - from a host name to the addresses to try, in order (RFC 3263 4,
 * RFC 2782, RFC 3403), as a pure machine: it names the question, its owner asks it.
 *
 * Does: literals; NAPTR where more is open than the address, SRV with priority and
 *   weight, A or AAAA by family; the next address after a failure (4.3), the next SRV
 *   target when one is used up, the next NAPTR service after that.
 * Does not: caching (io/dns), sockets. It never leaves the transports it may use: a
 *   name server does not talk us out of TLS.
 * Owner: embedded; locate_close() frees the lists it may hold.
 * Test: test/unit/sip/t_dialog.c, t_locate.c, test/fuzz/fz_locate.c
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

enum locate_stage { LOCATE_LITERAL, LOCATE_NAPTR, LOCATE_SRV, LOCATE_HOST, LOCATE_TARGET };
enum { LOCATE_WAYS = 6 };

struct locate_way {		/* an SRV name and what is spoken there */
	enum sip_transport transport;
	char *name;		/* NULL: made of transport and host     */
};

struct locate {
	enum locate_stage stage;
	enum sip_transport transport, first;	/* in use; as asked for          */
	unsigned may;			/* bits of the transports to choose from */
	bool v6;
	uint16_t port;			/* of the addresses in hand      */
	char host[256];
	struct locate_way way[LOCATE_WAYS];	/* in the order to try   */
	int nways, iway;
	struct dns_result *srv;		/* sorted in the order to try    */
	int isrv;
	int n, i;
	struct addr addr[DNS_MAX_RESULTS];
	bool answered;			/* DNS gave at least one address */
	bool found;			/* ... or an SRV record: then the bare name is not tried, RFC 2782 */
};

struct locate_ask {
	struct str host;
	uint16_t port;			/* 0: SRV first, then the transport's default port */
	enum sip_transport transport;
	unsigned may;			/* 0: this transport alone; else NAPTR may choose among these bits */
	bool v6;
};
enum locate_want locate_start(struct locate *l, const struct locate_ask *a, struct addr *addr);
/* A known address: no question is ever asked. */
void locate_fixed(struct locate *l, enum sip_transport t, const struct addr *addr);
enum locate_want locate_answer(struct locate *l, struct rng *rng, const struct dns_result *r,
			       struct addr *addr);
/* The address last given failed. */
enum locate_want locate_next(struct locate *l, struct addr *addr);
/* Has the service in hand another address or SRV target? */
bool locate_more(const struct locate *l);
void locate_name(const struct locate *l, char name[DNS_NAME_MAX + 1]);
enum dns_type locate_type(const struct locate *l);
void locate_close(struct locate *l);
uint16_t sip_default_port(enum sip_transport t);

#endif
