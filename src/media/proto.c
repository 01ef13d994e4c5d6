#include "media/proto.h"

#include <string.h>

static bool addr_good(const struct addr *a)
{
	return a->family == ADDR_V4 || a->family == ADDR_V6;
}

static bool peer_good(const struct media_msg *m)
{
	for (int i = 0; i < MEDIA_NCODEC; i++)
		if ((m->u.peer.rx_pt[i] > 127 && m->u.peer.rx_pt[i] != 255) ||
		    (m->u.peer.tx_pt[i] > 127 && m->u.peer.tx_pt[i] != 255))
			return false;
	return addr_good(&m->u.peer.rtp) && addr_good(&m->u.peer.rtcp) &&
	       m->u.peer.suite < SRTP_NSUITE && m->u.peer.mki <= 4 && m->early < MEDIA_EARLY_MAX;
}

bool media_msg_good(const struct media_msg *m, uint32_t slots)
{
	if (m->version != MEDIA_VERSION)
		return false;
	switch ((enum media_op)m->op) {
	case MEDIA_POOL:
		return addr_good(&m->u.pool.bind) && m->u.pool.pairs &&
		       m->slot + (uint32_t)m->u.pool.pairs <= MEDIA_SLOTS_MAX &&
		       (uint32_t)m->u.pool.port_min + 2u * m->u.pool.pairs <= 65536;
	case MEDIA_PEER:
		return m->slot < slots && peer_good(m);
	case MEDIA_SERVE:
		return m->slot < slots && m->early < MEDIA_EARLY_MAX;
	case MEDIA_CONNECT:
		return m->slot < slots && m->other != m->slot &&
		       (m->other < slots || m->other == UINT32_MAX);
	case MEDIA_PLAY:
		return m->slot < slots && m->u.play.source < MEDIA_SOURCE_NSOURCE &&
		       m->u.play.codec < MEDIA_NCODEC;
	case MEDIA_OPEN: case MEDIA_DIRECTION: case MEDIA_CLOSE: case MEDIA_FIRST_PACKET:
	case MEDIA_LATCHED: case MEDIA_SILENT: case MEDIA_CLOSED:
		return m->slot < slots;
	case MEDIA_MUSIC:
		return m->u.music.path[0] && memchr(m->u.music.path, 0, sizeof m->u.music.path);
	case MEDIA_READY: case MEDIA_FAILED: case MEDIA_PING:
		return true;
	}
	return false;
}
