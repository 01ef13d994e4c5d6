#include "t_relay_bed.h"

#include "t_media.h"

#include <string.h>

#include "base/mem.h"

static void on_send(void *ctx, uint32_t slot, bool rtcp, const struct addr *to, const uint8_t *p, size_t n)
{
	struct bed *b = ctx;
	struct sent *s = &b->out[b->nout < 63 ? b->nout++ : 63];

	*s = (struct sent){ .slot = slot, .rtcp = rtcp, .to = *to, .n = n };
	memcpy(s->p, p, n);
}

static void on_up(void *ctx, const struct media_msg *m)
{
	struct bed *b = ctx;

	b->up[b->nup < 63 ? b->nup++ : 63] = *m;
}

struct addr at(const char *ip, uint16_t port)
{
	struct addr a;

	assert_int_equal(addr_parse_ip(str_of(ip), &a), OK);
	a.port = port;
	return a;
}

struct media_msg msg(enum media_op op, uint32_t slot)
{
	return (struct media_msg){ .version = MEDIA_VERSION, .op = (uint16_t)op, .slot = slot,
				   .other = UINT32_MAX, .owner = slot + 100 };
}

void tell(struct bed *b, const struct media_msg *m)
{
	assert_true(media_msg_good(m, 8));
	relay_msg(b->relay, m, b->now);
}

struct media_msg peer(uint32_t slot, struct addr rtp, uint8_t events)
{
	struct media_msg m = msg(MEDIA_PEER, slot);

	m.u.peer.rtp = m.u.peer.rtcp = rtp;
	m.u.peer.rtcp.port++;
	memset(m.u.peer.rx_pt, 255, sizeof m.u.peer.rx_pt);
	memset(m.u.peer.tx_pt, 255, sizeof m.u.peer.tx_pt);
	m.u.peer.rx_pt[MEDIA_PCMU] = m.u.peer.tx_pt[MEDIA_PCMU] = PCMU;
	m.u.peer.rx_pt[MEDIA_EVENTS] = m.u.peer.tx_pt[MEDIA_EVENTS] = events;
	return m;
}

void direct(struct bed *b, uint32_t slot, bool send, bool expect)
{
	struct media_msg m = msg(MEDIA_DIRECTION, slot);

	m.u.direction.send = send;
	m.u.direction.expect = expect;
	tell(b, &m);
}

void open_end(struct bed *b, uint32_t slot, uint32_t no_media, uint32_t fill)
{
	struct media_msg m = msg(MEDIA_OPEN, slot);

	for (int s = 0; s < SRTP_NSUITE; s++)
		memset(m.u.open.key[s], (int)(0x10 + slot), SRTP_KEY_MAX);
	m.u.open.no_media_ms = no_media;
	m.u.open.fill_ms = fill;
	tell(b, &m);
}

void serve(struct bed *b, uint32_t slot, uint16_t early, bool wipe)
{
	struct media_msg m = msg(MEDIA_SERVE, slot);

	m.early = early;
	m.u.serve.wipe_others = wipe;
	tell(b, &m);
}

void join(struct bed *b)
{
	struct media_msg m = msg(MEDIA_CONNECT, A);

	m.other = B;
	tell(b, &m);
}

struct bed *bed_new(void)
{
	struct bed *b = mem_new(sizeof *b);
	struct relay_io io = { on_send, on_up, b };

	rng_seed(&b->rng, 9);
	b->now = 1000;
	b->relay = relay_new(8, &io, &b->rng);
	return b;
}

struct bed *talking(uint8_t latch)
{
	struct bed *b = bed_new();
	struct media_msg a = peer(A, at("10.0.0.1", 4000), EVENTS_A),
			 c = peer(B, at("10.0.0.2", 5000), EVENTS_B);

	open_end(b, A, 60000, 0);
	open_end(b, B, 60000, 0);
	a.u.peer.latch = latch;
	a.u.peer.near = at("192.0.2.9", 5060);
	tell(b, &a);
	tell(b, &c);
	serve(b, A, 0, true);
	serve(b, B, 0, true);
	direct(b, A, true, true);
	direct(b, B, true, true);
	join(b);
	b->nup = b->nout = 0;
	return b;
}

void bed_free(struct bed *b)
{
	relay_free(b->relay);
	mem_free(b);
}

size_t rtp_of(uint8_t *p, uint8_t pt, uint16_t seq, uint32_t ts, uint32_t ssrc, char fill)
{
	struct rtp h = { .pt = pt, .seq = seq, .ts = ts, .ssrc = ssrc };

	rtp_write(p, &h);
	memset(p + RTP_HEAD, fill, 160);
	return RTP_HEAD + 160;
}

void comes(struct bed *b, uint32_t slot, struct addr from, uint8_t pt, uint16_t seq, uint32_t ts,
		  uint32_t ssrc)
{
	uint8_t p[RTP_PACKET_MAX + RTP_TAIL];
	size_t n = rtp_of(p, pt, seq, ts, ssrc, 'x');

	relay_packet(b->relay, slot, false, &from, p, n, b->now);
}

struct rtp last(const struct bed *b)
{
	struct rtp h;

	assert_true(b->nout > 0);
	assert_true(rtp_read(b->out[b->nout - 1].p, b->out[b->nout - 1].n, true, &h));
	return h;
}

bool told(const struct bed *b, enum media_op op)
{
	for (int i = 0; i < b->nup; i++)
		if (b->up[i].op == op)
			return true;
	return false;
}

void run_of(struct bed *b, struct addr from, int n, uint32_t ssrc)
{
	for (int i = 0; i < n; i++)
		comes(b, A, from, PCMU, (uint16_t)i, (uint32_t)i * 160, ssrc);
}

uint16_t sent_to(struct bed *b)
{
	b->nout = 0;
	b->seq++;
	comes(b, B, at("10.0.0.2", 5000), PCMU, b->seq, b->seq * 160u, 7);
	assert_int_equal(b->nout, 1);
	return b->out[0].to.port;
}
