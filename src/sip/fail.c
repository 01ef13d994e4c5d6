#include <string.h>

#include "sip/limits.h"
#include "sip/stack.h"

/* "a.example, b.example", as far as there is room. */
static struct str names_of(const struct tls_facts *f, struct buf *b)
{
	for (int i = 0; i < f->npeer_name &&
	     b->n + sizeof f->peer_name[0] + 3 < sizeof(struct sip_fail_text) / 2; i++) {
		buf_lit(b, i ? ", " : "");
		buf_lit(b, f->peer_name[i]);
	}
	if (!f->npeer_name)
		buf_lit(b, "no DNS name");
	return buf_str(b);
}

static struct reason tls_reason(const struct tls_facts *f, struct str host, struct sip_fail_text *t)
{
	char alert[24];
	struct buf a, b;

	buf_init(&a, t->arg[0], sizeof t->arg[0]);
	buf_init(&b, t->arg[1], sizeof t->arg[1]);
	switch (f ? f->refusal : TLS_REFUSED_NOT) {
	case TLS_REFUSED_BY_PEER:
		buf_lit(&a, tls_alert_str(f->alert_received, alert));
		return REASON(TRUNK_TLS_ALERT, host, buf_str(&a));
	case TLS_REFUSED_NAME:
		buf_lit(&a, f->sni);
		return REASON(TRUNK_TLS_NAME, host, f->sni_absent ? host : buf_str(&a),
			      names_of(f, &b));
	case TLS_REFUSED_CHAIN: case TLS_REFUSED_PURPOSE: case TLS_REFUSED_NO_CERT:
		buf_lit(&a, f->verify_text);
		return REASON(TRUNK_TLS_VERIFY, host, buf_str(&a));
	case TLS_REFUSED_NOT: case TLS_REFUSED_VERSION: case TLS_REFUSED_SUITE:
	case TLS_REFUSED_CUT: case TLS_REFUSED_NOISE:
		break;
	}
	buf_lit(&a, f && f->verify_text[0] ? f->verify_text : "it ended without a word");
	return REASON(TRUNK_TLS_FAILED, host, buf_str(&a));
}

struct reason sip_fail_reason(const struct sip_event *ev, struct str host, struct sip_fail_text *t)
{
	const struct tls_facts *f = ev->stream ? ev->stream->facts : NULL;
	struct buf b;

	switch (ev->fail) {
	case SIP_FAIL_DNS: return REASON(TRUNK_DNS, host, STR("no usable answer"));
	case SIP_FAIL_REFUSED: return REASON(TRUNK_REFUSED, host);
	case SIP_FAIL_UNREACHABLE:
		buf_init(&b, t->arg[0], sizeof t->arg[0]);
		buf_u64(&b, SIP_CONNECT_MS);
		return REASON(TRUNK_UNREACHABLE, host, buf_str(&b));
	case SIP_FAIL_CLOSED:
		/* TLS 1.3: the refusal of our certificate comes after the handshake. */
		return f && f->alert_received > 0 ? tls_reason(f, host, t)
						  : REASON(TRUNK_CLOSED, host);
	case SIP_FAIL_TLS: return tls_reason(f, host, t);
	case SIP_FAIL_TIMEOUT: case SIP_FAIL_LOCAL: case SIP_FAIL_NONE: break;
	}
	return (struct reason){ 0 };
}
