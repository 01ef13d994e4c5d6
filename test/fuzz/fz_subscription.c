/*
 * Subscriptions out of bytes: the parsers of Event, Subscription-State and Allow-Events, then a
 * stack whose owner and whose peer do anything in any order.
 * Invariants: nothing crashes or leaks; a subscription has at most one SUB_ENDED, and no news after
 * that, or after its owner let go of it; when all is left alone and time has passed, every one of
 * them has ended.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sip/events.h"
#include "sip/subscription.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { KEPT = 8, TEXT = 4096, KNOWN = 64 };

static void must(bool ok)
{
	if (!ok)
		abort();
}

struct known { uint64_t sub; bool over; };

struct fz {
	struct loop loop;
	struct sip *sip;
	struct dns *dns;
	const struct net_dgram_handler *dh;
	void *dctx;
	char sent[KEPT][TEXT];		/* requests and answers that left */
	unsigned nsent, made;
	struct known known[KNOWN];
	unsigned nknown;
	uint64_t sub[KEPT], session, tsx;
	unsigned nsub;
	const uint8_t *p, *end;
};

static unsigned get(struct fz *f)
{
	return f->p < f->end ? *f->p++ : 0;
}

static net_id n_bind(struct loop *l, const struct addr *a, const struct net_dgram_handler *h, void *ctx, int *e)
{
	struct fz *f = l->impl;

	(void)a;
	(void)e;
	f->dh = h;
	f->dctx = ctx;
	return 1;
}

static void n_send(struct loop *l, net_id s, const struct addr *from, const struct addr *to, struct str b)
{
	struct fz *f = l->impl;

	(void)s;
	(void)from;
	(void)to;
	(void)str_copy(f->sent[f->nsent++ % KEPT], TEXT, b);
}

static net_id n_listen(struct loop *l, const struct addr *a, struct tls_ctx *t,
		       const struct net_stream_handler *h, void *ctx, int *e)
{
	(void)l;
	(void)a;
	(void)t;
	(void)h;
	(void)ctx;
	(void)e;
	return 2;
}

static net_id n_connect(struct loop *l, const struct net_connect *c)
{
	(void)l;
	(void)c;
	return 0;
}

static void n_write(struct loop *l, net_id s, struct str b)
{
	(void)l;
	(void)s;
	(void)b;
}

static void n_close(struct loop *l, net_id s)
{
	(void)l;
	(void)s;
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
	(void)c;
	(void)a;
	(void)ctx;
	return l;
}

static void d_ask(void *i, const char *n, enum dns_type t)
{
	(void)i;
	(void)n;
	(void)t;
}

static void d_close(void *i)
{
	(void)i;
}

static const struct dns_ops dops = { d_open, d_ask, d_close };

/* --- the owner --- */

static struct known *known_of(struct fz *f, uint64_t sub)
{
	for (unsigned i = 0; i < f->nknown; i++)
		if (f->known[i].sub == sub)
			return &f->known[i];
	return NULL;
}

static void know(struct fz *f, uint64_t sub)
{
	if (sub && f->nknown < KNOWN)
		f->known[f->nknown++] = (struct known){ .sub = sub };
	if (sub)
		f->sub[f->nsub++ % KEPT] = sub;
}

static void let_go(struct fz *f, uint64_t sub, enum err e)
{
	struct known *k = known_of(f, sub);

	if (k && e == OK)
		k->over = true;
}

static void answer_it(struct fz *f, const struct sip_event *e)
{
	unsigned how = get(f);
	struct sip_accept q = { .owner = 1, .pending = how & 1, .min_s = how & 2 ? 90 : 0,
				.max_s = how & 4 ? 120 : 0 };

	if (how & 8)
		q.body = (struct sip_body){ STR("a/b"), STR("state") };
	if (how & 16) {
		(void)sip_sub_refuse(f->sip, e->sub, how & 32 ? 403 : 401, NULL, 0);
	} else if (!(how & 64)) {		/* else it is forgotten */
		if (sip_sub_accept(f->sip, e->sub, &q) == OK && e->expires_s)
			know(f, e->sub);
	}
}

static const struct sip_opts plain = { .session_timer = false };	/* outlives the sessions */

static void turn(struct fz *f)
{
	struct sip_event e;
	struct sip_body sdp = { STR("application/sdp"), STR("v=0\r\n") };
	struct known *k;

	while (sip_next(f->sip, &e)) {
		k = e.sub ? known_of(f, e.sub) : NULL;
		if (k)
			must(!k->over);
		if (e.kind == SIP_EV_SUB_ENDED && k)
			k->over = true;
		if (e.kind == SIP_EV_SUBSCRIBE)
			answer_it(f, &e);
		if (e.kind == SIP_EV_INVITE && sip_own(f->sip, e.session, 5, &plain) == OK) {
			(void)sip_answer(f->sip, e.session, &sdp, NULL, 0);
			f->session = e.session;
		}
		if (e.kind == SIP_EV_INDIALOG)
			f->tsx = e.tsx;
	}
	sip_turn_end(f->sip);
}

static void subscribe(struct fz *f, unsigned how)
{
	struct sip_subscribe q = { .owner = 2, .ruri = STR("sip:vm@127.0.0.2"), .from_uri = STR("sip:a@x"),
				   .package = STR("p"), .expires_s = how & 1 ? 30 : how & 2 ? 600 : 0,
				   .id = how & 4 ? STR("7") : STR_NONE };

	q.dest = (struct sip_dest){ .transport = how & 8 ? SIP_TCP : SIP_UDP, .host = "127.0.0.2" };
	know(f, sip_subscribe(f->sip, &q));
}

static void implicit(struct fz *f, unsigned how)
{
	struct sip_implicit i = { .session = f->session, .tsx = f->tsx, .owner = 3, .package = STR("refer"),
				  .id = how & 1 ? STR("9") : STR_NONE, .expires_s = how & 2 ? 180 : 0,
				  .body = { STR("message/sipfrag"), STR("SIP/2.0 100 Trying") } };

	know(f, sip_sub_implicit(f->sip, &i));
}

static void command(struct fz *f)
{
	unsigned what = get(f), how = get(f);
	uint64_t id = f->sub[what >> 4 & (KEPT - 1)];
	struct sip_body b = { STR("a/b"), STR("news") };

	switch (what & 7) {
	case 0: subscribe(f, how); break;
	case 1: (void)sip_notify(f->sip, id, how & 1 ? &b : NULL); break;
	case 2:
		let_go(f, id, sip_notify_end(f->sip, id, (enum sip_sub_reason)(how & 7), how >> 4,
					     how & 8 ? &b : NULL));
		break;
	case 3: let_go(f, id, sip_unsubscribe(f->sip, id)); break;
	case 4: implicit(f, how); break;
	case 5: (void)sip_bye(f->sip, f->session, NULL, 0); break;
	case 6: (void)sip_respond(f->sip, f->tsx, 200 + how, NULL, NULL, NULL, 0); break;
	default: (void)sip_sub_refuse(f->sip, id, 403, NULL, 0); break;
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

static void answer(struct fz *f)
{
	static const unsigned status[] = { 100, 200, 202, 401, 423, 481, 489, 500, 503, 404, 183, 600 };
	const char *m = f->sent[get(f) % KEPT];
	unsigned s = status[get(f) % 12], how = get(f);
	bool tagged = strstr(hdr(m, "\r\nTo: ").p, ";tag=") != NULL;
	char text[TEXT * 2];

	(void)snprintf(text, sizeof text,
		"SIP/2.0 %u X\r\nVia: %.*s\r\nFrom: %.*s\r\nTo: %.*s%s\r\nCall-ID: %.*s\r\nCSeq: %.*s\r\n"
		"Contact: <sip:b@127.0.0.2>\r\n%s%sContent-Length: 0\r\n\r\n", s, STRF(hdr(m, "\r\nVia: ")),
		STRF(hdr(m, "\r\nFrom: ")), STRF(hdr(m, "\r\nTo: ")), tagged ? "" : how & 1 ? ";tag=p1" : ";tag=p2",
		STRF(hdr(m, "\r\nCall-ID: ")), STRF(hdr(m, "\r\nCSeq: ")),
		how & 2 ? "Retry-After: 5\r\n" : "", how & 4 ? "Min-Expires: 700\r\nExpires: 90\r\n" : "");
	give(f, text);
}

static const char *const state[] = { "active", "pending;expires=40", "terminated;reason=deactivated", "terminated",
				     "odd;expires=9", "bad state", "terminated;reason=probation;retry-after=3",
				     "active;expires=0" };

/* A request in the dialog of something sent, either direction. */
static void request(struct fz *f)
{
	static const char *const method[] = { "SUBSCRIBE", "NOTIFY", "REFER", "ACK", "BYE", "OPTIONS" };
	const char *m = f->sent[get(f) % KEPT], *name = method[get(f) % 6];
	bool mine = strncmp(m, "SIP/2.0", 7) != 0;
	unsigned how = get(f), cseq = get(f) & 31;
	char text[TEXT * 2];

	(void)snprintf(text, sizeof text,
		"%s sip:a@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.2;rport;branch=z9hG4bKr%u\r\n"
		"Max-Forwards: 70\r\nFrom: %.*s%s\r\nTo: %.*s\r\nCall-ID: %.*s\r\nCSeq: %u %s\r\n"
		"Contact: <sip:b@127.0.0.2>\r\nEvent: %s\r\nExpires: %s\r\nSubscription-State: %s\r\n"
		"Content-Length: 0\r\n\r\n", name, f->made++,
		STRF(hdr(m, mine ? "\r\nTo: " : "\r\nFrom: ")),
		mine && !strstr(hdr(m, "\r\nTo: ").p, ";tag=") ? ";tag=p1" : "",
		STRF(hdr(m, mine ? "\r\nFrom: " : "\r\nTo: ")), STRF(hdr(m, "\r\nCall-ID: ")), cseq, name,
		how & 1 ? "refer" : how & 2 ? "p;id=7" : "p",
		how & 4 ? "0" : how & 8 ? "30" : "600", state[how >> 4 & 7]);
	give(f, text);
}

static void ask(struct fz *f)
{
	char text[TEXT];
	unsigned n = f->made++, how = get(f);

	(void)snprintf(text, sizeof text,
		"%s sip:a@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.2;rport;branch=z9hG4bKa%u\r\n"
		"Max-Forwards: 70\r\nFrom: <sip:b@127.0.0.2>;tag=p1\r\nTo: <sip:a@x>\r\nCall-ID: in%u\r\n"
		"CSeq: 1 %s\r\n%sEvent: %s\r\nExpires: %s\r\nContent-Length: 0\r\n\r\n",
		how & 1 ? "INVITE" : "SUBSCRIBE", n, n, how & 1 ? "INVITE" : "SUBSCRIBE",
		how & 2 ? "" : "Contact: <sip:b@127.0.0.2>\r\n", how & 4 ? "p;id=7" : how & 64 ? "none" : "p",
		how & 8 ? "0" : how & 16 ? "30" : how & 32 ? "x" : "600");
	give(f, text);
}

static void wait(struct fz *f, ms_t ms)
{
	ms_t end = f->loop.now + ms, t;

	while ((t = timers_next(&f->loop.timers)) <= end) {
		f->loop.now = t > f->loop.now ? t : f->loop.now;
		while (timers_step(&f->loop.timers, f->loop.now))
			turn(f);
	}
	f->loop.now = end;
	(void)timers_step(&f->loop.timers, end);
	turn(f);
}

static void parsers(const uint8_t *p, size_t n)
{
	struct str v = { (const char *)p, n }, name;
	struct sip_package a;
	struct sip_sub_info i, back;
	char text[200];
	struct buf b;
	ms_t w;

	if (sip_package_parse(v, &a) == OK)
		must(a.name.n && sip_package_same(&a, &a));
	while (sip_allow_events_next(&v, &name))
		must(name.n > 0);
	v = (struct str){ (const char *)p, n };
	if (sip_sub_info_parse(v, &i) != OK)
		return;
	(void)sip_sub_again(&i, 1, &w);
	buf_init(&b, text, sizeof text);
	sip_sub_info_write(&b, &i);
	must(buf_ok(&b) && sip_sub_info_parse(buf_str(&b), &back) == OK);
	must(back.expires_s == i.expires_s && back.has_retry == i.has_retry);
}

static struct fz *begin(void)
{
	struct fz *f = mem_new(sizeof *f);
	struct sip_listener l = { .bind = { ADDR_V4, 5060, { 127, 0, 0, 1 } }, .events = "p" };
	uint32_t index;
	int e;

	f->loop.now = 1000;
	f->loop.wall = 1700000000000;
	timers_init(&f->loop.timers, f->loop.now);
	rng_seed(&f->loop.rng, 7);
	f->loop.net = &nops;
	f->loop.dns = &dops;
	f->loop.impl = f;
	f->dns = dns_new(&f->loop, &(struct dns_config){ 0 });
	f->sip = sip_new(&f->loop, f->dns, NULL);
	must(sip_listen(f->sip, &l, &index, &e) == OK);
	return f;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct sip_counts c;
	struct fz *f;

	if (n > 600)
		return 0;
	parsers(p, n);
	f = begin();
	f->p = p;
	f->end = p + n;
	while (f->p < f->end) {
		switch (get(f) & 7) {
		case 0: case 1: command(f); turn(f); break;
		case 2: case 3: answer(f); break;
		case 4: case 5: request(f); break;
		case 6: ask(f); break;
		default: wait(f, (ms_t)get(f) * 300); break;
		}
	}
	(void)sip_bye(f->sip, f->session, NULL, 0);
	for (int i = 0; i < 100; i++)	/* longer than the longest that can be granted */
		wait(f, 1000 * (ms_t)SIP_SUB_EXPIRES_MAX_S / 50);
	sip_counts(f->sip, &c);
	must(c.subs == 0 && c.transactions == 0);
	for (unsigned i = 0; i < f->nknown; i++)
		must(f->known[i].over);
	sip_free(f->sip);
	dns_free(f->dns);
	must(f->loop.timers.armed == 0);
	mem_free(f);
	return 0;
}
