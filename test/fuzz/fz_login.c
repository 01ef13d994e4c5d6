/*
 * Challenges from anybody, answered or not: the credentials never go to a peer that was not
 * met under a host's name, no request is tried more than twice, and what is written can be read.
 */
#include <stdlib.h>

#include "sip/digest.h"
#include "sip/login.h"

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n);

static struct login_peer peer_of(unsigned c)
{
	struct login_peer p = { .addr = { ADDR_V4, 5060, { 192, 0, 2, (uint8_t)(c & 7) } },
				.tls = (c & 8) != 0 };

	p.tls_name = c & 16 ? STR("sip.example") : STR("evil.example");
	return p;
}

static void check_written(struct str text)
{
	struct str line, name, value, rest = text;
	struct digest_creds c;

	while (rest.n && str_cut(rest, '\n', &line, &rest)) {
		line.n--;
		if (!str_cut(line, ':', &name, &value) || digest_parse_creds(str_trim(value), &c) != OK ||
		    !str_is(c.username, "bob"))
			abort();
	}
}

static void challenge(struct login *l, unsigned c, struct str headers, struct login_try *t)
{
	static char mem[8192];
	struct login_peer p = peer_of(c);
	struct sip_msg *m = NULL;
	struct sip_refuse why;
	struct arena a;
	struct buf b;

	buf_init(&b, mem, sizeof mem);
	buf_fmt(&b, "SIP/2.0 %s X\r\nVia: SIP/2.0/UDP a\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\n"
		"Call-ID: x\r\nCSeq: 1 REGISTER\r\n", c & 32 ? "407" : "401");
	buf_put(&b, headers);
	buf_lit(&b, "\r\n\r\n");
	arena_init(&a, SIP_ARENA_MAX);
	if (buf_ok(&b) && sip_msg_parse(buf_str(&b), &a, &m, &why) == OK) {
		m->src = p.addr;
		if (login_challenged(l, &p, m, c, t) == SIP_AUTH_NONE && !login_knows(l, &p))
			abort();
		if (t->count > LOGIN_TRIES)
			abort();
	}
	arena_close(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n)
{
	static char out[8192];
	struct sip_login s = { .user = STR("bob"), .password = STR("pw"), .nhosts = 1,
			       .host = { STR("sip.example") } };
	struct str rest = { (const char *)d, n }, part;
	struct login_try t = { 0 };
	struct rng rng;
	struct login *l;
	struct buf b;

	rng_seed(&rng, 1);
	l = login_new(&s);
	while (rest.n > 1) {
		unsigned c = (unsigned char)rest.p[0];
		struct login_peer p = peer_of(c);

		(void)str_cut(str_sub(rest, 1, rest.n), 0, &part, &rest);	/* the last has none */
		if (c & 64)
			login_met(l, c & 128 ? STR("SIP.example") : STR("evil.example"), &p.addr);
		else
			challenge(l, c, part, &t);
		if (c & 128)
			t = (struct login_try){ 0 };
		buf_init(&b, out, sizeof out);
		login_write(l, &p, STR("INVITE"), STR("sip:x"), &rng, &b);
		if (buf_str(&b).n && !login_knows(l, &p))
			abort();
		check_written(buf_str(&b));
	}
	login_free(l);
	return 0;
}
