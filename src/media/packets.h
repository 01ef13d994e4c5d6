/*
 * packets.h - messages that came over the socket between signalling and media, several packets in
 * one reading: each side sends more than one before the other has read, and an unread backlog of
 * them would hold up the ends of calls.
 * Does not: look into them (media_msg_good() does). Owner: who reads wipes the keys in it.
 * Test: test/unit/media/t_packets.c
 */
#ifndef MEDIA_PACKETS_H
#define MEDIA_PACKETS_H
#include "media/proto.h"

enum { MEDIA_PACKETS = 8 };

struct media_packets {
	struct media_batch p[MEDIA_PACKETS];
	int n;
};

/* Reads what is there, at most MEDIA_PACKETS; n 0: nothing. false: the other side is gone. */
bool media_packets_read(int fd, struct media_packets *in);

#endif
