#include "base/addr.h"

#include <arpa/inet.h>
#include <string.h>

enum err addr_parse_ip(struct str s, struct addr *a)
{
	struct addr r = { 0 };
	char z[64];

	if (s.n >= 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
		s = str_sub(s, 1, s.n - 2);
	if (s.n == 0 || memchr(s.p, 0, s.n) || !str_copy(z, sizeof z, s))
		return ERR_PARSE;
	if (inet_pton(AF_INET, z, r.ip) == 1)
		r.family = ADDR_V4;
	else if (inet_pton(AF_INET6, z, r.ip) == 1)
		r.family = ADDR_V6;
	else
		return ERR_PARSE;
	*a = r;
	return OK;
}

enum err addr_parse(struct str s, uint16_t port, struct addr *a)
{
	size_t close = str_find(s, ']'), colon;
	struct addr r;
	uint32_t p = port;
	enum err e;

	if (s.n && s.p[0] == '[')
		colon = close < s.n ? close + 1 : s.n;
	else
		colon = str_find(s, ':');
	if (colon < s.n && s.p[0] != '[' && memchr(s.p + colon + 1, ':', s.n - colon - 1))
		colon = s.n;		/* bare version 6 address */
	e = addr_parse_ip(str_sub(s, 0, colon), &r);
	if (e)
		return e;
	if (colon < s.n) {
		if (s.p[colon] != ':')
			return ERR_PARSE;
		e = str_u32(str_sub(s, colon + 1, s.n), 65535, &p);
		if (e)
			return e;
	}
	r.port = (uint16_t)p;
	*a = r;
	return OK;
}

bool addr_same_ip(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

bool addr_eq(const struct addr *a, const struct addr *b)
{
	return a->port == b->port && addr_same_ip(a, b);
}

bool addr_is_any(const struct addr *a)
{
	static const uint8_t zero[16];

	return memcmp(a->ip, zero, sizeof zero) == 0;
}

bool addr_is_loopback(const struct addr *a)
{
	static const uint8_t one[16] = { [15] = 1 };

	if (a->family == ADDR_V4)
		return a->ip[0] == 127;
	return a->family == ADDR_V6 && memcmp(a->ip, one, sizeof one) == 0;
}

bool addr_in(const struct addr *a, const struct addr *net, unsigned bits)
{
	unsigned most = a->family == ADDR_V4 ? 32 : 128;

	if (a->family != net->family || a->family == ADDR_NONE)
		return false;
	if (bits > most)
		bits = most;
	for (unsigned i = 0; i < bits; i += 8) {
		unsigned left = bits - i;
		unsigned mask = left >= 8 ? 0xffu : 0xffu << (8 - left) & 0xffu;

		if (((unsigned)a->ip[i / 8] ^ net->ip[i / 8]) & mask)
			return false;
	}
	return true;
}

/* Twelve a call: inet_ntop() of the C library prints them with sprintf(). */
static void v4(struct buf *b, const uint8_t ip[4])
{
	for (int i = 0; i < 4; i++) {
		if (i)
			buf_ch(b, '.');
		buf_u64(b, ip[i]);
	}
}

void addr_ip(struct buf *b, const struct addr *a)
{
	char z[INET6_ADDRSTRLEN];

	if (a->family == ADDR_V4)
		v4(b, a->ip);
	else if (a->family == ADDR_V6 && inet_ntop(AF_INET6, a->ip, z, sizeof z))
		buf_lit(b, z);
	else
		buf_ch(b, '?');
}

void addr_host(struct buf *b, const struct addr *a)
{
	if (a->family == ADDR_V6)
		buf_ch(b, '[');
	addr_ip(b, a);
	if (a->family == ADDR_V6)
		buf_ch(b, ']');
}

void addr_hostport(struct buf *b, const struct addr *a)
{
	addr_host(b, a);
	buf_ch(b, ':');
	buf_u64(b, a->port);
}

const char *addr_text(const struct addr *a, char text[ADDR_TEXT])
{
	struct buf b;

	buf_init(&b, text, ADDR_TEXT);
	addr_hostport(&b, a);
	return buf_z(&b);
}
