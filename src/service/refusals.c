#include "service/refusals.h"

#include <string.h>

enum { ARG_MAX = 400 };

struct refused {
	uint64_t count, silent;		/* silent: not in the log since the last line */
	wall_t at;
	ms_t logged;			/* 0: never */
	struct addr peer;
	enum reason_code code;
	char arg[3][ARG_MAX];
};

struct refusals {
	struct loop *loop;
	struct refused at[REFUSALS_LISTENERS];
	uint64_t total;
};

struct refusals *refusals_new(struct loop *l)
{
	struct refusals *r = mem_new(sizeof *r);

	r->loop = l;
	return r;
}

void refusals_free(struct refusals *r)
{
	mem_free(r);
}

static struct reason reason_of(const struct refused *x)
{
	return (struct reason){ x->code, { str_of(x->arg[0]), str_of(x->arg[1]), str_of(x->arg[2]) } };
}

/* "a.example, b.example", as far as there is room. */
static void names_text(const struct tls_facts *f, char *dst)
{
	struct buf b;

	buf_init(&b, dst, ARG_MAX);
	for (int i = 0; i < f->npeer_name && b.n + sizeof f->peer_name[0] + 3 < ARG_MAX; i++) {
		buf_lit(&b, i ? ", " : "");
		buf_lit(&b, f->peer_name[i]);
	}
	if (!f->npeer_name)
		buf_lit(&b, "no DNS name");
	(void)buf_z(&b);
}

static void word(struct refused *x, const struct tls_facts *f, struct str wanted)
{
	static const enum reason_code code[] = {
		[TLS_REFUSED_NOT] = REASON_IN_CUT, [TLS_REFUSED_NO_CERT] = REASON_IN_NO_CERT,
		[TLS_REFUSED_CHAIN] = REASON_IN_CHAIN, [TLS_REFUSED_PURPOSE] = REASON_IN_CHAIN,
		[TLS_REFUSED_NAME] = REASON_IN_NAME, [TLS_REFUSED_VERSION] = REASON_IN_VERSION,
		[TLS_REFUSED_SUITE] = REASON_IN_SUITE, [TLS_REFUSED_BY_PEER] = REASON_IN_ALERT,
		[TLS_REFUSED_CUT] = REASON_IN_CUT, [TLS_REFUSED_NOISE] = REASON_IN_NOISE,
	};
	char alert[24];

	x->code = code[f->refusal];
	x->arg[1][0] = x->arg[2][0] = 0;
	if (x->code == REASON_IN_CHAIN) {
		(void)str_copy(x->arg[1], ARG_MAX, str_of(f->peer_subject));
		(void)str_copy(x->arg[2], ARG_MAX, str_of(f->verify_text));
	} else if (x->code == REASON_IN_NAME) {
		names_text(f, x->arg[1]);
		(void)str_copy(x->arg[2], ARG_MAX, wanted);
	} else if (x->code == REASON_IN_ALERT) {
		(void)str_copy(x->arg[1], ARG_MAX, str_of(tls_alert_str(f->alert_received, alert)));
	}
}

static void tell(struct refusals *r, struct refused *x, struct str name)
{
	struct reason why = reason_of(x);
	char text[1400], more[80] = "";
	struct buf b, m;

	if (x->logged && r->loop->now - x->logged < REFUSALS_EVERY_MS) {
		x->silent++;
		return;
	}
	buf_init(&b, text, sizeof text);
	reason_write(&b, &why);
	buf_init(&m, more, sizeof more);
	if (x->silent)
		buf_fmt(&m, " (and %llu more since the last line)", (unsigned long long)x->silent);
	log_line(&r->loop->log, LOG_WARN, "Listener %.*s: %s%s", STRF(name), buf_z(&b), buf_z(&m));
	x->logged = r->loop->now ? r->loop->now : 1;
	x->silent = 0;
}

void refusals_on_flow(struct refusals *r, const struct sip_event *ev, struct str name,
		      struct str wanted)
{
	const struct net_stream_info *i = ev->stream;
	char text[ADDR_TEXT];
	struct refused *x;

	if (ev->flow || ev->flow_event != NET_CLOSED || !i || !i->facts || !i->inbound ||
	    ev->listener >= REFUSALS_LISTENERS)
		return;
	x = &r->at[ev->listener];
	x->count++;
	r->total++;
	x->at = r->loop->wall;
	x->peer = ev->peer;
	(void)str_copy(x->arg[0], ARG_MAX, str_of(addr_text(&ev->peer, text)));
	if (i->fail == NET_FAIL_TIMEOUT) {
		x->code = REASON_IN_SLOW;
		x->arg[1][0] = x->arg[2][0] = 0;
	} else {
		word(x, i->facts, wanted);
	}
	tell(r, x, name);
}

bool refusals_look(const struct refusals *r, uint32_t listener, struct refusal_view *v)
{
	const struct refused *x = &r->at[listener < REFUSALS_LISTENERS ? listener : 0];

	if (listener >= REFUSALS_LISTENERS || !x->count)
		return false;
	*v = (struct refusal_view){ x->count, x->at, x->peer, reason_of(x) };
	return true;
}

uint64_t refusals_total(const struct refusals *r)
{
	return r->total;
}
