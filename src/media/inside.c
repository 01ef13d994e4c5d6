#include "media/inside.h"

#include <string.h>

#include "base/mem.h"
#include "io/net.h"
#include "media/relay.h"
#include "media/rtp.h"
#include "media/wav.h"

struct inside_sock {
	struct inside *in;
	net_id id;
	uint32_t slot;
	bool rtcp;
};

struct inside_pool { struct addr bind; uint16_t port_min; uint32_t first, pairs; };

struct inside {
	struct loop *loop;
	struct relay *relay;
	struct rng rng;
	uint32_t nslots;
	struct inside_sock *sock;		/* two a slot */
	struct inside_pool pool[64];
	int npools;
	struct timer tick;
	void (*up)(void *, const struct media_msg *);
	void *ctx;
};

static void send_packet(void *ctx, uint32_t slot, bool rtcp, const struct addr *to,
			const uint8_t *p, size_t n)
{
	struct inside *in = ctx;

	net_udp_send(in->loop, in->sock[2 * slot + rtcp].id, NULL, to,
		     (struct str){ (const char *)p, n });
}

static void up(void *ctx, const struct media_msg *m)
{
	struct inside *in = ctx;

	in->up(in->ctx, m);
}

static void on_tick(void *arg)
{
	struct inside *in = arg;

	relay_tick(in->relay, in->loop->now);
	timer_start(&in->loop->timers, &in->tick, relay_playing(in->relay) ? 20 : 500, on_tick, in);
}

struct inside *inside_new(struct loop *l, uint32_t slots,
			  void (*up_fn)(void *, const struct media_msg *), void *ctx)
{
	struct inside *in = mem_new(sizeof *in);
	struct relay_io io = { send_packet, up, in };

	in->loop = l;
	in->nslots = slots;
	in->up = up_fn;
	in->ctx = ctx;
	rng_seed(&in->rng, rng_u64(&l->rng));
	in->relay = relay_new(slots, &io, &in->rng);
	in->sock = mem_array((size_t)slots * 2, sizeof *in->sock);
	return in;
}

void inside_free(struct inside *in)
{
	if (!in)
		return;
	timer_stop(&in->loop->timers, &in->tick);
	for (uint32_t i = 0; i < in->nslots * 2; i++)
		if (in->sock[i].id)
			net_close(in->loop, in->sock[i].id);
	relay_free(in->relay);
	mem_free(in->sock);
	mem_free(in);
}

static void recv_packet(void *ctx, net_id id, const struct addr *from, const struct addr *to,
			struct str bytes)
{
	struct inside_sock *s = ctx;
	uint8_t p[RTP_PACKET_MAX + RTP_TAIL];

	(void)id;
	(void)to;
	if (bytes.n > RTP_PACKET_MAX)
		return;
	memcpy(p, bytes.p, bytes.n);
	relay_packet(s->in->relay, s->slot, s->rtcp, from, p, bytes.n, s->in->loop->now);
}

static const struct inside_pool *pool_of(const struct inside *in, uint32_t slot)
{
	for (int i = 0; i < in->npools; i++)
		if (slot >= in->pool[i].first && slot < in->pool[i].first + in->pool[i].pairs)
			return &in->pool[i];
	return NULL;
}

static void bind_pair(struct inside *in, uint32_t slot)
{
	static const struct net_dgram_handler h = { recv_packet };
	const struct inside_pool *p = pool_of(in, slot);
	int err_no;

	for (uint32_t k = 0; p && k < 2; k++) {
		struct inside_sock *s = &in->sock[2 * slot + k];
		struct addr a = p->bind;

		if (s->id)
			continue;
		a.port = (uint16_t)(p->port_min + 2 * (slot - p->first) + k);
		*s = (struct inside_sock){ .in = in, .slot = slot, .rtcp = k == 1 };
		s->id = net_udp_bind(in->loop, &a, &h, s, &err_no);
	}
}

static void add_pool(struct inside *in, const struct media_msg *m)
{
	struct media_msg ready = { .version = MEDIA_VERSION, .op = MEDIA_READY };

	if (in->npools == 64)
		return;
	in->pool[in->npools++] = (struct inside_pool){ m->u.pool.bind, m->u.pool.port_min, m->slot,
						       m->u.pool.pairs };
	in->up(in->ctx, &ready);
}

static void do_music(struct inside *in, const struct media_msg *m)
{
	char mem[200];
	struct buf why;		/* signalling looked at the file before: no second sentence */
	uint32_t n;
	int16_t *pcm;

	buf_init(&why, mem, sizeof mem);
	pcm = wav_load(m->u.music.path, &n, &why);
	if (pcm)
		relay_music(in->relay, pcm, n);
}

void inside_msg(struct inside *in, const struct media_msg *m)
{
	if (!media_msg_good(m, in->nslots))
		return;
	if (m->op == MEDIA_MUSIC) {
		do_music(in, m);
		return;
	}
	if (m->op == MEDIA_POOL) {
		add_pool(in, m);
		return;
	}
	if (m->op == MEDIA_OPEN)
		bind_pair(in, m->slot);
	relay_msg(in->relay, m, in->loop->now);
	if (!timer_armed(&in->tick) || m->op == MEDIA_PLAY)
		timer_start(&in->loop->timers, &in->tick, 20, on_tick, in);
}
