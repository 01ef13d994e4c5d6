/*
 * chars.h - classes of bytes in SIP (RFC 3261 25.1), one table for all parsers
 * of this folder. Private to sip/.
 * Test: t_uri.c walks all 256 against the grammar.
 */
#ifndef SIP_CHARS_H
#define SIP_CHARS_H
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum sip_char {
	CH_TOKEN = 1,	/* token: methods, header and parameter names          */
	CH_URI = 2,	/* may stand in a URI; what is beyond ASCII is let pass */
	CH_HOST = 4,	/* host name, '_' as well: seen in Microsoft and lab names */
	CH_IP6 = 8,	/* between the brackets                                */
	CH_USER = 16,	/* needs no escape in a user part                      */
	CH_HEX = 32,
};

extern const uint8_t sip_chars[256];

static inline bool ch_is(char c, unsigned class)
{
	return (sip_chars[(unsigned char)c] & class) != 0;
}

/* ch_all(s, CH_URI), eight bytes at a time. */
bool ch_uri(struct str s);

/* Is there at least one byte, and are all of the class? */
static inline bool ch_all(struct str s, unsigned class)
{
	unsigned all = class;

	for (size_t i = 0; i < s.n; i++)
		all &= sip_chars[(unsigned char)s.p[i]];
	return s.n && (all & class) == class;
}

static inline char ch_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static inline bool ch_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* str_trim() and str_u32() for where every nanosecond counts: no call, no division. */
static inline struct str ch_trim(struct str s)
{
	while (s.n && ch_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n && ch_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

static inline enum err ch_u32(struct str s, uint32_t max, uint32_t *out)
{
	uint64_t v = 0;

	for (size_t i = 0; i < s.n; i++) {
		unsigned d = (unsigned)(unsigned char)s.p[i] - '0';

		if (d > 9)
			return ERR_PARSE;
		v = v * 10 + d;
		if (v > max)
			return ERR_RANGE;
	}
	if (s.n == 0)
		return ERR_PARSE;
	*out = (uint32_t)v;
	return OK;
}

/* The value of a hex digit (CH_HEX). */
static inline unsigned ch_hex(char c)
{
	return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}

#endif
