#include "trace/pcapng.h"

#include <string.h>

enum {
	BLOCK_SECTION = 0x0a0d0d0a, BLOCK_INTERFACE = 1, BLOCK_PACKET = 6, BLOCK_SECRETS = 10,
	BYTE_ORDER = 0x1a2b3c4d, LINK_RAW = 101, SECRETS_TLS = 0x544c534b,
	OPT_END = 0, OPT_COMMENT = 1, OPT_APP = 4, OPT_RESOLUTION = 9,
	IP4_HEAD = 20, IP6_HEAD = 40, UDP_HEAD = 8, PROTO_UDP = 17, DISCARD_PORT = 9,
	COMMENT_MAX = 200,
};

static void put16(struct buf *b, unsigned v)	/* little endian, as the section says */
{
	buf_ch(b, (char)v);
	buf_ch(b, (char)(v >> 8));
}

static void put32(struct buf *b, uint32_t v)
{
	put16(b, v & 0xffff);
	put16(b, v >> 16);
}

static void net16(struct buf *b, unsigned v)
{
	buf_ch(b, (char)(v >> 8));
	buf_ch(b, (char)v);
}

static void align(struct buf *b, size_t n)
{
	for (; n % 4; n++)
		buf_ch(b, 0);
}

static void option(struct buf *b, unsigned code, struct str v)
{
	put16(b, code);
	put16(b, (unsigned)v.n);
	buf_put(b, v);
	align(b, v.n);
}

static void end_options(struct buf *b)
{
	put32(b, OPT_END);
}

/* Type and a length that close_block() fills in, at both ends of the block. */
static size_t open_block(struct buf *b, uint32_t type)
{
	size_t at = b->n;

	put32(b, type);
	put32(b, 0);
	return at;
}

static void close_block(struct buf *b, size_t at)
{
	uint32_t n = (uint32_t)(b->n - at) + 4;
	char le[4] = { (char)n, (char)(n >> 8), (char)(n >> 16), (char)(n >> 24) };

	buf_bytes(b, le, 4);
	if (buf_ok(b))
		memcpy(b->p + at + 4, le, 4);
}

void pcapng_start(struct buf *b)
{
	size_t at = open_block(b, BLOCK_SECTION);

	put32(b, BYTE_ORDER);
	put16(b, 1);			/* version 1.0 */
	put16(b, 0);
	put32(b, UINT32_MAX);		/* length of the section: not known */
	put32(b, UINT32_MAX);
	option(b, OPT_APP, STR("Tandem " TANDEM_VERSION));
	end_options(b);
	close_block(b, at);

	at = open_block(b, BLOCK_INTERFACE);
	put16(b, LINK_RAW);
	put16(b, 0);
	put32(b, 0);			/* no snap length */
	option(b, OPT_RESOLUTION, STR("\6"));
	end_options(b);
	close_block(b, at);
}

static uint32_t sum_bytes(uint32_t sum, const unsigned char *p, size_t n)
{
	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	if (n % 2)
		sum += (uint32_t)p[n - 1] << 8;
	return sum;
}

static unsigned fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

struct ends {
	struct addr from, to;
};

static void ip4(struct buf *b, const struct ends *e, size_t payload)
{
	unsigned char h[IP4_HEAD] = { 0x45 };
	size_t n = IP4_HEAD + UDP_HEAD + payload;
	unsigned sum;

	h[2] = (unsigned char)(n >> 8);
	h[3] = (unsigned char)n;
	h[8] = 64;			/* TTL */
	h[9] = PROTO_UDP;
	memcpy(h + 12, e->from.ip, 4);
	memcpy(h + 16, e->to.ip, 4);
	sum = fold(sum_bytes(0, h, sizeof h));
	h[10] = (unsigned char)(sum >> 8);
	h[11] = (unsigned char)sum;
	buf_bytes(b, h, sizeof h);
}

static void ip6(struct buf *b, const struct ends *e, size_t payload)
{
	buf_bytes(b, "\x60\0\0", 4);
	net16(b, (unsigned)(UDP_HEAD + payload));
	buf_ch(b, PROTO_UDP);
	buf_ch(b, 64);			/* hop limit */
	buf_bytes(b, e->from.ip, 16);
	buf_bytes(b, e->to.ip, 16);
}

/* RFC 768; a must over IPv6 (RFC 8200 8.1), so both carry it. */
static unsigned udp_sum(const struct ends *e, struct str payload)
{
	size_t n = UDP_HEAD + payload.n, ip = e->from.family == ADDR_V6 ? 16 : 4;
	uint32_t sum = (uint32_t)(PROTO_UDP + n + n) + e->from.port + e->to.port;
	unsigned v;

	sum = sum_bytes(sum, e->from.ip, ip);
	sum = sum_bytes(sum, e->to.ip, ip);
	sum = sum_bytes(sum, (const unsigned char *)payload.p, payload.n);
	v = fold(sum);
	return v ? v : 0xffff;
}

static void udp(struct buf *b, const struct ends *e, struct str payload)
{
	if (e->from.family == ADDR_V6)
		ip6(b, e, payload.n);
	else
		ip4(b, e, payload.n);
	net16(b, e->from.port);
	net16(b, e->to.port);
	net16(b, (unsigned)(UDP_HEAD + payload.n));
	net16(b, udp_sum(e, payload));
	buf_put(b, payload);
}

static struct ends ends_of(const struct tap_entry *e)
{
	struct ends x = { e->local, e->peer };

	if (e->dir == TAP_IN)
		x = (struct ends){ e->peer, e->local };
	/* notes have no addresses; a wild-card listener knows only its port */
	if (x.from.family == ADDR_NONE)
		x.from.family = x.to.family ? x.to.family : ADDR_V4;
	if (x.to.family != x.from.family) {
		x.to = (struct addr){ .family = x.from.family, .port = x.to.port };
	}
	if (e->kind == TAP_NOTE || e->kind == TAP_MEDIA)
		x.to.port = DISCARD_PORT;
	return x;
}

static void comment(struct buf *b, const struct tap_entry *e)
{
	static const char *const how[] = {
		[TAP_UDP] = NULL, [TAP_TCP] = "went over TCP", [TAP_TLS] = "went over TLS, decrypted",
	};

	if (e->kind == TAP_NOTE || e->kind == TAP_MEDIA)
		option(b, OPT_COMMENT, str_sub(e->bytes, 0, COMMENT_MAX));
	else if (how[e->proto])
		option(b, OPT_COMMENT, str_of(how[e->proto]));
	end_options(b);
}

static void packet(struct buf *b, const struct tap_entry *e)
{
	struct ends x = ends_of(e);
	struct str payload = str_sub(e->bytes, 0, PCAPNG_PACKET_MAX);
	uint64_t us = (uint64_t)e->wall * 1000;
	size_t at, n;

	if (e->kind == TAP_NOTE || e->kind == TAP_MEDIA)
		payload.n = 0;
	n = (x.from.family == ADDR_V6 ? IP6_HEAD : IP4_HEAD) + UDP_HEAD + payload.n;
	at = open_block(b, BLOCK_PACKET);
	put32(b, 0);			/* interface */
	put32(b, (uint32_t)(us >> 32));
	put32(b, (uint32_t)us);
	put32(b, (uint32_t)n);
	put32(b, (uint32_t)n);
	udp(b, &x, payload);
	align(b, n);
	comment(b, e);
	close_block(b, at);
}

static void secrets(struct buf *b, struct str lines)
{
	size_t at = open_block(b, BLOCK_SECRETS);

	put32(b, SECRETS_TLS);
	put32(b, (uint32_t)lines.n);
	buf_put(b, lines);
	align(b, lines.n);
	close_block(b, at);
}

void pcapng_entry(struct buf *b, const struct tap_entry *e, bool keys)
{
	switch (e->kind) {
	case TAP_SIP: case TAP_STUN: case TAP_RTCP: case TAP_NOTE: case TAP_MEDIA:
		packet(b, e);
		break;
	case TAP_KEY:
		if (keys)
			secrets(b, e->bytes);
		break;
	case TAP_BIND: case TAP_NKIND:
		break;
	}
}
