#include "sip/locate.h"

#include <string.h>

uint16_t sip_default_port(enum sip_transport t)
{
	return t == SIP_TLS ? 5061 : 5060;
}

enum locate_want locate_start(struct locate *l, struct str host, uint16_t port,
			      enum sip_transport t, bool v6, struct addr *addr)
{
	struct addr lit;

	*l = (struct locate){ .transport = t, .v6 = v6, .port = port };
	if (host.n == 0 || !str_copy(l->host, sizeof l->host, host))
		return LOCATE_FAILED;
	if (addr_parse_ip(host, &lit) == OK) {
		lit.port = port ? port : sip_default_port(t);
		locate_fixed(l, t, &lit);
		return locate_next(l, addr);
	}
	l->stage = port ? LOCATE_HOST : LOCATE_SRV;
	return LOCATE_ASK;
}

void locate_fixed(struct locate *l, enum sip_transport t, const struct addr *addr)
{
	l->stage = LOCATE_LITERAL;
	l->transport = t;
	l->addr[0] = *addr;
	l->n = 1;
	l->i = 0;
	l->answered = true;
}

/* RFC 2782: within a priority, the next is drawn by its share of the weights left. */
static int draw(const struct dns_result *r, int from, struct rng *rng)
{
	uint32_t sum = 0, at;
	int end = from;

	for (; end < r->n && r->rr[end].priority == r->rr[from].priority; end++)
		sum += r->rr[end].weight;
	at = sum ? rng_below(rng, sum) : 0;
	for (int i = from; i < end; i++) {
		if (at < r->rr[i].weight)
			return i;
		at -= r->rr[i].weight;
	}
	return from;
}

static void swap(struct dns_rr *a, struct dns_rr *b)
{
	struct dns_rr t = *a;

	*a = *b;
	*b = t;
}

static void order(struct dns_result *r, struct rng *rng)
{
	for (int i = 0; i < r->n; i++)
		for (int j = i + 1; j < r->n; j++)
			if (r->rr[j].priority < r->rr[i].priority)
				swap(&r->rr[i], &r->rr[j]);
	for (int i = 0; i < r->n; i++) {
		int j = draw(r, i, rng);

		if (j != i)
			swap(&r->rr[i], &r->rr[j]);
	}
}

/* The next SRV target becomes the question. "." means: not offered here. */
static enum locate_want next_target(struct locate *l)
{
	while (l->srv && ++l->isrv < l->srv->n) {
		const struct dns_rr *rr = &l->srv->rr[l->isrv];

		if (rr->target[0] == 0 || strcmp(rr->target, ".") == 0 || rr->port == 0)
			continue;
		l->stage = LOCATE_TARGET;
		l->port = rr->port;
		return LOCATE_ASK;
	}
	return LOCATE_FAILED;
}

static enum locate_want srv_answer(struct locate *l, struct rng *rng, const struct dns_result *r)
{
	if (r->err != OK || r->n <= 0) {
		l->stage = LOCATE_HOST;
		l->port = sip_default_port(l->transport);
		return LOCATE_ASK;
	}
	l->srv = mem_new(sizeof *l->srv);
	*l->srv = *r;
	if (l->srv->n > DNS_MAX_RESULTS)
		l->srv->n = DNS_MAX_RESULTS;
	order(l->srv, rng);
	l->isrv = -1;
	return next_target(l);
}

enum locate_want locate_answer(struct locate *l, struct rng *rng, const struct dns_result *r,
			       struct addr *addr)
{
	if (l->stage == LOCATE_SRV)
		return srv_answer(l, rng, r);
	l->n = l->i = 0;
	for (int i = 0; r->err == OK && i < r->n && i < DNS_MAX_RESULTS; i++) {
		l->addr[l->n] = r->rr[i].addr;
		l->addr[l->n++].port = l->port;
		l->answered = true;
	}
	return locate_next(l, addr);
}

enum locate_want locate_next(struct locate *l, struct addr *addr)
{
	if (l->i < l->n) {
		*addr = l->addr[l->i++];
		return LOCATE_ADDR;
	}
	return next_target(l);
}

void locate_name(const struct locate *l, char name[DNS_NAME_MAX + 1])
{
	static const char *const prefix[SIP_NTRANSPORT] = {
		[SIP_UDP] = "_sip._udp.", [SIP_TCP] = "_sip._tcp.", [SIP_TLS] = "_sips._tcp.",
	};
	struct buf b;

	buf_init(&b, name, DNS_NAME_MAX + 1);
	if (l->stage == LOCATE_SRV)
		buf_lit(&b, prefix[l->transport]);
	buf_lit(&b, l->stage == LOCATE_TARGET ? l->srv->rr[l->isrv].target : l->host);
	(void)buf_z(&b);	/* a name too long becomes "", which no server knows */
}

enum dns_type locate_type(const struct locate *l)
{
	if (l->stage == LOCATE_SRV)
		return DNS_SRV;
	return l->v6 ? DNS_ADDR6 : DNS_ADDR4;
}

void locate_close(struct locate *l)
{
	mem_free(l->srv);
	l->srv = NULL;
}
