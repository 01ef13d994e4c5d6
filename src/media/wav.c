#include "media/wav.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "media/player.h"

#define MEND "Convert it: sox IN.wav -r 8000 -c 1 -b 16 OUT.wav"

enum { RIFF_HEAD = 12, CHUNK_HEAD = 8, FMT_MIN = 16, FORMAT_PCM = 1, FORMAT_ALAW = 6, FORMAT_ULAW = 7 };

static uint32_t le16(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t le32(const uint8_t *p)
{
	return le16(p) | le16(p + 2) << 16;
}

static enum err refuse(struct buf *why, const char *what)
{
	buf_fmt(why, "%s. " MEND, what);
	return ERR_PARSE;
}

static enum err read_format(const uint8_t *p, uint32_t n, struct wav *w, struct buf *why)
{
	uint32_t bits;

	if (n < FMT_MIN)
		return refuse(why, "Its fmt chunk is too short");
	if (le16(p + 2) != 1)
		return refuse(why, "It has more than one channel");
	if (le32(p + 4) != WAV_RATE)
		return refuse(why, "Its rate is not 8000 Hz");
	bits = le16(p + 14);
	switch (le16(p)) {
	case FORMAT_PCM: w->kind = WAV_PCM16; break;
	case FORMAT_ALAW: w->kind = WAV_ALAW; break;
	case FORMAT_ULAW: w->kind = WAV_ULAW; break;
	default: return refuse(why, "It is neither PCM nor A-law nor u-law");
	}
	return bits == (w->kind == WAV_PCM16 ? 16u : 8u) ? OK
		: refuse(why, "Its samples have another width than 16 bit PCM or 8 bit G.711");
}

static enum err take_samples(const uint8_t *p, size_t n, struct wav *w, struct buf *why)
{
	w->data = p;
	w->samples = (uint32_t)(n / (w->kind == WAV_PCM16 ? 2 : 1));
	if (w->samples <= (uint32_t)WAV_RATE * WAV_SECONDS_MAX)
		return w->samples ? OK : refuse(why, "It holds no samples");
	buf_lit(why, "It is longer than 10 minutes. Shorten it");
	return ERR_LIMIT;
}

/* A chunk that runs over the end (a recording that was cut off) counts as far as it goes. */
enum err wav_read(const uint8_t *p, size_t n, struct wav *w, struct buf *why)
{
	bool have_format = false;

	*w = (struct wav){ .kind = WAV_PCM16 };
	if (n < RIFF_HEAD || memcmp(p, "RIFF", 4) != 0 || memcmp(p + 8, "WAVE", 4) != 0)
		return refuse(why, "It is no WAV file");
	for (size_t at = RIFF_HEAD; n - at >= CHUNK_HEAD;) {
		size_t size = le32(p + at + 4), left = n - at - CHUNK_HEAD;
		const uint8_t *body = p + at + CHUNK_HEAD;

		size = size < left ? size : left;
		if (!memcmp(p + at, "fmt ", 4)) {
			if (read_format(body, (uint32_t)size, w, why))
				return ERR_PARSE;
			have_format = true;
		} else if (!memcmp(p + at, "data", 4) && have_format) {
			return take_samples(body, size, w, why);
		}
		at += CHUNK_HEAD + size;
		at += (size & 1) && at < n;	/* chunks begin at even places */
	}
	return refuse(why, "It has no samples behind a format");
}

int16_t wav_at(const struct wav *w, uint32_t i)
{
	switch (w->kind) {
	case WAV_ALAW: return g711_from_alaw(w->data[i]);
	case WAV_ULAW: return g711_from_ulaw(w->data[i]);
	case WAV_PCM16: break;
	}
	return (int16_t)le16(w->data + 2 * (size_t)i);
}

static int16_t *decode(const uint8_t *p, size_t n, uint32_t *count, struct buf *why)
{
	int16_t *pcm;
	struct wav w;

	if (wav_read(p, n, &w, why))
		return NULL;
	pcm = mem_array(w.samples, sizeof *pcm);
	for (uint32_t i = 0; i < w.samples; i++)
		pcm[i] = wav_at(&w, i);
	*count = w.samples;
	return pcm;
}

int16_t *wav_load(const char *file, uint32_t *n, struct buf *why)
{
	FILE *f = fopen(file, "rbe");
	int16_t *pcm;
	uint8_t *text;
	size_t k;

	if (!f) {
		buf_fmt(why, "It cannot be read: %s. Check its name and its rights", strerror(errno));
		return NULL;
	}
	text = mem_new(WAV_BYTES_MAX);
	k = fread(text, 1, WAV_BYTES_MAX, f);
	(void)fclose(f);
	pcm = decode(text, k, n, why);
	mem_free(text);
	return pcm;
}
