#include "media/relay_int.h"

#include <string.h>

/* Our own streams: header, protection, reports. */

void relay_new_source(struct end *e)
{
	e->tx.has_src = false;
	e->tx.mark = true;
}

static struct srtp *out_context(struct end *e, enum srtp_suite s)
{
	if (!e->out[s])
		e->out[s] = srtp_new(s, e->key[s], 0);
	return e->out[s];
}

static void send_rtp(struct relay *r, struct end *e, const struct rtp *h, const uint8_t *payload,
		     size_t n, ms_t now)
{
	struct remote *m = &e->remote[e->serve];
	size_t len = RTP_HEAD + n;

	if (len > RTP_PACKET_MAX)
		return;
	rtp_write(r->work, h);
	memcpy(r->work + RTP_HEAD, payload, n);
	if (m->suite != SRTP_NONE &&
	    srtp_protect(out_context(e, m->suite), r->work, &len, sizeof r->work))
		return;
	e->tx.at = now;
	e->tx.packets++;
	e->tx.octets += (uint32_t)n;
	e->counts.tx_packets++;
	e->counts.tx_octets += n;
	r->io.send(r->io.ctx, e->slot, false, &m->rtp, r->work, len);
}

/* The first packet of a new source: offsets such that the stream goes on, in time. */
static void join_source(struct end *e, const struct rtp *h, ms_t now)
{
	struct tx *t = &e->tx;
	uint32_t gap = t->at ? (uint32_t)((now - t->at) * 8) : 0;

	t->src = h->ssrc;
	t->has_src = true;
	t->again = NO_SEQ;
	t->seq_off = (uint16_t)(t->seq + 1 - h->seq);
	t->ts_off = t->ts + (gap < 160 ? 160 : gap) - h->ts;
	t->mark = true;
}

/* Far behind what was sent: too late for anybody, unless the source began anew under its old
 * name, which two packets in sequence show (RFC 3550 A.1). */
static bool began_anew(struct tx *t, const struct rtp *h)
{
	bool anew = h->seq == t->again;

	t->again = (uint16_t)(h->seq + 1);
	return anew;
}

/* NOLINTNEXTLINE(readability-function-size): a packet is what it is made of */
bool relay_pass(struct relay *r, struct end *e, enum media_codec c, const struct rtp *h,
		const uint8_t *payload, size_t n, ms_t now)
{
	struct remote *m = e->serve >= 0 ? &e->remote[e->serve] : NULL;
	struct rtp o = *h;
	struct tx *t = &e->tx;

	if (!m || !m->set || addr_is_any(&m->rtp))
		return true;
	if (m->tx_pt[c] > 127)
		return c >= MEDIA_EVENTS;	/* only speech is missed */
	if (!t->has_src || t->src != h->ssrc)
		join_source(e, h, now);
	if ((int16_t)(t->seq - (uint16_t)(h->seq + t->seq_off)) > LATE_MAX) {
		if (!began_anew(t, h))
			return true;
		join_source(e, h, now);
	}
	o.pt = m->tx_pt[c];
	o.ssrc = t->ssrc;
	o.seq = (uint16_t)(h->seq + t->seq_off);
	o.ts = h->ts + t->ts_off;
	o.marker = h->marker || t->mark;
	t->mark = false;
	if ((int16_t)(o.seq - t->seq) > 0) {	/* late ones do not move the stream back */
		t->seq = o.seq;
		t->ts = o.ts;
	}
	send_rtp(r, e, &o, payload, n, now);
	return true;
}

void relay_play_tick(struct relay *r, struct end *e, ms_t now)
{
	uint8_t pcm[PLAYER_SAMPLES];
	struct rtp h = { .seq = (uint16_t)(e->tx.seq + 1), .ts = e->tx.ts + PLAYER_SAMPLES,
			 .ssrc = e->tx.ssrc };
	struct remote *m = e->serve >= 0 ? &e->remote[e->serve] : NULL;
	int burst = 0;

	if (!m || !m->set || m->tx_pt[e->player.codec] > 127 || addr_is_any(&m->rtp)) {
		e->play_at = now;
		return;
	}
	for (; e->play_at <= now && burst < 5; e->play_at += TICK_MS, burst++) {
		player_take(&e->player, pcm);
		h.pt = m->tx_pt[e->player.codec];
		h.marker = e->tx.mark;
		e->tx.mark = false;
		e->tx.seq = h.seq++;
		e->tx.ts = h.ts;
		h.ts += PLAYER_SAMPLES;
		send_rtp(r, e, &(struct rtp){ .pt = h.pt, .marker = h.marker, .seq = e->tx.seq,
					      .ts = e->tx.ts, .ssrc = e->tx.ssrc },
			 pcm, sizeof pcm, now);
	}
	if (burst == 5)
		e->play_at = now;	/* we were stopped for a while: no flood */
}

static void block_of(struct end *e, struct rtcp_block *b, ms_t now)
{
	struct rx *x = &e->rx;
	uint64_t expected = (uint64_t)x->cycles + x->max - x->base + 1;
	uint64_t want = expected - x->expected_prior, got = x->received - x->received_prior;

	*b = (struct rtcp_block){ .ssrc = x->ssrc, .highest = x->cycles | x->max,
				  .jitter = x->jitter16 >> 4, .lsr = x->lsr };
	b->lost = (int32_t)(expected > x->received ? expected - x->received : 0);
	if (want && want > got)
		b->fraction = (uint8_t)(((want - got) << 8) / want);
	if (x->lsr)
		b->dlsr = (uint32_t)((now - x->lsr_at) * 65536 / 1000);
	x->expected_prior = expected;
	x->received_prior = x->received;
}

/* NTP time of our own clock: monotonic is good enough for a round trip. */
static uint64_t ntp_of(ms_t now)
{
	return (now / 1000) << 32 | (now % 1000) * 4294967 ;
}

void relay_report(struct relay *r, struct end *e, ms_t now)
{
	struct remote *m = e->serve >= 0 ? &e->remote[e->serve] : NULL;
	struct rtcp_sender s = { .ssrc = e->tx.ssrc, .ntp = ntp_of(now), .packets = e->tx.packets,
				 .octets = e->tx.octets };
	struct rtcp_block b;
	size_t n;

	if (!m || !m->set || addr_is_any(&m->rtcp))
		return;
	s.rtp_ts = e->tx.ts + (e->tx.at ? (uint32_t)((now - e->tx.at) * 8) : 0);
	if (e->rx.started)
		block_of(e, &b, now);
	n = rtcp_write(r->work, RTP_PACKET_MAX, &s, e->rx.started ? &b : NULL, "tandem");
	if (m->suite != SRTP_NONE &&
	    srtcp_protect(out_context(e, m->suite), r->work, &n, sizeof r->work))
		return;
	r->io.send(r->io.ctx, e->slot, !m->mux, &m->rtcp, r->work, n);
}
