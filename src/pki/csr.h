/*
 * csr.h - a new key and the certificate signing request for it.
 *
 * Does not: write files (the caller does, the key with mode 0600), keep the key.
 * Errors:  ERR_PARSE: a name is no host name; ERR_LIMIT: a buffer is too small, or too many
 *          names; ERR_IO: OpenSSL refused.
 * RFC:     2986. Test: test/unit/pki/t_csr.c
 */
#ifndef PKI_CSR_H
#define PKI_CSR_H
#include "base/buf.h"
#include "base/str.h"

enum csr_key { CSR_RSA2048, CSR_RSA4096, CSR_EC256 };
enum { CSR_NAMES_MAX = 16, CSR_PEM_MAX = 8192 };

struct csr_spec {
	struct str name[CSR_NAMES_MAX];	/* the first one is also the common name */
	int nnames;
	struct str organisation;	/* absent: none                          */
	enum csr_key key;
};

/* Both as PEM; CSR_PEM_MAX bytes are enough for each. */
enum err csr_make(const struct csr_spec *s, struct buf *request, struct buf *key);
/* A host name as certificates carry it: labels of letters, digits and hyphens, at most 253
 * bytes, at least two labels, one wild card in front allowed. */
bool csr_name_ok(struct str name);

#endif
