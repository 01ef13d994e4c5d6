#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "io/tls_int.h"

/* What an open stream keeps of its handshake: the fixed part of struct tls_facts, then its
 * texts one after the other. They take 150 bytes so, where their room takes 3 KB. */

enum { FIXED = offsetof(struct tls_facts, suite) };

static const uint16_t texts[] = {
#define TEXT(member) offsetof(struct tls_facts, member)
	TEXT(suite), TEXT(sni), TEXT(verify_text), TEXT(peer_subject), TEXT(peer_issuer),
	TEXT(peer_sha256),
#undef TEXT
};

enum { NTEXT = sizeof texts / sizeof *texts };

static char *text_of(struct tls_facts *f, int i)
{
	return i < NTEXT ? (char *)f + texts[i] : f->peer_name[i - NTEXT];
}

void tls_facts_pack(struct tls *t)
{
	struct tls_facts *f = t->facts;
	size_t n = FIXED;
	char *p;

	if (!f)
		return;
	for (int i = 0; i < NTEXT + f->npeer_name; i++)
		n += strlen(text_of(f, i)) + 1;
	p = t->packed = mem_new(n);
	memcpy(p, f, FIXED);
	p += FIXED;
	for (int i = 0; i < NTEXT + f->npeer_name; i++) {
		n = strlen(text_of(f, i)) + 1;
		memcpy(p, text_of(f, i), n);
		p += n;
	}
	mem_free(f);
	t->facts = NULL;
}

static void unpack(struct tls_facts *f, const char *p)
{
	memset(f, 0, sizeof *f);
	memcpy(f, p, FIXED);
	p += FIXED;
	for (int i = 0; i < NTEXT + f->npeer_name; i++) {
		size_t n = strlen(p) + 1;

		memcpy(text_of(f, i), p, n);
		p += n;
	}
}

struct tls_facts *tls_facts_open(struct tls *t)
{
	if (!t->facts) {
		t->facts = mem_new(sizeof *t->facts);
		unpack(t->facts, t->packed);
		mem_free(t->packed);
		t->packed = NULL;
	}
	return t->facts;
}

const struct tls_facts *tls_facts_of(const struct tls *t)
{
	struct tls_facts *f = t->facts;

	if (!f) {
		if (!t->ctx->shown)
			t->ctx->shown = mem_new(sizeof *f);
		f = t->ctx->shown;
		unpack(f, t->packed);
	}
	f->phase = t->phase;
	return f;
}
