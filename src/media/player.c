#include "media/player.h"

#include <math.h>
#include <string.h>

struct player_tone {
	const char *country;
	enum media_source source;
	double hz[2];
	uint16_t cadence[4];	/* on, off, on, off; ms */
};

static const struct player_tone tones[] = {
	{ "us", MEDIA_SOURCE_RINGBACK, { 440, 480 }, { 2000, 4000, 0, 0 } },
	{ "us", MEDIA_SOURCE_BUSY, { 480, 620 }, { 500, 500, 0, 0 } },
	{ "uk", MEDIA_SOURCE_RINGBACK, { 400, 450 }, { 400, 200, 400, 2000 } },
	{ "uk", MEDIA_SOURCE_BUSY, { 400, 0 }, { 375, 375, 0, 0 } },
	{ "au", MEDIA_SOURCE_RINGBACK, { 400, 450 }, { 400, 200, 400, 2000 } },
	{ "au", MEDIA_SOURCE_BUSY, { 425, 0 }, { 375, 375, 0, 0 } },
	{ "de", MEDIA_SOURCE_RINGBACK, { 425, 0 }, { 1000, 4000, 0, 0 } },
	{ "de", MEDIA_SOURCE_BUSY, { 425, 0 }, { 480, 480, 0, 0 } },
	{ "fr", MEDIA_SOURCE_RINGBACK, { 440, 0 }, { 1500, 3500, 0, 0 } },
	{ "fr", MEDIA_SOURCE_BUSY, { 440, 0 }, { 500, 500, 0, 0 } },
	{ "jp", MEDIA_SOURCE_RINGBACK, { 400, 416 }, { 1000, 2000, 0, 0 } },
	{ "jp", MEDIA_SOURCE_BUSY, { 400, 0 }, { 500, 500, 0, 0 } },
	{ "it", MEDIA_SOURCE_RINGBACK, { 425, 0 }, { 1000, 4000, 0, 0 } },
	{ "es", MEDIA_SOURCE_RINGBACK, { 425, 0 }, { 1500, 3000, 0, 0 } },
	/* ITU-T E.180: the recommended values, for every other country */
	{ "", MEDIA_SOURCE_RINGBACK, { 425, 0 }, { 1000, 4000, 0, 0 } },
	{ "", MEDIA_SOURCE_BUSY, { 425, 0 }, { 500, 500, 0, 0 } },
};

uint8_t g711_ulaw(int16_t s)
{
	int v = s, sign = 0, exp = 7;

	if (v < 0) {
		v = -v;
		sign = 0x80;
	}
	v = (v > 32635 ? 32635 : v) + 132;
	for (int mask = 0x4000; !(v & mask) && exp > 0; mask >>= 1)
		exp--;
	return (uint8_t)~(sign | exp << 4 | (v >> (exp + 3) & 15));
}

int16_t g711_from_ulaw(uint8_t u)
{
	int v;

	u = (uint8_t)~u;
	v = (((u & 15) << 3) + 132) << (u >> 4 & 7);
	return (int16_t)(u & 0x80 ? 132 - v : v - 132);
}

uint8_t g711_alaw(int16_t s)
{
	int v = s, sign = 0x80, exp = 7;

	if (v < 0) {
		v = -v - 1;
		sign = 0;
	}
	for (int mask = 0x4000; !(v & mask) && exp > 0; mask >>= 1)
		exp--;
	v = exp ? v >> (exp + 3) & 15 : v >> 4 & 15;
	return (uint8_t)((sign | exp << 4 | v) ^ 0x55);
}

int16_t g711_from_alaw(uint8_t a)
{
	int exp, v;

	a ^= 0x55;
	exp = a >> 4 & 7;
	v = (a & 15) << 4;
	v = exp ? (v + 0x108) << (exp - 1) : v + 8;
	return (int16_t)(a & 0x80 ? v : -v);
}

static const struct player_tone *find(enum media_source s, const char *country)
{
	const struct player_tone *dflt = NULL;

	for (size_t i = 0; i < sizeof tones / sizeof *tones; i++) {
		if (tones[i].source != s)
			continue;
		if (!strcmp(tones[i].country, country))
			return &tones[i];
		if (!tones[i].country[0])
			dflt = &tones[i];
	}
	return dflt;
}

void player_start(struct player *p, enum media_source s, enum media_codec c, const char *country)
{
	*p = (struct player){ .source = s, .codec = c, .tone = find(s, country) };
}

void player_music(struct player *p, enum media_codec c, const int16_t *pcm, uint32_t n)
{
	*p = (struct player){ .source = MEDIA_SOURCE_MUSIC, .codec = c, .pcm = pcm, .npcm = n };
}

static bool sounding(const struct player *p)
{
	const uint16_t *c = p->tone->cadence;
	uint32_t total = (uint32_t)(c[0] + c[1] + c[2] + c[3]) * 8, at = p->at % total;

	if (at < c[0] * 8u)
		return true;
	at -= c[0] * 8u;
	return at >= c[1] * 8u && at - c[1] * 8u < c[2] * 8u;
}

static int16_t sample(struct player *p)
{
	double v = 0;

	if (p->npcm)
		return p->pcm[p->at % p->npcm];
	if (!p->tone || !sounding(p))
		return 0;
	for (int i = 0; i < 2; i++) {
		if (p->tone->hz[i] <= 0)
			continue;
		v += 4000 * sin(p->phase[i]);	/* about -16 dBm0 each */
		p->phase[i] += 2 * M_PI * p->tone->hz[i] / 8000;
		if (p->phase[i] > 2 * M_PI)
			p->phase[i] -= 2 * M_PI;
	}
	return (int16_t)v;
}

void player_take(struct player *p, uint8_t out[PLAYER_SAMPLES])
{
	for (int i = 0; i < PLAYER_SAMPLES; i++) {
		int16_t s = sample(p);

		p->at++;
		out[i] = p->codec == MEDIA_PCMA ? g711_alaw(s) : g711_ulaw(s);
	}
}
