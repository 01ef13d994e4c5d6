/* t_player.c - G.711 and the tones of a country. */
#include "t_media.h"

#include <math.h>
#include <stdlib.h>

#include "media/player.h"

static void every_g711_code_decodes_to_what_encodes_to_it(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		int16_t a = g711_from_alaw((uint8_t)c), u = g711_from_ulaw((uint8_t)c);

		assert_int_equal(g711_alaw(a), c);
		if (c != 0x7f)			/* minus zero is plus zero */
			assert_int_equal(g711_ulaw(u), c);
	}
}

static void the_known_points_of_g711_are_met(void **state)
{
	(void)state;
	assert_int_equal(g711_ulaw(0), 0xff);
	assert_int_equal(g711_alaw(0), 0xd5);
	assert_int_equal(g711_from_ulaw(0x00), -32124);
	assert_int_equal(g711_from_ulaw(0x80), 32124);
	assert_int_equal(g711_from_alaw(0xaa), 32256);
	for (int s = -32768; s < 32768; s += 7)	/* never further off than the step */
		assert_true(abs(g711_from_alaw(g711_alaw((int16_t)s)) - s) <= 1024 &&
			    abs(g711_from_ulaw(g711_ulaw((int16_t)s)) - s) <= 1024);
}

/* Milliseconds of sound and of silence from the start, until the first change back. */
static void cadence(const char *country, unsigned *on, unsigned *off)
{
	struct player p;
	uint8_t out[PLAYER_SAMPLES];
	unsigned ms = 0, sound_end = 0;

	player_start(&p, MEDIA_SOURCE_RINGBACK, MEDIA_PCMU, country);
	for (; ms < 10000; ms += 20) {
		int loud = 0;

		player_take(&p, out);
		for (int i = 0; i < PLAYER_SAMPLES; i++)
			loud += abs(g711_from_ulaw(out[i])) > 500;
		if (!loud && !sound_end)
			sound_end = ms;
		if (loud && sound_end)
			break;
	}
	*on = sound_end;
	*off = ms - sound_end;
}

static void each_country_rings_in_its_own_time(void **state)
{
	static const struct { const char *country; unsigned on, off; } want[] = {
		{ "us", 2000, 4000 }, { "de", 1000, 4000 }, { "uk", 400, 200 }, { "jp", 1000, 2000 },
		{ "fr", 1500, 3500 }, { "xx", 1000, 4000 },
	};
	unsigned on, off;

	(void)state;
	for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
		cadence(want[i].country, &on, &off);
		assert_int_equal(on, want[i].on);
		assert_int_equal(off, want[i].off);
	}
}

static void silence_is_silence_in_both_codecs(void **state)
{
	struct player p;
	uint8_t out[PLAYER_SAMPLES];

	(void)state;
	player_start(&p, MEDIA_SOURCE_SILENCE, MEDIA_PCMU, "us");
	player_take(&p, out);
	for (int i = 0; i < PLAYER_SAMPLES; i++)
		assert_int_equal(out[i], 0xff);
	player_start(&p, MEDIA_SOURCE_SILENCE, MEDIA_PCMA, "us");
	player_take(&p, out);
	for (int i = 0; i < PLAYER_SAMPLES; i++)
		assert_int_equal(out[i], 0xd5);
}

int run_player(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_g711_code_decodes_to_what_encodes_to_it),
		cmocka_unit_test(the_known_points_of_g711_are_met),
		cmocka_unit_test(each_country_rings_in_its_own_time),
		cmocka_unit_test(silence_is_silence_in_both_codecs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
