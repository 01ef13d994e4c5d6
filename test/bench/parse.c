/*
 * parse.c - our message parser beside libre's on one 900-byte INVITE with every
 * header we route on. Prints {"ours_us":..,"libre_us":..,"bytes":..}: medians of
 * rounds that alternate between the two. libre_us is null where libre is missing.
 *
 * libre finds its header fields when it is asked, with a hash; ours has addresses
 * and sequence parsed when it returns.
 */
#include "bench/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sip/limits.h"
#include "sip/msg.h"

enum { ROUNDS = 41, PER_ROUND = 5000 };

static const char invite[] =
	"INVITE sip:+4930123456@sbc1.tandem.example:5061;user=phone;transport=tls SIP/2.0\r\n"
	"Via: SIP/2.0/TLS 52.114.75.24:5061;branch=z9hG4bK3c1f8a77d5e94b20;rport\r\n"
	"Max-Forwards: 68\r\n"
	"Record-Route: <sip:sip-du-a-eu.pstnhub.microsoft.com:5061;transport=tls;lr>\r\n"
	"From: \"Ada Lovelace\" <sip:+442071234567@sip.pstnhub.microsoft.com:5061>;"
	"tag=7b1fcd9ae2\r\n"
	"To: <sip:+4930123456@sbc1.tandem.example:5061;user=phone>\r\n"
	"Call-ID: 5f3c1b8e09d24a6f9b0d1e2f3a4b5c6d@52.114.75.24\r\n"
	"CSeq: 1 INVITE\r\n"
	"Contact: <sip:api-du-a-euwe.pstnhub.microsoft.com:443;x-i=5f3c1b8e;transport=tls>\r\n"
	"User-Agent: Microsoft.PSTNHub.SIPProxy v.2019.10.29.2 i.EUWE.3\r\n"
	"Allow: INVITE,ACK,OPTIONS,CANCEL,BYE,NOTIFY\r\n"
	"Session-ID: 2f1e0d3c4b5a69788796a5b4c3d2e1f0;remote=00000000000000000000000000000000\r\n"
	"Supported: timer\r\nSession-Expires: 3600;refresher=uas\r\nMin-SE: 300\r\n"
	"P-Asserted-Identity: <tel:+442071234567>\r\nPrivacy: id\r\n"
	"Content-Type: application/sdp\r\nContent-Length: 0\r\n\r\n";

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);	/* others use the machine, too */
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void ours(struct arena *a)
{
	struct str bytes = { invite, sizeof invite - 1 };
	struct sip_msg *m;
	struct sip_refuse r;

	arena_reset(a);
	if (sip_msg_parse(bytes, a, &m, &r) != OK || !sip_hdr(m, SIP_H_CONTACT).p)
		abort();
}

int main(void)
{
	double a[ROUNDS], b[ROUNDS];
	struct arena ar;
	bool both = bench_libre_open(invite, sizeof invite - 1);

	arena_init(&ar, SIP_ARENA_MAX);
	for (int i = 0; i < ROUNDS; i++) {
		double from = now_us(), mid;

		for (int k = 0; k < PER_ROUND; k++)
			ours(&ar);
		mid = now_us();
		for (int k = 0; both && k < PER_ROUND; k++)
			bench_libre_parse();
		a[i] = (mid - from) / PER_ROUND;
		b[i] = (now_us() - mid) / PER_ROUND;
	}
	arena_close(&ar);
	qsort(a, ROUNDS, sizeof *a, by_value);
	qsort(b, ROUNDS, sizeof *b, by_value);
	printf("{\"ours_us\":%.3f,\"libre_us\":", a[ROUNDS / 2]);
	if (both)
		printf("%.3f", b[ROUNDS / 2]);
	else
		printf("null");
	printf(",\"bytes\":%zu}\n", sizeof invite - 1);
	return 0;
}
