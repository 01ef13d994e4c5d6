/*
 * addr.h - an IP address with a port, version 4 or 6. No names, no sockets.
 * A wild-card address is all zeroes of its family.
 */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

enum addr_family { ADDR_NONE, ADDR_V4, ADDR_V6 };

struct addr {
	enum addr_family family;
	uint16_t port;			/* host order; 0 = none */
	uint8_t ip[16];			/* v4: the first four bytes, rest 0 */
};

enum { ADDR_TEXT = 56 };		/* "[v6]:port" and NUL */

/* "192.0.2.1", "2001:db8::1" or "[2001:db8::1]"; the port is set to 0. */
enum err addr_parse_ip(struct str s, struct addr *a);
/* "192.0.2.1:5060", "[2001:db8::1]:5060"; without a port: `port`. */
enum err addr_parse(struct str s, uint16_t port, struct addr *a);
bool addr_eq(const struct addr *a, const struct addr *b);	/* ip and port */
bool addr_same_ip(const struct addr *a, const struct addr *b);
bool addr_is_any(const struct addr *a);
bool addr_is_loopback(const struct addr *a);
/* Is a inside net/bits? Families must be the same. */
bool addr_in(const struct addr *a, const struct addr *net, unsigned bits);
void addr_ip(struct buf *b, const struct addr *a);	/* without brackets */
void addr_host(struct buf *b, const struct addr *a);	/* an IPv6 one in brackets, as in a URI */
void addr_hostport(struct buf *b, const struct addr *a);/* v6 in brackets   */
/* addr_hostport() into `text`, which is returned. */
const char *addr_text(const struct addr *a, char text[ADDR_TEXT]);

#endif
