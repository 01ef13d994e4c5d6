/*
 * cert.h - what is in a certificate file: the chain, its names, dates, purposes, whether it
 * is in order, ends at a trusted root, and fits its key.
 *
 * Does not: judge (pki/verdict.h), use the network, read a clock.
 * Units:   *_wall is UTC ms since 1970.
 * Owner:   a plain struct; text from certificates is escaped, so a NUL inside a name is
 *          seen as \x00.
 * Limits:  CERT_CHAIN_MAX certificates, CERT_NAMES_MAX names each, files of 256 KB.
 * Errors:  ERR_IO: a file cannot be read; ERR_PARSE: no certificate or key in it; ERR_LIMIT:
 *          too big. *why has the sentence and the mend, with the file's name.
 * RFC:     5280. Test: test/unit/pki/t_cert.c
 */
#ifndef PKI_CERT_H
#define PKI_CERT_H
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

enum { CERT_CHAIN_MAX = 8, CERT_NAMES_MAX = 32, CERT_FILE_MAX = 256 * 1024 };

struct cert {
	char subject[256], issuer[256];
	char cn[128];
	char name[CERT_NAMES_MAX][256];		/* SAN: DNS names and addresses */
	int nnames, names_lost;
	int64_t not_before_wall, not_after_wall;
	bool ca, self_signed;
	bool has_eku, eku_server, eku_client, eku_any;
	char key[24];				/* "RSA 2048", "EC 256" */
	int key_bits;				/* of comparable strength to RSA or EC as named */
	bool key_ec;
	bool weak_signature;			/* MD5 or SHA-1 */
	char sha256[65], sha1[41];		/* fingerprints */
};

struct cert_view {
	struct cert chain[CERT_CHAIN_MAX];	/* as in the file; [0] is the leaf */
	int n;
	bool in_order;				/* each one was issued by the next */
	bool has_key, key_fits;
	bool has_roots;				/* a root store was given          */
	bool trusted;				/* leads to one of the roots through the chain given */
	long verify_error;			/* X509_V_*; 0: good               */
	char verify_text[160];
	bool root_in_chain;			/* not needed, and sent for nothing */
};

struct cert_input {			/* PEM bytes; key and roots may be absent */
	struct str cert, key, roots;
	int64_t wall;			/* now; dates are not part of `trusted` */
};

/* Pure. */
enum err cert_read(const struct cert_input *in, struct cert_view *out, struct buf *why);
/* From files. key and roots may be NULL; roots "system" is the machine's own store. */
enum err cert_read_files(const char *cert, const char *key, const char *roots, int64_t wall,
			 struct cert_view *out, struct buf *why);
/* Does the certificate carry this host name, in its SAN or (when cn) in its common name? */
bool cert_covers(const struct cert *c, struct str host, bool cn);

#endif
