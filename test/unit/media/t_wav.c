/* t_wav.c - WAV files: what is played, and what is told of the others. */
#include "t_media.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "media/player.h"
#include "media/wav.h"

/* A file: format, channels, rate, bits, then its samples. */
static size_t file_of(uint8_t *p, unsigned format, unsigned channels, unsigned rate, unsigned bits, const void *data,
		      size_t n)
{
	uint8_t head[44] = { 'R', 'I', 'F', 'F', 0, 0, 0, 0, 'W', 'A', 'V', 'E', 'f', 'm', 't', ' ', 16, 0, 0, 0,
			     (uint8_t)format, 0, (uint8_t)channels, 0, (uint8_t)rate, (uint8_t)(rate >> 8), 0, 0,
			     0, 0, 0, 0, 1, 0, (uint8_t)bits, 0, 'd', 'a', 't', 'a', (uint8_t)n,
			     (uint8_t)(n >> 8), 0, 0 };

	memcpy(p, head, 44);
	if (n)
		memcpy(p + 44, data, n);
	return 44 + n;
}

static void all_three_kinds_are_read(void **state)
{
	static const int16_t pcm[] = { 0, 1000, -1000, 32767 };
	static const uint8_t law[] = { 0xd5, 0x55, 0x80 };
	uint8_t p[128];
	struct wav w;
	struct buf why;
	char mem[200];

	(void)state;
	buf_init(&why, mem, sizeof mem);
	assert_int_equal(wav_read(p, file_of(p, 1, 1, 8000, 16, pcm, sizeof pcm), &w, &why), OK);
	assert_int_equal(w.samples, 4);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(wav_at(&w, i), pcm[i]);
	assert_int_equal(wav_read(p, file_of(p, 6, 1, 8000, 8, law, sizeof law), &w, &why), OK);
	assert_int_equal(wav_at(&w, 0), g711_from_alaw(0xd5));
	assert_int_equal(wav_read(p, file_of(p, 7, 1, 8000, 8, law, sizeof law), &w, &why), OK);
	assert_int_equal(wav_at(&w, 2), g711_from_ulaw(0x80));
}

static void tells(const uint8_t *p, size_t n, const char *want)
{
	char mem[300];
	struct wav w;
	struct buf why;

	buf_init(&why, mem, sizeof mem);
	assert_int_not_equal(wav_read(p, n, &w, &why), OK);
	if (!strstr(buf_z(&why), want))
		fail_msg("\"%s\" does not say \"%s\"", buf_z(&why), want);
}

static void every_other_file_is_told_why(void **state)
{
	static const uint8_t data[8] = { 1 };
	uint8_t p[128] = { 0 };

	(void)state;
	tells(p, 0, "no WAV");
	tells((const uint8_t *)"ID3\3 an MP3 file, really", 24, "no WAV");
	tells(p, file_of(p, 1, 2, 8000, 16, data, 8), "more than one channel");
	tells(p, file_of(p, 1, 1, 44100 & 0xffff, 16, data, 8), "8000 Hz");
	tells(p, file_of(p, 1, 1, 8000, 24, data, 8), "another width");
	tells(p, file_of(p, 6, 1, 8000, 16, data, 8), "another width");
	tells(p, file_of(p, 85, 1, 8000, 16, data, 8), "neither PCM");
	tells(p, file_of(p, 1, 1, 8000, 16, data, 0), "no samples");
	tells(p, 36, "no samples behind a format");
	file_of(p, 1, 1, 8000, 16, data, 8);
	p[16] = 8;
	tells(p, 52, "too short");
}

static void a_file_that_was_cut_off_plays_as_far_as_it_goes(void **state)
{
	static const int16_t pcm[] = { 5, 6, 7 };
	uint8_t p[128];
	size_t n = file_of(p, 1, 1, 8000, 16, pcm, sizeof pcm);
	struct wav w;
	struct buf why;
	char mem[200];

	(void)state;
	buf_init(&why, mem, sizeof mem);
	p[40] = 0xff;			/* the header says more */
	assert_int_equal(wav_read(p, n - 1, &w, &why), OK);
	assert_int_equal(w.samples, 2);
}

static void a_missing_file_is_told_with_the_systems_word(void **state)
{
	char mem[300];
	struct buf why;
	uint32_t n;

	(void)state;
	buf_init(&why, mem, sizeof mem);
	assert_null(wav_load("/nonexistent/music.wav", &n, &why));
	assert_non_null(strstr(buf_z(&why), "cannot be read: No such file"));
}

static void music_is_played_round_and_round(void **state)
{
	static const int16_t pcm[] = { 1000, -2000, 3000 };
	uint8_t out[PLAYER_SAMPLES];
	struct player p;

	(void)state;
	player_music(&p, MEDIA_PCMA, pcm, 3);
	for (int round = 0; round < 3; round++) {
		player_take(&p, out);
		for (int i = 0; i < PLAYER_SAMPLES; i++)
			assert_int_equal(out[i], g711_alaw(pcm[(round * PLAYER_SAMPLES + i) % 3]));
	}
	player_music(&p, MEDIA_PCMU, NULL, 0);
	player_take(&p, out);
	assert_int_equal(out[0], 0xff);
}

int run_wav(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_three_kinds_are_read),
		cmocka_unit_test(every_other_file_is_told_why),
		cmocka_unit_test(a_file_that_was_cut_off_plays_as_far_as_it_goes),
		cmocka_unit_test(a_missing_file_is_told_with_the_systems_word),
		cmocka_unit_test(music_is_played_round_and_round),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
