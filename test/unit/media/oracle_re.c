#include <dlfcn.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#define HAVE_STDBOOL_H 1	/* else re_types.h makes a bool of its own */
#include <re/re.h>

#include "oracle.h"

static struct {
	__typeof__(srtp_alloc) *alloc;
	__typeof__(srtp_encrypt) *enc, *dec, *cenc, *cdec;
	__typeof__(mbuf_alloc) *mbuf;
	__typeof__(mbuf_write_mem) *write;
	__typeof__(mem_deref) *deref;
} f;

static bool sym(void *lib, const char *name, void *fn)
{
	void *p = dlsym(lib, name);

	*(void **)fn = p;
	return p != NULL;
}

static bool open_it(void)
{
	void *lib = dlopen("libre.so", RTLD_NOW | RTLD_LOCAL);

	return lib && sym(lib, "srtp_alloc", &f.alloc) && sym(lib, "srtp_encrypt", &f.enc) &&
	       sym(lib, "srtp_decrypt", &f.dec) && sym(lib, "srtcp_encrypt", &f.cenc) &&
	       sym(lib, "srtcp_decrypt", &f.cdec) && sym(lib, "mbuf_alloc", &f.mbuf) &&
	       sym(lib, "mbuf_write_mem", &f.write) && sym(lib, "mem_deref", &f.deref);
}

static void *make(int suite, const uint8_t *key, size_t n, bool sending)
{
	static const enum srtp_suite theirs[] = { 0, SRTP_AES_CM_128_HMAC_SHA1_80,
		SRTP_AES_CM_128_HMAC_SHA1_32, SRTP_AES_128_GCM };
	struct srtp *s = NULL;

	(void)sending;
	return f.alloc(&s, theirs[suite], key, n, 0) ? NULL : s;
}

static void drop(void *ctx)
{
	(void)f.deref(ctx);
}

static bool run(int (*fn)(struct srtp *, struct mbuf *), void *ctx, uint8_t *p, size_t *n)
{
	struct mbuf *mb = f.mbuf(2048);
	bool ok = mb && !f.write(mb, p, *n);

	if (ok) {
		mb->pos = 0;
		ok = fn(ctx, mb) == 0;
		*n = mb->end;
		memcpy(p, mb->buf, mb->end);
	}
	(void)f.deref(mb);
	return ok;
}

static bool protect(void *ctx, uint8_t *p, size_t *n, bool rtcp)
{
	return run(rtcp ? f.cenc : f.enc, ctx, p, n);
}

static bool unprotect(void *ctx, uint8_t *p, size_t *n, bool rtcp)
{
	return run(rtcp ? f.cdec : f.dec, ctx, p, n);
}

const struct oracle oracle_re = { "libre", open_it, make, drop, protect, unprotect };
