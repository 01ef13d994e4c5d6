/*
 * What overload.h decides, applied to what comes and told in the log.
 */
#include "sip/build.h"
#include "sip/glance.h"
#include "sip/stack_int.h"

void relief_note(struct sip *s)
{
	const struct overload_view *v = &s->overload.v;

	switch (overload_note(&s->overload, s->loop->now, s->loop->delay, s->loop->lost, s->loop->spent)) {
	case OVERLOAD_NO_NEWS:
		break;
	case OVERLOAD_BEGAN:
		log_line(&s->loop->log, LOG_WARN, "More comes than can be done: input waited %u ms%s. New calls are let in at %u a second, "
			 "the others get 503 with a Retry-After of %d to %d s; calls that are up go on. If this is no attack (see "
			 "\"tandem show guard\"), the machine is too small or something else takes its time.", (unsigned)v->delay_ms,
			 v->lost ? " and some was lost" : "", (unsigned)(v->rate / 1000), OVERLOAD_RETRY_MIN_S, OVERLOAD_RETRY_MAX_S);
		break;
	case OVERLOAD_ENDED:
		log_line(&s->loop->log, LOG_INFO, "All new calls are let in again: %llu were refused with 503 in the last overload.",
			 (unsigned long long)v->refused_now);
		break;
	}
}

static bool urgent(const struct sip *s, struct str number)
{
	return number.n && s->cfg.urgent && s->cfg.urgent(s->cfg.urgent_ctx, number);
}

static void refuse(struct sip *s, const struct sip_msg *m, unsigned retry)
{
	struct server_answer a = { .status = 503 };
	char text[40];
	struct buf b;

	buf_init(&b, text, sizeof text);
	buf_fmt(&b, "Retry-After: %u\r\n", retry);
	a.extra = buf_str(&b);
	uas_refuse(s, m, &a);
}

void relief_later(struct sip *s, const struct sip_msg *m, uint64_t key)
{
	refuse(s, m, overload_retry_s(key));
}

bool relief_full(struct sip *s, const struct sip_msg *m)
{
	bool fresh = !m->to_tag.p && !(m->method == SIP_INVITE && urgent(s, m->uri.user));
	uint32_t most = s->txs.cap - (fresh ? s->txs.cap / 8 : 0);
	ms_t now = s->loop->now;

	if (s->txs.live < most)
		return false;
	if (!s->told_full || now - s->told_full >= OVERLOAD_TELL_MS) {
		s->told_full = now;
		log_line(&s->loop->log, LOG_WARN, "%u of %u places for transactions are taken, each for up to 32 s (RFC 3261 17.2): %s get 503 "
			 "until some are free. If this is no attack (see \"tandem show guard\"), these are more calls a second than one "
			 "Tandem carries: spread them over two.", s->txs.live, s->txs.cap,
			 fresh ? "new calls and registrations" : "all requests");
	}
	return true;
}

bool relief_acks(struct sip *s, const struct sip_msg *m, uint64_t key)
{
	return m->method == SIP_ACK && overload_knows(&s->overload, s->loop->now, key);
}

bool relief_refuses(struct sip *s, const struct sip_msg *m, uint64_t key)
{
	unsigned retry;

	if (m->method != SIP_INVITE || m->to_tag.p ||
	    (overload_busy(&s->overload, s->loop->now, s->loop->delay) && urgent(s, m->uri.user)) ||
	    !overload_refuses(&s->overload, s->loop->now, key, s->loop->delay, &retry))
		return false;
	refuse(s, m, retry);
	return true;
}

/* --- the same at a glance ---------------------------------------------------------- */

/* As uas_refuse() writes it. */
static void answer(struct sip *s, const struct sip_glance *g, const struct path *from, uint64_t key, unsigned retry)
{
	struct buf *b = sip_text(s);
	struct build w = { .out = b };
	struct path p = *from;

	buf_lit(b, "SIP/2.0 503 Service Unavailable\r\nVia: ");
	build_top_via(&w, &g->top, &from->peer);
	for (unsigned i = 1; i < g->nvia; i++) {
		buf_lit(b, "\r\nVia: ");
		buf_put(b, g->via[i]);
	}
	buf_lit(b, "\r\nFrom: ");
	buf_put(b, g->from);
	buf_lit(b, "\r\nTo: ");
	buf_put(b, g->to);
	buf_lit(b, ";tag=");
	uas_write_tag(s, b, key);
	buf_lit(b, "\r\nCall-ID: ");
	buf_put(b, g->call_id);
	buf_lit(b, "\r\nCSeq: ");
	buf_put(b, g->cseq_text);
	buf_lit(b, "\r\nServer: ");
	buf_put(b, str_of(s->server));
	buf_lit(b, "\r\nRetry-After: ");
	buf_u64(b, retry);
	buf_lit(b, "\r\nContent-Length: 0\r\n\r\n");
	if (w.err || !buf_ok(b))
		return;		/* it is repeated */
	s->n.refused++;
	uas_way_back(&g->top, &p);
	if (tap_share(&s->relieved, s->loop->now))
		sip_tap(s, 0, true, &p, buf_str(b));
	if (!transport_send(s, &p, buf_str(b)))
		s->n.dropped++;
}

/* "sip:number@host", "tel:number": whatever else it is, the parser reads. */
static struct str number_of(struct str uri)
{
	struct str number, rest;

	(void)str_cut(uri, ':', &rest, &number);
	(void)str_cut(number, '@', &number, &rest);
	(void)str_cut(number, ';', &number, &rest);
	return number;
}

bool relief_glances(struct sip *s, struct str bytes, const struct path *from)
{
	struct overload *o = &s->overload;
	ms_t now = s->loop->now;
	struct sip_glance g;
	unsigned retry;
	uint64_t key;

	if (from->transport != SIP_UDP || (from->heard != SOURCE_TRUSTED && from->heard != SOURCE_KNOWN) ||
	    !overload_busy(o, now, s->loop->delay) || !sip_glance(bytes, &g) || (!g.ack && g.to_tag.p))
		return false;
	key = uas_key_of(s, &g.top, g.call_id, g.cseq, SIP_INVITE);
	if (g.ack ? !overload_knows(o, now, key)
		  : tx_find(s, key, true) || urgent(s, number_of(g.uri)) ||
		    !overload_refuses(o, now, key, s->loop->delay, &retry))
		return false;
	s->n.received++;
	if (!g.ack)
		answer(s, &g, from, key, retry);
	return true;
}
