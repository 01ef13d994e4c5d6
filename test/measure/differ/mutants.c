/*
 * measure_mutants SEED COUNT FILE...: a whole server at virtual time between two trunks; mutated
 * requests and responses, with lines borrowed from the files, go in at either side. On standard
 * output, for measure_differ: each message as it went in, and all that left because of it.
 *   M <bytes> <status of the answer, 0 none> <how many left>, then the bytes
 *   F <bytes> to the other side, or B <bytes> back, then the bytes
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/server.h"
#include "call/call.h"
#include "conf/config.h"
#include "mutate.h"
#include "sim/sim_loop.h"
#include "site/site.h"

enum { KEPT = 24, SEEN = 512 };

static const char config[] =
	"zones: [ { name: pbx, kind: pbx } ]\n"
	"user-calls: 0\n"
	"listeners: [ { name: pbx, zone: pbx, transport: udp, bind: 10.0.0.1:5062, media-ports: 18384-20383 } ]\n"
	"trunks:\n"
	"  - { name: near, profile: cucm, listener: pbx, inbound-css: all, options: no, hosts: [ \"10.0.2.1:5060\" ] }\n"
	"  - { name: far, profile: cucm, listener: pbx, inbound-css: all, options: no, hosts: [ \"10.0.2.2:5060\" ] }\n";
static const char site[] =
	"partitions: [ all ]\nspaces: [ { name: all, partitions: [ all ] } ]\n"
	"patterns: [ { pattern: \"5XXX\", partition: all, trunks: [ far ] }, { pattern: \"+5!\", partition: all, trunks: [ far ] } ]\n";
static const char sdp[] =
	"v=0\r\no=x 1 1 IN IP4 10.0.2.1\r\ns=-\r\nc=IN IP4 10.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 101\r\n"
	"a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n";

struct left { bool forth; struct mutant m; };

struct side { struct bed *bed; net_id sock; struct addr at; struct mutant last; };	/* last: INVITE or answer to one */

struct bed {
	struct loop *loop;
	struct server *server;
	struct addr border;
	struct side near, far;
	struct rng rng;
	struct lenders lend;
	const struct side *sender;	/* of the message that is watched; NULL: none is */
	unsigned status, serial, call;
	struct left left[KEPT];
	int nleft;
	uint64_t seen[SEEN];		/* what left before: repetitions are not counted */
	unsigned nseen;
};

static void die(const char *what)
{
	(void)fprintf(stderr, "measure_mutants: %s\n", what);
	exit(2);
}

/* The lines of the head that begin so, with their ends. */
static void copy_lines(struct buf *b, const struct mutant *m, const char *name)
{
	size_t n = strlen(name);

	for (size_t at = 0; at < m->n;) {
		const char *nl = memchr(m->p + at, '\n', m->n - at);
		size_t len = nl ? (size_t)(nl - (m->p + at)) + 1 : m->n - at;

		if (len > n && !memcmp(m->p + at, name, n))
			buf_bytes(b, m->p + at, len);
		if (len <= 2)
			return;
		at += len;
	}
}

static void send_text(struct side *s, struct str text)
{
	net_udp_send(s->bed->loop, s->sock, &s->at, &s->bed->border, text);
}

/* A clean response to a request of the server. */
static size_t response(const struct mutant *request, unsigned status, char *out, size_t cap)
{
	bool invite = !memcmp(request->p, "INVITE", 6);
	char to[600] = "";
	struct buf b, t;

	buf_init(&t, to, sizeof to);
	copy_lines(&t, request, "To:");
	buf_init(&b, out, cap);
	buf_fmt(&b, "SIP/2.0 %u Answer\r\n", status);
	copy_lines(&b, request, "Via:");
	copy_lines(&b, request, "From:");
	if (buf_str(&t).n > 2 && !strstr(buf_z(&t), "tag="))
		buf_fmt(&b, "%.*s;tag=far\r\n", (int)(buf_str(&t).n - 2), to);
	else
		buf_put(&b, buf_str(&t));
	copy_lines(&b, request, "Call-ID:");
	copy_lines(&b, request, "CSeq:");
	if (invite && status < 300) {
		buf_lit(&b, "Contact: <sip:5001@10.0.2.2:5060>\r\nAllow: INVITE, ACK, BYE, CANCEL, UPDATE, INFO\r\nServer: Far\r\n"
			    "P-Asserted-Identity: \"Far, the\" <sip:5001@10.0.2.2>\r\nSession-ID: 00000000000000000000000000000001;remote="
			    "00000000000000000000000000000000\r\n");
		buf_fmt(&b, "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s", sizeof sdp - 1, sdp);
	} else {
		buf_lit(&b, "Content-Length: 0\r\n\r\n");
	}
	return buf_ok(&b) ? buf_str(&b).n : 0;
}

static void ack(struct side *s, const struct mutant *answer)
{
	char out[4000], seq[200] = "";
	struct buf b, c;

	buf_init(&c, seq, sizeof seq);
	copy_lines(&c, answer, "CSeq:");
	buf_init(&b, out, sizeof out);
	buf_fmt(&b, "ACK sip:5001@10.0.0.1:5062 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.2.1:5060;branch=z9hG4bKack%u\r\n", ++s->bed->serial);
	copy_lines(&b, answer, "From:");
	copy_lines(&b, answer, "To:");
	copy_lines(&b, answer, "Call-ID:");
	buf_fmt(&b, "CSeq: %d ACK\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n", atoi(seq + (c.n > 6 ? 6 : 0)));
	if (buf_ok(&b))
		send_text(s, buf_str(&b));
}

/* What keeps the server's transactions short while nobody is watched. */
static void behave(struct side *s, const struct mutant *m)
{
	char out[4000];
	size_t n = 0;

	if (!memcmp(m->p, "SIP/2.0", 7)) {
		if (memmem(m->p, m->n, " INVITE\r\n", 9)) {
			s->last = *m;
			if (m->p[8] >= '2')
				ack(s, m);
		}
		return;
	}
	if (!memcmp(m->p, "INVITE", 6)) {
		s->last = *m;
		return;
	}
	if (!memcmp(m->p, "ACK", 3))
		return;
	n = response(m, 200, out, sizeof out);
	send_text(s, (struct str){ out, n });
	if (!memcmp(m->p, "CANCEL", 6) && s->last.n) {
		n = response(&s->last, 487, out, sizeof out);
		send_text(s, (struct str){ out, n });
	}
}

static bool repeated(struct bed *b, struct str bytes)
{
	uint64_t h = 1469598103934665603u;

	for (size_t i = 0; i < bytes.n; i++)
		h = (h ^ (uint8_t)bytes.p[i]) * 1099511628211u;
	for (unsigned i = 0; i < SEEN; i++)
		if (b->seen[i] == h)
			return true;
	b->seen[b->nseen++ % SEEN] = h;
	return false;
}

/* A late answer to an earlier mutant, which shows its Via and From as they were. */
static bool stale(const struct side *s, const struct mutant *m)
{
	char id[40];

	(void)snprintf(id, sizeof id, "\r\nCall-ID: c%u@pbx.test\r\n", s->bed->call);
	return s != s->bed->sender && !memcmp(m->p, "SIP/2.0", 7) && !memmem(m->p, m->n, id, strlen(id));
}

static void arrived(void *ctx, net_id sock, const struct addr *from, const struct addr *to, struct str bytes)
{
	static struct mutant m;		/* one at a time; large */
	struct side *s = ctx;
	struct bed *b = s->bed;

	(void)sock;
	(void)from;
	(void)to;
	if (bytes.n < 12 || bytes.n > sizeof m.p || repeated(b, bytes))
		return;
	memcpy(m.p, bytes.p, bytes.n);
	m.n = bytes.n;
	if (b->sender && b->nleft < KEPT && !stale(s, &m)) {
		b->left[b->nleft].forth = s != b->sender;
		b->left[b->nleft++].m = m;
	}
	if (s == b->sender && !memcmp(m.p, "SIP/2.0", 7))
		b->status = (unsigned)atoi(m.p + 8);
	behave(s, &m);
}

/* --- what goes in ------------------------------------------------------------------ */

static void request(struct bed *b, const char *method, unsigned call, unsigned cseq, const char *to_tag, struct mutant *out)
{
	bool invite = !strcmp(method, "INVITE");
	struct buf t;

	buf_init(&t, out->p, sizeof out->p);
	buf_fmt(&t, "%s sip:5001@10.0.0.1:5062 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.2.1:5060;branch=z9hG4bK%u\r\n", method, ++b->serial);
	buf_lit(&t, "Max-Forwards: 70\r\n");
	if (!to_tag[0])
		buf_lit(&t, "Via: SIP/2.0/TCP pbx.test;received=10.0.9.1;branch=z9hG4bKup\r\nRecord-Route: <sip:10.0.2.1;lr>\r\n");
	buf_fmt(&t, "From: \"Near, \\\"the\\\"\" <sip:4001@pbx.test>;tag=n%u\r\nTo: <sip:5001@10.0.0.1>%s\r\nCall-ID: c%u@pbx.test\r\n", call,
		to_tag, call);
	buf_fmt(&t, "CSeq: %u %s\r\nContact: <sip:4001@10.0.2.1:5060>;x=\"y\"\r\nAllow: INVITE, ACK, BYE, CANCEL, UPDATE, INFO\r\n", cseq, method);
	buf_lit(&t, "Supported: timer, replaces\r\nUser-Agent: Near/1.0 (x)\r\nSession-Expires: 1800\r\nMin-SE: 90\r\n"
		    "P-Asserted-Identity: \"Near\" <sip:4001@pbx.test>\r\nRemote-Party-ID: \"Near\" <sip:4001@pbx.test>;party=calling;privacy=off\r\n"
		    "Diversion: \"Boss\" <sip:4009@pbx.test>;reason=no-answer;counter=1\r\nCisco-Guid: 1-2-3-4\r\nPrivacy: none\r\n"
		    "Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000\r\n");
	if (invite)
		buf_fmt(&t, "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s", sizeof sdp - 1, sdp);
	else
		buf_lit(&t, "Reason: Q.850;cause=16;text=\"bye\"\r\nContent-Length: 0\r\n\r\n");
	out->n = buf_str(&t).n;
}

static void watched(struct bed *b, struct side *s, struct mutant *m)
{
	mutate(m, &b->lend, &b->rng);
	b->sender = s;
	b->status = 0;
	b->nleft = 0;
	send_text(s, (struct str){ m->p, m->n });
	sim_for(b->loop, 30);
	b->sender = NULL;
	printf("M %zu %u %d\n", m->n, b->status, b->nleft);
	(void)fwrite(m->p, 1, m->n, stdout);
	for (int i = 0; i < b->nleft; i++) {
		printf("%c %zu\n", b->left[i].forth ? 'F' : 'B', b->left[i].m.n);
		(void)fwrite(b->left[i].m.p, 1, b->left[i].m.n, stdout);
	}
}

/* A clean call, answered or only crossing; false: the server did not let it pass. */
static bool clean_call(struct bed *b, unsigned call, bool answer, struct mutant *m)
{
	b->far.last.n = 0;
	request(b, "INVITE", call, 1, "", m);
	send_text(&b->near, (struct str){ m->p, m->n });
	sim_for(b->loop, 20);
	if (b->far.last.n && answer) {
		m->n = response(&b->far.last, 200, m->p, sizeof m->p);
		send_text(&b->far, (struct str){ m->p, m->n });
		sim_for(b->loop, 20);
	}
	return b->far.last.n > 0;
}

/* The tag that the server gave our call stands in what it answered last. */
static void their_tag(const struct bed *b, char out[100])
{
	const char *at = memmem(b->near.last.p, b->near.last.n, "To: <sip:5001@10.0.0.1>;tag=", 28);

	(void)snprintf(out, 100, ";tag=%.*s", at ? (int)strcspn(at + 28, "\r;") : 0, at ? at + 28 : "");
}

static void round_of(struct bed *b, unsigned i)
{
	static const char *const inside[] = { "INVITE", "BYE", "UPDATE", "INFO", "OPTIONS" };
	static const unsigned answer[] = { 180, 183, 200, 200, 486, 404, 302, 503 };
	static struct mutant m;		/* large */
	struct reason enough = REASON(SHUTDOWN);
	char tag[100];

	b->call = i;
	switch (i % 4) {
	case 0:
	case 1:
		request(b, "INVITE", i, 1, "", &m);
		watched(b, &b->near, &m);
		break;
	case 2:
		if (!clean_call(b, i, true, &m))
			break;
		their_tag(b, tag);
		request(b, inside[rng_below(&b->rng, 5)], i, 2, tag, &m);
		watched(b, &b->near, &m);
		break;
	default:
		if (!clean_call(b, i, false, &m))
			break;
		m.n = response(&b->far.last, answer[rng_below(&b->rng, 8)], m.p, sizeof m.p);
		watched(b, &b->far, &m);
		break;
	}
	calls_drop_all(server_env(b->server)->calls, &enough);
	sim_for(b->loop, 120);
}

static void bind_side(struct bed *b, struct side *s, const char *at)
{
	static const struct net_dgram_handler h = { arrived };
	int err_no;

	s->bed = b;
	if (addr_parse(str_of(at), 5060, &s->at))
		die("address");
	s->sock = net_udp_bind(b->loop, &s->at, &h, s, &err_no);
}

static void begin(struct bed *b, uint64_t seed)
{
	static char text[2000];
	struct findings *fs = mem_new(sizeof *fs);
	struct server_options o = { .inside = true };
	struct buf why;

	buf_init(&why, text, sizeof text);
	rng_seed(&b->rng, seed);
	b->loop = sim_new(seed);
	o.config = config_parse(str_of(config), "config", fs);
	if (o.config)
		o.directory = site_read(str_of(site), "site", o.config, fs);
	if (o.directory)
		b->server = server_new(b->loop, &o, &why);
	findings_write(&why, fs);
	mem_free(fs);
	if (!b->server)
		die(buf_z(&why));
	(void)addr_parse(STR("10.0.0.1:5062"), 0, &b->border);	/* right */
	bind_side(b, &b->near, "10.0.2.1");
	bind_side(b, &b->far, "10.0.2.2");
	sim_for(b->loop, 100);
}

static void lend(struct bed *b, const char *file)
{
	size_t n = 0;
	char *text = config_slurp(file, 65536, &n, NULL);

	if (text && n > 20 && b->lend.n < LENDERS)
		b->lend.msg[b->lend.n++] = (struct str){ text, n };
}

int main(int argc, char **argv)
{
	static struct bed bed;		/* large */
	unsigned count;

	if (argc < 3)
		die("SEED COUNT FILE...");
	count = (unsigned)strtoul(argv[2], NULL, 10);
	for (int i = 3; i < argc; i++)
		lend(&bed, argv[i]);
	begin(&bed, strtoull(argv[1], NULL, 10));
	for (unsigned i = 0; i < count; i++)
		round_of(&bed, i);
	return 0;
}
