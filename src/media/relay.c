#include "media/relay_int.h"

#include <string.h>

#include "base/mem.h"

struct end *relay_end(struct relay *r, uint32_t slot)
{
	return slot < r->nslots && r->end[slot] && r->end[slot]->used ? r->end[slot] : NULL;
}

void relay_up(struct relay *r, const struct end *e, enum media_op op, const struct media_msg *more)
{
	struct media_msg m = more ? *more : (struct media_msg){ 0 };

	m.version = MEDIA_VERSION;
	m.op = (uint16_t)op;
	m.slot = e->slot;
	m.owner = e->owner;
	r->io.up(r->io.ctx, &m);
}

struct relay *relay_new(uint32_t slots, const struct relay_io *io, struct rng *rng)
{
	struct relay *r = mem_new(sizeof *r);

	r->io = *io;
	r->rng = rng;
	r->nslots = slots;
	r->first = NO_SLOT;
	r->end = mem_array(slots, sizeof *r->end);
	return r;
}

void relay_music(struct relay *r, int16_t *pcm, uint32_t n)
{
	mem_free(r->music);
	r->music = pcm;
	r->nmusic = n;
}

static void remote_close(struct remote *m)
{
	srtp_free(m->in);
	mem_wipe(m, sizeof *m);
}

static void unlink_end(struct relay *r, struct end *e)
{
	if (e->prev != NO_SLOT)
		r->end[e->prev]->next = e->next;
	else
		r->first = e->next;
	if (e->next != NO_SLOT)
		r->end[e->next]->prev = e->prev;
}

static void set_playing(struct relay *r, struct end *e, bool on)
{
	r->playing += (uint32_t)on;
	r->playing -= (uint32_t)(e->playing || e->filling);
	e->playing = on;
	e->filling = false;
}

static void end_close(struct relay *r, struct end *e)
{
	struct end *peer = relay_end(r, e->peer);

	if (peer && peer->peer == e->slot)
		peer->peer = NO_SLOT;
	set_playing(r, e, false);
	for (int i = 0; i < MEDIA_EARLY_MAX; i++)
		remote_close(&e->remote[i]);
	for (int i = 0; i < SRTP_NSUITE; i++)
		srtp_free(e->out[i]);
	unlink_end(r, e);
	mem_wipe(e, sizeof *e);
}

void relay_free(struct relay *r)
{
	if (!r)
		return;
	for (uint32_t i = 0; i < r->nslots; i++)	/* closing looks at other ends */
		if (relay_end(r, i))
			end_close(r, r->end[i]);
	for (uint32_t i = 0; i < r->nslots; i++)
		mem_free(r->end[i]);
	mem_free(r->end);
	mem_free(r->music);
	mem_free(r);
}

/* --- messages -------------------------------------------------------------- */

/* A stream under a name of its own: its roll-over counter is 0, at us and at whoever hears it. */
static void new_stream(struct relay *r, struct end *e)
{
	e->tx.ssrc = (uint32_t)rng_u64(r->rng);
	e->tx.seq = (uint16_t)(rng_u64(r->rng) & 0x7fff);	/* low: no early roll-over */
	e->tx.packets = e->tx.octets = 0;
	relay_new_source(e);
}

static void do_open(struct relay *r, const struct media_msg *m, ms_t now)
{
	struct end *e = relay_end(r, m->slot);

	if (e)
		end_close(r, e);
	if (!r->end[m->slot])
		r->end[m->slot] = mem_new(sizeof *e);
	e = r->end[m->slot];
	*e = (struct end){ .used = true, .slot = m->slot, .peer = NO_SLOT, .owner = m->owner,
			   .serve = -1, .no_media = m->u.open.no_media_ms,
			   .fill = m->u.open.fill_ms, .connected = now, .heard = now,
			   .report_at = now + REPORT_MS, .prev = NO_SLOT, .next = r->first };
	memcpy(e->key, m->u.open.key, sizeof e->key);
	new_stream(r, e);
	e->tx.ts = (uint32_t)rng_u64(r->rng);
	if (r->first != NO_SLOT)
		r->end[r->first]->prev = m->slot;
	r->first = m->slot;
}

/* Whoever hears us from the middle of our stream on believes its roll-over counter to be 0, and
 * nothing tells him (RFC 4568 7.1.4): after 65,536 packets he could open none of it. */
static void new_listener(struct relay *r, struct end *e)
{
	const struct remote *m = &e->remote[e->serve];

	if (m->suite != SRTP_NONE && !addr_is_any(&m->sdp))
		new_stream(r, e);
}

static bool same_crypto(const struct remote *x, const struct media_msg *m, const uint8_t *key)
{
	return x->set && x->suite == (enum srtp_suite)m->u.peer.suite &&
	       memcmp(key, m->u.peer.key, SRTP_KEY_MAX) == 0;
}

static void next_key(struct remote *x, const struct remote *old, const struct media_msg *m)
{
	x->in = x->suite == SRTP_NONE ? NULL : srtp_new(x->suite, m->u.peer.key, m->u.peer.mki);
	if (x->in && old->in && addr_eq(&old->sdp, &x->sdp))
		srtp_follow(x->in, old->in);
	srtp_free(old->in);
}

/* The same key again keeps its context (replay window, roll-over). A new one starts at 0, or at
 * the same address where its sources were. */
static void do_peer(struct relay *r, struct end *e, const struct media_msg *m, ms_t now)
{
	struct remote *x = &e->remote[m->early], old = *x;
	uint8_t last[SRTP_KEY_MAX];
	bool keep;

	memcpy(last, e->peer_key[m->early], sizeof last);
	keep = same_crypto(&old, m, last);
	*x = (struct remote){ .set = true, .latch = m->u.peer.latch, .mux = m->u.peer.mux,
			      .rtp = m->u.peer.rtp, .rtcp = m->u.peer.rtcp,
			      .sdp = m->u.peer.rtp, .near = m->u.peer.near,
			      .suite = (enum srtp_suite)m->u.peer.suite, .since = now };
	/* Under protection another place has to show the key before it is the source. */
	if ((keep || (old.in && x->suite != SRTP_NONE)) && addr_eq(&old.sdp, &x->sdp)) {
		x->rtp = old.rtp;
		x->rtcp = old.rtcp;
		x->lock = old.lock;
		x->best = old.best;
		x->heard = old.heard;
	}
	x->told = old.told && keep;
	memcpy(e->peer_key[m->early], m->u.peer.key, SRTP_KEY_MAX);
	x->in = old.in;
	if (!keep)
		next_key(x, &old, m);
	else if (x->in)
		srtp_set_mki(x->in, m->u.peer.mki);
	memset(x->rx, 255, sizeof x->rx);
	memcpy(x->tx_pt, m->u.peer.tx_pt, sizeof x->tx_pt);
	for (int i = 0; i < MEDIA_NCODEC; i++)
		if (m->u.peer.rx_pt[i] < 128)
			x->rx[m->u.peer.rx_pt[i]] = (uint8_t)i;
	if (old.set && e->serve == m->early && !addr_eq(&old.sdp, &x->sdp))
		new_listener(r, e);
	mem_wipe(last, sizeof last);
}

static void do_serve(struct relay *r, struct end *e, const struct media_msg *m)
{
	bool other = e->serve >= 0 && e->serve != m->early;

	if (e->serve != m->early)
		relay_new_source(e);
	e->serve = m->early;
	if (other)
		new_listener(r, e);
	for (int i = 0; m->u.serve.wipe_others && i < MEDIA_EARLY_MAX; i++)
		if (i != m->early) {
			remote_close(&e->remote[i]);
			mem_wipe(e->peer_key[i], SRTP_KEY_MAX);
		}
}

static void do_connect(struct relay *r, struct end *e, uint32_t other, ms_t now)
{
	struct end *was = relay_end(r, e->peer), *x = relay_end(r, other);

	if (was && was->peer == e->slot)
		was->peer = NO_SLOT;
	e->peer = x ? other : NO_SLOT;
	e->connected = now;
	if (!x)
		return;
	x->peer = e->slot;
	x->connected = now;
	relay_new_source(e);
	relay_new_source(x);
}

static void do_direction(struct end *e, const struct media_msg *m, ms_t now)
{
	e->send = m->u.direction.send;
	if (m->u.direction.expect && !e->expect)
		e->expect_since = now;
	e->expect = m->u.direction.expect;
	e->silent_told = false;
}

static void do_play(struct relay *r, struct end *e, const struct media_msg *m, ms_t now)
{
	char country[sizeof m->u.play.country + 1] = { 0 };

	memcpy(country, m->u.play.country, sizeof m->u.play.country);
	set_playing(r, e, m->u.play.source != MEDIA_SOURCE_NONE);
	relay_new_source(e);
	if (m->u.play.source == MEDIA_SOURCE_MUSIC)
		player_music(&e->player, (enum media_codec)m->u.play.codec, r->music, r->nmusic);
	else
		player_start(&e->player, (enum media_source)m->u.play.source,
			     (enum media_codec)m->u.play.codec, country);
	e->play_at = now;
}

static void do_close(struct relay *r, struct end *e, bool quiet)
{
	struct media_msg m = { 0 };

	m.u.counts = e->counts;
	m.u.counts.jitter_us = e->rx.jitter16 / 16 * 125;	/* 8 kHz units to us */
	if (e->rx.started) {
		uint64_t want = (uint64_t)e->rx.cycles + e->rx.max - e->rx.base + 1;

		m.u.counts.lost = want > e->rx.received ? want - e->rx.received : 0;
	}
	if (!quiet)
		relay_up(r, e, MEDIA_CLOSED, &m);
	end_close(r, e);
}

/* Whoever waits for the counters of an end must not do so for ever. */
static void never_open(struct relay *r, const struct media_msg *m)
{
	struct media_msg none = { .version = MEDIA_VERSION, .op = MEDIA_CLOSED, .slot = m->slot, .owner = m->owner };

	if (m->op == MEDIA_CLOSE && !m->u.close.quiet)
		r->io.up(r->io.ctx, &none);
}

void relay_msg(struct relay *r, const struct media_msg *m, ms_t now)
{
	struct end *e;

	if (m->op == MEDIA_OPEN) {
		do_open(r, m, now);
		return;
	}
	e = relay_end(r, m->slot);
	if (!e) {
		never_open(r, m);
		return;
	}
	switch ((enum media_op)m->op) {
	case MEDIA_PEER: do_peer(r, e, m, now); break;
	case MEDIA_SERVE: do_serve(r, e, m); break;
	case MEDIA_CONNECT: do_connect(r, e, m->other, now); break;
	case MEDIA_DIRECTION: do_direction(e, m, now); break;
	case MEDIA_PLAY: do_play(r, e, m, now); break;
	case MEDIA_CLOSE: do_close(r, e, m->u.close.quiet); break;
	case MEDIA_MUSIC: case MEDIA_POOL: case MEDIA_OPEN: case MEDIA_READY: case MEDIA_FAILED:
	case MEDIA_FIRST_PACKET: case MEDIA_LATCHED: case MEDIA_SILENT: case MEDIA_CLOSED:
	case MEDIA_PING:
		break;
	}
}

/* --- time -------------------------------------------------------------------- */

bool relay_playing(const struct relay *r)
{
	return r->playing > 0;
}

/* The other side sends nothing: it gets silence from us, so that it does not clear. */
static void fill_check(struct relay *r, struct end *e, ms_t now)
{
	ms_t last = e->tx.at > e->connected ? e->tx.at : e->connected;

	if (!e->fill || e->playing || e->filling || e->peer == NO_SLOT || e->serve < 0 ||
	    !e->send || now - last < FILL_MS)
		return;
	for (int c = MEDIA_PCMU; c <= MEDIA_PCMA; c++)
		if (e->remote[e->serve].tx_pt[c] < 128) {
			player_start(&e->player, MEDIA_SOURCE_SILENCE, (enum media_codec)c, "");
			e->filling = true;
			e->play_at = now;
			relay_new_source(e);
			r->playing++;
			return;
		}
}

static void slow_tick(struct relay *r, struct end *e, ms_t now)
{
	ms_t since = e->heard > e->expect_since ? e->heard : e->expect_since;

	fill_check(r, e, now);
	if (now >= e->report_at) {
		e->report_at = now + REPORT_MS;
		relay_report(r, e, now);
	}
	if (e->no_media && e->expect && !e->silent_told && now - since >= e->no_media) {
		e->silent_told = true;
		relay_up(r, e, MEDIA_SILENT, NULL);
	}
}

void relay_tick(struct relay *r, ms_t now)
{
	bool slow = now >= r->slow_at;

	if (slow)
		r->slow_at = now + 500;
	if (!slow && !r->playing)
		return;
	for (uint32_t i = r->first; i != NO_SLOT; i = r->end[i]->next) {
		struct end *e = r->end[i];

		if ((e->playing || e->filling) && !e->send)
			e->play_at = now + TICK_MS;	/* not owed later */
		else if (e->playing || e->filling)
			relay_play_tick(r, e, now);
		if (slow)
			slow_tick(r, e, now);
	}
}
