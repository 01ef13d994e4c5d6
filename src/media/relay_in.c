#include "media/relay_int.h"

#include <string.h>

/* What comes in: whose it is, whether it is taken, and where it goes. */

/* --- sources ------------------------------------------------------------------ */

/* Four packets in sequence of one SSRC from one address make it the source. */
static bool four(struct try *t, const struct addr *from, const struct rtp *h)
{
	bool next = t->run && addr_eq(&t->from, from) && t->ssrc == h->ssrc &&
		    (uint16_t)(t->seq + 1) == h->seq;

	*t = (struct try){ .from = *from, .ssrc = h->ssrc, .seq = h->seq,
			   .run = next ? (uint8_t)(t->run + 1) : 1 };
	return t->run >= LOCK_AFTER;
}

static void lock(struct relay *r, struct end *e, struct remote *m, const struct addr *from,
		 enum place at)
{
	struct media_msg up = { 0 };

	m->lock = (uint8_t)(LOCK_FAR + at);
	if (addr_eq(&m->rtp, from))
		return;
	m->rtp = *from;
	m->rtcp = *from;
	if (!m->mux)
		m->rtcp.port = (uint16_t)(from->port + 1);
	up.u.latched.from = *from;
	relay_up(r, e, MEDIA_LATCHED, &up);
}

static enum place place_of(const struct remote *m, const struct addr *from)
{
	if (addr_eq(&m->sdp, from))
		return PLACE_SDP;
	return addr_same_ip(&m->sdp, from) || (m->latch && addr_same_ip(&m->near, from))
		? PLACE_NEAR : PLACE_FAR;
}

enum rule {
	NO,		/* refused                                                           */
	TRY,		/* heard from the packet on that makes it the source                 */
	TRY_LATER,	/* only after a while in which nobody better spoke                   */
	TRY_WITHIN,	/* and only while the SDP is young                                   */
	TAKE		/* heard at once, and the source after four                          */
};

/* What a packet of a place may when it is not from the source. The SDP's own address takes back
 * what another got: nobody can lose it for good. */
static const uint8_t rules[2][NLOCK][NPLACE] = {
	[false] = {	/*        FAR        NEAR        SDP  */
		[LOCK_NONE] = { NO,        TRY_WITHIN, TAKE },
		[LOCK_FAR]  = { NO,        NO,         NO   },	/* never */
		[LOCK_NEAR] = { NO,        NO,         TRY  },
		[LOCK_SDP]  = { NO,        NO,         NO   },
	},
	[true] = {
		[LOCK_NONE] = { TRY_LATER, TRY,        TAKE },
		[LOCK_FAR]  = { NO,        TRY,        TRY  },
		[LOCK_NEAR] = { NO,        NO,         TRY  },
		[LOCK_SDP]  = { NO,        NO,         NO   },
	},
};

/* A source that should speak and has not for a while may have moved: its address translation
 * forgot it. On hold it owes nothing, and keeps its place. */
static bool quiet(const struct end *e, const struct remote *m, ms_t now)
{
	ms_t since = m->heard > e->expect_since ? m->heard : e->expect_since;

	return e->expect && now - since >= QUIET_MS;
}

static enum rule rule_of(const struct end *e, const struct remote *m, enum place at, ms_t now)
{
	if (m->latch && m->lock && LOCK_FAR + (int)at >= (int)m->lock && quiet(e, m, now))
		return TRY;
	return (enum rule)rules[m->latch][m->lock][at];
}

static bool allowed(const struct remote *m, enum rule rule, enum place at, ms_t age)
{
	switch (rule) {
	case NO: return false;
	case TRY: case TAKE: return true;
	case TRY_WITHIN:
		if (age > MOVE_WITHIN_MS)
			return false;
		break;
	case TRY_LATER: break;
	}
	return age >= WORSE_AFTER_MS && at >= m->best;
}

/* Clear RTP: is this the source, or does it become it? */
static bool clear_source(struct relay *r, struct end *e, struct remote *m, const struct addr *from,
			 const struct rtp *h, ms_t now)
{
	enum place at;
	enum rule rule;

	if (m->lock && addr_eq(&m->rtp, from)) {
		m->heard = now;
		return true;
	}
	at = place_of(m, from);
	rule = rule_of(e, m, at, now);
	if (!allowed(m, rule, at, now - m->since))
		return false;
	if (at > m->best)
		m->best = (uint8_t)at;
	if (!four(&m->try[at], from, h))
		return rule == TAKE;
	lock(r, e, m, from, at);
	m->heard = now;
	return true;
}

/* Authenticated: whoever holds the key may speak; only `latch` peers move our sending, as often
 * as four in sequence come from elsewhere and none from where they were. */
static void srtp_source(struct relay *r, struct end *e, struct remote *m, const struct addr *from,
			const struct rtp *h)
{
	if (m->lock && addr_eq(&m->rtp, from))
		m->try[PLACE_FAR].run = 0;
	else if (m->latch && four(&m->try[PLACE_FAR], from, h))
		lock(r, e, m, from, PLACE_FAR);
}

static void refuse(struct end *e, uint64_t *counter, const struct addr *from)
{
	++*counter;
	e->counts.stranger = *from;
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
static struct remote *secure_owner(struct relay *r, struct end *e, const struct addr *from,
				   uint8_t *p, size_t *n, bool rtcp)
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
		worst = worst == ERR_EXISTS ? worst : x;
	}
	refuse(e, worst == ERR_EXISTS ? &e->counts.replayed : &e->counts.auth_failed, from);
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
	refuse(e, &e->counts.refused, from);
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
		if (!secure_owner(r, e, from, p, &n, true))
			return;
	} else if (e->serve < 0 || !addr_same_ip(&e->remote[e->serve].rtcp, from)) {
		refuse(e, &e->counts.refused, from);
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

static bool forward(struct relay *r, struct end *e, const struct rtp *h, enum media_codec c,
		    const uint8_t *payload, ms_t now)
{
	struct end *to = relay_end(r, e->peer);

	if (!to || !to->send || to->playing)
		return true;
	if (to->filling) {		/* it speaks: the silence we made ends */
		to->filling = false;
		r->playing--;
		relay_new_source(to);
	}
	return relay_pass(r, to, c, h, payload, h->payload_n, now);
}

/* What we sent ourselves comes back when a user's two phones name our own ports (RFC 3550 8.2):
 * it would circle for ever. What an end sent may return to itself: so works an echo. */
static bool ours(struct relay *r, const struct end *e, const struct rtp *h)
{
	const struct end *peer = relay_end(r, e->peer);

	return peer && h->ssrc == peer->tx.ssrc;
}

/* A circle over two calls has other names at each turn; no audio is this fast. Only what has been
 * believed counts: a flood of strangers takes nothing from the source. */
static bool too_fast(struct end *e, ms_t now)
{
	if (now - e->second >= 1000) {
		e->second = now;
		e->taken = 0;
	}
	return ++e->taken > RATE_MAX;
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
	if (!rtp_read(p, n, secure, &h) || ours(r, e, &h)) {
		refuse(e, &e->counts.refused, from);
		return;
	}
	m = secure ? secure_owner(r, e, from, p, &n, false) : clear_owner(r, e, from, &h, now);
	if (!m || !rtp_read(p, n, false, &h))
		return;
	if (too_fast(e, now)) {
		refuse(e, &e->counts.refused, from);
		return;
	}
	if (secure)
		srtp_source(r, e, m, from, &h);
	e->heard = now;
	e->silent_told = false;
	count_rx(e, &h, n, now);
	if (m->rx[h.pt] == 255)
		return;
	first_packet(r, e, m);
	if (m == &e->remote[e->serve < 0 ? 0 : e->serve] && e->serve >= 0 &&
	    !forward(r, e, &h, (enum media_codec)m->rx[h.pt], p + h.head, now))
		refuse(e, &e->counts.refused, from);
}
