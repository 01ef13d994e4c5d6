/*
 * storm - many phones that register at once, as after a power cut.
 *
 * *   storm IP:PORT NET/BITS FIRST COUNT RATE [MD5]
 *
 * Phone i is user FIRST+i with password "secret-<user>", at the i-th address of the net (which must
 * be local: `ip route add local NET dev lo`), port 5070, RATE first REGISTERs a second (0: as fast
 * as they can be sent). Each answers the first challenge it can (SHA-256 before MD5 where that is
 * offered first; MD5: only that) and repeats by RFC 3261 17.1.2 (T1 500 ms, T2 4 s, timer F 32 s).
 * A 503 is a failure. Prints one line of JSON; times are from the first datagram sent to the last
 * 200 read, and for each phone from its first REGISTER to its 200.
 * For Tandem's own measures on this machine; it refuses targets that are not local.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 32, SIZE = 1400, PORT = 5070, T1_US = 500000, T2_US = 4000000, TIMER_F_US = 32000000,
       SCAN_US = 5000, NONCE = 160, REALM = 64 };

enum state { IDLE, ASKED, SHOWN, DONE, FAILED };

struct phone {
	enum state state;
	bool sha;
	uint64_t born, due, gap, ends, took;	/* us */
	char nonce[NONCE];
};

struct storm {
	int fd;
	struct sockaddr_in to;
	char target[INET_ADDRSTRLEN], realm[REALM];
	uint32_t net, first, count, rate;
	bool md5_only;
	struct phone *p;
	uint32_t born, done, failed, challenged, sha, repeated, other;
	uint64_t began, last, sent;
	uint32_t queue[BATCH], nqueue;
};

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* --- what leaves --- */

static void hash(bool sha, const char *text, char hex[65])
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	EVP_Digest(text, strlen(text), md, &n, sha ? EVP_sha256() : EVP_md5(), NULL);
	for (unsigned i = 0; i < n; i++)
		snprintf(hex + 2 * i, 3, "%02x", md[i]);
}

static size_t credentials(const struct storm *s, const struct phone *p, uint32_t user, char *b, size_t cap)
{
	char text[600], ha1[65], ha2[65], got[65];

	snprintf(text, sizeof text, "%u:%s:secret-%u", user, s->realm, user);
	hash(p->sha, text, ha1);
	snprintf(text, sizeof text, "REGISTER:sip:%s", s->target);
	hash(p->sha, text, ha2);
	snprintf(text, sizeof text, "%s:%s:00000001:c%u:auth:%s", ha1, p->nonce, user, ha2);
	hash(p->sha, text, got);
	return (size_t)snprintf(b, cap, "Authorization: Digest username=\"%u\", realm=\"%s\", nonce=\"%s\", "
		"uri=\"sip:%s\", response=\"%s\", algorithm=%s, qop=auth, nc=00000001, cnonce=\"c%u\"\r\n",
		user, s->realm, p->nonce, s->target, got, p->sha ? "SHA-256" : "MD5", user);
}

static void address(const struct storm *s, uint32_t i, struct in_addr *a)
{
	a->s_addr = htonl(s->net + 1 + i);
}

static size_t write_register(const struct storm *s, uint32_t i, char *b)
{
	const struct phone *p = &s->p[i];
	uint32_t user = s->first + i, seq = p->state == SHOWN ? 2 : 1;
	char from[INET_ADDRSTRLEN];
	struct in_addr a;
	size_t n;

	address(s, i, &a);
	(void)inet_ntop(AF_INET, &a, from, sizeof from);
	n = (size_t)snprintf(b, SIZE, "REGISTER sip:%s SIP/2.0\r\nVia: SIP/2.0/UDP %s:%u;branch=z9hG4bK%08x%u;rport\r\n"
		"Max-Forwards: 70\r\nFrom: <sip:%u@%s>;tag=t%u\r\nTo: <sip:%u@%s>\r\nCall-ID: %08x-%llx@storm\r\n"
		"CSeq: %u REGISTER\r\nExpires: 3600\r\n",
		s->target, from, (unsigned)PORT, i, seq, user, s->target, user, user, s->target, i,
		(unsigned long long)s->began, seq);
	/* Two phones as they are: what they say of themselves beside what a REGISTER needs. */
	n += (size_t)snprintf(b + n, SIZE - n, i % 2
		? "Contact: <sip:%u@%s:%u>\r\nAllow: INVITE, INFO, PRACK, ACK, BYE, CANCEL, OPTIONS, NOTIFY, REGISTER, SUBSCRIBE, REFER, PUBLISH, UPDATE, MESSAGE\r\n"
		  "User-Agent: Desk Phone T46 66.86.0.15\r\nAllow-Events: talk,hold,conference,refer,check-sync\r\n"
		: "Contact: <sip:%u@%s:%u>;+sip.instance=\"<urn:uuid:01234567-89ab-cdef-0123-456789abcdef>\"\r\n"
		  "User-Agent: softphone v1.0.0 (x86_64/linux)\r\nSupported: gruu,outbound,path\r\n"
		  "Allow: INVITE,ACK,BYE,CANCEL,OPTIONS,NOTIFY,SUBSCRIBE,INFO,MESSAGE,UPDATE,REFER\r\n",
		user, from, (unsigned)PORT);
	if (seq == 2)
		n += credentials(s, p, user, b + n, SIZE - n);
	return n + (size_t)snprintf(b + n, SIZE - n, "Content-Length: 0\r\n\r\n");
}

/* What is in the queue leaves in one call; what the kernel does not take is repeated by its timer. */
static void flush(struct storm *s)
{
	static struct mmsghdr m[BATCH];
	static struct iovec iov[BATCH];
	static char text[BATCH][SIZE];
	static _Alignas(struct cmsghdr) char control[BATCH][CMSG_SPACE(sizeof(struct in_pktinfo))];

	for (uint32_t k = 0; k < s->nqueue; k++) {
		struct in_pktinfo pi = { 0 };
		struct cmsghdr *c = (struct cmsghdr *)(void *)control[k];

		address(s, s->queue[k], &pi.ipi_spec_dst);
		iov[k] = (struct iovec){ text[k], write_register(s, s->queue[k], text[k]) };
		m[k].msg_hdr = (struct msghdr){ .msg_name = &s->to, .msg_namelen = sizeof s->to, .msg_iov = &iov[k],
						.msg_iovlen = 1, .msg_control = control[k],
						.msg_controllen = sizeof control[k] };
		*c = (struct cmsghdr){ CMSG_LEN(sizeof pi), IPPROTO_IP, IP_PKTINFO };
		memcpy(CMSG_DATA(c), &pi, sizeof pi);
	}
	for (uint32_t k = 0; k < s->nqueue;) {
		int n = sendmmsg(s->fd, m + k, s->nqueue - k, 0);

		if (n <= 0)
			break;
		k += (uint32_t)n;
		s->sent += (uint64_t)n;
	}
	s->nqueue = 0;
}

static void send_soon(struct storm *s, uint32_t i)
{
	s->queue[s->nqueue++] = i;
	if (s->nqueue == BATCH)
		flush(s);
}

static void ask(struct storm *s, uint32_t i, enum state st, uint64_t now)
{
	struct phone *p = &s->p[i];

	p->state = st;
	p->gap = T1_US;
	p->due = now + T1_US;
	p->ends = now + TIMER_F_US;
	send_soon(s, i);
}

/* --- what comes --- */

static void fail(struct storm *s, struct phone *p)
{
	p->state = FAILED;
	s->failed++;
}

static bool quoted(const char *from, const char *name, char *out, size_t cap)
{
	const char *at = strstr(from, name), *end;

	if (!at)
		return false;
	at += strlen(name);
	end = strchr(at, '"');
	if (!end || (size_t)(end - at) >= cap)
		return false;
	memcpy(out, at, (size_t)(end - at));
	out[end - at] = 0;
	return true;
}

static bool read_challenge(struct storm *s, struct phone *p, char *text)
{
	for (char *at = text; (at = strstr(at, "\r\nWWW-Authenticate:")) != NULL; at += 2) {
		char *end = strstr(at + 2, "\r\n"), line[700];

		if (!end || (size_t)(end - at) >= sizeof line)
			continue;
		memcpy(line, at, (size_t)(end - at));
		line[end - at] = 0;
		p->sha = strstr(line, "SHA-256") != NULL;
		if (p->sha && s->md5_only)
			continue;
		return quoted(line, "nonce=\"", p->nonce, NONCE) && quoted(line, "realm=\"", s->realm, REALM);
	}
	return false;
}

static void got(struct storm *s, char *text, uint64_t now)
{
	const char *id = strstr(text, "\r\nCall-ID: "), *seq = strstr(text, "\r\nCSeq: ");
	unsigned status = (unsigned)strtoul(text + 8, NULL, 10);
	uint32_t i = id ? (uint32_t)strtoul(id + 11, NULL, 16) : UINT32_MAX;
	struct phone *p;

	if (strncmp(text, "SIP/2.0 ", 8) != 0 || !seq || i >= s->count || status < 200) {
		s->other++;
		return;
	}
	p = &s->p[i];
	if ((p->state == ASKED && seq[8] != '1') || (p->state == SHOWN && seq[8] != '2'))
		return;		/* of the request before: it was repeated */
	if (p->state == ASKED && status == 401 && read_challenge(s, p, text)) {
		s->challenged++;
		s->sha += p->sha;
		ask(s, i, SHOWN, now);
	} else if (p->state == SHOWN && status == 200) {
		p->state = DONE;
		p->took = now - p->born;
		s->last = now;
		s->done++;
	} else if (p->state == ASKED || p->state == SHOWN) {
		fail(s, p);
	}
}

static bool hear(struct storm *s)
{
	static struct mmsghdr m[BATCH];
	static struct iovec iov[BATCH];
	static char text[BATCH][2048];
	uint64_t now;
	int n;

	for (int k = 0; k < BATCH; k++) {
		iov[k] = (struct iovec){ text[k], sizeof text[k] - 1 };
		m[k].msg_hdr = (struct msghdr){ .msg_iov = &iov[k], .msg_iovlen = 1 };
	}
	n = recvmmsg(s->fd, m, BATCH, MSG_DONTWAIT, NULL);
	now = now_us();
	for (int k = 0; k < n; k++) {
		text[k][m[k].msg_len] = 0;
		got(s, text[k], now);
	}
	return n > 0;
}

/* --- time --- */

static void repeat(struct storm *s, uint64_t now)
{
	for (uint32_t i = 0; i < s->born; i++) {
		struct phone *p = &s->p[i];

		if ((p->state != ASKED && p->state != SHOWN) || now < p->due)
			continue;
		if (now >= p->ends) {
			fail(s, p);
			continue;
		}
		p->gap = 2 * p->gap < T2_US ? 2 * p->gap : T2_US;
		p->due = now + p->gap;
		s->repeated++;
		send_soon(s, i);
	}
}

static void bear(struct storm *s, uint64_t now)
{
	uint64_t want = s->rate ? (now - s->began) * s->rate / 1000000 + 1 : s->count;

	/* one batch at a time: answers are read in between */
	for (int k = 0; k < BATCH && s->born < s->count && s->born < want; k++) {
		s->p[s->born].born = now;
		ask(s, s->born++, ASKED, now);
	}
}

static void run(struct storm *s)
{
	uint64_t scanned = 0, now;

	s->began = now_us();
	while (s->done + s->failed < s->count) {
		now = now_us();
		bear(s, now);
		if (now - scanned >= SCAN_US) {
			repeat(s, now);
			scanned = now;
		}
		flush(s);
		if (!hear(s) && (s->born == s->count || s->rate))
			(void)poll(&(struct pollfd){ .fd = s->fd, .events = POLLIN }, 1, 1);
	}
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void report(const struct storm *s)
{
	uint64_t *t = calloc(s->count, sizeof *t), n = 0, born = s->count ? s->p[s->count - 1].born : 0;

	for (uint32_t i = 0; t && i < s->count; i++)
		if (s->p[i].state == DONE)
			t[n++] = s->p[i].took;
	if (n)
		qsort(t, n, sizeof *t, by_size);
	printf("{\"registered\":%u,\"failed\":%u,\"seconds\":%.3f,\"offered_s\":%.3f,\"sent\":%llu,\"repeated\":%u,"
	       "\"challenged\":%u,\"sha256\":%u,\"other\":%u,\"p50_ms\":%.1f,\"p99_ms\":%.1f,\"worst_ms\":%.1f}\n",
	       s->done, s->failed, s->last > s->began ? (double)(s->last - s->began) / 1e6 : 0.0,
	       (double)(born - s->began) / 1e6, (unsigned long long)s->sent, s->repeated, s->challenged, s->sha,
	       s->other, n ? (double)t[n / 2] / 1e3 : 0.0, n ? (double)t[n * 99 / 100] / 1e3 : 0.0,
	       n ? (double)t[n - 1] / 1e3 : 0.0);
	free(t);
}

/* --- the command line --- */

static bool local(const struct in_addr *a)
{
	struct sockaddr_in s = { .sin_family = AF_INET, .sin_addr = *a };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&s, sizeof s) == 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

static bool read_target(struct storm *s, char *text)
{
	char *port = strchr(text, ':');

	if (!port)
		return false;
	*port++ = 0;
	s->to = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)strtoul(port, NULL, 10)) };
	snprintf(s->target, sizeof s->target, "%s", text);
	return inet_pton(AF_INET, text, &s->to.sin_addr) == 1 && local(&s->to.sin_addr);
}

static bool read_net(struct storm *s, char *text)
{
	char *slash = strchr(text, '/');
	unsigned long bits;
	struct in_addr a;

	if (!slash)
		return false;
	*slash++ = 0;
	bits = strtoul(slash, NULL, 10);
	if (bits < 1 || bits > 30 || inet_pton(AF_INET, text, &a) != 1)
		return false;
	s->net = ntohl(a.s_addr) & ~(UINT32_MAX >> bits);
	return s->count <= (UINT32_MAX >> bits) - 1 && local(&a);
}

static bool open_socket(struct storm *s)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int big = 16 << 20;

	s->fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (s->fd < 0)
		return false;
	(void)setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &big, sizeof big);
	(void)setsockopt(s->fd, SOL_SOCKET, SO_SNDBUF, &big, sizeof big);
	return bind(s->fd, (struct sockaddr *)&any, sizeof any) == 0;
}

int main(int argc, char **argv)
{
	struct storm s = { 0 };

	if (argc < 6) {
		fprintf(stderr, "usage: storm IP:PORT LOCALNET/BITS FIRST COUNT RATE [MD5]\n");
		return 1;
	}
	s.first = (uint32_t)strtoul(argv[3], NULL, 10);
	s.count = (uint32_t)strtoul(argv[4], NULL, 10);
	s.rate = (uint32_t)strtoul(argv[5], NULL, 10);
	s.md5_only = argc > 6;
	if (!read_target(&s, argv[1]) || !read_net(&s, argv[2])) {
		fprintf(stderr, "storm: the target and the net must be local, and the net large enough.\n");
		return 1;
	}
	s.p = calloc(s.count, sizeof *s.p);
	if (!s.p || !open_socket(&s)) {
		perror("storm");
		return 1;
	}
	run(&s);
	report(&s);
	close(s.fd);
	free(s.p);
	return 0;
}
