#include "service/monitor.h"

#include <string.h>

enum { EARLY_MS = 500, SPREAD_MS = 1500, FAST_MS = 10000, FAST_SPREAD_MS = 100, TIMEOUT_MS = 8000 };

struct ping {
	struct monitor *m;
	int trunk, host;
	net_id flow;			/* its last answer came on it; 0: none */
	struct timer t;
};

struct monitor {
	struct loop *loop;
	struct sip *sip;
	struct monitor_trunk t[MONITOR_TRUNKS];
	struct ping ping[MONITOR_TRUNKS][TRUNK_HOSTS];
	int n;
};

struct monitor *monitor_new(struct loop *l, struct sip *s)
{
	struct monitor *m = mem_new(sizeof *m);

	m->loop = l;
	m->sip = s;
	return m;
}

void monitor_free(struct monitor *m)
{
	if (!m)
		return;
	for (int i = 0; i < m->n; i++)
		for (int k = 0; k < m->t[i].nhosts; k++)
			timer_stop(&m->loop->timers, &m->ping[i][k].t);
	mem_free(m);
}

static void note(struct monitor *m, int trunk, const struct trunk_fact *f)
{
	trunk_report(m->t[trunk].trunk, &m->loop->log, m->loop->now, m->loop->wall, f);
}

static void on_due(void *arg);

/* Up: every 60.5 to 62 s. Not 60: one that waited for its handshake arrives late, the next one
 * over the same connection does not, and a peer counts the time between arrivals. Down or
 * unknown: sooner, but for Direct Routing, whose limit holds in every state. */
static void arm(struct ping *p)
{
	struct monitor_trunk *t = &p->m->t[p->trunk];
	const struct trunk_host *h = trunk_host_at(t->trunk, p->host);
	ms_t every = h->state == TRUNK_UP ? t->up : t->down;

	if (every < FAST_MS)		/* a lab's */
		every += rng_below(&p->m->loop->rng, FAST_SPREAD_MS);
	else
		every += EARLY_MS + rng_below(&p->m->loop->rng, SPREAD_MS);
	timer_start(&p->m->loop->timers, &p->t, every, on_due, p);
}

static void send_options(struct ping *p)
{
	struct monitor_trunk *t = &p->m->t[p->trunk];
	const struct sip_dest *d = &t->dest[p->host];
	char ruri[320], from[320];
	struct sip_request q = { .method = SIP_OPTIONS, .dest = *d, .opts = t->opts,
				 .timeout = TIMEOUT_MS };
	struct buf r, f;

	q.owner = (uint64_t)p->trunk << 8 | (uint64_t)(p->host + 1);
	buf_init(&r, ruri, sizeof ruri);
	buf_lit(&r, "sip:");
	sip_write_host(&r, str_of(d->host));
	if (d->port)
		buf_fmt(&r, ":%u", d->port);
	if (d->transport != SIP_UDP)
		buf_fmt(&r, ";transport=%s", d->transport == SIP_TLS ? "tls" : "tcp");
	buf_init(&f, from, sizeof from);
	buf_lit(&f, "sip:");
	sip_write_host(&f, str_of(t->from_host));
	q.ruri = buf_str(&r);
	q.to_uri = buf_str(&r);
	q.from_uri = buf_str(&f);
	(void)sip_request(p->m->sip, &q);	/* full: the next one comes in a minute */
}

static void on_due(void *arg)
{
	struct ping *p = arg;

	send_options(p);
	arm(p);
}

void monitor_add(struct monitor *m, const struct monitor_trunk *t)
{
	int i = m->n;

	if (i == MONITOR_TRUNKS)
		return;
	m->t[i] = *t;
	m->n++;
	for (int k = 0; k < t->nhosts; k++) {
		m->ping[i][k] = (struct ping){ .m = m, .trunk = i, .host = k };
		if (t->ping)
			timer_start(&m->loop->timers, &m->ping[i][k].t, 20 * (ms_t)k, on_due,
				    &m->ping[i][k]);
	}
}

static struct reason fail_reason(const struct sip_event *ev, struct str host,
				 struct sip_fail_text *text)
{
	struct reason why = sip_fail_reason(ev, host, text);
	struct buf b;

	if (why.code != REASON_NONE)
		return why;
	buf_init(&b, text->arg[0], sizeof text->arg[0]);
	buf_u64(&b, TIMEOUT_MS);
	return REASON(TRUNK_OPTIONS_TIMEOUT, host, buf_str(&b));
}

bool monitor_on_response(struct monitor *m, const struct sip_event *ev)
{
	int trunk = (int)(ev->owner >> 8), host = (int)(ev->owner & 0xff) - 1;
	struct trunk_fact f = { .kind = TRUNK_FACT_ANSWERED, .host = host };
	struct sip_fail_text text;
	char code[8];
	struct buf c;
	struct str name;

	if (trunk < 0 || trunk >= m->n || host < 0 || host >= m->t[trunk].nhosts)
		return false;
	m->ping[trunk][host].flow = ev->flow;
	name = str_of(m->t[trunk].dest[host].host);
	buf_init(&c, code, sizeof code);
	if (ev->fail != SIP_FAIL_NONE) {
		f.kind = TRUNK_FACT_FAILED;
		f.why = fail_reason(ev, name, &text);
	} else if (ev->status >= 300) {
		f.kind = ev->status == 503 ? TRUNK_FACT_503 : TRUNK_FACT_FAILED;
		buf_u64(&c, ev->status);
		f.why = REASON(TRUNK_OPTIONS_STATUS, name, buf_str(&c),
			       ev->msg ? ev->msg->phrase : STR_NONE);
		f.retry_after_ms = ev->retry_after_s * 1000ull;
	} else {
		f.why = REASON(TRUNK_UP, name);
	}
	note(m, trunk, &f);
	return true;
}

void monitor_on_flow(struct monitor *m, const struct sip_event *ev)
{
	const struct net_stream_info *s = ev->stream;

	if (!ev->flow || ev->flow_event != NET_CLOSED || !s ||
	    (s->fail != NET_FAIL_TIMEOUT && s->fail != NET_FAIL_UNREACHABLE))
		return;
	for (int i = 0; i < m->n; i++)
		for (int k = 0; k < m->t[i].nhosts; k++)
			if (m->ping[i][k].flow == ev->flow)
				note(m, i, &(struct trunk_fact){ .kind = TRUNK_FACT_VANISHED, .host = k,
				     .why = REASON(TRUNK_VANISHED, str_of(m->t[i].dest[k].host)) });
}

void monitor_on_options(struct monitor *m, const struct sip_event *ev, int trunk,
			struct str contact)
{
	const struct sip_opts *o = trunk >= 0 && trunk < m->n ? &m->t[trunk].opts : NULL;
	struct sip_xhdr x[] = { { STR("Contact"), contact }, { STR("Allow"), STR_NONE },
				{ STR("Supported"), STR_NONE } };
	struct trunk_fact f = { .kind = TRUNK_FACT_PEER_OPTIONS, .host = -1 };
	char methods[200], tags[40];
	struct buf b;

	buf_init(&b, methods, sizeof methods);
	sip_write_methods(&b, o);
	x[1].value = buf_str(&b);
	buf_init(&b, tags, sizeof tags);
	sip_write_supported(&b, o);
	x[2].value = buf_str(&b);
	(void)sip_respond(m->sip, ev->tsx, 200, NULL, NULL, x, x[2].value.n ? 3 : 2);
	if (trunk >= 0 && trunk < m->n)
		note(m, trunk, &f);
}
