#include "media/rtp.h"

#include <string.h>

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

bool rtp_is_rtcp(const uint8_t *p, size_t n)
{
	return n >= 8 && p[0] >> 6 == 2 && p[1] >= 192 && p[1] <= 223;
}

bool rtp_read(const uint8_t *p, size_t n, bool encrypted, struct rtp *r)
{
	size_t head = RTP_HEAD;

	if (n < RTP_HEAD || n > RTP_PACKET_MAX || p[0] >> 6 != 2)
		return false;
	head += (size_t)(p[0] & 15) * 4;
	if (p[0] & 0x10) {
		if (n < head + 4)
			return false;
		head += 4 + (size_t)get16(p + head + 2) * 4;
	}
	if (n < head)
		return false;
	*r = (struct rtp){ .pt = p[1] & 0x7f, .marker = p[1] >> 7, .seq = get16(p + 2),
			   .ts = get32(p + 4), .ssrc = get32(p + 8), .head = head,
			   .payload_n = n - head };
	if ((p[0] & 0x20) && !encrypted) {
		size_t pad = n > head ? p[n - 1] : 0;

		if (!pad || pad > r->payload_n)
			return false;
		r->payload_n -= pad;
	}
	return true;
}

void rtp_write(uint8_t *p, const struct rtp *r)
{
	p[0] = 0x80;
	p[1] = (uint8_t)((r->marker ? 0x80 : 0) | r->pt);
	put16(p + 2, r->seq);
	put32(p + 4, r->ts);
	put32(p + 8, r->ssrc);
}

static size_t write_block(uint8_t *p, const struct rtcp_block *b)
{
	put32(p, b->ssrc);
	put32(p + 4, (uint32_t)b->fraction << 24 | ((uint32_t)b->lost & 0xffffff));
	put32(p + 8, b->highest);
	put32(p + 12, b->jitter);
	put32(p + 16, b->lsr);
	put32(p + 20, b->dlsr);
	return 24;
}

size_t rtcp_write(uint8_t *p, size_t cap, const struct rtcp_sender *s, const struct rtcp_block *b,
		  const char *cname)
{
	size_t n = 8, c = strlen(cname), sdes;

	if (cap < 128 || c > 40)
		return 0;
	p[0] = (uint8_t)(0x80 | (b ? 1 : 0));
	p[1] = s->packets ? 200 : 201;
	put32(p + 4, s->ssrc);
	if (s->packets) {
		put32(p + 8, (uint32_t)(s->ntp >> 32));
		put32(p + 12, (uint32_t)s->ntp);
		put32(p + 16, s->rtp_ts);
		put32(p + 20, s->packets);
		put32(p + 24, s->octets);
		n = 28;
	}
	if (b)
		n += write_block(p + n, b);
	put16(p + 2, (uint32_t)(n / 4 - 1));
	sdes = n;
	memset(p + n, 0, 16 + c);
	p[n] = 0x81;
	p[n + 1] = 202;
	put32(p + n + 4, s->ssrc);
	p[n + 8] = 1;
	p[n + 9] = (uint8_t)c;
	memcpy(p + n + 10, cname, c);	/* NOLINT(bugprone-not-null-terminated-result): counted */
	n += (10 + c + 4) & ~(size_t)3;	/* at least one zero ends the chunk */
	put16(p + sdes + 2, (uint32_t)((n - sdes) / 4 - 1));
	return n;
}

static void read_block(const uint8_t *p, struct rtcp_block *b)
{
	uint32_t lost = get32(p + 4) & 0xffffff;

	*b = (struct rtcp_block){ .ssrc = get32(p), .fraction = p[4],
				  .lost = (int32_t)(lost & 0x800000 ? lost | 0xff000000 : lost),
				  .highest = get32(p + 8), .jitter = get32(p + 12),
				  .lsr = get32(p + 16), .dlsr = get32(p + 20) };
}

/* A sender's or receiver's report of len bytes. */
static void read_report(const uint8_t *p, size_t len, struct rtcp_news *r)
{
	size_t at = p[1] == 200 ? 28 : 8;

	r->ssrc = get32(p + 4);
	if (p[1] == 200 && len >= 28) {
		r->sr = true;
		r->ntp = (uint64_t)get32(p + 8) << 32 | get32(p + 12);
	}
	if ((p[0] & 31) && !r->block && len >= at + 24) {
		r->block = true;
		read_block(p + at, &r->b);
	}
}

bool rtcp_read(const uint8_t *p, size_t n, struct rtcp_news *out)
{
	struct rtcp_news r = { 0 };

	for (size_t i = 0; i < n;) {
		size_t len;

		if (n - i < 8 || p[i] >> 6 != 2)
			return false;
		len = ((size_t)get16(p + i + 2) + 1) * 4;
		if (len > n - i)
			return false;
		r.bye |= p[i + 1] == 203;
		if (p[i + 1] == 200 || p[i + 1] == 201)
			read_report(p + i, len, &r);
		i += len;
	}
	*out = r;
	return n >= 8;
}
