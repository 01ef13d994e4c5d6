#include "sip/auth.h"

#include <string.h>

#include "io/crypto.h"
#include "sip/chars.h"

enum {
	WAYS = 8, SETS = AUTH_NONCES / WAYS,
	TIME_BYTES = 5, RAND_BYTES = 5, MAC_BYTES = 8,
	HEAD_BYTES = TIME_BYTES + RAND_BYTES, RAW_BYTES = HEAD_BYTES + MAC_BYTES,
	NONCE_LEN = RAW_BYTES / 3 * 4,	/* base64 of a multiple of 3: no padding */
};

struct used {			/* a nonce that passed at least once */
	uint64_t tag;		/* of its time and random part; 0: free */
	ms_t made;
	uint32_t top;		/* highest count seen                */
	uint32_t seen;		/* bit i: top - i was seen           */
};

struct set {
	struct used used[WAYS];
	ms_t floor;		/* a nonce as old as this may have been used and forgotten */
	bool evicted;		/* floor is set */
};

struct auth {
	uint8_t key[32];
	struct rng *rng;
	struct set set[SETS];
};

struct auth *auth_new(struct rng *r)
{
	struct auth *a = mem_new(sizeof *a);

	a->rng = r;
	rng_bytes(r, a->key, sizeof a->key);
	return a;
}

void auth_free(struct auth *a)
{
	if (!a)
		return;
	mem_wipe(a, sizeof *a);
	mem_free(a);
}

/* --- nonces --- */

static struct str key_of(const struct auth *a)
{
	return (struct str){ (const char *)a->key, sizeof a->key };
}

/* HMAC over time and random part, the realm and where it was given out. The port is left
 * out: the answer to a challenge may come over another connection. */
static void mac_of(const struct auth *a, const uint8_t head[HEAD_BYTES], const struct auth_try *t,
		   uint8_t out[MAC_BYTES])
{
	uint8_t mac[32];
	struct str part[] = { STR("nonce"), { (const char *)head, HEAD_BYTES }, t->realm,
			      { (const char *)t->src.ip, sizeof t->src.ip } };

	crypto_hmac_sha256(key_of(a), part, 4, mac);
	memcpy(out, mac, MAC_BYTES);
}

static void make_nonce(struct auth *a, const struct auth_try *t, char out[NONCE_LEN])
{
	uint8_t raw[RAW_BYTES];
	struct buf b;

	for (int i = 0; i < TIME_BYTES; i++)
		raw[i] = (uint8_t)(t->now >> 8 * (TIME_BYTES - 1 - i));
	rng_bytes(a->rng, raw + TIME_BYTES, RAND_BYTES);
	mac_of(a, raw, t, raw + HEAD_BYTES);
	buf_init(&b, out, NONCE_LEN);
	crypto_base64(&b, raw, sizeof raw);
}

/* Did we give this nonce to this source for this realm? Never mind when. */
static bool ours(const struct auth *a, const struct auth_try *t, struct str nonce,
		 uint8_t raw[RAW_BYTES])
{
	uint8_t mac[MAC_BYTES];
	size_t n = 0;

	if (nonce.n != NONCE_LEN || crypto_unbase64(nonce, raw, RAW_BYTES, &n) || n != RAW_BYTES)
		return false;
	mac_of(a, raw, t, mac);
	return crypto_same(mac, raw + HEAD_BYTES, MAC_BYTES);
}

bool auth_gave(const struct auth *a, const struct auth_try *t, const struct digest_creds *c)
{
	uint8_t raw[RAW_BYTES];

	return ours(a, t, c->nonce, raw);
}

static ms_t made_of(const uint8_t raw[RAW_BYTES])
{
	ms_t t = 0;

	for (int i = 0; i < TIME_BYTES; i++)
		t = t << 8 | raw[i];
	return t;
}

/* Nonces of one minute differ in it, its lowest bits are random; 0 is a free place. */
static uint64_t tag_of(const uint8_t raw[RAW_BYTES])
{
	uint64_t v = 0;

	for (int i = HEAD_BYTES - (int)sizeof v; i < HEAD_BYTES; i++)
		v = v << 8 | raw[i];
	return v ? v : 1;
}

/* --- counts, RFC 7616 3.3 nc --- */

static bool count(struct used *u, uint32_t nc)
{
	uint32_t d;

	if (nc > u->top) {
		d = nc - u->top;
		u->seen = d < AUTH_WINDOW ? u->seen << d | 1 : 1;
		u->top = nc;
		return true;
	}
	d = u->top - nc;
	if (d >= AUTH_WINDOW || u->seen & 1u << d)
		return false;
	u->seen |= 1u << d;
	return true;
}

static bool expired(ms_t made, ms_t now)
{
	return made > now || now - made > AUTH_NONCE_MS;
}

/* A free place, or the one of the oldest nonce. */
static struct used *place(struct set *s, ms_t now)
{
	struct used *oldest = &s->used[0];

	for (int i = 0; i < WAYS; i++) {
		if (!s->used[i].tag || expired(s->used[i].made, now))
			return &s->used[i];
		if (s->used[i].made < oldest->made)
			oldest = &s->used[i];
	}
	if (!s->evicted || oldest->made > s->floor)
		s->floor = oldest->made;
	s->evicted = true;
	return oldest;
}

/* The response was right: may this nonce with this count be taken? */
static bool take(struct auth *a, const uint8_t raw[RAW_BYTES], const struct digest_creds *c, ms_t now)
{
	uint64_t tag = tag_of(raw);
	ms_t made = made_of(raw);
	struct set *s = &a->set[tag % SETS];
	struct used *u;

	if (expired(made, now))
		return false;
	for (int i = 0; i < WAYS; i++)
		if (s->used[i].tag == tag)
			return c->qop && count(&s->used[i], c->nc);
	if (s->evicted && made <= s->floor)
		return false;
	u = place(s, now);
	*u = (struct used){ .tag = tag, .made = made, .top = c->nc, .seen = 1 };
	if (!c->qop) {		/* without a count it is good once */
		u->top = UINT32_MAX;
		u->seen = UINT32_MAX;
	}
	return true;
}

/* --- checking --- */

static bool is_digest(struct str value)
{
	struct str scheme = str_trim(value);

	for (size_t i = 0; i < scheme.n; i++)
		if (scheme.p[i] == ' ' || scheme.p[i] == '\t')
			scheme.n = i;
	return str_iis(scheme, "Digest");
}

enum auth_verdict auth_creds(const struct sip_msg *m, bool proxy, struct str realm,
			     struct digest_creds *c)
{
	enum sip_hdr_id id = proxy ? SIP_H_PROXY_AUTHORIZATION : SIP_H_AUTHORIZATION;
	const struct sip_hdr *h = NULL;
	struct digest_creds one;
	bool bad = false;

	while ((h = sip_hdr_each(m, id, h)) != NULL) {
		if (!is_digest(h->value))	/* RFC 3261 22.2: as if it were not there */
			continue;
		if (digest_parse_creds(h->value, &one) != OK) {
			bad = true;
		} else if (str_eq(one.realm, realm) && one.alg != DIGEST_OTHER) {
			*c = one;
			return AUTH_OK;
		}
	}
	return bad ? AUTH_BAD : AUTH_NONE;
}

/* HA1 of nobody: stable, and nobody's to know. */
static void fake_ha1(const struct auth *a, const struct digest_creds *c, char out[DIGEST_HEX])
{
	uint8_t mac[32];
	struct str part[] = { STR("nobody"), c->username, STR(":"), c->realm };
	struct buf b;

	crypto_hmac_sha256(key_of(a), part, 4, mac);
	buf_init(&b, out, DIGEST_HEX);
	buf_hex(&b, mac, digest_len(c->alg) / 2);
	(void)buf_z(&b);	/* fits */
}

static bool same_user(struct str a, struct str b)
{
	char plain[2][256];
	struct buf x, y;

	buf_init(&x, plain[0], sizeof plain[0]);
	buf_init(&y, plain[1], sizeof plain[1]);
	sip_user_plain(&x, a);
	sip_user_plain(&y, b);
	return buf_ok(&x) && buf_ok(&y) && str_eq(buf_str(&x), buf_str(&y));
}

/* RFC 7616 3.4.6: the URI of the credentials is the one that is asked for. Proxies may have rewritten ours, and some
 * phones leave its user out, so host and user are enough; a call to another number is another request. */
static bool for_this(const struct sip_msg *m, const struct digest_creds *c)
{
	struct sip_uri u;

	if (str_eq(c->uri, m->uri.raw))
		return true;
	return sip_uri_parse(c->uri, &u) == OK && str_ieq(u.host, m->uri.host) &&
	       (m->method != SIP_INVITE || !u.user.n || same_user(u.user, m->uri.user));
}

enum auth_verdict auth_check(struct auth *a, const struct auth_try *t, const struct sip_msg *m,
			     const struct digest_creds *c, const struct auth_secret *secret)
{
	char fake[DIGEST_HEX], want[DIGEST_HEX], got[DIGEST_HEX] = "";
	size_t n = digest_len(c->alg);
	uint8_t raw[RAW_BYTES];
	struct str ha1;
	bool right, known, fresh;

	if (c->alg == DIGEST_OTHER)
		return AUTH_REFUSED;
	fake_ha1(a, c, fake);
	ha1 = secret->known ? secret->ha1[c->alg] : STR_NONE;
	known = ha1.n == n;
	if (!known)
		ha1 = str_of(fake);
	fresh = ours(a, t, c->nonce, raw);
	digest_response(c, ha1, m->method_name, want);
	for (size_t i = 0; i < n && c->response.n == n; i++)
		got[i] = ch_lower(c->response.p[i]);
	right = crypto_same(want, got, n);
	if (!right || !known || !for_this(m, c))
		return AUTH_REFUSED;
	return fresh && take(a, raw, c, t->now) ? AUTH_OK : AUTH_STALE;
}

enum err auth_challenge(struct auth *a, const struct auth_try *t, bool stale, struct buf *sha256,
			struct buf *md5)
{
	char nonce[NONCE_LEN];
	struct digest_challenge c = { .realm = t->realm, .stale = stale, .qop = true };

	make_nonce(a, t, nonce);
	c.nonce = (struct str){ nonce, sizeof nonce };
	c.alg = DIGEST_SHA256;
	digest_write_challenge(sha256, &c);
	c.alg = DIGEST_MD5;
	digest_write_challenge(md5, &c);
	return buf_ok(sha256) && buf_ok(md5) ? OK : ERR_LIMIT;
}
