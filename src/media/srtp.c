#include "media/srtp.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/ossl.h"
#include "media/rtp.h"

enum { KEY = 16, SALT_CM = 14, SALT_GCM = 12, AUTH = 20, GCM_TAG = 16, WINDOW = 128 };

struct source {
	uint32_t ssrc;
	bool used;
	uint32_t roc;
	uint16_t top;			/* highest sequence number */
	bool started;
	uint64_t window[2];		/* bit i: index top - i was seen */
	uint32_t rtcp_top;
	bool rtcp_started;
	uint64_t rtcp_window[2];
	uint64_t packets;
};

struct retired {			/* a source that gave way to a fifth one */
	uint32_t ssrc, roc, rtcp_top;
	uint16_t top;
	bool used, started, rtcp_started;
};

struct hint { uint32_t ssrc, roc; uint16_t top; bool used; };	/* under the key before */

struct half {				/* keys of SRTP or SRTCP */
	EVP_CIPHER_CTX *cipher;
	EVP_MD_CTX *inner, *outer;	/* HMAC with the key already in */
	uint8_t salt[SALT_CM];
};

struct srtp {
	enum srtp_suite suite;
	size_t tag, mki;
	struct half rtp, rtcp;
	EVP_MD_CTX *work;
	struct source src[SRTP_SSRC_MAX];
	struct retired old[SRTP_RETIRED_MAX];	/* a ring */
	unsigned nold;
	struct hint hint[SRTP_SSRC_MAX];
	uint32_t rtcp_index;		/* of ours */
};

size_t srtp_key_bytes(enum srtp_suite s)
{
	static const size_t n[SRTP_NSUITE] = { [SRTP_AES_CM_80] = 30, [SRTP_AES_CM_32] = 30,
					       [SRTP_AES_GCM] = 28 };

	return n[s];
}

static void must(int ok)
{
	if (ok == 1)
		return;
	fputs("tandem: libcrypto does not work (AES or SHA-1 failed); check OpenSSL\n", stderr);
	abort();
}

/* --- keys (RFC 3711 4.3) ----------------------------------------------------- */

static void derive(const uint8_t *master, const uint8_t salt[SALT_CM], uint8_t label, uint8_t *out,
		   size_t n)
{
	uint8_t iv[16] = { 0 }, zero[32] = { 0 }, tmp[48];
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int len = 0;

	memcpy(iv, salt, SALT_CM);
	iv[7] ^= label;
	must(c != NULL);
	must(EVP_EncryptInit_ex(c, EVP_aes_128_ctr(), NULL, master, iv));
	must(EVP_EncryptUpdate(c, tmp, &len, zero, (int)n));
	memcpy(out, tmp, n);
	EVP_CIPHER_CTX_free(c);
	mem_wipe(tmp, sizeof tmp);
}

static EVP_MD_CTX *keyed(const uint8_t key[AUTH], uint8_t pad)
{
	uint8_t block[64];
	EVP_MD_CTX *c = EVP_MD_CTX_new();

	memset(block, pad, sizeof block);
	for (int i = 0; i < AUTH; i++)
		block[i] ^= key[i];
	must(c != NULL);
	must(EVP_DigestInit_ex(c, EVP_sha1(), NULL));
	must(EVP_DigestUpdate(c, block, sizeof block));
	mem_wipe(block, sizeof block);
	return c;
}

static void half_init(struct half *h, enum srtp_suite s, const uint8_t *key,
		      const uint8_t salt[SALT_CM], uint8_t label)
{
	const EVP_CIPHER *c = s == SRTP_AES_GCM ? EVP_aes_128_gcm() : EVP_aes_128_ctr();
	uint8_t k[KEY], a[AUTH];

	derive(key, salt, label, k, KEY);
	derive(key, salt, (uint8_t)(label + 2), h->salt,
	       s == SRTP_AES_GCM ? (size_t)SALT_GCM : (size_t)SALT_CM);
	h->cipher = EVP_CIPHER_CTX_new();
	must(h->cipher != NULL);
	must(EVP_CipherInit_ex(h->cipher, c, NULL, k, NULL, 1));
	if (s != SRTP_AES_GCM) {
		derive(key, salt, (uint8_t)(label + 1), a, AUTH);
		h->inner = keyed(a, 0x36);
		h->outer = keyed(a, 0x5c);
	}
	mem_wipe(k, sizeof k);
	mem_wipe(a, sizeof a);
}

static void half_close(struct half *h)
{
	EVP_CIPHER_CTX_free(h->cipher);	/* clears its key */
	EVP_MD_CTX_free(h->inner);
	EVP_MD_CTX_free(h->outer);
}

void srtp_set_mki(struct srtp *s, size_t mki)
{
	s->mki = mki <= 4 ? mki : 4;
}

struct srtp *srtp_new(enum srtp_suite suite, const uint8_t *key, size_t mki)
{
	struct srtp *s = mem_new(sizeof *s);
	uint8_t salt[SALT_CM] = { 0 };	/* GCM's 12 bytes are padded with zeroes, RFC 7714 11 */

	s->suite = suite;
	srtp_set_mki(s, mki);
	s->tag = suite == SRTP_AES_CM_80 ? 10 : suite == SRTP_AES_CM_32 ? 4 : GCM_TAG;
	memcpy(salt, key + KEY, srtp_key_bytes(suite) - KEY);
	half_init(&s->rtp, suite, key, salt, 0);
	half_init(&s->rtcp, suite, key, salt, 3);
	s->work = EVP_MD_CTX_new();
	must(s->work != NULL);
	mem_wipe(salt, sizeof salt);
	return s;
}

void srtp_free(struct srtp *s)
{
	if (!s)
		return;
	half_close(&s->rtp);
	half_close(&s->rtcp);
	EVP_MD_CTX_free(s->work);
	mem_wipe(s, sizeof *s);
	mem_free(s);
}

/* --- primitives ---------------------------------------------------------------- */

static void put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* RFC 3711 4.1.1: salt * 2^16 XOR SSRC * 2^64 XOR index * 2^16. */
static void crypt_cm(struct half *h, uint32_t ssrc, uint64_t index, uint8_t *p, size_t n)
{
	uint8_t iv[16] = { 0 }, x[4];
	int len;

	memcpy(iv, h->salt, SALT_CM);
	put32(x, ssrc);
	for (int i = 0; i < 4; i++)
		iv[4 + i] ^= x[i];
	for (int i = 0; i < 6; i++)
		iv[8 + i] ^= (uint8_t)(index >> (40 - 8 * i));
	must(EVP_CipherInit_ex(h->cipher, NULL, NULL, NULL, iv, 1));
	if (n)
		must(EVP_CipherUpdate(h->cipher, p, &len, p, (int)n));
}

/* HMAC-SHA1 over p and, for SRTP, the roll-over counter. */
static void hmac(struct srtp *s, struct half *h, const uint8_t *p, size_t n, const uint32_t *roc,
		 uint8_t out[AUTH])
{
	uint8_t r[4];

	must(EVP_MD_CTX_copy_ex(s->work, h->inner));
	must(EVP_DigestUpdate(s->work, p, n));
	if (roc) {
		put32(r, *roc);
		must(EVP_DigestUpdate(s->work, r, 4));
	}
	must(EVP_DigestFinal_ex(s->work, out, NULL));
	must(EVP_MD_CTX_copy_ex(s->work, h->outer));
	must(EVP_DigestUpdate(s->work, out, AUTH));
	must(EVP_DigestFinal_ex(s->work, out, NULL));
}

/* RFC 7714 8.1 (SRTP: 00 00 SSRC ROC SEQ) and 9.1 (SRTCP: 00 00 SSRC 00 00 index). */
static void gcm_iv(const struct half *h, uint32_t ssrc, uint64_t index, uint8_t iv[12])
{
	uint8_t x[4];

	memcpy(iv, h->salt, SALT_GCM);
	put32(x, ssrc);
	for (int i = 0; i < 4; i++)
		iv[2 + i] ^= x[i];
	for (int i = 0; i < 6; i++)
		iv[6 + i] ^= (uint8_t)(index >> (40 - 8 * i));
}

struct gcm_text { const uint8_t *aad; size_t aad_n; const uint8_t *aad2; size_t aad2_n; uint8_t *p; size_t n; };

static bool gcm(struct half *h, const uint8_t iv[12], const struct gcm_text *t, bool encrypt,
		uint8_t *tag)
{
	int len;

	must(EVP_CipherInit_ex(h->cipher, NULL, NULL, NULL, iv, encrypt));
	if (!encrypt)
		must(EVP_CIPHER_CTX_ctrl(h->cipher, EVP_CTRL_GCM_SET_TAG, GCM_TAG, tag));
	must(EVP_CipherUpdate(h->cipher, NULL, &len, t->aad, (int)t->aad_n));
	if (t->aad2_n)
		must(EVP_CipherUpdate(h->cipher, NULL, &len, t->aad2, (int)t->aad2_n));
	if (t->n)
		must(EVP_CipherUpdate(h->cipher, t->p, &len, t->p, (int)t->n));
	if (EVP_CipherFinal_ex(h->cipher, t->p + t->n, &len) != 1)
		return false;
	if (encrypt)
		must(EVP_CIPHER_CTX_ctrl(h->cipher, EVP_CTRL_GCM_GET_TAG, GCM_TAG, tag));
	return true;
}

/* --- replay (RFC 3711 3.3.2) ------------------------------------------------------- */

static bool seen(const uint64_t w[2], uint64_t back)
{
	return back >= WINDOW || (w[back / 64] >> (back % 64)) & 1;
}

static void mark(uint64_t w[2], int64_t ahead)
{
	if (ahead <= 0) {
		w[(size_t)-ahead / 64] |= 1ull << ((size_t)-ahead % 64);
		return;
	}
	if (ahead >= WINDOW) {
		w[0] = w[1] = 0;
	} else if (ahead >= 64) {
		w[1] = w[0] << (ahead - 64);
		w[0] = 0;
	} else {
		w[1] = w[1] << ahead | w[0] >> (64 - ahead);
		w[0] <<= ahead;
	}
	w[0] |= 1;
}

static struct source *find(struct srtp *s, uint32_t ssrc)
{
	for (int i = 0; i < SRTP_SSRC_MAX; i++)
		if (s->src[i].used && s->src[i].ssrc == ssrc)
			return &s->src[i];
	return NULL;
}

static struct retired *retired(struct srtp *s, uint32_t ssrc)
{
	for (int i = 0; i < SRTP_RETIRED_MAX; i++)
		if (s->old[i].used && s->old[i].ssrc == ssrc)
			return &s->old[i];
	return NULL;
}

/* The source as it is known; else *fresh, which settle() may keep. Of one that had to give way
 * everything up to its last packet counts as seen. */
static struct source *source_of(struct srtp *s, uint32_t ssrc, struct source *fresh)
{
	struct source *x = find(s, ssrc);
	const struct retired *was;

	if (x)
		return x;
	*fresh = (struct source){ .ssrc = ssrc };
	was = retired(s, ssrc);
	if (!was)
		return fresh;
	fresh->roc = was->roc;
	fresh->top = was->top;
	fresh->started = was->started;
	fresh->rtcp_top = was->rtcp_top;
	fresh->rtcp_started = was->rtcp_started;
	memset(fresh->window, 0xff, sizeof fresh->window);
	memset(fresh->rtcp_window, 0xff, sizeof fresh->rtcp_window);
	return fresh;
}

static void retire(struct srtp *s, const struct source *x)
{
	s->old[s->nold++ % SRTP_RETIRED_MAX] = (struct retired){
		.ssrc = x->ssrc, .roc = x->roc, .top = x->top, .rtcp_top = x->rtcp_top,
		.used = true, .started = x->started, .rtcp_started = x->rtcp_started };
}

/* A place for a source whose packet has just been authenticated. */
static void settle(struct srtp *s, const struct source *x)
{
	struct source *place = NULL, *least = &s->src[0];
	struct retired *was = retired(s, x->ssrc);

	if (was)
		was->used = false;
	for (int i = 0; i < SRTP_SSRC_MAX && !place; i++) {
		if (!s->src[i].used)
			place = &s->src[i];
		if (s->src[i].packets < least->packets)
			least = &s->src[i];
	}
	if (!place) {
		retire(s, least);
		place = least;
	}
	*place = *x;
	place->used = true;
}

/* RFC 3711 3.3.1: the roll-over counter this packet most likely has. */
static uint32_t guess_roc(const struct source *x, uint16_t seq)
{
	if (!x->started)
		return x->roc;
	if (x->top < 32768)
		return (int)seq - (int)x->top > 32768 && x->roc ? x->roc - 1 : x->roc;
	return (int)x->top - 32768 > (int)seq ? x->roc + 1 : x->roc;
}

/* How far before the highest index this one is; 0 and less: behind it. */
static int64_t ahead_of(const struct source *x, uint32_t roc, uint16_t seq)
{
	if (!x->started)
		return 1;
	return (int64_t)((uint64_t)roc << 16 | seq) - (int64_t)((uint64_t)x->roc << 16 | x->top);
}

static void note_rtp(struct source *x, uint32_t roc, uint16_t seq, int64_t ahead)
{
	mark(x->window, ahead);
	if (ahead > 0) {
		x->top = seq;
		x->roc = roc;
	}
	x->started = true;
	x->packets++;
}

/* --- SRTP ------------------------------------------------------------------------- */

enum err srtp_protect(struct srtp *s, uint8_t *p, size_t *n, size_t cap)
{
	struct rtp r;
	struct source *x, fresh;
	uint64_t index;
	int64_t ahead;
	uint32_t roc;

	if (!rtp_read(p, *n, true, &r) || cap < *n + s->tag)
		return ERR_PARSE;
	x = source_of(s, r.ssrc, &fresh);
	roc = guess_roc(x, r.seq);
	ahead = ahead_of(x, roc, r.seq);
	if (ahead <= 0 && seen(x->window, (uint64_t)-ahead))
		return ERR_EXISTS;
	note_rtp(x, roc, r.seq, ahead);
	if (x == &fresh)
		settle(s, x);
	index = (uint64_t)roc << 16 | r.seq;
	if (s->suite == SRTP_AES_GCM) {
		uint8_t iv[12];
		struct gcm_text t = { .aad = p, .aad_n = r.head, .p = p + r.head, .n = *n - r.head };

		gcm_iv(&s->rtp, r.ssrc, index, iv);
		(void)gcm(&s->rtp, iv, &t, true, p + *n);	/* encrypting cannot fail */
	} else {
		uint8_t mac[AUTH];

		crypt_cm(&s->rtp, r.ssrc, index, p + r.head, *n - r.head);
		hmac(s, &s->rtp, p, *n, &roc, mac);
		memcpy(p + *n, mac, s->tag);
	}
	*n += s->tag;
	return OK;
}

static bool open_rtp(struct srtp *s, uint8_t *p, size_t n, const struct rtp *r, uint32_t roc)
{
	uint64_t index = (uint64_t)roc << 16 | r->seq;
	uint8_t mac[AUTH], iv[12];

	if (s->suite == SRTP_AES_GCM) {
		struct gcm_text t = { .aad = p, .aad_n = r->head, .p = p + r->head,
				      .n = n - r->head };

		gcm_iv(&s->rtp, r->ssrc, index, iv);
		return gcm(&s->rtp, iv, &t, false, p + n);
	}
	hmac(s, &s->rtp, p, n, &roc, mac);
	if (CRYPTO_memcmp(mac, p + n + s->mki, s->tag))
		return false;
	crypt_cm(&s->rtp, r->ssrc, index, p + r->head, n - r->head);
	return true;
}

static const struct hint *hint_of(const struct srtp *s, uint32_t ssrc)
{
	for (int i = 0; i < SRTP_SSRC_MAX; i++)
		if (s->hint[i].used && s->hint[i].ssrc == ssrc)
			return &s->hint[i];
	return NULL;
}

void srtp_follow(struct srtp *s, const struct srtp *was)
{
	struct hint *h = s->hint, *end = h + SRTP_SSRC_MAX;

	for (int i = 0; i < SRTP_SSRC_MAX; i++) {
		const struct source *x = &was->src[i];

		if (x->used && x->started)
			*h++ = (struct hint){ x->ssrc, x->roc, x->top, true };
	}
	for (int i = 0; i < SRTP_SSRC_MAX && h < end; i++)	/* it may have been silent under that key */
		if (was->hint[i].used && !hint_of(s, was->hint[i].ssrc))
			*h++ = was->hint[i];
}

/* The first packet of a source: at 0, or where it was under the key before. */
static bool open_first(struct srtp *s, uint8_t *p, size_t n, const struct rtp *r, uint32_t *roc)
{
	const struct hint *h = hint_of(s, r->ssrc);
	uint8_t was[RTP_PACKET_MAX];

	if (!h || n > sizeof was)
		return open_rtp(s, p, n, r, *roc);
	memcpy(was, p, n);		/* GCM spoils what it cannot open */
	if (open_rtp(s, p, n, r, *roc))
		return true;
	memcpy(p, was, n);
	*roc = guess_roc(&(struct source){ .roc = h->roc, .top = h->top, .started = true }, r->seq);
	return open_rtp(s, p, n, r, *roc);
}

enum err srtp_unprotect(struct srtp *s, uint8_t *p, size_t *n)
{
	size_t tail = s->tag + s->mki, body;
	struct source *x, fresh;
	struct rtp r;
	int64_t ahead;
	uint32_t roc;

	if (*n < RTP_HEAD + tail || !rtp_read(p, *n - tail, true, &r))
		return ERR_PARSE;
	body = *n - tail;
	x = source_of(s, r.ssrc, &fresh);
	roc = guess_roc(x, r.seq);
	ahead = ahead_of(x, roc, r.seq);
	if (ahead <= 0 && seen(x->window, (uint64_t)-ahead))
		return ERR_EXISTS;
	if (!(x->started ? open_rtp(s, p, body, &r, roc) : open_first(s, p, body, &r, &roc)))
		return ERR_AUTH;
	note_rtp(x, roc, r.seq, ahead);
	if (x == &fresh)
		settle(s, x);
	*n = body;
	return OK;
}

/* --- SRTCP (RFC 3711 3.4, RFC 7714 9) ------------------------------------------------ */

enum err srtcp_protect(struct srtp *s, uint8_t *p, size_t *n, size_t cap)
{
	uint32_t ssrc, index = ++s->rtcp_index & 0x7fffffff;
	uint8_t mac[AUTH], iv[12], word[4];

	if (*n < 8 || cap < *n + 4 + s->tag + GCM_TAG)
		return ERR_PARSE;
	ssrc = get32(p + 4);
	put32(word, index | 0x80000000u);	/* E: encrypted */
	if (s->suite == SRTP_AES_GCM) {
		struct gcm_text t = { p, 8, word, 4, p + 8, *n - 8 };

		gcm_iv(&s->rtcp, ssrc, index, iv);
		(void)gcm(&s->rtcp, iv, &t, true, p + *n);
		*n += GCM_TAG;
		memcpy(p + *n, word, 4);
		*n += 4;
		return OK;
	}
	crypt_cm(&s->rtcp, ssrc, index, p + 8, *n - 8);
	memcpy(p + *n, word, 4);
	*n += 4;
	hmac(s, &s->rtcp, p, *n, NULL, mac);
	memcpy(p + *n, mac, 10);	/* always 80 bits: RFC 4568 6.2.1 */
	*n += 10;
	return OK;
}

static bool open_rtcp(struct srtp *s, uint8_t *p, size_t n, uint32_t word, uint32_t ssrc)
{
	uint8_t mac[AUTH], iv[12], w[4];

	put32(w, word);
	if (s->suite == SRTP_AES_GCM) {
		bool enc = word >> 31;
		struct gcm_text t = { p, enc ? 8 : n, w, 4, p + 8, enc ? n - 8 : 0 };

		gcm_iv(&s->rtcp, ssrc, word & 0x7fffffff, iv);
		return gcm(&s->rtcp, iv, &t, false, p + n);
	}
	hmac(s, &s->rtcp, p, n + 4, NULL, mac);
	if (CRYPTO_memcmp(mac, p + n + 4 + s->mki, 10))
		return false;
	if (word >> 31)
		crypt_cm(&s->rtcp, ssrc, word & 0x7fffffff, p + 8, n - 8);
	return true;
}

enum err srtcp_unprotect(struct srtp *s, uint8_t *p, size_t *n)
{
	size_t tail = (s->suite == SRTP_AES_GCM ? GCM_TAG : 10) + 4 + s->mki, body;
	struct source *x, fresh;
	uint32_t word, index, ssrc;
	int64_t ahead;

	if (*n < 8 + tail)
		return ERR_PARSE;
	body = *n - tail;
	word = get32(p + (s->suite == SRTP_AES_GCM ? *n - s->mki - 4 : body));
	index = word & 0x7fffffff;
	ssrc = get32(p + 4);
	x = source_of(s, ssrc, &fresh);
	ahead = x->rtcp_started ? (int64_t)index - (int64_t)x->rtcp_top : 1;
	if (ahead <= 0 && seen(x->rtcp_window, (uint64_t)-ahead))
		return ERR_EXISTS;
	if (!open_rtcp(s, p, body, word, ssrc))
		return ERR_AUTH;
	mark(x->rtcp_window, ahead);
	if (ahead > 0)
		x->rtcp_top = index;
	x->rtcp_started = true;
	if (x == &fresh)
		settle(s, x);
	*n = body;
	return OK;
}
