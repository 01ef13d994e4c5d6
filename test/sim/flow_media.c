#include <stdio.h>
#include <string.h>

#include "media/rtp.h"
#include "sim/flow.h"

/* Audio of peers: packets whose payload is one byte repeated, so that who is heard is certain. */

enum { PAYLOAD = 160, PACKET_MS = 20 };

static void on_packet(void *ctx, net_id sock, const struct addr *from, const struct addr *to,
		      struct str bytes)
{
	struct flow_media *m = ctx;
	uint8_t p[RTP_PACKET_MAX + SRTP_TAIL];
	size_t n = bytes.n;
	struct rtp r;

	(void)sock;
	(void)from;
	(void)to;
	if (n > RTP_PACKET_MAX)
		return;
	memcpy(p, bytes.p, n);
	if (rtp_is_rtcp(p, n))
		return;
	if (m->mine.srtp && (!m->rx || srtp_unprotect(m->rx, p, &n))) {
		m->bad++;
		return;
	}
	if (!rtp_read(p, n, false, &r))
		return;
	m->heard++;
	m->heard_pt = r.pt;
	m->marks += r.marker;
	if (m->ssrcs == 0 || r.ssrc != m->last_ssrc)
		m->ssrcs++;
	else if ((uint16_t)(m->last_seq + 1) != r.seq)
		m->jumps++;
	m->last_ssrc = r.ssrc;
	m->last_seq = r.seq;
	m->heard_mark += r.payload_n > 0 && p[r.head] == m->mark;
}

bool flow_media_open(struct flow_dialog *d)
{
	static const struct net_dgram_handler h = { on_packet };
	struct flow_media *m = &d->media;
	struct flow_peer *p = d->peer;
	int err_no;

	if (m->sock)
		return true;
	m->at = p->at;
	m->at.port = p->next_port;
	p->next_port = (uint16_t)(p->next_port + 2);
	m->sock = net_udp_bind(p->f->loop, &m->at, &h, m, &err_no);
	for (int i = 0; i < 30; i++)
		m->mine.key[i] = (uint8_t)(p->name[0] + 7 * i + p->next_port);
	if (!m->sock)
		flow_fail(p->f, "%s has no media port", p->name);
	return m->sock != 0;
}

/* Contexts for the keys both sides said; a key that stays keeps its context. */
void flow_media_keys(struct flow_media *m)
{
	if (!m->mine.srtp)
		return;
	if (!m->tx)
		m->tx = srtp_new(SRTP_AES_CM_80, m->mine.key, 0);
	if (m->theirs.suite == SRTP_NONE ||
	    (m->rx && !memcmp(m->rx_key, m->theirs.key, sizeof m->rx_key)))
		return;
	srtp_free(m->rx);
	m->rx = srtp_new(SRTP_AES_CM_80, m->theirs.key, 0);
	memcpy(m->rx_key, m->theirs.key, sizeof m->rx_key);
}

void flow_media_close(struct flow_media *m)
{
	srtp_free(m->tx);
	srtp_free(m->rx);
}

/* --- steps ---------------------------------------------------------------------------- */

static struct flow_dialog *who(struct flow *f, const char *name)
{
	struct flow_peer *p = flow_peer_of(f, name);
	const char *at = strchr(name, '/');
	unsigned i = at ? flow_number(at + 1, 0) : 0;

	if (p && i && i <= (unsigned)p->ndialogs)
		return p->dialog[i - 1];
	if (!p || !p->now || i)
		flow_fail(f, "%s has no call", name);
	return p && !i ? p->now : NULL;
}

static const struct flow_fmt *fmt_of(const struct flow_sdp *s, const char *name)
{
	for (int i = 0; i < s->nfmt; i++)
		if (!strcmp(s->fmt[i].name, name))
			return &s->fmt[i];
	return NULL;
}

/* The codec both said; its payload type is the other side's. */
static const struct flow_fmt *codec_of(const struct flow_media *m, const char *want)
{
	for (int i = 0; i < m->mine.nfmt; i++) {
		const struct flow_fmt *t = fmt_of(&m->theirs, m->mine.fmt[i].name);

		if (t && (!want || !strcmp(want, t->name)))
			return t;
	}
	return NULL;
}

static void send_one(struct flow *f, struct flow_media *m, int pt, uint8_t mark,
		     const struct flow_args *a)
{
	bool wild = flow_word(a, "clear");
	unsigned source = flow_number(flow_arg(a, "source"), 0);
	uint8_t p[RTP_PACKET_MAX + SRTP_TAIL];
	size_t n = RTP_HEAD + PAYLOAD;
	struct rtp r = { .pt = (uint8_t)pt, .seq = ++m->seq, .ts = m->ts += PAYLOAD,
			 .ssrc = 0x1000u + m->at.port + (source << 16) };

	memset(p, mark, sizeof p);
	rtp_write(p, &r);
	if (m->mine.srtp && m->tx && !wild && srtp_protect(m->tx, p, &n, sizeof p))
		return;
	net_udp_send(f->loop, m->sock, NULL, &m->theirs.rtp, (struct str){ (char *)p, n });
}

static void talk(struct flow *f, struct flow_dialog *a, const struct flow_args *args, uint8_t mark)
{
	unsigned n = flow_number(flow_arg(args, "n"), 10), gap = flow_number(flow_arg(args, "gap"), PACKET_MS);
	const struct flow_fmt *c = codec_of(&a->media, flow_arg(args, "codec"));

	if (!c || !a->media.theirs.rtp.port) {
		flow_fail(f, "%s has no codec to speak with", a->peer->name);
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		send_one(f, &a->media, c->pt, mark, args);
		sim_for(f->loop, gap);
	}
}

static void judge(struct flow *f, struct flow_dialog *a, struct flow_dialog *b,
		  const struct flow_args *args)
{
	bool silent = flow_word(args, "!");
	unsigned n = flow_number(flow_arg(args, "n"), 10);
	const struct flow_fmt *spoken = codec_of(&a->media, flow_arg(args, "codec"));
	const struct flow_fmt *want = spoken ? fmt_of(&b->media.mine, spoken->name) : NULL;
	const struct flow_media *m = &b->media;

	if (silent && m->heard_mark)
		flow_fail(f, "%s heard %u packets of %s and should hear none", b->peer->name,
			  m->heard_mark, a->peer->name);
	else if (!silent && m->heard_mark < flow_number(flow_arg(args, "least"), n))
		flow_fail(f, "%s heard %u of %u packets of %s (%u others, %u unreadable)",
			  b->peer->name, m->heard_mark, n, a->peer->name, m->heard - m->heard_mark, m->bad);
	else if (!silent && (!want || m->heard_pt != want->pt))
		flow_fail(f, "%s heard payload type %d of %s", b->peer->name, m->heard_pt,
			  a->peer->name);
	else if (m->bad && !flow_word(args, "bad"))
		flow_fail(f, "%s got %u packets it could not decrypt", b->peer->name, m->bad);
}

static void listen_for(struct flow_media *m, uint8_t mark)
{
	m->heard = m->heard_mark = m->bad = m->marks = m->jumps = m->ssrcs = 0;
	m->mark = mark;
}

/* media a > b: b hears a. media a ! b: it does not. media a <> b: both ways.
 * media a: a speaks, whoever hears it. */
void flow_media_step(struct flow *f, const struct flow_args *a)
{
	struct flow_dialog *from = a->n > 1 ? who(f, a->v[1]) : NULL, *to;
	uint8_t mark = (uint8_t)(0x20 + ++f->serial % 200);

	if (!from)
		return;
	to = a->n > 3 && !strchr(a->v[2], '=') ? who(f, a->v[3]) : NULL;
	if (to)
		listen_for(&to->media, mark);
	talk(f, from, a, mark);
	sim_for(f->loop, 5);
	if (to)
		judge(f, from, to, a);
	if (!to || strcmp(a->v[2], "<>") != 0 || f->why[0])
		return;
	listen_for(&from->media, ++mark);
	talk(f, to, a, mark);
	sim_for(f->loop, 5);
	judge(f, to, from, a);
}

/* heard PEER packets=N sources=N gaps=N marks=N: since the last `media` step to it began. */
void flow_heard(struct flow *f, const struct flow_args *a)
{
	struct flow_dialog *d = a->n > 1 ? who(f, a->v[1]) : NULL;
	const struct flow_media *m = d ? &d->media : NULL;
	const char *want;

	if (!m)
		return;
	want = flow_arg(a, "packets");
	if (want && !flow_in_range(want, m->heard))
		flow_fail(f, "%s heard %u packets, not %s", d->peer->name, m->heard, want);
	want = flow_arg(a, "sources");
	if (want && !flow_in_range(want, m->ssrcs))
		flow_fail(f, "%s heard %u sources, not %s", d->peer->name, m->ssrcs, want);
	want = flow_arg(a, "gaps");
	if (want && !flow_in_range(want, m->jumps))
		flow_fail(f, "%s saw %u gaps, not %s", d->peer->name, m->jumps, want);
	want = flow_arg(a, "marks");
	if (want && !flow_in_range(want, m->marks))
		flow_fail(f, "%s saw %u marker bits, not %s", d->peer->name, m->marks, want);
}
