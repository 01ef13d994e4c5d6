/*
 * wav.h - a WAV file as samples: 8 kHz, mono; 16 bit PCM, A-law or u-law.
 *
 * Does not: resample, mix channels; the sentence says how to convert.
 * Errors: ERR_PARSE or ERR_LIMIT (longer than WAV_SECONDS_MAX) and one sentence in *why.
 * From: IBM and Microsoft, Multimedia Programming Interface and Data Specifications 1.0, 1991.
 * Test: test/unit/media/t_wav.c, test/fuzz/fz_wav.c
 */
#ifndef MEDIA_WAV_H
#define MEDIA_WAV_H
#include <stdint.h>

#include "base/buf.h"

enum { WAV_SECONDS_MAX = 600, WAV_RATE = 8000, WAV_BYTES_MAX = 2 * WAV_RATE * WAV_SECONDS_MAX + 65536 };

enum wav_kind { WAV_PCM16, WAV_ALAW, WAV_ULAW };

struct wav {			/* borrows the file's bytes */
	enum wav_kind kind;
	const uint8_t *data;
	uint32_t samples;
};

/* Pure: what the bytes of a file hold. */
enum err wav_read(const uint8_t *p, size_t n, struct wav *w, struct buf *why);
int16_t wav_at(const struct wav *w, uint32_t i);
/* The samples of a file, mem_free() them; NULL: *why. Blocks: at start, not in the loop. */
int16_t *wav_load(const char *file, uint32_t *n, struct buf *why);

#endif
