/*
 * What overload.h decides, applied to what comes and told in the log.
 */
#include "sip/stack_int.h"

void relief_note(struct sip *s)
{
	const struct overload_view *v = &s->overload.v;

	switch (overload_note(&s->overload, s->loop->now, s->loop->delay, s->loop->lost)) {
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

bool relief_refuses(struct sip *s, const struct sip_msg *m, uint64_t key)
{
	struct server_answer a = { .status = 503 };
	unsigned retry;
	char text[40];
	struct buf b;

	if (m->method == SIP_ACK)
		return overload_knows(&s->overload, s->loop->now, key);
	if (m->method != SIP_INVITE || m->to_tag.p ||
	    !overload_refuses(&s->overload, s->loop->now, key, s->loop->delay, &retry))
		return false;
	buf_init(&b, text, sizeof text);
	buf_fmt(&b, "Retry-After: %u\r\n", retry);
	a.extra = buf_str(&b);
	uas_refuse(s, m, &a);
	return true;
}
