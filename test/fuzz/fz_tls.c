/* A handshake whose bytes are cut, changed or made up on the way: it fails, or it is right. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/tls.h"
#include "pki/testca.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n);

static struct tls_ctx *server, *client;

static struct tls_ctx *ctx(const struct tls_config *cfg)
{
	struct tls_ctx *c = NULL;
	char text[300];
	struct buf why;

	buf_init(&why, text, sizeof text);
	if (tls_ctx_new(&c, cfg, &why))
		abort();
	return c;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char *const names[] = { "sbc.example.com", NULL };
	const struct testca_spec rs = { .cn = "root", .use = TESTCA_CA };
	const struct testca_spec ls = { .cn = "sbc", .use = TESTCA_SERVER, .nnames = 1,
					.name = { STR("sbc.example.com") } };
	struct testca_cert *root = testca_make(&rs, NULL), *leaf = testca_make(&ls, root);
	char dir[] = "/tmp/fz_tls.XXXXXX", cert[64], key[64], roots[64];
	struct tls_config c = { .cert_file = cert, .key_file = key, .roots_file = roots,
				.want_client_cert = true, .names = names };
	struct buf b[3];

	(void)argc;
	(void)argv;
	if (!mkdtemp(dir))
		abort();
	buf_init(&b[0], cert, sizeof cert);
	buf_init(&b[1], key, sizeof key);
	buf_init(&b[2], roots, sizeof roots);
	buf_fmt(&b[0], "%s/cert.pem", dir);
	buf_fmt(&b[1], "%s/key.pem", dir);
	buf_fmt(&b[2], "%s/root.pem", dir);
	if (!buf_z(&b[0])[0] || testca_write(leaf, NULL, 0, cert, buf_z(&b[1])) ||
	    testca_write_root(root, buf_z(&b[2])))
		abort();
	server = ctx(&c);
	client = ctx(&c);
	testca_free(root);
	testca_free(leaf);
	(void)unlink(cert);
	(void)unlink(key);
	(void)unlink(roots);
	(void)rmdir(dir);
	return 0;
}

struct wire { const uint8_t *d; size_t n, at; bool touched; };

static uint8_t next(struct wire *w)
{
	return w->at < w->n ? w->d[w->at++] : 0;
}

/* Carries what `from` has to `to`, perhaps not as it was. false: over. */
static bool carry(struct wire *w, struct tls *from, struct tls *to, bool *moved)
{
	uint8_t op = next(w);
	struct tls_out o;
	char *copy;
	enum err e;
	size_t n;

	tls_take(from, &o);
	*moved = o.wire.n > 0;
	n = o.wire.n;
	copy = mem_dup(o.wire.p, n);
	w->touched |= n && (op & 3);
	if (n && (op & 3) == 1)
		copy[(size_t)next(w) * n / 256] ^= (char)(next(w) | 1);
	else if ((op & 3) == 2)
		n = n * next(w) / 256;
	else if (n && (op & 3) == 3)
		for (size_t i = 0; i < n; i++)
			copy[i] = (char)next(w);
	e = tls_feed(to, (struct str){ copy, n }, 1);
	mem_free(copy);
	return e == OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n)
{
	struct wire w = { d, n, 0, false };
	struct tls *s = tls_new(server, true, STR_NONE, 0);
	struct tls *c = tls_new(client, false, STR("sbc.example.com"), 0);
	bool on = tls_feed(c, STR_NONE, 0) == OK, moved = true, back = true;

	for (int i = 0; i < 12 && on && (moved || back); i++)
		on = carry(&w, c, s, &moved) && carry(&w, s, c, &back);
	if (!w.touched && (tls_facts_of(s)->phase != TLS_PHASE_OPEN ||
			   tls_facts_of(c)->phase != TLS_PHASE_OPEN))
		abort();
	if (tls_facts_of(s)->phase == TLS_PHASE_OPEN && !tls_facts_of(s)->peer_cert)
		abort();
	(void)tls_send(s, STR("x"));
	tls_shutdown(s);
	tls_free(s);
	tls_free(c);
	return 0;
}
