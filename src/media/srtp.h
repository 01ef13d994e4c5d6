/*
 * srtp.h - SRTP and SRTCP (RFC 3711, RFC 7714): one context per direction and master key.
 *
 * Does: AES_CM_128_HMAC_SHA1_80 and _32, AEAD_AES_128_GCM; replay window of 128; roll-over
 *   guessed by at most one; at most SRTP_SSRC_MAX sources, of which the least used gives way
 *   only to an authenticated packet. Of the last SRTP_RETIRED_MAX that gave way no old packet
 *   is ever taken again. An index is never used twice for sending (RFC 3711 9.1, RFC 7714 7.2:
 *   the second packet would give away both): srtp_protect() refuses it.
 * Does not: key exchange, re-keying by index (2^48 packets are never reached by a call).
 * Errors: ERR_PARSE no packet, ERR_AUTH tag wrong, ERR_EXISTS replayed, or sent before.
 * Owner: the maker; srtp_free() wipes the keys. Packets are changed in place; `cap` must leave
 *   SRTP_TAIL bytes behind the packet.
 * Test: RFC vectors, and packet by packet against libsrtp2.
 */
#ifndef MEDIA_SRTP_H
#define MEDIA_SRTP_H
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum srtp_suite { SRTP_NONE, SRTP_AES_CM_80, SRTP_AES_CM_32, SRTP_AES_GCM, SRTP_NSUITE };
enum { SRTP_KEY_MAX = 30, SRTP_TAIL = 40, SRTP_SSRC_MAX = 4, SRTP_RETIRED_MAX = 28 };

struct srtp;

size_t srtp_key_bytes(enum srtp_suite s);
/* key: master key and salt, srtp_key_bytes() of them. mki: bytes of an MKI the peer puts in
 * front of the tag (0 to 4); ours never has one. */
struct srtp *srtp_new(enum srtp_suite s, const uint8_t *key, size_t mki);
void srtp_set_mki(struct srtp *s, size_t mki);	/* it now has one, or none, with the same key */
void srtp_free(struct srtp *s);			/* NULL is fine */
/* `s` has the next key of the peer of `was`: should its sources go on counting where they were,
 * as RFC 3711 3.3.1 wants, they are understood; else they begin at 0, as some do. */
void srtp_follow(struct srtp *s, const struct srtp *was);
enum err srtp_protect(struct srtp *s, uint8_t *p, size_t *n, size_t cap);
enum err srtp_unprotect(struct srtp *s, uint8_t *p, size_t *n);
enum err srtcp_protect(struct srtp *s, uint8_t *p, size_t *n, size_t cap);
enum err srtcp_unprotect(struct srtp *s, uint8_t *p, size_t *n);

#endif
