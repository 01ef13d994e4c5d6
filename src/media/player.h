/*
 * player.h - what a media end can be fed with instead of its peer: silence, a call progress
 * tone of a country, or music, as PCMU or PCMA, 20 ms at a time.
 * Pure: no file, no clock. From: ITU-T E.180 supplement 2 (various tones used in national
 * networks), G.711.
 */
#ifndef MEDIA_PLAYER_H
#define MEDIA_PLAYER_H
#include "media/proto.h"

enum { PLAYER_SAMPLES = 160 };	/* 20 ms at 8 kHz */

struct player {
	enum media_source source;
	enum media_codec codec;
	const struct player_tone *tone;
	uint32_t at;		/* sample within the cadence */
	double phase[2];
	const int16_t *pcm;	/* music: borrowed, played round and round */
	uint32_t npcm;
};

/* country: "us", "uk", "de", "fr", "au", "jp", "it", "es", ...; unknown: ITU's default. */
void player_start(struct player *p, enum media_source s, enum media_codec c, const char *country);
/* Samples at 8 kHz; n 0 is silence. */
void player_music(struct player *p, enum media_codec c, const int16_t *pcm, uint32_t n);
/* The next 20 ms. */
void player_take(struct player *p, uint8_t out[PLAYER_SAMPLES]);

uint8_t g711_ulaw(int16_t s);
uint8_t g711_alaw(int16_t s);
int16_t g711_from_ulaw(uint8_t u);
int16_t g711_from_alaw(uint8_t a);

#endif
