/*
 * pcapng.h - the tap as a capture that Wireshark opens: decrypted SIP in datagrams between
 * the real addresses, notes as packet comments, keys as a Decryption Secrets Block.
 *
 * SIP over TCP or TLS is written as UDP between the same addresses and ports, because the
 * capture holds whole messages and no segments; a comment on each says how it really went.
 *
 * Does:    one entry in, its blocks out (draft-ietf-opsawg-pcapng, IP as link type RAW 101).
 * Units:   time stamps in microseconds since 1970 UTC (the tap knows milliseconds).
 * Errors:  a full buffer (buf_ok()); PCAPNG_ROOM() bytes are always enough.
 * Test:    test/unit/trace/t_trace.c; read by tshark in test/live
 */
#ifndef TRACE_PCAPNG_H
#define TRACE_PCAPNG_H
#include "base/tap.h"

/* Bytes that one entry with n bytes of its own needs at most. */
#define PCAPNG_ROOM(n) ((n) + 512)

enum { PCAPNG_HEAD = 256, PCAPNG_PACKET_MAX = 65000 };

/* Section header and interface; once, at the start of the file. */
void pcapng_start(struct buf *b);
/* SIP, STUN, RTCP: a packet. TAP_KEY: secrets (TLS key log lines), only when `keys`.
 * Notes: a packet without bytes to the discard port, with the note as its comment. */
void pcapng_entry(struct buf *b, const struct tap_entry *e, bool keys);

#endif
