/* t_io.h - what the programs of io's tests share. */
#ifndef T_IO_H
#define T_IO_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "io/tls.h"

int run_timer(void);
int run_crypto(void);
int run_tls_name(void);
int run_tls(void);
int run_tls_sni(void);
int run_dns(void);
int run_sim(void);
int run_keepalive(void);
int run_logsink(void);
int run_edge(void);

enum { CERT_PATH = 128 };

/* One certificate as files in a directory of its own. */
struct cert {
	char cert[CERT_PATH], key[CERT_PATH];
};

struct cert_spec {
	const char *file;		/* stem of the file names          */
	const char *cn;
	struct str san[4];		/* dNSName, byte for byte          */
	bool uri;			/* they are URIs                   */
	int nsan;
	const char *eku;		/* "serverAuth", ...; NULL: none   */
	bool ca;
	long from_s, to_s;		/* from now; 0, 0: a year each way */
};

struct certs;
struct certs *certs_open(void);		/* a directory and a root "root" */
void certs_close(struct certs *c);	/* removes all of it */
/* Signed by the root, or by `issuer` (a stem made with ca before). */
void certs_make(struct certs *c, struct cert *out, const struct cert_spec *spec, const char *issuer);
const char *certs_root(const struct certs *c);

#endif
