/*
 * The engine as a state machine: well-formed messages and packets in any order. It must hold
 * that nothing leaves for an address that neither an SDP named nor four packets in sequence
 * earned, that a protected leg never sends in the clear, and that the two local keys never
 * protect for two remotes at once (one serves at a time).
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "media/relay.h"
#include "media/rtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n);

enum { SLOTS = 3, PLACES = 6 };

struct model {
	struct relay *r;
	bool named[SLOTS][PLACES];	/* by an SDP                       */
	int run[SLOTS][PLACES];		/* packets that came from there    */
	bool open[SLOTS], secure[SLOTS][MEDIA_EARLY_MAX];
	int serve[SLOTS];
	ms_t now;
};

static struct addr place(unsigned i)
{
	struct addr a = { .family = ADDR_V4, .port = (uint16_t)(4000 + 100 * (i % PLACES)) };

	a.ip[0] = 10;
	a.ip[3] = (uint8_t)(1 + i % PLACES);
	return a;
}

static void on_send(void *ctx, uint32_t slot, bool rtcp, const struct addr *to, const uint8_t *p, size_t n)
{
	struct model *m = ctx;
	unsigned i = to->ip[3] - 1u;

	(void)p;
	if (slot >= SLOTS || !m->open[slot] || i >= PLACES || m->serve[slot] < 0)
		abort();
	if (!m->named[slot][i] && m->run[slot][i] < 4)
		abort();
	if (!rtcp && m->secure[slot][m->serve[slot]] && n < RTP_HEAD + 4)
		abort();
}

static void on_up(void *ctx, const struct media_msg *msg)
{
	(void)ctx;
	if (!media_msg_good(msg, SLOTS))
		abort();
}

static struct media_msg message(enum media_op op, uint32_t slot)
{
	return (struct media_msg){ .version = MEDIA_VERSION, .op = (uint16_t)op, .slot = slot,
				   .other = UINT32_MAX };
}

static void tell_peer(struct model *m, uint32_t slot, const uint8_t *b)
{
	struct media_msg x = message(MEDIA_PEER, slot);

	x.early = b[0] % MEDIA_EARLY_MAX;
	x.u.peer.rtp = x.u.peer.rtcp = place(b[1]);
	x.u.peer.rtcp.port++;
	x.u.peer.near = place(b[3]);
	x.u.peer.latch = b[2] & 1;
	x.u.peer.mux = b[2] >> 1 & 1;
	x.u.peer.suite = (b[2] >> 2) % SRTP_NSUITE;
	x.u.peer.key[0] = b[3];
	memset(x.u.peer.rx_pt, 255, sizeof x.u.peer.rx_pt);
	memset(x.u.peer.tx_pt, 255, sizeof x.u.peer.tx_pt);
	x.u.peer.rx_pt[MEDIA_PCMU] = x.u.peer.tx_pt[MEDIA_PCMU] = 0;
	if (m->open[slot]) {
		m->named[slot][b[1] % PLACES] = true;
		m->secure[slot][x.early] = x.u.peer.suite != SRTP_NONE;
	}
	relay_msg(m->r, &x, m->now);
}

static void tell(struct model *m, uint32_t slot, const uint8_t *b)
{
	static const enum media_op op[] = { MEDIA_OPEN, MEDIA_SERVE, MEDIA_CONNECT, MEDIA_DIRECTION,
					    MEDIA_PLAY, MEDIA_CLOSE };
	struct media_msg x = message(op[b[0] % 6], slot);

	switch (b[0] % 6) {
	case 0:
		memset(m->named[slot], 0, sizeof m->named[slot]);
		memset(m->run[slot], 0, sizeof m->run[slot]);
		memset(m->secure[slot], 0, sizeof m->secure[slot]);
		m->open[slot] = true;
		m->serve[slot] = -1;
		x.u.open.no_media_ms = b[1] * 100u;
		x.u.open.fill_ms = b[2] & 1;
		break;
	case 1:
		x.early = b[1] % MEDIA_EARLY_MAX;
		x.u.serve.wipe_others = b[2] & 1;
		if (m->open[slot])
			m->serve[slot] = x.early;
		break;
	case 2:
		x.other = b[1] % 4 == 3 ? UINT32_MAX : b[1] % SLOTS;
		if (x.other == slot)
			return;
		break;
	case 3:
		x.u.direction.send = b[1] & 1;
		x.u.direction.expect = b[1] >> 1 & 1;
		break;
	case 4:
		x.u.play.source = b[1] % MEDIA_SOURCE_NSOURCE;
		x.u.play.codec = b[2] & 1;
		break;
	default: m->open[slot] = false; break;
	}
	relay_msg(m->r, &x, m->now);
}

static void packet(struct model *m, uint32_t slot, const uint8_t *b)
{
	uint8_t p[RTP_HEAD + 160 + RTP_TAIL] = { 0 };
	struct addr from = place(b[0]);
	struct rtp h = { .pt = b[1] & 0x7f, .seq = (uint16_t)(b[2] << 8 | b[3]), .ssrc = b[1] };
	size_t n = b[1] & 0x80 ? b[2] % sizeof p : RTP_HEAD + 160;

	rtp_write(p, &h);
	m->run[slot][b[0] % PLACES]++;
	relay_packet(m->r, slot, b[0] & 0x80, &from, p, n, m->now);
}

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n)
{
	struct model m = { .now = 1000, .serve = { -1, -1, -1 } };
	struct relay_io io = { on_send, on_up, &m };
	struct rng rng;

	rng_seed(&rng, 1);
	m.r = relay_new(SLOTS, &io, &rng);
	for (size_t i = 0; i + 6 <= n; i += 6) {
		uint32_t slot = d[i + 1] % SLOTS;

		switch (d[i] % 4) {
		case 0: tell(&m, slot, d + i + 2); break;
		case 1: tell_peer(&m, slot, d + i + 2); break;
		case 2: packet(&m, slot, d + i + 2); break;
		default: m.now += d[i + 2] * 20u; relay_tick(m.r, m.now); break;
		}
	}
	relay_free(m.r);
	return 0;
}
