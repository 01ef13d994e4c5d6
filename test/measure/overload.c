/*
 * overload - calls at a fixed rate through a border, whatever it answers; both ends of them.
 *
 *   overload PORT ANSWER_PORT RATE SECONDS LINGER    offers RATE new calls a second for SECONDS
 *
 * Each INVITE goes to PORT, repeats by timer A (T1 500 ms, doubled) until anything comes and gives
 * up after 32 s or LINGER seconds after the last one was offered; a 200 is acknowledged and followed by
 * BYE at once, which repeats until its 200. A call is completed then, refused by any final answer else.
 * Who is called is an extension that rings twice: of what comes to ANSWER_PORT a desk phone (the numbers that end in
 * 1) answers 180 and 200, which repeats until its ACK (RFC 3261 13.3.1.4), all others 180 and when cancelled 487.
 * It takes a core of its own whole.
 * Prints one line of JSON a second, and a last one with "all":true:
 *   offered, completed, refused (503), other, timed_out, dropped (BYE of theirs), repeated, p50_ms and
 *   p99_ms of INVITE to 200, retry: Retry-After in steps of 5 s, the last of them 60 and more
 * For Tandem's own measures; loopback only.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SIZE = 3000, BATCH = 32, LINE = 200, T1_US = 500000, T2_US = 4000000, GIVE_UP_US = 32000000, SCAN_US = 20000,
       SLOTS = 1 << 17, RETRY_STEPS = 13 };

enum state { CALLING, WAITING, ENDING, OVER };

struct call {
	enum state state;
	bool answered;
	uint64_t born, due, gap;	/* us */
	char to[LINE], contact[LINE];
};

struct answered {			/* a 200 or 487 of ours that awaits its ACK, or will be one */
	uint64_t key, born, due, gap;
	bool acked, rings;
	struct sockaddr_in peer;
	char *text;			/* NULL: acknowledged */
};

struct counts {
	uint32_t offered, completed, refused, other, timed_out, dropped, repeated, retry[RETRY_STEPS], retry_odd;
};

struct load {
	int near, far;
	struct sockaddr_in to;
	uint16_t near_port, far_port;
	uint32_t rate, seconds, linger, most, born, oldest, open;
	uint64_t began, stamp;
	struct call *call;
	struct answered *slot;
	uint32_t *order, norder, first;
	struct counts all, told;
	float *took;
	uint32_t ntook, ntold;
};

static const char sdp[] = "v=0\r\no=load 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
	"m=audio 9000 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
	"a=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n";

static const char EMPTY[] = "Content-Length: 0\r\n\r\n";

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void send_text(int fd, const struct sockaddr_in *to, const char *text, int n)
{
	if (n > 0 && n < SIZE)
		(void)sendto(fd, text, (size_t)n, 0, (const struct sockaddr *)to, sizeof *to);	/* repeated if lost */
}

/* --- reading --- */

/* The value of a header, absent: an empty line. */
static void value(const char *m, const char *name, char out[LINE])
{
	const char *at = strstr(m, name);
	size_t n = 0;

	if (at) {
		at += strlen(name);
		n = strcspn(at, "\r");
	}
	if (n >= LINE)
		n = 0;
	if (n)
		memcpy(out, at, n);
	out[n] = 0;
}

static uint64_t key_of(const char *m)
{
	char id[LINE];
	uint64_t h = 0xcbf29ce484222325u;

	value(m, "\r\nCall-ID: ", id);
	for (const char *p = id; *p; p++)
		h = (h ^ (unsigned char)*p) * 0x100000001b3u;
	return h ? h : 1;
}

/* --- the caller --- */

/* method, CSeq and the first letter of its branch; `more`: headers and body */
static void request(struct load *l, uint32_t i, const char *method, unsigned seq, char kind, const char *to,
		    const char *uri, const char *more)
{
	char b[SIZE];
	int n = snprintf(b, sizeof b,
		"%s %s SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bK%c%08x%llx;rport\r\nMax-Forwards: 70\r\n"
		"From: <sip:4989987654@127.0.0.1>;tag=t%08x\r\nTo: %s\r\nCall-ID: %08x-%llx@load\r\nCSeq: %u %s\r\n%s",
		method, uri, (unsigned)l->near_port, kind, i, (unsigned long long)l->stamp, i, to, i,
		(unsigned long long)l->stamp, seq, method, more);

	send_text(l->near, &l->to, b, n);
}

static void send_invite(struct load *l, uint32_t i)
{
	char uri[LINE], to[LINE], more[1000];

	snprintf(uri, sizeof uri, "sip:5002@127.0.0.1:%u", (unsigned)ntohs(l->to.sin_port));
	snprintf(to, sizeof to, "<sip:5002@127.0.0.1>");
	snprintf(more, sizeof more,
		 "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE\r\nSupported: timer\r\nUser-Agent: load\r\n"
		 "Contact: <sip:4989987654@127.0.0.1:%u>\r\nContent-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s",
		 (unsigned)l->near_port, sizeof sdp - 1, sdp);
	request(l, i, "INVITE", 1, 'i', to, uri, more);
}

static void over(struct load *l, struct call *c, uint32_t *count)
{
	c->state = OVER;
	l->open--;
	++*count;
}

static void refused(struct load *l, struct call *c, const char *m, unsigned status)
{
	char retry[LINE];
	unsigned s;

	over(l, c, status == 503 ? &l->all.refused : &l->all.other);
	if (status != 503)
		return;
	value(m, "\r\nRetry-After: ", retry);
	s = (unsigned)strtoul(retry, NULL, 10);
	l->all.retry[s / 5 < RETRY_STEPS ? s / 5 : RETRY_STEPS - 1]++;
	l->all.retry_odd += s < 5 || s > 60;
}

static void answered(struct load *l, uint32_t i, const char *m, uint64_t now)
{
	struct call *c = &l->call[i];
	char contact[LINE], *end;

	if (!c->contact[0]) {
		value(m, "\r\nTo: ", c->to);
		value(m, "\r\nContact: <", contact);
		end = strchr(contact, '>');
		if (end)
			*end = 0;
		memcpy(c->contact, contact, sizeof c->contact);
	}
	request(l, i, "ACK", 1, 'a', c->to, c->contact, EMPTY);
	if (c->state != CALLING && c->state != WAITING)
		return;
	l->took[l->ntook++] = (float)(now - c->born) / 1000;
	c->state = ENDING;
	c->gap = T1_US;
	c->due = now + T1_US;
	request(l, i, "BYE", 2, 'b', c->to, c->contact, EMPTY);
}

static void response(struct load *l, const char *m, uint64_t now)
{
	unsigned status = (unsigned)strtoul(m + 8, NULL, 10);
	char id[LINE], seq[LINE], to[LINE];
	struct call *c;
	uint32_t i;

	value(m, "\r\nCall-ID: ", id);
	value(m, "\r\nCSeq: ", seq);
	value(m, "\r\nTo: ", to);
	i = (uint32_t)strtoul(id, NULL, 16);
	if (i >= l->born)
		return;
	c = &l->call[i];
	if (seq[0] == '2') {
		if (c->state == ENDING && status >= 200)
			over(l, c, status == 200 ? &l->all.completed : &l->all.other);
	} else if (status < 200) {
		c->state = c->state == CALLING ? WAITING : c->state;
	} else if (status < 300) {
		answered(l, i, m, now);
	} else {
		char uri[LINE];

		snprintf(uri, sizeof uri, "sip:5002@127.0.0.1:%u", (unsigned)ntohs(l->to.sin_port));
		request(l, i, "ACK", 1, 'i', to, uri, EMPTY);
		if (c->state == CALLING || c->state == WAITING)
			refused(l, c, m, status);
	}
}

/* --- the called --- */

static int respond(const struct load *l, const char *m, const char *status, bool body, char *out)
{
	static const char *const names[] = { "Via:", "Record-Route:", "From:", "To:", "Call-ID:", "CSeq:" };
	size_t n = (size_t)snprintf(out, SIZE, "SIP/2.0 %s\r\n", status);

	for (const char *p = strstr(m, "\r\n"); p && p[2] && p[2] != '\r'; p = strstr(p + 2, "\r\n")) {
		size_t len = strcspn(p + 2, "\r");

		for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
			bool to = k == 3;

			if (strncasecmp(p + 2, names[k], strlen(names[k])) != 0 || n + len + 600 > SIZE)
				continue;
			n += (size_t)snprintf(out + n, SIZE - n, "%.*s%s\r\n", (int)len, p + 2,
					      to && !memmem(p + 2, len, ";tag=", 5) ? ";tag=far" : "");
		}
	}
	n += (size_t)snprintf(out + n, SIZE - n, "Contact: <sip:far@127.0.0.1:%u>\r\n%sContent-Length: %zu\r\n\r\n%s",
			      (unsigned)l->far_port, body ? "Content-Type: application/sdp\r\n" : "",
			      body ? sizeof sdp - 1 : 0, body ? sdp : "");
	return (int)n;
}

static struct answered *slot_of(struct load *l, uint64_t key)
{
	for (uint32_t k = 0; k < SLOTS; k++) {
		struct answered *a = &l->slot[(key + k) % SLOTS];

		if (!a->key || a->key == key)
			return a;
	}
	return NULL;
}

/* The final answer, which repeats from now on. */
static void finish(struct load *l, struct answered *a, uint64_t now)
{
	a->rings = false;
	a->born = now;
	a->gap = T1_US;
	a->due = now + T1_US;
	if (a->text)
		send_text(l->far, &a->peer, a->text, (int)strlen(a->text));
	l->order[l->norder++ % SLOTS] = (uint32_t)(a - l->slot);
}

static void acked(struct answered *a)
{
	a->acked = true;
	free(a->text);
	a->text = NULL;
}

static void invited(struct load *l, const char *m, const struct sockaddr_in *peer, uint64_t now)
{
	struct answered *a = slot_of(l, key_of(m));
	bool desk = m[strcspn(m, "@") - 1] == '1';
	char b[SIZE];

	if (!a)
		return;
	if (a->key && !a->rings) {
		if (a->text)
			send_text(l->far, peer, a->text, (int)strlen(a->text));
		return;
	}
	send_text(l->far, peer, b, respond(l, m, "180 Ringing", false, b));
	if (a->key)
		return;
	*a = (struct answered){ .key = key_of(m), .peer = *peer, .rings = true };
	respond(l, m, desk ? "200 OK" : "487 Request Terminated", desk, b);
	a->text = strdup(b);
	if (desk)
		finish(l, a, now);
}

static void cancelled(struct load *l, const char *m, uint64_t now)
{
	struct answered *a = slot_of(l, key_of(m));

	if (a && a->key && a->rings)
		finish(l, a, now);
}

static void requested(struct load *l, int fd, const char *m, const struct sockaddr_in *peer, uint64_t now)
{
	struct answered *a;
	char b[SIZE];

	if (!strncmp(m, "INVITE ", 7) && fd == l->far) {
		invited(l, m, peer, now);
		return;
	}
	a = fd == l->far && strncmp(m, "CANCEL ", 7) != 0 ? slot_of(l, key_of(m)) : NULL;
	if (a && a->key)
		acked(a);
	if (!strncmp(m, "ACK ", 4))
		return;
	l->all.dropped += fd == l->near && !strncmp(m, "BYE ", 4);
	send_text(fd, peer, b, respond(l, m, "200 OK", false, b));
	if (fd == l->far && !strncmp(m, "CANCEL ", 7))
		cancelled(l, m, now);
}

static void hear(struct load *l, int fd)
{
	static struct mmsghdr m[BATCH];
	static struct iovec iov[BATCH];
	static struct sockaddr_in from[BATCH];
	static char text[BATCH][SIZE];
	uint64_t now;
	int n;

	for (int k = 0; k < BATCH; k++) {
		iov[k] = (struct iovec){ text[k], SIZE - 1 };
		m[k].msg_hdr = (struct msghdr){ .msg_name = &from[k], .msg_namelen = sizeof from[k], .msg_iov = &iov[k],
						.msg_iovlen = 1 };
	}
	n = recvmmsg(fd, m, BATCH, MSG_DONTWAIT, NULL);
	now = now_us();
	for (int k = 0; k < n; k++) {
		text[k][m[k].msg_len] = 0;
		if (strncmp(text[k], "SIP/2.0 ", 8) != 0)
			requested(l, fd, text[k], &from[k], now);
		else if (fd == l->near)
			response(l, text[k], now);
	}
}

/* --- time --- */

static void repeat_calls(struct load *l, uint64_t now)
{
	while (l->oldest < l->born && l->call[l->oldest].state == OVER)
		l->oldest++;
	for (uint32_t i = l->oldest; i < l->born; i++) {
		struct call *c = &l->call[i];

		if (c->state == OVER)
			continue;
		if (now - c->born >= GIVE_UP_US) {
			over(l, c, &l->all.timed_out);
			continue;
		}
		if (c->state == WAITING || now < c->due)
			continue;
		c->gap = c->state == CALLING || 2 * c->gap < T2_US ? 2 * c->gap : T2_US;
		c->due = now + c->gap;
		l->all.repeated++;
		if (c->state == CALLING)
			send_invite(l, i);
		else
			request(l, i, "BYE", 2, 'b', c->to, c->contact, EMPTY);
	}
}

static void repeat_answers(struct load *l, uint64_t now)
{
	while (l->first < l->norder && l->slot[l->order[l->first % SLOTS]].acked)
		l->first++;
	for (uint32_t k = l->first; k < l->norder; k++) {
		struct answered *a = &l->slot[l->order[k % SLOTS]];

		if (a->acked || now < a->due)
			continue;
		if (now - a->born >= GIVE_UP_US) {
			acked(a);
			continue;
		}
		a->gap = 2 * a->gap < T2_US ? 2 * a->gap : T2_US;
		a->due = now + a->gap;
		send_text(l->far, &a->peer, a->text, (int)strlen(a->text));
	}
}

static void bear(struct load *l, uint64_t now)
{
	uint64_t want = (now - l->began) * l->rate / 1000000 + 1;

	for (int k = 0; k < BATCH && l->born < l->most && l->born < want; k++) {
		struct call *c = &l->call[l->born];

		c->born = now;
		c->gap = T1_US;
		c->due = now + T1_US;
		l->open++;
		l->all.offered++;
		send_invite(l, l->born++);
	}
}

static int by_size(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

/* What came since `t`, or all of it. */
static void tell(struct load *l, bool all, uint64_t now)
{
	struct counts *a = &l->all, *t = &l->told;
	uint32_t from = all ? 0 : l->ntold, n = l->ntook - from;
	float *f = l->took + from;

	if (all)
		*t = (struct counts){ 0 };
	qsort(f, n, sizeof *f, by_size);
	printf("{\"all\":%s,\"at_s\":%.2f,\"offered\":%u,\"completed\":%u,\"refused\":%u,\"other\":%u,\"timed_out\":%u,"
	       "\"dropped\":%u,\"repeated\":%u,\"open\":%u,\"p50_ms\":%.1f,\"p99_ms\":%.1f,\"retry_odd\":%u,\"retry\":[",
	       all ? "true" : "false", (double)(now - l->began) / 1e6, a->offered - t->offered, a->completed - t->completed,
	       a->refused - t->refused, a->other - t->other, a->timed_out - t->timed_out, a->dropped - t->dropped,
	       a->repeated - t->repeated, l->open, n ? (double)f[n / 2] : 0.0, n ? (double)f[n * 99ul / 100] : 0.0,
	       a->retry_odd - t->retry_odd);
	for (int k = 0; k < RETRY_STEPS; k++)
		printf("%s%u", k ? "," : "", a->retry[k] - t->retry[k]);
	printf("]}\n");
	fflush(stdout);
	*t = *a;
	l->ntold = l->ntook;
}

static void run(struct load *l)
{
	uint64_t end = (uint64_t)(l->seconds + l->linger) * 1000000, scanned = 0, told, now;
	l->began = told = now_us();
	do {
		now = now_us();
		bear(l, now);
		if (now - scanned >= SCAN_US) {
			repeat_calls(l, now);
			repeat_answers(l, now);
			scanned = now;
		}
		if (now - told >= 1000000) {
			tell(l, false, now);
			told += 1000000;
		}
		/* It never sleeps: on loopback the one who sends pays for waking it, and that is who is measured. */
		(void)hear(l, l->near);
		(void)hear(l, l->far);
	} while (now - l->began < end && (l->born < l->most || l->open));
	l->all.timed_out += l->open;
	tell(l, true, now);
}

/* --- the command line --- */

static int bound(uint16_t port, uint16_t *got)
{
	struct sockaddr_in s = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), big = 16 << 20;
	socklen_t n = sizeof s;

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &big, sizeof big);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &big, sizeof big);
	if (bind(fd, (struct sockaddr *)&s, sizeof s) || getsockname(fd, (struct sockaddr *)&s, &n)) {
		close(fd);
		return -1;
	}
	*got = ntohs(s.sin_port);
	return fd;
}

static int offer(struct load *l)
{
	l->most = l->rate * l->seconds;
	l->stamp = now_us();
	l->call = calloc(l->most, sizeof *l->call);
	l->took = calloc(l->most, sizeof *l->took);
	l->slot = calloc(SLOTS, sizeof *l->slot);
	l->order = calloc(SLOTS, sizeof *l->order);
	l->near = bound(0, &l->near_port);
	l->far = bound(l->far_port, &l->far_port);
	if (!l->call || !l->took || !l->slot || !l->order || l->near < 0 || l->far < 0) {
		perror("overload");
		return 1;
	}
	run(l);
	close(l->near);
	close(l->far);
	free(l->call);
	free(l->took);
	free(l->slot);
	free(l->order);
	return 0;
}

int main(int argc, char **argv)
{
	struct load l = { 0 };

	if (argc != 6) {
		fprintf(stderr, "usage: overload PORT ANSWER_PORT RATE SECONDS LINGER\n");
		return 1;
	}
	l.to = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				     .sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10)) };
	l.far_port = (uint16_t)strtoul(argv[2], NULL, 10);
	l.rate = (uint32_t)strtoul(argv[3], NULL, 10);
	l.seconds = (uint32_t)strtoul(argv[4], NULL, 10);
	l.linger = (uint32_t)strtoul(argv[5], NULL, 10);
	return offer(&l);
}
