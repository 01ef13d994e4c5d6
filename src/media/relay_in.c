#include "media/relay_int.h"

#include <string.h>

/* What comes in: whose it is, whether it is taken, and where it goes. */

/* --- sources ------------------------------------------------------------------ */

/* Four packets in sequence of one SSRC from one address make it the source. */
static bool candidate(struct remote *m, const struct addr *from, const struct rtp *h)
{
	bool next = m->cand_run && addr_eq(&m->cand, from) && m->cand_ssrc == h->ssrc &&
		    (uint16_t)(m->cand_seq + 1) == h->seq;

	m->cand = *from;
	m->cand_ssrc = h->ssrc;
	m->cand_seq = h->seq;
	m->cand_run = next ? (uint8_t)(m->cand_run + 1) : 1;
	return m->cand_run >= LOCK_AFTER;
}

static void lock(struct relay *r, struct end *e, struct remote *m, const struct addr *from)
{
	struct media_msg up = { 0 };

	m->locked = true;
	if (addr_eq(&m->rtp, from))
		return;
	m->rtp = *from;
	if (m->mux) {
		m->rtcp = *from;
	} else {
		m->rtcp = *from;
		m->rtcp.port = (uint16_t)(from->port + 1);
	}
	up.u.latched.from = *from;
	relay_up(r, e, MEDIA_LATCHED, &up);
}

/* Clear RTP: is this source the one we agreed on? */
static bool clear_source(struct relay *r, struct end *e, struct remote *m, const struct addr *from,
			 const struct rtp *h, ms_t now)
{
	if (m->locked)
		return addr_eq(&m->rtp, from);
	if (m->latch) {
		if (candidate(m, from, h))
			lock(r, e, m, from);
		return m->locked || addr_same_ip(&m->rtp, from);
	}
	if (addr_eq(&m->rtp, from)) {
		if (candidate(m, from, h))
			m->locked = true;
		return true;
	}
	/* Its own host with another port, once, while the SDP is young. */
	if (!addr_same_ip(&m->rtp, from) || m->moved || now - m->since > MOVE_WITHIN_MS)
		return false;
	if (candidate(m, from, h)) {
		m->moved = true;
		lock(r, e, m, from);
	}
	return m->locked;
}

/* Authenticated: whoever holds the key may speak; only `latch` peers move our sending. */
static void srtp_source(struct relay *r, struct end *e, struct remote *m, const struct addr *from,
			const struct rtp *h)
{
	if (m->latch && !m->locked && candidate(m, from, h))
		lock(r, e, m, from);
}

static bool has_secure(const struct end *e)
{
	for (int i = 0; i < MEDIA_EARLY_MAX; i++)
		if (e->remote[i].in)
			return true;
	return false;
}

/* The record whose context authenticates the packet owns it. Trying changes the bytes only
 * when it succeeds, but for GCM, which therefore works on a copy. */
static struct remote *secure_owner(struct relay *r, struct end *e, uint8_t *p, size_t *n, bool rtcp)
{
	enum err worst = ERR_PARSE;

	for (int k = 0; k < MEDIA_EARLY_MAX; k++) {
		/* the served one first */
		int i = e->serve < 0 ? k : (e->serve + k) % MEDIA_EARLY_MAX;
		struct remote *m = &e->remote[i];
		size_t len = *n;
		enum err x;

		if (!m->in || len > sizeof r->work)
			continue;
		memcpy(r->work, p, len);
		x = rtcp ? srtcp_unprotect(m->in, r->work, &len) : srtp_unprotect(m->in, r->work, &len);
		if (x == OK) {
			memcpy(p, r->work, len);
			*n = len;
			return m;
		}
		worst = x;
	}
	if (worst == ERR_EXISTS)
		e->counts.replayed++;
	else
		e->counts.auth_failed++;
	return NULL;
}

static struct remote *clear_owner(struct relay *r, struct end *e, const struct addr *from,
				  const struct rtp *h, ms_t now)
{
	for (int k = 0; k < MEDIA_EARLY_MAX; k++) {
		int i = e->serve < 0 ? k : (e->serve + k) % MEDIA_EARLY_MAX;
		struct remote *m = &e->remote[i];

		if (m->set && !m->in && clear_source(r, e, m, from, h, now))
			return m;
	}
	e->counts.refused++;
	return NULL;
}

/* --- statistics (RFC 3550 A.1, A.8) ----------------------------------------------- */

static void count_rx(struct end *e, const struct rtp *h, size_t n, ms_t now)
{
	struct rx *x = &e->rx;
	uint32_t transit = (uint32_t)(now * 8) - h->ts;
	int32_t d;

	e->counts.rx_packets++;
	e->counts.rx_octets += n;
	if (!x->started || x->ssrc != h->ssrc) {
		uint32_t lsr = x->lsr;
		ms_t at = x->lsr_at;

		*x = (struct rx){ .ssrc = h->ssrc, .started = true, .max = h->seq, .base = h->seq,
				  .received = 1, .transit = transit, .lsr = lsr, .lsr_at = at };
		return;
	}
	x->received++;
	if ((int16_t)(h->seq - x->max) > 0) {
		if (h->seq < x->max)
			x->cycles += 65536;
		x->max = h->seq;
	}
	d = (int32_t)(transit - x->transit);
	x->transit = transit;
	d = d < 0 ? -d : d;
	if (d < 80000)			/* a jump of the clock is no jitter */
		x->jitter16 += (uint32_t)d - ((x->jitter16 + 8) >> 4);
}

/* --- RTCP --------------------------------------------------------------------------- */

void relay_rtcp(struct relay *r, struct end *e, const struct addr *from, uint8_t *p, size_t n,
		ms_t now)
{
	struct rtcp_news news;

	if (has_secure(e)) {
		if (!secure_owner(r, e, p, &n, true))
			return;
	} else if (e->serve < 0 || !addr_same_ip(&e->remote[e->serve].rtcp, from)) {
		e->counts.refused++;
		return;
	}
	if (!rtcp_read(p, n, &news))
		return;
	e->heard = now;
	if (news.sr) {
		e->rx.lsr = (uint32_t)(news.ntp >> 16);
		e->rx.lsr_at = now;
	}
	if (news.block && news.b.lsr && news.b.ssrc == e->tx.ssrc) {
		uint32_t ntp = (uint32_t)(((now / 1000) << 16 | (now % 1000) * 65536 / 1000));
		uint32_t rtt = ntp - news.b.lsr - news.b.dlsr;

		if (rtt < 10 * 65536)
			e->counts.rtt_us = (uint32_t)((uint64_t)rtt * 1000000 / 65536);
	}
}

/* --- RTP ------------------------------------------------------------------------------ */

static void first_packet(struct relay *r, struct end *e, struct remote *m)
{
	struct media_msg up = { .early = (uint16_t)(m - e->remote) };

	if (m->told)
		return;
	m->told = true;
	relay_up(r, e, MEDIA_FIRST_PACKET, &up);
}

static void forward(struct relay *r, struct end *e, const struct rtp *h, enum media_codec c,
		    const uint8_t *payload, ms_t now)
{
	struct end *to = relay_end(r, e->peer);

	if (!to || !to->send || to->playing)
		return;
	if (to->filling) {		/* it speaks: the silence we made ends */
		to->filling = false;
		r->playing--;
		relay_new_source(to);
	}
	relay_pass(r, to, c, h, payload, h->payload_n, now);
}

/* NOLINTNEXTLINE(readability-function-size): a packet is what it is made of */
void relay_packet(struct relay *r, uint32_t slot, bool rtcp, const struct addr *from, uint8_t *p,
		  size_t n, ms_t now)
{
	struct end *e = relay_end(r, slot);
	struct remote *m;
	struct rtp h;
	bool secure;

	if (!e || n > RTP_PACKET_MAX)
		return;
	if (rtcp || rtp_is_rtcp(p, n)) {
		relay_rtcp(r, e, from, p, n, now);
		return;
	}
	secure = has_secure(e);
	if (!rtp_read(p, n, secure, &h)) {
		e->counts.refused++;
		return;
	}
	m = secure ? secure_owner(r, e, p, &n, false) : clear_owner(r, e, from, &h, now);
	if (!m || !rtp_read(p, n, false, &h))
		return;
	if (secure)
		srtp_source(r, e, m, from, &h);
	e->heard = now;
	e->silent_told = false;
	count_rx(e, &h, n, now);
	if (m->rx[h.pt] == 255)
		return;
	first_packet(r, e, m);
	if (m == &e->remote[e->serve < 0 ? 0 : e->serve] && e->serve >= 0)
		forward(r, e, &h, (enum media_codec)m->rx[h.pt], p + h.head, now);
}
