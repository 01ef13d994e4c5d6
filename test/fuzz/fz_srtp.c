/* SRTP and SRTCP: strange bytes are refused and change nothing; what we protect opens. The
 * first byte picks suite and kind, the rest is a list of packets: length, bytes. */
#include <stdlib.h>
#include <string.h>

#include "media/rtp.h"
#include "media/srtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n);

static void one(struct srtp *tx, struct srtp *rx, const uint8_t *d, size_t n, bool rtcp)
{
	uint8_t p[RTP_PACKET_MAX + RTP_TAIL], q[RTP_PACKET_MAX + RTP_TAIL];
	size_t len = n, forged = n;
	enum err e;

	memcpy(p, d, n);
	memcpy(q, d, n);
	e = rtcp ? srtcp_unprotect(rx, q, &forged) : srtp_unprotect(rx, q, &forged);
	if (e == OK || forged != n)	/* nobody guesses a tag of 32 bits and more */
		abort();
	e = rtcp ? srtcp_protect(tx, p, &len, sizeof p) : srtp_protect(tx, p, &len, sizeof p);
	if (e)
		return;
	if (len <= n || len > sizeof p)
		abort();
	e = rtcp ? srtcp_unprotect(rx, p, &len) : srtp_unprotect(rx, p, &len);
	/* an old index, or one so far off that the roll-over is guessed wrong, may be refused */
	if (e == OK && (len != n || memcmp(p, d, n) != 0))
		abort();
	if (rtcp && e != OK)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n)
{
	static const uint8_t key[SRTP_KEY_MAX] = { 1, 2, 3, 4 };
	enum srtp_suite s = n ? (enum srtp_suite)(SRTP_AES_CM_80 + d[0] % 3) : SRTP_AES_CM_80;
	struct srtp *tx = srtp_new(s, key, 0), *rx = srtp_new(s, key, 0);
	bool rtcp = n && d[0] & 0x80;

	for (size_t i = 1; i + 1 < n;) {
		size_t len = d[i] < n - i - 1 ? d[i] : n - i - 1;

		one(tx, rx, d + i + 1, len, rtcp);
		i += 1 + len;
	}
	srtp_free(tx);
	srtp_free(rx);
	return 0;
}
