#include "hub/ear.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "io/crypto.h"
#include "media/player.h"
#include "media/rtp.h"
#include "media/srtp.h"
#include "sdp/sdp.h"

enum { WINDOW = 800, FRAME_MS = 20, FRAME = 160 };	/* 100 ms of 8 kHz */

struct tone { struct ear_heard h; double s1, s2, coeff; };

struct ear {
	struct loop *loop;
	net_id sock;
	struct addr local, to;
	uint8_t key[SRTP_KEY_MAX], their_key[SRTP_KEY_MAX];
	struct srtp *out, *in;
	bool have_remote, talk;
	uint8_t pt;
	struct rtp h;
	unsigned hz;
	double phase;
	struct timer send;
	struct tone tone[EAR_TONES];
	int ntones;
	double energy;
	int filled;
	struct ear_counts n;
	uint32_t ssrc;
	uint16_t seq;
	bool heard_any;
};

/* --- hearing ---------------------------------------------------------------- */

static void judge(struct ear *e)
{
	ms_t now = e->loop->now;

	for (int i = 0; i < e->ntones; i++) {
		struct tone *t = &e->tone[i];
		double power = t->s1 * t->s1 + t->s2 * t->s2 - t->coeff * t->s1 * t->s2;

		/* A tone alone has power energy * N / 2; half of it is plainly heard. */
		if (e->energy > WINDOW * 1e4 && power > e->energy * WINDOW / 4) {
			if (!t->h.from)
				t->h.from = now;
			t->h.to = now;
			t->h.total += 100;
		}
		t->s1 = t->s2 = 0;
	}
	e->energy = 0;
	e->filled = 0;
}

static void hear(struct ear *e, int16_t s)
{
	e->energy += (double)s * s;
	for (int i = 0; i < e->ntones; i++) {
		struct tone *t = &e->tone[i];
		double s0 = s + t->coeff * t->s1 - t->s2;

		t->s2 = t->s1;
		t->s1 = s0;
	}
	if (++e->filled == WINDOW)
		judge(e);
}

static void count(struct ear *e, const struct rtp *h)
{
	if (e->heard_any && h->ssrc != e->ssrc)
		e->n.ssrc_changes++;
	else if (e->heard_any && (uint16_t)(h->seq - e->seq) > 1 && (uint16_t)(h->seq - e->seq) < 1000)
		e->n.lost += (uint16_t)(h->seq - e->seq) - 1u;
	e->heard_any = true;
	e->ssrc = h->ssrc;
	e->seq = h->seq;
}

/* Would this packet be RTP without any protection? Its length says so: a protected one is
 * longer by its tag. */
static bool looks_clear(size_t n)
{
	return n == RTP_HEAD + FRAME;
}

static void on_packet(void *ctx, net_id sock, const struct addr *from, const struct addr *to,
		      struct str bytes)
{
	uint8_t p[RTP_PACKET_MAX + RTP_TAIL];
	struct ear *e = ctx;
	size_t n = bytes.n;
	struct rtp h;
	enum err x;

	(void)sock;
	(void)to;
	if (n > RTP_PACKET_MAX || !e->in)
		return;
	memcpy(p, bytes.p, n);
	if (rtp_is_rtcp(p, n)) {
		e->n.rtcp++;
		return;
	}
	x = srtp_unprotect(e->in, p, &n);
	if (x) {
		e->n.clear += looks_clear(bytes.n);
		e->n.bad_auth += x == ERR_AUTH;
		e->n.replayed += x == ERR_EXISTS;
		return;
	}
	e->n.packets++;
	e->n.bytes += n;
	e->n.nonzero_source_change |= e->have_remote && !addr_eq(from, &e->to);
	if (!rtp_read(p, n, false, &h))
		return;
	count(e, &h);
	for (size_t i = 0; (h.pt == 0 || h.pt == 8) && i < h.payload_n; i++)
		hear(e, h.pt == 8 ? g711_from_alaw(p[h.head + i]) : g711_from_ulaw(p[h.head + i]));
}

/* --- speaking ------------------------------------------------------------------ */

static void on_send(void *arg)
{
	struct ear *e = arg;
	uint8_t p[RTP_HEAD + FRAME + RTP_TAIL];
	size_t n = RTP_HEAD + FRAME;

	e->h.pt = e->pt;
	e->h.seq++;
	e->h.ts += FRAME;
	rtp_write(p, &e->h);
	for (int i = 0; i < FRAME; i++) {
		int16_t s = e->hz ? (int16_t)(8000 * sin(e->phase)) : 0;

		e->phase = fmod(e->phase + 2 * M_PI * e->hz / 8000, 2 * M_PI);
		p[RTP_HEAD + i] = e->pt == 8 ? g711_alaw(s) : g711_ulaw(s);
	}
	if (srtp_protect(e->out, p, &n, sizeof p) == OK) {
		net_udp_send(e->loop, e->sock, NULL, &e->to, (struct str){ (char *)p, n });
		e->n.sent++;
	}
	timer_start(&e->loop->timers, &e->send, FRAME_MS, on_send, e);
}

void ear_talk(struct ear *e, bool on)
{
	e->talk = on;
	if (on && e->have_remote)
		timer_start(&e->loop->timers, &e->send, FRAME_MS, on_send, e);
	else
		timer_stop(&e->loop->timers, &e->send);
}

/* --- life ---------------------------------------------------------------------- */

struct ear *ear_new(struct loop *l, const struct addr *at, const unsigned *hz, int nhz, int *err_no)
{
	static const struct net_dgram_handler h = { on_packet };
	struct ear *e = mem_new(sizeof *e);

	e->loop = l;
	e->sock = net_udp_bind(l, at, &h, e, err_no);
	if (!e->sock || !net_local(l, e->sock, &e->local)) {
		mem_free(e);
		return NULL;
	}
	rng_bytes(&l->rng, e->key, sizeof e->key);
	e->out = srtp_new(SRTP_AES_CM_80, e->key, 0);
	e->h.ssrc = (uint32_t)rng_u64(&l->rng);
	e->h.seq = (uint16_t)(rng_u64(&l->rng) & 0x7fff);
	e->ntones = nhz < EAR_TONES ? nhz : EAR_TONES;
	for (int i = 0; i < e->ntones; i++) {
		e->tone[i].h.hz = hz[i];
		e->tone[i].coeff = 2 * cos(2 * M_PI * hz[i] / 8000);
	}
	return e;
}

void ear_free(struct ear *e)
{
	if (!e)
		return;
	timer_stop(&e->loop->timers, &e->send);
	net_close(e->loop, e->sock);
	srtp_free(e->out);
	srtp_free(e->in);
	mem_wipe(e, sizeof *e);
	mem_free(e);
}

void ear_local(const struct ear *e, struct addr *a, struct buf *crypto)
{
	*a = e->local;
	buf_lit(crypto, "AES_CM_128_HMAC_SHA1_80 inline:");
	crypto_base64(crypto, e->key, sizeof e->key);
}

enum err ear_remote(struct ear *e, const struct addr *to, struct str crypto, uint8_t pt)
{
	struct sdp_crypto c;
	char text[256];
	struct buf b;
	enum err x;

	buf_init(&b, text, sizeof text);
	buf_fmt(&b, "1 %.*s", STRF(crypto));
	x = sdp_crypto_parse(buf_str(&b), &c);
	if (x)
		return x;
	/* The same key again keeps its replay window; a new one starts anew. */
	if (!e->in || memcmp(e->their_key, c.key, sizeof e->their_key) != 0) {
		srtp_free(e->in);
		e->in = srtp_new(SRTP_AES_CM_80, c.key, c.mki_n);
		memcpy(e->their_key, c.key, sizeof e->their_key);
	}
	e->to = *to;
	e->pt = pt;
	e->have_remote = !addr_is_any(to);
	return OK;
}

void ear_tone(struct ear *e, unsigned hz)
{
	e->hz = hz;
}

int ear_heard(const struct ear *e, struct ear_heard out[EAR_TONES])
{
	int n = 0;

	for (int i = 0; i < e->ntones; i++)
		if (e->tone[i].h.total)
			out[n++] = e->tone[i].h;
	return n;
}

void ear_heard_reset(struct ear *e)
{
	for (int i = 0; i < e->ntones; i++)
		e->tone[i].h.from = e->tone[i].h.to = e->tone[i].h.total = 0;
}

void ear_counts(const struct ear *e, struct ear_counts *c)
{
	*c = e->n;
}
