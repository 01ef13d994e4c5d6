#include "sip/login.h"

#include <string.h>

#include "sip/digest.h"

enum { NONCE_MAX = 512, REALM_MAX = 256, CNONCE = 8 };

struct nonce {			/* one peer's last challenge of one kind */
	struct addr peer;
	bool used, proxy, qop;
	enum digest_alg alg;
	uint32_t nc;
	ms_t at;
	char *text, *opaque;	/* opaque: NULL when it gave none */
};

struct login {
	char *user, *password, *realm;		/* realm: NULL until one asked */
	char host[SIP_LOGIN_HOSTS][256];
	int nhosts;
	bool tls;
	struct addr peer[LOGIN_PEERS];		/* a ring when full */
	unsigned npeers;
	struct nonce nonce[LOGIN_NONCES];
};

struct login *login_new(const struct sip_login *s)
{
	struct login *l = mem_new(sizeof *l);
	struct addr a;

	l->user = mem_dup(s->user.p, s->user.n);
	l->password = mem_dup(s->password.p, s->password.n);
	l->tls = s->tls;
	if (s->realm.n)
		l->realm = mem_dup(s->realm.p, s->realm.n);
	for (int i = 0; i < s->nhosts && i < SIP_LOGIN_HOSTS; i++) {
		if (!str_copy(l->host[l->nhosts], sizeof l->host[0], s->host[i]))
			continue;
		if (addr_parse_ip(s->host[i], &a) == OK)
			login_met(l, STR_NONE, &a);
		l->nhosts++;
	}
	return l;
}

static void forget(struct nonce *n)
{
	mem_free(n->text);
	mem_free(n->opaque);
	*n = (struct nonce){ 0 };
}

void login_free(struct login *l)
{
	if (!l)
		return;
	for (int i = 0; i < LOGIN_NONCES; i++)
		forget(&l->nonce[i]);
	mem_wipe(l->password, strlen(l->password));
	mem_free(l->password);
	mem_free(l->user);
	mem_free(l->realm);
	mem_free(l);
}

/* --- who may see it --- */

bool login_has_host(const struct login *l, struct str host)
{
	for (int i = 0; i < l->nhosts; i++)
		if (str_ieq(host, str_of(l->host[i])))
			return true;
	return false;
}

static bool met(const struct login *l, const struct addr *at)
{
	for (unsigned i = 0; i < l->npeers && i < LOGIN_PEERS; i++)
		if (addr_same_ip(&l->peer[i], at))
			return true;
	return false;
}

void login_met(struct login *l, struct str host, const struct addr *at)
{
	if ((host.p && !login_has_host(l, host)) || met(l, at))
		return;
	l->peer[l->npeers % LOGIN_PEERS] = *at;
	l->npeers++;
}

bool login_knows(const struct login *l, const struct login_peer *p)
{
	if (!p->tls && l->tls)
		return false;
	return met(l, &p->addr) && (!p->tls || login_has_host(l, p->tls_name));
}

/* --- what it asked --- */

static struct nonce *find(struct login *l, const struct addr *peer, bool proxy)
{
	for (int i = 0; i < LOGIN_NONCES; i++)
		if (l->nonce[i].used && l->nonce[i].proxy == proxy &&
		    addr_same_ip(&l->nonce[i].peer, peer))
			return &l->nonce[i];
	return NULL;
}

static struct nonce *room(struct login *l, const struct addr *peer, bool proxy)
{
	struct nonce *n = find(l, peer, proxy);

	for (int i = 0; i < LOGIN_NONCES && !n; i++)
		if (!l->nonce[i].used)
			n = &l->nonce[i];
	if (n)
		return n;
	n = &l->nonce[0];
	for (int i = 1; i < LOGIN_NONCES; i++)
		if (l->nonce[i].at < n->at)
			n = &l->nonce[i];
	return n;
}

static bool usable(const struct digest_challenge *c)
{
	return c->alg != DIGEST_OTHER && !c->other_qop && c->nonce.n <= NONCE_MAX &&
	       c->opaque.n <= NONCE_MAX && c->realm.n <= REALM_MAX;
}

/* The topmost one for our realm that we can do. */
static enum sip_auth choose(const struct login *l, const struct sip_msg *m, bool proxy,
			    struct digest_challenge *out)
{
	enum sip_hdr_id id = proxy ? SIP_H_PROXY_AUTHENTICATE : SIP_H_WWW_AUTHENTICATE;
	enum sip_auth why = SIP_AUTH_UNKNOWN;
	const struct sip_hdr *h = NULL;
	struct digest_challenge c;

	while ((h = sip_hdr_each(m, id, h)) != NULL) {
		if (digest_parse_challenge(h->value, &c) != OK)
			continue;
		if (l->realm && !str_is(c.realm, l->realm)) {
			why = SIP_AUTH_REALM;
			continue;
		}
		if (usable(&c)) {
			*out = c;
			return SIP_AUTH_NONE;
		}
	}
	return why;
}

/* Is it worth another try? A second refusal of the same kind is final, unless the peer says
 * that only the nonce is too old. */
static bool again(const struct login_try *t, bool proxy, bool stale)
{
	if (t->count >= LOGIN_TRIES)
		return false;
	return stale || !(proxy ? t->proxy : t->www);
}

enum sip_auth login_challenged(struct login *l, const struct login_peer *p,
			       const struct sip_msg *m, ms_t now, struct login_try *t)
{
	bool proxy = m->status == 407;
	struct digest_challenge c;
	struct nonce *n;
	enum sip_auth why;

	if (!login_knows(l, p) || !addr_same_ip(&m->src, &p->addr))
		return SIP_AUTH_ELSEWHERE;
	why = choose(l, m, proxy, &c);
	if (why != SIP_AUTH_NONE)
		return why;
	n = room(l, &p->addr, proxy);
	forget(n);
	if (!again(t, proxy, c.stale))
		return SIP_AUTH_WRONG;
	if (!l->realm)
		l->realm = mem_dup(c.realm.p, c.realm.n);
	*n = (struct nonce){ .peer = p->addr, .used = true, .proxy = proxy, .qop = c.qop,
			     .alg = c.alg, .at = now, .text = mem_dup(c.nonce.p, c.nonce.n) };
	if (c.opaque.p)
		n->opaque = mem_dup(c.opaque.p, c.opaque.n);
	t->count++;
	t->www |= !proxy;
	t->proxy |= proxy;
	return SIP_AUTH_NONE;
}

/* --- the answer --- */

static void write_one(const struct login *l, struct nonce *n, struct str method, struct str uri,
		      struct rng *rng, struct buf *b)
{
	char cnonce[2 * CNONCE + 1], ha1[DIGEST_HEX], response[DIGEST_HEX];
	struct digest_creds c = { .alg = n->alg, .username = str_of(l->user),
				  .realm = str_of(l->realm), .nonce = str_of(n->text), .uri = uri,
				  .opaque = str_of(n->opaque), .nc = ++n->nc, .qop = n->qop };

	rng_hex(rng, cnonce, CNONCE);
	c.cnonce = str_of(cnonce);
	digest_ha1(n->alg, c.username, c.realm, str_of(l->password), ha1);
	digest_response(&c, str_of(ha1), method, response);
	c.response = str_of(response);
	buf_lit(b, n->proxy ? "Proxy-Authorization: " : "Authorization: ");
	digest_write_creds(b, &c);
	buf_lit(b, "\r\n");
	mem_wipe(ha1, sizeof ha1);
}

void login_write(struct login *l, const struct login_peer *p, struct str method, struct str uri,
		 struct rng *rng, struct buf *b)
{
	struct nonce *n;

	if (!login_knows(l, p) || !l->realm)
		return;
	for (int proxy = 0; proxy < 2; proxy++) {
		n = find(l, &p->addr, proxy != 0);
		if (n)
			write_one(l, n, method, uri, rng, b);
	}
}
