#include <dlfcn.h>
#include <srtp2/srtp.h>
#include <string.h>

#include "oracle.h"

static struct {
	__typeof__(srtp_init) *init;
	__typeof__(srtp_create) *create;
	__typeof__(srtp_dealloc) *dealloc;
	__typeof__(srtp_protect) *protect, *unprotect, *protect_rtcp, *unprotect_rtcp;
	__typeof__(srtp_crypto_policy_set_rtp_default) *cm80;
	__typeof__(srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32) *cm32;
	__typeof__(srtp_crypto_policy_set_aes_gcm_128_16_auth) *gcm;
} f;

static bool sym(void *lib, const char *name, void *fn)
{
	void *p = dlsym(lib, name);

	*(void **)fn = p;
	return p != NULL;
}

static bool open_it(void)
{
	void *lib = dlopen("libsrtp2.so.1", RTLD_NOW | RTLD_LOCAL);

	return lib && sym(lib, "srtp_init", &f.init) && sym(lib, "srtp_create", &f.create) &&
	       sym(lib, "srtp_dealloc", &f.dealloc) && sym(lib, "srtp_protect", &f.protect) &&
	       sym(lib, "srtp_unprotect", &f.unprotect) &&
	       sym(lib, "srtp_protect_rtcp", &f.protect_rtcp) &&
	       sym(lib, "srtp_unprotect_rtcp", &f.unprotect_rtcp) &&
	       sym(lib, "srtp_crypto_policy_set_rtp_default", &f.cm80) &&
	       sym(lib, "srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32", &f.cm32) &&
	       sym(lib, "srtp_crypto_policy_set_aes_gcm_128_16_auth", &f.gcm) &&
	       f.init() == srtp_err_status_ok;
}

static void *make(int suite, const uint8_t *key, size_t n, bool sending)
{
	unsigned char copy[64] = { 0 };
	srtp_policy_t p;
	srtp_t s = NULL;

	memset(&p, 0, sizeof p);
	memcpy(copy, key, n);
	f.cm80(&p.rtp);
	f.cm80(&p.rtcp);		/* RFC 4568 6.2.2: SRTCP has 80 bits also with _32 */
	if (suite == 2)
		f.cm32(&p.rtp);
	if (suite == 3) {
		f.gcm(&p.rtp);
		f.gcm(&p.rtcp);
	}
	p.ssrc.type = sending ? ssrc_any_outbound : ssrc_any_inbound;
	p.key = copy;
	p.window_size = 128;
	return f.create(&s, &p) == srtp_err_status_ok ? s : NULL;
}

static void drop(void *ctx)
{
	(void)f.dealloc(ctx);
}

static bool protect(void *ctx, uint8_t *p, size_t *n, bool rtcp)
{
	int len = (int)*n;
	bool ok = (rtcp ? f.protect_rtcp(ctx, p, &len) : f.protect(ctx, p, &len)) == srtp_err_status_ok;

	*n = (size_t)len;
	return ok;
}

static bool unprotect(void *ctx, uint8_t *p, size_t *n, bool rtcp)
{
	int len = (int)*n;
	bool ok = (rtcp ? f.unprotect_rtcp(ctx, p, &len) : f.unprotect(ctx, p, &len)) ==
		  srtp_err_status_ok;

	*n = (size_t)len;
	return ok;
}

const struct oracle oracle_srtp2 = { "libsrtp2", open_it, make, drop, protect, unprotect };
