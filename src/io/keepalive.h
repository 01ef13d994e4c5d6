/*
 * keepalive.h - how long a TCP peer that vanished is believed in.
 *
 * Does: has the kernel ask an idle peer after 15 s and every 5 s from then on, and give a
 *   connection up (ETIMEDOUT) when nothing was acknowledged for 25 s, asked or sent. Idle deaths
 *   are found so where a protocol may not ask: Direct Routing limits OPTIONS to one a minute.
 * Does not: fail; without these wishes a connection works too.
 * RFC 1122 4.2.3.6, RFC 5482. Test: test/unit/io/t_keepalive.c
 */
#ifndef IO_KEEPALIVE_H
#define IO_KEEPALIVE_H

enum { KEEPALIVE_IDLE_S = 15, KEEPALIVE_EVERY_S = 5, KEEPALIVE_GIVE_UP_MS = 25000 };

void keepalive_set(int fd);

#endif
