/*
 * dns.h - names to addresses, cached in loop time.
 *
 * Does: A, AAAA, SRV and NAPTR with TTL from the answer (floor 5 s, cap 1 day),
 *   negative answers 5 s, static hosts from the configuration before everything else.
 *   While the servers are dead, what they said last counts for 24 h (RFC 8767), also that a
 *   name or a type of record does not exist: the first who asks waits 100 ms for them (500 for
 *   what ran out more than a minute ago), then nobody waits until one of them has answered
 *   again. Where they fail for one name alone, what is known of the others is not served late.
 * Does not: block, search domains, use the regular expressions of NAPTR (such records
 *   are left out).
 * A result always arrives through the callback, as an input of the loop, also
 * when it is cached (never from inside dns_query()).
 */
#ifndef IO_DNS_H
#define IO_DNS_H
#include "base/addr.h"
#include "io/loop.h"

enum dns_type { DNS_ADDR4, DNS_ADDR6, DNS_SRV, DNS_NAPTR, DNS_NTYPE };
enum { DNS_MAX_RESULTS = 16, DNS_NAME_MAX = 255 };

struct dns_result {
	enum err err;			/* OK; ERR_GONE: no such name; ERR_TIMEOUT; ERR_IO */
	bool stale;			/* served after its TTL: the servers are silent     */
	ms_t ttl;			/* what is left, ms                                 */
	int n;
	struct dns_rr {
		struct addr addr;	/* DNS_ADDR*: port 0 */
		uint16_t priority, weight, port;	/* DNS_SRV; NAPTR: order, preference */
		char flag, service[16];	/* DNS_NAPTR: 's', "SIP+D2U"; target: its replacement */
		char target[DNS_NAME_MAX + 1];
	} rr[DNS_MAX_RESULTS];
};

typedef void dns_fn(void *ctx, uint64_t token, const struct dns_result *r);

struct dns;				/* resolver with its cache; owner: the server */
struct dns_config {
	const char *servers;		/* "127.0.0.1:5300,..." or NULL: `resolv`, followed when it changes */
	const char *resolv;		/* NULL: /etc/resolv.conf */
	ms_t timeout;			/* per try; 0: 500 */
	int tries;			/* 0: 2 */
};

extern const struct dns_ops dns_ares_ops;	/* dns_ares.c, for the libuv maker */

struct dns_ops {			/* the maker's way to ask one question over the wire */
	void *(*open)(struct loop *, const struct dns_config *,
		      void (*answer)(void *ctx, const char *name, enum dns_type, const struct dns_result *),
		      void *ctx);
	void (*ask)(void *impl, const char *name, enum dns_type);
	void (*close)(void *impl);
};

struct dns *dns_new(struct loop *l, const struct dns_config *c);
void dns_free(struct dns *d);
void dns_add_host(struct dns *d, const char *name, const struct addr *a);	/* static */
/* A literal address in `name` answers itself. token comes back in fn. */
void dns_query(struct dns *d, struct str name, enum dns_type t, dns_fn *fn, void *ctx, uint64_t token);
/* Forget who waits with this ctx. */
void dns_cancel(struct dns *d, void *ctx);
void dns_forget(struct dns *d, struct str name);	/* drop from the cache */

#endif
