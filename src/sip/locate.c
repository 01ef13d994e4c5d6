#include "sip/locate.h"

#include <string.h>

uint16_t sip_default_port(enum sip_transport t)
{
	return t == SIP_TLS ? 5061 : 5060;
}

static enum locate_want begin(struct locate *l, bool choose)
{
	if (l->port) {
		l->stage = LOCATE_HOST;
		return LOCATE_ASK;
	}
	if (choose) {
		l->stage = LOCATE_NAPTR;
		return LOCATE_ASK;
	}
	l->way[l->nways++] = (struct locate_way){ .transport = l->transport };
	l->stage = LOCATE_SRV;
	return LOCATE_ASK;
}

enum locate_want locate_start(struct locate *l, const struct locate_ask *a, struct addr *addr)
{
	struct addr lit;

	*l = (struct locate){ .transport = a->transport, .first = a->transport, .v6 = a->v6,
			      .may = a->may | 1u << a->transport, .port = a->port };
	if (a->host.n == 0 || !str_copy(l->host, sizeof l->host, a->host))
		return LOCATE_FAILED;
	if (addr_parse_ip(a->host, &lit) == OK) {
		lit.port = a->port ? a->port : sip_default_port(a->transport);
		locate_fixed(l, a->transport, &lit);
		return locate_next(l, addr);
	}
	return begin(l, a->may != 0);
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

/* --- NAPTR --- */

static bool service_of(const char *text, enum sip_transport *t)
{
	static const struct { const char *text; enum sip_transport t; } known[] = {
		{ "SIP+D2U", SIP_UDP }, { "SIP+D2T", SIP_TCP }, { "SIPS+D2T", SIP_TLS },
	};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (str_iis(str_of(text), known[i].text)) {
			*t = known[i].t;
			return true;
		}
	return false;
}

/* RFC 3403 4.1: by order, then by preference. */
static bool before(const struct dns_rr *a, const struct dns_rr *b)
{
	return a->priority != b->priority ? a->priority < b->priority : a->weight < b->weight;
}

static void add_way(struct locate *l, enum sip_transport t, const char *name)
{
	struct locate_way *w = &l->way[l->nways];

	if (l->nways == LOCATE_WAYS)
		return;
	l->nways++;
	w->transport = t;
	w->name = name ? mem_dup(name, strlen(name)) : NULL;
}

static enum locate_want ask_way(struct locate *l)
{
	l->transport = l->way[l->iway].transport;
	l->stage = LOCATE_SRV;
	return LOCATE_ASK;
}

/* 4.1: the services we can use, in their order. Without any: SRV for each transport, the one
 * asked for first. */
static enum locate_want naptr_answer(struct locate *l, const struct dns_result *r)
{
	const struct dns_rr *sorted[DNS_MAX_RESULTS];
	enum sip_transport t;
	int n = 0;

	for (int i = 0; r->err == OK && i < r->n && i < DNS_MAX_RESULTS; i++) {
		int k = n++;

		for (; k > 0 && before(&r->rr[i], sorted[k - 1]); k--)
			sorted[k] = sorted[k - 1];
		sorted[k] = &r->rr[i];
	}
	for (int i = 0; i < n; i++)
		if (sorted[i]->flag == 's' && sorted[i]->target[0] &&
		    service_of(sorted[i]->service, &t) && l->may >> t & 1)
			add_way(l, t, sorted[i]->target);
	if (!l->nways) {
		add_way(l, l->first, NULL);
		for (int i = 0; i < SIP_NTRANSPORT; i++)
			if (l->may >> i & 1 && i != (int)l->first)
				add_way(l, (enum sip_transport)i, NULL);
	}
	return ask_way(l);
}

/* --- SRV --- */

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

/* No SRV record at all: the name itself, with the transport asked for (4.2). */
static enum locate_want bare_host(struct locate *l)
{
	if (l->found || l->stage == LOCATE_HOST || l->stage == LOCATE_LITERAL)
		return LOCATE_FAILED;
	l->transport = l->first;
	l->stage = LOCATE_HOST;
	l->port = sip_default_port(l->transport);
	return LOCATE_ASK;
}

/* "." means: not offered here. */
static bool is_target(const struct dns_rr *rr)
{
	return rr->target[0] != 0 && strcmp(rr->target, ".") != 0 && rr->port != 0;
}

/* The next SRV target becomes the question, or the next service. */
static enum locate_want next_target(struct locate *l)
{
	while (l->srv && ++l->isrv < l->srv->n) {
		if (!is_target(&l->srv->rr[l->isrv]))
			continue;
		l->stage = LOCATE_TARGET;
		l->port = l->srv->rr[l->isrv].port;
		return LOCATE_ASK;
	}
	mem_free(l->srv);
	l->srv = NULL;
	if (l->stage == LOCATE_LITERAL || ++l->iway >= l->nways)
		return bare_host(l);
	return ask_way(l);
}

static enum locate_want srv_answer(struct locate *l, struct rng *rng, const struct dns_result *r)
{
	if (r->err == OK && r->n > 0) {
		l->found = true;
		l->srv = mem_new(sizeof *l->srv);
		*l->srv = *r;
		if (l->srv->n > DNS_MAX_RESULTS)
			l->srv->n = DNS_MAX_RESULTS;
		order(l->srv, rng);
		l->isrv = -1;
	}
	return next_target(l);
}

enum locate_want locate_answer(struct locate *l, struct rng *rng, const struct dns_result *r,
			       struct addr *addr)
{
	if (l->stage == LOCATE_NAPTR)
		return naptr_answer(l, r);
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

bool locate_more(const struct locate *l)
{
	if (l->i < l->n)
		return true;
	for (int k = l->isrv + 1; l->srv && k < l->srv->n; k++)
		if (is_target(&l->srv->rr[k]))
			return true;
	return false;
}

void locate_name(const struct locate *l, char name[DNS_NAME_MAX + 1])
{
	static const char *const prefix[SIP_NTRANSPORT] = {
		[SIP_UDP] = "_sip._udp.", [SIP_TCP] = "_sip._tcp.", [SIP_TLS] = "_sips._tcp.",
	};
	const struct locate_way *w = l->stage == LOCATE_SRV ? &l->way[l->iway] : NULL;
	struct buf b;

	buf_init(&b, name, DNS_NAME_MAX + 1);
	if (w && !w->name)
		buf_lit(&b, prefix[w->transport]);
	buf_lit(&b, l->stage == LOCATE_TARGET ? l->srv->rr[l->isrv].target
		    : w && w->name ? w->name : l->host);
	(void)buf_z(&b);	/* a name too long becomes "", which no server knows */
}

enum dns_type locate_type(const struct locate *l)
{
	if (l->stage == LOCATE_NAPTR)
		return DNS_NAPTR;
	if (l->stage == LOCATE_SRV)
		return DNS_SRV;
	return l->v6 ? DNS_ADDR6 : DNS_ADDR4;
}

void locate_close(struct locate *l)
{
	mem_free(l->srv);
	l->srv = NULL;
	for (int k = 0; k < l->nways; k++)
		mem_free(l->way[k].name);
	l->nways = l->iway = 0;
}
