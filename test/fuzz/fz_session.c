/*
 * A whole stack driven by a script of bytes: commands of an owner, answers and
 * requests of a peer built on what was sent, streams that open and break, time.
 * Nothing may crash, leak, or be left when the owner is gone and time has passed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sip/stack.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { KEPT = 8, STREAMS = 16, TEXT = 8192 };

struct fz {
	struct loop loop;
	struct sip *sip;
	struct dns *dns;
	const struct net_dgram_handler *dh;
	const struct net_stream_handler *sh;
	void *dctx, *sctx[STREAMS];
	bool open[STREAMS], dead[STREAMS];
	int nstream;
	char sent[KEPT][TEXT];	/* the last messages that left */
	unsigned nsent;
	uint64_t session[KEPT], tsx;
	unsigned nsession, made;
	void (*dns_answer)(void *, const char *, enum dns_type, const struct dns_result *);
	void *dns_ctx;
	char asked[DNS_NAME_MAX + 1];	/* the last question, "": none */
	enum dns_type asked_type;
	struct sip_opts dials[16], owns[4];	/* outlive the sessions */
	const uint8_t *p, *end;
};

static unsigned get(struct fz *f)
{
	return f->p < f->end ? *f->p++ : 0;
}

static void keep(struct fz *f, struct str s)
{
	(void)str_copy(f->sent[f->nsent++ % KEPT], TEXT, s);
}

static net_id n_bind(struct loop *l, const struct addr *a, const struct net_dgram_handler *h,
		     void *ctx, int *e)
{
	struct fz *f = l->impl;

	(void)a;
	(void)e;
	f->dh = h;
	f->dctx = ctx;
	return 1;
}

static void n_send(struct loop *l, net_id s, const struct addr *from, const struct addr *to,
		   struct str b)
{
	(void)s;
	(void)from;
	(void)to;
	keep(l->impl, b);
}

static net_id n_listen(struct loop *l, const struct addr *a, struct tls_ctx *t,
		       const struct net_stream_handler *h, void *ctx, int *e)
{
	struct fz *f = l->impl;

	(void)a;
	(void)t;
	(void)e;
	f->sh = h;
	f->sctx[0] = ctx;
	return 2;
}

static net_id n_connect(struct loop *l, const struct net_connect *c)
{
	struct fz *f = l->impl;
	int i = f->nstream < STREAMS - 1 ? ++f->nstream : 0;

	if (!i)
		return 0;
	f->sctx[i] = c->ctx;
	f->sh = c->h;
	f->open[i] = f->dead[i] = false;
	return 100 + (net_id)i;
}

static void n_write(struct loop *l, net_id s, struct str b)
{
	(void)s;
	keep(l->impl, b);
}

static void n_close(struct loop *l, net_id s)
{
	struct fz *f = l->impl;

	if (s > 100)
		f->dead[s - 100] = true;
}

static bool n_local(struct loop *l, net_id s, struct addr *a)
{
	(void)l;
	(void)s;
	*a = (struct addr){ ADDR_V4, 5060, { 127, 0, 0, 1 } };
	return true;
}

static const struct net_ops nops = { n_bind, n_send, n_listen, n_connect, n_write, n_close, n_local };

static void *d_open(struct loop *l, const struct dns_config *c,
		    void (*a)(void *, const char *, enum dns_type, const struct dns_result *), void *ctx)
{
	struct fz *f = l->impl;

	(void)c;
	f->dns_answer = a;
	f->dns_ctx = ctx;
	return f;
}

static void d_ask(void *i, const char *n, enum dns_type t)
{
	struct fz *f = i;

	(void)str_copy(f->asked, sizeof f->asked, str_of(n));
	f->asked_type = t;
}

static void d_close(void *i)
{
	(void)i;
}

static const struct dns_ops dops = { d_open, d_ask, d_close };

static void turn(struct fz *f)
{
	struct sip_event e;

	while (sip_next(f->sip, &e)) {
		if (e.kind == SIP_EV_INVITE && f->nsession < KEPT)
			f->session[f->nsession++] = e.session;
		if (e.tsx)
			f->tsx = e.tsx;
	}
	sip_turn_end(f->sip);
}

/* --- the owner --- */

/* All options that a session may have; they outlive it. */
static void all_opts(struct fz *f)
{
	for (unsigned i = 0; i < 16; i++)
		f->dials[i] = (struct sip_opts){ .session_timer = i & 1, .login = i & 2 ? 1 : 0,
			.prack = i & 4 ? SIP_PRACK_ALL : SIP_PRACK_OFF, .update = i & 8, .info = i & 8,
			.refresh_update = i & 8 };
	for (unsigned i = 0; i < 4; i++)
		f->owns[i] = (struct sip_opts){ .session_timer = true, .update = true, .info = i & 2,
			.refresh_update = true, .prack = i & 1 ? SIP_PRACK_ALL : SIP_PRACK_SDP };
}

static void dial(struct fz *f, unsigned how)
{
	struct sip_invite i = { .owner = 1, .ruri = STR("sip:b@127.0.0.2"),
		.from_uri = STR("sip:a@127.0.0.1"), .to_uri = STR("sip:b@127.0.0.2") };
	uint64_t id;

	i.dest = (struct sip_dest){ .listener = how & 1, .transport = how & 1 ? SIP_TCP : SIP_UDP };
	(void)str_copy(i.dest.host, sizeof i.dest.host, how & 8 ? STR("b.example") : STR("127.0.0.2"));
	i.opts = &f->dials[(how >> 1 & 1) | (how >> 4 & 14)];
	if (how & 4)
		i.body = (struct sip_body){ STR("application/sdp"), STR("v=0\r\n") };
	i.first_response = how & 16 ? 2500 : 0;
	id = sip_invite(f->sip, &i);
	if (id && f->nsession < KEPT)
		f->session[f->nsession++] = id;
	else if (id)
		sip_abandon(f->sip, id);
}

static void own(struct fz *f, uint64_t id, unsigned how)
{
	(void)sip_own(f->sip, id, 5, &f->owns[how >> 2 & 3]);
}

static void command(struct fz *f)
{
	unsigned what = get(f), status = 100 + get(f) * 2;
	uint64_t id = f->session[what >> 4 & (KEPT - 1)];
	struct sip_xhdr x = { STR("Reason"), STR("SIP;cause=200") };
	struct sip_body sdp = { STR("application/sdp"), STR("v=0\r\n") }, *b = status & 2 ? &sdp : NULL;

	switch (what & 15) {
	case 0: dial(f, status); break;
	case 1: (void)sip_cancel(f->sip, id, &x, 1); break;
	case 2: sip_abandon(f->sip, id); break;
	case 3: own(f, id, status); break;
	case 4: (void)sip_ring(f->sip, id, status, b, NULL, 0); break;
	case 5: (void)sip_answer(f->sip, id, b, &x, 1); break;
	case 6: (void)sip_reject(f->sip, id, status, NULL, &x, 1); break;
	case 7: (void)sip_ack(f->sip, id, b); break;
	case 8: (void)sip_reinvite(f->sip, id, b, NULL, 0); break;
	case 9: (void)sip_reinvite_answer(f->sip, id, status, b, NULL, 0); break;
	case 10: (void)sip_bye(f->sip, id, &x, 1); break;
	case 11: (void)sip_respond(f->sip, f->tsx, status, NULL, b, NULL, 0); break;
	case 12: (void)sip_ring_tag(f->sip, id, (int)(status & 3), 180, b, NULL, 0); break;
	case 13: (void)sip_answer_tag(f->sip, id, (int)(status & 3), b, NULL, 0); break;
	case 14: (void)sip_prack(f->sip, id, (int)(status & 3), b); break;
	default: dial(f, status); break;
	}
}

/* --- the peer --- */

static struct str hdr(const char *m, const char *name)
{
	const char *p = strstr(m, name), *e;

	if (!p)
		return STR("x");
	p += strlen(name);
	e = strstr(p, "\r\n");
	return (struct str){ p, e ? (size_t)(e - p) : 0 };
}

static void give(struct fz *f, const char *text)
{
	struct addr from = { ADDR_V4, 5060, { 127, 0, 0, 2 } }, to = { ADDR_V4, 5060, { 127, 0, 0, 1 } };

	f->dh->recv(f->dctx, 1, &from, &to, str_of(text));
	turn(f);
}

/* An answer to something sent: status and tag out of the script. */
static void answer(struct fz *f)
{
	const char *m = f->sent[get(f) % KEPT];
	unsigned s = get(f), how = get(f), tag = how & 3;
	char text[TEXT * 2], rel[60] = "";
	bool tagged = strstr(hdr(m, "\r\nTo: ").p, ";tag=") != NULL;

	if (how & 4)
		(void)snprintf(rel, sizeof rel, "Require: 100rel\r\nRSeq: %u\r\n", 1 + (how >> 4));
	(void)snprintf(text, sizeof text,
		"SIP/2.0 %u X\r\nVia: %.*s\r\nFrom: %.*s\r\nTo: %.*s%s%.0u\r\nCall-ID: %.*s\r\nCSeq: %.*s\r\n"
		"Contact: <sip:b@127.0.0.2>\r\nMin-SE: 100\r\nAllow: UPDATE\r\n%s%s%s",
		s < 8 ? 100 + s * 10 : 100 + s * 2, STRF(hdr(m, "\r\nVia: ")), STRF(hdr(m, "\r\nFrom: ")),
		STRF(hdr(m, "\r\nTo: ")),
		tagged ? "" : tag == 0 ? "" : tag == 1 ? ";tag=p1" : tag == 2 ? ";tag=p2" : ";tag=p3", tag,
		STRF(hdr(m, "\r\nCall-ID: ")), STRF(hdr(m, "\r\nCSeq: ")),
		tag == 2 ? "Session-Expires: 90;refresher=uas\r\n"
		: tag == 1 ? "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", stale=true, qop=\"auth\"\r\n"
			   : "", rel,
		how & 8 ? "Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n"
			: "Content-Length: 0\r\n\r\n");
	give(f, text);
}

/* A request in the dialog of something sent, either direction. */
static void request(struct fz *f)
{
	static const char *const method[] = { "BYE", "INVITE", "ACK", "CANCEL", "REFER", "NOTIFY", "INFO",
					      "OPTIONS", "PRACK", "UPDATE" };
	const char *m = f->sent[get(f) % KEPT], *name = method[get(f) % 10];
	struct str rseq = hdr(m, "\r\nRSeq: ");
	bool mine = strncmp(m, "SIP/2.0", 7) != 0;
	unsigned cseq = get(f) & 15, branch = get(f);
	const char *sdp = branch & 8 ? "Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n"
				     : "Content-Length: 0\r\n\r\n";
	char text[TEXT * 2];

	branch &= 7;

	(void)snprintf(text, sizeof text,
		"%s sip:a@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.2;rport;branch=z9hG4bKf%u\r\n"
		"Max-Forwards: 70\r\nFrom: %.*s\r\nTo: %.*s\r\nCall-ID: %.*s\r\nCSeq: %u %s\r\n"
		"Contact: <sip:b@127.0.0.2>\r\nSupported: timer\r\nRAck: %.*s 1 INVITE\r\n%s", name, branch,
		STRF(hdr(m, mine ? "\r\nTo: " : "\r\nFrom: ")), STRF(hdr(m, mine ? "\r\nFrom: " : "\r\nTo: ")),
		STRF(hdr(m, "\r\nCall-ID: ")), cseq, name, STRF(rseq), sdp);
	give(f, text);
}

static void call_in(struct fz *f)
{
	char text[TEXT];
	unsigned n = ++f->made, fl = get(f);

	(void)snprintf(text, sizeof text,
		"INVITE sip:a@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.2;rport;branch=z9hG4bKi%u\r\n"
		"Max-Forwards: 70\r\nFrom: <sip:b@x>;tag=p1\r\nTo: <sip:a@x>\r\nCall-ID: in%u\r\n"
		"CSeq: 1 INVITE\r\nContact: <sip:b@127.0.0.2>\r\n%sContent-Length: 0\r\n\r\n", n, n & 3,
		fl & 1 ? "Supported: timer\r\nSession-Expires: 90\r\n" : "");
	give(f, text);
}

static void stream(struct fz *f)
{
	unsigned what = get(f);
	unsigned i = 1 + (what >> 2) % (STREAMS - 1);
	struct net_stream_info info = { .fail = what & 128 ? NET_FAIL_REFUSED : NET_FAIL_NONE };

	if (!f->sctx[i] || f->dead[i] || (int)i > f->nstream)
		return;
	if (what & 1) {
		f->dead[i] = true;
		f->sh->event(f->sctx[i], 100 + i, NET_CLOSED, STR_NONE, &info);
	} else if (!f->open[i]) {
		f->open[i] = true;
		f->sh->event(f->sctx[i], 100 + i, NET_OPEN, STR_NONE, &info);
	} else {
		const char *m = f->sent[get(f) % KEPT];

		f->sh->event(f->sctx[i], 100 + i, NET_DATA, str_of(m), &info);
	}
	turn(f);
}

/* The name server says something, or nothing until time runs out. */
static void resolve(struct fz *f, unsigned how)
{
	struct dns_result r = { .err = how & 2 ? ERR_GONE : OK, .ttl = 5000, .n = how & 2 ? 0 : 2 };
	char name[DNS_NAME_MAX + 1];

	if (!f->asked[0])
		return;
	for (int i = 0; i < r.n; i++) {
		r.rr[i].addr = (struct addr){ ADDR_V4, 0, { 127, 0, 0, (uint8_t)(2 + i) } };
		r.rr[i].port = 5060;
		(void)str_copy(r.rr[i].target, 16, how & 4 ? STR("c.example") : STR("d.example"));
	}
	(void)str_copy(name, sizeof name, str_of(f->asked));
	f->asked[0] = 0;
	f->dns_answer(f->dns_ctx, name, f->asked_type, &r);
	turn(f);
}

static void pass(struct fz *f, ms_t ms)
{
	f->loop.now += ms;
	while (timers_step(&f->loop.timers, f->loop.now))
		turn(f);
}

static void setup(struct fz *f)
{
	struct sip_config c = { .max_sessions = 64, .max_transactions = 256 };
	struct sip_listener l = { .bind = { ADDR_V4, 5060, { 127, 0, 0, 1 } } };
	uint32_t index;
	int err_no;

	f->loop.now = 1000;
	timers_init(&f->loop.timers, 1000);
	rng_seed(&f->loop.rng, 1);
	f->loop.net = &nops;
	f->loop.dns = &dops;
	f->loop.impl = f;
	f->dns = dns_new(&f->loop, &(struct dns_config){ 0 });
	f->sip = sip_new(&f->loop, f->dns, &c);
	(void)sip_listen(f->sip, &l, &index, &err_no);	/* the net above never refuses */
	(void)sip_login_add(f->sip, &(struct sip_login){ .user = STR("u"), .password = STR("p"),
			    .host = { STR("127.0.0.2") }, .nhosts = 1 });
	l.transport = SIP_TCP;
	(void)sip_listen(f->sip, &l, &index, &err_no);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct fz *f = mem_new(sizeof *f);

	all_opts(f);
	struct sip_counts c;

	setup(f);
	f->p = p;
	f->end = p + n;
	while (f->p < f->end) {
		switch (get(f) & 7) {
		case 0: case 1: command(f); turn(f); break;
		case 2: case 3: answer(f); break;
		case 4: request(f); break;
		case 5: call_in(f); break;
		case 6: stream(f); break;
		default: resolve(f, get(f)); pass(f, (ms_t)get(f) * (get(f) & 1 ? 10 : 700)); break;
		}
	}
	for (unsigned i = 0; i < f->nsession; i++)
		sip_abandon(f->sip, f->session[i]);
	for (unsigned i = 1; (int)i <= f->nstream; i++)
		if (!f->dead[i]) {
			f->dead[i] = true;
			f->sh->event(f->sctx[i], 100 + i, NET_CLOSED, STR_NONE,
				     &(struct net_stream_info){ .fail = NET_FAIL_RESET });
		}
	turn(f);
	for (int i = 0; i < 400; i++)
		pass(f, 1000);
	sip_counts(f->sip, &c);
	if (c.sessions && f->nsession < KEPT)
		abort();	/* everything was abandoned, yet a session stayed */
	sip_free(f->sip);
	dns_free(f->dns);
	mem_free(f);
	return 0;
}
