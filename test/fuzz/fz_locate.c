/* Whatever a name server says, locating ends, and never leaves the transports it may use. */
#include <stdlib.h>

#include "sip/locate.h"

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n);

struct in { const uint8_t *p; size_t n; };

static unsigned get(struct in *in)
{
	if (!in->n)
		return 0;
	in->n--;
	return *in->p++;
}

static void record(struct in *in, struct dns_rr *rr)
{
	static const char *const service[] = { "SIP+D2U", "SIP+D2T", "SIPS+D2T", "E2U+sip" };
	static const char *const target[] = { "a.example", ".", "", "_sip._tcp.b.example" };
	unsigned c = get(in);

	rr->priority = (uint16_t)(c & 3);
	rr->weight = (uint16_t)(c >> 2 & 3);
	rr->port = c & 16 ? 0 : 5060;
	rr->flag = c & 32 ? 'u' : 's';
	rr->addr = (struct addr){ ADDR_V4, 0, { 192, 0, 2, (uint8_t)c } };
	(void)str_copy(rr->service, sizeof rr->service, str_of(service[c >> 6]));
	(void)str_copy(rr->target, sizeof rr->target, str_of(target[get(in) & 3]));
}

static void answer(struct in *in, struct dns_result *r)
{
	unsigned how = get(in);

	*r = (struct dns_result){ .err = how & 1 ? ERR_GONE : OK };
	if (r->err == OK)
		r->n = (int)(how >> 4);
	for (int i = 0; i < r->n; i++)
		record(in, &r->rr[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n)
{
	struct in in = { d, n };
	unsigned c = get(&in);
	struct locate_ask ask = { .host = c & 1 ? STR("example.com") : STR("192.0.2.9"),
				  .port = c & 2 ? 5070 : 0, .v6 = c & 4,
				  .transport = (enum sip_transport)((c >> 3) % SIP_NTRANSPORT) };
	struct locate l;
	struct dns_result r;
	struct addr a;
	struct rng rng;
	enum locate_want w;
	char name[DNS_NAME_MAX + 1];
	int steps = 0;

	ask.may = c & 32 ? get(&in) & 7 : 0;
	rng_seed(&rng, c);
	for (w = locate_start(&l, &ask, &a); w != LOCATE_FAILED; steps++) {
		if (steps > 20000 || !(l.may >> l.transport & 1) ||
		    (l.transport != ask.transport && !(ask.may >> l.transport & 1)))
			abort();
		if (w == LOCATE_ADDR) {
			if (!a.port)
				abort();
			w = locate_next(&l, &a);
			continue;
		}
		locate_name(&l, name);
		(void)locate_type(&l);
		answer(&in, &r);
		w = locate_answer(&l, &rng, &r, &a);
	}
	locate_close(&l);
	return 0;
}
