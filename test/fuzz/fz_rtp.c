/* RTP and RTCP: what is read lies inside the packet, what is written is read back. */
#include <stdlib.h>
#include <string.h>

#include "media/rtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n);

static void rtp(const uint8_t *d, size_t n)
{
	uint8_t out[RTP_HEAD];
	struct rtp r, again;

	if (!rtp_read(d, n, false, &r))
		return;
	if (r.head < RTP_HEAD || r.head + r.payload_n > n || n > RTP_PACKET_MAX)
		abort();
	rtp_write(out, &r);
	if (!rtp_read(out, sizeof out, false, &again) || again.pt != r.pt || again.seq != r.seq ||
	    again.ts != r.ts || again.ssrc != r.ssrc || again.marker != r.marker)
		abort();
}

static void rtcp(const uint8_t *d, size_t n)
{
	struct rtcp_news news, back;
	struct rtcp_sender s = { .ssrc = 1, .packets = 1 };
	uint8_t out[256];
	size_t len;

	if (!rtcp_read(d, n, &news) || !news.block)
		return;
	s.ntp = news.ntp;
	len = rtcp_write(out, sizeof out, &s, &news.b, "fuzz");
	if (!rtcp_read(out, len, &back) || memcmp(&back.b, &news.b, sizeof news.b) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n)
{
	(void)rtp_is_rtcp(d, n);
	rtp(d, n);
	rtcp(d, n);
	return 0;
}
