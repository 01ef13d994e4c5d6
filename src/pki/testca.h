/*
 * testca.h - certificates for tests, the hub and the demo: root, intermediate,
 * leaf, and the wrong ones (expired, self-signed, wrong purpose, a name with an
 * embedded NUL). Never used for a real identity.
 *
 * Does not: read a clock (dates are given, or wide defaults), keep state.
 * Owner:   testca_make() gives; the caller frees with testca_free(). A certificate
 *          may be freed before those it issued.
 * Errors:  OpenSSL refusing to make a key or sign aborts: it is our bug.
 * Cost:    an RSA key takes some 100 ms; EC takes none. tests prefer TESTCA_EC256.
 * RFC:     5280. Test: test/unit/pki/t_testca.c
 */
#ifndef PKI_TESTCA_H
#define PKI_TESTCA_H
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

enum testca_key { TESTCA_EC256, TESTCA_RSA2048 };

enum testca_use {		/* what the leaf may be used for (EKU) */
	TESTCA_BOTH,		/* serverAuth and clientAuth           */
	TESTCA_SERVER,		/* as Microsoft presents since 2026    */
	TESTCA_CLIENT,
	TESTCA_NO_EKU,
	TESTCA_CA,		/* root or intermediate                */
};

enum { TESTCA_NAMES_MAX = 16, TESTCA_CHAIN_MAX = 8, TESTCA_PEM_MAX = 8192 };

struct testca_spec {
	const char *cn;				/* NULL: no common name              */
	struct str name[TESTCA_NAMES_MAX];	/* SAN: an IP literal becomes iPAddress, the rest
						 * dNSName, byte for byte (NUL too)  */
	int nnames;
	enum testca_key key;
	enum testca_use use;
	int64_t not_before, not_after;		/* seconds since 1970; 0: 2024 .. 2049 */
};

struct testca_cert;

/* issuer NULL: signed by itself. */
struct testca_cert *testca_make(const struct testca_spec *spec, const struct testca_cert *issuer);
void testca_free(struct testca_cert *c);	/* NULL is fine */
/* The certificate followed by up to n others (its chain, without the root). */
void testca_chain_pem(const struct testca_cert *c, const struct testca_cert *const *chain, int n,
		      struct buf *out);
void testca_key_pem(const struct testca_cert *c, struct buf *out);
/* The same into files (key file mode 0600), replacing them. ERR_IO: not written. */
enum err testca_write(const struct testca_cert *c, const struct testca_cert *const *chain, int n,
		      const char *cert_file, const char *key_file);
enum err testca_write_root(const struct testca_cert *root, const char *file);

#endif
