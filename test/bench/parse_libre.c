#include "bench/parse.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>

#define HAVE_STDBOOL_H 1	/* else re_types.h makes a bool of its own */
#include <re/re.h>

static struct {
	int (*decode)(struct sip_msg **, struct mbuf *);
	const struct sip_hdr *(*hdr)(const struct sip_msg *, enum sip_hdrid);
	void *(*deref)(void *);
	struct mbuf *(*alloc)(size_t);
	int (*write)(struct mbuf *, const uint8_t *, size_t);
	struct mbuf *mb;
} re;

static bool sym(void *lib, const char *name, void *fn)
{
	void *p = dlsym(lib, name);

	*(void **)fn = p;
	return p != NULL;
}

bool bench_libre_open(const char *msg, size_t n)
{
	void *lib = dlopen("libre.so", RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);

	if (!lib)
		return false;
	if (!sym(lib, "sip_msg_decode", &re.decode) || !sym(lib, "sip_msg_hdr", &re.hdr) ||
	    !sym(lib, "mem_deref", &re.deref) || !sym(lib, "mbuf_alloc", &re.alloc) ||
	    !sym(lib, "mbuf_write_mem", &re.write))
		return false;
	re.mb = re.alloc(n);
	return re.mb && re.write(re.mb, (const uint8_t *)msg, n) == 0;
}

void bench_libre_parse(void)
{
	struct sip_msg *m;

	re.mb->pos = 0;
	if (re.decode(&m, re.mb) || !re.hdr(m, SIP_HDR_CONTACT))
		abort();
	re.deref(m);
}
