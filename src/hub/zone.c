#include "hub/zone.h"

#include <string.h>

#include "base/mem.h"

enum { RR_MAX = 64, TYPE_A = 1, TYPE_AAAA = 28, TYPE_SRV = 33, NAME_MAX_ = 256 };

struct rr {
	char name[NAME_MAX_];
	uint16_t type;
	uint32_t ttl;
	struct addr addr;
	char target[NAME_MAX_];
	uint16_t port, priority;
	uint64_t asked;
};

struct zone {
	struct loop *loop;
	net_id sock;
	struct addr at;
	struct rr rr[RR_MAX];
	int n;
	bool mute;
};

/* One question: name as dotted text and its type. 0: not a question we understand, else the
 * offset behind it. */
static size_t question(const uint8_t *q, size_t n, char name[NAME_MAX_], uint16_t *type)
{
	size_t i = 12, o = 0;

	if (n < 17 || (q[2] & 0x80) || q[4] || q[5] != 1)
		return 0;
	while (i < n && q[i]) {
		size_t len = q[i++];

		if (len > 63 || i + len >= n || o + len + 2 > NAME_MAX_)
			return 0;
		if (o)
			name[o++] = '.';
		memcpy(name + o, q + i, len);
		o += len;
		i += len;
	}
	if (i + 5 > n)
		return 0;
	name[o] = 0;
	*type = (uint16_t)(q[i + 1] << 8 | q[i + 2]);
	return i + 5;
}

static void put16(uint8_t **p, unsigned v)
{
	*(*p)++ = (uint8_t)(v >> 8);
	*(*p)++ = (uint8_t)v;
}

static void put_name(uint8_t **p, const char *name)
{
	while (*name) {
		size_t len = strcspn(name, ".");

		*(*p)++ = (uint8_t)len;
		memcpy(*p, name, len);
		*p += len;
		name += len + (name[len] == '.');
	}
	*(*p)++ = 0;
}

static void put_rr(uint8_t **p, const struct rr *r)
{
	uint8_t *len;

	put16(p, 0xc00c);			/* the question's name */
	put16(p, r->type);
	put16(p, 1);
	put16(p, r->ttl >> 16);
	put16(p, r->ttl & 0xffff);
	len = *p;
	*p += 2;
	if (r->type == TYPE_SRV) {
		put16(p, r->priority);
		put16(p, 10);
		put16(p, r->port);
		put_name(p, r->target);
	} else {
		size_t k = r->type == TYPE_A ? 4 : 16;

		memcpy(*p, r->addr.ip, k);
		*p += k;
	}
	put16(&len, (unsigned)(*p - len - 2));
}

size_t zone_answer(struct zone *z, const uint8_t *q, size_t n, uint8_t *out, size_t cap)
{
	char name[NAME_MAX_];
	uint16_t type, count = 0;
	bool known = false;
	size_t end = question(q, n, name, &type);
	uint8_t *p = out + end;

	if (!end || cap < end + 16)
		return 0;
	memcpy(out, q, end);
	for (int i = 0; i < z->n; i++) {
		struct rr *r = &z->rr[i];

		if (!str_ieq(str_of(r->name), str_of(name)))
			continue;
		known = true;
		r->asked++;
		if (r->type == type && (size_t)(out + cap - p) > 24 + sizeof r->target) {
			put_rr(&p, r);
			count++;
		}
	}
	out[2] = 0x84 | (q[2] & 1);		/* answer, authoritative, RD copied */
	out[3] = known ? 0x80 : 0x83;		/* NXDOMAIN */
	memset(out + 6, 0, 6);
	out[7] = (uint8_t)count;
	return (size_t)(p - out);
}

static void recv_query(void *ctx, net_id sock, const struct addr *from, const struct addr *to,
		       struct str bytes)
{
	struct zone *z = ctx;
	uint8_t out[2048];
	size_t n;

	if (z->mute)
		return;
	n = zone_answer(z, (const uint8_t *)bytes.p, bytes.n, out, sizeof out);
	if (n)
		net_udp_send(z->loop, sock, to, from, (struct str){ (char *)out, n });
}

struct zone *zone_new(struct loop *l, const struct addr *at, int *err_no)
{
	static const struct net_dgram_handler h = { recv_query };
	struct zone *z = mem_new(sizeof *z);

	z->loop = l;
	z->sock = net_udp_bind(l, at, &h, z, err_no);
	if (!z->sock || !net_local(l, z->sock, &z->at)) {
		mem_free(z);
		return NULL;
	}
	return z;
}

void zone_free(struct zone *z)
{
	if (!z)
		return;
	net_close(z->loop, z->sock);
	mem_free(z);
}

uint16_t zone_port(const struct zone *z)
{
	return z->at.port;
}

static struct rr *place(struct zone *z, const char *name, uint16_t type)
{
	struct rr *r = NULL;

	for (int i = 0; i < z->n && !r; i++)
		if (z->rr[i].type == type && str_ieq(str_of(z->rr[i].name), str_of(name)))
			r = &z->rr[i];
	if (!r && z->n == RR_MAX)
		return NULL;
	if (!r)
		r = &z->rr[z->n++];
	*r = (struct rr){ .type = type };
	(void)str_copy(r->name, sizeof r->name, str_of(name));	/* too long: never asked for */
	return r;
}

void zone_set(struct zone *z, const char *name, const struct addr *a, uint32_t ttl_s)
{
	struct rr *r = place(z, name, a->family == ADDR_V6 ? TYPE_AAAA : TYPE_A);

	if (!r)
		return;
	r->addr = *a;
	r->ttl = ttl_s;
}

void zone_set_srv(struct zone *z, const char *name, const char *target, uint16_t port,
		  uint16_t priority, uint32_t ttl_s)
{
	struct rr *r = place(z, name, TYPE_SRV);

	if (!r || !str_copy(r->target, sizeof r->target, str_of(target)))
		return;
	r->port = port;
	r->priority = priority;
	r->ttl = ttl_s;
}

void zone_remove(struct zone *z, const char *name)
{
	for (int i = 0; i < z->n;)
		if (str_ieq(str_of(z->rr[i].name), str_of(name)))
			z->rr[i] = z->rr[--z->n];
		else
			i++;
}

void zone_mute(struct zone *z, bool mute)
{
	z->mute = mute;
}

uint64_t zone_queries(const struct zone *z, const char *name)
{
	uint64_t n = 0;

	for (int i = 0; i < z->n; i++)
		if (str_ieq(str_of(z->rr[i].name), str_of(name)))
			n += z->rr[i].asked;
	return n;
}
